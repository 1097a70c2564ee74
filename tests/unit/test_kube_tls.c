/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the client trusts, and what it shows. */
#include "certs/clock.h"
#include "certs/memory_file.h"
#include "tests/unit/test_kube.h"

#include <sys/stat.h>

/* A copy of a file of the server, made at once, under another name. */
static void copy_file(const char *from, const char *to) {
        char text[16384], path[512];
        FILE *file = fopen(in(api.directory, from), "r");
        assert_non_null(file);
        size_t n = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        text[n] = '\0';
        put(api.directory, "new", text);
        snprintf(path, sizeof path, "%s", in(api.directory, "new"));
        assert_int_equal(rename(path, in(api.directory, to)), 0);
}

static void put_new(const char *name, const char *text) {
        char path[512];
        put(api.directory, "new", text);
        snprintf(path, sizeof path, "%s", in(api.directory, "new"));
        assert_int_equal(rename(path, in(api.directory, name)), 0);
}

/* Only this token is let in; NULL: everybody. */
static void let_in(const char *token) {
        struct kube kube = kube_new("", "");
        char path[128];
        snprintf(path, sizeof path, "/test/open/let-in%s%s", token ? "?token=" : "", token ? token : "");
        get_is(&kube, path, 200);
        kube_done(&kube);
}

static int open_again(void **state) {
        (void)state;
        let_in(NULL);
        return 0;
}

/* Each text has a path of its own, for the last and the one before. */
static void test_memory_file(void **state) {
        (void)state;
        enum { N = 12 };
        struct mv_memory_file file = MV_MEMORY_FILE_NONE;
        char paths[N][sizeof file.path], text[8] = "";
        for (int i = 0; i < N; i++) {
                char now[8];
                snprintf(now, sizeof now, "t%d", i);
                assert_int_equal(mv_memory_file_set(&file, mv_str_from(now), NULL), 0);
                memcpy(paths[i], file.path, sizeof paths[i]);
                for (int k = 0; k < i; k++)
                        assert_string_not_equal(paths[k], paths[i]);
                for (int k = i ? i - 1 : 0; k <= i; k++) {
                        FILE *stream = fopen(paths[k], "r");
                        assert_non_null(stream);
                        assert_non_null(fgets(text, sizeof text, stream));
                        fclose(stream);
                        assert_int_equal(strtol(text + 1, NULL, 10), k);
                }
        }
        mv_memory_file_done(&file);
        assert_string_equal(file.path, "");
        /* Nor does another file that gets the same descriptor have a path that was there before. */
        struct mv_memory_file other = MV_MEMORY_FILE_NONE;
        assert_int_equal(mv_memory_file_set(&other, MV_STR("t"), NULL), 0);
        for (int k = 0; k < N; k++)
                assert_string_not_equal(paths[k], other.path);
        mv_memory_file_done(&other);
}

/* --- the server --- */

static void test_trust(void **state) {
        (void)state;
        static const char refused[] =
                "https://127.0.0.1:PORT: The certificate is NOT trusted. The certificate issuer is unknown.";
        struct kube kube = kube_at("https://127.0.0.1:PORT", "certificate-authority: other-ca.crt", "");
        get_fails(&kube, "/test/echo", MV_EIO, refused);
        kube_done(&kube);
        /* those of the system */
        kube = kube_at("https://127.0.0.1:PORT", "disable-compression: false", "");
        get_fails(&kube, "/test/echo", MV_EIO, refused);
        kube_done(&kube);
}

