/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applying a preference (pkg/instancetype/preference/apply): it fills in what the VM, with its instancetype, leaves open,
 * and never conflicts.
 */
#include "policy/instancetype.h"
#include "policy/base/names.h"

static bool has_feature(const struct mv_cpu *cpu, struct mv_str name) {
        for (size_t i = 0; i < cpu->features.n; i++)
                if (mv_str_equal(cpu->features.items[i].name, name))
                        return true;
        return false;
}

static void apply_cpu_features(struct mv_arena *arena, const struct mv_preference_cpu *preference,
                               struct mv_vmi_spec *spec) {
        struct mv_cpu *cpu = mv_own(arena, spec->domain.cpu);
        struct mv_cpu_feature *features = cpu ? mv_arena_new_array(arena, struct mv_cpu_feature,
                                                                   cpu->features.n + preference->features.n)
                                              : NULL;
        if (!features)
                return;
        size_t n = cpu->features.n;
        if (n)
                memcpy(features, cpu->features.items, n * sizeof *features);
        for (size_t i = 0; i < preference->features.n; i++)
                if (!has_feature(spec->domain.cpu, preference->features.items[i].name))
                        features[n++] = preference->features.items[i];
        cpu->features.items = features;
        cpu->features.n = n;
        spec->domain.cpu = cpu;
}

void mv_preference_apply_autoattach(const struct mv_preference_spec *preference, struct mv_vmi_spec *spec) {
        struct mv_devices *devices = &spec->domain.devices;
        if (!preference->devices)
                return;
        if (!devices->autoattach_graphics_device)
                devices->autoattach_graphics_device = preference->devices->autoattach_graphics_device;
        if (!devices->autoattach_pod_interface)
                devices->autoattach_pod_interface = preference->devices->autoattach_pod_interface;
}

/* A disk that says nothing of what it is becomes a plain one. */
static void apply_disks(struct mv_arena *arena, struct mv_devices *devices) {
        struct mv_disk *disks = mv_arena_new_array(arena, struct mv_disk, devices->disks.n);
        struct mv_disk_target *plain = mv_arena_new(arena, struct mv_disk_target);
        if (!disks || !plain || !devices->disks.n)
                return;
        memcpy(disks, devices->disks.items, devices->disks.n * sizeof *disks);
        for (size_t i = 0; i < devices->disks.n; i++)
                if (!disks[i].disk && !disks[i].cdrom && !disks[i].lun)
                        disks[i].disk = plain;
        devices->disks.items = disks;
}

static bool is_unbound(const struct mv_interface *interface) {
        return !interface->bridge && !interface->masquerade && !interface->slirp && !interface->sriov &&
               !interface->macvtap && !interface->passt && !interface->passt_binding && !interface->binding;
}

static void apply_interfaces(struct mv_arena *arena, const struct mv_preference_devices *preference,
                             struct mv_vmi_spec *spec) {
        struct mv_devices *devices = &spec->domain.devices;
        struct mv_interface *interfaces =
                mv_arena_new_array(arena, struct mv_interface, devices->interfaces.n);
        struct mv_names_index networks;
        if (!interfaces || !devices->interfaces.n ||
            !mv_names_index_list(arena, &networks, spec->networks, name))
                return;
        memcpy(interfaces, devices->interfaces.items, devices->interfaces.n * sizeof *interfaces);
        for (size_t i = 0; i < devices->interfaces.n; i++) {
                if (!interfaces[i].model.n)
                        interfaces[i].model = preference->interface_model;
                size_t network = mv_names_index_find(&networks, interfaces[i].name);
                if (preference->interface_masquerade && is_unbound(&interfaces[i]) && network != SIZE_MAX &&
                    spec->networks.items[network].pod)
                        interfaces[i].masquerade = true;
        }
        devices->interfaces.items = interfaces;
}

static void apply_devices(struct mv_arena *arena, const struct mv_preference_spec *preference,
                          struct mv_vmi_spec *spec) {
        if (!preference->devices)
                return;
        if (!spec->domain.devices.tpm)
                spec->domain.devices.tpm = preference->devices->tpm;
        mv_preference_apply_autoattach(preference, spec);
        apply_disks(arena, &spec->domain.devices);
        apply_interfaces(arena, preference->devices, spec);
}

