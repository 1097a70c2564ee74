#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Kubernetes that stays, to try things on: etcd and kube-apiserver with the kinds that migvet reads and the
# example cluster, in namespaces of their own.
#
#   tests/e2e/up.sh [--node]   start one, with a real node when asked; the last line sets KUBECONFIG
#   tests/e2e/up.sh down       end all that were started
#
# KUBECONFIG works from here; logs are beside that file. Where migvet is to be called by a webhook configuration, run it
# in the network of the cluster: nsenter --net=/run/netns/NAME, with the name that is printed.
set -euo pipefail
cd "$(dirname "$0")"
base=${TMPDIR:-/tmp}/migvet-e2e-up

down() { # directory
        local name=${1##*/} pid
        if pid=$(cat "$1/pid" 2>/dev/null); then
                kill -TERM -- "-$pid" 2>/dev/null || true
                for _ in {1..100}; do
                        kill -0 "$pid" 2>/dev/null || break
                        sleep 0.1
                done
                kill -KILL -- "-$pid" 2>/dev/null || true
        fi
        ip netns del "$name" 2>/dev/null || true
        rm -rf "$1"
}

case ${1:-} in
down)
        for directory in "$base"/migvet-*; do
                [ ! -d "$directory" ] || down "$directory"
        done
        exit
        ;;
--node | '') ;;
*)
        echo "usage: tests/e2e/up.sh [--node | down]" >&2
        exit 2
        ;;
esac

./run --possible
./../deps.sh e2e
tools=$(tools/build.sh)
name=migvet-$$
directory=$base/$name
number=$(($$ % 16384)) # of the network of four addresses that leads there
network=169.254.$((number / 64)).$((number % 64 * 4))
ours=${network%.*}.$((${network##*.} + 1)) theirs=${network%.*}.$((${network##*.} + 2))
mkdir -p "$directory"
trap 'down "$directory"' EXIT
ip netns add "$name"
ip link add "mv$$" type veth peer name outside netns "$name"
ip address add "$ours/30" dev "mv$$"
ip link set "mv$$" up
ip -n "$name" address add "$theirs/30" dev outside
ip -n "$name" link set outside up

PYTHONDONTWRITEBYTECODE=1 MIGVET_E2E_NETWORK=kept setsid nsenter "--net=/run/netns/$name" ./isolate.sh \
        "${PYTHON:-/usr/bin/python3}" -m harness.up "$directory" "$theirs" "$tools" "$@" \
        >"$directory/log" 2>&1 </dev/null &
echo $! >"$directory/pid"
for _ in {1..1200}; do
        [ ! -e "$directory/kubeconfig" ] || break
        if ! kill -0 "$(cat "$directory/pid")" 2>/dev/null; then
                cat "$directory/log" >&2
                exit 1
        fi
        sleep 0.1
done
[ -e "$directory/kubeconfig" ] || { echo "not ready after two minutes: $directory/log" >&2; exit 1; }
trap - EXIT
echo "It is up: logs in $directory/logs, network namespace $name; end it with tests/e2e/up.sh down." >&2
echo "PATH=$tools:\$PATH has kubectl and helm." >&2
echo "export KUBECONFIG=$directory/kubeconfig"
