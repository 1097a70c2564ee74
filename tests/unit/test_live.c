/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/live.h"

#include "policy/object/storage.h"
#include "policy/snapshot/kindtable.h"
#include "policy/nodes/nodeindex.h"
#include "policy/nodes/podindex.h"
#include "tests/unit/support_random_cluster.h"

#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NAMES = 40, KINDS = 4, HELD = 6 };
static const enum mv_kind kinds[KINDS] = { MV_KIND_NODE, MV_KIND_POD, MV_KIND_VMI, MV_KIND_CLAIM };

/* What there is: of each kind and name the value of its label `v`, 0: nothing. */
struct model {
        unsigned value[KINDS][NAMES];
};

struct cluster {
        struct mv_store *store;
        struct mv_live *live;
        struct model model;
        unsigned last; /* value given */
        struct test_random random;
};

static unsigned roll(struct cluster *cluster) {
        return (unsigned)(random_next(&cluster->random) >> 33);
}

static void cluster_init(struct cluster *cluster) {
        *cluster = (struct cluster){ .store = mv_store_new() };
        cluster->live = mv_live_new(cluster->store);
        assert_non_null(cluster->live);
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                mv_live_know(cluster->live, (enum mv_kind)kind, MV_KNOWLEDGE_ALL, MV_STR(""));
}

static void cluster_done(struct cluster *cluster) {
        assert_null(mv_store_free(cluster->store));
        assert_null(mv_live_free(cluster->live));
}

/* One that is kept of every kind. */
#define LABEL "instancetype.kubevirt.io/v"

/* Padded with spaces only, as an item of a list may be. */
static int put(struct mv_live *live, enum mv_kind kind, const char *name, unsigned value, unsigned version) {
        char json[512];
        struct mv_err err = { 0 };
        int n = snprintf(
                json, sizeof json,
                "{\"metadata\":{\"name\":\"%s\",%s\"resourceVersion\":\"%u\",\"labels\":{\"" LABEL
                "\":\"%u\",\"app\":\"web\"}},"
                "\"spec\":{\"nodeName\":\"n1\"},\"status\":{\"nodeName\":\"n1\",\"phase\":\"Running\"}}        ",
                name, mv_kinds[kind].namespaced ? "\"namespace\":\"a\"," : "", version, value);
        return mv_live_put(live, kind, (struct mv_str){ json, (size_t)n - 8 }, &err);
}

static struct mv_str name_of(unsigned i, char text[16]) {
        snprintf(text, 16, "n%u", i);
        return mv_str_from(text);
}

/* The label `v` of the object of that name, 0 when there is none. */
static unsigned value_in(const struct mv_snapshot *snapshot, enum mv_kind kind, unsigned i) {
        char text[16];
        const void *object = mv_snapshot_find(snapshot, kind, MV_STR("a"), name_of(i, text));
        if (!object)
                return 0;
        const struct mv_str *value = mv_map_get(&mv_kind_meta(kind, object)->labels, MV_STR(LABEL));
        assert_non_null(value);
        return (unsigned)strtoul(value->p, NULL, 10);
}

/* Everything of the snapshot is what the model says; nodes and pods, which may be behind, are what they were. */
static void compare(const struct mv_snapshot *snapshot, const struct model *model) {
        for (int k = 0; k < KINDS; k++) {
                size_t n = 0;
                for (unsigned i = 0; i < NAMES; i++) {
                        assert_int_equal(value_in(snapshot, kinds[k], i), model->value[k][i]);
                        n += model->value[k][i] != 0;
                }
                assert_int_equal(mv_snapshot_count(snapshot, kinds[k]), n);
                for (size_t i = 1; i < n; i++) { /* in the order of their names */
                        const struct mv_meta *a = mv_kind_meta(kinds[k],
                                                               mv_snapshot_at(snapshot, kinds[k], i - 1)),
                                             *b = mv_kind_meta(kinds[k],
                                                               mv_snapshot_at(snapshot, kinds[k], i));
                        assert_true(mv_str_compare(a->name, b->name) < 0);
                }
        }
        const struct mv_node_index *nodes = mv_snapshot_node_index(snapshot);
        assert_int_equal(mv_node_index_count(nodes), mv_snapshot_count(snapshot, MV_KIND_NODE));
        for (size_t i = 0; i < mv_node_index_count(nodes); i++)
                assert_ptr_equal(mv_node_index_at(nodes, i), mv_snapshot_at(snapshot, MV_KIND_NODE, i));
}

