# SPDX-License-Identifier: Apache-2.0
"""The audit on a live cluster: what is told of verdicts that the cluster changes, in Events and reports, and by whom."""
import json
import time

import pytest

from conftest import example
from harness import crds, webhook
from harness.objects import claim, instance, machine, migration, namespace, review_of
from harness.processes import eventually

SECONDS = 30
LEASE_SECONDS = 60
OPENREPORTS, WGPOLICY = "openreports.io/v1alpha1", "wgpolicyk8s.io/v1alpha2"
PLURALS = {OPENREPORTS: "reports", WGPOLICY: "policyreports"}
OURS = {"app.kubernetes.io/managed-by": "migvet"}


def configuration(directory, api=OPENREPORTS, interval="2s"):
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "config.yaml"
    path.write_text("apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\n"
                    f"audit: {{interval: {interval}}}\nreports: {{api: {api}}}\n", encoding="utf-8")
    return path


def serving(cluster, logs, memory, name, *arguments, **settings):
    config = configuration(memory / f"{name}-config", **settings)
    return webhook.Migvet(memory / name, logs, "--config", config, "--log-level", "debug", *arguments,
                          kubeconfig=cluster.kubeconfig("admin", "system:masters"))


@pytest.fixture(scope="module", name="cluster")
def cluster_fixture(tools, logs, memory):
    """One of its own: what is left in it would be judged, and reported on, in other tests."""
    with example(tools, logs, memory, "audited") as cluster:
        yield cluster


@pytest.fixture(scope="module", name="migvet")
def migvet_fixture(cluster, logs, memory):
    with serving(cluster, logs, memory, "audit") as migvet:
        audited(migvet)
        yield migvet


def audited(migvet):
    """Wait until everything was judged once more, and what waited for a report, too."""
    key = 'migvet_audit_rounds_total{round="all"}'
    before = migvet.metrics().get(key, 0)
    eventually(lambda: migvet.metrics().get(key, 0) >= before + 2, SECONDS, "everything is judged once more")


def report_of(cluster, where, api=OPENREPORTS):
    return cluster.api.find(f"/apis/{api}/namespaces/{where}/{PLURALS[api]}/migvet")


def results_of(cluster, where, name, api=OPENREPORTS):
    report = report_of(cluster, where, api) or {"results": []}
    return {(result["rule"], result["result"]) for result in report["results"]
            if result["resources"][0]["name"] == name}


def events_of(cluster, where, name, reason):
    items = cluster.api.get(f"/apis/events.k8s.io/v1/namespaces/{where}/events")["items"]
    return [item for item in items if item["regarding"]["name"] == name and item["reason"] == reason]


def event_of(cluster, where, name, reason):
    return eventually(lambda: events_of(cluster, where, name, reason), SECONDS, f"{reason} of {name}")[0]


def profile(name, mode):
    return {"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "StorageProfile", "metadata": {"name": name}, "spec": {},
            "status": {"storageClass": name, "claimPropertySets": [{"accessModes": [mode], "volumeMode": "Block"}]}}


def on_profile(name, where, storage):
    """A machine whose volume gets the access mode that the profile of its class says."""
    vm = machine(name, where)
    vm["spec"]["dataVolumeTemplates"] = [{
        "metadata": {"name": "root"},
        "spec": {"source": {"blank": {}},
                 "storage": {"storageClassName": storage, "resources": {"requests": {"storage": "1Gi"}}}}}]
    spec = vm["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "root", "dataVolume": {"name": "root"}}]
    spec["domain"]["devices"]["disks"] = [{"name": "root", "disk": {"bus": "virtio"}}]
    return vm


def storage_class(name):
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
            "provisioner": "example.com/none"}


def test_profile_is_edited(cluster, migvet):
    where = "audit-profile"
    cluster.put(storage_class("turning"), profile("turning", "ReadWriteMany"), namespace(where),
                on_profile("db", where, "turning"), machine("web", where))
    eventually(lambda: results_of(cluster, where, "db") == {("live-migration", "pass")}, SECONDS, "db passes")
    report = report_of(cluster, where)
    assert report["metadata"]["labels"] == OURS and report["source"] == "migvet"
    assert report["summary"] == {"pass": 2, "fail": 0, "warn": 0, "error": 0, "skip": 0}
    cluster.put(profile("turning", "ReadWriteOnce"))
    event = event_of(cluster, where, "db", "NotLiveMigratable")
    assert event["type"] == "Warning" and event["reportingController"] == "migvet.io/controller"
    assert event["regarding"]["kind"] == "VirtualMachine" and event["regarding"]["uid"]
    assert "since StorageProfile turning was changed" in event["note"] and "pvc-access-mode" in event["note"]
    eventually(lambda: ("pvc-access-mode", "fail") in results_of(cluster, where, "db"), SECONDS, "db fails")
    assert results_of(cluster, where, "web") == {("live-migration", "pass")}
    report = report_of(cluster, where)
    assert report["summary"]["fail"] == 1 and report["results"][0]["severity"] == "high"
    cluster.put(profile("turning", "ReadWriteMany"))
    event = event_of(cluster, where, "db", "LiveMigratableAgain")
    assert event["type"] == "Normal" and "StorageProfile turning was changed" in event["note"]
    eventually(lambda: results_of(cluster, where, "db") == {("live-migration", "pass")}, SECONDS, "db passes again")
    # Who was not concerned, nobody is told of.
    assert not [item for item in cluster.api.get(f"/apis/events.k8s.io/v1/namespaces/{where}/events")["items"]
                if item["regarding"]["name"] == "web"]
    assert '"msg":"a verdict has changed"' in migvet.process.log.read_text(encoding="utf-8")


