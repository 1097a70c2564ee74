# SPDX-License-Identifier: Apache-2.0
"""kwok: the status and the heartbeats of nodes that have no machine."""
import pathlib

from .processes import Process

CONFIG = pathlib.Path(__file__).with_suffix(".yaml")
LABEL = {"migvet.io/kwok": "true"}
READY = {"type": "Ready", "status": "True", "reason": "KwokSaysSo"}  # as CONFIG has it, and nobody else


def node(name, like):
    """A node for kwok to manage: labels as those of like, and no status."""
    labels = {**like["metadata"]["labels"], **LABEL, "kubernetes.io/hostname": name}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def ready_condition(found):
    """The condition Ready of a node, when kwok has set it."""
    return next((condition for condition in found.get("status", {}).get("conditions", [])
                 if READY.items() <= condition.items()), None)


class Kwok(Process):
    """One kwok for all nodes of a cluster that are made by node()."""

    def __init__(self, cluster):
        command = [cluster.tools / "kwok", "--config", CONFIG, "--kubeconfig", cluster.kubeconfig("admin"), "--v", "WARN"]
        super().__init__("kwok", command, cluster.logs / "kwok.log", environment=cluster.environment())
