#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make bench`: every part of it, each with a table here and as JSON in build/bench. RUNS=, SECONDS= (of one run of load)
and PARTS= in the environment choose how much; PEERS=1 adds OPA and Kyverno."""
import argparse
import datetime
import os
import subprocess

import bench
import memory
import parse
import peers
import server

PARTS = ("server", "memory", "blocks", "growth", "parse", "nodefit")


def options():
    parser = argparse.ArgumentParser()
    parser.set_defaults(objects=50000, manifests=10000)
    server.add_options(parser)
    chosen = parser.parse_args([])
    chosen.runs = int(os.environ.get("RUNS") or chosen.runs)
    chosen.seconds = float(os.environ.get("SECONDS") or chosen.seconds)
    chosen.parts = (os.environ.get("PARTS") or " ".join(PARTS)).replace(",", " ").split()
    if os.environ.get("PEERS") == "1" and "peers" not in chosen.parts:
        chosen.parts.append("peers")
    return chosen


def main():
    chosen = options()
    bench.raise_files()
    version = subprocess.run([bench.PROGRAM, "version"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[0]
    about = {"machine": bench.machine(), "date": datetime.date.today().isoformat(), "version": version}
    print(f"{about['machine']}\nthe server on processor {bench.SERVER_CPU}, the load on {bench.LOAD_CPU}; medians of {chosen.runs} "
          f"runs of {chosen.seconds:g} s\n", flush=True)
    program = lambda name: lambda: subprocess.run([bench.PROGRAMS / name], check=True)
    growth = lambda: subprocess.run([bench.ROOT / "tests" / "bench" / "growth.sh", bench.PROGRAMS / "growth"], check=True)
    parts = {"server": lambda: server.run(chosen, about), "memory": lambda: memory.run(chosen, about),
             "parse": lambda: parse.run(chosen, about), "peers": lambda: peers.run(chosen, about),
             "nodefit": program("nodefit"), "blocks": program("memory"), "growth": growth}
    for part in chosen.parts:
        if part not in parts:
            raise SystemExit(f"there is no part {part}: {', '.join(parts)}")
        parts[part]()


if __name__ == "__main__":
    main()
