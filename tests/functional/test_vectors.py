# SPDX-License-Identifier: Apache-2.0
"""KubeVirt's own answers, to the letter, where they are at hand (shared/vectors beside the project)."""
import json

import pytest

from conftest import VECTORS


def vectors(name):
    with open(VECTORS / name, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def by_name(items):
    return [pytest.param(item, id=item["name"]) for item in items]


def as_list(objects):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def is_migration_create(vector):
    request = vector["request"]["request"]
    return (request["kind"]["kind"], request["operation"]) == ("VirtualMachineInstanceMigration", "CREATE")


def is_about_conditions(vector):
    return vector["check"] == "migratable"


def assert_conditions(migvet, vector):
    subject = vector["subject"]
    verdicts = migvet.verdicts("-f", "-", f"{subject['kind']}/{subject['name']}", "-n", subject["namespace"],
                               stdin=as_list(vector["objects"]))
    assert len(verdicts) == 1
    verdict = verdicts[0]
    assert {key: verdict["subject"][key] for key in subject} == subject
    names = {"LiveMigratable": "liveMigratable", "StorageLiveMigratable": "storageLiveMigratable"}
    got = {names[condition["type"]]: {key: condition[key] for key in ("status", "reason", "message")}
           for condition in verdict["conditions"]}
    assert {**got, "migrationMethod": verdict["method"]} == vector["expect"]
    return verdict


@pytest.mark.parametrize("vector", by_name(vectors("migratable.jsonl")))
def test_migratable(migvet, vector):
    assert_conditions(migvet, vector)


@pytest.mark.parametrize("vector", by_name(filter(is_about_conditions, vectors("versions.jsonl"))))
def test_migratable_in_older_versions(migvet, vector):
    verdict = assert_conditions(migvet, vector)
    assert verdict["kubevirtVersion"]["value"] == vector["kubevirtVersion"].lstrip("v")


@pytest.mark.parametrize("vector", by_name(filter(is_migration_create, vectors("admission.jsonl"))))
def test_migration_create(migvet, tmp_path, vector):
    cluster = tmp_path / "objects.json"
    cluster.write_text(as_list(vector["objects"]), encoding="utf-8")
    answer = migvet.json("review", "-f", cluster, stdin=json.dumps(vector["request"]), expect=(0,))
    assert (answer["apiVersion"], answer["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    response = answer["response"]
    assert response["uid"] == vector["request"]["request"]["uid"]
    status = response.get("status", {})
    causes = [{key: cause.get(key, "") for key in ("reason", "message", "field")}
              for cause in status.get("details", {}).get("causes", [])]
    expected = dict(vector["expect"])
    expected["causes"] = [{key: cause.get(key, "") for key in ("reason", "message", "field")}
                          for cause in expected["causes"]]
    assert {"allowed": response["allowed"], "code": status.get("code", 200),
            "message": status.get("message", ""), "causes": causes} == expected


def test_the_vectors_are_read():
    assert len(vectors("migratable.jsonl")) > 100
    assert len(list(filter(is_about_conditions, vectors("versions.jsonl")))) > 20
    assert len(list(filter(is_migration_create, vectors("admission.jsonl")))) > 20
