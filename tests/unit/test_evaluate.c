/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluation as a whole: the order of KubeVirt's checks, which instance is judged, versions, and that
 * the same input gives the same verdict. What each rule says is in tests/fixtures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/registry.h"
#include "policy/render.h"

#include <stdio.h>
#include <stdlib.h>

#define VM(name, template)                                                                 \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'" name \
        "'},'spec':{'runStrategy':'Always','template':{" template "}}}"
#define VMI(name, meta, rest)                                                                               \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'" name "'" meta \
        "}," rest "}"
#define OWNED(by)                                                                                \
        ",'ownerReferences':[{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','name':'" by \
        "','controller':true}]"
#define VMIM(name, spec)                                                                                    \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':{'name':'" name \
        "'},'spec':{" spec "}}"
#define GOOD                                                                                           \
        "'spec':{'evictionStrategy':'LiveMigrate','networks':[{'name':'default','pod':{}}],'domain':{" \
        "'devices':{'interfaces':[{'name':'default','masquerade':{}}]}}}"
#define WITH_DEVICE                                                                       \
        "'spec':{'networks':[{'name':'n','pod':{}}],'domain':{'devices':{'hostDevices':[" \
        "{'name':'h'}],'interfaces':[{'name':'n','masquerade':{}}]}}}"
#define NODE(name) "{'apiVersion':'v1','kind':'Node','metadata':{'name':'" name "'}}"
#define CLAIM(name, mode)                                                             \
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'" name \
        "'},'spec':{'accessModes':['" mode "']}}"

static const struct mv_verdict_condition *condition(const struct judged *j, size_t i, const char *type) {
        assert_true(i < j->verdict.n_conditions);
        assert_string_equal(j->verdict.conditions[i].type, type);
        return &j->verdict.conditions[i];
}