def test_claim_goes(cluster, migvet):
    where = "audit-claim"
    cluster.put(namespace(where), claim("data", where), machine("db", where, claim="data"))
    eventually(lambda: results_of(cluster, where, "db") == {("live-migration", "pass")}, SECONDS, "db passes")
    cluster.remove(f"/api/v1/namespaces/{where}/persistentvolumeclaims/data")
    event = event_of(cluster, where, "db", "LiveMigratabilityUnknown")
    assert f"since PersistentVolumeClaim {where}/data was removed" in event["note"]
    eventually(lambda: ("pvc-access-mode", "error") in results_of(cluster, where, "db"), SECONDS, "db is unknown")
    eventually(lambda: migvet.metrics()['migvet_audit_changes_total{verdict="Unknown"}'] >= 1, SECONDS, "it is counted")


def test_nothing_is_written_when_nothing_changed(cluster, migvet):
    where = "audit-quiet"
    cluster.put(namespace(where), claim("rwo", where, "ReadWriteOnce"), machine("a", where, claim="rwo"),
                machine("b", where))
    eventually(lambda: results_of(cluster, where, "b"), SECONDS, "there is a report")
    audited(migvet)
    version = report_of(cluster, where)["metadata"]["resourceVersion"]
    written = migvet.metrics()['migvet_reports_total{result="written"}']
    audited(migvet)
    assert report_of(cluster, where)["metadata"]["resourceVersion"] == version
    assert migvet.metrics()['migvet_reports_total{result="written"}'] == written
    # What somebody else makes of it is put right.
    path = f"/apis/{OPENREPORTS}/namespaces/{where}/reports/migvet"
    cluster.api.merge(path, {"results": [], "summary": {"fail": 0}})
    eventually(lambda: report_of(cluster, where)["summary"]["fail"] == 1 and results_of(cluster, where, "b"),
               SECONDS, "the report is right again")
    cluster.api.delete(path)
    eventually(lambda: results_of(cluster, where, "b"), SECONDS, "the report is there again")


def test_namespace_becomes_empty(cluster, migvet):
    where = "audit-empty"
    cluster.put(namespace(where), machine("a", where))
    eventually(lambda: report_of(cluster, where), SECONDS, "there is a report")
    cluster.remove(f"/apis/kubevirt.io/v1/namespaces/{where}/virtualmachines/a")
    eventually(lambda: not report_of(cluster, where), SECONDS, "the report is gone")
    # One that was left behind by somebody who ended goes, too; what is not ours stays.
    stray = {"apiVersion": OPENREPORTS, "kind": "Report", "metadata": {"name": "migvet", "labels": OURS}}
    cluster.put({**stray, "metadata": {**stray["metadata"], "namespace": where}})
    other = {**stray, "metadata": {"name": "migvet", "namespace": "audit-foreign"}, "source": "somebody"}
    cluster.put(other, machine("a", "audit-foreign"))
    eventually(lambda: not report_of(cluster, where), SECONDS, "the stray report is gone")
    audited(migvet)
    assert report_of(cluster, "audit-foreign")["source"] == "somebody"
    assert "somebody else's" in migvet.process.log.read_text(encoding="utf-8")


