# SPDX-License-Identifier: Apache-2.0
"""The webhook from outside, over TLS: what it answers, whom it never stops, and how it follows its files."""
import copy
import json
import os
import re
import shutil
import signal
import socket
import ssl
import stat

import pytest
import yaml

from support import (EXAMPLES, Server, authority, certificate_of, cluster, eventually, example, instance,
                     instance_spec, machine, migration, namespace_of, put, review_of)

CONTROLLERS = [f"system:serviceaccount:kubevirt:kubevirt-{name}"
               for name in ("controller", "handler", "synchronization-controller")]
BRIDGE = instance_spec("bridge")
STATUS_KEYS = ["metadata", "status", "message", "reason", "details", "code"]
CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "rwo"},
         "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}


def claim(namespace, name="rwo"):
    return {**CLAIM, "metadata": {"name": name, "namespace": namespace}}


@pytest.fixture(scope="module", name="server")
def server_fixture(migvet, tmp_path_factory):
    """The example cluster, and namespaces that ask for levels."""
    directory = tmp_path_factory.mktemp("serve")
    labels = {"strict": {"enforce": "migratable"}, "declared": {"enforce": "declared"},
              "free": {"enforce": "none"},
              "resilient": {"enforce": "resilient"}, "warned": {"warn": "migratable"},
              "silent": {"warn": "none"},
              "unaudited": {"audit": "none", "warn": "none"}, "typo": {"enforce": "banana",
                                                                       "warn": "Migratable"},
              "kube-system": {"enforce": "migratable"}, "kubevirt": {"enforce": "migratable"},
              "migvet": {"enforce": "migratable"}, "mdeny": {"migrations": "deny"},
              "mwarn": {"migrations": "warn"}, "maudit": {"migrations": "audit"},
              "mtypo": {"migrations": "never"}}
    objects = [namespace_of(name, **values) for name, values in labels.items()]
    objects += [claim("strict", name) for name in ("rwo", "rwo2")]
    objects += [instance("stuck", name, BRIDGE) for name in [*labels, "shop"]]
    objects += [instance("fine", name) for name in [*labels, "shop"]]
    files = cluster(directory / "cluster", *objects)
    with Server(migvet.path, "-f", files, certs=directory / "certs") as server:
        yield server


@pytest.fixture(name="client")
def client_fixture(server):
    with server.client() as client:
        yield client


def rules_of(response):
    return [warning.split(":")[0] for warning in response.get("warnings", [])]


def is_denial(response, code=403, rules=None):
    """The response is a denial of the contract's shape."""
    assert response["allowed"] is False
    status = response["status"]
    assert list(status) == [key for key in STATUS_KEYS if key in status]
    assert (status["status"], status["code"], status["reason"]) == \
        ("Failure", code, {403: "Forbidden", 422: "Invalid"}[code])
    assert status["message"] and "\n" not in status["message"]
    causes = status["details"]["causes"]
    assert causes and all(list(cause) == ["reason", "message", "field"] for cause in causes)
    for cause in causes:
        assert cause["message"] in status["message"] and cause["reason"] in status["message"]
    if rules is not None:
        assert [cause["reason"] for cause in causes] == rules
    return True


