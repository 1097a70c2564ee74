# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around the server: descriptors, disks, certificates and files that change under load, clients that vanish.
Answers stay right throughout, and the server is well afterwards."""
import contextlib
import errno
import itertools
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from load import Load
from support import (EXAMPLES, PLAIN, Server, authority, certificate_of, cluster, eventually, example, put,
                     run_where_no_file_may_grow)

GOOD = example("create-good-vm").encode()
HEAD = (b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: " + str(len(GOOD)).encode() + b"\r\n\r\n")
SECONDS = 4 if PLAIN else 8  # of load


@pytest.fixture(scope="module", name="server")
def server_fixture(migvet, tmp_path_factory):
    certs = tmp_path_factory.mktemp("faults") / "certs"
    with Server(migvet.path, "-f", EXAMPLES / "cluster", certs=certs) as server:
        yield server


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


# --- files and descriptors ----------------------------------------------

def test_no_descriptors(migvet, tmp_path):
    """Fewer descriptors than clients: those that are served are served rightly, and all are when the others have gone."""
    with Server(migvet.path, "-f", EXAMPLES / "cluster", certs=tmp_path / "certs") as server:
        used = descriptors(server)
        _, most = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (used + 20, most))
        with contextlib.ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
            eventually(lambda: descriptors(server) >= used + 19, what="no descriptor left")
            for _ in range(3):  # behind those in the backlog, of which each has to go
                assert server.review(GOOD)["allowed"]
        assert any("cannot accept connections" in event["msg"] for event in server.events())
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (most, most))
        with server.client() as client:
            assert client.review(GOOD)["allowed"]
        eventually(lambda: descriptors(server) <= used + 2, 15, "descriptors are given back")


def no_room():
    """For a child: nothing can be written to a file, as on a full disk, and nobody is killed for it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def run_without_room(migvet, *arguments):
    return subprocess.run([migvet.path, *map(str, arguments)], preexec_fn=no_room, text=True, capture_output=True,
                          timeout=60, check=False)


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != ".lock"}


def test_no_room_for_certificates(migvet, tmp_path):
    """What cannot be written leaves what was there, and says so."""
    certs = tmp_path / "certs"
    process = run_without_room(migvet, "certs", "create", "--certs", certs)
    assert process.returncode == 2 and os.strerror(errno.EFBIG) in process.stderr
    assert not certs.exists() or not contents(certs)
    migvet("certs", "create", "--certs", certs, expect=(0,))
    before = contents(certs)
    assert {"ca.crt", "tls.crt", "tls.key"} <= set(before)
    process = run_without_room(migvet, "certs", "rotate", "--certs", certs)
    assert process.returncode == 2 and os.strerror(errno.EFBIG) in process.stderr
    assert contents(certs) == before
    with Server(migvet.path, "-f", EXAMPLES / "cluster", certs=certs) as server:
        assert server.review(GOOD)["allowed"]


@pytest.mark.parametrize("arguments", [("serve", "-f", EXAMPLES / "cluster", "--listen", "127.0.0.1:0"), ("certs", "create")],
                         ids=["serve", "certs"])
def test_files_that_may_not_grow(migvet, tmp_path, arguments):
    """A limit that was set before is told like a full disk; the signal that comes with it ends nobody."""
    process = run_where_no_file_may_grow([migvet.path, *arguments, "--certs", tmp_path / "certs"])
    assert process.returncode == 2, process
    assert os.strerror(errno.EFBIG) in process.stderr


