# SPDX-License-Identifier: Apache-2.0
"""The configuration file from outside: what it changes, how its errors read, and that `serve` follows it."""
import json
import os

import pytest
import yaml

from support import (Server, cluster, eventually, instance, instance_spec, machine, migration, namespace_of, put,
                     review_of)

HEAD = "apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\n"
BRIDGE = instance_spec("bridge", evictionStrategy="LiveMigrate")
BRIDGED = machine(spec=BRIDGE)
BROKEN = HEAD + "defaults: {enforce: strict}\n"
ENFORCE = HEAD + "defaults: {enforce: migratable}\n"


def named(name, **labels):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def configuration(directory, text="", name="config.yaml"):
    path = directory / name
    whole = text if isinstance(text, str) else HEAD + (yaml.safe_dump(text) if text else "")
    path.write_text(whole, encoding="utf-8")
    return path


@pytest.fixture(name="files")
def files_fixture(tmp_path):
    return cluster(tmp_path / "cluster", namespace_of("lab"), namespace_of("labelled", enforce="none"),
                   named("prod", env="prod"), named("test", env="test"), instance("stuck", spec=BRIDGE),
                   instance("fine", "elsewhere"))


@pytest.fixture(name="review")
def review_fixture(migvet, files, tmp_path):
    """Answers a review with a configuration given as keys and values."""
    def review(asked, **settings):
        path = configuration(tmp_path, settings)
        return migvet.json("review", "-f", files, "--config", path, stdin=json.dumps(asked))["response"]
    return review


# --- errors -------------------------------------------------------------

@pytest.mark.parametrize("text, place", [
    (BROKEN, ":3:21: defaults.enforce: \"strict\" is none of its values"),
    (HEAD + "namespaces:\n- names: [\"a(\"]\n", ":4:11: namespaces[0].names[0]: is no regular expression"),
    (HEAD + "rules: {gpus: off}\n", ":3:9: rules.gpus: there is no rule of that name"),
    (HEAD + "default: {}\n", ":3:1: default: there is no key of that name"),
    (HEAD + "unknown: [\n", ":4:1: "),
    (HEAD + "audit: {interval: 10}\n", ":3:19: audit.interval: must be a string"),
    ("", ": there is no configuration in it"),
    (HEAD + "---\n" + HEAD, ":4:1: a second document begins here")])
@pytest.mark.parametrize("command", ["check", "review", "serve", "explain", "drain", "nodes", "policy"])
def test_errors_have_their_place(migvet, files, tmp_path, command, text, place):
    path = configuration(tmp_path, text)
    subject = {"explain": ["vm/x"], "drain": ["node"]}.get(command, [])
    result = migvet(command, "-f", files, "--config", path, *subject, stdin="", expect=None)
    assert result.returncode == 2
    assert f"{path}{place}" in result.stderr
    assert result.stdout == ""


def test_a_file_that_is_not_there(migvet, files, tmp_path):
    for path in (tmp_path / "nope.yaml", tmp_path):
        result = migvet("check", "-f", files, "--config", path, expect=None)
        assert (result.returncode, result.stdout) == (2, "")
        assert str(path) in result.stderr


# --- what it changes ----------------------------------------------------

def test_defaults_entries_and_labels(review):
    """The label says first, then the first entry that matches, then the defaults."""
    enforce = {"defaults": {"enforce": "migratable"}}
    entries = {"namespaces": [{"names": ["la.*"], "enforce": "none"}, {"names": [".*"], "enforce": "migratable"}]}

    def allowed(namespace, **settings):
        return review(review_of(machine(namespace=namespace, spec=BRIDGE)), **settings)["allowed"]
    assert allowed("lab") and not allowed("lab", **enforce) and allowed("labelled", **enforce)
    assert allowed("lab", **entries) and not allowed("shop", **entries)
    assert allowed("lab", **enforce, **entries)
    assert allowed("labelled", **{"namespaces": [{"names": ["labelled"], "enforce": "migratable"}]})


def test_selector(review):
    settings = {"namespaces": [{"selector": {"matchLabels": {"env": "prod"}}, "enforce": "migratable"}]}
    answers = {name: review(review_of(machine(namespace=name, spec=BRIDGE)), **settings) for name in ("prod", "test")}
    assert not answers["prod"]["allowed"] and answers["test"]["allowed"]
    # The namespace is not in the input, so nobody knows, and nothing is refused unless that is asked for.
    settings["defaults"] = {"enforce": "migratable"}
    elsewhere = review_of(machine(namespace="elsewhere", spec=BRIDGE))
    unknown = review(elsewhere, **settings)
    assert unknown["allowed"]
    assert any(warning.startswith("configuration: ") for warning in unknown["warnings"])
    denied = review(elsewhere, unknown="deny", **settings)
    assert not denied["allowed"] and "namespace elsewhere is not in the input" in denied["status"]["message"]
    assert review(review_of(machine(namespace="elsewhere")), unknown="deny", **settings)["allowed"]