/* Where nobody says whom to trust, the environment says where the system's authorities are, as it does to kubectl. */
static void test_trust_of_environment(void **state) {
        (void)state;
        char file[512], none[512];
        struct mv_err err = { 0 };
        snprintf(file, sizeof file, "%s", in(api.directory, "ca.crt"));
        snprintf(none, sizeof none, "%s", in(api.directory, "no-such.crt"));
        setenv("SSL_CERT_FILE", file, 1);
        struct kube kube = kube_at("https://127.0.0.1:PORT", "disable-compression: false", "");
        get_is(&kube, "/test/echo", 200);
        kube_done(&kube);
        /* Whom the kubeconfig names is believed, and nobody else. */
        kube = kube_at("https://127.0.0.1:PORT", "certificate-authority: other-ca.crt", "");
        get_fails(
                &kube, "/test/echo", MV_EIO,
                "https://127.0.0.1:PORT: The certificate is NOT trusted. The certificate issuer is unknown.");
        kube_done(&kube);
        setenv("SSL_CERT_FILE", none, 1);
        kube = kube_at("https://127.0.0.1:PORT", "disable-compression: false", "");
        assert_int_equal(kube.code, MV_ENOTFOUND);
        assert_string_equal(kube.err.file, none);
        kube_done(&kube);
        /* Of a directory; the file is then where it usually is. */
        unsetenv("SSL_CERT_FILE");
        assert_int_equal(mkdir(in(api.directory, "trust"), 0700), 0);
        copy_file("ca.crt", "trust/api.pem");
        setenv("SSL_CERT_DIR", in(api.directory, "trust"), 1);
        kube = kube_at("https://127.0.0.1:PORT", "disable-compression: false", "");
        get_is(&kube, "/test/echo", 200);
        kube_done(&kube);
        setenv("SSL_CERT_DIR", "/a:/b", 1);
        struct mv_kube_config *config = NULL;
        const struct mv_kube_config_options options = { .kubeconfig = in(api.directory, "kubeconfig") };
        assert_int_equal(mv_kube_config_load(&options, &config, &err), MV_EUSAGE);
        assert_non_null(strstr(err.message, "$SSL_CERT_DIR names several directories"));
        unsetenv("SSL_CERT_DIR");
}

static void test_server_name(void **state) {
        (void)state;
        struct kube kube = kube_at("https://localhost:PORT", "certificate-authority: ca.crt", "");
        get_fails(
                &kube, "/test/echo", MV_EIO,
                "https://localhost:PORT: SSL: certificate subject name (fake-api) does not match target host name "
                "'localhost'");
        kube_done(&kube);
        char host[64];
        snprintf(host, sizeof host, "\"host: localhost:%u\"", api.port);
        kube = kube_at("https://localhost:PORT", "certificate-authority: ca.crt, tls-server-name: api.test",
                       "");
        get_has(&kube, "/test/echo", host);
        kube_done(&kube);
        kube = kube_at("https://localhost:PORT", "certificate-authority: ca.crt, tls-server-name: 127.0.0.1",
                       "");
        get_has(&kube, "/test/echo", host);
        kube_done(&kube);
        kube = kube_at("https://127.0.0.1:PORT", "certificate-authority: ca.crt, tls-server-name: other.test",
                       "");
        get_fails(
                &kube, "/test/echo", MV_EIO,
                "https://127.0.0.1:PORT: SSL: certificate subject name (fake-api) does not match target host name "
                "'other.test'");
        kube_done(&kube);
}

static void test_authority_changes(void **state) {
        (void)state;
        copy_file("other-ca.crt", "current-ca.crt");
        struct kube kube = kube_at("https://127.0.0.1:PORT", "certificate-authority: current-ca.crt", "");
        struct answer a = get(&kube, "/test/echo");
        assert_int_equal(a.err.code, MV_EIO);
        answer_clear(&a);
        copy_file("ca.crt", "current-ca.crt");
        get_is(&kube, "/test/echo", 200);
        /* What is broken is not taken. */
        put_new("current-ca.crt", "-----BEGIN CERTIFICATE-----\n");
        get_is(&kube, "/test/echo", 200);
        kube_done(&kube);
}

/* --- ourselves --- */

