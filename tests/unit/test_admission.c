/* SPDX-License-Identifier: Apache-2.0 */
/* `refused` of a verdict: what KubeVirt's webhooks and controller say of VMs and instances, and of whom they say it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/refusal.h"
#include "policy/registry.h"
#include "policy/review.h"

#include <stdio.h>
#include <string.h>

#define KUBEVIRT(configuration)                                                                              \
        ",{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kv','namespace':'kubevirt'}," \
        "'spec':{'configuration':{" configuration "}},'status':{'phase':'Deployed'}}"
#define MACHINE(members, spec, status)                                                                    \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'x'},'spec':{" members \
        "'template':{'metadata':{'labels':{'a':'b'}},'spec':{" spec "}}}" status "}"
#define INSTANCE(meta, spec, status)                                                                      \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'x'" meta "}," \
        "'spec':{" spec "}" status "}"
#define DOMAIN(interface) \
        "'domain':{'devices':{'interfaces':[{'name':'n'," interface "}]}},'networks':[{'name':'n','pod':{}}]"
#define POD DOMAIN("'masquerade':{}")
#define ON "'running':true,"
#define STORED ",'status':{'printableStatus':'Stopped'}"
#define RUNS ",'status':{'phase':'Running'}"
#define NO_BRIDGE KUBEVIRT("'network':{'permitBridgeInterfaceOnPodNetwork':false}")
#define SLIRP KUBEVIRT("'network':{'defaultNetworkInterface':'slirp'}")
#define AT "spec.template.spec."
#define GONE(binding) binding " network binding has been discontinued since v1.3"

/* "CODE REASON MESSAGE [FIELD...] NOTICE at FIELD", or "none" with the reason of LiveMigratable. */
static const char *refused(const char *objects, enum mv_kind kind, const char *version) {
        static char out[4096];
        struct mv_snapshot *snapshot = snapshot_make(objects);
        struct judged j;
        judge_version(&j, snapshot, kind, "x", version);
        const struct mv_refused *r = j.verdict.refused;
        if (!r) {
                assert_int_equal(j.verdict.n_conditions > 0, 1);
                assert_non_null(j.verdict.instance);
                snprintf(out, sizeof out, "none %.*s", MV_STR_ARG(j.verdict.conditions[0].reason));
        } else {
                int n = snprintf(out, sizeof out, "%d %s %.*s [", r->code, r->reason, MV_STR_ARG(r->message));
                for (size_t i = 0; i < r->n_causes; i++)
                        n += snprintf(out + n, sizeof out - (size_t)n, "%s%.*s", i ? " " : "",
                                      MV_STR_ARG(r->causes[i].field));
                /* The finding names the cause to people; nothing blocks, for nothing is there. */
                const struct mv_finding *f = j.verdict.findings;
                assert_int_equal(f->outcome, MV_OUTCOME_UNKNOWN);
                assert_ptr_equal(mv_rule_find(mv_str_from(f->rule->id)), f->rule);
                assert_non_null(strstr(j.text, "\"refused\":{\"code\":"));
                assert_int_equal(j.verdict.migratable, MV_OUTCOME_UNKNOWN);
                assert_int_equal(j.verdict.n_conditions, 0);
                assert_null(j.verdict.instance);
                snprintf(out + n, sizeof out - (size_t)n, "] %s at %.*s", f->rule->id, MV_STR_ARG(f->field));
        }
        judged_done(&j);
        mv_snapshot_free(snapshot);
        return out;
}

#define vm_is(expected, objects) assert_string_equal(refused(objects, MV_KIND_VM, ""), expected)
#define vmi_is(expected, objects) assert_string_equal(refused(objects, MV_KIND_VMI, ""), expected)

