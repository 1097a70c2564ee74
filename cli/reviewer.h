/* SPDX-License-Identifier: Apache-2.0 */
/* Joins the server's backend with the cluster's store and the configuration: borrow both, answer the review, give them
 * back. */
#pragma once

#include "cli/config.h"
#include "cluster/store.h"
#include "policy/review.h"
#include "webhook/backend.h"

struct mv_reviewer {
        struct mv_store *store;
        struct mv_config_watch *configs;
        struct mv_str version;            /* --kubevirt-version, or "" */
        bool live;                        /* the store is of a live cluster, where KubeVirt answers, too */
        struct mv_review_backend backend; /* filled by mv_reviewer_init */
};

/* Both must outlive the reviewer. */
void mv_reviewer_init(struct mv_reviewer *reviewer, struct mv_store *store, struct mv_config_watch *configs);
