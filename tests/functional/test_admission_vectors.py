# SPDX-License-Identifier: Apache-2.0
"""What KubeVirt's own webhooks answer, where its answers are at hand (shared/vectors beside the project)."""
import json

import pytest

from conftest import VECTORS

FILE = VECTORS / "admission.jsonl"
CAUSE = ("reason", "message", "field")

# Without the file there is nothing to compare with, and so there are no tests.
if FILE.is_file():
    LINES = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines() if line]

    def causes_of(causes):
        return [{key: cause.get(key, "") for key in CAUSE} for cause in causes]

    @pytest.mark.parametrize("vector", [pytest.param(line, id=line["name"]) for line in LINES])
    def test_answer(migvet, tmp_path, vector):
        cluster = tmp_path / "objects.json"
        cluster.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": vector["objects"]}),
                           encoding="utf-8")
        answer = migvet.json("review", "-f", cluster, stdin=json.dumps(vector["request"]), expect=(0,))
        assert (answer["apiVersion"], answer["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
        response = answer["response"]
        status = response.get("status", {})
        expected = vector["expect"]
        assert response["uid"] == vector["request"]["request"]["uid"]
        got = {"allowed": response["allowed"],
               "code": status.get("code", 200),
               "message": status.get("message", ""),
               "causes": causes_of(status.get("details", {}).get("causes", [])),
               "vmiPatched": "evacuation" in response.get("auditAnnotations", {})}
        assert got == {**expected,
                       "causes": causes_of(expected["causes"]),
                       "vmiPatched": expected.get("vmiPatched", False)}

    def test_the_evacuated_node_is_that_of_the_pod(migvet, tmp_path):
        vector = next(line for line in LINES if line["expect"].get("vmiPatched"))
        cluster = tmp_path / "objects.json"
        cluster.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": vector["objects"]}),
                           encoding="utf-8")
        answer = migvet.json("review", "-f", cluster, stdin=json.dumps(vector["request"]), expect=(0,))
        name = vector["request"]["request"]["name"]
        pod = next(o for o in vector["objects"] if (o["kind"], o["metadata"]["name"]) == ("Pod", name))
        assert answer["response"]["auditAnnotations"] == {"evacuation": pod["spec"]["nodeName"]}
