/* SPDX-License-Identifier: Apache-2.0 */
/* The node index and the usage of nodes: after any change they answer as ones built anew; and the index of pods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"
#include "tests/unit/support_random_cluster.h"

#include "policy/nodes/fitgroups.h"
#include "policy/nodes/nodeusage.h"
#include "policy/object/scan.h"
#include "policy/nodes/podindex.h"
#include "policy/launcher/podrequests.h"
#include "policy/snapshot/snapshot.h"

#include <stdio.h>

static struct mv_snapshot *random_snapshot(uint64_t seed) {
        struct mv_buf buf;
        struct mv_snapshot *snapshot = NULL;
        struct mv_err err = { 0 };
        mv_buf_init(&buf, &mv_allocator_system, 1 << 24);
        random_cluster(seed, &buf);
        struct mv_str json = text_make(buf.p, buf.n);
        assert_int_equal(snapshot_try(&mv_allocator_system, json, &snapshot, &err), 0);
        text_free(json);
        mv_buf_done(&buf);
        return snapshot;
}

/* --- nodes --- */

static struct mv_node_index *index_of(struct mv_arena *arena, const struct mv_node *const *nodes, size_t n) {
        struct mv_node_index *index = mv_node_index_new(arena, n);
        assert_non_null(index);
        for (size_t i = 0; i < n; i++)
                if (nodes[i])
                        assert_true(mv_node_index_replace(index, i, nodes[i]));
        assert_true(mv_node_index_settle(index));
        return index;
}

static void assert_same_set(const struct mv_node_index *index, const uint64_t *a, const uint64_t *b) {
        for (size_t i = 0; i < mv_node_index_count(index); i++)
                assert_int_equal(mv_node_set_has(a, i), mv_node_set_has(b, i));
}

/* The nodes with that taint; the empty set when the index does not know it. */
static const uint64_t *tainted(const struct mv_node_index *index, struct mv_arena *arena,
                               const struct mv_taint *taint) {
        const uint64_t *nodes, *found = NULL;
        for (size_t i = 0; i < mv_node_index_taints(index); i++) {
                const struct mv_taint *at = mv_node_index_taint(index, arena, i, &nodes);
                if (mv_str_equal(at->key, taint->key) && mv_str_equal(at->value, taint->value) &&
                    mv_str_equal(at->effect, taint->effect)) {
                        assert_null(found);
                        found = nodes;
                }
        }
        return found;
}

static const uint64_t *with(const struct mv_node_index *index, struct mv_arena *arena, struct mv_str resource,
                            int64_t amount) {
        uint64_t *set = mv_node_set_all(index, arena);
        size_t at = mv_node_index_resource(index, resource);
        if (at == SIZE_MAX)
                return NULL;
        mv_levels_and(mv_node_index_allocatable(index, at), amount, set);
        return set;
}

static void assert_same_host_models(const struct mv_node_index *a, const struct mv_node_index *b) {
        for (size_t i = 0; i < mv_node_index_count(a); i++) {
                const struct mv_host_model *left = mv_node_index_host_model(a, i),
                                           *right = mv_node_index_host_model(b, i);
                assert_int_equal(!left, !right);
                if (!left)
                        continue;
                for (size_t node = 0; node < mv_node_index_count(a); node++) {
                        bool pass = mv_node_index_at(a, node) != NULL;
                        for (size_t k = 0; k < left->n; k++)
                                pass &= mv_node_set_has(left->labels[k].nodes, node);
                        assert_int_equal(mv_node_set_has(left->pass, node), pass);
                }
                assert_int_equal(left->n, right->n);
                for (size_t k = 0; k < left->n; k++) {
                        assert_true(mv_str_equal(left->labels[k].key, right->labels[k].key));
                        assert_true(mv_str_equal(left->labels[k].value, right->labels[k].value));
                        assert_same_set(a, left->labels[k].nodes, right->labels[k].nodes);
                }
        }
}

