/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request-condition: the instance's own status says that it cannot migrate.
 *
 * Reads condition LiveMigratable of the instance, spec.sendTo and .receive of the migration.
 */
#include "policy/rule.h"

static void check_except(struct mv_context *ctx, bool decentralized) {
        const struct mv_condition *condition =
                ctx->vmi ? mv_condition_find(&ctx->vmi->status.conditions, MV_STR("LiveMigratable")) : NULL;
        if (!ctx->vmi)
                return;
        if (!condition || !mv_str_is(condition->status, "False")) {
                mv_report(ctx, MV_OUTCOME_PASS,
                          "the status of the instance does not say that it cannot migrate");
                return;
        }
        /* A migration to another cluster copies the disks. */
        if (decentralized && mv_str_is(condition->reason, "DisksNotLiveMigratable")) {
                mv_report(ctx, MV_OUTCOME_PASS,
                          "the disks are not shared, and a decentralized migration copies them");
                return;
        }
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL, "the status of the instance says that it cannot migrate: %.*s: %.*s",
                MV_STR_ARG(condition->reason), MV_STR_ARG(condition->message));
        finding->field = MV_STR("spec.vmiName");
        finding->refusal = (struct mv_refusal){
                .step = 7,
                .code = 400,
                .message = mv_text(ctx, "Cannot migrate VMI, Reason: %.*s, Message: %.*s",
                                   MV_STR_ARG(condition->reason), MV_STR_ARG(condition->message)),
        };
}

static void check_1_0(struct mv_context *ctx) {
        check_except(ctx, false);
}

static void check(struct mv_context *ctx) {
        check_except(ctx, mv_migration_is_decentralized(ctx->migration));
}

const struct mv_rule mv_rule_request_condition = {
        .id = "request-condition",
        .area = MV_AREA_REQUEST,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(VMI),
        .reason = "",
        .subject = MV_SUBJECT_REQUEST,
        .summary = "the instance's status says that it cannot migrate",
        .documentation = "When the instance has a condition LiveMigratable with status False, KubeVirt's webhook refuses "
                         "the migration with its reason and message; no condition, or Unknown, is admitted. Unshared "
                         "disks are passed over for a decentralized migration, which has exactly one of sendTo and "
                         "receive.",
        .source = "KubeVirt pkg/virt-api/webhooks/validating-webhook/admitters/migration-create-admitter.go: Admit",
        .fix = "mend what the condition names; the other findings say how",
        .revisions = {
                { 0, check_1_0, 0, 0, NULL },
                { MV_KUBEVIRT(1, 6), check, 0, 0, "unshared disks are passed over for a decentralized migration" },
        },
};
