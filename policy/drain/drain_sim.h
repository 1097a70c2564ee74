/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drain of nodes in virtual time, as numbers: who moves when, given where each instance can go. What an instance is,
 * how long it takes and which node takes it, the caller knows (policy/drain/drain.c).
 *
 * The model. A drain closes its nodes and evicts everything on them at once, as kubectl does. An instance then
 *  - migrates: it queues for a place of the cluster and one of its node (the highest priority first, then who came
 *    first), gets a target pod, which holds the places, and is on the other node when its time has passed. A target pod
 *    that no node takes holds its places until it times out; then the migration fails, and a new one queues after a
 *    back-off that doubles with each failure;
 *  - or shuts down, once the disruption budget allows it, and starts elsewhere, if it does, when a node takes it;
 *  - or stays.
 * Migrations that exist already queue and run with the others. Pods that wait for a node are tried again, in the order in
 * which they came, when something leaves an open node; where pods look at each other (company) also when anything came
 * to a node or left one, once whatever else happens at that moment is done. The drain is over when nothing is left that could still change:
 * what then waits would wait for ever. One by one, a node takes instances again when it is empty, and the next one is
 * drained; one that does not become empty stays closed.
 *
 * Pure; times are milliseconds from the beginning.
 */
#pragma once

#include "policy/base/arena.h"

#include <stdint.h>

#define MV_SIM_NONE UINT32_MAX
#define MV_SIM_NEVER INT64_MAX

/* After so many failures a back-off is longer than any drain lasts: the migration is not tried again. */
enum { MV_SIM_MOST_FAILURES = 16 };

enum mv_sim_way { /* what its eviction does to an instance */
                  MV_SIM_STAYS,
                  MV_SIM_MIGRATES,
                  MV_SIM_RESTARTS,
                  MV_SIM_SHUTS_DOWN,
};
enum mv_sim_job { /* the migration that it has already */
                  MV_SIM_NO_JOB,
                  MV_SIM_QUEUED,
                  MV_SIM_RUNNING,
};

struct mv_sim_vm {
        uint32_t node;
        enum mv_sim_way way;
        int priority;    /* of the migration that its evacuation makes */
        int64_t takes;   /* a migration, from its target pod to the end */
        int64_t aborted; /* it does not end: it is aborted after so long; 0: it ends */
        int64_t grace;   /* to shut down */
        uint32_t budget; /* that its eviction needs, MV_SIM_NONE */
        enum mv_sim_job job;
        int job_priority;
        uint32_t job_target; /* of one that runs; MV_SIM_NONE: not known */
        bool job_is_narrow; /* of one that queues: it asks for more than the one that is made when it has failed */
};

/* Where pods go. */
struct mv_sim_places {
        void *context;
        /* A node for the instance that leaves `from` (MV_SIM_NONE: that starts), none that is closed; MV_SIM_NONE. */
        uint32_t (*find)(void *context, uint32_t vm, uint32_t from, const bool *closed);
        /* Its pod comes to that node, or leaves it. */
        void (*take)(void *context, uint32_t vm, uint32_t node);
        void (*leave)(void *context, uint32_t vm, uint32_t node);
        /* A narrow migration has failed for want of a node. */
        void (*fail)(void *context, uint32_t vm);
};

struct mv_sim {
        const struct mv_sim_vm *vms; /* in the order in which they are evicted and their migrations came */
        uint32_t n_vms, n_nodes;
        const int64_t *budgets; /* disruptions that each allows */
        uint32_t n_budgets;
        const uint32_t *drained; /* nodes, in their order */
        uint32_t n_drained;
        bool one_by_one;
        int64_t cluster_limit, node_limit;
        int64_t pending_timeout, first_backoff;
        uint64_t most_questions; /* stop after so many calls of find; 0: never */
        bool company;            /* where pods may go depends on where others are */
        struct mv_sim_places places;
};

enum mv_sim_end {
        MV_SIM_MOVED,
        MV_SIM_STARTED,   /* shut down and started elsewhere */
        MV_SIM_DOWN,      /* shut down, and that was all */
        MV_SIM_HOMELESS,  /* shut down, and no node takes it */
        MV_SIM_STAYED,    /* as its way says */
        MV_SIM_NO_NODE,   /* no node takes its target pod */
        MV_SIM_ABORTED,   /* its migration was aborted */
        MV_SIM_NO_BUDGET, /* the disruption budget never allowed it */
        MV_SIM_NO_TURN,   /* it never got a place in the queue */
        MV_SIM_STOPPED,   /* the simulation was stopped before it was decided */
};

/* What became of one instance in the drain of one node. */
struct mv_sim_move {
        uint32_t vm, from, to; /* to: MV_SIM_NONE when it went nowhere, or nobody knows where */
        uint32_t drain;        /* place of the node in drained */
        enum mv_sim_end end;
        /* started: its last target pod was made, or it shuts down; left: its pod is gone from the node; ended: and it is
         * where it goes. MV_SIM_NEVER: not so far. */
        int64_t evicted, started, left, ended;
        uint32_t wave; /* 1: it did not wait for another one; else one more than the one that it waited for */
        uint32_t attempts; /* target pods that were made */
};
struct mv_sim_drain {
        int64_t begun, empty; /* empty: MV_SIM_NEVER when something is left on it */
};
struct mv_sim_result {
        const struct mv_sim_move *moves; /* in the order of the evictions */
        uint32_t n_moves;
        const struct mv_sim_drain *drains; /* one a drained node */
        bool stopped;
};

/* NULL when the arena has failed. */
const struct mv_sim_result *mv_sim_run(struct mv_arena *arena, const struct mv_sim *sim);
