/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is free on each node: what it can allocate, less what its unfinished pods request (the scheduler's
 * NodeResourcesFit). It follows a pod that comes or goes at the cost of that pod.
 */
#pragma once

#include "policy/launcher/launcher.h"
#include "policy/nodes/nodeindex.h"

struct mv_node_usage;

/* With nothing on the nodes. The index must be settled and outlive it. NULL when the arena is exhausted. */
struct mv_node_usage *mv_node_usage_new(struct mv_arena *arena, const struct mv_node_index *index);
/* A copy that may be changed. */
struct mv_node_usage *mv_node_usage_copy(struct mv_arena *arena, const struct mv_node_usage *usage);
/* A pod with these requests comes to that node, or leaves it. Resources that no node has are passed over. */
void mv_node_usage_add(struct mv_node_usage *usage, size_t node, const struct mv_amounts *requests);
void mv_node_usage_remove(struct mv_node_usage *usage, size_t node, const struct mv_amounts *requests);
/* Choose the levels anew, when many pods have come: questions become quick again. */
bool mv_node_usage_settle(struct mv_arena *arena, struct mv_node_usage *usage);
/* What is free on each node of that resource of the index. */
const struct mv_levels *mv_node_usage_free(const struct mv_node_usage *usage, size_t resource);
