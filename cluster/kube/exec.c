/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/exec.h"

#include "certs/clock.h"
#include "certs/peer.h"
#include "cluster/kube/plain.h"
#include "cluster/kube/wipe.h"
#include "policy/base/base64.h"
#include "policy/base/buf.h"
#include "policy/base/json.h"
#include "policy/base/time.h"
#include "policy/object/decode.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        MAX_OUTPUT = 1024 * 1024,
        TIMEOUT_MS = 60 * 1000,
        INTERACTIVE_TIMEOUT_MS = 300 * 1000,
        SLICE_MS = 20, /* how soon the end is noticed of a plugin whose child keeps its output open */
        PADDING = 8,
};

#define INFO "KUBERNETES_EXEC_INFO="

struct plugin {
        const struct mv_kube_config *config;
        bool interactive;
        unsigned timeout_ms;
        const atomic_bool *cancel; /* NULL */
        struct mv_arena arena;     /* arguments and environment */
        char **arguments, **environment;
        struct mv_buf output;
        struct mv_err *err;
};

#define FAIL(plugin, code, format, ...)                                                               \
        mv_err_set((plugin)->err, (code), "exec plugin %s " format, (plugin)->config->exec.command.p, \
                   ##__VA_ARGS__)

/* --- what it is given --- */

static void write_cluster(struct mv_json *json, const struct mv_kube_config *config,
                          struct mv_str authority_pem, struct mv_buf *scratch) {
        mv_json_key(json, "cluster");
        mv_json_object(json);
        mv_json_member(json, "server", config->server);
        if (config->tls_server_name.n)
                mv_json_member(json, "tls-server-name", config->tls_server_name);
        if (authority_pem.n) {
                mv_buf_append_base64(scratch, authority_pem);
                mv_json_member(json, "certificate-authority-data", mv_buf_str(scratch));
        }
        if (config->proxy.n && !config->proxy_from_environment)
                mv_json_member(json, "proxy-url", config->proxy);
        if (config->disable_compression) {
                mv_json_key(json, "disable-compression");
                mv_json_bool(json, true);
        }
        mv_json_key(json, "config");
        if (config->exec.cluster_config.n)
                mv_json_raw(json, config->exec.cluster_config);
        else
                mv_json_null(json);
        mv_json_end(json);
}

/* KUBERNETES_EXEC_INFO=...; NULL when out of memory. */
static const char *make_info(struct plugin *plugin, struct mv_str authority_pem) {
        const struct mv_kube_exec *exec = &plugin->config->exec;
        struct mv_buf text, scratch;
        struct mv_json json;
        mv_buf_init(&text, &mv_allocator_wiping, 4 * MAX_OUTPUT);
        mv_buf_init(&scratch, &mv_allocator_system, 2 * MAX_OUTPUT);
        mv_buf_append_text(&text, INFO);
        mv_json_init(&json, &text);
        mv_json_object(&json);
        mv_json_member(&json, "apiVersion", exec->api_version);
        mv_json_member(&json, "kind", MV_STR("ExecCredential"));
        mv_json_key(&json, "spec");
        mv_json_object(&json);
        if (exec->provide_cluster_info)
                write_cluster(&json, plugin->config, authority_pem, &scratch);
        mv_json_key(&json, "interactive");
        mv_json_bool(&json, plugin->interactive);
        mv_json_end(&json);
        mv_json_end(&json);
        bool failed = mv_buf_failed(&text) || mv_buf_failed(&scratch);
        const char *info = failed ? NULL : mv_arena_copy(&plugin->arena, mv_buf_str(&text)).p;
        mv_buf_done(&scratch);
        mv_buf_done(&text);
        return info;
}

/* variable is "NAME=value" with one of the names that the plugin's entry or we set. */
static bool is_replaced(const struct mv_kube_exec *exec, const char *variable) {
        struct mv_str text = mv_str_from(variable);
        struct mv_str name = { variable, mv_str_find_byte(text, '=') };
        for (size_t i = 0; i < exec->n_env; i++)
                if (mv_str_equal(exec->env[i].name, name))
                        return true;
        return mv_str_starts_with(text, MV_STR(INFO));
}

/* A copy that execve may have, which takes its strings without const. */
static char *own(struct plugin *plugin, const char *text) {
        struct mv_str s = mv_str_from(text);
        char *copy = mv_arena_allocate(&plugin->arena, s.n + 1, 1);
        if (copy)
                memcpy(copy, s.p, s.n);
        return copy;
}

static bool make_arguments(struct plugin *plugin, struct mv_str authority_pem) {
        const struct mv_kube_exec *exec = &plugin->config->exec;
        size_t n_environ = 0, n = 0;
        while (environ[n_environ])
                n_environ++;
        plugin->arguments = mv_arena_new_array(&plugin->arena, char *, exec->n_args + 2);
        plugin->environment = mv_arena_new_array(&plugin->arena, char *, n_environ + exec->n_env + 2);
        const char *info = make_info(plugin, authority_pem);
        if (!plugin->arguments || !plugin->environment || !info)
                return false;
        plugin->arguments[0] = own(plugin, exec->command.p);
        for (size_t i = 0; i < exec->n_args; i++)
                plugin->arguments[i + 1] = own(plugin, exec->args[i].p);
        for (size_t i = 0; i < n_environ; i++)
                if (!is_replaced(exec, environ[i]))
                        plugin->environment[n++] = environ[i];
        for (size_t i = 0; i < exec->n_env; i++) {
                struct mv_str variable =
                        mv_arena_format(&plugin->arena, "%s=%s", exec->env[i].name.p, exec->env[i].value.p);
                plugin->environment[n++] = variable.p ? own(plugin, variable.p) : NULL;
        }
        plugin->environment[n] = own(plugin, info);
        return !mv_arena_failed(&plugin->arena);
}

/* --- running it --- */

static int not_started(struct plugin *plugin, int number) {
        char text[128], hint[256];
        if (number != ENOENT)
                return FAIL(plugin, MV_EIO, "cannot be run: %s", strerror_r(number, text, sizeof text));
        snprintf(hint, sizeof hint, "%.*s", MV_STR_ARG(plugin->config->exec.install_hint));
        for (char *p = hint; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        *p = ' ';
        return FAIL(plugin, MV_ENOTFOUND, "is not installed%s%s", hint[0] ? ": " : "", hint);
}

/* In a group of its own, unless it needs the terminal, so that what it starts can be ended with it; with the signals as a
 * new program has them. */
static int spawn(struct plugin *plugin, int output, pid_t *ret) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        if (posix_spawn_file_actions_init(&actions))
                return ENOMEM;
        if (posix_spawnattr_init(&attributes)) {
                posix_spawn_file_actions_destroy(&actions);
                return ENOMEM;
        }
        short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
        if (!plugin->interactive)
                flags |= POSIX_SPAWN_SETPGROUP;
        int r = posix_spawnattr_setflags(&attributes, flags);
        if (!r)
                r = posix_spawnattr_setsigmask(&attributes, &none);
        if (!r)
                r = posix_spawnattr_setsigdefault(&attributes, &all);
        if (!r)
                r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        if (!r && !plugin->interactive)
                r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (!r)
                r = posix_spawnp(ret, plugin->arguments[0], &actions, &attributes, plugin->arguments,
                                 plugin->environment);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return r;
}

/* The plugin has ended. */
static bool has_ended(pid_t pid, bool *ended, int *status) {
        if (!*ended)
                *ended = waitpid(pid, status, WNOHANG) == pid;
        return *ended;
}

/* Read what there is. 1: more may come, 0: this is all, negative: an error. */
static int read_piece(struct plugin *plugin, int fd) {
        enum { PIECE = 4096 };
        char *to = mv_buf_reserve(&plugin->output, PIECE);
        if (!to)
                return plugin->output.n + PIECE > plugin->output.maximum
                               ? FAIL(plugin, MV_ELIMIT, "writes more than %d bytes", MAX_OUTPUT)
                               : mv_err_oom(plugin->err);
        ssize_t n = read(fd, to, PIECE);
        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 1 : FAIL(plugin, MV_EIO, "cannot be read from");
        plugin->output.n += (size_t)n;
        return n > 0;
}

/* Until its output ends, or it does, or its time. */
static int collect(struct plugin *plugin, int fd, pid_t pid) {
        long long end = mv_clock_ms() + plugin->timeout_ms;
        bool open = true, ended = false;
        int status = 0, r = 0;
        while (!r && (open || !ended)) {
                bool was_ended = has_ended(pid, &ended, &status);
                struct pollfd poll_fd = { .fd = open ? fd : -1, .events = POLLIN };
                int ready = poll(&poll_fd, 1, SLICE_MS);
                if (ready > 0) {
                        int piece = read_piece(plugin, fd);
                        r = piece < 0 ? piece : 0;
                        open = piece > 0;
                } else if (was_ended)
                        open = false;
                if (!r && (open || !ended) && plugin->cancel && atomic_load(plugin->cancel))
                        r = FAIL(plugin, MV_EIO, "is not waited for any more");
                if (!r && (open || !ended) && mv_clock_ms() >= end)
                        r = FAIL(plugin, MV_ETIMEOUT, "gave no answer within %u s",
                                 plugin->timeout_ms / 1000);
        }
        if (!ended) {
                kill(plugin->interactive ? pid : -pid, SIGKILL);
                while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                        ;
        }
        if (!r && WIFSIGNALED(status))
                r = FAIL(plugin, MV_EIO, "was ended by signal %d", WTERMSIG(status));
        else if (!r && WEXITSTATUS(status))
                r = FAIL(plugin, MV_EIO, "failed with exit status %d", WEXITSTATUS(status));
        return r;
}

static int run(struct plugin *plugin) {
        int ends[2];
        pid_t pid;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return not_started(plugin, errno);
        int number = spawn(plugin, ends[1], &pid);
        close(ends[1]);
        int r = number ? not_started(plugin, number) : collect(plugin, ends[0], pid);
        close(ends[0]);
        return r;
}

/* --- what it gives --- */

struct exec_status {
        struct mv_str token, certificate, key, expires;
};
static const struct mv_field status_fields[] = {
        MV_FIELD(struct exec_status, "token", MV_TYPE_STRING, token),
        MV_FIELD(struct exec_status, "clientCertificateData", MV_TYPE_STRING, certificate),
        MV_FIELD(struct exec_status, "clientKeyData", MV_TYPE_STRING, key),
        MV_FIELD(struct exec_status, "expirationTimestamp", MV_TYPE_STRING, expires),
};
static const struct mv_table status_table = MV_TABLE(status_fields, struct exec_status);

struct exec_credential {
        struct mv_str api_version, kind;
        struct exec_status *status;
};
static const struct mv_field credential_fields[] = {
        MV_FIELD(struct exec_credential, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD(struct exec_credential, "kind", MV_TYPE_STRING, kind),
        MV_FIELD_TABLE(struct exec_credential, "status", MV_TYPE_POINTER, status, &status_table),
};
static const struct mv_table credential_table = MV_TABLE(credential_fields, struct exec_credential);

static int take(struct plugin *plugin, const struct exec_status *status, struct mv_kube_credential *ret) {
        struct mv_err why = { 0 };
        int64_t expires = INT64_MAX;
        if (!status)
                return FAIL(plugin, MV_ETYPE, "gave a credential without status");
        if (status->expires.n && !mv_time_parse(status->expires, &expires))
                return FAIL(plugin, MV_ETYPE, "gave a status.expirationTimestamp that is no time");
        if ((status->certificate.n != 0) != (status->key.n != 0))
                return FAIL(plugin, MV_ETYPE,
                            "gave only one of status.clientCertificateData and clientKeyData");
        if (!status->token.n && !status->certificate.n)
                return FAIL(plugin, MV_ETYPE, "gave neither status.token nor status.clientCertificateData");
        if (!mv_kube_is_plain(status->token))
                return FAIL(plugin, MV_ETYPE, "gave a status.token with a control character");
        if (status->certificate.n && mv_peer_check_pair(status->certificate, status->key, &why))
                return FAIL(plugin, why.code, "gave a client certificate that is not good: %s", why.message);
        ret->token = mv_arena_copy(&ret->arena, status->token);
        ret->certificate = mv_arena_copy(&ret->arena, status->certificate);
        ret->key = mv_arena_copy(&ret->arena, status->key);
        ret->expires = expires;
        return mv_arena_failed(&ret->arena) ? mv_err_oom(plugin->err) : 0;
}

static int decode(struct plugin *plugin, struct mv_kube_credential *ret) {
        struct mv_str text = mv_buf_str(&plugin->output);
        const struct mv_decode how = { .arena = &ret->arena };
        struct exec_credential credential;
        struct mv_err why = { 0 };
        char *padding = mv_buf_reserve(&plugin->output, PADDING);
        if (!padding)
                return mv_err_oom(plugin->err);
        memset(padding, 0, PADDING);
        text.p = plugin->output.p;
        int r = mv_decode(&how, text, &credential_table, &credential, &why);
        if (r)
                return FAIL(plugin, r, "gave no ExecCredential: %s%s%s", why.path, why.path[0] ? ": " : "",
                            why.message);
        if (!mv_str_is(credential.kind, "ExecCredential") ||
            !mv_str_equal(credential.api_version, plugin->config->exec.api_version))
                return FAIL(plugin, MV_ETYPE, "gave something else than an ExecCredential of %s",
                            plugin->config->exec.api_version.p);
        return take(plugin, credential.status, ret);
}

int mv_kube_exec_run(const struct mv_kube_config *config, struct mv_str authority_pem, unsigned timeout_ms,
                     const atomic_bool *cancel, struct mv_kube_credential *ret, struct mv_err *err) {
        struct plugin plugin = { .config = config, .cancel = cancel, .err = err };
        enum mv_kube_interactive mode = config->exec.interactive;
        plugin.interactive = mode != MV_KUBE_INTERACTIVE_NEVER && isatty(STDIN_FILENO);
        if (mode == MV_KUBE_INTERACTIVE_ALWAYS && !plugin.interactive)
                return FAIL(&plugin, MV_EIO, "needs a terminal to ask, and there is none");
        plugin.timeout_ms = timeout_ms           ? timeout_ms
                            : plugin.interactive ? INTERACTIVE_TIMEOUT_MS
                                                 : TIMEOUT_MS;
        struct mv_kube_credential credential = { 0 };
        mv_arena_init(&credential.arena, &mv_allocator_wiping, 0);
        mv_arena_init(&plugin.arena, &mv_allocator_wiping, 0);
        mv_buf_init(&plugin.output, &mv_allocator_wiping, MAX_OUTPUT);
        int r = make_arguments(&plugin, authority_pem) ? run(&plugin) : mv_err_oom(err);
        if (!r)
                r = decode(&plugin, &credential);
        mv_buf_done(&plugin.output);
        mv_arena_done(&plugin.arena);
        if (r)
                mv_kube_credential_done(&credential);
        else
                *ret = credential;
        return r;
}

void mv_kube_credential_done(struct mv_kube_credential *credential) {
        if (credential->arena.allocator)
                mv_arena_done(&credential->arena);
        *credential = (struct mv_kube_credential){ 0 };
}
