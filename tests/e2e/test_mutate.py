# SPDX-License-Identifier: Apache-2.0
"""The stamp of /mutate, registered with a real API server: what is stored, and that applying the same again changes nothing."""
import pytest

from conftest import MODES
from harness import webhook
from harness.objects import claim, example_cluster, instance, machine, migration, namespace
from harness.processes import eventually

SECONDS = 30
WHERE = "stamped"
PREFIX = "migvet.io/"
KNOWN = [namespace(WHERE), claim("rwo", WHERE, "ReadWriteOnce"),
         instance("stuck", WHERE, migratable=False, claim="rwo")]
STAMPED = [(["CREATE", "UPDATE"], "Namespaced", "kubevirt.io", ["v1"],
            ["virtualmachines", "virtualmachineinstancemigrations"])]


@pytest.fixture(scope="module", name="stamping", params=MODES)
def stamping_fixture(request, cluster, logs, memory):
    """migvet, registered for changes and in force."""
    cluster.put(*KNOWN)
    name = f"mutate-{request.param}"
    source = {"files": [*example_cluster(), *KNOWN]} if request.param == "files" else \
        {"kubeconfig": cluster.kubeconfig("admin")}
    with webhook.Migvet(memory / name, logs, **source) as migvet:
        client = {"url": f"https://localhost:{migvet.port}/mutate"}
        made = webhook.registration(name, client, migvet.bundle(), reviewed=STAMPED)
        made["kind"] = "MutatingWebhookConfiguration"
        made["webhooks"][0].update(name="mutate.migvet.io", reinvocationPolicy="IfNeeded")
        cluster.put(made)
        canary = machine("canary", WHERE)
        eventually(lambda: stamp_of(cluster.api.post(f"{cluster.path_of(canary)}?dryRun=All", canary)), SECONDS,
                   "the webhook is called")
        yield migvet
        cluster.api.delete(f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{name}")
        eventually(lambda: not stamp_of(cluster.api.post(f"{cluster.path_of(canary)}?dryRun=All", canary)), SECONDS,
                   "the webhook is gone")


def stamp_of(obj):
    return {key.removeprefix(PREFIX): value for key, value in (obj["metadata"].get("annotations") or {}).items()
            if key.startswith(PREFIX)}


@pytest.mark.usefixtures("stamping")
def test_stored(cluster):
    good = stamp_of(cluster.api.post(f"{cluster.path_of(machine('x', WHERE))}?dryRun=All", machine("x", WHERE)))
    move = migration("x", WHERE, "stuck")
    bad = stamp_of(cluster.api.post(f"{cluster.path_of(move)}?dryRun=All", move))
    assert good["verdict"] == "True" and good["policy"] == "none" and "rules" not in good
    assert bad["verdict"] == "False" and "pvc-access-mode" in bad["rules"].split(",")
    assert len(good["inputs"]) == len(bad["inputs"]) == 16


@pytest.mark.usefixtures("stamping")
def test_applied_again(cluster):
    """Server-side apply: the same again stores nothing, a label leaves the stamp alone, a spec brings a new one."""
    obj = machine("applied", WHERE)
    path = cluster.path_of(obj, "applied")
    try:
        first = cluster.api.apply(path, obj)
        assert stamp_of(first)["verdict"] == "True"
        version = first["metadata"]["resourceVersion"]
        assert cluster.api.apply(path, obj)["metadata"]["resourceVersion"] == version
        forged = {**obj, "metadata": {**obj["metadata"], "annotations": {PREFIX + "verdict": "False"},
                                      "labels": {"a": "b"}}}
        labelled = cluster.api.apply(path, forged)
        assert labelled["metadata"]["labels"] == {"a": "b"} and stamp_of(labelled) == stamp_of(first)
        removed = cluster.api.merge(path, {"metadata": {"annotations": {PREFIX + "verdict": None}}})
        assert stamp_of(removed) == stamp_of(first)
        changed = stamp_of(cluster.api.apply(path, machine("applied", WHERE, binding="bridge")))
        assert changed["verdict"] == "False" and changed["inputs"] != stamp_of(first)["inputs"]
    finally:
        cluster.api.delete(path)
