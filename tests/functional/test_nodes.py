# SPDX-License-Identifier: Apache-2.0
"""migvet nodes from outside: the matrix in each form, the baseline, stranded VMs, and the nodes in explain."""
import csv
import html.parser
import io
import re
import subprocess

import pytest
import yaml

from support import EXAMPLES, ROOT, on_terminal

CLUSTER = EXAMPLES / "cluster"
FROZEN = ROOT / "tests" / "fixtures" / "cpu-host-model" / "fail-frozen-selector.yaml"
ESCAPES = "\x1b["


def node(name, models=("Penryn", "Haswell"), vendor="Intel", memory="64Gi", labels=None, **spec):
    return {"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {
                "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubevirt.io/schedulable": "true",
                "machine-type.node.kubevirt.io/q35": "true", f"cpu-vendor.node.kubevirt.io/{vendor}": "true",
                **{f"cpu-model.node.kubevirt.io/{model}": "true" for model in models}, **(labels or {})}},
            "spec": spec,
            "status": {"allocatable": {
                "cpu": "32", "memory": memory, "pods": "110", "ephemeral-storage": "200Gi",
                "devices.kubevirt.io/kvm": "1k", "devices.kubevirt.io/tun": "1k",
                "devices.kubevirt.io/vhost-net": "1k"}}}


def machine(name, model="Haswell", guest="4Gi", on="", **spec):
    """An instance; on: the node that it is on."""
    return {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance",
            "metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}", "labels": {"app": name}},
            "spec": {"architecture": "amd64", "evictionStrategy": "LiveMigrateIfPossible",
                     "domain": {"cpu": {"model": model}, "memory": {"guest": guest}, "machine": {"type": "q35"},
                                "devices": {"interfaces": [{"name": "default", "masquerade": {}}]}},
                     "networks": [{"name": "default", "pod": {}}], **spec},
            "status": {"phase": "Running", "nodeName": on} if on else {}}


@pytest.fixture(name="cluster")
def cluster_fixture(tmp_path):
    """cluster(object, ...) gives a file of them."""
    def write(*objects):
        path = tmp_path / "cluster.yaml"
        path.write_text(yaml.safe_dump_all(objects), encoding="utf-8")
        return path
    return write


def items(migvet, *arguments, expect=(0, 1)):
    answer = migvet.json("nodes", "-o", "json", *arguments, expect=expect)
    assert list(answer) == ["apiVersion", "kind", "items"]
    assert (answer["apiVersion"], answer["kind"]) == ("migvet.io/v1alpha1", "NodeMatrix")
    return answer["items"]


def causes(item):
    return {other["node"]: other["causes"] for other in item["targets"]["infeasible"]}


def few():
    """One of each: where the VM is, a node with room, one without, a cordoned one, one of another vendor."""
    return [machine("db", on="node-a"), node("node-b"), node("node-a"), node("node-c", memory="1Gi"),
            node("node-d", unschedulable=True), node("node-e", models=("EPYC",), vendor="AMD"),
            node("node-f", memory="5Gi"),
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "hog", "namespace": "shop"},
             "spec": {"nodeName": "node-f", "containers": [
                 {"name": "c", "resources": {"requests": {"memory": "4Gi"}}}]}}]


# --- the matrix ---------------------------------------------------------

def test_json_is_what_check_says(migvet):
    verdicts = migvet.verdicts("-f", CLUSTER)
    rows = items(migvet, "-f", CLUSTER, expect=(1,))
    assert [(row["subject"], row["targets"]) for row in rows] == \
        [(verdict["subject"], verdict["targets"]) for verdict in verdicts]
    assert all(list(row) == ["subject", "targets"] for row in rows)


def test_selection(migvet):
    def names(*arguments):
        return [row["subject"]["name"] for row in items(migvet, "-f", CLUSTER, *arguments)]
    assert names("vm/db") == ["db"]
    assert names("-n", "shop", "vm/web", "vmi/db") == ["web", "db"]
    assert names("-n", "elsewhere") == []
    assert names("-l", "a=b") == []
    assert len(names("-A")) == 6