static void publish(struct cluster *cluster, bool all) {
        struct mv_err err = { 0 };
        assert_int_equal(mv_live_publish(cluster->live, all, &err), 0);
}

static void change(struct cluster *cluster, unsigned k, unsigned i) {
        char text[16];
        struct mv_str name = name_of(i, text);
        unsigned *value = &cluster->model.value[k][i];
        if (roll(cluster) % 3) {
                if (!*value || roll(cluster) % 4)
                        *value = ++cluster->last;
                assert_int_equal(put(cluster->live, kinds[k], text, *value, ++cluster->last), 0);
        } else {
                *value = 0;
                mv_live_remove(cluster->live, kinds[k], MV_STR("a"), name);
        }
}

/* A whole list: some are the same, some are new, the others are gone; or it breaks off. */
static void relist(struct cluster *cluster, unsigned k) {
        char text[16];
        bool whole = roll(cluster) % 3;
        mv_live_begin(cluster->live, kinds[k]);
        for (unsigned i = 0; i < NAMES; i++) {
                unsigned *value = &cluster->model.value[k][i];
                unsigned next = roll(cluster) % 3 ? *value : roll(cluster) % 2 ? ++cluster->last : 0;
                if (next) {
                        name_of(i, text);
                        assert_int_equal(put(cluster->live, kinds[k], text, next, ++cluster->last), 0);
                        *value = next;
                } else if (whole)
                        *value = 0;
        }
        if (whole)
                mv_live_end(cluster->live, kinds[k]);
        else
                mv_live_abandon(cluster->live, kinds[k]);
}

static void test_random_histories(void **state) {
        (void)state;
        for (unsigned seed = 1; seed <= 30; seed++) {
                struct cluster cluster;
                const struct mv_snapshot *held[HELD] = { 0 };
                struct model models[HELD];
                cluster_init(&cluster);
                cluster.random.state = seed;
                for (int step = 0; step < 400; step++) {
                        if (roll(&cluster) % 40 == 0)
                                relist(&cluster, roll(&cluster) % KINDS);
                        else
                                change(&cluster, roll(&cluster) % KINDS, roll(&cluster) % NAMES);
                        if (roll(&cluster) % 3)
                                continue;
                        publish(&cluster, true);
                        unsigned slot = roll(&cluster) % HELD;
                        if (held[slot]) {
                                compare(held[slot], &models[slot]);
                                mv_store_return(cluster.store, held[slot]);
                        }
                        held[slot] = mv_store_borrow(cluster.store);
                        models[slot] = cluster.model;
                        compare(held[slot], &models[slot]);
                }
                for (unsigned slot = 0; slot < HELD; slot++) {
                        if (held[slot])
                                compare(held[slot], &models[slot]);
                        mv_store_return(cluster.store, held[slot]);
                }
                cluster_done(&cluster);
        }
}

