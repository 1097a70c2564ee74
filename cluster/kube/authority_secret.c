/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/authority_secret.h"

#include "certs/certificate.h"
#include "cluster/kube/wipe.h"
#include "policy/base/base64.h"
#include "policy/base/json.h"
#include "policy/base/time.h"
#include "policy/object/decode.h"

#include <stdio.h>
#include <stdlib.h>

#define CA_CERTIFICATE "ca.crt"
#define CA_KEY "ca.key"
#define NEXT_KEY "next.key"

struct secret {
        struct meta {
                struct mv_str resource_version;
                struct annotations {
                        struct mv_str in_use_since, rotate;
                } annotations;
        } meta;
        struct data {
                struct mv_str bundle, key, next_key;
        } data;
};

/* An annotation can hold a copy of the whole Secret, so only ours are taken. */
static const struct mv_field annotation_fields[] = {
        MV_FIELD(struct annotations, MV_ANNOTATION_IN_USE_SINCE, MV_TYPE_STRING, in_use_since),
        MV_FIELD(struct annotations, MV_ANNOTATION_ROTATE, MV_TYPE_STRING, rotate),
};
static const struct mv_table annotation_table = MV_TABLE(annotation_fields, struct annotations);
static const struct mv_field meta_fields[] = {
        MV_FIELD_TABLE(struct meta, "annotations", MV_TYPE_OBJECT, annotations, &annotation_table),
        MV_FIELD(struct meta, "resourceVersion", MV_TYPE_STRING, resource_version),
};
static const struct mv_table meta_table = MV_TABLE(meta_fields, struct meta);
static const struct mv_field data_fields[] = {
        MV_FIELD(struct data, CA_CERTIFICATE, MV_TYPE_STRING, bundle),
        MV_FIELD(struct data, CA_KEY, MV_TYPE_STRING, key),
        MV_FIELD(struct data, NEXT_KEY, MV_TYPE_STRING, next_key),
};
static const struct mv_table data_table = MV_TABLE(data_fields, struct data);
static const struct mv_field secret_fields[] = {
        MV_FIELD_TABLE(struct secret, "data", MV_TYPE_OBJECT, data, &data_table),
        MV_FIELD_TABLE(struct secret, "metadata", MV_TYPE_OBJECT, meta, &meta_table),
};
static const struct mv_table secret_table = MV_TABLE(secret_fields, struct secret);

/* *ret stays NULL for a text that is not there, or empty, as a template may leave it. */
static int take(struct mv_str base64, const char *item, char **ret, struct mv_err *err) {
        size_t n;
        if (!base64.n)
                return 0;
        char *text = malloc(base64.n + 1);
        if (!text)
                return mv_err_oom(err);
        if (!mv_base64_decode(base64, (unsigned char *)text, &n) || memchr(text, 0, n)) {
                mv_secret_free(text, base64.n);
                if (err)
                        snprintf(err->path, sizeof err->path, "data.%s", item);
                return mv_err_set(err, MV_ESYNTAX, "is no text in base64");
        }
        text[n] = '\0';
        *ret = text;
        return 0;
}

static int take_all(const struct secret *secret, struct mv_shared_authority *ret, struct mv_err *err) {
        struct mv_shared_authority a = { .requested = secret->meta.annotations.rotate.n > 0 };
        int64_t since;
        /* One that is no time is as good as none: it is written anew. */
        if (mv_time_parse(secret->meta.annotations.in_use_since, &since))
                a.in_use_since = (time_t)since;
        int r = take(secret->data.bundle, CA_CERTIFICATE, &a.bundle, err);
        if (r >= 0)
                r = take(secret->data.key, CA_KEY, &a.key, err);
        if (r >= 0)
                r = take(secret->data.next_key, NEXT_KEY, &a.next_key, err);
        if (r < 0)
                mv_shared_authority_done(&a);
        else
                *ret = a;
        return r;
}

