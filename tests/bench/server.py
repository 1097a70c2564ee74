#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast reviews are answered, as a share of a floor: a server of the same libraries and TLS settings that reads the same
bodies and always gives the same answer. The server has one processor and the load another. Runs of all servers take
turns, so that whatever else the machine does meets each of them; what counts is the median of the runs' ratios.

    server.py [--runs N] [--seconds S] [--nodes N] [--vms N] [--running N]
"""
import argparse
import contextlib
import json
import subprocess

import bench
from cluster import REVIEWS

CASES = ("vm-create", "vmim-create", "denial")
CONNECTIONS = (1, 16)
# The least share of the floor's throughput with 16 connections, and of that without the log with it.
GOALS = {"vm-create": 0.5, "vmim-create": 0.6}
LOG_GOAL = 0.9
RECEIVERS = """\
apiVersion: config.migvet.io/v1alpha1
kind: Configuration
outbox: {directory: DIRECTORY/outbox, maxBytes: 2Gi}
receivers:
- {name: nobody, url: "https://127.0.0.1:9/", tokenFile: DIRECTORY/token}
"""


def accepts_receivers(directory):
    """Write a configuration with a receiver; its path, or None and why this program does not take it."""
    config = directory / "receivers.yaml"
    config.write_text(RECEIVERS.replace("DIRECTORY", str(directory)))
    (directory / "token").write_text("nobody reads it")
    done = subprocess.run([bench.PROGRAM, "check", "--config", config, "-f", "-"], input="", text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    return (None, done.stderr.strip().splitlines()[0]) if "receivers" in done.stderr or "outbox" in done.stderr else (config, "")


def servers(stack, cluster):
    """The variants of migvet by name; those that are not measured with why."""
    log = stack.enter_context(open(bench.BUILD / "requests.log", "wb"))
    serve = lambda *arguments, **more: stack.enter_context(bench.Serve("-f", cluster, *arguments, **more))
    found = {"migvet": serve(), "log": serve(level="info", log=log)}
    config, why = accepts_receivers(bench.BUILD)
    if config:
        found["outbox"] = serve("--config", config, level="info", log=log)
    return found, why


def ask(found, name, body):
    """The answer to this review, which must be the same of all and what the case is about."""
    allowed = REVIEWS[name][-1]
    answers = {server.post(body.read_bytes()) for server in found.values()}
    answer = answers.pop()
    if answers or json.loads(answer)["response"]["allowed"] is not allowed:
        raise SystemExit(f"{name}: not the expected answer: {answer.decode()}")
    path = bench.BUILD / f"{name}.answer"
    path.write_bytes(answer)
    return path


def measure(all_servers, body, answer, connections, options):
    runs = {name: [] for name in all_servers}
    for _ in range(options.runs):
        for name, server in all_servers.items():
            runs[name].append(bench.load(server, body, answer, connections, options.seconds))
    result = {name: {key: bench.median_of(some, key) for key in some[0]} for name, some in runs.items()}
    for name in runs:
        for key in ("perSecond", "cpuMicroseconds"):
            base = runs["floor"] if name == "migvet" else runs["migvet"]
            ratios = [mine[key] / other[key] for mine, other in zip(runs[name], base)]
            result[name][f"{key}Ratio"] = bench.median(ratios)
            result[name][f"{key}RatioLeast"], result[name][f"{key}RatioMost"] = min(ratios), max(ratios)
    return result


def goal_of(name, variant, connections, share):
    if connections != 16:
        return ""
    goal = GOALS.get(name) if variant == "migvet" else LOG_GOAL
    return bench.judged(share, goal) if goal else f"{share:.2f}"


def show(results, unmeasured):
    rows = []
    for result in results:
        for variant, figures in result["servers"].items():
            label = {"floor": "floor", "migvet": "migvet", "log": "migvet, request log",
                     "outbox": "migvet, request log and outbox"}[variant]
            share = figures["perSecondRatio"]
            rows.append([f"{result['case']}, {result['bytes']} bytes, {result['connections']}", label, f"{figures['perSecond']:.0f}",
                         f"{figures['p50']:.0f}", f"{figures['p99']:.0f}", f"{figures['cpuMicroseconds']:.1f}",
                         "" if variant == "floor" else f"{share:.2f}",
                         "" if variant == "floor" else goal_of(result["case"], variant, result["connections"], share)])
    bench.table(["review, size, connections", "server", "answers/s", "p50 us", "p99 us", "cpu us", "share", "goal"], rows)
    print("share: of the floor's answers/s; with the log, of those without. cpu: the server's, for each answer.")
    if unmeasured:
        print(f"With an outbox: not measured, the configuration does not take receivers ({unmeasured}).")
    print(flush=True)


def run(options, about):
    cluster = bench.cluster(options.nodes, options.vms, options.running)
    results = []
    with contextlib.ExitStack() as stack:
        found, unmeasured = servers(stack, cluster / "cluster")
        started = {"objects": options.vms + options.nodes + 3 * options.running, "seconds": found["migvet"].started,
                   "residentBytes": found["migvet"].resident()}
        print(f"{options.nodes} nodes, {options.vms} VMs, {started['objects']} objects in all: ready after "
              f"{started['seconds']:.1f} s, {started['residentBytes'] / 2**20:.0f} MiB resident\n")
        for name in CASES:
            body = cluster / "reviews" / f"{name}.json"
            answer = ask(found, name, body)
            with bench.Floor(answer) as floor:
                for connections in CONNECTIONS:
                    bench.say(f"{name}, {connections} connections")
                    figures = measure({"floor": floor, **found}, body, answer, connections, options)
                    results.append({"case": name, "bytes": body.stat().st_size, "connections": connections, "servers": figures})
    show(results, unmeasured)
    bench.write("server", results, {**about, "runs": options.runs, "seconds": options.seconds, "start": started,
                                    "outbox": unmeasured or "measured"})


def add_options(parser):
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--vms", type=int, default=100000)
    parser.add_argument("--running", type=int, default=10000)


def main():
    parser = argparse.ArgumentParser()
    add_options(parser)
    run(parser.parse_args(), {"machine": bench.machine()})


if __name__ == "__main__":
    main()
