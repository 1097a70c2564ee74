/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a VM that names an instancetype: found, applied, or refused. */
#include "tests/unit/test_instancetype.h"

static void test_find(void **state) {
        (void)state;
        const char *both = MEDIUM "," OWN_TYPE("medium", "'cpu':{'guest':1},'memory':{'guest':'1024Mi'}");
        makes(NAMED, "{}", both, "2x1x1", "2Gi");
        makes("'instancetype':{'name':'medium','kind':'VirtualMachineClusterInstancetypes'}", "{}", both,
              "2x1x1", "2Gi");
        makes("'instancetype':{'name':'medium','kind':'virtualmachineINSTANCETYPE'}", "{}", both, "1x1x1",
              "1Gi");
        makes("'instancetype':{'name':'medium','kind':'virtualmachineinstancetypes'}", "{}", both, "1x1x1",
              "1Gi");
        refuses("'instancetype':{'name':'medium','kind':'Deployment'}", "{}", both, 0,
                "FailedFindInstancetype", "got unexpected kind in InstancetypeMatcher: Deployment", "");
        refuses("'preference':{'name':'p','kind':'x'}", "{}", both, 0, "FailedFindPreference",
                "got unexpected kind in PreferenceMatcher: x", "");
        refuses(BOTH, "{}", MEDIUM, 0, "FailedFindPreference",
                "virtualmachineclusterpreferences.instancetype.kubevirt.io \"p\" not found", "");
        refuses(BOTH, "{}", "", 0, "FailedFindInstancetype",
                "virtualmachineclusterinstancetypes.instancetype.kubevirt.io \"medium\" not found", "");
}

static void test_revisions(void **state) {
        (void)state;
        const char *objects = MEDIUM
                "," REVISION("r1", "medium", TYPE("medium", "'cpu':{'guest':4},'memory':{'guest':'8Gi'}")) "," REVISION("r2", "other", OWN_TYPE("other", "'cpu':{'guest':6},'memory':{'guest':'9Gi'}")) "," REVISION(
                        "r3", "medium",
                        PREFERENCE(
                                "medium",
                                "")) "," REVISION("r4", "medium",
                                                  "{'apiVersion':'apps/v1','kind':'StatefulSet','spec':{}}") "," REVISION("r5",
                                                                                                                          "medium",
                                                                                                                          "null");
        makes("'instancetype':{'name':'medium','revisionName':'r1'}", "{}", objects, "4x1x1", "8Gi");
        makes("'instancetype':{'name':'medium','revisionName':'r2'}", "{}", objects, "6x1x1", "9Gi");
        refuses("'instancetype':{'name':'medium','revisionName':'r3'}", "{}", objects, 0,
                "FailedFindInstancetype",
                "unexpected type in ControllerRevision: *v1beta1.VirtualMachineClusterPreference", "");
        refuses("'instancetype':{'name':'medium','revisionName':'r4'}", "{}", objects, 0,
                "FailedFindInstancetype",
                "failed to decode object in ControllerRevision: no kind \"StatefulSet\" is registered for version "
                "\"apps/v1\"",
                "");
        refuses("'instancetype':{'name':'medium','revisionName':'r5'}", "{}", objects, 0,
                "FailedFindInstancetype", "unexpected type in ControllerRevision: <nil>", "");
        refuses("'instancetype':{'name':'medium','revisionName':'gone'}", "{}", objects, 0,
                "FailedFindInstancetype", "controllerrevisions.apps \"gone\" not found", "");
        /* A recorded one counts while the name is that of the matcher, and as long as the matcher is as recorded. */
        static const struct {
                const char *status;
                int guest;
        } recorded[] = {
                { "{'instancetypeRef':{'name':'medium','controllerRevisionRef':{'name':'r1'}}}", 4 },
                { "{'instancetypeRef':{'name':'other','controllerRevisionRef':{'name':'r2'}}}", 2 },
                { "{'instancetypeRef':{'controllerRevisionRef':{'name':'r1'}}}", 2 },
                { "{'instancetypeRef':{'name':'medium'}}", 2 },
        };
        for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
                struct made m;
                const struct mv_made *made = make_status(&m, NAMED, "{}", objects, recorded[i].status);
                assert_null(made->refused);
                assert_int_equal(made->template.spec.domain.cpu->sockets.value, recorded[i].guest);
                done(&m);
        }
        refuses_status(NAMED, "{}", objects,
                       "{'instancetypeRef':{'name':'medium','controllerRevisionRef':{'name':'gone'}}}", 0,
                       "FailedFindInstancetype", "controllerrevisions.apps \"gone\" not found", "");
        /* The recorded one fits, but it is recorded anew, from an object that is not there. */
        refuses_status("'instancetype':{'name':'medium','kind':'VirtualMachineInstancetype'}", "{}", objects,
                       "{'instancetypeRef':{'name':'medium','controllerRevisionRef':{'name':'r1'}}}", 0,
                       "FailedCreate",
                       "error encountered while storing instancetype.kubevirt.io controllerRevisions: "
                       "virtualmachineinstancetypes.instancetype.kubevirt.io \"medium\" not found",
                       "");
}

