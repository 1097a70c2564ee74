#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Build OPA and the Kyverno CLI, of the versions in opa/go.mod and kyverno/go.mod, into the directory that is given.
# What is there is not built again.   tests/bench/peers/build.sh DIRECTORY
set -euo pipefail
mkdir -p "$1"
bin=$(cd "$1" && pwd)
cd "$(dirname "$0")"
if ! command -v go >/dev/null && [ -x /usr/local/go/bin/go ]; then PATH=$PATH:/usr/local/go/bin; fi
for peer in opa kyverno; do
        program=$bin/$peer
        [ -x "$program" ] && [ "$program" -nt $peer/go.mod ] && continue
        tool=$(sed -n 's/^tool //p' $peer/go.mod)
        echo "building $tool: its modules are fetched (opa: 40 MB, kyverno: 800 MB), once; kyverno takes ten minutes of two" \
                "cores" >&2
        (cd $peer && CGO_ENABLED=0 go build -ldflags "-s -w" -o "$program" "$tool")
done
