/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes of an index in the order of their names, so that a set can be listed by name without being sorted each time. A
 * part of the index (mv_node_index_order), made anew when it is settled.
 */
#pragma once

#include "policy/nodes/nodeindex.h"

struct mv_node_order {
        uint32_t *nodes; /* places in that order; those where no node is come last */
        uint32_t *ranks; /* of each place, where it is among `nodes` */
};

/* Work it out; its memory, once, is the arena's. False when that, or memory, is exhausted. */
bool mv_node_order_make(struct mv_node_order *order, const struct mv_node_index *index,
                        struct mv_arena *arena);
