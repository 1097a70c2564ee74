/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who belongs to whom, found once: the launcher pods and the migrations of each instance, the instances of each node.
 * Objects go by their number, which is their place in the snapshot's list of their kind. Everything is allocated from
 * the arena that it was made with.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/object/migration.h"
#include "policy/object/node.h"
#include "policy/object/pod.h"
#include "policy/object/vmi.h"
#include "policy/snapshot/snapshot.h"

#define MV_NO_NUMBER UINT32_MAX

/* Numbers by key; a key is a number, too: the things of key k are items[start[k]] to items[start[k + 1] - 1], in their
 * own order. */
struct mv_groups {
        const uint32_t *start, *items;
};
#define MV_GROUP_FOREACH(i, groups, key) \
        for (uint32_t i = (groups)->start[key]; i < (groups)->start[(key) + 1]; i++)

struct mv_drain_index {
        const struct mv_snapshot *snapshot;
        uint32_t n_vmis, n_nodes, n_pods, n_migrations;
        /* Nodes that are only known by the name that an instance's status has get the numbers n_nodes to n_places - 1; ""
         * is such a name. */
        uint32_t n_places;
        const struct mv_str *node_names;
        const uint32_t *node_of;        /* of each instance, by status.nodeName */
        struct mv_groups vmis_of_node;  /* the same from the other side */
        struct mv_groups pods_of;       /* of each instance: the pods that it controls, finished ones too */
        struct mv_groups created_by;    /* of each instance: the pods that are labelled with its UID */
        struct mv_groups migrations_of; /* of each instance: those that name it, finished ones too */
        const uint32_t *vmi_of;         /* of each migration: the instance it names */
        const struct mv_lookup *nodes, *vmis, *uids, *migration_uids;
};

/* NULL when the arena has failed. */
const struct mv_drain_index *mv_drain_index_make(struct mv_arena *arena, const struct mv_snapshot *snapshot);

/* Numbers of a node by its name, of an instance, and of the migration of that UID in a namespace; MV_NO_NUMBER: there is
 * none. */
uint32_t mv_drain_index_node(const struct mv_drain_index *index, struct mv_str name);
uint32_t mv_drain_index_vmi(const struct mv_drain_index *index, struct mv_str namespace, struct mv_str name);
uint32_t mv_drain_index_migration(const struct mv_drain_index *index, struct mv_str namespace,
                                  struct mv_str uid);

static inline const struct mv_vmi *mv_drain_vmi(const struct mv_drain_index *index, uint32_t vmi) {
        return mv_snapshot_at(index->snapshot, MV_KIND_VMI, vmi);
}
static inline const struct mv_pod *mv_drain_pod(const struct mv_drain_index *index, uint32_t pod) {
        return mv_snapshot_at(index->snapshot, MV_KIND_POD, pod);
}
static inline const struct mv_node *mv_drain_node_at(const struct mv_drain_index *index, uint32_t node) {
        return mv_snapshot_at(index->snapshot, MV_KIND_NODE, node);
}
static inline const struct mv_migration *mv_drain_migration(const struct mv_drain_index *index,
                                                            uint32_t migration) {
        return mv_snapshot_at(index->snapshot, MV_KIND_MIGRATION, migration);
}

/* How many of its pods have not ended (pkg/controller: VMIActivePodsCount). */
size_t mv_drain_active_pods(const struct mv_drain_index *index, uint32_t vmi);
/* The pod it runs in: the newest that it controls on its node; NULL: there is none (CurrentVMIPod). */
const struct mv_pod *mv_drain_current_pod(const struct mv_drain_index *index, uint32_t vmi);
/* A target pod of the migration exists, finished or not (listMatchingTargetPods). */
bool mv_drain_has_target_pod(const struct mv_drain_index *index, uint32_t migration);
