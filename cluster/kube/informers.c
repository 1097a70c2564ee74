/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/informers.h"

#include "certs/certificate.h"
#include "certs/clock.h"
#include "cluster/kube/discover.h"
#include "cluster/kube/jitter.h"
#include "cluster/kube/names.h"
#include "cluster/kube/resources.h"
#include "cluster/kube/wire.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
        ABSENT_MS = 10 * 1000,  /* discovery, while a needed kind is not there */
        PRESENT_MS = 30 * 1000, /* and while all are */
        PAGE_MS = 60 * 1000,    /* longest answer to one page */
        IDLE_MS = 90 * 1000,    /* bookmarks come every minute */
        UNREAD_MS = 60 * 1000,  /* between two lines of the log on objects that cannot be read */
        MISSED = 2, /* times that discovery does not name a kind whose watch goes on, until it is believed */
};

/* One selector of a kind. */
struct informer {
        struct mv_kube_informers *owner;
        enum mv_kind kind;
        struct mv_reflector *reflector; /* NULL: the server was not asked for the kind yet */
        struct mv_kube_call *call;      /* in flight; NULL */
        enum mv_knowledge knowledge;
        char reason[320];
        unsigned long long unread;                  /* objects that could not be read, as of the last look */
        char unread_told[MV_REFLECTOR_ERROR_BYTES]; /* what the log says of them */
        long long unread_at;                        /* it says no more before */
        /* Where several selectors share a kind, which of its objects are of this one. */
        struct mv_kube_names names;
};

struct mv_kube_informers {
        struct mv_kube_client *client;
        struct mv_live *live;
        uint64_t kinds, named_kinds;
        bool once;
        const struct mv_logger *logger;
        void (*named)(void *context, enum mv_kind kind, struct mv_str namespace, struct mv_str name);
        void *context;
        struct mv_kube_discover *discover;
        struct mv_reflector_server server;
        struct informer informers[MV_KIND_COUNT][MV_KUBE_MOST_SELECTORS];
        const char *versions[MV_KIND_COUNT]; /* that the reflectors ask for */
        unsigned guess[MV_KIND_COUNT];       /* which of its versions, where discovery does not say */
        bool wrong[MV_KIND_COUNT];           /* that one is not there: the next is to be tried */
        unsigned missed[MV_KIND_COUNT];      /* answers of discovery in a row without the kind */
        bool known[MV_KIND_COUNT];           /* the live cluster was told what follows */
        enum mv_knowledge knowledge[MV_KIND_COUNT];
        char reasons[MV_KIND_COUNT][320];
        uint64_t random;
};

static bool is_needed(const struct mv_kube_informers *informers, enum mv_kind kind) {
        return informers->kinds >> kind & 1;
}

static bool is_shared(enum mv_kind kind) {
        return mv_kube_resources[kind].selectors[0] && mv_kube_resources[kind].selectors[1];
}

/* How many selectors; at least one. */
static size_t count_of(enum mv_kind kind) {
        const char *const *selectors = mv_kube_resources[kind].selectors;
        return selectors[0] && selectors[1] ? 2 : 1;
}

/* --- what is known of a kind --- */

