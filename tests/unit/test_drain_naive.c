/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulation against a second one that is written as plainly as possible: no lists, no heaps, every question answered
 * by looking at all instances. Both are run on small random clusters and must agree in everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/drain/drain_sim.h"

#include <stdio.h>

enum { VMS = 14, NODES = 6, BUDGETS = 2, GROUPS = 3, MOVES = 4000, CLUSTERS = 30000 };
#define NONE MV_SIM_NONE

/* --- where pods go: the node with most room, by size; some pairs are forbidden, and some keep away from each other or want
 * to be where another is --- */

struct world {
        int capacity[NODES], used[NODES], size[VMS];
        bool forbidden[VMS][NODES];
        uint32_t group[VMS]; /* 0: it does not mind */
        int apart[VMS];      /* 1: where none of its group is, -1: where one is */
        int pods[NODES][GROUPS];
        bool stuck[VMS]; /* no node does, until its migration has failed */
        uint32_t n_nodes;
};

static bool minds(const struct world *world, uint32_t vm, uint32_t node) {
        int pods = world->pods[node][world->group[vm]];
        return world->apart[vm] == 1 ? pods > 0 : world->apart[vm] == -1 && !pods;
}

static void put(struct world *world, uint32_t vm, uint32_t node, int n) {
        world->used[node] += n * world->size[vm];
        world->pods[node][world->group[vm]] += n;
}

static uint32_t find(void *context, uint32_t vm, uint32_t from, const bool *closed) {
        const struct world *world = context;
        uint32_t best = NONE;
        for (uint32_t i = 0; i < world->n_nodes; i++) {
                int room = world->capacity[i] - world->used[i];
                if (i != from && !closed[i] && !world->forbidden[vm][i] && !minds(world, vm, i) &&
                    !world->stuck[vm] && room >= world->size[vm] &&
                    (best == NONE || room > world->capacity[best] - world->used[best]))
                        best = i;
        }
        return best;
}

static void take(void *context, uint32_t vm, uint32_t node) {
        put(context, vm, node, 1);
}

static void leave(void *context, uint32_t vm, uint32_t node) {
        put(context, vm, node, -1);
}

static void fail_stuck(void *context, uint32_t vm) {
        ((struct world *)context)->stuck[vm] = false;
}

/* --- the naive model --- */

struct plain_vm {
        enum { IDLE, QUEUED, PENDING, MOVING, BACKING_OFF, WAITING, STOPPING, STARTING, OVER } state;
        uint32_t node, target, move, wave;
        int failures, priority;
        uint64_t since, came; /* when it took its state, when it came to its node: counts, not times */
        int64_t wakes;        /* MV_SIM_NEVER: not */
        uint64_t wake_order;
        bool tried; /* and no node has been left since */
        bool ever;  /* a node was looked for */
        bool narrow;
};

struct plain {
        const struct mv_sim *sim;
        struct plain_vm vms[VMS];
        bool closed[NODES];
        int64_t budgets[BUDGETS];
        struct mv_sim_move moves[MOVES];
        struct mv_sim_drain drains[NODES];
        uint32_t n_moves, drain, wave;
        int64_t now;
        uint64_t count;
        bool moved; /* something came to a node, or left one, since those that wait looked */
};

static int64_t under_way(const struct plain *p, uint32_t node) {
        int64_t n = 0;
        for (uint32_t i = 0; i < p->sim->n_vms; i++)
                n += (p->vms[i].state == PENDING || p->vms[i].state == MOVING) &&
                     (node == NONE || p->vms[i].node == node);
        return n;
}

static void set_state(struct plain *p, uint32_t i, int state, int64_t delay) {
        p->vms[i].state = state;
        p->vms[i].since = p->count++;
        p->vms[i].wakes = delay == MV_SIM_NEVER ? MV_SIM_NEVER : p->now + delay;
        p->vms[i].wake_order = p->count++;
}

