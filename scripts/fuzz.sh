#!/usr/bin/env bash
# The differential tests of the readers with more bent requests than `make test` takes, and a new
# seed each time. CASES says how many, SEED repeats a run.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build -c release --static-swift-stdlib
cases=${CASES:-1000000}
seed=${SEED:-$RANDOM}
echo "seed $seed, $cases bent requests for each reader; SEED=$seed make fuzz does the same again"
export ROOST_WIRE_CASES=$cases ROOST_WIRE_SEED=$seed JSON_MUTATIONS=$cases JSON_SEED=$seed
exec .venv/bin/python -m pytest -q \
    Tests/EndToEnd/test_wire_differential.py Tests/EndToEnd/test_json_differential.py
