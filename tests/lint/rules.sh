#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every rule is whole: the file policy/rules/a_b.c describes the rule a-b, with summary, documentation, source and fix;
# .needs names every kind that it reads; policy/registry.c lists it, and nothing else; tests/fixtures/a-b has a pass*,
# a fail* and, where the rule may not know, an unknown*; it compares no version (a revision does); CHANGELOG.md names it; `migvet rules a-b` prints it.
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
        grep -q 'MV_OUTCOME_UNKNOWN' <<<"$1" ||
                { grep -qE 'MV_NEED(\((CLAIM|DATA_VOLUME|STORAGE_CLASS|STORAGE_PROFILE|VMI|MIGRATION)\)|_CLAIMS)' <<<"$(needs "$1")" &&
                        ! grep -qE 'ctx->claims|mv_snapshot_lowest_tsc_frequency' <<<"$1"; }
}

needs() {
        sed -nE 's/.*\.needs[[:space:]]*=([^,]*),.*/\1/p' <<<"$1" |
                sed -E 's/MV_NEED_CLAIMS/& (CLAIM) (DATA_VOLUME) (STORAGE_CLASS) (STORAGE_PROFILE) (PERSISTENT_VOLUME) (CONFIG_MAP)/'
}

# The kinds that the text of a rule reads: it names them, or it asks something that is made of them.
reads() {
        grep -oE 'MV_KIND_[A-Z_]+' <<<"$1" | sed 's/MV_KIND_//' | grep -vx COUNT || true
        grep -qE 'mv_snapshot_(node_index|lowest_tsc_frequency)' <<<"$1" && echo NODE
        grep -q 'mv_snapshot_lowest_tsc_frequency' <<<"$1" && echo VMI
        grep -q 'ctx->config' <<<"$1" && echo KUBEVIRT
        grep -q 'ctx->claims' <<<"$1" && echo CLAIMS
        grep -q 'mv_resolve' <<<"$1" && printf '%s\n' MIGRATION_POLICY NAMESPACE KUBEVIRT
        return 0
}

check() {
        local file stem id text field outcome kind always n=0 registered
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
                for kind in $(reads "$text" | sort -u); do
                        grep -qE "\($kind\)|_$kind\b" <<<"$(needs "$text")" ||
                                complain "$file: reads $kind, and .needs does not say so"
                done
                grep -qE "\bX\($stem\)" policy/registry.c || complain "policy/registry.c: $id is not in the table"
                if grep -qE '\bversion(_number)? *([<>]|[!=]=)|([<>]|[!=<>]=) *ctx->(config->)?version' <<<"$text"; then
                        complain "$file: compares ctx->version: make it a revision"
                fi
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

        if [ -f policy/claims.c ]; then
                always=$(sed -n '/define MV_NEED_CLAIMS/,/^struct/p' policy/rule.h)
                while IFS= read -r kind; do
                        grep -q "MV_NEED($kind)" <<<"$always" ||
                                complain "policy/rule.h: evaluation reads $kind, and MV_NEED_ALWAYS does not say so"
                done < <(cat policy/claims.c policy/resolve.c policy/instancetype/*.c 2>/dev/null |
                        grep -oE 'MV_KIND_[A-Z_]+' | grep -v COUNT | sort -u | sed 's/MV_KIND_//')
        fi

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
        sed -i 's/"a-b",/"a-b", old = ctx->version < 1,/' "$tree/policy/rules/a_b.c"
        rejects "a comparison of versions" 'compares ctx->version'
        good
        sed -i 's/"x"/""/' "$tree/policy/rules/a_b.c"
        rejects "an empty source" 'no .source'
        good
        sed -i 's/"a-b",/"a-b", mv_snapshot_find(s, MV_KIND_NODE)/' "$tree/policy/rules/a_b.c"
        rejects "a kind that .needs does not name" 'reads NODE, and .needs does not say so'
        good
        sed -i 's/"a-b",/"a-b", ctx->config,/' "$tree/policy/rules/a_b.c"
        rejects "a configuration without the KubeVirt object" 'reads KUBEVIRT'
        good
        sample policy/rule.h <<<$'#define MV_NEED_CLAIMS (MV_NEED(CLAIM))\nstruct x;'
        sample policy/claims.c <<<'f(MV_KIND_CLAIM, MV_KIND_NODE, MV_KIND_COUNT);'
        rejects "a kind that MV_NEED_ALWAYS does not name" 'evaluation reads NODE'
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
