/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tsc-frequency: Hyper-V re-enlightenment needs a TSC frequency that the cluster exposes.
 *
 * Reads features.hyperv.reenlightenment, CPU feature invtsc, status.topologyHints and .phase, spec.architecture,
 * developerConfiguration.minimumClusterTSCFrequency, and the label cpu-timer.node.kubevirt.io/tsc-frequency of nodes.
 */
#include "policy/rule.h"
#include "policy/nodes/tsc.h"

static void check(struct mv_context *ctx) {
        const struct mv_vmi_spec *spec = &ctx->vmi->spec;
        enum mv_tsc_need need = mv_tsc_need_of(spec);
        if (need == MV_TSC_NOT_NEEDED)
                return;
        if (need == MV_TSC_FOR_BOOT) {
                mv_report(ctx, MV_OUTCOME_PASS,
                          "invtsc is required: the VM starts only where the TSC frequency is right");
                return;
        }
        int64_t frequency = mv_tsc_hint(ctx->snapshot, ctx->config, ctx->vmi);
        if (frequency) {
                mv_report(ctx, MV_OUTCOME_PASS, "the cluster exposes a TSC frequency of %lld Hz",
                          (long long)frequency);
                return;
        }
        struct mv_str phase = ctx->vmi->status.phase;
        bool started = phase.n && !mv_str_is(phase, "Pending");
        bool stored = ctx->vmi->status.topology_hints != NULL;
        bool no_node = !started && !stored && !mv_snapshot_count(ctx->snapshot, MV_KIND_NODE) &&
                       mv_str_is(spec->architecture, "amd64") &&
                       !ctx->config->spec->developer.minimum_cluster_tsc_frequency.set;
        struct mv_finding *finding = mv_report(
                ctx, no_node ? MV_OUTCOME_UNKNOWN : MV_OUTCOME_FAIL, "Hyper-V re-enlightenment is on, and %s",
                no_node   ? "no node is in the input to tell its TSC frequency"
                : started ? "the VM was started without a TSC frequency hint"
                : stored  ? "the topology hints stored with it have no TSC frequency"
                          : "no node of the cluster exposes a TSC frequency");
        finding->field = mv_spec_field(ctx, "domain.features.hyperv.reenlightenment");
        finding->condition = MV_STR(
                "HyperV Reenlightenment VMIs cannot migrate when TSC Frequency is not exposed on the cluster: "
                "guest timers might be inconsistent");
        if (no_node)
                finding->fix = MV_STR("give migvet each Node of the cluster too, or turn "
                                      "features.hyperv.reenlightenment off");
        if (no_node)
                mv_report_missing(finding, MV_KIND_NODE, (struct mv_str){ 0 }, (struct mv_str){ 0 });
        if (started || stored)
                finding->fix =
                        MV_STR("restart the VM on a cluster whose nodes expose their TSC frequency, or turn "
                               "features.hyperv.reenlightenment off");
}

const struct mv_rule mv_rule_tsc_frequency = {
        .id = "tsc-frequency",
        .area = MV_AREA_CPU,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(NODE) | MV_NEED(VMI) | MV_NEED(KUBEVIRT),
        .reason = "NoTSCFrequencyNotLiveMigratable",
        .summary = "Hyper-V re-enlightenment needs a TSC frequency that the cluster exposes",
        .documentation =
                "A Windows guest with re-enlightenment relies on a TSC of known frequency. virt-controller writes the "
                "cluster's lowest frequency (or minimumClusterTSCFrequency) as a hint into the instance before it "
                "starts, on amd64 only; an instance without a hint is refused. A VM that requires the CPU feature "
                "invtsc (policy require or force) needs the frequency to start at all, and so is not refused here.",
        .source =
                "KubeVirt pkg/virt-controller/watch/topology/tsc.go: GetTscFrequencyRequirement; hinter.go: "
                "TopologyHintsForVMI",
        .fix = "use nodes that expose cpu-timer.node.kubevirt.io/tsc-frequency, set minimumClusterTSCFrequency in the "
               "KubeVirt object, or turn features.hyperv.reenlightenment off",
        .revisions = { { 0, check, MV_STEP_TSC, MV_STEP_TSC, NULL } },
};
