/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reviews whose memory runs out, at every point: each allocation fails in turn, alone or with all behind it, and the
 * review's arena has every size. What comes of it is the undisturbed answer, or one that says Unknown, or a Status that says
 * that there was no memory (503); never an "allowed" that the configuration does not give to the unknown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/base/base64.h"
#include "policy/object/scan.h"
#include "policy/review.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the cluster --- */

#define NAMESPACE(name, labels) \
        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'" name "','labels':{" labels "}}}"
#define NODE(name)                                                                  \
        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'" name "','labels':{" \
        "'kubevirt.io/schedulable':'true','kubernetes.io/arch':'amd64',"            \
        "'kubernetes.io/hostname':'" name                                           \
        "','machine-type.node.kubevirt.io/q35':'true','cpu-vendor.node.kubevirt.io/Intel':'true','cpu-model.node.kubevirt.io/Haswell':'true'}},'status':{'allocatable':{'cpu':'8','memory':'32Gi'}}}"
#define CLAIM(name, mode)                                                             \
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'" name \
        "','namespace':'prod'},"                                                      \
        "'spec':{'accessModes':['" mode "']}}"
#define INSTANCE(name, binding, rest)                                                                   \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'" name "'," \
        "'namespace':'prod','uid':'u-" name "'},'spec':{" SPEC(binding, "shared") "}" rest "}"
#define SPEC(binding, claim)                                                                                                    \
        "'architecture':'amd64','evictionStrategy':'LiveMigrate','domain':{'cpu':{'model':'Haswell'},'memory':{'guest':'1Gi'}," \
        "'devices':{'interfaces':[{'name':'default','" binding "':{}}],'disks':[{'name':'d','disk':{}}]}},"                     \
        "'networks':[{'name':'default','pod':{}}],"                                                                             \
        "'volumes':[{'name':'d','persistentVolumeClaim':{'claimName':'" claim "'}}]"
#define MACHINE(rest, binding, claim)                                                                          \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'new','namespace':'prod'}," \
        "'spec':{" rest "'running':true,'template':{'spec':{" SPEC(binding, claim) "}}}}"
/* Without CPU and memory, which an instancetype gives. */
#define TYPED(rest)                                                                                                  \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'new','namespace':'prod'},"       \
        "'spec':{'running':true,'instancetype':{'name':'medium'},'preference':{'name':'linux'},'template':{'spec':{" \
        "'domain':{'devices':{}" rest                                                                                \
        "},'volumes':[{'name':'d','persistentVolumeClaim':{'claimName':'ledger'}}]}}}}"

