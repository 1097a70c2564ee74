/* SPDX-License-Identifier: Apache-2.0 */
/* Storage: PersistentVolumeClaim, PersistentVolume, StorageClass, VolumeSnapshot, CDI's StorageProfile, DataVolume and DataSource. Only
 * what rules read. */
#pragma once

#include "policy/object/scheduling.h"

struct mv_claim_spec { /* of a PersistentVolumeClaim, and of a DataVolume's `pvc` and `storage` */
        struct mv_strings access_modes;
        struct mv_str storage_class_name; /* p is NULL when absent; "" asks for no class */
        struct mv_str volume_mode, volume_name;
        struct mv_claim_resources {
                struct mv_map requests;
        } resources;
};

struct mv_claim {
        struct mv_meta meta;
        struct mv_claim_spec spec;
        struct mv_claim_status {
                struct mv_str phase;
                struct mv_map capacity;
        } status;
};

struct mv_volume_node_affinity {
        struct mv_node_selector *required;
};
struct mv_persistent_volume {
        struct mv_meta meta;
        struct mv_persistent_volume_spec {
                struct mv_str storage_class_name;
                struct mv_strings access_modes;
                struct mv_str volume_mode;
                struct mv_map capacity;
                struct mv_volume_node_affinity *node_affinity;
        } spec;
};

struct mv_topology_selector_requirement {
        struct mv_str key;
        struct mv_strings values;
};
struct mv_topology_selector_term {
        MV_LIST(struct mv_topology_selector_requirement) match_label_expressions;
};
struct mv_storage_class {
        struct mv_meta meta;
        struct mv_str provisioner;
        struct mv_str volume_binding_mode; /* "" is Immediate */
        MV_LIST(struct mv_topology_selector_term) allowed_topologies;
        struct mv_map parameters;
};

struct mv_claim_property_set {
        struct mv_strings access_modes;
        struct mv_str volume_mode;
};
struct mv_storage_profile { /* its name is that of the storage class */
        struct mv_meta meta;
        struct mv_storage_profile_status {
                MV_LIST(struct mv_claim_property_set) claim_property_sets;
                struct mv_str provisioner, storage_class;
        } status;
};

struct mv_data_volume { /* also an entry of a VirtualMachine's dataVolumeTemplates */
        struct mv_meta meta;
        struct mv_data_volume_spec {
                struct mv_str content_type; /* "" is kubevirt */
                struct mv_claim_spec *pvc, *storage;
                struct mv_data_source_source {
                        struct mv_object_ref {
                                struct mv_str name, namespace;
                        } * pvc, *snapshot, *data_source;
                } * source;
                struct mv_source_ref {
                        struct mv_str kind, name;
                        struct mv_str namespace; /* p is NULL when absent */
                } * source_ref;
        } spec;
};

struct mv_data_source {
        struct mv_meta meta;
        struct mv_data_source_spec {
                struct mv_data_source_source source;
        } spec;
};

struct mv_volume_snapshot {
        struct mv_meta meta;
};

extern const struct mv_table mv_table_claim;
extern const struct mv_table mv_table_persistent_volume;
extern const struct mv_table mv_table_storage_class;
extern const struct mv_table mv_table_storage_profile;
extern const struct mv_table mv_table_data_volume;
extern const struct mv_table mv_table_data_source;
extern const struct mv_table mv_table_volume_snapshot;
