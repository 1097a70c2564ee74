/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A controller asks for a verdict, bytes to bytes: the body is a VirtualMachine, VirtualMachineInstance or
 * VirtualMachineInstanceMigration, which need not exist, or `{"subject": {apiVersion, kind, namespace, name}}` for one of
 * the snapshot; the answer is its Verdict, as `migvet check -o json` lists it. What the server does for
 * POST /v1alpha1/verdicts.
 *
 * Nothing is decided here, so levels and exemptions play no part. Unlike a review, a question that cannot be answered gets
 * an error that says so, since whoever asks can ask again.
 */
#pragma once

#include "policy/base/buf.h"
#include "policy/config/config.h"
#include "policy/snapshot/missing.h"

struct mv_ask_input {
        struct mv_arena *arena;             /* cleared by the caller; what the result points to lives in it */
        const struct mv_snapshot *snapshot; /* NULL: the cluster has not been read yet */
        const struct mv_config *config;
        struct mv_str version; /* --kubevirt-version, or "" */
        /* Unless NULL: whether the object, which the snapshot does not have, may exist all the same. */
        bool (*may_exist)(void *context, const struct mv_missing *object);
        /* Unless NULL: whether what the snapshot says of the object is as new as the question. */
        bool (*confirmed)(void *context, const struct mv_missing *object);
        /* Unless NULL: the time in which the answer must be given is over. */
        bool (*expired)(void *context);
        void *context;
};

/* What became of it, for metrics and the log. */
struct mv_ask_result {
        struct mv_subject subject; /* empty as far as the body does not say */
        const char *verdict;       /* "True", "False", "Unknown"; "" when there is none */
        struct mv_str rules;       /* comma-separated names of the rules that found a blocker */
        struct mv_missing_list missing;
        struct mv_missing_list unconfirmed; /* a subject of which the snapshot has another uid */
};

/*
 * Answer body, which is followed by MV_SCAN_PADDING zero bytes. Returns the HTTP status: 200 with a Verdict in response,
 * else a Status that says why: 400 for what is wrong with the body, 404 for a subject that does not exist, 503 when the
 * cluster has not been read, nobody could say whether the subject exists, or memory is out, 504 when time was over.
 */
int mv_ask_answer(const struct mv_ask_input *input, struct mv_str body, struct mv_buf *response,
                  struct mv_ask_result *ret);
