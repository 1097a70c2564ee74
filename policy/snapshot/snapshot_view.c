/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/snapshot_view.h"

#include "policy/snapshot/snapshot_making.h"

static struct mv_snapshot *copy(struct mv_arena *arena, const struct mv_snapshot *snapshot) {
        struct mv_snapshot *view = mv_arena_new(arena, struct mv_snapshot);
        if (view)
                *view = *snapshot;
        return view;
}

const struct mv_snapshot *mv_snapshot_doubt(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                            uint64_t kinds) {
        struct mv_snapshot *view = copy(arena, snapshot);
        for (int kind = 0; view && kind < MV_KIND_COUNT; kind++)
                if (kinds >> kind & 1 && mv_snapshot_has_all(snapshot, (enum mv_kind)kind))
                        view->known[kind] = (struct mv_known){ MV_KNOWLEDGE_LATE, { 0 } };
        return view;
}

const struct mv_snapshot *mv_snapshot_with_namespace(struct mv_arena *arena,
                                                     const struct mv_snapshot *snapshot,
                                                     const struct mv_namespace *namespace) {
        struct mv_snapshot *view = copy(arena, snapshot);
        if (view)
                view->namespace = namespace;
        return view;
}

static bool is_same(const struct mv_missing *a, const struct mv_missing *b) {
        return a->kind == b->kind && mv_str_equal(a->name, b->name) &&
               mv_str_equal(a->namespace, b->namespace);
}

void mv_lookups_add(struct mv_lookups *lookups, enum mv_kind kind, struct mv_str namespace,
                    struct mv_str name) {
        const struct mv_missing object = { kind, mv_kinds[kind].namespaced ? namespace : (struct mv_str){ 0 },
                                           name };
        for (size_t i = 0; i < lookups->n && i < MV_MOST_LOOKUPS; i++)
                if (is_same(&lookups->items[i], &object))
                        return;
        if (lookups->n < MV_MOST_LOOKUPS)
                lookups->items[lookups->n] = object;
        lookups->n++;
}

const struct mv_snapshot *mv_snapshot_note_lookups(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                                   struct mv_lookups *lookups) {
        struct mv_snapshot *view = copy(arena, snapshot);
        if (view)
                view->lookups = lookups;
        return view;
}
