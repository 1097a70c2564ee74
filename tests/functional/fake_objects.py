# SPDX-License-Identifier: Apache-2.0
"""An API server of single objects: create, read, write, with resourceVersions and the conflicts that follow from them.
It stores what it is given, and knows no kinds. Use it in a with statement."""
import contextlib
import copy
import email.utils
import http.server
import json
import socket
import ssl
import threading
import time

import yaml

from support import authority, certificate_of


class Failure(Exception):
    """An answer that is a Status."""

    def __init__(self, code, reason, message):
        super().__init__(message)
        self.code = code
        self.status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
                       "message": message, "code": code}


def merge(old, patch):
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def apply_json_patch(old, operations):
    """RFC 6902, as far as it is needed: test, add, replace of members of objects."""
    new = copy.deepcopy(old)
    for operation in operations:
        *parents, last = operation["path"].strip("/").split("/")
        place = new
        for step in parents:
            place = place[int(step)] if isinstance(place, list) else place[step]
        assert isinstance(place, dict), operation
        if operation["op"] == "test":
            if place.get(last) != operation["value"]:
                raise Failure(422, "Invalid", "the server rejected our request due to an error in our request")
        elif operation["op"] in ("add", "replace"):
            if operation["op"] == "replace" and last not in place:
                raise Failure(422, "Invalid", f"{operation['path']} is not there")
            place[last] = operation["value"]
        else:
            raise AssertionError(operation)
    return new


class FakeObjects:
    """objects: by path, as `/api/v1/namespaces/NS/secrets/NAME`. writes: (method, path, body) of what was accepted."""

    def __init__(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self.objects, self.writes, self.reads = {}, [], 0
        self.version = 100
        self.down = False          # connections are cut off
        self.forbidden = ()        # paths that begin so are refused
        self.clock_ahead = 0       # seconds, of the Date of answers
        self.before_write = None   # called with method and path; may write itself
        signer = authority(directory, "kube-ca")
        certificate = certificate_of(directory, "kube", signer, "serverAuth")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.http.daemon_threads = True
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True,
                                               do_handshake_on_connect=False)
        self.connections = set()
        self.kubeconfig = directory / "kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {
                "server": f"https://localhost:{self.http.server_port}",
                "certificate-authority": str(signer[0])}}],
            "users": [{"name": "me", "user": {"token": "secret-token"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "me",
                                                      "namespace": "migvet"}}],
        }), encoding="utf-8")

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.cut_off()
        self.http.server_close()

    def cut_off(self):
        """End the connections that there are."""
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def away(self):
        """No request is answered meanwhile."""
        self.down = True
        self.cut_off()
        try:
            yield
        finally:
            self.down = False

    # --- as a client of it ---

    def get(self, path):
        with self.lock:
            return copy.deepcopy(self.objects.get(path))

    def put(self, path, obj):
        """Create or replace, whatever its version."""
        with self.lock:
            return self._store(path, obj)

    def delete(self, path):
        with self.lock:
            del self.objects[path]

    def edit(self, path, function):
        """Change the object in place."""
        with self.lock:
            obj = self.get(path)
            function(obj)
            return self._store(path, obj)

    def _store(self, path, obj):
        self.version += 1
        obj = copy.deepcopy(obj)
        obj.setdefault("metadata", {}).setdefault("name", path.rpartition("/")[2])
        obj["metadata"]["resourceVersion"] = str(self.version)
        self.objects[path] = obj
        return copy.deepcopy(obj)

    # --- the server ---

    def answer(self, method, path, content_type, body):
        path = path.partition("?")[0]
        if path.startswith(self.forbidden):
            raise Failure(403, "Forbidden", f"{path} is forbidden")
        if method == "GET":
            self.reads += 1
            return 200, self._existing(path)
        if self.before_write:
            self.before_write(method, path)
        body = json.loads(body)
        with self.lock:
            self.writes.append((method, path, body))
            if method == "POST":
                assert content_type == "application/json", content_type
                path += "/" + body["metadata"]["name"]
                if path in self.objects:
                    raise Failure(409, "AlreadyExists", f"{path} already exists")
                return 201, self._store(path, body)
            old = self._existing(path)
            if method == "PATCH" and content_type == "application/json-patch+json":
                return 200, self._store(path, apply_json_patch(old, body))
            assert (method, content_type) == ("PATCH", "application/merge-patch+json"), (method, content_type)
            version = body.get("metadata", {}).get("resourceVersion", old["metadata"]["resourceVersion"])
            if version != old["metadata"]["resourceVersion"]:
                raise Failure(409, "Conflict", f"{path} has been modified")
            return 200, self._store(path, merge(old, body))

    def _existing(self, path):
        obj = self.get(path)
        if obj is None:
            raise Failure(404, "NotFound", f"{path} not found")
        return obj

    def _handler(fake):  # pylint: disable=no-self-argument
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def setup(self):
                fake.connections.add(self.request)
                super().setup()

            def finish(self):
                fake.connections.discard(self.request)
                with contextlib.suppress(OSError):
                    super().finish()

            def handle(self):
                with contextlib.suppress(OSError, ssl.SSLError):
                    super().handle()

            def date_time_string(self, timestamp=None):
                return email.utils.formatdate(time.time() + fake.clock_ahead, usegmt=True)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

            def serve(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                if fake.down:
                    self.close_connection = True
                    return
                assert self.headers["Authorization"] == "Bearer secret-token"
                try:
                    code, obj = fake.answer(self.command, self.path, self.headers["Content-Type"], body)
                except Failure as failure:
                    code, obj = failure.code, failure.status
                data = json.dumps(obj).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = serve
        return Handler
