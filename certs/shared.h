/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaced in service: a slot holds what is in force now, an immutable object that counts its references. Whoever uses
 * it takes a reference of its own, so that the slot may change at any time; the object goes with the last reference.
 *
 * An object begins with a struct mv_shared. Its type has functions of its own around these, which do the casts.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

struct mv_shared {
        atomic_uint references;
        void (*destroy)(struct mv_shared *shared);
};

/* With one reference, the caller's. */
void mv_shared_init(struct mv_shared *shared, void (*destroy)(struct mv_shared *shared));
/* Returns its parameter, which may be NULL. */
void *mv_shared_ref(struct mv_shared *shared);
/* Calls destroy with the last reference; shared may be NULL. Returns NULL. */
void *mv_shared_unref(struct mv_shared *shared);

/* Any thread may call any of these between _init and _done. */
struct mv_shared_slot {
        pthread_mutex_t lock;
        struct mv_shared *current; /* under the lock */
};

/* Empty. */
void mv_shared_slot_init(struct mv_shared_slot *slot);
void mv_shared_slot_done(struct mv_shared_slot *slot);
/* Takes over the caller's reference; shared may be NULL. */
void mv_shared_slot_set(struct mv_shared_slot *slot, struct mv_shared *shared);
/* A new reference to what is in force, or NULL. */
void *mv_shared_slot_ref(struct mv_shared_slot *slot);
