/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nodes/fitgroups.h"

#include "policy/nodes/nodeorder.h"

#include <stdlib.h>

enum mv_fit_mark mv_fit_mark(const struct mv_fit *fit, size_t node) {
        enum mv_fit_mark mark = MV_MARK_FEASIBLE;
        if (node == fit->source)
                return MV_MARK_SOURCE;
        for (size_t i = 0; i < fit->n_checks; i++) {
                const struct mv_fit_check *check = &fit->checks[i];
                if (mv_node_set_has(check->pass, node))
                        continue;
                if (check->class == MV_FIT_SOURCE)
                        return MV_MARK_SOURCE;
                if (MV_FIT_BIT(check->class) & MV_FIT_LASTING)
                        mark = MV_MARK_LASTING;
                else if (mark == MV_MARK_FEASIBLE)
                        mark = MV_MARK_MOMENTARY;
        }
        return mark;
}

const char *mv_fit_mark_name(enum mv_fit_mark mark) {
        static const char *const names[] = { "feasible", "source", "momentary", "lasting" };
        return names[mark];
}

/* --- by name --- */

const size_t *mv_node_set_by_name(struct mv_arena *arena, const struct mv_node_index *index,
                                  const uint64_t *nodes, size_t *ret_n) {
        const struct mv_node_order *order = mv_node_index_order(index);
        const uint64_t *set = nodes ? nodes : mv_node_index_all(index);
        uint64_t *ranks = mv_node_set_new(index, arena); /* the set, but of ranks */
        size_t *sorted = mv_arena_new_array(arena, size_t, mv_node_set_count(index, set) + 1);
        size_t n = 0;
        *ret_n = 0;
        if (!ranks || !sorted)
                return NULL;
        for (size_t i = mv_node_set_next(index, set, 0); i != SIZE_MAX;
             i = mv_node_set_next(index, set, i + 1))
                mv_node_set_add(ranks, order->ranks[i]);
        for (size_t i = mv_node_set_next(index, ranks, 0); i != SIZE_MAX;
             i = mv_node_set_next(index, ranks, i + 1))
                sorted[n++] = order->nodes[i];
        *ret_n = n;
        return sorted;
}

/* --- groups --- */

/* A group in the making: the nodes that just the same causes stop. */
struct bucket {
        enum mv_fit_mark mark;
        uint64_t hash;
        size_t first;   /* its first node, which stands for all */
        size_t n, last; /* last: of the chain through `next` */
};

struct grouping {
        const struct mv_fit *fit;
        const uint64_t **passes; /* for each cause, the nodes that it does not stop */
        size_t n_passes;
        struct bucket *buckets;
        size_t n_buckets;
        size_t *slots; /* number of a bucket + 1; open addressing, a power of two */
        size_t n_slots;
        size_t *next; /* of each node, the next one of its bucket */
};

static bool is_same_cause(const struct mv_fit_check *a, const struct mv_fit_check *b) {
        return strcmp(a->what, b->what) == 0 && mv_str_equal(a->name, b->name) &&
               mv_str_equal(a->value, b->value);
}

/* Checks that give the same cause (a node too small, and one too full) count as one. */
static bool collect_causes(struct mv_arena *arena, struct grouping *g) {
        const struct mv_fit *fit = g->fit;
        g->passes = mv_arena_new_array(arena, const uint64_t *, fit->n_checks + 1);
        for (size_t i = 0; g->passes && i < fit->n_checks; i++) {
                uint64_t *both = NULL;
                bool seen = false;
                for (size_t k = 0; k < i; k++)
                        seen |= is_same_cause(&fit->checks[k], &fit->checks[i]);
                if (seen)
                        continue;
                for (size_t k = i + 1; k < fit->n_checks; k++) {
                        if (!is_same_cause(&fit->checks[i], &fit->checks[k]))
                                continue;
                        if (!both) {
                                both = mv_node_set_new(fit->index, arena);
                                mv_node_set_or(fit->index, both, fit->checks[i].pass);
                        }
                        mv_node_set_and(fit->index, both, fit->checks[k].pass);
                }
                g->passes[g->n_passes++] = both ? both : fit->checks[i].pass;
        }
        return !mv_arena_failed(arena);
}

static uint64_t signature(const struct grouping *g, size_t node) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        for (size_t i = 0; i < g->n_passes; i++)
                hash = (hash ^ (mv_node_set_has(g->passes[i], node) ? 1 : 2)) * UINT64_C(0x100000001b3);
        return hash ^ (hash >> 29);
}

static bool is_alike(const struct grouping *g, size_t a, size_t b) {
        for (size_t i = 0; i < g->n_passes; i++)
                if (mv_node_set_has(g->passes[i], a) != mv_node_set_has(g->passes[i], b))
                        return false;
        return true;
}

