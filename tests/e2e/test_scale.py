# SPDX-License-Identifier: Apache-2.0
"""A large cluster: 5,000 nodes, which kwok keeps alive, and 20,000 machines, each with its claim."""
import os
import time

import pytest

from conftest import started
from harness import kwok, objects, webhook
from harness.cluster import Cluster
from harness.objects import claim, instance, machine, review_of
from harness.processes import eventually

NODES, MACHINES, NAMESPACES = 5000, 20000, 50
SYNCED_SECONDS = 120
READY_SECONDS, HEARTBEAT_SECONDS = 300, 180
HEARTBEATS = 1000
MOST_MIB = 1500
PLAIN = os.environ.get("MIGVET_VARIANT", "release") == "release"


@pytest.fixture(scope="module", name="large")
def large_fixture(tools, logs, memory):
    cluster = started(Cluster(memory / "large", logs / "large", tools), "large")
    keeper = kwok.Kwok(cluster)
    try:
        cluster.create_kinds()
        cluster.put(*objects.example_cluster())
        begun = time.monotonic()
        fill_nodes(cluster)
        keeper.start()
        fill(cluster)
        print(f"{NODES} nodes, {MACHINES} machines, instances and claims: {time.monotonic() - begun:.1f} s")
        eventually(lambda: keeper.check() and len(heartbeats(cluster)) == NODES, READY_SECONDS,
                   "kwok has made the nodes ready", pause=3)
        print(f"kwok has made {NODES} nodes ready after {time.monotonic() - begun:.1f} s, "
              f"{keeper.resident_mib():.0f} MiB resident")
        yield cluster
    finally:
        keeper.stop()
        cluster.stop()


def heartbeats(cluster):
    """When kwok last said that a node is ready, by name of node."""
    found = cluster.api.get("/api/v1/nodes?resourceVersion=0")["items"]
    ready = {node["metadata"]["name"]: kwok.ready_condition(node) for node in found}
    return {name: condition["lastHeartbeatTime"] for name, condition in ready.items() if condition}


def fill_nodes(cluster):
    template = next(obj for obj in objects.example_cluster() if obj["kind"] == "Node")
    cluster.etcd.put("minions", (kwok.node(f"large-{number}", template) for number in range(NODES)))


def fill(cluster):
    names = [f"ns-{number}" for number in range(NAMESPACES)]
    cluster.put(*(objects.namespace(name) for name in names))
    numbers = [(f"m-{number}", names[number % NAMESPACES]) for number in range(MACHINES)]
    modes = ("ReadWriteOnce", "ReadWriteMany")
    cluster.etcd.put("persistentvolumeclaims", (claim(name, where, modes[number % 2])
                                                for number, (name, where) in enumerate(numbers)))
    cluster.etcd.put("kubevirt.io/virtualmachines", (machine(name, where, claim=name) for name, where in numbers))
    cluster.etcd.put("kubevirt.io/virtualmachineinstances", (
        instance(name, where, node=f"large-{number % NODES}", migratable=number % 2 == 1, claim=name)
        for number, (name, where) in enumerate(numbers)))
    name, where = numbers[-1]
    last = f"/apis/kubevirt.io/v1/namespaces/{where}/virtualmachineinstances/{name}"
    eventually(lambda: cluster.api.find(last), 60, "the API server has them")


def test_synced(large, logs, memory):
    begun = time.monotonic()
    with webhook.Migvet(memory / "migvet-large", logs, kubeconfig=large.kubeconfig("admin")) as migvet:
        migvet.wait_until_ready(SYNCED_SECONDS)
        took, size = time.monotonic() - begun, migvet.process.resident_mib()
        print(f"synced after {took:.1f} s, {size:.0f} MiB resident")
        assert not PLAIN or size < MOST_MIB
        objects_of = {series: int(value) for series, value in migvet.metrics().items()
                      if series.startswith("migvet_watch_objects") and value >= NODES}
        print(objects_of)
        assert len(objects_of) == 4 and min(objects_of.values()) >= NODES
        # The last ones are there, and what is asked about a few of so many is answered soon.
        for number in (0, 1, MACHINES - 2, MACHINES - 1):
            where = f"ns-{number % NAMESPACES}"
            begun = time.monotonic()
            answer = migvet.review(review_of(machine("new", where, claim=f"m-{number}")))
            assert answer["auditAnnotations"]["verdict"] == ("True" if number % 2 else "False")
            print(f"a review takes {1000 * (time.monotonic() - begun):.0f} ms, with its connection")
        # A change is not lost among so many, and comes soon.
        large.put(claim("late", "ns-0", "ReadWriteOnce"))
        begun = time.monotonic()
        late = review_of(machine("new", "ns-0", claim="late"))
        eventually(lambda: migvet.review(late)["auditAnnotations"]["verdict"] == "False", 30, "the claim is seen",
                   pause=0.01)
        print(f"a change is seen after {1000 * (time.monotonic() - begun):.0f} ms")


def test_heartbeats(large, logs, memory):
    """Thousands of nodes say that they are alive, and nothing that a rule reads has changed: no new snapshot."""
    with webhook.Migvet(memory / "migvet-heartbeats", logs, kubeconfig=large.kubeconfig("admin")) as migvet:
        migvet.wait_until_ready(SYNCED_SECONDS)
        before, snapshots, told = heartbeats(large), generation(migvet), last_event(migvet)
        begun = time.monotonic()

        def beaten():
            return sum(at != before[name] for name, at in heartbeats(large).items())

        eventually(lambda: beaten() >= HEARTBEATS, HEARTBEAT_SECONDS, "nodes have told that they are alive", pause=2)
        print(f"{beaten()} of {NODES} nodes have told that they are alive within {time.monotonic() - begun:.0f} s, "
              f"{migvet.process.resident_mib():.0f} MiB resident")
        assert last_event(migvet) > told
        assert generation(migvet) == snapshots
        # What a rule does read is another thing.
        large.api.merge("/api/v1/nodes/large-0", {"spec": {"unschedulable": True}})
        eventually(lambda: generation(migvet) > snapshots, 30, "there is a new snapshot")


def generation(migvet):
    return migvet.metrics()["migvet_snapshot_generation"]


def last_event(migvet):
    return migvet.metrics()['migvet_watch_last_event_seconds{kind="Node",group=""}']
