/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts on VMs of which KubeVirt makes no instance, or one with parts of an instancetype; the first VM of a pool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/instancetype.h"

#include <string.h>

#define TYPE(name, spec)                                                                               \
        "{'apiVersion':'instancetype.kubevirt.io/v1beta1','kind':'VirtualMachineClusterInstancetype'," \
        "'metadata':{'name':'" name "'},'spec':{" spec "}}"
#define TWO_GI "'cpu':{'guest':2},'memory':{'guest':'2Gi'}"
#define MEDIUM TYPE("medium", TWO_GI)
#define NAMED "'instancetype':{'name':'medium'}"

static void test_pool(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_make(
                "{'apiVersion':'pool.kubevirt.io/v1beta1','kind':'VirtualMachinePool','metadata':{'name':'farm'},'spec':"
                "{'virtualMachineTemplate':{'spec':{'dataVolumeTemplates':[{'metadata':{'name':'root'}}],'template':{'spec':"
                "{'volumes':[{'name':'a','dataVolume':{'name':'root'}},{'name':'b','persistentVolumeClaim':{'claimName':'root'}},"
                "{'name':'c','persistentVolumeClaim':{'claimName':'shared'}}]}}}}}}," MEDIUM);
        struct mv_arena arena;
        struct mv_vm vm;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        mv_instancetype_pool_vm(&arena, mv_snapshot_at(snapshot, MV_KIND_POOL, 0), &vm);
        const struct mv_volume *volumes = vm.spec.template->spec.volumes.items;
        assert_str(vm.meta.name, "farm-0");
        assert_str(vm.meta.namespace, "default");
        assert_str(vm.spec.data_volume_templates.items[0].meta.name, "root-0");
        assert_str(volumes[0].data_volume->name, "root-0");
        assert_str(volumes[1].persistent_volume_claim->claim_name, "root-0");
        assert_str(volumes[2].persistent_volume_claim->claim_name, "shared");
        mv_arena_done(&arena);
        mv_snapshot_free(snapshot);
}

static void test_verdict(void **state) {
        (void)state;
        struct judged judged;
        struct mv_snapshot *snapshot = snapshot_make(
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'a'},'spec':{'running':true," NAMED
                ",'template':{'spec':{'domain':{'cpu':{'cores':1}}}}}},"
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'b'},'spec':{'running':true,'instancetype':{'name':'x'},"
                "'template':{'spec':{}}}},"
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'c'},'spec':{'running':true,'instancetype':{'name':'qat'},"
                "'template':{'spec':{}}}}," MEDIUM
                "," TYPE("qat", TWO_GI ",'hostDevices':[{'name':'h','deviceName':'q'}]"));
        judge(&judged, snapshot, MV_KIND_VM, "a");
        assert_int_equal(judged.verdict.migratable, MV_OUTCOME_UNKNOWN);
        assert_int_equal(judged.verdict.n_conditions, 0);
        assert_null(judged.verdict.instance);
        assert_non_null(strstr(judged.text,
                               "\"refused\":{\"code\":422,\"reason\":\"Invalid\",\"message\":\"VM field(s) "
                               "spec.template.spec.domain.cpu.cores conflicts with selected instance type\","
                               "\"fields\":[\"spec.template.spec.domain.cpu.cores\"]}"));
        assert_string_equal(outcome_of(&judged.verdict, "instancetype"), "unknown");
        judged_done(&judged);
        judge(&judged, snapshot, MV_KIND_VM, "b");
        const struct mv_finding *finding = finding_of(&judged.verdict, "instancetype");
        assert_int_equal(finding->n_missing, 1);
        assert_int_equal(finding->missing[0].kind, MV_KIND_CLUSTER_INSTANCETYPE);
        assert_str(finding->missing[0].name, "x");
        judged_done(&judged);
        /* What the instancetype brings is, for the user, where the VM names it. */
        judge(&judged, snapshot, MV_KIND_VM, "c");
        assert_str(finding_of(&judged.verdict, "host-device")->field, "spec.instancetype");
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}

/* Wherever memory runs out, the verdict says Unknown, and says so. */
static void test_out_of_memory(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_make(
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'a'},'spec':{'running':true," NAMED
                ",'preference':{'name':'p'},'template':{'spec':{'volumes':[{'name':'v','emptyDisk':{}}]}}}},"
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'b'},'spec':{'running':true,'instancetype':"
                "{'name':'x'},'template':{'spec':{}}}},"
                "{'apiVersion':'instancetype.kubevirt.io/v1beta1','kind':'VirtualMachineClusterPreference','metadata':"
                "{'name':'p'},'spec':{'annotations':{'k':'v'},'cpu':{'preferredCPUFeatures':[{'name':'f'}]},'devices':"
                "{'preferredTPM':{}},'features':{'preferredHyperv':{'ipi':{}}},'firmware':{'preferredUseEfi':true},'clock':"
                "{'preferredTimer':{'pit':{}}}}}," TYPE(
                        "medium",
                        "'cpu':{'guest':2},'memory':{'guest':'2Gi','overcommitPercent':10},'annotations':{'a':'b'}"));
        for (size_t vm = 0; vm < 2; vm++) {
                bool complete = false;
                for (size_t cap = 256; !complete && cap < (1 << 20); cap += 509) {
                        struct mv_arena arena;
                        struct mv_verdict verdict;
                        mv_arena_init(&arena, &mv_allocator_system, cap);
                        const struct mv_evaluation evaluation = { .arena = &arena, .snapshot = snapshot };
                        mv_evaluate_vm(&evaluation, mv_snapshot_at(snapshot, MV_KIND_VM, vm), true, &verdict);
                        complete = !mv_arena_failed(&arena);
                        if (!complete)
                                assert_string_equal(verdict.findings->rule->id, "out-of-memory");
                        else
                                assert_int_equal(verdict.refused != NULL, vm == 1);
                        mv_arena_done(&arena);
                }
                assert_true(complete);
        }
        mv_snapshot_free(snapshot);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pool),
                cmocka_unit_test(test_verdict),
                cmocka_unit_test(test_out_of_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
