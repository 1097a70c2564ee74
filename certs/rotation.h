/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When is it time for new certificates? Pure decisions about what is stored, at a time that is given: no
 * I/O and no clock, so each state (and each point where a crash may leave the store) is one row of a test.
 *
 * Certificates are renewed when two thirds of their life are over. An authority that migvet did not make is
 * never replaced. While a new authority takes over, the old one stays in the published bundle until no leaf
 * of it can be alive.
 */
#pragma once

#include "certs/certificate.h"

#include <stdbool.h>
#include <time.h>

enum mv_rotation_step {
        MV_ROTATION_NONE, /* nothing is due */
        MV_ROTATION_LEAF, /* issue a leaf under the stored authority */
        MV_ROTATION_CA,   /* make a new authority, publish both, issue a leaf under the new one */
        MV_ROTATION_STUCK /* the authority is over, and not ours to replace */
};

/* What the store holds. Of a certificate that is not there the rest is not read. */
struct mv_rotation_state {
        bool has_ca;
        bool ca_is_ours; /* mv_authority_is_ours */
        struct mv_validity ca;
        bool has_leaf;       /* a certificate and the key that fits it */
        bool leaf_from_ca;   /* signed with the stored key */
        bool leaf_has_names; /* all that are wanted */
        struct mv_validity leaf;
};

struct mv_rotation_decision {
        enum mv_rotation_step step;
        const char *reason; /* static text in words, "" for NONE */
        time_t next;        /* for NONE: when to ask again at the latest */
};

struct mv_rotation_decision mv_rotation_decide(const struct mv_rotation_state *state, time_t now);

/* When two thirds of it are over. */
time_t mv_rotation_renewal(const struct mv_validity *validity);

/* Until when an earlier authority stays in the bundle: until it expires, or until the last leaf that it can
 * have signed before the current one took over has. */
time_t mv_rotation_old_ca_until(const struct mv_validity *old_ca, const struct mv_validity *current);

const char *mv_rotation_step_name(enum mv_rotation_step step);
