/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of policy/: texts with the padding that the scanner wants, an allocator that can be told to
 * fail, and snapshots and verdicts from a few lines of JSON.
 */
#pragma once

#include "policy/base/alloc.h"
#include "policy/evaluate.h"

#include <stdbool.h>
#include <stddef.h>

/* A copy of n bytes in a block of its own, with just the zero bytes behind it that the scanner may read. */
struct mv_str text_make(const char *bytes, size_t n);
/* The same of JSON in which ' stands for ". */
struct mv_str json_make(const char *text);
void text_free(struct mv_str text);

/* Counts, and fails the allocation of that number (1 is the first; 0: none), or that one and all after it. */
struct test_allocator {
        struct mv_allocator allocator;
        size_t calls, live;
        size_t fail_at;
        bool fail_after;
};
void test_allocator_init(struct test_allocator *allocator, size_t fail_at);

/* A snapshot of a List of these items (JSON with ' for ", separated by commas), in namespace `default`. */
struct mv_snapshot *snapshot_make(const char *items);
/* The same of several parts, each some items; ends with NULL. */
struct mv_snapshot *snapshot_of(const char *first, ...) __attribute__((sentinel));
/* The same with an allocator, not asserted; returns the code of the first call that failed. */
int snapshot_try(const struct mv_allocator *allocator, struct mv_str json, struct mv_snapshot **ret,
                 struct mv_err *err);

/* A verdict and what it is made of. */
struct judged {
        struct mv_arena arena;
        struct mv_verdict verdict;
        char *text; /* as mv_render_verdict has it, with what passed */
};
/* Judge the object of that kind and name in namespace `default`. */
void judge(struct judged *judged, const struct mv_snapshot *snapshot, enum mv_kind kind, const char *name);
void judge_version(struct judged *judged, const struct mv_snapshot *snapshot, enum mv_kind kind,
                   const char *name, const char *version);
void judged_done(struct judged *judged);

/* The first finding of that rule, or NULL. */
const struct mv_finding *finding_of(const struct mv_verdict *verdict, const char *rule);
/* The name of what a verdict says of a rule: "pass", "fail", "unknown", or "none". */
const char *outcome_of(const struct mv_verdict *verdict, const char *rule);

/* The slice is that text. */
#define assert_str(slice, text) assert_str_at((slice), (text), __FILE__, __LINE__)
void assert_str_at(struct mv_str slice, const char *text, const char *file, int line);
