/* SPDX-License-Identifier: Apache-2.0 */
/* policy/nodes/fitgroups, policy/drain/stranded, policy/baseline and policy/nodes/cpumodels: what is said of nodes to people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/baseline.h"
#include "policy/nodes/cpumodels.h"
#include "policy/nodes/fitgroups.h"
#include "policy/drain/stranded.h"

#include <stdio.h>

/* A node of that name with further labels (each with a comma before it), spec and allocatable memory. */
#define NODE_WITH(name, labels, spec, memory)                                                            \
        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'" name "','labels':{'kubernetes.io/arch':" \
        "'amd64','kubernetes.io/hostname':'" name                                                        \
        "','kubevirt.io/schedulable':'true','machine-type.node.kubevirt.io/q35':'true'," labels "}},"    \
        "'spec':{" spec "},'status':{'allocatable':{'cpu':'8','memory':'" memory "','pods':'110',"       \
        "'ephemeral-storage':'100Gi','devices.kubevirt.io/kvm':'1k','devices.kubevirt.io/tun':'1k',"     \
        "'devices.kubevirt.io/vhost-net':'1k'}}}"
#define NODE(name, labels) NODE_WITH(name, labels, "", "16Gi")
#define MODEL(name) "'cpu-model.node.kubevirt.io/" name "':'true'"
#define INTEL "'cpu-vendor.node.kubevirt.io/Intel':'true'"
#define AMD "'cpu-vendor.node.kubevirt.io/AMD':'true'"
#define VMI_ON(name, model, node)                                                                       \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'" name      \
        "','uid':'uid-" name "'},'spec':{'architecture':'amd64','domain':{'cpu':{'model':'" model "'}," \
        "'memory':{'guest':'2Gi'},'devices':{'interfaces':[{'name':'default','masquerade':{}}]}},"      \
        "'networks':[{'name':'default','pod':{}}]},'status':{'phase':'Running','nodeName':'" node "'}}"
#define POD_OF(name, node, selector)                                                                        \
        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'virt-launcher-" name "','labels':{"            \
        "'kubevirt.io':'virt-launcher','kubevirt.io/created-by':'uid-" name "'}},'spec':{'nodeName':'" node \
        "','nodeSelector':{" selector "},'containers':[{'name':'compute'}]},'status':{'phase':'Running'}}"

/* --- groups --- */

/* "feasible: n1 n2 | lasting cpu-model:Haswell: n3" */
static void assert_groups_at(const struct judged *judged, const uint64_t *nodes, const char *expected,
                             const char *file, int line) {
        struct mv_arena arena;
        char text[1024] = "";
        size_t n = 0;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_fit *fit = judged->verdict.fit;
        assert_non_null(fit);
        const struct mv_fit_groups *groups = mv_fit_groups_make(&arena, fit, nodes);
        assert_non_null(groups);
#define ADD(...) n += (size_t)snprintf(text + n, sizeof text - n, __VA_ARGS__)
        for (size_t i = 0; i < groups->n; i++) {
                const struct mv_fit_group *group = &groups->items[i];
                ADD("%s%s", i ? " | " : "", mv_fit_mark_name(group->mark));
                for (size_t k = 0; k < group->n_causes; k++)
                        ADD(" %.*s", MV_STR_ARG(group->causes[k]));
                ADD(":");
                for (size_t k = 0; k < group->n_nodes; k++)
                        ADD(" %.*s", MV_STR_ARG(mv_node_index_at(fit->index, group->nodes[k])->meta.name));
        }
#undef ADD
        assert_true(n < sizeof text);
        assert_str_at(mv_str_from(text), expected, file, line);
        mv_arena_done(&arena);
}
#define assert_groups(judged, nodes, expected) \
        assert_groups_at((judged), (nodes), (expected), __FILE__, __LINE__)

