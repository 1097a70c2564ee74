/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, good and bad, byte by byte over a plain connection. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/support_webhook.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

#define HEAD "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

static void assert_status_object(const struct answer *answer) {
        assert_non_null(strstr(answer->head, "\r\nContent-Type: application/json\r\n"));
        struct json_object *status = json_tokener_parse(answer->body);
        assert_non_null(status);
        assert_string_equal(json_object_get_string(json_object_object_get(status, "kind")), "Status");
        assert_int_equal(json_object_get_int(json_object_object_get(status, "code")), answer->status);
        assert_true(json_object_get_string_len(json_object_object_get(status, "message")) > 5);
        json_object_put(status);
}

enum after { OPEN, CLOSED, EITHER };

/* Send text, and want an answer of ours with this status. */
static void refused(const char *text, int status, enum after after) {
        struct client client;
        struct answer answer;
        unsigned before = plain.stub.reviews;
        assert_true(client_connect(&client, plain.port));
        assert_true(client_say(&client, text));
        if (client_answer(&client, strncmp(text, "HEAD", 4) == 0, &answer) != status)
                fail_msg("%d instead of %d for:\n%s", answer.status, status, text);
        if (answer.body)
                assert_status_object(&answer);
        if (status == 405)
                assert_non_null(strstr(answer.head, "\r\nAllow: POST\r\n"));
        if (after == CLOSED) {
                assert_true(answer.close);
                assert_true(client_is_closed(&client, WAIT_MS));
        } else if (after == OPEN) {
                assert_false(answer.close);
                assert_int_equal(plain.stub.reviews, before);
                assert_int_equal(client_review(&client, 10, NULL), 200);
                before++;
        }
        answer_done(&answer);
        assert_int_equal(plain.stub.reviews, before);
        client_close(&client);
}

static void test_good(void **state) {
        struct client client;
        struct answer answer;
        (void)state;
        assert_true(client_connect(&client, plain.port));
        assert_true(client_say(&client, HEAD "Content-Length: 3\r\n\r\nabc"));
        assert_int_equal(client_answer(&client, false, &answer), 200);
        assert_string_equal(answer.body, "{\"n\":3}");
        assert_non_null(strstr(answer.head, "\r\nContent-Type: application/json\r\n"));
        assert_false(answer.close);
        answer_done(&answer);
        assert_int_equal(plain.stub.checksum, 'a' + 'b' + 'c');
        assert_int_equal(plain.stub.mutations, 0);
        /* ten seconds, less the margin */
        assert_true(plain.stub.left_ns <= 9800000000LL && plain.stub.left_ns > 3000000000LL);

        assert_true(client_say(&client, "POST /mutate?timeout=2s HTTP/1.1\r\nHost: localhost\r\n"
                                        "content-type: APPLICATION/json; charset=utf-8\r\n"
                                        "content-length: 2\r\n\r\n{}"));
        assert_int_equal(client_status(&client), 200);
        assert_int_equal(plain.stub.mutations, 1);
        assert_true(plain.stub.left_ns <= 1800000000LL);
        /* an empty body is the backend's to refuse */
        assert_true(client_say(&client, HEAD "Content-Length: 0\r\n\r\n"));
        assert_int_equal(client_status(&client), 200);
        assert_int_equal(plain.stub.bytes, 0);
        assert_false(plain.stub.unterminated);
        client_close(&client);

        assert_true(journal_has(&plain.journal,
                                "1 webhook review webhook=validate uid=u-1 resource=virtualmachines "
                                "namespace=shop name=db operation=CREATE user=alice dryRun=false "
                                "status=200 allowed=true verdict=True decidedBy=warn rules= "
                                "milliseconds="));
}

