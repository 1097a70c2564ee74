/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit/audit_schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND };
enum { NOTHING = -1 };

struct stage {
        struct mv_audit_schedule schedule;
        struct mv_audit_now now;
        bool resync;
};

static void start(struct stage *stage) {
        *stage = (struct stage){
                .now = { .now_ms = 5, .interval_ms = 10 * MINUTE, .resync_ms = 60 * MINUTE }
        };
        mv_audit_schedule_init(&stage->schedule);
}

/* What is due now; it takes so long. */
static int due(struct stage *stage, long long took_ms) {
        enum mv_audit_round round;
        if (!mv_audit_schedule_next(&stage->schedule, &stage->now, &round, &stage->resync))
                return NOTHING;
        long long began = stage->now.now_ms;
        stage->now.now_ms += took_ms;
        mv_audit_schedule_done(&stage->schedule, round, began, stage->now.now_ms);
        return (int)round;
}

static void test_intervals(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
        stage.now.changed = stage.now.waiting = true;
        assert_int_equal(due(&stage, 0), MV_AUDIT_ALL);
        assert_true(stage.resync);
        stage.now.changed = stage.now.waiting = false;
        assert_int_equal(due(&stage, 0), NOTHING);
        int resyncs = 0;
        for (int i = 1; i <= 12; i++) {
                stage.now.now_ms += 10 * MINUTE - 1;
                assert_int_equal(due(&stage, 0), NOTHING);
                stage.now.now_ms += 1;
                assert_int_equal(due(&stage, 0), MV_AUDIT_ALL);
                resyncs += stage.resync;
                assert_int_equal(stage.resync, i % 6 == 0);
        }
        assert_int_equal(resyncs, 2);
        mv_audit_schedule_hurry(&stage.schedule);
        assert_int_equal(due(&stage, 0), MV_AUDIT_ALL);
        assert_false(stage.resync);
        mv_audit_schedule_init(&stage.schedule);
        assert_int_equal(due(&stage, 0), MV_AUDIT_ALL);
        assert_true(stage.resync);
        /* Some could not be sent: all are sent again, and not before the next interval. */
        mv_audit_schedule_resync(&stage.schedule);
        stage.now.now_ms += 10 * MINUTE - 1;
        assert_int_equal(due(&stage, 0), NOTHING);
        stage.now.now_ms += 1;
        assert_int_equal(due(&stage, 0), MV_AUDIT_ALL);
        assert_true(stage.resync);
}

static void test_changes(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
        assert_int_equal(due(&stage, 0), MV_AUDIT_ALL);
        stage.now.changed = true;
        assert_int_equal(due(&stage, 0), NOTHING);
        stage.now.now_ms += 2 * SECOND;
        assert_int_equal(due(&stage, SECOND), MV_AUDIT_CHANGED);
        /* It took a second, so nine are for others. */
        stage.now.now_ms += 9 * SECOND - 1;
        assert_int_equal(due(&stage, 0), NOTHING);
        stage.now.now_ms += 1;
        assert_int_equal(due(&stage, 0), MV_AUDIT_CHANGED);
}

static void test_namespaces(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
        assert_int_equal(due(&stage, SECOND), MV_AUDIT_ALL);
        stage.now.waiting = true;
        stage.now.now_ms += 9 * SECOND - 1;
        assert_int_equal(due(&stage, 0), NOTHING);
        stage.now.now_ms += 1;
        assert_int_equal(due(&stage, 0), MV_AUDIT_NAMESPACES);
        stage.now.now_ms += 5 * SECOND - 1;
        assert_int_equal(due(&stage, 0), NOTHING);
        stage.now.now_ms += 1;
        assert_int_equal(due(&stage, 0), MV_AUDIT_NAMESPACES);
}

/* What was given up is made good soon, and not at the next interval. */
static void test_given_up(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(due(&stage, 0), MV_AUDIT_ALL);
                assert_true(stage.resync);
                mv_audit_schedule_failed(&stage.schedule, stage.resync, stage.now.now_ms);
                stage.now.now_ms += 2 * SECOND - 1;
                assert_int_equal(due(&stage, 0), NOTHING);
                stage.now.now_ms += 1;
        }
        assert_int_equal(due(&stage, 0), MV_AUDIT_ALL);
        assert_true(stage.resync);
        stage.now.changed = true;
        stage.now.now_ms += 2 * SECOND;
        assert_int_equal(due(&stage, 0), MV_AUDIT_CHANGED);
        mv_audit_schedule_failed(&stage.schedule, stage.resync, stage.now.now_ms);
        stage.now.changed = false;
        stage.now.now_ms += 2 * SECOND;
        assert_int_equal(due(&stage, 0), MV_AUDIT_ALL);
        assert_false(stage.resync);
        assert_int_equal(due(&stage, 0), NOTHING);
}

/* The API server is left alone longer each time, up to ten minutes; an API that is not there may come at any time. */
static void test_reports(void **state) {
        (void)state;
        static const int seconds[] = { 15, 30, 60, 120, 240, 480, 600, 600 };
        struct stage stage;
        start(&stage);
        struct mv_audit_schedule *schedule = &stage.schedule;
        long long now = 1000;
        assert_false(mv_audit_schedule_tries_reports(schedule, now)); /* the first round does */
        due(&stage, 0);
        for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
                mv_audit_schedule_no_reports(schedule, false, now);
                now += seconds[i] * SECOND - 1;
                assert_false(mv_audit_schedule_tries_reports(schedule, now));
                assert_true(mv_audit_schedule_tries_reports(schedule, ++now));
        }
        for (int i = 0; i < 2; i++) {
                mv_audit_schedule_no_reports(schedule, true, now);
                now += 15 * SECOND;
                assert_true(mv_audit_schedule_tries_reports(schedule, now));
        }
        mv_audit_schedule_reports(schedule);
        mv_audit_schedule_no_reports(schedule, false, now);
        assert_true(mv_audit_schedule_tries_reports(schedule, now + 15 * SECOND));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_intervals),  cmocka_unit_test(test_changes),
                cmocka_unit_test(test_namespaces), cmocka_unit_test(test_given_up),
                cmocka_unit_test(test_reports),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