static struct mv_snapshot *mixed(void) {
        return snapshot_of(VMI_ON("vm", "Haswell", "n1"), NODE("n4", MODEL("Haswell") "," INTEL),
                           NODE("n1", MODEL("Haswell") "," INTEL), NODE("n3", MODEL("EPYC") "," AMD),
                           NODE("n2", MODEL("Haswell") "," INTEL), NODE("n5", MODEL("EPYC") "," AMD),
                           NODE_WITH("n6", MODEL("Haswell") "," INTEL, "'unschedulable':true", "16Gi"),
                           NODE_WITH("n7", MODEL("Haswell") "," INTEL, "", "1Gi"),
                           NODE_WITH("n8", MODEL("Haswell") "," INTEL, "", "3Gi"),
                           "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p'},'spec':{'nodeName':'n8',"
                           "'containers':[{'name':'c','resources':{'requests':{'memory':'2Gi'}}}]}}",
                           NULL);
}

static void test_groups(void **state) {
        (void)state;
        struct judged judged;
        struct mv_snapshot *snapshot = mixed();
        judge(&judged, snapshot, MV_KIND_VMI, "vm");
        /* A node that is too small and one that is too full have the same cause, but not the same mark. */
        assert_groups(&judged, NULL,
                      "feasible: n2 n4 | source source-node: n1 | momentary unschedulable: n6 | "
                      "momentary resource:memory: n8 | lasting cpu-model:Haswell cpu-vendor:Intel: n3 n5 | "
                      "lasting resource:memory: n7");
        const struct mv_node_index *index = judged.verdict.fit->index;
        uint64_t *some = mv_node_set_new(index, &judged.arena);
        mv_node_set_add(some, mv_node_index_find(index, MV_STR("n3")));
        mv_node_set_add(some, mv_node_index_find(index, MV_STR("n4")));
        assert_groups(&judged, some, "feasible: n4 | lasting cpu-model:Haswell cpu-vendor:Intel: n3");
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}

/* One node is too small, one too full, and both are tainted: they have the same causes, and the same mark. */
static void test_groups_same_causes(void **state) {
        (void)state;
#define TAINT "'taints':[{'key':'x','effect':'NoSchedule'}]"
        struct judged judged;
        struct mv_snapshot *snapshot =
                snapshot_of(VMI_ON("vm", "Haswell", "n1"), NODE("n1", MODEL("Haswell") "," INTEL),
                            NODE_WITH("n2", MODEL("Haswell") "," INTEL, TAINT, "1Gi"),
                            NODE_WITH("n3", MODEL("Haswell") "," INTEL, TAINT, "3Gi"),
                            "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p'},'spec':{'nodeName':'n3',"
                            "'containers':[{'name':'c','resources':{'requests':{'memory':'2Gi'}}}]}}",
                            NULL);
        judge(&judged, snapshot, MV_KIND_VMI, "vm");
        assert_groups(&judged, NULL, "source source-node: n1 | lasting resource:memory taint:x: n2 n3");
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}

/* A node with the host name of the one where the instance is stands for it. */
static void test_groups_host_name(void **state) {
        (void)state;
        struct judged judged;
        struct mv_snapshot *snapshot = snapshot_of(
                VMI_ON("vm", "Haswell", "n1"), NODE("n1", MODEL("Haswell") "," INTEL),
                NODE("n2", MODEL("Haswell") "," INTEL),
                "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n3','labels':{'kubernetes.io/hostname':"
                "'n1'}}}",
                NULL);
        judge(&judged, snapshot, MV_KIND_VMI, "vm");
        const struct mv_fit *fit = judged.verdict.fit;
        assert_int_equal(mv_fit_mark(fit, mv_node_index_find(fit->index, MV_STR("n1"))), MV_MARK_SOURCE);
        assert_int_equal(mv_fit_mark(fit, mv_node_index_find(fit->index, MV_STR("n2"))), MV_MARK_FEASIBLE);
        assert_int_equal(mv_fit_mark(fit, mv_node_index_find(fit->index, MV_STR("n3"))), MV_MARK_SOURCE);
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}

