/* SPDX-License-Identifier: Apache-2.0 */
/* Levels against a plain array of numbers: chosen for random values, and changed at random afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support_random_cluster.h"

#include "policy/nodes/levels.h"

#include <string.h>

struct plain {
        struct mv_arena arena;
        struct mv_levels levels;
        int64_t values[300];
        size_t n;
};

static void plain_init(struct plain *plain, size_t n) {
        mv_arena_init(&plain->arena, &mv_allocator_system, 0);
        plain->n = n;
        plain->levels = (struct mv_levels){ .n = n, .values = mv_arena_new_array(&plain->arena, int64_t, n) };
        memcpy(plain->levels.values, plain->values, n * sizeof *plain->values);
        assert_true(mv_levels_choose(&plain->levels, &plain->arena));
}

static void set_value(struct plain *plain, size_t i, int64_t value) {
        plain->values[i] = value;
        mv_levels_set(&plain->levels, i, value);
}

static bool has(const uint64_t *set, size_t i) {
        return set && set[i / 64] >> i % 64 & 1;
}

/* Both ways of asking say what the array says, of all nodes and of a part of them. */
static void assert_at_least(const struct plain *plain, const struct mv_levels *levels, int64_t amount) {
        uint64_t all[8], odd[8];
        const uint64_t *found;
        size_t n_words = mv_levels_words(plain->n);
        assert_true(n_words <= 8 && n_words * 64 >= plain->n);
        memset(all, 0xff, sizeof all);
        memset(odd, 0xaa, sizeof odd);
        mv_levels_and(levels, amount, all);
        mv_levels_and(levels, amount, odd);
        bool exact = mv_levels_find(levels, amount, &found);
        for (size_t i = 0; i < n_words * 64; i++) {
                bool enough = i < plain->n && plain->values[i] >= amount;
                assert_int_equal(has(all, i), enough);
                assert_int_equal(has(odd, i), enough && i % 2);
                if (exact)
                        assert_int_equal(has(found, i), enough);
        }
}

static void assert_same(const struct plain *plain, const struct mv_levels *levels,
                        struct test_random *random) {
        static const int64_t edges[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX };
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
                assert_at_least(plain, levels, edges[i]);
        for (unsigned i = 0; plain->n && i < 8; i++) {
                int64_t value = plain->values[random_below(random, (unsigned)plain->n)];
                assert_at_least(plain, levels, value);
                assert_at_least(plain, levels, value < INT64_MAX ? value + 1 : value);
                assert_at_least(plain, levels, value > INT64_MIN ? value - 1 : value);
        }
        for (size_t i = 0; i < levels->n_levels; i++)
                assert_at_least(plain, levels, levels->levels[i].from);
}

static int64_t random_value(struct test_random *random, unsigned kind) {
        switch (kind) {
        case 0:
                return (int64_t)random_next(random);
        case 1:
                return random_below(random, 3);
        case 2:
                return random_below(random, 2) ? INT64_MAX : INT64_MIN;
        default:
                return (int64_t)random_below(random, 1000) * 1000 - 300000;
        }
}

static void test_random_values_and_changes(void **state) {
        (void)state;
        struct test_random random = { 1 };
        for (unsigned round = 0; round < 200; round++) {
                struct plain plain;
                unsigned kind = random_below(&random, 4);
                size_t n = round < 130 ? round : random_below(&random, 300);
                for (size_t i = 0; i < n; i++)
                        plain.values[i] = random_value(&random, kind);
                plain_init(&plain, n);
                assert_same(&plain, &plain.levels, &random);
                for (unsigned change = 0; n && change < 20; change++) {
                        unsigned at = random_below(&random, (unsigned)n);
                        set_value(&plain, at, random_value(&random, random_below(&random, 4)));
                        assert_same(&plain, &plain.levels, &random);
                }
                assert_true(mv_levels_choose(&plain.levels, &plain.arena));
                assert_same(&plain, &plain.levels, &random);
                mv_arena_done(&plain.arena);
        }
}

static void test_a_copy_is_its_own(void **state) {
        (void)state;
        struct test_random random = { 2 };
        struct plain plain;
        struct mv_levels copy;
        for (size_t i = 0; i < 100; i++)
                plain.values[i] = (int64_t)i;
        plain_init(&plain, 100);
        assert_true(mv_levels_copy(&plain.levels, &plain.arena, &copy));
        for (unsigned i = 0; i < 100; i++)
                mv_levels_set(&copy, i, 7);
        assert_same(&plain, &plain.levels, &random);
        for (size_t i = 0; i < 100; i++)
                plain.values[i] = 7;
        assert_same(&plain, &copy, &random);
        mv_arena_done(&plain.arena);
}

/* Levels that were never chosen are right, too. */
static void test_before_choosing(void **state) {
        (void)state;
        struct test_random random = { 3 };
        struct plain plain = { .n = 70 };
        mv_arena_init(&plain.arena, &mv_allocator_system, 0);
        plain.levels = (struct mv_levels){ .n = 70, .values = mv_arena_new_array(&plain.arena, int64_t, 70) };
        for (size_t i = 0; i < 70; i++)
                set_value(&plain, i, (int64_t)(i * i) - 60);
        assert_same(&plain, &plain.levels, &random);
        mv_arena_done(&plain.arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random_values_and_changes),
                cmocka_unit_test(test_a_copy_is_its_own),
                cmocka_unit_test(test_before_choosing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