static void log_knowledge(const struct mv_kube_informers *informers, enum mv_kind kind) {
        static const char *const messages[] = {
                [MV_KNOWLEDGE_NAMED] = "objects are known, as far as they are read",
                [MV_KNOWLEDGE_NONE] = "objects are not known yet",
                [MV_KNOWLEDGE_ALL] = "objects are known",
                [MV_KNOWLEDGE_ABSENT] = "the server does not have the kind",
                [MV_KNOWLEDGE_FORBIDDEN] = "objects may not be listed",
                [MV_KNOWLEDGE_LOST] = "the server does not answer: what is known may be old",
                [MV_KNOWLEDGE_OUTDATED] = "the server does not answer: what was known is too old to judge by",
        };
        if (!informers->logger)
                return;
        enum mv_knowledge knowledge = informers->knowledge[kind];
        char objects[24];
        snprintf(objects, sizeof objects, "%zu", mv_live_count(informers->live, kind));
        struct mv_log_field fields[] = {
                { "kind", mv_str_from(mv_kinds[kind].kind) },
                { "objects", mv_str_from(objects) },
                { "reason", mv_str_from(informers->reasons[kind]) },
        };
        static const enum mv_log_level levels[] = {
                [MV_KNOWLEDGE_NAMED] = MV_LOG_INFO,        [MV_KNOWLEDGE_NONE] = MV_LOG_DEBUG,
                [MV_KNOWLEDGE_ALL] = MV_LOG_INFO,          [MV_KNOWLEDGE_ABSENT] = MV_LOG_INFO,
                [MV_KNOWLEDGE_FORBIDDEN] = MV_LOG_WARNING, [MV_KNOWLEDGE_LOST] = MV_LOG_WARNING,
                [MV_KNOWLEDGE_OUTDATED] = MV_LOG_WARNING
        };
        informers->logger->line(informers->logger->context, levels[knowledge], "cluster", messages[knowledge],
                                fields, informers->reasons[kind][0] ? 3 : 2);
}

static void know_kind(struct mv_kube_informers *informers, enum mv_kind kind, enum mv_knowledge knowledge,
                      const char *reason) {
        bool other = knowledge != informers->knowledge[kind], first = !informers->known[kind];
        if (!first && !other && strcmp(reason, informers->reasons[kind]) == 0)
                return;
        informers->known[kind] = true;
        informers->knowledge[kind] = knowledge;
        snprintf(informers->reasons[kind], sizeof informers->reasons[kind], "%s", reason);
        mv_live_know(informers->live, kind, knowledge, mv_str_from(informers->reasons[kind]));
        if (other && !first)
                log_knowledge(informers, kind);
}

/* Of several selectors the one of which least is known speaks for the kind. */
static void sum_up(struct mv_kube_informers *informers, enum mv_kind kind) {
        static const enum mv_knowledge order[] = { MV_KNOWLEDGE_FORBIDDEN, MV_KNOWLEDGE_NONE,
                                                   MV_KNOWLEDGE_OUTDATED, MV_KNOWLEDGE_LOST,
                                                   MV_KNOWLEDGE_ABSENT };
        const struct informer *all = informers->informers[kind];
        const char *some = mv_kube_resources[kind].some;
        for (size_t i = 0; i < sizeof order / sizeof *order; i++)
                for (size_t j = 0; j < count_of(kind); j++)
                        if (all[j].knowledge == order[i]) {
                                know_kind(informers, kind, order[i], all[j].reason);
                                return;
                        }
        know_kind(informers, kind, some ? MV_KNOWLEDGE_NAMED : MV_KNOWLEDGE_ALL, some ? some : "");
}

/* --- from the reflectors to the live cluster --- */

static void sink_begin(void *context) {
        struct informer *informer = context;
        if (is_shared(informer->kind))
                mv_kube_names_begin(&informer->names);
        else
                mv_live_begin(informer->owner->live, informer->kind);
}

static int sink_put(void *context, struct mv_str json, struct mv_err *err) {
        struct informer *informer = context;
        struct mv_kube_informers *owner = informer->owner;
        bool shared = is_shared(informer->kind), named = owner->named_kinds >> informer->kind & 1;
        struct mv_str namespace, name;
        if ((shared || named) && mv_kube_object_name(json, &namespace, &name, err) < 0)
                return err ? err->code : MV_ETYPE;
        if (named)
                owner->named(owner->context, informer->kind, namespace, name);
        if (shared && !mv_kube_names_add(&informer->names, namespace, name))
                return mv_err_oom(err);
        int r = mv_live_put(owner->live, informer->kind, json, err);
        return r;
}

static void sink_remove(void *context, struct mv_str namespace, struct mv_str name) {
        struct informer *informer = context;
        struct mv_kube_informers *owner = informer->owner;
        if (owner->named_kinds >> informer->kind & 1)
                owner->named(owner->context, informer->kind, namespace, name);
        if (is_shared(informer->kind))
                mv_kube_names_remove(&informer->names, namespace, name);
        mv_live_remove(owner->live, informer->kind, namespace, name);
}

