/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/drain_sim.h"

#define NONE MV_SIM_NONE

enum state {
        IDLE,
        QUEUED,      /* its migration waits for its turn */
        UNSCHEDULED, /* its target pod waits for a node */
        MOVING,
        BACKING_OFF,
        WAITING, /* for a disruption budget */
        SHUTTING_DOWN,
        STARTING, /* it is down and waits for a node */
        OVER,     /* it is down, or its migration was aborted */
};

struct vm {
        enum state state;
        uint32_t node, target;
        uint32_t move;                  /* its move in the result; NONE: it is not being drained */
        uint32_t next, prev;            /* in the list that its state has it in */
        uint32_t next_here, prev_here;  /* among the instances of its node */
        uint32_t generation;            /* its events of before are void */
        uint32_t failures, wave, epoch; /* epoch: when a node was last looked for */
        int priority;
        uint64_t ticket; /* who came first */
        bool tried;      /* a node was looked for */
};

struct list {
        uint32_t first, last;
};

struct node {
        struct list queue; /* migrations that wait, the next one first */
        uint32_t first_here, last_here;
        int64_t leaving; /* migrations under way from it */
        uint32_t place;  /* in the heap of nodes of which one can start, NONE: it is not in it */
};

struct event {
        int64_t at;
        uint64_t order;
        uint32_t vm, generation;
};

struct run {
        struct mv_arena *arena;
        const struct mv_sim *sim;
        struct vm *vms;
        struct node *nodes;
        bool *closed;
        int64_t *budgets;
        struct list *waiting; /* for each budget */
        struct list unscheduled, starting;
        struct event *events; /* a heap */
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
        bool stopped;
};

/* --- lists --- */

static const struct list empty_list = { NONE, NONE };

static void list_insert_after(struct vm *vms, struct list *list, uint32_t before, uint32_t vm) {
        uint32_t after = before == NONE ? list->first : vms[before].next;
        vms[vm].prev = before;
        vms[vm].next = after;
        *(before == NONE ? &list->first : &vms[before].next) = vm;
        *(after == NONE ? &list->last : &vms[after].prev) = vm;
}

static void list_append(struct vm *vms, struct list *list, uint32_t vm) {
        list_insert_after(vms, list, list->last, vm);
}

static void list_remove(struct vm *vms, struct list *list, uint32_t vm) {
        uint32_t before = vms[vm].prev, after = vms[vm].next;
        *(before == NONE ? &list->first : &vms[before].next) = after;
        *(after == NONE ? &list->last : &vms[after].prev) = before;
        vms[vm].next = vms[vm].prev = NONE;
}

static void come_to(struct run *run, uint32_t number, uint32_t node) {
        struct vm *vm = &run->vms[number];
        vm->node = node;
        vm->next_here = vm->prev_here = NONE;
        if (node == NONE)
                return;
        struct node *n = &run->nodes[node];
        vm->prev_here = n->last_here;
        *(n->last_here == NONE ? &n->first_here : &run->vms[n->last_here].next_here) = number;
        n->last_here = number;
}

static void go_from_node(struct run *run, uint32_t number) {
        struct vm *vm = &run->vms[number];
        if (vm->node == NONE)
                return;
        struct node *n = &run->nodes[vm->node];
        *(vm->prev_here == NONE ? &n->first_here : &run->vms[vm->prev_here].next_here) = vm->next_here;
        *(vm->next_here == NONE ? &n->last_here : &run->vms[vm->next_here].prev_here) = vm->prev_here;
        vm->node = NONE;
}

/* --- the heap of events --- */

static bool is_earlier(const struct event *a, const struct event *b) {
        return a->at != b->at ? a->at < b->at : a->order < b->order;
}

/* The instance wakes after so long, unless its state changes before. */
static void wake_after(struct run *run, uint32_t vm, int64_t delay) {
        uint32_t generation = ++run->vms[vm].generation;
        if (delay >= MV_SIM_NEVER - run->now)
                return; /* never */
        if (run->n_events == run->room_for_events) {
                size_t room = run->room_for_events * 2 + 64;
                struct event *events = mv_arena_new_array(run->arena, struct event, room);
                if (!events)
                        return;
                if (run->n_events)
                        memcpy(events, run->events, run->n_events * sizeof *events);
                run->events = events;
                run->room_for_events = room;
        }
        struct event event = {
                .at = run->now + delay, .order = run->orders++, .vm = vm, .generation = generation
        };
        size_t i = run->n_events++;
        for (; i && is_earlier(&event, &run->events[(i - 1) / 2]); i = (i - 1) / 2)
                run->events[i] = run->events[(i - 1) / 2];
        run->events[i] = event;
}

