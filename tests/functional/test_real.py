# SPDX-License-Identifier: Apache-2.0
"""KubeVirt's example manifests, and the reviews that a real kube-apiserver sent for them (a directory
shared/real beside the project; where it is not there, nothing of this file is collected)."""
import collections
import json

import pytest
import yaml

from support import ROOT, Server

REAL = ROOT.parent / "shared" / "real"
EXAMPLES = REAL / "kubevirt-examples"
__test__ = REAL.is_dir()

REVIEWS = {path.name[:3]: path for path in sorted(REAL.glob("reviews/*-validate-*.json"))}

# What is judged, by the number of the review, and its verdict. The cluster is the examples alone: no KubeVirt
# object, so its defaults; no Node, so no rule about nodes; hardly a claim.
# They name no network, so they get a bridge on the pod network (rules.md 0.3 and 1.2).
BRIDGE = ["009", "011", "023", "025", "027", "028", "030", "033", "034", "035", "036", "037", "039", "040",
          "041", "046",
          "048", "049", "050", "051", "053", "055", "056", "067"]
# They connect to the pod network by masquerade, or (045) to secondary networks only, which never matter.
MOVABLE = ["042", "043", "044", "045", "052"]
# By masquerade, and on a claim that is not among the files.
UNKNOWN = ["054"]
# Migrations of instances of the examples that connect by masquerade.
MIGRATIONS = ["006", "059", "061"]
VERDICTS = {**dict.fromkeys(BRIDGE, "False"), **dict.fromkeys(MOVABLE, "True"), **dict.fromkeys(UNKNOWN,
                                                                                                "Unknown"),
            **dict.fromkeys(MIGRATIONS, "True")}
# More than the network keeps these: a ReadWriteOnce template, a GPU, a host disk, a host device.
MORE_RULES = {"009": "pvc-access-mode", "035": "gpu", "039": "gpu", "040": "host-disk", "053": "host-device"}
# Nobody asks whether these can move: other kinds, deletions, and updates
# of VMs that leave the spec as it was.
UNTOUCHED = ["001", "002", "003", "007", "047", "057", "069", "071", "072", "073", "074", "075"]
LABELLED = ["065"]  # `enforce: migratable` is put on the namespace of the examples: their VMs that already break it are named
# What KubeVirt refuses. A person changes the spec of an instance (rules.md 2.5). VMs give the guest's memory
# and name an instancetype, which gives it too (0.5).
CONFLICT = "VM field(s) spec.template.spec.domain.memory.guest conflicts with selected instance type"
REFUSED = {"038": ("FieldValueNotSupported", "update of VMI object is restricted"),
           **dict.fromkeys(["013", "015", "017", "019", "021", "032"], ("FieldValueInvalid", CONFLICT))}
POLICIES = ["004", "062"]  # MigrationPolicies without anything wrong
MAINTENANCES = ["063", "064"]  # of both API groups; without a Node nothing is said of them
# A drain of a node hangs on 067 from now on. The others have the name of a migration of the examples. Nothing
# else asks for LiveMigrate, so that nobody is warned.
WARNED = {"065": ["migvet.io/enforce"] * 8,
          "067": ["eviction-strategy"], "006": ["request-name"], "061": ["request-name"],
          "004": ["policy-never-matches"],
          "062": ["policy-values", "policy-never-matches"]}


@pytest.fixture(scope="module", name="server")
def server_fixture(migvet, tmp_path_factory):
    with Server(migvet.path, "-f", EXAMPLES, certs=tmp_path_factory.mktemp("real") / "certs") as server:
        yield server


def test_reviews_are_all_there():
    assert len(REVIEWS) == 57
    every = [*VERDICTS, *UNTOUCHED, *LABELLED, *REFUSED, *POLICIES, *MAINTENANCES]
    assert sorted(every) == sorted(REVIEWS)


