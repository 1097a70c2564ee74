/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the log that wait: in order, whole, none lost, and none that must not wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "cli/log.h"
#include "policy/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FOR_EVER_MS = 3600 * 1000, THREADS = 4, LINES = 2000 };

/* stderr, as a pipe that holds all that a test writes. */
struct caught {
        int old, read;
        struct mv_buf text;
};

static void catch (struct caught *caught) {
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_true(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) >= 1 << 20);
        caught->old = dup(STDERR_FILENO);
        assert_true(caught->old >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
        close(ends[1]);
        caught->read = ends[0];
        mv_buf_init(&caught->text, &mv_allocator_system, 1 << 21);
}

/* All that was written since; waits for the first byte if it has to. */
static const char *take(struct caught *caught, bool wait) {
        mv_buf_clear(&caught->text);
        for (;;) {
                assert_int_equal(fcntl(caught->read, F_SETFL, wait ? 0 : O_NONBLOCK), 0);
                char *to = mv_buf_reserve(&caught->text, 1 << 16);
                assert_non_null(to);
                ssize_t n = read(caught->read, to, 1 << 16);
                if (n < 0 && errno == EAGAIN)
                        break;
                assert_true(n > 0);
                caught->text.n += (size_t)n;
                wait = false;
        }
        caught->text.p[caught->text.n] = '\0';
        return caught->text.p;
}

static void give_back(struct caught *caught) {
        assert_true(dup2(caught->old, STDERR_FILENO) >= 0);
        close(caught->old);
        close(caught->read);
        mv_buf_done(&caught->text);
}

static void say(const struct mv_log *log, enum mv_log_level level, const char *message) {
        log->logger.line(log->logger.context, level, "test", message, NULL, 0);
}

static void say_later(const struct mv_log *log, enum mv_log_level level, const char *message) {
        log->logger.later(log->logger.context, level, "test", message, NULL, 0);
}

/* The messages of lines in text form, each with a blank behind it. */
static const char *messages(const char *text) {
        static char found[1 << 20];
        size_t n = 0;
        found[0] = '\0';
        for (const char *at = text; (at = strstr(at, "test: "));) {
                size_t length = strcspn(at += 6, "\n");
                n += (size_t)snprintf(found + n, sizeof found - n, "%.*s ", (int)length, at);
        }
        return found;
}

static void test_at_once(void **state) {
        (void)state;
        struct caught caught;
        struct mv_log log;
        mv_log_init(&log, false, MV_LOG_INFO);
        catch (&caught);
        say(&log, MV_LOG_DEBUG, "no");
        say(&log, MV_LOG_INFO, "a");
        say_later(&log, MV_LOG_INFO, "b");
        assert_string_equal(messages(take(&caught, false)), "a b ");
        mv_log_flush(&log);
        mv_log_done(&log);
        assert_string_equal(take(&caught, false), "");
        give_back(&caught);
}

static void test_waiting(void **state) {
        (void)state;
        struct caught caught;
        struct mv_log log;
        mv_log_init(&log, false, MV_LOG_DEBUG);
        catch (&caught);
        assert_int_equal(mv_log_defer(&log, FOR_EVER_MS, NULL), 0);
        say_later(&log, MV_LOG_INFO, "a");
        say_later(&log, MV_LOG_DEBUG, "b");
        assert_string_equal(take(&caught, false), "");
        say(&log, MV_LOG_INFO, "c");
        assert_string_equal(messages(take(&caught, false)), "a b c ");
        say_later(&log, MV_LOG_INFO, "d");
        say(&log, MV_LOG_ERROR, "e");
        assert_string_equal(messages(take(&caught, false)), "d e ");
        say_later(&log, MV_LOG_INFO, "f");
        mv_log_flush(&log);
        assert_string_equal(messages(take(&caught, false)), "f ");
        say_later(&log, MV_LOG_INFO, "g");
        mv_log_done(&log);
        assert_string_equal(messages(take(&caught, false)), "g ");
        say_later(&log, MV_LOG_INFO, "h");
        assert_string_equal(messages(take(&caught, false)), "h ");
        give_back(&caught);
}

static void test_a_moment(void **state) {
        (void)state;
        struct caught caught;
        struct mv_log log;
        mv_log_init(&log, false, MV_LOG_INFO);
        catch (&caught);
        assert_int_equal(mv_log_defer(&log, 1, NULL), 0);
        for (int i = 0; i < 3; i++) {
                say_later(&log, MV_LOG_INFO, "a");
                assert_string_equal(messages(take(&caught, true)), "a ");
        }
        mv_log_done(&log);
        give_back(&caught);
}

/* More than may wait, and a line that is longer than all of that. */
static void test_no_room(void **state) {
        (void)state;
        struct caught caught;
        struct mv_log log;
        char *message = malloc(60001);
        assert_non_null(message);
        memset(message, 'x', 60000);
        mv_log_init(&log, false, MV_LOG_INFO);
        catch (&caught);
        assert_int_equal(mv_log_defer(&log, FOR_EVER_MS, NULL), 0);
        message[20000] = '\0';
        say_later(&log, MV_LOG_INFO, message);
        assert_string_equal(take(&caught, false), "");
        say_later(&log, MV_LOG_INFO, message);
        assert_int_equal(strlen(messages(take(&caught, false))), 20001);
        message[20000] = 'x';
        message[60000] = '\0';
        say_later(&log, MV_LOG_INFO, message);
        assert_int_equal(strlen(messages(take(&caught, false))), 80002);
        mv_log_done(&log);
        assert_string_equal(take(&caught, false), "");
        give_back(&caught);
        free(message);
}

struct writing {
        const struct mv_log *log;
        unsigned thread;
};

static void *write_many(void *context) {
        const struct writing *writing = context;
        for (unsigned i = 0; i < LINES; i++) {
                char message[32];
                snprintf(message, sizeof message, "<%u %u>", writing->thread, i);
                (i % 100 ? say_later : say)(writing->log, MV_LOG_INFO, message);
        }
        return NULL;
}

static void test_threads(void **state) {
        (void)state;
        struct caught caught;
        struct mv_log log;
        pthread_t threads[THREADS];
        struct writing writing[THREADS];
        unsigned next[THREADS] = { 0 }, n = 0;
        mv_log_init(&log, false, MV_LOG_INFO);
        catch (&caught);
        assert_int_equal(mv_log_defer(&log, 1, NULL), 0);
        for (unsigned i = 0; i < THREADS; i++) {
                writing[i] = (struct writing){ &log, i };
                assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writing[i]), 0);
        }
        for (unsigned i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        mv_log_done(&log);
        for (const char *at = take(&caught, false); *at; at = strchr(at, '\n') + 1, n++) {
                unsigned thread, line;
                assert_int_equal(sscanf(at, "%*s %*s test: <%u %u>\n", &thread, &line), 2);
                assert_true(thread < THREADS);
                assert_int_equal(line, next[thread]++);
        }
        assert_int_equal(n, THREADS * LINES);
        give_back(&caught);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_at_once),  cmocka_unit_test(test_waiting),
                cmocka_unit_test(test_a_moment), cmocka_unit_test(test_no_room),
                cmocka_unit_test(test_threads),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
