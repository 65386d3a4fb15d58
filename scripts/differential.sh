#!/usr/bin/env bash
# What random and bent input makes of Roost and of an independent implementation, with more of it
# than `make test` takes and a new seed each time: protobuf, OTLP/JSON, pages of metrics, HTTP/2
# frames. CASES says how many requests, SEED repeats a run.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build -c release --static-swift-stdlib
cases=${CASES:-1000000}
seed=${SEED:-$RANDOM}
echo "seed $seed, $cases bent requests for each reader; SEED=$seed make differential does it again"
export ROOST_WIRE_CASES=$cases ROOST_WIRE_SEED=$seed JSON_MUTATIONS=$cases JSON_SEED=$seed
export SERIES_SEEDS=$((cases / 1000)) HTTP2_SEEDS=$((cases / 2000 + 1)) HTTP2_SEED=$seed
cd Tests/EndToEnd
exec ../../.venv/bin/python -m pytest -q test_wire_differential.py test_json_differential.py \
    test_series_pages.py test_http2_frames.py
