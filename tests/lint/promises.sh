#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tests that SECURITY.md names exist: `DIRECTORY/FILE` below tests/, or `DIRECTORY/FILE::test_NAME` with that function.
# shellcheck disable=SC2016  # backquotes are those of Markdown
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

if [ "${1:-}" = --self-test ]; then
        fresh
        sample tests/functional/test_a.py <<<$'def test_one():\n    pass'
        sample SECURITY.md <<<'| It works | `functional/test_a.py::test_one`, `functional/test_a.py` |'
        accepts "a test that exists"
        sample SECURITY.md <<<'| It works | `functional/test_a.py::test_on` |'
        rejects "a test that does not" 'test_on'
        sample SECURITY.md <<<'| It works | `unit/test_b.c` |'
        rejects "a file that does not" 'test_b'
        sample SECURITY.md <<<'nothing'
        rejects "a text without promises" 'no test'
        verdict
fi
mapfile -t tests < <(grep -oE '`(unit|functional|fuzz|soak|lint)/[a-z0-9_.]+(::test_[a-z0-9_]+)?`' SECURITY.md | tr -d '`')
[ ${#tests[@]} -gt 0 ] || complain "SECURITY.md names no test"
for test in "${tests[@]}"; do
        file=tests/${test%%::*} name=${test#*::}
        if [ ! -f "$file" ]; then
                complain "SECURITY.md: $file does not exist"
        elif [ "$name" != "$test" ] && ! grep -qE "(void|def) $name\(" "$file"; then
                complain "SECURITY.md: there is no $name in $file"
        fi
done
verdict
