/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher pod: what it requests, for each kind of instance, worked out by hand from KubeVirt's source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/expand.h"
#include "policy/launcher/launcher.h"
#include "policy/launcher/podrequests.h"

#include <stdio.h>

#define MAIN MV_KUBEVIRT(1, 10)
#define BASIC " devices.kubevirt.io/kvm=1 devices.kubevirt.io/tun=1 devices.kubevirt.io/vhost-net=1"
#define STORAGE " ephemeral-storage=50000000"

struct made {
        struct mv_snapshot *snapshot;
        struct mv_arena arena;
        struct mv_instance instance;
        const struct mv_launcher *launcher;
};

static void make_in(struct made *made, const char *spec, const char *annotations, const char *configuration,
                    unsigned version, const struct mv_launcher_namespace *namespace) {
        char items[8192];
        snprintf(items, sizeof items,
                 "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'vm',"
                 "'annotations':{%s}},'spec':{%s}},"
                 "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kubevirt',"
                 "'namespace':'kubevirt'},'spec':{'configuration':{%s}},'status':{'phase':'Deployed'}}",
                 annotations, spec, configuration);
        made->snapshot = snapshot_make(items);
        mv_arena_init(&made->arena, &mv_allocator_system, 0);
        const struct mv_kubevirt_config *config = mv_snapshot_config(made->snapshot);
        assert_str(config->problem, "");
        mv_expand_vmi(&made->arena, config, mv_snapshot_at(made->snapshot, MV_KIND_VMI, 0), &made->instance);
        made->launcher = mv_launcher_make_in(&made->arena, config, version, &made->instance.vmi, namespace);
        assert_non_null(made->launcher);
}

static void make(struct made *made, const char *spec, const char *configuration, unsigned version) {
        make_in(made, spec, "", configuration, version, NULL);
}

static void done(struct made *made) {
        assert_false(mv_arena_failed(&made->arena));
        mv_arena_done(&made->arena);
        mv_snapshot_free(made->snapshot);
}

/* "cpu=105 memory=7" */
static void assert_amounts_at(const struct mv_amounts *amounts, const char *expected, const char *file,
                              int line) {
        char text[1024] = "";
        size_t n = 0;
        for (size_t i = 0; i < amounts->n; i++) {
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s=%lld", i ? " " : "",
                                      MV_STR_ARG(amounts->items[i].name),
                                      (long long)amounts->items[i].amount);
                assert_true(n < sizeof text);
                if (i)
                        assert_true(mv_str_compare(amounts->items[i - 1].name, amounts->items[i].name) < 0);
        }
        assert_str_at(mv_str_from(text), expected, file, line);
}
#define assert_amounts(amounts, expected) assert_amounts_at((amounts), (expected), __FILE__, __LINE__)

