#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# C sources are as `make format` leaves them.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

if [ "${1:-}" = --self-test ]; then
        fresh
        cp "$repository/.clang-format" "$tree/"
        sample policy/a.c <<<$'int f(int a) {\n        return a;\n}'
        accepts "a formatted file"
        sample policy/a.c <<<$'int f(int a)\n{\n  return a;\n}'
        rejects "another style" 'policy/a.c:1'
        verdict
fi
mapfile -t files < <(project_files '*.c' '*.h')
[ ${#files[@]} -gt 0 ] || complain "no C source found"
clang-format --dry-run -Werror "${files[@]}" || complain "run 'make format'"
verdict
