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


# --- in the commands ----------------------------------------------------

TEAM = {"name": "team-label", "kinds": ["VirtualMachineInstance"], "field": "spec.template.metadata.labels['team']",
        "pattern": "[a-z]+", "severity": "blocker", "message": "every VM names its team", "fix": "set the label team"}


def test_rules_documents_them(migvet, tmp_path):
    config = written(tmp_path / "config.yaml", STORAGE, {**CLASS, "absent": "fail"}, TEAM,
                     rules={"team-label": "note", "gpu": "off", "sev": "risk"})
    built_in, listed = (migvet.json("rules", "-o", "json", *flags, expect=(0,)) for flags in ((), ("--config", config)))
    names = [rule["name"] for rule in listed]
    # After all others, in their own order, and before the notices.
    at = names.index("production-storage")
    assert names[at:at + 3] == ["production-storage", "storage-class", "team-label"]
    assert names[:at] + names[at + 3:] == [rule["name"] for rule in built_in]
    assert {rule["area"] for rule in listed[at + 3:]} == {"verdict"}
    own, storage_class, team = listed[at:at + 3]
    assert {key: own[key] for key in ("area", "severity", "reason", "needs", "summary", "fix", "source")} == {
        "area": "site", "severity": "blocker", "reason": "", "needs": [], "summary": STORAGE["message"],
        "fix": STORAGE["fix"], "source": "siteRules of the configuration"}
    assert own["documentation"] == (
        "A rule of this site for VirtualMachine and VirtualMachineInstance: spec.template.spec.volumes[*]"
        ".persistentVolumeClaim.claimName must match ceph-.* as a whole. Where it is not there, that is in order.")
    assert storage_class["needs"] == ["PersistentVolumeClaim", "StorageClass"]
    assert storage_class["documentation"].endswith("Where it is not there, the rule fails.")
    assert set(own) == set(built_in[0])
    # The severities are those of the configuration, of all rules.
    severity = {rule["name"]: rule["severity"] for rule in listed}
    assert (severity["team-label"], severity["gpu"], severity["sev"]) == ("note", "off", "risk")
    table = migvet("rules", "--config", config, expect=(0,)).stdout
    assert "\nproduction-storage       blocker  site           production VMs use Ceph\n" in table
    assert len(table.splitlines()) == len(listed) + 1
    page = migvet("rules", "team-label", "--config", config, expect=(0,)).stdout
    assert page.startswith("team-label - every VM names its team\n\nseverity  note (blocker unless configured)\n"
                           "area      site\nreason    none of KubeVirt's\n")
    assert team["documentation"] in page and "\nFix\n  set the label team\n" in page
    assert migvet.json("rules", "team-label", "-o", "json", "--config", config, expect=(0,)) == team
    hint = "; those of siteRules are found with --config FILE"
    assert f'there is no rule "team-label"{hint}\n' in migvet("rules", "team-label", expect=(2,)).stderr
    written(tmp_path / "other.yaml")
    result = migvet("rules", "team-label", "--config", tmp_path / "other.yaml", expect=(2,))
    assert 'there is no rule "team-label"\n' in result.stderr
    assert migvet("rules", "gpu", expect=(0,)).stdout.splitlines()[2] == "severity  blocker"
    put(config, HEAD + "siteRules: [{name: gpu}]\n")
    assert "siteRules[0].name" in migvet("rules", "--config", config, expect=(2,)).stderr


def sections(text):
    """The lists of `explain`, by title."""
    found, title = {}, None
    for line in text.splitlines():
        if line and not line.startswith(" "):
            title = line
        elif line.strip() and title:
            found.setdefault(title, []).append(line.strip())
    return found


def test_explain_lists_them(migvet, files, tmp_path):
    def explained(*rules, **settings):
        written(tmp_path / "config.yaml", *rules, **settings)
        return sections(migvet("explain", "vmi/i", "-n", "shop", "-f", files, "--config", tmp_path / "config.yaml").stdout)
    good = {**TEAM, "name": "named", "field": "metadata.name", "pattern": "i"}
    for_machines = {**STORAGE, "name": "for-machines", "kinds": ["VirtualMachine"]}
    text = explained(STORAGE, good, for_machines)
    assert "production-storage (blocker)" in text["Found"]
    assert text["In order"][text["In order"].index("named") + 1] == "it matches i"
    assert "for-machines" in " ".join(text["Do not apply"]).split(", ")
    assert "production-storage" not in " ".join(text["Do not apply"])
    text = explained(STORAGE, rules={"production-storage": "off", "pvc-access-mode": "off"})
    assert "production-storage" not in " ".join(text["Do not apply"] + text.get("Found", []))
    assert text["Found, and turned off by the configuration"] == ["production-storage"]


