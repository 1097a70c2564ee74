/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making certificates: a self-signed authority, and server certificates under it. ECDSA on P-256 with
 * SHA-256, random serial numbers of 128 bits, validity that starts five minutes in the past since the clocks
 * of a cluster are never quite equal. PEM in and out; `now` is a parameter; no I/O.
 *
 * Key usage: keyCertSign and cRLSign for the authority; digitalSignature for the leaf, which is all that the
 * suites of TLS 1.3 and the ECDHE suites of TLS 1.2 ask for.
 *
 * Errors: MV_EUSAGE (no names), MV_ESYNTAX (broken PEM), MV_ECRYPTO, MV_ENOMEM.
 */
#pragma once

#include "certs/certificate.h"
#include "certs/names.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stddef.h>
#include <time.h>

enum {
        MV_CERT_BACKDATE_SECONDS = 300,
        MV_LEAF_SECONDS = 365 * 24 * 3600,
        MV_CA_SECONDS = 10 * MV_LEAF_SECONDS,
};

#define MV_CA_ORGANIZATION "migvet"

/* A certificate (or a chain of them) and its private key, PEM, NUL-terminated. Owned; free with
 * mv_pem_pair_done, which wipes the key. */
struct mv_pem_pair {
        char *certificate;
        char *key;
};

void mv_pem_pair_done(struct mv_pem_pair *pair);

/*
 * A new authority that is valid for `seconds` from now on. Each has a subject of its own, so that clients
 * which hold an old and a new one know which to use. key_pem is empty for a new key, else the PEM key to use.
 */
int mv_authority_make_ca(struct mv_str key_pem, time_t now, long long seconds, struct mv_pem_pair *ret,
                         struct mv_err *err);

/* The subject's organization is MV_CA_ORGANIZATION and it is signed by itself: one of ours, which may be
 * replaced when its time comes. */
bool mv_authority_is_ours(gnutls_x509_crt_t ca);

/*
 * A new key and a certificate for a server with the given names. ca_pem may be a bundle: the certificate of
 * ca_key_pem is used. The leaf never outlives that one.
 */
int mv_authority_sign_leaf(struct mv_str ca_pem, struct mv_str ca_key_pem, const struct mv_names *names,
                           time_t now, long long seconds, struct mv_pem_pair *ret, struct mv_err *err);

/*
 * A certificate of the old authority about the new one: sent behind a leaf of the new authority, it lets
 * clients that only know the old one accept that leaf. It ends when the old authority does. new_ca_pem is one
 * certificate of mv_authority_make_ca. *ret is PEM, to be freed with free.
 */
int mv_authority_cross_sign(struct mv_str old_ca_pem, struct mv_str old_key_pem, struct mv_str new_ca_pem,
                            time_t now, char **ret, struct mv_err *err);
