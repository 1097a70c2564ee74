/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"
#include "cluster/kube/exec.h"
#include "policy/base/buf.h"
#include "policy/base/json.h"
#include "tests/unit/support.h"
#include "tests/unit/test_files.h"

#include <signal.h>
#include <time.h>

/* A configuration whose plugin is a shell script with these lines. */
static struct mv_kube_config plugin(const struct fixture *f, const char *lines) {
        char text[16000];
        snprintf(text, sizeof text, "#!/bin/sh\n%s", lines);
        put(f, "plugin", text);
        chmod(in(f, "plugin"), 0700);
        return (struct mv_kube_config){
                .server = MV_STR("https://a.example:6443"),
                .exec = { .api_version = MV_STR("client.authentication.k8s.io/v1"),
                          .command = mv_str_from(in(f, "plugin")),
                          .interactive = MV_KUBE_INTERACTIVE_NEVER },
        };
}

/* What a plugin prints: an ExecCredential with this status. */
static const char *prints(const char *status) {
        static char text[8192];
        snprintf(
                text, sizeof text,
                "cat <<'END'\n{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","
                "\"status\":%s}\nEND\n",
                status);
        return text;
}

static void gives(const struct mv_kube_config *config, struct mv_kube_credential *ret) {
        struct mv_err err = { 0 };
        if (mv_kube_exec_run(config, (struct mv_str){ 0 }, 0, NULL, ret, &err))
                fail_msg("%s", err.message);
}

static void fails(const struct fixture *f, const struct mv_kube_config *config, unsigned timeout_ms, int code,
                  const char *expected) {
        struct mv_kube_credential credential = { 0 };
        struct mv_err err = { 0 };
        char prefix[512];
        int r = mv_kube_exec_run(config, (struct mv_str){ 0 }, timeout_ms, NULL, &credential, &err);
        snprintf(prefix, sizeof prefix, "exec plugin %s ", in(f, "plugin"));
        if (strncmp(err.message, prefix, strlen(prefix)) != 0)
                fail_msg("%s", err.message);
        assert_string_equal(err.message + strlen(prefix), expected);
        assert_int_equal(r, code);
        mv_kube_credential_done(&credential);
}

static void test_token(void **state) {
        const struct fixture *f = *state;
        struct mv_kube_credential c;
        struct mv_kube_config config = plugin(
                f, prints("{\"token\":\"t\\u0031\",\"expirationTimestamp\":\"2026-01-01T00:00:00Z\"}"));
        gives(&config, &c);
        assert_str(c.token, "t1");
        assert_int_equal(c.certificate.n + c.key.n, 0);
        assert_int_equal(c.expires, 1767225600);
        mv_kube_credential_done(&c);
        mv_kube_credential_done(&c);
        config = plugin(f, prints("{\"token\":\"t2\"}"));
        gives(&config, &c);
        assert_true(c.expires == INT64_MAX);
        mv_kube_credential_done(&c);
}

/* The text of a file of the fixture; static. */
static const char *text_of(const struct fixture *f, const char *name) {
        static char text[8192];
        FILE *file = fopen(in(f, name), "r");
        assert_non_null(file);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        return text;
}

/* Arguments and environment arrive; stdin is empty. */
static void test_given(void **state) {
        const struct fixture *f = *state;
        static const struct mv_str args[] = { { "a b", 3 }, { "", 0 } };
        static const struct mv_kube_variable env[] = { { { "TEST_A", 6 }, { "new", 3 } } };
        struct mv_kube_credential c;
        struct mv_err err = { 0 };
        char lines[12000];
        snprintf(
                lines, sizeof lines,
                "cat >'%s'\nprintf '%%s|' \"$#\" \"$1\" \"$2\" \"$TEST_A\" \"$TEST_B\" \"$KUBERNETES_EXEC_INFO\" >'%s'\n%s",
                in(f, "stdin"), in(f, "given"), prints("{\"token\":\"t\"}"));
        setenv("TEST_A", "old", 1);
        setenv("TEST_B", "kept", 1);
        setenv("KUBERNETES_EXEC_INFO", "old", 1);
        struct mv_kube_config config = plugin(f, lines);
        config.exec.args = args;
        config.exec.n_args = 2;
        config.exec.env = env;
        config.exec.n_env = 1;
        gives(&config, &c);
        mv_kube_credential_done(&c);
        assert_string_equal(text_of(f, "stdin"), "");
        assert_string_equal(text_of(f, "given"),
                            "2|a b||new|kept|{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":"
                            "\"ExecCredential\",\"spec\":{\"interactive\":false}}|");
        config.exec.provide_cluster_info = true;
        config.exec.cluster_config = MV_STR("{\"audience\":\"x\"}");
        config.tls_server_name = MV_STR("kubernetes");
        config.proxy = MV_STR("http://proxy:80/");
        config.disable_compression = true;
        if (mv_kube_exec_run(&config, MV_STR("PEM"), 0, NULL, &c, &err))
                fail_msg("%s", err.message);
        mv_kube_credential_done(&c);
        assert_non_null(
                strstr(text_of(f, "given"),
                       "\"spec\":{\"cluster\":{\"server\":\"https://a.example:6443\",\"tls-server-name\":"
                       "\"kubernetes\",\"certificate-authority-data\":\"UEVN\",\"proxy-url\":"
                       "\"http://proxy:80/\",\"disable-compression\":true,\"config\":{\"audience\":\"x\"}},"
                       "\"interactive\":false}"));
}

