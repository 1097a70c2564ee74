# SPDX-License-Identifier: Apache-2.0
"""A server that is killed again and again, under load and with receivers that misbehave: what was answered is delivered."""
import collections
import json
import random
import threading
import time

import pytest

from receiver import Delivery, Identity, Receiver
from support import eventually, instance_spec, machine, migration, review_of, scaled

KILLS = scaled(200)
BRIDGE = instance_spec("bridge")
# What a receiver does in a round; the last one is that nobody listens.
BEHAVIOURS = ["good", "good", "slow", 500, "close", "half", "some", "down"]


@pytest.fixture(scope="module", name="identity")
def identity_fixture(tmp_path_factory):
    return Identity(tmp_path_factory.mktemp("identity"))


class Behaviour:
    """How the receiver answers, and what it took."""

    def __init__(self):
        self.mode = "good"
        self.taken = []
        self.lock = threading.Lock()
        self.random = random.Random(7)

    def __call__(self, request):
        mode = self.mode
        if mode == "some":
            mode = self.random.choice(["good", "good", 500, "close"])
        if mode == "slow":
            time.sleep(0.03)
        if mode in ("good", "slow"):
            with self.lock:
                self.taken.append(request.event)
            return 204
        return mode


class Load(threading.Thread):
    """Asks about its own objects, one review after the other, until the server is gone. `answered` has the UIDs, by object and in
    order."""

    def __init__(self, server, number, random_, answered):
        super().__init__(daemon=True)
        self.server, self.number, self.random, self.answered = server, number, random_, answered
        self.count = 0

    def review(self):
        name = f"t{self.number}-{self.random.randrange(4)}"
        dry = self.random.random() < 0.1
        if self.random.random() < 0.2:
            return dry, ("move-" + name, review_of(migration("stuck", name="move-" + name), dryRun=dry))
        return dry, (name, review_of(machine(name, spec=self.random.choice([None, BRIDGE])), dryRun=dry))

    def run(self):
        try:
            with self.server.client(timeout=10) as client:
                while True:
                    dry, (name, review) = self.review()
                    status, _, body = client.post(json.dumps(review))
                    assert status == 200 and json.loads(body)["response"]["uid"] == review["request"]["uid"]
                    self.answered[None if dry else name].append(review["request"]["uid"])
                    self.count += 1
        except OSError:
            pass  # killed
        except Exception as error:  # noqa: a response that was cut is no answer
            if type(error).__module__ != "http.client":
                raise


def one_round(delivery, random_, answered, receiver, behaviour):
    mode = random_.choice(BEHAVIOURS)
    if mode == "down":
        receiver.stop()
    elif not receiver.server:
        receiver.start()
    behaviour.mode = mode
    server = delivery.serve()
    loads = [Load(server, number, random.Random(random_.random()), answered) for number in range(2)]
    try:
        for load in loads:
            load.start()
        wanted = random_.choice([0, 1, 3, 10, 25])
        eventually(lambda: sum(load.count for load in loads) >= wanted, 30, f"{wanted} answers")
        time.sleep(random_.random() * 0.02)
    finally:
        server.kill()
        for load in loads:
            load.join(30)
    assert not [load for load in loads if load.is_alive()]
    return sum(load.count for load in loads)


def check(answered, taken):
    """Everything answered was taken; in order by object; repeats are repeats."""
    by_id, order = {}, collections.defaultdict(list)
    for event in taken:
        key = (event["source"], event["id"])
        if key in by_id:
            assert event == by_id[key]
            continue
        by_id[key] = event
        order[event["subject"].rpartition("/")[2]].append(event)
    ids = {name: [event["id"] for event in events] for name, events in order.items()}
    for name, events in order.items():
        sequences = [event["sequence"] for event in events]
        assert sequences == sorted(set(sequences)), name
    for name, uids in answered.items():
        if name is None:
            assert not set(uids) & {key[1] for key in by_id}, "a dry run was sent"
            continue
        found = set(ids.get(name, []))
        assert not [uid for uid in uids if uid not in found], f"of {name} something is lost"
        assert [uid for uid in ids[name] if uid in set(uids)] == uids


def test_killed(migvet, tmp_path, identity):
    random_, answered, behaviour = random.Random(2026), collections.defaultdict(list), Behaviour()
    delivery = Delivery(migvet.path, tmp_path, identity)
    with Receiver(identity, behaviour) as receiver:
        delivery.configure(delivery.receiver("one", receiver), outbox={"tries": 1000})
        total = sum(one_round(delivery, random_, answered, receiver, behaviour) for _ in range(KILLS))
        assert total > 5 * KILLS
        if not receiver.server:
            receiver.start()
        behaviour.mode = "good"
        with delivery.serve() as server:
            eventually(lambda: server.metrics()['migvet_outbox_waiting{receiver="one"}'] == 0, 60, "nothing waits")
            assert server.metrics()["migvet_outbox_damaged_total"] == 0
    check(answered, behaviour.taken)
    assert migvet("outbox", "ls", "--directory", delivery.outbox, expect=(0,)).stdout == \
        "Nothing waits, and there are no dead letters.\n"