static struct event next_event(struct run *run) {
        struct event first = run->events[0], last = run->events[--run->n_events];
        size_t i = 0;
        for (size_t child; (child = 2 * i + 1) < run->n_events; i = child) {
                if (child + 1 < run->n_events && is_earlier(&run->events[child + 1], &run->events[child]))
                        child++;
                if (!is_earlier(&run->events[child], &last))
                        break;
                run->events[i] = run->events[child];
        }
        run->events[i] = last;
        return first;
}

/* --- the heap of nodes --- */

static bool is_before(const struct vm *a, const struct vm *b) {
        return a->priority != b->priority ? a->priority > b->priority : a->ticket < b->ticket;
}

static bool node_is_before(const struct run *run, uint32_t a, uint32_t b) {
        return is_before(&run->vms[run->nodes[a].queue.first], &run->vms[run->nodes[b].queue.first]);
}

static void put_ready(struct run *run, uint32_t place, uint32_t node) {
        run->ready[place] = node;
        run->nodes[node].place = place;
}

static void sift(struct run *run, uint32_t place, uint32_t node) {
        for (; place && node_is_before(run, node, run->ready[(place - 1) / 2]); place = (place - 1) / 2)
                put_ready(run, place, run->ready[(place - 1) / 2]);
        for (uint32_t child; (child = 2 * place + 1) < run->n_ready; place = child) {
                if (child + 1 < run->n_ready && node_is_before(run, run->ready[child + 1], run->ready[child]))
                        child++;
                if (!node_is_before(run, run->ready[child], node))
                        break;
                put_ready(run, place, run->ready[child]);
        }
        put_ready(run, place, node);
}

/* Put the node where it belongs after its queue or the number of its migrations has changed. */
static void update_node(struct run *run, uint32_t node) {
        struct node *n = &run->nodes[node];
        bool can = n->queue.first != NONE && n->leaving < run->sim->node_limit;
        if (can)
                sift(run, n->place == NONE ? run->n_ready++ : n->place, node);
        else if (n->place != NONE) {
                uint32_t place = n->place, last = run->ready[--run->n_ready];
                n->place = NONE;
                if (last != node)
                        sift(run, place, last);
        }
}

/* --- states --- */

static bool is_hopeless(const struct run *run, const struct vm *vm) {
        return vm->tried && vm->epoch == run->epoch;
}

/* Count it among those that wait for their turn, or no more. */
static void count_in_queue(struct run *run, const struct vm *vm, bool in) {
        run->in_queue += in ? 1 : UINT64_MAX;
        if (is_hopeless(run, vm))
                run->hopeless += in ? 1 : UINT64_MAX;
}

static struct mv_sim_move *move_of(struct run *run, const struct vm *vm) {
        return vm->move == NONE ? NULL : &run->moves[vm->move];
}

static void enqueue(struct run *run, uint32_t number, int priority) {
        struct vm *vm = &run->vms[number];
        struct node *node = &run->nodes[vm->node];
        vm->state = QUEUED;
        vm->priority = priority;
        vm->ticket = run->tickets++;
        uint32_t before = node->queue.last;
        while (before != NONE && is_before(vm, &run->vms[before]))
                before = run->vms[before].prev;
        list_insert_after(run->vms, &node->queue, before, number);
        count_in_queue(run, vm, true);
        update_node(run, vm->node);
}

static void dequeue(struct run *run, uint32_t number) {
        struct vm *vm = &run->vms[number];
        list_remove(run->vms, &run->nodes[vm->node].queue, number);
        count_in_queue(run, vm, false);
        update_node(run, vm->node);
}

static uint32_t find(struct run *run, uint32_t number, uint32_t from) {
        if (run->sim->most_questions && run->questions == run->sim->most_questions) {
                run->stopped = true;
                return NONE;
        }
        run->questions++;
        run->vms[number].tried = true;
        run->vms[number].epoch = run->epoch;
        return run->sim->places.find(run->sim->places.context, number, from, run->closed);
}

