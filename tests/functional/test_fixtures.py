# SPDX-License-Identifier: Apache-2.0
"""Every fixture of tests/fixtures: RULE/{pass,fail,unknown}-WHAT.yaml with what is expected of it beside it.

A case is added by adding the two files. NAME.expect.json names the object judged and gives the whole verdict:
rules, outcomes, severities and fields, never prose."""
import json
import pathlib
import re

import pytest
import yaml

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
NAMES = sorted(str(f.relative_to(FIXTURES))[:-len(".yaml")] for f in FIXTURES.glob("*/*.yaml"))
OUTCOMES = ("pass", "fail", "unknown")
KEYS = ("rule", "outcome", "severity", "field")

# What stops the nodes is at no one field of the object.
ABOUT_NODES = {"node-fit", "node-capacity"}
# What KubeVirt refuses is not for want of something in the input.
REFUSED = "admission"
# A failing fixture fails for its rule alone. Those of these rules, or these, cannot: what they say comes with something else.
COMPANIONS = {
    "maintenance-last-node": {"maintenance-blocked"},  # a migration that finds no node blocks the drain
    # It asks even nodes that cannot take the VM, where no other can.
    "cpu-host-model/fail-no-node-to-start-on": {"node-fit"},
    "cpu-host-model/fail-selector-without-node": {"node-fit"},
    "cpu-host-model/pass-selected-nodes-away": {"node-fit"},
    "node-fit": {"cpu-host-passthrough"},  # asks for nothing but the vendor
    "eviction-strategy": {"host-device", "cpu-host-model", "node-fit"},  # it matters where something keeps the VM from migrating
    "convergence": {"volume-block-migration", "volume-not-found"},  # disks decide, local ones or missing ones
    "post-copy-support": {"sriov", "pod-security"},  # restricted forbids more than that
    "bridge-migration-limits": {"sriov"},  # which says its own of an SR-IOV interface
    "pod-network-binding": {"sriov"},
    # The access modes of what is not there are not known, and a memory dump is always copied.
    "volume-not-found": {"pvc-access-mode", "volume-block-migration"},
    "misplaced-field": {REFUSED},  # what is no field there
    "pod-security": {"virtiofs"},  # what restricted forbids of virtiofs is in versions that do not migrate it at all
}
# What these find is about the cluster, so it is at no field of the object.
CLUSTER = {"config-conflict", "config-ignored", "migration-network", "kubevirt-version"}
# Every verdict says so when KubeVirt's version is not known; that has its own fixtures.
VERSION = "kubevirt-version"
# What these do not know is whether there is an instance, and request-vmi-missing says so.
NEED_INSTANCE = {"request-condition", "request-in-flight", "request-name", "request-vmi-final"}


