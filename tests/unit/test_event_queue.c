/* SPDX-License-Identifier: Apache-2.0 */
/* Events: what they say, and when they are written, with a clock that does not run by itself. */
#include "cluster/kube/event_queue.h"

#include "tests/unit/support.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND };

struct stage {
        struct mv_event_queue *queue;
        struct mv_event_write write;
        long long now, at;
};

static void start(struct stage *stage) {
        *stage = (struct stage){ .queue = mv_event_queue_new(), .now = 1000000 };
        assert_non_null(stage->queue);
}

static struct mv_event event_of(const char *name, const char *reason, const char *note) {
        return (struct mv_event){
                .api_version = MV_STR("kubevirt.io/v1"),
                .kind = MV_STR("VirtualMachine"),
                .namespace = MV_STR("shop"),
                .name = mv_str_from(name),
                .uid = MV_STR("u"),
                .reason = reason,
                .action = "Audit",
                .note = mv_str_from(note),
        };
}

static bool put(struct stage *stage, const char *name, const char *note) {
        struct mv_event event = event_of(name, MV_EVENT_NOT_MIGRATABLE, note);
        return mv_event_queue_put(stage->queue, &event, stage->now, stage->now * 1000);
}

static enum mv_event_step next(struct stage *stage) {
        return mv_event_queue_next(stage->queue, stage->now, &stage->at, &stage->write);
}

static void done(struct stage *stage, enum mv_event_result result) {
        mv_event_queue_done(stage->queue, result, stage->now);
}

/* It is written now: made (count 1), or continued. */
#define assert_written(stage, step, name_, count_)                        \
        do {                                                              \
                assert_int_equal(next(stage), (step));                    \
                assert_str((stage)->write.event.name, (name_));           \
                if ((step) == MV_EVENT_SERIES)                            \
                        assert_int_equal((stage)->write.count, (count_)); \
                done((stage), MV_EVENT_WRITTEN);                          \
        } while (0)
#define assert_waits(stage, until)                            \
        do {                                                  \
                assert_int_equal(next(stage), MV_EVENT_WAIT); \
                assert_int_equal((stage)->at, (until));       \
        } while (0)

static void test_series(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
        assert_waits(&stage, LLONG_MAX);
        assert_true(put(&stage, "db", "no"));
        assert_true(put(&stage, "web", "no"));
        assert_written(&stage, MV_EVENT_CREATE, "db", 1);
        char name[254];
        memcpy(name, stage.write.name, sizeof name);
        assert_int_equal(strncmp(name, "db.", 3), 0);
        assert_written(&stage, MV_EVENT_CREATE, "web", 1);
        assert_waits(&stage, LLONG_MAX);
        long long written = stage.now;
        for (int i = 0; i < 3; i++) {
                stage.now += MINUTE;
                assert_true(put(&stage, "db", "no"));
                assert_waits(&stage, written + MV_EVENTS_QUIET_MS);
        }
        stage.now = written + MV_EVENTS_QUIET_MS;
        assert_written(&stage, MV_EVENT_SERIES, "db", 4);
        assert_string_equal(stage.write.name, name);
        assert_int_equal(stage.write.wall_us, (written + 3 * MINUTE) * 1000);
        assert_waits(&stage, LLONG_MAX);
        mv_event_queue_free(stage.queue);
}

/* Another note cannot be written into an Event that is there. */
static void test_another_note(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
        put(&stage, "db", "a");
        assert_written(&stage, MV_EVENT_CREATE, "db", 1);
        char name[254];
        memcpy(name, stage.write.name, sizeof name);
        stage.now += MINUTE;
        put(&stage, "db", "b");
        stage.now += MV_EVENTS_QUIET_MS;
        assert_int_equal(next(&stage), MV_EVENT_CREATE);
        assert_str(stage.write.event.note, "b");
        assert_string_not_equal(stage.write.name, name);
        done(&stage, MV_EVENT_WRITTEN);
        stage.now += MV_EVENTS_QUIET_MS;
        put(&stage, "db", "b");
        assert_written(&stage, MV_EVENT_SERIES, "db", 2);
        /* After a long time it is a new Event. */
        stage.now += MV_EVENTS_FORGET_MS;
        put(&stage, "db", "b");
        assert_written(&stage, MV_EVENT_CREATE, "db", 1);
        mv_event_queue_free(stage.queue);
}

