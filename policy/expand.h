/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instance that KubeVirt would make: a VirtualMachine's template, or a VirtualMachineInstance as somebody wrote
 * it, with KubeVirt's defaults (pkg/virt-api/webhooks/mutating-webhook/mutators/vmi-mutator.go:
 * ApplyNewVMIMutations, pkg/defaults, pkg/virt-controller/watch/vm/vm.go: SetupVMIFromVM).
 *
 * Above all: who names neither networks nor interfaces gets one interface of the cluster's default kind on the pod
 * network, and that kind is bridge unless configured otherwise.
 *
 * Applying the defaults twice changes nothing more, so stored instances may pass through as well.
 */
#pragma once

#include "policy/kubevirt_config.h"
#include "policy/object/vm.h"

struct mv_instance {
        struct mv_vmi vmi; /* after defaults; arrays that were added to are in the arena */
        /* Where the user finds its parts in the object that he wrote. */
        const char *spec_path; /* "spec", "spec.template.spec", ... */
        const char *meta_path; /* "metadata", "spec.template.metadata", ... */
        const struct mv_vm *vm; /* its dataVolumeTemplates count; NULL when there is none */
        bool default_network;   /* the user named neither networks nor interfaces */
};

/* From a VMI. *ret must live as long as the result is used. Memory comes from arena, whose failure the caller tests. */
void mv_expand_vmi(struct mv_arena *arena, const struct mv_kubevirt_config *config, const struct mv_vmi *vmi,
                   struct mv_instance *ret);
/* From a template. name and namespace are those of its owner; status may be NULL (it has never run). */
void mv_expand_template(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                        const struct mv_vmi_template *template, const struct mv_meta *owner,
                        const struct mv_vmi_status *status, struct mv_instance *ret);