static void take(struct run *run, uint32_t vm, uint32_t node) {
        if (node != NONE)
                run->sim->places.take(run->sim->places.context, vm, node);
}

/* It moves or shuts down; what never ends does not keep the simulation going. */
static void be_busy(struct run *run, uint32_t vm, int64_t takes) {
        run->busy += takes != MV_SIM_NEVER;
        wake_after(run, vm, takes);
}

static void evict(struct run *run, uint32_t number);

/* --- migrations --- */

/* The target pod has a node. */
static void go(struct run *run, uint32_t number, uint32_t target) {
        const struct mv_sim_vm *given = &run->sim->vms[number];
        struct vm *vm = &run->vms[number];
        vm->state = MOVING;
        vm->target = target;
        take(run, number, target);
        be_busy(run, number, given->aborted ? given->aborted : given->takes);
}

static void start(struct run *run, uint32_t number) {
        struct vm *vm = &run->vms[number];
        struct mv_sim_move *move = move_of(run, vm);
        dequeue(run, number);
        run->running++;
        run->nodes[vm->node].leaving++;
        update_node(run, vm->node);
        vm->wave = run->wave + 1;
        if (move) {
                move->started = run->now;
                move->wave = vm->wave;
                move->attempts++;
        }
        uint32_t target = find(run, number, vm->node);
        if (target != NONE) {
                go(run, number, target);
                return;
        }
        vm->state = UNSCHEDULED;
        list_append(run->vms, &run->unscheduled, number);
        wake_after(run, number, run->sim->pending_timeout);
}

static void start_what_can(struct run *run) {
        while (!run->stopped && run->running < run->sim->cluster_limit && run->n_ready)
                start(run, run->nodes[run->ready[0]].queue.first);
}

/* Its places are free again. */
static void release(struct run *run, const struct vm *vm) {
        run->running--;
        if (vm->node != NONE) {
                run->nodes[vm->node].leaving--;
                update_node(run, vm->node);
        }
}

static void back_off(struct run *run, uint32_t number) {
        struct vm *vm = &run->vms[number];
        list_remove(run->vms, &run->unscheduled, number);
        release(run, vm);
        /* Nobody makes a migration of a user again. */
        if (vm->move == NONE) {
                vm->state = IDLE;
                return;
        }
        vm->state = BACKING_OFF;
        count_in_queue(run, vm, true);
        wake_after(run, number,
                   vm->failures < MV_SIM_MOST_FAILURES ? run->sim->first_backoff << vm->failures
                                                       : MV_SIM_NEVER);
        vm->failures++;
}

/* --- shutting down and starting --- */

static void settle(struct run *run, struct vm *vm, enum mv_sim_end end, uint32_t to) {
        struct mv_sim_move *move = move_of(run, vm);
        vm->move = NONE;
        if (!move)
                return;
        move->end = end;
        move->to = to;
        move->ended = run->now;
}

static void shut_down(struct run *run, uint32_t number) {
        struct vm *vm = &run->vms[number];
        vm->state = SHUTTING_DOWN;
        vm->wave = run->wave + 1;
        run->moves[vm->move].started = run->now;
        run->moves[vm->move].wave = vm->wave;
        be_busy(run, number, run->sim->vms[number].grace);
}

/* One disruption more is allowed. */
static void give_back(struct run *run, uint32_t budget) {
        if (budget == NONE)
                return;
        uint32_t next = run->waiting[budget].first;
        if (next == NONE) {
                run->budgets[budget]++;
                return;
        }
        list_remove(run->vms, &run->waiting[budget], next);
        shut_down(run, next);
}

static bool try_to_start_up(struct run *run, uint32_t number) {
        struct vm *vm = &run->vms[number];
        uint32_t node = find(run, number, NONE);
        if (node == NONE)
                return false;
        take(run, number, node);
        come_to(run, number, node);
        vm->state = IDLE;
        settle(run, vm, MV_SIM_STARTED, node);
        give_back(run, run->sim->vms[number].budget);
        return true;
}

