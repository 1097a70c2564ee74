# SPDX-License-Identifier: Apache-2.0
"""The audit of `serve` on files: it judges what `check` judges, with the same results, and says what has changed and why."""
import json
import time

import pytest
import yaml

from fake_api import FakeApi
from support import Server, cluster, eventually, instance, instance_spec, machine, migration, namespace_of, put

SECONDS = 30
LARGE = 500  # objects; more than one slice


def configuration(directory, text="audit: {interval: 1s}\n"):
    path = directory / "config.yaml"
    path.write_text("apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\n" + text, encoding="utf-8")
    return path


def serving(migvet, directory, files):
    return Server(migvet.path, "-f", files, "--config", directory / "config.yaml", "--log-level", "debug",
                  certs=directory / "certs")


def claim(name, mode, namespace="shop"):
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": namespace},
            "spec": {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}}}


def with_claim(name, claim_name, namespace="shop"):
    vm = machine(name, namespace)
    vm["spec"]["template"]["spec"].setdefault("volumes", []).append(
        {"name": "more", "persistentVolumeClaim": {"claimName": claim_name}})
    return vm


def owned(name, namespace, vm):
    vmi = instance(name, namespace)
    vmi["metadata"]["ownerReferences"] = [{"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": vm,
                                           "uid": "u", "controller": True}]
    return vmi


def everything():
    """Objects of all kinds that are judged, and some that are not: an instance of a VM, a migration that has ended."""
    ended = migration("alone", "shop", "ended")
    ended["status"] = {"phase": "Succeeded"}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": instance_spec("bridge")}
    pool = {"apiVersion": "pool.kubevirt.io/v1beta1", "kind": "VirtualMachinePool",
            "metadata": {"name": "pool", "namespace": "shop"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"a": "b"}},
                     "virtualMachineTemplate": {"metadata": {"labels": {"a": "b"}},
                                                "spec": {"runStrategy": "Always", "template": template}}}}
    replicas = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceReplicaSet",
                "metadata": {"name": "replicas", "namespace": "shop"},
                "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}}
    return [machine("fine", "shop"), with_claim("stuck", "rwo"), with_claim("lost", "missing"),
            claim("rwo", "ReadWriteOnce"), owned("fine", "shop", "fine"), instance("alone", "shop"),
            instance("bridged", "other", instance_spec("bridge")), migration("alone", "shop", "moves"), ended, pool,
            replicas, namespace_of("other")]


def found_by(server):
    """What the first audit said of each object."""
    eventually(lambda: server.events("audited"), SECONDS, "everything is judged")
    judged = [event for event in server.events("judged")]
    first = {}
    for event in judged:
        first.setdefault((event["namespace"], event["kind"], event["name"]),
                         (event["verdict"], {rule for rule in event["rules"].split(",") if rule}))
    return first


def found_by_check(migvet, files):
    return {(verdict["subject"]["namespace"], verdict["subject"]["kind"], verdict["subject"]["name"]):
            (verdict["migratable"], {finding["rule"] for finding in verdict["findings"]})
            for verdict in migvet.verdicts("-f", files)}


def test_same_as_check(migvet, tmp_path):
    configuration(tmp_path)
    files = cluster(tmp_path / "cluster", *everything())
    with serving(migvet, tmp_path, files) as server:
        audit, check = found_by(server), found_by_check(migvet, files)
        assert audit == check
        assert {key[1] for key in audit} == {"VirtualMachine", "VirtualMachineInstance", "VirtualMachinePool",
                                             "VirtualMachineInstanceMigration", "VirtualMachineInstanceReplicaSet"}
        assert {value[0] for value in audit.values()} == {"True", "False", "Unknown"}
        metrics = server.metrics()
        for word in ("True", "False", "Unknown"):
            assert metrics[f'migvet_audit_subjects{{verdict="{word}"}}'] == \
                sum(value[0] == word for value in check.values())
        assert metrics['migvet_audit_findings{rule="pvc-access-mode"}'] == \
            sum("pvc-access-mode" in value[1] for value in check.values())
        assert (metrics["migvet_audit_interval_seconds"], metrics["migvet_audit_incomplete"]) == (1, 0)
        assert metrics["migvet_audit_last_run_timestamp_seconds"] == pytest.approx(time.time(), abs=60)


