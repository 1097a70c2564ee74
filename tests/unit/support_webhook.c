/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support_webhook.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void sleep_ms(unsigned ms) {
        struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
        nanosleep(&t, NULL);
}

double seconds(void) {
        return (double)mv_now() / 1e9;
}

struct late { /* a request that was put off, and is resumed later */
        struct stub *stub;
        void (*resume)(void *ticket, uint64_t answer);
        void *ticket;
        unsigned ms;
};

static void *resume_late(void *context) {
        struct late *late = context;
        sleep_ms(late->ms);
        late->resume(late->ticket, 5);
        late->stub->pending--;
        free(late);
        return NULL;
}

/* False when the server does not want to wait. */
static bool put_off(struct stub *stub, const struct mv_review_call *call, int ms) {
        pthread_t thread;
        void *ticket = call->put_off(call);
        if (!ticket)
                return false;
        struct late *late = malloc(sizeof *late);
        if (!late)
                abort();
        stub->pending++;
        *late = (struct late){ stub, call->resume, ticket, (unsigned)ms };
        if (ms < 0) {
                late->ms = 0;
                resume_late(late);
        } else if (pthread_create(&thread, NULL, resume_late, late) == 0)
                pthread_detach(thread);
        else
                abort();
        return true;
}

static int stub_review(void *context, const struct mv_review_call *call, struct mv_buf *response,
                       struct mv_review_summary *summary) {
        struct stub *stub = context;
        struct mv_str body = call->body;
        unsigned sum = 0;
        if (stub->put_off_ms && (!call->put_offs || stub->put_off_always) &&
            put_off(stub, call, stub->put_off_ms))
                return MV_REVIEW_PUT_OFF;
        for (size_t i = 0; i < body.n; i++)
                sum += (unsigned char)body.p[i];
        for (size_t i = 0; i < 8; i++)
                if (body.p[body.n + i])
                        stub->unterminated = true;
        stub->checksum = sum;
        stub->bytes = body.n;
        stub->left_ns = call->deadline_ns - mv_now();
        stub->reviews++;
        stub->mutations += call->mutate;
        stub->resumptions += call->put_offs;
        stub->answer = call->note->answer;
        if (stub->delay_ms)
                sleep_ms(stub->delay_ms);
        *summary = (struct mv_review_summary){ .uid = MV_STR("u-1"),
                                               .operation = MV_STR("CREATE"),
                                               .resource = MV_STR("virtualmachines"),
                                               .namespace = MV_STR("shop"),
                                               .name = MV_STR("db"),
                                               .user = MV_STR("alice"),
                                               .allowed = true,
                                               .code = 200,
                                               .verdict = "True",
                                               .level = "warn",
                                               .rules = MV_STR("") };
        if (!stub->silent)
                mv_buf_format(response, "{\"n\":%zu}%*s", body.n, (int)stub->padding, "");
        return stub->status ? stub->status : 200;
}

void stub_init(struct stub *stub) {
        memset(stub, 0, sizeof *stub);
        stub->backend = (struct mv_review_backend){ .review = stub_review, .context = stub };
}

void stub_settle(struct stub *stub) {
        double until = seconds() + WAIT_MS / 1000.0;
        while (stub->pending > 0 && seconds() < until)
                sleep_ms(5);
        assert_int_equal(stub->pending, 0);
}

static void journal_line(void *context, enum mv_log_level level, const char *component, const char *message,
                         const struct mv_log_field *fields, size_t n_fields) {
        struct journal *journal = context;
        char line[2048];
        int n = snprintf(line, sizeof line, "%d %s %s", (int)level, component, message);
        for (size_t i = 0; i < n_fields; i++)
                n += snprintf(line + n, sizeof line - (size_t)n, " %s=%.*s", fields[i].name,
                              MV_STR_ARG(fields[i].value));
        pthread_mutex_lock(&journal->lock);
        if (journal->n + (size_t)n + 2 > sizeof journal->text)
                journal->n = 0;
        journal->n +=
                (size_t)snprintf(journal->text + journal->n, sizeof journal->text - journal->n, "%s\n", line);
        pthread_mutex_unlock(&journal->lock);
}

void journal_init(struct journal *journal) {
        memset(journal, 0, sizeof *journal);
        pthread_mutex_init(&journal->lock, NULL);
        journal->logger = (struct mv_logger){ .line = journal_line, .context = journal };
}

bool journal_has(struct journal *journal, const char *text) {
        pthread_mutex_lock(&journal->lock);
        bool has = strstr(journal->text, text) != NULL;
        pthread_mutex_unlock(&journal->lock);
        return has;
}

