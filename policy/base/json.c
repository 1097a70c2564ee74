/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/json.h"

void mv_buf_append_quoted(struct mv_buf *buf, struct mv_str s) {
        static const char hex[] = "0123456789abcdef";
        size_t plain = 0;
        mv_buf_append_byte(buf, '"');
        for (size_t i = 0; i < s.n;) {
                unsigned char c = (unsigned char)s.p[i];
                size_t length = c >= 0x20 && c < 0x7f && c != '"' && c != '\\' ? 1 : 0;
                if (!length && c >= 0x80)
                        length = mv_str_character(mv_str_skip(s, i));
                if (length) {
                        i += length;
                        continue;
                }
                mv_buf_append(buf, s.p + plain, i - plain);
                if (c == '"' || c == '\\') {
                        mv_buf_append_byte(buf, '\\');
                        mv_buf_append_byte(buf, (char)c);
                } else if (c == '\n')
                        mv_buf_append_text(buf, "\\n");
                else if (c == '\t')
                        mv_buf_append_text(buf, "\\t");
                else if (c == '\r')
                        mv_buf_append_text(buf, "\\r");
                else if (c >= 0x80)
                        mv_buf_append_text(buf, "\xef\xbf\xbd");
                else {
                        char escape[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
                        mv_buf_append(buf, escape, sizeof escape);
                }
                plain = ++i;
        }
        mv_buf_append(buf, s.p ? s.p + plain : NULL, s.n - plain);
        mv_buf_append_byte(buf, '"');
}

void mv_json_init(struct mv_json *json, struct mv_buf *buf) {
        *json = (struct mv_json){ .buf = buf };
}

/* Before a value or a key: the comma that separates it from the one before. */
static void separate(struct mv_json *json) {
        uint64_t bit = UINT64_C(1) << json->depth;
        if (json->keyed)
                json->keyed = false;
        else if (json->depth && json->filled & bit)
                mv_buf_append_byte(json->buf, ',');
        json->filled |= bit;
}

static void open_level(struct mv_json *json, bool array) {
        separate(json);
        mv_buf_append_byte(json->buf, array ? '[' : '{');
        json->depth++;
        uint64_t bit = UINT64_C(1) << json->depth;
        json->filled &= ~bit;
        json->arrays = array ? json->arrays | bit : json->arrays & ~bit;
}

void mv_json_object(struct mv_json *json) {
        open_level(json, false);
}

void mv_json_array(struct mv_json *json) {
        open_level(json, true);
}

void mv_json_end(struct mv_json *json) {
        mv_buf_append_byte(json->buf, json->arrays >> json->depth & 1 ? ']' : '}');
        json->depth--;
}

void mv_json_key_str(struct mv_json *json, struct mv_str key) {
        separate(json);
        mv_buf_append_quoted(json->buf, key);
        mv_buf_append_byte(json->buf, ':');
        json->keyed = true;
}

void mv_json_key(struct mv_json *json, const char *key) {
        mv_json_key_str(json, mv_str_from(key));
}

void mv_json_string(struct mv_json *json, struct mv_str value) {
        separate(json);
        mv_buf_append_quoted(json->buf, value);
}

void mv_json_text(struct mv_json *json, const char *value) {
        mv_json_string(json, mv_str_from(value));
}

void mv_json_bool(struct mv_json *json, bool value) {
        mv_json_raw(json, value ? MV_STR("true") : MV_STR("false"));
}

void mv_json_int(struct mv_json *json, long long value) {
        separate(json);
        mv_buf_format(json->buf, "%lld", value);
}

void mv_json_null(struct mv_json *json) {
        mv_json_raw(json, MV_STR("null"));
}

void mv_json_raw(struct mv_json *json, struct mv_str value) {
        separate(json);
        mv_buf_append_str(json->buf, value);
}

void mv_json_member(struct mv_json *json, const char *key, struct mv_str value) {
        mv_json_key(json, key);
        mv_json_string(json, value);
}
