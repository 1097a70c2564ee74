#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the committed corpora reach: tests/fuzz/coverage.sh build/coverage   (programs of `make fuzz-coverage`)
# For each fuzz target its files, how many, and of the sources that it is for the regions and lines that ran.
set -euo pipefail
cd "$(dirname "$0")/../.."
directory=$1
profiles=$directory/profiles/fuzz

# The sources that a target is for, as patterns.
sources() {
        case $1 in
        certificate) echo 'certs/(bundle|certificate|names|peer).c' ;;
        config) echo 'policy/config/[a-z_]*.c policy/pattern.c policy/(sitepath|siterule).c' ;;
        http) echo 'webhook/(access|listen|request|route).c' ;;
        json) echo 'policy/object/scan.c' ;;
        kubeconfig) echo 'cluster/kube/(config|kubeconfig|url).c' ;;
        mutate) echo 'policy/(inputs|mutate|narrow).c' ;;
        objects) echo 'policy/[a-z_]*.c policy/(drain|instancetype|launcher|mirror|nodes|object|rules|snapshot)/[a-z_]*.c' ;;
        outbox) echo 'webhook/deliver/(positions|request_text|segment).c' ;;
        quantity) echo 'policy/object/quantity.c' ;;
        review) echo 'policy/(admission|ask|decide|level_change|review).c policy/mirror/[a-z_]*.c policy/object/(decode|decoded|equal|review|shape).c' ;;
        selector) echo 'policy/object/selector.c' ;;
        watch) echo 'cluster/kube/(lines|object|reflector|reflector_status|status|wire).c' ;;
        yaml) echo 'policy/object/(document|yaml|yaml_emit|yaml_places|yaml_scalar|yaml_tree).c' ;;
        *)
                echo "tests/fuzz/coverage.sh does not know what the target $1 is for" >&2
                return 1
                ;;
        esac
}

# matching PATTERNS: the sources among them that there are.
matching() {
        local pattern
        for pattern in $1; do find certs cluster policy webhook -regextype posix-extended -regex "${pattern//./\\.}"; done | sort -u
}

rm -rf "$profiles"
mkdir -p "$profiles"
printf '%-12s %6s %12s %9s %9s\n' target files sources regions lines
for source in tests/fuzz/fuzz_*.c; do
        name=$(basename "$source" .c)
        name=${name#fuzz_}
        program=$directory/tests/fuzz/fuzz_$name
        mapfile -d '' corpus < <(find "tests/fuzz/corpus/$name" -type f -print0)
        patterns=$(sources "$name")
        mapfile -t wanted < <(matching "$patterns")
        [ ${#corpus[@]} -gt 0 ] || { echo "no corpus in tests/fuzz/corpus/$name" >&2; exit 1; }
        [ ${#wanted[@]} -gt 0 ] || { echo "no sources are like '$patterns' of the target $name" >&2; exit 1; }
        LLVM_PROFILE_FILE=$profiles/$name.profraw "$program" "${corpus[@]}" >/dev/null
        llvm-profdata merge -sparse -o "$profiles/$name.profdata" "$profiles/$name.profraw"
        llvm-cov export -summary-only -instr-profile "$profiles/$name.profdata" "$program" "${wanted[@]}" |
                "${PYTHON:-/usr/bin/python3}" -c '
import json, sys
totals = json.load(sys.stdin)["data"][0]["totals"]
name, corpus, sources = sys.argv[1:]
print("%-12s %6s %12s %8.1f%% %8.1f%%" % (name, corpus, sources, totals["regions"]["percent"], totals["lines"]["percent"]))' \
                        "$name" "${#corpus[@]}" "${#wanted[@]}"
done
