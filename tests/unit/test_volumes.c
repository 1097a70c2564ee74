/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/volumes.h"

#include "policy/base/hash.h"
#include "policy/object/quantity.h"
#include "tests/unit/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MOST = 40, ROUNDS = 20000 };

static struct mv_str shared[] = { { "ReadWriteOnce", 13 }, { "ReadWriteMany", 13 } };
static struct mv_str exclusive[] = { { "ReadWriteOnce", 13 } };

/* A volume of these words, and what is missing in it where they are NULL. */
struct words {
        const char *class, *mode, *size;
        bool shared, deleted, unusable;
};

static void fill(struct mv_persistent_volume *volume, struct mv_pair *capacity, const struct words *words) {
        *volume = (struct mv_persistent_volume){
                .meta.deletion_timestamp = mv_str_from(words->deleted ? "2026-01-01T00:00:00Z" : ""),
                .spec = { .storage_class_name = mv_str_from(words->class),
                          .volume_mode = mv_str_from(words->mode) },
        };
        if (!words->unusable)
                volume->spec.access_modes = words->shared ? (struct mv_strings){ shared, 2 }
                                                          : (struct mv_strings){ exclusive, 1 };
        if (!words->size)
                return;
        *capacity = (struct mv_pair){ MV_STR("storage"), mv_str_from(words->size) };
        volume->spec.capacity = (struct mv_map){ .items = capacity, .n = 1, .present = true };
}

static bool would_do(const struct words *words, const struct words *claim) {
        struct mv_quantity want, have;
        if (words->deleted || words->unusable || strcmp(words->class, claim->class) != 0 ||
            strcmp(*words->mode ? words->mode : "Filesystem", *claim->mode ? claim->mode : "Filesystem") != 0)
                return false;
        return !claim->size ||
               (mv_quantity_parse(mv_str_from(claim->size), &want, NULL) == 0 && words->size &&
                mv_quantity_parse(mv_str_from(words->size), &have, NULL) == 0 &&
                mv_quantity_compare(&have, &want) >= 0);
}

static const char *pick(uint64_t *state, const char *const *from, size_t n) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        return from[(*state >> 33) % n];
}

/* It says of random volumes what somebody finds who looks at each. */
static void test_like_looking_at_each(void **state) {
        (void)state;
        static const char *const classes[] = { "", "manual", "other" },
                                 *const modes[] = { "", "Filesystem", "Block" },
                                 *const sizes[] = { NULL, "1Gi", "1024Mi", "2Gi", "10G", "many" },
                                 *const coins[] = { "", "yes" }, *const rare[] = { "", "", "", "yes" };
        uint64_t seed = 7;
        size_t seen[3] = { 0 };
        for (int round = 0; round < ROUNDS; round++) {
                struct words words[MOST];
                struct mv_persistent_volume volumes[MOST];
                struct mv_pair capacities[MOST];
                const void *objects[MOST];
                struct mv_arena arena;
                size_t n = (size_t)round % MOST, n_shared = 0, n_exclusive = 0, first = SIZE_MAX;
                const struct words claim = { pick(&seed, classes, 3),
                                             pick(&seed, modes, 3),
                                             pick(&seed, sizes, 6),
                                             false,
                                             false,
                                             false };
                /* Where most are alike, too. */
                const char *const *are_shared = round % 2 ? coins : rare;
                for (size_t i = 0; i < n; i++) {
                        words[i] = (struct words){ pick(&seed, classes, 3),
                                                   pick(&seed, modes, 3),
                                                   pick(&seed, sizes, 6),
                                                   *pick(&seed, are_shared, round % 2 ? 2 : 4) && round % 3,
                                                   *pick(&seed, rare, 4),
                                                   *pick(&seed, rare, 4) };
                        fill(&volumes[i], &capacities[i], &words[i]);
                        objects[i] = &volumes[i];
                        if (!would_do(&words[i], &claim))
                                continue;
                        first = first == SIZE_MAX ? i : first;
                        n_shared += words[i].shared;
                        n_exclusive += !words[i].shared;
                }
                mv_arena_init(&arena, &mv_allocator_system, 0);
                const struct mv_volume_index *index = mv_volume_index_make(&arena, objects, n);
                assert_non_null(index);
                const struct mv_str size = claim.size ? mv_str_from(claim.size) : (struct mv_str){ 0 };
                const struct mv_persistent_volume *found = mv_volume_index_find(
                        index, mv_str_from(claim.class), mv_str_from(claim.mode), claim.size ? &size : NULL);
                if (n_shared && n_exclusive)
                        assert_null(found);
                else if (first == SIZE_MAX)
                        assert_null(found);
                else {
                        assert_non_null(found);
                        const struct words *it = &words[found - volumes];
                        assert_true(would_do(it, &claim));
                        assert_int_equal(it->shared, n_shared != 0);
                        if (n_shared + n_exclusive == 1 || !claim.size)
                                assert_int_equal(found - volumes, first);
                }
                seen[n_shared && n_exclusive ? 0 : first == SIZE_MAX ? 1 : 2]++;
                mv_arena_done(&arena);
        }
        for (size_t i = 0; i < 3; i++)
                assert_true(seen[i] > ROUNDS / 20);
}

static void test_none(void **state) {
        (void)state;
        struct test_allocator allocator;
        struct mv_arena arena;
        assert_null(mv_volume_index_find(NULL, MV_STR(""), MV_STR(""), NULL));
        test_allocator_init(&allocator, 1);
        mv_arena_init(&arena, &allocator.allocator, 0);
        assert_null(mv_volume_index_make(&arena, NULL, 0));
        mv_arena_done(&arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_like_looking_at_each),
                cmocka_unit_test(test_none),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
