#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Functions that are never called: no bounds, hidden state, a shell, or a changed locale.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

banned='strcpy|strcat|strncat|stpcpy|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|atof|gmtime|localtime|ctime|asctime'
banned+='|setlocale|alloca|system|popen|tmpnam|tempnam|mktemp|rand|srand'

# The code of a file without comments and what is in quotes, line by line.
code() {
        awk '
        {
                out = ""; i = 1; n = length($0)
                while (i <= n) {
                        two = substr($0, i, 2); c = substr($0, i, 1)
                        if (comment) {
                                if (two == "*/") { comment = 0; i += 2 } else i++
                        } else if (quote != "") {
                                if (c == "\\") i += 2; else { if (c == quote) quote = ""; i++ }
                        } else if (two == "/*") { comment = 1; i += 2 }
                        else if (two == "//") break
                        else if (c == "\"" || c == "\047") { quote = c; out = out c; i++ }
                        else { out = out c; i++ }
                }
                quote = ""
                print out
        }' "$1"
}

check() {
        local file hit
        while IFS= read -r file; do
                while IFS= read -r hit; do
                        complain "$file:$hit"
                done < <(code "$file" | grep -nE "(^|[^A-Za-z0-9_.>])($banned)[[:space:]]*\(" || true)
        done < <(project_files '*.c' '*.h')
}

if [ "${1:-}" = --self-test ]; then
        fresh
        sample a.c <<'END'
/* never strcpy(a, b)
   nor system("x") */
int f(void) { g("sprintf(x)"); my_system(1); snprintf(a, 2, "\"atoi(1)"); p->system(1); } // gets(x)
END
        accepts "mentions in comments and strings, and longer names"
        for call in 'strcpy(a, b)' 'x = atoi (s)' 'gmtime(&t)' 'if (system("ls"))' 'popen(a, b)' 'sprintf(a, "/*")' \
                'alloca(n)' 'setlocale(LC_ALL, "")' 'strtok(a, b)' 'strcat(a, b)'; do
                sample a.c <<<"int f(void) { $call; }"
                rejects "$call" 'a.c:1'
        done
        verdict
fi
check
verdict
