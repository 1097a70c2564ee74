/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test_kube.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

/* --- requests --- */

static void test_get(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct answer a = get(&kube, "/test/echo?limit=500&x=%2F");
        assert_int_equal(a.status, 200);
        assert_non_null(strstr(
                a.body, "\"method\": \"GET\", \"path\": \"/test/echo?limit=500&x=%2F\", \"body\": \"\""));
        assert_non_null(strstr(a.body, "\"accept: application/json\""));
        assert_non_null(strstr(a.body, "\"accept-encoding: gzip\""));
        assert_non_null(strstr(a.body, "\"user-agent: migvet/1 (linux/"));
        assert_null(strstr(a.body, "authorization"));
        assert_null(strstr(a.body, "expect"));
        assert_null(strstr(a.body, "content-"));
        assert_string_equal(a.etag, "\"v1\"");
        assert_int_equal(a.retry_after_ms, -1);
        assert_int_equal(a.err.code, 0);
        answer_clear(&a);
        kube_done(&kube);
}

static void check_echo(struct kube *kube, struct mv_kube_request request, const char *const *parts,
                       size_t n) {
        struct answer a = { .kube = kube };
        request.context = &a;
        start(&a, &request);
        run_to_end(&a);
        assert_int_equal(a.status, 200);
        for (size_t i = 0; i < n; i++)
                if (!strstr(a.body, parts[i]))
                        fail_msg("%s is not in %s", parts[i], a.body);
        answer_clear(&a);
}
#define CHECK_ECHO(kube, request, ...)                                             \
        do {                                                                       \
                const char *const parts_[] = { __VA_ARGS__ };                      \
                check_echo(kube, request, parts_, sizeof parts_ / sizeof *parts_); \
        } while (0)

static void test_methods(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct answer a = { .kube = &kube };
        char body[] = "{\"a\":1}", type[] = "application/merge-patch+json";
        struct mv_kube_request r = request_of(&a, "PATCH", "/test/echo");
        r.body = mv_str_from(body);
        r.content_type = type;
        CHECK_ECHO(&kube, r, "\"PATCH\"", "\"body\": \"{\\\"a\\\":1}\"",
                   "content-type: application/merge-patch+json", "content-length: 7");
        r = request_of(&a, "POST", "/test/echo");
        CHECK_ECHO(&kube, r, "\"POST\"", "content-length: 0");
        r = request_of(&a, "PUT", "/test/echo");
        r.body = MV_STR("x");
        r.content_type = "text/plain";
        CHECK_ECHO(&kube, r, "\"PUT\"", "\"body\": \"x\"");
        r = request_of(&a, "DELETE", "/test/echo");
        CHECK_ECHO(&kube, r, "\"DELETE\"");
        r = request_of(&a, "GET", "/test/echo");
        r.accept = "application/json;as=Table";
        r.if_none_match = MV_STR("\"v0\"");
        CHECK_ECHO(&kube, r, "accept: application/json;as=Table", "if-none-match: \\\"v0\\\"");
        r = request_of(&a, "HEAD", "/test/echo");
        start(&a, &r);
        run_to_end(&a);
        assert_int_equal(a.status, 200);
        assert_int_equal(a.n_body, 0);
        answer_clear(&a);
        kube_done(&kube);
}

/* What the caller gave is copied. */
static void test_copies(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct answer a = { .kube = &kube };
        char path[] = "/test/echo", body[] = "abc", method[] = "POST", type[] = "text/plain";
        struct mv_kube_request r = request_of(&a, method, path);
        r.body = mv_str_from(body);
        r.content_type = type;
        start(&a, &r);
        memset(path, 'z', sizeof path - 1);
        memset(body, 'z', sizeof body - 1);
        memset(method, 'z', sizeof method - 1);
        memset(type, 'z', sizeof type - 1);
        memset(&r, 0, sizeof r);
        run_to_end(&a);
        assert_int_equal(a.status, 200);
        assert_non_null(strstr(a.body, "\"method\": \"POST\", \"path\": \"/test/echo\", \"body\": \"abc\""));
        assert_non_null(strstr(a.body, "content-type: text/plain"));
        answer_clear(&a);
        kube_done(&kube);
}

