/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/kubeconfig.h"

#include "cluster/kube/wipe.h"
#include "policy/base/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX_BYTES = 16 * 1024 * 1024, MAX_NODES = 1000000, CHUNK = 64 * 1024, PADDING = 8 };

/* --- tables --- */

static const struct mv_field extension_fields[] = {
        MV_FIELD(struct mv_kubeconfig_extension, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_kubeconfig_extension, "extension", MV_TYPE_RAW, extension),
};
static const struct mv_table extension_table = MV_TABLE(extension_fields, struct mv_kubeconfig_extension);

#define CLUSTER(key, kind, member) MV_FIELD(struct mv_kubeconfig_cluster, key, kind, member)
static const struct mv_field cluster_fields[] = {
        CLUSTER("server", MV_TYPE_STRING, server),
        CLUSTER("tls-server-name", MV_TYPE_STRING, tls_server_name),
        CLUSTER("insecure-skip-tls-verify", MV_TYPE_BOOL, insecure_skip_tls_verify),
        CLUSTER("certificate-authority", MV_TYPE_STRING, certificate_authority),
        CLUSTER("certificate-authority-data", MV_TYPE_STRING, certificate_authority_data),
        CLUSTER("proxy-url", MV_TYPE_STRING, proxy_url),
        CLUSTER("disable-compression", MV_TYPE_BOOL, disable_compression),
        MV_FIELD_TABLE(struct mv_kubeconfig_cluster, "extensions", MV_TYPE_LIST, extensions,
                       &extension_table),
};
static const struct mv_table cluster_table = MV_TABLE(cluster_fields, struct mv_kubeconfig_cluster);

static const struct mv_field variable_fields[] = {
        MV_FIELD(struct mv_kubeconfig_variable, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_kubeconfig_variable, "value", MV_TYPE_STRING, value),
};
static const struct mv_table variable_table = MV_TABLE(variable_fields, struct mv_kubeconfig_variable);

#define EXEC(key, kind, member) MV_FIELD(struct mv_kubeconfig_exec, key, kind, member)
static const struct mv_field exec_fields[] = {
        EXEC("apiVersion", MV_TYPE_STRING, api_version),
        EXEC("command", MV_TYPE_STRING, command),
        EXEC("args", MV_TYPE_STRINGS, args),
        MV_FIELD_TABLE(struct mv_kubeconfig_exec, "env", MV_TYPE_LIST, env, &variable_table),
        EXEC("interactiveMode", MV_TYPE_STRING, interactive_mode),
        EXEC("provideClusterInfo", MV_TYPE_BOOL, provide_cluster_info),
        EXEC("installHint", MV_TYPE_STRING, install_hint),
};
static const struct mv_table exec_table = MV_TABLE(exec_fields, struct mv_kubeconfig_exec);

static const struct mv_field auth_provider_fields[] = {
        MV_FIELD(struct mv_kubeconfig_auth_provider, "name", MV_TYPE_STRING, name),
};
static const struct mv_table auth_provider_table =
        MV_TABLE(auth_provider_fields, struct mv_kubeconfig_auth_provider);

#define USER(key, kind, member) MV_FIELD(struct mv_kubeconfig_user, key, kind, member)
static const struct mv_field user_fields[] = {
        USER("client-certificate", MV_TYPE_STRING, client_certificate),
        USER("client-certificate-data", MV_TYPE_STRING, client_certificate_data),
        USER("client-key", MV_TYPE_STRING, client_key),
        USER("client-key-data", MV_TYPE_STRING, client_key_data),
        USER("token", MV_TYPE_STRING, token),
        USER("tokenFile", MV_TYPE_STRING, token_file),
        USER("username", MV_TYPE_STRING, username),
        USER("password", MV_TYPE_STRING, password),
        USER("as", MV_TYPE_STRING, as),
        USER("as-uid", MV_TYPE_STRING, as_uid),
        USER("as-groups", MV_TYPE_STRINGS, as_groups),
        USER("as-user-extra", MV_TYPE_RAW, as_user_extra),
        MV_FIELD_TABLE(struct mv_kubeconfig_user, "exec", MV_TYPE_POINTER, exec, &exec_table),
        MV_FIELD_TABLE(struct mv_kubeconfig_user, "auth-provider", MV_TYPE_POINTER, auth_provider,
                       &auth_provider_table),
};
static const struct mv_table user_table = MV_TABLE(user_fields, struct mv_kubeconfig_user);

