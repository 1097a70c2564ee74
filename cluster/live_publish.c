/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/live_making.h"

#include "certs/clock.h"

#include <limits.h>
#include <stdlib.h>

/* What a kind becomes with the next snapshot; nothing is changed before all of it is there. */
struct staged {
        struct mv_live_table *table;
        struct mv_items order;
        struct mv_items unseen;  /* gone before any snapshot had them */
        struct mv_items retired; /* snapshots have them */
};

struct publication {
        struct staged kinds[MV_KIND_COUNT];
        bool renewed[MV_KIND_COUNT];
        struct mv_placed_nodes *placed; /* NULL: that in force stays */
        struct mv_generation *generation;
        struct mv_items retired;  /* of all kinds */
        struct mv_items deferred; /* what is deferred from now on */
};

static bool is_placed_kind(int kind) {
        return kind == MV_KIND_NODE || kind == MV_KIND_POD || kind == MV_KIND_VMI;
}

struct mv_live_table *mv_live_table_free(struct mv_live_table *table) {
        if (table)
                mv_arena_done(&table->arena);
        free(table);
        return NULL;
}

struct mv_placed_nodes *mv_placed_nodes_free(struct mv_placed_nodes *placed) {
        if (placed)
                mv_arena_done(&placed->arena);
        free(placed);
        return NULL;
}

static int compare_items(const void *a, const void *b) {
        const struct mv_meta *x = mv_block_meta(*(struct mv_block *const *)a),
                             *y = mv_block_meta(*(struct mv_block *const *)b);
        int order = mv_str_compare(x->namespace, y->namespace);
        return order ? order : mv_str_compare(x->name, y->name);
}

/* Follow an item to what it has become; what is passed on the way, and is dead, is dropped. NULL when it is gone. */
static struct mv_block *settle(struct staged *staged, struct mv_block *item) {
        for (struct mv_block *next; item && item->dead; item = next) {
                struct mv_items *end = item->published ? &staged->retired : &staged->unseen;
                next = item->next;
                end->items[end->n++] = item;
        }
        return item;
}

/* How many dead items there are on the ways from these. */
static size_t count_dead(const struct mv_items *items) {
        size_t n = 0;
        for (size_t i = 0; i < items->n; i++)
                for (const struct mv_block *item = items->items[i]; item && item->dead; item = item->next)
                        n++;
        return n;
}

/* Those that are left of order and of fresh, in one order. */
static void merge(struct staged *staged, const struct mv_items *order, struct mv_items *fresh) {
        size_t kept = 0, f = 0;
        for (size_t i = 0; i < fresh->n; i++) {
                struct mv_block *item = settle(staged, fresh->items[i]);
                if (item)
                        fresh->items[kept++] = item;
        }
        fresh->n = kept;
        if (kept > 1)
                qsort(fresh->items, kept, sizeof(struct mv_block *), compare_items);
        for (size_t i = 0; i < order->n; i++) {
                struct mv_block *item = settle(staged, order->items[i]);
                if (!item)
                        continue;
                while (f < kept && compare_items(&fresh->items[f], &item) < 0)
                        staged->order.items[staged->order.n++] = fresh->items[f++];
                staged->order.items[staged->order.n++] = item;
        }
        while (f < kept)
                staged->order.items[staged->order.n++] = fresh->items[f++];
}

static bool make_table(const struct mv_live *live, struct staged *staged, enum mv_kind kind) {
        struct mv_live_table *table = calloc(1, sizeof *table);
        if (!table)
                return false;
        staged->table = table;
        mv_arena_init(&table->arena, &mv_allocator_system, 0);
        const void **objects = mv_arena_new_array(&table->arena, const void *, staged->order.n);
        uint64_t *hashes = reallocarray(NULL, staged->order.n + 1, sizeof *hashes);
        for (size_t i = 0; objects && hashes && i < staged->order.n; i++) {
                const struct mv_block *block = staged->order.items[i];
                objects[i] = block->object;
                hashes[i] = block->hash;
        }
        if (objects && hashes)
                table->table = mv_kind_table_make_hashed(&table->arena, kind, objects, staged->order.n,
                                                         mv_block_seed(live->pool), hashes);
        free(hashes);
        return table->table != NULL;
}

static bool stage(struct mv_live *live, enum mv_kind kind, struct staged *staged) {
        struct mv_live_kind *state = &live->kinds[kind];
        struct mv_items fresh = { 0 }; /* a copy: a publication that fails changes nothing */
        size_t dead = count_dead(&state->order) + count_dead(&state->fresh);
        if (!mv_items_reserve(&fresh, state->fresh.n) || !mv_items_reserve(&staged->unseen, dead) ||
            !mv_items_reserve(&staged->retired, dead) ||
            !mv_items_reserve(&staged->order, state->order.n + state->fresh.n)) {
                free(fresh.items);
                return false;
        }
        if (state->fresh.n)
                memcpy(fresh.items, state->fresh.items, state->fresh.n * sizeof(struct mv_block *));
        fresh.n = state->fresh.n;
        merge(staged, &state->order, &fresh);
        free(fresh.items);
        return make_table(live, staged, kind);
}

