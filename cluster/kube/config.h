/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which API server, and as whom: what kubectl would make of its kubeconfig files, or of the service account of a pod.
 *
 * Files: the one that is named, else those of $KUBECONFIG (the first that has an entry or a value wins; those that do
 * not exist are passed over), else ~/.kube/config. Where none of the latter two holds anything, the service account of the
 * pod we run in. Relative paths in a file are relative to its directory.
 *
 * What always holds of a configuration that was loaded:
 * - It is const, owns its memory, and may be read by any thread; keys and tokens are wiped when it is freed.
 * - The server is reached by https, and its certificate will be verified. What would switch that off is an error.
 * - Texts that are not empty are followed by a NUL byte that is not counted. None of those that end up in a header has control
 *   characters.
 * Errors name file, field path, and line and column, and never the value of a secret.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct mv_kube_config_options {
        const char *kubeconfig; /* --kubeconfig; NULL: see above */
        const char *context;    /* --context; NULL: current-context */
        const char *user_agent; /* "migvet/1.0.0"; NULL: "migvet" */
        /* Directory of token, ca.crt and namespace; NULL: where Kubernetes mounts the pod's service account. */
        const char *service_account;
};

/* PEM text from a file, which is read again when it changes, or as data. Neither: not given. */
struct mv_kube_pem {
        struct mv_str file; /* "" or the path */
        struct mv_str data;
};

enum mv_kube_interactive {
        MV_KUBE_INTERACTIVE_NEVER,
        MV_KUBE_INTERACTIVE_IF_AVAILABLE,
        MV_KUBE_INTERACTIVE_ALWAYS
};

struct mv_kube_variable {
        struct mv_str name, value;
};

/* A program that gives a token or a client certificate. command.n == 0: none. */
struct mv_kube_exec {
        struct mv_str api_version; /* "client.authentication.k8s.io/v1", or v1beta1 */
        struct mv_str command;     /* a path, or a name to be found in $PATH */
        const struct mv_str *args;
        size_t n_args;
        const struct mv_kube_variable *env;
        size_t n_env;
        enum mv_kube_interactive interactive;
        bool provide_cluster_info;
        struct mv_str cluster_config; /* JSON of the cluster's extension for plugins; "" when there is none */
        struct mv_str install_hint;
};

/* As whom we act; user.n == 0: as ourselves. */
struct mv_kube_impersonate {
        struct mv_str user, uid;
        const struct mv_str *groups;
        size_t n_groups;
        const struct mv_kube_variable *extra; /* a key may come several times */
        size_t n_extra;
};

struct mv_kube_config {
        struct mv_arena arena; /* owns all the rest */

        struct mv_str origin;    /* for people: the file of the context, or "service account" */
        struct mv_str context;   /* "" in a pod */
        struct mv_str namespace; /* of the context or the pod, else "default" */
        bool namespace_given;

        struct mv_str server; /* "https://host:6443/prefix", no slash at its end */
        struct mv_str host;   /* of server, IPv6 addresses without brackets */
        unsigned port;
        struct mv_str prefix;          /* path of server: "" or "/prefix" */
        struct mv_str tls_server_name; /* verify and announce this name instead of host; "" */
        struct mv_kube_pem authority;  /* not given: those of the system */
        /* The system's are in these, as $SSL_CERT_FILE and $SSL_CERT_DIR say; "": where they usually are. */
        struct mv_str trust_file, trust_directory;
        struct mv_str proxy; /* URL, maybe with a password: never to be shown; "" for none */
        bool proxy_from_environment;
        bool disable_compression;

        struct mv_kube_pem certificate, key; /* of the client; both or neither */
        struct mv_str token;                 /* used when token_file is not given, or was never readable */
        struct mv_str token_file;
        struct mv_kube_exec exec;
        struct mv_kube_impersonate impersonate;

        struct mv_str user_agent; /* with system and machine */
};

/*
 * MV_ENOTFOUND (no configuration, no such file or context), MV_ESYNTAX, MV_ETYPE, MV_EUSAGE (what we refuse to do),
 * MV_ELIMIT, MV_EIO, MV_ENOMEM. Files of certificates and tokens are not read yet: mv_kube_client_new does that.
 */
int mv_kube_config_load(const struct mv_kube_config_options *options, struct mv_kube_config **ret,
                        struct mv_err *err);
/* Takes NULL; returns NULL. */
struct mv_kube_config *mv_kube_config_free(struct mv_kube_config *config);
