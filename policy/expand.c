/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/expand.h"

#include "policy/base/names.h"

#include "policy/object/quantity.h"

/* 1 and 2: architecture, machine type. */
void mv_default_machine(const struct mv_kubevirt_config *config, struct mv_vmi_spec *spec) {
        static const struct {
                struct mv_str architecture, machine_type;
                size_t offset;
        } known[] = {
                { { "amd64", 5 }, { "q35", 3 }, offsetof(struct mv_machine_types, amd64) },
                { { "arm64", 5 }, { "virt", 4 }, offsetof(struct mv_machine_types, arm64) },
                { { "s390x", 5 }, { "s390-ccw-virtio", 15 }, offsetof(struct mv_machine_types, s390x) },
        };
        if (!spec->architecture.n)
                spec->architecture = config->default_architecture;
        if (spec->domain.machine.type.n)
                return;
        spec->domain.machine.type = config->spec->machine_type;
        for (size_t i = 0; !spec->domain.machine.type.n && i < sizeof known / sizeof *known; i++) {
                if (!mv_str_equal(spec->architecture, known[i].architecture))
                        continue;
                const char *types = (const char *)&config->spec->architectures;
                const struct mv_machine_type *configured =
                        (const struct mv_machine_type *)(const void *)(types + known[i].offset);
                spec->domain.machine.type =
                        configured->machine_type.n ? configured->machine_type : known[i].machine_type;
        }
}

/* The text of a quantity that is there and not zero, as Kubernetes writes it; "" otherwise. */
static struct mv_str quantity(struct mv_arena *arena, const struct mv_str *text, struct mv_quantity *ret) {
        char out[MV_QUANTITY_TEXT];
        if (!text || mv_quantity_parse(*text, ret, NULL) < 0)
                return text ? *text : (struct mv_str){ 0 };
        if (!mv_quantity_sign(ret))
                return (struct mv_str){ 0 };
        struct mv_str printed = mv_quantity_string(ret, *text, out);
        return mv_str_equal(printed, *text) ? *text : mv_arena_copy(arena, printed);
}

/* 3: guest memory. */
static void default_memory(struct mv_arena *arena, struct mv_vmi_spec *spec) {
        const struct mv_resources *resources = &spec->domain.resources;
        struct mv_memory *memory = mv_arena_new(arena, struct mv_memory);
        struct mv_quantity ignored;
        if (!memory)
                return;
        if (spec->domain.memory)
                *memory = *spec->domain.memory;
        const struct mv_str *const sources[] = {
                mv_map_get(&resources->requests, MV_STR("memory")),
                mv_map_get(&resources->limits, MV_STR("memory")),
                memory->hugepages ? &memory->hugepages->page_size : NULL,
        };
        struct mv_str own = quantity(arena, memory->guest.n ? &memory->guest : NULL, &ignored);
        if (own.n)
                memory->guest = own;
        own = quantity(arena, memory->max_guest.n ? &memory->max_guest : NULL, &ignored);
        if (own.n)
                memory->max_guest = own;
        for (size_t i = 0; !memory->guest.n && i < sizeof sources / sizeof *sources; i++)
                memory->guest = quantity(arena, sources[i], &ignored);
        spec->domain.memory = memory;
}

/* 3: sockets from the CPU limit or request, when the user says nothing of the topology. */
static void default_topology(struct mv_arena *arena, struct mv_vmi_spec *spec) {
        const struct mv_resources *resources = &spec->domain.resources;
        const struct mv_cpu *given = spec->domain.cpu;
        if (given && (given->cores.value || given->sockets.value || given->threads.value))
                return;
        struct mv_cpu *cpu = mv_arena_new(arena, struct mv_cpu);
        if (!cpu)
                return;
        if (given)
                *cpu = *given;
        const struct mv_str *vcpus = mv_map_get(&resources->limits, MV_STR("cpu"));
        struct mv_quantity number;
        if (!vcpus)
                vcpus = mv_map_get(&resources->requests, MV_STR("cpu"));
        int64_t sockets =
                vcpus && mv_quantity_parse(*vcpus, &number, NULL) == 0 ? mv_quantity_value(&number) : 1;
        cpu->sockets = (struct mv_optional_int){ .value = (uint32_t)sockets, .set = true };
        cpu->cores = cpu->threads = (struct mv_optional_int){ .value = 1, .set = true };
        spec->domain.cpu = cpu;
}

bool mv_expand_has_no_network(const struct mv_vmi_spec *spec) {
        return !spec->networks.n && !spec->domain.devices.interfaces.n &&
               spec->domain.devices.autoattach_pod_interface != MV_FALSE;
}

