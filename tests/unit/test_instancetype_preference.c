/* SPDX-License-Identifier: Apache-2.0 */
/* Preferences: what they fill in, how they spread vCPUs, and when the default network comes first. */
#include "tests/unit/test_instancetype.h"

static void topology(const char *guest, const char *preference, const char *expected) {
        char objects[1024];
        snprintf(objects, sizeof objects, "%s%s%s,%s%s%s",
                 "{" API "'kind':'VirtualMachineClusterInstancetype',"
                 "'metadata':{'name':'medium'},'spec':{'memory':{'guest':'2Gi'},'cpu':{'guest':",
                 guest, "}}}",
                 "{" API "'kind':'VirtualMachineClusterPreference','metadata':{'name':'p'},'spec':",
                 preference, "}");
        if (strchr(expected, 'x') && !strchr(expected, ' '))
                makes(BOTH, "{}", objects, expected, "2Gi");
        else if (strstr(expected, "crash"))
                refuses(BOTH, "{}", objects, 0, "",
                        "KubeVirt crashes on this VM, so there is no verdict: the preference has CPU features while neither "
                        "the VM nor an instancetype says anything of the CPU, or it spreads vCPUs with a ratio of 0",
                        "");
        else
                refuses(BOTH, "{}", objects, 422, "Invalid", expected, "instancetype.spec.cpu.guest");
}

static void test_topology(void **state) {
        (void)state;
        topology("4", "{}", "4x1x1");
        topology("4", "{'cpu':{'preferredCPUTopology':'preferCores'}}", "1x4x1");
        topology("4", "{'cpu':{'preferredCPUTopology':'threads'}}", "1x1x4");
        topology("4", "{'cpu':{'preferredCPUTopology':'any'}}", "4x1x1");
        topology("4", "{'cpu':{'preferredCPUTopology':'nonsense'}}", "1x1x1");
        topology("8", "{'cpu':{'preferredCPUTopology':'spread'}}", "4x2x1");
        topology("8", "{'preferSpreadSocketToCoreRatio':4,'cpu':{'preferredCPUTopology':'preferSpread'}}",
                 "2x4x1");
        topology(
                "8",
                "{'cpu':{'preferredCPUTopology':'spread','spreadOptions':{'across':'CoresThreads','ratio':4}}}",
                "1x2x4");
        topology(
                "12",
                "{'cpu':{'preferredCPUTopology':'spread','spreadOptions':{'across':'SocketsCoresThreads','ratio':3}}}",
                "2x3x2");
        topology(
                "1", "{'cpu':{'preferredCPUTopology':'spread'}}",
                "1 vCPUs provided by the instance type are not divisible by the Spec.PreferSpreadSocketToCoreRatio or "
                "Spec.CPU.PreferSpreadOptions.Ratio of 2 provided by the preference");
        topology(
                "3", "{'cpu':{'preferredCPUTopology':'spread','spreadOptions':{'across':'CoresThreads'}}}",
                "3 vCPUs provided by the instance type are not divisible by the number of threads per core 2");
        topology(
                "6",
                "{'cpu':{'preferredCPUTopology':'spread','spreadOptions':{'across':'SocketsCoresThreads'}}}",
                "6 vCPUs provided by the instance type are not divisible by the number of threads per core 2 and "
                "Spec.PreferSpreadSocketToCoreRatio or Spec.CPU.PreferSpreadOptions.Ratio of 2");
        topology("4", "{'cpu':{'preferredCPUTopology':'spread','spreadOptions':{'ratio':0}}}", "crash");
}

