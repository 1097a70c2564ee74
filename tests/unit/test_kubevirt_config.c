/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster's configuration: defaults, the KubeVirt object laid over them, gates, versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/kubevirt_config.h"

#include <stdio.h>

#define KUBEVIRT(name, rest)                                                         \
        "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'" name \
        "','namespace':'virt'" rest "}"
#define DEPLOYED "'status':{'phase':'Deployed'}"

static struct mv_snapshot *snapshot;

static const struct mv_kubevirt_config *config(const char *items) {
        mv_snapshot_free(snapshot);
        snapshot = snapshot_make(items);
        return mv_snapshot_config(snapshot);
}

/* Of a deployed KubeVirt with this configuration. */
static const struct mv_kubevirt_config *configured(const char *configuration) {
        char items[2048];
        snprintf(items, sizeof items, KUBEVIRT("kv", "},'spec':{'configuration':%s}," DEPLOYED),
                 configuration);
        return config(items);
}

static int teardown(void **state) {
        (void)state;
        mv_snapshot_free(snapshot);
        snapshot = NULL;
        return 0;
}

static void assert_defaults(const struct mv_kubevirt_config *c) {
        assert_str(c->default_network_interface, "bridge");
        assert_true(c->permit_bridge_on_pod_network);
        assert_str(c->cpu_model, "");
        assert_str(c->eviction_strategy, "None");
        assert_str(c->eviction_from, "default");
        assert_int_equal(c->spec->developer.feature_gates.n, 0);
        assert_int_equal(c->spec->network.bindings.n, 0);
        assert_null(c->spec->permitted_host_devices);
}

static void test_no_object(void **state) {
        (void)state;
        const struct mv_kubevirt_config *c = config("");
        assert_null(c->object);
        assert_str(c->from, "default");
        assert_str(c->namespace, "kubevirt");
        assert_str(c->default_architecture, "amd64");
        assert_str(c->problem, "");
        assert_str(c->version, "");
        assert_str(c->version_from, "default");
        assert_int_equal(c->version_number, 0);
        assert_defaults(c);
}

static void test_overlay(void **state) {
        (void)state;
        const struct mv_kubevirt_config *c = configured("{}");
        assert_non_null(c->object);
        assert_str(c->from, "KubeVirt/virt/kv");
        assert_str(c->namespace, "virt");
        assert_str(c->default_architecture, "amd64");
        assert_defaults(c);
        c = configured("{'evictionStrategy':'LiveMigrate','cpuModel':'Haswell','network':{"
                       "'defaultNetworkInterface':'masquerade',"
                       "'permitBridgeInterfaceOnPodNetwork':false,'binding':{'z':{},'a':{'migration':{}}}},"
                       "'permittedHostDevices':{'mediatedDevices':[{'resourceName':'x'}]}}");
        assert_str(c->default_network_interface, "masquerade");
        assert_false(c->permit_bridge_on_pod_network);
        assert_str(c->cpu_model, "Haswell");
        assert_str(c->eviction_strategy, "LiveMigrate");
        assert_str(c->eviction_from, "KubeVirt/virt/kv");
        assert_int_equal(c->spec->network.bindings.n, 2);
        assert_str(c->spec->network.bindings.items[0].name, "a");
        assert_true(c->spec->network.bindings.items[0].migration);
        assert_false(c->spec->network.bindings.items[1].migration);
        assert_str(c->spec->permitted_host_devices->mediated_devices.items[0].resource_name, "x");
        assert_str(c->problem, "");
        /* An explicit None is a value, as is the empty string of an interface that means the default. */
        c = configured("{'evictionStrategy':'None','network':{'defaultNetworkInterface':''}}");
        assert_str(c->eviction_from, "KubeVirt/virt/kv");
        assert_str(c->default_network_interface, "bridge");
        c = config(KUBEVIRT("kv", "},'status':{'phase':'Deployed','defaultArchitecture':'s390x'}"));
        assert_str(c->default_architecture, "s390x");
}

