/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client shows to the server, and whom it trusts, kept current: files are read again when they change, a plugin is
 * run again when what it gave expires or was refused. It runs in a thread of its own; whoever wants credentials meanwhile
 * asks again when it is over.
 *
 * When something cannot be renewed, what there was stays in use, until the server refuses it;
 * mv_kube_credentials_problem says why.
 */
#pragma once

#include "certs/file.h"
#include "certs/memory_file.h"
#include "cluster/kube/config.h"
#include "cluster/kube/exec_thread.h"
#include "policy/base/buf.h"

/* A PEM that the configuration names, as libcurl wants it. */
struct mv_kube_pem_state {
        struct mv_file_stamp stamp; /* of the file, when there is one */
        struct mv_buf text;
        struct mv_memory_file file;
};

struct mv_kube_credentials {
        const struct mv_kube_config *config;
        struct mv_kube_pem_state authority, certificate, key;
        struct mv_buf token;
        struct mv_file_stamp token_stamp;

        struct mv_kube_exec_thread run; /* of the plugin; its owner may set `ended` */
        struct mv_kube_credential plugin;
        bool plugin_pauses, refused;
        long long plugin_ms; /* when it ended last, on the monotonic clock */

        unsigned generation; /* of all that is shown to the server */
        struct mv_err file_problem, plugin_problem;
};

/* Read the files; the plugin is not run. */
int mv_kube_credentials_init(struct mv_kube_credentials *credentials, const struct mv_kube_config *config,
                             struct mv_err *err);
void mv_kube_credentials_done(struct mv_kube_credentials *credentials);

/* To be called before each request. 1: a plugin is under way, and what is to be shown is not there yet. An error is one that
 * leaves nothing to show. now is the time of the day, now_ms the monotonic clock. */
int mv_kube_credentials_refresh(struct mv_kube_credentials *credentials, long long now, long long now_ms,
                                struct mv_err *err);
/* The server answered 401 to a request of that generation. */
void mv_kube_credentials_refuse(struct mv_kube_credentials *credentials, unsigned generation);
/* Why something is not current; NULL when all is well. */
const struct mv_err *mv_kube_credentials_problem(const struct mv_kube_credentials *credentials);
