/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request-decentralized: migrations to another cluster.
 *
 * Reads spec.sendTo and .receive of the migration, and the gate DecentralizedLiveMigration.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        const struct mv_migration_peer *send_to = ctx->migration->spec.send_to,
                                       *receive = ctx->migration->spec.receive;
        if (!send_to && !receive)
                return;
        struct mv_finding *finding;
        if (!mv_kubevirt_gate(ctx->config, "DecentralizedLiveMigration")) {
                finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "the feature gate DecentralizedLiveMigration is off, so a VM cannot leave the cluster");
                finding->refusal = (struct mv_refusal){
                        .step = 9,
                        .code = 422,
                        .message = MV_STR(
                                "DecentralizedLiveMigration feature gate is not enabled in kubevirt resource"),
                        .cause_reason = "FieldValueNotSupported",
                        .cause_field = "",
                };
        } else if (send_to && receive && !mv_str_equal(send_to->migration_id, receive->migration_id)) {
                finding = mv_report(ctx, MV_OUTCOME_FAIL, "sendTo and receive name different migrations");
                finding->refusal = (struct mv_refusal){
                        .step = 9,
                        .code = 422,
                        .message = mv_text(
                                ctx, "sendTo migrationID %.*s does not match receive migrationID %.*s",
                                MV_STR_ARG(send_to->migration_id), MV_STR_ARG(receive->migration_id)),
                        .cause_reason = "FieldValueInvalid",
                        .cause_field = "",
                };
                finding->fix = MV_STR("give sendTo and receive the same migrationID");
        } else {
                mv_report(ctx, MV_OUTCOME_PASS, "decentralized migration is enabled");
                return;
        }
        finding->field = send_to ? MV_STR("spec.sendTo") : MV_STR("spec.receive");
}

const struct mv_rule mv_rule_request_decentralized = {
        .id = "request-decentralized",
        .area = MV_AREA_REQUEST,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(KUBEVIRT),
        .reason = "",
        .subject = MV_SUBJECT_REQUEST,
        .summary = "a migration to or from another cluster needs its feature gate",
        .documentation = "sendTo and receive need the feature gate DecentralizedLiveMigration: off unless named from 1.6 to "
                         "1.9, on unless disabled since; where both are set their migrationID must be the same.",
        .source = "KubeVirt pkg/virt-api/webhooks/validating-webhook/admitters/migration-create-admitter.go: Admit",
        .fix = "turn the feature gate DecentralizedLiveMigration on in the KubeVirt object",
        .revisions = {
                { MV_KUBEVIRT(1, 6), check, 0, 0, "there is no decentralized migration before" },
        },
};
