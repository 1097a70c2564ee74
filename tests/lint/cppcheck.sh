#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cppcheck finds nothing in the program's sources. Two of its checks are off, since it misreads compound literals:
# unknownEvaluationOrder takes the commas in them for operators, internalAstError is its own failure to read them.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

if [ "${1:-}" = --self-test ]; then
        fresh
        sample policy/a.c <<<$'int f(int a);\nint f(int a) {\n        return a;\n}'
        accepts "a sound function"
        sample policy/a.c <<<$'int f(void);\nint f(void) {\n        int a[2] = { 0, 1 };\n        return a[2];\n}'
        rejects "an index beyond the end" 'arrayIndexOutOfBounds'
        verdict
fi
mapfile -t files < <(project_files 'policy/*.c' 'certs/*.c' 'cluster/*.c' 'webhook/*.c' 'cli/*.c')
[ ${#files[@]} -gt 0 ] || complain "no C source found"
printf '%s\n' "${files[@]}" | cppcheck --file-list=- --std=c11 --enable=warning,portability,performance --inline-suppr --quiet \
        -j "${JOBS:-$(nproc)}" -I. --error-exitcode=1 --suppress=missingIncludeSystem --suppress=unknownEvaluationOrder \
        --suppress=internalAstError --template='{file}:{line}: {id}: {message}' 2>&1 || complain "cppcheck found faults"
verdict
