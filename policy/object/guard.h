/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand in the way of a namespace's pods: ResourceQuota, LimitRange, PodDisruptionBudget. */
#pragma once

#include "policy/object/scheduling.h"

struct mv_scope_requirement {
        struct mv_str scope_name, operator;
        struct mv_strings values;
};
struct mv_scope_selector {
        MV_LIST(struct mv_scope_requirement) match_expressions;
};

struct mv_resource_quota {
        struct mv_meta meta;
        struct mv_resource_quota_spec {
                struct mv_map hard;
                struct mv_strings scopes;
                struct mv_scope_selector *scope_selector;
        } spec;
        struct mv_resource_quota_status {
                struct mv_map hard, used;
        } status;
};

struct mv_limit_range_item {
        struct mv_str type; /* Pod, Container, PersistentVolumeClaim */
        struct mv_map max, min, defaults, default_requests, max_limit_request_ratio;
};
struct mv_limit_range {
        struct mv_meta meta;
        struct mv_limit_range_spec {
                MV_LIST(struct mv_limit_range_item) limits;
        } spec;
};

struct mv_disruption_budget {
        struct mv_meta meta;
        struct mv_disruption_budget_spec {
                struct mv_label_selector *selector;
                struct mv_str min_available,
                        max_unavailable; /* a number or a percentage; p is NULL when absent */
        } spec;
        struct mv_disruption_budget_status {
                struct mv_optional_int disruptions_allowed;
        } status;
};

extern const struct mv_table mv_table_resource_quota;
extern const struct mv_table mv_table_limit_range;
extern const struct mv_table mv_table_disruption_budget;
