# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Shared by the lint scripts. A script works on the tree in $LINT_ROOT (the repository, unless its self-test says
# otherwise), calls complain for each fault, and ends with verdict. With --self-test it proves on small samples that
# it passes what is right and fails what is wrong.
set -euo pipefail
script=$(realpath "$0")
repository=$(realpath "$(dirname "$0")/../..")
cd "${LINT_ROOT:-$repository}"

faults=0
complain() {
        printf '%s\n' "$*"
        faults=$((faults + 1))
}
verdict() {
        [ "$faults" = 0 ] || exit 1
        exit 0
}

# Files of the project: what git tracks or would track, else everything; $1... are shell patterns of the whole path.
project_files() {
        local pattern file
        if [ -z "${LINT_ROOT:-}" ] && git rev-parse --git-dir >/dev/null 2>&1; then
                git ls-files -co --exclude-standard
        else
                find . -type f -not -path './build/*' -not -path './.git/*' -not -name compile_commands.json -printf '%P\n'
        fi | sort | while IFS= read -r file; do
                [ -f "$file" ] || continue # deleted, not committed yet
                for pattern in "$@"; do
                        # shellcheck disable=SC2053  # a pattern is meant
                        if [[ $file == $pattern ]]; then
                                printf '%s\n' "$file"
                                break
                        fi
                done
        done
}

# sample FILE: write standard input to FILE in a fresh sample tree ($tree).
fresh() {
        [ -z "${tree:-}" ] || rm -rf "$tree"
        tree=$(mktemp -d)
        trap 'rm -rf "$tree"' EXIT
}
sample() {
        mkdir -p "$tree/$(dirname "$1")"
        cat >"$tree/$1"
}
# accepts WHAT / rejects WHAT PATTERN: run this script on the sample tree.
accepts() {
        local out
        if ! out=$(LINT_ROOT=$tree "$script" 2>&1); then
                complain "self-test: it should accept $1, but said: $out"
        fi
}
rejects() {
        local out
        if out=$(LINT_ROOT=$tree "$script" 2>&1); then
                complain "self-test: it should reject $1"
        elif ! grep -qE -- "$2" <<<"$out"; then
                complain "self-test: it rejected $1, but without saying \"$2\": $out"
        fi
}
