/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/growing.h"

#include <stdint.h>
#include <stdio.h>

/* Room for n more bytes and a NUL. */
static bool reserve(struct mv_growing *growing, size_t n) {
        size_t capacity = growing->capacity ? growing->capacity : 64;
        if (n >= SIZE_MAX / 4 - growing->n) {
                growing->arena->failed = true;
                return false;
        }
        if (growing->n + n < growing->capacity)
                return true;
        while (growing->n + n >= capacity)
                capacity *= 2;
        char *p = mv_arena_allocate(growing->arena, capacity, 1);
        if (!p)
                return false;
        if (growing->n)
                memcpy(p, growing->p, growing->n);
        growing->p = p;
        growing->capacity = capacity;
        return true;
}

void mv_growing_add(struct mv_growing *growing, const char *format, ...) {
        va_list args, again;
        va_start(args, format);
        va_copy(again, args);
        int n = vsnprintf(NULL, 0, format, args);
        if (n < 0)
                growing->arena->failed = true;
        else if (reserve(growing, (size_t)n)) {
                vsnprintf(growing->p + growing->n, (size_t)n + 1, format, again);
                growing->n += (size_t)n;
        }
        va_end(again);
        va_end(args);
}
