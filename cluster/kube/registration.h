/* SPDX-License-Identifier: Apache-2.0 */
/*
 * That the API server believes this webhook: a thread that keeps the TLS identity of a Secret (shared_identity.h), and
 * the caBundle of the webhook configurations (published_bundle.h), writing only while it is leader (leader.h). It
 * owns its client of the API. Nothing here answers reviews: when the API is away, what was there stays in service.
 */
#pragma once

#include "certs/identity.h"
#include "certs/names.h"
#include "cluster/kube/config.h"
#include "policy/base/err.h"
#include "policy/base/log.h"

#include <stdbool.h>

struct mv_registration;

struct mv_registration_options {
        const struct mv_kube_config *config; /* outlives the registration, as all that is borrowed here */
        const char *namespace;               /* our own */
        const char *secret;           /* of the authority; NULL: the identity is somebody else's business */
        const char *configuration;    /* of the webhooks; NULL: none */
        const char *authorities_file; /* what to publish when there is no secret: a ca.crt; or NULL */
        const char *lease, *identity; /* the Lease, and who we are in it */
        unsigned lease_ms;            /* whole seconds */
        unsigned settle_ms;           /* between publishing an authority and using it */
        long long ca_seconds, leaf_seconds;
        const struct mv_names *names;  /* of the leaf */
        struct mv_identity_slot *slot; /* with a secret: filled here */
        const struct mv_logger *logger;
};

enum mv_in_force {
        MV_IN_FORCE_NOT_ASKED,        /* not known yet */
        MV_IN_FORCE_NO_CONFIGURATION, /* there is no webhook to ask about */
        MV_IN_FORCE_YES,              /* a handshake with our listener was believed, for each webhook */
        MV_IN_FORCE_NO,               /* not believed; problem says why */
};

struct mv_registration_status {
        bool leader;
        long long leader_until_ms; /* CLOCK_MONOTONIC: as long as it is sure, if nothing more is heard */
        char holder[260];          /* of the Lease, as far as we know; "" for nobody */
        enum mv_in_force in_force;
        char problem[512];  /* why not */
        char rotation[160]; /* what goes on, or is waited for, with the authority; "" when nothing */
        unsigned long long rotations;
        long long looked_ms; /* CLOCK_MONOTONIC: when the last look began; 0: there was none yet */
        long long
                published_ms; /* for how long what is to be believed has been in every configuration; -1: it is not */
};

/* Starts the thread. The API need not be there. MV_ENOMEM, MV_EIO, MV_EUSAGE. */
int mv_registration_start(const struct mv_registration_options *options, struct mv_registration **ret,
                          struct mv_err *err);
/* Where our own listener is: from then on it is asked. address is numeric; copied. Any thread. */
void mv_registration_listening(struct mv_registration *registration, const char *address, unsigned port);
/* Any thread. */
void mv_registration_status(struct mv_registration *registration, struct mv_registration_status *ret);
/* Gives up the Lease, ends the thread. Takes NULL; returns NULL. */
struct mv_registration *mv_registration_stop(struct mv_registration *registration);
