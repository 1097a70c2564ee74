/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CHUNK = 16 * 1024, LARGEST_CHUNK = 1024 * 1024, LARGEST_KEPT = 256 * 1024 };

struct mv_arena_chunk {
        struct mv_arena_chunk *older;
        size_t size; /* bytes behind this header */
        alignas(max_align_t) char bytes[];
};

static void *system_allocate(void *context, size_t size) {
        (void)context;
        return malloc(size);
}

static void system_release(void *context, void *memory) {
        (void)context;
        free(memory);
}

const struct mv_allocator mv_allocator_system = { .allocate = system_allocate, .release = system_release };

void mv_arena_init(struct mv_arena *arena, const struct mv_allocator *allocator, size_t cap) {
        *arena = (struct mv_arena){ .allocator = allocator, .cap = cap };
}

void mv_arena_init_in(struct mv_arena *arena, const struct mv_allocator *allocator, void *memory,
                      size_t size) {
        mv_arena_init(arena, allocator, 0);
        arena->next = memory;
        arena->end = (char *)memory + size;
}

static void release_newest(struct mv_arena *arena) {
        struct mv_arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->older;
        arena->held -= chunk->size;
        arena->allocator->release(arena->allocator->context, chunk);
}

/* Releases all chunks but that one. */
static void release_chunks(struct mv_arena *arena, struct mv_arena_chunk *keep) {
        while (arena->chunks) {
                if (arena->chunks == keep)
                        arena->chunks = keep->older;
                else
                        release_newest(arena);
        }
        arena->chunks = keep;
        if (keep)
                keep->older = NULL;
}

void mv_arena_done(struct mv_arena *arena) {
        release_chunks(arena, NULL);
        mv_arena_init(arena, arena->allocator, arena->cap);
}

/* Each chunk is larger than the one before, so whoever does the same again soon finds room for all of it in one. */
void mv_arena_clear(struct mv_arena *arena) {
        struct mv_arena_chunk *keep = arena->chunks;
        while (keep && keep->size > LARGEST_KEPT)
                keep = keep->older;
        release_chunks(arena, keep);
        arena->failed = false;
        arena->next = keep ? keep->bytes : NULL;
        arena->end = keep ? keep->bytes + keep->size : NULL;
}

struct mv_arena_mark mv_arena_mark(const struct mv_arena *arena) {
        return (struct mv_arena_mark){ arena->chunks, arena->next, arena->end };
}

void mv_arena_return(struct mv_arena *arena, struct mv_arena_mark mark) {
        while (arena->chunks != mark.chunks)
                release_newest(arena);
        arena->next = mark.next;
        arena->end = mark.end;
}

static bool add_chunk(struct mv_arena *arena, size_t need) {
        /* What mv_arena_clear kept may be more than a new cap. */
        size_t room = !arena->cap ? SIZE_MAX : arena->cap > arena->held ? arena->cap - arena->held : 0;
        size_t size = arena->chunks ? arena->chunks->size * 2 : FIRST_CHUNK;
        if (size > LARGEST_CHUNK)
                size = LARGEST_CHUNK;
        if (size > room)
                size = room;
        if (size < need)
                size = need;
        if (size > room || size > SIZE_MAX - sizeof(struct mv_arena_chunk))
                return false;
        struct mv_arena_chunk *chunk =
                arena->allocator->allocate(arena->allocator->context, sizeof *chunk + size);
        if (!chunk)
                return false;
        chunk->older = arena->chunks;
        chunk->size = size;
        arena->chunks = chunk;
        arena->held += size;
        arena->next = chunk->bytes;
        arena->end = chunk->bytes + size;
        return true;
}

void *mv_arena_allocate(struct mv_arena *arena, size_t size, size_t align) {
        if (arena->failed)
                return NULL;
        size_t padding = arena->next ? (size_t)(-(uintptr_t)arena->next & (align - 1)) : 0;
        if (!arena->next || size > (size_t)(arena->end - arena->next) ||
            padding > (size_t)(arena->end - arena->next) - size) {
                /* A new chunk is aligned for everything. */
                padding = 0;
                if (!add_chunk(arena, size)) {
                        arena->failed = true;
                        return NULL;
                }
        }
        char *memory = arena->next + padding;
        arena->next = memory + size;
        if (size)
                memset(memory, 0, size);
        return memory;
}

void *mv_arena_allocate_array(struct mv_arena *arena, size_t n, size_t size, size_t align) {
        if (size && n > SIZE_MAX / size) {
                arena->failed = true;
                return NULL;
        }
        return mv_arena_allocate(arena, n * size, align);
}

bool mv_arena_extend(struct mv_arena *arena, const void *memory, size_t size, size_t more) {
        if (arena->failed || !memory || (const char *)memory + size != arena->next ||
            more > (size_t)(arena->end - arena->next))
                return false;
        memset(arena->next, 0, more);
        arena->next += more;
        return true;
}

struct mv_str mv_arena_copy_padded(struct mv_arena *arena, struct mv_str s, size_t padding) {
        char *memory = s.n < SIZE_MAX - padding ? mv_arena_allocate(arena, s.n + padding, 1) : NULL;
        if (!memory)
                return (struct mv_str){ 0 };
        if (s.n)
                memcpy(memory, s.p, s.n);
        return (struct mv_str){ .p = memory, .n = s.n };
}

struct mv_str mv_arena_copy(struct mv_arena *arena, struct mv_str s) {
        return mv_arena_copy_padded(arena, s, 1);
}

struct mv_str mv_arena_join(struct mv_arena *arena, const struct mv_str *parts, size_t n) {
        size_t length = 0;
        for (size_t i = 0; i < n; i++)
                length += parts[i].n;
        char *memory = mv_arena_allocate(arena, length + 1, 1), *at = memory;
        if (!memory)
                return (struct mv_str){ 0 };
        for (size_t i = 0; i < n; i++) {
                if (parts[i].n)
                        memcpy(at, parts[i].p, parts[i].n);
                at += parts[i].n;
        }
        return (struct mv_str){ .p = memory, .n = length };
}

struct mv_str mv_arena_format_va(struct mv_arena *arena, const char *format, va_list args) {
        char most[512]; /* of texts; printing is what takes time, so it is done once */
        va_list again;
        va_copy(again, args);
        int n = vsnprintf(most, sizeof most, format, args);
        char *memory = n < 0 ? NULL : mv_arena_allocate(arena, (size_t)n + 1, 1);
        if (!memory)
                arena->failed = true;
        else if ((size_t)n < sizeof most)
                memcpy(memory, most, (size_t)n + 1);
        else
                vsnprintf(memory, (size_t)n + 1, format, again);
        va_end(again);
        return (struct mv_str){ .p = memory, .n = memory ? (size_t)n : 0 };
}

struct mv_str mv_arena_format(struct mv_arena *arena, const char *format, ...) {
        va_list args;
        va_start(args, format);
        struct mv_str text = mv_arena_format_va(arena, format, args);
        va_end(args);
        return text;
}

static void *lend(void *context, size_t size) {
        struct mv_arena *arena = context;
        void *memory = arena->allocator->allocate(arena->allocator->context, size);
        arena->failed = arena->failed || !memory;
        return memory;
}

static void take_back(void *context, void *memory) {
        const struct mv_arena *arena = context;
        arena->allocator->release(arena->allocator->context, memory);
}

struct mv_allocator mv_arena_lender(struct mv_arena *arena) {
        return (struct mv_allocator){ .allocate = lend, .release = take_back, .context = arena };
}