def test_migration_is_refused(cluster, migvet):
    where = "audit-refused"
    cluster.put(namespace(where), claim("rwo", where, "ReadWriteOnce"), instance("db", where, claim="rwo"))
    uid = cluster.api.get(f"/apis/kubevirt.io/v1/namespaces/{where}/virtualmachineinstances/db")["metadata"]["uid"]
    review = review_of(migration("move", where, "db"))
    dry = {**review, "request": {**review["request"], "dryRun": True}}
    for _ in range(3):
        assert not eventually(lambda: migvet.review(dry), SECONDS, "it is refused")["allowed"]
    time.sleep(1)
    assert not events_of(cluster, where, "db", "MigrationRefused")
    for _ in range(3):
        assert not migvet.review(review)["allowed"]
    event = event_of(cluster, where, "db", "MigrationRefused")
    assert event["regarding"]["kind"] == "VirtualMachineInstance" and event["regarding"]["uid"] == uid
    assert "move" in event["note"] and "rwo" in event["note"] and event["type"] == "Warning"
    # What is the same is counted, and written minutes later.
    time.sleep(2)
    assert len(events_of(cluster, where, "db", "MigrationRefused")) == 1
    assert migvet.metrics()["migvet_events_waiting"] >= 1


def refuser(where):
    """A webhook that nobody serves: what it is asked about in that namespace the API server answers 500."""
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": where},
            "webhooks": [{"name": "nobody.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                          "failurePolicy": "Fail", "clientConfig": {"url": "https://127.0.0.1:1/"},
                          "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": where}},
                          "rules": [{"apiGroups": ["openreports.io", "events.k8s.io"], "apiVersions": ["*"],
                                     "resources": ["reports", "events"], "operations": ["CREATE"]}]}]}


def test_one_namespace_fails(cluster, migvet):
    """What cannot be written into one namespace keeps nothing from those that sort behind it."""
    bad, good = "audit-a-bad", "audit-b-good"
    cluster.put(refuser(bad))
    try:
        time.sleep(2)  # until the API server asks it
        for where in (bad, good):
            cluster.put(namespace(where), claim("rwo", where, "ReadWriteMany"), machine("a", where, claim="rwo"))
        eventually(lambda: results_of(cluster, good, "a"), SECONDS, "the other has its report")
        audited(migvet)
        assert not report_of(cluster, bad)
        for where in (bad, good):
            cluster.remove(f"/api/v1/namespaces/{where}/persistentvolumeclaims/rwo")
        event_of(cluster, good, "a", "LiveMigratabilityUnknown")
        eventually(lambda: migvet.metrics()['migvet_events_total{result="failed"}'], SECONDS, "one has failed")
        audited(migvet)
    finally:
        cluster.api.delete(f"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{bad}")
    eventually(lambda: results_of(cluster, bad, "a"), SECONDS, "it has its report, too")


def test_other_api(cluster, logs, memory):
    where = "audit-older"
    cluster.put(namespace(where), claim("rwo", where, "ReadWriteOnce"), machine("a", where, claim="rwo"))
    with serving(cluster, logs, memory, "audit-older", api=WGPOLICY) as migvet:
        eventually(lambda: ("pvc-access-mode", "fail") in results_of(cluster, where, "a", WGPOLICY), SECONDS,
                   "there is a PolicyReport")
        report = report_of(cluster, where, WGPOLICY)
        assert report["kind"] == "PolicyReport" and report["summary"]["fail"] == 1
        audited(migvet)
        assert report_of(cluster, where, WGPOLICY)["metadata"]["resourceVersion"] == \
            report["metadata"]["resourceVersion"]
        cluster.remove(f"/apis/kubevirt.io/v1/namespaces/{where}/virtualmachines/a")
        eventually(lambda: not report_of(cluster, where, WGPOLICY), SECONDS, "the report is gone")


def test_api_is_reloaded(cluster, logs, memory):
    """Another API is taken up at once, long before everything is judged again."""
    where = "audit-reloaded"
    cluster.put(namespace(where), machine("a", where))
    with serving(cluster, logs, memory, "audit-reloaded", interval="1h"):
        eventually(lambda: results_of(cluster, where, "a"), SECONDS, "there is a report")
        assert not report_of(cluster, where, WGPOLICY)
        configuration(memory / "audit-reloaded-config", api=WGPOLICY, interval="1h")
        eventually(lambda: results_of(cluster, where, "a", WGPOLICY), SECONDS, "there is one of the other API")


def test_api_comes_later(cluster, logs, memory):
    where = "audit-later"
    name = "policyreports.wgpolicyk8s.io"
    definition = next(one for one in crds.definitions() if one["metadata"]["name"] == name)
    cluster.put(namespace(where), machine("a", where))
    cluster.api.delete(f"{crds.PATH}/{name}")
    eventually(lambda: not cluster.api.find(f"{crds.PATH}/{name}"), SECONDS, "the kind is gone")
    try:
        with serving(cluster, logs, memory, "audit-later", api=WGPOLICY, interval="1h") as migvet:
            eventually(lambda: migvet.metrics().get("migvet_reports_api_absent"), SECONDS, "it is said to be absent")
            assert migvet.health("/readyz")[0] == 200
            cluster.create_kinds([definition])
            eventually(lambda: results_of(cluster, where, "a", WGPOLICY), 2 * SECONDS, "there is a report")
            eventually(lambda: not migvet.metrics()["migvet_reports_api_absent"], SECONDS, "it is not absent")
    finally:
        cluster.create_kinds([definition])


