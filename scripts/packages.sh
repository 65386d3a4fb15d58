#!/usr/bin/env bash
# Installs the Debian packages that a purpose needs, and nothing when they are all there.
#
#   scripts/packages.sh run | test
#
# Starts no service: Debian asks a policy file before it does, and for the time of the
# installation that file says no.
set -euo pipefail

run="libprotobuf-c-dev libnghttp2-dev libcurl4-openssl-dev libuv1-dev libhttp-parser-dev
    libwslay-dev libssl-dev libdeflate-dev zlib1g-dev libzstd-dev libsqlite3-dev libyaml-dev"
test="protobuf-c-compiler protobuf-compiler prometheus nghttp2-client python3 python3-venv
    debootstrap iproute2 curl openssl"

case "${1:-}" in
    run) wanted=$run ;;
    test) wanted="$run $test" ;;
    *)
        echo "usage: $0 run|test" >&2
        exit 2
        ;;
esac

# Under sudo the PATH is often not the one that finds Swift.
if ! command -v swift >/dev/null; then
    echo "The Swift toolchain (6.2 or later) is not on the PATH, which is $PATH" >&2
    echo "Install it (https://www.swift.org/install), or add the folder of its programs to PATH." >&2
    exit 1
fi

missing=""
for package in $wanted; do
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "This machine has no apt-get. Roost is built on Debian 12, with these packages:$missing" >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=()
elif command -v sudo >/dev/null; then
    as_root=(sudo)
else
    echo "Some Debian packages are missing, and installing them needs root or sudo. As root:" >&2
    echo "    apt-get update && apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

echo "Installing Debian packages (no recommended ones, no service is started):$missing"

policy=/usr/sbin/policy-rc.d
kept=""
restore() {
    if [ -n "$kept" ]; then
        "${as_root[@]}" mv "$kept" "$policy"
    else
        "${as_root[@]}" rm -f "$policy"
    fi
}
if [ -e "$policy" ]; then
    kept="$policy.before-roost"
    "${as_root[@]}" mv "$policy" "$kept"
fi
trap restore EXIT
printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
"${as_root[@]}" chmod 755 "$policy"

# What goes wrong is told on standard error; the hundreds of lines about what goes well are not.
"${as_root[@]}" apt-get update -qq
# sudo hands no variables on, so that they have to be set behind it.
# shellcheck disable=SC2086
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes \
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 $missing >/dev/null
