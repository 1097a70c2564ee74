/* SPDX-License-Identifier: Apache-2.0 */
/* An outbox that is opened on what a crash, a bad disk or a person left of it. */
#include "tests/unit/test_outbox.h"

#include "certs/clock.h"
#include "webhook/deliver/checksum.h"
#include "webhook/deliver/positions.h"
#include "webhook/deliver/requests.h"
#include "webhook/deliver/segment.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { RECORDS = 6 };

#define SEGMENT "00000000000000000001.log"

/* A directory with records 1 to RECORDS in one segment, none of them done by `mover`, and where each ends. */
struct left {
        char *directory, *segment, *positions;
        struct mv_str text;
        size_t ends[RECORDS + 1];
};

static void leave(struct left *left) {
        struct stat st;
        *left = (struct left){ .directory = outbox_directory() };
        left->segment = mv_path_join(left->directory, SEGMENT);
        left->positions = mv_path_join(left->directory, "positions");
        struct mv_outbox *outbox = outbox_open(left->directory);
        outbox_receivers(outbox, "mover");
        for (unsigned i = 1; i <= RECORDS; i++) {
                outbox_append(outbox, i);
                assert_int_equal(stat(left->segment, &st), 0);
                left->ends[i] = (size_t)st.st_size;
        }
        mv_outbox_close(outbox);
        left->text = file_take(left->segment);
}

static void left_done(struct left *left) {
        text_free(left->text);
        free(left->segment);
        free(left->positions);
        outbox_remove(left->directory);
}

/* What is there when it is opened, and that it goes on from there: with a number that was not used. */
static void check_opened(const struct left *left, const char *expected, unsigned damaged, const char *said) {
        struct outbox_log log;
        log_start(&log);
        struct mv_outbox *outbox = outbox_open_with(left->directory, 16 * MIB, &log.logger);
        assert_string_equal(outbox_waiting(outbox, 0), expected);
        assert_int_equal(outbox_status(outbox).damaged, damaged);
        assert_int_equal(log.lines, said ? 1 : 0);
        if (said)
                assert_non_null(strstr(log.last, said));
        const uint64_t next = outbox_append(outbox, 99);
        assert_true(next > RECORDS || (!damaged && next >= 1));
        assert_non_null(strstr(outbox_waiting(outbox, 0), "99"));
        mv_outbox_close(outbox);

        /* Once more: what was lost is lost, and the rest has not changed. */
        outbox = outbox_open_with(left->directory, 16 * MIB, NULL);
        assert_int_equal(outbox_status(outbox).damaged, damaged);
        assert_int_equal(strncmp(outbox_waiting(outbox, 0), expected, strlen(expected)), 0);
        assert_non_null(strstr(outbox_waiting(outbox, 0), "99"));
        mv_outbox_close(outbox);
}

/* Back to what was left, with this in the place of the segment. */
static void put_back(const struct left *left, struct mv_str positions, struct mv_str segment) {
        struct dirent **names;
        int n = scandir(left->directory, &names, NULL, NULL);
        for (int i = 0; i < n; i++) {
                char *path = mv_path_join(left->directory, names[i]->d_name);
                if (mv_str_ends_with(mv_str_from(path), MV_STR(".log")))
                        assert_int_equal(unlink(path), 0);
                free(path);
                free(names[i]);
        }
        free(names);
        file_put(left->positions, positions);
        file_put(left->segment, segment);
}

static uint64_t size_of(const char *path) {
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        return (uint64_t)st.st_size;
}

/* A segment that is filled is longer than its records, by zeros. They count nowhere and go when it is closed; where the process
 * was killed they are nothing, and hide nothing. */
