# SPDX-License-Identifier: Apache-2.0
"""The chart, as far as a control plane can tell: its renderings are what they were, valid, and taken; its pods need no
more than the restricted Pod Security level; and kube-apiserver asks about just what it should."""
import base64
import subprocess
import sys

import pytest
import yaml

from harness import chart
from harness.api import ApiError
from harness.cluster import MASTERS, as_json
from harness.objects import instance, machine, maintenance, migration, namespace, policy
from harness.processes import eventually
from harness.recorder import Recorder
from harness.webhook import ROOT

VALUES = sorted(path.stem for path in (ROOT / "tests/chart/values").glob("*.yaml"))
WHERE, SECONDS = "asked", 30
CONFIGURATIONS = {"ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
                  "MutatingWebhookConfiguration": "mutatingwebhookconfigurations"}
PERSON = "jane"
CONTROLLER = "system:serviceaccount:kubevirt:kubevirt-controller"
APISERVER = "system:serviceaccount:kubevirt:kubevirt-apiserver"
COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector"
CREATE, STAMP, UPDATE = "create.validate.migvet.io", "stamp.mutate.migvet.io", "update.validate.migvet.io"
CONTROLLERS, WORKLOADS = "controllers.validate.migvet.io", "workloads.validate.migvet.io"
POLICIES, MAINTENANCE = "policies.validate.migvet.io", "maintenance.validate.migvet.io"
NAMESPACES = "namespaces.validate.migvet.io"


def test_renderings(cluster, tools, memory):
    """helm lint, the golden files, wrong values, and kubeconform with this API server's own schemas."""
    schemas = memory / "schemas"
    cluster.run(sys.executable, "-B", ROOT / "tests/chart/schemas.py", "--kubectl", tools / "kubectl", "--output", schemas)
    done = subprocess.run([sys.executable, "-B", ROOT / "tests/chart/render.py", "--tools", tools, "--schemas", schemas],
                          text=True, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("kubeconform") == len(VALUES)


def golden(values, *kinds):
    text = (ROOT / "tests/chart/golden" / f"{values}.yaml").read_text(encoding="utf-8")
    return [obj for obj in yaml.safe_load_all(text) if obj and (not kinds or obj["kind"] in kinds)]


def pod_of(deployment):
    template = deployment["spec"]["template"]
    return {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"],
            "metadata": {**template["metadata"], "name": "pod", "namespace": WHERE}}


@pytest.mark.parametrize("values", VALUES)
def test_taken(cluster, values):
    """kube-apiserver takes each object that it has a kind for: validation and the CEL of webhooks included."""
    unknown = {"ServiceMonitor", "PrometheusRule", "Certificate", "Issuer"}
    cluster.put(namespace("migvet"))
    objects = [obj for obj in golden(values) if obj["kind"] not in unknown]
    assert objects
    cluster.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=as_json(*objects))


