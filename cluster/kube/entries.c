/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/entries.h"

#include "cluster/kube/plain.h"
#include "cluster/kube/url.h"
#include "policy/base/base64.h"

#include <stdio.h>
#include <stdlib.h>

#define EXEC_EXTENSION "client.authentication.k8s.io/exec"

/* An entry on its way into the configuration. */
struct taking {
        struct mv_kube_config *config;
        const struct mv_kubeconfig_place *place;
        struct mv_err *err;
};

#define FAIL(taking, field, at, ...) \
        mv_kubeconfig_fail((taking)->place, (field), (at), (taking)->err, __VA_ARGS__)

static int done(const struct taking *taking) {
        return mv_arena_failed(&taking->config->arena) ? mv_err_oom(taking->err) : 0;
}

/* --- parts of both --- */

static int take_plain(const struct taking *taking, const char *field, struct mv_str text,
                      struct mv_str *ret) {
        if (!mv_kube_is_plain(text))
                return FAIL(taking, field, text, MV_ETYPE, "has a control character");
        *ret = mv_kube_keep(taking->config, text);
        return done(taking);
}

/* Relative to the directory of the kubeconfig. */
static int take_path(const struct taking *taking, const char *field, struct mv_str path, struct mv_str *ret) {
        struct mv_str file = mv_str_from(taking->place->file->path), relative = path;
        if (!path.n || path.p[0] == '/')
                return take_plain(taking, field, path, ret);
        while (file.n && file.p[file.n - 1] != '/')
                file.n--;
        if (!mv_kube_is_plain(path))
                return FAIL(taking, field, path, MV_ETYPE, "has a control character");
        *ret = mv_arena_format(&taking->config->arena, "%.*s%.*s", MV_STR_ARG(file), MV_STR_ARG(relative));
        return done(taking);
}

static int take_pem(const struct taking *taking, const char *field, struct mv_str path,
                    const char *data_field, struct mv_str data, struct mv_kube_pem *ret) {
        if (path.n && data.n)
                return FAIL(taking, data_field, data, MV_ETYPE, "is there, and %s is, too: give one of them",
                            field);
        if (!data.n)
                return take_path(taking, field, path, &ret->file);
        unsigned char *bytes = mv_arena_allocate(&taking->config->arena, data.n + 1, 1);
        size_t n;
        if (!bytes)
                return done(taking);
        if (!mv_base64_decode(data, bytes, &n) || !n)
                return FAIL(taking, data_field, data, MV_ETYPE, "is not valid base64");
        bytes[n] = '\0';
        ret->data = (struct mv_str){ (const char *)bytes, n };
        return 0;
}

/* --- clusters --- */

static int url_error(const struct taking *taking, const char *field, struct mv_str at,
                     const struct mv_err *why) {
        if (why->code == MV_ENOMEM)
                return mv_err_oom(taking->err);
        return FAIL(taking, field, at, why->code, "%s", why->message);
}

static int take_server(const struct taking *taking, struct mv_str server) {
        struct mv_kube_config *config = taking->config;
        struct mv_kube_url url;
        struct mv_err why = { 0 };
        if (!server.n)
                return FAIL(taking, "server", server, MV_ETYPE, "is missing: the URL of the API server");
        if (mv_kube_url_server(&config->arena, server, &url, &why))
                return url_error(taking, "server", server, &why);
        config->server = url.text;
        config->host = url.host;
        config->port = url.port;
        config->prefix = url.path;
        return 0;
}