static void test_zeros_ahead(void **state) {
        (void)state;
        enum { N = 30, PADDING = 5000, AHEAD = 1 << 16 };
        struct left left = { .directory = outbox_directory() };
        char all[256], but_last[256];
        uint64_t end = 0, bytes = 0, longer = 0;
        left.segment = mv_path_join(left.directory, SEGMENT);
        left.positions = mv_path_join(left.directory, "positions");
        struct mv_outbox *outbox = outbox_open(left.directory);
        outbox_receivers(outbox, "mover");
        for (unsigned i = 1; i <= N; i++) {
                end = bytes;
                assert_int_equal(outbox_try(outbox, i, PADDING, NULL, NULL), 0);
                bytes = outbox_status(outbox).bytes;
                const uint64_t size = size_of(left.segment);
                assert_true(size >= bytes && size - bytes <= (end < AHEAD ? 0 : AHEAD));
                longer += size > bytes;
                snprintf(i < N ? but_last : all, sizeof all, "%s", outbox_waiting(outbox, 0));
        }
        assert_true(longer > N / 3);
        left.text = file_take(left.segment);
        assert_true(left.text.n > bytes);
        struct mv_str positions = file_take(left.positions);
        mv_outbox_close(outbox);
        assert_int_equal(size_of(left.segment), bytes);

        put_back(&left, positions, left.text);
        check_opened(&left, all, 0, NULL);
        char *text = (char *)(uintptr_t)left.text.p;
        text[bytes - 1] ^= 1;
        put_back(&left, positions, left.text);
        outbox = outbox_open(left.directory);
        assert_string_equal(outbox_waiting(outbox, 0), but_last);
        assert_int_equal(outbox_status(outbox).damaged, 1);
        mv_outbox_close(outbox);
        /* It was not written to its end. */
        for (uint64_t n = bytes - 1; n > end; n -= n - end < 100 ? 1 : 97) {
                memset(text + n, 0, bytes - n);
                put_back(&left, positions, left.text);
                check_opened(&left, but_last, 0, "not written to its end");
        }
        text_free(positions);
        left_done(&left);
}

/* The process ended within the last record, at each of its bytes. */
static void test_torn(void **state) {
        (void)state;
        struct left left;
        leave(&left);
        struct mv_str positions = file_take(left.positions);
        for (size_t n = left.ends[RECORDS - 1]; n < left.text.n; n++) {
                put_back(&left, positions, (struct mv_str){ left.text.p, n });
                check_opened(&left, "1 2 3 4 5", 0,
                             n > left.ends[RECORDS - 1] ? "not written to its end" : NULL);
        }
        /* Or within the header, while the first segment was made. */
        for (size_t n = 0; n < 32; n++) {
                put_back(&left, positions, (struct mv_str){ left.text.p, n });
                struct mv_outbox *outbox = outbox_open(left.directory);
                assert_string_equal(outbox_waiting(outbox, 0), "");
                outbox_append(outbox, 7);
                assert_string_equal(outbox_waiting(outbox, 0), "7");
                mv_outbox_close(outbox);
        }
        text_free(positions);
        left_done(&left);
}

static void test_flipped(void **state) {
        (void)state;
        static const char *const without[] = { "2 3 4 5 6", "1 3 4 5 6", "1 2 4 5 6",
                                               "1 2 3 5 6", "1 2 3 4 6", "1 2 3 4 5" };
        struct left left;
        leave(&left);
        struct mv_str positions = file_take(left.positions);
        char *text = (char *)(uintptr_t)left.text.p;
        left.ends[0] = 32;
        for (size_t at = 0; at < left.text.n; at++) {
                unsigned record = 0;
                while (record < RECORDS && left.ends[record + 1] <= at)
                        record++;
                text[at] = (char)(text[at] ^ 0x10);
                put_back(&left, positions, left.text);
                text[at] = (char)(text[at] ^ 0x10);
                if (at < 32)
                        check_opened(&left, "1 2 3 4 5 6", 1, "damaged");
                else if (record < RECORDS - 1)
                        check_opened(&left, without[record], 1, "damaged");
                else {
                        /* In the last record its length may have grown: then nobody can tell it from a torn one. */
                        struct mv_outbox *outbox = outbox_open(left.directory);
                        assert_string_equal(outbox_waiting(outbox, 0), without[record]);
                        assert_true(outbox_append(outbox, 99) > RECORDS); /* its sequence is not used again */
                        mv_outbox_close(outbox);
                }
        }
        text_free(positions);
        left_done(&left);
}

/* A record that goes bad while the outbox is open. */
static void test_bad_while_open(void **state) {
        (void)state;
        struct outbox_log log;
        struct left left;
        leave(&left);
        log_start(&log);
        struct mv_outbox *outbox = outbox_open_with(left.directory, 16 * MIB, &log.logger);
        outbox_receivers(outbox, "mover other");
        outbox_append(outbox, 7);
        char *text = (char *)(uintptr_t)left.text.p;
        text[left.ends[3] - 2] ^= 1;
        int fd = open(left.segment, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, text, left.text.n, 0), left.text.n);
        close(fd);
        assert_string_equal(outbox_waiting(outbox, 0), "1 2 4 5 6 7");
        assert_string_equal(outbox_waiting(outbox, 1), "7");
        assert_int_equal(outbox_waits(outbox, 0), 6);
        assert_int_equal(outbox_status(outbox).damaged, 1);
        assert_int_equal(log.errors, 1);
        mv_outbox_close(outbox);
        left_done(&left);
}

