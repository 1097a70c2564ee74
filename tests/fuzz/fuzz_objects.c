/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects of a cluster, as whoever may write some of them has made them: one object or a List. What can be read is judged,
 * each subject twice with the same verdict, which is valid JSON and True only if no blocker was found; with hardly any memory it is
 * that verdict or Unknown. Then all nodes are drained, with the questions of where an instance fits limited.
 */
#include "policy/base/arena.h"
#include "policy/base/json.h"
#include "policy/drain/drain.h"
#include "policy/evaluate.h"
#include "policy/object/scan.h"
#include "policy/render.h"
#include "policy/snapshot/snapshot.h"
#include "tests/fuzz/cluster.h"
#include "tests/fuzz/support.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

enum { MOST_BYTES = 16384, MOST_NODES = 16, MOST_QUESTIONS = 200, ROOM = 64 << 20, NO_ROOM = 12288 };

static void check_findings(const struct mv_verdict *verdict) {
        bool fails = false;
        for (const struct mv_finding *f = verdict->findings; f; f = f->next) {
                fuzz_check(f->outcome <= MV_OUTCOME_UNKNOWN && f->severity <= MV_SEVERITY_BLOCKER,
                           "an odd finding");
                fuzz_check(f->outcome == MV_OUTCOME_PASS || f->message.n, "a finding without words");
                fails = fails || (f->outcome == MV_OUTCOME_FAIL && f->severity == MV_SEVERITY_BLOCKER);
        }
        /* What KubeVirt refuses is Unknown whatever the rules say. */
        fuzz_check(!fails || verdict->migratable == MV_OUTCOME_FAIL ||
                           (verdict->refused && verdict->migratable == MV_OUTCOME_UNKNOWN),
                   "a blocker, and it can migrate");
}

/* The verdict on an entry as text into *text; false when there was no memory. */
static bool judge(const struct mv_snapshot *snapshot, const struct mv_entry *entry, size_t room,
                  struct mv_buf *text, enum mv_outcome *ret) {
        struct mv_arena arena;
        struct mv_verdict verdict;
        struct mv_json json;
        mv_arena_init(&arena, &mv_allocator_system, room);
        const struct mv_evaluation evaluation = { .arena = &arena,
                                                  .snapshot = snapshot,
                                                  .config = fuzz_config() };
        fuzz_check(mv_evaluate_entry(&evaluation, entry, &verdict), "a subject that is none");
        check_findings(&verdict);
        *ret = verdict.migratable;
        fuzz_check(!mv_arena_failed(&arena) || *ret == MV_OUTCOME_UNKNOWN,
                   "known, though there was no memory");
        mv_buf_clear(text);
        mv_json_init(&json, text);
        mv_render_verdict(&json, &arena, &verdict, true, (struct mv_str){ 0 });
        bool complete = !mv_arena_failed(&arena) && !mv_buf_failed(text);
        mv_arena_done(&arena);
        return complete;
}

static bool is_judged(enum mv_kind kind) {
        return kind <= MV_KIND_REPLICA_SET || kind == MV_KIND_MIGRATION_POLICY ||
               kind == MV_KIND_MAINTENANCE || kind == MV_KIND_LEGACY_MAINTENANCE;
}

static void judge_all(const struct mv_snapshot *snapshot) {
        struct mv_buf first, second;
        size_t n;
        const struct mv_entry *entries = mv_snapshot_entries(snapshot, &n);
        mv_buf_init(&first, &mv_allocator_system, ROOM);
        mv_buf_init(&second, &mv_allocator_system, ROOM);
        for (size_t i = 0; i < n; i++) {
                enum mv_outcome outcome, again;
                if (!is_judged(entries[i].kind))
                        continue;
                fuzz_check(judge(snapshot, &entries[i], ROOM, &first, &outcome), "no memory");
                fuzz_check(fuzz_is_json(mv_buf_str(&first)), "a verdict that is no JSON");
                fuzz_check(judge(snapshot, &entries[i], ROOM, &second, &again) && outcome == again &&
                                   mv_str_equal(mv_buf_str(&first), mv_buf_str(&second)),
                           "another verdict the second time");
                if (judge(snapshot, &entries[i], NO_ROOM, &second, &again))
                        fuzz_check(mv_str_equal(mv_buf_str(&first), mv_buf_str(&second)),
                                   "another verdict with less memory");
        }
        mv_buf_done(&first);
        mv_buf_done(&second);
}

static void check_plan(const struct mv_drain_plan *plan, size_t n_nodes) {
        size_t sum = 0, of_nodes = 0;
        for (size_t i = 0; i < sizeof plan->count / sizeof *plan->count; i++)
                sum += plan->count[i];
        for (size_t i = 0; i < plan->n_nodes; i++)
                of_nodes += plan->nodes[i].n_fates;
        fuzz_check(plan->n_nodes <= n_nodes && sum == plan->n_fates && of_nodes == plan->n_fates,
                   "fates that are counted wrongly");
        for (size_t i = 0; i < plan->n_fates; i++) {
                const struct mv_drain_fate *fate = &plan->fates[i];
                fuzz_check(fate->vmi && fate->node < plan->n_nodes &&
                                   (fate->outcome != MV_DRAIN_BLOCKS || plan->blocks),
                           "an odd fate");
        }
}

static void drain_all(const struct mv_snapshot *snapshot) {
        struct mv_str nodes[MOST_NODES];
        size_t n, n_nodes = 0;
        const struct mv_entry *entries = mv_snapshot_entries(snapshot, &n);
        for (size_t i = 0; i < n && n_nodes < MOST_NODES; i++)
                if (entries[i].kind == MV_KIND_NODE)
                        nodes[n_nodes++] = entries[i].meta->name;
        if (!n_nodes)
                return;
        for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
                struct mv_arena arena;
                mv_arena_init(&arena, &mv_allocator_system, ROOM);
                const struct mv_kubevirt_config *config = mv_snapshot_config(snapshot);
                const struct mv_drain_order order = {
                        .about = { .snapshot = snapshot,
                                   .config = config,
                                   .version = config->version_number ? config->version_number : UINT_MAX },
                        .config = fuzz_config(),
                        .nodes = nodes,
                        .n_nodes = n_nodes,
                        .one_by_one = one_by_one,
                        .most_questions = MOST_QUESTIONS,
                        .verdicts = one_by_one,
                };
                const struct mv_drain_plan *plan = mv_drain_plan_make(&arena, &order);
                fuzz_check(plan, "no memory");
                check_plan(plan, n_nodes);
                mv_arena_done(&arena);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct mv_err err = { 0 };
        struct mv_snapshot *snapshot = NULL;
        if (size > MOST_BYTES)
                return 0;
        char *copy = fuzz_copy(fuzz_str(data, size));
        struct mv_snapshot_builder *builder = mv_snapshot_builder_new(&mv_allocator_system, MV_STR("shop"));
        fuzz_check(builder, "no memory");
        int r = mv_snapshot_builder_add(builder, (struct mv_str){ copy, size }, MV_STR("input"), &err);
        if (r == 0)
                r = mv_snapshot_builder_finish(builder, &snapshot, &err);
        else
                mv_snapshot_builder_free(builder);
        fuzz_check(r == 0 || (r == err.code && err.message[0]), "refused without a reason");
        if (r == 0) {
                judge_all(snapshot);
                drain_all(snapshot);
        }
        mv_snapshot_free(snapshot);
        free(copy);
        return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
        return fuzz_mutate_json(data, size, most, seed, &fuzz_review_words);
}
