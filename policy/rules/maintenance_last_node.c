/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maintenance-last-node: no other node takes any VM of the one that is to be maintained.
 *
 * Reads spec.nodeName, and the simulation of the drain.
 */
#include "policy/drain/drain.h"
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        const struct mv_drain_plan *plan = ctx->drain;
        struct mv_str node = ctx->maintenance->spec.node_name;
        size_t without = 0;
        if (!plan || plan->stopped)
                return; /* maintenance-blocked says so */
        for (size_t i = 0; i < plan->n_fates; i++)
                without += plan->fates[i].homeless;
        size_t placed = plan->count[MV_DRAIN_MIGRATES] + plan->count[MV_DRAIN_RESTARTS];
        if (!without && !placed)
                return; /* nobody has to go anywhere */
        if (placed) {
                mv_report(ctx, MV_OUTCOME_PASS, "other nodes take VMs of %.*s", MV_STR_ARG(node));
                return;
        }
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL, "no other node takes any of the %zu VM%s that would have to leave %.*s",
                without, without == 1 ? "" : "s", MV_STR_ARG(node));
        finding->field = MV_STR("spec.nodeName");
}

const struct mv_rule mv_rule_maintenance_last_node = {
        .id = "maintenance-last-node",
        .area = MV_AREA_MAINTENANCE,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(NODE) | MV_NEED(POD),
        .reason = "",
        .subject = MV_SUBJECT_MAINTENANCE,
        .summary = "a NodeMaintenance of the last node that its VMs can run on",
        .documentation =
                "While a node is maintained its VMs run elsewhere, if there is an elsewhere: a node that is not cordoned, "
                "has what the VMs ask for, and has room. Where no other node takes any of them, the migrations wait for "
                "ever, and VMs that shut down stay down until the maintenance ends.",
        .source =
                "KubeVirt pkg/virt-controller/watch/migration/migration.go: createTargetPod; the scheduler's filters",
        .fix = "put another node into service first, or shut these VMs down on purpose",
        .revisions = { { 0, check, 0, 0, NULL } },
};