/* What happened before the Event could be made is counted, too. */
static void test_before_it_is_written(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
        for (int i = 0; i < 3; i++)
                put(&stage, "db", "a");
        assert_written(&stage, MV_EVENT_CREATE, "db", 1);
        assert_waits(&stage, stage.now + MV_EVENTS_QUIET_MS);
        stage.now += MV_EVENTS_QUIET_MS;
        assert_written(&stage, MV_EVENT_SERIES, "db", 3);
        assert_waits(&stage, LLONG_MAX);
        mv_event_queue_free(stage.queue);
}

/* What is put while it is being written is written next: as a new Event when it says something else. */
static void test_while_it_is_written(void **state) {
        (void)state;
        static const enum mv_event_result results[] = { MV_EVENT_WRITTEN, MV_EVENT_REFUSED };
        struct stage stage;
        for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
                start(&stage);
                put(&stage, "db", "a");
                assert_int_equal(next(&stage), MV_EVENT_CREATE);
                put(&stage, "db", "b");
                put(&stage, "db", "c");
                put(&stage, "db", "c");
                assert_str(stage.write.event.note, "a");
                done(&stage, results[i]);
                stage.now += MV_EVENTS_QUIET_MS;
                assert_written(&stage, MV_EVENT_CREATE, "db", 1);
                assert_str(stage.write.event.note, "c");
                stage.now += MV_EVENTS_QUIET_MS;
                assert_written(&stage, MV_EVENT_SERIES, "db", 2);
                assert_waits(&stage, LLONG_MAX);
                mv_event_queue_free(stage.queue);
        }
        /* It says the same again. */
        start(&stage);
        put(&stage, "db", "a");
        assert_int_equal(next(&stage), MV_EVENT_CREATE);
        put(&stage, "db", "b");
        put(&stage, "db", "a");
        done(&stage, MV_EVENT_WRITTEN);
        stage.now += MV_EVENTS_QUIET_MS;
        assert_written(&stage, MV_EVENT_SERIES, "db", 2);
        mv_event_queue_free(stage.queue);
        /* What was put last goes with the queue. */
        start(&stage);
        put(&stage, "db", "a");
        assert_int_equal(next(&stage), MV_EVENT_CREATE);
        put(&stage, "db", "b");
        mv_event_queue_free(stage.queue);
}

/* The name of what could not be written may be taken by an Event that says what it said then. */
static void test_another_note_after_a_failure(void **state) {
        (void)state;
        static const enum mv_event_result results[] = { MV_EVENT_FAILED, MV_EVENT_NOBODY };
        for (size_t i = 0; i < sizeof results / sizeof *results; i++)
                for (int during = 0; during < 2; during++) {
                        struct stage stage;
                        char name[254];
                        start(&stage);
                        put(&stage, "db", "a");
                        assert_int_equal(next(&stage), MV_EVENT_CREATE);
                        memcpy(name, stage.write.name, sizeof name);
                        if (during)
                                put(&stage, "db", "b");
                        done(&stage, results[i]);
                        if (!during)
                                put(&stage, "db", "b");
                        stage.now += SECOND;
                        assert_int_equal(next(&stage), MV_EVENT_CREATE);
                        assert_str(stage.write.event.note, "b");
                        assert_string_not_equal(stage.write.name, name);
                        mv_event_queue_free(stage.queue);
                }
}

