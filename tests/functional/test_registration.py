# SPDX-License-Identifier: Apache-2.0
"""`serve` whose authority is in a Secret, and which keeps the caBundle of its webhook configurations right: several
replicas before an API server of ours."""
import base64
import collections
import contextlib
import json
import pathlib
import signal
import socket
import ssl
import threading
import time

import pytest

from fake_objects import FakeObjects
from support import PLAIN, Server, authority, certificate_of, cluster, eventually, put

SECRET = "/api/v1/namespaces/migvet/secrets/migvet-certs"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/migvet/leases/migvet"
VALIDATING = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/migvet"
MUTATING = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/migvet"
NAME = "migvet.migvet.svc"
LEASE_SECONDS = 1 if PLAIN else 3
SETTLE_SECONDS = 1.5 if PLAIN else 4
SECONDS = 15 if PLAIN else 60  # within which anything that is waited for happens


def configuration(*names, **meta):
    return {"kind": "WebhookConfiguration", "metadata": {"labels": {"keep": "me"}, **meta}, "webhooks": [
        {"name": name, "failurePolicy": "Fail", "sideEffects": "None",
         "clientConfig": {"service": {"name": "migvet", "namespace": "migvet", "path": "/validate"}}}
        for name in names]}


def pems(text):
    """The certificates of a bundle."""
    end = "-----END CERTIFICATE-----\n"
    return [part + end for part in text.split(end) if part.strip()]


def data(api, key):
    """A text of the Secret; None when it is not there."""
    value = (api.get(SECRET) or {}).get("data", {}).get(key)
    return value and base64.b64decode(value).decode()


def bundles(api, path=VALIDATING):
    obj = api.get(path)
    return [base64.b64decode(webhook["clientConfig"].get("caBundle", "")).decode() for webhook in obj["webhooks"]]


def holder(api):
    return (api.get(LEASE) or {}).get("spec", {}).get("holderIdentity")


def ask_for_rotation(api):
    api.edit(SECRET, lambda secret: secret["metadata"].setdefault("annotations", {}).update(
        {"migvet.io/rotate": "2026-01-01T00:00:00Z"}))


class Replicas(contextlib.ExitStack):
    """`serve` processes, by name, before one API server."""

    def __init__(self, migvet, tmp_path):
        super().__init__()
        self.migvet, self.tmp_path = migvet, tmp_path
        self.api = self.enter_context(FakeObjects(tmp_path / "api"))
        self.files = cluster(tmp_path / "cluster")
        self.running = {}  # by name, those that have been ready
        self.options = ["--certs-secret", "migvet-certs"]

    def add(self, name, *more, wait=False):
        server = Server(self.migvet.path, "-f", self.files, "-n", "migvet", "--kubeconfig", self.api.kubeconfig,
                        "--webhook-configuration", "migvet", "--identity", name,
                        "--lease-duration", f"{LEASE_SECONDS}s", "--log-level", "debug", *self.options,
                        *more, ca=self.tmp_path / "unused")
        self.enter_context(server)
        if wait:
            eventually(lambda: ready(server), SECONDS, f"{name} is ready")
        self.running[name] = server
        return server

    def add_two(self):
        self.api.put(VALIDATING, configuration("a.migvet.io", "b.migvet.io"))
        self.options += ["--rotation-settle", f"{int(SETTLE_SECONDS * 1000)}ms"]
        for name in ("one", "two"):
            self.add(name, wait=True)

    def kill(self, name):
        self.running.pop(name).kill()


@pytest.fixture
def replicas(migvet, tmp_path):
    with Replicas(migvet, tmp_path) as made:
        yield made


def ready(server):
    return server.health("/readyz")[0] == 200


def remark(server):
    lines = server.health("/readyz?verbose")[2].splitlines()
    return next(line for line in lines if "]registration" in line)


def leaf(server, bundle, name=NAME):
    """Shake hands as the API server would; the certificate, as DER. Raises what went wrong."""
    context = ssl.create_default_context(cadata=bundle)
    with socket.create_connection(("127.0.0.1", server.port), 10) as raw, \
            context.wrap_socket(raw, server_hostname=name) as tls:
        return tls.getpeercert(binary_form=True)