static void test_among(void **state) {
        (void)state;
        struct judged judged;
        struct mv_snapshot *snapshot = mixed();
        judge(&judged, snapshot, MV_KIND_VMI, "vm");
        const struct mv_fit *fit = judged.verdict.fit;
        const struct mv_fit_question *q = judged.verdict.fit_question;
        struct mv_arena *arena = &judged.arena;
        assert_true(mv_fit_has_target(arena, q, fit, MV_FIT_EVERYTHING));
        uint64_t *some = mv_node_set_new(fit->index, arena);
        mv_node_set_add(some, mv_node_index_find(fit->index, MV_STR("n6")));
        const struct mv_fit *among = mv_fit_among(arena, fit, some);
        assert_false(mv_fit_has_target(arena, q, among, MV_FIT_EVERYTHING)); /* it is cordoned */
        assert_true(mv_fit_has_target(arena, q, among, MV_FIT_LASTING));
        assert_int_equal(mv_node_set_count(fit->index, among->feasible), 0);
        mv_node_set_remove(some, mv_node_index_find(fit->index, MV_STR("n6")));
        mv_node_set_add(some, mv_node_index_find(fit->index, MV_STR("n3")));
        assert_false(mv_fit_has_target(arena, q, mv_fit_among(arena, fit, some), MV_FIT_LASTING));
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}

/* --- stranded --- */

#define MIGRATION(name) "'cpu-model-migration.node.kubevirt.io/" name "':'true'"
#define FEATURE(name) "'cpu-feature.node.kubevirt.io/" name "':'true'"
#define HOST(name) "'host-model-cpu.node.kubevirt.io/" name "':'true'"

static void assert_stranded_at(struct mv_snapshot *snapshot, const char *expected, const char *file,
                               int line) {
        struct judged judged;
        judge(&judged, snapshot, MV_KIND_VMI, "vm");
        const struct mv_stranded *stranded = mv_stranded_find(&judged.arena, judged.verdict.fit_question);
        assert_str_at(stranded ? mv_arena_format(&judged.arena, "%s%.*s",
                                                 stranded->together ? "together: " : "",
                                                 MV_STR_ARG(mv_stranded_text(&judged.arena, stranded)))
                               : MV_STR("no"),
                      expected, file, line);
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}
#define assert_stranded(snapshot, expected) assert_stranded_at((snapshot), (expected), __FILE__, __LINE__)

static void test_stranded(void **state) {
        (void)state;
        const char *vmi = VMI_ON("vm", "host-model", "n1");
        const char *n1 = NODE("n1", HOST("Haswell") "," MIGRATION("Haswell") "," FEATURE("rtm") "," INTEL);
        const char *pod = POD_OF("vm", "n1", MIGRATION("Haswell") "," FEATURE("rtm") "," FEATURE("hle"));
        const char *all = NODE("n2", MIGRATION("Haswell") "," FEATURE("rtm") "," FEATURE("hle") "," INTEL);
        assert_stranded(snapshot_of(vmi, n1, all, pod, NULL), "no");
        assert_stranded(snapshot_of(vmi, n1, NODE("n2", MIGRATION("Haswell") "," INTEL), pod, NULL),
                        "cpu-feature:hle, cpu-feature:rtm");
        assert_stranded(
                snapshot_of(vmi, n1, NODE("n2", FEATURE("hle") "," FEATURE("rtm") "," INTEL), pod, NULL),
                "host-model:Haswell");
        /* Each is somewhere, all are nowhere. */
        assert_stranded(snapshot_of(vmi, n1, NODE("n2", MIGRATION("Haswell") "," FEATURE("rtm")),
                                    NODE("n3", FEATURE("hle")), pod, NULL),
                        "together: cpu-feature:hle, cpu-feature:rtm, host-model:Haswell");
        /* A node that runs no instances is none to go to; a named model takes nothing along; neither does a first pod. */
        assert_stranded(
                snapshot_of(vmi, n1, NODE("n2", INTEL),
                            "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n3','labels':{" MIGRATION(
                                    "Haswell") "," FEATURE("rtm") "," FEATURE("hle") "}}}",
                            pod, NULL),
                "cpu-feature:hle, cpu-feature:rtm, host-model:Haswell");
        assert_stranded(snapshot_of(VMI_ON("vm", "Haswell", "n1"), n1, NODE("n2", INTEL), pod, NULL), "no");
        assert_stranded(snapshot_of(vmi, n1, NODE("n2", INTEL), POD_OF("vm", "n1", "'a':'b'"), NULL), "no");
        assert_stranded(snapshot_of(vmi, n1, NODE("n2", INTEL), NULL), "no");
        /* What the instance requires itself, it will require of every node for ever: that is not frozen. */
        const char *requires =
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'vm','uid':"
                "'uid-vm'},'spec':{'architecture':'amd64','domain':{'cpu':{'model':'host-model','features':["
                "{'name':'rtm','policy':'require'}]},'devices':{}}},'status':{'phase':'Running','nodeName':'n1'}}";
        assert_stranded(
                snapshot_of(requires, n1, NODE("n2", INTEL), POD_OF("vm", "n1", FEATURE("rtm")), NULL), "no");
        assert_stranded(snapshot_of(requires, n1, NODE("n2", INTEL), pod, NULL),
                        "cpu-feature:hle, host-model:Haswell");
        assert_stranded(snapshot_of(vmi, n1, pod, NULL), "no"); /* there is no other node at all */
}

