/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The webhook as a whole: the HTTPS port for reviews and the management port beside it, started, drained and
 * stopped together.
 *
 * Life: new (binds both ports), start, stop, free; all from one thread. The program blocks its signals before
 * start (the server's threads take none in any case) and ignores SIGPIPE. Stopping loses no answer: readiness
 * goes first, requests are served for `lame` more milliseconds while kube-apiserver learns of it, then the
 * backlog is drained, and connections end as they become idle.
 */
#pragma once

#include "policy/base/err.h"
#include "policy/base/log.h"
#include "webhook/backend.h"
#include "webhook/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mv_access_slot;
struct mv_identity_slot;
struct mv_trust_slot;
struct mv_webhook;

struct mv_webhook_limits {
        size_t body_bytes;    /* of one request */
        size_t bodies_bytes;  /* of all requests in flight; beyond it 503 */
        unsigned connections; /* beyond it idle ones are closed */
        unsigned receive_ms;  /* handshake and silence before the first request; a whole request */
        unsigned idle_ms;     /* between two requests; kube-apiserver keeps connections for 90 s */
        unsigned send_ms;     /* a whole answer */
};

/* The values as shipped. */
#define MV_WEBHOOK_LIMITS                                       \
        ((struct mv_webhook_limits){ .body_bytes = 8 << 20,     \
                                     .bodies_bytes = 128 << 20, \
                                     .connections = 1024,       \
                                     .receive_ms = 5000,        \
                                     .idle_ms = 120000,         \
                                     .send_ms = 10000 })

struct mv_webhook_config {
        const char *listen;     /* ":8443"; see webhook/address.h */
        const char *management; /* ":9443"; NULL or empty: no management port */
        unsigned threads;       /* server threads; 0: one a CPU */
        struct mv_webhook_limits limits;
        unsigned other_files; /* descriptors that other parts of the program need, beside a few */
        struct mv_identity_slot *identity; /* whose current identity each handshake takes; not NULL */
        struct mv_trust_slot *client_ca;   /* who may ask, by certificate; NULL: anybody */
        const char *const *client_names;   /* and by name (certs/trust.h) */
        size_t n_client_names;
        struct mv_access_slot *access; /* who may ask for verdicts; NULL: nobody */
        const struct mv_review_backend *backend;
        const struct mv_health_check *checks; /* for /readyz; called by server threads */
        size_t n_checks;
        const struct mv_collector *collectors; /* for /metrics; called by server threads */
        size_t n_collectors;
        const char *version;            /* for migvet_build_info */
        const struct mv_logger *logger; /* may be NULL */
};

/* Everything that config points to must outlive the webhook; config itself is copied. Raises the soft
 * limit of open files, and lowers limits.connections with a warning where that does not suffice. MV_EUSAGE
 * for a wrong address or limit, MV_EIO, MV_ENOMEM. */
int mv_webhook_new(const struct mv_webhook_config *config, struct mv_webhook **ret, struct mv_err *err);
/* Stops without waiting, if it runs. Returns NULL. */
struct mv_webhook *mv_webhook_free(struct mv_webhook *webhook);

int mv_webhook_start(struct mv_webhook *webhook, struct mv_err *err);

/*
 * Drain and stop. For lame_ms requests and new connections are still served, not ready any more; then what is
 * in flight has grace_ms to end, of which connections that are only kept open use a second. True when nothing
 * was cut off. The management port answers until the end.
 */
bool mv_webhook_stop(struct mv_webhook *webhook, unsigned lame_ms, unsigned grace_ms);

/* The ports in use, from new on; 0 for no management port. */
uint16_t mv_webhook_port(const struct mv_webhook *webhook);
uint16_t mv_webhook_management_port(const struct mv_webhook *webhook);

/* What it counts, for those who want to count along. */
struct mv_metrics *mv_webhook_metrics(struct mv_webhook *webhook);