static void test_object_not_in_force(void **state) {
        (void)state;
        static const char *const ignored[] = {
                KUBEVIRT("kv", "},'spec':{'configuration':{'cpuModel':'Haswell'}}"),
                KUBEVIRT("kv", "},'spec':{'configuration':{'cpuModel':'Haswell'}},'status':{'phase':'',"
                               "'observedKubeVirtVersion':'v1.9.0','defaultArchitecture':'arm64'}"),
                KUBEVIRT("kv",
                         ",'deletionTimestamp':'2026-01-01T00:00:00Z'},'spec':{'configuration':{'cpuModel':"
                         "'Haswell'}}," DEPLOYED),
        };
        for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
                const struct mv_kubevirt_config *c = config(ignored[i]);
                assert_null(c->object);
                assert_str(c->from, "default");
                assert_str(c->namespace, "virt"); /* it is installed there all the same */
                assert_true(c->problem.n > 0);
                /* The version that runs is what it says, whether or not its configuration counts. */
                assert_int_equal(c->version_number, i == 1 ? MV_KUBEVIRT(1, 9) : 0);
                assert_str(c->default_architecture, "amd64");
                assert_defaults(c);
        }
        /* Of two the one in force counts. */
        const struct mv_kubevirt_config *c = config(
                KUBEVIRT("going", ",'deletionTimestamp':'2026-01-01T00:00:00Z'}," DEPLOYED) "," KUBEVIRT(
                        "kv", "},'spec':{'configuration':{'cpuModel':'Haswell'}}," DEPLOYED));
        assert_str(c->from, "KubeVirt/virt/kv");
        assert_str(c->cpu_model, "Haswell");
        assert_str(c->problem, "");
        /* Of two in force, which KubeVirt itself does not allow, the first. */
        c = config(KUBEVIRT("kv", "}," DEPLOYED) "," KUBEVIRT("second", "}," DEPLOYED));
        assert_str(c->from, "KubeVirt/virt/kv");
}

static void test_invalid_is_ignored(void **state) {
        (void)state;
        static const struct {
                const char *configuration;
                bool valid;
        } cases[] = {
                { "'imagePullPolicy':'Sometimes'", false },
                { "'imagePullPolicy':'Always'", true },
                { "'imagePullPolicy':''", true },
                { "'developerConfiguration':{'memoryOvercommit':0}", true },
                { "'developerConfiguration':{'memoryOvercommit':-1}", false },
                { "'developerConfiguration':{'memoryOvercommit':1}", true },
                { "'developerConfiguration':{'cpuAllocationRatio':-1}", false },
                { "'developerConfiguration':{'cpuAllocationRatio':0}", true },
                { "'developerConfiguration':{'cpuAllocationRatio':1}", true },
                { "'developerConfiguration':{'pvcTolerateLessSpaceUpToPercent':-1}", false },
                { "'developerConfiguration':{'pvcTolerateLessSpaceUpToPercent':101}", false },
                { "'developerConfiguration':{'pvcTolerateLessSpaceUpToPercent':0}", true },
                { "'developerConfiguration':{'pvcTolerateLessSpaceUpToPercent':100}", true },
                { "'network':{'defaultNetworkInterface':'passt'}", false },
                { "'network':{'defaultNetworkInterface':'Masquerade'}", false },
                { "'network':{'defaultNetworkInterface':'slirp'}", true },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char text[256];
                snprintf(text, sizeof text, "{'cpuModel':'Haswell','evictionStrategy':'LiveMigrate',%s}",
                         cases[i].configuration);
                const struct mv_kubevirt_config *c = configured(text);
                assert_non_null(c->object);
                if ((c->problem.n == 0) != cases[i].valid ||
                    mv_str_is(c->cpu_model, "Haswell") != cases[i].valid)
                        fail_msg("%s: %.*s", cases[i].configuration, MV_STR_ARG(c->problem));
                if (!cases[i].valid)
                        assert_defaults(c);
        }
        /* Its version counts even so. */
        const struct mv_kubevirt_config *c = config(KUBEVIRT(
                "kv", "},'spec':{'configuration':{'imagePullPolicy':'x'}},'status':{'phase':'Deployed',"
                      "'observedKubeVirtVersion':'v1.8.4'}"));
        assert_int_equal(c->version_number, MV_KUBEVIRT_PATCH(1, 8, 4));
}

#define HYPERCONVERGED(version, spec)                                                                  \
        "{'apiVersion':'hco.kubevirt.io/" version "','kind':'HyperConverged','metadata':{'name':'hc'," \
        "'namespace':'virt'},'spec':{" spec "}}"

