/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/snapshot_making.h"

bool mv_placement_of(struct mv_arena *arena, const struct mv_kind_table *const tables[MV_KIND_COUNT],
                     struct mv_placement *ret) {
        struct mv_snapshot bare = { .allocator = arena->allocator };
        memcpy(bare.tables, tables, sizeof bare.tables);
        return mv_placement_make(arena, &bare, ret);
}

/* All objects of all kinds. */
static void list_entries(struct mv_snapshot *snapshot) {
        size_t n = 0;
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                n += mv_snapshot_count(snapshot, (enum mv_kind)kind);
        snapshot->entries = mv_arena_new_array(&snapshot->arena, struct mv_entry, n);
        for (int kind = 0; snapshot->entries && kind < MV_KIND_COUNT; kind++)
                for (size_t i = 0; i < mv_snapshot_count(snapshot, (enum mv_kind)kind); i++) {
                        const void *object = mv_snapshot_at(snapshot, (enum mv_kind)kind, i);
                        snapshot->entries[snapshot->n_entries++] =
                                (struct mv_entry){ .kind = (enum mv_kind)kind,
                                                   .meta = mv_kind_meta((enum mv_kind)kind, object),
                                                   .object = object };
                }
}

int mv_snapshot_assemble(const struct mv_allocator *allocator, const struct mv_snapshot_parts *parts,
                         struct mv_snapshot **ret, struct mv_err *err) {
        struct mv_snapshot *snapshot = allocator->allocate(allocator->context, sizeof *snapshot);
        const struct mv_config_map *map;
        if (!snapshot)
                return mv_err_oom(err);
        *snapshot = (struct mv_snapshot){ .allocator = allocator,
                                          .placement = *parts->placement,
                                          .shared_bytes = parts->bytes };
        mv_arena_init(&snapshot->arena, allocator, 0);
        mv_pieces_init(&snapshot->pieces, allocator);
        for (int kind = 0; kind < MV_KIND_COUNT; kind++) {
                snapshot->tables[kind] = parts->tables[kind];
                snapshot->known[kind] = (struct mv_known){
                        parts->known[kind].knowledge,
                        mv_arena_copy(&snapshot->arena, parts->known[kind].reason),
                };
        }
        if (parts->entries)
                list_entries(snapshot);
        int r = mv_snapshot_configure(snapshot, true, &map, err);
        if (r == 0 && mv_arena_failed(&snapshot->arena))
                r = mv_err_oom(err);
        if (r < 0) {
                mv_snapshot_free(snapshot);
                return r;
        }
        snapshot->released = parts->released;
        snapshot->context = parts->context;
        *ret = snapshot;
        return 0;
}
