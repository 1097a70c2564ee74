/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/report_left.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum mv_reports next(const struct mv_report_left *left, long long now_ms) {
        enum mv_reports api = MV_REPORTS_NONE;
        bool any = mv_report_left_next(left, now_ms, &api);
        assert_int_equal(any, api != MV_REPORTS_NONE);
        return api;
}

/* Whatever the first configuration names, nothing of others is deleted. */
static void test_nothing_at_the_start(void **state) {
        (void)state;
        for (int api = 0; api < MV_REPORT_APIS; api++) {
                struct mv_report_left left = { 0 };
                mv_report_left_name(&left, (enum mv_reports)api);
                assert_int_equal(next(&left, 0), MV_REPORTS_NONE);
                mv_report_left_name(&left, (enum mv_reports)api);
                assert_int_equal(next(&left, 1 << 30), MV_REPORTS_NONE);
        }
}

static void test_after_a_change(void **state) {
        (void)state;
        struct mv_report_left left = { 0 };
        mv_report_left_name(&left, MV_REPORTS_OPENREPORTS);
        mv_report_left_name(&left, MV_REPORTS_NONE);
        assert_int_equal(next(&left, 0), MV_REPORTS_OPENREPORTS);
        mv_report_left_done(&left, MV_REPORTS_OPENREPORTS);
        assert_int_equal(next(&left, 0), MV_REPORTS_NONE);
        /* Both were named, one after the other; and one is again. */
        mv_report_left_name(&left, MV_REPORTS_OPENREPORTS);
        mv_report_left_name(&left, MV_REPORTS_POLICY_REPORTS);
        mv_report_left_name(&left, MV_REPORTS_NONE);
        mv_report_left_name(&left, MV_REPORTS_POLICY_REPORTS);
        assert_int_equal(next(&left, 0), MV_REPORTS_OPENREPORTS);
        mv_report_left_done(&left, MV_REPORTS_OPENREPORTS);
        assert_int_equal(next(&left, 0), MV_REPORTS_NONE);
}

static void test_pauses(void **state) {
        (void)state;
        struct mv_report_left left = { 0 };
        mv_report_left_name(&left, MV_REPORTS_OPENREPORTS);
        mv_report_left_name(&left, MV_REPORTS_NONE);
        long long now = 5000;
        for (long long pause = 60000; pause < 3600000; pause *= 2) {
                mv_report_left_failed(&left, now);
                assert_int_equal(next(&left, now + pause - 1), MV_REPORTS_NONE);
                now += pause;
                assert_int_equal(next(&left, now), MV_REPORTS_OPENREPORTS);
        }
        mv_report_left_failed(&left, now);
        mv_report_left_failed(&left, now);
        assert_int_equal(next(&left, now + 3599999), MV_REPORTS_NONE);
        assert_int_equal(next(&left, now + 3600000), MV_REPORTS_OPENREPORTS);
        /* Another change is taken up at once. */
        mv_report_left_failed(&left, now);
        mv_report_left_name(&left, MV_REPORTS_POLICY_REPORTS);
        mv_report_left_name(&left, MV_REPORTS_NONE);
        assert_int_equal(next(&left, now), MV_REPORTS_OPENREPORTS);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_at_the_start),
                cmocka_unit_test(test_after_a_change),
                cmocka_unit_test(test_pauses),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
