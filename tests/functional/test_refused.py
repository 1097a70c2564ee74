# SPDX-License-Identifier: Apache-2.0
"""What KubeVirt would make nothing of: `refused` of a verdict, the same answer to a request, whatever the version of the
API; and versions of KubeVirt on the command line."""
import json

import pytest
import yaml

from support import Server, instance, instance_spec, machine, migration, namespace_of, review_of

ODD = machine(spec=instance_spec(evictionStrategy="Migrate"))
FIELD = "spec.template.spec.evictionStrategy"
MESSAGE = f"{FIELD} is set with an unrecognized option: Migrate"


def as_list(*objects):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def kubevirt(version, **configuration):
    return {"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt",
            "metadata": {"name": "kubevirt", "namespace": "kubevirt"}, "spec": {"configuration": configuration},
            "status": {"phase": "Deployed", "observedKubeVirtVersion": version}}


@pytest.fixture(name="directory")
def directory_fixture(tmp_path):
    (tmp_path / "all.yaml").write_text(yaml.safe_dump(namespace_of("shop")), encoding="utf-8")
    return tmp_path


def test_check(migvet):
    verdict, = migvet.verdicts("-f", "-", stdin=as_list(ODD), expect=(0,))
    assert verdict["refused"] == {"code": 422, "reason": "Invalid", "message": MESSAGE, "fields": [FIELD]}
    assert (verdict["migratable"], verdict["method"], verdict["conditions"]) == ("Unknown", "", [])
    assert verdict["evictionStrategy"] == {"value": "Migrate", "from": "VirtualMachine/shop/m"}
    assert [(f["rule"], f["severity"], f["outcome"], f["field"]) for f in verdict["findings"]] == \
        [("admission", "blocker", "unknown", FIELD), ("eviction-strategy", "risk", "fail", FIELD)]
    assert migvet("check", "-f", "-", "--fail-on", "unknown", stdin=as_list(ODD), expect=(1,)).stdout


def test_explain(migvet):
    text = migvet("explain", "vm/m", "-f", "-", stdin=as_list(ODD), expect=(0,)).stdout
    assert "KubeVirt refuses this VM\n  code 422, Invalid\n" in text and FIELD in text
    assert "What KubeVirt will report" not in text
    whole = migvet.json("explain", "vm/m", "-f", "-", "-o", "json", stdin=as_list(ODD), expect=(0,))
    assert whole["refused"]["message"] == MESSAGE and "instance" not in whole


def test_every_name_of_a_finding_is_documented(migvet):
    for name in ("admission", "instancetype", "out-of-memory"):
        page = migvet.json("rules", name, "-o", "json", expect=(0,))
        assert page["name"] == name and page["area"] == "verdict" and not page["revisions"]
        assert name in [rule["name"] for rule in migvet.json("rules", "-o", "json", expect=(0,))]


def test_stored(migvet):
    """The controller has looked at it: only what that says counts, and it may set labels."""
    stored = {**machine(), "status": {"printableStatus": "Stopped"}}
    stored["spec"]["template"]["metadata"] = {"labels": {"kubevirt.io/nodeName": "n"}}
    verdict, = migvet.verdicts("-f", "-", stdin=as_list(stored))
    assert "refused" not in verdict and verdict["migratable"] == "True"
    del stored["status"]
    verdict, = migvet.verdicts("-f", "-", stdin=as_list(stored))
    assert verdict["refused"]["fields"] == ["spec.template.metadata.labels"]


def misspelt():
    spec = instance_spec(evictionstrategy="LiveMigrate")
    spec["domain"]["devices"]["interfaces"][0]["masqerade"] = {}
    return spec


WORDS = ["evictionstrategy in body is a forbidden property",
         "domain.devices.interfaces.0.masqerade in body is a forbidden property"]
