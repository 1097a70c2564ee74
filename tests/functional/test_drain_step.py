# SPDX-License-Identifier: Apache-2.0
"""`migvet drain --step`: what KubeVirt does next.

Every case of tests/drain/step is two files: NAME.yaml holds the cluster, NAME.expect.json the arguments and the answer;
`wait` there maps each migration that waits to the beginning of what it waits for."""
import json
import pathlib

import pytest
import yaml

CASES = pathlib.Path(__file__).resolve().parents[1] / "drain" / "step"
NAMES = sorted(file.stem for file in CASES.glob("*.yaml"))
KEYS = ("evacuate", "notMigratable", "start", "wait")


def expectation(name):
    return json.loads((CASES / f"{name}.expect.json").read_text(encoding="utf-8"))


def assert_step(step, expected):
    assert list(step) == ["apiVersion", "kind", *KEYS]
    assert (step["apiVersion"], step["kind"]) == ("migvet.io/v1alpha1", "DrainStep")
    assert {key: step[key] for key in KEYS} == expected


@pytest.mark.parametrize("name", NAMES)
def test_case(migvet, name):
    expected = expectation(name)
    arguments = ("drain", "--step", "-f", CASES / f"{name}.yaml", *expected.pop("arguments"))
    waits = expected["wait"]
    expected["wait"] = sorted(waits)
    process = migvet(*arguments, "-o", "json")
    assert_step(json.loads(process.stdout), expected)
    assert process.returncode == (1 if expected["notMigratable"] else 0)
    assert migvet(*arguments, "--fail-on", "never").returncode == 0
    assert_step(yaml.safe_load(migvet(*arguments, "-o", "yaml").stdout), expected)
    table = migvet(*arguments).stdout
    assert all(line == line.rstrip() for line in table.splitlines()) and "has no LiveMigratable" not in table
    for migration, what_for in waits.items():
        line = [line for line in table.splitlines() if line.split()[:1] == [migration]]
        assert len(line) == 1 and line[0].split(maxsplit=1)[1].startswith(f"for {what_for}"), table
    for word in [evacuation["vmi"] for evacuation in expected["evacuate"]] + expected["notMigratable"]:
        assert word in table
    if not any(expected.values()):
        assert table.startswith("nothing to do")


def test_every_file_belongs_to_a_case():
    assert {file.name for file in CASES.iterdir()} == {f"{name}{suffix}" for name in NAMES
                                                       for suffix in (".yaml", ".expect.json")}


def test_order_of_the_objects_does_not_matter(migvet):
    """What is decided among equals goes by names."""
    for name in ("waits", "priorities", "free-places-1.6"):
        documents = list(yaml.safe_load_all((CASES / f"{name}.yaml").read_text(encoding="utf-8")))
        answers = [migvet("drain", "--step", "-o", "json", "-f", "-", stdin=yaml.safe_dump_all(order)).stdout
                   for order in (documents, documents[::-1])]
        assert answers[0] == answers[1]


def test_wrong_command_lines(migvet):
    case = CASES / "nothing.yaml"
    assert "takes no nodes" in migvet("drain", "--step", "n1", "-f", case, expect=(2,)).stderr
    assert "none of table, json, yaml" in migvet("drain", "--step", "-f", case, "-o", "html", expect=(2,)).stderr
    assert "--step" in migvet("drain", "-f", case, expect=(2,)).stderr