static void test_registry(void **state) {
        (void)state;
        size_t n = 0;
        bool last = false;
        for (; mv_rules[n]; n++) {
                const struct mv_rule *rule = mv_rules[n];
                assert_ptr_equal(mv_rule_find(mv_str_from(rule->id)), rule); /* each ID once */
                assert_true(strspn(rule->id, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(rule->id));
                assert_true(rule->reason && rule->summary[0] && rule->documentation[0] && rule->source[0] &&
                            rule->fix[0]);
                assert_true(!last || rule->last); /* findings come in the order of the table */
                last = rule->last;
                assert_non_null(rule->revisions[0].check);
                for (size_t i = 0; i < MV_REVISIONS && rule->revisions[i].check; i++) {
                        const struct mv_revision *revision = &rule->revisions[i];
                        assert_true((!revision->live_step && !revision->storage_step) || rule->reason[0]);
                        assert_true(i == 0 || revision->since > rule->revisions[i - 1].since);
                        assert_true(revision->since == 0 || revision->note);
                }
        }
        assert_true(n >= 26);
        assert_null(mv_rule_find(MV_STR("no-such-rule")));
        assert_null(mv_rule_find(MV_STR("")));
}

/* Everything at once; then what failed first is taken away, again and again. */
static const struct {
        const char *take, *give, *reason, *message;
} chain[] = {
        { "", "", "InterfaceNotLiveMigratable",
          "cannot migrate VMI which does not use masquerade or a migratable plugin to connect to the pod "
          "network" },
        { "'bridge':{}", "'masquerade':{}", "CPUModeLiveMigratable",
          "the node \"n1\" does not allow migration with host-model" },
        { "'model':'host-model'", "'model':'host-passthrough'", "HostDeviceNotLiveMigratable",
          "VMI specifies non-migratable generic PCI host device" },
        { "'hostDevices':[{'name':'h','deviceName':'d'}],", "", "HostDeviceNotLiveMigratable",
          "VMI specifies too many GPUs" },
        { "'gpus':[{'name':'a'},{'name':'b'}],", "", "SEVNotLiveMigratable", "VMI uses SEV" },
        { "'sev':{},", "", "TDXNotLiveMigratable", "VMI uses TDX" },
        { "'tdx':{}", "", "SecureExecutionNotLiveMigratable", "VMI uses Secure Execution" },
        { "'launchSecurity':{},", "", "NoTSCFrequencyNotLiveMigratable",
          "HyperV Reenlightenment VMIs cannot migrate when TSC Frequency is not exposed on the cluster: "
          "guest timers might be "
          "inconsistent" },
        { "'reenlightenment':{}", "", "HypervPassthroughNotLiveMigratable", "VMI uses hyperv passthrough" },
        { "'hypervPassthrough':{'enabled':true},", "", "DisksNotLiveMigratable",
          "cannot migrate VMI with non-shared HostDisk" },
        { "{'name':'hd','hostDisk':{'path':'/x'}},", "", "DisksNotLiveMigratable",
          "cannot migrate VMI: PVC one is not shared, live migration requires that all PVCs must be "
          "shared (using ReadWriteMany "
          "access mode)" },
        { "{'name':'v1','persistentVolumeClaim':{'claimName':'one'}},", "", "DisksNotLiveMigratable",
          "cannot migrate VMI: Unable to determine if PVC two is shared, live migration requires that all "
          "PVCs must be shared "
          "(using ReadWriteMany access mode)" },
        { "{'name':'v2','dataVolume':{'name':'two'}}", "", "", "" },
};

static char *replaced(char *text, const char *take, const char *give) {
        char *at = strstr(text, take);
        if (!at)
                fail_msg("no %s in %s", take, text);
        size_t size = strlen(text) + strlen(give) + 1;
        char *out = malloc(size);
        assert_non_null(out);
        snprintf(out, size, "%.*s%s%s", (int)(at - text), text, give, at + strlen(take));
        free(text);
        return out;
}

static const char everything[] =
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'x'},'spec':{"
        "'architecture':'s390x','networks':[{'name':'default','pod':{}}],'domain':{"
        "'cpu':{'model':'host-model'},"
        "'launchSecurity':{'sev':{},'tdx':{}},'features':{'hypervPassthrough':{'enabled':true},"
        "'hyperv':{'reenlightenment':{}}},'devices':{'hostDevices':[{'name':'h','deviceName':'d'}],"
        "'gpus':[{'name':'a'},{'name':'b'}],'interfaces':[{'name':'default','bridge':{}}]}},"
        "'volumes':[{'name':'hd','hostDisk':{'path':'/x'}},"
        "{'name':'v1','persistentVolumeClaim':{'claimName':'one'}},"
        "{'name':'v2','dataVolume':{'name':'two'}}]},"
        "'status':{'phase':'Running','nodeName':'n1'}}";

static void test_order_of_live_migratable(void **state) {
        (void)state;
        char *text = strdup(everything);
        assert_non_null(text);
        for (size_t i = 0; i < sizeof chain / sizeof *chain; i++) {
                if (i)
                        text = replaced(text, chain[i].take, chain[i].give);
                struct mv_snapshot *s = snapshot_of(text, CLAIM("one", "ReadWriteOnce"), NODE("n1"), NULL);
                struct judged j;
                judge(&j, s, MV_KIND_VMI, "x");
                const struct mv_verdict_condition *live = condition(&j, 0, "LiveMigratable");
                assert_string_equal(live->status, chain[i].reason[0] ? "False" : "True");
                assert_str(live->reason, chain[i].reason);
                assert_str(live->message, chain[i].message);
                /* Every fault is a finding, not only the first. */
                assert_string_equal(outcome_of(&j.verdict, "pvc-access-mode"), i < 11   ? "fail"
                                                                               : i < 12 ? "unknown"
                                                                                        : "none");
                assert_string_equal(j.verdict.method, i < 12 ? "BlockMigration" : "LiveMigration");
                assert_int_equal(j.verdict.migratable, i < 11   ? MV_OUTCOME_FAIL
                                                       : i < 12 ? MV_OUTCOME_UNKNOWN
                                                                : MV_OUTCOME_PASS);
                judged_done(&j);
                mv_snapshot_free(s);
        }
        free(text);
}

static void test_storage_lists_all(void **state) {
        (void)state;
        struct mv_snapshot *s = snapshot_of(
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'x'},"
                "'spec':{'architecture':'s390x','networks':[{'name':'default','pod':{}}],'domain':{"
                "'cpu':{'model':'host-model'},'launchSecurity':{'sev':{},'tdx':{}},'features':{"
                "'hypervPassthrough':{'enabled':true},'hyperv':{'reenlightenment':{}}},'devices':{"
                "'disks':[{'name':'v1','lun':{'reservation':true}},{'name':'w','lun':{'reservation':true}}],"
                "'hostDevices':[{'name':'h','deviceName':'d'},{'name':'i','deviceName':'d'}],"
                "'gpus':[{'name':'a'}],'interfaces':[{'name':'default','bridge':{}}]}},"
                "'volumes':[{'name':'v1','persistentVolumeClaim':{'claimName':'one'}}]},"
                "'status':{'phase':'Running','nodeName':'n1'}}",
                CLAIM("one", "ReadWriteOnce"), NODE("n1"), NULL);
        struct judged j;
        judge(&j, s, MV_KIND_VMI, "x");
        const struct mv_verdict_condition *storage = condition(&j, 1, "StorageLiveMigratable");
        assert_string_equal(storage->status, "False");
        assert_str(storage->reason, "NotMigratable");
        assert_str(storage->message,
                   "InterfaceNotLiveMigratable: cannot migrate VMI which does not use masquerade or a "
                   "migratable plugin to connect "
                   "to the pod network, CPUModeLiveMigratable: the node \"n1\" does not allow migration with "
                   "host-model, "
                   "HostDeviceNotLiveMigratable: VMI specifies non-migratable generic PCI host device, "
                   "SEVNotLiveMigratable: VMI "
                   "uses SEV, PersistentReservationNotLiveMigratable: VMI uses SCSI persistent reservation, "
                   "NoTSCFrequencyNotLiveMigratable: HyperV Reenlightenment VMIs cannot migrate when TSC "
                   "Frequency is not exposed "
                   "on the cluster: guest timers might be inconsistent, HypervPassthroughNotLiveMigratable: "
                   "VMI uses hyperv "
                   "passthrough");
        judged_done(&j);
        mv_snapshot_free(s);
        s = snapshot_make(VM("good", GOOD));
        judge(&j, s, MV_KIND_VM, "good");
        assert_string_equal(condition(&j, 1, "StorageLiveMigratable")->status, "True");
        assert_str(condition(&j, 1, "StorageLiveMigratable")->reason, "");
        assert_str(condition(&j, 1, "StorageLiveMigratable")->message, "");
        judged_done(&j);
        mv_snapshot_free(s);
}

