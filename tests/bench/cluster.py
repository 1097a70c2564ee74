#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Objects for the benchmarks: a large cluster as JSON lists, and reviews about it.

    cluster.py DIRECTORY [--nodes N] [--vms N] [--running N]

writes DIRECTORY/cluster/KIND-NNN.json and DIRECTORY/reviews/NAME.json. `vms` VirtualMachines stand in 100 namespaces; the
first `running` of them have their instance, claim and launcher pod. The same arguments give the same bytes.
"""
import argparse
import itertools
import json
import pathlib

NAMESPACES = 100
FEATURES, MODELS = 60, 20
PER_FILE = 10000
TIME = "2026-01-15T08:30:00Z"


def uid_of(number):
    return f"6f1c{number:04x}-0000-4000-8000-{number:012d}"


def namespace_of(number):
    return f"team-{number % NAMESPACES}"


# --- the cluster -----------------------------------------------------------------------------------------------------


def settings():
    """What there is one of, or few."""
    yield {"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": {"name": "kubevirt", "namespace": "kubevirt"},
           "spec": {"configuration": {"migrations": {"parallelMigrationsPerCluster": 20,
                                                     "parallelOutboundMigrationsPerNode": 4}}},
           "status": {"phase": "Deployed", "defaultArchitecture": "amd64", "observedKubeVirtVersion": "v1.8.4",
                      "targetKubeVirtVersion": "v1.8.4"}}
    yield {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "ceph"},
           "provisioner": "rbd.csi.ceph.com"}
    yield {"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "StorageProfile", "metadata": {"name": "ceph"}, "spec": {},
           "status": {"storageClass": "ceph", "provisioner": "rbd.csi.ceph.com",
                      "claimPropertySets": [{"accessModes": ["ReadWriteMany"], "volumeMode": "Block"}]}}
    for number in range(10):
        yield {"apiVersion": "migrations.kubevirt.io/v1alpha1", "kind": "MigrationPolicy",
               "metadata": {"name": f"tier-{number}"},
               "spec": {"bandwidthPerMigration": f"{number + 1}Gi", "completionTimeoutPerGiB": 150,
                        "selectors": {"namespaceSelector": {"tier": f"tier-{number}"}}}}
    for number in range(NAMESPACES):
        yield {"apiVersion": "v1", "kind": "Namespace",
               "metadata": {"name": f"team-{number}", "labels": {"kubernetes.io/metadata.name": f"team-{number}",
                                                                 "tier": f"tier-{number % 20}"}}}


def node(number):
    labels = {"kubernetes.io/hostname": f"node-{number}", "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
              "kubevirt.io/schedulable": "true", "topology.kubernetes.io/zone": f"zone-{number % 3}",
              "topology.kubernetes.io/rack": f"rack-{number // 40}", "cpu-vendor.node.kubevirt.io/Intel": "true",
              f"host-model-cpu.node.kubevirt.io/Model-{MODELS - 1}": "true",
              "machine-type.node.kubevirt.io/q35": "true", "machine-type.node.kubevirt.io/pc-q35-rhel9.6.0": "true"}
    lacks = number // 50 % FEATURES if number % 50 == 0 else None  # one in 50 lacks something
    for k in range(FEATURES):
        if k != lacks:
            labels[f"cpu-feature.node.kubevirt.io/feature-{k}"] = "true"
    for k in range(MODELS):
        labels[f"cpu-model.node.kubevirt.io/Model-{k}"] = "true"
        labels[f"cpu-model-migration.node.kubevirt.io/Model-{k}"] = "true"
    spec = {"unschedulable": True} if number % 97 == 0 else {}
    if number % 101 == 0:
        spec["taints"] = [{"key": "dedicated", "value": "db", "effect": "NoSchedule"}]
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{number}", "labels": labels}, "spec": spec,
            "status": {"allocatable": {"cpu": str(64 + number % 7 * 16), "memory": f"{256 + number % 11 * 64}Gi",
                                       "pods": "250", "ephemeral-storage": "900Gi", "devices.kubevirt.io/kvm": "1k",
                                       "devices.kubevirt.io/tun": "1k", "devices.kubevirt.io/vhost-net": "1k"}}}


def instance_spec(number):
    return {"architecture": "amd64", "evictionStrategy": "LiveMigrate", "terminationGracePeriodSeconds": 180,
            "domain": {"cpu": {"cores": 2, "sockets": 1, "threads": 1, "model": f"Model-{number % MODELS}"},
                       "memory": {"guest": f"{2 + number % 4 * 2}Gi"}, "machine": {"type": "q35"},
                       "devices": {"disks": [{"name": "root", "disk": {"bus": "virtio"}},
                                             {"name": "seed", "disk": {"bus": "virtio"}}],
                                   "interfaces": [{"name": "default", "model": "virtio", "masquerade": {}}],
                                   "rng": {}},
                       "resources": {"requests": {"memory": f"{2 + number % 4 * 2}Gi"}}},
            "networks": [{"name": "default", "pod": {}}],
            "volumes": [{"name": "root", "persistentVolumeClaim": {"claimName": f"vm-{number}-root"}},
                        {"name": "seed", "cloudInitNoCloud": {"secretRef": {"name": f"vm-{number}-seed"}}}]}


def labels_of(number):
    return {"app": f"app-{number // 10}", "tier": "web", "kubevirt.io/domain": f"vm-{number}"}


def vm(number, running):
    running = number < running
    status = {"printableStatus": "Running" if running else "Stopped", "created": running, "ready": running,
              "conditions": [{"type": "Ready", "status": "True" if running else "False", "lastTransitionTime": TIME}]}
    return {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
            "metadata": {"name": f"vm-{number}", "namespace": namespace_of(number), "uid": uid_of(number),
                         "creationTimestamp": TIME, "generation": 1, "labels": {"app": f"app-{number // 10}"}},
            "spec": {"runStrategy": "Always" if running else "Halted",
                     "template": {"metadata": {"labels": labels_of(number)}, "spec": instance_spec(number)}},
            "status": status}


def vmi(number, nodes):
    # What the instance of this number shows: one in ten cannot migrate.
    stays = number % 10 == 9
    condition = {"type": "LiveMigratable", "status": "False" if stays else "True"}
    if stays:
        condition |= {"reason": "DisksNotLiveMigratable", "message": "cannot migrate VMI: PVC is not shared"}
    return {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance",
            "metadata": {"name": f"vm-{number}", "namespace": namespace_of(number), "uid": uid_of(1000000 + number),
                         "creationTimestamp": TIME, "labels": labels_of(number),
                         "ownerReferences": [{"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "controller": True,
                                              "name": f"vm-{number}", "uid": uid_of(number)}]},
            "spec": instance_spec(number),
            "status": {"phase": "Running", "nodeName": f"node-{number % nodes}", "migrationTransport": "Unix",
                       "conditions": [{"type": "Ready", "status": "True"}, condition],
                       "interfaces": [{"name": "default", "ipAddress": "10.0.0.7"}]}}


def claim(number):
    mode = "ReadWriteOnce" if number % 10 == 9 else "ReadWriteMany"
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": f"vm-{number}-root", "namespace": namespace_of(number), "uid": uid_of(2000000 + number),
                         "creationTimestamp": TIME, "labels": {"app": f"app-{number // 10}"}},
            "spec": {"accessModes": [mode], "volumeMode": "Block", "storageClassName": "ceph",
                     "resources": {"requests": {"storage": "30Gi"}}},
            "status": {"phase": "Bound", "accessModes": [mode], "capacity": {"storage": "30Gi"}}}


def pod(number, nodes):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": f"virt-launcher-vm-{number}-x{number:05x}", "namespace": namespace_of(number),
                         "uid": uid_of(3000000 + number),
                         "labels": labels_of(number) | {"kubevirt.io": "virt-launcher",
                                                        "kubevirt.io/created-by": uid_of(1000000 + number)}},
            "spec": {"nodeName": f"node-{number % nodes}",
                     "containers": [{"name": "compute", "image": "registry/virt-launcher:v1.8.4",
                                     "resources": {"requests": {"cpu": "200m", "memory": "2300Mi"}}}]},
            "status": {"phase": "Running"}}


def write_lists(directory, kind, objects):
    """Files of PER_FILE objects each, so that nobody has to hold all of them."""
    objects = iter(objects)
    for number in itertools.count():
        some = list(itertools.islice(objects, PER_FILE))
        if not some:
            return
        with open(directory / f"{kind}-{number:03}.json", "w") as file:
            json.dump({"apiVersion": "v1", "kind": "List", "items": some}, file, separators=(",", ":"))


def write_cluster(directory, nodes, vms, running):
    directory.mkdir(parents=True)
    write_lists(directory, "settings", settings())
    write_lists(directory, "nodes", map(node, range(nodes)))
    write_lists(directory, "vms", (vm(number, running) for number in range(vms)))
    write_lists(directory, "vmis", (vmi(number, nodes) for number in range(running)))
    write_lists(directory, "claims", map(claim, range(running)))
    write_lists(directory, "pods", (pod(number, nodes) for number in range(running)))


# --- reviews ---------------------------------------------------------------------------------------------------------


def fields(value):
    """What the API server notes of the fields that somebody has set."""
    if isinstance(value, dict):
        return {".": {}} | {f"f:{key}": fields(member) for key, member in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict) and "name" in value[0]:
        return {".": {}} | {f'k:{{"name":"{member["name"]}"}}': fields(member) for member in value}
    return {}


def managed(obj):
    set_by_user = {"f:metadata": {"f:annotations": fields(obj["metadata"].get("annotations", {})),
                                  "f:labels": fields(obj["metadata"].get("labels", {}))}, "f:spec": fields(obj["spec"])}
    obj["metadata"]["managedFields"] = [{"apiVersion": obj["apiVersion"], "fieldsType": "FieldsV1", "fieldsV1": set_by_user,
                                         "manager": "kubectl-create", "operation": "Update", "time": TIME}]
    return obj


def new_vm():
    """A database server as its team would write it: a disk from an image, two networks, anti-affinity; about 8 kB."""
    spec = instance_spec(0)
    spec["domain"]["cpu"] = {"cores": 4, "sockets": 1, "threads": 1, "model": "Model-7",
                             "features": [{"name": "feature-3", "policy": "require"},
                                          {"name": "feature-9", "policy": "require"}]}
    spec["domain"]["firmware"] = {"bootloader": {"efi": {"secureBoot": True}}, "uuid": uid_of(77)}
    spec["domain"]["features"] = {"acpi": {}, "smm": {"enabled": True}}
    spec["domain"]["clock"] = {"utc": {}, "timer": {"hpet": {"present": False}, "pit": {"tickPolicy": "delay"},
                                                    "rtc": {"tickPolicy": "catchup"}}}
    devices = spec["domain"]["devices"]
    devices["disks"].append({"name": "data", "disk": {"bus": "virtio"}, "cache": "none", "io": "native"})
    devices["interfaces"].append({"name": "storage", "model": "virtio", "bridge": {}, "macAddress": "02:00:00:00:00:17"})
    devices["networkInterfaceMultiqueue"] = True
    devices["inputs"] = [{"name": "tablet", "type": "tablet", "bus": "virtio"}]
    spec["networks"].append({"name": "storage", "multus": {"networkName": "storage-vlan"}})
    spec["volumes"] = [{"name": "root", "dataVolume": {"name": "ledger-root"}},
                       {"name": "data", "dataVolume": {"name": "ledger-data"}},
                       {"name": "seed", "cloudInitNoCloud": {"userData": "#cloud-config\nhostname: ledger\nusers:\n" + "".join(
                           f"- name: operator{k}\n  groups: [wheel, dba]\n  ssh_authorized_keys:\n  - ssh-ed25519 "
                           f"AAAAC3NzaC1lZDI1NTE5AAAAI{'k' * 43} operator{k}@example\n" for k in range(8))}}]
    spec["affinity"] = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 100, "podAffinityTerm": {"topologyKey": "topology.kubernetes.io/zone",
                                            "labelSelector": {"matchLabels": {"app": "ledger"}}}}]}}
    spec["tolerations"] = [{"key": "dedicated", "operator": "Equal", "value": "db", "effect": "NoSchedule"}]
    spec["readinessProbe"] = {"tcpSocket": {"port": 5432}, "initialDelaySeconds": 30, "periodSeconds": 10}
    templates = [{"metadata": {"name": f"ledger-{disk}"},
                  "spec": {"storage": {"accessModes": ["ReadWriteMany"], "volumeMode": "Block", "storageClassName": "ceph",
                                       "resources": {"requests": {"storage": size}}}, "source": source}}
                 for disk, size, source in (
                     ("root", "30Gi", {"registry": {"url": "docker://registry.example/images/linux:9"}}),
                     ("data", "200Gi", {"blank": {}}))]
    return managed({"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
                    "metadata": {"name": "ledger", "namespace": "team-7", "uid": uid_of(5), "creationTimestamp": TIME,
                                 "generation": 1, "labels": {"app": "ledger", "team": "payments", "stage": "production"},
                                 "annotations": {"example.com/owner": "payments@example.com",
                                                 "example.com/ticket": "https://tickets.example/PAY-1234"}},
                    "spec": {"runStrategy": "Always", "dataVolumeTemplates": templates,
                             "template": {"metadata": {"labels": {"app": "ledger", "kubevirt.io/domain": "ledger"},
                                                       "annotations": {"vm.kubevirt.io/os": "linux",
                                                                       "vm.kubevirt.io/workload": "server"}},
                                          "spec": spec}}})


def new_migration(number):
    """A migration of the running VM of that number."""
    return managed({"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration",
                    "metadata": {"name": f"move-vm-{number}", "namespace": namespace_of(number), "uid": uid_of(6),
                                 "creationTimestamp": TIME, "generation": 1},
                    "spec": {"vmiName": f"vm-{number}"}})


def changed_vm():
    """The same with another amount of memory: what is new is judged, and what was before."""
    obj = new_vm()
    obj["metadata"]["generation"] = 2
    obj["spec"]["template"]["spec"]["domain"]["memory"]["guest"] = "16Gi"
    return obj


def labelled_vm():
    """The same with another label: nothing is judged."""
    obj = new_vm()
    obj["metadata"]["labels"]["stage"] = "test"
    return obj


def review_of(obj, old=None):
    """As kube-apiserver asks about the creation or the update of an object by a person."""
    resource = obj["kind"].lower() + "s"
    kind = {"group": "kubevirt.io", "version": "v1", "kind": obj["kind"]}
    gvr = {"group": "kubevirt.io", "version": "v1", "resource": resource}
    metadata = obj["metadata"]
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
            "request": {"uid": uid_of(4), "kind": kind, "resource": gvr, "requestKind": kind, "requestResource": gvr,
                        "name": metadata["name"], "namespace": metadata["namespace"], "operation": "UPDATE" if old else "CREATE",
                        "userInfo": {"username": "jane@example.com", "groups": ["payments", "system:authenticated"]},
                        "object": obj, "oldObject": old, "dryRun": False,
                        "options": {"kind": "UpdateOptions" if old else "CreateOptions", "apiVersion": "meta.k8s.io/v1",
                                    "fieldManager": "kubectl-create", "fieldValidation": "Strict"}}}


# Reviews by name: object, the old one, and whether the answer is yes. Those that begin with `mutate-` go to /mutate.
REVIEWS = {
    "vm-create": (new_vm, None, True),
    "vmim-create": (lambda: new_migration(10), None, True),
    "denial": (lambda: new_migration(9), None, False),
    "vm-update": (changed_vm, new_vm, True),
    "vm-update-label": (labelled_vm, new_vm, True),
    "mutate-vm-create": (new_vm, None, True),
}


def write_reviews(directory):
    directory.mkdir(parents=True)
    for name, (make, make_old, _) in REVIEWS.items():
        review = review_of(make(), make_old() if make_old else None)
        (directory / f"{name}.json").write_text(json.dumps(review, separators=(",", ":")))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--vms", type=int, default=100000)
    parser.add_argument("--running", type=int, default=10000)
    arguments = parser.parse_args()
    write_cluster(arguments.directory / "cluster", arguments.nodes, arguments.vms, arguments.running)
    write_reviews(arguments.directory / "reviews")


if __name__ == "__main__":
    main()
