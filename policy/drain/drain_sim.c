/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/drain/drain_run.h"

#define NONE MV_SIM_NONE

static struct mv_sim_move *move_of(struct mv_run *run, const struct mv_run_vm *vm) {
        return vm->move == NONE ? NULL : &run->moves[vm->move];
}

static uint32_t find(struct mv_run *run, uint32_t number, uint32_t from) {
        if (run->sim->most_questions && run->questions == run->sim->most_questions) {
                run->stopped = true;
                return NONE;
        }
        run->questions++;
        run->vms[number].tried = true;
        run->vms[number].epoch = run->epoch;
        return run->sim->places.find(run->sim->places.context, number, from, run->closed);
}

static void take(struct mv_run *run, uint32_t vm, uint32_t node) {
        if (node == NONE)
                return;
        run->moved = run->sim->company;
        run->sim->places.take(run->sim->places.context, vm, node);
}

/* It moves or shuts down; what never ends does not keep the simulation going. */
static void be_busy(struct mv_run *run, uint32_t vm, int64_t takes) {
        run->busy += takes != MV_SIM_NEVER;
        mv_run_wake_after(run, vm, takes);
}

static void evict(struct mv_run *run, uint32_t number);

/* --- migrations --- */

/* The target pod has a node. */
static void go(struct mv_run *run, uint32_t number, uint32_t target) {
        const struct mv_sim_vm *given = &run->sim->vms[number];
        struct mv_run_vm *vm = &run->vms[number];
        run->busy -= vm->narrow && vm->state == MV_RUN_UNSCHEDULED;
        vm->narrow = false;
        vm->state = MV_RUN_MOVING;
        vm->target = target;
        take(run, number, target);
        be_busy(run, number, given->aborted ? given->aborted : given->takes);
}

static void start(struct mv_run *run, uint32_t number) {
        struct mv_run_vm *vm = &run->vms[number];
        struct mv_sim_move *move = move_of(run, vm);
        mv_run_dequeue(run, number);
        run->running++;
        run->nodes[vm->node].leaving++;
        mv_run_update_node(run, vm->node);
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
        vm->state = MV_RUN_UNSCHEDULED;
        run->busy += vm->narrow; /* when it has failed, another one may fit */
        mv_run_list_append(run->vms, &run->unscheduled, number);
        mv_run_wake_after(run, number, run->sim->pending_timeout);
}

static void start_what_can(struct mv_run *run) {
        while (!run->stopped && run->running < run->sim->cluster_limit && run->n_ready)
                start(run, run->nodes[run->ready[0]].queue.first);
}

/* Its places are free again. */
static void release(struct mv_run *run, const struct mv_run_vm *vm) {
        run->running--;
        if (vm->node != NONE) {
                run->nodes[vm->node].leaving--;
                mv_run_update_node(run, vm->node);
        }
}

static void back_off(struct mv_run *run, uint32_t number) {
        struct mv_run_vm *vm = &run->vms[number];
        bool narrow = vm->narrow; /* so a user made it: no failure that the next one would back off from */
        mv_run_list_remove(run->vms, &run->unscheduled, number);
        release(run, vm);
        if (narrow) {
                run->busy--;
                vm->narrow = false;
                vm->tried = false;
                run->sim->places.fail(run->sim->places.context, number);
        }
        /* Nobody makes a migration of a user again. */
        if (vm->move == NONE) {
                vm->state = MV_RUN_IDLE;
                return;
        }
        vm->state = MV_RUN_BACKING_OFF;
        mv_run_count_in_queue(run, vm, true);
        mv_run_wake_after(run, number,
                          narrow                                ? 0
                          : vm->failures < MV_SIM_MOST_FAILURES ? run->sim->first_backoff << vm->failures
                                                                : MV_SIM_NEVER);
        vm->failures += !narrow;
}

/* --- shutting down and starting --- */

