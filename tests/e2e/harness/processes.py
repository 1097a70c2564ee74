# SPDX-License-Identifier: Apache-2.0
"""Programs that run beside the tests: started, stopped, killed and started again, always by process ID.

They live in the PID namespace of tests/e2e/isolate.sh, so none of them outlives the run, whatever happens to it.
"""
import atexit
import pathlib
import random
import signal
import socket
import subprocess
import time

STOP_SECONDS = 20
_running = []


def eventually(condition, seconds, what, pause=0.05):
    """Ask until the answer is true, and return it. What ends the wait early raises from condition."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"{what}: not so after {seconds} s"
        time.sleep(pause)


def free_port(address="127.0.0.1"):
    """A port that nothing listens on, of those that the kernel does not give to clients."""
    for port in random.sample(range(20000, 30000), 100):
        with socket.socket() as one:
            try:
                one.bind((address, port))
                return port
            except OSError:
                continue
    raise AssertionError(f"no port of {address} is free")


class Process:
    """One program. Its output goes to a log, which is kept over restarts."""

    def __init__(self, name, command, log, environment=None, directory=None):
        self.name, self.command = name, [str(word) for word in command]
        self.log = pathlib.Path(log)
        self.environment, self.directory = environment, directory
        self.process = None

    def start(self):
        assert not self.alive(), f"{self.name} runs already"
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            env=self.environment, cwd=self.directory, start_new_session=True)
        _running.append(self)
        return self

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def check(self):
        """Fail, with the end of the log, when it has ended."""
        assert self.alive(), f"{self.name} has ended ({self.process and self.process.poll()})\n{self.tail()}"
        return self

    def tail(self, lines=15):
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(f"  {self.name} | {line[:400]}" for line in text.splitlines()[-lines:])

    def signal(self, number):
        self.check().process.send_signal(number)

    def stop(self, seconds=STOP_SECONDS):
        """End it politely, and by force when it does not listen; its exit code."""
        if self.process is None:
            return None
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(STOP_SECONDS)
        return self._forget()

    def kill(self):
        """End it as a crash does."""
        if self.process is not None and self.alive():
            self.process.kill()
            self.process.wait(STOP_SECONDS)
        return self._forget()

    def _forget(self):
        if self in _running:
            _running.remove(self)
        return self.process and self.process.returncode

    def resident_mib(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError(f"{self.name} has no resident memory")


@atexit.register
def kill_all():
    for process in reversed(list(_running)):
        process.kill()