class Handshakes:
    """Shakes hands with every replica all the time, with a bundle that is as old as it may be in an API server."""

    def __init__(self, replicas, server_name=NAME):
        self.server_name = server_name
        self.replicas, self.failures, self.n, self.stopping = replicas, [], 0, False
        self.leaves = collections.defaultdict(list)
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stopping = True
        self.thread.join()
        if kind is None:
            assert not self.failures, self.failures[:3]
            assert self.n > 10

    def _run(self):
        known = []
        while not self.stopping:
            known.append((time.monotonic(), bundles(self.replicas.api)[0]))
            # What was read so long ago may have been replaced right after, whenever the next look came.
            while len(known) > 1 and known[0][0] < time.monotonic() - SETTLE_SECONDS * 0.6:
                known.pop(0)
            for name, server in list(self.replicas.running.items()):
                try:
                    shown = leaf(server, known[0][1], self.server_name)
                except (OSError, ssl.SSLError) as error:
                    # A bundle that is older than it may be by now says nothing: this thread did not get to run.
                    if name in self.replicas.running and time.monotonic() - known[0][0] < SETTLE_SECONDS:
                        self.failures.append((name, repr(error)))
                    continue
                self.n += 1
                if not self.leaves[name] or self.leaves[name][-1] != shown:
                    self.leaves[name].append(shown)
            time.sleep(0.01)


# --- the first start ---

def test_first_start_of_several(replicas):
    """They race to store the first authority; one wins, and all use that one."""
    api = replicas.api
    api.put(VALIDATING, configuration("a.migvet.io"))
    all_wait = threading.Barrier(3)

    def collide(method, path):
        if method == "POST" and path.endswith("/secrets"):
            with contextlib.suppress(threading.BrokenBarrierError):
                all_wait.wait(20)

    api.before_write = collide
    starts = [threading.Thread(target=replicas.add, args=(name,)) for name in ("one", "two", "three")]
    for thread in starts:
        thread.start()
    for thread in starts:
        thread.join()
    assert len(replicas.running) == 3
    for server in replicas.running.values():
        eventually(lambda server=server: ready(server), SECONDS + 20, "all are ready")
    assert sum(method == "POST" and path.endswith("/secrets") for method, path, _ in api.writes) == 3
    leaves = {leaf(server, data(api, "ca.crt")) for server in replicas.running.values()}
    assert len(leaves) == 3 and len(pems(data(api, "ca.crt"))) == 1
    leaders = [name for name, server in replicas.running.items() if server.metrics()["migvet_leader"]]
    assert leaders == [holder(api)]
    assert all(server.metrics()["migvet_ca_bundle_in_force"] == 1 for server in replicas.running.values())


def test_an_empty_secret_is_filled(replicas):
    api = replicas.api
    api.put(SECRET, {"kind": "Secret", "metadata": {"labels": {"made": "by-chart"}}, "data": {"mine": "eA=="}})
    server = replicas.add("one")
    eventually(lambda: ready(server), SECONDS, "it is ready")
    secret = api.get(SECRET)
    assert secret["metadata"]["labels"] == {"made": "by-chart"} and secret["data"]["mine"] == "eA=="
    assert leaf(server, data(api, "ca.crt"))
    assert "there is no webhook configuration" in remark(server)


def test_started_before_the_api(replicas):
    api = replicas.api
    with api.away():
        server = replicas.add("one")
        status, _, text = server.health("/readyz?verbose")
        assert status == 503 and "[-]identity failed: there is none yet" in text
        with pytest.raises((ssl.SSLError, OSError)):
            leaf(server, authority(replicas.tmp_path, "other")[0].read_text(encoding="utf-8"))
    eventually(lambda: ready(server), SECONDS, "it is ready")


def test_keys_are_not_told(replicas):
    replicas.add_two()
    secrets = [line for line in data(replicas.api, "ca.key").splitlines() if "-----" not in line]
    secrets.append("secret-token")
    for server in replicas.running.values():
        assert not any(text in line for line in server.log for text in secrets)
        assert not any("PRIVATE KEY" in line for line in server.log)


# --- the caBundle ---

def test_only_the_bundle_is_written(replicas):
    api = replicas.api
    before = {VALIDATING: configuration("a.migvet.io", "b.migvet.io"), MUTATING: configuration("c.migvet.io")}
    for path, obj in before.items():
        api.put(path, obj)
    server = replicas.add("one")
    eventually(lambda: ready(server), SECONDS, "it is ready")
    for path, obj in before.items():
        after = api.get(path)
        assert bundles(api, path) == [data(api, "ca.crt")] * len(obj["webhooks"])
        for webhook in after["webhooks"]:
            del webhook["clientConfig"]["caBundle"]
        for key in ("name", "resourceVersion"):
            del after["metadata"][key]
        assert after == obj


