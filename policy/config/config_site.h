/* SPDX-License-Identifier: Apache-2.0 */
/* For policy/config/config.c: siteRules as they are written, and what becomes of them. */
#pragma once

#include "policy/config/config_values.h"

struct mv_written_site_rule {
        struct mv_str name, field, pattern, absent, severity, message, fix;
        struct mv_strings kinds;
};
struct mv_written_site_rules {
        struct mv_written_site_rule *items;
        size_t n;
};
extern const struct mv_table mv_table_site_rule;

/* Read the list at path into *ret, which is reading->site_rules. */
void mv_config_site_rules(struct mv_config_reading *reading, const struct mv_path *path,
                          const struct mv_written_site_rules *from, struct mv_site_rules *ret);
