/* SPDX-License-Identifier: Apache-2.0 */
/* For cli/serve_audit*.c: the audit's thread, and what it leaves for the metrics. */
#pragma once

#include "cli/serve_audit.h"
#include "cluster/kube/reports.h"
#include "policy/audit/audit_schedule.h"
#include "policy/audit/auditor.h"
#include "policy/snapshot/kindtable.h"

#include <pthread.h>

enum { MV_AUDIT_ROUNDS = 3, MV_AUDIT_MOST_RULES = 128 };

/* Of the round that is under way. */
struct mv_audit_round_state {
        bool resync, reports;
        bool blind;                      /* what is judged is not known any more: the round is given up */
        bool lost;                       /* somebody else audits */
        bool short_of_memory;            /* said so */
        struct mv_audit_subject subject; /* the next to be judged */
        bool has_subject;
        size_t judged, lines, changes[3];
};

/* Verdicts in which a rule of the site found something, of the configuration that all of them were made with. */
struct mv_site_figures {
        struct {
                char name[64];
                size_t n;
        } items[MV_MOST_SITE_RULES];
        size_t n;
};

/* For the metrics. */
struct mv_audit_figures {
        bool any;        /* this replica audits, and everything was judged once */
        long long since; /* it leads since then, in seconds since 1970; 0: it does not */
        long long ended; /* seconds since 1970 */
        long long took_ms;
        uint64_t unread; /* kinds that are judged of which objects cannot be read */
        size_t objects, verdicts[3],
                rules[MV_AUDIT_MOST_RULES]; /* rules in the order of mv_rules, then mv_notices */
        unsigned long long rounds[MV_AUDIT_ROUNDS], changes[3];
        size_t reports;
        unsigned long long reports_written, reports_deleted, reports_failed;
        bool reports_absent;
        struct mv_site_figures site;
};

struct mv_serve_audit {
        struct mv_serve_audit_options options;
        struct mv_kube_events *events; /* NULL: none are written */
        pthread_t thread;
        bool started;
        pthread_mutex_t lock; /* of stopping and figures */
        pthread_cond_t woken;
        bool stopping;
        struct mv_audit_figures figures;

        /* Of the thread. */
        struct mv_auditor *auditor; /* NULL: not leading */
        struct mv_audit_schedule schedule;
        struct mv_arena arena;
        struct mv_kube_reports reports;
        struct mv_report report; /* while `reporting` */
        bool reporting;
        bool reports_work; /* as the last begin, write or delete left it */
        enum mv_reports wanted;
        bool leading, was_ready;
        const void *seen; /* the snapshot looked at last, to be compared only */
        long long seen_ms;
        unsigned long long configured; /* generation of the configuration then */
        struct mv_audit_round_state round;
};

/* The round that began then has ended. */
void mv_serve_audit_remember(struct mv_serve_audit *audit, enum mv_audit_round round, long long began_ms);
/* This replica audits; since when, the first call tells. */
void mv_serve_audit_lead(struct mv_serve_audit *audit);
/* Somebody else does. */
void mv_serve_audit_forget(struct mv_serve_audit *audit);