static const char *const cluster[] = {
        "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kubevirt','namespace':'kubevirt'},"
        "'spec':{'configuration':{'developerConfiguration':{'featureGates':['HotplugVolumes']}}},"
        "'status':{'phase':'Deployed','observedKubeVirtVersion':'v1.8.4'}}",
        NAMESPACE("prod", "'migvet.io/enforce':'migratable','env':'prod'"),
        NODE("a"),
        NODE("b"),
        CLAIM("shared", "ReadWriteMany"),
        CLAIM("ledger", "ReadWriteOnce"),
        "{'apiVersion':'instancetype.kubevirt.io/v1beta1','kind':'VirtualMachineClusterInstancetype',"
        "'metadata':{'name':'medium'},'spec':{'cpu':{'guest':2},'memory':{'guest':'2Gi'}}}",
        "{'apiVersion':'instancetype.kubevirt.io/v1beta1','kind':'VirtualMachineClusterPreference','metadata':"
        "{'name':'linux'},'spec':{'devices':{'preferredTPM':{}},'firmware':{'preferredUseEfi':true}}}",
        INSTANCE("fine", "masquerade", ",'status':{'phase':'Running','nodeName':'a'}"),
        INSTANCE("db", "bridge", ",'status':{'phase':'Running','nodeName':'a'}"),
        INSTANCE("gone", "masquerade", ",'status':{'phase':'Failed'}"),
        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'launcher','namespace':'prod','labels':{"
        "'kubevirt.io':'virt-launcher'},'annotations':{'kubevirt.io/domain':'db'}},'spec':{'nodeName':'a'},"
        "'status':{'phase':'Running'}}",
};

/* --- the reviews --- */

struct asked {
        const char *name, *group, *resource, *operation, *object, *old;
        const char *sub_resource;
        int code;     /* of the undisturbed answer: 200 when it is allowed */
        bool trusted; /* asked by somebody who is exempt */
};

#define MACHINES "kubevirt.io", "virtualmachines"
#define INSTANCES "kubevirt.io", "virtualmachineinstances"
#define MIGRATIONS "kubevirt.io", "virtualmachineinstancemigrations"
#define MIGRATION(vmi)                                                                                    \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':{'name':'m'," \
        "'namespace':'prod'},'spec':{'vmiName':'" vmi "'}}"
#define POLICY(spec)                                                                                        \
        "{'apiVersion':'migrations.kubevirt.io/v1alpha1','kind':'MigrationPolicy','metadata':{'name':'p'}," \
        "'spec':{" spec "}}"

static const struct asked all[] = {
        { "a VM that may be", MACHINES, "CREATE", MACHINE("", "masquerade", "shared"), NULL, NULL, 200,
          false },
        { "a VM that is denied", MACHINES, "CREATE", MACHINE("", "bridge", "ledger"), NULL, NULL, 403,
          false },
        { "a VM of somebody who is exempt", MACHINES, "CREATE", MACHINE("", "bridge", "ledger"), NULL, NULL,
          200, true },
        { "a VM with instancetype that is denied", MACHINES, "CREATE", TYPED(""), NULL, NULL, 403, false },
        { "a VM that KubeVirt refuses", MACHINES, "CREATE", TYPED(",'cpu':{'cores':1}"), NULL, NULL, 422,
          false },
        { "a VM of wrong types", MACHINES, "CREATE", "{'spec':{'running':'yes'}}", NULL, NULL, 422, false },
        { "an update that makes it worse", MACHINES, "UPDATE", MACHINE("", "bridge", "ledger"),
          MACHINE("", "masquerade", "shared"), NULL, 403, false },
        { "an update that does not", MACHINES, "UPDATE", MACHINE("'runStrategy':null,", "bridge", "ledger"),
          MACHINE("", "bridge", "ledger"), NULL, 200, false },
        { "an instance that is denied", INSTANCES, "CREATE", INSTANCE("new", "bridge", ""), NULL, NULL, 403,
          false },
        { "an update of an instance", INSTANCES, "UPDATE", INSTANCE("db", "masquerade", ""),
          INSTANCE("db", "bridge", ""), NULL, 422, false },
        { "a migration that may be", MIGRATIONS, "CREATE", MIGRATION("fine"), NULL, NULL, 200, false },
        { "a migration that is denied", MIGRATIONS, "CREATE", MIGRATION("db"), NULL, NULL, 403, false },
        { "a migration that KubeVirt refuses", MIGRATIONS, "CREATE", MIGRATION("gone"), NULL, NULL, 400,
          false },
        { "a policy that KubeVirt refuses", "migrations.kubevirt.io", "migrationpolicies", "CREATE",
          POLICY("'completionTimeoutPerGiB':-1"), NULL, NULL, 422, false },
        { "a pool", "pool.kubevirt.io", "virtualmachinepools", "CREATE",
          "{'apiVersion':'pool.kubevirt.io/v1beta1','kind':'VirtualMachinePool','metadata':{'name':'p',"
          "'namespace':'prod'},'spec':{'replicas':2,'virtualMachineTemplate':" MACHINE("", "bridge",
                                                                                       "ledger") "}}",
          NULL, NULL, 200, false },
        { "a namespace", "", "namespaces", "CREATE", NAMESPACE("new", "'migvet.io/enforce':'resilient'"),
          NULL, NULL, 200, false },
        { "a level that is raised above what is there", "", "namespaces", "UPDATE",
          NAMESPACE("prod", "'migvet.io/enforce':'resilient','env':'prod'"),
          NAMESPACE("prod", "'env':'prod'"), NULL, 200, false },
        { "a node to be drained", "nodemaintenance.medik8s.io", "nodemaintenances", "CREATE",
          "{'apiVersion':'nodemaintenance.medik8s.io/v1beta1','kind':'NodeMaintenance','metadata':{'name':'n'},"
          "'spec':{'nodeName':'a'}}",
          NULL, NULL, 200, false },
        { "an eviction", "", "pods", "CREATE", "{'metadata':{'name':'launcher','namespace':'prod'}}", NULL,
          "eviction", 429, false },
};

static struct mv_str make_review(const struct asked *asked) {
        static char text[16384];
        int n = snprintf(
                text, sizeof text,
                "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','request':{'uid':'u-1',"
                "'kind':{'group':'%s','version':'v1','kind':'X'},'resource':{'group':'%s','version':'v1',"
                "'resource':'%s'},'subResource':'%s','name':'launcher','namespace':'prod','operation':'%s',"
                "'userInfo':{'username':'%s','groups':['people']},'object':%s,'oldObject':%s}}",
                asked->group, asked->group, asked->resource, asked->sub_resource ? asked->sub_resource : "",
                asked->operation, asked->trusted ? "backup-1" : "jane", asked->object,
                asked->old ? asked->old : "null");
        assert_true(n > 0 && (size_t)n < sizeof text);
        return json_make(text);
}

/* --- answering --- */

static struct mv_snapshot *snapshot;

struct answered {
        int status; /* 0: the response itself has failed, which the server answers with 500 */
        bool allowed;
        struct mv_buf text;
};

/* cap: of the arena, 0 for none. out: of the response. */
static void ask(const struct mv_allocator *allocator, const struct mv_allocator *out, size_t cap,
                const struct mv_config *config, bool mutate, struct mv_str body, struct answered *ret) {
        struct mv_arena arena;
        struct mv_review_result result;
        mv_arena_init(&arena, allocator, cap);
        mv_buf_init(&ret->text, out, 1 << 20);
        const struct mv_review_input input = { .arena = &arena,
                                               .snapshot = snapshot,
                                               .config = config,
                                               .version = MV_STR(""),
                                               .mirror = MV_MIRROR_DENY,
                                               .mutate = mutate };
        ret->status = mv_review_answer(&input, body, &ret->text, &result);
        if (mv_buf_failed(&ret->text))
                ret->status = 0;
        /* Without a request there is no verdict on one, for whoever tells of it. */
        assert_true(result.request || (!result.verdict && !result.before));
        ret->allowed = ret->status == 200 && strstr(ret->text.p, ",\"allowed\":true");
        mv_arena_done(&arena);
}

static void must(bool right, const struct asked *asked, const char *what, const struct answered *full,
                 const struct answered *now) {
        if (!right)
                fail_msg("%s: %s\n  %s\ninstead of\n  %s", asked->name, what, now->text.p, full->text.p);
}

static bool says(const struct answered *answered, const char *what) {
        return strstr(answered->text.p, what) != NULL;
}

/* What a disturbed answer of /validate may be. */
static void check_validate(const struct asked *asked, const struct mv_config *config,
                           const struct answered *full, const struct answered *now) {
        if (now->status == 0 || strcmp(now->text.p, full->text.p) == 0)
                return;
        struct mv_str copy = text_make(now->text.p, now->text.n);
        must(mv_json_validate(copy, NULL) == 0, asked, "no JSON", full, now);
        text_free(copy);
        if (now->status == 503) {
                must(says(now, "\"kind\":\"Status\"") && !says(now, "\"allowed\""), asked, "no Status", full,
                     now);
                return;
        }
        must(now->status == 200, asked, "an odd status", full, now);
        bool unknown = says(now, "\"verdict\":\"Unknown\"");
        if (strcmp(asked->resource, "namespaces") == 0) {
                /* Never denied; what could not be judged breaks nothing, and is named unless nobody wants to know. */
                must(now->allowed && !says(now, "VMs break level"), asked, "a VM that breaks nothing", full,
                     now);
                must(config->unknown == MV_ACTION_AUDIT || says(now, "it is not known whether") ||
                             says(now, "not enough memory"),
                     asked, "fewer VMs than there are, and nobody says so", full, now);
                return;
        }
        if (now->allowed) {
                must(unknown, asked, "allowed without being judged, and not said to be", full, now);
                must(config->unknown == MV_ACTION_AUDIT || says(now, "not enough memory"), asked,
                     "allowed without a warning", full, now);
                /* An update, and what KubeVirt itself refuses, is not denied for being unknown. */
                must(config->unknown != MV_ACTION_DENY || full->allowed || asked->code != 403 ||
                             strcmp(asked->operation, "CREATE") != 0,
                     asked, "allowed, though the unknown is to be denied", full, now);
        } else {
                must(!full->allowed || (unknown && config->unknown == MV_ACTION_DENY && !asked->trusted),
                     asked, "denied, though nothing says so", full, now);
                must(says(now, "\"message\":\"") && says(now, "\"code\":4"), asked, "denied without a reason",
                     full, now);
        }
}

/* The patch, decoded; "" when there is none. */
static const char *patch_of(const struct answered *answered) {
        static unsigned char patch[16384];
        const char *start = strstr(answered->text.p, "\"patch\":\"");
        size_t n = 0;
        if (start) {
                start += strlen("\"patch\":\"");
                assert_true(mv_base64_decode((struct mv_str){ start, strcspn(start, "\"") }, patch, &n));
        }
        patch[n] = '\0';
        return (const char *)patch;
}

/* Of /mutate: allowed, and stamped as it would be, as Unknown, or not at all. */
static void check_mutate(const struct asked *asked, const struct answered *full, const struct answered *now) {
        if (now->status == 0 || now->status == 503 || strcmp(now->text.p, full->text.p) == 0)
                return;
        must(now->status == 200 && now->allowed, asked, "not allowed", full, now);
        const char *patch = patch_of(now);
        must(!*patch || strstr(patch, "\"migvet.io/verdict\":\"Unknown\""), asked, "stamped as known", full,
             now);
        must(!strstr(patch, "addedNodeSelector"), asked, "narrowed without being judged", full, now);
}

static void check(const struct asked *asked, const struct mv_config *config, bool mutate,
                  const struct answered *full, struct answered *now) {
        if (mutate)
                check_mutate(asked, full, now);
        else
                check_validate(asked, config, full, now);
        mv_buf_done(&now->text);
}

/* --- the matrix --- */

/* Every allocation in turn: alone, with all that follow, and with all that follow but for the response. Returns how many there
 * are. */
static size_t each_allocation(const struct asked *asked, const struct mv_config *config, bool mutate,
                              struct mv_str body, const struct answered *full) {
        size_t n = 0;
        for (int mode = 0; mode < 3; mode++) {
                bool failed = true;
                for (n = 1; failed; n++) {
                        struct test_allocator a;
                        struct answered now;
                        test_allocator_init(&a, n);
                        a.fail_after = mode > 0;
                        ask(&a.allocator, mode == 2 ? &mv_allocator_system : &a.allocator, 0, config, mutate,
                            body, &now);
                        failed = a.calls >= n;
                        if (!failed)
                                must(now.status == 200 && strcmp(now.text.p, full->text.p) == 0, asked,
                                     "another answer with the same memory", full, &now);
                        check(asked, config, mutate, full, &now);
                        assert_int_equal(a.live, 0);
                }
        }
        return n;
}

/* The arena at every size, until it suffices. Returns how many did not. */
static size_t each_size(const struct asked *asked, const struct mv_config *config, bool mutate,
                        struct mv_str body, const struct answered *full) {
        size_t unknown = 0;
        bool complete = false;
        for (size_t cap = 8; !complete; cap += cap < 4096 ? 24 : 296) {
                struct answered now;
                ask(&mv_allocator_system, &mv_allocator_system, cap, config, mutate, body, &now);
                complete = now.status == 200 && strcmp(now.text.p, full->text.p) == 0;
                unknown += !complete;
                assert_true(cap < 1 << 20);
                check(asked, config, mutate, full, &now);
        }
        return unknown;
}

static void each_review(const char *settings, bool mutate) {
        struct mv_arena arena;
        struct mv_config config;
        struct mv_err err = { 0 };
        char text[1024];
        mv_arena_init(&arena, &mv_allocator_system, 0);
        snprintf(text, sizeof text,
                 "apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\nfillNodeSelector: true\n%s",
                 settings);
        if (mv_config_read(&arena, mv_str_from(text), &config, &err) < 0)
                fail_msg("%s", mv_err_format(&err, text, sizeof text));
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
                struct mv_str body = make_review(&all[i]);
                struct answered full;
                ask(&mv_allocator_system, &mv_allocator_system, 0, &config, mutate, body, &full);
                must(full.status == 200, &all[i], "no review", &full, &full);
                if (!mutate) {
                        char code[32];
                        snprintf(code, sizeof code, "\"code\":%d", all[i].code);
                        must(all[i].code == 200 ? full.allowed : says(&full, code), &all[i], "another answer",
                             &full, &full);
                }
                assert_true(each_allocation(&all[i], &config, mutate, body, &full) > 2);
                assert_true(each_size(&all[i], &config, mutate, body, &full) > 10);
                mv_buf_done(&full.text);
                text_free(body);
        }
        mv_arena_done(&arena);
}