static void settle(struct mv_run *run, struct mv_run_vm *vm, enum mv_sim_end end, uint32_t to) {
        struct mv_sim_move *move = move_of(run, vm);
        vm->move = NONE;
        if (!move)
                return;
        move->end = end;
        move->to = to;
        move->ended = run->now;
}

static void shut_down(struct mv_run *run, uint32_t number) {
        struct mv_run_vm *vm = &run->vms[number];
        vm->state = MV_RUN_SHUTTING_DOWN;
        vm->wave = run->wave + 1;
        run->moves[vm->move].started = run->now;
        run->moves[vm->move].wave = vm->wave;
        be_busy(run, number, run->sim->vms[number].grace);
}

/* One disruption more is allowed. */
static void give_back(struct mv_run *run, uint32_t budget) {
        if (budget == NONE)
                return;
        uint32_t next = run->waiting[budget].first;
        if (next == NONE) {
                run->budgets[budget]++;
                return;
        }
        mv_run_list_remove(run->vms, &run->waiting[budget], next);
        shut_down(run, next);
}

static bool try_to_start_up(struct mv_run *run, uint32_t number) {
        struct mv_run_vm *vm = &run->vms[number];
        uint32_t node = find(run, number, NONE);
        if (node == NONE)
                return false;
        take(run, number, node);
        mv_run_come_to(run, number, node);
        vm->state = MV_RUN_IDLE;
        settle(run, vm, MV_SIM_STARTED, node);
        give_back(run, run->sim->vms[number].budget);
        return true;
}

/* Something left an open node: whoever waits for a node tries again. */
static void try_again(struct mv_run *run) {
        run->epoch++;
        run->hopeless = 0;
        for (uint32_t i = run->unscheduled.first, next; i != NONE && !run->stopped; i = next) {
                next = run->vms[i].next;
                uint32_t target = find(run, i, run->vms[i].node);
                if (target == NONE)
                        continue;
                mv_run_list_remove(run->vms, &run->unscheduled, i);
                go(run, i, target);
        }
        for (uint32_t i = run->starting.first, next; i != NONE && !run->stopped; i = next) {
                next = run->vms[i].next;
                mv_run_list_remove(run->vms, &run->starting, i);
                if (!try_to_start_up(run, i))
                        mv_run_list_insert_after(run->vms, &run->starting,
                                                 next == NONE ? run->starting.last : run->vms[next].prev, i);
        }
}

/* The pod of the instance leaves that node. */
static void leave(struct mv_run *run, uint32_t number, uint32_t node) {
        if (node == NONE)
                return;
        run->sim->places.leave(run->sim->places.context, number, node);
        run->moved = run->sim->company;
        if (!run->closed[node])
                try_again(run);
}

static void come_to_rest(struct mv_run *run, uint32_t number) {
        const struct mv_sim_vm *given = &run->sim->vms[number];
        struct mv_run_vm *vm = &run->vms[number];
        uint32_t from = vm->node;
        run->busy--;
        mv_run_go_from_node(run, number);
        run->moves[vm->move].left = run->now;
        if (given->way == MV_SIM_RESTARTS) {
                if (!try_to_start_up(run, number)) {
                        vm->state = MV_RUN_STARTING;
                        mv_run_list_append(run->vms, &run->starting, number);
                }
        } else {
                vm->state = MV_RUN_OVER;
                settle(run, vm, MV_SIM_DOWN, NONE);
        }
        leave(run, number, from);
}

static void arrive(struct mv_run *run, uint32_t number) {
        struct mv_run_vm *vm = &run->vms[number];
        uint32_t from = vm->node, target = vm->target;
        run->busy--;
        release(run, vm);
        if (run->sim->vms[number].aborted) {
                vm->state = MV_RUN_OVER;
                settle(run, vm, MV_SIM_ABORTED, NONE);
                leave(run, number, target);
                return;
        }
        vm->state = MV_RUN_IDLE;
        vm->failures = 0;
        vm->tried = false;
        mv_run_go_from_node(run, number);
        mv_run_come_to(run, number, target);
        if (vm->move != NONE)
                run->moves[vm->move].left = run->now;
        settle(run, vm, MV_SIM_MOVED, target);
        leave(run, number, from);
        if (target != NONE && run->closed[target] && vm->state == MV_RUN_IDLE)
                evict(run, number);
}

