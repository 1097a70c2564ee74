# SPDX-License-Identifier: Apache-2.0
"""POST /v1alpha1/verdicts, as a controller asks it: who may, what is answered, and how it follows its files."""
import json
import time

import pytest
import yaml

from support import Server, authority, certificate_of, cluster, eventually, instance, instance_spec, machine, migration, put
from support import example

PATH = "/v1alpha1/verdicts"
HEAD = "apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\n"
TOKEN = "s3cret-of.a_mover~1"
BRIDGE = instance_spec("bridge")


def configure(path, **verdicts):
    put(path, HEAD + yaml.safe_dump({"verdicts": {"enabled": True, **verdicts}}))
    return path


def bearer(token=TOKEN):
    return {"Authorization": f"Bearer {token}"}


def subject(obj, **more):
    meta = obj["metadata"]
    return {"subject": {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "namespace": meta["namespace"],
                        "name": meta["name"], **more}}


def status_of(answer):
    """The code and message of a Status."""
    code, headers, body = answer
    status = json.loads(body)
    assert headers["content-type"] == "application/json"
    assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", code), body
    return code, status["message"]


def verdict_of(answer):
    code, headers, body = answer
    assert code == 200, body
    assert headers["content-type"] == "application/json"
    return json.loads(body)


@pytest.fixture(scope="module", name="world")
def world_fixture(migvet, tmp_path_factory):
    """A server with tokens, on the example cluster and a few objects more."""
    directory = tmp_path_factory.mktemp("ask")
    files = cluster(directory / "cluster", instance("runs"), instance("stuck", spec=BRIDGE), machine("old", spec=BRIDGE, uid="u-1"))
    put(directory / "token", f"\n  {TOKEN}\nanother-one==\r\n")
    config = configure(directory / "config.yaml", tokenFile=str(directory / "token"))
    with Server(migvet.path, "-f", files, "--config", config, certs=directory / "certs") as server:
        server.files = files
        yield server


@pytest.fixture(name="ask")
def ask_fixture(world):
    with world.client() as client:
        def ask(question, headers=None, path=PATH, **more):
            text = question if isinstance(question, str) else json.dumps(question)
            return client.post(text, path=path, headers=bearer() if headers is None else headers, **more)
        yield ask


# --- what is answered ---------------------------------------------------

def test_a_subject_has_the_verdict_that_check_prints(migvet, world, ask):
    items = [item for item in migvet.verdicts("-f", world.files, expect=(1,)) if item["subject"]["kind"] in (
        "VirtualMachine", "VirtualMachineInstance", "VirtualMachineInstanceMigration")]
    assert len(items) > 5 and {item["migratable"] for item in items} >= {"True", "False"}
    for item in items:
        # Its own subject, uid included, is a question.
        assert verdict_of(ask({"subject": item["subject"]})) == item


def test_an_object_that_does_not_exist_yet_is_judged(migvet, world, ask, tmp_path):
    for obj, wanted in ((machine("new"), "True"), (machine("new", spec=BRIDGE), "False"), (instance("new"), "True"),
                        (machine("new", spec=instance_spec(claim="nobody-has-it")), "Unknown"),
                        (migration("runs"), "True"), (migration("stuck"), "False"), (migration("nobody"), "Unknown")):
        put(tmp_path / "new.json", json.dumps(obj))
        item, = migvet.verdicts("-f", world.files, "-f", tmp_path / "new.json", "-n", "shop",
                                f"{obj['kind'].lower()}/{obj['metadata']['name']}")
        verdict = verdict_of(ask(obj))
        assert verdict["migratable"] == wanted
        assert verdict == item


