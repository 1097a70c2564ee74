#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long `migvet check` takes over 1,000 VirtualMachines and their claims, as a ratio to a program that only parses the
same YAML: PyYAML on libyaml's C parser, and in pure Python. All run in turn."""
import argparse
import json
import subprocess
import sys
import time

import yaml

import bench
import cluster as objects

MACHINES = 1000
PARSE = ("import sys, yaml\n"
         "for d in yaml.load_all(open(sys.argv[1]), Loader=getattr(yaml, sys.argv[2])): pass\n")


def write_manifests():
    path = bench.BUILD / "machines.yaml"
    with open(path, "w", encoding="utf-8") as file:
        for number in range(MACHINES):
            for obj in (objects.vm(number, 0), objects.claim(number)):
                yaml.dump(obj, file, Dumper=yaml.CSafeDumper, explicit_start=True)
    return path


def run(options, about):
    manifests = write_manifests()
    parser = [sys.executable, "-c", PARSE, manifests]
    commands = {"migvet check": [bench.PROGRAM, "check", "-f", manifests, "-o", "json"],
                "PyYAML, C parser": [*parser, "CSafeLoader"], "PyYAML, pure Python": [*parser, "SafeLoader"]}
    seconds = {name: [] for name in commands}
    for _ in range(options.runs):
        for name, command in commands.items():
            begun = time.perf_counter()
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            seconds[name].append(time.perf_counter() - begun)
            judged = name != "migvet check" or len(json.loads(done.stdout or "{}").get("items", [])) == MACHINES
            if done.returncode not in (0, 1) or not judged:
                raise SystemExit(f"{name} failed: {done.stderr.decode()[:500]}")
    ours = seconds["migvet check"]
    results = {name: {"seconds": bench.median(some), "timesSlower": bench.median([a / b for a, b in zip(some, ours)])}
               for name, some in seconds.items()}
    bench.table([f"{MACHINES} VMs and claims, YAML", "milliseconds", "times slower"],
                [[name, f"{r['seconds'] * 1000:.0f}", f"{r['timesSlower']:.2f}"] for name, r in results.items()])
    bench.write("parse", results, {**about, "runs": options.runs})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    run(parser.parse_args(), {"machine": bench.machine()})


if __name__ == "__main__":
    main()
