/* SPDX-License-Identifier: Apache-2.0 */
/* `mirror: deny`: on a live cluster KubeVirt's own refusals become denials, for people, of what was confirmed, and of what this
 * version knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/review.h"

#include <stdio.h>
#include <string.h>

#define BARE "'domain':{'devices':{'autoattachPodInterface':false}}"
#define KUBEVIRT                                                                          \
        "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kubevirt'," \
        "'namespace':'kubevirt'},'status':{'phase':'Deployed'}},"
#define CLUSTER                                                                                        \
        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'shop'}},"                           \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'ended',"   \
        "'namespace':'shop'},'spec':{" BARE "},'status':{'phase':'Failed'}},"                          \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'moving',"  \
        "'namespace':'shop'},'spec':{" BARE "},'status':{'phase':'Running'}},"                         \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':{'name':"  \
        "'first','namespace':'shop','uid':'7','labels':{'kubevirt.io/vmi-name':'moving'}},'spec':"     \
        "{'vmiName':'moving'}},"                                                                       \
        "{'apiVersion':'instancetype.kubevirt.io/v1beta1','kind':'VirtualMachineClusterInstancetype'," \
        "'metadata':{'name':'small'},'spec':{'cpu':{'guest':1},'memory':{'guest':'1Gi'}}}"
#define VM(spec) \
        "{'metadata':{'name':'m','namespace':'shop'},'spec':{" spec "'template':{'spec':{'domain':{}}}}}"
#define MIGRATION(spec) "{'metadata':{'name':'m','namespace':'shop'},'spec':{" spec "}}"
#define CONTROLLER "system:serviceaccount:kubevirt:kubevirt-controller"

enum { VMS, VMIS, MIGRATIONS, POLICIES };
static const char *const resources[][3] = {
        [VMS] = { "kubevirt.io", "v1", "virtualmachines" },
        [VMIS] = { "kubevirt.io", "v1", "virtualmachineinstances" },
        [MIGRATIONS] = { "kubevirt.io", "v1", "virtualmachineinstancemigrations" },
        [POLICIES] = { "migrations.kubevirt.io", "v1alpha1", "migrationpolicies" },
};

struct asked {
        int resource;
        const char *object, *user, *operation, *kubevirt; /* NULL: jane, CREATE, KUBEVIRT */
        const char *confirmed; /* "Kind namespace/name;" of each; "*": all; NULL: nobody was asked */
        enum mv_mirror mirror; /* OFF: DENY, unless */
        bool off;
        enum mv_knowledge vmis; /* what is known of instances */
};

/* The cluster as it is, of whose instances that is known. */
static struct mv_snapshot *make_cluster(const struct asked *asked) {
        struct mv_snapshot_builder *builder =
                mv_snapshot_builder_new(&mv_allocator_system, MV_STR("default"));
        struct mv_snapshot *snapshot;
        struct mv_err err = { 0 };
        char text[4096];
        snprintf(text, sizeof text, "{'apiVersion':'v1','kind':'List','items':[%s%s]}",
                 asked->kubevirt ? asked->kubevirt : KUBEVIRT, CLUSTER);
        struct mv_str json = json_make(text);
        assert_int_equal(mv_snapshot_builder_add(builder, json, MV_STR("input"), &err), 0);
        mv_snapshot_builder_know(builder, MV_KIND_VMI, asked->vmis, MV_STR(""));
        assert_int_equal(mv_snapshot_builder_finish(builder, &snapshot, &err), 0);
        text_free(json);
        return snapshot;
}

static void write_object(char *out, size_t size, const struct mv_missing *object) {
        snprintf(out, size, "%s %.*s/%.*s;", mv_kinds[object->kind].kind, MV_STR_ARG(object->namespace),
                 MV_STR_ARG(object->name));
}

static bool is_confirmed(void *context, const struct mv_missing *object) {
        const struct asked *asked = context;
        char text[256];
        write_object(text, sizeof text, object);
        return strcmp(asked->confirmed, "*") == 0 || strstr(asked->confirmed, text);
}

