# SPDX-License-Identifier: Apache-2.0
"""The forms of `check` that other programs read: csv, sarif, junit, github; and the page."""
import csv
import html.parser
import io
import json
import re
import subprocess
import urllib.parse
import xml.etree.ElementTree as xml

import pytest
import yaml

from support import EXAMPLES, instance_spec, machine, migration, instance

FORMS = ["csv", "sarif", "junit", "github", "html"]
CLUSTER = EXAMPLES / "cluster"
FIX = ("use masquerade: {} for the interface of the pod network, or set devices.autoattachPodInterface: false where "
       "it needs none")
BRIDGE = "interface default connects to the pod network by bridge"
NASTY = "=1+1|\"<&>'\n\r\t😀\x1b[31m,:%\ufffe]]>::"

SMALL = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
---
# a comment
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: ok
  namespace: shop
spec:
  template:
    spec:
      evictionStrategy: LiveMigrate
      domain:
        devices:
          interfaces: [{name: default, masquerade: {}}]
      networks: [{name: default, pod: {}}]
---
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: old
  namespace: shop
spec:
  template:
    spec:
      evictionStrategy: LiveMigrateIfPossible
      domain:
        devices:
          interfaces:
          - name: default
            bridge: {}
      networks: [{name: default, pod: {}}]
"""


def bridged(name, namespace="shop"):
    """A VM with one finding."""
    return machine(name, namespace, instance_spec("bridge", evictionStrategy="LiveMigrateIfPossible"))


@pytest.fixture(name="check")
def check_fixture(migvet, tmp_path):
    """check("csv", "-f", ...) runs in a directory of its own; the bytes that it printed."""
    def run(form, *arguments, stdin="", expect=1):
        process = subprocess.run([migvet.path, "check", "-o", form, *map(str, arguments)], cwd=tmp_path,
                                 input=stdin.encode(), capture_output=True, timeout=60, check=False)
        assert process.returncode == expect, process.stderr.decode() + process.stdout.decode()[:2000]
        return process.stdout
    return run


@pytest.fixture(name="small")
def small_fixture(tmp_path):
    (tmp_path / "vms.yaml").write_text(SMALL, encoding="utf-8")


def nasty_list(name=NASTY):
    """JSON of which each object is on a line of its own, indented by one."""
    items = [bridged(name, "a&b"), machine(name="b", namespace="c")]
    return '{"apiVersion": "v1", "kind": "List", "items": [\n ' + ",\n ".join(map(json.dumps, items)) + "\n]}\n"


def rows_of(data):
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


def run_of(data):
    log = json.loads(data)
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json") and len(log["runs"]) == 1
    return log["runs"][0]


def annotations(data):
    """Commands as GitHub's runner reads them: level, properties and message, unescaped."""
    def plain(text, codes):
        for code, character in codes:
            text = text.replace(code, character)
        return text.replace("%25", "%")
    found = []
    for line in data.decode().splitlines():
        level, properties, message = re.fullmatch(r"::(error|warning|notice) (.*?)::(.*)", line).groups()
        common = [("%0D", "\r"), ("%0A", "\n")]
        found.append((level, {key: plain(value, common + [("%3A", ":"), ("%2C", ",")])
                              for key, value in (item.split("=", 1) for item in properties.split(","))},
                      plain(message, common)))
    return found


# --- exact ----------------------------------------------------------------

@pytest.mark.usefixtures("small")
def test_exact_csv(check):
    assert check("csv", "-f", "vms.yaml").decode() == (
        "namespace,kind,name,migratable,method,rule,severity,outcome,field,message,fix,reason,file,line\r\n"
        "shop,VirtualMachine,ok,True,LiveMigration,,,,,,,,vms.yaml,6\r\n"
        "shop,VirtualMachine,old,False,LiveMigration,pod-network-binding,blocker,fail,"
        f'spec.template.spec.domain.devices.interfaces[0],{BRIDGE},"{FIX}",InterfaceNotLiveMigratable,vms.yaml,32\r\n')