def test_log_that_cannot_be_written(migvet, tmp_path):
    """The log goes to a full device once it serves: answers do not depend on it."""
    certs = tmp_path / "certs"
    with Server(migvet.path, "-f", EXAMPLES / "cluster", certs=certs) as found:
        port, management = found.port, found.management
    command = [migvet.path, "serve", "-f", EXAMPLES / "cluster", "--certs", certs, "--listen", f"127.0.0.1:{port}",
               "--management", f"127.0.0.1:{management}"]
    with open("/dev/full", "w", encoding="utf-8") as full, \
            subprocess.Popen(list(map(str, command)), stderr=full, stdout=subprocess.DEVNULL) as process:
        try:
            def ready():
                with contextlib.suppress(OSError):
                    return found.health("/readyz")[0] == 200
                return False
            eventually(ready, 60, "ready")
            for _ in range(20):
                assert found.review(GOOD)["allowed"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()


def ask(connection):
    """One review on this connection."""
    connection.sendall(HEAD + GOOD)
    answer = b""
    while not answer.endswith(b"}}"):
        piece = connection.recv(4096)
        assert piece, answer
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200 ") and b'"allowed":true' in answer


# --- clients ------------------------------------------------------------

def test_a_thousand_idle_clients(migvet, tmp_path):
    """At the limit of 1,024 connections, of which a thousand are idle, newcomers are still served."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = 1000 if PLAIN else 300
    if soft < count + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))
    with Server(migvet.path, "-f", EXAMPLES / "cluster", certs=tmp_path / "certs") as server, \
            contextlib.ExitStack() as stack:
        context, idle = server.tls(), []
        for _ in range(count):  # each has asked once: before that, silence is borne for seconds only
            idle.append(stack.enter_context(server.connect(context)))
            ask(idle[-1])
        eventually(lambda: server.metrics()["migvet_connections_open"] >= count, 10, "they are there")
        slowest = 0
        for _ in range(60):
            begun = time.monotonic()
            assert server.review(GOOD)["allowed"]
            slowest = max(slowest, time.monotonic() - begun)
        for connection in idle[::100]:  # and those that were idle are served when they ask
            ask(connection)
        print(f"the slowest of 60 took {slowest:.3f} s")
        assert slowest < (2 if PLAIN else 10)


def test_clients_that_reset_in_the_body(server):
    """RST in the middle of a body, of the handshake and of the answer."""
    before, context = descriptors(server), server.tls()
    with server.client() as kept:
        for n in range(200 if PLAIN else 60):
            raw = socket.create_connection(("127.0.0.1", server.port), 30)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if n % 4 == 0:
                raw.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(n))
                raw.close()
                continue
            connection = context.wrap_socket(raw, server_hostname="localhost")
            connection.sendall(HEAD + GOOD[:len(GOOD) * (n % 4) // 3])
            connection.close()
            assert n % 20 or kept.review(GOOD)["allowed"]
        assert kept.review(GOOD)["allowed"]
    eventually(lambda: descriptors(server) <= before + 1, 20, "descriptors are given back")


def test_renegotiation_is_refused(server):
    """A client of TLS 1.2 that asks for another handshake in the middle of the connection."""
    process = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_2", "-CAfile",
                              server.ca, "-servername", "localhost"], input="R\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
                             text=True, capture_output=True, timeout=60, check=False)
    assert "RENEGOTIATING" in process.stderr
    assert "HTTP/1.1" not in process.stdout, "it goes on after a renegotiation"
    assert server.review(GOOD)["allowed"]


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 70000,
                                     b"\x80\x2e\x01\x00\x02" + b"x" * 60, os.urandom(4096), b"\x17\x03\x03\x40\x00" * 99],
                         ids=["http", "long-record", "ssl2", "random", "data-first"])
def test_garbage_instead_of_a_handshake(server, garbage):
    with contextlib.suppress(ConnectionError), \
            socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(garbage)
        while connection.recv(4096):
            pass
    assert server.review(GOOD)["allowed"]


def test_garbage_after_the_handshake(server):
    """A record that does not authenticate ends that connection alone."""
    raw = socket.create_connection(("127.0.0.1", server.port), 10)
    with server.tls().wrap_socket(raw, server_hostname="localhost") as connection:
        os.write(connection.fileno(), b"\x17\x03\x03\x00\x20" + os.urandom(32))
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert connection.recv(4096) == b""
    assert server.review(GOOD)["allowed"]


# --- what changes under load --------------------------------------------

def test_certificates_replaced_under_load(migvet, tmp_path):
    """A thousand times, in two files, one after the other; not one handshake fails, and no connection breaks."""
    signer, served = authority(tmp_path), {}
    pairs = [[path.read_text() for path in certificate_of(tmp_path, name, signer, "serverAuth")]
             for name in ("first", "second", "third")]
    files = [tmp_path / "live.crt", tmp_path / "live.key"]
    for path, text in zip(files, pairs[0]):
        put(path, text)
    failures, ending = [], threading.Event()

    def dial(server, context):
        while not ending.is_set():
            try:
                with server.connect(context) as connection:
                    name = dict(pair[0] for pair in connection.getpeercert()["subject"])["commonName"]
                    served[name] = served.get(name, 0) + 1
            except OSError as error:
                failures.append(repr(error))
    with Server(migvet.path, "-f", EXAMPLES / "cluster", "--cert", files[0], "--key", files[1],
                ca=signer[0]) as server:
        context = server.tls()
        threads = [threading.Thread(target=dial, args=(server, context)) for _ in range(2)]
        for thread in threads:
            thread.start()
        with Load(server, migvet, [EXAMPLES / "cluster"], threads=2):
            begun, most = time.monotonic(), 1000 if PLAIN else 100
            for n in itertools.count():
                if n >= most and len(served) == len(pairs):
                    break
                assert time.monotonic() - begun < 100, served
                for path, text in zip(files, pairs[n % 3]):
                    put(path, text)
                time.sleep(0.005)
        for path, text in zip(files, pairs[1]):
            put(path, text)

        def name():
            with server.connect(context) as connection:
                return dict(pair[0] for pair in connection.getpeercert()["subject"])["commonName"]
        eventually(lambda: name() == "second", 10, "the last certificate")
        ending.set()
        for thread in threads:
            thread.join()
    print(served)
    assert not failures, failures[:3]
    assert len(served) == 3 and sum(served.values()) > 100


def test_cluster_reloaded_under_load(migvet, tmp_path):
    """Every tenth of a second the files say something else. Each answer is that of one of the two states, as a whole."""
    text = (EXAMPLES / "cluster" / "storage.yaml").read_text(encoding="utf-8")
    other = re.sub(r"accessModes: \[ReadWriteOnce\]", "accessModes: [ReadWriteMany]", text)
    assert other != text
    states = [cluster(tmp_path / name) for name in ("one", "two")]
    put(states[1] / "storage.yaml", other)
    live = tmp_path / "live"
    shutil.copytree(states[0], live)
    with Server(migvet.path, "-f", live, certs=tmp_path / "certs") as server:
        before = server.metrics()["migvet_snapshot_generation"]
        with Load(server, migvet, states) as load:
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                for text_now in (other, text):
                    put(live / "storage.yaml", text_now)
                    server.signal(signal.SIGHUP)
                    time.sleep(0.1)
        generations = server.metrics()["migvet_snapshot_generation"] - before
    print(f"{generations} generations")
    assert generations >= 2 * SECONDS
    assert max(len(seen) for seen in load.seen) == 2, "the two states do not differ"
