/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List and watch of one resource, as a state machine: no I/O, no clock, no chance of its own, so that a test replays any
 * history. Its owner asks what to do (mv_reflector_next), does it, and says what came of it; objects go to a sink.
 *
 *     one request at a time:
 *       streaming list    events ADDED..., a bookmark that says the list is complete, then the watch, in one request
 *       paged list        where the server has no streaming lists; then
 *       watch             from the last resourceVersion seen, again and again
 *
 * What always holds:
 * - Between begin and end the sink gets a whole list, of one state of the server; a list that breaks off is abandoned.
 * - After each end, and each event behind it, the sink's objects are those of a state that the server had.
 * - The knowledge that the sink is told of is ALL only while that is so and the server answered within the last half
 *   minute, as far as its silence can be told from there being no news; then LOST, and after five minutes OUTDATED.
 *   An answer is a complete list, an event or bookmark of a watch, or that a watch which was accepted has stood for ten
 *   seconds: quiet kinds have a bookmark only every minute. That a watch is accepted alone is none, since a server that has
 *   forgotten what changed accepts it, too, and says so then. What is OUTDATED is listed anew.
 * - Nothing that a server does makes it ask in a tight loop.
 */
#pragma once

#include "cluster/live.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        MV_REFLECTOR_PAGE = 500,                  /* objects a page */
        MV_REFLECTOR_MOST_EVENT = 16 << 20,       /* bytes of one event */
        MV_REFLECTOR_LOST_MS = 30 * 1000,         /* without an answer, what is known is no more certain */
        MV_REFLECTOR_OUTDATED_MS = 5 * 60 * 1000, /* and after so long it is not to be believed */
        MV_REFLECTOR_FORBIDDEN_MS = 60 * 1000,    /* asked again after so long, and up to half as much more */
        MV_REFLECTOR_ERROR_BYTES = 576,           /* what is said of an object that cannot be read */
};

/* What objects go to. json is followed by 8 readable bytes; everything is borrowed for the call. */
struct mv_reflector_sink {
        void (*begin)(void *context);
        /* MV_ENOMEM: the list is made again; other errors are counted, and the next object comes. */
        int (*put)(void *context, struct mv_str json, struct mv_err *err);
        void (*remove)(void *context, struct mv_str namespace, struct mv_str name);
        void (*end)(void *context);
        void (*abandon)(void *context);
        void (*know)(void *context, enum mv_knowledge knowledge, struct mv_str reason);
};

/* What the reflectors of one server have learnt of it. */
struct mv_reflector_server {
        bool no_streaming; /* it has no streaming lists */
};

struct mv_reflector_options {
        struct mv_str path; /* "/api/v1/pods"; copied */
        struct mv_str
                selector; /* a part of the query, encoded: "fieldSelector=..."; "": all objects; copied */
        bool once;        /* one paged list, no watch */
        uint64_t seed;    /* of jitter; another one for each */
        struct mv_reflector_server *server; /* shared by the reflectors of a server; outlives them */
        const struct mv_reflector_sink *sink;
        void *context;
};

/* Why requests failed. */
enum mv_reflector_error {
        MV_REFLECTOR_CONNECTION,   /* there was no answer, or it broke off */
        MV_REFLECTOR_EXPIRED,      /* 410: what was changed since then is forgotten */
        MV_REFLECTOR_THROTTLED,    /* 429, 503 */
        MV_REFLECTOR_UNAUTHORIZED, /* 401 */
        MV_REFLECTOR_FORBIDDEN,    /* 403 */
        MV_REFLECTOR_ABSENT,       /* 404 */
        MV_REFLECTOR_REFUSED,      /* another status */
        MV_REFLECTOR_MALFORMED,    /* the answer is not what an API server writes, or too large */
        MV_REFLECTOR_MEMORY,
        MV_REFLECTOR_OBJECT, /* an object cannot be read; the others go on */
        MV_REFLECTOR_ERRORS,
};
/* "connection", "expired", ...: names for metrics. */
extern const char *const mv_reflector_error_names[MV_REFLECTOR_ERRORS];

struct mv_reflector_status {
        enum mv_knowledge knowledge;
        char reason[320];           /* why it is not ALL, "" when it is */
        char resource_version[128]; /* the last one seen */
        long long down_ms;          /* since when it has not answered; -1: it does, as far as is known */
        long long synced_ms;        /* when a list was complete last; -1: never */
        long long event_ms;         /* when the last event came, bookmarks too; -1: none yet */
        unsigned long long events, lists, restarts;
        unsigned long long errors[MV_REFLECTOR_ERRORS];
        /* "NAMESPACE/NAME: FIELD: why", of the last object that could not be read; "": none */
        char object_error[MV_REFLECTOR_ERROR_BYTES];
        unsigned failures; /* in a row */
        bool finished;     /* of `once`: the list is there, or it is known that there is none */
};

enum mv_reflector_do {
        MV_REFLECTOR_NOTHING, /* until something is told */
        MV_REFLECTOR_WAIT,    /* ask again at until_ms, or when something was told */
        MV_REFLECTOR_REQUEST, /* GET path; then tell */
        MV_REFLECTOR_CANCEL,  /* drop the request that is in flight, tell no more of it, and ask again */
};

struct mv_reflector_step {
        enum mv_reflector_do what;
        long long until_ms;
        struct mv_str path; /* with its query; good until the next call */
        bool stream;        /* the answer is events: mv_reflector_data; else one text: mv_reflector_done */
};

/* How a request ended. */
struct mv_reflector_answer {
        int status;          /* HTTP status, 0: none */
        int code;            /* 0, or MV_E...: it did not end well, and message says why */
        const char *message; /* "" or NULL without a code */
        struct mv_str
                body; /* of a stream: only when status is not 2xx; followed by 8 bytes, the first zero */
        long long retry_after_ms; /* -1: not given */
};

struct mv_reflector;

/* Times are milliseconds of any clock that does not go back. NULL when out of memory. */
struct mv_reflector *mv_reflector_new(const struct mv_reflector_options *options);
/* Abandons a list that is under way. Takes NULL; returns NULL. */
struct mv_reflector *mv_reflector_free(struct mv_reflector *reflector);

/* What to do now. While a request is in flight: WAIT, NOTHING or CANCEL. */
void mv_reflector_next(struct mv_reflector *reflector, long long now_ms, struct mv_reflector_step *ret);

/* The stream was accepted: the status is 2xx. Optional; data says so, too, but it may come much later. */
void mv_reflector_started(struct mv_reflector *reflector, long long now_ms);
/* A piece of the stream. A negative code ends the request; mv_reflector_done is to be called then all the same. */
int mv_reflector_data(struct mv_reflector *reflector, long long now_ms, struct mv_str piece,
                      struct mv_err *err);
/* The request has ended. */
void mv_reflector_done(struct mv_reflector *reflector, long long now_ms,
                       const struct mv_reflector_answer *answer);

/* Discovery says that the server has no such resource (any more): its objects are dropped. Cancel a request in flight
 * before, and tell no more of it. */
void mv_reflector_suspend(struct mv_reflector *reflector, const char *reason);
/* Discovery says that it is there (again). Does nothing unless suspended, by a call or by a 404. */
void mv_reflector_resume(struct mv_reflector *reflector, long long now_ms);

/* The server has answered somebody else: do not wait much longer for it, where it could not be reached. */
void mv_reflector_hurry(struct mv_reflector *reflector, long long now_ms);

const struct mv_reflector_status *mv_reflector_status(const struct mv_reflector *reflector);
