# SPDX-License-Identifier: Apache-2.0
"""What is answered, cell by cell of decisions.txt; and who is never denied, whatever the configuration says."""
import copy
import json
import pathlib

import pytest
import yaml

from support import Server, instance, instance_spec, machine, migration, namespace_of, review_of

HEAD = {"apiVersion": "config.migvet.io/v1alpha1", "kind": "Configuration"}
TABLE = (pathlib.Path(__file__).parent / "decisions.txt").read_text(encoding="utf-8")
COLUMNS = ["True", "False", "Unknown", "NoRoom"]
CONTROLLERS = [f"system:serviceaccount:kubevirt:kubevirt-{name}"
               for name in ("controller", "handler", "synchronization-controller")] + \
    ["system:serviceaccount:kube-system:replicaset-controller"]
PEOPLE = ["jane", "system:serviceaccount:kubevirt:kubevirt-apiserver",
          "system:serviceaccount:elsewhere:kubevirt-controller", "system:admin"]
LEVELS = ["none", "declared", "migratable", "resilient"]
ACTIONS = ["audit", "warn", "deny"]


def rows():
    """(setting, kind, level, who, answers) of the table."""
    setting = None
    for line in TABLE.splitlines():
        if line.startswith("["):
            setting = line.strip("[]")
        elif line and not line.startswith("#"):
            kind, level, who, *answers = line.split()
            assert len(answers) == 8, line
            yield setting, kind, level, who, answers


ROWS = list(rows())


def node(name):
    labels = {"kubevirt.io/schedulable": "true", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name,
              "machine-type.node.kubevirt.io/q35": "true", "cpu-model.node.kubevirt.io/Haswell": "true"}
    devices = {f"devices.kubevirt.io/{device}": "100" for device in ("kvm", "tun", "vhost-net")}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
            "status": {"allocatable": {"cpu": "8", "memory": "16Gi", "pods": "100", **devices}}}


