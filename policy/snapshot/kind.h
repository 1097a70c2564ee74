/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of objects that migvet reads, as one table: their names, their decode tables. */
#pragma once

#include "policy/object/meta.h"

enum mv_kind {
        /* those that are judged */
        MV_KIND_VM,
        MV_KIND_VMI,
        MV_KIND_MIGRATION,
        MV_KIND_POOL,
        MV_KIND_REPLICA_SET,
        /* those that they are judged by */
        MV_KIND_CLAIM,
        MV_KIND_PERSISTENT_VOLUME,
        MV_KIND_DATA_VOLUME,
        MV_KIND_STORAGE_CLASS,
        MV_KIND_STORAGE_PROFILE,
        MV_KIND_NODE,
        MV_KIND_NAMESPACE,
        MV_KIND_MIGRATION_POLICY,
        MV_KIND_KUBEVIRT,
        MV_KIND_POD,
        MV_KIND_INSTANCETYPE,
        MV_KIND_CLUSTER_INSTANCETYPE,
        MV_KIND_PREFERENCE,
        MV_KIND_CLUSTER_PREFERENCE,
        MV_KIND_CONTROLLER_REVISION,
        MV_KIND_DATA_SOURCE,
        MV_KIND_VOLUME_SNAPSHOT,
        MV_KIND_RESOURCE_QUOTA,
        MV_KIND_LIMIT_RANGE,
        MV_KIND_DISRUPTION_BUDGET,
        MV_KIND_MAINTENANCE,        /* nodemaintenance.medik8s.io */
        MV_KIND_LEGACY_MAINTENANCE, /* nodemaintenance.kubevirt.io */
        MV_KIND_CONFIG_MAP,
        MV_KIND_SECRET,
        MV_KIND_HYPERCONVERGED,
        MV_KIND_NETWORK_ATTACHMENT,
        MV_KIND_COUNT,
};

struct mv_table;

/* What the library knows of a kind of object. */
struct mv_kind_info {
        const char *group; /* "" for the core group */
        const char *kind;  /* "PersistentVolumeClaim" */
        const char *word;  /* what people type: "persistentvolumeclaim" in lower case, singular */
        const char *plural;
        const char *shorthand; /* "pvc", or "" */
        bool namespaced;
        const struct mv_table *table;
        size_t meta_offset; /* of struct mv_meta in the typed struct */
        /* Reads what a table cannot say, after the table did its part; errors as mv_decode. NULL when there is none. */
        int (*read)(const struct mv_decode *decode, struct mv_str json, void *object, struct mv_err *err);
        /* It says something of what somebody wrote, and nothing of what an API server has stored. */
        bool reads_written;
        /* Of objects that are kept when their work is done: it is. NULL for other kinds. */
        bool (*is_final)(const void *object);
};
extern const struct mv_kind_info mv_kinds[MV_KIND_COUNT];

/* Commands judge objects of it: VMs, instances, migrations, pools and replica sets. */
static inline bool mv_kind_is_judged(enum mv_kind kind) {
        return kind <= MV_KIND_REPLICA_SET;
}

/* The kind of that API group and kind; MV_KIND_COUNT when no rule reads it. Versions do not matter. */
enum mv_kind mv_kind_find(struct mv_str group, struct mv_str kind);
/* The kind of that API group and plural resource name; MV_KIND_COUNT when no rule reads it. */
enum mv_kind mv_kind_find_resource(struct mv_str group, struct mv_str resource);