static void test_requests(void **state) {
        (void)state;
        static const struct {
                const char *spec, *configuration;
                unsigned version;
                const char *requests;
                int64_t overhead;
        } cases[] = {
                /* 1Gi; 240Mi fixed, 8Mi a CPU, 8Mi an IO thread, 32Mi video; console 5m and 35M. */
                { "'domain':{'memory':{'guest':'1Gi'}}", "", MAIN,
                  "cpu=105" BASIC STORAGE " memory=1410731712", 301989888 },
                /* Thirds of a core are rounded up. */
                { "'domain':{'cpu':{'cores':2,'sockets':2},'memory':{'guest':'1Gi'}}",
                  "'developerConfiguration':{'cpuAllocationRatio':3}", MAIN,
                  "cpu=1339" BASIC STORAGE " memory=1435897536", 327155712 },
                { "'domain':{'memory':{'guest':'1Gi'}}", "'developerConfiguration':{'cpuAllocationRatio':3}",
                  MAIN, "cpu=339" BASIC STORAGE " memory=1410731712", 301989888 },
                /* Supplemental IO threads are CPUs. */
                { "'domain':{'ioThreadsPolicy':'supplementalPool','ioThreads':{'supplementalPoolThreadCount':3},"
                  "'memory':{'guest':'1Gi'}}",
                  "", MAIN, "cpu=405" BASIC STORAGE " memory=1410731712", 301989888 },
                /* Dedicated: whole CPUs, one for the emulator, 100Mi more; console 15m and 60M. */
                { "'domain':{'cpu':{'cores':4,'dedicatedCpuPlacement':true,'isolateEmulatorThread':true},"
                  "'memory':{'guest':'2Gi'}}",
                  "", MAIN, "cpu=5015" BASIC STORAGE " memory=2639496960", 432013312 },
                { "'domain':{'cpu':{'cores':4,'dedicatedCpuPlacement':true},'ioThreadsPolicy':'supplementalPool',"
                  "'ioThreads':{'supplementalPoolThreadCount':2},'memory':{'guest':'2Gi'}}",
                  "", MAIN, "cpu=6015" BASIC STORAGE " memory=2639496960", 432013312 },
                { "'domain':{'cpu':{'cores':4,'dedicatedCpuPlacement':true},'ioThreadsPolicy':'supplementalPool',"
                  "'ioThreads':{'supplementalPoolThreadCount':2},'memory':{'guest':'2Gi'}}",
                  "", MV_KUBEVIRT(1, 4), "cpu=4015" BASIC STORAGE " memory=2600699648", 393216000 },
                /* Hugepages hold the guest. */
                { "'domain':{'memory':{'guest':'4Gi','hugepages':{'pageSize':'2Mi'}}}", "", MAIN,
                  "cpu=105" BASIC STORAGE " hugepages-2Mi=4294967296 memory=336989888", 301989888 },
                /* What is requested beyond the guest stays memory; page tables 4296015872 / 512, of whole thousands. */
                { "'domain':{'memory':{'guest':'4Gi','hugepages':{'pageSize':'1Gi'}},"
                  "'resources':{'requests':{'memory':'4097Mi'}}}",
                  "", MAIN, "cpu=105" BASIC STORAGE " hugepages-1Gi=4294967296 memory=346429120", 310380544 },
                /* Without guest memory the pages are what is requested. */
                { "'domain':{'memory':{'hugepages':{'pageSize':'2Mi'}},'resources':{'requests':{'memory':'64Mi'}}}",
                  "", MAIN, "cpu=105" BASIC STORAGE " hugepages-2Mi=67108864 memory=337120960", 302120960 },
                { "'architecture':'arm64','domain':{'memory':{'guest':'1Gi'}}", "", MAIN,
                  "cpu=105" BASIC STORAGE " memory=1544949440", 436207616 },
                { "'domain':{'launchSecurity':{'sev':{}},'memory':{'guest':'1Gi'}}", "", MAIN,
                  "cpu=105 devices.kubevirt.io/kvm=1 devices.kubevirt.io/sev=1 devices.kubevirt.io/tun=1 "
                  "devices.kubevirt.io/vhost-net=1" STORAGE " memory=1679167168",
                  570425344 },
                { "'domain':{'launchSecurity':{'tdx':{}},'memory':{'guest':'1Gi'}}", "", MAIN,
                  "cpu=105 devices.kubevirt.io/kvm=1 devices.kubevirt.io/tdx=1 devices.kubevirt.io/tun=1 "
                  "devices.kubevirt.io/vhost-net=1" STORAGE " memory=1410731712",
                  301989888 },
                { "'domain':{'launchSecurity':{'tdx':{}},'memory':{'guest':'1Gi'}}", "", MV_KUBEVIRT(1, 8),
                  "cpu=105" BASIC STORAGE " memory=1389760192", 281018368 },
                /* Two GPUs of one kind and another device: 1Gi for all. One by claim is no resource. */
                { "'domain':{'devices':{'gpus':[{'name':'a','deviceName':'nvidia.com/A'},{'name':'b',"
                  "'deviceName':'nvidia.com/A'},{'name':'c','claimName':'c','requestName':'r'}],'hostDevices':["
                  "{'name':'d','deviceName':'x/nic'}]},'memory':{'guest':'1Gi'}}",
                  "", MAIN, "cpu=105" BASIC STORAGE " memory=2484473536 nvidia.com/A=2 x/nic=1", 1375731712 },
                /* SR-IOV is VFIO, and its model is no virtio. */
                { "'domain':{'devices':{'interfaces':[{'name':'a','sriov':{},'model':'e1000'}]},"
                  "'memory':{'guest':'1Gi'}},'networks':[{'name':'a','multus':{'networkName':'n'}}]",
                  "", MAIN,
                  "cpu=105 devices.kubevirt.io/kvm=1 devices.kubevirt.io/tun=1" STORAGE " memory=2484473536",
                  1375731712 },
                /* Limits alone: guaranteed. The request is the limit; no request, no page tables. */
                { "'domain':{'resources':{'limits':{'cpu':'2','memory':'1Gi'}}}", "", MAIN,
                  "cpu=2015" BASIC STORAGE " memory=1548977920", 415236096 },
                /* Requests alone: 2147484000 / 512 for page tables. */
                { "'domain':{'resources':{'requests':{'cpu':'500m','memory':'2Gi'}}}", "", MAIN,
                  "cpu=505" BASIC STORAGE " memory=2488667840", 306184192 },
                /* Both, equal: guaranteed, with page tables. */
                { "'domain':{'cpu':{'cores':2},'resources':{'requests':{'cpu':'2','memory':'2Gi'},"
                  "'limits':{'cpu':'2','memory':'2Gi'}}}",
                  "", MAIN, "cpu=2015" BASIC STORAGE " memory=2626914048", 419430400 },
                { "'domain':{'memory':{'guest':'1500Mi'}}",
                  "'developerConfiguration':{'memoryOvercommit':150}", MAIN,
                  "cpu=105" BASIC STORAGE " memory=1385565888", 301989888 },
                { "'domain':{'memory':{'guest':'1Gi'}}", "'developerConfiguration':{'useEmulation':true}",
                  MAIN, "cpu=105 devices.kubevirt.io/tun=1" STORAGE " memory=1410731712", 301989888 },
                { "'domain':{'devices':{'autoattachPodInterface':false},'memory':{'guest':'1Gi'}}", "", MAIN,
                  "cpu=105 devices.kubevirt.io/kvm=1" STORAGE " memory=1410731712", 301989888 },
                { "'domain':{'devices':{'autoattachVSOCK':true,'autoattachGraphicsDevice':false,"
                  "'logSerialConsole':false,'disks':[{'name':'d','lun':{'reservation':true}}]},"
                  "'memory':{'guest':'1Gi'}}",
                  "", MAIN,
                  "cpu=100 devices.kubevirt.io/kvm=1 devices.kubevirt.io/pr-helper=1 devices.kubevirt.io/tun=1 "
                  "devices.kubevirt.io/vhost-net=1 devices.kubevirt.io/vhost-vsock=1" STORAGE
                  " memory=1342177280",
                  268435456 },
                /* Half as much again, of whole thousands: 301990 * 0.5 = 150995. */
                { "'domain':{'memory':{'guest':'1Gi'}}", "'additionalGuestMemoryOverheadRatio':'1.5'", MAIN,
                  "cpu=105" BASIC STORAGE " memory=1561726712", 452984888 },
                { "'domain':{'memory':{'guest':'1Gi'}}", "'additionalGuestMemoryOverheadRatio':'much'", MAIN,
                  "cpu=105" BASIC STORAGE " memory=1410731712", 301989888 },
                { "'domain':{'memory':{'guest':'1Gi'},'resources':{'overcommitGuestOverhead':true}}", "",
                  MAIN, "cpu=105" BASIC STORAGE " memory=1108741824", 301989888 },
                /* 120Mi for two probes, 53Mi TPM, 1Mi downward metrics, 10Mi reserved. */
                { "'livenessProbe':{'exec':{}},'readinessProbe':{'exec':{}},'domain':{'devices':{'tpm':{}},"
                  "'memory':{'guest':'1Gi','reservedOverhead':{'addedOverhead':'10Mi'}}},"
                  "'volumes':[{'name':'m','downwardMetrics':{}}]",
                  "", MAIN, "cpu=105" BASIC STORAGE " memory=1603669696", 494927872 },
                { "'livenessProbe':{'guestAgentPing':{}},'domain':{'devices':{'tpm':{'enabled':false}},"
                  "'memory':{'guest':'1Gi'}}",
                  "", MAIN, "cpu=105" BASIC STORAGE " memory=1410731712", 301989888 },
                /* passt 250Mi; a plugin 500Mi once, and its sidecar has no figures. */
                { "'domain':{'devices':{'interfaces':[{'name':'a','passtBinding':{}},{'name':'b','binding':"
                  "{'name':'p'}},{'name':'c','binding':{'name':'p'}}]},'memory':{'guest':'1Gi'}},"
                  "'networks':[{'name':'a','pod':{}},{'name':'b','multus':{'networkName':'n'}},"
                  "{'name':'c','multus':{'networkName':'n'}}]",
                  "'network':{'binding':{'p':{'sidecarImage':'i','computeResourceOverhead':{'requests':"
                  "{'memory':'500Mi'}}}}}",
                  MAIN, "cpu=105" BASIC STORAGE " memory=2197163712", 1088421888 },
                /* What the user requests of devices himself is in the place of what KubeVirt works out. */
                { "'domain':{'memory':{'guest':'1Gi'},'resources':{'requests':{'ephemeral-storage':'1G',"
                  "'devices.kubevirt.io/kvm':'3'},'limits':{'devices.kubevirt.io/kvm':'7'}}}",
                  "", MAIN,
                  "cpu=105 devices.kubevirt.io/kvm=3 devices.kubevirt.io/tun=1 devices.kubevirt.io/vhost-net=1 "
                  "ephemeral-storage=1050000000 memory=1410731712",
                  301989888 },
                { "'domain':{'memory':{'guest':'1Gi'}}", "'cpuRequest':'250m'", MAIN,
                  "cpu=255" BASIC STORAGE " memory=1410731712", 301989888 },
                /* Support containers: the cluster's figures; no console. */
                { "'domain':{'memory':{'guest':'1Gi'}}",
                  "'supportContainerResources':[{'type':'guest-console-log','resources':{'requests':{'cpu':'50m',"
                  "'memory':'0'}}}]",
                  MAIN, "cpu=150" BASIC STORAGE " memory=1410731712", 301989888 },
                { "'domain':{'memory':{'guest':'1Gi'}}",
                  "'virtualMachineOptions':{'disableSerialConsoleLog':{}}", MAIN,
                  "cpu=100" BASIC STORAGE " memory=1375731712", 301989888 },
                /* A volume through virtiofs: 10m and 1M. */
                { "'domain':{'devices':{'filesystems':[{'name':'v','virtiofs':{}}]},'memory':{'guest':'1Gi'}},"
                  "'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'c'}}]",
                  "", MAIN, "cpu=115" BASIC STORAGE " memory=1411731712", 301989888 },
                /* A path of a container is shown by a container that somebody else makes. */
                { "'domain':{'devices':{'filesystems':[{'name':'v','virtiofs':{}}]},'memory':{'guest':'1Gi'}},"
                  "'volumes':[{'name':'v','containerPath':{'path':'/p'}}]",
                  "", MAIN, "cpu=105" BASIC STORAGE " memory=1410731712", 301989888 },
                /* Images are volumes of the pod, or 1m, 1M and 50M for each. */
                { "'domain':{'memory':{'guest':'1Gi'}},'volumes':[{'name':'v','containerDisk':{'image':'i'}}]",
                  "", MAIN, "cpu=105" BASIC STORAGE " memory=1410731712", 301989888 },
                { "'domain':{'firmware':{'kernelBoot':{'container':{}}},'memory':{'guest':'1Gi'}},"
                  "'volumes':[{'name':'v','containerDisk':{'image':'i'}}]",
                  "'developerConfiguration':{'disabledFeatureGates':['ImageVolume']}", MAIN,
                  "cpu=107" BASIC " ephemeral-storage=150000000 memory=1412731712", 301989888 },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct made made;
                make(&made, cases[i].spec, cases[i].configuration, cases[i].version);
                print_message("case %zu\n", i);
                assert_str(made.launcher->problem, "");
                assert_amounts(&made.launcher->requests, cases[i].requests);
                assert_int_equal(made.launcher->memory_overhead, cases[i].overhead);
                done(&made);
        }
}

