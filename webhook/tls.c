/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/tls.h"

#include "certs/identity.h"
#include "certs/trust.h"

#include <microhttpd.h>

/* AES-128 first: SHA-384, which AES-256 comes with, is the dearer hash. */
const char mv_tls_priorities[] =
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"
        "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:"
        "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:"
        "%SERVER_PRECEDENCE";

int mv_tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *request,
                    gnutls_pcert_st **ret_chain, unsigned *ret_n, gnutls_ocsp_data_st **ret_ocsp,
                    unsigned *ret_n_ocsp, gnutls_privkey_t *ret_key, unsigned *ret_flags) {
        (void)request;
        struct MHD_Connection *mhd = gnutls_session_get_ptr(session);
        const union MHD_ConnectionInfo *info =
                mhd ? MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT) : NULL;
        struct mv_connection *connection = info ? info->socket_context : NULL;
        if (!connection || !connection->identities)
                return -1;
        if (!connection->identity)
                connection->identity = mv_identity_slot_ref(connection->identities);
        if (!connection->identity)
                return -1;
        *ret_chain = mv_identity_chain(connection->identity, ret_n);
        *ret_key = mv_identity_key(connection->identity);
        *ret_ocsp = NULL;
        *ret_n_ocsp = 0;
        *ret_flags = 0; /* all of it stays ours */
        return 0;
}

void mv_tls_attach(struct mv_connection *connection, struct MHD_Connection *mhd,
                   struct mv_identity_slot *slot, bool ask_certificate) {
        if (!slot)
                return;
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
        connection->identities = slot;
        connection->session = info ? info->tls_session : NULL;
        /* Not by MHD_OPTION_HTTPS_MEM_TRUST: it would fix the names of the authorities that clients are
         * told for the daemon's life, and a client with a certificate of a newer one would not show it. */
        if (connection->session && ask_certificate)
                gnutls_certificate_server_set_request(connection->session, GNUTLS_CERT_REQUEST);
}

void mv_tls_detach(struct mv_connection *connection) {
        connection->identity = mv_identity_unref(connection->identity);
        connection->session = NULL;
}

const gnutls_datum_t *mv_tls_chain(const struct mv_connection *connection, unsigned *ret_n) {
        *ret_n = 0;
        return connection->session ? gnutls_certificate_get_peers(connection->session, ret_n) : NULL;
}

enum mv_tls_peer mv_tls_judge(struct mv_connection *connection, struct mv_trust_slot *slot,
                              const char *const *names, size_t n_names, struct mv_err *err) {
        if (connection->peer != MV_TLS_PEER_UNJUDGED)
                return (enum mv_tls_peer)connection->peer;
        struct mv_trust *trust = mv_trust_slot_ref(slot);
        int r = MV_ECRYPTO;
        if (!trust)
                mv_err_write(err, MV_ECRYPTO, "no authority for client certificates is loaded");
        else if (!connection->session)
                mv_err_write(err, MV_ECRYPTO, "the connection has no TLS session");
        else
                r = mv_trust_verify_session(trust, connection->session, names, n_names, err);
        mv_trust_unref(trust);
        connection->peer = r == 0              ? MV_TLS_PEER_ACCEPTED
                           : r == MV_ENOTFOUND ? MV_TLS_PEER_NONE
                                               : MV_TLS_PEER_REFUSED;
        return (enum mv_tls_peer)connection->peer;
}
