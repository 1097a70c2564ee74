/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one review costs in a cluster of so many machines, each with an instance, a pod, a claim and its volume, and with a
 * migration that has ended; namespaces of 50 machines, with a quota and a limit range.
 *
 *   growth machine|template|migration MACHINES    prints microseconds; under callgrind only reviews are counted (growth.sh)
 */
#include "policy/review.h"
#include "tests/bench/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <valgrind/callgrind.h>

enum { NAMESPACE = 50, NODES = 20, ROUNDS = 10 };

#define HARDWARE                                                                                                 \
        "'architecture':'amd64','evictionStrategy':'LiveMigrate','domain':{'cpu':{'model':'Haswell','cores':2}," \
        "'memory':{'guest':'2Gi'},'devices':{'disks':[{'name':'root','disk':{'bus':'virtio'}}],'interfaces':[{"  \
        "'name':'default','masquerade':{}}]}},'networks':[{'name':'default','pod':{}}],'volumes':"
#define SPEC HARDWARE "[{'name':'root','persistentVolumeClaim':{'claimName':'claim-%u'}}]"

static void put_machine(struct mv_live *live, struct mv_buf *text, unsigned i) {
        unsigned ns = i / NAMESPACE;
#define META(name) \
        "{'metadata':{'name':'" name "-%u','namespace':'ns-%u','uid':'" name "-%u','resourceVersion':'7'"
        mv_buf_format(text,
                      META("machine") "},'spec':{'runStrategy':'Always','template':{'spec':{" SPEC "}}}}", i,
                      ns, i, i);
        bench_put(live, MV_KIND_VM, text);
        mv_buf_format(
                text,
                META("machine") "},'spec':{" SPEC
                                "},'status':{'phase':'Running','nodeName':'node-%u','conditions':[{'type':"
                                "'LiveMigratable','status':'True'}]}}",
                i, ns, i, i, i % NODES);
        bench_put(live, MV_KIND_VMI, text);
        mv_buf_format(
                text,
                META("launcher") ",'labels':{'kubevirt.io':'virt-launcher','kubevirt.io/created-by':'machine-%u'"
                                 "}},'spec':{'nodeName':'node-%u','containers':[{'name':'compute','resources':{"
                                 "'requests':{'memory':'10Mi'}}}]},'status':{'phase':'Running'}}",
                i, ns, i, i, i % NODES);
        bench_put(live, MV_KIND_POD, text);
        mv_buf_format(
                text,
                META("claim") "},'spec':{'accessModes':['ReadWriteMany'],'volumeMode':'Block','volumeName':'pv-%u'"
                              "},'status':{'phase':'Bound'}}",
                i, ns, i, i);
        bench_put(live, MV_KIND_CLAIM, text);
        mv_buf_format(
                text,
                "{'metadata':{'name':'pv-%u'},'spec':{'storageClassName':'by-hand','accessModes':['ReadWriteMany'],'capacity':{'storage'"
                ":'10Gi'}}}",
                i);
        bench_put(live, MV_KIND_PERSISTENT_VOLUME, text);
        mv_buf_format(
                text,
                META("migration") ",'labels':{'kubevirt.io/vmi-name':'machine-%u'}},'spec':{'vmiName':'machine-%u'"
                                  "},'status':{'phase':'Succeeded'}}",
                i, ns, i, i, i);
        bench_put(live, MV_KIND_MIGRATION, text);
}

static void put_namespace(struct mv_live *live, struct mv_buf *text, unsigned i) {
        mv_buf_format(text, "{'metadata':{'name':'ns-%u','labels':{'team':'%u'}}}", i, i);
        bench_put(live, MV_KIND_NAMESPACE, text);
        mv_buf_format(text, META("quota") "},'spec':{'hard':{'pods':'200','requests.memory':'900Gi'}}}", i, i,
                      i);
        bench_put(live, MV_KIND_RESOURCE_QUOTA, text);
        mv_buf_format(text,
                      META("range") "},'spec':{'limits':[{'type':'Container','max':{'memory':'64Gi'}}]}}", i,
                      i, i);
        bench_put(live, MV_KIND_LIMIT_RANGE, text);
}

static void put_rest(struct mv_live *live, struct mv_buf *text) {
        for (unsigned i = 0; i < NODES; i++) {
                mv_buf_format(
                        text,
                        "{'metadata':{'name':'node-%u','labels':{'kubernetes.io/arch':'amd64','kubevirt.io/schedulable':"
                        "'true','cpu-model.node.kubevirt.io/Haswell':'true','machine-type.node.kubevirt.io/q35':'true','kubernetes.io/hostname':'node-%u'}},'status':{"
                        "'allocatable':{'cpu':'9000','memory':'90Ti','pods':'90000','devices.kubevirt.io/kvm':'90k',"
                        "'devices.kubevirt.io/tun':'90k','devices.kubevirt.io/vhost-net':'90k','ephemeral-storage':'90Ti'"
                        "}}}",
                        i, i);
                bench_put(live, MV_KIND_NODE, text);
        }
        mv_buf_format(text,
                      "{'metadata':{'name':'kubevirt','namespace':'kubevirt'},'status':{'phase':'Deployed',"
                      "'observedKubeVirtVersion':'v1.8.4'}}");
        bench_put(live, MV_KIND_KUBEVIRT, text);
        mv_buf_format(text, "{'metadata':{'name':'fast'},'provisioner':'example.org/fast'}");
        bench_put(live, MV_KIND_STORAGE_CLASS, text);
}

