/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/listen.h"

#include "webhook/address.h"
#include "webhook/library.h"
#include "webhook/tls.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
        SWEEP_MS = 100,
        RETRY_MS = 20,      /* after the limit was hit, or descriptors ran out */
        BATCH = 64,         /* connections accepted between two sweeps */
        POOL_BYTES = 32768, /* memory of a connection in the library; more is no faster */
};

static const long long millisecond = 1000000;

struct mv_listener {
        struct mv_listener_config config;
        struct mv_connections table;
        struct mv_library_log log;
        struct MHD_Daemon **servers;
        int fd;   /* listening; the acceptor's once started */
        int wake; /* eventfd: look at the flags below */
        uint16_t port;
        pthread_t acceptor;
        bool started;
        atomic_bool closing, ending, closed;
        long long complained; /* when the acceptor last logged a failure */
};

/* --- callbacks of the library --------------------------------------------------------------------------- */

static struct mv_connection *listener_connection(struct MHD_Connection *mhd) {
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        return info ? info->socket_context : NULL;
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode what) {
        struct mv_listener *listener = context;
        if (what == MHD_CONNECTION_NOTIFY_STARTED) {
                const union MHD_ConnectionInfo *info =
                        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
                struct mv_connection *connection =
                        mv_connections_attach(&listener->table, info ? info->connect_fd : -1);
                *socket_context = connection;
                const struct mv_listener_handler *handler = &listener->config.handler;
                if (connection)
                        mv_tls_attach(connection, mhd, listener->config.identity,
                                      handler->wants_certificate &&
                                              handler->wants_certificate(handler->context));
        } else {
                struct mv_connection *connection = *socket_context;
                *socket_context = NULL;
                if (!connection)
                        return;
                mv_connections_take_up(&listener->table, connection);
                listener->config.handler.finish(listener->config.handler.context, connection);
                mv_tls_detach(connection);
                mv_connections_remove(&listener->table, connection);
        }
}

/* A request line was read. What this returns is the request's context in the calls that follow. */
static void *on_request_line(void *context, const char *uri, struct MHD_Connection *mhd) {
        struct mv_listener *listener = context;
        struct mv_connection *connection = listener_connection(mhd);
        if (!connection)
                return NULL;
        mv_connection_enter(&listener->table, connection, MV_PHASE_RECEIVING);
        connection->begun = atomic_load_explicit(&connection->since, memory_order_relaxed);
        mv_target_set(&connection->target, uri);
        return connection;
}

static enum MHD_Result on_handle(void *context, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *data, size_t *n_data,
                                 void **request) {
        struct mv_listener *listener = context;
        const struct mv_listener_handler *handler = &listener->config.handler;
        (void)url; /* unescaped and cut at a NUL: the handler looks at the target as it was sent */
        if (!*request)
                return MHD_NO;
        return handler->handle(handler->context, listener, *request, mhd, method, version, data, n_data);
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **request,
                         enum MHD_RequestTerminationCode code) {
        struct mv_listener *listener = context;
        struct mv_connection *connection = *request;
        (void)mhd;
        (void)code;
        if (!connection)
                return;
        *request = NULL;
        mv_connections_take_up(&listener->table, connection);
        listener->config.handler.finish(listener->config.handler.context, connection);
        mv_connection_enter(&listener->table, connection, MV_PHASE_IDLE);
}

enum MHD_Result mv_listener_answer(struct mv_listener *listener, struct mv_connection *connection,
                                   struct MHD_Connection *mhd, unsigned code, struct MHD_Response *response,
                                   bool close) {
        if (!response)
                return MHD_NO;
        if (close || atomic_load_explicit(listener->config.draining, memory_order_relaxed))
                MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
        mv_connection_enter(&listener->table, connection, MV_PHASE_SENDING);
        enum MHD_Result result = MHD_queue_response(mhd, code, response);
        MHD_destroy_response(response);
        return result;
}

struct mv_ticket *mv_listener_put_off(struct mv_listener *listener, struct mv_connection *connection,
                                      struct MHD_Connection *mhd, long long until_ns, long long deadline_ns) {
        /* The sweep that is last before until_ns, and not the first after it. */
        return mv_connections_put_off(&listener->table, connection, mhd, until_ns - SWEEP_MS * millisecond,
                                      deadline_ns);
}

void mv_listener_take_up(struct mv_listener *listener, struct mv_connection *connection,
                         long long deadline_ns) {
        mv_connections_take_up(&listener->table, connection);
        mv_connection_wait(connection, deadline_ns);
}

/* --- the acceptor --------------------------------------------------------------------------------------- */

static void acceptor_complain(struct mv_listener *listener, const char *what, int error) {
        long long now = mv_now();
        if (listener->complained && now - listener->complained < 10 * 1000 * millisecond)
                return;
        listener->complained = now;
        mv_library_say(listener->config.logger, MV_LOG_WARNING, "%s: %s: %s", listener->config.name, what,
                       strerrordesc_np(error));
}