/* --- models --- */

static void test_models(void **state) {
        (void)state;
        static const char *const oldest_first[] = {
                "frob-9000",
                "Penryn",
                "Nehalem",
                "Westmere-IBRS",
                "SandyBridge",
                "IvyBridge",
                "Haswell-v1",
                "Haswell-v4",
                "Haswell-noTSX",
                "Haswell",
                "Haswell-IBRS",
                "Broadwell-noTSX",
                "Skylake-Client",
                "Skylake-Server-IBRS",
                "Cascadelake-Server",
                "Icelake-Server-noTSX",
                "Icelake-Server",
                "SapphireRapids",
                "GraniteRapids",
        };
        size_t n = sizeof oldest_first / sizeof *oldest_first;
        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < n; k++) {
                        int r = mv_cpu_model_compare(mv_str_from(oldest_first[i]),
                                                     mv_str_from(oldest_first[k]));
                        assert_true(i < k ? r > 0 : i > k ? r < 0 : r == 0);
                }
        assert_true(mv_cpu_model_compare(MV_STR("EPYC-Milan"), MV_STR("EPYC-Rome")) < 0);
        assert_true(mv_cpu_model_compare(MV_STR("EPYC-Rome"), MV_STR("EPYC-IBPB")) < 0);
        assert_true(mv_cpu_model_compare(MV_STR("aaa"), MV_STR("bbb")) < 0);
        assert_int_equal(mv_cpu_model_rank(MV_STR("")), 0);
        assert_int_equal(mv_cpu_model_rank(MV_STR("Haswell-v")), 0);
        assert_int_equal(mv_cpu_model_rank(MV_STR("Haswell-v100")), 0);
        assert_true(mv_cpu_model_is_obsolete(MV_STR("Conroe")));
        assert_true(mv_cpu_model_is_obsolete(MV_STR("Conroe-v1")));
        assert_false(mv_cpu_model_is_obsolete(MV_STR("Conroe-v2")));
        assert_false(mv_cpu_model_is_obsolete(MV_STR("Penryn")));
}

/* --- the baseline --- */

/* "amd64/Intel 3: Haswell Penryn; newer Skylake-Server 1/3; without n1 Skylake-Server" */
static void assert_baseline_at(const char *expected, const char *file, int line,
                               struct mv_snapshot *snapshot) {
        struct mv_arena arena;
        char text[1024] = "";
        size_t n = 0;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_node_index *index = mv_snapshot_node_index(snapshot);
        const struct mv_baseline *baseline = mv_baseline_make(&arena, index, NULL);
        assert_non_null(baseline);
#define ADD(...) n += (size_t)snprintf(text + n, sizeof text - n, __VA_ARGS__)
        for (size_t i = 0; i < baseline->n_groups; i++) {
                const struct mv_baseline_group *g = &baseline->groups[i];
                ADD("%s%.*s/%.*s %zu:", i ? " | " : "", MV_STR_ARG(g->architecture), MV_STR_ARG(g->vendor),
                    g->n_nodes);
                for (size_t k = 0; k < g->n_common; k++)
                        ADD(" %.*s", MV_STR_ARG(g->models[g->common[k]].name));
                for (size_t k = 0; k < g->n_brakes; k++)
                        ADD("; without %.*s %.*s",
                            MV_STR_ARG(mv_node_index_at(index, g->brakes[k].node)->meta.name),
                            MV_STR_ARG(g->brakes[k].model));
        }
        if (mv_node_set_count(index, baseline->left_out))
                ADD(" | left out %zu", mv_node_set_count(index, baseline->left_out));
#undef ADD
        assert_str_at(mv_str_from(text), expected, file, line);
        mv_arena_done(&arena);
        mv_snapshot_free(snapshot);
}
#define assert_baseline(expected, ...) \
        assert_baseline_at((expected), __FILE__, __LINE__, snapshot_of(__VA_ARGS__, NULL))