static void append(struct mv_items *to, const struct mv_items *from) {
        if (from->n)
                memcpy(&to->items[to->n], from->items, from->n * sizeof(struct mv_block *));
        to->n += from->n;
}

/* What nobody will see from the next snapshot on, and what the placement in force still holds. */
static bool collect_retired(const struct mv_live *live, struct publication *publication) {
        size_t n = live->deferred.n;
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                n += publication->kinds[kind].retired.n;
        if (!mv_items_reserve(&publication->retired, n) || !mv_items_reserve(&publication->deferred, n))
                return false;
        append(publication->placed ? &publication->retired : &publication->deferred, &live->deferred);
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                append(is_placed_kind(kind) && !publication->placed ? &publication->deferred
                                                                    : &publication->retired,
                       &publication->kinds[kind].retired);
        return true;
}

static bool make_placement(struct publication *publication,
                           const struct mv_kind_table *const tables[MV_KIND_COUNT]) {
        struct mv_placed_nodes *placed = calloc(1, sizeof *placed);
        if (!placed)
                return false;
        publication->placed = placed;
        mv_arena_init(&placed->arena, &mv_allocator_system, 0);
        return mv_placement_of(&placed->arena, tables, &placed->placement);
}

static void release_generation(void *context) {
        struct mv_generation *generation = context;
        while (generation && atomic_fetch_sub(&generation->users, 1) == 1) {
                struct mv_generation *next = generation->next;
                _Atomic(struct mv_generation *) *garbage = &generation->live->garbage;
                generation->garbage = atomic_load(garbage);
                while (!atomic_compare_exchange_weak(garbage, &generation->garbage, generation))
                        ;
                generation = next;
        }
}

void mv_live_collect_garbage(struct mv_live *live) {
        struct mv_generation *generation = atomic_exchange(&live->garbage, NULL);
        while (generation) {
                struct mv_generation *next = generation->garbage;
                mv_items_free(live, &generation->retired.items);
                for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                        mv_live_table_free(generation->retired.tables[kind]);
                mv_placed_nodes_free(generation->retired.placed);
                free(generation);
                generation = next;
        }
}

static void discard(struct publication *publication) {
        for (int kind = 0; kind < MV_KIND_COUNT; kind++) {
                struct staged *staged = &publication->kinds[kind];
                mv_live_table_free(staged->table);
                free(staged->order.items);
                free(staged->unseen.items);
                free(staged->retired.items);
        }
        mv_placed_nodes_free(publication->placed);
        free(publication->generation);
        free(publication->retired.items);
        free(publication->deferred.items);
}

/* Of Nodes and Pods, a part says something else than the whole: it is shown only when all were listed once. What is too old
 * is not shown of any kind. */
static bool is_shown(int kind, enum mv_knowledge knowledge) {
        if (knowledge == MV_KNOWLEDGE_OUTDATED)
                return false;
        return (kind != MV_KIND_NODE && kind != MV_KIND_POD) || knowledge == MV_KNOWLEDGE_ALL ||
               knowledge == MV_KNOWLEDGE_LOST;
}

/* Not all while there is an object of it that cannot be read. */
static enum mv_knowledge knowledge_of(const struct mv_live_kind *state) {
        bool unreadable = state->n_unreadable || state->swamped;
        return state->knowledge == MV_KNOWLEDGE_ALL && unreadable ? MV_KNOWLEDGE_NAMED : state->knowledge;
}

bool mv_live_shows(const struct mv_live *live, enum mv_kind kind) {
        return is_shown((int)kind, knowledge_of(&live->kinds[kind]));
}

static bool shows_otherwise(const struct mv_live *live, int kind) {
        const struct mv_live_kind *state = &live->kinds[kind];
        return is_shown(kind, knowledge_of(state)) != is_shown(kind, state->placed);
}

/* From here on nothing can fail. */
static void commit(struct mv_live *live, struct publication *publication) {
        struct mv_generation *last = live->last, *generation = publication->generation;
        struct mv_retired *retired = last ? &last->retired : NULL;
        for (int kind = 0; kind < MV_KIND_COUNT; kind++) {
                struct mv_live_kind *state = &live->kinds[kind];
                struct staged *staged = &publication->kinds[kind];
                if (!publication->renewed[kind])
                        continue;
                for (size_t i = 0; i < staged->order.n; i++)
                        staged->order.items[i]->published = true;
                free(state->order.items);
                state->order = staged->order;
                state->fresh.n = 0;
                state->dirty = false;
                if (retired)
                        retired->tables[kind] = state->table;
                state->table = staged->table;
                mv_items_free(live, &staged->unseen);
                free(staged->retired.items);
                *staged = (struct staged){ 0 };
        }
        if (publication->placed) {
                if (retired)
                        retired->placed = live->placed;
                live->placed = publication->placed;
                live->placement_stale = false;
                for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                        live->kinds[kind].placed = knowledge_of(&live->kinds[kind]);
        }
        free(live->deferred.items);
        live->deferred = publication->deferred;
        if (retired) { /* before the first snapshot there was nobody to see anything */
                retired->items = publication->retired;
                last->next = generation;
        } else
                free(publication->retired.items);
        live->last = generation;
        live->known_changed = false;
}

