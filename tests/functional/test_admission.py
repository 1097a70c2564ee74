# SPDX-License-Identifier: Apache-2.0
"""Corners of admission and of what is judged: who may not be denied whatever the object is, and updates."""
import json

import yaml

from support import Server, eventually, instance, instance_spec, machine, migration, namespace_of, review_of

ENFORCED = namespace_of("shop", enforce="migratable")
BRIDGE = {"domain": {"devices": {}}}


def cluster(directory, *objects):
    """A cluster of these objects and nothing else."""
    (directory / "all.yaml").write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    return directory


def answer(migvet, directory, review):
    return migvet.json("review", "-f", directory, stdin=json.dumps(review))["response"]


def gpus(n):
    spec = instance_spec(evictionStrategy="LiveMigrateIfPossible")
    spec["domain"]["devices"]["gpus"] = [{"name": f"g{i}", "deviceName": "a/b"} for i in range(n)]
    return machine(spec=spec)


def test_update_with_fewer_gpus_is_not_worse(migvet, tmp_path):
    directory = cluster(tmp_path, ENFORCED)
    assert not answer(migvet, directory, review_of(gpus(2)))["allowed"]
    for old, new in ((2, 1), (2, 3), (1, 1)):
        assert answer(migvet, directory, review_of(gpus(new), "UPDATE", gpus(old)))["allowed"], (old, new)
    assert not answer(migvet, directory, review_of(gpus(1), "UPDATE", gpus(0)))["allowed"]


def test_wrong_types(migvet, tmp_path):
    """A person's object of wrong types is refused; not so what may never be denied, nor a repair."""
    directory = cluster(tmp_path, ENFORCED)
    wrong = machine(spec={"domain": {"cpu": {"cores": "x"}, "devices": {}}})
    refused = answer(migvet, directory, review_of(wrong))
    assert refused["status"]["code"] in (400, 422) and not refused["allowed"]
    repaired = answer(migvet, directory, review_of(machine(), "UPDATE", wrong))
    assert repaired["allowed"], repaired
    owned = instance(spec={"domain": {"devices": {"disks": "x"}}}, ownerReferences=[
        {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": "i", "uid": "1", "controller": True}])
    # Files without mirror are not to be had from outside: what KubeVirt itself refuses has its own code.
    verdict = answer(migvet, directory, review_of(owned))
    assert verdict["allowed"] or verdict["status"]["code"] == 400


def test_many_labels_are_no_way_past(migvet, tmp_path):
    directory = cluster(tmp_path, ENFORCED)
    vm = machine(spec=BRIDGE)
    vm["spec"]["template"]["metadata"] = {"labels": {f"k{i}": "" for i in range(100000)}}
    assert not answer(migvet, directory, review_of(vm))["allowed"]


def test_many_selectors_are_no_way_past(migvet, tmp_path):
    """Each of them stops each node; the answer names some, and judging still ends within the memory of a review."""
    nodes = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"n{i}", "labels": {
        "kubevirt.io/schedulable": "true"}}} for i in range(50)]
    directory = cluster(tmp_path, ENFORCED, *nodes)
    vm = machine(spec=instance_spec(nodeSelector={f"disk-{i}": "fast" for i in range(1000)}))
    response = answer(migvet, directory, review_of(vm))
    assert not response["allowed"], response
    assert len(response["status"]["message"]) < 4000


def test_no_memory_is_said(migvet, tmp_path):
    """More volumes than KubeVirt takes: not judged, and that is said."""
    directory = cluster(tmp_path, ENFORCED)
    response = answer(migvet, directory, review_of(machine(spec={**BRIDGE, "volumes": [{}] * 900000})))
    assert response["auditAnnotations"]["verdict"] == "Unknown"
    assert response["warnings"] == ["migvet: there was not enough memory to judge this object"]


def test_request_is_not_the_vm(migvet, tmp_path):
    """A migration in flight keeps a second one from starting; it says nothing of drains."""
    running = migration("i", name="first", uid="u1", labels={"kubevirt.io/vmi-name": "i"})
    running["status"] = {"phase": "Running"}
    ended = migration("i", name="ended", uid="u2", labels={"kubevirt.io/vmi-name": "i"})
    ended["status"] = {"phase": "Succeeded"}
    vmi = instance(spec=instance_spec(evictionStrategy="LiveMigrate"))
    directory = cluster(tmp_path, vmi, running, ended, migration("i", name="second"))
    verdicts = {v["subject"]["name"]: v for v in migvet.verdicts("-f", directory)}
    assert set(verdicts) == {"i", "first", "second"}  # what has ended is not judged unasked
    assert verdicts["first"]["migratable"] == "True"
    assert [f["rule"] for f in verdicts["second"]["findings"]] == ["request-in-flight"]
    assert verdicts["second"]["evictionStrategy"]["from"] == "VirtualMachineInstance/shop/i"
    named, = migvet.verdicts("-f", directory, "vmim/ended")
    assert named["migratable"] == "True"