/* Something left an open node: whoever waits for a node tries again. */
static void try_again(struct run *run) {
        run->epoch++;
        run->hopeless = 0;
        for (uint32_t i = run->unscheduled.first, next; i != NONE && !run->stopped; i = next) {
                next = run->vms[i].next;
                uint32_t target = find(run, i, run->vms[i].node);
                if (target == NONE)
                        continue;
                list_remove(run->vms, &run->unscheduled, i);
                go(run, i, target);
        }
        for (uint32_t i = run->starting.first, next; i != NONE && !run->stopped; i = next) {
                next = run->vms[i].next;
                list_remove(run->vms, &run->starting, i);
                if (!try_to_start_up(run, i))
                        list_insert_after(run->vms, &run->starting,
                                          next == NONE ? run->starting.last : run->vms[next].prev, i);
        }
}

/* The pod of the instance leaves that node. */
static void leave(struct run *run, uint32_t number, uint32_t node) {
        if (node == NONE)
                return;
        run->sim->places.leave(run->sim->places.context, number, node);
        if (!run->closed[node])
                try_again(run);
}

static void come_to_rest(struct run *run, uint32_t number) {
        const struct mv_sim_vm *given = &run->sim->vms[number];
        struct vm *vm = &run->vms[number];
        uint32_t from = vm->node;
        run->busy--;
        go_from_node(run, number);
        run->moves[vm->move].left = run->now;
        if (given->way == MV_SIM_RESTARTS) {
                if (!try_to_start_up(run, number)) {
                        vm->state = STARTING;
                        list_append(run->vms, &run->starting, number);
                }
        } else {
                vm->state = OVER;
                settle(run, vm, MV_SIM_DOWN, NONE);
        }
        leave(run, number, from);
}

static void arrive(struct run *run, uint32_t number) {
        struct vm *vm = &run->vms[number];
        uint32_t from = vm->node, target = vm->target;
        run->busy--;
        release(run, vm);
        if (run->sim->vms[number].aborted) {
                vm->state = OVER;
                settle(run, vm, MV_SIM_ABORTED, NONE);
                leave(run, number, target);
                return;
        }
        vm->state = IDLE;
        vm->failures = 0;
        vm->tried = false;
        go_from_node(run, number);
        come_to(run, number, target);
        if (vm->move != NONE)
                run->moves[vm->move].left = run->now;
        settle(run, vm, MV_SIM_MOVED, target);
        leave(run, number, from);
        if (target != NONE && run->closed[target] && vm->state == IDLE)
                evict(run, number);
}

/* --- the drain --- */

static uint32_t add_move(struct run *run, uint32_t vm) {
        if (run->n_moves == run->room_for_moves) {
                uint32_t room = run->room_for_moves * 2 + run->sim->n_vms + 1;
                struct mv_sim_move *moves = mv_arena_new_array(run->arena, struct mv_sim_move, room);
                if (!moves)
                        return NONE;
                if (run->n_moves)
                        memcpy(moves, run->moves, run->n_moves * sizeof *moves);
                run->moves = moves;
                run->room_for_moves = room;
        }
        run->moves[run->n_moves] = (struct mv_sim_move){
                .vm = vm,
                .from = run->vms[vm].node,
                .to = NONE,
                .drain = run->drain,
                .end = MV_SIM_STOPPED,
                .evicted = run->now,
                .started = MV_SIM_NEVER,
                .left = MV_SIM_NEVER,
                .ended = MV_SIM_NEVER,
        };
        return run->n_moves++;
}

static void evict_by_budget(struct run *run, uint32_t number) {
        struct vm *vm = &run->vms[number];
        uint32_t budget = run->sim->vms[number].budget;
        if (budget == NONE || run->budgets[budget] > 0) {
                if (budget != NONE)
                        run->budgets[budget]--;
                shut_down(run, number);
        } else {
                vm->state = WAITING;
                list_append(run->vms, &run->waiting[budget], number);
        }
}

