/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/reflector.h"

#include "cluster/kube/jitter.h"
#include "cluster/kube/lines.h"
#include "cluster/kube/reflector_status.h"
#include "cluster/kube/wire.h"
#include "policy/base/buf.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        STEADY_MS = 60 * 1000,   /* so long without a failure, and the next one is the first */
        RENEWAL_MS = 200,        /* the client renews its credentials meanwhile */
        SHORT_WATCH_MS = 1000,   /* streams that end sooner start so far apart */
        STANDING_MS = 10 * 1000, /* a watch that has stood so long was accepted, though nothing came */
        RELIST_MS = 30 * 1000,   /* lists that start at once are so far apart */
        STALLED_MS = 30 * 1000,  /* a streaming list that does not go on */
        UNMARKED_MS = 10 * 1000, /* bookmarks without the mark tell more when they come so late */
        MOST_STREAM_FAILURES = 3,
        WATCH_S = 300, /* a watch ends by itself after that, and up to twice as long */
};

enum mode {
        MODE_LIST, /* which of the two kinds, is decided when it starts */
        MODE_STREAM,
        MODE_PAGE,
        MODE_WATCH,
        MODE_SUSPENDED,
};

struct mv_reflector {
        char *path, *selector;
        bool once;
        struct mv_reflector_server *server;
        const struct mv_reflector_sink *sink;
        void *context;
        uint64_t random;

        enum mode mode;             /* of the request in flight, or of the next one */
        bool in_flight;             /* a request is */
        bool judged;                /* its outcome is settled, what it still brings does not count */
        bool listing;               /* the sink was told to begin */
        long long at;               /* the next request is due */
        long long sent_at;          /* the one in flight was made */
        long long heard_at;         /* it brought something */
        long long accepted_at;      /* by the server: its status was good; -1: not yet */
        bool heard;                 /* an event of it */
        struct mv_kube_lines lines; /* of the stream */
        struct mv_buf query;        /* path and query of the request */
        struct mv_buf token;        /* for the next page */
        unsigned page;              /* objects a page */

        unsigned failures;        /* since the last steady time */
        long long steady_since;   /* -1: not steady */
        long long relisted_at;    /* -1: never */
        unsigned stream_failures; /* streaming lists that broke off, in a row */
        bool unreached;           /* the last failure was that */
        bool doubted;             /* one 403 was passed over */
        struct mv_reflector_status status;
};

/* --- the outside --- */

static void know(struct mv_reflector *r, enum mv_knowledge knowledge, const char *reason) {
        if (knowledge == MV_KNOWLEDGE_ALL)
                reason = "";
        bool news = knowledge != r->status.knowledge || strcmp(reason, r->status.reason) != 0;
        r->status.knowledge = knowledge;
        if (reason != r->status.reason)
                snprintf(r->status.reason, sizeof r->status.reason, "%s", reason);
        if (news)
                r->sink->know(r->context, knowledge, mv_str_from(r->status.reason));
}

static void begin(struct mv_reflector *r) {
        if (!r->listing)
                r->sink->begin(r->context);
        r->listing = true;
}

static void abandon(struct mv_reflector *r) {
        if (r->listing)
                r->sink->abandon(r->context);
        r->listing = false;
}

static void drop_objects(struct mv_reflector *r) {
        abandon(r);
        r->sink->begin(r->context);
        r->sink->end(r->context);
        r->status.resource_version[0] = '\0';
}

static int put(void *context, struct mv_str json, struct mv_err *err) {
        struct mv_reflector *r = context;
        struct mv_err why = { 0 };
        int code = r->sink->put(r->context, json, &why);
        if (code == MV_ENOMEM)
                return mv_err_oom(err);
        if (code < 0)
                mv_reflector_note_object(&r->status, json, &why);
        return 0;
}

/* --- outcomes of a request --- */

