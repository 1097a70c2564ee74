/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters, and what a person may ask for. */
#include "tests/unit/test_outbox.h"

#include "webhook/deliver/requests.h"
#include "webhook/deliver/view.h"

#include <errno.h>
#include <pthread.h>
#include <utime.h>

/* Bury what comes first for the receiver. */
static void bury(struct mv_outbox *outbox, size_t receiver, const char *why) {
        struct mv_outbox_record record;
        struct mv_err err = { 0 };
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, MV_OUTBOX_BUF);
        assert_int_equal(mv_outbox_next(outbox, receiver, 0, &buf, &record), 1);
        if (mv_outbox_bury(outbox, receiver, &record, 20, mv_str_from(why), &err) < 0)
                fail_msg("%s: %s", err.file, err.message);
        mv_buf_done(&buf);
}

static uint64_t dead_of(struct mv_outbox *outbox, size_t receiver) {
        struct mv_outbox_receiver_status status;
        assert_true(mv_outbox_receiver_status(outbox, receiver, &status));
        return status.dead;
}

/* "id-1 4": ids and sequences. */
static struct mv_outbox_answer carry_out(struct mv_outbox *outbox, bool retry, const char *receiver,
                                         const char *items, int code) {
        struct mv_str list[8], rest = mv_str_from(items);
        struct mv_outbox_request request = { .retry = retry,
                                             .receiver = mv_str_from(receiver),
                                             .items = list };
        struct mv_outbox_answer answer;
        struct mv_err err = { 0 };
        while (rest.n) {
                size_t end = mv_str_find_byte(rest, ' ');
                list[request.n_items++] = (struct mv_str){ rest.p, end };
                rest = mv_str_skip(rest, end < rest.n ? end + 1 : end);
        }
        assert_int_equal(mv_outbox_carry_out(outbox, &request, &answer, &err), code);
        assert_int_equal(err.code, code);
        return answer;
}

