/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/names.h"

#include "policy/base/hash.h"

/* Up to so many are searched one by one, which is faster than to hash. */
enum { SEARCHED = 12 };

static struct mv_str name_at(const struct mv_names_index *index, size_t i) {
        struct mv_str name;
        memcpy(&name, index->names + i * index->stride, sizeof name);
        return name;
}

/* The slot of that name, or the free one where it belongs. */
static uint32_t *find_slot(const struct mv_names_index *index, struct mv_str name) {
        size_t mask = index->n_slots - 1, at = (size_t)mv_hash_add(mv_hash_seed(index->slots), name) & mask;
        while (index->slots[at] && !mv_str_equal(name_at(index, index->slots[at] - 1), name))
                at = (at + 1) & mask;
        return &index->slots[at];
}

bool mv_names_index_build(struct mv_arena *arena, struct mv_names_index *index, const void *names, size_t n,
                          size_t stride) {
        *index = (struct mv_names_index){ .names = names, .n = n, .stride = stride };
        if (n <= SEARCHED)
                return true;
        size_t n_slots = 4;
        while (n_slots < n * 2)
                n_slots *= 2;
        index->slots = n < UINT32_MAX / 4 ? mv_arena_new_array(arena, uint32_t, n_slots) : NULL;
        if (!index->slots) {
                index->n = 0;
                return false;
        }
        index->n_slots = n_slots;
        for (size_t i = 0; i < n; i++) {
                uint32_t *slot = find_slot(index, name_at(index, i));
                if (!*slot)
                        *slot = (uint32_t)i + 1;
        }
        return true;
}

size_t mv_names_index_find(const struct mv_names_index *index, struct mv_str name) {
        if (index->slots) {
                uint32_t slot = *find_slot(index, name);
                return slot ? slot - 1 : SIZE_MAX;
        }
        for (size_t i = 0; i < index->n; i++)
                if (mv_str_equal(name_at(index, i), name))
                        return i;
        return SIZE_MAX;
}