static const struct mv_field context_fields[] = {
        MV_FIELD(struct mv_kubeconfig_context, "cluster", MV_TYPE_STRING, cluster),
        MV_FIELD(struct mv_kubeconfig_context, "user", MV_TYPE_STRING, user),
        MV_FIELD(struct mv_kubeconfig_context, "namespace", MV_TYPE_STRING, namespace),
};
static const struct mv_table context_table = MV_TABLE(context_fields, struct mv_kubeconfig_context);

#define NAMED(part_)                                                                              \
        static const struct mv_field named_##part_##_fields[] = {                                 \
                MV_FIELD(struct mv_kubeconfig_named_##part_, "name", MV_TYPE_STRING, name),       \
                MV_FIELD_TABLE(struct mv_kubeconfig_named_##part_, #part_, MV_TYPE_OBJECT, part_, \
                               &part_##_table),                                                   \
        };                                                                                        \
        static const struct mv_table named_##part_##_table =                                      \
                MV_TABLE(named_##part_##_fields, struct mv_kubeconfig_named_##part_)
NAMED(cluster);
NAMED(user);
NAMED(context);

#define CONTENT(key, kind, member, table) \
        MV_FIELD_TABLE(struct mv_kubeconfig_content, key, kind, member, table)
static const struct mv_field content_fields[] = {
        CONTENT("apiVersion", MV_TYPE_STRING, api_version, NULL),
        CONTENT("kind", MV_TYPE_STRING, kind, NULL),
        CONTENT("current-context", MV_TYPE_STRING, current_context, NULL),
        CONTENT("clusters", MV_TYPE_LIST, clusters, &named_cluster_table),
        CONTENT("users", MV_TYPE_LIST, users, &named_user_table),
        CONTENT("contexts", MV_TYPE_LIST, contexts, &named_context_table),
};
static const struct mv_table content_table = MV_TABLE(content_fields, struct mv_kubeconfig_content);

/* --- errors --- */

static int in_file(const struct mv_kubeconfig_file *file, struct mv_err *err, int code) {
        if (err && code != MV_ENOMEM)
                snprintf(err->file, sizeof err->file, "%s", file->path);
        return code;
}

/* Put the error where the slice stands. False when it is not from this file. */
static bool locate(const struct mv_kubeconfig_file *file, struct mv_str at, struct mv_err *err) {
        uintptr_t begin = (uintptr_t)file->json.p, p = (uintptr_t)at.p;
        if (!at.p || p < begin || p > begin + file->json.n)
                return false;
        mv_document_reader_locate(file->reader, (size_t)(p - begin), &err->line, &err->column);
        return true;
}

int mv_kubeconfig_fail(const struct mv_kubeconfig_place *place, const char *field, struct mv_str at,
                       struct mv_err *err, int code, const char *format, ...) {
        if (!err)
                return code;
        char message[sizeof err->message];
        va_list args;
        va_start(args, format);
        vsnprintf(message, sizeof message, format, args);
        va_end(args);
        snprintf(err->path, sizeof err->path, "%s[%zu]%s%s%s%s", place->list, place->index, field ? "." : "",
                 field ? place->part : "", field ? "." : "", field ? field : "");
        if (!locate(place->file, at, err))
                locate(place->file, place->name, err);
        return in_file(place->file, err, mv_err_set(err, code, "%s", message));
}

/* --- reading --- */

static int system_error(struct mv_err *err, int number) {
        char text[128];
        return mv_err_set(err, number == ENOENT || number == ENOTDIR ? MV_ENOTFOUND : MV_EIO,
                          "cannot be read: %s", strerror_r(number, text, sizeof text));
}

/* Whatever it is, also a pipe of the shell. */
static int read_text(const char *path, struct mv_buf *text, struct mv_err *err) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), r = 0;
        if (fd < 0)
                return system_error(err, errno);
        for (;;) {
                char *to = mv_buf_reserve(text, CHUNK);
                ssize_t n = to ? read(fd, to, CHUNK) : 0;
                if (n < 0 && errno == EINTR)
                        continue;
                if (!to)
                        r = text->n + CHUNK > text->maximum
                                    ? mv_err_set(err, MV_ELIMIT, "is larger than %d bytes", MAX_BYTES)
                                    : mv_err_oom(err);
                else if (n < 0)
                        r = system_error(err, errno);
                else
                        text->n += (size_t)n;
                if (n <= 0)
                        break;
        }
        close(fd);
        char *padding = r ? NULL : mv_buf_reserve(text, PADDING);
        if (padding)
                memset(padding, 0, PADDING);
        else if (!r)
                r = mv_err_oom(err);
        return r;
}

