/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are put off: resumed at once, in time, late or never, with the connection still there or not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/support_webhook.h"

#include <stdlib.h>

enum { LIMIT = 65536 };

static struct plain plain;

static int setup(void **state) {
        (void)state;
        plain_start(&plain,
                    (struct mv_limits){
                            .connections = 100, .receive_ms = 10000, .send_ms = 10000, .idle_ms = 30000 },
                    LIMIT, 4 * LIMIT);
        return 0;
}

static int teardown(void **state) {
        (void)state;
        plain_stop(&plain);
        return 0;
}

/* A request that is put off is answered once it is resumed, and others are answered meanwhile. */
static void test_put_off(void **state) {
        struct client clients[20], other;
        size_t n;
        (void)state;
        char *request = request_make("/validate", 2000, "", &n);
        plain.stub.put_off_ms = 100;
        unsigned before = plain.stub.reviews, resumed = plain.stub.resumptions;
        double start = seconds();
        for (int i = 0; i < 20; i++) {
                assert_true(client_connect(&clients[i], plain.port));
                assert_true(client_send(&clients[i], request, n));
        }
        sleep_ms(20);
        plain.stub.put_off_ms = 0;
        assert_true(client_connect(&other, plain.port));
        assert_int_equal(client_review(&other, 10, NULL), 200);
        client_close(&other);
        for (int i = 0; i < 20; i++) {
                assert_int_equal(client_status(&clients[i]), 200);
                assert_int_equal(client_review(&clients[i], 10, NULL), 200); /* the connection goes on */
                client_close(&clients[i]);
        }
        assert_true(seconds() - start >= 0.1);
        assert_int_equal(plain.stub.reviews - before, 41);
        assert_true(plain.stub.resumptions - resumed > 0);
        assert_int_equal(plain.stub.answer, 0); /* the last one was not put off */
        free(request);
}

static void test_put_off_and_resumed_at_once(void **state) {
        struct client client;
        (void)state;
        plain.stub.put_off_ms = -1;
        assert_true(client_connect(&client, plain.port));
        for (int i = 0; i < 50; i++) {
                assert_int_equal(client_review(&client, 3000, NULL), 200);
                assert_int_equal(plain.stub.answer, 5);
        }
        client_close(&client);
        plain.stub.put_off_ms = 0;
}

static void test_put_off_and_given_up(void **state) {
        struct client client;
        size_t n;
        (void)state;
        char *request = request_make("/validate", 2000, "", &n);
        plain.stub.put_off_ms = 50;
        for (int i = 0; i < 10; i++) {
                assert_true(client_connect(&client, plain.port));
                assert_true(client_send(&client, request, n));
                sleep_ms((unsigned)i);
                client_close(&client);
        }
        sleep_ms(150);
        plain.stub.put_off_ms = 0;
        assert_true(client_connect(&client, plain.port));
        assert_int_equal(client_review(&client, 10, NULL), 200);
        client_close(&client);
        free(request);
}

/* Send a review, and return the seconds until it was answered with 200. */
static double review_seconds(struct client *client, const char *target) {
        size_t n;
        char *request = request_make(target, 2000, "", &n);
        unsigned before = plain.stub.reviews;
        double start = seconds();
        assert_true(client_send(client, request, n));
        assert_int_equal(client_status(client), 200);
        assert_int_equal(plain.stub.reviews - before, 1);
        free(request);
        return seconds() - start;
}

/* Who never resumes does not keep the answer from the client: it comes in the request's time, and in a second. */
static void test_put_off_and_forgotten(void **state) {
        struct client client;
        (void)state;
        plain.stub.put_off_ms = 4000;
        plain.stub.put_off_always = true;
        assert_true(client_connect(&client, plain.port));
        double took = review_seconds(&client, "/validate?timeout=900ms");
        assert_true(took > 0.3 && took < 0.9);
        assert_int_equal(plain.stub.answer, 0);
        took = review_seconds(&client, "/validate?timeout=10s");
        assert_true(took > 0.7 && took < 3);
        assert_int_equal(plain.stub.pending, 2);
        client_close(&client);
        plain.stub.put_off_ms = 0;
        plain.stub.put_off_always = false;
        stub_settle(&plain.stub); /* the connection has gone */
        assert_true(client_connect(&client, plain.port));
        assert_int_equal(client_review(&client, 10, NULL), 200);
        client_close(&client);
}

