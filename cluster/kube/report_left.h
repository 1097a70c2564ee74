/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of which APIs reports are left that this process may delete: those that its configuration named before, and does not now.
 * What another one was told before, or this one before its start, is not known here: somebody else may keep such reports up to
 * date. Pure: the time is given, in monotonic milliseconds.
 */
#pragma once

#include "policy/audit/report.h"

enum { MV_REPORT_APIS = MV_REPORTS_POLICY_REPORTS + 1 };

struct mv_report_left {
        enum mv_reports named; /* at last */
        bool left[MV_REPORT_APIS];
        long long again_ms, pause_ms; /* a try has failed: none before; so long after that */
};

/* The configuration names that one. */
void mv_report_left_name(struct mv_report_left *left, enum mv_reports api);
/* One whose reports are to be deleted now. False: there is none. */
bool mv_report_left_next(const struct mv_report_left *left, long long now_ms, enum mv_reports *ret);
/* That was done, or cannot be. */
void mv_report_left_done(struct mv_report_left *left, enum mv_reports api);
/* Some may be there still: none is tried for a while, which is longer each time. */
void mv_report_left_failed(struct mv_report_left *left, long long now_ms);
