/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nodes/levels.h"

#include <stdlib.h>

/* As many as a set of nodes has (policy/nodes/nodeindex). */
static size_t words(const struct mv_levels *levels) {
        return mv_levels_words(levels->n);
}

static int ascending(const void *a, const void *b) {
        const int64_t *left = a, *right = b;
        return (*left > *right) - (*left < *right);
}

/* The level that value stands on, SIZE_MAX when it is below the first. */
static size_t level_of(const struct mv_levels *levels, int64_t value) {
        size_t low = 0, high = levels->n_levels;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (levels->levels[middle].from <= value)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low ? low - 1 : SIZE_MAX;
}

static void raise_highest(struct mv_levels *levels, size_t level, int64_t value) {
        int64_t *highest = level == SIZE_MAX ? &levels->lowest_highest : &levels->levels[level].highest;
        if (*highest < value)
                *highest = value;
}

bool mv_levels_choose(struct mv_levels *levels, struct mv_arena *arena) {
        size_t n = levels->n;
        int64_t *sorted = mv_arena_new_array(arena, int64_t, n);
        if (!sorted)
                return false;
        levels->n_levels = 0;
        levels->lowest_highest = INT64_MIN;
        if (!n)
                return true;
        memcpy(sorted, levels->values, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, ascending);
        for (size_t i = 0; i < MV_LEVELS; i++) {
                int64_t from = sorted[n * i / MV_LEVELS];
                if (levels->n_levels && levels->levels[levels->n_levels - 1].from == from)
                        continue;
                struct mv_amount_level *level = &levels->levels[levels->n_levels++];
                *level = (struct mv_amount_level){ from, INT64_MIN,
                                                   mv_arena_new_array(arena, uint64_t, words(levels)) };
                if (!level->at_least)
                        return false;
        }
        for (size_t node = 0; node < n; node++) {
                size_t at = level_of(levels, levels->values[node]);
                raise_highest(levels, at, levels->values[node]);
                for (size_t i = 0; i <= at; i++)
                        levels->levels[i].at_least[node / 64] |= UINT64_C(1) << node % 64;
        }
        return true;
}

void mv_levels_set(struct mv_levels *levels, size_t node, int64_t value) {
        levels->values[node] = value;
        raise_highest(levels, level_of(levels, value), value);
        for (size_t i = 0; i < levels->n_levels; i++) {
                uint64_t bit = UINT64_C(1) << node % 64, *word = &levels->levels[i].at_least[node / 64];
                *word = levels->levels[i].from <= value ? *word | bit : *word & ~bit;
        }
}

bool mv_levels_copy(const struct mv_levels *levels, struct mv_arena *arena, struct mv_levels *ret) {
        *ret = *levels;
        ret->values = mv_arena_new_array(arena, int64_t, levels->n);
        if (!ret->values)
                return false;
        if (levels->n)
                memcpy(ret->values, levels->values, levels->n * sizeof *ret->values);
        for (size_t i = 0; i < levels->n_levels; i++) {
                ret->levels[i].at_least = mv_arena_new_array(arena, uint64_t, words(levels));
                if (!ret->levels[i].at_least)
                        return false;
                memcpy(ret->levels[i].at_least, levels->levels[i].at_least, words(levels) * sizeof(uint64_t));
        }
        return true;
}

/* The sets of the level that the amount stands on (NULL: all nodes) and of the next one (NULL: none); and the most that a
 * node between the two has. */
struct gap {
        const uint64_t *below, *above;
        int64_t highest;
};

static struct gap find_gap(const struct mv_levels *levels, int64_t amount) {
        size_t at = level_of(levels, amount), next = at == SIZE_MAX ? 0 : at + 1;
        return (struct gap){
                .below = at == SIZE_MAX ? NULL : levels->levels[at].at_least,
                .above = next < levels->n_levels ? levels->levels[next].at_least : NULL,
                .highest = at == SIZE_MAX ? levels->lowest_highest : levels->levels[at].highest,
        };
}

bool mv_levels_find(const struct mv_levels *levels, int64_t amount, const uint64_t **ret) {
        size_t at = level_of(levels, amount);
        const struct gap gap = find_gap(levels, amount);
        bool on_level = at != SIZE_MAX && levels->levels[at].from == amount;
        *ret = on_level ? gap.below : gap.above;
        return on_level || gap.highest < amount || !levels->n;
}

void mv_levels_and(const struct mv_levels *levels, int64_t amount, uint64_t *set) {
        const struct gap gap = find_gap(levels, amount);
        const uint64_t *exact;
        bool found = mv_levels_find(levels, amount, &exact);
        for (size_t i = 0, n = words(levels); i < n; i++) {
                uint64_t enough = found ? (exact ? exact[i] : 0) : gap.above ? gap.above[i] : 0;
                uint64_t between = found ? 0 : set[i] & (gap.below ? gap.below[i] : UINT64_MAX) & ~enough;
                uint64_t kept = set[i] & enough;
                for (; between; between &= between - 1) {
                        size_t node = i * 64 + (size_t)__builtin_ctzll(between);
                        if (node < levels->n && levels->values[node] >= amount)
                                kept |= between & -between;
                }
                set[i] = kept;
        }
}
