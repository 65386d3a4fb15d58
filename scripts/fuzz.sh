#!/usr/bin/env bash
# The differential tests with more mutated requests and new seeds: MUTATIONS of each, SEED of yours.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build -c release
export ROOST_MUTATIONS=${MUTATIONS:-1000000} ROOST_SEED=${SEED:-$RANDOM}
echo "seed $ROOST_SEED, $ROOST_MUTATIONS mutated requests"
exec .venv/bin/python -m pytest -q Tests/EndToEnd/test_wire_differential.py Tests/EndToEnd/test_json_differential.py