@pytest.mark.parametrize("number", sorted(REVIEWS))
def test_review(server, number):
    """Each as shipped; the client sees to status, kind and uid."""
    response = server.review(REVIEWS[number].read_bytes())
    if number in REFUSED:
        reason, message = REFUSED[number]
        status = response["status"]
        assert (status["code"], status["reason"], status["message"]) == (422, "Invalid", message)
        assert [(cause["reason"], cause["message"])
                 for cause in status["details"]["causes"]] == [(reason, message)]
        return
    assert response["allowed"] is True, response["status"]["message"]
    if number in UNTOUCHED:
        assert set(response) == {"uid", "allowed"}
    if number in VERDICTS:
        notes = response["auditAnnotations"]
        assert notes["verdict"] == VERDICTS[number]
        rules = notes.get("rules", "").split(",")
        assert ("pod-network-binding" in rules) is (number in BRIDGE)
        assert number not in MORE_RULES or MORE_RULES[number] in rules
        if VERDICTS[number] == "True":
            assert rules == [""]
    assert [warning.split(":")[0] for warning in response.get("warnings", [])] == WARNED.get(number, [])


def test_reviews_one_after_another(server):
    """All on one connection, as kube-apiserver does."""
    with server.client() as client:
        kept = None
        for path in REVIEWS.values():
            client.review(path.read_bytes())
            kept = kept or client.http.sock
            assert client.http.sock is kept


def manifests():
    for path in sorted(EXAMPLES.rglob("*.yaml")):
        with open(path, encoding="utf-8") as stream:
            for document in yaml.safe_load_all(stream):
                if document:
                    yield document


def can_migrate(spec, templates):
    """KubeVirt's condition, as far as the examples go, read anew: None where a claim decides that is not
    here."""
    devices = spec["domain"].get("devices") or {}
    networks, interfaces = spec.get("networks") or [], devices.get("interfaces") or []
    if not networks and not interfaces:
        return False
    pod = [network["name"] for network in networks if "pod" in network]
    if pod and not any(i["name"] == pod[0] and "masquerade" in i for i in interfaces):
        return False
    if devices.get("hostDevices") or devices.get("gpus"):
        return False
    answer = True
    for volume in spec.get("volumes") or []:
        if "hostDisk" in volume and not volume["hostDisk"].get("shared"):
            return False
        name = volume.get("dataVolume", {}).get("name")
        if "persistentVolumeClaim" in volume or (name and name not in templates):
            answer = None
        elif name and "ReadWriteMany" not in templates[name]["spec"]["pvc"]["accessModes"]:
            return False
    return answer


def test_every_machine_is_judged(migvet):
    verdicts = migvet.verdicts("-R", "-f", EXAMPLES, expect=(1,))
    judged = collections.Counter()
    for verdict in verdicts:
        judged[verdict["subject"]["kind"], verdict["subject"]["name"], verdict["migratable"]] += 1
        assert "targets" not in verdict
        if "refused" in verdict:
            assert (verdict["refused"]["code"], verdict["refused"]["message"]) == (422, CONFLICT)
            assert verdict["conditions"] == [] and verdict["migratable"] == "Unknown"
        else:
            assert verdict["conditions"] and verdict["method"] in ("LiveMigration", "BlockMigration")
    expected, words = collections.Counter(), {True: "True", False: "False", None: "Unknown"}
    for manifest in manifests():
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        if kind == "VirtualMachine":
            spec = manifest["spec"]
            templates = {t["metadata"]["name"]: t for t in spec.get("dataVolumeTemplates") or []}
            inner = spec["template"]["spec"]
            refused = "instancetype" in spec and "guest" in inner["domain"].get("memory", {})
            expected[kind, name, words[None if refused else can_migrate(inner, templates)]] += 1
        elif kind == "VirtualMachineInstance":
            expected[kind, name, words[can_migrate(manifest["spec"], {})]] += 1
    assert sum(expected.values()) > 30
    assert {key: n for key, n in judged.items() if key[0] in (
        "VirtualMachine", "VirtualMachineInstance")} == expected
    assert {key[0] for key in judged} == {"VirtualMachine", "VirtualMachineInstance", "VirtualMachinePool",
                                          "VirtualMachineInstanceReplicaSet",
                                          "VirtualMachineInstanceMigration"}


def test_table_names_them_all(migvet):
    table = migvet("check", "-R", "-f", EXAMPLES, "-o", "table", expect=(1,)).stdout
    for manifest in manifests():
        if manifest["kind"] in ("VirtualMachine", "VirtualMachineInstance"):
            assert f"default/{manifest['metadata']['name']}\n" in table