# --- TLS and HTTP -------------------------------------------------------

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_versions(server, version):
    with server.connect(server.tls(version, version)) as connection:
        assert connection.version() == {
    ssl.TLSVersion.TLSv1_2: "TLSv1.2",
     ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(server, version):
    with pytest.raises((ssl.SSLError, ConnectionError)) as error:
        server.connect(server.tls(version, version)).close()
    # By the server (which hangs up, or sends an alert), not by this client's own library.
    assert isinstance(error.value, (ssl.SSLZeroReturnError, ssl.SSLEOFError, ConnectionError)) or \
        "ALERT" in str(error.value)


def test_keep_alive(server, client):
    client.review(example("create-good-vm"))
    kept = client.http.sock
    for name in ("create-rwo-vm", "create-migration", "create-good-vm"):
        client.review(example(name))
        assert client.post("no review")[0] == 400
        assert client.http.sock is kept
    assert client.post("{}", path="/nope")[0] == 404
    assert client.http.sock is kept


def test_pipelined(server):
    body = example("create-good-vm").encode()
    request = (f"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(body)}\r\n\r\n").encode() + body
    with server.connect() as connection:
        connection.sendall(request * 3 + b"GET /validate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200"] * 3 + [b"405"]


@pytest.mark.parametrize("name, allowed, causes, warnings", [
    ("create-good-vm", True, [], []), ("create-bridge-vm",
     True, [], ["pod-network-binding", "eviction-strategy"]),
    ("create-rwo-vm", True, [], ["pvc-access-mode", "eviction-strategy"]), ("create-port-vm", True, [], []),
    ("create-migration", False, ["pvc-access-mode"], [])])
def test_examples(client, name, allowed, causes, warnings):
    response = client.review(example(name))
    assert response["allowed"] is allowed and rules_of(response) == warnings
    assert response["auditAnnotations"]["verdict"] == \
        ("True" if name in ("create-good-vm", "create-port-vm") else "False")
    assert allowed or is_denial(response, rules=causes)


def test_warnings(migvet, client):
    known = [rule["name"] for rule in migvet.json("rules", "-o", "json", expect=(0,))]
    long = instance_spec(volumes=[{"name": "ü" * 60, "persistentVolumeClaim": {"claimName": "ß" * 200}}])
    response = client.review(review_of(machine(spec=long)))
    for some in (response, client.review(example("create-bridge-vm"))):
        assert rules_of(some) and set(rules_of(some)) <= set(known)
        assert all(len(warning) <= 120 for warning in some["warnings"])


# --- who may be denied --------------------------------------------------

def test_level_is_enforced(client):
    assert is_denial(client.review(review_of(machine(namespace="strict", spec=BRIDGE))),
                     rules=["pod-network-binding"])
    both = instance_spec("bridge", claim="rwo")
    assert is_denial(client.review(review_of(machine(namespace="strict", spec=both))))
    response = client.review(review_of(machine(namespace="strict", spec=both)))
    assert {cause["reason"]: cause["field"] for cause in response["status"]["details"]["causes"]} == \
        {"pod-network-binding": "spec.template.spec.domain.devices.interfaces[0]",
         "pvc-access-mode": "spec.template.spec.volumes[0]"}
    assert client.review(review_of(machine(namespace="strict")))["allowed"]
    assert is_denial(client.review(review_of(instance(namespace="strict", spec=BRIDGE))))
    assert is_denial(client.review(review_of(machine(namespace="strict", spec=BRIDGE), dryRun=True)))
    nameless = machine(namespace="strict", spec=BRIDGE, generateName="m-")
    del nameless["metadata"]["name"]
    assert is_denial(client.review(review_of(nameless)))


@pytest.mark.parametrize("namespace, strategy, allowed, warnings", [
    ("shop", "LiveMigrate", True, 2), ("shop", "None", True, 0), ("nowhere", "LiveMigrate", True, 2),
    ("declared", "LiveMigrate", False, 0), ("declared", "LiveMigrateIfPossible", True, 0),
    ("strict", "None", False, 0), ("resilient", "None", False, 0), ("free", "LiveMigrate", True, 2),
    ("warned", "None", True, 1), ("silent", "LiveMigrate", True, 0)])
def test_levels(client, namespace, strategy, allowed, warnings):
    spec = instance_spec("bridge", evictionStrategy=strategy)
    response = client.review(review_of(machine(namespace=namespace, spec=spec)))
    assert response["allowed"] is allowed
    assert len(response.get("warnings", [])) == warnings
    assert response["auditAnnotations"]["verdict"] == "False"
    assert client.review(review_of(machine(namespace=namespace)))["allowed"]


def test_audit_level(client):
    for namespace, rules in (("shop", "pod-network-binding"), ("unaudited", None)):
        response = client.review(review_of(machine(namespace=namespace, spec=BRIDGE)))
        assert response["auditAnnotations"].get("rules") == rules


def test_unknown_level_is_warned_about(client):
    response = client.review(review_of(machine(namespace="typo", spec=BRIDGE)))
    assert response["allowed"]  # the defaults decide: enforce none, warn declared
    assert rules_of(response) == [
    "migvet.io/enforce",
    "migvet.io/warn",
    "pod-network-binding",
     "eviction-strategy"]
    assert "banana" in response["warnings"][0]
    response = client.review(review_of(migration("stuck", "mtypo")))
    assert is_denial(response) and rules_of(response) == ["migvet.io/migrations"]


def test_unknown_verdict_passes_with_a_warning(client):
    response = client.review(review_of(machine(namespace="strict", spec=instance_spec(claim="absent"))))
    assert response["allowed"] and rules_of(response) == ["pvc-access-mode"]
    assert response["auditAnnotations"]["verdict"] == "Unknown"


@pytest.mark.parametrize("namespace, allowed, warnings", [
    ("shop", False, []), ("mdeny", False, []), ("mwarn", True, ["pod-network-binding"]), ("maudit", True, []),
    ("free", False, [])])
def test_migrations(client, namespace, allowed, warnings):
    response = client.review(review_of(migration("stuck", namespace)))
    assert response["allowed"] is allowed
    assert [rule for rule in rules_of(response) if rule != "eviction-strategy"] == warnings
    assert allowed or is_denial(response, rules=["pod-network-binding"])
    assert client.review(review_of(migration("fine", namespace)))["allowed"]
    for user in CONTROLLERS:
        response = client.review(review_of(migration("stuck", namespace), user=user))
        assert response["allowed"] and "warnings" not in response


@pytest.mark.parametrize("what", [machine, instance])
@pytest.mark.parametrize("user, allowed", [
    *[(user, True) for user in CONTROLLERS], ("system:serviceaccount:kube-system:generic-garbage-collector",
                                              True),
    ("jane", False), ("system:admin", False), ("system:serviceaccount:kubevirt:kubevirt-apiserver", False),
    ("system:serviceaccount:kubevirt:kubevirt-controllers", False), ("kubevirt-controller", False),
    ("system:serviceaccount:other:kubevirt-controller", False),
    ("system:serviceaccount:kubevirt:kubevirt-controller:x", False),
    ("system:serviceaccount:kube-systems:x", False), ("system:serviceaccount:kube-system", False)])
def test_controllers_are_never_denied(client, what, user, allowed):
    response = client.review(review_of(what(namespace="strict", spec=BRIDGE), user=user))
    assert response["allowed"] is allowed
    if user.endswith((":kubevirt-controller", "collector")) and allowed:
        assert "warnings" not in response and response["auditAnnotations"]["verdict"] == "False"


def test_annotations_exempt_nobody(client):
    annotations = {"kubevirt.io/created-by": CONTROLLERS[0], "migvet.io/exempt": "strict/m: please",
                   "migvet.io/verdict": "True"}
    assert is_denial(
    client.review(
        review_of(
            machine(
                namespace="strict",
                spec=BRIDGE,
                 annotations=annotations))))


def test_delete_is_never_denied(client):
    assert client.review(review_of(None, "DELETE", machine(namespace="strict", spec=BRIDGE)))["allowed"]
    assert client.review(review_of(None, "DELETE", migration("stuck", "strict")))["allowed"]


def test_deletion_is_never_denied(client):
    going = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a/b"]}
    old, new = machine(namespace="strict", **going), machine(namespace="strict", spec=BRIDGE, **going)
    assert client.review(review_of(new, "UPDATE", old))["allowed"]
    assert not client.review(review_of(machine(namespace="strict", spec=BRIDGE), "UPDATE", old))["allowed"]


def test_status_is_never_denied(client):
    old, new = machine(namespace="strict"), machine(namespace="strict", spec=BRIDGE)
    response = client.review(review_of(new, "UPDATE", old, subResource="status"))
    assert response["allowed"] and "auditAnnotations" not in response


@pytest.mark.parametrize("kind, controller, allowed", [
    ("VirtualMachine", True, True), ("VirtualMachine", False, False), ("VirtualMachine", None, False),
    ("VirtualMachineInstanceReplicaSet", True, False), (None, None, False)])
def test_instance_of_a_machine_is_never_denied(client, kind, controller, allowed):
    owner = {"apiVersion": "kubevirt.io/v1", "kind": kind, "name": "m", "uid": "1", "controller": controller}
    if controller is None:
        del owner["controller"]
    owners = {"ownerReferences": [owner]} if kind else {}
    response = client.review(review_of(instance(namespace="strict", spec=BRIDGE, **owners)))
    assert response["allowed"] is allowed
    assert allowed or is_denial(response, rules=["pod-network-binding"])


@pytest.mark.parametrize("namespace", ["kube-system", "kubevirt", "migvet"])
def test_namespaces_that_are_never_denied(client, namespace):
    for review in (review_of(machine(namespace=namespace, spec=BRIDGE)),
                   review_of(
    instance(
        namespace=namespace, spec=BRIDGE)), review_of(
            migration(
                "stuck", namespace)),
                   review_of(machine(namespace=namespace, spec=BRIDGE), "UPDATE",
                             machine(namespace=namespace))):
        response = client.review(review)
        assert response["allowed"] and response["auditAnnotations"]["verdict"] == "False"


def test_namespace_of_kubevirt(migvet, tmp_path):
    """It is where the KubeVirt object is, kubevirt when there is none."""
    kubevirt = {"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": {"name": "k",
                                                                                 "namespace": "virt"},
                "status": {"phase": "Deployed"}}
    spaces = [namespace_of(name, enforce="migratable") for name in ("strict", "virt", "kubevirt")]
    for objects, home, other in (([kubevirt, *spaces], "virt", "kubevirt"), (spaces, "kubevirt", "virt")):
        (tmp_path / "cluster.yaml").write_text(yaml.safe_dump_all(objects), encoding="utf-8")
        with Server(migvet.path, "-f", tmp_path, certs=tmp_path / "certs") as server, \
                server.client() as client:
            for namespace, allowed in ((home, True), (other, False)):
                user = f"system:serviceaccount:{namespace}:kubevirt-controller"
                bad = machine(namespace="strict", spec=BRIDGE)
                assert client.review(review_of(bad, user=user))["allowed"] is allowed
                assert client.review(
    review_of(
        machine(
            namespace=namespace,
             spec=BRIDGE)))["allowed"] is allowed


# --- updates ------------------------------------------------------------

def updated(client, old, new):
    return client.review(review_of(machine(namespace="strict", spec=new), "UPDATE",
                                   machine(namespace="strict", spec=old)))


def test_update_that_makes_it_worse_is_denied(client):
    good, claimed = instance_spec(), instance_spec(claim="rwo")
    assert is_denial(updated(client, good, BRIDGE), rules=["pod-network-binding"])
    assert not updated(client, good, claimed)["allowed"]
    assert not updated(client, BRIDGE, instance_spec("bridge", claim="rwo"))["allowed"]  # one more blocker
    two = copy.deepcopy(claimed)  # the same rule, another volume
    two["volumes"].append({"name": "more", "persistentVolumeClaim": {"claimName": "rwo2"}})
    assert not updated(client, claimed, two)["allowed"]


def test_update_that_makes_it_no_worse_is_allowed(client):
    grown = copy.deepcopy(BRIDGE)
    grown["domain"]["memory"]["guest"] = "2Gi"
    response = updated(client, BRIDGE, grown)
    assert response["allowed"] and "warnings" not in response
    assert response["auditAnnotations"]["verdict"] == "False"
    assert updated(client, instance_spec("bridge", claim="rwo"), BRIDGE)["allowed"]
    assert updated(client, BRIDGE, instance_spec())["allowed"]
    response = updated(client, instance_spec(), instance_spec(claim="absent"))  # Unknown is never worse
    assert response["allowed"] and rules_of(response) == ["pvc-access-mode"]


def test_update_of_anything_but_the_spec_is_untouched(client):
    old, new = machine(spec=BRIDGE), machine(spec=BRIDGE, labels={"a": "b"})
    response = client.review(review_of(new, "UPDATE", old))
    assert response == {"uid": response["uid"], "allowed": True}


def test_other_kinds_are_allowed_untouched(client):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "strict"}}
    review = review_of(machine(namespace="strict", spec=BRIDGE))
    review["request"].update(object=pod, kind={"group": "", "version": "v1", "kind": "Pod"},
                             resource={"group": "", "version": "v1", "resource": "pods"})
    assert client.review(review) == {"uid": review["request"]["uid"], "allowed": True}


