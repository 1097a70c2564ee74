# SPDX-License-Identifier: Apache-2.0
"""The stamp of /mutate from outside: the patches are applied as an API server applies them, and asked about again."""
import base64
import copy
import json
import pathlib

import pytest
import yaml

from support import (EXAMPLES, KINDS, Server, cluster, example, instance, instance_spec, machine, migration, namespace_of,
                     review_of)

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
STAMPED = ("VirtualMachine", "VirtualMachineInstanceMigration")
STAMPS = {"migvet.io/verdict", "migvet.io/rules", "migvet.io/policy", "migvet.io/targets", "migvet.io/inputs"}
REVIEWS = ("create-bridge-vm", "create-good-vm", "create-migration", "create-port-vm", "create-rwo-vm")


def patch_of(response):
    """The operations of an answer, which does nothing else."""
    assert response["allowed"] is True
    assert not {"warnings", "status", "auditAnnotations"} & set(response)
    assert ("patch" in response) == ("patchType" in response)
    if "patch" not in response:
        return []
    assert response["patchType"] == "JSONPatch"
    operations = json.loads(base64.b64decode(response["patch"], validate=True))
    assert operations, "a patch that does nothing"
    return operations


def patched(obj, operations):
    """RFC 6902, as far as it is used: `add`, `replace` and `remove` of members of objects."""
    obj = copy.deepcopy(obj)
    for operation in operations:
        *parents, key = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]]
        target = obj
        for parent in parents:
            target = target[parent]
        if operation["op"] != "add":
            assert key in target
        if operation["op"] == "remove":
            del target[key]
        else:
            assert target.get(key) != operation["value"], "an operation that changes nothing"
            target[key] = operation["value"]
    return obj


def stamp_of(obj):
    return {key: value for key, value in (obj["metadata"].get("annotations") or {}).items() if key in STAMPS}


@pytest.fixture(scope="module", name="server")
def server_fixture(migvet, tmp_path_factory):
    directory = tmp_path_factory.mktemp("mutate")
    files = cluster(directory / "cluster", namespace_of("strict", enforce="migratable"),
                    instance("fine"), instance("stuck", spec=instance_spec("bridge")))
    with Server(migvet.path, "-f", files, certs=directory / "certs") as server:
        yield server


@pytest.fixture(name="mutate")
def mutate_fixture(server):
    """mutate(object, old=None, ...) gives the object as /mutate leaves it, and is sure that a second time changes nothing."""
    with server.client() as client:
        def mutate(obj, operation="CREATE", old=None, **more):
            def answer(some):
                return patched(some, patch_of(client.review(review_of(some, operation, old, **more),
                                                            path="/mutate?timeout=10s")))
            once = answer(obj)
            assert answer(once) == once
            return once
        yield mutate


def test_stamp(mutate):
    good, bad = mutate(machine()), mutate(machine(spec=instance_spec("bridge")))
    assert set(stamp_of(good)) == STAMPS - {"migvet.io/rules"} and set(stamp_of(bad)) == STAMPS
    assert good["metadata"]["annotations"]["migvet.io/verdict"] == "True"
    assert bad["metadata"]["annotations"]["migvet.io/verdict"] == "False"
    assert bad["metadata"]["annotations"]["migvet.io/rules"] == "pod-network-binding"
    del good["metadata"]["annotations"]
    assert good == machine()


def test_targets_are_those_of_the_verdict(migvet, mutate, tmp_path):
    for some in (machine(), machine(spec=instance_spec(nodeSelector={"zone": "nowhere"}))):
        (tmp_path / "vm.yaml").write_text(yaml.safe_dump(some), encoding="utf-8")
        verdict, = migvet.verdicts("-f", EXAMPLES / "cluster", "-f", tmp_path, "vm/m", "-n", "shop")
        stamp = stamp_of(mutate(some))
        assert stamp["migvet.io/targets"] == str(len(verdict["targets"]["feasible"]))
        assert stamp["migvet.io/verdict"] == verdict["migratable"]
        assert stamp["migvet.io/policy"] == (verdict["policy"] or {"name": "none"})["name"]


