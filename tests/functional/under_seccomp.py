#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run a program under a seccomp profile as container runtimes have them:
under_seccomp.py [--default] PROFILE PROGRAM [ARGUMENT...]

What the profile does not allow kills the process, so that nothing goes unnoticed; with --default the profile's own default
action is taken, as a container runtime does."""
import json
import os
import sys

import seccomp


def install(profile, kill):
    """This process, and what it executes, may make no other system calls."""
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    rules = seccomp.SyscallFilter(seccomp.KILL_PROCESS if kill else seccomp.ERRNO(profile["defaultErrnoRet"]))
    for entry in profile["syscalls"]:
        assert entry["action"] == "SCMP_ACT_ALLOW", entry
        for name in entry["names"]:
            if seccomp.resolve_syscall(seccomp.Arch(), name) >= 0:  # others are of other architectures
                rules.add_rule(seccomp.ALLOW, name)
    rules.load()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    default = arguments[0] == "--default"
    profile_file, *command = arguments[default:]
    with open(profile_file, encoding="utf-8") as file:
        install(json.load(file), not default)
    os.execv(command[0], command)
