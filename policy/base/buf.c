/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/buf.h"

#include <stdint.h>
#include <stdio.h>

void mv_buf_init(struct mv_buf *buf, const struct mv_allocator *allocator, size_t maximum) {
        if (maximum > SIZE_MAX / 4)
                maximum = SIZE_MAX / 4;
        *buf = (struct mv_buf){ .allocator = allocator, .maximum = maximum };
}

void mv_buf_done(struct mv_buf *buf) {
        if (buf->allocator)
                buf->allocator->release(buf->allocator->context, buf->p);
        mv_buf_init(buf, buf->allocator, buf->maximum);
}

void mv_buf_clear(struct mv_buf *buf) {
        buf->n = 0;
        buf->failed = false;
        if (buf->p)
                buf->p[0] = '\0';
}

char *mv_buf_grow(struct mv_buf *buf, size_t n) {
        if (buf->failed || n > buf->maximum - buf->n) {
                buf->failed = true;
                return NULL;
        }
        if (buf->n + n + 1 > buf->capacity) {
                size_t capacity = buf->capacity ? buf->capacity : 256;
                while (capacity < buf->n + n + 1)
                        capacity *= 2;
                char *p = buf->allocator->allocate(buf->allocator->context, capacity);
                if (!p) {
                        buf->failed = true;
                        return NULL;
                }
                if (buf->n)
                        memcpy(p, buf->p, buf->n);
                buf->allocator->release(buf->allocator->context, buf->p);
                buf->p = p;
                buf->capacity = capacity;
        }
        buf->p[buf->n + n] = '\0';
        return buf->p + buf->n;
}

void mv_buf_append(struct mv_buf *buf, const void *bytes, size_t n) {
        char *to = mv_buf_reserve(buf, n);
        if (!to)
                return;
        if (n)
                memcpy(to, bytes, n);
        buf->n += n;
}

void mv_buf_append_str(struct mv_buf *buf, struct mv_str s) {
        mv_buf_append(buf, s.p, s.n);
}

void mv_buf_append_text(struct mv_buf *buf, const char *text) {
        mv_buf_append(buf, text, strlen(text));
}

void mv_buf_append_int(struct mv_buf *buf, long long value) {
        char digits[24], *first = digits + sizeof digits;
        unsigned long long rest = value < 0 ? -(unsigned long long)value : (unsigned long long)value;
        do
                *--first = (char)('0' + rest % 10);
        while (rest /= 10);
        if (value < 0)
                *--first = '-';
        mv_buf_append(buf, first, (size_t)(digits + sizeof digits - first));
}

void mv_buf_append_encoded(struct mv_buf *buf, struct mv_str s) {
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
        for (size_t i = 0; i < s.n; i++)
                if (memchr(plain, s.p[i], sizeof plain - 1))
                        mv_buf_append_byte(buf, s.p[i]);
                else
                        mv_buf_format(buf, "%%%02X", (unsigned char)s.p[i]);
}

void mv_buf_format_va(struct mv_buf *buf, const char *format, va_list args) {
        char most[512]; /* of texts; printing is what takes time, so it is done once */
        va_list again;
        va_copy(again, args);
        int n = vsnprintf(most, sizeof most, format, args);
        char *to = n < 0 ? NULL : mv_buf_reserve(buf, (size_t)n);
        if (!to)
                buf->failed = true;
        else {
                if ((size_t)n < sizeof most)
                        memcpy(to, most, (size_t)n);
                else
                        vsnprintf(to, (size_t)n + 1, format, again);
                buf->n += (size_t)n;
        }
        va_end(again);
}

void mv_buf_format(struct mv_buf *buf, const char *format, ...) {
        va_list args;
        va_start(args, format);
        mv_buf_format_va(buf, format, args);
        va_end(args);
}