PLACES = ["evictionstrategy", "domain.devices.interfaces[0].masqerade"]
TEMPLATES = {  # what carries a spec, and where it stands in it
    "VirtualMachine": (machine, "spec.template.spec."),
    "VirtualMachineInstance": (lambda spec: {**instance(spec=spec), "status": {}}, "spec."),
    "VirtualMachinePool": (lambda spec: {"apiVersion": "pool.kubevirt.io/v1alpha1", "kind": "VirtualMachinePool",
                                         "metadata": {"name": "p", "namespace": "shop"},
                                         "spec": {"virtualMachineTemplate": {"spec": machine(spec=spec)["spec"]}}},
                           "spec.virtualMachineTemplate.spec.template.spec."),
    "VirtualMachineInstanceReplicaSet":
        (lambda spec: {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceReplicaSet",
                       "metadata": {"name": "r", "namespace": "shop"}, "spec": {"template": {"spec": spec}}},
         "spec.template.spec."),
}


@pytest.mark.parametrize("kind", TEMPLATES)
def test_unknown_fields(migvet, directory, kind):
    """What KubeVirt's API does not have is refused in a manifest, as in a request with it."""
    make, path = TEMPLATES[kind]
    obj = make(spec=misspelt())
    verdict, = migvet.verdicts("-f", "-", stdin=as_list(obj), expect=(0,))
    message = ", ".join(path + words for words in WORDS)
    assert verdict["migratable"] == "Unknown"
    assert verdict["refused"] == {"code": 422, "reason": "Invalid", "message": message,
                                  "fields": [path + place for place in PLACES]}
    assert [(f["rule"], f["outcome"], f["field"]) for f in verdict["findings"]] == \
        [("admission", "unknown", path + PLACES[0])]
    assert "spelling" in verdict["findings"][0]["fix"]
    if kind in ("VirtualMachine", "VirtualMachineInstance"):
        status = migvet.json("review", "-f", directory, stdin=json.dumps(review_of(obj)))["response"]["status"]
        assert (status["code"], status["message"]) == (422, message)
    # The API server has stored it: it has dropped, or taken, what it does not know.
    obj["metadata"]["resourceVersion"] = "7"
    verdict, = migvet.verdicts("-f", "-", stdin=as_list(obj))
    assert "refused" not in verdict


def test_unknown_fields_of_what_has_a_status(migvet):
    stored = {**machine(spec=misspelt()), "status": {"printableStatus": "Stopped"}}
    running = {**instance(spec=misspelt()), "status": {"phase": "Running"}}
    for verdict in migvet.verdicts("-f", "-", stdin=as_list(stored, running)):
        assert "refused" not in verdict


def test_unknown_field_at_the_top(migvet):
    verdict, = migvet.verdicts("-f", "-", stdin=as_list({**machine(), "sepc": {}}), expect=(0,))
    assert verdict["refused"]["message"] == ".sepc in body is a forbidden property"
    assert verdict["refused"]["fields"] == ["sepc"]


def test_misplaced_in_a_pool(migvet):
    pool, _ = TEMPLATES["VirtualMachinePool"]
    pool = pool(instance_spec())
    pool["metadata"]["resourceVersion"] = "7"
    pool["spec"]["virtualMachineTemplate"]["spec"]["evictionStrategy"] = "None"
    pool["spec"]["virtualMachineTemplate"]["metadata"] = {
        "annotations": {"kubevirt.io/allow-pod-bridge-network-live-migration": ""}}
    verdict, = migvet.verdicts("-f", "-", stdin=as_list(pool))
    path = "spec.virtualMachineTemplate."
    assert [(f["field"], f["fix"]) for f in verdict["findings"] if f["rule"] == "misplaced-field"] == [
        (path + "spec.evictionStrategy", f"move it to {path}spec.template.spec.evictionStrategy"),
        (path + "metadata.annotations[kubevirt.io/allow-pod-bridge-network-live-migration]",
         f"move it to {path}spec.template.metadata.annotations")]


