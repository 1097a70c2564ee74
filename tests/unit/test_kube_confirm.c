/* SPDX-License-Identifier: Apache-2.0 */
/* Objects whose state is confirmed (cluster/kube/confirm.h), of a fake API server: its Node `new` has resourceVersion 1. */
#include "tests/unit/test_kube_stage.h"

/* meanwhile: what the watch brings while the answer is waited for. */
static enum mv_kube_found confirm(struct stage *stage, enum mv_kind kind, const char *name, long long ms,
                                  void (*meanwhile)(struct stage *stage)) {
        const struct mv_kube_wanted wanted = { .kind = kind,
                                               .namespace = MV_STR("a"),
                                               .name = mv_str_from(name) };
        long long begun = mv_clock_ms();
        stage->answered = false;
        mv_kube_confirm_begin(stage->confirm,
                              mv_kube_ask_new(&wanted, 1, (begun + ms) * 1000000, answered, stage));
        for (;;) {
                long long now = mv_clock_ms(), until = mv_kube_confirm_step(stage->confirm, now);
                mv_kube_fetch_step(stage->fetch, now);
                if (stage->answered)
                        return stage->found;
                assert_true(until <= begun + ms); /* nobody is kept waiting */
                mv_kube_client_run(stage->kube.client, until > now ? (unsigned)(until - now) : 0);
                if (meanwhile && now > begun + 100) {
                        meanwhile(stage);
                        meanwhile = NULL;
                }
        }
}

static void put_node(struct stage *stage, const char *name, const char *rest) {
        char text[256];
        snprintf(text, sizeof text, "{'apiVersion':'v1','kind':'Node','metadata':{'name':'%s',%s}}", name,
                 rest);
        struct mv_str json = json_make(text);
        assert_int_equal(mv_live_put(stage->live, MV_KIND_NODE, json, NULL), 0);
        text_free(json);
}

static void test_as_new(void **state) {
        (void)state;
        struct stage stage;
        stage_begin(&stage);
        /* nothing is known of it: it is fetched */
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "new", 20000, NULL), MV_KUBE_FOUND);
        assert_non_null(mv_live_find(stage.live, MV_KIND_NODE, (struct mv_str){ 0 }, MV_STR("new")));
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "new", 20000, NULL), MV_KUBE_FOUND);
        /* of an older version, but for what is read the same */
        put_node(&stage, "new", "'uid':'u','resourceVersion':'0'");
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "new", 20000, NULL), MV_KUBE_FOUND);
        /* the watch is ahead */
        put_node(&stage, "new", "'uid':'u','resourceVersion':'12','labels':{'a':'b'}");
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "new", 20000, NULL), MV_KUBE_FOUND);
        stage_end(&stage);
}

static void catch_up(struct stage *stage) {
        put_node(stage, "new", "'uid':'u','resourceVersion':'1'");
}

/* The watch has not told yet: that is waited for, until the deadline. */
static void test_behind(void **state) {
        (void)state;
        struct stage stage;
        stage_begin(&stage);
        put_node(&stage, "new", "'uid':'u','resourceVersion':'0','labels':{'a':'b'}");
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "new", 300, NULL), MV_KUBE_NOT_KNOWN);
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "new", 20000, catch_up), MV_KUBE_FOUND);
        stage_end(&stage);
}

static void forget(struct stage *stage) {
        mv_live_remove(stage->live, MV_KIND_NODE, (struct mv_str){ 0 }, MV_STR("missing"));
}

static void test_not_there(void **state) {
        (void)state;
        struct stage stage;
        stage_begin(&stage);
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "missing", 20000, NULL), MV_KUBE_NOT_THERE);
        put_node(&stage, "missing", "'uid':'u'");
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "missing", 300, NULL), MV_KUBE_NOT_KNOWN);
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "missing", 20000, forget), MV_KUBE_NOT_THERE);
        stage_end(&stage);
}

static void test_no_answer(void **state) {
        (void)state;
        struct stage stage;
        stage_begin(&stage);
        assert_int_equal(confirm(&stage, MV_KIND_CONFIG_MAP, "a", 20000, NULL), MV_KUBE_NOT_KNOWN);
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "", 20000, NULL), MV_KUBE_NOT_KNOWN);
        /* it may be there in another version */
        assert_int_equal(confirm(&stage, MV_KIND_VM, "missing", 20000, NULL), MV_KUBE_NOT_KNOWN);
        /* nothing is confirmed that is not in force */
        put_node(&stage, "new", "'uid':'u','resourceVersion':'1'");
        stage.no_memory = true;
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "new", 20000, NULL), MV_KUBE_NOT_KNOWN);
        stage.no_memory = false;
        mv_live_know(stage.live, MV_KIND_NODE, MV_KNOWLEDGE_OUTDATED, MV_STR(""));
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "new", 300, NULL), MV_KUBE_NOT_KNOWN);
        mv_live_know(stage.live, MV_KIND_NODE, MV_KNOWLEDGE_ALL, MV_STR(""));
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "new", 20000, NULL), MV_KUBE_FOUND);
        /* a server that is silent, or gone */
        assert_int_equal(confirm(&stage, MV_KIND_NODE, "silent", 300, NULL), MV_KUBE_NOT_KNOWN);
        stage_end(&stage);
}

/* Open questions are answered when it ends. */
static void test_ended(void **state) {
        (void)state;
        struct stage stage;
        const struct mv_kube_wanted wanted = { .kind = MV_KIND_NODE, .name = MV_STR("silent") };
        stage_begin(&stage);
        mv_kube_confirm_begin(stage.confirm, mv_kube_ask_new(&wanted, 1, (mv_clock_ms() + 20000) * 1000000,
                                                             answered, &stage));
        mv_kube_confirm_step(stage.confirm, mv_clock_ms());
        stage.found = MV_KUBE_FOUND;
        stage_end(&stage);
        assert_true(stage.answered);
        assert_int_equal(stage.found, MV_KUBE_NOT_KNOWN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_as_new),    cmocka_unit_test(test_behind),
                cmocka_unit_test(test_not_there), cmocka_unit_test(test_no_answer),
                cmocka_unit_test(test_ended),
        };
        return cmocka_run_group_tests(tests, set_up_api, tear_down_api);
}
