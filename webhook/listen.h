/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listener: one address, its connections, and the threads that serve them.
 *
 * An acceptor thread of our own takes connections from the backlog and gives them to N libmicrohttpd daemons
 * of one epoll thread each. The library's accept would block newcomers behind silent clients at its limit,
 * spin when descriptors run out, and abort now and then when it stops; this one makes room by closing idle
 * connections. Ten times a second the same thread shuts whoever is past its deadline (webhook/connection.h).
 *
 * Life: new (binds, so that a port in use is known early), start, then close and stop, or only free. All
 * functions here are called by one thread, the owner's; the handler's are called by the server threads, and
 * never two at a time for one connection.
 */
#pragma once

#include "policy/base/err.h"
#include "policy/base/log.h"
#include "webhook/connection.h"
#include "webhook/metrics.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct mv_listener;
struct mv_identity_slot;

struct mv_listener_handler {
        /* Called as libmicrohttpd calls its handler: with the header only, with pieces of the body, with
         * none; answers by mv_listener_answer. */
        enum MHD_Result (*handle)(void *context, struct mv_listener *listener,
                                  struct mv_connection *connection, struct MHD_Connection *mhd,
                                  const char *method, const char *version, const char *data, size_t *n_data);
        /* The request is over, answered or not: drop what it holds. May be called again without a request. */
        void (*finish)(void *context, struct mv_connection *connection);
        void *context;
        /* Whether a TLS client that connects now is asked for a certificate; it may have none. NULL: nobody is. */
        bool (*wants_certificate)(void *context);
};

struct mv_listener_config {
        const char *name;    /* in log lines: "webhook" */
        const char *address; /* see webhook/address.h */
        unsigned n_servers;  /* server threads, at least 1 */
        struct mv_limits limits;
        struct mv_identity_slot *identity; /* who to be in TLS; NULL: plain HTTP */
        struct mv_listener_handler handler;
        const atomic_bool *draining;    /* while true every answer closes its connection */
        struct mv_metrics *metrics;     /* may be NULL */
        const struct mv_logger *logger; /* may be NULL */
};

/* config is copied, what it points to must outlive the listener. MV_EUSAGE, MV_EIO, MV_ENOMEM. */
int mv_listener_new(const struct mv_listener_config *config, struct mv_listener **ret, struct mv_err *err);
/* Closes and stops as well, without waiting for answers. */
struct mv_listener *mv_listener_free(struct mv_listener *listener);

/* The port, chosen by the kernel when the address said 0. */
uint16_t mv_listener_port(const struct mv_listener *listener);
/* Connections now. */
size_t mv_listener_count(struct mv_listener *listener);

/* Start the threads. They take no signal. */
int mv_listener_start(struct mv_listener *listener, struct mv_err *err);

/* Accept what is in the backlog, then no more; from now on quiet connections are closed. Returns when the
 * socket is closed. */
void mv_listener_close(struct mv_listener *listener);
/* After close: wait until every connection has gone, at most grace_ms. True when they have. */
bool mv_listener_wait(struct mv_listener *listener, unsigned grace_ms);
/* End the threads and what connections are left. */
void mv_listener_stop(struct mv_listener *listener);

/* Put the request off, from its handler, which then returns MHD_YES and is called again: when the ticket is
 * resumed, or at until_ns at the latest, if not at once. NULL on lack of memory. */
struct mv_ticket *mv_listener_put_off(struct mv_listener *listener, struct mv_connection *connection,
                                      struct MHD_Connection *mhd, long long until_ns, long long deadline_ns);
/* The handler has the whole request: the client has sent what it has to, and waits until deadline_ns at the latest. If the
 * request was put off, the ticket is given back, and noted is what came of it. */
void mv_listener_take_up(struct mv_listener *listener, struct mv_connection *connection,
                         long long deadline_ns);

/* Queue response for the connection, and let go of it. With `close`, and while draining, the connection ends
 * with this answer. response may be NULL (no memory): then the connection is dropped. */
enum MHD_Result mv_listener_answer(struct mv_listener *listener, struct mv_connection *connection,
                                   struct MHD_Connection *mhd, unsigned code, struct MHD_Response *response,
                                   bool close);
