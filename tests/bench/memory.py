#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What objects cost a running server in memory: resident bytes of `migvet serve` with so many of one kind, less those
without, for the cluster of files and for a live one; and how long the start with all of them takes."""
import argparse
import shutil
import sys
import time

import bench
import cluster as objects

sys.path.insert(0, str(bench.ROOT / "tests" / "functional"))
from fake_api import FakeApi  # pylint: disable=wrong-import-position

# Objects by path of their list.
PATHS = {"nodes": "/api/v1/nodes", "claims": "/api/v1/persistentvolumeclaims", "vms": "/apis/kubevirt.io/v1/virtualmachines"}
MAKE = {"nodes": objects.node, "claims": objects.claim, "vms": lambda number: objects.vm(number, 0)}
PAGE = 500
SETTLE_SECONDS = 1


class Api(FakeApi):
    """A cluster of these objects, in pages; watches bring nothing. Every kind of ours that it does not have is empty."""

    def __init__(self, directory, counts):
        super().__init__(directory)
        self.pages = {}
        for path in PATHS.values():
            self.pages[path] = [[]]
        for kind, count in counts.items():
            made = [self.stored(MAKE[kind](number), number) for number in range(count)]
            self.pages[PATHS[kind]] = [made[at:at + PAGE] for at in range(0, count, PAGE)] or [[]]
        self.pages["/api/v1/namespaces"] = [[self.stored({"metadata": {"name": f"team-{number}"}}, number)
                                             for number in range(objects.NAMESPACES)]]
        for group in sorted({path.rpartition("/")[0] for path in self.pages}):
            self.route(group, self.resources)
        for path in self.pages:
            self.route(path, self.items)
        self.route("/api", lambda h: h.answer(200, {"kind": "APIVersions", "versions": ["v1"]}))
        self.route("/apis", lambda h: h.answer(200, {"kind": "APIGroupList", "groups": [
            {"name": "kubevirt.io", "versions": [{"groupVersion": "kubevirt.io/v1", "version": "v1"}],
             "preferredVersion": {"groupVersion": "kubevirt.io/v1", "version": "v1"}}]}))
        self.route("/version", lambda h: h.answer(200, {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}))

    @staticmethod
    def stored(obj, number):
        obj["metadata"] |= {"resourceVersion": str(number + 1), "uid": objects.uid_of(number)}
        return obj

    def resources(self, h):
        kinds = {"nodes": "Node", "persistentvolumeclaims": "PersistentVolumeClaim", "virtualmachines": "VirtualMachine",
                 "namespaces": "Namespace"}
        names = [path.rpartition("/")[2] for path in self.pages if path.rpartition("/")[0] == h.route]
        h.answer(200, {"kind": "APIResourceList", "groupVersion": h.route.split("/", 2)[2].removeprefix("api/"), "resources": [
            {"name": name, "kind": kinds[name], "namespaced": name not in ("nodes", "namespaces"), "verbs": ["list", "watch", "get"]}
            for name in names]})

    def items(self, h):
        if h.query.get("watch") in ("1", "true"):
            if "sendInitialEvents" in h.query:
                h.answer_status(422, "no streaming lists here")
                return
            h.begin_stream()
            h.wait_for_client()
            return
        pages, at = self.pages[h.route], int(h.query.get("continue", 0))
        more = {"continue": str(at + 1)} if at + 1 < len(pages) else {}
        h.answer(200, {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "9000000", **more}, "items": pages[at]})


def resident(server):
    time.sleep(SETTLE_SECONDS)
    return server.resident()


def from_files(counts):
    """Resident bytes and seconds until ready."""
    directory = bench.BUILD / "memory"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    objects.write_lists(directory, "settings", objects.settings())
    for kind, count in counts.items():
        objects.write_lists(directory, kind, map(MAKE[kind], range(count)))
    with bench.Serve("-f", directory) as server:
        return resident(server), server.started


def from_api(counts):
    directory = bench.BUILD / "api"
    directory.mkdir(parents=True, exist_ok=True)
    with Api(directory, counts) as api, bench.Serve("--kubeconfig", api.kubeconfig(namespace="migvet")) as server:
        return resident(server), server.started


def run(options, about):
    results, rows = {}, []
    for source, measure in (("files", from_files), ("live", from_api)):
        bench.say(f"memory, {source}")
        base, _ = measure({})
        results[source] = {"baseBytes": base, "per1000": {}}
        rows.append([source, "none", "", f"{base / 2**20:.1f}", "", ""])
        for kind in MAKE:
            count = options.nodes if kind == "nodes" else options.objects
            size, seconds = measure({kind: count})
            per = (size - base) / count * 1000
            results[source]["per1000"][kind] = per
            rows.append([source, kind, count, f"{size / 2**20:.1f}", f"{per / 1024:.0f}", f"{seconds:.1f}"])
        counts = {"nodes": options.nodes, "claims": options.objects, "vms": options.objects}
        size, seconds = measure(counts)
        results[source]["all"] = {"objects": sum(counts.values()), "bytes": size, "secondsUntilReady": seconds}
        rows.append([source, "all of these", sum(counts.values()), f"{size / 2**20:.1f}", "", f"{seconds:.1f}"])
    bench.table(["cluster", "kind", "objects", "resident MiB", "KiB for each 1,000", "seconds until ready"], rows)
    bench.write("memory", results, about)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--objects", type=int, default=50000)
    run(parser.parse_args(), {"machine": bench.machine()})


if __name__ == "__main__":
    main()
