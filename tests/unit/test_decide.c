/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions that cannot be had from outside: objects that there was no time or memory to judge, and a live cluster whose
 * KubeVirt is not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/review.h"

#include <stdio.h>
#include <string.h>

#define NAMESPACES                                                                      \
        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'default','labels':{" \
        "'migvet.io/enforce':'migratable'}}},"                                          \
        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'free','labels':{"    \
        "'migvet.io/enforce':'none','migvet.io/migrations':'warn'}}}"
#define KUBEVIRT                                                                           \
        ",{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kubevirt'," \
        "'namespace':'kubevirt'},'status':{'phase':'Deployed'}}"
#define BRIDGE                                                                                    \
        "'domain':{'devices':{'interfaces':[{'name':'a','bridge':{}}]}},'networks':[{'name':'a'," \
        "'pod':{}}]"
#define VM(meta) "{'metadata':{" meta "},'spec':{'runStrategy':'Always','template':{'spec':{" BRIDGE "}}}}"
#define VMI(meta) "{'metadata':{" meta "},'spec':{" BRIDGE "}}"
#define OWNED                                                                                             \
        "'ownerReferences':[{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','name':'x','uid':'1'," \
        "'controller':true}]"

/* A request, and what it is asked with. */
struct asked {
        const char *resource, *operation, *namespace, *user, *object;
        const char *objects; /* of the cluster; NULL: NAMESPACES and KUBEVIRT */
        const char *config;  /* behind the header; NULL: as shipped */
        size_t memory;       /* of the review; 0: enough */
        bool late, live;
};

static bool is_late(void *context) {
        (void)context;
        return true;
}

static void read_config(struct mv_arena *arena, const char *text, struct mv_config *ret) {
        char whole[1024];
        struct mv_err err = { 0 };
        snprintf(whole, sizeof whole, "apiVersion: " MV_CONFIG_API_VERSION "\nkind: Configuration\n%s",
                 text ? text : "");
        if (mv_config_read(arena, mv_str_from(whole), ret, &err))
                fail_msg("%s: %s", err.path, err.message);
}

static size_t n_warnings; /* of the last answer */

/* The HTTP status; with 200, *ret_allowed. */
static int ask(const struct asked *asked, bool *ret_allowed) {
        char text[4096];
        snprintf(
                text, sizeof text,
                "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','request':{'uid':'u',"
                "'resource':{'group':'kubevirt.io','version':'v1','resource':'%s'},'operation':'%s','namespace':"
                "'%s','name':'x','userInfo':{'username':'%s'},'object':%s%s%s}}",
                asked->resource ? asked->resource : "virtualmachines",
                asked->operation ? asked->operation : "CREATE",
                asked->namespace ? asked->namespace : "default", asked->user ? asked->user : "jane",
                asked->object ? asked->object : VM("'name':'x'"), asked->operation ? ",'oldObject':" : "",
                asked->operation ? "{'metadata':{'name':'x'},'spec':{'runStrategy':'Halted'}}" : "");
        struct mv_snapshot *snapshot = snapshot_make(asked->objects ? asked->objects : NAMESPACES KUBEVIRT);
        struct mv_str body = json_make(text);
        struct mv_arena arena, configuration;
        struct mv_buf response;
        struct mv_config config;
        struct mv_review_result result;
        mv_arena_init(&configuration, &mv_allocator_system, 0);
        read_config(&configuration, asked->config, &config);
        mv_arena_init(&arena, &mv_allocator_system, asked->memory);
        mv_buf_init(&response, &mv_allocator_system, 1 << 20);
        const struct mv_review_input input = { .arena = &arena,
                                               .snapshot = snapshot,
                                               .config = &config,
                                               .mirror = MV_MIRROR_OFF,
                                               .live = asked->live,
                                               .expired = asked->late ? is_late : NULL };
        int status = mv_review_answer(&input, body, &response, &result);
        *ret_allowed = result.decision.allowed;
        n_warnings = result.decision.n_warnings;
        assert_true(status != 200 || *ret_allowed || result.decision.message.n);
        mv_buf_done(&response);
        mv_arena_done(&arena);
        mv_arena_done(&configuration);
        text_free(body);
        mv_snapshot_free(snapshot);
        return status;
}

static bool is_allowed(const struct asked *asked) {
        bool allowed = false;
        assert_int_equal(ask(asked, &allowed), 200);
        return allowed;
}