static void test_certificate(void **state) {
        const struct fixture *f = *state;
        struct mv_pem_pair pair, other;
        struct mv_kube_credential c;
        struct mv_buf status;
        struct mv_json json;
        assert_int_equal(mv_authority_make_ca((struct mv_str){ 0 }, time(NULL), 3600, &pair, NULL), 0);
        assert_int_equal(mv_authority_make_ca((struct mv_str){ 0 }, time(NULL), 3600, &other, NULL), 0);
        mv_buf_init(&status, &mv_allocator_system, 8000);
        for (int good = 1; good >= 0; good--) {
                mv_buf_clear(&status);
                mv_json_init(&json, &status);
                mv_json_object(&json);
                mv_json_member(&json, "clientCertificateData", mv_str_from(pair.certificate));
                mv_json_member(&json, "clientKeyData", mv_str_from(good ? pair.key : other.key));
                mv_json_end(&json);
                struct mv_kube_config config = plugin(f, prints(status.p));
                if (good) {
                        gives(&config, &c);
                        assert_str(c.certificate, pair.certificate);
                        assert_str(c.key, pair.key);
                        mv_kube_credential_done(&c);
                } else
                        fails(f, &config, 0, MV_ECRYPTO,
                              "gave a client certificate that is not good: the key is not that of the client's "
                              "certificate");
        }
        mv_buf_done(&status);
        mv_pem_pair_done(&pair);
        mv_pem_pair_done(&other);
}

static void test_bad_output(void **state) {
        const struct fixture *f = *state;
        static const struct {
                const char *status;
                const char *expected;
        } cases[] = {
                { "{}", "gave neither status.token nor status.clientCertificateData" },
                { "null", "gave a credential without status" },
                { "{\"token\":12345}", "gave no ExecCredential: status.token: must be a string" },
                { "{\"token\":\"hunter2\\n\"}", "gave a status.token with a control character" },
                { "{\"token\":\"x\",\"expirationTimestamp\":\"soon\"}",
                  "gave a status.expirationTimestamp that is no time" },
                { "{\"clientKeyData\":\"x\"}",
                  "gave only one of status.clientCertificateData and clientKeyData" },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct mv_kube_config config = plugin(f, prints(cases[i].status));
                fails(f, &config, 0, MV_ETYPE, cases[i].expected);
        }
        struct mv_kube_config config = plugin(f, prints("{\"token\":\"x\"}"));
        config.exec.api_version = MV_STR("client.authentication.k8s.io/v1beta1");
        fails(f, &config, 0, MV_ETYPE,
              "gave something else than an ExecCredential of client.authentication.k8s.io/v1beta1");
        config = plugin(f, "echo hunter2\n");
        fails(f, &config, 0, MV_ESYNTAX, "gave no ExecCredential: expected a value");
        config = plugin(f, "exec yes\n");
        fails(f, &config, 0, MV_ELIMIT, "writes more than 1048576 bytes");
}

static void test_failures(void **state) {
        const struct fixture *f = *state;
        struct mv_kube_config config = plugin(f, "echo '{}'\nexit 3\n");
        fails(f, &config, 0, MV_EIO, "failed with exit status 3");
        config = plugin(f, "kill -9 $$\n");
        fails(f, &config, 0, MV_EIO, "was ended by signal 9");
        chmod(in(f, "plugin"), 0600);
        fails(f, &config, 0, MV_EIO, "cannot be run: Permission denied");
        unlink(in(f, "plugin"));
        fails(f, &config, 0, MV_ENOTFOUND, "is not installed");
        config.exec.install_hint = MV_STR("get it\nat x");
        fails(f, &config, 0, MV_ENOTFOUND, "is not installed: get it at x");
        config.exec.interactive = MV_KUBE_INTERACTIVE_ALWAYS;
        if (!isatty(STDIN_FILENO))
                fails(f, &config, 0, MV_EIO, "needs a terminal to ask, and there is none");
}

/* A plugin that hangs is killed with its children; one whose child lives on is not waited for. */
static void test_hanging(void **state) {
        const struct fixture *f = *state;
        char lines[12000];
        snprintf(lines, sizeof lines, "sleep 1000 &\necho $! >'%s'\nsleep 1000\n", in(f, "child"));
        struct mv_kube_config config = plugin(f, lines);
        fails(f, &config, 1000, MV_ETIMEOUT, "gave no answer within 1 s");
        pid_t child = (pid_t)strtol(text_of(f, "child"), NULL, 10);
        assert_true(child > 1);
        /* Whoever adopts it may not have collected it yet. */
        for (int i = 0; i < 500 && kill(child, 0) == 0; i++) {
                char name[64], line[256] = "";
                snprintf(name, sizeof name, "/proc/%d/stat", child);
                FILE *file = fopen(name, "r");
                bool zombie = file && fgets(line, sizeof line, file) && strstr(line, ") Z ");
                if (file)
                        fclose(file);
                if (zombie)
                        break;
                nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
                assert_int_not_equal(i, 499);
        }
        snprintf(lines, sizeof lines, "%ssleep 1000 &\necho $! >'%s'\n", prints("{\"token\":\"t\"}"),
                 in(f, "child"));
        config = plugin(f, lines);
        struct mv_kube_credential c;
        gives(&config, &c);
        assert_str(c.token, "t");
        mv_kube_credential_done(&c);
        assert_int_equal(kill((pid_t)strtol(text_of(f, "child"), NULL, 10), SIGKILL), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { TEST(test_token),       TEST(test_given),
                                            TEST(test_certificate), TEST(test_bad_output),
                                            TEST(test_failures),    TEST(test_hanging) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
