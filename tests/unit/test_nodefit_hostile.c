/* SPDX-License-Identifier: Apache-2.0 */
/* What a user puts into a VM or a pod by the thousand costs no more than its size: each of these would take minutes, and
 * the run time-out would end it, if some step were quadratic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/base/buf.h"
#include "policy/expand.h"
#include "policy/nodes/nodefit.h"
#include "policy/object/scan.h"

/* Items of a List that grows. */
static void begin(struct mv_buf *buf) {
        mv_buf_init(buf, &mv_allocator_system, (size_t)1 << 30);
        mv_buf_append_text(buf,
                           "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n','labels':{'kubernetes.io/"
                           "hostname':'n'}}}");
}

static struct mv_snapshot *finish(struct mv_buf *buf) {
        assert_false(mv_buf_failed(buf));
        struct mv_snapshot *snapshot = snapshot_make(buf->p);
        mv_buf_done(buf);
        return snapshot;
}

/* Make the fit of the last instance; NULL when it costs too much. */
static const struct mv_fit *fit_of(struct mv_arena *arena, struct mv_instance *instance,
                                   const struct mv_snapshot *snapshot) {
        const struct mv_kubevirt_config *config = mv_snapshot_config(snapshot);
        mv_arena_init(arena, &mv_allocator_system, 0);
        mv_expand_vmi(arena, config, mv_snapshot_at(snapshot, MV_KIND_VMI, 0), instance);
        const struct mv_fit_question question = { .snapshot = snapshot,
                                                  .config = config,
                                                  .behaviour = mv_behaviour_of(MV_KUBEVIRT(1, 9)),
                                                  .vmi = &instance->vmi,
                                                  .launcher = mv_launcher_make(
                                                          arena, config, MV_KUBEVIRT(1, 9), &instance->vmi) };
        return mv_fit_make(arena, &question);
}

#define INSTANCE \
        ",{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'vm'},'spec':{'domain':{"

static void test_selectors(void **state) {
        (void)state;
        enum { N = 200000 };
        struct mv_buf buf;
        struct mv_arena arena;
        struct mv_instance instance;
        begin(&buf);
        mv_buf_append_text(&buf, INSTANCE "'cpu':{'model':'host-model','features':[");
        for (int i = 0; i < N; i++)
                mv_buf_format(&buf, "%s{'name':'feature-%06d'}", i ? "," : "", i);
        mv_buf_append_text(&buf, "]}},'nodeSelector':{");
        for (int i = 0; i < N; i++)
                mv_buf_format(&buf, "%s'label-%06d':'%d'", i ? "," : "", i, i);
        mv_buf_append_text(&buf, ",'cpu-feature.node.kubevirt.io/feature-000007':'other'}}}");
        struct mv_snapshot *snapshot = finish(&buf);
        const struct mv_fit *fit = fit_of(&arena, &instance, snapshot);
        assert_non_null(fit);
        /* Each once; schedulable and the architecture beside them. */
        assert_in_range(fit->n_checks, 2 * N, 2 * N + 20);
        size_t n_causes;
        assert_non_null(mv_fit_causes(&arena, fit, 0, &n_causes));
        assert_in_range(n_causes, 2 * N, fit->n_checks);
        mv_arena_done(&arena);
        mv_snapshot_free(snapshot);
}

/* 100,000 pods, each with an aversion of its own to the same label. */
static void test_aversions(void **state) {
        (void)state;
        enum { N = 100000 };
        struct mv_buf buf;
        struct mv_arena arena;
        struct mv_instance instance;
        begin(&buf);
        for (int i = 0; i < N; i++)
                mv_buf_format(
                        &buf,
                        ",{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p%d','labels':{'app':'web'}},'spec':{"
                        "'nodeName':'n','affinity':{'podAntiAffinity':{"
                        "'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':'kubernetes.io/hostname',"
                        "'labelSelector':{'matchLabels':{'app':'web'},'matchExpressions':[{'key':'k','operator':"
                        "'NotIn','values':['%d']}]}}]}}}}",
                        i, i);
        mv_buf_append_text(&buf, INSTANCE "}}}");
        struct mv_snapshot *snapshot = finish(&buf);
        assert_non_null(fit_of(&arena, &instance, snapshot));
        mv_arena_done(&arena);
        mv_snapshot_free(snapshot);
}

/* Terms that have to be held against every pod: some are fine, thousands are too much to ask. */
static void test_terms(void **state) {
        (void)state;
        static const char *const where[][2] = {
                { "'affinity':{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[",
                  "]}}" },
                { "'affinity':{'podAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[", "]}}" },
                { "'topologySpreadConstraints':[", "]" },
        };
        enum { PODS = 5000 };
        for (size_t kind = 0; kind < sizeof where / sizeof *where; kind++)
                for (int terms = 10; terms <= 20000; terms *= 2000) {
                        struct mv_buf buf;
                        struct mv_arena arena;
                        struct mv_instance instance;
                        begin(&buf);
                        for (int i = 0; i < PODS; i++)
                                mv_buf_format(
                                        &buf,
                                        ",{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p%d'},'spec':{"
                                        "'nodeName':'n'}}",
                                        i);
                        mv_buf_format(&buf, INSTANCE "},%s", where[kind][0]);
                        for (int i = 0; i < terms; i++)
                                mv_buf_format(
                                        &buf,
                                        "%s{'topologyKey':'kubernetes.io/hostname','maxSkew':1,'whenUnsatisfiable':"
                                        "'DoNotSchedule','labelSelector':{'matchExpressions':[{'key':'k%d',"
                                        "'operator':'Exists'}]}}",
                                        i ? "," : "", i);
                        mv_buf_format(&buf, "%s}}", where[kind][1]);
                        struct mv_snapshot *snapshot = finish(&buf);
                        const struct mv_fit *fit = fit_of(&arena, &instance, snapshot);
                        assert_int_equal(fit != NULL, terms == 10);
                        mv_arena_done(&arena);
                        mv_snapshot_free(snapshot);
                }
}

/* Gt and Lt are held against every node that has the key. */
static void test_numbers(void **state) {
        (void)state;
        enum { NODES = 2000 };
        for (int requirements = 10; requirements <= 20000; requirements *= 2000) {
                struct mv_buf buf;
                struct mv_arena arena;
                struct mv_instance instance;
                begin(&buf);
                for (int i = 0; i < NODES; i++)
                        mv_buf_format(
                                &buf,
                                ",{'apiVersion':'v1','kind':'Node','metadata':{'name':'n%d','labels':{'size':'%d'}}}",
                                i, i);
                mv_buf_append_text(
                        &buf, INSTANCE
                        "},'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{"
                        "'nodeSelectorTerms':[{'matchExpressions':[");
                for (int i = 0; i < requirements; i++)
                        mv_buf_format(&buf, "%s{'key':'size','operator':'Gt','values':['1%d']}", i ? "," : "",
                                      i);
                mv_buf_append_text(&buf, "]}]}}}}}");
                struct mv_snapshot *snapshot = finish(&buf);
                assert_int_equal(fit_of(&arena, &instance, snapshot) != NULL, requirements == 10);
                mv_arena_done(&arena);
                mv_snapshot_free(snapshot);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_selectors),
                cmocka_unit_test(test_aversions),
                cmocka_unit_test(test_terms),
                cmocka_unit_test(test_numbers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