@pytest.mark.usefixtures("small")
def test_exact_github(check):
    assert check("github", "-f", "vms.yaml").decode() == (
        "::error file=vms.yaml,line=32,col=13,title=pod-network-binding%3A VirtualMachine shop/old::"
        f"{BRIDGE}%0Aat spec.template.spec.domain.devices.interfaces[0]%0Afix: {FIX}\n")


@pytest.mark.usefixtures("small")
def test_exact_junit(check):
    assert check("junit", "-f", "vms.yaml").decode() == f"""\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="migvet check" tests="2" failures="1" errors="0" skipped="0" time="0">
  <testsuite name="shop" tests="2" failures="1" errors="0" skipped="0" time="0">
    <testcase classname="shop.VirtualMachine" name="ok" file="vms.yaml" line="6" time="0">
      <system-out>migratable: True
</system-out>
    </testcase>
    <testcase classname="shop.VirtualMachine" name="old" file="vms.yaml" line="20" time="0">
      <failure type="pod-network-binding" message="{BRIDGE}">\
pod-network-binding (blocker) at spec.template.spec.domain.devices.interfaces[0]
  {BRIDGE}
  fix: {FIX}
</failure>
      <system-out>migratable: False
</system-out>
    </testcase>
  </testsuite>
</testsuites>
"""


@pytest.mark.usefixtures("small")
def test_exact_sarif(check):
    run = run_of(check("sarif", "-f", "vms.yaml"))
    result, = run["results"]
    fingerprint = result.pop("partialFingerprints")
    assert result == {
        "ruleId": "pod-network-binding", "ruleIndex": 0, "level": "error",
        "message": {"text": f"VirtualMachine shop/old: {BRIDGE}.\nFix: {FIX}."},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": "vms.yaml", "uriBaseId": "%SRCROOT%"},
                                 "region": {"startLine": 32, "startColumn": 13}},
            "logicalLocations": [
                {"name": "old", "fullyQualifiedName": "shop/VirtualMachine/old", "kind": "resource"},
                {"name": "spec.template.spec.domain.devices.interfaces[0]", "kind": "member",
                 "fullyQualifiedName":
                 "shop/VirtualMachine/old/spec.template.spec.domain.devices.interfaces[0]"}]}],
        "properties": {"severity": "blocker", "outcome": "fail", "migratable": "False"}}
    assert set(fingerprint) == {"migvet/v1", "primaryLocationLineHash"}
    assert re.fullmatch("[0-9a-f]{16}:1", fingerprint["migvet/v1"])
    assert run["columnKind"] == "unicodeCodePoints" and list(run["originalUriBaseIds"]) == ["%SRCROOT%"]


# --- all that is there ----------------------------------------------------

def told(migvet, *arguments):
    """(kind, namespace, name, rule, severity, outcome, field, message, fix) of all findings."""
    return [tuple(verdict["subject"][key] for key in ("kind", "namespace", "name"))
            + tuple(finding[key] for key in ("rule", "severity", "outcome", "field", "message", "fix"))
            for verdict in migvet.verdicts(*arguments, expect=None) for finding in verdict["findings"]]


def test_csv_holds_all(migvet, check):
    rows = rows_of(check("csv", "-f", CLUSTER))
    keys = ("kind", "namespace", "name", "rule", "severity", "outcome", "field", "message", "fix")
    assert [tuple(row[key] for key in keys) for row in rows if row["rule"]] == told(migvet, "-f", CLUSTER)
    # One row for each object without findings.
    verdicts = migvet.verdicts("-f", CLUSTER)
    without = [verdict["subject"]["name"] for verdict in verdicts if not verdict["findings"]]
    assert without == [row["name"] for row in rows if not row["rule"]] == ["web"]
    assert {row["name"]: row["migratable"] for row in rows} == \
        {verdict["subject"]["name"]: verdict["migratable"] for verdict in verdicts}


