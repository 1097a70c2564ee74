/* SPDX-License-Identifier: Apache-2.0 */
/* The TSC frequency that an instance is bound to (pkg/virt-controller/watch/topology: tsc.go, hinter.go). */
#pragma once

#include "policy/kubevirt_config.h"
#include "policy/object/vmi.h"
#include "policy/snapshot/snapshot.h"

enum mv_tsc_need {
        MV_TSC_NOT_NEEDED,
        MV_TSC_FOR_BOOT,      /* CPU feature invtsc, required or forced */
        MV_TSC_FOR_MIGRATION, /* Hyper-V re-enlightenment */
};
enum mv_tsc_need mv_tsc_need_of(const struct mv_vmi_spec *spec);

/* The hint in Hz that the instance has, or that virt-controller would write before it starts; 0 for none. */
int64_t mv_tsc_hint(const struct mv_snapshot *snapshot, const struct mv_kubevirt_config *config,
                    const struct mv_vmi *vmi);
