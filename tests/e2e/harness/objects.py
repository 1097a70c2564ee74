# SPDX-License-Identifier: Apache-2.0
"""Objects to ask about, and the example cluster of the repository."""
import pathlib
import uuid

import yaml

from . import crds

EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "examples" / "cluster"


def example_cluster():
    """All objects of examples/cluster, namespaces first."""
    found = [obj for path in sorted(EXAMPLES.glob("*.yaml"))
             for obj in yaml.safe_load_all(path.read_text(encoding="utf-8")) if obj]
    return sorted(found, key=lambda obj: obj["kind"] != "Namespace")


def namespace(name, **labels):
    return {"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {f"migvet.io/{key}": value for key, value in labels.items()}}}


def instance_spec(binding="masquerade", claim=None, **more):
    """A spec that can migrate, unless binding is bridge or the claim cannot."""
    devices = {"interfaces": [{"name": "default", binding: {}}]}
    spec = {"architecture": "amd64", "evictionStrategy": "LiveMigrate",
            "domain": {"cpu": {"model": "Haswell"}, "memory": {"guest": "1Gi"}, "devices": devices},
            "networks": [{"name": "default", "pod": {}}], **more}
    if claim:
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
        devices["disks"] = [{"name": "data", "disk": {"bus": "virtio"}}]
    return spec


def _object(api_version, kind, name, namespace_name, **body):
    meta = {"name": name, "namespace": namespace_name} if namespace_name else {"name": name}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **body}


def machine(name, where, version="v1", **spec):
    return _object(f"kubevirt.io/{version}", "VirtualMachine", name, where,
                   spec={"runStrategy": "Always", "template": {"spec": instance_spec(**spec)}})


def instance(name, where, node="node-a", migratable=None, **spec):
    conditions = [] if migratable is None else [{"type": "LiveMigratable", "status": str(migratable)}]
    return _object("kubevirt.io/v1", "VirtualMachineInstance", name, where, spec=instance_spec(**spec),
                   status={"phase": "Running", "nodeName": node, "conditions": conditions})


def migration(name, where, vmi):
    return _object("kubevirt.io/v1", "VirtualMachineInstanceMigration", name, where, spec={"vmiName": vmi})


def claim(name, where, mode="ReadWriteMany"):
    return _object("v1", "PersistentVolumeClaim", name, where,
                   spec={"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}})


def policy(name, **spec):
    return _object("migrations.kubevirt.io/v1alpha1", "MigrationPolicy", name, None,
                   spec={"selectors": {"virtualMachineInstanceSelector": {"app": name}}, **spec})


def maintenance(name, node, group="nodemaintenance.medik8s.io"):
    return _object(f"{group}/v1beta1", "NodeMaintenance", name, None, spec={"nodeName": node, "reason": "test"})


def launcher(vmi, where, node="node-a"):
    """The pod in which an instance runs."""
    pod = _object("v1", "Pod", f"virt-launcher-{vmi}", where,
                  spec={"nodeName": node, "containers": [{"name": "compute", "image": "launcher"}]},
                  status={"phase": "Running"})
    pod["metadata"] |= {"labels": {"kubevirt.io": "virt-launcher"}, "annotations": {"kubevirt.io/domain": vmi}}
    return pod


def eviction(pod, where):
    return _object("policy/v1", "Eviction", pod, where)


def review_of(obj, operation="CREATE", user="jane", old=None):
    """An AdmissionReview, as the API server sends it."""
    group, _, version = obj["apiVersion"].rpartition("/")
    plural = next(row[2] for row in crds.rows() if row[:2] == [group, obj["kind"]])
    kind = {"group": group, "version": version, "kind": obj["kind"]}
    resource = {"group": group, "version": version, "resource": plural}
    meta = obj["metadata"]
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {"uid": str(uuid.uuid4()), "kind": kind, "resource": resource, "requestKind": kind,
                        "requestResource": resource, "name": meta["name"], "namespace": meta.get("namespace", ""),
                        "operation": operation, "object": obj, "oldObject": old, "dryRun": False, "options": None,
                        "userInfo": {"username": user, "groups": ["system:authenticated"]}}}
