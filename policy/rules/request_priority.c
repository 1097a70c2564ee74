/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request-priority: only virt-controller gives a migration its priority.
 *
 * Reads spec.priority of the migration, and who asks.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        if (!ctx->migration->spec.priority.p)
                return;
        struct mv_str controller = mv_text(ctx, "system:serviceaccount:%.*s:kubevirt-controller",
                                           MV_STR_ARG(ctx->config->namespace));
        /* Offline nobody asks; an object that the API server has stored passed long ago. */
        if (mv_str_equal(ctx->user, controller) || (!ctx->user.n && ctx->migration->meta.uid.n))
                return;
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_FAIL, "spec.priority is set, and only virt-controller may do that");
        finding->field = MV_STR("spec.priority");
        finding->refusal = (struct mv_refusal){
                .step = 4,
                .code = 422,
                .message = MV_STR("Migration priority queue, only virt-controller is allowed to set priority field"),
                .cause_reason = "FieldValueForbidden",
                .cause_field = "spec.migrationPriority",
        };
}

const struct mv_rule mv_rule_request_priority = {
        .id = "request-priority",
        .area = MV_AREA_REQUEST,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED_KUBEVIRT,
        .reason = "",
        .request = true,
        .summary = "only virt-controller sets the priority of a migration",
        .documentation = "The priority orders waiting migrations. KubeVirt's webhook refuses it from anyone but the "
                         "service account of virt-controller, and names the field spec.migrationPriority.",
        .source = "KubeVirt pkg/virt-api/webhooks/validating-webhook/admitters/migration-create-admitter.go: Admit",
        .fix = "remove spec.priority",
        .revisions = { { 0, check, NULL } },
};