# --- following files ----------------------------------------------------

@pytest.fixture(name="live")
def live_fixture(migvet, tmp_path):
    """A server of its own, its directory of files, and what it says of a VM on the claim of storage.yaml."""
    files = cluster(tmp_path / "cluster")
    with Server(migvet.path, "-f", files, certs=tmp_path / "certs") as server, server.client() as client:
        yield server, files, lambda: client.review(example("create-rwo-vm"))["auditAnnotations"]["verdict"]


def storage(mode):
    text = (EXAMPLES / "cluster" / "storage.yaml").read_text(encoding="utf-8")
    return text.replace("accessModes: [ReadWriteOnce]\n  storageClassName",
                        f"accessModes: [{mode}]\n  storageClassName")


def seen(verdict, wanted):
    took, _ = eventually(lambda: verdict() == wanted, what=f"the verdict {wanted}")
    print(f"seen after {took:.2f} s")


def test_edits_are_seen(live):
    _, files, verdict = live
    path = files / "storage.yaml"
    assert verdict() == "False"
    path.write_text(storage("ReadWriteMany"), encoding="utf-8")  # in place
    seen(verdict, "True")
    put(path, storage("ReadWriteOnce"))  # renamed into place
    seen(verdict, "False")
    path.unlink()
    seen(verdict, "Unknown")
    (files / "later.yaml").write_text(storage("ReadWriteMany"), encoding="utf-8")
    seen(verdict, "True")