static void note_failure(struct mv_reflector *r, long long now, enum mv_reflector_error error,
                         const char *message) {
        r->unreached = error == MV_REFLECTOR_CONNECTION;
        mv_reflector_note_failure(&r->status, error, now);
        if (r->steady_since >= 0 && now - r->steady_since >= STEADY_MS)
                r->failures = 0;
        r->steady_since = -1;
        r->failures++;
        if (r->status.knowledge != MV_KNOWLEDGE_ALL)
                know(r, r->status.knowledge, message);
        else if (message != r->status.reason)
                snprintf(r->status.reason, sizeof r->status.reason, "%s", message);
}

/* The next request is of that mode, after a pause of at least that. */
static void retry(struct mv_reflector *r, long long now, enum mode mode, long long at_least_ms) {
        if (mode == MODE_LIST)
                abandon(r);
        long long ms = mv_reflector_pause(&r->random, r->failures);
        r->mode = mode;
        r->at = now + (ms > at_least_ms ? ms : at_least_ms);
        r->judged = true;
}

static void fail(struct mv_reflector *r, long long now, enum mv_reflector_error error, const char *message,
                 enum mode mode) {
        note_failure(r, now, error, message);
        retry(r, now, mode, 0);
}

/* What must be done again after a request of this mode failed: a watch goes on where it was. */
static enum mode resumption(const struct mv_reflector *r) {
        return r->mode == MODE_WATCH ? MODE_WATCH : MODE_LIST;
}

/* List again, at once unless that was done a moment ago. */
static void relist(struct mv_reflector *r, long long now, enum mv_reflector_error error,
                   const char *message) {
        fail(r, now, error, message, MODE_LIST);
        if (r->relisted_at < 0 || now - r->relisted_at >= RELIST_MS) {
                r->relisted_at = now;
                r->at = now;
        }
}

static void contact(struct mv_reflector *r, long long now) {
        r->status.down_ms = -1;
        r->status.failures = 0;
        r->doubted = false;
        if (r->steady_since < 0)
                r->steady_since = now;
        r->status.reason[0] = '\0';
        if (r->status.knowledge == MV_KNOWLEDGE_LOST || r->status.knowledge == MV_KNOWLEDGE_OUTDATED)
                know(r, MV_KNOWLEDGE_ALL, "");
}

static void complete(struct mv_reflector *r, long long now) {
        r->listing = false;
        r->sink->end(r->context);
        r->status.lists++;
        r->status.synced_ms = now;
        r->stream_failures = 0;
        r->mode = MODE_WATCH;
        r->status.finished = r->once;
        contact(r, now);
        know(r, MV_KNOWLEDGE_ALL, "");
}

/* This server has no streaming lists, or none for us: the list comes in pages, at once. */
static void list_in_pages(struct mv_reflector *r, long long now) {
        abandon(r);
        r->server->no_streaming = true;
        r->mode = MODE_LIST;
        r->at = now;
        r->judged = true;
}

/* A streaming list broke off. A server, or what is before it, with which that goes on gets the other kind. */
static void fail_stream(struct mv_reflector *r, long long now, enum mv_reflector_error error,
                        const char *message) {
        if (++r->stream_failures >= MOST_STREAM_FAILURES)
                r->server->no_streaming = true;
        fail(r, now, error, message, MODE_LIST);
}

static void refuse(struct mv_reflector *r, long long now, const char *message) {
        if (r->status.knowledge == MV_KNOWLEDGE_ALL && !r->doubted) {
                /* The authorizer may have been out of order for a moment. */
                fail(r, now, MV_REFLECTOR_FORBIDDEN, message, resumption(r));
                r->doubted = true;
                return;
        }
        note_failure(r, now, MV_REFLECTOR_FORBIDDEN, message);
        drop_objects(r);
        know(r, MV_KNOWLEDGE_FORBIDDEN, message);
        r->mode = MODE_LIST;
        r->at = now + mv_jitter(&r->random, MV_REFLECTOR_FORBIDDEN_MS);
        r->judged = true;
        r->status.finished = r->once;
}

