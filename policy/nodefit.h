/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node fit: which nodes could take an instance, and what stops each of the others: what the scheduler makes of the
 * target pod that KubeVirt would create (pkg/virt-controller/watch/migration/migration.go: createTargetPod;
 * pkg/virt-controller/services: renderLaunchManifest, nodeselectorrenderer.go).
 *
 * The pod's demands become a list of checks, each with the set of nodes that pass it, taken from the node index; the
 * feasible nodes are their intersection. Causes are worked out from the same checks, for whoever shows them.
 */
#pragma once

#include "policy/claims.h"
#include "policy/launcher.h"
#include "policy/nodeindex.h"
#include "policy/snapshot.h"

/* What kind of obstacle a check is. */
enum mv_fit_class {
        MV_FIT_CPU,      /* the CPU: model, features, vendor, host-model, and what else its labels say */
        MV_FIT_SELECTOR, /* the user's node selector or required affinity, and addedNodeSelector */
        MV_FIT_LABEL,    /* any other label that KubeVirt selects by */
        MV_FIT_TAINT,
        MV_FIT_VOLUME, /* where the volumes are */
        MV_FIT_SIZE,   /* the node is too small, even if it were empty */
        /* From here on: what can be otherwise in a moment. */
        MV_FIT_SOURCE, /* the instance is there already */
        MV_FIT_CORDON,
        MV_FIT_ROOM,   /* others use what it would need */
        MV_FIT_PODS,   /* affinity and anti-affinity with pods */
        MV_FIT_SPREAD, /* topology spread constraints */
};
#define MV_FIT_IS_MOMENTARY(class) ((class) >= MV_FIT_SOURCE)

struct mv_fit_check {
        enum mv_fit_class class;
        struct mv_str token;  /* the cause: "cpu-model:Haswell" */
        const uint64_t *pass; /* the nodes that pass; NULL: none does */
};

/* What is asked. */
struct mv_fit_question {
        const struct mv_snapshot *snapshot;
        const struct mv_kubevirt_config *config;
        unsigned version;                         /* MV_KUBEVIRT(...) */
        const struct mv_vmi *vmi;                 /* after expansion */
        const struct mv_launcher *launcher;       /* its pod; NULL: resources are not looked at */
        const struct mv_claim_facts *claims;      /* one a volume; NULL: volumes are not looked at */
        const struct mv_map *added_node_selector; /* of the migration; NULL */
        const struct mv_node_usage *usage;        /* NULL: that of the snapshot's pods */
        bool decentralized;                       /* the target of a migration from another cluster */
};

struct mv_fit {
        const struct mv_node_index *index;
        const struct mv_fit_check *checks;
        size_t n_checks;
        const uint64_t *feasible; /* the nodes that pass all checks */
        const uint64_t *
                possible; /* the nodes that pass those that are not momentary; the source node may be among them */
        size_t source; /* its number in the index; SIZE_MAX: the instance has no node, or none that is known */
};

/* Everything is allocated from arena; NULL when that is exhausted. */
const struct mv_fit *mv_fit_make(struct mv_arena *arena, const struct mv_fit_question *question);

/* The nodes that pass the checks of the classes in the bit mask (1 << class), from arena; NULL when it is exhausted. */
uint64_t *mv_fit_passing(struct mv_arena *arena, const struct mv_fit *fit, unsigned classes);

/* Every cause of that node, sorted, each once. *ret_n is 0 when it is feasible. NULL when the arena is exhausted. */
const struct mv_str *mv_fit_causes(struct mv_arena *arena, const struct mv_fit *fit, size_t node,
                                   size_t *ret_n);
