# SPDX-License-Identifier: Apache-2.0
"""MigrationPolicy: which one applies and why, what results, and what is said of the policies themselves."""
import json

import pytest
import yaml

from support import instance, instance_spec, machine, namespace_of, review_of

CONTROLLER = "system:serviceaccount:kubevirt:kubevirt-controller"


def policy(name, vmi=None, namespace=None, **spec):
    """A MigrationPolicy that selects by these labels; without any it has no selectors."""
    selectors = {key: labels for key, labels in (("virtualMachineInstanceSelector", vmi),
                                                 ("namespaceSelector", namespace)) if labels is not None}
    spec = dict(spec, selectors=selectors) if selectors else spec
    return {"apiVersion": "migrations.kubevirt.io/v1alpha1", "kind": "MigrationPolicy", "metadata": {"name": name},
            "spec": spec}


def vm(name="db", namespace="shop", memory="8Gi", labels=None, **spec):
    made = machine(name, namespace, spec=instance_spec(**spec))
    made["spec"]["template"]["metadata"] = {"labels": labels if labels is not None else {"app": "db"}}
    made["spec"]["template"]["spec"]["domain"]["memory"] = {"guest": memory}
    return made


SHOP = namespace_of("shop")
SHOP["metadata"]["labels"] = {"env": "prod"}


def explain(migvet, *objects, arguments=(), expect=(0, 1)):
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    answer = migvet.json("policy", *arguments, "-f", "-", "-o", "json", stdin=text, expect=expect)
    assert (answer["apiVersion"], answer["kind"]) == ("migvet.io/v1alpha1", "MigrationPolicyExplanationList")
    assert set(answer) == {"apiVersion", "kind", "items", "policies"}
    return answer


def table(migvet, *objects, arguments=(), expect=(0, 1)):
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    return migvet("policy", *arguments, "-f", "-", stdin=text, expect=expect)


# --- which one and why ----------------------------------------------------

@pytest.mark.parametrize("policies, winner, decided_by", [
    ([], None, ""),
    ([policy("a", {"app": "web"})], None, ""),
    ([policy("a", {})], "a", "match"),
    ([policy("a", {}), policy("b", {"app": "db"})], "b", "score"),
    ([policy("a", namespace={"env": "prod"}), policy("b", {"app": "db"})], "b", "virtualMachineInstanceLabels"),
    ([policy("b", {"app": "db"}), policy("a", {"app": "db"})], "a", "name")])
def test_who_wins(migvet, policies, winner, decided_by):
    answer = explain(migvet, vm(), SHOP, *policies)
    item = answer["items"][0]
    assert item["decidedBy"] == decided_by
    assert (item["policy"] and item["policy"]["name"]) == winner
    assert len(item["scores"]) == len(policies)
    if winner:
        assert item["scores"][0]["name"] == winner and item["scores"][0]["matches"] is True
        assert [score["name"] for score in item["scores"][1:] if score["matches"]] == \
            [candidate["name"] for candidate in item["policy"]["candidates"]]
    assert all(score["reason"] for score in item["scores"])


def test_what_misses(migvet):
    """The first label that misses, by key, and what is there instead."""
    policies = [policy("a", {"app": "db", "tier": "gold", "zone": "x"}), policy("b", {"app": "web"}),
                policy("c", {"app": "db"}, {"env": "test"}), policy("d", {"app": "db"}, {"team": "blue"}), policy("e")]
    reasons = {score["name"]: score["reason"]
               for score in explain(migvet, vm(), SHOP, *policies)["items"][0]["scores"]}
    assert "tier=gold" in reasons["a"] and "zone" not in reasons["a"]
    assert "app=db" in reasons["b"] and "web" in reasons["b"]
    assert "namespace has env=prod" in reasons["c"] and "test" in reasons["c"]
    assert "namespace has no label team=blue" in reasons["d"]
    assert "spec.selectors" in reasons["e"]


def test_missing_namespace(migvet):
    answer = explain(migvet, vm(), policy("a", namespace={"env": "prod"}))
    assert answer["items"][0]["scores"][0]["matches"] is None
    assert "Namespace" in table(migvet, vm(), policy("a", namespace={"env": "prod"})).stdout