static void test_findings_come_in_order(void **state) {
        (void)state;
        struct mv_snapshot *s = snapshot_make(
                VM("x", "'spec':{'evictionStrategy':'LiveMigrate','domain':{'launchSecurity':{'sev':{}},"
                        "'devices':{'hostDevices':[{'name':"
                        "'h'}]}},'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'c'}}]}"));
        struct judged j;
        judge(&j, s, MV_KIND_VM, "x");
        size_t at = 0, n = 0;
        for (const struct mv_finding *f = j.verdict.findings; f; f = f->next, n++) {
                while (mv_rules[at] && mv_rules[at] != f->rule)
                        at++;
                assert_non_null(mv_rules[at]);
        }
        assert_int_equal(n, 5);
        assert_string_equal(outcome_of(&j.verdict, "eviction-strategy"),
                            "fail"); /* LiveMigrate, and it cannot */
        assert_int_equal(finding_of(&j.verdict, "eviction-strategy")->severity, MV_SEVERITY_RISK);
        assert_str(mv_verdict_blockers(&j.arena, &j.verdict), "pod-network-binding,host-device,sev");
        judged_done(&j);
        mv_snapshot_free(s);
}

static void test_running_instance(void **state) {
        (void)state;
        /* The VM's template is fine; its instance, started before, is not. */
        struct mv_snapshot *s =
                snapshot_of(VM("a", GOOD),
                            VMI("a", OWNED("a"),
                                WITH_DEVICE ",'status':{'phase':'Running','nodeName':'n1','conditions':["
                                            "{'type':'LiveMigratable','status':'False'}]}"),
                            VM("b", GOOD), VMI("b", "", WITH_DEVICE), VM("c", GOOD),
                            VMI("c", OWNED("other"), WITH_DEVICE), VM("d", GOOD),
                            VMI("d", OWNED("d"), WITH_DEVICE ",'status':{'phase':'Succeeded'}"), NULL);
        struct judged j;
        judge(&j, s, MV_KIND_VM, "a");
        assert_str(j.verdict.subject.kind, "VirtualMachine");
        assert_int_equal(j.verdict.migratable, MV_OUTCOME_FAIL);
        assert_str(finding_of(&j.verdict, "host-device")->field,
                   "spec.template.spec.domain.devices.hostDevices[0]");
        assert_non_null(j.verdict.observed);
        assert_string_equal(outcome_of(&j.verdict, "observed-condition"), "pass");
        judged_done(&j);
        /* Made by hand, another's, or ended: not the VM's. */
        static const char *const others[] = { "b", "c", "d" };
        for (size_t i = 0; i < 3; i++) {
                judge(&j, s, MV_KIND_VM, others[i]);
                assert_int_equal(j.verdict.migratable, MV_OUTCOME_PASS);
                assert_null(j.verdict.observed);
                judged_done(&j);
                const struct mv_vm *vm =
                        mv_snapshot_find(s, MV_KIND_VM, MV_STR("default"), mv_str_from(others[i]));
                assert_null(mv_vm_instance(s, vm));
        }
        /* A review of the VM judges what is written, with the running one's status. */
        struct mv_arena arena;
        struct mv_verdict verdict;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_evaluation evaluation = { .arena = &arena, .snapshot = s };
        const struct mv_vm *vm = mv_snapshot_find(s, MV_KIND_VM, MV_STR("default"), MV_STR("a"));
        assert_non_null(mv_vm_instance(s, vm));
        mv_evaluate_vm(&evaluation, vm, true, &verdict);
        assert_string_equal(outcome_of(&verdict, "host-device"), "none");
        assert_str(verdict.instance->vmi.status.node_name, "n1");
        mv_arena_done(&arena);
        mv_snapshot_free(s);
}

