#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run a program under a seccomp profile as container runtimes have them: under_seccomp.py PROFILE PROGRAM [ARGUMENT...]

What the profile does not allow kills the process, whatever its default action is, so that nothing goes unnoticed."""
import json
import os
import sys

import seccomp


def install(profile):
    """This process, and what it executes, may make no other system calls."""
    rules = seccomp.SyscallFilter(seccomp.KILL_PROCESS)
    for entry in profile["syscalls"]:
        assert entry["action"] == "SCMP_ACT_ALLOW", entry
        for name in entry["names"]:
            if seccomp.resolve_syscall(seccomp.Arch(), name) >= 0:  # others are of other architectures
                rules.add_rule(seccomp.ALLOW, name)
    rules.load()


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        install(json.load(file))
    os.execv(sys.argv[2], sys.argv[2:])
