/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is shown to one receiver, and whom of it we believe: files, read again when they change. A file that is missing or wrong
 * is an error each time until it is right: nothing is sent with what there was before.
 */
#pragma once

#include "certs/file.h"
#include "certs/memory_file.h"
#include "policy/base/buf.h"
#include "policy/config/config.h"

enum { MV_SECRET_MAX_BYTES = 16 * 1024 }; /* of a token or key */

struct mv_sender_file {
        const char *path; /* borrowed; NULL: not given */
        struct mv_file_stamp stamp;
        bool read; /* and it is right */
};

struct mv_sender_credentials {
        struct mv_sender_file authority, certificate, token, key;
        struct mv_memory_file authority_file,
                certificate_file;           /* as libcurl takes them; path "": not given */
        struct mv_buf token_text, key_text; /* without line ends at their end */
};

/* The receiver outlives them. */
void mv_sender_credentials_init(struct mv_sender_credentials *credentials,
                                const struct mv_config_receiver *receiver);
void mv_sender_credentials_done(struct mv_sender_credentials *credentials);

/* Read what has changed. On failure err names the file, and never shows what is in it. */
int mv_sender_credentials_refresh(struct mv_sender_credentials *credentials, struct mv_err *err);

/* Append "sha256=" and, in hexadecimal, the HMAC of "TIMESTAMP.BODY" under the key. */
int mv_sender_sign(struct mv_str key, struct mv_str timestamp, struct mv_str body, struct mv_buf *out,
                   struct mv_err *err);
