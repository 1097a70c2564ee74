/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_nodes.h"

#include "cli/places.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_NODES = 4 };

/* Bytes with a binary unit and one decimal, which is rounded away from what would look like enough: what is needed up,
 * what is free down. Everything else as Kubernetes prints it. */
static struct mv_str amount_text(struct mv_arena *arena, struct mv_str name, int64_t amount, bool up) {
        static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
        bool bytes = mv_str_is(name, "memory") || mv_str_is(name, "ephemeral-storage") ||
                     mv_str_starts_with(name, MV_STR("hugepages-"));
        int64_t unit = 1;
        size_t u = 0;
        if (!bytes || amount < 1024)
                return mv_amount_print(arena, name, amount);
        for (; amount / unit >= 1024 && u + 1 < sizeof units / sizeof *units; u++)
                unit *= 1024;
        int64_t whole = amount / unit, rest = amount % unit;
        int64_t tenths = (int64_t)((double)rest * 10 / (double)unit);
        if (up && (double)tenths * (double)unit / 10 < (double)rest)
                tenths++;
        if (tenths == 10) {
                whole++;
                tenths = 0;
        }
        return tenths ? mv_arena_format(arena, "%lld.%lld%s", (long long)whole, (long long)tenths, units[u])
                      : mv_arena_format(arena, "%lld%s", (long long)whole, units[u]);
}

/* --- what is short --- */

struct room {
        size_t node;
        int64_t free, allocatable;
};

static int by_free(const void *a, const void *b) {
        const struct room *x = a, *y = b;
        return x->free != y->free ? (x->free > y->free ? -1 : 1) : x->node < y->node ? -1 : 1;
}

/* The other nodes that have too little of the resource, those with most of it first. */
static size_t short_nodes(struct mv_arena *arena, const struct mv_fit *fit, struct mv_str name,
                          const struct mv_levels *free, const struct mv_levels *allocatable,
                          struct room **ret) {
        uint64_t *enough = mv_node_set_all(fit->index, arena), *set = mv_node_set_all(fit->index, arena);
        *ret = mv_arena_new_array(arena, struct room, mv_node_index_count(fit->index) + 1);
        size_t n = 0;
        if (!enough || !set || !*ret)
                return 0;
        for (size_t i = 0; i < fit->n_checks; i++)
                if (strcmp(fit->checks[i].what, "resource:") == 0 && mv_str_equal(fit->checks[i].name, name))
                        mv_node_set_and(fit->index, enough, fit->checks[i].pass);
        mv_node_set_without(fit->index, set, enough);
        if (fit->source != SIZE_MAX)
                mv_node_set_remove(set, fit->source);
        for (size_t i = mv_node_set_next(fit->index, set, 0); i != SIZE_MAX;
             i = mv_node_set_next(fit->index, set, i + 1))
                (*ret)[n++] = (struct room){ i, free ? free->values[i] : 0,
                                             allocatable ? allocatable->values[i] : 0 };
        if (n)
                qsort(*ret, n, sizeof **ret, by_free);
        return n;
}

/* "resource:memory: needs 4.6Gi; node-b has 1.2Gi free of 16Gi, node-c none" */
static void print_short(struct mv_arena *arena, const struct mv_verdict *verdict,
                        const struct mv_amount *needed, const struct mv_style *style) {
        const struct mv_fit *fit = verdict->fit;
        const struct mv_fit_question *q = verdict->fit_question;
        struct mv_str name = needed->name;
        size_t resource = mv_node_index_resource(fit->index, name);
        const struct mv_node_usage *usage = q->usage ? q->usage : mv_snapshot_node_usage(q->snapshot);
        bool known = resource != SIZE_MAX;
        struct room *rooms;
        size_t n = short_nodes(arena, fit, name, known ? mv_node_usage_free(usage, resource) : NULL,
                               known ? mv_node_index_allocatable(fit->index, resource) : NULL, &rooms);
        if (!n)
                return;
        struct mv_str text = mv_arena_format(arena, "resource:%.*s: needs %.*s; ", MV_STR_ARG(name),
                                             MV_STR_ARG(amount_text(arena, name, needed->amount, true)));
        if (!known)
                text = mv_arena_format(arena, "%.*sno node has any", MV_STR_ARG(text));
        for (size_t i = 0; known && i < n && i < SHOWN_NODES; i++) {
                int64_t free = rooms[i].free > 0 ? rooms[i].free : 0;
                struct mv_str node = mv_node_index_at(fit->index, rooms[i].node)->meta.name;
                if (rooms[i].allocatable)
                        text = mv_arena_format(
                                arena, "%.*s%s%.*s has %.*s free of %.*s", MV_STR_ARG(text), i ? ", " : "",
                                MV_STR_ARG(node), MV_STR_ARG(amount_text(arena, name, free, false)),
                                MV_STR_ARG(amount_text(arena, name, rooms[i].allocatable, false)));
                else
                        text = mv_arena_format(arena, "%.*s%s%.*s has none", MV_STR_ARG(text), i ? ", " : "",
                                               MV_STR_ARG(node));
        }
        if (known && n > SHOWN_NODES)
                text = mv_arena_format(arena, "%.*s, %zu more have no more than that", MV_STR_ARG(text),
                                       n - SHOWN_NODES);
        mv_text_wrap(stdout, text, 2, 4, style->width);
}

static void print_requests(struct mv_arena *arena, const struct mv_verdict *verdict,
                           const struct mv_style *style) {
        static const struct mv_amount pod = { { "pods", 4 }, 1 };
        const struct mv_launcher *launcher = verdict->fit_question->launcher;
        if (!launcher)
                return;
        printf("\n%sWhat its launcher pod requests%s\n", style->bold, style->reset);
        if (launcher->problem.n)
                mv_text_wrap(stdout, launcher->problem, 2, 2, style->width);
        struct mv_str text = { 0 };
        for (size_t i = 0; i < launcher->requests.n; i++) {
                const struct mv_amount *request = &launcher->requests.items[i];
                text = mv_arena_format(arena, "%.*s%s%.*s %.*s", MV_STR_ARG(text), i ? ", " : "",
                                       MV_STR_ARG(request->name),
                                       MV_STR_ARG(amount_text(arena, request->name, request->amount, true)));
        }
        mv_text_wrap(stdout, text, 2, 2, style->width);
        for (size_t i = 0; i < launcher->requests.n; i++)
                print_short(arena, verdict, &launcher->requests.items[i], style);
        print_short(arena, verdict, &pod, style);
}

void mv_explain_nodes(const struct mv_verdict *verdict, const struct mv_style *style) {
        struct mv_arena arena;
        if (!verdict->fit)
                return;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_fit *fit = verdict->fit;
        const struct mv_fit_groups *groups = mv_fit_groups_make(&arena, fit, NULL);
        const struct mv_stranded *stranded = mv_stranded_find(&arena, verdict->fit_question);
        bool starts = fit->source == SIZE_MAX && !fit->source_unknown;
        printf("\n%s%s%s", style->bold, starts ? "Where it could start" : "Where it could go", style->reset);
        if (groups)
                printf("  %s%zu of %zu nodes%s", style->dim, groups->count[MV_MARK_FEASIBLE],
                       mv_node_set_count(fit->index, mv_node_index_all(fit->index)), style->reset);
        putchar('\n');
        if (groups)
                mv_places_print(stdout, &arena, fit, groups, style);
        if (stranded)
                mv_places_print_stranded(stdout, &arena, stranded, style);
        print_requests(&arena, verdict, style);
        if (mv_arena_failed(&arena))
                puts("  (there was not enough memory to say it all)");
        mv_arena_done(&arena);
}