@pytest.mark.parametrize("question, code, words", [
    (subject(machine("nobody")), 404, "VirtualMachine shop/nobody is not in the input"),
    (subject(machine("old"), uid="u-2"), 404, "another uid"),
    (subject(machine("")), 400, "subject.name must be given"),
    (subject(machine("old", namespace="")), 400, "subject.namespace must be given"),
    ({"subject": {**subject(machine("old"))["subject"], "labels": {}}}, 400, 'subject: unknown key "labels"'),
    ({**subject(machine("old")), "kind": "VirtualMachine"}, 400, 'unknown key "kind"'),
    ({"subject": "old"}, 400, "subject"),
    ({"subject": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "p"}}, 400, "v1 Pod is no VirtualMachine,"),
    ({"subject": {"apiVersion": "example.org/v1", "kind": "VirtualMachine", "namespace": "a", "name": "b"}}, 400,
     "example.org/v1 VirtualMachine is no VirtualMachine,"),
    ({}, 400, "apiVersion is missing: the body must be JSON: a VirtualMachine, VirtualMachineInstance or "),
    ({"apiVersion": "kubevirt.io/v1"}, 400, "kind is missing: the body must be JSON: "),
    ({"subject": {}}, 400, "subject.apiVersion is missing: the body must be JSON: "),
    ({"subject": {"apiVersion": "kubevirt.io/v1"}}, 400, "subject.kind is missing: the body must be JSON: "),
    (json.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}), 400, "AdmissionReview is no VirtualMachine,"),
    ("[]", 400, "line 1, column 1: must be an object: the body must be JSON: "),
    ("", 400, "line 1, column 1: the text ends too early: the body must be JSON: "),
    ("kind: VirtualMachine\napiVersion: kubevirt.io/v1\n", 400, "line 1, column 1: expected a value: the body must be JSON: "),
    ('{"kind": "VirtualMachine",\n "spec": {,}}', 400, "line 2, column 11: "),
    ('{"kind": "VirtualMachine", "kind": "VirtualMachine"}', 400, "line 1, column 35: kind: the same key comes twice"),
    ({**machine(), "spec": {"template": {"spec": {"volumes": "none"}}}}, 400, ": spec.template.spec.volumes"),
    ({"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "x"}}, 400,
     "metadata.namespace must be given"),
])
def test_what_is_no_question_is_told(ask, question, code, words):
    answered, message = status_of(ask(question))
    assert answered == code and words in message


def test_limits_are_those_of_reviews(world, ask):
    assert status_of(ask("x" * (9 << 20)))[0] == 413
    assert status_of(ask(machine(), headers={**bearer(), "Content-Type": "application/yaml"}))[0] == 415
    assert status_of(ask("", method="GET"))[0] == 405
    assert status_of(ask(machine(), path=PATH + "?timeout=soon"))[0] == 400
    assert verdict_of(ask(machine(), path=PATH + "?timeout=2s"))["migratable"] == "True"
    code, message = status_of(ask(machine(), path=PATH + "?timeout=1ns"))
    assert code == 504 and "not enough time" in message


def test_it_is_counted_and_logged(world, ask):
    series = 'migvet_verdict_requests_total{kind="VirtualMachine",code="%s",verdict="%s"}'
    before = world.metrics()
    ask(machine(name="counted", spec=BRIDGE))
    ask(subject(machine("nobody")))
    ask(machine(), headers={})
    after = world.metrics()
    for key in (series % (200, "False"), series % (404, ""), 'migvet_http_errors_total{code="401"}'):
        assert after[key] == before.get(key, 0) + 1
    assert after["migvet_verdict_request_duration_seconds_count"] == \
        before["migvet_verdict_request_duration_seconds_count"] + 2
    eventually(lambda: [e for e in world.events("verdict") if e["name"] == "counted"], what="the line")
    event, = [e for e in world.events("verdict") if e["name"] == "counted"]
    assert (event["client"], event["kind"], event["namespace"], event["status"], event["verdict"], event["rules"]) == \
        ("token", "VirtualMachine", "shop", "200", "False", "pod-network-binding")
    assert TOKEN not in "".join(world.log)


# --- who may ask --------------------------------------------------------

