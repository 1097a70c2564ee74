/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes, inverted: for each label, each label key and each taint the set of nodes that carry it, as a bitmap, and
 * for each resource what every node can allocate. Bit i stands for the i-th Node of the snapshot. So "which nodes
 * carry all of these labels" is a few ANDs however many nodes there are.
 *
 * An index is built by adding one node after the other, and is kept up to date in the same way: a node that changes
 * costs its own labels, not those of the others (mv_node_index_replace). While nobody changes it, any number of threads
 * may read it. A set that few nodes are in is kept as a list, and becomes a bitmap in the asker's arena.
 *
 * The empty set may be NULL. A set that is NULL because memory is out looks empty, too: whoever asks tests its arena.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/nodes/levels.h"
#include "policy/object/node.h"

#include <stdint.h>

struct mv_node_index;

/* Room for so many nodes; everything is allocated from arena. NULL when that is exhausted. */
struct mv_node_index *mv_node_index_new(struct mv_arena *arena, size_t n);
/* Put node (NULL: nothing) in the place i in place of what was there. Both must outlive the index, and not change. False
 * when the arena is exhausted; the index is then good for nothing. */
bool mv_node_index_replace(struct mv_node_index *index, size_t i, const struct mv_node *node);
/* Work out what depends on all nodes; after the last of a batch of changes. */
bool mv_node_index_settle(struct mv_node_index *index);

size_t mv_node_index_count(const struct mv_node_index *index); /* of places */
size_t mv_node_index_words(const struct mv_node_index *index); /* in a set */
/* The places by the names of their nodes. Only of a settled index. */
struct mv_node_order; /* policy/nodes/nodeorder.h */
const struct mv_node_order *mv_node_index_order(const struct mv_node_index *index);
/* The node in that place; NULL when there is none. */
const struct mv_node *mv_node_index_at(const struct mv_node_index *index, size_t i);
/* Its place, SIZE_MAX when there is none of that name. */
size_t mv_node_index_find(const struct mv_node_index *index, struct mv_str name);
/* The label key cpu-vendor.node.kubevirt.io/... of that node, "" when it has none. */
struct mv_str mv_node_index_vendor(const struct mv_node_index *index, size_t i);

/* What a host-model instance that leaves a node asks of the next one (pkg/virt-controller/watch/migration/migration.go:
 * prepareNodeSelectorForHostCpuModel): labels, each with the nodes that have it. Worked out once for all nodes that ask for
 * the same. */
struct mv_host_model {
        struct mv_host_model_label {
                struct mv_str key, value;
                const uint64_t *nodes;
        } * labels; /* the model first */
        size_t n;
        uint64_t *pass; /* the nodes that have all of them */
};
/* That of a node; NULL when it has no host-model label. Only of a settled index. */
const struct mv_host_model *mv_node_index_host_model(const struct mv_node_index *index, size_t i);

/* The nodes with that label; with any label of that key; which are cordoned; and all. */
const uint64_t *mv_node_index_label(const struct mv_node_index *index, struct mv_arena *arena,
                                    struct mv_str key, struct mv_str value);
/* set |= the nodes with that label. */
void mv_node_index_or_label(const struct mv_node_index *index, struct mv_str key, struct mv_str value,
                            uint64_t *set);
const uint64_t *mv_node_index_key(const struct mv_node_index *index, struct mv_arena *arena,
                                  struct mv_str key);
const uint64_t *mv_node_index_cordoned(const struct mv_node_index *index);
const uint64_t *mv_node_index_all(const struct mv_node_index *index);
/* The nodes that do not say what they can allocate, so nothing can be said about their resources. */
const uint64_t *mv_node_index_silent(const struct mv_node_index *index);

/* Each distinct taint, and the nodes that have it. */
size_t mv_node_index_taints(const struct mv_node_index *index);
const struct mv_taint *mv_node_index_taint(const struct mv_node_index *index, struct mv_arena *arena,
                                           size_t i, const uint64_t **ret_nodes);

/* Resources that any node can allocate: the number of that name, SIZE_MAX when there is none. Amounts are in thousandths
 * for `cpu`, else in the resource's own unit. */
size_t mv_node_index_resources(const struct mv_node_index *index);
size_t mv_node_index_resource(const struct mv_node_index *index, struct mv_str name);
/* What each node can allocate of it. */
const struct mv_levels *mv_node_index_allocatable(const struct mv_node_index *index, size_t resource);

/* --- sets --- */

/* An empty set, and one of all nodes; from the arena, NULL when it is exhausted. */
uint64_t *mv_node_set_new(const struct mv_node_index *index, struct mv_arena *arena);
uint64_t *mv_node_set_all(const struct mv_node_index *index, struct mv_arena *arena);
/* set &= other, set |= other, set &= ~other; either may be NULL. */
void mv_node_set_and(const struct mv_node_index *index, uint64_t *set, const uint64_t *other);
void mv_node_set_or(const struct mv_node_index *index, uint64_t *set, const uint64_t *other);
void mv_node_set_without(const struct mv_node_index *index, uint64_t *set, const uint64_t *other);
size_t mv_node_set_count(const struct mv_node_index *index, const uint64_t *set);
/* How many are in both. */
size_t mv_node_set_count_both(const struct mv_node_index *index, const uint64_t *a, const uint64_t *b);
static inline bool mv_node_set_has(const uint64_t *set, size_t node) {
        return set && set[node / 64] >> node % 64 & 1;
}
void mv_node_set_add(uint64_t *set, size_t node);
void mv_node_set_remove(uint64_t *set, size_t node);
/* Take out all but the first `most` nodes. Returns how many that were. */
size_t mv_node_set_limit(const struct mv_node_index *index, uint64_t *set, size_t most);
/* The first node of the set from that one on, SIZE_MAX when there is none:
 * for (size_t i = mv_node_set_next(index, set, 0); i != SIZE_MAX; i = mv_node_set_next(index, set, i + 1)) */
size_t mv_node_set_next(const struct mv_node_index *index, const uint64_t *set, size_t from);
