/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/connection.h"

#include "webhook/ticket.h"

#include <stdlib.h>
#include <sys/socket.h>

static const long long millisecond = 1000000;
static const long long second = 1000 * 1000000LL;

int mv_connections_init(struct mv_connections *table, unsigned n_servers, const struct mv_limits *limits,
                        struct mv_metrics *metrics, struct mv_err *err) {
        unsigned *per_server = calloc(n_servers, sizeof *per_server);
        if (!per_server)
                return mv_err_oom(err);
        *table = (struct mv_connections){
                .per_server = per_server, .n_servers = n_servers, .limits = *limits, .metrics = metrics
        };
        pthread_mutex_init(&table->lock, NULL);
        return 0;
}

void mv_connections_done(struct mv_connections *table) {
        if (!table->per_server)
                return;
        while (table->first)
                mv_connections_remove(table, table->first);
        free(table->by_fd);
        free(table->per_server);
        pthread_mutex_destroy(&table->lock);
        *table = (struct mv_connections){ 0 };
}

static void connection_unlink(struct mv_connections *table, struct mv_connection *connection) {
        if (connection->previous)
                connection->previous->next = connection->next;
        else
                table->first = connection->next;
        if (connection->next)
                connection->next->previous = connection->previous;
        else
                table->last = connection->previous;
        table->by_fd[connection->fd] = NULL;
        table->per_server[connection->server]--;
        table->n--;
}

/* Room for fd in by_fd. */
static bool connections_grow(struct mv_connections *table, int fd) {
        if ((size_t)fd < table->n_by_fd)
                return true;
        size_t n = table->n_by_fd ? table->n_by_fd : 64;
        while (n <= (size_t)fd)
                n *= 2;
        struct mv_connection **by_fd = realloc(table->by_fd, n * sizeof *by_fd);
        if (!by_fd)
                return false;
        for (size_t i = table->n_by_fd; i < n; i++)
                by_fd[i] = NULL;
        table->by_fd = by_fd;
        table->n_by_fd = n;
        return true;
}

struct mv_connection *mv_connections_add(struct mv_connections *table, int fd) {
        struct mv_connection *connection = calloc(1, sizeof *connection), *stale = NULL;
        if (!connection)
                return NULL;
        connection->fd = fd;
        mv_connection_enter(table, connection, MV_PHASE_NEW);

        pthread_mutex_lock(&table->lock);
        if (!connections_grow(table, fd)) {
                pthread_mutex_unlock(&table->lock);
                free(connection);
                return NULL;
        }
        /* The library gave this one up without a word, for lack of memory: its descriptor is in use again. */
        stale = table->by_fd[fd];
        if (stale)
                connection_unlink(table, stale);
        for (unsigned i = 1; i < table->n_servers; i++)
                if (table->per_server[i] < table->per_server[connection->server])
                        connection->server = i;
        table->per_server[connection->server]++;
        table->by_fd[fd] = connection;
        connection->previous = table->last;
        if (table->last)
                table->last->next = connection;
        else
                table->first = connection;
        table->last = connection;
        table->n++;
        pthread_mutex_unlock(&table->lock);
        free(stale);
        return connection;
}

struct mv_connection *mv_connections_attach(struct mv_connections *table, int fd) {
        pthread_mutex_lock(&table->lock);
        struct mv_connection *connection = NULL;
        if (fd >= 0 && (size_t)fd < table->n_by_fd)
                connection = table->by_fd[fd];
        if (connection)
                connection->attached = true;
        pthread_mutex_unlock(&table->lock);
        return connection;
}

void mv_connections_remove(struct mv_connections *table, struct mv_connection *connection) {
        if (!connection)
                return;
        pthread_mutex_lock(&table->lock);
        connection_unlink(table, connection);
        pthread_mutex_unlock(&table->lock);
        free(connection);
}

size_t mv_connections_count(struct mv_connections *table) {
        pthread_mutex_lock(&table->lock);
        size_t n = table->n;
        pthread_mutex_unlock(&table->lock);
        return n;
}

static void phase_set(struct mv_connection *connection, enum mv_phase phase, long long now,
                      long long deadline) {
        /* The deadline first: a sweep in between sees the old phase with more time, not the new one with
         * less. */
        atomic_store_explicit(&connection->deadline, deadline, memory_order_relaxed);
        atomic_store_explicit(&connection->since, now, memory_order_relaxed);
        atomic_store_explicit(&connection->phase, phase, memory_order_relaxed);
}

void mv_connection_enter(struct mv_connections *table, struct mv_connection *connection,
                         enum mv_phase phase) {
        const unsigned allowed[] = {
                [MV_PHASE_NEW] = table->limits.receive_ms,
                [MV_PHASE_RECEIVING] = table->limits.receive_ms,
                [MV_PHASE_SENDING] = table->limits.send_ms,
                [MV_PHASE_IDLE] = table->limits.idle_ms,
        };
        long long now = mv_now();
        phase_set(connection, phase, now, now + allowed[phase] * millisecond);
}

void mv_connection_wait(struct mv_connection *connection, long long deadline_ns) {
        phase_set(connection, MV_PHASE_WAITING, mv_now(), deadline_ns);
}

static enum mv_phase connection_phase(const struct mv_connection *connection) {
        return atomic_load_explicit(&connection->phase, memory_order_relaxed);
}

static long long connection_since(const struct mv_connection *connection) {
        return atomic_load_explicit(&connection->since, memory_order_relaxed);
}

