# SPDX-License-Identifier: Apache-2.0
"""Load: threads that ask a server, each answer compared with what `migvet review` says of the same body."""
import json
import subprocess
import threading
import time

from support import ROOT, example, instance, instance_spec, machine, migration, review_of


def mixed_reviews():
    """(path, body): what an API server asks about, allowed and denied, judged and not."""
    worse = machine(spec=instance_spec("bridge", claim="ledger"))
    reviews = [json.loads(example(name)) for name in ("create-good-vm", "create-rwo-vm", "create-bridge-vm",
                                                      "create-port-vm", "create-migration")]
    reviews += [review_of(worse, "UPDATE", machine()), review_of(migration("db")), review_of(instance()),
                review_of(None, "DELETE", machine()), review_of(machine(spec={"running": "yes"}))]
    return [(path, json.dumps(review).encode()) for review in reviews for path in ("/validate", "/mutate")]


def offline(migvet, cluster, path, body, *arguments):
    """What `migvet review` answers."""
    flags = ["--mutate"] if path == "/mutate" else []
    process = subprocess.run([migvet.path, "review", "-f", cluster, *flags, *map(str, arguments)], input=body,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, timeout=60, check=False)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


class Load:
    """Threads that ask until the end of the with statement. clusters: directories; an answer must be that of one of them, with
    one of the lists of arguments in `settings`. more: what else is asked, as (path, body, headers, answers that are right, each
    (status, object)). retries: a kept connection that ends without an answer is opened anew, as Go's client does it, and
    counted. uids: each request gets a uid of its own, `uids.take(n)` for review n, and `uids.answer(uid)` is told of those that
    were answered."""

    def __init__(self, server, migvet, clusters, threads=4, settings=((),), more=(), retries=False, uids=None):
        self.server, self.ending = server, threading.Event()
        self.reviews = [(path, body, {}) for path, body in mixed_reviews()]
        self.expected = [[(200, offline(migvet, cluster, path, body, *arguments))
                          for cluster in clusters for arguments in settings] for path, body, _ in self.reviews]
        for path, body, headers, answers in more:
            self.reviews.append((path, body, headers))
            self.expected.append(answers)
        self.uids, self.own = uids, [json.loads(body).get("request", {}).get("uid") for _, body, _ in self.reviews]
        self.retries, self.retried, self.pause = retries, 0, 0  # seconds between two questions of a thread
        self.lock, self.wrong, self.broken, self.answers = threading.Lock(), [], [], 0
        self.seen, self.slowest = [set() for _ in self.reviews], 0.0
        self.threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()
        if kind is None:
            self.check()

    def check(self):
        print(f"{self.answers} answers, the slowest in {self.slowest:.3f} s")
        assert not self.wrong, self.wrong[:3]
        assert not self.broken, self.broken[:3]
        assert self.answers > 0

    def _post(self, client, n):
        """Status and text of an answer to review n; None when there was no answer."""
        path, body, headers = self.reviews[n]
        for again in (False, True):
            kept, sent, uid = client.http.sock is not None, body, None
            if self.uids and self.own[n]:
                uid = self.uids.take(n)
                sent = body.replace(self.own[n].encode(), uid.encode())
            try:
                status, _, text = client.post(sent, path=f"{path}?timeout=10s", headers=headers)
            except OSError as error:
                client.http.close()
                with self.lock:
                    if self.retries and kept and not again:
                        self.retried += 1
                        continue
                    self.broken.append(repr(error))
                    return None
            if uid:
                self.uids.answer(uid)
                text = text.replace(uid.encode() if isinstance(text, bytes) else uid,
                                    self.own[n].encode() if isinstance(text, bytes) else self.own[n])
            return status, text
        return None

    def _ask(self, n):
        with self.server.client() as client:
            while not self.ending.is_set():
                if self.pause:
                    self.ending.wait(self.pause)
                n = (n + 1) % len(self.reviews)
                path, body, _ = self.reviews[n]
                begun = time.monotonic()
                result = self._post(client, n)
                took = time.monotonic() - begun
                if not result:
                    continue
                status, text = result
                answer = status, json.loads(text)
                with self.lock:
                    self.answers += 1
                    self.slowest = max(self.slowest, took)
                    if answer in self.expected[n]:
                        self.seen[n].add(self.expected[n].index(answer))
                    else:
                        self.wrong.append((path, body.decode(), *answer))
