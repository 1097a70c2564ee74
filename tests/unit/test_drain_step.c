/* SPDX-License-Identifier: Apache-2.0 */
/* The times that a step goes by, and memory that runs out; what a step is, the cases in tests/drain/step tell. */
#include "policy/base/time.h"
#include "policy/drain/drain_step.h"
#include "tests/unit/support.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void times(void **state) {
        (void)state;
        static const struct {
                const char *text;
                int64_t seconds;
        } good[] = {
                { "1970-01-01T00:00:00Z", 0 },
                { "1969-12-31T23:59:59Z", -1 },
                { "2000-02-29T12:34:56Z", 951827696 },
                { "2000-03-01T00:00:00Z", 951868800 },
                { "2026-08-01T10:05:00Z", 1785578700 },
                { "2026-08-01T12:05:00+02:00", 1785578700 },
                { "2026-08-01T05:35:00.123456-04:30", 1785578700 },
                { "2100-12-31T23:59:60Z", 4133980800 },
                { "0001-01-01T00:00:00Z", -62135596800 },
        };
        static const char *const bad[] = {
                "",
                "2026-08-01",
                "2026-13-01T00:00:00Z",
                "2026-00-01T00:00:00Z",
                "2026-02-30T00:00:00Z",
                "2026-08-00T00:00:00Z",
                "2026-08-01T24:00:00Z",
                "2026-08-01T10:60:00Z",
                "2026-08-01T10:05:61Z",
                "2026-08-01T10:05:00",
                "2026-08-01 10:05:00Z",
                "2026-08-01T10:05:00.Z",
                "2026-08-01T10:05:00Zz",
                "2026-08-01T10:05:00+02",
                "2026-08-01T10:05:00+24:00",
                "+026-08-01T10:05:00Z",
        };
        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
                int64_t seconds;
                assert_true(mv_time_parse(mv_str_from(good[i].text), &seconds));
                assert_int_equal(seconds, good[i].seconds);
        }
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                int64_t seconds;
                assert_false(mv_time_parse(mv_str_from(bad[i]), &seconds));
        }
}

static const char cluster[] =
        "{'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': 'n1'},"
        " 'spec': {'taints': [{'key': 'kubevirt.io/drain', 'effect': 'NoSchedule'}]}},"
        "{'apiVersion': 'kubevirt.io/v1', 'kind': 'VirtualMachineInstance', 'metadata': {'name': 'a', 'uid': 'a'},"
        " 'spec': {'evictionStrategy': 'LiveMigrate'}, 'status': {'phase': 'Running', 'nodeName': 'n1',"
        " 'selinuxContext': 'none', 'conditions': [{'type': 'LiveMigratable', 'status': 'True'}]}},"
        "{'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'p', 'ownerReferences': [{'uid': 'a',"
        " 'controller': true}]}, 'spec': {'nodeName': 'n1'}},"
        "{'apiVersion': 'kubevirt.io/v1', 'kind': 'VirtualMachineInstanceMigration', 'metadata': {'name': 'f',"
        " 'uid': 'f', 'creationTimestamp': '2026-08-01T10:00:00Z',"
        " 'annotations': {'kubevirt.io/evacuationMigration': 'n1'}},"
        " 'spec': {'vmiName': 'a'}, 'status': {'phase': 'Failed', 'phaseTransitionTimestamps': [{'phase': 'Failed',"
        " 'phaseTransitionTimestamp': '2026-08-01T10:05:00Z'}]}},"
        "{'apiVersion': 'kubevirt.io/v1', 'kind': 'VirtualMachineInstanceMigration', 'metadata': {'name': 'm',"
        " 'uid': 'm', 'creationTimestamp': '2026-08-01T10:05:01Z',"
        " 'annotations': {'kubevirt.io/evacuationMigration': 'n1'}},"
        " 'spec': {'vmiName': 'a'}, 'status': {'phase': 'Pending'}}";

/* Before these two the instance moved once, after another failure. */
static const char before[] =
        "{'apiVersion': 'kubevirt.io/v1', 'kind': 'VirtualMachineInstanceMigration', 'metadata': {'name': 's',"
        " 'uid': 's', 'creationTimestamp': '2026-08-01T09:59:00Z',"
        " 'annotations': {'kubevirt.io/evacuationMigration': 'n1'}},"
        " 'spec': {'vmiName': 'a'}, 'status': {'phase': 'Succeeded'}},"
        "{'apiVersion': 'kubevirt.io/v1', 'kind': 'VirtualMachineInstanceMigration', 'metadata': {'name': 'e',"
        " 'uid': 'e', 'creationTimestamp': '2026-08-01T09:58:00Z',"
        " 'annotations': {'kubevirt.io/evacuationMigration': 'n1'}},"
        " 'spec': {'vmiName': 'a'}, 'status': {'phase': 'Failed'}}";

static const struct mv_drain_step *step_at(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                           int64_t now) {
        const struct mv_drain_question question = {
                .snapshot = snapshot,
                .config = mv_snapshot_config(snapshot),
                .version = UINT_MAX,
                .now = now,
        };
        return mv_drain_step_make(arena, &question);
}

static void backs_off_for_twenty_seconds(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_of(cluster, before, NULL);
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_drain_step *step = step_at(&arena, snapshot, 1785578700 + 19);
        assert_int_equal(step->n_started, 0);
        assert_str(step->waiting[0].what_for, "the end of its back-off after failures, in 1 s");
        assert_int_equal(step_at(&arena, snapshot, 1785578700 + 20)->n_started, 1);
        /* without a clock everything in the snapshot is past */
        assert_int_equal(step_at(&arena, snapshot, 0)->n_started, 1);
        mv_arena_done(&arena);
        mv_snapshot_free(snapshot);
}

static void out_of_memory_is_no_step(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_make(cluster);
        bool made = false;
        for (size_t cap = 1; !made; cap += 64) {
                struct mv_arena arena;
                mv_arena_init(&arena, &mv_allocator_system, cap);
                const struct mv_drain_step *step = step_at(&arena, snapshot, 1785578700);
                made = step != NULL;
                assert_int_equal(mv_arena_failed(&arena), !made);
                if (made)
                        assert_int_equal(step->n_waiting, 1);
                mv_arena_done(&arena);
        }
        mv_snapshot_free(snapshot);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(times),
                cmocka_unit_test(backs_off_for_twenty_seconds),
                cmocka_unit_test(out_of_memory_is_no_step),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