int mv_kube_take_cluster(struct mv_kube_config *config, const struct mv_kubeconfig_cluster *cluster,
                         const struct mv_kubeconfig_place *place, struct mv_err *err) {
        const struct taking taking = { config, place, err };
        struct mv_err why = { 0 };
        const struct mv_str nowhere = { 0 };
        if (cluster->insecure_skip_tls_verify)
                return FAIL(&taking, "insecure-skip-tls-verify", nowhere, MV_EUSAGE,
                            "is true: migvet always verifies the API server; give certificate-authority or "
                            "certificate-authority-data, and tls-server-name when the name differs");
        int r = take_server(&taking, cluster->server);
        if (!r)
                r = take_plain(&taking, "tls-server-name", cluster->tls_server_name,
                               &config->tls_server_name);
        if (!r)
                r = take_pem(&taking, "certificate-authority", cluster->certificate_authority,
                             "certificate-authority-data", cluster->certificate_authority_data,
                             &config->authority);
        if (!r && cluster->proxy_url.n &&
            mv_kube_url_proxy(&config->arena, cluster->proxy_url, &config->proxy, &why))
                r = url_error(&taking, "proxy-url", cluster->proxy_url, &why);
        config->disable_compression = cluster->disable_compression;
        for (size_t i = 0; i < cluster->extensions.n; i++)
                if (mv_str_is(cluster->extensions.items[i].name, EXEC_EXTENSION))
                        config->exec.cluster_config =
                                mv_kube_keep(config, cluster->extensions.items[i].extension);
        return r ? r : done(&taking);
}

int mv_kube_take_proxy_of_environment(struct mv_kube_config *config, struct mv_err *err) {
        static const char *const names[] = { "HTTPS_PROXY", "https_proxy" };
        const char *no_proxy = getenv("NO_PROXY"), *value = NULL, *name = NULL;
        if (!no_proxy || !*no_proxy)
                no_proxy = getenv("no_proxy");
        for (size_t i = 0; i < sizeof names / sizeof *names && (!value || !*value); i++) {
                name = names[i];
                value = getenv(name);
        }
        if (config->proxy.n || !value || !*value ||
            mv_kube_url_bypasses_proxy(no_proxy, config->host, config->port))
                return 0;
        struct mv_str text = mv_str_from(value);
        if (!mv_str_contains(text, MV_STR("://")))
                text = mv_arena_format(&config->arena, "http://%s", value);
        struct mv_err why = { 0 };
        if (mv_arena_failed(&config->arena))
                return mv_err_oom(err);
        int r = mv_kube_url_proxy(&config->arena, text, &config->proxy, &why);
        if (r)
                return mv_err_set(err, r, "$%s: %s", name, why.message);
        config->proxy_from_environment = true;
        return 0;
}

/* --- users --- */

static int take_strings(const struct taking *taking, const char *field, const struct mv_strings *strings,
                        const struct mv_str **ret, size_t *ret_n) {
        struct mv_str *copies = mv_arena_new_array(&taking->config->arena, struct mv_str, strings->n);
        if (!copies)
                return done(taking);
        for (size_t i = 0; i < strings->n; i++) {
                if (strings->items[i].n && memchr(strings->items[i].p, '\0', strings->items[i].n))
                        return FAIL(taking, field, strings->items[i], MV_ETYPE, "has a NUL character");
                copies[i] = mv_arena_copy(&taking->config->arena, strings->items[i]);
        }
        *ret = copies;
        *ret_n = strings->n;
        return done(taking);
}

static int take_environment(const struct taking *taking, const struct mv_kubeconfig_exec *from,
                            struct mv_kube_exec *ret) {
        struct mv_kube_variable *env =
                mv_arena_new_array(&taking->config->arena, struct mv_kube_variable, from->env.n);
        if (!env)
                return done(taking);
        for (size_t i = 0; i < from->env.n; i++) {
                struct mv_str name = from->env.items[i].name, value = from->env.items[i].value;
                char field[64];
                snprintf(field, sizeof field, "exec.env[%zu]", i);
                if (!name.n || !mv_kube_is_plain(name) || mv_str_find_byte(name, '=') < name.n)
                        return FAIL(taking, field, name, MV_ETYPE,
                                    "must have a name, which has no = and no control character");
                if (value.n && memchr(value.p, '\0', value.n))
                        return FAIL(taking, field, value, MV_ETYPE, "has a NUL character in its value");
                env[i].name = mv_kube_keep(taking->config, name);
                env[i].value = mv_arena_copy(&taking->config->arena, value);
        }
        ret->env = env;
        ret->n_env = from->env.n;
        return done(taking);
}

