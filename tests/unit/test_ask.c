/* SPDX-License-Identifier: Apache-2.0 */
/* Questions of controllers that cannot be had from outside: a cluster that is not known, time and memory that run out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/ask.h"

#include <stdio.h>
#include <string.h>

#define INSTANCE                                                                                                  \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'db','namespace':'a'," \
        "'uid':'7'},'spec':{'domain':{'devices':{'interfaces':[{'name':'n','bridge':{}}]}},'networks':["          \
        "{'name':'n','pod':{}}],'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'gone'}}]}}"
#define ABOUT(name)                                                                                               \
        "{'subject':{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','namespace':'a','name':'" name \
        "'}}"

struct question {
        const char *body;
        const struct mv_snapshot *snapshot;
        const struct mv_allocator *allocator;
        bool late, may_exist;
};

struct told {
        int status;
        char verdict[8], rules[64], missing[128], message[256], text[8192];
};

static bool is_late(void *context) {
        return ((const struct question *)context)->late;
}

static bool may_exist(void *context, const struct mv_missing *object) {
        assert_int_equal(object->kind, MV_KIND_VMI);
        return ((const struct question *)context)->may_exist;
}

static void ask(const struct question *question, struct told *ret) {
        struct mv_str body = json_make(question->body);
        struct mv_config config;
        struct mv_arena arena;
        struct mv_buf response;
        struct mv_ask_result result;
        mv_config_init(&config);
        mv_arena_init(&arena, question->allocator ? question->allocator : &mv_allocator_system, 0);
        mv_buf_init(&response, &mv_allocator_system, 1 << 20);
        const struct mv_ask_input input = { .arena = &arena,
                                            .snapshot = question->snapshot,
                                            .config = &config,
                                            .version = MV_STR(""),
                                            .may_exist = may_exist,
                                            .expired = is_late,
                                            .context = (void *)(uintptr_t)question };
        *ret = (struct told){ .status = mv_ask_answer(&input, body, &response, &result) };
        snprintf(ret->verdict, sizeof ret->verdict, "%s", result.verdict);
        snprintf(ret->rules, sizeof ret->rules, "%.*s", MV_STR_ARG(result.rules));
        for (size_t i = 0, n = 0; i < result.missing.n && n < sizeof ret->missing; i++)
                n += (size_t)snprintf(ret->missing + n, sizeof ret->missing - n, "%s %.*s;",
                                      mv_kinds[result.missing.items[i].kind].kind,
                                      MV_STR_ARG(result.missing.items[i].name));
        snprintf(ret->text, sizeof ret->text, "%.*s", (int)response.n, response.p);
        const char *message = strstr(ret->text, "\"message\":\"");
        if (ret->status != 200 && message)
                snprintf(ret->message, sizeof ret->message, "%.*s", (int)strcspn(message + 11, "\""),
                         message + 11);
        mv_buf_done(&response);
        mv_arena_done(&arena);
        text_free(body);
}

static void assert_told(const struct question *question, int status, const char *message) {
        struct told told;
        ask(question, &told);
        assert_int_equal(told.status, status);
        assert_string_equal(told.message, message);
        assert_string_equal(told.verdict, "");
        assert_non_null(strstr(told.text, "\"kind\":\"Status\""));
}

static void test_found(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_make(INSTANCE);
        struct told by_name, by_text;
        ask(&(struct question){ .body = ABOUT("db"), .snapshot = snapshot }, &by_name);
        assert_int_equal(by_name.status, 200);
        assert_string_equal(by_name.verdict, "False");
        assert_string_equal(by_name.rules, "pod-network-binding");
        assert_string_equal(by_name.missing, "Namespace a;PersistentVolumeClaim gone;");
        ask(&(struct question){ .body = INSTANCE, .snapshot = snapshot }, &by_text);
        assert_string_equal(by_name.text, by_text.text);
        mv_snapshot_free(snapshot);
}

static void test_not_found(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_make(INSTANCE);
        struct question question = { .body = ABOUT("web"), .snapshot = snapshot };
        struct told told;
        assert_told(&question, 404, "VirtualMachineInstance a/web is not in the input");
        ask(&question, &told);
        assert_string_equal(told.missing, "VirtualMachineInstance web;"); /* so that it can be asked for */
        question.may_exist = true;
        assert_told(&question, 503, "VirtualMachineInstance a/web could not be looked up in time");
        mv_snapshot_free(snapshot);
}

/* What is not known of the kind is not said to be absent. */
static void test_not_known(void **state) {
        (void)state;
        static const struct {
                enum mv_knowledge knowledge;
                int status;
        } rows[] = { { MV_KNOWLEDGE_NONE, 503 },   { MV_KNOWLEDGE_ALL, 404 },
                     { MV_KNOWLEDGE_ABSENT, 404 }, { MV_KNOWLEDGE_FORBIDDEN, 503 },
                     { MV_KNOWLEDGE_LOST, 503 },   { MV_KNOWLEDGE_NAMED, 503 } };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct mv_err err = { 0 };
                struct mv_snapshot *snapshot = NULL;
                struct told told;
                struct mv_snapshot_builder *builder =
                        mv_snapshot_builder_new(&mv_allocator_system, MV_STR("default"));
                mv_snapshot_builder_know(builder, MV_KIND_VMI, rows[i].knowledge, MV_STR(""));
                assert_int_equal(mv_snapshot_builder_finish(builder, &snapshot, &err), 0);
                ask(&(struct question){ .body = ABOUT("web"), .snapshot = snapshot }, &told);
                assert_int_equal(told.status, rows[i].status);
                mv_snapshot_free(snapshot);
        }
        assert_told(&(struct question){ .body = INSTANCE }, 503, "the cluster has not been read yet");
        /* What is wrong with the question is told all the same. */
        assert_told(
                &(struct question){
                        .body = "{'subject':{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine',"
                                "'namespace':'shop'}}" },
                400, "subject.name must be given");
}

static void test_late(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_make(INSTANCE);
        assert_told(&(struct question){ .body = INSTANCE, .snapshot = snapshot, .late = true }, 504,
                    "there was not enough time to judge this object");
        mv_snapshot_free(snapshot);
}

/* Each allocation fails in turn: the whole verdict, or none. */
static void test_without_memory(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_make(INSTANCE);
        struct question question = { .body = INSTANCE, .snapshot = snapshot };
        struct told whole, told;
        unsigned refused = 0;
        ask(&question, &whole);
        assert_int_equal(whole.status, 200);
        for (size_t i = 1;; i++) {
                struct test_allocator allocator;
                test_allocator_init(&allocator, i);
                allocator.fail_after = true;
                question.allocator = &allocator.allocator;
                ask(&question, &told);
                assert_int_equal(allocator.live, 0);
                if (allocator.calls < i)
                        break;
                if (told.status == 200) {
                        assert_string_equal(told.text, whole.text);
                        continue;
                }
                assert_int_equal(told.status, 503);
                refused++;
        }
        assert_true(refused > 0);
        assert_string_equal(told.text, whole.text);
        mv_snapshot_free(snapshot);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_found),          cmocka_unit_test(test_not_found),
                cmocka_unit_test(test_not_known),      cmocka_unit_test(test_late),
                cmocka_unit_test(test_without_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
