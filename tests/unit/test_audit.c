/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit/audit.h"

#include "policy/refusal.h"
#include "policy/resolve.h"
#include "tests/unit/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A verdict of which every part that could count is there. */
struct made {
        struct mv_rule rules[2];
        struct mv_finding findings[2];
        struct mv_migration_policy policy;
        struct mv_policy_match match;
        struct mv_resolution resolution;
        struct mv_refused_cause cause;
        struct mv_refused refused;
        struct mv_verdict verdict;
};

static void make(struct made *made) {
        *made = (struct made){
                .rules = { { .id = "host-device" }, { .id = "virtiofs" } },
                .findings = { { .outcome = MV_OUTCOME_FAIL,
                                .severity = MV_SEVERITY_BLOCKER,
                                .field = MV_STR("spec.a"),
                                .message = MV_STR("a") },
                              { .outcome = MV_OUTCOME_PASS, .severity = MV_SEVERITY_BLOCKER } },
                .cause = { .reason = "FieldValueInvalid", .field = MV_STR("spec.c") },
                .refused = { .code = 422, .reason = "Invalid", .n_causes = 1 },
                .verdict = { .migratable = MV_OUTCOME_FAIL, .method = "" },
        };
        made->findings[0].rule = &made->rules[0];
        made->findings[0].next = &made->findings[1];
        made->findings[1].rule = &made->rules[1];
        made->policy.meta.name = MV_STR("fast");
        made->match.policy = &made->policy;
        made->resolution =
                (struct mv_resolution){ .matches = &made->match, .n_matches = 1, .recorded = true };
        made->refused.causes = &made->cause;
        made->verdict.findings = made->findings;
        made->verdict.resolution = &made->resolution;
        made->verdict.refused = &made->refused;
}

#define assert_change(change, counts)                                                                     \
        do {                                                                                              \
                struct made a, b;                                                                         \
                make(&a);                                                                                 \
                make(&b);                                                                                 \
                assert_false(mv_verdict_differs(&a.verdict, &b.verdict));                                 \
                change;                                                                                   \
                assert_int_equal(mv_verdict_differs(&a.verdict, &b.verdict), counts);                     \
                assert_int_equal(mv_verdict_differs(&b.verdict, &a.verdict), counts);                     \
                assert_int_equal(mv_verdict_digest(&a.verdict) != mv_verdict_digest(&b.verdict), counts); \
        } while (0)

static void test_what_counts(void **state) {
        (void)state;
        assert_change(b.verdict.migratable = MV_OUTCOME_UNKNOWN, true);
        assert_change(b.rules[0].id = "virtiofs", true);
        assert_change(b.findings[0].severity = MV_SEVERITY_RISK, true);
        assert_change(b.findings[0].outcome = MV_OUTCOME_UNKNOWN, true);
        assert_change(b.findings[0].field = MV_STR("spec.b"), true);
        assert_change(b.verdict.findings = &b.findings[1], true);
        assert_change(b.findings[1].outcome = MV_OUTCOME_FAIL, true);
        assert_change(b.policy.meta.name = MV_STR("slow"), true);
        assert_change(b.resolution.recorded = false, true);
        assert_change(b.verdict.resolution = NULL, true);
        assert_change(b.verdict.refused = NULL, true);
        assert_change(b.refused.code = 400, true);
        assert_change(b.refused.reason = "", true);
        assert_change(b.refused.n_causes = 0, true);
        assert_change(b.cause.field = MV_STR("spec.d"), true);
        assert_change(b.refused.missing_name = MV_STR("small"), true);
}

static void test_what_does_not_count(void **state) {
        (void)state;
        assert_change(b.findings[0].message = MV_STR("b"), false);
        assert_change(b.findings[0].fix = MV_STR("b"), false);
        assert_change(b.findings[0].thing = MV_STR("b"), false);
        assert_change(b.findings[0].next = NULL, false);
        assert_change(b.rules[1].id = "sev", false);
        assert_change(b.refused.message = MV_STR("b"), false);
        assert_change(b.verdict.subject.name = MV_STR("other"), false);
        assert_change(b.verdict.version = MV_STR("1.8.0"), false);
        assert_change(b.verdict.eviction_strategy = MV_STR("None"), false);
}

/* A verdict that was worked out, of the same object, before and after its claim is gone. */
static void test_of_a_vm(void **state) {
        (void)state;
        static const char vm[] =
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'db'},"
                "'spec':{'runStrategy':'Always','template':{'spec':{'domain':{'devices':{}},"
                "'volumes':[{'name':'root','persistentVolumeClaim':{'claimName':'root'}}]}}}}";
        static const char claim[] =
                "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'root'},"
                "'spec':{'accessModes':['ReadWriteMany'],'volumeMode':'Block'}}";
#define NODE(name)                                                                                \
        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'" name                              \
        "','labels':{'kubernetes.io/arch':'amd64',"                                               \
        "'kubevirt.io/schedulable':'true','machine-type.node.kubevirt.io/q35':'true',"            \
        "'cpu-vendor.node.kubevirt.io/AMD':'true','host-model-cpu.node.kubevirt.io/EPYC':'true'," \
        "'cpu-model-migration.node.kubevirt.io/EPYC':'true'}}}"
        static const char node[] = NODE("a"), other[] = NODE("b");
#undef NODE
        struct mv_snapshot *snapshots[] = { snapshot_of(vm, claim, NULL), snapshot_make(vm),
                                            snapshot_of(vm, claim, node, other, NULL) };
        struct judged with, without, again, on_a_node;
        judge(&with, snapshots[0], MV_KIND_VM, "db");
        judge(&again, snapshots[0], MV_KIND_VM, "db");
        judge(&without, snapshots[1], MV_KIND_VM, "db");
        judge(&on_a_node, snapshots[2], MV_KIND_VM, "db");
        assert_false(mv_verdict_differs(&with.verdict, &again.verdict));
        assert_true(mv_verdict_differs(&with.verdict, &without.verdict));
        /* Nodes have come, and where it could go has changed; nothing else. */
        assert_null(with.verdict.fit);
        assert_non_null(on_a_node.verdict.fit);
        assert_false(mv_verdict_differs(&with.verdict, &on_a_node.verdict));
        judged_done(&with);
        judged_done(&again);
        judged_done(&without);
        judged_done(&on_a_node);
        for (size_t i = 0; i < 3; i++)
                mv_snapshot_free(snapshots[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_counts),
                cmocka_unit_test(test_what_does_not_count),
                cmocka_unit_test(test_of_a_vm),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
