/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/drain/drain_run.h"

#define NONE MV_SIM_NONE

/* --- lists --- */

void mv_run_list_insert_after(struct mv_run_vm *vms, struct mv_run_list *list, uint32_t before, uint32_t vm) {
        uint32_t after = before == NONE ? list->first : vms[before].next;
        vms[vm].prev = before;
        vms[vm].next = after;
        *(before == NONE ? &list->first : &vms[before].next) = vm;
        *(after == NONE ? &list->last : &vms[after].prev) = vm;
}

void mv_run_list_append(struct mv_run_vm *vms, struct mv_run_list *list, uint32_t vm) {
        mv_run_list_insert_after(vms, list, list->last, vm);
}

void mv_run_list_remove(struct mv_run_vm *vms, struct mv_run_list *list, uint32_t vm) {
        uint32_t before = vms[vm].prev, after = vms[vm].next;
        *(before == NONE ? &list->first : &vms[before].next) = after;
        *(after == NONE ? &list->last : &vms[after].prev) = before;
        vms[vm].next = vms[vm].prev = NONE;
}

void mv_run_come_to(struct mv_run *run, uint32_t number, uint32_t node) {
        struct mv_run_vm *vm = &run->vms[number];
        vm->node = node;
        vm->next_here = vm->prev_here = NONE;
        if (node == NONE)
                return;
        struct mv_run_node *n = &run->nodes[node];
        vm->prev_here = n->last_here;
        *(n->last_here == NONE ? &n->first_here : &run->vms[n->last_here].next_here) = number;
        n->last_here = number;
}

void mv_run_go_from_node(struct mv_run *run, uint32_t number) {
        struct mv_run_vm *vm = &run->vms[number];
        if (vm->node == NONE)
                return;
        struct mv_run_node *n = &run->nodes[vm->node];
        *(vm->prev_here == NONE ? &n->first_here : &run->vms[vm->prev_here].next_here) = vm->next_here;
        *(vm->next_here == NONE ? &n->last_here : &run->vms[vm->next_here].prev_here) = vm->prev_here;
        vm->node = NONE;
}

/* --- the heap of events --- */

static bool is_earlier(const struct mv_run_event *a, const struct mv_run_event *b) {
        return a->at != b->at ? a->at < b->at : a->order < b->order;
}

/* The instance wakes after so long, unless its state changes before. */
void mv_run_wake_after(struct mv_run *run, uint32_t vm, int64_t delay) {
        uint32_t generation = ++run->vms[vm].generation;
        if (delay >= MV_SIM_NEVER - run->now)
                return; /* never */
        if (run->n_events == run->room_for_events) {
                size_t room = run->room_for_events * 2 + 64;
                struct mv_run_event *events = mv_arena_new_array(run->arena, struct mv_run_event, room);
                if (!events)
                        return;
                if (run->n_events)
                        memcpy(events, run->events, run->n_events * sizeof *events);
                run->events = events;
                run->room_for_events = room;
        }
        struct mv_run_event event = {
                .at = run->now + delay, .order = run->orders++, .vm = vm, .generation = generation
        };
        size_t i = run->n_events++;
        for (; i && is_earlier(&event, &run->events[(i - 1) / 2]); i = (i - 1) / 2)
                run->events[i] = run->events[(i - 1) / 2];
        run->events[i] = event;
}

struct mv_run_event mv_run_next_event(struct mv_run *run) {
        struct mv_run_event first = run->events[0], last = run->events[--run->n_events];
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

static bool is_before(const struct mv_run_vm *a, const struct mv_run_vm *b) {
        return a->priority != b->priority ? a->priority > b->priority : a->ticket < b->ticket;
}

static bool node_is_before(const struct mv_run *run, uint32_t a, uint32_t b) {
        return is_before(&run->vms[run->nodes[a].queue.first], &run->vms[run->nodes[b].queue.first]);
}

static void put_ready(struct mv_run *run, uint32_t place, uint32_t node) {
        run->ready[place] = node;
        run->nodes[node].place = place;
}

static void sift(struct mv_run *run, uint32_t place, uint32_t node) {
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
void mv_run_update_node(struct mv_run *run, uint32_t node) {
        struct mv_run_node *n = &run->nodes[node];
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

static bool is_hopeless(const struct mv_run *run, const struct mv_run_vm *vm) {
        return vm->tried && vm->epoch == run->epoch;
}

/* Count it among those that wait for their turn, or no more. */
void mv_run_count_in_queue(struct mv_run *run, const struct mv_run_vm *vm, bool in) {
        run->in_queue += in ? 1 : UINT64_MAX;
        if (is_hopeless(run, vm))
                run->hopeless += in ? 1 : UINT64_MAX;
}

void mv_run_enqueue(struct mv_run *run, uint32_t number, int priority) {
        struct mv_run_vm *vm = &run->vms[number];
        struct mv_run_node *node = &run->nodes[vm->node];
        vm->state = MV_RUN_QUEUED;
        vm->priority = priority;
        vm->ticket = run->tickets++;
        uint32_t before = node->queue.last;
        while (before != NONE && is_before(vm, &run->vms[before]))
                before = run->vms[before].prev;
        mv_run_list_insert_after(run->vms, &node->queue, before, number);
        mv_run_count_in_queue(run, vm, true);
        mv_run_update_node(run, vm->node);
}

void mv_run_dequeue(struct mv_run *run, uint32_t number) {
        struct mv_run_vm *vm = &run->vms[number];
        mv_run_list_remove(run->vms, &run->nodes[vm->node].queue, number);
        mv_run_count_in_queue(run, vm, false);
        mv_run_update_node(run, vm->node);
}

bool mv_run_make_room(struct mv_run *run) {
        const struct mv_sim *sim = run->sim;
        run->vms = mv_arena_new_array(run->arena, struct mv_run_vm, (size_t)sim->n_vms + 1);
        run->nodes = mv_arena_new_array(run->arena, struct mv_run_node, (size_t)sim->n_nodes + 1);
        run->closed = mv_arena_new_array(run->arena, bool, (size_t)sim->n_nodes + 1);
        run->budgets = mv_arena_new_array(run->arena, int64_t, (size_t)sim->n_budgets + 1);
        run->waiting = mv_arena_new_array(run->arena, struct mv_run_list, (size_t)sim->n_budgets + 1);
        run->ready = mv_arena_new_array(run->arena, uint32_t, (size_t)sim->n_nodes + 1);
        run->drains = mv_arena_new_array(run->arena, struct mv_sim_drain, (size_t)sim->n_drained + 1);
        if (mv_arena_failed(run->arena))
                return false;
        for (uint32_t i = 0; i < sim->n_vms; i++)
                run->vms[i] = (struct mv_run_vm){
                        .node = NONE, .target = NONE, .move = NONE, .next = NONE, .prev = NONE
                };
        for (uint32_t i = 0; i < sim->n_nodes; i++)
                run->nodes[i] = (struct mv_run_node){
                        .queue = MV_RUN_EMPTY_LIST, .first_here = NONE, .last_here = NONE, .place = NONE
                };
        for (uint32_t i = 0; i < sim->n_budgets; i++) {
                run->budgets[i] = sim->budgets[i];
                run->waiting[i] = MV_RUN_EMPTY_LIST;
        }
        return true;
}
