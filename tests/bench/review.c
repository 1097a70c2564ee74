/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the answer to one review costs: how often it calls malloc, and how much of the request's arena it uses, when the
 * arena is warm. Under callgrind, which collects and dumps at `measured`, also how many instructions it takes. Where receivers
 * would be told of the verdict, then the same of the event's text, and of its way into an outbox: `event-` and `append-`.
 *
 *   review DIRECTORY [ROUNDS]    as tests/bench/cluster.py writes it; ROUNDS instead times so many of each
 *
 * Prints a JSON object with a line for each, in the order of callgrind's dumps. The outbox is made in DIRECTORY.
 * A review whose name begins with `mutate-` is answered as /mutate.
 */
#include "policy/audit/audit.h"
#include "policy/cloud_event.h"
#include "policy/review.h"
#include "policy/snapshot/snapshot.h"
#include "tests/bench/support.h"
#include "webhook/deliver/outbox.h"

#include <glob.h>
#include <limits.h>
#include <string.h>

enum { WARM = 3, BATCHES = 50, RESPONSE_BYTES = 1 << 20, OUTBOX_BYTES = 1 << 30 };

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

/* --- reviews and events --- */

struct asked {
        struct mv_arena arena, event_arena;
        struct mv_snapshot *snapshot;
        struct mv_config config;
        struct mv_outbox *outbox;
        size_t rounds; /* 0: count */
        bool more;     /* not the first that is printed */

        /* The review that is asked about, and what became of it: */
        struct mv_str body;
        bool mutate;
        int status; /* or 0 and less, of what became of the event */
        struct mv_review_result result;
        struct mv_buf response, event;
        size_t split; /* of the event */
};

typedef void work_fn(struct asked *asked);

void measured(work_fn *work, struct asked *asked);

/* Not static, so that the compiler leaves it and its name alone. */
__attribute__((noinline)) void measured(work_fn *work, struct asked *asked) {
        work(asked);
}

/* Bytes of the arena that are in use. */
static size_t used(const struct mv_arena *arena) {
        return arena->held - (size_t)(arena->end - arena->next);
}

/* Prints what the work costs. */
static void count(struct asked *asked, work_fn *work, const struct mv_arena *arena, const char *what,
                  const char *name) {
        for (size_t i = 0; i < WARM; i++)
                work(asked);
        printf("%s\n  \"%s%.*s\": {", asked->more ? "," : "", what, (int)strcspn(name, "."), name);
        asked->more = true;
        if (asked->rounds) {
                /* The fastest of some batches: the one that was disturbed least. */
                double least = 1e9;
                for (size_t batch = 0; batch < BATCHES; batch++) {
                        double begun = bench_now();
                        for (size_t i = 0; i < asked->rounds; i++)
                                work(asked);
                        double took = (bench_now() - begun) / (double)asked->rounds;
                        least = took < least ? took : least;
                }
                printf("\"microseconds\": %.2f", least * 1e6);
        } else {
                mallocs = 0;
                measured(work, asked);
                printf("\"mallocs\": %zu, \"arenaBytes\": %zu", mallocs, arena ? used(arena) : 0);
        }
}

static void answer_review(struct asked *asked) {
        const struct mv_review_input input = {
                .arena = &asked->arena,
                .snapshot = asked->snapshot,
                .config = &asked->config,
                .version = MV_STR(""),
                .mirror = MV_MIRROR_DENY,
                .mutate = asked->mutate,
        };
        mv_arena_clear(&asked->arena);
        mv_buf_clear(&asked->response);
        asked->status = mv_review_answer(&input, asked->body, &asked->response, &asked->result);
}

static void make_event(struct asked *asked) {
        const struct mv_cloud_event event = {
                .id = asked->result.request->uid,
                .time = MV_STR("2026-11-27T00:00:00.000Z"),
                .cluster_name = MV_STR("bench"),
                .replica = MV_STR("migvet-0"),
                .verdict = asked->result.verdict,
                .allowed = asked->result.decision.allowed,
                .level = asked->result.decision.level,
                .operation = asked->result.request->operation,
        };
        mv_arena_clear(&asked->event_arena);
        mv_buf_clear(&asked->event);
        mv_cloud_event_render(&asked->event, &asked->event_arena, &event, &asked->split);
}

static void append_event(struct asked *asked) {
        const struct mv_subject *subject = &asked->result.verdict->subject;
        const struct mv_str event = mv_buf_str(&asked->event);
        const struct mv_outbox_record record = {
                .subject = subject->name,
                .kind = subject->kind,
                .namespace = subject->namespace,
                .verdict = mv_str_from(mv_verdict_word(asked->result.verdict->migratable)),
                .id = asked->result.request->uid,
                .time = MV_STR("2026-11-27T00:00:00.000Z"),
        };
        asked->status = mv_outbox_append(asked->outbox, &record, (struct mv_str){ event.p, asked->split },
                                         mv_str_skip(event, asked->split), NULL, 0, NULL, NULL);
}

/* As cli/reviewer.c has it. */
static bool is_told(const struct asked *asked) {
        const struct mv_review_result *result = &asked->result;
        return !asked->mutate && result->verdict &&
               (!result->before || mv_verdict_differs(result->before, result->verdict));
}

static void answer(const char *name, void *context) {
        struct asked *asked = context;
        struct bench_text text = bench_read(name);
        const char *base = strrchr(name, '/') + 1;
        asked->body = (struct mv_str){ text.p, text.n };
        asked->mutate = strncmp(base, "mutate-", 7) == 0;
        asked->arena.cap = mv_review_memory(&asked->config, text.n);
        mv_buf_init(&asked->response, &mv_allocator_system, RESPONSE_BYTES);
        mv_buf_init(&asked->event, &mv_allocator_system, MV_OUTBOX_RECORD_MAX);
        count(asked, answer_review, &asked->arena, "", base);
        if (asked->status != 200)
                bench_stop("review: this is no review");
        printf(asked->rounds ? "}" : ", \"allowed\": %s}", asked->result.decision.allowed ? "true" : "false");
        if (is_told(asked)) {
                count(asked, make_event, &asked->event_arena, "event-", base);
                printf("}");
                if (mv_buf_failed(&asked->event))
                        bench_stop("review: there is no event");
                count(asked, append_event, NULL, "append-", base);
                printf("}");
                if (asked->status < 0)
                        bench_stop("review: the outbox does not take the event");
        }
        mv_buf_done(&asked->response);
        mv_buf_done(&asked->event);
        free(text.p);
}

static void open_outbox(struct asked *asked, const char *directory) {
        char path[PATH_MAX];
        struct mv_err err = { 0 };
        const struct mv_outbox_options options = { .directory = path, .max_bytes = OUTBOX_BYTES };
        const struct mv_str receiver = MV_STR("bench");
        snprintf(path, sizeof path, "%s/outbox", directory);
        if (mv_outbox_open(&options, &asked->outbox, &err) < 0 ||
            mv_outbox_receivers(asked->outbox, &receiver, 1, &err) < 0)
                bench_stop(err.message);
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
        open_outbox(&asked, argv[1]);
        mv_config_init(&asked.config);
        mv_arena_init(&asked.arena, &mv_allocator_system, 0);
        mv_arena_init(&asked.event_arena, &mv_allocator_system, 0);
        printf("{");
        each(argv[1], "reviews/*.json", answer, &asked);
        printf("\n}\n");
        mv_arena_done(&asked.arena);
        mv_arena_done(&asked.event_arena);
        mv_outbox_close(asked.outbox);
        mv_snapshot_free(asked.snapshot);
        return 0;
}
