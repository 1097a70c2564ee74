# SPDX-License-Identifier: Apache-2.0
"""The siteRules of a configuration, from outside: in verdicts, in answers to reviews, and as `serve` follows the file."""
import json

import pytest
import yaml

from support import Server, cluster, eventually, instance, instance_spec, machine, migration, put, review_of

HEAD = "apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\n"
STORAGE = {"name": "production-storage", "kinds": ["VirtualMachine", "VirtualMachineInstance"],
           "field": "spec.template.spec.volumes[*].persistentVolumeClaim.claimName", "pattern": "ceph-.*",
           "absent": "pass", "severity": "blocker", "message": "production VMs use Ceph",
           "fix": "choose storage class ceph-rbd"}
CLASS = {"name": "storage-class", "kinds": ["VirtualMachine"], "field": "storageClass.provisioner",
         "pattern": "rbd.*", "severity": "blocker", "message": "storage must be RBD", "fix": "move the disk"}


def claim(name, storage_class):
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"accessModes": ["ReadWriteMany"], "storageClassName": storage_class}}


def storage(name, provisioner):
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
            "provisioner": provisioner}


def with_claim(name):
    return machine(spec=instance_spec(claim=name))


def written(path, *rules, **settings):
    put(path, HEAD + yaml.safe_dump({"siteRules": list(rules), **settings}))
    return path


@pytest.fixture(name="files")
def files_fixture(tmp_path):
    return cluster(tmp_path / "cluster", claim("ceph-1", "fast"), claim("nfs-1", "slow"), storage("fast", "rbd.csi"),
                   storage("slow", "nfs.csi"), instance(spec=instance_spec(claim="nfs-1")))


@pytest.fixture(name="review")
def review_fixture(migvet, files, tmp_path):
    """Answers a review with these rules."""
    def review(asked, *rules, **settings):
        written(tmp_path / "config.yaml", *rules, **settings)
        return migvet.json("review", "-f", files, "--config", tmp_path / "config.yaml",
                           stdin=json.dumps(asked))["response"]
    return review


ENFORCE = {"defaults": {"enforce": "migratable"}}


def test_verdicts_name_the_rule_and_the_element(migvet, files, tmp_path):
    written(tmp_path / "config.yaml", STORAGE, CLASS)
    put(files / "vm.json", json.dumps(with_claim("nfs-1")))
    verdict, = migvet.verdicts("-f", files, "--config", tmp_path / "config.yaml", "vm/m", "-n", "shop")
    assert verdict["migratable"] == "False"
    found = {finding["rule"]: finding for finding in verdict["findings"]}
    own = found["production-storage"]
    assert own["field"] == "spec.template.spec.volumes[0].persistentVolumeClaim.claimName"
    assert (own["severity"], own["outcome"], own["message"], own["fix"], own["reason"]) == \
        ("blocker", "fail", "production VMs use Ceph", "choose storage class ceph-rbd", "")
    assert found["storage-class"]["field"] == "spec.template.spec.volumes[0]"
    # KubeVirt knows nothing of them.
    assert {condition["status"] for condition in verdict["conditions"]} == {"True"}
    table = migvet("check", "-f", files, "--config", tmp_path / "config.yaml", "vm/m", "-n", "shop", expect=(1,)).stdout
    assert "production-storage  production VMs use Ceph" in table


def test_reviews(review):
    asked = review_of(with_claim("nfs-1"))
    warned = review(asked, STORAGE)
    assert warned["allowed"] and warned["auditAnnotations"]["rules"] == "production-storage"
    denied = review(asked, STORAGE, CLASS, **ENFORCE)
    assert not denied["allowed"] and denied["auditAnnotations"]["rules"] == "production-storage,storage-class"
    assert denied["status"]["details"]["causes"] == [
        {"reason": "production-storage", "message": "production VMs use Ceph",
         "field": "spec.template.spec.volumes[0].persistentVolumeClaim.claimName"},
        {"reason": "storage-class", "message": "storage must be RBD", "field": "spec.template.spec.volumes[0]"}]
    assert review(review_of(with_claim("ceph-1")), STORAGE, CLASS, **ENFORCE)["allowed"]
    assert review(asked, STORAGE, rules={"production-storage": "off"}, **ENFORCE)["allowed"]
    assert review(asked, STORAGE, namespaces=[{"names": ["shop"], "rules": {"production-storage": "note"}}],
                  **ENFORCE)["allowed"]


