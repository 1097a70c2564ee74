/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sev: guests with AMD SEV, SEV-ES or SEV-SNP.
 *
 * Reads spec.domain.launchSecurity.sev and .snp.
 */
#include "policy/rule.h"

static void report(struct mv_context *ctx, const struct mv_launch_security *security) {
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL, "the guest's memory is encrypted by AMD %s and cannot leave its node",
                security->sev ? "SEV" : "SEV-SNP");
        finding->field = mv_spec_field(ctx, "domain.launchSecurity.%s", security->sev ? "sev" : "snp");
        finding->condition = MV_STR("VMI uses SEV");
}

static void check(struct mv_context *ctx) {
        const struct mv_launch_security *security = ctx->vmi->spec.domain.launch_security;
        if (security && security->sev)
                report(ctx, security);
}

static void check_snp_too(struct mv_context *ctx) {
        const struct mv_launch_security *security = ctx->vmi->spec.domain.launch_security;
        if (security && (security->sev || security->snp))
                report(ctx, security);
}

const struct mv_rule mv_rule_sev = {
        .id = "sev",
        .area = MV_AREA_SECURITY,
        .severity = MV_SEVERITY_BLOCKER,
        .reason = "SEVNotLiveMigratable",
        .summary = "a guest with AMD SEV, SEV-ES or SEV-SNP cannot migrate",
        .documentation =
                "The memory of such a guest is encrypted with a key that never leaves the processor. KubeVirt refuses "
                "to migrate it and reports SEV-SNP as SEV too.",
        .source = "KubeVirt pkg/virt-handler/vm.go: calculateLiveMigrationCondition",
        .fix = "run the VM without launchSecurity, or set evictionStrategy: LiveMigrateIfPossible so that a drain shuts "
               "it down instead of hanging",
        .revisions = {
                { 0, check, MV_STEP_SEV, MV_STEP_SEV, NULL },
                { MV_KUBEVIRT(1, 7), check_snp_too, MV_STEP_SEV, MV_STEP_SEV, "SEV-SNP counts, too" },
        },
};
