/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask for verdicts: whoever has one of some tokens, or a certificate of some authorities with one of some names.
 *
 * A struct mv_access never changes and is reference-counted; a slot holds the one in force and is swapped when configuration
 * or tokens change, so that every request is judged by what holds now, also on a connection that is older. An empty slot:
 * nobody may, and there is nothing to ask for.
 */
#pragma once

#include "certs/trust.h"
#include "certs/shared.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>

struct mv_access;

struct mv_access_options {
        /* One a line, without regard to white space around it and to empty lines; p is NULL: none. */
        struct mv_str tokens;
        /* Whose certificates are believed; outlives the access; NULL: nobody's. */
        struct mv_trust_slot *trust;
        /* Certificates must have one of them; none: no certificate lets anybody in. */
        const struct mv_str *names;
        size_t n_names;
};

/* All is copied, other than the slot. MV_ETYPE for a token that no header can carry; MV_ENOTFOUND for a text without any;
 * MV_ELIMIT for too many of them; MV_ENOMEM. */
int mv_access_new(const struct mv_access_options *options, struct mv_access **ret, struct mv_err *err);
/* Returns NULL. */
struct mv_access *mv_access_unref(struct mv_access *access);

/* Somebody may be let in: there is a token, or an authority whose certificates are believed. */
bool mv_access_is_open(const struct mv_access *access);

enum mv_access_outcome {
        MV_ACCESS_ADMITTED,
        MV_ACCESS_NONE,    /* showed neither a token nor a certificate */
        MV_ACCESS_TOKEN,   /* the token is none of ours */
        MV_ACCESS_REFUSED, /* the certificate is not valid, or has none of the names */
};

enum { MV_CLIENT_MAX = 64 };

/*
 * Judge a request: its Authorization header (NULL: none), and the chain that the client showed (n is 0: none). Either is
 * enough. Tokens are compared in a time that does not depend on where they differ. ret_client is who it is, for the log:
 * "token", or the name of the certificate, cut if it is too long. err says why a certificate was refused.
 */
enum mv_access_outcome mv_access_judge(struct mv_access *access, const char *authorization,
                                       const gnutls_datum_t *chain, unsigned n,
                                       char ret_client[MV_CLIENT_MAX], struct mv_err *err);

/* The token of a header "Bearer TOKEN"; "" when it is none. */
struct mv_str mv_bearer_token(const char *authorization);

struct mv_access_slot {
        struct mv_shared_slot slot;
};

void mv_access_slot_init(struct mv_access_slot *slot);
void mv_access_slot_done(struct mv_access_slot *slot);
/* Takes over the caller's reference; access may be NULL. */
void mv_access_slot_set(struct mv_access_slot *slot, struct mv_access *access);
/* A new reference to the one in force, or NULL. */
struct mv_access *mv_access_slot_ref(struct mv_access_slot *slot);
/* Clients should be asked for a certificate: one may let them in. */
bool mv_access_slot_wants_certificates(struct mv_access_slot *slot);
