/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu-model: a named CPU model needs another node that offers it.
 *
 * Reads domain.cpu.model and features, status.nodeName, and the labels kubevirt.io/schedulable,
 * cpu-model.node.kubevirt.io/..., cpu-feature.node.kubevirt.io/..., cpu-vendor.node.kubevirt.io/... of nodes.
 */
#include "policy/rule.h"

static const unsigned classes = MV_FIT_BIT(MV_FIT_CPU) | MV_FIT_BIT(MV_FIT_SCHEDULABLE);

/* The nodes that offer the model and the features, of whatever vendor. */
static uint64_t *offering(struct mv_context *ctx) {
        const struct mv_fit *fit = ctx->fit;
        uint64_t *set = mv_node_set_all(fit->index, ctx->arena);
        for (size_t i = 0; i < fit->n_checks; i++)
                if ((classes & MV_FIT_BIT(fit->checks[i].class)) &&
                    strcmp(fit->checks[i].what, "cpu-vendor:") != 0)
                        mv_node_set_and(fit->index, set, fit->checks[i].pass);
        return set;
}

static struct mv_finding *report(struct mv_context *ctx, enum mv_outcome outcome, struct mv_str message) {
        struct mv_finding *finding = mv_report(ctx, outcome, "%.*s", MV_STR_ARG(message));
        finding->field = mv_spec_field(ctx, "domain.cpu.model");
        return finding;
}

static void fail(struct mv_context *ctx) {
        const struct mv_cpu *cpu = ctx->vmi->spec.domain.cpu;
        const struct mv_node_index *index = ctx->fit->index;
        const uint64_t *set = offering(ctx);
        size_t n = mv_node_set_count(index, mv_node_index_all(index)),
               offered = mv_node_set_count(index, set), first = mv_node_set_next(index, set, 0);
        const char *with = cpu->features.n ? " with the features the VM requires" : "";
        const char *why = ctx->behaviour->cpu_vendor
                                  ? ", so there is no other node of the same CPU vendor to move to"
                                  : ", so there is no other node to move to";
        if (!offered)
                report(ctx, MV_OUTCOME_FAIL,
                       mv_text(ctx, "no schedulable node of %zu offers CPU model %.*s%s", n,
                               MV_STR_ARG(cpu->model), with));
        else if (offered == 1)
                report(ctx, MV_OUTCOME_FAIL,
                       mv_text(ctx, "only node %.*s of %zu offers CPU model %.*s%s%s",
                               MV_STR_ARG(mv_node_index_at(index, first)->meta.name), n,
                               MV_STR_ARG(cpu->model), with, why));
        else
                report(ctx, MV_OUTCOME_FAIL,
                       mv_text(ctx, "%zu of %zu nodes offer CPU model %.*s%s, but %s", offered, n,
                               MV_STR_ARG(cpu->model), with,
                               ctx->fit->source != SIZE_MAX
                                       ? "no other one has the CPU vendor of the node the VM is on"
                                       : "no two of them are of one CPU vendor"));
}

static void check(struct mv_context *ctx) {
        const struct mv_cpu *cpu = ctx->vmi->spec.domain.cpu;
        if (!ctx->fit || mv_str_is(cpu->model, "host-model") || mv_str_is(cpu->model, "host-passthrough"))
                return;
        if (!mv_has_target(ctx, classes)) {
                fail(ctx);
                return;
        }
        size_t others = ctx->terse ? 0 : mv_count_targets(ctx, classes);
        if (!mv_source_matters(ctx)) {
                mv_report(ctx, MV_OUTCOME_PASS, "%zu %snode%s offer%s CPU model %.*s", others,
                          ctx->fit->source == SIZE_MAX && !ctx->fit->source_unknown ? "" : "other ",
                          others == 1 ? "" : "s", others == 1 ? "s" : "", MV_STR_ARG(cpu->model));
                return;
        }
        struct mv_str name = ctx->vmi->status.node_name;
        struct mv_finding *finding = report(
                ctx, MV_OUTCOME_UNKNOWN,
                mv_text(ctx,
                        "other nodes offer CPU model %.*s, but node %.*s, where the VM runs, %s, so its "
                        "CPU vendor is not known",
                        MV_STR_ARG(cpu->model), MV_STR_ARG(name),
                        mv_snapshot_absent(ctx->snapshot, MV_KIND_NODE)));
        finding->fix = mv_missing_fix(ctx, MV_KIND_NODE, MV_STR(""), name);
        mv_report_missing(finding, MV_KIND_NODE, (struct mv_str){ 0 }, name);
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
                "or none), and the CPU vendor of the node the VM is on. When no other node that runs instances carries "
                "them all, the migration is accepted and its target pod stays pending until it times out. For a VM that "
                "has no node yet there must be two such nodes of one vendor. A cordoned node counts: that passes.",
        .source = "KubeVirt pkg/virt-controller/services/nodeselectorrenderer.go: Render; "
                  "pkg/virt-controller/watch/migration/migration.go: createTargetPod",
        .fix = "choose a CPU model and features that two nodes of one CPU vendor have in common: migvet nodes --baseline names the "
               "newest, and kubectl get nodes --show-labels lists all as cpu-model.node.kubevirt.io/MODEL=true",
        .revisions = {
                { 0, check, 0, 0, NULL },
                { MV_KUBEVIRT_PATCH(1, 6, 4), check, 0, 0, "the target must have the CPU vendor of the source" },
                { MV_KUBEVIRT(1, 7), check, 0, 0, "the vendor is not looked at" },
                { MV_KUBEVIRT_PATCH(1, 7, 1), check, 0, 0, "the target must have the CPU vendor of the source" },
        },
};
