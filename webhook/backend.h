/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the HTTPS server asks of the rest of the program. webhook/ knows neither where the cluster's state nor
 * where the identity comes from: cli/serve.c fills these tables.
 */
#pragma once

#include "policy/base/buf.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* What became of one review, for metrics and the request log. Slices point into the request's body or into static
 * text. */
struct mv_review_summary {
        struct mv_str uid, operation, resource, namespace, name, user;
        bool allowed;
        bool dry_run;
        int code;            /* status.code of a denial, else 200 */
        const char *verdict; /* "True", "False", "Unknown", or "" when nothing was judged */
        const char *level;   /* the level that decided, or "" */
        struct mv_str rules; /* comma-separated names of the rules that found something, "" when none */
};

struct mv_review_backend {
        /*
         * Answer the AdmissionReview in body, which is followed by at least 8 zero bytes, into response (empty on
         * entry; JSON). deadline_ns is on CLOCK_MONOTONIC. Called from any server thread, several at a time; never
         * blocks. Returns the HTTP status: 200 with an AdmissionReview, or 400 with a JSON Status.
         */
        int (*review)(void *context, bool mutate, struct mv_str body, long long deadline_ns,
                      struct mv_buf *response, struct mv_review_summary *summary);
        void *context;
};

/* One line of /readyz?verbose. */
struct mv_health_check {
        const char *name; /* "cluster", "identity" */
        /* True when ready; writes a remark in words (may be empty) into remark. Any thread. */
        bool (*ready)(void *context, struct mv_buf *remark);
        void *context;
};
