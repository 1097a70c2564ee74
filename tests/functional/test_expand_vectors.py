# SPDX-License-Identifier: Apache-2.0
"""VMs that name an instancetype or a preference, pools and replica sets, as KubeVirt's own code expands them (a directory
shared/vectors beside the project; where it is not there, nothing of this file is collected)."""
import json

import pytest

from conftest import VECTORS

__test__ = VECTORS.is_dir()



def vectors():
    if not __test__:
        return []
    with open(VECTORS / "expand.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def explain(migvet, vector):
    subject = vector["subject"]
    items = {"apiVersion": "v1", "kind": "List", "items": vector["objects"]}
    return migvet.json("explain", f"{subject['kind']}/{subject['name']}", "-n", subject["namespace"], "-f", "-",
                       "-o", "json", stdin=json.dumps(items))


def at(value, *path):
    for key in path:
        value = (value or {}).get(key)
    return value


def binding(interface):
    if "binding" in interface:
        return f"plugin:{interface['binding']['name']}"
    methods = ("bridge", "masquerade", "slirp", "sriov", "macvtap", "passt", "passtBinding")
    return next((method for method in methods if method in interface), "")


def topology(cpu):
    return "x".join(str((cpu or {}).get(key) or 1) for key in ("sockets", "cores", "threads"))


def facts(instance):
    """What the vectors say of an instance."""
    spec = instance["spec"]
    domain = spec.get("domain", {})
    devices = domain.get("devices", {})
    cpu = domain.get("cpu", {})
    found = {
        "annotations": {key: value for key, value in instance["metadata"].get("annotations", {}).items()
                        if key != "kubevirt.io/pci-topology-version"},
        "architecture": spec.get("architecture"),
        "autoattachPodInterface": devices.get("autoattachPodInterface"),
        "clock": domain.get("clock"),
        "cpuFeatures": {feature["name"]: feature.get("policy", "") for feature in cpu.get("features", [])},
        "cpuModel": cpu.get("model"),
        "dedicatedCpuPlacement": cpu.get("dedicatedCpuPlacement"),
        "efi": at(domain, "firmware", "bootloader", "efi"),
        "guestMemory": at(domain, "memory", "guest"),
        "hugepages": at(domain, "memory", "hugepages", "pageSize"),
        "hyperv": sorted(name for name, state in (at(domain, "features", "hyperv") or {}).items()
                         if state.get("enabled")),
        "interfaceModels": {interface["name"]: interface["model"] for interface in devices.get("interfaces", [])
                            if interface.get("model")},
        "ioThreadsPolicy": domain.get("ioThreadsPolicy"),
        "isolateEmulatorThread": cpu.get("isolateEmulatorThread"),
        "launchSecurity": domain.get("launchSecurity"),
        "machineType": at(domain, "machine", "type"),
        "nodeSelector": spec.get("nodeSelector"),
        "numa": cpu.get("numa"),
        "realtime": cpu.get("realtime"),
        "schedulerName": spec.get("schedulerName"),
        "tpm": devices.get("tpm"),
    }
    present = ("clock", "efi", "launchSecurity", "numa", "realtime", "tpm", "autoattachPodInterface")
    found = {key: value for key, value in found.items() if value or (key in present and value is not None)}
    return found | {"cpuTopology": topology(cpu),
                    "interfaces": {interface["name"]: binding(interface)
                                   for interface in devices.get("interfaces", [])},
                    "gpus": len(devices.get("gpus", [])), "hostDevices": len(devices.get("hostDevices", []))}


def check_instance(verdict, expect):
    conditions = {condition["type"]: {key: condition[key] for key in ("status", "reason", "message")}
                  for condition in verdict["conditions"]}
    assert {"liveMigratable": conditions["LiveMigratable"],
            "storageLiveMigratable": conditions["StorageLiveMigratable"], "migrationMethod": verdict["method"],
            "vmi": facts(verdict["instance"])} == expect
    assert "refused" not in verdict


def check_refused(verdict, expect):
    assert (verdict["conditions"], verdict["migratable"]) == ([], "Unknown")
    assert "instance" not in verdict
    refused = verdict["refused"]
    answer = expect.get("conflict") or expect.get("refused")
    if answer:
        assert (refused["code"], refused["message"]) == (answer["code"], answer["message"])
        assert refused["fields"] == answer.get("fields", [])
        assert refused["reason"] == ("Invalid" if answer["code"] == 422 else "")
    elif "error" in expect:
        answer = expect["error"]
        assert (refused["code"], refused["reason"], refused["message"], refused["fields"]) == \
            (0, answer["reason"], answer["message"], [])
    else:
        assert expect["crash"]
        assert refused["code"] == 0
        assert "crash" in refused["message"]


def is_described(vector):
    """Plain validation of the resulting spec is not what this is about: a tool may answer differently there."""
    return not at(vector["expect"], "refused", "ordinary")


@pytest.mark.parametrize("vector",
                         [pytest.param(vector, id=vector["name"]) for vector in filter(is_described, vectors())])
def test_expand(migvet, vector):
    expect = vector["expect"]
    verdict = explain(migvet, vector)
    assert {key: verdict["subject"][key] for key in vector["subject"]} == vector["subject"]
    (check_instance if "vmi" in expect else check_refused)(verdict, expect)


def is_vm(vector):
    return vector["subject"]["kind"] == "VirtualMachine" and is_described(vector)


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["name"]) for vector in filter(is_vm, vectors())])
def test_review(migvet, tmp_path, vector):
    """The webhook refuses what KubeVirt's webhooks refuse; what only the controller refuses, it lets pass."""
    vm = next(item for item in vector["objects"] if item["kind"] == "VirtualMachine")
    cluster = tmp_path / "objects.json"
    cluster.write_text(json.dumps({"apiVersion": "v1", "kind": "List",
                                   "items": [item for item in vector["objects"] if item is not vm]}), encoding="utf-8")
    kind = {"group": "kubevirt.io", "version": "v1"}
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "7d1f", "kind": kind | {"kind": "VirtualMachine"}, "resource": kind | {"resource": "virtualmachines"},
        "operation": "CREATE", "namespace": vm["metadata"]["namespace"], "name": vm["metadata"]["name"],
        "userInfo": {"username": "kubernetes-admin"}, "object": vm}}
    response = migvet.json("review", "-f", cluster, stdin=json.dumps(review), expect=(0,))["response"]
    answer = vector["expect"].get("conflict") or vector["expect"].get("refused")
    assert response["allowed"] == (not answer)
    if answer:
        status = response["status"]
        fields = [cause["field"] for cause in status.get("details", {}).get("causes", [])]
        assert (status["code"], status["message"], fields) == \
            (answer["code"], answer["message"], answer.get("fields", []))


