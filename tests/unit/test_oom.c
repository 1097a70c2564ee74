/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out at every point: no crash, no leak, and no verdict but the full one or Unknown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/object/scan.h"
#include "policy/render.h"

#include <stdio.h>
#include <stdlib.h>

/* A cluster with something for every rule. */
static struct mv_str document(void) {
        enum { SIZE = 1 << 20, NODES = 200, CLAIMS = 300 };
        static const char machine[] =
                "'spec':{'evictionStrategy':'LiveMigrate','networks':[{'name':'p','pod':{}},{'name':'q',"
                "'multus':{'networkName':'x'}}],"
                "'domain':{'cpu':{'model':'Haswell\\u0020','features':[{'name':'pcid'},{'name':'f2',"
                "'policy':'require'}]},"
                "'launchSecurity':{'sev':{},'tdx':{}},'features':{'hyperv':{'reenlightenment':{},'evmcs':{"
                "},'synictimer':{}},"
                "'hypervPassthrough':{}},'devices':{'hostDevices':[{'name':'h'}],'gpus':[{'name':'g',"
                "'deviceName':'x'}],'disks':[{'name':"
                "'c','lun':{'reservation':true}}],'interfaces':[{'name':'p','masquerade':{},'ports':[{"
                "'port':49152},{'port':80}],"
                "'portRanges':[{'start':1,'end':65535}]},{'name':'q','sriov':{}}]}},'volumes':[{"
                "'name':'c','persistentVolumeClaim':"
                "{'claimName':'claim-1'}},{'name':'d','dataVolume':{'name':'dv'}},{'name':'e',"
                "'emptyDisk':{'capacity':'1Gi'}},{'name':'f',"
                "'hostDisk':{'path':'/x'}},{'name':'g','persistentVolumeClaim':{'claimName':'gone'}},{"
                "'name':'h','containerDisk':{}}]}";
        char *text = malloc(SIZE);
        size_t n = 0;
        assert_non_null(text);
#define ADD(...) n += (size_t)snprintf(text + n, SIZE - n, __VA_ARGS__)
        ADD("{'apiVersion':'v1','kind':'List','items':[");
        for (int i = 0; i < NODES; i++)
                ADD("{'apiVersion':'v1','kind':'Node','metadata':{'name':'node-%d','labels':{"
                    "'kubevirt.io/schedulable':'true','l%d':'%d',"
                    "'cpu-model.node.kubevirt.io/Haswell':'true',"
                    "'cpu-vendor.node.kubevirt.io/Intel':'true'}}},",
                    i, i, i);
        for (int i = 0; i < CLAIMS; i++)
                ADD("{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'claim-%d'},"
                    "'spec':{'accessModes':["
                    "'ReadWriteOnce']}},",
                    i);
        ADD("{'apiVersion':'storage.k8s.io/v1','kind':'StorageClass','metadata':{'name':'s','annotations':{"
            "'storageclass.kubernetes.io/is-default-class':'true'}}},{"
            "'apiVersion':'cdi.kubevirt.io/v1beta1','kind':'StorageProfile',"
            "'metadata':{'name':'s'},'status':{'claimPropertySets':[{'accessModes':['ReadWriteOnce',"
            "'ReadOnlyMany']}]}},");
        ADD("{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kv','namespace':'virt'},"
            "'spec':{'configuration':{"
            "'developerConfiguration':{'featureGates':['VGPULiveMigration']},'network':{'binding':{'b':{"
            "}}}}},'status':{'phase':"
            "'Deployed','observedKubeVirtVersion':'v1.9.0'}},");
        ADD("{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'vm','annotations':{"
            "'kubevirt.io/allow-pod-bridge-network-live-migration':''}},'spec':{'running':true,'affinity':{},"
            "'dataVolumeTemplates':[{'metadata':"
            "{'name':'dv'},'spec':{'storage':{'volumeMode':'Block'}}}],'template':{%s}}},",
            machine);
        ADD("{'apiVersion':'hco.kubevirt.io/v1','kind':'HyperConverged','metadata':{'name':'hc',"
            "'namespace':'virt'},'spec':{'featureGates':[{'name':'x'}],'networking':{'networkBinding':{'a':{}}},"
            "'virtualization':{'liveMigrationConfig':{'bandwidthPerMigration':'64Mi','network':'fast'},"
            "'permittedHostDevices':{'mediatedDevices':[{'resourceName':'m'}]}}}},"
            "{'apiVersion':'k8s.cni.cncf.io/v1','kind':'NetworkAttachmentDefinition','metadata':{'name':'x'}},"
            "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'kubevirt-config'},'data':{"
            "'feature-gates':'LiveMigration','migrations':'progressTimeout: 7\\nbandwidthPerMigration: "
            "\\u0031Mi\\n'}},"
            "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'kubevirt-storage-class-defaults'},"
            "'data':{'accessMode':'ReadWriteOnce'}},");
        ADD("{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'plain'},'spec':{"
            "'template':{}}},");
        ADD("{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'vmi'},%s,"
            "'status':{'phase':'Running',"
            "'nodeName':'node-7','conditions':[{'type':'LiveMigratable','status':'True'}],"
            "'migratedVolumes':[{'volumeName':'c'}]}},",
            machine);
        ADD("{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':{"
            "'name':'m1','labels':{"
            "'kubevirt.io/vmi-name':'vmi'}},'spec':{'vmiName':'vmi','priority':'x'}},"
            "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':{"
            "'name':'m2','labels':{"
            "'kubevirt.io/vmi-name':'vmi'}},'spec':{'vmiName':'vmi','sendTo':{'migrationID':'a'},"
            "'receive':{'migrationID':'b'}}},"
            "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':{"
            "'name':'m3'},'spec':{'vmiName':'gone'}},");
        ADD("{'apiVersion':'pool.kubevirt.io/v1beta1','kind':'VirtualMachinePool','metadata':{"
            "'name':'pool'},'spec':{"
            "'virtualMachineTemplate':{'spec':{'template':{%s}}}}},",
            machine);
        ADD("{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceReplicaSet','metadata':{"
            "'name':'set'},'spec':{'template':{%s}}},",
            machine);
        ADD("{'apiVersion':'migrations.kubevirt.io/v1alpha1','kind':'MigrationPolicy','metadata':{'name':'a'},"
            "'spec':{'selectors':{},'bandwidthPerMigration':'1','allowPostCopy':true,'maxDowntimeMs':7,"
            "'completionTimeoutPerGiB':-2,'experimental':{'stallDetector':{'ewmaAlpha':'2'},"
            "'downtimeTuning':{}}}},{'apiVersion':'migrations.kubevirt.io/v1alpha1','kind':'MigrationPolicy',"
            "'metadata':{'name':'b'},'spec':{'selectors':{'namespaceSelector':{'env':'x'},"
            "'virtualMachineInstanceSelector':{}}}}]}");
#undef ADD
        assert_true(n < SIZE);
        struct mv_str json = json_make(text);
        free(text);
        return json;
}

