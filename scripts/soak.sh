#!/usr/bin/env bash
# Every fault of Tests/EndToEnd/test_trouble.py with its full counts and a new seed each time: 25 kills,
# every cut of a record, half a minute of SIGSTOP. SEED repeats a run. Prints the table at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
seed=${SEED:-$RANDOM}
echo "seed $seed; SEED=$seed make soak does it again"
cd Tests/EndToEnd
ROOST_SOAK=1 ROOST_SEED=$seed exec ../../.venv/bin/python -m pytest -q test_trouble.py