static void test_nobody_answers(void **state) {
        (void)state;
        struct stage stage;
        struct mv_event_counts counts;
        start(&stage);
        put(&stage, "db", "a");
        assert_int_equal(next(&stage), MV_EVENT_CREATE);
        char name[254];
        memcpy(name, stage.write.name, sizeof name);
        done(&stage, MV_EVENT_NOBODY);
        assert_waits(&stage, stage.now + SECOND);
        stage.now += SECOND;
        assert_int_equal(next(&stage), MV_EVENT_CREATE);
        /* It may have been made: by its name that would be seen. */
        assert_string_equal(stage.write.name, name);
        done(&stage, MV_EVENT_NOBODY);
        assert_waits(&stage, stage.now + 2 * SECOND);
        for (int i = 0; i < 10; i++) {
                stage.now += MINUTE;
                assert_int_equal(next(&stage), MV_EVENT_CREATE);
                done(&stage, MV_EVENT_NOBODY);
        }
        stage.now += MINUTE;
        assert_written(&stage, MV_EVENT_CREATE, "db", 1);
        put(&stage, "db", "a");
        stage.now += MV_EVENTS_QUIET_MS;
        assert_int_equal(next(&stage), MV_EVENT_SERIES);
        done(&stage, MV_EVENT_GONE);
        assert_int_equal(next(&stage), MV_EVENT_CREATE);
        assert_string_not_equal(stage.write.name, name);
        done(&stage, MV_EVENT_REFUSED);
        assert_waits(&stage, LLONG_MAX);
        /* What is refused is not tried with every event that comes. */
        put(&stage, "db", "a");
        assert_waits(&stage, stage.now + MV_EVENTS_QUIET_MS);
        mv_event_queue_count(stage.queue, &counts);
        assert_int_equal(counts.written, 1);
        assert_int_equal(counts.refused, 1);
        assert_int_equal(counts.failed, 12);
        assert_int_equal(counts.waiting, 1);
        mv_event_queue_free(stage.queue);
}

/* One that cannot be written does not stand in the way of others, and not for ever. */
static void test_failures(void **state) {
        (void)state;
        struct stage stage;
        struct mv_event_counts counts;
        start(&stage);
        put(&stage, "bad", "a");
        assert_int_equal(next(&stage), MV_EVENT_CREATE);
        done(&stage, MV_EVENT_FAILED);
        long long pause = SECOND;
        for (int i = 1; i < MV_EVENTS_TRIES; i++) {
                char name[16];
                snprintf(name, sizeof name, "vm-%d", i);
                put(&stage, name, "a");
                assert_written(&stage, MV_EVENT_CREATE, name, 1);
                assert_waits(&stage, stage.now + pause);
                stage.now += pause;
                pause = 2 * pause < MINUTE ? 2 * pause : MINUTE;
                assert_int_equal(next(&stage), MV_EVENT_CREATE);
                assert_str(stage.write.event.name, "bad");
                done(&stage, MV_EVENT_FAILED);
        }
        assert_waits(&stage, LLONG_MAX);
        mv_event_queue_count(stage.queue, &counts);
        assert_int_equal(counts.failed, MV_EVENTS_TRIES);
        assert_int_equal(counts.refused, 1);
        assert_int_equal(counts.waiting, 0);
        mv_event_queue_free(stage.queue);
}

/* Nobody knows whether it is that one that the API server has no answer to: others are tried next. */
static void test_others_are_tried(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
        put(&stage, "slow", "a");
        put(&stage, "vm", "a");
        assert_int_equal(next(&stage), MV_EVENT_CREATE);
        assert_str(stage.write.event.name, "slow");
        done(&stage, MV_EVENT_NOBODY);
        assert_waits(&stage, stage.now + SECOND);
        stage.now += SECOND;
        assert_written(&stage, MV_EVENT_CREATE, "vm", 1);
        assert_written(&stage, MV_EVENT_CREATE, "slow", 1);
        mv_event_queue_free(stage.queue);
}