static void test_hyperconverged(void **state) {
        (void)state;
        static const char *const shapes[] = {
                HYPERCONVERGED(
                        "v1beta1",
                        "'liveMigrationConfig':{'bandwidthPerMigration':'64Mi'},'evictionStrategy':"
                        "'LiveMigrate','defaultCPUModel':'Haswell','networkBinding':{'z':{},'a':{}},"
                        "'permittedHostDevices':{'mediatedDevices':[{'resourceName':'off','disabled':true},"
                        "{'resourceName':'on'}]},'instancetypeConfig':{'referencePolicy':'expand'},"
                        "'featureGates':{'decentralizedLiveMigration':true}"),
                HYPERCONVERGED("v1",
                               "'virtualization':{'liveMigrationConfig':{'bandwidthPerMigration':'64Mi'},"
                               "'evictionStrategy':'LiveMigrate','virtualMachineOptions':{'defaultCPUModel':"
                               "'Haswell'},'permittedHostDevices':{'mediatedDevices':[{'resourceName':'off',"
                               "'disabled':true},{'resourceName':'on'}]}},'networking':{'networkBinding':{"
                               "'z':{},'a':{}}},'workloadSources':{'instancetypeConfig':{'referencePolicy':"
                               "'expand'}},'featureGates':[{'name':'other'}]"),
        };
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
                const struct mv_kubevirt_config *c = config(shapes[i]);
                assert_null(c->object);
                assert_str(c->from, "HyperConverged/virt/hc");
                assert_str(c->namespace, "virt");
                assert_str(c->problem, "");
                assert_str(c->eviction_strategy, "LiveMigrate");
                assert_str(c->eviction_from, "HyperConverged/virt/hc");
                assert_str(c->cpu_model, "Haswell");
                assert_str(c->default_network_interface, "masquerade"); /* whatever is said */
                assert_str(c->spec->migrations.bandwidth_per_migration, "64Mi");
                assert_str(c->spec->instancetype.reference_policy, "expand");
                assert_int_equal(c->spec->network.bindings.n, 3);
                assert_str(c->spec->network.bindings.items[0].name, "a");
                assert_str(c->spec->network.bindings.items[1].name, "l2bridge");
                assert_true(c->spec->network.bindings.items[1].migration);
                assert_str(c->spec->network.bindings.items[2].name, "z");
                assert_int_equal(c->spec->permitted_host_devices->mediated_devices.n, 1);
                assert_str(c->spec->permitted_host_devices->mediated_devices.items[0].resource_name, "on");
                assert_true(mv_kubevirt_gate(c, "CPUManager"));
                assert_true(mv_kubevirt_gate(c, "DecentralizedLiveMigration"));
                assert_false(mv_kubevirt_gate(c, "VGPULiveMigration"));
        }
}

static void test_hyperconverged_gates(void **state) {
        (void)state;
        assert_false(
                mv_kubevirt_gate(config(HYPERCONVERGED("v1beta1", "'featureGates':{"
                                                                  "'decentralizedLiveMigration':false}")),
                                 "DecentralizedLiveMigration"));
        assert_false(mv_kubevirt_gate(config(HYPERCONVERGED("v1", "'featureGates':[{'name':"
                                                                  "'decentralizedLiveMigration','state':"
                                                                  "'Disabled'}]")),
                                      "DecentralizedLiveMigration"));
        assert_true(mv_kubevirt_gate(config(HYPERCONVERGED("v1", "'featureGates':[{'name':"
                                                                 "'decentralizedLiveMigration','state':"
                                                                 "'Enabled'}]")),
                                     "DecentralizedLiveMigration"));
        const struct mv_kubevirt_config *c =
                config(HYPERCONVERGED("v1beta1", "'featureGates':{'sriovLiveMigration':true}"));
        assert_true(mv_strings_have(&c->spec->developer.feature_gates, MV_STR("SRIOVLiveMigration")));
}

/* The API server drops what belongs to the other version's shape. */
static void test_hyperconverged_of_the_other_shape(void **state) {
        (void)state;
        const struct mv_kubevirt_config *c = config(HYPERCONVERGED(
                "v1", "'liveMigrationConfig':{'network':'x'},'evictionStrategy':'LiveMigrate'"));
        assert_null(c->spec->migrations.network.p);
        assert_str(c->eviction_from, "default");
        c = config(HYPERCONVERGED("v1beta1", "'virtualization':{'evictionStrategy':'LiveMigrate',"
                                             "'liveMigrationConfig':{'network':'x'}}"));
        assert_null(c->spec->migrations.network.p);
        assert_str(c->eviction_from, "default");
}

/* Where there is a KubeVirt object it counts, even one that is not in force. */
static void test_kubevirt_before_hyperconverged(void **state) {
        (void)state;
        const char *const owner = HYPERCONVERGED("v1beta1", "'evictionStrategy':'LiveMigrate'");
        char items[1024];
        snprintf(items, sizeof items, "%s," KUBEVIRT("kv", "}," DEPLOYED), owner);
        const struct mv_kubevirt_config *c = config(items);
        assert_str(c->from, "KubeVirt/virt/kv");
        assert_defaults(c);
        snprintf(items, sizeof items, "%s," KUBEVIRT("kv", "}"), owner);
        c = config(items);
        assert_str(c->from, "default");
        assert_true(c->problem.n > 0);
        assert_defaults(c);
}

