/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request-vmi-final: an instance that has ended cannot migrate.
 *
 * Reads status.phase of the instance.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        if (!ctx->vmi)
                return;
        if (!mv_vmi_is_final(ctx->vmi)) {
                mv_report(ctx, MV_OUTCOME_PASS, "the instance has not ended");
                return;
        }
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_FAIL, "the instance has ended: its phase is %.*s",
                          MV_STR_ARG(ctx->vmi->status.phase));
        finding->field = MV_STR("spec.vmiName");
        finding->refusal = (struct mv_refusal){ .step = 6,
                                                .code = 400,
                                                .message = MV_STR("Cannot migrate VMI in finalized state.") };
}

const struct mv_rule mv_rule_request_vmi_final = {
        .id = "request-vmi-final",
        .area = MV_AREA_REQUEST,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(VMI),
        .reason = "",
        .subject = MV_SUBJECT_REQUEST,
        .summary = "an instance that has ended cannot migrate",
        .documentation =
                "An instance in phase Succeeded or Failed has no process left to move, and KubeVirt's webhook "
                "refuses the request. Other phases, Pending among them, are admitted.",
        .source =
                "KubeVirt pkg/virt-api/webhooks/validating-webhook/admitters/migration-create-admitter.go: Admit",
        .fix = "start the VM again first",
        .revisions = { { 0, check, 0, 0, NULL } },
};
