/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that append beside the one that delivers and others that look: nothing is lost, doubled or out of order. Each second
 * record is one that receiver c does not want, which is given none: so what it has done are many ranges. */
#include "tests/unit/test_outbox.h"

#include <pthread.h>

enum { WRITERS = 4, EACH = 400, RECEIVERS = 2 };

struct shared {
        struct mv_outbox *outbox;
        bool stop;
};

struct writer {
        struct shared *shared;
        unsigned number;
        uint64_t last;
};

static void *append(void *context) {
        struct writer *writer = context;
        for (unsigned i = 0; i < EACH; i++) {
                uint64_t sequence = 0;
                if (outbox_try_but(writer->shared->outbox, writer->number * EACH + i, i % 500,
                                   i % 2 ? "c" : NULL, &sequence, NULL) < 0 ||
                    sequence <= writer->last)
                        abort();
                writer->last = sequence;
        }
        return NULL;
}

static void *look(void *context) {
        struct shared *shared = context;
        while (!__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE)) {
                struct mv_outbox_status status;
                struct mv_outbox_receiver_status receiver;
                mv_outbox_status(shared->outbox, &status);
                if (status.damaged || status.failed ||
                    !mv_outbox_receiver_status(shared->outbox, 1, &receiver) ||
                    receiver.waiting > WRITERS * EACH)
                        abort();
        }
        return NULL;
}

/* Take what is there for the receiver; how many it was. */
static unsigned deliver(struct mv_outbox *outbox, size_t receiver, uint64_t *after, unsigned next[WRITERS]) {
        struct mv_outbox_record record;
        struct mv_buf buf;
        unsigned n = 0;
        mv_buf_init(&buf, &mv_allocator_system, MV_OUTBOX_BUF);
        for (; mv_outbox_next(outbox, receiver, *after, &buf, &record) > 0; n++) {
                unsigned long long number;
                assert_true(record.sequence > *after);
                *after = record.sequence;
                assert_true(mv_str_to_unsigned(mv_str_skip(record.id, 3), UINT32_MAX, &number));
                assert_int_equal(number % EACH, next[number / EACH]++);
                if (n % 50 == 17) /* the receivers' list changes, and with it their positions' place */
                        outbox_receivers(outbox, n % 100 == 17 ? "a b c d" : "a b c");
                mv_outbox_done(outbox, receiver, record.sequence);
        }
        mv_buf_done(&buf);
        return n;
}

static void test_threads(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct shared shared = { .outbox = outbox_open_with(directory, MIB, NULL) };
        struct writer writers[WRITERS];
        pthread_t threads[WRITERS], looker;
        unsigned next[RECEIVERS][WRITERS] = { 0 }, delivered = 0;
        uint64_t after[RECEIVERS] = { 0 };
        outbox_receivers(shared.outbox, "a b c");
        assert_int_equal(pthread_create(&looker, NULL, look, &shared), 0);
        for (unsigned i = 0; i < WRITERS; i++) {
                writers[i] = (struct writer){ .shared = &shared, .number = i };
                assert_int_equal(pthread_create(&threads[i], NULL, append, &writers[i]), 0);
        }
        while (delivered < RECEIVERS * WRITERS * EACH) {
                for (size_t i = 0; i < RECEIVERS; i++)
                        delivered += deliver(shared.outbox, i, &after[i], next[i]);
                assert_int_equal(mv_outbox_sync(shared.outbox, NULL), 0);
        }
        for (unsigned i = 0; i < WRITERS; i++)
                pthread_join(threads[i], NULL);
        __atomic_store_n(&shared.stop, true, __ATOMIC_RELEASE);
        pthread_join(looker, NULL);
        assert_int_equal(outbox_status(shared.outbox).appended, WRITERS * EACH);
        for (size_t i = 0; i < RECEIVERS; i++)
                assert_int_equal(outbox_waits(shared.outbox, i), 0);
        assert_int_equal(outbox_waits(shared.outbox, 2), WRITERS * EACH / 2);
        outbox_receivers(shared.outbox, "a b");
        assert_int_equal(mv_outbox_sync(shared.outbox, NULL), 0);
        mv_outbox_done(shared.outbox, 0, 1); /* which removes what all have done */
        assert_int_equal(files_count(directory, ".log"), 1);
        mv_outbox_close(shared.outbox);
        outbox_remove(directory);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_threads) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
