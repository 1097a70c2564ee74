/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that many objects have in common, one copy of each, for as long as any object uses it: the labels of a cluster
 * whose objects come and go. Each use is counted; a text goes with its last use.
 *
 * Uses are collected: what mv_texts_take gave since the last mv_texts_keep or mv_texts_drop belongs to nobody yet, and a text
 * that is taken several times meanwhile is used once more, not several times. A pool belongs to one thread; the texts may be
 * read by any while they are used.
 */
#pragma once

#include "policy/base/alloc.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mv_text;

struct mv_texts {
        const struct mv_allocator *allocator;
        struct mv_text **slots; /* open addressing; n_slots a power of two */
        size_t n_slots, used;
        struct mv_text **taken; /* the uses that belong to nobody yet */
        size_t n_taken, capacity;
        size_t bytes; /* that the texts hold */
        bool failed;  /* memory was out since the last keep or drop */
};

void mv_texts_init(struct mv_texts *texts, const struct mv_allocator *allocator);
/* No text may be in use any more. */
void mv_texts_done(struct mv_texts *texts);

/* The copy of s, NUL-terminated. Empty, and the pool has failed, when memory is out. */
struct mv_str mv_texts_take(struct mv_texts *texts, struct mv_str s);
/* How many uses were taken. */
size_t mv_texts_taken(const struct mv_texts *texts);
/* Hand them over: writes them to uses, which has room for all. */
void mv_texts_keep(struct mv_texts *texts, struct mv_text **uses);
/* Give them up. */
void mv_texts_drop(struct mv_texts *texts);
/* Give up n uses that were kept. */
void mv_texts_release(struct mv_texts *texts, struct mv_text *const *uses, size_t n);