/* Who resumes late does not resume the next request on the same connection. */
static void test_put_off_and_late(void **state) {
        struct client client;
        (void)state;
        assert_true(client_connect(&client, plain.port));
        plain.stub.put_off_ms = 1250;
        assert_true(review_seconds(&client, "/validate") < 1.24);
        assert_int_equal(plain.stub.answer, 0);
        plain.stub.put_off_ms = 600;
        assert_true(review_seconds(&client, "/validate") >= 0.6);
        assert_int_equal(plain.stub.answer, 5);
        client_close(&client);
        plain.stub.put_off_ms = 0;
        stub_settle(&plain.stub);
}

/* The time that a request is put off for is not taken from that for sending it. */
static void test_put_off_after_a_slow_upload(void **state) {
        struct plain slow;
        struct client client;
        size_t n;
        (void)state;
        plain_start(&slow,
                    (struct mv_limits){
                            .connections = 10, .receive_ms = 900, .send_ms = 10000, .idle_ms = 30000 },
                    LIMIT, 4 * LIMIT);
        char *request = request_make("/validate", 2000, "", &n);
        slow.stub.put_off_ms = 600;
        assert_true(client_connect(&client, slow.port));
        assert_true(client_send(&client, request, n - 1));
        sleep_ms(600);
        assert_true(client_send(&client, request + n - 1, 1));
        assert_int_equal(client_status(&client), 200);
        assert_int_equal(slow.stub.answer, 5);
        assert_int_equal(mv_metrics_get(slow.metrics, MV_COUNTER_TIMED_OUT_RECEIVING), 0);
        free(request);

        /* Beyond the request's own time it is in vain. */
        request = request_make("/validate?timeout=400ms", 2000, "", &n);
        slow.stub.put_off_ms = 100;
        slow.stub.delay_ms = 1000;
        assert_true(client_send(&client, request, n));
        assert_int_equal(client_status(&client), 0);
        assert_int_equal(mv_metrics_get(slow.metrics, MV_COUNTER_TIMED_OUT_WAITING), 1);
        client_close(&client);
        free(request);
        stub_settle(&slow.stub);
        plain_stop(&slow);
}

/* Nor is the time that judging takes. */
static void test_slow_to_judge(void **state) {
        struct plain slow;
        struct client client;
        (void)state;
        plain_start(&slow,
                    (struct mv_limits){
                            .connections = 10, .receive_ms = 300, .send_ms = 10000, .idle_ms = 30000 },
                    LIMIT, 4 * LIMIT);
        slow.stub.delay_ms = 1200;
        assert_true(client_connect(&client, slow.port));
        assert_int_equal(client_review(&client, 10, NULL), 200);
        client_close(&client);
        plain_stop(&slow);
}

/* A listener that stops does not wait for those that are late. */
static void test_put_off_and_stopped(void **state) {
        (void)state;
        for (unsigned round = 0; round < 10; round++) {
                struct plain stopped;
                struct client clients[10];
                size_t n;
                plain_start(&stopped,
                            (struct mv_limits){
                                    .connections = 20, .receive_ms = 900, .send_ms = 900, .idle_ms = 3000 },
                            LIMIT, 4 * LIMIT);
                char *request = request_make("/validate", 2000, "", &n);
                stopped.stub.put_off_ms = (int)(1 + 40 * (round % 5));
                stopped.stub.put_off_always = true;
                for (int i = 0; i < 10; i++) {
                        assert_true(client_connect(&clients[i], stopped.port));
                        assert_true(client_send(&clients[i], request, n));
                }
                sleep_ms(round);
                plain_stop(&stopped);
                stub_settle(&stopped.stub);
                for (int i = 0; i < 10; i++)
                        client_close(&clients[i]);
                free(request);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_put_off),
                cmocka_unit_test(test_put_off_and_resumed_at_once),
                cmocka_unit_test(test_put_off_and_given_up),
                cmocka_unit_test(test_put_off_and_forgotten),
                cmocka_unit_test(test_put_off_and_late),
                cmocka_unit_test(test_put_off_after_a_slow_upload),
                cmocka_unit_test(test_slow_to_judge),
                cmocka_unit_test(test_put_off_and_stopped),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