static bool connection_is_quiet(const struct mv_connection *connection) {
        enum mv_phase phase = connection_phase(connection);
        return phase == MV_PHASE_NEW || phase == MV_PHASE_IDLE;
}

/* --- requests that are put off --------------------------------------------------------------------------- */

struct mv_ticket *mv_connections_put_off(struct mv_connections *table, struct mv_connection *connection,
                                         struct MHD_Connection *mhd, long long until_ns,
                                         long long deadline_ns) {
        struct mv_ticket *ticket = mv_ticket_new(mhd, until_ns);
        if (!ticket)
                return NULL;
        mv_connection_wait(connection, deadline_ns);
        pthread_mutex_lock(&table->lock);
        connection->ticket = ticket;
        bool stopping = table->stopping;
        pthread_mutex_unlock(&table->lock);
        if (stopping) { /* and who hurried all the others may not have seen this one */
                mv_ticket_hold(ticket);
                mv_ticket_hurry(ticket);
        }
        return ticket;
}

void mv_connections_take_up(struct mv_connections *table, struct mv_connection *connection) {
        pthread_mutex_lock(&table->lock);
        struct mv_ticket *ticket = connection->ticket;
        connection->ticket = NULL;
        pthread_mutex_unlock(&table->lock);
        uint64_t answer = 0;
        if (ticket && mv_ticket_take_up(ticket, &answer))
                connection->hurried = true;
        connection->note.answer |= answer;
}

/* Add the connection's ticket to a list. The table is locked. */
static void tickets_add(struct mv_ticket **list, struct mv_ticket *ticket) {
        mv_ticket_hold(ticket);
        *mv_ticket_next(ticket) = *list;
        *list = ticket;
}

/* Without the table's lock: the library takes locks of its own. */
static void tickets_hurry(struct mv_ticket *list) {
        while (list) {
                struct mv_ticket *ticket = list;
                list = *mv_ticket_next(ticket);
                mv_ticket_hurry(ticket);
        }
}

void mv_connections_hurry(struct mv_connections *table) {
        struct mv_ticket *waiting = NULL;
        pthread_mutex_lock(&table->lock);
        table->stopping = true;
        for (struct mv_connection *c = table->first; c; c = c->next)
                if (c->ticket)
                        tickets_add(&waiting, c->ticket);
        pthread_mutex_unlock(&table->lock);
        tickets_hurry(waiting);
}

/* --- who has to go --------------------------------------------------------------------------------------- */

void mv_connections_sweep(struct mv_connections *table, bool closing) {
        static const enum mv_counter timed_out[] = {
                [MV_PHASE_NEW] = MV_COUNTER_TIMED_OUT_NEW,
                [MV_PHASE_RECEIVING] = MV_COUNTER_TIMED_OUT_RECEIVING,
                [MV_PHASE_WAITING] = MV_COUNTER_TIMED_OUT_WAITING,
                [MV_PHASE_SENDING] = MV_COUNTER_TIMED_OUT_SENDING,
                [MV_PHASE_IDLE] = MV_COUNTER_TIMED_OUT_IDLE,
        };
        long long now = mv_now();
        struct mv_ticket *over = NULL;
        pthread_mutex_lock(&table->lock);
        for (struct mv_connection *c = table->first; c; c = c->next) {
                if (c->ticket && mv_ticket_is_over(c->ticket, now))
                        tickets_add(&over, c->ticket);
                if (!c->attached || c->shut)
                        continue;
                if (now > atomic_load_explicit(&c->deadline, memory_order_relaxed)) {
                        /* Before it is shut: the server thread may end its request at once, and who sees the
                         * connection closed may look at the count. */
                        if (!c->shut_read)
                                mv_metrics_add(table->metrics, timed_out[connection_phase(c)], 1);
                        shutdown(c->fd, SHUT_RDWR);
                        c->shut = true;
                } else if (closing && !c->shut_read && connection_is_quiet(c) &&
                           now - connection_since(c) > second) {
                        shutdown(c->fd, SHUT_RD);
                        c->shut_read = true;
                }
        }
        pthread_mutex_unlock(&table->lock);
        tickets_hurry(over);
}

/* Shut one that is not at work; what an idle one has sent by now is still answered. */
static void connection_evict(struct mv_connection *connection) {
        if (connection_phase(connection) == MV_PHASE_IDLE) {
                shutdown(connection->fd, SHUT_RD);
                connection->shut_read = true;
        } else {
                shutdown(connection->fd, SHUT_RDWR);
                connection->shut = true;
        }
}

size_t mv_connections_evict(struct mv_connections *table) {
        long long now = mv_now();
        size_t evicted = 0, most = 1 + table->limits.connections / 32;
        struct mv_connection *idle = NULL, *new = NULL;

        pthread_mutex_lock(&table->lock);
        for (struct mv_connection *c = table->first; c && evicted < most; c = c->next) {
                if (!c->attached || c->shut || c->shut_read)
                        continue;
                if (connection_phase(c) == MV_PHASE_IDLE) {
                        if (!idle || connection_since(c) < connection_since(idle))
                                idle = c;
                } else if (connection_phase(c) == MV_PHASE_NEW) {
                        if (now - connection_since(c) > second) {
                                connection_evict(c);
                                evicted++;
                        } else if (!new)
                                new = c;
                }
        }
        if (!evicted && (idle || new)) {
                connection_evict(idle ? idle : new);
                evicted = 1;
        }
        pthread_mutex_unlock(&table->lock);
        mv_metrics_add(table->metrics, MV_COUNTER_EVICTED, evicted);
        return evicted;
}
