/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the audit does what. Pure: the time is given, in monotonic milliseconds.
 *
 * Everything is judged at each interval, and at once when the audit begins; with it, at each resync and at the beginning,
 * every verdict is sent. In between, a snapshot that is another one is looked at after two seconds, and whole namespaces
 * are judged again for their reports after five; neither takes more than a tenth of the time.
 */
#pragma once

#include "policy/audit/auditor.h"

struct mv_audit_schedule {
        bool began;       /* everything was judged once, or is being */
        long long all_ms; /* when that began last */
        long long resync_ms;
        long long again_ms;                  /* nothing before: a round has failed */
        long long changed_ms, namespaces_ms; /* not before */
        long long reports_ms, pause_ms; /* reports could not be written: not before; so long after that */
};

struct mv_audit_now {
        long long now_ms;
        long long interval_ms, resync_ms;
        bool changed; /* the snapshot is another one */
        bool waiting; /* a report waits for its namespace to be judged */
};

/* Begin from the beginning. */
void mv_audit_schedule_init(struct mv_audit_schedule *schedule);
/* False: nothing is due. *ret_resync: every verdict is to be sent. */
bool mv_audit_schedule_next(struct mv_audit_schedule *schedule, const struct mv_audit_now *now,
                            enum mv_audit_round *ret, bool *ret_resync);
/* That round took from then to now. */
void mv_audit_schedule_done(struct mv_audit_schedule *schedule, enum mv_audit_round round, long long began_ms,
                            long long now_ms);
/* That round was given up, whichever it was: everything is to be judged, soon, and every verdict sent where it was to be. */
void mv_audit_schedule_failed(struct mv_audit_schedule *schedule, bool resync, long long now_ms);
/* A verdict could not be sent: when everything is judged next, every verdict is. */
void mv_audit_schedule_resync(struct mv_audit_schedule *schedule);
/* Everything is to be judged now. */
void mv_audit_schedule_hurry(struct mv_audit_schedule *schedule);

/* No report can be written: the cluster does not have the API, which may come at any time (absent), or the API server does
 * not do it, and is left alone longer each time. */
void mv_audit_schedule_no_reports(struct mv_audit_schedule *schedule, bool absent, long long now_ms);
/* They were written. */
void mv_audit_schedule_reports(struct mv_audit_schedule *schedule);
/* It is time to try again. */
bool mv_audit_schedule_tries_reports(const struct mv_audit_schedule *schedule, long long now_ms);
