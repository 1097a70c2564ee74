/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A region of memory that is freed at once: one a request, one a snapshot. What is allocated from it
 * lives until mv_arena_clear or mv_arena_done.
 *
 * Failure is sticky: when the allocator has no more, or the cap is reached, the arena stays `failed`, every
 * later call returns NULL (or an empty slice), and the owner tests mv_arena_failed once at the end of a stage.
 * An arena belongs to one thread at a time.
 */
#pragma once

#include "policy/base/alloc.h"
#include "policy/base/str.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct mv_arena_chunk;

struct mv_arena {
        const struct mv_allocator *allocator;
        struct mv_arena_chunk *chunks; /* newest first */
        char *next, *end;              /* free part of the newest chunk */
        size_t cap;                    /* most bytes it may hold in all chunks; 0: no cap */
        size_t held;                   /* bytes of all chunks */
        bool failed;
};

/* Memory is taken on the first allocation, so this cannot fail. */
void mv_arena_init(struct mv_arena *arena, const struct mv_allocator *allocator, size_t cap);
/* The same, beginning in memory that is the caller's and aligned for everything; only what does not fit there is taken from
 * the allocator. mv_arena_clear does not come back to it. */
void mv_arena_init_in(struct mv_arena *arena, const struct mv_allocator *allocator, void *memory,
                      size_t size);
/* Frees everything. The arena may be initialised again. */
void mv_arena_done(struct mv_arena *arena);
/* Forgets everything that was allocated, and the failure; keeps the newest chunk for reuse, unless it is very large. */
void mv_arena_clear(struct mv_arena *arena);

/* What was allocated since the mark is given back; the failure stays. No other mark of then may be used afterwards. */
struct mv_arena_mark {
        struct mv_arena_chunk *chunks;
        char *next, *end;
};
struct mv_arena_mark mv_arena_mark(const struct mv_arena *arena);
void mv_arena_return(struct mv_arena *arena, struct mv_arena_mark mark);

/* Memory for a library, which gives it back before the arena goes; it does not count against the cap. The arena has failed
 * when there is none. Valid as long as the arena stays where it is. */
struct mv_allocator mv_arena_lender(struct mv_arena *arena);

static inline bool mv_arena_failed(const struct mv_arena *arena) {
        return arena->failed;
}

/* Zeroed memory, or NULL. align is a power of two, at most that of max_align_t. */
void *mv_arena_allocate(struct mv_arena *arena, size_t size, size_t align);
/* The same for n elements; NULL when n * size overflows. */
void *mv_arena_allocate_array(struct mv_arena *arena, size_t n, size_t size, size_t align);

/* Make the newest allocation, of size bytes, larger by more zeroed ones where it is. False when it is not the newest, or
 * there is no room behind it: nothing has changed then. */
bool mv_arena_extend(struct mv_arena *arena, const void *memory, size_t size, size_t more);

#define mv_arena_new(arena, type) ((type *)mv_arena_allocate((arena), sizeof(type), alignof(type)))
#define mv_arena_new_array(arena, type, n) \
        ((type *)mv_arena_allocate_array((arena), (n), sizeof(type), alignof(type)))

/* A copy of s, followed by a NUL byte that its length does not count. Empty on failure. */
struct mv_str mv_arena_copy(struct mv_arena *arena, struct mv_str s);
/* A copy of s, followed by that many zero bytes. */
struct mv_str mv_arena_copy_padded(struct mv_arena *arena, struct mv_str s, size_t padding);
/* These texts in one, followed by a NUL byte likewise: much cheaper than printing them. */
struct mv_str mv_arena_join(struct mv_arena *arena, const struct mv_str *parts, size_t n);
/* A text in printf format, followed by a NUL byte likewise. */
struct mv_str mv_arena_format(struct mv_arena *arena, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
struct mv_str mv_arena_format_va(struct mv_arena *arena, const char *format, va_list args)
        __attribute__((format(printf, 2, 0)));
