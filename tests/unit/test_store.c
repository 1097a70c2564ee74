/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/store.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* A snapshot of one namespace with that name. */
static struct mv_snapshot *snapshot_make(const char *name) {
        struct mv_snapshot *snapshot = NULL;
        struct mv_err err = { 0 };
        struct mv_snapshot_builder *builder =
                mv_snapshot_builder_new(&mv_allocator_system, MV_STR("default"));
        assert_non_null(builder);
        char json[256] = { 0 };
        int n = snprintf(json, sizeof json - 8,
                         "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\"}}",
                         name);
        int r = mv_snapshot_builder_add(builder, (struct mv_str){ json, (size_t)n }, MV_STR("test"), &err);
        if (!r)
                r = mv_snapshot_builder_finish(builder, &snapshot, &err);
        if (r)
                fail_msg("%s", err.message);
        return snapshot;
}

static bool holds(const struct mv_snapshot *snapshot, const char *name) {
        return mv_snapshot_find(snapshot, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, mv_str_from(name)) != NULL;
}

static void test_empty(void **state) {
        (void)state;
        struct mv_store *store = mv_store_new();
        assert_non_null(store);
        assert_null(mv_store_borrow(store));
        mv_store_return(store, NULL);
        assert_null(mv_store_free(store));
        assert_null(mv_store_free(NULL));
}

static void test_old_lives_while_on_loan(void **state) {
        (void)state;
        struct mv_store *store = mv_store_new();
        mv_store_publish(store, snapshot_make("a"));
        const struct mv_snapshot *a = mv_store_borrow(store), *again = mv_store_borrow(store);
        assert_ptr_equal(a, again);
        mv_store_publish(store, snapshot_make("b"));
        const struct mv_snapshot *b = mv_store_borrow(store);
        mv_store_publish(store, snapshot_make("c"));
        const struct mv_snapshot *c = mv_store_borrow(store);
        assert_ptr_not_equal(a, b);
        assert_ptr_not_equal(b, c);
        mv_store_return(store, a);
        assert_true(holds(again, "a"));
        assert_true(holds(b, "b"));
        assert_true(holds(c, "c"));
        assert_false(holds(c, "a"));
        mv_store_return(store, c);
        mv_store_return(store, again);
        assert_true(holds(b, "b"));
        mv_store_return(store, b);
        c = mv_store_borrow(store);
        assert_true(holds(c, "c"));
        mv_store_return(store, c);
        mv_store_free(store);
}

static void test_many_on_loan(void **state) {
        (void)state;
        enum { N = 50 };
        const struct mv_snapshot *loans[N];
        struct mv_store *store = mv_store_new();
        char name[16];
        for (int i = 0; i < N; i++) {
                snprintf(name, sizeof name, "n%d", i);
                mv_store_publish(store, snapshot_make(name));
                loans[i] = mv_store_borrow(store);
        }
        for (int i = 0; i < N; i++) {
                int at = i * 7 % N; /* in another order */
                snprintf(name, sizeof name, "n%d", at);
                assert_true(holds(loans[at], name));
                mv_store_return(store, loans[at]);
        }
        mv_store_free(store);
}

struct race {
        struct mv_store *store;
        atomic_bool stop;
        atomic_uint bad, loans;
};

static void *borrow_all_the_time(void *argument) {
        struct race *race = argument;
        while (!atomic_load(&race->stop)) {
                const struct mv_snapshot *a = mv_store_borrow(race->store), *b = mv_store_borrow(race->store);
                if (!holds(a, "x") || !holds(b, "x"))
                        atomic_fetch_add(&race->bad, 1);
                mv_store_return(race->store, a);
                mv_store_return(race->store, b);
                atomic_fetch_add(&race->loans, 1);
        }
        return NULL;
}

static void test_threads(void **state) {
        (void)state;
        struct race race = { .store = mv_store_new() };
        mv_store_publish(race.store, snapshot_make("x"));
        pthread_t threads[4];
        for (int i = 0; i < 4; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, borrow_all_the_time, &race), 0);
        for (int i = 0; i < 300 || atomic_load(&race.loans) < 100; i++)
                mv_store_publish(race.store, snapshot_make("x"));
        atomic_store(&race.stop, true);
        for (int i = 0; i < 4; i++)
                pthread_join(threads[i], NULL);
        assert_int_equal(atomic_load(&race.bad), 0);
        mv_store_free(race.store);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_old_lives_while_on_loan),
                cmocka_unit_test(test_many_on_loan),
                cmocka_unit_test(test_threads),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
