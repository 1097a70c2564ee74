# SPDX-License-Identifier: Apache-2.0
"""`migvet outbox`, without a server and beside one."""
import csv
import fcntl
import io
import json
import os
import pty
import re
import subprocess
import threading

import pytest

from receiver import Delivery, Identity, Receiver
from support import eventually, machine, review_of, run_where_no_file_may_grow

DOWN = "https://localhost:1/"  # nobody listens there


@pytest.fixture(scope="module", name="identity")
def identity_fixture(tmp_path_factory):
    return Identity(tmp_path_factory.mktemp("identity"))


@pytest.fixture(name="delivery")
def delivery_fixture(migvet, tmp_path, identity):
    return Delivery(migvet.path, tmp_path, identity)


def refused(request):
    """Of `a*` and `b*` nothing is taken."""
    return (400, {}, b"no such kind\x1b[2J") if request.name[0] in "ab" else 204


@pytest.fixture(name="filled")
def filled_fixture(delivery, identity):
    """An outbox of two receivers: `down` has done nothing, and of `picky` two are dead. No server runs any more."""
    with Receiver(identity, refused) as receiver:
        delivery.configure(delivery.receiver("picky", receiver), delivery.receiver("down", DOWN), outbox={"tries": 1})
        with delivery.serve() as server:
            for name in ("a", "b", "c"):
                server.review(review_of(machine(name)))
            eventually(lambda: server.metrics()['migvet_outbox_dead_letters{receiver="picky"}'] == 2, 30)
            eventually(lambda: server.metrics()['migvet_outbox_waiting{receiver="picky"}'] == 0, 30)
    return delivery


def listed(migvet, delivery, *arguments):
    answer = migvet.json("outbox", "ls", "--directory", delivery.outbox, "-o", "json", *arguments, expect=(0,))
    assert (answer["apiVersion"], answer["kind"]) == ("migvet.io/v1alpha1", "OutboxList")
    return answer["items"]


def brief(items):
    return [(item["receiver"], item["state"], item["subject"].rpartition("/")[2]) for item in items]


ALL = [("down", "waiting", "a"), ("down", "waiting", "b"), ("down", "waiting", "c"), ("picky", "dead", "a"),
       ("picky", "dead", "b")]


# --- looking ------------------------------------------------------------

def test_list(migvet, filled):
    items = listed(migvet, filled)
    assert brief(items) == ALL
    assert [item["sequence"] for item in items] == [f"{number:020d}" for number in (1, 2, 3, 1, 2)]
    dead = items[3]
    assert dead["tries"] == 1 and re.search(r"400.*no such kind", dead["answer"])
    assert (dead["verdict"], dead["subject"]) == ("True", "shop/VirtualMachine/a")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", dead["time"])
    assert dead["id"] == items[0]["id"] and "tries" not in items[0]
    assert brief(listed(migvet, filled, "--receiver", "picky")) == ALL[3:]
    answer = migvet("outbox", "ls", "--directory", filled.outbox, "--receiver", "nobody", expect=(2,))
    assert answer.stderr == "migvet outbox: there is no receiver nobody\n" and answer.stdout == ""

    text = migvet("outbox", "ls", "--config", filled.config, expect=(0,)).stdout
    lines = text.splitlines()
    assert lines[0].split() == ["RECEIVER", "STATE", "SEQUENCE", "TIME", "VERDICT", "SUBJECT", "ID"]
    assert [line.split()[1] for line in lines[1:] if not line.startswith(" ")] == ["waiting"] * 3 + ["dead"] * 2
    assert len([line for line in lines if re.match(r"    after 1 try: .*400", line)]) == 2
    assert "\x1b" not in text

    rows = list(csv.DictReader(io.StringIO(migvet("outbox", "ls", "--directory", filled.outbox, "-o", "csv").stdout)))
    assert [(row["receiver"], row["state"], row["subject"].rpartition("/")[2]) for row in rows] == ALL
    assert [row["tries"] for row in rows] == ["", "", "", "1", "1"]


def test_list_changes_nothing(migvet, filled):
    """Also where another process has the lock, or left half a record."""
    segment = filled.outbox / "00000000000000000001.log"
    with segment.open("ab") as file:
        file.write(b"\xf9MV\xfa\xff\x00\x00")
    (filled.outbox / "dead" / "left.tmp").write_bytes(b"")
    before = {path: path.read_bytes() for path in filled.outbox.rglob("*") if path.is_file()}
    with (filled.outbox / ".lock").open("r") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = migvet("outbox", "ls", "--directory", filled.outbox, "-o", "json", expect=(0,))
    assert brief(json.loads(answer.stdout)["items"]) == ALL and answer.stderr == ""
    assert {path: path.read_bytes() for path in filled.outbox.rglob("*") if path.is_file()} == before