/* When only the tables are renewed, nodes and pods wait for the placement, and instances do not. */
static void test_two_speeds(void **state) {
        (void)state;
        for (unsigned seed = 1; seed <= 10; seed++) {
                struct cluster cluster;
                struct model behind = { 0 };
                cluster_init(&cluster);
                cluster.random.state = seed;
                publish(&cluster, true);
                for (int step = 0; step < 300; step++) {
                        change(&cluster, roll(&cluster) % KINDS, roll(&cluster) % NAMES);
                        bool all = roll(&cluster) % 20 == 0;
                        const struct mv_snapshot *before = mv_store_borrow(cluster.store);
                        publish(&cluster, all);
                        const struct mv_snapshot *now = mv_store_borrow(cluster.store);
                        if (mv_snapshot_node_index(now) != mv_snapshot_node_index(before))
                                behind = cluster.model;
                        memcpy(behind.value[2], cluster.model.value[2], sizeof behind.value[2]);
                        memcpy(behind.value[3], cluster.model.value[3], sizeof behind.value[3]);
                        compare(now, all ? &cluster.model : &behind);
                        mv_store_return(cluster.store, before);
                        mv_store_return(cluster.store, now);
                }
                cluster_done(&cluster);
        }
}

static void test_what_does_not_matter_changes_nothing(void **state) {
        (void)state;
        static const enum mv_kind all[] = { MV_KIND_NODE, MV_KIND_VM, MV_KIND_VMI, MV_KIND_POOL,
                                            MV_KIND_REPLICA_SET };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
                struct cluster cluster;
                cluster_init(&cluster);
                assert_int_equal(put(cluster.live, all[i], "n1", 1, 1), 0);
                publish(&cluster, true);
                assert_true(mv_live_due(cluster.live) == LLONG_MAX);
                assert_int_equal(put(cluster.live, all[i], "n1", 1, 2), 0);
                assert_true(mv_live_due(cluster.live) == LLONG_MAX);
                assert_int_equal(put(cluster.live, all[i], "n1", 2, 3), 0);
                assert_true(mv_live_due(cluster.live) != LLONG_MAX);
                cluster_done(&cluster);
        }
}

/* Where the text of a kind is kept, all of it matters. */
static void test_texts(void **state) {
        (void)state;
        struct cluster cluster;
        struct mv_str n1 = MV_STR("n1"), none = { 0 };
        cluster_init(&cluster);
        mv_live_keep_texts(cluster.live, UINT64_C(1) << MV_KIND_STORAGE_CLASS);
        for (unsigned version = 1; version <= 2; version++) {
                char said[32];
                snprintf(said, sizeof said, "\"resourceVersion\":\"%u\"", version);
                assert_int_equal(put(cluster.live, MV_KIND_NODE, "n1", 1, version), 0);
                assert_int_equal(put(cluster.live, MV_KIND_STORAGE_CLASS, "n1", 1, version), 0);
                assert_true(mv_live_due(cluster.live) != LLONG_MAX);
                publish(&cluster, true);
                const struct mv_snapshot *snapshot = mv_store_borrow(cluster.store);
                const struct mv_storage_class *class =
                        mv_snapshot_find(snapshot, MV_KIND_STORAGE_CLASS, none, n1);
                const struct mv_node *node = mv_snapshot_find(snapshot, MV_KIND_NODE, none, n1);
                assert_true(mv_str_contains(class->meta.text, mv_str_from(said)));
                assert_null(node->meta.text.p);
                mv_store_return(cluster.store, snapshot);
        }
        cluster_done(&cluster);
}

/* What the next snapshot says that is known of claims. */
static enum mv_knowledge knowledge(struct cluster *cluster) {
        publish(cluster, false);
        const struct mv_snapshot *snapshot = mv_store_borrow(cluster->store);
        enum mv_knowledge knowledge = mv_snapshot_known(snapshot, MV_KIND_CLAIM)->knowledge;
        mv_store_return(cluster->store, snapshot);
        return knowledge;
}

static void put_broken(struct cluster *cluster) {
        struct mv_err err = { 0 };
        static const char broken[] =
                "{\"metadata\":{\"name\":\"n1\",\"namespace\":\"a\"},\"spec\":{\"accessModes\":7}}        ";
        const struct mv_str json = { broken, sizeof broken - 9 };
        assert_int_equal(mv_live_put(cluster->live, MV_KIND_CLAIM, json, &err), MV_ETYPE);
        assert_string_equal(err.path, "spec.accessModes");
}

