# SPDX-License-Identifier: Apache-2.0
"""Verdicts to receivers, from outside: what is sent to whom, and that nothing is lost when a receiver misbehaves. The times
between tries are tested under a clock of their own (tests/unit/test_receiver.c)."""
import concurrent.futures
import hashlib
import hmac
import json
import re
import resource
import threading
import time

import pytest

from receiver import KEY, TOKEN, Delivery, Http2, Identity, Receiver
from support import eventually, instance, instance_spec, machine, migration, put, review_of

BRIDGE = instance_spec("bridge")


@pytest.fixture(scope="module", name="identity")
def identity_fixture(tmp_path_factory):
    return Identity(tmp_path_factory.mktemp("identity"))


@pytest.fixture(name="delivery")
def delivery_fixture(migvet, tmp_path, identity):
    return Delivery(migvet.path, tmp_path, identity)


def remark(server):
    status, _, text = server.health("/readyz?verbose")
    assert status == 200, text
    return re.search(r"outbox ok:? ?(.*)", text).group(1)


def sample(server, name, receiver="one"):
    return server.metrics()[f'migvet_outbox_{name}{{receiver="{receiver}"}}']


def reconfigured(server, generation):
    eventually(lambda: server.metrics()["migvet_config_generation"] == generation, 5, "the new configuration")


# --- what is sent, and to whom ------------------------------------------

