#!/usr/bin/env bash
# Makes the environments in which the programs of Tests/Agents run. Where their packages cannot be
# installed the tests of these programs are skipped, and all others run.
set -uo pipefail
cd "$(dirname "$0")/.."

for environment in a b; do
    wanted=Tests/Agents/requirements-$environment.txt
    VENV=.venv/agents-$environment scripts/venv.sh "$wanted" ||
        echo "$wanted could not be installed: the tests of its programs will be skipped"
done
