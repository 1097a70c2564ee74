#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every rule is whole: the file policy/rules/a_b.c describes the rule a-b, with summary, documentation, source and fix;
# policy/registry.c lists it, and nothing else; tests/fixtures/a-b has a pass*, a fail* and, where the rule may not
# know, an unknown*; CHANGELOG.md names it; `migvet rules a-b` prints it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# has TEXT FIELD: is the designated field there with a string that is not empty?
has() {
        grep -qE "\.$2[[:space:]]*=[[:space:]]*(\(?[[:space:]]*\"[^\"]|[A-Z_]+\()" <<<"$1"
}

# Can the rule be UNKNOWN? Where it says so, and where it needs objects that something refers to by name and that the
# input may lack. (Of other kinds those count that are there: no ResourceQuota is no limit, without any Node the rules
# about nodes do not apply, without a KubeVirt object its defaults count.)
may_not_know() {
        local needs
        needs=$(sed -nE 's/.*\.needs[[:space:]]*=([^,]*),.*/\1/p' <<<"$1")
        grep -qE 'MV_NEED\((CLAIM|DATA_VOLUME|STORAGE_CLASS|STORAGE_PROFILE|VMI|MIGRATION)\)' <<<"$needs" ||
                grep -q 'MV_OUTCOME_UNKNOWN' <<<"$1"
}

check() {
        local file stem id text field outcome n=0 registered
        for file in policy/rules/*.c; do
                [ -f "$file" ] || continue
                n=$((n + 1))
                stem=$(basename "$file" .c)
                id=${stem//_/-}
                text=$(tr '\n' ' ' <"$file")
                grep -qE "\.id[[:space:]]*=[[:space:]]*\"$id\"" <<<"$text" || complain "$file: no .id = \"$id\""
                for field in summary documentation source fix; do
                        has "$text" "$field" || complain "$file: no .$field, or an empty one"
                done
                grep -qE "\bX\($stem\)" policy/registry.c || complain "policy/registry.c: $id is not in the table"
                for outcome in pass fail unknown; do
                        if [ $outcome = unknown ] && ! may_not_know "$text"; then continue; fi
                        compgen -G "tests/fixtures/$id/$outcome*" >/dev/null ||
                                complain "tests/fixtures/$id: no $outcome* fixture"
                done
                grep -qF "\`$id\`" CHANGELOG.md || complain "CHANGELOG.md does not name \`$id\`"
                ./build/migvet rules "$id" 2>/dev/null | grep -qwF -- "$id" ||
                        complain "\`migvet rules $id\` does not print it"
        done
        [ "$n" -gt 0 ] || complain "policy/rules holds no rule"

        while IFS= read -r registered; do
                [ -f "policy/rules/$registered.c" ] || complain "policy/registry.c: $registered has no file"
        done < <(grep -oE '\bX\([a-z0-9_]+\)' policy/registry.c | sed 's/.*(//; s/)//' | sort -u)
}

if [ "${1:-}" = --self-test ]; then
        good() {
                fresh
                sample policy/rules/a_b.c <<<'... = { .id = "a-b", .needs = MV_NEED(CLAIM), .summary = "s",
                .documentation = "d", .source = "x", .fix = "y" };'
                sample policy/registry.c <<<'#define RULES(X) X(a_b)'
                sample tests/fixtures/a-b/pass-1.yaml </dev/null
                sample tests/fixtures/a-b/fail-1.yaml </dev/null
                sample tests/fixtures/a-b/unknown-1.yaml </dev/null
                sample CHANGELOG.md <<<"- \`a-b\`: text"
                sample build/migvet <<<$'#!/bin/sh\necho "a-b: text"'
                chmod +x "$tree/build/migvet"
        }
        good
        accepts "a whole rule"
        sed -i 's/"a-b"/"ab"/' "$tree/policy/rules/a_b.c"
        rejects "a wrong ID" 'no .id = "a-b"'
        good
        sed -i 's/"y"/""/' "$tree/policy/rules/a_b.c"
        rejects "an empty fix" 'no .fix'
        good
        sed -i 's/"x"/""/' "$tree/policy/rules/a_b.c"
        rejects "an empty source" 'no .source'
        good
        sample policy/registry.c <<<'X(other)'
        rejects "a rule that is not registered" 'a-b is not in the table'
        rejects "an entry without a file" 'other has no file'
        for outcome in pass fail unknown; do
                good
                rm "$tree/tests/fixtures/a-b/$outcome-1.yaml"
                rejects "a rule without a fixture" "no $outcome"
        done
        good
        sed -i 's/MV_NEED(CLAIM)/MV_NEED(KUBEVIRT)/' "$tree/policy/rules/a_b.c"
        rm "$tree/tests/fixtures/a-b/unknown-1.yaml"
        accepts "a rule that always knows, without an unknown fixture"
        echo 'mv_report(ctx, MV_OUTCOME_UNKNOWN, "")' >>"$tree/policy/rules/a_b.c"
        rejects "a rule that may not know, without an unknown fixture" 'no unknown'
        good
        sed -i 's/"d"/""/' "$tree/policy/rules/a_b.c"
        rejects "an empty documentation" 'no .documentation'
        good
        sample CHANGELOG.md <<<'nothing'
        rejects "a rule that the changelog does not name" 'CHANGELOG'
        good
        sample build/migvet <<<$'#!/bin/sh\nexit 2'
        rejects "a rule that is not printed" 'does not print'
        verdict
fi
check
verdict
