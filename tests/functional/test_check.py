# SPDX-License-Identifier: Apache-2.0
"""The command lines from outside: check, explain, rules, version, certs and review."""
import json
import os
import pty
import re
import shutil
import stat
import subprocess
import termios

import pytest
import yaml

from support import EXAMPLES, KINDS, ROOT, example, instance, instance_spec, machine, migration

CLUSTER = EXAMPLES / "cluster"
VERDICTS = {"web": "True", "legacy": "False", "db": "False", "proxy": "True", "render": "False",
            "archive": "Unknown"}
KEYS = ["apiVersion", "kind", "subject", "migratable", "method", "conditions", "evictionStrategy", "findings",
        "observed", "kubevirtVersion", "policy", "migrationConfiguration", "targets"]
ESCAPES = "a\x1b[31mb\x9bz\x07"


def names(verdicts):
    return [verdict["subject"]["name"] for verdict in verdicts]


def as_json(*objects):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


# --- formats ------------------------------------------------------------

def test_json(migvet):
    verdicts = migvet.verdicts("-f", CLUSTER, expect=(1,))
    assert {verdict["subject"]["name"]: verdict["migratable"] for verdict in verdicts} == VERDICTS
    for verdict in verdicts:
        assert list(verdict) == [key for key in KEYS if key in verdict]
        required = set(KEYS) - {"policy", "migrationConfiguration", "targets"}
        assert required <= set(verdict)
        assert (verdict["apiVersion"], verdict["kind"]) == ("migvet.io/v1alpha1", "Verdict")
        assert list(verdict["subject"]) == ["apiVersion", "kind", "namespace", "name", "uid"]
        assert list(verdict["evictionStrategy"]) == list(verdict["kubevirtVersion"]) == ["value", "from"]
        assert [condition["type"] for condition in verdict["conditions"]] == \
            ["LiveMigratable", "StorageLiveMigratable"]
        for condition in verdict["conditions"] + verdict["observed"]:
            assert list(condition) == ["type", "status", "reason", "message"]
        for finding in verdict["findings"]:
            keys = ["rule", "severity", "outcome", "field", "message", "fix", "reason"]
            assert list(finding) == keys + (["missing"] if finding["outcome"] == "unknown" else [])
            assert finding["severity"] in ("blocker", "risk", "note")
            assert finding["outcome"] in ("fail", "unknown")
            for missing in finding.get("missing", []):
                assert list(missing) == ["kind", "namespace", "name"]
    database = verdicts[names(verdicts).index("db")]
    assert database["subject"]["uid"] == "5f0c7a52-3a0e-4b67-9d1a-2f6f2a5b7c01"
    assert database["evictionStrategy"] == {"value": "LiveMigrate", "from": "VirtualMachine/shop/db"}
    assert database["kubevirtVersion"] == {"value": "1.8.4", "from": "KubeVirt/kubevirt/kubevirt"}
    blockers = [f for f in database["findings"] if f["severity"] == "blocker"]
    assert [(f["rule"], f["field"], f["reason"]) for f in blockers] == \
        [("pvc-access-mode", "spec.template.spec.volumes[0]", "DisksNotLiveMigratable")]


def test_yaml_says_what_json_says(migvet):
    text = migvet("check", "-f", CLUSTER, "-o", "yaml", expect=(1,)).stdout
    answer = migvet.json("check", "-f", CLUSTER, "-o", "json", expect=(1,))
    parsed = yaml.safe_load(text)
    assert parsed == answer
    assert json.dumps(parsed) == json.dumps(answer)  # the order of keys too


def test_yaml_of_values_that_look_like_something_else(migvet):
    odd = [machine(name=name) for name in ("true", "1e3", "null", "~", "a: b", "- x", "#no", "0x1", "tab\tx",
                                           "two\nlines", "ü", "y", ESCAPES)]
    answer = migvet("check", "-f", "-", "-o", "yaml", stdin=as_json(*odd)).stdout
    assert names(yaml.safe_load(answer)["items"]) == names(migvet.verdicts("-f", "-", stdin=as_json(*odd)))


