# SPDX-License-Identifier: Apache-2.0
"""migvet as a process beside the control plane, and its registration with the API server."""
import base64
import http.client
import json
import os
import pathlib
import shutil
import ssl

import yaml

from .processes import Process, eventually, free_port

ROOT = pathlib.Path(__file__).resolve().parents[3]
NAMESPACE = "migvet"
SERVICE_ADDRESS = "10.64.7.7"  # tests/e2e/isolate.sh makes all of 10.64.0.0/16 ours
START_SECONDS = 60
REVIEWED = [  # operations, scope, group, versions, resources
    (["CREATE", "UPDATE", "DELETE"], "Namespaced", "kubevirt.io", ["v1", "v1alpha3"],
     ["virtualmachines", "virtualmachineinstances", "virtualmachineinstancemigrations"]),
    (["CREATE", "UPDATE"], "Cluster", "migrations.kubevirt.io", ["v1alpha1"], ["migrationpolicies"]),
    (["CREATE"], "Cluster", "nodemaintenance.medik8s.io", ["v1beta1"], ["nodemaintenances"]),
    (["CREATE"], "Cluster", "nodemaintenance.kubevirt.io", ["v1beta1"], ["nodemaintenances"]),
    (["CREATE"], "Namespaced", "", ["v1"], ["pods/eviction"]),
    (["UPDATE"], "Cluster", "", ["v1"], ["namespaces"]),
]


def program():
    """What the environment names, or what was built last."""
    path = ROOT / os.environ.get("MIGVET", "build/migvet")
    assert os.access(path, os.X_OK), f"{path} is not there: build it first"
    return path


class Migvet:
    """`migvet serve`, and a client of its second port. Give it files (objects that are its cluster) or a kubeconfig."""

    def __init__(self, directory, logs, *arguments, files=None, kubeconfig=None, address="127.0.0.1", port=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.address, self.port, self.management = address, port or free_port(address), free_port()
        self.certs, self.files, self.live = self.directory / "certs", None, files is None
        if files is not None:
            self.files = self.directory / "cluster"
            self.files.mkdir()
            self.write("first", files)
            source = ["-f", self.files]
        else:
            source = ["--kubeconfig", kubeconfig, "-n", NAMESPACE]
        command = [program(), "serve", *source, "--listen", f"{address}:{self.port}",
                   "--management", f"127.0.0.1:{self.management}", "--certs", self.certs,
                   "--dns", f"localhost,migvet.{NAMESPACE}.svc", "--log-format", "json", *arguments]
        pathlib.Path(logs).mkdir(parents=True, exist_ok=True)
        self.process = Process("migvet", command, pathlib.Path(logs) / f"{self.directory.name}.log")

    def start(self, ready=True):
        self.process.start()
        if ready:
            self.wait_until_ready()
        return self

    def stop(self):
        code = self.process.stop()
        assert code == 0, f"migvet ended with {code}\n{self.process.tail()}"

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is None and self.process.alive():
            self.stop()
        else:
            self.process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def write(self, name, objects):
        """One more file of its cluster, at once."""
        new = self.files / f".{name}.new"
        new.write_text(yaml.safe_dump_all(objects), encoding="utf-8")
        new.rename(self.files / f"{name}.yaml")

    def health(self, path):
        """Status and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.management, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ready(self):
        self.process.check()
        try:
            return self.health("/readyz")[0] == 200
        except OSError:
            return False

    def wait_until_ready(self, seconds=START_SECONDS):
        try:
            eventually(self.ready, seconds, "migvet is ready")
        except AssertionError as error:
            verbose = self.health("/readyz?verbose")[1] if self.process.alive() else ""
            raise AssertionError(f"{error}\n{verbose}{self.process.tail()}") from error

    def metrics(self):
        """Samples by series."""
        status, text = self.health("/metrics")
        assert status == 200
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines()
                if not line.startswith("#")}

    def post(self, path, body, headers=()):
        """Status and object of the answer, on a connection of its own."""
        context = ssl.create_default_context(cafile=self.certs / "ca.crt")
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=context)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **dict(headers)})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def review(self, review):
        """Ask it without the API server; the response."""
        status, answer = self.post("/validate?timeout=10s", review)
        assert status == 200, answer
        assert answer["response"]["uid"] == review["request"]["uid"]
        return answer["response"]

    def ask(self, kind, where, name, token):
        """The verdict on that object, as a controller asks for it; with a status."""
        subject = {"apiVersion": "kubevirt.io/v1", "kind": kind, "namespace": where, "name": name}
        return self.post("/v1alpha1/verdicts", {"subject": subject}, {"Authorization": f"Bearer {token}"})

    def bundle(self):
        return (self.certs / "ca.crt").read_bytes()


def registration(name, client, bundle, policy="Fail", reviewed=None, selector=None):
    """A ValidatingWebhookConfiguration for all that migvet reviews. client is {"url": ...} or {"service": ...}."""
    rules = [{"operations": operations, "scope": scope, "apiGroups": [group], "apiVersions": versions,
              "resources": resources} for operations, scope, group, versions, resources in reviewed or REVIEWED]
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [{"name": "validate.migvet.io", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                          "failurePolicy": policy, "timeoutSeconds": 10, "rules": rules,
                          "namespaceSelector": selector or {},
                          "clientConfig": {**client, "caBundle": base64.b64encode(bundle).decode()}}]}


def by_url(migvet):
    return {"url": f"https://localhost:{migvet.port}/validate"}


def by_service():
    return {"service": {"namespace": NAMESPACE, "name": "migvet", "path": "/validate", "port": 443}}


def service_objects(port):
    """A Service without pods: its EndpointSlice points to an address of this machine."""
    return [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "migvet", "namespace": NAMESPACE},
             "spec": {"ports": [{"name": "https", "port": 443, "targetPort": port}]}},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
             "metadata": {"name": "migvet-1", "namespace": NAMESPACE,
                          "labels": {"kubernetes.io/service-name": "migvet"}},
             "addressType": "IPv4", "ports": [{"name": "https", "port": port}],
             "endpoints": [{"addresses": [SERVICE_ADDRESS], "conditions": {"ready": True}}]}]
