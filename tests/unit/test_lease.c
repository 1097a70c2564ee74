/* SPDX-License-Identifier: Apache-2.0 */
/* The leader election: its rules one by one, and many candidates in a simulated API. */
#include "cluster/kube/lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { DURATION = 15000, RENEW = 10000, RETRY = 2000 };

static struct mv_lease lease_of(const char *identity, long long now) {
        struct mv_lease lease;
        const struct mv_lease_options options = { .identity = identity, .duration_ms = DURATION, .seed = 1 };
        mv_lease_init(&lease, &options, now);
        return lease;
}

static enum mv_lease_step next(struct mv_lease *lease, long long now) {
        long long at;
        return mv_lease_next(lease, now, &at);
}

static const struct mv_lease_record others = {
        .holder = "b", .acquire_time = "x", .renew_time = "y", .duration_seconds = 15, .transitions = 4
};

/* a becomes leader at 0, of a Lease that nobody had. */
static struct mv_lease leading(void) {
        struct mv_lease lease = lease_of("a", 0);
        struct mv_lease_record record;
        assert_int_equal(next(&lease, 0), MV_LEASE_GET);
        mv_lease_absent(&lease, 0);
        assert_int_equal(next(&lease, 0), MV_LEASE_CREATE);
        mv_lease_wanted(&lease, 1000000, 0, &record);
        assert_string_equal(record.holder, "a");
        assert_string_equal(record.renew_time, "1970-01-01T00:00:01.000000Z");
        assert_string_equal(record.acquire_time, record.renew_time);
        assert_int_equal(record.duration_seconds, 15);
        assert_int_equal(record.transitions, 0);
        assert_false(mv_lease_is_leader(&lease, 0));
        mv_lease_written(&lease, MV_STR("7"), 300);
        return lease;
}

static void test_acquire_and_renew(void **state) {
        (void)state;
        struct mv_lease lease = leading();
        struct mv_lease_record record;
        assert_true(mv_lease_is_leader(&lease, 300));
        assert_true(mv_lease_is_leader(&lease, RENEW - 1));
        assert_false(mv_lease_is_leader(&lease, RENEW)); /* counted from when it was sent */
        assert_int_equal(next(&lease, 300 + RETRY - 1), MV_LEASE_WAIT);
        assert_int_equal(next(&lease, 300 + RETRY), MV_LEASE_UPDATE);
        mv_lease_wanted(&lease, 3000000, 2300, &record);
        assert_string_equal(record.acquire_time, "1970-01-01T00:00:01.000000Z");
        assert_string_equal(record.renew_time, "1970-01-01T00:00:03.000000Z");
        mv_lease_written(&lease, MV_STR("8"), 2400);
        assert_true(mv_lease_is_leader(&lease, 2300 + RENEW - 1));
        assert_false(mv_lease_is_leader(&lease, 2300 + RENEW));
}

static void test_wait_for_another(void **state) {
        (void)state;
        struct mv_lease lease = lease_of("a", 0);
        struct mv_lease_record record, changed = others;
        long long at;
        mv_lease_seen(&lease, &others, MV_STR("1"), 0);
        assert_int_equal(mv_lease_next(&lease, 0, &at), MV_LEASE_WAIT);
        assert_true(at >= RETRY && at <= RETRY * 22 / 10);
        assert_int_equal(next(&lease, at), MV_LEASE_GET);
        mv_lease_seen(&lease, &others, MV_STR("1"), 14999);
        assert_int_equal(next(&lease, 14999), MV_LEASE_WAIT);
        /* It changed: all the duration anew, whatever its own times say. */
        snprintf(changed.renew_time, sizeof changed.renew_time, "z");
        mv_lease_seen(&lease, &changed, MV_STR("2"), 15000);
        assert_int_equal(next(&lease, 15000), MV_LEASE_WAIT);
        mv_lease_seen(&lease, &changed, MV_STR("2"), 29999);
        assert_int_equal(next(&lease, 29999), MV_LEASE_WAIT);
        mv_lease_seen(&lease, &changed, MV_STR("2"), 30000);
        assert_int_equal(next(&lease, 30000), MV_LEASE_UPDATE);
        mv_lease_wanted(&lease, 0, 30000, &record);
        assert_int_equal(record.transitions, 5);
        mv_lease_written(&lease, MV_STR("3"), 30001);
        assert_true(mv_lease_is_leader(&lease, 30001));
}

static void test_conflict(void **state) {
        (void)state;
        struct mv_lease lease = leading();
        struct mv_lease_record record;
        mv_lease_wanted(&lease, 5000000, 2300, &record);
        mv_lease_failed(&lease, true, 2400);
        /* What it has it has: others wait for it to end. */
        assert_true(mv_lease_is_leader(&lease, 2400));
        assert_int_equal(next(&lease, 4000), MV_LEASE_GET);
        mv_lease_seen(&lease, &others, MV_STR("9"), 4001);
        assert_false(mv_lease_is_leader(&lease, 4001));
        assert_false(mv_lease_release(&lease, 0, &record));
}

