/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/event_queue.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_PAUSE_MS = 1000, MOST_PAUSE_MS = 60000, TAIL = 20 /* of an Event's name */ };

struct entry {
        struct mv_event event; /* its texts are in memory */
        char *memory;
        struct mv_event
                later; /* with later_memory, which is NULL but while it is written: what it will say */
        char *later_memory;
        unsigned later_count;
        long long later_us;
        char name[254]; /* of the Event that stands for it; "": none was made */
        unsigned count; /* since that Event, or since it was put first */
        bool pending;   /* something is to be written */
        bool exists;    /* there is an Event of that name */
        bool anew;      /* it says something else than that Event */
        bool tried;     /* to be made, by that name */
        bool quiet;     /* after written_ms */
        bool again;     /* it was put while it was being written */
        long long first_us, last_us, last_ms;
        long long written_ms;     /* of the last write, or refusal */
        unsigned tries, failures; /* since then: that did not succeed; of them, for what it is itself */
        long long not_before;
};

struct mv_event_queue {
        struct entry *entries[MV_EVENTS_MOST];
        size_t n;
        struct entry *writing; /* since mv_event_queue_next */
        bool creating;
        long long tokens_at; /* from when on the bucket has been filled, in steps of MV_EVENTS_EACH_MS */
        long long not_before;
        long long pause_ms;
        unsigned long long made; /* for names */
        struct mv_event_counts counts;
};

struct mv_event_queue *mv_event_queue_new(void) {
        struct mv_event_queue *queue = calloc(1, sizeof *queue);
        if (queue)
                queue->tokens_at = LLONG_MIN / 2;
        return queue;
}

static void free_entry(struct entry *entry) {
        free(entry->memory);
        free(entry->later_memory);
        free(entry);
}

struct mv_event_queue *mv_event_queue_free(struct mv_event_queue *queue) {
        for (size_t i = 0; queue && i < queue->n; i++)
                free_entry(queue->entries[i]);
        free(queue);
        return NULL;
}

/* --- entries --- */

/* The event with copies of its texts, and the block that they are in; NULL without memory. */
static char *copy_texts(const struct mv_event *event, struct mv_event *ret) {
        *ret = *event;
        struct mv_str *const texts[] = { &ret->api_version, &ret->kind, &ret->namespace,
                                         &ret->name,        &ret->uid,  &ret->note };
        size_t size = 1;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                size += texts[i]->n;
        char *const memory = malloc(size), *at = memory;
        for (size_t i = 0; memory && i < sizeof texts / sizeof *texts; i++) {
                if (texts[i]->n)
                        memcpy(at, texts[i]->p, texts[i]->n);
                texts[i]->p = at;
                at += texts[i]->n;
        }
        return memory;
}

static struct entry *find(const struct mv_event_queue *queue, const struct mv_event *event) {
        for (size_t i = 0; i < queue->n; i++) {
                const struct mv_event *other = &queue->entries[i]->event;
                if (strcmp(other->reason, event->reason) == 0 && mv_str_equal(other->name, event->name) &&
                    mv_str_equal(other->namespace, event->namespace) &&
                    mv_str_equal(other->kind, event->kind) && mv_str_equal(other->uid, event->uid))
                        return queue->entries[i];
        }
        return NULL;
}

static void drop_entry(struct mv_event_queue *queue, size_t i) {
        free_entry(queue->entries[i]);
        queue->entries[i] = queue->entries[--queue->n];
}

static void forget_old(struct mv_event_queue *queue, long long now_ms) {
        for (size_t i = queue->n; i-- > 0;)
                if (!queue->entries[i]->pending &&
                    now_ms - queue->entries[i]->written_ms >= MV_EVENTS_FORGET_MS)
                        drop_entry(queue, i);
}

