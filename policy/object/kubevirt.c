/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/kubevirt.h"

/* The rows that `spec.configuration.migrations` and MigrationPolicy share; at is where the settings stand in type. */
#define SHARED_SETTINGS(type, at)                                                                          \
        MV_FIELD(type, "allowAutoConverge", MV_TYPE_OPTIONAL, at allow_auto_converge),                     \
                MV_FIELD(type, "allowPostCopy", MV_TYPE_OPTIONAL, at allow_post_copy),                     \
                MV_FIELD(type, "allowWorkloadDisruption", MV_TYPE_OPTIONAL, at allow_workload_disruption), \
                MV_FIELD(type, "bandwidthPerMigration", MV_TYPE_TEXT, at bandwidth_per_migration),         \
                MV_FIELD(type, "completionTimeoutPerGiB", MV_TYPE_INT, at completion_timeout_per_gib),     \
                MV_FIELD(type, "maxDowntimeMs", MV_TYPE_INT, at max_downtime_ms)

static const struct mv_field settings_fields[] = {
        SHARED_SETTINGS(struct mv_migration_settings, ),
        MV_FIELD(struct mv_migration_settings, "disableTLS", MV_TYPE_OPTIONAL, disable_tls),
        MV_FIELD(struct mv_migration_settings, "matchSELinuxLevelOnMigration", MV_TYPE_OPTIONAL,
                 match_selinux_level),
        MV_FIELD(struct mv_migration_settings, "network", MV_TYPE_STRING, network),
        MV_FIELD(struct mv_migration_settings, "nodeDrainTaintKey", MV_TYPE_STRING, node_drain_taint_key),
        MV_FIELD(struct mv_migration_settings, "parallelMigrationsPerCluster", MV_TYPE_INT,
                 parallel_per_cluster),
        MV_FIELD(struct mv_migration_settings, "parallelOutboundMigrationsPerNode", MV_TYPE_INT,
                 parallel_outbound_per_node),
        MV_FIELD(struct mv_migration_settings, "progressTimeout", MV_TYPE_INT, progress_timeout),
        MV_FIELD(struct mv_migration_settings, "unsafeMigrationOverride", MV_TYPE_OPTIONAL, unsafe_override),
        MV_FIELD(struct mv_migration_settings, "utilityVolumesTimeout", MV_TYPE_INT, utility_volumes_timeout),
};
static const struct mv_table settings_table = MV_TABLE(settings_fields, struct mv_migration_settings);

static const struct mv_field developer_fields[] = {
        MV_FIELD(struct mv_developer_configuration, "cpuAllocationRatio", MV_TYPE_INT, cpu_allocation_ratio),
        MV_FIELD(struct mv_developer_configuration, "disabledFeatureGates", MV_TYPE_STRINGS,
                 disabled_feature_gates),
        MV_FIELD(struct mv_developer_configuration, "featureGates", MV_TYPE_STRINGS, feature_gates),
        MV_FIELD(struct mv_developer_configuration, "memoryOvercommit", MV_TYPE_INT, memory_overcommit),
        MV_FIELD(struct mv_developer_configuration, "minimumClusterTSCFrequency", MV_TYPE_INT,
                 minimum_cluster_tsc_frequency),
        MV_FIELD(struct mv_developer_configuration, "nodeSelectors", MV_TYPE_MAP, node_selectors),
        MV_FIELD(struct mv_developer_configuration, "pvcTolerateLessSpaceUpToPercent", MV_TYPE_INT,
                 pvc_tolerate_less_space),
        MV_FIELD(struct mv_developer_configuration, "useEmulation", MV_TYPE_BOOL, use_emulation),
};
static const struct mv_table developer_table = MV_TABLE(developer_fields, struct mv_developer_configuration);

static const struct mv_field machine_type_fields[] = {
        MV_FIELD(struct mv_machine_type, "machineType", MV_TYPE_STRING, machine_type),
};
static const struct mv_table machine_type_table = MV_TABLE(machine_type_fields, struct mv_machine_type);
static const struct mv_field machine_types_fields[] = {
        MV_FIELD_TABLE(struct mv_machine_types, "amd64", MV_TYPE_OBJECT, amd64, &machine_type_table),
        MV_FIELD_TABLE(struct mv_machine_types, "arm64", MV_TYPE_OBJECT, arm64, &machine_type_table),
        MV_FIELD_TABLE(struct mv_machine_types, "s390x", MV_TYPE_OBJECT, s390x, &machine_type_table),
};
static const struct mv_table machine_types_table = MV_TABLE(machine_types_fields, struct mv_machine_types);

