/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/unread.h"

#include "tests/unit/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define VM                                                                                            \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'db','namespace':" \
        "'default'},'spec':{'runStrategy':'Always','template':{'spec':{'domain':{'devices':{}},"      \
        "'volumes':[{'name':'root','persistentVolumeClaim':{'claimName':'root'}}]}}}}"

/* The VM, on a cluster of which that is known. */
static struct mv_snapshot *make(enum mv_kind kind, enum mv_knowledge knowledge) {
        struct mv_snapshot_builder *builder =
                mv_snapshot_builder_new(&mv_allocator_system, MV_STR("default"));
        struct mv_str json = json_make(VM);
        struct mv_snapshot *snapshot;
        struct mv_err err = { 0 };
        assert_int_equal(mv_snapshot_builder_add(builder, json, MV_STR("test"), &err), 0);
        for (int i = 0; i < MV_KIND_COUNT; i++)
                mv_snapshot_builder_know(builder, (enum mv_kind)i, MV_KNOWLEDGE_ALL, MV_STR(""));
        mv_snapshot_builder_know(builder, kind, knowledge, MV_STR("it is secret"));
        assert_int_equal(mv_snapshot_builder_finish(builder, &snapshot, &err), 0);
        text_free(json);
        return snapshot;
}

/* How the notice ends, and how severe it is; "none" when there is none. */
static void expect(enum mv_kind kind, enum mv_knowledge knowledge, const char *outcome, int severity) {
        struct mv_snapshot *snapshot = make(kind, knowledge);
        struct judged judged;
        judge(&judged, snapshot, MV_KIND_VM, "db");
        assert_string_equal(outcome_of(&judged.verdict, "cluster-unread"), outcome);
        const struct mv_finding *finding = finding_of(&judged.verdict, "cluster-unread");
        if (finding) {
                assert_int_equal(finding->severity, severity);
                assert_non_null(strstr(finding->message.p, "it is secret"));
                assert_int_equal(finding->missing[0].kind, kind);
        }
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}

static void test_which_kinds(void **state) {
        (void)state;
        expect(MV_KIND_NODE, MV_KNOWLEDGE_FORBIDDEN, "unknown", MV_SEVERITY_BLOCKER);
        expect(MV_KIND_NODE, MV_KNOWLEDGE_NONE, "unknown", MV_SEVERITY_BLOCKER);
        expect(MV_KIND_KUBEVIRT, MV_KNOWLEDGE_FORBIDDEN, "unknown", MV_SEVERITY_BLOCKER);
        expect(MV_KIND_POD, MV_KNOWLEDGE_FORBIDDEN, "unknown", MV_SEVERITY_RISK);
        expect(MV_KIND_MIGRATION_POLICY, MV_KNOWLEDGE_NONE, "unknown", MV_SEVERITY_RISK);
        expect(MV_KIND_NODE, MV_KNOWLEDGE_SOME, "none", 0);
        expect(MV_KIND_NODE, MV_KNOWLEDGE_ALL, "none", 0);
        expect(MV_KIND_NODE, MV_KNOWLEDGE_ABSENT, "none", 0);
        expect(MV_KIND_NODE, MV_KNOWLEDGE_LOST, "none", 0);
        expect(MV_KIND_NODE, MV_KNOWLEDGE_OUTDATED, "unknown", MV_SEVERITY_BLOCKER);
        expect(MV_KIND_RESOURCE_QUOTA, MV_KNOWLEDGE_OUTDATED, "unknown", MV_SEVERITY_RISK);
        expect(MV_KIND_POOL, MV_KNOWLEDGE_FORBIDDEN, "none", 0);
}

/* What is said of a claim that is not there. */
static void expect_words(enum mv_knowledge knowledge, const char *message, const char *fix) {
        struct mv_snapshot *snapshot = make(MV_KIND_CLAIM, knowledge);
        struct judged judged;
        judge(&judged, snapshot, MV_KIND_VM, "db");
        const struct mv_finding *finding = finding_of(&judged.verdict, "pvc-access-mode");
        assert_non_null(finding);
        assert_int_equal(finding->outcome, MV_OUTCOME_UNKNOWN);
        assert_non_null(strstr(finding->message.p, message));
        assert_non_null(strstr(finding->fix.p, fix));
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}

static void test_words(void **state) {
        (void)state;
        expect_words(MV_KNOWLEDGE_SOME, "is not in the input",
                     "give migvet PersistentVolumeClaim default/root");
        expect_words(MV_KNOWLEDGE_ALL, "does not exist", "make PersistentVolumeClaim default/root");
        expect_words(MV_KNOWLEDGE_NONE, "has not been read yet", "ask again");
        expect_words(MV_KNOWLEDGE_OUTDATED, "is not known any more", "ask again");
        expect_words(MV_KNOWLEDGE_FORBIDDEN, "may not be read",
                     "let migvet list persistentvolumeclaims: it is secret");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_which_kinds),
                cmocka_unit_test(test_words),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
