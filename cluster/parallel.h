/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on many items by several threads, whose results are taken in order by one.
 *
 * What always holds: take is called by the caller's thread, for 0, 1, 2 and so on, each after its make; make is called once for each
 * item, by any thread, and not for items more than n_slots ahead of the one that is taken, so memory is bounded. An item's
 * slot is its own from make to the end of take. The caller's thread makes items, too, where it would have to wait; where no
 * thread can be started, it makes all of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct mv_parallel {
        size_t n; /* items */
        void *slots;
        size_t n_slots, slot_size;
        bool alone; /* no other thread is wanted */
        void (*make)(void *context, size_t item, void *slot);
        int (*take)(void *context, size_t item, void *slot); /* what is not 0 ends the work */
        void *context;
};

/* Returns what take returned last, or 0. No other thread is left; slots that were made and not taken are the caller's to
 * clean. */
int mv_parallel_run(const struct mv_parallel *work);