def test_warnings(review):
    vm = with_claim("nfs-1")
    vm["spec"]["template"]["spec"]["evictionStrategy"] = "LiveMigrate"
    response = review(review_of(vm), STORAGE)
    assert "production-storage: production VMs use Ceph" in response["warnings"]


def test_any_field_of_the_object_under_review(review):
    """Also one that migvet does not decode."""
    rule = {"name": "owner", "kinds": ["VirtualMachine"], "field": "metadata.annotations['example.org/owner']",
            "pattern": "team-[a-z]+", "severity": "blocker", "message": "say whose it is", "fix": "annotate it"}
    grace = {**rule, "name": "grace", "field": "spec.template.spec.terminationGracePeriodSeconds", "pattern": "[0-9]+"}
    assert review(review_of(machine(annotations={"example.org/owner": "team-a"})), rule, **ENFORCE)["allowed"]
    missing = review(review_of(machine()), rule, **ENFORCE)
    assert missing["status"]["details"]["causes"][0]["field"] == "metadata.annotations"
    vm = machine()
    assert not review(review_of(vm), grace, **ENFORCE)["allowed"]
    vm["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 30
    assert review(review_of(vm), grace, **ENFORCE)["allowed"]


def test_an_update_is_denied_only_for_what_is_new(review):
    old, new = with_claim("nfs-1"), with_claim("nfs-1")
    new["spec"]["template"]["spec"]["domain"]["cpu"] = {"cores": 2}
    assert review(review_of(new, "UPDATE", old), STORAGE, CLASS, **ENFORCE)["allowed"]
    assert not review(review_of(new, "UPDATE", with_claim("ceph-1")), STORAGE, **ENFORCE)["allowed"]
    assert not review(review_of(new, "UPDATE", with_claim("ceph-1")), CLASS, **ENFORCE)["allowed"]


def test_what_is_not_known(review):
    asked = review_of(with_claim("elsewhere"))
    rule = {**CLASS, "message": "RBD"}
    response = review(asked, rule, unknown="deny", rules={"pvc-access-mode": "off"}, **ENFORCE)
    cause, = response["status"]["details"]["causes"]
    assert cause["reason"] == "storage-class"
    assert cause["message"] == "not known (PersistentVolumeClaim shop/elsewhere is not in the input): RBD"
    assert review(asked, rule, rules={"pvc-access-mode": "off"}, **ENFORCE)["allowed"]


def test_migrations_go_by_the_instance(review):
    """The instance is one of the snapshot, whose text is kept for the rule."""
    asked = review_of(migration("i"))
    denied = review(asked, STORAGE)
    assert not denied["allowed"]
    assert denied["status"]["details"]["causes"] == [
        {"reason": "production-storage", "message": "production VMs use Ceph", "field": "spec.vmiName"}]
    assert review(asked, {**STORAGE, "kinds": ["VirtualMachine"]})["allowed"]


def test_serve_follows_the_rules(migvet, files, tmp_path):
    """Rules about the object under review come at once; of what was not kept, nobody pretends to know."""
    config = written(tmp_path / "config.yaml")
    with Server(migvet.path, "-f", files, "--config", config, certs=tmp_path / "certs") as server:
        def causes(asked):
            response = server.review(asked)
            return response["allowed"], [cause["reason"] for cause in
                                         response.get("status", {}).get("details", {}).get("causes", [])]
        asked = review_of(with_claim("nfs-1"))
        assert causes(asked) == (True, [])
        written(config, STORAGE, **ENFORCE)
        eventually(lambda: causes(asked) == (False, ["production-storage"]), what="the rule")
        written(config, CLASS, unknown="deny", **ENFORCE)
        eventually(lambda: causes(asked) == (False, ["storage-class"]), what="the other rule")
        assert "migvet keeps only a part of StorageClass slow" in server.review(asked)["status"]["message"]
        assert "Unknown until the next start" in server.health("/readyz?verbose")[2]
    with Server(migvet.path, "-f", files, "--config", config, certs=tmp_path / "certs") as server:
        response = server.review(asked)
        assert not response["allowed"]
        assert response["status"]["details"]["causes"][0]["message"] == "storage must be RBD"