def test_an_event(delivery, identity):
    with Receiver(identity) as receiver:
        delivery.configure(delivery.receiver("one", receiver), clusterName="east 1")
        with delivery.serve() as server:
            good, bad = review_of(machine("good")), review_of(machine("bad", spec=BRIDGE))
            for asked in (good, bad):
                server.review(asked)
            receiver.wait_for(2)
            eventually(lambda: sample(server, "delivered_total") == 2)
            eventually(lambda: sample(server, "waiting") == 0)
            assert sample(server, "failed_tries_total") == 0
    request = next(request for request in receiver.requests if request.name == "bad")
    event = request.event
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["user-agent"].startswith("migvet/")
    assert {key: event[key] for key in ("specversion", "type", "source", "subject", "id", "datacontenttype")} == {
        "specversion": "1.0", "type": "io.migvet.verdict.v1alpha1", "source": "/clusters/east%201/migvet/replica-0",
        "subject": "shop/VirtualMachine/bad", "id": bad["request"]["uid"], "datacontenttype": "application/json"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
    assert sorted(event["sequence"] for event in receiver.events) == [f"{number:020d}" for number in (1, 2)]
    verdict = event["data"]["verdict"]
    assert (verdict["kind"], verdict["migratable"]) == ("Verdict", "False")
    assert "pod-network-binding" in {finding["rule"] for finding in verdict["findings"]}
    assert event["data"]["decision"] == {"allowed": True, "level": event["data"]["decision"]["level"],
                                         "operation": "CREATE", "dryRun": False}
    assert TOKEN not in "".join(server.log)


def test_how_we_are_believed(delivery, identity):
    """A client certificate, a signature, a token; and files that change."""
    with Receiver(identity, client_certificates=True) as certified, Receiver(identity) as signed, \
            Receiver(identity) as tokened:
        delivery.configure(delivery.receiver("certified", certified, clientCertFile=str(identity.client)),
                           delivery.receiver("signed", signed, hmacKeyFile=str(delivery.key)),
                           delivery.receiver("tokened", tokened))
        with delivery.serve() as server:
            server.review(review_of(machine("first")))
            for receiver in (certified, signed, tokened):
                receiver.wait_for(1)
            put(delivery.token, "an0ther")
            put(delivery.key, "another key")
            time.sleep(1.1)  # files are looked at once a second
            server.review(review_of(machine("second")))
            requests = [receiver.wait_for(2) for receiver in (certified, signed, tokened)]
    assert ((("commonName", "migvet"),)) in requests[0].peer["subject"]
    assert "authorization" not in requests[0].headers and "authorization" not in requests[1].headers
    for request, key in zip(signed.requests, (KEY, "another key")):
        stamp = request.headers["x-migvet-timestamp"]
        digest = hmac.new(key.encode(), stamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
        assert request.headers["x-migvet-signature"] == f"sha256={digest}"
        assert abs(time.time() - int(stamp)) < 60
    assert [request.headers["authorization"] for request in tokened.requests] == [f"Bearer {TOKEN}", "Bearer an0ther"]
    log = "".join(server.log)
    assert not [secret for secret in (TOKEN, KEY, "an0ther", "another key") if secret in log]


def test_http_2(delivery, identity, tmp_path):
    """Events share a connection; one that is refused, or a stream that ends in the middle, does not disturb the others."""
    def answer(request):
        if request.name == "bad":
            return 400
        if request.name == "cut" and [r.name for r in receiver.requests].count("cut") == 1:
            return "half"
        return 204

    with Receiver(identity, answer) as receiver, Http2(identity, receiver, tmp_path) as proxy:
        delivery.configure(delivery.receiver("one", proxy.url), outbox={"tries": 1})
        with delivery.serve() as server:
            names = [f"m-{i}" for i in range(20)] + ["bad", "cut"]
            for name in names:
                server.review(review_of(machine(name)))
            eventually(lambda: sample(server, "waiting") == 0, 20, "nothing waits")
            assert sample(server, "delivered_total") + sample(server, "dead_letters") == len(names)
            assert sample(server, "dead_letters") >= 1
    assert set(receiver.names) == set(names)
    assert receiver.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert {protocol for _, protocol in proxy.requests} == {"HTTP/2"}
    assert len({port for port, _ in proxy.requests}) < len(names) / 2


def test_filters(delivery, identity):
    """The audit, too, tells of what is in the cluster only who wants it."""
    usual = {"VirtualMachine", "VirtualMachineInstance", "VirtualMachineInstanceMigration"}
    with Receiver(identity) as every, Receiver(identity) as some, Receiver(identity) as migrations:
        entry = delivery.receiver("every", every)
        del entry["kinds"]
        delivery.configure(
            entry,
            delivery.receiver("some", some, kinds=["VirtualMachine"], namespaces=["sh.*"], verdicts=["False"]),
            delivery.receiver("migrations", migrations, kinds=["VirtualMachineInstanceMigration"]))
        with delivery.serve() as server:
            for asked in (machine("bad", spec=BRIDGE), machine("bad", "lab", spec=BRIDGE), machine("good"),
                          instance("i", spec=BRIDGE), migration("fine")):
                server.review(review_of(asked))
            every.wait_for(7)
            migrations.wait_for(1)
            for name in ("every", "some", "migrations"):
                eventually(lambda name=name: sample(server, "waiting", name) == 0, 5, f"{name} waits for nothing")
    assert [event["subject"] for event in some.events] == ["shop/VirtualMachine/bad"]
    assert migrations.names == ["move"]
    assert {event["subject"].split("/")[1] for event in every.events} == usual
    audited = {event["subject"]: event for event in every.events if event["data"]["decision"]["operation"] == "AUDIT"}
    assert set(audited) == {"shop/VirtualMachineInstance/fine", "shop/VirtualMachineInstance/stuck"}
    assert len({event["id"] for event in every.events}) == 7


def test_what_is_not_sent(delivery, identity):
    """A dry run, /mutate, an update that changes no verdict, what is not judged."""
    with Receiver(identity) as receiver:
        delivery.configure(delivery.receiver("one", receiver))
        with delivery.serve() as server:
            old, bad = machine("m"), machine("m", spec=BRIDGE)
            other = machine("m", spec=instance_spec(subdomain="other"))
            server.review(review_of(bad, dryRun=True))
            with server.client() as client:
                client.post(json.dumps(review_of(bad)), path="/mutate")
            server.review(review_of(other, "UPDATE", old=old))
            server.review(review_of(old, "UPDATE", old=old))
            server.review(review_of(None, "DELETE", old=old))
            changed, back, last = (review_of(bad, "UPDATE", old=old), review_of(old, "UPDATE", old=bad),
                                   review_of(migration("fine")))
            for asked in (changed, back, last):
                server.review(asked)
            receiver.wait_for(3)
            eventually(lambda: sample(server, "waiting") == 0)
            assert server.metrics()["migvet_outbox_events_total"] == 3
    assert {event["id"] for event in receiver.events} == {asked["request"]["uid"] for asked in (changed, back, last)}
    assert [event["data"]["verdict"]["migratable"] for event in receiver.events
            if event["subject"].endswith("/m")] == ["False", "True"]


def test_order_of_a_subject(delivery, identity):
    """Several at a time, never two of one subject."""
    busy, most, lock = set(), [0], threading.Lock()

    def answer(request):
        with lock:
            assert request.name not in busy
            busy.add(request.name)
            most[0] = max(most[0], len(busy))
        time.sleep(0.02)
        with lock:
            busy.remove(request.name)
        return 200
    with Receiver(identity, answer) as receiver:
        delivery.configure(delivery.receiver("one", receiver))
        with delivery.serve() as server:
            sent = {}
            with server.client() as client:
                for number in range(60):
                    name = f"m{number % 4}"
                    asked = review_of(machine(name))
                    client.review(asked)
                    sent.setdefault(name, []).append(asked["request"]["uid"])
            receiver.wait_for(60)
            eventually(lambda: sample(server, "waiting") == 0)
    for name, ids in sent.items():
        events = [event for event in receiver.events if event["subject"].endswith(f"/{name}")]
        assert [event["id"] for event in events] == ids
        sequences = [event["sequence"] for event in events]
        assert sequences == sorted(sequences)
    assert 1 < most[0] <= 4


# --- receivers that misbehave -------------------------------------------

@pytest.mark.parametrize("bad", [500, "close", "half", (307, {"Location": "/elsewhere"}, b""), (401, {}, b"who?"),
                                 (429, {"Retry-After": "1"}, b"")],
                         ids=["500", "close", "half", "redirect", "401", "429"])
def test_trouble_passes(delivery, identity, bad):
    """The event is sent again, the same one, and nothing is held against it."""
    with Receiver(identity) as receiver:
        receiver.answer = lambda request: bad if len(receiver.requests) == 1 else 200
        delivery.configure(delivery.receiver("one", receiver), outbox={"tries": 1})
        with delivery.serve() as server:
            server.review(review_of(machine("m")))
            receiver.wait_for(2)
            eventually(lambda: sample(server, "waiting") == 0)
            eventually(lambda: sample(server, "delivered_total") == 1)
            assert sample(server, "failed_tries_total") == 1
            assert sample(server, "dead_letters") == 0
            assert server.events("the receiver is in trouble: events wait")[0]["receiver"] == "one"
            eventually(lambda: "trouble" not in remark(server))
            assert server.events("the receiver takes events again")
    assert {request.path for request in receiver.requests} == {"/verdicts"}
    first, second = receiver.requests
    assert first.body == second.body
    if isinstance(bad, tuple) and bad[0] == 429:
        assert second.began - first.ended > 0.9


def test_a_poison_event(delivery, identity):
    """400: the event is given up after so many tries; the others, and what is next of its subject, get through."""
    with Receiver(identity) as receiver:
        poison = review_of(machine("poison"))
        uid = poison["request"]["uid"]
        receiver.answer = lambda request: (400, {}, b"I do not like it") if request.event["id"] == uid else 200
        delivery.configure(delivery.receiver("one", receiver), outbox={"tries": 1000})
        with delivery.serve() as server:
            delivery.configure(delivery.receiver("one", receiver), outbox={"tries": 2})
            reconfigured(server, 2)
            for asked in (poison, review_of(machine("poison")), review_of(machine("good"))):
                server.review(asked)
            receiver.wait_for(4)
            eventually(lambda: sample(server, "waiting") == 0)
            eventually(lambda: (sample(server, "dead_letters"), sample(server, "delivered_total")) == (1, 2))
            assert "1 dead letters" in remark(server)
            event, = server.events("an event is given up: it is among the dead letters")
            assert (event["id"], event["error"]) == (uid, "HTTP 400")
    assert receiver.names.count("poison") == 3
    letters = "".join(path.read_text(encoding="utf-8", errors="replace")
                      for path in delivery.outbox.rglob("*") if path.is_file())
    assert "HTTP 400: I do not like it" in letters


def test_gone(delivery, identity):
    """410: nothing more is sent, and nothing is lost, until the receiver is configured otherwise."""
    with Receiver(identity, lambda request: 410) as receiver:
        delivery.configure(delivery.receiver("one", receiver))
        with delivery.serve() as server:
            server.review(review_of(machine("first")))
            eventually(lambda: "receiver one wants no more events" in remark(server))
            server.review(review_of(machine("second")))
            delivery.configure(delivery.receiver("one", receiver), unknown="allow")  # not of this receiver
            reconfigured(server, 2)
            assert sample(server, "waiting") == 2 and len(receiver.requests) == 1
            assert server.metrics()['migvet_outbox_receiver_state{receiver="one",state="gone"}'] == 1
            receiver.answer = lambda request: 200
            delivery.configure(delivery.receiver("one", receiver.url("/new")))
            receiver.wait_for(3)
            eventually(lambda: sample(server, "waiting") == 0)
    assert sorted(receiver.names[1:]) == ["first", "second"]
    assert {request.path for request in receiver.requests[1:]} == {"/new"}


def test_gone_gives_way(delivery, identity):
    """What waits for a receiver that has said 410 does not keep others from their events when the outbox is full."""
    with Receiver(identity, lambda request: 410) as gone, Receiver(identity) as well:
        delivery.configure(delivery.receiver("gone", gone), delivery.receiver("well", well),
                           outbox={"maxBytes": "1Mi"})
        with delivery.serve() as server:
            server.review(review_of(machine("first")))
            eventually(lambda: "receiver gone wants no more events" in remark(server), 30)
            number = 0
            while server.metrics()["migvet_outbox_refused_total"] == 0:
                server.review(review_of(machine(f"vm-{number}")))
                number += 1
            eventually(lambda: server.metrics()["migvet_outbox_full"] == 0, 30)
            assert server.metrics()["migvet_outbox_passed_total"] > 0
            server.review(review_of(machine("last")))
            eventually(lambda: "last" in well.names, 30)


def test_down_then_up(delivery, identity):
    """Meanwhile what waits is what is wanted."""
    with Receiver(identity) as receiver, Receiver(identity) as other:
        delivery.configure(delivery.receiver("one", receiver, kinds=["VirtualMachine"]),
                           delivery.receiver("other", other))
        receiver.stop()
        with delivery.serve() as server:
            for number in range(20):
                server.review(review_of(machine(f"m{number}")))
                server.review(review_of(migration("fine", name=f"i{number}")))
            eventually(lambda: "receiver one is in trouble" in remark(server))
            other.wait_for(40)
            eventually(lambda: sample(server, "waiting") == 20)
            receiver.start()
            receiver.wait_for(20, 30)
            eventually(lambda: sample(server, "waiting") == 0)
    assert sorted(receiver.names) == sorted(f"m{number}" for number in range(20))


def test_one_receiver_does_not_delay_another(delivery, identity):
    """Nor does it delay an answer to the API server."""
    release = threading.Event()
    with Receiver(identity, lambda request: release.wait(20) and 200) as slow, Receiver(identity) as quick:
        delivery.configure(delivery.receiver("slow", slow), delivery.receiver("quick", quick))
        with delivery.serve() as server, server.client() as client:
            client.review(review_of(machine("first")))
            slow.wait_for(1)
            begun = time.monotonic()
            for number in range(30):
                client.review(review_of(machine(f"m{number}")))
            quick.wait_for(31)
            assert time.monotonic() - begun < 5
            assert sample(server, "waiting", "slow") == 31
            release.set()
            slow.wait_for(31)
            eventually(lambda: sample(server, "waiting", "slow") == 0)
    assert len(slow.requests) == 31


def test_a_stranger_is_not_believed(delivery, identity, tmp_path):
    """A certificate of an authority that is not in caFile; a name that is not in the certificate."""
    other = Identity(tmp_path / "other")
    with Receiver(other) as stranger, Receiver(identity) as named:
        delivery.configure(delivery.receiver("stranger", stranger),
                           delivery.receiver("named", f"https://127.0.0.1:{named.port}/"))
        with delivery.serve() as server:
            server.review(review_of(machine("m")))
            for name in ("stranger", "named"):
                eventually(lambda name=name: f"receiver {name} is in trouble" in remark(server))
                assert sample(server, "waiting", name) == 1
    assert stranger.requests == [] and named.requests == []


def test_files_that_come_later(delivery, identity):
    """A token that is not there, or is none, is named, and nothing is sent until it is right."""
    with Receiver(identity) as receiver:
        delivery.token.unlink()
        delivery.configure(delivery.receiver("one", receiver))
        with delivery.serve() as server:
            server.review(review_of(machine("m")))
            eventually(lambda: f"receiver one is in trouble: {delivery.token}: " in remark(server))
            put(delivery.token, "no token")
            eventually(lambda: "is no token" in remark(server))
            put(delivery.token, "good")
            assert receiver.wait_for(1).headers["authorization"] == "Bearer good"
            eventually(lambda: "trouble" not in remark(server))
        assert "no token\n" not in "".join(server.log)
    assert len(receiver.requests) == 1


# --- the outbox ---------------------------------------------------------

def test_repeats_after_a_restart_are_the_same(delivery, identity):
    """What was not acknowledged is sent again, with the same source, id and sequence; what was, is not."""
    with Receiver(identity) as receiver:
        receiver.answer = lambda request: 200 if request.name == "done" else "close"
        delivery.configure(delivery.receiver("one", receiver))
        with delivery.serve() as server:
            server.review(review_of(machine("done")))
            receiver.wait_for(1)
            server.review(review_of(machine("lost")))
            receiver.wait_for(2)
        receiver.answer = lambda request: 200
        count = len(receiver.requests)
        with delivery.serve() as server:
            receiver.wait_for(count + 1)
            server.review(review_of(machine("next")))
            receiver.wait_for(count + 2)
            eventually(lambda: sample(server, "waiting") == 0)
    lost = {json.dumps(event) for event in receiver.events if event["subject"].endswith("/lost")}
    assert len(lost) == 1
    assert receiver.names.count("done") == 1
    last = receiver.events[-1]
    assert (receiver.names[-1], last["sequence"]) == ("next", f"{3:020d}")


def test_the_end_waits_for_what_is_on_its_way(delivery, identity):
    """For a moment, so that it is not sent again."""
    def answer(request):
        time.sleep(0.5)
        return 200
    with Receiver(identity, answer) as receiver:
        delivery.configure(delivery.receiver("one", receiver))
        with delivery.serve() as server:
            server.review(review_of(machine("m")))
            receiver.wait_for(1)
        with delivery.serve() as server:
            assert sample(server, "waiting") == 0
    assert len(receiver.requests) == 1


def test_hot_reload(delivery, identity):
    with Receiver(identity) as first, Receiver(identity) as second:
        delivery.configure()
        with delivery.serve() as server:
            assert remark(server) == "no receivers"
            server.review(review_of(machine("nobody")))
            assert not delivery.outbox.exists()
            delivery.configure(delivery.receiver("one", first))
            reconfigured(server, 2)
            server.review(review_of(machine("a")))
            first.wait_for(1)
            delivery.configure(delivery.receiver("two", second), delivery.receiver("one", first))
            reconfigured(server, 3)
            server.review(review_of(machine("b")))
            first.wait_for(2)
            second.wait_for(1)
            delivery.configure(delivery.receiver("two", second))
            reconfigured(server, 4)
            server.review(review_of(machine("c")))
            second.wait_for(2)
            delivery.configure(delivery.receiver("two", second), outbox={"maxBytes": "2Mi"})
            eventually(lambda: "at the next start" in remark(server), 5)
            delivery.configure()
            reconfigured(server, 6)
            server.review(review_of(machine("d")))
    assert (first.names, second.names) == (["a", "b"], ["b", "c"])


def test_a_directory_that_cannot_be(delivery, identity, migvet):
    """At the start it is an error; afterwards the configuration in force stays."""
    with Receiver(identity) as receiver:
        good, delivery.outbox = delivery.outbox, delivery.directory / "no" / "outbox"
        delivery.configure(delivery.receiver("one", receiver))
        result = migvet("serve", *delivery.arguments(), "--certs", delivery.directory / "certs", expect=(2,))
        missing = f"outbox.directory: the directory cannot be made, since {delivery.outbox.parent} does not exist"
        assert f"{delivery.outbox}: {missing}" in result.stderr
        delivery.configure()
        with delivery.serve() as server:
            delivery.configure(delivery.receiver("one", receiver))
            eventually(lambda: server.metrics()["migvet_config_broken"] == 1, 5)
            assert missing in server.health("/readyz?verbose")[2]
            assert remark(server) == "no receivers"
            delivery.outbox = good
            delivery.configure(delivery.receiver("one", receiver))
            reconfigured(server, 2)
            server.review(review_of(machine("m")))
            receiver.wait_for(1)
        delivery.outbox = delivery.directory / "file"
        put(delivery.outbox, "")
        delivery.configure(delivery.receiver("one", receiver))
        result = migvet("serve", *delivery.arguments(), "--certs", delivery.directory / "certs", expect=(2,))
        assert f"{delivery.outbox}: outbox.directory: the directory cannot be made: Not a directory" in result.stderr


def test_clients_that_nobody_verifies(delivery, identity):
    """They can have receivers told of what does not exist: said once, when there are receivers."""
    def warnings(server):
        return [event for event in server.events() if "made-up objects" in event["msg"]]
    with Receiver(identity) as receiver:
        delivery.configure()
        with delivery.serve() as server:
            assert not warnings(server)
            for generation in (2, 3):
                delivery.configure(delivery.receiver(f"r{generation}", receiver))
                reconfigured(server, generation)
            eventually(lambda: warnings(server), what="the warning")
            assert len(warnings(server)) == 1
        with delivery.serve("--client-ca", identity.ca) as server:
            assert not warnings(server)


def opened(server):
    eventually(lambda: " bytes" in remark(server), 15, "the outbox is open")


def test_another_process_has_the_directory(delivery, identity):
    """Reviews are answered meanwhile, and it is taken over when it is free."""
    with Receiver(identity) as receiver:
        delivery.configure(delivery.receiver("one", receiver))
        with delivery.serve() as first, delivery.serve() as second:
            assert "another process holds the lock" in remark(second)
            assert second.review(review_of(machine("lost")))["allowed"]
            first.review(review_of(machine("a")))
            receiver.wait_for(1)
            assert first.stop() == 0
            opened(second)
            second.review(review_of(machine("b")))
            receiver.wait_for(2)
            assert len(second.events("the outbox cannot be opened: receivers are told of nothing until it can")) == 1
    assert receiver.names == ["a", "b"]


def test_the_disk_fails_at_the_start(delivery, identity):
    """Reviews are answered and the configuration is followed; what receivers are not told of is counted."""
    with Receiver(identity) as receiver:
        delivery.configure(delivery.receiver("one", receiver))
        (delivery.outbox / "positions").mkdir(parents=True)
        with delivery.serve() as server:
            assert "receivers are told of nothing" in remark(server) and "positions" in remark(server)
            assert server.review(review_of(machine("lost")))["allowed"]
            assert server.metrics()["migvet_outbox_failed_total"] == 1
            delivery.configure(delivery.receiver("one", receiver), unknown="allow")
            reconfigured(server, 2)
            (delivery.outbox / "positions").rmdir()
            opened(server)
            server.review(review_of(machine("m")))
            receiver.wait_for(1)
            assert server.metrics()["migvet_outbox_failed_total"] == 1
            delivery.configure()
            reconfigured(server, 3)
    assert receiver.names == ["m"]


def test_no_file_may_grow(delivery, identity):
    """A limit on the size of files is an error like a full disk: reviews are answered, and what comes later is delivered."""
    with Receiver(identity) as receiver:
        delivery.configure(delivery.receiver("one", receiver))
        with delivery.serve() as server:
            server.review(review_of(machine("before")))
            receiver.wait_for(1)
            old = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, old[1]))
            assert server.review(review_of(machine("lost")))["allowed"]
            eventually(lambda: server.metrics()["migvet_outbox_failed_total"] == 1, 5)
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, old)
            server.review(review_of(machine("after")))
            receiver.wait_for(2)
    assert receiver.names == ["before", "after"]