def test_migration(mutate):
    fine, stuck, lost = (stamp_of(mutate(migration(name))) for name in ("fine", "stuck", "nobody"))
    assert (fine["migvet.io/verdict"], stuck["migvet.io/verdict"], lost["migvet.io/verdict"]) == \
        ("True", "False", "Unknown")
    assert stuck["migvet.io/rules"] == "pod-network-binding" and "migvet.io/rules" not in fine
    assert lost["migvet.io/policy"] == "unknown" and "migvet.io/targets" not in lost
    assert len({stamp["migvet.io/inputs"] for stamp in (fine, stuck, lost)}) == 3


@pytest.mark.parametrize("annotations", [None, {}, {"a/b~c": "d"}, {key: "forged" for key in STAMPS},
                                         {"migvet.io/exempt": "shop/m: because"}])
def test_what_clients_wrote_is_overwritten(mutate, annotations):
    expected = stamp_of(mutate(machine()))
    stamped = mutate(machine(annotations=annotations))
    assert stamp_of(stamped) == expected
    others = {key: value for key, value in (annotations or {}).items() if key not in STAMPS}
    assert stamped["metadata"]["annotations"] == {**others, **expected}


def test_nobody_is_passed_over_or_denied(mutate):
    expected = stamp_of(mutate(machine()))
    for namespace in ("kube-system", "kubevirt", "migvet", "strict"):
        assert stamp_of(mutate(machine(namespace=namespace)))["migvet.io/verdict"] == "True"
    assert stamp_of(mutate(machine(namespace="strict", spec=instance_spec("bridge"))))["migvet.io/verdict"] == "False"
    for user in ("system:serviceaccount:kubevirt:kubevirt-controller", "system:serviceaccount:kube-system:x"):
        assert stamp_of(mutate(machine(), user=user)) == expected
    assert stamp_of(mutate(machine(), dryRun=True)) == expected
    generated = machine()
    generated["metadata"] = {"generateName": "m-", "namespace": "shop"}
    assert stamp_of(mutate(generated)) == expected


def test_updates(mutate):
    old = mutate(machine())
    assert mutate(old, "UPDATE", old=old) == old
    labelled = copy.deepcopy(old)
    labelled["metadata"]["labels"] = {"a": "b"}
    assert mutate(labelled, "UPDATE", old=old) == labelled
    for annotations in (None, {}, {key: "forged" for key in STAMPS}):
        tampered = copy.deepcopy(labelled)
        tampered["metadata"]["annotations"] = annotations
        assert mutate(tampered, "UPDATE", old=old) == labelled
    worse = copy.deepcopy(old)
    worse["spec"] = machine(spec=instance_spec("bridge"))["spec"]
    stamp = stamp_of(mutate(worse, "UPDATE", old=old))
    assert stamp == stamp_of(mutate(machine(spec=instance_spec("bridge"))))
    assert stamp["migvet.io/inputs"] != stamp_of(old)["migvet.io/inputs"]
    assert mutate(machine(), "UPDATE", old=machine()) == machine()


def test_what_is_left_alone(mutate):
    going = machine(deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["a/b"])
    other = machine(spec=instance_spec("bridge"))
    for some, operation, more in ((going, "UPDATE", {"old": other}), (machine(), "UPDATE",
                                                                      {"old": other, "subResource": "status"}),
                                  (migration("fine"), "UPDATE", {"old": migration("stuck")}),
                                  (instance("i"), "CREATE", {}), (instance("i"), "UPDATE", {"old": instance("i")})):
        assert mutate(some, operation, **more) == some