static void evict(struct run *run, uint32_t number) {
        const struct mv_sim_vm *given = &run->sim->vms[number];
        struct vm *vm = &run->vms[number];
        vm->move = add_move(run, number);
        if (vm->move == NONE)
                return;
        if (vm->state == MOVING || vm->state == UNSCHEDULED) { /* already on its way */
                run->moves[vm->move].started = run->now;
                run->moves[vm->move].wave = vm->wave;
                run->moves[vm->move].attempts = 1;
        } else if (given->way == MV_SIM_STAYS || vm->state == OVER)
                settle(run, vm, given->way == MV_SIM_STAYS ? MV_SIM_STAYED : MV_SIM_ABORTED, NONE);
        else if (given->way == MV_SIM_MIGRATES && vm->state == IDLE)
                enqueue(run, number, given->priority);
        else if (given->way != MV_SIM_MIGRATES) {
                if (vm->state == QUEUED)
                        dequeue(run, number);
                evict_by_budget(run, number);
        }
}

static void open_drain(struct run *run, uint32_t node) {
        run->drains[run->drain] = (struct mv_sim_drain){ .begun = run->now, .empty = MV_SIM_NEVER };
        run->wave = 0;
        for (uint32_t i = run->nodes[node].first_here, next; i != NONE; i = next) {
                next = run->vms[i].next_here;
                evict(run, i);
        }
}

static void wake(struct run *run, uint32_t number) {
        struct vm *vm = &run->vms[number];
        run->wave = vm->wave;
        switch (vm->state) {
        case MOVING:
                arrive(run, number);
                break;
        case UNSCHEDULED:
                back_off(run, number);
                break;
        case BACKING_OFF:
                count_in_queue(run, vm, false);
                enqueue(run, number, run->sim->vms[number].priority);
                break;
        case SHUTTING_DOWN:
                come_to_rest(run, number);
                break;
        default:
                break;
        }
}

static void run_until_nothing_changes(struct run *run) {
        start_what_can(run);
        while (run->n_events && (run->busy || run->in_queue > run->hopeless) && !run->stopped &&
               !mv_arena_failed(run->arena)) {
                struct event event = next_event(run);
                if (event.generation != run->vms[event.vm].generation)
                        continue;
                run->now = event.at;
                wake(run, event.vm);
                start_what_can(run);
        }
}

/* What waits now would wait for ever: take it out of the queues. */
static void give_up(struct run *run, uint32_t number) {
        struct vm *vm = &run->vms[number];
        struct mv_sim_move *move = move_of(run, vm);
        if (!move)
                return;
        enum mv_sim_end end = run->stopped ? MV_SIM_STOPPED : vm->tried ? MV_SIM_NO_NODE : MV_SIM_NO_TURN;
        switch (vm->state) {
        case QUEUED:
                dequeue(run, number);
                break;
        case UNSCHEDULED:
                list_remove(run->vms, &run->unscheduled, number);
                release(run, vm);
                break;
        case BACKING_OFF:
                count_in_queue(run, vm, false);
                break;
        case WAITING:
                list_remove(run->vms, &run->waiting[run->sim->vms[number].budget], number);
                end = run->stopped ? MV_SIM_STOPPED : MV_SIM_NO_BUDGET;
                break;
        default:
                end = MV_SIM_STOPPED;
                break;
        }
        vm->generation++;
        if (vm->state != MOVING && vm->state != SHUTTING_DOWN)
                vm->state = IDLE;
        vm->failures = 0;
        vm->tried = false;
        vm->move = NONE;
        move->end = end;
}

/* Whoever is down and waits for a node does not keep the drain, but waits on. */
static void close_drains(struct run *run, uint32_t first_move) {
        for (uint32_t i = first_move; i < run->n_moves; i++) {
                struct mv_sim_move *move = &run->moves[i];
                if (run->vms[move->vm].move != i)
                        continue;
                if (run->vms[move->vm].state == STARTING)
                        move->end = MV_SIM_HOMELESS;
                else
                        give_up(run, move->vm);
        }
}

static void note_empty(struct run *run, uint32_t first_move, uint32_t first_drain, uint32_t n) {
        for (uint32_t i = first_drain; i < first_drain + n; i++)
                run->drains[i].empty = run->drains[i].begun;
        for (uint32_t i = first_move; i < run->n_moves; i++) {
                int64_t *empty = &run->drains[run->moves[i].drain].empty;
                if (run->moves[i].left > *empty)
                        *empty = run->moves[i].left;
        }
}

