/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write side of the cluster model: holds the snapshot in force and lends it out.
 *
 * A snapshot is const once published. A reader borrows it, works, and returns it; a writer publishes a new one at
 * any time, and the old one is freed when its last borrower has returned it. So nobody ever sees a half-read state.
 */
#pragma once

#include "policy/snapshot/snapshot.h"

struct mv_store;

struct mv_store *mv_store_new(void); /* NULL when out of memory */
/* No snapshot may be on loan. Takes NULL; returns NULL. */
struct mv_store *mv_store_free(struct mv_store *store);

/* Put snapshot in force. The store owns it from now on and frees it with mv_snapshot_free. */
void mv_store_publish(struct mv_store *store, struct mv_snapshot *snapshot);

/* The snapshot in force, or NULL when none was published yet. Give it back with mv_store_return (NULL is fine). */
const struct mv_snapshot *mv_store_borrow(struct mv_store *store);
void mv_store_return(struct mv_store *store, const struct mv_snapshot *snapshot);