static void test_rate_and_room(void **state) {
        (void)state;
        struct stage stage;
        struct mv_event_counts counts;
        char name[16];
        start(&stage);
        for (int i = 0; i < MV_EVENTS_MOST + 10; i++) {
                snprintf(name, sizeof name, "vm-%d", i);
                assert_int_equal(put(&stage, name, "a"), i < MV_EVENTS_MOST);
        }
        mv_event_queue_count(stage.queue, &counts);
        assert_int_equal(counts.dropped, 10);
        assert_int_equal(counts.waiting, MV_EVENTS_MOST);
        for (int i = 0; i < MV_EVENTS_BURST; i++) {
                assert_int_equal(next(&stage), MV_EVENT_CREATE);
                done(&stage, MV_EVENT_WRITTEN);
        }
        assert_waits(&stage, stage.now + MV_EVENTS_EACH_MS);
        stage.now += MV_EVENTS_EACH_MS;
        assert_int_equal(next(&stage), MV_EVENT_CREATE);
        done(&stage, MV_EVENT_WRITTEN);
        assert_waits(&stage, stage.now + MV_EVENTS_EACH_MS);
        /* What is written makes room. */
        assert_true(put(&stage, "one-more", "a"));
        mv_event_queue_free(stage.queue);
}

static void test_names(void **state) {
        (void)state;
        struct stage stage;
        char name[254];
        start(&stage);
        memset(name, 'a', sizeof name);
        memset(name + 200, '-', 52);
        name[252] = 'a';
        name[253] = '\0';
        put(&stage, name, "a");
        assert_int_equal(next(&stage), MV_EVENT_CREATE);
        assert_int_equal(strncmp(stage.write.name, name, 200), 0);
        assert_int_equal(stage.write.name[200], '.');
        assert_true(strlen(stage.write.name) <= 253);
        mv_event_queue_free(stage.queue);
}

static void test_texts(void **state) {
        (void)state;
        struct mv_buf out;
        mv_buf_init(&out, &mv_allocator_system, 4096);
        struct mv_event event = event_of("db", MV_EVENT_NOT_MIGRATABLE, "It \"is\" so");
        event.warning = true;
        mv_event_encode(&event, MV_STR("db.1"), MV_STR("migvet-0"), MV_STR("2026-08-01T10:05:00.000000Z"),
                        &out);
        assert_str(
                mv_buf_str(&out),
                "{\"apiVersion\":\"events.k8s.io/v1\",\"kind\":\"Event\",\"metadata\":{\"name\":\"db.1\",\"namespace\":"
                "\"shop\"},\"eventTime\":\"2026-08-01T10:05:00.000000Z\",\"reportingController\":"
                "\"migvet.io/controller\",\"reportingInstance\":\"migvet-0\",\"action\":\"Audit\",\"reason\":"
                "\"NotLiveMigratable\",\"regarding\":{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\","
                "\"namespace\":\"shop\",\"name\":\"db\",\"uid\":\"u\"},\"note\":\"It \\\"is\\\" so\",\"type\":"
                "\"Warning\"}");
        mv_buf_clear(&out);
        mv_event_encode_series(3, MV_STR("2026-08-01T10:05:00.000000Z"), &out);
        assert_str(mv_buf_str(&out),
                   "{\"series\":{\"count\":3,\"lastObservedTime\":\"2026-08-01T10:05:00.000000Z\"}}");
        mv_buf_done(&out);
}