static void test_compression(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct answer a = get(&kube, "/test/compressed?bytes=3000000");
        assert_int_equal(a.n_body, 3000012);
        assert_memory_equal(a.body + 2999990, "xxxxxxxxxxxxxxxxxxxx\"}", 22);
        answer_clear(&a);
        /* The limit is that of the text, not of what was transferred. */
        struct mv_kube_request r = request_of(&a, "GET", "/test/compressed?bytes=3000000");
        r.most = 1000000;
        start(&a, &r);
        run_to_end(&a);
        assert_int_equal(a.err.code, MV_ELIMIT);
        answer_clear(&a);
        kube_done(&kube);
        kube = kube_new("disable-compression: true", "");
        a = get(&kube, "/test/echo");
        assert_null(strstr(a.body, "accept-encoding"));
        answer_clear(&a);
        kube_done(&kube);
}

static void test_connection_is_kept(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        unsigned before = connections();
        for (int i = 0; i < 5; i++)
                get_is(&kube, "/test/echo", 200);
        assert_int_equal(connections() - before, 2);
        kube_done(&kube);
}

static void test_prefix(void **state) {
        (void)state;
        struct kube kube = kube_at("https://127.0.0.1:PORT/prefix/", "certificate-authority: ca.crt", "");
        assert_int_equal(kube.code, 0);
        get_has(&kube, "/test/echo", "\"path\": \"/prefix/test/echo\"");
        kube_done(&kube);
}

/* --- answers that are none, or no success --- */

static void test_failures(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct answer a = get(&kube, "/test/failure?code=429&retry=7");
        assert_int_equal(a.status, 429);
        assert_int_equal(a.retry_after_ms, 7000);
        answer_clear(&a);
        a = get(&kube, "/test/failure?code=503&retry=Thu,%2001%20Jan%202099%2000:00:00%20GMT");
        assert_true(a.retry_after_ms > 3600LL * 1000 * 24);
        answer_clear(&a);
        a = get(&kube, "/test/redirect");
        assert_int_equal(a.status, 302);
        answer_clear(&a);
        a = get(&kube, "/test/short");
        assert_int_equal(a.status, 0);
        assert_int_equal(a.err.code, MV_EIO);
        answer_clear(&a);
        kube_done(&kube);
}

static void test_limits(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct answer a = { .kube = &kube };
        struct mv_kube_request r = request_of(&a, "GET", "/test/large?bytes=100000");
        r.most = 100000;
        start(&a, &r);
        run_to_end(&a);
        assert_int_equal(a.status, 200);
        assert_int_equal(a.n_body, 100000);
        answer_clear(&a);
        r.most = 99999;
        start(&a, &r);
        run_to_end(&a);
        assert_int_equal(a.status, 0);
        assert_int_equal(a.err.code, MV_ELIMIT);
        assert_string_equal(a.err.message, "the answer is larger than 99999 bytes");
        answer_clear(&a);
        /* A failure of a stream is kept as far as it is needed. */
        r = request_of(&a, "GET", "/test/failure?code=500&text=0123456789&times=10000");
        r.data = on_data;
        start(&a, &r);
        run_to_end(&a);
        assert_int_equal(a.status, 500);
        assert_int_equal(a.n_body, MV_KUBE_FAILURE_BYTES);
        assert_int_equal(a.n_pieces, 0);
        answer_clear(&a);
        kube_done(&kube);
}

