/* SPDX-License-Identifier: Apache-2.0 */
/* The webhook as a whole: both ports, metrics and readiness from outside, and stopping without a lost
 * answer. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/support_webhook.h"
#include "webhook/server.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct authority authority;
static struct mv_identity_slot slot;
static struct stub stub;
static struct journal journal;
static atomic_bool cluster_ready;
static bool in_child_process;

static bool cluster_check(void *context, struct mv_buf *remark) {
        (void)context;
        mv_buf_append_text(remark, "12 nodes");
        return cluster_ready;
}

static void snapshot_collect(void *context, struct mv_buf *out) {
        (void)context;
        mv_metrics_write_family(out, "migvet_snapshot_objects", "gauge", "Objects.");
        mv_metrics_write_sample(out, "migvet_snapshot_objects", NULL, 0, 7);
}

static struct mv_webhook_config config_make(void) {
        static const struct mv_health_check checks[] = { { "cluster", cluster_check, NULL } };
        static const struct mv_collector collectors[] = { { snapshot_collect, NULL } };
        return (struct mv_webhook_config){ .listen = "127.0.0.1:0",
                                           .management = "127.0.0.1:0",
                                           .limits = MV_WEBHOOK_LIMITS,
                                           .identity = &slot,
                                           .backend = &stub.backend,
                                           .checks = checks,
                                           .n_checks = 1,
                                           .collectors = collectors,
                                           .n_collectors = 1,
                                           .version = "1.2.3",
                                           .logger = &journal.logger };
}

static struct mv_webhook *start(const struct mv_webhook_config *config) {
        struct mv_err err = { 0 };
        struct mv_webhook *webhook = NULL;
        if (mv_webhook_new(config, &webhook, &err) < 0 || mv_webhook_start(webhook, &err) < 0) {
                if (in_child_process)
                        _exit(99);
                fail_msg("%s", err.message);
        }
        return webhook;
}

/* GET target on the management port. */
static int get(unsigned port, const char *target, struct answer *ret) {
        struct client client;
        char text[512];
        if (!client_connect(&client, port))
                return -2;
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
        client_say(&client, text);
        int status = client_answer(&client, false, ret);
        client_close(&client);
        return status;
}