def test_a_full_outbox(delivery, identity):
    """The oldest stay, new ones are refused and counted, admission goes on, and it is ready."""
    with Receiver(identity) as receiver:
        receiver.stop()
        delivery.configure(delivery.receiver("one", receiver), outbox={"maxBytes": "1Mi"})
        with delivery.serve() as server:
            # A finding for each device, so that few events fill it.
            spec = instance_spec()
            spec["domain"]["devices"]["hostDevices"] = [
                {"name": f"device-{number}", "deviceName": "example.org/device"} for number in range(200)]

            def ask(number):
                return server.review(review_of(machine(f"m{number}", spec=spec)))["allowed"]
            count = 0
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                while not server.metrics()["migvet_outbox_refused_total"]:
                    assert all(pool.map(ask, range(count, count + 10)))
                    count += 10
                    assert count < 1000
            metrics = server.metrics()
            assert metrics["migvet_outbox_full"] == 1
            assert metrics["migvet_outbox_bytes"] <= metrics["migvet_outbox_max_bytes"] == 1 << 20
            assert "full: new verdicts are refused" in remark(server)
            kept = sample(server, "waiting")
            assert kept + metrics["migvet_outbox_refused_total"] == count
            receiver.start()
            receiver.wait_for(int(kept), 30)
            eventually(lambda: not server.metrics()["migvet_outbox_full"], 5)
    assert len(set(receiver.names)) == kept
