/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions: what matches, what cannot be compiled, and that a bound that is reached is never "no match". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/pattern.h"

#include <stdlib.h>
#include <string.h>

static enum mv_match match_with(const struct mv_allocator *allocator, const char *pattern,
                                struct mv_str subject) {
        struct mv_arena arena;
        struct mv_pattern compiled;
        struct mv_err err = { 0 };
        mv_arena_init(&arena, &mv_allocator_system, 0);
        int r = mv_pattern_compile(&arena, mv_str_from(pattern), &compiled, &err);
        if (r)
                fail_msg("%s: %s", pattern, err.message);
        enum mv_match matched = mv_pattern_match(allocator, &compiled, subject);
        mv_arena_done(&arena);
        return matched;
}

static enum mv_match match(const char *pattern, const char *subject) {
        return match_with(&mv_allocator_system, pattern, mv_str_from(subject));
}

static void test_the_whole_text_matches(void **state) {
        (void)state;
        assert_int_equal(match("prod-.*", "prod-eu"), MV_MATCH_YES);
        assert_int_equal(match("prod-.*", "prod-"), MV_MATCH_YES);
        assert_int_equal(match("prod-.*", "preprod-eu"), MV_MATCH_NO);
        assert_int_equal(match("prod", "prod-eu"), MV_MATCH_NO);
        assert_int_equal(match("prod", "prod\n"), MV_MATCH_NO);
        assert_int_equal(match("prod$", "prod\n"), MV_MATCH_NO);
        assert_int_equal(match("(?m)prod$", "prod\nx"), MV_MATCH_NO);
        assert_int_equal(match("a|b", "b"), MV_MATCH_YES);
        assert_int_equal(match("a|b", "ab"), MV_MATCH_NO);
        assert_int_equal(match("(?i)PROD", "prod"), MV_MATCH_YES);
        assert_int_equal(match("(?x) prod # a comment", "prod"), MV_MATCH_YES);
        assert_int_equal(match(".{2}", "äö"), MV_MATCH_YES);
        assert_int_equal(match("a?", ""), MV_MATCH_YES);
        assert_int_equal(match_with(&mv_allocator_system, "a?", (struct mv_str){ 0 }), MV_MATCH_YES);
}

static void assert_wrong(const char *pattern, int code, const char *says) {
        struct mv_arena arena;
        struct mv_pattern compiled = { 0 };
        struct mv_err err = { 0 };
        mv_arena_init(&arena, &mv_allocator_system, 0);
        assert_int_equal(mv_pattern_compile(&arena, mv_str_from(pattern), &compiled, &err), code);
        if (!strstr(err.message, says))
                fail_msg("%s: %s", pattern, err.message);
        assert_null(compiled.code);
        mv_arena_done(&arena);
}

static void test_what_cannot_be_compiled(void **state) {
        (void)state;
        char text[MV_PATTERN_BYTES + 2];
        assert_wrong("", MV_ESYNTAX, "must not be empty");
        assert_wrong("a(b", MV_ESYNTAX, "missing closing parenthesis, behind 3 bytes");
        assert_wrong("a)|(?:b", MV_ESYNTAX, "unmatched closing parenthesis, behind 1 bytes");
        assert_wrong("*", MV_ESYNTAX, "quantifier does not follow a repeatable item");
        assert_wrong("\\C", MV_ESYNTAX, "\\C");
        assert_wrong("(a{65535}){65535}", MV_ESYNTAX, "too large");
        assert_wrong("\xff", MV_ESYNTAX, "UTF-8");
        memset(text, 'a', sizeof text);
        text[MV_PATTERN_BYTES + 1] = '\0';
        assert_wrong(text, MV_ELIMIT, "longer than 1000 bytes");
        for (size_t i = 0; i < 60; i++) {
                text[i] = '(';
                text[60 + i] = ')';
        }
        text[120] = '\0';
        assert_wrong(text, MV_ESYNTAX, "too deeply nested");
}