static const char rest[] =
        "migrations: deny\nnamespaces:\n- names: ['pr.*']\n  migrations: deny\n"
        "exemptions:\n- users: ['backup-.*']\n  reason: they know\n"
        "siteRules:\n- {name: known-model, kinds: [VirtualMachine],\n"
        "   severity: blocker, pattern: 'H.*', message: other models are old, fix: use another,\n"
        "   field: spec.template.spec.domain.cpu.model}\n";

static void each_review_with(const char *unknown, bool mutate) {
        char settings[512];
        snprintf(settings, sizeof settings, "unknown: %s\n%s", unknown, rest);
        each_review(settings, mutate);
}

static void test_unknown_is_allowed(void **state) {
        (void)state;
        each_review_with("allow", false);
}

static void test_unknown_is_warned_about(void **state) {
        (void)state;
        each_review_with("warn", false);
}

static void test_unknown_is_denied(void **state) {
        (void)state;
        each_review_with("deny", false);
}

static void test_mutate(void **state) {
        (void)state;
        each_review_with("deny", true);
}

/* The cluster itself: all of it, or none. */
static void test_snapshot(void **state) {
        (void)state;
        struct mv_buf items;
        mv_buf_init(&items, &mv_allocator_system, 1 << 20);
        mv_buf_append_text(&items, "{'apiVersion':'v1','kind':'List','items':[");
        for (size_t i = 0; i < sizeof cluster / sizeof *cluster; i++)
                mv_buf_format(&items, "%s%s", i ? "," : "", cluster[i]);
        mv_buf_append_text(&items, "]}");
        struct mv_str json = json_make(items.p);
        mv_buf_done(&items);
        for (int later = 0; later < 2; later++) {
                bool failed = true;
                for (size_t n = 1; failed; n++) {
                        struct test_allocator a;
                        struct mv_snapshot *made = NULL;
                        struct mv_err err = { 0 };
                        test_allocator_init(&a, n);
                        a.fail_after = later;
                        int r = snapshot_try(&a.allocator, json, &made, &err);
                        failed = a.calls >= n;
                        /* Without memory for what objects share, it is made all the same. */
                        assert_true(r == 0 || (failed && r == MV_ENOMEM));
                        assert_true((r != 0) == !made);
                        mv_snapshot_free(made);
                        assert_int_equal(a.live, 0);
                }
        }
        text_free(json);
}

static int setup(void **state) {
        (void)state;
        struct mv_buf items;
        mv_buf_init(&items, &mv_allocator_system, 1 << 20);
        for (size_t i = 0; i < sizeof cluster / sizeof *cluster; i++)
                mv_buf_format(&items, "%s%s", i ? "," : "", cluster[i]);
        snapshot = snapshot_make(items.p);
        mv_buf_done(&items);
        return 0;
}

static int teardown(void **state) {
        (void)state;
        mv_snapshot_free(snapshot);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unknown_is_allowed), cmocka_unit_test(test_unknown_is_warned_about),
                cmocka_unit_test(test_unknown_is_denied),  cmocka_unit_test(test_mutate),
                cmocka_unit_test(test_snapshot),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
