/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot as one review sees it: the same objects, shared with the snapshot it is made of, and one thing beside them. A
 * view belongs to one thread, lives in an arena, and is not freed.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/rule.h"

/* Objects of these kinds (1 << kind, or-ed) that are not there may exist all the same: they could not be read in time. Kinds
 * of which more was not known before stay as they are. NULL when the arena is exhausted. */
const struct mv_snapshot *mv_snapshot_doubt(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                            uint64_t kinds);

/* This one in the place of the Namespace of its name, for who looks it up. It outlives the view. NULL when the arena is
 * exhausted. */
const struct mv_snapshot *mv_snapshot_with_namespace(struct mv_arena *arena,
                                                     const struct mv_snapshot *snapshot,
                                                     const struct mv_namespace *namespace);

enum { MV_MOST_LOOKUPS = 16 };

/* Which objects were looked up by name, those that are not there among them; each once. */
struct mv_lookups {
        struct mv_missing items[MV_MOST_LOOKUPS];
        size_t n; /* also of those that were too many to be kept */
};
/* An object that was found in another way counts as looked up, too. */
void mv_lookups_add(struct mv_lookups *lookups, enum mv_kind kind, struct mv_str namespace,
                    struct mv_str name);
/* lookups outlives the view, and so do the names that are asked for. NULL when the arena is exhausted. */
const struct mv_snapshot *mv_snapshot_note_lookups(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                                   struct mv_lookups *lookups);