#define EVERYTHING                                                                                                        \
        TYPE("medium",                                                                                                    \
             "'nodeSelector':{},'schedulerName':'s','cpu':{'guest':2,'model':'Haswell','numa':{},'realtime':{},"          \
             "'dedicatedCPUPlacement':false,'isolateEmulatorThread':false,'maxSockets':8},"                               \
             "'memory':{'guest':'2Gi','hugepages':{'pageSize':'2Mi'},'maxGuest':'4096Mi'},'ioThreads':{'supplementalPoolThreadCount':1}," \
             "'ioThreadsPolicy':'auto','launchSecurity':{},'gpus':[{'name':'g','deviceName':'d'}],"                       \
             "'hostDevices':[{'name':'h','deviceName':'d'}],'annotations':{'a':'1','b':'2'}")

static void test_conflicts(void **state) {
        (void)state;
        refuses(NAMED, "{'domain':{'cpu':{'model':'x'},'launchSecurity':{}}}", EVERYTHING, 422, "Invalid",
                CONFLICT(AT "domain.cpu.model") ", " CONFLICT(AT "domain.launchSecurity"),
                AT "domain.cpu.model " AT "domain.launchSecurity");
        /* All of them, in order; the message has ten. */
        refuses(NAMED,
                "{'nodeSelector':{'a':'b'},'schedulerName':'s','domain':{'cpu':{'cores':1,'sockets':1,'threads':1,'model':'x',"
                "'numa':{},'realtime':{},'dedicatedCpuPlacement':true,'isolateEmulatorThread':true},"
                "'memory':{'guest':'1Gi','hugepages':{},'maxGuest':'1Gi'},'ioThreads':{'supplementalPoolThreadCount':2},"
                "'ioThreadsPolicy':'shared','launchSecurity':{},'resources':{'requests':{'cpu':'1','memory':'1Gi'},"
                "'limits':{'cpu':'1','memory':'1Gi'}},'devices':{'gpus':[{'name':'x'}],'hostDevices':[{'name':'y'}]}}}",
                EVERYTHING, 422, "Invalid",
                CONFLICT(AT "nodeSelector") ", " CONFLICT(AT "schedulerName") ", " CONFLICT(AT "domain.resources.requests.cpu") ", " CONFLICT(AT "domain.resources.limits.cpu") ", " CONFLICT(AT "domain.cpu.sockets") ", " CONFLICT(
                        AT
                        "domain.cpu.cores") ", " CONFLICT(AT
                                                          "domain.cpu.threads") ", " CONFLICT(AT
                                                                                              "domain.cpu.model") ", " CONFLICT(AT
                                                                                                                                "domain.cpu.dedicatedCPUPlacement") ", " CONFLICT(AT
                                                                                                                                                                                  "domain.cpu.isolateEmulatorThread") ", and 8 more validation errors",
                AT "nodeSelector " AT "schedulerName " AT "domain.resources.requests.cpu " AT
                   "domain.resources.limits.cpu " AT "domain.cpu.sockets " AT "domain.cpu.cores " AT
                   "domain.cpu.threads " AT "domain.cpu.model " AT "domain.cpu.dedicatedCPUPlacement " AT
                   "domain.cpu.isolateEmulatorThread " AT "domain.cpu.numa " AT "domain.cpu.realtime " AT
                   "domain.memory.guest " AT "domain.ioThreads.supplementalPoolThreadCount " AT
                   "domain.ioThreadsPolicy " AT "domain.launchSecurity " AT "domain.devices.gpus " AT
                   "domain.devices.hostDevices");
        static const char *const memory[][2] = {
                { "'memory':{'hugepages':{},'maxGuest':'1Gi'}", AT "domain.memory.hugepages" },
                { "'memory':{'maxGuest':'1Gi'},'resources':{'requests':{'memory':'1'}}",
                  AT "domain.memory.maxGuest" },
                { "'resources':{'requests':{'memory':'1'},'limits':{'memory':'1'}}",
                  AT "domain.resources.requests.memory" },
                { "'resources':{'limits':{'memory':'1'}}", AT "domain.resources.limits.memory" },
        };
        for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) {
                char template[256], message[256];
                snprintf(template, sizeof template, "{'domain':{%s}}", memory[i][0]);
                snprintf(message, sizeof message, CONFLICT("%s"), memory[i][1]);
                refuses(NAMED, template, EVERYTHING, 422, "Invalid", message, memory[i][1]);
        }
        /* What the instancetype does not say, the VM may. */
        makes(NAMED,
              "{'domain':{'cpu':{'model':'x','dedicatedCpuPlacement':true},'memory':{'hugepages':{'pageSize':'2Mi'}}}}",
              MEDIUM, "2x1x1", "2Gi");
}