def test_sarif_structure(migvet, check):
    run = run_of(check("sarif", "-f", CLUSTER))
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert run["tool"]["driver"]["name"] == "migvet" and "results" in run
    assert run["tool"]["driver"]["version"] in migvet("version").stdout
    documented = {rule["name"]: rule for rule in migvet.json("rules", "-o", "json")}
    assert len({rule["id"] for rule in rules}) == len(rules) > 5
    for rule in rules:
        known = documented[rule["id"]]
        assert rule["shortDescription"]["text"] == known["summary"]
        assert rule["fullDescription"]["text"] == known["documentation"].partition("\n\n")[0]
        assert known["documentation"] in rule["help"]["text"] and known["fix"] in rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] == \
            {"blocker": "error", "risk": "warning", "note": "note"}[known["severity"]]
        assert known["area"] in rule["properties"]["tags"]
    findings = told(migvet, "-f", CLUSTER)
    assert len(findings) == len(results)
    for result, (kind, namespace, name, rule, severity, outcome, field, message, fix) in zip(results, findings):
        assert result["ruleId"] == rules[result["ruleIndex"]]["id"] == rule
        level = {"blocker": "error", "risk": "warning", "note": "note"}[severity]
        assert result["level"] == ("warning" if (severity, outcome) == ("blocker", "unknown") else level)
        assert message in result["message"]["text"] and fix in result["message"]["text"]
        where, member = result["locations"][0]["logicalLocations"]
        assert (where["fullyQualifiedName"], member["name"]) == (f"{namespace}/{kind}/{name}", field)
    assert {result["level"] for result in results} == {"error", "warning", "note"}
    prints = [result["partialFingerprints"]["migvet/v1"] for result in results]
    assert len(set(prints)) == len(prints)


def test_every_rule_fits_code_scanning(migvet):
    """Descriptions have at most 1024 characters there; the full one is the first paragraph of the documentation."""
    for rule in migvet.json("rules", "-o", "json"):
        assert 0 < len(rule["summary"]) <= 1024 and 0 < len(rule["documentation"].partition("\n\n")[0]) <= 1024


def test_github_holds_all(migvet, check):
    found = annotations(check("github", "-f", CLUSTER))
    findings = told(migvet, "-f", CLUSTER)
    assert len(found) == len(findings)
    for (level, properties, message), (kind, namespace, name, rule, severity, outcome, field, text, fix) in \
            zip(found, findings):
        assert properties["title"] == f"{rule}: {kind} {namespace}/{name}"
        assert message == f"{text}\nat {field}\nfix: {fix}"
        assert level == ("notice" if severity == "note" else
                         "error" if (severity, outcome) == ("blocker", "fail") else "warning")


@pytest.mark.parametrize("fail_on, failures, errors, expect", [
    ("blocker", {"legacy", "db", "render"}, set(), 1), ("unknown", {"legacy", "db", "render"}, {"archive"}, 1),
    ("risk", {"legacy", "db", "render", "proxy", "archive"}, set(), 1), ("never", set(), set(), 0)])
def test_junit_follows_fail_on(check, fail_on, failures, errors, expect):
    root = xml.fromstring(check("junit", "-f", CLUSTER, "--fail-on", fail_on, expect=expect))
    cases = root.findall("testsuite/testcase")
    assert {case.get("name") for case in cases if case.find("failure") is not None} == failures
    assert {case.get("name") for case in cases if case.find("error") is not None} == errors
    assert root.find(".//skipped") is None
    for element in [root, *root.findall("testsuite")]:
        assert (element.get("tests"), element.get("failures"), element.get("errors")) == \
            ("6", str(len(failures)), str(len(errors)))


def test_junit_keeps_all(migvet, check):
    """What does not fail is in system-out."""
    root = xml.fromstring(check("junit", "-f", CLUSTER))
    text = {case.get("name"): "".join(case.itertext()) for case in root.findall("testsuite/testcase")}
    for _, _, name, rule, _, _, field, message, fix in told(migvet, "-f", CLUSTER):
        assert all(part in text[name] for part in (rule, field, message, fix))
    assert len(root.findall("testsuite/testcase/failure")) == 3  # one a case, whatever it holds


