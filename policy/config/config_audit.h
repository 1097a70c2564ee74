/* SPDX-License-Identifier: Apache-2.0 */
/* For policy/config/config.c: the keys `audit` and `reports`. */
#pragma once

#include "policy/config/config_values.h"

/* As they are written. */
struct mv_written_audit {
        struct mv_str interval, resync;
};
struct mv_written_reports {
        struct mv_str api;
};
extern const struct mv_table mv_table_written_audit, mv_table_written_reports;

/* Read both into *ret, which has the values as shipped. */
void mv_config_audit(struct mv_config_reading *reading, const struct mv_written_audit *audit,
                     const struct mv_written_reports *reports, struct mv_config_audit *ret);