static void test_preference(void **state) {
        (void)state;
        struct made m;
        const struct mv_made *made = make(
                &m, BOTH,
                "{'networks':[{'name':'a','pod':{}},{'name':'b','multus':{'networkName':'n'}}],'domain':{'features':{'hyperv':"
                "{'ipi':{'enabled':false}}},'cpu':{'features':[{'name':'x','policy':'disable'}]},'devices':{'disks':[{'name':'d'},"
                "{'name':'c','cdrom':{}}],'interfaces':[{'name':'a'},{'name':'b','bridge':{},'model':'virtio'}]}}}",
                MEDIUM "," PREFERENCE(
                        "p",
                        "'annotations':{'k':'v'},'preferredArchitecture':'arm64','machine':{'preferredMachineType':'virt-9'},"
                        "'preferredLaunchSecurity':{'tdx':{}},'clock':{'preferredClockOffset':{'timezone':'CET'},"
                        "'preferredTimer':{'hpet':{'present':false}}},'cpu':{'preferredCPUFeatures':[{'name':'x','policy':'require'},"
                        "{'name':'y'}]},'devices':{'preferredInterfaceMasquerade':{},'preferredInterfaceModel':'e1000',"
                        "'preferredTPM':{'persistent':true},'preferredAutoattachGraphicsDevice':false},"
                        "'features':{'preferredHyperv':{'ipi':{},'evmcs':{}}},'firmware':{'preferredEfi':{'persistent':true},"
                        "'preferredUseSecureBoot':true}"));
        const struct mv_vmi_spec *spec = &made->template.spec;
        assert_null(made->refused);
        assert_str(spec->architecture, "arm64");
        assert_str(spec->domain.machine.type, "virt-9");
        assert_true(spec->domain.launch_security->tdx);
        assert_str(spec->domain.clock->timezone, "CET");
        assert_int_equal(spec->domain.clock->timer->hpet->present, MV_FALSE);
        assert_int_equal(spec->domain.cpu->features.n, 2);
        assert_str(spec->domain.cpu->features.items[0].policy, "disable");
        const struct mv_devices *devices = &spec->domain.devices;
        assert_true(devices->interfaces.items[0].masquerade && !devices->interfaces.items[1].masquerade);
        assert_str(devices->interfaces.items[0].model, "e1000");
        assert_str(devices->interfaces.items[1].model, "virtio");
        assert_true(devices->disks.items[0].disk && !devices->disks.items[1].disk);
        assert_int_equal(devices->tpm->persistent, MV_TRUE);
        assert_int_equal(devices->autoattach_graphics_device, MV_FALSE);
        assert_int_equal(spec->domain.features->hyperv->ipi->enabled, MV_FALSE);
        assert_non_null(spec->domain.features->hyperv->evmcs);
        assert_int_equal(spec->domain.firmware->bootloader->efi->secure_boot, MV_UNSET);
        assert_true(mv_map_has(&made->template.meta.annotations, MV_STR("k"), MV_STR("v")));
        assert_true(mv_map_has(&made->template.meta.annotations,
                               MV_STR("kubevirt.io/cluster-preference-name"), MV_STR("p")));
        done(&m);
}

static void firmware(const char *own, const char *preferred, bool bios, bool efi,
                     enum mv_optional secure_boot) {
        struct made m;
        char template[256], objects[512];
        snprintf(template, sizeof template, "{'domain':{%s}}", own);
        snprintf(objects, sizeof objects,
                 "{" API
                 "'kind':'VirtualMachineClusterPreference','metadata':{'name':'p'},'spec':{'firmware':{%s}}}",
                 preferred);
        const struct mv_made *made = make(&m, "'preference':{'name':'p'}", template, objects);
        const struct mv_bootloader *loader = made->template.spec.domain.firmware->bootloader;
        assert_int_equal(loader->bios != NULL, bios);
        assert_int_equal(loader->efi != NULL, efi);
        if (efi)
                assert_int_equal(loader->efi->secure_boot, secure_boot);
        done(&m);
}

static void test_firmware(void **state) {
        (void)state;
        firmware("", "", false, false, MV_UNSET);
        firmware("", "'preferredUseBios':true,'preferredEfi':{},'preferredUseEfi':true", true, false,
                 MV_UNSET);
        firmware("", "'preferredEfi':{'secureBoot':false},'preferredUseSecureBoot':true", false, true,
                 MV_FALSE);
        firmware("", "'preferredUseEfi':true,'preferredUseSecureBoot':true", false, true, MV_TRUE);
        firmware("'firmware':{'bootloader':{'efi':{}}}",
                 "'preferredUseBios':true,'preferredUseSecureBoot':true", false, true, MV_TRUE);
        firmware("'firmware':{'bootloader':{'bios':{}}}",
                 "'preferredEfi':{},'preferredUseEfi':true,'preferredUseBiosSerial':true", true, false,
                 MV_UNSET);
}

