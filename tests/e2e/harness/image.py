# SPDX-License-Identifier: Apache-2.0
"""Container images from plain files, as an archive that containerd imports: no registry, no daemon."""
import hashlib
import io
import json
import os
import pathlib
import platform
import tarfile

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def _member(archive, name, content, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _json(value):
    return json.dumps(value, sort_keys=True).encode()


def write_image(path, reference, entrypoint, files, user="65532:65532"):
    """An image of one layer. files: where it is in the image -> where it is now."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        for inside, outside in sorted(files.items()):
            _member(archive, inside.lstrip("/"), pathlib.Path(outside).read_bytes(),
                    0o755 if os.access(outside, os.X_OK) else 0o644)
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config = _json({"architecture": ARCHITECTURES[platform.machine()], "os": "linux",
                    "config": {"Entrypoint": entrypoint, "User": user, "WorkingDir": "/"},
                    "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}})
    name = hashlib.sha256(config).hexdigest() + ".json"
    with tarfile.open(path, "w") as archive:
        _member(archive, name, config)
        _member(archive, f"{digest}/layer.tar", layer.getvalue())
        _member(archive, "manifest.json", _json([{"Config": name, "RepoTags": [reference],
                                                   "Layers": [f"{digest}/layer.tar"]}]))
    return path
