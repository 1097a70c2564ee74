/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu-model-obsolete: KubeVirt takes obsolete CPU models out of the labels that it schedules by.
 *
 * Reads domain.cpu.model, obsoleteCPUModels of the KubeVirt object, and whether nodes show the model.
 */
#include "policy/nodes/nodeindex.h"
#include "policy/rule.h"

/* pkg/virt-handler/node-labeller/util/util.go: DefaultObsoleteCPUModels. */
static const char *const built_in[] = {
        "486",    "pentium",  "pentium2", "pentium3",   "pentiumpro", "coreduo",
        "n270",   "core2duo", "Conroe",   "athlon",     "phenom",     "qemu64",
        "qemu32", "kvm64",    "kvm32",    "Opteron_G1", "Opteron_G2",
};

/* versions: a name with "-v1" behind it is the same model. */
static bool is_built_in(struct mv_str model, bool versions) {
        if (versions && mv_str_ends_with(model, MV_STR("-v1")))
                model.n -= 3;
        for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
                if (mv_str_is(model, built_in[i]))
                        return true;
        return false;
}

/* Where no node shows the model, cpu-model reports that. */
static bool is_shown(struct mv_context *ctx, struct mv_str model) {
        struct mv_str label = mv_text(ctx, "cpu-model.node.kubevirt.io/%.*s", MV_STR_ARG(model));
        return !mv_snapshot_count(ctx->snapshot, MV_KIND_NODE) ||
               mv_node_index_label(mv_snapshot_node_index(ctx->snapshot), ctx->arena, label, MV_STR("true"));
}

static void check_names(struct mv_context *ctx, bool versions) {
        const struct mv_cpu *cpu = ctx->vmi->spec.domain.cpu;
        const struct mv_map *own = &ctx->config->spec->obsolete_cpu_models;
        if (!cpu || !cpu->model.n || mv_str_is(cpu->model, "host-model") ||
            mv_str_is(cpu->model, "host-passthrough"))
                return;
        /* The cluster's own list is in the place of the built-in one, and what it names counts whatever its value. */
        bool obsolete = own->n ? mv_map_get(own, cpu->model) != NULL : is_built_in(cpu->model, versions);
        struct mv_finding *finding;
        if (obsolete && is_shown(ctx, cpu->model))
                finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "CPU model %.*s is obsolete (%.*s), so nodes stop showing it and no target pod finds one",
                        MV_STR_ARG(cpu->model),
                        MV_STR_ARG(own->n ? mv_text(ctx, "obsoleteCPUModels of %.*s",
                                                    MV_STR_ARG(ctx->config->from))
                                          : MV_STR("KubeVirt's built-in list")));
        else if (!obsolete)
                finding = mv_report(ctx, MV_OUTCOME_PASS, "CPU model %.*s is not obsolete",
                                    MV_STR_ARG(cpu->model));
        else
                return;
        finding->field = mv_spec_field(ctx, "domain.cpu.model");
}

static void check_1_0(struct mv_context *ctx) {
        check_names(ctx, false);
}

static void check(struct mv_context *ctx) {
        check_names(ctx, true);
}

const struct mv_rule mv_rule_cpu_model_obsolete = {
        .id = "cpu-model-obsolete",
        .area = MV_AREA_CPU,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(KUBEVIRT) | MV_NEED(NODE),
        .reason = "",
        .targets = true,
        .summary = "KubeVirt schedules no VM to an obsolete CPU model",
        .documentation =
                "A named CPU model selects nodes by the label cpu-model.node.kubevirt.io/MODEL. The node labeller leaves out "
                "the models that obsoleteCPUModels of the KubeVirt object names, or, where it names none, a built-in list of "
                "old ones (486 to core2duo, Conroe, athlon, phenom, qemu and kvm models, Opteron_G1 and G2). A VM that "
                "runs with such a model keeps running and finds no target. Where the nodes are known and none shows the "
                "model, cpu-model says so instead.",
        .source = "KubeVirt pkg/virt-handler/node-labeller: cpu_plugin.go (filterCpuModels), util/util.go",
        .fix = "choose a newer model, or take it out of obsoleteCPUModels",
        .revisions = {
                { 0, check_1_0, 0, 0, NULL },
                { MV_KUBEVIRT(1, 5), check, 0, 0, "the built-in models also with -v1" },
        },
};
