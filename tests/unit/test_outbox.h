/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of webhook/deliver: an outbox in a directory of the test's own, with records that tell their number. Everything
 * asserts. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "certs/file.h"
#include "webhook/deliver/outbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

/* A copy in a block of just its size, so that a read beyond its end is seen. Freed by text_free. */
static inline struct mv_str exact_make(const char *bytes, size_t n) {
        char *p = malloc(n ? n : 1);
        assert_non_null(p);
        if (n)
                memcpy(p, bytes, n);
        return (struct mv_str){ p, n };
}

/* --- files --- */

/* In memory where that can be had: tests of what happens to files sync them thousands of times. */
static inline char *outbox_directory(void) {
        const char *base = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
        char *path = NULL;
        assert_true(asprintf(&path, "%s/migvet-outbox-XXXXXX", base && *base ? base : "/tmp") >= 0);
        assert_non_null(mkdtemp(path));
        return path;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void)st, (void)type, (void)ftw;
        return remove(path);
}

static inline void outbox_remove(char *directory) {
        assert_int_equal(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        free(directory);
}

/* The whole file, to be freed. */
static inline struct mv_str file_take(const char *path) {
        struct stat st;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        char *text = malloc((size_t)st.st_size + 1);
        assert_non_null(text);
        assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
        close(fd);
        return (struct mv_str){ text, (size_t)st.st_size };
}

static inline void file_put(const char *path, struct mv_str text) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text.p, text.n), text.n);
        close(fd);
}

/* How many names in the directory end so. */
static inline unsigned files_count(const char *directory, const char *suffix) {
        unsigned n = 0;
        struct dirent **names;
        int all = scandir(directory, &names, NULL, NULL);
        assert_true(all >= 0);
        for (int i = 0; i < all; i++) {
                n += mv_str_ends_with(mv_str_from(names[i]->d_name), mv_str_from(suffix));
                free(names[i]);
        }
        free(names);
        return n;
}

/* --- an outbox --- */

/* Remembers what was logged. */
struct outbox_log {
        struct mv_logger logger;
        unsigned lines, errors;
        char last[256];
};

static inline void log_line(void *context, enum mv_log_level level, const char *component,
                            const char *message, const struct mv_log_field *fields, size_t n) {
        struct outbox_log *log = context;
        (void)fields, (void)n;
        assert_string_equal(component, "outbox");
        log->lines++;
        log->errors += level == MV_LOG_ERROR;
        snprintf(log->last, sizeof log->last, "%s", message);
}

static inline void log_start(struct outbox_log *log) {
        *log = (struct outbox_log){ .logger = { .line = log_line, .context = log } };
}

static inline struct mv_outbox *outbox_open_with(const char *directory, uint64_t max_bytes,
                                                 const struct mv_logger *logger) {
        const struct mv_outbox_options options = { .directory = directory,
                                                   .max_bytes = max_bytes,
                                                   .logger = logger };
        struct mv_outbox *outbox = NULL;
        struct mv_err err = { 0 };
        if (mv_outbox_open(&options, &outbox, &err) < 0)
                fail_msg("%s: %s", err.file, err.message);
        return outbox;
}

static inline struct mv_outbox *outbox_open(const char *directory) {
        return outbox_open_with(directory, 16 * MIB, NULL);
}

/* "a b" are receivers 0 and 1. */
static inline void outbox_receivers(struct mv_outbox *outbox, const char *names) {
        struct mv_str list[8], rest = mv_str_from(names);
        size_t n = 0;
        while (rest.n) {
                size_t end = mv_str_find_byte(rest, ' ');
                list[n++] = (struct mv_str){ rest.p, end };
                rest = mv_str_skip(rest, end < rest.n ? end + 1 : end);
        }
        assert_int_equal(mv_outbox_receivers(outbox, list, n, NULL), 0);
}

/* Record number `number`, with `padding` bytes more in its body, which the receiver of that name (NULL: none) does not want.
 * What mv_outbox_append returns. */
