# SPDX-License-Identifier: Apache-2.0
"""What the webhook bears: bodies that are no review, bodies at the limit, mutations of good ones, clients
that are silent, slow or many, and its own end under load."""
import contextlib
import copy
import itertools
import json
import random
import signal
import socket
import ssl
import threading
import time

import pytest

from support import (EXAMPLES, PLAIN, Server, eventually, example, instance, instance_spec, machine,
                     migration,
                     namespace_of, review_of, scaled)

GOOD = example("create-good-vm").encode()
MIB = 1 << 20
ANSWER_SECONDS = 2 if PLAIN else 10
RECEIVE_SECONDS = 5  # how long a request may take to arrive


@pytest.fixture(scope="module", name="server")
def server_fixture(migvet, tmp_path_factory):
    certs = tmp_path_factory.mktemp("robustness") / "certs"
    with Server(migvet.path, "-f", EXAMPLES / "cluster", certs=certs) as server:
        yield server


@pytest.fixture(name="client")
def client_fixture(server):
    with server.client() as client:
        yield client


def answers_rightly(client):
    """A good review gets its answer, on this connection."""
    for name, verdict in (("create-good-vm", "True"), ("create-rwo-vm", "False")):
        response = client.review(example(name))
        assert response["allowed"] and response["auditAnnotations"]["verdict"] == verdict
    return True


def read_all(connection):
    answer = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while piece := connection.recv(65536):
            answer += piece
    return answer


# --- what is no review --------------------------------------------------

def is_status(answer, code):
    status, headers, body = answer
    assert status == code, body
    assert headers["content-type"] == "application/json"
    parsed = json.loads(body)
    assert (
    parsed["kind"],
    parsed["apiVersion"],
    parsed["status"],
    parsed["code"]) == (
        "Status",
        "v1",
        "Failure",
         code)
    assert parsed["message"] and "allowed" not in parsed
    return parsed


def nested(levels):
    text = example("create-good-vm")
    return text.replace('"object": {', '"object": {"x": ' + "[" * levels + "]" * levels + ", ")


@pytest.mark.parametrize("body", [
    b"", b" ", b"hello", b"{", b"[]", b"null", b"{}", b'"x"', b"\xef\xbb\xbf{}",
    example("create-good-vm")[:-20].encode(), GOOD + b"x",
    GOOD * 2, GOOD + b"\0",
    nested(100000).encode(), b"[" * 100000, b'{"a":' * 100000,
    GOOD.replace(b'"shop"', b'"sh\xffp"'),
    GOOD.replace(b'"shop"', b'"sh\xc0\xafp"'),
    example("create-good-vm").replace('"dryRun": false', '"dryRun": NaN').encode(),
    example("create-good-vm").replace('"object": {', '"object": {"x": NaN, ').encode(),
    example("create-good-vm").replace('"object": {', '"object": {"x": Infinity, ').encode(),
    example("create-good-vm").replace('"dryRun": false', '"dryRun": false, "uid": "x"').encode(),
    example("create-good-vm").replace('"request": {', '"request": {}, "request": {').encode(),
    example("create-good-vm").replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1").encode(),
    example("create-good-vm").replace('"AdmissionReview"', '"Review"').encode(),
    example("create-good-vm").replace('"uid":', '"id":').encode(), b"a=b", json.dumps(machine()).encode(),
    example("create-good-vm").replace('"oldObject": null', '"oldObject": []').encode(),
    example("create-good-vm").replace("false", "False").encode(), example("create-good-vm").encode("utf-16"),
], ids=lambda body: repr(body[:12])[2:-1])
def test_no_review(client, body):
    is_status(client.post(body), 400)
    assert client.review(example("create-good-vm"))["allowed"]


def test_a_deep_field_is_no_way_past(client):
    """The API server accepts 10,000 levels; KubeVirt knows no such field."""
    for levels in (100, 900):
        status = client.review(nested(levels))["status"]
        assert (status["code"], status["message"]) == (422, ".x in body is a forbidden property")