def test_table(migvet):
    text = migvet("check", "-f", CLUSTER, expect=(1,)).stdout
    assert text == migvet("check", "-f", CLUSTER, "-o", "table", expect=(1,)).stdout
    rows = [line.split() for line in text.splitlines() if line and not line.startswith(" ")]
    assert rows[0] == ["MIGRATABLE", "METHOD", "KIND", "NAMESPACE/NAME"]
    assert {row[3]: row[0] for row in rows[1:-1]} == {f"shop/{name}": word for name, word in VERDICTS.items()}
    assert text.rstrip().endswith("6 judged: 2 can migrate, 3 cannot, 1 unknown")
    assert "x pvc-access-mode" in text and "? pvc-access-mode" in text and "! eviction-strategy" in text
    # What blocks comes with what to change, on the next line.
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if line.startswith("    x "):
            assert lines[i + 1].startswith("      fix  ")
    assert "volume-block-migration" not in text  # a note


def test_wide(migvet):
    text = migvet("check", "-f", CLUSTER, "-o", "wide", expect=(1,)).stdout
    assert "spec.template.spec.volumes[0]" in text
    assert "evictionStrategy LiveMigrateIfPossible" in text
    assert "volume-block-migration" in text


def test_verbose(migvet):
    done = migvet("check", "-v", "-f", CLUSTER, "vm/web", expect=(0,))
    assert re.search(r"^migvet check: 18 documents in 4 files, \d+ bytes, read in \d+ ms$", done.stderr, re.MULTILINE)
    assert "read in" not in migvet("check", "-f", CLUSTER, "vm/web", expect=(0,)).stderr


def test_name(migvet):
    lines = migvet("check", "-f", CLUSTER, "-o", "name", expect=(1,)).stdout.splitlines()
    assert lines == [f"virtualmachine.kubevirt.io/{name}" for name in VERDICTS]


def test_nothing_to_judge(migvet):
    assert migvet.verdicts("-f", CLUSTER / "nodes.yaml", expect=(0,)) == []
    assert "nothing to judge" in migvet("check", "-f", CLUSTER / "nodes.yaml", expect=(0,)).stdout


# --- exit codes ---------------------------------------------------------

@pytest.mark.parametrize("fail_on, failing", [
    (None, {"legacy"}), ("blocker", {"legacy"}), ("unknown", {"legacy", "archive"}),
    ("risk", {"legacy", "archive", "proxy"}), ("never", set())])
def test_fail_on(migvet, fail_on, failing):
    """web has no finding, proxy a risk, archive an unknown, legacy a blocker."""
    flag = [] if fail_on is None else ["--fail-on", fail_on]
    for name in ("web", "proxy", "archive", "legacy"):
        for command in ("check", "explain"):
            process = migvet(command, f"vm/{name}", "-f", CLUSTER, *flag)
            assert process.returncode == (1 if name in failing else 0), (command, name)


@pytest.mark.parametrize("arguments, code, words", [
    (["check"], 3, "-f"), (["check", "vm/web"], 3, "-f"), (["explain", "vm/web"], 3, "-f"), (["serve"], 3,
                                                                                             "-f"),
    (["check", "--bogus"], 2, "--bogus"), (["check", "-x", "-f", "."], 2, "-x"), (["check", "-f"], 2, "-f"),
    (["check", "--output"], 2, "--output"), (["check", "-f", CLUSTER, "-o", "pdf"], 2, "pdf"),
    (["check", "-f", CLUSTER, "--fail-on", "sometimes"], 2, "sometimes"),
    (["check", "-f", CLUSTER, "--color", "pink"], 2, "pink"),
    (["check", "-f", CLUSTER, "--kubevirt-version", "newest"], 2, "newest"),
    (["check", "-f", CLUSTER, "-l", "a=="], 0, ""), (["check", "-f", CLUSTER, "-l", "a in b"], 2, ""),
    (["check", "-f", CLUSTER, "vm"], 2, "KIND/NAME"), (["check", "-f", CLUSTER, "vm/"], 2, "KIND/NAME"),
    (["check", "-f", CLUSTER, "pvc/ledger"], 2, "pvc"), (["check", "-f", CLUSTER, "vm/none"], 2, "none"),
    (["check", "-f", CLUSTER, "-n", "other", "vm/db"], 2, "other/db"),
    (["check", "-f", "/nonexistent/x.yaml"], 2, "/nonexistent/x.yaml"), (["bogus"], 2, "bogus"), ([], 2,
                                                                                                  "Usage"),
    (["explain", "-f", CLUSTER], 2, ""), (["explain", "-f", CLUSTER, "vm/db", "vm/web"], 2, ""),
    (["rules", "no-such-rule"], 2, "no-such-rule"), (["rules", "-o", "pdf"], 2, "pdf"),
    (["version", "now"], 2, "now"), (["certs"], 2, "create"), (["certs", "create"], 2, "--certs"),
    (["certs", "burn", "--certs", "/nonexistent"], 2, "burn"), (["serve", "-f", CLUSTER, "--bogus"], 2,
                                                                "--bogus"),
    (["serve", "-f", CLUSTER, "--cert", "a"], 2, "--key"), (["serve", "-f", "-"], 2, "-f"),
    (["check", "--help"], 0, ""), (["--help"], 0, ""), (["serve", "-h"], 0, ""), (["--version"], 0, "")])
