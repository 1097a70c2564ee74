/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a live cluster of that size costs: bytes for each object of a kind, the memory that the process has in the end, and
 * how long reading them takes. Machines and claims are as an API server sends them, nodes have the 250 labels of the node
 * labeller. Each tenth machine and claim then changes, twice, so that the memory is as used as that of a server.
 *
 *   memory [MACHINES [CLAIMS [NODES]]]
 */
#include "tests/bench/live.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { NAMESPACES = 200, FEATURES = 100, MODELS = 40, REQUIRED_FEATURES = 60 };

/* --- objects; ' stands for " --- */

static void write_meta(struct mv_buf *text, const char *name, unsigned i, unsigned version) {
        mv_buf_format(
                text,
                "{'metadata':{'name':'%s-%u','namespace':'team-%u','uid':'8a3c0f52-1d7e-4b60-9c55-%012u',"
                "'resourceVersion':'%u','generation':3,'creationTimestamp':'2026-03-01T10:%02u:%02uZ',",
                name, i, i % NAMESPACES, i, 100000 + i + version, i / 60 % 60, i % 60);
}

static void write_machine(struct mv_buf *text, unsigned i, unsigned version) {
        write_meta(text, "machine", i, version);
        mv_buf_format(
                text,
                "'labels':{'app':'app-%u','tier':'web'},'annotations':{'kubemacpool.io/transaction-timestamp':"
                "'2026-03-01T10:%02u:%02u.123456789Z','kubevirt.io/latest-observed-api-version':'v1',"
                "'kubevirt.io/storage-observed-api-version':'v1'},'finalizers':['kubevirt.io/virtualMachineControllerFinalize'"
                "],'managedFields':[{'manager':'kubectl','operation':'Update','apiVersion':'kubevirt.io/v1','fieldsType':"
                "'FieldsV1','fieldsV1':{'f:spec':{'f:template':{}}}}]},",
                i % 500, i / 60 % 60, i % 60);
        mv_buf_format(
                text,
                "'spec':{'runStrategy':'%s','dataVolumeTemplates':[{'metadata':{'name':'machine-%u-root'},'spec':{"
                "'sourceRef':{'kind':'DataSource','name':'fedora','namespace':'golden-images'},'storage':{'resources':{"
                "'requests':{'storage':'30Gi'}}}}}],'template':{'metadata':{'labels':{'app':'app-%u','kubevirt.io/domain':"
                "'machine-%u','kubevirt.io/size':'medium'}},'spec':{'architecture':'amd64','evictionStrategy':'LiveMigrate',"
                "'domain':{'cpu':{'cores':2,'model':'host-model','sockets':1,'threads':1},'devices':{'disks':[{'name':"
                "'root','disk':{'bus':'virtio'}},{'name':'data','disk':{'bus':'virtio'}},{'name':'cloudinit','disk':{'bus':"
                "'virtio'}}],'interfaces':[{'name':'default','macAddress':'02:00:00:%02x:%02x:%02x','masquerade':{},"
                "'model':'virtio'}],'rng':{}},'features':{'acpi':{},'smm':{'enabled':true}},'firmware':{'bootloader':{"
                "'efi':{}},'serial':'s-%u','uuid':'5d307ca9-b3ef-428c-8861-%012u'},'machine':{'type':'pc-q35-rhel9.4.0'},"
                "'memory':{'guest':'4Gi'},'resources':{}},'networks':[{'name':'default','pod':{}}],"
                "'terminationGracePeriodSeconds':180,'volumes':[{'name':'root','dataVolume':{'name':'machine-%u-root'}},"
                "{'name':'data','persistentVolumeClaim':{'claimName':'claim-%u'}},{'name':'cloudinit','cloudInitNoCloud':{"
                "'userData':'#cloud-config\\nuser: fedora\\npassword: x\\nchpasswd: { expire: False }'}}]}}},",
                version % 2 ? "Halted" : "Always", i, i % 500, i, i / 65536 % 256, i / 256 % 256, i % 256, i,
                i, i, 2 * i + 1);
        mv_buf_format(
                text,
                "'status':{'conditions':[{'type':'Ready','status':'True','lastProbeTime':null,'lastTransitionTime':"
                "'2026-03-01T10:00:00Z'},{'type':'LiveMigratable','status':'True'},{'type':'AgentConnected','status':"
                "'True'}],'created':true,'desiredGeneration':3,'observedGeneration':3,'printableStatus':'Running','ready':true,"
                "'runStrategy':'Always','volumeSnapshotStatuses':[{'name':'root','enabled':true},{'name':'data','enabled':"
                "true},{'name':'cloudinit','enabled':false,'reason':'Snapshot is not supported for this volumeSource type'"
                "}]}}");
}