/* 5: a pod network with the cluster's default interface (pkg/network/vmispec/defaults.go: SetDefaultNetworkInterface). */
bool mv_default_network(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                        struct mv_vmi_spec *spec) {
        if (!mv_expand_has_no_network(spec))
                return false;
        struct mv_network *network = mv_arena_new(arena, struct mv_network);
        struct mv_interface *interface = mv_arena_new(arena, struct mv_interface);
        if (!network || !interface)
                return false;
        *network = (struct mv_network){ .name = MV_STR("default"), .pod = true };
        *interface = (struct mv_interface){
                .name = MV_STR("default"),
                .bridge = mv_str_is(config->default_network_interface, "bridge"),
                .masquerade = mv_str_is(config->default_network_interface, "masquerade"),
                .slirp = mv_str_is(config->default_network_interface, "slirp"),
        };
        spec->networks.items = network;
        spec->networks.n = 1;
        spec->domain.devices.interfaces.items = interface;
        spec->domain.devices.interfaces.n = 1;
        return true;
}

/* 6: a volume that nothing shows gets a disk. */
static void default_disks(struct mv_arena *arena, struct mv_vmi_spec *spec) {
        struct mv_devices *devices = &spec->domain.devices;
        struct mv_names_index disks, filesystems;
        if (!mv_names_index_list(arena, &disks, devices->disks, name) ||
            !mv_names_index_list(arena, &filesystems, devices->filesystems, name))
                return;
        struct mv_disk *items = mv_arena_new_array(arena, struct mv_disk, devices->disks.n + spec->volumes.n);
        struct mv_disk_target *plain = mv_arena_new(arena, struct mv_disk_target);
        if (!items || !plain)
                return;
        if (devices->disks.n)
                memcpy(items, devices->disks.items, devices->disks.n * sizeof *items);
        size_t n = devices->disks.n;
        for (size_t i = 0; i < spec->volumes.n; i++) {
                const struct mv_volume *volume = &spec->volumes.items[i];
                if (mv_names_index_find(&disks, volume->name) == SIZE_MAX &&
                    mv_names_index_find(&filesystems, volume->name) == SIZE_MAX)
                        items[n++] = (struct mv_disk){ .name = volume->name, .disk = plain };
        }
        devices->disks.items = items;
        devices->disks.n = n;
}

static struct mv_feature_state *enabled_state(struct mv_arena *arena, const struct mv_feature_state *state) {
        struct mv_feature_state *copy = mv_arena_new(arena, struct mv_feature_state);
        if (copy)
                copy->enabled = state->enabled == MV_UNSET ? MV_TRUE : state->enabled;
        return copy;
}

static bool is_enabled(const struct mv_feature_state *state) {
        return state && state->enabled == MV_TRUE;
}

/* A Hyper-V feature that another one needs is switched on when the user said nothing of it. */
static void require_feature(struct mv_arena *arena, struct mv_feature_state **state) {
        static const struct mv_feature_state unset = { 0 };
        if (!*state)
                *state = enabled_state(arena, &unset);
}

/* 7 and 8: Hyper-V entries that are present are enabled; dependencies (pkg/virt-api/.../hyperv.go). */
static void default_hyperv(struct mv_arena *arena, struct mv_vmi_spec *spec) {
        if (!spec->domain.features || !spec->domain.features->hyperv)
                return;
        struct mv_features *features = mv_arena_new(arena, struct mv_features);
        struct mv_hyperv *hyperv = mv_arena_new(arena, struct mv_hyperv);
        if (!features || !hyperv)
                return;
        *features = *spec->domain.features;
        *hyperv = *features->hyperv;
        struct mv_feature_state **all[] = {
                &hyperv->evmcs,    &hyperv->frequencies, &hyperv->ipi,      &hyperv->reenlightenment,
                &hyperv->relaxed,  &hyperv->reset,       &hyperv->runtime,  &hyperv->spinlocks,
                &hyperv->synic,    &hyperv->synictimer,  &hyperv->tlbflush, &hyperv->vapic,
                &hyperv->vendorid, &hyperv->vpindex,
        };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                if (*all[i])
                        *all[i] = enabled_state(arena, *all[i]);
        if (is_enabled(hyperv->evmcs))
                require_feature(arena, &hyperv->vapic);
        if (is_enabled(hyperv->tlbflush) || is_enabled(hyperv->ipi))
                require_feature(arena, &hyperv->vpindex);
        if (is_enabled(hyperv->synictimer))
                require_feature(arena, &hyperv->synic);
        if (is_enabled(hyperv->synic))
                require_feature(arena, &hyperv->vpindex);
        features->hyperv = hyperv;
        spec->domain.features = features;
}

