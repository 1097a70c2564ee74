/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/vmi.h"

/* --- devices --- */

static const struct mv_field disk_target_fields[] = {
        MV_FIELD(struct mv_disk_target, "readonly", MV_TYPE_OPTIONAL, readonly),
        MV_FIELD(struct mv_disk_target, "reservation", MV_TYPE_BOOL, reservation),
};
static const struct mv_table disk_target_table = MV_TABLE(disk_target_fields, struct mv_disk_target);

static const struct mv_field disk_fields[] = {
        MV_FIELD_TABLE(struct mv_disk, "cdrom", MV_TYPE_POINTER, cdrom, &disk_target_table),
        MV_FIELD_TABLE(struct mv_disk, "disk", MV_TYPE_POINTER, disk, &disk_target_table),
        MV_FIELD_TABLE(struct mv_disk, "lun", MV_TYPE_POINTER, lun, &disk_target_table),
        MV_FIELD(struct mv_disk, "name", MV_TYPE_STRING, name),
};
static const struct mv_table disk_table = MV_TABLE(disk_fields, struct mv_disk);

static const struct mv_field filesystem_fields[] = {
        MV_FIELD(struct mv_filesystem, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_filesystem, "virtiofs", MV_TYPE_PRESENT, virtiofs),
};
static const struct mv_table filesystem_table = MV_TABLE(filesystem_fields, struct mv_filesystem);

static const struct mv_field device_fields[] = {
        MV_FIELD(struct mv_device, "claimName", MV_TYPE_STRING, claim_name),
        MV_FIELD(struct mv_device, "deviceName", MV_TYPE_STRING, device_name),
        MV_FIELD(struct mv_device, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_device, "requestName", MV_TYPE_STRING, request_name),
};
const struct mv_table mv_table_device = MV_TABLE(device_fields, struct mv_device);

static const struct mv_field port_fields[] = {
        MV_FIELD(struct mv_port, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_port, "port", MV_TYPE_INT, port),
        MV_FIELD(struct mv_port, "protocol", MV_TYPE_STRING, protocol),
};
static const struct mv_table port_table = MV_TABLE(port_fields, struct mv_port);

static const struct mv_field port_range_fields[] = {
        MV_FIELD(struct mv_port_range, "end", MV_TYPE_INT, end),
        MV_FIELD(struct mv_port_range, "protocol", MV_TYPE_STRING, protocol),
        MV_FIELD(struct mv_port_range, "start", MV_TYPE_INT, start),
};
static const struct mv_table port_range_table = MV_TABLE(port_range_fields, struct mv_port_range);

static const struct mv_field binding_fields[] = {
        MV_FIELD(struct mv_interface_binding, "name", MV_TYPE_STRING, name),
};
static const struct mv_table binding_table = MV_TABLE(binding_fields, struct mv_interface_binding);

static const struct mv_field interface_fields[] = {
        MV_FIELD_TABLE(struct mv_interface, "binding", MV_TYPE_POINTER, binding, &binding_table),
        MV_FIELD(struct mv_interface, "bridge", MV_TYPE_PRESENT, bridge),
        MV_FIELD(struct mv_interface, "macvtap", MV_TYPE_PRESENT, macvtap),
        MV_FIELD(struct mv_interface, "masquerade", MV_TYPE_PRESENT, masquerade),
        MV_FIELD(struct mv_interface, "model", MV_TYPE_STRING, model),
        MV_FIELD(struct mv_interface, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_interface, "passt", MV_TYPE_PRESENT, passt),
        MV_FIELD(struct mv_interface, "passtBinding", MV_TYPE_PRESENT, passt_binding),
        MV_FIELD_TABLE(struct mv_interface, "portRanges", MV_TYPE_LIST, port_ranges, &port_range_table),
        MV_FIELD_TABLE(struct mv_interface, "ports", MV_TYPE_LIST, ports, &port_table),
        MV_FIELD(struct mv_interface, "slirp", MV_TYPE_PRESENT, slirp),
        MV_FIELD(struct mv_interface, "sriov", MV_TYPE_PRESENT, sriov),
};
static const struct mv_table interface_table = MV_TABLE(interface_fields, struct mv_interface);

