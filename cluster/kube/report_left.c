/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/report_left.h"

enum { FIRST_PAUSE_MS = 60 * 1000, LONGEST_PAUSE_MS = 60 * 60 * 1000 };

void mv_report_left_name(struct mv_report_left *left, enum mv_reports api) {
        if (api == left->named)
                return;
        if (left->named != MV_REPORTS_NONE) {
                left->left[left->named] = true;
                left->again_ms = left->pause_ms = 0;
        }
        left->left[api] = false;
        left->named = api;
}

bool mv_report_left_next(const struct mv_report_left *left, long long now_ms, enum mv_reports *ret) {
        if (left->pause_ms && now_ms < left->again_ms)
                return false;
        for (int i = 0; i < MV_REPORT_APIS; i++)
                if (left->left[i]) {
                        *ret = (enum mv_reports)i;
                        return true;
                }
        return false;
}

void mv_report_left_done(struct mv_report_left *left, enum mv_reports api) {
        left->left[api] = false;
        left->again_ms = left->pause_ms = 0;
}

void mv_report_left_failed(struct mv_report_left *left, long long now_ms) {
        left->pause_ms = left->pause_ms ? left->pause_ms * 2 : FIRST_PAUSE_MS;
        if (left->pause_ms > LONGEST_PAUSE_MS)
                left->pause_ms = LONGEST_PAUSE_MS;
        left->again_ms = now_ms + left->pause_ms;
}
