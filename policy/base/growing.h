/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text that grows piece by piece in an arena, in time that its length tells, however many pieces there are. Start with
 * { .arena = arena }. Failure is the arena's: the text is then cut.
 */
#pragma once

#include "policy/base/arena.h"

struct mv_growing {
        struct mv_arena *arena;
        char *p;
        size_t n, capacity; /* bytes of text; bytes allocated */
};

/* Add a piece in printf format. */
void mv_growing_add(struct mv_growing *growing, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* What there is so far, followed by a NUL byte that is not counted; good until the next piece. */
static inline struct mv_str mv_growing_text(const struct mv_growing *growing) {
        return (struct mv_str){ .p = growing->p, .n = growing->n };
}
