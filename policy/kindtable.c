/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/kindtable.h"

#include "policy/base/hash.h"

uint64_t mv_kind_hash(uint64_t seed, enum mv_kind kind, struct mv_str namespace, struct mv_str name) {
        return mv_hash_add(mv_hash_add(seed, mv_kinds[kind].namespaced ? namespace : MV_STR("")), name);
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
        return table;
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
