#!/usr/bin/env bash
# Every check, in the order in which a fault is cheapest to find. Called by `make test`.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=()
step() {
    local name=$1
    shift
    local began=$SECONDS
    echo "== $name"
    if "$@"; then
        echo "== $name: ok ($((SECONDS - began)) s)"
    else
        echo "== $name: FAILED ($((SECONDS - began)) s)"
        failed+=("$name")
    fi
}

step "layout" swift format lint --strict --parallel --recursive Package.swift Sources Tests Benchmarks Fuzz
step "build" swift build --build-tests --explicit-target-dependency-import-check error
[ ${#failed[@]} -eq 0 ] || { echo "stopping: ${failed[*]}"; exit 1; }
step "unit tests" swift test --skip-build --quiet
step "fuzz targets" env CONFIGURATION=debug scripts/fuzz.sh 5
step "release build" swift build -c release --static-swift-stdlib
[ ${#failed[@]} -eq 0 ] || { echo "stopping: ${failed[*]}"; exit 1; }
step "end-to-end tests" .venv/bin/python -m pytest -q --durations=8 Tests/EndToEnd

if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED: ${failed[*]}"
    exit 1
fi
echo "every check passed in $SECONDS s"
