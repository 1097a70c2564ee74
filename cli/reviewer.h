/* SPDX-License-Identifier: Apache-2.0 */
/* Joins the server's backend with the cluster's store and the configuration: borrow both, answer the review, give them
 * back. */
#pragma once

#include "cli/config.h"
#include "cluster/store.h"
#include "policy/review.h"
#include "webhook/backend.h"

/* Asks the cluster for objects that its snapshot does not have yet. */
struct mv_fetcher {
        /*
         * Look for the objects, put those that are there into the store, and call done(done_context) exactly once, from any
         * thread, when all is known or the deadline (CLOCK_MONOTONIC) has come. The names are copied. False: there is nothing
         * to be asked, and done is not called.
         */
        bool (*fetch)(void *context, const struct mv_missing *missing, size_t n, long long deadline_ns,
                      void (*done)(void *done_context), void *done_context);
        /* Whether it is worth asking: the kind is watched, and the snapshot may be a moment behind. */
        bool (*wants)(void *context, const struct mv_missing *missing);
        void *context;
};

struct mv_reviewer {
        struct mv_store *store;
        const struct mv_fetcher *fetcher; /* NULL: the snapshot is all there is */
        struct mv_config_watch *configs;
        struct mv_str version;            /* --kubevirt-version, or "" */
        bool live;                        /* the store is of a live cluster, where KubeVirt answers, too */
        struct mv_review_backend backend; /* filled by mv_reviewer_init */
};

/* Both must outlive the reviewer. */
void mv_reviewer_init(struct mv_reviewer *reviewer, struct mv_store *store, struct mv_config_watch *configs);