def test_list_of_a_damaged_one(migvet, filled):
    segment = filled.outbox / "00000000000000000001.log"
    text = bytearray(segment.read_bytes())
    text[100] ^= 1
    segment.write_bytes(text)
    for path in (filled.outbox / "dead").iterdir():
        path.write_bytes(b"rubbish")
        break
    answer = migvet("outbox", "ls", "--directory", filled.outbox, "-o", "json", expect=(0,))
    assert len(json.loads(answer.stdout)["items"]) == 3
    assert answer.stderr == "migvet outbox: 2 damaged places were passed over\n"
    (filled.outbox / "positions").write_text("rubbish\n", encoding="utf-8")
    answer = migvet("outbox", "ls", "--directory", filled.outbox, expect=(2,))
    assert "positions: damaged" in answer.stderr and answer.stdout == ""


# --- changing without a server ------------------------------------------

def test_retry(migvet, filled, identity):
    items = listed(migvet, filled)
    answer = migvet("outbox", "retry", "--directory", filled.outbox, items[3]["id"], expect=(0,))
    assert answer.stdout == "1 dead letter sent again\n"
    assert brief(listed(migvet, filled)) == ALL[:3] + [("picky", "waiting", "a"), ("picky", "dead", "b")]
    answer = migvet("outbox", "retry", "--directory", filled.outbox, "--receiver", "picky", "2", expect=(0,))
    assert answer.stdout == "1 dead letter sent again\n"
    answer = migvet("outbox", "retry", "--directory", filled.outbox, "--all", expect=(0,))
    assert answer.stdout == "nothing sent again\n"
    # A server sends them, and they are what they were.
    with Receiver(identity) as receiver:
        filled.configure(filled.receiver("picky", receiver), filled.receiver("down", DOWN))
        with filled.serve() as server:
            receiver.wait_for(2, 30)
            eventually(lambda: server.metrics()['migvet_outbox_waiting{receiver="picky"}'] == 0, 30)
    assert sorted((event["id"], event["sequence"]) for event in receiver.events) == \
        sorted((item["id"], item["sequence"]) for item in items[3:])


def test_drop(migvet, filled):
    answer = migvet("outbox", "drop", "--directory", filled.outbox, "--yes", "1", expect=(0,))
    assert answer.stdout == "1 waiting verdict and 1 dead letter forgotten\n"
    assert brief(listed(migvet, filled)) == [("down", "waiting", "b"), ("down", "waiting", "c"),
                                             ("picky", "dead", "b")]
    answer = migvet("outbox", "drop", "--directory", filled.outbox, "--yes", "--receiver", "down", "--all", expect=(0,))
    assert answer.stdout == "2 waiting verdicts forgotten\n"
    answer = migvet("outbox", "drop", "--directory", filled.outbox, "--yes", "--all", expect=(0,))
    assert answer.stdout == "1 dead letter forgotten\n"
    assert listed(migvet, filled) == []
    assert migvet("outbox", "ls", "--directory", filled.outbox, expect=(0,)).stdout == \
        "Nothing waits, and there are no dead letters.\n"