static const struct mv_field tpm_fields[] = {
        MV_FIELD(struct mv_tpm, "enabled", MV_TYPE_OPTIONAL, enabled),
        MV_FIELD(struct mv_tpm, "persistent", MV_TYPE_OPTIONAL, persistent),
};
const struct mv_table mv_table_tpm = MV_TABLE(tpm_fields, struct mv_tpm);

static const struct mv_field devices_fields[] = {
        MV_FIELD(struct mv_devices, "autoattachGraphicsDevice", MV_TYPE_OPTIONAL, autoattach_graphics_device),
        MV_FIELD(struct mv_devices, "autoattachPodInterface", MV_TYPE_OPTIONAL, autoattach_pod_interface),
        MV_FIELD(struct mv_devices, "autoattachSerialConsole", MV_TYPE_OPTIONAL, autoattach_serial_console),
        MV_FIELD(struct mv_devices, "autoattachVSOCK", MV_TYPE_OPTIONAL, autoattach_vsock),
        MV_FIELD_TABLE(struct mv_devices, "disks", MV_TYPE_LIST, disks, &disk_table),
        MV_FIELD(struct mv_devices, "downwardMetrics", MV_TYPE_PRESENT, downward_metrics),
        MV_FIELD_TABLE(struct mv_devices, "filesystems", MV_TYPE_LIST, filesystems, &filesystem_table),
        MV_FIELD_TABLE(struct mv_devices, "gpus", MV_TYPE_LIST, gpus, &mv_table_device),
        MV_FIELD_TABLE(struct mv_devices, "hostDevices", MV_TYPE_LIST, host_devices, &mv_table_device),
        MV_FIELD_TABLE(struct mv_devices, "interfaces", MV_TYPE_LIST, interfaces, &interface_table),
        MV_FIELD(struct mv_devices, "logSerialConsole", MV_TYPE_OPTIONAL, log_serial_console),
        MV_FIELD_TABLE(struct mv_devices, "tpm", MV_TYPE_POINTER, tpm, &mv_table_tpm),
};
static const struct mv_table devices_table = MV_TABLE(devices_fields, struct mv_devices);

/* --- the rest of the domain --- */

static const struct mv_field cpu_feature_fields[] = {
        MV_FIELD(struct mv_cpu_feature, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_cpu_feature, "policy", MV_TYPE_STRING, policy),
};
const struct mv_table mv_table_cpu_feature = MV_TABLE(cpu_feature_fields, struct mv_cpu_feature);

static const struct mv_field numa_fields[] = {
        MV_FIELD(struct mv_numa, "guestMappingPassthrough", MV_TYPE_PRESENT, guest_mapping_passthrough),
};
const struct mv_table mv_table_numa = MV_TABLE(numa_fields, struct mv_numa);
static const struct mv_field realtime_fields[] = {
        MV_FIELD(struct mv_realtime, "mask", MV_TYPE_STRING, mask),
};
const struct mv_table mv_table_realtime = MV_TABLE(realtime_fields, struct mv_realtime);

static const struct mv_field cpu_fields[] = {
        MV_FIELD(struct mv_cpu, "cores", MV_TYPE_INT, cores),
        MV_FIELD(struct mv_cpu, "dedicatedCpuPlacement", MV_TYPE_BOOL, dedicated_cpu_placement),
        MV_FIELD_TABLE(struct mv_cpu, "features", MV_TYPE_LIST, features, &mv_table_cpu_feature),
        MV_FIELD(struct mv_cpu, "isolateEmulatorThread", MV_TYPE_BOOL, isolate_emulator_thread),
        MV_FIELD(struct mv_cpu, "maxSockets", MV_TYPE_INT, max_sockets),
        MV_FIELD(struct mv_cpu, "model", MV_TYPE_STRING, model),
        MV_FIELD_TABLE(struct mv_cpu, "numa", MV_TYPE_POINTER, numa, &mv_table_numa),
        MV_FIELD_TABLE(struct mv_cpu, "realtime", MV_TYPE_POINTER, realtime, &mv_table_realtime),
        MV_FIELD(struct mv_cpu, "sockets", MV_TYPE_INT, sockets),
        MV_FIELD(struct mv_cpu, "threads", MV_TYPE_INT, threads),
};
static const struct mv_table cpu_table = MV_TABLE(cpu_fields, struct mv_cpu);

static const struct mv_field feature_state_fields[] = {
        MV_FIELD(struct mv_feature_state, "enabled", MV_TYPE_OPTIONAL, enabled),
};
static const struct mv_table feature_state_table = MV_TABLE(feature_state_fields, struct mv_feature_state);

