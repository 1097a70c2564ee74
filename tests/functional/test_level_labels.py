# SPDX-License-Identifier: Apache-2.0
"""Whoever changes a level label of a namespace is told which VMs break the new level; what makes VMs is warned about."""
import copy
import json
import time

import pytest
import yaml

from support import PLAIN, Server, instance, instance_spec, machine, namespace_of, review_of, scaled

LONGEST = 120


@pytest.fixture(name="ask")
def ask_fixture(migvet, tmp_path):
    """ask(objects, now, before) reviews an update of the labels of namespace shop; the response."""
    def ask(objects, now, before=None, config=None, user="jane", **more):
        (tmp_path / "cluster.yaml").write_text(yaml.safe_dump_all(objects), encoding="utf-8")
        arguments = []
        if config:
            path = tmp_path / "config" / "config.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(yaml.safe_dump({"apiVersion": "config.migvet.io/v1alpha1", "kind": "Configuration",
                                            **config}), encoding="utf-8")
            arguments = ["--config", path]
        name = more.pop("name", "shop")
        review = review_of(namespace_of(name, **now), "UPDATE", namespace_of(name, **(before or {})), user=user,
                           namespace=name, **more)
        response = migvet.json("review", "-f", tmp_path / "cluster.yaml", *arguments,
                               stdin=json.dumps(review))["response"]
        assert response["allowed"]
        for text in response.get("warnings", []):
            assert len(text) <= LONGEST, text
            assert text.startswith("migvet.io/"), text
        return response
    return ask


def warnings(response):
    return response.get("warnings", [])


def good(name, **more):
    return machine(name, **more)


def bad(name, namespace="shop", **more):
    return machine(name, namespace, spec=instance_spec("bridge", **more))


def unsure(name):
    return machine(name, spec=instance_spec(claim="absent"))


SOME = [namespace_of("shop"), good("good"), bad("bad"), bad("worse"), bad("elsewhere", "other"),
        bad("unevicted", evictionStrategy="None")]


@pytest.mark.parametrize("label", ["enforce", "warn", "audit"])
def test_stronger(ask, label):
    """Of each label, whether it is added or raised."""
    says = [f"migvet.io/{label}: 3 of 4 VMs break level migratable: vm/bad, vm/unevicted, vm/worse"]
    for before in ({}, {label: "none"}, {label: "declared"}, {label: "strict"}):
        assert warnings(ask(SOME, {label: "migratable"}, before)) == says
    assert warnings(ask(SOME, {label: "declared"})) == \
        [f"migvet.io/{label}: 2 of 4 VMs break level declared: vm/bad, vm/worse"]


@pytest.mark.parametrize("now, before", [
    ({"enforce": "migratable"}, {"enforce": "migratable"}), ({"enforce": "declared"}, {"enforce": "migratable"}),
    ({"enforce": "none"}, {}), ({}, {"enforce": "migratable"}), ({"other": "migratable"}, {}), ({}, {})])
def test_not_stronger(ask, now, before):
    assert not warnings(ask(SOME, now, before))


def test_several_labels_at_once(ask):
    assert warnings(ask(SOME, {"enforce": "declared", "audit": "migratable", "warn": "none"})) == [
        "migvet.io/enforce: 2 of 4 VMs break level declared: vm/bad, vm/worse",
        "migvet.io/audit: 3 of 4 VMs break level migratable: vm/bad, vm/unevicted, vm/worse"]


def test_nothing_breaks_it(ask):
    assert not warnings(ask([namespace_of("shop"), good("good")], {"enforce": "resilient"}, {"enforce": "resilient"}))
    assert not warnings(ask([namespace_of("shop"), good("good")], {"enforce": "migratable"}))
    assert not warnings(ask([namespace_of("shop")], {"enforce": "resilient"}))


def test_one(ask):
    assert warnings(ask([bad("bad")], {"enforce": "migratable"})) == \
        ["migvet.io/enforce: 1 of 1 VMs breaks level migratable: vm/bad"]


def test_instances(ask):
    """Those that no VM controls count by themselves."""
    owner = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": "bad", "uid": "1", "controller": True}
    objects = [bad("bad"), instance("bad", spec=instance_spec("bridge"), ownerReferences=[owner]),
               instance("alone", spec=instance_spec("bridge")),
               good("going", spec=instance_spec("bridge"), deletionTimestamp="2026-01-01T00:00:00Z")]
    assert warnings(ask(objects, {"enforce": "migratable"})) == \
        ["migvet.io/enforce: 2 of 2 VMs break level migratable: vm/bad, vmi/alone"]


def test_unknown(ask):
    """What is not known is told, unless it is to be allowed."""
    objects = [bad("bad"), unsure("b"), unsure("a")]
    breaks = "migvet.io/enforce: 1 of 3 VMs breaks level migratable: vm/bad"
    for word in ("warn", "deny"):
        assert warnings(ask(objects, {"enforce": "migratable"}, config={"unknown": word})) == [
            breaks, "migvet.io/enforce: of 2 of 3 VMs it is not known whether they meet level migratable: vm/a, vm/b"]
    assert warnings(ask(objects, {"enforce": "migratable"}, config={"unknown": "allow"})) == [breaks]


def test_severities_of_the_configuration_count(ask):
    config = {"namespaces": [{"names": ["shop"], "rules": {"pod-network-binding": "risk"}}]}
    assert not warnings(ask(SOME, {"enforce": "migratable"}, config=config))


def test_entries_that_go_by_the_label_count(ask):
    """The namespace is judged with the labels that it will have."""
    config = {"namespaces": [{"selector": {"matchLabels": {"migvet.io/enforce": "migratable"}},
                              "rules": {"pod-network-binding": "risk"}}]}
    assert not warnings(ask(SOME, {"enforce": "migratable"}, config=config))
    assert warnings(ask(SOME, {"enforce": "resilient"}, config=config))
    assert warnings(ask(SOME, {"enforce": "resilient"}, {"enforce": "migratable"}, config=config))