/* Each of these fails to match only after more work than the bounds allow. */
static void test_a_bound_that_is_reached_is_unknown(void **state) {
        (void)state;
        assert_int_equal(match("(a+)+", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), MV_MATCH_UNKNOWN);
        char *text = malloc(MV_PATTERN_SUBJECT_BYTES + 1);
        assert_non_null(text);
        memset(text, 'a', MV_PATTERN_SUBJECT_BYTES + 1);
        assert_int_equal(match_with(&mv_allocator_system, "((a)|b)+c",
                                    (struct mv_str){ text, MV_PATTERN_SUBJECT_BYTES }),
                         MV_MATCH_UNKNOWN);
        assert_int_equal(
                match_with(&mv_allocator_system, "a*", (struct mv_str){ text, MV_PATTERN_SUBJECT_BYTES }),
                MV_MATCH_YES);
        assert_int_equal(
                match_with(&mv_allocator_system, "a*", (struct mv_str){ text, MV_PATTERN_SUBJECT_BYTES + 1 }),
                MV_MATCH_UNKNOWN);
        free(text);
        /* A pattern can lower the bounds, and not raise them. */
        assert_int_equal(match("(*LIMIT_MATCH=1000000000)(a+)+", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
                         MV_MATCH_UNKNOWN);
        assert_int_equal(match("x", "\xff"), MV_MATCH_UNKNOWN);
}

static void test_without_memory_it_is_unknown(void **state) {
        (void)state;
        struct test_allocator allocator;
        size_t calls;
        test_allocator_init(&allocator, 0);
        assert_int_equal(match_with(&allocator.allocator, "(a|b)*", MV_STR("ab")), MV_MATCH_YES);
        calls = allocator.calls;
        assert_int_equal(allocator.live, 0);
        assert_true(calls >= 3);
        for (size_t i = 1; i <= calls; i++) {
                test_allocator_init(&allocator, i);
                assert_int_equal(match_with(&allocator.allocator, "(a|b)*", MV_STR("ab")), MV_MATCH_UNKNOWN);
                assert_int_equal(allocator.live, 0);
        }
        for (size_t i = 1;; i++) {
                struct mv_arena arena;
                struct mv_pattern compiled;
                test_allocator_init(&allocator, i);
                mv_arena_init(&arena, &allocator.allocator, 0);
                int r = mv_pattern_compile(&arena, MV_STR("(a|b)*"), &compiled, NULL);
                mv_arena_done(&arena);
                assert_int_equal(allocator.live, 0);
                if (r == 0)
                        break;
                assert_int_equal(r, MV_ENOMEM);
        }
}

static void test_several(void **state) {
        (void)state;
        struct mv_arena arena;
        struct mv_pattern items[2];
        const struct mv_patterns patterns = { items, 2 };
        struct mv_str texts[] = { MV_STR("x"), MV_STR("b") };
        const struct mv_strings subjects = { texts, 2 };
        mv_arena_init(&arena, &mv_allocator_system, 0);
        assert_int_equal(mv_pattern_compile(&arena, MV_STR("(a+)+"), &items[0], NULL), 0);
        assert_int_equal(mv_pattern_compile(&arena, MV_STR("b"), &items[1], NULL), 0);
        const struct mv_str hard = MV_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
        assert_int_equal(mv_patterns_match(&mv_allocator_system, &patterns, MV_STR("b")), MV_MATCH_YES);
        assert_int_equal(mv_patterns_match(&mv_allocator_system, &patterns, MV_STR("c")), MV_MATCH_NO);
        assert_int_equal(mv_patterns_match(&mv_allocator_system, &patterns, hard), MV_MATCH_UNKNOWN);
        assert_int_equal(mv_patterns_match_any(&mv_allocator_system, &patterns, &subjects), MV_MATCH_YES);
        assert_int_equal(
                mv_patterns_match_any(&mv_allocator_system, &patterns, &(struct mv_strings){ texts, 1 }),
                MV_MATCH_NO);
        assert_int_equal(mv_patterns_match_any(&mv_allocator_system, &patterns, &(struct mv_strings){ 0 }),
                         MV_MATCH_NO);
        mv_arena_done(&arena);
        static const enum mv_match N = MV_MATCH_NO, Y = MV_MATCH_YES, U = MV_MATCH_UNKNOWN;
        const enum mv_match table[][4] = { { N, N, N, N }, { N, Y, Y, N }, { N, U, U, N },
                                           { Y, Y, Y, Y }, { Y, U, Y, U }, { U, U, U, U } };
        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
                for (int swap = 0; swap < 2; swap++) {
                        assert_int_equal(mv_match_or(table[i][swap], table[i][!swap]), table[i][2]);
                        assert_int_equal(mv_match_and(table[i][swap], table[i][!swap]), table[i][3]);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_whole_text_matches),
                cmocka_unit_test(test_what_cannot_be_compiled),
                cmocka_unit_test(test_a_bound_that_is_reached_is_unknown),
                cmocka_unit_test(test_without_memory_it_is_unknown),
                cmocka_unit_test(test_several),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
