#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run a command in namespaces of its own: tests/e2e/isolate.sh COMMAND...
#
# Network, mounts and processes belong to it alone, /run and /dev/shm are empty. When it ends, however it ends, the
# kernel ends every process it has started, and takes its mounts and interfaces. So two of them never meet, and
# nothing stays behind. Only control groups outlive it: the directory migvet-e2e-N in each hierarchy, which is removed here.
set -euo pipefail

if [ "${1:-}" = --inside ]; then
        shift
        mount -t tmpfs -o mode=755 tmpfs /run
        mount -t tmpfs tmpfs /dev/shm
        mkdir -p /run/lock /run/netns
        ip link set lo up
        # What a Service of a cluster without nodes may point to: all of it is here.
        ip address replace 10.64.0.1/16 dev lo
        echo 1 >/proc/sys/net/ipv4/ip_forward
        # Not exec: the first process of the namespace is this shell, which buries orphans.
        status=0
        "$@" || status=$?
        exit "$status"
fi

if [ "$(id -u)" != 0 ]; then
        echo "tests/e2e: the tests against a real Kubernetes make network, mount and control groups of their own:" \
                "run them as root" >&2
        exit 1
fi
[ "${1:-}" != --check ] || exit 0
for needed in unshare setpriv ip; do
        command -v "$needed" >/dev/null || {
                echo "tests/e2e: $needed is missing (tests/deps.sh e2e)" >&2
                exit 1
        }
done
export MIGVET_E2E_GROUP=migvet-e2e-$$
remove_groups() {
        local number
        for group in /sys/fs/cgroup/{,*/}migvet-e2e-*; do
                number=${group##*-}
                [ "$number" = $$ ] || [ ! -e "/proc/$number" ] || continue
                [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
        done
}
remove_groups
status=0
network=(--net)
[ -z "${MIGVET_E2E_NETWORK:-}" ] || network=() # the one we are in was made for us
# Whatever ends this shell ends that, too; its control groups are then removed by the next run.
setpriv --pdeathsig KILL -- \
        unshare --mount "${network[@]}" --pid --fork --kill-child --mount-proc -- "$0" --inside "$@" || status=$?
remove_groups
exit "$status"
