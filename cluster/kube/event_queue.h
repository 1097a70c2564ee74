/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that wait to be written, deduplicated: one entry for each object and reason. Pure: the time is given (monotonic
 * milliseconds; microseconds since 1970 for what is told of it), and the requests are made by the caller, one at a time.
 *
 * What always holds: there are at most MV_EVENTS_MOST entries; where there is no room for another, it is dropped and
 * counted. An entry is written at once when it is new, and then at most every MV_EVENTS_QUIET_MS: as a series with its
 * count while it says the same, as a new Event when it says something else. All together are written at most
 * MV_EVENTS_BURST at once, and one every MV_EVENTS_EACH_MS after that. Where the API server does not answer, all wait, with
 * growing pauses; where it cannot write one Event, that one waits, and is given up after MV_EVENTS_TRIES.
 */
#pragma once

#include "policy/audit/event.h"

enum {
        MV_EVENTS_MOST = 1024,
        MV_EVENTS_QUIET_MS = 300000,
        MV_EVENTS_FORGET_MS = 1800000, /* since it was written last: the next one is a new Event */
        MV_EVENTS_BURST = 25,
        MV_EVENTS_EACH_MS = 200,
        MV_EVENTS_TRIES = 8, /* of one Event, some two minutes */
};

struct mv_event_queue;

/* NULL when out of memory. */
struct mv_event_queue *mv_event_queue_new(void);
/* Takes NULL; returns NULL. */
struct mv_event_queue *mv_event_queue_free(struct mv_event_queue *queue);

/* False: it was dropped. Everything is copied. */
bool mv_event_queue_put(struct mv_event_queue *queue, const struct mv_event *event, long long now_ms,
                        long long wall_us);

enum mv_event_step { MV_EVENT_WAIT, MV_EVENT_CREATE, MV_EVENT_SERIES };
struct mv_event_write {
        struct mv_event event; /* borrowed from the queue until mv_event_queue_done */
        char name[254];        /* of the Event */
        unsigned count;        /* how often it has happened since that Event was made */
        long long wall_us;     /* when: for CREATE the first time, for SERIES the last */
};
/* What is to be written now; then mv_event_queue_done. WAIT: nothing before *ret_at (LLONG_MAX: before another put). */
enum mv_event_step mv_event_queue_next(struct mv_event_queue *queue, long long now_ms, long long *ret_at,
                                       struct mv_event_write *ret);

enum mv_event_result {
        MV_EVENT_WRITTEN,
        MV_EVENT_GONE,    /* the Event of a series is not there any more: it is made anew */
        MV_EVENT_REFUSED, /* it will not be taken another time either */
        MV_EVENT_FAILED,  /* it may be another time, which says nothing of others */
        MV_EVENT_NOBODY,  /* no Event can be written now */
};
void mv_event_queue_done(struct mv_event_queue *queue, enum mv_event_result result, long long now_ms);

struct mv_event_counts {
        unsigned long long written; /* Events made, and series continued */
        unsigned long long dropped; /* for want of room or memory */
        unsigned long long refused; /* by the API server, or failed too often */
        unsigned long long failed;  /* requests that are tried again */
        size_t waiting;
};
void mv_event_queue_count(const struct mv_event_queue *queue, struct mv_event_counts *ret);
