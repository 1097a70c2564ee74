/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/instancetype.h"

/* --- instancetypes --- */

static const struct mv_field cpu_fields[] = {
        MV_FIELD(struct mv_instancetype_cpu, "dedicatedCPUPlacement", MV_TYPE_OPTIONAL,
                 dedicated_cpu_placement),
        MV_FIELD(struct mv_instancetype_cpu, "guest", MV_TYPE_INT, guest),
        MV_FIELD(struct mv_instancetype_cpu, "isolateEmulatorThread", MV_TYPE_OPTIONAL,
                 isolate_emulator_thread),
        MV_FIELD(struct mv_instancetype_cpu, "maxSockets", MV_TYPE_INT, max_sockets),
        MV_FIELD(struct mv_instancetype_cpu, "model", MV_TYPE_STRING, model),
        MV_FIELD_TABLE(struct mv_instancetype_cpu, "numa", MV_TYPE_POINTER, numa, &mv_table_numa),
        MV_FIELD_TABLE(struct mv_instancetype_cpu, "realtime", MV_TYPE_POINTER, realtime, &mv_table_realtime),
};
static const struct mv_table cpu_table = MV_TABLE(cpu_fields, struct mv_instancetype_cpu);

static const struct mv_field memory_fields[] = {
        MV_FIELD(struct mv_instancetype_memory, "guest", MV_TYPE_TEXT, guest),
        MV_FIELD_TABLE(struct mv_instancetype_memory, "hugepages", MV_TYPE_POINTER, hugepages,
                       &mv_table_hugepages),
        MV_FIELD(struct mv_instancetype_memory, "maxGuest", MV_TYPE_TEXT, max_guest),
        MV_FIELD(struct mv_instancetype_memory, "overcommitPercent", MV_TYPE_INT, overcommit_percent),
};
static const struct mv_table memory_table = MV_TABLE(memory_fields, struct mv_instancetype_memory);

static const struct mv_field instancetype_spec_fields[] = {
        MV_FIELD(struct mv_instancetype_spec, "annotations", MV_TYPE_MAP, annotations),
        MV_FIELD_TABLE(struct mv_instancetype_spec, "cpu", MV_TYPE_OBJECT, cpu, &cpu_table),
        MV_FIELD_TABLE(struct mv_instancetype_spec, "gpus", MV_TYPE_LIST, gpus, &mv_table_device),
        MV_FIELD_TABLE(struct mv_instancetype_spec, "hostDevices", MV_TYPE_LIST, host_devices,
                       &mv_table_device),
        MV_FIELD_TABLE(struct mv_instancetype_spec, "ioThreads", MV_TYPE_POINTER, io_threads,
                       &mv_table_io_threads),
        MV_FIELD(struct mv_instancetype_spec, "ioThreadsPolicy", MV_TYPE_STRING, io_threads_policy),
        MV_FIELD_TABLE(struct mv_instancetype_spec, "launchSecurity", MV_TYPE_POINTER, launch_security,
                       &mv_table_launch_security),
        MV_FIELD_TABLE(struct mv_instancetype_spec, "memory", MV_TYPE_OBJECT, memory, &memory_table),
        MV_FIELD(struct mv_instancetype_spec, "nodeSelector", MV_TYPE_MAP, node_selector),
        MV_FIELD(struct mv_instancetype_spec, "schedulerName", MV_TYPE_STRING, scheduler_name),
};
static const struct mv_table instancetype_spec_table =
        MV_TABLE(instancetype_spec_fields, struct mv_instancetype_spec);
static const struct mv_field instancetype_fields[] = {
        MV_FIELD_TABLE(struct mv_instancetype, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_instancetype, "spec", MV_TYPE_OBJECT, spec, &instancetype_spec_table),
};
const struct mv_table mv_table_instancetype = MV_TABLE(instancetype_fields, struct mv_instancetype);

/* --- preferences --- */

static const struct mv_field offset_fields[] = {
        MV_FIELD(struct mv_clock_offset, "timezone", MV_TYPE_STRING, timezone),
        MV_FIELD(struct mv_clock_offset, "utc", MV_TYPE_RAW, utc),
};
static const struct mv_table offset_table = MV_TABLE(offset_fields, struct mv_clock_offset);
static const struct mv_field clock_fields[] = {
        MV_FIELD_TABLE(struct mv_preference_clock, "preferredClockOffset", MV_TYPE_POINTER, offset,
                       &offset_table),
        MV_FIELD_TABLE(struct mv_preference_clock, "preferredTimer", MV_TYPE_POINTER, timer,
                       &mv_table_timers),
};
static const struct mv_table clock_table = MV_TABLE(clock_fields, struct mv_preference_clock);

static const struct mv_field spread_fields[] = {
        MV_FIELD(struct mv_spread_options, "across", MV_TYPE_STRING, across),
        MV_FIELD(struct mv_spread_options, "ratio", MV_TYPE_INT, ratio),
};
static const struct mv_table spread_table = MV_TABLE(spread_fields, struct mv_spread_options);
static const struct mv_field preference_cpu_fields[] = {
        MV_FIELD_TABLE(struct mv_preference_cpu, "preferredCPUFeatures", MV_TYPE_LIST, features,
                       &mv_table_cpu_feature),
        MV_FIELD(struct mv_preference_cpu, "preferredCPUTopology", MV_TYPE_STRING, topology),
        MV_FIELD_TABLE(struct mv_preference_cpu, "spreadOptions", MV_TYPE_OBJECT, spread, &spread_table),
};
static const struct mv_table preference_cpu_table = MV_TABLE(preference_cpu_fields, struct mv_preference_cpu);

