/* SPDX-License-Identifier: Apache-2.0 */
/* The KubeVirt object (the cluster's configuration) and MigrationPolicy (migrations.kubevirt.io/v1alpha1). */
#pragma once

#include "policy/object/pod.h"

/* `spec.configuration.migrations`, and what a MigrationPolicy may override. */
struct mv_migration_settings {
        enum mv_optional allow_auto_converge, allow_post_copy, allow_workload_disruption, disable_tls,
                match_selinux_level, unsafe_override;
        struct mv_str bandwidth_per_migration; /* a quantity per second; p is NULL when absent */
        struct mv_optional_int completion_timeout_per_gib, max_downtime_ms, parallel_per_cluster,
                parallel_outbound_per_node, progress_timeout, utility_volumes_timeout;
        struct mv_str network, node_drain_taint_key; /* p is NULL when absent */
        struct mv_str experimental;                  /* JSON text; MigrationPolicy only */
};

struct mv_binding_plugin {
        struct mv_str name;
        bool migration; /* `migration` is present, even as {} */
        struct mv_str sidecar_image;
        struct mv_container_resources compute_overhead;
};
struct mv_support_container { /* what containers of that type beside `compute` get */
        struct mv_str type;
        struct mv_container_resources resources;
};
struct mv_named_resource {
        struct mv_str resource_name;
        bool disabled; /* HyperConverged only: it is left out of the KubeVirt object */
};

struct mv_kubevirt_configuration {
        struct mv_str cpu_model, eviction_strategy, image_pull_policy,
                machine_type; /* p is NULL when absent */
        struct mv_str additional_overhead_ratio, cpu_request;
        struct mv_str selinux_launcher_type;
        struct mv_map obsolete_cpu_models; /* the keys count, whatever their values */
        struct mv_label_selector *auto_cpu_limit_namespaces;
        MV_LIST(struct mv_support_container) support_containers;
        struct mv_virtual_machine_options {
                bool disable_serial_console_log; /* present, even as {} */
        } virtual_machine_options;
        struct mv_machine_types {
                struct mv_machine_type {
                        struct mv_str machine_type;
                } amd64, arm64, s390x;
        } architectures;
        struct mv_developer_configuration {
                struct mv_strings feature_gates, disabled_feature_gates;
                struct mv_optional_int cpu_allocation_ratio, memory_overcommit, minimum_cluster_tsc_frequency,
                        pvc_tolerate_less_space;
                struct mv_map node_selectors;
                bool use_emulation;
        } developer;
        struct mv_migration_settings migrations;
        struct mv_network_configuration {
                struct mv_str default_network_interface; /* p is NULL when absent */
                enum mv_optional permit_bridge_on_pod_network;
                MV_LIST(struct mv_binding_plugin) bindings; /* sorted by name */
        } network;
        struct mv_instancetype_configuration {
                struct mv_str reference_policy; /* reference (also when absent), expand or expandAll */
        } instancetype;
        struct mv_seccomp_configuration { /* of launcher pods; without a custom profile they have none */
                struct mv_launcher_profile {
                        struct mv_custom_profile {
                                struct mv_str
                                        localhost_profile; /* goes before the other one; p is NULL when absent */
                                bool runtime_default;
                        } custom;
                } launcher;
        } seccomp;
        struct mv_permitted_host_devices {
                MV_LIST(struct mv_named_resource) mediated_devices;
                MV_LIST(struct mv_named_resource) pci_host_devices;
                MV_LIST(struct mv_named_resource) usb;
        } * permitted_host_devices;
};

struct mv_kubevirt {
        struct mv_meta meta;
        struct mv_kubevirt_spec {
                struct mv_kubevirt_configuration configuration;
        } spec;
        struct mv_kubevirt_status {
                struct mv_str phase, default_architecture, observed_version, target_version;
        } status;
};

struct mv_migration_policy {
        struct mv_meta meta;
        struct mv_migration_policy_spec {
                struct mv_migration_settings settings;
                struct mv_policy_selectors {
                        struct mv_map namespace_labels, vmi_labels;
                } * selectors;
        } spec;
};

extern const struct mv_table mv_table_kubevirt;
/* Parts of it that a HyperConverged has as well. */
extern const struct mv_table mv_table_binding_plugin, mv_table_instancetype_configuration,
        mv_table_permitted_host_devices;
extern const struct mv_table mv_table_migration_policy;