def test_node_selector(migvet):
    intel = "cpu-vendor.node.kubevirt.io/Intel"
    row, = items(migvet, "-f", CLUSTER, "vm/db", "--node-selector", intel)
    assert row["targets"] == {"total": 3, "feasible": ["node-b", "node-c"],
                              "infeasible": [{"node": "node-a", "causes": ["source-node"]}]}
    row, = items(migvet, "-f", CLUSTER, "vm/db", "--node-selector", "kubernetes.io/hostname in (node-d)", expect=(1,))
    assert row["targets"]["total"] == 1 and not row["targets"]["feasible"]
    process = migvet("nodes", "-f", CLUSTER, "--node-selector", "a=b", expect=(2,))
    assert "--node-selector" in process.stderr and not process.stdout
    assert "selector" in migvet("nodes", "-f", CLUSTER, "--node-selector", "a in (", expect=(2,)).stderr


def test_no_node_is_wrong_input(migvet, cluster):
    process = migvet("nodes", "-f", cluster(machine("db")), expect=(2,))
    assert "no Node" in process.stderr and not process.stdout


@pytest.mark.parametrize("output, wanted", [("yaml", "table, json, csv, html"), ("wide", "table, json, csv, html")])
def test_wrong_output(migvet, output, wanted):
    process = migvet("nodes", "-f", CLUSTER, "-o", output, expect=(2,))
    assert output in process.stderr and wanted in process.stderr


def test_marks(migvet, cluster):
    text = migvet("nodes", "-f", cluster(*few()), expect=(0,)).stdout
    lines = text.splitlines()
    assert lines[0].split() == ["KIND", "NAMESPACE/NAME"] + [f"node-{n}" for n in "abcdef"]
    assert lines[1].split() == ["vmi", "shop/db", "o", "+", "x", "!", "x", "!"]
    # Each mark stands under the name of its node.
    for name, mark in zip((f"node-{n}" for n in "abcdef"), lines[1].split()[2:]):
        at = lines[0].index(name)
        assert lines[1][at:at + len(name)].strip() == mark
    reasons = [line for line in lines if re.match(r"  [+o!x] ", line)]
    assert reasons == ["  + node-b", "  o node-a", "  ! node-d: unschedulable", "  ! node-f: resource:memory",
                       "  x node-c: resource:memory", "  x node-e: cpu-model:Haswell, cpu-vendor:Intel"]
    assert ESCAPES not in text
    assert ESCAPES in migvet("nodes", "-f", cluster(*few()), "--color", "always").stdout


def test_a_vm_without_a_node(migvet, cluster):
    """It can start on the one node of its kind, and from there go nowhere."""
    path = cluster(machine("db", model="EPYC"), node("node-a"), node("node-b", models=("EPYC",), vendor="AMD"))
    assert items(migvet, "-f", path, expect=(1,))[0]["targets"]["feasible"] == ["node-b"]
    text = migvet("nodes", "-f", path, expect=(1,)).stdout
    assert "has no node yet, nowhere to go from where it can start" in text


def test_many_nodes_are_few_lines(migvet, cluster):
    nodes = [node(f"worker-{i:04}.rack-{i % 40}.example.org", memory="1Gi" if i % 2 else "64Gi")
             for i in range(1000)]
    text = migvet("nodes", "-f", cluster(machine("db", on="worker-0000.rack-0.example.org"), *nodes)).stdout
    assert len(text.splitlines()) < 15
    assert re.search(r"^vmi +shop/db +499 +1 +0 +500$", text, re.M)
    assert re.search(r"^  x worker-0001.* and 497 more: resource:memory$", text, re.M)


@pytest.mark.parametrize("count", [5, 12, 28, 60])
def test_80_columns(migvet, cluster, count):
    nodes = [node(f"worker-{i}", models=("Penryn",) if i % 3 == 0 else ("Penryn", "Haswell"),
                  taints=[{"key": f"team-{i % 4}.example.org/only", "effect": "NoSchedule"}] if i % 4 else [])
             for i in range(count)]
    text = on_terminal(migvet, "nodes", "-f", cluster(machine("db"), *nodes), "--color", "never")
    assert "shop/db" in text
    assert max(len(line) for line in text.splitlines()) <= 80
    if count == 12:  # numbers, and a list of whom they are
        assert "1 worker-0" in text


