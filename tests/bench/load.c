/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load on a webhook: some kept TLS connections post one body again and again, each as soon as it has its answer. Every
 * answer is compared with the expected one, and the time that it took is kept, so percentiles are exact. One thread.
 *
 *   load PORT PATH BODY ANSWER CONNECTIONS WARM SECONDS    BODY and ANSWER are files; WARM seconds are not counted
 *
 * Prints one JSON object; times are in microseconds. A wrong answer ends it with status 1.
 */
#include "tests/bench/support.h"
#include "webhook/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1024, ANSWER_MAX = 1 << 20, READ_BYTES = 1 << 15 };

struct connection {
        int fd;
        gnutls_session_t session;
        char unread[READ_BYTES]; /* bytes of TLS from the socket, from `first` to `end` */
        size_t first, end;
        char *answer;
        size_t n_answer;
        double sent; /* when its request was */
};

/* Of all counted requests, in nanoseconds. */
struct times {
        uint32_t *p;
        size_t n, capacity;
};

static double cpu_seconds(void) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The whole request, header and body, so that it is one record of TLS and one write. */
static struct bench_text make_request(const char *path, struct bench_text body) {
        static const char format[] = "POST %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: migvet-bench\r\n"
                                     "Content-Length: %zu\r\nAccept: application/json, */*\r\n"
                                     "Content-Type: application/json\r\n\r\n";
        int n = snprintf(NULL, 0, format, path, body.n);
        char *text = malloc((size_t)n + 1 + body.n);
        if (!text)
                bench_stop("load: out of memory");
        snprintf(text, (size_t)n + 1, format, path, body.n);
        memcpy(text + n, body.p, body.n);
        return (struct bench_text){ text, (size_t)n + body.n };
}

/* --- a connection --- */

/* GnuTLS asks for the five bytes of a record's header and then for the record: one read of the socket has both. */
static ssize_t pull(gnutls_transport_ptr_t context, void *to, size_t n) {
        struct connection *connection = context;
        if (connection->first == connection->end) {
                ssize_t got =
                        recv(connection->fd, connection->unread, sizeof connection->unread, MSG_DONTWAIT);
                if (got <= 0) {
                        gnutls_transport_set_errno(connection->session, got < 0 ? errno : 0);
                        return got;
                }
                connection->first = 0;
                connection->end = (size_t)got;
        }
        if (n > connection->end - connection->first)
                n = connection->end - connection->first;
        memcpy(to, connection->unread + connection->first, n);
        connection->first += n;
        return (ssize_t)n;
}

static ssize_t push(gnutls_transport_ptr_t context, const void *from, size_t n) {
        const struct connection *connection = context;
        return send(connection->fd, from, n, MSG_NOSIGNAL);
}

/* For the handshake alone: wait until there is something to read. */
static int pull_timeout(gnutls_transport_ptr_t context, unsigned milliseconds) {
        (void)context, (void)milliseconds;
        return 1;
}

static void connection_open(struct connection *connection, uint16_t port,
                            gnutls_certificate_credentials_t credentials) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons(port),
                                       .sin_addr = { htonl(INADDR_LOOPBACK) } };
        int one = 1, r;
        connection->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&address, sizeof address) < 0)
                bench_stop("load: cannot connect");
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        gnutls_init(&connection->session, GNUTLS_CLIENT);
        gnutls_priority_set_direct(connection->session, mv_tls_priorities, NULL);
        gnutls_credentials_set(connection->session, GNUTLS_CRD_CERTIFICATE, credentials);
        gnutls_transport_set_ptr(connection->session, connection);
        gnutls_transport_set_pull_function(connection->session, pull);
        gnutls_transport_set_pull_timeout_function(connection->session, pull_timeout);
        gnutls_transport_set_push_function(connection->session, push);
        while ((r = gnutls_handshake(connection->session)) < 0)
                if (gnutls_error_is_fatal(r))
                        bench_stop(gnutls_strerror(r));
        connection->answer = malloc(ANSWER_MAX);
        if (!connection->answer)
                bench_stop("load: out of memory");
}

static void connection_close(struct connection *connection) {
        gnutls_deinit(connection->session);
        close(connection->fd);
        free(connection->answer);
}

static void connection_ask(struct connection *connection, struct bench_text request) {
        connection->n_answer = 0;
        connection->sent = bench_now();
        for (size_t done = 0; done < request.n;) {
                ssize_t n = gnutls_record_send(connection->session, request.p + done, request.n - done);
                if (n < 0 && gnutls_error_is_fatal((int)n))
                        bench_stop(gnutls_strerror((int)n));
                done += n > 0 ? (size_t)n : 0;
        }
}

/* The body of a whole answer; p is NULL as long as there is more to come. */
static struct bench_text answer_body(const struct connection *connection) {
        const char *text = connection->answer, *end = memmem(text, connection->n_answer, "\r\n\r\n", 4);
        if (!end)
                return (struct bench_text){ 0 };
        if (connection->n_answer < 12 || memcmp(text + 8, " 200", 4) != 0)
                bench_stop("load: the answer is not 200");
        const char *length = strcasestr(text, "\r\nContent-Length:");
        if (!length || length > end)
                bench_stop("load: the answer has no Content-Length");
        size_t n = strtoul(length + 17, NULL, 10), before = (size_t)(end + 4 - text);
        if (connection->n_answer < before + n)
                return (struct bench_text){ 0 };
        return (struct bench_text){ connection->answer + before, n };
}

