# SPDX-License-Identifier: Apache-2.0
"""Where the cluster's configuration comes from: KubeVirt, HyperConverged, the legacy ConfigMaps; and how a finding names
the way to an access mode."""
import json

import pytest

from support import machine

KUBEVIRT = {"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": {"name": "kv", "namespace": "virt"},
            "spec": {"configuration": {}}, "status": {"phase": "Deployed"}}


def hyperconverged(version, spec):
    return {"apiVersion": f"hco.kubevirt.io/{version}", "kind": "HyperConverged",
            "metadata": {"name": "hc", "namespace": "virt"}, "spec": spec}


def stream(*objects):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


LIVE = {"bandwidthPerMigration": "64Mi", "completionTimeoutPerGiB": 20, "allowPostCopy": True}


@pytest.mark.parametrize("owner", [
    hyperconverged("v1beta1", {"liveMigrationConfig": LIVE, "evictionStrategy": "External"}),
    hyperconverged("v1", {"virtualization": {"liveMigrationConfig": LIVE, "evictionStrategy": "External"}}),
], ids=["v1beta1", "v1"])
def test_hyperconverged_is_the_origin(migvet, owner):
    vm = machine()
    vm["spec"]["template"]["spec"].pop("evictionStrategy", None)
    verdict, = migvet.verdicts("-f", "-", stdin=stream(owner, vm))
    settings, origin = verdict["migrationConfiguration"], "HyperConverged/virt/hc"
    assert settings["bandwidthPerMigration"] == {"value": "64Mi", "from": origin}
    assert settings["completionTimeoutPerGiB"] == {"value": 20, "from": origin}
    assert settings["allowPostCopy"] == {"value": True, "from": origin}
    # What the API server fills in: the defaults of the HyperConverged are not KubeVirt's.
    for name, value in {"parallelMigrationsPerCluster": 5, "parallelOutboundMigrationsPerNode": 1,
                        "progressTimeout": 150, "allowAutoConverge": False, "allowWorkloadDisruption": False}.items():
        assert settings[name] == {"value": value, "from": origin}
    assert verdict["evictionStrategy"] == {"value": "External", "from": origin}
    # A KubeVirt object says what is in force now.
    verdict, = migvet.verdicts("-f", "-", stdin=stream(owner, vm, KUBEVIRT))
    assert verdict["migrationConfiguration"]["bandwidthPerMigration"] == {"value": "0", "from": "default"}
    assert verdict["evictionStrategy"] == {"value": "None", "from": "default"}
    assert "config-conflict" in {finding["rule"] for finding in verdict["findings"]}


@pytest.mark.parametrize("workers, others, wanted", [
    (2, 0, "LiveMigrate"), (3, 1, "LiveMigrate"), (1, 3, "None"), (0, 3, "None"), (0, 0, None),
])
def test_eviction_strategy_follows_the_workers(migvet, workers, others, wanted):
    """HyperConverged's webhook fills it in, by the nodes that have the label of a worker."""
    vm = machine()
    vm["spec"]["template"]["spec"].pop("evictionStrategy", None)
    nodes = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"n{i}", "labels": {
        "node-role.kubernetes.io/worker" if i < workers else "node-role.kubernetes.io/control-plane": ""}}}
        for i in range(workers + others)]
    for version in ("v1beta1", "v1"):
        def strategy(spec, *more):
            verdict, = migvet.verdicts("-f", "-", stdin=stream(hyperconverged(version, spec), vm, *nodes, *more))
            return verdict["evictionStrategy"]
        assert strategy({}) == ({"value": wanted, "from": "HyperConverged/virt/hc"} if wanted else
                                {"value": "None", "from": "default"})
        # What is written counts, and so does a KubeVirt object, which says what is in force.
        own = {"evictionStrategy": "External"}
        assert strategy(own if version == "v1beta1" else {"virtualization": own})["value"] == "External"
        assert strategy({}, KUBEVIRT) == {"value": "None", "from": "default"}