/* Bodies in many pieces, one byte at a time at first; several sizes, on one connection. */
static void test_pieces(void **state) {
        static const size_t sizes[] = { 1, 7, 4096, 8192, 40000, LIMIT };
        struct client client;
        (void)state;
        assert_true(client_connect(&client, plain.port));
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                size_t n;
                char *text = request_make("/validate", sizes[i], "", &n);
                unsigned sum = 0;
                for (size_t k = n - sizes[i]; k < n; k++)
                        sum += (unsigned char)text[k];
                for (size_t at = 0, step = 1; at < n; at += step, step = at < 150 ? 1 : step * 3) {
                        if (step > n - at)
                                step = n - at;
                        assert_true(client_send(&client, text + at, step));
                        if (at < 150 && at % 16 == 0)
                                sleep_ms(1);
                }
                assert_int_equal(client_status(&client), 200);
                assert_int_equal(plain.stub.bytes, sizes[i]);
                assert_int_equal(plain.stub.checksum, sum);
                free(text);
        }
        assert_false(plain.stub.unterminated);
        client_close(&client);
}

static void test_pipeline(void **state) {
        struct client client;
        struct answer answer;
        (void)state;
        assert_true(client_connect(&client, plain.port));
        assert_true(client_say(&client, HEAD "Content-Length: 1\r\n\r\na" HEAD "Content-Length: 2\r\n\r\nab"
                                             "GET /validate HTTP/1.1\r\nHost: x\r\n\r\n" HEAD
                                             "Content-Length: 3\r\n\r\nabc"));
        for (int i = 1; i <= 4; i++) {
                static const char *const bodies[] = { "", "{\"n\":1}", "{\"n\":2}", NULL, "{\"n\":3}" };
                assert_int_equal(client_answer(&client, false, &answer), bodies[i] ? 200 : 405);
                if (bodies[i])
                        assert_string_equal(answer.body, bodies[i]);
                answer_done(&answer);
        }
        client_close(&client);
}

static void test_framing(void **state) {
        (void)state;
        /* two lengths, in either order, even when equal */
        refused(HEAD "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc", 400, CLOSED);
        refused(HEAD "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, CLOSED);
        /* a length and an encoding */
        refused(HEAD "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400,
                CLOSED);
        refused(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400,
                CLOSED);
        /* any encoding; a chunked body has an end, the others have none */
        refused(HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 411, OPEN);
        refused(HEAD "Transfer-Encoding: gzip\r\n\r\nabc", 411, CLOSED);
        refused(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 411, CLOSED);
        refused(HEAD "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411,
                CLOSED);
        /* no length */
        refused(HEAD "\r\n", 411, CLOSED);
        refused("POST /validate HTTP/1.0\r\nContent-Type: application/json\r\n\r\nabc", 411, CLOSED);
        /* a field's name with a space: its body must not become the next request */
        refused(HEAD "Content-Length : 3\r\n\r\nabc", 400, CLOSED);
        refused(HEAD "Content-Length: 1\r\nX\x01Y: 3\r\n\r\na", 400, CLOSED);
        refused(HEAD "Host: other\r\nContent-Length: 1\r\n\r\na", 400, CLOSED);
}

static void test_targets(void **state) {
        static const char *const bad[] = {
                "/",
                "/validat",
                "/validate/",
                "/validate%00",
                "/validate%00x",
                "/%76alidate",
                "//validate",
                "/validate;x=1",
                "/Validate",
                "/mutate/../validate",
                "*",
                "http://localhost/validate",
                "/metrics",
                "/readyz",
        };
        char text[4096];
        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                snprintf(text, sizeof text,
                         "POST %s HTTP/1.1\r\nHost: localhost\r\n"
                         "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
                         bad[i]);
                refused(text, 404, OPEN);
        }
        int n = snprintf(text, sizeof text,
                         "POST /validate?%01000d HTTP/1.1\r\nHost: localhost\r\n"
                         "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
                         0);
        assert_true((size_t)n < sizeof text);
        refused(text, 414, OPEN);

        /* a NUL byte ends the target as the library gives it */
        static const char nul[] = "POST /validate\0/../x HTTP/1.1\r\nHost: localhost\r\n"
                                  "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        struct client client;
        assert_true(client_connect(&client, plain.port));
        assert_true(client_send(&client, nul, sizeof nul - 1));
        assert_int_equal(client_status(&client), 400);
        client_close(&client);

        static const char *const timeouts[] = { "x", "", "-5s", "0s", "0", "10", "5s%20" };
        for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
                snprintf(text, sizeof text,
                         "POST /validate?timeout=%s HTTP/1.1\r\nHost: localhost\r\n"
                         "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
                         timeouts[i]);
                refused(text, 400, OPEN);
        }
}

