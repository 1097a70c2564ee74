/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdx: guests with Intel TDX.
 *
 * Reads spec.domain.launchSecurity.tdx.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        const struct mv_launch_security *security = ctx->vmi->spec.domain.launch_security;
        if (!security || !security->tdx)
                return;
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL, "the guest is an Intel TDX trust domain and cannot leave its node");
        finding->field = mv_spec_field(ctx, "domain.launchSecurity.tdx");
        finding->condition = MV_STR("VMI uses TDX");
}

const struct mv_rule mv_rule_tdx = {
        .id = "tdx",
        .area = MV_AREA_SECURITY,
        .severity = MV_SEVERITY_BLOCKER,
        .reason = "TDXNotLiveMigratable",
        .summary = "a guest with Intel TDX cannot migrate",
        .documentation = "The memory and state of a trust domain are bound to the processor it was started on, so "
                         "KubeVirt refuses to migrate it.",
        .source = "KubeVirt pkg/virt-handler/vm.go: calculateLiveMigrationCondition",
        .fix = "run the VM without launchSecurity, or set evictionStrategy: LiveMigrateIfPossible so that a drain shuts "
               "it down instead of hanging",
        .revisions = {
                { MV_KUBEVIRT(1, 7), check, MV_STEP_TDX, MV_STEP_SEV, "there is no such field before" },
        },
};
