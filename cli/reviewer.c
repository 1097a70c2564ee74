/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reviewer.h"

#include <pthread.h>
#include <stdlib.h>

enum { MEMORY_PER_REVIEW = 4 << 20 };

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
static struct mv_arena *thread_arena(size_t cap) {
        pthread_once(&once, make_key);
        struct mv_arena *arena = pthread_getspecific(arena_key);
        if (arena) {
                mv_arena_clear(arena);
                return arena;
        }
        arena = malloc(sizeof *arena);
        if (!arena)
                return NULL;
        mv_arena_init(arena, &mv_allocator_system, cap);
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
        if (!request)
                return;
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

static int review(void *context, bool mutate, struct mv_str body, long long deadline_ns,
                  struct mv_buf *response, struct mv_review_summary *summary) {
        struct mv_reviewer *reviewer = context;
        struct mv_arena *arena = thread_arena(reviewer->memory_per_review);
        (void)deadline_ns; /* a review takes microseconds and waits for nobody */
        if (!arena)
                return 503;
        const struct mv_snapshot *snapshot = mv_store_borrow(reviewer->store);
        const struct mv_review_input input = {
                .arena = arena,
                .snapshot = snapshot,
                .config = &reviewer->config,
                .version = reviewer->version,
                .mirror = reviewer->mirror,
                .mutate = mutate,
        };
        struct mv_review_result result;
        int status = mv_review_answer(&input, body, response, &result);
        summarize(&result, summary);
        mv_store_return(reviewer->store, snapshot);
        return status;
}

void mv_reviewer_init(struct mv_reviewer *reviewer, struct mv_store *store) {
        *reviewer = (struct mv_reviewer){
                .store = store,
                .mirror = MV_MIRROR_DENY,
                .memory_per_review = MEMORY_PER_REVIEW,
                .backend = { .review = review, .context = reviewer },
        };
        mv_decide_config_init(&reviewer->config);
}
