#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make a container image of migvet from the program and just the libraries that it needs: no shell, no package manager.

    packaging/image.py PROGRAM --version VERSION [--commit COMMIT] [--name NAME] --output DIRECTORY

Writes NAME-VERSION.tar (a docker-archive), NAME-VERSION.oci.tar (an OCI layout) and NAME-VERSION.spdx.json (what is
in it). Needs no docker, no registry and no root. The same program and libraries give the same bytes: entries are
sorted, owners are fixed, and times are SOURCE_DATE_EPOCH, or 0.
"""
import argparse
import hashlib
import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import debian  # noqa: E402
import sbom  # noqa: E402

USER = 65532
PROGRAM = "usr/bin/migvet"
PASSWD = f"root:x:0:0:root:/:/nologin\nmigvet:x:{USER}:{USER}:migvet:/var/lib/migvet:/nologin\n"
GROUP = f"root:x:0:\nmigvet:x:{USER}:\n"
MACHINES = {62: "amd64", 183: "arm64", 22: "s390x"}


def architecture(program):
    """As OCI names it, from the ELF header of the program."""
    with open(program, "rb") as file:
        header = file.read(20)
    if header[:4] != b"\x7fELF":
        sys.exit(f"{program}: not an ELF program")
    order = "<" if header[5] == 1 else ">"
    machine = struct.unpack(order + "H", header[18:20])[0]
    if machine not in MACHINES:
        sys.exit(f"{program}: made for a machine (ELF {machine}) that this script does not know")
    return MACHINES[machine]


def run(command):
    """What it prints, in English; it ends the script when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def libraries(program):
    """Where the dynamic linker finds what the program needs, itself included."""
    found = []
    for line in run(["ldd", program]).splitlines():
        words = line.split()
        if "not found" in line:
            sys.exit(f"{program}: {words[0]} is missing")
        path = words[2] if "=>" in words else words[0]
        if path.startswith("/"):
            found.append(path)
    if not any("/ld-" in path for path in found):
        sys.exit(f"{program}: no dynamic linker among its libraries: {found}")
    return sorted(found)


def stripped(program):
    """The program without what only a debugger reads."""
    with tempfile.TemporaryDirectory() as directory:
        copy = pathlib.Path(directory, "program")
        run(["strip", "--strip-unneeded", "-o", copy, program])
        return copy.read_bytes()


def contents(program):
    """Path in the image -> (bytes, mode), and the Debian packages that the libraries come from."""
    files = {
        PROGRAM: (stripped(program), 0o755),
        "etc/passwd": (PASSWD.encode(), 0o644),
        "etc/group": (GROUP.encode(), 0o644),
        # Names of hosts: the resolver of the C library reads both, and nothing else.
        "etc/nsswitch.conf": (b"passwd: files\ngroup: files\nhosts: files dns\n", 0o644),
    }
    needed = libraries(program)
    for path in needed:
        files[path.lstrip("/")] = (pathlib.Path(path).read_bytes(), 0o755)
    packages = debian.packages_of(needed)
    for package in packages:
        text = debian.copyright_of(package["name"])
        if text:
            files[f"usr/share/doc/{package['name']}/copyright"] = (text, 0o644)
    licences = pathlib.Path("/usr/share/common-licenses")
    for path in sorted(licences.iterdir()) if licences.is_dir() else []:
        files[str(path).lstrip("/")] = (path.read_bytes(), 0o644)
    own = pathlib.Path(__file__).parents[1] / "LICENSE"
    files["usr/share/doc/migvet/copyright"] = (own.read_bytes(), 0o644)
    return files, packages


