/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nodes/tsc.h"

enum mv_tsc_need mv_tsc_need_of(const struct mv_vmi_spec *spec) {
        const struct mv_cpu *cpu = spec->domain.cpu;
        for (size_t i = 0; cpu && i < cpu->features.n; i++) {
                const struct mv_cpu_feature *feature = &cpu->features.items[i];
                if (mv_str_is(feature->name, "invtsc") &&
                    (mv_str_is(feature->policy, "require") || mv_str_is(feature->policy, "force")))
                        return MV_TSC_FOR_BOOT;
        }
        const struct mv_hyperv *hyperv = spec->domain.features ? spec->domain.features->hyperv : NULL;
        return hyperv && hyperv->reenlightenment && hyperv->reenlightenment->enabled == MV_TRUE
                       ? MV_TSC_FOR_MIGRATION
                       : MV_TSC_NOT_NEEDED;
}

int64_t mv_tsc_hint(const struct mv_snapshot *snapshot, const struct mv_kubevirt_config *config,
                    const struct mv_vmi *vmi) {
        const struct mv_topology_hints *hints = vmi->status.topology_hints;
        const struct mv_optional_int *minimum = &config->spec->developer.minimum_cluster_tsc_frequency;
        struct mv_str phase = vmi->status.phase;
        if (hints) /* once there are hints, even without a frequency, they stay (lifecycle.go: addTopologyHints) */
                return hints->tsc_frequency.value > 0 ? hints->tsc_frequency.value : 0;
        if ((phase.n && !mv_str_is(phase, "Pending")) || !mv_str_is(vmi->spec.architecture, "amd64"))
                return 0;
        if (minimum->set)
                return minimum->value > 0 ? minimum->value : 0;
        return mv_snapshot_lowest_tsc_frequency(snapshot);
}
