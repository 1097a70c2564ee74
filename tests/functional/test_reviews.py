# SPDX-License-Identifier: Apache-2.0
"""Every file of tests/reviews: a configuration, a cluster, a request, and what is answered.

A case is added by adding a file, whose first comment says in a sentence what it is about. `expect` names rules, never prose:
`allowed`, `code` of a denial, `causes` and `warnings` by rule in their order (`causes-in-any-order` where that is an accident),
`fields` of the causes, `message` where it is KubeVirt's, and `annotations`, of which null means that there is none. Each is
asked three times: a second time, and as a dry run, the answer must be the same to the byte."""
import json
import re

import pytest
import yaml

from support import ROOT, review_of

REVIEWS = ROOT / "tests" / "reviews"
NAMES = sorted(str(path.relative_to(REVIEWS))[:-len(".yaml")] for path in REVIEWS.glob("*/*.yaml"))
KEYS = {"allowed", "code", "causes", "causes-in-any-order", "warnings", "fields", "message", "annotations"}
HEAD = {"apiVersion": "config.migvet.io/v1alpha1", "kind": "Configuration"}


def test_there_are_some():
    assert len(NAMES) > 70


@pytest.mark.parametrize("name", NAMES)
def test_review(migvet, tmp_path, name):
    text = (REVIEWS / f"{name}.yaml").read_text(encoding="utf-8")
    assert re.match(r"# SPDX-License-Identifier: Apache-2.0\n# [A-Z].*\.\n", text), "it does not say what it is about"
    case = yaml.safe_load(text)
    assert set(case) <= {"config", "cluster", "request", "expect"} and set(case["expect"]) <= KEYS
    (tmp_path / "cluster.yaml").write_text(yaml.safe_dump_all(case["cluster"]), encoding="utf-8")
    config = tmp_path / "config" / "config.yaml"
    config.parent.mkdir()
    config.write_text(yaml.safe_dump({**HEAD, **case.get("config", {})}), encoding="utf-8")
    request = dict(case["request"])
    who = {"username": request.pop("user", "jane"), "groups": request.pop("groups", ["system:authenticated"])}
    review = review_of(request.pop("object", None), request.pop("operation"), request.pop("oldObject", None),
                       userInfo=who, **request)
    command = ["review", "-f", tmp_path / "cluster.yaml", "--config", config]
    answer = migvet(*command, stdin=json.dumps(review)).stdout
    review["request"]["dryRun"] = True
    for _ in range(2):
        assert migvet(*command, stdin=json.dumps(review)).stdout == answer
    check(json.loads(answer)["response"], case["expect"])


def check(response, expected):
    status = response.get("status", {})
    causes = status.get("details", {}).get("causes", [])
    reasons = [cause.get("reason") for cause in causes]
    assert response["allowed"] is expected["allowed"], response
    assert status.get("code") == expected.get("code"), response
    if "causes" in expected:
        assert reasons == expected["causes"]
    if "causes-in-any-order" in expected:
        assert sorted(reasons) == sorted(expected["causes-in-any-order"])
    if "fields" in expected:
        assert [cause.get("field") for cause in causes] == expected["fields"]
    if "message" in expected:
        assert expected["message"] in status["message"]
    # A denial without a word about warnings has none.
    assert [text.split(":")[0] for text in response.get("warnings", [])] == expected.get("warnings", []), response
    annotations = response.get("auditAnnotations", {})
    if "annotations" in expected and expected["annotations"] is None:
        assert not annotations
    for key, value in (expected.get("annotations") or {}).items():
        assert annotations.get(key) == value, response
    if "exempt" not in (expected.get("annotations") or {}):
        assert "exempt" not in annotations