static void acceptor_give(struct mv_listener *listener, int fd, const struct sockaddr *peer,
                          socklen_t n_peer) {
        struct mv_connection *connection = mv_connections_add(&listener->table, fd);
        if (!connection) {
                close(fd);
                mv_metrics_add(listener->config.metrics, MV_COUNTER_REFUSED, 1);
                return;
        }
        mv_metrics_add(listener->config.metrics, MV_COUNTER_ACCEPTED, 1);
        /* On failure the library has closed the descriptor, and did not report it. On success the
         * connection is no longer ours to look at. */
        if (MHD_add_connection(listener->servers[connection->server], fd, peer, n_peer) != MHD_YES) {
                mv_connections_remove(&listener->table, connection);
                mv_metrics_add(listener->config.metrics, MV_COUNTER_REFUSED, 1);
        }
}

enum accepted {
        ACCEPTED_ALL,  /* the backlog is empty */
        ACCEPTED_SOME, /* there may be more */
        ACCEPTED_FULL, /* no room: try again in a moment */
};

static bool acceptor_is_awaited(const struct mv_listener *listener) {
        struct pollfd backlog = { .fd = listener->fd, .events = POLLIN };
        return poll(&backlog, 1, 0) > 0;
}

/* Nobody has to go while nobody waits: one that has just come would, before it is read. */
static enum accepted acceptor_make_room(struct mv_listener *listener) {
        if (!acceptor_is_awaited(listener))
                return ACCEPTED_ALL;
        mv_connections_evict(&listener->table);
        return ACCEPTED_FULL;
}

static enum accepted acceptor_accept(struct mv_listener *listener, bool closing) {
        for (int i = 0; i < BATCH; i++) {
                /* While closing, all that is in the backlog is taken: it will get no other server. */
                if (!closing && mv_connections_count(&listener->table) >= listener->config.limits.connections)
                        return acceptor_make_room(listener);
                struct sockaddr_storage peer;
                socklen_t n_peer = sizeof peer;
                int fd = accept4(listener->fd, (struct sockaddr *)&peer, &n_peer,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd >= 0) {
                        acceptor_give(listener, fd, (const struct sockaddr *)&peer, n_peer);
                        continue;
                }
                switch (errno) {
                case EAGAIN:
                        return ACCEPTED_ALL;
                case EMFILE:
                case ENFILE:
                case ENOMEM:
                case ENOBUFS:
                        /* Without a descriptor to be had this is what accept says, whether or not anybody waits. */
                        if (acceptor_is_awaited(listener))
                                acceptor_complain(listener, "cannot accept connections", errno);
                        return acceptor_make_room(listener);
                case EBADF:
                case EINVAL:
                case ENOTSOCK:
                        acceptor_complain(listener, "cannot accept connections", errno);
                        return ACCEPTED_FULL;
                default: /* that client has gone already, or a passing network error */
                        break;
                }
        }
        return ACCEPTED_SOME;
}

/* Drain the backlog, but not for ever, then close the socket. */
static void acceptor_close(struct mv_listener *listener) {
        long long until = mv_now() + 1000 * millisecond;
        for (;;) {
                enum accepted accepted = acceptor_accept(listener, true);
                if (accepted == ACCEPTED_ALL || mv_now() > until)
                        break;
                if (accepted == ACCEPTED_FULL)
                        nanosleep(&(struct timespec){ .tv_nsec = RETRY_MS * millisecond }, NULL);
        }
        close(listener->fd);
        listener->fd = -1;
        atomic_store(&listener->closed, true);
}

static void *acceptor_main(void *context) {
        struct mv_listener *listener = context;
        enum accepted accepted = ACCEPTED_ALL;
        long long next_sweep = 0, retry = 0;

        while (!atomic_load(&listener->ending)) {
                long long now = mv_now();
                bool closing = atomic_load(&listener->closing);
                if (now >= next_sweep) {
                        mv_connections_sweep(&listener->table, closing);
                        next_sweep = now + SWEEP_MS * millisecond;
                }
                if (closing && listener->fd >= 0)
                        acceptor_close(listener);
                if (listener->fd >= 0 && now >= retry) {
                        accepted = acceptor_accept(listener, false);
                        retry = accepted == ACCEPTED_FULL ? now + RETRY_MS * millisecond : 0;
                }

                long long until = retry && retry < next_sweep ? retry : next_sweep;
                int wait_ms = accepted == ACCEPTED_SOME ? 0 : (int)((until - mv_now()) / millisecond) + 1;
                struct pollfd fds[] = {
                        { .fd = listener->wake, .events = POLLIN },
                        { .fd = retry ? -1 : listener->fd, .events = POLLIN },
                };
                if (poll(fds, 2, wait_ms < 0 ? 0 : wait_ms) > 0 && fds[0].revents) {
                        uint64_t ignored;
                        if (read(listener->wake, &ignored, sizeof ignored) < 0 && errno != EAGAIN)
                                acceptor_complain(listener, "cannot read an eventfd", errno);
                }
        }
        return NULL;
}

static void listener_wake(struct mv_listener *listener) {
        if (eventfd_write(listener->wake, 1) < 0)
                mv_library_say(listener->config.logger, MV_LOG_WARNING, "cannot write an eventfd: %s",
                               strerrordesc_np(errno));
}

