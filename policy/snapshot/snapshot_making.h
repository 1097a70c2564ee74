/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a snapshot, for what makes one (policy/snapshot/snapshot_builder.c from documents, policy/snapshot/snapshot_assemble.c from the
 * objects of a live cluster) and what reads it (policy/snapshot/snapshot.c). Nobody else looks in here. */
#pragma once

#include "policy/base/pieces.h"
#include "policy/snapshot/kindtable.h"
#include "policy/nodes/placement.h"
#include "policy/snapshot/snapshot.h"
#include "policy/snapshot/snapshot_view.h"

enum { MV_MOST_PASSED_OVER = 16 };

struct mv_snapshot {
        const struct mv_allocator *allocator;
        struct mv_arena arena;
        struct mv_pieces pieces;  /* what its objects have in common; of documents only */
        struct mv_entry *entries; /* of documents only */
        size_t n_entries;
        const struct mv_kind_table *tables[MV_KIND_COUNT];
        struct mv_known known[MV_KIND_COUNT];
        struct mv_str *notes;
        size_t n_notes, notes_capacity;
        struct mv_passed_over passed_over[MV_MOST_PASSED_OVER + 1];
        size_t n_passed_over;
        const struct mv_kubevirt_config *config;
        const struct mv_config_map *legacy_config, *storage_class_defaults;
        struct mv_placement placement;
        size_t shared_bytes; /* of what it does not own */
        void (*released)(void *context);
        void *context;
        /* Of a view; NULL otherwise: where lookups are noted, and what stands in for the Namespace of its name. */
        struct mv_lookups *lookups;
        const struct mv_namespace *namespace;
};

void mv_snapshot_add_note(struct mv_snapshot *snapshot, struct mv_str note);

/* When the tables are there: the configuration of the cluster. MV_ENOMEM, or MV_ETYPE when the ConfigMaps that configure the
 * cluster are wrong (err has path and message, and *ret_map the map); where wrong ones are passed over, a note says so. */
int mv_snapshot_configure(struct mv_snapshot *snapshot, bool pass_over, const struct mv_config_map **ret_map,
                          struct mv_err *err);
