/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an API server is asked for a list and a watch, and what it writes: events, pages of a list, a Status. A text is read
 * in one pass; slices point into it, and objects are validated as JSON and handed on as they stand there.
 *
 * Texts that are read are followed by 8 readable bytes, of which the first is zero.
 */
#pragma once

#include "policy/base/buf.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>

/* Write path and query: of one page of a list, with the token of the page before ("" for the first one) ... */
void mv_kube_page_query(struct mv_buf *out, struct mv_str path, struct mv_str selector, unsigned limit,
                        struct mv_str token);
/* ... and of a watch behind that resourceVersion; "": of a streaming list. selector is a part of a query, "" for none. */
void mv_kube_watch_query(struct mv_buf *out, struct mv_str path, struct mv_str selector, unsigned seconds,
                         struct mv_str resource_version);

enum mv_kube_event_type {
        MV_EVENT_OTHER, /* one that a later API may bring */
        MV_EVENT_ADDED,
        MV_EVENT_MODIFIED,
        MV_EVENT_DELETED,
        MV_EVENT_BOOKMARK,
        MV_EVENT_ERROR,
};

struct mv_kube_event {
        enum mv_kube_event_type type;
        struct mv_str object; /* of an error: a Status */
        struct mv_str namespace, name, resource_version;
        bool initial_end; /* the bookmark behind the last of the initial events */
};

/* Read one event, without the end of the line. */
int mv_kube_event_read(struct mv_str line, struct mv_kube_event *ret, struct mv_err *err);

/* Namespace and name of an object. */
int mv_kube_object_name(struct mv_str json, struct mv_str *ret_namespace, struct mv_str *ret_name,
                        struct mv_err *err);

struct mv_kube_page {
        struct mv_str resource_version;
        struct mv_str next; /* the token for the next page, "" behind the last */
};

/* Takes one item. A negative code ends the page with that. */
typedef int mv_kube_item(void *context, struct mv_str json, struct mv_err *err);

/* Read one page: each item goes to item as it comes. What is no list is MV_ETYPE. */
int mv_kube_page_read(struct mv_str body, mv_kube_item *item, void *context, struct mv_kube_page *ret,
                      struct mv_err *err);

struct mv_kube_status {
        int code;                 /* 0: not given */
        long long retry_after_ms; /* -1: not given */
        bool future_version;      /* it does not know that resourceVersion yet: an older state was restored */
        char message[240];        /* "" when there is none; cut if it is long */
};

/* Read a Status. What is none leaves the members as above. */
void mv_kube_status_read(struct mv_str json, struct mv_kube_status *ret);