def padded(size):
    text = example("create-rwo-vm")
    text = text.replace('"metadata": {', '"metadata": {"annotations": {"x": ""}, ', 1)
    return text.replace('"x": ""', f'"x": "{"<" * (size - len(text.encode()))}"')


def test_size(client):
    body = padded(8 * MIB)
    assert len(body) == 8 * MIB
    response = client.review(body)
    assert response["allowed"] and response["auditAnnotations"]["verdict"] == "False"
    for size in (8 * MIB + 1, 9 * MIB):
        is_status(client.post(padded(size)), 413)
        client.http.close()
    assert client.review(example("create-good-vm"))["allowed"]


@pytest.mark.parametrize("code, named", [
    (405, {"method": "GET"}), (405, {"method": "PUT"}), (405, {"method": "DELETE"}), (404, {"path": "/"}),
    (404, {"path": "/validate/"}), (404, {"path": "/validate%00"}), (404, {"path": "/readyz"}),
    (415, {"headers": {"Content-Type": "text/plain"}}),
    (415, {"headers": {"Content-Type": "application/jsonx"}}),
    (415, {"headers": {"Content-Encoding": "gzip"}}), (400, {"path": "/validate?timeout=soon"}),
    (400, {"path": "/validate?timeout=-1s"}),
    (200, {"path": "/validate"}), (200, {"headers": {"Content-Type": "application/json; charset=utf-8"}}),
    (200, {"path": "/validate?timeout=1s&x=y"})], ids=repr)
def test_wrong_requests(server, code, named):
    with server.client() as client:
        answer = client.post(example("create-good-vm"), **named)
        assert code == 200 == answer[0] or is_status(answer, code)
        assert (answer[1].get("allow") == "POST") is (code == 405)


