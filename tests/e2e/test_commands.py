# SPDX-License-Identifier: Apache-2.0
"""The commands on a live cluster say what they say of files that hold the same objects; and what becomes of them when
the cluster cannot be reached, or not all of it may be read."""
import json
import os
import subprocess

import pytest

from harness import readme, webhook
from harness.cluster import MASTERS
from harness.objects import claim, instance, machine, namespace, policy

WHERE = "commands"
SUBJECTS = [namespace(WHERE), claim("rwo", WHERE, "ReadWriteOnce"), machine("stuck", WHERE, claim="rwo"),
            machine("free", WHERE), instance("fine", WHERE, migratable=True), machine("lost", WHERE, claim="nowhere"),
            policy("slow", completionTimeoutPerGiB=10)]
# As the README says: where the cluster has them.
MORE = "net-attach-def,hyperconverged,vmpool,vmirs"


@pytest.fixture(scope="module", name="run")
def run_fixture(cluster):
    """migvet as an administrator; its answer, its errors, and its exit code."""
    cluster.put(*SUBJECTS)
    yield runner(cluster.kubeconfig("commands", MASTERS))
    for obj in SUBJECTS:
        if obj["kind"] != "Namespace":
            cluster.api.delete(cluster.path_of(obj, obj["metadata"]["name"]))


def runner(kubeconfig):
    def run(*words, expect=(0, 1)):
        environment = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
        done = subprocess.run([webhook.program(), *words], capture_output=True, text=True, timeout=120, check=False,
                              env={**environment, "KUBECONFIG": str(kubeconfig)})
        assert done.returncode in expect, f"{done.returncode} of {words}\n{done.stdout}{done.stderr}"
        return done
    return run


@pytest.fixture(scope="module", name="files")
def files_fixture(cluster, run, memory):
    """What kubectl gets of it."""
    path = memory / "commands.yaml"
    done = cluster.kubectl("get", "-A", "-o", "yaml", f"{readme.kinds()},{MORE}")
    path.write_text(done.stdout, encoding="utf-8")
    yield path
    path.unlink()


def judged(done):
    return {(verdict["subject"]["kind"], verdict["subject"]["namespace"], verdict["subject"]["name"]): verdict
            for verdict in json.loads(done.stdout)["items"]}


def same_but_for_words(verdict):
    """What is not there does not exist, or is not in the input; that is said in other words."""
    findings = [(finding["rule"], finding["outcome"], finding["severity"], finding["field"])
                for finding in verdict["findings"]]
    return {**verdict, "findings": findings}


def test_check(run, files):
    live, read = judged(run("check", "-A", "-o", "json")), judged(run("check", "-f", files, "-o", "json"))
    assert live[("VirtualMachine", WHERE, "stuck")]["migratable"] == "False"
    assert live[("VirtualMachine", WHERE, "free")]["migratable"] == "True"
    assert live.keys() == read.keys()
    for subject, verdict in live.items():
        assert same_but_for_words(verdict) == same_but_for_words(read[subject]), subject


def test_what_is_not_there_does_not_exist(run):
    done = run("check", "-n", WHERE, "vm/lost")
    assert "PersistentVolumeClaim commands/nowhere does not exist" in done.stdout
    assert "VirtualMachine commands/nobody does not exist" in run("check", "-n", WHERE, "vm/nobody", expect=(2,)).stderr


def test_namespace_of_the_context(cluster, run, memory):
    """As with kubectl: that of the context, unless one is given, or all are asked for."""
    assert {where for _, where, _ in judged(run("check", "-n", WHERE, "-o", "json"))} == {WHERE}
    assert len({where for _, where, _ in judged(run("check", "-A", "-o", "json"))}) > 1
    config = memory / "commands.kubeconfig"
    config.write_text(cluster.kubeconfig("commands", MASTERS).read_text(encoding="utf-8"), encoding="utf-8")
    cluster.kubectl("--kubeconfig", config, "config", "set-context", "--current", f"--namespace={WHERE}")
    assert {where for _, where, _ in judged(runner(config)("check", "-o", "json"))} == {WHERE}


@pytest.mark.parametrize("words", [("nodes", "-A", "-o", "csv"), ("policy", "-A", "-o", "json"),
                                   ("drain", "node-a", "-o", "csv"), ("drain", "--step", "-o", "json")])
def test_the_others(run, files, words):
    """Lines in whatever order: that of files is the order in which they are read."""
    live = run(*words).stdout
    read = run(*[word for word in words if word != "-A"], "-f", files).stdout
    assert live and sorted(live.splitlines()) == sorted(read.splitlines())


def test_explain(run, files):
    words = ("explain", "vm/stuck", "-n", WHERE, "-o", "json")
    live, read = (json.loads(run(*words, *more).stdout) for more in ((), ("-f", files)))
    assert same_but_for_words(live) == same_but_for_words(read)


def test_rights_that_are_missing(cluster, run):
    """Without a right on Nodes nothing is certain, and both the reason and the right are named."""
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    rules[0]["resources"] = [name for name in resources(cluster) if name != "nodes"]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "no-nodes"},
            "rules": rules}
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
               "metadata": {"name": "no-nodes"},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "no-nodes"},
               "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "no-nodes"}]}
    cluster.put(role, binding)
    done = runner(cluster.kubeconfig("limited", "no-nodes"))("check", "-n", WHERE, "-o", "json")
    assert "nodes may not be listed" in done.stderr
    found = judged(done)
    assert found[("VirtualMachine", WHERE, "free")]["migratable"] == "Unknown"
    assert found[("VirtualMachine", WHERE, "stuck")]["migratable"] == "False"
    unread = [finding for finding in found[("VirtualMachine", WHERE, "free")]["findings"]
              if finding["rule"] == "cluster-unread"]
    assert [finding["missing"][0]["kind"] for finding in unread] == ["Node"] and "forbidden" in unread[0]["message"]


def resources(cluster):
    groups = [cluster.api.get("/api/v1")] + [cluster.api.get(f"/apis/{group['preferredVersion']['groupVersion']}")
                                             for group in cluster.api.get("/apis")["groups"]]
    return sorted({resource["name"] for group in groups for resource in group["resources"]})


def test_a_cluster_that_does_not_answer(memory, cluster):
    """Exit code 3, soon, and what could not be reached; a kubeconfig that is wrong is 2."""
    config = memory / "nobody.kubeconfig"
    text = cluster.kubeconfig("commands", MASTERS).read_text(encoding="utf-8")
    config.write_text(text.replace(str(cluster.port), "9"), encoding="utf-8")
    done = runner(config)("check", "-A", expect=(3,))
    assert "127.0.0.1:9" in done.stderr and not done.stdout
    config.write_text("clusters: 7\n", encoding="utf-8")
    assert str(config) in runner(config)("check", "-A", expect=(2,)).stderr
