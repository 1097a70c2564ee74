/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/config.h"
#include "cluster/kube/url.h"
#include "tests/unit/support.h"
#include "tests/unit/test_files.h"

/* A kubeconfig of one cluster, user and context (all "a"), with these lines in the first two. */
static const char *simple(const char *cluster, const char *user) {
        static char text[4096];
        snprintf(text, sizeof text,
                 "apiVersion: v1\nkind: Config\ncurrent-context: a\n"
                 "clusters:\n- name: a\n  cluster:\n    server: https://a.example:6443\n%s"
                 "users:\n- name: a\n  user:\n    as: someone\n%s"
                 "contexts:\n- name: a\n  context: { cluster: a, user: a }\n",
                 cluster, user);
        return text;
}

/* No test sees what the machine has. */
static int set_up_clean(void **state) {
        static const char *const names[] = { "KUBECONFIG",
                                             "KUBERNETES_SERVICE_HOST",
                                             "KUBERNETES_SERVICE_PORT",
                                             "HTTPS_PROXY",
                                             "https_proxy",
                                             "NO_PROXY",
                                             "no_proxy",
                                             "POD_NAMESPACE" };
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                unsetenv(names[i]);
        set_up(state);
        const struct fixture *f = *state;
        setenv("HOME", f->directory, 1);
        return 0;
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up_clean, tear_down)

static struct mv_kube_config *load_with(const struct mv_kube_config_options *options) {
        struct mv_kube_config *config = NULL;
        struct mv_err err = { 0 };
        char text[1200];
        if (mv_kube_config_load(options, &config, &err))
                fail_msg("%s", mv_err_format(&err, text, sizeof text));
        assert_non_null(config);
        return config;
}

static struct mv_kube_config *load_file(const struct fixture *f, const char *text) {
        put(f, "config", text);
        return load_with(&(struct mv_kube_config_options){ .kubeconfig = in(f, "config") });
}

/* The error, without the directory of the fixture. */
static void refused(const struct fixture *f, const struct mv_kube_config_options *options, int code,
                    const char *expected) {
        struct mv_kube_config *config = NULL;
        struct mv_err err = { 0 };
        char text[1200];
        int r = mv_kube_config_load(options, &config, &err);
        assert_null(config);
        const char *message = mv_err_format(&err, text, sizeof text);
        size_t n = strlen(f->directory);
        if (strncmp(message, f->directory, n) == 0)
                message += n + 1;
        assert_string_equal(message, expected);
        assert_int_equal(r, code);
        assert_int_equal(err.code, code);
}

static void file_refused(const struct fixture *f, const char *text, int code, const char *expected) {
        put(f, "config", text);
        refused(f, &(struct mv_kube_config_options){ .kubeconfig = in(f, "config") }, code, expected);
}

/* --- which files --- */

static void test_simple(void **state) {
        const struct fixture *f = *state;
        struct mv_kube_config *c = load_file(f, simple("", "    token: secret\n"));
        assert_str(c->server, "https://a.example:6443");
        assert_str(c->host, "a.example");
        assert_int_equal(c->port, 6443);
        assert_str(c->prefix, "");
        assert_str(c->namespace, "default");
        assert_false(c->namespace_given);
        assert_str(c->context, "a");
        assert_str(c->token, "secret");
        assert_str(c->impersonate.user, "someone");
        assert_int_equal(c->authority.file.n + c->authority.data.n + c->proxy.n + c->exec.command.n, 0);
        assert_true(mv_str_starts_with(c->user_agent, MV_STR("migvet (linux/")));
        assert_str(c->origin, in(f, "config"));
        mv_kube_config_free(c);
        mv_kube_config_free(NULL);
}

static void test_json(void **state) {
        const struct fixture *f = *state;
        struct mv_kube_config *c = load_file(
                f, "{\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":"
                   "\"c\",\"user\":\"u\",\"namespace\":\"vms\"}}],\"clusters\":[{\"name\":\"c\","
                   "\"cluster\":{\"server\":\"https://[fd00::1]/k8s/one//\"}}],\"users\":[{\"name\":\"u\","
                   "\"user\":{}}]}");
        assert_str(c->server, "https://[fd00::1]:443/k8s/one");
        assert_str(c->host, "fd00::1");
        assert_int_equal(c->port, 443);
        assert_str(c->prefix, "/k8s/one");
        assert_str(c->namespace, "vms");
        assert_true(c->namespace_given);
        mv_kube_config_free(c);
}