void plain_start(struct plain *plain, struct mv_limits limits, size_t body_bytes, size_t bodies_bytes) {
        struct mv_err err = { 0 };
        stub_init(&plain->stub);
        journal_init(&plain->journal);
        plain->metrics = mv_metrics_new("test");
        assert_non_null(plain->metrics);
        plain->draining = false;
        plain->route = (struct mv_route){ .backend = &plain->stub.backend,
                                          .body_bytes = body_bytes,
                                          .bodies_bytes = bodies_bytes,
                                          .metrics = plain->metrics,
                                          .logger = &plain->journal.logger };
        struct mv_listener_config config = { .name = "test",
                                             .address = "127.0.0.1:0",
                                             .n_servers = 2,
                                             .limits = limits,
                                             .handler = { mv_route_handle, mv_route_finish, &plain->route,
                                                          NULL },
                                             .draining = &plain->draining,
                                             .metrics = plain->metrics,
                                             .logger = &plain->journal.logger };
        if (mv_listener_new(&config, &plain->listener, &err) < 0 ||
            mv_listener_start(plain->listener, &err) < 0)
                fail_msg("%s", err.message);
        plain->port = mv_listener_port(plain->listener);
}

void plain_stop(struct plain *plain) {
        plain->listener = mv_listener_free(plain->listener);
        plain->metrics = mv_metrics_free(plain->metrics);
        assert_int_equal(plain->route.in_flight, 0);
        pthread_mutex_destroy(&plain->journal.lock);
}

void authority_init(struct authority *authority) {
        struct mv_err err = { 0 };
        memset(authority, 0, sizeof *authority);
        if (mv_authority_make_ca((struct mv_str){ 0 }, time(NULL), 24 * 3600, &authority->ca, &err) < 0)
                fail_msg("%s", err.message);
}

void authority_done(struct authority *authority) {
        mv_pem_pair_done(&authority->ca);
}

struct mv_pem_pair authority_sign(const struct authority *authority, long long seconds_of_life) {
        struct mv_err err = { 0 };
        struct mv_names names;
        struct mv_pem_pair pair = { 0 };
        mv_names_init(&names);
        if (mv_names_add_default_dns(&names, &err) < 0 || mv_names_add_default_ips(&names, &err) < 0 ||
            mv_authority_sign_leaf(mv_str_from(authority->ca.certificate), mv_str_from(authority->ca.key),
                                   &names, time(NULL), seconds_of_life, &pair, &err) < 0)
                fail_msg("%s", err.message);
        mv_names_done(&names);
        return pair;
}

struct mv_identity *authority_identity(const struct authority *authority) {
        struct mv_err err = { 0 };
        struct mv_pem_pair pair = authority_sign(authority, 3600);
        struct mv_identity *identity = NULL;
        if (mv_identity_new(mv_str_from(pair.certificate), mv_str_from(pair.key), &identity, &err) < 0)
                fail_msg("%s", err.message);
        mv_pem_pair_done(&pair);
        return identity;
}

void answer_done(struct answer *answer) {
        free(answer->body);
        answer->body = NULL;
}

bool client_connect(struct client *client, unsigned port) {
        struct sockaddr_in to = { .sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = { htonl(INADDR_LOOPBACK) } };
        struct timeval wait = { .tv_sec = WAIT_MS / 1000 };
        memset(client, 0, sizeof *client);
        client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client->fd < 0)
                return false;
        setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
        if (connect(client->fd, (struct sockaddr *)&to, sizeof to) == 0)
                return true;
        close(client->fd);
        client->fd = -1;
        return false;
}

int client_connect_tls(struct client *client, unsigned port, const struct tls_choice *choice) {
        if (!client_connect(client, port))
                return GNUTLS_E_PUSH_ERROR;
        gnutls_certificate_allocate_credentials(&client->credentials);
        if (choice->ca) {
                gnutls_datum_t pem = { (unsigned char *)(uintptr_t)choice->ca, (unsigned)strlen(choice->ca) };
                gnutls_certificate_set_x509_trust_mem(client->credentials, &pem, GNUTLS_X509_FMT_PEM);
        }
        if (choice->cert) {
                gnutls_datum_t cert = { (unsigned char *)(uintptr_t)choice->cert,
                                        (unsigned)strlen(choice->cert) };
                gnutls_datum_t key = { (unsigned char *)(uintptr_t)choice->key,
                                       (unsigned)strlen(choice->key) };
                gnutls_certificate_set_x509_key_mem(client->credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
        }
        gnutls_init(&client->session,
                    GNUTLS_CLIENT | GNUTLS_NO_SIGNAL | (choice->cert ? GNUTLS_FORCE_CLIENT_CERT : 0));
        int r = gnutls_priority_set_direct(client->session,
                                           choice->priorities ? choice->priorities : "NORMAL", NULL);
        gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, client->credentials);
        if (choice->alpn) {
                gnutls_datum_t protocol = { (unsigned char *)(uintptr_t)choice->alpn,
                                            (unsigned)strlen(choice->alpn) };
                gnutls_alpn_set_protocols(client->session, &protocol, 1, 0);
        }
        if (choice->ca)
                gnutls_session_set_verify_cert(client->session, "localhost", 0);
        gnutls_transport_set_int(client->session, client->fd);
        gnutls_handshake_set_timeout(client->session, WAIT_MS);
        while (r == 0 && (r = gnutls_handshake(client->session)) < 0 && !gnutls_error_is_fatal(r))
                r = 0;
        if (r < 0)
                client_close(client);
        return r;
}

