/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu-host-model: a VM with the host's CPU model needs a node that knows its own model.
 *
 * Reads domain.cpu.model (after defaults), status.nodeName, labels host-model-cpu.node.kubevirt.io/... of nodes, and
 * which nodes would take the VM (policy/nodes/nodefit.h).
 */
#include "policy/object/pod.h"
#include "policy/rule.h"
#include "policy/drain/stranded.h"

static bool has_host_model(const struct mv_node *node) {
        for (size_t i = 0; i < node->meta.labels.n; i++)
                if (mv_str_starts_with(node->meta.labels.items[i].key,
                                       MV_STR("host-model-cpu.node.kubevirt.io/")))
                        return true;
        return false;
}

static struct mv_finding *fail(struct mv_context *ctx, const struct mv_node *node) {
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_FAIL,
                          "the CPU model is host-model, and node %.*s does not tell its own model",
                          MV_STR_ARG(node->meta.name));
        finding->field = mv_spec_field(ctx, "domain.cpu.model");
        return finding;
}

static struct mv_str condition(struct mv_context *ctx, const struct mv_node *node) {
        return mv_text(ctx, "the node \"%.*s\" does not allow migration with host-model",
                       MV_STR_ARG(node->meta.name));
}

/* An earlier migration fixed model and features, and they go from pod to pod. */
static void fail_frozen(struct mv_context *ctx, const struct mv_stranded *stranded) {
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL,
                "the CPU model is host-model, and launcher pod %.*s selects what an earlier node of the VM had and %s: "
                "%.*s",
                MV_STR_ARG(stranded->pod->meta.name),
                stranded->together ? "no other node has altogether" : "no other node has",
                MV_STR_ARG(mv_stranded_text(ctx->arena, stranded)));
        finding->field = mv_spec_field(ctx, "domain.cpu.model");
        finding->fix = MV_STR(MV_STRANDED_FIX);
}

/* The target must know the model, and have the features that KubeVirt says go with it. */
static void check_targets(struct mv_context *ctx) {
        const unsigned classes = MV_FIT_BIT(MV_FIT_CPU) | MV_FIT_BIT(MV_FIT_SCHEDULABLE);
        if (!ctx->fit || ctx->fit->source_unknown)
                return;
        if (mv_has_target(ctx, classes)) {
                mv_report(ctx, MV_OUTCOME_PASS,
                          "another node knows the CPU model and has the features it needs");
                return;
        }
        const struct mv_stranded *stranded = mv_stranded_find(ctx->arena, ctx->fit_question);
        if (stranded) {
                fail_frozen(ctx, stranded);
                return;
        }
        struct mv_str obstacles = mv_obstacles(ctx, NULL, classes);
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL,
                "the CPU model is host-model, and no other node knows the model %s with all its features%s%.*s",
                ctx->fit->source == SIZE_MAX ? "of a node where the VM could start"
                                             : "of the node the VM is on",
                obstacles.n ? ": " : "", MV_STR_ARG(obstacles));
        finding->field = mv_spec_field(ctx, "domain.cpu.model");
        finding->fix = MV_STR(
                "choose a named CPU model that several nodes support: migvet nodes --baseline names the newest");
}

/* Of a VM that has no node yet: of some nodes, how many tell their own model, and the first that does not. */
struct asked {
        size_t with, without;
        const struct mv_node *first_without;
};

static struct asked ask(const struct mv_context *ctx, const uint64_t *nodes) {
        struct asked asked = { 0 };
        for (size_t i = mv_node_set_next(ctx->fit->index, nodes, 0); i != SIZE_MAX;
             i = mv_node_set_next(ctx->fit->index, nodes, i + 1)) {
                const struct mv_node *node = mv_node_index_at(ctx->fit->index, i);
                if (has_host_model(node))
                        asked.with++;
                else if (asked.without++ == 0)
                        asked.first_without = node;
        }
        return asked;
}

/*
 * It may start on no node now. Those that its selectors leave are asked, or all where they leave none, as far as they run
 * instances, and only whether none of them tells its model: what lets it start there later (a label, a taint) does not give a
 * node one.
 */
