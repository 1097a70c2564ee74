# SPDX-License-Identifier: Apache-2.0
"""A cluster that stays until it is ended, for tests/e2e/up.sh: DIRECTORY ADDRESS TOOLS [--node]."""
import pathlib
import shutil
import signal
import sys

from . import objects
from .cluster import MASTERS, Cluster
from .node import Node


def main(directory, address, tools, *flags):
    directory, memory = pathlib.Path(directory), pathlib.Path("/dev/shm/migvet-e2e")
    if "--node" in flags:
        whole = Node(memory, directory / "logs", tools, also=[address])
        cluster = whole.start().cluster
    else:
        whole = cluster = Cluster(memory, directory / "logs", tools, also=[address])
        cluster.start()
    try:
        cluster.create_kinds()
        cluster.put(*objects.example_cluster())
        # Out of the memory that only this process sees; complete once it has its name.
        made = cluster.kubeconfig("outside", MASTERS, address=address)
        shutil.copy(made, directory / "kubeconfig.new")
        (directory / "kubeconfig.new").rename(directory / "kubeconfig")
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    finally:
        whole.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
