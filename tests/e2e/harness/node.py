# SPDX-License-Identifier: Apache-2.0
"""A cluster with one real node: kubelet, containerd and kube-proxy in the network namespace of the test.

There can be one in a namespace, since kube-proxy and the network plugin have its tables to themselves.
"""
import json
import os
import pathlib
import shutil
import subprocess

import yaml

from .cluster import Cluster
from .image import write_image
from .names import Names
from .pki import CLIENT, SERVER
from .processes import Process, eventually

NAME = "node-1"
ADDRESS, NETWORK = "10.70.0.1", "10.70.0.1/24"
PODS = "10.71.0.0/24"
PAUSE = "migvet.test/pause:1"
SECONDS = 90
PLUGINS = "/usr/lib/cni"
GROUPS = pathlib.Path("/sys/fs/cgroup")


def command(*words, **named):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, check=False,
                          **named)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr or done.stdout}"
    return done.stdout


def make_group(name):
    """A control group of that name in every hierarchy, so that two nodes of one machine keep apart."""
    if (GROUPS / "cgroup.controllers").exists():  # version 2: one hierarchy
        wanted = (GROUPS / "cgroup.controllers").read_text(encoding="ascii").split()
        enable = " ".join(f"+{controller}" for controller in wanted)
        try:
            (GROUPS / "cgroup.subtree_control").write_text(enable, encoding="ascii")
        except OSError as error:
            raise AssertionError(f"the controllers cannot be given to a control group here: {error}. Processes in the "
                                 f"root group of a container stand in the way: run this in a group below") from error
        (GROUPS / name).mkdir(exist_ok=True)
        (GROUPS / name / "cgroup.subtree_control").write_text(enable, encoding="ascii")
        return
    for line in pathlib.Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup":
            group = pathlib.Path(where) / name
            group.mkdir(exist_ok=True)
            for setting in ("cpuset.cpus", "cpuset.mems"):
                if (group / setting).exists():
                    (group / setting).write_text((pathlib.Path(where) / setting).read_text(encoding="ascii"),
                                                 encoding="ascii")


