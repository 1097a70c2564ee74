/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/hyperconverged.h"

/* What a liveMigrationConfig can set (api/v1/hyperconverged_types.go: LiveMigrationConfigurations). */
static const struct mv_field live_migration_fields[] = {
        MV_FIELD(struct mv_migration_settings, "allowAutoConverge", MV_TYPE_OPTIONAL, allow_auto_converge),
        MV_FIELD(struct mv_migration_settings, "allowPostCopy", MV_TYPE_OPTIONAL, allow_post_copy),
        MV_FIELD(struct mv_migration_settings, "allowWorkloadDisruption", MV_TYPE_OPTIONAL,
                 allow_workload_disruption),
        MV_FIELD(struct mv_migration_settings, "bandwidthPerMigration", MV_TYPE_TEXT,
                 bandwidth_per_migration),
        MV_FIELD(struct mv_migration_settings, "completionTimeoutPerGiB", MV_TYPE_INT,
                 completion_timeout_per_gib),
        MV_FIELD(struct mv_migration_settings, "network", MV_TYPE_STRING, network),
        MV_FIELD(struct mv_migration_settings, "parallelMigrationsPerCluster", MV_TYPE_INT,
                 parallel_per_cluster),
        MV_FIELD(struct mv_migration_settings, "parallelOutboundMigrationsPerNode", MV_TYPE_INT,
                 parallel_outbound_per_node),
        MV_FIELD(struct mv_migration_settings, "progressTimeout", MV_TYPE_INT, progress_timeout),
};
static const struct mv_table live_migration_table =
        MV_TABLE(live_migration_fields, struct mv_migration_settings);

/* A group whose settings belong to the same struct, as no group has a struct of its own here. */
#define GROUP(key_, table_) \
        { .key = { (key_), sizeof(key_) - 1 }, .type = MV_TYPE_OBJECT, .table = &(table_) }

/* --- v1beta1 --- */

static const struct mv_field gates_v1beta1_fields[] = {
        MV_FIELD(struct mv_hyperconverged_spec, "decentralizedLiveMigration", MV_TYPE_OPTIONAL,
                 decentralized_live_migration),
        MV_FIELD(struct mv_hyperconverged_spec, "sriovLiveMigration", MV_TYPE_OPTIONAL, sriov_live_migration),
};
static const struct mv_table gates_v1beta1_table =
        MV_TABLE(gates_v1beta1_fields, struct mv_hyperconverged_spec);
static const struct mv_field spec_v1beta1_fields[] = {
        MV_FIELD(struct mv_hyperconverged_spec, "defaultCPUModel", MV_TYPE_STRING, cpu_model),
        MV_FIELD(struct mv_hyperconverged_spec, "evictionStrategy", MV_TYPE_STRING, eviction_strategy),
        GROUP("featureGates", gates_v1beta1_table),
        MV_FIELD_TABLE(struct mv_hyperconverged_spec, "instancetypeConfig", MV_TYPE_OBJECT, instancetype,
                       &mv_table_instancetype_configuration),
        MV_FIELD_TABLE(struct mv_hyperconverged_spec, "liveMigrationConfig", MV_TYPE_OBJECT, live_migration,
                       &live_migration_table),
        MV_FIELD_TABLE(struct mv_hyperconverged_spec, "networkBinding", MV_TYPE_NAMED, bindings,
                       &mv_table_binding_plugin),
        MV_FIELD_TABLE(struct mv_hyperconverged_spec, "permittedHostDevices", MV_TYPE_POINTER,
                       permitted_host_devices, &mv_table_permitted_host_devices),
};
static const struct mv_table spec_v1beta1_table =
        MV_TABLE(spec_v1beta1_fields, struct mv_hyperconverged_spec);