static void drop_name(void *context, struct mv_str namespace, struct mv_str name) {
        struct informer *informer = context;
        mv_live_remove(informer->owner->live, informer->kind, namespace, name);
}

static void sink_end(void *context) {
        struct informer *informer = context;
        if (is_shared(informer->kind))
                mv_kube_names_end(&informer->names, drop_name, informer);
        else
                mv_live_end(informer->owner->live, informer->kind);
}

static void sink_abandon(void *context) {
        struct informer *informer = context;
        if (!is_shared(informer->kind))
                mv_live_abandon(informer->owner->live, informer->kind);
}

/* The version was a guess, and there is another one to try: the kind may be there all the same. */
static bool is_wrong_guess(struct mv_kube_informers *informers, enum mv_kind kind) {
        return mv_kube_discover_is_guess(informers->discover, kind) &&
               mv_kube_resources[kind].versions[informers->guess[kind] + 1];
}

/* Why that is known, in words; of what is too old also since when it is not read. */
static void tell_since(struct informer *informer, struct mv_str reason) {
        char since[MV_TIME_TEXT], text[MV_TIME_TEXT + 32] = "";
        long long ago_ms = informer->knowledge == MV_KNOWLEDGE_OUTDATED
                                   ? mv_clock_ms() - mv_reflector_status(informer->reflector)->down_ms
                                   : 0;
        if (ago_ms)
                snprintf(text, sizeof text,
                         "not read since %s: ", mv_time_format(time(NULL) - (time_t)(ago_ms / 1000), since));
        snprintf(informer->reason, sizeof informer->reason, "%s%.*s", text, MV_STR_ARG(reason));
}

static void sink_know(void *context, enum mv_knowledge knowledge, struct mv_str reason) {
        struct informer *informer = context;
        struct mv_kube_informers *owner = informer->owner;
        if (knowledge == MV_KNOWLEDGE_ABSENT && is_wrong_guess(owner, informer->kind)) {
                owner->wrong[informer->kind] = true;
                knowledge = MV_KNOWLEDGE_NONE;
        }
        /* All were tried before: until one is there, trying them again is no news. */
        if (knowledge == MV_KNOWLEDGE_NONE && informer->knowledge == MV_KNOWLEDGE_ABSENT &&
            mv_kube_discover_is_guess(owner->discover, informer->kind))
                return;
        informer->knowledge = knowledge;
        tell_since(informer, reason);
        sum_up(owner, informer->kind);
        if (knowledge == MV_KNOWLEDGE_ABSENT && !owner->once)
                mv_kube_discover_again(owner->discover, mv_clock_ms() + ABSENT_MS);
}

static const struct mv_reflector_sink sink = {
        .begin = sink_begin,
        .put = sink_put,
        .remove = sink_remove,
        .end = sink_end,
        .abandon = sink_abandon,
        .know = sink_know,
};

/* Each object that cannot be read is told of once, and of many only some. */
static void tell_unread(struct informer *informer, long long now) {
        const struct mv_logger *logger = informer->owner->logger;
        const struct mv_reflector_status *status = mv_reflector_status(informer->reflector);
        if (status->errors[MV_REFLECTOR_OBJECT] == informer->unread || now < informer->unread_at)
                return;
        informer->unread = status->errors[MV_REFLECTOR_OBJECT];
        if (!status->object_error[0] || strcmp(status->object_error, informer->unread_told) == 0)
                return;
        memcpy(informer->unread_told, status->object_error, sizeof informer->unread_told);
        informer->unread_at = now + UNREAD_MS;
        const struct mv_log_field fields[] = {
                { "kind", mv_str_from(mv_kinds[informer->kind].kind) },
                { "error", mv_str_from(informer->unread_told) },
        };
        if (logger)
                logger->line(logger->context, MV_LOG_WARNING, "cluster", "an object cannot be read", fields,
                             2);
}

/* --- requests --- */

static int data(void *context, struct mv_str piece, struct mv_err *err) {
        struct informer *informer = context;
        return mv_reflector_data(informer->reflector, mv_clock_ms(), piece, err);
}