class Node:
    """A cluster of one node. images: archives to import. Start it, use .cluster, stop it."""

    def __init__(self, directory, logs, tools, images=(), also=()):
        self.directory, self.logs, self.tools = (pathlib.Path(path) for path in (directory, logs, tools))
        for program in ("containerd", "ctr", "runc", "iptables", "conntrack"):
            assert shutil.which(program), f"{program} is missing (tests/deps.sh e2e)"
        assert pathlib.Path(PLUGINS, "bridge").exists(), f"{PLUGINS}/bridge is missing (tests/deps.sh e2e)"
        self.images = [pathlib.Path(image) for image in images]
        self.cluster, self.also = None, also
        self.socket = self.directory / "containerd.sock"
        self.group = os.environ.get("MIGVET_E2E_GROUP", f"migvet-e2e-{os.getpid()}")
        self.containerd = self.kubelet = self.proxy = self.names = None

    def start(self):
        self.directory.mkdir(parents=True)
        self._network()
        make_group(self.group)
        self.cluster = Cluster(self.directory / "control", self.logs, self.tools, controllers=True, address=ADDRESS,
                               also=self.also)
        self.containerd = self._containerd().start()
        self.cluster.start()
        eventually(self._containerd_answers, SECONDS, "containerd answers", pause=0.2)
        for image in [self._pause(), *self.images]:
            self.import_image(image)
        self.names = Names(ADDRESS, self.cluster.api)
        self.kubelet, self.proxy = self._kubelet().start(), self._proxy().start()
        eventually(self._ready, SECONDS, "the node is ready", pause=0.2)
        return self

    def stop(self):
        """The namespaces take what this leaves: mounts, interfaces, containers."""
        for process in (self.kubelet, self.proxy):
            if process:
                process.kill()
        if self.names:
            self.names.close()
        for task in self.ctr("tasks", "ls", "-q").split() if self.containerd and self.containerd.alive() else []:
            self.ctr("tasks", "kill", "-s", "KILL", task)
        if self.containerd:
            self.containerd.kill()
        if self.cluster:
            self.cluster.stop()

    # --- parts ---

    @staticmethod
    def _network():
        command("ip", "link", "add", "br0", "type", "bridge")
        command("ip", "address", "add", NETWORK, "dev", "br0")
        command("ip", "link", "set", "br0", "up")
        command("ip", "route", "add", "default", "via", "10.70.0.254", "dev", "br0")

    def _pause(self):
        binary = self.directory / "pause"
        command("gcc", "-O2", "-static", "-o", binary, pathlib.Path(__file__).resolve().parents[1] / "pause.c")
        return write_image(self.directory / "pause.tar", PAUSE, ["/pause"], {"/pause": binary})

    def _write(self, name, value):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else yaml.safe_dump(value), encoding="utf-8")
        return path

    def _containerd(self):
        network = {"cniVersion": "0.4.0", "name": "e2e", "plugins": [
            {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "hairpinMode": True,
             "ipam": {"type": "host-local", "dataDir": str(self.directory / "addresses"),
                      "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]}},
            {"type": "portmap", "capabilities": {"portMappings": True}}]}
        self._write("cni/10-e2e.conflist", json.dumps(network))
        runtime = '[plugins."io.containerd.grpc.v1.cri"'
        config = self._write("containerd.toml", f"""version = 2
root = "{self.directory}/containers"
state = "/run/containerd"
[grpc]
  address = "{self.socket}"
{runtime}]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
{runtime}.containerd]
  snapshotter = "overlayfs"
{runtime}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
{runtime}.containerd.runtimes.runc.options]
  SystemdCgroup = false
{runtime}.cni]
  bin_dir = "{PLUGINS}"
  conf_dir = "{self.directory}/cni"
""")
        return Process("containerd", ["containerd", "--config", config], self.logs / "containerd.log")

    def _containerd_answers(self):
        self.containerd.check()
        return subprocess.run(["ctr", "-a", self.socket, "version"], capture_output=True, timeout=30,
                              check=False).returncode == 0

    def ctr(self, *arguments):
        return command("ctr", "-a", self.socket, "-n", "k8s.io", *arguments)

    def import_image(self, archive):
        self.ctr("images", "import", archive)

    def _kubelet(self):
        cluster, directory = self.cluster, self.directory
        certificate, key = cluster.certificate("kubelet", "system:nodes", user=f"system:node:{NAME}",
                                               usages=(CLIENT, SERVER), names=[f"DNS:{NAME}", f"IP:{ADDRESS}"])
        config = self._write("kubelet.yaml", {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "failCgroupV1": False, "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{self.group}",
            "containerRuntimeEndpoint": f"unix://{self.socket}", "failSwapOn": False, "address": ADDRESS,
            "tlsCertFile": str(certificate), "tlsPrivateKeyFile": str(key),
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                               "x509": {"clientCAFile": str(cluster.ca.certificate)}},
            "authorization": {"mode": "Webhook"}, "resolvConf": "",
            "clusterDNS": [ADDRESS], "clusterDomain": "cluster.local", "enforceNodeAllocatable": ["pods"],
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%",
                             "nodefs.inodesFree": "1%"},
            "imageGCHighThresholdPercent": 100, "syncFrequency": "5s", "registerNode": True,
            "podLogsDir": str(directory / "pod-logs")})
        (directory / "pod-logs").mkdir()
        return Process("kubelet", [self.tools / "kubelet", f"--config={config}", f"--hostname-override={NAME}",
                                   f"--kubeconfig={cluster.kubeconfig('kubelet')}", f"--root-dir={directory}/kubelet",
                                   f"--node-ip={ADDRESS}", "--v=2"], self.logs / "kubelet.log")

    def _proxy(self):
        user = self.cluster.kubeconfig("kube-proxy", user="system:kube-proxy")
        config = self._write("kube-proxy.yaml", {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "iptables",
            "bindAddress": ADDRESS, "hostnameOverride": NAME, "healthzBindAddress": "127.0.0.1:10256",
            "metricsBindAddress": "127.0.0.1:10249", "clientConnection": {"kubeconfig": str(user)},
            "detectLocalMode": "ClusterCIDR", "clusterCIDR": PODS, "conntrack": {"maxPerCore": 0, "min": 0},
            "iptables": {"minSyncPeriod": "0s"}})
        return Process("kube-proxy", [self.tools / "kube-proxy", f"--config={config}", "--v=2"],
                       self.logs / "kube-proxy.log")

    def _ready(self):
        self.kubelet.check()
        self.proxy.check()
        node = self.cluster.api.find(f"/api/v1/nodes/{NAME}")
        conditions = node["status"].get("conditions", []) if node else []
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