/* The same instance in each version: the figures of GetMemoryOverhead, and from when on there is a console container. */
static void test_versions(void **state) {
        (void)state;
        static const struct {
                unsigned minor;
                int64_t memory, cpu, overhead;
        } cases[] = {
                /* Until 1.5 the webhook makes the request, so page tables count: 2097152. */
                { 0, 1329594368, 100, 255852544 },  { 1, 1364594368, 105, 255852544 },
                { 2, 1364594368, 105, 255852544 },  { 3, 1364594368, 105, 255852544 },
                { 4, 1369837248, 105, 261095424 },  { 5, 1375080128, 105, 266338304 },
                { 6, 1389760192, 105, 281018368 },  { 7, 1389760192, 105, 281018368 },
                { 8, 1389760192, 105, 281018368 },  { 9, 1389760192, 105, 281018368 },
                { 10, 1410731712, 105, 301989888 }, { 11, 1410731712, 105, 301989888 },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct made made;
                make(&made, "'domain':{'memory':{'guest':'1Gi'}}", "", MV_KUBEVIRT(1, cases[i].minor));
                assert_int_equal(mv_amounts_get(&made.launcher->requests, MV_STR("memory")), cases[i].memory);
                assert_int_equal(mv_amounts_get(&made.launcher->requests, MV_STR("cpu")), cases[i].cpu);
                assert_int_equal(made.launcher->memory_overhead, cases[i].overhead);
                done(&made);
        }
}

