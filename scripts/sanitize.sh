#!/usr/bin/env bash
# Unit tests and those end-to-end tests that keep many threads busy, under thread and under address
# sanitizer; any report fails. docs/testing.md.
#
#   scripts/sanitize.sh [thread|address …]
set -uo pipefail
cd "$(dirname "$0")/.."

# What exercises the threads: receivers on all loops, forwarding, the store's writer, live streams,
# scrapes and probes beside all of it, reload and drain.
files=(test_receivers test_connections test_http2_frames test_forwarding test_store test_live
    test_health test_redaction test_audit test_config test_demo)
paths=("${files[@]/#/Tests/EndToEnd/}")
paths=("${paths[@]/%/.py}")
failed=()
summary=()

# control KIND FOLDER: the sanitizer finds what is there to be found, and nothing in what is right.
control() {
    local kind=$1 folder=$2
    [ "$kind" = thread ] || return 0
    clang -O1 -fPIC -shared -Wall -o "$folder/mutex.so" Tests/Sanitize/mutex.c || return 1
    swiftc -parse-as-library -g -sanitize=thread -o "$folder/control" Tests/Sanitize/Control.swift ||
        return 1
    local found
    found=$(LD_PRELOAD="$folder/mutex.so" "$folder/control" race 2>&1 | grep -c "^SUMMARY")
    [ "$found" -ge 1 ] || { echo "the race of the control program is not found"; return 1; }
    found=$(LD_PRELOAD="$folder/mutex.so" "$folder/control" 2>&1 | grep -c "^SUMMARY")
    [ "$found" -eq 0 ] || { echo "$found races are seen where there are none"; return 1; }
}

# reports FOLDER NAME: how many there are; the different ones are shown.
reports() {
    local count
    count=$(cat "$1"/report.* 2>/dev/null | grep -c "^SUMMARY")
    [ "$count" -eq 0 ] || cat "$1"/report.* | grep "^SUMMARY" | sort | uniq -c | sort -rn | head -20
    summary+=("$2: $count reports")
    [ "$count" -eq 0 ] || failed+=("$2")
}

sanitize() {
    local kind=$1
    local folder=$PWD/.build/sanitize-$kind
    mkdir -p "$folder"
    swift build --build-tests --sanitize "$kind" --scratch-path "$folder" ||
        { failed+=("$kind: build"); return; }
    control "$kind" "$folder" || { failed+=("$kind: control"); return; }
    local preload="" options=""
    case $kind in
        thread)
            preload=$folder/mutex.so
            options="exitcode=0"
            ;;
        address) options="detect_leaks=0:halt_on_error=0" ;;
    esac
    export SWIFT_BACKTRACE=enable=no ROOST_SANITIZER=$kind
    local part
    for part in unit end-to-end; do
        rm -f "$folder"/report.*
        export TSAN_OPTIONS="$options:log_path=$folder/report"
        export ASAN_OPTIONS="$options:log_path=$folder/report"
        if [ $part = unit ]; then
            LD_PRELOAD=$preload "$folder"/debug/roostPackageTests.xctest \
                --testing-library swift-testing >"$folder/unit.log" 2>&1
        else
            ROOST_BINARY=$folder/debug/roost ROOST_PRELOAD=$preload .venv/bin/python -m pytest -q \
                "${paths[@]}" >"$folder/end-to-end.log" 2>&1
        fi || { tail -40 "$folder/$part.log"; failed+=("$kind: $part"); }
        tail -1 "$folder/$part.log"
        reports "$folder" "$kind, $part"
    done
}

for kind in ${*:-thread address}; do sanitize "$kind"; done
printf '%s\n' "${summary[@]}"
[ ${#failed[@]} -eq 0 ] || { echo "FAILED: ${failed[*]}"; exit 1; }
echo "no report"
