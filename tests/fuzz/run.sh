#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fuzz: tests/fuzz/run.sh MINUTES TARGET...   (programs of `make fuzz`; so many minutes each)
# Starts from the committed corpus; what is found on the way is kept in build/fuzz/corpus, and an input that
# breaks the target in build/fuzz/findings: fix, then add it to tests/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/../.."
minutes=$1
shift
[ $# -gt 0 ] || { echo "There is no fuzz target (tests/fuzz/fuzz_*.c)." >&2; exit 1; }

export ASAN_OPTIONS=detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
broken=()
for program in "$@"; do
        name=${program##*/fuzz_}
        grown=build/fuzz/corpus/$name
        findings=build/fuzz/findings/$name
        mkdir -p "$grown" "$findings"
        options=(-max_total_time=$((minutes * 60)) -timeout=10 -rss_limit_mb=1024 -print_final_stats=1
                -artifact_prefix="$findings/" -max_len=65536)
        if [ -f "tests/fuzz/$name.dict" ]; then options+=(-dict="tests/fuzz/$name.dict"); fi
        echo "$name: $minutes minute(s)"
        if ! "$program" "${options[@]}" "$grown" "tests/fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1; then
                broken+=("$name")
                tail -n 60 "build/fuzz/$name.log"
        else
                grep -E 'number_of_executed_units|new_units_added' "build/fuzz/$name.log"
        fi
done
if [ ${#broken[@]} -gt 0 ]; then
        echo "Broken: ${broken[*]}; the inputs are in build/fuzz/findings"
        exit 1
fi