@pytest.mark.parametrize("what", ["Instancetype", "Preference"])
def test_the_other_scope(migvet, what):
    """Without a kind KubeVirt looks in the cluster, not in the namespace."""
    field = what.lower()
    vm = machine()
    vm["spec"][field] = {"name": "gpu"}
    namespaced, of_cluster = ({"apiVersion": "instancetype.kubevirt.io/v1beta1", "kind": f"VirtualMachine{kind}{what}",
                               "metadata": {"name": "gpu", "namespace": "shop"}, "spec": {}}
                              for kind in ("", "Cluster"))

    def fix(*objects):
        verdict, = migvet.verdicts("-f", "-", stdin=as_list(vm, *objects))
        return verdict["findings"][0]["fix"]
    assert fix(namespaced) == \
        f"VirtualMachine{what} shop/gpu exists: set kind: VirtualMachine{what} in spec.{field}"
    assert f"give migvet VirtualMachineCluster{what} gpu too" in fix()
    vm["spec"][field]["kind"] = f"VirtualMachine{what}"
    assert fix(of_cluster) == \
        f"VirtualMachineCluster{what} gpu exists: set kind: VirtualMachineCluster{what} in spec.{field}"


def test_who_supplies_what_is_wrong(migvet):
    """The user has not written it: the message names who has, and the fix does not tell him to remove it."""
    vm = machine()
    vm["spec"]["instancetype"] = {"name": "gpu"}
    vm["spec"]["template"]["spec"]["domain"] = {
        "devices": {"interfaces": [{"name": "default", "masquerade": {}}]}}
    content = {"apiVersion": "instancetype.kubevirt.io/v1beta1", "kind": "VirtualMachineClusterInstancetype",
               "metadata": {"name": "gpu"},
               "spec": {"cpu": {"guest": 1}, "memory": {"guest": "1Gi"},
                        "hostDevices": [{"name": "h", "deviceName": "q"}]}}
    revision = {"apiVersion": "apps/v1", "kind": "ControllerRevision",
                "metadata": {"name": "rev1", "namespace": "shop"}, "data": content}
    running = instance(name="m")
    running["metadata"]["ownerReferences"] = [{"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
                                               "name": "m", "uid": "", "controller": True}]
    running["spec"]["domain"]["devices"]["hostDevices"] = [{"name": "h", "deviceName": "q"}]

    def found(*objects):
        finding, = [f for v in migvet.verdicts("-f", "-", "vm/m", "-n", "shop", stdin=as_list(vm, *objects))
                    for f in v["findings"] if f["rule"] == "host-device"]
        return finding
    for objects, who in (((content,), "instancetype gpu"), ((content, running), "instancetype gpu"),
                         ((revision,), "ControllerRevision rev1")):
        if revision in objects:
            vm["spec"]["instancetype"]["revisionName"] = "rev1"
        finding = found(*objects)
        assert finding["field"] == "spec.instancetype" and finding["message"].endswith(f" (from {who})")
        assert finding["fix"].startswith(f"name another instancetype in the VM, or in {who}: ")


SUPPLIED = [  # what it has, who, and the rule whose finding is then at it
    ("Instancetype", {"launchSecurity": {"sev": {}}}, "sev"),
    ("Instancetype", {"nodeSelector": {"kubernetes.io/hostname": "a"}}, "node-pinned"),
    ("Preference", {"features": {"preferredHyperv": {"reenlightenment": {}}}}, "tsc-frequency"),
]


@pytest.mark.parametrize("what, content, rule", SUPPLIED, ids=[rule for _, _, rule in SUPPLIED])
def test_every_part_that_is_supplied(migvet, what, content, rule):
    vm = machine()
    domain = vm["spec"]["template"]["spec"]["domain"]
    del domain["cpu"], domain["memory"]
    least = {"cpu": {"guest": 1}, "memory": {"guest": "1Gi"}} if what == "Instancetype" else {}
    vm["spec"][what.lower()] = {"name": "x"}
    supplier = {"apiVersion": "instancetype.kubevirt.io/v1beta1", "kind": f"VirtualMachineCluster{what}",
                "metadata": {"name": "x"}, "spec": {**least, **content}}
    nodes = [{"apiVersion": "v1", "kind": "Node",
              "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubevirt.io/schedulable": "true"}},
              "status": {"allocatable": {"devices.kubevirt.io/kvm": "9"}}} for name in "ab"]
    verdict, = migvet.verdicts("-f", "-", stdin=as_list(vm, supplier, *nodes))
    assert f"spec.{what.lower()}" in [f["field"] for f in verdict["findings"] if f["rule"] == rule], \
        [(f["rule"], f["field"]) for f in verdict["findings"]]


