/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All the kinds that are needed, listed and watched: discovery, and a reflector for each kind (or each of its selectors),
 * over one client, into one live cluster. No thread and no lock of its own: it belongs to the thread that drives it.
 *
 *     for (;;) {
 *             long long until = mv_kube_informers_step(informers, mv_clock_ms());
 *             mv_kube_client_run(client, ...until...);
 *     }
 *
 * A kind that appears, disappears or gets another version later is followed, within half a minute.
 */
#pragma once

#include "cluster/kube/client.h"
#include "cluster/kube/reflector.h"
#include "cluster/live.h"
#include "policy/base/log.h"

#include <stdint.h>

struct mv_kube_informers;

struct mv_kube_informers_options {
        struct mv_kube_client *client; /* outlives the informers, as does live */
        struct mv_live *live;
        uint64_t kinds;                 /* bits: mv_kube_needed() */
        bool once;                      /* one list of each, no watch */
        const struct mv_logger *logger; /* NULL: nothing is logged */
        /* Unless NULL: the server has told of an object of the kinds in mv_kube_informers_name. */
        void (*named)(void *context, enum mv_kind kind, struct mv_str namespace, struct mv_str name);
        void *context;
};

/* How a kind is. Of one with several selectors the counts are sums. */
struct mv_kube_kind_status {
        bool needed;
        enum mv_knowledge knowledge;
        char reason[320];           /* in words, "" when all are known */
        const char *version;        /* NULL: the server does not have it, or was not asked yet */
        char resource_version[128]; /* of the first selector */
        size_t objects;
        long long synced_ms, event_ms; /* mv_clock_ms; -1: never */
        unsigned long long events, lists, restarts, errors[MV_REFLECTOR_ERRORS];
        char object_error[MV_REFLECTOR_ERROR_BYTES]; /* of the last object that could not be read; "" */
        unsigned failures;                           /* in a row */
        bool settled; /* it is known, or it is known why it is not: nothing to wait for */
};

/* NULL when out of memory. */
struct mv_kube_informers *mv_kube_informers_new(const struct mv_kube_informers_options *options);
/* Cancels what is under way. Takes NULL; returns NULL. */
struct mv_kube_informers *mv_kube_informers_free(struct mv_kube_informers *informers);

/* Make the requests that are due. Returns when the next ones are. */
long long mv_kube_informers_step(struct mv_kube_informers *informers, long long now_ms);

void mv_kube_informers_status(const struct mv_kube_informers *informers, enum mv_kind kind,
                              struct mv_kube_kind_status *ret);
/* Each needed kind is settled. */
bool mv_kube_informers_ready(const struct mv_kube_informers *informers);
/* Why nothing is known of the server yet: failures of discovery in a row, and the last one. 0: it has answered. */
unsigned mv_kube_informers_unreachable(const struct mv_kube_informers *informers, const struct mv_err **ret);
/* Answers of discovery so far. */
unsigned long long mv_kube_informers_discoveries(const struct mv_kube_informers *informers);
/* The version in which the server has that kind, or NULL. *ret_known is false before it has answered,
 * and where it may not be asked: the version is the one that is tried then. */
const char *mv_kube_informers_version(const struct mv_kube_informers *informers, enum mv_kind kind,
                                      bool *ret_known);
/* `named` is called for these kinds. */
void mv_kube_informers_name(struct mv_kube_informers *informers, uint64_t kinds);
