/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of cluster/live.h: live.c has the changes, live_publish.c the snapshots. */
#pragma once

#include "cluster/live.h"
#include "policy/snapshot/block.h"
#include "policy/snapshot/kindtable.h"
#include "policy/nodes/placement.h"

#include <stdatomic.h>

struct mv_items {
        struct mv_block **items;
        size_t n, capacity;
};

/* An object that cannot be read, by the hash of its name. */
struct mv_unreadable {
        uint64_t hash;
        uint32_t round; /* of the list that brought it last */
};

struct mv_live_kind {
        struct mv_block **slots; /* by namespace and name; open addressing, n_slots a power of two */
        size_t n_slots, n;
        struct mv_items
                order; /* by namespace and name, as of the last table; the dead are still among them */
        struct mv_items fresh; /* those that came since then */
        uint32_t round;
        bool listing, dirty;
        struct mv_live_table *table; /* in force */
        struct mv_unreadable *unreadable;
        size_t n_unreadable, unreadable_capacity;
        uint32_t swamped; /* the round after that in which there were too many of them; 0: none */
        enum mv_knowledge knowledge, placed; /* now; and when the placement was made */
        char *reason;
};

struct mv_live_table {
        struct mv_arena arena;
        struct mv_kind_table *table;
};

struct mv_placed_nodes {
        struct mv_arena arena;
        struct mv_placement placement;
};

/* What a publication superseded: freed when the snapshots up to it are gone. */
struct mv_retired {
        struct mv_items items;
        struct mv_live_table *tables[MV_KIND_COUNT];
        struct mv_placed_nodes *placed;
};

/*
 * Snapshot and generation have one number. A generation is used by its snapshot and by the generation before it, so it goes
 * when the snapshots up to it are gone; then nobody can see any more what was retired when the next one came.
 */
struct mv_generation {
        atomic_int users;
        struct mv_generation *next;
        struct mv_generation *garbage; /* the next one in live->garbage */
        struct mv_retired retired;
        struct mv_live *live;
};

struct mv_live {
        struct mv_store *store;
        struct mv_block_pool *pool;
        struct mv_live_kind kinds[MV_KIND_COUNT];
        struct mv_generation *last;              /* that of the snapshot in force; NULL before the first */
        _Atomic(struct mv_generation *) garbage; /* pushed by whoever frees a snapshot */
        struct mv_placed_nodes *placed;          /* in force */
        struct mv_items deferred;                /* superseded, but the placement in force points to them */
        bool entries, known_changed, placement_stale;
        size_t bytes; /* of blocks */
        long long published_us,
                publishing_took_us;           /* when the last publication ended, and how long it took */
        long long placed_us, placing_took_us; /* the placement likewise */
};

bool mv_items_reserve(struct mv_items *items, size_t more);
/* All of them, and the array. */
void mv_items_free(struct mv_live *live, struct mv_items *items);
struct mv_live_table *mv_live_table_free(struct mv_live_table *table);
struct mv_placed_nodes *mv_placed_nodes_free(struct mv_placed_nodes *placed);
/* Free what was retired and is seen by no snapshot any more. */
void mv_live_collect_garbage(struct mv_live *live);
