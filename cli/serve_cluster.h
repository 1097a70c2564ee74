/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster that `migvet serve` judges by: files that are watched, or a live cluster. It owns the store. */
#pragma once

#include "cli/reviewer.h"
#include "cluster/kube/watch.h"
#include "cluster/store.h"
#include "cluster/watch.h"
#include "policy/base/buf.h"
#include "policy/base/log.h"

/* Of the command line. */
struct mv_serve_cluster_options {
        const char **filenames; /* -f; none: the live cluster */
        size_t n_filenames;
        bool recursive;
        const char *namespace;             /* of objects in files that name none */
        uint64_t texts;                    /* kinds whose objects keep their text, for siteRules */
        const struct mv_kube_config *kube; /* which live cluster; not used with files */
};

enum { MV_FETCH_RESULTS = 3 }; /* of enum mv_kube_found */

struct mv_serve_cluster {
        const struct mv_serve_cluster_options *options; /* borrowed */
        const struct mv_logger *logger;
        struct mv_store *store;
        struct mv_files_watch *files; /* or */
        struct mv_kube_watch *live;
        struct mv_fetcher fetcher; /* of a live cluster */
        _Atomic unsigned long long fetched[MV_FETCH_RESULTS], confirmed[MV_FETCH_RESULTS];
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
