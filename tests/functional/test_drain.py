# SPDX-License-Identifier: Apache-2.0
"""`migvet drain NODE...`: the simulated drain.

Every case of tests/drain/plan is two files: NAME.yaml holds the cluster, NAME.expect.json the arguments and what matters
of the answer, never prose."""
import csv
import html.parser
import io
import json
import pathlib
import re
import resource
import subprocess
import sys

import pytest
import yaml

from support import PLAIN, on_terminal

DRAIN = pathlib.Path(__file__).resolve().parents[1] / "drain"
CASES = DRAIN / "plan"
NAMES = sorted(file.stem for file in CASES.glob("*.yaml"))
KEYS = ("namespace", "name", "node", "outcome", "to", "obstacle", "wave", "targetPods", "begin", "end")

sys.path.insert(0, str(DRAIN))
import generate  # noqa: E402  pylint: disable=wrong-import-position


def expectation(name):
    return json.loads((CASES / f"{name}.expect.json").read_text(encoding="utf-8"))


def drain(migvet, name, *more, expect=(0, 1)):
    return migvet("drain", *expectation(name)["arguments"], "-f", CASES / f"{name}.yaml", *more, expect=expect)


def plan_of(migvet, name, *more):
    return json.loads(drain(migvet, name, "-o", "json", *more).stdout)


@pytest.mark.parametrize("name", NAMES)
def test_case(migvet, name):
    expected = expectation(name)
    process = drain(migvet, name, "-o", "json")
    plan = json.loads(process.stdout)
    assert (plan["apiVersion"], plan["kind"]) == ("migvet.io/v1alpha1", "DrainPlan")
    instances = [{key: instance[key] for key in KEYS} | {"flagged": bool(instance["mismatch"])}
                 for instance in plan["instances"]]
    assert instances == expected["instances"]
    assert {node["name"]: node["empty"] for node in plan["nodes"]} == expected["nodes"]
    for key in ("blocks", "duration", "waves", "betterOrder"):
        assert plan[key] == expected[key]
    assert process.returncode == (1 if plan["blocks"] else 0)
    assert drain(migvet, name, "-o", "json", "--fail-on", "never").returncode == 0
    # What every plan promises.
    assert plan["assumptions"] and sum(plan["summary"].values()) == len(instances)
    for instance in plan["instances"]:
        assert (instance["obstacle"] != "") == (instance["outcome"] == "blocks")
        assert instance["why"] or instance["outcome"] == "migrates"
        for span in (instance["begin"], instance["end"]):
            assert span["atMost"] is None or span["atMost"] >= span["atLeast"]
        for fix in instance["fixes"]:
            assert all(fix.values())


@pytest.mark.parametrize("name", NAMES)
def test_table(migvet, name):
    expected, table = expectation(name), drain(migvet, name).stdout
    assert "\033" not in table and "Assumptions" in table and "one of the possible" in table
    for instance in expected["instances"]:
        assert f"{instance['namespace']}/{instance['name']}" in table
    assert ("the drain blocks" in table) == expected["blocks"]
    assert "Fix these first" in table or not expected["blocks"]
    assert ("better order" in table) == bool(expected["betterOrder"])
    moving = [instance for instance in expected["instances"] if instance["end"]["atLeast"] is not None]
    assert ("\u2588" in table) == bool(moving)
    assert "\033" in drain(migvet, name, "--color", "always").stdout


@pytest.mark.parametrize("name", NAMES)
def test_csv(migvet, name):
    expected = expectation(name)["instances"]
    rows = list(csv.DictReader(io.StringIO(drain(migvet, name, "-o", "csv").stdout)))
    assert [{key: row[key] for key in ("namespace", "name", "node", "outcome", "to", "obstacle")} for row in rows] == \
           [{key: row[key] for key in ("namespace", "name", "node", "outcome", "to", "obstacle")} for row in expected]
    assert [row["endAtLeast"] for row in rows] == \
           ["" if row["end"]["atLeast"] is None else f"{row['end']['atLeast']:.3f}" for row in expected]


