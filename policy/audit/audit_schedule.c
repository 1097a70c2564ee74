/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit/audit_schedule.h"

#include <limits.h>

enum {
        AGAIN_MS = 2000,
        CHANGED_MS = 2000,
        NAMESPACES_MS = 5000,
        SHARE = 9,
        REPORTS_MS = 15000,
        MOST_PAUSE_MS = 600000
};

void mv_audit_schedule_init(struct mv_audit_schedule *schedule) {
        *schedule = (struct mv_audit_schedule){ .again_ms = LLONG_MIN,
                                                .changed_ms = LLONG_MIN,
                                                .namespaces_ms = LLONG_MIN,
                                                .reports_ms = LLONG_MIN };
}

bool mv_audit_schedule_next(struct mv_audit_schedule *schedule, const struct mv_audit_now *now,
                            enum mv_audit_round *ret, bool *ret_resync) {
        *ret_resync = false;
        if (now->now_ms < schedule->again_ms)
                return false;
        if (!schedule->began || now->now_ms - schedule->all_ms >= now->interval_ms) {
                *ret = MV_AUDIT_ALL;
                *ret_resync = !schedule->began || now->now_ms - schedule->resync_ms >= now->resync_ms;
                if (*ret_resync)
                        schedule->resync_ms = now->now_ms;
                schedule->began = true;
                schedule->all_ms = now->now_ms;
                return true;
        }
        if (now->changed && now->now_ms >= schedule->changed_ms) {
                *ret = MV_AUDIT_CHANGED;
                return true;
        }
        *ret = MV_AUDIT_NAMESPACES;
        return now->waiting && now->now_ms >= schedule->namespaces_ms;
}

static long long pause_of(long long least_ms, long long took_ms) {
        return SHARE * took_ms > least_ms ? SHARE * took_ms : least_ms;
}

void mv_audit_schedule_done(struct mv_audit_schedule *schedule, enum mv_audit_round round, long long began_ms,
                            long long now_ms) {
        long long took_ms = now_ms - began_ms;
        if (round != MV_AUDIT_NAMESPACES)
                schedule->changed_ms = now_ms + pause_of(CHANGED_MS, took_ms);
        if (round != MV_AUDIT_CHANGED)
                schedule->namespaces_ms = now_ms + pause_of(NAMESPACES_MS, took_ms);
}

void mv_audit_schedule_resync(struct mv_audit_schedule *schedule) {
        schedule->resync_ms = LLONG_MIN / 2;
}

void mv_audit_schedule_hurry(struct mv_audit_schedule *schedule) {
        schedule->all_ms = LLONG_MIN / 2;
}

void mv_audit_schedule_failed(struct mv_audit_schedule *schedule, bool resync, long long now_ms) {
        mv_audit_schedule_hurry(schedule);
        if (resync)
                mv_audit_schedule_resync(schedule);
        schedule->again_ms = now_ms + AGAIN_MS;
}

void mv_audit_schedule_no_reports(struct mv_audit_schedule *schedule, bool absent, long long now_ms) {
        long long longer = 2 * schedule->pause_ms < MOST_PAUSE_MS ? 2 * schedule->pause_ms : MOST_PAUSE_MS;
        schedule->pause_ms = absent || !schedule->pause_ms ? REPORTS_MS : longer;
        schedule->reports_ms = now_ms + schedule->pause_ms;
}

void mv_audit_schedule_reports(struct mv_audit_schedule *schedule) {
        schedule->pause_ms = 0;
}

bool mv_audit_schedule_tries_reports(const struct mv_audit_schedule *schedule, long long now_ms) {
        return schedule->began && now_ms >= schedule->reports_ms;
}