static void moves_off(struct plain *p, uint32_t i, uint32_t target) {
        const struct mv_sim_vm *given = &p->sim->vms[i];
        p->vms[i].target = target;
        p->vms[i].narrow = false;
        take(p->sim->places.context, i, target);
        p->moved = true;
        set_state(p, i, MOVING, given->aborted ? given->aborted : given->takes);
}

static uint32_t look(struct plain *p, uint32_t i, uint32_t from) {
        p->vms[i].tried = p->vms[i].ever = true;
        return find(p->sim->places.context, i, from, p->closed);
}

static void stop(struct plain *p, uint32_t i) {
        p->vms[i].wave = p->wave + 1;
        p->moves[p->vms[i].move].started = p->now;
        p->moves[p->vms[i].move].wave = p->vms[i].wave;
        set_state(p, i, STOPPING, p->sim->vms[i].grace);
}

static uint32_t first_in(const struct plain *p, int state, uint32_t budget, uint64_t after) {
        uint32_t first = NONE;
        for (uint32_t i = 0; i < p->sim->n_vms; i++)
                if ((int)p->vms[i].state == state && (budget == NONE || p->sim->vms[i].budget == budget) &&
                    p->vms[i].since >= after && (first == NONE || p->vms[i].since < p->vms[first].since))
                        first = i;
        return first;
}

static void settled(struct plain *p, uint32_t i, enum mv_sim_end end, uint32_t to) {
        if (p->vms[i].move != NONE) {
                struct mv_sim_move *move = &p->moves[p->vms[i].move];
                move->end = end;
                move->to = to;
                move->ended = p->now;
        }
        p->vms[i].move = NONE;
}

static bool starts_up(struct plain *p, uint32_t i) {
        uint32_t node = look(p, i, NONE), budget = p->sim->vms[i].budget;
        if (node == NONE)
                return false;
        take(p->sim->places.context, i, node);
        p->moved = true;
        p->vms[i].node = node;
        p->vms[i].came = p->count++;
        set_state(p, i, IDLE, MV_SIM_NEVER);
        settled(p, i, MV_SIM_STARTED, node);
        uint32_t next = budget == NONE ? NONE : first_in(p, WAITING, budget, 0);
        if (next != NONE)
                stop(p, next);
        else if (budget != NONE)
                p->budgets[budget]++;
        return true;
}

static void look_again(struct plain *p) {
        uint32_t i;
        for (i = 0; i < p->sim->n_vms; i++)
                p->vms[i].tried = false;
        for (uint64_t after = 0; (i = first_in(p, PENDING, NONE, after)) != NONE;) {
                after = p->vms[i].since + 1;
                uint32_t target = look(p, i, p->vms[i].node);
                if (target != NONE)
                        moves_off(p, i, target);
        }
        for (uint64_t after = 0; (i = first_in(p, STARTING, NONE, after)) != NONE;) {
                after = p->vms[i].since + 1;
                starts_up(p, i);
        }
}

static void left(struct plain *p, uint32_t i, uint32_t node) {
        if (node == NONE)
                return;
        leave(p->sim->places.context, i, node);
        p->moved = true;
        if (!p->closed[node])
                look_again(p);
}

