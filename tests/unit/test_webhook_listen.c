/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that are slow, silent, too many, or gone. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/support_webhook.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT = 65536 };

#define HEAD "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

static const struct mv_limits quick = {
        .connections = 100, .receive_ms = 600, .send_ms = 600, .idle_ms = 1500
};

static void start(struct plain *plain, struct mv_limits limits) {
        plain_start(plain, limits, LIMIT, 4 * LIMIT);
}

/* Send a byte each 50 ms until the server hangs up; false when it does not. */
static bool drip(struct client *client, const char *text) {
        double until = seconds() + WAIT_MS / 1000.0;
        size_t at = 0, n = strlen(text);
        while (seconds() < until) {
                if (!client_send(client, at < n ? text + at : "x", 1))
                        return true;
                at++;
                struct pollfd fd = { .fd = client->fd, .events = POLLIN };
                char c;
                if (poll(&fd, 1, 50) > 0 && recv(client->fd, &c, 1, 0) <= 0)
                        return true;
        }
        return false;
}

static void *drip_header(void *context) {
        if (!client_say(context, HEAD))
                return NULL;
        return drip(context, "X-Slow: ") ? context : NULL;
}
static void *drip_line(void *context) {
        return drip(context, "POST /") ? context : NULL;
}
static void *drip_body(void *context) {
        if (!client_say(context, HEAD "Content-Length: 50000\r\n\r\n"))
                return NULL;
        return drip(context, "a") ? context : NULL;
}

/* Each byte renews the library's own time-out; ours does not move. */
static void test_drip(void **state) {
        void *(*const drips[])(void *) = { drip_line, drip_header, drip_body };
        struct plain plain;
        struct client clients[3], silent, good;
        pthread_t threads[3];
        (void)state;
        start(&plain, quick);
        double begin = seconds();
        for (int i = 0; i < 3; i++) {
                assert_true(client_connect(&clients[i], plain.port));
                assert_int_equal(pthread_create(&threads[i], NULL, drips[i], &clients[i]), 0);
        }
        assert_true(client_connect(&silent, plain.port));
        assert_true(client_connect(&good, plain.port));
        assert_int_equal(client_review(&good, 100, NULL), 200);
        for (int i = 0; i < 3; i++) {
                void *cut = NULL;
                pthread_join(threads[i], &cut);
                if (!cut)
                        fail_msg("drip %d was never cut off", i);
                client_close(&clients[i]);
        }
        assert_true(client_is_closed(&silent, WAIT_MS));
        assert_true(seconds() - begin > 0.5);
        /* the good one may stay longer than those, but not for ever */
        assert_true(client_is_closed(&good, WAIT_MS));
        assert_true(seconds() - begin > 1.4);
        client_close(&silent);
        client_close(&good);
        assert_true(mv_metrics_get(plain.metrics, MV_COUNTER_TIMED_OUT_NEW) >= 2);
        assert_true(mv_metrics_get(plain.metrics, MV_COUNTER_TIMED_OUT_RECEIVING) >= 2);
        assert_true(mv_metrics_get(plain.metrics, MV_COUNTER_TIMED_OUT_IDLE) >= 1);
        plain_stop(&plain);
}

/* A client that asks and asks and never reads. */
static void test_never_reads(void **state) {
        struct plain plain;
        struct client client;
        size_t n;
        (void)state;
        char *text = request_make("/validate", 0, "", &n);
        struct mv_limits limits = quick;
        limits.idle_ms = limits.receive_ms = 30000;
        start(&plain, limits);
        plain.stub.padding = 8 << 20;
        assert_true(client_connect(&client, plain.port));
        int small = 1024;
        setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        fcntl(client.fd, F_SETFL, O_NONBLOCK);
        double until = seconds() + WAIT_MS / 1000.0;
        while (mv_metrics_get(plain.metrics, MV_COUNTER_TIMED_OUT_SENDING) == 0 && seconds() < until)
                if (send(client.fd, text, n, MSG_NOSIGNAL) < 0)
                        sleep_ms(5);
        assert_int_equal(mv_metrics_get(plain.metrics, MV_COUNTER_TIMED_OUT_SENDING), 1);
        client_close(&client);
        plain_stop(&plain);
        free(text);
}

