/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maintenance-blocked: the drain that a NodeMaintenance starts cannot end.
 *
 * Reads spec.nodeName, and the simulation of the drain.
 */
#include "policy/drain/drain.h"
#include "policy/rule.h"

enum { NAMED = 3 };

static const char *in_words(enum mv_drain_obstacle obstacle) {
        switch (obstacle) {
        case MV_DRAIN_WEBHOOK:
                return "KubeVirt refuses its eviction";
        case MV_DRAIN_BUDGET:
                return "a PodDisruptionBudget refuses its eviction";
        case MV_DRAIN_NO_NODE:
                return "no other node takes it";
        case MV_DRAIN_CONVERGENCE:
                return "its migration does not end in time";
        case MV_DRAIN_QUEUE:
                return "its migration never gets its turn";
        case MV_DRAIN_POD:
                return "KubeVirt cannot make its pod";
        default:
                return "it stays";
        }
}

/* The first instances that block, each with why. */
static struct mv_str blocking(struct mv_context *ctx, const struct mv_drain_plan *plan) {
        struct mv_str text = { 0 };
        size_t n = 0;
        for (size_t i = 0; i < plan->n_fates && n < NAMED; i++) {
                const struct mv_drain_fate *fate = &plan->fates[i];
                if (fate->outcome == MV_DRAIN_BLOCKS)
                        text = mv_text(ctx, "%.*s%s%.*s/%.*s (%s)", MV_STR_ARG(text), n++ ? ", " : "",
                                       MV_STR_ARG(fate->vmi->meta.namespace),
                                       MV_STR_ARG(fate->vmi->meta.name), in_words(fate->obstacle));
        }
        return text;
}

static void check(struct mv_context *ctx) {
        const struct mv_drain_plan *plan = ctx->drain;
        struct mv_str node = ctx->maintenance->spec.node_name;
        struct mv_finding *finding;
        if (!mv_snapshot_count(ctx->snapshot, MV_KIND_NODE))
                return;
        if (!plan) {
                finding =
                        mv_report(ctx, MV_OUTCOME_UNKNOWN,
                                  "the input has no Node %.*s, so its drain is not known", MV_STR_ARG(node));
                mv_report_missing(finding, MV_KIND_NODE, MV_STR(""), node);
        } else if (plan->count[MV_DRAIN_BLOCKS]) {
                struct mv_str names = blocking(ctx, plan);
                size_t n = plan->count[MV_DRAIN_BLOCKS];
                finding = mv_report(ctx, MV_OUTCOME_FAIL, "%zu VM%s would block the drain of %.*s: %.*s%s", n,
                                    n == 1 ? "" : "s", MV_STR_ARG(node), MV_STR_ARG(names),
                                    n > NAMED ? ", ..." : "");
        } else if (plan->stopped) {
                finding = mv_report(
                        ctx, MV_OUTCOME_UNKNOWN,
                        "there are too many VMs on %.*s to tell in time whether its drain would block",
                        MV_STR_ARG(node));
        } else {
                mv_report(ctx, MV_OUTCOME_PASS, "nothing blocks the drain of %.*s", MV_STR_ARG(node));
                return;
        }
        finding->field = MV_STR("spec.nodeName");
}

const struct mv_rule mv_rule_maintenance_blocked = {
        .id = "maintenance-blocked",
        .area = MV_AREA_MAINTENANCE,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(NODE) | MV_NEED(POD) | MV_NEED(DISRUPTION_BUDGET),
        .reason = "",
        .subject = MV_SUBJECT_MAINTENANCE,
        .summary = "a NodeMaintenance whose drain would never end",
        .documentation =
                "A NodeMaintenance cordons its node and drains it, which ends when no pod is left. KubeVirt's webhook "
                "refuses for ever to evict a VM whose eviction strategy is LiveMigrate and which is not live-migratable; a "
                "PodDisruptionBudget may refuse another one; and a VM that no other node takes, or whose migration never "
                "ends, stays as well. The drain is simulated as `migvet drain` does it, which tells more.",
        .source =
                "KubeVirt pkg/virt-api/webhooks/validating-webhook/admitters/pod-eviction-admitter.go, "
                "pkg/virt-controller/watch/drain/evacuation/evacuation.go; medik8s/node-maintenance-operator "
                "controllers/nodemaintenance_controller.go",
        .fix = "run `migvet drain` for the node, and do what it says under \"Fix these first\"",
        .revisions = { { 0, check, 0, 0, NULL } },
};