static void evicted(struct plain *p, uint32_t i) {
        const struct mv_sim_vm *given = &p->sim->vms[i];
        struct plain_vm *vm = &p->vms[i];
        assert_true(p->n_moves < MOVES);
        vm->move = p->n_moves++;
        p->moves[vm->move] =
                (struct mv_sim_move){ i,      vm->node,     NONE,         p->drain,     MV_SIM_STOPPED,
                                      p->now, MV_SIM_NEVER, MV_SIM_NEVER, MV_SIM_NEVER, 0,
                                      0 };
        struct mv_sim_move *move = &p->moves[vm->move];
        if (vm->state == MOVING || vm->state == PENDING) {
                move->started = p->now;
                move->wave = vm->wave;
                move->attempts = 1;
        } else if (given->way == MV_SIM_STAYS)
                settled(p, i, MV_SIM_STAYED, NONE);
        else if (vm->state == OVER)
                settled(p, i, MV_SIM_ABORTED, NONE);
        else if (given->way == MV_SIM_MIGRATES) {
                if (vm->state == IDLE) {
                        vm->priority = given->priority;
                        set_state(p, i, QUEUED, MV_SIM_NEVER);
                }
        } else if (given->budget == NONE)
                stop(p, i);
        else if (p->budgets[given->budget] > 0) {
                p->budgets[given->budget]--;
                stop(p, i);
        } else
                set_state(p, i, WAITING, MV_SIM_NEVER);
}

static void woken(struct plain *p, uint32_t i) {
        const struct mv_sim_vm *given = &p->sim->vms[i];
        struct plain_vm *vm = &p->vms[i];
        uint32_t from = vm->node, target = vm->target;
        vm->wakes = MV_SIM_NEVER;
        p->wave = vm->wave;
        if (vm->state == MOVING && given->aborted) {
                set_state(p, i, OVER, MV_SIM_NEVER);
                settled(p, i, MV_SIM_ABORTED, NONE);
                left(p, i, target);
        } else if (vm->state == MOVING) {
                set_state(p, i, IDLE, MV_SIM_NEVER);
                vm->failures = 0;
                vm->tried = vm->ever = false;
                vm->node = target;
                vm->came = p->count++;
                if (vm->move != NONE)
                        p->moves[vm->move].left = p->now;
                settled(p, i, MV_SIM_MOVED, target);
                left(p, i, from);
                if (target != NONE && p->closed[target] && vm->state == IDLE)
                        evicted(p, i);
        } else if (vm->state == PENDING) {
                bool narrow = vm->narrow;
                if (narrow) {
                        vm->narrow = vm->tried = vm->ever = false;
                        fail_stuck(p->sim->places.context, i);
                }
                if (vm->move == NONE) {
                        set_state(p, i, IDLE, MV_SIM_NEVER);
                        return;
                }
                int64_t delay = p->sim->first_backoff;
                for (int f = 0; f < vm->failures && f < 40; f++)
                        delay *= 2;
                set_state(p, i, BACKING_OFF,
                          narrow                                ? 0
                          : vm->failures < MV_SIM_MOST_FAILURES ? delay
                                                                : MV_SIM_NEVER);
                vm->failures += !narrow;
        } else if (vm->state == BACKING_OFF) {
                vm->priority = given->priority;
                set_state(p, i, QUEUED, MV_SIM_NEVER);
        } else if (vm->state == STOPPING) {
                vm->node = NONE;
                p->moves[vm->move].left = p->now;
                if (given->way == MV_SIM_RESTARTS) {
                        if (!starts_up(p, i))
                                set_state(p, i, STARTING, MV_SIM_NEVER);
                } else {
                        set_state(p, i, OVER, MV_SIM_NEVER);
                        settled(p, i, MV_SIM_DOWN, NONE);
                }
                left(p, i, from);
        }
}

static uint32_t next_to_start(const struct plain *p) {
        uint32_t first = NONE;
        if (under_way(p, NONE) >= p->sim->cluster_limit)
                return NONE;
        for (uint32_t i = 0; i < p->sim->n_vms; i++) {
                const struct plain_vm *vm = &p->vms[i];
                if (vm->state == QUEUED && under_way(p, vm->node) < p->sim->node_limit &&
                    (first == NONE || vm->priority > p->vms[first].priority ||
                     (vm->priority == p->vms[first].priority && vm->since < p->vms[first].since)))
                        first = i;
        }
        return first;
}

