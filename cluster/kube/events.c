/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/events.h"

#include "certs/clock.h"
#include "cluster/kube/object.h"
#include "cluster/kube/trouble.h"
#include "cluster/kube/wire.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REQUEST_MS = 10000, EVENT_BYTES = 64 * 1024, LONGEST_WAIT_MS = 60000 };

struct mv_kube_events {
        struct mv_kube_events_options options;
        pthread_t thread;
        pthread_mutex_t lock; /* of queue, client and stopping */
        pthread_cond_t woken;
        struct mv_event_queue *queue;
        struct mv_kube_client *client;
        bool stopping;
        atomic_bool cancel;
        /* Of the thread. */
        struct mv_kube_caller caller;
        struct mv_trouble client_trouble, trouble;
};

/* RFC 3339 with microseconds. */
static struct mv_str time_text(long long us, char *out, size_t size) {
        const time_t seconds = (time_t)(us / 1000000);
        struct tm tm;
        char date[32] = "1970-01-01T00:00:00";
        if (gmtime_r(&seconds, &tm))
                strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(out, size, "%s.%06lldZ", date, us % 1000000);
        return mv_str_from(out);
}

static bool open_client(struct mv_kube_events *e, struct mv_err *err) {
        struct mv_kube_client *client;
        if (e->caller.client)
                return true;
        if (mv_kube_client_new(e->options.config, &client, err) < 0)
                return false;
        pthread_mutex_lock(&e->lock);
        e->client = e->caller.client = client;
        pthread_mutex_unlock(&e->lock);
        return true;
}

static int request(struct mv_kube_events *e, enum mv_event_step step, const struct mv_event_write *write,
                   struct mv_err *err) {
        struct mv_buf path, body, answer;
        char time[64];
        mv_buf_init(&path, &mv_allocator_system, EVENT_BYTES);
        mv_buf_init(&body, &mv_allocator_system, EVENT_BYTES);
        mv_buf_init(&answer, &mv_allocator_system, EVENT_BYTES);
        mv_buf_append_text(&path, "/apis/events.k8s.io/v1/namespaces/");
        mv_buf_append_encoded(&path, write->event.namespace);
        mv_buf_append_text(&path, "/events");
        time_text(write->wall_us, time, sizeof time);
        if (step == MV_EVENT_SERIES) {
                mv_buf_append_byte(&path, '/');
                mv_buf_append_encoded(&path, mv_str_from(write->name));
                mv_event_encode_series(write->count, mv_str_from(time), &body);
        } else
                mv_event_encode(&write->event, mv_str_from(write->name), mv_str_from(e->options.instance),
                                mv_str_from(time), &body);
        bool create = step == MV_EVENT_CREATE;
        int r = mv_buf_failed(&path) || mv_buf_failed(&body)
                        ? mv_err_oom(err)
                        : mv_kube_object_write(&e->caller, create ? "POST" : "PATCH", mv_buf_str(&path),
                                               create ? MV_KUBE_JSON : MV_KUBE_MERGE_PATCH, mv_buf_str(&body),
                                               &answer, err);
        mv_buf_done(&path);
        mv_buf_done(&body);
        mv_buf_done(&answer);
        return r;
}

static enum mv_event_result carry_out(struct mv_kube_events *e, enum mv_event_step step,
                                      const struct mv_event_write *write) {
        struct mv_err err = { 0 };
        if (!open_client(e, &err)) {
                mv_trouble_tell(&e->client_trouble, MV_LOG_WARNING, "the API cannot be reached", &err);
                return MV_EVENT_NOBODY;
        }
        mv_trouble_over(&e->client_trouble, "the API can be reached");
        int r = request(e, step, write, &err);
        if (r < 0 && !atomic_load(&e->cancel))
                mv_trouble_tell(&e->trouble, MV_LOG_WARNING, "an event cannot be written", &err);
        else if (r >= 0)
                mv_trouble_over(&e->trouble, "events can be written again");
        /* One of its name is there already: ours, of a request whose answer was lost. */
        if (r == MV_KUBE_CONFLICT)
                return step == MV_EVENT_CREATE ? MV_EVENT_WRITTEN : MV_EVENT_GONE;
        if (r == 0)
                return MV_EVENT_WRITTEN;
        if (r == MV_EUSAGE || r == MV_ENOTFOUND || r == MV_ENOMEM)
                return MV_EVENT_REFUSED;
        return mv_kube_was_of_one(&e->caller) ? MV_EVENT_FAILED : MV_EVENT_NOBODY;
}

