/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observed-condition: the status says something else than the rules.
 *
 * Reads condition LiveMigratable of the instance's status, and what the other rules say of it.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        const struct mv_condition *observed =
                mv_condition_find(&ctx->vmi->status.conditions, MV_STR("LiveMigratable"));
        /* A migration that is asked for: request-condition says it. */
        if (!observed || ctx->migration)
                return;
        if (mv_str_equal(observed->status, ctx->condition_status)) {
                mv_report(ctx, MV_OUTCOME_PASS, "status and rules agree: LiveMigratable is %.*s",
                          MV_STR_ARG(observed->status));
                return;
        }
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL,
                "the status says LiveMigratable %.*s%s%.*s, and with the input as it is KubeVirt says %.*s",
                MV_STR_ARG(observed->status), observed->reason.n ? ", " : "", MV_STR_ARG(observed->reason),
                MV_STR_ARG(ctx->condition_status));
        finding->field = MV_STR("status.conditions");
        if (!mv_str_is(observed->status, "False"))
                finding->severity = MV_SEVERITY_NOTE;
}

const struct mv_rule mv_rule_observed_condition = {
        .id = "observed-condition",
        .area = MV_AREA_CONFIGURATION,
        .severity = MV_SEVERITY_RISK,
        .reason = "",
        .last = true,
        .summary = "the instance's status says something else than the rules",
        .documentation =
                "virt-handler writes the condition LiveMigratable into the instance's status. When it differs from what "
                "the rules say of the same instance, either the input is incomplete or out of date, or something was "
                "changed after the VM started. KubeVirt's webhook goes by the status: with False there, it refuses a "
                "migration.",
        .source = "KubeVirt pkg/virt-handler/vm.go: calculateLiveMigrationCondition",
        .fix = "compare the claims and nodes given to migvet with those of the cluster; restart the VM where its "
               "configuration was changed since",
        .revisions = { { 0, check, 0, 0, NULL } },
};