static int decode(struct mv_kubeconfig_file *file, struct mv_err *err) {
        const struct mv_yaml_limits limits = { .nodes = MAX_NODES };
        int r = mv_document_reader_new(&mv_allocator_wiping, mv_buf_str(&file->text), &limits, &file->reader,
                                       err);
        if (!r)
                r = mv_document_reader_next(file->reader, &file->json, err);
        if (r || !file->json.p)
                return r;
        const struct mv_decode how = { .arena = &file->arena };
        struct mv_err why = { 0 };
        r = mv_decode(&how, file->json, &content_table, &file->content, &why);
        if (r) {
                if (r != MV_ENOMEM)
                        mv_document_reader_locate(file->reader, why.offset, &why.line, &why.column);
                if (err)
                        *err = why;
        }
        return r;
}

/* Names are unique in each list, and this is a kubeconfig. */
static int check_content(struct mv_kubeconfig_file *file, struct mv_err *err);

int mv_kubeconfig_open(const char *path, struct mv_kubeconfig_file *ret, struct mv_err *err) {
        struct mv_kubeconfig_file file = { .path = path };
        mv_arena_init(&file.arena, &mv_allocator_wiping, 0);
        mv_buf_init(&file.text, &mv_allocator_wiping, MAX_BYTES + CHUNK);
        int r = read_text(path, &file.text, err);
        if (!r)
                r = decode(&file, err);
        if (!r)
                r = check_content(&file, err);
        if (r) {
                in_file(&file, err, r);
                mv_kubeconfig_close(&file);
                return r;
        }
        *ret = file;
        return 0;
}

int mv_kubeconfig_finish(struct mv_kubeconfig_file *file, struct mv_err *err) {
        struct mv_str more = { 0 };
        int r = file->json.p ? mv_document_reader_next(file->reader, &more, err) : 0;
        file->json = (struct mv_str){ 0 };
        if (!r && more.p) {
                r = mv_err_set(err, MV_ETYPE, "holds more than one document");
                if (err)
                        mv_document_reader_locate(file->reader, 0, &err->line, &err->column);
        }
        return r ? in_file(file, err, r) : 0;
}

void mv_kubeconfig_close(struct mv_kubeconfig_file *file) {
        mv_document_reader_free(file->reader);
        mv_buf_done(&file->text);
        mv_arena_done(&file->arena);
}

/* --- entries --- */

/* Entries begin with their name; those of a list are stride bytes apart. */
struct entries {
        const struct mv_list *list;
        const char *name, *part;
        size_t stride;
};

enum { CLUSTERS, USERS, CONTEXTS, LISTS };

static struct entries entries_of(const struct mv_kubeconfig_content *content, int which) {
        /* An MV_LIST has the layout of struct mv_list. */
        const struct entries all[LISTS] = {
                [CLUSTERS] = { (const struct mv_list *)&content->clusters, "clusters", "cluster",
                               sizeof(struct mv_kubeconfig_named_cluster) },
                [USERS] = { (const struct mv_list *)&content->users, "users", "user",
                            sizeof(struct mv_kubeconfig_named_user) },
                [CONTEXTS] = { (const struct mv_list *)&content->contexts, "contexts", "context",
                               sizeof(struct mv_kubeconfig_named_context) },
        };
        return all[which];
}

