/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which MigrationPolicy applies to an instance, and the migration settings that result, each with its origin: what
 * virt-controller writes into status.migrationState when it hands a migration off.
 *
 * KubeVirt's defaults are overlaid by spec.configuration.migrations of the KubeVirt object, and that by the policy
 * that matches best (pkg/virt-controller/watch/migration: migrationpolicy.go, migration.go resolveMigrationConfig;
 * pkg/virt-config: GetMigrationConfiguration). A policy matches when every label that it selects by is on the
 * instance (not on its VM) or on the namespace; without spec.selectors it matches nothing, with empty ones anything.
 * More labels win, then more labels of the instance, then the smaller name.
 *
 * Settings that the KubeVirt version does not know are not there, wherever they are written: its API server would
 * have dropped them.
 */
#pragma once

#include "policy/object/kubevirt.h"
#include "policy/object/vm.h"
#include "policy/snapshot/snapshot.h"

/* A policy that matches, and the labels by which it does: its score is their sum. */
struct mv_policy_match {
        const struct mv_migration_policy *policy;
        size_t namespace_labels, vmi_labels;
};

/* Whether a policy matches, and if not why. */
enum mv_policy_miss {
        MV_POLICY_MATCHES,
        MV_POLICY_NO_SELECTORS,      /* there is no spec.selectors: it matches nothing */
        MV_POLICY_MISSES_INSTANCE,   /* a label of the instance */
        MV_POLICY_MISSES_NAMESPACE,  /* a label of the namespace */
        MV_POLICY_NAMESPACE_UNKNOWN, /* it would match if the Namespace, which is not there, had its labels */
};

struct mv_policy_score {
        struct mv_policy_match match; /* the labels are 0 unless it matches */
        enum mv_policy_miss miss;
        const struct mv_pair *label; /* the first that misses, by key; NULL when none does */
        const struct mv_str *found;  /* the value that is there instead; NULL when the label is not */
};

/* A namespace as policies see it. */
struct mv_policy_place {
        const struct mv_map *labels;
        bool known; /* its Namespace is in the snapshot; if not, all that is known is its name */
        struct mv_pair name;
        struct mv_map only_name;
};

enum mv_setting_type {
        MV_SETTING_BOOL,
        MV_SETTING_INT,
        MV_SETTING_QUANTITY,
        MV_SETTING_STRING,
        MV_SETTING_GROUP, /* an object that is there; its own settings, if any, come next */
};

struct mv_setting {
        const char *path; /* "experimental.stallDetector.ewmaAlpha" */
        enum mv_setting_type type;
        int64_t number;     /* MV_SETTING_BOOL (0 or 1), MV_SETTING_INT */
        struct mv_str text; /* MV_SETTING_QUANTITY (in canonical form), MV_SETTING_STRING */
        struct mv_str from; /* "default", "KubeVirt/NAMESPACE/NAME", "MigrationPolicy/NAME" */
        bool follows;       /* the object sets another one, whose value this one takes */
};

/* The effective settings of a configuration without any policy, as in struct mv_resolution. NULL when the arena has
 * failed. */
const struct mv_setting *mv_settings_of(struct mv_arena *arena, const struct mv_kubevirt_configuration *spec,
                                        struct mv_str from, unsigned version, size_t *ret_n);
/* The setting of that path among n, or NULL. */
const struct mv_setting *mv_setting_find(const struct mv_setting *settings, size_t n, const char *path);
/* That version, MV_KUBEVIRT(...), has a setting of that path. */
bool mv_setting_exists(const char *path, unsigned version);
/* Its value as text. */
struct mv_str mv_setting_text(struct mv_arena *arena, const struct mv_setting *setting);

struct mv_resolution {
        const struct mv_policy_match *matches; /* best first */
        size_t n_matches;
        /* The first match is the policy that KubeVirt names. Older versions name none that sets nothing, though it
         * keeps the others out all the same. */
        bool recorded;
        /* The Namespace is not in the snapshot, so only its name is known, and a policy that selects by other labels
         * of it could match too. */
        bool namespace_matters;
        /* What is set or defaulted, sorted by path, a group before what is in it. */
        const struct mv_setting *settings;
        size_t n_settings;
};

/* Resolve for an instance in its namespace, as the version MV_KUBEVIRT(...) does. NULL when the arena has failed. */
const struct mv_resolution *mv_resolve(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                       const struct mv_vmi *vmi, unsigned version);

/* place must stay where it is: it, and scores for it, point into it. */
void mv_policy_place_of(const struct mv_snapshot *snapshot, struct mv_str namespace,
                        struct mv_policy_place *place);
/* How a policy does for an instance with these labels in that namespace. */
void mv_policy_score_of(const struct mv_migration_policy *policy, const struct mv_map *labels,
                        const struct mv_policy_place *place, struct mv_policy_score *ret);
/* <0 when a wins over b, >0 when b does; they are of different policies. */
int mv_policy_match_compare(const struct mv_policy_match *a, const struct mv_policy_match *b);
/* All policies of the snapshot, the winner first, behind those that match the others by name. NULL when there is none, or
 * the arena has failed. */
const struct mv_policy_score *mv_policy_scores(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                               const struct mv_vmi *vmi, size_t *ret_n);

/* The setting of that path; NULL when it is neither set nor defaulted. */
const struct mv_setting *mv_resolution_setting(const struct mv_resolution *resolution, const char *path);
/* Its number (of a boolean 0 or 1), or 0. */
int64_t mv_resolution_number(const struct mv_resolution *resolution, const char *path);

/* The policy that KubeVirt names; NULL when it names none. */
const struct mv_policy_match *mv_resolution_policy(const struct mv_resolution *resolution);