def test_conflict_names_both_values_and_objects(migvet):
    edited = {**KUBEVIRT, "spec": {"configuration": {"migrations": {"bandwidthPerMigration": "128Mi"}}}}
    owner = hyperconverged("v1beta1", {"liveMigrationConfig": {"bandwidthPerMigration": "64Mi"}})
    verdict, = migvet.verdicts("-f", "-", stdin=stream(owner, edited, machine()))
    finding, = [finding for finding in verdict["findings"] if finding["rule"] == "config-conflict"]
    for word in ("KubeVirt/virt/kv", "128Mi", "HyperConverged/virt/hc", "64Mi", "migrations.bandwidthPerMigration"):
        assert word in finding["message"]
    assert "spec.liveMigrationConfig.bandwidthPerMigration" in finding["fix"]


def test_what_only_follows_is_no_conflict(migvet):
    """allowWorkloadDisruption takes the value of allowPostCopy where the object does not set it."""
    edited = {**KUBEVIRT, "spec": {"configuration": {"migrations": {"allowPostCopy": True}}}}
    owner = hyperconverged("v1beta1", {"liveMigrationConfig": {"allowPostCopy": False}})
    verdict, = migvet.verdicts("-f", "-", stdin=stream(owner, edited, machine()))
    messages = [finding["message"] for finding in verdict["findings"] if finding["rule"] == "config-conflict"]
    assert len(messages) == 1 and "allowPostCopy" in messages[0]


@pytest.mark.parametrize("owner, words", [
    ([], "in the KubeVirt object"), ([hyperconverged("v1beta1", {})], "in HyperConverged virt/hc")],
    ids=["kubevirt", "hyperconverged"])
def test_where_to_set_the_eviction_strategy(migvet, owner, words):
    node = {"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": "a", "labels": {"kubevirt.io/schedulable": "true"}}}
    vm = machine()
    vm["spec"]["template"]["spec"]["evictionStrategy"] = "LiveMigrate"
    verdict, = migvet.verdicts("-f", "-", stdin=stream(node, vm, *owner))
    finding, = [finding for finding in verdict["findings"] if finding["rule"] == "eviction-strategy"]
    assert words in finding["fix"]


def test_what_is_of_the_cluster_is_printed_once(migvet):
    broken = {**KUBEVIRT, "spec": {"configuration": {"imagePullPolicy": "Sometimes"}}}
    names = ["one", "two", "three"]
    text = stream(broken, *[machine(name) for name in names])
    for verdict in migvet.verdicts("-f", "-", stdin=text):
        assert "config-ignored" in {finding["rule"] for finding in verdict["findings"]}
    process = migvet("check", "-f", "-", stdin=text)
    assert process.stdout.count("config-ignored") == 1
    assert "imagePullPolicy" in process.stderr  # and a note, as for everything that is passed over
    lines = process.stdout.splitlines()
    last = max(number for number, line in enumerate(lines) if line.endswith(tuple(f"/{name}" for name in names)))
    assert "The cluster" in lines[last + 1:]
    assert migvet("check", "-f", "-", "--fail-on", "risk", stdin=text, expect=(1,)).returncode == 1


CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: kubevirt-config
  namespace: kubevirt
  labels:
  kubevirt.io: ""
data:
  feature-gates: "LiveMigration"
