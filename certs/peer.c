/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/peer.h"

#include "certs/certificate.h"

#include <stdio.h>

int mv_peer_check_pair(struct mv_str certificate_pem, struct mv_str key_pem, struct mv_err *err) {
        struct mv_cert_list list;
        gnutls_privkey_t key;
        int r = mv_cert_list_parse(certificate_pem, &list, err);
        if (r < 0)
                return r;
        r = mv_key_parse(key_pem, &key, err);
        if (r == 0) {
                if (!mv_cert_has_key(list.certs[0], key))
                        r = mv_err_set(err, MV_ECRYPTO, "the key is not that of the client's certificate");
                gnutls_privkey_deinit(key);
        }
        mv_cert_list_done(&list);
        return r;
}

int mv_peer_check_certificates(struct mv_str pem, struct mv_err *err) {
        struct mv_cert_list list;
        int r = mv_cert_list_parse(pem, &list, err);
        if (r == 0)
                mv_cert_list_done(&list);
        return r;
}

char *mv_peer_problem(unsigned status, char *out, size_t size) {
        gnutls_datum_t text;
        if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0) {
                snprintf(out, size, "status %u", status);
                return out;
        }
        int length = (int)text.size;
        while (length > 0 && (text.data[length - 1] == ' ' || text.data[length - 1] == '\0'))
                length--;
        snprintf(out, size, "%.*s", length, (const char *)text.data);
        gnutls_free(text.data);
        return out;
}
