/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/watch.h"

#include "certs/clock.h"
#include "cluster/kube/confirm.h"
#include "cluster/kube/resources.h"
#include "cluster/kube/trouble.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
        LONGEST_WAIT_MS = 1000,
        STATUS_MS = 100,          /* between two renewals of the status */
        FAILED_PUBLISH_MS = 1000, /* there was no memory */
};

struct mv_kube_watch {
        /* Of the thread. */
        struct mv_kube_client *client;
        struct mv_live *live;
        struct mv_kube_informers *informers;
        struct mv_kube_fetch *fetch;
        struct mv_kube_confirm *confirm;
        struct mv_trouble trouble; /* with publishing */
        void (*published)(void *context);
        void *context;
        long long status_at, publish_at;
        unsigned long long publications, publication_failures;

        pthread_t thread;
        bool running; /* of the owner */
        atomic_bool stopping, ready;
        pthread_mutex_t lock; /* of what follows */
        struct mv_kube_ask *asks;
        bool closed; /* no more questions are taken */
        struct mv_kube_watch_status status;
};

/* --- publishing --- */

/* Returns whether all that is known is in force. */
static bool publish(void *context) {
        struct mv_kube_watch *watch = context;
        struct mv_err err = { 0 };
        if (mv_live_due(watch->live) == LLONG_MAX)
                return true;
        if (mv_clock_ms() < watch->publish_at)
                return false;
        if (mv_live_publish(watch->live, false, &err) < 0) {
                watch->publication_failures++;
                watch->publish_at = mv_clock_ms() + FAILED_PUBLISH_MS;
                mv_trouble_tell(&watch->trouble, MV_LOG_ERROR,
                                "a new state of the cluster cannot be published; the last one stays in force",
                                &err);
                return false;
        }
        mv_trouble_over(&watch->trouble, "the state of the cluster can be published again");
        watch->publications++;
        if (watch->published)
                watch->published(watch->context);
        return true;
}

/* Returns when there is something to publish. */
static long long publish_when_due(struct mv_kube_watch *watch, long long now) {
        long long due = mv_live_due(watch->live);
        if (due < watch->publish_at)
                due = watch->publish_at;
        if (due <= now) {
                publish(watch);
                due = mv_live_due(watch->live);
        }
        return due;
}

/* --- the status --- */

static void renew_status(struct mv_kube_watch *watch, long long now) {
        const struct mv_err *err;
        /* Once, and only when what is known is in force, too. */
        bool ready = !atomic_load(&watch->ready) && mv_kube_informers_ready(watch->informers) &&
                     mv_live_due(watch->live) == LLONG_MAX;
        if (ready)
                atomic_store(&watch->ready, true);
        if (now < watch->status_at && !ready)
                return;
        watch->status_at = now + STATUS_MS;
        pthread_mutex_lock(&watch->lock);
        struct mv_kube_watch_status *status = &watch->status;
        status->settled = mv_kube_informers_ready(watch->informers);
        status->at_ms = now;
        status->publications = watch->publications;
        status->publication_failures = watch->publication_failures;
        status->unreachable = mv_kube_informers_unreachable(watch->informers, &err);
        status->discoveries = mv_kube_informers_discoveries(watch->informers);
        status->err = *err;
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                mv_kube_informers_status(watch->informers, (enum mv_kind)kind, &status->kinds[kind]);
        pthread_mutex_unlock(&watch->lock);
}

void mv_kube_watch_status(struct mv_kube_watch *watch, struct mv_kube_watch_status *ret) {
        pthread_mutex_lock(&watch->lock);
        *ret = watch->status;
        pthread_mutex_unlock(&watch->lock);
        ret->ready = atomic_load(&watch->ready);
}

bool mv_kube_watch_ready(const struct mv_kube_watch *watch) {
        return atomic_load(&watch->ready);
}

/* --- questions --- */

static void ask_thread(struct mv_kube_watch *watch, bool confirm, const struct mv_kube_wanted *wanted,
                       size_t n, long long deadline_ns, mv_kube_fetched *done, void *context) {
        struct mv_kube_ask *ask = mv_kube_ask_new(wanted, n, deadline_ns, done, context);
        if (!ask) {
                static const enum mv_kube_found nothing[16];
                done(context, n <= 16 ? nothing : NULL, n <= 16 ? n : 0);
                return;
        }
        ask->confirm = confirm;
        pthread_mutex_lock(&watch->lock);
        bool closed = watch->closed;
        if (!closed) {
                ask->next = watch->asks;
                watch->asks = ask;
                mv_kube_client_wake(watch->client);
        }
        pthread_mutex_unlock(&watch->lock);
        if (closed)
                mv_kube_ask_drop(ask);
}

void mv_kube_watch_fetch(struct mv_kube_watch *watch, const struct mv_kube_wanted *wanted, size_t n,
                         long long deadline_ns, mv_kube_fetched *done, void *context) {
        ask_thread(watch, false, wanted, n, deadline_ns, done, context);
}

