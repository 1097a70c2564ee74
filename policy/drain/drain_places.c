/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/drain/drain_making.h"

#include "policy/snapshot/snapshot.h"

#include <stdlib.h>

enum { NAMED_CAUSES = 3 };

bool mv_drain_places_make(struct mv_arena *arena, const struct mv_drain_order *order,
                          const struct mv_drain_index *index, const struct mv_node_usage *usage,
                          struct mv_drain_member *members, uint32_t n_members, struct mv_drain_places *ret) {
        const struct mv_node_index *nodes = mv_snapshot_node_index(order->about.snapshot);
        *ret = (struct mv_drain_places){
                .order = order,
                .nodes = nodes,
                .index = index,
                .members = members,
                .usage = mv_node_usage_copy(arena, usage),
                .arena = arena,
                .cpu = mv_node_index_resource(nodes, MV_STR("cpu")),
                .memory = mv_node_index_resource(nodes, MV_STR("memory")),
        };
        mv_arena_init(&ret->scratch, arena->allocator, 0);
        return ret->usage && mv_drain_company_make(arena, order->about.snapshot, n_members, &ret->moves);
}

void mv_drain_places_done(struct mv_drain_places *places) {
        mv_arena_done(&places->scratch);
}

struct mv_amounts mv_drain_keep_amounts(struct mv_arena *arena, const struct mv_amounts *amounts) {
        if (!amounts)
                return (struct mv_amounts){ 0 };
        struct mv_amounts ret = { .items = mv_arena_new_array(arena, struct mv_amount, amounts->n + 1) };
        if (!ret.items)
                return ret;
        for (; ret.n < amounts->n; ret.n++) {
                ret.items[ret.n] = amounts->items[ret.n];
                ret.items[ret.n].name = mv_arena_copy(arena, amounts->items[ret.n].name);
        }
        return ret;
}

/* What is left of a resource once the pod is there, as a part of what the node has. */
static double left_of(const struct mv_drain_places *places, size_t resource, struct mv_str name, size_t node,
                      const struct mv_amounts *requests) {
        if (resource == SIZE_MAX)
                return 0;
        int64_t has = mv_node_index_allocatable(places->nodes, resource)->values[node];
        int64_t free = mv_node_usage_free(places->usage, resource)->values[node];
        return has > 0 ? (double)(free - mv_amounts_get(requests, name)) / (double)has : 0;
}

/* The scheduler's default prefers the node of which most is left (NodeResourcesFit: LeastAllocated); among equals the
 * first one. */
static uint32_t choose(const struct mv_drain_places *places, const uint64_t *feasible, const bool *closed,
                       uint32_t from, const struct mv_amounts *requests) {
        uint32_t best = MV_SIM_NONE;
        double most = 0;
        for (size_t i = mv_node_set_next(places->nodes, feasible, 0); i != SIZE_MAX;
             i = mv_node_set_next(places->nodes, feasible, i + 1)) {
                if (closed[i] || i == from)
                        continue;
                double left = left_of(places, places->cpu, MV_STR("cpu"), i, requests) +
                              left_of(places, places->memory, MV_STR("memory"), i, requests);
                if (best == MV_SIM_NONE || left > most) {
                        best = (uint32_t)i;
                        most = left;
                }
        }
        return best;
}

struct cause {
        size_t check, n; /* nodes that it stops */
};

static int most_first(const void *a, const void *b) {
        const struct cause *x = a, *y = b;
        return x->n != y->n ? (x->n > y->n ? -1 : 1) : (x->check < y->check ? -1 : 1);
}

