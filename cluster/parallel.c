/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

enum { MOST_THREADS = 16 }; /* beside the caller's: one that takes cannot keep up with more */

struct run {
        const struct mv_parallel *work;
        pthread_mutex_t lock;
        pthread_cond_t room; /* half of the slots are free, or all is over */
        pthread_cond_t news; /* an item was made */
        bool *made;          /* a slot's item is there */
        size_t next;         /* item that nobody makes yet */
        size_t taken;        /* items */
        bool over;
};

static void *slot_of(const struct run *run, size_t item) {
        return (char *)run->work->slots + item % run->work->n_slots * run->work->slot_size;
}

static bool has_room(const struct run *run) {
        return run->next < run->work->n && run->next < run->taken + run->work->n_slots;
}

/* Make the next item; the lock is held before and after. */
static void make_next(struct run *run) {
        size_t item = run->next++;
        pthread_mutex_unlock(&run->lock);
        run->work->make(run->work->context, item, slot_of(run, item));
        pthread_mutex_lock(&run->lock);
        run->made[item % run->work->n_slots] = true;
        pthread_cond_signal(&run->news);
}

static void *help(void *context) {
        struct run *run = context;
        pthread_mutex_lock(&run->lock);
        while (!run->over && run->next < run->work->n)
                if (has_room(run))
                        make_next(run);
                else
                        pthread_cond_wait(&run->room, &run->lock);
        pthread_mutex_unlock(&run->lock);
        return NULL;
}

static int take_all(struct run *run) {
        int r = 0;
        for (size_t item = 0; item < run->work->n && !r; item++) {
                bool *made = &run->made[item % run->work->n_slots];
                pthread_mutex_lock(&run->lock);
                while (!*made)
                        if (has_room(run))
                                make_next(run);
                        else
                                pthread_cond_wait(&run->news, &run->lock);
                pthread_mutex_unlock(&run->lock);
                r = run->work->take(run->work->context, item, slot_of(run, item));
                pthread_mutex_lock(&run->lock);
                *made = false;
                run->taken++;
                run->over = r || run->taken == run->work->n;
                /* Not for each, which would put them to sleep and wake them all the time. */
                if (run->over || run->next - run->taken <= run->work->n_slots / 2)
                        pthread_cond_broadcast(&run->room);
                pthread_mutex_unlock(&run->lock);
        }
        return r;
}

static int run_alone(const struct mv_parallel *work) {
        int r = 0;
        for (size_t item = 0; item < work->n && !r; item++) {
                work->make(work->context, item, work->slots);
                r = work->take(work->context, item, work->slots);
        }
        return r;
}

/* Threads that would not wait for a processor, beside the caller's, and for an item. */
static size_t count_helpers(const struct mv_parallel *work) {
        cpu_set_t cpus;
        size_t n = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? (size_t)CPU_COUNT(&cpus) - 1 : 0;
        n = n < MOST_THREADS ? n : MOST_THREADS;
        return work->n > work->n_slots ? n : 0; /* fewer are made before a thread is there */
}

int mv_parallel_run(const struct mv_parallel *work) {
        pthread_t threads[MOST_THREADS];
        size_t n = work->alone ? 0 : count_helpers(work), started = 0;
        bool *made = n ? calloc(work->n_slots, sizeof *made) : NULL;
        if (!made)
                return run_alone(work);
        struct run run = { .work = work, .made = made };
        pthread_mutex_init(&run.lock, NULL);
        pthread_cond_init(&run.room, NULL);
        pthread_cond_init(&run.news, NULL);
        while (started < n && pthread_create(&threads[started], NULL, help, &run) == 0)
                started++;
        int r = take_all(&run);
        while (started)
                pthread_join(threads[--started], NULL);
        pthread_cond_destroy(&run.news);
        pthread_cond_destroy(&run.room);
        pthread_mutex_destroy(&run.lock);
        free(made);
        return r;
}
