#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run a command: its seconds, seconds of processors, peak of resident bytes and exit code.

    timed.py OUTPUT ERRORS COMMAND...

A program of its own, and a small one: the kernel counts to a process's peak what the one that started it had."""
import os
import sys
import time


def main():
    output, errors, *command = sys.argv[1:]
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [(os.POSIX_SPAWN_OPEN, 1, output, flags, 0o666), (os.POSIX_SPAWN_OPEN, 2, errors, flags, 0o666)]
    begun = time.monotonic()
    _, status, usage = os.wait4(os.posix_spawnp(command[0], command, os.environ, file_actions=files), 0)
    print(time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
