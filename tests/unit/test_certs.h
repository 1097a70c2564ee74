/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Material for the tests of certs/: certificates of any shape, made with GnuTLS alone, and a directory of the
 * test's own. Everything asserts; nothing returns an error.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certs/authority.h"
#include "certs/certificate.h"
#include "certs/file.h"
#include "certs/names.h"

#include <dirent.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY ((time_t)24 * 3600)

struct shape {
        const char *name;
        bool ca;
        const char *purpose; /* or NULL */
        time_t from, to;
        const struct mv_pem_pair *issuer; /* NULL: signed by itself */
};

static inline struct mv_pem_pair make_shape(struct shape shape) {
        static unsigned char counter;
        struct mv_pem_pair pair = { 0 };
        struct mv_cert_list issuer = { 0 };
        gnutls_x509_privkey_t key;
        gnutls_x509_crt_t cert;
        gnutls_privkey_t sign;
        gnutls_datum_t pem;
        unsigned char serial[3] = { 1, 7, ++counter }, id[64];
        size_t n = sizeof id;

        assert_int_equal(gnutls_x509_privkey_init(&key), 0);
        assert_int_equal(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                         0);
        assert_int_equal(gnutls_x509_crt_init(&cert), 0);
        assert_int_equal(gnutls_x509_crt_set_key(cert, key), 0);
        assert_int_equal(gnutls_x509_crt_set_version(cert, 3), 0);
        assert_int_equal(gnutls_x509_crt_set_serial(cert, serial, sizeof serial), 0);
        assert_int_equal(gnutls_x509_crt_set_activation_time(cert, shape.from), 0);
        assert_int_equal(gnutls_x509_crt_set_expiration_time(cert, shape.to), 0);
        assert_int_equal(gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, shape.name,
                                                       (unsigned)strlen(shape.name)),
                         0);
        assert_int_equal(gnutls_x509_crt_set_basic_constraints(cert, shape.ca, -1), 0);
        assert_int_equal(gnutls_x509_crt_set_key_usage(cert, shape.ca ? GNUTLS_KEY_KEY_CERT_SIGN
                                                                      : GNUTLS_KEY_DIGITAL_SIGNATURE),
                         0);
        assert_int_equal(gnutls_x509_crt_get_key_id(cert, 0, id, &n), 0);
        assert_int_equal(gnutls_x509_crt_set_subject_key_id(cert, id, n), 0);
        if (shape.purpose)
                assert_int_equal(gnutls_x509_crt_set_key_purpose_oid(cert, shape.purpose, 0), 0);
        if (shape.issuer) {
                assert_int_equal(mv_cert_list_parse(mv_str_from(shape.issuer->certificate), &issuer, NULL),
                                 0);
                assert_int_equal(mv_key_parse(mv_str_from(shape.issuer->key), &sign, NULL), 0);
                assert_int_equal(
                        gnutls_x509_crt_privkey_sign(cert, issuer.certs[0], sign, GNUTLS_DIG_SHA256, 0), 0);
                gnutls_privkey_deinit(sign);
                mv_cert_list_done(&issuer);
        } else
                assert_int_equal(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0), 0);
        assert_int_equal(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &pem), 0);
        pair.certificate = strndup((const char *)pem.data, pem.size);
        gnutls_free(pem.data);
        assert_int_equal(
                gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem),
                0);
        pair.key = strndup((const char *)pem.data, pem.size);
        gnutls_free(pem.data);
        gnutls_x509_crt_deinit(cert);
        gnutls_x509_privkey_deinit(key);
        assert_non_null(pair.certificate);
        assert_non_null(pair.key);
        return pair;
}

/* The first certificate of a PEM text. */
static inline gnutls_x509_crt_t first_of(const char *pem, struct mv_cert_list *list) {
        assert_int_equal(mv_cert_list_parse(mv_str_from(pem), list, NULL), 0);
        return list->certs[0];
}

static inline struct mv_names default_names(void) {
        struct mv_names names;
        mv_names_init(&names);
        assert_int_equal(mv_names_add_default_dns(&names, NULL), 0);
        assert_int_equal(mv_names_add_default_ips(&names, NULL), 0);
        return names;
}

static inline char *text_join(const char *a, const char *b) {
        char *text = NULL;
        assert_true(asprintf(&text, "%s%s", a, b) >= 0);
        return text;
}

/* A directory of the test's own; freed and removed with what is in it by directory_remove. */
static inline char *directory_make(void) {
        const char *base = getenv("TMPDIR");
        char *path = NULL;
        assert_true(asprintf(&path, "%s/migvet-test-XXXXXX", base && *base ? base : "/tmp") >= 0);
        assert_non_null(mkdtemp(path));
        return path;
}

static inline void directory_remove(char *path) {
        DIR *d = opendir(path);
        if (d) {
                struct dirent *e;
                while ((e = readdir(d)))
                        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
                                char *inner = mv_path_join(path, e->d_name);
                                struct stat st;
                                if (lstat(inner, &st) == 0 && S_ISDIR(st.st_mode))
                                        directory_remove(inner);
                                else {
                                        unlink(inner);
                                        free(inner);
                                }
                        }
                closedir(d);
        }
        rmdir(path);
        free(path);
}

static inline void write_text(const char *directory, const char *name, const char *text) {
        assert_int_equal(mv_file_replace(directory, name, 0600, mv_str_from(text), NULL), 0);
}

static inline char *read_text(const char *directory, const char *name) {
        char *path = mv_path_join(directory, name);
        struct mv_file file = { 0 };
        assert_int_equal(mv_file_read(path, &file, NULL), 0);
        free(path);
        return file.text;
}

static inline bool file_is(const char *directory, const char *name, const char *text) {
        char *is = read_text(directory, name);
        bool same = strcmp(is, text) == 0;
        free(is);
        return same;
}

static inline void remove_file(const char *directory, const char *name) {
        char *path = mv_path_join(directory, name);
        assert_int_equal(unlink(path), 0);
        free(path);
}

static inline bool file_exists(const char *directory, const char *name) {
        char *path = mv_path_join(directory, name);
        bool exists = access(path, F_OK) == 0;
        free(path);
        return exists;
}