def site_rule(name, claim_name):
    return (f"- {{name: {name}, kinds: [VirtualMachine], message: m, fix: f,\n   "
            f"pattern: {claim_name}|ledger|tapes, "
            "field: 'spec.template.spec.volumes[*].persistentVolumeClaim.claimName', absent: pass}\n")


def test_rules_of_the_site_are_counted(migvet, tmp_path):
    """Each for itself, as the configuration that is in force names them."""
    configuration(tmp_path, "siteRules:\n" + site_rule("only-data", "data") + site_rule("only-other", "other"))
    files = cluster(tmp_path / "cluster", with_claim("a", "data"), with_claim("b", "data"), with_claim("c", "other"))

    def counted(server):
        found = {key[len('migvet_audit_findings{rule="'):-2]: value for key, value in server.metrics().items()
                 if key.startswith('migvet_audit_findings{rule="only-')}
        return found or None

    with serving(migvet, tmp_path, files) as server:
        _, counts = eventually(lambda: counted(server), SECONDS, "they are counted")
        assert counts == {"only-data": 1, "only-other": 2}
        configuration(tmp_path, "siteRules:\n" + site_rule("only-third", "third") + site_rule("only-other", "other"))
        eventually(lambda: counted(server) == {"only-third": 3, "only-other": 2}, SECONDS, "the new ones are counted")


def listing(*items):
    """An answer to requests for the objects of a kind, in which nothing happens."""
    def answer(h):
        if "sendInitialEvents" in h.query:
            h.answer_status(422, "sendInitialEvents is forbidden for watch")
        elif "watch" in h.query:
            h.begin_stream()
            h.wait_for_client()
        else:
            h.answer(200, {"kind": "List", "metadata": {"resourceVersion": "7"}, "items": items})
    return answer


@pytest.fixture(name="api")
def api_fixture(tmp_path):
    """An API server with few kinds and no objects."""
    (tmp_path / "api").mkdir()
    with FakeApi(tmp_path / "api") as api:
        api.route("/old/apis/kubevirt.io/v1/virtualmachines", listing())
        for version in ("v1alpha1", "v1beta1"):
            api.route(f"/old/apis/pool.kubevirt.io/{version}/virtualmachinepools", listing())
        api.route("/old/api/v1/persistentvolumeclaims", listing())
        api.old = api.kubeconfig(cluster={"server": f"https://127.0.0.1:{api.port}/old"})
        yield api


def test_what_cannot_be_read_is_said(migvet, tmp_path, api):
    """An object of a live cluster that has a wrong type is not judged, and that is no secret."""
    fine = with_claim("fine", "data")
    fine["metadata"].update(uid="1", resourceVersion="1")
    broken = {"metadata": {"name": "broken", "namespace": "shop", "uid": "2", "resourceVersion": "2", "labels": 7}}

    api.route("/old/apis/kubevirt.io/v1/virtualmachines", listing(fine, broken))
    with Server(migvet.path, "--kubeconfig", api.old, certs=tmp_path / "certs") as server:
        eventually(lambda: server.events("objects that cannot be read are not judged"), SECONDS, "the line")
        assert server.events("objects that cannot be read are not judged")[0]["kinds"] == "VirtualMachine"
        assert server.metrics()["migvet_audit_incomplete"] == 1
        assert sum(server.metrics()[f'migvet_audit_subjects{{verdict="{word}"}}']
                   for word in ("True", "False", "Unknown")) == 1


def test_a_first_judgement_that_does_not_end(migvet, tmp_path, api):
    """The metrics that the alert looks at are there: it is told since when there should be one."""
    api.route("/old/apis/kubevirt.io/v1/virtualmachines", lambda h: h.answer_status(500, "no"))
    configuration(tmp_path, "audit: {interval: 1s}\n")
    with Server(migvet.path, "--kubeconfig", api.old, "--config", tmp_path / "config.yaml", certs=tmp_path / "certs") as server:
        eventually(lambda: "migvet_audit_last_run_timestamp_seconds" in server.metrics(), SECONDS, "the metric")
        first = server.metrics()["migvet_audit_last_run_timestamp_seconds"]
        assert first == pytest.approx(time.time(), abs=SECONDS)
        time.sleep(2.5)
        metrics = server.metrics()
        assert metrics["migvet_audit_last_run_timestamp_seconds"] == first
        assert metrics["migvet_audit_interval_seconds"] == 1
        assert metrics['migvet_audit_rounds_total{round="all"}'] == 0
        assert "migvet_audit_duration_seconds" not in metrics


