/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/report_state.h"

#include "tests/unit/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SHOP MV_STR("shop")

static void list(struct mv_report_state *state, const char *namespace, const char *version) {
        mv_report_state_begin(state);
        if (namespace)
                assert_true(mv_report_state_listed(state, mv_str_from(namespace), mv_str_from(version)));
        mv_report_state_end(state);
}

static void test_what_is_written(void **unused) {
        (void)unused;
        struct mv_report_state state;
        mv_report_state_init(&state);
        list(&state, "shop", "7");
        assert_true(mv_report_state_has(&state, SHOP));
        /* What it says is not known yet. */
        assert_true(mv_report_state_wants(&state, SHOP, 1));
        mv_report_state_written(&state, SHOP, MV_STR("8"), 1);
        assert_false(mv_report_state_wants(&state, SHOP, 1));
        assert_true(mv_report_state_wants(&state, SHOP, 2));
        list(&state, "shop", "8");
        assert_false(mv_report_state_wants(&state, SHOP, 1));
        /* Somebody has changed it, */
        list(&state, "shop", "9");
        assert_true(mv_report_state_wants(&state, SHOP, 1));
        mv_report_state_written(&state, SHOP, MV_STR("10"), 1);
        /* or deleted it. */
        list(&state, NULL, NULL);
        assert_false(mv_report_state_has(&state, SHOP));
        assert_true(mv_report_state_wants(&state, SHOP, 1));
        mv_report_state_done(&state);
}

/* A listing that did not end tells nothing of what it did not come to. */
static void test_half_a_listing(void **unused) {
        (void)unused;
        struct mv_report_state state;
        mv_report_state_init(&state);
        list(&state, "shop", "7");
        mv_report_state_written(&state, SHOP, MV_STR("8"), 1);
        mv_report_state_begin(&state);
        mv_report_state_listed(&state, MV_STR("other"), MV_STR("1"));
        assert_false(mv_report_state_wants(&state, SHOP, 1));
        assert_int_equal(mv_report_state_count(&state), 2);
        mv_report_state_forget(&state, SHOP);
        assert_false(mv_report_state_has(&state, SHOP));
        size_t at = 0;
        struct mv_str namespace;
        assert_true(mv_report_state_each(&state, &at, &namespace));
        assert_str(namespace, "other");
        assert_false(mv_report_state_each(&state, &at, &namespace));
        mv_report_state_done(&state);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_written),
                cmocka_unit_test(test_half_a_listing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