static void test_gates(void **state) {
        (void)state;
        static const struct {
                const char *gate, *on, *off;
                bool enabled;
        } cases[] = {
                { "VGPULiveMigration", "", "", false },
                { "VGPULiveMigration", "'VGPULiveMigration'", "", true },
                { "VGPULiveMigration", "'HostDisk','VGPULiveMigration'", "", true },
                { "VGPULiveMigration", "'vgpulivemigration'", "", false },
                { "VGPULiveMigration", "", "'VGPULiveMigration'", false },
                { "VGPULiveMigration", "'VGPULiveMigration'", "'VGPULiveMigration'", true },
                { "DecentralizedLiveMigration", "", "", true },
                { "DecentralizedLiveMigration", "", "'DecentralizedLiveMigration'", false },
                { "DecentralizedLiveMigration", "'DecentralizedLiveMigration'",
                  "'DecentralizedLiveMigration'", true },
                { "DecentralizedLiveMigration", "", "'HostDisk'", true },
                { "LiveMigration", "", "'LiveMigration'", true },
                { "SRIOVLiveMigration", "", "'SRIOVLiveMigration'", true },
                { "NoSuchGate", "'NoSuchGate'", "", false },
                { "MigrationStallDetection", "", "", false },
                { "PasstBinding", "", "", true },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char text[256];
                snprintf(text, sizeof text,
                         "{'developerConfiguration':{'featureGates':[%s],'disabledFeatureGates':[%s]}}",
                         cases[i].on, cases[i].off);
                if (mv_kubevirt_gate(configured(text), cases[i].gate) != cases[i].enabled)
                        fail_msg("%s, on [%s], off [%s]", cases[i].gate, cases[i].on, cases[i].off);
        }
        assert_true(mv_kubevirt_gate(config(""), "DecentralizedLiveMigration"));
        assert_false(mv_kubevirt_gate(config(""), "VGPULiveMigration"));
}

