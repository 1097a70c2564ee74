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

/* What the API server fills in, in both versions of the CRD. */
static void fill_in(struct mv_migration_settings *settings) {
        const struct {
                enum mv_optional *setting;
                enum mv_optional value;
        } switches[] = { { &settings->allow_auto_converge, MV_FALSE },
                         { &settings->allow_post_copy, MV_FALSE },
                         { &settings->allow_workload_disruption, MV_FALSE } };
        const struct {
                struct mv_optional_int *setting;
                int64_t value;
        } numbers[] = { { &settings->completion_timeout_per_gib, 20 },
                        { &settings->parallel_per_cluster, 5 },
                        { &settings->parallel_outbound_per_node, 1 },
                        { &settings->progress_timeout, 150 } };
        for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
                if (*switches[i].setting == MV_UNSET)
                        *switches[i].setting = switches[i].value;
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
                if (!numbers[i].setting->set)
                        *numbers[i].setting =
                                (struct mv_optional_int){ .set = true, .value = numbers[i].value };
}

const struct mv_kubevirt_configuration *mv_hyperconverged_filled(struct mv_arena *arena,
                                                                 const struct mv_hyperconverged *object,
                                                                 enum mv_optional several_workers) {
        struct mv_hyperconverged *filled = mv_arena_new(arena, struct mv_hyperconverged);
        if (!filled)
                return NULL;
        *filled = *object;
        fill_in(&filled->spec.live_migration);
        if (!filled->spec.eviction_strategy.p && several_workers != MV_UNSET)
                filled->spec.eviction_strategy =
                        several_workers == MV_TRUE ? MV_STR("LiveMigrate") : MV_STR("None");
        return mv_hyperconverged_configuration(arena, filled);
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
