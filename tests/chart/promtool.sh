#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Print the path of promtool: the one that is installed, or that of Debian's package, unpacked into build/tools. (To
# install the package would start a Prometheus.)
set -euo pipefail
cd "$(dirname "$0")/../.."

if command -v promtool; then exit; fi
tool=$PWD/build/tools/usr/bin/promtool
if [ ! -x "$tool" ]; then
        mkdir -p build/tools
        download=$(mktemp -d)
        trap 'rm -rf "$download"' EXIT
        fetch() { # not as the user _apt: the directory is ours alone
                (cd "$download" && apt-get -o APT::Sandbox::User=root download prometheus) >&2
        }
        fetch || { apt-get update >&2 && fetch; }
        dpkg-deb -x "$download"/prometheus_*.deb build/tools
fi
"$tool" --version >/dev/null 2>&1 || "$tool" --version >&2
echo "$tool"