static void test_methods(void **state) {
        static const char *const bad[] = {
                "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW", "post"
        };
        char text[4096];
        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                snprintf(text, sizeof text,
                         "%s /validate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", bad[i]);
                refused(text, 405, OPEN);
        }
        refused("GET /validate HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, OPEN);
        refused("CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, EITHER);
}

static void test_media_types(void **state) {
        static const char *const bad[] = { "", "Content-Type: text/plain\r\n",
                                           "Content-Type: application/yaml\r\n", "Content-Type:\r\n",
                                           "Content-Type: application/json\r\nContent-Encoding: gzip\r\n" };
        char text[4096];
        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                snprintf(text, sizeof text,
                         "POST /validate HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: 2\r\n\r\n{}",
                         bad[i]);
                refused(text, 415, OPEN);
        }
}

/* What the library refuses by itself: no JSON, but an error, and the end of the connection. */
static void test_library(void **state) {
        static const struct {
                const char *text;
                int status;
        } cases[] = {
                { "POST /validate HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
                  400 },
                { HEAD "Content-Length: 3x\r\n\r\nabc", 400 },
                { HEAD "Content-Length: -1\r\n\r\nabc", 400 },
                { HEAD "Content-Length: 99999999999999999999999\r\n\r\nabc", 413 },
                { HEAD "nocolon\r\n\r\n", 400 },
                { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
        };
        (void)state;
        unsigned before = plain.stub.reviews;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct client client;
                struct answer answer;
                assert_true(client_connect(&client, plain.port));
                assert_true(client_say(&client, cases[i].text));
                if (client_answer(&client, true, &answer) != cases[i].status)
                        fail_msg("%d for %s", answer.status, cases[i].text);
                assert_true(client_is_closed(&client, WAIT_MS));
                client_close(&client);
        }
        assert_int_equal(plain.stub.reviews, before);
}

/* A large header is refused, and the server goes on. */
static void test_large_header(void **state) {
        struct client client;
        char *text = malloc(200000);
        (void)state;
        int n = snprintf(text, 200000, HEAD "X: %0100000d\r\nContent-Length: 0\r\n\r\n", 0);
        assert_true(client_connect(&client, plain.port));
        client_send(&client, text, (size_t)n);
        int status = client_status(&client);
        assert_true(status == 431 || status == 414 || status == 413 || status <= 0);
        client_close(&client);
        assert_true(client_connect(&client, plain.port));
        assert_int_equal(client_review(&client, 100, NULL), 200);
        client_close(&client);
        free(text);
}

/* Up to four times the limit the whole body is read, so that the answer always arrives. */
static void test_body_limit(void **state) {
        static const size_t sizes[] = { LIMIT + 1, 2 * LIMIT, 4 * LIMIT };
        (void)state;
        for (size_t i = 0; i < 10 * sizeof sizes / sizeof sizes[0]; i++) {
                struct client client;
                struct answer answer;
                size_t n;
                char *text = request_make("/validate", sizes[i / 10], "", &n);
                assert_true(client_connect(&client, plain.port));
                assert_true(client_send(&client, text, n));
                assert_int_equal(client_answer(&client, false, &answer), 413);
                assert_status_object(&answer);
                assert_true(answer.close);
                assert_true(client_is_closed(&client, WAIT_MS));
                answer_done(&answer);
                client_close(&client);
                free(text);
        }
        /* beyond, the answer comes before the body */
        char text[512];
        snprintf(text, sizeof text, HEAD "Content-Length: %d\r\n\r\n", 4 * LIMIT + 8);
        refused(text, 413, CLOSED);
        snprintf(text, sizeof text, HEAD "Content-Length: %llu\r\n\r\n", 18446744073709551615ULL);
        refused(text, 413, CLOSED);
        /* who asks before sending is told at once */
        snprintf(text, sizeof text, HEAD "Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", LIMIT + 1);
        refused(text, 413, CLOSED);
}

