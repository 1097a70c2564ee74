/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/wire.h"

#include "policy/object/decode.h"

#include <stdio.h>

/* --- questions --- */

static void append_selector(struct mv_buf *out, struct mv_str selector) {
        if (selector.n)
                mv_buf_format(out, "&%.*s", MV_STR_ARG(selector));
}

void mv_kube_page_query(struct mv_buf *out, struct mv_str path, struct mv_str selector, unsigned limit,
                        struct mv_str token) {
        mv_buf_clear(out);
        mv_buf_format(out, "%.*s?limit=%u", MV_STR_ARG(path), limit);
        if (token.n) {
                mv_buf_append_text(out, "&continue=");
                mv_buf_append_encoded(out, token);
        }
        append_selector(out, selector);
}

void mv_kube_watch_query(struct mv_buf *out, struct mv_str path, struct mv_str selector, unsigned seconds,
                         struct mv_str resource_version) {
        mv_buf_clear(out);
        mv_buf_format(out, "%.*s?watch=true&allowWatchBookmarks=true&timeoutSeconds=%u", MV_STR_ARG(path),
                      seconds);
        if (resource_version.n) {
                mv_buf_append_text(out, "&resourceVersion=");
                mv_buf_append_encoded(out, resource_version);
        } else
                mv_buf_append_text(out, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
        append_selector(out, selector);
}

/* --- objects --- */

/* What is read of an object's metadata, or a list's. */
struct header {
        struct mv_str namespace, name, resource_version, next;
        bool initial_end;
};

static int scan_error(const struct mv_scan *scan, struct mv_err *err) {
        if (err) {
                err->path[0] = '\0';
                err->offset = (size_t)(scan->p - scan->begin);
        }
        return mv_err_set(err, scan->code, "%s", scan->problem);
}

/* A name, version or token: the API server has no reason to escape a byte of these. null is "". */
static bool plain_string(struct mv_scan *scan, struct mv_str *ret) {
        struct mv_scan_string string;
        if (mv_scan_peek(scan) == 'n') {
                *ret = (struct mv_str){ 0 };
                return mv_scan_null(scan);
        }
        if (!mv_scan_string(scan, &string))
                return false;
        if (string.escaped)
                return mv_scan_fail(scan, MV_ETYPE, "an escape in a name, version or token");
        *ret = string.raw;
        return true;
}

static bool read_annotations(struct mv_scan *scan, struct header *ret) {
        struct mv_scan_string key;
        bool first = true;
        if (mv_scan_peek(scan) != '{')
                return mv_scan_skip(scan, NULL);
        mv_scan_object(scan);
        while (mv_scan_key(scan, &first, &key)) {
                struct mv_str value;
                if (!mv_scan_skip(scan, &value))
                        return false;
                if (mv_str_is(key.raw, "k8s.io/initial-events-end"))
                        ret->initial_end = mv_str_is(value, "\"true\"");
        }
        return !scan->code;
}

static bool read_metadata(struct mv_scan *scan, struct header *ret) {
        struct mv_scan_string key;
        bool first = true;
        if (mv_scan_peek(scan) != '{')
                return mv_scan_skip(scan, NULL);
        mv_scan_object(scan);
        while (mv_scan_key(scan, &first, &key)) {
                bool ok;
                if (mv_str_is(key.raw, "name"))
                        ok = plain_string(scan, &ret->name);
                else if (mv_str_is(key.raw, "namespace"))
                        ok = plain_string(scan, &ret->namespace);
                else if (mv_str_is(key.raw, "resourceVersion"))
                        ok = plain_string(scan, &ret->resource_version);
                else if (mv_str_is(key.raw, "continue"))
                        ok = plain_string(scan, &ret->next);
                else if (mv_str_is(key.raw, "annotations"))
                        ok = read_annotations(scan, ret);
                else
                        ok = mv_scan_skip(scan, NULL);
                if (!ok)
                        return false;
        }
        return !scan->code;
}

/* Pass over an object; ret_text is all of it. */
static bool read_object(struct mv_scan *scan, struct header *ret, struct mv_str *ret_text) {
        struct mv_scan_string key;
        bool first = true;
        mv_scan_peek(scan);
        const char *start = scan->p;
        if (!mv_scan_object(scan))
                return false;
        while (mv_scan_key(scan, &first, &key))
                if (!(mv_str_is(key.raw, "metadata") ? read_metadata(scan, ret) : mv_scan_skip(scan, NULL)))
                        return false;
        if (scan->code)
                return false;
        *ret_text = (struct mv_str){ start, (size_t)(scan->p - start) };
        return true;
}

int mv_kube_object_name(struct mv_str json, struct mv_str *ret_namespace, struct mv_str *ret_name,
                        struct mv_err *err) {
        struct mv_scan scan;
        struct header header = { 0 };
        struct mv_str text;
        mv_scan_init(&scan, json);
        if (!read_object(&scan, &header, &text))
                return scan_error(&scan, err);
        *ret_namespace = header.namespace;
        *ret_name = header.name;
        return 0;
}

/* --- events --- */

static enum mv_kube_event_type event_type(struct mv_str name) {
        static const char *const names[] = { "", "ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR" };
        for (size_t i = 1; i < sizeof names / sizeof *names; i++)
                if (mv_str_is(name, names[i]))
                        return (enum mv_kube_event_type)i;
        return MV_EVENT_OTHER;
}

int mv_kube_event_read(struct mv_str line, struct mv_kube_event *ret, struct mv_err *err) {
        struct mv_scan scan;
        struct mv_scan_string key;
        struct mv_str type = { 0 }, object = { 0 };
        struct header header = { 0 };
        bool first = true;
        mv_scan_init(&scan, line);
        if (!mv_scan_object(&scan))
                return scan_error(&scan, err);
        while (mv_scan_key(&scan, &first, &key)) {
                const bool is_type = mv_str_is(key.raw, "type"), is_object = mv_str_is(key.raw, "object");
                /* The header of one object, and the text of another, would make a third. */
                if ((is_type && type.n) || (is_object && object.n))
                        mv_scan_fail(&scan, MV_ETYPE, "the same key comes twice");
                else if (is_type ? plain_string(&scan, &type)
                                 : (is_object ? read_object(&scan, &header, &object)
                                              : mv_scan_skip(&scan, NULL)))
                        continue;
                return scan_error(&scan, err);
        }
        if (!mv_scan_finish(&scan))
                return scan_error(&scan, err);
        if (!type.n || !object.n)
                return mv_err_set(err, MV_ETYPE, "no watch event: %s is missing", type.n ? "object" : "type");
        *ret = (struct mv_kube_event){ .type = event_type(type),
                                       .object = object,
                                       .namespace = header.namespace,
                                       .name = header.name,
                                       .resource_version = header.resource_version,
                                       .initial_end = header.initial_end };
        return 0;
}

/* --- lists --- */

/* Negative: the error of item. */
static int read_items(struct mv_scan *scan, mv_kube_item *item, void *context, struct mv_err *err) {
        bool first = true;
        if (mv_scan_peek(scan) == 'n')
                return mv_scan_null(scan) ? 0 : scan_error(scan, err);
        if (!mv_scan_array(scan))
                return scan_error(scan, err);
        while (mv_scan_element(scan, &first)) {
                struct mv_str json;
                if (!mv_scan_skip(scan, &json))
                        return scan_error(scan, err);
                int r = item(context, json, err);
                if (r < 0)
                        return r;
        }
        return scan->code ? scan_error(scan, err) : 0;
}

int mv_kube_page_read(struct mv_str body, mv_kube_item *item, void *context, struct mv_kube_page *ret,
                      struct mv_err *err) {
        struct mv_scan scan;
        struct mv_scan_string key;
        struct header header = { 0 };
        bool first = true, items = false;
        mv_scan_init(&scan, body);
        if (!mv_scan_object(&scan))
                return scan_error(&scan, err);
        while (mv_scan_key(&scan, &first, &key)) {
                if (mv_str_is(key.raw, "items")) {
                        int r = read_items(&scan, item, context, err);
                        if (r < 0)
                                return r;
                        items = true;
                } else if (!(mv_str_is(key.raw, "metadata") ? read_metadata(&scan, &header)
                                                            : mv_scan_skip(&scan, NULL)))
                        return scan_error(&scan, err);
        }
        if (!mv_scan_finish(&scan))
                return scan_error(&scan, err);
        if (!items || !header.resource_version.n)
                return mv_err_set(err, MV_ETYPE, "no list: %s is missing",
                                  items ? "metadata.resourceVersion" : "items");
        *ret = (struct mv_kube_page){ .resource_version = header.resource_version, .next = header.next };
        return 0;
}

/* --- Status --- */

struct cause {
        struct mv_str reason;
};
struct status {
        struct mv_optional_int code;
        struct mv_str message;
        struct details {
                struct mv_optional_int retry_after;
                MV_LIST(struct cause) causes;
        } details;
};

static const struct mv_field cause_fields[] = {
        MV_FIELD(struct cause, "reason", MV_TYPE_STRING, reason),
};
static const struct mv_table cause_table = MV_TABLE(cause_fields, struct cause);
static const struct mv_field details_fields[] = {
        MV_FIELD_TABLE(struct details, "causes", MV_TYPE_LIST, causes, &cause_table),
        MV_FIELD(struct details, "retryAfterSeconds", MV_TYPE_INT, retry_after),
};
static const struct mv_table details_table = MV_TABLE(details_fields, struct details);
static const struct mv_field status_fields[] = {
        MV_FIELD(struct status, "code", MV_TYPE_INT, code),
        MV_FIELD_TABLE(struct status, "details", MV_TYPE_OBJECT, details, &details_table),
        MV_FIELD(struct status, "message", MV_TYPE_STRING, message),
};
static const struct mv_table status_table = MV_TABLE(status_fields, struct status);

enum { LONGEST_RETRY_S = 600 };

void mv_kube_status_read(struct mv_str json, struct mv_kube_status *ret) {
        struct mv_arena arena;
        struct status status;
        *ret = (struct mv_kube_status){ .retry_after_ms = -1 };
        mv_arena_init(&arena, &mv_allocator_system, (size_t)1 << 20);
        struct mv_decode decode = { .arena = &arena };
        if (json.n && mv_decode(&decode, json, &status_table, &status, NULL) == 0) {
                if (status.code.value > 0 && status.code.value < 1000)
                        ret->code = (int)status.code.value;
                const struct mv_optional_int *seconds = &status.details.retry_after;
                if (seconds->set && seconds->value >= 0)
                        ret->retry_after_ms =
                                1000 * (seconds->value < LONGEST_RETRY_S ? seconds->value : LONGEST_RETRY_S);
                for (size_t i = 0; i < status.details.causes.n; i++)
                        if (mv_str_is(status.details.causes.items[i].reason, "ResourceVersionTooLarge"))
                                ret->future_version = true;
                snprintf(ret->message, sizeof ret->message, "%.*s", MV_STR_ARG(status.message));
        }
        mv_arena_done(&arena);
}