@pytest.mark.parametrize("count, name", [(7, "v"), (1000, "v"), (300, "v" * 60), (30, "v" * 200)])
def test_many(ask, count, name):
    """As many names as fit, and how many more there are; together within what an API server passes on."""
    said = warnings(ask([bad(f"{name}{i:04}") for i in range(count)], {"enforce": "migratable"}))
    assert said[0].startswith(f"migvet.io/enforce: {count} of {count} VMs break level migratable: vm/{name[:40]}")
    assert sum(len(text) for text in said) < 4096
    if name == "v":
        listed = sum(text.count("vm/") for text in said)
        more = int(said[-1].rpartition(" and ")[2].split()[0]) if " and " in said[-1] else 0
        assert listed + more == count
        assert count > 7 or listed == 7


@pytest.mark.parametrize("label", ["enforce", "warn", "audit", "migrations"])
def test_unknown_value(ask, label):
    """Of the label that somebody sets now, not of one that is there."""
    must = "audit, warn or deny" if label == "migrations" else "none, declared, migratable or resilient"
    assert warnings(ask(SOME, {label: "strict"})) == \
        [f'migvet.io/{label}: unknown value "strict" is passed over: it must be {must}']
    assert not warnings(ask(SOME, {label: "strict"}, {label: "strict"}))


@pytest.mark.parametrize("user", ["system:serviceaccount:kubevirt:kubevirt-controller",
                                  "system:serviceaccount:kube-system:namespace-controller"])
def test_controllers_read_no_warnings(ask, user):
    assert not warnings(ask(SOME, {"enforce": "migratable"}, user=user))


@pytest.mark.parametrize("name", ["kube-system", "kubevirt", "migvet"])
def test_namespaces_without_levels(ask, name):
    """Nothing is denied in these, whatever their labels say."""
    assert not warnings(ask([bad("bad", name)], {"enforce": "migratable"}, name=name))


def test_dry_run_is_the_same(ask):
    assert warnings(ask(SOME, {"enforce": "migratable"}, dryRun=True)) == \
        warnings(ask(SOME, {"enforce": "migratable"})) != []


def test_over_https_in_time(migvet, tmp_path):
    """Within a second, whatever the number of VMs; what could not be judged in it is said."""
    count = scaled(20000)
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    vms = [json.dumps(bad(f"v{i:05}")) for i in range(count)]
    (cluster / "all.yaml").write_text("\n---\n".join([json.dumps(namespace_of("shop")), *vms]), encoding="utf-8")
    review = review_of(namespace_of("shop", enforce="migratable"), "UPDATE", namespace_of("shop"), namespace="shop")
    with Server(migvet.path, "-f", cluster, certs=tmp_path / "certs") as server, server.client() as client:
        begun = time.monotonic()
        response = client.review(review)
        took = time.monotonic() - begun
        # A deadline of its own that is shorter is kept, too.
        again = time.monotonic()
        short = client.review(copy.deepcopy(review), path="/validate?timeout=1s")
        took_short = time.monotonic() - again
    assert response["allowed"] and short["allowed"]
    if PLAIN:
        assert took < 1 and took_short < 1, (took, took_short)
    first, last = response["warnings"][0], response["warnings"][-1]
    judged = int(first.split(" of ")[1].split()[0])
    assert first.startswith(f"migvet.io/enforce: {judged} of {judged} VMs break level migratable: vm/v00000")
    if judged < count:
        assert last == f"migvet.io/enforce: there was time to judge {judged} of the {count} VMs only"


# --- what makes VMs ------------------------------------------------------

POOL = {"apiVersion": "pool.kubevirt.io/v1beta1", "kind": "VirtualMachinePool"}
SET = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceReplicaSet"}


def template_of(kind, spec):
    selector = {"selector": {"matchLabels": {"a": "b"}}, "replicas": 1}
    metadata = {"labels": {"a": "b"}}
    if kind is POOL:
        return {**POOL, "metadata": {"name": "p", "namespace": "shop"}, "spec": {
            **selector, "virtualMachineTemplate": {"metadata": metadata, "spec": {
                "runStrategy": "Always", "template": {"metadata": metadata, "spec": spec}}}}}
    return {**SET, "metadata": {"name": "r", "namespace": "shop"},
            "spec": {**selector, "template": {"metadata": metadata, "spec": spec}}}


@pytest.mark.parametrize("kind", [POOL, SET], ids=["pool", "replica-set"])
@pytest.mark.parametrize("level, words", [("none", []), ("declared", ["pod-network-binding"]),
                                          ("migratable", ["pod-network-binding"])])
def test_templates_are_warned_about(migvet, tmp_path, kind, level, words):
    """On create, and on an update that makes them worse; never denied."""
    (tmp_path / "cluster.yaml").write_text(yaml.safe_dump(namespace_of("shop", enforce=level, warn="none")),
                                           encoding="utf-8")
    was, now = template_of(kind, instance_spec()), template_of(kind, instance_spec("bridge"))
    more = copy.deepcopy(now)
    more["spec"]["replicas"] = 2
    for review, said in ((review_of(now), words), (review_of(now, "UPDATE", was), words),
                         (review_of(more, "UPDATE", now), []), (review_of(was), [])):
        response = migvet.json("review", "-f", tmp_path / "cluster.yaml", stdin=json.dumps(review))["response"]
        assert response["allowed"]
        assert [text.split(":")[0] for text in warnings(response) if not text.startswith("eviction")] == said
        assert response["auditAnnotations"]["level"] == level