static void test_run_strategy(void **state) {
        (void)state;
        vm_is("none ", MACHINE("'runStrategy':'Manual',", POD, ""));
        /* A manifest that says nothing of it may still be completed; the answer to a request asks for it. */
        vm_is("none ", MACHINE("", POD, ""));
        vm_is("422 Invalid Running and RunStrategy are mutually exclusive. Note that Running is deprecated, please use "
              "RunStrategy instead [spec.running] admission at spec.running",
              MACHINE(ON "'runStrategy':'Always',", POD, ""));
        vm_is("422 Invalid Invalid RunStrategy (Never) [spec.runStrategy] admission at spec.runStrategy",
              MACHINE("'runStrategy':'Never',", POD, ""));
        vm_is("none ", MACHINE("'runStrategy':'WaitAsReceiver',", POD, ""));
        vm_is("422 Invalid Invalid RunStrategy (WaitAsReceiver), DecentralizedLiveMigration feature gate is not enabled "
              "in kubevirt resource [spec.runStrategy] admission at spec.runStrategy",
              MACHINE("'runStrategy':'WaitAsReceiver',", POD, "") KUBEVIRT(
                      "'developerConfiguration':{'disabledFeatureGates':['DecentralizedLiveMigration']}"));
        /* As the controller sees it. */
        vm_is("none ", MACHINE("", POD, STORED));
        vm_is("0 FailedCreate Error fetching RunStrategy: running and runstrategy are mutually exclusive [] admission at ",
              MACHINE(ON "'runStrategy':'Always',", POD, STORED));
        vm_is("0 FailedCreate unknown runstrategy: Never [] admission at ",
              MACHINE("'runStrategy':'Never',", POD, STORED));
}

static void test_eviction_strategy(void **state) {
        (void)state;
        vm_is("422 Invalid " AT "evictionStrategy is set with an unrecognized option: Migrate [" AT
              "evictionStrategy] admission at " AT "evictionStrategy",
              MACHINE(ON, "'evictionStrategy':'Migrate'," POD, ""));
        /* The cluster's counts where the VM has none. */
        vm_is("422 Invalid " AT "evictionStrategy is set with an unrecognized option: Maybe [" AT
              "evictionStrategy] admission at " AT "evictionStrategy",
              MACHINE(ON, POD, "") KUBEVIRT("'evictionStrategy':'Maybe'"));
        vm_is("none ",
              MACHINE(ON, "'evictionStrategy':'None'," POD, "") KUBEVIRT("'evictionStrategy':'Maybe'"));
        vm_is("0 FailedCreate spec.evictionStrategy is set with an unrecognized option: Migrate [] admission at " AT
              "evictionStrategy",
              MACHINE(ON, "'evictionStrategy':'Migrate'," POD, STORED));
        vmi_is("422 Invalid spec.evictionStrategy is set with an unrecognized option:  [spec.evictionStrategy] admission "
               "at spec.evictionStrategy",
               INSTANCE("", "'evictionStrategy':''," POD, ""));
        /* An instance that the API server has stored was admitted once. */
        vmi_is("none ", INSTANCE("", "'evictionStrategy':''," POD, RUNS));
        vmi_is("none ", INSTANCE(",'uid':'u'", "'evictionStrategy':''," POD, ""));
        /* The VM's own word on eviction is judged all the same. */
        struct mv_snapshot *snapshot = snapshot_make(MACHINE(ON, "'evictionStrategy':'Migrate'," POD, ""));
        struct judged j;
        judge(&j, snapshot, MV_KIND_VM, "x");
        assert_string_equal(outcome_of(&j.verdict, "eviction-strategy"), "fail");
        assert_str(j.verdict.eviction_strategy, "Migrate");
        assert_str(j.verdict.eviction_from, "VirtualMachine/default/x");
        judged_done(&j);
        mv_snapshot_free(snapshot);
}

