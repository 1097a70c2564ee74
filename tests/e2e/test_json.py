# SPDX-License-Identifier: Apache-2.0
"""What is JSON, and which values it has, must be the same to our scanner as to Go's encoding/json, which the API server
reads with: 200,000 documents, half of them with faults. tests/oracle/json/main.go says where they are meant to differ.
(tests/fuzz/fuzz_json.c asks the other way round, with json-c: what the scanner accepts json-c must accept.)"""
import os
import pathlib
import shutil
import struct
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORACLE = ROOT / "tests" / "oracle" / "json"
OURS = ROOT / "build" / "release" / "tests" / "oracle" / "values"


def documents(data):
    at = 0
    while at < len(data):
        size, = struct.unpack_from("<I", data, at)
        yield data[at + 4:at + 4 + size]
        at += 4 + size


def test_scanner_agrees_with_go(tmp_path):
    go = shutil.which("go") or "/usr/local/go/bin/go"
    subprocess.run([go, "build", "-o", tmp_path / "oracle", "."], cwd=ORACLE, check=True,
                   env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"})
    subprocess.run([tmp_path / "oracle", tmp_path / "documents", tmp_path / "values"], check=True)
    done = subprocess.run([OURS, tmp_path / "documents"], stdout=subprocess.PIPE, check=True)
    theirs = (tmp_path / "values").read_bytes().splitlines()
    ours = done.stdout.splitlines()
    asked = list(documents((tmp_path / "documents").read_bytes()))
    assert len(ours) == len(theirs) == len(asked) >= 200000
    different = [(document, we, they) for document, we, they in zip(asked, ours, theirs) if we != they]
    assert not different, f"{len(different)} of {len(asked)}; the first: {different[0]}"
    accepted = sum(line != b"-" for line in ours)
    assert len(asked) / 4 < accepted < len(asked) * 3 / 4
