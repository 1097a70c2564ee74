/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/config/config_audit.h"

enum { LEAST_MS = 1000, MOST_MS = INT32_MAX };

static const struct mv_field audit_fields[] = {
        MV_FIELD(struct mv_written_audit, "interval", MV_TYPE_STRING, interval),
        MV_FIELD(struct mv_written_audit, "resync", MV_TYPE_STRING, resync),
};
const struct mv_table mv_table_written_audit = MV_TABLE_CLOSED(audit_fields, struct mv_written_audit);
static const struct mv_field reports_fields[] = {
        MV_FIELD(struct mv_written_reports, "api", MV_TYPE_RAW, api),
};
const struct mv_table mv_table_written_reports = MV_TABLE_CLOSED(reports_fields, struct mv_written_reports);

void mv_config_audit(struct mv_config_reading *reading, const struct mv_written_audit *audit,
                     const struct mv_written_reports *reports, struct mv_config_audit *ret) {
        static const char *const apis[] = { "none", "openreports.io/v1alpha1", "wgpolicyk8s.io/v1alpha2",
                                            NULL };
        const struct mv_path *path = MV_AT(NULL, "audit");
        ret->interval_ms = mv_config_duration(reading, MV_AT(path, "interval"), audit->interval, LEAST_MS,
                                              MOST_MS, ret->interval_ms);
        ret->resync_ms = mv_config_duration(reading, MV_AT(path, "resync"), audit->resync, LEAST_MS, MOST_MS,
                                            ret->resync_ms);
        ret->reports = (enum mv_reports)mv_config_choice_json(reading, MV_AT(MV_AT(NULL, "reports"), "api"),
                                                              reports->api, apis, (int)ret->reports);
}
