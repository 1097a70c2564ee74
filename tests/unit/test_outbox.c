/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test_outbox.h"

#include "webhook/deliver/outbox_making.h"

#include <signal.h>
#include <sys/resource.h>

/* --- what an outbox does --- */

static void test_in_order(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct mv_outbox *outbox = outbox_open(directory);
        outbox_receivers(outbox, "mover");
        assert_string_equal(outbox_waiting(outbox, 0), "");
        for (unsigned i = 1; i <= 5; i++)
                assert_int_equal(outbox_append(outbox, i), i);
        assert_string_equal(outbox_waiting(outbox, 0), "1 2 3 4 5");
        mv_outbox_done(outbox, 0, 3);
        mv_outbox_done(outbox, 0, 1);
        mv_outbox_done(outbox, 0, 3);
        mv_outbox_done(outbox, 0, 99);
        mv_outbox_done(outbox, 7, 2);
        assert_string_equal(outbox_waiting(outbox, 0), "2 4 5");
        assert_int_equal(outbox_waits(outbox, 0), 3);
        assert_true(mv_outbox_waits(outbox, 0, 2) && !mv_outbox_waits(outbox, 0, 3) &&
                    !mv_outbox_waits(outbox, 0, 6));

        /* Opened again it is as it was. */
        mv_outbox_close(outbox);
        outbox = outbox_open(directory);
        assert_string_equal(outbox_waiting(outbox, 0), "2 4 5");
        outbox_receivers(outbox, "mover");
        assert_string_equal(outbox_waiting(outbox, 0), "2 4 5");
        assert_int_equal(outbox_append(outbox, 6), 6);
        assert_int_equal(outbox_waits(outbox, 0), 4);
        assert_int_equal(outbox_status(outbox).last_sequence, 6);
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

static void test_receivers_come_and_go(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct mv_outbox *outbox = outbox_open(directory);
        outbox_append(outbox, 1);
        outbox_receivers(outbox, "a");
        assert_string_equal(outbox_waiting(outbox, 0), ""); /* a new one begins at the end */
        outbox_append_many(outbox, 2, 3);
        mv_outbox_done(outbox, 0, 2);
        outbox_receivers(outbox, "b a");
        assert_string_equal(outbox_waiting(outbox, 0), "");
        assert_string_equal(outbox_waiting(outbox, 1), "3");
        outbox_append(outbox, 4);
        assert_string_equal(outbox_waiting(outbox, 0), "4");
        assert_string_equal(outbox_waiting(outbox, 1), "3 4");
        outbox_receivers(outbox, "b");
        outbox_receivers(outbox, "a b"); /* a was forgotten */
        assert_string_equal(outbox_waiting(outbox, 0), "");
        assert_string_equal(outbox_waiting(outbox, 1), "4");
        outbox_receivers(outbox, "");
        assert_false(mv_outbox_receiver_status(outbox, 0, &(struct mv_outbox_receiver_status){ 0 }));

        struct mv_err err = { 0 };
        const struct mv_str same[] = { MV_STR("a"), MV_STR("b"), MV_STR("a") }, odd[] = { MV_STR("a\nb") },
                            none[] = { MV_STR("") };
        assert_int_equal(mv_outbox_receivers(outbox, same, 3, &err), MV_ETYPE);
        assert_int_equal(mv_outbox_receivers(outbox, odd, 1, &err), MV_ETYPE);
        assert_int_equal(mv_outbox_receivers(outbox, none, 1, &err), MV_ETYPE);
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

/* A new receiver's place is kept at once: what comes then is its own, should the process end before the next sync. */
/* What a receiver does not want is not given to it, and keeps nothing: also when it comes again for another alone. */
static void test_unwanted(void **state) {
        (void)state;
        struct mv_outbox_record record;
        struct mv_buf buf;
        char *directory = outbox_directory();
        struct mv_outbox *outbox = outbox_open(directory);
        mv_buf_init(&buf, &mv_allocator_system, MV_OUTBOX_BUF);
        outbox_receivers(outbox, "a b");
        outbox_append(outbox, 1);
        assert_int_equal(outbox_try_but(outbox, 2, 0, "a", NULL, NULL), 0);
        assert_int_equal(outbox_try_but(outbox, 3, 0, "somebody", NULL, NULL), 0);
        assert_int_equal(outbox_waits(outbox, 0), 2);
        assert_int_equal(outbox_waits(outbox, 1), 3);
        assert_string_equal(outbox_waiting(outbox, 0), "1 3");
        assert_string_equal(outbox_waiting(outbox, 1), "1 2 3");
        assert_int_equal(mv_outbox_next(outbox, 1, 0, &buf, &record), 1);
        record.receiver = MV_STR("b");
        const struct mv_outbox_letter letter = { .record = record };
        assert_int_equal(mv_outbox_append_again(outbox, &letter, 0, NULL), 0);
        assert_int_equal(outbox_waits(outbox, 0), 2);
        assert_int_equal(outbox_waits(outbox, 1), 4);
        mv_outbox_close(outbox);
        outbox = outbox_open(directory);
        outbox_receivers(outbox, "a b");
        assert_string_equal(outbox_waiting(outbox, 0), "1 3");
        assert_string_equal(outbox_waiting(outbox, 1), "1 2 3 1");
        mv_buf_done(&buf);
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

static void test_new_receiver_survives(void **state) {
        (void)state;
        char *directory = outbox_directory(), *copy = outbox_directory();
        struct mv_outbox *outbox = outbox_open(directory);
        outbox_receivers(outbox, "a");
        outbox_append_many(outbox, 1, 2);
        /* As the disk is now. */
        static const char *const names[] = { "positions", "00000000000000000001.log" };
        for (size_t i = 0; i < 2; i++) {
                char *from = mv_path_join(directory, names[i]), *to = mv_path_join(copy, names[i]);
                struct mv_str text = file_take(from);
                file_put(to, text);
                text_free(text);
                free(from);
                free(to);
        }
        struct mv_outbox *other = outbox_open(copy);
        outbox_receivers(other, "a");
        assert_string_equal(outbox_waiting(other, 0), "1 2");
        mv_outbox_close(other);
        mv_outbox_close(outbox);
        outbox_remove(copy);
        outbox_remove(directory);
}

/* The same list needs no disk, so that one in trouble does not matter. */
static void test_same_receivers(void **state) {
        (void)state;
        char *directory = outbox_directory(), *path = mv_path_join(directory, MV_POSITIONS_FILE);
        struct mv_outbox *outbox = outbox_open(directory);
        const struct mv_str names[] = { MV_STR("a"), MV_STR("b"), MV_STR("a") };
        struct mv_err err = { 0 };
        outbox_receivers(outbox, "a b");
        outbox_append_many(outbox, 1, 3);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0); /* no file takes its place */
        assert_int_equal(mv_outbox_receivers(outbox, names, 2, &err), 0);
        assert_int_equal(mv_outbox_receivers(outbox, names, 1, &err), MV_EIO);
        assert_int_equal(mv_outbox_receivers(outbox, names + 1, 2, &err), MV_EIO);
        assert_string_equal(outbox_waiting(outbox, 0), "1 2 3");
        assert_int_equal(rmdir(path), 0);
        outbox_receivers(outbox, "b a");
        assert_int_equal(access(path, F_OK), 0);
        mv_outbox_close(outbox);
        free(path);
        outbox_remove(directory);
}

static void test_one_process(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct mv_outbox *outbox = outbox_open(directory), *second = NULL;
        struct mv_err err = { 0 };
        struct mv_outbox_options options = { .directory = directory, .max_bytes = MIB };
        assert_int_equal(mv_outbox_open(&options, &second, &err), MV_ETIMEOUT);
        mv_outbox_close(outbox);
        assert_int_equal(mv_outbox_open(&options, &second, &err), 0);
        mv_outbox_close(second);
        options.max_bytes = 100;
        assert_int_equal(mv_outbox_open(&options, &second, &err), MV_EUSAGE);
        options = (struct mv_outbox_options){ .directory = "/proc/no/such", .max_bytes = MIB };
        assert_int_equal(mv_outbox_open(&options, &second, &err), MV_ENOTFOUND);
        assert_true(err.message[0] && err.file[0]);
        assert_null(mv_outbox_close(NULL));
        outbox_remove(directory);
}

static void test_segments(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct mv_outbox *outbox = outbox_open_with(directory, 64 * 1024, NULL); /* segments of 4 KiB */
        outbox_receivers(outbox, "fast slow");
        outbox_append_many(outbox, 1, 100);
        const unsigned all = files_count(directory, ".log");
        assert_true(all > 3);
        for (uint64_t i = 1; i <= 100; i++)
                mv_outbox_done(outbox, 0, i);
        assert_int_equal(files_count(directory, ".log"), all); /* the slow one has done nothing */
        for (uint64_t i = 100; i > 50; i--)
                mv_outbox_done(outbox, 1, i);
        assert_int_equal(files_count(directory, ".log"), all);
        for (uint64_t i = 1; i < 50; i++)
                mv_outbox_done(outbox, 1, i);
        assert_true(files_count(directory, ".log") < all);
        assert_string_equal(outbox_waiting(outbox, 1), "50");
        assert_int_equal(outbox_waits(outbox, 1), 1);
        mv_outbox_close(outbox);

        outbox = outbox_open_with(directory, 64 * 1024, NULL);
        assert_string_equal(outbox_waiting(outbox, 1), "50");
        assert_int_equal(outbox_waits(outbox, 1), 1);
        mv_outbox_done(outbox, 1, 50);
        assert_int_equal(files_count(directory, ".log"), 1);
        assert_int_equal(outbox_append(outbox, 101), 101);
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

/* --- no room --- */

static void test_full(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct outbox_log log;
        log_start(&log);
        struct mv_outbox *outbox = outbox_open_with(directory, 64 * 1024, &log.logger);
        struct mv_err err = { 0 };
        outbox_receivers(outbox, "down");
        unsigned n = 0;
        while (outbox_try(outbox, n + 1, 900, NULL, &err) == 0)
                n++;
        assert_int_equal(err.code, MV_ELIMIT);
        assert_true(n > 45 && n < 64);
        struct mv_outbox_status status = outbox_status(outbox);
        assert_true(status.full && status.bytes <= status.max_bytes);
        assert_int_equal(status.refused, 1);
        assert_int_equal(status.appended, n);
        assert_int_equal(log.errors, 1);
        for (unsigned i = 0; i < 10; i++)
                assert_int_equal(outbox_try(outbox, 99, 900, NULL, &err), MV_ELIMIT);
        assert_int_equal(outbox_status(outbox).refused, 11);
        assert_int_equal(log.errors, 1);              /* not once each */
        assert_int_equal(outbox_waits(outbox, 0), n); /* the oldest are kept */

        /* Once the first segment is done, there is room. */
        for (uint64_t i = 1; i <= 10; i++)
                mv_outbox_done(outbox, 0, i);
        assert_false(outbox_status(outbox).full);
        assert_int_equal(outbox_try(outbox, n + 1, 900, NULL, &err), 0);
        assert_int_equal(outbox_status(outbox).last_sequence, n + 1);
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

/* A receiver that wants nothing any more costs the others no event. */
static void test_give_way(void **state) {
        (void)state;
        static const bool gone[] = { true, false };
        char *directory = outbox_directory();
        struct outbox_log log;
        log_start(&log);
        struct mv_outbox *outbox = outbox_open_with(directory, 64 * 1024, &log.logger);
        outbox_receivers(outbox, "gone well");
        unsigned n = 0;
        while (outbox_try(outbox, n + 1, 900, NULL, NULL) == 0)
                n++;
        mv_outbox_done(outbox, 0, 2);
        mv_outbox_give_way(outbox, gone, 2); /* the other one waits for them too */
        assert_int_equal(outbox_waits(outbox, 0), n - 1);
        assert_int_equal(outbox_waits(outbox, 1), n);
        for (uint64_t i = 1; i <= n; i++)
                mv_outbox_done(outbox, 1, i);
        assert_true(outbox_status(outbox).full);
        mv_outbox_give_way(outbox, (const bool[]){ false, false }, 2); /* it is only in trouble */
        assert_int_equal(outbox_waits(outbox, 0), n - 1);
        const unsigned lines = log.lines;
        mv_outbox_give_way(outbox, gone, 2);
        const uint64_t passed = outbox_status(outbox).passed;
        assert_in_range(passed, 2, 8);
        assert_int_equal(outbox_waits(outbox, 0), n - 1 - passed);
        assert_int_equal(log.lines, lines + 1);
        assert_false(outbox_status(outbox).full);
        assert_int_equal(outbox_append(outbox, n + 1), n + 1);
        char begin[32], end[32];
        snprintf(begin, sizeof begin, "%" PRIu64 " ", passed + 2);
        snprintf(end, sizeof end, "%u", n + 1);
        assert_int_equal(strncmp(outbox_waiting(outbox, 0), begin, strlen(begin)), 0);
        assert_string_equal(outbox_waiting(outbox, 1), end);
        mv_outbox_give_way(outbox, gone, 2); /* there is room */
        assert_int_equal(outbox_status(outbox).passed, passed);
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

static void test_too_large(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct mv_outbox *outbox = outbox_open_with(directory, 64 * MIB, NULL);
        struct mv_err err = { 0 };
        outbox_receivers(outbox, "a");
        assert_int_equal(outbox_try(outbox, 1, MV_OUTBOX_RECORD_MAX, NULL, &err), MV_ELIMIT);
        assert_int_equal(outbox_status(outbox).failed, 1);
        assert_false(outbox_status(outbox).full);
        assert_int_equal(outbox_try(outbox, 2, MV_OUTBOX_RECORD_MAX - 1000, NULL, &err), 0);
        assert_int_equal(outbox_try(outbox, 3, 0, NULL, &err), 0);
        assert_string_equal(outbox_waiting(outbox, 0), "2 3");
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

static void limit_files(rlim_t bytes) {
        struct rlimit limit;
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The disk takes only a part of a record: nothing of it stays, and the next one comes right behind the last good one. */
static void test_disk_full(void **state) {
        (void)state;
        char *directory = outbox_directory();
        char *path = mv_path_join(directory, "00000000000000000001.log");
        struct outbox_log log;
        struct mv_err err = { 0 };
        struct stat before, after;
        log_start(&log);
        signal(SIGXFSZ, SIG_IGN);
        struct mv_outbox *outbox = outbox_open_with(directory, 16 * MIB, &log.logger);
        outbox_receivers(outbox, "a");
        outbox_append_many(outbox, 1, 3);
        assert_int_equal(stat(path, &before), 0);
        limit_files((rlim_t)before.st_size + 50);
        assert_int_equal(outbox_try(outbox, 4, 0, NULL, &err), MV_EIO);
        assert_string_equal(err.file, path);
        assert_int_equal(outbox_try(outbox, 4, 0, NULL, &err), MV_EIO);
        limit_files(RLIM_INFINITY);
        assert_int_equal(stat(path, &after), 0);
        assert_int_equal(after.st_size, before.st_size);
        assert_int_equal(outbox_status(outbox).failed, 2);
        assert_int_equal(log.errors, 1);
        assert_int_equal(outbox_append(outbox, 4), 4);
        assert_string_equal(outbox_waiting(outbox, 0), "1 2 3 4");

        /* Not even a new segment, nor the positions. */
        limit_files(0);
        assert_int_equal(mv_outbox_sync(outbox, &err), 0); /* nothing to write but what is written */
        mv_outbox_done(outbox, 0, 1);
        assert_int_equal(mv_outbox_sync(outbox, &err), MV_EIO);
        limit_files(RLIM_INFINITY);
        assert_int_equal(mv_outbox_sync(outbox, &err), 0);
        mv_outbox_close(outbox);
        outbox = outbox_open(directory);
        assert_string_equal(outbox_waiting(outbox, 0), "2 3 4");
        assert_int_equal(outbox_status(outbox).damaged, 0);
        mv_outbox_close(outbox);
        free(path);
        outbox_remove(directory);
}

/* There is no room for the zeros ahead of records: then it depends on the record, of which nothing stays. */
static void test_disk_full_ahead(void **state) {
        (void)state;
        enum { PADDING = 5000 };
        char *directory = outbox_directory();
        char *path = mv_path_join(directory, "00000000000000000001.log");
        char expected[256] = "";
        struct stat st;
        signal(SIGXFSZ, SIG_IGN);
        struct mv_outbox *outbox = outbox_open(directory);
        outbox_receivers(outbox, "a");
        for (unsigned i = 1; i <= 20; i++)
                assert_int_equal(outbox_try(outbox, i, PADDING, NULL, NULL), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_true((uint64_t)st.st_size > outbox_status(outbox).bytes);
        limit_files((rlim_t)st.st_size + 20);
        unsigned n = 21;
        while (outbox_try(outbox, n, PADDING, NULL, NULL) == 0)
                n++;
        const uint64_t bytes = outbox_status(outbox).bytes;
        assert_true(n > 21 && bytes < (uint64_t)st.st_size);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, bytes);
        assert_int_equal(outbox_try(outbox, n, 0, NULL, NULL), 0); /* a short one has room */
        limit_files(RLIM_INFINITY);
        assert_int_equal(outbox_try(outbox, n + 1, PADDING, NULL, NULL), 0);
        assert_int_equal(outbox_status(outbox).failed, 1);
        for (unsigned i = 1; i <= n + 1; i++)
                snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s%u",
                         i > 1 ? " " : "", i);
        assert_string_equal(outbox_waiting(outbox, 0), expected);
        mv_outbox_close(outbox);
        outbox = outbox_open(directory);
        assert_string_equal(outbox_waiting(outbox, 0), expected);
        assert_int_equal(outbox_status(outbox).damaged, 0);
        mv_outbox_close(outbox);
        free(path);
        outbox_remove(directory);
}

static void test_no_new_segment(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct mv_err err = { 0 };
        signal(SIGXFSZ, SIG_IGN);
        struct mv_outbox *outbox = outbox_open(directory);
        outbox_receivers(outbox, "a");
        limit_files(10);
        assert_int_equal(outbox_try(outbox, 1, 0, NULL, &err), MV_EIO);
        assert_int_equal(files_count(directory, ".log"), 0);
        limit_files(RLIM_INFINITY);
        assert_int_equal(outbox_append(outbox, 1), 1);
        assert_string_equal(outbox_waiting(outbox, 0), "1");
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

/* --- no memory --- */

/* Some of everything, with allocation number fail_at failing; whatever comes of it, nothing leaks, and afterwards the directory
 * holds what was said to be there. */
static void live_through(size_t fail_at, bool *ret_failed) {
        char *directory = outbox_directory();
        struct test_allocator allocator;
        test_allocator_init(&allocator, fail_at);
        const struct mv_outbox_options options = { .directory = directory,
                                                   .max_bytes = 64 * 1024,
                                                   .allocator = &allocator.allocator };
        const struct mv_str names[] = { MV_STR("a"), MV_STR("b") };
        struct mv_outbox *outbox = NULL;
        struct mv_outbox_record record;
        struct mv_err err = { 0 };
        struct mv_buf buf;
        unsigned appended = 0;
        bool listed = false;
        mv_buf_init(&buf, &allocator.allocator, MV_OUTBOX_BUF);
        int r = mv_outbox_open(&options, &outbox, &err);
        assert_true(r == 0 || r == MV_ENOMEM);
        if (r == 0) {
                r = mv_outbox_receivers(outbox, names, 2, &err);
                assert_true(r == 0 || r == MV_ENOMEM);
                listed = r == 0;
                for (unsigned i = 1; i <= 40; i++)
                        appended += outbox_try(outbox, i, 100, NULL, &err) == 0;
                for (uint64_t i = 2; i <= 40; i += 2)
                        mv_outbox_done(outbox, 0, i);
                if (listed && mv_outbox_next(outbox, 1, 0, &buf, &record) > 0) {
                        r = mv_outbox_bury(outbox, 1, &record, 3, MV_STR("400"), &err);
                        assert_true(r == 0 || r == MV_ENOMEM);
                }
                r = mv_outbox_sync(outbox, &err);
                assert_true(r == 0 || r == MV_ENOMEM);
        }
        mv_outbox_close(outbox);
        mv_buf_done(&buf);
        assert_int_equal(allocator.live, 0);
        *ret_failed = allocator.calls >= fail_at;

        outbox = outbox_open_with(directory, 64 * 1024, NULL);
        struct mv_outbox_status status = outbox_status(outbox);
        assert_int_equal(status.damaged, 0);
        if (listed) {
                /* What was appended is there: done, buried, or waiting. */
                assert_int_equal(status.last_sequence, appended);
                assert_in_range(outbox_waits(outbox, 0), appended - appended / 2, appended);
                assert_int_equal(outbox_waits(outbox, 1) + status.dead, appended);
        }
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

static void test_no_memory(void **state) {
        (void)state;
        bool failed = true;
        size_t n = 1;
        for (; failed; n++)
                live_through(n, &failed);
        assert_in_range(n, 12, 100);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_in_order),       cmocka_unit_test(test_receivers_come_and_go),
                cmocka_unit_test(test_unwanted),       cmocka_unit_test(test_new_receiver_survives),
                cmocka_unit_test(test_same_receivers), cmocka_unit_test(test_one_process),
                cmocka_unit_test(test_segments),       cmocka_unit_test(test_full),
                cmocka_unit_test(test_give_way),       cmocka_unit_test(test_too_large),
                cmocka_unit_test(test_disk_full),      cmocka_unit_test(test_disk_full_ahead),
                cmocka_unit_test(test_no_new_segment), cmocka_unit_test(test_no_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
