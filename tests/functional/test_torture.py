# SPDX-License-Identifier: Apache-2.0
"""Commands whose allocations fail, one after the other, also those of the libraries: never a crash, and never another
answer than the undisturbed one but for an error, or a verdict that says Unknown."""
import base64
import http.client
import json
import mmap
import os
import pathlib
import struct
import subprocess

import pytest
import yaml

from receiver import TOKEN, Delivery, Identity
from support import EXAMPLES, ROOT, Server, example, instance_spec, machine, migration, review_of

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
# Of a migration four in a row belong to its answer.
REVIEW_STRIDE, COMMAND_STRIDE = (1, 1) if os.environ.get("MIGVET_TORTURE") else (3, 29)


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


class Switch:
    """The file FAIL_SWITCH, see failing_malloc.c."""

    def __init__(self, path):
        path.write_bytes(bytes(16))
        self.path = path
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 16)

    def set(self, countdown):
        self.memory[:8] = struct.pack("Q", countdown)

    def is_waiting(self):
        """The allocation has not come yet."""
        return struct.unpack("Q", self.memory[:8])[0] > 0


def check_disturbed(name, full, status, text):
    """What may come of a review, or of a question, while an allocation fails; whether it is something else than without."""
    if (status, text) == full:
        return False
    answer = json.loads(text)
    if status != 200:
        assert status in (500, 503) and answer["kind"] == "Status", (status, text)
        return True
    if answer["kind"] == "Verdict":
        assert answer["migratable"] == "Unknown", answer
        return True
    response, allowed = answer["response"], json.loads(full[1])["response"]["allowed"]
    if name == "stamped":  # as Unknown, or not at all
        patch = base64.b64decode(response.get("patch", "")).decode()
        assert response["allowed"] and (not patch or '"Unknown"' in patch), (response, patch)
        return True
    assert response.get("auditAnnotations", {}).get("verdict") == "Unknown", (name, response)
    assert allowed or not response["allowed"] or name == "update", response
    assert not allowed or response["allowed"] or name == "allowed", response
    return True


def torture(server, switch, name, request):
    """Each allocation of the server in turn fails while it answers, until there is none more; how often that was seen."""
    seen, quiet, at, client = 0, 0, 0, server.client()
    status, _, text = client.post(**request)
    full = status, text
    assert status == 200, text
    while quiet < 4:  # its other threads take some memory, too
        at += 1
        switch.set(at)
        try:
            status, _, text = client.post(**request)
            seen += check_disturbed(name, full, status, text)
        except (OSError, http.client.HTTPException):  # the connection has ended, perhaps in the middle of the answer
            seen += 1
            client.http.close()
        finally:
            quiet = quiet + 1 if switch.is_waiting() else 0
            switch.set(0)
        assert server.process.poll() is None, f"{name}: it ended with {server.process.returncode} at {at}"
        if not client.http.sock:  # handshakes are left in peace: without memory the library for large numbers would abort
            client = server.client()
            status, _, text = client.post(**request)
            assert (status, text) == full, (name, at, text)
    client.http.close()
    return seen


def test_server(migvet, preload, tmp_path):
    """It answers, or ends the connection, and goes on; its log and what is kept for receivers stay whole."""
    delivery, switch = Delivery(migvet.path, tmp_path, Identity(tmp_path / "identity")), Switch(tmp_path / "switch")
    nobody = delivery.receiver("one", "https://localhost:1/")
    delivery.configure(nobody, verdicts={"enabled": True, "tokenFile": str(delivery.token)}, **yaml.safe_load(CONFIG))
    requests = {name: {"body": json.dumps(review)} for name, review in REVIEWS.items()}
    requests["stamped"] = {"body": json.dumps(REVIEWS["allowed"]), "path": "/mutate?timeout=10s"}
    requests["question"] = {"body": json.dumps(machine(spec=instance_spec("bridge"))), "path": "/v1alpha1/verdicts",
                            "headers": {"Authorization": f"Bearer {TOKEN}"}}
    with Server(migvet.path, *delivery.arguments(), certs=tmp_path / "certs",
                environment={"LD_PRELOAD": str(preload), "FAIL_SWITCH": str(switch.path)}) as server:
        seen = {name: torture(server, switch, name, request) for name, request in requests.items()}
        metrics = server.metrics()
    print(seen)
    assert min(seen.values()) > 5, seen
    assert {event["component"] for event in server.events()} >= {"serve", "webhook"}  # each line is JSON
    # An event takes no memory of its own any more (tests/budget has that): none is lost here for want of it. That of the
    # outbox itself fails in tests/unit/test_outbox*.c.
    kept = migvet.json("outbox", "ls", "--directory", delivery.outbox, "-o", "json")
    assert len(kept["items"]) == metrics["migvet_outbox_events_total"] > 0


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
