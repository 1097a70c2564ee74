/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/maintenance.h"

static const struct mv_field spec_fields[] = {
        MV_FIELD(struct mv_maintenance_spec, "nodeName", MV_TYPE_STRING, node_name),
        MV_FIELD(struct mv_maintenance_spec, "reason", MV_TYPE_STRING, reason),
};
static const struct mv_table spec_table = MV_TABLE(spec_fields, struct mv_maintenance_spec);
static const struct mv_field status_fields[] = {
        MV_FIELD(struct mv_maintenance_status, "phase", MV_TYPE_STRING, phase),
};
static const struct mv_table status_table = MV_TABLE(status_fields, struct mv_maintenance_status);
static const struct mv_field maintenance_fields[] = {
        MV_FIELD(struct mv_maintenance, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD(struct mv_maintenance, "kind", MV_TYPE_STRING, kind),
        MV_FIELD_TABLE(struct mv_maintenance, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_maintenance, "spec", MV_TYPE_OBJECT, spec, &spec_table),
        MV_FIELD_TABLE(struct mv_maintenance, "status", MV_TYPE_OBJECT, status, &status_table),
};
const struct mv_table mv_table_maintenance = MV_TABLE(maintenance_fields, struct mv_maintenance);
