#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A long mixed load at 16 connections while all kinds of things go wrong: tests/soak/soak.py MINUTES PROGRAM

Each answer is compared with that of `migvet review` for one of the two states that the files take turns in. Ends with 1 when
one was wrong or missing, or when the server's memory grew after the first minute (of a shorter run: after the first third)."""
import contextlib
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "functional"))
from load import Load  # pylint: disable=wrong-import-position
from support import EXAMPLES, Server, cluster, example, put  # pylint: disable=wrong-import-position

CONNECTIONS = 16
GROWTH_BYTES, GROWTH = 2 << 20, 1.03  # what counts as none: noise of the allocator
GOOD = example("create-good-vm").encode()
HEAD = (b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: " + str(len(GOOD)).encode() + b"\r\n\r\n")


def resident(pid):
    """Bytes."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Faults:
    """What goes wrong, one thing after the other."""

    def __init__(self, server, program, directory, texts):
        self.server, self.program, self.directory, self.texts = server, program, directory, texts
        self.source, self.turn, self.counts = random.Random(20261126), 0, {}

    def other_files(self):
        self.turn += 1
        put(self.directory / "live" / "storage.yaml", self.texts[self.turn % 2])

    def broken_file(self):
        path = self.directory / "live" / "broken.yaml"
        path.write_text("kind: [\n", encoding="utf-8")
        time.sleep(0.5)
        path.unlink()

    def hangup(self):
        self.server.signal(signal.SIGHUP)

    def certificates(self):
        subprocess.run([self.program, "certs", "rotate", "--certs", str(self.directory / "certs")], check=True,
                       capture_output=True, timeout=60)

    def silent_clients(self):
        with contextlib.ExitStack() as stack:
            for _ in range(50):
                stack.enter_context(socket.create_connection(("127.0.0.1", self.server.port), 10))
            time.sleep(0.5)

    def reset_clients(self):
        for n in range(20):
            raw = socket.create_connection(("127.0.0.1", self.server.port), 10)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection = self.server.tls().wrap_socket(raw, server_hostname="localhost")
            connection.sendall(HEAD + GOOD[:len(GOOD) * n // 20])
            connection.close()

    def garbage(self):
        for _ in range(10):
            with contextlib.suppress(OSError), \
                    socket.create_connection(("127.0.0.1", self.server.port), 10) as connection:
                connection.sendall(self.source.randbytes(500))

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

    def few_descriptors(self):
        pid = self.server.process.pid
        _, most = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = len(os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 4, most))
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                stack.enter_context(socket.create_connection(("127.0.0.1", self.server.port), 10))
            time.sleep(0.3)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))

    def run(self, ending):
        kinds = [self.other_files, self.other_files, self.broken_file, self.hangup, self.certificates, self.silent_clients,
                 self.reset_clients, self.garbage, self.dripping_client, self.bad_requests, self.few_descriptors]
        while not ending.is_set():
            fault = self.source.choice(kinds)
            fault()
            self.counts[fault.__name__] = self.counts.get(fault.__name__, 0) + 1
            ending.wait(self.source.uniform(0.1, 1.0))


def has_grown(samples, settled):
    """The end against the time after the first minute."""
    later = [value for when, value in samples if when >= settled]
    part = max(len(later) // 5, 1)
    first, last = statistics.median(later[:part]), statistics.median(later[-part:])
    print(f"resident: {samples[0][1] >> 10} KiB at the start, {int(first) >> 10} KiB after {settled:.0f} s, "
          f"{int(last) >> 10} KiB at the end, {max(value for _, value in samples) >> 10} KiB at most")
    return last > first * GROWTH + GROWTH_BYTES


def soak(minutes, program, directory):
    text = (EXAMPLES / "cluster" / "storage.yaml").read_text(encoding="utf-8")
    texts = [text, re.sub(r"accessModes: \[ReadWriteOnce\]", "accessModes: [ReadWriteMany]", text)]
    states = [cluster(directory / name) for name in ("one", "two")]
    put(states[1] / "storage.yaml", texts[1])
    shutil.copytree(states[0], directory / "live")
    migvet, ending = types.SimpleNamespace(path=program), threading.Event()
    with Server(program, "-f", directory / "live", certs=directory / "certs") as server:
        faults = Faults(server, program, directory, texts)
        trouble = []

        def run_faults():
            try:
                faults.run(ending)
            except Exception as error:  # pylint: disable=broad-except
                trouble.append(repr(error))
        thread = threading.Thread(target=run_faults)
        load = Load(server, migvet, states, threads=CONNECTIONS, retries=True)
        samples, begun = [(0.0, resident(server.process.pid))], time.monotonic()
        with contextlib.suppress(KeyboardInterrupt, AssertionError), load:  # what is wrong is told below
            thread.start()
            while time.monotonic() - begun < minutes * 60 and not trouble and not load.wrong and not load.broken:
                time.sleep(1)
                samples.append((time.monotonic() - begun, resident(server.process.pid)))
        took = time.monotonic() - begun
        ending.set()
        thread.join()
        metrics = server.metrics()
    print(f"{took:.0f} s, {load.answers} answers ({load.answers / took:.0f}/s), {len(load.wrong)} wrong, "
          f"{len(load.broken)} missing, {load.retried} asked again on a new connection, the slowest in "
          f"{load.slowest:.3f} s, {int(metrics['migvet_snapshot_generation'])} snapshots")
    print("faults:", ", ".join(f"{name} {count}" for name, count in sorted(faults.counts.items())))
    for problem in trouble + load.wrong[:3] + load.broken[:3]:
        print("problem:", problem)
    grown = has_grown(samples, min(60, took / 3))
    if grown:
        print("problem: it has grown")
    return 1 if trouble or load.wrong or load.broken or grown or not faults.counts else 0


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="migvet-soak-") as directory:
        return soak(float(sys.argv[1]), str(pathlib.Path(sys.argv[2]).resolve()), pathlib.Path(directory))


if __name__ == "__main__":
    sys.exit(main())