static void test_hugepages(void **state) {
        (void)state;
#define PAGES(size)                                                    \
        "'domain':{'memory':{'hugepages':{" size                       \
        "}},'devices':{'interfaces':[{'name':'n','masquerade':{}}]}}," \
        "'networks':[{'name':'n','pod':{}}]"
#define WRONG(path, size)                   \
        path "domain.hugepages.size '" size \
             "': quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' ["
        vm_is("none ", MACHINE(ON, PAGES("'pageSize':'2Mi'"), ""));
        vm_is("422 Invalid " WRONG(AT, "2MB") AT "domain.hugepages.size] admission at " AT
                                                 "domain.hugepages.size",
              MACHINE(ON, PAGES("'pageSize':'2MB'"), ""));
        vmi_is("422 Invalid " WRONG("spec.",
                                    "") "spec.domain.hugepages.size] admission at spec.domain.hugepages.size",
               INSTANCE("", PAGES(""), ""));
        /* As the controller hears of it: a VM that was stored before. */
        vm_is("0 FailedCreate " WRONG("spec.", "huge") "] admission at " AT "domain.hugepages.size",
              MACHINE(ON, PAGES("'pageSize':'huge'"), STORED));
        vmi_is("none ", INSTANCE("", PAGES("'pageSize':'2MB'"), RUNS));
}

static void test_network(void **state) {
        (void)state;
        vm_is("400  bridge interface is not enabled in kubevirt-config [] admission at ",
              MACHINE(ON, "", "") NO_BRIDGE);
        vm_is("400  slirp interface is deprecated as of v1.3 [] admission at ", MACHINE(ON, "", "") SLIRP);
        vm_is("none ", MACHINE(ON, "'domain':{'devices':{'autoattachPodInterface':false}}", "") SLIRP);
        vm_is("0 FailedCreate slirp interface is deprecated as of v1.3 [] admission at ",
              MACHINE(ON, "", STORED) SLIRP);
        vmi_is("400  slirp interface is deprecated as of v1.3 [] admission at ", INSTANCE("", "", "") SLIRP);
        vmi_is("none InterfaceNotLiveMigratable", INSTANCE("", "", RUNS) NO_BRIDGE);
        vm_is("422 Invalid Bridge on pod network configuration is not enabled under kubevirt-config [" AT
              "domain.devices.interfaces[0].name] admission at " AT "domain.devices.interfaces[0].name",
              MACHINE(ON, DOMAIN("'bridge':{}"), "") NO_BRIDGE);
        vm_is("0 FailedCreate Bridge on pod network configuration is not enabled under kubevirt-config, Bridge on pod "
              "network configuration is not enabled under kubevirt-config [] admission at " AT
              "domain.devices.interfaces[0].name",
              MACHINE(ON, DOMAIN("'bridge':{}"), STORED) NO_BRIDGE);
        vm_is("none InterfaceNotLiveMigratable", MACHINE(ON, DOMAIN("'bridge':{}"), ""));
        /* Before 1.3 the older bindings were bindings. */
        assert_string_equal(refused(MACHINE(ON, "", "") SLIRP, MV_KIND_VM, "1.2"),
                            "none InterfaceNotLiveMigratable");
        assert_string_equal(refused(MACHINE(ON, DOMAIN("'macvtap':{}"), ""), MV_KIND_VM, "1.2"),
                            "none InterfaceNotLiveMigratable");
}

