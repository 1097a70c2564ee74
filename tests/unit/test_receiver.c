/* SPDX-License-Identifier: Apache-2.0 */
/* When which event is sent to a receiver: each rule, under a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "webhook/deliver/receiver.h"

#include <string.h>

enum { MOST = 3000 };

/* An outbox of one receiver: event number i (from 1) has a subject, unless it is done. */
struct outbox {
        struct mv_receiver receiver;
        uint64_t subjects[MOST + 1];
        bool done[MOST + 1];
        uint64_t n;
        unsigned reads, buried;
        bool unreadable;
        long long now;
        struct mv_delivery_source source;
};

static int next(void *context, uint64_t after, uint64_t *ret_sequence, uint64_t *ret_subject) {
        struct outbox *outbox = context;
        outbox->reads++;
        if (outbox->unreadable)
                return -1;
        for (uint64_t i = after + 1; i <= outbox->n; i++)
                if (!outbox->done[i]) {
                        *ret_sequence = i;
                        *ret_subject = outbox->subjects[i];
                        return 1;
                }
        return 0;
}

/* Subjects are letters, one event each. */
static void begin(struct outbox *outbox, const char *subjects) {
        memset(outbox, 0, sizeof *outbox);
        mv_receiver_init(&outbox->receiver, 3, 42);
        outbox->source = (struct mv_delivery_source){ next, outbox };
        for (; *subjects; subjects++)
                outbox->subjects[++outbox->n] = (uint64_t)*subjects;
}

static void add(struct outbox *outbox, char subject) {
        outbox->subjects[++outbox->n] = (uint64_t)subject;
        mv_receiver_wake(&outbox->receiver);
}

static struct mv_slot *step(struct outbox *outbox) {
        long long until;
        return mv_receiver_step(&outbox->receiver, &outbox->source, outbox->now, &until);
}

/* The event of that number is sent now. */
static struct mv_slot *sends(struct outbox *outbox, uint64_t sequence) {
        struct mv_slot *slot = step(outbox);
        assert_non_null(slot);
        assert_int_equal(slot->sequence, sequence);
        assert_int_equal(slot->state, MV_SLOT_SENDING);
        return slot;
}

/* Who appends an event has to say so exactly when it would be sent at once. */
static void check_hunger(const struct outbox *outbox) {
        static struct outbox copy;
        copy = *outbox;
        copy.source.context = &copy;
        if (copy.n == MOST)
                return;
        copy.subjects[++copy.n] = UINT64_MAX;
        mv_receiver_wake(&copy.receiver);
        const struct mv_slot *slot = step(&copy);
        assert_int_equal(mv_receiver_is_hungry(&outbox->receiver, outbox->now), slot != NULL);
}

/* Nothing is; when something may be, as milliseconds from now; -1: never by itself. */
static long long rests(struct outbox *outbox) {
        long long until;
        struct mv_slot *slot = mv_receiver_step(&outbox->receiver, &outbox->source, outbox->now, &until);
        if (slot)
                fail_msg("event %llu is sent", (unsigned long long)slot->sequence);
        if (until > outbox->now && !outbox->unreadable)
                check_hunger(outbox);
        return until == INT64_MAX ? -1 : until - outbox->now;
}

static enum mv_fate answer_after(struct outbox *outbox, struct mv_slot *slot, enum mv_answer answer,
                                 long long retry_after_ms) {
        uint64_t sequence = slot->sequence;
        enum mv_fate fate = mv_receiver_answer(&outbox->receiver, slot, answer, retry_after_ms, outbox->now);
        if (fate == MV_FATE_DONE)
                outbox->done[sequence] = true;
        if (fate == MV_FATE_BURY) {
                outbox->done[sequence] = true;
                outbox->buried++;
                mv_receiver_buried(&outbox->receiver, slot);
        }
        return fate;
}

static enum mv_fate answer(struct outbox *outbox, struct mv_slot *slot, enum mv_answer of) {
        return answer_after(outbox, slot, of, -1);
}