static void test_client_certificate(void **state) {
        (void)state;
        copy_file("client.crt", "my.crt");
        copy_file("client.key", "my.key");
        struct kube kube = kube_new("", "client-certificate: my.crt, client-key: my.key");
        get_has(&kube, "/test/echo", "\"user\": \"client\"");
        /* One half is not taken, both are; the connection of the old one is not used again. */
        copy_file("client2.crt", "my.crt");
        get_has(&kube, "/test/echo", "\"user\": \"client\"");
        copy_file("client2.key", "my.key");
        get_has(&kube, "/test/echo", "\"user\": \"client2\"");
        for (int i = 0; i < 40; i++) {
                const char *name = i % 2 ? "client2" : "client";
                char file[32], user[32];
                snprintf(file, sizeof file, "%s.crt", name);
                copy_file(file, "my.crt");
                snprintf(file, sizeof file, "%s.key", name);
                copy_file(file, "my.key");
                snprintf(user, sizeof user, "\"user\": \"%s\"", name);
                get_has(&kube, "/test/echo", user);
        }
        kube_done(&kube);
}

static void test_identity_headers(void **state) {
        (void)state;
        struct kube kube = kube_new("", "token: secret, as: alice, as-uid: u1, as-groups: [g1, g2], "
                                        "as-user-extra: { \"acme.io/Project 1\": [x, z] }");
        struct answer a = get(&kube, "/test/echo");
        static const char *const parts[] = { "authorization: Bearer secret\"",
                                             "impersonate-user: alice\"",
                                             "impersonate-uid: u1\"",
                                             "impersonate-group: g1\"",
                                             "impersonate-group: g2\"",
                                             "impersonate-extra-acme.io%2fproject%201: x\"",
                                             "impersonate-extra-acme.io%2fproject%201: z\"" };
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
                if (!strstr(a.body, parts[i]))
                        fail_msg("%s is not in %s", parts[i], a.body);
        answer_clear(&a);
        kube_done(&kube);
}

static void test_token_file(void **state) {
        (void)state;
        put_new("token", " first\n");
        let_in("first");
        struct kube kube = kube_new("", "tokenFile: token, token: other");
        get_is(&kube, "/test/echo", 200);
        let_in("second");
        get_is(&kube, "/test/echo", 401);
        put_new("token", "second");
        get_is(&kube, "/test/echo", 200);
        /* What cannot be read changes nothing, until it is refused. */
        put_new("token", "\n");
        get_is(&kube, "/test/echo", 200);
        unlink(in(api.directory, "token"));
        get_is(&kube, "/test/echo", 200);
        let_in("third");
        struct answer a = get(&kube, "/test/echo");
        assert_int_equal(a.status, 401);
        assert_string_equal(a.err.file, in(api.directory, "token"));
        assert_string_equal(a.err.message, "cannot be opened: No such file or directory");
        answer_clear(&a);
        put_new("token", "third");
        get_is(&kube, "/test/echo", 200);
        kube_done(&kube);
        /* The file that was never there is stood in for. */
        let_in("other");
        kube = kube_new("", "tokenFile: nowhere, token: other");
        get_is(&kube, "/test/echo", 200);
        kube_done(&kube);
}

static void put_plugin(const char *lines) {
        char text[1024];
        snprintf(text, sizeof text, "#!/bin/sh\ncd \"${0%%/*}\"\necho >>runs\n%s", lines);
        put(api.directory, "plugin", text);
        chmod(in(api.directory, "plugin"), 0700);
        put(api.directory, "runs", "");
}

static size_t runs(void) {
        struct stat st;
        assert_int_equal(stat(in(api.directory, "runs"), &st), 0);
        return (size_t)st.st_size;
}

#define PLUGIN \
        "exec: { apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Never }"
#define PRINT_TOKEN(expires)                                                                                   \
        "printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{" \
        "\"token\":\"%s\"" expires "}}' \"$(cat token)\"\n"

