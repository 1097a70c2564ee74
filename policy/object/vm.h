/* SPDX-License-Identifier: Apache-2.0 */
/* VirtualMachine (kubevirt.io/v1, v1alpha3), and what carries templates of it or of instances: VirtualMachinePool and
 * VirtualMachineInstanceReplicaSet. */
#pragma once

#include "policy/object/storage.h"
#include "policy/object/vmi.h"

struct mv_vmi_template {
        struct mv_meta meta;
        struct mv_vmi_spec spec;
};

struct mv_matcher { /* of an instancetype or a preference */
        struct mv_str name, kind, revision_name, infer_from_volume;
        struct mv_str failure_policy; /* inferFromVolumeFailurePolicy; p is NULL when absent */
};

struct mv_matcher_status { /* what the controller has recorded of a matcher */
        struct mv_str name, kind, infer_from_volume, revision_name;
};

struct mv_vm_spec {
        struct mv_str run_strategy;
        enum mv_optional running;
        struct mv_vmi_template *template;
        MV_LIST(struct mv_data_volume) data_volume_templates;
        struct mv_matcher *instancetype, *preference;
        /* No fields of a VirtualMachine; people put them here instead of into the template. */
        struct mv_misplaced {
                bool affinity, tolerations, node_selector, eviction_strategy, domain, networks, volumes,
                        scheduler_name, topology_spread_constraints;
        } misplaced;
};

struct mv_vm {
        struct mv_str api_version, kind;
        struct mv_meta meta;
        struct mv_vm_spec spec;
        struct mv_vm_status {
                struct mv_matcher_status *instancetype, *preference; /* instancetypeRef, preferenceRef */
                struct mv_memory_dump {
                        struct mv_str claim_name, phase;
                } * memory_dump;                /* memoryDumpRequest */
                struct mv_str printable_status; /* "Stopped", "Running", ...: what people see of it */
        } status;
        struct mv_forbidden forbidden;
};

struct mv_pool {
        struct mv_str api_version, kind;
        struct mv_meta meta;
        struct mv_pool_spec {
                struct mv_vm *template; /* virtualMachineTemplate */
        } spec;
        struct mv_forbidden forbidden;
};

struct mv_replica_set {
        struct mv_str api_version, kind;
        struct mv_meta meta;
        struct mv_replica_set_spec {
                struct mv_vmi_template *template;
        } spec;
        struct mv_forbidden forbidden;
};

extern const struct mv_table mv_table_vm;
extern const struct mv_table mv_table_pool;
extern const struct mv_table mv_table_replica_set;
