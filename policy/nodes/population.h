/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever could be migrated one day, as a MigrationPolicy sees it: the instances of the snapshot that have not ended, and
 * the templates of VirtualMachines, pools and replica sets, each with the labels that its instance has or would have.
 */
#pragma once

#include "policy/snapshot/snapshot.h"

#include "policy/object/meta.h"

struct mv_inhabitant {
        enum mv_kind kind;
        struct mv_str namespace, name;
        const struct mv_map *labels;
        size_t next_kind, next; /* where to go on; all zero to begin with */
};

/* Go on to the next one; false when there is none. */
bool mv_population_next(const struct mv_snapshot *snapshot, struct mv_inhabitant *inhabitant);
