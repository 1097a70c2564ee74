/* SPDX-License-Identifier: Apache-2.0 */
/* VirtualMachineInstanceMigration (kubevirt.io/v1, v1alpha3). Its table is closed: decoding with mv_decode.unknown set
 * reports the fields that KubeVirt's schema does not have, as its webhook does (pkg/util/webhooks: ValidateSchema). */
#pragma once

#include "policy/object/meta.h"

struct mv_migration_peer { /* sendTo and receive */
        struct mv_str migration_id, connect_url;
};

struct mv_phase_transition {
        struct mv_str phase, timestamp;
};

struct mv_migration {
        struct mv_str api_version, kind;
        struct mv_meta meta;
        struct mv_migration_spec {
                struct mv_str vmi_name;
                struct mv_str priority; /* p is NULL when absent */
                struct mv_map added_node_selector;
                struct mv_migration_peer *send_to, *receive;
        } spec;
        struct mv_migration_status {
                struct mv_str phase;
                MV_LIST(struct mv_phase_transition) transitions; /* phaseTransitionTimestamps */
        } status;
};

extern const struct mv_table mv_table_migration;

/* The phase says that it has ended: Succeeded or Failed. */
bool mv_migration_is_final(const struct mv_migration *migration);
/* Exactly one of sendTo and receive is set: it leaves, or comes from, another cluster. */
bool mv_migration_is_decentralized(const struct mv_migration *migration);
/* It is that and leaves this cluster (sendTo). */
bool mv_migration_is_sent(const struct mv_migration *migration);
/* Its phase is one between those that wait and those that have ended (types.go: IsRunning). */
bool mv_migration_is_running(const struct mv_migration *migration);
/* When it entered that phase, as it is written; "" when it does not say. */
struct mv_str mv_migration_entered(const struct mv_migration *migration, const char *phase);
