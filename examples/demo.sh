#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job, seen: migvet judges an example cluster, then answers AdmissionReviews over HTTPS. Starts a server on
# loopback, on ports that the kernel chooses, and leaves nothing running.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
migvet=${MIGVET:-$here/../build/migvet}
work=$(mktemp -d)
server=

cleanup() {
        if [ -n "$server" ]; then
                kill -TERM "$server" 2>/dev/null || true
                wait "$server" 2>/dev/null || true
        fi
        rm -rf "$work"
}
trap cleanup EXIT

say() {
        printf '\n== %s\n\n' "$*"
}

say "migvet check: the example cluster, offline (examples/cluster)"
code=0
"$migvet" check -f "$here/cluster" || code=$?
[ "$code" -le 1 ] || exit "$code"

say "migvet serve: an HTTPS admission webhook on that cluster"
"$migvet" serve -f "$here/cluster" --certs "$work/certs" --listen 127.0.0.1:0 --management 127.0.0.1:0 \
        --log-format json 2>"$work/log" &
server=$!
for _ in $(seq 100); do
        grep -q '"msg":"serving"' "$work/log" && break
        kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
        sleep 0.1
done
port() {
        python3 -c 'import json, sys
for line in open(sys.argv[1]):
    event = json.loads(line)
    if event["msg"] == "serving":
        print(event[sys.argv[2]])' "$work/log" "$1"
}
address=127.0.0.1:$(port port)
management=127.0.0.1:$(port managementPort)
echo "serving on https://$address, its certificate made in a temporary directory"

# review NAME FILE: post it as kube-apiserver would, and print the answer for people.
review() {
        echo
        echo "-- $1"
        curl --silent --show-error --fail --cacert "$work/certs/ca.crt" \
                --header 'Content-Type: application/json' --data-binary "@$2" \
                "https://$address/validate?timeout=10s" >"$work/answer"
        python3 - "$work/answer" <<'END'
import json, sys, textwrap
response = json.load(open(sys.argv[1]))["response"]
notes = response.get("auditAnnotations", {})
print("   allowed: %s   verdict: %s" % ("yes" if response["allowed"] else "NO", notes.get("verdict", "-")))
status = response.get("status", {})
if status:
    print(textwrap.fill("%d %s" % (status["code"], status["message"]), 100, initial_indent="   refused: ",
                        subsequent_indent="            "))
for warning in response.get("warnings", []):
    print("   warning: " + warning)
END
}

review "a VM that can migrate" "$here/reviews/create-good-vm.json"
review "a VM that names no network and wants to be migrated on a drain" "$here/reviews/create-bridge-vm.json"
review "a VM on a ReadWriteOnce claim" "$here/reviews/create-rwo-vm.json"
review "a VM that takes port 49152 (a risk, so nothing to warn of)" "$here/reviews/create-port-vm.json"
review "a migration of a VM that cannot move" "$here/reviews/create-migration.json"

say "health and metrics, on the second port"
curl --silent --show-error "http://$management/readyz?verbose"
echo
curl --silent --show-error "http://$management/metrics" | grep '^migvet_admission_reviews_total'

kill -TERM "$server"
code=0
wait "$server" || code=$?
server=
[ "$code" = 0 ] || { echo "the server ended with $code" >&2; exit 1; }
say "done; the server has ended and nothing is left running"