def test_a_token_lets_in(ask):
    for right in (TOKEN, "another-one=="):
        assert verdict_of(ask(machine(), headers=bearer(right)))["migratable"] == "True"
    assert ask(machine(), headers={"Authorization": f"bearer   {TOKEN} "})[0] == 200
    for wrong in (TOKEN[:-1], TOKEN + "1", TOKEN.upper(), "another-one=", "x", TOKEN + "\tanother-one=="):
        answer = ask(machine(), headers=bearer(wrong))
        assert status_of(answer) == (401, "the token is not accepted here")
        assert answer[1]["www-authenticate"] == 'Bearer realm="migvet", error="invalid_token"'
    for header in ("Basic " + TOKEN, TOKEN, "Bearer", "Bearer ", "Bearer" + TOKEN):
        assert status_of(ask(machine(), headers={"Authorization": header}))[0] == 401
    answer = ask(machine(), headers={})
    assert status_of(answer) == (401, "verdicts need a bearer token or a client certificate")
    assert answer[1]["www-authenticate"] == 'Bearer realm="migvet"'


def test_reviews_need_no_token(world, ask):
    assert world.review(example("create-good-vm"))["allowed"]
    assert "www-authenticate" not in ask("{}", headers={}, path="/validate")[1]


def test_it_is_off_unless_it_is_turned_on(migvet, tmp_path):
    put(tmp_path / "token", TOKEN)
    config = configure(tmp_path / "config.yaml", enabled=False, tokenFile=str(tmp_path / "token"))
    for flags in ((), ("--config", config)):
        with Server(migvet.path, "-f", cluster(tmp_path / f"cluster{len(flags)}"), *flags,
                    certs=tmp_path / "certs") as server, server.client() as client:
            code, message = status_of(client.post(json.dumps(machine()), path=PATH, headers=bearer()))
            assert code == 404 and "verdicts.enabled with a tokenFile or clientNames" in message
            code, message = status_of(client.post(json.dumps(machine()), path="/v1alpha1/verdict"))
            assert (code, message) == (404, "there is nothing here: reviews go to /validate and /mutate")
            assert "[+]verdicts ok: off" in server.health("/readyz?verbose")[2]


def certificates(directory):
    right, wrong = authority(directory, "right"), authority(directory, "wrong")
    return right, {name: certificate_of(directory, name, signer, usage) for name, signer, usage in (
        ("mover", right, "clientAuth"), ("backup", right, "clientAuth"), ("stranger", right, "clientAuth"),
        ("forged", wrong, "clientAuth"), ("served", right, "serverAuth"))}


def asks(server, certificate=None, headers=None, path=PATH, question=None):
    server.certificate = certificate
    with server.client() as client:
        return client.post(question or json.dumps(machine()), path=path, headers=headers or {})


def test_a_certificate_lets_in_by_name(migvet, tmp_path):
    right, of = certificates(tmp_path)
    config = configure(tmp_path / "config.yaml", clientCaFile=str(right[0]), clientNames=["mover", "served", "forged"])
    with Server(migvet.path, "-f", cluster(tmp_path / "cluster"), "--config", config,
                certs=tmp_path / "certs") as server:
        assert verdict_of(asks(server, of["mover"]))["migratable"] == "True"
        for name in ("stranger", "backup", "forged", "served"):
            assert status_of(asks(server, of[name])) == (403, "the client certificate is not accepted here"), name
        assert status_of(asks(server))[0] == 401
        assert status_of(asks(server, headers=bearer()))[0] == 401
        eventually(lambda: server.events("verdict"), what="the line")
        assert server.events("verdict")[0]["client"] == "mover"
        # The API server shows none, or one of its own, and is answered.
        for name in (None, "stranger", "forged"):
            assert asks(server, of.get(name), path="/validate", question=example("create-good-vm"))[0] == 200


