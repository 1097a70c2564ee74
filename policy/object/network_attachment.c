/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/network_attachment.h"

static const struct mv_field network_attachment_fields[] = {
        MV_FIELD_TABLE(struct mv_network_attachment, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
};
const struct mv_table mv_table_network_attachment =
        MV_TABLE(network_attachment_fields, struct mv_network_attachment);

struct mv_str mv_network_attachment_resource(const struct mv_network_attachment *attachment) {
        const struct mv_str *name =
                mv_map_get(&attachment->meta.annotations, MV_STR("k8s.v1.cni.cncf.io/resourceName"));
        return name ? *name : (struct mv_str){ 0 };
}
