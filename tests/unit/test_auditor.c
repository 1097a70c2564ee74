/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit/auditor.h"

#include "policy/audit/audit_table.h"
#include "policy/registry.h"
#include "tests/unit/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Names, and a version that nobody should go by. */
#define META(name) "'metadata':{'name':'" name "','resourceVersion':'1'}"
#define DEVICES                                                                                         \
        "'domain':{'cpu':{'model':'Haswell'},'devices':{'interfaces':[{'name':'n','masquerade':{}}]}}," \
        "'networks':[{'name':'n','pod':{}}],'evictionStrategy':'LiveMigrate'"
#define VM(name, claim)                                                                                     \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine'," META(                                     \
                name) ",'spec':{'runStrategy':'Always',"                                                    \
                      "'template':{'spec':{" DEVICES ",'volumes':[{'name':'root','persistentVolumeClaim':{" \
                      "'claimName':'" claim "'}}]}}}}"
#define CLAIM(name, mode)                                                                                \
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim'," META(name) ",'spec':{'accessModes':['" mode \
                                                                        "'],'volumeMode':'Block'}}"
#define VMI(name, phase)                                                                                      \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'" name            \
        "','uid':'i','ownerReferences':[{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','name':'" name \
        "','uid':'u','controller':true}]},'spec':{" DEVICES                                                   \
        ",'volumes':[{'name':'root','persistentVolumeClaim':{'claimName':'" name                              \
        "'}}]},'status':{'phase':'" phase "'}}"
#define POLICY(name)                                                                      \
        "{'apiVersion':'migrations.kubevirt.io/v1alpha1','kind':'MigrationPolicy'," META( \
                name) ",'spec':{'bandwidthPerMigration':'64Mi','selectors':{}}}"
#define NODE(name)                                                                                                        \
        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'" name                                                      \
        "','labels':{'kubernetes.io/arch':'amd64','kubevirt.io/schedulable':'true','cpu-model.node.kubevirt.io/Haswell':" \
        "'true','machine-type.node.kubevirt.io/q35':'true','cpu-model-migration.node.kubevirt.io/Haswell':'true'}}}"
#define A VM("a", "a")
#define B VM("b", "b")
#define FINE CLAIM("a", "ReadWriteMany"), CLAIM("b", "ReadWriteMany")

/* An audit, and what came of its last round: "a:True>False PersistentVolumeClaim ..." for what has changed, "c:first" for
 * what was judged first, and "b" for what was only judged, but not where it may have been so for nothing: the filters of
 * what verdicts were made of let some through. */
struct stage {
        struct mv_auditor *auditor;
        struct mv_snapshot *snapshot;
        char text[4096];
        size_t n;
};

static void start(struct stage *stage) {
        *stage = (struct stage){ .auditor = mv_auditor_new(&mv_allocator_system) };
        assert_non_null(stage->auditor);
}

static void end(struct stage *stage) {
        stage->auditor = mv_auditor_free(stage->auditor);
        mv_snapshot_free(stage->snapshot);
        stage->snapshot = NULL;
}

static void judge_one(struct stage *stage, const struct mv_audit_subject *subject, bool all) {
        struct mv_arena arena;
        struct mv_audit_change change;
        struct mv_verdict verdict;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const void *object =
                mv_snapshot_find(stage->snapshot, subject->kind, subject->namespace, subject->name);
        assert_non_null(object);
        const struct mv_evaluation evaluation = { .arena = &arena, .snapshot = stage->snapshot };
        assert_true(mv_evaluate_entry(
                &evaluation, &(struct mv_entry){ .kind = subject->kind, .object = object }, &verdict));
        mv_auditor_judged(stage->auditor, &arena, stage->snapshot, subject, &verdict, &change);
        size_t n = strlen(stage->text);
        if (!all && !change.first && !change.changed) {
                mv_arena_done(&arena);
                return;
        }
        char *out = stage->text + n;
        snprintf(out, sizeof stage->text - n, "%s%.*s", n ? "; " : "", MV_STR_ARG(subject->name));
        n = strlen(stage->text);
        struct mv_str cause = mv_audit_cause_text(&arena, &change);
        if (change.first)
                snprintf(stage->text + n, sizeof stage->text - n, ":first");
        else if (change.changed)
                snprintf(stage->text + n, sizeof stage->text - n, ":%s>%s%s %.*s",
                         mv_verdict_word(change.was), mv_verdict_word(change.is),
                         change.policy ? " policy" : "", MV_STR_ARG(cause));
        mv_arena_done(&arena);
}

