# SPDX-License-Identifier: Apache-2.0
"""An API server of a few lines, over real TLS: for the client in cluster/kube, and for whoever adds answers to it.

In Python: with FakeApi(directory) as api: api.route("/api/v1/nodes", answer); ... api.kubeconfig() ...
From other programs: fake_api.py DIRECTORY prints {"port": ..., "proxy": ...} and serves until its stdin ends.

DIRECTORY gets ca.crt, other-ca.crt, server.crt, client.crt, client2.crt (.key beside each). The server's certificate is for
127.0.0.1 and api.test. An answer is a function of a Handler, called in a thread of its connection.
"""
import contextlib
import gzip
import http.server
import json
import os
import pathlib
import select
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.parse


def make_certificate(directory, name, subject, ca=None, extensions=()):
    """DIRECTORY/NAME.crt and .key, signed by that CA, or by itself."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
               "-keyout", f"{directory}/{name}.key", "-out", f"{directory}/{name}.crt", "-subj", subject]
    if ca:
        command += ["-CA", f"{directory}/{ca}.crt", "-CAkey", f"{directory}/{ca}.key"]
    for extension in extensions:
        command += ["-addext", extension]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_certificates(directory):
    authority = ["keyUsage=critical,keyCertSign,cRLSign"]
    leaf = ["basicConstraints=critical,CA:FALSE"]
    make_certificate(directory, "ca", "/CN=fake-ca", extensions=authority)
    make_certificate(directory, "other-ca", "/CN=other-ca", extensions=authority)
    make_certificate(directory, "server", "/CN=fake-api", "ca",
                     leaf + ["subjectAltName=IP:127.0.0.1,DNS:api.test", "extendedKeyUsage=serverAuth"])
    for name in ("client", "client2"):
        make_certificate(directory, name, f"/O=testers/CN={name}", "ca", leaf + ["extendedKeyUsage=clientAuth"])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        self.request = self.server.api.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def log_message(self, *_):
        pass

    def handle_any(self):
        url = urllib.parse.urlsplit(self.path)
        self.route, self.query = url.path, dict(urllib.parse.parse_qsl(url.query))
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        api = self.server.api
        api.requests.append((self.command, self.path))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if api.tokens is not None and token not in api.tokens and not self.route.startswith("/test/open/"):
            return self.answer_status(401, "Unauthorized")
        answer = api.routes.get(self.route)
        if not answer:
            return self.answer_status(404, f"there is no {self.route}")
        return answer(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any

    # What answers are made of.

    def answer(self, status, body, headers=(), content_type="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def answer_status(self, code, message, headers=()):
        self.answer(code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code},
                    headers)

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_piece(self, data):
        """One chunk; an empty one ends the stream."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def wait_for_client(self):
        """Until the client is gone."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            while self.connection.recv(1):
                pass

    def reset(self):
        """End the connection as a crash would."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, api):
        self.api = api
        super().__init__(("127.0.0.1", 0), Handler)

    def process_request(self, request, client_address):
        self.api.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request, client_address):
        pass  # clients that go away, or that do not trust us


class Proxy(socketserver.BaseRequestHandler):
    """CONNECT, and bytes in both directions."""

    def handle(self):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.request.recv(4096)
            if not piece:
                return
            head += piece
        self.server.api.proxied.append(head.decode())
        with socket.create_connection(("127.0.0.1", self.server.api.port)) as there:
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            pairs = {self.request: there, there: self.request}
            while True:
                for ready in select.select(list(pairs), [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    pairs[ready].sendall(data)


class ProxyServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True

    def __init__(self, api):
        self.api = api
        super().__init__(("127.0.0.1", 0), Proxy)

    def handle_error(self, request, client_address):
        pass


class FakeApi:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.tokens = None  # those that are let in; None: whoever comes
        self.routes = {}
        self.requests, self.proxied, self.connections = [], [], 0
        if not (self.directory / "client2.crt").exists():
            make_certificates(self.directory)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.directory / "server.crt", self.directory / "server.key")
        self.context.load_verify_locations(self.directory / "ca.crt")
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self.server, self.proxy = Server(self), ProxyServer(self)
        self.port, self.proxy_port = (s.server_address[1] for s in (self.server, self.proxy))
        for name, answer in BUILT_IN.items():
            self.route(name, answer)

    def route(self, path, answer):
        self.routes[path] = answer

    def __enter__(self):
        for server in (self.server, self.proxy):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        for server in (self.server, self.proxy):
            server.shutdown()
            server.server_close()

    def kubeconfig(self, user=None, cluster=None, namespace="default"):
        """The path of a kubeconfig for it; user and cluster are added to its entries."""
        path = self.directory / "kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": f"https://127.0.0.1:{self.port}",
                                                      "certificate-authority": "ca.crt", **(cluster or {})}}],
            "users": [{"name": "fake", "user": user or {}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake", "namespace": namespace}}],
        }))
        return path


