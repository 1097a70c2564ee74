# SPDX-License-Identifier: Apache-2.0
"""Registered with a real API server, by URL and by Service: what a person with kubectl meets, for each kind that is
reviewed. The same is asked of migvet with files and of migvet with the live cluster."""
import concurrent.futures
import json
import re
import time

import pytest

from conftest import MODES
from harness import webhook
from harness.api import ApiError, warnings_of
from harness.cluster import as_json
from harness.objects import (claim, eviction, example_cluster, instance, launcher, machine, maintenance, migration,
                             namespace, policy)
from harness.processes import eventually

SECONDS = 30
STRICT, PLAIN = "strict", "plain"
KNOWN = [namespace(STRICT, enforce="migratable"), namespace(PLAIN),
         machine("weak", PLAIN, binding="bridge"),
         *(claim("rwo", where, "ReadWriteOnce") for where in (STRICT, PLAIN)),
         *(instance("fine", where, migratable=True) for where in (STRICT, PLAIN)),
         *(instance("stuck", where, migratable=False, claim="rwo") for where in (STRICT, PLAIN)),
         *(launcher(vmi, PLAIN) for vmi in ("fine", "stuck"))]

# What migvet refuses, and what a person reads of it.
DENIED = {
    "machine": (machine("bad", STRICT, binding="bridge"), "pod-network-binding"),
    "machine with a claim": (machine("bad", STRICT, claim="rwo"), "pvc-access-mode"),
    "machine of the old version": (machine("bad", STRICT, version="v1alpha3", binding="bridge"),
                                   "pod-network-binding"),
    "instance": (instance("bad", STRICT, binding="bridge"), "pod-network-binding"),
    "migration": (migration("bad", PLAIN, "stuck"), "pvc-access-mode"),
}
# What KubeVirt's own webhooks refuse. In the place of a cluster migvet does so, too; beside KubeVirt it warns.
REFUSED = {
    "machine": (machine("odd", PLAIN, evictionStrategy="Migrate"),
                "spec.template.spec.evictionStrategy is set with an unrecognized option"),
    "migration": (migration("odd", PLAIN, "nobody"), "nobody"),
    "policy": (policy("odd", completionTimeoutPerGiB=-1), "must not be negative"),
}
# What it lets pass, and the rules that it warns about.
ALLOWED = {
    "machine": (machine("good", STRICT), []),
    "machine with a warning": (machine("good", PLAIN, binding="bridge"),
                               ["pod-network-binding", "eviction-strategy"]),
    "machine of the old version": (machine("good", STRICT, version="v1alpha3"), []),
    "instance": (instance("good", STRICT), []),
    "migration": (migration("good", PLAIN, "fine"), []),
    "policy": (policy("good", completionTimeoutPerGiB=10), ["policy-never-matches"]),
    "maintenance": (maintenance("good", "node-a"), ["maintenance-blocked"]),
    "maintenance of the old group": (maintenance("good", "node-a", "nodemaintenance.kubevirt.io"),
                                     ["maintenance-blocked"]),
}


@pytest.fixture(scope="module", name="hook", params=[(mode, by) for mode in MODES for by in ("url", "service")],
                ids="-".join)
def hook_fixture(request, cluster, logs, memory):
    """migvet, registered one way or the other, and in force."""
    mode, by = request.param
    cluster.put(*KNOWN)
    address = "127.0.0.1" if by == "url" else webhook.SERVICE_ADDRESS
    source = {"files": [*example_cluster(), *KNOWN]} if mode == "files" else {"kubeconfig": cluster.kubeconfig("admin")}
    name = f"webhook-{mode}-{by}"
    with webhook.Migvet(memory / name, logs, address=address, **source) as migvet:
        if by == "service":
            cluster.put(*webhook.service_objects(migvet.port))
        client = webhook.by_url(migvet) if by == "url" else webhook.by_service()
        cluster.put(webhook.registration(name, client, migvet.bundle()))
        in_force(cluster)
        yield migvet
        cluster.api.delete(f"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{name}")
        eventually(lambda: not denied(cluster, migration("canary", PLAIN, "stuck")), SECONDS, "the webhook is gone")
        # Without it everything can be deleted, and nothing is left for the next one.
        for obj, _ in ALLOWED.values():
            if cluster.api.find(path_of(cluster, obj)):
                cluster.api.delete(path_of(cluster, obj))
        if by == "service":
            for obj in webhook.service_objects(migvet.port):
                if cluster.api.find(path_of(cluster, obj)):
                    cluster.api.delete(path_of(cluster, obj))