/* "CODE message" of a denial, "warned: text" of the first warning, or "allowed"; and what was to be confirmed. */
static void ask(const struct asked *asked, char answer[static 512], char unconfirmed[static 512]) {
        char text[4096];
        const char *const *resource = resources[asked->resource];
        snprintf(
                text, sizeof text,
                "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','request':{'uid':'u','resource':{"
                "'group':'%s','version':'%s','resource':'%s'},'operation':'%s','namespace':'%s','name':'m',"
                "'userInfo':{'username':'%s'},'object':%s%s}}",
                resource[0], resource[1], resource[2], asked->operation ? asked->operation : "CREATE",
                asked->resource == POLICIES ? "" : "shop", asked->user ? asked->user : "jane", asked->object,
                asked->operation
                        ? ",'oldObject':{'metadata':{'name':'m'},'spec':{'terminationGracePeriodSeconds':1}}"
                        : "");
        struct mv_snapshot *snapshot = make_cluster(asked);
        struct mv_str body = json_make(text);
        struct mv_arena arena;
        struct mv_buf response;
        struct mv_config config;
        struct mv_review_result result;
        mv_config_init(&config);
        mv_arena_init(&arena, &mv_allocator_system, 0);
        mv_buf_init(&response, &mv_allocator_system, 1 << 20);
        const struct mv_review_input input = { .arena = &arena,
                                               .snapshot = snapshot,
                                               .config = &config,
                                               .mirror = asked->off      ? MV_MIRROR_OFF
                                                         : asked->mirror ? asked->mirror
                                                                         : MV_MIRROR_DENY,
                                               .live = true,
                                               .confirmed = asked->confirmed ? is_confirmed : NULL,
                                               .context = (void *)(uintptr_t)asked };
        assert_int_equal(mv_review_answer(&input, body, &response, &result), 200);
        const struct mv_decision *decision = &result.decision;
        if (!decision->allowed)
                snprintf(answer, 512, "%d %.*s", decision->code, MV_STR_ARG(decision->message));
        else if (decision->warnings)
                snprintf(answer, 512, "warned: %.*s", MV_STR_ARG(decision->warnings->text));
        else
                snprintf(answer, 512, "allowed");
        unconfirmed[0] = 0;
        for (size_t i = 0, at = 0; i < result.n_unconfirmed; i++, at = strlen(unconfirmed))
                write_object(unconfirmed + at, 512 - at, &result.unconfirmed[i]);
        mv_buf_done(&response);
        mv_arena_done(&arena);
        text_free(body);
        mv_snapshot_free(snapshot);
}

static void expect(const struct asked *asked, const char *answer, const char *unconfirmed) {
        char got[512], wanted[512];
        ask(asked, got, wanted);
        if (!strstr(got, answer))
                fail_msg("%s: \"%s\", not \"%s\"", asked->object, got, answer);
        assert_string_equal(wanted, unconfirmed);
}

#define IS "KubeVirt kubevirt/kubevirt;"

/* What each refusal rests on must have been read; then it is KubeVirt's answer. Before, it is a warning. */
static void test_denied_when_confirmed(void **state) {
        static const struct {
                int resource;
                const char *object, *answer, *rests_on;
        } rows[] = {
                { MIGRATIONS, MIGRATION("'vmiName':'ended'"), "400 Cannot migrate VMI in finalized state.",
                  IS "VirtualMachineInstance shop/ended;" },
                { MIGRATIONS, MIGRATION("'vmiName':'moving'"), "400 in-flight migration detected",
                  IS "VirtualMachineInstance shop/moving;VirtualMachineInstanceMigration shop/first;" },
                { MIGRATIONS, MIGRATION(""), "422 vmiName is missing", IS },
                { POLICIES, "{'metadata':{'name':'m'},'spec':{'completionTimeoutPerGiB':-1}}",
                  "422 must not be negative", IS },
                { VMS, VM("'running':true,'runStrategy':'Always',"),
                  "422 Running and RunStrategy are mutually exclusive", IS },
                { VMS,
                  "{'metadata':{'name':'m','namespace':'shop'},'spec':{'runStrategy':'Always','instancetype':{'name':"
                  "'small'},'preference':{'name':'none'},'template':{'spec':{'domain':{'cpu':{'cores':2}}}}}}",
                  "422 VM field(s)",
                  IS "VirtualMachineClusterPreference /none;VirtualMachineClusterInstancetype /small;" },
                { VMIS,
                  "{'metadata':{'name':'m','namespace':'shop'},'spec':{'domain':{'devices':{'interfaces':[{'name':'a',"
                  "'bridge':{},'masquerade':{}}]}},'networks':[{'name':'a','pod':{}}]}}",
                  "422 logical a interface must have exactly one binding method", IS },
        };
        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct asked asked = { .resource = rows[i].resource, .object = rows[i].object };
                expect(&asked, "warned: admission: ", "");
                asked.confirmed = "";
                expect(&asked, "warned: admission: ", rows[i].rests_on);
                asked.confirmed = "*";
                expect(&asked, rows[i].answer, "");
                asked.confirmed = rows[i].rests_on;
                expect(&asked, rows[i].answer, "");
        }
        /* Some of it is not enough. */
        const struct asked some = { .resource = MIGRATIONS,
                                    .object = MIGRATION("'vmiName':'moving'"),
                                    .confirmed = IS "VirtualMachineInstance shop/moving;" };
        expect(&some, "warned: admission: ", "VirtualMachineInstanceMigration shop/first;");
}

/* What somebody confirmed is not what the snapshot says, when it does not show the kind; asking once more is no help. */
static void test_unknown_kind(void **state) {
        static const enum mv_knowledge blind[] = { MV_KNOWLEDGE_NONE, MV_KNOWLEDGE_FORBIDDEN,
                                                   MV_KNOWLEDGE_OUTDATED };
        (void)state;
        struct asked asked = { .resource = MIGRATIONS,
                               .object = MIGRATION("'vmiName':'ended'"),
                               .vmis = MV_KNOWLEDGE_LOST,
                               .confirmed = "*" };
        expect(&asked, "400 ", "");
        for (size_t i = 0; i < sizeof blind / sizeof *blind; i++) {
                asked.vmis = blind[i];
                asked.confirmed = "*";
                expect(&asked, "warned: admission: ", "");
                asked.confirmed = "";
                expect(&asked, "warned: admission: ", "");
        }
}

