# SPDX-License-Identifier: Apache-2.0
"""What goes wrong while the soak test runs, one thing after the other; each is put right again before the next."""
import contextlib
import os
import random
import re
import resource
import signal
import socket
import ssl
import struct
import subprocess
import time

from receiver import TOKEN
from support import example, put

QUESTIONS = "/v1alpha1/verdicts"
GOOD = example("create-good-vm").encode()
HEAD = (b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: " + str(len(GOOD)).encode() + b"\r\n\r\n")


class Faults:
    """world: what the soak test runs on, see soak.py."""

    def __init__(self, world):
        self.world, self.server, self.directory = world, world.server, world.directory
        self.source, self.turn, self.counts = random.Random(20261126), 0, {}
        self.sent_again = {}  # dead letters, by receiver

    def _run(self, *arguments):
        return subprocess.run([self.world.program, *map(str, arguments)], capture_output=True, timeout=60, check=False)

    def _raw(self):
        return socket.create_connection(("127.0.0.1", self.server.port), 10)

    # --- files ---

    def other_files(self):
        self.turn += 1
        put(self.directory / "live" / "storage.yaml", self.world.texts[self.turn % 2])

    def broken_file(self):
        path = self.directory / "live" / "broken.yaml"
        path.write_text("kind: [\n", encoding="utf-8")
        time.sleep(0.5)
        path.unlink()

    def other_configuration(self):
        self.turn += 1
        put(self.world.live_configuration, self.world.configurations[self.turn // 2 % 2])

    def broken_configuration(self):
        put(self.world.live_configuration, "kind: Configuration\nunknown: maybe\n")
        time.sleep(0.5)
        put(self.world.live_configuration, self.world.configurations[0])

    def other_token(self):
        """Another one beside that of the load."""
        put(self.world.token, f"{TOKEN}\n{self.source.randbytes(16).hex()}\n")

    def hangup(self):
        self.server.signal(signal.SIGHUP)

    def certificates(self):
        process = self._run("certs", "rotate", "--certs", self.directory / "certs")
        assert process.returncode == 0, process.stderr

    def broken_certificate(self):
        path = self.directory / "certs" / "tls.crt"
        text = path.read_text(encoding="utf-8")
        put(path, text[:len(text) // 2])
        time.sleep(0.5)
        put(path, text)

    # --- clients ---

    def silent_clients(self):
        with contextlib.ExitStack() as stack:
            for _ in range(50):
                stack.enter_context(self._raw())
            time.sleep(0.5)

    def reset_clients(self):
        """In the middle of a request, and while its answer is made."""
        for n in range(1, 21):
            raw = self._raw()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection = self.server.tls().wrap_socket(raw, server_hostname="localhost")
            body = self.world.good()
            connection.sendall(HEAD + body[:len(body) * n // 20])
            connection.close()

    def garbage(self):
        for _ in range(10):
            with contextlib.suppress(OSError), self._raw() as connection:
                connection.sendall(self.source.randbytes(500))

    def garbage_in_tls(self):
        """A record that does not authenticate, and bytes that are no HTTP."""
        with contextlib.suppress(OSError, ssl.SSLError), self.server.connect(timeout=5) as connection:
            os.write(connection.fileno(), b"\x17\x03\x03\x00\x20" + self.source.randbytes(32))
            connection.recv(4096)
        with contextlib.suppress(OSError, ssl.SSLError), self.server.connect(timeout=5) as connection:
            connection.sendall(self.source.randbytes(2000) + b"\r\n\r\n")
            connection.recv(4096)

    def dripping_client(self):
        with contextlib.suppress(OSError), self.server.connect() as connection:
            for byte in HEAD[:40]:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)

    def bad_requests(self):
        with self.server.client() as client:
            for body in (b"", b"{", GOOD[:-9], b"[" * 50000, GOOD + b"x", b" " * (9 << 20)):
                with contextlib.suppress(OSError):
                    status, _, _ = client.post(body)
                    assert status in (400, 413), status

    def bad_questions(self):
        right = {"Authorization": f"Bearer {TOKEN}"}
        nobody = b'{"subject": {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "namespace": "a", "name": "b"}}'
        with self.server.client() as client:
            for body, headers, codes in ((nobody, {}, (401,)), (nobody, {"Authorization": "Bearer x"}, (401,)),
                                         (nobody, right, (404,)), (b"{}", right, (400,)), (GOOD, right, (400,))):
                with contextlib.suppress(OSError):
                    status, _, _ = client.post(body, path=QUESTIONS, headers=headers)
                    assert status in codes, (status, body)

    def management(self):
        """Whoever watches it: what is not garbage is answered while the rest goes wrong."""
        for path in ("/metrics", "/livez", "/readyz?verbose", "/nothing"):
            assert self.server.health(path)[0] in (200, 404, 503), path
        with contextlib.suppress(OSError), \
                socket.create_connection(("127.0.0.1", self.server.management), 10) as connection:
            connection.sendall(self.source.randbytes(500) + b"\r\n\r\n")

    def other_load(self):
        """As much as can be, or so little that receivers come up with it."""
        self.world.load.pause = self.source.choice((0, 0.05, 0.2))

    # --- receivers ---

    def other_moods(self):
        for receiver in self.world.receivers:
            receiver.mood = self.source.choice(receiver.MOODS)

    def receiver_stops(self):
        """Until the outbox, which is small, is full, or soon."""
        receiver = self.source.choice(self.world.receivers)
        receiver.stop()
        for _ in range(30):
            if self.server.metrics()["migvet_outbox_full"]:
                break
            time.sleep(0.1)
        receiver.start()

    def dead_letters(self):
        process = self._run("outbox", "ls", "--directory", self.world.outbox, "-o", "json")
        assert process.returncode == 0, process.stderr
        for receiver in self.world.receivers:
            process = self._run("outbox", "retry", "--directory", self.world.outbox, "--receiver", receiver.name, "--all")
            assert process.returncode == 0 or b"the outbox is full" in process.stderr, process.stderr
            count = re.match(rb"(\d+) dead letter", process.stdout)
            self.sent_again[receiver.name] = self.sent_again.get(receiver.name, 0) + (int(count[1]) if count else 0)

    # --- the system ---

    def _limit(self, what, value, seconds):
        pid = self.server.process.pid
        old = resource.prlimit(pid, what)
        resource.prlimit(pid, what, (value, old[1]))
        try:
            time.sleep(seconds)
        finally:
            resource.prlimit(pid, what, old)

    def few_descriptors(self):
        used = len(os.listdir(f"/proc/{self.server.process.pid}/fd"))
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                stack.enter_context(self._raw())
            self._limit(resource.RLIMIT_NOFILE, used + 4, 0.3)

    def full_disk(self):
        """No file may grow: the outbox cannot be written."""
        self._limit(resource.RLIMIT_FSIZE, 0, 0.5)

    # --- all of them ---

    KINDS = (other_files, other_files, other_configuration, other_configuration, broken_file, broken_configuration, other_token,
             hangup, certificates, broken_certificate, silent_clients, reset_clients, garbage, garbage_in_tls, dripping_client,
             bad_requests, bad_questions, management, other_load, other_load, other_moods, other_moods, receiver_stops,
             dead_letters, few_descriptors, full_disk)

    def run(self, ending):
        """Each kind once in each round, in an order of chance, so that none is left out however short the run is."""
        while not ending.is_set():
            for fault in self.source.sample(self.KINDS, len(self.KINDS)):
                if ending.is_set():
                    break
                fault(self)
                self.counts[fault.__name__] = self.counts.get(fault.__name__, 0) + 1
                ending.wait(self.source.uniform(0.1, 1.0))