def test_80_columns_with_long_names(migvet, cluster):
    """Only a word that is longer than the line goes beyond it."""
    long = "worker-with-a-long-name.prod.example.internal"
    objects = [node(long), node(f"other-{long}", models=("Penryn",)), machine("postgres-primary-billing-0001", on=long)]
    text = on_terminal(migvet, "nodes", "-f", cluster(*objects), "--color", "never")
    assert f"is on {long}" in text.replace("\n  ", " ")
    assert max(len(line) for line in text.splitlines()) <= 80


def test_csv(migvet, cluster):
    text = migvet("nodes", "-f", cluster(*few()), "-o", "csv").stdout
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert rows[0] == ["namespace", "kind", "name", "node", "feasible", "causes"]
    assert rows[1:] == [
        ["shop", "VirtualMachineInstance", "db", "node-a", "false", "source-node"],
        ["shop", "VirtualMachineInstance", "db", "node-b", "true", ""],
        ["shop", "VirtualMachineInstance", "db", "node-c", "false", "resource:memory"],
        ["shop", "VirtualMachineInstance", "db", "node-d", "false", "unschedulable"],
        ["shop", "VirtualMachineInstance", "db", "node-e", "false", "cpu-model:Haswell cpu-vendor:Intel"],
        ["shop", "VirtualMachineInstance", "db", "node-f", "false", "resource:memory"]]
    data = subprocess.run([migvet.path, "nodes", "-f", cluster(*few()), "-o", "csv"], capture_output=True,
                          check=False).stdout
    assert data.count(b"\r\n") == data.count(b"\n") == 7


def test_csv_quotes(migvet, cluster):
    odd = machine("db")
    odd["spec"]["nodeSelector"] = {"a": 'b,"c"'}
    text = migvet("nodes", "-f", cluster(odd, node("node-a")), "-o", "csv").stdout
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert rows[1][5] == 'selector:a=b,"c"'


