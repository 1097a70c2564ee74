# SPDX-License-Identifier: Apache-2.0
"""A large cluster: 5,000 nodes and 20,000 machines, each with its claim."""
import os
import time

import pytest

from conftest import started
from harness import objects, webhook
from harness.cluster import Cluster
from harness.objects import claim, instance, machine, review_of
from harness.processes import eventually

NODES, MACHINES, NAMESPACES = 5000, 20000, 50
SYNCED_SECONDS = 120
MOST_MIB = 1500
PLAIN = os.environ.get("MIGVET_VARIANT", "release") == "release"


@pytest.fixture(scope="module", name="large")
def large_fixture(tools, logs, memory):
    cluster = started(Cluster(memory / "large", logs / "large", tools), "large")
    try:
        cluster.create_kinds()
        cluster.put(*objects.example_cluster())
        begun = time.monotonic()
        fill(cluster)
        print(f"{NODES} nodes, {MACHINES} machines, instances and claims: {time.monotonic() - begun:.1f} s")
        yield cluster
    finally:
        cluster.stop()


def fill(cluster):
    template = next(obj for obj in objects.example_cluster() if obj["kind"] == "Node")
    labels = template["metadata"]["labels"]
    cluster.etcd.put("minions", ({**template, "metadata": {
        "name": f"large-{number}", "labels": {**labels, "kubernetes.io/hostname": f"large-{number}"}}}
        for number in range(NODES)))
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
        counted = {series: value for series, value in migvet.metrics().items() if "objects" in series}
        print(counted)
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
