/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gnutls_datum_t datum(struct mv_str s) {
        static unsigned char nothing[1];
        union {
                const char *from;
                unsigned char *to;
        } u = { .from = s.p }; /* GnuTLS takes its input without const, and does not write to it */
        return (gnutls_datum_t){ .data = s.p ? u.to : nothing, .size = (unsigned)s.n };
}

int mv_cert_list_parse(struct mv_str pem, struct mv_cert_list *ret, struct mv_err *err) {
        if (pem.n > MV_PEM_MAX_BYTES)
                return mv_err_set(err, MV_ELIMIT, "more than %d bytes", MV_PEM_MAX_BYTES);
        gnutls_datum_t data = datum(pem);
        struct mv_cert_list list = { 0 };
        int r = gnutls_x509_crt_list_import2(&list.certs, &list.n, &data, GNUTLS_X509_FMT_PEM, 0);
        if (r == GNUTLS_E_MEMORY_ERROR)
                return mv_err_oom(err);
        if (r == GNUTLS_E_NO_CERTIFICATE_FOUND || (r >= 0 && list.n == 0)) {
                mv_cert_list_done(&list);
                return mv_err_set(err, MV_ESYNTAX, "holds no PEM certificate");
        }
        if (r < 0)
                return mv_err_set(err, MV_ESYNTAX, "holds a broken certificate: %s", gnutls_strerror(r));
        *ret = list;
        return 0;
}

void mv_cert_list_done(struct mv_cert_list *list) {
        if (!list)
                return;
        for (unsigned i = 0; i < list->n; i++)
                gnutls_x509_crt_deinit(list->certs[i]);
        gnutls_free(list->certs);
        *list = (struct mv_cert_list){ 0 };
}

int mv_cert_list_find_key(const struct mv_cert_list *list, gnutls_privkey_t key) {
        for (unsigned i = 0; i < list->n; i++)
                if (mv_cert_has_key(list->certs[i], key))
                        return (int)i;
        return -1;
}

int mv_key_parse(struct mv_str pem, gnutls_privkey_t *ret, struct mv_err *err) {
        if (pem.n > MV_PEM_MAX_BYTES)
                return mv_err_set(err, MV_ELIMIT, "more than %d bytes", MV_PEM_MAX_BYTES);
        gnutls_privkey_t key;
        if (gnutls_privkey_init(&key) < 0)
                return mv_err_oom(err);
        gnutls_datum_t data = datum(pem);
        int r = gnutls_privkey_import_x509_raw(key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
        if (r >= 0) {
                *ret = key;
                return 0;
        }
        gnutls_privkey_deinit(key);
        if (r == GNUTLS_E_MEMORY_ERROR)
                return mv_err_oom(err);
        if (r == GNUTLS_E_DECRYPTION_FAILED || r == GNUTLS_E_PK_DECRYPTION_FAILED)
                return mv_err_set(err, MV_ECRYPTO,
                                  "the private key needs a passphrase; store it without one");
        if (r == GNUTLS_E_BASE64_UNEXPECTED_HEADER_ERROR)
                return mv_err_set(err, MV_ESYNTAX, "holds no PEM private key");
        return mv_err_set(err, MV_ESYNTAX, "holds no usable private key: %s", gnutls_strerror(r));
}

bool mv_cert_has_key(gnutls_x509_crt_t cert, gnutls_privkey_t key) {
        unsigned char a[64], b[64];
        size_t n_a = sizeof a, n_b = sizeof b;
        gnutls_pubkey_t public;
        if (gnutls_pubkey_init(&public) < 0)
                return false;
        bool same = gnutls_pubkey_import_privkey(public, key, 0, 0) >= 0 &&
                    gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, a, &n_a) >= 0 &&
                    gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA256, b, &n_b) >= 0 && n_a == n_b &&
                    memcmp(a, b, n_a) == 0;
        gnutls_pubkey_deinit(public);
        return same;
}

int mv_cert_fingerprint(gnutls_x509_crt_t cert, unsigned char ret[MV_FINGERPRINT_BYTES], struct mv_err *err) {
        unsigned char bytes[MV_FINGERPRINT_BYTES];
        size_t n = sizeof bytes;
        int r = gnutls_x509_crt_get_fingerprint(cert, GNUTLS_DIG_SHA256, bytes, &n);
        if (r < 0 || n != sizeof bytes)
                return mv_err_set(err, MV_ECRYPTO, "no fingerprint: %s", gnutls_strerror(r));
        memcpy(ret, bytes, sizeof bytes);
        return 0;
}

bool mv_cert_same(gnutls_x509_crt_t a, gnutls_x509_crt_t b) {
        return gnutls_x509_crt_equals(a, b) != 0;
}

