/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of policy/nodes/nodefit for people: a mark for each node, and nodes that have the same mark and the same causes as
 * one group, so that five nodes and five thousand are said in a few lines.
 */
#pragma once

#include "policy/nodes/nodefit.h"

/* What a node is to an instance. The order is that of groups. */
enum mv_fit_mark {
        MV_MARK_FEASIBLE,
        MV_MARK_SOURCE,    /* the instance is there already, or a pod of it is */
        MV_MARK_MOMENTARY, /* what stops it can be otherwise in a moment: no room, cordoned */
        MV_MARK_LASTING,   /* something that lasts stops it */
        MV_MARKS
};
enum mv_fit_mark mv_fit_mark(const struct mv_fit *fit, size_t node);
/* "feasible", "source", "momentary", "lasting". */
const char *mv_fit_mark_name(enum mv_fit_mark mark);

struct mv_fit_group {
        enum mv_fit_mark mark;
        const struct mv_str *causes; /* sorted, each once; of a source what else would stop it, too */
        size_t n_causes;
        const size_t *nodes; /* numbers of the index, in the order of their names */
        size_t n_nodes;
};

struct mv_fit_groups {
        const struct mv_fit_group *items; /* by mark, then the larger first, then by the first node's name */
        size_t n;
        size_t count[MV_MARKS]; /* of nodes, by mark */
};

/* Group the nodes of that set (NULL: all). NULL when the arena is exhausted. */
const struct mv_fit_groups *mv_fit_groups_make(struct mv_arena *arena, const struct mv_fit *fit,
                                               const uint64_t *nodes);

/* The nodes of that set (NULL: all) in the order of their names. NULL when the arena is exhausted. */
const size_t *mv_node_set_by_name(struct mv_arena *arena, const struct mv_node_index *index,
                                  const uint64_t *nodes, size_t *ret_n);

/* The same fit, asked about these nodes alone: no other is feasible. NULL when the arena is exhausted. */
const struct mv_fit *mv_fit_among(struct mv_arena *arena, const struct mv_fit *fit, const uint64_t *nodes);

/*
 * Whether there is a node to go to, as far as checks of these classes go: of an instance without a node, one where it can
 * start and another one to move to from there. Where its node is not known, any node will do.
 */
bool mv_fit_has_target(struct mv_arena *arena, const struct mv_fit_question *question,
                       const struct mv_fit *fit, unsigned classes);
