/* SPDX-License-Identifier: Apache-2.0 */
/* Where an instance could go, in words: nodes of one fate in one line. */
#pragma once

#include "cli/text.h"
#include "policy/nodes/fitgroups.h"
#include "policy/drain/stranded.h"

/* One character for the mark, its colour, and what it means. */
const char *mv_places_sign(enum mv_fit_mark mark);
const char *mv_places_color(const struct mv_style *style, enum mv_fit_mark mark);
/* starts: of an instance that has no node yet. */
const char *mv_places_meaning(enum mv_fit_mark mark, bool starts);

/* "node-a, node-b and 3 more"; from the arena. */
struct mv_str mv_places_nodes(struct mv_arena *arena, const struct mv_node_index *index, const size_t *nodes,
                              size_t n);
/* "cpu-model:Haswell, taint:x"; without_source leaves out that the instance is there. */
struct mv_str mv_places_causes(struct mv_arena *arena, const struct mv_fit_group *group, bool without_source);

/* A line a group, "  x node-c, node-d and 3 more: cpu-model:Haswell". */
void mv_places_print(FILE *stream, struct mv_arena *arena, const struct mv_fit *fit,
                     const struct mv_fit_groups *groups, const struct mv_style *style);
/* What strands the instance, and what to do. */
void mv_places_print_stranded(FILE *stream, struct mv_arena *arena, const struct mv_stranded *stranded,
                              const struct mv_style *style);