static void test_bindings_that_are_gone(void **state) {
        (void)state;
        vm_is("422 Invalid Slirp interface support has been discontinued since v1.3 [" AT
              "domain.devices.interfaces[0].slirp] admission at " AT "domain.devices.interfaces[0].slirp",
              MACHINE(ON, DOMAIN("'slirp':{}"), ""));
        vm_is("422 Invalid " GONE("Passt") " [" AT "domain.devices.interfaces[0].passt] admission at " AT
                                           "domain.devices.interfaces[0].passt",
              MACHINE(ON, DOMAIN("'passt':{}"), ""));
        vm_is("422 Invalid Macvtap network binding is discontinued since v1.3. Please refer to Kubevirt user guide for "
              "alternatives. [] admission at ",
              MACHINE(ON, DOMAIN("'macvtap':{}"), "")
                      KUBEVIRT("'developerConfiguration':{'featureGates':['Passt','Macvtap']}"));
        vm_is("0 FailedCreate failed create validation: &StatusCause{Type:FieldValueInvalid,Message:" GONE(
                      "Macvtap") ",Field:spec.domain.devices.interfaces[0].macvtap,} [] admission at ",
              MACHINE(ON, DOMAIN("'macvtap':{}"), STORED));
        vm_is("422 Invalid logical n interface must have exactly one binding method or binding plugin [" AT
              "domain.devices.interfaces[0]] admission at " AT "domain.devices.interfaces[0]",
              MACHINE(ON, DOMAIN("'model':'virtio'"), ""));
}

/* Before 1.8 there is neither passtBinding nor its gate, so the interface has no binding at all. */
static void test_passt_binding(void **state) {
        (void)state;
#define PASST MACHINE(ON, DOMAIN("'passtBinding':{}"), "")
        const char *gate_off =
                PASST KUBEVIRT("'developerConfiguration':{'disabledFeatureGates':['PasstBinding']}");
        const char *off =
                "422 Invalid PasstBinding feature gate is not enabled [" AT
                "domain.devices.interfaces[0].name] admission at " AT "domain.devices.interfaces[0].name";
        assert_string_equal(refused(gate_off, MV_KIND_VM, "1.8"), off);
        assert_string_equal(refused(PASST, MV_KIND_VM, "1.8"), "none ");
        assert_string_equal(refused(PASST, MV_KIND_VM, "1.7"),
                            "422 Invalid logical n interface must have exactly one binding method or binding "
                            "plugin [" AT "domain.devices.interfaces[0]] admission at " AT
                            "domain.devices.interfaces[0]");
}

static void test_labels_and_architecture(void **state) {
        (void)state;
#define RESERVED "creation of the following reserved kubevirt.io/ labels on a VMI object is prohibited"
#define LABELLED(status)                                                                             \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'x'},'spec':{" ON \
        "'template':{'metadata':{'labels':{'kubevirt.io/nodeName':'n'}},'spec':{" POD "}}}" status "}"
        vm_is("422 Invalid " RESERVED
              " [spec.template.metadata.labels] admission at spec.template.metadata.labels",
              LABELLED(""));
        /* The controller itself may set them. */
        vm_is("none ", LABELLED(STORED));
        vmi_is("422 Invalid " RESERVED " [metadata.labels] admission at metadata.labels",
               INSTANCE(",'labels':{'kubevirt.io/created-by':'n'}", POD, ""));
        /* The webhook of VMs admits any architecture, and that of instances does not. */
        vm_is("0 FailedCreate unsupported architecture: ppc64le [] admission at " AT "architecture",
              MACHINE(ON, "'architecture':'ppc64le'," POD, ""));
        vmi_is("422 Invalid unsupported architecture: ppc64le [spec.architecture] admission at spec.architecture",
               INSTANCE("", "'architecture':'ppc64le'," POD, ""));
}

/* Fields in the wrong place are a reason for what is wrong, and so are said all the same. */
static void test_what_is_written(void **state) {
        (void)state;
        struct judged j;
        struct mv_snapshot *snapshot = snapshot_make(
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'x'},'spec':{'runStrategy':'Never','tolerations':[]}}");
        judge(&j, snapshot, MV_KIND_VM, "x");
        assert_non_null(j.verdict.refused);
        assert_str(finding_of(&j.verdict, "misplaced-field")->field, "spec.tolerations");
        assert_null(finding_of(&j.verdict, "pod-network-binding"));
        judged_done(&j);
        mv_snapshot_free(snapshot);
}

