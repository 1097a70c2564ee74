# SPDX-License-Identifier: Apache-2.0
"""A receiver of verdicts: HTTPS, and as well or badly behaved as a test wants it; and what a server needs to send
to it."""
import contextlib
import http.server
import json
import socket
import ssl
import subprocess
import threading
import time

import yaml

from support import Server, authority, certificate_of, cluster, eventually, instance, instance_spec, put

TOKEN = "s3cr3t-t0ken"
KEY = "0123456789abcdef"


class Identity:
    """An authority and certificates of it, for receivers and for who calls them."""

    def __init__(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        self.signer = authority(directory)
        self.ca = self.signer[0]
        self.server = certificate_of(directory, "receiver", self.signer, "serverAuth")
        client = certificate_of(directory, "migvet", self.signer, "clientAuth")
        self.client = directory / "client.pem"
        self.client.write_text(client[0].read_text(encoding="utf-8") + client[1].read_text(encoding="utf-8"),
                               encoding="utf-8")


class Request:
    def __init__(self, handler, body):
        self.headers = {key.lower(): value for key, value in handler.headers.items()}
        self.path = handler.path
        self.body = body
        self.peer = handler.connection.getpeercert()
        self.event = json.loads(body)
        self.began, self.ended = time.monotonic(), None

    @property
    def name(self):
        return self.event["subject"].rpartition("/")[2]


class Receiver:
    """Use it in a with statement. `answer(request)` gives a status; or (status, headers, body); or "close", to end the
    connection without a word; or "half", in the middle of an answer."""

    def __init__(self, identity, answer=None, client_certificates=False):
        self.answer = answer or (lambda request: 204)
        self.requests = []
        self.lock = threading.Lock()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*identity.server)
        if client_certificates:
            self.context.load_verify_locations(identity.ca)
            self.context.verify_mode = ssl.CERT_REQUIRED
        self.port = 0
        self.server = self.thread = None
        self.connections = set()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.handle(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def get_request(self):
                raw, address = super().get_request()
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with receiver.lock:
                    receiver.connections.add(raw)
                # The handshake comes with the first read, in the thread of the connection.
                return receiver.context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False), address

            def handle_error(self, *_):
                pass  # handshakes that a test wants to fail

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def stop(self):
        """Nobody listens any more, and no connection stays."""
        if not self.server:
            return
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        self.server = None
        for raw in self.connections:
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)
        self.connections.clear()

    def handle(self, handler):
        request = Request(handler, handler.rfile.read(int(handler.headers["Content-Length"])))
        with self.lock:
            self.requests.append(request)
        answer = self.answer(request)
        request.ended = time.monotonic()
        status, headers, body = answer if isinstance(answer, tuple) else (answer, {}, b"")
        if status == "close":
            handler.close_connection = True
            return
        if status == "half":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all")
            handler.close_connection = True
            return
        handler.send_response(status)
        for key, value in headers.items():
            handler.send_header(key, value)
        if status != 204:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def url(self, path="/verdicts"):
        return f"https://localhost:{self.port}{path}"

    @property
    def events(self):
        with self.lock:
            return [request.event for request in self.requests]

    @property
    def names(self):
        """Of the objects, in the order in which they came."""
        return [event["subject"].rpartition("/")[2] for event in self.events]

    def wait_for(self, count, seconds=10.0):
        """Until so many requests came; the last of them."""
        eventually(lambda: len(self.requests) >= count, seconds, f"{count} events, not {len(self.requests)}")
        return self.requests[count - 1]


class Http2:
    """nghttpx before a receiver, so that it speaks HTTP/2. Use it in a with statement. `requests`: the client's port of each
    request, and its protocol."""

    def __init__(self, identity, receiver, directory):
        self.log = directory / "access.log"
        certificate, key = identity.server
        self.arguments = ["nghttpx", "--conf=/dev/null", "--single-process", "--workers=1", "--no-ocsp", "--log-level=FATAL",
                          "--insecure", f"--backend=127.0.0.1,{receiver.port};;tls", f"--accesslog-file={self.log}",
                          "--accesslog-format=$remote_port $request", str(key), str(certificate)]
        self.port = self.process = None

    def __enter__(self):
        # The port is free now; should somebody else take it first, nghttpx ends and another one is tried.
        for _ in range(10):
            with socket.create_server(("127.0.0.1", 0)) as listening:
                self.port = listening.getsockname()[1]
            self.process = subprocess.Popen([*self.arguments, f"--frontend=127.0.0.1,{self.port}"])
            eventually(lambda: self.process.poll() is not None or self.listens(), 10, "nghttpx listens")
            if self.process.poll() is None:
                return self
        raise AssertionError("nghttpx does not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def listens(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    @property
    def url(self):
        return f"https://localhost:{self.port}/verdicts"

    @property
    def requests(self):
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [(line.split()[0], line.split()[-1]) for line in lines]


class Delivery:
    """A directory with a cluster, a configuration and an outbox, and servers on it. Of kinds that receivers are told of
    the cluster has just instances, and receivers are not told of these unless a test wants it: the audit would."""

    def __init__(self, program, directory, identity):
        self.program, self.directory, self.identity = program, directory, identity
        self.files = cluster(directory / "cluster", instance("fine"),
                             instance("stuck", spec=instance_spec("bridge")))
        (self.files / "virtual-machines.yaml").unlink()
        self.config, self.outbox = directory / "config.yaml", directory / "outbox"
        self.token, self.key = directory / "token", directory / "key"
        self.token.write_text(TOKEN + "\n", encoding="utf-8")
        self.key.write_text(KEY + "\n", encoding="utf-8")

    def receiver(self, name, receiver, **more):
        """An entry of `receivers`; with a token, where nothing else is said."""
        entry = {"name": name, "url": receiver if isinstance(receiver, str) else receiver.url(),
                 "caFile": str(self.identity.ca), "kinds": ["VirtualMachine", "VirtualMachineInstanceMigration"], **more}
        if not {"tokenFile", "clientCertFile", "hmacKeyFile"} & set(entry):
            entry["tokenFile"] = str(self.token)
        return entry

    def configure(self, *receivers, outbox=None, **settings):
        put(self.config, yaml.safe_dump({
            "apiVersion": "config.migvet.io/v1alpha1", "kind": "Configuration", "receivers": list(receivers),
            "outbox": {"directory": str(self.outbox), **(outbox or {})}, **settings}))

    def arguments(self):
        return ["-f", self.files, "--config", self.config, "--identity", "replica-0"]

    def serve(self, *more):
        return Server(self.program, *self.arguments(), *more, certs=self.directory / "certs")