def test_broken_edit_leaves_the_last_good_state(live):
    server, files, verdict = live
    path = files / "storage.yaml"
    assert server.health("/readyz?verbose")[0] == 200
    for broken in ("kind: [\n", storage("ReadWriteMany") + "---\n:\n\t", storage("7")):
        path.write_text(broken, encoding="utf-8")
        eventually(lambda: "storage.yaml:" in server.health("/readyz?verbose")[2], what="broken")
        status, _, text = server.health("/readyz?verbose")
        assert status == 200 and re.search(r"storage\.yaml:\d+:\d+: ", text), text
        assert verdict() == "False"
        assert server.metrics()["migvet_files_broken"] == 1
        # The log is read by another thread of this test.
        eventually(lambda: [e for e in server.events("the files cannot be read; the last good state stays in force")
                            if re.search(r"storage\.yaml:\d+:\d+: ", e["error"])], what="a line in the log")
        path.write_text(storage("ReadWriteMany"), encoding="utf-8")
        seen(verdict, "True")
        eventually(lambda: server.metrics()["migvet_files_broken"] == 0, what="mended")
        assert "storage.yaml" not in server.health("/readyz?verbose")[2]
        path.write_text(storage("ReadWriteOnce"), encoding="utf-8")
        seen(verdict, "False")