static void test_answer_was_lost(void **state) {
        (void)state;
        struct mv_lease lease = leading();
        struct mv_lease_record record;
        mv_lease_wanted(&lease, 5000000, 2300, &record);
        mv_lease_failed(&lease, false, 5000);
        assert_int_equal(next(&lease, 20000), MV_LEASE_GET);
        mv_lease_seen(&lease, &record, MV_STR("8"), 6000);
        assert_true(mv_lease_is_leader(&lease, 2300 + RENEW - 1));
        assert_false(mv_lease_is_leader(&lease, 2300 + RENEW));
        assert_int_equal(next(&lease, 6000), MV_LEASE_UPDATE);
}

static void test_own_name_of_another_process(void **state) {
        (void)state;
        struct mv_lease lease = lease_of("b", 0);
        mv_lease_seen(&lease, &others, MV_STR("1"), 0);
        assert_false(mv_lease_is_leader(&lease, 1));
        assert_int_equal(next(&lease, 1), MV_LEASE_WAIT);
}

static void test_release(void **state) {
        (void)state;
        struct mv_lease lease = leading(), other = lease_of("b", 0);
        struct mv_lease_record record;
        assert_false(mv_lease_release(&other, 0, &record));
        assert_true(mv_lease_release(&lease, 4000000, &record));
        assert_string_equal(record.holder, "");
        mv_lease_seen(&other, &record, MV_STR("9"), 1000);
        assert_int_equal(next(&other, 1000), MV_LEASE_UPDATE); /* without waiting */
}

static void test_deleted(void **state) {
        (void)state;
        struct mv_lease lease = leading();
        mv_lease_failed(&lease, true, 2000);
        mv_lease_absent(&lease, 3000);
        assert_false(mv_lease_is_leader(&lease, 3000));
        assert_int_equal(next(&lease, 3000), MV_LEASE_CREATE);
}

static void test_json(void **state) {
        (void)state;
        struct mv_lease_record record;
        char version[64];
        struct mv_buf buf;
        struct mv_err err = { 0 };
        mv_buf_init(&buf, &mv_allocator_system, 4096);
        mv_lease_encode(&others, MV_STR("ns"), MV_STR("migvet"), MV_STR("12"), &buf);
        assert_string_equal(buf.p, "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\","
                                   "\"metadata\":{\"name\":\"migvet\",\"namespace\":\"ns\","
                                   "\"resourceVersion\":\"12\"},\"spec\":{\"acquireTime\":\"x\","
                                   "\"holderIdentity\":\"b\",\"leaseDurationSeconds\":15,"
                                   "\"leaseTransitions\":4,\"renewTime\":\"y\"}}");
        mv_buf_append(&buf, "\0\0\0\0\0\0\0\0", 8);
        struct mv_str text = { buf.p, buf.n - 8 };
        assert_int_equal(mv_lease_decode(text, &record, version, sizeof version, &err), 0);
        assert_string_equal(record.holder, "b");
        assert_string_equal(record.renew_time, "y");
        assert_int_equal(record.transitions, 4);
        assert_string_equal(version, "12");
        mv_buf_done(&buf);
        char empty[] =
                "{\"metadata\":{\"resourceVersion\":\"3\"},\"spec\":{\"holderIdentity\":null}}\0\0\0\0\0\0\0";
        assert_int_equal(mv_lease_decode(mv_str_from(empty), &record, version, sizeof version, &err), 0);
        assert_string_equal(record.holder, "");
        char wrong[] =
                "{\"metadata\":{\"resourceVersion\":\"3\"},\"spec\":{\"holderIdentity\":1}}\0\0\0\0\0\0\0";
        assert_int_equal(mv_lease_decode(mv_str_from(wrong), &record, version, sizeof version, &err),
                         MV_ETYPE);
        assert_string_equal(err.path, "spec.holderIdentity");
}

/* --- simulation --- */

enum { CANDIDATES = 4, RUNS = 400, MINUTES = 10 };

struct sim_server {
        bool exists;
        struct mv_lease_record record;
        unsigned version;
};

struct sim_candidate {
        struct mv_lease lease;
        unsigned offset; /* of its wall clock, microseconds */
        char name[8];
        bool busy, arrived,
                lost; /* a request is under way; it reached the server; its answer will not come */
        enum mv_lease_step step;
        struct mv_lease_record wanted;
        char sent_version[64];
        long long arrives, answers;
        int status; /* of the answer */
        struct mv_lease_record answer;
        unsigned version;
        long long sleeps_until; /* the process stands still */
        bool dead;
};

static uint64_t random_state;
static unsigned roll(unsigned below) {
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return (unsigned)(random_state >> 32) % below;
}

static void arrive(struct sim_server *server, struct sim_candidate *c) {
        char version[64];
        snprintf(version, sizeof version, "%u", server->version);
        c->arrived = true;
        c->status = 200;
        switch (c->step) {
        case MV_LEASE_GET:
                c->status = server->exists ? 200 : 404;
                break;
        case MV_LEASE_CREATE:
                c->status = server->exists ? 409 : 201;
                break;
        case MV_LEASE_UPDATE:
                c->status = !server->exists ? 404 : strcmp(version, c->sent_version) != 0 ? 409 : 200;
                break;
        case MV_LEASE_WAIT:
                fail();
        }
        if (c->step != MV_LEASE_GET && c->status < 300) {
                server->exists = true;
                server->record = c->wanted;
                server->version++;
        }
        c->answer = server->record;
        c->version = server->version;
}