static void test_ports(void **state) {
        struct mv_webhook_config config = config_make();
        struct answer answer;
        struct client client;
        (void)state;
        cluster_ready = false;
        struct mv_webhook *webhook = start(&config);
        unsigned port = mv_webhook_port(webhook), management = mv_webhook_management_port(webhook);
        assert_true(port && management && port != management);

        assert_int_equal(get(management, "/livez", &answer), 200);
        answer_done(&answer);
        assert_int_equal(get(management, "/readyz", &answer), 503);
        assert_non_null(strstr(answer.body, "[-]cluster failed: 12 nodes\n"));
        answer_done(&answer);
        cluster_ready = true;
        assert_int_equal(get(management, "/readyz?verbose", &answer), 200);
        assert_non_null(strstr(answer.body, "[+]cluster ok: 12 nodes\n"));
        assert_non_null(strstr(answer.body, "readyz check passed\n"));
        answer_done(&answer);

        assert_int_equal(
                client_connect_tls(&client, port, &(struct tls_choice){ .ca = authority.ca.certificate }), 0);
        assert_int_equal(client_review(&client, 1000, NULL), 200);
        assert_int_equal(get(management, "/metrics", &answer), 200);
        assert_non_null(strstr(answer.head, "text/plain; version=0.0.4"));
        static const char *const lines[] = {
                "migvet_build_info{version=\"1.2.3\"} 1\n",
                "migvet_connections_open 1\n",
                "migvet_connections_accepted_total 1\n",
                "migvet_http_request_body_bytes_total 1000\n",
                "migvet_snapshot_objects 7\n",
                ("migvet_admission_reviews_total{type=\"validating\",resource=\"virtualmachines\","
                 "operation=\"CREATE\",decision=\"allowed\",verdict=\"True\"} 1\n"),
        };
        for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
                if (!strstr(answer.body, lines[i]))
                        fail_msg("no %s in %s", lines[i], answer.body);
        const char *expiry = strstr(answer.body, "\nmigvet_identity_expiry_seconds ");
        assert_non_null(expiry);
        struct mv_identity *identity = mv_identity_slot_ref(&slot);
        assert_int_equal(strtoll(strchr(expiry, ' ') + 1, NULL, 10),
                         mv_identity_validity(identity).not_after);
        mv_identity_unref(identity);
        answer_done(&answer);
        client_close(&client);

        /* the management port reviews nothing, and takes no bodies */
        assert_true(client_connect(&client, management));
        assert_int_equal(client_review(&client, 10, NULL), 404);
        client_close(&client);
        assert_true(client_connect(&client, management));
        client_say(&client, "POST /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_int_equal(client_status(&client), 404);
        client_close(&client);
        assert_true(client_connect(&client, management));
        client_say(&client, "HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(client_answer(&client, true, &answer), 200);
        client_close(&client);
        mv_webhook_free(webhook);
}

static void test_wrong_config(void **state) {
        struct mv_webhook_config config = config_make();
        struct mv_webhook *webhook = (struct mv_webhook *)&config;
        struct mv_err err = { 0 };
        (void)state;
        config.listen = "nowhere";
        assert_int_equal(mv_webhook_new(&config, &webhook, &err), MV_EUSAGE);
        config = config_make();
        config.management = "127.0.0.1:99999";
        assert_int_equal(mv_webhook_new(&config, &webhook, &err), MV_EUSAGE);
        config = config_make();
        config.limits.body_bytes = 0;
        assert_int_equal(mv_webhook_new(&config, &webhook, &err), MV_EUSAGE);
        config = config_make();
        config.identity = NULL;
        assert_int_equal(mv_webhook_new(&config, &webhook, &err), MV_EUSAGE);
        assert_ptr_equal(webhook, &config);
        assert_null(mv_webhook_free(NULL));
        /* new and free without start */
        config = config_make();
        assert_int_equal(mv_webhook_new(&config, &webhook, &err), 0);
        mv_webhook_free(webhook);
}

/* --- draining ------------------------------------------------------------------------------------------- */

/*
 * Like kube-apiserver: keeps connections open, and makes a new one when it was told that the old one closes.
 * What counts is a request that was sent and never answered. A connection that was kept and is closed before
 * it is used again is no loss, nor is one that is refused after the lame time.
 */
struct caller {
        unsigned port;
        atomic_bool *over; /* the server refuses connections */
        unsigned answered, lost;
};

static void *caller_main(void *context) {
        struct caller *caller = context;
        struct tls_choice choice = { .ca = NULL };
        struct client client = { .fd = -1 };
        for (;;) {
                if (client.fd < 0 && client_connect_tls(&client, caller->port, &choice) != 0) {
                        if (!*caller->over)
                                caller->lost++;
                        break;
                }
                bool close = false;
                if (client_review(&client, 3000, &close) == 200)
                        caller->answered++;
                else {
                        caller->lost++;
                        close = true;
                }
                if (close)
                        client_close(&client);
        }
        if (client.fd >= 0)
                client_close(&client);
        return NULL;
}

static void test_drain(void **state) {
        enum { CALLERS = 4, ROUNDS = 3 };
        (void)state;
        cluster_ready = true;
        for (int round = 0; round < ROUNDS; round++) {
                struct mv_webhook_config config = config_make();
                struct mv_webhook *webhook = start(&config);
                struct caller callers[CALLERS];
                struct client idle;
                pthread_t threads[CALLERS];
                atomic_bool over = false;
                stub.delay_ms = round == 2 ? 20 : 0;
                assert_int_equal(
                        client_connect_tls(&idle, mv_webhook_port(webhook), &(struct tls_choice){ 0 }), 0);
                assert_int_equal(client_review(&idle, 10, NULL), 200);
                for (int i = 0; i < CALLERS; i++) {
                        callers[i] = (struct caller){ .port = mv_webhook_port(webhook), .over = &over };
                        assert_int_equal(pthread_create(&threads[i], NULL, caller_main, &callers[i]), 0);
                }
                sleep_ms(150);
                over = true; /* from here on a refused connection is what a client must expect */
                assert_true(mv_webhook_stop(webhook, 200, WAIT_MS));
                unsigned answered = 0;
                for (int i = 0; i < CALLERS; i++) {
                        pthread_join(threads[i], NULL);
                        assert_int_equal(callers[i].lost, 0);
                        answered += callers[i].answered;
                }
                assert_true(answered > CALLERS);
                assert_true(client_is_closed(&idle, WAIT_MS));
                client_close(&idle);
                mv_webhook_free(webhook);
        }
        stub.delay_ms = 0;
}

struct stopper {
        struct mv_webhook *webhook;
        unsigned lame_ms, grace_ms;
        bool all;
};

static void *stopper_main(void *context) {
        struct stopper *stopper = context;
        stopper->all = mv_webhook_stop(stopper->webhook, stopper->lame_ms, stopper->grace_ms);
        return NULL;
}

/* While it drains: not ready, still serving, and each answer the last on its connection. */
static void test_lame(void **state) {
        struct mv_webhook_config config = config_make();
        struct mv_webhook *webhook = start(&config);
        struct stopper stopper = { .webhook = webhook, .lame_ms = 1500, .grace_ms = WAIT_MS };
        struct answer answer;
        struct client client;
        pthread_t thread;
        bool close = false;
        (void)state;
        cluster_ready = true;
        assert_int_equal(get(mv_webhook_management_port(webhook), "/readyz", &answer), 200);
        answer_done(&answer);
        assert_int_equal(pthread_create(&thread, NULL, stopper_main, &stopper), 0);
        sleep_ms(100);
        assert_int_equal(get(mv_webhook_management_port(webhook), "/readyz", &answer), 503);
        assert_non_null(strstr(answer.body, "[-]shutdown failed: draining\n"));
        answer_done(&answer);
        assert_int_equal(get(mv_webhook_management_port(webhook), "/livez", &answer), 200);
        answer_done(&answer);
        assert_int_equal(client_connect_tls(&client, mv_webhook_port(webhook), &(struct tls_choice){ 0 }), 0);
        assert_int_equal(client_review(&client, 10, &close), 200);
        assert_true(close);
        client_close(&client);
        pthread_join(thread, NULL);
        assert_true(stopper.all);
        assert_false(client_connect(&client, mv_webhook_port(webhook)));
        mv_webhook_free(webhook);
}

/* Grace has an end, and stop says that something was cut off. */
static void test_grace(void **state) {
        struct mv_webhook_config config = config_make();
        struct client client;
        (void)state;
        config.limits.receive_ms = 60000;
        struct mv_webhook *webhook = start(&config);
        assert_int_equal(client_connect_tls(&client, mv_webhook_port(webhook), &(struct tls_choice){ 0 }), 0);
        client_say(&client, "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{");
        sleep_ms(50);
        double begin = seconds();
        assert_false(mv_webhook_stop(webhook, 0, 300));
        assert_true(seconds() - begin < WAIT_MS / 1000.0);
        assert_true(client_is_closed(&client, WAIT_MS));
        client_close(&client);
        mv_webhook_free(webhook);
}

/* A request that is put off, and nobody resumes in time: answered in the grace, or cut off at its end. */
static void test_stop_while_put_off(void **state) {
        (void)state;
        for (int round = 0; round < 2; round++) {
                struct mv_webhook_config config = config_make();
                struct mv_webhook *webhook = start(&config);
                struct stopper stopper = { .webhook = webhook, .grace_ms = round == 0 ? WAIT_MS : 100 };
                struct client client;
                pthread_t thread;
                stub.put_off_ms = 2500;
                stub.put_off_always = true;
                assert_int_equal(
                        client_connect_tls(&client, mv_webhook_port(webhook), &(struct tls_choice){ 0 }), 0);
                size_t n;
                char *request = request_make("/validate", 1000, "", &n);
                assert_true(client_send(&client, request, n));
                free(request);
                double begin = seconds();
                while (stub.pending == 0 && seconds() - begin < 2)
                        sleep_ms(2);
                assert_int_equal(stub.pending, 1);
                begin = seconds();
                assert_int_equal(pthread_create(&thread, NULL, stopper_main, &stopper), 0);
                int status = client_status(&client);
                pthread_join(thread, NULL);
                assert_int_equal(stopper.all, round == 0);
                if (round == 0)
                        assert_int_equal(status, 200);
                assert_true(seconds() - begin < 2.4); /* without whoever is late */
                client_close(&client);
                mv_webhook_free(webhook);
                stub_settle(&stub);
        }
        stub.put_off_ms = 0;
        stub.put_off_always = false;
}

/* --- files, signals, panic: in a process of their own --------------------------------------------------- */

static int in_child(void (*body)(void)) {
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
                in_child_process = true;
                alarm(60);
                body();
                _exit(0);
        }
        int status = -1;
        waitpid(child, &status, 0);
        return status;
}

static void child_files(void) {
        struct mv_webhook_config config = config_make();
        struct rlimit files;
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = 100;
        if (files.rlim_max > 4096)
                files.rlim_max = 4096;
        setrlimit(RLIMIT_NOFILE, &files);
        struct mv_webhook *webhook = start(&config);
        getrlimit(RLIMIT_NOFILE, &files);
        if (files.rlim_cur < 1024 + 64)
                _exit(1);
        mv_webhook_free(webhook);

        /* what cannot be had is said */
        files.rlim_cur = files.rlim_max = 300;
        setrlimit(RLIMIT_NOFILE, &files);
        webhook = start(&config);
        if (!journal_has(&journal, "at most 172 connections instead of 1024"))
                _exit(2);
        struct answer answer;
        if (get(mv_webhook_management_port(webhook), "/metrics", &answer) != 200 ||
            !strstr(answer.body, "\nmigvet_connections_limit 172\n"))
                _exit(3);
        answer_done(&answer);
        mv_webhook_free(webhook);

        /* and others need some as well */
        config.other_files = 100;
        webhook = start(&config);
        if (!journal_has(&journal, "at most 72 connections instead of 1024"))
                _exit(4);
        mv_webhook_free(webhook);
}

static atomic_int taken;
static void take(int number) {
        (void)number;
        taken++;
}

static void child_signals(void) {
        struct mv_webhook_config config = config_make();
        struct mv_webhook *webhook = start(&config);
        struct sigaction action = { .sa_handler = take };
        sigset_t term, waiting;
        sigaction(SIGTERM, &action, NULL);
        sigemptyset(&term);
        sigaddset(&term, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &term, NULL);
        kill(getpid(), SIGTERM); /* no thread of the server may take it */
        sleep_ms(100);
        sigpending(&waiting);
        if (taken != 0 || !sigismember(&waiting, SIGTERM))
                _exit(1);
        mv_webhook_free(webhook);
}

static void test_children(void **state) {
        (void)state;
        assert_int_equal(in_child(child_files), 0);
        assert_int_equal(in_child(child_signals), 0);
}

static int setup(void **state) {
        (void)state;
        authority_init(&authority);
        stub_init(&stub);
        journal_init(&journal);
        mv_identity_slot_init(&slot);
        mv_identity_slot_set(&slot, authority_identity(&authority));
        signal(SIGPIPE, SIG_IGN);
        return 0;
}

static int teardown(void **state) {
        (void)state;
        mv_identity_slot_done(&slot);
        authority_done(&authority);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_children), /* first: it forks */
                cmocka_unit_test(test_ports),    cmocka_unit_test(test_wrong_config),
                cmocka_unit_test(test_drain),    cmocka_unit_test(test_lame),
                cmocka_unit_test(test_grace),    cmocka_unit_test(test_stop_while_put_off),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