void mv_kube_watch_confirm(struct mv_kube_watch *watch, const struct mv_kube_wanted *wanted, size_t n,
                           long long deadline_ns, mv_kube_fetched *done, void *context) {
        ask_thread(watch, true, wanted, n, deadline_ns, done, context);
}

static struct mv_kube_ask *take_asks(struct mv_kube_watch *watch, bool close) {
        pthread_mutex_lock(&watch->lock);
        struct mv_kube_ask *asks = watch->asks;
        watch->asks = NULL;
        watch->closed |= close;
        pthread_mutex_unlock(&watch->lock);
        return asks;
}

/* --- the thread --- */

static void named(void *context, enum mv_kind kind, struct mv_str namespace, struct mv_str name) {
        struct mv_kube_watch *watch = context;
        mv_kube_fetch_named(watch->fetch, kind, namespace, name);
}

static long long earlier(long long a, long long b) {
        return a < b ? a : b;
}

static void *run(void *argument) {
        struct mv_kube_watch *watch = argument;
        while (!atomic_load(&watch->stopping)) {
                for (struct mv_kube_ask *ask = take_asks(watch, false), *next; ask; ask = next) {
                        next = ask->next;
                        if (ask->confirm)
                                mv_kube_confirm_begin(watch->confirm, ask);
                        else
                                mv_kube_fetch_begin(watch->fetch, ask);
                }
                long long now = mv_clock_ms();
                long long until = mv_kube_informers_step(watch->informers, now);
                until = earlier(until, mv_kube_confirm_step(watch->confirm, now));
                until = earlier(until, mv_kube_fetch_step(watch->fetch, now));
                until = earlier(until, publish_when_due(watch, now));
                renew_status(watch, now);
                until = earlier(until, now + LONGEST_WAIT_MS);
                mv_kube_client_run(watch->client, until > now ? (unsigned)(until - now) : 0);
        }
        for (struct mv_kube_ask *ask = take_asks(watch, true), *next; ask; ask = next) {
                next = ask->next;
                mv_kube_ask_drop(ask);
        }
        watch->confirm = mv_kube_confirm_free(watch->confirm);
        watch->fetch = mv_kube_fetch_free(watch->fetch);
        return NULL;
}

/* --- start and stop --- */

void mv_kube_watch_stop(struct mv_kube_watch *watch) {
        if (!watch->running)
                return;
        atomic_store(&watch->stopping, true);
        mv_kube_client_wake(watch->client);
        pthread_join(watch->thread, NULL);
        watch->running = false;
}

struct mv_kube_watch *mv_kube_watch_free(struct mv_kube_watch *watch) {
        if (!watch)
                return NULL;
        mv_kube_watch_stop(watch);
        mv_kube_confirm_free(watch->confirm);
        mv_kube_fetch_free(watch->fetch);
        mv_kube_informers_free(watch->informers);
        mv_kube_client_free(watch->client);
        mv_live_free(watch->live);
        pthread_mutex_destroy(&watch->lock);
        free(watch);
        return NULL;
}

int mv_kube_watch_start(const struct mv_kube_watch_options *options, struct mv_kube_watch **ret,
                        struct mv_err *err) {
        struct mv_kube_watch *watch = calloc(1, sizeof *watch);
        if (!watch)
                return mv_err_oom(err);
        atomic_init(&watch->stopping, false);
        atomic_init(&watch->ready, false);
        pthread_mutex_init(&watch->lock, NULL);
        watch->trouble = (struct mv_trouble){ .logger = options->logger, .component = "cluster" };
        watch->published = options->published;
        watch->context = options->context;
        int r = mv_kube_client_new(options->config, &watch->client, err);
        watch->live = r ? NULL : mv_live_new(options->store);
        if (watch->live)
                mv_live_keep_texts(watch->live, options->texts);
        if (watch->live)
                watch->fetch = mv_kube_fetch_new(watch->client, watch->live, publish, watch);
        if (watch->fetch)
                watch->confirm =
                        mv_kube_confirm_new(watch->client, watch->live, watch->fetch, publish, watch);
        if (watch->confirm)
                watch->informers = mv_kube_informers_new(&(struct mv_kube_informers_options){
                        .client = watch->client,
                        .live = watch->live,
                        .kinds = options->kinds ? options->kinds : mv_kube_needed(),
                        .logger = options->logger,
                        .named = named,
                        .context = watch });
        if (!r && !watch->informers)
                r = mv_err_oom(err);
        if (!r) {
                mv_kube_fetch_use(watch->fetch, watch->informers);
                mv_kube_confirm_use(watch->confirm, watch->informers);
                renew_status(watch, mv_clock_ms());
                watch->running = pthread_create(&watch->thread, NULL, run, watch) == 0;
                if (!watch->running)
                        r = mv_err_set(err, MV_EIO, "cannot start a thread to watch the cluster");
        }
        if (r) {
                mv_kube_watch_free(watch);
                return r;
        }
        *ret = watch;
        return 0;
}