@pytest.mark.parametrize("values", VALUES)
def test_pods_are_restricted(cluster, values):
    """The pods, that of `helm test` included, are admitted where Pod Security is at its strictest."""
    level = {"apiVersion": "v1", "kind": "Namespace",
             "metadata": {"name": "strictest", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    cluster.put(level)
    pods = [pod_of(obj) if obj["kind"] == "Deployment" else obj for obj in golden(values, "Deployment", "Pod")]
    assert pods
    for pod in pods:
        pod["metadata"]["namespace"] = "strictest"
        pod["spec"].pop("priorityClassName", None)  # a cluster without controllers has none
        cluster.api.post("/api/v1/namespaces/strictest/pods?dryRun=All", pod)
        del pod["spec"]["securityContext"]["runAsNonRoot"]
        with pytest.raises(ApiError, match="violates PodSecurity"):
            cluster.api.post("/api/v1/namespaces/strictest/pods?dryRun=All", pod)


# --- what kube-apiserver asks about ---

@pytest.fixture(scope="module", name="users")
def users_fixture(cluster):
    """user -> API."""
    return {user: as_user(cluster, user) for user in (PERSON, CONTROLLER, APISERVER, COLLECTOR)}


def as_user(cluster, user):
    name = user.replace(":", "-")
    cluster.certificate(name, MASTERS, user=user)
    return cluster.api_as(name, MASTERS)


@pytest.fixture(scope="module", name="recorder", params=["default", "fail"])
def recorder_fixture(request, cluster):
    """The webhooks of the chart, at our recorder. Gives it, and whether controllers are asked about."""
    cluster.put(namespace(WHERE), namespace("kubevirt"), namespace("openshift-cnv"), namespace("migvet"),
                machine("there", WHERE), migration("there", WHERE, "there"), policy("there"))
    bundle = base64.b64encode(cluster.ca.certificate.read_bytes()).decode()
    made = golden(request.param, *CONFIGURATIONS)
    assert len(made) == len(CONFIGURATIONS)
    with Recorder(cluster) as recorder:
        for obj in made:
            obj["metadata"]["name"] = "recorded"
            for webhook in obj["webhooks"]:
                webhook["clientConfig"] = {"url": recorder.url(webhook["name"]), "caBundle": bundle}
                # A condition that fails must be seen, not passed over.
                webhook["failurePolicy"] = "Fail"
            cluster.put(obj)
        ask = f"/apis/kubevirt.io/v1/namespaces/{WHERE}/virtualmachines?dryRun=All"

        def in_force():
            cluster.api.post(ask, machine("canary", WHERE))
            return recorder.take() == [CREATE, STAMP]
        eventually(in_force, SECONDS, "the webhooks are in force", pause=0.2)
        recorder.kubevirt = "kubevirt" if request.param == "default" else "openshift-cnv"
        recorder.controllers = request.param == "fail"
        yield recorder
        for obj in made:
            cluster.api.delete(f"/apis/admissionregistration.k8s.io/v1/{CONFIGURATIONS[obj['kind']]}/recorded")
        eventually(lambda: gone(cluster, recorder, ask), SECONDS, "the webhooks are gone", pause=0.2)


def gone(cluster, recorder, ask):
    cluster.api.post(ask, machine("canary", WHERE))
    return recorder.take() == []


def create(cluster, api, obj):
    api.post(f"{cluster.path_of(obj)}?dryRun=All", obj)


def owned(kind, controller=True):
    vmi = instance("new", WHERE)
    vmi["metadata"]["ownerReferences"] = [{"apiVersion": "kubevirt.io/v1", "kind": kind, "name": "there",
                                           "uid": "2f9f4c4b-9c8e-4f2a-8a46-0a2f7c1d4b11", "controller": controller}]
    return vmi


def replica_set(version="v1", kind="VirtualMachineInstanceReplicaSet", group="kubevirt.io"):
    return {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": "new", "namespace": WHERE},
            "spec": {"replicas": 1, "template": {"spec": {}}}}


CREATED = {
    "machine": (machine("new", WHERE), [CREATE, STAMP]),
    "machine of the old version": (machine("new", WHERE, version="v1alpha3"), [CREATE, STAMP]),
    "instance": (instance("new", WHERE), [CREATE]),
    "instance that a replica set controls": (owned("VirtualMachineInstanceReplicaSet"), [CREATE]),
    "instance that a machine merely owns": (owned("VirtualMachine", controller=False), [CREATE]),
    "migration": (migration("new", WHERE, "there"), [CREATE, STAMP]),
    "replica set": (replica_set(), [WORKLOADS]),
    "pool": (replica_set("v1beta1", "VirtualMachinePool", "pool.kubevirt.io"), [WORKLOADS]),
    "pool of the old version": (replica_set("v1alpha1", "VirtualMachinePool", "pool.kubevirt.io"), [WORKLOADS]),
    "policy": (policy("new"), [POLICIES]),
    "maintenance": (maintenance("new", "node-a"), [MAINTENANCE]),
    "maintenance of the old group": (maintenance("new", "node-a", "nodemaintenance.kubevirt.io"), [MAINTENANCE]),
    "namespace": (namespace("new", enforce="migratable"), []),
    "what it is not for": ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new", "namespace": WHERE}}, []),
}


@pytest.mark.parametrize("what", CREATED)
def test_people_create(cluster, users, recorder, what):
    obj, expected = CREATED[what]
    create(cluster, users[PERSON], obj)
    assert recorder.take() == expected
    # virtctl migrate and the like: kubevirt-apiserver acts for people.
    create(cluster, users[APISERVER], obj)
    assert recorder.take() == expected


@pytest.mark.parametrize("user", [PERSON, CONTROLLER])
def test_instance_of_a_machine(cluster, users, recorder, user):
    create(cluster, users[user], owned("VirtualMachine"))
    assert recorder.take() == ([CONTROLLERS] if recorder.controllers else [])


@pytest.mark.parametrize("user", [CONTROLLER, COLLECTOR])
@pytest.mark.parametrize("what", CREATED)
def test_controllers_create(cluster, recorder, users, user, what):
    obj, expected = CREATED[what]
    api = users[user]
    if user == CONTROLLER and recorder.kubevirt != "kubevirt":
        api = as_user(cluster, CONTROLLER.replace(":kubevirt:", f":{recorder.kubevirt}:"))
    create(cluster, api, obj)
    audited = recorder.controllers and CREATE in expected
    stamped = recorder.controllers and STAMP in expected
    assert recorder.take() == [name for name, there in ((CONTROLLERS, audited), (STAMP, stamped)) if there]


@pytest.mark.parametrize("where", ["kube-system", "migvet", None])
def test_namespaces_that_are_left_alone(cluster, users, recorder, where):
    create(cluster, users[PERSON], machine("new", where or recorder.kubevirt))
    assert recorder.take() == []


def test_update_of_a_machine(cluster, users, recorder):
    api, path = users[PERSON], f"/apis/kubevirt.io/v1/namespaces/{WHERE}/virtualmachines/there"
    api.merge(f"{path}?dryRun=All", {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}})
    api.merge(f"{path}/status?dryRun=All", {"status": {"ready": True}})
    assert recorder.take() == []
    api.merge(f"{path}?dryRun=All", {"spec": {"runStrategy": "Halted"}})
    assert recorder.take() == [STAMP, UPDATE]
    users[COLLECTOR].merge(f"{path}?dryRun=All", {"spec": {"runStrategy": "Halted"}})
    assert recorder.take() == ([STAMP] if recorder.controllers else [])


def test_update_of_a_policy_and_a_migration(cluster, users, recorder):
    api, path = users[PERSON], "/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies/there"
    api.merge(f"{path}?dryRun=All", {"metadata": {"labels": {"a": "b"}}})
    assert recorder.take() == []
    api.merge(f"{path}?dryRun=All", {"spec": {"allowPostCopy": True}})
    assert recorder.take() == [POLICIES]
    path = f"/apis/kubevirt.io/v1/namespaces/{WHERE}/virtualmachineinstancemigrations/there"
    api.merge(f"{path}?dryRun=All", {"spec": {"vmiName": "other"}})
    assert recorder.take() == []


def test_deletion(cluster, users, recorder):
    api, path = users[PERSON], f"/apis/kubevirt.io/v1/namespaces/{WHERE}/virtualmachines/leaving"
    cluster.put(machine("leaving", WHERE))
    api.merge(path, {"metadata": {"finalizers": ["migvet.io/test"]}})
    recorder.take()
    api.delete(path)
    # It is going, and waits for somebody: what he changes is nobody's business.
    api.merge(f"{path}?dryRun=All", {"spec": {"runStrategy": "Halted"}})
    api.merge(path, {"metadata": {"finalizers": None}})
    assert recorder.take() == []


@pytest.mark.parametrize("labels, expected", [
    ({"migvet.io/enforce": "migratable"}, [NAMESPACES]), ({"migvet.io/warn": "none"}, [NAMESPACES]),
    ({"migvet.io/audit": "none"}, [NAMESPACES]), ({"migvet.io/migrations": "warn"}, [NAMESPACES]),
    ({"migvet.io/other": "x", "a": "b"}, []),
])
def test_label_of_a_namespace(cluster, users, recorder, labels, expected):
    name = f"labelled-{'-'.join(sorted(labels)).replace('/', '-').replace('.', '-')}"
    cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    recorder.take()
    api, path = users[PERSON], f"/api/v1/namespaces/{name}"
    for changed in (labels, {key: "changed" for key in labels}, {key: None for key in labels}):
        api.merge(path, {"metadata": {"labels": changed}})
        assert recorder.take() == expected, changed
    api.merge(path, {"metadata": {"annotations": {"a": "b"}}})
    assert recorder.take() == []


def test_helm_leaves_the_bundle_alone(cluster):
    """What somebody else has written into caBundle is there after an upgrade, a change of values, and a rollback."""
    arguments = (chart.RELEASE, chart.CHART, "-n", "migvet")
    bundle = base64.b64encode(cluster.ca.certificate.read_bytes()).decode()
    where = [f"/apis/admissionregistration.k8s.io/v1/{plural}/{chart.RELEASE}" for plural in CONFIGURATIONS.values()]
    cluster.put(namespace("migvet"))
    cluster.helm("install", *arguments)
    try:
        for path in where:
            for number, _ in enumerate(cluster.api.get(path)["webhooks"]):
                change = [{"op": "add", "path": f"/webhooks/{number}/clientConfig/caBundle", "value": bundle}]
                cluster.api.request("PATCH", path, change, "application/json-patch+json")
        for command in (("upgrade", *arguments), ("upgrade", *arguments, "--set", "webhooks.timeoutSeconds=3"),
                        ("rollback", chart.RELEASE, "1", "-n", "migvet")):
            cluster.helm(*command)
            for path in where:
                webhooks = cluster.api.get(path)["webhooks"]
                assert {webhook["clientConfig"].get("caBundle") for webhook in webhooks} == {bundle}, command
                assert {webhook["timeoutSeconds"] for webhook in webhooks} == {3 if "--set" in command else 2}
    finally:
        cluster.helm("uninstall", chart.RELEASE, "-n", "migvet")