def user_of_memory(name):
    """A pod that leaves 4 GiB of a node."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"pod-{name}", "namespace": "other"},
            "spec": {"nodeName": name,
                     "containers": [{"name": "c", "resources": {"requests": {"memory": "12Gi"}}}]}}


def spec_of(verdict, strategy="LiveMigrate"):
    spec = instance_spec("bridge" if verdict == "False" else "masquerade",
                         "absent" if verdict == "Unknown" else None, evictionStrategy=strategy)
    spec["domain"]["machine"] = {"type": "q35"}
    if verdict == "NoRoom":
        spec["domain"]["memory"] = {"guest": "6Gi"}
    return spec


def owned(**meta):
    return {"ownerReferences": [{"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": "m", "uid": "1",
                                 "controller": True}], **meta}


def replica_set(namespace, spec):
    return {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceReplicaSet",
            "metadata": {"name": "r", "namespace": namespace},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}},
                     "template": {"metadata": {"labels": {"a": "b"}}, "spec": spec}}}


def object_of(kind, namespace, verdict):
    """The object that is reviewed."""
    if kind == "migration":
        return migration(f"vmi-{verdict.lower()}", namespace=namespace)
    if kind == "vmi":
        vmi = instance(namespace=namespace, spec=spec_of(verdict))
    elif kind == "vmi-of-vm":
        vmi = instance(namespace=namespace, spec=spec_of(verdict), **owned())
    elif kind == "replica-set":
        return replica_set(namespace, spec_of(verdict))
    else:
        deleted = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if kind == "vm-deleted" else {}
        strategy = "None" if kind == "vm-unevicted" else "LiveMigrate"
        return machine(namespace=namespace, spec=spec_of(verdict, strategy), **deleted)
    del vmi["status"]
    return vmi


def marked(obj):
    """The same with another spec of the same verdict, so that an update has changed something."""
    obj = copy.deepcopy(obj)
    template = obj["spec"]["template"]
    template["spec"]["terminationGracePeriodSeconds"] = 30
    return obj


def cluster_of(directory):
    namespaces = [f"l-{level}" for level in LEVELS] + [f"a-{action}" for action in ACTIONS]
    objects = [namespace_of(f"l-{level}", enforce=level) for level in LEVELS]
    objects += [namespace_of(f"a-{action}", migrations=action) for action in ACTIONS]
    objects += [namespace_of(name, enforce="resilient", migrations="deny")
                for name in ("kube-system", "kubevirt", "migvet")]
    objects += [node(f"node-{c}") for c in "abc"] + [user_of_memory(f"node-{c}") for c in "abc"]
    for namespace in [*namespaces, "kube-system", "kubevirt", "migvet"]:
        for verdict in COLUMNS:
            vmi = instance(f"vmi-{verdict.lower()}", namespace, spec_of(verdict))
            objects.append(vmi)
    directory.mkdir()
    (directory / "all.yaml").write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    return directory


@pytest.fixture(scope="module", name="servers")
def servers_fixture(migvet, tmp_path_factory):
    """A server for each setting of the table, made when it is asked for."""
    directory = tmp_path_factory.mktemp("decisions")
    files = cluster_of(directory / "cluster")
    running = {}

    def server(setting, **settings):
        if setting not in running:
            path = directory / f"{len(running)}.yaml"
            whole = {**HEAD, "defaults": {"warn": "none", "audit": "none"}, **yaml.safe_load(setting), **settings}
            path.write_text(yaml.safe_dump(whole), encoding="utf-8")
            running[setting] = Server(migvet.path, "-f", files, "--config", path,
                                      certs=directory / f"certs-{len(running)}")
        return running[setting]
    yield server
    codes = [each.stop() for each in running.values()]
    assert not any(codes)


def word(response):
    return "deny" if not response["allowed"] else "warn" if response.get("warnings") else "allow"


def test_the_table_is_whole():
    """Each kind, level and column of the first part; nothing that is written there is passed over."""
    first = {(kind, level, who) for setting, kind, level, who, _ in ROWS if setting == "unknown: warn"}
    for kind in ("vm", "vm-unevicted", "vmi", "replica-set"):
        assert {(kind, level, "person") for level in LEVELS} <= first
    assert {("migration", action, "person") for action in ACTIONS} <= first
    assert len({row[:4] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("setting, kind, level, who, answers", ROWS,
                         ids=["-".join(row[:4]).replace(" ", "") for row in ROWS])
def test_table(servers, setting, kind, level, who, answers):
    namespace = f"{'a' if kind == 'migration' else 'l'}-{level}"
    server = servers(setting)
    for user in CONTROLLERS if who == "controllers" else PEOPLE:
        with server.client() as client:
            found = [word(client.review(review_of(object_of(kind, namespace, verdict), user=user)))
                     for verdict in COLUMNS]
            if "-" in answers:
                assert answers[4:] == ["-"] * 4
                assert found == answers[:4], user
                continue
            before = object_of(kind, namespace, "True")
            same = object_of(kind, namespace, "False")
            found.append(word(client.review(review_of(marked(same), "UPDATE", same, user=user))))
            found += [word(client.review(review_of(object_of(kind, namespace, verdict), "UPDATE", before, user=user)))
                      for verdict in COLUMNS[1:]]
            assert found == answers, user


# --- never denied, under the strictest configuration that there is -------

STRICTEST = {"defaults": {"enforce": "resilient", "warn": "resilient", "audit": "resilient"}, "migrations": "deny",
             "clusterScoped": "deny",
             "namespaces": [{"names": [".*"], "enforce": "resilient", "migrations": "deny",
                             "rules": {"node-capacity": "blocker", "pod-network-binding": "blocker"}}],
             "resilient": {"otherNodes": 3}}


@pytest.fixture(name="strict")
def strict_fixture(servers):
    with servers("unknown: deny ", **STRICTEST).client() as client:
        yield client


@pytest.mark.parametrize("verdict", ["False", "Unknown", "NoRoom"])
@pytest.mark.parametrize("kind", ["vm", "vmi", "migration"])
def test_the_strictest_denies(strict, kind, verdict):
    """What the tests below are about would be denied, but for what they are about."""
    namespace = "a-deny" if kind == "migration" else "l-resilient"
    assert word(strict.review(review_of(object_of(kind, namespace, verdict)))) == "deny"


@pytest.mark.parametrize("verdict", ["False", "Unknown", "NoRoom"])
@pytest.mark.parametrize("kind", ["vm", "vmi", "migration"])
class TestNeverDenied:
    """Each sentence of who is never denied."""

    def test_delete(self, strict, kind, verdict):
        old = object_of(kind, "l-resilient", verdict)
        request = review_of(None, "DELETE", old)
        assert word(strict.review(request)) == "allow"

    def test_what_is_being_deleted(self, strict, kind, verdict):
        obj = object_of(kind, "l-resilient", verdict)
        obj["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        assert strict.review(review_of(obj))["allowed"]

    def test_status(self, strict, kind, verdict):
        obj = object_of(kind, "l-resilient", verdict)
        assert word(strict.review(review_of(obj, "UPDATE", obj, subResource="status"))) == "allow"

    @pytest.mark.parametrize("user", CONTROLLERS)
    def test_controllers(self, strict, kind, verdict, user):
        assert word(strict.review(review_of(object_of(kind, "l-resilient", verdict), user=user))) == "allow"

    @pytest.mark.parametrize("namespace", ["kube-system", "kubevirt", "migvet"])
    def test_namespaces(self, strict, kind, verdict, namespace):
        assert strict.review(review_of(object_of(kind, namespace, verdict)))["allowed"]


@pytest.mark.parametrize("verdict", ["False", "Unknown", "NoRoom"])
def test_an_instance_of_a_vm(strict, verdict):
    assert strict.review(review_of(object_of("vmi-of-vm", "l-resilient", verdict)))["allowed"]


@pytest.mark.parametrize("verdict", ["Unknown", "NoRoom"])
def test_an_update_without_a_new_blocker(servers, verdict):
    """Unknown is never worse; neither is room, unless the configuration makes a blocker of it."""
    with servers("unknown: deny").client() as client:
        old, new = (object_of("vm", "l-resilient", each) for each in ("True", verdict))
        assert client.review(review_of(new, "UPDATE", old))["allowed"]


def test_kubevirts_own_refusal_comes_first(strict):
    """It holds for everybody: never denied is what migvet itself would deny."""
    wrong = machine(namespace="kube-system", spec=instance_spec(evictionStrategy="Sometimes"))
    response = strict.review(review_of(wrong, user=CONTROLLERS[0]))
    assert not response["allowed"] and response["status"]["code"] == 422


# --- level resilient ----------------------------------------------------

@pytest.mark.parametrize("nodes, runs, says", [
    ("abc", False, None), ("ab", False, "2 nodes have room for it now, and level resilient asks for 3"),
    ("abc", True, None), ("ab", True, "1 node has room for it now, and level resilient asks for 2")])
def test_other_nodes(migvet, tmp_path, nodes, runs, says):
    """Two others are asked for, and one more to start on while the VM has no node."""
    spec = spec_of("True")
    objects = [namespace_of("shop"), *(node(f"node-{name}") for name in nodes)]
    if runs:
        objects.append(instance("m", spec=spec, **owned()))
    (tmp_path / "cluster.yaml").write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    config = tmp_path / "config" / "config.yaml"
    config.parent.mkdir()
    config.write_text(yaml.safe_dump({**HEAD, "defaults": {"enforce": "resilient"}, "resilient": {"otherNodes": 2}}),
                      encoding="utf-8")
    response = migvet.json("review", "-f", tmp_path / "cluster.yaml", "--config", config,
                           stdin=json.dumps(review_of(machine(spec=spec))))["response"]
    assert word(response) == ("deny" if says else "allow")
    if says:
        assert response["status"]["details"]["causes"] == [{"reason": "node-capacity", "message": says}]
        assert says in response["status"]["message"]
