# SPDX-License-Identifier: Apache-2.0
"""The program under the system call profile that is shipped with it, and what it takes from itself."""
import json
import os
import pathlib
import signal
import subprocess

import pytest

from load import Load
from receiver import Delivery, Identity, Receiver
from support import EXAMPLES, ROOT, Server, cluster, eventually, example, machine, put, review_of

PROFILE = ROOT / "packaging" / "seccomp.json"
PYTHON = os.environ.get("PYTHON", "/usr/bin/python3")  # the one that has the module


def confined(directory, migvet, profile=PROFILE, flags=""):
    """A program that is migvet under the profile; any other system call kills it."""
    path = directory / "confined"
    runner = pathlib.Path(__file__).with_name("under_seccomp.py")
    path.write_text(f"#!/bin/sh\nexec {PYTHON} {runner} {flags} {profile} {migvet.path} \"$@\"\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_profile_is_for_a_container_runtime():
    profile = json.loads(PROFILE.read_text(encoding="utf-8"))
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    names = [name for entry in profile["syscalls"] for name in entry["names"]]
    assert len(names) == len(set(names)) and len(names) < 150
    for never in ("ptrace", "mount", "setuid", "setns", "unshare", "bpf", "keyctl", "process_vm_readv", "init_module",
                  "perf_event_open", "userfaultfd", "io_uring_setup", "chroot", "kexec_load", "personality"):
        assert never not in names


def test_what_is_not_allowed_kills(migvet, tmp_path):
    """So that the other tests here can fail."""
    profile = json.loads(PROFILE.read_text(encoding="utf-8"))
    for entry in profile["syscalls"]:
        entry["names"] = [name for name in entry["names"] if name != "epoll_create1"]
    (tmp_path / "less.json").write_text(json.dumps(profile), encoding="utf-8")
    process = subprocess.run([confined(tmp_path, migvet, tmp_path / "less.json"), "serve", "-f", EXAMPLES / "cluster",
                              "--certs", tmp_path / "certs", "--listen", "127.0.0.1:0", "--management", "127.0.0.1:0"],
                             timeout=60, capture_output=True, check=False)
    assert process.returncode == -signal.SIGSYS


def test_no_exec_plugin_runs(migvet, tmp_path):
    """A plugin would have the profile, too, and need what nobody knows. It is told, at once."""
    plugin = tmp_path / "plugin"
    plugin.write_text("#!/bin/sh\necho '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", "
                      "\"status\": {\"token\": \"t\"}}'\n", encoding="utf-8")
    plugin.chmod(0o755)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin),
                                                  "interactiveMode": "Never"}}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}), encoding="utf-8")
    command = [confined(tmp_path, migvet, flags="--default"), "check", "--kubeconfig", kubeconfig]
    process = subprocess.run(command, timeout=60, capture_output=True, text=True, check=False)
    assert process.returncode == 3
    assert f"exec plugin {plugin} cannot be run: Operation not permitted" in process.stderr
    # It is the profile: without it the plugin runs, and nobody listens.
    process = migvet("check", "--kubeconfig", kubeconfig, expect=(3,))
    assert "exec plugin" not in process.stderr


def test_serve(migvet, tmp_path):
    """All that happens in a pod: reviews, other files, SIGHUP, another certificate, probes, metrics, the end."""
    files = cluster(tmp_path / "cluster")
    with Server(confined(tmp_path, migvet), "-f", files, certs=tmp_path / "certs") as server, \
            Load(server, migvet, [files], threads=2):
        text = (files / "storage.yaml").read_text(encoding="utf-8")
        put(files / "storage.yaml", text + "\n")
        server.signal(signal.SIGHUP)
        migvet("certs", "rotate", "--certs", tmp_path / "certs", expect=(0,))
        eventually(lambda: server.events("TLS identity changed"), 10, "the new certificate")
        assert server.health("/readyz?verbose")[0] == 200 and server.metrics()
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
        assert "Seccomp:\t2\n" in status
        assert server.review(example("create-good-vm"))["allowed"]


def test_outbox(migvet, tmp_path):
    """Events are delivered, and a record that a killed server did not write to its end is cut off."""
    identity = Identity(tmp_path / "identity")
    delivery = Delivery(confined(tmp_path, migvet), tmp_path, identity)
    answers = {"refused": 400, "waiting": 503, "torn": 503}
    with Receiver(identity, lambda request: answers.get(request.name, 204)) as receiver:
        delivery.configure(delivery.receiver("mover", receiver), outbox={"tries": 1})
        server = delivery.serve()
        for name in ("taken", "refused"):
            server.review(review_of(machine(name)))
        eventually(lambda: server.metrics()['migvet_outbox_dead_letters{receiver="mover"}'] == 1, 30)
        for name in ("waiting", "torn"):
            server.review(review_of(machine(name)))
        server.kill()
        segment, = delivery.outbox.glob("*.log")
        os.truncate(segment, segment.stat().st_size - 3)
        answers.clear()
        before = len(receiver.names)
        with delivery.serve() as server:
            assert server.events("a record that was not written to its end was cut off")
            migvet("outbox", "retry", "--all", "--directory", delivery.outbox, expect=(0,))
            server.review(review_of(machine("new")))
            eventually(lambda: {"waiting", "refused", "new"} <= set(receiver.names[before:]), 30)
            assert "torn" not in receiver.names[before:]


@pytest.mark.parametrize("arguments", [("check", "-f", EXAMPLES / "cluster"), ("nodes", "-f", EXAMPLES / "cluster"),
                                       ("drain", "node-a", "-f", EXAMPLES / "cluster"), ("rules",), ("version",)],
                         ids=lambda arguments: arguments[0])
def test_commands(migvet, tmp_path, arguments):
    process = subprocess.run([confined(tmp_path, migvet), *map(str, arguments)], timeout=60, capture_output=True,
                             text=True, check=False)
    plain = migvet(*arguments)
    assert (process.returncode, process.stdout) == (plain.returncode, plain.stdout)


def test_no_new_privileges(migvet, tmp_path):
    """Neither the server nor what it executes can gain any."""
    with Server(migvet.path, "-f", EXAMPLES / "cluster", certs=tmp_path / "certs") as server:
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
        assert "NoNewPrivs:\t1\n" in status
