/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of one Kubernetes API server: many requests at a time over few connections (HTTP/2 where the server offers it),
 * driven by one thread. Nothing here retries; a failure is told to the caller, who knows what it means.
 *
 * A client belongs to the thread that runs it; only mv_kube_client_wake may be called from another one. Threads that need
 * the API at the same time have a client each (struct mv_kube_config is const once loaded and may be shared).
 *
 * TLS is always verified, against the authorities of the configuration. Certificates and tokens that come from a file are
 * read again when the file changes; what an exec plugin gave is asked for again when it expires or is refused (401).
 */
#pragma once

#include "cluster/kube/config.h"
#include "policy/base/buf.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct mv_kube_client;
struct mv_kube_call; /* a request under way */

enum {
        MV_KUBE_BODY_BYTES = 64 * 1024 * 1024, /* most of a body, when the request does not say */
        MV_KUBE_FAILURE_BYTES = 64 * 1024,     /* most that is kept of the body of a failure */
        MV_KUBE_PADDING = 8,                   /* zero bytes behind each body */
};

/* How it ended. Borrowed for the call. */
struct mv_kube_response {
        int status; /* HTTP status; 0: there was no whole answer, and err says why */
        /* Of a request without `data`: all of it; of one with `data`, when the status is not 2xx: what the server said
         * (a Status), its beginning when it is long. Followed by 8 zero bytes. */
        struct mv_str body;
        struct mv_str etag;       /* "" when there is none */
        long long retry_after_ms; /* of Retry-After; -1: not given */
        long long date;           /* of Date, seconds since 1970; -1: not given */
        /* MV_EIO (connection, TLS, credentials), MV_ETIMEOUT, MV_ELIMIT (body too large), what `data` returned; in words
         * that name the server. With status 401: why the credentials are not current, when that is known */
        struct mv_err err;
};

struct mv_kube_request {
        const char *method; /* "GET" */
        struct mv_str path; /* with its query: "/api/v1/nodes?limit=500" */
        struct mv_str body; /* "" for none */
        const char *
                content_type; /* of body: "application/json", "application/merge-patch+json", ...; NULL without a body */
        const char *accept;          /* NULL: "application/json" */
        struct mv_str if_none_match; /* an ETag, "" for none */
        size_t most; /* bytes of body that are taken; 0: MV_KUBE_BODY_BYTES. Not of a request with `data` */
        unsigned timeout_ms; /* for the whole; 0: none (watches) */
        unsigned idle_ms;    /* no byte for so long is MV_ETIMEOUT: a half-open connection; 0: none */
        /* Unless NULL: called when the headers of a 2xx answer are there, which may be long before its first piece. */
        void (*started)(void *context);
        /* Unless NULL: called with each piece of a 2xx body as it comes (8 readable bytes behind it are not promised). A
         * negative MV_E... ends the request; done is then called with that code and err. */
        int (*data)(void *context, struct mv_str piece, struct mv_err *err);
        /* Called exactly once, from mv_kube_client_run, unless the call is cancelled. */
        void (*done)(void *context, const struct mv_kube_response *response);
        void *context;
};

/* Reads the files of the configuration, which must outlive the client. MV_ENOTFOUND, MV_EIO, MV_ESYNTAX, MV_ECRYPTO,
 * MV_ELIMIT, MV_ENOMEM. An exec plugin is not run before the first request. */
int mv_kube_client_new(const struct mv_kube_config *config, struct mv_kube_client **ret, struct mv_err *err);
/* Cancels what is under way. Takes NULL; returns NULL. */
struct mv_kube_client *mv_kube_client_free(struct mv_kube_client *client);

/* `started`, `data` and `done` may call the next two, and nothing else of a client. */

/* Start a request; all slices are copied. Returns the call, valid until done was called or it was cancelled; NULL when
 * out of memory (err is set; done is not called). Whatever else is wrong is told to done. */
struct mv_kube_call *mv_kube_client_start(struct mv_kube_client *client,
                                          const struct mv_kube_request *request, struct mv_err *err);
/* End it without calling done. */
void mv_kube_client_cancel(struct mv_kube_client *client, struct mv_kube_call *call);

/* Transfer what can be transferred, waiting at most so long for something to happen; calls data and done. */
void mv_kube_client_run(struct mv_kube_client *client, unsigned timeout_ms);
/* Make the mv_kube_client_run that waits, or the next one, return. Any thread. */
void mv_kube_client_wake(struct mv_kube_client *client);

/* One request, waiting for its end: for commands, and threads with nothing else to do. request->data and done are not
 * used. ret_body was initialised by the caller; it then holds the body, followed by 8 zero bytes. *ret_status is the HTTP
 * status. Returns 0 (whatever the status), or the error when there was no answer. cancel may be NULL; when it becomes
 * true, MV_EIO, at once when mv_kube_client_wake is called, too. */
int mv_kube_client_call(struct mv_kube_client *client, const struct mv_kube_request *request,
                        const atomic_bool *cancel, int *ret_status, struct mv_buf *ret_body,
                        struct mv_err *err);

/* err from an answer that is no success: the message of the body when that is a Status ("pods is forbidden: ..."), else
 * what there is. body is followed by 8 zero bytes. Returns err->code: MV_ENOTFOUND (404), MV_ELIMIT (413),
 * MV_ETIMEOUT (408, 504), MV_EUSAGE (other 4xx but 429), else MV_EIO. */
int mv_kube_status_error(int status, struct mv_str body, struct mv_err *err);
/* body is a Status that says which fields of an object are wrong. */
bool mv_kube_status_has_causes(struct mv_str body);