static int take_exec_version(const struct taking *taking, const struct mv_kubeconfig_exec *from,
                             struct mv_kube_exec *ret) {
        static const char *const versions[] = { "client.authentication.k8s.io/v1",
                                                "client.authentication.k8s.io/v1beta1" };
        if (!mv_str_is_one_of(from->api_version, versions))
                return FAIL(taking, "exec.apiVersion", from->api_version, MV_ETYPE,
                            "must be %s or %s: update the plugin's entry", versions[0], versions[1]);
        ret->api_version = mv_kube_keep(taking->config, from->api_version);

        static const char *const modes[] = { "Never", "IfAvailable", "Always" };
        for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
                if (mv_str_is(from->interactive_mode, modes[i])) {
                        ret->interactive = (enum mv_kube_interactive)i;
                        return 0;
                }
        ret->interactive = MV_KUBE_INTERACTIVE_IF_AVAILABLE;
        if (!from->interactive_mode.n && mv_str_is(from->api_version, versions[1]))
                return 0;
        return FAIL(taking, "exec.interactiveMode", from->interactive_mode, MV_ETYPE,
                    "must be Never, IfAvailable or Always");
}

static int take_exec(const struct taking *taking, const struct mv_kubeconfig_exec *from,
                     struct mv_kube_exec *ret) {
        if (!from->command.n)
                return FAIL(taking, "exec.command", from->command, MV_ETYPE, "is missing");
        int r = take_exec_version(taking, from, ret);
        /* A name is looked for in $PATH; what has a slash is a path. */
        if (!r && mv_str_find_byte(from->command, '/') < from->command.n)
                r = take_path(taking, "exec.command", from->command, &ret->command);
        else if (!r)
                r = take_plain(taking, "exec.command", from->command, &ret->command);
        if (!r)
                r = take_strings(taking, "exec.args", &from->args, &ret->args, &ret->n_args);
        if (!r)
                r = take_environment(taking, from, ret);
        ret->provide_cluster_info = from->provide_cluster_info;
        ret->install_hint = mv_kube_keep(taking->config, from->install_hint);
        return r ? r : done(taking);
}

/* One key of as-user-extra and its values; the space for them was counted. */
static bool scan_extra(const struct taking *taking, struct mv_scan *scan, struct mv_kube_variable *to,
                       size_t *n) {
        bool first_key = true, first;
        struct mv_scan_string key, value;
        if (!mv_scan_object(scan))
                return false;
        while (mv_scan_key(scan, &first_key, &key)) {
                if (!mv_scan_array(scan))
                        return false;
                first = true;
                while (mv_scan_element(scan, &first)) {
                        if (!mv_scan_string(scan, &value))
                                return false;
                        char *name = to ? mv_arena_allocate(&taking->config->arena, key.raw.n + 1, 1) : NULL;
                        char *text =
                                name ? mv_arena_allocate(&taking->config->arena, value.raw.n + 1, 1) : NULL;
                        if (text) {
                                to[*n].name = (struct mv_str){ name, mv_scan_unescape(key.raw, name) };
                                to[*n].value = (struct mv_str){ text, mv_scan_unescape(value.raw, text) };
                        }
                        ++*n;
                }
        }
        return scan->code == 0;
}