#define OLD MODEL("Penryn") "," MODEL("Haswell")
#define NEW OLD "," MODEL("Skylake-Server")

static void test_baseline(void **state) {
        (void)state;
        assert_baseline("amd64/Intel 1: Haswell Penryn", NODE("n1", OLD "," INTEL));
        /* One node holds the rest back; two do not, one by one. */
        assert_baseline("amd64/Intel 3: Haswell Penryn; without n1 Skylake-Server", NODE("n1", OLD "," INTEL),
                        NODE("n2", NEW "," INTEL), NODE("n3", NEW "," INTEL));
        assert_baseline("amd64/Intel 3: Haswell Penryn", NODE("n1", OLD "," INTEL), NODE("n2", OLD "," INTEL),
                        NODE("n3", NEW "," INTEL));
        /* A node without any model holds back all; only the newest that it holds back is named. */
        assert_baseline("amd64/Intel 3:; without n1 Skylake-Server", NODE("n1", INTEL),
                        NODE("n2", NEW "," INTEL), NODE("n3", NEW "," INTEL));
        assert_baseline("amd64/Intel 3:", NODE("n1", INTEL), NODE("n2", MODEL("frob") "," INTEL),
                        NODE("n3", MODEL("frob") "," INTEL));
        /* Each vendor for itself; a node that does not tell its own, too. */
        assert_baseline("amd64/ 1: Penryn | amd64/AMD 1: EPYC | amd64/Intel 1: Haswell Penryn",
                        NODE("n1", OLD "," INTEL), NODE("n2", MODEL("EPYC") "," AMD),
                        NODE("n3", MODEL("Penryn")));
        /* What is not known is taken for older; what is obsolete, or not true, does not count. */
        assert_baseline(
                "amd64/Intel 1: Penryn frob",
                NODE("n1", MODEL("frob") "," MODEL("Penryn") "," MODEL(
                                   "qemu64") "," INTEL ",'cpu-model.node.kubevirt.io/Haswell':'false'"));
        assert_baseline("amd64/Intel 1: Haswell Penryn | left out 1", NODE("n1", OLD "," INTEL),
                        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'master'}}");
}

static void change_of(struct mv_snapshot *snapshot, const char *name, const char *model,
                      struct mv_baseline_change *ret, struct judged *now) {
        judge(now, snapshot, MV_KIND_VMI, name);
        const struct mv_evaluation evaluation = {
                .arena = &now->arena,
                .snapshot = snapshot,
                .cpu_model = mv_str_from(model),
        };
        struct mv_verdict then;
        mv_evaluate_vmi(&evaluation,
                        mv_snapshot_find(snapshot, MV_KIND_VMI, MV_STR("default"), mv_str_from(name)), &then);
        assert_true(mv_baseline_compare(&now->arena, &now->verdict, &then, NULL, ret));
}