class Page(html.parser.HTMLParser):
    """Checks that elements close in order, and collects tags with attributes, and text."""
    VOID = {"meta", "br", "link", "img"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html(migvet, cluster):
    text = migvet("nodes", "-f", cluster(*few()), "-o", "html").stdout
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert not re.search(r"https?://|<script|@import|url\(", text)  # it needs nothing else
    assert "prefers-color-scheme: dark" in text and "position: sticky" in text
    assert [attrs["scope"] for tag, attrs in page.tags if tag == "th"] == ["col"] * 7 + ["row"]
    assert sum(tag == "caption" for tag, _ in page.tags) == 1
    titles = [attrs["title"] for tag, attrs in page.tags if tag == "td"]
    assert titles == ["node-a: is there now", "node-b: can go there", "node-c: cannot go there: resource:memory",
                      "node-d: not right now: unschedulable",
                      "node-e: cannot go there: cpu-model:Haswell, cpu-vendor:Intel",
                      "node-f: not right now: resource:memory"]
    identifiers = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(identifiers) == len(set(identifiers))
    assert all(attrs["href"][1:] in identifiers for tag, attrs in page.tags if tag == "a")
    # Marks are for the eye: a screen reader hears words.
    assert text.count('class="words">') >= len(titles)


def test_html_escapes(migvet, cluster):
    odd = machine("db")
    odd["spec"]["nodeSelector"] = {"a": "<script>alert('1')</script>\"&"}
    text = migvet("nodes", "-f", cluster(odd, node("node-a")), "-o", "html", expect=(1,)).stdout
    Page(text)
    assert "<script" not in text
    assert "selector:a=&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;" in text


def test_html_of_many_nodes(migvet, cluster):
    text = migvet("nodes", "-f", cluster(machine("db"), *(node(f"n{i}") for i in range(300))), "-o", "html").stdout
    page = Page(text)
    assert sum(tag == "td" for tag, _ in page.tags) == 4
    assert len(text) < 20000


@pytest.mark.parametrize("objects, codes", [
    ([machine("db", on="node-a"), node("node-a"), node("node-b")], (0, 0, 0, 0)),
    ([machine("db", on="node-a"), node("node-a"), node("node-b", models=("Penryn",))], (1, 1, 1, 0)),
    ([machine("db", on="gone"), node("node-a"), node("node-b")], (0, 1, 1, 0)),
    ([machine("db", on="node-a"), node("node-a"), node("node-b", unschedulable=True)], (0, 0, 1, 0)),
    ([machine("db"), node("node-a"), node("node-b")], (0, 0, 0, 0)),
    ([machine("db"), node("node-a")], (1, 1, 1, 0)),
])
def test_exit_codes(migvet, cluster, objects, codes):
    path = cluster(*objects)
    for level, code in zip(("blocker", "unknown", "risk", "never"), codes):
        for form in (("-o", "json"), ("-o", "table"), ("--baseline",)):
            migvet("nodes", "-f", path, "--fail-on", level, *form, expect=(code,))
    assert migvet("nodes", "-f", path, *("--fail-on", "never"), expect=(0,)).returncode == 0


def test_no_instance(migvet, cluster):
    """KubeVirt makes no instance of the VM: nothing can be said of any node, and that is not a yes."""
    vm = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "db", "namespace": "shop"},
          "spec": {"instancetype": {"name": "gone"}, "template": machine("db")}}
    path = cluster(vm, node("node-a"))
    row, = items(migvet, "-f", path, expect=(0,))
    assert list(row) == ["subject"]
    assert migvet("nodes", "-f", path, "--fail-on", "unknown", expect=(1,)).stdout.splitlines()[1].split()[-1] == "?"
    assert ",unknown," in migvet("nodes", "-f", path, "-o", "csv").stdout
    assert "not known" in migvet("nodes", "-f", path, "-o", "html").stdout


def test_help(migvet):
    text = migvet("nodes", "--help", expect=(0,)).stdout
    for flag in ("--node-selector", "--baseline", "--fail-on", "--output"):
        assert flag in text
    assert "nodes" in migvet("--help", expect=(0,)).stdout


# --- the baseline -------------------------------------------------------

NEW = ("Penryn", "Haswell", "Skylake-Server")


def baseline(migvet, *arguments, expect=(0, 1)):
    answer = migvet.json("nodes", "--baseline", "-o", "json", *arguments, expect=expect)
    assert (answer["apiVersion"], answer["kind"]) == ("migvet.io/v1alpha1", "Baseline")
    assert list(answer) == ["apiVersion", "kind", "groups", "leftOut", "stranded"]
    return answer


def names(results):
    return [result["subject"]["name"] for result in results]


def test_baseline(migvet, cluster):
    master = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "master", "labels": {}}}
    path = cluster(machine("render", model="Skylake-Server", on="node-c"), machine("web", on="node-a"),
                   machine("fine", model="Skylake-Server", on="node-c"), master,
                   machine("host", model="host-passthrough", on="node-a"),
                   node("node-a"), node("node-c", models=NEW), node("node-d", models=("EPYC",), vendor="AMD"),
                   node("node-e", models=("EPYC", "EPYC-Rome"), vendor="AMD"))
    answer = baseline(migvet, "-f", path, expect=(1,))
    assert answer["leftOut"] == ["master"] and answer["stranded"] == []
    amd, intel = answer["groups"]
    assert list(intel) == ["architecture", "vendor", "nodes", "model", "runnersUp", "newer", "heldBackBy", "unranked",
                           "trials"]
    assert (intel["architecture"], intel["vendor"], intel["nodes"]) == ("amd64", "Intel", ["node-a", "node-c"])
    assert (intel["model"], intel["runnersUp"]) == ("Haswell", ["Penryn"])
    assert intel["newer"] == [{"model": "Skylake-Server", "nodes": 1, "without": ["node-a"]}]
    assert intel["heldBackBy"] == [{"node": "node-a", "model": "Skylake-Server"}]
    assert (amd["model"], amd["heldBackBy"]) == ("EPYC", [{"node": "node-d", "model": "EPYC-Rome"}])
    trial, = intel["trials"]
    assert trial["model"] == "Haswell" and trial["nodes"] == ["node-a", "node-c"]
    assert names(trial["gain"]) == ["render", "fine"]
    assert [(gain["before"], gain["after"], gain["blockers"]) for gain in trial["gain"]] == [(0, 1, "")] * 2
    assert names(trial["keep"]) == ["web", "host"]
    assert trial["lose"] == trial["stuck"] == []
    assert yaml.safe_load(migvet("nodes", "--baseline", "-f", path, "-o", "yaml").stdout) == answer


