# SPDX-License-Identifier: Apache-2.0
"""A line between two programs that a test can cut: a TCP relay on the loopback address."""
import contextlib
import socket
import threading

from .processes import free_port


class Line:
    """Relays its port to another. While it is cut, connections end at once and none is made."""

    def __init__(self, target):
        self.target, self.port = target, free_port()
        self.lock, self.pairs, self.whole = threading.Lock(), [], True
        self.server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.server.close()
        self.cut()

    def cut(self):
        with self.lock:
            self.whole = False
            pairs, self.pairs = self.pairs, []
        for one in (one for pair in pairs for one in pair):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def mend(self):
        with self.lock:
            self.whole = True

    def _accept(self):
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            far = None
            with self.lock:
                if self.whole:
                    with contextlib.suppress(OSError):
                        far = socket.create_connection(("127.0.0.1", self.target), timeout=10)
                        far.settimeout(None)
                        self.pairs.append((near, far))
            if far is None:
                near.close()
                continue
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    @staticmethod
    def _pump(one, other):
        with contextlib.suppress(OSError):
            while piece := one.recv(65536):
                other.sendall(piece)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