#define HYPERV_FEATURE(name) \
        MV_FIELD_TABLE(struct mv_hyperv, #name, MV_TYPE_POINTER, name, &feature_state_table)
static const struct mv_field hyperv_fields[] = {
        HYPERV_FEATURE(evmcs),           HYPERV_FEATURE(frequencies), HYPERV_FEATURE(ipi),
        HYPERV_FEATURE(reenlightenment), HYPERV_FEATURE(relaxed),     HYPERV_FEATURE(reset),
        HYPERV_FEATURE(runtime),         HYPERV_FEATURE(spinlocks),   HYPERV_FEATURE(synic),
        HYPERV_FEATURE(synictimer),      HYPERV_FEATURE(tlbflush),    HYPERV_FEATURE(vapic),
        HYPERV_FEATURE(vendorid),        HYPERV_FEATURE(vpindex),
};
const struct mv_table mv_table_hyperv = MV_TABLE(hyperv_fields, struct mv_hyperv);

static const struct mv_field features_fields[] = {
        MV_FIELD_TABLE(struct mv_features, "hyperv", MV_TYPE_POINTER, hyperv, &mv_table_hyperv),
        MV_FIELD_TABLE(struct mv_features, "hypervPassthrough", MV_TYPE_POINTER, hyperv_passthrough,
                       &feature_state_table),
};
static const struct mv_table features_table = MV_TABLE(features_fields, struct mv_features);

static const struct mv_field efi_fields[] = {
        MV_FIELD(struct mv_efi, "persistent", MV_TYPE_OPTIONAL, persistent),
        MV_FIELD(struct mv_efi, "secureBoot", MV_TYPE_OPTIONAL, secure_boot),
};
const struct mv_table mv_table_efi = MV_TABLE(efi_fields, struct mv_efi);
static const struct mv_field bios_fields[] = {
        MV_FIELD(struct mv_bios, "useSerial", MV_TYPE_OPTIONAL, use_serial),
};
static const struct mv_table bios_table = MV_TABLE(bios_fields, struct mv_bios);
static const struct mv_field bootloader_fields[] = {
        MV_FIELD_TABLE(struct mv_bootloader, "bios", MV_TYPE_POINTER, bios, &bios_table),
        MV_FIELD_TABLE(struct mv_bootloader, "efi", MV_TYPE_POINTER, efi, &mv_table_efi),
};
static const struct mv_table bootloader_table = MV_TABLE(bootloader_fields, struct mv_bootloader);
static const struct mv_field kernel_boot_fields[] = {
        MV_FIELD(struct mv_kernel_boot, "container", MV_TYPE_PRESENT, container),
};
static const struct mv_table kernel_boot_table = MV_TABLE(kernel_boot_fields, struct mv_kernel_boot);
static const struct mv_field firmware_fields[] = {
        MV_FIELD_TABLE(struct mv_firmware, "bootloader", MV_TYPE_POINTER, bootloader, &bootloader_table),
        MV_FIELD_TABLE(struct mv_firmware, "kernelBoot", MV_TYPE_OBJECT, kernel_boot, &kernel_boot_table),
};
static const struct mv_table firmware_table = MV_TABLE(firmware_fields, struct mv_firmware);

static const struct mv_field sev_policy_fields[] = {
        MV_FIELD(struct mv_sev_policy, "encryptedState", MV_TYPE_BOOL, encrypted_state),
};
static const struct mv_table sev_policy_table = MV_TABLE(sev_policy_fields, struct mv_sev_policy);
static const struct mv_field sev_fields[] = {
        MV_FIELD(struct mv_sev, "attestation", MV_TYPE_PRESENT, attestation),
        MV_FIELD_TABLE(struct mv_sev, "policy", MV_TYPE_OBJECT, policy, &sev_policy_table),
};
static const struct mv_table sev_table = MV_TABLE(sev_fields, struct mv_sev);
static const struct mv_field launch_security_fields[] = {
        MV_FIELD_TABLE(struct mv_launch_security, "sev", MV_TYPE_POINTER, sev, &sev_table),
        MV_FIELD(struct mv_launch_security, "snp", MV_TYPE_PRESENT, snp),
        MV_FIELD(struct mv_launch_security, "tdx", MV_TYPE_PRESENT, tdx),
};
const struct mv_table mv_table_launch_security = MV_TABLE(launch_security_fields, struct mv_launch_security);

static const struct mv_field hugepages_fields[] = {
        MV_FIELD(struct mv_hugepages, "pageSize", MV_TYPE_STRING, page_size),
};
const struct mv_table mv_table_hugepages = MV_TABLE(hugepages_fields, struct mv_hugepages);
static const struct mv_field reserved_overhead_fields[] = {
        MV_FIELD(struct mv_reserved_overhead, "addedOverhead", MV_TYPE_QUANTITY, added_overhead),
};
static const struct mv_table reserved_overhead_table =
        MV_TABLE(reserved_overhead_fields, struct mv_reserved_overhead);
static const struct mv_field memory_fields[] = {
        MV_FIELD(struct mv_memory, "guest", MV_TYPE_QUANTITY, guest),
        MV_FIELD_TABLE(struct mv_memory, "hugepages", MV_TYPE_POINTER, hugepages, &mv_table_hugepages),
        MV_FIELD(struct mv_memory, "maxGuest", MV_TYPE_QUANTITY, max_guest),
        MV_FIELD_TABLE(struct mv_memory, "reservedOverhead", MV_TYPE_POINTER, reserved_overhead,
                       &reserved_overhead_table),
};
static const struct mv_table memory_table = MV_TABLE(memory_fields, struct mv_memory);

static const struct mv_field machine_fields[] = {
        MV_FIELD(struct mv_machine, "type", MV_TYPE_STRING, type),
};
static const struct mv_table machine_table = MV_TABLE(machine_fields, struct mv_machine);

static const struct mv_field resources_fields[] = {
        MV_FIELD(struct mv_resources, "limits", MV_TYPE_QUANTITY_MAP, limits),
        MV_FIELD(struct mv_resources, "overcommitGuestOverhead", MV_TYPE_BOOL, overcommit_guest_overhead),
        MV_FIELD(struct mv_resources, "requests", MV_TYPE_QUANTITY_MAP, requests),
};
static const struct mv_table resources_table = MV_TABLE(resources_fields, struct mv_resources);

static const struct mv_field io_threads_fields[] = {
        MV_FIELD(struct mv_io_threads, "supplementalPoolThreadCount", MV_TYPE_INT,
                 supplemental_pool_thread_count),
};
const struct mv_table mv_table_io_threads = MV_TABLE(io_threads_fields, struct mv_io_threads);

static const struct mv_field timer_fields[] = {
        MV_FIELD(struct mv_timer, "present", MV_TYPE_OPTIONAL, present),
        MV_FIELD(struct mv_timer, "tickPolicy", MV_TYPE_STRING, tick_policy),
        MV_FIELD(struct mv_timer, "track", MV_TYPE_STRING, track),
};
static const struct mv_table timer_table = MV_TABLE(timer_fields, struct mv_timer);
static const struct mv_field plain_timer_fields[] = {
        MV_FIELD(struct mv_timer, "present", MV_TYPE_OPTIONAL, present),
};
static const struct mv_table plain_timer_table = MV_TABLE(plain_timer_fields, struct mv_timer);
static const struct mv_field timers_fields[] = {
        MV_FIELD_TABLE(struct mv_timers, "hpet", MV_TYPE_POINTER, hpet, &timer_table),
        MV_FIELD_TABLE(struct mv_timers, "hyperv", MV_TYPE_POINTER, hyperv, &plain_timer_table),
        MV_FIELD_TABLE(struct mv_timers, "kvm", MV_TYPE_POINTER, kvm, &plain_timer_table),
        MV_FIELD_TABLE(struct mv_timers, "pit", MV_TYPE_POINTER, pit, &timer_table),
        MV_FIELD_TABLE(struct mv_timers, "rtc", MV_TYPE_POINTER, rtc, &timer_table),
};
const struct mv_table mv_table_timers = MV_TABLE(timers_fields, struct mv_timers);
static const struct mv_field clock_fields[] = {
        MV_FIELD_TABLE(struct mv_clock, "timer", MV_TYPE_POINTER, timer, &mv_table_timers),
        MV_FIELD(struct mv_clock, "timezone", MV_TYPE_STRING, timezone),
        MV_FIELD(struct mv_clock, "utc", MV_TYPE_RAW, utc),
};
static const struct mv_table clock_table = MV_TABLE(clock_fields, struct mv_clock);

static const struct mv_field domain_fields[] = {
        MV_FIELD_TABLE(struct mv_domain, "clock", MV_TYPE_POINTER, clock, &clock_table),
        MV_FIELD_TABLE(struct mv_domain, "cpu", MV_TYPE_POINTER, cpu, &cpu_table),
        MV_FIELD_TABLE(struct mv_domain, "devices", MV_TYPE_OBJECT, devices, &devices_table),
        MV_FIELD_TABLE(struct mv_domain, "features", MV_TYPE_POINTER, features, &features_table),
        MV_FIELD_TABLE(struct mv_domain, "firmware", MV_TYPE_POINTER, firmware, &firmware_table),
        MV_FIELD_TABLE(struct mv_domain, "ioThreads", MV_TYPE_POINTER, io_threads, &mv_table_io_threads),
        MV_FIELD(struct mv_domain, "ioThreadsPolicy", MV_TYPE_STRING, io_threads_policy),
        MV_FIELD_TABLE(struct mv_domain, "launchSecurity", MV_TYPE_POINTER, launch_security,
                       &mv_table_launch_security),
        MV_FIELD_TABLE(struct mv_domain, "machine", MV_TYPE_OBJECT, machine, &machine_table),
        MV_FIELD_TABLE(struct mv_domain, "memory", MV_TYPE_POINTER, memory, &memory_table),
        MV_FIELD_TABLE(struct mv_domain, "resources", MV_TYPE_OBJECT, resources, &resources_table),
};
static const struct mv_table domain_table = MV_TABLE(domain_fields, struct mv_domain);

/* --- networks and volumes --- */

static const struct mv_field multus_fields[] = {
        MV_FIELD(struct mv_multus, "default", MV_TYPE_BOOL, is_default),
        MV_FIELD(struct mv_multus, "networkName", MV_TYPE_STRING, network_name),
};
static const struct mv_table multus_table = MV_TABLE(multus_fields, struct mv_multus);
static const struct mv_field network_fields[] = {
        MV_FIELD_TABLE(struct mv_network, "multus", MV_TYPE_POINTER, multus, &multus_table),
        MV_FIELD(struct mv_network, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_network, "pod", MV_TYPE_PRESENT, pod),
};
static const struct mv_table network_table = MV_TABLE(network_fields, struct mv_network);

static const struct mv_field claim_source_fields[] = {
        MV_FIELD(struct mv_claim_source, "claimName", MV_TYPE_STRING, claim_name),
        MV_FIELD(struct mv_claim_source, "hotpluggable", MV_TYPE_BOOL, hotpluggable),
};
static const struct mv_table claim_source_table = MV_TABLE(claim_source_fields, struct mv_claim_source);
static const struct mv_field data_volume_source_fields[] = {
        MV_FIELD(struct mv_data_volume_source, "hotpluggable", MV_TYPE_BOOL, hotpluggable),
        MV_FIELD(struct mv_data_volume_source, "name", MV_TYPE_STRING, name),
};
static const struct mv_table data_volume_source_table =
        MV_TABLE(data_volume_source_fields, struct mv_data_volume_source);
static const struct mv_field host_disk_fields[] = {
        MV_FIELD(struct mv_host_disk, "capacity", MV_TYPE_QUANTITY, capacity),
        MV_FIELD(struct mv_host_disk, "path", MV_TYPE_STRING, path),
        MV_FIELD(struct mv_host_disk, "shared", MV_TYPE_BOOL, shared),
        MV_FIELD(struct mv_host_disk, "type", MV_TYPE_STRING, type),
};
static const struct mv_table host_disk_table = MV_TABLE(host_disk_fields, struct mv_host_disk);
static const struct mv_field container_disk_fields[] = {
        MV_FIELD(struct mv_container_disk, "image", MV_TYPE_STRING, image),
};
static const struct mv_table container_disk_table = MV_TABLE(container_disk_fields, struct mv_container_disk);
static const struct mv_field empty_disk_fields[] = {
        MV_FIELD(struct mv_empty_disk, "capacity", MV_TYPE_QUANTITY, capacity),
};
static const struct mv_table empty_disk_table = MV_TABLE(empty_disk_fields, struct mv_empty_disk);
static const struct mv_field ephemeral_fields[] = {
        MV_FIELD_TABLE(struct mv_ephemeral, "persistentVolumeClaim", MV_TYPE_POINTER, persistent_volume_claim,
                       &claim_source_table),
};
static const struct mv_table ephemeral_table = MV_TABLE(ephemeral_fields, struct mv_ephemeral);
static const struct mv_field named_source_fields[] = {
        MV_FIELD(struct mv_named_source, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_named_source, "optional", MV_TYPE_BOOL, optional),
        MV_FIELD(struct mv_named_source, "secretName", MV_TYPE_STRING, secret_name),
};
static const struct mv_table named_source_table = MV_TABLE(named_source_fields, struct mv_named_source);

static const struct mv_field cloud_init_fields[] = {
        MV_FIELD_TABLE(struct mv_cloud_init, "networkDataSecretRef", MV_TYPE_POINTER, network_data_secret,
                       &named_source_table),
        MV_FIELD_TABLE(struct mv_cloud_init, "secretRef", MV_TYPE_POINTER, secret, &named_source_table),
};
static const struct mv_table cloud_init_table = MV_TABLE(cloud_init_fields, struct mv_cloud_init);
static const struct mv_field sysprep_fields[] = {
        MV_FIELD_TABLE(struct mv_sysprep, "configMap", MV_TYPE_POINTER, config_map, &named_source_table),
        MV_FIELD_TABLE(struct mv_sysprep, "secret", MV_TYPE_POINTER, secret, &named_source_table),
};
static const struct mv_table sysprep_table = MV_TABLE(sysprep_fields, struct mv_sysprep);

static const struct mv_field volume_fields[] = {
        MV_FIELD_TABLE(struct mv_volume, "cloudInitConfigDrive", MV_TYPE_POINTER, cloud_init_config_drive,
                       &cloud_init_table),
        MV_FIELD_TABLE(struct mv_volume, "cloudInitNoCloud", MV_TYPE_POINTER, cloud_init_no_cloud,
                       &cloud_init_table),
        MV_FIELD_TABLE(struct mv_volume, "configMap", MV_TYPE_POINTER, config_map, &named_source_table),
        MV_FIELD_TABLE(struct mv_volume, "containerDisk", MV_TYPE_POINTER, container_disk,
                       &container_disk_table),
        MV_FIELD(struct mv_volume, "containerPath", MV_TYPE_PRESENT, container_path),
        MV_FIELD_TABLE(struct mv_volume, "dataVolume", MV_TYPE_POINTER, data_volume,
                       &data_volume_source_table),
        MV_FIELD(struct mv_volume, "downwardAPI", MV_TYPE_PRESENT, downward_api),
        MV_FIELD(struct mv_volume, "downwardMetrics", MV_TYPE_PRESENT, downward_metrics),
        MV_FIELD_TABLE(struct mv_volume, "emptyDisk", MV_TYPE_POINTER, empty_disk, &empty_disk_table),
        MV_FIELD_TABLE(struct mv_volume, "ephemeral", MV_TYPE_POINTER, ephemeral, &ephemeral_table),
        MV_FIELD_TABLE(struct mv_volume, "hostDisk", MV_TYPE_POINTER, host_disk, &host_disk_table),
        MV_FIELD_TABLE(struct mv_volume, "memoryDump", MV_TYPE_POINTER, memory_dump, &claim_source_table),
        MV_FIELD(struct mv_volume, "name", MV_TYPE_STRING, name),
        MV_FIELD_TABLE(struct mv_volume, "persistentVolumeClaim", MV_TYPE_POINTER, persistent_volume_claim,
                       &claim_source_table),
        MV_FIELD_TABLE(struct mv_volume, "secret", MV_TYPE_POINTER, secret, &named_source_table),
        MV_FIELD(struct mv_volume, "serviceAccount", MV_TYPE_PRESENT, service_account),
        MV_FIELD_TABLE(struct mv_volume, "sysprep", MV_TYPE_POINTER, sysprep, &sysprep_table),
};
static const struct mv_table volume_table = MV_TABLE(volume_fields, struct mv_volume);

static const struct mv_field probe_fields[] = {
        MV_FIELD(struct mv_probe, "exec", MV_TYPE_PRESENT, exec),
        MV_FIELD(struct mv_probe, "guestAgentPing", MV_TYPE_PRESENT, guest_agent_ping),
};
static const struct mv_table probe_table = MV_TABLE(probe_fields, struct mv_probe);

static const struct mv_field utility_volume_fields[] = {
        MV_FIELD(struct mv_utility_volume, "name", MV_TYPE_STRING, name),
};
static const struct mv_table utility_volume_table = MV_TABLE(utility_volume_fields, struct mv_utility_volume);

static const struct mv_field spec_fields[] = {
        MV_FIELD_TABLE(struct mv_vmi_spec, "affinity", MV_TYPE_POINTER, affinity, &mv_table_affinity),
        MV_FIELD(struct mv_vmi_spec, "architecture", MV_TYPE_STRING, architecture),
        MV_FIELD_TABLE(struct mv_vmi_spec, "domain", MV_TYPE_OBJECT, domain, &domain_table),
        MV_FIELD(struct mv_vmi_spec, "evictionStrategy", MV_TYPE_STRING, eviction_strategy),
        MV_FIELD_TABLE(struct mv_vmi_spec, "livenessProbe", MV_TYPE_POINTER, liveness_probe, &probe_table),
        MV_FIELD_TABLE(struct mv_vmi_spec, "networks", MV_TYPE_LIST, networks, &network_table),
        MV_FIELD(struct mv_vmi_spec, "nodeSelector", MV_TYPE_MAP, node_selector),
        MV_FIELD(struct mv_vmi_spec, "priorityClassName", MV_TYPE_STRING, priority_class_name),
        MV_FIELD_TABLE(struct mv_vmi_spec, "readinessProbe", MV_TYPE_POINTER, readiness_probe, &probe_table),
        MV_FIELD(struct mv_vmi_spec, "schedulerName", MV_TYPE_STRING, scheduler_name),
        MV_FIELD(struct mv_vmi_spec, "terminationGracePeriodSeconds", MV_TYPE_INT,
                 termination_grace_period_seconds),
        MV_FIELD_TABLE(struct mv_vmi_spec, "tolerations", MV_TYPE_LIST, tolerations, &mv_table_toleration),
        MV_FIELD_TABLE(struct mv_vmi_spec, "topologySpreadConstraints", MV_TYPE_LIST,
                       topology_spread_constraints, &mv_table_topology_spread),
        MV_FIELD_TABLE(struct mv_vmi_spec, "utilityVolumes", MV_TYPE_LIST, utility_volumes,
                       &utility_volume_table),
        MV_FIELD_TABLE(struct mv_vmi_spec, "volumes", MV_TYPE_LIST, volumes, &volume_table),
};
const struct mv_table mv_table_vmi_spec = MV_TABLE(spec_fields, struct mv_vmi_spec);

/* --- status --- */

static const struct mv_field claim_info_fields[] = {
        MV_FIELD(struct mv_claim_info, "accessModes", MV_TYPE_STRINGS, access_modes),
        MV_FIELD(struct mv_claim_info, "capacity", MV_TYPE_TEXT_MAP, capacity),
        MV_FIELD(struct mv_claim_info, "claimName", MV_TYPE_STRING, claim_name),
        MV_FIELD(struct mv_claim_info, "requests", MV_TYPE_TEXT_MAP, requests),
        MV_FIELD(struct mv_claim_info, "volumeMode", MV_TYPE_STRING, volume_mode),
};
static const struct mv_table claim_info_table = MV_TABLE(claim_info_fields, struct mv_claim_info);
static const struct mv_field volume_status_fields[] = {
        MV_FIELD(struct mv_volume_status, "name", MV_TYPE_STRING, name),
        MV_FIELD_TABLE(struct mv_volume_status, "persistentVolumeClaimInfo", MV_TYPE_POINTER, claim_info,
                       &claim_info_table),
};
static const struct mv_table volume_status_table = MV_TABLE(volume_status_fields, struct mv_volume_status);
static const struct mv_field migrated_volume_fields[] = {
        MV_FIELD_TABLE(struct mv_migrated_volume, "sourcePVCInfo", MV_TYPE_POINTER, source,
                       &claim_info_table),
        MV_FIELD(struct mv_migrated_volume, "volumeName", MV_TYPE_STRING, volume_name),
};
static const struct mv_table migrated_volume_table =
        MV_TABLE(migrated_volume_fields, struct mv_migrated_volume);
static const struct mv_field topology_hints_fields[] = {
        MV_FIELD(struct mv_topology_hints, "tscFrequency", MV_TYPE_INT, tsc_frequency),
};
static const struct mv_table topology_hints_table = MV_TABLE(topology_hints_fields, struct mv_topology_hints);

static const struct mv_field migration_end_fields[] = {
        MV_FIELD(struct mv_migration_end, "migrationUID", MV_TYPE_STRING, migration_uid),
        MV_FIELD(struct mv_migration_end, "selinuxContext", MV_TYPE_STRING, selinux_context),
};
static const struct mv_table migration_end_table = MV_TABLE(migration_end_fields, struct mv_migration_end);
static const struct mv_field migration_state_fields[] = {
        MV_FIELD(struct mv_migration_state, "completed", MV_TYPE_BOOL, completed),
        MV_FIELD(struct mv_migration_state, "endTimestamp", MV_TYPE_STRING, end_timestamp),
        MV_FIELD(struct mv_migration_state, "failed", MV_TYPE_BOOL, failed),
        MV_FIELD(struct mv_migration_state, "migrationUid", MV_TYPE_STRING, migration_uid),
        MV_FIELD(struct mv_migration_state, "sourceNode", MV_TYPE_STRING, source_node),
        MV_FIELD_TABLE(struct mv_migration_state, "sourceState", MV_TYPE_POINTER, source_state,
                       &migration_end_table),
        MV_FIELD(struct mv_migration_state, "startTimestamp", MV_TYPE_STRING, start_timestamp),
        MV_FIELD(struct mv_migration_state, "targetNode", MV_TYPE_STRING, target_node),
        MV_FIELD_TABLE(struct mv_migration_state, "targetState", MV_TYPE_POINTER, target_state,
                       &migration_end_table),
};
static const struct mv_table migration_state_table =
        MV_TABLE(migration_state_fields, struct mv_migration_state);

static const struct mv_field status_fields[] = {
        MV_FIELD(struct mv_vmi_status, "activePods", MV_TYPE_MAP, active_pods),
        MV_FIELD_TABLE(struct mv_vmi_status, "conditions", MV_TYPE_LIST, conditions, &mv_table_condition),
        MV_FIELD(struct mv_vmi_status, "evacuationNodeName", MV_TYPE_STRING, evacuation_node_name),
        MV_FIELD_TABLE(struct mv_vmi_status, "machine", MV_TYPE_OBJECT, machine, &machine_table),
        MV_FIELD_TABLE(struct mv_vmi_status, "migratedVolumes", MV_TYPE_LIST, migrated_volumes,
                       &migrated_volume_table),
        MV_FIELD(struct mv_vmi_status, "migrationMethod", MV_TYPE_STRING, migration_method),
        MV_FIELD_TABLE(struct mv_vmi_status, "migrationState", MV_TYPE_POINTER, migration_state,
                       &migration_state_table),
        MV_FIELD(struct mv_vmi_status, "migrationTransport", MV_TYPE_STRING, migration_transport),
        MV_FIELD(struct mv_vmi_status, "nodeName", MV_TYPE_STRING, node_name),
        MV_FIELD(struct mv_vmi_status, "phase", MV_TYPE_STRING, phase),
        MV_FIELD(struct mv_vmi_status, "selinuxContext", MV_TYPE_STRING, selinux_context),
        MV_FIELD_TABLE(struct mv_vmi_status, "topologyHints", MV_TYPE_POINTER, topology_hints,
                       &topology_hints_table),
        MV_FIELD_TABLE(struct mv_vmi_status, "volumeStatus", MV_TYPE_LIST, volume_status,
                       &volume_status_table),
};
static const struct mv_table status_table = MV_TABLE(status_fields, struct mv_vmi_status);

static const struct mv_field vmi_fields[] = {
        MV_FIELD(struct mv_vmi, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD(struct mv_vmi, "kind", MV_TYPE_STRING, kind),
        MV_FIELD_TABLE(struct mv_vmi, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_vmi, "spec", MV_TYPE_OBJECT, spec, &mv_table_vmi_spec),
        MV_FIELD_TABLE(struct mv_vmi, "status", MV_TYPE_OBJECT, status, &status_table),
};
const struct mv_table mv_table_vmi = MV_TABLE(vmi_fields, struct mv_vmi);

bool mv_vmi_is_final(const struct mv_vmi *vmi) {
        return mv_str_is(vmi->status.phase, "Succeeded") || mv_str_is(vmi->status.phase, "Failed");
}
