/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client against a server that speaks HTTP/2, as every API server does: the fake one behind a proxy (nghttpx), which
 * notes with each request the protocol and the client's port. So it is seen that all of them share one connection.
 */
#include "tests/unit/test_kube.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>

enum { TRIES = 10 };

static pid_t proxy;
static unsigned behind; /* the port of the fake server */

/* A port that nobody has at the moment. */
static unsigned free_port(int *ret_fd) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
        socklen_t n = sizeof address;
        *ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(*ret_fd >= 0);
        assert_int_equal(bind(*ret_fd, (struct sockaddr *)&address, n), 0);
        assert_int_equal(getsockname(*ret_fd, (struct sockaddr *)&address, &n), 0);
        return ntohs(address.sin_port);
}

static bool accepts(unsigned port) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)port),
                                       .sin_addr = { htonl(INADDR_LOOPBACK) } };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool yes = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
        close(fd);
        return yes;
}

/* On that port; false when it has ended, since somebody else took the port. */
static bool start_proxy(unsigned port) {
        char front[64], back[64], log[512], key[512], certificate[512];
        snprintf(front, sizeof front, "--frontend=127.0.0.1,%u", port);
        snprintf(back, sizeof back, "--backend=127.0.0.1,%u;;tls", behind);
        snprintf(log, sizeof log, "--accesslog-file=%s", in(api.directory, "access.log"));
        snprintf(key, sizeof key, "%s", in(api.directory, "server.key"));
        snprintf(certificate, sizeof certificate, "%s", in(api.directory, "server.crt"));
        const char *const arguments[] = { "nghttpx",
                                          "--conf=/dev/null",
                                          "--single-process",
                                          "--workers=1",
                                          "--insecure", /* of what is behind it */
                                          "--no-ocsp",
                                          "--log-level=FATAL",
                                          "--accesslog-format=$remote_port $request",
                                          front,
                                          back,
                                          log,
                                          key,
                                          certificate,
                                          NULL };
        posix_spawn_file_actions_t actions;
        assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
        posix_spawn_file_actions_addopen(&actions, 2, in(api.directory, "proxy.log"),
                                         O_WRONLY | O_CREAT | O_APPEND, 0600);
        int code = posix_spawnp(&proxy, arguments[0], &actions, NULL, (char *const *)(uintptr_t)arguments,
                                environ);
        posix_spawn_file_actions_destroy(&actions);
        if (code)
                fail_msg("nghttpx (Debian's nghttp2-proxy): %s", strerror(code));
        while (!accepts(port)) {
                if (waitpid(proxy, NULL, WNOHANG) == proxy)
                        return false;
                nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
        }
        return true;
}

static int set_up_proxy(void **state) {
        bool started = false;
        int r = set_up_api(state);
        behind = api.port;
        for (int i = 0; r == 0 && !started && i < TRIES; i++) {
                int fd;
                unsigned port = free_port(&fd);
                close(fd);
                started = start_proxy(port);
                if (started)
                        api.port = port; /* the clients' */
        }
        assert_true(started);
        return r;
}

static int tear_down_proxy(void **state) {
        kill(proxy, SIGTERM);
        waitpid(proxy, NULL, 0);
        return tear_down_api(state);
}

/* What the proxy has noted since: requests, of HTTP/2, and connections that they came on. */
struct noted {
        unsigned requests, http2, connections;
};

static struct noted noted(size_t since) {
        struct noted found = { 0 };
        unsigned seen[64];
        char protocol[32];
        unsigned port;
        FILE *log = fopen(in(api.directory, "access.log"), "r");
        assert_non_null(log);
        for (size_t line = 0; fscanf(log, "%u %*s %*s %31s", &port, protocol) == 2; line++) {
                if (line < since)
                        continue;
                unsigned i = 0;
                while (i < found.connections && seen[i] != port)
                        i++;
                if (i == found.connections && i < sizeof seen / sizeof *seen)
                        seen[found.connections++] = port;
                found.requests++;
                found.http2 += strcmp(protocol, "HTTP/2") == 0;
        }
        fclose(log);
        return found;
}

