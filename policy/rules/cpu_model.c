/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu-model: a named CPU model needs another node that offers it.
 *
 * Reads domain.cpu.model and features, status.nodeName, and the labels kubevirt.io/schedulable,
 * cpu-model.node.kubevirt.io/..., cpu-feature.node.kubevirt.io/..., cpu-vendor.node.kubevirt.io/... of nodes.
 */
#include "policy/nodeindex.h"
#include "policy/rule.h"

static const struct mv_str vendor_prefix = { "cpu-vendor.node.kubevirt.io/", 28 };

static struct mv_str vendor_label(const struct mv_node *node) {
        for (size_t i = 0; i < node->meta.labels.n; i++)
                if (mv_str_starts_with(node->meta.labels.items[i].key, vendor_prefix))
                        return node->meta.labels.items[i].key;
        return (struct mv_str){ 0 };
}

static const struct mv_node *node_at(const struct mv_context *ctx, size_t i) {
        return mv_snapshot_at(ctx->snapshot, MV_KIND_NODE, i);
}

/* The nodes that offer the model and every required feature. NULL when memory is out. */
static uint64_t *offering(struct mv_context *ctx, const struct mv_cpu *cpu) {
        const struct mv_node_index *index = mv_snapshot_node_index(ctx->snapshot);
        uint64_t *set = mv_node_set_all(index, ctx->arena);
        if (!set)
                return NULL;
        const struct mv_str yes = MV_STR("true");
        mv_node_set_and(index, set, mv_node_index_label(index, MV_STR("kubevirt.io/schedulable"), yes));
        struct mv_str label = mv_text(ctx, "cpu-model.node.kubevirt.io/%.*s", MV_STR_ARG(cpu->model));
        mv_node_set_and(index, set, mv_node_index_label(index, label, yes));
        for (size_t i = 0; i < cpu->features.n; i++) {
                const struct mv_cpu_feature *feature = &cpu->features.items[i];
                if (feature->policy.n && !mv_str_is(feature->policy, "require"))
                        continue;
                label = mv_text(ctx, "cpu-feature.node.kubevirt.io/%.*s", MV_STR_ARG(feature->name));
                mv_node_set_and(index, set, mv_node_index_label(index, label, yes));
        }
        return set;
}

/* How many of set a VM on node could move to. */
static size_t targets_from(struct mv_context *ctx, const uint64_t *set, size_t node, bool same_vendor) {
        const struct mv_node_index *index = mv_snapshot_node_index(ctx->snapshot);
        struct mv_str vendor = same_vendor ? vendor_label(node_at(ctx, node)) : (struct mv_str){ 0 };
        const uint64_t *of_vendor = vendor.n ? mv_node_index_label(index, vendor, MV_STR("true")) : set;
        bool itself = of_vendor && mv_node_set_has(set, node) && mv_node_set_has(of_vendor, node);
        return mv_node_set_count_both(index, set, of_vendor) - itself;
}

static struct mv_finding *report(struct mv_context *ctx, enum mv_outcome outcome, struct mv_str message) {
        struct mv_finding *finding = mv_report(ctx, outcome, "%.*s", MV_STR_ARG(message));
        finding->field = mv_spec_field(ctx, "domain.cpu.model");
        return finding;
}

static void fail(struct mv_context *ctx, const uint64_t *set, const char *why) {
        const struct mv_cpu *cpu = ctx->vmi->spec.domain.cpu;
        size_t n = mv_snapshot_count(ctx->snapshot, MV_KIND_NODE), first = 0;
        size_t offered = mv_node_set_count(mv_snapshot_node_index(ctx->snapshot), set);
        const char *with = cpu->features.n ? " with the features the VM requires" : "";
        while (first < n && !mv_node_set_has(set, first))
                first++;
        struct mv_str message;
        if (!offered)
                message = mv_text(ctx, "no schedulable node of %zu offers CPU model %.*s%s", n,
                                  MV_STR_ARG(cpu->model), with);
        else if (offered == 1)
                message = mv_text(ctx, "only node %.*s of %zu offers CPU model %.*s%s%s",
                                  MV_STR_ARG(node_at(ctx, first)->meta.name), n, MV_STR_ARG(cpu->model), with,
                                  why);
        else
                message = mv_text(ctx, "%zu of %zu nodes offer CPU model %.*s%s%s", offered, n,
                                  MV_STR_ARG(cpu->model), with, why);
        report(ctx, MV_OUTCOME_FAIL, message);
}