@pytest.mark.parametrize("fields, body", [
    ("", b""), ("Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    ("Transfer-Encoding: gzip\r\n", b"{}")], ids=["none", "chunked", "gzip"])
def test_no_length(server, fields, body):
    with server.connect() as connection:
        connection.sendall(f"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                           f"Connection: close\r\n{fields}\r\n".encode() + body)
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 411 ") and json.loads(body)["code"] == 411


def test_key_given_twice_in_the_object(client):
    """A well-formed review of an object that KubeVirt could not read."""
    body = GOOD.decode().replace('"object": {', '"object": {"kind": "Pod", ')
    response = client.review(body)
    assert (response["allowed"], response["status"]["code"]) == (False, 422)


RESOURCES = [machine(), instance(), migration("fine"), namespace_of("shop"),
             {"kind": "VirtualMachineInstanceReplicaSet", "metadata": {"name": "r"}},
             {"kind": "MigrationPolicy", "metadata": {"name": "p"}, "spec": {}}]


@pytest.mark.parametrize("thing", RESOURCES, ids=lambda thing: thing["kind"])
def test_objects_that_are_missing(migvet, tmp_path, thing):
    """Every kind and operation, with object and old object there, null, absent or empty."""
    values = [thing, None, {}, "absent"]
    with Server(migvet.path, "-f", EXAMPLES / "cluster", certs=tmp_path / "certs") as server, \
            server.client() as client:
        for operation, new, old, namespace, path in itertools.product(
                ["CREATE", "UPDATE", "DELETE", "CONNECT", "", "PATCH"], values, values, ["shop", ""],
                ["/validate", "/mutate"]):
            review = review_of(thing, operation, thing, namespace=namespace)
            review["request"].update({"object": new, "oldObject": old})
            for key in ("object", "oldObject"):
                if review["request"][key] == "absent":
                    del review["request"][key]
            try:
                status, _, body = client.post(json.dumps(review), path=path)
            except ConnectionError:
                pytest.fail(f"no answer to {json.dumps(review)}")
            assert status in (200, 400) and json.loads(body)
        assert answers_rightly(client)


@pytest.mark.parametrize("key", ["", "\0", "guest\0", "guest\0" + "x" * 3 * MIB, "k" * 3 * MIB, "\ud800"],
                         ids=["empty", "nul", "ends-with-nul", "nul-and-much-more", "long", "surrogate"])
def test_odd_keys(migvet, tmp_path, key):
    """Keys that no schema has, in every object of a VM, an instance and a migration."""
    with Server(migvet.path, "-f", EXAMPLES / "cluster", certs=tmp_path / "certs") as server, \
            server.client() as client:
        for thing in (machine(), instance(), migration("db")):
            memory = thing["spec"].get("template", thing)["spec"].get("domain", {}).get("memory", {})
            for place in (thing, thing["metadata"], thing["spec"], memory):
                place[key] = "x"
                for operation in ("CREATE", "UPDATE"):
                    status, _, body = client.post(json.dumps(review_of(thing, operation, migration("web"))))
                    assert status in (200, 400) and json.loads(body)
                del place[key]
        assert answers_rightly(client)


def test_object_of_many_volumes(server):
    """Eight MiB that are no padding: as many volumes as fit, twice. (A sanitizer takes ten times as long, so fewer.)"""
    spec = instance_spec(evictionStrategy="None")
    spec["volumes"] = [{"name": f"v{i}", "persistentVolumeClaim": {"claimName": f"c{i}"}}
        for i in range(55000 if PLAIN else 10000)]
    worse = copy.deepcopy(spec)
    worse["domain"]["devices"]["interfaces"][0] = {"name": "default", "bridge": {}}
    review = review_of(machine(spec=worse), "UPDATE", machine(spec=spec))
    body = json.dumps(review, separators=(",", ":"))
    assert not PLAIN or 6 * MIB < len(body) <= 8 * MIB
    with server.client() as client:
        begun = time.monotonic()
        response = client.review(body)
        print(f"answered in {time.monotonic() - begun:.2f} s")
        assert response["allowed"] and response["auditAnnotations"]["verdict"] in ("Unknown", "False")
        assert time.monotonic() - begun < 10  # what an API server waits
        assert answers_rightly(client)


# --- mutations ----------------------------------------------------------

TOKENS = [b"null", b"true", b"[]", b"{}", b"-1", b"1e999", b'""', b'"\\ud800"', b"\0", b"\\u0000", b"NaN",
          b"18446744073709551616", b'"' * 3, b"[" * 70, b"\xff", b"\xed\xa0\x80", b"/*x*/", b"'", b",", b":",
          b"]", b"}", b"\\"]


def of_many_modes():
    volumes = [{"name": "root", "persistentVolumeClaim": {"claimName": "c"}}]
    return [machine(spec=instance_spec() | {"volumes": volumes}), {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "shop"},
        "spec": {"accessModes": ["ReadWriteOnce"] * 40000}}]


def of_many_bindings():
    names = [f"n{i}" for i in range(10000)]
    spec = {"networks": [{"name": name, "multus": {"networkName": "x"}} for name in names],
            "domain": {"devices": {"interfaces": [{"name": name, "slirp": {}} for name in names]}}}
    return [machine(spec=spec) | {"status": {"printableStatus": "Stopped"}}]


# Each took more than a minute when its text was copied for every piece.
@pytest.mark.parametrize("objects", [of_many_modes, of_many_bindings], ids=["modes", "bindings"])
def test_texts_of_many_pieces(migvet, objects):
    text = "\n---\n".join(json.dumps(item) for item in objects())
    begin = time.monotonic()
    process = migvet("check", "-f", "-", "-o", "json", stdin=text)
    assert process.returncode in (0, 1) and process.stdout
    assert time.monotonic() - begin < (5 if PLAIN else 60)


def mutate_value(source, body):
    """Well-formed still: a value somewhere is another, or gone, or twice as long."""
    node = root = json.loads(body)
    parent, key = root, "request"
    if source.randrange(4):
        parent, key, node = root["request"], "object", root["request"]["object"]
    while isinstance(node, (dict, list)) and node and source.randrange(10):
        parent, key = node, source.choice(list(node) if isinstance(node, dict) else range(len(node)))
        node = parent[key]
    kind = source.randrange(4)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(node, (str, list)):
        parent[key] = node * 2
    else:
        parent[key] = source.choice([None, True, -1, 1.5, 10**30, "", "x",
                                    "\ud800", "\0", [], {}, [None], {"": {}}])
    return json.dumps(root).encode()


def mutate(source, body, others):
    """One of several kinds of damage, or two."""
    data = bytearray(body)
    for _ in range(source.choice((1, 1, 1, 2, 5))):
        size = max(len(data), 1)
        at, other = source.randrange(size), source.choice(others)
        length = source.choice((1, 2, 4, 16, 64, 256))
        kind = source.randrange(8)
        if kind == 0:
            for _ in range(source.choice((1, 1, 8))):
                if data:
                    data[source.randrange(len(data))] ^= 1 << source.randrange(8)
        elif kind == 1:
            del data[at:]
        elif kind == 2:
            data[at:at] = data[at:at + length]
        elif kind == 3:
            start = source.randrange(len(other))
            data[at:at + source.choice((0, length))] = other[start:start + length]
        elif kind == 4:
            del data[at:at + length]
        elif kind == 5:
            data[at:at + source.choice((0, 1, length))] = source.choice(TOKENS)
        elif kind == 6:
            data[at:at + 1] = bytes([source.randrange(256)])
        else:  # a whole value, so that the result is often still JSON
            colon = data.find(b": ", at)
            end = min((i for i in (data.find(b",", colon), data.find(b"\n", colon)) if i > 0), default=-1)
            if 0 < colon < end:
                data[colon + 2:end] = source.choice(TOKENS)
    return bytes(data)


def uid_of(body):
    """The uid of a body that Python can parse; None when that says nothing."""
    try:
        uid = json.loads(body)["request"]["uid"]
        uid.encode()
        return uid
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def test_mutations(server):
    source = random.Random(20261121)
    good = [example(name).encode() for name in ("create-good-vm", "create-rwo-vm", "create-bridge-vm",
                                                "create-port-vm", "create-migration")]
    worse = machine(spec=instance_spec("bridge", claim="ledger"))
    good += [json.dumps(review, indent=1).encode() for review in (
        review_of(
    worse, "UPDATE", machine()), review_of(
        instance(), "UPDATE", instance(
            spec=instance_spec("bridge"))),
        review_of(migration("db"), "UPDATE", migration("web")), review_of(None, "DELETE", machine()))]
    statuses = {}
    with server.client() as client:
        answers_rightly(client)
        kept = client.http.sock
        for n in range(scaled(10000)):
            body = source.choice(good)
            body = mutate(source, body, good) if n % 3 else mutate_value(source, body)
            status, headers, answer = client.post(body)
            statuses[status] = statuses.get(status, 0) + 1
            assert status in (200, 400), body
            assert headers["content-type"] == "application/json"
            parsed = json.loads(answer)
            if status == 400:
                assert parsed["kind"] == "Status" and parsed["code"] == 400 and parsed["message"], body
            else:
                response = parsed["response"]
                assert parsed["kind"] == "AdmissionReview" and response["allowed"] in (True, False)
                assert response["allowed"] or response["status"]["code"] in (400, 403, 422), body
                uid = uid_of(body)
                assert uid is None or response["uid"] == uid, body
            assert n % 100 or answers_rightly(client)
        assert client.http.sock is kept
    print(statuses)
    assert all(statuses[status] >= scaled(1000) for status in (200, 400))
    with server.client() as client:
        assert answers_rightly(client)


# --- clients ------------------------------------------------------------

def test_idle_and_silent_clients(server):
    with contextlib.ExitStack() as stack:
        for n in range(200):
            idle = stack.enter_context(server.client())
            idle.http.connect()
            if n % 2:
                idle.review(GOOD)
        for _ in range(50):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
        kept, slowest = stack.enter_context(server.client()), 0
        for n in range(40):
            begun = time.monotonic()
            if n % 2:
                assert answers_rightly(kept)
            else:
                assert server.review(GOOD)["allowed"]
            slowest = max(slowest, time.monotonic() - begun)
        print(f"the slowest of 40 took {slowest:.3f} s")
        assert slowest < ANSWER_SECONDS
        assert server.health("/readyz")[0] == 200
    with server.client() as client:
        assert answers_rightly(client)


def drip(connection, data, results, name):
    """Send byte by byte until the server hangs up; how long it listened."""
    begun = time.monotonic()
    connection.settimeout(0.1)
    with connection, contextlib.suppress(ConnectionError, ssl.SSLError):
        for i in range(len(data)):
            connection.sendall(data[i:i + 1])
            try:
                if connection.recv(4096) == b"":
                    break
            except (TimeoutError, ssl.SSLWantReadError):
                pass
            if time.monotonic() - begun > 6 * RECEIVE_SECONDS:
                break
    results[name] = time.monotonic() - begun


def test_slow_clients_are_cut_off(server):
    head = b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    body = head + b"Content-Length: 2000\r\n\r\n"
    results, connections = {}, {}
    connections["silence"], connections["handshake"] = \
        (socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(2))
    connections["header"], connections["body"] = server.connect(), server.connect()
    connections["body"].sendall(body)
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    data = {"silence": b"", "handshake": hello + bytes(500), "header": head + b"X: " + b"x" * 2000,
            "body": b" " * 2000}

    def listen(connection):
        begun = time.monotonic()
        connection.settimeout(6 * RECEIVE_SECONDS)
        with connection, contextlib.suppress(ConnectionError):
            connection.recv(1)
        results["silence"] = time.monotonic() - begun
    threads = [threading.Thread(target=listen, args=(connections["silence"],))]
    threads += [threading.Thread(target=drip, args=(connections[name], data[name], results, name))
                for name in ("handshake", "header", "body")]
    for thread in threads:
        thread.start()
    with server.client() as client:
        while any(thread.is_alive() for thread in threads):
            begun = time.monotonic()
            assert answers_rightly(client)
            assert time.monotonic() - begun < ANSWER_SECONDS
            time.sleep(0.1)
    for thread in threads:
        thread.join()
    print({name: round(seconds, 1) for name, seconds in results.items()})
    for name in data:
        assert RECEIVE_SECONDS - 2 < results[name] < RECEIVE_SECONDS + 5, name


# --- the end under load -------------------------------------------------

def post_until_refused(server, results):
    """Requests, one after another. results gets (answered, lost, what ended it)."""
    answered = lost = 0
    body = f"POST /validate?timeout=10s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" \
        f"Content-Length: {len(GOOD)}\r\n\r\n".encode() + GOOD
    context = server.tls()
    while True:
        try:
            connection = server.connect(context)
        except (OSError, ssl.SSLError) as error:
            results.append((answered, lost, error))
            return
        with connection, connection.makefile("rb") as reader:
            closing = False
            while not closing:
                try:
                    connection.sendall(body)
                except (OSError, ssl.SSLError):
                    break  # not sent completely
                try:
                    status, fields = reader.readline(), {}
                    while (line := reader.readline()) not in (b"\r\n", b""):
                        name, _, value = line.partition(b":")
                        fields[name.lower()] = value.strip()
                    answer = reader.read(int(fields[b"content-length"]))
                    assert status.startswith(b"HTTP/1.1 200 ") and json.loads(answer)["response"]["allowed"]
                except (OSError, ssl.SSLError, KeyError, ValueError, AssertionError):
                    lost += 1
                    break
                answered += 1
                closing = fields.get(b"connection") == b"close"


@pytest.mark.parametrize("drain", ["0s", "1s"])
def test_end_under_load(migvet, tmp_path, drain):
    for n in range(3 if PLAIN else 1):
        with Server(migvet.path, "-f", EXAMPLES / "cluster", "--drain", drain,
                    certs=tmp_path / "certs") as server:
            results = []
            threads = [threading.Thread(target=post_until_refused, args=(server, results)) for _ in range(8)]
            for thread in threads:
                thread.start()
            time.sleep(0.5)
            assert not results
            server.signal(signal.SIGTERM)
            if drain != "0s":
                eventually(lambda: server.health("/readyz")[0] == 503, what="not ready")
            for thread in threads:
                thread.join()
            assert server.process.wait(30) == 0
        print(n, results)
        assert len(results) == 8 and all(answered > 0 for answered, _, _ in results)
        assert sum(lost for _, lost, _ in results) == 0