static int64_t overhead(const char *spec, const char *configuration, unsigned version) {
        struct made made;
        make(&made, spec, configuration, version);
        int64_t bytes = made.launcher->memory_overhead;
        done(&made);
        return bytes;
}

static void test_overhead_by_version(void **state) {
        (void)state;
        const int64_t mib = 1 << 20;
        const char *const plain = "'domain':{'memory':{'guest':'1Gi'}}";
        const char *const tpm = "'domain':{'devices':{'tpm':{'enabled':false}},'memory':{'guest':'1Gi'}}";
        assert_int_equal(overhead(tpm, "", MV_KUBEVIRT(1, 3)) - overhead(plain, "", MV_KUBEVIRT(1, 3)),
                         53 * mib);
        assert_int_equal(overhead(tpm, "", MV_KUBEVIRT(1, 4)), overhead(plain, "", MV_KUBEVIRT(1, 4)));

        const char *const passt =
                "'domain':{'devices':{'interfaces':[{'name':'a','passt':{}},{'name':'b','passt':{}},{'name':'c',"
                "'passt':{},'ports':[{'port':80}]}]},'memory':{'guest':'1Gi'}}";
        assert_int_equal(overhead(passt, "", MV_KUBEVIRT(1, 2)) - overhead(plain, "", MV_KUBEVIRT(1, 2)),
                         1600 * mib);
        assert_int_equal(overhead(passt, "", MV_KUBEVIRT(1, 3)), overhead(plain, "", MV_KUBEVIRT(1, 3)));

        /* Dedicated CPUs: no 100Mi, 100Mi after the ratio, 100Mi before it. */
        const char *const dedicated =
                "'domain':{'cpu':{'cores':1,'dedicatedCpuPlacement':true},'memory':{'guest':'1Gi'}}";
        const char *const doubled = "'additionalGuestMemoryOverheadRatio':'2'";
        assert_int_equal(overhead(dedicated, doubled, MV_KUBEVIRT(1, 0)),
                         overhead(plain, doubled, MV_KUBEVIRT(1, 0)));
        assert_int_equal(overhead(dedicated, doubled, MV_KUBEVIRT(1, 4)) -
                                 overhead(plain, doubled, MV_KUBEVIRT(1, 4)),
                         100 * mib);
        /* 366Mi and 2097152 are 368345088, counted as 368346000 in the addition... */
        assert_int_equal(overhead(dedicated, doubled, MV_KUBEVIRT(1, 5)), 371195904 + 371196000);

        const char *const reserved =
                "'domain':{'memory':{'guest':'1Gi','reservedOverhead':{'addedOverhead':'10Mi'}}}";
        assert_int_equal(overhead(reserved, "", MV_KUBEVIRT(1, 7)), overhead(plain, "", MV_KUBEVIRT(1, 7)));
        assert_int_equal(overhead(reserved, "", MV_KUBEVIRT(1, 8)) - overhead(plain, "", MV_KUBEVIRT(1, 8)),
                         10 * mib);
        /* A ratio below 1 takes away. */
        assert_int_equal(overhead(plain, "'additionalGuestMemoryOverheadRatio':'0.5'", MAIN),
                         301989888 - 150995000);
}