static void suspend(struct mv_reflector *r, const char *reason) {
        r->judged = true;
        r->status.finished = r->once;
        if (r->mode == MODE_SUSPENDED)
                return;
        drop_objects(r);
        r->mode = MODE_SUSPENDED;
        r->status.down_ms = -1;
        know(r, MV_KNOWLEDGE_ABSENT, reason);
}

/* The server has refused: over HTTP, or with an event of type ERROR. status is 0 when it gave none. */
static void judge_status(struct mv_reflector *r, long long now, int status, struct mv_str body,
                         long long retry_after_ms) {
        bool event = !status;
        struct mv_kube_status said;
        char message[sizeof said.message + 32];
        mv_kube_status_read(body, &said);
        status = status ? status : said.code;
        retry_after_ms = said.retry_after_ms > retry_after_ms ? said.retry_after_ms : retry_after_ms;
        snprintf(message, sizeof message, "%s%s(%d)", said.message,
                 said.message[0] ? " " : "the server refused ", status);
        switch (status) {
        case 401:
                note_failure(r, now, MV_REFLECTOR_UNAUTHORIZED, message);
                retry(r, now, resumption(r), 0);
                if (r->status.failures == 1)
                        r->at = now + RENEWAL_MS;
                break;
        case 403:
                refuse(r, now, message);
                break;
        case 404:
                /* One answer to a watch, of a server that has just started maybe, is not believed: the list says. */
                if (r->mode == MODE_WATCH) {
                        relist(r, now, MV_REFLECTOR_ABSENT, message);
                        break;
                }
                r->status.errors[MV_REFLECTOR_ABSENT]++;
                suspend(r, message);
                break;
        case 410:
                relist(r, now, MV_REFLECTOR_EXPIRED, message);
                break;
        case 429:
        case 503:
                note_failure(r, now, MV_REFLECTOR_THROTTLED, message);
                r->failures =
                        retry_after_ms > 0 ? 1 : r->failures; /* it says how long: pauses need not grow */
                retry(r, now, resumption(r), retry_after_ms);
                break;
        default:
                if (r->mode == MODE_STREAM && (event || status < 500)) {
                        r->status.errors[MV_REFLECTOR_REFUSED]++;
                        list_in_pages(r, now);
                        break;
                }
                if (r->mode == MODE_STREAM) {
                        fail_stream(r, now, MV_REFLECTOR_REFUSED, message);
                        break;
                }
                note_failure(r, now, MV_REFLECTOR_REFUSED, message);
                /* Of a watch that is refused for what it asks for, the list is made again. */
                retry(r, now, status >= 500 && !said.future_version ? resumption(r) : MODE_LIST,
                      retry_after_ms);
        }
}

/* --- streams --- */

/* Returns whether the stream goes on. */
static bool take_event(struct mv_reflector *r, long long now, const struct mv_kube_event *event) {
        r->status.events++;
        r->status.event_ms = now;
        if (event->type == MV_EVENT_ERROR) {
                judge_status(r, now, 0, event->object, -1);
                return false;
        }
        r->heard = true;
        if (r->mode == MODE_WATCH)
                contact(r, now);
        else if (event->type != MV_EVENT_BOOKMARK)
                begin(r);
        int code = 0;
        switch (event->type) {
        case MV_EVENT_ADDED:
        case MV_EVENT_MODIFIED:
                code = put(r, event->object, NULL);
                break;
        case MV_EVENT_DELETED:
                r->sink->remove(r->context, event->namespace, event->name);
                break;
        case MV_EVENT_BOOKMARK:
                if (r->mode != MODE_STREAM || event->initial_end)
                        break;
                if (now - r->sent_at < UNMARKED_MS)
                        return true;
                /* An ordinary watch: sendInitialEvents is not known there. */
                list_in_pages(r, now);
                return false;
        case MV_EVENT_OTHER:
        case MV_EVENT_ERROR:
                break;
        }
        if (code < 0 || !mv_reflector_keep_version(&r->status, event->resource_version)) {
                fail(r, now, code < 0 ? MV_REFLECTOR_MEMORY : MV_REFLECTOR_MALFORMED,
                     code < 0 ? "out of memory" : "a resourceVersion is too long", MODE_LIST);
                return false;
        }
        if (event->type == MV_EVENT_BOOKMARK && r->mode == MODE_STREAM) {
                begin(r); /* a list of nothing */
                complete(r, now);
        }
        return true;
}