static const struct mv_field binding_plugin_fields[] = {
        MV_FIELD_TABLE(struct mv_binding_plugin, "computeResourceOverhead", MV_TYPE_OBJECT, compute_overhead,
                       &mv_table_container_resources),
        MV_FIELD(struct mv_binding_plugin, "migration", MV_TYPE_PRESENT, migration),
        MV_FIELD(struct mv_binding_plugin, "sidecarImage", MV_TYPE_STRING, sidecar_image),
};
const struct mv_table mv_table_binding_plugin = MV_TABLE(binding_plugin_fields, struct mv_binding_plugin);
static const struct mv_field network_fields[] = {
        MV_FIELD_TABLE(struct mv_network_configuration, "binding", MV_TYPE_NAMED, bindings,
                       &mv_table_binding_plugin),
        MV_FIELD(struct mv_network_configuration, "defaultNetworkInterface", MV_TYPE_STRING,
                 default_network_interface),
        MV_FIELD(struct mv_network_configuration, "permitBridgeInterfaceOnPodNetwork", MV_TYPE_OPTIONAL,
                 permit_bridge_on_pod_network),
};
static const struct mv_table network_table = MV_TABLE(network_fields, struct mv_network_configuration);

static const struct mv_field named_resource_fields[] = {
        MV_FIELD(struct mv_named_resource, "disabled", MV_TYPE_BOOL, disabled),
        MV_FIELD(struct mv_named_resource, "resourceName", MV_TYPE_STRING, resource_name),
};
static const struct mv_table named_resource_table = MV_TABLE(named_resource_fields, struct mv_named_resource);
static const struct mv_field permitted_fields[] = {
        MV_FIELD_TABLE(struct mv_permitted_host_devices, "mediatedDevices", MV_TYPE_LIST, mediated_devices,
                       &named_resource_table),
        MV_FIELD_TABLE(struct mv_permitted_host_devices, "pciHostDevices", MV_TYPE_LIST, pci_host_devices,
                       &named_resource_table),
        MV_FIELD_TABLE(struct mv_permitted_host_devices, "usb", MV_TYPE_LIST, usb, &named_resource_table),
};
const struct mv_table mv_table_permitted_host_devices =
        MV_TABLE(permitted_fields, struct mv_permitted_host_devices);

static const struct mv_field instancetype_fields[] = {
        MV_FIELD(struct mv_instancetype_configuration, "referencePolicy", MV_TYPE_STRING, reference_policy),
};
const struct mv_table mv_table_instancetype_configuration =
        MV_TABLE(instancetype_fields, struct mv_instancetype_configuration);

static const struct mv_field support_container_fields[] = {
        MV_FIELD_TABLE(struct mv_support_container, "resources", MV_TYPE_OBJECT, resources,
                       &mv_table_container_resources),
        MV_FIELD(struct mv_support_container, "type", MV_TYPE_STRING, type),
};
static const struct mv_table support_container_table =
        MV_TABLE(support_container_fields, struct mv_support_container);
static const struct mv_field virtual_machine_options_fields[] = {
        MV_FIELD(struct mv_virtual_machine_options, "disableSerialConsoleLog", MV_TYPE_PRESENT,
                 disable_serial_console_log),
};
static const struct mv_table virtual_machine_options_table =
        MV_TABLE(virtual_machine_options_fields, struct mv_virtual_machine_options);
static const struct mv_field custom_profile_fields[] = {
        MV_FIELD(struct mv_custom_profile, "localhostProfile", MV_TYPE_STRING, localhost_profile),
        MV_FIELD(struct mv_custom_profile, "runtimeDefaultProfile", MV_TYPE_BOOL, runtime_default),
};
static const struct mv_table custom_profile_table = MV_TABLE(custom_profile_fields, struct mv_custom_profile);
static const struct mv_field launcher_profile_fields[] = {
        MV_FIELD_TABLE(struct mv_launcher_profile, "customProfile", MV_TYPE_OBJECT, custom,
                       &custom_profile_table),
};
static const struct mv_table launcher_profile_table =
        MV_TABLE(launcher_profile_fields, struct mv_launcher_profile);
static const struct mv_field seccomp_fields[] = {
        MV_FIELD_TABLE(struct mv_seccomp_configuration, "virtualMachineInstanceProfile", MV_TYPE_OBJECT,
                       launcher, &launcher_profile_table),
};
static const struct mv_table seccomp_table = MV_TABLE(seccomp_fields, struct mv_seccomp_configuration);

