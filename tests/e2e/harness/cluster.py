# SPDX-License-Identifier: Apache-2.0
"""A control plane: etcd, kube-apiserver and, when wanted, kube-controller-manager and kube-scheduler."""
import base64
import json
import os
import pathlib
import subprocess

import yaml

from . import crds
from .api import Api, ApiError
from .etcd import Etcd
from .pki import CLIENT, SERVER, Authority, make_key, openssl
from .processes import Process, eventually, free_port

START_SECONDS = 60
COMMAND_SECONDS = 120
SERVICES = "10.96.0.0/16"
FIRST_SERVICE = "10.96.0.1"  # where pods find the API server
MASTERS = "system:masters"


class Cluster:
    """In a directory of its own. Start it, use it, stop it; every process can be killed and started by itself.

    tools: the directory that tools/build.sh prints. etcd: another etcd program. controllers: with
    kube-controller-manager and kube-scheduler. address: where the API server says that it is. also: further
    addresses that its certificate is good for.
    """

    def __init__(self, directory, logs, tools, etcd=None, controllers=False, address="127.0.0.1", also=()):
        self.directory, self.logs, self.tools = (pathlib.Path(path) for path in (directory, logs, tools))
        for path in (self.directory, self.logs):
            path.mkdir(parents=True, exist_ok=True)
        self.address, self.port = address, free_port()
        self.etcd = Etcd(etcd or self.tools / "etcd", self.directory, self.logs)
        self.ca = Authority(self.directory / "pki")
        self.apiserver = Process("kube-apiserver", self._apiserver(controllers, also), self.logs / "kube-apiserver.log")
        self.api = self.api_as("admin", MASTERS)
        self.kubeconfig("admin", MASTERS)
        self.controllers = self._controllers() if controllers else []

    # --- processes ---

    def start(self):
        self.etcd.start()
        self.start_apiserver()
        for process in self.controllers:
            process.start()
        eventually(lambda: self._answers("/api/v1/namespaces/default"), START_SECONDS, "the namespace default is there")
        if self.controllers:
            eventually(lambda: self._answers("/api/v1/namespaces/default/serviceaccounts/default"), START_SECONDS,
                       "the controllers work")
        return self

    def start_apiserver(self):
        self.apiserver.start()
        self.wait_for_apiserver()

    def wait_for_apiserver(self):
        eventually(lambda: self._answers("/readyz"), START_SECONDS, "kube-apiserver is ready")

    def _answers(self, path):
        self.apiserver.check()
        try:
            return self.api.raw("GET", path)[0] == 200
        except OSError:
            return False

    def stop(self):
        for process in [*reversed(self.controllers), self.apiserver]:
            process.kill()
        self.etcd.stop()

    def _apiserver(self, controllers, also):
        issue, pki = self.ca.issue, self.ca.directory
        names = [f"IP:{address}" for address in sorted({"127.0.0.1", FIRST_SERVICE, self.address, *also})]
        names += ["DNS:localhost", "DNS:kubernetes.default.svc"]
        serving = issue("apiserver", "kube-apiserver", usages=(SERVER,), names=names)
        kubelet = issue("apiserver-kubelet-client", "kube-apiserver-kubelet-client", [MASTERS])
        front = Authority(pki, "front-proxy-ca")
        proxy = front.issue("front-proxy-client", "front-proxy-client")
        private, public = make_key(pki / "accounts.key"), pki / "accounts.pub"
        openssl("ec", "-in", private, "-pubout", "-out", public)
        flags = {
            "etcd-servers": self.etcd.address, "bind-address": "0.0.0.0", "secure-port": self.port,
            "advertise-address": self.address,
            "endpoint-reconciler-type": "none" if self.address.startswith("127.") else "lease",
            "tls-cert-file": serving[0], "tls-private-key-file": serving[1], "client-ca-file": self.ca.certificate,
            "kubelet-client-certificate": kubelet[0], "kubelet-client-key": kubelet[1],
            "kubelet-certificate-authority": self.ca.certificate,
            "kubelet-preferred-address-types": "InternalIP",
            "requestheader-client-ca-file": front.certificate,
            "requestheader-allowed-names": "front-proxy-client",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-",
            "requestheader-group-headers": "X-Remote-Group", "requestheader-username-headers": "X-Remote-User",
            "proxy-client-cert-file": proxy[0], "proxy-client-key-file": proxy[1],
            "service-account-issuer": "https://kubernetes.default.svc", "service-account-key-file": public,
            "service-account-signing-key-file": private,
            "authorization-mode": "Node,RBAC", "service-cluster-ip-range": SERVICES, "allow-privileged": "true",
            # Webhooks behind a Service are called at the addresses of its EndpointSlices, unless kube-proxy is there.
            "enable-aggregator-routing": "false" if controllers else "true",
            "v": 1,
        }
        if not controllers:
            flags["disable-admission-plugins"] = "ServiceAccount,StorageObjectInUseProtection"  # nobody would make the accounts, or take the finalizers of claims away
        return [self.tools / "kube-apiserver", *(f"--{name}={value}" for name, value in flags.items())]

    def _controllers(self):
        common = {"bind-address": "127.0.0.1", "leader-elect": "false", "v": 1}

        def controller(name, user, **flags):
            config = self.kubeconfig(name, user=user)
            flags = {key.replace("_", "-"): value for key, value in flags.items()}
            flags |= {**common, "secure-port": free_port(), "kubeconfig": config,
                      "authentication-kubeconfig": config, "authorization-kubeconfig": config}
            return Process(name, [self.tools / name, *(f"--{key}={value}" for key, value in flags.items())],
                           self.logs / f"{name}.log")
        return [controller("kube-controller-manager", "system:kube-controller-manager",
                           use_service_account_credentials="true", root_ca_file=self.ca.certificate,
                           service_account_private_key_file=self.ca.directory / "accounts.key",
                           cluster_signing_cert_file=self.ca.certificate, cluster_signing_key_file=self.ca.key),
                controller("kube-scheduler", "system:kube-scheduler")]

    # --- users ---

    def certificate(self, name, *groups, user=None, **more):
        """Certificate and key of a user of that name, made when first asked for."""
        paths = self.ca.path(name, "crt"), self.ca.path(name, "key")
        return paths if paths[0].exists() else self.ca.issue(name, user or name, groups, **more)

    def kubeconfig(self, name, *groups, user=None, address="127.0.0.1", port=None, token=None):
        """A kubeconfig file of that name; address and port may be those of a proxy."""
        path = self.directory / f"{name}.kubeconfig"
        if token:
            credentials = {"token": token}
        else:
            certificate, key = self.certificate(name, *groups, user=user)
            credentials = {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)}
        where = {"server": f"https://{address}:{port or self.port}",
                 "certificate-authority-data": _base64(self.ca.certificate)}
        config = {"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "e2e", "cluster": where}],
                  "users": [{"name": name, "user": credentials}],
                  "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": name}}],
                  "current-context": "e2e"}
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        path.chmod(0o600)
        return path

    def api_as(self, name, *groups, token=None):
        if token:
            return Api("127.0.0.1", self.port, self.ca.certificate, token=token)
        return Api("127.0.0.1", self.port, self.ca.certificate, certificate=self.certificate(name, *groups))

    def token(self, namespace, account, seconds=3600):
        """A token of a service account, as a pod has it."""
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                   "spec": {"expirationSeconds": seconds}}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        return self.api.post(path, request)["status"]["token"]

    # --- commands ---

    def environment(self, user="admin"):
        return {**os.environ, "KUBECONFIG": str(self.directory / f"{user}.kubeconfig"), "HOME": str(self.directory),
                "PATH": f"{self.tools}:{os.environ['PATH']}"}

    def run(self, *command, stdin="", user="admin", expect=(0,), seconds=COMMAND_SECONDS):
        """Run a program with the user's kubeconfig. expect holds the exit codes that are fine; None: any."""
        done = subprocess.run([str(word) for word in command], input=stdin, text=True, encoding="utf-8",
                              capture_output=True, env=self.environment(user), timeout=seconds, check=False)
        assert expect is None or done.returncode in expect, \
            f"exit {done.returncode} of {' '.join(map(str, command))}\n{done.stderr}{done.stdout[:2000]}"
        return done

    def kubectl(self, *arguments, **named):
        return self.run(self.tools / "kubectl", *arguments, **named)

    def helm(self, *arguments, **named):
        return self.run(self.tools / "helm", *arguments, **named)

    # --- objects ---

    def create_kinds(self, definitions=None):
        """Create the custom resource definitions, and wait until their resources can be listed."""
        wanted = definitions or crds.definitions()
        for definition in wanted:
            # The large ones do not fit into the annotation of client-side apply.
            self.api.apply(f"{crds.PATH}/{definition['metadata']['name']}", definition)
        for definition in wanted:
            path = f"{crds.PATH}/{definition['metadata']['name']}"
            eventually(lambda path=path: crds.established(self.api.get(path)), START_SECONDS, f"{path} is established")
        for definition in wanted:
            for version in definition["spec"]["versions"]:
                path = f"/apis/{definition['spec']['group']}/{version['name']}/{definition['spec']['names']['plural']}"
                eventually(lambda path=path: self._answers(f"{path}?limit=1"), START_SECONDS, f"{path} can be listed")

    def path_of(self, obj, name=""):
        """The path of an object's collection, or with a name of the object."""
        group, _, version = obj["apiVersion"].rpartition("/")
        resources = self.api.get(f"/apis/{group}/{version}" if group else f"/api/{version}")["resources"]
        resource = next(r for r in resources if r["kind"] == obj["kind"] and "/" not in r["name"])
        prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
        if resource["namespaced"]:
            prefix += f"/namespaces/{obj['metadata'].get('namespace', 'default')}"
        return f"{prefix}/{resource['name']}{'/' + name if name else ''}"

    def remove(self, path):
        """Delete an object, if it is there, and do not wait for those who would have to agree."""
        if self.api.find(path):
            self.api.merge(path, {"metadata": {"finalizers": None}})
            self.api.delete(path)

    def put(self, *objects):
        """Create objects, each with its status, and their namespaces where they are missing. What is there already is
        changed."""
        for obj in objects:
            namespace = obj["metadata"].get("namespace")
            if namespace and not self.api.find(f"/api/v1/namespaces/{namespace}"):
                self.api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
            path = self.path_of(obj)
            one = f"{path}/{obj['metadata']['name']}"
            try:
                made = self.api.post(path, obj)
            except ApiError as error:
                if error.status != 409:
                    raise
                made = self.api.merge(one, obj)
            if obj["kind"] == "Node" and "taints" not in obj.get("spec", {}):
                self.api.merge(one, {"spec": {"taints": None}})  # each new node gets one, as it is not ready
            if "status" in obj and made.get("status") != obj["status"]:
                self.api.merge(f"{one}/status", {"status": obj["status"]})


def _base64(path):
    return base64.b64encode(pathlib.Path(path).read_bytes()).decode()


def as_json(*objects):
    """What kubectl reads."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)} if len(objects) != 1 else objects[0])
