/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher pod of an instance, the same for a migration's target: what its containers request of a node and of the
 * namespace's quota (pkg/virt-controller/services/template.go: renderLaunchManifest, VMIResourcePredicates;
 * renderresources.go; pkg/hypervisor/kvm/hypervisorbackend.go: GetMemoryOverhead).
 *
 * Pure; everything lives in the arena that it was made with, or in the instance.
 */
#pragma once

#include "policy/launcher/amounts.h"
#include "policy/kubevirt_config.h"
#include "policy/object/vmi.h"

struct mv_launcher_container {
        const char *name; /* "compute", "guest-console-log"; of several alike what their names begin with */
        size_t count;     /* of such containers */
        enum mv_pod_role role;
        struct mv_amounts requests, limits;
};

struct mv_launcher {
        struct mv_amounts requests, limits; /* of the whole pod, as the scheduler and quotas count them */
        const struct mv_launcher_container *containers;
        size_t n_containers;
        int64_t memory_overhead; /* bytes; part of the memory request */
        /* The pod beside it that attaches hotplugged volumes. */
        bool has_attachment;
        struct mv_amounts attachment_requests, attachment_limits;
        /* Why KubeVirt cannot make the pod at all (a device that is not permitted), "" otherwise. */
        struct mv_str problem;
};

/* The pod of an instance after expansion, as the version MV_KUBEVIRT(...) makes it. NULL when the arena has failed.
 * What SR-IOV and other networks request by the annotation of their NetworkAttachmentDefinition is not in it. */
const struct mv_launcher *mv_launcher_make(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                                           unsigned version, const struct mv_vmi *vmi);

/* What KubeVirt looks at in the namespace, to give containers limits that a quota asks for. */
struct mv_launcher_namespace {
        const struct mv_map *labels; /* of the namespace; NULL when it is not known */
        bool quota_limits_cpu,
                quota_limits_memory; /* a ResourceQuota has spec.hard "limits.cpu", "limits.memory" */
};
/* The same pod in that namespace: its limits may differ. namespace may be NULL. */
const struct mv_launcher *mv_launcher_make_in(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                                              unsigned version, const struct mv_vmi *vmi,
                                              const struct mv_launcher_namespace *namespace);
