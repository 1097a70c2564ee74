/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When which event is sent to one receiver: a machine without I/O, clock and chance, all of which are inputs. Each receiver
 * has one, and they know nothing of one another.
 *
 * The rules:
 * - Events go in the order of their sequence, several at a time, never two of one subject: of a subject the next one is sent
 *   when the one before is done.
 * - 2xx: done.
 * - Where the receiver cannot be reached, does not answer in time or to the end, says 5xx, 408, 425, 401, 403, 404, 407 or
 *   3xx (which is not followed), the receiver is in trouble: nothing is sent for a time that doubles from 1 s to 5 min, of
 *   which chance takes a part, and then one event to see whether it is well again; another one each time, as far as there
 *   are others. This is held against an event only if the receiver has taken others meanwhile.
 * - 429, and 503 with Retry-After: likewise, but never held against an event. Retry-After is obeyed, up to an hour.
 * - Any other 4xx is held against the event at once.
 * - What was held against an event so many times, `tries`, is given up: it goes to the dead letters. Until then it waits, for
 *   a time that doubles likewise, and with it whatever is of its subject; other subjects go on.
 * - 410: the receiver wants nothing any more. Nothing is sent until somebody makes a new machine; what waits stays as long as
 *   there is room.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
        MV_RECEIVER_IN_FLIGHT = 8, /* most requests at a time */
        MV_RECEIVER_SLOTS = 256,   /* most subjects that wait because of one of their events */
        MV_RECEIVER_FIRST_MS = 1000,
        MV_RECEIVER_LONGEST_MS = 5 * 60 * 1000,
        MV_RECEIVER_LONGEST_RETRY_MS = 60 * 60 * 1000,
};

/* What came back, as far as it matters here. */
enum mv_answer {
        MV_ANSWER_TAKEN,
        MV_ANSWER_REFUSED, /* the event's own fault */
        MV_ANSWER_FAILED,  /* the receiver's, or the event's */
        MV_ANSWER_BUSY,    /* the receiver's, never the event's */
        MV_ANSWER_GONE,
};
/* status: of the answer; 0 when there is none. complete: it was read to its end. */
enum mv_answer mv_answer_of(int status, bool complete, bool retry_after);

/* The events that wait for this receiver. */
struct mv_delivery_source {
        /* 1: the first one behind `after` that is wanted and not done; subject is a number for each. 0: there is none. Less
         * than 0: that cannot be told now; it is asked again in a while. */
        int (*next)(void *context, uint64_t after, uint64_t *ret_sequence, uint64_t *ret_subject);
        void *context;
};

enum mv_slot_state { MV_SLOT_FREE, MV_SLOT_SENDING, MV_SLOT_WAITING };

/* An event that is being sent, or that was and has to wait. */
struct mv_slot {
        enum mv_slot_state state;
        bool probe; /* sent to see whether the receiver is well again */
        uint64_t sequence, subject;
        unsigned tries;     /* held against it */
        unsigned probes;    /* failed without being held against it */
        long long until_ms; /* of one that waits */
        uint64_t taken;     /* how many the receiver had taken when it failed last, or was sent first */
        uint64_t passed;    /* the first of its subject that was passed over because of it; 0: none */
};

struct mv_receiver {
        unsigned tries;
        uint64_t random;
        struct mv_slot slots[MV_RECEIVER_SLOTS];
        unsigned sending;
        uint64_t cursor; /* what is behind it was not looked at yet */
        unsigned passed; /* since an event was found that could be sent */
        bool drained;    /* nothing is behind the cursor */
        uint64_t taken;  /* how many it took */
        unsigned failures;
        long long trouble_until_ms;
        bool troubled, probing, gone;
};

/* seed is for the chance in waiting times. */
void mv_receiver_init(struct mv_receiver *receiver, unsigned tries, uint64_t seed);

/* There may be more events behind the last one. */
void mv_receiver_wake(struct mv_receiver *receiver);
/* One more event could be sent at once, so who has it should say so. */
bool mv_receiver_is_hungry(const struct mv_receiver *receiver, long long now_ms);

/* What to do now: the event to be sent (its slot is SENDING, and stays where it is until it is answered; it is the one that
 * source->next gave last), or NULL and *ret_until_ms, when to ask again without an answer or a wake; INT64_MAX: never. */
struct mv_slot *mv_receiver_step(struct mv_receiver *receiver, const struct mv_delivery_source *source,
                                 long long now_ms, long long *ret_until_ms);

enum mv_fate {
        MV_FATE_DONE, /* tell the outbox */
        MV_FATE_KEEP,
        MV_FATE_BURY, /* give it up, then call mv_receiver_buried; otherwise it is tried again */
};
/* retry_after_ms is negative when it was not given. */
enum mv_fate mv_receiver_answer(struct mv_receiver *receiver, struct mv_slot *slot, enum mv_answer answer,
                                long long retry_after_ms, long long now_ms);
void mv_receiver_buried(struct mv_receiver *receiver, struct mv_slot *slot);
