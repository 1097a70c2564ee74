# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates of a test cluster, made with openssl: an authority, and what it signs."""
import pathlib
import subprocess

DAYS = 7
CLIENT = "clientAuth"
SERVER = "serverAuth"


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"openssl {arguments[0]} failed: {done.stderr}"
    return done.stdout


def make_key(path):
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
    return path


class Authority:
    """A certificate authority in a directory: NAME.crt and NAME.key, and those of what it issues beside them."""

    def __init__(self, directory, name="ca"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.certificate, self.key = self.path(name, "crt"), self.path(name, "key")
        make_key(self.key)
        openssl("req", "-x509", "-new", "-key", self.key, "-sha256", "-days", DAYS, "-subj", f"/CN={name}",
                "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self.certificate)

    def path(self, name, ending):
        return self.directory / f"{name}.{ending}"

    def issue(self, name, user, groups=(), usages=(CLIENT,), names=()):
        """A certificate for a user and his groups, or for a server's names ("DNS:x", "IP:1.2.3.4"); both paths."""
        certificate, key, request = (self.path(name, ending) for ending in ("crt", "key", "csr"))
        extensions = self.path(name, "ext")
        text = f"keyUsage=critical,digitalSignature\nextendedKeyUsage={','.join(usages)}\n"
        if names:
            text += f"subjectAltName={','.join(names)}\n"
        extensions.write_text(text, encoding="ascii")
        subject = "".join(f"/O={group}" for group in groups) + f"/CN={user}"
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-subj", subject, "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", DAYS, "-sha256", "-extfile", extensions, "-out", certificate)
        request.unlink()
        extensions.unlink()
        return certificate, key