def test_a_pattern_at_its_bounds_is_unknown(review):
    hard = {"namespaces": [{"names": ["(a+)+"], "enforce": "none"}], "defaults": {"enforce": "migratable"}}
    asked = review_of(machine(namespace="a" * 60 + "b", spec=BRIDGE))
    response = review(asked, **hard)
    assert response["allowed"] and "took too much work" in " ".join(response["warnings"])
    denied = review(asked, unknown="deny", **hard)
    assert not denied["allowed"]
    assert denied["status"]["details"]["causes"][-1]["reason"] == "configuration"


def test_severities_in_doubt(migvet, files, tmp_path):
    """What a finding counts for is not known, so the verdict is not; an entry without rules says nothing of it."""
    def verdict(entry):
        path = configuration(tmp_path, {"namespaces": [{"selector": {"matchLabels": {"a": "b"}}, **entry}]})
        result = migvet("check", "-f", files, "--config", path, "-o", "json", "-n", "elsewhere", "vmi/fine",
                        expect=None)
        item = json.loads(result.stdout)["items"][0]
        return item["migratable"], [f["rule"] for f in item["findings"] if f["outcome"] == "unknown"]
    assert verdict({"rules": {"gpu": "note"}}) == ("Unknown", ["configuration"])
    assert verdict({"enforce": "none"}) == ("True", [])


def test_a_maintenance_that_blocks_can_be_denied(review):
    """As shipped its rules are no blockers, so that nothing is denied though clusterScoped says so."""
    maintenance = {"apiVersion": "nodemaintenance.medik8s.io/v1beta1", "kind": "NodeMaintenance",
                   "metadata": {"name": "m"}, "spec": {"nodeName": "node-a"}}
    asked = review_of(maintenance)
    answers = [review(asked, **settings) for settings in (
        {}, {"clusterScoped": "deny"}, {"clusterScoped": "deny", "rules": {"maintenance-blocked": "blocker"}})]
    assert [answer["allowed"] for answer in answers] == [True, True, False]
    assert answers[2]["status"]["details"]["causes"][0]["reason"] == "maintenance-blocked"


def test_severities(review, migvet, files, tmp_path):
    """By name, for all or for a namespace; `check` goes by them, too."""
    enforce = {"defaults": {"enforce": "migratable"}}
    rule = "pod-network-binding"
    for value in ("risk", "note", "off"):
        assert review(review_of(BRIDGED), rules={rule: value}, **enforce)["allowed"]
    assert not review(review_of(BRIDGED), rules={rule: "blocker"}, **enforce)["allowed"]
    entry = [{"names": ["shop"], "rules": {rule: "off"}}]
    assert review(review_of(BRIDGED), namespaces=entry, **enforce)["allowed"]
    assert review(review_of(BRIDGED), namespaces=entry, rules={rule: "blocker"}, **enforce)["allowed"]
    assert not review(review_of(machine(namespace="lab", spec=BRIDGE)), namespaces=entry, **enforce)["allowed"]

    def findings(settings):
        path = configuration(tmp_path, settings)
        result = migvet("check", "-f", files, "--config", path, "-o", "json", "vmi/stuck", expect=None)
        item = json.loads(result.stdout)["items"][0]
        status = {condition["type"]: condition["status"] for condition in item["conditions"]}
        # What KubeVirt says is a fact, whatever is made of it.
        assert status["LiveMigratable"] == "False"
        return item["migratable"], {f["rule"]: f["severity"] for f in item["findings"]}.get(rule), result.returncode
    assert findings({}) == ("False", "blocker", 1)
    assert findings({"rules": {rule: "note"}}) == ("True", "note", 0)
    assert findings({"rules": {rule: "off"}}) == ("True", None, 0)


def test_what_is_turned_off_kubevirt_still_refuses(review):
    """A migration of an instance that is not there: KubeVirt's own answer, with or without the rule."""
    asked = review_of(migration("nobody"))
    refused = review(asked)
    assert refused["status"]["code"] == 400 or refused["status"]["code"] == 422
    assert review(asked, rules={"request-vmi-missing": "off"})["status"] == refused["status"]


def test_exemptions(review):
    enforce = {"defaults": {"enforce": "migratable"}}

    def exempt(asked=BRIDGED, user="alice", member=(), **exemption):
        question = review_of(asked)
        question["request"]["userInfo"] = {"username": user, "groups": list(member)}
        response = review(question, exemptions=[{"reason": "so it is", **exemption}], **enforce)
        assert response["auditAnnotations"].get("exempt") == ("so it is" if response["allowed"] else None)
        assert not response["allowed"] or "warnings" not in response
        return response["allowed"]
    assert exempt(users=["al.*"]) and not exempt(users=["al"]) and not exempt(users=["bob"])
    assert exempt(groups=["op.*"], member=["staff", "ops"]) and not exempt(groups=["op"], member=["ops"])
    labelled = json.loads(json.dumps(BRIDGED))
    labelled["metadata"]["labels"] = {"restored": "yes"}
    assert exempt(labelled, selector={"matchLabels": {"restored": "yes"}})
    assert not exempt(selector={"matchLabels": {"restored": "yes"}})
    assert exempt(namespaces=["shop"]) and not exempt(namespaces=["sho"])
    assert exempt(namespaces=["shop"], users=["alice"]) and not exempt(namespaces=["shop"], users=["bob"])