static void test_limits(void **state) {
        (void)state;
        const struct mv_launcher_namespace quota = { .quota_limits_cpu = true, .quota_limits_memory = true };
        struct made made;
        /* A device is a limit; nothing else is limited but the console. */
        make(&made, "'domain':{'memory':{'guest':'1Gi'}}", "", MAIN);
        assert_amounts(&made.launcher->limits, "cpu=15" BASIC " memory=60000000");
        assert_int_equal(made.launcher->n_containers, 2);
        assert_amounts(&made.launcher->containers[0].limits,
                       "devices.kubevirt.io/kvm=1 devices.kubevirt.io/tun=1 devices.kubevirt.io/vhost-net=1");
        assert_string_equal(made.launcher->containers[1].name, "guest-console-log");
        assert_amounts(&made.launcher->containers[1].requests, "cpu=5 memory=35000000");
        done(&made);
        make(&made, "'domain':{'resources':{'limits':{'cpu':'2','memory':'1Gi','ephemeral-storage':'1G'}}}",
             "", MAIN);
        assert_amounts(&made.launcher->limits,
                       "cpu=2015" BASIC " ephemeral-storage=1050000000 memory=1548977920");
        done(&made);
        /* Where a quota asks for limits, KubeVirt gives some: the CPUs, twice the memory request. */
        make_in(&made, "'domain':{'cpu':{'cores':3},'memory':{'guest':'1Gi'}}", "", "", MAIN, &quota);
        assert_amounts(&made.launcher->limits, "cpu=3015" BASIC " memory=2845017856");
        done(&made);
        struct mv_pair pairs[] = { { MV_STR("alpha.kubevirt.io/auto-memory-limits-ratio"), MV_STR("1.25") },
                                   { MV_STR("tier"), MV_STR("a") } };
        const struct mv_map labels = { .items = pairs, .n = 2, .present = true };
        const struct mv_launcher_namespace labelled = { .labels = &labels, .quota_limits_memory = true };
        make_in(&made, "'domain':{'cpu':{'cores':3},'memory':{'guest':'1Gi'}}", "",
                "'autoCPULimitNamespaceLabelSelector':{'matchLabels':{'tier':'a'}}", MAIN, &labelled);
        assert_amounts(&made.launcher->limits, "cpu=3015" BASIC " memory=1800636160");
        done(&made);
        /* Own limits stay. */
        make_in(&made, "'domain':{'resources':{'limits':{'cpu':'2','memory':'1Gi'}}}", "", "", MAIN, &quota);
        assert_amounts(&made.launcher->limits, "cpu=2015" BASIC " memory=1548977920");
        done(&made);
}

