/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node index against a naive evaluation: 10,000 pairs of a VM and a cluster, all random, from fixed seeds. Of every
 * node the causes must be the same, and the feasible nodes those without any. A case that fails prints its seed and
 * leaves its cluster in a file; MIGVET_SEED=N in the environment runs that seed alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"
#include "tests/unit/support_naive_fit.h"
#include "tests/unit/support_random_cluster.h"

#include "policy/expand.h"
#include "policy/object/migration.h"
#include "policy/object/scan.h"
#include "policy/object/vm.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAIRS = 10000 };

/* How often each kind of cause came up, so that the test cannot go blind. */
static const char *const kinds[] = {
        "affinity",
        "arch:",
        "cpu-feature-forbidden:",
        "cpu-feature:",
        "cpu-model:",
        "cpu-vendor:",
        "cpumanager",
        "host-model:",
        "hyperv:",
        "machine-type:",
        "not-schedulable",
        "obsolete-host-model",
        "pod-affinity",
        "pod-anti-affinity",
        "realtime",
        "resource:",
        "secure-execution",
        "selector:",
        "sev",
        "sev-es",
        "sev-snp",
        "source-node",
        "taint:",
        "tdx",
        "topology-spread",
        "tsc-frequency:",
        "unschedulable",
        "vm-arch:",
        "volume:",
};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct tally {
        size_t pairs, nodes, feasible, none, all,
                some; /* pairs where no node, every node, some of them are feasible */
        size_t of_kind[KINDS], only_kind[KINDS]; /* nodes with that cause; with that cause alone */
        size_t pairs_found, pairs_missing;
};

static void count_kind(struct tally *tally, struct mv_str token, bool alone) {
        size_t found = KINDS;
        for (size_t i = 0; i < KINDS; i++) {
                struct mv_str kind = mv_str_from(kinds[i]);
                bool family = kind.p[kind.n - 1] == ':';
                if (family ? mv_str_starts_with(token, kind) : mv_str_equal(token, kind))
                        found = i;
        }
        if (found == KINDS)
                fail_msg("a cause of no kind: %.*s", MV_STR_ARG(token));
        tally->of_kind[found]++;
        tally->only_kind[found] += alone;
}

/* The failing case, to be looked at. */
static void show_case(uint64_t seed, struct mv_str json, const struct mv_fit_question *q, const char *node,
                      struct mv_str expected, struct mv_str got) {
        char path[64];
        snprintf(path, sizeof path, "/tmp/migvet-seed-%llu.json", (unsigned long long)seed);
        FILE *file = fopen(path, "we");
        if (file) {
                fwrite(json.p, 1, json.n, file);
                fclose(file);
        }
        fprintf(stderr, "%.*s\n", MV_STR_ARG(json));
        fail_msg(
                "seed %llu (MIGVET_SEED), cluster above and in %s, %.*s on %s:\n  naive: %.*s\n  index: %.*s",
                (unsigned long long)seed, path, MV_STR_ARG(q->vmi->meta.name), node, MV_STR_ARG(expected),
                MV_STR_ARG(got));
}

static struct mv_str causes_of(struct mv_arena *arena, const struct mv_fit *fit, size_t node,
                               struct tally *tally) {
        size_t n;
        const struct mv_str *causes = mv_fit_causes(arena, fit, node, &n);
        struct mv_str text = { 0 };
        for (size_t i = 0; i < n; i++) {
                count_kind(tally, causes[i], n == 1);
                text = mv_arena_format(arena, "%.*s%s%.*s", MV_STR_ARG(text), i ? ", " : "",
                                       MV_STR_ARG(causes[i]));
        }
        return text;
}

/* mv_fit_pair says the same as making the fit anew for each node where the instance could start. */
static void check_pair(struct mv_arena *arena, const struct mv_fit_question *q, const struct mv_fit *fit,
                       struct mv_vmi *vmi, struct tally *tally, uint64_t seed) {
        static const unsigned asked[] = { MV_FIT_LASTING,
                                          MV_FIT_BIT(MV_FIT_CPU) | MV_FIT_BIT(MV_FIT_SCHEDULABLE),
                                          MV_FIT_EVERYTHING & ~MV_FIT_BIT(MV_FIT_SOURCE) };
        unsigned classes = asked[seed % 3];
        size_t from, to, expected = SIZE_MAX;
        from = mv_fit_pair(arena, q, fit, classes, &to);
        const uint64_t *start = mv_fit_passing(arena, fit, classes);
        for (size_t i = 0; i < mv_node_index_count(fit->index) && expected == SIZE_MAX; i++) {
                if (!mv_node_set_has(start, i))
                        continue;
                vmi->status.node_name = mv_node_index_at(fit->index, i)->meta.name;
                const struct mv_fit *moved = mv_fit_make(arena, q);
                assert_non_null(moved);
                uint64_t *set = mv_fit_passing(arena, moved, classes);
                mv_node_set_and(fit->index, set, start);
                mv_node_set_remove(set, i);
                if (mv_node_set_count(fit->index, set)) {
                        expected = i;
                        if (to == SIZE_MAX || !mv_node_set_has(set, to))
                                fail_msg(
                                        "seed %llu: %.*s, classes %x: not from %zu to %zu but from %zu to %zu",
                                        (unsigned long long)seed, MV_STR_ARG(vmi->meta.name), classes, from,
                                        to, i, mv_node_set_next(fit->index, set, 0));
                }
        }
        vmi->status.node_name = (struct mv_str){ 0 };
        if (from != expected)
                fail_msg("seed %llu: pair %zu, not %zu", (unsigned long long)seed, expected, from);
        *(from == SIZE_MAX ? &tally->pairs_missing : &tally->pairs_found) += 1;
}