/* A chunked body that has no end is not read for ever. */
static void test_endless_chunks(void **state) {
        struct client client;
        char *chunk = NULL;
        (void)state;
        assert_true(client_connect(&client, plain.port));
        assert_true(client_say(&client, HEAD "Transfer-Encoding: chunked\r\n\r\n"));
        int n = asprintf(&chunk, "2000\r\n%08192d\r\n", 0);
        assert_int_equal(n, 6 + 8192 + 2);
        bool sent = true;
        for (int i = 0; sent && i < 2000; i++)
                sent = client_send(&client, chunk, (size_t)n);
        assert_false(sent);
        client_close(&client);
        free(chunk);
}

static void test_expect(void **state) {
        struct client client;
        (void)state;
        assert_true(client_connect(&client, plain.port));
        assert_true(client_say(&client, HEAD "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
        sleep_ms(20);
        assert_true(client_say(&client, "{}"));
        assert_int_equal(client_status(&client), 200);
        client_close(&client);
}

/* The sum of bodies in flight has a cap: what arrives beyond it is told to come again. */
static void test_bodies_in_flight(void **state) {
        enum { HOLDERS = 5 }; /* the cap is four bodies */
        struct client holders[HOLDERS], client;
        size_t n;
        char *text = request_make("/validate", LIMIT, "", &n);
        (void)state;
        for (int i = 0; i < HOLDERS; i++) {
                assert_true(client_connect(&holders[i], plain.port));
                assert_true(client_send(&holders[i], text, n - 1));
        }
        double until = seconds() + WAIT_MS / 1000.0;
        while (plain.route.in_flight < 4 * LIMIT - 4 && seconds() < until)
                sleep_ms(5);
        assert_true(plain.route.in_flight >= 4 * LIMIT - LIMIT);

        struct answer answer;
        assert_true(client_connect(&client, plain.port));
        assert_true(client_send(&client, text, n));
        assert_int_equal(client_answer(&client, false, &answer), 503);
        assert_status_object(&answer);
        assert_non_null(strstr(answer.head, "\r\nRetry-After: 1\r\n"));
        answer_done(&answer);

        for (int i = 0; i < HOLDERS; i++)
                client_close(&holders[i]);
        until = seconds() + WAIT_MS / 1000.0;
        while (plain.route.in_flight > 0 && seconds() < until)
                sleep_ms(5);
        assert_int_equal(plain.route.in_flight, 0);
        assert_true(client_send(&client, text, n));
        assert_int_equal(client_status(&client), 200);
        client_close(&client);
        free(text);
}

/* What the backend answers is passed on: a 400 of its own, and an internal error for nothing at all. */
static void test_backend(void **state) {
        struct client client;
        struct answer answer;
        (void)state;
        assert_true(client_connect(&client, plain.port));
        plain.stub.status = 400;
        assert_true(client_say(&client, HEAD "Content-Length: 2\r\n\r\n{}"));
        assert_int_equal(client_answer(&client, false, &answer), 400);
        assert_string_equal(answer.body, "{\"n\":2}");
        answer_done(&answer);
        plain.stub.status = 0;
        plain.stub.silent = true;
        assert_true(client_say(&client, HEAD "Content-Length: 2\r\n\r\n{}"));
        assert_int_equal(client_answer(&client, false, &answer), 500);
        assert_status_object(&answer);
        answer_done(&answer);
        plain.stub.silent = false;
        plain.draining = true;
        bool close = false;
        assert_int_equal(client_review(&client, 5, &close), 200);
        assert_true(close);
        assert_true(client_is_closed(&client, WAIT_MS));
        plain.draining = false;
        client_close(&client);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_pieces),
                cmocka_unit_test(test_pipeline),
                cmocka_unit_test(test_framing),
                cmocka_unit_test(test_targets),
                cmocka_unit_test(test_methods),
                cmocka_unit_test(test_media_types),
                cmocka_unit_test(test_library),
                cmocka_unit_test(test_large_header),
                cmocka_unit_test(test_body_limit),
                cmocka_unit_test(test_endless_chunks),
                cmocka_unit_test(test_expect),
                cmocka_unit_test(test_bodies_in_flight),
                cmocka_unit_test(test_backend),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