static void test_broken_objects_are_kept_out(void **state) {
        (void)state;
        struct cluster cluster;
        cluster_init(&cluster);
        assert_int_equal(put(cluster.live, MV_KIND_CLAIM, "n1", 1, 1), 0);
        assert_int_equal(put(cluster.live, MV_KIND_CLAIM, "n2", 1, 1), 0);
        publish(&cluster, true);
        put_broken(&cluster);
        publish(&cluster, true);
        const struct mv_snapshot *snapshot = mv_store_borrow(cluster.store);
        assert_int_equal(value_in(snapshot, MV_KIND_CLAIM, 1), 0);
        assert_int_equal(value_in(snapshot, MV_KIND_CLAIM, 2), 1);
        mv_store_return(cluster.store, snapshot);
        /* It may be what somebody looks for, as long as it is there. */
        mv_live_know(cluster.live, MV_KIND_CLAIM, MV_KNOWLEDGE_ALL, MV_STR(""));
        assert_int_equal(knowledge(&cluster), MV_KNOWLEDGE_NAMED);
        assert_int_equal(put(cluster.live, MV_KIND_CLAIM, "n1", 1, 2), 0);
        assert_int_equal(knowledge(&cluster), MV_KNOWLEDGE_ALL);
        put_broken(&cluster);
        assert_int_equal(knowledge(&cluster), MV_KNOWLEDGE_NAMED);
        mv_live_begin(cluster.live, MV_KIND_CLAIM);
        mv_live_end(cluster.live, MV_KIND_CLAIM);
        assert_int_equal(knowledge(&cluster), MV_KNOWLEDGE_ALL);
        put_broken(&cluster);
        mv_live_remove(cluster.live, MV_KIND_CLAIM, MV_STR("a"), MV_STR("n1"));
        assert_int_equal(knowledge(&cluster), MV_KNOWLEDGE_ALL);
        cluster_done(&cluster);
}

static void test_entries(void **state) {
        (void)state;
        struct cluster cluster;
        size_t n;
        cluster_init(&cluster);
        assert_int_equal(put(cluster.live, MV_KIND_NODE, "n1", 1, 1), 0);
        assert_int_equal(put(cluster.live, MV_KIND_CLAIM, "n2", 1, 1), 0);
        assert_int_equal(put(cluster.live, MV_KIND_CLAIM, "n1", 1, 1), 0);
        publish(&cluster, true);
        const struct mv_snapshot *snapshot = mv_store_borrow(cluster.store);
        mv_snapshot_entries(snapshot, &n);
        assert_int_equal(n, 0);
        mv_store_return(cluster.store, snapshot);
        mv_live_make_entries(cluster.live);
        mv_live_remove(cluster.live, MV_KIND_NODE, MV_STR(""), MV_STR("n1"));
        publish(&cluster, true);
        snapshot = mv_store_borrow(cluster.store);
        const struct mv_entry *entries = mv_snapshot_entries(snapshot, &n);
        assert_int_equal(n, 2);
        assert_string_equal(entries[0].meta->name.p, "n1");
        assert_string_equal(entries[1].meta->name.p, "n2");
        assert_int_equal(entries[1].kind, MV_KIND_CLAIM);
        mv_store_return(cluster.store, snapshot);
        cluster_done(&cluster);
}

