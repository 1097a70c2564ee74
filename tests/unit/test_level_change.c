/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be had from outside of the answer to a changed level label: too little time or memory, and a cluster of which not
 * everything is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/review.h"

#include <stdio.h>
#include <string.h>

enum { VMS = 100 };

static const char review_text[] =
        "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','request':{'uid':'u','resource':{'group':'',"
        "'version':'v1','resource':'namespaces'},'operation':'UPDATE','namespace':'a','name':'a','userInfo':{"
        "'username':'jane'},'object':{'metadata':{'name':'a','labels':{'migvet.io/enforce':'migratable'}}},"
        "'oldObject':{'metadata':{'name':'a'}}}}";

struct asked {
        int looks; /* at the clock, before the time for long work is over; -1: it never is */
        bool late, unread, live;
        size_t memory; /* of the review; 0: enough */
};

static bool is_hurried(void *context) {
        struct asked *asked = context;
        return asked->looks >= 0 && asked->looks-- == 0;
}

static bool is_late(void *context) {
        const struct asked *asked = context;
        return asked->late;
}

static struct mv_snapshot *cluster_make(void) {
        static const char *const namespaces[] = { "0", "a", "b" }; /* that of the label, and its neighbours */
        static char text[3 * VMS * 400];
        size_t at = (size_t)snprintf(
                text, sizeof text,
                "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kubevirt','namespace':'kubevirt'},"
                "'status':{'phase':'Deployed'}}");
        for (int i = 0; i < 3 * VMS; i++)
                at += (size_t)snprintf(
                        text + at, sizeof text - at,
                        ",{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'v%02d','namespace':"
                        "'%s'},'spec':{'runStrategy':'Always','template':{'spec':{'domain':{'devices':{'interfaces':[{"
                        "'name':'n','bridge':{}}]}},'networks':[{'name':'n','pod':{}}]}}}}",
                        i / 3, namespaces[i % 3]);
        return snapshot_make(text);
}

/* The warnings, each followed by a new line. It is allowed in any case. */
static void ask(struct asked *asked, char answer[static 4096]) {
        struct mv_snapshot *snapshot = cluster_make();
        struct mv_str body = json_make(review_text);
        struct mv_arena arena;
        struct mv_buf response;
        struct mv_config config;
        struct mv_review_result result;
        mv_config_init(&config);
        mv_arena_init(&arena, &mv_allocator_system, asked->memory);
        mv_buf_init(&response, &mv_allocator_system, 1 << 20);
        const struct mv_review_input input = { .arena = &arena,
                                               .snapshot = asked->unread ? NULL : snapshot,
                                               .config = &config,
                                               .mirror = MV_MIRROR_WARN,
                                               .live = asked->live,
                                               .expired = is_late,
                                               .hurried = is_hurried,
                                               .context = asked };
        assert_int_equal(mv_review_answer(&input, body, &response, &result), 200);
        assert_true(result.decision.allowed);
        answer[0] = 0;
        for (const struct mv_warning *w = result.decision.warnings; w; w = w->next) {
                assert_true(w->text.n <= 120);
                snprintf(answer + strlen(answer), 4096 - strlen(answer), "%.*s\n", MV_STR_ARG(w->text));
        }
        mv_buf_done(&response);
        mv_arena_done(&arena);
        text_free(body);
        mv_snapshot_free(snapshot);
}

static void expect(struct asked asked, const char *first, const char *last) {
        char answer[4096];
        ask(&asked, answer);
        if (strncmp(answer, first, strlen(first)) != 0 || !strstr(answer, last))
                fail_msg("%s", answer);
}

/* What was judged until then counts, and how many were not is said. */
static void test_time(void **state) {
        (void)state;
        expect((struct asked){ .looks = -1 },
               "migvet.io/enforce: 100 of 100 VMs break level migratable: vm/v00, vm/v01", "more\n");
        expect((struct asked){ .looks = 16 },
               "migvet.io/enforce: 16 of 16 VMs break level migratable: vm/v00, vm/v01",
               "vm/v15\nmigvet.io/enforce: there was time to judge 16 of the 100 VMs only\n");
        expect((struct asked){ .looks = 0 },
               "migvet.io/enforce: there was time to judge 0 of the 100 VMs only\n", "only\n");
        expect((struct asked){ .looks = -1, .late = true },
               "migvet.io/enforce: there was time to judge 0 of the 100 VMs only\n", "only\n");
}

static void test_not_all_known(void **state) {
        (void)state;
        expect((struct asked){ .looks = -1, .unread = true }, "migvet: the cluster has not been read yet",
               "is not known\n");
        /* A snapshot of files does not have all. */
        expect((struct asked){ .looks = -1, .live = true }, "migvet.io/enforce: 100 of 100 VMs",
               "migvet.io/enforce: there may be more: not every VirtualMachine is known\n"
               "migvet.io/enforce: there may be more: not every VirtualMachineInstance is known\n");
}

/* Whatever the memory is, it is answered; and where that was not enough, this is said. */
static void test_memory(void **state) {
        (void)state;
        size_t without = 0;
        for (size_t memory = 1024;; memory += 512) {
                struct asked asked = { .looks = -1, .memory = memory };
                char answer[4096];
                ask(&asked, answer);
                if (strncmp(answer, "migvet.io/enforce: 100 of 100", 29) == 0 && !strstr(answer, "memory"))
                        break;
                assert_string_equal(answer, "migvet: there was not enough memory to judge this object\n");
                without++;
        }
        assert_true(without > 4);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_time),
                cmocka_unit_test(test_not_all_known),
                cmocka_unit_test(test_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