def member(name, mtime, mode, *, owner=0, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime, info.linkname = kind, mode, mtime, target
    info.uid = info.gid = owner
    return info


def layer(files, mtime):
    """One tar of all files, each directory before what is in it."""
    directories = {"etc/migvet": 0, "var/lib/migvet": USER, "tmp": 0}
    for name in [*files, *directories]:
        for parent in pathlib.PurePosixPath(name).parents:
            if str(parent) != ".":
                directories.setdefault(str(parent), 0)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted([*files, *directories]):
            if name in directories:
                mode = 0o1777 if name == "tmp" else 0o755
                tar.addfile(member(name + "/", mtime, mode, owner=directories[name], kind=tarfile.DIRTYPE))
            else:
                data, mode = files[name]
                info = member(name, mtime, mode)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        tar.addfile(member("usr/bin/kubectl-migvet", mtime, 0o777, kind=tarfile.SYMTYPE, target="migvet"))
    return out.getvalue()


def write_tar(path, members, mtime):
    """members in the given order: (name, bytes)."""
    made = set()
    temporary = path.with_name(path.name + ".new")
    with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            for parent in reversed(pathlib.PurePosixPath(name).parents[:-1]):
                if parent not in made:
                    made.add(parent)
                    tar.addfile(member(f"{parent}/", mtime, 0o755, kind=tarfile.DIRTYPE))
            info = member(name, mtime, 0o644)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    temporary.replace(path)


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def compact(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def write_docker(path, reference, config, data, mtime):
    name = digest(config).split(":")[1] + ".json"
    inner = digest(data).split(":")[1] + "/layer.tar"
    manifest = compact([{"Config": name, "RepoTags": [reference], "Layers": [inner]}])
    write_tar(path, [(inner, data), (name, config), ("manifest.json", manifest)], mtime)


def write_oci(path, reference, config, data, labels, mtime):
    def descriptor(kind, blob):
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest(blob), "size": len(blob)}

    manifest = compact({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("config.v1+json", config), "layers": [descriptor("layer.v1.tar", data)],
        "annotations": labels,
    })
    index = compact({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{**descriptor("manifest.v1+json", manifest),
                       "annotations": {"org.opencontainers.image.ref.name": reference}}],
    })
    blobs = sorted((f"blobs/sha256/{digest(blob).split(':')[1]}", blob) for blob in (manifest, config, data))
    write_tar(path, [("oci-layout", compact({"imageLayoutVersion": "1.0.0"})), ("index.json", index), *blobs], mtime)


def verify(data):
    """Unpack the layer, and let its own dynamic linker run its program with its libraries and no others."""
    with tempfile.TemporaryDirectory() as root:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            tar.extractall(root, members=[m for m in tar if m.isfile()])
        linker = next(path for path in sorted(pathlib.Path(root).rglob("ld-*.so.*")) if "share" not in path.parts)
        directories = ":".join(sorted({str(path.parent) for path in pathlib.Path(root).rglob("*.so.*")}))
        command = [linker, "--inhibit-cache", "--library-path", directories]
        listed = run([*command, "--list", f"{root}/{PROGRAM}"])
        outside = [line.strip() for line in listed.splitlines() if "=>" in line and f"=> {root}/" not in line]
        if outside:
            sys.exit("not all libraries are in the image: " + "; ".join(outside))
        return run([*command, f"{root}/{PROGRAM}", "version"]).splitlines()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--commit", default="unknown")
    parser.add_argument("--name", default="migvet", help="of the image, with its registry if it has one")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    args = parser.parse_args()
    if not args.program.is_file():
        sys.exit(f"{args.program}: no such program; build it first")

    mtime = int(os.environ.get("SOURCE_DATE_EPOCH") or 0)
    created = sbom.timestamp(mtime)
    files, packages = contents(args.program)
    data = layer(files, mtime)
    said = verify(data)
    labels = {
        "org.opencontainers.image.title": "migvet",
        "org.opencontainers.image.description": "Tells whether KubeVirt VMs can live-migrate",
        "org.opencontainers.image.version": args.version,
        "org.opencontainers.image.revision": args.commit,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.created": created,
    }
    config = compact({
        "architecture": architecture(args.program), "os": "linux", "created": created,
        "config": {"Entrypoint": ["/" + PROGRAM], "Cmd": ["--help"], "User": f"{USER}:{USER}", "WorkingDir": "/",
                   "Env": ["PATH=/usr/bin", "HOME=/var/lib/migvet"],
                   "ExposedPorts": {"8443/tcp": {}, "9443/tcp": {}}, "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [digest(data)]},
        "history": [{"created": created, "created_by": "packaging/image.py"}],
    })
    reference = f"{args.name}:{args.version}"
    base = f"{args.name.split('/')[-1]}-{args.version}"
    args.output.mkdir(parents=True, exist_ok=True)
    write_docker(args.output / f"{base}.tar", reference, config, data, mtime)
    write_oci(args.output / f"{base}.oci.tar", reference, config, data, labels, mtime)
    document = sbom.document(reference, args.version, digest(data), files[PROGRAM][0], packages, created)
    (args.output / f"{base}.spdx.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    print(f"{args.output / base}.tar: {reference}, {len(data) / 1e6:.1f} MB, {len(packages)} Debian packages; {said}")


if __name__ == "__main__":
    main()
