/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/cluster.h"

#include "policy/base/arena.h"
#include "policy/object/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A small cluster, which a review may refer to; ' stands for ". Namespace strict enforces a level. */
#define INSTANCE(name, binding, rest)                                                                    \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'" name "'}," \
        "'spec':{'architecture':'amd64','evictionStrategy':'LiveMigrate',"                               \
        "'domain':{'cpu':{'model':'Haswell'},'devices':{"                                                \
        "'interfaces':[{'name':'default','" binding "':{}}],'disks':[{'name':'d','disk':{}}]}},"         \
        "'networks':[{'name':'default','pod':{}}],"                                                      \
        "'volumes':[{'name':'d','persistentVolumeClaim':{'claimName':'shared'}}]}" rest "}"
#define NODE(name)                                                                  \
        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'" name "','labels':{" \
        "'kubevirt.io/schedulable':'true','kubernetes.io/arch':'amd64',"            \
        "'cpu-vendor.node.kubevirt.io/Intel':'true',"                               \
        "'cpu-model.node.kubevirt.io/Haswell':'true'}}}"
#define CLAIM(name, mode)                                                                   \
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'" name "'}," \
        "'spec':{'accessModes':['" mode "']}}"

static const char *const objects[] = {
        "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt',"
        "'metadata':{'name':'kubevirt','namespace':'kubevirt'},"
        "'spec':{'configuration':{'developerConfiguration':{'featureGates':['HotplugVolumes','Snapshot',"
        "'DecentralizedLiveMigration']},'migrations':{'parallelMigrationsPerCluster':3,'allowPostCopy':true,"
        "'bandwidthPerMigration':'64Mi'},'permittedHostDevices':{'pciHostDevices':[{'pciVendorSelector':'10DE:1EB8',"
        "'resourceName':'example.org/card'}]}}},"
        "'status':{'phase':'Deployed','observedKubeVirtVersion':'v1.8.4'}}",
        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'strict','labels':{"
        "'migvet.io/enforce':'migratable','migvet.io/warn':'banana'}}}",
        "{'apiVersion':'storage.k8s.io/v1','kind':'StorageClass','metadata':{'name':'local',"
        "'annotations':{'storageclass.kubernetes.io/is-default-class':'true'}},'provisioner':'x'}",
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':"
        "{'name':'m','uid':'1','labels':{'kubevirt.io/vmi-name':'web'}},'spec':{'vmiName':'web'}}",
        NODE("a"),
        NODE("b"),
        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'c','labels':{'kubevirt.io/schedulable':'true',"
        "'kubernetes.io/arch':'amd64','kubernetes.io/hostname':'c','zone':'z','cpu-model.node.kubevirt.io/Haswell':'true',"
        "'cpu-feature.node.kubevirt.io/vmx':'true','cpu-timer.node.kubevirt.io/tsc-frequency':'2000000000'}},"
        "'spec':{'taints':[{'key':'t','value':'v','effect':'NoSchedule'}]},"
        "'status':{'allocatable':{'cpu':'4','memory':'8Gi','pods':'10','example.org/card':'1'}}}",
        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'virt-launcher-web','labels':{'kubevirt.io':'virt-launcher',"
        "'app':'x'},'annotations':{'kubevirt.io/domain':'web'},'ownerReferences':[{'apiVersion':'kubevirt.io/v1',"
        "'kind':'VirtualMachineInstance','name':'web','uid':'2','controller':true}]},'spec':{'nodeName':'a',"
        "'affinity':{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':"
        "'kubernetes.io/hostname','labelSelector':{'matchLabels':{'app':'x'}}}]}},'containers':[{'name':'compute',"
        "'resources':{'requests':{'cpu':'1','memory':'1Gi'}}}]},'status':{'phase':'Running'}}",
        "{'apiVersion':'instancetype.kubevirt.io/v1beta1','kind':'VirtualMachineClusterInstancetype',"
        "'metadata':{'name':'medium'},'spec':{'cpu':{'guest':2,'dedicatedCPUPlacement':true},'memory':{'guest':'2Gi',"
        "'hugepages':{'pageSize':'2Mi'}},'gpus':[{'name':'g','deviceName':'example.org/card'}],"
        "'nodeSelector':{'zone':'z'},'annotations':{'a':'b'}}}",
        "{'apiVersion':'instancetype.kubevirt.io/v1beta1','kind':'VirtualMachineInstancetype',"
        "'metadata':{'name':'small'},'spec':{'cpu':{'guest':1,'maxSockets':4},'memory':{'guest':'1Gi'},"
        "'ioThreadsPolicy':'auto','launchSecurity':{'sev':{}}}}",
        "{'apiVersion':'instancetype.kubevirt.io/v1beta1','kind':'VirtualMachineClusterPreference','metadata':"
        "{'name':'linux'},'spec':{'devices':{'preferredTPM':{},'preferredInterfaceModel':'virtio',"
        "'preferredInterfaceMasquerade':{},'preferredAutoattachPodInterface':true},'firmware':{'preferredUseEfi':true,"
        "'preferredUseSecureBoot':true},'cpu':{'preferredCPUTopology':'preferSockets'},'features':{'preferredHyperv':{}},"
        "'preferredTerminationGracePeriodSeconds':5,'requirements':{'cpu':{'guest':2},'memory':{'guest':'1Gi'}}}}",
        "{'apiVersion':'migrations.kubevirt.io/v1alpha1','kind':'MigrationPolicy','metadata':{'name':'fast'},'spec':"
        "{'selectors':{'namespaceSelector':{'migvet.io/enforce':'migratable'},'virtualMachineInstanceSelector':{'a':'b'}},"
        "'bandwidthPerMigration':'1Gi','allowAutoConverge':true}}",
        "{'apiVersion':'v1','kind':'ResourceQuota','metadata':{'name':'q'},'spec':{'hard':{'requests.memory':'16Gi',"
        "'pods':'5'}},'status':{'hard':{'requests.memory':'16Gi','pods':'5'},'used':{'requests.memory':'15Gi','pods':'4'}}}",
        "{'apiVersion':'v1','kind':'LimitRange','metadata':{'name':'l'},'spec':{'limits':[{'type':'Container',"
        "'default':{'cpu':'1'},'defaultRequest':{'memory':'1Gi'},'max':{'memory':'4Gi'}}]}}",
        "{'apiVersion':'policy/v1','kind':'PodDisruptionBudget','metadata':{'name':'p'},'spec':{'minAvailable':1,"
        "'selector':{'matchLabels':{'app':'x'}}},'status':{'disruptionsAllowed':0}}",
        "{'apiVersion':'k8s.cni.cncf.io/v1','kind':'NetworkAttachmentDefinition','metadata':{'name':'lan'},"
        "'spec':{'config':'{\\u0022type\\u0022:\\u0022macvtap\\u0022}'}}",
        "{'apiVersion':'v1','kind':'PersistentVolume','metadata':{'name':'pv'},'spec':{'accessModes':['ReadWriteOnce'],"
        "'capacity':{'storage':'1Gi'},'claimRef':{'namespace':'shop','name':'local'},'nodeAffinity':{'required':"
        "{'nodeSelectorTerms':[{'matchExpressions':[{'key':'kubernetes.io/hostname','operator':'In','values':['a']}]}]}}}}",
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'local'},'spec':{'accessModes':"
        "['ReadWriteMany'],'storageClassName':'local','volumeName':'pv'},'status':{'phase':'Bound'}}",
        "{'apiVersion':'cdi.kubevirt.io/v1beta1','kind':'DataVolume','metadata':{'name':'dv'},'spec':{'storage':{"
        "'storageClassName':'local','resources':{'requests':{'storage':'1Gi'}}}},'status':{'phase':'Succeeded'}}",
        "{'apiVersion':'cdi.kubevirt.io/v1beta1','kind':'StorageProfile','metadata':{'name':'local'},'status':{"
        "'provisioner':'x','claimPropertySets':[{'accessModes':['ReadWriteMany'],'volumeMode':'Block'}]}}",
        CLAIM("shared", "ReadWriteMany"),
        CLAIM("ledger", "ReadWriteOnce"),
        INSTANCE("fine", "masquerade", ""),
        INSTANCE("web", "masquerade", ""),
        INSTANCE("db", "bridge", ""),
        INSTANCE("gone", "masquerade", ",'status':{'phase':'Failed'}"),
        INSTANCE("stuck", "bridge",
                 ",'status':{'phase':'Running','conditions':[{'type':'LiveMigratable','status':'False',"
                 "'reason':'InterfaceNotLiveMigratable','message':'no'}]}"),
};

/* Followed by what the scanner may read beyond the end. */
static int add(struct mv_snapshot_builder *builder, const char *object, struct mv_err *err) {
        char text[2048] = "";
        size_t n = strlen(object);
        if (n + MV_SCAN_PADDING > sizeof text)
                abort();
        for (size_t i = 0; i < n; i++)
                text[i] = (char)(object[i] == '\'' ? '"' : object[i]);
        return mv_snapshot_builder_add(builder, (struct mv_str){ text, n }, MV_STR("cluster"), err);
}

const struct mv_snapshot *fuzz_cluster(void) {
        static struct mv_snapshot *snapshot;
        struct mv_err err = { 0 };
        if (snapshot)
                return snapshot;
        struct mv_snapshot_builder *builder = mv_snapshot_builder_new(&mv_allocator_system, MV_STR("shop"));
        char text[1152];
        int r = builder ? 0 : -1;
        for (size_t i = 0; r == 0 && i < sizeof objects / sizeof *objects; i++)
                r = add(builder, objects[i], &err);
        if (r < 0 || mv_snapshot_builder_finish(builder, &snapshot, &err) < 0) {
                fprintf(stderr, "%s\n", mv_err_format(&err, text, sizeof text));
                abort();
        }
        return snapshot;
}

const struct mv_config *fuzz_config(void) {
        static const char text[] =
                "apiVersion: config.migvet.io/v1alpha1\n"
                "kind: Configuration\n"
                "fillNodeSelector: true\n"
                "namespaces:\n"
                "- {names: ['str.*'], migrations: deny, rules: {cpu-model: blocker, migration-port: off}}\n"
                "- {selector: {matchLabels: {migvet.io/enforce: migratable}}, warn: resilient}\n"
                "exemptions:\n"
                "- {users: ['backup-.*'], selector: {matchLabels: {a: b}}, reason: they know}\n"
                "- {groups: ['system:.*'], namespaces: [kube-system], reason: theirs}\n"
                "annotationExemptions: {users: [jane], groups: ['ops-.*']}\n"
                "siteRules:\n"
                "- {name: known-model, kinds: [VirtualMachine, VirtualMachineInstance], severity: blocker, pattern: 'H.*',\n"
                "   field: 'spec.template.spec.domain.cpu.model', message: other models are old, fix: use another}\n"
                "- {name: known-storage, kinds: [VirtualMachine], severity: note, pattern: 'lo.*', absent: pass,\n"
                "   field: storageClass.provisioner, message: other storage is slow, fix: use another}\n";
        static struct mv_config config;
        static struct mv_arena arena;
        struct mv_err err = { 0 };
        char line[1152];
        if (arena.allocator)
                return &config;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        if (mv_config_read(&arena, MV_STR(text), &config, &err) < 0) {
                fprintf(stderr, "%s\n", mv_err_format(&err, line, sizeof line));
                abort();
        }
        return &config;
}

static const char *const keys[] = {
        "accessModes",
        "addedNodeSelector",
        "affinity",
        "annotations",
        "apiVersion",
        "architecture",
        "autoattachPodInterface",
        "bridge",
        "claimName",
        "cloudInitNoCloud",
        "conditions",
        "cores",
        "cpu",
        "dataVolume",
        "dataVolumeTemplates",
        "dedicatedCpuPlacement",
        "deletionTimestamp",
        "deviceName",
        "devices",
        "disks",
        "domain",
        "emptyDisk",
        "evictionStrategy",
        "features",
        "filesystems",
        "gpus",
        "guest",
        "hostDevices",
        "hostDisk",
        "hugepages",
        "hyperv",
        "hypervPassthrough",
        "instancetype",
        "interfaces",
        "kind",
        "labels",
        "launchSecurity",
        "limits",
        "lun",
        "macvtap",
        "masquerade",
        "maxGuest",
        "maxSockets",
        "memory",
        "memoryDump",
        "metadata",
        "migratedVolumes",
        "migrationID",
        "model",
        "multus",
        "name",
        "namespace",
        "networkName",
        "networks",
        "nodeAffinity",
        "nodeName",
        "nodeSelector",
        "nodeSelectorTerms",
        "object",
        "oldObject",
        "operation",
        "ownerReferences",
        "persistent",
        "persistentVolumeClaim",
        "phase",
        "pod",
        "podAffinity",
        "portRanges",
        "ports",
        "preference",
        "printableStatus",
        "priority",
        "realtime",
        "receive",
        "reenlightenment",
        "requests",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "reservation",
        "resources",
        "revisionName",
        "running",
        "runStrategy",
        "schedulerName",
        "sendTo",
        "sev",
        "sockets",
        "spec",
        "sriov",
        "start",
        "status",
        "subResource",
        "tdx",
        "template",
        "tolerations",
        "topologySpreadConstraints",
        "tpm",
        "tsc",
        "type",
        "uid",
        "userInfo",
        "username",
        "virtiofs",
        "virtualMachineTemplate",
        "vmiName",
        "volumes",
        NULL,
};

static const char *const values[] = {
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "65535",
        "49152",
        "9223372036854775807",
        "1.5",
        "\"\"",
        "\"x\"",
        "\"a\"",
        "\"b\"",
        "[]",
        "{}",
        "[{}]",
        "[null]",
        "{\"name\":\"x\"}",
        "{\"pod\":{}}",
        "\"CREATE\"",
        "\"UPDATE\"",
        "\"DELETE\"",
        "\"CONNECT\"",
        "\"VirtualMachine\"",
        "\"VirtualMachineInstance\"",
        "\"VirtualMachineInstanceMigration\"",
        "\"VirtualMachineInstanceReplicaSet\"",
        "\"VirtualMachinePool\"",
        "\"MigrationPolicy\"",
        "\"kubevirt.io/v1\"",
        "\"kubevirt.io\"",
        "\"v1alpha3\"",
        "\"virtualmachines\"",
        "\"status\"",
        "\"shop\"",
        "\"strict\"",
        "\"kube-system\"",
        "\"fine\"",
        "\"web\"",
        "\"db\"",
        "\"gone\"",
        "\"stuck\"",
        "\"medium\"",
        "\"small\"",
        "\"linux\"",
        "\"lan\"",
        "\"dv\"",
        "\"VirtualMachineClusterInstancetype\"",
        "\"VirtualMachineInstancetype\"",
        "\"VirtualMachineClusterPreference\"",
        "\"example.org/card\"",
        "\"eviction\"",
        "\"pods\"",
        "\"namespaces\"",
        "\"Node\"",
        "\"KubeVirt\"",
        "\"shared\"",
        "\"ledger\"",
        "\"local\"",
        "\"LiveMigrate\"",
        "\"LiveMigrateIfPossible\"",
        "\"External\"",
        "\"None\"",
        "\"Haswell\"",
        "\"host-model\"",
        "\"host-passthrough\"",
        "\"amd64\"",
        "\"arm64\"",
        "\"1Gi\"",
        "\"1GB\"",
        "\"100m\"",
        "\"-1\"",
        "\"9999999999999999999Ei\"",
        "\"Halted\"",
        "\"Always\"",
        "\"Running\"",
        "\"Failed\"",
        "\"Succeeded\"",
        "\"True\"",
        "\"False\"",
        "\"2026-01-01T00:00:00Z\"",
        "{\"masquerade\":{},\"name\":\"default\"}",
        "{\"claimName\":\"ledger\"}",
        "{\"matchLabels\":{}}",
        "{\"kubernetes.io/arch\":\"amd64\"}",
        "{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"kubernetes.io/hostname\",\"operator\":\"In\",\"values\":[\"a\"]}]}]}",
        "\"system:serviceaccount:kubevirt:kubevirt-controller\"",
        "{\"migvet.io/enforce\":\"migratable\"}",
        "{\"requests\":{\"memory\":\"1Gi\"}}",
        NULL,
};

const struct fuzz_words fuzz_review_words = { keys, values };