static const struct mv_field devices_fields[] = {
        MV_FIELD(struct mv_preference_devices, "preferredAutoattachGraphicsDevice", MV_TYPE_OPTIONAL,
                 autoattach_graphics_device),
        MV_FIELD(struct mv_preference_devices, "preferredAutoattachPodInterface", MV_TYPE_OPTIONAL,
                 autoattach_pod_interface),
        MV_FIELD(struct mv_preference_devices, "preferredInterfaceMasquerade", MV_TYPE_PRESENT,
                 interface_masquerade),
        MV_FIELD(struct mv_preference_devices, "preferredInterfaceModel", MV_TYPE_STRING, interface_model),
        MV_FIELD_TABLE(struct mv_preference_devices, "preferredTPM", MV_TYPE_POINTER, tpm, &mv_table_tpm),
};
static const struct mv_table devices_table = MV_TABLE(devices_fields, struct mv_preference_devices);

static const struct mv_field features_fields[] = {
        MV_FIELD_TABLE(struct mv_preference_features, "preferredHyperv", MV_TYPE_POINTER, hyperv,
                       &mv_table_hyperv),
};
static const struct mv_table features_table = MV_TABLE(features_fields, struct mv_preference_features);

static const struct mv_field firmware_fields[] = {
        MV_FIELD_TABLE(struct mv_preference_firmware, "preferredEfi", MV_TYPE_POINTER, efi, &mv_table_efi),
        MV_FIELD(struct mv_preference_firmware, "preferredUseBios", MV_TYPE_OPTIONAL, use_bios),
        MV_FIELD(struct mv_preference_firmware, "preferredUseBiosSerial", MV_TYPE_OPTIONAL, use_bios_serial),
        MV_FIELD(struct mv_preference_firmware, "preferredUseEfi", MV_TYPE_OPTIONAL, use_efi),
        MV_FIELD(struct mv_preference_firmware, "preferredUseSecureBoot", MV_TYPE_OPTIONAL, use_secure_boot),
};
static const struct mv_table firmware_table = MV_TABLE(firmware_fields, struct mv_preference_firmware);

static const struct mv_field machine_fields[] = {
        MV_FIELD(struct mv_preference_machine, "preferredMachineType", MV_TYPE_STRING, type),
};
static const struct mv_table machine_table = MV_TABLE(machine_fields, struct mv_preference_machine);
static const struct mv_field volumes_fields[] = {
        MV_FIELD(struct mv_preference_volumes, "preferredStorageClassName", MV_TYPE_STRING,
                 storage_class_name),
};
static const struct mv_table volumes_table = MV_TABLE(volumes_fields, struct mv_preference_volumes);

static const struct mv_field cpu_requirement_fields[] = {
        MV_FIELD(struct mv_cpu_requirement, "guest", MV_TYPE_INT, guest),
};
static const struct mv_table cpu_requirement_table =
        MV_TABLE(cpu_requirement_fields, struct mv_cpu_requirement);
static const struct mv_field memory_requirement_fields[] = {
        MV_FIELD(struct mv_memory_requirement, "guest", MV_TYPE_TEXT, guest),
};
static const struct mv_table memory_requirement_table =
        MV_TABLE(memory_requirement_fields, struct mv_memory_requirement);
static const struct mv_field requirements_fields[] = {
        MV_FIELD(struct mv_requirements, "architecture", MV_TYPE_STRING, architecture),
        MV_FIELD_TABLE(struct mv_requirements, "cpu", MV_TYPE_POINTER, cpu, &cpu_requirement_table),
        MV_FIELD_TABLE(struct mv_requirements, "memory", MV_TYPE_POINTER, memory, &memory_requirement_table),
};
static const struct mv_table requirements_table = MV_TABLE(requirements_fields, struct mv_requirements);

static const struct mv_field preference_spec_fields[] = {
        MV_FIELD(struct mv_preference_spec, "annotations", MV_TYPE_MAP, annotations),
        MV_FIELD_TABLE(struct mv_preference_spec, "clock", MV_TYPE_POINTER, clock, &clock_table),
        MV_FIELD_TABLE(struct mv_preference_spec, "cpu", MV_TYPE_OBJECT, cpu, &preference_cpu_table),
        MV_FIELD_TABLE(struct mv_preference_spec, "devices", MV_TYPE_POINTER, devices, &devices_table),
        MV_FIELD_TABLE(struct mv_preference_spec, "features", MV_TYPE_POINTER, features, &features_table),
        MV_FIELD_TABLE(struct mv_preference_spec, "firmware", MV_TYPE_POINTER, firmware, &firmware_table),
        MV_FIELD_TABLE(struct mv_preference_spec, "machine", MV_TYPE_OBJECT, machine, &machine_table),
        MV_FIELD(struct mv_preference_spec, "preferSpreadSocketToCoreRatio", MV_TYPE_INT,
                 spread_socket_to_core_ratio),
        MV_FIELD(struct mv_preference_spec, "preferredArchitecture", MV_TYPE_STRING, architecture),
        MV_FIELD_TABLE(struct mv_preference_spec, "preferredLaunchSecurity", MV_TYPE_POINTER, launch_security,
                       &mv_table_launch_security),
        MV_FIELD_TABLE(struct mv_preference_spec, "requirements", MV_TYPE_OBJECT, requirements,
                       &requirements_table),
        MV_FIELD_TABLE(struct mv_preference_spec, "volumes", MV_TYPE_OBJECT, volumes, &volumes_table),
};
static const struct mv_table preference_spec_table =
        MV_TABLE(preference_spec_fields, struct mv_preference_spec);
static const struct mv_field preference_fields[] = {
        MV_FIELD_TABLE(struct mv_preference, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_preference, "spec", MV_TYPE_OBJECT, spec, &preference_spec_table),
};
const struct mv_table mv_table_preference = MV_TABLE(preference_fields, struct mv_preference);
