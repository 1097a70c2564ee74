/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a simulation and its queues, for policy/drain/drain_sim.c: which instances are where, who waits for what, what
 * happens next, and from which node the next migration can start.
 */
#pragma once

#include "policy/drain/drain_sim.h"

enum mv_run_state {
        MV_RUN_IDLE,
        MV_RUN_QUEUED,      /* its migration waits for its turn */
        MV_RUN_UNSCHEDULED, /* its target pod waits for a node */
        MV_RUN_MOVING,
        MV_RUN_BACKING_OFF,
        MV_RUN_WAITING, /* for a disruption budget */
        MV_RUN_SHUTTING_DOWN,
        MV_RUN_STARTING, /* it is down and waits for a node */
        MV_RUN_OVER,     /* it is down, or its migration was aborted */
};

struct mv_run_vm {
        enum mv_run_state state;
        uint32_t node, target;
        uint32_t move;                  /* its move in the result; NONE: it is not being drained */
        uint32_t next, prev;            /* in the list that its state has it in */
        uint32_t next_here, prev_here;  /* among the instances of its node */
        uint32_t generation;            /* its events of before are void */
        uint32_t failures, wave, epoch; /* epoch: when a node was last looked for */
        int priority;
        uint64_t ticket; /* who came first */
        bool tried;      /* a node was looked for */
        bool narrow;     /* its migration is */
};

struct mv_run_list {
        uint32_t first, last;
};

struct mv_run_node {
        struct mv_run_list queue; /* migrations that wait, the next one first */
        uint32_t first_here, last_here;
        int64_t leaving; /* migrations under way from it */
        uint32_t place;  /* in the heap of nodes of which one can start, NONE: it is not in it */
};

struct mv_run_event {
        int64_t at;
        uint64_t order;
        uint32_t vm, generation;
};

struct mv_run {
        struct mv_arena *arena;
        const struct mv_sim *sim;
        struct mv_run_vm *vms;
        struct mv_run_node *nodes;
        bool *closed;
        int64_t *budgets;
        struct mv_run_list *waiting; /* for each budget */
        struct mv_run_list unscheduled, starting;
        struct mv_run_event *events; /* a heap */
        size_t n_events, room_for_events;
        uint32_t *ready; /* a heap of nodes */
        uint32_t n_ready;
        int64_t now, running;
        uint64_t tickets, orders, questions;
        uint32_t epoch;    /* counts the times that something left an open node */
        uint64_t busy;     /* instances that move or shut down */
        uint64_t in_queue; /* instances that queue or back off */
        uint64_t hopeless; /* of these, the ones for which no node was found since */
        uint32_t wave;     /* of the one whose event this is */
        uint32_t drain;    /* the one under way */
        struct mv_sim_move *moves;
        uint32_t n_moves, room_for_moves;
        struct mv_sim_drain *drains;
        bool moved; /* a pod came to a node, or left one, since those that wait were last asked */
        bool stopped;
};

#define MV_RUN_EMPTY_LIST ((struct mv_run_list){ MV_SIM_NONE, MV_SIM_NONE })

/* Memory for it, with nothing in it. False when the arena has failed. */
bool mv_run_make_room(struct mv_run *run);

/* Lists of instances; before: the one to come after, MV_SIM_NONE: to be the first. */
void mv_run_list_insert_after(struct mv_run_vm *vms, struct mv_run_list *list, uint32_t before, uint32_t vm);
void mv_run_list_append(struct mv_run_vm *vms, struct mv_run_list *list, uint32_t vm);
void mv_run_list_remove(struct mv_run_vm *vms, struct mv_run_list *list, uint32_t vm);

/* The instance is on that node (MV_SIM_NONE: on none that is known) from now on; or on none. */
void mv_run_come_to(struct mv_run *run, uint32_t number, uint32_t node);
void mv_run_go_from_node(struct mv_run *run, uint32_t number);

/* The instance wakes after so long, unless its state changes before. */
void mv_run_wake_after(struct mv_run *run, uint32_t vm, int64_t delay);
/* Take the next event; there must be one. */
struct mv_run_event mv_run_next_event(struct mv_run *run);

/* Its migration waits for its turn; or no more. */
void mv_run_enqueue(struct mv_run *run, uint32_t number, int priority);
void mv_run_dequeue(struct mv_run *run, uint32_t number);
/* Count it among those that wait for their turn, or no more. */
void mv_run_count_in_queue(struct mv_run *run, const struct mv_run_vm *vm, bool in);
/* Put the node where it belongs among those of which one can start, after its migrations have changed. */
void mv_run_update_node(struct mv_run *run, uint32_t node);
