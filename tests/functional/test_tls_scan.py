# SPDX-License-Identifier: Apache-2.0
"""What a scanner of TLS finds at the port: only TLS 1.2 and 1.3, forward secrecy, authenticated encryption, three groups."""
import re
import subprocess

import pytest

from support import EXAMPLES, Server

TIMEOUT = 60
SUITES_13 = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
# The certificate is ECDSA, so what asks for an RSA certificate is refused for that already.
SUITES_12 = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"}
GROUPS = {"X25519", "P-256", "P-384"}


@pytest.fixture(scope="module", name="server")
def server_fixture(migvet, tmp_path_factory):
    certs = tmp_path_factory.mktemp("scan") / "certs"
    with Server(migvet.path, "-f", EXAMPLES / "cluster", certs=certs) as server:
        yield server


def dial(server, *options):
    """What openssl s_client says of a handshake; None when there was none."""
    process = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", server.ca,
                              "-servername", "localhost", *options], input="", text=True, capture_output=True,
                             timeout=TIMEOUT, check=False)
    found = re.search(r"^ *(?:New, (TLSv[\d.]+), )?Cipher +is +(\S+)", process.stdout, re.MULTILINE)
    return process.stdout if found and found.group(2) != "(NONE)" else None


def ciphers(version):
    """All that this OpenSSL can offer, weak ones too."""
    text = subprocess.run(["openssl", "ciphers", "-s", version, "ALL:COMPLEMENTOFALL:@SECLEVEL=0"], text=True,
                          capture_output=True, check=True, timeout=TIMEOUT).stdout
    return [name for name in text.strip().split(":") if not name.startswith("TLS_")]


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions(server, version):
    assert dial(server, version, "-cipher", "ALL:@SECLEVEL=0") is None


def test_suites_of_1_2(server):
    offered = ciphers("-tls1_2")
    assert len(offered) > 50 and SUITES_12 < set(offered)
    taken = {name for name in offered
             if dial(server, "-tls1_2", "-cipher", f"{name}:@SECLEVEL=0") is not None}
    assert taken == SUITES_12


def test_suites_of_1_3(server):
    offered = SUITES_13 | {"TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"}
    taken = {name for name in offered if dial(server, "-tls1_3", "-ciphersuites", name) is not None}
    assert taken == SUITES_13


def test_groups(server):
    offered = GROUPS | {"P-521", "X448", "ffdhe2048", "ffdhe3072"}
    taken = {name for name in offered if dial(server, "-tls1_3", "-groups", name) is not None}
    assert taken == GROUPS
    # In TLS 1.2 the certificate's curve has to be among them.
    assert "prime256v1" in dial(server, "-tls1_2", "-groups", "X448:P-521:P-256")
    assert dial(server, "-tls1_2", "-groups", "X448:P-521") is None


def test_what_a_handshake_says(server):
    for version in ("-tls1_2", "-tls1_3"):
        text = dial(server, version)
        assert "Verify return code: 0 (ok)" in text
        assert "Compression: NONE" in text
        assert "TLS session ticket" not in text
        assert re.search(r"Server Temp Key: (X25519|ECDH, (secp384r1|prime256v1))", text), text
    assert "Secure Renegotiation IS supported" in dial(server, "-tls1_2")


def test_weak_signatures(server):
    for algorithms in ("ECDSA+SHA1", "RSA+SHA1:ECDSA+SHA1"):
        assert dial(server, "-tls1_2", "-sigalgs", algorithms, "-cipher", "ALL:@SECLEVEL=0") is None


def test_no_early_data_and_no_session(server, tmp_path):
    """A session is not resumed: each handshake is a whole one."""
    session = tmp_path / "session"
    dial(server, "-tls1_2", "-sess_out", str(session))
    text = dial(server, "-tls1_2", *(["-sess_in", str(session)] if session.exists() else []))
    assert "New, TLSv1.2" in text and "Reused" not in text


def test_another_implementation(server):
    """GnuTLS agrees."""
    for priority, good in (("NORMAL:-VERS-ALL:+VERS-TLS1.3", True), ("NORMAL:-VERS-ALL:+VERS-TLS1.2", True),
                           ("LEGACY:-VERS-ALL:+VERS-TLS1.1", False),
                           ("NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA:+DHE-RSA", False),
                           ("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC", False)):
        process = subprocess.run(["gnutls-cli", "--port", str(server.port), "--x509cafile", server.ca, "--sni-hostname",
                                  "localhost", "--verify-hostname", "localhost", "--priority", priority, "127.0.0.1"],
                                 input="", text=True, capture_output=True, timeout=TIMEOUT, check=False)
        assert ("Handshake was completed" in process.stdout) is good, (priority, process.stdout, process.stderr)