static void test_plugin(void **state) {
        (void)state;
        put_plugin(PRINT_TOKEN(""));
        put_new("token", "first");
        let_in("first");
        struct kube kube = kube_new("", PLUGIN);
        assert_int_equal(runs(), 0);
        get_is(&kube, "/test/echo", 200);
        get_is(&kube, "/test/echo", 200);
        assert_int_equal(runs(), 1);
        /* refused once: it is asked at once; again: not all the time */
        let_in("second");
        put_new("token", "second");
        get_is(&kube, "/test/echo", 401);
        get_is(&kube, "/test/echo", 200);
        assert_int_equal(runs(), 2);
        let_in("third");
        for (int i = 0; i < 5; i++)
                get_is(&kube, "/test/echo", 401);
        assert_int_equal(runs(), 2);
        kube_done(&kube);
        /* expired */
        put_plugin(PRINT_TOKEN(",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\""));
        let_in("second");
        kube = kube_new("", PLUGIN);
        get_is(&kube, "/test/echo", 200);
        get_is(&kube, "/test/echo", 200);
        assert_int_equal(runs(), 2);
        kube_done(&kube);
}

/* A plugin that takes its time holds up who needs what it gives, and nobody else. */
static void test_plugin_is_slow(void **state) {
        (void)state;
        put_plugin("while [ -e hold ]; do sleep 0.02; done\n" PRINT_TOKEN(
                ",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\""));
        put_new("token", "first");
        let_in("first");
        struct kube kube = kube_new("", PLUGIN);
        struct answer watch = { .kube = &kube }, late = { .kube = &kube };
        struct mv_kube_request drip = request_of(&watch, "GET", "/test/drip");
        drip.data = on_data;
        watch.call = mv_kube_client_start(kube.client, &drip, NULL);
        long long end = mv_clock_ms() + 20000;
        while (!watch.n_pieces && mv_clock_ms() < end)
                mv_kube_client_run(kube.client, 100);
        assert_int_equal(runs(), 1);
        put_new("hold", "");
        struct mv_kube_request echo = request_of(&late, "GET", "/test/echo");
        echo.timeout_ms = 1500; /* from when it begins */
        late.call = mv_kube_client_start(kube.client, &echo, NULL);
        size_t before = watch.n_pieces;
        while (watch.n_pieces < before + 40 && mv_clock_ms() < end)
                mv_kube_client_run(kube.client, 100);
        assert_true(watch.n_pieces >= before + 40);
        assert_false(late.done);
        unlink(in(api.directory, "hold"));
        while (!late.done && mv_clock_ms() < end)
                mv_kube_client_run(kube.client, 100);
        assert_int_equal(late.status, 200);
        assert_int_equal(runs(), 2);
        /* One that hangs ends with the client. */
        put_new("hold", "");
        answer_clear(&late);
        mv_kube_client_start(kube.client, &echo, NULL);
        mv_kube_client_run(kube.client, 100);
        end = mv_clock_ms() + 10000;
        kube_done(&kube);
        assert_true(mv_clock_ms() < end);
        assert_false(late.done);
        unlink(in(api.directory, "hold"));
        answer_clear(&late);
        answer_clear(&watch);
}

static void test_plugin_fails(void **state) {
        (void)state;
        char expected[256];
        put_plugin("exit 7\n");
        struct kube kube = kube_new("", PLUGIN);
        snprintf(expected, sizeof expected, "exec plugin %s failed with exit status 7",
                 in(api.directory, "./plugin"));
        get_fails(&kube, "/test/echo", MV_EIO, expected);
        get_fails(&kube, "/test/echo", MV_EIO, expected);
        assert_int_equal(runs(), 1);
        kube_done(&kube);
}

/* A certificate of a plugin; the texts go through printf, with their line breaks as JSON has them. */
static void test_plugin_certificate(void **state) {
        (void)state;
        put_plugin(
                "pem() { awk '{ printf \"%s\\\\n\", $0 }' \"$1\"; }\n"
                "printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","
                "\"status\":{\"clientCertificateData\":\"%s\",\"clientKeyData\":\"%s\"}}' \"$(pem client2.crt)\" "
                "\"$(pem client2.key)\"\n");
        struct kube kube = kube_new("", PLUGIN);
        get_has(&kube, "/test/echo", "\"user\": \"client2\"");
        kube_done(&kube);
}

/* --- files that are wrong --- */