/* A request is noted when it has ended, also at the proxy. */
static void assert_noted(size_t since, unsigned requests) {
        struct noted found = { 0 };
        for (int i = 0; i < 500 && found.requests < requests; i++) {
                nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
                found = noted(since);
        }
        assert_int_equal(found.requests, requests);
        assert_int_equal(found.http2, requests);
        assert_int_equal(found.connections, 1);
}

static void test_one_after_the_other(void **state) {
        (void)state;
        size_t since = noted(0).requests;
        struct kube kube = kube_new("", "");
        get_has(&kube, "/test/echo?x=1", "/test/echo?x=1");
        get_is(&kube, "/test/compressed?bytes=200000", 200);
        get_is(&kube, "/test/failure?code=503&retry=7", 503);
        get_is(&kube, "/test/echo", 200);
        kube_done(&kube);
        assert_noted(since, 4);
}

/* Watches that have nothing to tell take nothing away from the other requests on their connection. */
static void test_many_at_a_time(void **state) {
        (void)state;
        enum { N = 40 };
        size_t since = noted(0).requests;
        struct kube kube = kube_new("", "");
        struct answer answers[N];
        for (int i = 0; i < N; i++) {
                answers[i] = (struct answer){ .kube = &kube };
                struct mv_kube_request r = request_of(
                        &answers[i], "GET", i % 2 ? "/test/echo" : "/test/stream?pieces=1&then=hang");
                r.data = i % 2 ? NULL : on_data;
                start(&answers[i], &r);
        }
        for (int i = 1; i < N; i += 2) {
                run_to_end(&answers[i]);
                assert_int_equal(answers[i].status, 200);
        }
        for (int i = 0; i < N; i += 2) {
                while (!answers[i].n_pieces)
                        mv_kube_client_run(kube.client, 1000);
                assert_false(answers[i].done);
                assert_string_equal(answers[i].stream, "{\"piece\":0}\n");
        }
        /* One that is given up costs the connection nothing. */
        for (int i = 0; i < N; i += 4)
                mv_kube_client_cancel(kube.client, answers[i].call);
        mv_kube_client_run(kube.client, 0);
        get_is(&kube, "/test/echo", 200);
        for (int i = 2; i < N; i += 4)
                assert_false(answers[i].done);
        kube_done(&kube);
        for (int i = 0; i < N; i++)
                answer_clear(&answers[i]);
        assert_noted(since, N + 1);
}

static void test_a_long_answer(void **state) {
        (void)state;
        size_t since = noted(0).requests;
        struct kube kube = kube_new("", "");
        struct answer answer = { .kube = &kube }, other = { .kube = &kube };
        struct mv_kube_request request = request_of(&answer, "GET", "/test/stream?pieces=20000"),
                               beside = request_of(&other, "GET", "/test/echo");
        request.data = on_data;
        start(&answer, &request);
        start(&other, &beside);
        run_to_end(&answer);
        run_to_end(&other);
        assert_int_equal(answer.status, 200);
        assert_int_equal(other.status, 200);
        assert_non_null(strstr(answer.stream, "{\"piece\":0}\n"));
        assert_non_null(strstr(answer.stream, "{\"piece\":19999}\n"));
        answer_clear(&answer);
        answer_clear(&other);
        kube_done(&kube);
        assert_noted(since, 2);
}

/* The server goes away and comes back, on the same port: the next request makes a new connection. */
static void test_the_server_restarts(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct answer answer = { .kube = &kube };
        struct mv_kube_request hang = request_of(&answer, "GET", "/test/stream?pieces=1&then=hang");
        hang.data = on_data;
        start(&answer, &hang);
        while (!answer.n_pieces)
                mv_kube_client_run(kube.client, 1000);
        kill(proxy, SIGKILL);
        waitpid(proxy, NULL, 0);
        run_to_end(&answer);
        assert_int_equal(answer.err.code, MV_EIO);
        answer_clear(&answer);
        assert_true(start_proxy(api.port));
        get_is(&kube, "/test/echo", 200);
        kube_done(&kube);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_after_the_other),
                cmocka_unit_test(test_many_at_a_time),
                cmocka_unit_test(test_a_long_answer),
                cmocka_unit_test(test_the_server_restarts),
        };
        return cmocka_run_group_tests(tests, set_up_proxy, tear_down_proxy);
}