def test_tampering_is_repaired(replicas):
    api = replicas.api
    replicas.add_two()
    other = base64.b64encode(authority(replicas.tmp_path, "other")[0].read_bytes()).decode()
    for value in (other, "", "bm8gUEVN", None):
        def tamper(obj, value=value):
            for webhook in obj["webhooks"][1:]:
                webhook["clientConfig"]["caBundle"] = value
                if value is None:
                    del webhook["clientConfig"]["caBundle"]
        writes = len(api.writes)
        api.edit(VALIDATING, tamper)
        eventually(lambda: bundles(api) == [data(api, "ca.crt")] * 2, SECONDS, "it is repaired")
        patches = [body for _, path, body in api.writes[writes:] if path == VALIDATING]
        assert len(patches) == 1  # the leader alone writes
        assert [operation["path"] for operation in patches[0]] == \
            ["/metadata/resourceVersion", "/webhooks/1/clientConfig/caBundle"]
    for server in replicas.running.values():
        eventually(lambda server=server: ready(server), SECONDS, "both are ready again")


def test_configurations_come_and_go(replicas):
    api = replicas.api
    server = replicas.add("one")
    eventually(lambda: ready(server), SECONDS, "it is ready without any")
    assert server.metrics()["migvet_ca_bundle_in_force"] == 0
    api.put(MUTATING, configuration("c.migvet.io"))
    eventually(lambda: server.metrics()["migvet_ca_bundle_in_force"] == 1, SECONDS, "it is in force")
    assert bundles(api, MUTATING) == [data(api, "ca.crt")]
    api.delete(MUTATING)
    eventually(lambda: "no webhook configuration" in remark(server), SECONDS, "it is seen to be gone")
    assert ready(server)


def test_left_to_cert_manager(replicas):
    api = replicas.api
    kept = configuration("a.migvet.io", annotations={"cert-manager.io/inject-ca-from": "migvet/migvet"})
    kept["webhooks"][0]["clientConfig"]["caBundle"] = base64.b64encode(
        authority(replicas.tmp_path, "other")[0].read_bytes()).decode()
    api.put(VALIDATING, kept)
    api.put(MUTATING, configuration("c.migvet.io"))
    server = replicas.add("one")
    eventually(lambda: bundles(api, MUTATING) == [data(api, "ca.crt")], SECONDS, "the other is written")
    eventually(lambda: "would not believe" in remark(server), SECONDS, "it is seen that it does not fit")
    assert not ready(server) and server.metrics()["migvet_ca_bundle_in_force"] == 0
    assert api.get(VALIDATING)["webhooks"] == kept["webhooks"]


def test_a_name_that_the_certificate_lacks(replicas):
    """Bytes that are right are not enough."""
    wrong = configuration("a.migvet.io")
    wrong["webhooks"][0]["clientConfig"]["service"]["namespace"] = "elsewhere"
    replicas.api.put(VALIDATING, wrong)
    server = replicas.add("one")
    eventually(lambda: "not believed for migvet.elsewhere.svc" in remark(server), SECONDS, "the name is told")
    assert not ready(server)


def test_what_is_forbidden_is_told(replicas):
    replicas.api.put(VALIDATING, configuration("a.migvet.io"))
    replicas.api.forbidden = (VALIDATING,)
    server = replicas.add("one")
    eventually(lambda: server.events("a webhook configuration cannot be read"), SECONDS, "it is told")
    eventually(lambda: replicas.api.reads > 40, SECONDS, "it goes on asking")
    assert server.metrics()["migvet_identity_expiry_seconds"] > time.time() and not ready(server)
    assert "is forbidden" in remark(server)
    assert len(server.events("a webhook configuration cannot be read")) == 1
    replicas.api.forbidden = ()
    eventually(lambda: ready(server), SECONDS, "it is ready")


# --- rotation ---

def rotated(replicas, first):
    """The authority that was the first is not in use any more, and both replicas serve leaves of another one."""
    second = [pem for pem in pems(data(replicas.api, "ca.crt")) if pem != first]
    if data(replicas.api, "next.key") or not second:
        return False
    try:
        return [leaf(server, second[0]) for server in replicas.running.values()]
    except ssl.SSLError:
        return False


