/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON: the caller says what comes, the writer puts commas, quotes and escapes. Output is one line, UTF-8,
 * with `<`, `>` and `/` as they are; bytes that are no UTF-8 become U+FFFD. Failure is the buffer's.
 *
 *     mv_json_object(&json);
 *     mv_json_key(&json, "name");
 *     mv_json_string(&json, name);
 *     mv_json_end(&json);
 */
#pragma once

#include "policy/base/buf.h"

#include <stdint.h>

struct mv_json {
        struct mv_buf *buf;
        uint64_t arrays; /* bit n: level n is an array */
        uint64_t filled; /* bit n: level n has an element */
        unsigned depth;  /* at most 63 */
        bool keyed;      /* a key was just written */
};

void mv_json_init(struct mv_json *json, struct mv_buf *buf);
void mv_json_object(struct mv_json *json);
void mv_json_array(struct mv_json *json);
/* Close the innermost object or array. */
void mv_json_end(struct mv_json *json);
void mv_json_key_str(struct mv_json *json, struct mv_str key);
static inline void mv_json_key(struct mv_json *json, const char *key) {
        mv_json_key_str(json, mv_str_from(key));
}
void mv_json_string(struct mv_json *json, struct mv_str value);
void mv_json_text(struct mv_json *json, const char *value);
void mv_json_bool(struct mv_json *json, bool value);
void mv_json_int(struct mv_json *json, long long value);
void mv_json_null(struct mv_json *json);
/* JSON text that somebody else made. */
void mv_json_raw(struct mv_json *json, struct mv_str value);

/* A key and its string. */
static inline void mv_json_member(struct mv_json *json, const char *key, struct mv_str value) {
        mv_json_key(json, key);
        mv_json_string(json, value);
}

/* Only the escaping: s in double quotes. */
void mv_buf_append_quoted(struct mv_buf *buf, struct mv_str s);
