#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Text of the files: an SPDX line in every source, no trailing white space, no file over 600 lines, no path of
# somebody's machine, nothing at the top of the tree that does not belong there; shell scripts pass shellcheck.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

scripts=('*.sh' 'tests/run' 'tests/lint/run' 'tests/e2e/run' '.ci/run')

# lines_with PATTERN WHAT EXCEPT: complain about each such line of the text files other than some.
lines_with() {
        local hit
        while IFS= read -r hit; do
                complain "$hit: $2"
        done < <(project_files '*' | grep -vE "$3" | xargs -d '\n' -r grep -nHIE "$1" | sed -E 's/^([^:]*:[0-9]+):.*/\1/')
}

check() {
        local file hit n
        while IFS= read -r file; do
                head -n 5 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
                        complain "$file: no SPDX-License-Identifier line at its top"
        done < <(project_files '*.c' '*.h' '*.py' Makefile "${scripts[@]}")

        while IFS= read -r file; do
                complain "$file: what is this at the top of the tree?"
        done < <(project_files '*' | grep -vE '/|^\.(clang-format|clang-tidy|editorconfig|gitignore)$|^(LICENSE|Makefile)$|^[A-Z]+\.md$' || true)

        while IFS= read -r file; do
                n=$(wc -l <"$file")
                [ "$n" -le 600 ] || complain "$file: $n lines; over 600 asks for a split"
        done < <(project_files '*.c' '*.h' '*.py' '*.sh')

        # Fuzz inputs are whatever they are; the licence is not ours to edit.
        lines_with '[[:space:]]$' "trailing white space" '^(tests/fuzz/corpus/|LICENSE$)'
        lines_with '(^|[^A-Za-z0-9_.~-])/(home|work|root)/' "a path of a developer's machine" \
                '^(tests/fuzz/corpus/|LICENSE$|tests/lint/)'

        while IFS= read -r file; do
                hit=$(shellcheck -x "$file") || complain "$hit"
        done < <(project_files "${scripts[@]}")
}

if [ "${1:-}" = --self-test ]; then
        good() {
                fresh
                sample policy/a.c <<<$'/* SPDX-License-Identifier: Apache-2.0 */\nint a; /* https://example.org/root/x */'
                sample policy/b.sh <<<$'#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\necho "$1"'
        }
        good
        accepts "clean files"
        sample policy/c.h <<<'int b;'
        rejects "a source without a licence" 'c.h: no SPDX'
        good
        sample README.md <<<'text  '
        rejects "trailing white space" 'README.md:1: trailing'
        good
        sample README.md <<<'see /home/me/x'
        rejects "a machine's path" 'README.md:1: a path'
        good
        sample crash-0123 </dev/null
        rejects "a file that does not belong there" 'crash-0123: what is this'
        good
        { echo '/* SPDX-License-Identifier: Apache-2.0 */'; seq -f 'int a%g;' 600; } | sample policy/long.c
        rejects "a file of 601 lines" 'long.c: 601 lines'
        good
        sample policy/b.sh <<<$'#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\nrm $1'
        rejects "an unquoted variable" 'SC2086'
        verdict
fi
check
verdict