static void start(struct plain *p) {
        for (uint32_t i; (i = next_to_start(p)) != NONE;) {
                struct plain_vm *vm = &p->vms[i];
                vm->wave = p->wave + 1;
                if (vm->move != NONE) {
                        p->moves[vm->move].started = p->now;
                        p->moves[vm->move].wave = vm->wave;
                        p->moves[vm->move].attempts++;
                }
                uint32_t target = look(p, i, vm->node);
                if (target == NONE)
                        set_state(p, i, PENDING, p->sim->pending_timeout);
                else
                        moves_off(p, i, target);
        }
}

static void start_all(struct plain *p) {
        start(p);
        while (p->sim->company && p->moved) {
                p->moved = false;
                look_again(p);
                start(p);
        }
}

static bool is_over(const struct plain *p) {
        for (uint32_t i = 0; i < p->sim->n_vms; i++) {
                const struct plain_vm *vm = &p->vms[i];
                if (((vm->state == MOVING || vm->state == STOPPING) && vm->wakes != MV_SIM_NEVER) ||
                    (vm->state == PENDING && vm->narrow) ||
                    ((vm->state == QUEUED || vm->state == BACKING_OFF) && !vm->tried))
                        return false;
        }
        return true;
}

static void go_on(struct plain *p) {
        start_all(p);
        while (!is_over(p)) {
                uint32_t next = NONE;
                for (uint32_t i = 0; i < p->sim->n_vms; i++)
                        if (p->vms[i].wakes != MV_SIM_NEVER &&
                            (next == NONE || p->vms[i].wakes < p->vms[next].wakes ||
                             (p->vms[i].wakes == p->vms[next].wakes &&
                              p->vms[i].wake_order < p->vms[next].wake_order)))
                                next = i;
                if (next == NONE)
                        return;
                p->now = p->vms[next].wakes;
                woken(p, next);
                start_all(p);
        }
}

static void give_up(struct plain *p, uint32_t first_move) {
        for (uint32_t m = first_move; m < p->n_moves; m++) {
                uint32_t i = p->moves[m].vm;
                struct plain_vm *vm = &p->vms[i];
                if (vm->move != m)
                        continue;
                if (vm->state == STARTING) {
                        p->moves[m].end = MV_SIM_HOMELESS;
                        continue;
                }
                if (vm->state == WAITING)
                        p->moves[m].end = MV_SIM_NO_BUDGET;
                else if (vm->state == QUEUED || vm->state == PENDING || vm->state == BACKING_OFF)
                        p->moves[m].end = vm->ever ? MV_SIM_NO_NODE : MV_SIM_NO_TURN;
                if (vm->state != MOVING && vm->state != STOPPING)
                        set_state(p, i, IDLE, MV_SIM_NEVER);
                vm->failures = 0;
                vm->tried = vm->ever = false;
                vm->move = NONE;
                vm->wakes = MV_SIM_NEVER;
        }
}

static void when_empty(struct plain *p, uint32_t drain) {
        p->drains[drain].empty = p->drains[drain].begun;
        for (uint32_t m = 0; m < p->n_moves; m++)
                if (p->moves[m].drain == drain && p->moves[m].left > p->drains[drain].empty)
                        p->drains[drain].empty = p->moves[m].left;
}

static void evict_node(struct plain *p, uint32_t node) {
        p->wave = 0;
        p->drains[p->drain].begun = p->now;
        for (uint64_t after = 0;;) {
                uint32_t first = NONE;
                for (uint32_t i = 0; i < p->sim->n_vms; i++)
                        if (p->vms[i].node == node && p->vms[i].came >= after &&
                            (first == NONE || p->vms[i].came < p->vms[first].came))
                                first = i;
                if (first == NONE)
                        return;
                after = p->vms[first].came + 1;
                evicted(p, first);
        }
}