def path_of(cluster, obj):
    return cluster.path_of(obj, obj["metadata"]["name"])


def denied(cluster, obj):
    """Whether a dry run is refused by the webhook."""
    try:
        cluster.api.post(f"{cluster.path_of(obj)}?dryRun=All", obj)
    except ApiError as error:
        return error.status in (400, 403, 422) and "denied the request" in str(error)
    return False


def in_force(cluster):
    """The API server learns of a webhook some time after it was registered."""
    eventually(lambda: denied(cluster, migration("canary", PLAIN, "stuck")), SECONDS, "the webhook is called")


def create(cluster, obj, *arguments, user="admin", expect=(0, 1)):
    done = cluster.kubectl("create", "-f", "-", *arguments, stdin=as_json(obj), user=user, expect=expect)
    warned = [line.removeprefix("Warning: ").split(":")[0] for line in done.stderr.splitlines()
              if line.startswith("Warning: ") and "is now deprecated" not in line]
    return done, warned


@pytest.mark.usefixtures("hook")
@pytest.mark.parametrize("name", DENIED)
def test_denied(cluster, name):
    obj, words = DENIED[name]
    for arguments in ([], ["--dry-run=server"]):
        done, _ = create(cluster, obj, *arguments, expect=(1,))
        # Of an Invalid status kubectl prints the causes alone.
        assert re.search(r'admission webhook "validate\.migvet\.io" denied the request|^The request is invalid: ',
                         done.stderr, re.MULTILINE) and words in done.stderr, done.stderr
    assert cluster.api.find(path_of(cluster, obj)) is None


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_kubevirt(cluster, hook, name):
    obj, words = REFUSED[name]
    done, warned = create(cluster, obj, "--dry-run=server")
    assert words in done.stderr
    assert (done.returncode, "admission" in warned) == ((1, False) if hook.files else (0, True)), done.stderr


@pytest.mark.usefixtures("hook")
@pytest.mark.parametrize("name", ALLOWED)
def test_allowed(cluster, name):
    obj, rules = ALLOWED[name]
    done, warned = create(cluster, obj, "--dry-run=server", expect=(0,))
    assert (warned, cluster.api.find(path_of(cluster, obj))) == (rules, None), done.stderr
    done, warned = create(cluster, obj, expect=(0,))
    assert warned == rules, done.stderr
    assert cluster.api.find(path_of(cluster, obj))
    cluster.kubectl("delete", "-f", "-", "--wait=false", stdin=as_json(obj))
    assert cluster.api.find(path_of(cluster, obj)) is None


@pytest.mark.usefixtures("hook")
def test_update(cluster):
    """What was good may not become bad; what is bad already may be mended, and labelled."""
    obj = machine("changed", STRICT)
    create(cluster, obj, expect=(0,))
    path = path_of(cluster, obj)
    try:
        cluster.api.merge(path, {"metadata": {"labels": {"some": "label"}}})
        bridge = machine("changed", STRICT, binding="bridge")["spec"]
        done = cluster.kubectl("-n", STRICT, "patch", "vm", "changed", "--type=merge", "-p",
                               json.dumps({"spec": bridge}), expect=(1,))
        assert "pod-network-binding" in done.stderr
        stored = cluster.api.get(path)
        assert stored["spec"] == obj["spec"] and stored["metadata"]["labels"] == {"some": "label"}
        cluster.api.merge(path, {"spec": {"template": {"spec": {"evictionStrategy": "None"}}}})
    finally:
        cluster.kubectl("-n", STRICT, "delete", "vm", "changed", "--wait=false")