static void check_nowhere(struct mv_context *ctx) {
        const unsigned running = MV_FIT_BIT(MV_FIT_SCHEDULABLE), selected = MV_FIT_BIT(MV_FIT_SELECTOR);
        const uint64_t *nodes = mv_fit_passing(ctx->arena, ctx->fit, selected);
        if (nodes) {
                const bool any = mv_node_set_next(ctx->fit->index, nodes, 0) != SIZE_MAX;
                nodes = mv_fit_passing(ctx->arena, ctx->fit, any ? running | selected : running);
        }
        if (!nodes)
                return;
        const struct asked asked = ask(ctx, nodes);
        if (asked.without && !asked.with)
                fail(ctx, asked.first_without)->condition = condition(ctx, asked.first_without);
        else
                check_targets(ctx);
}

static void check_start(struct mv_context *ctx) {
        const unsigned start = MV_FIT_BIT(MV_FIT_SCHEDULABLE) | MV_FIT_BIT(MV_FIT_SELECTOR) |
                               MV_FIT_BIT(MV_FIT_TAINT) | MV_FIT_BIT(MV_FIT_LABEL);
        const uint64_t *nodes = ctx->fit ? mv_fit_passing(ctx->arena, ctx->fit, start) : NULL;
        if (!nodes)
                return;
        const struct asked asked = ask(ctx, nodes);
        if (!asked.with && !asked.without) {
                check_nowhere(ctx);
                return;
        }
        if (!asked.without) {
                check_targets(ctx);
                return;
        }
        if (!asked.with) {
                fail(ctx, asked.first_without)->condition = condition(ctx, asked.first_without);
                return;
        }
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL,
                "the CPU model is host-model, and %zu of the %zu nodes that may take the VM do not tell their own model "
                "(%.*s): started there, it cannot migrate",
                asked.without, asked.with + asked.without, MV_STR_ARG(asked.first_without->meta.name));
        finding->field = mv_spec_field(ctx, "domain.cpu.model");
        finding->severity = MV_SEVERITY_RISK;
}

static void check(struct mv_context *ctx) {
        size_t n = mv_snapshot_count(ctx->snapshot, MV_KIND_NODE);
        if (!mv_str_is(ctx->vmi->spec.domain.cpu->model, "host-model") || !n)
                return;
        struct mv_str name = ctx->vmi->status.node_name;
        if (name.n) {
                const struct mv_node *node =
                        mv_snapshot_find(ctx->snapshot, MV_KIND_NODE, (struct mv_str){ 0 }, name);
                if (!node) {
                        struct mv_finding *finding =
                                mv_report(ctx, MV_OUTCOME_UNKNOWN,
                                          "the CPU model is host-model, and node %.*s, where the VM runs, %s",
                                          MV_STR_ARG(name), mv_snapshot_absent(ctx->snapshot, MV_KIND_NODE));
                        finding->field = mv_spec_field(ctx, "domain.cpu.model");
                        finding->fix = mv_missing_fix(ctx, MV_KIND_NODE, MV_STR(""), name);
                        mv_report_missing(finding, MV_KIND_NODE, (struct mv_str){ 0 }, name);
                } else if (has_host_model(node))
                        check_targets(ctx);
                else
                        fail(ctx, node)->condition = condition(ctx, node);
                return;
        }
        check_start(ctx);
}

const struct mv_rule mv_rule_cpu_host_model = {
        .id = "cpu-host-model",
        .area = MV_AREA_CPU,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(NODE) | MV_NEED(POD),
        .reason = "CPUModeLiveMigratable",
        .summary = "host-model needs a node that knows its own CPU model",
        .documentation =
                "With CPU model host-model (the default on amd64 and s390x) the guest gets the model of the node it "
                "starts on, and the target must know that model and have the features that go with it. A node whose labels have no "
                "host-model-cpu.node.kubevirt.io/MODEL cannot say which it is, so KubeVirt refuses. The reason really "
                "is spelled CPUModeLiveMigratable. Before a VM has a node, all nodes that may take it are asked: when "
                "none of them tells its model the VM cannot migrate, when some do it depends on where it starts; where none may take it, "
                "those that its selectors leave. KubeVirt's "
                "condition does not look at the targets: migvet asks whether another node could be one. After a first migration the "
                "launcher pod itself selects the model and features of the node where the VM started, and every later target "
                "pod copies them.",
        .source = "KubeVirt pkg/virt-handler/vm.go: isHostModelMigratable; "
                  "pkg/virt-controller/watch/migration/migration.go: prepareNodeSelectorForHostCpuModel",
        .fix = "choose a named CPU model that several nodes support, or find out why KubeVirt's node labeller sets no "
               "host-model-cpu label on the node",
        .revisions = { { 0, check, MV_STEP_HOST_MODEL, MV_STEP_HOST_MODEL, NULL } },
};