static void write_claim(struct mv_buf *text, unsigned i, unsigned version) {
        write_meta(text, "claim", i, version);
        mv_buf_format(
                text,
                "'labels':{'app':'containerized-data-importer','app.kubernetes.io/component':'storage',"
                "'app.kubernetes.io/managed-by':'cdi-controller'},'annotations':{'cdi.kubevirt.io/allowClaimAdoption':"
                "'true','cdi.kubevirt.io/createdForDataVolume':'0c9b8e17-66a1-4a86-8f0e-%012u','cdi.kubevirt.io/"
                "storage.condition.running':'false','cdi.kubevirt.io/storage.condition.running.message':'Clone Complete',"
                "'cdi.kubevirt.io/storage.condition.running.reason':'Completed','cdi.kubevirt.io/storage.populator.progress':"
                "'100.0%%','pv.kubernetes.io/bind-completed':'yes','pv.kubernetes.io/bound-by-controller':'yes',"
                "'volume.kubernetes.io/storage-provisioner':'openshift-storage.rbd.csi.ceph.com'},'finalizers':['kubernetes.io/"
                "pvc-protection'],'ownerReferences':[{'apiVersion':'cdi.kubevirt.io/v1beta1','blockOwnerDeletion':true,"
                "'controller':true,'kind':'DataVolume','name':'claim-%u','uid':'0c9b8e17-66a1-4a86-8f0e-%012u'}]},",
                i, i, i);
        mv_buf_format(
                text,
                "'spec':{'accessModes':['ReadWriteMany'],'dataSource':{'apiGroup':'cdi.kubevirt.io','kind':"
                "'VolumeCloneSource','name':'volume-clone-source-%u'},'resources':{'requests':{'storage':'%u'}},"
                "'storageClassName':'ceph-rbd-virtualization','volumeMode':'Block','volumeName':'pvc-6e21fb0c-47a3-4f0b-"
                "8fd5-%012u'},'status':{'accessModes':['ReadWriteMany'],'capacity':{'storage':'30Gi'},'phase':'%s'}}",
                i, 32212254, i, version % 2 ? "Lost" : "Bound");
}

static void write_node(struct mv_buf *text, unsigned i, unsigned version) {
        mv_buf_format(
                text,
                "{'metadata':{'name':'node-%u','uid':'77a4-%u','resourceVersion':'%u','labels':{'kubernetes.io/hostname':"
                "'node-%u','kubernetes.io/arch':'amd64','kubevirt.io/schedulable':'true','topology.kubernetes.io/zone':"
                "'zone-%u','host-model-cpu.node.kubevirt.io/Model-%u':'true','machine-type.node.kubevirt.io/q35':'true'",
                i, i, i + version, i, i % 3, i % 3);
        for (unsigned k = 0; k < FEATURES; k++)
                mv_buf_format(text, ",'cpu-feature.node.kubevirt.io/feature-%u':'true'", k);
        for (unsigned k = 0; k < MODELS; k++)
                mv_buf_format(
                        text,
                        ",'cpu-model.node.kubevirt.io/Model-%u':'true','cpu-model-migration.node.kubevirt.io/"
                        "Model-%u':'true'",
                        k, k);
        for (unsigned k = 0; k < REQUIRED_FEATURES; k++)
                mv_buf_format(text, ",'host-model-required-features.node.kubevirt.io/feature-%u':'true'", k);
        mv_buf_format(
                text,
                "}},'spec':{},'status':{'allocatable':{'cpu':'%u','memory':'%uGi','pods':'500','ephemeral-storage':'900Gi',"
                "'devices.kubevirt.io/kvm':'1k','devices.kubevirt.io/tun':'1k','devices.kubevirt.io/vhost-net':'1k'}}}",
                64 + i % 7 * 16, 256 + (i + version) % 11 * 64);
}

