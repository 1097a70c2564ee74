/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VirtualMachineInstance (kubevirt.io/v1, and v1alpha3 which has the same shape): the fields that rules read.
 * The spec is also that of a VirtualMachine's template. Names follow the API.
 */
#pragma once

#include "policy/object/scheduling.h"

/* The bus is not kept: no rule reads it. Which of the targets is present says what the disk is. */
struct mv_disk_target {
        enum mv_optional readonly;
        bool reservation; /* of a lun: SCSI persistent reservation */
};
struct mv_disk {
        struct mv_str name;
        struct mv_disk_target *disk, *lun, *cdrom;
};

struct mv_port {
        struct mv_str name, protocol;
        struct mv_optional_int port;
};
struct mv_port_range {
        struct mv_str protocol;
        struct mv_optional_int start, end; /* both inclusive; without end: start alone */
};

struct mv_interface {
        struct mv_str name, model;
        struct mv_interface_binding {
                struct mv_str name; /* of the network binding plugin */
        } * binding;
        bool bridge, masquerade, slirp, sriov, macvtap, passt, passt_binding;
        MV_LIST(struct mv_port) ports;
        MV_LIST(struct mv_port_range) port_ranges;
};

struct mv_network {
        struct mv_str name;
        bool pod;
        struct mv_multus {
                struct mv_str network_name;
                bool is_default;
        } * multus;
};

struct mv_device { /* a GPU or a host device */
        struct mv_str name, device_name;
        struct mv_str claim_name, request_name; /* p is NULL when absent */
};

struct mv_filesystem {
        struct mv_str name;
        bool virtiofs;
};

struct mv_claim_source { /* persistentVolumeClaim and memoryDump */
        struct mv_str claim_name;
        bool hotpluggable;
};

struct mv_volume {
        struct mv_str name;
        struct mv_claim_source *persistent_volume_claim, *memory_dump;
        struct mv_data_volume_source {
                struct mv_str name;
                bool hotpluggable;
        } * data_volume;
        struct mv_host_disk {
                struct mv_str path, type;
                struct mv_str capacity;
                bool shared;
        } * host_disk;
        struct mv_container_disk {
                struct mv_str image;
        } * container_disk;
        struct mv_empty_disk {
                struct mv_str capacity;
        } * empty_disk;
        struct mv_ephemeral {
                struct mv_claim_source *persistent_volume_claim;
        } * ephemeral;
        struct mv_named_source { /* configMap, secret */
                struct mv_str name, secret_name;
                bool optional; /* the pod starts without it */
        } * config_map, *secret;
        struct mv_cloud_init {
                struct mv_named_source *secret, *network_data_secret;
        } * cloud_init_no_cloud, *cloud_init_config_drive;
        struct mv_sysprep {
                struct mv_named_source *config_map, *secret; /* by name, both */
        } * sysprep;
        bool service_account, downward_api, downward_metrics, container_path;
};

struct mv_utility_volume {
        struct mv_str name;
};

struct mv_cpu_feature {
        struct mv_str name, policy;
};

struct mv_cpu {
        struct mv_str model;
        struct mv_optional_int cores, sockets, threads, max_sockets;
        MV_LIST(struct mv_cpu_feature) features;
        bool dedicated_cpu_placement, isolate_emulator_thread;
        struct mv_numa {
                bool guest_mapping_passthrough;
        } * numa;
        struct mv_realtime {
                struct mv_str mask;
        } * realtime;
};

/* A feature state: present without `enabled` means enabled, once KubeVirt's defaults are applied. */
struct mv_feature_state {
        enum mv_optional enabled;
};

struct mv_hyperv {
        struct mv_feature_state *evmcs, *frequencies, *ipi, *reenlightenment, *relaxed, *reset, *runtime,
                *spinlocks, *synic, *synictimer, *tlbflush, *vapic, *vendorid, *vpindex;
};

struct mv_features {
        struct mv_hyperv *hyperv;
        struct mv_feature_state *hyperv_passthrough;
};

struct mv_launch_security {
        struct mv_sev {
                struct mv_sev_policy {
                        bool encrypted_state;
                } policy;
                bool attestation;
        } * sev;
        bool snp, tdx;
};

struct mv_io_threads {
        struct mv_optional_int supplemental_pool_thread_count;
};

struct mv_clock {
        struct mv_str utc;      /* its JSON text */
        struct mv_str timezone; /* p is NULL when absent */
        struct mv_timers {
                struct mv_timer {
                        enum mv_optional present; /* present without it means true, likewise */
                        struct mv_str tick_policy, track;
                } * hpet, *hyperv, *kvm, *pit, *rtc;
        } * timer;
};

struct mv_memory {
        struct mv_str guest, max_guest;
        struct mv_reserved_overhead {
                struct mv_str added_overhead;
        } * reserved_overhead;
        struct mv_hugepages {
                struct mv_str page_size;
        } * hugepages;
};

