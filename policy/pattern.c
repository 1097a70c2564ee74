/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/pattern.h"

#include <limits.h>
#include <stdint.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
        NESTED_PARENTHESES = 50,
        MATCH_LIMIT = 100000,
        DEPTH_LIMIT = 1000,
        HEAP_LIMIT_KIB = 1024,
};

static void *from_arena(size_t size, void *arena) {
        return mv_arena_allocate(arena, size, alignof(max_align_t));
}

/* An arena frees all at once. */
static void keep(void *memory, void *arena) {
        (void)memory;
        (void)arena;
}

static void *allocate(size_t size, void *context) {
        const struct mv_allocator *allocator = context;
        return allocator->allocate(allocator->context, size);
}

static void release(void *memory, void *context) {
        const struct mv_allocator *allocator = context;
        allocator->release(allocator->context, memory);
}

static int wrong(int code, size_t offset, struct mv_err *err) {
        PCRE2_UCHAR8 message[128];
        if (code == PCRE2_ERROR_HEAP_FAILED)
                return mv_err_oom(err);
        if (pcre2_get_error_message(code, message, sizeof message) < 0)
                message[0] = '\0';
        return mv_err_set(err, MV_ESYNTAX, "is no regular expression: %s, behind %zu bytes of it",
                          (const char *)message, offset);
}

int mv_pattern_compile(struct mv_arena *arena, struct mv_str text, struct mv_pattern *ret,
                       struct mv_err *err) {
        /* The whole text: by options, since a pattern could close a group that is put around it. */
        const uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
        int code = 0;
        PCRE2_SIZE offset = 0;
        if (!text.n)
                return mv_err_set(err, MV_ESYNTAX, "must not be empty");
        if (text.n > MV_PATTERN_BYTES)
                return mv_err_set(err, MV_ELIMIT, "is longer than %d bytes", MV_PATTERN_BYTES);
        pcre2_general_context *memory = pcre2_general_context_create(from_arena, keep, arena);
        pcre2_compile_context *context = memory ? pcre2_compile_context_create(memory) : NULL;
        if (!context)
                return mv_err_oom(err);
        pcre2_set_max_pattern_length(context, MV_PATTERN_BYTES);
        pcre2_set_parens_nest_limit(context, NESTED_PARENTHESES);
        const pcre2_code *compiled =
                pcre2_compile((PCRE2_SPTR8)text.p, text.n, options, &code, &offset, context);
        if (!compiled)
                return wrong(code, offset, err);
        *ret = (struct mv_pattern){ .text = text, .code = compiled };
        return 0;
}

static enum mv_match match(pcre2_general_context *memory, const struct mv_pattern *pattern,
                           struct mv_str subject) {
        pcre2_match_context *context = pcre2_match_context_create(memory);
        pcre2_match_data *data = pcre2_match_data_create(1, memory);
        enum mv_match matched = MV_MATCH_UNKNOWN;
        if (context && data) {
                pcre2_set_match_limit(context, MATCH_LIMIT);
                pcre2_set_depth_limit(context, DEPTH_LIMIT);
                pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
                int r = pcre2_match(pattern->code, (PCRE2_SPTR8)(subject.n ? subject.p : ""), subject.n, 0,
                                    PCRE2_NO_JIT, data, context);
                matched = r >= 0 ? MV_MATCH_YES : r == PCRE2_ERROR_NOMATCH ? MV_MATCH_NO : MV_MATCH_UNKNOWN;
        }
        pcre2_match_data_free(data);
        pcre2_match_context_free(context);
        return matched;
}

enum mv_match mv_pattern_match(const struct mv_allocator *allocator, const struct mv_pattern *pattern,
                               struct mv_str subject) {
        if (subject.n > MV_PATTERN_SUBJECT_BYTES)
                return MV_MATCH_UNKNOWN;
        struct mv_allocator copy = *allocator;
        pcre2_general_context *memory = pcre2_general_context_create(allocate, release, &copy);
        if (!memory)
                return MV_MATCH_UNKNOWN;
        enum mv_match matched = match(memory, pattern, subject);
        pcre2_general_context_free(memory);
        return matched;
}

enum mv_match mv_patterns_match(const struct mv_allocator *allocator, const struct mv_patterns *patterns,
                                struct mv_str subject) {
        enum mv_match matched = MV_MATCH_NO;
        for (size_t i = 0; i < patterns->n && matched != MV_MATCH_YES; i++)
                matched = mv_match_or(matched, mv_pattern_match(allocator, &patterns->items[i], subject));
        return matched;
}

enum mv_match mv_patterns_match_any(const struct mv_allocator *allocator, const struct mv_patterns *patterns,
                                    const struct mv_strings *subjects) {
        enum mv_match matched = MV_MATCH_NO;
        for (size_t i = 0; i < subjects->n && matched != MV_MATCH_YES; i++)
                matched = mv_match_or(matched, mv_patterns_match(allocator, patterns, subjects->items[i]));
        return matched;
}
