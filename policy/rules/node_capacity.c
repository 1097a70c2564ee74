/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node-capacity: a node that could take the VM must have room, and be open, right now.
 *
 * Reads what node-fit reads, and cordons, taints that come and go, and the requests and affinity of the pods there.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        const unsigned lasting = MV_FIT_LASTING & ~MV_FIT_BIT(MV_FIT_ADDED);
        const unsigned now = MV_FIT_EVERYTHING & ~(MV_FIT_BIT(MV_FIT_ADDED) | MV_FIT_BIT(MV_FIT_SPREAD));
        if (!ctx->fit || ctx->launcher->problem.n || !mv_has_target(ctx, lasting))
                return;
        bool started = ctx->fit->source != SIZE_MAX || ctx->fit->source_unknown;
        if (mv_has_target(ctx, now)) {
                size_t n = ctx->terse ? 0 : mv_count_targets(ctx, now);
                mv_report(ctx, MV_OUTCOME_PASS, "%zu %snode%s %s room for the VM now", n,
                          started ? "other " : "", n == 1 ? "" : "s", n == 1 ? "has" : "have");
                return;
        }
        uint64_t *possible = mv_fit_passing(ctx->arena, ctx->fit, lasting);
        struct mv_str obstacles = mv_obstacles(ctx, possible, now);
        mv_report(ctx, MV_OUTCOME_FAIL, "no %snode that could take the VM has room and is open now%s%.*s",
                  started ? "other " : "second ", obstacles.n ? ": " : "", MV_STR_ARG(obstacles));
}

const struct mv_rule mv_rule_node_capacity = {
        .id = "node-capacity",
        .area = MV_AREA_PLACEMENT,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(NODE) | MV_NEED(POD),
        .reason = "",
        .targets = true,
        .summary = "no node that could take the VM has room, or is open, right now",
        .documentation =
                "Among the nodes that could take the VM at all (node-fit), one must be open for scheduling, have enough free "
                "CPU, memory, huge pages, devices and pods, and not be forbidden by affinity with the pods that are there. "
                "This changes from minute to minute, so it is a risk and never makes a VM not migratable; the level "
                "`resilient` asks for it. Only pods of the input count as using anything.",
        .source =
                "KubeVirt pkg/virt-controller/services/renderresources.go; Kubernetes' scheduler: NodeResourcesFit, "
                "NodeUnschedulable, TaintToleration, InterPodAffinity",
        .fix = "free or add capacity, uncordon a node, or lower what the VM requests",
        .revisions = { { 0, check, 0, 0, NULL } },
};