def test_mounted_config_map(migvet, tmp_path):
    """Kubernetes replaces the files of a mounted ConfigMap by turning one link."""
    mount = tmp_path / "mount"
    for version, mode in (("..1", "ReadWriteOnce"), ("..2", "ReadWriteMany")):
        shutil.copytree(EXAMPLES / "cluster", mount / version)
        (mount / version / "storage.yaml").write_text(storage(mode), encoding="utf-8")
    (mount / "..data").symlink_to("..1")
    for path in (EXAMPLES / "cluster").iterdir():
        (mount / path.name).symlink_to(f"..data/{path.name}")
    with Server(migvet.path, "-f", mount, certs=tmp_path / "certs") as server, server.client() as client:
        def verdict():
            return client.review(example("create-rwo-vm"))["auditAnnotations"]["verdict"]
        assert verdict() == "False"
        assert server.metrics()['migvet_snapshot_objects{kind="Node"}'] == 4
        for target, wanted in (("..2", "True"), ("..1", "False")):
            (mount / "..data_tmp").symlink_to(target)
            os.replace(mount / "..data_tmp", mount / "..data")
            seen(verdict, wanted)


def test_hangup_reads_everything_again(live):
    server, _, verdict = live
    before = server.metrics()["migvet_snapshot_generation"]
    server.signal(signal.SIGHUP)
    eventually(lambda: server.metrics()["migvet_snapshot_generation"] > before, what="read again")
    assert verdict() == "False"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_end(migvet, tmp_path, number):
    files = cluster(tmp_path / "cluster")
    with Server(migvet.path, "-f", files, certs=tmp_path / "certs") as server:
        before = sorted(map(str, tmp_path.rglob("*")))
        with server.client() as client:
            client.review(example("create-good-vm"))
            assert server.stop(number) == 0
        for port in (server.port, server.management):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), 5).close()
    assert sorted(map(str, tmp_path.rglob("*"))) == before
    assert server.events("ended")


