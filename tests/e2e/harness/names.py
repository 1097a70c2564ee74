# SPDX-License-Identifier: Apache-2.0
"""The least DNS that pods need: the addresses of Services, NAME.NAMESPACE.svc.cluster.local."""
import contextlib
import socket
import struct
import threading

DOMAIN = ".svc.cluster.local"
NO_SUCH_NAME, TYPE_A = 3, 1


class Names:
    """Answers on port 53 of an address, from what the API server says."""

    def __init__(self, address, api):
        self.api = api
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.socket.close()

    def _serve(self):
        while True:
            try:
                query, client = self.socket.recvfrom(512)
            except OSError:
                return
            with contextlib.suppress(OSError, ValueError, IndexError, struct.error):
                self.socket.sendto(self._answer(query), client)

    def _answer(self, query):
        labels, at = [], 12
        while size := query[at]:
            labels.append(query[at + 1:at + 1 + size].decode("ascii").lower())
            at += 1 + size
        question = query[12:at + 5]
        address = self._address(".".join(labels))
        asked = struct.unpack(">H", query[at + 1:at + 3])[0]
        found = address is not None and asked == TYPE_A
        flags = 0x8580 | (0 if address else NO_SUCH_NAME)
        answer = query[:2] + struct.pack(">HHHHH", flags, 1, int(found), 0, 0) + question
        if found:
            answer += struct.pack(">HHHIH", 0xC00C, TYPE_A, 1, 5, 4) + socket.inet_aton(address)
        return answer

    def _address(self, name):
        parts = name.removesuffix(DOMAIN).split(".")
        if not name.endswith(DOMAIN) or len(parts) != 2:
            return None
        service = self.api.find(f"/api/v1/namespaces/{parts[1]}/services/{parts[0]}")
        return service["spec"]["clusterIP"] if service else None
