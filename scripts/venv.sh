#!/usr/bin/env bash
# Makes .venv with exactly what a requirements file names; does nothing when it is up to date.
#
#   scripts/venv.sh Tests/requirements.txt [more.txt ...]
#   VENV=.venv/agents-a scripts/venv.sh Tests/Agents/requirements-a.txt
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${VENV:-.venv}
stamp=$venv/.requirements
if [ -e "$stamp" ] && cat "$@" | cmp -s - "$stamp"; then exit 0; fi
python=/usr/bin/python3
[ -x "$python" ] || python=python3
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
arguments=()
for file in "$@"; do arguments+=(-r "$file"); done
echo "Installing Python packages into $venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${arguments[@]}"
cat "$@" >"$stamp"