void client_close(struct client *client) {
        if (client->session) {
                gnutls_bye(client->session, GNUTLS_SHUT_WR);
                gnutls_deinit(client->session);
        }
        if (client->credentials)
                gnutls_certificate_free_credentials(client->credentials);
        if (client->fd >= 0)
                close(client->fd);
        free(client->input);
        memset(client, 0, sizeof *client);
        client->fd = -1;
}

bool client_send(struct client *client, const char *data, size_t n) {
        while (n) {
                ssize_t sent = client->session ? gnutls_record_send(client->session, data, n)
                                               : send(client->fd, data, n, MSG_NOSIGNAL);
                if (client->session && (sent == GNUTLS_E_AGAIN || sent == GNUTLS_E_INTERRUPTED))
                        continue;
                if (sent <= 0)
                        return false;
                data += sent;
                n -= (size_t)sent;
        }
        return true;
}

bool client_say(struct client *client, const char *text) {
        return client_send(client, text, strlen(text));
}

/* >0 bytes, 0 closed, -1 timed out or broken */
static int client_read(struct client *client) {
        if (client->capacity - client->n < 16384) {
                client->capacity += 65536;
                client->input = realloc(client->input, client->capacity);
        }
        for (;;) {
                ssize_t n = client->session
                                    ? gnutls_record_recv(client->session, client->input + client->n, 16384)
                                    : recv(client->fd, client->input + client->n, 16384, 0);
                if (client->session && n == GNUTLS_E_INTERRUPTED)
                        continue;
                if (n > 0) {
                        client->n += (size_t)n;
                        return (int)n;
                }
                if (n == 0 || (client->session && n == GNUTLS_E_PREMATURE_TERMINATION))
                        return 0;
                if (!client->session && errno == EINTR)
                        continue;
                return -1;
        }
}

static void client_drop(struct client *client, size_t n) {
        memmove(client->input, client->input + n, client->n - n);
        client->n -= n;
}

int client_answer(struct client *client, bool head_only, struct answer *ret) {
        memset(ret, 0, sizeof *ret);
        char *end = NULL;
        while (!client->n || !(end = memmem(client->input, client->n, "\r\n\r\n", 4))) {
                int r = client_read(client);
                if (r <= 0)
                        return ret->status = r == 0 && !client->n ? 0 : -1;
        }
        size_t head = (size_t)(end - client->input) + 4;
        if (head >= sizeof ret->head)
                return ret->status = -1;
        memcpy(ret->head, client->input, head);
        client_drop(client, head);
        int status = -1;
        if (strncmp(ret->head, "HTTP/1.", 7) == 0)
                status = (int)strtol(ret->head + 9, NULL, 10);
        if (status == 100)
                return client_answer(client, head_only, ret);
        const char *length = strcasestr(ret->head, "\r\nContent-Length:");
        ret->n = length ? strtoul(length + 17, NULL, 10) : 0;
        ret->close = strcasestr(ret->head, "\r\nConnection: close") != NULL;
        if (head_only)
                return ret->status = status;
        while (client->n < ret->n)
                if (client_read(client) <= 0)
                        return ret->status = -1;
        ret->body = calloc(1, ret->n + 1);
        if (ret->n)
                memcpy(ret->body, client->input, ret->n);
        client_drop(client, ret->n);
        return ret->status = status;
}

int client_status(struct client *client) {
        struct answer answer;
        int status = client_answer(client, false, &answer);
        answer_done(&answer);
        return status;
}

bool client_is_closed(struct client *client, unsigned ms) {
        double until = seconds() + ms / 1000.0;
        char rest[4096];
        while (seconds() < until) {
                struct pollfd fd = { .fd = client->fd, .events = POLLIN };
                if (poll(&fd, 1, 50) <= 0)
                        continue;
                ssize_t n = recv(client->fd, rest, sizeof rest, 0);
                if (n == 0 || (n < 0 && errno == ECONNRESET))
                        return true;
        }
        return false;
}

char *request_make(const char *target, size_t n, const char *more_header, size_t *ret_n) {
        char *text = malloc(n + 1024);
        int head = snprintf(text, 1024,
                            "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                            "Content-Length: %zu\r\n%s\r\n",
                            target, n, more_header);
        for (size_t i = 0; i < n; i++)
                text[(size_t)head + i] = (char)('a' + i % 23);
        *ret_n = (size_t)head + n;
        return text;
}

int client_review(struct client *client, size_t n, bool *ret_close) {
        size_t n_text;
        char *text = request_make("/validate?timeout=10s", n, "", &n_text);
        struct answer answer = { .status = -1 };
        if (client_send(client, text, n_text))
                client_answer(client, false, &answer);
        if (ret_close)
                *ret_close = answer.close;
        answer_done(&answer);
        free(text);
        return answer.status;
}