static const char *why_broken(const struct mv_reflector_answer *answer) {
        return answer->message && answer->message[0] ? answer->message : "there was no answer";
}

static int stop_stream(struct mv_reflector *r, struct mv_err *err) {
        mv_kube_lines_clear(&r->lines);
        return mv_err_set(err, MV_EIO, "%s",
                          r->status.reason[0] ? r->status.reason : "the stream is not wanted");
}

void mv_reflector_started(struct mv_reflector *r, long long now) {
        r->heard_at = now;
        if (r->accepted_at < 0)
                r->accepted_at = now;
        if (r->mode == MODE_WATCH && !r->judged && r->steady_since < 0)
                r->steady_since = now;
}

int mv_reflector_data(struct mv_reflector *r, long long now, struct mv_str piece, struct mv_err *err) {
        struct mv_str line;
        if (r->judged)
                return stop_stream(r, err);
        mv_reflector_started(r, now);
        if (!mv_kube_lines_add(&r->lines, piece)) {
                fail(r, now, MV_REFLECTOR_MEMORY, "out of memory", MODE_LIST);
                return stop_stream(r, err);
        }
        while (mv_kube_lines_next(&r->lines, &line)) {
                struct mv_kube_event event;
                struct mv_err why = { 0 };
                if (mv_kube_event_read(line, &event, &why) < 0) {
                        char message[160];
                        snprintf(message, sizeof message, "the watch brought no event: %.100s", why.message);
                        fail(r, now, MV_REFLECTOR_MALFORMED, message, MODE_LIST);
                        return stop_stream(r, err);
                }
                if (!take_event(r, now, &event))
                        return stop_stream(r, err);
        }
        if (mv_kube_lines_rest(&r->lines) > MV_REFLECTOR_MOST_EVENT) {
                fail(r, now, MV_REFLECTOR_MALFORMED, "an event is larger than 16 MiB", MODE_LIST);
                return stop_stream(r, err);
        }
        return 0;
}

/* Without an error of its own, the server has ended it cleanly: its time was over. */
static void end_stream(struct mv_reflector *r, long long now, const struct mv_reflector_answer *answer) {
        bool broken = answer->code != 0 || answer->status == 0;
        bool brief = now - r->sent_at < SHORT_WATCH_MS;
        bool stood = now - (r->accepted_at < 0 ? r->sent_at : r->accepted_at) >= STANDING_MS;
        const char *message = broken ? why_broken(answer) : "watches end at once";
        if (r->mode == MODE_STREAM) {
                fail_stream(r, now, MV_REFLECTOR_CONNECTION, message);
                return;
        }
        if (broken ? brief || r->accepted_at < 0 : !stood && !r->heard) {
                fail(r, now, MV_REFLECTOR_CONNECTION, message, MODE_WATCH);
                return;
        }
        if (broken) {
                note_failure(r, now, MV_REFLECTOR_CONNECTION, message);
                r->judged = true;
        }
        r->at = brief ? r->sent_at + SHORT_WATCH_MS : now;
}

/* --- pages --- */

