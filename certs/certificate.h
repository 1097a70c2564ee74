/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading X.509 certificates: PEM text to GnuTLS objects, and the facts that the rest of certs/ asks about.
 * Nothing here keeps state or reads a clock. Errors are MV_ESYNTAX (no certificate in the text, or a broken
 * one), MV_ELIMIT, MV_ECRYPTO and MV_ENOMEM.
 */
#pragma once

#include "certs/names.h"
#include "policy/base/buf.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum {
        MV_FINGERPRINT_BYTES = 32,    /* SHA-256 of the DER form */
        MV_FINGERPRINT_TEXT = 3 * 32, /* "AB:CD:...", with the NUL byte */
        MV_TIME_TEXT = sizeof "2026-01-01T00:00:00Z" + 8,
        MV_PEM_MAX_BYTES = 1024 * 1024, /* of one file */
};

struct mv_validity {
        time_t not_before, not_after;
};

/* The certificates of a PEM text, in its order. Owned; free with mv_cert_list_done. */
struct mv_cert_list {
        gnutls_x509_crt_t *certs;
        unsigned n;
};

/* At least one certificate, else MV_ESYNTAX. Blocks of other kinds are passed over. */
int mv_cert_list_parse(struct mv_str pem, struct mv_cert_list *ret, struct mv_err *err);
void mv_cert_list_done(struct mv_cert_list *list);
/* The first certificate whose key is the given one, or -1. */
int mv_cert_list_find_key(const struct mv_cert_list *list, gnutls_privkey_t key);

/* A private key from PEM. A key under a passphrase is refused, with words that say so. */
int mv_key_parse(struct mv_str pem, gnutls_privkey_t *ret, struct mv_err *err);
/* cert holds the public half of key. */
bool mv_cert_has_key(gnutls_x509_crt_t cert, gnutls_privkey_t key);

int mv_cert_fingerprint(gnutls_x509_crt_t cert, unsigned char ret[MV_FINGERPRINT_BYTES], struct mv_err *err);
bool mv_cert_same(gnutls_x509_crt_t a, gnutls_x509_crt_t b);
struct mv_validity mv_cert_validity(gnutls_x509_crt_t cert);
bool mv_cert_is_ca(gnutls_x509_crt_t cert);
/* cert was signed with the key of issuer, and issuer may sign. */
bool mv_cert_signed_by(gnutls_x509_crt_t cert, gnutls_x509_crt_t issuer);
/* The certificate names no purposes, or the given one (GNUTLS_KP_...), or any. */
bool mv_cert_serves(gnutls_x509_crt_t cert, const char *purpose);
/* Adds the names of the certificate's subjectAltName; those of other kinds are passed over. */
int mv_cert_names(gnutls_x509_crt_t cert, struct mv_names *names, struct mv_err *err);
/* Appends the certificate as PEM. */
int mv_cert_to_pem(gnutls_x509_crt_t cert, struct mv_buf *out, struct mv_err *err);

/* Distinguished names as RFC 4514 text, cut to size. Returns out. */
char *mv_cert_subject(gnutls_x509_crt_t cert, char *out, size_t size);
char *mv_cert_issuer(gnutls_x509_crt_t cert, char *out, size_t size);
/* "AB:CD:...". Returns out. */
char *mv_fingerprint_format(const unsigned char fingerprint[MV_FINGERPRINT_BYTES],
                            char out[MV_FINGERPRINT_TEXT]);
/* RFC 3339 in UTC. Returns out. */
char *mv_time_format(time_t when, char out[MV_TIME_TEXT]);

/* Overwrite and free a text that holds a private key; n is its length. */
void *mv_secret_free(char *secret, size_t n);
