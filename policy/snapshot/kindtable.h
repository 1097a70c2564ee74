/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All objects of one kind, found by namespace and name. A table does not change once it is made, and does not own the
 * objects. NULL is an empty table.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/snapshot/kind.h"
#include "policy/snapshot/volumes.h"

#include <stdint.h>

struct mv_kind_table {
        const void **objects;
        size_t n;
        enum mv_kind kind;
        uint32_t *slots; /* number of the object + 1; open addressing, a power of two */
        size_t n_slots;
        uint64_t seed; /* of the hashes */
        /* The same objects, those of a namespace together, by namespace and then as they came. */
        const void *const *by_namespace;
        const void **unfinished; /* those that are not final; NULL for kinds of which none ever is */
        size_t n_unfinished;
        const struct mv_volume_index *volumes; /* of PersistentVolumes; NULL for other kinds */
};

/* The metadata of an object of that kind. */
static inline const struct mv_meta *mv_kind_meta(enum mv_kind kind, const void *object) {
        return (const struct mv_meta *)(const void *)((const char *)object + mv_kinds[kind].meta_offset);
}

/* The hash of a name, for tables with that seed. */
uint64_t mv_kind_hash(uint64_t seed, enum mv_kind kind, struct mv_str namespace, struct mv_str name);

/* In the order given; the array is borrowed, and lives as long as the table. Objects without a name cannot be found, and no
 * two may have the same one. NULL when the arena is exhausted. */
struct mv_kind_table *mv_kind_table_make(struct mv_arena *arena, enum mv_kind kind, const void **objects,
                                         size_t n);
/* The same of objects that all have names, whose hashes are known already. */
struct mv_kind_table *mv_kind_table_make_hashed(struct mv_arena *arena, enum mv_kind kind,
                                                const void **objects, size_t n, uint64_t seed,
                                                const uint64_t *hashes);
/* The objects of a namespace, *ret_n of them, as they came; in the order of the table for kinds that have none. */
const void *const *mv_kind_table_of_namespace(const struct mv_kind_table *table, struct mv_str namespace,
                                              size_t *ret_n);
/* NULL when there is none. namespace is ignored for kinds that have none. */
const void *mv_kind_table_find(const struct mv_kind_table *table, struct mv_str namespace,
                               struct mv_str name);
