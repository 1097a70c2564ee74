/* SPDX-License-Identifier: Apache-2.0 */
/* Joins the server's backend with the cluster's store and the configuration: borrow both, answer the review, give them
 * back. */
#pragma once

#include "cli/config.h"
#include "cluster/store.h"
#include "policy/review.h"
#include "webhook/backend.h"

struct mv_serve_audit; /* cli/serve_audit.h */

/* Asks the cluster for objects that its snapshot does not have yet. */
struct mv_fetcher {
        /*
         * Look for the objects, put those that are there into the store, and call done(done_context, known) exactly once,
         * from any thread, when all is known or the deadline (CLOCK_MONOTONIC) has come. Bit i of known: missing[i] was put
         * into the store, or does not exist. The names are copied. False: nobody can be asked, and done is not called.
         */
        bool (*fetch)(void *context, const struct mv_missing *missing, size_t n, long long deadline_ns,
                      void (*done)(void *done_context, uint64_t known), void *done_context);
        /* Whether it is worth asking: the kind is watched, and the snapshot may be a moment behind. */
        bool (*wants)(void *context, const struct mv_missing *missing);
        /* As fetch, but ask in any case, and wait until the snapshot in force is as new as the answer. Bit i of confirmed: it
         * is. NULL: nobody can be asked. */
        bool (*confirm)(void *context, const struct mv_missing *objects, size_t n, long long deadline_ns,
                        void (*done)(void *done_context, uint64_t confirmed), void *done_context);
        void *context;
};

struct mv_delivery; /* cli/serve_delivery.h */

struct mv_reviewer {
        struct mv_store *store;
        const struct mv_fetcher *fetcher; /* NULL: the snapshot is all there is */
        struct mv_config_watch *configs;
        struct mv_delivery *delivery;     /* who is told of verdicts; NULL: nobody */
        struct mv_str version;            /* --kubevirt-version, or "" */
        bool live;                        /* the store is of a live cluster, where KubeVirt answers, too */
        struct mv_serve_audit *audit;     /* who is told of migrations that were refused; NULL: nobody */
        struct mv_review_backend backend; /* filled by mv_reviewer_init */
};

/* Whether the object, which the snapshot does not have, may exist all the same: it is worth asking for, and who was
 * asked has not said. note is that of the review. */
bool mv_reviewer_is_unknown(const struct mv_fetcher *fetcher, const struct mv_review_note *note,
                            const struct mv_missing *missing);

/* Both must outlive the reviewer. */
void mv_reviewer_init(struct mv_reviewer *reviewer, struct mv_store *store, struct mv_config_watch *configs);
