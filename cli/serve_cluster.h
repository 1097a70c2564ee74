/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster that `migvet serve` judges by: files that are watched, or a live cluster. It owns the store. */
#pragma once

#include "cluster/store.h"
#include "cluster/watch.h"
#include "policy/base/buf.h"
#include "policy/base/log.h"

/* Of the command line. */
struct mv_serve_cluster_options {
        const char **filenames; /* -f */
        size_t n_filenames;
        bool recursive;
        const char *namespace; /* of objects that name none */
};

struct mv_serve_cluster {
        const struct mv_serve_cluster_options *options; /* borrowed */
        const struct mv_logger *logger;
        struct mv_store *store;
        struct mv_files_watch *files;
};

/* options and logger outlive the cluster. On failure, too, mv_serve_cluster_stop is to be called. */
int mv_serve_cluster_start(struct mv_serve_cluster *cluster, const struct mv_serve_cluster_options *options,
                           const struct mv_logger *logger, struct mv_err *err);
/* Read everything again: what SIGHUP asks for. */
void mv_serve_cluster_reload(struct mv_serve_cluster *cluster);
/* No snapshot may be on loan. */
void mv_serve_cluster_stop(struct mv_serve_cluster *cluster);

/* For struct mv_health_check; context is the cluster. Any thread. */
bool mv_serve_cluster_ready(void *context, struct mv_buf *remark);
/* For struct mv_collector. */
void mv_serve_cluster_collect(void *context, struct mv_buf *out);