/* Each Hyper-V feature for itself; one that the VM switches off stays off. */
static void apply_features(struct mv_arena *arena, const struct mv_preference_features *preference,
                           struct mv_vmi_spec *spec) {
        if (!preference)
                return;
        struct mv_features *features = mv_own(arena, spec->domain.features);
        if (!features)
                return;
        spec->domain.features = features;
        if (!preference->hyperv)
                return;
        struct mv_hyperv *to = mv_own(arena, features->hyperv);
        const struct mv_hyperv *from = preference->hyperv;
        if (!to)
                return;
        const struct {
                struct mv_feature_state **to, *from;
        } all[] = {
                { &to->evmcs, from->evmcs },       { &to->frequencies, from->frequencies },
                { &to->ipi, from->ipi },           { &to->reenlightenment, from->reenlightenment },
                { &to->relaxed, from->relaxed },   { &to->reset, from->reset },
                { &to->runtime, from->runtime },   { &to->spinlocks, from->spinlocks },
                { &to->synic, from->synic },       { &to->synictimer, from->synictimer },
                { &to->tlbflush, from->tlbflush }, { &to->vapic, from->vapic },
                { &to->vendorid, from->vendorid }, { &to->vpindex, from->vpindex },
        };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                if (!*all[i].to)
                        *all[i].to = all[i].from;
        features->hyperv = to;
}

static void apply_firmware(struct mv_arena *arena, const struct mv_preference_firmware *preference,
                           struct mv_vmi_spec *spec) {
        if (!preference)
                return;
        struct mv_firmware *firmware = mv_own(arena, spec->domain.firmware);
        struct mv_bootloader *loader = firmware ? mv_own(arena, firmware->bootloader) : NULL;
        if (!loader)
                return;
        spec->domain.firmware = firmware;
        firmware->bootloader = loader;
        if (preference->use_bios == MV_TRUE && !loader->bios && !loader->efi)
                loader->bios = mv_arena_new(arena, struct mv_bios);
        else if (loader->bios)
                loader->bios = mv_own(arena, loader->bios);
        if (loader->bios && !loader->bios->use_serial)
                loader->bios->use_serial = preference->use_bios_serial;
        if (!loader->efi && !loader->bios && preference->efi) {
                loader->efi = preference->efi;
                return;
        }
        if (preference->use_efi == MV_TRUE && !loader->efi && !loader->bios)
                loader->efi = mv_arena_new(arena, struct mv_efi);
        else if (loader->efi)
                loader->efi = mv_own(arena, loader->efi);
        if (loader->efi && !loader->efi->secure_boot)
                loader->efi->secure_boot = preference->use_secure_boot;
}

static void apply_clock(struct mv_arena *arena, const struct mv_preference_clock *preference,
                        struct mv_vmi_spec *spec) {
        if (!preference)
                return;
        struct mv_clock *clock = mv_own(arena, spec->domain.clock);
        if (!clock)
                return;
        if (preference->offset && !clock->utc.n && !clock->timezone.p) {
                clock->utc = preference->offset->utc;
                clock->timezone = preference->offset->timezone;
        }
        if (!clock->timer)
                clock->timer = preference->timer;
        spec->domain.clock = clock;
}

enum mv_applied mv_preference_apply(struct mv_arena *arena, const struct mv_preference_spec *preference,
                                    struct mv_vmi_template *template) {
        struct mv_vmi_spec *spec = &template->spec;
        if (preference->cpu.features.n) {
                if (!spec->domain.cpu)
                        return MV_APPLIED_CRASH;
                apply_cpu_features(arena, &preference->cpu, spec);
        }
        apply_devices(arena, preference, spec);
        apply_features(arena, preference->features, spec);
        apply_firmware(arena, preference->firmware, spec);
        if (!spec->domain.machine.type.n)
                spec->domain.machine.type = preference->machine.type;
        apply_clock(arena, preference->clock, spec);
        if (!spec->architecture.n)
                spec->architecture = preference->architecture;
        for (size_t i = 0; i < preference->annotations.n; i++)
                if (!mv_map_get(&template->meta.annotations, preference->annotations.items[i].key))
                        mv_map_set(arena, &template->meta.annotations, preference->annotations.items[i].key,
                                   preference->annotations.items[i].value);
        if (!spec->domain.launch_security)
                spec->domain.launch_security = preference->launch_security;
        return MV_APPLIED;
}
