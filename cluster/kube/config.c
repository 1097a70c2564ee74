/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/config.h"

#include "cluster/kube/entries.h"
#include "cluster/kube/kubeconfig.h"
#include "cluster/kube/url.h"
#include "cluster/kube/wipe.h"

#include "certs/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

struct loading {
        const struct mv_kube_config_options *options;
        struct mv_kube_config *config;
        struct mv_arena arena; /* names of files */
        const char **names;
        size_t n_names;
        bool explicit;                    /* --kubeconfig: the file has to be there */
        struct mv_kubeconfig_file *files; /* those of the names that exist */
        size_t n_files;
        struct mv_err *err;
};

static bool given(const char *text) {
        return text && *text;
}

/* --- which files --- */

static void add_name(struct loading *loading, struct mv_str name) {
        if (name.n && loading->names)
                loading->names[loading->n_names++] = mv_arena_copy(&loading->arena, name).p;
}

static int find_names(struct loading *loading) {
        const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");
        loading->explicit = given(loading->options->kubeconfig);
        size_t most = 1;
        for (const char *p = list; p && *p; p++)
                most += *p == ':';
        loading->names = mv_arena_new_array(&loading->arena, const char *, most);
        if (loading->explicit)
                add_name(loading, mv_str_from(loading->options->kubeconfig));
        else if (given(list))
                for (struct mv_str rest = mv_str_from(list); rest.n;) {
                        size_t end = mv_str_find_byte(rest, ':');
                        add_name(loading, (struct mv_str){ rest.p, end });
                        rest = mv_str_skip(rest, end < rest.n ? end + 1 : end);
                }
        else if (given(home))
                add_name(loading, mv_arena_format(&loading->arena, "%s/.kube/config", home));
        return mv_arena_failed(&loading->arena) ? mv_err_oom(loading->err) : 0;
}

static int open_files(struct loading *loading) {
        loading->files = mv_arena_new_array(&loading->arena, struct mv_kubeconfig_file, loading->n_names);
        if (!loading->files)
                return mv_err_oom(loading->err);
        for (size_t i = 0; i < loading->n_names; i++) {
                struct mv_err why = { 0 };
                int r = mv_kubeconfig_open(loading->names[i], &loading->files[loading->n_files], &why);
                if (r == MV_ENOTFOUND && !loading->explicit)
                        continue;
                if (r) {
                        if (loading->err)
                                *loading->err = why;
                        return r;
                }
                loading->n_files++;
        }
        return 0;
}

/* No file says anything. */
static bool nothing_there(const struct loading *loading) {
        for (size_t i = 0; i < loading->n_files; i++) {
                const struct mv_kubeconfig_content *c = &loading->files[i].content;
                if (c->clusters.n || c->users.n || c->contexts.n || c->current_context.n)
                        return false;
        }
        return true;
}

/* --- from files --- */

static int no_context(const struct loading *loading) {
        const char *list = getenv("KUBECONFIG");
        if (loading->explicit)
                return mv_err_in_file(
                        loading->err, loading->names[0],
                        mv_err_set(loading->err, MV_ENOTFOUND, "has no current-context; give --context"));
        return mv_err_set(loading->err, MV_ENOTFOUND, "%s has no current-context; give --context",
                          given(list) ? "$KUBECONFIG" : "~/.kube/config");
}

static int check_namespace(const struct mv_kubeconfig_place *place, struct mv_str namespace,
                           struct mv_err *err) {
        bool good = namespace.n <= 63;
        for (size_t i = 0; i < namespace.n; i++) {
                char c = namespace.p[i];
                good = good && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
        }
        return good ? 0
                    : mv_kubeconfig_fail(place, "namespace", namespace, err, MV_ETYPE,
                                         "is no name of a namespace");
}