static void run_round(struct stage *stage, enum mv_audit_round round) {
        struct mv_err err = { 0 };
        struct mv_audit_subject subject;
        stage->text[0] = '\0';
        assert_int_equal(mv_auditor_begin(stage->auditor, round, &stage->n, &err), 0);
        size_t n = 0;
        for (; mv_auditor_next(stage->auditor, &subject); n++)
                judge_one(stage, &subject, round != MV_AUDIT_CHANGED);
        assert_int_equal(n, stage->n);
}

static void look(struct stage *stage, struct mv_snapshot *snapshot, bool versions) {
        struct mv_err err = { 0 };
        assert_int_equal(mv_auditor_look(stage->auditor, snapshot, versions, &err), 0);
        mv_snapshot_free(stage->snapshot);
        stage->snapshot = snapshot;
}

#define assert_round(stage, round, wanted, ...)                       \
        do {                                                          \
                look((stage), snapshot_of(__VA_ARGS__, NULL), false); \
                run_round((stage), (round));                          \
                assert_string_equal((stage)->text, (wanted));         \
        } while (0)

static void test_claim(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
        assert_round(&stage, MV_AUDIT_ALL, "a:first; b:first", A, B, FINE);
        assert_round(&stage, MV_AUDIT_CHANGED, "", A, B, FINE);
        assert_int_equal(stage.n, 0);
        assert_round(&stage, MV_AUDIT_ALL, "a; b", A, B, FINE);
        assert_round(&stage, MV_AUDIT_CHANGED, "a:True>False PersistentVolumeClaim default/a was changed", A,
                     B, CLAIM("a", "ReadWriteOnce"), CLAIM("b", "ReadWriteMany"));
        assert_round(&stage, MV_AUDIT_CHANGED, "a:False>Unknown PersistentVolumeClaim default/a was removed",
                     A, B, CLAIM("b", "ReadWriteMany"));
        assert_round(&stage, MV_AUDIT_ALL, "a; b", A, B, CLAIM("b", "ReadWriteMany"));
        assert_round(&stage, MV_AUDIT_ALL, "a:Unknown>True PersistentVolumeClaim default/a was added; b", A,
                     B, FINE);
        end(&stage);
}

/* What changes between two rounds of all is told by the next one, however many looks there were in between. */
static void test_cause_is_kept(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
#define TWO_NODES NODE("x"), NODE("y")
        assert_round(&stage, MV_AUDIT_ALL, "a:first", A, CLAIM("a", "ReadWriteMany"), TWO_NODES);
        /* Nodes are of the moment: who is concerned is not worked out between the rounds. */
        assert_round(&stage, MV_AUDIT_CHANGED, "", A, CLAIM("a", "ReadWriteMany"), NODE("x"));
        assert_round(&stage, MV_AUDIT_CHANGED, "", A, CLAIM("a", "ReadWriteMany"), NODE("x"));
        assert_round(&stage, MV_AUDIT_ALL, "a:True>False Node y was removed", A, CLAIM("a", "ReadWriteMany"),
                     NODE("x"));
        assert_round(&stage, MV_AUDIT_ALL, "a:False>True Node z was added", A, CLAIM("a", "ReadWriteMany"),
                     NODE("x"), NODE("z"));
        end(&stage);
}

static void test_of_the_cluster(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
        assert_round(&stage, MV_AUDIT_ALL, "a:first; b:first", A, B, FINE);
        assert_round(
                &stage, MV_AUDIT_CHANGED,
                "a:True>True policy MigrationPolicy fast was added; b:True>True policy MigrationPolicy fast "
                "was added",
                A, B, FINE, POLICY("fast"));
        mv_auditor_reconfigured(stage.auditor);
        assert_round(
                &stage, MV_AUDIT_CHANGED,
                "a:True>False migvet's configuration was changed, PersistentVolumeClaim default/a was changed",
                A, B, CLAIM("a", "ReadWriteOnce"), CLAIM("b", "ReadWriteMany"), POLICY("fast"));
        end(&stage);
}

