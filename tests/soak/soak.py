#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A long mixed load at 16 connections while all kinds of things go wrong (faults.py): tests/soak/soak.py MINUTES PROGRAM

Each answer is compared with that of `migvet review` or `migvet check` for one of the states that files and configuration take
turns in, and each event that a receiver gets with the answer. Ends with 1 when one was wrong or missing, when events went
astray, or when the server holds more memory, descriptors or threads in its last minute than in its second (of a short run: in
its last sixth than after its first third)."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "functional"))
# pylint: disable=wrong-import-position
import yaml
from faults import GOOD, QUESTIONS, Faults
from load import Load
from receiver import TOKEN, Identity, Receiver
from support import EXAMPLES, Server, cluster, put

CONNECTIONS = 16
KINDS = ["VirtualMachine", "VirtualMachineInstanceMigration"]  # that receivers are told of
GOOD_UID = json.loads(GOOD)["request"]["uid"].encode()
GROWTH_BYTES, GROWTH = 2 << 20, 1.03  # what counts as none: noise of the allocator
DRAIN_SECONDS = 360  # for what waits in the outbox; a receiver in trouble is left alone for up to five minutes


class Log:
    """In the place of a list of all lines, of which there is one for each review."""

    def __init__(self):
        self.lines, self.odd, self.last = 0, {}, ""
        self.given_up, self.forgotten = {}, 0  # events by receiver, and dead letters

    def append(self, line):
        event = json.loads(line)
        self.lines, self.last = self.lines + 1, line
        if '"level":"info"' in line:
            return
        self.odd[event["msg"]] = self.odd.get(event["msg"], 0) + 1
        if event["msg"].startswith("an event is given up"):
            self.given_up[event["receiver"]] = self.given_up.get(event["receiver"], 0) + 1
        self.forgotten += int(event.get("letters", 0))

    def __iter__(self):
        return iter([self.last])

    def __getitem__(self, _):
        return [self.last]


class Uids:
    """One of its own for each request with a review, so that each event has an id of its own: which review it was of, and
    whether it was answered. A byte for each, not an object: there may be millions."""

    FORM, NONE = "00000000-0000-4000-a000-{:012d}", 255

    def __init__(self):
        self.lock, self.reviews, self.answered = threading.Lock(), bytearray(), bytearray()

    def take(self, review):
        with self.lock:
            self.reviews.append(review)
            self.answered.append(0)
            return self.FORM.format(len(self.reviews) - 1)

    def answer(self, uid):
        self.answered[int(uid[-12:])] = 1

    def number(self, uid):
        """Of one that was taken here; None."""
        digits = uid[-12:]
        known = digits.isdecimal() and self.FORM.format(int(digits)) == uid and int(digits) < len(self.reviews)
        return int(digits) if known else None


class Ids:
    """A set of ids of events: of reviews, by the number of their uid, and of the audit."""

    def __init__(self, uids):
        self.uids, self.flags, self.others = uids, bytearray(), set()

    def add(self, text):
        number = self.uids.number(text)
        if number is None:
            self.others.add(text)
            return
        if number >= len(self.flags):
            self.flags.extend(bytes(number + 1 - len(self.flags)))
        self.flags[number] = 1

    def __contains__(self, text):
        number = self.uids.number(text)
        return text in self.others if number is None else self.has(number)

    def has(self, number):
        return number < len(self.flags) and self.flags[number] == 1

    def __len__(self):
        return self.flags.count(1) + len(self.others)


class Moody(Receiver):
    """A receiver that takes events as its mood is, and compares each with what reviews were answered. `taken`: the ids of those
    that it answered with 2xx, whether or not that answer came through."""

    MOODS = (204, 204, 500, (429, {"Retry-After": "0"}, b""), 400, "close", "half", "slow")

    def __init__(self, identity, name, world):
        super().__init__(identity, self._take)
        self.name, self.world, self.mood, self.count, self.requests = name, world, 204, 0, self
        self.taken = Ids(world.uids)

    def append(self, request):
        self.count += 1
        data = request.event["data"]
        if data["decision"]["operation"] == "AUDIT":
            right = data["verdict"] in self.world.verdicts.get(json.dumps(data["verdict"]["subject"]), ())
        else:
            number = self.world.uids.number(request.event["id"])
            right = number is not None and (data["verdict"]["migratable"], data["decision"]["allowed"]) in \
                self.world.decisions.get(self.world.uids.reviews[number], ())
        if not right:
            self.world.trouble.append(f"an event that was no answer: {request.event}")

    def _take(self, request):
        mood = self.mood
        if mood == "slow":
            time.sleep(0.2)
            mood = 204
        if mood == 204:
            with self.lock:
                self.taken.add(request.event["id"])
        return mood