/* A client that leaves in the middle of a body leaves nothing behind once its time is over. */
static void test_half_body(void **state) {
        struct plain plain;
        (void)state;
        start(&plain, quick);
        for (int i = 0; i < 20; i++) {
                struct client client;
                assert_true(client_connect(&client, plain.port));
                assert_true(client_say(&client, HEAD "Content-Length: 1000\r\n\r\nabc"));
                client_close(&client);
        }
        double until = seconds() + WAIT_MS / 1000.0;
        while (mv_metrics_get(plain.metrics, MV_COUNTER_ACCEPTED) < 20 && seconds() < until)
                sleep_ms(5);
        while (mv_listener_count(plain.listener) > 0 && seconds() < until)
                sleep_ms(5);
        assert_int_equal(mv_listener_count(plain.listener), 0);
        assert_int_equal(plain.stub.reviews, 0);
        assert_int_equal(plain.route.in_flight, 0);
        plain_stop(&plain);
}

/* Random bytes, and clients that vanish: the server goes on. */
static void test_garbage(void **state) {
        struct plain plain;
        struct client client;
        unsigned seed = 12345;
        char noise[3000];
        (void)state;
        start(&plain, quick);
        for (int i = 0; i < 200; i++) {
                assert_true(client_connect(&client, plain.port));
                size_t n = (size_t)rand_r(&seed) % sizeof noise;
                for (size_t k = 0; k < n; k++)
                        noise[k] = (char)rand_r(&seed);
                if (i % 3 == 0)
                        client_say(&client, "POST /validate HTTP/1.1\r\n");
                if (i % 3 == 1)
                        client_say(&client, HEAD "Content-Length: 100\r\n");
                client_send(&client, noise, n);
                if (i % 2) {
                        struct linger reset = { .l_onoff = 1 };
                        setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
                }
                client_close(&client);
        }
        assert_true(client_connect(&client, plain.port));
        assert_int_equal(client_review(&client, 100, NULL), 200);
        client_close(&client);
        double until = seconds() + WAIT_MS / 1000.0;
        while (mv_listener_count(plain.listener) > 0 && seconds() < until)
                sleep_ms(5);
        assert_int_equal(mv_listener_count(plain.listener), 0);
        plain_stop(&plain);
}

/* Silent clients beyond the limit do not keep a good one waiting for their time-out. */
static void test_connection_limit(void **state) {
        enum { SILENT = 60 };
        struct plain plain;
        struct client silent[SILENT], good;
        struct mv_limits limits = {
                .connections = 20, .receive_ms = 60000, .send_ms = 10000, .idle_ms = 60000
        };
        (void)state;
        start(&plain, limits);
        for (int i = 0; i < SILENT; i++)
                assert_true(client_connect(&silent[i], plain.port));
        assert_true(client_connect(&good, plain.port));
        assert_int_equal(client_review(&good, 100, NULL), 200);
        assert_true(mv_listener_count(plain.listener) <= 20);
        assert_true(mv_metrics_get(plain.metrics, MV_COUNTER_EVICTED) >= SILENT - 20);
        for (int i = 0; i < SILENT; i++)
                client_close(&silent[i]);

        /* idle ones that were served make room just the same, oldest first */
        struct client served[20];
        client_close(&good);
        for (int i = 0; i < 20; i++) {
                assert_true(client_connect(&served[i], plain.port));
                assert_int_equal(client_review(&served[i], 1, NULL), 200);
                sleep_ms(2);
        }
        assert_true(client_connect(&good, plain.port));
        assert_int_equal(client_review(&good, 100, NULL), 200);
        assert_true(client_is_closed(&served[0], WAIT_MS));
        assert_int_equal(client_review(&served[19], 1, NULL), 200);
        for (int i = 0; i < 20; i++)
                client_close(&served[i]);
        client_close(&good);
        plain_stop(&plain);
}

