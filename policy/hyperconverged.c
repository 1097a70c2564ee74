/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/hyperconverged.h"

/* The plugin for user-defined networks, which the operator always adds. */
static const struct mv_binding_plugin own_binding = { .name = { "l2bridge", 8 }, .migration = true };

/* Those given and the operator's own, which replaces one of its name; sorted by name. */
static void copy_bindings(struct mv_arena *arena, const struct mv_hyperconverged_spec *spec,
                          struct mv_network_configuration *ret) {
        struct mv_binding_plugin *items =
                mv_arena_new_array(arena, struct mv_binding_plugin, spec->bindings.n + 1);
        size_t n = 0, i = 0;
        if (!items)
                return;
        for (; i < spec->bindings.n && mv_str_compare(spec->bindings.items[i].name, own_binding.name) < 0;
             i++)
                items[n++] = spec->bindings.items[i];
        items[n++] = own_binding;
        if (i < spec->bindings.n && mv_str_equal(spec->bindings.items[i].name, own_binding.name))
                i++;
        for (; i < spec->bindings.n; i++)
                items[n++] = spec->bindings.items[i];
        ret->bindings.items = items;
        ret->bindings.n = n;
}

static size_t copy_enabled(const struct mv_named_resource *from, size_t n, struct mv_named_resource *to) {
        size_t kept = 0;
        for (size_t i = 0; i < n; i++)
                if (!from[i].disabled)
                        to[kept++] = from[i];
        return kept;
}

static struct mv_permitted_host_devices *copy_devices(struct mv_arena *arena,
                                                      const struct mv_permitted_host_devices *from) {
        struct mv_permitted_host_devices *to = mv_arena_new(arena, struct mv_permitted_host_devices);
        struct mv_named_resource *resources = mv_arena_new_array(
                arena, struct mv_named_resource, from->mediated_devices.n + from->pci_host_devices.n + 1);
        if (!to || !resources)
                return NULL;
        to->mediated_devices.items = resources;
        to->mediated_devices.n =
                copy_enabled(from->mediated_devices.items, from->mediated_devices.n, resources);
        to->pci_host_devices.items = resources + to->mediated_devices.n;
        to->pci_host_devices.n = copy_enabled(from->pci_host_devices.items, from->pci_host_devices.n,
                                              to->pci_host_devices.items);
        return to;
}

/* The gates that it turns on, those that rules ask for. */
static void copy_gates(struct mv_arena *arena, const struct mv_hyperconverged_spec *spec,
                       struct mv_developer_configuration *ret) {
        enum { MOST = 5 };
        const struct mv_str decentralized = MV_STR("DecentralizedLiveMigration");
        struct mv_str *gates = mv_arena_new_array(arena, struct mv_str, MOST);
        struct mv_str *disabled = mv_arena_new(arena, struct mv_str);
        size_t n = 0;
        if (!gates || !disabled)
                return;
        gates[n++] = MV_STR("CPUManager");
        gates[n++] = MV_STR("HostDevices");
        gates[n++] = MV_STR("HypervStrictCheck");
        if (spec->decentralized_live_migration == MV_TRUE)
                gates[n++] = decentralized;
        if (spec->sriov_live_migration == MV_TRUE)
                gates[n++] = MV_STR("SRIOVLiveMigration");
        ret->feature_gates = (struct mv_strings){ gates, n };
        if (spec->decentralized_live_migration == MV_FALSE) {
                *disabled = decentralized;
                ret->disabled_feature_gates = (struct mv_strings){ disabled, 1 };
        }
}

const struct mv_kubevirt_configuration *mv_hyperconverged_configuration(
        struct mv_arena *arena, const struct mv_hyperconverged *object) {
        const struct mv_hyperconverged_spec *spec = &object->spec;
        struct mv_kubevirt_configuration *configuration =
                mv_arena_new(arena, struct mv_kubevirt_configuration);
        if (!configuration)
                return NULL;
        configuration->migrations = spec->live_migration;
        configuration->eviction_strategy = spec->eviction_strategy;
        configuration->cpu_model = spec->cpu_model;
        configuration->instancetype = spec->instancetype;
        configuration->network.default_network_interface = MV_STR("masquerade");
        copy_bindings(arena, spec, &configuration->network);
        copy_gates(arena, spec, &configuration->developer);
        if (spec->permitted_host_devices)
                configuration->permitted_host_devices = copy_devices(arena, spec->permitted_host_devices);
        return mv_arena_failed(arena) ? NULL : configuration;
}
