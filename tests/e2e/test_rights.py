# SPDX-License-Identifier: Apache-2.0
"""With the rights that the chart grants, and no others: migvet reads all that it wants to read. Without one of them it
says so, and what depends on that is unknown, never wrong."""
import pytest

from harness import chart, webhook
from harness.objects import claim, machine, namespace, review_of
from harness.processes import eventually

SECONDS = 60
WHERE, TAKEN = "rights", "persistentvolumeclaims"
STATE = 'migvet_watch_state{kind="PersistentVolumeClaim",group="",state="forbidden"}'
VM = machine("m", WHERE, claim="rwo")


@pytest.fixture(scope="module", name="account")
def account_fixture(cluster):
    """The service account with the chart's roles; gives the roles and a kubeconfig with its token."""
    objects, name = chart.rights(cluster)
    cluster.put(namespace(webhook.NAMESPACE), namespace(WHERE), claim("rwo", WHERE, "ReadWriteOnce"), *objects)
    config = cluster.kubeconfig("account", token=cluster.token(webhook.NAMESPACE, name))
    yield objects, config
    for obj in objects:
        if obj["kind"] != "ServiceAccount":
            cluster.api.delete(cluster.path_of(obj, obj["metadata"]["name"]))


def verdict(migvet):
    return migvet.review(review_of(VM))["auditAnnotations"]["verdict"]


def told(cluster):
    items = cluster.api.get(f"/apis/events.k8s.io/v1/namespaces/{WHERE}/events")["items"]
    return [item for item in items if item["reason"] == "LiveMigratabilityUnknown"]


def test_granted(account, cluster, logs, memory):
    with webhook.Migvet(memory / "granted", logs, kubeconfig=account[1]) as migvet:
        assert verdict(migvet) == "False"
        status, text = migvet.health("/readyz?verbose")
        assert status == 200 and "may not be listed" not in text and migvet.metrics()[STATE] == 0, text
        # What the audit writes: a report, and an Event when the claim is another one.
        path = f"/apis/openreports.io/v1alpha1/namespaces/{WHERE}/reports/migvet"
        cluster.put(VM)
        eventually(lambda: (cluster.api.find(path) or {}).get("summary", {}).get("fail"), SECONDS, "there is a report")
        cluster.remove(f"/api/v1/namespaces/{WHERE}/persistentvolumeclaims/rwo")
        eventually(lambda: told(cluster), SECONDS, "there is an Event")
        cluster.put(claim("rwo", WHERE, "ReadWriteOnce"))
        cluster.remove(f"/apis/kubevirt.io/v1/namespaces/{WHERE}/virtualmachines/m")
        eventually(lambda: not cluster.api.find(path), SECONDS, "the report is gone")
        assert migvet.metrics()['migvet_reports_total{result="failed"}'] == 0
        log = migvet.process.log.read_text(encoding="utf-8")
        assert "forbidden" not in log.lower(), log


def test_one_is_missing(account, cluster, logs, memory):
    roles = [obj for obj in account[0] if obj["kind"] == "ClusterRole"]
    without = [{**role, "rules": [{**rule, "resources": [name for name in rule["resources"] if name != TAKEN]}
                                  for rule in role["rules"]]} for role in roles]
    cluster.put(*without)
    try:
        migvet = webhook.Migvet(memory / "taken", logs, kubeconfig=account[1])
        migvet.start(ready=False)
        try:
            eventually(lambda: speaks(migvet), SECONDS, "/readyz names what may not be read")
            assert verdict(migvet) == "Unknown"
            assert migvet.metrics()[STATE] == 1
            # What is granted later is taken up without a restart.
            cluster.put(*roles)
            eventually(lambda: verdict(migvet) == "False", 2 * SECONDS + 30, "the claim is known", pause=0.5)
            eventually(migvet.ready, SECONDS, "it is ready")
        finally:
            migvet.process.stop()
    finally:
        cluster.put(*roles)


def speaks(migvet):
    migvet.process.check()
    try:
        return f"may not be listed: {TAKEN}" in migvet.health("/readyz?verbose")[1]
    except OSError:
        return False