static int take_extra(const struct taking *taking, struct mv_str json, struct mv_kube_impersonate *ret) {
        struct mv_scan scan;
        size_t n = 0;
        if (!json.n)
                return 0;
        /* The text goes on behind json, and ends with the padding. */
        mv_scan_init(&scan, json);
        if (!scan_extra(taking, &scan, NULL, &n))
                return FAIL(taking, "as-user-extra", json, MV_ETYPE,
                            "must have a list of strings for each key");
        struct mv_kube_variable *extra =
                mv_arena_new_array(&taking->config->arena, struct mv_kube_variable, n);
        ret->extra = extra;
        mv_scan_init(&scan, json);
        if (extra)
                scan_extra(taking, &scan, extra, &ret->n_extra);
        if (done(taking))
                return done(taking);
        for (size_t i = 0; i < n; i++)
                if (!extra[i].name.n || !mv_kube_is_plain(extra[i].value))
                        return FAIL(taking, "as-user-extra", json, MV_ETYPE,
                                    "has a key that is empty or a value with a control character");
        return 0;
}

static int take_impersonate(const struct taking *taking, const struct mv_kubeconfig_user *from,
                            struct mv_kube_impersonate *ret) {
        if (!from->as.n && (from->as_uid.n || from->as_groups.n || from->as_user_extra.n))
                return FAIL(taking, "as", from->as, MV_ETYPE,
                            "is missing: as-uid, as-groups and as-user-extra belong to a user");
        int r = take_plain(taking, "as", from->as, &ret->user);
        if (!r)
                r = take_plain(taking, "as-uid", from->as_uid, &ret->uid);
        for (size_t i = 0; i < from->as_groups.n && !r; i++)
                if (!mv_kube_is_plain(from->as_groups.items[i]))
                        r = FAIL(taking, "as-groups", from->as_groups.items[i], MV_ETYPE,
                                 "has a control character");
        if (!r)
                r = take_strings(taking, "as-groups", &from->as_groups, &ret->groups, &ret->n_groups);
        return r ? r : take_extra(taking, from->as_user_extra, ret);
}

/* What we do not do. */
static int refuse(const struct taking *taking, const struct mv_kubeconfig_user *user) {
        if (user->auth_provider)
                return FAIL(
                        taking, "auth-provider", user->auth_provider->name, MV_EUSAGE,
                        "\"%.*s\" is an authentication of the kind that Kubernetes 1.26 removed; use an exec "
                        "plugin",
                        MV_STR_ARG(user->auth_provider->name));
        if (user->username.n || user->password.n)
                return FAIL(
                        taking, user->username.n ? "username" : "password", (struct mv_str){ 0 }, MV_EUSAGE,
                        "asks for basic authentication, which no API server has taken since Kubernetes 1.19; "
                        "use a token, a client certificate or an exec plugin");
        return 0;
}

int mv_kube_take_user(struct mv_kube_config *config, const struct mv_kubeconfig_user *user,
                      const struct mv_kubeconfig_place *place, struct mv_err *err) {
        const struct taking taking = { config, place, err };
        int r = refuse(&taking, user);
        if (!r)
                r = take_pem(&taking, "client-certificate", user->client_certificate,
                             "client-certificate-data", user->client_certificate_data, &config->certificate);
        if (!r)
                r = take_pem(&taking, "client-key", user->client_key, "client-key-data",
                             user->client_key_data, &config->key);
        bool certificate = config->certificate.file.n || config->certificate.data.n;
        bool key = config->key.file.n || config->key.data.n;
        if (!r && certificate != key)
                r = FAIL(&taking, certificate ? "client-key" : "client-certificate", (struct mv_str){ 0 },
                         MV_ETYPE, "is missing: %s is given",
                         certificate ? "a client certificate" : "a client's key");
        if (!r)
                r = take_plain(&taking, "token", user->token, &config->token);
        if (!r)
                r = take_path(&taking, "tokenFile", user->token_file, &config->token_file);
        if (!r && user->exec) {
                struct mv_kube_exec exec = { .cluster_config = config->exec.cluster_config };
                r = take_exec(&taking, user->exec, &exec);
                /* As kubectl has it: what is written down goes before a plugin. */
                if (!certificate && !config->token.n && !config->token_file.n)
                        config->exec = exec;
        }
        return r ? r : take_impersonate(&taking, user, &config->impersonate);
}
