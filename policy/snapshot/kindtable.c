/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/kindtable.h"

#include "policy/base/hash.h"

#include <stdlib.h>

uint64_t mv_kind_hash(uint64_t seed, enum mv_kind kind, struct mv_str namespace, struct mv_str name) {
        return mv_hash_add(mv_hash_add(seed, mv_kinds[kind].namespaced ? namespace : MV_STR("")), name);
}

/* --- by namespace --- */

struct position {
        struct mv_str namespace;
        size_t i;
};

static int by_namespace(const void *a, const void *b) {
        const struct position *x = a, *y = b;
        int order = mv_str_compare(x->namespace, y->namespace);
        return order ? order : (x->i > y->i) - (x->i < y->i);
}

static struct mv_str namespace_at(const struct mv_kind_table *table, size_t i) {
        return mv_kind_meta(table->kind, table->by_namespace[i])->namespace;
}

/* Objects of a live cluster are in order already. */
static bool is_ordered(const struct mv_kind_table *table) {
        for (size_t i = 1; i < table->n; i++)
                if (mv_str_compare(namespace_at(table, i - 1), namespace_at(table, i)) > 0)
                        return false;
        return true;
}

static bool order_by_namespace(struct mv_arena *arena, struct mv_kind_table *table) {
        table->by_namespace = table->objects;
        if (!mv_kinds[table->kind].namespaced || is_ordered(table))
                return true;
        const struct mv_allocator *allocator = arena->allocator;
        const void **ordered = mv_arena_new_array(arena, const void *, table->n);
        struct position *positions =
                allocator->allocate(allocator->context, table->n * sizeof(struct position));
        if (ordered && positions) {
                for (size_t i = 0; i < table->n; i++)
                        positions[i] = (struct position){ namespace_at(table, i), i };
                qsort(positions, table->n, sizeof *positions, by_namespace);
                for (size_t i = 0; i < table->n; i++)
                        ordered[i] = table->objects[positions[i].i];
                table->by_namespace = ordered;
        }
        allocator->release(allocator->context, positions);
        return ordered && positions;
}

/* The first object of that namespace, or the first behind all of it. */
static size_t first_at(const struct mv_kind_table *table, struct mv_str namespace, bool behind) {
        size_t low = 0, high = table->n;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (mv_str_compare(namespace_at(table, middle), namespace) < (behind ? 1 : 0))
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

const void *const *mv_kind_table_of_namespace(const struct mv_kind_table *table, struct mv_str namespace,
                                              size_t *ret_n) {
        *ret_n = 0;
        if (!table)
                return NULL;
        if (!mv_kinds[table->kind].namespaced) {
                *ret_n = table->n;
                return table->by_namespace;
        }
        size_t begin = first_at(table, namespace, false), end = first_at(table, namespace, true);
        *ret_n = end - begin;
        return table->by_namespace + begin;
}

/* --- tables --- */

static bool find_unfinished(struct mv_arena *arena, struct mv_kind_table *table) {
        bool (*is_final)(const void *object) = mv_kinds[table->kind].is_final;
        size_t n = 0;
        if (!is_final)
                return true;
        for (size_t i = 0; i < table->n; i++)
                n += !is_final(table->objects[i]);
        table->unfinished = mv_arena_new_array(arena, const void *, n);
        for (size_t i = 0; table->unfinished && i < table->n; i++)
                if (!is_final(table->objects[i]))
                        table->unfinished[table->n_unfinished++] = table->objects[i];
        return table->unfinished;
}

static struct mv_kind_table *table_new(struct mv_arena *arena, enum mv_kind kind, const void **objects,
                                       size_t n) {
        struct mv_kind_table *table = mv_arena_new(arena, struct mv_kind_table);
        size_t n_slots = 2;
        while (n_slots < n * 2)
                n_slots *= 2;
        uint32_t *slots = mv_arena_new_array(arena, uint32_t, n_slots);
        if (!table || !slots || n >= UINT32_MAX / 4)
                return NULL;
        *table = (struct mv_kind_table){
                .objects = objects, .n = n, .kind = kind, .slots = slots, .n_slots = n_slots
        };
        if (kind == MV_KIND_PERSISTENT_VOLUME && !(table->volumes = mv_volume_index_make(arena, objects, n)))
                return NULL;
        return order_by_namespace(arena, table) && find_unfinished(arena, table) ? table : NULL;
}

static void insert(struct mv_kind_table *table, uint64_t hash, size_t i) {
        size_t mask = table->n_slots - 1, at = (size_t)hash & mask;
        while (table->slots[at])
                at = (at + 1) & mask;
        table->slots[at] = (uint32_t)i + 1;
}

struct mv_kind_table *mv_kind_table_make(struct mv_arena *arena, enum mv_kind kind, const void **objects,
                                         size_t n) {
        struct mv_kind_table *table = table_new(arena, kind, objects, n);
        if (!table)
                return NULL;
        table->seed = mv_hash_seed(table->slots);
        for (size_t i = 0; i < n; i++) {
                const struct mv_meta *meta = mv_kind_meta(kind, objects[i]);
                if (meta->name.n)
                        insert(table, mv_kind_hash(table->seed, kind, meta->namespace, meta->name), i);
        }
        return table;
}

struct mv_kind_table *mv_kind_table_make_hashed(struct mv_arena *arena, enum mv_kind kind,
                                                const void **objects, size_t n, uint64_t seed,
                                                const uint64_t *hashes) {
        struct mv_kind_table *table = table_new(arena, kind, objects, n);
        if (!table)
                return NULL;
        table->seed = seed;
        for (size_t i = 0; i < n; i++)
                insert(table, hashes[i], i);
        return table;
}

const void *mv_kind_table_find(const struct mv_kind_table *table, struct mv_str namespace,
                               struct mv_str name) {
        if (!table)
                return NULL;
        bool namespaced = mv_kinds[table->kind].namespaced;
        size_t mask = table->n_slots - 1,
               at = (size_t)mv_kind_hash(table->seed, table->kind, namespace, name) & mask;
        for (uint32_t slot; (slot = table->slots[at]); at = (at + 1) & mask) {
                const struct mv_meta *meta = mv_kind_meta(table->kind, table->objects[slot - 1]);
                if (mv_str_equal(meta->name, name) &&
                    (!namespaced || mv_str_equal(meta->namespace, namespace)))
                        return table->objects[slot - 1];
        }
        return NULL;
}
