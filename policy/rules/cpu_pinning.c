/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu-pinning: dedicated CPUs, NUMA, huge pages and real-time CPUs, which few nodes offer.
 *
 * Reads dedicatedCpuPlacement, isolateEmulatorThread, numa, realtime of domain.cpu, domain.memory.hugepages, and what
 * node-fit reads.
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

/* What of the VM only some nodes offer. */
static const char *scarce(const struct mv_domain *domain) {
        return domain->cpu->realtime                         ? "real-time CPUs"
               : domain->cpu->numa                           ? "a NUMA topology passed through"
               : domain->cpu->dedicated_cpu_placement        ? "dedicated CPUs"
               : domain->memory && domain->memory->hugepages ? "huge pages"
                                                             : NULL;
}

static void check(struct mv_context *ctx) {
        const unsigned classes = MV_FIT_LASTING & ~MV_FIT_BIT(MV_FIT_ADDED);
        const struct mv_domain *domain = &ctx->vmi->spec.domain;
        const char *what = scarce(domain);
        if (!what || !ctx->fit || !mv_has_target(ctx, classes))
                return; /* node-fit says that there is no node at all */
        size_t n = mv_count_targets(ctx, classes);
        bool started = ctx->fit->source != SIZE_MAX || ctx->fit->source_unknown;
        if (n > (started ? 1u : 2u)) {
                mv_report(ctx, MV_OUTCOME_PASS, "%zu %snodes can offer %s", n, started ? "other " : "", what);
                return;
        }
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_FAIL,
                          "the VM needs %s, which only %s can offer: when that is full or down, the VM stays",
                          what, started ? "one other node" : "two nodes");
        finding->field = mv_spec_field(ctx, domain->cpu->dedicated_cpu_placement || domain->cpu->realtime ||
                                                            domain->cpu->numa
                                                    ? "domain.cpu"
                                                    : "domain.memory.hugepages");
}

const struct mv_rule mv_rule_cpu_pinning = {
        .id = "cpu-pinning",
        .area = MV_AREA_CPU,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(NODE) | MV_NEED(POD),
        .reason = "DedicatedCPUNotLiveMigratable",
        .summary = "few nodes offer the dedicated CPUs, huge pages or real-time CPUs that the VM needs",
        .documentation =
                "A VM with dedicated CPUs, a NUMA topology passed through, huge pages or real-time CPUs goes only where "
                "the CPU manager runs, huge pages of that size are reserved, or a real-time kernel is. With only one other such "
                "node a migration depends on that one. KubeVirt 1.0 refused to migrate a VM with dedicatedCpuPlacement and "
                "isolateEmulatorThread: there it is a blocker.",
        .source = "KubeVirt pkg/virt-handler/vm.go: calculateLiveMigrationCondition; "
                  "pkg/virt-controller/services/nodeselectorrenderer.go: Render",
        .fix = "prepare more nodes for it (CPU manager, huge pages), or do without; on KubeVirt 1.0 upgrade, or set "
               "isolateEmulatorThread: false",
        .revisions = {
                { 0, check_1_0, MV_STEP_DEDICATED_CPUS, 0, NULL },
                { MV_KUBEVIRT(1, 1), check, 0, 0, "an isolated emulator thread can migrate" },
        },
};
