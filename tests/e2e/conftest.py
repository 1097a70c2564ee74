# SPDX-License-Identifier: Apache-2.0
"""Tests against a real Kubernetes; tests/e2e/run starts them, in namespaces of their own."""
import contextlib
import os
import pathlib
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import objects  # noqa: E402  pylint: disable=wrong-import-position
from harness.cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position

MODES = ["files", "live"]


@pytest.fixture(scope="session", name="tools")
def tools_fixture():
    return pathlib.Path(os.environ["MIGVET_E2E_TOOLS"])


@pytest.fixture(scope="session", name="logs")
def logs_fixture():
    return pathlib.Path(os.environ["MIGVET_E2E_LOGS"])


@pytest.fixture(scope="session", name="memory")
def memory_fixture():
    """A directory in memory that goes with the run."""
    path = pathlib.Path("/dev/shm/migvet-e2e")
    path.mkdir()
    return path


def started(cluster, name):
    begun = time.monotonic()
    cluster.start()
    print(f"{name}: control plane ready after {time.monotonic() - begun:.1f} s")
    return cluster


@contextlib.contextmanager
def example(tools, logs, memory, name):
    """A control plane with the kinds that migvet reads and the example cluster."""
    cluster = started(Cluster(memory / name, logs / name, tools), name)
    try:
        cluster.create_kinds()
        cluster.put(*objects.example_cluster())
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session", name="cluster")
def cluster_fixture(tools, logs, memory):
    with example(tools, logs, memory, "main") as cluster:
        yield cluster
