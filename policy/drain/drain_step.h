/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KubeVirt does next with the migrations of a cluster, in the state that a snapshot shows: the migrations that its
 * evacuation controller makes (pkg/virt-controller/watch/drain/evacuation/evacuation.go), and which of those that wait
 * get a target pod (watch/migration/migration.go: sync, handleTargetPodCreation; pkg/util/migrations).
 *
 * Pure. Names, not chance, decide among equals, for which KubeVirt has no order: this is one of the possible steps.
 */
#pragma once

#include "policy/drain/drain_index.h"
#include "policy/kubevirt_config.h"

struct mv_drain_question {
        const struct mv_snapshot *snapshot;
        const struct mv_kubevirt_config *config; /* of the version below */
        unsigned version;                        /* MV_KUBEVIRT(...) */
        int64_t now; /* seconds since 1970; 0: later than anything in the snapshot */
};

struct mv_drain_evacuation {
        const struct mv_vmi *vmi;
        struct mv_str node;     /* that it leaves */
        struct mv_str priority; /* "system-critical"; "" where KubeVirt has no priorities */
};
struct mv_drain_waiting {
        const struct mv_migration *migration;
        struct mv_str what_for; /* in words */
};

/* Each list is sorted by namespace and name. */
struct mv_drain_step {
        const struct mv_drain_evacuation *evacuations; /* migrations that are made now */
        const struct mv_vmi *const *not_migratable;    /* ought to leave and cannot: they block a drain */
        const struct mv_migration *const *started;     /* pending ones that get a target pod now */
        const struct mv_drain_waiting *waiting;        /* the other pending ones */
        size_t n_evacuations, n_not_migratable, n_started, n_waiting;
};

/* NULL when the arena has failed. */
const struct mv_drain_step *mv_drain_step_make(struct mv_arena *arena,
                                               const struct mv_drain_question *question);

/* --- questions that the simulation asks, too --- */

/* The strategy in force: the instance's, else the cluster's (VMIEvictionStrategy). */
struct mv_str mv_drain_strategy(const struct mv_kubevirt_config *config, const struct mv_vmi *vmi);
/* Its status says LiveMigratable=True (types.go: IsMigratable). */
bool mv_drain_is_migratable(const struct mv_vmi *vmi);
/* KubeVirt sorts migrations by priority; without that, evacuation makes them only for free places. */
bool mv_drain_has_priorities(const struct mv_kubevirt_config *config);
/* A higher number goes first (PriorityFromMigration). */
int mv_drain_priority(struct mv_str priority);
/* Why KubeVirt cannot make a target pod for the instance whatever else is free; "" when it can (createTargetPod). */
struct mv_str mv_drain_unmakeable(struct mv_arena *arena, const struct mv_drain_question *question,
                                  const struct mv_drain_index *index, uint32_t number);
/* parallelMigrationsPerCluster and parallelOutboundMigrationsPerNode. */
int64_t mv_drain_cluster_limit(const struct mv_kubevirt_config *config);
int64_t mv_drain_node_limit(const struct mv_kubevirt_config *config);
/* The node has the taint that drains it (nodeDrainTaintKey with effect NoSchedule). */
bool mv_drain_is_tainted(const struct mv_kubevirt_config *config, const struct mv_node *node);