static void test_answers(void **state) {
        (void)state;
        static const struct {
                int status;
                bool complete, retry_after;
                enum mv_answer answer;
        } cases[] = {
                { 200, true, false, MV_ANSWER_TAKEN },   { 202, true, true, MV_ANSWER_TAKEN },
                { 204, true, false, MV_ANSWER_TAKEN },   { 200, false, false, MV_ANSWER_FAILED },
                { 0, false, false, MV_ANSWER_FAILED },   { 0, true, false, MV_ANSWER_FAILED },
                { 101, true, false, MV_ANSWER_FAILED },  { 301, true, false, MV_ANSWER_FAILED },
                { 307, true, false, MV_ANSWER_FAILED },  { 400, true, false, MV_ANSWER_REFUSED },
                { 400, false, false, MV_ANSWER_FAILED }, { 401, true, false, MV_ANSWER_FAILED },
                { 403, true, false, MV_ANSWER_FAILED },  { 404, true, false, MV_ANSWER_FAILED },
                { 405, true, false, MV_ANSWER_REFUSED }, { 407, true, false, MV_ANSWER_FAILED },
                { 408, true, false, MV_ANSWER_FAILED },  { 409, true, false, MV_ANSWER_REFUSED },
                { 410, true, false, MV_ANSWER_GONE },    { 410, false, false, MV_ANSWER_FAILED },
                { 413, true, false, MV_ANSWER_REFUSED }, { 415, true, false, MV_ANSWER_REFUSED },
                { 422, true, false, MV_ANSWER_REFUSED }, { 425, true, false, MV_ANSWER_FAILED },
                { 429, true, false, MV_ANSWER_BUSY },    { 500, true, false, MV_ANSWER_FAILED },
                { 503, true, false, MV_ANSWER_FAILED },  { 503, true, true, MV_ANSWER_BUSY },
                { 500, true, true, MV_ANSWER_FAILED },   { 599, true, false, MV_ANSWER_FAILED },
                { 600, true, false, MV_ANSWER_FAILED },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                if (mv_answer_of(cases[i].status, cases[i].complete, cases[i].retry_after) != cases[i].answer)
                        fail_msg("%d", cases[i].status);
}

static void test_so_many_at_a_time(void **state) {
        (void)state;
        struct outbox outbox;
        struct mv_slot *slots[MV_RECEIVER_IN_FLIGHT];
        begin(&outbox, "abcdefghij");
        for (unsigned i = 0; i < MV_RECEIVER_IN_FLIGHT; i++)
                slots[i] = sends(&outbox, i + 1);
        assert_int_equal(rests(&outbox), -1);
        assert_int_equal(answer(&outbox, slots[5], MV_ANSWER_TAKEN), MV_FATE_DONE);
        slots[5] = sends(&outbox, 9);
        assert_int_equal(rests(&outbox), -1);
        for (unsigned i = 0; i < MV_RECEIVER_IN_FLIGHT; i++)
                answer(&outbox, slots[i], MV_ANSWER_TAKEN);
        answer(&outbox, sends(&outbox, 10), MV_ANSWER_TAKEN);
        assert_int_equal(rests(&outbox), -1);
        /* It does not look again by itself, but when it is told to. */
        unsigned reads = outbox.reads;
        assert_int_equal(rests(&outbox), -1);
        assert_int_equal(outbox.reads, reads);
        add(&outbox, 'k');
        answer(&outbox, sends(&outbox, 11), MV_ANSWER_TAKEN);
}

static void test_one_subject_in_order(void **state) {
        (void)state;
        struct outbox outbox;
        begin(&outbox, "aababc");
        struct mv_slot *a = sends(&outbox, 1), *b = sends(&outbox, 3), *c = sends(&outbox, 6);
        assert_int_equal(rests(&outbox), -1);
        answer(&outbox, c, MV_ANSWER_TAKEN);
        assert_int_equal(rests(&outbox), -1);
        answer(&outbox, a, MV_ANSWER_TAKEN);
        a = sends(&outbox, 2);
        assert_int_equal(rests(&outbox), -1);
        answer(&outbox, b, MV_ANSWER_TAKEN);
        b = sends(&outbox, 5);
        add(&outbox, 'a');
        assert_int_equal(rests(&outbox), -1);
        answer(&outbox, a, MV_ANSWER_TAKEN);
        a = sends(&outbox, 4);
        answer(&outbox, a, MV_ANSWER_TAKEN);
        a = sends(&outbox, 7);
        answer(&outbox, a, MV_ANSWER_TAKEN);
        answer(&outbox, b, MV_ANSWER_TAKEN);
        assert_int_equal(rests(&outbox), -1);
        for (uint64_t i = 1; i <= outbox.n; i++)
                assert_true(outbox.done[i]);
}

/* Thousands of events of few subjects are not read over and over, and the next of a subject goes as soon as it may. */
static void test_few_subjects(void **state) {
        (void)state;
        struct outbox outbox;
        struct mv_slot *slots[3];
        begin(&outbox, "");
        for (uint64_t i = 1; i <= MOST; i++)
                outbox.subjects[i] = i % 3;
        outbox.n = MOST;
        for (uint64_t i = 1; i <= 3; i++)
                slots[i % 3] = sends(&outbox, i);
        assert_int_equal(rests(&outbox), -1);
        for (uint64_t i = 1; i <= MOST; i++) {
                answer(&outbox, slots[i % 3], MV_ANSWER_TAKEN);
                if (i + 3 <= MOST)
                        slots[i % 3] = sends(&outbox, i + 3);
                assert_int_equal(rests(&outbox), -1);
        }
        assert_true(outbox.reads < 100 * MOST);
}

/* Down: the time doubles up to five minutes, chance takes a part, nothing is held against the events, and one probe at a time
 * is made. Then all of it is delivered. */
static void test_trouble(void **state) {
        (void)state;
        struct outbox outbox;
        begin(&outbox, "abcd");
        struct mv_slot *a = sends(&outbox, 1), *b = sends(&outbox, 2);
        answer(&outbox, a, MV_ANSWER_FAILED);
        long long wait = rests(&outbox);
        assert_in_range(wait, 100, 1000);
        answer(&outbox, b, MV_ANSWER_FAILED); /* the same failure */
        assert_int_equal(outbox.receiver.failures, 1);
        assert_int_equal(rests(&outbox), wait);
        long long most = 1000, longest = 0, sum = 0, mosts = 0;
        for (unsigned i = 2; i < 200; i++) {
                outbox.now += wait - 1;
                assert_int_equal(rests(&outbox), 1);
                outbox.now += 1;
                struct mv_slot *probe = step(&outbox);
                assert_non_null(probe);
                assert_true(probe->probe);
                assert_int_equal(rests(&outbox), -1);
                assert_int_equal(answer(&outbox, probe, MV_ANSWER_FAILED), MV_FATE_KEEP);
                assert_int_equal(outbox.receiver.failures, i);
                most = most * 2 < 300000 ? most * 2 : 300000;
                wait = rests(&outbox);
                assert_in_range(wait, 100, most);
                longest = wait > longest ? wait : longest;
                sum += wait;
                mosts += most;
        }
        assert_true(longest > 250000);
        assert_in_range(sum * 100 / mosts, 40, 60); /* full jitter: half on average */
        assert_int_equal(outbox.buried, 0);
        unsigned few = UINT32_MAX, many = 0;
        for (size_t i = 0; i < MV_RECEIVER_SLOTS; i++) {
                const struct mv_slot *slot = &outbox.receiver.slots[i];
                assert_int_equal(slot->tries, 0);
                if (slot->state == MV_SLOT_FREE)
                        continue;
                few = slot->probes < few ? slot->probes : few;
                many = slot->probes > many ? slot->probes : many;
        }
        assert_true(many - few <= 1); /* another one each time */
        outbox.now += wait;
        answer(&outbox, step(&outbox), MV_ANSWER_TAKEN);
        assert_false(outbox.receiver.troubled);
        for (unsigned i = 0; i < 3; i++) /* at once, not only when the time of each is over */
                answer(&outbox, step(&outbox), MV_ANSWER_TAKEN);
        assert_int_equal(rests(&outbox), -1);
        for (uint64_t i = 1; i <= 4; i++)
                assert_true(outbox.done[i]);
        /* The next trouble begins with a second again. */
        add(&outbox, 'e');
        answer(&outbox, sends(&outbox, 5), MV_ANSWER_FAILED);
        assert_in_range(rests(&outbox), 100, 1000);
}

/* A receiver that refuses an event is there. */
static void test_a_refusal_ends_trouble(void **state) {
        (void)state;
        struct outbox outbox;
        begin(&outbox, "ab");
        answer(&outbox, sends(&outbox, 1), MV_ANSWER_FAILED);
        outbox.now += rests(&outbox);
        answer(&outbox, sends(&outbox, 2), MV_ANSWER_REFUSED);
        assert_false(outbox.receiver.troubled);
        answer(&outbox, sends(&outbox, 1), MV_ANSWER_TAKEN);
}

/* Held against an event is what fails while others were taken since it failed last. */
static void test_held_against(void **state) {
        (void)state;
        struct outbox outbox;
        begin(&outbox, "pb");
        struct mv_slot *p = sends(&outbox, 1);
        answer(&outbox, p, MV_ANSWER_FAILED);
        outbox.now += rests(&outbox);
        answer(&outbox, sends(&outbox, 2), MV_ANSWER_TAKEN);
        answer(&outbox, sends(&outbox, 1), MV_ANSWER_FAILED);
        assert_int_equal(p->tries, 1);
        assert_false(outbox.receiver.troubled);
        outbox.now += rests(&outbox);
        answer(&outbox, sends(&outbox, 1), MV_ANSWER_FAILED);
        assert_int_equal(p->tries, 1);
        assert_true(outbox.receiver.troubled);
}

/* An event that brings the receiver down, say, holds up no other: the probe is another one, and what fails while others are
 * taken goes to the dead letters in the end. */
static void test_poison_5xx(void **state) {
        (void)state;
        struct outbox outbox;
        begin(&outbox, "pb");
        unsigned rounds = 0;
        answer(&outbox, sends(&outbox, 1), MV_ANSWER_FAILED);
        outbox.now += rests(&outbox);
        answer(&outbox, sends(&outbox, 2), MV_ANSWER_TAKEN);
        while (!outbox.buried && ++rounds < 20) {
                struct mv_slot *slot = step(&outbox);
                if (!slot) {
                        outbox.now += rests(&outbox);
                        continue;
                }
                if (slot->sequence == 1) {
                        answer(&outbox, slot, MV_ANSWER_FAILED);
                        add(&outbox, (char)('c' + rounds));
                } else
                        answer(&outbox, slot, MV_ANSWER_TAKEN);
        }
        assert_int_equal(outbox.buried, 1);
        assert_true(outbox.done[1]);
}

/* 400: held against the event at once; its subject waits, others go on; after three times it is given up. */
static void test_refused(void **state) {
        (void)state;
        struct outbox outbox;
        begin(&outbox, "pxpy");
        assert_int_equal(answer(&outbox, sends(&outbox, 1), MV_ANSWER_REFUSED), MV_FATE_KEEP);
        assert_false(outbox.receiver.troubled);
        struct mv_slot *x = sends(&outbox, 2), *y = sends(&outbox, 4);
        long long wait = rests(&outbox);
        assert_in_range(wait, 100, 1000);
        answer(&outbox, x, MV_ANSWER_TAKEN);
        answer(&outbox, y, MV_ANSWER_TAKEN);
        assert_int_equal(rests(&outbox), wait);
        outbox.now += wait;
        assert_int_equal(answer(&outbox, sends(&outbox, 1), MV_ANSWER_REFUSED), MV_FATE_KEEP);
        wait = rests(&outbox);
        assert_in_range(wait, 100, 2000);
        outbox.now += wait;
        struct mv_slot *p = sends(&outbox, 1);
        assert_int_equal(p->tries, 2);
        assert_int_equal(answer(&outbox, p, MV_ANSWER_REFUSED), MV_FATE_BURY);
        answer(&outbox, sends(&outbox, 3), MV_ANSWER_TAKEN); /* the next of its subject */
        assert_int_equal(rests(&outbox), -1);
}

/* The dead letter could not be written: the event is tried again. */
static void test_not_buried(void **state) {
        (void)state;
        struct outbox outbox;
        begin(&outbox, "p");
        mv_receiver_init(&outbox.receiver, 1, 1);
        struct mv_slot *slot = sends(&outbox, 1);
        assert_int_equal(mv_receiver_answer(&outbox.receiver, slot, MV_ANSWER_REFUSED, -1, 0), MV_FATE_BURY);
        outbox.now += rests(&outbox);
        assert_ptr_equal(sends(&outbox, 1), slot);
        assert_int_equal(answer(&outbox, slot, MV_ANSWER_TAKEN), MV_FATE_DONE);
}

static void test_retry_after(void **state) {
        (void)state;
        struct outbox outbox;
        begin(&outbox, "abc");
        struct mv_slot *a = sends(&outbox, 1), *b = sends(&outbox, 2);
        answer_after(&outbox, a, MV_ANSWER_BUSY, 30000);
        assert_int_equal(rests(&outbox), 30000);
        answer_after(&outbox, b, MV_ANSWER_BUSY, 45000); /* the longer one counts */
        assert_int_equal(rests(&outbox), 45000);
        outbox.now += 45000;
        struct mv_slot *probe = step(&outbox);
        answer_after(&outbox, probe, MV_ANSWER_BUSY, 10LL * 24 * 3600 * 1000);
        assert_int_equal(rests(&outbox), MV_RECEIVER_LONGEST_RETRY_MS);
        outbox.now += MV_RECEIVER_LONGEST_RETRY_MS;
        answer_after(&outbox, step(&outbox), MV_ANSWER_BUSY, 0); /* no less than our own time */
        assert_in_range(rests(&outbox), 100, 4000);
        for (int i = 0; i < 50; i++) { /* also where others are taken meanwhile */
                outbox.now += 4000000;
                struct mv_slot *slot = step(&outbox);
                if (i % 2)
                        add(&outbox, (char)('d' + i));
                answer_after(&outbox, slot, i % 2 ? MV_ANSWER_TAKEN : MV_ANSWER_BUSY, -1);
        }
        assert_int_equal(outbox.buried, 0);
        for (size_t i = 0; i < MV_RECEIVER_SLOTS; i++)
                assert_int_equal(outbox.receiver.slots[i].tries, 0);
}

static void test_gone(void **state) {
        (void)state;
        struct outbox outbox;
        begin(&outbox, "abc");
        struct mv_slot *a = sends(&outbox, 1), *b = sends(&outbox, 2);
        assert_int_equal(answer(&outbox, a, MV_ANSWER_GONE), MV_FATE_KEEP);
        assert_int_equal(rests(&outbox), -1);
        assert_int_equal(answer(&outbox, b, MV_ANSWER_TAKEN), MV_FATE_DONE);
        add(&outbox, 'd');
        outbox.now += 1000000000;
        assert_int_equal(rests(&outbox), -1);
        assert_true(outbox.receiver.gone);
        mv_receiver_init(&outbox.receiver, 3, 42); /* the configuration changed */
        for (uint64_t i = 1; i <= 4; i++)
                if (i != 2)
                        answer(&outbox, sends(&outbox, i), MV_ANSWER_TAKEN);
}

/* What was dropped, or is not wanted any more, is not sent again, and holds up nobody. */
static void test_dropped(void **state) {
        (void)state;
        struct outbox outbox;
        begin(&outbox, "aab");
        answer(&outbox, sends(&outbox, 1), MV_ANSWER_REFUSED);
        answer(&outbox, sends(&outbox, 3), MV_ANSWER_TAKEN);
        outbox.done[1] = true;
        outbox.now += rests(&outbox);
        answer(&outbox, sends(&outbox, 2), MV_ANSWER_TAKEN);
        assert_int_equal(rests(&outbox), -1);
}

/* What cannot be read for a while keeps its place before the next of its subject, and what is new is asked for again. */
static void test_unreadable(void **state) {
        (void)state;
        struct outbox outbox;
        for (unsigned troubled = 0; troubled < 2; troubled++) {
                begin(&outbox, "aa");
                outbox.unreadable = true;
                assert_int_equal(rests(&outbox), MV_RECEIVER_FIRST_MS);
                outbox.unreadable = false;
                outbox.now += MV_RECEIVER_FIRST_MS;
                answer(&outbox, sends(&outbox, 1), troubled ? MV_ANSWER_FAILED : MV_ANSWER_REFUSED);
                rests(&outbox);
                outbox.now += MV_RECEIVER_LONGEST_MS;
                outbox.unreadable = true;
                assert_int_equal(rests(&outbox), MV_RECEIVER_FIRST_MS);
                outbox.unreadable = false;
                answer(&outbox, sends(&outbox, 1), MV_ANSWER_TAKEN);
                answer(&outbox, sends(&outbox, 2), MV_ANSWER_TAKEN);
        }
}

/* As many subjects as there is room for wait; the rest comes when there is room again. Nothing is lost. */
static void test_many_poisons(void **state) {
        (void)state;
        struct outbox outbox;
        unsigned buried = 0, steps = 0;
        begin(&outbox, "");
        mv_receiver_init(&outbox.receiver, 2, 7);
        outbox.n = 1000;
        for (uint64_t i = 1; i <= outbox.n; i++)
                outbox.subjects[i] = i;
        while (buried < outbox.n && ++steps < 100000) {
                struct mv_slot *slot = step(&outbox);
                if (!slot) {
                        long long wait = rests(&outbox);
                        assert_in_range(wait, 1, MV_RECEIVER_LONGEST_MS);
                        outbox.now += wait;
                } else if (answer(&outbox, slot, MV_ANSWER_REFUSED) == MV_FATE_BURY)
                        buried++;
        }
        assert_int_equal(buried, outbox.n);
        assert_int_equal(rests(&outbox), -1);
}

/* Another event of the stuck subject comes thousands of times: others are still found. */
static void test_a_stuck_subject_is_busy(void **state) {
        (void)state;
        struct outbox outbox;
        begin(&outbox, "");
        outbox.n = MOST;
        for (uint64_t i = 1; i < MOST; i++)
                outbox.subjects[i] = 1;
        outbox.subjects[MOST] = 2;
        answer(&outbox, sends(&outbox, 1), MV_ANSWER_REFUSED);
        struct mv_slot *slot = NULL;
        for (int i = 0; i < 10 && !slot; i++) { /* the clock stands still */
                unsigned before = outbox.reads;
                long long until;
                slot = mv_receiver_step(&outbox.receiver, &outbox.source, outbox.now, &until);
                assert_true(outbox.reads - before <= 1100); /* others have their turn */
                assert_true(slot || until == outbox.now);
        }
        assert_non_null(slot);
        assert_int_equal(slot->sequence, MOST);
}

/* Any order of answers: of a subject never two at a time, never the later one first, all in the end. */
static void test_random(void **state) {
        (void)state;
        static struct outbox outbox;
        for (uint64_t seed = 1; seed <= 200; seed++) {
                uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15), last[7] = { 0 };
                struct mv_slot *flying[MV_RECEIVER_IN_FLIGHT] = { 0 };
                unsigned n = 0, left, steps = 0;
                begin(&outbox, "");
                outbox.n = 200;
                for (uint64_t i = 1; i <= outbox.n; i++) {
                        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
                        outbox.subjects[i] = x % 7;
                }
                left = (unsigned)outbox.n;
                while (left && ++steps < 100000) {
                        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
                        struct mv_slot *slot = n < MV_RECEIVER_IN_FLIGHT && x % 3 ? step(&outbox) : NULL;
                        if (slot) {
                                for (unsigned i = 0; i < n; i++)
                                        assert_int_not_equal(flying[i]->subject, slot->subject);
                                assert_true(slot->sequence >= last[slot->subject]);
                                last[slot->subject] = slot->sequence;
                                flying[n++] = slot;
                        } else if (n) {
                                static const enum mv_answer answers[] = { MV_ANSWER_TAKEN, MV_ANSWER_TAKEN,
                                                                          MV_ANSWER_REFUSED, MV_ANSWER_FAILED,
                                                                          MV_ANSWER_BUSY };
                                unsigned at = (unsigned)(x >> 8) % n;
                                left -= answer(&outbox, flying[at], answers[(x >> 16) % 5]) != MV_FATE_KEEP;
                                flying[at] = flying[--n];
                        } else {
                                outbox.now += 1 + (long long)(x % 300000);
                        }
                }
                assert_int_equal(left, 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_answers),
                cmocka_unit_test(test_so_many_at_a_time),
                cmocka_unit_test(test_one_subject_in_order),
                cmocka_unit_test(test_few_subjects),
                cmocka_unit_test(test_trouble),
                cmocka_unit_test(test_a_refusal_ends_trouble),
                cmocka_unit_test(test_held_against),
                cmocka_unit_test(test_poison_5xx),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_not_buried),
                cmocka_unit_test(test_retry_after),
                cmocka_unit_test(test_gone),
                cmocka_unit_test(test_dropped),
                cmocka_unit_test(test_unreadable),
                cmocka_unit_test(test_many_poisons),
                cmocka_unit_test(test_a_stuck_subject_is_busy),
                cmocka_unit_test(test_random),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
