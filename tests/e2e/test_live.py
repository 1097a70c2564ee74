# SPDX-License-Identifier: Apache-2.0
"""migvet on a live cluster: what it knows, how soon, and what becomes of it when the API server, etcd or the line
between them fails. Everything twice: with an etcd that lists can be streamed from, and with one that cannot."""
import contextlib
import shutil
import statistics
import time

import pytest

from conftest import started
from harness import crds, objects, webhook
from harness.api import ApiError
from harness.cluster import MASTERS, Cluster
from harness.cut import Line
from harness.objects import claim, instance, machine, migration, namespace, review_of
from harness.processes import eventually

SECONDS = 30  # until a change is seen; it is milliseconds, unless something has just failed
LATE_SECONDS = 150  # until a kind is noticed that was not there
FAILED_SECONDS = 60  # until a server that was away is watched again
WHERE = "live"
QUICK = "quick"  # where nothing is asked of machines


@pytest.fixture(scope="module", name="own", params=["etcd", "etcd-3.4"])
def own_fixture(request, tools, logs, memory):
    """A control plane that these tests may break."""
    program = None if request.param == "etcd" else shutil.which("etcd")
    assert request.param == "etcd" or program, "etcd is missing (tests/deps.sh e2e)"
    name = f"live-{request.param}"
    cluster = started(Cluster(memory / name, logs / name, tools, etcd=program), name)
    try:
        cluster.create_kinds()
        cluster.put(*objects.example_cluster(), namespace(WHERE, enforce="migratable"))
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module", name="line")
def line_fixture(own):
    with contextlib.closing(Line(own.port)) as line:
        yield line


@pytest.fixture(scope="module", name="migvet")
def migvet_fixture(own, line, logs, memory):
    """migvet behind a line that can be cut."""
    config = own.kubeconfig("migvet", MASTERS, port=line.port)
    before = lists(own, "virtualmachines")
    with webhook.Migvet(memory / f"migvet-{own.directory.name}", logs, kubeconfig=config) as migvet:
        migvet.lists = lists(own, "virtualmachines") - before
        yield migvet


def lists(cluster, resource):
    """How often somebody has listed it, as the API server counts."""
    text = cluster.api.raw("GET", "/metrics")[2].decode()
    wanted = (f'resource="{resource}"', 'verb="LIST"')
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines()
               if line.startswith("apiserver_request_total{") and all(word in line for word in wanted))


def verdict(migvet, obj):
    return migvet.review(review_of(obj))["auditAnnotations"]["verdict"]


def rules_of(migvet, obj):
    response = migvet.review(review_of(obj))
    causes = response.get("status", {}).get("details", {}).get("causes", [])
    return [cause["reason"] for cause in causes]


def make(cluster, name, mode, where=WHERE):
    """A claim, and an instance that uses it. KubeVirt has not said yet whether that can move."""
    cluster.put(claim(name, where, mode), instance(name, where, claim=name))


def remove(cluster, name):
    cluster.remove(f"/api/v1/namespaces/{WHERE}/persistentvolumeclaims/{name}")
    cluster.remove(f"/apis/kubevirt.io/v1/namespaces/{WHERE}/virtualmachineinstances/{name}")


def sees(migvet, name, answer, seconds=SECONDS):
    """Wait until a machine with that claim is judged so: "True" or "False"."""
    obj = machine(f"with-{name}", WHERE, claim=name)
    return eventually(lambda: verdict(migvet, obj) == answer, seconds, f"{name} is judged {answer}", pause=0.005)


def is_gone(migvet, name, seconds=SECONDS):
    """Wait until a machine with that claim is told that there is none."""
    review = review_of(machine(f"with-{name}", WHERE, claim=name))
    words = f"{WHERE}/{name} does not exist"
    eventually(lambda: any(words in text for text in migvet.review(review).get("warnings", [])), seconds,
               f"{name} is gone", pause=0.005)


def test_first_list(own, migvet):
    """Streamed where the server can; listed where it cannot. Nothing of it is missing."""
    assert (migvet.lists > 0) == (own.etcd.program == shutil.which("etcd"))
    assert verdict(migvet, machine("new", "shop", claim="ledger")) == "False"
    assert verdict(migvet, machine("new", "shop")) == "True"
    status, text = migvet.health("/readyz?verbose")
    assert status == 200, text