/* Without descriptors left, and with no connection open: no busy loop, no flood of log lines, and room is
 * made. */
/* In a child process, which can only say by its status what is wrong: wait for it, however busy the machine is. */
#define WAIT_OR_EXIT(condition_, status_)                                                      \
        do {                                                                                   \
                for (double until_ = seconds() + WAIT_MS / 1000.0; !(condition_); sleep_ms(5)) \
                        if (seconds() > until_)                                                \
                                _exit(status_);                                                \
        } while (0)

static double processor_seconds(void) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void emfile_child(void) {
        enum { SILENT = 30 };
        struct plain plain;
        struct client silent[SILENT];
        struct mv_limits limits = {
                .connections = 1000, .receive_ms = 60000, .send_ms = 10000, .idle_ms = 60000
        };
        start(&plain, limits);
        for (int i = 0; i < SILENT; i++)
                if (!client_connect(&silent[i], plain.port))
                        _exit(10);
        WAIT_OR_EXIT(mv_metrics_get(plain.metrics, MV_COUNTER_ACCEPTED) == SILENT &&
                             mv_listener_count(plain.listener) == SILENT,
                     18);

        /* the client's own descriptor is the last one; the server's accept then finds none */
        struct client good;
        int last = dup(0);
        struct rlimit files;
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = (rlim_t)last + 1;
        close(last);
        if (setrlimit(RLIMIT_NOFILE, &files) < 0 || !client_connect(&good, plain.port))
                _exit(11);
        if (client_review(&good, 100, NULL) != 200)
                _exit(12);
        WAIT_OR_EXIT(mv_metrics_get(plain.metrics, MV_COUNTER_EVICTED) >= 1, 13);
        WAIT_OR_EXIT(journal_has(&plain.journal, "cannot accept connections"), 14);

        /* nobody can be evicted any more: idle, not busy */
        for (int i = 0; i < SILENT; i++)
                client_close(&silent[i]);
        client_close(&good);
        WAIT_OR_EXIT(mv_listener_count(plain.listener) == 0, 19);
        int fillers[64], n_fillers = 0, fd;
        if (!client_connect(&good, plain.port))
                _exit(15);
        while (n_fillers < 64 && (fd = dup(0)) >= 0)
                fillers[n_fillers++] = fd;
        /* Of the time that passed, which is longer than asked for where others want the processor, too. */
        const double began = seconds(), used = processor_seconds();
        sleep_ms(500);
        if (processor_seconds() - used > (seconds() - began) / 2)
                _exit(16);
        while (n_fillers)
                close(fillers[--n_fillers]);
        if (client_review(&good, 100, NULL) != 200)
                _exit(17);
        plain_stop(&plain);
        _exit(0);
}

static void test_emfile(void **state) {
        (void)state;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                alarm(8 * WAIT_MS / 1000); /* longer than all of its waiting */
                emfile_child();
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (status != 0)
                fail_msg("the child ended with status %d, signal %d", WEXITSTATUS(status), WTERMSIG(status));
}

/* Closing answers what is in the backlog and in flight, then lets quiet connections go. */
static void test_close(void **state) {
        struct plain plain;
        struct client idle, silent, late;
        struct mv_limits limits = {
                .connections = 50, .receive_ms = 60000, .send_ms = 10000, .idle_ms = 60000
        };
        (void)state;
        start(&plain, limits);
        assert_true(client_connect(&idle, plain.port));
        assert_int_equal(client_review(&idle, 10, NULL), 200);
        assert_true(client_connect(&silent, plain.port));
        plain.draining = true;
        mv_listener_close(plain.listener);
        assert_false(client_connect(&late, plain.port));
        /* what is still open may ask once more */
        bool close = false;
        assert_int_equal(client_review(&idle, 10, &close), 200);
        assert_true(close);
        assert_true(mv_listener_wait(plain.listener, WAIT_MS));
        assert_true(client_is_closed(&silent, WAIT_MS));
        client_close(&idle);
        client_close(&silent);
        plain_stop(&plain);
}