static void check_fit(struct mv_arena *arena, const struct naive_cluster *cluster, struct mv_vmi *vmi,
                      const struct mv_map *added, struct tally *tally, uint64_t seed, struct mv_str json,
                      const struct mv_snapshot *snapshot) {
        const struct mv_kubevirt_config *config = mv_snapshot_config(snapshot);
        unsigned version = config->version_number;
        const struct mv_fit_question q = { .snapshot = snapshot,
                                           .config = config,
                                           .behaviour = mv_behaviour_of(version),
                                           .vmi = vmi,
                                           .launcher = mv_launcher_make(arena, config, version, vmi),
                                           .added_node_selector = added };
        assert_non_null(q.launcher);
        const struct mv_fit *fit = mv_fit_make(arena, &q);
        assert_non_null(fit);
        const struct mv_str *expected = naive_fit(arena, cluster, &q, version);
        size_t n = mv_snapshot_count(snapshot, MV_KIND_NODE), feasible = 0;
        for (size_t i = 0; i < n; i++) {
                const struct mv_node *node = mv_node_index_at(fit->index, i);
                struct mv_str got = causes_of(arena, fit, i, tally);
                bool passes = mv_node_set_has(fit->feasible, i);
                if (!mv_str_equal(got, expected[i]) || passes != !got.n)
                        show_case(seed, json, &q, node->meta.name.p, expected[i], got);
                feasible += passes;
        }
        tally->pairs++;
        tally->nodes += n;
        tally->feasible += feasible;
        tally->none += !feasible;
        tally->all += feasible == n;
        tally->some += feasible && feasible < n;
        /* A launcher pod would make one of the nodes different from the others. */
        if (!vmi->status.node_name.n && !vmi->meta.uid.n)
                check_pair(arena, &q, fit, vmi, tally, seed);
        assert_false(mv_arena_failed(arena));
}

static void check_cluster(uint64_t seed, struct tally *tally) {
        struct mv_buf buf;
        struct mv_arena arena, scratch;
        struct mv_snapshot *snapshot = NULL;
        struct mv_err err = { 0 };
        mv_buf_init(&buf, &mv_allocator_system, 1 << 24);
        random_cluster(seed, &buf);
        assert_false(mv_buf_failed(&buf));
        struct mv_str json = text_make(buf.p, buf.n);
        if (snapshot_try(&mv_allocator_system, json, &snapshot, &err) < 0)
                fail_msg("seed %llu: %s at %s", (unsigned long long)seed, err.message, err.path);
        mv_arena_init(&arena, &mv_allocator_system, 0);
        mv_arena_init(&scratch, &mv_allocator_system, 0);
        const struct naive_cluster *cluster = naive_cluster_new(&arena, snapshot);
        const struct mv_kubevirt_config *config = mv_snapshot_config(snapshot);
        for (size_t i = 0; i < mv_snapshot_count(snapshot, MV_KIND_VMI); i++) {
                struct mv_instance instance;
                mv_arena_clear(&scratch);
                mv_expand_vmi(&scratch, config, mv_snapshot_at(snapshot, MV_KIND_VMI, i), &instance);
                const struct mv_migration *migration = mv_snapshot_at(snapshot, MV_KIND_MIGRATION, i);
                check_fit(&scratch, cluster, &instance.vmi,
                          i % 2 ? &migration->spec.added_node_selector : NULL, tally, seed, json, snapshot);
        }
        for (size_t i = 0; i < mv_snapshot_count(snapshot, MV_KIND_VM); i += 2) {
                const struct mv_vm *vm = mv_snapshot_at(snapshot, MV_KIND_VM, i);
                struct mv_instance instance;
                mv_arena_clear(&scratch);
                mv_expand_template(&scratch, config, vm->spec.template, &vm->meta, NULL, &instance);
                check_fit(&scratch, cluster, &instance.vmi, NULL, tally, seed, json, snapshot);
        }
        mv_arena_done(&scratch);
        mv_arena_done(&arena);
        mv_snapshot_free(snapshot);
        text_free(json);
        mv_buf_done(&buf);
}

static void test_index_agrees_with_naive_evaluation(void **state) {
        (void)state;
        struct tally tally = { 0 };
        const char *one = getenv("MIGVET_SEED");
        if (one) {
                check_cluster(strtoull(one, NULL, 10), &tally);
                return;
        }
        for (uint64_t seed = 1; tally.pairs < PAIRS; seed++)
                check_cluster(seed, &tally);
        print_message("%zu pairs, %zu nodes, %zu feasible; none feasible in %zu, all in %zu, some in %zu\n",
                      tally.pairs, tally.nodes, tally.feasible, tally.none, tally.all, tally.some);
        for (size_t i = 0; i < KINDS; i++)
                print_message("%8zu %8zu alone   %s\n", tally.of_kind[i], tally.only_kind[i], kinds[i]);
        print_message("two nodes to start and move to: in %zu, none in %zu\n", tally.pairs_found,
                      tally.pairs_missing);
        for (size_t i = 0; i < KINDS; i++)
                if (tally.of_kind[i] < 50 || !tally.only_kind[i])
                        fail_msg("only %zu nodes with %s, %zu of them for that alone", tally.of_kind[i],
                                 kinds[i], tally.only_kind[i]);
        assert_true(tally.none > PAIRS / 10 && tally.all > PAIRS / 200 && tally.some > PAIRS / 5);
        assert_true(tally.pairs_found > PAIRS / 20 && tally.pairs_missing > PAIRS / 20);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_index_agrees_with_naive_evaluation),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
