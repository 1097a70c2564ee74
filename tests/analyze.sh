#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The analysers that are too slow for `make lint`, over the program's sources: gcc -fanalyzer, and the one of scan-build with
# the checkers that clang-tidy does not run. What they find and is none has a line in tests/analyze.allow, with the reason.
set -euo pipefail
cd "$(dirname "$0")/.."

find_gcc() { # file; as "FILE: FLAG: what"
        # shellcheck disable=SC2046
        ${CC:-gcc} -std=c17 -D_GNU_SOURCE -I. -O2 -fanalyzer -fdiagnostics-plain-output -c "$1" -o /dev/null \
                $(pkg-config --cflags libmicrohttpd gnutls json-c yaml-0.1 libpcre2-8 libcurl zlib) 2>&1 |
                sed -nE 's/ \[CWE-[0-9]+\]//; s/^([^:]+):[0-9]+:[0-9]+: warning: (.*) \[-Wanalyzer-([a-z-]+)\]$/\1: \3: \2/p'
}
find_clang() {
        local enabled=core,cplusplus,unix,deadcode,nullability,security,optin,valist
        # What clang-tidy leaves out, too (.clang-tidy), and bzero and the like, of which there are none.
        local off=security.insecureAPI.DeprecatedOrUnsafeBufferHandling,optin.performance.Padding
        # shellcheck disable=SC2046
        ${CLANG:-clang} --analyze -std=c17 -D_GNU_SOURCE -I. -Xclang -analyzer-checker="$enabled" \
                -Xclang -analyzer-disable-checker="$off" -Xclang -analyzer-output=text -fno-caret-diagnostics "$1" -o /dev/null \
                $(pkg-config --cflags libmicrohttpd gnutls json-c yaml-0.1 libpcre2-8 libcurl zlib) 2>&1 |
                sed -nE 's/^([^:]+):[0-9]+:[0-9]+: (warning|error): (.*) \[([A-Za-z.]+)\]$/\1: \4: \3/p'
}
if [ "${1:-}" = --one ]; then
        find_gcc "$2"
        find_clang "$2"
        exit
fi

allowed=$(grep -v -e '^#' -e '^$' tests/analyze.allow || true)
# The largest first, so that none of them is what the others wait for in the end.
mapfile -t files < <(find policy certs cluster webhook cli -name '*.c' -exec ls -S {} +)
# They must find something in a file that has faults.
sample=$(mktemp --suffix .c)
trap 'rm -f "$sample"' EXIT
printf '%s\n' '#include <stdlib.h>' 'int f(int *p);' 'int f(int *p) { char *q = malloc(3); if (!q) return 0; q[0] = (char)*p; *p = q[*p]; free(q); free(q); return *p; }' >"$sample"
for analyser in find_gcc find_clang; do
        [ -n "$("$analyser" "$sample")" ] || { echo "$analyser does not find a double free"; exit 1; }
done
found=$(printf '%s\n' "${files[@]}" | xargs -d '\n' -n 1 -P "${JOBS:-$(nproc)}" "$0" --one | sort -u)
faults=$(grep -vxF -f <(printf '%s\n' "$allowed") <<<"$found" || true)
stale=$(grep -vxF -f <(printf '%s\n' "$found") <<<"$allowed" || true)
[ -z "$faults" ] || printf 'Found:\n%s\n' "$faults"
[ -z "$stale" ] || printf 'In tests/analyze.allow, and not found any more:\n%s\n' "$stale"
echo "${#files[@]} files, $(grep -c . <<<"$found" || true) findings, $(grep -c . <<<"$faults" || true) not allowed"
[ -z "$faults" ] && [ -z "$stale" ]
