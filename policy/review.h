/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One AdmissionReview, bytes to bytes: decode, evaluate, decide, render. What the HTTPS server and `migvet review` share.
 *
 * A well-formed review is always answered: where something cannot be known (no snapshot yet, memory out) the verdict is
 * Unknown, and the configuration says what that means.
 */
#pragma once

#include "policy/base/buf.h"
#include "policy/decide.h"
#include "policy/snapshot/missing.h"
#include "policy/snapshot/snapshot_view.h"

struct mv_review_input {
        struct mv_arena *arena;             /* cleared by the caller; what the result points to lives in it */
        const struct mv_snapshot *snapshot; /* NULL: the cluster has not been read yet */
        const struct mv_config *config;
        struct mv_str version; /* --kubevirt-version, or "" */
        /* KubeVirt's own refusals: DENY for files; of a live cluster what the configuration says. */
        enum mv_mirror mirror;
        bool live;   /* the snapshot is of a live cluster, where KubeVirt answers, too */
        bool mutate; /* answer as /mutate */
        bool locate; /* what is wrong with the body is told with line and column: a person wrote it */
        /* Unless NULL: the time in which the answer must be given is over. Asked between the stages. */
        bool (*expired)(void *context);
        /* Unless NULL: that for work which can be cut short is over, well before. */
        bool (*hurried)(void *context);
        /* On a live cluster with mirror DENY: the cluster was asked for the object since the request came, and the snapshot is as
         * new as its answer. NULL: nobody was asked. */
        bool (*confirmed)(void *context, const struct mv_missing *object);
        void *context; /* of all three */
};

/* Memory that the review of a body of so many bytes may take. An object that needs more is none that KubeVirt accepts: its
 * lists hold at most 256 elements. */
size_t mv_review_memory(const struct mv_config *config, size_t body_bytes);

/* What became of it, for metrics and the log. */
struct mv_review_result {
        const struct mv_review_request *request; /* NULL when the body is no review */
        struct mv_decision decision;
        bool judged; /* decision.verdict says something */
        /* Of what was asked for, and of the old object of an update, for whoever is told; they live in the arena. NULL:
         * there is none, or there was no time or memory for it. */
        const struct mv_verdict *verdict, *before;
        /* Objects that decide and were not in the snapshot; the first so many. Who has them may ask again. */
        struct mv_missing_list missing;
        /* KubeVirt would refuse, as the snapshot has it, and the configuration would have it denied if these were confirmed. */
        struct mv_missing unconfirmed[MV_MOST_LOOKUPS];
        size_t n_unconfirmed;
};

/*
 * Answer body, which is followed by MV_SCAN_PADDING zero bytes. Returns the HTTP status: 200 with an AdmissionReview in
 * response, 400 with a Status that says what is wrong with the body, or 503 when memory does not even suffice to read it, or
 * to find out what becomes of the unknown.
 */
int mv_review_answer(const struct mv_review_input *input, struct mv_str body, struct mv_buf *response,
                     struct mv_review_result *ret);
