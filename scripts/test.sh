#!/usr/bin/env bash
# Every check, in the order in which a fault is cheapest to find. Called by `make test`.
set -uo pipefail
cd "$(dirname "$0")/.."

said=$(mktemp)
trap 'rm -f "$said" "$said.failed"' EXIT
failed=()
step() {
    local name=$1
    shift
    local began=$SECONDS
    echo "== $name"
    "$@" 2>&1 | tee "$said"
    if [ "${PIPESTATUS[0]}" -eq 0 ]; then
        echo "== $name: ok ($((SECONDS - began)) s)"
    else
        echo "== $name: FAILED ($((SECONDS - began)) s)"
        failed+=("$name")
        { echo "-- $name"; grep -aE '✘|error:|^(FAILED|ERROR|E  ) ' "$said" | cut -c 1-300 | head -40; } \
            >>"$said.failed"
    fi
}

# Says once more what failed: it may stand far above, in front of the output of later steps.
finish() {
    [ ${#failed[@]} -gt 0 ] || return 0
    cat "$said.failed"
    echo "FAILED: ${failed[*]}"
    exit 1
}

step "layout" swift format lint --strict --parallel --recursive Package.swift Sources Tests Benchmarks Fuzz
step "build" swift build --build-tests --explicit-target-dependency-import-check error
finish
step "unit tests" swift test --skip-build --quiet
step "fuzz targets" env CONFIGURATION=debug scripts/fuzz.sh 5
step "release build" swift build -c release --static-swift-stdlib
finish
step "end-to-end tests" .venv/bin/python -m pytest -q --durations=8 Tests/EndToEnd
finish
echo "every check passed in $SECONDS s"
