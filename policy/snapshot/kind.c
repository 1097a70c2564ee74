/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/kind.h"

#include "policy/object/config_map.h"
#include "policy/object/controller_revision.h"
#include "policy/object/guard.h"
#include "policy/object/hyperconverged.h"
#include "policy/object/instancetype.h"
#include "policy/object/kubevirt.h"
#include "policy/object/maintenance.h"
#include "policy/object/migration.h"
#include "policy/object/network_attachment.h"
#include "policy/object/node.h"
#include "policy/object/pod.h"
#include "policy/object/storage.h"
#include "policy/object/vm.h"
#include "policy/object/written.h"

#define KIND_READ(group_, kind_, word_, plural_, short_, namespaced_, table_, type_, read_) \
        {                                                                                   \
                .group = (group_), .kind = (kind_), .word = (word_), .plural = (plural_),   \
                .shorthand = (short_), .namespaced = (namespaced_), .table = &(table_),     \
                .meta_offset = offsetof(type_, meta), .read = (read_)                       \
        }
#define KIND_WRITTEN(group_, kind_, word_, plural_, short_, namespaced_, table_, type_, read_) \
        {                                                                                      \
                .group = (group_), .kind = (kind_), .word = (word_), .plural = (plural_),      \
                .shorthand = (short_), .namespaced = (namespaced_), .table = &(table_),        \
                .meta_offset = offsetof(type_, meta), .read = (read_), .reads_written = true   \
        }
#define KIND_FINAL(group_, kind_, word_, plural_, short_, namespaced_, table_, type_, is_final_) \
        {                                                                                        \
                .group = (group_), .kind = (kind_), .word = (word_), .plural = (plural_),        \
                .shorthand = (short_), .namespaced = (namespaced_), .table = &(table_),          \
                .meta_offset = offsetof(type_, meta), .is_final = (is_final_)                    \
        }
#define KIND(group_, kind_, word_, plural_, short_, namespaced_, table_, type_) \
        KIND_READ(group_, kind_, word_, plural_, short_, namespaced_, table_, type_, NULL)

static bool migration_is_final(const void *object) {
        return mv_migration_is_final(object);
}

