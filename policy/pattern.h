/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions of the configuration: PCRE2 in UTF-8, the whole text must match.
 *
 * What always holds: a match takes bounded time and memory, whatever pattern and text are, and one that reaches a bound,
 * or gets no memory, is UNKNOWN, never "does not match". There is no JIT, which would not heed the bounds.
 * A compiled pattern is const and may be used by any number of threads.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/base/err.h"
#include "policy/object/decode.h"

#include <stdbool.h>
#include <stddef.h>

enum {
        MV_PATTERN_BYTES = 1000,              /* of a pattern */
        MV_PATTERN_SUBJECT_BYTES = 64 * 1024, /* of a text; a longer one is UNKNOWN */
};

enum mv_match { MV_MATCH_NO, MV_MATCH_YES, MV_MATCH_UNKNOWN };

struct mv_pattern {
        struct mv_str text; /* as it is written */
        const void *code;   /* in the arena that it was compiled into */
};
struct mv_patterns {
        struct mv_pattern *items;
        size_t n;
};

/* Compile text into *ret, in arena, which it lives in. MV_ESYNTAX with a message that says what is wrong and behind how many
 * of its characters; MV_ELIMIT; MV_ENOMEM. */
int mv_pattern_compile(struct mv_arena *arena, struct mv_str text, struct mv_pattern *ret,
                       struct mv_err *err);

/* Memory for the match comes from allocator, and is given back. */
enum mv_match mv_pattern_match(const struct mv_allocator *allocator, const struct mv_pattern *pattern,
                               struct mv_str subject);

/* One of the patterns matches: YES; none: NO; else UNKNOWN. */
enum mv_match mv_patterns_match(const struct mv_allocator *allocator, const struct mv_patterns *patterns,
                                struct mv_str subject);
/* One of the patterns matches one of the texts. */
enum mv_match mv_patterns_match_any(const struct mv_allocator *allocator, const struct mv_patterns *patterns,
                                    const struct mv_strings *subjects);

/* YES when one of the two is, NO when both are; and: NO when one is, YES when both are. */
static inline enum mv_match mv_match_or(enum mv_match a, enum mv_match b) {
        return a == MV_MATCH_YES || b == MV_MATCH_YES ? MV_MATCH_YES : a == MV_MATCH_NO ? b : a;
}
static inline enum mv_match mv_match_and(enum mv_match a, enum mv_match b) {
        return a == MV_MATCH_NO || b == MV_MATCH_NO ? MV_MATCH_NO : a == MV_MATCH_YES ? b : a;
}
