# SPDX-License-Identifier: Apache-2.0
"""Commands whose allocations fail, one after the other, also those of the libraries: never a crash, and never another
answer than the undisturbed one but for an error, or a verdict that says Unknown."""
import json
import os
import pathlib
import subprocess

import pytest

from support import EXAMPLES, ROOT, example, instance_spec, machine, migration, review_of

HERE = pathlib.Path(__file__).parent
CONFIG = """apiVersion: config.migvet.io/v1alpha1
kind: Configuration
unknown: deny
namespaces:
- {names: ["sh.*"], enforce: migratable, migrations: deny}
exemptions:
- {users: ["backup-.*"], reason: they know}
siteRules:
- {name: known-model, kinds: [VirtualMachine], severity: blocker, pattern: 'H.*', message: other models are old,
   field: spec.template.spec.domain.cpu.model, fix: use another}
"""
# Each allocation takes a run of its own, and there are thousands: MIGVET_TORTURE=1 tries all of them, otherwise each test tries
# some, and another one others.
REVIEW_STRIDE, COMMAND_STRIDE = (1, 1) if os.environ.get("MIGVET_TORTURE") else (5, 29)


@pytest.fixture(scope="module", name="preload")
def preload_fixture(tmp_path_factory):
    library = tmp_path_factory.mktemp("torture") / "failing_malloc.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "failing_malloc.c"], check=True)
    return library


class Run:
    """The program with an allocation that fails."""

    def __init__(self, migvet, preload, directory, arguments, stdin):
        self.migvet, self.preload, self.stdin = migvet, preload, stdin
        self.count = directory / "count"
        self.command = [migvet.path, *map(str, arguments)]

    def __call__(self, at=0, after=False):
        environment = {**os.environ, "LD_PRELOAD": str(self.preload), "FAIL_AT": str(at),
                       "FAIL_COUNT": str(self.count)}
        if after:
            environment["FAIL_AFTER"] = "1"
        process = subprocess.run(self.command, input=self.stdin, text=True, capture_output=True, timeout=60,
                                 cwd=ROOT, env=environment, check=False)
        assert process.returncode >= 0, f"ended by signal {-process.returncode} at {at}, {process.stderr}"
        return process

    def each(self, stride, first):
        """The undisturbed run, and (where, process) for every so manieth allocation."""
        full = self()
        total = int(self.count.read_text())
        assert total > 20, "the preloaded library does not count"
        for after in (False, True):
            for at in range(1 + first % stride, total + 1, stride * (1 + after)):
                yield full, (at, after), self(at, after)


REVIEWS = {
    "denied": review_of(machine(spec=instance_spec("bridge", claim="ledger"))),
    "allowed": review_of(machine()),
    "exempt": review_of(machine(spec=instance_spec("bridge")), user="backup-1"),
    "migration": review_of(migration("db")),
    "update": review_of(machine(spec=instance_spec("bridge")), "UPDATE", machine()),
}


@pytest.mark.parametrize("name", REVIEWS)
def test_review(migvet, preload, tmp_path, name):
    (tmp_path / "config.yaml").write_text(CONFIG)
    run = Run(migvet, preload, tmp_path,
              ["review", "-f", EXAMPLES / "cluster" / "storage.yaml", "-f", EXAMPLES / "cluster" / "nodes.yaml",
               "--config", tmp_path / "config.yaml"], json.dumps(REVIEWS[name]))
    unknown = 0
    for full, where, process in run.each(REVIEW_STRIDE, list(REVIEWS).index(name)):
        expected = json.loads(full.stdout)["response"]
        if process.returncode:
            assert process.returncode == 2, where
            assert process.stderr or json.loads(process.stdout)["code"] == 503, (where, process.stdout)
            continue
        assert process.stdout, f"nothing is printed, and all is well? {where}"
        if process.stdout == full.stdout:
            continue
        response = json.loads(process.stdout)["response"]
        assert response["auditAnnotations"]["verdict"] == "Unknown", (where, response)
        assert expected["allowed"] or not response["allowed"] or name == "update", (where, response)
        assert not expected["allowed"] or response["allowed"] or name == "allowed", (where, response)
        unknown += 1
    assert unknown > 0


COMMANDS = [
    ("check", "-f", EXAMPLES / "cluster", "-o", "json"), ("nodes", "-f", EXAMPLES / "cluster"),
    ("drain", "node-a", "-f", EXAMPLES / "cluster"), ("policy", "-f", EXAMPLES / "cluster"),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_command(migvet, preload, tmp_path, arguments):
    """What is printed is right, or there is an error."""
    for full, where, process in Run(migvet, preload, tmp_path, arguments, "").each(
            COMMAND_STRIDE, 7 * COMMANDS.index(arguments)):
        assert full.returncode in (0, 1), full.stderr
        if process.returncode == full.returncode and process.stdout == full.stdout:
            continue
        assert (process.returncode == 2 and process.stderr) or "Unknown" in process.stdout, \
            (where, process.returncode, process.stdout[:500], process.stderr)