static void test_instance_of_a_vm(void **state) {
        (void)state;
        /* The DataVolume templates of the VM that controls an instance count. */
        struct mv_snapshot *s = snapshot_of(
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'a'},'spec':{"
                "'dataVolumeTemplates':[{'metadata':{'name':'d'},"
                "'spec':{'pvc':{'accessModes':['ReadWriteMany']}}}],"
                "'template':{}}}",
                VMI("a", OWNED("a"), "'spec':{'volumes':[{'name':'v','dataVolume':{'name':'d'}}]}"),
                VMI("lone", "", "'spec':{'volumes':[{'name':'v','dataVolume':{'name':'d'}}]}"), NULL);
        struct judged j;
        judge(&j, s, MV_KIND_VMI, "a");
        assert_string_equal(outcome_of(&j.verdict, "pvc-access-mode"), "pass");
        judged_done(&j);
        judge(&j, s, MV_KIND_VMI, "lone");
        assert_string_equal(outcome_of(&j.verdict, "pvc-access-mode"), "unknown");
        assert_str(finding_of(&j.verdict, "pvc-access-mode")->field, "spec.volumes[0]");
        judged_done(&j);
        mv_snapshot_free(s);
}

static void test_vm_without_template(void **state) {
        (void)state;
        struct mv_snapshot *s = snapshot_make(
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'a',"
                "'resourceVersion':'1'},'spec':{'running':true}},"
                "{'apiVersion':'pool.kubevirt.io/v1beta1','kind':'VirtualMachinePool','metadata':{"
                "'name':'p','resourceVersion':'1'},'spec':{'virtualMachineTemplate':{'spec':{'running':true}}}},"
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceReplicaSet','metadata':{"
                "'name':'r'}}");
        static const struct {
                enum mv_kind kind;
                const char *name;
        } all[] = { { MV_KIND_VM, "a" }, { MV_KIND_POOL, "p" }, { MV_KIND_REPLICA_SET, "r" } };
        for (size_t i = 0; i < 3; i++) {
                struct judged j;
                judge(&j, s, all[i].kind, all[i].name);
                assert_int_equal(j.verdict.migratable, MV_OUTCOME_FAIL); /* the default network */
                assert_string_equal(outcome_of(&j.verdict, "pod-network-binding"), "fail");
                judged_done(&j);
        }
        mv_snapshot_free(s);
}

