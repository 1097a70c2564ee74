# SPDX-License-Identifier: Apache-2.0
"""etcd, and what tests do to it behind the API server's back: write many objects at once, drop history."""
import base64
import http.client
import json
import pathlib
import shutil
import subprocess
import uuid

from .processes import Process, eventually, free_port

START_SECONDS = 30
OPERATIONS = 500  # in one transaction


def _text(value):
    return base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()


class Etcd:
    """A member by itself, its data in memory."""

    def __init__(self, program, directory, logs):
        self.program, self.data = str(program), pathlib.Path(directory) / "etcd"
        self.port, self.peers = free_port(), free_port()
        self.data.mkdir(mode=0o700)
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.port, self.peers))
        command = [self.program, "--data-dir", self.data, "--listen-client-urls", client,
                   "--advertise-client-urls", client, "--listen-peer-urls", peer,
                   "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
                   "--max-txn-ops", OPERATIONS]
        usage = subprocess.run([self.program, "--help"], capture_output=True, text=True, timeout=30, check=False)
        if "unsafe-no-fsync" in usage.stdout + usage.stderr:
            command.append("--unsafe-no-fsync")
        self.process = Process("etcd", command, pathlib.Path(logs) / "etcd.log")

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.process.start()
        eventually(self._healthy, START_SECONDS, "etcd is healthy")

    def stop(self):
        self.process.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def _healthy(self):
        self.process.check()
        try:
            return self._ask("GET", "/health").get("health") == "true"
        except OSError:
            return False

    def _ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, f"etcd: {method} {path}: {answer.status} {text[:300]}"
            return json.loads(text)
        finally:
            connection.close()

    def revision(self):
        answer = self._ask("POST", "/v3/kv/range", {"key": _text("/"), "count_only": True, "range_end": _text("0")})
        return int(answer["header"]["revision"])

    def compact(self):
        """Forget all history. A watch from before cannot be continued."""
        self._ask("POST", "/v3/kv/compaction", {"revision": str(self.revision()), "physical": True})

    def put(self, resource, objects):
        """Write whole objects where the API server keeps them ("kubevirt.io/virtualmachines", "minions"): thousands a
        second, without admission. They get what the API server would give them."""
        operations = []
        for obj in objects:
            meta = {"uid": str(uuid.uuid4()), "creationTimestamp": "2026-01-01T00:00:00Z", "generation": 1,
                    **obj["metadata"]}
            key = "/".join(filter(None, ["/registry", resource, meta.get("namespace"), meta["name"]]))
            value = json.dumps({**obj, "metadata": meta})
            operations.append({"requestPut": {"key": _text(key), "value": _text(value)}})
        for start in range(0, len(operations), OPERATIONS):
            self._ask("POST", "/v3/kv/txn", {"success": operations[start:start + OPERATIONS]})
