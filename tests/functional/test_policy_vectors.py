# SPDX-License-Identifier: Apache-2.0
"""Which MigrationPolicy applies and what results, as KubeVirt's own code has it (a directory shared/vectors beside the
project; where it is not there, nothing of this file is collected)."""
import json
import re
from fractions import Fraction

import pytest

from conftest import VECTORS

__test__ = VECTORS.is_dir()

SUFFIXES = {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": 1}
SUFFIXES |= {letter: 1000**power for power, letter in enumerate("kMGTPE", 1)}
SUFFIXES |= {f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", 1)}
QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)")
QUANTITIES = {"bandwidthPerMigration", "completionTimeoutFactor", "ewmaAlpha", "patienceWindowDecayFactor",
              "precopyPossibleFactor"}


def vectors():
    if not __test__:
        return []
    found = []
    for name in ("policy.jsonl", "versions.jsonl"):
        with open(VECTORS / name, encoding="utf-8") as lines:
            found += [vector for vector in map(json.loads, lines) if vector.get("check", "policy") == "policy"]
    return found


def quantity(text):
    number, exponent, suffix = QUANTITY.fullmatch(str(text)).groups()
    return Fraction(number) * Fraction(10) ** int(exponent or 0) * SUFFIXES[suffix or ""]


def by_value(settings):
    """The settings with their quantities as numbers."""
    return {key: by_value(value) if isinstance(value, dict) else quantity(value) if key in QUANTITIES else value
            for key, value in settings.items()}


def values(configuration):
    """{"a": {"value": 1, "from": "default"}} -> {"a": 1}, at any depth."""
    return {key: entry["value"] if set(entry) == {"value", "from"} else values(entry)
            for key, entry in configuration.items()}


def origins(configuration):
    for entry in configuration.values():
        if set(entry) == {"value", "from"}:
            yield entry["from"]
        else:
            yield from origins(entry)


def judge(migvet, vector):
    subject = vector["subject"]
    cluster = {"apiVersion": "v1", "kind": "List", "items": vector["objects"]}
    verdicts = migvet.verdicts("-f", "-", f"{subject['kind']}/{subject['name']}", "-n", subject["namespace"],
                               stdin=json.dumps(cluster))
    assert len(verdicts) == 1
    assert {key: verdicts[0]["subject"][key] for key in subject} == subject
    return verdicts[0]


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["name"]) for vector in vectors()])
def test_policy(migvet, vector):
    verdict = judge(migvet, vector)
    policy, configuration = verdict["policy"], verdict["migrationConfiguration"]
    assert (policy and policy["name"]) == vector["expect"]["policy"]
    assert by_value(values(configuration)) == by_value(vector["expect"]["effective"])
    possible = {"default"} | {f"KubeVirt/{item['metadata']['namespace']}/{item['metadata']['name']}"
                              for item in vector["objects"] if item["kind"] == "KubeVirt"}
    if policy:
        possible.add(f"MigrationPolicy/{policy['name']}")
        scores = [(sum(match["matched"].values()), match["matched"]["virtualMachineInstanceLabels"])
                  for match in [policy, *policy["candidates"]]]
        assert scores == sorted(scores, reverse=True)
    assert set(origins(configuration)) <= possible
    keys = list(verdict)
    assert keys[keys.index("kubevirtVersion"):][1:3] == ["policy", "migrationConfiguration"]


def test_the_vectors_are_read():
    assert len(vectors()) > 60