static void test_knowledge(void **state) {
        (void)state;
        struct cluster cluster;
        cluster_init(&cluster);
        publish(&cluster, true);
        const struct mv_snapshot *before = mv_store_borrow(cluster.store);
        mv_live_know(cluster.live, MV_KIND_NODE, MV_KNOWLEDGE_FORBIDDEN, MV_STR("nodes is forbidden"));
        mv_live_know(cluster.live, MV_KIND_VM, MV_KNOWLEDGE_LOST, MV_STR(""));
        assert_true(mv_live_due(cluster.live) != LLONG_MAX);
        publish(&cluster, true);
        const struct mv_snapshot *now = mv_store_borrow(cluster.store);
        assert_int_equal(mv_snapshot_known(before, MV_KIND_NODE)->knowledge, MV_KNOWLEDGE_ALL);
        const struct mv_known *nodes = mv_snapshot_known(now, MV_KIND_NODE);
        assert_int_equal(nodes->knowledge, MV_KNOWLEDGE_FORBIDDEN);
        assert_string_equal(nodes->reason.p, "nodes is forbidden");
        assert_int_equal(mv_snapshot_known(now, MV_KIND_VM)->knowledge, MV_KNOWLEDGE_LOST);
        mv_store_return(cluster.store, before);
        mv_store_return(cluster.store, now);
        cluster_done(&cluster);
}

/* Some of the nodes are not the cluster: they are shown when all have been listed, and then with that knowledge. */
static void test_parts_are_not_the_whole(void **state) {
        (void)state;
        struct cluster cluster;
        cluster_init(&cluster);
        for (int round = 0; round < 2; round++) {
                enum mv_knowledge before = round ? MV_KNOWLEDGE_FORBIDDEN : MV_KNOWLEDGE_NONE;
                mv_live_know(cluster.live, MV_KIND_NODE, before, MV_STR(""));
                mv_live_begin(cluster.live, MV_KIND_NODE);
                assert_int_equal(put(cluster.live, MV_KIND_NODE, "n1", 1, 1), 0);
                publish(&cluster, true);
                const struct mv_snapshot *part = mv_store_borrow(cluster.store);
                assert_int_equal(mv_snapshot_count(part, MV_KIND_NODE), 0);
                assert_int_equal(mv_node_index_count(mv_snapshot_node_index(part)), 0);
                assert_int_equal(mv_snapshot_known(part, MV_KIND_NODE)->knowledge, before);
                mv_store_return(cluster.store, part);
                assert_int_equal(put(cluster.live, MV_KIND_NODE, "n2", 1, 1), 0);
                mv_live_end(cluster.live, MV_KIND_NODE);
                mv_live_know(cluster.live, MV_KIND_NODE, MV_KNOWLEDGE_ALL, MV_STR(""));
                publish(&cluster, false);
                const struct mv_snapshot *next = mv_store_borrow(cluster.store);
                size_t shown = mv_snapshot_count(next, MV_KIND_NODE);
                assert_true(shown == 0 || shown == 2); /* whichever, what is known of it fits */
                assert_int_equal(mv_snapshot_known(next, MV_KIND_NODE)->knowledge,
                                 shown ? MV_KNOWLEDGE_ALL : before);
                mv_store_return(cluster.store, next);
                publish(&cluster, true);
                const struct mv_snapshot *whole = mv_store_borrow(cluster.store);
                assert_int_equal(mv_snapshot_count(whole, MV_KIND_NODE), 2);
                assert_int_equal(mv_snapshot_known(whole, MV_KIND_NODE)->knowledge, MV_KNOWLEDGE_ALL);
                mv_store_return(cluster.store, whole);
        }
        cluster_done(&cluster);
}

static void assert_shown(const struct cluster *cluster, enum mv_kind kind, size_t n) {
        const struct mv_snapshot *snapshot = mv_store_borrow(cluster->store);
        assert_int_equal(mv_snapshot_count(snapshot, kind), n);
        mv_store_return(cluster->store, snapshot);
}