struct mv_validity mv_cert_validity(gnutls_x509_crt_t cert) {
        return (struct mv_validity){
                .not_before = gnutls_x509_crt_get_activation_time(cert),
                .not_after = gnutls_x509_crt_get_expiration_time(cert),
        };
}

bool mv_cert_is_ca(gnutls_x509_crt_t cert) {
        return gnutls_x509_crt_get_ca_status(cert, NULL) > 0;
}

bool mv_cert_signed_by(gnutls_x509_crt_t cert, gnutls_x509_crt_t issuer) {
        unsigned status = 0;
        return gnutls_x509_crt_check_issuer(cert, issuer) == 1 &&
               gnutls_x509_crt_verify(cert, &issuer, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) >= 0 &&
               status == 0;
}

bool mv_cert_serves(gnutls_x509_crt_t cert, const char *purpose) {
        for (unsigned i = 0;; i++) {
                char oid[128];
                size_t n = sizeof oid;
                int r = gnutls_x509_crt_get_key_purpose_oid(cert, i, oid, &n, NULL);
                if (r == GNUTLS_E_SHORT_MEMORY_BUFFER)
                        continue; /* nothing that we look for is so long */
                if (r < 0)
                        return i == 0 && r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
                if (strcmp(oid, purpose) == 0 || strcmp(oid, GNUTLS_KP_ANY) == 0)
                        return true;
        }
}

int mv_cert_names(gnutls_x509_crt_t cert, struct mv_names *names, struct mv_err *err) {
        for (unsigned i = 0;; i++) {
                char text[512];
                size_t n = sizeof text;
                int r = gnutls_x509_crt_get_subject_alt_name(cert, i, text, &n, NULL);
                if (r == GNUTLS_E_SHORT_MEMORY_BUFFER)
                        continue;
                if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                        return 0;
                if (r < 0)
                        return mv_err_set(err, MV_ECRYPTO, "its names cannot be read: %s",
                                          gnutls_strerror(r));
                if (r == GNUTLS_SAN_DNSNAME)
                        r = mv_names_add_dns_as_is(names, (struct mv_str){ .p = text, .n = n }, err);
                else if (r == GNUTLS_SAN_IPADDRESS)
                        r = mv_names_add_ip_bytes(names, text, n, err);
                if (r == MV_ENOMEM || r == MV_ELIMIT)
                        return r;
        }
}

int mv_cert_to_pem(gnutls_x509_crt_t cert, struct mv_buf *out, struct mv_err *err) {
        gnutls_datum_t pem;
        int r = gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &pem);
        if (r < 0)
                return mv_err_set(err, MV_ECRYPTO, "the certificate cannot be written: %s",
                                  gnutls_strerror(r));
        mv_buf_append(out, pem.data, pem.size);
        gnutls_free(pem.data);
        return mv_buf_failed(out) ? mv_err_oom(err) : 0;
}

static char *dn_text(int code, gnutls_datum_t *dn, char *out, size_t size) {
        if (code < 0) {
                snprintf(out, size, "%s", "");
                return out;
        }
        snprintf(out, size, "%.*s", (int)dn->size, (const char *)dn->data);
        gnutls_free(dn->data);
        return out;
}

char *mv_cert_subject(gnutls_x509_crt_t cert, char *out, size_t size) {
        gnutls_datum_t dn;
        return dn_text(gnutls_x509_crt_get_dn3(cert, &dn, 0), &dn, out, size);
}

char *mv_cert_issuer(gnutls_x509_crt_t cert, char *out, size_t size) {
        gnutls_datum_t dn;
        return dn_text(gnutls_x509_crt_get_issuer_dn3(cert, &dn, 0), &dn, out, size);
}

char *mv_fingerprint_format(const unsigned char fingerprint[MV_FINGERPRINT_BYTES],
                            char out[MV_FINGERPRINT_TEXT]) {
        static const char digits[] = "0123456789ABCDEF";
        for (size_t i = 0; i < MV_FINGERPRINT_BYTES; i++) {
                out[3 * i] = digits[fingerprint[i] >> 4];
                out[3 * i + 1] = digits[fingerprint[i] & 15];
                out[3 * i + 2] = i + 1 < MV_FINGERPRINT_BYTES ? ':' : '\0';
        }
        return out;
}

char *mv_time_format(time_t when, char out[MV_TIME_TEXT]) {
        struct tm tm;
        if (!gmtime_r(&when, &tm) || strftime(out, MV_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                snprintf(out, MV_TIME_TEXT, "?");
        return out;
}

void *mv_secret_free(char *secret, size_t n) {
        if (secret)
                explicit_bzero(secret, n);
        free(secret);
        return NULL;
}
