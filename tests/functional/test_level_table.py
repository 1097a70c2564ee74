# SPDX-License-Identifier: Apache-2.0
"""tests/levels.txt, which the unit tests ask for whole, again over HTTPS: the lines about files."""
import copy
import fnmatch
import itertools

import pytest
import yaml

from support import PLAIN, ROOT, Server, instance, instance_spec, machine, migration, namespace_of, review_of

VALUES = {
    "level": ["none", "declared", "migratable", "resilient"],
    "verdict": ["True", "False", "Unknown"],
    "kind": ["VM", "VMI", "VMI-of-VM", "VMIM", "Pool", "ReplicaSet", "MigrationPolicy", "NodeMaintenance"],
    "operation": ["CREATE", "UPDATE-better", "UPDATE-same", "UPDATE-worse", "DELETE"],
    "who": ["person", "controller", "kube-system", "exempt", "backup"],
}
USERS = {
    "person": "jane", "exempt": "trusted", "backup": "system:serviceaccount:backup:restorer",
    "controller": "system:serviceaccount:kubevirt:kubevirt-controller",
    "kube-system": "system:serviceaccount:kube-system:replicaset-controller",
}
CONFIG = {"apiVersion": "config.migvet.io/v1alpha1", "kind": "Configuration",
          "exemptions": [{"users": ["system:serviceaccount:backup:.*"], "reason": "restores"}],
          "annotationExemptions": {"users": ["trusted"]}}
OWNER = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": "m", "uid": "1", "controller": True}
CELLS = list(itertools.product(*VALUES.values()))


def lines_of(section):
    """(columns, answer) of each line."""
    here = None
    for line in (ROOT / "tests" / "levels.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            here = line.strip("[]")
        elif line and not line.startswith("#") and here == section:
            words = line.split()
            yield words[:5], words[5:]


def answer_of(lines, cell):
    found = {tuple(answer) for columns, answer in lines
             if all(any(fnmatch.fnmatchcase(value, word) for word in words.split("|"))
                    for value, words in zip(cell, columns))}
    assert len(found) == 1, (cell, found)
    allowed, code, warned, level = found.pop()
    return allowed, code, warned, {"=": cell[0], "-": None}.get(level, level)


def spec_of(faults, changed):
    """Faults: bridge, gpu, claim (which is not there), risk."""
    spec = instance_spec("bridge" if "bridge" in faults else "masquerade", "absent" if "claim" in faults else None,
                         evictionStrategy="None" if "risk" in faults else "LiveMigrate")
    spec["domain"]["machine"] = {"type": "q35"}
    if "gpu" in faults:
        spec["domain"]["devices"]["gpus"] = [{"name": "g", "deviceName": "a/b"}]
    if changed:
        spec["terminationGracePeriodSeconds"] = 30
    return spec


def faults_of(verdict, operation, before):
    now = {"True": {"risk"} if operation == "UPDATE-worse" else set(), "False": {"bridge"}, "Unknown": {"claim"}}[verdict]
    if not before or operation == "UPDATE-same":
        return now
    better = {"bridge", "gpu"} if verdict == "False" else {"bridge"}
    return better if operation == "UPDATE-better" else set()


def policy_spec(verdict, operation, before):
    spec = {"selectors": {"virtualMachineInstanceSelector": {"app": "a"}}}
    if not before:
        spec["allowAutoConverge"] = True
    if before and operation == "UPDATE-worse":
        return spec
    if before and operation == "UPDATE-better":
        return {**spec, "completionTimeoutPerGiB": -1, "bandwidthPerMigration": "-1"}
    if verdict != "True":
        spec["completionTimeoutPerGiB"] = -1 if verdict == "False" else "soon"
    elif operation == "UPDATE-worse":
        spec["bandwidthPerMigration"] = "64"
    return spec


def object_of(cell, before):
    level, verdict, kind, operation, who = cell
    where = f"l-{level}"
    spec = spec_of(faults_of(verdict, operation, before), not before and not kind.startswith("VMI"))
    labels = {"a": "b"}
    more = {"replicas": 1, "selector": {"matchLabels": labels}}
    if kind == "VM":
        obj = machine(namespace=where, spec=spec)
    elif kind in ("VMI", "VMI-of-VM"):
        obj = instance("m", where, spec, **({"ownerReferences": [OWNER]} if kind == "VMI-of-VM" else {}))
        del obj["status"]
    elif kind == "VMIM":
        other = before and operation in ("UPDATE-better", "UPDATE-worse")
        obj = migration("other" if other else f"vmi-{verdict.lower()}", where, "m")
    elif kind == "Pool":
        obj = {"apiVersion": "pool.kubevirt.io/v1beta1", "kind": "VirtualMachinePool",
               "metadata": {"name": "m", "namespace": where},
               "spec": {**more, "virtualMachineTemplate": {
                   "metadata": {"labels": labels}, "spec": {"runStrategy": "Always", "template": {"spec": spec}}}}}
    elif kind == "ReplicaSet":
        obj = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceReplicaSet",
               "metadata": {"name": "m", "namespace": where},
               "spec": {**more, "template": {"metadata": {"labels": labels}, "spec": spec}}}
    elif kind == "MigrationPolicy":
        obj = {"apiVersion": "migrations.kubevirt.io/v1alpha1", "kind": kind, "metadata": {"name": "m"},
               "spec": policy_spec(verdict, operation, before)}
    else:
        node = "absent" if verdict == "Unknown" else f"node-{verdict.lower()}"
        obj = {"apiVersion": "nodemaintenance.medik8s.io/v1beta1", "kind": kind, "metadata": {"name": "m"},
               "spec": {"nodeName": node, "reason": "before" if before else "now"}}
    obj = copy.deepcopy(obj)
    obj["metadata"]["labels"] = {"when": "before" if before else "now"}
    if who == "exempt":
        obj["metadata"]["annotations"] = {"migvet.io/exempt": f"{where}/m: as it was"}
    return obj


