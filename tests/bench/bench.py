# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: the machine in words, programs on processors of their own, load, and the results."""
import contextlib
import hashlib
import json
import os
import pathlib
import platform
import re
import resource
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"
PROGRAMS = ROOT / "build" / "release" / "tests" / "bench"
PROGRAM = ROOT / "build" / "release" / "migvet"
START_SECONDS = 300
CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, LOAD_CPU = CPUS[0], CPUS[-1]

sys.path.insert(0, str(pathlib.Path(__file__).parent))


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- the machine -----------------------------------------------------------------------------------------------------


def first_of(path, pattern):
    with contextlib.suppress(OSError):
        found = re.search(pattern, pathlib.Path(path).read_text(), re.MULTILINE)
        if found:
            return found[1].strip().strip('"')
    return "unknown"


def machine():
    memory = int(first_of("/proc/meminfo", r"^MemTotal:\s*(\d+)")) / 2**20
    model, system = first_of("/proc/cpuinfo", r"^model name\s*: (.*)$"), first_of("/etc/os-release", "^PRETTY_NAME=(.*)$")
    return (f"{len(CPUS)} cores of {model}, {memory:.0f} GiB, {system}, Linux {platform.release()}; "
            f"load average at the start {os.getloadavg()[0]:.1f}")


# --- results ---------------------------------------------------------------------------------------------------------


def write(name, results, about):
    """Into build/bench/NAME.json."""
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / f"{name}.json"
    path.write_text(json.dumps({**about, "results": results}, indent=2) + "\n")
    say(f"{path.relative_to(ROOT)} written")


def table(head, rows):
    """Text in columns; the first to the left, the others to the right."""
    rows = [list(map(str, row)) for row in [head, *rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells).rstrip())
    print(flush=True)


def judged(value, goal, at_least=True):
    """A ratio, beside its goal and whether it is reached; if not, how many times too small or too large it is."""
    reached = value >= goal if at_least else value <= goal
    missed = f"MISSED {goal / value if at_least else value / goal:.1f} times"
    return f"{value:.2f} {'>=' if at_least else '<='} {goal:g}: {'reached' if reached else missed}"


def median(values):
    return statistics.median(values)


def median_of(runs, key):
    return median(run[key] for run in runs)


# --- inputs ----------------------------------------------------------------------------------------------------------


def cluster(nodes, vms, running):
    """The directory of a generated cluster, made when it is not there."""
    source = (pathlib.Path(__file__).parent / "cluster.py").read_bytes()
    name = f"cluster-{nodes}-{vms}-{running}-{hashlib.sha256(source).hexdigest()[:8]}"
    directory = BUILD / name
    if not directory.exists():
        say(f"generating {nodes} nodes and {vms} VMs, {running} of them running")
        part = BUILD / f"{name}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        subprocess.run([sys.executable, str(pathlib.Path(__file__).parent / "cluster.py"), str(part), "--nodes", str(nodes),
                        "--vms", str(vms), "--running", str(running)], check=True)
        part.rename(directory)
    return directory


def certificates():
    """The directory of an authority and a certificate for localhost."""
    directory = BUILD / "certs"
    if not (directory / "tls.crt").exists():
        subprocess.run([PROGRAM, "certs", "create", "--certs", directory], check=True, stdout=subprocess.DEVNULL)
    return directory


# --- programs --------------------------------------------------------------------------------------------------------


def on(cpu, command):
    return ["taskset", "-c", str(cpu), *map(str, command)]


class Process:
    """A server on the servers' processor; use it in a with statement."""

    port = None
    path = "/validate?timeout=10s"

    def __init__(self, command, **more):
        self.process = subprocess.Popen(on(SERVER_CPU, command), **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def check(self):
        if self.process.poll() is not None:
            raise SystemExit(f"{self.process.args} ended with {self.process.returncode}")

    def cpu_seconds(self):
        """Of all its threads, to the nanosecond; time(1) counts in hundredths of a second."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def resident(self):
        """Bytes."""
        return int(first_of(f"/proc/{self.process.pid}/status", r"^VmRSS:\s*(\d+)")) * 1024

    def post(self, body):
        context = ssl.create_default_context(cafile=certificates() / "ca.crt")
        request = urllib.request.Request(f"https://localhost:{self.port}{self.path}", body,
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:
            return answer.read()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


class Serve(Process):
    """`migvet serve`, ready. started: seconds that this took."""

    def __init__(self, *arguments, level="warning", log=subprocess.DEVNULL):
        self.port, management = free_port(), free_port()
        begun = time.monotonic()
        super().__init__([PROGRAM, "serve", "--listen", f"127.0.0.1:{self.port}", "--management",
                          f"127.0.0.1:{management}", "--certs", certificates(), "--log-format", "json", "--log-level", level,
                          *arguments], stdin=subprocess.DEVNULL, stderr=log)
        self.management = f"http://127.0.0.1:{management}"
        while True:
            self.check()
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.management}/readyz", timeout=5):
                break
            if time.monotonic() - begun > START_SECONDS:
                self.stop()
                raise SystemExit(f"migvet serve was not ready after {START_SECONDS} s")
            time.sleep(0.02)
        self.started = time.monotonic() - begun


class Floor(Process):
    """The server that always gives this answer."""

    def __init__(self, answer):
        certs = certificates()
        super().__init__([PROGRAMS / "floor", certs / "tls.crt", certs / "tls.key", answer], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())


def load(server, body, answer, connections, seconds, warm=0.2):
    """One run of load: what it says, and what the server's processor time a request was, in microseconds."""
    before = server.cpu_seconds()
    done = subprocess.run(on(LOAD_CPU, [PROGRAMS / "load", server.port, server.path, body, answer, connections, warm, seconds]),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"load on {server.process.args}: {done.stderr}")
    result = json.loads(done.stdout)
    spent = server.cpu_seconds() - before
    # The processor's time of warming up is in it, and so are its requests.
    result["cpuMicroseconds"] = spent * 1e6 / result["allRequests"]
    return result


def timed(command, output, errors):
    """Run to the end, into these files: seconds, seconds of processors, peak of resident bytes, exit code."""
    timer = [sys.executable, "-IS", pathlib.Path(__file__).parent / "timed.py", output, errors]
    done = subprocess.run([*map(str, timer + command)], stdout=subprocess.PIPE, text=True, check=True)
    return [*map(float, done.stdout.split())]


def raise_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
