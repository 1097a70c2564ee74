/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher pod of an instance, the same for a migration's target: what its containers request of a node and of the
 * namespace's quota (pkg/virt-controller/services/template.go: renderLaunchManifest, VMIResourcePredicates;
 * renderresources.go; pkg/hypervisor/kvm/hypervisorbackend.go: GetMemoryOverhead).
 *
 * Pure; everything lives in the arena that it was made with, or in the instance.
 */
#pragma once

#include "policy/kubevirt_config.h"
#include "policy/object/vmi.h"

/* An amount of a resource. Of `cpu` in thousandths of a core, of everything else in its own unit: bytes, pieces. */
struct mv_amount {
        struct mv_str name; /* "cpu", "memory", "hugepages-2Mi", "devices.kubevirt.io/kvm" */
        int64_t amount;
};
struct mv_amounts { /* sorted by name, each once */
        struct mv_amount *items;
        size_t n;
};

struct mv_launcher_container {
        struct mv_str name; /* "compute", "guest-console-log" */
        struct mv_amounts requests, limits;
};

struct mv_launcher {
        struct mv_amounts requests, limits; /* of the whole pod, as the scheduler and quotas count them */
        const struct mv_launcher_container *containers;
        size_t n_containers;
        int64_t memory_overhead; /* bytes; part of the memory request */
        /* Why KubeVirt cannot make the pod at all (a device that is not permitted), "" otherwise. */
        struct mv_str problem;
};

/* The pod of an instance after expansion, as the version MV_KUBEVIRT(...) makes it. NULL when the arena has failed. */
const struct mv_launcher *mv_launcher_make(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                                           unsigned version, const struct mv_vmi *vmi);

/* The amount of that resource, 0 when it is not there. */
int64_t mv_amounts_get(const struct mv_amounts *amounts, struct mv_str name);