def test_a_certificate_and_a_token_are_each_enough(migvet, tmp_path):
    right, of = certificates(tmp_path)
    put(tmp_path / "token", TOKEN)
    config = configure(tmp_path / "config.yaml", tokenFile=str(tmp_path / "token"), clientNames=["mover"])
    with Server(migvet.path, "-f", cluster(tmp_path / "cluster"), "--config", config, "--client-ca", right[0],
                certs=tmp_path / "certs") as server:
        # Without authorities of its own those of --client-ca count, and reviews are for their clients alone.
        assert asks(server, of["mover"])[0] == asks(server, of["mover"], headers=bearer("wrong"))[0] == 200
        for name in (None, "stranger", "forged"):
            assert asks(server, of.get(name), headers=bearer())[0] == 200
        assert status_of(asks(server, of["stranger"]))[0] == 403
        assert status_of(asks(server, of["stranger"], headers=bearer("wrong")))[0] == 401
        assert asks(server, headers=bearer(), path="/validate", question=example("create-good-vm"))[0] == 401
        assert asks(server, of["stranger"], path="/validate", question=example("create-good-vm"))[0] == 200


# --- how it follows its files -------------------------------------------

def test_tokens_and_configuration_are_taken_up(migvet, tmp_path):
    right, of = certificates(tmp_path)
    token, config = tmp_path / "token", tmp_path / "config.yaml"
    put(token, TOKEN)
    configure(config, tokenFile=str(token))
    with Server(migvet.path, "-f", cluster(tmp_path / "cluster"), "--config", config,
                certs=tmp_path / "certs") as server:
        def code(certificate=None, **more):
            return asks(server, of.get(certificate), **more)[0]
        kept = server.client()
        assert code(headers=bearer()) == kept.post(json.dumps(machine()), path=PATH, headers=bearer())[0] == 200
        connection = kept.http.sock
        # The tokens change, for connections that are there, too.
        put(token, "fresh")
        eventually(lambda: code(headers=bearer("fresh")) == 200, what="the new token")
        assert kept.post(json.dumps(machine()), path=PATH, headers=bearer("fresh"))[0] == 200
        assert kept.http.sock is connection
        assert kept.post(json.dumps(machine()), path=PATH, headers=bearer())[0] == 401
        eventually(lambda: server.events("tokens changed"), what="the line")
        # A file that is broken changes nothing; one that is gone or empty revokes. All is told.
        for content, answer in (("with space", 200), (None, 401), ("\n", 401), ("", 401)):
            if content is None:
                token.unlink()
            else:
                put(token, content)
            said = f"[+]verdicts ok: {'controllers' if answer == 200 else 'nobody'} may ask; "
            eventually(lambda wanted=said: wanted in server.health("/readyz?verbose")[2], what="the remark")
            eventually(lambda wanted=answer: code(headers=bearer("fresh")) == wanted, what="the answer")
            put(token, "fresh")
            eventually(lambda: "[+]verdicts ok: controllers may ask\n" in server.health("/readyz?verbose")[2], what="no remark")
            eventually(lambda: code(headers=bearer("fresh")) == 200, what="the token again")
        assert len(server.events("there are no tokens: nobody may ask for verdicts by one")) == 3
        assert server.health("/readyz")[0] == 200
        # Another file that is not there lets nobody in: what it holds is not what the old one did.
        configure(config, tokenFile=str(tmp_path / "none"))
        eventually(lambda: code(headers=bearer("fresh")) == 401, what="the new configuration")
        # Certificates instead; and other names; and nobody.
        configure(config, clientCaFile=str(right[0]), clientNames=["mover"])
        eventually(lambda: code("mover") == 200, what="the certificate")
        assert code(headers=bearer("fresh")) == 401 and code("backup") == 403
        configure(config, clientCaFile=str(right[0]), clientNames=["backup"])
        eventually(lambda: code("backup") == 200, what="the other name")
        assert code("mover") == 403
        put(right[0], (tmp_path / "wrong.crt").read_text(encoding="utf-8"))
        eventually(lambda: code("backup") == 403, what="the other authority")
        put(config, HEAD)
        eventually(lambda: code("backup") == 404, what="the end of it")
        assert "[+]verdicts ok: off" in server.health("/readyz?verbose")[2]
        kept.http.close()


