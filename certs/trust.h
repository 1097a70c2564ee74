/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose client certificates are believed: the authorities of a PEM file, immutable and reference-counted,
 * with a slot to swap them in service, like the identity.
 *
 * A server that only requests a certificate lets every handshake succeed: the verdict is asked for
 * afterwards, once a connection. Verification takes some 25 microseconds and may run in several threads at
 * a time.
 */
#pragma once

#include "certs/shared.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <gnutls/gnutls.h>
#include <stddef.h>

struct mv_trust;

/* From PEM with at least one certificate. MV_ESYNTAX, MV_ELIMIT, MV_ECRYPTO, MV_ENOMEM. */
int mv_trust_new(struct mv_str pem, struct mv_trust **ret, struct mv_err *err);
/* Returns its parameter, which may be NULL. */
struct mv_trust *mv_trust_ref(struct mv_trust *trust);
/* Returns NULL. */
struct mv_trust *mv_trust_unref(struct mv_trust *trust);
/* How many authorities it holds. */
unsigned mv_trust_count(const struct mv_trust *trust);

/*
 * Judge the certificate that the client of this session showed. It must chain to an authority of the list, be
 * in its time and allow clientAuth; and, when n_names is not 0, its common name or one of its DNS names must
 * be one of names. 0: believed. MV_ENOTFOUND: the client showed none. MV_ECRYPTO: refused, the message says
 * why.
 */
int mv_trust_verify_session(struct mv_trust *trust, gnutls_session_t session, const char *const *names,
                            size_t n_names, struct mv_err *err);
/* The same for a chain in DER form, leaf first; n may be 0. */
int mv_trust_verify_chain(struct mv_trust *trust, const gnutls_datum_t *chain, unsigned n,
                          const char *const *names, size_t n_names, struct mv_err *err);
/* Likewise; *ret is which of the names it has, unless there are none. */
int mv_trust_identify_chain(struct mv_trust *trust, const gnutls_datum_t *chain, unsigned n,
                            const char *const *names, size_t n_names, size_t *ret, struct mv_err *err);

struct mv_trust_slot {
        struct mv_shared_slot slot;
};

void mv_trust_slot_init(struct mv_trust_slot *slot);
void mv_trust_slot_done(struct mv_trust_slot *slot);
/* Takes over the caller's reference; trust may be NULL. */
void mv_trust_slot_set(struct mv_trust_slot *slot, struct mv_trust *trust);
/* A new reference to the current list, or NULL. */
struct mv_trust *mv_trust_slot_ref(struct mv_trust_slot *slot);