/* A VM whose instance runs is judged by that, whatever is written. */
static void test_running(void **state) {
        (void)state;
        vm_is("none ",
              MACHINE("'runStrategy':'Never',", "'evictionStrategy':'Migrate'," POD, "") "," INSTANCE(
                      ",'ownerReferences':[{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','name':'x',"
                      "'controller':true}]",
                      POD, RUNS));
}

static void test_templates(void **state) {
        (void)state;
        assert_string_equal(
                refused("{'apiVersion':'pool.kubevirt.io/v1beta1','kind':'VirtualMachinePool','metadata':{'name':'x'},"
                        "'spec':{'virtualMachineTemplate':{'spec':{" ON
                        "'template':{'spec':{'evictionStrategy':'No'," POD "}}}}}}",
                        MV_KIND_POOL, ""),
                "422 Invalid " AT "evictionStrategy is set with an unrecognized option: No [" AT
                "evictionStrategy] admission at spec.virtualMachineTemplate." AT "evictionStrategy");
#define REPLICAS(spec)                                                                                      \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceReplicaSet','metadata':{'name':'x'}," \
        "'spec':{'template':{'spec':{" spec "}}}}"
        assert_string_equal(
                refused(REPLICAS("'evictionStrategy':'No'," POD), MV_KIND_REPLICA_SET, ""),
                "0 FailedCreate spec.evictionStrategy is set with an unrecognized option: No [] admission "
                "at " AT "evictionStrategy");
        assert_string_equal(
                refused(REPLICAS("") NO_BRIDGE, MV_KIND_REPLICA_SET, ""),
                "0 FailedCreate bridge interface is not enabled in kubevirt-config [] admission at ");
        assert_string_equal(refused(REPLICAS(POD), MV_KIND_REPLICA_SET, ""), "none ");
}

#define API "'apiVersion':'instancetype.kubevirt.io/v1beta1',"
#define TYPE                                                                                          \
        ",{" API "'kind':'VirtualMachineClusterInstancetype','metadata':{'name':'t'},'spec':{'cpu':{" \
        "'guest':2},'memory':{'guest':'2Gi'}}}"
#define PREFERENCE(spec) \
        ",{" API "'kind':'VirtualMachineClusterPreference','metadata':{'name':'p'},'spec':{" spec "}}"

static void test_instancetype(void **state) {
        (void)state;
#define CORES "'domain':{'cpu':{'cores':1}}"
#define CONFLICT "VM field(s) " AT "domain.cpu.cores conflicts with selected instance type"
        vm_is("422 Invalid " CONFLICT " [" AT "domain.cpu.cores] instancetype at " AT "domain.cpu.cores",
              MACHINE(ON "'instancetype':{'name':'t'},", CORES, "") TYPE);
        vm_is("0 FailedCreate error encountered while storing instancetype.kubevirt.io controllerRevisions: " CONFLICT
              " [] instancetype at ",
              MACHINE(ON "'instancetype':{'name':'t'},", CORES, STORED) TYPE);
        /* What the preference requires only the webhook asks, and behind the default network. */
        vm_is("400  slirp interface is deprecated as of v1.3 [] admission at ",
              MACHINE(ON "'preference':{'name':'p'},", "", "")
                      SLIRP PREFERENCE("'requirements':{'cpu':{'guest':8}}"));
        vm_is("422 Invalid failure checking preference requirements: insufficient CPU resources of 1 vCPU provided by "
              "VirtualMachine, preference requires 8 vCPU provided as sockets [" AT
              "domain.cpu.sockets] instancetype at " AT "domain.cpu.sockets",
              MACHINE(ON "'preference':{'name':'p'},", POD, "")
                      PREFERENCE("'requirements':{'cpu':{'guest':8}}"));
        vm_is("none ", MACHINE(ON "'preference':{'name':'p'},", POD, STORED)
                               PREFERENCE("'requirements':{'cpu':{'guest':8}}"));
}

