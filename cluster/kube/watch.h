/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a store in step with a live cluster: a thread that lists and watches all the kinds that are needed, publishes
 * snapshots, and fetches single objects for those who cannot wait for the watch.
 *
 * What always holds: a server that cannot be reached, or gives nonsense, changes nothing of what is known but how certain
 * that is; the snapshot says so of each kind. The thread ends only with mv_kube_watch_stop.
 */
#pragma once

#include "cluster/kube/fetch.h"
#include "cluster/store.h"

struct mv_kube_watch;

struct mv_kube_watch_options {
        const struct mv_kube_config *config; /* outlives the watch */
        struct mv_store *store;              /* see mv_kube_watch_free */
        uint64_t kinds;                      /* bits; 0: mv_kube_needed() */
        uint64_t texts;                      /* bits of kinds whose objects keep their text (mv_meta.text) */
        const struct mv_logger *logger;      /* NULL: nothing is logged */
        /* Unless NULL: called after each publication, from the thread of the watch. It must not call functions of this
         * header. */
        void (*published)(void *context);
        void *context;
};

struct mv_kube_watch_status {
        /* Each needed kind is known, or it is known why it is not. ready: that was so once, and stays; a kind that appears
         * later, or a server that is lost, make the answers about that kind uncertain, and no others. settled: it is so. */
        bool ready, settled;
        long long at_ms;                /* mv_clock_ms: as of then */
        unsigned long long discoveries; /* that were answered */
        unsigned long long publications, publication_failures;
        unsigned unreachable; /* failures of discovery in a row, and why */
        struct mv_err err;
        struct mv_kube_kind_status kinds[MV_KIND_COUNT];
};

/* Start the thread. It needs no answer of the server for that. What mv_kube_client_new returns; MV_ENOMEM, MV_EIO. */
int mv_kube_watch_start(const struct mv_kube_watch_options *options, struct mv_kube_watch **ret,
                        struct mv_err *err);
/* End the thread; questions that are open are answered. What was published stays in the store. */
void mv_kube_watch_stop(struct mv_kube_watch *watch);
/* Stop, and free the objects. The store must have been freed before, since its snapshots are made of them. Takes NULL;
 * returns NULL. */
struct mv_kube_watch *mv_kube_watch_free(struct mv_kube_watch *watch);

/* How it is, at most a second ago. Any thread. *ret is large: some 40 KiB. */
void mv_kube_watch_status(struct mv_kube_watch *watch, struct mv_kube_watch_status *ret);
/* Only whether it is `ready`. Any thread. */
bool mv_kube_watch_ready(const struct mv_kube_watch *watch);

/* Get these objects, at most until then (CLOCK_MONOTONIC), and call done exactly once: from the thread of the watch, or,
 * when nothing could be asked, from this call. done must be quick, and must not call functions of this header. Any thread.
 */
void mv_kube_watch_fetch(struct mv_kube_watch *watch, const struct mv_kube_wanted *wanted, size_t n,
                         long long deadline_ns, mv_kube_fetched *done, void *context);
/* Likewise, but each is asked for in any case, and found when what is known of it is as new as the answer: in the snapshot that is
 * in force when done is called, it is then as it is now, or not there as it is not now. */
void mv_kube_watch_confirm(struct mv_kube_watch *watch, const struct mv_kube_wanted *wanted, size_t n,
                           long long deadline_ns, mv_kube_fetched *done, void *context);
