#!/usr/bin/env bash
# Fetches the two pinned wheels and makes the table from the figures inside.
set -euo pipefail
cd "$(dirname "$0")/.."
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
.venv/bin/python -m pip download --quiet --no-deps --only-binary :all: --dest "$wheels" \
    genai-prices==0.2.3 litellm==1.109.1
.venv/bin/python Prices/generate.py "$wheels"/genai_prices-*.whl "$wheels"/litellm-*.whl \
    Prices/prices.txt Sources/CPrices/prices.c
