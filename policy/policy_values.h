/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KubeVirt refuses of the values of a MigrationPolicy (pkg/virt-api/webhooks/validating-webhook/admitters/
 * migrationpolicy-admitter.go). The mirror of its webhook and the rule `policy-values` both ask here.
 */
#pragma once

#include "policy/kubevirt_config.h"

/* The values that are looked at. */
struct mv_policy_values {
        struct mv_optional_int completion_timeout_per_gib;
        struct mv_str max_downtime_ms;         /* its JSON text; "" when absent */
        struct mv_str bandwidth_per_migration; /* a quantity; p is NULL when absent */
        struct mv_str experimental;            /* its JSON text; "" when absent */
};

struct mv_policy_check {
        struct mv_arena *arena;
        const struct mv_kubevirt_config *config;
        /* A value that is refused; field is its path below spec. */
        void (*invalid)(void *context, struct mv_str message, const char *field);
        /* A value that cannot even be read. field is "" when the message names it. */
        void (*unreadable)(void *context, struct mv_str message, const char *field);
        void *context;
};

/* Check the values that the version has; the API server drops others. What needs a feature gate may stay as it was before
 * without it. When one is unreadable nothing else is looked at. */
void mv_policy_values_check(const struct mv_policy_check *check, const struct mv_policy_values *now,
                            const struct mv_policy_values *before);