static struct mv_str json;
static struct mv_snapshot *snapshot;

static int setup(void **state) {
        (void)state;
        json = document();
        struct mv_err err = { 0 };
        int r = snapshot_try(&mv_allocator_system, json, &snapshot, &err);
        if (r < 0)
                print_error("%s: %s\n", err.path, err.message);
        return r;
}

static int teardown(void **state) {
        (void)state;
        text_free(json);
        mv_snapshot_free(snapshot);
        return 0;
}

/* Tries with the nth allocation failing (with_later: and all behind it) until none fails; returns n. Where it was for sharing
 * what objects have in common, the snapshot is made all the same. */
static size_t build_with_failures(bool with_later) {
        for (size_t n = 1;; n++) {
                struct test_allocator a;
                struct mv_snapshot *built = NULL;
                struct mv_err err = { 0 };
                test_allocator_init(&a, n);
                a.fail_after = with_later;
                int r = snapshot_try(&a.allocator, json, &built, &err);
                bool failed = a.calls >= n;
                assert_true(r == 0 || (failed && r == MV_ENOMEM));
                if (r) {
                        assert_null(built);
                        assert_int_equal(a.live, 0);
                        if (n > 3) /* without a builder there is no error to fill */
                                assert_int_equal(err.code, MV_ENOMEM);
                        continue;
                }
                size_t entries, all;
                mv_snapshot_entries(built, &entries);
                mv_snapshot_entries(snapshot, &all);
                assert_int_equal(entries, all);
                mv_snapshot_free(built);
                assert_int_equal(a.live, 0);
                if (!failed)
                        return n;
        }
}

static void test_building(void **state) {
        (void)state;
        assert_true(build_with_failures(false) > 200); /* an object with labels takes one for a while */
        assert_true(build_with_failures(true) > 200);
}

/* The verdict on an entry, rendered into buf; false when the arena ran out. (When that is while the nodes are listed, the
 * buffer has failed, too.) */