def test_a_testsuite_a_namespace(check):
    items = [machine("a", "one"), machine("b", "two"), machine("c", "one", instance_spec("bridge"))]
    root = xml.fromstring(check("junit", "-f", "-", stdin=yaml.safe_dump_all(items)))
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures"), [case.get("name") for case in suite])
            for suite in root] == [("one", "2", "1", ["a", "c"]), ("two", "1", "0", ["b"])]


# --- names --------------------------------------------------------------

def test_nasty_names(check, tmp_path):
    (tmp_path / "n.json").write_text(nasty_list(), encoding="utf-8")
    row = rows_of(check("csv", "-f", "n.json"))[0]
    assert (row["namespace"], row["name"], row["line"]) == ("a&b", "'" + NASTY, "2")
    result = run_of(check("sarif", "-f", "n.json"))["results"][0]
    assert result["locations"][0]["logicalLocations"][0]["name"] == NASTY
    suite = xml.fromstring(check("junit", "-f", "n.json"))[0]
    # XML has no escape for these.
    assert (suite.get("name"), suite[0].get("name")) == ("a&b", NASTY.replace("\x1b", "�").replace("\ufffe", "�"))
    (level, properties, _), = annotations(check("github", "-f", "n.json"))
    assert (level, properties["line"], properties["col"]) == ("error", "2", "2")
    assert properties["title"].endswith(" a&b/" + NASTY.replace("\t", "?").replace("\x1b", "?"))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_holds_no_formula(check, start):
    data = check("csv", "-f", "-", stdin=nasty_list(f"{start}cmd|' /C calc'!A0"))
    assert rows_of(data)[0]["name"] == f"'{start}cmd|' /C calc'!A0"
    assert rows_of(data)[1]["name"] == "b"


def test_csv_lines_end_as_rfc_4180_says(check):
    data = check("csv", "-f", CLUSTER)
    assert data.count(b"\r\n") == data.count(b"\n") == len(rows_of(data)) + 1


def test_csv_is_documented(migvet, check):
    header = check("csv", "-f", CLUSTER).decode().splitlines()[0].split(",")
    text = migvet("check", "--help").stdout
    assert "RFC 4180" in text and ", ".join(header) in re.sub(r" \(KubeVirt's\)", "", " ".join(text.split()))


def test_file_names(check, tmp_path):
    """Relative to the working directory, however they were given; a URI has no other characters than it may have."""
    name = "a b,c:d%é#?.yaml"
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / name).write_text(SMALL, encoding="utf-8")
    for given in (f"sub/{name}", f"./sub//../sub/./{name}", tmp_path / "sub" / name, "sub", "."):
        arguments = ["-R", "-f", given]
        assert {row["file"] for row in rows_of(check("csv", *arguments))} == {f"sub/{name}"}
        place = run_of(check("sarif", *arguments))["results"][0]["locations"][0]["physicalLocation"]
        uri = place["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", uri) and urllib.parse.unquote(uri) == f"sub/{name}"
        assert annotations(check("github", *arguments))[0][1]["file"] == f"sub/{name}"


def test_files_elsewhere(check, tmp_path_factory):
    path = tmp_path_factory.mktemp("else") / "vms.yaml"
    path.write_text(SMALL, encoding="utf-8")
    artifact = run_of(check("sarif", "-f", path))["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": path.as_uri()}
    assert {row["file"] for row in rows_of(check("csv", "-f", path))} == {str(path)}


def test_without_a_file(check):
    """Of standard input there is a subject and no place."""
    location = run_of(check("sarif", "-f", "-", stdin=SMALL))["results"][0]["locations"][0]
    assert list(location) == ["logicalLocations"]
    assert check("github", "-f", "-", stdin=SMALL).startswith(b"::error title=pod-network-binding%3A ")
    assert {(row["file"], row["line"]) for row in rows_of(check("csv", "-f", "-", stdin=SMALL))} == {("", "")}
    assert "file" not in xml.fromstring(check("junit", "-f", "-", stdin=SMALL))[0][0].attrib


