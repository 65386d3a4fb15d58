"""Records what the programs send as fixtures: `record.py PYTHON_A PYTHON_B [NAME …]`.

A fixture is a JSON file under Tests/Fixtures/agents: the library and its version, the requests as
OTLP/JSON in the order in which they came, and the model server's own account of the calls.
"""

import json
import pathlib
import re
import subprocess
import sys

from capture import Capture, as_json
from model_server import ModelServer
from programs import PROGRAMS

FIXTURES = pathlib.Path(__file__).parent.parent / "Fixtures" / "agents"

# What describes the machine that recorded and not the agent.
MACHINE = ("host.", "process.", "os.", "service.instance.id", "container.", "thread.", "code.")


def scrub(value):
    if isinstance(value, dict):
        if "attributes" in value:
            value["attributes"] = [
                item for item in value["attributes"] if not item["key"].startswith(MACHINE)
            ]
        return {key: scrub(item) for key, item in value.items()}
    if isinstance(value, list):
        return [scrub(item) for item in value]
    if isinstance(value, str):
        value = re.sub(r"(/[\w.+-]+)+/site-packages/", "site-packages/", value)
        value = re.sub(r"(/[\w.+-]+)+/(python3\.\d+)/", r"\2/", value)
        value = re.sub(r"(/[\w.+-]+)+/programs/", "programs/", value)
        return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8000", value)
    return value


def version(python, library):
    code = f"import importlib.metadata as m; print(m.version({library!r}))"
    return subprocess.run(
        [str(python), "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def record(program, python):
    models = ModelServer().start()
    capture = Capture()
    try:
        program.run(python, models.url, capture.url)
    finally:
        models.stop()
        capture.stop()
    requests = [
        {"signal": signal, "body": scrub(as_json(request))} for signal, request in capture.requests
    ]
    fixture = {
        "library": program.library,
        "version": version(python, program.library),
        "recorded": True,
        "account": models.account,
        "requests": requests,
    }
    FIXTURES.mkdir(parents=True, exist_ok=True)
    path = FIXTURES / f"{program.name}.json"
    path.write_text(json.dumps(fixture, indent=1, ensure_ascii=False) + "\n")
    print(f"{path.name}: {len(requests)} requests, {path.stat().st_size} bytes")


if __name__ == "__main__":
    pythons = dict(zip("ab", sys.argv[1:3]))
    names = sys.argv[3:]
    for program in PROGRAMS:
        if not names or program.name in names:
            record(program, pythons[program.environment])