#define DENY "unknown: deny\n"
#define assert_allowed(...) assert_true(is_allowed(&(struct asked){ __VA_ARGS__ }))
#define assert_denied(...) assert_false(is_allowed(&(struct asked){ __VA_ARGS__ }))

static void test_no_time(void **state) {
        (void)state;
        const char *migration = "{'metadata':{'name':'x'},'spec':{'vmiName':'i'}}";
        assert_denied(.late = false); /* judged, it is */
        assert_allowed(.late = true);
        assert_allowed(.late = true, .config = "unknown: allow\n");
        assert_denied(.late = true, .config = DENY);
        assert_denied(.late = true, .config = DENY, .resource = "virtualmachineinstances",
                      .object = VMI("'name':'x'"));
        assert_denied(.late = true, .config = DENY, .resource = "virtualmachineinstancemigrations",
                      .object = migration);
        /* What the level does not ask for. */
        assert_allowed(.late = true, .config = DENY, .namespace = "free");
        assert_allowed(.late = true, .config = DENY, .namespace = "free", .object = migration,
                       .resource = "virtualmachineinstancemigrations");
        assert_allowed(.late = true, .config = DENY, .resource = "virtualmachineinstancereplicasets");
        /* An update: Unknown is never worse. */
        assert_allowed(.late = true, .config = DENY, .operation = "UPDATE");
        /* Who is never denied. */
        assert_allowed(.late = true, .config = DENY, .namespace = "kubevirt");
        assert_allowed(.late = true, .config = DENY,
                       .user = "system:serviceaccount:kubevirt:kubevirt-controller");
        assert_allowed(.late = true, .config = DENY,
                       .object = VM("'name':'x','deletionTimestamp':'2026-01-01T00:00:00Z'"));
        assert_allowed(.late = true, .config = DENY, .resource = "virtualmachineinstances",
                       .object = VMI("'name':'x'," OWNED));
        assert_denied(.late = true, .config = DENY "vmStart: deny\n", .resource = "virtualmachineinstances",
                      .object = VMI("'name':'x'," OWNED));
        /* Whom the configuration exempts. */
        assert_allowed(.late = true, .config = DENY "exemptions: [{users: [jane], reason: r}]\n");
        assert_denied(.late = true, .config = DENY "exemptions: [{users: [joe], reason: r}]\n");
}

/* From where the envelope can be read to where the object can be judged, whatever the memory is, it is Unknown: the VM,
 * which is refused once it is judged, passes as shipped. */
static void test_no_memory(void **state) {
        (void)state;
        size_t without = 0;
        for (size_t memory = 256;; memory += 256) {
                struct asked asked = { .memory = memory };
                bool allowed = false;
                if (ask(&asked, &allowed) != 200)
                        continue;
                if (!allowed)
                        break;
                without++;
                assert_denied(.memory = memory, .config = DENY);
                assert_allowed(.memory = memory, .config = DENY,
                               .user = "system:serviceaccount:kube-system:a");
                assert_allowed(.memory = memory, .config = DENY,
                               .object = VM("'deletionTimestamp':'2026-01-01T00:00:00Z'"));
                assert_allowed(.memory = memory, .namespace = "free", .config = DENY);
                assert_allowed(.memory = memory, .config = DENY "exemptions: [{users: [jane], reason: r}]\n");
        }
        assert_true(without > 4);
}

/* As long as KubeVirt's namespace is not known, neither is who its controllers are. */
static void test_live_without_kubevirt(void **state) {
        (void)state;
        assert_denied(.objects = NAMESPACES);
        assert_denied(.live = true);
        assert_allowed(.live = true, .objects = NAMESPACES);
        assert_true(n_warnings); /* but a person is told */
        assert_allowed(.live = true, .objects = NAMESPACES, .late = true, .config = DENY);
        assert_denied(.live = false, .objects = NAMESPACES, .late = true, .config = DENY);
}

/* On a live cluster a type that is not known here may be that of a newer KubeVirt. */
static void test_live_with_other_types(void **state) {
        (void)state;
        const char *other = "{'metadata':{'name':'x'},'spec':{'runStrategy':5}}";
        assert_denied(.object = other);
        assert_allowed(.object = other, .live = true);
        assert_denied(.object = other, .live = true, .config = DENY);
        assert_allowed(.object = other, .config = "exemptions: [{users: [jane], reason: r}]\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_time),
                cmocka_unit_test(test_no_memory),
                cmocka_unit_test(test_live_without_kubevirt),
                cmocka_unit_test(test_live_with_other_types),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