static void test_of_a_change(void **state) {
        (void)state;
        struct mv_arena arena;
        struct mv_event event;
        char long_text[3000];
        memset(long_text, 'x', sizeof long_text);
        const struct mv_rule rule = { .id = "pvc-access-mode" };
        struct mv_finding finding = { .rule = &rule,
                                      .outcome = MV_OUTCOME_FAIL,
                                      .severity = MV_SEVERITY_BLOCKER,
                                      .message = MV_STR("claim a is not shared") };
        struct mv_verdict verdict = { .subject = { .kind = MV_STR("VirtualMachine"), .name = MV_STR("db") },
                                      .migratable = MV_OUTCOME_FAIL,
                                      .findings = &finding };
        struct mv_audit_change change = {
                .changed = true,
                .was = MV_OUTCOME_PASS,
                .is = MV_OUTCOME_FAIL,
                .causes = { { MV_KIND_STORAGE_PROFILE, MV_STR(""), MV_STR("ceph"), MV_AUDIT_WAS_CHANGED } },
                .n_causes = 1,
        };
        mv_arena_init(&arena, &mv_allocator_system, 0);
        mv_event_of_change(&arena, &verdict, &change, &event);
        assert_string_equal(event.reason, "NotLiveMigratable");
        assert_true(event.warning);
        assert_str(event.note, "It cannot live-migrate any more, since StorageProfile ceph was changed. "
                               "pvc-access-mode: claim a is not shared");
        change.is = MV_OUTCOME_PASS;
        change.was = MV_OUTCOME_FAIL;
        change.n_causes = 0;
        verdict.findings = NULL;
        mv_event_of_change(&arena, &verdict, &change, &event);
        assert_string_equal(event.reason, "LiveMigratableAgain");
        assert_false(event.warning);
        assert_str(event.note, "It can live-migrate now");
        change.was = change.is;
        change.policy = true;
        mv_event_of_change(&arena, &verdict, &change, &event);
        assert_string_equal(event.reason, "MigrationPolicyChanged");
        change.policy = false;
        mv_event_of_change(&arena, &verdict, &change, &event);
        assert_string_equal(event.reason, "MigrationFindingsChanged");
        change.is = MV_OUTCOME_UNKNOWN;
        verdict.findings = &finding;
        finding.message = (struct mv_str){ long_text, sizeof long_text };
        mv_event_of_change(&arena, &verdict, &change, &event);
        assert_string_equal(event.reason, "LiveMigratabilityUnknown");
        assert_int_equal(event.note.n, MV_EVENT_NOTE);
        mv_arena_done(&arena);
}

static void test_of_a_refusal(void **state) {
        (void)state;
        struct mv_arena arena;
        struct mv_event event = { 0 };
        struct mv_instance instance = {
                .vmi = { .meta = { .name = MV_STR("db"), .namespace = MV_STR("shop"), .uid = MV_STR("u") } }
        };
        struct mv_verdict verdict = { .instance = &instance };
        mv_arena_init(&arena, &mv_allocator_system, 0);
        assert_true(mv_event_of_refusal(&arena, &verdict, MV_STR("move"), MV_STR("claim a is not shared"),
                                        &event));
        assert_str(event.kind, "VirtualMachineInstance");
        assert_str(event.name, "db");
        assert_str(event.uid, "u");
        assert_string_equal(event.reason, "MigrationRefused");
        assert_true(event.warning);
        assert_str(event.note, "Migration move was refused: claim a is not shared");
        /* Its name is still to be generated; and: nobody knows on what to tell it. */
        assert_true(mv_event_of_refusal(&arena, &verdict, MV_STR(""), MV_STR("no"), &event));
        assert_str(event.note, "Migration was refused: no");
        verdict.instance = NULL;
        assert_false(mv_event_of_refusal(&arena, &verdict, MV_STR("move"), MV_STR("no"), &event));
        mv_arena_done(&arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_series),
                cmocka_unit_test(test_another_note),
                cmocka_unit_test(test_before_it_is_written),
                cmocka_unit_test(test_while_it_is_written),
                cmocka_unit_test(test_another_note_after_a_failure),
                cmocka_unit_test(test_nobody_answers),
                cmocka_unit_test(test_failures),
                cmocka_unit_test(test_others_are_tried),
                cmocka_unit_test(test_rate_and_room),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_texts),
                cmocka_unit_test(test_of_a_change),
                cmocka_unit_test(test_of_a_refusal),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
