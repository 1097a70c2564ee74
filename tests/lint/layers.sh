#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each directory includes only what its layer may use (the table in ARCHITECTURE.md).
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

pure_libc='assert|ctype|emmintrin|errno|float|inttypes|limits|math|stdalign|stdarg|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings'
third_party='json-c/|json\.h|yaml\.h|pcre2|gnutls/|nettle/|microhttpd|curl/|zlib|cmocka'
rule_headers='(rule|claims|convergence|expand|hyperconverged|kubevirt_config|policy_values|resolve)'
rule_headers+='|drain/(drain|stranded)|launcher/(launcher|podrequests|podsecurity|quota)|nodes/(nodefit|nodeindex|population|tsc)'
rule_headers+='|snapshot/(snapshot|kind)'

# For the file in $1: what it may include of ours and of others, as extended regular expressions of the whole name.
table() {
        case $1 in
        policy/base/*)
                ours='policy/base/[^/]*' others="($pure_libc)\.h" ;;
        policy/object/*)
                ours='policy/(base|object)/[^/]*' others="($pure_libc)\.h|json-c/.*|json\.h|yaml\.h" ;;
        policy/rules/*)
                ours="policy/(base|object)/[^/]*|policy/($rule_headers)\.h" others="($pure_libc)\.h" ;;
        policy/registry.c)
                ours='policy/((base|object|rules|nodes|snapshot)/)?[^/]*' others="($pure_libc)\.h" ;;
        policy/config/*)
                ours='policy/((base|object|config)/)?[^/]*' others="($pure_libc)\.h" ;;
        policy/snapshot/*)
                ours='policy/((base|object|snapshot|nodes)/)?[^/]*' others="($pure_libc)\.h" ;;
        policy/nodes/* | policy/launcher/*)
                ours='policy/((base|object|snapshot|nodes|launcher)/)?[^/]*' others="($pure_libc)\.h" ;;
        policy/drain/*)
                ours='policy/((base|object|snapshot|nodes|launcher|drain)/)?[^/]*' others="($pure_libc)\.h" ;;
        policy/mirror/* | policy/instancetype/*)
                ours='policy/((base|object|snapshot)/)?[^/]*|policy/(mirror|instancetype)/.*' others="($pure_libc)\.h" ;;
        policy/audit/*)
                ours='policy/((base|object|snapshot|config|audit)/)?[^/]*' others="($pure_libc)\.h" ;;
        policy/*)
                ours='policy/((base|object|snapshot|nodes|launcher|config|drain)/)?[^/]*' others="($pure_libc)\.h|pcre2\.h" ;;
        certs/*)
                ours='policy/base/[^/]*|certs/.*' others="system|gnutls/.*" ;;
        cluster/*)
                ours='policy/((base|object|snapshot|nodes|audit)/)?[^/]*|certs/.*|cluster/.*'
                others="system|curl/.*|yaml\.h" ;;
        webhook/*)
                ours='policy/(base|object|config)/[^/]*|certs/.*|webhook/.*'
                others="system|microhttpd\.h|curl/.*|gnutls/.*|zlib\.h" ;;
        cli/*)
                ours='policy/((base|object|snapshot|nodes|launcher|config|drain|audit)/)?[^/]*|(certs|cluster|webhook|cli)/.*'
                others='.*' ;;
        tests/*)
                ours='.*' others='.*' ;;
        esac
}

check() {
        local file number kind name
        while IFS= read -r file; do
                table "$file"
                while IFS=: read -r number kind name; do
                        if [ "$kind" = '"' ]; then
                                if [ ! -f "$name" ]; then
                                        complain "$file:$number: \"$name\" is no path from the top of the tree"
                                elif ! [[ $name =~ ^($ours)$ ]]; then
                                        complain "$file:$number: this layer may not include \"$name\""
                                fi
                        elif [[ $others =~ ^system(\||$) && ! $name =~ ^($third_party) ]]; then
                                : # libc and POSIX
                        elif ! [[ $name =~ ^($others)$ ]]; then
                                complain "$file:$number: this layer may not include <$name>"
                        fi
                done < <(sed -nE '/^[[:space:]]*#[[:space:]]*include/{=;s/^[^"<]*(["<])([^">]*).*/\1:\2/p}' \
                        "$file" | paste -d: - -)
        done < <(project_files 'policy/*.[ch]' 'certs/*.[ch]' 'cluster/*.[ch]' 'webhook/*.[ch]' 'cli/*.[ch]' \
                'tests/*.[ch]')
}

if [ "${1:-}" = --self-test ]; then
        good() {
                fresh
                sample policy/base/str.h </dev/null
                sample policy/rule.h </dev/null
                sample policy/render.h </dev/null
                sample policy/rules/a.h </dev/null
                sample policy/audit/auditor.h </dev/null
                sample cluster/store.h </dev/null
                sample policy/rules/gpu.c <<<$'#include "policy/rule.h"\n#include <string.h>'
                sample cluster/store.c <<<$'#include "cluster/store.h"\n#include <pthread.h>'
        }
        try() { # what, pattern, file, text
                good
                sample "$3" <<<"$4"
                rejects "$1" "$2"
        }
        good
        accepts "includes of its own layer"
        try "a socket in the pure library" '<sys/socket.h>' policy/base/str.c '#include <sys/socket.h>'
        try "a clock in the pure library" '<time.h>' policy/evaluate.c '#include <time.h>'
        try "base that looks up" 'policy/rule.h' policy/base/str.c '#include "policy/rule.h"'
        try "a rule that uses a rule" 'policy/rules/a.h' policy/rules/b.c '#include "policy/rules/a.h"'
        try "a rule that renders" 'policy/render.h' policy/rules/b.c '#include "policy/render.h"'
        try "a verdict that knows of the audit" 'policy/audit/auditor.h' policy/evaluate.c '#include "policy/audit/auditor.h"'
        try "webhook that judges" 'policy/render.h' webhook/admit.c '#include "policy/render.h"'
        try "webhook that uses cluster" 'cluster/store.h' webhook/admit.c '#include "cluster/store.h"'
        try "policy that uses cluster" 'cluster/store.h' policy/evaluate.c '# include "cluster/store.h"'
        try "curl in certs" '<curl/curl.h>' certs/authority.c '#include <curl/curl.h>'
        try "a path that is not from the top" 'no path' policy/base/buf.c '#include "str.h"'
        verdict
fi
check
verdict