static void test_nobody_there(void **state) {
        (void)state;
        struct kube kube = kube_at("https://127.0.0.1:1", "certificate-authority: ca.crt", "");
        struct answer a = get(&kube, "/test/echo");
        assert_int_equal(a.err.code, MV_EIO);
        assert_true(mv_str_starts_with(mv_str_from(a.err.message),
                                       MV_STR("https://127.0.0.1:1: Failed to connect to 127.0.0.1 port 1")));
        answer_clear(&a);
        kube_done(&kube);
}

/* Takes connections and ends them at once, until the socket is shut. */
struct closer {
        int fd;
        unsigned port, n;
};

static void *close_all(void *context) {
        struct closer *closer = context;
        for (int fd; (fd = accept(closer->fd, NULL, NULL)) >= 0; closer->n++)
                close(fd);
        return NULL;
}

/* Those that wait for a connection fail with the first; the one that starts then is tried anew. */
static void test_nobody_there_for_many(void **state) {
        (void)state;
        enum { N = 20 };
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof address;
        struct closer closer = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
        pthread_t thread;
        char server[64];
        assert_int_equal(bind(closer.fd, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(closer.fd, 64), 0);
        assert_int_equal(getsockname(closer.fd, (struct sockaddr *)&address, &size), 0);
        assert_int_equal(pthread_create(&thread, NULL, close_all, &closer), 0);
        snprintf(server, sizeof server, "https://127.0.0.1:%u", ntohs(address.sin_port));

        struct kube kube = kube_at(server, "certificate-authority: ca.crt", "");
        struct answer answers[N];
        struct mv_kube_request then = request_of(&answers[0], "GET", "/test/echo?2");
        for (int i = 0; i < N; i++) {
                answers[i] = (struct answer){ .kube = &kube, .then = i ? NULL : &then };
                struct mv_kube_request r = request_of(&answers[i], "GET", "/test/echo");
                start(&answers[i], &r);
        }
        for (int i = 0; i < N; i++) {
                run_to_end(&answers[i]);
                assert_int_equal(answers[i].err.code, MV_EIO);
                assert_true(mv_str_starts_with(mv_str_from(answers[i].err.message), mv_str_from(server)));
                answer_clear(&answers[i]);
        }
        kube_done(&kube);
        shutdown(closer.fd, SHUT_RDWR);
        pthread_join(thread, NULL);
        close(closer.fd);
        assert_int_equal(closer.n, 2);
}

static void test_status_error(void **state) {
        (void)state;
        static const struct {
                int status;
                const char *body;
                int code;
                const char *expected;
        } cases[] = {
                { 403, "{'kind':'Status','message':'nodes is forbidden:\\nno'}", MV_EUSAGE,
                  "nodes is forbidden: no" },
                { 404, "404 page not found\n", MV_ENOTFOUND,
                  "the API server answered 404 (404 page not found)" },
                { 410, "{'kind':'Status','message':''}", MV_EUSAGE,
                  "the API server answered 410 ({\"kind\":\"Status\",\"message\":\"\"})" },
                { 413, "", MV_ELIMIT, "the API server answered 413" },
                { 429, "{'kind':'Other','message':'x'}", MV_EIO,
                  "the API server answered 429 ({\"kind\":\"Other\",\"message\":\"x\"})" },
                { 503, "", MV_EIO, "the API server answered 503" },
                { 504, "", MV_ETIMEOUT, "the API server answered 504" },
                { 302, "", MV_EIO, "the API server answered 302" },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct mv_err err = { 0 };
                struct mv_str body = json_make(cases[i].body);
                assert_int_equal(mv_kube_status_error(cases[i].status, body, &err), cases[i].code);
                assert_int_equal(err.code, cases[i].code);
                assert_string_equal(err.message, cases[i].expected);
                text_free(body);
        }
        /* Long words are cut between characters. */
        char words[1200] = "";
        for (int i = 0; i < 300; i++)
                memcpy(words + i * 3, "\xe2\x82\xac", 4);
        struct mv_str body = text_make(words, strlen(words));
        struct mv_err err = { 0 };
        mv_kube_status_error(500, body, &err);
        assert_string_equal(err.message + strlen(err.message) - 4, "\xe2\x82\xac)");
        text_free(body);
}

/* --- streams --- */

static struct answer stream(struct kube *kube, const char *path, unsigned idle_ms) {
        struct answer a = { .kube = kube };
        struct mv_kube_request r = request_of(&a, "GET", path);
        r.timeout_ms = 0;
        r.idle_ms = idle_ms;
        r.data = on_data;
        start(&a, &r);
        run_to_end(&a);
        return a;
}

static void test_stream(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct answer a = stream(&kube, "/test/stream?pieces=3", 0);
        assert_int_equal(a.status, 200);
        assert_int_equal(a.n_body, 0);
        assert_string_equal(a.stream, "{\"piece\":0}\n{\"piece\":1}\n{\"piece\":2}\n");
        answer_clear(&a);
        /* Its end has to be announced. */
        a = stream(&kube, "/test/stream?pieces=1&then=close", 0);
        assert_int_equal(a.status, 0);
        assert_int_equal(a.err.code, MV_EIO);
        assert_string_equal(a.stream, "{\"piece\":0}\n");
        answer_clear(&a);
        a = stream(&kube, "/test/stream?pieces=1&then=reset", 0);
        assert_int_equal(a.status, 0);
        assert_int_equal(a.err.code, MV_EIO);
        answer_clear(&a);
        a = stream(&kube, "/test/failure?code=410", 0);
        assert_int_equal(a.status, 410);
        assert_non_null(strstr(a.body, "this was to be expected"));
        assert_int_equal(a.n_pieces, 0);
        answer_clear(&a);
        kube_done(&kube);
}

static void test_stream_is_refused(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct answer a = { .kube = &kube, .refuse = MV_ETYPE };
        struct mv_kube_request r = request_of(&a, "GET", "/test/stream?pieces=1&then=hang");
        r.data = on_data;
        start(&a, &r);
        run_to_end(&a);
        assert_int_equal(a.n_pieces, 1);
        assert_int_equal(a.status, 0);
        assert_int_equal(a.err.code, MV_ETYPE);
        assert_string_equal(a.err.message, "no more of this");
        answer_clear(&a);
        kube_done(&kube);
}

static void test_time(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct answer a = stream(&kube, "/test/stream?pieces=2&then=hang", 300);
        char expected[128];
        snprintf(expected, sizeof expected, "https://127.0.0.1:%u: nothing came for 0.3 s", api.port);
        assert_string_equal(a.err.message, expected);
        assert_int_equal(a.err.code, MV_ETIMEOUT);
        assert_int_equal(a.status, 0);
        assert_string_equal(a.stream, "{\"piece\":0}\n{\"piece\":1}\n");
        answer_clear(&a);
        a = stream(&kube, "/test/silent", 300);
        assert_int_equal(a.err.code, MV_ETIMEOUT);
        answer_clear(&a);
        /* Bytes keep it alive, but the whole has its time, too. */
        a.kube = &kube;
        struct mv_kube_request r = request_of(&a, "GET", "/test/drip");
        r.timeout_ms = 1500;
        r.idle_ms = 1000;
        start(&a, &r);
        run_to_end(&a);
        snprintf(expected, sizeof expected, "https://127.0.0.1:%u: no whole answer within 1.5 s", api.port);
        assert_string_equal(a.err.message, expected);
        assert_int_equal(a.err.code, MV_ETIMEOUT);
        answer_clear(&a);
        get_is(&kube, "/test/echo", 200);
        kube_done(&kube);
}

/* --- many, and the callbacks --- */

static void test_many(void **state) {
        (void)state;
        enum { N = 40 };
        struct kube kube = kube_new("", "");
        struct answer answers[N];
        for (int i = 0; i < N; i++) {
                answers[i] = (struct answer){ .kube = &kube };
                struct mv_kube_request r = request_of(
                        &answers[i], "GET", i % 2 ? "/test/echo" : "/test/stream?pieces=1&then=hang");
                r.data = i % 2 ? NULL : on_data;
                start(&answers[i], &r);
        }
        for (int i = 1; i < N; i += 2)
                run_to_end(&answers[i]);
        for (int i = 0; i < N; i += 2) {
                while (!answers[i].n_pieces)
                        mv_kube_client_run(kube.client, 1000);
                assert_false(answers[i].done);
                if (i % 4) {
                        mv_kube_client_cancel(kube.client, answers[i].call);
                        assert_false(answers[i].done);
                }
        }
        mv_kube_client_run(kube.client, 0);
        get_is(&kube, "/test/echo", 200);
        kube_done(&kube); /* cancels the rest */
        for (int i = 0; i < N; i++) {
                assert_int_equal(answers[i].done, i % 2);
                answer_clear(&answers[i]);
        }
}

static void test_callbacks(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct answer a = { .kube = &kube, .cancel = true }, b = { .kube = &kube };
        struct mv_kube_request hang = request_of(&a, "GET", "/test/stream?pieces=1&then=hang"),
                               other = request_of(&b, "GET", "/test/silent");
        struct mv_kube_request ends = request_of(&a, "GET", "/test/stream?pieces=1");
        ends.data = hang.data = on_data;
        /* data cancels its own call; what ends it otherwise does so while another runs */
        start(&a, &ends);
        while (a.call)
                mv_kube_client_run(kube.client, 1000);
        struct answer clock = stream(&kube, "/test/silent", 300);
        answer_clear(&clock);
        assert_int_equal(a.n_pieces, 1);
        assert_false(a.done);
        answer_clear(&a);
        /* data cancels another, which has begun, and whose time is not over: on a busy machine it gets more */
        other.timeout_ms = 200;
        for (bool over = true; over; other.timeout_ms *= 2) {
                start(&b, &other);
                mv_kube_client_run(kube.client, 0);
                a.cancel_other = &b;
                start(&a, &hang);
                while (b.call)
                        mv_kube_client_run(kube.client, 1000);
                mv_kube_client_cancel(kube.client, a.call);
                over = b.done && !a.cancelled_other;
                if (over) {
                        answer_clear(&a);
                        answer_clear(&b);
                }
        }
        clock = stream(&kube, "/test/silent", other.timeout_ms / 2 + 100);
        answer_clear(&clock);
        assert_false(a.done || b.done);
        answer_clear(&a);
        /* before it has begun, too */
        start(&b, &other);
        mv_kube_client_cancel(kube.client, b.call);
        /* done starts a request, and cancels one that has ended by now, maybe */
        other = request_of(&b, "GET", "/test/echo");
        struct mv_kube_request first = request_of(&a, "GET", "/test/echo?1"),
                               then = request_of(&a, "GET", "/test/echo?2");
        a.then = &then;
        a.cancel_other = &b;
        start(&a, &first);
        start(&b, &other);
        run_to_end(&a);
        assert_non_null(strstr(a.body, "/test/echo?2"));
        answer_clear(&a);
        answer_clear(&b);
        kube_done(&kube);
}

/* Two streams that both have something to tell, and each cancels the other: only one gets to do so. */
static void test_cancelled_tells_nothing(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct answer a = { .kube = &kube }, b = { .kube = &kube };
        struct mv_kube_request drip_a = request_of(&a, "GET", "/test/drip"),
                               drip_b = request_of(&b, "GET", "/test/drip");
        drip_a.data = drip_b.data = on_data;
        start(&a, &drip_a);
        start(&b, &drip_b);
        while (!a.n_pieces || !b.n_pieces)
                mv_kube_client_run(kube.client, 1000);
        nanosleep(&(struct timespec){ .tv_nsec = 300 * 1000 * 1000 }, NULL);
        a.cancel_other = &b;
        b.cancel_other = &a;
        while (a.call && b.call)
                mv_kube_client_run(kube.client, 1000);
        assert_true(a.call || b.call);
        mv_kube_client_cancel(kube.client, a.call ? a.call : b.call);
        answer_clear(&a);
        answer_clear(&b);
        kube_done(&kube);
}

/* --- waiting --- */

static void *wake_soon(void *client) {
        nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000 * 1000 }, NULL);
        mv_kube_client_wake(client);
        return NULL;
}