/* Whatever any node of the pool has is asked of both. */
static void assert_same_index(const struct mv_node_index *a, const struct mv_node_index *b,
                              const struct mv_snapshot *pool) {
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        assert_same_set(a, mv_node_index_all(a), mv_node_index_all(b));
        assert_same_set(a, mv_node_index_cordoned(a), mv_node_index_cordoned(b));
        assert_same_set(a, mv_node_index_silent(a), mv_node_index_silent(b));
        for (size_t i = 0; i < mv_node_index_count(a); i++) {
                assert_ptr_equal(mv_node_index_at(a, i), mv_node_index_at(b, i));
                assert_true(mv_str_equal(mv_node_index_vendor(a, i), mv_node_index_vendor(b, i)));
        }
        for (size_t i = 0; i < mv_snapshot_count(pool, MV_KIND_NODE); i++) {
                const struct mv_node *node = mv_snapshot_at(pool, MV_KIND_NODE, i);
                const struct mv_map *labels = &node->meta.labels, *amounts = &node->status.allocatable;
                assert_int_equal(mv_node_index_find(a, node->meta.name),
                                 mv_node_index_find(b, node->meta.name));
                for (size_t k = 0; k < labels->n; k++) {
                        struct mv_str key = labels->items[k].key, value = labels->items[k].value;
                        assert_same_set(a, mv_node_index_label(a, &arena, key, value),
                                        mv_node_index_label(b, &arena, key, value));
                        assert_same_set(a, mv_node_index_key(a, &arena, key),
                                        mv_node_index_key(b, &arena, key));
                }
                for (size_t k = 0; k < node->spec.taints.n; k++)
                        assert_same_set(a, tainted(a, &arena, &node->spec.taints.items[k]),
                                        tainted(b, &arena, &node->spec.taints.items[k]));
                for (size_t k = 0; k < amounts->n; k++) {
                        int64_t amount;
                        mv_amount_read(amounts->items[k].key, amounts->items[k].value, &amount);
                        assert_same_set(a, with(a, &arena, amounts->items[k].key, amount),
                                        with(b, &arena, amounts->items[k].key, amount));
                        assert_same_set(a, with(a, &arena, amounts->items[k].key, amount + 1),
                                        with(b, &arena, amounts->items[k].key, amount + 1));
                }
        }
        assert_false(mv_arena_failed(&arena));
        mv_arena_done(&arena);
}

static bool is_placed(const struct mv_node *const *nodes, size_t n, const struct mv_node *node) {
        for (size_t i = 0; i < n; i++)
                if (node && nodes[i] && mv_str_equal(nodes[i]->meta.name, node->meta.name))
                        return true;
        return false;
}

/* A pool of nodes (two clusters, so that one name comes in two forms) goes in and out of 130 places. */
static void test_changes_answer_as_built_anew(void **state) {
        (void)state;
        enum { PLACES = 130 };
        struct test_random random = { 7 };
        for (uint64_t seed = 1; seed <= 12; seed++) {
                struct mv_snapshot *pools[2] = { random_snapshot(seed * 31), random_snapshot(seed * 37) };
                const struct mv_node *nodes[PLACES] = { NULL };
                struct mv_arena arena;
                mv_arena_init(&arena, &mv_allocator_system, 0);
                struct mv_node_index *index = index_of(&arena, nodes, PLACES);
                for (unsigned change = 0; change < 250; change++) {
                        const struct mv_snapshot *pool = pools[random_below(&random, 2)];
                        size_t n = mv_snapshot_count(pool, MV_KIND_NODE), i = random_below(&random, PLACES);
                        const struct mv_node *node =
                                random_chance(&random, 40)
                                        ? NULL
                                        : mv_snapshot_at(pool, MV_KIND_NODE,
                                                         random_below(&random, (unsigned)n));
                        nodes[i] = NULL;
                        if (is_placed(nodes, PLACES, node))
                                node = NULL; /* no two of one name */
                        nodes[i] = node;
                        assert_true(mv_node_index_replace(index, i, node));
                        if (change % 10 == 9) {
                                struct mv_arena scratch;
                                mv_arena_init(&scratch, &mv_allocator_system, 0);
                                struct mv_node_index *anew = index_of(&scratch, nodes, PLACES);
                                if (random_chance(&random, 50)) {
                                        assert_true(mv_node_index_settle(index));
                                        assert_same_host_models(index, anew);
                                }
                                assert_same_index(index, anew, pools[0]);
                                assert_same_index(index, anew, pools[1]);
                                mv_arena_done(&scratch);
                        }
                }
                mv_arena_done(&arena);
                mv_snapshot_free(pools[0]);
                mv_snapshot_free(pools[1]);
        }
}