# --- places -------------------------------------------------------------

def lines(data):
    return [int(result["locations"][0]["physicalLocation"]["region"]["startLine"]) for result in run_of(data)["results"]]


def test_lines_of_fields(check, tmp_path):
    """Each finding stands where its field does, else where the next one above it does."""
    text = (CLUSTER / "virtual-machines.yaml").read_text(encoding="utf-8").splitlines()
    for row in rows_of(check("csv", "-f", CLUSTER)):
        line = text[int(row["line"]) - 1]
        if row["field"].endswith("]"):
            assert re.match(r" *- ", line), (row, line)
        elif row["field"]:
            assert line.strip().startswith(row["field"].rpartition(".")[2] + ":") or \
                line.strip().startswith(row["field"].rpartition(".")[0].rpartition(".")[2] + ":"), (row, line)
        else:
            assert line.startswith("apiVersion:")
    spread = json.dumps(yaml.safe_load(SMALL.split("---")[2]), indent=1)
    (tmp_path / "spread.json").write_text(spread, encoding="utf-8")
    line, = lines(check("sarif", "-f", "spread.json"))
    assert [part.strip() for part in spread.splitlines()[line - 1:line + 2]] == \
        ["{", '"name": "default",', '"bridge": {}']


def test_lines_of_lists_and_of_several_documents(check, tmp_path):
    items = [bridged(f"m{i}") for i in range(3)]
    one = '{"apiVersion": "v1", "kind": "List", "items": [\n' + ",\n\n".join(map(json.dumps, items)) + "]}"
    (tmp_path / "list.json").write_text("\n" + one + "\n" + json.dumps(items[0] | {"metadata": {"name": "last"}}),
                                        encoding="utf-8")
    assert lines(check("sarif", "-f", "list.json")) == [3, 5, 7, 8]


def test_fingerprints_survive_edits(check, tmp_path):
    def prints(text, rule="pod-network-binding"):
        (tmp_path / "vms.yaml").write_text(text, encoding="utf-8")
        results = run_of(check("sarif", "-f", "vms.yaml"))["results"]
        return {result["partialFingerprints"]["primaryLocationLineHash"] for result in results
                if result["ruleId"] == rule}
    before = prints(SMALL)
    assert len(before) == 1
    assert prints("# another line\n" + SMALL.replace("name: ok", "name: fine")) == before
    assert prints(SMALL.replace("name: old", "name: older")) != before
    # Another volume before it moves the index of this one, and nothing else.
    volume = {"name": "v", "hostDisk": {"path": "/d", "type": "Disk"}}
    first = {"name": "a", "containerDisk": {"image": "x"}}
    spec = instance_spec(volumes=[volume])
    spec["domain"]["devices"]["disks"] = [{"name": "v", "disk": {}}]
    alone = prints(yaml.safe_dump(machine(spec=spec)), "host-disk")
    spec["volumes"] = [first, volume]
    spec["domain"]["devices"]["disks"].append({"name": "a", "disk": {}})
    assert prints(yaml.safe_dump(machine(spec=spec)), "host-disk") == alone != set()


def test_what_concerns_the_cluster_is_told_once(migvet, check):
    """Annotations of a hundred VMs need not say a hundred times what is wrong with the KubeVirt object."""
    kubevirts = [{"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "status": {"phase": "Deployed"},
                  "metadata": {"name": "kubevirt", "namespace": namespace}} for namespace in ("one", "two")]
    items = yaml.safe_dump_all([*kubevirts, bridged("a"), bridged("b")])
    both = [finding["rule"] for verdict in migvet.verdicts("-f", "-", stdin=items) for finding in verdict["findings"]]
    assert sorted(both) == ["config-ignored"] * 2 + ["pod-network-binding"] * 2
    results = run_of(check("sarif", "-f", "-", stdin=items))["results"]
    assert [result["ruleId"] for result in results] == ["pod-network-binding", "config-ignored", "pod-network-binding"]
    assert results[1]["message"]["text"].startswith("The cluster: ")
    titles = [properties["title"] for _, properties, _ in annotations(check("github", "-f", "-", stdin=items))]
    assert titles[1] == "config-ignored: the cluster" and len(titles) == 3
    page = "".join(Page(check("html", "-f", "-", stdin=items).decode()).texts)
    assert page.count("config-ignored") == 3  # said once, in the list of rules, and documented