/* The first that says something wins: whole entries, and current-context; files that are not there are passed over. */
static void test_merging(void **state) {
        const struct fixture *f = *state;
        char list[1024];
        put_directory(f, "one");
        put_directory(f, "two");
        put(f, "empty", "");
        put(f, "one/config",
            "clusters:\n- name: c\n  cluster: { server: https://one }\n"
            "users:\n- name: first\n  user: { token: first }\n"
            "contexts:\n- name: x\n  context: { cluster: c, user: u }\n");
        put(f, "two/config",
            "current-context: x\n"
            "clusters:\n- name: c\n  cluster: { server: https://two, tls-server-name: two }\n"
            "users:\n- name: u\n  user: { token: of-two, client-certificate: c.crt, client-key: "
            "../keys/c.key }\n"
            "contexts:\n- name: x\n  context: { cluster: other, user: other }\n"
            "- name: z\n  context: { cluster: c, user: first, namespace: ns-y }\n");
        put(f, "three", "current-context: z\n");
        snprintf(list, sizeof list, "%s::%s:%s:", in(f, "missing"), in(f, "empty"), in(f, "one/config"));
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s:%s", in(f, "two/config"),
                 in(f, "three"));
        setenv("KUBECONFIG", list, 1);

        struct mv_kube_config *c = load_with(&(struct mv_kube_config_options){ 0 });
        assert_str(c->context, "x");
        assert_str(c->server, "https://one:443");
        assert_str(c->tls_server_name, "");
        assert_str(c->token, "of-two");
        assert_str(c->certificate.file, in(f, "two/c.crt"));
        assert_str(c->key.file, in(f, "two/../keys/c.key"));
        assert_str(c->origin, in(f, "one/config"));
        mv_kube_config_free(c);

        c = load_with(&(struct mv_kube_config_options){ .context = "z", .user_agent = "migvet/9" });
        assert_str(c->token, "first");
        assert_str(c->namespace, "ns-y");
        assert_true(mv_str_starts_with(c->user_agent, MV_STR("migvet/9 (")));
        mv_kube_config_free(c);

        /* --kubeconfig is alone */
        refused(f, &(struct mv_kube_config_options){ .kubeconfig = in(f, "three") }, MV_ENOTFOUND,
                "three: there is no context \"z\"");
}

static void test_home(void **state) {
        const struct fixture *f = *state;
        refused(f, &(struct mv_kube_config_options){ 0 }, MV_ENOTFOUND,
                "no cluster is configured: there is nothing in ~/.kube/config, $KUBECONFIG is not set, and this is no "
                "pod; give --kubeconfig");
        put_directory(f, ".kube");
        put(f, ".kube/config", simple("", ""));
        struct mv_kube_config *c = load_with(&(struct mv_kube_config_options){ 0 });
        assert_str(c->server, "https://a.example:6443");
        mv_kube_config_free(c);
        setenv("KUBECONFIG", in(f, "missing"), 1);
        refused(f, &(struct mv_kube_config_options){ 0 }, MV_ENOTFOUND,
                "no cluster is configured: there is nothing in the files of $KUBECONFIG, and this is no pod; give "
                "--kubeconfig");
        refused(f, &(struct mv_kube_config_options){ .kubeconfig = in(f, "missing") }, MV_ENOTFOUND,
                "missing: cannot be read: No such file or directory");
        put_directory(f, "sub");
        refused(f, &(struct mv_kube_config_options){ .kubeconfig = in(f, "sub") }, MV_EIO,
                "sub: cannot be read: Is a directory");
}

