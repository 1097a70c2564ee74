/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A number for each node, and quickly which nodes have at least so much: a few levels, each with the set of nodes that
 * reach it. A question takes the level below it, and looks at the few nodes between that level and the next one by one.
 *
 * A number may change at any time; the levels stay, and are only ever less well chosen. Numbers are amounts of a
 * resource. A set of nodes is a bitmap; it has whole blocks of words, so that a block can be ANDed at once.
 */
#pragma once

#include "policy/base/arena.h"

#include <stdint.h>

enum { MV_LEVELS = 32, MV_SET_BLOCK = 4 };

/* The words that a set of n nodes has. */
static inline size_t mv_levels_words(size_t n) {
        return (n + MV_SET_BLOCK * 64 - 1) / (MV_SET_BLOCK * 64) * MV_SET_BLOCK;
}

struct mv_levels {
        size_t n; /* nodes */
        int64_t *values;
        struct mv_amount_level {
                int64_t from;    /* the set holds the nodes with at least that much */
                int64_t highest; /* no node below the next level has more */
                uint64_t *at_least;
        } levels[MV_LEVELS]; /* ascending */
        size_t n_levels;
        int64_t lowest_highest; /* no node below the first level has more */
};

/* Choose levels for the values that are there; sets come from arena. False when it is exhausted. */
bool mv_levels_choose(struct mv_levels *levels, struct mv_arena *arena);
/* Change the number of a node. */
void mv_levels_set(struct mv_levels *levels, size_t node, int64_t value);
/* A copy that may be changed; false when the arena is exhausted. */
bool mv_levels_copy(const struct mv_levels *levels, struct mv_arena *arena, struct mv_levels *ret);
/* The nodes with at least so much, when a level has just these: *ret, NULL for none. False: mv_levels_and finds them. */
bool mv_levels_find(const struct mv_levels *levels, int64_t amount, const uint64_t **ret);
/* set &= the nodes with at least so much. */
void mv_levels_and(const struct mv_levels *levels, int64_t amount, uint64_t *set);
