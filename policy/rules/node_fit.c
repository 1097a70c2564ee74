/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node-fit: another node must be able to take the VM.
 *
 * Reads all that the target pod of a migration selects, tolerates and requests, and labels, taints and allocatable
 * resources of nodes. Cordons, nodes that are not ready, and what others use are node-capacity's.
 */
#include "policy/rule.h"

/* One fault is one finding: another rule says already that nothing is left. */
static bool is_said(struct mv_context *ctx) {
        const struct mv_cpu *cpu = ctx->vmi->spec.domain.cpu;
        const struct mv_vmi_spec *spec = &ctx->vmi->spec;
        const unsigned selector = MV_FIT_BIT(MV_FIT_SELECTOR);
        if (!mv_str_is(cpu->model, "host-passthrough") &&
            !mv_has_target(ctx, MV_FIT_BIT(MV_FIT_CPU) | MV_FIT_BIT(MV_FIT_SCHEDULABLE)))
                return true;
        bool started = ctx->fit->source != SIZE_MAX || ctx->fit->source_unknown;
        if (mv_count_targets(ctx, MV_FIT_BIT(MV_FIT_VOLUME)) < (started ? 1u : 2u))
                return true;
        const uint64_t *selected = mv_fit_passing(ctx->arena, ctx->fit, selector);
        size_t n = mv_node_set_count(ctx->fit->index, selected);
        bool own = ctx->fit->source != SIZE_MAX ? mv_node_set_has(selected, ctx->fit->source)
                                                : !ctx->fit->source_unknown;
        return n == 1 && own && (spec->node_selector.n || (spec->affinity && spec->affinity->node));
}

static void fail(struct mv_context *ctx, unsigned classes) {
        const struct mv_fit *fit = ctx->fit;
        size_t start = mv_count_targets(ctx, classes);
        struct mv_str obstacles = mv_obstacles(ctx, NULL, classes);
        if (fit->source != SIZE_MAX || fit->source_unknown)
                mv_report(ctx, MV_OUTCOME_FAIL, "no other node can take the VM%s%.*s",
                          obstacles.n ? ": " : "", MV_STR_ARG(obstacles));
        else if (start > 1)
                mv_report(ctx, MV_OUTCOME_FAIL,
                          "%zu nodes can run the VM, but none could take it from another: their CPUs differ",
                          start);
        else
                mv_report(ctx, MV_OUTCOME_FAIL, "%s can run the VM, and a migration needs two%s%.*s",
                          start ? "only one node" : "no node", obstacles.n ? ": " : "",
                          MV_STR_ARG(obstacles));
}

static void check(struct mv_context *ctx) {
        const unsigned classes = MV_FIT_LASTING & ~MV_FIT_BIT(MV_FIT_ADDED);
        if (!ctx->fit)
                return;
        if (ctx->launcher->problem.n) {
                mv_report(ctx, MV_OUTCOME_FAIL, "KubeVirt cannot make the VM's pod on any node: %.*s",
                          MV_STR_ARG(ctx->launcher->problem));
                return;
        }
        if (!mv_has_target(ctx, classes)) {
                if (!is_said(ctx))
                        fail(ctx, classes);
                return;
        }
        const struct mv_cpu *cpu = ctx->vmi->spec.domain.cpu;
        if (!mv_source_matters(ctx)) {
                size_t n = mv_count_targets(ctx, classes);
                mv_report(ctx, MV_OUTCOME_PASS, "%zu %snode%s can take the VM", n,
                          ctx->fit->source == SIZE_MAX && !ctx->fit->source_unknown ? "" : "other ",
                          n == 1 ? "" : "s");
                return;
        }
        if (!mv_str_is(cpu->model, "host-passthrough"))
                return; /* cpu-model or cpu-host-model says what is missing */
        struct mv_str name = ctx->vmi->status.node_name;
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_UNKNOWN,
                          "node %.*s, where the VM runs, %s, so the CPU vendor of a target is not known",
                          MV_STR_ARG(name), mv_snapshot_absent(ctx->snapshot, MV_KIND_NODE));
        finding->fix = mv_missing_fix(ctx, MV_KIND_NODE, MV_STR(""), name);
        mv_report_missing(finding, MV_KIND_NODE, (struct mv_str){ 0 }, name);
}

const struct mv_rule mv_rule_node_fit = {
        .id = "node-fit",
        .area = MV_AREA_PLACEMENT,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(NODE) | MV_NEED(POD) | MV_NEED(KUBEVIRT),
        .reason = "",
        .targets = true,
        .summary = "another node must be able to take the VM",
        .documentation =
                "KubeVirt's condition never looks at other nodes. The target pod of a migration selects labels of the CPU, "
                "the machine type, Hyper-V and security features, carries the VM's own selector, affinity and tolerations, "
                "and requests CPU, memory and devices. The rule asks whether some other node passes all of that and is large "
                "enough in total; it does not mind cordons, nodes that are not ready, and what others use now, which is "
                "node-capacity's business. A VM that has no node yet needs two: one to start on, and one that could take it "
                "from there. Where the CPU model, the volumes or the VM's own selector alone leave no node, their rules say "
                "so instead. Without any Node in the input it does not apply.",
        .source = "KubeVirt pkg/virt-controller/watch/migration/migration.go: createTargetPod; "
                  "pkg/virt-controller/services/template.go: renderLaunchManifest; Kubernetes' scheduler",
        .fix = "change what stops the nodes (label, taint, size, or the VM's selector, tolerations and requests), or add a "
               "node: migvet nodes shows them all",
        .revisions = { { 0, check, 0, 0, NULL } },
};
