/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERIAL_BYTES = 16, KEY_ID_BYTES = 20, COMMON_NAME_MAX = 64 };

/* An authority as the functions below use it. */
struct authority {
        struct mv_cert_list list;
        gnutls_x509_crt_t cert; /* one of the list */
        gnutls_privkey_t key;
};

static int crypto_error(struct mv_err *err, const char *what, int code) {
        if (code == GNUTLS_E_MEMORY_ERROR)
                return mv_err_oom(err);
        return mv_err_set(err, MV_ECRYPTO, "%s: %s", what, gnutls_strerror(code));
}

void mv_pem_pair_done(struct mv_pem_pair *pair) {
        if (!pair)
                return;
        free(pair->certificate);
        mv_secret_free(pair->key, pair->key ? strlen(pair->key) : 0);
        *pair = (struct mv_pem_pair){ 0 };
}

static void authority_done(struct authority *authority) {
        mv_cert_list_done(&authority->list);
        gnutls_privkey_deinit(authority->key);
        authority->key = NULL;
}

static int authority_load(struct mv_str ca_pem, struct mv_str key_pem, time_t now, struct authority *ret,
                          struct mv_err *err) {
        struct authority a = { 0 };
        int r = mv_cert_list_parse(ca_pem, &a.list, err);
        if (r < 0)
                return r;
        r = mv_key_parse(key_pem, &a.key, err);
        if (r < 0) {
                mv_cert_list_done(&a.list);
                return r;
        }
        int at = mv_cert_list_find_key(&a.list, a.key);
        if (at < 0)
                r = mv_err_set(err, MV_ECRYPTO, "the key belongs to no certificate of the authority");
        else if (!mv_cert_is_ca(a.list.certs[at]))
                r = mv_err_set(err, MV_ECRYPTO, "the authority's certificate may not sign others (CA:FALSE)");
        else if (mv_cert_validity(a.list.certs[at]).not_after <= now)
                r = mv_err_set(err, MV_ECRYPTO, "the authority's certificate has expired");
        if (r < 0) {
                authority_done(&a);
                return r;
        }
        a.cert = a.list.certs[at];
        *ret = a;
        return 0;
}

static int make_key(gnutls_x509_privkey_t *ret, struct mv_err *err) {
        gnutls_x509_privkey_t key;
        if (gnutls_x509_privkey_init(&key) < 0)
                return mv_err_oom(err);
        int r = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                             GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
        if (r < 0) {
                gnutls_x509_privkey_deinit(key);
                return crypto_error(err, "no key could be made", r);
        }
        *ret = key;
        return 0;
}

/* PKCS #8, NUL-terminated. */
static int key_to_pem(gnutls_x509_privkey_t key, char **ret, struct mv_err *err) {
        gnutls_datum_t pem;
        int r = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
        if (r < 0)
                return crypto_error(err, "the key cannot be written", r);
        char *text = strndup((const char *)pem.data, pem.size);
        gnutls_memset(pem.data, 0, pem.size);
        gnutls_free(pem.data);
        if (!text)
                return mv_err_oom(err);
        *ret = text;
        return 0;
}

static int cert_to_text(gnutls_x509_crt_t cert, char **ret, struct mv_err *err) {
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, MV_PEM_MAX_BYTES);
        int r = mv_cert_to_pem(cert, &buf, err);
        if (r < 0) {
                mv_buf_done(&buf);
                return r;
        }
        *ret = buf.p; /* from malloc: mv_allocator_system */
        return 0;
}

/* GnuTLS refuses 0 and negative serials; the text of the CA's name is made of the same bytes. */
static int make_serial(unsigned char serial[SERIAL_BYTES]) {
        int r = gnutls_rnd(GNUTLS_RND_NONCE, serial, SERIAL_BYTES);
        serial[0] = (unsigned char)((serial[0] & 0x3f) | 0x40); /* positive, and always 16 bytes long */
        return r;
}

/* What all certificates share: version, serial, validity, both key identifiers. The public key is set. */
static int set_common(gnutls_x509_crt_t cert, const unsigned char serial[SERIAL_BYTES],
                      const struct mv_validity *validity, gnutls_x509_crt_t issuer) {
        unsigned char id[64];
        size_t n = sizeof id;
        int r = gnutls_x509_crt_set_version(cert, 3);
        if (r >= 0)
                r = gnutls_x509_crt_set_serial(cert, serial, SERIAL_BYTES);
        if (r >= 0)
                r = gnutls_x509_crt_set_activation_time(cert, validity->not_before);
        if (r >= 0)
                r = gnutls_x509_crt_set_expiration_time(cert, validity->not_after);
        if (r >= 0)
                r = gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA256, id, &n);
        if (r >= 0)
                r = gnutls_x509_crt_set_subject_key_id(cert, id, KEY_ID_BYTES);
        if (r < 0)
                return r;
        n = sizeof id;
        r = gnutls_x509_crt_get_subject_key_id(issuer, id, &n, NULL);
        if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                return 0; /* somebody else's authority without an identifier */
        return r < 0 ? r : gnutls_x509_crt_set_authority_key_id(cert, id, n);
}