static void test_bury(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct mv_outbox *outbox = outbox_open(directory);
        outbox_receivers(outbox, "a b");
        outbox_append_many(outbox, 1, 4);
        bury(outbox, 0, "400: no such kind");
        bury(outbox, 0, "");
        bury(outbox, 1, "413");
        assert_string_equal(outbox_waiting(outbox, 0), "3 4");
        assert_string_equal(outbox_waiting(outbox, 1), "2 3 4");
        struct mv_outbox_status status = outbox_status(outbox);
        assert_int_equal(status.dead, 3);
        assert_int_equal(status.buried, 3);
        assert_true(status.dead_bytes > 300 && status.dead_bytes < status.bytes);
        assert_int_equal(dead_of(outbox, 0), 2);
        assert_int_equal(dead_of(outbox, 1), 1);
        assert_int_equal(mv_outbox_bury(outbox, 9, &(struct mv_outbox_record){ 0 }, 1, MV_STR(""), NULL),
                         MV_EUSAGE);
        mv_outbox_close(outbox);
        outbox = outbox_open(directory);
        assert_int_equal(dead_of(outbox, 0), 2);
        outbox_receivers(outbox, "b c");
        assert_int_equal(dead_of(outbox, 0), 1);
        assert_int_equal(dead_of(outbox, 1), 0);
        assert_int_equal(outbox_status(outbox).dead, 3); /* those of `a` stay */
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

/* After a crash a record that is dead already may be given up once more. */
static void test_bury_again(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct mv_outbox *outbox = outbox_open(directory);
        const struct mv_outbox_record record = { .sequence = 1, .id = MV_STR("id-1"), .body = MV_STR("{}") };
        outbox_receivers(outbox, "a");
        outbox_append(outbox, 1);
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(mv_outbox_bury(outbox, 0, &record, i, MV_STR("400"), NULL), 0);
                assert_int_equal(outbox_status(outbox).dead, 1);
                assert_in_range(outbox_status(outbox).dead_bytes, 50, 150);
        }
        assert_int_equal(dead_of(outbox, 0), 1);
        assert_int_equal(outbox_waits(outbox, 0), 0);
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

static void test_retry(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct mv_outbox *outbox = outbox_open(directory);
        outbox_receivers(outbox, "a b");
        outbox_append_many(outbox, 1, 4);
        for (unsigned i = 0; i < 4; i++)
                bury(outbox, 0, "400");
        bury(outbox, 1, "400");
        assert_string_equal(outbox_waiting(outbox, 0), "");

        struct mv_outbox_answer answer = carry_out(outbox, true, "a", "id-2 3", 0);
        assert_int_equal(answer.dead, 2);
        assert_int_equal(answer.waiting + answer.unmatched, 0);
        assert_string_equal(outbox_waiting(outbox, 0), "2 3");
        assert_string_equal(outbox_waiting(outbox, 1), "2 3 4"); /* not what was meant for `a` */
        assert_int_equal(dead_of(outbox, 0), 2);

        answer = carry_out(outbox, true, "a", "id-2 nothing 17", 0);
        assert_int_equal(answer.dead, 0);
        assert_int_equal(answer.unmatched, 3);
        assert_string_equal(answer.first_unmatched, "id-2");
        carry_out(outbox, true, "nobody", "", MV_ENOTFOUND);
        carry_out(outbox, false, "nobody", "", MV_ENOTFOUND);

        answer = carry_out(outbox, true, "", "", 0);
        assert_int_equal(answer.dead, 3);
        assert_string_equal(outbox_waiting(outbox, 0), "2 3 1 4");
        assert_string_equal(outbox_waiting(outbox, 1), "2 3 4 1");
        assert_int_equal(outbox_status(outbox).dead, 0);
        assert_int_equal(outbox_status(outbox).dead_bytes, 0);
        mv_outbox_close(outbox);
        outbox = outbox_open(directory);
        assert_string_equal(outbox_waiting(outbox, 0), "2 3 1 4");

        /* What belongs to a receiver that is not configured can be dropped, but not sent. */
        bury(outbox, 0, "400");
        outbox_receivers(outbox, "b");
        carry_out(outbox, true, "a", "", MV_ENOTFOUND);
        assert_int_equal(outbox_status(outbox).dead, 1);
        assert_int_equal(carry_out(outbox, false, "a", "", 0).dead, 1);
        assert_int_equal(outbox_status(outbox).dead, 0);
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

static void test_drop(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct mv_outbox *outbox = outbox_open(directory);
        outbox_receivers(outbox, "a b");
        outbox_append_many(outbox, 1, 6);
        bury(outbox, 0, "400");
        struct mv_outbox_answer answer = carry_out(outbox, false, "", "1 id-3", 0);
        assert_int_equal(answer.dead, 1);
        assert_int_equal(answer.waiting, 3);
        assert_string_equal(outbox_waiting(outbox, 0), "2 4 5 6");
        assert_string_equal(outbox_waiting(outbox, 1), "2 4 5 6");
        assert_false(mv_outbox_waits(outbox, 0, 3));
        answer = carry_out(outbox, false, "b", "", 0);
        assert_int_equal(answer.waiting, 4);
        assert_string_equal(outbox_waiting(outbox, 1), "");
        assert_string_equal(outbox_waiting(outbox, 0), "2 4 5 6");
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

/* A dead letter that cannot be read does not stand in the way of the others. */
static void test_damaged_letter(void **state) {
        (void)state;
        char *directory = outbox_directory(), *dead = mv_path_join(directory, "dead");
        struct mv_outbox *outbox = outbox_open(directory);
        struct dirent **names;
        outbox_receivers(outbox, "a");
        outbox_append_many(outbox, 1, 3);
        for (unsigned i = 0; i < 3; i++)
                bury(outbox, 0, "400");
        assert_int_equal(scandir(dead, &names, NULL, alphasort), 5);
        char *path = mv_path_join(dead, names[3]->d_name);
        file_put(path, MV_STR("x"));
        for (int i = 0; i < 5; i++)
                free(names[i]);
        free(names);
        assert_int_equal(carry_out(outbox, true, "a", "1", 0).dead, 1);
        assert_int_equal(carry_out(outbox, true, "a", "2", MV_ESYNTAX).dead, 0);
        assert_int_equal(carry_out(outbox, true, "", "", MV_ESYNTAX).dead, 1);
        assert_int_equal(carry_out(outbox, false, "a", "2", 0).dead, 1);
        assert_int_equal(access(path, F_OK), -1);
        assert_string_equal(outbox_waiting(outbox, 0), "1 3");
        mv_outbox_close(outbox);
        free(path);
        free(dead);
        outbox_remove(directory);
}

/* Nor does one of a receiver that is not configured any more. */
static void test_retry_without_receiver(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct mv_outbox *outbox = outbox_open(directory);
        outbox_receivers(outbox, "a b");
        outbox_append_many(outbox, 1, 2);
        bury(outbox, 0, "400");
        bury(outbox, 1, "400");
        bury(outbox, 1, "400");
        outbox_receivers(outbox, "b");
        assert_int_equal(carry_out(outbox, true, "", "", MV_ENOTFOUND).dead, 2);
        assert_string_equal(outbox_waiting(outbox, 0), "1 2");
        assert_int_equal(outbox_status(outbox).dead, 1);
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

/* Dead letters have a share of the room; the oldest go. */
static void test_share(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct outbox_log log;
        log_start(&log);
        struct mv_outbox *outbox = outbox_open_with(directory, 64 * 1024, &log.logger);
        outbox_receivers(outbox, "a");
        for (unsigned i = 1; i <= 20; i++) {
                assert_int_equal(outbox_try(outbox, i, 1500, NULL, NULL), 0);
                bury(outbox, 0, "400");
                assert_true(outbox_status(outbox).dead_bytes <= 16 * 1024);
        }
        struct mv_outbox_status status = outbox_status(outbox);
        assert_true(status.dead >= 8 && status.dead < 11);
        assert_int_equal(status.forgotten, 20 - status.dead);
        assert_int_equal(dead_of(outbox, 0), status.dead);
        assert_true(log.errors > 0);
        /* The newest are there, and can be sent again although the log is full. */
        while (outbox_try(outbox, 99, 1500, NULL, NULL) == 0)
                ;
        assert_int_equal(carry_out(outbox, true, "a", "id-20 id-1", 0).dead, 1);
        assert_int_equal(carry_out(outbox, true, "a", "", 0).dead, status.dead - 1);
        assert_int_equal(outbox_status(outbox).dead_bytes, 0);
        assert_true(outbox_status(outbox).bytes <= 64 * 1024 + 32);
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

/* --- requests as files --- */

struct server {
        struct mv_outbox *outbox;
        volatile bool stop;
};

static void *serve(void *context) {
        struct server *server = context;
        while (!__atomic_load_n(&server->stop, __ATOMIC_ACQUIRE)) {
                if (mv_outbox_sync(server->outbox, NULL) < 0)
                        abort();
                usleep(1000);
        }
        return NULL;
}

static int count_item(void *context, const struct mv_outbox_item *item, struct mv_err *err) {
        (void)item, (void)err;
        (*(size_t *)context)++;
        return 0;
}

static void test_ask(void **state) {
        (void)state;
        char *directory = outbox_directory(), *requests = mv_path_join(directory, "requests");
        struct server server = { .outbox = outbox_open(directory) };
        struct mv_outbox_answer answer = { 0 };
        struct mv_err err = { 0 };
        pthread_t thread;
        outbox_receivers(server.outbox, "a");
        outbox_append_many(server.outbox, 1, 3);
        bury(server.outbox, 0, "400");
        assert_int_equal(pthread_create(&thread, NULL, serve, &server), 0);
        const struct mv_str items[] = { MV_STR("id-1"), MV_STR("id-7") };
        struct mv_outbox_request request = { .retry = true, .items = items, .n_items = 2 };
        assert_int_equal(mv_outbox_ask(directory, &request, 30, &answer, &err), 0);
        assert_int_equal(answer.dead, 1);
        assert_int_equal(answer.unmatched, 1);
        assert_string_equal(answer.first_unmatched, "id-7");
        assert_string_equal(answer.error, "");
        request = (struct mv_outbox_request){ .receiver = MV_STR("nobody") };
        assert_int_equal(mv_outbox_ask(directory, &request, 30, &answer, &err), 0);
        assert_string_equal(answer.error, "there is no receiver nobody");
        request = (struct mv_outbox_request){ .receiver = MV_STR("a") };
        assert_int_equal(mv_outbox_ask(directory, &request, 30, &answer, &err), 0);
        assert_int_equal(answer.waiting, 3);
        __atomic_store_n(&server.stop, true, __ATOMIC_RELEASE);
        pthread_join(thread, NULL);
        assert_int_equal(files_count(requests, ""), 2); /* . and .. */

        /* What was answered is on the disk: here it is only read. */
        size_t waiting = 0, damaged;
        assert_int_equal(mv_outbox_look(directory, MV_STR("a"), count_item, &waiting, &damaged, &err), 0);
        assert_int_equal(waiting, 0);
        assert_int_equal(mv_outbox_look(directory, MV_STR("b"), count_item, &waiting, &damaged, &err),
                         MV_ENOTFOUND);

        /* Somebody removes the directory. */
        assert_int_equal(rmdir(requests), 0);
        assert_int_equal(mv_outbox_sync(server.outbox, NULL), 0);

        /* Nobody answers: the request is withdrawn. */
        assert_int_equal(mv_outbox_ask(directory, &request, 0, &answer, &err), MV_ETIMEOUT);
        assert_non_null(strstr(err.message, "nothing was changed"));
        assert_int_equal(files_count(requests, ""), 2);
        mv_outbox_close(server.outbox);
        free(requests);
        outbox_remove(directory);
}

/* What somebody left who is gone, and what is no request. */
static void test_odd_requests(void **state) {
        (void)state;
        char *directory = outbox_directory(), *requests = mv_path_join(directory, "requests");
        struct mv_outbox *outbox = outbox_open(directory);
        struct mv_err err = { 0 };
        outbox_receivers(outbox, "a");
        outbox_append_many(outbox, 1, 3);
        char *old = mv_path_join(requests, "1-1.request"), *answer = mv_path_join(requests, "1-2.answer");
        char *odd = mv_path_join(requests, "1-3.request"), *answered = mv_path_join(requests, "1-3.answer");
        file_put(old, MV_STR("migvet outbox request 1\ndrop\nreceiver a\nend\n"));
        file_put(answer, MV_STR("migvet outbox answer 1\n"));
        file_put(odd, MV_STR("migvet outbox request 1\ndrop\nreceiver a\n"));
        assert_int_equal(utime(old, &(struct utimbuf){ 1, 1 }), 0);
        assert_int_equal(utime(answer, &(struct utimbuf){ 1, 1 }), 0);
        assert_int_equal(mv_outbox_sync(outbox, &err), 0);
        assert_int_equal(access(old, F_OK), -1);
        assert_int_equal(access(answer, F_OK), -1);
        assert_int_equal(access(odd, F_OK), -1);
        assert_string_equal(outbox_waiting(outbox, 0), "1 2 3");
        struct mv_str text = file_take(answered);
        struct mv_outbox_answer read;
        assert_int_equal(mv_outbox_answer_read(text, &read, &err), 0);
        assert_string_equal(read.error, "no request to an outbox");
        text_free(text);
        free(old);
        free(answer);
        free(odd);
        free(answered);
        mv_outbox_close(outbox);
        free(requests);
        outbox_remove(directory);
}

/* For all of this program, so that a file can be one that cannot be removed, or one whose removal is seen. */
static const char *kept;
static struct mv_outbox *watched;
static unsigned removals;
int unlink(const char *path) {
        if (watched) {
                outbox_status(watched);
                removals++;
        }
        if (kept && strcmp(path, kept) == 0) {
                errno = EIO;
                return -1;
        }
        return unlinkat(AT_FDCWD, path, 0);
}

/* It is not carried out, rather than each second. What cannot be read is answered. */
static void test_requests_that_stay(void **state) {
        (void)state;
        char *directory = outbox_directory(), *requests = mv_path_join(directory, "requests");
        char *request = mv_path_join(requests, "1-1.request"), *large = mv_path_join(requests, "1-2.request");
        char *answered = mv_path_join(requests, "1-2.answer");
        struct mv_outbox *outbox = outbox_open(directory);
        struct mv_err err = { 0 };
        outbox_receivers(outbox, "a");
        outbox_append_many(outbox, 1, 3);
        file_put(request, MV_STR("migvet outbox request 1\ndrop\nreceiver a\nend\n"));
        kept = request;
        assert_int_equal(mv_outbox_sync(outbox, &err), MV_EIO);
        kept = NULL;
        assert_string_equal(err.file, request);
        assert_string_equal(outbox_waiting(outbox, 0), "1 2 3");
        assert_int_equal(mv_outbox_sync(outbox, NULL), 0);
        assert_string_equal(outbox_waiting(outbox, 0), "");

        file_put(large, MV_STR("x"));
        assert_int_equal(truncate(large, 2 * MIB), 0);
        assert_int_equal(mv_outbox_sync(outbox, NULL), 0);
        struct mv_str text = file_take(answered);
        struct mv_outbox_answer read;
        assert_int_equal(mv_outbox_answer_read(text, &read, &err), 0);
        assert_non_null(strstr(read.error, "more than"));
        text_free(text);
        mv_outbox_close(outbox);
        free(answered);
        free(large);
        free(request);
        free(requests);
        outbox_remove(directory);
}

/* Reviews that append do not wait for it: this would hang, and end with SIGALRM. */
static void test_removal_holds_no_lock(void **state) {
        (void)state;
        char *directory = outbox_directory();
        struct mv_outbox *outbox = outbox_open_with(directory, 64 * 1024, NULL);
        outbox_receivers(outbox, "a");
        for (unsigned i = 1; i <= 20; i++)
                assert_int_equal(outbox_try(outbox, i, 900, NULL, NULL), 0);
        watched = outbox;
        alarm(20);
        for (unsigned i = 1; i <= 20; i++)
                mv_outbox_done(outbox, 0, i);
        alarm(0);
        watched = NULL;
        assert_in_range(removals, 2, 10);
        assert_int_equal(files_count(directory, ".log"), 1);
        mv_outbox_close(outbox);
        outbox_remove(directory);
}

static void test_texts(void **state) {
        (void)state;
        const struct mv_str items[] = { MV_STR("id-1"), MV_STR("4711") };
        const struct mv_outbox_request request = {
                .retry = true, .receiver = MV_STR("mover"), .items = items, .n_items = 2
        };
        struct mv_outbox_request read;
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, MIB);
        mv_outbox_request_write(&request, &buf);
        assert_int_equal(mv_outbox_request_read(mv_buf_str(&buf), &mv_allocator_system, &read, NULL), 0);
        assert_true(read.retry);
        assert_str(read.receiver, "mover");
        assert_int_equal(read.n_items, 2);
        assert_str(read.items[1], "4711");
        mv_outbox_request_done(&read, &mv_allocator_system);
        for (size_t n = 0; n < buf.n; n++) {
                struct mv_str cut = exact_make(buf.p, n);
                assert_int_equal(mv_outbox_request_read(cut, &mv_allocator_system, &read, NULL), MV_ESYNTAX);
                text_free(cut);
        }
        mv_buf_clear(&buf);

        const struct mv_outbox_answer answer = {
                .dead = 1, .waiting = 2, .unmatched = 3, .first_unmatched = "a b", .error = "two\nlines"
        };
        struct mv_outbox_answer back;
        mv_outbox_answer_write(&answer, &buf);
        assert_int_equal(mv_outbox_answer_read(mv_buf_str(&buf), &back, NULL), 0);
        assert_true(back.dead == 1 && back.waiting == 2 && back.unmatched == 3);
        assert_string_equal(back.first_unmatched, "a b");
        assert_string_equal(back.error, "two lines");
        for (size_t n = 0; n < buf.n; n++) {
                struct mv_str cut = exact_make(buf.p, n);
                assert_int_equal(mv_outbox_answer_read(cut, &back, NULL), MV_ESYNTAX);
                text_free(cut);
        }
        mv_buf_done(&buf);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bury),
                cmocka_unit_test(test_bury_again),
                cmocka_unit_test(test_retry),
                cmocka_unit_test(test_drop),
                cmocka_unit_test(test_damaged_letter),
                cmocka_unit_test(test_retry_without_receiver),
                cmocka_unit_test(test_share),
                cmocka_unit_test(test_ask),
                cmocka_unit_test(test_odd_requests),
                cmocka_unit_test(test_requests_that_stay),
                cmocka_unit_test(test_removal_holds_no_lock),
                cmocka_unit_test(test_texts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
