#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Schemas for kubeconform, made of what a running kube-apiserver says of itself.

    tests/chart/schemas.py --kubectl FILE [--kubeconfig FILE] --output DIRECTORY

One file a kind, KIND-GROUP-VERSION.json, that refers to nothing outside; an unknown field is an error.
"""
import argparse
import json
import pathlib
import subprocess
import sys

REFERENCE = "#/components/schemas/"


def get(command, path):
    done = subprocess.run([*command, "get", "--raw", path], text=True, capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} get --raw {path}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def rewritten(schema, needed):
    """The schema with references into its own definitions, which are added to needed; strict about fields."""
    if isinstance(schema, list):
        return [rewritten(item, needed) for item in schema]
    if not isinstance(schema, dict):
        return schema
    new = {}
    for key, value in schema.items():
        if key == "$ref":
            name = value.removeprefix(REFERENCE)
            needed.add(name)
            new[key] = f"#/definitions/{name}"
        elif key == "properties":
            new[key] = {name: rewritten(item, needed) for name, item in value.items()}
        elif key not in ("default", "description"):
            new[key] = rewritten(value, needed)
    if "properties" in new and "additionalProperties" not in new and \
            not new.get("x-kubernetes-preserve-unknown-fields"):
        new["additionalProperties"] = False
    return new


def standalone(name, schemas):
    """One schema, with all that it refers to."""
    needed, definitions = {name}, {}
    while missing := sorted(needed - set(definitions)):
        for each in missing:
            definitions[each] = rewritten(schemas[each], needed)
    return {"$schema": "http://json-schema.org/draft-07/schema#", **definitions.pop(name), "definitions": definitions}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("--kubeconfig")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    args = parser.parse_args()
    command = [args.kubectl, *(["--kubeconfig", args.kubeconfig] if args.kubeconfig else [])]
    args.output.mkdir(parents=True, exist_ok=True)
    n = 0
    for path, entry in sorted(get(command, "/openapi/v3")["paths"].items()):
        if not path.startswith(("api/", "apis/")) or path.count("/") < 1:
            continue
        schemas = get(command, entry["serverRelativeURL"]).get("components", {}).get("schemas", {})
        for name, schema in sorted(schemas.items()):
            for gvk in schema.get("x-kubernetes-group-version-kind", []):
                own = f"{gvk['group']}/{gvk['version']}" if gvk["group"] else gvk["version"]
                # Some, such as DeleteOptions, are of every group.
                if own != path.split("/", 1)[1] or "properties" not in schema:
                    continue
                parts = [gvk["kind"], *([gvk["group"].split(".")[0]] if gvk["group"] else []), gvk["version"]]
                file = args.output / ("-".join(parts).lower() + ".json")
                file.write_text(json.dumps(standalone(name, schemas)))
                n += 1
    if n == 0:
        sys.exit("kube-apiserver names no kind")
    print(f"{n} schemas in {args.output}")


if __name__ == "__main__":
    main()