static int set_subject(gnutls_x509_crt_t cert, const char *common_name) {
        int r = gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_ORGANIZATION_NAME, 0, MV_CA_ORGANIZATION,
                                              sizeof MV_CA_ORGANIZATION - 1);
        return r < 0 ? r
                     : gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, common_name,
                                                     (unsigned)strlen(common_name));
}

static int set_ca_usage(gnutls_x509_crt_t cert, int path_length) {
        int r = gnutls_x509_crt_set_basic_constraints(cert, 1, path_length);
        return r < 0 ? r
                     : gnutls_x509_crt_set_key_usage(cert, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
}

static int make_ca(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key, time_t now, long long seconds) {
        unsigned char serial[SERIAL_BYTES];
        char name[COMMON_NAME_MAX];
        const struct mv_validity validity = { .not_before = now - MV_CERT_BACKDATE_SECONDS,
                                              .not_after = now + (time_t)seconds };
        int r = make_serial(serial);
        if (r < 0)
                return r;
        snprintf(name, sizeof name, "migvet CA %02x%02x%02x%02x", serial[12], serial[13], serial[14],
                 serial[15]);
        r = gnutls_x509_crt_set_key(cert, key);
        if (r >= 0)
                r = set_subject(cert, name);
        if (r >= 0)
                r = set_ca_usage(cert, 1); /* one below: the cross certificate of the next authority */
        if (r >= 0)
                r = set_common(cert, serial, &validity, cert);
        return r < 0 ? r : gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0);
}

int mv_authority_make_ca(struct mv_str key_pem, time_t now, long long seconds, struct mv_pem_pair *ret,
                         struct mv_err *err) {
        gnutls_x509_privkey_t key = NULL;
        gnutls_x509_crt_t cert = NULL;
        struct mv_pem_pair pair = { 0 };
        int r;

        if (key_pem.n == 0)
                r = make_key(&key, err);
        else {
                gnutls_privkey_t stored;
                r = mv_key_parse(key_pem, &stored, err);
                if (r < 0)
                        return r;
                int code = gnutls_privkey_export_x509(stored, &key);
                if (code < 0)
                        r = crypto_error(err, "the stored key cannot be used", code);
                gnutls_privkey_deinit(stored);
        }
        if (r < 0)
                return r;
        int code = gnutls_x509_crt_init(&cert);
        if (code >= 0)
                code = make_ca(cert, key, now, seconds);
        if (code < 0)
                r = crypto_error(err, "no authority could be made", code);
        if (r >= 0)
                r = cert_to_text(cert, &pair.certificate, err);
        if (r >= 0)
                r = key_to_pem(key, &pair.key, err);
        if (cert)
                gnutls_x509_crt_deinit(cert);
        gnutls_x509_privkey_deinit(key);
        if (r < 0) {
                mv_pem_pair_done(&pair);
                return r;
        }
        *ret = pair;
        return 0;
}

bool mv_authority_is_ours(gnutls_x509_crt_t ca) {
        char organization[sizeof MV_CA_ORGANIZATION + 64];
        size_t n = sizeof organization;
        return gnutls_x509_crt_get_dn_by_oid(ca, GNUTLS_OID_X520_ORGANIZATION_NAME, 0, 0, organization, &n) >=
                       0 &&
               strcmp(organization, MV_CA_ORGANIZATION) == 0 && mv_cert_signed_by(ca, ca);
}

static int set_names(gnutls_x509_crt_t cert, const struct mv_names *names) {
        for (size_t i = 0; i < names->n_dns; i++) {
                int r = gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, names->dns[i],
                                                             (unsigned)strlen(names->dns[i]),
                                                             GNUTLS_FSAN_APPEND);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < names->n_ips; i++) {
                unsigned char bytes[16];
                unsigned n = strchr(names->ips[i], ':') ? 16 : 4;
                if (inet_pton(n == 16 ? AF_INET6 : AF_INET, names->ips[i], bytes) != 1)
                        return GNUTLS_E_INVALID_REQUEST;
                int r = gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_IPADDRESS, bytes, n,
                                                             GNUTLS_FSAN_APPEND);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int make_leaf(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key, const struct authority *ca,
                     const struct mv_names *names, const struct mv_validity *validity) {
        unsigned char serial[SERIAL_BYTES];
        const char *common_name = "migvet";
        for (size_t i = 0; i < names->n_dns; i++)
                if (strlen(names->dns[i]) <= COMMON_NAME_MAX && names->dns[i][0] != '*') {
                        common_name = names->dns[i];
                        break;
                }
        int r = make_serial(serial);
        if (r >= 0)
                r = gnutls_x509_crt_set_key(cert, key);
        if (r >= 0)
                r = set_subject(cert, common_name);
        if (r >= 0)
                r = set_names(cert, names);
        if (r >= 0)
                r = gnutls_x509_crt_set_basic_constraints(cert, 0, -1);
        if (r >= 0)
                r = gnutls_x509_crt_set_key_usage(cert, GNUTLS_KEY_DIGITAL_SIGNATURE);
        if (r >= 0)
                r = gnutls_x509_crt_set_key_purpose_oid(cert, GNUTLS_KP_TLS_WWW_SERVER, 0);
        if (r >= 0)
                r = set_common(cert, serial, validity, ca->cert);
        return r < 0 ? r : gnutls_x509_crt_privkey_sign(cert, ca->cert, ca->key, GNUTLS_DIG_SHA256, 0);
}