/* The placement is behind. */
static bool placement_is_old(const struct mv_live *live) {
        return live->placement_stale || live->kinds[MV_KIND_NODE].dirty || live->kinds[MV_KIND_POD].dirty ||
               live->kinds[MV_KIND_VMI].dirty || shows_otherwise(live, MV_KIND_NODE) ||
               shows_otherwise(live, MV_KIND_POD) || shows_otherwise(live, MV_KIND_VMI);
}

/* Something changed that the next publication shows, whether or not it renews the placement. */
static bool tables_are_old(const struct mv_live *live) {
        if (live->known_changed || !live->last)
                return true;
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                if (live->kinds[kind].dirty && kind != MV_KIND_NODE && kind != MV_KIND_POD)
                        return true;
        return false;
}

static struct mv_known known_of(const struct mv_live_kind *state, enum mv_knowledge knowledge) {
        return (struct mv_known){ knowledge, knowledge == MV_KNOWLEDGE_NAMED && state->knowledge != knowledge
                                                     ? MV_STR("some objects of it cannot be read")
                                                     : mv_str_from(state->reason ? state->reason : "") };
}

static int prepare(struct mv_live *live, bool renew, struct publication *publication,
                   struct mv_snapshot **ret, struct mv_err *err) {
        struct mv_snapshot_parts parts = { .bytes = live->bytes + mv_block_pool_bytes(live->pool),
                                           .entries = live->entries,
                                           .released = release_generation };
        for (int kind = 0; kind < MV_KIND_COUNT; kind++) {
                const struct mv_live_kind *state = &live->kinds[kind];
                bool waits = !renew && (kind == MV_KIND_NODE || kind == MV_KIND_POD);
                publication->renewed[kind] = state->dirty && !waits;
                if (publication->renewed[kind] && !stage(live, (enum mv_kind)kind, &publication->kinds[kind]))
                        return mv_err_oom(err);
                const struct mv_live_table *table =
                        publication->renewed[kind] ? publication->kinds[kind].table : state->table;
                /* What is known of them and the table of them go together. */
                enum mv_knowledge knowledge =
                        waits && shows_otherwise(live, kind) ? state->placed : knowledge_of(state);
                parts.tables[kind] = table && is_shown(kind, knowledge) ? table->table : NULL;
                parts.bytes += table ? table->arena.held : 0;
                parts.known[kind] = known_of(state, knowledge);
        }
        long long start = mv_now() / 1000;
        if (renew && !make_placement(publication, parts.tables))
                return mv_err_oom(err);
        if (renew)
                live->placing_took_us = mv_now() / 1000 - start;
        const struct mv_placed_nodes *placed = renew ? publication->placed : live->placed;
        publication->generation = calloc(1, sizeof *publication->generation);
        if (!publication->generation || !collect_retired(live, publication))
                return mv_err_oom(err);
        publication->generation->live = live;
        atomic_init(&publication->generation->users, live->last ? 2 : 1);
        parts.placement = &placed->placement;
        parts.bytes += placed->arena.held;
        parts.context = publication->generation;
        return mv_snapshot_assemble(&mv_allocator_system, &parts, ret, err);
}

static long long placement_due_us(const struct mv_live *live) {
        return live->placed ? live->placed_us + 10 * live->placing_took_us : 0;
}

int mv_live_publish(struct mv_live *live, bool all, struct mv_err *err) {
        struct publication publication = { 0 };
        struct mv_snapshot *snapshot;
        long long start = mv_now() / 1000;
        mv_live_collect_garbage(live);
        bool renew = !live->placed || (placement_is_old(live) && (all || start >= placement_due_us(live)));
        if (!renew && !tables_are_old(live))
                return 0;
        int r = prepare(live, renew, &publication, &snapshot, err);
        if (r < 0) {
                discard(&publication);
                return r;
        }
        if (!renew && publication.renewed[MV_KIND_VMI])
                live->placement_stale = true;
        commit(live, &publication);
        mv_store_publish(live->store, snapshot);
        live->published_us = mv_now() / 1000;
        live->publishing_took_us = live->published_us - start - (renew ? live->placing_took_us : 0);
        if (renew)
                live->placed_us = live->published_us;
        return 0;
}

long long mv_live_due(const struct mv_live *live) {
        long long due = LLONG_MAX;
        if (tables_are_old(live))
                due = live->last ? live->published_us + 10 * live->publishing_took_us : 0;
        if (placement_is_old(live) && placement_due_us(live) < due)
                due = placement_due_us(live);
        return due == LLONG_MAX ? due : due / 1000;
}
