/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/shared.h"

#include <stddef.h>

void mv_shared_init(struct mv_shared *shared, void (*destroy)(struct mv_shared *shared)) {
        atomic_init(&shared->references, 1);
        shared->destroy = destroy;
}

void *mv_shared_ref(struct mv_shared *shared) {
        if (shared)
                atomic_fetch_add_explicit(&shared->references, 1, memory_order_relaxed);
        return shared;
}

void *mv_shared_unref(struct mv_shared *shared) {
        if (shared && atomic_fetch_sub_explicit(&shared->references, 1, memory_order_acq_rel) == 1)
                shared->destroy(shared);
        return NULL;
}

void mv_shared_slot_init(struct mv_shared_slot *slot) {
        pthread_mutex_init(&slot->lock, NULL);
        slot->current = NULL;
}

void mv_shared_slot_done(struct mv_shared_slot *slot) {
        slot->current = mv_shared_unref(slot->current);
        pthread_mutex_destroy(&slot->lock);
}

void mv_shared_slot_set(struct mv_shared_slot *slot, struct mv_shared *shared) {
        pthread_mutex_lock(&slot->lock);
        struct mv_shared *old = slot->current;
        slot->current = shared;
        pthread_mutex_unlock(&slot->lock);
        mv_shared_unref(old);
}

void *mv_shared_slot_ref(struct mv_shared_slot *slot) {
        pthread_mutex_lock(&slot->lock);
        struct mv_shared *shared = mv_shared_ref(slot->current);
        pthread_mutex_unlock(&slot->lock);
        return shared;
}
