# SPDX-License-Identifier: Apache-2.0
"""The chart on a real node: installed, asked, updated, its certificates rotated, a pod killed, upgraded and removed;
mostly while somebody creates without pause. Each test goes on from where the one before has left it."""
import base64
import collections
import socket
import ssl
import subprocess
import threading
import time

import pytest

from harness import chart, objects, readme, webhook
from harness.api import Api, ApiError
from harness.cluster import MASTERS, as_json
from harness.node import NAME as NODE, Node
from harness.objects import claim, instance, machine, migration, namespace
from harness.processes import eventually

SECONDS = 60
WHERE, NAMESPACE = "shop", webhook.NAMESPACE
# The nodes of the example cluster are objects and nothing else.
VALUES = {r"nodeSelector.kubernetes\.io/hostname": NODE, "image.pullPolicy": "Never", "replicas": 2,
          "webhooks.validating.failurePolicy": "Fail", "webhooks.timeoutSeconds": 10,
          "extraArgs[0]": "--rotation-settle=3s"}
CONFIGURATION = f"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{chart.RELEASE}"
KINDS = f"/apis/kubevirt.io/v1/namespaces/{WHERE}"
GOOD = f"{KINDS}/virtualmachines?dryRun=All", machine("asked", WHERE)
BAD = f"{KINDS}/virtualmachineinstancemigrations?dryRun=All", migration("asked", WHERE, "stuck")


@pytest.fixture(scope="module", name="node")
def node_fixture(tools, logs, memory):
    images = sorted((webhook.ROOT / "build" / "image").glob("migvet-*.tar"))
    images = [path for path in images if not path.name.endswith(".oci.tar")]
    assert images and images[-1].stat().st_mtime >= webhook.program().stat().st_mtime, \
        "the image is missing, or older than the program: make image"
    node = Node(memory / "node", logs / "node", tools, images=images[-1:])
    begun = time.monotonic()
    try:
        node.start()
        print(f"the node is ready after {time.monotonic() - begun:.1f} s")
        node.cluster.create_kinds()
        node.cluster.put(*objects.example_cluster(), claim("rwo", WHERE, "ReadWriteOnce"),
                         instance("stuck", WHERE, claim="rwo"), namespace(NAMESPACE))
        yield node
    finally:
        node.stop()


@pytest.fixture(scope="module", name="cluster")
def installed_fixture(node):
    """The release, and a webhook that answers: kube-proxy may be a second late."""
    begun = time.monotonic()
    deploy(node.cluster, "install")
    print(f"helm install --wait: {time.monotonic() - begun:.1f} s")
    begun = time.monotonic()
    eventually(lambda: ask(node.cluster.api, *BAD) == "denied", SECONDS, "the Service answers")
    print(f"the Service answers {time.monotonic() - begun:.1f} s later")
    return node.cluster


def deploy(cluster, verb, **values):
    words = readme.command("helm", "install") if verb == "install" else [chart.RELEASE, chart.CHART, "-n", NAMESPACE]
    words = [chart.CHART if word == "charts/migvet" else word for word in words]
    try:
        cluster.helm(verb, *words, "--wait", "--timeout", "90s", *chart.settings({**VALUES, **values}), seconds=150)
    except AssertionError as error:
        what = cluster.kubectl("-n", NAMESPACE, "get", "pods,events", expect=None).stdout
        said = cluster.kubectl("-n", NAMESPACE, "logs", "-l", f"app.kubernetes.io/instance={chart.RELEASE}",
                               "--tail=20", expect=None).stdout
        raise AssertionError(f"{error}\n{what}\n{said}") from error


def ask(api, path, obj):
    """allowed, denied, or how it failed."""
    try:
        api.post(path, obj)
        return "allowed"
    except ApiError as error:
        text = str(error)
        refused = error.status in (400, 403, 422) and "denied the request" in text and "pvc-access-mode" in text
        return "denied" if refused else text
    except OSError as error:
        return repr(error)


class Creates:
    """People who create without pause. Afterwards: how many right answers there were, and what else there was."""

    def __init__(self, cluster, people=2):
        self.cluster, self.ending = cluster, threading.Event()
        self.answers, self.wrong = collections.Counter(), []
        self.threads = [threading.Thread(target=self._create) for _ in range(people)]

    def _create(self):
        api = Api("127.0.0.1", self.cluster.port, self.cluster.ca.certificate,
                  certificate=self.cluster.certificate("admin", MASTERS))
        while not self.ending.is_set():
            for (path, obj), expected in ((GOOD, "allowed"), (BAD, "denied")):
                answer = ask(api, path, obj)
                self.answers[answer == expected] += 1
                if answer != expected:
                    self.wrong.append((expected, answer[:300]))
            time.sleep(0.005)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(30)

    def all_right(self, least=50):
        assert not self.wrong, f"{len(self.wrong)} of {sum(self.answers.values())}: {self.wrong[:5]}"
        assert self.answers[True] >= least
        print(f"{self.answers[True]} right answers")


def rolled_out(cluster):
    cluster.kubectl("-n", NAMESPACE, "rollout", "status", f"deployment/{chart.RELEASE}", "--timeout=90s")


def pods(cluster):
    return [pod for pod in cluster.api.get(f"/api/v1/namespaces/{NAMESPACE}/pods")["items"]
            if "deletionTimestamp" not in pod["metadata"] and pod["metadata"]["labels"].get("pod-template-hash")]


def bundle(cluster):
    return base64.b64decode(cluster.api.get(CONFIGURATION)["webhooks"][0]["clientConfig"]["caBundle"])


