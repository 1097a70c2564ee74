/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/receiver.h"

#include <stddef.h>

enum {
        LEAST_MS = 100,    /* of any waiting time */
        PASSED_AHEAD = 64, /* events that are passed over while others are being sent */
        PASSED_ONCE = 1024 /* and in one step */
};

/* --- answers --- */

enum mv_answer mv_answer_of(int status, bool complete, bool retry_after) {
        if (!complete || status < 200)
                return MV_ANSWER_FAILED;
        if (status < 300)
                return MV_ANSWER_TAKEN;
        switch (status) {
        case 410:
                return MV_ANSWER_GONE;
        case 429:
                return MV_ANSWER_BUSY;
        case 503:
                return retry_after ? MV_ANSWER_BUSY : MV_ANSWER_FAILED;
        case 401:
        case 403:
        case 404:
        case 407:
        case 408:
        case 425:
                return MV_ANSWER_FAILED;
        default:
                return status >= 400 && status < 500 ? MV_ANSWER_REFUSED : MV_ANSWER_FAILED;
        }
}

/* --- chance and time --- */

void mv_receiver_init(struct mv_receiver *receiver, unsigned tries, uint64_t seed) {
        *receiver = (struct mv_receiver){ .tries = tries, .random = seed | 1 };
}

/* xorshift64* (Marsaglia, Vigna). */
static uint64_t draw(struct mv_receiver *receiver) {
        uint64_t x = receiver->random;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        receiver->random = x;
        return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* After that many failures: anything up to 1 s, 2 s, 4 s, ... 5 min. */
static long long back_off(struct mv_receiver *receiver, unsigned failures) {
        long long most = MV_RECEIVER_FIRST_MS;
        for (unsigned i = 1; i < failures && most < MV_RECEIVER_LONGEST_MS; i++)
                most *= 2;
        if (most > MV_RECEIVER_LONGEST_MS)
                most = MV_RECEIVER_LONGEST_MS;
        return LEAST_MS + (long long)((draw(receiver) >> 1) % (uint64_t)(most - LEAST_MS + 1));
}

/* --- slots --- */

static struct mv_slot *find(struct mv_receiver *receiver, uint64_t subject) {
        for (size_t i = 0; i < MV_RECEIVER_SLOTS; i++)
                if (receiver->slots[i].state != MV_SLOT_FREE && receiver->slots[i].subject == subject)
                        return &receiver->slots[i];
        return NULL;
}

static struct mv_slot *find_free(struct mv_receiver *receiver) {
        for (size_t i = 0; i < MV_RECEIVER_SLOTS; i++)
                if (receiver->slots[i].state == MV_SLOT_FREE)
                        return &receiver->slots[i];
        return NULL;
}

static void go_back(struct mv_receiver *receiver, uint64_t cursor) {
        if (receiver->cursor > cursor)
                receiver->cursor = cursor;
        receiver->passed = 0;
        receiver->drained = false;
}

/* What was passed over because of it is looked at again. */
static void release(struct mv_receiver *receiver, struct mv_slot *slot) {
        if (slot->passed)
                go_back(receiver, slot->passed - 1);
        *slot = (struct mv_slot){ 0 };
}

void mv_receiver_wake(struct mv_receiver *receiver) {
        receiver->drained = false;
}

bool mv_receiver_is_hungry(const struct mv_receiver *receiver, long long now_ms) {
        return receiver->drained && !receiver->gone && !receiver->probing &&
               receiver->sending < MV_RECEIVER_IN_FLIGHT &&
               (!receiver->troubled || now_ms >= receiver->trouble_until_ms);
}

/* --- what to send --- */

static bool comes_before(const struct mv_slot *a, const struct mv_slot *b) {
        return a->probes != b->probes ? a->probes < b->probes : a->sequence < b->sequence;
}

/* The one that may be sent again: the first, or to see whether the receiver is well, the one that was tried least. Those for
 * which that is not so far are in *ret_until_ms. */
static struct mv_slot *find_due(struct mv_receiver *receiver, long long now_ms, long long *ret_until_ms) {
        struct mv_slot *due = NULL;
        for (size_t i = 0; i < MV_RECEIVER_SLOTS; i++) {
                struct mv_slot *slot = &receiver->slots[i];
                if (slot->state != MV_SLOT_WAITING)
                        continue;
                if (slot->until_ms > now_ms) {
                        if (slot->until_ms < *ret_until_ms)
                                *ret_until_ms = slot->until_ms;
                } else if (!due ||
                           (receiver->troubled ? comes_before(slot, due) : slot->sequence < due->sequence))
                        due = slot;
        }
        return due;
}

/* The source cannot tell what there is. */
static void ask_later(long long now_ms, long long *ret_until_ms) {
        if (*ret_until_ms > now_ms + MV_RECEIVER_FIRST_MS)
                *ret_until_ms = now_ms + MV_RECEIVER_FIRST_MS;
}

/* An event that was not sent before. *ret_until_ms is now when there was too much to be looked at. */
static struct mv_slot *find_new(struct mv_receiver *receiver, const struct mv_delivery_source *source,
                                long long now_ms, long long *ret_until_ms) {
        struct mv_slot *slot = find_free(receiver);
        uint64_t sequence, subject;
        for (unsigned looked = 0; slot && !receiver->drained; looked++) {
                if (receiver->sending && receiver->passed >= PASSED_AHEAD)
                        return NULL;
                if (looked == PASSED_ONCE) {
                        *ret_until_ms = now_ms;
                        return NULL;
                }
                int r = source->next(source->context, receiver->cursor, &sequence, &subject);
                if (r < 0)
                        ask_later(now_ms, ret_until_ms);
                else
                        receiver->drained = r == 0;
                if (r <= 0)
                        return NULL;
                receiver->cursor = sequence;
                struct mv_slot *same = find(receiver, subject);
                if (!same) {
                        receiver->passed = 0;
                        *slot = (struct mv_slot){ .state = MV_SLOT_WAITING,
                                                  .sequence = sequence,
                                                  .subject = subject,
                                                  .taken = receiver->taken };
                        return slot;
                }
                receiver->passed++;
                if (same->sequence != sequence && (!same->passed || sequence < same->passed))
                        same->passed = sequence;
        }
        return NULL;
}

/* 0: it was dropped meanwhile, or is not wanted any more. Less than 0: that cannot be told. */
static int is_there(const struct mv_delivery_source *source, const struct mv_slot *slot) {
        uint64_t sequence, subject;
        int r = source->next(source->context, slot->sequence - 1, &sequence, &subject);
        return r > 0 ? sequence == slot->sequence : r;
}

static struct mv_slot *choose(struct mv_receiver *receiver, const struct mv_delivery_source *source,
                              long long now_ms, long long *ret_until_ms) {
        for (;;) {
                struct mv_slot *slot =
                        receiver->troubled ? find_new(receiver, source, now_ms, ret_until_ms) : NULL;
                if (slot)
                        return slot;
                slot = find_due(receiver, now_ms, ret_until_ms);
                if (!slot)
                        break;
                int there = is_there(source, slot);
                if (there > 0)
                        return slot;
                if (there < 0) { /* it keeps its place */
                        ask_later(now_ms, ret_until_ms);
                        return NULL;
                }
                release(receiver, slot);
        }
        return receiver->troubled ? NULL : find_new(receiver, source, now_ms, ret_until_ms);
}

struct mv_slot *mv_receiver_step(struct mv_receiver *receiver, const struct mv_delivery_source *source,
                                 long long now_ms, long long *ret_until_ms) {
        *ret_until_ms = INT64_MAX;
        if (receiver->gone || receiver->probing || receiver->sending == MV_RECEIVER_IN_FLIGHT)
                return NULL;
        if (receiver->troubled && now_ms < receiver->trouble_until_ms) {
                *ret_until_ms = receiver->trouble_until_ms;
                return NULL;
        }
        struct mv_slot *slot = choose(receiver, source, now_ms, ret_until_ms);
        if (!slot)
                return NULL;
        slot->state = MV_SLOT_SENDING;
        slot->probe = receiver->probing = receiver->troubled;
        receiver->sending++;
        return slot;
}

/* --- what came of it --- */

static void wait_until(struct mv_slot *slot, long long until_ms) {
        slot->state = MV_SLOT_WAITING;
        slot->until_ms = until_ms;
}

static enum mv_fate hold_against(struct mv_receiver *receiver, struct mv_slot *slot, long long now_ms) {
        slot->tries++;
        wait_until(slot, now_ms + back_off(receiver, slot->tries));
        return slot->tries >= receiver->tries ? MV_FATE_BURY : MV_FATE_KEEP;
}

static void get_well(struct mv_receiver *receiver) {
        receiver->troubled = false;
        receiver->failures = 0;
}

/* Several that fail at the same time are one failure. */
static void get_into_trouble(struct mv_receiver *receiver, struct mv_slot *slot, bool probe,
                             long long retry_after_ms, long long now_ms) {
        long long retry_ms =
                now_ms + (retry_after_ms < MV_RECEIVER_LONGEST_RETRY_MS ? retry_after_ms
                                                                        : MV_RECEIVER_LONGEST_RETRY_MS);
        slot->probes++;
        wait_until(slot, now_ms);
        if (!receiver->troubled || probe) {
                receiver->troubled = true;
                receiver->failures++;
                receiver->trouble_until_ms = now_ms + back_off(receiver, receiver->failures);
        }
        if (retry_after_ms >= 0 && retry_ms > receiver->trouble_until_ms)
                receiver->trouble_until_ms = retry_ms;
}

enum mv_fate mv_receiver_answer(struct mv_receiver *receiver, struct mv_slot *slot, enum mv_answer answer,
                                long long retry_after_ms, long long now_ms) {
        bool others = slot->taken != receiver->taken, probe = slot->probe;
        receiver->sending--;
        receiver->probing = receiver->probing && !probe;
        slot->probe = false;
        slot->taken = receiver->taken;
        switch (answer) {
        case MV_ANSWER_TAKEN:
                receiver->taken++;
                get_well(receiver);
                release(receiver, slot);
                return MV_FATE_DONE;
        case MV_ANSWER_REFUSED:
                get_well(receiver);
                return hold_against(receiver, slot, now_ms);
        case MV_ANSWER_FAILED:
                if (others)
                        return hold_against(receiver, slot, now_ms);
                break;
        case MV_ANSWER_GONE:
                receiver->gone = true;
                wait_until(slot, now_ms);
                return MV_FATE_KEEP;
        case MV_ANSWER_BUSY:
                break;
        }
        get_into_trouble(receiver, slot, probe, retry_after_ms, now_ms);
        return MV_FATE_KEEP;
}

void mv_receiver_buried(struct mv_receiver *receiver, struct mv_slot *slot) {
        release(receiver, slot);
}
