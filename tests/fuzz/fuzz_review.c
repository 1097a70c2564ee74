/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body of the webhook, whatever it holds: it never crashes, and is answered with valid JSON: a review (200)
 * or a Status (400); with hardly any memory also 503. A review that is not allowed says why. Asked for as a verdict, it
 * gives one (200), or a Status.
 */
#include "policy/ask.h"
#include "policy/base/arena.h"
#include "policy/object/scan.h"
#include "policy/review.h"
#include "tests/fuzz/cluster.h"
#include "tests/fuzz/support.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

static bool holds(struct mv_str text, const char *what) {
        return memmem(text.p, text.n, what, strlen(what)) != NULL;
}

static void check(bool right, const char *what, struct mv_str response) {
        if (right)
                return;
        fprintf(stderr, "%s: %.*s\n", what, MV_STR_ARG(response));
        abort();
}

static void answer(const struct mv_review_input *input, struct mv_str body, bool short_of_memory) {
        struct mv_buf buf;
        struct mv_review_result result;
        mv_buf_init(&buf, &mv_allocator_system, 16 << 20);
        int status = mv_review_answer(input, body, &buf, &result);
        struct mv_str response = mv_buf_str(&buf);
        check(!mv_buf_failed(&buf) && response.n > 0, "no answer", response);
        check(status == 200 || status == 400 || (short_of_memory && status == 503), "an odd status",
              response);
        check((status == 200) == (result.request != NULL), "a status that does not fit", response);
        /* The scanner reads beyond the end. */
        memset(mv_buf_reserve(&buf, MV_SCAN_PADDING), 0, MV_SCAN_PADDING);
        check(mv_json_validate(mv_buf_str(&buf), NULL) == 0, "no JSON", response);
        response = mv_buf_str(&buf);
        if (status == 200) {
                bool allowed = holds(response, ",\"allowed\":true");
                check(holds(response, "\"kind\":\"AdmissionReview\""), "no review", response);
                check(allowed == result.decision.allowed, "another decision", response);
                check(allowed || !input->mutate, "refused by /mutate", response);
                check(!holds(response, "\"patch\"") || input->mutate, "a patch of /validate", response);
                check(allowed || (result.decision.code >= 400 && result.decision.message.n &&
                                  holds(response, "\"code\":4")),
                      "refused without a reason", response);
        } else
                check(holds(response, "\"kind\":\"Status\"") && !holds(response, "\"allowed\""), "no Status",
                      response);
        mv_buf_done(&buf);
}

static bool may_exist(void *context, const struct mv_missing *object) {
        (void)context;
        return object->name.n % 2;
}

static void ask(const struct mv_review_input *review, struct mv_str body, bool short_of_memory) {
        struct mv_arena arena;
        struct mv_buf buf;
        struct mv_ask_result result;
        mv_arena_init(&arena, &mv_allocator_system, short_of_memory ? 16384 : 4 << 20);
        mv_buf_init(&buf, &mv_allocator_system, 16 << 20);
        const struct mv_ask_input input = { .arena = &arena,
                                            .snapshot = review->snapshot,
                                            .config = review->config,
                                            .version = review->version,
                                            .may_exist = review->mutate ? may_exist : NULL };
        int status = mv_ask_answer(&input, body, &buf, &result);
        struct mv_str response = mv_buf_str(&buf);
        check(!mv_buf_failed(&buf) && response.n > 0, "no answer", response);
        check(status == 200 || status == 400 || status == 404 || status == 503, "an odd status", response);
        check((status == 200) == (result.verdict[0] != '\0'), "a verdict that does not fit", response);
        check(status == 200 || result.missing.n == 0 || status == 404 || status == 503,
              "missing, and nobody said", response);
        memset(mv_buf_reserve(&buf, MV_SCAN_PADDING), 0, MV_SCAN_PADDING);
        check(mv_json_validate(mv_buf_str(&buf), NULL) == 0, "no JSON", response);
        response = mv_buf_str(&buf);
        check(holds(response, status == 200 ? "\"kind\":\"Verdict\"" : "\"kind\":\"Status\""), "another kind",
              response);
        mv_buf_done(&buf);
        mv_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const struct mv_snapshot *snapshot = fuzz_cluster();
        static const struct {
                size_t cap; /* of memory; 0: the server's */
                bool cluster, mutate;
                enum mv_mirror mirror;
        } runs[] = {
                { 0, true, false, MV_MIRROR_DENY },     { 0, true, false, MV_MIRROR_OFF },
                { 0, false, false, MV_MIRROR_DENY },    { 0, true, true, MV_MIRROR_DENY },
                { 16384, true, false, MV_MIRROR_DENY }, { 16384, true, true, MV_MIRROR_DENY },
        };
        char *body = fuzz_copy(fuzz_str(data, size));
        for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
                struct mv_arena arena;
                mv_arena_init(&arena, &mv_allocator_system, runs[i].cap ? runs[i].cap : 4 << 20);
                const struct mv_review_input input = {
                        .arena = &arena,
                        .snapshot = runs[i].cluster ? snapshot : NULL,
                        .config = fuzz_config(),
                        .version = MV_STR(""),
                        .mirror = runs[i].mirror,
                        .mutate = runs[i].mutate,
                };
                answer(&input, (struct mv_str){ .p = body, .n = size }, runs[i].cap != 0);
                ask(&input, (struct mv_str){ .p = body, .n = size }, runs[i].cap != 0);
                mv_arena_done(&arena);
        }
        free(body);
        return 0;
}

/* Keys and values that rules, mirrors and decisions look at; everything else the corpus has. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
        return fuzz_mutate_json(data, size, most, seed, &fuzz_review_words);
}