/* What is too old is not shown, of any kind, and is there again when the cluster has answered. */
static void test_outdated(void **state) {
        (void)state;
        struct cluster cluster;
        cluster_init(&cluster);
        for (int k = 0; k < KINDS; k++)
                assert_int_equal(put(cluster.live, kinds[k], "n1", 1, 1), 0);
        publish(&cluster, true);
        for (int k = 0; k < KINDS; k++) {
                assert_shown(&cluster, kinds[k], 1);
                mv_live_know(cluster.live, kinds[k], MV_KNOWLEDGE_OUTDATED, MV_STR("not read since noon"));
                assert_true(mv_live_due(cluster.live) != LLONG_MAX);
                publish(&cluster, kinds[k] == MV_KIND_NODE || kinds[k] == MV_KIND_POD);
                assert_shown(&cluster, kinds[k], 0);
        }
        publish(&cluster, true);
        assert_int_equal(mv_live_due(cluster.live), LLONG_MAX);
        const struct mv_snapshot *old = mv_store_borrow(cluster.store);
        assert_int_equal(mv_snapshot_known(old, MV_KIND_CLAIM)->knowledge, MV_KNOWLEDGE_OUTDATED);
        assert_string_equal(mv_snapshot_known(old, MV_KIND_CLAIM)->reason.p, "not read since noon");
        assert_int_equal(mv_node_index_count(mv_snapshot_node_index(old)), 0);
        assert_int_equal(mv_pod_index_count(mv_snapshot_pod_index(old)), 0);
        mv_store_return(cluster.store, old);
        for (int k = 0; k < KINDS; k++)
                mv_live_know(cluster.live, kinds[k], MV_KNOWLEDGE_ALL, MV_STR(""));
        publish(&cluster, true);
        for (int k = 0; k < KINDS; k++)
                assert_shown(&cluster, kinds[k], 1);
        cluster_done(&cluster);
}

/* --- readers at the same time --- */

struct reader {
        struct cluster *cluster;
        atomic_bool *over;
        unsigned long long looks;
};

/* All claims of a snapshot carry the same value. */
static void *read_on(void *context) {
        struct reader *reader = context;
        while (!atomic_load(reader->over) || !reader->looks) {
                const struct mv_snapshot *snapshot = mv_store_borrow(reader->cluster->store);
                unsigned first = snapshot ? value_in(snapshot, MV_KIND_CLAIM, 0) : 0;
                for (unsigned i = 0; snapshot && i < NAMES; i++)
                        if (value_in(snapshot, MV_KIND_CLAIM, i) != first)
                                abort();
                mv_store_return(reader->cluster->store, snapshot);
                reader->looks += snapshot != NULL;
        }
        return NULL;
}

static void test_readers_see_whole_states(void **state) {
        (void)state;
        struct cluster cluster;
        atomic_bool over = false;
        pthread_t threads[2];
        struct reader readers[2];
        char text[16];
        cluster_init(&cluster);
        for (int i = 0; i < 2; i++) {
                readers[i] = (struct reader){ &cluster, &over, 0 };
                assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
        }
        for (unsigned round = 1; round <= 300; round++) {
                for (unsigned i = 0; i < NAMES; i++) {
                        name_of(i, text);
                        assert_int_equal(put(cluster.live, MV_KIND_CLAIM, text, round, round), 0);
                        assert_int_equal(put(cluster.live, MV_KIND_VMI, text, round, round), 0);
                }
                publish(&cluster, round % 7 == 0);
        }
        atomic_store(&over, true);
        for (int i = 0; i < 2; i++)
                pthread_join(threads[i], NULL);
        cluster_done(&cluster);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random_histories),
                cmocka_unit_test(test_two_speeds),
                cmocka_unit_test(test_what_does_not_matter_changes_nothing),
                cmocka_unit_test(test_texts),
                cmocka_unit_test(test_broken_objects_are_kept_out),
                cmocka_unit_test(test_entries),
                cmocka_unit_test(test_knowledge),
                cmocka_unit_test(test_parts_are_not_the_whole),
                cmocka_unit_test(test_outdated),
                cmocka_unit_test(test_readers_see_whole_states),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