static void test_change(void **state) {
        (void)state;
        struct judged judged;
        struct mv_baseline_change change;
        struct mv_snapshot *snapshot =
                snapshot_of(VMI_ON("vm", "Skylake-Server", "n3"), VMI_ON("old", "Penryn", "n1"),
                            NODE("n1", OLD "," INTEL), NODE("n2", OLD "," INTEL), NODE("n3", NEW "," INTEL),
                            NODE("n4", MODEL("EPYC") "," AMD), NULL);
        static const struct {
                const char *name, *model;
                enum mv_baseline_effect effect;
                size_t before, after, lost;
        } cases[] = {
                { "vm", "Haswell", MV_BASELINE_GAINS, 0, 2, 0 },
                { "vm", "Skylake-Server", MV_BASELINE_STUCK, 0, 0, 0 },
                { "old", "Haswell", MV_BASELINE_KEEPS, 2, 2, 0 },
                { "old", "Skylake-Server", MV_BASELINE_LOSES, 2, 1, 1 },
                { "old", "EPYC", MV_BASELINE_LOSES, 2, 0, 2 },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                change_of(snapshot, cases[i].name, cases[i].model, &change, &judged);
                assert_int_equal(change.effect, cases[i].effect);
                assert_int_equal(change.before, cases[i].before);
                assert_int_equal(change.after, cases[i].after);
                assert_int_equal(mv_node_set_count(judged.verdict.fit->index, change.lost), cases[i].lost);
                judged_done(&judged);
        }
        mv_snapshot_free(snapshot);
}

static void test_concerns(void **state) {
        (void)state;
        struct judged judged;
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        struct mv_snapshot *snapshot = snapshot_of(
                VMI_ON("on-intel", "host-model", "n1"), VMI_ON("named", "EPYC", ""),
                VMI_ON("any", "host-model", ""), VMI_ON("odd", "frob", ""), NODE("n1", OLD "," INTEL),
                NODE("n2", MODEL("EPYC") "," AMD),
                "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n3','labels':{'kubernetes.io/arch':"
                "'arm64','kubevirt.io/schedulable':'true'}}}",
                NULL);
        const struct mv_baseline *baseline = mv_baseline_make(&arena, mv_snapshot_node_index(snapshot), NULL);
        assert_int_equal(baseline->n_groups, 3); /* AMD, Intel, arm64 */
        static const struct {
                const char *name;
                bool concerns[3];
        } cases[] = {
                { "on-intel", { false, true, false } },
                { "named", { true, false, false } },
                { "any", { true, true, false } },
                { "odd", { true, true, false } },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                judge(&judged, snapshot, MV_KIND_VMI, cases[i].name);
                for (size_t k = 0; k < 3; k++)
                        assert_int_equal(
                                mv_baseline_concerns(baseline, &baseline->groups[k], &judged.verdict),
                                cases[i].concerns[k]);
                judged_done(&judged);
        }
        mv_arena_done(&arena);
        mv_snapshot_free(snapshot);
}

/* Memory that runs out anywhere gives nothing, never half of it. */
static void test_oom(void **state) {
        (void)state;
        struct judged judged;
        struct mv_snapshot *snapshot = mixed();
        judge(&judged, snapshot, MV_KIND_VMI, "vm");
        const struct mv_fit *fit = judged.verdict.fit;
        bool done = false;
        for (size_t cap = 16; !done; cap += 16) {
                struct mv_arena arena;
                mv_arena_init(&arena, &mv_allocator_system, cap);
                const struct mv_fit_groups *groups = mv_fit_groups_make(&arena, fit, NULL);
                const struct mv_baseline *baseline =
                        groups ? mv_baseline_make(&arena, fit->index, NULL) : NULL;
                struct mv_baseline_change change;
                done = baseline &&
                       mv_baseline_compare(&arena, &judged.verdict, &judged.verdict, NULL, &change);
                assert_true(done || mv_arena_failed(&arena));
                assert_true(!groups || groups->n == 6);
                assert_true(!baseline || baseline->n_groups == 2);
                assert_true(!done || change.effect == MV_BASELINE_KEEPS);
                mv_arena_done(&arena);
        }
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_groups),
                cmocka_unit_test(test_groups_host_name),
                cmocka_unit_test(test_groups_same_causes),
                cmocka_unit_test(test_among),
                cmocka_unit_test(test_stranded),
                cmocka_unit_test(test_models),
                cmocka_unit_test(test_baseline),
                cmocka_unit_test(test_change),
                cmocka_unit_test(test_concerns),
                cmocka_unit_test(test_oom),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