static void network(const char *configuration, const char *template, const char *expected) {
        struct made m;
        char objects[1024];
        snprintf(
                objects, sizeof objects, "%s,%s,%s%s%s", MEDIUM,
                PREFERENCE(
                        "p",
                        "'devices':{'preferredAutoattachPodInterface':false,'preferredInterfaceMasquerade':{}}"),
                "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kv'},'spec':{'configuration':{",
                configuration, "}},'status':{'phase':'Deployed'}}");
        const struct mv_made *made = make(&m, BOTH, template, objects);
        const struct mv_devices *devices = &made->template.spec.domain.devices;
        assert_null(made->refused);
        assert_string_equal(!devices->interfaces.n                ? "none"
                            : devices->interfaces.items[0].bridge ? "bridge"
                                                                  : "masquerade",
                            expected);
        assert_int_equal(mv_map_get(&made->template.meta.annotations,
                                    MV_STR("kubevirt.io/cluster-preference-name")) == NULL,
                         strstr(configuration, "expand") != NULL);
        done(&m);
}

static void test_network(void **state) {
        (void)state;
        network("", "{}", "none");
        network("", "{'domain':{'devices':{'autoattachPodInterface':true}}}", "bridge");
        network("'network':{'defaultNetworkInterface':'masquerade'}",
                "{'domain':{'devices':{'autoattachPodInterface':true}}}", "masquerade");
        network("'instancetype':{'referencePolicy':'expand'}", "{}", "bridge");
        network("'instancetype':{'referencePolicy':'expandAll'}", "{}", "bridge");
        network("'instancetype':{'referencePolicy':'reference'}", "{}", "none");
        refuses(NAMED,
                "{'networks':[{'name':'a','pod':{}}],'domain':{'devices':{'interfaces':[{'name':'a'}]}}}",
                MEDIUM, 422, "Invalid",
                "logical a interface must have exactly one binding method or binding plugin",
                "spec.template.spec.domain.devices.interfaces[0]");
}

/* What no rule points at by itself. */
static void test_supplied(void **state) {
        (void)state;
        static const struct {
                const char *preference, *path;
        } cases[] = {
                { "'features':{'preferredHyperv':{'evmcs':{}}}", "domain.features.hyperv.evmcs" },
                { "'devices':{'preferredTPM':{}}", "domain.devices.tpm" },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct made m;
                char objects[1024];
                snprintf(objects, sizeof objects, PREFERENCE("p", "%s"), cases[i].preference);
                const struct mv_made *made = make(&m, "'preference':{'name':'p'}", "{}", objects);
                assert_null(made->refused);
                assert_int_equal(made->n_supplied, 1);
                assert_string_equal(made->supplied[0].path, cases[i].path);
                assert_string_equal(made->supplied[0].by, "preference");
                done(&m);
        }
}

/* A recorded revision of another object does not count, also where none is recorded anew. */
static void test_revision_of_another(void **state) {
        (void)state;
        static const struct {
                const char *label;
                unsigned cpus;
        } cases[] = { { "medium", 6 }, { "other", 2 } };
        for (size_t i = 0; i < 2; i++) {
                struct made m;
                char objects[2048];
                snprintf(
                        objects, sizeof objects,
                        MEDIUM "," REVISION(
                                "r", "%s",
                                TYPE("medium",
                                     "'cpu':{'guest':6},'memory':{'guest':'9Gi'}")) ","
                                                                                    "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kubevirt'},'spec':{"
                                                                                    "'configuration':{'instancetype':{'referencePolicy':'expand'}}}}",
                        cases[i].label);
                const struct mv_made *made = make_status(
                        &m, NAMED, "{}", objects,
                        "{'instancetypeRef':{'name':'medium','controllerRevisionRef':{'name':'r'}}}");
                assert_null(made->refused);
                assert_int_equal(made->template.spec.domain.cpu->sockets.value, cases[i].cpus);
                done(&m);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_topology), cmocka_unit_test(test_preference),
                cmocka_unit_test(test_firmware), cmocka_unit_test(test_network),
                cmocka_unit_test(test_supplied), cmocka_unit_test(test_revision_of_another),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