static void run_plain(struct plain *p, const struct mv_sim *sim) {
        *p = (struct plain){ .sim = sim, .count = 1 };
        for (uint32_t i = 0; i < sim->n_budgets; i++)
                p->budgets[i] = sim->budgets[i];
        for (uint32_t i = 0; i < sim->n_vms; i++) {
                const struct mv_sim_vm *given = &sim->vms[i];
                p->vms[i] = (struct plain_vm){ .node = given->node, .target = NONE, .move = NONE };
                p->vms[i].came = p->count++;
                set_state(p, i, IDLE, MV_SIM_NEVER);
                if (given->node != NONE && given->job == MV_SIM_QUEUED) {
                        p->vms[i].priority = given->job_priority;
                        p->vms[i].narrow = given->job_is_narrow;
                        set_state(p, i, QUEUED, MV_SIM_NEVER);
                } else if (given->node != NONE && given->job == MV_SIM_RUNNING) {
                        p->vms[i].wave = 1;
                        p->vms[i].target = given->job_target;
                        set_state(p, i, MOVING, given->aborted ? given->aborted : given->takes);
                }
        }
        if (!sim->one_by_one) {
                for (uint32_t d = 0; d < sim->n_drained; d++)
                        p->closed[sim->drained[d]] = true;
                for (p->drain = 0; p->drain < sim->n_drained; p->drain++)
                        evict_node(p, sim->drained[p->drain]);
                p->drain = 0;
                go_on(p);
                give_up(p, 0);
                for (uint32_t d = 0; d < sim->n_drained; d++)
                        when_empty(p, d);
                return;
        }
        for (p->drain = 0; p->drain < sim->n_drained; p->drain++) {
                uint32_t first_move = p->n_moves;
                p->closed[sim->drained[p->drain]] = true;
                evict_node(p, sim->drained[p->drain]);
                go_on(p);
                give_up(p, first_move);
                when_empty(p, p->drain);
                if (p->drains[p->drain].empty != MV_SIM_NEVER) {
                        p->closed[sim->drained[p->drain]] = false;
                        look_again(p);
                }
        }
}

/* --- random clusters --- */

static uint64_t random_state;

static uint32_t below(uint32_t n) {
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return (uint32_t)((random_state >> 33) % n);
}

struct cluster {
        struct mv_sim sim;
        struct mv_sim_vm vms[VMS];
        int64_t budgets[BUDGETS];
        uint32_t drained[NODES];
        struct world world;
};

static void make_vm(struct cluster *c, uint32_t i) {
        static const int priorities[] = { 0, 20, 50, 100 };
        uint32_t n_nodes = c->sim.n_nodes;
        c->vms[i] = (struct mv_sim_vm){
                .node = below(20) ? below(n_nodes) : NONE,
                .way = below(5) < 3 ? MV_SIM_MIGRATES : (enum mv_sim_way)below(4),
                .priority = priorities[2 + below(2)],
                .takes = below(20)  ? 1000 * (1 + (int64_t)below(4))
                         : below(4) ? 700000
                                    : MV_SIM_NEVER,
                .aborted = below(15) ? 0 : 5000,
                .grace = 1000 * (int64_t)below(4),
                .budget = below(2) ? NONE : below(BUDGETS),
                .job = below(4) ? MV_SIM_NO_JOB : (enum mv_sim_job)below(3),
                .job_priority = priorities[below(4)],
                .job_target = NONE,
        };
        c->world.size[i] = 1 + (int)below(3);
        c->vms[i].job_is_narrow = below(3) == 0;
        c->world.stuck[i] = c->vms[i].job == MV_SIM_QUEUED && c->vms[i].job_is_narrow && below(2);
        if (c->sim.company) {
                c->world.group[i] = below(GROUPS);
                c->world.apart[i] = c->world.group[i] ? 1 - (int)below(3) : 0;
        }
        if (c->vms[i].node != NONE)
                put(&c->world, i, c->vms[i].node, 1);
        for (uint32_t n = 0; n < n_nodes; n++)
                c->world.forbidden[i][n] = below(6) == 0;
        if (c->vms[i].node != NONE && c->vms[i].job == MV_SIM_RUNNING && below(4)) {
                c->vms[i].job_target = below(n_nodes);
                put(&c->world, i, c->vms[i].job_target, 1);
        }
}