def test_rotation_without_a_failure(replicas):
    api = replicas.api
    replicas.add_two()
    first = data(api, "ca.crt")
    with Handshakes(replicas) as handshakes:
        for _ in range(2):
            before = pems(data(api, "ca.crt"))[0]
            ask_for_rotation(api)
            eventually(lambda before=before: pems(data(api, "ca.crt"))[0] != before and
                       rotated(replicas, before), 2 * SECONDS, "it is rotated")
        eventually(lambda: all(len(leaves) >= 3 for leaves in handshakes.leaves.values()), SECONDS, "each leaf was seen")
    assert all(len(leaves) == 3 for leaves in handshakes.leaves.values())
    assert len(pems(data(api, "ca.crt"))) == 3 and first in data(api, "ca.crt")
    assert "migvet.io/rotate" not in api.get(SECRET)["metadata"]["annotations"]
    assert bundles(api)[0] == data(api, "ca.crt")
    assert sum(server.metrics()["migvet_ca_rotations_total"] for server in replicas.running.values()) == 2


def test_rotation_by_age(replicas):
    api = replicas.api
    lifetimes = ("--ca-lifetime", "90s", "--leaf-lifetime", "60s")
    replicas.options += lifetimes
    # An authority counts as made five minutes ago: two thirds of its life are over at once.
    replicas.add_two()
    with Handshakes(replicas) as handshakes:
        eventually(lambda: sum(server.metrics()["migvet_ca_rotations_total"]
                               for server in replicas.running.values()) >= 3, 4 * SECONDS, "it is rotated again and again")
        eventually(lambda: len(handshakes.leaves) == 2 and all(len(leaves) >= 3 for leaves in handshakes.leaves.values()),
                   2 * SECONDS, "each has shown several certificates")
    # It goes on, so they are the same only between two rotations.
    eventually(lambda: bundles(api)[0] == data(api, "ca.crt"), SECONDS, "what is published is what is stored")


def test_leader_dies_in_the_middle_of_a_rotation(replicas):
    api = replicas.api
    replicas.add_two()
    first = data(api, "ca.crt")
    dead = holder(api)
    with Handshakes(replicas):
        ask_for_rotation(api)
        eventually(lambda: data(api, "next.key"), SECONDS, "the next one is staged")
        replicas.kill(dead)
        took, _ = eventually(lambda: holder(api) != dead, 2 * SECONDS, "the other one leads")
        assert took > LEASE_SECONDS / 3
        eventually(lambda: rotated(replicas, first), 2 * SECONDS, "it is rotated")
        replicas.add(dead, wait=True)  # of the same name
        time.sleep(LEASE_SECONDS)
    assert api.get(LEASE)["spec"]["leaseTransitions"] == 1


def test_lease_is_given_up(replicas):
    api = replicas.api
    replicas.options += ["--lease-duration", "600s"]  # nobody could wait for the end of that
    api.put(VALIDATING, configuration("a.migvet.io"))
    one = replicas.add("one", wait=True)
    assert holder(api) == "one"
    assert one.stop(signal.SIGTERM) == 0
    assert holder(api) == ""
    del replicas.running["one"]
    replicas.add("two")
    eventually(lambda: holder(api) == "two", SECONDS, "two leads")


# --- trouble ---

def test_api_is_away(replicas):
    api = replicas.api
    replicas.add_two()
    with Handshakes(replicas):
        with api.away():
            for server in replicas.running.values():
                eventually(lambda server=server: not server.metrics()["migvet_leader"], SECONDS, "nobody leads")
                assert ready(server) and server.metrics()["migvet_ca_bundle_in_force"] == 1
        eventually(lambda: any(server.metrics()["migvet_leader"] for server in replicas.running.values()),
                   SECONDS, "somebody leads again")
        first = data(api, "ca.crt")
        ask_for_rotation(api)
        eventually(lambda: rotated(replicas, first), 2 * SECONDS, "it is rotated")