def test_command_line(migvet, arguments, code, words):
    process = migvet(*arguments, expect=None)
    if code == 0:
        assert process.returncode in (0, 1) and process.stdout and not process.stderr
        return
    assert process.returncode == code
    assert words in process.stderr and process.stdout == ""


def test_wrong_address(migvet, tmp_path):
    for address in ("nowhere:x:y", "127.0.0.1:99999", "127.0.0.1"):
        process = migvet("serve", "-f", CLUSTER, "--certs", tmp_path / "c", "--listen", address, expect=(2,))
        assert address in process.stderr


def test_the_wrong_comes_before_the_found(migvet, files):
    """Exit code 2 where 1 holds as well."""
    directory = files({"a.yaml": [machine(spec=instance_spec("bridge"))], "b.yaml": "kind: [\n"})
    assert migvet("check", "-f", directory, expect=None).returncode == 2
    assert migvet("check", "-f", directory / "a.yaml", expect=None).returncode == 1


def test_help_fits_a_terminal(migvet):
    overview = migvet("--help", expect=(0,)).stdout
    commands = re.findall(r"^  (\w+) +\w", overview, re.MULTILINE)
    assert {"serve", "check", "review", "explain", "policy", "nodes", "drain", "rules", "certs", "version"} <= set(commands)
    texts = {command: migvet(command, "--help", expect=(0,)).stdout for command in commands}
    for command, text in texts.items():
        assert text.startswith(f"Usage: migvet {command}")
    assert [line for text in (overview, *texts.values()) for line in text.splitlines() if len(line) > 80] == []


def test_explain_of_an_unknown_version(migvet, files):
    directory = files({"a.yaml": [machine("a")]})
    text = migvet("explain", "-f", directory, "vm/a", "-n", "shop", expect=None).stdout
    assert "KubeVirt version  not known: judged as the newest\n" in text


# --- input --------------------------------------------------------------

def test_recursive(migvet, files):
    directory = files({"a.yaml": [machine("a")], "deep/er/b.yml": [machine("b")],
                       "deep/c.json": as_json(machine("c")),
                       "deep/notes.txt": "not: [yaml", ".hidden.yaml": "not: [yaml"})
    assert names(migvet.verdicts("-f", directory)) == ["a"]
    assert sorted(names(migvet.verdicts("-R", "-f", directory))) == ["a", "b", "c"]
    assert sorted(names(migvet.verdicts("--recursive", "--filename", directory))) == ["a", "b", "c"]


def test_several_files(migvet, files):
    directory = files({"a.yaml": [machine("a")], "b.yaml": [machine("b")]})
    assert names(migvet.verdicts("-f", directory / "b.yaml", "-f", directory / "a.yaml")) == ["b", "a"]
    assert names(migvet.verdicts(f"--filename={directory / 'b.yaml'}", "-f", "-",
                                 stdin=as_json(machine("c")))) == ["b", "c"]


@pytest.mark.parametrize("text", [
    yaml.safe_dump_all([machine("a"), machine("b")]), as_json(machine("a"), machine("b")),
    yaml.safe_dump(json.loads(as_json(machine("a"), machine("b")))),
    "---\n---\n# nothing\n---\n" + yaml.safe_dump_all([machine("a"), None, machine("b")], explicit_end=True),
    json.dumps(machine("a")) + "\n" + json.dumps(machine("b")),
    as_json(json.loads(as_json(machine("a"))), machine("b")),
    json.dumps({"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineList", "metadata": {},
                "items": [machine("a"), machine("b")]}),
], ids=["yaml-documents", "json-list", "yaml-list", "empty-documents", "json-documents", "list-in-list",
        "typed-list"])