static const void *entry(const struct entries *entries, size_t i) {
        return (const char *)entries->list->items + i * entries->stride;
}

static const struct mv_str *name_of(const struct entries *entries, size_t i) {
        return entry(entries, i);
}

static struct mv_kubeconfig_place place_of(const struct mv_kubeconfig_file *file,
                                           const struct entries *entries, size_t i) {
        return (struct mv_kubeconfig_place){ file, entries->name, entries->part, i, *name_of(entries, i) };
}

static const void *find(const struct mv_kubeconfig_file *files, size_t n, int which, struct mv_str name,
                        struct mv_kubeconfig_place *ret) {
        for (size_t f = 0; f < n; f++) {
                struct entries entries = entries_of(&files[f].content, which);
                for (size_t i = 0; i < entries.list->n; i++)
                        if (mv_str_equal(*name_of(&entries, i), name)) {
                                *ret = place_of(&files[f], &entries, i);
                                return entry(&entries, i);
                        }
        }
        return NULL;
}

const struct mv_kubeconfig_cluster *mv_kubeconfig_find_cluster(const struct mv_kubeconfig_file *files,
                                                               size_t n, struct mv_str name,
                                                               struct mv_kubeconfig_place *ret) {
        const struct mv_kubeconfig_named_cluster *found = find(files, n, CLUSTERS, name, ret);
        return found ? &found->cluster : NULL;
}

const struct mv_kubeconfig_user *mv_kubeconfig_find_user(const struct mv_kubeconfig_file *files, size_t n,
                                                         struct mv_str name,
                                                         struct mv_kubeconfig_place *ret) {
        const struct mv_kubeconfig_named_user *found = find(files, n, USERS, name, ret);
        return found ? &found->user : NULL;
}

const struct mv_kubeconfig_context *mv_kubeconfig_find_context(const struct mv_kubeconfig_file *files,
                                                               size_t n, struct mv_str name,
                                                               struct mv_kubeconfig_place *ret) {
        const struct mv_kubeconfig_named_context *found = find(files, n, CONTEXTS, name, ret);
        return found ? &found->context : NULL;
}

static int check_names(struct mv_kubeconfig_file *file, int which, struct mv_err *err) {
        struct entries entries = entries_of(&file->content, which);
        struct mv_names_index index;
        if (!entries.list->n)
                return 0;
        if (!mv_names_index_build(&file->arena, &index, entries.list->items, entries.list->n, entries.stride))
                return mv_err_oom(err);
        for (size_t i = 0; i < entries.list->n; i++) {
                struct mv_kubeconfig_place place = place_of(file, &entries, i);
                size_t first = mv_names_index_find(&index, place.name);
                if (first != i)
                        return mv_kubeconfig_fail(&place, NULL, place.name, err, MV_ETYPE,
                                                  "\"%.*s\" is also the name of %s[%zu]",
                                                  MV_STR_ARG(place.name), place.list, first);
        }
        return 0;
}

static int wrong_kind(struct mv_kubeconfig_file *file, const char *field, struct mv_str is,
                      const char *expected, struct mv_err *err) {
        if (!is.n || mv_str_is(is, expected))
                return 0;
        if (err) {
                snprintf(err->path, sizeof err->path, "%s", field);
                locate(file, is, err);
        }
        return mv_err_set(err, MV_ETYPE, "is \"%.*s\": a kubeconfig has %s", MV_STR_ARG(is), expected);
}

static int check_content(struct mv_kubeconfig_file *file, struct mv_err *err) {
        int r = wrong_kind(file, "apiVersion", file->content.api_version, "v1", err);
        if (!r)
                r = wrong_kind(file, "kind", file->content.kind, "Config", err);
        for (int which = 0; which < LISTS && !r; which++)
                r = check_names(file, which, err);
        return r;
}