/* The response to the creation of object by user, as far as `allowed`. */
static const char *review(enum mv_mirror mirror, const char *user, const char *resource, const char *object) {
        static char out[8192];
        char text[8192];
        snprintf(
                text, sizeof text,
                "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','request':{'uid':'u','kind':{'group':"
                "'kubevirt.io','version':'v1','kind':'K'},'resource':{'group':'kubevirt.io','version':'v1','resource':'%s'}"
                ",'operation':'CREATE','namespace':'default','name':'x','userInfo':{'username':'%s'},'object':%s}}",
                resource, user, object);
        struct mv_snapshot *snapshot =
                snapshot_make("{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'default'}}");
        struct mv_str body = json_make(text);
        struct mv_arena arena;
        struct mv_buf response;
        struct mv_config config;
        struct mv_review_result result;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        mv_buf_init(&response, &mv_allocator_system, 1 << 20);
        mv_config_init(&config);
        const struct mv_review_input input = {
                .arena = &arena, .snapshot = snapshot, .config = &config, .mirror = mirror
        };
        assert_int_equal(mv_review_answer(&input, body, &response, &result), 200);
        const char *allowed = strstr(response.p, "\"allowed\"");
        assert_non_null(allowed);
        snprintf(out, sizeof out, "%s", allowed);
        mv_buf_done(&response);
        mv_arena_done(&arena);
        text_free(body);
        mv_snapshot_free(snapshot);
        return out;
}

/* Where KubeVirt answers the same request itself, its refusal is a warning, for people only. */
static void test_mirror(void **state) {
        (void)state;
#define VMS "virtualmachines"
        const char *vm = MACHINE(ON, "'evictionStrategy':'Migrate'," POD, "");
        const char *migration = "{'metadata':{'generateName':'m-'},'spec':{'vmiName':'gone'}}";
#define OPTION AT "evictionStrategy is set with an unrecognized option: Migrate\""
        assert_non_null(strstr(review(MV_MIRROR_DENY, "me", VMS, vm), "\"allowed\":false"));
        assert_non_null(strstr(review(MV_MIRROR_DENY, "me", VMS, vm), "\"message\":\"" OPTION));
        assert_null(strstr(review(MV_MIRROR_DENY, "me", VMS, vm), "KubeVirt refuses this VM"));
        assert_non_null(strstr(review(MV_MIRROR_WARN, "me", VMS, vm), "\"allowed\":true"));
        assert_non_null(strstr(review(MV_MIRROR_WARN, "me", VMS, vm), "[\"admission: " OPTION));
        assert_null(strstr(review(MV_MIRROR_WARN, "me", VMS, vm), "KubeVirt refuses this VM"));
        assert_null(
                strstr(review(MV_MIRROR_WARN, "system:serviceaccount:kubevirt:kubevirt-controller", VMS, vm),
                       "warnings"));
        /* Also for what migvet itself does not judge. */
        assert_non_null(
                strstr(review(MV_MIRROR_WARN, "me", "migrationpolicies", "{}"), "admission: unexpected"));
        assert_null(strstr(review(MV_MIRROR_WARN, "system:serviceaccount:kubevirt:kubevirt-controller",
                                  "migrationpolicies", "{}"),
                           "warnings"));
        assert_null(strstr(review(MV_MIRROR_OFF, "me", VMS, vm), OPTION ","));
        assert_non_null(strstr(review(MV_MIRROR_WARN, "me", "virtualmachineinstancemigrations", migration),
                               "\"admission: the VMI \\\"default/gone\\\" does not exist\""));
        assert_null(strstr(review(MV_MIRROR_OFF, "me", "virtualmachineinstancemigrations", migration),
                           "does not exist"));
}

#define VMIM(name, uid, phase)                                                                               \
        ",{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':{'name':'" name \
        "','uid':'" uid                                                                                      \
        "','labels':{'kubevirt.io/vmi-name':'i'}},'spec':{'vmiName':'i'},'status':{'phase':'" phase "'}}"