static int missing(const struct mv_kubeconfig_place *place, const char *field, struct mv_str name,
                   struct mv_err *err) {
        if (!name.n)
                return mv_kubeconfig_fail(place, field, name, err, MV_ETYPE, "is missing");
        return mv_kubeconfig_fail(place, field, name, err, MV_ENOTFOUND, "there is no %s \"%.*s\"", field,
                                  MV_STR_ARG(name));
}

static int take_context(struct loading *loading, struct mv_str name) {
        struct mv_kube_config *config = loading->config;
        struct mv_kubeconfig_place place, cluster_place, user_place;
        const struct mv_kubeconfig_context *context =
                mv_kubeconfig_find_context(loading->files, loading->n_files, name, &place);
        if (!context) {
                int r = mv_err_set(loading->err, MV_ENOTFOUND, "there is no context \"%.*s\"",
                                   MV_STR_ARG(name));
                return loading->n_names == 1 ? mv_err_in_file(loading->err, loading->names[0], r) : r;
        }
        const struct mv_kubeconfig_cluster *cluster = mv_kubeconfig_find_cluster(
                loading->files, loading->n_files, context->cluster, &cluster_place);
        if (!cluster || !context->cluster.n)
                return missing(&place, "cluster", context->cluster, loading->err);
        const struct mv_kubeconfig_user *user =
                mv_kubeconfig_find_user(loading->files, loading->n_files, context->user, &user_place);
        if (!user || !context->user.n)
                return missing(&place, "user", context->user, loading->err);
        config->origin = mv_kube_keep(config, mv_str_from(place.file->path));
        config->context = mv_kube_keep(config, name);
        config->namespace = mv_kube_keep(config, context->namespace);
        int r = check_namespace(&place, context->namespace, loading->err);
        if (!r)
                r = mv_kube_take_cluster(config, cluster, &cluster_place, loading->err);
        if (!r)
                r = mv_kube_take_user(config, user, &user_place, loading->err);
        return r;
}

static int from_files(struct loading *loading) {
        struct mv_str name = mv_str_from(loading->options->context);
        for (size_t i = 0; i < loading->n_files && !name.n; i++)
                name = loading->files[i].content.current_context;
        int r = name.n ? take_context(loading, name) : no_context(loading);
        for (size_t i = 0; i < loading->n_files && !r; i++)
                r = mv_kubeconfig_finish(&loading->files[i], loading->err);
        return r;
}

/* --- in a pod --- */

static int pod_namespace(struct loading *loading, const char *directory) {
        struct mv_kube_config *config = loading->config;
        const char *variable = getenv("POD_NAMESPACE");
        if (given(variable)) {
                config->namespace = mv_kube_keep(config, mv_str_from(variable));
                return 0;
        }
        struct mv_file file;
        struct mv_str path = mv_arena_format(&loading->arena, "%s/namespace", directory);
        int r = path.p ? mv_file_read(path.p, &file, loading->err) : mv_err_oom(loading->err);
        if (r)
                return r == MV_ENOTFOUND ? 0 : r;
        struct mv_str text = mv_file_str(&file);
        while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == ' '))
                text.n--;
        config->namespace = mv_kube_keep(config, text);
        mv_file_done(&file);
        return 0;
}

static int from_service_account(struct loading *loading, const char *host, const char *port) {
        struct mv_kube_config *config = loading->config;
        const char *directory =
                loading->options->service_account ? loading->options->service_account : SERVICE_ACCOUNT;
        struct mv_kube_url url;
        struct mv_err why = { 0 };
        struct mv_str text = mv_kube_url_join(&loading->arena, mv_str_from(host), mv_str_from(port));
        int r = mv_kube_url_server(&config->arena, text, &url, &why);
        if (r)
                return mv_err_set(loading->err, r, "$KUBERNETES_SERVICE_HOST and _PORT are no host and port");
        config->server = url.text;
        config->host = url.host;
        config->port = url.port;
        config->prefix = url.path;
        config->origin = mv_kube_keep(config, MV_STR("service account"));
        config->token_file = mv_arena_format(&config->arena, "%s/token", directory);
        config->authority.file = mv_arena_format(&config->arena, "%s/ca.crt", directory);
        return pod_namespace(loading, directory);
}