int mv_authority_secret_decode(struct mv_str json, struct mv_shared_authority *ret,
                               char version[MV_VERSION_TEXT], struct mv_err *err) {
        struct mv_arena arena;
        struct secret secret;
        mv_arena_init(&arena, &mv_allocator_wiping, 4 * MV_PEM_MAX_BYTES);
        const struct mv_decode decode = { .arena = &arena };
        int r = mv_decode(&decode, json, &secret_table, &secret, err);
        if (r >= 0)
                r = take_all(&secret, ret, err);
        if (r >= 0)
                snprintf(version, MV_VERSION_TEXT, "%.*s", MV_STR_ARG(secret.meta.resource_version));
        mv_arena_done(&arena);
        return r;
}

static void write_data(struct mv_json *json, const char *key, const char *text, bool patch) {
        if (!text && !patch)
                return;
        mv_json_key(json, key);
        if (!text) {
                mv_json_null(json); /* takes it away */
                return;
        }
        struct mv_buf base64;
        mv_buf_init(&base64, &mv_allocator_wiping, 2 * MV_PEM_MAX_BYTES);
        mv_buf_append_base64(&base64, mv_str_from(text));
        if (mv_buf_failed(&base64))
                json->buf->failed = true;
        mv_json_string(json, mv_buf_str(&base64));
        mv_buf_done(&base64);
}

static void write_annotations(struct mv_json *json, const struct mv_shared_authority *authority, bool patch) {
        char when[MV_TIME_TEXT];
        mv_json_key(json, "annotations");
        mv_json_object(json);
        if (authority->in_use_since)
                mv_json_member(json, MV_ANNOTATION_IN_USE_SINCE,
                               mv_str_from(mv_time_format(authority->in_use_since, when)));
        if (patch && !authority->requested) {
                mv_json_key(json, MV_ANNOTATION_ROTATE);
                mv_json_null(json);
        }
        mv_json_end(json);
}

static void write_all_data(struct mv_json *json, const struct mv_shared_authority *authority, bool patch) {
        mv_json_key(json, "data");
        mv_json_object(json);
        write_data(json, CA_CERTIFICATE, authority->bundle, patch);
        write_data(json, CA_KEY, authority->key, patch);
        write_data(json, NEXT_KEY, authority->next_key, patch);
        mv_json_end(json);
}

void mv_authority_secret_encode(const struct mv_shared_authority *authority, struct mv_str namespace,
                                struct mv_str name, struct mv_buf *out) {
        struct mv_json json;
        mv_json_init(&json, out);
        mv_json_object(&json);
        mv_json_member(&json, "apiVersion", MV_STR("v1"));
        mv_json_member(&json, "kind", MV_STR("Secret"));
        mv_json_member(&json, "type", MV_STR("Opaque"));
        mv_json_key(&json, "metadata");
        mv_json_object(&json);
        mv_json_member(&json, "name", name);
        mv_json_member(&json, "namespace", namespace);
        mv_json_key(&json, "labels");
        mv_json_object(&json);
        mv_json_member(&json, "app.kubernetes.io/managed-by", MV_STR("migvet"));
        mv_json_end(&json);
        write_annotations(&json, authority, false);
        mv_json_end(&json);
        write_all_data(&json, authority, false);
        mv_json_end(&json);
}

static void begin_patch(struct mv_json *json, struct mv_str version, struct mv_buf *out) {
        mv_json_init(json, out);
        mv_json_object(json);
        mv_json_key(json, "metadata");
        mv_json_object(json);
        mv_json_member(json, "resourceVersion", version);
}

void mv_authority_secret_encode_patch(const struct mv_shared_authority *authority, struct mv_str version,
                                      struct mv_buf *out) {
        struct mv_json json;
        begin_patch(&json, version, out);
        write_annotations(&json, authority, true);
        mv_json_end(&json);
        write_all_data(&json, authority, true);
        mv_json_end(&json);
}

void mv_authority_secret_encode_request(time_t now, struct mv_str version, struct mv_buf *out) {
        struct mv_json json;
        char when[MV_TIME_TEXT];
        begin_patch(&json, version, out);
        mv_json_key(&json, "annotations");
        mv_json_object(&json);
        mv_json_member(&json, MV_ANNOTATION_ROTATE, mv_str_from(mv_time_format(now, when)));
        mv_json_end(&json);
        mv_json_end(&json);
        mv_json_end(&json);
}