/* The VM runs on a node that is not in the input. */
static void check_unknown_source(struct mv_context *ctx, const uint64_t *set, bool same_vendor) {
        const struct mv_cpu *cpu = ctx->vmi->spec.domain.cpu;
        struct mv_str name = ctx->vmi->status.node_name;
        size_t offered = mv_node_set_count(mv_snapshot_node_index(ctx->snapshot), set);
        if (!offered) {
                fail(ctx, set, "");
                return;
        }
        if (!same_vendor) {
                mv_report(ctx, MV_OUTCOME_PASS, "%zu other nodes offer CPU model %.*s", offered,
                          MV_STR_ARG(cpu->model));
                return;
        }
        struct mv_finding *finding = report(
                ctx, MV_OUTCOME_UNKNOWN,
                mv_text(ctx,
                        "other nodes offer CPU model %.*s, but node %.*s, where the VM runs, is not in the input, so its "
                        "CPU vendor is not known",
                        MV_STR_ARG(cpu->model), MV_STR_ARG(name)));
        finding->fix = mv_text(ctx, "give migvet node %.*s too", MV_STR_ARG(name));
        mv_report_missing(finding, MV_KIND_NODE, (struct mv_str){ 0 }, name);
}

/* same_vendor: the target must have the CPU vendor of the source. */
static void check_vendor(struct mv_context *ctx, bool same_vendor) {
        const struct mv_cpu *cpu = ctx->vmi->spec.domain.cpu;
        size_t n = mv_snapshot_count(ctx->snapshot, MV_KIND_NODE);
        if (!n || mv_str_is(cpu->model, "host-model") || mv_str_is(cpu->model, "host-passthrough"))
                return;
        uint64_t *set = offering(ctx, cpu);
        if (!set)
                return;
        struct mv_str name = ctx->vmi->status.node_name;
        size_t source = n, others = 0;
        for (size_t i = 0; name.n && i < n; i++)
                if (mv_str_equal(node_at(ctx, i)->meta.name, name))
                        source = i;
        if (name.n && source == n) {
                check_unknown_source(ctx, set, same_vendor);
                return;
        }
        /* Without a node yet, it may start on any that offers the model, and must find another from there. */
        if (name.n)
                others = targets_from(ctx, set, source, same_vendor);
        for (size_t i = 0; !name.n && !others && i < n; i++)
                if (mv_node_set_has(set, i))
                        others = targets_from(ctx, set, i, same_vendor);
        if (others)
                mv_report(ctx, MV_OUTCOME_PASS, "%zu other node%s offer%s CPU model %.*s", others,
                          others == 1 ? "" : "s", others == 1 ? "s" : "", MV_STR_ARG(cpu->model));
        else
                fail(ctx, set,
                     same_vendor ? ", so there is no other node of the same CPU vendor to move to"
                                 : ", so there is no other node to move to");
}

static void check_1_0(struct mv_context *ctx) {
        check_vendor(ctx, false);
}

static void check(struct mv_context *ctx) {
        check_vendor(ctx, true);
}

const struct mv_rule mv_rule_cpu_model = {
        .id = "cpu-model",
        .area = MV_AREA_CPU,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(NODE),
        .reason = "",
        .targets = true,
        .summary = "a named CPU model needs another node that offers it",
        .documentation =
                "KubeVirt's condition never asks whether any other node could take the VM. The target pod selects the "
                "label cpu-model.node.kubevirt.io/MODEL, one label for each feature that is required (policy require "
                "or none), and the CPU vendor of the node the VM is on. When no other schedulable node carries them "
                "all, the migration is accepted and its target pod stays pending until it times out. For a VM that "
                "has no node yet there must be two such nodes of one vendor. A cordoned node counts: that passes.",
        .source = "KubeVirt pkg/virt-controller/services/nodeselectorrenderer.go: Render; "
                  "pkg/virt-controller/watch/migration/migration.go: createTargetPod",
        .fix = "choose a CPU model and features that two nodes of one CPU vendor have in common: kubectl get nodes --show-labels lists them "
               "as cpu-model.node.kubevirt.io/MODEL=true",
        .revisions = {
                { 0, check_1_0, 0, 0, NULL },
                { MV_KUBEVIRT(1, 8), check, 0, 0, "the target must have the CPU vendor of the source" },
        },
};