/* --- all --- */

static int nothing_configured(const struct loading *loading) {
        const char *list = getenv("KUBECONFIG");
        if (loading->explicit)
                return mv_err_in_file(loading->err, loading->names[0],
                                      mv_err_set(loading->err, MV_ENOTFOUND, "has no cluster in it"));
        return mv_err_set(loading->err, MV_ENOTFOUND,
                          "no cluster is configured: %s, and this is no pod; give --kubeconfig",
                          given(list) ? "there is nothing in the files of $KUBECONFIG"
                                      : "there is nothing in ~/.kube/config, $KUBECONFIG is not set");
}

/* Go, and so kubectl, looks there for the authorities of the system; either variable leaves the other place as it is. */
static int take_trust_of_environment(struct loading *loading) {
        const char *file = getenv("SSL_CERT_FILE"), *directories = getenv("SSL_CERT_DIR");
        struct mv_kube_config *config = loading->config;
        if (config->authority.file.n || config->authority.data.n)
                return 0;
        if (given(file))
                config->trust_file = mv_kube_keep(config, mv_str_from(file));
        if (given(directories))
                config->trust_directory = mv_kube_keep(config, mv_str_from(directories));
        if (given(directories) && strchr(directories, ':'))
                return mv_err_set(
                        loading->err, MV_EUSAGE,
                        "$SSL_CERT_DIR names several directories, and migvet takes one: leave it out, or "
                        "give the cluster its certificate-authority");
        return 0;
}

static void set_user_agent(struct mv_kube_config *config, const char *user_agent) {
        static const char *const machines[][2] = { { "x86_64", "amd64" }, { "aarch64", "arm64" } };
        struct utsname system = { 0 };
        uname(&system);
        const char *machine = system.machine;
        for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
                if (strcmp(machine, machines[i][0]) == 0)
                        machine = machines[i][1];
        config->user_agent = mv_arena_format(&config->arena, "%s (linux/%s)",
                                             given(user_agent) ? user_agent : "migvet", machine);
}

static int load(struct loading *loading) {
        const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
        struct mv_kube_config *config = loading->config;
        int r = find_names(loading);
        if (!r)
                r = open_files(loading);
        if (r)
                return r;
        if (!nothing_there(loading) || given(loading->options->context))
                r = from_files(loading);
        else if (!loading->explicit && given(host) && given(port))
                r = from_service_account(loading, host, port);
        else
                r = nothing_configured(loading);
        if (!r)
                r = take_trust_of_environment(loading);
        if (!r)
                r = mv_kube_take_proxy_of_environment(config, loading->err);
        config->namespace_given = config->namespace.n > 0;
        if (!config->namespace_given)
                config->namespace = mv_kube_keep(config, MV_STR("default"));
        set_user_agent(config, loading->options->user_agent);
        return r ? r : mv_arena_failed(&config->arena) ? mv_err_oom(loading->err) : 0;
}

int mv_kube_config_load(const struct mv_kube_config_options *options, struct mv_kube_config **ret,
                        struct mv_err *err) {
        struct loading loading = { .options = options, .err = err };
        loading.config = calloc(1, sizeof *loading.config);
        if (!loading.config)
                return mv_err_oom(err);
        mv_arena_init(&loading.config->arena, &mv_allocator_wiping, 0);
        mv_arena_init(&loading.arena, &mv_allocator_system, 0);
        int r = load(&loading);
        for (size_t i = 0; i < loading.n_files; i++)
                mv_kubeconfig_close(&loading.files[i]);
        mv_arena_done(&loading.arena);
        if (r)
                mv_kube_config_free(loading.config);
        else
                *ret = loading.config;
        return r;
}

struct mv_kube_config *mv_kube_config_free(struct mv_kube_config *config) {
        if (config)
                mv_arena_done(&config->arena);
        free(config);
        return NULL;
}
