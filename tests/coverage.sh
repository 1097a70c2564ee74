#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Report what the tests of the coverage variant reached: tests/coverage.sh build/coverage
set -euo pipefail
directory=$1
mapfile -t profiles < <(find "$directory/profiles" -name '*.profraw' -size +0)
[ ${#profiles[@]} -gt 0 ] || { echo "No profile was written." >&2; exit 1; }
llvm-profdata merge -sparse -o "$directory/merged.profdata" "${profiles[@]}"
objects=()
for program in "$directory"/tests/unit/test_* "$directory"/tests/fuzz/fuzz_*; do
        case $program in *.[od]) continue ;; esac
        objects+=(-object "$program")
done
common=("$directory/migvet" "${objects[@]}" -instr-profile "$directory/merged.profdata"
        -ignore-filename-regex '(^|/)tests/')
llvm-cov show -format html -output-dir "$directory/report" "${common[@]}" >/dev/null
llvm-cov report "${common[@]}"
echo "$directory/report/index.html"