static void attachment(const char *spec, unsigned version, const char *requests) {
        struct made made;
        make(&made, spec, "", version);
        assert_int_equal(made.launcher->has_attachment, *requests != 0);
        assert_amounts(&made.launcher->attachment_requests, requests);
        assert_amounts(&made.launcher->attachment_limits, *requests ? "cpu=100 memory=80000000" : "");
        done(&made);
}

static void test_attachment(void **state) {
        (void)state;
        const char *const hot =
                "'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'c','hotpluggable':true}}]";
        attachment(hot, MAIN, "cpu=10 memory=2000000");
        attachment(hot, MV_KUBEVIRT(1, 1), "cpu=100 memory=80000000");
        attachment("'volumes':[{'name':'v','dataVolume':{'name':'c','hotpluggable':true}}]", MAIN,
                   "cpu=10 memory=2000000");
        attachment("'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'c'}}]", MAIN, "");
}

static void test_emulator_thread(void **state) {
        (void)state;
        static const struct {
                unsigned cores, threads, version;
                int64_t cpu;
        } cases[] = {
                { 4, 0, MAIN, 6015 },
                { 3, 0, MAIN, 4015 },
                { 4, 0, MV_KUBEVIRT(1, 0), 5000 },
                /* KubeVirt counts the threads of the pool twice when it looks for parity: 4 + 1 + 1. */
                { 4, 1, MAIN, 7015 },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char spec[512];
                struct made made;
                snprintf(
                        spec, sizeof spec,
                        "'domain':{'cpu':{'cores':%u,'dedicatedCpuPlacement':true,'isolateEmulatorThread':true},"
                        "'ioThreadsPolicy':'supplementalPool','ioThreads':{'supplementalPoolThreadCount':%u},"
                        "'memory':{'guest':'1Gi'}}",
                        cases[i].cores, cases[i].threads);
                make_in(&made, spec, "'alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity':''", "",
                        cases[i].version, NULL);
                assert_int_equal(mv_amounts_get(&made.launcher->requests, MV_STR("cpu")), cases[i].cpu);
                assert_int_equal(mv_amounts_get(&made.launcher->limits, MV_STR("cpu")), cases[i].cpu);
                done(&made);
        }
}

static void test_sidecars(void **state) {
        (void)state;
        const char *const plain = "'domain':{'memory':{'guest':'1Gi'}}";
        const char *const dedicated =
                "'domain':{'cpu':{'cores':1,'dedicatedCpuPlacement':true},'memory':{'guest':'1Gi'}}";
        struct made made;
        make_in(&made, plain, "'hooks.kubevirt.io/hookSidecars':'[{},{}]'", "", MAIN, NULL);
        assert_amounts(&made.launcher->requests, "cpu=105" BASIC STORAGE " memory=1410731712");
        assert_int_equal(made.launcher->containers[2].count, 2);
        done(&made);
        make_in(&made, plain, "'hooks.kubevirt.io/hookSidecars':'[{},{}]'",
                "'supportContainerResources':[{'type':'sidecar','resources':{'requests':{'cpu':'1','memory':'1M'},"
                "'limits':{'memory':'2M'}}}]",
                MAIN, NULL);
        assert_amounts(&made.launcher->requests, "cpu=2105" BASIC STORAGE " memory=1412731712");
        assert_amounts(&made.launcher->containers[2].limits, "memory=2000000");
        done(&made);
        make_in(&made, dedicated, "'hooks.kubevirt.io/hookSidecars':'[{},{}]'", "", MAIN, NULL);
        assert_amounts(&made.launcher->containers[2].requests, "cpu=200 memory=64000000");
        assert_amounts(&made.launcher->requests, "cpu=1415" BASIC STORAGE " memory=1668589312");
        done(&made);
        make_in(&made, plain, "'hooks.kubevirt.io/hookSidecars':'[{}'", "", MAIN, NULL);
        assert_str(made.launcher->problem,
                   "the annotation hooks.kubevirt.io/hookSidecars is no list in JSON");
        done(&made);
}