@pytest.mark.parametrize("ahead", [3600 * 24 * 365 * 5, -3600 * 24 * 365])
def test_clocks_differ(replicas, ahead):
    """Who is right is not known: nothing is replaced, and what is asked for waits."""
    api = replicas.api
    replicas.add_two()
    before, begun = api.get(SECRET)["data"], time.monotonic()
    with Handshakes(replicas) as handshakes:
        api.clock_ahead = ahead
        leader = replicas.running[holder(api)]
        ask_for_rotation(api)
        message = "a clock is wrong: no authority is replaced or dropped"
        eventually(lambda: leader.events(message), SECONDS, "it is told")
        reads = api.reads
        eventually(lambda: api.reads > reads + 40, SECONDS, "it goes on")
        assert api.get(SECRET)["data"] == before
        assert "the clock is in doubt" in remark(leader)
        api.clock_ahead = 0
        eventually(lambda: rotated(replicas, pems(base64.b64decode(before["ca.crt"]).decode())[0]),
                   2 * SECONDS, "it is rotated")
        eventually(lambda: all(len(leaves) >= 2 for leaves in handshakes.leaves.values()), SECONDS, "each showed its new one")
    # And more on a busy machine, where a replica may sign anew meanwhile: one in half a minute is not endless.
    of_age = 1 + (time.monotonic() - begun) // 30
    assert all(len(leaves) <= 2 + of_age for leaves in handshakes.leaves.values()), \
        {name: len(leaves) for name, leaves in handshakes.leaves.items()}


def test_secret_is_deleted(replicas):
    """It is written again as it was: nothing changes for anybody."""
    api = replicas.api
    replicas.add_two()
    before = api.get(SECRET)["data"]
    with Handshakes(replicas) as handshakes:
        api.delete(SECRET)
        eventually(lambda: api.get(SECRET), SECONDS, "it is there again")
        time.sleep(LEASE_SECONDS)
    assert api.get(SECRET)["data"] == before
    assert all(len(leaves) == 1 for leaves in handshakes.leaves.values())


def test_secret_is_replaced(replicas):
    """Another authority in its place: it is published first, and what is in use stays believed."""
    api = replicas.api
    replicas.add_two()
    first = data(api, "ca.crt")
    certificate, key = authority(replicas.tmp_path, "other")
    encoded = {name: base64.b64encode(path.read_bytes()).decode()
               for name, path in (("ca.crt", certificate), ("ca.key", key))}
    with Handshakes(replicas):
        api.edit(SECRET, lambda secret: secret.update(data=encoded))
        eventually(lambda: len(pems(data(api, "ca.crt"))) == 2, SECONDS, "the one before is in the bundle")
        eventually(lambda: rotated(replicas, first), 2 * SECONDS, "the new one is in use")


@pytest.mark.parametrize("broken, words", [
    ({"ca.key": "bm8ga2V5"}, "ca.key"),
    ({"ca.key": None}, "ca.key: is missing, while ca.crt is there"),
    ({"ca.crt": None}, "ca.crt: is missing, while ca.key is there"),
    ({"ca.crt": "***"}, "data.ca.crt: is no text in base64"),
    ({"next.key": "bm8ga2V5"}, "next.key"),
])
def test_secret_is_broken(replicas, broken, words):
    api = replicas.api
    replicas.add_two()
    good = api.get(SECRET)["data"]
    bad = {key: value for key, value in {**good, **broken}.items() if value is not None}
    api.edit(SECRET, lambda secret: secret.update(data=bad))
    server = replicas.running["one"]
    message = "the authority cannot be read; the present identity stays"
    eventually(lambda: server.events(message), SECONDS, "it is told")
    assert words in server.events(message)[0]["error"]
    assert "Secret migvet/migvet-certs" in server.events(message)[0]["error"]
    assert ready(server) and api.get(SECRET)["data"] == bad
    api.edit(SECRET, lambda secret: secret.update(data=good))
    eventually(lambda: server.events("the authority can be read again"), SECONDS, "it is well again")


# --- an authority of somebody else ---

def test_provided_directory_is_published(migvet, tmp_path):
    """--certs without ca.key is only read: its ca.crt is published, and so is a new one, with the one before."""
    directory = tmp_path / "certs"
    directory.mkdir()

    def provide(name):
        made = tmp_path / name
        made.mkdir()
        signer = authority(made)
        certificate, key = certificate_of(made, "leaf", signer, "serverAuth")
        for target, source in (("ca.crt", signer[0]), ("tls.key", key), ("tls.crt", certificate)):
            put(directory / target, source.read_text(encoding="utf-8"))
        return signer[0].read_text(encoding="utf-8")

    with Replicas(migvet, tmp_path) as replicas:
        api = replicas.api
        obj = configuration("a.migvet.io")
        obj["webhooks"][0]["clientConfig"] = {"url": "https://localhost:8443/validate"}
        api.put(VALIDATING, obj)
        first = provide("first")
        replicas.options = ["--certs", directory, "--rotation-settle", f"{int(SETTLE_SECONDS * 1000)}ms"]
        server = replicas.add("one", wait=True)
        assert bundles(api) == [first]
        with Handshakes(replicas, "localhost") as handshakes:
            second = provide("second")
            eventually(lambda: bundles(api) == [second + first], SECONDS, "both are published")
            eventually(lambda: len(handshakes.leaves["one"]) == 2, SECONDS, "the new one is served")
        assert ready(server) and leaf(server, second, "localhost")
        assert api.get(SECRET) is None and not (directory / "ca.key").exists()


