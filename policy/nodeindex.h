/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node labels, inverted: for each label (key and value) the set of nodes that carry it, as a bitmap. Bit i stands
 * for the i-th Node of the snapshot. So "which nodes carry all of these labels" is a few ANDs however many nodes
 * there are.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/object/node.h"

#include <stdint.h>

struct mv_node_index;
struct mv_node_usage; /* what the pods on each node take */

/* words in a set of nodes */
size_t mv_node_index_words(const struct mv_node_index *index);
/* The nodes with that label, or NULL when there are none. */
const uint64_t *mv_node_index_label(const struct mv_node_index *index, struct mv_str key,
                                    struct mv_str value);

/* An empty set, and one of all nodes; from the arena, NULL when it is exhausted. */
uint64_t *mv_node_set_new(const struct mv_node_index *index, struct mv_arena *arena);
uint64_t *mv_node_set_all(const struct mv_node_index *index, struct mv_arena *arena);
/* set &= other; other may be NULL, the empty set. */
void mv_node_set_and(const struct mv_node_index *index, uint64_t *set, const uint64_t *other);
size_t mv_node_set_count(const struct mv_node_index *index, const uint64_t *set);
/* How many are in both; b may be NULL, the empty set. */
size_t mv_node_set_count_both(const struct mv_node_index *index, const uint64_t *a, const uint64_t *b);
bool mv_node_set_has(const uint64_t *set, size_t node);
void mv_node_set_remove(uint64_t *set, size_t node);

/* Build it for n nodes; everything is allocated from arena. NULL when that is exhausted. */
const struct mv_node_index *mv_node_index_build(struct mv_arena *arena, const struct mv_node *const *nodes,
                                                size_t n);