static void started(void *context) {
        struct informer *informer = context;
        mv_reflector_started(informer->reflector, mv_clock_ms());
}

static void done(void *context, const struct mv_kube_response *response) {
        struct informer *informer = context;
        informer->call = NULL;
        mv_reflector_done(informer->reflector, mv_clock_ms(),
                          &(struct mv_reflector_answer){ .status = response->status,
                                                         .code = response->status ? 0 : response->err.code,
                                                         .message = response->err.message,
                                                         .body = response->body,
                                                         .retry_after_ms = response->retry_after_ms });
        tell_unread(informer, mv_clock_ms());
}

static void cancel(struct informer *informer) {
        if (informer->call)
                mv_kube_client_cancel(informer->owner->client, informer->call);
        informer->call = NULL;
}

static void send_request(struct informer *informer, const struct mv_reflector_step *step, long long now) {
        struct mv_err err = { 0 };
        informer->call = mv_kube_client_start(
                informer->owner->client,
                &(struct mv_kube_request){
                        .method = "GET",
                        .path = step->path,
                        .accept =
                                mv_kube_accept(informer->kind, step->stream ? MV_KUBE_STREAM : MV_KUBE_PAGE),
                        .timeout_ms = step->stream ? 0 : PAGE_MS,
                        .idle_ms = step->stream ? IDLE_MS : 0,
                        .started = step->stream ? started : NULL,
                        .data = step->stream ? data : NULL,
                        .done = done,
                        .context = informer },
                &err);
        if (!informer->call)
                mv_reflector_done(informer->reflector, now,
                                  &(struct mv_reflector_answer){
                                          .code = err.code, .message = err.message, .retry_after_ms = -1 });
}

static long long step_informer(struct informer *informer, long long now) {
        struct mv_reflector_step step;
        tell_unread(informer, now);
        mv_reflector_next(informer->reflector, now, &step);
        if (step.what == MV_REFLECTOR_CANCEL) {
                cancel(informer);
                mv_reflector_next(informer->reflector, now, &step);
        }
        if (step.what == MV_REFLECTOR_REQUEST) {
                send_request(informer, &step, now);
                mv_reflector_next(informer->reflector, now, &step);
        }
        return step.what == MV_REFLECTOR_WAIT ? step.until_ms : LLONG_MAX;
}

/* --- kinds come and go --- */

/* The kind is there, in that version. */
static void ask_for(struct mv_kube_informers *informers, enum mv_kind kind, const char *version) {
        bool same = informers->versions[kind] == version;
        struct mv_buf path;
        mv_buf_init(&path, &mv_allocator_system, 512);
        mv_kube_collection_path(&path, kind, version);
        informers->versions[kind] = version;
        for (size_t i = 0; i < count_of(kind); i++) {
                struct informer *informer = &informers->informers[kind][i];
                if (same && informer->reflector) {
                        mv_reflector_resume(informer->reflector, mv_clock_ms());
                        mv_reflector_hurry(informer->reflector, mv_clock_ms());
                        continue;
                }
                cancel(informer);
                mv_reflector_free(informer->reflector);
                const char *selector = mv_kube_resources[kind].selectors[i];
                informer->reflector = mv_reflector_new(
                        &(struct mv_reflector_options){ .path = mv_buf_str(&path),
                                                        .selector = mv_str_from(selector),
                                                        .once = informers->once,
                                                        .seed = mv_random_next(&informers->random),
                                                        .server = &informers->server,
                                                        .sink = &sink,
                                                        .context = informer });
                if (!informer->reflector) /* discovery will ask for it again */
                        informers->versions[kind] = NULL;
        }
        mv_buf_done(&path);
}

/* Of a kind whose version was a wrong guess, the next one. */
static void guess_again(struct mv_kube_informers *informers) {
        for (enum mv_kind kind = 0; kind < MV_KIND_COUNT; kind++) {
                const char *const *versions = mv_kube_resources[kind].versions;
                if (!informers->wrong[kind])
                        continue;
                informers->wrong[kind] = false;
                if (is_wrong_guess(informers, kind))
                        ask_for(informers, kind, versions[++informers->guess[kind]]);
        }
}

