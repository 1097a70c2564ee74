/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same question as policy/nodes/nodefit's, answered a second time for the tests: node by node, pod by pod and label by
 * label, in the words of KubeVirt and of Kubernetes' scheduler, with no index and no sets. Slow, and meant to be plain.
 */
#pragma once

#include "policy/nodes/nodefit.h"

/* What is asked for all instances of one snapshot. */
struct naive_cluster;

/* Lives in the arena; asserts that there is memory. */
struct naive_cluster *naive_cluster_new(struct mv_arena *arena, const struct mv_snapshot *snapshot);

/* Every cause of each node, in the order of the snapshot: sorted, each once, joined by ", "; "" is a feasible one. */
struct mv_str *naive_fit(struct mv_arena *arena, const struct naive_cluster *cluster,
                         const struct mv_fit_question *question, unsigned version);
