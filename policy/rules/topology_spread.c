/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topology-spread: spread constraints that a second pod of the VM would break.
 *
 * Reads topologySpreadConstraints with DoNotSchedule, labels of nodes, and labels and places of pods.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        const unsigned rest = MV_FIT_EVERYTHING & ~(MV_FIT_BIT(MV_FIT_ADDED) | MV_FIT_BIT(MV_FIT_SPREAD));
        bool any = false;
        for (size_t i = 0; ctx->fit && i < ctx->fit->n_checks; i++)
                any |= ctx->fit->checks[i].class == MV_FIT_SPREAD;
        if (!any || !mv_has_target(ctx, rest))
                return;
        if (mv_has_target(ctx, rest | MV_FIT_BIT(MV_FIT_SPREAD))) {
                mv_report(ctx, MV_OUTCOME_PASS, "a second pod keeps to the topology spread constraints");
                return;
        }
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL,
                "a second pod breaks the topology spread constraints on every node that has room: while it migrates, "
                "the VM counts twice");
        finding->field = mv_spec_field(ctx, "topologySpreadConstraints");
}

const struct mv_rule mv_rule_topology_spread = {
        .id = "topology-spread",
        .area = MV_AREA_PLACEMENT,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(NODE) | MV_NEED(POD),
        .reason = "",
        .targets = true,
        .summary = "topology spread constraints that a second pod of the VM would break",
        .documentation =
                "The target pod carries the VM's topologySpreadConstraints and labels, and while the VM migrates both its pods "
                "count. With whenUnsatisfiable: DoNotSchedule and a small maxSkew there may be no node where the second one "
                "may go, though each has room.",
        .source = "KubeVirt pkg/virt-controller/services/template.go: renderLaunchManifest; "
                  "Kubernetes pkg/scheduler/framework/plugins/podtopologyspread",
        .fix = "raise maxSkew by one, or use whenUnsatisfiable: ScheduleAnyway",
        .revisions = { { 0, check, 0, 0, NULL } },
};
