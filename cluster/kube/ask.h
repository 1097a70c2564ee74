/* SPDX-License-Identifier: Apache-2.0 */
/* A question for single objects of the API server, on its way from who asks to the thread that drives the client. */
#pragma once

#include "policy/snapshot/kind.h"

#include <stdbool.h>
#include <stddef.h>

struct mv_kube_wanted {
        enum mv_kind kind;
        struct mv_str namespace, name; /* namespace is ignored for kinds that have none */
};

enum mv_kube_found {
        MV_KUBE_NOT_KNOWN, /* no answer in time, no permission, or the kind is not asked for by name */
        MV_KUBE_FOUND,     /* in the snapshot that is in force when `done` is called */
        MV_KUBE_NOT_THERE, /* it does not exist */
};

/* Called exactly once. found has n entries, as wanted had. */
typedef void mv_kube_fetched(void *context, const enum mv_kube_found *found, size_t n);

/* One block of memory. The names are copies. */
struct mv_kube_ask {
        struct mv_kube_ask *next; /* of whatever list it is in */
        bool confirm;             /* for cluster/kube/confirm.h, not cluster/kube/fetch.h */
        long long deadline_ms;    /* mv_clock_ms */
        mv_kube_fetched *done;
        void *context;
        size_t n;
        struct mv_kube_wanted *wanted;
        enum mv_kube_found *found; /* so far; MV_KUBE_NOT_KNOWN at first */
        bool *open;                /* an answer is waited for; false at first */
};

/* deadline_ns is of CLOCK_MONOTONIC. NULL when out of memory. */
struct mv_kube_ask *mv_kube_ask_new(const struct mv_kube_wanted *wanted, size_t n, long long deadline_ns,
                                    mv_kube_fetched *done, void *context);
/* Answer it with what was found, and free it. */
void mv_kube_ask_answer(struct mv_kube_ask *ask);
/* Answer it with "not known", and free it. */
void mv_kube_ask_drop(struct mv_kube_ask *ask);
