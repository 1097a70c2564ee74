/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS identity in service: a certificate chain with its private key, immutable and reference-counted,
 * and the slot that holds the current one. A handshake takes a reference of its own (mv_identity_slot_ref)
 * and drops it when the connection closes, so that the slot may change at any time.
 *
 * The accessors give what libmicrohttpd's MHD_OPTION_HTTPS_CERT_CALLBACK2 hands to GnuTLS (flags 0: GnuTLS
 * frees nothing). What they return lives as long as the identity.
 */
#pragma once

#include "certs/certificate.h"
#include "certs/shared.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <gnutls/abstract.h>
#include <time.h>

struct mv_identity;

/* From PEM: the chain, leaf first, and the key. MV_ESYNTAX, MV_ECRYPTO (they do not match; the leaf is not
 * for servers), MV_ELIMIT (a chain of more than 16), MV_ENOMEM. Whether it has expired is not judged here. */
int mv_identity_new(struct mv_str certificate_pem, struct mv_str key_pem, struct mv_identity **ret,
                    struct mv_err *err);
/* Returns its parameter, which may be NULL. */
struct mv_identity *mv_identity_ref(struct mv_identity *identity);
/* Frees it with the last reference. Returns NULL. */
struct mv_identity *mv_identity_unref(struct mv_identity *identity);

gnutls_pcert_st *mv_identity_chain(struct mv_identity *identity, unsigned *ret_n);
gnutls_privkey_t mv_identity_key(struct mv_identity *identity);
/* Of the leaf. */
struct mv_validity mv_identity_validity(const struct mv_identity *identity);
/* MV_FINGERPRINT_BYTES of the leaf. */
const unsigned char *mv_identity_fingerprint(const struct mv_identity *identity);

/* Any thread may call any of these between _init and _done. */
struct mv_identity_slot {
        struct mv_shared_slot slot;
};

void mv_identity_slot_init(struct mv_identity_slot *slot);
void mv_identity_slot_done(struct mv_identity_slot *slot);
/* Takes over the caller's reference; identity may be NULL. */
void mv_identity_slot_set(struct mv_identity_slot *slot, struct mv_identity *identity);
/* A new reference to the current identity, or NULL. */
struct mv_identity *mv_identity_slot_ref(struct mv_identity_slot *slot);