def test_baseline_models(migvet, cluster):
    path = cluster(machine("web", on="node-a"), node("node-a", models=NEW), node("node-b"), node("node-c", models=NEW))
    answer = baseline(migvet, "Skylake-Server", "Penryn", "-f", path)
    assert [trial["model"] for trial in answer["groups"][0]["trials"]] == ["Skylake-Server", "Penryn"]
    skylake, penryn = answer["groups"][0]["trials"]
    assert [(loss["subject"]["name"], loss["before"], loss["after"], loss["lost"]) for loss in skylake["lose"]] == \
        [("web", 2, 1, ["node-b"])]
    assert names(penryn["keep"]) == ["web"]
    # Arguments with a slash are objects, in any order.
    assert baseline(migvet, "vmi/web", "Penryn", "-f", path) == baseline(migvet, "Penryn", "-f", path)
    process = migvet("nodes", "--baseline", "Frob", "-f", path, expect=(2,))
    assert "Frob" in process.stderr and not process.stdout


def test_baseline_says_what_still_stops_it(migvet, cluster):
    odd = machine("render", model="Skylake-Server", on="node-b")
    odd["spec"]["domain"]["devices"]["interfaces"] = [{"name": "default", "bridge": {}}]
    path = cluster(odd, node("node-a"), node("node-b", models=NEW))
    gain, = baseline(migvet, "-f", path)["groups"][0]["trials"][0]["gain"]
    assert gain["blockers"] == "pod-network-binding"
    assert "still stopped by pod-network-binding" in migvet("nodes", "--baseline", "-f", path).stdout


def test_baseline_of_some_nodes(migvet, cluster):
    path = cluster(node("node-a", labels={"zone": "old"}), node("node-b", models=NEW, labels={"zone": "new"}),
                   node("node-c", models=NEW, labels={"zone": "new"}))
    assert baseline(migvet, "-f", path)["groups"][0]["model"] == "Haswell"
    group, = baseline(migvet, "-f", path, "--node-selector", "zone=new")["groups"]
    assert (group["model"], group["nodes"]) == ("Skylake-Server", ["node-b", "node-c"])


def test_baseline_of_unknown_models(migvet, cluster):
    """What is not in the list stands behind what is, and the report says so."""
    path = cluster(node("node-a", models=("Zzz", "Penryn")), node("node-b", models=("Zzz", "Penryn")))
    group, = baseline(migvet, "-f", path)["groups"]
    assert (group["model"], group["runnersUp"], group["unranked"]) == ("Penryn", ["Zzz"], ["Zzz"])
    assert "age not known" in migvet("nodes", "--baseline", "-f", path).stdout


def test_baseline_without_a_common_model(migvet, cluster):
    path = cluster(machine("web", on="node-a"), node("node-a", models=("Penryn",)), node("node-b", models=("Haswell",)))
    group, = baseline(migvet, "-f", path)["groups"]
    assert (group["model"], group["trials"]) == ("", [])
    assert "none" in migvet("nodes", "--baseline", "-f", path).stdout