class Page(html.parser.HTMLParser):
    """Tags must nest; attributes and tags are kept."""
    EMPTY = {"meta", "br", "rect"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("name", NAMES)
def test_html(migvet, name):
    expected = expectation(name)
    page = Page(drain(migvet, name, "-o", "html").stdout)
    assert "script" not in page.tags
    assert page.tags.count("table") == page.tags.count("caption") and ("scope", "row") in page.attributes or not \
        expected["instances"]
    assert not {"src", "href"} & {key for key, _ in page.attributes}
    assert "prefers-color-scheme" in page.text
    assert ("rect" in page.tags) == any(instance["end"]["atLeast"] is not None for instance in expected["instances"])
    for instance in expected["instances"]:
        assert f"{instance['namespace']}/{instance['name']}" in page.text


def test_what_is_left_without_a_node_is_to_be_fixed_first(migvet):
    table = drain(migvet, "nobody-takes-it", expect=(0,)).stdout
    assert "Fix these first" in table and "stays down" in table and "resource:memory on 1" in table


def why_of(migvet, name):
    return {instance["name"]: instance["why"] for instance in plan_of(migvet, name)["instances"]}


def test_what_the_api_server_refuses_is_named(migvet):
    whys = why_of(migvet, "limit-range-refuses")
    assert all("LimitRange small" in why and "refuses" in why for why in whys.values())
    assert "limit-range" in drain(migvet, "limit-range-refuses").stdout
    assert "Pod Security level baseline" in why_of(migvet, "pod-security-refuses")["v"]
    assert "ResourceQuota quota" in why_of(migvet, "quota-is-used-up")["v"]


def test_what_a_migration_waits_for_is_named(migvet):
    assert "delete VirtualMachineInstanceMigration m1" in why_of(migvet, "added-selector-fits-nowhere")["v"]
    assert "selinuxContext" in why_of(migvet, "no-selinux-context")["v"]
    assert "selinuxContext" not in why_of(migvet, "claim-not-in-input")["v"]
    assert "auto-converge" in why_of(migvet, "auto-converge")["v"]


def test_an_input_without_pods_is_said(migvet):
    said = [any("No Pod is in the input" in line for line in plan_of(migvet, name)["assumptions"])
            for name in ("no-pods", "places")]
    assert said == [True, False]


def test_names_are_escaped(migvet):
    assert "<script>alert(1)</script>" in Page(drain(migvet, "escaping", "-o", "html").stdout).text


LONG = "worker-with-a-long-name.prod.example.internal"


@pytest.mark.parametrize("columns", [80, 100, 120, 200])
@pytest.mark.parametrize("name", ["outcomes", "mismatch", "long"])
def test_fits_the_terminal(migvet, tmp_path, name, columns):
    case = CASES / f"{name}.yaml"
    if name == "long":
        text = (CASES / "outcomes.yaml").read_text(encoding="utf-8").replace("namespace: app", "namespace: team-billing")
        case = tmp_path / "long.yaml"
        case.write_text(re.sub(r"\bn([12])\b", rf"w\1-{LONG}", text), encoding="utf-8")
    node = f"w1-{LONG}" if name == "long" else "n1"
    text = on_terminal(migvet, "drain", node, "-f", case, "--color", "never", columns=columns)
    assert "\u2588" in text
    for line in text.splitlines():
        assert len(line) <= columns and line == line.rstrip()


def test_time_has_a_scale_and_a_legend(migvet):
    table = drain(migvet, "outcomes").stdout
    assert re.search(r"^ +\|0 +\|5m +\|10m$", table, re.M)
    assert "\u2588 the time that it takes at least, \u2591 the time that it takes at most" in table
    page = Page(drain(migvet, "outcomes", "-o", "html").stdout)
    assert "solid: the time" in page.text and "10m" in page.text and "wave" in page.text
    nothing = drain(migvet, "external-only").stdout
    assert "at most" not in nothing.split("Assumptions")[0]


def test_no_upper_bound_is_explained(migvet):
    assert "no upper bound" not in drain(migvet, "outcomes").stdout
    for form in ("table", "html"):
        text = drain(migvet, "no-deadline", "-o", form).stdout
        assert "done after" in text and ", no upper bound" in text and "may not converge" in text
    # The end that nobody knows lies beyond the ones that are known.
    assert "\u2588\u2591" in drain(migvet, "no-deadline").stdout


@pytest.mark.parametrize("name, summary", [
    ("outcomes", "2 migrate, 3 restart, 6 stay down, 1 has an unknown outcome, 1 is left to another controller, 2 block: "
                 "the drain blocks"),
    ("external-only", "1 is left to another controller: the drain ends when another controller has done its part"),
    ("empty", "no instance: nothing to wait for"),
    ("one-by-one", " a node"),
])
def test_summary(migvet, name, summary):
    table, page = drain(migvet, name).stdout, Page(drain(migvet, name, "-o", "html").stdout).text
    assert table.splitlines()[-1].endswith(summary) and summary in page
    for text in (table, page):
        assert not re.search(r"\b0ms\b|\b1 (instances|nodes|waves|block|migrate)\b|0 waves", text)


def test_csv_quotes(migvet, tmp_path):
    """RFC 4180: CRLF, quotes doubled; KubeVirt's message with a comma, quotes and a line break is one cell."""
    odd = 'a "b", c\nd'
    objects = list(yaml.safe_load_all((CASES / "mismatch.yaml").read_text(encoding="utf-8")))
    for obj in objects:
        if obj["kind"] == "VirtualMachineInstance":
            obj["status"]["conditions"][0]["message"] = odd
    case = tmp_path / "odd.yaml"
    case.write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    data = subprocess.run([migvet.path, "drain", "n1", "-f", case, "-o", "csv"], capture_output=True, check=False).stdout
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))
    assert [row["name"] for row in rows] == ["a", "b"] and rows[1]["why"].endswith(odd)
    assert data.count(b"\r\n") == 3 and data.endswith(b"\r\n") and b'""b""' in data