/* --- measuring --- */

static double resident_mib(void) {
        char line[256];
        double kib = 0;
        FILE *status = fopen("/proc/self/status", "r");
        while (status && fgets(line, sizeof line, status))
                if (sscanf(line, "VmRSS: %lf", &kib) == 1)
                        break;
        if (status)
                fclose(status);
        return kib / 1024;
}

struct sort {
        const char *name;
        enum mv_kind kind;
        void (*write)(struct mv_buf *text, unsigned i, unsigned version);
        unsigned n;
};

static void read_all(struct mv_live *live, const struct sort *sort, struct mv_buf *text) {
        size_t before = mallinfo2().uordblks;
        double begun = bench_now();
        mv_live_begin(live, sort->kind);
        for (unsigned i = 0; i < sort->n; i++) {
                sort->write(text, i, 0);
                bench_put(live, sort->kind, text);
        }
        mv_live_end(live, sort->kind);
        mv_live_know(live, sort->kind, MV_KNOWLEDGE_ALL, MV_STR(""));
        double took = bench_now() - begun;
        bench_publish(live);
        printf("%-10s %8u   %6.0f bytes each   %6.2f s, with writing them\n", sort->name, sort->n,
               (double)(mallinfo2().uordblks - before) / sort->n, took);
}

static void change_some(struct mv_live *live, const struct sort *sort, unsigned version,
                        struct mv_buf *text) {
        for (unsigned i = version; i < sort->n; i += 10) {
                sort->write(text, i, version);
                bench_put(live, sort->kind, text);
                if (i % 1000 == version)
                        bench_publish(live);
        }
        bench_publish(live);
}

int main(int argc, char **argv) {
        struct sort sorts[] = {
                { "machines", MV_KIND_VM, write_machine, 100000 },
                { "claims", MV_KIND_CLAIM, write_claim, 200000 },
                { "nodes", MV_KIND_NODE, write_node, 5000 },
        };
        enum { SORTS = sizeof sorts / sizeof *sorts };
        for (int i = 1; i < argc && i <= SORTS; i++)
                sorts[i - 1].n = (unsigned)strtoul(argv[i], NULL, 10);
        struct mv_store *store = mv_store_new();
        struct mv_live *live = store ? mv_live_new(store) : NULL;
        struct mv_buf text;
        mv_buf_init(&text, &mv_allocator_system, 1 << 20);
        if (!live)
                bench_stop("out of memory");
        for (size_t i = 0; i < SORTS; i++)
                if (sorts[i].n)
                        read_all(live, &sorts[i], &text);
        printf("%-10s %8.0f MiB, of which the heap uses %.0f MiB\n", "resident", resident_mib(),
               (double)(mallinfo2().uordblks + mallinfo2().hblkhd) / 1048576);
        for (unsigned version = 1; version <= 2; version++)
                for (size_t i = 0; i < 2; i++)
                        change_some(live, &sorts[i], version, &text);
        printf("%-10s %8.0f MiB, of which the heap uses %.0f MiB, when a tenth has changed twice\n",
               "resident", resident_mib(), (double)(mallinfo2().uordblks + mallinfo2().hblkhd) / 1048576);
        mv_buf_done(&text);
        mv_store_free(store);
        mv_live_free(live);
        return 0;
}
