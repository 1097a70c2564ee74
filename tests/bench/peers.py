#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""migvet beside OPA and the Kyverno CLI, which are built from Go modules: how fast reviews are answered, and what it takes
to check many manifests. Their policies (peers/rego/policy.rego, peers/kyverno/policy.yaml) ask for a dozen blockers that an object
itself tells; migvet asks all its questions, and prints what it found with the fixes. All must come to the same count.

    peers.py [--runs N] [--seconds S] [--manifests N]
"""
import argparse
import json
import pathlib
import re
import subprocess
import time
import urllib.error

import yaml

import bench
import cluster as objects
import server as reviews

PEERS = pathlib.Path(__file__).parent / "peers"
BIN = bench.BUILD / "peers"
# Throughput at least so many times OPA's at this share of its p99; manifests in this share of time and memory.
SPEED_GOAL, P99_GOAL, TIME_GOAL, MEMORY_GOAL = 5, 0.2, 10, 10


# --- reviews ---------------------------------------------------------------------------------------------------------


class Opa(bench.Process):
    """OPA as a webhook, with what the policy needs of the cluster."""

    path = "/"

    def __init__(self, data):
        self.port = bench.free_port()
        certs = bench.certificates()
        super().__init__([BIN / "opa", "run", "--server", "--addr", f"127.0.0.1:{self.port}", "--tls-cert-file", certs / "tls.crt",
                          "--tls-private-key-file", certs / "tls.key", "--log-level", "error", "--skip-version-check",
                          PEERS / "rego" / "policy.rego", data])
        begun = time.monotonic()
        while True:
            self.check()
            try:
                self.post(b"{}")
            except urllib.error.HTTPError:
                return  # that is no review, but it answers
            except urllib.error.URLError:
                pass
            if time.monotonic() - begun > bench.START_SECONDS:
                self.stop()
                raise SystemExit("OPA does not answer")
            time.sleep(0.05)


def opa_data(running):
    """What is in the cluster of the running VMs, by namespace and name."""
    data = {"instances": {}, "claims": {}}
    for number in range(running):
        instance, claim = objects.vmi(number, 1), objects.claim(number)
        for kind, obj, value in (("instances", instance, {"spec": instance["spec"]}),
                                 ("claims", claim, claim["spec"]["accessModes"])):
            data[kind].setdefault(obj["metadata"]["namespace"], {})[obj["metadata"]["name"]] = value
    path = bench.BUILD / "opa-data.json"
    path.write_text(json.dumps(data))
    return path


def answer_of(process, name, body):
    text = process.post(body.read_bytes())
    if json.loads(text)["response"]["allowed"] is not objects.REVIEWS[name][-1]:
        raise SystemExit(f"{name}: not the expected answer: {text.decode()}")
    path = bench.BUILD / f"{name}.{type(process).__name__}.answer"
    path.write_bytes(text)
    return path


def compare_servers(options):
    directory = bench.cluster(options.nodes, options.vms, options.running)
    results = []
    with bench.Serve("-f", directory / "cluster") as migvet, Opa(opa_data(options.running)) as opa:
        for name in reviews.CASES:
            body = directory / "reviews" / f"{name}.json"
            answers = {process: answer_of(process, name, body) for process in (migvet, opa)}
            runs = {migvet: [], opa: []}
            bench.say(f"{name}, 16 connections")
            for _ in range(options.runs):
                for process, some in runs.items():
                    some.append(bench.load(process, body, answers[process], 16, options.seconds))
            speed = bench.median([a["perSecond"] / b["perSecond"] for a, b in zip(runs[migvet], runs[opa])])
            p99 = bench.median([a["p99"] / b["p99"] for a, b in zip(runs[migvet], runs[opa])])
            results.append({"case": name, "connections": 16, "speedRatio": speed, "p99Ratio": p99,
                            "migvet": {key: bench.median_of(runs[migvet], key) for key in runs[migvet][0]},
                            "opa": {key: bench.median_of(runs[opa], key) for key in runs[opa][0]},
                            "residentBytes": {"migvet": migvet.resident(), "opa": opa.resident()}})
    rows = [[r["case"], name, f"{r[name]['perSecond']:.0f}", f"{r[name]['p50']:.0f}", f"{r[name]['p99']:.0f}",
             f"{r[name]['cpuMicroseconds']:.1f}", f"{r['residentBytes'][name] / 2**20:.0f}",
             bench.judged(r["speedRatio"], SPEED_GOAL) if name == "migvet" else "",
             bench.judged(r["p99Ratio"], P99_GOAL, at_least=False) if name == "migvet" else ""]
            for r in results for name in ("migvet", "opa")]
    bench.table(["review, 16 connections", "server", "answers/s", "p50 us", "p99 us", "cpu us", "MiB", "times as many", "share of p99"],
                rows)
    return results


# --- manifests -------------------------------------------------------------------------------------------------------


def manifest(number):
    """A VM that has all it needs; some have what keeps them from migrating. True: this one has."""
    spec = objects.instance_spec(number)
    mode = "ReadWriteMany"
    flawed = {"mode": number % 5 == 0, "bridge": number % 7 == 0, "gpu": number % 11 == 0, "hyperv": number % 13 == 0}
    if flawed["bridge"]:
        spec["domain"]["devices"]["interfaces"] = [{"name": "default", "bridge": {}}]
    if flawed["gpu"]:
        spec["domain"]["devices"]["gpus"] = [{"name": "gpu", "deviceName": "nvidia.com/A100"}]
    if flawed["hyperv"]:
        spec["domain"]["features"] = {"hypervPassthrough": {"enabled": True}}
    spec["volumes"][0] = {"name": "root", "dataVolume": {"name": f"vm-{number}-root"}}
    template = {"metadata": {"name": f"vm-{number}-root"},
                "spec": {"storage": {"accessModes": ["ReadWriteOnce" if flawed["mode"] else mode],
                                     "resources": {"requests": {"storage": "30Gi"}}}, "source": {"blank": {}}}}
    return {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
            "metadata": {"name": f"vm-{number}", "namespace": objects.namespace_of(number), "labels": objects.labels_of(number)},
            "spec": {"runStrategy": "Always", "dataVolumeTemplates": [template],
                     "template": {"metadata": {"labels": objects.labels_of(number)}, "spec": spec}}}, any(flawed.values())


class Manifests:
    """The same VMs in the forms that people have them in; flawed: how many of them cannot migrate."""

    def __init__(self, n):
        self.directory = bench.BUILD / f"machines-{n}"  # of a YAML file for each
        self.json, self.yaml = (bench.BUILD / f"machines-{n}.{form}" for form in ("json", "yaml"))  # a List, as of kubectl
        self.directory.mkdir(parents=True, exist_ok=True)
        objs, flaws = zip(*map(manifest, range(n)))
        self.flawed = sum(flaws)
        for number, obj in enumerate(objs):
            with open(self.directory / f"vm-{number:05}.yaml", "w", encoding="utf-8") as file:
                yaml.dump(obj, file, Dumper=yaml.CSafeDumper)
        items = {"apiVersion": "v1", "kind": "List", "items": list(objs)}
        self.json.write_text(json.dumps(items))
        with open(self.yaml, "w", encoding="utf-8") as file:
            yaml.dump(items, file, Dumper=yaml.CSafeDumper)


def migvet(path):
    return [bench.PROGRAM, "check", "-f", path]


def opa_eval(path):
    """One program for all items: this is the fastest that `opa eval` can be asked."""
    return [BIN / "opa", "eval", "--data", PEERS / "rego" / "policy.rego", "--input", path, "--format", "raw",
            "count([1 | some item in input.items; count(data.system.blockers) > 0 with input as item])"]


def count_migvet(text):
    return int(text.rpartition(" can migrate, ")[2].partition(" cannot")[0])


def count_opa_exec(text):
    return sum("result" not in item for item in json.loads(text)["result"])


def count_kyverno(text):
    return int(text.rpartition("fail: ")[2].partition(",")[0])


def run_once(command, count, flawed):
    """Seconds, seconds of processors, and peak of resident bytes."""
    output, errors = bench.BUILD / "output", bench.BUILD / "errors"
    *used, code = bench.timed(command, output, errors)
    found = count(output.read_text())
    if found != flawed:
        raise SystemExit(f"{command[0]} found {found} of {flawed} (status {code:.0f}): {errors.read_text()[:500]}")
    return used


def compare_offline(options):
    """Each form with all that read it: Kyverno reads no List, and `opa eval` has one input. `opa exec`, which evaluates one
    file after the other and knows of no other, stands beside it: its time has the goal, too, its memory has none."""
    manifests = Manifests(options.manifests)
    forms = {
        "YAML files in a directory": (manifests.directory, {
            "kyverno apply": ([BIN / "kyverno", "apply", PEERS / "kyverno" / "policy.yaml", "--resource", manifests.directory],
                              count_kyverno),
            "opa exec": ([BIN / "opa", "exec", "--decision", "system/movable", "--bundle", PEERS / "rego", manifests.directory],
                         count_opa_exec)}),
        "a List in YAML": (manifests.yaml, {"opa eval": (opa_eval(manifests.yaml), int)}),
        "a List in JSON": (manifests.json, {"opa eval": (opa_eval(manifests.json), int)}),
    }
    results, rows = {}, []
    for form, (path, peers) in forms.items():
        tools = {"migvet check": (migvet(path), count_migvet), **peers}
        runs = {tool: [] for tool in tools}
        for number in range(options.runs):
            for tool, (command, count) in tools.items():
                bench.say(f"{form}: {tool}, run {number + 1} of {options.runs}")
                runs[tool].append(run_once(command, count, manifests.flawed))
        results[form] = compare_tools(form, runs, rows)
    bench.table([f"{options.manifests} manifests, {manifests.flawed} of them flawed", "tool", "seconds", "of processors",
                 "peak MiB", "times slower", "times the work", "times the memory"], rows)
    return results


def compare_tools(form, runs, rows):
    """What the runs of a form say, and their rows of the table."""
    results = {}
    ours = runs["migvet check"]
    for tool, theirs in runs.items():
        names = ("seconds", "processorSeconds", "peakBytes")
        result = results[tool] = {name: bench.median(run[i] for run in theirs) for i, name in enumerate(names)}
        row = [form, tool, f"{result['seconds']:.2f}", f"{result['processorSeconds']:.2f}", f"{result['peakBytes'] / 2**20:.0f}"]
        if theirs is ours:
            row += [""] * 3
        else:
            time_ratio, work_ratio, memory_ratio = (bench.median([a[i] / b[i] for a, b in zip(theirs, ours)]) for i in range(3))
            result |= {"timesSlower": time_ratio, "timesWork": work_ratio, "timesMemory": memory_ratio}
            row += [bench.judged(time_ratio, TIME_GOAL), f"{work_ratio:.2f}",
                    f"{memory_ratio:.2f}" if tool == "opa exec" else bench.judged(memory_ratio, MEMORY_GOAL)]
        rows.append(row)
    return results


def run(options, about):
    subprocess.run([PEERS / "build.sh", BIN], check=True)
    results = {"offline": compare_offline(options), "servers": compare_servers(options)}
    versions = {peer: re.search(f"^\\s*{path} (\\S+)", (PEERS / peer / "go.mod").read_text(), re.MULTILINE)[1]
                for peer, path in
                (("opa", "github.com/open-policy-agent/opa"), ("kyverno", "github.com/kyverno/kyverno"))}
    print(f"OPA {versions['opa']}, Kyverno {versions['kyverno']}\n", flush=True)
    bench.write("peers", results, {**about, "runs": options.runs, "versions": versions})


def main():
    parser = argparse.ArgumentParser()
    reviews.add_options(parser)
    parser.add_argument("--manifests", type=int, default=10000)
    run(parser.parse_args(), {"machine": bench.machine()})


if __name__ == "__main__":
    main()