def test_what_is_wrong_is_told_of_each_file(migvet, tmp_path):
    """That one is well again says nothing of the other."""
    right, of = certificates(tmp_path)
    token, good = tmp_path / "token", right[0].read_text(encoding="utf-8")
    put(token, TOKEN)
    config = configure(tmp_path / "config.yaml", tokenFile=str(token), clientCaFile=str(right[0]), clientNames=["mover"])
    with Server(migvet.path, "-f", cluster(tmp_path / "cluster"), "--config", config,
                certs=tmp_path / "certs") as server:
        def said(*names):
            line = next(line for line in server.health("/readyz?verbose")[2].splitlines() if "verdicts" in line)
            return all((str(path) in line) == (path in names) for path in (token, right[0]))
        put(token, "with space")
        put(right[0], "no authority")
        eventually(lambda: said(token, right[0]), what="both")
        put(right[0], good)
        eventually(lambda: said(token), what="the tokens alone")
        # All of it is looked at again with a new configuration.
        configure(config, tokenFile=str(token), clientCaFile=str(right[0]), clientNames=["mover", "backup"])
        eventually(lambda: asks(server, of["backup"])[0] == 200, what="the new configuration")
        assert said(token)
        put(right[0], "no authority")
        eventually(lambda: said(token, right[0]), what="both")
        put(token, TOKEN)
        eventually(lambda: said(right[0]), what="the authorities alone")
        configure(config, tokenFile=str(token), clientCaFile=str(right[0]), clientNames=["mover"])
        eventually(lambda: asks(server, of["backup"])[0] == 403, what="the new configuration")
        assert said(right[0])


@pytest.mark.parametrize("written, verdicts, words", [
    ("good\nnot good\n", {"tokenFile": "token"}, "token: line 2 is no token"),
    ("x\n" * 17, {"tokenFile": "token"}, "more than 16 tokens"),
    ("good", {"clientNames": ["a"]}, "verdicts.clientNames needs authorities"),
    ("good", {"clientNames": ["a"], "clientCaFile": "token"}, "token: "),
    ("good", {"clientNames": ["a"], "clientCaFile": "none"}, "none: "),
])
def test_it_does_not_start_with_wrong_files(migvet, tmp_path, written, verdicts, words):
    if written is not None:
        put(tmp_path / "token", written)
    files = {key: str(tmp_path / value) if key.endswith("File") else value for key, value in verdicts.items()}
    config = configure(tmp_path / "config.yaml", **files)
    begun = time.monotonic()
    process = migvet("serve", "-f", cluster(tmp_path / "cluster"), "--config", config, "--certs", tmp_path / "certs",
                     "--listen", "127.0.0.1:0", "--management", "", expect=(2,))
    assert words in process.stderr and time.monotonic() - begun < 30


@pytest.mark.parametrize("written", [None, "\n\n"])
def test_it_starts_without_tokens(migvet, tmp_path, written):
    """So they are revoked: nobody may ask by one, and reviews are answered all the same."""
    if written is not None:
        put(tmp_path / "token", written)
    config = configure(tmp_path / "config.yaml", tokenFile=str(tmp_path / "token"))
    with Server(migvet.path, "-f", cluster(tmp_path / "cluster"), "--config", config,
                certs=tmp_path / "certs") as server:
        with server.client() as client:
            assert client.review(example("create-good-vm"))["allowed"] is True
        assert asks(server, headers=bearer())[0] == 401
        remark = server.health("/readyz?verbose")[2]
        assert "[+]verdicts ok: nobody may ask; " in remark and str(tmp_path / "token") in remark
        put(tmp_path / "token", TOKEN)
        eventually(lambda: asks(server, headers=bearer())[0] == 200, what="the token")