def test_version_of_the_cluster(migvet):
    """Gates and bindings follow the version, in a verdict and in an answer."""
    old = machine(spec=instance_spec("macvtap"))
    for version, refused in (("v1.2.0", False), ("v1.3.0", True)):
        verdict, = migvet.verdicts("-f", "-", stdin=as_list(old, kubevirt(version)))
        assert ("refused" in verdict) is refused, version
    receiver = machine()
    receiver["spec"]["runStrategy"] = "WaitAsReceiver"
    for version, refused in (("1.9", True), ("1.10", False)):
        verdict, = migvet.verdicts("-f", "-", "--kubevirt-version", version, stdin=as_list(receiver))
        assert ("refused" in verdict) is refused, version


def test_version_of_a_review(migvet, directory):
    receiver = machine()
    receiver["spec"]["runStrategy"] = "WaitAsReceiver"
    for version, code in (("1.9", 422), ("1.10", 200)):
        answer = migvet.json("review", "-f", directory, "--kubevirt-version", version,
                             stdin=json.dumps(review_of(receiver)), expect=(0,))["response"]
        assert answer.get("status", {}).get("code", 200) == code, version


def older(review):
    """The same request through the older version of the API."""
    request = review["request"]
    for key in ("kind", "resource", "requestKind", "requestResource"):
        request[key] = {**request[key], "version": "v1alpha3"}
    request["object"]["apiVersion"] = "kubevirt.io/v1alpha3"
    return review


REQUESTS = [(ODD, 422, MESSAGE), (migration("gone"), 400, 'the VMI "shop/gone" does not exist'),
            ({**migration("gone"), "spec": {"vmiName": "gone", "x": 1}}, 422,
             "spec.x in body is a forbidden property")]


def test_older_api_in_review(migvet, directory):
    for obj, code, message in REQUESTS:
        answers = [migvet.json("review", "-f", directory, stdin=json.dumps(review), expect=(0,))["response"]
                   for review in (review_of(obj), older(review_of(obj)))]
        for answer in answers:
            assert (answer["status"]["code"], answer["status"]["message"]) == (code, message)
            assert not [w for w in answer.get("warnings", []) if w.startswith("admission")]


def test_older_api_in_serve(migvet, directory, tmp_path_factory):
    with Server(migvet.path, "-f", directory, certs=tmp_path_factory.mktemp("certs")) as server:
        for obj, code, message in REQUESTS:
            for review in (review_of(obj), older(review_of(obj))):
                status = server.review(review)["status"]
                assert (status["code"], status["message"]) == (code, message)


def test_deep_objects_are_judged(migvet, directory):
    """Nobody gets past with a field that nests deeper than anything that is read."""
    odd = json.loads(json.dumps(ODD))
    odd["metadata"]["managedFields"] = [{"fieldsV1": "DEEP"}]
    review = json.dumps(review_of(odd)).replace('"DEEP"', '{"a":[' * 900 + "1" + "]}" * 900)
    answer = migvet.json("review", "-f", directory, stdin=review, expect=(0,))["response"]
    assert (answer["allowed"], answer["status"]["message"]) == (False, MESSAGE)


@pytest.mark.parametrize("text", ["1", "1.", "1.9.", "1.9.x", "v", "latest", "1.9 beta", ""])
def test_bad_version(migvet, directory, text):
    for command in ("check", "explain", "review", "serve"):
        process = migvet(command, "-f", directory, "--kubevirt-version", text, expect=(2,))
        assert "--kubevirt-version" in process.stderr and not process.stdout
