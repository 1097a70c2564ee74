#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The program that is installed is hardened: position independent, relocations read-only and bound at the start, no executable
# stack, stack protectors, fortified functions, no way to libraries but the system's.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

if [ "${1:-}" = --self-test ]; then
        # shellcheck disable=SC2054  # the commas are the linker's
        hard=(-O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -pie -Wl,-z,relro,-z,now)
        try() { # flags
                fresh
                mkdir -p "$tree/build/release"
                printf '%s\n' '#include <stdio.h>' '#include <string.h>' 'int main(int argc, char **argv) {' \
                        'char a[32]; snprintf(a, sizeof a, "%s%d", argv[0], argc); memcpy(a, argv[0], (size_t)argc);' \
                        'return puts(a) + printf("%d", argc); }' >"$tree/a.c"
                gcc -o "$tree/build/release/migvet" "$tree/a.c" "$@"
        }
        try "${hard[@]}"
        accepts "a hardened program"
        try "${hard[@]}" -no-pie -fno-pie
        rejects "a program at a fixed address" 'position independent'
        try "${hard[@]}" -Wl,-z,norelro
        rejects "writable relocations" 'RELRO'
        try "${hard[@]}" -Wl,-z,lazy
        rejects "lazy binding" 'BIND_NOW'
        try "${hard[@]}" -fno-stack-protector
        rejects "no stack protector" 'stack protector'
        try "${hard[@]}" -U_FORTIFY_SOURCE
        rejects "functions that are not fortified" 'fortified'
        try "${hard[@]}" -z execstack
        rejects "an executable stack" 'executable stack'
        try "${hard[@]}" -Wl,-rpath,/tmp
        rejects "a path to libraries" 'RPATH|RUNPATH'
        verdict
fi
program=build/release/migvet
if [ ! -x "$program" ]; then
        complain "$program is not there: build it first"
        verdict
fi
headers=$(readelf -hlW "$program") dynamic=$(readelf -dW "$program") symbols=$(readelf -sW --dyn-syms "$program")
grep -qE 'Type: +DYN' <<<"$headers" || complain "$program is not position independent"
grep -q GNU_RELRO <<<"$headers" || complain "$program has no RELRO"
grep -qE 'BIND_NOW|Flags:.*NOW' <<<"$dynamic" || complain "$program has no BIND_NOW: RELRO is partial"
grep -qE 'GNU_STACK.* RWE? ' <<<"$headers" || complain "$program says nothing about its stack"
! grep -qE 'GNU_STACK.* RWE ' <<<"$headers" || complain "$program has an executable stack"
grep -q __stack_chk_fail <<<"$symbols" || complain "$program has no stack protector"
grep -qE '__[a-z]+_chk(@|$)' <<<"$(grep -v stack_chk <<<"$symbols")" || complain "$program has no fortified functions"
! grep -qE 'RPATH|RUNPATH' <<<"$dynamic" || complain "$program has an RPATH or RUNPATH"
verdict