static void test_the_object_itself(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
        assert_round(&stage, MV_AUDIT_ALL, "a:first; b:first", A, B, FINE);
        assert_round(&stage, MV_AUDIT_CHANGED, "a:True>Unknown VirtualMachine default/a was changed",
                     VM("a", "missing"), B, FINE);
        assert_round(&stage, MV_AUDIT_CHANGED, "a:Unknown>True VirtualMachine default/a was changed; c:first",
                     A, B, VM("c", "b"), FINE);
        /* Its instance concerns the VM, and none of another name. */
        assert_round(&stage, MV_AUDIT_CHANGED, "", A, B, VM("c", "b"), FINE, VMI("a", "Running"));
        assert_int_equal(stage.n, 1);
        assert_round(&stage, MV_AUDIT_CHANGED, "", A, B, VM("c", "b"), FINE, VMI("a", "Running"));
        assert_int_equal(stage.n, 0);
        end(&stage);
}

static void test_namespaces(void **state) {
        (void)state;
        struct stage stage;
        struct mv_str namespace;
        struct mv_audit_counts counts;
        start(&stage);
        assert_round(&stage, MV_AUDIT_ALL, "a:first; b:first", A, B, FINE);
        assert_true(mv_auditor_has(stage.auditor, MV_STR("default")));
        assert_false(mv_auditor_has(stage.auditor, MV_STR("other")));
        run_round(&stage, MV_AUDIT_NAMESPACES);
        assert_string_equal(stage.text, "");
        assert_round(&stage, MV_AUDIT_CHANGED, "a:True>False PersistentVolumeClaim default/a was changed", A,
                     B, CLAIM("a", "ReadWriteOnce"), CLAIM("b", "ReadWriteMany"));
        mv_auditor_count(stage.auditor, &counts);
        assert_true(counts.waiting);
        assert_int_equal(counts.verdicts[MV_OUTCOME_FAIL], 1);
        assert_int_equal(counts.verdicts[MV_OUTCOME_PASS], 1);
        assert_int_equal(counts.objects, 4);
        struct mv_audit_rule_counts rules;
        mv_auditor_count_rules(stage.auditor, &rules);
        assert_int_equal(mv_audit_rule_count(&rules, mv_rule_find(MV_STR("pvc-access-mode"))), 1);
        assert_int_equal(mv_audit_rule_count(&rules, mv_rule_find(MV_STR("cpu-host-model"))), 0);
        run_round(&stage, MV_AUDIT_NAMESPACES);
        assert_string_equal(stage.text, "a; b");
        mv_auditor_count(stage.auditor, &counts);
        assert_false(counts.waiting);
        assert_false(mv_auditor_next_empty(stage.auditor, &namespace));
        assert_round(&stage, MV_AUDIT_NAMESPACES, "b", B, FINE);
        assert_round(&stage, MV_AUDIT_NAMESPACES, "", FINE);
        assert_true(mv_auditor_next_empty(stage.auditor, &namespace));
        assert_str(namespace, "default");
        assert_false(mv_auditor_next_empty(stage.auditor, &namespace));
        assert_false(mv_auditor_has(stage.auditor, MV_STR("default")));
        end(&stage);
}

/* Of files nobody can go by resourceVersion; of a live cluster an object at the same place with the same one is the same. */
static void test_versions(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
        struct mv_snapshot *same = snapshot_of(A, FINE, NULL);
        look(&stage, same, true);
        run_round(&stage, MV_AUDIT_ALL);
        struct mv_err err = { 0 };
        assert_int_equal(mv_auditor_look(stage.auditor, same, true, &err), 0);
        run_round(&stage, MV_AUDIT_CHANGED);
        assert_string_equal(stage.text, "");
        look(&stage, snapshot_of(A, CLAIM("a", "ReadWriteOnce"), NULL), true);
        run_round(&stage, MV_AUDIT_CHANGED);
        assert_string_equal(stage.text, "a:True>False PersistentVolumeClaim default/a was changed");
        end(&stage);
}