def test_stdin(migvet, text):
    assert names(migvet.verdicts("-f", "-", stdin=text)) == ["a", "b"]


def test_aliases_and_merges_are_read(migvet):
    text = yaml.safe_dump(machine("a")) + "---\nx: &spec\n  domain: {cpu: {model: Haswell}, devices: {}}\n" \
        "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata: {name: b}\nspec:\n  template:\n" \
        "    spec: *spec\n"
    assert names(migvet.verdicts("-f", "-", stdin=text)) == ["a", "b"]


def test_namespace(migvet):
    objects = as_json(machine("a", "one"), machine("b", "two"), {**machine("c"), "metadata": {"name": "c"}})
    for flags, expected in (([], "abc"), (["-n", "one"], "ac"), (["-n", "two"], "bc"), (["-n", "default"],
                                                                                        "c"),
                            (["-A"], "abc"), (["-n", "one", "-A"], "abc")):
        assert sorted(names(migvet.verdicts("-f", "-", *flags, stdin=objects))) == list(expected), flags
    one = {v["subject"]["name"]: v["subject"]["namespace"]
           for v in migvet.verdicts("-f", "-", "-n", "one", stdin=objects)}
    assert one == {"a": "one", "c": "one"}


@pytest.mark.parametrize("selector, expected", [
    ("tier=web", "a"), ("tier==web", "a"), ("tier!=web", "bc"), ("tier", "ab"), ("!tier", "c"),
    ("tier in (web,db)", "ab"), ("tier notin (web)", "bc"), ("tier=web,zone=x", "a"), ("tier=web,zone=y", ""),
    ("", "abc")])
def test_selector(migvet, selector, expected):
    objects = as_json(machine("a", labels={"tier": "web", "zone": "x"}), machine("b", labels={"tier": "db"}),
                      machine("c"))
    assert names(migvet.verdicts("-f", "-", "-l", selector, stdin=objects)) == list(expected)


@pytest.mark.parametrize("kind", ["vm", "virtualmachine", "virtualmachines", "VirtualMachine", "VM",
                                  "virtualmachine.kubevirt.io", "virtualmachines.kubevirt.io"])
def test_spellings_of_a_kind(migvet, kind):
    assert names(migvet.verdicts("-f", CLUSTER, f"{kind}/db")) == ["db"]


def test_named_objects(migvet):
    assert names(migvet.verdicts("-f", CLUSTER, "vm/web", "vm/db")) == ["web", "db"]
    verdict, = migvet.verdicts("-f", CLUSTER, "vmi/db")
    assert verdict["subject"]["kind"] == "VirtualMachineInstance"
    assert verdict["findings"][0]["field"].startswith("spec.volumes")


def test_instance_of_a_machine_is_judged_once(migvet):
    owner = {
    "apiVersion": "kubevirt.io/v1",
    "kind": "VirtualMachine",
    "name": "a",
    "uid": "1",
     "controller": True}
    owned, other = instance("a", ownerReferences=[owner]), instance(
        "b", ownerReferences=[{**owner, "name": "z"}])
    verdicts = migvet.verdicts("-f", "-", stdin=as_json(machine("a", uid="1"), owned, other, instance("c")))
    assert [(v["subject"]["kind"], v["subject"]["name"]) for v in verdicts] == \
        [("VirtualMachine", "a"), ("VirtualMachineInstance", "b"), ("VirtualMachineInstance", "c")]


def test_every_kind_that_is_judged(migvet):
    template = {"spec": instance_spec("bridge")}
    pool = {"apiVersion": "pool.kubevirt.io/v1alpha1", "kind": "VirtualMachinePool",
            "metadata": {"name": "pool", "namespace": "shop"},
            "spec": {"virtualMachineTemplate": {"spec": {"runStrategy": "Always", "template": template}}}}
    replicas = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceReplicaSet",
                "metadata": {"name": "set", "namespace": "shop"}, "spec": {"template": template}}
    objects = as_json(pool, replicas, instance("i", spec=instance_spec("bridge")), migration("i"))
    verdicts = migvet.verdicts("-f", "-", stdin=objects, expect=(1,))
    assert {v["subject"]["kind"]: v["migratable"] for v in verdicts} == dict.fromkeys(
        ["VirtualMachinePool", *[kind for kind in KINDS if kind.startswith("VirtualMachineInstance")]],
        "False")
    for verdict in verdicts:
        assert "pod-network-binding" in [finding["rule"] for finding in verdict["findings"]]


