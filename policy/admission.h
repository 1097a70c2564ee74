/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KubeVirt's validating webhooks find wrong with the spec of a VirtualMachine or an instance, as far as it has to
 * do with migration; the rest of KubeVirt's validation is passed over
 * (pkg/virt-api/webhooks/validating-webhook/admitters/vms-admitter.go, vmi-create-admitter.go, pkg/network/admitter).
 *
 * Answers to requests are made of it (policy/mirror), and so is `refused` in a verdict: two readers, one truth.
 */
#pragma once

#include "policy/kubevirt_config.h"
#include "policy/object/vm.h"
#include "policy/refusal.h"

struct mv_admission {
        struct mv_causes causes; /* what is found is added here */
        const struct mv_kubevirt_config *config;
        bool kubevirt; /* who asks is a service account of KubeVirt */
        bool draft; /* a manifest, which somebody may complete before he sends it: no run strategy is not missed */
};

/* Why KubeVirt cannot give this spec its default network, "" when it can or need not
 * (pkg/network/vmispec/defaults.go: SetDefaultNetworkInterface). */
struct mv_str mv_admission_default_network(const struct mv_kubevirt_config *config,
                                           const struct mv_vmi_spec *spec);

/* Bindings that the gates for them are named for, although both are gone (featuregate: ValidateFeatureGates). */
void mv_admission_gates(struct mv_admission *admission, const struct mv_vmi_spec *spec);
/* Interfaces of bindings that are gone; only on create. path is where the spec stands. */
void mv_admission_discontinued(struct mv_admission *admission, const char *path,
                               const struct mv_vmi_spec *spec);
/* The rest of a VirtualMachine: spec is that of its template, complete with what an instancetype, a preference and the
 * defaults make of it (ValidateVirtualMachineSpec). */
void mv_admission_vm(struct mv_admission *admission, const struct mv_vm_spec *vm, const struct mv_map *labels,
                     const struct mv_vmi_spec *spec);
/* All of an instance that is created. */
void mv_admission_vmi(struct mv_admission *admission, const struct mv_map *labels,
                      const struct mv_vmi_spec *spec);

/* A label that only KubeVirt sets on an instance. */
bool mv_label_is_reserved(struct mv_str label);