#define NODE(name, rest) "{'apiVersion':'v1','kind':'Node','metadata':{'name':'" name "'" rest

static void test_a_removed_name_is_not_found(void **state) {
        (void)state;
        struct mv_snapshot *snapshot =
                snapshot_make(NODE("a", "}},") NODE("b", "}},") NODE("a", ",'labels':{'zone':'x'}}}"));
        const struct mv_node_index *built = mv_snapshot_node_index(snapshot);
        /* The later of two with one name is the one. */
        assert_int_equal(mv_node_index_count(built), 2);
        assert_int_equal(mv_node_index_at(built, mv_node_index_find(built, MV_STR("a")))->meta.labels.n, 1);
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_node *nodes[] = { mv_node_index_at(built, 0), mv_node_index_at(built, 1) };
        struct mv_node_index *index = index_of(&arena, nodes, 2);
        size_t at = mv_node_index_find(index, MV_STR("a"));
        assert_true(at < 2);
        assert_true(mv_node_index_replace(index, at, NULL));
        assert_true(mv_node_index_find(index, MV_STR("a")) == SIZE_MAX);
        assert_true(mv_node_index_find(index, MV_STR("b")) == 1 - at);
        assert_true(mv_node_index_find(index, MV_STR("")) == SIZE_MAX);
        assert_int_equal(mv_node_set_count(index, mv_node_index_all(index)), 1);
        mv_arena_done(&arena);
        mv_snapshot_free(snapshot);
}

static void test_limit(void **state) {
        (void)state;
        enum { NODES = 300 };
        static const struct mv_node *nodes[NODES];
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        struct mv_node_index *index = index_of(&arena, nodes, NODES);
        for (size_t most = 0; most <= NODES / 3 + 2; most++) {
                uint64_t *set = mv_node_set_new(index, &arena);
                for (size_t i = 0; i < NODES; i += 3)
                        mv_node_set_add(set, i);
                size_t taken = mv_node_set_limit(index, set, most);
                size_t left = most < NODES / 3 ? most : NODES / 3;
                assert_int_equal(taken, NODES / 3 - left);
                for (size_t i = 0; i < NODES; i++)
                        assert_int_equal(mv_node_set_has(set, i), i % 3 == 0 && i / 3 < left);
        }
        mv_arena_done(&arena);
}

/* Sets are listed by name, whatever the places, also when names come and go. */
static void test_by_name(void **state) {
        (void)state;
        enum { NODES = 200 };
        static struct mv_node nodes[NODES];
        static char names[NODES][16];
        const struct mv_node *places[NODES];
        struct mv_arena arena;
        struct test_random random = { 7 };
        mv_arena_init(&arena, &mv_allocator_system, 0);
        for (size_t i = 0; i < NODES; i++) {
                snprintf(names[i], sizeof names[i], "node-%u",
                         random_below(&random, 10000) * NODES + (unsigned)i);
                nodes[i] = (struct mv_node){ .meta.name = mv_str_from(names[i]) };
                places[i] = i % 5 ? &nodes[i] : NULL;
        }
        struct mv_node_index *index = index_of(&arena, places, NODES);
        for (size_t round = 0; round < NODES; round += 5) {
                uint64_t *set = mv_node_set_new(index, &arena);
                size_t count = 0, n;
                for (size_t i = 0; i < NODES; i++)
                        if (mv_node_index_at(index, i) && random_chance(&random, 50)) {
                                mv_node_set_add(set, i);
                                count++;
                        }
                const size_t *sorted = mv_node_set_by_name(&arena, index, set, &n);
                assert_int_equal(n, count);
                for (size_t i = 0; i < n; i++) {
                        assert_true(mv_node_set_has(set, sorted[i]));
                        assert_true(!i || mv_str_compare(mv_node_index_at(index, sorted[i - 1])->meta.name,
                                                         mv_node_index_at(index, sorted[i])->meta.name) < 0);
                }
                assert_true(mv_node_index_replace(index, round, &nodes[round]));
                assert_true(mv_node_index_replace(index, round + 1, NULL));
                assert_true(mv_node_index_settle(index));
        }
        mv_arena_done(&arena);
}

