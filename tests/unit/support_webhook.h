/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of webhook/: a backend that answers at once, a server on a port of the kernel's choice, and a
 * client that can misbehave byte by byte, in TLS or without. Every wait has an end.
 */
#pragma once

#include "certs/authority.h"
#include "certs/identity.h"
#include "policy/base/log.h"
#include "webhook/backend.h"
#include "webhook/listen.h"
#include "webhook/route.h"

#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { WAIT_MS = 15000 }; /* longest wait for something that must happen */

void sleep_ms(unsigned ms);
double seconds(void);

/* What the last review was, and how many there were. The answer is {"n":BYTES}. */
struct stub {
        struct mv_review_backend backend;
        _Atomic unsigned reviews, mutations, resumptions;
        _Atomic size_t bytes;
        _Atomic unsigned checksum; /* sum of the bytes of the body */
        _Atomic long long left_ns; /* until the deadline, when asked */
        _Atomic bool unterminated; /* the 8 bytes after a body were not all zero */
        _Atomic unsigned delay_ms;
        /* Put each request off once for so long; negative: resume it before returning. */
        _Atomic int put_off_ms;
        _Atomic bool put_off_always; /* not just once */
        _Atomic uint64_t answer;     /* what resume handed on; 5 */
        _Atomic unsigned pending;    /* put off, and not resumed by us yet */
        _Atomic int status;          /* to answer; 0: 200 */
        _Atomic bool silent;         /* answer nothing */
        _Atomic size_t padding;      /* spaces after the answer */
};
void stub_init(struct stub *stub);
/* Wait until all that was put off has been resumed, needed or not. */
void stub_settle(struct stub *stub);

/* Keeps the last lines that were logged. */
struct journal {
        struct mv_logger logger;
        pthread_mutex_t lock;
        char text[65536]; /* "LEVEL message name=value ...\n" */
        size_t n;
};
void journal_init(struct journal *journal);
bool journal_has(struct journal *journal, const char *text);

/* A plain listener with the handler of webhook/route.h. */
struct plain {
        struct stub stub;
        struct journal journal;
        struct mv_metrics *metrics;
        struct mv_route route;
        struct mv_listener *listener;
        atomic_bool draining;
        unsigned port;
};
void plain_start(struct plain *plain, struct mv_limits limits, size_t body_bytes, size_t bodies_bytes);
void plain_stop(struct plain *plain);

/* A CA and identities under it, for 127.0.0.1 and localhost. */
struct authority {
        struct mv_pem_pair ca;
};
void authority_init(struct authority *authority);
void authority_done(struct authority *authority);
struct mv_pem_pair authority_sign(const struct authority *authority, long long seconds_of_life);
struct mv_identity *authority_identity(const struct authority *authority);

struct client {
        int fd;
        gnutls_session_t session; /* NULL: plain */
        gnutls_certificate_credentials_t credentials;
        char *input; /* what was received and not yet taken */
        size_t n, capacity;
};

struct answer {
        int status; /* 0: closed without one; -1: timed out, or broken */
        char head[4096];
        char *body; /* owned by the answer; answer_done */
        size_t n;
        bool close;
};
void answer_done(struct answer *answer);

struct tls_choice {
        const char *ca;         /* PEM to verify the server with, or NULL */
        const char *cert, *key; /* to show, or NULL */
        const char *priorities; /* NULL: NORMAL */
        const char *alpn;       /* NULL: none */
};

bool client_connect(struct client *client, unsigned port);
/* 0 or a GnuTLS error of the handshake. */
int client_connect_tls(struct client *client, unsigned port, const struct tls_choice *choice);
void client_close(struct client *client);
bool client_send(struct client *client, const char *data, size_t n);
bool client_say(struct client *client, const char *text);
/* Take one answer. Returns its status. */
int client_answer(struct client *client, bool head_only, struct answer *ret);
/* The same, thrown away. */
int client_status(struct client *client);
/* The peer closes within ms, whatever it sends before. */
bool client_is_closed(struct client *client, unsigned ms);

/* A review of n bytes: head and body. Returns the text to be freed, and its length. */
char *request_make(const char *target, size_t n, const char *more_header, size_t *ret_n);
/* Send one and take the answer's status; *ret_close when the answer says so (may be NULL). */
int client_review(struct client *client, size_t n, bool *ret_close);
