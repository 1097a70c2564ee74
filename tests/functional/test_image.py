# SPDX-License-Identifier: Apache-2.0
"""The container image: what packaging/image.py makes of the program."""
import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def make(program, output, *more, expect=0, **environment):
    done = subprocess.run([sys.executable, "-B", ROOT / "packaging/image.py", program, "--version", "1.2.3", "--output",
                           output, *more], text=True, capture_output=True, timeout=120, check=False,
                          env={"PATH": os.environ["PATH"], **environment})
    assert done.returncode == expect, done.stderr
    return done


def members(path):
    with tarfile.open(path) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def image(migvet, tmp_path_factory):
    """The directory with the image of the program."""
    directory = tmp_path_factory.mktemp("image")
    make(migvet.path, directory, "--commit", "c0ffee")
    return directory


@pytest.fixture(scope="module")
def docker(image):
    return members(image / "migvet-1.2.3.tar")


@pytest.fixture(scope="module")
def layer(docker):
    """The members of the file system."""
    manifest = json.loads(docker["manifest.json"])[0]
    with tarfile.open(fileobj=io.BytesIO(docker[manifest["Layers"][0]])) as tar:
        return {m.name: m for m in tar}


def test_docker_archive(docker):
    manifest = json.loads(docker["manifest.json"])[0]
    assert manifest["RepoTags"] == ["migvet:1.2.3"]
    config = json.loads(docker[manifest["Config"]])
    assert config["rootfs"]["diff_ids"] == ["sha256:" + sha256(docker[manifest["Layers"][0]])]
    assert config["config"]["User"] == "65532:65532"
    assert config["config"]["Entrypoint"] == ["/usr/bin/migvet"]
    labels = config["config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == "1.2.3"
    assert labels["org.opencontainers.image.revision"] == "c0ffee"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_oci_layout_holds_the_same_image(image, docker):
    layout = members(image / "migvet-1.2.3.oci.tar")
    for name, data in layout.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{sha256(data)}"
    index = json.loads(layout["index.json"])["manifests"][0]

    def blob(descriptor):
        data = layout["blobs/" + descriptor["digest"].replace(":", "/")]
        assert len(data) == descriptor["size"]
        return data

    manifest = json.loads(blob(index))
    old = json.loads(docker["manifest.json"])[0]
    assert blob(manifest["config"]) == docker[old["Config"]]
    assert [blob(l) for l in manifest["layers"]] == [docker[l] for l in old["Layers"]]


def test_holds_the_program_and_no_shell(layer):
    assert layer["usr/bin/migvet"].mode == 0o755
    assert layer["usr/bin/kubectl-migvet"].linkname == "migvet"
    programs = {name for name, m in layer.items() if "bin/" in name}
    assert programs == {"usr/bin/migvet", "usr/bin/kubectl-migvet"}
    assert any("/ld-linux" in name or "/ld64" in name for name in layer), sorted(layer)
    assert any(name.endswith("/libgnutls.so.30") for name in layer)


def test_only_its_state_belongs_to_the_user(layer):
    assert {name.rstrip("/") for name, m in layer.items() if m.uid or m.gid} == {"var/lib/migvet"}
    writable = {name for name, m in layer.items() if m.mode & 0o002 and not m.issym()}
    assert writable == {"tmp"}
    assert not any(m.mode & 0o6000 for m in layer.values())


def test_every_library_has_a_package_in_the_bill_of_materials(image, layer):
    document = json.loads((image / "migvet-1.2.3.spdx.json").read_text())
    assert document["spdxVersion"] == "SPDX-2.3"
    libraries = {"/" + name for name in layer if ".so" in name}
    packages = {p["SPDXID"]: p for p in document["packages"]}
    named = {path for p in packages.values() if "sourceInfo" in p
             for path in p["sourceInfo"].split("in the image: ")[1].split(", ")}
    assert named == libraries
    contained = {r["relatedSpdxElement"] for r in document["relationships"] if r["relationshipType"] == "CONTAINS"}
    assert contained == set(packages) - {"SPDXRef-Image"}
    assert packages["SPDXRef-Package-libc6"]["versionInfo"]
    assert packages["SPDXRef-Package-zlib1g"]["licenseDeclared"] == "Zlib"
    assert {"usr/share/doc/libc6/copyright", "usr/share/doc/migvet/copyright"} <= set(layer)


def test_same_program_gives_the_same_bytes(migvet, image, tmp_path):
    def bytes_of(directory):
        return {path.name: sha256(path.read_bytes()) for path in sorted(directory.iterdir())}

    make(migvet.path, tmp_path / "again", "--commit", "c0ffee")
    assert bytes_of(tmp_path / "again") == bytes_of(image)
    make(migvet.path, tmp_path / "later", "--commit", "c0ffee", SOURCE_DATE_EPOCH="1700000000")
    later = bytes_of(tmp_path / "later")
    assert all(later[name] != old for name, old in bytes_of(image).items())
    config = [json.loads(data) for name, data in members(tmp_path / "later/migvet-1.2.3.tar").items()
              if name.endswith(".json") and name != "manifest.json"]
    assert config[0]["created"] == "2023-11-14T22:13:20Z"


def test_what_is_no_program_is_refused(tmp_path):
    (tmp_path / "text").write_text("#!/bin/sh\n")
    assert "text" in make(tmp_path / "text", tmp_path / "out", expect=1).stderr
    assert "build it first" in make(tmp_path / "none", tmp_path / "out", expect=1).stderr
    assert not (tmp_path / "out").exists()