static inline int outbox_try_but(struct mv_outbox *outbox, unsigned number, size_t padding,
                                 const char *unwanted, uint64_t *ret_sequence, struct mv_err *err) {
        char id[32], subject[32], before[64];
        char *after = malloc(padding + 3);
        assert_non_null(after);
        snprintf(id, sizeof id, "id-%u", number);
        snprintf(subject, sizeof subject, "shop/VirtualMachine/vm-%u", number % 7);
        snprintf(before, sizeof before, "{\"number\":%u,\"sequence\":\"", number);
        memset(after, 'x', padding);
        memcpy(after + padding, "\"}", 3);
        const struct mv_outbox_record record = { .subject = mv_str_from(subject),
                                                 .kind = MV_STR("VirtualMachine"),
                                                 .namespace = MV_STR("shop"),
                                                 .verdict = MV_STR("False"),
                                                 .id = mv_str_from(id),
                                                 .time = MV_STR("2026-11-26T10:00:00Z") };
        const struct mv_str name = mv_str_from(unwanted);
        int r = mv_outbox_append(outbox, &record, mv_str_from(before), (struct mv_str){ after, padding + 2 },
                                 &name, unwanted != NULL, ret_sequence, err);
        free(after);
        return r;
}

static inline int outbox_try(struct mv_outbox *outbox, unsigned number, size_t padding,
                             uint64_t *ret_sequence, struct mv_err *err) {
        return outbox_try_but(outbox, number, padding, NULL, ret_sequence, err);
}

static inline uint64_t outbox_append(struct mv_outbox *outbox, unsigned number) {
        uint64_t sequence = 0;
        struct mv_err err = { 0 };
        if (outbox_try(outbox, number, 0, &sequence, &err) < 0)
                fail_msg("%s: %s", err.file, err.message);
        return sequence;
}

static inline void outbox_append_many(struct mv_outbox *outbox, unsigned from, unsigned to) {
        for (unsigned i = from; i <= to; i++)
                outbox_append(outbox, i);
}

/* The numbers of the records that wait for the receiver, in order: "1 2 5". Each record is as it was appended. */
static inline const char *outbox_waiting(struct mv_outbox *outbox, size_t receiver) {
        static char text[8192];
        struct mv_outbox_record record;
        struct mv_buf buf;
        size_t n = 0;
        int r;
        text[0] = '\0';
        mv_buf_init(&buf, &mv_allocator_system, MV_OUTBOX_BUF);
        for (uint64_t after = 0; (r = mv_outbox_next(outbox, receiver, after, &buf, &record)) > 0;) {
                unsigned long long number;
                char begin[80];
                assert_true(record.sequence > after);
                after = record.sequence;
                assert_true(mv_str_to_unsigned(mv_str_skip(record.id, 3), UINT32_MAX, &number));
                snprintf(begin, sizeof begin, "{\"number\":%llu,\"sequence\":\"%020" PRIu64, number, after);
                if (!record.receiver.n)
                        assert_true(mv_str_starts_with(record.body, mv_str_from(begin)));
                assert_true(mv_str_ends_with(record.body, MV_STR("\"}")));
                assert_str(record.kind, "VirtualMachine");
                assert_str(record.time, "2026-11-26T10:00:00Z");
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%llu", n ? " " : "", number);
                assert_true(n < sizeof text);
        }
        assert_int_equal(r, 0);
        mv_buf_done(&buf);
        return text;
}

static inline struct mv_outbox_status outbox_status(struct mv_outbox *outbox) {
        struct mv_outbox_status status;
        mv_outbox_status(outbox, &status);
        return status;
}

static inline uint64_t outbox_waits(struct mv_outbox *outbox, size_t receiver) {
        struct mv_outbox_receiver_status status;
        assert_true(mv_outbox_receiver_status(outbox, receiver, &status));
        return status.waiting;
}
