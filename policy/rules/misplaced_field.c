/* SPDX-License-Identifier: Apache-2.0 */
/*
 * misplaced-field: settings that stand where nothing reads them.
 *
 * Reads what of an instance's spec stands under a VirtualMachine's spec, and its own annotations.
 */
#include "policy/rule.h"

/* Where the VirtualMachine stands in what the user wrote: a pool has a template of it. */
static const char *place_of(const struct mv_context *ctx) {
        return mv_str_starts_with(mv_str_from(ctx->instance->spec_path),
                                  MV_STR("spec.virtualMachineTemplate."))
                       ? "spec.virtualMachineTemplate."
                       : "";
}

static void report(struct mv_context *ctx, const char *field) {
        const char *place = place_of(ctx);
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_FAIL, "%sspec.%s is no field of a VirtualMachine and has no effect",
                          place, field);
        finding->field = mv_text(ctx, "%sspec.%s", place, field);
        finding->thing = finding->field;
        finding->fix = mv_text(ctx, "move it to %sspec.template.spec.%s", place, field);
}

static void check(struct mv_context *ctx) {
        if (!ctx->vm)
                return;
        const struct mv_misplaced *misplaced = &ctx->vm->spec.misplaced;
        const struct {
                const char *field;
                bool given;
        } fields[] = {
                { "affinity", misplaced->affinity },
                { "tolerations", misplaced->tolerations },
                { "nodeSelector", misplaced->node_selector },
                { "evictionStrategy", misplaced->eviction_strategy },
                { "schedulerName", misplaced->scheduler_name },
                { "topologySpreadConstraints", misplaced->topology_spread_constraints },
                { "domain", misplaced->domain },
                { "networks", misplaced->networks },
                { "volumes", misplaced->volumes },
        };
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
                if (fields[i].given)
                        report(ctx, fields[i].field);
        if (mv_map_get(&ctx->vm->meta.annotations, MV_STR(MV_BRIDGE_ANNOTATION)) &&
            !mv_map_get(&ctx->vmi->meta.annotations, MV_STR(MV_BRIDGE_ANNOTATION))) {
                struct mv_finding *finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "the annotation " MV_BRIDGE_ANNOTATION
                        " stands on the VirtualMachine, where KubeVirt does not look: the template's count");
                finding->field =
                        mv_text(ctx, "%smetadata.annotations[" MV_BRIDGE_ANNOTATION "]", place_of(ctx));
                finding->thing = MV_STR("annotation");
                finding->fix = mv_text(ctx, "move it to %sspec.template.metadata.annotations", place_of(ctx));
        }
}

const struct mv_rule mv_rule_misplaced_field = {
        .id = "misplaced-field",
        .area = MV_AREA_CONFIGURATION,
        .severity = MV_SEVERITY_RISK,
        .reason = "",
        .summary = "settings of the instance belong into the template",
        .documentation =
                "affinity, tolerations, nodeSelector, evictionStrategy, schedulerName, topologySpreadConstraints, "
                "domain, networks and volumes belong to the instance, so in a VirtualMachine they stand under "
                "spec.template.spec. Directly under spec, as some guides show them and as they stand in a "
                "VirtualMachineInstance, the API server drops them. Likewise the annotation that lets a bridge migrate "
                "must stand on the template.",
        .source = "KubeVirt API types; pkg/virt-controller/watch/vm/vm.go: SetupVMIFromVM",
        .fix = "move the field into spec.template",
        .revisions = { { 0, check, 0, 0, NULL } },
};