/* --- usage --- */

static void test_usage_follows_pods(void **state) {
        (void)state;
        struct test_random random = { 11 };
        for (uint64_t seed = 1; seed <= 40; seed++) {
                struct mv_snapshot *snapshot = random_snapshot(seed * 41);
                const struct mv_node_index *index = mv_snapshot_node_index(snapshot);
                size_t n = mv_snapshot_count(snapshot, MV_KIND_POD), nodes = mv_node_index_count(index);
                struct mv_arena arena;
                mv_arena_init(&arena, &mv_allocator_system, 0);
                struct mv_node_usage *usage = mv_node_usage_new(&arena, index);
                struct mv_node_usage *original = mv_node_usage_copy(&arena, usage);
                size_t *where = mv_arena_new_array(&arena, size_t, n + 1); /* a pod's node + 1 */
                struct mv_amounts *requests = mv_arena_new_array(&arena, struct mv_amounts, n + 1);
                for (size_t i = 0; i < n; i++)
                        requests[i] = mv_pod_requests(&arena, mv_snapshot_at(snapshot, MV_KIND_POD, i));
                for (unsigned change = 0; n && change < 100; change++) {
                        size_t pod = random_below(&random, (unsigned)n);
                        if (where[pod])
                                mv_node_usage_remove(usage, where[pod] - 1, &requests[pod]);
                        where[pod] = random_below(&random, (unsigned)nodes + 1);
                        if (where[pod])
                                mv_node_usage_add(usage, where[pod] - 1, &requests[pod]);
                        if (change % 30 == 29)
                                assert_true(mv_node_usage_settle(&arena, usage));
                }
                for (size_t r = 0; r < mv_node_index_resources(index); r++) {
                        const struct mv_levels *free = mv_node_usage_free(usage, r),
                                               *whole = mv_node_index_allocatable(index, r);
                        for (size_t i = 0; i < nodes; i++) {
                                int64_t left = whole->values[i];
                                for (size_t pod = 0; pod < n; pod++)
                                        for (size_t k = 0; where[pod] == i + 1 && k < requests[pod].n; k++)
                                                if (mv_node_index_resource(index,
                                                                           requests[pod].items[k].name) == r)
                                                        left -= requests[pod].items[k].amount;
                                for (size_t pod = 0; pod < n; pod++)
                                        left -= where[pod] == i + 1 &&
                                                r == mv_node_index_resource(index, MV_STR("pods"));
                                assert_int_equal(free->values[i], left);
                                uint64_t *set = mv_node_set_all(index, &arena);
                                mv_levels_and(free, left, set);
                                assert_true(mv_node_set_has(set, i));
                                mv_levels_and(free, left + 1, set);
                                assert_false(mv_node_set_has(set, i));
                                assert_int_equal(mv_node_usage_free(original, r)->values[i],
                                                 whole->values[i]);
                        }
                }
                mv_arena_done(&arena);
                mv_snapshot_free(snapshot);
        }
}

/* What is requested beyond int64 leaves as little as can be said, and what comes back as much. */
static void test_usage_does_not_overflow(void **state) {
        (void)state;
        struct mv_snapshot *snapshot =
                snapshot_make(NODE("a", "},'status':{'allocatable':{'x':'9223372036854775807'}}}"));
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        struct mv_amount most = { MV_STR("x"), INT64_MAX };
        const struct mv_amounts requests = { &most, 1 };
        struct mv_node_usage *usage = mv_node_usage_new(&arena, mv_snapshot_node_index(snapshot));
        for (int i = 0; i < 3; i++)
                mv_node_usage_add(usage, 0, &requests);
        assert_true(mv_node_usage_free(usage, 0)->values[0] == INT64_MIN);
        for (int i = 0; i < 5; i++)
                mv_node_usage_remove(usage, 0, &requests);
        assert_true(mv_node_usage_free(usage, 0)->values[0] == INT64_MAX);
        mv_arena_done(&arena);
        mv_snapshot_free(snapshot);
}

