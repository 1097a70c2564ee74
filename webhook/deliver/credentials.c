/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/credentials.h"

#include "certs/certificate.h"
#include "certs/peer.h"

#include <gnutls/crypto.h>

static const char *path_of(struct mv_str file) {
        return file.n ? file.p : NULL;
}

/* All of its room is taken at once, so that no copy of a secret stays behind when it grows. */
static void secret_init(struct mv_buf *buf) {
        mv_buf_init(buf, &mv_allocator_system, MV_SECRET_MAX_BYTES);
}

static void secret_wipe(struct mv_buf *buf) {
        if (buf->p)
                explicit_bzero(buf->p, buf->n);
        mv_buf_clear(buf);
}

void mv_sender_credentials_init(struct mv_sender_credentials *c, const struct mv_config_receiver *receiver) {
        *c = (struct mv_sender_credentials){
                .authority = { .path = path_of(receiver->ca_file) },
                .certificate = { .path = path_of(receiver->client_cert_file) },
                .token = { .path = path_of(receiver->token_file) },
                .key = { .path = path_of(receiver->hmac_key_file) },
                .authority_file = MV_MEMORY_FILE_NONE,
                .certificate_file = MV_MEMORY_FILE_NONE,
        };
        secret_init(&c->token_text);
        secret_init(&c->key_text);
}

void mv_sender_credentials_done(struct mv_sender_credentials *c) {
        mv_memory_file_done(&c->authority_file);
        mv_memory_file_done(&c->certificate_file);
        secret_wipe(&c->token_text);
        secret_wipe(&c->key_text);
        mv_buf_done(&c->token_text);
        mv_buf_done(&c->key_text);
}

/* --- files --- */

typedef int take_file(struct mv_sender_credentials *c, struct mv_str text, struct mv_err *err);

static int take_authority(struct mv_sender_credentials *c, struct mv_str text, struct mv_err *err) {
        int r = mv_peer_check_certificates(text, err);
        return r < 0 ? r : mv_memory_file_set(&c->authority_file, text, err);
}

static int take_certificate(struct mv_sender_credentials *c, struct mv_str text, struct mv_err *err) {
        int r = mv_peer_check_pair(text, text, err);
        return r < 0 ? r : mv_memory_file_set(&c->certificate_file, text, err);
}

static int take_secret(struct mv_buf *to, struct mv_str text, struct mv_err *err) {
        while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
                text.n--;
        if (!text.n)
                return mv_err_set(err, MV_ESYNTAX, "is empty");
        if (text.n > MV_SECRET_MAX_BYTES)
                return mv_err_set(err, MV_ELIMIT, "more than %d bytes", MV_SECRET_MAX_BYTES);
        secret_wipe(to);
        if (!mv_buf_reserve(to, MV_SECRET_MAX_BYTES))
                return mv_err_oom(err);
        mv_buf_append_str(to, text);
        return 0;
}

/* It goes into a header field. */
static int take_token(struct mv_sender_credentials *c, struct mv_str text, struct mv_err *err) {
        int r = take_secret(&c->token_text, text, err);
        for (size_t i = 0; r == 0 && i < c->token_text.n; i++)
                if (c->token_text.p[i] <= ' ' || c->token_text.p[i] >= 0x7f)
                        r = mv_err_set(err, MV_ESYNTAX,
                                       "is no token: it has a space, or another character that none has");
        return r;
}

static int take_key(struct mv_sender_credentials *c, struct mv_str text, struct mv_err *err) {
        return take_secret(&c->key_text, text, err);
}

/* The stamp is that of before the read, so a file that changes meanwhile is read again. */
static int refresh(struct mv_sender_credentials *c, struct mv_sender_file *file, take_file *take,
                   struct mv_err *err) {
        if (!file->path)
                return 0;
        const struct mv_file_stamp stamp = mv_file_stamp(file->path);
        if (file->read && mv_file_stamp_equal(&stamp, &file->stamp))
                return 0;
        struct mv_file text = { 0 };
        file->read = false;
        int r = mv_file_read(file->path, &text, err);
        if (r == 0)
                r = take(c, mv_file_str(&text), err);
        mv_file_done(&text);
        if (r < 0)
                return mv_err_in_file(err, file->path, r);
        file->stamp = stamp;
        file->read = true;
        return 0;
}

int mv_sender_credentials_refresh(struct mv_sender_credentials *c, struct mv_err *err) {
        int r = refresh(c, &c->authority, take_authority, err);
        if (r == 0)
                r = refresh(c, &c->certificate, take_certificate, err);
        if (r == 0)
                r = refresh(c, &c->token, take_token, err);
        if (r == 0)
                r = refresh(c, &c->key, take_key, err);
        return r;
}

/* --- signatures --- */

int mv_sender_sign(struct mv_str key, struct mv_str timestamp, struct mv_str body, struct mv_buf *out,
                   struct mv_err *err) {
        enum { BYTES = 32 };
        unsigned char digest[BYTES];
        gnutls_hmac_hd_t hmac;
        int r = gnutls_hmac_init(&hmac, GNUTLS_MAC_SHA256, key.p, key.n);
        if (r < 0)
                return mv_err_set(err, MV_ECRYPTO, "the event cannot be signed: %s", gnutls_strerror(r));
        r = gnutls_hmac(hmac, timestamp.p, timestamp.n);
        if (r == 0)
                r = gnutls_hmac(hmac, ".", 1);
        if (r == 0)
                r = gnutls_hmac(hmac, body.p, body.n);
        gnutls_hmac_deinit(hmac, digest);
        if (r < 0)
                return mv_err_set(err, MV_ECRYPTO, "the event cannot be signed: %s", gnutls_strerror(r));
        mv_buf_append_text(out, "sha256=");
        for (size_t i = 0; i < BYTES; i++)
                mv_buf_format(out, "%02x", digest[i]);
        return mv_buf_failed(out) ? mv_err_oom(err) : 0;
}
