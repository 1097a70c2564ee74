/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS identity of `migvet serve`: where it comes from (a directory, files), that it is renewed and taken up
 * when it changes, and the authorities of clients. It owns the slots that the webhook's handshakes look into.
 */
#pragma once

#include "certs/identity.h"
#include "certs/names.h"
#include "certs/trust.h"
#include "certs/watch.h"
#include "policy/base/buf.h"
#include "policy/base/err.h"
#include "policy/base/log.h"

#include <stdbool.h>
#include <time.h>

/* Of the command line; NULL: not given. */
struct mv_serve_identity_options {
        const char *certs;      /* --certs */
        const char *cert, *key; /* --cert and --key */
        const char *client_ca;  /* --client-ca */
        struct mv_names names;  /* --dns; the defaults are added where there are none */
};

struct mv_serve_identity {
        struct mv_serve_identity_options *options; /* borrowed */
        const struct mv_logger *logger;
        char *directory; /* of --certs, or NULL with --cert */
        struct mv_identity_slot slot;
        struct mv_trust_slot trust;
        struct mv_certs_watch identity_watch, trust_watch;
        time_t next_renewal; /* when the directory store is to be looked at again */
};

/* Only makes the slots; options and logger outlive the identity. */
void mv_serve_identity_init(struct mv_serve_identity *identity, struct mv_serve_identity_options *options,
                            const struct mv_logger *logger);
/* Make or read the identity; the slots are filled when it succeeds. */
int mv_serve_identity_start(struct mv_serve_identity *identity, struct mv_err *err);
/* Renew what is due, take up what changed: every half second, from one thread. What fails is logged. */
void mv_serve_identity_tend(struct mv_serve_identity *identity);
void mv_serve_identity_done(struct mv_serve_identity *identity);

/* For struct mv_health_check; context is the identity. Any thread. */
bool mv_serve_identity_ready(void *context, struct mv_buf *remark);
