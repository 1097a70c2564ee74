/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/kindtable.h"

#include "policy/base/hash.h"

static uint32_t *find_slot(const struct mv_kind_table *table, struct mv_str namespace, struct mv_str name) {
        bool namespaced = mv_kinds[table->kind].namespaced;
        uint64_t hash = mv_hash_add(
                mv_hash_add(mv_hash_seed(table->slots), namespaced ? namespace : MV_STR("")), name);
        size_t mask = table->n_slots - 1, at = (size_t)hash & mask;
        for (;; at = (at + 1) & mask) {
                uint32_t *slot = &table->slots[at];
                if (!*slot)
                        return slot;
                const struct mv_meta *meta = mv_kind_meta(table->kind, table->objects[*slot - 1]);
                if (mv_str_equal(meta->name, name) &&
                    (!namespaced || mv_str_equal(meta->namespace, namespace)))
                        return slot;
        }
}

struct mv_kind_table *mv_kind_table_make(struct mv_arena *arena, enum mv_kind kind, const void **objects,
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
        for (size_t i = 0; i < n; i++) {
                const struct mv_meta *meta = mv_kind_meta(kind, objects[i]);
                if (meta->name.n)
                        *find_slot(table, meta->namespace, meta->name) = (uint32_t)i + 1;
        }
        return table;
}

const void *mv_kind_table_find(const struct mv_kind_table *table, struct mv_str namespace,
                               struct mv_str name) {
        uint32_t slot = table ? *find_slot(table, namespace, name) : 0;
        return slot ? table->objects[slot - 1] : NULL;
}