@pytest.mark.usefixtures("hook")
def test_delete_is_never_denied(cluster):
    """Also what could not be created now."""
    cluster.etcd.put("kubevirt.io/virtualmachines", [machine("old", STRICT, binding="bridge")])
    done = cluster.kubectl("-n", STRICT, "delete", "vm", "old", "--wait=false")
    assert "deleted" in done.stdout
    assert cluster.api.find(f"/apis/kubevirt.io/v1/namespaces/{STRICT}/virtualmachines/old") is None


@pytest.mark.parametrize("vmi, words", [("fine", f'Eviction triggered evacuation of VMI "{PLAIN}/fine"'),
                                        ("stuck", "not live-migratable")])
def test_eviction(cluster, hook, vmi, words):
    """The client is told to try again, as `kubectl drain` does; on a live cluster KubeVirt says so, and migvet warns."""
    pod = f"virt-launcher-{vmi}"
    path, body = f"/api/v1/namespaces/{PLAIN}/pods/{pod}/eviction?dryRun=All", eviction(pod, PLAIN)
    if hook.files:
        with pytest.raises(ApiError) as error:
            cluster.api.post(path, body)
        assert error.value.status == 429 and words in str(error.value)
    else:
        _, headers = cluster.api.request("POST", path, body)
        assert words in " ".join(warnings_of(headers))


@pytest.mark.usefixtures("hook")
@pytest.mark.parametrize("arguments", [["--dry-run=server"], []], ids=["dry-run", "real"])
def test_stronger_label(cluster, arguments):
    """Who strengthens a level is told which VMs break it; nothing is refused."""
    def label(level):
        return cluster.kubectl("label", "ns", PLAIN, f"migvet.io/audit={level}", "--overwrite", *arguments).stderr
    try:
        assert label("declared") == \
            "Warning: migvet.io/audit: 2 of 3 VMs break level declared: vm/weak, vmi/stuck\n"
        assert not label("none")
    finally:
        cluster.api.merge(f"/api/v1/namespaces/{PLAIN}", {"metadata": {"labels": {"migvet.io/audit": None}}})


@pytest.mark.usefixtures("hook")
def test_every_user(cluster):
    """A person's migration is refused; KubeVirt's controllers get KubeVirt's answer, and never ours."""
    cluster.kubeconfig("jane", "system:masters")
    done, _ = create(cluster, migration("bad", PLAIN, "stuck"), user="jane", expect=(1,))
    assert "pvc-access-mode" in done.stderr
    account = "system:serviceaccount:kubevirt:kubevirt-controller"
    cluster.kubeconfig("controller", "system:masters", user=account)
    obj = machine("theirs", STRICT, binding="bridge")
    create(cluster, obj, user="controller", expect=(0,))
    cluster.api.delete(path_of(cluster, obj))


@pytest.mark.usefixtures("hook")
def test_many_at_once(cluster):
    """Under load every answer comes, is right, and has its warnings."""
    good = machine("many", PLAIN, binding="bridge")
    bad = migration("many", PLAIN, "stuck")
    paths = [f"{cluster.path_of(obj)}?dryRun=All" for obj in (good, bad)]

    def ask(number):
        try:
            _, headers = cluster.api.request("POST", paths[number % 2], (good, bad)[number % 2])
            return "allowed", [text.split(":")[0] for text in warnings_of(headers)]
        except ApiError as error:
            return "denied" if "denied the request" in str(error) else str(error), []

    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(400)))
    print(f"{len(answers) / (time.monotonic() - begun):.0f} creates a second through the API server, 16 at a time")
    expected = [("allowed", ["pod-network-binding", "eviction-strategy"]), ("denied", [])] * 200
    wrong = [pair for pair in zip(answers, expected) if pair[0] != pair[1]]
    assert not wrong, f"{len(wrong)}: {wrong[:3]}"


def test_counted(cluster, hook):
    """What the API server has sent is in the metrics."""
    before = total(hook)
    assert denied(cluster, migration("canary", PLAIN, "stuck"))
    assert total(hook) == before + 1


def total(migvet):
    return sum(value for series, value in migvet.metrics().items()
               if series.startswith("migvet_admission_reviews_total"))