def test_csv_is_documented(migvet):
    header = drain(migvet, "outcomes", "-o", "csv").stdout.splitlines()[0].split(",")
    text = migvet("drain", "--help").stdout
    assert "RFC 4180" in text and all(re.search(rf"\b{column}\b", text) for column in header)


@pytest.mark.parametrize("name, instance, words", [
    ("mismatch", "b", ["restart the VM", "virt-handler on n1", "`migvet explain vmi/b -n app`"]),
    ("outcomes", "no-condition", ["condition LiveMigratable", "virt-handler"]),
    ("budgets", "refused", ["minAvailable", "maxUnavailable", "PodDisruptionBudget none", "replicas"]),
    ("budgets", "two-budgets", ["first, second", "only one"]),
    ("no-room", "a-large", ["24898Mi of memory more on n2", "requests 41282Mi"]),
    ("all-at-once-is-too-much", "light", ["--one-by-one"]),
    ("too-slow", "a", ["bandwidthPerMigration"]),
    ("no-place", "a", ["parallelMigrationsPerCluster"]),
])
def test_what_to_do_about_what_blocks(migvet, name, instance, words):
    advice = {fate["name"]: fate["advice"] for fate in plan_of(migvet, name)["instances"]}[instance]
    assert all(word in advice for word in words)
    assert f"    to do  {advice}\n" in drain(migvet, name).stdout
    assert advice in Page(drain(migvet, name, "-o", "html").stdout).text


@pytest.mark.parametrize("name", NAMES)
def test_every_block_has_something_to_do(migvet, name):
    for instance in plan_of(migvet, name)["instances"]:
        if instance["outcome"] == "blocks":
            assert instance["advice"] or instance["fixes"]
        else:
            assert not instance["advice"]


def test_a_missing_condition_is_a_condition(migvet):
    assert "its status has no condition LiveMigratable" in drain(migvet, "outcomes").stdout


def test_one_that_migrates_already(migvet, tmp_path):
    """Its target is the one that its status names, and that is said."""
    objects = list(yaml.safe_load_all((CASES / "cluster-limit.yaml").read_text(encoding="utf-8")))
    vmi = next(obj for obj in objects if obj["kind"] == "VirtualMachineInstance" and obj["status"]["nodeName"] == "n1")
    name = vmi["metadata"]["name"]
    migration = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration",
                 "metadata": {"name": "move", "namespace": vmi["metadata"]["namespace"], "uid": "uid-move"},
                 "spec": {"vmiName": name}, "status": {"phase": "Running"}}
    for state, words in ((None, "does not tell of it yet"),
                         ({"migrationUid": "uid-move", "sourceNode": "n1", "targetNode": "n3"}, "names target node n3")):
        vmi["status"]["migrationState"] = state or {}
        case = tmp_path / "running.yaml"
        case.write_text(yaml.safe_dump_all([*objects, migration]), encoding="utf-8")
        plan = migvet.json("drain", "n1", "-f", case, "-o", "json")
        fate = next(fate for fate in plan["instances"] if fate["name"] == name)
        assert "move is in phase Running" in fate["why"] and words in fate["why"]
        assert fate["to"] == ("n3" if state else "")
        assert fate["why"] in migvet("drain", "n1", "-f", case).stdout