/* A live cluster with those objects, of which that is known of one kind. */
static struct mv_snapshot *live(enum mv_kind kind, enum mv_knowledge knowledge, const char *const *objects) {
        struct mv_snapshot_builder *builder =
                mv_snapshot_builder_new(&mv_allocator_system, MV_STR("default"));
        struct mv_snapshot *snapshot;
        struct mv_err err = { 0 };
        for (; *objects; objects++) {
                struct mv_str text = json_make(*objects);
                assert_int_equal(mv_snapshot_builder_add(builder, text, MV_STR("t"), &err), 0);
                text_free(text);
        }
        for (int i = 0; i < MV_KIND_COUNT; i++)
                mv_snapshot_builder_know(builder, (enum mv_kind)i,
                                         (enum mv_kind)i == kind ? knowledge : MV_KNOWLEDGE_ALL, MV_STR(""));
        assert_int_equal(mv_snapshot_builder_finish(builder, &snapshot, &err), 0);
        return snapshot;
}

/* VMs that are not shown have not gone: their reports stay, and when they are known again nothing has changed. */
static void test_unknown_is_not_gone(void **state) {
        (void)state;
        static const enum mv_knowledge blind[] = { MV_KNOWLEDGE_NONE, MV_KNOWLEDGE_FORBIDDEN,
                                                   MV_KNOWLEDGE_OUTDATED };
        static const char *const whole[] = { A, B, FINE, VMI("a", "Running"), NULL },
                                 *const hidden[] = { FINE, VMI("a", "Running"), NULL },
                                 *const without_b[] = { A, FINE, VMI("a", "Running"), NULL };
        for (size_t i = 0; i < sizeof blind / sizeof *blind; i++) {
                struct stage stage;
                struct mv_str namespace;
                struct mv_audit_counts counts;
                start(&stage);
                look(&stage, live(MV_KIND_VM, MV_KNOWLEDGE_ALL, whole), true);
                assert_true(mv_auditor_may_judge(stage.snapshot));
                run_round(&stage, MV_AUDIT_ALL);
                assert_string_equal(stage.text, "a:first; b:first");
                look(&stage, live(MV_KIND_VM, blind[i], hidden), true);
                assert_false(mv_auditor_may_judge(stage.snapshot));
                assert_true(mv_auditor_has(stage.auditor, MV_STR("default")));
                mv_auditor_count(stage.auditor, &counts);
                assert_int_equal(counts.verdicts[MV_OUTCOME_PASS], 2);
                assert_false(counts.waiting);
                assert_false(mv_auditor_next_empty(stage.auditor, &namespace));
                look(&stage, live(MV_KIND_VM, MV_KNOWLEDGE_ALL, without_b), true);
                run_round(&stage, MV_AUDIT_CHANGED);
                assert_string_equal(stage.text, "");
                mv_auditor_count(stage.auditor, &counts);
                assert_int_equal(counts.verdicts[MV_OUTCOME_PASS], 1); /* b went meanwhile */
                end(&stage);
        }
}

/* Claims that are not shown are not the cause by name. Nor is it known what has gone of a kind that may not be listed. */
static void test_unknown_is_no_cause(void **state) {
        (void)state;
        static const char *const whole[] = { A, FINE, NULL }, *const hidden[] = { A, NULL },
                                 *const nothing[] = { NULL };
        struct stage stage;
        struct mv_str namespace;
        start(&stage);
        look(&stage, live(MV_KIND_CLAIM, MV_KNOWLEDGE_ALL, whole), true);
        run_round(&stage, MV_AUDIT_ALL);
        look(&stage, live(MV_KIND_CLAIM, MV_KNOWLEDGE_OUTDATED, hidden), true);
        assert_true(mv_auditor_may_judge(stage.snapshot));
        run_round(&stage, MV_AUDIT_CHANGED);
        assert_string_equal(stage.text,
                            "a:True>Unknown persistentvolumeclaims are known otherwise than before");
        look(&stage, live(MV_KIND_CLAIM, MV_KNOWLEDGE_ALL, whole), true);
        run_round(&stage, MV_AUDIT_CHANGED);
        assert_string_equal(stage.text,
                            "a:Unknown>True persistentvolumeclaims are known otherwise than before");
        look(&stage, live(MV_KIND_POOL, MV_KNOWLEDGE_FORBIDDEN, nothing), true);
        assert_true(mv_auditor_may_judge(stage.snapshot));
        assert_true(mv_auditor_has(stage.auditor, MV_STR("default")));
        assert_false(mv_auditor_next_empty(stage.auditor, &namespace));
        look(&stage, live(MV_KIND_POOL, MV_KNOWLEDGE_ABSENT, nothing), true);
        assert_false(mv_auditor_has(stage.auditor, MV_STR("default")));
        assert_true(mv_auditor_next_empty(stage.auditor, &namespace));
        assert_str(namespace, "default");
        end(&stage);
}