static const struct mv_field v1beta1_fields[] = {
        MV_FIELD(struct mv_hyperconverged, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD_TABLE(struct mv_hyperconverged, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_hyperconverged, "spec", MV_TYPE_OBJECT, spec, &spec_v1beta1_table),
};
static const struct mv_table v1beta1_table = MV_TABLE(v1beta1_fields, struct mv_hyperconverged);

/* --- v1 --- */

static const struct mv_field options_fields[] = {
        MV_FIELD(struct mv_hyperconverged_spec, "defaultCPUModel", MV_TYPE_STRING, cpu_model),
};
static const struct mv_table options_table = MV_TABLE(options_fields, struct mv_hyperconverged_spec);
static const struct mv_field virtualization_fields[] = {
        MV_FIELD(struct mv_hyperconverged_spec, "evictionStrategy", MV_TYPE_STRING, eviction_strategy),
        MV_FIELD_TABLE(struct mv_hyperconverged_spec, "liveMigrationConfig", MV_TYPE_OBJECT, live_migration,
                       &live_migration_table),
        MV_FIELD_TABLE(struct mv_hyperconverged_spec, "permittedHostDevices", MV_TYPE_POINTER,
                       permitted_host_devices, &mv_table_permitted_host_devices),
        GROUP("virtualMachineOptions", options_table),
};
static const struct mv_table virtualization_table =
        MV_TABLE(virtualization_fields, struct mv_hyperconverged_spec);
static const struct mv_field networking_fields[] = {
        MV_FIELD_TABLE(struct mv_hyperconverged_spec, "networkBinding", MV_TYPE_NAMED, bindings,
                       &mv_table_binding_plugin),
};
static const struct mv_table networking_table = MV_TABLE(networking_fields, struct mv_hyperconverged_spec);
static const struct mv_field workload_sources_fields[] = {
        MV_FIELD_TABLE(struct mv_hyperconverged_spec, "instancetypeConfig", MV_TYPE_OBJECT, instancetype,
                       &mv_table_instancetype_configuration),
};
static const struct mv_table workload_sources_table =
        MV_TABLE(workload_sources_fields, struct mv_hyperconverged_spec);
static const struct mv_field gate_fields[] = {
        MV_FIELD(struct mv_hyperconverged_gate, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_hyperconverged_gate, "state", MV_TYPE_STRING, state),
};
static const struct mv_table gate_table = MV_TABLE(gate_fields, struct mv_hyperconverged_gate);
static const struct mv_field spec_v1_fields[] = {
        MV_FIELD_TABLE(struct mv_hyperconverged_spec, "featureGates", MV_TYPE_LIST, gates, &gate_table),
        GROUP("networking", networking_table),
        GROUP("virtualization", virtualization_table),
        GROUP("workloadSources", workload_sources_table),
};
static const struct mv_table spec_v1_table = MV_TABLE(spec_v1_fields, struct mv_hyperconverged_spec);
static const struct mv_field v1_fields[] = {
        MV_FIELD(struct mv_hyperconverged, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD_TABLE(struct mv_hyperconverged, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_hyperconverged, "spec", MV_TYPE_OBJECT, spec, &spec_v1_table),
};
static const struct mv_table v1_table = MV_TABLE(v1_fields, struct mv_hyperconverged);

/* --- either --- */

static const struct mv_field hyperconverged_fields[] = {
        MV_FIELD(struct mv_hyperconverged, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD_TABLE(struct mv_hyperconverged, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
};
const struct mv_table mv_table_hyperconverged = MV_TABLE(hyperconverged_fields, struct mv_hyperconverged);

bool mv_hyperconverged_is_v1(const struct mv_hyperconverged *object) {
        return mv_str_ends_with(object->api_version, MV_STR("/v1"));
}

int mv_hyperconverged_read(const struct mv_decode *decode, struct mv_str json, void *object,
                           struct mv_err *err) {
        struct mv_hyperconverged *hyperconverged = object;
        if (!mv_hyperconverged_is_v1(hyperconverged))
                return mv_decode(decode, json, &v1beta1_table, object, err);
        int r = mv_decode(decode, json, &v1_table, object, err);
        if (r < 0)
                return r;
        /* A gate in the list is on unless its state says otherwise; this one is on without being in it. */
        struct mv_hyperconverged_spec *spec = &hyperconverged->spec;
        spec->decentralized_live_migration = MV_TRUE;
        for (size_t i = 0; i < spec->gates.n; i++)
                if (mv_str_is(spec->gates.items[i].name, "decentralizedLiveMigration") &&
                    mv_str_is(spec->gates.items[i].state, "Disabled"))
                        spec->decentralized_live_migration = MV_FALSE;
        return 0;
}