static void test_gates_by_version(void **state) {
        (void)state;
        static const struct {
                const char *version, *gate;
                bool enabled, when_named;
        } cases[] = {
                { "v1.5.3", "DecentralizedLiveMigration", false, false },
                { "v1.6.6", "DecentralizedLiveMigration", false, true },
                { "v1.9.0", "DecentralizedLiveMigration", false, true },
                { "v1.10.0", "DecentralizedLiveMigration", true, true },
                { "devel", "DecentralizedLiveMigration", true, true },
                { "v1.8.4", "VGPULiveMigration", false, false },
                { "v1.9.0", "VGPULiveMigration", false, true },
                { "v1.6.6", "MigrationPriorityQueue", false, false },
                { "v1.7.4", "MigrationPriorityQueue", false, true },
                { "v1.9.0", "MigrationPriorityQueue", true, true },
                { "v1.0.1", "LiveMigration", true, true },
                { "v0.55.0", "LiveMigration", false, true },
                { "v0.56.0", "LiveMigration", true, true },
                { "v0.56.0", "SRIOVLiveMigration", false, true },
                { "v0.57.0", "SRIOVLiveMigration", true, true },
                { "v1.2.2", "NodeRestriction", false, false },
                { "v1.5.3", "NodeRestriction", false, true },
                { "v1.6.6", "NodeRestriction", true, true },
                { "v1.7.4", "PasstBinding", false, false },
                { "v1.8.4", "PasstBinding", true, true },
                { "v1.8.4", "GPUsWithDRA", false, true },
                { "v1.9.0", "WorkloadEncryptionSEV", true, true },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                for (int named = 0; named < 2; named++) {
                        char items[512];
                        snprintf(items, sizeof items,
                                 KUBEVIRT("kv",
                                          "},'spec':{'configuration':{'developerConfiguration':{"
                                          "'featureGates':[%s%s%s]}}},"
                                          "'status':{'phase':'Deployed','observedKubeVirtVersion':'%s'}"),
                                 named ? "'" : "", named ? cases[i].gate : "", named ? "'" : "",
                                 cases[i].version);
                        if (mv_kubevirt_gate(config(items), cases[i].gate) !=
                            (named ? cases[i].when_named : cases[i].enabled))
                                fail_msg("%s in %s, named %d", cases[i].gate, cases[i].version, named);
                }
}

static void test_version_parse(void **state) {
        (void)state;
        static const struct {
                const char *text;
                unsigned number;
                const char *kept;
        } cases[] = {
                { "v1.9.0", MV_KUBEVIRT(1, 9), "1.9.0" },
                { "1.9.0", MV_KUBEVIRT(1, 9), "1.9.0" },
                { "1.9", MV_KUBEVIRT_PATCH(1, 9, 999), "1.9" },
                { "v1.10.0", MV_KUBEVIRT(1, 10), "1.10.0" },
                { "v0.46.1", MV_KUBEVIRT_PATCH(0, 46, 1), "0.46.1" },
                { "v1.9.0-rc.1", MV_KUBEVIRT(1, 9), "1.9.0" },
                { "v1.7.4-12-g1234abc", MV_KUBEVIRT_PATCH(1, 7, 4), "1.7.4" },
                { "v1.8.0+build", MV_KUBEVIRT(1, 8), "1.8.0" },
                { "", 0, NULL },
                { "v", 0, NULL },
                { "1", 0, NULL },
                { "1.", 0, NULL },
                { ".9", 0, NULL },
                { "v.9", 0, NULL },
                { "latest", 0, NULL },
                { "main", 0, NULL },
                { "vv1.9", 0, NULL },
                { "1..9", 0, NULL },
                { "1.9.", 0, NULL },
                { "1.9.1000", 0, NULL },
                { "1.2.3.4", 0, NULL },
                { "1.9.x", 0, NULL },
                { "1.9.", 0, NULL },
                { "1.9 beta", 0, NULL },
                { "1.1000.0", 0, NULL },
                { "1001.0.0", 0, NULL },
                { "-1.9", 0, NULL },
                { "99999999999999999999.1", 0, NULL },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct mv_str kept = MV_STR("untouched");
                unsigned number = mv_kubevirt_version_parse(mv_str_from(cases[i].text), &kept);
                if (number != cases[i].number ||
                    !mv_str_is(kept, cases[i].kept ? cases[i].kept : "untouched"))
                        fail_msg("%s: %u, %.*s", cases[i].text, number, MV_STR_ARG(kept));
        }
        assert_true(MV_KUBEVIRT(1, 10) > MV_KUBEVIRT(1, 9) && MV_KUBEVIRT(1, 0) > MV_KUBEVIRT(0, 59));
}

static void test_version_of_cluster(void **state) {
        (void)state;
        static const struct {
                const char *status, *version;
        } cases[] = {
                { "'observedKubeVirtVersion':'v1.8.4'", "1.8.4" },
                { "'observedKubeVirtVersion':'v1.8.4','targetKubeVirtVersion':'v1.8.4'", "1.8.4" },
                /* While an upgrade or a downgrade is under way, the older of the two. */
                { "'observedKubeVirtVersion':'v1.8.4','targetKubeVirtVersion':'v1.9.0'", "1.8.4" },
                { "'observedKubeVirtVersion':'v1.9.0','targetKubeVirtVersion':'v1.8.4'", "1.8.4" },
                { "'observedKubeVirtVersion':'devel','targetKubeVirtVersion':'v1.8.4'", "" },
                { "'observedKubeVirtVersion':'v1.9.0','targetKubeVirtVersion':'devel'", "1.9.0" },
                { "'operatorVersion':'v1.9.0'", "" },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char items[512];
                snprintf(items, sizeof items, KUBEVIRT("kv", "},'status':{'phase':'Deployed',%s}"),
                         cases[i].status);
                const struct mv_kubevirt_config *c = config(items);
                if (!mv_str_is(c->version, cases[i].version) ||
                    !mv_str_is(c->version_from, cases[i].version[0] ? "KubeVirt/virt/kv" : "default"))
                        fail_msg("%s: %.*s from %.*s", cases[i].status, MV_STR_ARG(c->version),
                                 MV_STR_ARG(c->version_from));
                assert_int_equal(c->version_number != 0, c->version.n != 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_no_object, teardown),
                cmocka_unit_test_teardown(test_overlay, teardown),
                cmocka_unit_test_teardown(test_object_not_in_force, teardown),
                cmocka_unit_test_teardown(test_invalid_is_ignored, teardown),
                cmocka_unit_test_teardown(test_hyperconverged, teardown),
                cmocka_unit_test_teardown(test_hyperconverged_gates, teardown),
                cmocka_unit_test_teardown(test_hyperconverged_of_the_other_shape, teardown),
                cmocka_unit_test_teardown(test_kubevirt_before_hyperconverged, teardown),
                cmocka_unit_test_teardown(test_gates, teardown),
                cmocka_unit_test_teardown(test_gates_by_version, teardown),
                cmocka_unit_test(test_version_parse),
                cmocka_unit_test_teardown(test_version_of_cluster, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