/* --- life ----------------------------------------------------------------------------------------------- */

int mv_listener_new(const struct mv_listener_config *config, struct mv_listener **ret, struct mv_err *err) {
        struct mv_address address;
        int r = mv_address_parse(config->address, &address, err);
        if (r < 0)
                return r;
        struct mv_listener *listener = calloc(1, sizeof *listener);
        if (!listener)
                return mv_err_oom(err);
        listener->config = *config;
        listener->fd = listener->wake = -1;
        mv_library_log_init(&listener->log, config->logger, config->metrics);
        listener->servers = calloc(config->n_servers, sizeof *listener->servers);
        r = listener->servers ? mv_connections_init(&listener->table, config->n_servers, &config->limits,
                                                    config->metrics, err)
                              : mv_err_oom(err);
        if (r == 0) {
                listener->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
                if (listener->wake < 0)
                        r = mv_err_set(err, MV_EIO, "cannot make an eventfd: %s", strerrordesc_np(errno));
        }
        if (r == 0)
                r = mv_address_listen(&address, config->address, &listener->fd, &listener->port, err);
        if (r < 0) {
                mv_listener_free(listener);
                return r;
        }
        *ret = listener;
        return 0;
}

struct mv_listener *mv_listener_free(struct mv_listener *listener) {
        if (!listener)
                return NULL;
        mv_listener_stop(listener);
        if (listener->fd >= 0)
                close(listener->fd);
        if (listener->wake >= 0)
                close(listener->wake);
        mv_connections_done(&listener->table);
        mv_library_log_done(&listener->log);
        free(listener->servers);
        free(listener);
        return NULL;
}

uint16_t mv_listener_port(const struct mv_listener *listener) {
        return listener->port;
}

size_t mv_listener_count(struct mv_listener *listener) {
        return mv_connections_count(&listener->table);
}

static struct MHD_Daemon *listener_start_server(struct mv_listener *listener) {
        const struct mv_limits *limits = &listener->config.limits;
        struct MHD_OptionItem tls[] = {
                { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)mv_tls_priorities },
                { MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)mv_tls_retrieve },
                { MHD_OPTION_END, 0, NULL },
        };
        struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
        unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET |
                         MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME;
        if (listener->config.identity)
                flags |= MHD_USE_TLS;
        /* The library's own limit and time-out are second lines, a little beyond ours. */
        return MHD_start_daemon(
                flags, 0, NULL, NULL, on_handle, listener, MHD_OPTION_EXTERNAL_LOGGER, mv_library_log_line,
                &listener->log, MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener,
                MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener, MHD_OPTION_URI_LOG_CALLBACK,
                on_request_line, listener, MHD_OPTION_CONNECTION_LIMIT, 2 * limits->connections + 2048,
                MHD_OPTION_CONNECTION_TIMEOUT, limits->idle_ms / 1000 + 5, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                (size_t)POOL_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY,
                listener->config.identity ? tls : none, MHD_OPTION_END);
}

int mv_listener_start(struct mv_listener *listener, struct mv_err *err) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before); /* for the threads that are about to start */
        int r = 0;
        for (unsigned i = 0; r == 0 && i < listener->config.n_servers; i++) {
                listener->servers[i] = listener_start_server(listener);
                if (!listener->servers[i])
                        r = mv_err_set(err, MV_EIO, "cannot start the server threads of %s",
                                       listener->config.name);
        }
        if (r == 0) {
                int failure = pthread_create(&listener->acceptor, NULL, acceptor_main, listener);
                if (failure)
                        r = mv_err_set(err, MV_EIO, "cannot start a thread: %s", strerrordesc_np(failure));
                else
                        pthread_setname_np(listener->acceptor, "mv-acceptor");
                listener->started = !failure;
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r < 0)
                mv_listener_stop(listener);
        return r;
}

void mv_listener_close(struct mv_listener *listener) {
        if (!listener->started)
                return;
        atomic_store(&listener->closing, true);
        listener_wake(listener);
        while (!atomic_load(&listener->closed))
                nanosleep(&(struct timespec){ .tv_nsec = 2 * millisecond }, NULL);
}

bool mv_listener_wait(struct mv_listener *listener, unsigned grace_ms) {
        long long until = mv_now() + grace_ms * millisecond;
        while (mv_connections_count(&listener->table) > 0) {
                if (mv_now() >= until)
                        return false;
                nanosleep(&(struct timespec){ .tv_nsec = 10 * millisecond }, NULL);
        }
        return true;
}

void mv_listener_stop(struct mv_listener *listener) {
        if (listener->started) {
                atomic_store(&listener->ending, true);
                listener_wake(listener);
                pthread_join(listener->acceptor, NULL);
                listener->started = false;
        }
        mv_connections_hurry(&listener->table);
        for (unsigned i = 0; listener->servers && i < listener->config.n_servers; i++)
                if (listener->servers[i]) {
                        MHD_stop_daemon(listener->servers[i]);
                        listener->servers[i] = NULL;
                }
}
