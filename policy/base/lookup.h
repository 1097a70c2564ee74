/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers by the hash of a name (policy/base/hash.h, from the seed of the lookup itself): chains through an array.
 * Whoever looks compares the names himself, since a chain holds others, too.
 *
 *     MV_LOOKUP_FOREACH(i, lookup, mv_hash_add(mv_hash_seed(lookup), name))
 *             if (mv_str_equal(names[i - 1], name))
 *                     return i - 1;
 */
#pragma once

#include "policy/base/arena.h"

#include <stdint.h>

struct mv_lookup {
        uint32_t *head; /* of 2^n chains, number + 1; 0 is the end */
        uint32_t *next; /* of each number, likewise */
        size_t mask;
};

/* For the numbers below n. NULL when the arena has failed. */
static inline struct mv_lookup *mv_lookup_make(struct mv_arena *arena, uint32_t n) {
        struct mv_lookup *lookup = mv_arena_new(arena, struct mv_lookup);
        size_t size = 16;
        while (size < n)
                size *= 2;
        if (!lookup)
                return NULL;
        lookup->mask = size - 1;
        lookup->head = mv_arena_new_array(arena, uint32_t, size);
        lookup->next = mv_arena_new_array(arena, uint32_t, (size_t)n + 1);
        return lookup->head && lookup->next ? lookup : NULL;
}

/* Each number once. */
static inline void mv_lookup_add(struct mv_lookup *lookup, uint64_t hash, uint32_t number) {
        uint32_t *head = &lookup->head[hash & lookup->mask];
        lookup->next[number] = *head;
        *head = number + 1;
}

/* i is the number + 1; the last one that was added comes first. */
#define MV_LOOKUP_FOREACH(i, lookup, hash) \
        for (uint32_t i = (lookup)->head[(hash) & (lookup)->mask]; i; i = (lookup)->next[i - 1])