static void answer(struct sim_candidate *c, long long now) {
        char version[64];
        snprintf(version, sizeof version, "%u", c->version);
        c->busy = false;
        if (c->lost)
                mv_lease_failed(&c->lease, false, now);
        else if (c->step == MV_LEASE_GET && c->status == 404)
                mv_lease_absent(&c->lease, now);
        else if (c->step == MV_LEASE_GET)
                mv_lease_seen(&c->lease, &c->answer, mv_str_from(version), now);
        else if (c->status < 300)
                mv_lease_written(&c->lease, mv_str_from(version), now);
        else
                mv_lease_failed(&c->lease, true, now);
}

static void step(struct sim_server *server, struct sim_candidate *c, long long now) {
        long long at;
        if (c->busy && !c->arrived && now >= c->arrives)
                arrive(server, c); /* whatever the process does meanwhile */
        if (now < c->sleeps_until || c->dead)
                return;
        if (roll(6000) == 0)
                c->sleeps_until = now + roll(40000);
        if (c->busy && c->arrived && now >= c->answers)
                answer(c, now);
        if (c->busy)
                return;
        c->step = mv_lease_next(&c->lease, now, &at);
        if (c->step == MV_LEASE_WAIT)
                return;
        c->busy = true;
        c->arrived = false;
        c->lost = roll(10) == 0;
        if (c->step != MV_LEASE_GET)
                mv_lease_wanted(&c->lease, now * 1000 + c->offset, now, &c->wanted);
        snprintf(c->sent_version, sizeof c->sent_version, "%s", c->lease.version);
        c->arrives = now + roll(roll(8) == 0 ? 9000 : 300);
        c->answers = c->arrives + roll(roll(8) == 0 ? 9000 : 300);
}

static void test_never_two(void **state) {
        (void)state;
        unsigned long long led = 0, transitions = 0;
        for (unsigned run = 0; run < RUNS; run++) {
                struct sim_server server = { 0 };
                struct sim_candidate c[CANDIDATES] = { 0 };
                random_state = 0x9e3779b97f4a7c15ULL * (run + 1);
                for (unsigned i = 0; i < CANDIDATES; i++) {
                        /* The last two share a name. */
                        snprintf(c[i].name, sizeof c[i].name, "c%u", i < 3 ? i : 2);
                        const struct mv_lease_options options = { .identity = c[i].name,
                                                                  .duration_ms = DURATION,
                                                                  .seed = roll(1000000) };
                        mv_lease_init(&c[i].lease, &options, roll(100));
                }
                for (long long now = 0; now < MINUTES * 60000LL; now += 20) {
                        unsigned leaders = 0;
                        for (unsigned i = 0; i < CANDIDATES; i++) {
                                step(&server, &c[i], now);
                                leaders += mv_lease_is_leader(&c[i].lease, now);
                        }
                        assert_true(leaders <= 1);
                        led += leaders > 0;
                }
                transitions += (unsigned long long)server.record.transitions;
        }
        /* It is no empty truth: there is a leader most of the time, and it changes. */
        assert_true(led > RUNS * MINUTES * 60000ULL / 20 / 2);
        assert_true(transitions > RUNS);
}

/* The leader ends without a word: another one leads within the duration and some retries. */
static void test_taken_over(void **state) {
        (void)state;
        struct sim_server server = { 0 };
        struct sim_candidate c[2] = { { .name = "a" }, { .name = "b" } };
        random_state = 42;
        for (unsigned i = 0; i < 2; i++) {
                const struct mv_lease_options options = { .identity = c[i].name,
                                                          .duration_ms = DURATION,
                                                          .seed = i };
                mv_lease_init(&c[i].lease, &options, 0);
        }
        long long now = 0;
        while (!mv_lease_is_leader(&c[0].lease, now) && !mv_lease_is_leader(&c[1].lease, now)) {
                step(&server, &c[0], now);
                step(&server, &c[1], now);
                assert_true(++now < 60000);
        }
        const unsigned first = mv_lease_is_leader(&c[0].lease, now) ? 0 : 1;
        const long long died = now;
        c[first].dead = true;
        while (!mv_lease_is_leader(&c[1 - first].lease, now)) {
                step(&server, &c[1 - first], now);
                c[1 - first].sleeps_until = 0;
                assert_true(++now < died + DURATION + 40000);
        }
        assert_true(now >= died + RENEW);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_acquire_and_renew),
                cmocka_unit_test(test_wait_for_another),
                cmocka_unit_test(test_conflict),
                cmocka_unit_test(test_answer_was_lost),
                cmocka_unit_test(test_own_name_of_another_process),
                cmocka_unit_test(test_release),
                cmocka_unit_test(test_deleted),
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_never_two),
                cmocka_unit_test(test_taken_over),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
