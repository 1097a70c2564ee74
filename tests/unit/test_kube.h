/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the Kubernetes client: a fake API server (tests/functional/fake_api.py), clients of it, and requests. */
#pragma once

#include "cluster/kube/client.h"
#include "tests/unit/support.h"
#include "tests/unit/test_files.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

struct fake_api {
        struct fixture *directory;
        pid_t pid;
        int input; /* closing it ends the server */
        unsigned port, proxy;
};

static struct fake_api api;

static inline void start_fake_api(void) {
        const char *python = getenv("PYTHON") ? getenv("PYTHON") : "/usr/bin/python3";
        char directory[64];
        snprintf(directory, sizeof directory, "%s", api.directory->directory);
        char *arguments[] = { (char *)(uintptr_t)python, (char *)(uintptr_t) "tests/functional/fake_api.py",
                              directory, NULL };
        int input[2], output[2];
        posix_spawn_file_actions_t actions;
        assert_int_equal(pipe2(input, O_CLOEXEC), 0);
        assert_int_equal(pipe2(output, O_CLOEXEC), 0);
        assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
        posix_spawn_file_actions_adddup2(&actions, input[0], 0);
        posix_spawn_file_actions_adddup2(&actions, output[1], 1);
        assert_int_equal(posix_spawn(&api.pid, python, &actions, NULL, arguments, environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        close(input[0]);
        close(output[1]);
        api.input = input[1];
        char line[256] = "";
        FILE *lines = fdopen(output[0], "r");
        assert_non_null(lines);
        assert_non_null(fgets(line, sizeof line, lines));
        fclose(lines);
        assert_int_equal(sscanf(line, "{\"port\": %u, \"proxy\": %u}", &api.port, &api.proxy), 2);
}

static inline int set_up_api(void **state) {
        static const char *const names[] = { "KUBECONFIG",
                                             "KUBERNETES_SERVICE_HOST",
                                             "KUBERNETES_SERVICE_PORT",
                                             "HTTPS_PROXY",
                                             "https_proxy",
                                             "NO_PROXY",
                                             "no_proxy" };
        void *directory = NULL;
        (void)state;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                unsetenv(names[i]);
        set_up(&directory);
        api.directory = directory;
        start_fake_api();
        return 0;
}

static inline int tear_down_api(void **state) {
        void *directory = api.directory;
        (void)state;
        close(api.input);
        waitpid(api.pid, NULL, 0);
        return tear_down(&directory);
}

struct kube {
        struct mv_kube_config *config;
        struct mv_kube_client *client;
        int code;
        struct mv_err err; /* of mv_kube_client_new */
};

/* A client with these fields (flow YAML) of its cluster and user. PORT in the server's URL stands for that of the fake one. */
static inline struct kube kube_at(const char *server, const char *cluster, const char *user) {
        struct kube kube = { 0 };
        struct mv_err err = { 0 };
        char text[8192], url[256];
        const char *port = strstr(server, "PORT");
        if (port)
                snprintf(url, sizeof url, "%.*s%u%s", (int)(port - server), server, api.port, port + 4);
        else
                snprintf(url, sizeof url, "%s", server);
        snprintf(text, sizeof text,
                 "current-context: a\ncontexts: [{ name: a, context: { cluster: a, user: a } }]\n"
                 "clusters: [{ name: a, cluster: { server: \"%s\", %s } }]\n"
                 "users: [{ name: a, user: { %s } }]\n",
                 url, cluster, user);
        put(api.directory, "kubeconfig", text);
        const struct mv_kube_config_options options = { .kubeconfig = in(api.directory, "kubeconfig"),
                                                        .user_agent = "migvet/1" };
        if (mv_kube_config_load(&options, &kube.config, &err))
                fail_msg("%s: %s", err.path, err.message);
        kube.code = mv_kube_client_new(kube.config, &kube.client, &kube.err);
        return kube;
}

static inline struct kube kube_new(const char *cluster, const char *user) {
        char with_authority[4096];
        snprintf(with_authority, sizeof with_authority, "certificate-authority: ca.crt, %s", cluster);
        struct kube kube = kube_at("https://127.0.0.1:PORT", with_authority, user);
        if (kube.code)
                fail_msg("%s: %s", kube.err.file, kube.err.message);
        return kube;
}

static inline void kube_done(struct kube *kube) {
        mv_kube_client_free(kube->client);
        mv_kube_config_free(kube->config);
}

/* What came of a request. */
struct answer {
        struct kube *kube;
        struct mv_kube_call *call;
        bool done;
        int status;
        char *body, *etag;
        size_t n_body;
        long long retry_after_ms;
        struct mv_err err;
        /* of the pieces of a stream */
        char *stream;
        size_t n_stream, n_pieces;
        int refuse;                   /* what data returns */
        bool cancel;                  /* let data cancel its own call */
        struct answer *cancel_other;  /* likewise another one, in data or done */
        bool cancelled_other;         /* which was under way */
        struct mv_kube_request *then; /* done starts this one, with the same answer */
};

static inline void answer_clear(struct answer *answer) {
        free(answer->body);
        free(answer->etag);
        free(answer->stream);
        *answer = (struct answer){ .kube = answer->kube };
}

static inline void cancel_other(struct answer *answer) {
        if (answer->cancel_other && answer->cancel_other->call) {
                mv_kube_client_cancel(answer->kube->client, answer->cancel_other->call);
                answer->cancelled_other = true;
        }
        if (answer->cancel_other)
                answer->cancel_other->call = NULL;
}

static inline int on_data(void *context, struct mv_str piece, struct mv_err *err) {
        struct answer *answer = context;
        answer->stream = realloc(answer->stream, answer->n_stream + piece.n + 1);
        memcpy(answer->stream + answer->n_stream, piece.p, piece.n);
        answer->n_stream += piece.n;
        answer->stream[answer->n_stream] = '\0';
        answer->n_pieces++;
        cancel_other(answer);
        if (answer->cancel) {
                mv_kube_client_cancel(answer->kube->client, answer->call);
                answer->call = NULL;
        }
        return answer->refuse ? mv_err_set(err, answer->refuse, "no more of this") : 0;
}

static inline void on_done(void *context, const struct mv_kube_response *response) {
        struct answer *answer = context;
        struct mv_kube_request *then = answer->then;
        assert_false(answer->done);
        answer->done = !then;
        answer->call = NULL;
        answer->status = response->status;
        answer->retry_after_ms = response->retry_after_ms;
        answer->err = response->err;
        free(answer->body);
        answer->n_body = response->body.n;
        answer->body = strndup(response->body.p ? response->body.p : "", response->body.n);
        free(answer->etag);
        answer->etag = strndup(response->etag.p ? response->etag.p : "", response->etag.n);
        for (size_t i = 0; response->status && i < MV_KUBE_PADDING; i++)
                assert_int_equal(response->body.p[response->body.n + i], 0);
        cancel_other(answer);
        if (then) {
                answer->then = NULL;
                answer->call = mv_kube_client_start(answer->kube->client, then, NULL);
        }
}

static inline struct mv_kube_request request_of(struct answer *answer, const char *method, const char *path) {
        return (struct mv_kube_request){
                .method = method,
                .path = mv_str_from(path),
                .timeout_ms = 30000,
                .done = on_done,
                .context = answer,
        };
}

static inline void start(struct answer *answer, const struct mv_kube_request *request) {
        answer->call = mv_kube_client_start(answer->kube->client, request, NULL);
        assert_non_null(answer->call);
}

static inline void run_to_end(struct answer *answer) {
        while (!answer->done)
                mv_kube_client_run(answer->kube->client, 1000);
}

/* A GET of that path, to its end. */
static inline struct answer get(struct kube *kube, const char *path) {
        struct answer answer = { .kube = kube };
        struct mv_kube_request request = request_of(&answer, "GET", path);
        start(&answer, &request);
        run_to_end(&answer);
        return answer;
}

static inline void get_is(struct kube *kube, const char *path, int status) {
        struct answer answer = get(kube, path);
        if (answer.status != status)
                fail_msg("%s: %d %s %s", path, answer.status, answer.err.message, answer.body);
        answer_clear(&answer);
}

/* The path as GET gives this in its body. */
static inline void get_has(struct kube *kube, const char *path, const char *part) {
        struct answer answer = get(kube, path);
        if (answer.status != 200 || !strstr(answer.body, part))
                fail_msg("%s: %d %s %s", path, answer.status, answer.err.message, answer.body);
        answer_clear(&answer);
}

/* There is no answer; PORT in the words stands for the server's port. */
static inline void get_fails(struct kube *kube, const char *path, int code, const char *words) {
        struct answer answer = get(kube, path);
        char expected[512];
        const char *port = strstr(words, "PORT");
        snprintf(expected, sizeof expected, "%.*s", (int)(port ? port - words : (long)strlen(words)), words);
        if (port)
                snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%u%s", api.port,
                         port + 4);
        assert_string_equal(answer.err.message, expected);
        assert_int_equal(answer.status, 0);
        assert_int_equal(answer.err.code, code);
        answer_clear(&answer);
}

/* How many connections the server has seen; asked by a client of its own, which counts. */
static inline unsigned connections(void) {
        struct kube kube = kube_new("", "");
        struct answer answer = get(&kube, "/test/open/counts");
        unsigned n = 0;
        assert_int_equal(sscanf(answer.body, "{\"connections\": %u", &n), 1);
        answer_clear(&answer);
        kube_done(&kube);
        return n;
}
