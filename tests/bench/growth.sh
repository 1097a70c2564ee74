#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A review must not cost more because the cluster is large: the instructions that reviews of a VirtualMachine (with a
# claim, and with the template of one) and of a migration take with 1,000 and with 100,000 machines, counted by callgrind. A tenth
# more, and this fails.
# tests/bench/growth.sh PROGRAM (build/release/tests/bench/growth)
set -euo pipefail
program=$1
few=1000 many=100000 status=0

count() { # what, machines
        valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 |
                awk '/Collected/ { print $NF; found = 1 } END { exit !found }'
}
for what in machine template migration; do
        of_few=$(count "$what" "$few")
        of_many=$(count "$what" "$many")
        echo "ten reviews of a $what: $of_few instructions with $few machines, $of_many with $many"
        if ((of_many * 10 > of_few * 11)); then
                echo "tests/bench/growth.sh: a review of a $what grows with the cluster" >&2
                status=1
        fi
done
exit "$status"
