/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that appends, does and syncs, and is killed at any moment. What it reported through a pipe holds afterwards: a record
 * that was appended is there, in its order, and what was done before a sync is not given again.
 */
#include "tests/unit/test_outbox.h"

#include <signal.h>
#include <sys/wait.h>

#define MAX_BYTES (8 * MIB) /* so that segments are long enough for zeros ahead of their records */

enum { ROUNDS = 200, AT_ONCE = 11, KEEPER = 0, WORKER = 1, NEVER = UINT32_MAX };

/* What the child reports. */
struct message {
        uint32_t appended; /* this number was; or 0 */
        uint32_t done;     /* WORKER has done the records up to this number, and they were synced; or 0 */
};

static uint32_t random_below(uint64_t *seed, uint32_t n) {
        *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        return (uint32_t)(*seed >> 33) % n;
}

static void report(int pipe, struct message message) {
        if (write(pipe, &message, sizeof message) != sizeof message)
                _exit(3);
}

static uint32_t number_of(const struct mv_outbox_record *record) {
        unsigned long long number = 0;
        return mv_str_to_unsigned(mv_str_skip(record->id, 3), UINT32_MAX, &number) ? (uint32_t)number : 0;
}

/* Work off some records, and sync. The greatest number that is done then. */
static uint32_t work_off(struct mv_outbox *outbox, uint64_t *seed, struct mv_buf *buf, uint32_t done) {
        struct mv_outbox_record record;
        for (uint32_t n = random_below(seed, AT_ONCE + 1);
             n && mv_outbox_next(outbox, WORKER, 0, buf, &record) > 0; n--) {
                done = number_of(&record);
                if (random_below(seed, 8))
                        mv_outbox_done(outbox, WORKER, record.sequence);
                else if (mv_outbox_bury(outbox, WORKER, &record, 20, MV_STR("400"), NULL) < 0)
                        _exit(4);
        }
        if (mv_outbox_sync(outbox, NULL) < 0)
                _exit(5);
        return done;
}

static void child(const char *directory, int pipe, uint32_t number, uint64_t seed) {
        const struct mv_outbox_options options = { .directory = directory, .max_bytes = MAX_BYTES };
        const struct mv_str names[] = { MV_STR("keeper"), MV_STR("worker") };
        struct mv_outbox *outbox;
        struct mv_buf buf;
        uint32_t done = 0;
        mv_buf_init(&buf, &mv_allocator_system, MV_OUTBOX_BUF);
        if (mv_outbox_open(&options, &outbox, NULL) < 0 || mv_outbox_receivers(outbox, names, 2, NULL) < 0)
                _exit(2);
        for (;; number++) {
                int r = outbox_try(outbox, number, random_below(&seed, 3000), NULL, NULL);
                if (r == MV_ELIMIT)
                        pause(); /* the parent has enough to read */
                if (r < 0)
                        _exit(6);
                report(pipe, (struct message){ .appended = number });
                if (random_below(&seed, 10) == 0) {
                        done = work_off(outbox, &seed, &buf, done);
                        report(pipe, (struct message){ .done = done });
                }
        }
}

/* What a child said: the first and the last number that it appended, and what it has done. */
struct said {
        uint32_t first, last, done;
};

/* Read up to n messages, or all until the end. False at the end. */
static bool listen_to(int pipe, uint32_t n, struct said *said) {
        for (; n; n--) {
                struct message message;
                ssize_t r = read(pipe, &message, sizeof message);
                if (r == 0)
                        return false;
                assert_int_equal(r, sizeof message);
                if (message.appended) {
                        if (!said->first)
                                said->first = message.appended;
                        assert_true(!said->last || message.appended == said->last + 1);
                        said->last = message.appended;
                }
                if (message.done)
                        said->done = message.done;
        }
        return true;
}

struct waiting {
        uint32_t first, last; /* 0: none */
};

/* The numbers that wait for the receiver; they come in order and without a gap. Then it has done them. */
static struct waiting take_all(struct mv_outbox *outbox, size_t receiver) {
        struct waiting waiting = { 0 };
        struct mv_outbox_record record;
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, MV_OUTBOX_BUF);
        for (uint64_t after = 0; mv_outbox_next(outbox, receiver, after, &buf, &record) > 0;) {
                uint32_t number = number_of(&record);
                char begin[80];
                assert_true(record.sequence > after);
                after = record.sequence;
                snprintf(begin, sizeof begin, "{\"number\":%u,\"sequence\":\"%020" PRIu64, number, after);
                assert_true(mv_str_starts_with(record.body, mv_str_from(begin)));
                assert_true(!waiting.last || number == waiting.last + 1);
                waiting.first = waiting.first ? waiting.first : number;
                waiting.last = number;
                mv_outbox_done(outbox, receiver, after);
        }
        mv_buf_done(&buf);
        return waiting;
}

/* All that was reported is there; beyond it at most the one record that was not reported any more. */
static void check(const struct said *said, struct waiting keeper, struct waiting worker) {
        if (said->last) {
                assert_int_equal(keeper.first, said->first);
                assert_in_range(keeper.last, said->last, said->last + 1);
        }
        if (worker.last) {
                assert_int_equal(worker.last, keeper.last);
                assert_true(worker.first > said->done);
        }
        /* What was done beyond the last report is what the child works off at once, at most. */
        const uint32_t reported = said->done ? said->done : keeper.first - 1;
        if (keeper.last)
                assert_true((worker.last ? worker.first : keeper.last + 1) <= reported + 1 + AT_ONCE);
}

static void test_killed(void **state) {
        (void)state;
        char *directory = outbox_directory();
        uint64_t seed = 2026;
        uint32_t number = 1, appended = 0;
        struct mv_outbox *outbox = outbox_open_with(directory, MAX_BYTES, NULL);
        outbox_receivers(outbox, "keeper worker");
        mv_outbox_close(outbox);
        for (unsigned round = 0; round < ROUNDS; round++) {
                struct said said = { 0 };
                int pipes[2], status;
                assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
                const pid_t pid = fork();
                assert_true(pid >= 0);
                if (pid == 0)
                        child(directory, pipes[1], number, seed);
                close(pipes[1]);
                /* Some messages, and then some time that is no multiple of anything. */
                assert_true(listen_to(pipes[0], random_below(&seed, 60), &said));
                for (volatile uint32_t spin = random_below(&seed, 300000); spin; spin--)
                        ;
                assert_int_equal(kill(pid, SIGKILL), 0);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
                assert_false(listen_to(pipes[0], NEVER, &said));
                close(pipes[0]);

                outbox = outbox_open_with(directory, MAX_BYTES, NULL);
                assert_int_equal(outbox_status(outbox).damaged, 0);
                const struct waiting keeper = take_all(outbox, KEEPER), worker = take_all(outbox, WORKER);
                check(&said, keeper, worker);
                appended += said.last ? said.last - said.first + 1 : 0;
                number = keeper.last ? keeper.last + 1 : number;
                mv_outbox_close(outbox);
        }
        assert_true(appended > ROUNDS);
        outbox_remove(directory);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_killed) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