def usage(pid):
    """Resident bytes, descriptors, threads."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resident, len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))


class World:
    """Two states of the cluster, two configurations, and a server with receivers on what takes turns being them."""

    def __init__(self, program, directory):
        self.program, self.directory, self.trouble = program, directory, []
        self.server = self.load = None
        self.verdicts, self.decisions = {}, {}  # by subject, and by the number of a review: all that are right
        self.uids, self.told = Uids(), set()  # of reviews: numbers of those that receivers are told of
        text = (EXAMPLES / "cluster" / "storage.yaml").read_text(encoding="utf-8")
        self.texts = [text, re.sub(r"accessModes: \[ReadWriteOnce\]", "accessModes: [ReadWriteMany]", text)]
        self.states = [cluster(directory / name) for name in ("one", "two")]
        put(self.states[1] / "storage.yaml", self.texts[1])
        shutil.copytree(self.states[0], directory / "live")
        self.token, self.outbox = directory / "token", directory / "outbox"
        for path in (self.token, directory / "receivers-token"):
            put(path, TOKEN + "\n")
        self.identity = Identity(directory / "receivers")
        self.receivers = [Moody(self.identity, name, self) for name in ("one", "two")]
        self.configurations, self.settings = [], []
        self.live_configuration = directory / "live.yaml"

    def configure(self):
        """Once the receivers have their ports."""
        for name, more in (("audit", {}), ("enforce", {"defaults": {"enforce": "migratable", "warn": "resilient"},
                                                       "unknown": "deny"})):
            path = self.directory / f"{name}.yaml"
            put(path, yaml.safe_dump({
                "apiVersion": "config.migvet.io/v1alpha1", "kind": "Configuration", **more,
                "verdicts": {"enabled": True, "tokenFile": str(self.token)},
                "outbox": {"directory": str(self.outbox), "maxBytes": "1Mi", "tries": 2},
                "receivers": [{"name": receiver.name, "url": receiver.url(), "caFile": str(self.identity.ca),
                               "tokenFile": str(self.directory / "receivers-token"),
                               "kinds": KINDS}
                              for receiver in self.receivers]}))
            self.configurations.append(path.read_text(encoding="utf-8"))
            self.settings.append(("--config", path))
        put(self.live_configuration, self.configurations[0])

    def questions(self):
        """What a controller asks, for the objects of the cluster: (path, body, headers, right answers)."""
        for state in self.states:
            for setting in self.settings:
                process = subprocess.run([self.program, "check", "-f", state, *setting, "-o", "json"], capture_output=True,
                                         timeout=60, check=False)
                for item in json.loads(process.stdout)["items"]:
                    if item["subject"]["kind"] == "VirtualMachine":
                        self.verdicts.setdefault(json.dumps(item["subject"]), []).append(item)
        assert self.verdicts
        return [(QUESTIONS, f'{{"subject": {subject}}}'.encode(), {"Authorization": f"Bearer {TOKEN}"},
                 [(200, verdict) for verdict in verdicts]) for subject, verdicts in self.verdicts.items()]

    def learn(self, load):
        """What events may say: the verdict and decision of a review, in each state; and which reviews there are events of."""
        for number, ((path, body, _), answers) in enumerate(zip(load.reviews, load.expected)):
            if path != "/validate":
                continue
            request = json.loads(body)["request"]
            self.decisions[number] = {
                (answer["response"].get("auditAnnotations", {}).get("verdict"), answer["response"]["allowed"])
                for _, answer in answers}
            if request["kind"]["kind"] in KINDS and not request.get("dryRun") and \
                    all(verdict for verdict, _ in self.decisions[number]):
                self.told.add(number)
        assert self.told

    def good(self):
        """The first review of the load, with a uid of its own, for those who do not wait for the answer."""
        return GOOD.replace(GOOD_UID, self.uids.take(0).encode())


def grown(samples, took):
    """What there is more of in the end than after the first minute, in words."""
    settled, width = min(60, took / 3), min(60, took / 6)
    first = [values for when, values in samples if settled <= when <= settled + width]
    last = [values for when, values in samples if when >= took - width]
    found = []
    if not first or not last:
        return ["it ended before anything could be measured"]
    before, after = (statistics.median(values[0] for values in part) for part in (first, last))
    print(f"resident: {samples[0][1][0] >> 10} KiB at the start, {int(before) >> 10} KiB after {settled:.0f} s, "
          f"{int(after) >> 10} KiB at the end, {max(values[0] for _, values in samples) >> 10} KiB at most")
    if after > before * GROWTH + GROWTH_BYTES:
        found.append("memory has grown")
    for index, name in enumerate(("descriptors", "threads"), 1):  # at the quietest moment: connections come and go
        before, after = (min(values[index] for values in part) for part in (first, last))
        print(f"{name}: {before} after {settled:.0f} s, {after} at the end")
        if after > before + CONNECTIONS:
            found.append(f"{name} have grown")
    return found


def tell(load, faults, samples, begun, last):
    """How it goes: all the time on a terminal, otherwise once a minute. Returns when it was said last."""
    now, terminal = time.monotonic(), sys.stdout.isatty()
    if now - last < (1 if terminal else 60):
        return last
    print(f"{(now - begun) / 60:6.1f} min, {load.answers} answers, {len(load.wrong)} wrong, {len(load.broken)} missing, "
          f"{sum(faults.counts.values())} faults, {samples[-1][1][0] >> 10} KiB", end="\r" if terminal else "\n", flush=True)
    return now


def taken(world, receiver, own, log, metrics, again):
    """What the receiver itself took, against the counters of the server and against the reviews that were answered. An event that
    it took is not delivered for the server while the answer did not come through, and may have been given up since."""
    process = subprocess.run([world.program, "outbox", "ls", "--directory", world.outbox, "--receiver", receiver.name, "-o",
                              "json"], capture_output=True, timeout=60, check=True)
    dead = Ids(world.uids)
    for item in json.loads(process.stdout)["items"]:
        if item["state"] == "dead":  # that others wait no more may not be on the disk yet
            dead.add(item["id"])
    took_dead = sum(receiver.taken.has(number) for number, flag in enumerate(dead.flags) if flag) + \
        len(receiver.taken.others & dead.others)
    took, whole = len(receiver.taken) - took_dead, len(receiver.taken) + len(dead) - took_dead
    astray = metrics["migvet_outbox_refused_total"] + metrics["migvet_outbox_failed_total"] + log.forgotten + \
        sum(value for key, value in metrics.items() if key.startswith("migvet_outbox_waiting"))
    reviews, missing, asked = world.uids.reviews, 0, 0
    for number, answered in enumerate(world.uids.answered):
        if answered and reviews[number] in world.told:
            asked += 1
            missing += not receiver.taken.has(number) and not dead.has(number)
    print(f"receiver {receiver.name} took {len(receiver.taken)} events, {took_dead} of which are dead letters; of {asked} "
          f"answered reviews {missing} are neither, with {astray:.0f} events that the server says are not there")
    found = []
    if not took or not asked:
        found.append(f"receiver {receiver.name} took nothing")
    if not took - log.forgotten <= own["delivered_total"] <= took:
        found.append(f"receiver {receiver.name} took {took} events, of which the server says it was {own['delivered_total']}")
    total = metrics["migvet_outbox_events_total"] - again
    if not total - log.forgotten <= whole <= total:
        found.append(f"receiver {receiver.name} has {whole} of {total:.0f} events")
    if missing > astray:
        found.append(f"receiver {receiver.name} was not told of {missing} reviews")
    return found


def delivered(world, faults, log):
    """Each event that was taken into the outbox has been delivered or given up once, by each receiver, which says so itself, and
    dead letters are there, were sent again or forgotten for lack of room. What is not so, in words."""
    until = time.monotonic() + DRAIN_SECONDS
    for receiver in world.receivers:
        receiver.mood = 204
    print(f"waiting until the receivers have what is in the outbox: {DRAIN_SECONDS // 60} minutes at most", flush=True)
    while True:
        metrics = world.server.metrics()
        waiting = sum(value for key, value in metrics.items() if key.startswith("migvet_outbox_waiting"))
        if not waiting or time.monotonic() > until:
            break
        time.sleep(0.2)
    found = []
    if waiting:
        found.append(f"{waiting:.0f} events still wait: {world.server.health('/readyz?verbose')[2]}")
    total, again = metrics["migvet_outbox_events_total"], sum(faults.sent_again.values())
    print(f"outbox: {total:.0f} events ({again} of them dead letters), {metrics['migvet_outbox_refused_total']:.0f} refused "
          f"since it was full, as it is meant to be, {metrics['migvet_outbox_failed_total']:.0f} could not be written, "
          f"{metrics['migvet_outbox_damaged_total']:.0f} damaged, {log.forgotten} dead letters forgotten")
    dead = 0
    for receiver in world.receivers:
        own = {name: int(metrics[f'migvet_outbox_{name}{{receiver="{receiver.name}"}}'])
               for name in ("delivered_total", "dead_letters", "failed_tries_total")}
        given_up, wanted = log.given_up.get(receiver.name, 0), total - again + faults.sent_again.get(receiver.name, 0)
        dead += own["dead_letters"]
        print(f"receiver {receiver.name}: {receiver.count} requests, {own['delivered_total']} delivered, {given_up} given up, "
              f"{own['dead_letters']} dead letters, {own['failed_tries_total']} failed tries")
        if own["delivered_total"] + given_up != wanted:
            found.append(f"receiver {receiver.name} was to have {wanted:.0f} events")
        found += taken(world, receiver, own, log, metrics, again)
    if sum(log.given_up.values()) != dead + again + log.forgotten:
        found.append("some dead letters are nowhere")
    return found


def run(world, load, minutes):
    """Load and faults for so long. Returns the faults, samples, how long it took, and what is wrong."""
    faults, ending = Faults(world), threading.Event()

    def run_faults():
        try:
            faults.run(ending)
        except Exception as error:  # pylint: disable=broad-except
            world.trouble.append(repr(error))
    thread, pid = threading.Thread(target=run_faults), world.server.process.pid
    samples, begun = [(0.0, usage(pid))], time.monotonic()
    said = begun
    with contextlib.suppress(KeyboardInterrupt, AssertionError), load:  # what is wrong is told below
        thread.start()
        while time.monotonic() - begun < minutes * 60 and not world.trouble and not load.wrong and not load.broken:
            time.sleep(1)
            samples.append((time.monotonic() - begun, usage(pid)))
            said = tell(load, faults, samples, begun, said)
    took = time.monotonic() - begun
    ending.set()
    thread.join()
    return faults, samples, took


def soak(minutes, program, directory):
    world = World(program, directory)
    with contextlib.ExitStack() as stack:
        for receiver in world.receivers:
            stack.enter_context(receiver)
        world.configure()
        questions = world.questions()  # before the first events come
        world.server = server = stack.enter_context(
            Server(program, "-f", directory / "live", "--config", world.live_configuration, certs=directory / "certs"))
        server.log = log = Log()
        world.load = load = Load(server, types.SimpleNamespace(path=program), world.states, threads=CONNECTIONS,
                                 settings=world.settings, more=questions, retries=True, uids=world.uids)
        world.learn(load)
        faults, samples, took = run(world, load, minutes)
        problems = world.trouble[:3] + load.wrong[:3] + load.broken[:3]
        metrics = server.metrics()
        print(f"{took:.0f} s, {load.answers} answers ({load.answers / took:.0f}/s), {len(load.wrong)} wrong, "
              f"{len(load.broken)} missing, {load.retried} asked again on a new connection, the slowest in "
              f"{load.slowest:.3f} s, {int(metrics['migvet_snapshot_generation'])} snapshots, "
              f"{int(metrics['migvet_config_generation'])} configurations")
        print("faults:", ", ".join(f"{name} {count}" for name, count in sorted(faults.counts.items())))
        print(f"log: {log.lines} lines;", ", ".join(f"{count} times {text!r}" for text, count in sorted(log.odd.items())))
        problems += delivered(world, faults, log) + grown(samples, took)
    missed = {fault.__name__ for fault in Faults.KINDS} - set(faults.counts)
    if missed and took > 60:
        problems.append(f"never happened: {missed}")
    for problem in problems:
        print("problem:", problem)
    failed = bool(problems) or not faults.counts
    print("failed" if failed else "passed: each answer was right, and nothing has grown")
    return failed


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="migvet-soak-") as directory:
        return soak(float(sys.argv[1]), str(pathlib.Path(sys.argv[2]).resolve()), pathlib.Path(directory))


if __name__ == "__main__":
    sys.exit(main())