def expectation(name):
    return json.loads((FIXTURES / f"{name}.expect.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def rules(migvet):
    return [rule["name"] for rule in migvet.json("rules", "-o", "json", expect=(0,)) if rule["area"] != "verdict"]


def has_command(expected):
    """Its subject is judged by a command of its own, not by `check`."""
    return expected["subject"]["kind"] in ("MigrationPolicy", "NodeMaintenance")


def names_of(kind):
    return [name for name in NAMES if expectation(name)["subject"]["kind"] == kind]


def assert_whole(findings):
    """What every finding promises."""
    for finding in findings:
        assert finding["message"] and finding["fix"]
        assert bool(finding["field"]) != (finding["rule"] in ABOUT_NODES | CLUSTER)
        assert finding["outcome"] != "unknown" or finding["rule"] == REFUSED or finding["missing"]
        # What is not known the fix asks for, by its name.
        for missing in finding.get("missing", []):
            assert (missing["name"] or missing["kind"]) in finding["fix"]


@pytest.mark.parametrize("name", names_of("NodeMaintenance"))
def test_maintenance(migvet, name):
    """A NodeMaintenance is judged when somebody creates it; it is never refused."""
    documents = yaml.safe_load_all((FIXTURES / f"{name}.yaml").read_text(encoding="utf-8"))
    maintenance = next(document for document in documents if document["kind"] == "NodeMaintenance")
    group, version = maintenance["apiVersion"].split("/")
    request = {"uid": "1", "kind": {"group": group, "version": version, "kind": "NodeMaintenance"},
               "resource": {"group": group, "version": version, "resource": "nodemaintenances"},
               "name": maintenance["metadata"]["name"], "operation": "CREATE", "userInfo": {"username": "jane"},
               "object": maintenance}
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    answer = migvet.json("review", "-f", FIXTURES / f"{name}.yaml", stdin=json.dumps(review))["response"]
    # The annotations say of the drain what the warnings say.
    outcomes = {finding["rule"]: finding["outcome"] for finding in expectation(name)["findings"]}
    words = {"fail": "False", "unknown": "Unknown"}
    annotations = answer["auditAnnotations"]
    assert answer["allowed"] and annotations["verdict"] == words.get(outcomes.get("maintenance-blocked"), "True")
    assert annotations.get("rules", "") == ",".join(rule for rule in outcomes if outcomes[rule] == "fail")
    assert not re.search(r"\((eviction-webhook|disruption-budget|no-node|convergence|queue|pod)\)", str(answer))
    warned = [warning.split(":")[0] for warning in answer.get("warnings", [])]
    assert warned == [finding["rule"] for finding in expectation(name)["findings"]]
    assert all(len(warning) <= 120 for warning in answer.get("warnings", []))
    request["operation"] = "DELETE"
    assert "warnings" not in migvet.json("review", "-f", FIXTURES / f"{name}.yaml", stdin=json.dumps(review))["response"]


@pytest.mark.parametrize("name", names_of("MigrationPolicy"))
def test_policy(migvet, name):
    expected = expectation(name)
    policy = expected["subject"]["name"]
    answer = migvet.json("policy", "-f", FIXTURES / f"{name}.yaml", f"migrationpolicy/{policy}", "-o", "json")
    assert [found["subject"]["name"] for found in answer["policies"]] == [policy]
    findings = answer["policies"][0]["findings"]
    assert [{key: finding[key] for key in KEYS} for finding in findings] == expected["findings"]
    assert_whole(findings)
    refused = any((finding["severity"], finding["outcome"]) == ("blocker", "fail") for finding in findings)
    migvet("policy", "-f", FIXTURES / f"{name}.yaml", f"migrationpolicy/{policy}", expect=(int(refused),))


@pytest.mark.parametrize("name", [name for name in NAMES if not has_command(expectation(name))])
def test_verdict(migvet, name):
    expected = expectation(name)
    subject = expected["subject"]
    found = [verdict for verdict in migvet.verdicts("-f", FIXTURES / f"{name}.yaml")
             if {key: verdict["subject"][key] for key in subject} == subject]
    assert len(found) == 1, f"{subject} is judged {len(found)} times"
    verdict = found[0]
    findings = [{key: finding[key] for key in KEYS} for finding in verdict["findings"]
                if finding["rule"] != VERSION or name.startswith(VERSION)]
    assert {"subject": subject, "migratable": verdict["migratable"], "method": verdict["method"],
            "findings": findings} == expected
    assert_whole(verdict["findings"])
    worst = {finding["outcome"] for finding in findings if finding["severity"] == "blocker"}
    wanted = "False" if "fail" in worst else "Unknown" if "unknown" in worst else "True"
    assert verdict["migratable"] == wanted


@pytest.mark.parametrize("name", [name for name in NAMES if not has_command(expectation(name))])
def test_exit_code(migvet, name):
    subject = expectation(name)["subject"]
    process = migvet("check", "-f", FIXTURES / f"{name}.yaml", "-n", subject["namespace"],
                     f"{subject['kind']}/{subject['name']}", expect=None)
    assert process.returncode == (1 if expectation(name)["migratable"] == "False" else 0), process.stderr


@pytest.mark.parametrize("name", NAMES)
def test_is_what_its_name_says(name):
    rule, what = name.split("/")
    outcome = what.split("-")[0]
    assert outcome in OUTCOMES
    expected = expectation(name)
    findings = {(finding["rule"], finding["outcome"]) for finding in expected["findings"]}
    companions = COMPANIONS.get(rule, set()) | COMPANIONS.get(name, set())
    if outcome == "pass":
        assert {r for r, _ in findings} <= companions
    elif outcome == "fail":
        assert (rule, "fail") in findings
        assert {r for r, _ in findings} <= {rule} | companions
        assert {o for r, o in findings if r == rule} == {"fail"}
    elif rule in NEED_INSTANCE:
        assert findings == {("request-vmi-missing", "unknown")}
    else:
        alone = {(r, o) for r, o in findings if r not in companions}
        assert alone == {(rule, "unknown")}


def test_every_rule_has_fixtures(rules):
    directories = {directory.name for directory in FIXTURES.iterdir()}
    assert directories == set(rules)
    for rule in rules:
        for outcome in ("pass", "fail"):
            assert list((FIXTURES / rule).glob(f"{outcome}-*.yaml")), f"{rule} has no {outcome}-*.yaml"


def test_every_file_belongs_to_a_fixture():
    files = {str(file.relative_to(FIXTURES)) for file in FIXTURES.glob("*/*")}
    assert files == {name + suffix for name in NAMES for suffix in (".yaml", ".expect.json")}


def test_documentation_of_each_rule(migvet, rules):
    for rule in rules:
        page = migvet.json("rules", rule, "-o", "json", expect=(0,))
        assert page["name"] == rule
        assert all(page[key] for key in ("summary", "documentation", "source", "fix", "severity", "area"))
        assert rule in migvet("rules", rule, expect=(0,)).stdout
