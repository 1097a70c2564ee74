#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Install the Debian packages that are missing: tests/deps.sh SET...   (build, demo, test, e2e, lint, analyze, bench, image, chart)
# Says nothing and does nothing when all are there.
set -euo pipefail

names() {
        case $1 in
        build)
                echo gcc make pkg-config libc6-dev libmicrohttpd-dev libgnutls28-dev libjson-c-dev libyaml-dev
                echo libpcre2-dev libcurl4-gnutls-dev zlib1g-dev
                ;;
        demo) echo curl python3 ;;
        test)
                echo libcmocka-dev python3 python3-pytest python3-yaml clang libclang-rt-14-dev llvm valgrind
                echo openssl gnutls-bin curl faketime python3-seccomp nghttp2-proxy
                ;;
        e2e)
                echo gcc libc6-dev python3 python3-pytest python3-yaml openssl util-linux iproute2
                echo etcd-server containerd runc containernetworking-plugins iptables conntrack
                ;;
        lint) echo git binutils clang clang-format clang-tidy cppcheck shellcheck python3-yaml ;;
        analyze) echo gcc clang-tools ;;
        bench) echo python3 python3-yaml openssl util-linux valgrind ;;
        image) echo python3 binutils ;;
        chart) echo python3 python3-yaml ;;
        *)
                echo "tests/deps.sh: no such set: $1" >&2
                exit 2
                ;;
        esac
}
text=$(for set in "$@"; do names "$set"; done)
read -r -d '' -a wanted <<<"$text" || true
[ ${#wanted[@]} -gt 0 ] || exit 0

if ! command -v dpkg-query >/dev/null; then
        # Not a Debian: name what is needed once, and let the build find out.
        echo "tests/deps.sh: no dpkg here; please see to the equivalents of: ${wanted[*]}" >&2
        exit 0
fi

installed=$(dpkg-query -W -f '${Status} ${Package}\n' | sed -n 's/^install ok installed //p')
missing=()
for package in $(printf '%s\n' "${wanted[@]}" | sort -u); do
        grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

root=()
if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null; then
                root=(sudo)
        else
                echo "These packages are missing; as root, run:" >&2
                echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
                exit 1
        fi
fi
echo "Installing packages: ${missing[*]}" >&2

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
        if ! "$@" >"$log" 2>&1; then
                cat "$log" >&2
                echo "tests/deps.sh: failed: $*" >&2
                exit 1
        fi
}
# Packages with a service would start it; here it is only their programs that are wanted. Where nobody has set a policy,
# one that starts nothing holds while they are installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
        trap 'rm -f "$log"; "${root[@]}" rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
        "${root[@]}" chmod 755 "$policy"
fi
quietly "${root[@]}" apt-get update
quietly "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}"