/* From now (back-dated) for so long, but within the issuer's life. */
static struct mv_validity validity_within(gnutls_x509_crt_t issuer, time_t now, long long seconds) {
        const struct mv_validity outer = mv_cert_validity(issuer);
        struct mv_validity v = { .not_before = now - MV_CERT_BACKDATE_SECONDS,
                                 .not_after = now + (time_t)seconds };
        if (v.not_before < outer.not_before)
                v.not_before = outer.not_before;
        if (v.not_after > outer.not_after)
                v.not_after = outer.not_after;
        return v;
}

int mv_authority_sign_leaf(struct mv_str ca_pem, struct mv_str ca_key_pem, const struct mv_names *names,
                           time_t now, long long seconds, struct mv_pem_pair *ret, struct mv_err *err) {
        if (names->n_dns + names->n_ips == 0)
                return mv_err_set(err, MV_EUSAGE, "a server certificate needs at least one name or address");
        struct authority ca;
        int r = authority_load(ca_pem, ca_key_pem, now, &ca, err);
        if (r < 0)
                return r;
        gnutls_x509_privkey_t key = NULL;
        gnutls_x509_crt_t cert = NULL;
        struct mv_pem_pair pair = { 0 };
        r = make_key(&key, err);
        if (r >= 0) {
                const struct mv_validity validity = validity_within(ca.cert, now, seconds);
                int code = gnutls_x509_crt_init(&cert);
                if (code >= 0)
                        code = make_leaf(cert, key, &ca, names, &validity);
                if (code < 0)
                        r = crypto_error(err, "no certificate could be made", code);
        }
        if (r >= 0)
                r = cert_to_text(cert, &pair.certificate, err);
        if (r >= 0)
                r = key_to_pem(key, &pair.key, err);
        if (cert)
                gnutls_x509_crt_deinit(cert);
        if (key)
                gnutls_x509_privkey_deinit(key);
        authority_done(&ca);
        if (r < 0) {
                mv_pem_pair_done(&pair);
                return r;
        }
        *ret = pair;
        return 0;
}

static int make_cross(gnutls_x509_crt_t cert, gnutls_x509_crt_t subject, const struct authority *ca,
                      time_t now) {
        unsigned char serial[SERIAL_BYTES];
        char name[COMMON_NAME_MAX + 1];
        size_t n = sizeof name;
        gnutls_pubkey_t public;
        const struct mv_validity validity = validity_within(ca->cert, now, MV_CA_SECONDS);
        int r = gnutls_pubkey_init(&public);
        if (r < 0)
                return r;
        r = gnutls_pubkey_import_x509(public, subject, 0);
        if (r >= 0)
                r = gnutls_x509_crt_set_pubkey(cert, public);
        gnutls_pubkey_deinit(public);
        if (r >= 0)
                r = gnutls_x509_crt_get_dn_by_oid(subject, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &n);
        if (r >= 0)
                r = set_subject(cert, name);
        if (r >= 0)
                r = set_ca_usage(cert, 0);
        if (r >= 0)
                r = make_serial(serial);
        if (r >= 0)
                r = set_common(cert, serial, &validity, ca->cert);
        return r < 0 ? r : gnutls_x509_crt_privkey_sign(cert, ca->cert, ca->key, GNUTLS_DIG_SHA256, 0);
}

int mv_authority_cross_sign(struct mv_str old_ca_pem, struct mv_str old_key_pem, struct mv_str new_ca_pem,
                            time_t now, char **ret, struct mv_err *err) {
        struct mv_cert_list list;
        struct authority ca;
        int r = mv_cert_list_parse(new_ca_pem, &list, err);
        if (r < 0)
                return r;
        r = authority_load(old_ca_pem, old_key_pem, now, &ca, err);
        if (r >= 0) {
                gnutls_x509_crt_t cert = NULL;
                int code = gnutls_x509_crt_init(&cert);
                if (code >= 0)
                        code = make_cross(cert, list.certs[0], &ca, now);
                r = code < 0 ? crypto_error(err, "no cross certificate could be made", code)
                             : cert_to_text(cert, ret, err);
                if (cert)
                        gnutls_x509_crt_deinit(cert);
                authority_done(&ca);
        }
        mv_cert_list_done(&list);
        return r;
}
