/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/controller_revision.h"

static const struct mv_field fields[] = {
        MV_FIELD(struct mv_controller_revision, "data", MV_TYPE_RAW, data),
        MV_FIELD_TABLE(struct mv_controller_revision, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
};
const struct mv_table mv_table_controller_revision = MV_TABLE(fields, struct mv_controller_revision);