static void test_applied(void **state) {
        (void)state;
        struct made m;
        const struct mv_made *made = make(&m, NAMED, "{}", EVERYTHING);
        const struct mv_vmi_spec *spec = &made->template.spec;
        assert_null(made->refused);
        assert_str(spec->scheduler_name, "s");
        assert_str(spec->domain.cpu->model, "Haswell");
        assert_true(spec->domain.cpu->numa && spec->domain.cpu->realtime);
        assert_int_equal(spec->domain.cpu->max_sockets.value, 8);
        assert_str(spec->domain.memory->max_guest, "4Gi");
        assert_int_equal(spec->domain.io_threads->supplemental_pool_thread_count.value, 1);
        assert_str(spec->domain.io_threads_policy, "auto");
        assert_non_null(spec->domain.launch_security);
        assert_int_equal(spec->domain.devices.gpus.n + spec->domain.devices.host_devices.n, 2);
        const struct mv_map *annotations = &made->template.meta.annotations;
        assert_int_equal(annotations->n, 3);
        assert_true(mv_map_has(annotations, MV_STR("b"), MV_STR("2")));
        assert_true(
                mv_map_has(annotations, MV_STR("kubevirt.io/cluster-instancetype-name"), MV_STR("medium")));
        assert_true(made->default_network && spec->domain.devices.interfaces.items[0].bridge);
        /* The VM itself is as it was. */
        const struct mv_vm *vm = mv_snapshot_at(m.snapshot, MV_KIND_VM, 0);
        assert_null(vm->spec.template->spec.domain.cpu);
        assert_int_equal(vm->spec.template->meta.annotations.n, 0);
        done(&m);
}

static void test_overcommit(void **state) {
        (void)state;
        static const char *const all[][2] = {
                { "'guest':'2Gi','overcommitPercent':50", "1Gi" },
                { "'guest':'1000M','overcommitPercent':10", "900M" },
                { "'guest':'3Gi','overcommitPercent':15", "2673869Ki" },
                { "'guest':'1Gi','overcommitPercent':0", "" },
        };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
                struct made m;
                char type[256];
                snprintf(type, sizeof type, TYPE("medium", "'cpu':{'guest':2},'memory':{%s}"), all[i][0]);
                const struct mv_str *request =
                        mv_map_get(&make(&m, NAMED, "{}", type)->template.spec.domain.resources.requests,
                                   MV_STR("memory"));
                assert_str(request ? *request : (struct mv_str){ 0 }, all[i][1]);
                done(&m);
        }
}

#define CHECKED "failure checking preference requirements: "

static void test_requirements(void **state) {
        (void)state;
        const char *p = "'preference':{'name':'p'}";
        const char *cpu4 = PREFERENCE("p", "'requirements':{'cpu':{'guest':4},'memory':{'guest':'8Gi'}}");
        refuses(BOTH, "{}", MEDIUM "," PREFERENCE("p", "'requirements':{'cpu':{'guest':3}}"), 422, "Invalid",
                CHECKED
                "insufficient CPU resources of 2 vCPU provided by instance type, preference requires 3 vCPU",
                "spec.instancetype");
        refuses(p, "{'domain':{'cpu':{'cores':8}}}", cpu4, 422, "Invalid",
                CHECKED
                "insufficient CPU resources of 0 vCPU provided by VirtualMachine, preference requires 4 vCPU provided as "
                "sockets",
                "spec.template.spec.domain.cpu.sockets");
        refuses(p, "{'domain':{'resources':{'requests':{'cpu':'3500m','memory':'1024Mi'}}}}", cpu4, 422,
                "Invalid",
                CHECKED
                "insufficient Memory resources of 1Gi provided by VirtualMachine, preference requires 8Gi",
                "spec.template.spec.domain.memory");
        refuses(p, "{'domain':{'cpu':{'cores':1,'sockets':1,'threads':2}}}",
                PREFERENCE("p", "'cpu':{'preferredCPUTopology':'any'},'requirements':{'cpu':{'guest':4}}"),
                422, "Invalid",
                CHECKED
                "insufficient CPU resources of 2 vCPU provided by VirtualMachine, preference requires 4 vCPU provided as "
                "cores, sockets and threads",
                "spec.template.spec.domain.cpu.cores, spec.template.spec.domain.cpu.sockets, "
                "spec.template.spec.domain.cpu.threads");
        refuses(p, "{}",
                PREFERENCE("p", "'cpu':{'preferredCPUTopology':'spread'},'requirements':{'cpu':{'guest':4}}"),
                422, "Invalid",
                CHECKED
                "insufficient CPU resources of 1 vCPU provided by VirtualMachine, preference requires 4 vCPU provided as "
                "SocketsCores",
                "spec.template.spec.domain.cpu.sockets, spec.template.spec.domain.cpu.cores");
        refuses(p, "{'architecture':'s390x'}", PREFERENCE("p", "'requirements':{'architecture':'amd64'}"),
                422, "Invalid", CHECKED "preference requires architecture amd64 but s390x is being requested",
                "spec.template.spec.architecture");
        /* An instancetype that is not found: the webhook looks at the VM alone. */
        refuses(BOTH, "{}", PREFERENCE("p", "'requirements':{'cpu':{'guest':2}}"), 422, "Invalid",
                CHECKED
                "insufficient CPU resources of 1 vCPU provided by VirtualMachine, preference requires 2 vCPU provided as "
                "sockets",
                "spec.template.spec.domain.cpu.sockets");
        struct made m;
        assert_null(
                make(&m, p, "{'domain':{'cpu':{'threads':4}}}",
                     PREFERENCE(
                             "p",
                             "'cpu':{'preferredCPUTopology':'threads'},'requirements':{'cpu':{'guest':4}}"))
                        ->refused);
        done(&m);
}

