/* SPDX-License-Identifier: Apache-2.0 */
/* Plans when memory runs out and when questions are limited; what a plan is, the cases in tests/drain/plan tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/drain/drain.h"
#include "tests/unit/support.h"

#include <limits.h>

#define NODE(name)                                                                                          \
        "{'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': '" name                                  \
        "', 'labels': {'kubevirt.io/schedulable': 'true', 'kubernetes.io/arch': 'amd64',"                   \
        " 'machine-type.node.kubevirt.io/q35': 'true'}}, 'status': {'allocatable': {'cpu': '8', 'memory': " \
        "'9Gi', 'pods': '10', 'devices.kubevirt.io/kvm': '9', 'devices.kubevirt.io/tun': '9',"              \
        " 'devices.kubevirt.io/vhost-net': '9'}}}"
#define VMI(name, strategy)                                                                                     \
        ",{'apiVersion': 'kubevirt.io/v1', 'kind': 'VirtualMachineInstance', 'metadata': {'name': '" name       \
        "', 'uid': '" name "'}, 'spec': {'evictionStrategy': '" strategy "', 'architecture': 'amd64',"          \
        " 'networks': [{'name': 'p', 'pod': {}}], 'domain': {'cpu': {'model': 'host-passthrough'}, 'machine': " \
        "{'type': 'q35'}, 'memory': {'guest': '2Gi'}, 'devices': {'interfaces': [{'name': 'p', 'masquerade': "  \
        "{}}]}}}, 'status': {'phase': 'Running', 'nodeName': 'n1', 'conditions': [{'type': "                    \
        "'LiveMigratable', 'status': 'True'}]}}"

static const char cluster[] = NODE("n1") "," NODE("n2") VMI("a", "LiveMigrate") VMI("b", "LiveMigrate") VMI(
        "c", "None") ",{'apiVersion': 'policy/v1', 'kind': 'PodDisruptionBudget', 'metadata': {'name': 'p'},"
                     " 'spec': {'selector': {'matchLabels': {'x': 'y'}}}}";

static const struct mv_drain_plan *plan_of(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                           uint64_t most_questions) {
        static const struct mv_str nodes[] = { { "n1", 2 }, { "n2", 2 }, { "n1", 2 } };
        const struct mv_drain_order order = {
                .about = { .snapshot = snapshot,
                           .config = mv_snapshot_config(snapshot),
                           .version = UINT_MAX },
                .nodes = nodes,
                .n_nodes = 1,
                .most_questions = most_questions,
                .verdicts = true,
        };
        return mv_drain_plan_make(arena, &order);
}

static void a_limit_leaves_things_undecided(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_make(cluster);
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_drain_plan *whole = plan_of(&arena, snapshot, 0);
        assert_false(whole->blocks);
        assert_int_equal(whole->count[MV_DRAIN_MIGRATES], 2);
        assert_int_equal(whole->count[MV_DRAIN_STAYS_DOWN], 1);
        assert_int_equal(whole->waves, 1);
        const struct mv_drain_plan *stopped = plan_of(&arena, snapshot, 1);
        assert_true(stopped->stopped);
        assert_true(stopped->blocks);
        assert_true(stopped->count[MV_DRAIN_UNDECIDED] > 0);
        assert_int_equal(stopped->most, MV_SIM_NEVER);
        assert_false(plan_of(&arena, snapshot, 2)->stopped);
        mv_arena_done(&arena);
        mv_snapshot_free(snapshot);
}

static void out_of_memory_is_no_plan(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_make(cluster);
        bool made = false;
        for (size_t fail_at = 1; !made; fail_at++) {
                struct test_allocator allocator;
                struct mv_arena arena;
                test_allocator_init(&allocator, fail_at);
                mv_arena_init(&arena, &allocator.allocator, 0);
                const struct mv_drain_plan *plan = plan_of(&arena, snapshot, 0);
                made = allocator.calls < fail_at;
                assert_int_equal(plan != NULL, made);
                if (plan)
                        assert_int_equal(plan->count[MV_DRAIN_MIGRATES], 2);
                mv_arena_done(&arena);
                assert_int_equal(allocator.live, 0);
        }
        mv_snapshot_free(snapshot);
}

/* The arena's cap counts, too, whatever it stops. */
static void a_full_arena_is_no_plan(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_make(cluster);
        bool made = false;
        for (size_t cap = 1; !made; cap += 512) {
                struct mv_arena arena;
                mv_arena_init(&arena, &mv_allocator_system, cap);
                const struct mv_drain_plan *plan = plan_of(&arena, snapshot, 0);
                made = plan != NULL;
                if (made) {
                        assert_false(mv_arena_failed(&arena));
                        assert_int_equal(plan->count[MV_DRAIN_MIGRATES], 2);
                }
                mv_arena_done(&arena);
        }
        mv_snapshot_free(snapshot);
}

static void names_of_everything(void **state) {
        (void)state;
        for (int i = 0; i <= MV_DRAIN_UNDECIDED; i++)
                assert_true(mv_drain_outcome_name((enum mv_drain_outcome)i)[0]);
        for (int i = 1; i <= MV_DRAIN_REFUSED; i++)
                assert_true(mv_drain_obstacle_name((enum mv_drain_obstacle)i)[0]);
        assert_string_equal(mv_drain_obstacle_name(MV_DRAIN_NOTHING), "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_limit_leaves_things_undecided),
                cmocka_unit_test(out_of_memory_is_no_plan),
                cmocka_unit_test(a_full_arena_is_no_plan),
                cmocka_unit_test(names_of_everything),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