struct mv_resources {
        struct mv_map requests, limits; /* quantities */
        bool overcommit_guest_overhead;
};

struct mv_devices {
        enum mv_optional autoattach_pod_interface, autoattach_graphics_device, autoattach_serial_console,
                autoattach_vsock, log_serial_console;
        bool downward_metrics;
        MV_LIST(struct mv_disk) disks;
        MV_LIST(struct mv_filesystem) filesystems;
        MV_LIST(struct mv_interface) interfaces;
        MV_LIST(struct mv_device) gpus;
        MV_LIST(struct mv_device) host_devices;
        struct mv_tpm {
                enum mv_optional enabled, persistent;
        } * tpm;
};

struct mv_firmware {
        struct mv_kernel_boot {
                bool container;
        } kernel_boot;
        struct mv_bootloader {
                struct mv_bios {
                        enum mv_optional use_serial;
                } * bios;
                struct mv_efi {
                        enum mv_optional persistent, secure_boot;
                } * efi;
        } * bootloader;
};

struct mv_domain {
        struct mv_clock *clock;
        struct mv_cpu *cpu;
        struct mv_devices devices;
        struct mv_features *features;
        struct mv_firmware *firmware;
        struct mv_io_threads *io_threads;
        struct mv_str io_threads_policy; /* p is NULL when absent */
        struct mv_launch_security *launch_security;
        struct mv_machine {
                struct mv_str type;
        } machine;
        struct mv_memory *memory;
        struct mv_resources resources;
};

struct mv_probe {
        bool exec, guest_agent_ping;
};

struct mv_vmi_spec {
        struct mv_str architecture, scheduler_name, priority_class_name;
        struct mv_str
                eviction_strategy; /* p is NULL when absent: the empty string is a value, and a wrong one */
        struct mv_map node_selector;
        struct mv_affinity *affinity;
        struct mv_tolerations tolerations;
        MV_LIST(struct mv_topology_spread) topology_spread_constraints;
        struct mv_optional_int termination_grace_period_seconds;
        struct mv_probe *liveness_probe, *readiness_probe;
        struct mv_domain domain;
        MV_LIST(struct mv_network) networks;
        MV_LIST(struct mv_volume) volumes;
        MV_LIST(struct mv_utility_volume) utility_volumes; /* not shown to the guest; for a backup, say */
};

/* What virt-controller knows of the claim behind a volume. */
struct mv_claim_info {
        struct mv_str claim_name, volume_mode;
        struct mv_strings access_modes;
        struct mv_map capacity, requests; /* quantities */
};
struct mv_volume_status {
        struct mv_str name;
        struct mv_claim_info *claim_info; /* persistentVolumeClaimInfo */
};
struct mv_migrated_volume {
        struct mv_str volume_name;
        struct mv_claim_info *source; /* sourcePVCInfo */
};

/* One end of a migration between clusters. */
struct mv_migration_end {
        struct mv_str migration_uid, selinux_context;
};
struct mv_migration_state { /* of the last migration, maybe still under way */
        struct mv_str migration_uid, source_node, target_node, start_timestamp, end_timestamp;
        bool completed, failed;
        struct mv_migration_end *source_state, *target_state;
};

struct mv_vmi_status {
        struct mv_str phase, node_name, migration_method, migration_transport, evacuation_node_name,
                selinux_context;
        struct mv_map active_pods; /* UID of a launcher pod -> its node */
        struct mv_migration_state *migration_state;
        struct mv_conditions conditions;
        MV_LIST(struct mv_volume_status) volume_status;
        MV_LIST(struct mv_migrated_volume) migrated_volumes;
        struct mv_topology_hints {
                struct mv_optional_int tsc_frequency;
        } * topology_hints;
        struct mv_machine machine;
};

/* What KubeVirt's schema check says of an object that somebody wrote (policy/object/written.h), in KubeVirt's words. */
struct mv_forbidden {
        struct mv_str *items;
        size_t n;
};

struct mv_vmi {
        struct mv_str api_version, kind;
        struct mv_meta meta;
        struct mv_vmi_spec spec;
        struct mv_vmi_status status;
        struct mv_forbidden forbidden;
};

extern const struct mv_table mv_table_vmi_spec;
/* Parts of it that instancetypes and preferences have as well. */
extern const struct mv_table mv_table_cpu_feature, mv_table_device, mv_table_efi, mv_table_hugepages,
        mv_table_hyperv, mv_table_io_threads, mv_table_launch_security, mv_table_numa, mv_table_realtime,
        mv_table_timers, mv_table_tpm;
extern const struct mv_table mv_table_vmi;

/* The phase says that it has ended: Succeeded or Failed. */
bool mv_vmi_is_final(const struct mv_vmi *vmi);