/* The one that answers, or the one to be tried first of those that did not. */
static const char *guess_of(struct mv_kube_informers *informers, enum mv_kind kind) {
        if (informers->knowledge[kind] == MV_KNOWLEDGE_ABSENT)
                informers->guess[kind] = 0;
        return mv_kube_resources[kind].versions[informers->guess[kind]];
}

/* The server does not have it. */
static void do_without(struct mv_kube_informers *informers, enum mv_kind kind) {
        const char *reason = "the server does not have this kind";
        for (size_t i = 0; i < count_of(kind); i++) {
                struct informer *informer = &informers->informers[kind][i];
                cancel(informer);
                if (informer->reflector)
                        mv_reflector_suspend(informer->reflector, reason);
                else
                        sink_know(informer, MV_KNOWLEDGE_ABSENT, mv_str_from(reason));
        }
}

static void discovered(void *context) {
        struct mv_kube_informers *informers = context;
        const struct mv_kube_discovery *discovery = mv_kube_discover_current(informers->discover);
        bool absent = false;
        for (enum mv_kind kind = 0; kind < MV_KIND_COUNT; kind++) {
                const char *version = discovery->versions[kind];
                if (!is_needed(informers, kind) || !mv_kube_resources[kind].listed)
                        continue;
                if (mv_kube_discover_is_guess(informers->discover, kind))
                        version = guess_of(informers, kind);
                absent |= !version;
                informers->missed[kind] = version ? 0 : informers->missed[kind] + 1;
                if (version)
                        ask_for(informers, kind, version);
                else if (!informers->versions[kind] || informers->missed[kind] >= MISSED)
                        /* An API server that has just started may not know all of its kinds for a moment. */
                        do_without(informers, kind);
        }
        mv_kube_discover_again(informers->discover,
                               informers->once ? LLONG_MAX
                                               : mv_clock_ms() + (absent ? ABSENT_MS : PRESENT_MS));
}

long long mv_kube_informers_step(struct mv_kube_informers *informers, long long now) {
        guess_again(informers);
        long long until = mv_kube_discover_step(informers->discover, now);
        for (enum mv_kind kind = 0; kind < MV_KIND_COUNT; kind++)
                for (size_t i = 0; i < count_of(kind); i++) {
                        struct informer *informer = &informers->informers[kind][i];
                        long long at = informer->reflector ? step_informer(informer, now) : LLONG_MAX;
                        if (at < until)
                                until = at;
                }
        return until;
}

/* --- questions --- */

static void add_status(struct mv_kube_kind_status *sum, const struct mv_reflector_status *one) {
        if (!sum->resource_version[0])
                memcpy(sum->resource_version, one->resource_version, sizeof sum->resource_version);
        if (one->synced_ms > sum->synced_ms)
                sum->synced_ms = one->synced_ms;
        if (one->event_ms > sum->event_ms)
                sum->event_ms = one->event_ms;
        if (one->failures > sum->failures)
                sum->failures = one->failures;
        if (!sum->object_error[0])
                memcpy(sum->object_error, one->object_error, sizeof sum->object_error);
        sum->events += one->events;
        sum->lists += one->lists;
        sum->restarts += one->restarts;
        for (size_t i = 0; i < MV_REFLECTOR_ERRORS; i++)
                sum->errors[i] += one->errors[i];
}

static bool is_settled(const struct mv_kube_informers *informers, enum mv_kind kind) {
        return informers->knowledge[kind] != MV_KNOWLEDGE_NONE &&
               informers->knowledge[kind] != MV_KNOWLEDGE_LOST &&
               informers->knowledge[kind] != MV_KNOWLEDGE_OUTDATED;
}

