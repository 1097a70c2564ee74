/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of a listener: what versions and suites, which identity a handshake gets, and whether a client's
 * certificate is good.
 */
#pragma once

#include "webhook/connection.h"

#include <gnutls/abstract.h>
#include <stdbool.h>

struct MHD_Connection;
struct mv_identity_slot;
struct mv_trust_slot;

/* TLS 1.3 and 1.2, ECDHE and AEAD only. */
extern const char mv_tls_priorities[];

/*
 * For MHD_OPTION_HTTPS_CERT_CALLBACK2. A connection takes a reference to the identity of its listener on the
 * first call and keeps it until it is closed, so the identity may be swapped at any time. It relies on the
 * session's pointer being the MHD_Connection, and on that connection's socket context being a struct
 * mv_connection that mv_tls_attach has seen.
 */
int mv_tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *request,
                    gnutls_pcert_st **ret_chain, unsigned *ret_n, gnutls_ocsp_data_st **ret_ocsp,
                    unsigned *ret_n_ocsp, gnutls_privkey_t *ret_key, unsigned *ret_flags);

/* A new connection of the library: remember its session, and ask for a certificate if told to. */
void mv_tls_attach(struct mv_connection *connection, struct MHD_Connection *mhd,
                   struct mv_identity_slot *slot, bool ask_certificate);
/* Let go of the identity. */
void mv_tls_detach(struct mv_connection *connection);

/* The chain of certificates that the client showed, in DER form, leaf first; it lives as long as the session. NULL and 0: it
 * showed none. */
const gnutls_datum_t *mv_tls_chain(const struct mv_connection *connection, unsigned *ret_n);

enum mv_tls_peer {
        MV_TLS_PEER_UNJUDGED,
        MV_TLS_PEER_NONE,    /* showed no certificate */
        MV_TLS_PEER_REFUSED, /* not valid now, for clients, under the trust list */
        MV_TLS_PEER_ACCEPTED,
};

/* Judge the certificate that the client showed, once a connection; names as in certs/trust.h. When it is
 * refused just now, err says why. */
enum mv_tls_peer mv_tls_judge(struct mv_connection *connection, struct mv_trust_slot *slot,
                              const char *const *names, size_t n_names, struct mv_err *err);
