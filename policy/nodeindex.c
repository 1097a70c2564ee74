/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nodeindex.h"

#include "policy/base/hash.h"

struct slot {
        struct mv_str key, value;
        uint64_t *set; /* NULL: the slot is free */
};

struct mv_node_index {
        size_t n, words;
        struct slot *slots; /* open addressing; a power of two */
        size_t n_slots, used;
};

static struct slot *find_slot(const struct mv_node_index *index, struct mv_str key, struct mv_str value) {
        size_t at = (size_t)mv_hash_add(mv_hash_add(MV_HASH_START, key), value) & (index->n_slots - 1);
        for (;; at = (at + 1) & (index->n_slots - 1)) {
                struct slot *slot = &index->slots[at];
                if (!slot->set || (mv_str_equal(slot->key, key) && mv_str_equal(slot->value, value)))
                        return slot;
        }
}

static bool grow_slots(struct mv_arena *arena, struct mv_node_index *index) {
        struct slot *old = index->slots;
        size_t n_old = index->n_slots;
        index->n_slots = n_old ? n_old * 2 : 256;
        index->slots = mv_arena_new_array(arena, struct slot, index->n_slots);
        if (!index->slots)
                return false;
        for (size_t i = 0; i < n_old; i++)
                if (old[i].set)
                        *find_slot(index, old[i].key, old[i].value) = old[i];
        return true;
}

const struct mv_node_index *mv_node_index_build(struct mv_arena *arena, const struct mv_node *const *nodes,
                                                size_t n) {
        struct mv_node_index *index = mv_arena_new(arena, struct mv_node_index);
        if (!index)
                return NULL;
        index->n = n;
        index->words = (n + 63) / 64;
        if (!grow_slots(arena, index))
                return NULL;
        for (size_t node = 0; node < n; node++) {
                const struct mv_map *labels = &nodes[node]->meta.labels;
                for (size_t i = 0; i < labels->n; i++) {
                        if (index->used * 2 >= index->n_slots && !grow_slots(arena, index))
                                return NULL;
                        struct slot *slot = find_slot(index, labels->items[i].key, labels->items[i].value);
                        if (!slot->set) {
                                *slot = (struct slot){ labels->items[i].key, labels->items[i].value,
                                                       mv_arena_new_array(arena, uint64_t, index->words) };
                                if (!slot->set)
                                        return NULL;
                                index->used++;
                        }
                        slot->set[node / 64] |= UINT64_C(1) << node % 64;
                }
        }
        return index;
}

size_t mv_node_index_words(const struct mv_node_index *index) {
        return index->words;
}

const uint64_t *mv_node_index_label(const struct mv_node_index *index, struct mv_str key,
                                    struct mv_str value) {
        return find_slot(index, key, value)->set;
}

uint64_t *mv_node_set_new(const struct mv_node_index *index, struct mv_arena *arena) {
        return mv_arena_new_array(arena, uint64_t, index->words);
}

uint64_t *mv_node_set_all(const struct mv_node_index *index, struct mv_arena *arena) {
        uint64_t *set = mv_node_set_new(index, arena);
        for (size_t i = 0; set && i < index->words; i++)
                set[i] = i + 1 < index->words || index->n % 64 == 0 ? UINT64_MAX
                                                                    : (UINT64_C(1) << index->n % 64) - 1;
        return set;
}

void mv_node_set_and(const struct mv_node_index *index, uint64_t *set, const uint64_t *other) {
        for (size_t i = 0; i < index->words; i++)
                set[i] &= other ? other[i] : 0;
}

size_t mv_node_set_count(const struct mv_node_index *index, const uint64_t *set) {
        size_t count = 0;
        for (size_t i = 0; i < index->words; i++)
                count += (size_t)__builtin_popcountll(set[i]);
        return count;
}

size_t mv_node_set_count_both(const struct mv_node_index *index, const uint64_t *a, const uint64_t *b) {
        size_t count = 0;
        for (size_t i = 0; b && i < index->words; i++)
                count += (size_t)__builtin_popcountll(a[i] & b[i]);
        return count;
}

bool mv_node_set_has(const uint64_t *set, size_t node) {
        return set[node / 64] >> node % 64 & 1;
}

void mv_node_set_remove(uint64_t *set, size_t node) {
        set[node / 64] &= ~(UINT64_C(1) << node % 64);
}