/* Only people are denied, only with `deny`, and nobody as long as KubeVirt is not known. */
static void test_whom(void **state) {
        (void)state;
        const char *object = MIGRATION("'vmiName':'ended'");
        expect(
                &(struct asked){
                        .resource = MIGRATIONS, .object = object, .confirmed = "*", .user = CONTROLLER },
                "allowed", "");
        expect(&(struct asked){ .resource = MIGRATIONS,
                                .object = object,
                                .confirmed = "*",
                                .user = "system:serviceaccount:kube-system:replicaset-controller" },
               "allowed", "");
        expect(&(struct asked){ .resource = MIGRATIONS,
                                .object = object,
                                .confirmed = "*",
                                .user = "system:serviceaccount:kubevirt:kubevirt-apiserver" },
               "400 ", "");
        expect(&(struct asked){ .resource = MIGRATIONS,
                                .object = object,
                                .confirmed = "*",
                                .mirror = MV_MIRROR_WARN },
               "warned: admission: ", "");
        expect(&(struct asked){ .resource = MIGRATIONS, .object = object, .confirmed = "*", .off = true },
               "allowed", "");
        expect(&(struct asked){ .resource = MIGRATIONS, .object = object, .confirmed = "*", .kubevirt = "" },
               "warned: ", "");
}

/* Where KubeVirt's configuration is what a HyperConverged will make of it, that is what counts. */
static void test_configuration_of_a_hyperconverged(void **state) {
        (void)state;
        struct asked asked = {
                .resource = POLICIES,
                .object = "{'metadata':{'name':'m'},'spec':{'completionTimeoutPerGiB':-1}}",
                .kubevirt = "{'apiVersion':'hco.kubevirt.io/v1beta1','kind':'HyperConverged','metadata':{"
                            "'name':'hc','namespace':'virt'},'spec':{}},",
                .confirmed = ""
        };
        expect(&asked, "warned: admission: ", "HyperConverged virt/hc;");
        asked.confirmed = "*";
        expect(&asked, "422 ", "");
}

/* What this version does not know a later KubeVirt may: a warning, whatever was confirmed. */
static void test_unfamiliar(void **state) {
        static const struct asked rows[] = {
                { .resource = VMS, .object = VM("'runStrategy':'Always','newField':1,") },
                { .resource = VMS, .object = VM("'runStrategy':'WhenIdle',") },
                { .resource = VMS, .object = VM("'running':true,'runStrategy':'WhenIdle',") },
                { .resource = VMS,
                  .object =
                          "{'metadata':{'name':'m'},'spec':{'runStrategy':'Always','template':{'spec':{'domain':{},"
                          "'evictionStrategy':'Wait'}}}}" },
                { .resource = VMS,
                  .object =
                          "{'metadata':{'name':'m'},'spec':{'runStrategy':'Always','instancetype':{'inferFromVolume':'a',"
                          "'inferFromVolumeFailurePolicy':'Ask'},'template':{'spec':{'domain':{}}}}}" },
                { .resource = VMIS, .object = "{'metadata':{'name':'m'},'spec':{'domain':{},'newField':1}}" },
                { .resource = VMIS,
                  .object = "{'metadata':{'name':'m'},'spec':{'domain':{},'architecture':'riscv64'}}" },
                { .resource = VMIS,
                  .object = "{'metadata':{'name':'m'},'spec':{'domain':{},'evictionStrategy':'Wait'}}" },
                { .resource = MIGRATIONS, .object = MIGRATION("'vmiName':'ended','newField':1") },
                { .resource = POLICIES,
                  .object = "{'metadata':{'name':'m'},'spec':{'bandwidthPerMigration':'fast'}}" },
        };
        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct asked asked = rows[i];
                asked.confirmed = "*";
                expect(&asked, "warned: admission: ", "");
                asked.confirmed = "";
                expect(&asked, "warned: admission: ", ""); /* and nobody needs to be asked */
        }
}

/* What is not judged is not denied either. */
static void test_not_judged(void **state) {
        (void)state;
        expect(&(struct asked){ .resource = VMIS,
                                .object = "{'metadata':{'name':'m'},'spec':{'domain':{}}}",
                                .operation = "UPDATE",
                                .confirmed = "*" },
               "warned: admission: update of VMI object is restricted", "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_denied_when_confirmed),
                cmocka_unit_test(test_unknown_kind),
                cmocka_unit_test(test_whom),
                cmocka_unit_test(test_configuration_of_a_hyperconverged),
                cmocka_unit_test(test_unfamiliar),
                cmocka_unit_test(test_not_judged),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