static void refused(const char *cluster, const char *user, int code, const char *file, const char *message) {
        struct kube kube = kube_at("https://127.0.0.1:PORT", cluster, user);
        assert_int_equal(kube.code, code);
        assert_string_equal(kube.err.file, file ? in(api.directory, file) : "");
        assert_string_equal(kube.err.message, message);
        assert_null(kube.client);
        kube_done(&kube);
}

static void test_files_refused(void **state) {
        (void)state;
        const char *ca = "certificate-authority: ca.crt";
        put(api.directory, "empty", "");
        put(api.directory, "binary", "a\001b");
        refused("certificate-authority: nowhere", "", MV_ENOTFOUND, "nowhere",
                "cannot be opened: No such file or directory");
        refused("certificate-authority: empty", "", MV_ESYNTAX, "empty", "holds no PEM certificate");
        refused("certificate-authority-data: eA==", "", MV_ESYNTAX, NULL,
                "certificate-authority-data: holds no PEM certificate");
        refused(ca, "client-certificate: client.crt, client-key: client2.key", MV_ECRYPTO, "client2.key",
                "the key is not that of the client's certificate");
        refused(ca, "client-certificate: client.crt, client-key: client.crt", MV_ESYNTAX, "client.crt",
                "holds no usable private key: The requested data were not available.");
        refused(ca, "client-certificate: client.key, client-key: client.key", MV_ESYNTAX, "client.key",
                "holds no PEM certificate");
        refused(ca, "client-certificate-data: eA==, client-key-data: eA==", MV_ESYNTAX, NULL,
                "client-certificate-data: holds no PEM certificate");
        refused(ca, "tokenFile: nowhere", MV_ENOTFOUND, "nowhere",
                "cannot be opened: No such file or directory");
        refused(ca, "tokenFile: empty", MV_ETYPE, "empty", "holds no token");
        refused(ca, "tokenFile: binary", MV_ETYPE, "binary", "holds a token with a control character");
}

/* --- proxies --- */

static void test_proxy(void **state) {
        (void)state;
        char cluster[256], connect[128];
        snprintf(cluster, sizeof cluster, "proxy-url: \"http://user:pass@127.0.0.1:%u\"", api.proxy);
        struct kube kube = kube_new(cluster, "");
        get_is(&kube, "/test/echo", 200);
        snprintf(connect, sizeof connect, "CONNECT 127.0.0.1:%u HTTP/1.1", api.port);
        get_has(&kube, "/test/open/counts", connect);
        get_has(&kube, "/test/open/counts", "Proxy-Authorization: Basic dXNlcjpwYXNz");
        kube_done(&kube);
        snprintf(
                cluster, sizeof cluster,
                "certificate-authority: ca.crt, tls-server-name: api.test, proxy-url: \"http://127.0.0.1:%u\"",
                api.proxy);
        kube = kube_at("https://far.test:PORT", cluster, "");
        get_is(&kube, "/test/echo", 200);
        snprintf(connect, sizeof connect, "CONNECT far.test:%u HTTP/1.1", api.port);
        get_has(&kube, "/test/open/counts", connect);
        kube_done(&kube);
        kube = kube_new("proxy-url: \"http://user:pass@127.0.0.1:1\"", "");
        struct answer a = get(&kube, "/test/echo");
        assert_int_equal(a.err.code, MV_EIO);
        assert_null(strstr(a.err.message, "pass"));
        answer_clear(&a);
        kube_done(&kube);
}

int main(void) {
#define CASE(function) cmocka_unit_test_teardown(function, open_again)
        const struct CMUnitTest tests[] = {
                CASE(test_memory_file),
                CASE(test_trust),
                CASE(test_trust_of_environment),
                CASE(test_server_name),
                CASE(test_authority_changes),
                CASE(test_client_certificate),
                CASE(test_identity_headers),
                CASE(test_token_file),
                CASE(test_plugin),
                CASE(test_plugin_is_slow),
                CASE(test_plugin_fails),
                CASE(test_plugin_certificate),
                CASE(test_files_refused),
                CASE(test_proxy),
        };
        return cmocka_run_group_tests(tests, set_up_api, tear_down_api);
}
