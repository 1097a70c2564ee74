/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheduler: another scheduler than the default one decides as it likes.
 *
 * Reads spec.schedulerName.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        struct mv_str name = ctx->vmi->spec.scheduler_name;
        if (!name.n)
                return;
        if (mv_str_is(name, "default-scheduler")) {
                mv_report(ctx, MV_OUTCOME_PASS, "the default scheduler places the VM");
                return;
        }
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL,
                "scheduler %.*s places the target pod, and migvet cannot know what it would choose or refuse",
                MV_STR_ARG(name));
        finding->field = mv_spec_field(ctx, "schedulerName");
}

const struct mv_rule mv_rule_scheduler = {
        .id = "scheduler",
        .area = MV_AREA_PLACEMENT,
        .severity = MV_SEVERITY_RISK,
        .reason = "",
        .targets = true,
        .summary = "another scheduler than the default one places the VM",
        .documentation =
                "The target pod of a migration has the VM's schedulerName. What that scheduler makes of nodes is not known, so "
                "what migvet says about nodes is what the default scheduler would do. Where it does not run, the pod is never "
                "scheduled and the migration times out.",
        .source = "KubeVirt pkg/virt-controller/services/template.go: renderLaunchManifest",
        .fix = "check that this scheduler runs and places a second pod of the VM, or leave schedulerName out",
        .revisions = { { 0, check, 0, 0, NULL } },
};