static void test_pod(void **state) {
        const struct fixture *f = *state;
        const struct mv_kube_config_options options = { .service_account = f->directory };
        setenv("KUBERNETES_SERVICE_HOST", "fd00::a", 1);
        refused(f, &options, MV_ENOTFOUND,
                "no cluster is configured: there is nothing in ~/.kube/config, $KUBECONFIG is not set, and this is no "
                "pod; give --kubeconfig");
        setenv("KUBERNETES_SERVICE_PORT", "443", 1);
        put(f, "namespace", "of-file\n");
        struct mv_kube_config *c = load_with(&options);
        assert_str(c->server, "https://[fd00::a]:443");
        assert_str(c->namespace, "of-file");
        assert_str(c->token_file, in(f, "token"));
        assert_str(c->authority.file, in(f, "ca.crt"));
        assert_str(c->origin, "service account");
        mv_kube_config_free(c);
        setenv("POD_NAMESPACE", "of-variable", 1);
        c = load_with(&options);
        assert_str(c->namespace, "of-variable");
        mv_kube_config_free(c);
        setenv("KUBERNETES_SERVICE_PORT", "http", 1);
        refused(f, &options, MV_ETYPE, "$KUBERNETES_SERVICE_HOST and _PORT are no host and port");
        /* A kubeconfig that says anything goes before it, and --context asks for one. */
        put_directory(f, ".kube");
        put(f, ".kube/config", simple("", ""));
        c = load_with(&options);
        assert_str(c->host, "a.example");
        mv_kube_config_free(c);
        put(f, ".kube/config", "kind: Config\n");
        refused(f, &(struct mv_kube_config_options){ .context = "z", .service_account = f->directory },
                MV_ENOTFOUND, ".kube/config: there is no context \"z\"");
}

/* --- what a file says --- */

static void test_files_refused(void **state) {
        const struct fixture *f = *state;
        file_refused(f, "", MV_ENOTFOUND, "config: has no cluster in it");
        file_refused(
                f, "kind: [\n", MV_ESYNTAX,
                "config:2:1: did not find expected node content (while parsing a flow node that begins on line 2)");
        file_refused(f, "- a\n", MV_ETYPE, "config:1:1: must be an object");
        file_refused(f, "kind: Pod\n", MV_ETYPE, "config:1:7: kind: is \"Pod\": a kubeconfig has Config");
        file_refused(f, "apiVersion: v2\n", MV_ETYPE,
                     "config:1:13: apiVersion: is \"v2\": a kubeconfig has v1");
        file_refused(f, "users:\n- name: a\n  user: { token: 12 }\n", MV_ETYPE,
                     "config:3:18: users[0].user.token: must be a string");
        file_refused(f, "users: []\nclusters: [{name: a}, {name: b}, {name: a}]\n", MV_ETYPE,
                     "config:2:41: clusters[2]: \"a\" is also the name of clusters[0]");
        file_refused(f, "clusters: [{name: a}]\n", MV_ENOTFOUND,
                     "config: has no current-context; give --context");
        file_refused(f, "current-context: b\nclusters: [{name: a}]\n", MV_ENOTFOUND,
                     "config: there is no context \"b\"");
        file_refused(f, "current-context: b\ncontexts:\n- name: b\n  context: {user: u}\n", MV_ETYPE,
                     "config:3:9: contexts[0].context.cluster: is missing");
        file_refused(f, "current-context: b\ncontexts:\n- name: b\n  context: {cluster: c, user: u}\n",
                     MV_ENOTFOUND, "config:4:22: contexts[0].context.cluster: there is no cluster \"c\"");
        file_refused(f,
                     "current-context: b\ncontexts:\n- name: b\n  context: {cluster: c, user: u}\n"
                     "clusters: [{name: c}]\n",
                     MV_ENOTFOUND, "config:4:31: contexts[0].context.user: there is no user \"u\"");
        char text[8192];
        snprintf(text, sizeof text, "%s---\nkind: Config\n", simple("", ""));
        file_refused(f, text, MV_ETYPE, "config:16:1: holds more than one document");
        snprintf(text, sizeof text, "%s    # x\n", simple("", ""));
        mv_kube_config_free(load_file(f, text));
}

/* Each line of the cluster or user, and what it leads to; the line of the file is 8 or 12. */
struct refusal {
        const char *line;
        int code;
        const char *expected;
};

