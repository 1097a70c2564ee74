/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/migration.h"

static const struct mv_field send_to_fields[] = {
        MV_FIELD(struct mv_migration_peer, "connectURL", MV_TYPE_STRING, connect_url),
        MV_FIELD(struct mv_migration_peer, "migrationID", MV_TYPE_STRING, migration_id),
};
static const struct mv_table send_to_table = MV_TABLE_CLOSED(send_to_fields, struct mv_migration_peer);
static const struct mv_field receive_fields[] = {
        MV_FIELD(struct mv_migration_peer, "migrationID", MV_TYPE_STRING, migration_id),
};
static const struct mv_table receive_table = MV_TABLE_CLOSED(receive_fields, struct mv_migration_peer);

static const struct mv_field spec_fields[] = {
        MV_FIELD(struct mv_migration_spec, "addedNodeSelector", MV_TYPE_MAP, added_node_selector),
        MV_FIELD(struct mv_migration_spec, "priority", MV_TYPE_STRING, priority),
        MV_FIELD_TABLE(struct mv_migration_spec, "receive", MV_TYPE_POINTER, receive, &receive_table),
        MV_FIELD_TABLE(struct mv_migration_spec, "sendTo", MV_TYPE_POINTER, send_to, &send_to_table),
        MV_FIELD(struct mv_migration_spec, "vmiName", MV_TYPE_STRING, vmi_name),
};
static const struct mv_table spec_table = MV_TABLE_CLOSED(spec_fields, struct mv_migration_spec);

static const struct mv_field transition_fields[] = {
        MV_FIELD(struct mv_phase_transition, "phase", MV_TYPE_STRING, phase),
        MV_FIELD(struct mv_phase_transition, "phaseTransitionTimestamp", MV_TYPE_STRING, timestamp),
};
static const struct mv_table transition_table =
        MV_TABLE_CLOSED(transition_fields, struct mv_phase_transition);
static const struct mv_field status_fields[] = {
        MV_FIELD_ANY("conditions"),
        MV_FIELD_ANY("migrationState"),
        MV_FIELD(struct mv_migration_status, "phase", MV_TYPE_STRING, phase),
        MV_FIELD_TABLE(struct mv_migration_status, "phaseTransitionTimestamps", MV_TYPE_LIST, transitions,
                       &transition_table),
        MV_FIELD_ANY("synchronizationAddresses"),
};
static const struct mv_table status_table = MV_TABLE_CLOSED(status_fields, struct mv_migration_status);

static const struct mv_field migration_fields[] = {
        MV_FIELD(struct mv_migration, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD(struct mv_migration, "kind", MV_TYPE_STRING, kind),
        MV_FIELD_TABLE(struct mv_migration, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_migration, "spec", MV_TYPE_OBJECT, spec, &spec_table),
        MV_FIELD_TABLE(struct mv_migration, "status", MV_TYPE_OBJECT, status, &status_table),
};
const struct mv_table mv_table_migration = MV_TABLE_CLOSED(migration_fields, struct mv_migration);

bool mv_migration_is_final(const struct mv_migration *migration) {
        return mv_str_is(migration->status.phase, "Succeeded") ||
               mv_str_is(migration->status.phase, "Failed");
}

bool mv_migration_is_decentralized(const struct mv_migration *migration) {
        return !migration->spec.send_to != !migration->spec.receive;
}

bool mv_migration_is_sent(const struct mv_migration *migration) {
        return migration->spec.send_to && !migration->spec.receive;
}

bool mv_migration_is_running(const struct mv_migration *migration) {
        static const char *const waiting[] = { "",       "Pending",  "WaitingForSync", "Synchronizing",
                                               "Failed", "Succeeded" };
        for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++)
                if (mv_str_is(migration->status.phase, waiting[i]))
                        return false;
        return !mv_str_is(migration->status.phase, "Scheduling") || !mv_migration_is_sent(migration);
}

struct mv_str mv_migration_entered(const struct mv_migration *migration, const char *phase) {
        for (size_t i = 0; i < migration->status.transitions.n; i++)
                if (mv_str_is(migration->status.transitions.items[i].phase, phase))
                        return migration->status.transitions.items[i].timestamp;
        return (struct mv_str){ 0 };
}
