/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For policy/audit/auditor.c: items by kind, namespace and name, each in a block of its own with a copy of its name, so that a
 * snapshot can go. An item is a struct that begins with a struct mv_audit_key. Belongs to one thread.
 */
#pragma once

#include "policy/base/alloc.h"
#include "policy/snapshot/kind.h"

struct mv_audit_key {
        uint64_t hash;
        struct mv_str namespace, name; /* the item's own */
        enum mv_kind kind;
};

struct mv_audit_table {
        const struct mv_allocator *allocator;
        size_t item_size;
        struct mv_audit_key **slots; /* open addressing; n_slots a power of two */
        size_t n_slots, n;
};

void mv_audit_table_init(struct mv_audit_table *table, const struct mv_allocator *allocator,
                         size_t item_size);
void mv_audit_table_done(struct mv_audit_table *table);

/* The hash of a name in this table. The namespace does not count for kinds that have none. */
uint64_t mv_audit_table_hash(const struct mv_audit_table *table, enum mv_kind kind, struct mv_str namespace,
                             struct mv_str name);
/* NULL when there is none. */
void *mv_audit_table_find(const struct mv_audit_table *table, enum mv_kind kind, struct mv_str namespace,
                          struct mv_str name);
/* The item, made of zeros when there was none. NULL when out of memory. */
void *mv_audit_table_put(struct mv_audit_table *table, enum mv_kind kind, struct mv_str namespace,
                         struct mv_str name);
/* Every item: *at is 0 at first. NULL: that was all. */
void *mv_audit_table_each(const struct mv_audit_table *table, size_t *at);
/* Free the items for which gone() is true. */
void mv_audit_table_drop(struct mv_audit_table *table, bool (*gone)(void *context, void *item),
                         void *context);