static void test_pool_and_replica_set(void **state) {
        (void)state;
        struct mv_snapshot *s = snapshot_make(
                "{'apiVersion':'pool.kubevirt.io/v1beta1','kind':'VirtualMachinePool','metadata':{"
                "'name':'p'},'spec':{"
                "'virtualMachineTemplate':{'metadata':{'annotations':{"
                "'kubevirt.io/allow-pod-bridge-network-live-migration':''}},'spec':"
                "{'running':true,'template':{" GOOD
                "}}}}},{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceReplicaSet',"
                "'metadata':{'name':"
                "'r'},'spec':{'template':{'spec':{}}}},{'apiVersion':'v1','kind':'Namespace','metadata':{"
                "'name':'x'}}");
        struct judged j;
        judge(&j, s, MV_KIND_POOL, "p");
        assert_str(j.verdict.subject.kind, "VirtualMachinePool");
        assert_str(j.verdict.subject.api_version, "pool.kubevirt.io/v1beta1");
        assert_int_equal(j.verdict.migratable, MV_OUTCOME_PASS);
        assert_str(j.verdict.eviction_from, "VirtualMachinePool/default/p");
        judged_done(&j);
        judge(&j, s, MV_KIND_REPLICA_SET, "r");
        assert_str(finding_of(&j.verdict, "pod-network-binding")->field,
                   "spec.template.spec.domain.devices.interfaces");
        assert_str(j.verdict.eviction_strategy, "None");
        assert_str(j.verdict.eviction_from, "default");
        judged_done(&j);
        /* Kinds that are not judged. */
        size_t n;
        const struct mv_entry *entries = mv_snapshot_entries(s, &n);
        struct mv_arena arena;
        struct mv_verdict verdict;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_evaluation evaluation = { .arena = &arena, .snapshot = s };
        assert_int_equal(entries[2].kind, MV_KIND_NAMESPACE);
        assert_false(mv_evaluate_entry(&evaluation, &entries[2], &verdict));
        mv_arena_done(&arena);
        mv_snapshot_free(s);
}

static void test_migration(void **state) {
        (void)state;
        struct mv_snapshot *s = snapshot_of(
                VMIM("of-instance", "'vmiName':'i'"), VMI("i", "", GOOD ",'status':{'phase':'Running'}"),
                VMIM("of-vm", "'vmiName':'v'"), VM("v", GOOD), VMIM("of-nothing", "'vmiName':'gone'"),
                VMIM("of-nobody", ""), NULL);
        struct judged j;
        judge(&j, s, MV_KIND_MIGRATION, "of-instance");
        assert_str(j.verdict.subject.kind, "VirtualMachineInstanceMigration");
        assert_int_equal(j.verdict.migratable, MV_OUTCOME_PASS);
        assert_int_equal(j.verdict.n_conditions, 2);
        judged_done(&j);
        judge(&j, s, MV_KIND_MIGRATION, "of-vm");
        assert_int_equal(j.verdict.migratable, MV_OUTCOME_UNKNOWN);
        assert_int_equal(j.verdict.n_conditions, 2);
        assert_string_equal(j.verdict.method, "LiveMigration");
        judged_done(&j);
        judge(&j, s, MV_KIND_MIGRATION, "of-nothing");
        assert_int_equal(j.verdict.migratable, MV_OUTCOME_UNKNOWN);
        assert_int_equal(j.verdict.n_conditions, 0);
        assert_string_equal(j.verdict.method, "");
        assert_null(j.verdict.instance);
        const struct mv_finding *f = finding_of(&j.verdict, "request-vmi-missing");
        assert_int_equal(f->n_missing, 1);
        assert_int_equal(f->missing[0].kind, MV_KIND_VMI);
        assert_str(f->missing[0].namespace, "default");
        assert_str(f->missing[0].name, "gone");
        assert_str(f->refusal.message, "the VMI \"default/gone\" does not exist");
        judged_done(&j);
        judge(&j, s, MV_KIND_MIGRATION, "of-nobody");
        assert_int_equal(j.verdict.migratable, MV_OUTCOME_FAIL);
        judged_done(&j);
        mv_snapshot_free(s);
}