def test_the_same_as_the_verdict(migvet):
    objects = [vm(), SHOP, policy("a", {"app": "db"}, allowPostCopy=True), policy("b", {}, bandwidthPerMigration="1Gi")]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    item = explain(migvet, *objects)["items"][0]
    verdict = migvet.verdicts("-f", "-", stdin=text)[0]
    for key in ("subject", "policy", "migrationConfiguration", "kubevirtVersion"):
        assert item[key] == verdict[key]
    assert item["migrationConfiguration"]["allowWorkloadDisruption"] == {"value": True, "from": "MigrationPolicy/a"}


def test_formats(migvet):
    objects = [vm(), SHOP, policy("a", {"app": "db"}, bandwidthPerMigration="1Mi"), policy("b", {"app": "x"})]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    assert yaml.safe_load(migvet("policy", "-f", "-", "-o", "yaml", stdin=text).stdout) == explain(migvet, *objects)
    shown = table(migvet, *objects).stdout
    for words in ("vm shop/db", "wins: no other matches", "not x", "1Mi (from MigrationPolicy/a)", "2h16m32s at 1Mi/s",
                  "deadline     22m30s", "convergence (risk)", "MigrationPolicy b", "policy-never-matches (note)"):
        assert words in shown, words
    assert "policy-values (pass)" not in shown
    assert "policy-values (pass)" in table(migvet, *objects, arguments=["-o", "wide"]).stdout


def test_convergence_figures(migvet):
    disk = {"name": "scratch", "emptyDisk": {"capacity": "2Gi"}}
    machine_ = vm()
    spec = machine_["spec"]["template"]["spec"]
    spec["volumes"], spec["domain"]["devices"]["disks"] = [disk], [{"name": "scratch", "disk": {}}]
    item = explain(migvet, machine_, SHOP, policy("a", {"app": "db"}, bandwidthPerMigration="64Mi",
                                                  completionTimeoutPerGiB=30, allowPostCopy=True))["items"][0]
    assert item["convergence"] == {
        "memory": "8Gi", "disks": [{"volume": "scratch", "atMost": "2Gi"}], "bandwidth": "64Mi",
        "onePassSeconds": {"least": 128, "most": 160}, "deadlineSeconds": 270, "bandwidthNeeded": "31814573",
        "atDeadline": "PostCopy"}
    item = explain(migvet, vm(), SHOP)["items"][0]
    assert item["convergence"]["onePassSeconds"] == {"least": None, "most": None}
    assert item["convergence"]["atDeadline"] == "Abort"


def test_selection(migvet):
    objects = [vm(), vm("web", labels={"app": "web"}), vm("db", "lab"), SHOP, policy("a", {"app": "db"}),
               policy("b", {"app": "none"})]
    def names(*arguments):
        answer = explain(migvet, *objects, arguments=arguments)
        return ([f"{item['subject']['namespace']}/{item['subject']['name']}" for item in answer["items"]],
                [found["subject"]["name"] for found in answer["policies"]])
    assert names() == (["shop/db", "shop/web", "lab/db"], ["a", "b"])
    assert names("-n", "shop") == (["shop/db", "shop/web"], ["a", "b"])
    assert names("vm/web") == (["shop/web"], ["a", "b"])
    assert names("migrationpolicy/a") == (["shop/db", "lab/db"], ["a"])
    assert names("migrationpolicies/b", "vm/web") == (["shop/web"], ["b"])


def test_what_has_no_instance(migvet):
    """KubeVirt makes none of it, so no policy can apply."""
    broken = vm()
    broken["spec"]["instancetype"] = {"name": "small"}
    item = explain(migvet, broken, SHOP, policy("a", {}))["items"][0]
    assert item["policy"] is None and item["scores"] == [] and "convergence" not in item
    assert "no instance" in table(migvet, broken).stdout


@pytest.mark.parametrize("fail_on, code", [("blocker", 0), ("risk", 1), ("never", 0)])
def test_fail_on(migvet, fail_on, code):
    objects = [vm(), SHOP, policy("a", {"app": "db"}, bandwidthPerMigration="1Mi")]
    table(migvet, *objects, arguments=["--fail-on", fail_on], expect=(code,))


def test_exit_codes(migvet):
    refused = policy("a", {"app": "db"}, completionTimeoutPerGiB=-1)
    table(migvet, vm(), SHOP, refused, expect=(1,))
    table(migvet, vm(spec=None), SHOP, policy("a", {"app": "db"}), expect=(0,))
    # What else keeps the VM from migrating is the business of `check`.
    table(migvet, vm(binding="bridge"), SHOP, policy("a", {"app": "db"}), expect=(0,))
    assert "pdf" in table(migvet, arguments=["-o", "pdf"], expect=(2,)).stderr
    assert "none" in table(migvet, arguments=["migrationpolicy/none"], expect=(2,)).stderr
    assert "node" in table(migvet, arguments=["node/x"], expect=(2,)).stderr
    assert "-f" in migvet("policy", expect=(3,)).stderr


