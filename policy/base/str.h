/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slices: a pointer and a length, borrowed from a text that somebody else owns (a request body, a file,
 * an arena). A slice is not NUL-terminated and may hold NUL bytes. The empty slice may have p == NULL.
 * Print one with printf("%.*s", MV_STR_ARG(s)).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct mv_str {
        const char *p;
        size_t n; /* bytes */
};

/* A slice of a string literal. */
#define MV_STR(literal) ((struct mv_str){ .p = (literal), .n = sizeof(literal) - 1 })
/* The two arguments of "%.*s". */
#define MV_STR_ARG(s) (int)(s).n, ((s).p ? (s).p : "")

static inline struct mv_str mv_str_from(const char *text) {
        return (struct mv_str){ .p = text, .n = text ? strlen(text) : 0 };
}

static inline bool mv_str_equal(struct mv_str a, struct mv_str b) {
        return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* s equals the NUL-terminated text. */
static inline bool mv_str_is(struct mv_str s, const char *text) {
        return mv_str_equal(s, mv_str_from(text));
}

static inline bool mv_str_starts_with(struct mv_str s, struct mv_str prefix) {
        return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool mv_str_ends_with(struct mv_str s, struct mv_str suffix) {
        return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + (s.n - suffix.n), suffix.p, suffix.n) == 0);
}

/* s is one of the n texts. */
bool mv_str_is_among(struct mv_str s, const char *const *texts, size_t n);
/* Likewise of the whole array `texts`. */
#define mv_str_is_one_of(s, texts) mv_str_is_among((s), (texts), sizeof(texts) / sizeof *(texts))

/* part is somewhere in s. */
bool mv_str_contains(struct mv_str s, struct mv_str part);

/* s without its first n bytes; n must not exceed its length. */
static inline struct mv_str mv_str_skip(struct mv_str s, size_t n) {
        return (struct mv_str){ .p = s.p + n, .n = s.n - n };
}

/* Length of the well-formed UTF-8 character that s begins with; 0 when it begins with none. */
size_t mv_str_character(struct mv_str s);

/* The beginning of s that takes at most n bytes; a character is not cut in two. */
struct mv_str mv_str_cut(struct mv_str s, size_t n);

/* Order by bytes, as Go orders strings. <0, 0 or >0. */
int mv_str_compare(struct mv_str a, struct mv_str b);

/* Position of the first byte c in s, or s.n. */
size_t mv_str_find_byte(struct mv_str s, char c);

/* The text of s as a decimal integer without sign, space or leading plus; false when it is none or
 * exceeds limit. */
bool mv_str_to_unsigned(struct mv_str s, unsigned long long limit, unsigned long long *ret);
