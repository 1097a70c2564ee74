/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu-host-passthrough: the guest sees the CPU of its node, and another CPU may not do.
 *
 * Reads domain.cpu.model, status.nodeName, and the labels of nodes that tell their CPU: vendor, host model, features.
 */
#include "policy/rule.h"

static bool tells_cpu(struct mv_str key) {
        return mv_str_starts_with(key, MV_STR("host-model-cpu.node.kubevirt.io/")) ||
               mv_str_starts_with(key, MV_STR("cpu-vendor.node.kubevirt.io/")) ||
               mv_str_starts_with(key, MV_STR("cpu-feature.node.kubevirt.io/"));
}

/* The next label from *at on that tells something of the CPU; NULL. */
static const struct mv_pair *next_fact(const struct mv_node *node, size_t *at) {
        const struct mv_map *labels = &node->meta.labels;
        while (*at < labels->n && !tells_cpu(labels->items[*at].key))
                ++*at;
        return *at < labels->n ? &labels->items[(*at)++] : NULL;
}

enum likeness { SAME, DIFFERENT, UNTOLD };

/* Whether they have the same CPU, as far as their labels tell. */
static enum likeness compare(const struct mv_node *a, const struct mv_node *b) {
        bool model = false;
        for (size_t i = 0, k = 0;;) {
                const struct mv_pair *left = next_fact(a, &i), *right = next_fact(b, &k);
                if (!left && !right)
                        return model ? SAME : UNTOLD;
                if (!left || !right || !mv_str_equal(left->key, right->key) ||
                    !mv_str_equal(left->value, right->value))
                        return DIFFERENT;
                model |= mv_str_starts_with(left->key, MV_STR("host-model-cpu.node.kubevirt.io/"));
        }
}

/* The first two nodes that could be source and target and are not known to be alike; *ret_likeness is SAME when all
 * are. */
static void unlike(struct mv_context *ctx, const struct mv_node *ret[2], enum likeness *ret_likeness) {
        const struct mv_fit *fit = ctx->fit;
        const uint64_t *set = mv_fit_passing(ctx->arena, fit, MV_FIT_LASTING);
        *ret_likeness = fit->source_unknown ? UNTOLD : SAME;
        ret[0] = fit->source != SIZE_MAX ? mv_node_index_at(fit->index, fit->source) : NULL;
        for (size_t i = mv_node_set_next(fit->index, set, 0); i != SIZE_MAX && *ret_likeness == SAME;
             i = mv_node_set_next(fit->index, set, i + 1)) {
                const struct mv_node *node = mv_node_index_at(fit->index, i);
                if (!ret[0])
                        ret[0] = node;
                else if (i != fit->source) {
                        ret[1] = node;
                        *ret_likeness = compare(ret[0], node);
                }
        }
}

static void check(struct mv_context *ctx) {
        if (!mv_str_is(ctx->vmi->spec.domain.cpu->model, "host-passthrough"))
                return;
        const struct mv_node *nodes[2] = { NULL, NULL };
        enum likeness likeness = UNTOLD;
        if (ctx->fit)
                unlike(ctx, nodes, &likeness);
        if (likeness == SAME && nodes[1]) {
                mv_report(ctx, MV_OUTCOME_PASS, "all nodes that could take the VM tell the same CPU");
                return;
        }
        struct mv_finding *finding =
                likeness == DIFFERENT
                        ? mv_report(
                                  ctx, MV_OUTCOME_FAIL,
                                  "the CPU model is host-passthrough, and the CPUs of nodes %.*s and %.*s differ: KubeVirt "
                                  "asks only for the same vendor, and the guest may crash where a feature is missing",
                                  MV_STR_ARG(nodes[0]->meta.name), MV_STR_ARG(nodes[1]->meta.name))
                        : mv_report(
                                  ctx, MV_OUTCOME_FAIL,
                                  "the CPU model is host-passthrough, which is safe between identical CPUs only; KubeVirt "
                                  "asks only for the same vendor");
        finding->field = mv_spec_field(ctx, "domain.cpu.model");
}

const struct mv_rule mv_rule_cpu_host_passthrough = {
        .id = "cpu-host-passthrough",
        .area = MV_AREA_CPU,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(NODE),
        .reason = "",
        .targets = true,
        .summary = "host-passthrough migrates safely between identical CPUs only",
        .documentation =
                "With host-passthrough the guest sees the CPU of the node it starts on, with all its features. KubeVirt "
                "selects nothing for the target but the CPU vendor, so the guest may land on a lesser CPU of the same vendor "
                "and crash. The rule passes where the labels of all nodes that could take the VM tell the same host model, "
                "vendor and features.",
        .source = "KubeVirt pkg/virt-controller/services/nodeselectorrenderer.go: Render; "
                  "pkg/virt-controller/watch/migration/migration.go: createTargetPod",
        .fix = "choose host-model or a named CPU model, or keep the VM to identical nodes with a nodeSelector",
        .revisions = { { 0, check, 0, 0, NULL } },
};
