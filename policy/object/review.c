/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/review.h"

static const struct mv_field gvk_fields[] = {
        MV_FIELD(struct mv_group_version_kind, "group", MV_TYPE_STRING, group),
        MV_FIELD(struct mv_group_version_kind, "version", MV_TYPE_STRING, version),
        MV_FIELD(struct mv_group_version_kind, "kind", MV_TYPE_STRING, kind),
        MV_FIELD(struct mv_group_version_kind, "resource", MV_TYPE_STRING, resource),
};
static const struct mv_table gvk_table = MV_TABLE(gvk_fields, struct mv_group_version_kind);

static const struct mv_field user_fields[] = {
        MV_FIELD(struct mv_user_info, "username", MV_TYPE_STRING, username),
        MV_FIELD(struct mv_user_info, "groups", MV_TYPE_STRINGS, groups),
        MV_FIELD(struct mv_user_info, "extra", MV_TYPE_RAW, extra),
};
static const struct mv_table user_table = MV_TABLE(user_fields, struct mv_user_info);

static const struct mv_field request_fields[] = {
        MV_FIELD(struct mv_review_request, "uid", MV_TYPE_STRING, uid),
        MV_FIELD_TABLE(struct mv_review_request, "kind", MV_TYPE_OBJECT, kind, &gvk_table),
        MV_FIELD_TABLE(struct mv_review_request, "resource", MV_TYPE_OBJECT, resource, &gvk_table),
        MV_FIELD(struct mv_review_request, "subResource", MV_TYPE_STRING, sub_resource),
        MV_FIELD(struct mv_review_request, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_review_request, "namespace", MV_TYPE_STRING, namespace),
        MV_FIELD(struct mv_review_request, "operation", MV_TYPE_STRING, operation),
        MV_FIELD_TABLE(struct mv_review_request, "userInfo", MV_TYPE_OBJECT, user, &user_table),
        MV_FIELD(struct mv_review_request, "object", MV_TYPE_RAW, object),
        MV_FIELD(struct mv_review_request, "oldObject", MV_TYPE_RAW, old_object),
        MV_FIELD(struct mv_review_request, "dryRun", MV_TYPE_BOOL, dry_run),
};
static const struct mv_table request_table = MV_TABLE(request_fields, struct mv_review_request);

static const struct mv_field review_fields[] = {
        MV_FIELD(struct mv_review, "kind", MV_TYPE_STRING, kind),
        MV_FIELD(struct mv_review, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD_TABLE(struct mv_review, "request", MV_TYPE_POINTER, request, &request_table),
};
const struct mv_table mv_table_review = MV_TABLE(review_fields, struct mv_review);
