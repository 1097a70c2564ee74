/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One copy of each text: labels of thousands of nodes and pods repeat the same few hundred keys and values. The copies go
 * to one arena, the table that finds them lives in another one, for as long as copying goes on.
 */
#pragma once

#include "policy/base/arena.h"

struct mv_intern {
        struct mv_arena *texts, *table;
        struct mv_str *slots; /* open addressing; n_slots a power of two */
        size_t n_slots, used;
};

/* A copy of s, the same for the same text. A long text, which nobody repeats, is copied each time. Empty when an arena is
 * exhausted; texts has then failed. */
struct mv_str mv_intern(struct mv_intern *intern, struct mv_str s);