def test_same_as_check(cluster, migvet):
    """Of each object that `check -A` judges on the live cluster the reports say what it finds, and of no other."""
    where = "audit-same"
    cluster.put(namespace(where), claim("rwo", where, "ReadWriteOnce"), machine("stuck", where, claim="rwo"),
                machine("lost", where, claim="missing"), machine("fine", where), instance("alone", where),
                instance("bridged", where, binding="bridge"), migration("moves", where, "alone"))
    eventually(lambda: results_of(cluster, where, "stuck"), SECONDS, "there is a report")
    audited(migvet)
    listed = json.loads(cluster.run(webhook.program(), "check", "-A", "-o", "json", expect=(0, 1)).stdout)["items"]
    assert len(listed) > 8

    def reported():
        reports = cluster.api.get(f"/apis/{OPENREPORTS}/reports")["items"]
        return sorted((result["resources"][0]["namespace"], result["resources"][0]["kind"],
                       result["resources"][0]["name"], result["rule"], result["message"])
                      for report in reports if report["metadata"].get("labels") == OURS
                      for result in report["results"] if result["result"] != "pass")

    def checked():
        return sorted((verdict["subject"]["namespace"], verdict["subject"]["kind"], verdict["subject"]["name"],
                       finding["rule"], finding["message"])
                      for verdict in listed if verdict["subject"]["namespace"] != "audit-foreign"
                      for finding in verdict["findings"] if finding["severity"] != "note")

    eventually(lambda: reported() == checked(), SECONDS, "both say the same")
    passed = {verdict["subject"]["name"] for verdict in listed if verdict["subject"]["namespace"] == where
              and not [f for f in verdict["findings"] if f["severity"] != "note"]}
    assert {name for name in ("stuck", "lost", "fine", "alone", "bridged", "moves")
            if results_of(cluster, where, name) == {("live-migration", "pass")}} == passed


def told_by(cluster, where, name, reason):
    """Which of the two replicas has told of it. (A third one, of the other tests, has no part in the Lease.)"""
    return [event["reportingInstance"] for event in events_of(cluster, where, name, reason)
            if event["reportingInstance"] in ("a", "b")]


def test_only_the_leader(cluster, logs, memory):
    where = "audit-leader"
    flags = ("--webhook-configuration", "audit-none", "--lease", "audit", "--lease-duration", "4s")
    replicas = {name: serving(cluster, logs, memory, f"audit-{name}", *flags, "--identity", name, api=WGPOLICY)
                for name in "ab"}
    rounds = 'migvet_audit_rounds_total{round="all"}'
    cluster.put(storage_class("leading"), profile("leading", "ReadWriteMany"), namespace(where),
                namespace(webhook.NAMESPACE), on_profile("db", where, "leading"))
    passes = {("live-migration", "pass")}
    try:
        for replica in replicas.values():
            replica.start(ready=False)
        leader = eventually(lambda: next((name for name in "ab" if audits(replicas[name])), None), LEASE_SECONDS,
                            "one leads and has audited")
        other = "b" if leader == "a" else "a"
        eventually(lambda: results_of(cluster, where, "db", WGPOLICY) == passes, SECONDS, "db passes")
        cluster.put(profile("leading", "ReadWriteOnce"))
        eventually(lambda: told_by(cluster, where, "db", "NotLiveMigratable"), SECONDS, "it is told of")
        time.sleep(3)
        assert told_by(cluster, where, "db", "NotLiveMigratable") == [leader]
        metrics = replicas[other].metrics()
        assert metrics[rounds] == 0 and "migvet_audit_duration_seconds" not in metrics
        # The other goes on where the leader ended.
        replicas[leader].process.kill()
        eventually(lambda: audits(replicas[other]), LEASE_SECONDS, "the other leads")
        cluster.put(profile("leading", "ReadWriteMany"))
        eventually(lambda: told_by(cluster, where, "db", "LiveMigratableAgain") == [other], SECONDS, "it is told of")
        eventually(lambda: results_of(cluster, where, "db", WGPOLICY) == passes, SECONDS, "db passes again")
    finally:
        for replica in replicas.values():
            replica.process.kill()


def audits(replica):
    replica.process.check()
    try:
        metrics = replica.metrics()
    except OSError:
        return False
    return metrics.get("migvet_leader") == 1 and metrics['migvet_audit_rounds_total{round="all"}'] > 0
