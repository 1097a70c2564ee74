/* SPDX-License-Identifier: Apache-2.0 */
/*
 * misplaced-field: settings that stand where nothing reads them.
 *
 * Reads affinity, tolerations and nodeSelector under a VirtualMachine's spec, and its own annotations.
 */
#include "policy/rule.h"

static void report(struct mv_context *ctx, const char *field, const char *right) {
        struct mv_finding *finding = mv_report(ctx, MV_OUTCOME_FAIL,
                                               "%s is no field of a VirtualMachine and has no effect", field);
        finding->field = mv_str_from(field);
        finding->thing = finding->field;
        finding->fix = mv_text(ctx, "move it to %s", right);
}

static void check(struct mv_context *ctx) {
        if (!ctx->vm)
                return;
        if (ctx->vm->spec.affinity.n)
                report(ctx, "spec.affinity", "spec.template.spec.affinity");
        if (ctx->vm->spec.tolerations.n)
                report(ctx, "spec.tolerations", "spec.template.spec.tolerations");
        if (ctx->vm->spec.node_selector.n)
                report(ctx, "spec.nodeSelector", "spec.template.spec.nodeSelector");
        if (mv_map_get(&ctx->vm->meta.annotations, MV_STR(MV_BRIDGE_ANNOTATION)) &&
            !mv_map_get(&ctx->vmi->meta.annotations, MV_STR(MV_BRIDGE_ANNOTATION))) {
                struct mv_finding *finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "the annotation " MV_BRIDGE_ANNOTATION
                        " stands on the VirtualMachine, where KubeVirt does not look: the template's count");
                finding->field = MV_STR("metadata.annotations[" MV_BRIDGE_ANNOTATION "]");
                finding->thing = MV_STR("annotation");
                finding->fix = MV_STR("move it to spec.template.metadata.annotations");
        }
}

const struct mv_rule mv_rule_misplaced_field = {
        .id = "misplaced-field",
        .area = MV_AREA_CONFIGURATION,
        .severity = MV_SEVERITY_RISK,
        .reason = "",
        .summary = "settings of the instance belong into the template",
        .documentation =
                "affinity, tolerations and nodeSelector belong to the instance, so in a VirtualMachine they stand under "
                "spec.template.spec. Directly under spec, as some guides show them, the API server drops them. "
                "Likewise the annotation that lets a bridge migrate must stand on the template.",
        .source = "KubeVirt API types; pkg/virt-controller/watch/vm/vm.go: SetupVMIFromVM",
        .fix = "move the field into spec.template",
        .revisions = { { 0, check, 0, 0, NULL } },
};
