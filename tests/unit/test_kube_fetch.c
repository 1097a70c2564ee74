/* SPDX-License-Identifier: Apache-2.0 */
/* Objects asked for by name (cluster/kube/fetch.h), of a fake API server. */
#include "tests/unit/test_kube_stage.h"

static enum mv_kube_found ask(struct stage *stage, enum mv_kind kind, const char *name) {
        const struct mv_kube_wanted wanted = { .kind = kind,
                                               .namespace = MV_STR("a"),
                                               .name = mv_str_from(name) };
        stage->answered = false;
        mv_kube_fetch_begin(stage->fetch,
                            mv_kube_ask_new(&wanted, 1, (mv_clock_ms() + 20000) * 1000000, answered, stage));
        for (;;) {
                mv_kube_fetch_step(stage->fetch, mv_clock_ms());
                if (stage->answered)
                        return stage->found;
                mv_kube_client_run(stage->kube.client, 100);
        }
}

static void test_dropped_meanwhile(void **state) {
        (void)state;
        struct stage stage;
        stage_begin(&stage);
        assert_int_equal(ask(&stage, MV_KIND_NODE, "new"), MV_KUBE_FOUND);
        assert_int_equal(ask(&stage, MV_KIND_NODE, "new"), MV_KUBE_FOUND);
        /* what is known is not shown */
        mv_live_know(stage.live, MV_KIND_NODE, MV_KNOWLEDGE_OUTDATED, MV_STR(""));
        assert_int_equal(ask(&stage, MV_KIND_NODE, "new"), MV_KUBE_NOT_KNOWN);
        mv_live_know(stage.live, MV_KIND_NODE, MV_KNOWLEDGE_ALL, MV_STR(""));
        assert_int_equal(ask(&stage, MV_KIND_NODE, "new"), MV_KUBE_FOUND);
        /* as when the kind may not be listed, each time that is tried again */
        mv_live_begin(stage.live, MV_KIND_NODE);
        mv_live_end(stage.live, MV_KIND_NODE);
        assert_null(mv_live_find(stage.live, MV_KIND_NODE, (struct mv_str){ 0 }, MV_STR("new")));
        assert_int_equal(ask(&stage, MV_KIND_NODE, "new"), MV_KUBE_FOUND);
        assert_non_null(mv_live_find(stage.live, MV_KIND_NODE, (struct mv_str){ 0 }, MV_STR("new")));
        stage_end(&stage);
}

static void test_publishes_what_is_found(void **state) {
        (void)state;
        struct stage stage;
        stage_begin(&stage);
        assert_int_equal(ask(&stage, MV_KIND_NODE, "missing"), MV_KUBE_NOT_THERE);
        assert_int_equal(ask(&stage, MV_KIND_CONFIG_MAP, "not-asked-for"), MV_KUBE_NOT_KNOWN);
        assert_int_equal(stage.publications, 0);
        stage.no_memory = true;
        assert_int_equal(ask(&stage, MV_KIND_NODE, "new"), MV_KUBE_NOT_KNOWN);
        assert_int_equal(stage.publications, 1);
        stage.no_memory = false;
        assert_int_equal(ask(&stage, MV_KIND_NODE, "new"), MV_KUBE_FOUND);
        assert_int_equal(stage.publications, 2);
        stage_end(&stage);
}

/* A server that has the kind in another version answers 404, too. */
static void test_version_is_a_guess(void **state) {
        (void)state;
        struct stage stage;
        stage_begin(&stage);
        assert_int_equal(ask(&stage, MV_KIND_VM, "missing"), MV_KUBE_NOT_KNOWN);
        assert_int_equal(ask(&stage, MV_KIND_POD, "missing"), MV_KUBE_NOT_THERE);
        stage_end(&stage);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dropped_meanwhile),
                cmocka_unit_test(test_publishes_what_is_found),
                cmocka_unit_test(test_version_is_a_guess),
        };
        return cmocka_run_group_tests(tests, set_up_api, tear_down_api);
}
