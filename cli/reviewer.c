/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reviewer.h"

#include "cli/serve_audit.h"
#include "policy/base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* An instance, its claims, their volumes and classes: what one names is known when it is there. */
enum { MOST_PUT_OFFS = 4 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t arena_key;

static void free_arena(void *memory) {
        struct mv_arena *arena = memory;
        mv_arena_done(arena);
        free(arena);
}

static void make_key(void) {
        pthread_key_create(&arena_key, free_arena);
}

/* The arena of this server thread, cleared. It outlives the answer: the request's log line points into it. */
static struct mv_arena *thread_arena(void) {
        pthread_once(&once, make_key);
        struct mv_arena *arena = pthread_getspecific(arena_key);
        if (arena) {
                mv_arena_clear(arena);
                return arena;
        }
        arena = malloc(sizeof *arena);
        if (!arena)
                return NULL;
        mv_arena_init(arena, &mv_allocator_system, 0);
        if (pthread_setspecific(arena_key, arena) != 0) {
                free(arena);
                return NULL;
        }
        return arena;
}

static void summarize(const struct mv_review_result *result, struct mv_review_summary *summary) {
        const struct mv_review_request *request = result->request;
        const struct mv_decision *decision = &result->decision;
        *summary = (struct mv_review_summary){
                .allowed = decision->allowed, .code = decision->code, .verdict = "", .level = ""
        };
        if (!request) {
                summary->allowed = false;
                return;
        }
        summary->uid = request->uid;
        summary->operation = request->operation;
        summary->resource = request->resource.resource;
        summary->namespace = request->namespace;
        summary->name = request->name;
        summary->user = request->user.username;
        summary->dry_run = request->dry_run;
        if (!result->judged)
                return;
        /* Verdicts and levels are literals, so they end with a NUL byte. */
        summary->verdict = decision->verdict.n ? decision->verdict.p : "";
        summary->level = decision->level.n ? decision->level.p : "";
        summary->rules = decision->rules;
}

static bool is_over(void *context) {
        const long long *deadline_ns = context;
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (long long)now.tv_sec * 1000000000 + now.tv_nsec > *deadline_ns;
}

static uint64_t hash_missing(const struct mv_missing *missing) {
        return mv_hash_add(mv_hash_add(MV_HASH_START + (uint64_t)missing->kind, missing->namespace),
                           missing->name);
}

/* A note's words are the hashes of what was asked for; the bits of its answer say of which of them all is known. */
static bool note_find(const struct mv_review_note *note, const struct mv_missing *missing, size_t *ret) {
        uint64_t hash = hash_missing(missing);
        for (size_t i = 0; i < note->n; i++)
                if (note->words[i] == hash) {
                        *ret = i;
                        return true;
                }
        return false;
}

bool mv_reviewer_is_unknown(const struct mv_fetcher *fetcher, const struct mv_review_note *note,
                            const struct mv_missing *missing) {
        size_t at;
        return fetcher->wants(fetcher->context, missing) &&
               !(note_find(note, missing, &at) && (note->answer >> at & 1));
}

/* It was not asked for before, and is noted now. */
static bool note_missing(struct mv_review_note *note, const struct mv_missing *missing) {
        size_t at;
        if (note_find(note, missing, &at) || note->n == sizeof note->words / sizeof *note->words)
                return false;
        note->words[note->n++] = hash_missing(missing);
        return true;
}

struct question {
        void (*resume)(void *ticket, uint64_t answer);
        void *ticket;
        size_t first; /* of the note's words */
};

static void answered(void *context, uint64_t known) {
        struct question question = *(struct question *)context;
        free(context);
        question.resume(question.ticket, known << question.first);
}

/* Ask for what was missing. True: the request was put off. */
static bool fetch_missing(const struct mv_fetcher *fetcher, const struct mv_review_call *call,
                          const struct mv_review_result *result) {
        struct mv_missing wanted[MV_MOST_MISSING];
        size_t n = 0, first = call->note->n;
        for (size_t i = 0; i < result->n_missing; i++)
                if (fetcher->wants(fetcher->context, &result->missing[i]) &&
                    note_missing(call->note, &result->missing[i]))
                        wanted[n++] = result->missing[i];
        struct question *question = n ? malloc(sizeof *question) : NULL;
        if (!question)
                return false;
        /* First, since the answer may be there before the question returns. */
        void *ticket = call->put_off(call);
        if (!ticket) {
                free(question);
                return false;
        }
        *question = (struct question){ call->resume, ticket, first };
        if (!fetcher->fetch(fetcher->context, wanted, n, call->deadline_ns, answered, question))
                answered(question, 0);
        return true;
}

static int review(void *context, const struct mv_review_call *call, struct mv_buf *response,
                  struct mv_review_summary *summary) {
        struct mv_reviewer *reviewer = context;
        struct mv_arena *arena = thread_arena();
        long long deadline_ns = call->deadline_ns;
        if (!arena)
                return 503;
        const struct mv_config *config = mv_config_borrow(reviewer->configs);
        arena->cap = mv_review_memory(config, call->body.n);
        const struct mv_snapshot *snapshot = mv_store_borrow(reviewer->store);
        const struct mv_review_input input = {
                .arena = arena,
                .snapshot = snapshot,
                .config = config,
                .version = reviewer->version,
                .mirror = reviewer->live ? config->mirror : MV_MIRROR_DENY,
                .live = reviewer->live,
                .mutate = call->mutate,
                .expired = is_over,
                .context = &deadline_ns,
        };
        struct mv_review_result result;
        int status = mv_review_answer(&input, call->body, response, &result);
        if (reviewer->fetcher && call->put_offs < MOST_PUT_OFFS && result.n_missing &&
            fetch_missing(reviewer->fetcher, call, &result))
                status = MV_REVIEW_PUT_OFF;
        else {
                summarize(&result, summary);
                if (!call->mutate)
                        mv_serve_audit_reviewed(reviewer->audit, &result);
        }
        mv_store_return(reviewer->store, snapshot);
        mv_config_return(reviewer->configs, config);
        return status;
}

void mv_reviewer_init(struct mv_reviewer *reviewer, struct mv_store *store, struct mv_config_watch *configs) {
        *reviewer = (struct mv_reviewer){
                .store = store,
                .configs = configs,
                .backend = { .review = review, .context = reviewer },
        };
}