def test_selector_keeps_instances_of_other_vms(migvet, tmp_path):
    vmi = instance("m", labels={"app": "q"}, ownerReferences=[
        {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": "m", "uid": "1", "controller": True}])
    directory = cluster(tmp_path, machine(), vmi)
    assert [v["subject"]["kind"] for v in migvet.verdicts("-f", directory)] == ["VirtualMachine"]
    assert [v["subject"]["kind"] for v in migvet.verdicts("-f", directory, "-l", "app=q")] == ["VirtualMachineInstance"]
    assert "is selected" in migvet("check", "-f", directory, "-l", "app=x").stdout


def test_origin_of_values_of_a_running_vm(migvet, tmp_path):
    """KubeVirt wrote the defaults into the instance; the user wrote nothing of them."""
    vmi = instance("m", spec=instance_spec("bridge", evictionStrategy="LiveMigrate"), ownerReferences=[
        {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": "m", "uid": "1", "controller": True}])
    kubevirt = {"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": {"name": "kv", "namespace": "kubevirt"},
                "spec": {"configuration": {"evictionStrategy": "LiveMigrate"}}, "status": {"phase": "Deployed"}}
    directory = cluster(tmp_path, machine(spec=BRIDGE), vmi, kubevirt)
    verdict, = migvet.verdicts("-f", directory)
    assert verdict["evictionStrategy"] == {"value": "LiveMigrate", "from": "KubeVirt/kubevirt/kv"}
    assert verdict["findings"][0]["field"] == "spec.template.spec.domain.devices.interfaces"


def test_emptied_directory_is_no_cluster(migvet, tmp_path):
    (tmp_path / "cluster").mkdir()
    directory = cluster(tmp_path / "cluster", ENFORCED)
    with Server(migvet.path, "-f", directory, certs=tmp_path / "certs") as server, server.client() as client:
        denied = review_of(machine(spec=BRIDGE))
        assert not client.review(denied)["allowed"]
        (directory / "all.yaml").unlink()
        eventually(lambda: "no manifest" in "".join(server.log), 5, "the empty directory is noticed")
        assert not client.review(denied)["allowed"]


def resilient_node(name, memory):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {
        "kubevirt.io/schedulable": "true", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name,
        "machine-type.node.kubevirt.io/q35": "true", "cpu-model.node.kubevirt.io/Haswell": "true"}},
        "status": {"allocatable": {"cpu": "8", "memory": memory, "pods": "100", "devices.kubevirt.io/kvm": "100",
                                   "devices.kubevirt.io/tun": "100", "devices.kubevirt.io/vhost-net": "100"}}}


def test_resilient_asks_for_room(migvet, tmp_path):
    """One other node with room, and one to start on."""
    spec = instance_spec(evictionStrategy="LiveMigrate", architecture="amd64")
    spec["domain"].update(cpu={"model": "Haswell"}, machine={"type": "q35"}, memory={"guest": "2Gi"})
    outcomes = []
    for memories in (["8Gi", "8Gi"], ["8Gi", "1Gi"], ["8Gi", "1Gi", "8Gi"]):
        directory = tmp_path / str(len(outcomes))
        directory.mkdir()
        nodes = [resilient_node(f"node-{i}", memory) for i, memory in enumerate(memories)]
        cluster(directory, namespace_of("shop", enforce="resilient"), *nodes)
        outcomes.append(answer(migvet, directory, review_of(machine(spec=spec))))
    assert [outcome["allowed"] for outcome in outcomes] == [True, False, True]
    assert "warnings" not in outcomes[0]


def test_resilient_without_nodes_is_unknown(migvet, tmp_path):
    directory = cluster(tmp_path, namespace_of("shop", enforce="resilient"))
    response = answer(migvet, directory, review_of(machine()))
    assert response["allowed"]
    assert response["warnings"] == \
        ["node-capacity: which nodes have room for it now is not known, and level resilient asks for that"]
    assert not answer(migvet, directory, review_of(machine(spec=BRIDGE)))["allowed"]


def test_node_selector_that_leaves_no_node_is_refused(migvet, tmp_path):
    """KubeVirt admits it, and its target pod stays pending: a request that cannot work."""
    nodes = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {
        "kubevirt.io/schedulable": "true", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name,
        "machine-type.node.kubevirt.io/q35": "true", "cpu-model.node.kubevirt.io/Haswell": "true"}}}
             for name in ("node-a", "node-b")]
    spec = instance_spec(evictionStrategy="LiveMigrate", architecture="amd64")
    spec["domain"].update(cpu={"model": "Haswell"}, machine={"type": "q35"})
    directory = cluster(tmp_path, *nodes, instance("db", spec=spec))
    request = migration("db")
    assert answer(migvet, directory, review_of(request))["allowed"]
    request["spec"]["addedNodeSelector"] = {"kubernetes.io/hostname": "node-x"}
    response = answer(migvet, directory, review_of(request))
    assert not response["allowed"] and response["status"]["code"] == 403
    assert [cause["reason"] for cause in response["status"]["details"]["causes"]] == ["request-node-selector"]
    assert response["auditAnnotations"]["rules"] == "request-node-selector"
