/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging what a request says before its body: target, time-out, framing, media type. These are pure
 * functions over what libmicrohttpd gives, stricter than it is: it takes the first of two lengths, reads on
 * for ever after an unknown transfer encoding, and cuts a target at a NUL byte.
 */
#pragma once

#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct MHD_Connection;

enum { MV_TARGET_MAX = 512 };

/* The target of a request line as it was sent, before anything was unescaped. Embedded in a connection. */
struct mv_target {
        char text[MV_TARGET_MAX]; /* path and query, NUL-terminated */
        size_t n;
        bool too_long;   /* text is cut */
        const char *raw; /* where the library keeps it, only to be compared with */
};

/* Remember raw, which may be NULL (a request line without a target). */
void mv_target_set(struct mv_target *target, const char *raw);
/* The part before '?'. */
struct mv_str mv_target_path(const struct mv_target *target);
/* The part after '?', or empty. */
struct mv_str mv_target_query(const struct mv_target *target);
/* A NUL byte, or a second space, stands between the target and the HTTP version, which the library gives as
 * version. What is no pointer into the same line is believed. */
bool mv_target_is_broken(const struct mv_target *target, const char *version);

/* Take the next `name=value` of a query from *query; false when there is none. Nothing is unescaped. */
bool mv_query_next(struct mv_str *query, struct mv_str *ret_name, struct mv_str *ret_value);

/* application/json, with or without parameters. value may be NULL. */
bool mv_media_type_is_json(const char *value);

/* What the header fields say about the body. */
struct mv_framing {
        int refusal;         /* 0, or the HTTP status to refuse with */
        const char *message; /* in words, when refused; static */
        bool close;          /* the end of the body is in doubt: nothing after it can be read */
        bool has_body;       /* Content-Length above 0, or chunked */
        bool chunked;        /* the library will decode chunks; there is no length */
        bool expects;        /* the client waits for "100 Continue" */
        unsigned long long content_length;
};

/* Look at the header of a request. It is refused with 400 or 411 where the length is given twice, together
 * with a transfer encoding, not in digits, or not at all though the method (needs_length) asks for one;
 * where Host is given twice; and where a field's name has a character that none may have. */
struct mv_framing mv_framing_read(struct MHD_Connection *connection, bool needs_length);
