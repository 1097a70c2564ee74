/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request-vmi-missing: a migration names an instance that there is.
 *
 * Reads spec.vmiName of the migration, and the instances of its namespace.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        const struct mv_migration *migration = ctx->migration;
        struct mv_str namespace = migration->meta.namespace, name = migration->spec.vmi_name;
        struct mv_finding *finding;
        if (!name.n) {
                finding = mv_report(ctx, MV_OUTCOME_FAIL,
                                    "the migration does not say which instance to migrate");
                finding->refusal = (struct mv_refusal){ .step = 3,
                                                        .code = 422,
                                                        .message = MV_STR("vmiName is missing"),
                                                        .cause_reason = "FieldValueRequired",
                                                        .cause_field = "spec.vmiName" };
        } else if (!mv_snapshot_find(ctx->snapshot, MV_KIND_VMI, namespace, name)) {
                finding = mv_report(ctx, MV_OUTCOME_UNKNOWN, "VirtualMachineInstance %.*s/%.*s %s%s",
                                    MV_STR_ARG(namespace), MV_STR_ARG(name),
                                    mv_snapshot_absent(ctx->snapshot, MV_KIND_VMI),
                                    ctx->vmi ? "; its VirtualMachine was judged instead" : "");
                finding->fix =
                        mv_text(ctx,
                                "give migvet VirtualMachineInstance %.*s/%.*s too, or set spec.vmiName to a "
                                "running instance of the same namespace",
                                MV_STR_ARG(namespace), MV_STR_ARG(name));
                mv_report_missing(finding, MV_KIND_VMI, namespace, name);
                finding->refusal =
                        (struct mv_refusal){ .step = 5,
                                             .code = 400,
                                             .message = mv_text(ctx, "the VMI \"%.*s/%.*s\" does not exist",
                                                                MV_STR_ARG(namespace), MV_STR_ARG(name)) };
        } else {
                mv_report(ctx, MV_OUTCOME_PASS, "the instance is there");
                return;
        }
        finding->field = MV_STR("spec.vmiName");
}

const struct mv_rule mv_rule_request_vmi_missing = {
        .id = "request-vmi-missing",
        .area = MV_AREA_REQUEST,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(VMI),
        .reason = "",
        .subject = MV_SUBJECT_REQUEST,
        .summary = "a migration names a VirtualMachineInstance of its namespace",
        .documentation =
                "spec.vmiName must be given and name an instance in the migration's own namespace. KubeVirt's "
                "webhook refuses anything else.",
        .source =
                "KubeVirt pkg/virt-api/webhooks/validating-webhook/admitters/migration-create-admitter.go: Admit",
        .fix = "set spec.vmiName to a running instance of the same namespace",
        .revisions = { { 0, check, 0, 0, NULL } },
};
