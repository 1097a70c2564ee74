# SPDX-License-Identifier: Apache-2.0
"""No secret in a log, a message or a metric: tokens, passwords and keys of everything that runs, at level debug."""
import base64
import re

import pytest

from fake_api import FakeApi
from fake_objects import FakeObjects
from support import EXAMPLES, Server, cluster, eventually, example

TOKEN = "tok3n-abcdefghijklmnop-0123456789"
PASSWORD = "passw0rd-of-the-proxy"


def parts_of(text):
    """Pieces of a PEM key that would give it away: its lines of base64."""
    lines, inside = [], False
    for line in text.splitlines():
        if re.match(r"-----(BEGIN|END) .*PRIVATE KEY-----", line):
            inside = line.startswith("-----BEGIN")
        elif inside and len(line) >= 20:
            lines.append(line[:40])
    assert lines
    return lines


def check_free_of(texts, secrets):
    assert secrets
    for text in texts:
        for secret in secrets:
            for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("=")):
                assert form not in text, f"{form[:12]}... is in: {text[:2000]}"


def public(server):
    """All that the server says of itself."""
    return ["".join(server.log), server.health("/metrics")[2], server.health("/readyz?verbose")[2],
            server.health("/livez")[2]]


def test_keys_of_a_directory(migvet, tmp_path):
    certs, texts = tmp_path / "certs", []
    with Server(migvet.path, "-f", EXAMPLES / "cluster", "--log-level", "debug", certs=certs) as server:
        assert server.review(example("create-good-vm"))["allowed"]
        secrets = [part for name in ("ca.key", "tls.key") for part in parts_of((certs / name).read_text("ascii"))]
        process = migvet("certs", "rotate", "--ca", "--certs", certs, expect=(0,))
        texts += [process.stdout, process.stderr]
        eventually(lambda: server.events("TLS identity changed"), 10, "the new certificate")
        secrets += [part for name in ("ca.key", "tls.key") for part in parts_of((certs / name).read_text("ascii"))]
        (certs / "tls.key").write_text((certs / "ca.key").read_text("ascii"), "ascii")  # that of another certificate
        eventually(lambda: any("cannot" in event["msg"] for event in server.events()), 10, "the error")
        process = migvet("certs", "show", "--certs", certs, expect=None)
        texts += [process.stdout, process.stderr, *public(server)]
    check_free_of(texts, secrets)


def test_key_of_a_secret(migvet, tmp_path):
    """The authority that replicas share."""
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/migvet"
    with FakeObjects(tmp_path / "api") as api:
        api.put(path, {"kind": "WebhookConfiguration", "metadata": {}, "webhooks": [
            {"name": "a.migvet.io", "clientConfig": {"service": {"name": "migvet", "namespace": "migvet"}}}]})
        with Server(migvet.path, "-f", cluster(tmp_path / "cluster"), "-n", "migvet", "--kubeconfig", api.kubeconfig,
                    "--webhook-configuration", "migvet", "--certs-secret", "migvet-certs", "--identity", "one",
                    "--rotation-settle", "500ms", "--log-level", "debug", ca=tmp_path / "unused") as server:
            eventually(lambda: server.health("/readyz")[0] == 200, 60, "ready")
            data = api.get("/api/v1/namespaces/migvet/secrets/migvet-certs")["data"]
            keys = [base64.b64decode(value).decode() for value in data.values()]
            secrets = [part for text in keys if "PRIVATE KEY" in text for part in parts_of(text)]
            check_free_of(public(server), secrets)


@pytest.mark.parametrize("tokens", [{TOKEN}, {"another"}], ids=["let-in", "refused"])
def test_token_of_a_kubeconfig(migvet, tmp_path, tokens):
    """Of a client that is let in, and of one that is not, whose errors are told."""
    (tmp_path / "api").mkdir()
    with FakeApi(tmp_path / "api") as api:
        api.tokens = tokens
        kubeconfig = api.kubeconfig(user={"token": TOKEN}, cluster={
            "proxy-url": f"http://someone:{PASSWORD}@127.0.0.1:{api.proxy_port}"})
        process = migvet("check", "--kubeconfig", kubeconfig, "-v", expect=None)
        check_free_of([process.stdout, process.stderr], [TOKEN, PASSWORD])
        assert api.requests and api.proxied, "nothing was asked"
        assert ("Unauthorized" in process.stderr) is (TOKEN not in tokens), process.stderr


def test_kubeconfig_that_is_wrong(migvet, tmp_path):
    """Errors name file, line and field, not what is there."""
    for text in (f"users:\n- name: a\n  user: {{token: [{TOKEN}]}}\n", f"users: {TOKEN}\n",
                 f"users:\n- name: a\n  user: {{password: {PASSWORD}, username: x}}\n",
                 f"clusters:\n- name: a\n  cluster: {{proxy-url: 'ftp://a:{PASSWORD}@x'}}\n",
                 f"clusters:\n- name: a\n  cluster: {{server: 'https://a:{PASSWORD}@x'}}\n"):
        whole = text + "current-context: a\ncontexts:\n- name: a\n  context: {cluster: a, user: a}\n"
        if "clusters" not in text:
            whole += "clusters:\n- name: a\n  cluster: {server: 'https://127.0.0.1:1'}\n"
        (tmp_path / "config").write_text(whole, "utf-8")
        process = migvet("check", "--kubeconfig", tmp_path / "config", expect=(2, 3))
        assert process.stderr
        check_free_of([process.stdout, process.stderr], [TOKEN, PASSWORD])