def test_changes_are_seen(own, migvet):
    """Created, made new with another mode, and deleted; how long that takes."""
    took = []
    for count in range(10):
        mode, answer = [("ReadWriteOnce", "False"), ("ReadWriteMany", "True")][count % 2]
        own.put(claim("changing", WHERE, mode))
        begun = time.monotonic()
        sees(migvet, "changing", answer)
        took.append(time.monotonic() - begun)
        remove(own, "changing")
        is_gone(migvet, "changing")
    print(f"a change is seen after {1000 * statistics.median(took):.0f} ms (median of 10)")


def test_apiserver_dies(own, migvet):
    """Answers come from what is known, at once; and what happens when it is back is seen."""
    make(own, "before", "ReadWriteOnce")
    sees(migvet, "before", "False")
    own.apiserver.kill()
    for _ in range(20):
        begun = time.monotonic()
        assert verdict(migvet, machine("m", WHERE, claim="before")) == "False"
        assert time.monotonic() - begun < 2
    own.start_apiserver()
    catches_up(own, migvet, "the API server was back")


def catches_up(cluster, migvet, since):
    """What comes is seen, asked for or watched; and that something went can only be seen by watching."""
    begun = time.monotonic()
    make(cluster, "after", "ReadWriteOnce")
    remove(cluster, "before")
    sees(migvet, "after", "False", FAILED_SECONDS)
    is_gone(migvet, "before", FAILED_SECONDS)
    print(f"watched again {time.monotonic() - begun:.1f} s after {since}")
    remove(cluster, "after")


def test_etcd_dies(own, migvet):
    make(own, "before", "ReadWriteOnce")
    sees(migvet, "before", "False")
    own.etcd.process.kill()
    assert verdict(migvet, machine("m", WHERE, claim="before")) == "False"
    own.etcd.start()
    own.wait_for_apiserver()
    eventually(lambda: attempt(own, claim("after", WHERE, "ReadWriteOnce")), FAILED_SECONDS, "etcd takes writes again")
    catches_up(own, migvet, "etcd was back")


def attempt(cluster, obj):
    try:
        cluster.put(obj)
    except (ApiError, OSError):
        return False
    return True


def test_history_is_lost(own, line, migvet):
    """While the line is cut things come and go, and the server forgets how. Nothing stale stays, nothing is missed."""
    make(own, "goes", "ReadWriteOnce")
    make(own, "stays", "ReadWriteOnce")
    sees(migvet, "goes", "False")
    sees(migvet, "stays", "False")
    line.cut()
    remove(own, "goes")
    make(own, "comes", "ReadWriteOnce")
    own.etcd.compact()
    own.apiserver.kill()
    own.start_apiserver()
    line.mend()
    begun = time.monotonic()
    sees(migvet, "comes", "False", FAILED_SECONDS)
    is_gone(migvet, "goes", FAILED_SECONDS)
    print(f"listed anew {time.monotonic() - begun:.1f} s after the line was mended")
    assert rules_of(migvet, machine("m", WHERE, claim="stays")) == ["pvc-access-mode"]
    for name in ("comes", "stays"):
        remove(own, name)


def test_line_is_cut(own, line, migvet):
    """Again and again, in the middle of changes: in the end it knows what is there."""
    for count in range(5):
        own.put(claim(f"cut-{count}", WHERE, "ReadWriteOnce"))
        line.cut()
        own.put(claim(f"later-{count}", WHERE, "ReadWriteOnce"))
        line.mend()
    names = [f"{word}-{count}" for count in range(5) for word in ("cut", "later")]
    for name in names:
        sees(migvet, name, "False", FAILED_SECONDS)
        remove(own, name)
    for name in names:
        is_gone(migvet, name, FAILED_SECONDS)