/* Read what there is. True when the answer is there and as expected. */
static bool connection_read(struct connection *connection, struct bench_text expected) {
        for (;;) {
                ssize_t n = gnutls_record_recv(connection->session, connection->answer + connection->n_answer,
                                               ANSWER_MAX - 1 - connection->n_answer);
                if (n == GNUTLS_E_AGAIN)
                        return false;
                if (n == 0 || (n < 0 && gnutls_error_is_fatal((int)n)))
                        bench_stop("load: the server closed the connection");
                if (n < 0)
                        continue;
                connection->n_answer += (size_t)n;
                connection->answer[connection->n_answer] = '\0';
                struct bench_text body = answer_body(connection);
                if (!body.p)
                        continue;
                if (body.n != expected.n || memcmp(body.p, expected.p, body.n) != 0) {
                        fprintf(stderr, "%.*s\n", (int)body.n, body.p);
                        bench_stop("load: this answer is wrong");
                }
                return true;
        }
}

/* --- the run --- */

static void times_add(struct times *times, double seconds) {
        double ns = seconds * 1e9;
        if (times->n == times->capacity) {
                times->capacity = times->capacity ? 2 * times->capacity : 1 << 16;
                times->p = realloc(times->p, times->capacity * sizeof *times->p);
                if (!times->p)
                        bench_stop("load: out of memory");
        }
        times->p[times->n++] = ns < (double)UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

static int compare(const void *a, const void *b) {
        const uint32_t *x = a, *y = b;
        return (*x > *y) - (*x < *y);
}

static double percentile(const struct times *times, double share) {
        size_t at = (size_t)(share * (double)times->n);
        return times->p[at < times->n ? at : times->n - 1] / 1e3;
}

/* Until that time: take answers, and ask again. */
static void run(int epoll, struct bench_text request, struct bench_text expected, double until,
                struct times *times) {
        struct epoll_event events[64];
        for (;;) {
                int n = epoll_wait(epoll, events, 64, 1000);
                if (n == 0)
                        bench_stop("load: no answer in a second");
                for (int i = 0; i < n; i++) {
                        struct connection *connection = events[i].data.ptr;
                        if (!connection_read(connection, expected))
                                continue;
                        double t = bench_now();
                        times_add(times, t - connection->sent);
                        if (t > until)
                                return;
                        connection_ask(connection, request);
                }
        }
}

int main(int argc, char **argv) {
        if (argc != 8)
                bench_stop("usage: load PORT PATH BODY ANSWER CONNECTIONS WARM SECONDS");
        struct bench_text body = bench_read(argv[3]), expected = bench_read(argv[4]),
                          request = make_request(argv[2], body);
        size_t n = strtoul(argv[5], NULL, 10);
        double warm = strtod(argv[6], NULL), seconds = strtod(argv[7], NULL);
        if (n < 1 || n > CONNECTIONS_MAX)
                bench_stop("load: so many connections are not possible");
        struct connection *connections = calloc(n, sizeof *connections);
        gnutls_certificate_credentials_t credentials;
        int epoll = epoll_create1(0);
        if (!connections || epoll < 0 || gnutls_certificate_allocate_credentials(&credentials) < 0)
                bench_stop("load: out of memory");
        for (size_t i = 0; i < n; i++) {
                connection_open(&connections[i], (uint16_t)strtoul(argv[1], NULL, 10), credentials);
                struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = &connections[i] } };
                epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
        }

        struct times times = { 0 };
        for (size_t i = 0; i < n; i++)
                connection_ask(&connections[i], request);
        run(epoll, request, expected, bench_now() + warm, &times);
        size_t warmed = times.n;
        times.n = 0;
        double begun = bench_now();
        double cpu = cpu_seconds();
        /* One of them had its answer when the warming up ended. */
        for (size_t i = 0; i < n; i++)
                if (connections[i].n_answer && answer_body(&connections[i]).p)
                        connection_ask(&connections[i], request);
        run(epoll, request, expected, begun + seconds, &times);
        double took = bench_now() - begun;
        cpu = cpu_seconds() - cpu;
        qsort(times.p, times.n, sizeof *times.p, compare);
        printf("{\"requests\": %zu, \"allRequests\": %zu, \"seconds\": %.6f, \"perSecond\": %.1f, \"p50\": %.1f, \"p99\": %.1f, "
               "\"max\": %.1f, \"busy\": %.3f}\n",
               times.n, warmed + times.n, took, (double)times.n / took, percentile(&times, 0.5),
               percentile(&times, 0.99), percentile(&times, 1), cpu / took);

        for (size_t i = 0; i < n; i++)
                connection_close(&connections[i]);
        gnutls_certificate_free_credentials(credentials);
        free(times.p);
        free(connections);
        free(request.p);
        free(expected.p);
        free(body.p);
        close(epoll);
        return 0;
}
