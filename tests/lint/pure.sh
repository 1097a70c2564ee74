#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# libmigvet.a is pure: its objects call nothing outside tests/lint/pure.allow, and have no writable globals.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

check() { # archive
        local allowed=() symbol pattern ok
        [ -f "$1" ] || { complain "$1 is not built"; return; }
        mapfile -t allowed < <(grep -v '^#' "$repository/tests/lint/pure.allow")
        while IFS= read -r symbol; do
                ok=
                for pattern in "${allowed[@]}"; do
                        # shellcheck disable=SC2053  # a pattern is meant
                        if [[ $symbol == $pattern ]]; then ok=1; fi
                done
                [ -n "$ok" ] || complain "$1 calls $symbol ($(nm -A -u "$1" | grep -w -- "$symbol" |
                        sed -E 's/^[^:]*:([^:]*):.*/\1/' | paste -sd' '))"
        done < <(comm -23 <(nm -u "$1" | sed -n 's/^ *[Uwv] //p' | sort -u) \
                <(nm --defined-only "$1" | sed -nE 's/^[0-9a-f]+ [A-Z] //p' | sort -u))

        # By section, since nm calls constants with pointers (.data.rel.ro) data, too.
        while IFS= read -r symbol; do
                complain "$1 has a writable global: $symbol"
        done < <(objdump -t "$1" | awk '
                /file format/ { member = $1; sub(/:$/, "", member) }
                / (\.data|\.bss|\.tdata|\.tbss|\*COM\*)[^ ]*\t/ && !/ \.data\.rel\.ro/ && !/ [dF] +\.[a-z]/ {
                        print $NF " in " member
                }')
}

if [ "${1:-}" = --self-test ]; then
        try() { # text
                fresh
                sample a.c <<<"$1"
                (cd "$tree" && mkdir -p build/release && ${CC:-gcc} -O1 -fPIE -c a.c -o a.o &&
                        ar rcs build/release/libmigvet.a a.o)
        }
        try $'#include <string.h>\nint f(const char *s) { return (int)strlen(s); }
static const char *const names[] = { "a", "b" }; const char *g(int i) { return names[i]; }'
        accepts "a pure function and a constant table"
        try $'#include <time.h>\nlong f(void) { return time(0); }'
        rejects "a clock" 'calls time'
        try $'#include <stdio.h>\nvoid f(int i) { printf("%d", i); }'
        rejects "printing" 'calls printf'
        try $'int f(void) { static int n; return ++n; }'
        rejects "a static counter" 'writable global: n'
        try $'int n = 3; int f(void) { return ++n; }'
        rejects "a global" 'writable global: n'
        try $'_Thread_local int n; int f(void) { return ++n; }'
        rejects "a thread-local global" 'writable global: n'
        verdict
fi
check build/release/libmigvet.a
verdict