static void take_page(struct mv_reflector *r, long long now, struct mv_str body) {
        struct mv_kube_page page;
        struct mv_err err = { 0 };
        char message[160];
        begin(r);
        int code = mv_kube_page_read(body, put, r, &page, &err);
        if (code == 0 && !mv_reflector_keep_version(&r->status, page.resource_version))
                code = mv_err_set(&err, MV_ETYPE, "resourceVersion is too long");
        if (code < 0) {
                snprintf(message, sizeof message, "the list cannot be read: %.100s", err.message);
                fail(r, now, code == MV_ENOMEM ? MV_REFLECTOR_MEMORY : MV_REFLECTOR_MALFORMED, message,
                     MODE_LIST);
                return;
        }
        if (page.next.n && mv_str_equal(page.next, mv_buf_str(&r->token))) {
                fail(r, now, MV_REFLECTOR_MALFORMED, "a page of the list says that it comes next", MODE_LIST);
                return;
        }
        mv_buf_clear(&r->token);
        mv_buf_append_str(&r->token, page.next);
        if (mv_buf_failed(&r->token))
                fail(r, now, MV_REFLECTOR_MALFORMED, "a token for the next page is too long", MODE_LIST);
        else if (!page.next.n)
                complete(r, now);
        r->at = r->judged ? r->at : now;
}

void mv_reflector_done(struct mv_reflector *r, long long now, const struct mv_reflector_answer *answer) {
        bool streams = r->mode == MODE_STREAM || r->mode == MODE_WATCH;
        bool broken = answer->status == 0 || answer->code;
        r->in_flight = false;
        mv_kube_lines_clear(&r->lines);
        if (r->judged)
                return;
        if (streams && (broken || answer->status / 100 == 2))
                end_stream(r, now, answer);
        else if (broken) {
                /* Objects may be so large that a page of them is too much. */
                bool large = answer->code == MV_ELIMIT && r->page > 1;
                r->page = large ? r->page / 2 : r->page;
                fail(r, now, large ? MV_REFLECTOR_MALFORMED : MV_REFLECTOR_CONNECTION, why_broken(answer),
                     MODE_LIST);
        } else if (answer->status / 100 == 2)
                take_page(r, now, answer->body);
        else
                judge_status(r, now, answer->status, answer->body, answer->retry_after_ms);
}

/* --- requests --- */

static void write_query(struct mv_reflector *r) {
        struct mv_str path = mv_str_from(r->path), selector = mv_str_from(r->selector);
        if (r->mode == MODE_PAGE)
                mv_kube_page_query(&r->query, path, selector, r->page, mv_buf_str(&r->token));
        else
                mv_kube_watch_query(&r->query, path, selector,
                                    WATCH_S + (unsigned)(mv_random_next(&r->random) % (WATCH_S + 1)),
                                    mv_str_from(r->mode == MODE_STREAM ? "" : r->status.resource_version));
}

static void send_request(struct mv_reflector *r, long long now, struct mv_reflector_step *ret) {
        if (r->mode == MODE_LIST) {
                r->mode = r->once || r->server->no_streaming ? MODE_PAGE : MODE_STREAM;
                mv_buf_clear(&r->token);
        }
        write_query(r);
        if (mv_buf_failed(&r->query)) {
                fail(r, now, MV_REFLECTOR_MEMORY, "out of memory", MODE_LIST);
                *ret = (struct mv_reflector_step){ .what = MV_REFLECTOR_WAIT, .until_ms = r->at };
                return;
        }
        r->in_flight = true;
        r->judged = false;
        r->heard = false;
        r->accepted_at = -1;
        r->sent_at = r->heard_at = now;
        mv_kube_lines_clear(&r->lines);
        *ret = (struct mv_reflector_step){ .what = MV_REFLECTOR_REQUEST,
                                           .path = mv_buf_str(&r->query),
                                           .stream = r->mode != MODE_PAGE };
}

/* When to look again at a request that is in flight. */
static bool is_stalled(struct mv_reflector *r, long long now, long long *until) {
        long long at = r->heard_at + STALLED_MS;
        if (!r->in_flight || r->mode != MODE_STREAM || r->judged)
                return false;
        *until = at < *until ? at : *until;
        return now >= at;
}