/* Room for one more: of what is written, the oldest goes. */
static bool make_room(struct mv_event_queue *queue) {
        size_t oldest = queue->n;
        if (queue->n < MV_EVENTS_MOST)
                return true;
        for (size_t i = 0; i < queue->n; i++)
                if (!queue->entries[i]->pending &&
                    (oldest == queue->n || queue->entries[i]->last_ms < queue->entries[oldest]->last_ms))
                        oldest = i;
        if (oldest == queue->n)
                return false;
        drop_entry(queue, oldest);
        return true;
}

static struct entry *add_entry(struct mv_event_queue *queue, const struct mv_event *event) {
        struct entry *entry = make_room(queue) ? calloc(1, sizeof *entry) : NULL;
        if (!entry)
                return NULL;
        entry->memory = copy_texts(event, &entry->event);
        if (!entry->memory) {
                free(entry);
                return NULL;
        }
        return queue->entries[queue->n++] = entry;
}

/* It says something else now: another Event, with another name. Takes memory. */
static void say_otherwise(struct entry *entry, const struct mv_event *event, char *memory) {
        free(entry->memory);
        entry->memory = memory;
        entry->event = *event;
        entry->anew = true;
        entry->tried = false;
        entry->count = 0;
}

static void change_note(struct entry *entry, const struct mv_event *event) {
        struct mv_event changed;
        if (mv_str_equal(entry->event.note, event->note))
                return;
        char *memory = copy_texts(event, &changed);
        if (memory)
                say_otherwise(entry, &changed, memory);
}

/* What is being written stays where it is until then. */
static void keep_for_later(struct entry *entry, const struct mv_event *event, long long wall_us) {
        struct mv_event later;
        if (entry->later_memory && mv_str_equal(entry->later.note, event->note)) {
                entry->later_count++;
                return;
        }
        if (mv_str_equal(entry->event.note, event->note)) {
                free(entry->later_memory);
                entry->later_memory = NULL;
                entry->count++;
                return;
        }
        char *memory = copy_texts(event, &later);
        if (!memory)
                return;
        free(entry->later_memory);
        entry->later = later;
        entry->later_memory = memory;
        entry->later_count = 1;
        entry->later_us = wall_us;
}

static void use_later(struct entry *entry) {
        if (!entry->later_memory)
                return;
        say_otherwise(entry, &entry->later, entry->later_memory);
        entry->later_memory = NULL;
        entry->count = entry->later_count;
        entry->first_us = entry->later_us;
        entry->pending = true;
}

bool mv_event_queue_put(struct mv_event_queue *queue, const struct mv_event *event, long long now_ms,
                        long long wall_us) {
        forget_old(queue, now_ms);
        struct entry *entry = find(queue, event);
        bool writing = entry && entry == queue->writing;
        if (entry && !writing)
                change_note(entry, event);
        if (!entry)
                entry = add_entry(queue, event);
        if (!entry) {
                queue->counts.dropped++;
                return false;
        }
        if (writing) {
                entry->again = true;
                keep_for_later(entry, event, wall_us);
        } else {
                if (!entry->count)
                        entry->first_us = wall_us;
                entry->count++;
        }
        entry->last_us = wall_us;
        entry->last_ms = now_ms;
        entry->pending = true;
        return true;
}

/* --- writing --- */

static long long due_at(const struct entry *entry) {
        long long at = entry->quiet ? entry->written_ms + MV_EVENTS_QUIET_MS : LLONG_MIN;
        return at < entry->not_before ? entry->not_before : at;
}

/* A DNS name that no other Event has: the object's, and the time. */
static void make_name(struct mv_event_queue *queue, struct entry *entry) {
        int n = (int)(sizeof entry->name - 1 - TAIL);
        if (entry->event.name.n < (size_t)n)
                n = (int)entry->event.name.n;
        while (n && !strchr("abcdefghijklmnopqrstuvwxyz0123456789", entry->event.name.p[n - 1]))
                n--;
        snprintf(entry->name, sizeof entry->name, "%.*s%s%llx", n, entry->event.name.p, n ? "." : "",
                 (unsigned long long)entry->first_us + queue->made++);
}

