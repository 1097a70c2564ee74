/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that is put off: its connection is suspended in libmicrohttpd until somebody resumes it.
 *
 * Two hold a ticket, and the last one frees it: the connection, and whoever was asked for what the request
 * waits for. That one may be late, or never come; then the listener hurries the request on, and the ticket
 * stays for the late one, for whom it does nothing any more. So the library's connection is resumed exactly
 * once, and is not looked at once it may have gone: who resumes it has the lock, and the connection's own
 * thread takes that lock before it goes on.
 */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

struct mv_ticket;

/* Suspends the connection, whose handler the caller is in. It is to be hurried at until_ns (mv_now). Held
 * by the connection and by whoever resumes it. NULL on lack of memory, and then it is not suspended. */
struct mv_ticket *mv_ticket_new(struct MHD_Connection *mhd, long long until_ns);

/* What was waited for is there: resume, unless that was done, and let go. Any thread. */
void mv_ticket_resume(struct mv_ticket *ticket, uint64_t answer);

/* For the listener: hold it once more, and later hurry it and let go. */
bool mv_ticket_is_over(const struct mv_ticket *ticket, long long now);
void mv_ticket_hold(struct mv_ticket *ticket);
void mv_ticket_hurry(struct mv_ticket *ticket);
/* Tickets that are to be hurried, in a list; only one thread at a time makes one. */
struct mv_ticket **mv_ticket_next(struct mv_ticket *ticket);

/* The connection goes on, or goes away, and lets go. True when it was hurried; else *ret_answer is what resume
 * was given. It waits for whoever is just resuming it. */
bool mv_ticket_take_up(struct mv_ticket *ticket, uint64_t *ret_answer);