/* --- the drain --- */

static uint32_t add_move(struct mv_run *run, uint32_t vm) {
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

static void evict_by_budget(struct mv_run *run, uint32_t number) {
        struct mv_run_vm *vm = &run->vms[number];
        uint32_t budget = run->sim->vms[number].budget;
        if (budget == NONE || run->budgets[budget] > 0) {
                if (budget != NONE)
                        run->budgets[budget]--;
                shut_down(run, number);
        } else {
                vm->state = MV_RUN_WAITING;
                mv_run_list_append(run->vms, &run->waiting[budget], number);
        }
}

static void evict(struct mv_run *run, uint32_t number) {
        const struct mv_sim_vm *given = &run->sim->vms[number];
        struct mv_run_vm *vm = &run->vms[number];
        vm->move = add_move(run, number);
        if (vm->move == NONE)
                return;
        if (vm->state == MV_RUN_MOVING || vm->state == MV_RUN_UNSCHEDULED) { /* already on its way */
                run->moves[vm->move].started = run->now;
                run->moves[vm->move].wave = vm->wave;
                run->moves[vm->move].attempts = 1;
        } else if (given->way == MV_SIM_STAYS || vm->state == MV_RUN_OVER)
                settle(run, vm, given->way == MV_SIM_STAYS ? MV_SIM_STAYED : MV_SIM_ABORTED, NONE);
        else if (given->way == MV_SIM_MIGRATES && vm->state == MV_RUN_IDLE)
                mv_run_enqueue(run, number, given->priority);
        else if (given->way != MV_SIM_MIGRATES) {
                if (vm->state == MV_RUN_QUEUED)
                        mv_run_dequeue(run, number);
                evict_by_budget(run, number);
        }
}

static void open_drain(struct mv_run *run, uint32_t node) {
        run->drains[run->drain] = (struct mv_sim_drain){ .begun = run->now, .empty = MV_SIM_NEVER };
        run->wave = 0;
        for (uint32_t i = run->nodes[node].first_here, next; i != NONE; i = next) {
                next = run->vms[i].next_here;
                evict(run, i);
        }
}

static void wake(struct mv_run *run, uint32_t number) {
        struct mv_run_vm *vm = &run->vms[number];
        run->wave = vm->wave;
        switch (vm->state) {
        case MV_RUN_MOVING:
                arrive(run, number);
                break;
        case MV_RUN_UNSCHEDULED:
                back_off(run, number);
                break;
        case MV_RUN_BACKING_OFF:
                mv_run_count_in_queue(run, vm, false);
                mv_run_enqueue(run, number, run->sim->vms[number].priority);
                break;
        case MV_RUN_SHUTTING_DOWN:
                come_to_rest(run, number);
                break;
        default:
                break;
        }
}

/* And what that makes possible for those that wait. */
static void do_what_can(struct mv_run *run) {
        start_what_can(run);
        while (run->moved && !run->stopped && !mv_arena_failed(run->arena)) {
                run->moved = false;
                try_again(run);
                start_what_can(run);
        }
}

static void run_until_nothing_changes(struct mv_run *run) {
        do_what_can(run);
        while (run->n_events && (run->busy || run->in_queue > run->hopeless) && !run->stopped &&
               !mv_arena_failed(run->arena)) {
                struct mv_run_event event = mv_run_next_event(run);
                if (event.generation != run->vms[event.vm].generation)
                        continue;
                run->now = event.at;
                wake(run, event.vm);
                do_what_can(run);
        }
}

/* What waits now would wait for ever: take it out of the queues. */
static void give_up(struct mv_run *run, uint32_t number) {
        struct mv_run_vm *vm = &run->vms[number];
        struct mv_sim_move *move = move_of(run, vm);
        if (!move)
                return;
        enum mv_sim_end end = run->stopped ? MV_SIM_STOPPED : vm->tried ? MV_SIM_NO_NODE : MV_SIM_NO_TURN;
        switch (vm->state) {
        case MV_RUN_QUEUED:
                mv_run_dequeue(run, number);
                break;
        case MV_RUN_UNSCHEDULED:
                mv_run_list_remove(run->vms, &run->unscheduled, number);
                release(run, vm);
                break;
        case MV_RUN_BACKING_OFF:
                mv_run_count_in_queue(run, vm, false);
                break;
        case MV_RUN_WAITING:
                mv_run_list_remove(run->vms, &run->waiting[run->sim->vms[number].budget], number);
                end = run->stopped ? MV_SIM_STOPPED : MV_SIM_NO_BUDGET;
                break;
        default:
                end = MV_SIM_STOPPED;
                break;
        }
        vm->generation++;
        if (vm->state != MV_RUN_MOVING && vm->state != MV_RUN_SHUTTING_DOWN)
                vm->state = MV_RUN_IDLE;
        vm->failures = 0;
        vm->tried = false;
        vm->move = NONE;
        move->end = end;
}

/* Whoever is down and waits for a node does not keep the drain, but waits on. */
static void close_drains(struct mv_run *run, uint32_t first_move) {
        for (uint32_t i = first_move; i < run->n_moves; i++) {
                struct mv_sim_move *move = &run->moves[i];
                if (run->vms[move->vm].move != i)
                        continue;
                if (run->vms[move->vm].state == MV_RUN_STARTING)
                        move->end = MV_SIM_HOMELESS;
                else
                        give_up(run, move->vm);
        }
}

static void note_empty(struct mv_run *run, uint32_t first_move, uint32_t first_drain, uint32_t n) {
        for (uint32_t i = first_drain; i < first_drain + n; i++)
                run->drains[i].empty = run->drains[i].begun;
        for (uint32_t i = first_move; i < run->n_moves; i++) {
                int64_t *empty = &run->drains[run->moves[i].drain].empty;
                if (run->moves[i].left > *empty)
                        *empty = run->moves[i].left;
        }
}

static void drain_at_once(struct mv_run *run) {
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

static void drain_one_by_one(struct mv_run *run) {
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
static void put_jobs(struct mv_run *run) {
        for (uint32_t i = 0; i < run->sim->n_vms; i++) {
                const struct mv_sim_vm *given = &run->sim->vms[i];
                mv_run_come_to(run, i, given->node);
                if (given->node == NONE)
                        continue;
                if (given->job == MV_SIM_QUEUED) {
                        run->vms[i].narrow = given->job_is_narrow;
                        mv_run_enqueue(run, i, given->job_priority);
                } else if (given->job == MV_SIM_RUNNING) {
                        run->running++;
                        run->nodes[given->node].leaving++;
                        mv_run_update_node(run, given->node);
                        run->vms[i].wave = 1;
                        run->vms[i].state = MV_RUN_MOVING;
                        run->vms[i].target = given->job_target;
                        be_busy(run, i, given->aborted ? given->aborted : given->takes);
                }
        }
}

const struct mv_sim_result *mv_sim_run(struct mv_arena *arena, const struct mv_sim *sim) {
        struct mv_run run = {
                .arena = arena, .sim = sim, .unscheduled = MV_RUN_EMPTY_LIST, .starting = MV_RUN_EMPTY_LIST
        };
        struct mv_sim_result *ret = mv_arena_new(arena, struct mv_sim_result);
        if (!ret || !mv_run_make_room(&run))
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