enum mv_event_step mv_event_queue_next(struct mv_event_queue *queue, long long now_ms, long long *ret_at,
                                       struct mv_event_write *ret) {
        struct entry *entry = NULL;
        for (size_t i = 0; i < queue->n; i++)
                if (queue->entries[i]->pending && (!entry || due_at(queue->entries[i]) < due_at(entry)))
                        entry = queue->entries[i];
        *ret_at = LLONG_MAX;
        if (!entry)
                return MV_EVENT_WAIT;
        long long full = now_ms - (long long)MV_EVENTS_BURST * MV_EVENTS_EACH_MS;
        long long tokens_at = queue->tokens_at < full ? full : queue->tokens_at;
        long long at = tokens_at + MV_EVENTS_EACH_MS;
        if (at < due_at(entry))
                at = due_at(entry);
        if (at < queue->not_before)
                at = queue->not_before;
        if (at > now_ms) {
                *ret_at = at;
                return MV_EVENT_WAIT;
        }
        queue->tokens_at = tokens_at + MV_EVENTS_EACH_MS;
        bool create = !entry->exists || entry->anew;
        if (create && !entry->tried)
                make_name(queue, entry);
        entry->tried = create;
        queue->creating = create;
        queue->writing = entry;
        entry->again = false;
        *ret = (struct mv_event_write){ .event = entry->event,
                                        .count = entry->count,
                                        .wall_us = create ? entry->first_us : entry->last_us };
        memcpy(ret->name, entry->name, sizeof ret->name);
        return create ? MV_EVENT_CREATE : MV_EVENT_SERIES;
}

static long long longer(long long pause_ms) {
        return !pause_ms ? LEAST_PAUSE_MS : 2 * pause_ms < MOST_PAUSE_MS ? 2 * pause_ms : MOST_PAUSE_MS;
}

/* It waits longer each time, so that others come before it. */
static void put_off(struct entry *entry, long long now_ms) {
        long long pause_ms = 0;
        entry->tries++;
        for (unsigned i = 0; i < entry->tries && pause_ms < MOST_PAUSE_MS; i++)
                pause_ms = longer(pause_ms);
        entry->not_before = now_ms + pause_ms;
}

static void end_write(struct mv_event_queue *queue, struct entry *entry, enum mv_event_result result,
                      long long now_ms) {
        if (result == MV_EVENT_NOBODY) {
                queue->counts.failed++;
                put_off(entry, now_ms);
                queue->pause_ms = longer(queue->pause_ms);
                queue->not_before = now_ms + queue->pause_ms;
                return;
        }
        queue->pause_ms = 0;
        if (result == MV_EVENT_FAILED) {
                queue->counts.failed++;
                put_off(entry, now_ms);
                if (++entry->failures < MV_EVENTS_TRIES)
                        return;
                result = MV_EVENT_REFUSED;
        }
        entry->tries = entry->failures = 0;
        entry->tried = false;
        if (result == MV_EVENT_GONE) {
                entry->exists = entry->quiet = false;
                entry->first_us = entry->last_us;
                entry->count = 1;
                return;
        }
        entry->quiet = true;
        entry->written_ms = now_ms;
        /* An Event is made without a count. */
        entry->pending =
                result == MV_EVENT_WRITTEN && (entry->again || (queue->creating && entry->count > 1));
        if (result == MV_EVENT_REFUSED) {
                queue->counts.refused++;
                return;
        }
        queue->counts.written++;
        entry->exists = true;
        entry->anew = false;
}

void mv_event_queue_done(struct mv_event_queue *queue, enum mv_event_result result, long long now_ms) {
        struct entry *entry = queue->writing;
        queue->writing = NULL;
        end_write(queue, entry, result, now_ms);
        use_later(entry);
}

void mv_event_queue_count(const struct mv_event_queue *queue, struct mv_event_counts *ret) {
        *ret = queue->counts;
        ret->waiting = 0;
        for (size_t i = 0; i < queue->n; i++)
                ret->waiting += queue->entries[i]->pending;
}