static const struct mv_field configuration_fields[] = {
        MV_FIELD(struct mv_kubevirt_configuration, "additionalGuestMemoryOverheadRatio", MV_TYPE_STRING,
                 additional_overhead_ratio),
        MV_FIELD_TABLE(struct mv_kubevirt_configuration, "architectureConfiguration", MV_TYPE_OBJECT,
                       architectures, &machine_types_table),
        MV_FIELD_TABLE(struct mv_kubevirt_configuration, "autoCPULimitNamespaceLabelSelector",
                       MV_TYPE_POINTER, auto_cpu_limit_namespaces, &mv_table_label_selector),
        MV_FIELD(struct mv_kubevirt_configuration, "cpuModel", MV_TYPE_STRING, cpu_model),
        MV_FIELD(struct mv_kubevirt_configuration, "cpuRequest", MV_TYPE_TEXT, cpu_request),
        MV_FIELD_TABLE(struct mv_kubevirt_configuration, "developerConfiguration", MV_TYPE_OBJECT, developer,
                       &developer_table),
        MV_FIELD(struct mv_kubevirt_configuration, "evictionStrategy", MV_TYPE_STRING, eviction_strategy),
        MV_FIELD(struct mv_kubevirt_configuration, "imagePullPolicy", MV_TYPE_STRING, image_pull_policy),
        MV_FIELD_TABLE(struct mv_kubevirt_configuration, "instancetype", MV_TYPE_OBJECT, instancetype,
                       &mv_table_instancetype_configuration),
        MV_FIELD(struct mv_kubevirt_configuration, "machineType", MV_TYPE_STRING, machine_type),
        MV_FIELD_TABLE(struct mv_kubevirt_configuration, "migrations", MV_TYPE_OBJECT, migrations,
                       &settings_table),
        MV_FIELD_TABLE(struct mv_kubevirt_configuration, "network", MV_TYPE_OBJECT, network, &network_table),
        MV_FIELD(struct mv_kubevirt_configuration, "obsoleteCPUModels", MV_TYPE_BOOL_MAP,
                 obsolete_cpu_models),
        MV_FIELD_TABLE(struct mv_kubevirt_configuration, "permittedHostDevices", MV_TYPE_POINTER,
                       permitted_host_devices, &mv_table_permitted_host_devices),
        MV_FIELD_TABLE(struct mv_kubevirt_configuration, "seccompConfiguration", MV_TYPE_OBJECT, seccomp,
                       &seccomp_table),
        MV_FIELD(struct mv_kubevirt_configuration, "selinuxLauncherType", MV_TYPE_STRING,
                 selinux_launcher_type),
        MV_FIELD_TABLE(struct mv_kubevirt_configuration, "supportContainerResources", MV_TYPE_LIST,
                       support_containers, &support_container_table),
        MV_FIELD_TABLE(struct mv_kubevirt_configuration, "virtualMachineOptions", MV_TYPE_OBJECT,
                       virtual_machine_options, &virtual_machine_options_table),
};
static const struct mv_table configuration_table =
        MV_TABLE(configuration_fields, struct mv_kubevirt_configuration);

static const struct mv_field kubevirt_spec_fields[] = {
        MV_FIELD_TABLE(struct mv_kubevirt_spec, "configuration", MV_TYPE_OBJECT, configuration,
                       &configuration_table),
};
static const struct mv_table kubevirt_spec_table = MV_TABLE(kubevirt_spec_fields, struct mv_kubevirt_spec);
static const struct mv_field kubevirt_status_fields[] = {
        MV_FIELD(struct mv_kubevirt_status, "defaultArchitecture", MV_TYPE_STRING, default_architecture),
        MV_FIELD(struct mv_kubevirt_status, "observedKubeVirtVersion", MV_TYPE_STRING, observed_version),
        MV_FIELD(struct mv_kubevirt_status, "phase", MV_TYPE_STRING, phase),
        MV_FIELD(struct mv_kubevirt_status, "targetKubeVirtVersion", MV_TYPE_STRING, target_version),
};
static const struct mv_table kubevirt_status_table =
        MV_TABLE(kubevirt_status_fields, struct mv_kubevirt_status);

static const struct mv_field kubevirt_fields[] = {
        MV_FIELD_TABLE(struct mv_kubevirt, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_kubevirt, "spec", MV_TYPE_OBJECT, spec, &kubevirt_spec_table),
        MV_FIELD_TABLE(struct mv_kubevirt, "status", MV_TYPE_OBJECT, status, &kubevirt_status_table),
};
const struct mv_table mv_table_kubevirt = MV_TABLE(kubevirt_fields, struct mv_kubevirt);

/* --- MigrationPolicy --- */

static const struct mv_field selectors_fields[] = {
        MV_FIELD(struct mv_policy_selectors, "namespaceSelector", MV_TYPE_MAP, namespace_labels),
        MV_FIELD(struct mv_policy_selectors, "virtualMachineInstanceSelector", MV_TYPE_MAP, vmi_labels),
};
static const struct mv_table selectors_table = MV_TABLE(selectors_fields, struct mv_policy_selectors);
static const struct mv_field policy_spec_fields[] = {
        SHARED_SETTINGS(struct mv_migration_policy_spec, settings.),
        MV_FIELD(struct mv_migration_policy_spec, "experimental", MV_TYPE_RAW, settings.experimental),
        MV_FIELD_TABLE(struct mv_migration_policy_spec, "selectors", MV_TYPE_POINTER, selectors,
                       &selectors_table),
};
static const struct mv_table policy_spec_table =
        MV_TABLE(policy_spec_fields, struct mv_migration_policy_spec);
static const struct mv_field policy_fields[] = {
        MV_FIELD_TABLE(struct mv_migration_policy, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_migration_policy, "spec", MV_TYPE_OBJECT, spec, &policy_spec_table),
};
const struct mv_table mv_table_migration_policy = MV_TABLE(policy_fields, struct mv_migration_policy);