def is_left_to_the_controller(vector):
    """Refused by the webhook of VMs alone: that of instances does not let an interface without a binding pass either,
    and a VM cannot be stored before its matcher is resolved."""
    refused = vector["expect"].get("conflict") or vector["expect"].get("refused")
    return is_vm(vector) and refused and refused["at"] != "vm-mutate" and \
        not any("interfaces[" in field for field in refused.get("fields", []))


@pytest.mark.parametrize("vector",
                         [pytest.param(vector, id=vector["name"]) for vector in filter(is_left_to_the_controller, vectors())])
def test_stored(migvet, vector):
    """Of a VM that is stored all the same only the controller's word counts."""
    vm = next(item for item in vector["objects"] if item["kind"] == "VirtualMachine")
    stored = {**vm, "status": {**vm.get("status", {}), "printableStatus": "Stopped"}}
    verdict = explain(migvet, {**vector, "objects": [stored if item is vm else item for item in vector["objects"]]})
    answer = vector["expect"].get("conflict") or vector["expect"]["refused"]
    if "controllerError" in answer:
        assert verdict["refused"] == {"code": 0, "reason": "FailedCreate", "message": answer["controllerError"],
                                      "fields": []}
    else:
        assert "refused" not in verdict


def test_the_vectors_are_read():
    assert not __test__ or len(vectors()) > 60