# --- the rest -----------------------------------------------------------

@pytest.mark.parametrize("form", FORMS)
def test_nothing_to_judge(migvet, form):
    process = migvet("check", "-f", CLUSTER / "nodes.yaml", "-o", form, expect=(0,))
    assert "nothing to judge" in process.stderr and "nothing to judge" not in process.stdout
    if form == "sarif":
        assert run_of(process.stdout)["results"] == []
    elif form == "junit":
        assert xml.fromstring(process.stdout.encode()).get("tests") == "0"
    elif form == "csv":
        assert len(process.stdout.splitlines()) == 1
    elif form == "github":
        assert process.stdout == ""


@pytest.mark.parametrize("form", FORMS)
def test_same_exit_codes(migvet, form):
    assert migvet("check", "-f", CLUSTER, "-o", form, expect=None).returncode == 1
    assert migvet("check", "-f", CLUSTER, "-o", form, "--fail-on", "never", expect=None).returncode == 0
    process = migvet("check", "-f", CLUSTER, "-f", "no-such-file", "-o", form, expect=(2,))
    assert process.stdout == "" and "no-such-file" in process.stderr


def test_unknown_form(migvet):
    process = migvet("check", "-f", CLUSTER, "-o", "sarifx", expect=(2,))
    assert all(form in process.stderr for form in [*FORMS, "table", "name"])
    assert all(form in migvet("check", "--help").stdout for form in FORMS)


def test_migrations_and_instances(check):
    items = [instance("i", spec=instance_spec("bridge")), migration("i")]
    rows = rows_of(check("csv", "-f", "-", stdin=yaml.safe_dump_all(items)))
    assert {row["kind"] for row in rows} == {"VirtualMachineInstance", "VirtualMachineInstanceMigration"}


# --- the page -----------------------------------------------------------

class Page(html.parser.HTMLParser):
    VOID = ("meta", "input", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.tags, self.ids, self.links = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if "href" in attributes else []
        assert not attributes.keys() & {"src", "onclick", "onload"} and tag not in ("script", "link", "img")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_page(migvet, check):
    text = check("html", "-f", CLUSTER).decode()
    page = Page(text)
    whole = " ".join("".join(page.texts).split())
    for _, namespace, name, rule, _, _, field, message, fix in told(migvet, "-f", CLUSTER):
        assert all(part in whole for part in (f"{namespace}/{name}", rule, field, message, fix))
    assert "shop/web" in whole and "virtual-machines.yaml:102" not in whole
    assert len(set(page.ids)) == len(page.ids)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert whole.index("3 cannot migrate") < whole.index("1 unknown") < whole.index("2 can migrate")
    # Those that cannot come first.
    order = [whole.rindex(f" shop/{name} ") for name in ("legacy", "db", "render", "archive", "web", "proxy")]
    assert order == sorted(order)
    boxes = [attributes["id"] for tag, attributes in page.tags if tag == "input"]
    assert boxes == ["cannot", "may", "can", "blocker", "risk", "note"]
    for box in boxes:
        assert f"main:has(#{box}:not(:checked)) .{box}" in text
        assert any(box in attributes.get("class", "").split() for tag, attributes in page.tags
                   if tag in ("details", "li"))


def test_page_of_nasty_names(check):
    page = Page(check("html", "-f", "-", stdin=nasty_list("<script>alert(1)</script>\"'&\x1b")).decode())
    assert any("a&b/<script>alert(1)</script>\"'& " in text for text in ["".join(page.texts)])
