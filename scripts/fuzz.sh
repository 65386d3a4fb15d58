#!/usr/bin/env bash
# Builds the fuzz targets and gives each of them inputs for some seconds. docs/testing.md.
#
#   scripts/fuzz.sh SECONDS [TARGET …]
#
# CONFIGURATION=debug builds in half the time and runs at a tenth of the speed.
set -euo pipefail
cd "$(dirname "$0")/.."
# SwiftPM gives the compiler a flag for each sanitizer, of which the compiler takes the last: so it is
# told both at once behind them. The C targets get theirs from SwiftPM.
export CONFIGURATION=${CONFIGURATION:-release}
ROOST_FUZZ=1 swift build -c "$CONFIGURATION" --product fuzz --scratch-path .build/fuzz \
    --sanitize fuzzer --sanitize address \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing 2>&1 |
    sed '/Cannot export local symbol/d' # the linker's, of the sanitizer's own symbols
exec .venv/bin/python Fuzz/run.py "$@"