def test_broken_files_at_start(migvet, tmp_path):
    (tmp_path / "a.yaml").write_text("kind: [\n", encoding="utf-8")
    process = migvet("serve", "-f", tmp_path, "--certs", tmp_path / "c", "--listen", "127.0.0.1:0",
                     "--management",
                     "127.0.0.1:0", expect=(2,))
    assert "a.yaml:2:1: " in process.stderr
    assert "the files cannot be read, and there is no state from before" in process.stderr
    assert "last good state" not in process.stderr


# --- identity -----------------------------------------------------------

def test_identity_is_made_once(migvet, tmp_path):
    files, certs = cluster(tmp_path / "cluster"), tmp_path / "certs"
    with Server(migvet.path, "-f", files, certs=certs) as server:
        server.review(example("create-good-vm"))
    made = {path.name: path.read_bytes() for path in certs.iterdir() if not path.name.startswith(".")}
    assert {"ca.crt", "tls.crt", "tls.key"} <= set(made)
    for name in made:
        assert not name.endswith(".key") or stat.S_IMODE((certs / name).stat().st_mode) == 0o600
    with Server(migvet.path, "-f", files, certs=certs) as server:
        server.review(example("create-good-vm"))
    assert {path.name: path.read_bytes() for path in certs.iterdir() if not path.name.startswith(".")} == made