static void make_cluster(struct cluster *c, uint64_t seed) {
        *c = (struct cluster){ 0 };
        random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        below(2);
        uint32_t n_nodes = 1 + below(NODES), n_vms = below(VMS + 1), n_drained = 0;
        c->world.n_nodes = n_nodes;
        c->sim = (struct mv_sim){
                .vms = c->vms,
                .n_vms = n_vms,
                .n_nodes = n_nodes,
                .budgets = c->budgets,
                .n_budgets = BUDGETS,
                .drained = c->drained,
                .one_by_one = below(2),
                .cluster_limit = below(10) ? 1 + below(5) : 0,
                .node_limit = below(10) ? 1 + below(3) : 0,
                .pending_timeout = 300000,
                .first_backoff = 20000,
                .company = below(3) == 0,
        };
        for (uint32_t i = 0; i < n_nodes; i++)
                c->world.capacity[i] = 2 + (int)below(10);
        for (uint32_t i = 0; i < n_vms; i++)
                make_vm(c, i);
        for (uint32_t i = 0; i < BUDGETS; i++)
                c->budgets[i] = below(3);
        for (uint32_t i = 0; i < n_nodes; i++)
                if (below(2))
                        c->drained[n_drained++] = i;
        c->sim.n_drained = n_drained;
}

static void assert_move(const struct mv_sim_move *a, const struct mv_sim_move *b) {
        assert_int_equal(a->vm, b->vm);
        assert_int_equal(a->from, b->from);
        assert_int_equal(a->to, b->to);
        assert_int_equal(a->drain, b->drain);
        assert_int_equal(a->end, b->end);
        assert_int_equal(a->evicted, b->evicted);
        assert_int_equal(a->started, b->started);
        assert_int_equal(a->left, b->left);
        assert_int_equal(a->ended, b->ended);
        assert_int_equal(a->wave, b->wave);
        assert_int_equal(a->attempts, b->attempts);
}

/* Whatever happens, each end is reached somewhere, or the comparison proves little. */
static uint64_t reached[MV_SIM_STOPPED + 1];

static void compare(uint64_t seed) {
        static struct plain plain;
        struct cluster c;
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        make_cluster(&c, seed);
        struct world copy = c.world;
        c.sim.places = (struct mv_sim_places){ &c.world, find, take, leave, fail_stuck };
        const struct mv_sim_result *result = mv_sim_run(&arena, &c.sim);
        assert_non_null(result);
        c.sim.places.context = &copy;
        run_plain(&plain, &c.sim);
        if (result->n_moves != plain.n_moves)
                print_error("seed %llu\n", (unsigned long long)seed);
        assert_int_equal(result->n_moves, plain.n_moves);
        for (uint32_t i = 0; i < plain.n_moves; i++) {
                if (memcmp(&result->moves[i], &plain.moves[i], sizeof plain.moves[i]))
                        print_error("seed %llu, move %u\n", (unsigned long long)seed, i);
                assert_move(&result->moves[i], &plain.moves[i]);
                reached[plain.moves[i].end]++;
        }
        for (uint32_t i = 0; i < c.sim.n_drained; i++) {
                assert_int_equal(result->drains[i].begun, plain.drains[i].begun);
                assert_int_equal(result->drains[i].empty, plain.drains[i].empty);
        }
        assert_memory_equal(&c.world, &copy, sizeof copy);
        assert_false(result->stopped);
        mv_arena_done(&arena);
}

static void agrees_with_the_naive_model(void **state) {
        (void)state;
        for (uint64_t seed = 1; seed <= CLUSTERS; seed++)
                compare(seed);
        for (int end = 0; end <= MV_SIM_STOPPED; end++)
                assert_true(reached[end] > 50);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(agrees_with_the_naive_model) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
