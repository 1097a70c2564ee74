# SPDX-License-Identifier: Apache-2.0
"""The Helm chart: rendered, or installed on a real node."""
import yaml

from .webhook import NAMESPACE, ROOT

CHART = ROOT / "charts" / "migvet"
RELEASE = "migvet"
RIGHTS = {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}


def settings(values):
    """{"image.tag": "x"} as arguments of helm."""
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


def render(cluster, **values):
    text = cluster.helm("template", RELEASE, CHART, "-n", NAMESPACE, *settings(values)).stdout
    return [obj for obj in yaml.safe_load_all(text) if obj]


def rights(cluster):
    """The objects of the chart that say what migvet may do, and the name of its service account."""
    found = [obj for obj in render(cluster) if obj["kind"] in RIGHTS]
    account = next(obj for obj in found if obj["kind"] == "ServiceAccount")
    return found, account["metadata"]["name"]
