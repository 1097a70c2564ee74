/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node fit: which nodes could take an instance, and what stops each of the others: what the scheduler makes of the
 * target pod that KubeVirt would create (pkg/virt-controller/watch/migration/migration.go: createTargetPod;
 * pkg/virt-controller/services: renderLaunchManifest, nodeselectorrenderer.go). An instance that has no node yet is
 * asked where it could start.
 *
 * The pod's demands become a list of checks, each with the set of nodes that pass it, taken from the node index; the
 * feasible nodes are their intersection. Causes are read off the same checks, for whoever shows them.
 *
 * Nodes that people write are not complete: a node without status.allocatable passes every check of resources, and what
 * every node of KubeVirt has (cpu, memory, pods, /dev/kvm, ...) is asked for only where some node of the input names it.
 */
#pragma once

#include "policy/behaviour.h"
#include "policy/launcher/launcher.h"
#include "policy/nodes/nodeindex.h"
#include "policy/nodes/nodeusage.h"
#include "policy/nodes/podindex.h"
#include "policy/snapshot/snapshot.h"

/* What kind of obstacle a check is. */
enum mv_fit_class {
        MV_FIT_SCHEDULABLE, /* the node runs no instances: virt-handler is not there */
        MV_FIT_CPU,         /* model, features, vendor, host-model */
        MV_FIT_SELECTOR,    /* node selectors and required node affinity: the user's and the cluster's */
        MV_FIT_ADDED,       /* the migration's addedNodeSelector */
        MV_FIT_LABEL,       /* any other label that KubeVirt selects by */
        MV_FIT_TAINT,
        MV_FIT_VOLUME, /* where the volumes can be used */
        MV_FIT_SIZE,   /* the node is too small, even if it were empty */
        /* From here on: what can be otherwise in a moment. */
        MV_FIT_SOURCE, /* the instance is there already */
        MV_FIT_OPEN,   /* cordoned, not ready, being drained */
        MV_FIT_ROOM,   /* others use what it would need */
        MV_FIT_PODS,   /* affinity and anti-affinity with pods */
        MV_FIT_SPREAD, /* topology spread constraints */
        MV_FIT_CLASSES
};
#define MV_FIT_BIT(class) (1u << (class))
#define MV_FIT_LASTING (MV_FIT_BIT(MV_FIT_SOURCE) - 1)
#define MV_FIT_EVERYTHING (MV_FIT_BIT(MV_FIT_CLASSES) - 1)

struct mv_fit_check {
        enum mv_fit_class class;
        /* The cause, as three parts: "cpu-model:" "Haswell" "", "selector:" "zone" "=a". */
        const char *what;
        struct mv_str name, value;
        const uint64_t *pass; /* the nodes that pass; NULL: none does */
        bool of_model;        /* one of those that mv_fit.model stands for */
};

/* What is asked. */
struct mv_fit_question {
        const struct mv_snapshot *snapshot;
        const struct mv_kubevirt_config *config;
        const struct mv_behaviour *behaviour;     /* of KubeVirt's version */
        const struct mv_vmi *vmi;                 /* after expansion */
        const struct mv_launcher *launcher;       /* its pod; NULL: resources are not looked at */
        const struct mv_map *added_node_selector; /* of the migration; NULL */
        const struct mv_node_usage *usage;        /* NULL: that of the snapshot's pods */
        const struct mv_pod_moves *moves;         /* pods that have come and gone since; NULL: none */
};

struct mv_fit {
        const struct mv_node_index *index;
        const struct mv_fit_check *checks;
        size_t n_checks;
        const uint64_t *feasible; /* the nodes that pass all checks */
        const struct mv_host_model
                *model;      /* what all checks of the source's host model come to; NULL: there are none */
        size_t source;       /* its number; SIZE_MAX: the instance has no node, or none that is known */
        bool source_unknown; /* it has a node that the snapshot does not: its CPU is not known */
};

/* Everything is allocated from arena; NULL when that is exhausted. */
const struct mv_fit *mv_fit_make(struct mv_arena *arena, const struct mv_fit_question *question);

/* The nodes that pass the checks of these classes (MV_FIT_BIT or-ed); NULL when the arena is exhausted. */
uint64_t *mv_fit_passing(struct mv_arena *arena, const struct mv_fit *fit, unsigned classes);
/* How many of them are other nodes than the source. */
size_t mv_fit_others(struct mv_arena *arena, const struct mv_fit *fit, unsigned classes);

/*
 * For an instance without a node: one of these nodes where it could start and then find another one to move to, as far as
 * these classes are concerned; SIZE_MAX when there is none. *ret_to is that other one.
 */
size_t mv_fit_pair(struct mv_arena *arena, const struct mv_fit_question *question, const struct mv_fit *fit,
                   unsigned classes, size_t *ret_to);

/* The cause that the check gives: a token, such as "cpu-model:Haswell". */
struct mv_str mv_fit_token(struct mv_arena *arena, const struct mv_fit_check *check);
/* Every cause of that node, sorted, each once. *ret_n is 0 when it is feasible. NULL when there is none, or the arena is
 * exhausted. */
const struct mv_str *mv_fit_causes(struct mv_arena *arena, const struct mv_fit *fit, size_t node,
                                   size_t *ret_n);