/* 8 and 9: the CPU feature that evmcs needs; the model. */
static void default_cpu(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                        struct mv_vmi_spec *spec) {
        struct mv_cpu *cpu = mv_arena_new(arena, struct mv_cpu);
        if (!cpu)
                return;
        if (spec->domain.cpu)
                *cpu = *spec->domain.cpu;
        spec->domain.cpu = cpu;
        const struct mv_features *features = spec->domain.features;
        if (features && features->hyperv && is_enabled(features->hyperv->evmcs)) {
                size_t at = 0;
                while (at < cpu->features.n && !mv_str_is(cpu->features.items[at].name, "vmx"))
                        at++;
                size_t n = cpu->features.n + (at == cpu->features.n);
                struct mv_cpu_feature *list = mv_arena_new_array(arena, struct mv_cpu_feature, n);
                if (list) {
                        if (cpu->features.n)
                                memcpy(list, cpu->features.items, cpu->features.n * sizeof *list);
                        list[at] = (struct mv_cpu_feature){ MV_STR("vmx"), MV_STR("require") };
                        cpu->features.items = list;
                        cpu->features.n = n;
                }
        }
        if (!cpu->model.n)
                cpu->model = mv_str_is(spec->architecture, "arm64") ? MV_STR("host-passthrough")
                             : config->cpu_model.n                  ? config->cpu_model
                                                                    : MV_STR("host-model");
}

/* 7: a timer that is present is on. */
static void default_timer(struct mv_arena *arena, struct mv_timer **timer) {
        struct mv_timer *copy = *timer && !(*timer)->present ? mv_arena_new(arena, struct mv_timer) : NULL;
        if (!copy)
                return;
        *copy = **timer;
        copy->present = MV_TRUE;
        *timer = copy;
}

static void default_clock(struct mv_arena *arena, struct mv_vmi_spec *spec) {
        if (!spec->domain.clock || !spec->domain.clock->timer)
                return;
        struct mv_clock *clock = mv_arena_new(arena, struct mv_clock);
        struct mv_timers *timers = mv_arena_new(arena, struct mv_timers);
        if (!clock || !timers)
                return;
        *clock = *spec->domain.clock;
        *timers = *clock->timer;
        struct mv_timer **all[] = { &timers->hpet, &timers->hyperv, &timers->kvm, &timers->pit,
                                    &timers->rtc };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                default_timer(arena, all[i]);
        clock->timer = timers;
        spec->domain.clock = clock;
}

/* arm64 starts with UEFI, without secure boot (pkg/defaults/arm64.go: setDefaultArm64Bootloader). */
static void default_firmware(struct mv_arena *arena, struct mv_vmi_spec *spec) {
        const struct mv_firmware *given = spec->domain.firmware;
        const struct mv_bootloader *loader = given ? given->bootloader : NULL;
        if (!mv_str_is(spec->architecture, "arm64") || (loader && (!loader->efi || loader->efi->secure_boot)))
                return;
        struct mv_firmware *firmware = mv_arena_new(arena, struct mv_firmware);
        struct mv_bootloader *bootloader = mv_arena_new(arena, struct mv_bootloader);
        struct mv_efi *efi = mv_arena_new(arena, struct mv_efi);
        if (!firmware || !bootloader || !efi)
                return;
        if (given)
                *firmware = *given;
        if (loader) {
                *bootloader = *loader;
                *efi = *loader->efi;
        }
        efi->secure_boot = MV_FALSE;
        bootloader->efi = efi;
        firmware->bootloader = bootloader;
        spec->domain.firmware = firmware;
}

bool mv_default_spec(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                     struct mv_vmi_spec *spec) {
        mv_default_machine(config, spec);
        default_memory(arena, spec);
        default_topology(arena, spec);
        bool network = mv_default_network(arena, config, spec);
        default_disks(arena, spec);
        return network;
}

static void apply_defaults(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                           struct mv_instance *ret) {
        struct mv_vmi_spec *spec = &ret->vmi.spec;
        ret->default_network = mv_default_spec(arena, config, spec);
        default_hyperv(arena, spec);
        default_clock(arena, spec);
        default_firmware(arena, spec);
        default_cpu(arena, config, spec);
        if (!ret->vmi.status.phase.n)
                ret->vmi.status.phase = MV_STR("Pending");
}

void mv_expand_vmi(struct mv_arena *arena, const struct mv_kubevirt_config *config, const struct mv_vmi *vmi,
                   struct mv_instance *ret) {
        *ret = (struct mv_instance){ .vmi = *vmi, .spec_path = "spec", .meta_path = "metadata" };
        apply_defaults(arena, config, ret);
}

void mv_expand_template(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                        const struct mv_vmi_template *template, const struct mv_meta *owner,
                        const struct mv_vmi_status *status, struct mv_instance *ret) {
        *ret = (struct mv_instance){
                .vmi = { .api_version = MV_STR("kubevirt.io/v1"),
                         .kind = MV_STR("VirtualMachineInstance"),
                         .meta = template->meta,
                         .spec = template->spec },
                .spec_path = "spec.template.spec",
                .meta_path = "spec.template.metadata",
        };
        /* The instance has the owner's name; labels and annotations are the template's, not the owner's. */
        ret->vmi.meta.name = owner->name;
        ret->vmi.meta.generate_name = owner->generate_name;
        ret->vmi.meta.namespace = owner->namespace;
        ret->vmi.meta.uid = (struct mv_str){ 0 };
        if (status)
                ret->vmi.status = *status;
        apply_defaults(arena, config, ret);
}