static void test_clusters_refused(void **state) {
        const struct fixture *f = *state;
        static const struct refusal refusals[] = {
                { "    insecure-skip-tls-verify: true\n", MV_EUSAGE,
                  "config:5:9: clusters[0].cluster.insecure-skip-tls-verify: is true: migvet always verifies the API "
                  "server; give certificate-authority or certificate-authority-data, and tls-server-name when the name "
                  "differs" },
                { "    certificate-authority: x\n    certificate-authority-data: eA==\n", MV_ETYPE,
                  "config:9:33: clusters[0].cluster.certificate-authority-data: is there, and certificate-authority "
                  "is, too: give one of them" },
                { "    certificate-authority-data: 'e%A='\n", MV_ETYPE,
                  "config:8:33: clusters[0].cluster.certificate-authority-data: is not valid base64" },
                { "    proxy-url: ftp://user:hunter2@x\n", MV_ETYPE,
                  "config:8:16: clusters[0].cluster.proxy-url: must be a URL that begins with http://, https:// or "
                  "socks5://" },
                { "    tls-server-name: \"a\\nb\"\n", MV_ETYPE,
                  "config:5:9: clusters[0].cluster.tls-server-name: has a control character" },
        };
        for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
                file_refused(f, simple(refusals[i].line, ""), refusals[i].code, refusals[i].expected);
        static const struct refusal servers[] = {
                { "http://x:8080", MV_EUSAGE, "is http: the API server is only talked to by https" },
                { "x:6443", MV_ETYPE, "must be a URL that begins with https://" },
                { "https://", MV_ETYPE, "must be a URL that begins with https://" },
                { "https://x:0", MV_ETYPE, "has no host, or a port that is none" },
                { "https://u:p@x", MV_ETYPE,
                  "must be https://HOST, maybe with :PORT and /PATH, and nothing else" },
                { "https://x/?a=b", MV_ETYPE,
                  "must be https://HOST, maybe with :PORT and /PATH, and nothing else" },
                { "https://x y", MV_ETYPE, "must be a URL that begins with https://" },
        };
        for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
                char text[1024], expected[400];
                snprintf(text, sizeof text,
                         "{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}],\n"
                         "users: [{name: a, user: {}}], clusters: [{name: a, cluster: {server: '%s'}}]}\n",
                         servers[i].line);
                snprintf(expected, sizeof expected, "config:2:70: clusters[0].cluster.server: %s",
                         servers[i].expected);
                file_refused(f, text, servers[i].code, expected);
        }
}

static void test_users_refused(void **state) {
        const struct fixture *f = *state;
        static const struct refusal refusals[] = {
                { "    auth-provider: { name: gcp }\n", MV_EUSAGE,
                  "config:12:28: users[0].user.auth-provider: \"gcp\" is an authentication of the kind that Kubernetes "
                  "1.26 removed; use an exec plugin" },
                { "    username: u\n    password: hunter2\n", MV_EUSAGE,
                  "config:9:9: users[0].user.username: asks for basic authentication, which no API server has taken "
                  "since Kubernetes 1.19; use a token, a client certificate or an exec plugin" },
                { "    client-certificate: x\n", MV_ETYPE,
                  "config:9:9: users[0].user.client-key: is missing: a client certificate is given" },
                { "    client-key-data: eA==\n", MV_ETYPE,
                  "config:9:9: users[0].user.client-certificate: is missing: a client's key is given" },
                { "    client-key-data: '-'\n    client-certificate-data: eA==\n", MV_ETYPE,
                  "config:12:22: users[0].user.client-key-data: is not valid base64" },
                { "    token: \"hunter2\\r\\nX: y\"\n", MV_ETYPE,
                  "config:9:9: users[0].user.token: has a control character" },
                { "    exec: { apiVersion: client.authentication.k8s.io/v1 }\n", MV_ETYPE,
                  "config:9:9: users[0].user.exec.command: is missing" },
                { "    exec: { command: x, apiVersion: client.authentication.k8s.io/v1alpha1 }\n", MV_ETYPE,
                  "config:12:37: users[0].user.exec.apiVersion: must be client.authentication.k8s.io/v1 or "
                  "client.authentication.k8s.io/v1beta1: update the plugin's entry" },
                { "    exec: { command: x, apiVersion: client.authentication.k8s.io/v1 }\n", MV_ETYPE,
                  "config:9:9: users[0].user.exec.interactiveMode: must be Never, IfAvailable or Always" },
                { "    exec: { command: x, apiVersion: client.authentication.k8s.io/v1beta1, env: [{name: A=B}] }\n",
                  MV_ETYPE,
                  "config:12:88: users[0].user.exec.env[0]: must have a name, which has no = and no control "
                  "character" },
                { "    as-groups: [\"a\\nb\"]\n", MV_ETYPE,
                  "config:9:9: users[0].user.as-groups: has a control character" },
                { "    as-user-extra: { k: v }\n", MV_ETYPE,
                  "config:12:20: users[0].user.as-user-extra: must have a list of strings for each key" },
        };
        for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
                file_refused(f, simple("", refusals[i].line), refusals[i].code, refusals[i].expected);
        file_refused(
                f,
                "{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}],\n"
                "users: [{name: a, user: {as-uid: x}}], clusters: [{name: a, cluster: {server: 'https://a'}}]}\n",
                MV_ETYPE,
                "config:2:16: users[0].user.as: is missing: as-uid, as-groups and as-user-extra belong to a user");
        file_refused(
                f,
                "{current-context: a, contexts: [{name: a, context: {cluster: a, user: a, namespace: ../x}}],\n"
                "users: [{name: a, user: {}}], clusters: [{name: a, cluster: {server: 'https://a'}}]}\n",
                MV_ETYPE, "config:1:85: contexts[0].context.namespace: is no name of a namespace");
}