static void test_wake(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        pthread_t thread;
        time_t begun = time(NULL);
        assert_int_equal(pthread_create(&thread, NULL, wake_soon, kube.client), 0);
        mv_kube_client_run(kube.client, 600000);
        pthread_join(thread, NULL);
        mv_kube_client_wake(kube.client); /* not lost either */
        mv_kube_client_run(kube.client, 600000);
        assert_true(time(NULL) - begun < 60);
        kube_done(&kube);
}

struct canceller {
        struct mv_kube_client *client;
        atomic_bool cancel;
};

static void *cancel_soon(void *context) {
        struct canceller *canceller = context;
        nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000 * 1000 }, NULL);
        atomic_store(&canceller->cancel, true);
        mv_kube_client_wake(canceller->client);
        return NULL;
}

static void test_call(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct mv_buf body;
        struct mv_err err = { 0 };
        int status = 0;
        mv_buf_init(&body, &mv_allocator_system, 1 << 20);
        struct mv_kube_request r = { .method = "GET", .path = MV_STR("/test/failure?code=404") };
        assert_int_equal(mv_kube_client_call(kube.client, &r, NULL, &status, &body, &err), 0);
        assert_int_equal(status, 404);
        for (size_t i = 0; i < MV_KUBE_PADDING; i++)
                assert_int_equal(body.p[body.n + i], 0);
        assert_int_equal(mv_kube_status_error(status, mv_buf_str(&body), &err), MV_ENOTFOUND);
        assert_string_equal(err.message, "this was to be expected");
        /* The buffer is used again. */
        r.path = MV_STR("/test/large?bytes=20");
        assert_int_equal(mv_kube_client_call(kube.client, &r, NULL, &status, &body, &err), 0);
        assert_int_equal(status, 200);
        assert_int_equal(body.n, 20);
        r.path = MV_STR("/test/silent");
        r.timeout_ms = 200;
        status = -1;
        assert_int_equal(mv_kube_client_call(kube.client, &r, NULL, &status, &body, &err), MV_ETIMEOUT);
        assert_int_equal(status, -1);
        struct canceller canceller = { .client = kube.client };
        pthread_t thread;
        r.timeout_ms = 0;
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &canceller), 0);
        assert_int_equal(mv_kube_client_call(kube.client, &r, &canceller.cancel, &status, &body, &err),
                         MV_EIO);
        assert_non_null(strstr(err.message, ": the request was cancelled"));
        pthread_join(thread, NULL);
        mv_buf_done(&body);
        kube_done(&kube);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_get),
                cmocka_unit_test(test_methods),
                cmocka_unit_test(test_copies),
                cmocka_unit_test(test_compression),
                cmocka_unit_test(test_connection_is_kept),
                cmocka_unit_test(test_prefix),
                cmocka_unit_test(test_failures),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_nobody_there),
                cmocka_unit_test(test_status_error),
                cmocka_unit_test(test_nobody_there_for_many),
                cmocka_unit_test(test_stream),
                cmocka_unit_test(test_stream_is_refused),
                cmocka_unit_test(test_time),
                cmocka_unit_test(test_many),
                cmocka_unit_test(test_callbacks),
                cmocka_unit_test(test_cancelled_tells_nothing),
                cmocka_unit_test(test_wake),
                cmocka_unit_test(test_call),
        };
        return cmocka_run_group_tests(tests, set_up_api, tear_down_api);
}
