/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit/audit_table.h"

#include "policy/base/hash.h"

enum { FIRST_SLOTS = 64 };

static void *allocate(const struct mv_audit_table *table, size_t size) {
        void *memory = table->allocator->allocate(table->allocator->context, size);
        return memory ? memset(memory, 0, size) : NULL;
}

static void release(const struct mv_audit_table *table, void *memory) {
        table->allocator->release(table->allocator->context, memory);
}

void mv_audit_table_init(struct mv_audit_table *table, const struct mv_allocator *allocator,
                         size_t item_size) {
        *table = (struct mv_audit_table){ .allocator = allocator, .item_size = item_size };
}

void mv_audit_table_done(struct mv_audit_table *table) {
        for (size_t i = 0; i < table->n_slots; i++)
                release(table, table->slots[i]);
        release(table, table->slots);
        mv_audit_table_init(table, table->allocator, table->item_size);
}

static struct mv_str place_of(enum mv_kind kind, struct mv_str namespace) {
        return mv_kinds[kind].namespaced ? namespace : MV_STR("");
}

uint64_t mv_audit_table_hash(const struct mv_audit_table *table, enum mv_kind kind, struct mv_str namespace,
                             struct mv_str name) {
        uint64_t seed = mv_hash_seed(table) + ((uint64_t)kind << 56);
        return mv_hash_add(mv_hash_add(seed, place_of(kind, namespace)), name);
}

/* Where it is, or would be. */
static struct mv_audit_key **slot_of(const struct mv_audit_table *table, enum mv_kind kind,
                                     struct mv_str namespace, struct mv_str name, uint64_t hash) {
        for (size_t i = hash & (table->n_slots - 1);; i = (i + 1) & (table->n_slots - 1)) {
                const struct mv_audit_key *key = table->slots[i];
                if (!key || (key->hash == hash && key->kind == kind &&
                             mv_str_equal(key->namespace, namespace) && mv_str_equal(key->name, name)))
                        return &table->slots[i];
        }
}

void *mv_audit_table_find(const struct mv_audit_table *table, enum mv_kind kind, struct mv_str namespace,
                          struct mv_str name) {
        namespace = place_of(kind, namespace);
        return table->n_slots ? *slot_of(table, kind, namespace, name,
                                         mv_audit_table_hash(table, kind, namespace, name))
                              : NULL;
}

static void insert(struct mv_audit_table *table, struct mv_audit_key *key) {
        *slot_of(table, key->kind, key->namespace, key->name, key->hash) = key;
}

static bool grow(struct mv_audit_table *table) {
        struct mv_audit_table larger = *table;
        larger.n_slots = table->n_slots ? 2 * table->n_slots : FIRST_SLOTS;
        larger.slots = allocate(table, larger.n_slots * sizeof(struct mv_audit_key *));
        if (!larger.slots)
                return false;
        for (size_t i = 0; i < table->n_slots; i++)
                if (table->slots[i])
                        insert(&larger, table->slots[i]);
        release(table, table->slots);
        *table = larger;
        return true;
}

static struct mv_str append(char **end, struct mv_str text) {
        if (!text.n)
                return MV_STR("");
        char *copy = memcpy(*end, text.p, text.n);
        *end += text.n;
        return (struct mv_str){ copy, text.n };
}

void *mv_audit_table_put(struct mv_audit_table *table, enum mv_kind kind, struct mv_str namespace,
                         struct mv_str name) {
        if (4 * (table->n + 1) > 3 * table->n_slots && !grow(table))
                return NULL;
        namespace = place_of(kind, namespace);
        uint64_t hash = mv_audit_table_hash(table, kind, namespace, name);
        struct mv_audit_key **slot = slot_of(table, kind, namespace, name, hash);
        struct mv_audit_key *present = *slot;
        if (present)
                return present;
        char *item = allocate(table, table->item_size + namespace.n + name.n);
        if (!item)
                return NULL;
        char *end = item + table->item_size;
        struct mv_audit_key *key = (void *)item;
        *key = (struct mv_audit_key){ .hash = hash, .kind = kind };
        key->namespace = append(&end, namespace);
        key->name = append(&end, name);
        *slot = key;
        table->n++;
        return item;
}

void *mv_audit_table_each(const struct mv_audit_table *table, size_t *at) {
        while (*at < table->n_slots) {
                void *item = table->slots[(*at)++];
                if (item)
                        return item;
        }
        return NULL;
}

/* Behind a slot that has become empty, chains are put together again. */
static void close_gap(struct mv_audit_table *table, size_t gap) {
        for (size_t i = (gap + 1) & (table->n_slots - 1); table->slots[i];
             i = (i + 1) & (table->n_slots - 1)) {
                struct mv_audit_key *key = table->slots[i];
                table->slots[i] = NULL;
                insert(table, key);
        }
}

void mv_audit_table_drop(struct mv_audit_table *table, bool (*gone)(void *context, void *item),
                         void *context) {
        for (size_t i = 0; i < table->n_slots; i++)
                /* What closes the gap may come to stand in it. */
                while (table->slots[i] && gone(context, table->slots[i])) {
                        release(table, table->slots[i]);
                        table->slots[i] = NULL;
                        table->n--;
                        close_gap(table, i);
                }
}