/* The object of a review is not one of the snapshot's, though it may have the name of one. */
static void test_request_that_is_not_stored(void **state) {
        (void)state;
        struct mv_snapshot *s = snapshot_of(VMIM("m", "'vmiName':'i'"),
                                            VMI("i", "", GOOD ",'status':{'phase':'Running'}"), NULL);
        const struct mv_migration stored =
                *(const struct mv_migration *)mv_snapshot_at(s, MV_KIND_MIGRATION, 0);
        struct mv_migration asked = stored;
        struct mv_arena arena;
        struct mv_verdict verdict;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        struct mv_evaluation evaluation = { .arena = &arena, .snapshot = s, .user = MV_STR("alice") };
        mv_evaluate_migration(&evaluation, &asked, &verdict);
        assert_string_equal(outcome_of(&verdict, "request-name"), "fail");
        assert_int_equal(finding_of(&verdict, "request-name")->severity, MV_SEVERITY_NOTE);
        asked.meta.uid = MV_STR("a"); /* stored, as another one */
        mv_evaluate_migration(&evaluation, &asked, &verdict);
        assert_string_equal(outcome_of(&verdict, "request-name"), "fail");
        asked.meta.uid = (struct mv_str){ 0 };
        asked.meta.name = MV_STR("another");
        asked.spec.priority = MV_STR("");
        mv_evaluate_migration(&evaluation, &asked, &verdict);
        assert_string_equal(outcome_of(&verdict, "request-name"), "pass");
        assert_string_equal(outcome_of(&verdict, "request-priority"), "fail");
        evaluation.user = MV_STR("system:serviceaccount:kubevirt:kubevirt-controller");
        mv_evaluate_migration(&evaluation, &asked, &verdict);
        assert_string_equal(outcome_of(&verdict, "request-priority"), "pass");
        evaluation.user = MV_STR("system:serviceaccount:kubevirt:kubevirt-handler");
        asked.meta.uid = MV_STR("u"); /* stored or not: somebody asks */
        mv_evaluate_migration(&evaluation, &asked, &verdict);
        assert_string_equal(outcome_of(&verdict, "request-priority"), "fail");
        mv_arena_done(&arena);
        mv_snapshot_free(s);
}

static void version(const char *flag, const char *status, const char *value, const char *from,
                    enum mv_severity severity) {
        char items[2048];
        snprintf(items, sizeof items,
                 VM("x", "'spec':{'evictionStrategy':'External','networks':[{'name':'default','pod':{}}],"
                         "'domain':{'devices':{'interfaces':"
                         "[{'name':'default','masquerade':{},'ports':[{'port':49152}]}]}}}") "%s%s%s",
                 status ? ",{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kv',"
                          "'namespace':'virt'},'status':"
                          "{'phase':'Deployed','observedKubeVirtVersion':'"
                        : "",
                 status ? status : "", status ? "'}}" : "");
        struct mv_snapshot *s = snapshot_make(items);
        struct judged j;
        judge_version(&j, s, MV_KIND_VM, "x", flag);
        assert_str(j.verdict.version, value);
        assert_str(j.verdict.version_from, from);
        assert_int_equal(finding_of(&j.verdict, "migration-port")->severity, severity);
        judged_done(&j);
        mv_snapshot_free(s);
}

static void test_version(void **state) {
        (void)state;
        version("", NULL, "", "default", MV_SEVERITY_BLOCKER);
        version("", "v1.9.0", "1.9.0", "KubeVirt/virt/kv", MV_SEVERITY_RISK);
        version("", "v0.45.0", "0.45.0", "KubeVirt/virt/kv", MV_SEVERITY_BLOCKER);
        version("1.8", NULL, "1.8", "flag", MV_SEVERITY_RISK);
        version("v0.45.2", "v1.9.0", "0.45.2", "flag", MV_SEVERITY_BLOCKER);
        version("0.46", "v0.45.0", "0.46", "flag", MV_SEVERITY_RISK);
        version("nonsense", "v1.9.0", "1.9.0", "KubeVirt/virt/kv", MV_SEVERITY_RISK);
}

static void nothing(struct mv_context *ctx) {
        (void)ctx;
}

static void test_revisions(void **state) {
        (void)state;
        static const struct mv_rule rule = { .id = "x",
                                             .revisions = {
                                                     { .since = MV_KUBEVIRT(1, 3), .check = nothing },
                                                     { .since = MV_KUBEVIRT(1, 6), .check = nothing } } };
        assert_null(mv_rule_revision(&rule, MV_KUBEVIRT(1, 2)));
        assert_ptr_equal(mv_rule_revision(&rule, MV_KUBEVIRT(1, 3)), &rule.revisions[0]);
        assert_ptr_equal(mv_rule_revision(&rule, MV_KUBEVIRT(1, 5)), &rule.revisions[0]);
        assert_ptr_equal(mv_rule_revision(&rule, MV_KUBEVIRT(1, 6)), &rule.revisions[1]);
        assert_ptr_equal(mv_rule_revision(&rule, UINT32_MAX), &rule.revisions[1]);
}

