/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu-pinning: dedicated CPUs.
 *
 * Reads spec.domain.cpu.dedicatedCpuPlacement and .isolateEmulatorThread.
 */
#include "policy/rule.h"

static void check_1_0(struct mv_context *ctx) {
        const struct mv_cpu *cpu = ctx->vmi->spec.domain.cpu;
        if (!cpu->dedicated_cpu_placement)
                return;
        if (!cpu->isolate_emulator_thread) {
                mv_report(ctx, MV_OUTCOME_PASS, "dedicated CPUs without emulator thread isolation migrate");
                return;
        }
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL,
                "the VM has dedicated CPUs and an isolated emulator thread, which KubeVirt migrates since 1.1");
        finding->severity = MV_SEVERITY_BLOCKER;
        finding->field = mv_spec_field(ctx, "domain.cpu.isolateEmulatorThread");
        finding->condition = MV_STR("VMI uses dedicated CPUs and emulator thread isolation");
}

static void check(struct mv_context *ctx) {
        if (ctx->vmi->spec.domain.cpu->dedicated_cpu_placement)
                mv_report(ctx, MV_OUTCOME_PASS, "dedicated CPUs migrate since KubeVirt 1.1");
}

const struct mv_rule mv_rule_cpu_pinning = {
        .id = "cpu-pinning",
        .area = MV_AREA_CPU,
        .severity = MV_SEVERITY_RISK,
        .reason = "DedicatedCPUNotLiveMigratable",
        .summary = "in KubeVirt 1.0, dedicated CPUs with an isolated emulator thread cannot migrate",
        .documentation =
                "KubeVirt 1.0 refused to migrate a VM with dedicatedCpuPlacement and isolateEmulatorThread: there it is "
                "a blocker. Since 1.1 it migrates, to nodes that offer dedicated CPUs.",
        .source = "KubeVirt pkg/virt-handler/vm.go: calculateLiveMigrationCondition",
        .fix = "upgrade KubeVirt, or set isolateEmulatorThread: false",
        .revisions = {
                { 0, check_1_0, MV_STEP_DEDICATED_CPUS, 0, NULL },
                { MV_KUBEVIRT(1, 1), check, 0, 0, "can migrate" },
        },
};