/* Tells what is known now. Returns whether the watch in flight is of no more use. */
static bool look_for_loss(struct mv_reflector *r, long long now, long long *until) {
        bool watches = r->in_flight && r->mode == MODE_WATCH && !r->judged;
        long long stands_at = r->accepted_at + STANDING_MS;
        if (watches && r->status.down_ms >= 0 && r->accepted_at >= 0) {
                if (now >= stands_at)
                        contact(r, now);
                else
                        *until = stands_at;
        }
        enum mv_knowledge knowledge =
                r->once ? r->status.knowledge : mv_reflector_age(&r->status, now, until);
        if (knowledge != r->status.knowledge)
                know(r, knowledge, r->status.reason);
        if (knowledge != MV_KNOWLEDGE_OUTDATED || r->mode != MODE_WATCH)
                return false;
        /* What is not shown any more need not be resumed. */
        r->mode = MODE_LIST;
        r->in_flight = r->in_flight && !watches;
        r->at = watches ? now : r->at;
        return watches;
}

void mv_reflector_next(struct mv_reflector *r, long long now, struct mv_reflector_step *ret) {
        long long until = LLONG_MAX;
        *ret = (struct mv_reflector_step){ .what = MV_REFLECTOR_NOTHING };
        if (look_for_loss(r, now, &until)) {
                ret->what = MV_REFLECTOR_CANCEL;
                return;
        }
        if (is_stalled(r, now, &until)) {
                r->in_flight = false;
                if (r->heard) /* it has answered with events that do not end: an old server's watch */
                        list_in_pages(r, now);
                else
                        fail(r, now, MV_REFLECTOR_CONNECTION, "the list does not come", MODE_LIST);
                ret->what = MV_REFLECTOR_CANCEL;
                return;
        }
        if (!r->in_flight && r->mode != MODE_SUSPENDED && !r->status.finished) {
                if (now >= r->at) {
                        send_request(r, now, ret);
                        return;
                }
                until = r->at < until ? r->at : until;
        }
        if (until != LLONG_MAX)
                *ret = (struct mv_reflector_step){ .what = MV_REFLECTOR_WAIT, .until_ms = until };
}

void mv_reflector_suspend(struct mv_reflector *r, const char *reason) {
        r->in_flight = false;
        suspend(r, reason);
}

void mv_reflector_resume(struct mv_reflector *r, long long now) {
        if (r->mode != MODE_SUSPENDED)
                return;
        r->mode = MODE_LIST;
        r->at = now;
        know(r, MV_KNOWLEDGE_NONE, "not listed yet");
}

void mv_reflector_hurry(struct mv_reflector *r, long long now) {
        long long at = now + mv_reflector_pause(&r->random, 1);
        if (!r->in_flight && r->unreached && at < r->at)
                r->at = at;
}

const struct mv_reflector_status *mv_reflector_status(const struct mv_reflector *r) {
        return &r->status;
}

/* --- life --- */

struct mv_reflector *mv_reflector_new(const struct mv_reflector_options *options) {
        struct mv_reflector *r = calloc(1, sizeof *r);
        if (!r)
                return NULL;
        *r = (struct mv_reflector){ .path = strndup(options->path.p, options->path.n),
                                    .selector = strndup(options->selector.n ? options->selector.p : "",
                                                        options->selector.n),
                                    .once = options->once,
                                    .server = options->server,
                                    .sink = options->sink,
                                    .context = options->context,
                                    .random = options->seed,
                                    .at = LLONG_MIN,
                                    .page = MV_REFLECTOR_PAGE,
                                    .steady_since = -1,
                                    .relisted_at = -1,
                                    .status = mv_reflector_status_none };
        mv_kube_lines_init(&r->lines, MV_REFLECTOR_MOST_EVENT);
        mv_buf_init(&r->query, &mv_allocator_system, 1 << 16);
        mv_buf_init(&r->token, &mv_allocator_system, 1 << 14);
        if (!r->path || !r->selector)
                return mv_reflector_free(r);
        return r;
}

struct mv_reflector *mv_reflector_free(struct mv_reflector *r) {
        if (!r)
                return NULL;
        abandon(r);
        mv_kube_lines_done(&r->lines);
        mv_buf_done(&r->query);
        mv_buf_done(&r->token);
        free(r->path);
        free(r->selector);
        free(r);
        return NULL;
}
