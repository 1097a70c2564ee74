/* SPDX-License-Identifier: Apache-2.0 */
/* NodeMaintenance, of the groups nodemaintenance.medik8s.io and nodemaintenance.kubevirt.io: the same shape. */
#pragma once

#include "policy/object/meta.h"

struct mv_maintenance {
        struct mv_str api_version, kind;
        struct mv_meta meta;
        struct mv_maintenance_spec {
                struct mv_str node_name, reason;
        } spec;
        struct mv_maintenance_status {
                struct mv_str phase;
        } status;
};

extern const struct mv_table mv_table_maintenance;