static void drain_at_once(struct run *run) {
        const struct mv_sim *sim = run->sim;
        for (uint32_t i = 0; i < sim->n_drained; i++)
                run->closed[sim->drained[i]] = true;
        for (run->drain = 0; run->drain < sim->n_drained; run->drain++)
                open_drain(run, sim->drained[run->drain]);
        run->drain = 0;
        run_until_nothing_changes(run);
        close_drains(run, 0);
        note_empty(run, 0, 0, sim->n_drained);
}

static void drain_one_by_one(struct run *run) {
        const struct mv_sim *sim = run->sim;
        for (run->drain = 0; run->drain < sim->n_drained && !run->stopped; run->drain++) {
                uint32_t node = sim->drained[run->drain], first_move = run->n_moves;
                run->closed[node] = true;
                open_drain(run, node);
                run_until_nothing_changes(run);
                close_drains(run, first_move);
                note_empty(run, first_move, run->drain, 1);
                if (run->drains[run->drain].empty == MV_SIM_NEVER)
                        continue;
                run->closed[node] = false;
                try_again(run);
        }
        for (uint32_t i = run->drain; i < sim->n_drained; i++)
                run->drains[i] = (struct mv_sim_drain){ MV_SIM_NEVER, MV_SIM_NEVER };
}

/* Migrations that exist already. */
static void put_jobs(struct run *run) {
        for (uint32_t i = 0; i < run->sim->n_vms; i++) {
                const struct mv_sim_vm *given = &run->sim->vms[i];
                come_to(run, i, given->node);
                if (given->node == NONE)
                        continue;
                if (given->job == MV_SIM_QUEUED)
                        enqueue(run, i, given->job_priority);
                else if (given->job == MV_SIM_RUNNING) {
                        run->running++;
                        run->nodes[given->node].leaving++;
                        update_node(run, given->node);
                        run->vms[i].wave = 1;
                        run->vms[i].state = MOVING;
                        run->vms[i].target = given->job_target;
                        be_busy(run, i, given->aborted ? given->aborted : given->takes);
                }
        }
}

static bool make_room(struct run *run) {
        const struct mv_sim *sim = run->sim;
        run->vms = mv_arena_new_array(run->arena, struct vm, (size_t)sim->n_vms + 1);
        run->nodes = mv_arena_new_array(run->arena, struct node, (size_t)sim->n_nodes + 1);
        run->closed = mv_arena_new_array(run->arena, bool, (size_t)sim->n_nodes + 1);
        run->budgets = mv_arena_new_array(run->arena, int64_t, (size_t)sim->n_budgets + 1);
        run->waiting = mv_arena_new_array(run->arena, struct list, (size_t)sim->n_budgets + 1);
        run->ready = mv_arena_new_array(run->arena, uint32_t, (size_t)sim->n_nodes + 1);
        run->drains = mv_arena_new_array(run->arena, struct mv_sim_drain, (size_t)sim->n_drained + 1);
        if (mv_arena_failed(run->arena))
                return false;
        for (uint32_t i = 0; i < sim->n_vms; i++)
                run->vms[i] =
                        (struct vm){ .node = NONE, .target = NONE, .move = NONE, .next = NONE, .prev = NONE };
        for (uint32_t i = 0; i < sim->n_nodes; i++)
                run->nodes[i] = (struct node){
                        .queue = empty_list, .first_here = NONE, .last_here = NONE, .place = NONE
                };
        for (uint32_t i = 0; i < sim->n_budgets; i++) {
                run->budgets[i] = sim->budgets[i];
                run->waiting[i] = empty_list;
        }
        return true;
}

const struct mv_sim_result *mv_sim_run(struct mv_arena *arena, const struct mv_sim *sim) {
        struct run run = { .arena = arena, .sim = sim, .unscheduled = empty_list, .starting = empty_list };
        struct mv_sim_result *ret = mv_arena_new(arena, struct mv_sim_result);
        if (!ret || !make_room(&run))
                return NULL;
        put_jobs(&run);
        if (sim->one_by_one)
                drain_one_by_one(&run);
        else
                drain_at_once(&run);
        if (mv_arena_failed(arena))
                return NULL;
        *ret = (struct mv_sim_result){
                .moves = run.moves,
                .n_moves = run.n_moves,
                .drains = run.drains,
                .stopped = run.stopped,
        };
        return ret;
}
