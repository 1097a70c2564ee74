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
#include <stdint.h>

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

/* What became of one question for a verdict, likewise. */
struct mv_verdict_summary {
        struct mv_str kind, namespace, name; /* of the object, as far as it is known */
        const char *verdict;                 /* as above */
        struct mv_str rules;
};

/* Whatever the backend wants to remember of a request that is put off. */
struct mv_review_note {
        uint64_t words[32];
        size_t n;
        uint64_t answer; /* all bits that resume was given so far; none when the server went on without */
};

/* A request as the server hands it on. */
struct mv_review_call {
        bool mutate;                 /* a review: of /mutate */
        struct mv_str body;          /* followed by at least 8 zero bytes */
        long long deadline_ns;       /* when the answer must be there; CLOCK_MONOTONIC */
        unsigned put_offs;           /* how often it was put off before */
        struct mv_review_note *note; /* empty at first, and kept until the next time */
        /* Put the request off: returns a ticket, or NULL when it can wait no longer and must be answered with what is
         * known. With a ticket review returns MV_REVIEW_PUT_OFF, and resume is called exactly once, from any thread, even
         * before review has returned. When the request's time is over the server goes on without; a late call of resume
         * does nothing. */
        void *(*put_off)(const struct mv_review_call *call);
        void (*resume)(void *ticket, uint64_t answer);
        void *server; /* put_off's own */
};

enum { MV_REVIEW_PUT_OFF = 0 };

struct mv_review_backend {
        /*
         * Answer the AdmissionReview in call->body into response (empty on entry; JSON). Called from any server thread,
         * several at a time; never blocks. Returns the HTTP status: 200 with an AdmissionReview, or 400 with a JSON Status;
         * or MV_REVIEW_PUT_OFF, and then it is called again.
         */
        int (*review)(void *context, const struct mv_review_call *call, struct mv_buf *response,
                      struct mv_review_summary *summary);
        /*
         * Likewise a controller's question for a verdict (policy/ask.h): 200 with a Verdict, else a JSON Status. NULL where
         * nobody may ask.
         */
        int (*verdict)(void *context, const struct mv_review_call *call, struct mv_buf *response,
                       struct mv_verdict_summary *summary);
        void *context;
};

/* One line of /readyz?verbose. */
struct mv_health_check {
        const char *name; /* "cluster", "identity" */
        /* True when ready; writes a remark in words (may be empty) into remark. Any thread. */
        bool (*ready)(void *context, struct mv_buf *remark);
        void *context;
};