class Reports:
    """Reports of one API, by namespace."""

    def __init__(self, api, group, plural, *namespaces):
        self.items, self.deleted, self.conflicts, self.listed = set(namespaces), [], 0, 0
        self.base = f"/old/apis/{group}"
        api.route(f"{self.base}/{plural}", self.all)
        for namespace in namespaces:
            api.route(f"{self.base}/namespaces/{namespace}/{plural}/migvet", self.one)

    @staticmethod
    def made(namespace):
        return {"metadata": {"name": "migvet", "namespace": namespace, "resourceVersion": "5",
                             "labels": {"app.kubernetes.io/managed-by": "migvet"}}}

    def all(self, h):
        assert "managed-by%3Dmigvet" in h.path
        h.answer(200, {"kind": "List", "metadata": {"resourceVersion": "7"},
                       "items": [self.made(namespace) for namespace in sorted(self.items)]})
        self.listed += 1

    def one(self, h):
        namespace = h.route.split("/")[-3]
        if h.command == "DELETE":
            assert json.loads(h.body)["preconditions"] == {"resourceVersion": "5"}
            if self.conflicts:
                self.conflicts -= 1
                h.answer_status(409, "changed")
                return
            self.items.discard(namespace)
            self.deleted.append(namespace)
            h.answer(200, {"kind": "Status", "status": "Success"})
        else:
            h.answer(200, self.made(namespace))


OPEN = "audit: {interval: 1s}\nreports: {api: openreports.io/v1alpha1}\n"
NONE = "audit: {interval: 1s}\nreports: {api: none}\n"
TIDIED = "reports of an API that is not in use any more are deleted"


def auditing(migvet, tmp_path, api, text):
    configuration(tmp_path, text)
    return Server(migvet.path, "--kubeconfig", api.old, "--config", tmp_path / "config.yaml", certs=tmp_path / "certs")


def rounds(server, more=3):
    """Until everything was judged so many times again."""
    wanted = len(server.events("audited")) + more
    eventually(lambda: len(server.events("audited")) >= wanted, SECONDS, "some rounds")


@pytest.mark.parametrize("named", ["wgpolicyk8s.io/v1alpha2", "none"])
def test_reports_of_another_api_are_deleted(migvet, tmp_path, api, named):
    """When the configuration names another one while migvet runs."""
    ours = Reports(api, "openreports.io/v1alpha1", "reports", "shop", "other")
    ours.items, ours.conflicts = set(), 1
    # Not judged again before that, or they would go as those of empty namespaces.
    with auditing(migvet, tmp_path, api, OPEN.replace("1s", "10m")) as server:
        rounds(server, 1)
        ours.items = {"shop", "other"}
        configuration(tmp_path, f"audit: {{interval: 1s}}\nreports: {{api: {named}}}\n")
        eventually(lambda: not ours.items, SECONDS, "they are deleted")
        eventually(lambda: [(event["api"], event["reports"]) for event in server.events(TIDIED)]
                   == [("openreports.io/v1alpha1", "2")], SECONDS, "the line")
        assert ours.conflicts == 0
        eventually(lambda: server.metrics()['migvet_reports_total{result="deleted"}'] == 2, SECONDS, "they are counted")
        assert server.metrics()['migvet_reports_total{result="failed"}'] == 0


@pytest.mark.parametrize("text", [OPEN, NONE])
def test_reports_of_others_stay(migvet, tmp_path, api, text):
    """A trial beside an installation, or one that is told of nothing, does not know whose they are."""
    others = [Reports(api, "wgpolicyk8s.io/v1alpha2", "policyreports", "shop")]
    if text == NONE:
        others.append(Reports(api, "openreports.io/v1alpha1", "reports", "shop"))
    with auditing(migvet, tmp_path, api, text) as server:
        rounds(server)
        assert not server.events(TIDIED)
        assert not any(reports.base in path for reports in others for _, path in api.requests)