# --- what check says ---------------------------------------------------------

def test_check_notes_policies(migvet):
    """One line a policy, however many VMs there are."""
    objects = [vm(), vm("web"), SHOP, policy("all", {}, bandwidthPerMigration="64"), policy("fine", {"app": "db"}),
               policy("odd")]
    process = migvet("check", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}),
                     expect=(0,))
    notes = [line.split("note: ")[1] for line in process.stderr.splitlines()]
    assert [note.split(": ")[:2] for note in notes] == [["MigrationPolicy all", "policy-values"],
                                                        ["MigrationPolicy odd", "policy-never-matches"]]
    assert "; policy-empty-selector: " in notes[0] and "; policy-shadowed: " in notes[0]
    assert "policy-" not in process.stdout


# --- reviews -------------------------------------------------------------------

def answer(migvet, tmp_path, objects, review):
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    return migvet.json("review", "-f", tmp_path, stdin=json.dumps(review))["response"]


def warned(response):
    assert all(len(warning) <= 120 for warning in response.get("warnings", []))
    return [warning.split(":")[0] for warning in response.get("warnings", [])]


def test_review_create(migvet, tmp_path):
    response = answer(migvet, tmp_path, [vm(), SHOP, policy("a", {"app": "db"})],
                      review_of(policy("b", {"app": "db"}, allowPostCopy=True, allowWorkloadDisruption=False)))
    assert response["allowed"] and warned(response) == ["policy-values", "policy-shadowed"]
    assert response["auditAnnotations"]["level"] == "warn"
    response = answer(migvet, tmp_path, [vm(), SHOP], review_of(policy("b", {"app": "db"}, allowPostCopy=True)))
    assert response["allowed"] and not warned(response)
    assert response["auditAnnotations"]["verdict"] == "True"


def test_review_update_tells_what_is_new(migvet, tmp_path):
    old, new = policy("b", {}), policy("b", {}, bandwidthPerMigration="64")
    assert warned(answer(migvet, tmp_path, [vm(), SHOP, old], review_of(old))) == ["policy-empty-selector"]
    assert warned(answer(migvet, tmp_path, [vm(), SHOP, old], review_of(new, "UPDATE", old))) == ["policy-values"]
    assert not warned(answer(migvet, tmp_path, [vm(), SHOP, old], review_of(old, "UPDATE", new)))


def test_review_is_no_twin_of_itself(migvet, tmp_path):
    """The snapshot still holds the policy that is written."""
    old = policy("b", {"app": "db"})
    response = answer(migvet, tmp_path, [vm(), SHOP, old],
                      review_of(policy("b", {"app": "db"}, allowPostCopy=True), "UPDATE", old))
    assert response["allowed"] and not warned(response)
    wider = policy("b", {"app": "db"}, {"env": "prod"})
    assert not warned(answer(migvet, tmp_path, [vm(), SHOP, wider], review_of(old, "UPDATE", wider)))


def test_kubevirt_refuses_first(migvet, tmp_path):
    response = answer(migvet, tmp_path, [vm(), SHOP],
                      review_of(policy("b", {"app": "none"}, completionTimeoutPerGiB=-1)))
    assert not response["allowed"] and response["status"]["code"] == 422
    assert response["status"]["details"]["causes"] == [
        {"reason": "FieldValueInvalid", "message": "must not be negative", "field": "spec.completionTimeoutPerGiB"}]
    assert warned(response) == ["policy-never-matches"]
    response = answer(migvet, tmp_path, [vm(), SHOP], review_of(policy("b", {}, maxDowntimeMs="x")))
    assert not response["allowed"] and response["status"]["code"] == 400
    assert "uint64" in response["status"]["message"]


def test_only_people_are_warned(migvet, tmp_path):
    response = answer(migvet, tmp_path, [vm(), SHOP], review_of(policy("b", {}), user=CONTROLLER))
    assert response["allowed"] and not warned(response)


def test_running_instances_count(migvet, tmp_path):
    running = instance("web")
    running["metadata"]["labels"] = {"app": "web"}
    response = answer(migvet, tmp_path, [running, SHOP], review_of(policy("b", {"app": "web"})))
    assert not warned(response)