def test_baseline_output(migvet):
    process = migvet("nodes", "--baseline", "-f", CLUSTER, "-o", "csv", expect=(2,))
    assert "table, json, yaml" in process.stderr
    text = on_terminal(migvet, "nodes", "--baseline", "-f", CLUSTER, "--color", "never")
    assert max(len(line) for line in text.splitlines()) <= 80
    assert re.search(r"newest in common +Haswell$", text, re.M)


# --- stranded -----------------------------------------------------------

def test_stranded(migvet):
    row, = items(migvet, "-f", FROZEN, expect=(1,))
    assert row["stranded"] == {"pod": "virt-launcher-db-x", "causes": ["cpu-feature:rtm"]}
    stranded, = baseline(migvet, "-f", FROZEN)["stranded"]
    assert list(stranded) == ["subject", "pod", "causes"]
    for arguments in (("nodes",), ("nodes", "-o", "html"), ("nodes", "--baseline"), ("explain", "vmi/db")):
        text = migvet(*arguments, "-f", FROZEN).stdout
        assert "stranded" in text and "cpu-feature:rtm" in text
        assert "stop and start the VM" in text
    # The rule that stops it says so, too.
    finding, = [f for f in migvet.verdicts("-f", FROZEN)[0]["findings"] if f["rule"] == "cpu-host-model"]
    assert "virt-launcher-db-x" in finding["message"] and "cpu-feature:rtm" in finding["message"]


# --- explain ------------------------------------------------------------

def test_explain_lists_every_node(migvet, cluster):
    text = migvet("explain", "vmi/db", "-f", cluster(*few())).stdout
    at = text.index("Where it could go")
    assert [line for line in text[at:].splitlines() if re.match(r"  [+o!x] ", line)] == \
        ["  + node-b", "  o node-a", "  ! node-d: unschedulable", "  ! node-f: resource:memory",
         "  x node-c: resource:memory", "  x node-e: cpu-model:Haswell, cpu-vendor:Intel"]
    # 4Gi and KubeVirt's overhead; node-f has 5Gi of which 4Gi are taken.
    assert re.search(r"resource:memory: needs 4\.\dGi; "
                     r"node-c has 1Gi free of 1Gi, node-f has 1Gi free of 5Gi", " ".join(text.split()))
    assert "devices.kubevirt.io/kvm 1" in text


def test_explain_counts_no_room_where_the_vm_is(migvet, cluster):
    path = cluster(machine("db", on="node-a"), node("node-a", memory="1Gi"), node("node-b", memory="2Gi"))
    text = " ".join(migvet("explain", "vmi/db", "-f", path, expect=(1,)).stdout.split())
    assert "node-b has 2Gi free of 2Gi" in text and "node-a has" not in text


def test_explain_rounds_away_from_what_looks_like_enough(migvet, cluster):
    """What is needed is rounded up and what is there down, so that 1.05Gi never looks like enough for 1.06Gi."""
    path = cluster(machine("db", guest="4Gi", on="node-a"), node("node-a"), node("node-b", memory="1127428915"))
    text = " ".join(migvet("explain", "vmi/db", "-f", path).stdout.split())
    needed = re.search(r"memory (\d+\.\d)Gi resource", text).group(1)
    assert f"resource:memory: needs {needed}Gi; node-b has 1Gi free of 1Gi" in text  # 1.05Gi
    # The least that is enough is more than what is shown, less a tenth.
    least = float(needed) - 0.1
    for memory, enough in ((f"{int(least * 2**30)}", False), (f"{int(float(needed) * 2**30) + 1}", True)):
        path = cluster(machine("db", guest="4Gi", on="node-a"), node("node-a"), node("node-b", memory=memory))
        assert bool(items(migvet, "-f", path)[0]["targets"]["feasible"]) == enough


def test_explain_of_a_resource_that_no_node_has(migvet):
    text = migvet("explain", "vm/render", "-f", CLUSTER).stdout
    assert "resource:example.org/encoder: needs 1; no node has any" in text
    assert "Where it could start" in text


def test_explain_without_nodes(migvet, cluster):
    assert "Where it could" not in migvet("explain", "vmi/db", "-f", cluster(machine("db"))).stdout
