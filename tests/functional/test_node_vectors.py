# SPDX-License-Identifier: Apache-2.0
"""Where an instance could go, and what stops each other node, as KubeVirt's own code has it (a directory shared/vectors
beside the project; where it is not there, nothing of this file is collected)."""
import json

import pytest

from conftest import VECTORS

__test__ = VECTORS.is_dir()


def vectors():
    if not __test__:
        return []
    with open(VECTORS / "nodes.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["name"]) for vector in vectors()])
def test_nodes(migvet, vector):
    subject = vector["subject"]
    cluster = {"apiVersion": "v1", "kind": "List", "items": vector["objects"]}
    verdicts = migvet.verdicts("-f", "-", f"{subject['kind']}/{subject['name']}", "-n", subject["namespace"],
                               stdin=json.dumps(cluster))
    assert len(verdicts) == 1
    targets = verdicts[0]["targets"]
    assert targets["feasible"] == vector["expect"]["feasible"]
    assert {node["node"]: node["causes"] for node in targets["infeasible"]} == vector["expect"]["infeasible"]
    assert targets["total"] == len(targets["feasible"]) + len(targets["infeasible"])
    assert [node["node"] for node in targets["infeasible"]] == sorted(vector["expect"]["infeasible"])


def test_the_vectors_are_read():
    assert len(vectors()) > 60
