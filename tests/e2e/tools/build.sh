#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Build what the tests in tests/e2e run against: kube-apiserver, kube-controller-manager, kube-scheduler, kubelet,
# kube-proxy, kubectl, etcd, helm, kubeconform and kwok, all of the versions in go.mod. The last line on standard output is the
# directory that holds them. It belongs to go.mod, go.sum, this file and the version of Go; when it is there, nothing is done.
# Two that build at once wait for one another; one that is interrupted leaves nothing that looks complete.
set -euo pipefail
cd "$(dirname "$0")"
umask 022

say() { echo "tests/e2e: $*" >&2; }

if ! command -v go >/dev/null && [ -x /usr/local/go/bin/go ]; then PATH=$PATH:/usr/local/go/bin; fi
if ! command -v go >/dev/null; then
        say "there is no Go here; the tests against a real Kubernetes need Go 1.26 (https://go.dev/dl)"
        exit 1
fi
# In this directory, so that a Go which can fetch the one that go.mod asks for does so.
if ! version=$(go version 2>&1) || ! [[ $version =~ go([0-9]+)\.([0-9]+) ]] ||
        ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] < 1026)); then
        say "the tests against a real Kubernetes need Go 1.26 (https://go.dev/dl); here is: ${version%%$'\n'*}"
        exit 1
fi

key=$(cat go.mod go.sum build.sh - <<<"$version" | sha256sum | cut -c 1-20)
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/migvet-e2e
bin=$cache/$key/bin
if [ "${1:-}" = --check ]; then # only whether it could be done
        exit 0
fi
if [ ! -d "$bin" ]; then
        mkdir -p "$cache"
        exec 9>"$cache/lock"
        if ! flock -n 9; then
                say "another build of the tools is under way; waiting for it"
                flock 9
        fi
fi
if [ ! -d "$bin" ]; then
        say "building Kubernetes' programs with ${version#go version }, once: up to 170 MB of modules are fetched"
        say "and 9 minutes of one core's time spent, 5 minutes with two; they go to $cache/$key (600 MB)"
        part=$cache/$key.part
        rm -rf "$part"
        trap 'rm -rf "$part"' EXIT
        mkdir -p "$part/bin"
        begun=$SECONDS
        # Without C whatever compiler there is, or is just being installed, makes no difference.
        export CGO_ENABLED=0
        if ! go list -deps tool >/dev/null 2>"$part/log"; then
                say "the modules cannot be fetched:"
                tail -20 "$part/log" >&2
                exit 1
        fi
        kubernetes=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
        IFS=. read -r major minor _ <<<"${kubernetes#v}"
        stamp="-X k8s.io/component-base/version.gitVersion=$kubernetes"
        stamp+=" -X k8s.io/component-base/version.gitMajor=$major -X k8s.io/component-base/version.gitMinor=$minor"
        progress() { cat >/dev/null; }
        if [ -t 2 ]; then
                say "the modules are there after $((SECONDS - begun)) s; compiling"
                progress() { awk '{ printf "\r  %d packages: %-60.60s", NR, $0; fflush() } END { print "" }' >&2; }
        fi
        # Without symbols and debug information linking takes a third of the time.
        if ! go build -v -ldflags "-s -w $stamp" -o "$part/bin/" tool 2>&1 | tee "$part/log" | progress; then
                say "the build failed:"
                grep -v '^[A-Za-z0-9./_-]*$' "$part/log" | tail -40 >&2
                exit 1
        fi
        mv "$part/bin/server" "$part/bin/etcd" # go.etcd.io/etcd/server/v3
        rm "$part/log"
        rm -rf "${cache:?}/$key"
        mv "$part" "$cache/$key"
        say "the tools are built, after $((SECONDS - begun)) s"
fi
echo "$bin"
