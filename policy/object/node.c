/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/node.h"

static const struct mv_field meta_fields[] = {
        MV_FIELD(struct mv_meta, "generateName", MV_TYPE_STRING, generate_name),
        MV_FIELD(struct mv_meta, "labels", MV_TYPE_MAP, labels),
        MV_FIELD(struct mv_meta, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_meta, "resourceVersion", MV_TYPE_STRING, resource_version),
};
static const struct mv_table meta_table = MV_TABLE(meta_fields, struct mv_meta);

static const struct mv_field node_spec_fields[] = {
        MV_FIELD_TABLE(struct mv_node_spec, "taints", MV_TYPE_LIST, taints, &mv_table_taint),
        MV_FIELD(struct mv_node_spec, "unschedulable", MV_TYPE_BOOL, unschedulable),
};
static const struct mv_table node_spec_table = MV_TABLE(node_spec_fields, struct mv_node_spec);
static const struct mv_field node_info_fields[] = {
        MV_FIELD(struct mv_node_info, "kernelVersion", MV_TYPE_STRING, kernel_version),
};
static const struct mv_table node_info_table = MV_TABLE(node_info_fields, struct mv_node_info);
static const struct mv_field node_status_fields[] = {
        MV_FIELD(struct mv_node_status, "allocatable", MV_TYPE_TEXT_MAP, allocatable),
        MV_FIELD_TABLE(struct mv_node_status, "nodeInfo", MV_TYPE_OBJECT, info, &node_info_table),
};
static const struct mv_table node_status_table = MV_TABLE(node_status_fields, struct mv_node_status);

static const struct mv_field node_fields[] = {
        MV_FIELD_TABLE(struct mv_node, "metadata", MV_TYPE_OBJECT, meta, &meta_table),
        MV_FIELD_TABLE(struct mv_node, "spec", MV_TYPE_OBJECT, spec, &node_spec_table),
        MV_FIELD_TABLE(struct mv_node, "status", MV_TYPE_OBJECT, status, &node_status_table),
};
const struct mv_table mv_table_node = MV_TABLE(node_fields, struct mv_node);

static const struct mv_field namespace_fields[] = {
        MV_FIELD_TABLE(struct mv_namespace, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
};
const struct mv_table mv_table_namespace = MV_TABLE(namespace_fields, struct mv_namespace);
