/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the answer to one review costs: how often it calls malloc, and how much of the request's arena it uses, when the
 * arena is warm. Under callgrind, which collects and dumps at `measured`, also how many instructions it takes.
 *
 *   review DIRECTORY [ROUNDS]    as tests/bench/cluster.py writes it; ROUNDS instead times so many answers to each
 *
 * Prints a JSON object with a line for each review, in the order of their names, which is that of callgrind's dumps.
 * A review whose name begins with `mutate-` is answered as /mutate.
 */
#include "policy/review.h"
#include "policy/snapshot/snapshot.h"
#include "tests/bench/support.h"

#include <glob.h>
#include <limits.h>
#include <string.h>

enum { WARM = 3, BATCHES = 50, RESPONSE_BYTES = 1 << 20 };

/* --- malloc, counted --- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nmemb, size_t size);
void *__libc_realloc(void *ptr, size_t size);

static size_t mallocs;

__attribute__((visibility("default"))) void *malloc(size_t size) {
        mallocs++;
        return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t nmemb, size_t size) {
        mallocs++;
        return __libc_calloc(nmemb, size);
}

__attribute__((visibility("default"))) void *realloc(void *ptr, size_t size) {
        mallocs++;
        return __libc_realloc(ptr, size);
}

/* --- the cluster --- */

static void each(const char *directory, const char *pattern, void (*with)(const char *name, void *context),
                 void *context) {
        char path[PATH_MAX];
        glob_t found;
        snprintf(path, sizeof path, "%s/%s", directory, pattern);
        if (glob(path, 0, NULL, &found) != 0)
                bench_stop("review: there are no such files in the directory");
        for (size_t i = 0; i < found.gl_pathc; i++)
                with(found.gl_pathv[i], context);
        globfree(&found);
}

static void add(const char *name, void *context) {
        struct bench_text text = bench_read(name);
        struct mv_err err = { 0 };
        if (mv_snapshot_builder_add(context, (struct mv_str){ text.p, text.n }, MV_STR("bench"), &err) < 0)
                bench_stop(err.message);
        free(text.p);
}

/* --- reviews --- */

struct asked {
        struct mv_arena arena;
        struct mv_snapshot *snapshot;
        struct mv_config config;
        size_t rounds; /* 0: count */
        bool more;     /* not the first that is printed */
};

int measured(const struct mv_review_input *input, struct mv_str body, struct mv_buf *response,
             struct mv_review_result *result);

/* Not static, so that the compiler leaves it and its name alone. */
__attribute__((noinline)) int measured(const struct mv_review_input *input, struct mv_str body,
                                       struct mv_buf *response, struct mv_review_result *result) {
        return mv_review_answer(input, body, response, result);
}

/* Bytes of the arena that are in use. */
static size_t used(const struct mv_arena *arena) {
        return arena->held - (size_t)(arena->end - arena->next);
}

static void answer(const char *name, void *context) {
        struct asked *asked = context;
        struct bench_text text = bench_read(name);
        const struct mv_str body = { text.p, text.n };
        const char *base = strrchr(name, '/') + 1;
        const struct mv_review_input input = {
                .arena = &asked->arena,
                .snapshot = asked->snapshot,
                .config = &asked->config,
                .version = MV_STR(""),
                .mirror = MV_MIRROR_DENY,
                .mutate = strncmp(base, "mutate-", 7) == 0,
        };
        struct mv_review_result result;
        struct mv_buf response;
        int status = 0;
        mv_buf_init(&response, &mv_allocator_system, RESPONSE_BYTES);
        asked->arena.cap = mv_review_memory(&asked->config, body.n);
        for (size_t i = 0; i < WARM; i++) {
                mv_arena_clear(&asked->arena);
                mv_buf_clear(&response);
                status = mv_review_answer(&input, body, &response, &result);
        }
        if (status != 200)
                bench_stop("review: this is no review");
        printf("%s\n  \"%.*s\": {", asked->more ? "," : "", (int)strcspn(base, "."), base);
        asked->more = true;
        if (asked->rounds) {
                /* The fastest of some batches: the one that was disturbed least. */
                double least = 1e9;
                for (size_t batch = 0; batch < BATCHES; batch++) {
                        double begun = bench_now();
                        for (size_t i = 0; i < asked->rounds; i++) {
                                mv_arena_clear(&asked->arena);
                                mv_buf_clear(&response);
                                mv_review_answer(&input, body, &response, &result);
                        }
                        double took = (bench_now() - begun) / (double)asked->rounds;
                        least = took < least ? took : least;
                }
                printf("\"microseconds\": %.2f}", least * 1e6);
        } else {
                mallocs = 0;
                mv_arena_clear(&asked->arena);
                mv_buf_clear(&response);
                measured(&input, body, &response, &result);
                printf("\"mallocs\": %zu, \"arenaBytes\": %zu, \"allowed\": %s}", mallocs,
                       used(&asked->arena), result.decision.allowed ? "true" : "false");
        }
        mv_buf_done(&response);
        free(text.p);
}

int main(int argc, char **argv) {
        struct asked asked = { .rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0 };
        struct mv_err err = { 0 };
        struct mv_snapshot_builder *builder =
                mv_snapshot_builder_new(&mv_allocator_system, MV_STR("default"));
        if (!builder || argc < 2 || argc > 3)
                bench_stop("usage: review DIRECTORY [ROUNDS]");
        each(argv[1], "cluster/*.json", add, builder);
        if (mv_snapshot_builder_finish(builder, &asked.snapshot, &err) < 0)
                bench_stop(err.message);
        mv_config_init(&asked.config);
        mv_arena_init(&asked.arena, &mv_allocator_system, 0);
        printf("{");
        each(argv[1], "reviews/*.json", answer, &asked);
        printf("\n}\n");
        mv_arena_done(&asked.arena);
        mv_snapshot_free(asked.snapshot);
        return 0;
}
