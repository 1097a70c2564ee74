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
        /* Offline nobody asks; an object that the API server has stored passed long ago. */
        if (mv_str_is(mv_kubevirt_account(ctx->config, ctx->user), "kubevirt-controller") ||
            (!ctx->user.n && ctx->migration->meta.uid.n)) {
                mv_report(ctx, MV_OUTCOME_PASS, "virt-controller has set spec.priority");
                return;
        }
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_FAIL, "spec.priority is set, and only virt-controller may do that");
        finding->field = MV_STR("spec.priority");
        finding->refusal = (struct mv_refusal){
                .step = 4,
                .code = 422,
                .message = MV_STR(
                        "Migration priority queue, only virt-controller is allowed to set priority field"),
                .cause_reason = "FieldValueForbidden",
                .cause_field = "spec.migrationPriority",
        };
}

static void check_1_7(struct mv_context *ctx) {
        if (!ctx->migration->spec.priority.p)
                return;
        if (mv_kubevirt_gate(ctx->config, "MigrationPriorityQueue")) {
                check(ctx);
                return;
        }
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_FAIL,
                          "spec.priority is set, and the feature gate MigrationPriorityQueue is off");
        finding->field = MV_STR("spec.priority");
        finding->refusal = (struct mv_refusal){
                .step = 4,
                .code = 422,
                .message = MV_STR("MigrationPriorityQueue feature gate is not enabled in kubevirt resource"),
                .cause_reason = "FieldValueNotSupported",
                .cause_field = "",
        };
}

const struct mv_rule mv_rule_request_priority = {
        .id = "request-priority",
        .area = MV_AREA_REQUEST,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(KUBEVIRT),
        .reason = "",
        .subject = MV_SUBJECT_REQUEST,
        .summary = "only virt-controller sets the priority of a migration",
        .documentation = "The priority orders waiting migrations. KubeVirt's webhook refuses it from anyone but the "
                         "service account of virt-controller, and names the field spec.migrationPriority.",
        .source = "KubeVirt pkg/virt-api/webhooks/validating-webhook/admitters/migration-create-admitter.go: Admit",
        .fix = "remove spec.priority",
        .revisions = {
                { MV_KUBEVIRT(1, 7), check_1_7, 0, 0, "there is no priority before; it needs the gate MigrationPriorityQueue" },
                { MV_KUBEVIRT(1, 9), check, 0, 0, "no gate is needed" },
        },
};
