# SPDX-License-Identifier: Apache-2.0
"""Tests from outside: they run the program, named by MIGVET in the environment (default build/migvet)."""
import json
import os
import pathlib
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT.parent / "shared" / "vectors"
TIMEOUT = 60

# KubeVirt's own answers are not part of the project. Without them there is nothing to compare with.
collect_ignore = [] if VECTORS.is_dir() else ["test_vectors.py"]
# The image is made of the program that is released; sanitizers have their own malloc and dislike preloaded libraries.
if os.environ.get("MIGVET_VARIANT", "release") != "release":
    collect_ignore += ["test_clock.py", "test_hardening.py", "test_image.py", "test_torture.py"]


class Migvet:
    """Runs the program: migvet("check", "-f", path) gives a CompletedProcess with text."""

    def __init__(self, path):
        self.path = path

    def __call__(self, *arguments, stdin="", expect=(0, 1)):
        """Run it. expect holds the exit codes that are fine; None: any."""
        process = subprocess.run([self.path, *map(str, arguments)], input=stdin, text=True, encoding="utf-8",
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, cwd=ROOT,
                                 check=False)
        assert expect is None or process.returncode in expect, \
            f"exit {process.returncode} of {process.args}\n{process.stderr}{process.stdout[:2000]}"
        return process

    def json(self, *arguments, stdin="", expect=(0, 1)):
        return json.loads(self(*arguments, stdin=stdin, expect=expect).stdout)

    def verdicts(self, *arguments, stdin="", expect=(0, 1)):
        """The items of `check ... -o json`."""
        answer = self.json("check", *arguments, "-o", "json", stdin=stdin, expect=expect)
        assert (answer["apiVersion"], answer["kind"]) == ("migvet.io/v1alpha1", "VerdictList")
        return answer["items"]


@pytest.fixture(scope="session")
def migvet():
    path = pathlib.Path(os.environ.get("MIGVET", "build/migvet"))
    path = path if path.is_absolute() else ROOT / path
    assert os.access(path, os.X_OK), f"{path} is not there: build it first"
    return Migvet(str(path))


@pytest.fixture(name="files")
def files_fixture(tmp_path):
    """files({"a.yaml": [object, ...] or text}) gives a directory."""
    def write(contents):
        for name, content in contents.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not isinstance(content, str):
                content = yaml.safe_dump_all(content)
            path.write_text(content, encoding="utf-8")
        return tmp_path
    return write
