/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instancetypes and preferences (instancetype.kubevirt.io/v1beta1): what a VirtualMachine may name instead of spelling
 * it out. The kinds of a namespace and those of the cluster have one shape. Only what reaches a field that is read; the
 * names of a preference's members are without `preferred`.
 */
#pragma once

#include "policy/object/vmi.h"

struct mv_instancetype_spec {
        struct mv_map annotations, node_selector;
        struct mv_str scheduler_name;
        struct mv_instancetype_cpu {
                struct mv_optional_int guest, max_sockets;
                struct mv_str model; /* p is NULL when absent */
                enum mv_optional dedicated_cpu_placement, isolate_emulator_thread;
                struct mv_numa *numa;
                struct mv_realtime *realtime;
        } cpu;
        struct mv_instancetype_memory {
                struct mv_str guest;
                struct mv_str max_guest; /* p is NULL when absent */
                struct mv_hugepages *hugepages;
                struct mv_optional_int overcommit_percent;
        } memory;
        MV_LIST(struct mv_device) gpus;
        MV_LIST(struct mv_device) host_devices;
        struct mv_io_threads *io_threads;
        struct mv_str io_threads_policy; /* p is NULL when absent */
        struct mv_launch_security *launch_security;
};

struct mv_instancetype {
        struct mv_meta meta;
        struct mv_instancetype_spec spec;
};

struct mv_preference_spec {
        struct mv_map annotations;
        struct mv_str architecture;
        struct mv_launch_security *launch_security;
        struct mv_optional_int spread_socket_to_core_ratio; /* preferSpreadSocketToCoreRatio */
        struct mv_preference_clock {
                struct mv_clock_offset {
                        struct mv_str utc, timezone;
                } * offset;
                struct mv_timers *timer;
        } * clock;
        struct mv_preference_cpu {
                struct mv_str topology;
                MV_LIST(struct mv_cpu_feature) features;
                struct mv_spread_options {
                        struct mv_str across; /* p is NULL when absent */
                        struct mv_optional_int ratio;
                } spread;
        } cpu;
        struct mv_preference_devices {
                enum mv_optional autoattach_graphics_device, autoattach_pod_interface;
                struct mv_str interface_model;
                bool interface_masquerade;
                struct mv_tpm *tpm;
        } * devices;
        struct mv_preference_features {
                struct mv_hyperv *hyperv;
        } * features;
        struct mv_preference_firmware {
                struct mv_efi *efi;
                enum mv_optional use_bios, use_bios_serial, use_efi, use_secure_boot;
        } * firmware;
        struct mv_preference_machine {
                struct mv_str type;
        } machine;
        struct mv_preference_volumes {
                struct mv_str storage_class_name;
        } volumes;
        struct mv_requirements {
                struct mv_str architecture; /* p is NULL when absent */
                struct mv_cpu_requirement {
                        struct mv_optional_int guest;
                } * cpu;
                struct mv_memory_requirement {
                        struct mv_str guest;
                } * memory;
        } requirements;
};

struct mv_preference {
        struct mv_meta meta;
        struct mv_preference_spec spec;
};

extern const struct mv_table mv_table_instancetype;
extern const struct mv_table mv_table_preference;