static void problem_of(const char *spec, const char *configuration, unsigned version, const char *expected) {
        struct made made;
        make(&made, spec, configuration, version);
        assert_str(made.launcher->problem, expected);
        done(&made);
}

#define DIGITS "1234567890123456789012345678901234567890"

static void test_problems(void **state) {
        (void)state;
        const char *const devices =
                "'domain':{'devices':{'gpus':[{'name':'a','deviceName':'n/A'},{'name':'b','claimName':'c'}],"
                "'hostDevices':[{'name':'c','deviceName':'x/p'},{'name':'d','deviceName':'x/u'},"
                "{'name':'e','deviceName':'x/e'}]}}";
        const char *const some = "'permittedHostDevices':{'pciHostDevices':[{'resourceName':'x/p'}],"
                                 "'usb':[{'resourceName':'x/u'}]}";
        problem_of(devices, "", MAIN, "");
        problem_of(devices, some, MAIN,
                   "GPU n/A is not permitted in permittedHostDevices configuration "
                   "HostDevice x/e is not permitted in permittedHostDevices configuration");
        /* With the gate no GPU was looked at, and claims exempted nothing else. */
        problem_of(devices, some, MV_KUBEVIRT(1, 8),
                   "HostDevice x/e is not permitted in permittedHostDevices configuration");
        problem_of("'domain':{'devices':{'gpus':[{'name':'b','claimName':'c'}],'hostDevices':["
                   "{'name':'c','claimName':'c'}]}}",
                   "'permittedHostDevices':{},'developerConfiguration':{'disabledFeatureGates':["
                   "'GPUsWithDRA','HostDevicesWithDRA']}",
                   MAIN,
                   "GPU  is not permitted in permittedHostDevices configuration "
                   "HostDevice  is not permitted in permittedHostDevices configuration");
        problem_of("'domain':{'devices':{'gpus':[{'name':'a','deviceName':'n/A'}]}}",
                   "'permittedHostDevices':{'mediatedDevices':[{'resourceName':'n/A'}]}", MAIN, "");
        problem_of("'domain':{'devices':{'gpus':[{'name':'a','deviceName':'n/A'}]}}",
                   "'permittedHostDevices':{}", MAIN,
                   "GPU n/A is not permitted in permittedHostDevices configuration");
        problem_of("'domain':{'devices':{'interfaces':[{'name':'a','binding':{'name':'p'}}]}},"
                   "'networks':[{'name':'a','pod':{}}]",
                   "", MAIN, "couldn't find configuration for network binding: p");
        /* Quantities, but of more digits than anybody can count with. */
        problem_of("'domain':{'resources':{'requests':{'memory':'" DIGITS "'}}}", "", MAIN,
                   "resources.requests.memory is no quantity: " DIGITS);
        problem_of("'domain':{'resources':{'limits':{'x/y':'" DIGITS "'}}}", "", MAIN,
                   "resources.limits.x/y is no quantity: " DIGITS);
}

/* Nothing overflows, nothing is negative. */
static void test_hostile(void **state) {
        (void)state;
        static const char *const specs[] = {
                "'domain':{'memory':{'guest':'9223372036854775807','hugepages':{'pageSize':'1Gi'}},"
                "'resources':{'requests':{'memory':'9E','cpu':'9E'},'limits':{'memory':'9E','cpu':'9E'}}}",
                "'domain':{'cpu':{'cores':9223372036854775807,'sockets':9223372036854775807,'threads':2,"
                "'dedicatedCpuPlacement':true,'isolateEmulatorThread':true},"
                "'ioThreads':{'supplementalPoolThreadCount':9223372036854775807}}",
                "'domain':{'cpu':{'cores':9223372036854775807},"
                "'ioThreads':{'supplementalPoolThreadCount':9223372036854775807}}",
                "'domain':{'cpu':{'cores':-4,'sockets':-1},'memory':{'guest':'-1Gi'},"
                "'resources':{'requests':{'memory':'-1','cpu':'-1','ephemeral-storage':'-9E'}}}",
        };
        static const char *const configurations[] = {
                "",
                "'additionalGuestMemoryOverheadRatio':'1e300'",
                ("'additionalGuestMemoryOverheadRatio':'-5','developerConfiguration':{"
                 "'memoryOvercommit':9223372036854775807,'cpuAllocationRatio':9223372036854775807}"),
                "'developerConfiguration':{'memoryOvercommit':1,'cpuAllocationRatio':1}",
        };
        const struct mv_launcher_namespace quota = { .quota_limits_cpu = true, .quota_limits_memory = true };
        for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
                for (size_t k = 0; k < sizeof configurations / sizeof *configurations; k++) {
                        struct made made;
                        make_in(&made, specs[i], "", configurations[k], MAIN, &quota);
                        for (size_t j = 0; j < made.launcher->requests.n; j++)
                                assert_true(made.launcher->requests.items[j].amount >= 0);
                        for (size_t j = 0; j < made.launcher->limits.n; j++)
                                assert_true(made.launcher->limits.items[j].amount >= 0);
                        assert_true(made.launcher->memory_overhead >= 0);
                        done(&made);
                }
}

