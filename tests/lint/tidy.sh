#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy, with its static analyser, finds nothing in the program's sources (checks: .clang-tidy).
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

if [ "${1:-}" = --self-test ]; then
        try() {
                fresh
                cp "$repository/.clang-tidy" "$tree/"
                sample policy/a.c <<<"$1"
                printf '[{"directory": "%s", "file": "policy/a.c", "command": "clang -std=c17 -I. -c policy/a.c"}]\n' \
                        "$tree" | sample compile_commands.json
        }
        try $'int f(int a);\nint f(int a) {\n        return a;\n}'
        accepts "a sound function"
        try $'int f(int a);\nint f(int a) {\n        int *p = 0;\n        return a ? *p : 0;\n}'
        rejects "a null pointer" 'NullDereference'
        try $'#include <stdlib.h>\nint f(void);\nint f(void) {\n        char *p = malloc(3);\n        return p != 0;\n}'
        rejects "a leak" 'Malloc|Leak'
        verdict
fi
if [ "${1:-}" = --one ]; then
        out=$(clang-tidy --quiet -p . "$2" 2>&1) || complain "$out"
        verdict
fi
mapfile -t files < <(project_files 'policy/*.c' 'certs/*.c' 'cluster/*.c' 'webhook/*.c' 'cli/*.c')
[ ${#files[@]} -gt 0 ] || complain "no C source found"
# Largest first, so that the last ones are short.
mapfile -t files < <(ls -S -- "${files[@]}")
printf '%s\n' "${files[@]}" | xargs -d '\n' -n 1 -P "${JOBS:-$(nproc)}" "$script" --one ||
        complain "clang-tidy found faults"
verdict