def test_the_stamp_outlives_the_process(migvet, mutate):
    """Another process, and another order of keys and files, give the same number."""
    for name in REVIEWS:
        review = json.loads(example(name))
        stamps = []
        for text in (json.dumps(review), json.dumps(review, sort_keys=True, indent=1)):
            answer = migvet.json("review", "--mutate", "-f", EXAMPLES / "cluster", stdin=text, expect=(0,))
            stamps.append(stamp_of(patched(review["request"]["object"], patch_of(answer["response"]))))
        assert stamps[0] == stamps[1]
        assert stamps[0]["migvet.io/inputs"]
    assert stamp_of(mutate(machine()))["migvet.io/inputs"] == stamp_of(mutate(machine()))["migvet.io/inputs"]


def objects_of(path):
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        if document and document["kind"] in STAMPED and document["kind"] in KINDS:
            yield document


@pytest.mark.parametrize("rule", sorted(path.name for path in FIXTURES.iterdir() if path.is_dir()))
def test_fixtures_are_stamped_once(migvet, rule):
    """Of every object: the verdict that `review` audits, by a patch after which there is nothing to change."""
    for path in sorted((FIXTURES / rule).glob("*.yaml")):
        for obj in objects_of(path):
            obj["metadata"].setdefault("namespace", "default")
            obj = json.loads(json.dumps(obj, default=str))

            def answer(some, *options, path=path):
                return migvet.json("review", *options, "-f", path, stdin=json.dumps(review_of(some)), expect=(0,))["response"]
            stamped = patched(obj, patch_of(answer(obj, "--mutate")))
            stamp, audited = stamp_of(stamped), answer(obj).get("auditAnnotations")
            assert stamp["migvet.io/verdict"] == (audited["verdict"] if audited else "Unknown")
            assert not patch_of(answer(stamped, "--mutate")), path
            del stamped["metadata"]["annotations"]
            assert {**stamped["metadata"], "annotations": 0} == {**obj["metadata"], "annotations": 0}
            assert stamped["spec"] == obj["spec"]


# --- fillNodeSelector ---

def node(name, model):
    labels = {"kubernetes.io/arch": "amd64", "kubevirt.io/schedulable": "true", "machine-type.node.kubevirt.io/q35": "true",
              f"cpu-model.node.kubevirt.io/{model}": "true", "topology.kubernetes.io/zone": model.lower()}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def test_selector_is_filled(migvet, files):
    """For people, where nobody gave one; and a second time there is nothing more to do."""
    kubevirt = {"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": {"name": "k", "namespace": "kubevirt"},
                "status": {"phase": "Deployed", "observedKubeVirtVersion": "v1.9.0"}}
    objects = [kubevirt, namespace_of("shop"), instance("fine"),
               *(node(f"node-{name}", model) for name, model in (("a", "Haswell"), ("b", "Haswell"), ("c", "Penryn")))]
    configuration = "apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\nfillNodeSelector: true\n"
    directory = files({"cluster/all.yaml": objects, "config.yaml": configuration})

    def answer(obj, *options, user="jane"):
        review = json.dumps(review_of(obj, user=user))
        return patch_of(migvet.json("review", "--mutate", "-f", directory / "cluster", *options, stdin=review,
                                    expect=(0,))["response"])
    on = ("--config", directory / "config.yaml")
    move = migration("fine")
    filled = patched(move, answer(move, *on))
    assert filled["spec"] == {**move["spec"], "addedNodeSelector": {"cpu-model.node.kubevirt.io/Haswell": "true"}}
    assert stamp_of(filled)["migvet.io/targets"] == "1" and stamp_of(filled)["migvet.io/verdict"] == "True"
    assert not answer(filled, *on)
    given = {**move, "spec": {**move["spec"], "addedNodeSelector": {"kubernetes.io/arch": "amd64"}}}
    assert patched(given, answer(given, *on))["spec"] == given["spec"]
    controller = "system:serviceaccount:kubevirt:kubevirt-controller"
    for same in (answer(move), answer(move, *on, user=controller)):
        assert patched(move, same)["spec"] == move["spec"]