/* Who waits in the backlog when the socket is closed gets an answer, limit or not: there is no other
 * server. */
static void test_close_backlog(void **state) {
        enum { WAITING = 5 };
        struct plain plain;
        struct client busy[2], waiting[WAITING];
        struct mv_limits limits = {
                .connections = 2, .receive_ms = 60000, .send_ms = 10000, .idle_ms = 60000
        };
        size_t n;
        char *text = request_make("/validate", 100, "", &n);
        (void)state;
        start(&plain, limits);
        for (int i = 0; i < 2; i++) {
                assert_true(client_connect(&busy[i], plain.port));
                assert_true(client_send(&busy[i], text, n - 1));
        }
        double until = seconds() + WAIT_MS / 1000.0;
        while (plain.route.in_flight < 2 * 99 && seconds() < until)
                sleep_ms(5);
        for (int i = 0; i < WAITING; i++) {
                assert_true(client_connect(&waiting[i], plain.port));
                assert_true(client_send(&waiting[i], text, n));
        }
        sleep_ms(100);
        assert_int_equal(plain.stub.reviews, 0);
        plain.draining = true;
        mv_listener_close(plain.listener);
        for (int i = 0; i < WAITING; i++) {
                assert_int_equal(client_status(&waiting[i]), 200);
                client_close(&waiting[i]);
        }
        for (int i = 0; i < 2; i++) {
                assert_true(client_send(&busy[i], text + n - 1, 1));
                assert_int_equal(client_status(&busy[i]), 200);
                client_close(&busy[i]);
        }
        assert_true(mv_listener_wait(plain.listener, WAIT_MS));
        plain_stop(&plain);
        free(text);
}

/* The library's log lines are counted, and only a few of them pass. */
static void test_library_log(void **state) {
        struct plain plain;
        (void)state;
        start(&plain, quick);
        for (int i = 0; i < 60; i++) {
                struct client client;
                assert_true(client_connect(&client, plain.port));
                client_say(&client, HEAD "Content-Length: x\r\n\r\n");
                assert_true(client_is_closed(&client, WAIT_MS));
                client_close(&client);
        }
        uint64_t lines = mv_metrics_get(plain.metrics, MV_COUNTER_LIBRARY_MESSAGES);
        assert_true(lines >= 60);
        size_t passed = 0;
        pthread_mutex_lock(&plain.journal.lock);
        for (const char *at = plain.journal.text; (at = strstr(at, "libmicrohttpd: ")); at++)
                passed++;
        pthread_mutex_unlock(&plain.journal.lock);
        assert_true(passed >= 1 && passed < 50);
        plain_stop(&plain);
}

/* Stopping without closing first, with connections in every phase. */
static void test_stop_at_once(void **state) {
        (void)state;
        for (int i = 0; i < 10; i++) {
                struct plain plain;
                struct client clients[4];
                start(&plain, quick);
                for (int k = 0; k < 4; k++)
                        assert_true(client_connect(&clients[k], plain.port));
                assert_int_equal(client_review(&clients[1], 10, NULL), 200);
                client_say(&clients[2], HEAD "Content-Length: 1000\r\n\r\nabc");
                plain_stop(&plain);
                for (int k = 0; k < 4; k++)
                        client_close(&clients[k]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_emfile), /* first: it forks */
                cmocka_unit_test(test_drip),
                cmocka_unit_test(test_never_reads),
                cmocka_unit_test(test_half_body),
                cmocka_unit_test(test_garbage),
                cmocka_unit_test(test_connection_limit),
                cmocka_unit_test(test_close),
                cmocka_unit_test(test_close_backlog),
                cmocka_unit_test(test_library_log),
                cmocka_unit_test(test_stop_at_once),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
