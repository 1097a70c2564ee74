# SPDX-License-Identifier: Apache-2.0
"""A webhook that allows everything and remembers which of the chart's webhooks it was called as."""
import http.server
import json
import ssl
import threading


class Recorder:
    """An HTTPS server on localhost; a webhook is told apart by the path that it is registered with."""

    def __init__(self, cluster):
        certificate, key = cluster.ca.issue("recorder", "recorder", usages=("serverAuth",), names=("DNS:localhost",))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.called, recorder = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802  pylint: disable=invalid-name
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                recorder.called.append(self.path.split("?")[0].strip("/"))
                answer = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                                     "response": {"uid": review["request"]["uid"], "allowed": True}}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def url(self, name):
        return f"https://localhost:{self.server.server_port}/{name}"

    def take(self):
        """The webhooks that were called since it was asked last, sorted, each once: where kube-apiserver has tried an
        update on what its cache holds, and that was old, it asks again."""
        called, self.called = sorted(set(self.called)), []
        return called