static int next_code_behind(struct mv_outbox *outbox, uint64_t after) {
        struct mv_outbox_record record;
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, MV_OUTBOX_BUF);
        int r = mv_outbox_next(outbox, 0, after, &buf, &record);
        mv_buf_done(&buf);
        return r;
}

static int next_code(struct mv_outbox *outbox) {
        return next_code_behind(outbox, 0);
}

/* Nothing is lost because it cannot be read for a while: no file may be opened, no memory, an error of the disk. */
static void test_unreadable_for_now(void **state) {
        (void)state;
        struct outbox_log log;
        struct left left;
        struct rlimit files;
        leave(&left);
        log_start(&log);
        struct mv_outbox *outbox = outbox_open_with(left.directory, 16 * MIB, &log.logger);
        outbox_receivers(outbox, "mover");
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
        const struct rlimit none = { .rlim_max = files.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        int r = next_code(outbox);
        int again = next_code(outbox);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
        assert_int_equal(r, MV_EIO);
        assert_int_equal(again, MV_EIO);
        assert_int_equal(log.lines, 1); /* not each time */
        assert_non_null(strstr(log.last, "cannot be read for now"));

        struct mv_outbox_record record;
        struct mv_buf small;
        mv_buf_init(&small, &mv_allocator_system, 16);
        assert_int_equal(mv_outbox_next(outbox, 0, 0, &small, &record), MV_ENOMEM);
        mv_buf_done(&small);

        /* Of a directory, all reads fail. */
        char *aside = mv_path_join(left.directory, "aside");
        assert_int_equal(rename(left.segment, aside), 0);
        assert_int_equal(mkdir(left.segment, 0700), 0);
        assert_int_equal(next_code(outbox), MV_EIO);
        struct mv_outbox_answer answer;
        struct mv_err err = { 0 };
        const struct mv_outbox_request drop = { .receiver = MV_STR("mover") };
        assert_int_equal(mv_outbox_carry_out(outbox, &drop, &answer, &err), MV_EIO);
        assert_string_equal(err.file, left.segment);
        assert_int_equal(rmdir(left.segment), 0);
        assert_int_equal(rename(aside, left.segment), 0);

        assert_int_equal(outbox_status(outbox).damaged, 0);
        assert_string_equal(outbox_waiting(outbox, 0), "1 2 3 4 5 6");
        assert_int_equal(outbox_waits(outbox, 0), RECORDS);
        mv_outbox_close(outbox);
        free(aside);
        left_done(&left);
}

/* For all of this program: a file whose bytes the disk does not give from one place to another. */
static off_t bad_from, bad_to;
ssize_t pread(int fd, void *to, size_t n, off_t offset) {
        if (offset < bad_to && offset + (off_t)n > bad_from) {
                errno = EIO;
                return -1;
        }
        return syscall(SYS_pread64, fd, to, n, offset);
}

static int next_after_a_while(struct mv_outbox *outbox) {
        int code = MV_EIO;
        for (long long end_ms = mv_clock_ms() + 10000; code == MV_EIO && mv_clock_ms() < end_ms;)
                code = next_code(outbox);
        return code;
}

/* Records that the disk does not give are lost after a while; while it gives none, all wait. */
static void test_bad_sector(void **state) {
        (void)state;
        struct outbox_log log;
        struct left left;
        leave(&left);
        log_start(&log);
        const struct mv_outbox_options options = {
                .directory = left.directory, .max_bytes = MIB, .unreadable_ms = 1, .logger = &log.logger
        };
        struct mv_outbox *outbox = NULL;
        assert_int_equal(mv_outbox_open(&options, &outbox, NULL), 0);
        outbox_receivers(outbox, "mover");
        bad_to = (off_t)left.text.n;
        for (long long end_ms = mv_clock_ms() + 20; mv_clock_ms() < end_ms;)
                assert_int_equal(next_code(outbox), MV_EIO);
        assert_int_equal(outbox_status(outbox).damaged, 0);
        /* The first; then two that follow one another, since it is whole pages that a disk does not give. */
        bad_from = (off_t)left.ends[0];
        bad_to = (off_t)left.ends[1];
        assert_int_equal(next_after_a_while(outbox), 1);
        assert_non_null(strstr(log.last, "does not give"));
        assert_int_equal(outbox_status(outbox).damaged, 1);
        bad_from = (off_t)left.ends[3] - 1;
        bad_to = (off_t)left.ends[3] + 1;
        mv_outbox_done(outbox, 0, 2);
        assert_int_equal(next_after_a_while(outbox), 1);
        assert_int_equal(outbox_status(outbox).damaged, 3);
        assert_string_equal(outbox_waiting(outbox, 0), "5 6");
        assert_int_equal(outbox_waits(outbox, 0), 2);
        bad_to = 0;
        mv_outbox_close(outbox);
        left_done(&left);
}

/* Two records that the disk does not give are asked for in turn: neither keeps the other from being lost. */
static void test_bad_sector_two_ways(void **state) {
        (void)state;
        struct left left;
        leave(&left);
        const struct mv_outbox_options options = { .directory = left.directory,
                                                   .max_bytes = MIB,
                                                   .unreadable_ms = 1 };
        struct mv_outbox *outbox = NULL;
        assert_int_equal(mv_outbox_open(&options, &outbox, NULL), 0);
        outbox_receivers(outbox, "mover");
        bad_from = 0;
        bad_to = (off_t)left.ends[2];
        assert_int_equal(next_code(outbox), MV_EIO);
        assert_int_equal(next_code_behind(outbox, 1), MV_EIO);
        for (long long end_ms = mv_clock_ms() + 10000; mv_clock_ms() < end_ms && next_code(outbox) == MV_EIO;)
                next_code_behind(outbox, 1);
        assert_int_equal(outbox_status(outbox).damaged, 2);
        assert_string_equal(outbox_waiting(outbox, 0), "3 4 5 6");
        bad_to = 0;
        mv_outbox_close(outbox);
        left_done(&left);
}

/* Nobody knows any more what was done: everything is given again, rather than nothing. */
static void test_positions_lost(void **state) {
        (void)state;
        enum { RUBBISH, MISSING, TOO_LARGE, WAYS };
        for (unsigned way = 0; way < WAYS; way++) {
                struct outbox_log log;
                struct left left;
                leave(&left);
                log_start(&log);
                if (way == MISSING)
                        assert_int_equal(unlink(left.positions), 0);
                else
                        file_put(left.positions, MV_STR("rubbish\n"));
                if (way == TOO_LARGE) /* without a block on the disk */
                        assert_int_equal(truncate(left.positions, (off_t)MV_POSITIONS_MOST + 1), 0);
                /* Also if somebody else has it first, who knows of no receivers. */
                struct mv_outbox *outbox = outbox_open(left.directory);
                struct mv_outbox_answer answer;
                const struct mv_outbox_request drop = { 0 };
                assert_int_equal(mv_outbox_carry_out(outbox, &drop, &answer, NULL), 0);
                assert_int_equal(mv_outbox_sync(outbox, NULL), 0);
                assert_int_equal(outbox_try(outbox, 7, 0, NULL, NULL), MV_EIO);
                mv_outbox_close(outbox);
                outbox = outbox_open_with(left.directory, 16 * MIB, &log.logger);
                assert_int_equal(log.errors, 1);
                outbox_receivers(outbox, "mover");
                assert_string_equal(outbox_waiting(outbox, 0), "1 2 3 4 5 6");
                assert_int_equal(outbox_append(outbox, 7), 7);
                outbox_receivers(outbox, "mover new"); /* but a new one begins at the end */
                assert_string_equal(outbox_waiting(outbox, 1), "");
                mv_outbox_close(outbox);
                left_done(&left);
        }
}

/* The log is gone: sequences do not begin anew, since receivers know the old ones. */
static void test_log_lost(void **state) {
        (void)state;
        struct left left;
        leave(&left);
        assert_int_equal(unlink(left.segment), 0);
        struct mv_outbox *outbox = outbox_open(left.directory);
        assert_string_equal(outbox_waiting(outbox, 0), "");
        assert_int_equal(outbox_append(outbox, 7), RECORDS + 1);
        assert_string_equal(outbox_waiting(outbox, 0), "7");
        mv_outbox_close(outbox);
        left_done(&left);
}

/* The system went down, and with it what it had not written: what was used since may be known to receivers. */
static void test_power_cut(void **state) {
        (void)state;
        struct left left;
        leave(&left);
        struct mv_outbox *outbox = outbox_open(left.directory);
        outbox_append(outbox, 7);
        struct mv_str positions = file_take(left.positions); /* as of an outbox that is open */
        mv_outbox_close(outbox);
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, MIB);
        put_back(&left, positions, left.text);
        /* In the same start of the system nothing is left out. */
        outbox = outbox_open(left.directory);
        assert_int_equal(outbox_append(outbox, 7), RECORDS + 1);
        mv_outbox_close(outbox);
        /* Unless the last record cannot be read any more: a receiver may know its number. */
        char *path = left.segment;
        struct mv_str longer = file_take(path);
        char *text = (char *)(uintptr_t)longer.p;
        text[longer.n - 1] ^= 1;
        put_back(&left, positions, longer);
        outbox = outbox_open(left.directory);
        assert_string_equal(outbox_waiting(outbox, 0), "1 2 3 4 5 6");
        assert_true(outbox_append(outbox, 8) > RECORDS + 1);
        mv_outbox_close(outbox);
        text_free(longer);
        /* Another one. */
        put_back(&left, positions, left.text);
        struct mv_positions read = { .allocator = &mv_allocator_system };
        assert_int_equal(mv_positions_read(&read, positions, NULL), 0);
        assert_true(read.reserved > read.last + 1000);
        snprintf(read.boot, sizeof read.boot, "another");
        mv_positions_write(&read, read.items, read.n, &buf);
        file_put(left.positions, mv_buf_str(&buf));
        outbox = outbox_open(left.directory);
        assert_string_equal(outbox_waiting(outbox, 0), "1 2 3 4 5 6");
        assert_int_equal(outbox_append(outbox, 7), read.reserved + 1);
        assert_string_equal(outbox_waiting(outbox, 0), "1 2 3 4 5 6 7");
        for (uint64_t i = 1; i <= RECORDS; i++)
                mv_outbox_done(outbox, 0, i);
        assert_int_equal(files_count(left.directory, ".log"), 1);
        assert_int_equal(outbox_waits(outbox, 0), 1);
        mv_outbox_close(outbox);
        mv_positions_done(&read);
        mv_buf_done(&buf);
        text_free(positions);
        left_done(&left);
}

