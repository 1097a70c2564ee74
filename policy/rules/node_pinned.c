/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node-pinned: a node selector or affinity that only one node satisfies.
 *
 * Reads nodeSelector, affinity.nodeAffinity, developerConfiguration.nodeSelectors, and the labels of nodes.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        const unsigned selector = MV_FIT_BIT(MV_FIT_SELECTOR);
        const struct mv_vmi_spec *spec = &ctx->vmi->spec;
        bool affinity = spec->affinity && spec->affinity->node && spec->affinity->node->required;
        if (!ctx->fit || !(spec->node_selector.n || affinity))
                return;
        const struct mv_node_index *index = ctx->fit->index;
        const uint64_t *set = mv_fit_passing(ctx->arena, ctx->fit, selector);
        size_t n = mv_node_set_count(index, set), first = mv_node_set_next(index, set, 0);
        /* None at all is more than pinned: node-fit says it. So is one that is not the VM's. */
        if (!n || (n == 1 &&
                   (ctx->fit->source_unknown || (ctx->fit->source != SIZE_MAX && ctx->fit->source != first))))
                return;
        if (n > 1) {
                mv_report(ctx, MV_OUTCOME_PASS, "%zu nodes satisfy the VM's node selector and affinity", n);
                return;
        }
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_FAIL, "only node %.*s satisfies the VM's %s",
                          MV_STR_ARG(mv_node_index_at(index, first)->meta.name),
                          affinity && spec->node_selector.n ? "nodeSelector and node affinity"
                          : affinity                        ? "node affinity"
                                                            : "nodeSelector");
        finding->field = mv_spec_field(ctx, spec->node_selector.n ? "nodeSelector" : "affinity.nodeAffinity");
}

const struct mv_rule mv_rule_node_pinned = {
        .id = "node-pinned",
        .area = MV_AREA_PLACEMENT,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(NODE),
        .reason = "",
        .targets = true,
        .summary = "a node selector or affinity that one node alone satisfies leaves no target",
        .documentation =
                "The target pod of a migration carries the VM's nodeSelector and its required node affinity. Where only one "
                "node satisfies them, say by kubernetes.io/hostname, the migration is accepted and its target pod stays "
                "pending until it times out. KubeVirt's condition does not look at it.",
        .source =
                "KubeVirt pkg/virt-controller/services/template.go: newNodeSelectorRenderer, setNodeAffinityForPod",
        .fix = "select by a label that several nodes carry (a running VM keeps its selector until it is restarted)",
        .revisions = { { 0, check, 0, 0, NULL } },
};
