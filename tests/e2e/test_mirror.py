# SPDX-License-Identifier: Apache-2.0
"""`mirror: deny` on a live cluster: what KubeVirt would refuse is denied to people, once the API server was asked for what
that rests on; and a warning when it cannot be asked."""
import contextlib
import time

import pytest
import yaml

from harness import webhook
from harness.api import ApiError, warnings_of
from harness.cluster import MASTERS
from harness.cut import Line
from harness.objects import instance, machine, migration, namespace, policy, review_of
from harness.processes import eventually

SECONDS = 30
WHERE = "mirror"
CONFIG = {"apiVersion": "config.migvet.io/v1alpha1", "kind": "Configuration", "mirror": "deny"}
CONTROLLER = "system:serviceaccount:kubevirt:kubevirt-controller"
REFUSED = {
    "no such instance": (migration("odd", WHERE, "nobody"), 400, f'the VMI "{WHERE}/nobody" does not exist'),
    "cannot move": (migration("odd", WHERE, "stuck"), 400, "Cannot migrate VMI, Reason: "),
    "policy": (policy("odd", completionTimeoutPerGiB=-1), 422, "must not be negative"),
}


@pytest.fixture(scope="module", name="line")
def line_fixture(cluster):
    with contextlib.closing(Line(cluster.port)) as line:
        yield line


@pytest.fixture(scope="module", name="hook")
def hook_fixture(cluster, line, logs, memory):
    """migvet behind a line that can be cut, registered."""
    cluster.put(namespace(WHERE), instance("stuck", WHERE, migratable=False), instance("fine", WHERE, migratable=True))
    config = memory / "mirror.yaml"
    config.write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    kubeconfig = cluster.kubeconfig("mirror", MASTERS, port=line.port)
    with webhook.Migvet(memory / "mirror", logs, "--config", config, kubeconfig=kubeconfig) as migvet:
        cluster.put(webhook.registration("mirror", webhook.by_url(migvet), migvet.bundle()))
        eventually(lambda: create(cluster, REFUSED["no such instance"][0])[0], SECONDS, "the webhook is called")
        yield migvet
        cluster.api.delete("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/mirror")


def create(cluster, obj):
    """A dry run: code and message of a refusal by the webhook, else 0 and the warnings."""
    try:
        _, headers = cluster.api.request("POST", f"{cluster.path_of(obj)}?dryRun=All", obj)
        return 0, " ".join(warnings_of(headers))
    except ApiError as error:
        assert "denied the request" in str(error), error
        return error.status, str(error)


@pytest.mark.usefixtures("hook")
@pytest.mark.parametrize("name", REFUSED)
def test_denied(cluster, name):
    obj, code, words = REFUSED[name]
    answered, text = create(cluster, obj)
    assert answered == code and words in text, text


def test_what_has_just_changed_counts(cluster, hook):
    """No refusal for what was so a moment ago."""
    path = f"/apis/kubevirt.io/v1/namespaces/{WHERE}/virtualmachineinstances/new"
    asked = migration("odd", WHERE, "new")
    for migratable in (True, False) * 10:
        eventually(lambda: create(cluster, asked)[0] == 400, SECONDS, "there is no instance")
        cluster.put(instance("new", WHERE, migratable=migratable))
        code, text = create(cluster, asked)
        assert (code, "Cannot migrate VMI" in text) == ((0, False) if migratable else (400, True)), text
        cluster.api.merge(path, {"status": {"conditions": [
            {"type": "LiveMigratable", "status": "True"}]}})
        assert create(cluster, asked)[0] == 0
        cluster.remove(path)
    metrics = hook.metrics()
    assert metrics['migvet_confirmations_total{result="absent"}'] >= 20
    assert metrics['migvet_confirmations_total{result="found"}'] >= 40


@pytest.mark.usefixtures("hook")
def test_what_is_right_is_allowed(cluster):
    assert create(cluster, migration("good", WHERE, "fine")) == (0, "")


@pytest.mark.usefixtures("hook")
def test_values_that_a_later_version_may_know(cluster):
    code, text = create(cluster, machine("odd", WHERE, evictionStrategy="Migrate"))
    assert code == 0 and "admission: " in text, text


def test_controllers_are_not_denied(hook):
    response = hook.review(review_of(REFUSED["no such instance"][0], user=CONTROLLER))
    assert response["allowed"] and "warnings" not in response


def test_nobody_can_be_asked(line, hook):
    """A warning, in time; and a denial again when the API server is back."""
    review = review_of(REFUSED["cannot move"][0])
    assert not hook.review(review)["allowed"]
    line.cut()
    try:
        begun = time.monotonic()
        response = hook.review(review)
        took = time.monotonic() - begun
        code = response.get("status", {}).get("code")
        # migvet's own answer to an instance whose status says that it cannot move stands.
        assert code != 400 and any(text.startswith("admission: Cannot migrate VMI")
                                   for text in response.get("warnings", [])), response
        assert took < 3
    finally:
        line.mend()
    eventually(lambda: hook.review(review).get("status", {}).get("code") == 400, 60, "it is denied again")