@pytest.mark.parametrize("annotation, user, groups, allowed", [
    ("shop/db: restored by hand", "alice", [], True),
    ("shop/db: restored by hand", "carol", ["ops"], True),
    ("shop/db: restored by hand", "carol", [], False),
    ("shop/web: restored by hand", "alice", [], False),
    ("lab/db: restored by hand", "alice", [], False),
    ("shop/db:", "alice", [], False),
    ("shop/db", "alice", [], False)])
def test_annotation(review, annotation, user, groups, allowed):
    vm = machine(name="db", spec=BRIDGE)
    vm["metadata"]["annotations"] = {"migvet.io/exempt": annotation}
    asked = review_of(vm)
    asked["request"]["userInfo"] = {"username": user, "groups": groups}
    response = review(asked, defaults={"enforce": "migratable"},
                      annotationExemptions={"users": ["alice"], "groups": ["ops"]})
    assert response["allowed"] is allowed
    assert response["auditAnnotations"].get("exempt") == ("restored by hand" if allowed else None)
    assert allowed or any(warning.startswith("migvet.io/exempt: ") for warning in response["warnings"])
    # As shipped nobody may use it.
    assert not review(asked, defaults={"enforce": "migratable"})["allowed"]


def test_annotation_of_a_generated_name(review):
    vm = machine(name="db", spec=BRIDGE)
    del vm["metadata"]["name"]
    vm["metadata"].update(generateName="db-", annotations={"migvet.io/exempt": "shop/db-*: many of them"})
    asked = review_of(vm)
    asked["request"]["name"] = ""
    settings = {"defaults": {"enforce": "migratable"}, "annotationExemptions": {"users": [".*"]}}
    assert review(asked, **settings)["allowed"]
    vm["metadata"]["generateName"] = "web-"
    asked["request"]["object"] = vm
    assert not review(asked, **settings)["allowed"]


# --- serve follows it ---------------------------------------------------

def state(server):
    metrics = server.metrics()
    return metrics["migvet_config_generation"], metrics["migvet_config_broken"]


def remark(server):
    _, _, text = server.health("/readyz?verbose")
    return next(line for line in text.splitlines() if "configuration" in line)


def test_hot_reload(migvet, files, tmp_path):
    path = configuration(tmp_path, HEAD)
    with Server(migvet.path, "-f", files, "--config", path, certs=tmp_path / "certs") as server:
        asked = review_of(BRIDGED)
        assert server.review(asked)["allowed"] and state(server) == (1, 0)
        put(path, ENFORCE)
        eventually(lambda: not server.review(asked)["allowed"], 10)
        assert state(server) == (2, 0) and "generation 2" in remark(server)
        put(path, BROKEN)
        eventually(lambda: state(server) == (2, 1), 10)
        assert not server.review(asked)["allowed"]
        assert f"{path}:3:21: defaults.enforce" in remark(server)
        assert server.health("/readyz")[0] == 200
        assert len(server.events("the new configuration cannot be used; the present one stays in force")) == 1
        path.unlink()
        eventually(lambda: len(server.events(
            "the new configuration cannot be used; the present one stays in force")) == 2, 10)
        path.write_text(HEAD, encoding="utf-8")
        eventually(lambda: server.review(asked)["allowed"], 10)
        assert state(server) == (3, 0)


def test_mounted_config_map(migvet, files, tmp_path):
    """Kubernetes swaps the link `..data`; the file itself is a link that stays."""
    mount = tmp_path / "mount"
    for name, text in (("..1", HEAD), ("..2", ENFORCE)):
        (mount / name).mkdir(parents=True)
        (mount / name / "config.yaml").write_text(text, encoding="utf-8")
    (mount / "..data").symlink_to("..1")
    (mount / "config.yaml").symlink_to("..data/config.yaml")
    with Server(migvet.path, "-f", files, "--config", mount / "config.yaml", certs=tmp_path / "certs") as server:
        assert server.review(review_of(BRIDGED))["allowed"]
        (mount / "..new").symlink_to("..2")
        os.replace(mount / "..new", mount / "..data")
        eventually(lambda: not server.review(review_of(BRIDGED))["allowed"], 10)
        assert state(server) == (2, 0)


def test_limits(migvet, files, tmp_path):
    """Of the server: taken up when it starts, and that is said."""
    path = configuration(tmp_path, HEAD + "limits: {bodyBytes: 4Ki}\n")
    with Server(migvet.path, "-f", files, "--config", path, certs=tmp_path / "certs") as server:
        with server.client() as client:
            assert client.post(json.dumps({"x": "y" * 5000}))[0] == 413
        put(path, HEAD)
        eventually(lambda: "next start" in remark(server), 10)


def test_as_shipped(migvet, files, tmp_path):
    with Server(migvet.path, "-f", files, certs=tmp_path / "certs") as server:
        assert "as shipped" in remark(server) and state(server) == (1, 0)
