#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each header compiles alone, with gcc and with clang, without a warning, and is guarded by #pragma once.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

check() {
        local header compiler out flags=()
        read -r -a flags < <(pkg-config --cflags libmicrohttpd gnutls json-c yaml-0.1 libpcre2-8 libcurl zlib |
                sed 's/-I/-isystem /g')
        while IFS= read -r header; do
                grep -q '^#pragma once$' "$header" || complain "$header: no #pragma once"
                for compiler in "${CC:-gcc}" "${CLANG:-clang}"; do
                        # shellcheck disable=SC2086  # a compiler may be two words, as in ccache gcc
                        out=$($compiler -std=c17 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wstrict-prototypes -Werror \
                                -I. "${flags[@]}" -fsyntax-only -x c - 2>&1 \
                                <<<"#include \"$header\"
int headers_sh_is_no_empty_unit;") || complain "$header does not compile alone with $compiler:
$out"
                done
        done < <(project_files 'policy/*.h' 'certs/*.h' 'cluster/*.h' 'webhook/*.h' 'cli/*.h' 'tests/*.h')
}

if [ "${1:-}" = --self-test ]; then
        fresh
        sample policy/base/a.h <<<$'#pragma once\n#include <stddef.h>\nsize_t f(void);'
        accepts "a header that includes what it needs"
        sample policy/base/b.h <<<$'#pragma once\nsize_t g(void);'
        rejects "a header that needs another" 'b.h does not compile alone'
        sample policy/base/b.h <<<$'int g(void);'
        rejects "an unguarded header" 'no #pragma once'
        verdict
fi
check
verdict
