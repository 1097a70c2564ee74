/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens when nodes are drained: who moves where, who restarts, who stays down, who blocks, in which waves and how
 * long it takes.
 *
 * Each instance on the nodes gets the answer of KubeVirt's eviction webhook (policy/mirror/eviction.c) and of the user's
 * disruption budgets, by its stored condition, since that is what KubeVirt goes by; what the rules say instead is
 * flagged. Then the drain runs in virtual time (policy/drain/drain_sim.h), with node fit for the places (policy/nodes/nodefit.h) and
 * the arithmetic of policy/convergence.h for the times. Every time is a range; what it rests on is said in words.
 *
 * Pure; everything lives in the arena that it was made with, or in the snapshot.
 */
#pragma once

#include "policy/drain/drain_sim.h"
#include "policy/drain/drain_step.h"

enum { MV_DRAIN_GIGABIT = 125000000 }; /* bytes a second */
#define MV_DRAIN_LINK_RATE ((int64_t)10 * MV_DRAIN_GIGABIT)

struct mv_drain_order {
        struct mv_drain_question about; /* now is not needed */
        struct mv_str version;          /* --kubevirt-version, for the verdicts; "" */
        const struct mv_config *config; /* likewise; NULL: as shipped */
        const struct mv_str *nodes;     /* names */
        size_t n_nodes;
        bool one_by_one;
        int64_t link_rate;       /* bytes a second of each node's network; 0: MV_DRAIN_LINK_RATE */
        int64_t dirty_rate;      /* bytes a second that each guest writes; 0: not known */
        uint64_t most_questions; /* give up after so many questions where an instance fits; 0: never */
        bool verdicts;           /* judge each instance, for what to fix; takes most of the time */
};

enum mv_drain_outcome {
        MV_DRAIN_MIGRATES,
        MV_DRAIN_RESTARTS,
        MV_DRAIN_STAYS_DOWN,
        MV_DRAIN_UNKNOWN,  /* it is shut down; whether it starts again is not known */
        MV_DRAIN_EXTERNAL, /* another controller has to move it */
        MV_DRAIN_BLOCKS,
        MV_DRAIN_UNDECIDED, /* the simulation was stopped before */
};

enum mv_drain_obstacle { /* what blocks */
                         MV_DRAIN_NOTHING,
                         MV_DRAIN_WEBHOOK,     /* KubeVirt refuses the eviction */
                         MV_DRAIN_BUDGET,      /* a PodDisruptionBudget does */
                         MV_DRAIN_NO_NODE,     /* no node takes it */
                         MV_DRAIN_CONVERGENCE, /* its migration does not end in time */
                         MV_DRAIN_QUEUE,       /* the limits let no migration start */
                         MV_DRAIN_POD,         /* KubeVirt cannot make its pod */
                         MV_DRAIN_REFUSED,     /* the API server refuses its target pod */
};

struct mv_drain_fix {
        const char *rule; /* "" when no rule says it */
        struct mv_str message, fix;
        bool condition; /* KubeVirt's own condition says so, too */
};

/* What becomes of one instance in the drain of one node. Times are milliseconds from the beginning, MV_SIM_NEVER: not
 * known, or never. */
struct mv_drain_fate {
        const struct mv_vmi *vmi;
        struct mv_str from, to; /* to: "" when it goes nowhere, or nobody knows */
        size_t node;            /* of those that are drained */
        enum mv_drain_outcome outcome;
        enum mv_drain_obstacle obstacle;
        struct mv_str why;
        int64_t begin_least, begin_most, end_least, end_most;
        int64_t grace;                    /* seconds; -1: it does not shut down */
        bool homeless;                    /* it would go elsewhere, and no node takes it */
        bool fix_first;                   /* it blocks, or is left without a node to run on */
        unsigned wave, attempts;          /* 0: none */
        struct mv_str mismatch;           /* "" unless the rules say something else than its condition */
        const struct mv_drain_fix *fixes; /* what to change so that it can migrate */
        size_t n_fixes;
        struct mv_str advice; /* what else to do about one that blocks; "" */
};

struct mv_drain_node {
        struct mv_str name;
        size_t n_fates, n_blocking, n_external;
        int64_t begin_least, empty_least, empty_most; /* MV_SIM_NEVER: it does not become empty */
};

struct mv_drain_plan {
        const struct mv_drain_fate *fates; /* by node, then in the order of the evictions */
        const struct mv_drain_node *nodes; /* in the order in which they were given, each once */
        size_t n_fates, n_nodes;
        size_t count[MV_DRAIN_UNDECIDED + 1]; /* of fates, by outcome */
        unsigned waves;
        int64_t least, most; /* until all nodes are empty; MV_SIM_NEVER */
        bool blocks;         /* something blocks, or was not decided */
        bool stopped;
        /* An order of the nodes, one by one, in which fewer instances find no node; n_order is 0 when there is none. */
        const size_t *order;
        size_t n_order, order_leaves; /* that find none even so */
        const struct mv_str *assumptions;
        size_t n_assumptions;
};

/* The nodes must be in the snapshot. NULL when the arena has failed. */
const struct mv_drain_plan *mv_drain_plan_make(struct mv_arena *arena, const struct mv_drain_order *order);

/*
 * The drain of one node for a review, so without verdicts and for some 100 ms at most. Its memory follows the size of the
 * cluster, not of the request, so it is an arena of its own: initialised here, also on failure. *ret is NULL when there is
 * no such node. False when the arena has failed.
 */
bool mv_drain_for_review(struct mv_arena *arena, const struct mv_allocator *allocator,
                         const struct mv_drain_question *about, struct mv_str node,
                         const struct mv_drain_plan **ret);

/* "migrates", "stays-down", ...; "eviction-webhook", ..., "" for none. */
const char *mv_drain_outcome_name(enum mv_drain_outcome outcome);
const char *mv_drain_obstacle_name(enum mv_drain_obstacle obstacle);
