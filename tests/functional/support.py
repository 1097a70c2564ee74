# SPDX-License-Identifier: Apache-2.0
"""What tests of the server share: a running `serve`, a client that speaks TLS, and objects to ask about."""
import contextlib
import copy
import fcntl
import functools
import http.client
import itertools
import json
import os
import pathlib
import pty
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import termios
import threading
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
VARIANT = os.environ.get("MIGVET_VARIANT", "release")
PLAIN = VARIANT == "release"  # built without sanitizers and counters
START_SECONDS = 60
END_SECONDS = 60

KINDS = {
    "VirtualMachine": ("kubevirt.io", "v1", "virtualmachines"),
    "VirtualMachineInstance": ("kubevirt.io", "v1", "virtualmachineinstances"),
    "VirtualMachineInstanceMigration": ("kubevirt.io", "v1", "virtualmachineinstancemigrations"),
    "VirtualMachineInstanceReplicaSet": ("kubevirt.io", "v1", "virtualmachineinstancereplicasets"),
    "VirtualMachinePool": ("pool.kubevirt.io", "v1beta1", "virtualmachinepools"),
    "MigrationPolicy": ("migrations.kubevirt.io", "v1alpha1", "migrationpolicies"),
    "Namespace": ("", "v1", "namespaces"),
    "NodeMaintenance": ("nodemaintenance.medik8s.io", "v1beta1", "nodemaintenances"),
}


def scaled(count):
    """A count for the plain build; sanitized ones do a tenth."""
    return count if PLAIN else count // 10


def eventually(condition, seconds=3.0, what=""):
    """Ask until the answer is true; how many seconds that took, and the answer."""
    begun = time.monotonic()
    while True:
        answer = condition()
        took = time.monotonic() - begun
        if answer:
            return took, answer
        assert took < seconds, f"{what or condition} is not so after {seconds} s"
        time.sleep(0.02)


