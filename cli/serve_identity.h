/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS identity of `migvet serve`: where it comes from (a directory, files, an authority in a Secret), that it is
 * renewed and taken up when it changes, that the API server believes it, and the authorities of clients. It owns the
 * slots that the webhook's handshakes look into.
 */
#pragma once

#include "certs/identity.h"
#include "certs/names.h"
#include "certs/trust.h"
#include "certs/watch.h"
#include "cluster/kube/config.h"
#include "cluster/kube/registration.h"
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

        const char *secret;                                     /* --certs-secret */
        const char *configuration;                              /* --webhook-configuration */
        const char *lease;                                      /* --lease */
        const char *replica;                                    /* --identity */
        const char *namespace;                                  /* our own; only needed with the two first */
        unsigned long long lease_ms, settle_ms, ca_ms, leaf_ms; /* 0: the default */
};

/* The flags contradict one another, or a value is no name: MV_EUSAGE. */
int mv_serve_identity_check(const struct mv_serve_identity_options *options, struct mv_err *err);
/* The name of this replica: what is given, else $POD_NAME, else the host's. To be freed; NULL when out of memory. */
char *mv_serve_own_name(const char *given);
/* They ask for the API of a cluster. */
bool mv_serve_identity_needs_kube(const struct mv_serve_identity_options *options);

struct mv_serve_identity {
        struct mv_serve_identity_options *options; /* borrowed */
        const struct mv_logger *logger;
        char *directory; /* of --certs, or NULL with --cert */
        struct mv_identity_slot slot;
        struct mv_identity_slot files; /* what the files hold; in `slot` as soon as clients believe it */
        long long settle_ms;           /* --rotation-settle */
        long long waiting_since;       /* CLOCK_MONOTONIC milliseconds: they differ; 0: they do not */
        struct mv_trust_slot trust;
        struct mv_certs_watch identity_watch, trust_watch;
        time_t next_renewal;                          /* when the directory store is to be looked at again */
        time_t looked;                                /* when it was tended last */
        struct mv_registration *registration;         /* NULL: the API server is not our business */
        char *namespace, *replica, *authorities_file; /* for the registration */
};

/* Only makes the slots; options and logger outlive the identity. */
void mv_serve_identity_init(struct mv_serve_identity *identity, struct mv_serve_identity_options *options,
                            const struct mv_logger *logger);
/* Make or read the identity; the slots are filled when it succeeds. That of a Secret comes when the API is there. kube
 * is NULL when it is not needed, and outlives the identity. */
int mv_serve_identity_start(struct mv_serve_identity *identity, const struct mv_kube_config *kube,
                            struct mv_err *err);
/* The webhook listens: on that --listen address, on that port. */
void mv_serve_identity_listening(struct mv_serve_identity *identity, const char *listen, unsigned port);
/* Renew what is due, take up what changed: every half second, from one thread. What fails is logged. */
void mv_serve_identity_tend(struct mv_serve_identity *identity);
/* Give up the Lease. The slots stay as they are. */
void mv_serve_identity_stop(struct mv_serve_identity *identity);
void mv_serve_identity_done(struct mv_serve_identity *identity);

/* For struct mv_health_check; context is the identity. Any thread. */
bool mv_serve_identity_ready(void *context, struct mv_buf *remark);
/* Likewise: the API server believes us. Only where there is a registration. */
bool mv_serve_registration_ready(void *context, struct mv_buf *remark);
/* For struct mv_collector. */
void mv_serve_registration_collect(void *context, struct mv_buf *out);
