# SPDX-License-Identifier: Apache-2.0
"""`review --server`: a running server answers, trusted for its certificate only."""
import http.server
import json
import pathlib
import socket
import ssl
import threading

import pytest

from support import EXAMPLES, Server, eventually, example, instance_spec, machine, review_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART_REVIEW = ROOT / "charts/migvet/files/test-review.json"


@pytest.fixture(scope="module", name="server")
def server_fixture(migvet, tmp_path_factory):
    with Server(migvet.path, "-f", EXAMPLES / "cluster", certs=tmp_path_factory.mktemp("certs")) as server:
        yield server


def ask(migvet, server, *more, review="", host="localhost", expect=(0,)):
    return migvet("review", "--server", f"https://{host}:{server.port}", *more, stdin=review, expect=expect)


def last(server, key, value):
    """Wait for the line of the last review, which is written after the answer."""
    eventually(lambda: [event[key] for event in server.events("review")][-1:] == [value], what=f"{key} {value}")


def test_answers_as_offline(migvet, server):
    review = json.dumps(review_of(machine(spec=instance_spec("bridge"))))
    remote = json.loads(ask(migvet, server, "--ca-file", server.ca, review=review).stdout)
    offline = migvet.json("review", "-f", EXAMPLES / "cluster", stdin=review)
    assert remote == offline
    assert remote["response"]["auditAnnotations"]["verdict"] == "False"


def test_mutate_and_a_last_slash(migvet, server):
    migvet("review", "--server", f"https://localhost:{server.port}/", "--ca-file", server.ca, "--mutate", CHART_REVIEW,
           expect=(0,))
    last(server, "webhook", "mutate")


def test_review_of_the_chart(migvet, server):
    """What `helm test` sends is judged, not merely answered, and is a dry run."""
    answer = json.loads(ask(migvet, server, "--ca-file", server.ca, CHART_REVIEW).stdout)["response"]
    assert answer["uid"] == "helm-test" and answer["allowed"]
    assert answer["auditAnnotations"]["verdict"] == "True"
    last(server, "dryRun", "true")


def test_other_authority_is_not_trusted(migvet, server, tmp_path):
    migvet("certs", "create", "--certs", tmp_path, expect=(0,))

    def reviewed(name):
        ask(migvet, server, "--ca-file", server.ca, review=json.dumps(review_of(machine(name))))
        last(server, "name", name)
        return len(server.events("review"))
    before = reviewed("before")
    done = ask(migvet, server, "--ca-file", tmp_path / "ca.crt", CHART_REVIEW, expect=(3,))
    assert "verification failed" in done.stderr and not done.stdout
    ask(migvet, server, CHART_REVIEW, expect=(3,))  # nor do the system's authorities know it
    assert reviewed("after") == before + 1


def test_other_name_is_not_trusted(migvet, tmp_path):
    """The certificate is of a trusted authority, but not for the name that was asked for."""
    with Server(migvet.path, "-f", EXAMPLES / "cluster", "--dns", "elsewhere.example", certs=tmp_path) as server:
        done = ask(migvet, server, "--ca-file", server.ca, CHART_REVIEW, expect=(3,))
        assert "match" in done.stderr
        ask(migvet, server, "--ca-file", server.ca, CHART_REVIEW, host="127.0.0.1")


def test_nobody_there(migvet):
    with socket.socket() as lonely:  # a port that nobody listens on
        lonely.bind(("127.0.0.1", 0))
        lonely_port = lonely.getsockname()[1]
        done = migvet("review", "--server", f"https://localhost:{lonely_port}", CHART_REVIEW, expect=(3,))
        assert "does not answer" in done.stderr


@pytest.mark.parametrize("status, body, said", [
    (200, b"{}", "no AdmissionReview"), (200, b"", "no AdmissionReview"),
    (200, json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                      "response": {"uid": "other", "allowed": True}}).encode(), "another uid"),
    (503, b"{}", "status 503"), (302, b"", "status 302"),
])
def test_what_is_no_answer_is_none(migvet, server, tmp_path, status, body, said):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            if status == 302:
                self.send_header("location", f"https://localhost:{server.port}/validate")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    certs = server.ca.parent
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs / "tls.crt", certs / "tls.key")
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as other:
        other.socket = context.wrap_socket(other.socket, server_side=True)
        thread = threading.Thread(target=other.serve_forever, daemon=True)
        thread.start()
        done = migvet("review", "--server", f"https://localhost:{other.server_port}", "--ca-file", server.ca,
                      CHART_REVIEW, expect=(3,))
        other.shutdown()
        thread.join()
    assert said in done.stderr and not done.stdout


def test_what_is_no_review_is_the_callers_mistake(migvet, server):
    done = ask(migvet, server, "--ca-file", server.ca, review="{}", expect=(2,))
    assert json.loads(done.stdout)["code"] == 400


@pytest.mark.parametrize("arguments, said", [
    (["--server", "http://localhost:1"], "no https://"), (["--server", "https://"], "no https://"),
    (["--server", "https://localhost/validate"], "no https://"), (["--server", "https://me@localhost"], "no https://"),
    (["--server", "https://localhost", "-f", "examples"], "has its own cluster"),
    (["--server", "https://localhost", "a", "b"], 'unexpected "b"'),
    (["-f", "examples", "--ca-file", "x"], "goes with --server"),
    (["--server", "https://localhost", "--ca-file", "none.crt", str(CHART_REVIEW)], "none.crt"),
    (["--server", "https://localhost", "none.json"], "none.json"),
])
def test_wrong_command_lines(migvet, arguments, said):
    assert said in migvet("review", *arguments, expect=(2, 3)).stderr


def test_file_offline(migvet):
    from_file = migvet("review", "-f", EXAMPLES / "cluster", EXAMPLES / "reviews/create-rwo-vm.json", expect=(0,)).stdout
    assert from_file == migvet("review", "-f", EXAMPLES / "cluster", stdin=example("create-rwo-vm"), expect=(0,)).stdout