/* --- pods --- */

#define POD(name, labels, rest)                                                                         \
        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" name "','labels':{" labels "}},'spec':{" \
        "'containers':[]" rest "}"
#define INSTANCE(name, rest)                                                                       \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'" name \
        "','uid':'uid-" name "','labels':{'app':'web'}},'spec':{'domain':{}" rest "}"
#define ANTI                                                                                               \
        ",'affinity':{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey'" \
        ":'zone','labelSelector':{'matchLabels':{'app':'web'}}}]}}"

static void test_pods(void **state) {
        (void)state;
        struct mv_snapshot *snapshot =
                snapshot_of(NODE("a", ",'labels':{'zone':'1'}}}"), NODE("b", ",'labels':{'zone':'2'}}}"),
                            POD("there", "'app':'web'", ",'nodeName':'a'" ANTI) "}",
                            POD("also-there", "'app':'web'", ",'nodeName':'b'" ANTI) "}",
                            POD("nowhere", "'app':'web'", "") "}",
                            POD("ended", "'app':'web'", ",'nodeName':'a'") ",'status':{'phase':'Succeeded'}}",
                            POD("far", "'app':'web'", ",'nodeName':'z'" ANTI) "}",
                            POD("launcher", "'kubevirt.io/created-by':'uid-one'", ",'nodeName':'b'") "}",
                            INSTANCE("one", "") ",'status':{'nodeName':'a'}}",
                            INSTANCE("two", ANTI) ",'status':{'nodeName':'a'}}", INSTANCE("three", "") "}",
                            INSTANCE("four", "") ",'status':{'nodeName':'a','phase':'Failed'}}", NULL);
        const struct mv_pod_index *index = mv_snapshot_pod_index(snapshot);
        /* there, also-there, far and launcher; of the instances only two stands for its pod. */
        assert_int_equal(mv_pod_index_count(index), 5);
        size_t n;
        const uint32_t *web = mv_pod_index_label(index, MV_STR("app"), MV_STR("web"), &n);
        assert_int_equal(n, 4);
        static const struct {
                size_t node;
                const char *pod;
        } expected[] = { { 0, "there" }, { 1, "also-there" }, { SIZE_MAX, "far" }, { 0, NULL } };
        for (size_t i = 0; i < n; i++) {
                const struct mv_placed *placed = mv_pod_index_at(index, web[i]);
                assert_true(placed->node == expected[i].node);
                if (expected[i].pod)
                        assert_str(placed->pod->meta.name, expected[i].pod);
                else
                        assert_null(placed->pod);
        }
        mv_pod_index_label(index, MV_STR("kubevirt.io/created-by"), MV_STR("uid-two"), &n);
        assert_int_equal(n, 1);
        mv_pod_index_label(index, MV_STR("app"), MV_STR("db"), &n);
        assert_int_equal(n, 0);
        /* One aversion that three have in common; the one on an unknown node concerns nobody. */
        const struct mv_aversion *aversion = mv_pod_index_aversions(index, MV_STR("app"), MV_STR("web"));
        assert_non_null(aversion);
        assert_null(aversion->next);
        assert_int_equal(aversion->n_placed, 3);
        assert_null(mv_pod_index_other_aversions(index));
        const struct mv_vmi *one = mv_snapshot_find(snapshot, MV_KIND_VMI, MV_STR("default"), MV_STR("one"));
        assert_str(mv_pod_index_launcher(index, one, MV_STR("b"))->meta.name, "launcher");
        assert_null(mv_pod_index_launcher(index, one, MV_STR("a")));
        mv_snapshot_free(snapshot);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_changes_answer_as_built_anew),
                cmocka_unit_test(test_a_removed_name_is_not_found),
                cmocka_unit_test(test_limit),
                cmocka_unit_test(test_by_name),
                cmocka_unit_test(test_usage_follows_pods),
                cmocka_unit_test(test_usage_does_not_overflow),
                cmocka_unit_test(test_pods),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