static void put(struct grouping *g, size_t node) {
        enum mv_fit_mark mark = mv_fit_mark(g->fit, node);
        uint64_t hash = signature(g, node);
        size_t mask = g->n_slots - 1, at = (size_t)(hash + (uint64_t)mark) & mask;
        for (; g->slots[at]; at = (at + 1) & mask) {
                struct bucket *bucket = &g->buckets[g->slots[at] - 1];
                if (bucket->hash == hash && bucket->mark == mark && is_alike(g, bucket->first, node)) {
                        g->next[bucket->last] = node;
                        bucket->last = node;
                        bucket->n++;
                        return;
                }
        }
        g->buckets[g->n_buckets++] =
                (struct bucket){ .mark = mark, .hash = hash, .first = node, .n = 1, .last = node };
        g->slots[at] = g->n_buckets;
}

/* Buckets stand in the order of their first nodes' names already: what is left to compare keeps that order by number. */
static int by_mark_and_size(const void *a, const void *b) {
        const struct bucket *const *x = a, *const *y = b;
        if ((*x)->mark != (*y)->mark)
                return (*x)->mark < (*y)->mark ? -1 : 1;
        if ((*x)->n != (*y)->n)
                return (*x)->n > (*y)->n ? -1 : 1;
        return *x < *y ? -1 : *x > *y;
}

static bool fill(struct mv_arena *arena, const struct grouping *g, const struct bucket *bucket,
                 struct mv_fit_group *group) {
        size_t *nodes = mv_arena_new_array(arena, size_t, bucket->n);
        if (!nodes)
                return false;
        for (size_t i = 0, node = bucket->first; i < bucket->n; i++, node = g->next[node])
                nodes[i] = node;
        *group = (struct mv_fit_group){ .mark = bucket->mark, .nodes = nodes, .n_nodes = bucket->n };
        group->causes = mv_fit_causes(arena, g->fit, bucket->first, &group->n_causes);
        return true;
}

const struct mv_fit_groups *mv_fit_groups_make(struct mv_arena *arena, const struct mv_fit *fit,
                                               const uint64_t *nodes) {
        size_t n;
        const size_t *sorted = mv_node_set_by_name(arena, fit->index, nodes, &n);
        struct grouping g = {
                .fit = fit,
                .buckets = mv_arena_new_array(arena, struct bucket, n + 1),
                .n_slots = 16,
                .next = mv_arena_new_array(arena, size_t, mv_node_index_count(fit->index) + 1),
        };
        while (g.n_slots < 2 * n)
                g.n_slots *= 2;
        g.slots = mv_arena_new_array(arena, size_t, g.n_slots);
        if (!sorted || !g.buckets || !g.next || !g.slots || !collect_causes(arena, &g))
                return NULL;
        for (size_t i = 0; i < n; i++)
                put(&g, sorted[i]);
        struct mv_fit_groups *groups = mv_arena_new(arena, struct mv_fit_groups);
        struct mv_fit_group *items = mv_arena_new_array(arena, struct mv_fit_group, g.n_buckets + 1);
        const struct bucket **order = mv_arena_new_array(arena, const struct bucket *, g.n_buckets + 1);
        if (!groups || !items || !order)
                return NULL;
        for (size_t i = 0; i < g.n_buckets; i++)
                order[i] = &g.buckets[i];
        qsort(order, g.n_buckets, sizeof *order, by_mark_and_size);
        for (size_t i = 0; i < g.n_buckets; i++) {
                if (!fill(arena, &g, order[i], &items[i]))
                        return NULL;
                groups->count[items[i].mark] += items[i].n_nodes;
        }
        groups->items = items;
        groups->n = g.n_buckets;
        return mv_arena_failed(arena) ? NULL : groups;
}

/* --- a part of the nodes --- */

const struct mv_fit *mv_fit_among(struct mv_arena *arena, const struct mv_fit *fit, const uint64_t *nodes) {
        struct mv_fit *among = mv_arena_new(arena, struct mv_fit);
        struct mv_fit_check *checks = mv_arena_new_array(arena, struct mv_fit_check, fit->n_checks + 1);
        uint64_t *feasible = mv_node_set_new(fit->index, arena);
        if (!among || !checks || !feasible)
                return NULL;
        if (fit->n_checks)
                memcpy(checks, fit->checks, fit->n_checks * sizeof *checks);
        checks[fit->n_checks] =
                (struct mv_fit_check){ .class = MV_FIT_SELECTOR, .what = "not-asked-about", .pass = nodes };
        mv_node_set_or(fit->index, feasible, fit->feasible);
        mv_node_set_and(fit->index, feasible, nodes);
        *among = *fit;
        among->checks = checks;
        among->n_checks = fit->n_checks + 1;
        among->feasible = feasible;
        return among;
}

bool mv_fit_has_target(struct mv_arena *arena, const struct mv_fit_question *question,
                       const struct mv_fit *fit, unsigned classes) {
        size_t to;
        bool started = fit->source != SIZE_MAX || fit->source_unknown;
        if (started && classes == MV_FIT_EVERYTHING) { /* those are known already */
                to = mv_node_set_next(fit->index, fit->feasible, 0);
                if (to != SIZE_MAX && to == fit->source)
                        to = mv_node_set_next(fit->index, fit->feasible, to + 1);
                return to != SIZE_MAX;
        }
        if (started)
                return mv_fit_others(arena, fit, classes) > 0;
        return mv_fit_pair(arena, question, fit, classes, &to) != SIZE_MAX;
}