@pytest.mark.parametrize("said, code, left", [("y\n", 0, 3), ("n\n", 0, 5), ("\n", 0, 5)])
def test_drop_asks(migvet, filled, said, code, left):
    command = [migvet.path, "outbox", "drop", "--directory", filled.outbox, "--receiver", "picky", "--all"]
    master, slave = pty.openpty()
    with subprocess.Popen(command, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        os.close(slave)
        os.write(master, said.encode())
        out, err = process.communicate(timeout=30)
    os.close(master)
    assert process.returncode == code and err.startswith("Forget 2 dead letters? [y/N] ")
    assert (out, "Nothing was changed." in err) == (("2 dead letters forgotten\n", False) if left == 3 else ("", True))
    assert len(listed(migvet, filled)) == left


def test_drop_without_a_terminal_says_yes(migvet, filled):
    answer = migvet("outbox", "drop", "--directory", filled.outbox, "--all", expect=(2,))
    assert "--yes" in answer.stderr
    assert len(listed(migvet, filled)) == 5


def test_nothing_found(migvet, filled):
    answer = migvet("outbox", "retry", "--directory", filled.outbox, "1", "17", "x-y", expect=(2,))
    assert answer.stdout == "1 dead letter sent again\n"
    assert answer.stderr == 'migvet outbox: nothing was found for "17" and others\n'
    answer = migvet("outbox", "drop", "--directory", filled.outbox, "--yes", "--receiver", "nobody", "--all",
                    expect=(2,))
    assert answer.stderr == "migvet outbox: there is no receiver nobody\n"


def test_disk_trouble(migvet, filled):
    """What cannot be written changes nothing."""
    before = listed(migvet, filled)
    answer = run_where_no_file_may_grow([migvet.path, "outbox", "retry", "--directory", filled.outbox, "--all"])
    assert answer.returncode == 2, answer
    assert listed(migvet, filled) == before


# --- beside a server ----------------------------------------------------

def test_beside_a_server(migvet, filled, identity):
    with Receiver(identity, refused) as receiver:
        filled.configure(filled.receiver("picky", receiver), filled.receiver("down", DOWN), outbox={"tries": 1})
        with filled.serve() as server:
            assert brief(listed(migvet, filled)) == ALL
            receiver.answer = lambda request: 204
            answer = migvet("outbox", "retry", "--directory", filled.outbox, "--all", expect=(0,))
            assert answer.stdout == "2 dead letters sent again\n"
            receiver.wait_for(2, 30)
            eventually(lambda: not listed(migvet, filled, "--receiver", "picky"), 30)
            answer = migvet("outbox", "drop", "--directory", filled.outbox, "--yes", "1", "3", "99", expect=(2,))
            assert answer.stdout == "2 waiting verdicts forgotten\n"
            assert 'nothing was found for "99"\n' in answer.stderr
            eventually(lambda: server.metrics()['migvet_outbox_waiting{receiver="down"}'] == 1, 30)
            eventually(lambda: brief(listed(migvet, filled)) == [("down", "waiting", "b")], 30)
            answer = migvet("outbox", "drop", "--directory", filled.outbox, "--yes", "--all", "--receiver", "nobody",
                            expect=(2,))
            assert "there is no receiver nobody" in answer.stderr
    assert list((filled.outbox / "requests").iterdir()) == []
    assert sorted(receiver.names) == ["a", "b"]


def test_drop_of_what_is_on_its_way(migvet, delivery, identity):
    """It is refused afterwards, and no dead letter comes of it."""
    dropped = threading.Event()

    def answer(request):
        if request.name == "a":
            assert dropped.wait(30)
            return 400
        return 204
    with Receiver(identity, answer) as receiver:
        delivery.configure(delivery.receiver("slow", receiver), outbox={"tries": 1})
        with delivery.serve() as server:
            server.review(review_of(machine("a")))
            receiver.wait_for(1, 30)
            said = migvet("outbox", "drop", "--directory", delivery.outbox, "--yes", "--all", expect=(0,)).stdout
            assert said == "1 waiting verdict forgotten\n"
            dropped.set()
            server.review(review_of(machine("b")))
            eventually(lambda: receiver.requests[0].ended and "b" in receiver.names, 30)
            eventually(lambda: server.metrics()['migvet_outbox_waiting{receiver="slow"}'] == 0, 30)
            eventually(lambda: server.metrics()['migvet_outbox_failed_tries_total{receiver="slow"}'] == 1, 30)
            assert server.metrics()['migvet_outbox_dead_letters{receiver="slow"}'] == 0
    assert listed(migvet, delivery) == []


def test_nobody_answers(migvet, filled):
    """Somebody has the lock who is no server: the request is withdrawn."""
    with (filled.outbox / ".lock").open("r") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = migvet("outbox", "retry", "--directory", filled.outbox, "--all", expect=(2,))
    assert "did not answer" in answer.stderr and "nothing was changed" in answer.stderr
    assert list((filled.outbox / "requests").iterdir()) == []


# --- the command line ---------------------------------------------------

@pytest.mark.parametrize("arguments, complaint", [
    ([], "say what to do: ls, retry or drop"),
    (["list"], "unknown action list"),
    (["ls", "1"], "ls takes no"),
    (["ls", "--all"], "ls takes no"),
    (["ls", "-o", "yaml"], '--output "yaml" is none of table, json, csv'),
    (["retry"], "say which"),
    (["retry", "--all", "1"], "say which"),
    (["retry", "--all", "-o", "json"], "--output is for ls"),
    (["retry", "--all", "--yes"], "--yes is for drop"),
    (["drop", "--yes"], "say which"),
    (["drop", "--yes", "a\nb"], "a control character"),
    (["drop", "--yes", ""], "an empty id"),
    (["ls", "--receiver", ""], "--receiver is no name of a receiver"),
    (["ls", "--directory"], "--directory needs a value"),
    (["ls", "--what"], "unknown flag --what"),
])
def test_wrong_command_line(migvet, tmp_path, arguments, complaint):
    answer = migvet("outbox", *arguments, expect=(2,))
    assert answer.stdout == "" and complaint in answer.stderr


def test_no_outbox(migvet, tmp_path):
    for action in (["ls"], ["retry", "--all"], ["drop", "--all", "--yes"]):
        for directory in (tmp_path, tmp_path / "none", "/dev/null"):
            answer = migvet("outbox", *action, "--directory", directory, expect=(2,))
            assert f"{directory}" in answer.stderr and "there is no outbox" in answer.stderr
    assert list(tmp_path.iterdir()) == []
    config = tmp_path / "config.yaml"
    config.write_text("apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\noutbox: {directory: 3x, what: 1}\n",
                      encoding="utf-8")
    answer = migvet("outbox", "ls", "--config", config, expect=(2,))
    assert f"{config}:3:" in answer.stderr
