/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/expand.h"

/* 1 and 2: architecture, machine type. */
static void default_machine(const struct mv_kubevirt_config *config, struct mv_vmi_spec *spec) {
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

/* 3: guest memory. */
static void default_memory(struct mv_arena *arena, struct mv_vmi_spec *spec) {
        const struct mv_resources *resources = &spec->domain.resources;
        const struct mv_str *request = mv_map_get(&resources->requests, MV_STR("memory"));
        const struct mv_str *limit = mv_map_get(&resources->limits, MV_STR("memory"));
        struct mv_memory *memory = mv_arena_new(arena, struct mv_memory);
        if (!memory)
                return;
        if (spec->domain.memory)
                *memory = *spec->domain.memory;
        if (!memory->guest.n)
                memory->guest = request                                             ? *request
                                : limit                                             ? *limit
                                : memory->hugepages && memory->hugepages->page_size.n ? memory->hugepages->page_size
                                                                                    : memory->guest;
        spec->domain.memory = memory;
}

/* 5: a pod network with the cluster's default interface (pkg/network/vmispec/defaults.go: SetDefaultNetworkInterface). */
static void default_network(struct mv_arena *arena, const struct mv_kubevirt_config *config, struct mv_instance *ret) {
        struct mv_vmi_spec *spec = &ret->vmi.spec;
        if (spec->networks.n || spec->domain.devices.interfaces.n ||
            spec->domain.devices.autoattach_pod_interface == MV_FALSE)
                return;
        struct mv_network *network = mv_arena_new(arena, struct mv_network);
        struct mv_interface *interface = mv_arena_new(arena, struct mv_interface);
        if (!network || !interface)
                return;
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
        ret->default_network = true;
}

/* 6: a volume that nothing shows gets a disk. */
static void default_disks(struct mv_arena *arena, struct mv_vmi_spec *spec) {
        static const struct mv_disk_target plain = { 0 };
        struct mv_devices *devices = &spec->domain.devices;
        size_t missing = 0;
        for (size_t i = 0; i < spec->volumes.n; i++)
                missing += !spec->volumes.items[i].memory_dump && !mv_vmi_disk(spec, spec->volumes.items[i].name) &&
                           !mv_vmi_has_filesystem(spec, spec->volumes.items[i].name);
        if (!missing)
                return;
        struct mv_disk *disks = mv_arena_new_array(arena, struct mv_disk, devices->disks.n + missing);
        struct mv_disk_target *target = mv_arena_new(arena, struct mv_disk_target);
        if (!disks || !target)
                return;
        *target = plain;
        if (devices->disks.n)
                memcpy(disks, devices->disks.items, devices->disks.n * sizeof *disks);
        size_t n = devices->disks.n;
        for (size_t i = 0; i < spec->volumes.n; i++) {
                const struct mv_volume *volume = &spec->volumes.items[i];
                if (!volume->memory_dump && !mv_vmi_disk(spec, volume->name) &&
                    !mv_vmi_has_filesystem(spec, volume->name))
                        disks[n++] = (struct mv_disk){ .name = volume->name, .disk = target };
        }
        devices->disks.items = disks;
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
                &hyperv->evmcs,   &hyperv->frequencies, &hyperv->ipi,        &hyperv->reenlightenment, &hyperv->relaxed,
                &hyperv->reset,   &hyperv->runtime,     &hyperv->spinlocks,  &hyperv->synic,
                &hyperv->synictimer, &hyperv->tlbflush, &hyperv->vapic,      &hyperv->vendorid,        &hyperv->vpindex,
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
static void default_cpu(struct mv_arena *arena, const struct mv_kubevirt_config *config, struct mv_vmi_spec *spec) {
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

static void apply_defaults(struct mv_arena *arena, const struct mv_kubevirt_config *config, struct mv_instance *ret) {
        struct mv_vmi_spec *spec = &ret->vmi.spec;
        default_machine(config, spec);
        default_memory(arena, spec);
        default_network(arena, config, ret);
        default_disks(arena, spec);
        default_hyperv(arena, spec);
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