def with_condition(status, **more):
    obj = instance("i", **more)
    obj["status"]["conditions"] = [{"type": "LiveMigratable", "status": status}]
    return obj


def test_drain_names_them_among_what_to_fix(migvet, tmp_path):
    config = written(tmp_path / "config.yaml", TEAM)
    def fate(status, *flags, **more):
        files = tmp_path / f"{status}{len(more)}{len(flags)}"
        plan = migvet.json("drain", "node-a", "-f", cluster(files, with_condition(status, **more)), "-o", "json", *flags)
        return next(fate for fate in plan["instances"] if fate["name"] == "i")
    found = fate("True", "--config", config)
    # KubeVirt moves it all the same.
    assert (found["outcome"], found["mismatch"], found["fixes"]) == ("migrates", "", [])
    fixes = fate("False", "--config", config, spec=instance_spec("bridge"))["fixes"]
    assert [fix["rule"] for fix in fixes] == ["pod-network-binding", "team-label"]
    assert fixes[1] == {"rule": "team-label", "message": "every VM names its team", "fix": "set the label team"}
    assert fate("False", spec=instance_spec("bridge"))["fixes"] == fixes[:1]
    # A condition that no rule explains stays one to look into, whatever the site says.
    for flags in ((), ("--config", config)):
        found = fate("False", *flags)
        assert found["outcome"] == "blocks" and "LiveMigratable=False, the rules say True" in found["mismatch"]
        assert found["advice"].startswith("the rules find nothing against it")
    # Nor does a fix of the site's explain one that the input does not show all of.
    without, found = (fate("False", *flags, spec=instance_spec(claim="gone")) for flags in (("-R",), ("-R", "--config", config)))
    assert found["advice"] == without["advice"] and found["advice"] and not found["mismatch"]
    # What a site's rule does not know leaves KubeVirt's rules as certain as they are.
    unknown = written(tmp_path / "unknown.yaml", {**CLASS, "kinds": ["VirtualMachineInstance"]})
    # (The claim is ReadWriteMany, and its class is not in the input.)
    spec, more = instance_spec(claim="known"), {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                                                 "metadata": {"name": "known", "namespace": "shop"},
                                                 "spec": {"accessModes": ["ReadWriteMany"], "storageClassName": "gone"}}
    plan = migvet.json("drain", "node-a", "-f", cluster(tmp_path / "u", with_condition("False", spec=spec), more), "-o", "json",
                       "--config", unknown)
    found = next(fate for fate in plan["instances"] if fate["name"] == "i")
    assert "the rules say True" in found["mismatch"]


def test_severities_count_in_a_drain(migvet, tmp_path):
    files = cluster(tmp_path / "cluster", with_condition("False", spec=instance_spec("bridge")))
    def rules(**settings):
        written(tmp_path / "config.yaml", **settings)
        plan = migvet.json("drain", "node-a", "-f", files, "-o", "json", "--config", tmp_path / "config.yaml")
        return [fix["rule"] for fate in plan["instances"] if fate["name"] == "i" for fix in fate["fixes"]]
    assert rules() == ["pod-network-binding"]
    assert rules(rules={"pod-network-binding": "off"}) == rules(rules={"pod-network-binding": "note"}) == []
    assert rules(namespaces=[{"names": ["shop"], "rules": {"eviction-strategy": "blocker"}}]) == \
        ["pod-network-binding", "eviction-strategy"]


def test_nodes_names_them_where_a_model_does_not_suffice(migvet, tmp_path):
    spec = instance_spec()
    spec["domain"]["cpu"]["model"] = "Skylake-Server"
    obj = with_condition("True", spec=spec)
    obj["status"]["nodeName"] = "node-c"
    files, config = cluster(tmp_path / "cluster", obj), written(tmp_path / "config.yaml", TEAM)
    for flags, words in ((("--config", config), "shop/i (2 nodes; still stopped by team-label)"), ((), "shop/i (2 nodes)")):
        assert words in migvet("nodes", "--baseline", "-f", files, *flags, expect=(0, 1)).stdout
    # Where it could go is a question to the scheduler alone.
    with_rules, without = (migvet.json("nodes", "-f", files, "-o", "json", *flags) for flags in (("--config", config), ()))
    assert with_rules == without


def test_policy_takes_them(migvet, files, tmp_path):
    """It says of each VM how it migrates; no rule but those about that counts."""
    config = written(tmp_path / "config.yaml", TEAM, STORAGE)
    assert migvet("policy", "-f", files, "--config", config, expect=(0, 1)).stdout == \
        migvet("policy", "-f", files, expect=(0, 1)).stdout


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
