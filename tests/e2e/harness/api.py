# SPDX-License-Identifier: Apache-2.0
"""A plain client of the Kubernetes API for tests: JSON over kept connections, one a thread."""
import http.client
import json
import re
import ssl
import threading
import time

TIMEOUT = 30
IDLE_SECONDS = 20  # before the server gives a silent connection up


class ApiError(Exception):
    """The API server said no. status is the code, body the Status object."""

    def __init__(self, status, body, what):
        self.status, self.body = status, body
        super().__init__(f"{what}: {status} {body.get('message', body) if isinstance(body, dict) else body}")


class Api:
    """One user's view of an API server."""

    def __init__(self, address, port, authority, certificate=None, token=None, timeout=TIMEOUT):
        self.address, self.port, self.timeout, self.token = address, port, timeout, token
        self.context = ssl.create_default_context(cafile=authority)
        if certificate:
            self.context.load_cert_chain(*certificate)
        self.local = threading.local()

    def _connection(self):
        now, used = time.monotonic(), getattr(self.local, "used", 0)
        if getattr(self.local, "connection", None) is None or now - used > IDLE_SECONDS:
            self.local.connection = http.client.HTTPSConnection(self.address, self.port, timeout=self.timeout,
                                                                context=self.context)
        self.local.used = now
        return self.local.connection

    def raw(self, method, path, body=None, content_type="application/json"):
        """Status, header fields and bytes. A connection that fails is not tried again."""
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection = self._connection()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self.local.connection = None
            raise

    def request(self, method, path, body=None, content_type="application/json"):
        """The object that comes back, and the header fields."""
        text = None if body is None else json.dumps(body).encode()
        status, headers, answer = self.raw(method, path, text, content_type)
        try:
            answer = json.loads(answer)
        except ValueError:
            answer = answer.decode(errors="replace")
        if status >= 300:
            raise ApiError(status, answer, f"{method} {path}")
        return answer, headers

    def get(self, path):
        return self.request("GET", path)[0]

    def post(self, path, body):
        return self.request("POST", path, body)[0]

    def put(self, path, body):
        return self.request("PUT", path, body)[0]

    def delete(self, path):
        return self.request("DELETE", path)[0]

    def merge(self, path, body):
        return self.request("PATCH", path, body, "application/merge-patch+json")[0]

    def apply(self, path, body, manager="tests"):
        """Server-side apply."""
        return self.request("PATCH", f"{path}?fieldManager={manager}&force=true", body,
                            "application/apply-patch+yaml")[0]

    def find(self, path):
        """The object, or None where there is none."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise


def warnings_of(headers):
    """The texts of the Warning header fields: 299 - "text", with backslashes before quotes and themselves."""
    quoted = [value.split(" ", 2)[2] for value in headers.get_all("Warning") or []]
    return [re.sub(r"\\(.)", r"\1", text[1:-1]) for text in quoted]