/* Until 1.5 the volumes were looked at first; until 1.3 there was no second condition. */
static void test_conditions_of_older_versions(void **state) {
        (void)state;
        static const struct {
                const char *version, *reason;
                size_t conditions;
        } cases[] = {
                { "1.3", "DisksNotLiveMigratable", 1 },  { "1.4", "DisksNotLiveMigratable", 2 },
                { "1.5", "DisksNotLiveMigratable", 2 },  { "1.6", "InterfaceNotLiveMigratable", 2 },
                { "", "InterfaceNotLiveMigratable", 2 },
        };
        struct mv_snapshot *s = snapshot_of(VM("x", "'spec':{'volumes':[{'name':'v','persistentVolumeClaim':{"
                                                    "'claimName':'a'}}]}"),
                                            CLAIM("a", "ReadWriteOnce"), NULL);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct judged j;
                judge_version(&j, s, MV_KIND_VM, "x", cases[i].version);
                assert_int_equal(j.verdict.n_conditions, cases[i].conditions);
                assert_str(condition(&j, 0, "LiveMigratable")->reason, cases[i].reason);
                assert_string_equal(j.verdict.method, "BlockMigration");
                judged_done(&j);
        }
        mv_snapshot_free(s);
}

static void test_eviction_strategy(void **state) {
        (void)state;
        static const char kubevirt[] =
                ",{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kv',"
                "'namespace':'virt'},"
                "'spec':{'configuration':{'evictionStrategy':'LiveMigrate'}},'status':{'phase':'Deployed'}}";
        char items[2048];
        struct judged j;
        snprintf(items, sizeof items, "%s%s",
                 VM("own", "'spec':{'evictionStrategy':'External'}") "," VM("none", "'spec':{}"), kubevirt);
        struct mv_snapshot *s = snapshot_make(items);
        judge(&j, s, MV_KIND_VM, "own");
        assert_str(j.verdict.eviction_strategy, "External");
        assert_str(j.verdict.eviction_from, "VirtualMachine/default/own");
        judged_done(&j);
        judge(&j, s, MV_KIND_VM, "none");
        assert_str(j.verdict.eviction_strategy, "LiveMigrate");
        assert_str(j.verdict.eviction_from, "KubeVirt/virt/kv");
        judged_done(&j);
        mv_snapshot_free(s);
}

static void test_deterministic(void **state) {
        (void)state;
        static const char items[] = VM(
                "x",
                "'spec':{'domain':{'cpu':{'model':'Haswell'},'devices':{'hostDevices':[{'name':'h'},{"
                "'name':'i'}]}},'volumes':[{'name':"
                "'a','persistentVolumeClaim':{'claimName':'a'}},{'name':'b','emptyDisk':{"
                "'capacity':'1Gi'}}]}") "," CLAIM("a", "ReadWriteOnce") ",{'apiVersion':'v1','kind':'Node',"
                                                                        "'metadata':{'name':'n1','labels':{"
                                                                        "'kubevirt.io/schedulable':'true'}}}";
        struct judged first, second, third;
        struct mv_snapshot *s = snapshot_make(items), *t = snapshot_make(items);
        judge(&first, s, MV_KIND_VM, "x");
        judge(&second, s, MV_KIND_VM, "x");
        judge(&third, t, MV_KIND_VM, "x");
        assert_string_equal(first.text, second.text);
        assert_string_equal(first.text, third.text);
        assert_non_null(strstr(first.text, "\"migratable\":\"False\""));
        judged_done(&first);
        judged_done(&second);
        judged_done(&third);
        mv_snapshot_free(s);
        mv_snapshot_free(t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_registry),
                cmocka_unit_test(test_order_of_live_migratable),
                cmocka_unit_test(test_storage_lists_all),
                cmocka_unit_test(test_findings_come_in_order),
                cmocka_unit_test(test_running_instance),
                cmocka_unit_test(test_instance_of_a_vm),
                cmocka_unit_test(test_vm_without_template),
                cmocka_unit_test(test_pool_and_replica_set),
                cmocka_unit_test(test_migration),
                cmocka_unit_test(test_request_that_is_not_stored),
                cmocka_unit_test(test_version),
                cmocka_unit_test(test_revisions),
                cmocka_unit_test(test_conditions_of_older_versions),
                cmocka_unit_test(test_eviction_strategy),
                cmocka_unit_test(test_deterministic),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