const struct mv_kind_info mv_kinds[MV_KIND_COUNT] = {
        [MV_KIND_VM] = KIND_WRITTEN("kubevirt.io", "VirtualMachine", "virtualmachine", "virtualmachines",
                                    "vm", true, mv_table_vm, struct mv_vm, mv_vm_read),
        [MV_KIND_VMI] = KIND_WRITTEN("kubevirt.io", "VirtualMachineInstance", "virtualmachineinstance",
                                     "virtualmachineinstances", "vmi", true, mv_table_vmi, struct mv_vmi,
                                     mv_vmi_read),
        [MV_KIND_MIGRATION] =
                KIND_FINAL("kubevirt.io", "VirtualMachineInstanceMigration",
                           "virtualmachineinstancemigration", "virtualmachineinstancemigrations", "vmim",
                           true, mv_table_migration, struct mv_migration, migration_is_final),
        [MV_KIND_POOL] = KIND_WRITTEN("pool.kubevirt.io", "VirtualMachinePool", "virtualmachinepool",
                                      "virtualmachinepools", "vmpool", true, mv_table_pool, struct mv_pool,
                                      mv_pool_read),
        [MV_KIND_REPLICA_SET] =
                KIND_WRITTEN("kubevirt.io", "VirtualMachineInstanceReplicaSet",
                             "virtualmachineinstancereplicaset", "virtualmachineinstancereplicasets", "vmirs",
                             true, mv_table_replica_set, struct mv_replica_set, mv_replica_set_read),
        [MV_KIND_CLAIM] = KIND("", "PersistentVolumeClaim", "persistentvolumeclaim", "persistentvolumeclaims",
                               "pvc", true, mv_table_claim, struct mv_claim),
        [MV_KIND_PERSISTENT_VOLUME] =
                KIND("", "PersistentVolume", "persistentvolume", "persistentvolumes", "pv", false,
                     mv_table_persistent_volume, struct mv_persistent_volume),
        [MV_KIND_DATA_VOLUME] = KIND("cdi.kubevirt.io", "DataVolume", "datavolume", "datavolumes", "dv", true,
                                     mv_table_data_volume, struct mv_data_volume),
        [MV_KIND_STORAGE_CLASS] = KIND("storage.k8s.io", "StorageClass", "storageclass", "storageclasses",
                                       "sc", false, mv_table_storage_class, struct mv_storage_class),
        [MV_KIND_STORAGE_PROFILE] =
                KIND("cdi.kubevirt.io", "StorageProfile", "storageprofile", "storageprofiles", "", false,
                     mv_table_storage_profile, struct mv_storage_profile),
        [MV_KIND_NODE] = KIND("", "Node", "node", "nodes", "no", false, mv_table_node, struct mv_node),
        [MV_KIND_NAMESPACE] = KIND("", "Namespace", "namespace", "namespaces", "ns", false,
                                   mv_table_namespace, struct mv_namespace),
        [MV_KIND_MIGRATION_POLICY] =
                KIND("migrations.kubevirt.io", "MigrationPolicy", "migrationpolicy", "migrationpolicies", "",
                     false, mv_table_migration_policy, struct mv_migration_policy),
        [MV_KIND_KUBEVIRT] = KIND("kubevirt.io", "KubeVirt", "kubevirt", "kubevirts", "kv", true,
                                  mv_table_kubevirt, struct mv_kubevirt),
        [MV_KIND_POD] = KIND("", "Pod", "pod", "pods", "po", true, mv_table_pod, struct mv_pod),
        [MV_KIND_INSTANCETYPE] = KIND("instancetype.kubevirt.io", "VirtualMachineInstancetype",
                                      "virtualmachineinstancetype", "virtualmachineinstancetypes",
                                      "vminstancetype", true, mv_table_instancetype, struct mv_instancetype),
        [MV_KIND_CLUSTER_INSTANCETYPE] =
                KIND("instancetype.kubevirt.io", "VirtualMachineClusterInstancetype",
                     "virtualmachineclusterinstancetype", "virtualmachineclusterinstancetypes",
                     "vmclusterinstancetype", false, mv_table_instancetype, struct mv_instancetype),
        [MV_KIND_PREFERENCE] =
                KIND("instancetype.kubevirt.io", "VirtualMachinePreference", "virtualmachinepreference",
                     "virtualmachinepreferences", "vmpref", true, mv_table_preference, struct mv_preference),
        [MV_KIND_CLUSTER_PREFERENCE] =
                KIND("instancetype.kubevirt.io", "VirtualMachineClusterPreference",
                     "virtualmachineclusterpreference", "virtualmachineclusterpreferences", "vmcp", false,
                     mv_table_preference, struct mv_preference),
        [MV_KIND_CONTROLLER_REVISION] =
                KIND("apps", "ControllerRevision", "controllerrevision", "controllerrevisions", "", true,
                     mv_table_controller_revision, struct mv_controller_revision),
        [MV_KIND_DATA_SOURCE] = KIND("cdi.kubevirt.io", "DataSource", "datasource", "datasources", "das",
                                     true, mv_table_data_source, struct mv_data_source),
        [MV_KIND_VOLUME_SNAPSHOT] =
                KIND("snapshot.storage.k8s.io", "VolumeSnapshot", "volumesnapshot", "volumesnapshots", "vs",
                     true, mv_table_volume_snapshot, struct mv_volume_snapshot),
        [MV_KIND_RESOURCE_QUOTA] = KIND("", "ResourceQuota", "resourcequota", "resourcequotas", "quota", true,
                                        mv_table_resource_quota, struct mv_resource_quota),
        [MV_KIND_LIMIT_RANGE] = KIND("", "LimitRange", "limitrange", "limitranges", "limits", true,
                                     mv_table_limit_range, struct mv_limit_range),
        [MV_KIND_DISRUPTION_BUDGET] =
                KIND("policy", "PodDisruptionBudget", "poddisruptionbudget", "poddisruptionbudgets", "pdb",
                     true, mv_table_disruption_budget, struct mv_disruption_budget),
        [MV_KIND_MAINTENANCE] =
                KIND("nodemaintenance.medik8s.io", "NodeMaintenance", "nodemaintenance", "nodemaintenances",
                     "nm", false, mv_table_maintenance, struct mv_maintenance),
        [MV_KIND_LEGACY_MAINTENANCE] =
                KIND("nodemaintenance.kubevirt.io", "NodeMaintenance", "nodemaintenance", "nodemaintenances",
                     "nm", false, mv_table_maintenance, struct mv_maintenance),
        [MV_KIND_CONFIG_MAP] = KIND_READ("", "ConfigMap", "configmap", "configmaps", "cm", true,
                                         mv_table_config_map, struct mv_config_map, mv_config_map_read),
        [MV_KIND_SECRET] =
                KIND("", "Secret", "secret", "secrets", "", true, mv_table_secret, struct mv_secret),
        [MV_KIND_HYPERCONVERGED] =
                KIND_READ("hco.kubevirt.io", "HyperConverged", "hyperconverged", "hyperconvergeds", "hco",
                          true, mv_table_hyperconverged, struct mv_hyperconverged, mv_hyperconverged_read),
        [MV_KIND_NETWORK_ATTACHMENT] =
                KIND("k8s.cni.cncf.io", "NetworkAttachmentDefinition", "networkattachmentdefinition",
                     "network-attachment-definitions", "net-attach-def", true, mv_table_network_attachment,
                     struct mv_network_attachment),
};

enum mv_kind mv_kind_find(struct mv_str group, struct mv_str kind) {
        for (int i = 0; i < MV_KIND_COUNT; i++)
                if (mv_str_is(kind, mv_kinds[i].kind) && mv_str_is(group, mv_kinds[i].group))
                        return (enum mv_kind)i;
        return MV_KIND_COUNT;
}

enum mv_kind mv_kind_find_resource(struct mv_str group, struct mv_str resource) {
        for (int i = 0; i < MV_KIND_COUNT; i++)
                if (mv_str_is(resource, mv_kinds[i].plural) && mv_str_is(group, mv_kinds[i].group))
                        return (enum mv_kind)i;
        return MV_KIND_COUNT;
}