static const struct mv_refused *refusal(struct made *m, const struct mv_vm *vm, const struct mv_vm *old) {
        return mv_instancetype_refusal(&m->arena, m->snapshot, mv_snapshot_config(m->snapshot), vm, old,
                                       false);
}

static void test_matchers(void **state) {
        (void)state;
        refuses("'instancetype':{}", "{}", "", 422, "Invalid",
                "Either Name or InferFromVolume should be provided within the InstancetypeMatcher",
                "spec.instancetype");
        refuses("'preference':{'name':'p','kind':'k','inferFromVolume':'v','inferFromVolumeFailurePolicy':'Maybe'}",
                "{}", "", 422, "Invalid",
                "Name already set, should be cleared before setting inferFromVolume, Kind already set, should be cleared before "
                "setting inferFromVolume, Invalid value 'Maybe' for InferFromVolumeFailurePolicy",
                "spec.preference.name spec.preference.kind spec.preference.inferFromVolumeFailurePolicy");
        struct made m;
        const struct mv_vm *vm =
                &make(&m, "'instancetype':{'name':'medium','revisionName':'r'}", "{}", MEDIUM)->vm;
        struct mv_vm old = *vm;
        struct mv_matcher matcher = *vm->spec.instancetype;
        old.spec.instancetype = &matcher;
        assert_null(refusal(&m, vm, &old));
        matcher.name = MV_STR("small");
        const struct mv_refused *refused = refusal(&m, vm, &old);
        assert_int_equal(refused->code, 422);
        assert_str(refused->message, "the Matcher Name has been updated without updating the RevisionName");
        assert_str(refused->causes[0].field, "spec.instancetype.revisionName");
        done(&m);
}

static void test_controller(void **state) {
        (void)state;
        /* The instancetype has changed since the webhook let the VM in; the revision that it uses has not. */
        const char *objects = TYPE("medium", TWO_GI ",'schedulerName':'s'") "," REVISION(
                "r", "medium", TYPE("medium", TWO_GI));
        refuses_status(
                NAMED ",'preference':{'name':'p'}", "{'schedulerName':'x'}",
                TYPE("medium", TWO_GI ",'schedulerName':'s'") "," REVISION(
                        "r", "medium", TYPE("medium", TWO_GI)) "," PREFERENCE("p", ""),
                "{'instancetypeRef':{'name':'old','controllerRevisionRef':{'name':'r'}}}", 0, "FailedCreate",
                "error encountered while storing instancetype.kubevirt.io controllerRevisions: " CONFLICT(
                        AT "schedulerName"),
                "");
        struct made m;
        assert_null(make_status(&m, NAMED, "{'schedulerName':'x'}", objects,
                                "{'instancetypeRef':{'name':'medium','controllerRevisionRef':{'name':'r'}}}")
                            ->refused);
        done(&m);
        /* The VM's own annotation says another name than the controller writes: no conflict until then. */
        refuses(NAMED, "{}",
                TYPE("medium", TWO_GI ",'annotations':{'kubevirt.io/cluster-instancetype-name':'x'}"), 0,
                "FailedCreate",
                "VMI conflicts with instancetype spec in fields: [annotations.kubevirt.io/cluster-instancetype-name]",
                "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),       cmocka_unit_test(test_revisions),
                cmocka_unit_test(test_conflicts),  cmocka_unit_test(test_applied),
                cmocka_unit_test(test_overcommit), cmocka_unit_test(test_requirements),
                cmocka_unit_test(test_matchers),   cmocka_unit_test(test_controller),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