def test_made_just_before(own, migvet):
    """An instance, and at once its migration, through the API server: never judged by a cache that is behind."""
    migrations = [(["CREATE"], "Namespaced", "kubevirt.io", ["v1"], ["virtualmachineinstancemigrations"])]
    own.put(webhook.registration("just-before", webhook.by_url(migvet), migvet.bundle(), reviewed=migrations))
    try:
        make(own, "canary", "ReadWriteOnce", QUICK)
        eventually(lambda: asked(own, "canary")[0] != "allowed", SECONDS, "the webhook is called")
        wrong = []
        for count in range(50):
            name = f"quick-{count}"
            good = count % 2 == 0
            make(own, name, "ReadWriteMany" if good else "ReadWriteOnce", QUICK)
            answer, text = asked(own, name)
            if answer != ("allowed" if good else "denied") or not good and "pvc-access-mode" not in text:
                wrong.append((name, answer, text))
        assert not wrong
    finally:
        own.api.delete("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/just-before")


def test_a_controller_asks(own, logs, memory):
    """About an instance that it has just made: the watch need not have brought it yet, nor its claim."""
    directory = memory / f"asked-{own.directory.name}"
    directory.mkdir()
    (directory / "token").write_text("of-the-mover\n", encoding="utf-8")
    (directory / "config.yaml").write_text(
        "apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\n"
        f"verdicts: {{enabled: true, tokenFile: {directory / 'token'}}}\n", encoding="utf-8")
    with webhook.Migvet(directory / "migvet", logs, "--config", directory / "config.yaml",
                        kubeconfig=own.kubeconfig("admin")) as migvet:
        own.put(namespace(QUICK))
        for count in range(20):
            name, good = f"asked-{count}", count % 2 == 0
            make(own, name, "ReadWriteMany" if good else "ReadWriteOnce", QUICK)
            status, verdict_ = migvet.ask("VirtualMachineInstance", QUICK, name, "of-the-mover")
            assert (status, verdict_["migratable"]) == (200, "True" if good else "False"), verdict_
            assert [f["rule"] for f in verdict_["findings"] if f["severity"] == "blocker"] == ([] if good else ["pvc-access-mode"])
        status, answer = migvet.ask("VirtualMachineInstance", QUICK, "nobody", "of-the-mover")
        assert (status, answer["message"]) == (404, f"VirtualMachineInstance {QUICK}/nobody does not exist")
        assert migvet.ask("VirtualMachineInstance", QUICK, "asked-0", "of-somebody")[0] == 401


def asked(cluster, vmi):
    try:
        cluster.api.post(f"/apis/kubevirt.io/v1/namespaces/{QUICK}/virtualmachineinstancemigrations?dryRun=All",
                         migration(f"move-{vmi}", QUICK, vmi))
    except ApiError as error:
        return ("denied" if error.status in (400, 403, 422) else "failed"), str(error)
    return "allowed", ""


def test_kinds_that_come_late(tools, logs, memory):
    """Without any custom resource it is ready; as they are installed it knows them."""
    cluster = started(Cluster(memory / "late", logs / "late", tools), "late")
    try:
        with webhook.Migvet(memory / "migvet-late", logs, kubeconfig=cluster.kubeconfig("admin")) as migvet:
            cluster.create_kinds()
            begun = time.monotonic()
            cluster.put(namespace(WHERE), namespace("kubevirt"),
                        *(obj for obj in objects.example_cluster() if obj["kind"] == "KubeVirt"))
            cluster.put(instance("fine", WHERE, migratable=True))
            eventually(lambda: migvet.review(review_of(migration("m", WHERE, "fine")))["allowed"], LATE_SECONDS,
                       "the instance is known", pause=0.2)
            cluster.put(claim("rwo", WHERE, "ReadWriteOnce"), instance("stuck", WHERE, claim="rwo"))
            eventually(lambda: "pvc-access-mode" in rules_of(migvet, migration("m", WHERE, "stuck")), LATE_SECONDS,
                       "the second is known", pause=0.2)
            print(f"new kinds are known after {time.monotonic() - begun:.1f} s")
            # And when they are taken away again there is none.
            cluster.api.delete(f"{crds.PATH}/virtualmachineinstancemigrations.kubevirt.io")
            eventually(lambda: migvet.ready(), SECONDS, "it stays ready")
    finally:
        cluster.stop()
