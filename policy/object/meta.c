/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/meta.h"

static const struct mv_field owner_fields[] = {
        MV_FIELD(struct mv_owner, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD(struct mv_owner, "kind", MV_TYPE_STRING, kind),
        MV_FIELD(struct mv_owner, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_owner, "uid", MV_TYPE_STRING, uid),
        MV_FIELD(struct mv_owner, "controller", MV_TYPE_BOOL, controller),
};
const struct mv_table mv_table_owner = MV_TABLE(owner_fields, struct mv_owner);

static const struct mv_field meta_fields[] = {
        MV_FIELD(struct mv_meta, "annotations", MV_TYPE_MAP, annotations),
        MV_FIELD(struct mv_meta, "creationTimestamp", MV_TYPE_STRING, creation_timestamp),
        MV_FIELD_ANY("deletionGracePeriodSeconds"),
        MV_FIELD(struct mv_meta, "deletionTimestamp", MV_TYPE_STRING, deletion_timestamp),
        MV_FIELD_ANY("finalizers"),
        MV_FIELD(struct mv_meta, "generateName", MV_TYPE_STRING, generate_name),
        MV_FIELD_ANY("generation"),
        MV_FIELD(struct mv_meta, "labels", MV_TYPE_MAP, labels),
        MV_FIELD_ANY("managedFields"),
        MV_FIELD(struct mv_meta, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_meta, "namespace", MV_TYPE_STRING, namespace),
        MV_FIELD_TABLE(struct mv_meta, "ownerReferences", MV_TYPE_LIST, owners, &mv_table_owner),
        MV_FIELD(struct mv_meta, "resourceVersion", MV_TYPE_STRING, resource_version),
        MV_FIELD_ANY("selfLink"),
        MV_FIELD(struct mv_meta, "uid", MV_TYPE_STRING, uid),
};
const struct mv_table mv_table_meta = MV_TABLE_CLOSED(meta_fields, struct mv_meta);

static const struct mv_field condition_fields[] = {
        MV_FIELD(struct mv_condition, "message", MV_TYPE_STRING, message),
        MV_FIELD(struct mv_condition, "reason", MV_TYPE_STRING, reason),
        MV_FIELD(struct mv_condition, "status", MV_TYPE_STRING, status),
        MV_FIELD(struct mv_condition, "type", MV_TYPE_STRING, type),
};
const struct mv_table mv_table_condition = MV_TABLE(condition_fields, struct mv_condition);

static const struct mv_field any_fields[] = {
        MV_FIELD(struct mv_any, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD(struct mv_any, "kind", MV_TYPE_STRING, kind),
        MV_FIELD_TABLE(struct mv_any, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
};
const struct mv_table mv_table_any = MV_TABLE(any_fields, struct mv_any);

const struct mv_condition *mv_condition_find(const struct mv_conditions *conditions, struct mv_str type) {
        for (size_t i = 0; i < conditions->n; i++)
                if (mv_str_equal(conditions->items[i].type, type))
                        return &conditions->items[i];
        return NULL;
}

const struct mv_owner *mv_meta_controller(const struct mv_meta *meta) {
        for (size_t i = 0; i < meta->owners.n; i++)
                if (meta->owners.items[i].controller)
                        return &meta->owners.items[i];
        return NULL;
}

struct mv_str mv_api_group(struct mv_str api_version) {
        size_t slash = mv_str_find_byte(api_version, '/');
        return (struct mv_str){ api_version.p, slash == api_version.n ? 0 : slash };
}
