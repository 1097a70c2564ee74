/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test_certs.h"

#include "certs/rotation.h"

/* Days are seconds here; the decisions know no unit. */
#define CA(from, to) .has_ca = true, .ca_is_ours = true, .ca = { from, to }
#define THEIR_CA(from, to) .has_ca = true, .ca = { from, to }
#define LEAF(from, to) .has_leaf = true, .leaf_from_ca = true, .leaf_has_names = true, .leaf = { from, to }

static void test_decide(void **state) {
        static const struct {
                const char *what;
                struct mv_rotation_state state;
                time_t now;
                enum mv_rotation_step step;
                time_t next;
        } rows[] = {
                { "nothing", { .has_ca = false }, 100, MV_ROTATION_CA, 0 },
                { "a leaf without authority", { LEAF(0, 300) }, 100, MV_ROTATION_CA, 0 },
                { "authority alone", { CA(0, 3000) }, 100, MV_ROTATION_LEAF, 0 },
                { "all well", { CA(0, 3000), LEAF(0, 300) }, 100, MV_ROTATION_NONE, 200 },
                { "a second before", { CA(0, 3000), LEAF(0, 300) }, 199, MV_ROTATION_NONE, 200 },
                { "two thirds", { CA(0, 3000), LEAF(0, 300) }, 200, MV_ROTATION_LEAF, 0 },
                { "leaf expired", { CA(0, 3000), LEAF(0, 300) }, 300, MV_ROTATION_LEAF, 0 },
                { "leaf long expired", { CA(0, 3000), LEAF(0, 300) }, 1900, MV_ROTATION_LEAF, 0 },
                { "authority first", { CA(0, 3000), LEAF(1900, 2200) }, 1999, MV_ROTATION_NONE, 2000 },
                { "two thirds of the authority", { CA(0, 3000), LEAF(1900, 2200) }, 2000, MV_ROTATION_CA, 0 },
                { "authority expired", { CA(0, 3000), LEAF(2900, 3000) }, 3000, MV_ROTATION_CA, 0 },
                { "names missing",
                  { CA(0, 3000), .has_leaf = true, .leaf_from_ca = true, .leaf = { 0, 300 } },
                  100,
                  MV_ROTATION_LEAF,
                  0 },
                { "of another authority",
                  { CA(0, 3000), .has_leaf = true, .leaf_has_names = true, .leaf = { 0, 300 } },
                  100,
                  MV_ROTATION_LEAF,
                  0 },
                { "leaf of the future", { CA(0, 3000), LEAF(500, 800) }, 100, MV_ROTATION_LEAF, 0 },
                { "clock before everything", { CA(400, 3000), LEAF(500, 800) }, 100, MV_ROTATION_NONE, 700 },
                { "theirs, old", { THEIR_CA(0, 3000), LEAF(2500, 2800) }, 2600, MV_ROTATION_NONE, 2700 },
                { "theirs, ends with the leaf",
                  { THEIR_CA(0, 3000), LEAF(2800, 3000) },
                  2990,
                  MV_ROTATION_NONE,
                  3000 },
                { "theirs, leaf due", { THEIR_CA(0, 3000), LEAF(2500, 2800) }, 2700, MV_ROTATION_LEAF, 0 },
                { "theirs, over", { THEIR_CA(0, 3000), LEAF(2800, 3000) }, 3000, MV_ROTATION_STUCK, 0 },
        };
        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct mv_rotation_decision d = mv_rotation_decide(&rows[i].state, rows[i].now);
                if (d.step != rows[i].step || d.next != rows[i].next)
                        fail_msg("%s: %s, next %lld", rows[i].what, mv_rotation_step_name(d.step),
                                 (long long)d.next);
                assert_non_null(d.reason);
                assert_int_equal(d.reason[0] == '\0', d.step == MV_ROTATION_NONE);
        }
}

static void test_renewal(void **state) {
        (void)state;
        assert_int_equal(mv_rotation_renewal(&(struct mv_validity){ 1000, 4000 }), 3000);
        assert_int_equal(mv_rotation_renewal(&(struct mv_validity){ 1000, 1000 }), 1000);
        assert_int_equal(mv_rotation_renewal(&(struct mv_validity){ 1000, 10 }), 1000);
}

static void test_old_ca(void **state) {
        (void)state;
        const struct mv_validity current = { 1000000, 1000000 + MV_CA_SECONDS };
        assert_int_equal(mv_rotation_old_ca_until(&(struct mv_validity){ 0, 1000500 }, &current), 1000500);
        assert_int_equal(
                mv_rotation_old_ca_until(&(struct mv_validity){ 0, 1000000 + MV_CA_SECONDS / 3 }, &current),
                1000000 + MV_CERT_BACKDATE_SECONDS + MV_LEAF_SECONDS);
}

static void test_names_of_steps(void **state) {
        (void)state;
        assert_string_equal(mv_rotation_step_name(MV_ROTATION_NONE), "none");
        assert_string_equal(mv_rotation_step_name(MV_ROTATION_LEAF), "leaf");
        assert_string_equal(mv_rotation_step_name(MV_ROTATION_CA), "ca");
        assert_string_equal(mv_rotation_step_name(MV_ROTATION_STUCK), "stuck");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_decide),
                cmocka_unit_test(test_renewal),
                cmocka_unit_test(test_old_ca),
                cmocka_unit_test(test_names_of_steps),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
