# SPDX-License-Identifier: Apache-2.0
"""A wall clock that leaps while the server serves: its certificate follows, connections and answers do not notice."""
import contextlib
import glob
import ssl

import pytest

from load import Load
from support import EXAMPLES, Server, eventually, example

NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: this client's clock does not leap


class Clock:
    """The server's, some days off ours."""

    def __init__(self, path):
        libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        assert libraries, "libfaketime is not installed"
        self.path = path
        self.environment = {"LD_PRELOAD": libraries[0], "FAKETIME_TIMESTAMP_FILE": str(path), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.set(0)

    def set(self, days):
        self.path.write_text(f"{days:+d}d\n", encoding="utf-8")


@pytest.fixture(name="clock")
def clock_fixture(tmp_path):
    return Clock(tmp_path / "clock")


def serial(server):
    """Of the certificate, whatever its dates are."""
    context = server.tls()
    context.verify_flags |= NO_CHECK_TIME
    with server.connect(context) as connection:
        return connection.getpeercert()["serialNumber"]


def test_leaps(migvet, tmp_path, clock):
    """Forward beyond two thirds of the certificate's life, and back again: each time there is one that is valid."""
    with Server(migvet.path, "-f", EXAMPLES / "cluster", certs=tmp_path / "certs",
                environment=clock.environment) as server, Load(server, migvet, [EXAMPLES / "cluster"], threads=2):
        first = serial(server)
        clock.set(300)
        eventually(lambda: serial(server) != first, 10, "a certificate of then")
        second = serial(server)
        with pytest.raises(ssl.SSLCertVerificationError, match="not yet valid"):
            server.review(example("create-good-vm"))
        clock.set(0)
        eventually(lambda: serial(server) != second, 10, "a certificate of now")
        assert server.review(example("create-good-vm"))["allowed"]
        # Before there was an authority nothing can be valid, and nothing is made; later all is well again.
        third = serial(server)
        clock.set(-30)
        eventually(lambda: server.health("/readyz")[0] == 503, 10, "not ready")
        assert "not valid yet" in server.health("/readyz?verbose")[2]
        clock.set(0)
        eventually(lambda: server.health("/readyz")[0] == 200, 10, "ready")
        assert serial(server) == third


def test_beyond_the_end_of_the_authority(migvet, tmp_path, clock):
    """Twelve years later there is another authority; the old one is not published any more."""
    with Server(migvet.path, "-f", EXAMPLES / "cluster", certs=tmp_path / "certs",
                environment=clock.environment) as server, server.client() as kept:
        assert kept.review(example("create-good-vm"))["allowed"]
        before = (tmp_path / "certs" / "ca.crt").read_text(encoding="ascii")
        clock.set(12 * 365)
        eventually(lambda: (tmp_path / "certs" / "ca.crt").read_text(encoding="ascii") != before, 10, "an authority")
        after = (tmp_path / "certs" / "ca.crt").read_text(encoding="ascii")
        assert before not in after and after.count("BEGIN") == 1

        def is_believed():  # the authority is published before it is used
            with contextlib.suppress(ssl.SSLCertVerificationError):
                return serial(server)
            return None
        eventually(is_believed, 10, "a certificate of the new authority")
        assert kept.review(example("create-good-vm"))["allowed"]
