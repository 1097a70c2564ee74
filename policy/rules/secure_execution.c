/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secure-execution: guests with IBM Secure Execution.
 *
 * Reads spec.domain.launchSecurity (present, even empty) and spec.architecture.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        if (!ctx->vmi->spec.domain.launch_security || !mv_str_is(ctx->vmi->spec.architecture, "s390x"))
                return;
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_FAIL,
                          "launchSecurity on s390x means Secure Execution: the guest cannot leave its node");
        finding->field = mv_spec_field(ctx, "domain.launchSecurity");
        finding->condition = MV_STR("VMI uses Secure Execution");
}

const struct mv_rule mv_rule_secure_execution = {
        .id = "secure-execution",
        .area = MV_AREA_SECURITY,
        .severity = MV_SEVERITY_BLOCKER,
        .reason = "SecureExecutionNotLiveMigratable",
        .summary = "a guest with IBM Secure Execution cannot migrate",
        .documentation = "On s390x a launchSecurity object, even an empty one, starts the guest under Secure Execution, "
                         "and KubeVirt refuses to migrate it.",
        .source = "KubeVirt pkg/virt-handler/vm.go: calculateLiveMigrationCondition",
        .fix = "run the VM without launchSecurity, or set evictionStrategy: LiveMigrateIfPossible so that a drain shuts "
               "it down instead of hanging",
        .revisions = {
                { MV_KUBEVIRT(1, 6), check, MV_STEP_SECURE_EXECUTION, 0, "not looked at before" },
        },
};