"""


@pytest.mark.parametrize("data, line, words", [
    # As a widely read guide prints it: the text is not indented, so it is empty.
    ("  migrations: |-\n  parallelMigrationsPerCluster: 5\n  bandwidthPerMigration: 64Mi\n", 10,
     ["parallelMigrationsPerCluster", "indent"]),
    ("  migrations: |-\n    progressTimeout: 150\n      network: fast\n", 10, ["line 2 of the text"]),
    ("  migrations: |-\n    network: fast\n    progressTimeout: soon\n", 10,
     ["line 2 of the text", "progressTimeout", "whole number"]),
], ids=["not-indented", "indented-too-far", "value"])
def test_bad_legacy_config_is_a_named_error(migvet, tmp_path, data, line, words):
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG + data, encoding="utf-8")
    process = migvet("check", "-f", path, expect=(2,))
    assert process.stderr.startswith(f"migvet check: {path}:{line}:")
    for word in ["data.migrations: ", *words]:
        assert word in process.stderr


def test_good_legacy_config_is_reported(migvet):
    text = CONFIG + "  migrations: |-\n    bandwidthPerMigration: 64Mi\n---\n" + json.dumps(machine())
    verdict, = migvet.verdicts("-f", "-", stdin=text)
    finding, = [finding for finding in verdict["findings"] if finding["rule"] == "config-conflict"]
    for word in ("kubevirt/kubevirt-config", "feature-gates", "migrations", "bandwidthPerMigration is 64Mi there",
                 "0 in force"):
        assert word in finding["message"]
    assert verdict["migrationConfiguration"]["bandwidthPerMigration"] == {"value": "0", "from": "default"}


def disk(storage):
    vm = machine()
    vm["spec"]["dataVolumeTemplates"] = [{"metadata": {"name": "root"},
                                          "spec": {"source": {"blank": {}}, "storage": storage}}]
    vm["spec"]["template"]["spec"]["volumes"] = [{"name": "root", "dataVolume": {"name": "root"}}]
    return vm


def storage_class(name, annotation):
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": {"name": name, "annotations": {annotation: "true"}}}


def profile(name, mode):
    return {"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "StorageProfile", "metadata": {"name": name},
            "status": {"claimPropertySets": [{"accessModes": [mode], "volumeMode": "Filesystem"}]}}


DEFAULTS = {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "kubevirt-storage-class-defaults", "namespace": "openshift-cnv"},
            "data": {"nfs.accessMode": "ReadWriteOnce"}}
CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "root", "namespace": "shop"},
         "spec": {"accessModes": ["ReadWriteOnce"]}}


@pytest.mark.parametrize("storage, objects, chain", [
    ({"storageClassName": "nfs"}, [profile("nfs", "ReadWriteMany")],
     "VM → DataVolume template → StorageProfile nfs → ReadWriteMany"),
    ({}, [storage_class("nfs", "storageclass.kubevirt.io/is-default-virt-class"), profile("nfs", "ReadWriteOnce")],
     "VM → DataVolume template → default virtualization StorageClass nfs → StorageProfile nfs → ReadWriteOnce"),
    ({}, [storage_class("nfs", "storageclass.kubernetes.io/is-default-class"), profile("nfs", "ReadWriteOnce")],
     "VM → DataVolume template → default StorageClass nfs → StorageProfile nfs → ReadWriteOnce"),
    ({"storageClassName": "nfs"}, [DEFAULTS],
     "VM → DataVolume template → ConfigMap openshift-cnv/kubevirt-storage-class-defaults → ReadWriteOnce"),
    ({"accessModes": ["ReadWriteMany", "ReadWriteOnce"]}, [],
     "VM → DataVolume template → ReadWriteMany, ReadWriteOnce"),
    ({"accessModes": ["ReadWriteMany"]}, [CLAIM], "VM → PersistentVolumeClaim → ReadWriteOnce"),
    ({"storageClassName": "nfs"}, [{**profile("nfs", "x"), "status": {}}],
     "VM → DataVolume template → StorageProfile nfs → ?"),
], ids=["profile", "virt-default", "default", "config-map", "template", "claim", "unknown"])
def test_chain(migvet, storage, objects, chain):
    process = migvet("explain", "vm/m", "-n", "shop", "-f", "-", "-o", "json", stdin=stream(disk(storage), *objects))
    verdict = json.loads(process.stdout)
    message, = [finding["message"] for finding in verdict["findings"] if finding["rule"] == "pvc-access-mode"]
    assert f"({chain})" in message