# --- errors -------------------------------------------------------------

VM = "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata: {name: x}\n"


@pytest.mark.parametrize("name, text, place, words", [
    ("a.yaml", VM + "spec: {a: [b\n", "5:1", ""),
    ("a.yaml", VM + "\tspec: 1\n", "4:1", ""),
    ("a.json", '{"kind": "VirtualMachine",\n  "apiVersion": oops}', "2:17", ""),
    ("a.json", '{"kind": "VirtualMachine"', "1:26", ""),
    ("a.yaml", VM + "spec:\n  template:\n    spec:\n      volumes: 7\n", "7:16",
     "spec.template.spec.volumes: must be a list"),
    ("a.yaml", VM + "spec: {template: {spec: {domain: {memory: {guest: 1GB}}}}}\n", "4:51",
     "spec.template.spec.domain.memory.guest: must be a quantity, such as 64Mi"),
    ("a.yaml", VM + "spec: {template: {spec: {domain: {resources: {requests: {cpu: 1, memory: 2 Gi}}}}}}\n", None,
     "spec.template.spec.domain.resources.requests.memory: must be a quantity"),
    ("a.yaml", VM + "spec: {template: {spec: {volumes: [{name: a, emptyDisk: {capacity: ''}}]}}}\n", None,
     "spec.template.spec.volumes[0].emptyDisk.capacity: must be a quantity"),
    ("a.yaml", yaml.safe_dump(machine()) + "---\n" + VM + "spec: []\n", None, "spec: must be"),
    ("a.yaml", VM + "metadata: {name: y}\n", "4:1", "metadata"),
    ("a.json", '{"kind": "VirtualMachine",\n "apiVersion": "kubevirt.io/v1",\n  "kind": "VirtualMachine"}',
     "3:10",
     "kind"),
    ("a.yaml", "kind: List\napiVersion: v1\nitems:\n- apiVersion: kubevirt.io/v1\n  kind: VirtualMachine\n"
     "  metadata: {name: x}\n  spec: {template: {spec: {volumes: [{name: 7}]}}}\n", "7:45",
     "items[0].spec.template.spec.volumes[0].name: must be a string"),
    ("a.yaml", "x: " + "[" * 100 + "]" * 100 + "\n", None, ""),
    ("a.json", '{"a": NaN}', "1:7", ""),
], ids=["flow", "tab", "json", "json-cut", "type", "quantity", "quantity-in-map", "no-quantity", "type-in-second", "yaml-twice", "json-twice",
        "type-in-list",
        "deep", "nan"])
def test_place_of_an_error(migvet, files, name, text, place, words):
    path = files({name: text}) / name
    process = migvet("check", "-f", path, expect=None)
    assert process.returncode == 2 and process.stdout == ""
    found = re.match(rf"migvet check: {re.escape(str(path))}:(\d+):(\d+): (.*)\n", process.stderr)
    assert found, process.stderr
    assert words in found[3]
    if place:
        assert f"{found[1]}:{found[2]}" == place
    elif "---" in text:
        assert int(found[1]) == text.count("\n")


def test_many_aliases_are_refused(migvet):
    levels = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]\n" for i in range(1, 12))
    process = migvet("check", "-f", "-", stdin="l0: &l0 [x]\n" + levels, expect=None)
    assert process.returncode == 2 and process.stderr


def test_object_given_twice_is_noted(migvet, files):
    directory = files({"a.yaml": [machine("a")], "b.yaml": [machine("a", spec=instance_spec("bridge"))]})
    process = migvet("check", "-f", directory, expect=None)
    assert process.returncode in (0, 1) and "note" in process.stderr and "shop/a" in process.stderr


# --- the terminal -------------------------------------------------------

