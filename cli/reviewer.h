/* SPDX-License-Identifier: Apache-2.0 */
/* Joins the server's backend with the cluster's store: borrow a snapshot, answer the review, give it back. */
#pragma once

#include "cluster/store.h"
#include "policy/review.h"
#include "webhook/backend.h"

struct mv_reviewer {
        struct mv_store *store;
        struct mv_config config;
        struct mv_str version; /* --kubevirt-version, or "" */
        enum mv_mirror mirror;
        struct mv_review_backend backend; /* filled by mv_reviewer_init */
};

void mv_reviewer_init(struct mv_reviewer *reviewer, struct mv_store *store);
