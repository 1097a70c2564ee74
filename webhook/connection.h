/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a listener's connections: who is there, in which phase, and until when.
 *
 * The library's own time-out is renewed by each byte and so does not stop a client that drips. Here each
 * connection has one deadline that only progress moves; whoever is late gets shutdown(fd), whereupon the
 * library closes the connection by itself. A connection enters the table before the library has it (so that
 * it counts against the limit), is attached when the library reports it, and leaves the table before its
 * descriptor is closed: a descriptor that is shut here is never somebody else's.
 *
 * A request that is put off (webhook/ticket.h) waits for others, so it has a time of its own, at which it is
 * hurried on.
 *
 * The table has its own lock, for `ticket`, too. Phase and deadline are atomic: a server thread sets them on
 * its own connection without the lock. All else in a connection belongs to the server thread that serves it.
 */
#pragma once

#include "certs/clock.h"
#include "policy/base/err.h"
#include "webhook/access.h"
#include "webhook/backend.h"
#include "webhook/metrics.h"
#include "webhook/request.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct mv_identity;
struct mv_identity_slot;
struct mv_ticket;

enum mv_phase {
        MV_PHASE_NEW,       /* no request yet: the handshake, or silence */
        MV_PHASE_RECEIVING, /* a request line was read */
        MV_PHASE_WAITING,   /* the request was read; it is judged, or put off */
        MV_PHASE_SENDING,   /* an answer was queued */
        MV_PHASE_IDLE,      /* an answer was sent, no new request line yet */
};

enum mv_endpoint {
        MV_ENDPOINT_VALIDATE,
        MV_ENDPOINT_MUTATE,
        MV_ENDPOINT_VERDICTS,
        MV_ENDPOINT_NONE, /* no path of ours */
};

struct mv_limits {
        unsigned connections;                  /* most of them at a time */
        unsigned receive_ms, send_ms, idle_ms; /* a whole request, a whole answer, between two requests */
};

struct mv_connection {
        struct mv_connection *previous, *next; /* in the table, oldest first */
        int fd;
        unsigned server; /* which of the listener's server threads has it */
        bool attached;   /* the library has reported it */
        bool shut;       /* shutdown was called; it is about to go */
        bool shut_read;  /* only for reading: what has arrived is still answered */
        _Atomic(enum mv_phase) phase;
        _Atomic long long since; /* when the phase began; CLOCK_MONOTONIC nanoseconds */
        _Atomic long long deadline;
        struct mv_ticket *ticket; /* NULL, or the request is put off */

        /* TLS, all NULL without it; see webhook/tls.h */
        struct mv_identity_slot *identities; /* where the handshake finds its identity */
        struct mv_identity *identity;        /* what it was made with; a reference */
        void *session;                       /* gnutls_session_t */
        int peer;                            /* enum mv_tls_peer */

        /* The request that is being read. */
        struct mv_target target;
        long long begun; /* when its first line was read */
        bool judged;     /* the handler has looked at its header */
        struct {
                int code;              /* refused with this status; 0: not refused */
                const char *message;   /* static */
                const char *challenge; /* of WWW-Authenticate; static; NULL: none */
                bool close;
        } refusal;
        char *body; /* NULL, or content_length + 8 bytes */
        size_t content_length;
        size_t received;
        size_t charged; /* bytes of it in the sum of bodies in flight */
        enum mv_endpoint endpoint;
        char client[MV_CLIENT_MAX]; /* who asks for a verdict, for the log */
        unsigned put_offs;          /* how often the request was put off */
        bool hurried;               /* once more it cannot be */
        struct mv_review_note note;
        long long timeout;             /* nanoseconds */
        struct MHD_Response *response; /* NULL, or what is answered with .status in the next round */
        int status;
};

struct mv_connections {
        pthread_mutex_t lock;
        struct mv_connection *first, *last;
        struct mv_connection **by_fd; /* fd -> connection; n_by_fd entries */
        size_t n_by_fd;
        size_t n;
        unsigned *per_server; /* connections of each server thread */
        unsigned n_servers;
        struct mv_limits limits;
        struct mv_metrics *metrics; /* may be NULL */
        bool stopping;              /* nobody waits any more */
};

int mv_connections_init(struct mv_connections *table, unsigned n_servers, const struct mv_limits *limits,
                        struct mv_metrics *metrics, struct mv_err *err);
/* The library must have gone: no connection is attached any more. */
void mv_connections_done(struct mv_connections *table);

/* Enter an accepted descriptor, in phase NEW, for the server thread that has the fewest. NULL on lack of
 * memory. Until it is attached, only its caller may take it out again. */
struct mv_connection *mv_connections_add(struct mv_connections *table, int fd);
/* The library reports this descriptor: the connection, or NULL if it never entered. */
struct mv_connection *mv_connections_attach(struct mv_connections *table, int fd);
/* Take out and free. connection may be NULL. */
void mv_connections_remove(struct mv_connections *table, struct mv_connection *connection);

size_t mv_connections_count(struct mv_connections *table);

/* The connection enters a phase now, other than WAITING, and its deadline follows from the limits. */
void mv_connection_enter(struct mv_connections *table, struct mv_connection *connection, enum mv_phase phase);

/* Enter MV_PHASE_WAITING, until then. */
void mv_connection_wait(struct mv_connection *connection, long long deadline_ns);
/* Suspend the connection until somebody resumes the ticket, or until_ns, when a sweep does; it is shut at
 * deadline_ns. NULL on lack of memory, and then it is not suspended. */
struct mv_ticket *mv_connections_put_off(struct mv_connections *table, struct mv_connection *connection,
                                         struct MHD_Connection *mhd, long long until_ns,
                                         long long deadline_ns);
/* The request goes on, or is over: the ticket, if any, is given back, and noted is what came of it. */
void mv_connections_take_up(struct mv_connections *table, struct mv_connection *connection);
/* From now on nobody is left suspended: the library cannot be stopped before. */
void mv_connections_hurry(struct mv_connections *table);

/* Hurry requests that were put off and whose time is over, and shut what is past its deadline. When closing, also shut for reading what has been idle, or new and
 * silent, for more than a second. */
void mv_connections_sweep(struct mv_connections *table, bool closing);

/* Make room: shut connections that have been silent since they came a second ago; else the one that has
 * been idle longest; else the oldest new one. Returns how many were shut; 0 when all are at work or going
 * already. */
size_t mv_connections_evict(struct mv_connections *table);