static void test_cluster(void **state) {
        const struct fixture *f = *state;
        struct mv_kube_config *c = load_file(f, simple("    certificate-authority-data: aGVsbG8=\n"
                                                       "    tls-server-name: kubernetes\n"
                                                       "    disable-compression: true\n"
                                                       "    proxy-url: socks5://u:p@proxy\n",
                                                       ""));
        assert_str(c->authority.data, "hello");
        assert_int_equal(c->authority.data.p[5], 0);
        assert_str(c->tls_server_name, "kubernetes");
        assert_true(c->disable_compression);
        assert_str(c->proxy, "socks5h://u:p@proxy:1080/");
        assert_false(c->proxy_from_environment);
        mv_kube_config_free(c);
        c = load_file(
                f, simple("    certificate-authority: /etc/ca.crt\n    proxy-url: http://proxy:3128\n", ""));
        assert_str(c->authority.file, "/etc/ca.crt");
        assert_str(c->proxy, "http://proxy:3128/");
        mv_kube_config_free(c);
}

static void test_user(void **state) {
        const struct fixture *f = *state;
        struct mv_kube_config *c = load_file(f, simple("    extensions:\n"
                                                       "    - name: other\n      extension: { no: no }\n"
                                                       "    - name: client.authentication.k8s.io/exec\n"
                                                       "      extension: { audience: x }\n",
                                                       "    as-uid: u-1\n"
                                                       "    as-groups: [g1, g 2]\n"
                                                       "    as-user-extra: { b: [x, \"y\\\"\"], a: [] }\n"
                                                       "    exec:\n"
                                                       "      apiVersion: client.authentication.k8s.io/v1\n"
                                                       "      command: bin/plugin\n"
                                                       "      args: [get, '']\n"
                                                       "      env: [{ name: A, value: \"1\\n2\" }]\n"
                                                       "      interactiveMode: Never\n"
                                                       "      provideClusterInfo: true\n"
                                                       "      installHint: install it\n"));
        assert_str(c->impersonate.uid, "u-1");
        assert_int_equal(c->impersonate.n_groups, 2);
        assert_str(c->impersonate.groups[1], "g 2");
        assert_int_equal(c->impersonate.n_extra, 2);
        assert_str(c->impersonate.extra[0].name, "b");
        assert_str(c->impersonate.extra[1].name, "b");
        assert_str(c->impersonate.extra[1].value, "y\"");
        assert_str(c->exec.command, in(f, "bin/plugin"));
        assert_int_equal(c->exec.n_args, 2);
        assert_str(c->exec.args[0], "get");
        assert_str(c->exec.env[0].value, "1\n2");
        assert_int_equal(c->exec.interactive, MV_KUBE_INTERACTIVE_NEVER);
        assert_true(c->exec.provide_cluster_info);
        assert_str(c->exec.cluster_config, "{\"audience\":\"x\"}");
        assert_str(c->exec.install_hint, "install it");
        mv_kube_config_free(c);

        /* A name stays one; a token goes before the plugin. */
        const char *plugin =
                "    exec: { apiVersion: client.authentication.k8s.io/v1beta1, command: plugin }\n";
        c = load_file(f, simple("", plugin));
        assert_str(c->exec.command, "plugin");
        assert_int_equal(c->exec.interactive, MV_KUBE_INTERACTIVE_IF_AVAILABLE);
        mv_kube_config_free(c);
        char both[256];
        snprintf(both, sizeof both, "%s    tokenFile: t\n", plugin);
        c = load_file(f, simple("", both));
        assert_int_equal(c->exec.command.n, 0);
        assert_str(c->token_file, in(f, "t"));
        mv_kube_config_free(c);
}

