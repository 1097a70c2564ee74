/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/request.h"

#include <microhttpd.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

void mv_target_set(struct mv_target *target, const char *raw) {
        size_t n = raw ? strlen(raw) : 0;
        target->raw = raw;
        target->n = n;
        target->too_long = n >= sizeof target->text;
        if (target->too_long)
                n = sizeof target->text - 1;
        if (n)
                memcpy(target->text, raw, n);
        target->text[n] = '\0';
}

struct mv_str mv_target_path(const struct mv_target *target) {
        struct mv_str all = mv_str_from(target->text);
        return (struct mv_str){ .p = all.p, .n = mv_str_find_byte(all, '?') };
}

struct mv_str mv_target_query(const struct mv_target *target) {
        struct mv_str all = mv_str_from(target->text);
        size_t mark = mv_str_find_byte(all, '?');
        return mv_str_skip(all, mark < all.n ? mark + 1 : all.n);
}

bool mv_target_is_broken(const struct mv_target *target, const char *version) {
        enum { LINE_MAX_BYTES = 1 << 20 };
        if (!target->raw)
                return true;
        uintptr_t from = (uintptr_t)target->raw, to = (uintptr_t)version;
        if (to <= from || to - from > LINE_MAX_BYTES)
                return false;
        return to - from != target->n + 1;
}

bool mv_query_next(struct mv_str *query, struct mv_str *ret_name, struct mv_str *ret_value) {
        while (query->n && query->p[0] == '&')
                *query = mv_str_skip(*query, 1);
        if (!query->n)
                return false;
        struct mv_str pair = { .p = query->p, .n = mv_str_find_byte(*query, '&') };
        *query = mv_str_skip(*query, pair.n);
        size_t equal = mv_str_find_byte(pair, '=');
        *ret_name = (struct mv_str){ .p = pair.p, .n = equal };
        *ret_value = mv_str_skip(pair, equal < pair.n ? equal + 1 : pair.n);
        return true;
}

bool mv_media_type_is_json(const char *value) {
        static const char json[] = "application/json";
        if (!value)
                return false;
        value += strspn(value, " \t");
        if (strncasecmp(value, json, sizeof json - 1) != 0)
                return false;
        value += sizeof json - 1;
        value += strspn(value, " \t");
        return *value == '\0' || *value == ';';
}

/* What mv_framing_read gathers while the library walks over the fields. */
struct fields {
        unsigned hosts, lengths, encodings;
        const char *length, *encoding;
        bool bad_name, expects;
};

static bool name_is_token(const char *name, size_t n) {
        static const char also[] = "!#$%&'*+-.^_`|~";
        if (n == 0)
                return false;
        for (size_t i = 0; i < n; i++) {
                char c = name[i];
                bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
                if (!plain && (c == '\0' || !strchr(also, c)))
                        return false;
        }
        return true;
}

static enum MHD_Result fields_add(void *context, enum MHD_ValueKind kind, const char *name, size_t n_name,
                                  const char *value, size_t n_value) {
        struct fields *fields = context;
        (void)kind;
        (void)n_value;
        if (!name_is_token(name, n_name))
                fields->bad_name = true;
        else if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
                fields->lengths++;
                fields->length = value;
        } else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
                fields->encodings++;
                fields->encoding = value;
        } else if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0)
                fields->hosts++;
        else if (strcasecmp(name, MHD_HTTP_HEADER_EXPECT) == 0)
                fields->expects = true;
        return MHD_YES;
}

static struct mv_framing framing_refuse(struct mv_framing framing, int code, const char *message) {
        framing.refusal = code;
        framing.message = message;
        framing.close = true;
        return framing;
}

struct mv_framing mv_framing_read(struct MHD_Connection *connection, bool needs_length) {
        struct fields fields = { 0 };
        MHD_get_connection_values_n(connection, MHD_HEADER_KIND, fields_add, &fields);
        struct mv_framing framing = { .expects = fields.expects };

        if (fields.bad_name)
                return framing_refuse(framing, 400, "a header field's name is malformed");
        if (fields.hosts > 1)
                return framing_refuse(framing, 400, "Host is given more than once");
        if (fields.lengths > 1)
                return framing_refuse(framing, 400, "Content-Length is given more than once");
        if (fields.lengths && fields.encodings)
                return framing_refuse(framing, 400,
                                      "Content-Length and Transfer-Encoding exclude each other");
        if (fields.encodings) {
                framing =
                        framing_refuse(framing, 411, "Content-Length is required, Transfer-Encoding refused");
                framing.chunked = fields.encodings == 1 && fields.encoding &&
                                  strcasecmp(fields.encoding, "chunked") == 0;
                framing.has_body = true;
                framing.close = !framing.chunked;
                return framing;
        }
        if (fields.lengths) {
                if (!fields.length ||
                    !mv_str_to_unsigned(mv_str_from(fields.length), UINT64_MAX, &framing.content_length))
                        return framing_refuse(framing, 400, "Content-Length is no number");
                framing.has_body = framing.content_length > 0;
        } else if (needs_length)
                return framing_refuse(framing, 411, "Content-Length is required");
        return framing;
}