static void test_foreign_files(void **state) {
        (void)state;
        struct left left;
        struct mv_err err = { 0 };
        leave(&left);
        static const char *const names[] = { "README",
                                             "1.log",
                                             "00000000000000000000.log",
                                             "99999999999999999999.log",
                                             "00000000000000000001.log.bak",
                                             "dead/x",
                                             "dead/00000000000000000001-zz.dead",
                                             "requests/x" };
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                char *path = mv_path_join(left.directory, names[i]);
                file_put(path, MV_STR("not ours\n"));
                free(path);
        }
        struct mv_outbox *outbox = outbox_open(left.directory);
        assert_string_equal(outbox_waiting(outbox, 0), "1 2 3 4 5 6");
        assert_int_equal(outbox_status(outbox).dead, 0);
        assert_int_equal(mv_outbox_sync(outbox, &err), 0);
        mv_outbox_close(outbox);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                char *path = mv_path_join(left.directory, names[i]);
                assert_int_equal(access(path, F_OK), 0);
                free(path);
        }
        /* A segment of a version to come is not touched. */
        char *path = mv_path_join(left.directory, "00000000000000000099.log");
        char header[MV_SEGMENT_HEADER];
        mv_segment_header(99, header);
        header[8] = 2;
        uint32_t crc = mv_checksum(0, (struct mv_str){ header, 28 });
        memcpy(header + 28, &crc, 4);
        file_put(path, (struct mv_str){ header, sizeof header });
        const struct mv_outbox_options options = { .directory = left.directory, .max_bytes = MIB };
        assert_int_equal(mv_outbox_open(&options, &outbox, &err), MV_ETYPE);
        assert_string_equal(err.file, path);
        assert_int_equal(access(path, F_OK), 0);
        /* What is no file cannot be read. */
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(mv_outbox_open(&options, &outbox, &err), MV_EIO);
        free(path);
        left_done(&left);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_torn),
                cmocka_unit_test(test_flipped),
                cmocka_unit_test(test_bad_while_open),
                cmocka_unit_test(test_positions_lost),
                cmocka_unit_test(test_log_lost),
                cmocka_unit_test(test_power_cut),
                cmocka_unit_test(test_foreign_files),
                cmocka_unit_test(test_unreadable_for_now),
                cmocka_unit_test(test_bad_sector),
                cmocka_unit_test(test_zeros_ahead),
                cmocka_unit_test(test_bad_sector_two_ways),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
