#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write a generated cluster as JSON files: generate.py DIRECTORY [NODES [VMS]]."""
import json
import pathlib
import sys


def node(i):
    return {"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": f"node-{i:04}", "labels": {
                "kubernetes.io/hostname": f"node-{i:04}", "kubernetes.io/arch": "amd64", "kubevirt.io/schedulable": "true",
                "cpu-vendor.node.kubevirt.io/Intel": "true", "cpu-model.node.kubevirt.io/Haswell": "true",
                "machine-type.node.kubevirt.io/q35": "true"}},
            "status": {"allocatable": {"cpu": "32", "memory": "256Gi", "pods": "110", "devices.kubevirt.io/kvm": "1k",
                                       "devices.kubevirt.io/tun": "1k", "devices.kubevirt.io/vhost-net": "1k"}}}


def vm(i, nodes):
    name, namespace, home = f"vm-{i:05}", f"team-{i % 50:02}", f"node-{i % nodes:04}"
    uid = f"uid-{name}"
    strategy = "LiveMigrate" if i % 7 else "None"
    spec = {"architecture": "amd64", "evictionStrategy": strategy, "terminationGracePeriodSeconds": 60 + i % 60,
            "domain": {"cpu": {"model": "Haswell", "cores": 2, "sockets": 1, "threads": 1},
                       "machine": {"type": "q35"}, "memory": {"guest": f"{2 + i % 6}Gi"},
                       "devices": {"interfaces": [{"name": "default", "masquerade": {}}],
                                   "disks": [{"name": "root", "disk": {"bus": "virtio"}}]}},
            "networks": [{"name": "default", "pod": {}}],
            "volumes": [{"name": "root", "persistentVolumeClaim": {"claimName": name}}]}
    owner = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": name, "uid": f"vm-{uid}", "controller": True}
    yield {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
           "metadata": {"name": name, "namespace": namespace, "uid": f"vm-{uid}"},
           "spec": {"runStrategy": "Always" if i % 3 else "Manual", "template": {"spec": spec}}}
    yield {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance",
           "metadata": {"name": name, "namespace": namespace, "uid": uid, "ownerReferences": [owner]}, "spec": spec,
           "status": {"phase": "Running", "nodeName": home, "selinuxContext": "none",
                      "conditions": [{"type": "LiveMigratable", "status": "True"}]}}
    yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": namespace},
           "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "20Gi"}}}}
    yield {"apiVersion": "v1", "kind": "Pod",
           "metadata": {"name": f"virt-launcher-{name}", "namespace": namespace,
                        "labels": {"kubevirt.io": "virt-launcher", "kubevirt.io/created-by": uid},
                        "ownerReferences": [{"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance",
                                             "name": name, "uid": uid, "controller": True}]},
           "spec": {"nodeName": home, "containers": [{"name": "compute", "resources": {"requests": {
               "cpu": "200m", "memory": f"{2300 + i % 6 * 1024}Mi", "devices.kubevirt.io/kvm": "1",
               "devices.kubevirt.io/tun": "1", "devices.kubevirt.io/vhost-net": "1"}}}]},
           "status": {"phase": "Running"}}


def write(directory, nodes, vms):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "nodes.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List",
                                                      "items": [node(i) for i in range(nodes)]}), encoding="utf-8")
    each = 1000
    for first in range(0, vms, each):
        items = [item for i in range(first, min(first + each, vms)) for item in vm(i, nodes)]
        (directory / f"vms-{first:05}.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}),
                                                        encoding="utf-8")


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:] or (1000, 20000)))