def review_for(cell, **more):
    operation = cell[3].split("-")[0]
    now = None if operation == "DELETE" else object_of(cell, False)
    before = None if operation == "CREATE" else object_of(cell, True)
    return review_of(now, operation, before, user=USERS[cell[4]], **more)


def node(name):
    labels = {"kubevirt.io/schedulable": "true", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name,
              "machine-type.node.kubevirt.io/q35": "true", "cpu-model.node.kubevirt.io/Haswell": "true"}
    devices = {f"devices.kubevirt.io/{device}": "100" for device in ("kvm", "tun", "vhost-net")}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
            "status": {"allocatable": {"cpu": "80", "memory": "160Gi", "pods": "100", **devices}}}


@pytest.fixture(scope="module", name="server")
def server_fixture(migvet, tmp_path_factory):
    directory = tmp_path_factory.mktemp("levels")
    objects = [{"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "status": {"phase": "Deployed"},
                "metadata": {"name": "kubevirt", "namespace": "kubevirt"}}]
    objects += [node(f"node-{verdict.lower()}") for verdict in VALUES["verdict"]]
    for level in VALUES["level"]:
        objects.append(namespace_of(f"l-{level}", enforce=level))
        for verdict in VALUES["verdict"]:
            vmi = instance(f"vmi-{verdict.lower()}", f"l-{level}", spec_of(faults_of(verdict, "CREATE", False), False),
                           labels={"app": "a"})
            vmi["status"]["nodeName"] = f"node-{verdict.lower()}"
            if verdict == "True":
                vmi["status"]["conditions"] = [{"type": "LiveMigratable", "status": "True"}]
            objects.append(vmi)
    (directory / "cluster").mkdir()
    (directory / "cluster" / "all.yaml").write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    (directory / "config.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    with Server(migvet.path, "-f", directory / "cluster", "--config", directory / "config.yaml",
                certs=directory / "certs") as server:
        yield server


@pytest.mark.parametrize("kind", VALUES["kind"])
def test_files(server, kind):
    """Each request of that kind; of sanitized builds each seventh."""
    lines = list(lines_of("files"))
    cells = [cell for cell in CELLS if cell[2] == kind]
    wrong = []
    with server.client() as client:
        for cell in cells[::1 if PLAIN else 7]:
            response = client.review(review_for(cell))
            found = ("yes" if response["allowed"] else "no", str(response.get("status", {}).get("code", 200)),
                     "yes" if "warnings" in response else "no", response.get("auditAnnotations", {}).get("level"))
            if found != answer_of(lines, cell):
                wrong.append((cell, found, answer_of(lines, cell), response))
    assert len(cells) == 300
    assert not wrong, f"{len(wrong)}: {wrong[:3]}"