/* Nor has a VM gone that may be the one that cannot be read: that is said, and the others are judged. */
static void test_unread_is_not_gone(void **state) {
        (void)state;
        static const char *const whole[] = { A, B, FINE, NULL }, *const without_b[] = { A, FINE, NULL },
                                 *const nothing[] = { FINE, NULL };
        struct stage stage;
        struct mv_str namespace;
        struct mv_audit_counts counts;
        start(&stage);
        look(&stage, live(MV_KIND_VM, MV_KNOWLEDGE_ALL, whole), true);
        run_round(&stage, MV_AUDIT_ALL);
        mv_auditor_count(stage.auditor, &counts);
        assert_int_equal(counts.unread, 0);
        look(&stage, live(MV_KIND_VM, MV_KNOWLEDGE_NAMED, without_b), true);
        assert_true(mv_auditor_may_judge(stage.snapshot));
        mv_auditor_count(stage.auditor, &counts);
        assert_int_equal(counts.unread, MV_NEED(VM));
        assert_int_equal(counts.verdicts[MV_OUTCOME_PASS], 2);
        look(&stage, live(MV_KIND_VM, MV_KNOWLEDGE_NAMED, nothing), true);
        assert_true(mv_auditor_has(stage.auditor, MV_STR("default")));
        assert_true(mv_auditor_has(stage.auditor, MV_STR("another")));
        assert_false(mv_auditor_next_empty(stage.auditor, &namespace));
        mv_auditor_count(stage.auditor, &counts);
        assert_false(counts.waiting);
        look(&stage, live(MV_KIND_VM, MV_KNOWLEDGE_ALL, without_b), true);
        mv_auditor_count(stage.auditor, &counts);
        assert_int_equal(counts.unread, 0);
        assert_int_equal(counts.verdicts[MV_OUTCOME_PASS], 1);
        end(&stage);
}

/* A claim that cannot be read is not the cause by name, either. */
static void test_unread_is_no_cause(void **state) {
        (void)state;
        static const char *const whole[] = { A, FINE, NULL }, *const hidden[] = { A, NULL };
        struct stage stage;
        start(&stage);
        look(&stage, live(MV_KIND_CLAIM, MV_KNOWLEDGE_ALL, whole), true);
        run_round(&stage, MV_AUDIT_ALL);
        look(&stage, live(MV_KIND_CLAIM, MV_KNOWLEDGE_NAMED, hidden), true);
        run_round(&stage, MV_AUDIT_CHANGED);
        assert_string_equal(stage.text,
                            "a:True>Unknown persistentvolumeclaims are known otherwise than before");
        end(&stage);
}

/* A hundred VMs with a claim each; that of one has another mode. */
static struct mv_snapshot *many(int other) {
        struct mv_snapshot_builder *builder =
                mv_snapshot_builder_new(&mv_allocator_system, MV_STR("default"));
        struct mv_snapshot *snapshot;
        struct mv_err err = { 0 };
        for (int i = 0; i < 100; i++) {
                char vm[1024], claim[512];
                snprintf(vm, sizeof vm, VM("v%d", "c%d"), i, i);
                snprintf(claim, sizeof claim, CLAIM("c%d", "%s"), i,
                         i == other ? "ReadWriteOnce" : "ReadWriteMany");
                struct mv_str texts[] = { json_make(vm), json_make(claim) };
                for (size_t k = 0; k < 2; k++) {
                        assert_int_equal(mv_snapshot_builder_add(builder, texts[k], MV_STR("t"), &err), 0);
                        text_free(texts[k]);
                }
        }
        assert_int_equal(mv_snapshot_builder_finish(builder, &snapshot, &err), 0);
        return snapshot;
}

