/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeconfig files as they stand, before anything is made of them: read, decoded, searched, and errors put where they
 * belong. Slices point into the texts of the files and live as long as these.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/base/buf.h"
#include "policy/base/err.h"
#include "policy/base/str.h"
#include "policy/object/decode.h"
#include "policy/object/document.h"

#include <stdbool.h>
#include <stddef.h>

struct mv_kubeconfig_extension {
        struct mv_str name, extension; /* JSON */
};

struct mv_kubeconfig_cluster {
        struct mv_str server, tls_server_name, certificate_authority, certificate_authority_data, proxy_url;
        bool insecure_skip_tls_verify, disable_compression;
        MV_LIST(struct mv_kubeconfig_extension) extensions;
};

struct mv_kubeconfig_variable {
        struct mv_str name, value;
};

struct mv_kubeconfig_exec {
        struct mv_str api_version, command, interactive_mode, install_hint;
        struct mv_strings args;
        MV_LIST(struct mv_kubeconfig_variable) env;
        bool provide_cluster_info;
};

struct mv_kubeconfig_auth_provider {
        struct mv_str name;
};

struct mv_kubeconfig_user {
        struct mv_str client_certificate, client_certificate_data, client_key, client_key_data;
        struct mv_str token, token_file, username, password;
        struct mv_str as, as_uid, as_user_extra; /* the last is JSON */
        struct mv_strings as_groups;
        struct mv_kubeconfig_exec *exec;
        struct mv_kubeconfig_auth_provider *auth_provider;
};

struct mv_kubeconfig_context {
        struct mv_str cluster, user, namespace;
};

/* Of the lists of a file. */
struct mv_kubeconfig_named_cluster {
        struct mv_str name;
        struct mv_kubeconfig_cluster cluster;
};
struct mv_kubeconfig_named_user {
        struct mv_str name;
        struct mv_kubeconfig_user user;
};
struct mv_kubeconfig_named_context {
        struct mv_str name;
        struct mv_kubeconfig_context context;
};

struct mv_kubeconfig_content {
        struct mv_str api_version, kind, current_context;
        MV_LIST(struct mv_kubeconfig_named_cluster) clusters;
        MV_LIST(struct mv_kubeconfig_named_user) users;
        MV_LIST(struct mv_kubeconfig_named_context) contexts;
};

struct mv_kubeconfig_file {
        const char *path; /* the caller's */
        struct mv_arena arena;
        struct mv_buf text;
        struct mv_document_reader *reader;
        struct mv_str json; /* p is NULL: the file is empty */
        struct mv_kubeconfig_content content;
};

/* MV_ENOTFOUND when there is no such file; MV_EIO, MV_ESYNTAX, MV_ETYPE, MV_ELIMIT, MV_ENOMEM. On failure nothing is to be
 * freed. */
int mv_kubeconfig_open(const char *path, struct mv_kubeconfig_file *ret, struct mv_err *err);
/* To be called last: there is nothing behind what was read. MV_ETYPE, MV_ESYNTAX. */
int mv_kubeconfig_finish(struct mv_kubeconfig_file *file, struct mv_err *err);
/* Wipes what it held. */
void mv_kubeconfig_close(struct mv_kubeconfig_file *file);

/* An entry of a list, for errors in it. */
struct mv_kubeconfig_place {
        const struct mv_kubeconfig_file *file;
        const char *list; /* "users" */
        const char *part; /* "user" */
        size_t index;
        struct mv_str name; /* of the entry */
};

/* Report what is wrong with a field of the entry ("exec.command"; NULL: the entry itself), at the place of the slice `at`, or
 * of the entry's name when that is not from the file. Returns code. */
int mv_kubeconfig_fail(const struct mv_kubeconfig_place *place, const char *field, struct mv_str at,
                       struct mv_err *err, int code, const char *format, ...)
        __attribute__((format(printf, 6, 7)));

/* The entry of that name, in the first file that has one; NULL when none has. */
const struct mv_kubeconfig_cluster *mv_kubeconfig_find_cluster(const struct mv_kubeconfig_file *files,
                                                               size_t n, struct mv_str name,
                                                               struct mv_kubeconfig_place *ret);
const struct mv_kubeconfig_user *mv_kubeconfig_find_user(const struct mv_kubeconfig_file *files, size_t n,
                                                         struct mv_str name, struct mv_kubeconfig_place *ret);
const struct mv_kubeconfig_context *mv_kubeconfig_find_context(const struct mv_kubeconfig_file *files,
                                                               size_t n, struct mv_str name,
                                                               struct mv_kubeconfig_place *ret);