/* --- proxies --- */

static void test_proxy_of_environment(void **state) {
        const struct fixture *f = *state;
        setenv("https_proxy", "proxy.example:3128", 1);
        struct mv_kube_config *c = load_file(f, simple("", ""));
        assert_str(c->proxy, "http://proxy.example:3128/");
        assert_true(c->proxy_from_environment);
        mv_kube_config_free(c);
        setenv("HTTPS_PROXY", "https://user:hunter2@other.example", 1);
        c = load_file(f, simple("", ""));
        assert_str(c->proxy, "https://user:hunter2@other.example:443/");
        mv_kube_config_free(c);
        setenv("NO_PROXY", "b.example, .example:6443", 1);
        c = load_file(f, simple("", ""));
        assert_str(c->proxy, "");
        mv_kube_config_free(c);
        c = load_file(f, simple("    proxy-url: http://mine\n", ""));
        assert_str(c->proxy, "http://mine:80/");
        mv_kube_config_free(c);
        setenv("NO_PROXY", "", 1);
        setenv("HTTPS_PROXY", "gopher://user:hunter2@x", 1);
        file_refused(f, simple("", ""), MV_ETYPE,
                     "$HTTPS_PROXY: must be a URL that begins with http://, https:// or socks5://");
}

static void test_no_proxy(void **state) {
        (void)state;
        static const struct {
                const char *no_proxy, *host;
                bool bypassed;
        } cases[] = {
                { NULL, "localhost", true },
                { NULL, "127.3.2.1", true },
                { NULL, "::1", true },
                { NULL, "localhost.example", false },
                { "", "a.example", false },
                { "*", "a.example", true },
                { " x , EXAMPLE ,", "a.example", true },
                { "example", "example", true },
                { "example", "anexample", false },
                { ".example", "example", false },
                { ".example", "a.Example", true },
                { "*.example", "a.b.example", true },
                { "a.example:443", "a.example", false },
                { "a.example:6443", "a.example", true },
                { "10.0.0.0/8", "10.9.8.7", true },
                { "10.0.0.0/9", "10.128.0.1", false },
                { "10.0.0.0/8", "11.9.8.7", false },
                { "10.0.0.0/33", "10.0.0.1", false },
                { "10.0.0.0/0", "11.9.8.7", true },
                { "10.9.8.7", "10.9.8.7", true },
                { "10.9.8.7:6443", "10.9.8.7", true },
                { "10.9.8.7", "10.9.8.70", false },
                { "fd00::/8", "fd12::1", true },
                { "fd00::/8", "fe00::1", false },
                { "[fd12:0::1]:6443", "fd12::1", true },
                { "[fd12::1]:1", "fd12::1", false },
                { "fd12::1", "fd12::1", true },
                { "10.0.0.0/8", "10.example", false },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                if (mv_kube_url_bypasses_proxy(cases[i].no_proxy, mv_str_from(cases[i].host), 6443) !=
                    cases[i].bypassed)
                        fail_msg("%s with %s", cases[i].host,
                                 cases[i].no_proxy ? cases[i].no_proxy : "nothing");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(test_simple),
                CASE(test_json),
                CASE(test_merging),
                CASE(test_home),
                CASE(test_pod),
                CASE(test_files_refused),
                CASE(test_clusters_refused),
                CASE(test_users_refused),
                CASE(test_cluster),
                CASE(test_user),
                CASE(test_proxy_of_environment),
                CASE(test_no_proxy),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