@pytest.mark.parametrize("status", [403, 500])
def test_reports_that_cannot_be_deleted(migvet, tmp_path, api, status):
    """Where it is not allowed they are left alone; else it is tried again, but not soon. Neither is a failure of writing."""
    ours = Reports(api, "openreports.io/v1alpha1", "reports")
    # Not judged again before the other is named, or writing would fail, too.
    with auditing(migvet, tmp_path, api, OPEN.replace("1s", "10m")) as server:
        eventually(lambda: ours.listed, SECONDS, "they are looked for")
        api.route("/old/apis/openreports.io/v1alpha1/reports", lambda h: h.answer_status(status, "no"))
        Reports(api, "wgpolicyk8s.io/v1alpha2", "policyreports")
        configuration(tmp_path, "audit: {interval: 1s}\nreports: {api: wgpolicyk8s.io/v1alpha2}\n")
        text = "reports of an API that is not in use any more " + ("stay" if status == 403 else "cannot be deleted now")
        eventually(lambda: server.events(text), SECONDS, "the line")
        before = len([path for _, path in api.requests if "/openreports.io" in path])
        rounds(server)
        assert len(server.events(text)) == 1
        assert len([path for _, path in api.requests if "/openreports.io" in path]) == before
        assert server.metrics()['migvet_reports_total{result="failed"}'] == 0
        assert not server.events("reports can be written again")
        assert not ours.deleted


def test_many(migvet, tmp_path):
    """More than is judged while one snapshot is borrowed."""
    configuration(tmp_path, "audit: {interval: 1h}\n")
    files = cluster(tmp_path / "cluster", *[with_claim(f"vm-{i}", "rwo", f"ns-{i % 7}") for i in range(LARGE)],
                    *[claim("rwo", "ReadWriteOnce", f"ns-{i}") for i in range(3)])
    with serving(migvet, tmp_path, files) as server:
        assert found_by(server) == found_by_check(migvet, files)
        # The first time is a baseline.
        assert not server.events("a verdict has changed")


@pytest.mark.parametrize("interval", ["1s", "1h"])
def test_what_has_changed(migvet, tmp_path, interval):
    """At the interval, and between two."""
    configuration(tmp_path, f"audit: {{interval: {interval}}}\n")
    files = cluster(tmp_path / "cluster", with_claim("turns", "data"), with_claim("stays", "other"))
    claims = tmp_path / "cluster" / "claims.yaml"

    def write(*objects):
        put(claims, yaml.safe_dump_all(objects))

    write(claim("data", "ReadWriteMany"), claim("other", "ReadWriteMany"))
    with serving(migvet, tmp_path, files) as server:
        assert found_by(server)[("shop", "VirtualMachine", "turns")][0] == "True"
        write(claim("data", "ReadWriteOnce"), claim("other", "ReadWriteMany"))
        _, changes = eventually(lambda: server.events("a verdict has changed"), SECONDS, "it is told")
        change, = changes
        assert (change["name"], change["was"], change["verdict"]) == ("turns", "True", "False")
        assert change["cause"] == "PersistentVolumeClaim shop/data was changed"
        assert "pvc-access-mode" in change["rules"]
        write(claim("other", "ReadWriteMany"))
        _, changes = eventually(lambda: server.events("a verdict has changed")[1:], SECONDS, "it is told")
        assert (changes[0]["verdict"], changes[0]["cause"]) == ("Unknown",
                                                                "PersistentVolumeClaim shop/data was removed")
        assert len(changes) == 1
        assert server.metrics()['migvet_audit_changes_total{verdict="Unknown"}'] == 1


def test_configuration_is_a_cause(migvet, tmp_path):
    path = configuration(tmp_path, "audit: {interval: 1h}\n")
    files = cluster(tmp_path / "cluster", with_claim("turns", "data"), claim("data", "ReadWriteOnce"))
    with serving(migvet, tmp_path, files) as server:
        assert found_by(server)[("shop", "VirtualMachine", "turns")][0] == "False"
        put(path, path.read_text(encoding="utf-8") + "rules: {pvc-access-mode: risk}\n")
        # Others of the example cluster change with it, and may be told first.
        _, (change,) = eventually(lambda: [event for event in server.events("a verdict has changed")
                                           if event["name"] == "turns"], SECONDS, "it is told")
        assert change["verdict"] == "True" and change["cause"] == "migvet's configuration was changed"
