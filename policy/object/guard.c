/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/guard.h"

static const struct mv_field scope_requirement_fields[] = {
        MV_FIELD(struct mv_scope_requirement, "operator", MV_TYPE_STRING, operator),
        MV_FIELD(struct mv_scope_requirement, "scopeName", MV_TYPE_STRING, scope_name),
        MV_FIELD(struct mv_scope_requirement, "values", MV_TYPE_STRINGS, values),
};
static const struct mv_table scope_requirement_table =
        MV_TABLE(scope_requirement_fields, struct mv_scope_requirement);
static const struct mv_field scope_selector_fields[] = {
        MV_FIELD_TABLE(struct mv_scope_selector, "matchExpressions", MV_TYPE_LIST, match_expressions,
                       &scope_requirement_table),
};
static const struct mv_table scope_selector_table = MV_TABLE(scope_selector_fields, struct mv_scope_selector);

static const struct mv_field quota_spec_fields[] = {
        MV_FIELD(struct mv_resource_quota_spec, "hard", MV_TYPE_TEXT_MAP, hard),
        MV_FIELD_TABLE(struct mv_resource_quota_spec, "scopeSelector", MV_TYPE_POINTER, scope_selector,
                       &scope_selector_table),
        MV_FIELD(struct mv_resource_quota_spec, "scopes", MV_TYPE_STRINGS, scopes),
};
static const struct mv_table quota_spec_table = MV_TABLE(quota_spec_fields, struct mv_resource_quota_spec);
static const struct mv_field quota_status_fields[] = {
        MV_FIELD(struct mv_resource_quota_status, "hard", MV_TYPE_TEXT_MAP, hard),
        MV_FIELD(struct mv_resource_quota_status, "used", MV_TYPE_TEXT_MAP, used),
};
static const struct mv_table quota_status_table =
        MV_TABLE(quota_status_fields, struct mv_resource_quota_status);
static const struct mv_field quota_fields[] = {
        MV_FIELD_TABLE(struct mv_resource_quota, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_resource_quota, "spec", MV_TYPE_OBJECT, spec, &quota_spec_table),
        MV_FIELD_TABLE(struct mv_resource_quota, "status", MV_TYPE_OBJECT, status, &quota_status_table),
};
const struct mv_table mv_table_resource_quota = MV_TABLE(quota_fields, struct mv_resource_quota);

static const struct mv_field limit_fields[] = {
        MV_FIELD(struct mv_limit_range_item, "default", MV_TYPE_TEXT_MAP, defaults),
        MV_FIELD(struct mv_limit_range_item, "defaultRequest", MV_TYPE_TEXT_MAP, default_requests),
        MV_FIELD(struct mv_limit_range_item, "max", MV_TYPE_TEXT_MAP, max),
        MV_FIELD(struct mv_limit_range_item, "maxLimitRequestRatio", MV_TYPE_TEXT_MAP,
                 max_limit_request_ratio),
        MV_FIELD(struct mv_limit_range_item, "min", MV_TYPE_TEXT_MAP, min),
        MV_FIELD(struct mv_limit_range_item, "type", MV_TYPE_STRING, type),
};
static const struct mv_table limit_table = MV_TABLE(limit_fields, struct mv_limit_range_item);
static const struct mv_field limit_range_spec_fields[] = {
        MV_FIELD_TABLE(struct mv_limit_range_spec, "limits", MV_TYPE_LIST, limits, &limit_table),
};
static const struct mv_table limit_range_spec_table =
        MV_TABLE(limit_range_spec_fields, struct mv_limit_range_spec);
static const struct mv_field limit_range_fields[] = {
        MV_FIELD_TABLE(struct mv_limit_range, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_limit_range, "spec", MV_TYPE_OBJECT, spec, &limit_range_spec_table),
};
const struct mv_table mv_table_limit_range = MV_TABLE(limit_range_fields, struct mv_limit_range);

static const struct mv_field budget_spec_fields[] = {
        MV_FIELD(struct mv_disruption_budget_spec, "maxUnavailable", MV_TYPE_TEXT, max_unavailable),
        MV_FIELD(struct mv_disruption_budget_spec, "minAvailable", MV_TYPE_TEXT, min_available),
        MV_FIELD_TABLE(struct mv_disruption_budget_spec, "selector", MV_TYPE_POINTER, selector,
                       &mv_table_label_selector),
};
static const struct mv_table budget_spec_table =
        MV_TABLE(budget_spec_fields, struct mv_disruption_budget_spec);
static const struct mv_field budget_status_fields[] = {
        MV_FIELD(struct mv_disruption_budget_status, "disruptionsAllowed", MV_TYPE_INT, disruptions_allowed),
};
static const struct mv_table budget_status_table =
        MV_TABLE(budget_status_fields, struct mv_disruption_budget_status);
static const struct mv_field budget_fields[] = {
        MV_FIELD_TABLE(struct mv_disruption_budget, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_disruption_budget, "spec", MV_TYPE_OBJECT, spec, &budget_spec_table),
        MV_FIELD_TABLE(struct mv_disruption_budget, "status", MV_TYPE_OBJECT, status, &budget_status_table),
};
const struct mv_table mv_table_disruption_budget = MV_TABLE(budget_fields, struct mv_disruption_budget);
