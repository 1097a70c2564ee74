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

/* A part of the instance that somebody else than the user wrote. */
struct mv_supplied {
        const char *path; /* of its spec: "domain.devices.gpus" */
        const char *by;   /* member of the VirtualMachine's spec: "instancetype", "preference" */
};

struct mv_instance {
        struct mv_vmi vmi; /* after defaults; arrays that were added to are in the arena */
        /* Where the user finds its parts in the object that he wrote. */
        const char *spec_path;  /* "spec", "spec.template.spec", ... */
        const char *meta_path;  /* "metadata", "spec.template.metadata", ... */
        const struct mv_vm *vm; /* its dataVolumeTemplates count; NULL when there is none */
        bool default_network;   /* the user named neither networks nor interfaces */
        const struct mv_supplied *supplied;
        size_t n_supplied;
};

/* It names neither networks nor interfaces, and wants one: it gets the cluster's default interface. */
bool mv_expand_has_no_network(const struct mv_vmi_spec *spec);

/* From a VMI. *ret must live as long as the result is used. Memory comes from arena, whose failure the caller tests. */
void mv_expand_vmi(struct mv_arena *arena, const struct mv_kubevirt_config *config, const struct mv_vmi *vmi,
                   struct mv_instance *ret);
/* From a template. name and namespace are those of its owner; status may be NULL (it has never run). */
void mv_expand_template(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                        const struct mv_vmi_template *template, const struct mv_meta *owner,
                        const struct mv_vmi_status *status, struct mv_instance *ret);

/* Parts of these defaults, for what happens to a VirtualMachine before there is an instance. */

/* Architecture and machine type (pkg/defaults/defaults.go: setDefaultArchitecture, setDefaultMachineType). */
void mv_default_machine(const struct mv_kubevirt_config *config, struct mv_vmi_spec *spec);
/* A pod network with the cluster's default interface; true when the spec got one
 * (pkg/network/vmispec/defaults.go: SetDefaultNetworkInterface). */
bool mv_default_network(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                        struct mv_vmi_spec *spec);
/* What the webhook of VirtualMachines fills in before it looks, these two among it; true likewise
 * (pkg/defaults/defaults.go: SetDefaultVirtualMachineInstanceSpec). */
bool mv_default_spec(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                     struct mv_vmi_spec *spec);