/* What stops it on the open nodes, the most frequent causes first. */
static struct mv_str causes(struct mv_drain_places *places, const struct mv_fit *fit, const bool *closed) {
        struct cause *found = mv_arena_new_array(&places->scratch, struct cause, fit->n_checks + 1);
        const uint64_t *all = mv_node_index_all(places->nodes);
        size_t open = 0;
        struct mv_str text = { 0 };
        if (!found)
                return text;
        for (size_t c = 0; c < fit->n_checks; c++)
                found[c].check = c;
        for (size_t i = mv_node_set_next(places->nodes, all, 0); i != SIZE_MAX;
             i = mv_node_set_next(places->nodes, all, i + 1)) {
                if (closed[i] || i == fit->source)
                        continue;
                open++;
                for (size_t c = 0; c < fit->n_checks; c++)
                        found[c].n += !fit->checks[c].pass || !mv_node_set_has(fit->checks[c].pass, i);
        }
        qsort(found, fit->n_checks, sizeof *found, most_first);
        struct mv_str named[NAMED_CAUSES];
        size_t n = 0;
        for (size_t c = 0; c < fit->n_checks && n < NAMED_CAUSES && found[c].n; c++) {
                struct mv_str token = mv_fit_token(&places->scratch, &fit->checks[found[c].check]);
                bool again = false; /* too small and too full are one cause */
                for (size_t i = 0; i < n; i++)
                        again |= mv_str_equal(named[i], token);
                if (again)
                        continue;
                named[n] = token;
                text = mv_arena_format(&places->scratch, "%.*s%s%.*s on %zu", MV_STR_ARG(text),
                                       n++ ? ", " : "", MV_STR_ARG(token), found[c].n);
        }
        return open ? mv_arena_format(places->arena, "of %zu other nodes none takes it: %.*s", open,
                                      MV_STR_ARG(text))
                    : MV_STR("there is no other node that is open");
}

uint32_t mv_drain_places_find(void *context, uint32_t vm, uint32_t from, const bool *closed) {
        struct mv_drain_places *places = context;
        struct mv_drain_member *member = &places->members[vm];
        const struct mv_drain_question *about = &places->order->about;
        struct mv_instance *instance = mv_arena_new(&places->scratch, struct mv_instance);
        uint32_t node = MV_SIM_NONE;
        if (!instance) {
                places->arena->failed = true;
                return node;
        }
        mv_expand_vmi(&places->scratch, about->config, member->vmi, instance);
        if (from == MV_SIM_NONE)
                instance->vmi.status = (struct mv_vmi_status){ 0 };
        else
                instance->vmi.status.node_name = mv_node_index_at(places->nodes, from)->meta.name;
        const struct mv_launcher *launcher =
                mv_launcher_make(&places->scratch, about->config, about->version, &instance->vmi);
        const struct mv_fit_question question = {
                .snapshot = about->snapshot,
                .config = about->config,
                .behaviour = mv_behaviour_of(about->version),
                .vmi = &instance->vmi,
                .launcher = launcher,
                .added_node_selector = member->migration && from != MV_SIM_NONE
                                               ? &member->migration->spec.added_node_selector
                                               : NULL,
                .usage = places->usage,
                .moves = &places->moves,
        };
        const struct mv_fit *fit = launcher ? mv_fit_make(&places->scratch, &question) : NULL;
        if (launcher && launcher->problem.n) {
                member->not_fitting = mv_arena_format(places->arena, "KubeVirt cannot make its pod: %.*s",
                                                      MV_STR_ARG(launcher->problem));
                member->obstacle = MV_DRAIN_POD;
        } else if (fit) {
                node = choose(places, fit->feasible, closed, from, &launcher->requests);
                if (node == MV_SIM_NONE)
                        member->not_fitting = causes(places, fit, closed);
                else if (!member->target_made) {
                        member->target = mv_drain_keep_amounts(places->arena, &launcher->requests);
                        member->target_made = true;
                }
        }
        if (mv_arena_failed(&places->scratch))
                places->arena->failed = true; /* a wrong place is no place */
        mv_arena_clear(&places->scratch);
        return node;
}

void mv_drain_places_take(void *context, uint32_t vm, uint32_t node) {
        struct mv_drain_places *places = context;
        mv_node_usage_add(places->usage, node, &places->members[vm].target);
        places->members[vm].taken = node;
        mv_drain_company_come(places, &places->members[vm], node);
}

/* It leaves the node that it was on, and is on the other one from then on; or it leaves that again. */
void mv_drain_places_leave(void *context, uint32_t vm, uint32_t node) {
        struct mv_drain_places *places = context;
        struct mv_drain_member *member = &places->members[vm];
        mv_drain_company_leave(places, member, node);
        if (node != member->at) {
                mv_node_usage_remove(places->usage, node, &member->target);
                return;
        }
        /* of a migration that ran at the beginning nobody may know the target pod */
        if (member->taken != MV_SIM_NONE && member->taken != node)
                mv_drain_company_come(places, member, member->taken);
        member->migration = NULL; /* it is over, and the next one is another */
        mv_node_usage_remove(places->usage, node, &member->source);
        member->source = member->target;
        member->at = member->taken;
}

void mv_drain_places_fail(void *context, uint32_t vm) {
        struct mv_drain_member *member = &((struct mv_drain_places *)context)->members[vm];
        member->migration = NULL;
        member->delayed = true;
}