# --- the command ---

def test_certs_command(replicas):
    api, migvet = replicas.api, replicas.migvet
    replicas.add_two()

    def certs(action, *more, expect=(0,)):
        return migvet("certs", action, "--certs-secret", "migvet-certs", "--kubeconfig", api.kubeconfig, *more,
                      expect=expect)

    text = certs("show").stdout
    assert "Secret migvet/migvet-certs" in text and "Authority, in use" in text and "Rotation:" not in text
    shown = json.loads(certs("show", "-o", "json", "-n", "migvet").stdout)
    assert [one["role"] for one in shown["authorities"]] == ["in use"] and shown["rotation"] == ""
    first = data(api, "ca.crt")
    assert "What happens next" in certs("rotate").stdout
    assert "goes on already" in certs("rotate").stdout
    eventually(lambda: rotated(replicas, first), 2 * SECONDS, "it is rotated")
    shown = json.loads(certs("show", "-o", "json").stdout)
    assert [one["role"] for one in shown["authorities"]] == ["in use", "earlier"] and shown["rotation"]
    assert "PRIVATE" not in text and not any(line in text for line in data(api, "ca.key").splitlines())
    process = certs("show", "-n", "elsewhere", expect=(2,))
    assert "Secret elsewhere/migvet-certs: does not exist" in process.stderr
    api.edit(SECRET, lambda secret: secret["data"].pop("ca.key"))
    assert "ca.key: is missing" in certs("rotate", expect=(2,)).stderr
    api.forbidden = (SECRET,)
    assert "is forbidden" in certs("show", expect=(2, 3)).stderr
    with api.away():
        assert "localhost" in certs("show", expect=(3,)).stderr


@pytest.mark.parametrize("arguments, words", [
    (["create", "--certs-secret", "a"], "makes the Secret"),
    (["show", "--certs-secret", "a/b"], "is no name"),
    (["show", "--certs-secret", "a", "--certs", "b"], "do not go with"),
    (["rotate", "--certs-secret", "a", "--ca"], "do not go with"),
    (["show", "--certs", "a", "-n", "b"], "for --certs-secret"),
])
def test_certs_flags(migvet, arguments, words):
    assert words in migvet("certs", *arguments, expect=(2,)).stderr


@pytest.mark.parametrize("arguments, words", [
    (["--certs-secret", "a", "--certs", "b"], "exclude one another"),
    (["--certs-secret", "a", "--cert", "b", "--key", "c"], "exclude one another"),
    (["--certs-secret", "../x"], "is no name"),
    (["--certs-secret", ""], "is no name"),
    (["--webhook-configuration", "a"], "needs an authority"),
    (["--webhook-configuration", "A", "--certs", "b"], "is no name"),
    (["--lease", "a"], "only for"),
    (["--certs-secret", "a", "--lease-duration", "1500ms"], "whole seconds"),
    (["--certs-secret", "a", "--lease-duration", "x"], "is no duration"),
    (["--certs-secret", "a", "--ca-lifetime", "1s"], "two seconds"),
    (["--leaf-lifetime", "1h"], "for --certs-secret"),
    (["--rotation-settle", "1s"], "for --certs-secret and"),
    (["--certs-secret", "a", "-n", "B"], "is no name"),
])
def test_flags(migvet, arguments, words):
    process = migvet("serve", "-f", "examples/cluster", *arguments, expect=(2,))
    assert words in process.stderr


def test_no_kubeconfig(migvet, tmp_path):
    process = migvet("serve", "-f", "examples/cluster", "--certs-secret", "a", "--kubeconfig", tmp_path / "none",
                     expect=(2, 3))
    assert str(tmp_path / "none") in process.stderr
