/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/ticket.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct mv_ticket {
        atomic_uint holders;
        long long until_ns;
        struct mv_ticket *next;
        pthread_mutex_t lock;
        struct MHD_Connection *suspended; /* NULL once it was resumed */
        uint64_t answer;
        bool hurried;
};

struct mv_ticket *mv_ticket_new(struct MHD_Connection *mhd, long long until_ns) {
        struct mv_ticket *ticket = calloc(1, sizeof *ticket);
        if (!ticket)
                return NULL;
        MHD_suspend_connection(mhd);
        atomic_init(&ticket->holders, 2);
        ticket->until_ns = until_ns;
        ticket->suspended = mhd;
        pthread_mutex_init(&ticket->lock, NULL);
        return ticket;
}

void mv_ticket_hold(struct mv_ticket *ticket) {
        atomic_fetch_add(&ticket->holders, 1);
}

static void ticket_drop(struct mv_ticket *ticket) {
        if (atomic_fetch_sub(&ticket->holders, 1) != 1)
                return;
        pthread_mutex_destroy(&ticket->lock);
        free(ticket);
}

static void ticket_resume(struct mv_ticket *ticket, uint64_t answer, bool hurried) {
        pthread_mutex_lock(&ticket->lock);
        if (ticket->suspended) {
                ticket->answer = answer;
                ticket->hurried = hurried;
                MHD_resume_connection(ticket->suspended);
                ticket->suspended = NULL;
        }
        pthread_mutex_unlock(&ticket->lock);
        ticket_drop(ticket);
}

void mv_ticket_resume(struct mv_ticket *ticket, uint64_t answer) {
        ticket_resume(ticket, answer, false);
}

void mv_ticket_hurry(struct mv_ticket *ticket) {
        ticket_resume(ticket, 0, true);
}

bool mv_ticket_is_over(const struct mv_ticket *ticket, long long now) {
        return now >= ticket->until_ns;
}

struct mv_ticket **mv_ticket_next(struct mv_ticket *ticket) {
        return &ticket->next;
}

bool mv_ticket_take_up(struct mv_ticket *ticket, uint64_t *ret_answer) {
        pthread_mutex_lock(&ticket->lock);
        bool hurried = ticket->hurried;
        *ret_answer = ticket->answer;
        pthread_mutex_unlock(&ticket->lock);
        ticket_drop(ticket);
        return hurried;
}
