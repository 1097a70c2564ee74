# SPDX-License-Identifier: Apache-2.0
"""The custom resource definitions: our own minimal ones of crds.yaml, or the real ones of a directory."""
import os
import pathlib

import yaml

ROWS = pathlib.Path(__file__).resolve().parents[1] / "crds.yaml"
PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def minimal(group, kind, plural, short, scope, versions, subresources):
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    meta = {"name": f"{plural}.{group}"}
    if group.endswith(".k8s.io"):
        meta["annotations"] = {"api-approved.kubernetes.io": "unapproved, for tests"}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta,
            "spec": {"group": group, "scope": scope,
                     "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower(),
                               "shortNames": short},
                     "versions": [{"name": version, "served": True, "storage": version == versions[0],
                                   "schema": schema, "subresources": {name: {} for name in subresources}}
                                  for version in versions]}}


def rows():
    return yaml.safe_load(ROWS.read_text(encoding="utf-8"))


def definitions():
    """Those of the directory in MIGVET_REAL_CRDS, with ours for what is not there; or ours."""
    known = {definition["metadata"]["name"]: definition for definition in (minimal(*row) for row in rows())}
    real = os.environ.get("MIGVET_REAL_CRDS")
    if real:
        assert pathlib.Path(real).is_dir(), f"MIGVET_REAL_CRDS: {real} is no directory"
        for path in sorted(pathlib.Path(real).rglob("*.yaml")):
            for obj in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                if obj and obj.get("kind") == "CustomResourceDefinition" and obj["metadata"]["name"] in known:
                    known[obj["metadata"]["name"]] = obj
    return list(known.values())


def established(obj):
    return any(condition["type"] == "Established" and condition["status"] == "True"
               for condition in (obj.get("status") or {}).get("conditions") or [])
