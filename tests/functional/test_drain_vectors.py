# SPDX-License-Identifier: Apache-2.0
"""What KubeVirt does next, as its own code has it (a directory shared/vectors beside the project; where it is not there,
nothing of this file is collected)."""
import json

import pytest

from conftest import VECTORS

__test__ = VECTORS.is_dir()


def vectors():
    if not __test__:
        return []
    with open(VECTORS / "drain.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["name"]) for vector in vectors()])
def test_step(migvet, vector):
    cluster = json.dumps({"apiVersion": "v1", "kind": "List", "items": vector["objects"]})
    step = migvet.json("drain", "--step", "-o", "json", "-f", "-", stdin=cluster)
    assert {key: step[key] for key in ("evacuate", "notMigratable", "start", "wait")} == vector["expect"]


def test_the_vectors_are_read():
    assert len(vectors()) > 20