static struct mv_live *make_cluster(struct mv_store *store, unsigned machines) {
        struct mv_live *live = mv_live_new(store);
        struct mv_buf text;
        if (!live)
                bench_stop("out of memory");
        mv_buf_init(&text, &mv_allocator_system, 1 << 20);
        for (unsigned i = 0; i < machines; i++)
                put_machine(live, &text, i);
        for (unsigned i = 0; i * NAMESPACE < machines; i++)
                put_namespace(live, &text, i);
        put_rest(live, &text);
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                mv_live_know(live, (enum mv_kind)kind, MV_KNOWLEDGE_ALL, MV_STR(""));
        bench_publish(live);
        mv_buf_done(&text);
        return live;
}

#define REVIEW(resource, kind, object)                                                                       \
        "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','request':{'uid':'1','kind':{'group':" \
        "'kubevirt.io','version':'v1','kind':'" kind                                                         \
        "'},'resource':{'group':'kubevirt.io','version':'v1','resource':'" resource                          \
        "'},'name':'new','namespace':'ns-0','operation':'CREATE','userInfo':{'username':'jane'},'object':{"  \
        "'apiVersion':'kubevirt.io/v1','kind':'" kind                                                        \
        "','metadata':{'name':'new','namespace':'ns-0'}," object "}}}"

/* Its claim would come of a volume, since there is no class of that name. */
#define TEMPLATE                                                                                               \
        "'spec':{'runStrategy':'Always','dataVolumeTemplates':[{'metadata':{'name':'root'},'spec':{'source':{" \
        "'blank':{}},'storage':{'storageClassName':'by-hand','resources':{'requests':{'storage':'5Gi'}}}}}],"  \
        "'template':{'spec':{" HARDWARE "[{'name':'root','dataVolume':{'name':'root'}}]}}}"

static double review(const struct mv_snapshot *snapshot, struct mv_str body) {
        struct mv_config config;
        struct mv_review_result result;
        mv_config_init(&config);
        const double begun = bench_now();
        for (int i = 0; i < ROUNDS; i++) {
                struct mv_arena arena;
                struct mv_buf response;
                mv_arena_init(&arena, &mv_allocator_system, mv_review_memory(&config, body.n));
                mv_buf_init(&response, &mv_allocator_system, 1 << 20);
                CALLGRIND_START_INSTRUMENTATION;
                int status = mv_review_answer(
                        &(struct mv_review_input){
                                .arena = &arena, .snapshot = snapshot, .config = &config, .live = true },
                        body, &response, &result);
                CALLGRIND_STOP_INSTRUMENTATION;
                if (status != 200 || !result.judged || !mv_str_is(result.decision.verdict, "True"))
                        bench_stop(response.p);
                mv_buf_done(&response);
                mv_arena_done(&arena);
        }
        return (bench_now() - begun) * 1e6 / ROUNDS;
}

int main(int argc, char **argv) {
        if (argc != 3)
                bench_stop("usage: growth machine|template|migration MACHINES");
        const bool migration = strcmp(argv[1], "migration") == 0, template = strcmp(argv[1], "template") == 0;
        struct mv_store *store = mv_store_new();
        if (!store)
                bench_stop("out of memory");
        struct mv_live *live = make_cluster(store, (unsigned)strtoul(argv[2], NULL, 10));
        struct mv_buf body;
        mv_buf_init(&body, &mv_allocator_system, 1 << 20);
        if (migration)
                mv_buf_format(&body,
                              REVIEW("virtualmachineinstancemigrations", "VirtualMachineInstanceMigration",
                                     "'spec':{'vmiName':'machine-7'}"));
        else if (template)
                mv_buf_format(&body, REVIEW("virtualmachines", "VirtualMachine", TEMPLATE));
        else
                mv_buf_format(&body,
                              REVIEW("virtualmachines", "VirtualMachine",
                                     "'spec':{'runStrategy':'Always','template':{'spec':{" SPEC "}}}"),
                              7);
        const struct mv_snapshot *snapshot = mv_store_borrow(store);
        printf("%-10s %8s machines %8.0f us a review\n", argv[1], argv[2],
               review(snapshot, bench_finish(&body)));
        mv_store_return(store, snapshot);
        mv_buf_done(&body);
        mv_store_free(store);
        mv_live_free(live);
        return 0;
}