static bool verdict_text(struct mv_arena *arena, const struct mv_entry *entry, struct mv_buf *buf) {
        const struct mv_evaluation evaluation = { .arena = arena, .snapshot = snapshot };
        struct mv_verdict verdict;
        struct mv_json writer;
        if (!mv_evaluate_entry(&evaluation, entry, &verdict))
                return false;
        bool failed = mv_arena_failed(arena);
        if (failed) {
                assert_int_equal(verdict.migratable, MV_OUTCOME_UNKNOWN);
                assert_int_equal(verdict.n_conditions, 0);
                const struct mv_finding *f = verdict.findings;
                assert_non_null(f);
                assert_null(f->next);
                assert_int_equal(f->outcome, MV_OUTCOME_UNKNOWN);
                assert_int_equal(f->severity, MV_SEVERITY_BLOCKER);
                assert_int_equal(f->message.n, strlen(f->message.p));
                assert_int_equal(f->fix.n, strlen(f->fix.p));
        }
        mv_json_init(&writer, buf);
        mv_render_verdict(&writer, arena, &verdict, true, (struct mv_str){ 0 });
        return !mv_arena_failed(arena);
}

typedef void (*for_each_entry)(const struct mv_entry *entry, const char *full);

/* Calls with each object that is judged, and what is said of it when there is memory. */
static void each_entry(for_each_entry call) {
        size_t n, judged = 0;
        const struct mv_entry *entries = mv_snapshot_entries(snapshot, &n);
        for (size_t i = 0; i < n; i++) {
                if (entries[i].kind > MV_KIND_REPLICA_SET && entries[i].kind != MV_KIND_MIGRATION_POLICY)
                        continue;
                struct mv_arena arena;
                struct mv_buf full;
                mv_arena_init(&arena, &mv_allocator_system, 0);
                mv_buf_init(&full, &mv_allocator_system, 1 << 24);
                assert_true(verdict_text(&arena, &entries[i], &full));
                assert_false(mv_buf_failed(&full));
                call(&entries[i], full.p);
                mv_buf_done(&full);
                mv_arena_done(&arena);
                judged++;
        }
        assert_int_equal(judged, 10);
}

static void capped(const struct mv_entry *entry, const char *full) {
        struct mv_buf text;
        size_t unknown = 0;
        mv_buf_init(&text, &mv_allocator_system, 1 << 24);
        for (size_t cap = 1;; cap += cap < 2048 ? 8 : 56) {
                struct mv_arena arena;
                mv_arena_init(&arena, &mv_allocator_system, cap);
                mv_buf_clear(&text);
                bool complete = verdict_text(&arena, entry, &text);
                assert_true(arena.held <= cap);
                mv_arena_done(&arena);
                if (complete) {
                        assert_string_equal(text.p, full);
                        break;
                }
                if (mv_buf_failed(&text))
                        continue;
                unknown++;
                struct mv_str bytes = text_make(text.p, text.n);
                assert_int_equal(mv_json_validate(bytes, NULL), 0);
                text_free(bytes);
                assert_non_null(strstr(text.p, "\"migratable\":\"Unknown\""));
                assert_true(cap < 1 << 20);
        }
        assert_true(unknown > 100);
        mv_buf_done(&text);
}

static void test_arena_of_every_size(void **state) {
        (void)state;
        each_entry(capped);
}

static void failing(const struct mv_entry *entry, const char *full) {
        for (int later = 0; later < 2; later++)
                for (size_t n = 1;; n++) {
                        struct test_allocator a;
                        struct mv_arena arena;
                        struct mv_buf text;
                        test_allocator_init(&a, n);
                        a.fail_after = later;
                        mv_arena_init(&arena, &a.allocator, 0);
                        mv_buf_init(&text, &a.allocator, 1 << 24);
                        bool complete = verdict_text(&arena, entry, &text);
                        bool failed = a.calls >= n;
                        /* A failure shows in the arena or in the text; else the verdict is the full one. */
                        if (complete && !mv_buf_failed(&text))
                                assert_string_equal(text.p, full);
                        assert_true(!failed || !complete || mv_buf_failed(&text));
                        mv_buf_done(&text);
                        mv_arena_done(&arena);
                        assert_int_equal(a.live, 0);
                        if (!failed)
                                break;
                }
}

static void test_every_allocation_fails_once(void **state) {
        (void)state;
        each_entry(failing);
}

static void cut(const struct mv_entry *entry, const char *full) {
        size_t length = strlen(full);
        for (size_t maximum = 0; maximum <= length;
             maximum += maximum + 97 > length && maximum < length ? length - maximum : 97) {
                struct mv_arena arena;
                struct mv_buf text;
                mv_arena_init(&arena, &mv_allocator_system, 0);
                mv_buf_init(&text, &mv_allocator_system, maximum);
                assert_true(verdict_text(&arena, entry, &text));
                assert_int_equal(mv_buf_failed(&text), maximum < length);
                assert_true(text.n <= maximum);
                mv_buf_done(&text);
                mv_arena_done(&arena);
        }
}

static void test_text_of_every_size(void **state) {
        (void)state;
        each_entry(cut);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_building),
                cmocka_unit_test(test_arena_of_every_size),
                cmocka_unit_test(test_every_allocation_fails_once),
                cmocka_unit_test(test_text_of_every_size),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