static void *run(void *argument) {
        struct mv_kube_events *e = argument;
        pthread_mutex_lock(&e->lock);
        while (!e->stopping) {
                struct mv_event_write write;
                long long now_ms = mv_clock_ms(), at_ms;
                enum mv_event_step step = mv_event_queue_next(e->queue, now_ms, &at_ms, &write);
                if (step != MV_EVENT_WAIT) {
                        pthread_mutex_unlock(&e->lock);
                        enum mv_event_result result = carry_out(e, step, &write);
                        pthread_mutex_lock(&e->lock);
                        mv_event_queue_done(e->queue, result, mv_clock_ms());
                        continue;
                }
                if (at_ms > now_ms + LONGEST_WAIT_MS)
                        at_ms = now_ms + LONGEST_WAIT_MS;
                const struct timespec at = { .tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000 };
                pthread_cond_timedwait(&e->woken, &e->lock, &at);
        }
        pthread_mutex_unlock(&e->lock);
        return NULL;
}

static struct mv_kube_events *free_all(struct mv_kube_events *e) {
        mv_kube_client_free(e->client);
        mv_event_queue_free(e->queue);
        pthread_cond_destroy(&e->woken);
        pthread_mutex_destroy(&e->lock);
        free(e);
        return NULL;
}

int mv_kube_events_start(const struct mv_kube_events_options *options, struct mv_kube_events **ret,
                         struct mv_err *err) {
        pthread_condattr_t attributes;
        struct mv_kube_events *e = calloc(1, sizeof *e);
        if (!e)
                return mv_err_oom(err);
        e->options = *options;
        e->caller = (struct mv_kube_caller){ .cancel = &e->cancel, .timeout_ms = REQUEST_MS };
        e->client_trouble = e->trouble =
                (struct mv_trouble){ .logger = options->logger, .component = "events" };
        pthread_mutex_init(&e->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&e->woken, &attributes);
        pthread_condattr_destroy(&attributes);
        e->queue = mv_event_queue_new();
        if (!e->queue) {
                free_all(e);
                return mv_err_oom(err);
        }
        if (pthread_create(&e->thread, NULL, run, e) != 0) {
                free_all(e);
                return mv_err_set(err, MV_EIO, "no thread to be had");
        }
        pthread_setname_np(e->thread, "events");
        *ret = e;
        return 0;
}

void mv_kube_events_put(struct mv_kube_events *events, const struct mv_event *event) {
        pthread_mutex_lock(&events->lock);
        mv_event_queue_put(events->queue, event, mv_clock_ms(), mv_wall_us());
        pthread_cond_signal(&events->woken);
        pthread_mutex_unlock(&events->lock);
}

void mv_kube_events_count(struct mv_kube_events *events, struct mv_event_counts *ret) {
        pthread_mutex_lock(&events->lock);
        mv_event_queue_count(events->queue, ret);
        pthread_mutex_unlock(&events->lock);
}

struct mv_kube_events *mv_kube_events_stop(struct mv_kube_events *events) {
        if (!events)
                return NULL;
        atomic_store(&events->cancel, true);
        pthread_mutex_lock(&events->lock);
        events->stopping = true;
        if (events->client)
                mv_kube_client_wake(events->client);
        pthread_cond_signal(&events->woken);
        pthread_mutex_unlock(&events->lock);
        pthread_join(events->thread, NULL);
        return free_all(events);
}
