/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/pod.h"

static const struct mv_field spec_fields[] = {
        MV_FIELD(struct mv_pod_spec, "nodeName", MV_TYPE_STRING, node_name),
};
static const struct mv_table spec_table = MV_TABLE(spec_fields, struct mv_pod_spec);
static const struct mv_field status_fields[] = {
        MV_FIELD(struct mv_pod_status, "phase", MV_TYPE_STRING, phase),
};
static const struct mv_table status_table = MV_TABLE(status_fields, struct mv_pod_status);

static const struct mv_field pod_fields[] = {
        MV_FIELD_TABLE(struct mv_pod, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_pod, "spec", MV_TYPE_OBJECT, spec, &spec_table),
        MV_FIELD_TABLE(struct mv_pod, "status", MV_TYPE_OBJECT, status, &status_table),
};
const struct mv_table mv_table_pod = MV_TABLE(pod_fields, struct mv_pod);

bool mv_pod_is_final(const struct mv_pod *pod) {
        return mv_str_is(pod->status.phase, "Succeeded") || mv_str_is(pod->status.phase, "Failed");
}