/* The filters keep most of those away that a change does not concern. */
static void test_few_are_judged(void **state) {
        (void)state;
        struct stage stage;
        start(&stage);
        look(&stage, many(-1), false);
        run_round(&stage, MV_AUDIT_ALL);
        assert_int_equal(stage.n, 100);
        look(&stage, many(57), false);
        run_round(&stage, MV_AUDIT_CHANGED);
        assert_string_equal(stage.text, "v57:True>False PersistentVolumeClaim default/c57 was changed");
        assert_in_range(stage.n, 1, 20);
        end(&stage);
}

/* Whatever allocation fails, what is told afterwards is right. */
static void test_memory(void **state) {
        (void)state;
        struct mv_snapshot *before = snapshot_of(A, B, FINE, NULL);
        size_t calls = 0;
        /* The first time none fails, and they are counted. */
        for (size_t fail = 0; fail <= calls; fail++) {
                struct test_allocator allocator;
                struct mv_err err = { 0 };
                size_t n;
                test_allocator_init(&allocator, fail);
                struct mv_auditor *auditor = mv_auditor_new(&allocator.allocator);
                if (auditor) {
                        struct mv_audit_subject subject;
                        if (mv_auditor_look(auditor, before, false, &err) < 0 ||
                            mv_auditor_begin(auditor, MV_AUDIT_ALL, &n, &err) < 0) {
                                assert_int_equal(err.code, MV_ENOMEM);
                                assert_int_equal(mv_auditor_look(auditor, before, false, &err), 0);
                                assert_int_equal(mv_auditor_begin(auditor, MV_AUDIT_ALL, &n, &err), 0);
                        }
                        assert_int_equal(n, 2);
                        assert_true(mv_auditor_next(auditor, &subject));
                        assert_str(subject.name, "a");
                }
                mv_auditor_free(auditor);
                if (!fail)
                        calls = allocator.calls;
                assert_int_equal(allocator.live, 0);
        }
        assert_true(calls > 10);
        mv_snapshot_free(before);
}

struct number {
        struct mv_audit_key key;
        unsigned n;
};

static bool is_odd(void *context, void *item) {
        (void)context;
        return ((const struct number *)item)->n % 2;
}

/* Names that are put and dropped in any order are found, and no others. */
static void test_table(void **state) {
        (void)state;
        struct mv_audit_table table;
        mv_audit_table_init(&table, &mv_allocator_system, sizeof(struct number));
        char name[16];
        for (unsigned round = 0; round < 3; round++) {
                for (unsigned i = 0; i < 1000; i++) {
                        snprintf(name, sizeof name, "n%u", i);
                        struct number *number =
                                mv_audit_table_put(&table, MV_KIND_CLAIM, MV_STR("x"), mv_str_from(name));
                        number->n = i;
                }
                assert_int_equal(table.n, 1000);
                mv_audit_table_drop(&table, is_odd, NULL);
                assert_int_equal(table.n, 500);
                for (unsigned i = 0; i < 1000; i++) {
                        snprintf(name, sizeof name, "n%u", i);
                        const struct number *number =
                                mv_audit_table_find(&table, MV_KIND_CLAIM, MV_STR("x"), mv_str_from(name));
                        assert_int_equal(number != NULL, i % 2 == 0);
                        assert_true(!number || number->n == i);
                        assert_null(mv_audit_table_find(&table, MV_KIND_VM, MV_STR("x"), mv_str_from(name)));
                        assert_null(
                                mv_audit_table_find(&table, MV_KIND_CLAIM, MV_STR("y"), mv_str_from(name)));
                }
        }
        /* The namespace does not count for what has none. */
        void *node = mv_audit_table_put(&table, MV_KIND_NODE, MV_STR("x"), MV_STR("n"));
        assert_ptr_equal(mv_audit_table_find(&table, MV_KIND_NODE, MV_STR(""), MV_STR("n")), node);
        mv_audit_table_done(&table);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_claim),
                cmocka_unit_test(test_cause_is_kept),
                cmocka_unit_test(test_of_the_cluster),
                cmocka_unit_test(test_the_object_itself),
                cmocka_unit_test(test_namespaces),
                cmocka_unit_test(test_versions),
                cmocka_unit_test(test_few_are_judged),
                cmocka_unit_test(test_memory),
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_unknown_is_not_gone),
                cmocka_unit_test(test_unknown_is_no_cause),
                cmocka_unit_test(test_unread_is_not_gone),
                cmocka_unit_test(test_unread_is_no_cause),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
