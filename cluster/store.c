/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/store.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* A snapshot that is in force or still on loan. */
struct loan {
        struct loan *next;
        struct mv_snapshot *snapshot;
        size_t borrowers;
};

/*
 * The lock is held for a few instructions only: nothing is allocated, freed or built under it. A snapshot
 * needs a loan; the store keeps one ready, so that publishing does not depend on memory unless the one
 * before could not get any either.
 */
struct mv_store {
        pthread_mutex_t lock;
        struct loan *current; /* in force; NULL before the first */
        struct loan *retired; /* replaced, but on loan; few, since a reader keeps one for a request at most */
        struct loan *spare;
};

struct mv_store *mv_store_new(void) {
        struct mv_store *store = calloc(1, sizeof *store);
        if (!store)
                return NULL;
        store->spare = calloc(1, sizeof *store->spare);
        if (!store->spare || pthread_mutex_init(&store->lock, NULL) != 0) {
                free(store->spare);
                free(store);
                return NULL;
        }
        return store;
}

static void free_loan(struct loan *loan) {
        if (!loan)
                return;
        mv_snapshot_free(loan->snapshot);
        free(loan);
}

struct mv_store *mv_store_free(struct mv_store *store) {
        if (!store)
                return NULL;
        assert(!store->retired && (!store->current || !store->current->borrowers));
        free_loan(store->current);
        free(store->spare);
        pthread_mutex_destroy(&store->lock);
        free(store);
        return NULL;
}

void mv_store_publish(struct mv_store *store, struct mv_snapshot *snapshot) {
        struct loan *fresh = calloc(1, sizeof *fresh), *old = NULL;
        pthread_mutex_lock(&store->lock);
        struct loan *loan = fresh;
        if (store->spare) {
                loan = store->spare;
                store->spare = fresh;
        }
        if (loan) {
                *loan = (struct loan){ .snapshot = snapshot };
                old = store->current;
                store->current = loan;
                if (old && old->borrowers) {
                        old->next = store->retired;
                        store->retired = old;
                        old = NULL;
                }
        }
        pthread_mutex_unlock(&store->lock);
        free_loan(old);
        if (!loan) /* no memory twice: what is in force stays */
                mv_snapshot_free(snapshot);
}

const struct mv_snapshot *mv_store_borrow(struct mv_store *store) {
        const struct mv_snapshot *snapshot = NULL;
        pthread_mutex_lock(&store->lock);
        if (store->current) {
                store->current->borrowers++;
                snapshot = store->current->snapshot;
        }
        pthread_mutex_unlock(&store->lock);
        return snapshot;
}

void mv_store_return(struct mv_store *store, const struct mv_snapshot *snapshot) {
        if (!snapshot)
                return;
        struct loan *done = NULL;
        pthread_mutex_lock(&store->lock);
        if (store->current && store->current->snapshot == snapshot) {
                assert(store->current->borrowers);
                store->current->borrowers--;
        } else {
                struct loan **link = &store->retired;
                while (*link && (*link)->snapshot != snapshot)
                        link = &(*link)->next;
                assert(*link);
                if (*link && --(*link)->borrowers == 0) {
                        done = *link;
                        *link = done->next;
                }
        }
        pthread_mutex_unlock(&store->lock);
        free_loan(done);
}
