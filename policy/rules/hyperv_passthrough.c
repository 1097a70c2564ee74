/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hyperv-passthrough: all Hyper-V features of the host, handed to the guest.
 *
 * Reads spec.domain.features.hypervPassthrough.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        const struct mv_features *features = ctx->vmi->spec.domain.features;
        if (!features || !features->hyperv_passthrough)
                return;
        if (features->hyperv_passthrough->enabled == MV_FALSE) {
                mv_report(ctx, MV_OUTCOME_PASS, "Hyper-V passthrough is off");
                return;
        }
        bool unset = features->hyperv_passthrough->enabled == MV_UNSET;
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL,
                "the guest sees the Hyper-V features of its node, which others may lack%s",
                unset ? " (enabled is not set, and virt-handler crashes on that: it is read as true)" : "");
        finding->field = mv_spec_field(ctx, "domain.features.hypervPassthrough");
        finding->condition = MV_STR("VMI uses hyperv passthrough");
}

const struct mv_rule mv_rule_hyperv_passthrough = {
        .id = "hyperv-passthrough",
        .area = MV_AREA_CPU,
        .severity = MV_SEVERITY_BLOCKER,
        .reason = "HypervPassthroughNotLiveMigratable",
        .summary = "Hyper-V passthrough ties the guest to its node",
        .documentation =
                "With hypervPassthrough the guest gets every Hyper-V feature that its node supports, and another node "
                "may support others, so KubeVirt refuses. A hypervPassthrough without `enabled` is not defaulted and "
                "makes virt-handler crash; migvet reads it as enabled and says so.",
        .source = "KubeVirt pkg/virt-handler/vm.go: calculateLiveMigrationCondition",
        .fix = "list the Hyper-V features the guest needs under features.hyperv instead",
        .revisions = {
                { MV_KUBEVIRT(1, 3), check, MV_STEP_HYPERV_PASSTHROUGH, MV_STEP_HYPERV_PASSTHROUGH,
                  "there is no such field before" },
        },
};