def test_every_file_belongs_to_a_case():
    assert {file.name for file in CASES.iterdir()} == {f"{name}{suffix}" for name in NAMES
                                                       for suffix in (".yaml", ".expect.json")}


def test_nothing_but_the_stored_condition_decides(migvet):
    instances = {instance["name"]: instance for instance in plan_of(migvet, "mismatch")["instances"]}
    assert instances["a"]["outcome"] == "migrates" and "pod-network-binding" in str(instances["a"]["fixes"])
    assert instances["b"]["obstacle"] == "eviction-webhook" and not instances["b"]["fixes"]


def test_what_stops_it_is_said_once(migvet):
    why = plan_of(migvet, "no-room")["instances"][0]["why"]
    assert why.count("resource:memory") == 1 and "cpu-vendor:Intel on 1" in why


def test_node_word_and_repetition(migvet):
    case = CASES / "cluster-limit.yaml"
    once = migvet.json("drain", "n1", "n2", "-f", case, "-o", "json")
    assert migvet.json("drain", "node/n1", "n2", "n1", "-f", case, "-o", "json") == once


def test_link_bandwidth(migvet):
    fast, slow = (plan_of(migvet, "places", "--link-bandwidth", rate)["duration"] for rate in ("100G", "1G"))
    assert slow["atLeast"] == pytest.approx(100 * fast["atLeast"], rel=0.01)


def test_wrong_command_lines(migvet):
    case = CASES / "places.yaml"

    def error(*arguments):
        return migvet("drain", *arguments, "-f", case, expect=(2,)).stderr

    assert "no Node \"nowhere\"" in error("n1", "nowhere")
    assert "none of table, json, csv, html" in error("n1", "-o", "sarif")
    for flag in ("--link-bandwidth", "--dirty-rate"):
        for value in ("0", "-1", "fast"):
            assert f"{flag} \"{value}\"" in error("n1", f"{flag}={value}")
    for value in ("1e400", "1e16", "1001T"):
        assert f"--link-bandwidth \"{value}\"" in error("n1", f"--link-bandwidth={value}")
    assert "goes without" in error("--step", "--one-by-one")


def test_a_large_cluster_in_time(migvet, tmp_path):
    """1,000 nodes and 20,000 VMs: under 5 s of the processor, whatever else runs on the machine."""
    nodes, vms = (1000, 20000) if PLAIN else (100, 2000)
    generate.write(tmp_path, nodes, vms)
    for arguments in (["node-0001"], [f"node-{i:04}" for i in range(nodes // 10)],
                      ["--one-by-one", *(f"node-{i:04}" for i in range(nodes // 10))]):
        before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        plan = migvet.json("drain", *arguments, "-f", tmp_path, "-o", "json", expect=(0,))
        if PLAIN:
            assert sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before < 5
            assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1 << 20  # KiB: 1 GiB
        assert len(plan["instances"]) >= vms // nodes
        assert not plan["blocks"]


def test_cases_are_plain_yaml():
    for name in NAMES:
        assert all(isinstance(document, dict) for document in yaml.safe_load_all(
            (CASES / f"{name}.yaml").read_text(encoding="utf-8")))


def test_times_beyond_all_bounds(migvet, tmp_path):
    """The longest that a manifest can ask for is not known, or never: it is no negative time."""
    text = (CASES / "outcomes.yaml").read_text(encoding="utf-8")
    assert "terminationGracePeriodSeconds: 90" in text
    text = text.replace("terminationGracePeriodSeconds: 90", f"terminationGracePeriodSeconds: {2**63 - 1}")
    (tmp_path / "slow.yaml").write_text(text, encoding="utf-8")
    plan = json.loads(migvet("drain", "n1", "-f", tmp_path / "slow.yaml", "-o", "json", expect=(0, 1)).stdout)
    assert plan["instances"][0]["gracePeriodSeconds"] == 2**63 - 1 and plan["instances"][0]["end"]["atMost"] is None
    for instance in plan["instances"]:
        for time in (*instance["begin"].values(), *instance["end"].values()):
            assert time is None or time >= 0