/* Of several migrations under way the first by name is said, as the API server lists them. */
static void test_in_flight(void **state) {
        (void)state;
        struct judged j;
        struct mv_snapshot *snapshot = snapshot_make(
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':{'name':'x'},"
                "'spec':{'vmiName':'i'}}" VMIM("b", "of-b", "Running") VMIM("c", "of-c", "Pending")
                        VMIM("a", "of-a", "Pending") VMIM("0", "of-0", "Failed"));
        judge(&j, snapshot, MV_KIND_MIGRATION, "x");
        assert_str(
                finding_of(&j.verdict, "request-in-flight")->refusal.message,
                "in-flight migration detected. Active migration job (of-a) is currently already in progress for "
                "VMI i.");
        judged_done(&j);
        mv_snapshot_free(snapshot);
        /* KubeVirt's selector cannot hold the name. */
#define LONG "a23456789-a23456789-a23456789-a23456789-a23456789-a23456789-"
        snapshot = snapshot_make(
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':{'name':'x'},"
                "'spec':{'vmiName':'" LONG "1234'}},{'apiVersion':'kubevirt.io/v1','kind':"
                "'VirtualMachineInstanceMigration','metadata':{'name':'y'},'spec':{'vmiName':'" LONG
                "123'}}");
        judge(&j, snapshot, MV_KIND_MIGRATION, "x");
        const struct mv_refusal *refusal = &finding_of(&j.verdict, "request-in-flight")->refusal;
        assert_int_equal(refusal->code, 400);
        assert_str(refusal->message, "values[0][kubevirt.io/vmi-name]: Invalid value: \"" LONG
                                     "1234\": must be no more than 63 characters");
        judged_done(&j);
        judge(&j, snapshot, MV_KIND_MIGRATION, "y");
        assert_string_equal(outcome_of(&j.verdict, "request-in-flight"), "pass");
        judged_done(&j);
        mv_snapshot_free(snapshot);
}

/* A memory dump that is done is no volume of the instance any more; one under way is copied. */
static void test_memory_dump(void **state) {
        (void)state;
        static const char *const phases[] = { "Completed", "InProgress", "Associating", "Failed" };
        for (size_t i = 0; i < 4; i++) {
                char objects[2048];
                snprintf(
                        objects, sizeof objects,
                        MACHINE(ON, POD ",'volumes':[{'name':'dump','memoryDump':{'claimName':'dump'}}]",
                                ",'status':{'printableStatus':'Stopped','memoryDumpRequest':{'claimName':'dump',"
                                "'phase':'%s'}}"),
                        phases[i]);
                struct mv_snapshot *snapshot = snapshot_make(objects);
                struct judged j;
                judge(&j, snapshot, MV_KIND_VM, "x");
                bool kept = i == 1 || i == 2;
                assert_int_equal(j.verdict.instance->vmi.spec.volumes.n, kept);
                /* Any volume that nothing shows gets a disk. */
                assert_int_equal(j.verdict.instance->vmi.spec.domain.devices.disks.n, kept);
                assert_string_equal(j.verdict.method, kept ? "BlockMigration" : "LiveMigration");
                judged_done(&j);
                mv_snapshot_free(snapshot);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_run_strategy),
                cmocka_unit_test(test_eviction_strategy),
                cmocka_unit_test(test_hugepages),
                cmocka_unit_test(test_network),
                cmocka_unit_test(test_bindings_that_are_gone),
                cmocka_unit_test(test_passt_binding),
                cmocka_unit_test(test_labels_and_architecture),
                cmocka_unit_test(test_what_is_written),
                cmocka_unit_test(test_running),
                cmocka_unit_test(test_templates),
                cmocka_unit_test(test_instancetype),
                cmocka_unit_test(test_mirror),
                cmocka_unit_test(test_in_flight),
                cmocka_unit_test(test_memory_dump),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