def test_identity_of_a_new_user(migvet, tmp_path, monkeypatch):
    """Without --certs, in a home directory that holds nothing."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    with Server(migvet.path, "-f", EXAMPLES / "cluster",
                ca=home / ".local/state/migvet/certs/ca.crt") as server:
        server.review(example("create-good-vm"))


def test_identity_of_ones_own_is_taken_up(migvet, tmp_path):
    signer = authority(tmp_path)
    certificate, key = certificate_of(tmp_path, "first", signer, "serverAuth")
    others = certificate_of(tmp_path, "second", signer, "serverAuth")
    with Server(migvet.path, "-f", cluster(tmp_path / "cluster"), "--cert", certificate, "--key", key,
                ca=signer[0]) as server, server.client() as kept:
        def name():
            with server.connect() as connection:
                return dict(pair[0] for pair in connection.getpeercert()["subject"])["commonName"]
        kept.review(example("create-good-vm"))
        connection = kept.http.sock
        assert name() == "first"
        shutil.copy(others[0], certificate)  # does not fit the key: the present one stays
        kept.review(example("create-good-vm"))
        assert name() == "first"
        shutil.copy(others[1], key)
        took, _ = eventually(lambda: name() == "second", what="the new certificate")
        print(f"taken up after {took:.2f} s")
        kept.review(example("create-good-vm"))
        assert kept.http.sock is connection


def test_rotation_is_taken_up(migvet, tmp_path):
    with Server(migvet.path, "-f", cluster(tmp_path / "cluster"), certs=tmp_path / "certs") as server, \
            server.client() as kept:
        kept.review(example("create-good-vm"))
        connection, trust = kept.http.sock, server.tls()

        def number(context):
            with server.connect(context) as new:
                return new.getpeercert()["serialNumber"]
        before = number(trust)
        migvet("certs", "rotate", "--certs", tmp_path / "certs", expect=(0,))
        eventually(lambda: number(trust) != before, what="the new certificate")
        kept.review(example("create-good-vm"))
        assert kept.http.sock is connection


def test_clients_show_a_certificate(migvet, tmp_path):
    right, wrong = authority(tmp_path, "right"), authority(tmp_path, "wrong")
    with Server(migvet.path, "-f", cluster(tmp_path / "cluster"), "--client-ca", right[0],
                certs=tmp_path / "certs") as server:
        for name, signer, usage, wanted in (
                ("apiserver", right, "clientAuth", 200), ("stranger", wrong, "clientAuth", 403),
                ("server", right, "serverAuth", 403), (None, None, None, 401), ("again", right, "clientAuth",
                                                                                200)):
            server.certificate = certificate_of(tmp_path, name, signer, usage) if name else None
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with server.client(server.tls(version, version)) as client:
                    status, _, body = client.post(example("create-good-vm"))
                    assert status == wanted, name
                    assert (json.loads(body)["kind"] == "AdmissionReview") is (wanted == 200)
        assert server.health("/readyz")[0] == 200


# --- health and metrics -------------------------------------------------

def test_health(server):
    for path in ("/livez", "/readyz"):
        status, headers, text = server.health(path)
        assert (status, text) == (200, "ok") and headers["Content-Type"].startswith("text/plain")
        assert server.health(path, "POST")[0] == 405 and server.health(path, "HEAD")[2] == ""
        status, _, text = server.health(path + "?verbose")
        lines = text.splitlines()
        assert status == 200 and lines[-1] == f"{path[1:]} check passed"
        assert all(re.match(r"\[\+\][a-z]+ ok", line) for line in lines[:-1])
    assert {re.match(r"\[\+\]([a-z]+)", line)[1] for line in lines[:-1]} == \
        {"ping", "cluster", "configuration", "identity", "outbox", "verdicts", "shutdown"}
    assert server.health("/nope")[0] == server.health("/validate")[0] == 404


def test_metrics(server, client):
    review = review_of(machine(namespace="strict", spec=BRIDGE))
    series = 'migvet_admission_reviews_total{type="validating",resource="virtualmachines",' \
        'operation="CREATE",decision="denied",verdict="False"}'
    before = server.metrics()
    for _ in range(3):
        client.review(review)
    client.post("no review")
    after = server.metrics()
    assert after[series] == before.get(series, 0) + 3
    assert after['migvet_http_errors_total{code="400"}'] == before['migvet_http_errors_total{code="400"}'] + 1
    assert after["migvet_http_requests_total"] == before["migvet_http_requests_total"] + 4
    assert all(after[name] >= value for name, value in before.items()
               if re.search("_total|_count|_bucket|_sum", name))

    status, headers, text = server.health("/metrics")
    assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert text.endswith("\n")
    helps, types, seen_series = set(), {}, set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            assert line.split()[2] not in helps
            helps.add(line.split()[2])
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name in helps and name not in types and kind in ("counter", "gauge", "histogram")
            types[name] = kind
        else:
            found = re.fullmatch(r'([a-z_]+)(\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})? (\S+)', line)
            assert found, line
            float(found[3])
            family = found[1] if found[1] in types else re.sub("_(bucket|sum|count)$", "", found[1])
            assert family in types and (types[family] != "counter" or re.search("_(total|generation)$", family))
            assert found[1] + (found[2] or "") not in seen_series
            seen_series.add(found[1] + (found[2] or ""))
    assert helps == set(types)