def on_terminal(migvet, *arguments, columns=80):
    """Run it on a terminal that is so wide; what it printed there."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen([migvet.path, *map(str, arguments)], stdout=slave, stderr=subprocess.DEVNULL,
                          cwd=ROOT) as process:
        os.close(slave)
        data = b""
        while True:
            try:
                more = os.read(master, 65536)
            except OSError:
                break
            if not more:
                break
            data += more
        process.wait(timeout=60)
    os.close(master)
    return data.decode().replace("\r\n", "\n")


def run_where_no_file_may_grow(command):
    """The result of a command to which each write to a file is SIGXFSZ, and EFBIG where that is ignored. ThreadSanitizer writes
    a file in TMPDIR before main, unless there is no such directory."""
    return subprocess.run(["prlimit", "--fsize=0", *map(str, command)], text=True, capture_output=True, timeout=60, check=False,
                          env=os.environ | {"TMPDIR": "/nonexistent"})


def without_repeats(pairs):
    """An object of JSON in which no key comes twice."""
    found = dict(pairs)
    assert len(found) == len(pairs), pairs
    return found


class Server:
    """`migvet serve` on ports that the kernel chooses; use it in a with statement."""

    def __init__(self, program, *arguments, certs=None, ca=None, certificate=None, environment=None):
        command = [str(program), "serve", "--listen", "127.0.0.1:0", "--management", "127.0.0.1:0",
                   "--log-format", "json", *map(str, arguments)]
        if certs is not None:
            command += ["--certs", str(certs)]
        self.ca = pathlib.Path(ca if ca is not None else pathlib.Path(certs) / "ca.crt")
        self.certificate = certificate
        self.log = []
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        stdin=subprocess.DEVNULL, text=True, encoding="utf-8", cwd=ROOT,
                                        env={**os.environ, **(environment or {})})
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            _, event = eventually(self._serving, START_SECONDS, "the server is serving")
        except AssertionError:
            self.kill()
            raise
        self.port, self.management = int(event["port"]), int(event["managementPort"])

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line)

    def _serving(self):
        assert self.process.poll() is None, f"serve ended with {self.process.poll()}\n{''.join(self.log)}"
        return next(iter(self.events("serving")), None)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is not None:
            return
        if kind is not None:
            self.kill()
            return
        assert self.stop() == 0, f"serve ended with {self.process.returncode}\n{''.join(self.log[-50:])}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, number=signal.SIGTERM):
        """End it with a signal; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(END_SECONDS)
        self.reader.join(END_SECONDS)
        return code

    def signal(self, number):
        self.process.send_signal(number)

    def events(self, message=None):
        found = [json.loads(line, object_pairs_hook=without_repeats) for line in list(self.log)]
        return [event for event in found if message is None or event["msg"] == message]

    def tls(self, least=ssl.TLSVersion.TLSv1_2, most=ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=self.ca)
        # So that a client without the newer versions can offer the older ones at all.
        context.set_ciphers("DEFAULT:@SECLEVEL=0" if most < ssl.TLSVersion.TLSv1_2 else "DEFAULT")
        context.minimum_version, context.maximum_version = least, most
        if self.certificate:
            context.load_cert_chain(*self.certificate)
        return context

    def connect(self, context=None, timeout=30):
        """A TLS connection."""
        raw = socket.create_connection(("127.0.0.1", self.port), timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            return (context or self.tls()).wrap_socket(raw, server_hostname="localhost")
        except BaseException:
            raw.close()
            raise

    def client(self, context=None, timeout=30):
        return Client(self, context, timeout)

    def review(self, review, **arguments):
        """The response of one review, on a connection of its own."""
        with self.client() as client:
            return client.review(review, **arguments)

    def health(self, path, method="GET"):
        """Status, header fields and text of the second port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.management, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()

    def metrics(self):
        """Samples by series."""
        status, _, text = self.health("/metrics")
        assert status == 200
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


class Client:
    """A kept connection. Opened by the first request; opened anew when the server closed it with its
    answer."""

    def __init__(self, server, context=None, timeout=30):
        self.http = http.client.HTTPSConnection("localhost", server.port, timeout=timeout,
                                                context=context or server.tls())
        self.http._create_connection = functools.partial(self._open, server)

    @staticmethod
    def _open(server, _address, *arguments, **named):
        # The server listens on IPv4 alone; the certificate is asked for by name.
        return socket.create_connection(("127.0.0.1", server.port), *arguments, **named)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def post(self, body, path="/validate?timeout=10s", headers=None, method="POST"):
        """Status, header fields and bytes."""
        self.http.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
        answer = self.http.getresponse()
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()

    def review(self, review, **arguments):
        """Post a review, as text or an object; the response, with what the contract promises of each looked
        at."""
        text = review if isinstance(review, (bytes, str)) else json.dumps(review)
        status, headers, body = self.post(text, **arguments)
        assert status == 200, body
        assert headers["content-type"] == "application/json"
        answer = json.loads(body)
        assert (answer["apiVersion"], answer["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
        response = answer["response"]
        assert response["uid"] == json.loads(text)["request"]["uid"]
        assert response["allowed"] is ("status" not in response)
        return response


# --- objects ------------------------------------------------------------

_uids = itertools.count(1)


def review_of(obj, operation="CREATE", old=None, user="jane", **more):
    """An AdmissionReview, as kube-apiserver makes it; more goes into the request."""
    obj, old = copy.deepcopy(obj), copy.deepcopy(old)
    some = obj or old
    group, version, resource = KINDS[some["kind"]]
    kind = {"group": group, "version": version, "kind": some["kind"]}
    gvr = {"group": group, "version": version, "resource": resource}
    request = {
        "uid": f"00000000-0000-4000-9000-{next(_uids):012d}", "kind": kind, "resource": gvr,
        "requestKind": kind, "requestResource": gvr,
        "name": some["metadata"].get("name", ""), "namespace": some["metadata"].get("namespace", ""),
        "operation": operation, "userInfo": {"username": user, "groups": ["system:authenticated"]},
        "object": obj, "oldObject": old, "dryRun": False, "options": None, **more,
    }
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


def instance_spec(binding="masquerade", claim=None, **more):
    """A spec that can migrate unless binding is bridge or the claim cannot."""
    spec = {
        "architecture": "amd64", "evictionStrategy": "LiveMigrate",
        "domain": {"cpu": {"model": "Haswell"}, "memory": {"guest": "1Gi"},
                   "devices": {"interfaces": [{"name": "default", binding: {}}]}},
        "networks": [{"name": "default", "pod": {}}], **more,
    }
    if claim:
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
        spec["domain"]["devices"]["disks"] = [{"name": "data", "disk": {"bus": "virtio"}}]
    return spec


def machine(name="m", namespace="shop", spec=None, **meta):
    return {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
            "metadata": {"name": name, "namespace": namespace, **meta},
            "spec": {"runStrategy": "Always", "template": {"spec": spec or instance_spec()}}}


def instance(name="i", namespace="shop", spec=None, **meta):
    return {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance",
            "metadata": {"name": name, "namespace": namespace, **meta}, "spec": spec or instance_spec(),
            "status": {"phase": "Running", "nodeName": "node-a"}}


def migration(vmi, namespace="shop", name="move", **meta):
    return {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration",
            "metadata": {"name": name, "namespace": namespace, **meta}, "spec": {"vmiName": vmi}}


def namespace_of(name, **labels):
    return {"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {f"migvet.io/{key}": value for key,
                                                  value in labels.items()}}}


def cluster(directory, *objects):
    """The example cluster in a directory of its own, with more objects."""
    shutil.copytree(EXAMPLES / "cluster", directory)
    (directory / "more.yaml").write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    return directory


def put(path, text):
    """Replace a file at once, as careful editors do."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.rename(path)


def example(name):
    return (EXAMPLES / "reviews" / f"{name}.json").read_text(encoding="utf-8")


# --- certificates -------------------------------------------------------

def openssl(*arguments, **named):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60, **named)


def authority(directory, name="ca"):
    """A certificate authority; its certificate and key."""
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", key, "-out", certificate,
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
            "keyUsage=critical,keyCertSign,cRLSign")
    return certificate, key


def certificate_of(directory, name, signer, usage):
    """A certificate and key, made by an authority; usage is serverAuth or clientAuth."""
    certificate, key, request = (directory / f"{name}.{end}" for end in ("crt", "key", "csr"))
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", key, "-out", request)
    extensions = directory / f"{name}.ext"
    extensions.write_text(f"extendedKeyUsage={usage}\n"
                          "subjectAltName=DNS:localhost\nkeyUsage=digitalSignature\n",
                          encoding="utf-8")
    openssl("x509", "-req", "-in", request, "-CA", signer[0], "-CAkey", signer[1], "-days", "1",
            "-extfile", extensions, "-out", certificate)
    return certificate, key