void mv_kube_informers_status(const struct mv_kube_informers *informers, enum mv_kind kind,
                              struct mv_kube_kind_status *ret) {
        *ret = (struct mv_kube_kind_status){ .needed = is_needed(informers, kind),
                                             .knowledge = informers->knowledge[kind],
                                             .version = informers->versions[kind],
                                             .objects = mv_live_count(informers->live, kind),
                                             .synced_ms = -1,
                                             .event_ms = -1,
                                             .settled = is_settled(informers, kind) };
        if (ret->knowledge == MV_KNOWLEDGE_ABSENT)
                ret->version = NULL;
        memcpy(ret->reason, informers->reasons[kind], sizeof ret->reason);
        for (size_t i = 0; i < count_of(kind); i++)
                if (informers->informers[kind][i].reflector)
                        add_status(ret, mv_reflector_status(informers->informers[kind][i].reflector));
}

bool mv_kube_informers_ready(const struct mv_kube_informers *informers) {
        for (enum mv_kind kind = 0; kind < MV_KIND_COUNT; kind++)
                if (is_needed(informers, kind) && !is_settled(informers, kind))
                        return false;
        return true;
}

unsigned mv_kube_informers_unreachable(const struct mv_kube_informers *informers, const struct mv_err **ret) {
        unsigned failures = mv_kube_discover_failures(informers->discover, ret);
        return mv_kube_discover_answers(informers->discover) ? 0 : failures;
}

unsigned long long mv_kube_informers_discoveries(const struct mv_kube_informers *informers) {
        return mv_kube_discover_answers(informers->discover);
}

const char *mv_kube_informers_version(const struct mv_kube_informers *informers, enum mv_kind kind,
                                      bool *ret_known) {
        bool guess = mv_kube_discover_is_guess(informers->discover, kind);
        *ret_known = mv_kube_discover_answers(informers->discover) != 0 && !guess;
        if (guess)
                return mv_kube_resources[kind].versions[informers->guess[kind]];
        return mv_kube_discover_current(informers->discover)->versions[kind];
}

void mv_kube_informers_name(struct mv_kube_informers *informers, uint64_t kinds) {
        informers->named_kinds = informers->named ? kinds : 0;
}

/* --- life --- */

static void begin_kind(struct mv_kube_informers *informers, enum mv_kind kind) {
        const struct mv_kube_resource *resource = &mv_kube_resources[kind];
        for (size_t i = 0; i < MV_KUBE_MOST_SELECTORS; i++)
                informers->informers[kind][i] =
                        (struct informer){ .owner = informers, .kind = kind, .knowledge = MV_KNOWLEDGE_NONE };
        if (!is_needed(informers, kind))
                know_kind(informers, kind, MV_KNOWLEDGE_NONE, "not asked for");
        else if (!resource->listed)
                know_kind(informers, kind, MV_KNOWLEDGE_NAMED, resource->some);
        else
                know_kind(informers, kind, MV_KNOWLEDGE_NONE, "the server was not asked yet");
}

struct mv_kube_informers *mv_kube_informers_new(const struct mv_kube_informers_options *options) {
        struct mv_kube_informers *informers = calloc(1, sizeof *informers);
        if (!informers)
                return NULL;
        informers->client = options->client;
        informers->live = options->live;
        informers->kinds = options->kinds;
        informers->once = options->once;
        informers->logger = options->logger;
        informers->named = options->named;
        informers->context = options->context;
        /* Replicas must not ask in step. */
        informers->random = (uint64_t)(uintptr_t)informers ^ (uint64_t)mv_clock_ms() << 20;
        informers->discover = mv_kube_discover_new(options->client, options->kinds, discovered, informers);
        if (!informers->discover) {
                free(informers);
                return NULL;
        }
        for (enum mv_kind kind = 0; kind < MV_KIND_COUNT; kind++)
                begin_kind(informers, kind);
        return informers;
}

struct mv_kube_informers *mv_kube_informers_free(struct mv_kube_informers *informers) {
        if (!informers)
                return NULL;
        for (enum mv_kind kind = 0; kind < MV_KIND_COUNT; kind++)
                for (size_t i = 0; i < MV_KUBE_MOST_SELECTORS; i++) {
                        struct informer *informer = &informers->informers[kind][i];
                        cancel(informer);
                        mv_reflector_free(informer->reflector);
                        mv_kube_names_done(&informer->names);
                }
        mv_kube_discover_free(informers->discover);
        free(informers);
        return NULL;
}