# Answers for the client's own tests.


def echo(h):
    peer = h.connection.getpeercert() or {}
    names = dict(pair for part in peer.get("subject", ()) for pair in part)
    h.answer(200, {"method": h.command, "path": h.path, "body": h.body.decode(),
                   "headers": sorted(f"{name.lower()}: {value}" for name, value in h.headers.items()),
                   "user": names.get("commonName", "")}, [("ETag", '"v1"')])


def compressed(h):
    data = json.dumps({"text": "x" * int(h.query["bytes"])}).encode()
    if "gzip" in h.headers.get("Accept-Encoding", ""):
        h.answer(200, gzip.compress(data, 1), [("Content-Encoding", "gzip")])
    else:
        h.answer(200, data)


def failure(h):
    headers = [("Retry-After", h.query["retry"])] if "retry" in h.query else []
    if "text" in h.query:
        text = h.query["text"] * int(h.query.get("times", "1"))
        h.answer(int(h.query["code"]), text.encode(), headers, "text/plain")
    else:
        h.answer_status(int(h.query["code"]), "this was to be expected", headers)


def redirect(h):
    h.answer(302, b"", [("Location", "/test/echo")])


def stream(h):
    h.begin_stream()
    for i in range(int(h.query["pieces"])):
        h.send_piece(b'{"piece":%d}\n' % i)
    end = h.query.get("then", "end")
    if end == "end":
        h.send_piece(b"")
    elif end == "reset":
        h.reset()
    elif end == "close":
        h.close_connection = True
    else:
        h.wait_for_client()


def silent(h):
    h.wait_for_client()


def drip(h):
    """A byte now and then, until the client is gone."""
    h.begin_stream()
    with contextlib.suppress(OSError):
        while True:
            h.send_piece(b" ")
            time.sleep(0.05)
    h.close_connection = True


def large(h):
    h.answer(200, b"[" + b" " * (int(h.query["bytes"]) - 2) + b"]")


def short(h):
    h.send_response(200)
    h.send_header("Content-Length", "100")
    h.end_headers()
    h.wfile.write(b"{")
    h.close_connection = True


def node(h):
    h.answer(200, {"apiVersion": "v1", "kind": "Node",
                   "metadata": {"name": h.route.rpartition("/")[2], "uid": "u", "resourceVersion": "1"}})


def forbidden(h):
    h.answer_status(403, "this is forbidden")


def pools(h):
    h.answer(200, {"kind": "List", "metadata": {"resourceVersion": "7"}, "items": [
        {"metadata": {"name": "good", "namespace": "a", "uid": "1", "resourceVersion": "1"}},
        {"metadata": {"name": "bad", "namespace": "a", "uid": "2", "resourceVersion": "2", "labels": 7}}]})


def groups(h):
    """A server that does not tell of all groups at once."""
    h.answer(200, {"kind": "APIGroupList", "groups": []})


def members(*resources):
    return lambda h: h.answer(200, {"kind": "APIResourceList", "resources": [
        {"name": name, "kind": kind, "namespaced": True, "verbs": ["get", "list", "watch"]}
        for name, kind in resources]})


def nothing(h):
    h.answer(200, {"kind": "List", "metadata": {"resourceVersion": "7"}, "items": []})


def let_in(h):
    """Only this token from now on; none: everybody."""
    h.server.api.tokens = {h.query["token"]} if "token" in h.query else None
    h.answer(200, {})


def counts(h):
    h.answer(200, {"connections": h.server.api.connections, "proxied": h.server.api.proxied,
                   "requests": len(h.server.api.requests)})


BUILT_IN = {
    "/test/echo": echo, "/prefix/test/echo": echo, "/test/compressed": compressed, "/test/failure": failure,
    "/test/redirect": redirect, "/test/stream": stream, "/test/silent": silent, "/test/drip": drip, "/test/large": large,
    "/test/short": short, "/api/v1/nodes/new": node, "/api/v1/nodes/silent": silent,
    "/api": forbidden, "/apis": forbidden, "/apis/pool.kubevirt.io/v1alpha1/virtualmachinepools": pools,
    "/old/api": groups, "/old/apis": groups,
    "/old/api/v1": members(("persistentvolumeclaims", "PersistentVolumeClaim")),
    "/old/apis/kubevirt.io/v1": members(("virtualmachines", "VirtualMachine")),
    "/old/apis/pool.kubevirt.io/v1beta1": forbidden, "/old/apis/pool.kubevirt.io/v1alpha1": forbidden,
    "/old/api/v1/persistentvolumeclaims": nothing,
    "/old/apis/pool.kubevirt.io/v1alpha1/virtualmachinepools": pools,
    "/test/open/let-in": let_in, "/test/open/counts": counts,
}


def main():
    with FakeApi(sys.argv[1]) as api:
        print(json.dumps({"port": api.port, "proxy": api.proxy_port}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