static void pod(const char *spec, const char *requests, const char *limits) {
        char items[2048];
        struct mv_arena arena;
        snprintf(items, sizeof items, "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p'},'spec':{%s}}",
                 spec);
        struct mv_snapshot *snapshot = snapshot_make(items);
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_pod *object = mv_snapshot_at(snapshot, MV_KIND_POD, 0);
        struct mv_amounts found = mv_pod_requests(&arena, object);
        assert_amounts(&found, requests);
        found = mv_pod_limits(&arena, object);
        assert_amounts(&found, limits);
        mv_arena_done(&arena);
        mv_snapshot_free(snapshot);
}

#define CONTAINER(requests, limits) \
        "{'name':'c','resources':{'requests':{" requests "},'limits':{" limits "}}}"
#define SIDECAR(requests) "{'name':'s','restartPolicy':'Always','resources':{'requests':{" requests "}}}"

static void test_pods(void **state) {
        (void)state;
        pod("'containers':[]", "", "");
        pod("'containers':[" CONTAINER("'cpu':'100m','memory':'1Mi'",
                                       "'cpu':'1'") "," CONTAINER("'cpu':'1'", "'x/y':'2'") "]",
            "cpu=1100 memory=1048576 x/y=2", "cpu=1000 x/y=2");
        /* The hungriest init container. */
        pod("'containers':[" CONTAINER("'cpu':'1','memory':'10'", "") "],'initContainers':[" CONTAINER(
                    "'cpu':'3','memory':'5','x/y':'1'", "") "," CONTAINER("'cpu':'2','memory':'11'", "") "]",
            "cpu=3000 memory=11 x/y=1", "");
        /* Sidecars count with the containers, and with the init containers behind them. */
        pod("'containers':[" CONTAINER("'cpu':'1'", "") "],'initContainers':[" CONTAINER(
                    "'cpu':'4'",
                    "") "," SIDECAR("'cpu':'2'") "," CONTAINER("'cpu':'1500m'",
                                                               "") "," SIDECAR("'cpu':'500m'") "]",
            "cpu=4000", "");
        pod("'containers':[" CONTAINER("'cpu':'1'", "") "],'initContainers':[" SIDECAR(
                    "'cpu':'2'") "," CONTAINER("'cpu':'3'", "") "]",
            "cpu=5000", "");
        pod("'containers':[" CONTAINER("'cpu':'1'",
                                       "'memory':'5'") "],'overhead':{'cpu':'250m','memory':'7'}",
            "cpu=1250 memory=12", "memory=12");
        /* What is said for the whole pod; pieces stay those of the containers. */
        pod("'containers':[" CONTAINER("'cpu':'1','x/y':'3'",
                                       "") "],'resources':{'requests':{'cpu':'7','x/y':'9'}}",
            "cpu=7000 x/y=3", "");
        pod("'containers':[" CONTAINER("'memory':'9E'", "") "," CONTAINER("'memory':'9E','cpu':'much'",
                                                                          "") "]",
            "cpu=0 memory=9223372036854775807", "");
}

static void test_print(void **state) {
        (void)state;
        static const struct {
                const char *name;
                int64_t amount;
                const char *text;
        } cases[] = {
                { "cpu", 1500, "1500m" },
                { "cpu", 2000, "2" },
                { "requests.cpu", 105, "105m" },
                { "memory", 1073741824, "1Gi" },
                { "memory", 7, "7" },
                { "limits.memory", 1410731712, "1410731712" },
                { "requests.hugepages-2Mi", 4194304, "4Mi" },
                { "pods", 3, "3" },
                { "requests.storage", 1048576, "1Mi" },
        };
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                assert_str(mv_amount_print(&arena, mv_str_from(cases[i].name), cases[i].amount),
                           cases[i].text);
        mv_arena_done(&arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_requests),
                cmocka_unit_test(test_versions),
                cmocka_unit_test(test_overhead_by_version),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_attachment),
                cmocka_unit_test(test_emulator_thread),
                cmocka_unit_test(test_sidecars),
                cmocka_unit_test(test_problems),
                cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_pods),
                cmocka_unit_test(test_print),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
