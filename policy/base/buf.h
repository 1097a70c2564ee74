/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing text with a maximum that is given at the start. Failure (no memory, maximum reached) is sticky:
 * the buffer then holds nothing more, and its owner asks mv_buf_failed once. The text is followed by a NUL
 * byte that is not counted, so `buf.p` is a C string whenever buf.p is not NULL.
 */
#pragma once

#include "policy/base/alloc.h"
#include "policy/base/str.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct mv_buf {
        const struct mv_allocator *allocator;
        char *p;
        size_t n;        /* bytes of text */
        size_t capacity; /* bytes allocated */
        size_t maximum;  /* most bytes of text */
        bool failed;
};

void mv_buf_init(struct mv_buf *buf, const struct mv_allocator *allocator, size_t maximum);
void mv_buf_done(struct mv_buf *buf);
/* Forget the text and the failure, keep the memory. */
void mv_buf_clear(struct mv_buf *buf);

static inline bool mv_buf_failed(const struct mv_buf *buf) {
        return buf->failed;
}
static inline struct mv_str mv_buf_str(const struct mv_buf *buf) {
        return (struct mv_str){ .p = buf->p, .n = buf->n };
}

/* mv_buf_reserve where there is no room yet. */
char *mv_buf_grow(struct mv_buf *buf, size_t n);

/* Make room for n more bytes (and a NUL). Returns where they go, or NULL; the caller adds to buf->n. */
static inline char *mv_buf_reserve(struct mv_buf *buf, size_t n) {
        if (buf->failed || n >= buf->capacity - buf->n || n > buf->maximum - buf->n)
                return mv_buf_grow(buf, n);
        buf->p[buf->n + n] = '\0';
        return buf->p + buf->n;
}

static inline void mv_buf_append_byte(struct mv_buf *buf, char c) {
        char *to = mv_buf_reserve(buf, 1);
        if (!to)
                return;
        *to = c;
        buf->n++;
}

void mv_buf_append(struct mv_buf *buf, const void *bytes, size_t n);
void mv_buf_append_str(struct mv_buf *buf, struct mv_str s);
void mv_buf_append_text(struct mv_buf *buf, const char *text);
void mv_buf_append_int(struct mv_buf *buf, long long value);
/* Append s as a part of a URL: all but letters, digits and -._~ in hexadecimal. */
void mv_buf_append_encoded(struct mv_buf *buf, struct mv_str s);
void mv_buf_format(struct mv_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mv_buf_format_va(struct mv_buf *buf, const char *format, va_list args)
        __attribute__((format(printf, 2, 0)));
