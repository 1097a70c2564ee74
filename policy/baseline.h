/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A baseline: the newest named CPU model that several nodes have in common, so that a VM of that model can move among all of
 * them. KubeVirt's node labeller says which models a node can fully run (cpu-model.node.kubevirt.io/MODEL=true), and a
 * migration never leaves the CPU vendor: so there is one baseline for each architecture and vendor.
 *
 * Pure; everything lives in the arena that it was made with.
 */
#pragma once

#include "policy/evaluate.h"
#include "policy/nodes/nodeindex.h"

struct mv_baseline_model {
        struct mv_str name;
        bool ranked;           /* its age is known (policy/nodes/cpumodels.h) */
        const uint64_t *nodes; /* of the group: those that offer it */
        size_t n_nodes;
};

/* Without that node alone, the others would have that newer model in common. */
struct mv_baseline_brake {
        size_t node;
        struct mv_str model;
};

/* The nodes of one architecture and vendor. */
struct mv_baseline_group {
        struct mv_str architecture; /* kubernetes.io/arch, "" when the nodes do not tell */
        struct mv_str vendor;       /* "Intel"; "" likewise */
        const uint64_t *nodes;
        size_t n_nodes;
        const struct mv_baseline_model
                *models; /* that any of them offers: the newest first, unranked ones last */
        size_t n_models;
        /* The numbers of those that all of them offer; the first is the baseline. Empty: they have none in common. */
        const size_t *common;
        size_t n_common;
        const struct mv_baseline_brake *brakes; /* the newest model first, then by node */
        size_t n_brakes;
};

struct mv_baseline {
        const struct mv_baseline_group *groups; /* by architecture and vendor */
        size_t n_groups;
        const uint64_t *left_out; /* nodes that run no instances: not kubevirt.io/schedulable=true */
};

/* Of the nodes of that set (NULL: all). NULL when the arena is exhausted. */
const struct mv_baseline *mv_baseline_make(struct mv_arena *arena, const struct mv_node_index *index,
                                           const uint64_t *nodes);

/* The baseline model of the group; NULL when its nodes have none in common. */
const struct mv_baseline_model *mv_baseline_newest(const struct mv_baseline_group *group);
/* The model of that name in the group, NULL when none of its nodes offers it. */
const struct mv_baseline_model *mv_baseline_model_find(const struct mv_baseline_group *group,
                                                       struct mv_str name);

/* --- what a model would change for an instance --- */

enum mv_baseline_effect {
        MV_BASELINE_GAINS, /* it cannot move now, and could */
        MV_BASELINE_KEEPS, /* it can move now, and would lose nothing */
        MV_BASELINE_LOSES, /* it can move now, and would lose nodes */
        MV_BASELINE_STUCK, /* it cannot move now, and could not either */
        MV_BASELINE_EFFECTS
};

struct mv_baseline_change {
        enum mv_baseline_effect effect;
        size_t before, after;   /* nodes that it could go to: where nothing lasting stops it */
        uint64_t *lost;         /* those that it could go to now and could not then */
        struct mv_str blockers; /* rules that would stop it all the same, comma-separated */
};

/* The model of that group is something for the judged instance: it runs there or, while it has no node, it could be given
 * the model: the architecture is its own, and where it names a model itself, nodes of the group know that one. */
bool mv_baseline_concerns(const struct mv_baseline *baseline, const struct mv_baseline_group *group,
                          const struct mv_verdict *verdict);

/* Compare two verdicts on an instance that it concerns: as it is, and as it would be with the model; both have a fit. Nodes
 * outside of `among` (NULL: none are) do not count. False when the arena is exhausted. */
bool mv_baseline_compare(struct mv_arena *arena, const struct mv_verdict *now, const struct mv_verdict *then,
                         const uint64_t *among, struct mv_baseline_change *ret);