def test_the_commands_of_the_readme(cluster):
    """`make image` made the image of this node, the second is how the release came here, and this is the third."""
    assert readme.command("make") == ["image"]
    cluster.put(namespace("theirs"))
    obj = machine("bridged", "theirs", binding="bridge")
    cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=as_json(obj), expect=(0,))
    cluster.kubectl(*readme.command("kubectl", NAMESPACE="theirs"))
    eventually(lambda: cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=as_json(obj),
                                       expect=None).returncode, SECONDS, "the label is obeyed")
    done = cluster.kubectl("create", "-f", "-", stdin=as_json(obj), expect=(1,))
    assert "namespace theirs asks for it" in done.stderr, done.stderr


def test_denied_through_the_service(cluster):
    done = cluster.kubectl("create", "-f", "-", stdin=as_json(migration("move", WHERE, "stuck")), expect=(1,))
    assert "denied the request" in done.stderr and "pvc-access-mode" in done.stderr
    assert ask(cluster.api, *GOOD) == "allowed"


def test_helm_test(cluster):
    done = cluster.helm("test", chart.RELEASE, "-n", NAMESPACE, "--timeout", "90s", seconds=120)
    assert "Succeeded" in done.stdout


def test_rolling_update(cluster):
    before = {pod["metadata"]["uid"] for pod in pods(cluster)}
    with Creates(cluster) as creates:
        cluster.kubectl("-n", NAMESPACE, "rollout", "restart", f"deployment/{chart.RELEASE}")
        rolled_out(cluster)
        eventually(lambda: not before & {pod["metadata"]["uid"] for pod in pods(cluster)}, SECONDS, "all pods are new")
        time.sleep(1)  # the last of the old ones is on its way out
    creates.all_right()


def test_certificates_are_rotated(cluster):
    """The authority is replaced: the new one is in the bundle before anything is signed with it."""
    before = bundle(cluster)
    secret = f"{chart.RELEASE}-certs"
    with Creates(cluster) as creates:
        done = cluster.run(webhook.program(), "certs", "rotate", "--certs-secret", secret, "-n", NAMESPACE)
        print(done.stdout.strip())
        eventually(lambda: bundle(cluster) != before, SECONDS, "the bundle has the new authority")
        eventually(lambda: len(creates.answers) and served_by_new(cluster, before), 2 * SECONDS,
                   "what is served is signed by the new authority")
        time.sleep(1)
    creates.all_right()


def served_by_new(cluster, old):
    """Whether no pod's certificate is one that the old bundle is good for."""
    return not any(verifies(pod["status"]["podIP"], old) for pod in pods(cluster))


def verifies(address, authorities):
    context = ssl.create_default_context(cadata=authorities.decode())
    try:
        with socket.create_connection((address, 8443), timeout=5) as raw, \
                context.wrap_socket(raw, server_hostname=f"{chart.RELEASE}.{NAMESPACE}.svc"):
            return True
    except ssl.SSLCertVerificationError:
        return False


def test_a_pod_is_killed(node, cluster):
    """Without notice. Those in flight fail; no answer is wrong, and soon none fails."""
    tasks = node.ctr("tasks", "ls").splitlines()
    names = {line.split()[0] for line in node.ctr("containers", "ls").splitlines()[1:] if "/migvet:" in line or
             " migvet:" in line or "library/migvet:" in line}
    pid = next(int(line.split()[1]) for line in tasks[1:] if line.split()[0] in names)
    with Creates(cluster) as creates:
        time.sleep(0.5)
        subprocess.run(["kill", "-KILL", str(pid)], check=True)
        eventually(lambda: sum(pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods(cluster)) == 1,
                   SECONDS, "it is started again")
        rolled_out(cluster)
        time.sleep(2)
    print(f"{len(creates.wrong)} failed of {sum(creates.answers.values())}")
    assert all(answer not in ("allowed", "denied") for _, answer in creates.wrong), creates.wrong
    with Creates(cluster) as creates:
        time.sleep(2)
    creates.all_right()


def test_upgrade(cluster):
    with Creates(cluster) as creates:
        deploy(cluster, "upgrade", **{"replicas": 3, "log.level": "debug"})
        time.sleep(1)
    creates.all_right()
    assert len(pods(cluster)) == 3


def left_of_the_release(cluster):
    """Its objects, but for those of `helm test`, which are kept to be read."""
    kinds = ["all,cm,sa,role,rolebinding,pdb,clusterrole,clusterrolebinding",
             "validatingwebhookconfigurations,mutatingwebhookconfigurations"]
    done = cluster.kubectl("get", ",".join(kinds), "-n", NAMESPACE, "-o", "name", "-l",
                           f"app.kubernetes.io/instance={chart.RELEASE},app.kubernetes.io/component!=test")
    return done.stdout.split()


def test_uninstall(cluster):
    """Nothing is left that stands in anybody's way, or belongs to the release."""
    begun = time.monotonic()
    cluster.helm("uninstall", chart.RELEASE, "-n", NAMESPACE, "--wait", "--timeout", "90s", seconds=120)
    assert cluster.api.find(CONFIGURATION) is None
    assert ask(cluster.api, *GOOD) == ask(cluster.api, *BAD) == "allowed"
    print(f"helm uninstall --wait: {time.monotonic() - begun:.1f} s")
    eventually(lambda: not left_of_the_release(cluster), SECONDS, "the pods have ended", pause=0.5)
    print(f"nothing is left of it: {time.monotonic() - begun:.1f} s")
    # It can be installed again over what is left.
    deploy(cluster, "install")
    eventually(lambda: ask(cluster.api, *BAD) == "denied", SECONDS, "it answers again")
    print(f"installed again: {time.monotonic() - begun:.1f} s")
    cluster.helm("uninstall", chart.RELEASE, "-n", NAMESPACE)