def in_terminal(migvet, *arguments, columns=100, **environment):
    """What the program prints on a terminal."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(leader, (24, columns))
    with subprocess.Popen([migvet.path, *map(str, arguments)], stdout=follower, stderr=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm", **environment},
                          cwd=ROOT):
        os.close(follower)
        text = b""
        try:
            while piece := os.read(leader, 65536):
                text += piece
        except OSError:
            pass
        os.close(leader)
    return text.decode()


def test_rules_are_wrapped(migvet):
    for arguments in ([], ["pvc-access-mode"], ["post-copy-support"], ["cpu-host-model"], ["limit-range"]):
        lines = in_terminal(migvet, "rules", *arguments, "--color", "never", columns=80).splitlines()
        for i, line in enumerate(lines):
            word = line.split()[-1] if line.strip() else ""  # one that fits nowhere stands alone
            assert len(line) <= 80 or line.strip() == word, lines[max(i - 1, 0):i + 1]
        piped = migvet("rules", *arguments, expect=(0,)).stdout
        assert piped.split() == "\n".join(lines).split() and max(map(len, piped.splitlines())) > 80


def test_colour(migvet, monkeypatch):
    command = ("check", "-f", CLUSTER)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\033[" not in migvet(*command).stdout
    assert "\033[31m" in migvet(*command, "--color", "always").stdout
    assert "\033[31m" in in_terminal(migvet, *command)
    assert "\033" not in in_terminal(migvet, *command, NO_COLOR="1")
    assert "\033[31m" in in_terminal(migvet, *command, NO_COLOR="")
    assert "\033" not in in_terminal(migvet, *command, "--color", "never")
    assert "\033[31m" in in_terminal(migvet, *command, "--color=always", NO_COLOR="1")
    assert "\033" not in in_terminal(migvet, *command, "-o", "json")


@pytest.mark.parametrize("command", [["check"], ["check", "-o", "wide"], ["explain", f"vm/{ESCAPES}"],
                                     ["explain", f"vmi/{ESCAPES}"]], ids=" ".join)
def test_control_characters_are_not_printed(migvet, command):
    volume = instance_spec(volumes=[{"name": ESCAPES, "persistentVolumeClaim": {"claimName": ESCAPES}}])
    objects = as_json(machine(ESCAPES, spec=volume), instance(ESCAPES, spec=volume))
    process = migvet(*command, "-f", "-", stdin=objects, expect=None)
    assert process.returncode in (0, 1)
    shown = set(process.stdout + process.stderr) - {"\n"}
    assert not [c for c in shown if ord(c) < 32 or 127 <= ord(c) < 160]
    assert "?[31mb?z?" in process.stdout


# --- explain, rules, version --------------------------------------------

def test_explain_shows_the_instance(migvet):
    bare = machine("bare", spec={"domain": {"devices": {}}})
    for text in (migvet("explain", "vm/bare", "-f", "-", "-o", "json", stdin=as_json(bare)).stdout,
                 migvet("explain", "vm/bare", "-f", "-", "-o", "yaml", stdin=as_json(bare)).stdout):
        verdict = yaml.safe_load(text)
        assert list(verdict)[-1] == "instance" and verdict["kind"] == "Verdict"
        vmi = verdict["instance"]
        assert (vmi["kind"], vmi["metadata"]["name"]) == ("VirtualMachineInstance", "bare")
        spec = vmi["spec"]
        assert spec["networks"] == [{"name": "default", "pod": {}}]
        assert spec["domain"]["devices"]["interfaces"] == [{"name": "default", "bridge": {}}]
        assert spec["architecture"] == "amd64"
        assert spec["domain"]["machine"]["type"] == "q35"
        assert spec["domain"]["cpu"]["model"] == "host-model"
        assert "pass" in [finding["outcome"] for finding in verdict["findings"]]


def test_explain_tells_every_rule(migvet):
    text = migvet("explain", "vm/web", "-f", CLUSTER, expect=(0,)).stdout
    for rule in migvet.json("rules", "-o", "json", expect=(0,)):
        assert (rule["name"] in text) == (rule["area"] not in ("request", "policy", "maintenance")), rule["name"]


def test_rules(migvet):
    rules = migvet.json("rules", "-o", "json", expect=(0,))
    table = migvet("rules", expect=(0,)).stdout.splitlines()
    assert [line.split()[0] for line in table[1:]] == [rule["name"] for rule in rules]
    assert {"pvc-access-mode", "pod-network-binding", "migration-port", "cpu-model", "host-device"} <= \
        {rule["name"] for rule in rules}
    for rule in rules:
        page = migvet("rules", rule["name"], expect=(0,)).stdout
        assert page.startswith(f"{rule['name']} - ") and "\nFix\n" in page and "\nSource\n" in page


def test_version(migvet):
    text = migvet("version", expect=(0,)).stdout
    assert re.match(r"migvet \d+\.\d+\.\d+ \(commit ([0-9a-f]+|unknown)\)", text)
    for word in ("KubeVirt", "libmicrohttpd 0.9", "GnuTLS 3.",
                 "json-c 0.", "libyaml 0.2", "PCRE2 10.", "libcurl ", "zlib 1."):
        assert word in text


@pytest.mark.parametrize("arguments", [["check", "-f", CLUSTER], ["check", "-f", CLUSTER, "-o", "json"],
                                       ["check", "-f", CLUSTER, "-o", "yaml"], ["rules"], ["version"],
                                       ["--help"],
                                       ["explain", "vm/web", "-f", CLUSTER], ["check", "--help"]],
                         ids=lambda words: "-".join(map(str, words)).replace("/", "."))
def test_full_disk_is_no_success(migvet, arguments):
    with open("/dev/full", "w", encoding="utf-8") as full:
        process = subprocess.run([migvet.path, *map(str, arguments)], stdout=full, stderr=subprocess.PIPE,
                                 cwd=ROOT, timeout=60, check=False)
    assert process.returncode in (2, 3) and b"standard output" in process.stderr


def test_as_a_kubectl_plugin(migvet, tmp_path):
    plugin = tmp_path / "kubectl-migvet"
    plugin.symlink_to(migvet.path)
    run = subprocess.run([plugin, "--help"], capture_output=True, text=True, check=True, timeout=60)
    assert "kubectl migvet COMMAND" in run.stdout
    run = subprocess.run([plugin, "check", "--bogus"], capture_output=True,
                         text=True, check=False, timeout=60)
    assert run.stderr.startswith("kubectl migvet check: ") and "'kubectl migvet check --help'" in run.stderr


def test_kubevirt_version(migvet):
    def port(*flags, cluster=CLUSTER):
        verdict, = migvet.verdicts("-f", cluster, "vm/proxy", *flags)
        finding, = [f for f in verdict["findings"] if f["rule"] == "migration-port"]
        return finding["severity"], verdict["migratable"], verdict["kubevirtVersion"]
    alone = CLUSTER / "virtual-machines.yaml"
    assert port(cluster=alone) == ("blocker", "False", {"value": "", "from": "default"})
    assert port("--kubevirt-version", "1.9.0", cluster=alone) == ("risk",
                "True", {"value": "1.9.0", "from": "flag"})
    assert port("--kubevirt-version", "0.45", cluster=alone)[:2] == ("blocker", "False")
    # The port is no blocker any more, but the gate LiveMigration is off.
    assert port("--kubevirt-version", "0.46.0", cluster=alone)[:2] == ("risk", "False")
    assert port("--kubevirt-version", "0.56.0", cluster=alone)[:2] == ("risk", "True")
    assert port() == ("risk", "True", {"value": "1.8.4", "from": "KubeVirt/kubevirt/kubevirt"})
    assert port("--kubevirt-version", "0.40")[0] == "blocker"


def test_table_says_what_is_not_known_of_the_version(migvet):
    for version, words in ("1.11.0", "is newer than what this migvet knows"), ("0.59.0", "is judged as 1.0"):
        table = migvet("check", "-f", CLUSTER, "--kubevirt-version", version).stdout
        assert table.count(words) == 1 and table.index("The cluster") < table.index(words)


def test_what_to_do_about_a_gpu(migvet):
    def fix(gpu, version):
        spec = instance_spec()
        spec["domain"].setdefault("devices", {})["gpus"] = [{"name": "g", **gpu}]
        verdict, = migvet.verdicts("-f", "-", "--kubevirt-version", version, stdin=json.dumps(machine(spec=spec)))
        finding, = [f for f in verdict["findings"] if f["rule"] == "gpu"]
        return finding["fix"]
    vgpu, claimed = {"deviceName": "nvidia.com/A10"}, {"claimName": "c", "requestName": "r"}
    assert "upgrade to KubeVirt 1.9" in fix(vgpu, "1.8.4") and "VGPULiveMigration" in fix(vgpu, "1.9.0")
    for version in ("1.8.4", "1.9.0"):
        assert "never migrates" in fix(claimed, version) and "upgrade" not in fix(claimed, version)


# --- certs and review ---------------------------------------------------

def test_certs(migvet, tmp_path):
    directory = tmp_path / "certs"
    migvet("certs", "create", "--certs", directory, "--dns", "hook.example,other.example", "--ip", "10.0.0.1",
           expect=(0,))
    files = {path.name: path for path in directory.iterdir() if not path.name.startswith(".")}
    assert set(files) == {"ca.crt", "ca.key", "tls.crt", "tls.key"}
    assert stat.S_IMODE(directory.stat().st_mode) & 0o077 == 0
    for name in ("ca.key", "tls.key"):
        assert stat.S_IMODE(files[name].stat().st_mode) == 0o600
    before = {name: path.read_bytes() for name, path in files.items()}
    subprocess.run(["openssl", "verify", "-purpose", "sslserver", "-CAfile", files["ca.crt"],
                    files["tls.crt"]],
                   check=True, capture_output=True, timeout=60)

    shown = migvet.json("certs", "show", "--certs", directory, "-o", "json", expect=(0,))
    assert shown["certificate"]["dnsNames"] == ["hook.example", "other.example"]
    assert shown["certificate"]["ipAddresses"] == ["10.0.0.1"] and shown["problems"] == []
    assert "hook.example" in migvet("certs", "show", "--certs", directory, expect=(0,)).stdout

    refused = migvet("certs", "create", "--certs", directory, expect=(2,))
    assert "exists" in refused.stderr
    assert {name: path.read_bytes() for name, path in files.items()} == before

    migvet("certs", "rotate", "--certs", directory, expect=(0,))
    assert files["tls.crt"].read_bytes() != before["tls.crt"]
    assert files["ca.crt"].read_bytes() == before["ca.crt"]
    migvet("certs", "rotate", "--certs", directory, "--ca", expect=(0,))
    again = migvet.json("certs", "show", "--certs", directory, "-o", "json", expect=(0,))
    assert len(again["authorities"]) == 2 and again["certificate"]["dnsNames"] == [
               "hook.example", "other.example"]
    assert again["authorities"][1]["sha256"] == shown["authorities"][0]["sha256"]
    for name in ("ca.key", "tls.key"):
        assert stat.S_IMODE(files[name].stat().st_mode) == 0o600


def test_certs_that_are_wrong(migvet, tmp_path):
    for name in ("a", "b"):
        migvet("certs", "create", "--certs", tmp_path / name, expect=(0,))
    shutil.copy(tmp_path / "a" / "tls.key", tmp_path / "b" / "tls.key")
    process = migvet("certs", "show", "--certs", tmp_path / "b", expect=(1,))
    assert "do not match" in process.stdout
    assert migvet("certs", "show", "--certs", tmp_path / "c", expect=None).returncode == 2
    (tmp_path / "a" / "tls.crt").write_text("nothing\n", encoding="utf-8")
    assert "tls.crt" in migvet("certs", "show", "--certs", tmp_path / "a", expect=(2,)).stderr


def test_review(migvet):
    answer = migvet.json("review", "-f", CLUSTER, stdin=example("create-migration"), expect=(0,))["response"]
    assert (answer["allowed"], answer["status"]["code"]) == (False, 403)
    assert migvet.json(
    "review",
    "-f",
    CLUSTER,
    stdin=example("create-good-vm"),
    expect=(
        0,
        ))["response"]["allowed"]
    process = migvet("review", "-f", CLUSTER, stdin="{}", expect=(2,))
    assert json.loads(process.stdout)["code"] == 400
    for text, place in (('{"kind":\n  oops}', "line 2, column 3: "), ('{"kind":\n 1}', "line 2, column 2: kind: ")):
        process = migvet("review", "-f", CLUSTER, stdin=text, expect=(2,))
        assert json.loads(process.stdout)["message"].startswith(place)
    assert migvet("review", "-f", "-", stdin="{}", expect=None).returncode == 2
    assert migvet("review", stdin="{}", expect=None).returncode == 3


def test_a_claim_is_named_once(migvet, tmp_path):
    fixture = ROOT / "tests" / "fixtures" / "volume-topology" / "fail-local-volume.yaml"
    volume = "{name: data, persistentVolumeClaim: {claimName: data}}"
    text = fixture.read_text(encoding="utf-8")
    assert volume in text
    both = text.replace(volume, f"{volume}, {volume.replace('name: data,', 'name: again,')}")
    (tmp_path / "both.yaml").write_text(both, encoding="utf-8")
    finding, = [f for f in migvet.verdicts("-f", tmp_path)[0]["findings"] if f["rule"] == "volume-topology"]
    assert "claims data are bound" in finding["message"]
