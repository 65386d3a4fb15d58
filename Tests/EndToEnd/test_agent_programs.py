"""The programs of Tests/Agents, run with their real instrumentations against `roost serve` and a model
server that keeps the account: what `/metrics` says of calls and tokens is what the server answered.

Their packages live in environments of their own, `.venv/agents-a` and `.venv/agents-b`, which `make
test` makes; where they could not be installed the tests are skipped and say so. `ROOST_AGENTS_A` and
`ROOST_AGENTS_B` name other Pythons.
"""

import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import sys

import pytest
from conftest import ROOT, starter, wait_until
from test_demo import run_demo

AGENTS = ROOT / "Tests" / "Agents"
sys.path.insert(0, str(AGENTS))

from model_server import ModelServer  # noqa: E402
from programs import PROGRAMS  # noqa: E402

# Longer than the pauses of any program between two exports.
HOLD = {"agents": {"hold": "5s"}}

# What a library does not send of some calls, and in what else it is then hidden.
KEPT_BACK = {
    "opentelemetry_openai_v2": {"cache_read": "input", "reasoning": "output"},
    "strands_agent": {"reasoning": "output"},
    "openlit_openai": {"reasoning": "output"},
    "openllmetry_openai": {"reasoning": "output"},
    "langgraph_openllmetry": {"reasoning": "output"},
    "mlflow_openai": {"reasoning": "output"},
}
# Two instrumentations tell the failed call, in traces of their own: see docs/agents.md.
TOLD_TWICE = {("openllmetry_anthropic", "missing")}


def python_of(environment):
    """The Python that has the packages; a reason to skip where there is none."""
    named = os.environ.get(f"ROOST_AGENTS_{environment.upper()}")
    if named:
        return named
    folder = ROOT / ".venv" / f"agents-{environment}"
    wanted = AGENTS / f"requirements-{environment}.txt"
    stamp = folder / ".requirements"
    if not stamp.exists() or stamp.read_text() != wanted.read_text():
        pytest.skip(f"{wanted.relative_to(ROOT)} is not installed in {folder.relative_to(ROOT)}")
    return folder / "bin" / "python"


class Run:
    """What a program's collector shows after its end, and the account of its model server."""

    def __init__(self, program, python, start, main):
        models = ModelServer().start()
        # The main one gets everything once more.
        forward = {"name": "main", "endpoint": f"http://{main.http}", "protocol": "http/protobuf",
                   "batch": {"delay": "20ms"}}
        process = start({**HOLD, "export": [forward]})
        try:
            program.run(python, models.url, f"http://{process.http}")
            self.account = models.account
            wait_until(lambda: process.metrics().value("roost_agent_held_activities") == 0,
                       timeout=60, what="quiet traces")
            self.metrics = process.metrics()
            self.spans = self.metrics.value("roost_receiver_accepted_spans_total")
        finally:
            models.stop()
            # What waits for the main one is sent before it ends.
            self.code = process.stop()


@pytest.fixture(scope="module")
def main(tmp_path_factory):
    """The collector to which those of all programs forward."""
    with starter(tmp_path_factory.mktemp("main")) as start:
        yield start(HOLD)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, main):
    """By name, runs to come; several programs at a time, since each mostly imports and waits."""
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=(os.cpu_count() or 1) + 1)
    with contextlib.ExitStack() as stack:
        stack.callback(pool.shutdown, cancel_futures=True)
        found = {}
        for program in PROGRAMS:
            try:
                python = python_of(program.environment)
            except pytest.skip.Exception:
                continue
            start = stack.enter_context(starter(tmp_path_factory.mktemp(program.name)))
            found[program.name] = pool.submit(Run, program, python, start, main)
        yield found


def by_label(metrics, name, label, **labels):
    sums = collections.Counter()
    for sample in metrics.find(name, **labels):
        sums[sample.labels[label]] += sample.value
    return +sums


def model_told(name, model):
    """Answers of gpt-4o say which one it was; some libraries tell the one that was asked for."""
    if model == "gpt-4o" and name not in ("strands_agent", "langsmith_traced"):
        return "gpt-4o-2024-08-06"
    return model


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_program_gives_the_account_of_its_provider(runs, program):
    python_of(program.environment)
    name = program.name
    run = runs[name].result()
    assert run.code == 0
    assert run.metrics.value("roost_agent_rejected_values_total") == 0
    expected_calls, expected_failed = collections.Counter(), collections.Counter()
    for model, row in run.account.items():
        told = model_told(name, model)
        times = 2 if (name, model) in TOLD_TWICE else 1
        expected_calls[told] += times * row["calls"]
        expected_failed[told] += times * row["failed"]
        tokens = by_label(run.metrics, "roost_llm_tokens_total", "token_type", model=told)
        expected = collections.Counter(row["tokens"])
        for kept, hidden in KEPT_BACK.get(name, {}).items():
            for counter in (tokens, expected):
                counter[hidden] += counter.pop(kept, 0)
        assert +tokens == +expected, model
    assert by_label(run.metrics, "roost_llm_calls_total", "model") == expected_calls
    assert by_label(run.metrics, "roost_llm_calls_total", "model", status="error") == \
        +expected_failed
    assert run.metrics.value("roost_llm_tokens_total") == sum(
        sum(row["tokens"].values()) for row in run.account.values())

    # Runs, tools and workflows as when it was recorded.
    recorded = json.loads((ROOT / f"Tests/Fixtures/agents/{name}.json").read_text())
    for key, family, label in [
        ("agents", "roost_agent_runs_total", "agent"),
        ("tools", "roost_tool_calls_total", "tool"),
        ("workflows", "roost_workflow_runs_total", "workflow"),
    ]:
        if key in recorded:
            assert by_label(run.metrics, family, label) == recorded[key], key


def test_all_of_them_and_a_demo_side_by_side(runs, main):
    if not runs:
        pytest.skip("no program's packages are installed: see Tests/Agents/requirements-*.txt")
    demo = run_demo("--endpoint", f"http://{main.grpc}", "--rate", 600, "--for", 4)
    assert demo.returncode == 0, demo.stderr
    report = json.loads(demo.stdout)
    ended = {name: future.result() for name, future in runs.items()}
    tokens = collections.Counter(report["tokens"])
    calls = report["calls"]["llm"]["count"] + report["calls"]["embeddings"]["count"]
    failed = report["calls"]["llm"]["failed"] + report["calls"]["embeddings"]["failed"]
    for name, run in ended.items():
        for model, row in run.account.items():
            times = 2 if (name, model) in TOLD_TWICE else 1
            calls += times * row["calls"]
            failed += times * row["failed"]
            tokens.update(row["tokens"])
    spans = report["sent"]["spans"] + sum(run.spans for run in ended.values())
    wait_until(lambda: main.metrics().value("roost_receiver_accepted_spans_total") >= spans,
               timeout=30, what="everything to be forwarded")
    wait_until(lambda: main.metrics().value("roost_agent_held_activities") == 0, timeout=60,
               what="quiet traces")
    shown = main.metrics()
    assert shown.value("roost_receiver_accepted_spans_total") == spans
    assert shown.value("roost_llm_calls_total") == calls
    assert shown.value("roost_llm_calls_total", status="error") == failed
    told = by_label(shown, "roost_llm_tokens_total", "token_type")
    for kept, hidden in [("cache_read", "input"), ("reasoning", "output")]:
        for counter in (told, tokens):
            counter[hidden] += counter.pop(kept)
    assert told == tokens
