"""The API against its own description and against what is known to have happened: the account that
`roost demo` prints, and traces made here.

ROOST_DEMO_SECONDS=600 ROOST_DEMO_RATE=90 play for ten minutes instead of some seconds; there should
be no more than 1,000 workflows."""

import base64
import gzip
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.parse
from collections import Counter

import httpx
import pytest
from conftest import roost_binary, starter, wait_until
from google.protobuf import json_format
from openapi import ROOT, Description, is_stream
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from telemetry import PROTOBUF, START, attribute, request, scopes

TRACE = bytes(range(1, 17)).hex()
SECONDS = float(os.environ.get("ROOST_DEMO_SECONDS", "5"))
RATE = os.environ.get("ROOST_DEMO_RATE", "600")
# Longer than the demo waits between what belongs to one trace: played in minutes, its calls take as
# long as they would, and some give up after a minute of silence.
HOLD = "5s" if SECONDS <= 10 else "2m"
BUDGET = {"name": "all-of-it", "scope": "all", "limit": "1000 USD", "per": "month"}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A collector into which the demo has played, all of it stored and counted; the demo's account."""
    with starter(tmp_path_factory.mktemp("played")) as start:
        process = start({"agents": {"hold": HOLD}, "budgets": [BUDGET]})
        done = subprocess.run(
            [roost_binary(), "demo", "--endpoint", f"http://{process.grpc}", "--rate", RATE,
             "--for", str(SECONDS), "--seed", "7"],
            capture_output=True, text=True, timeout=SECONDS + 180, check=True)
        report = json.loads(done.stdout)
        assert not any(report["refused"].values()) and not any(report["lost"].values())

        def is_over():
            page = ask(process, "overview")
            ran = page["totals"]["workflows"]
            return page["store"]["spans_stored"] == report["sent"]["spans"] and \
                page["store"]["open_traces"] == 0 and \
                ran["completed"] + ran["failed"] == report["workflows"]["count"]

        wait_until(is_over, timeout=240, every=0.2, what="everything stored and counted")
        yield process, report


@pytest.fixture(scope="module")
def description(played):
    return Description(ask(played[0], "openapi.json"))


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A collector with one trace of three spans of two services; the spans as they were sent."""
    with starter(tmp_path_factory.mktemp("own")) as start:
        process = start()
        message = made()
        send(process, message)
        wait_until(
            lambda: process.get(f"/api/traces/{TRACE}").status_code == 200, what="the trace")
        yield process, message


def made():
    message = request("traces", 0, service="front", resource={"host.name": "one"})
    message.MergeFrom(request("traces", 0, service="back"))
    front, back = scopes(message)
    for scope, number, parent, name, kind in (
            (front, 1, 0, "GET /", 2), (front, 2, 1, "call", 3), (back, 3, 2, "work", 2)):
        span = scope.spans.add(
            trace_id=bytes.fromhex(TRACE), span_id=number.to_bytes(8, "big"), name=name, kind=kind,
            parent_span_id=parent.to_bytes(8, "big") if parent else b"",
            start_time_unix_nano=START + number * 1_000_000,
            end_time_unix_nano=START + 90_000_000 - number * 1_000_000)
        span.attributes.append(attribute("number", number))
    back.spans[0].attributes.add(key="raw").value.bytes_value = b"\x00\x01"
    back.spans[0].status.code = 2
    back.spans[0].status.message = "broken"
    back.spans[0].events.add(time_unix_nano=START + 5_000_000, name="exception")
    return message


def send(process, message, path="/v1/traces"):
    answer = httpx.post(
        f"http://{process.http}{path}", content=message.SerializeToString(),
        headers={"content-type": PROTOBUF}, trust_env=False)
    assert answer.status_code == 200, answer.text


def get(process, path, **parameters):
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    return process.get((path if path.startswith("/") else ROOT + path) + query)


def ask(process, path, **parameters):
    answer = get(process, path, **parameters)
    assert answer.status_code == 200, f"{path}: {answer.text}"
    return answer.json()


def pages(process, path, name, limit, **parameters):
    """Every row of a list, page by page."""
    rows, cursor = [], {}
    while cursor is not None:
        page = ask(process, path, limit=limit, **parameters, **cursor)
        # Log records that were stored together stand together.
        assert len(page[name]) <= limit or name == "logs"
        rows += page[name]
        cursor = {"cursor": page["cursor"]} if page["cursor"] else None
    return rows


# The description


def test_every_path_answers_as_it_is_described(played, description):
    process, _ = played
    ids = [row["trace_id"] for row in ask(process, "traces", limit=2)["traces"]]
    given = {
        "trace_id": ids[0], "id": ids[0], "a": ids[0], "b": ids[1], "service": "coder"}
    checked = 0
    for path, operation in description.operations():
        if is_stream(operation):
            continue
        values = {
            one["name"]: given[one["name"]] for one in operation.get("parameters", [])
            if one["required"]}
        if path == "/api/traces":
            values["service"] = "coder"
        answer = get(process, path.format(**values), **{
            name: value for name, value in values.items() if f"{{{name}}}" not in path})
        assert answer.status_code == 200, f"{path}: {answer.text[:300]}"
        description.check_answer(path, operation, answer)
        checked += 1
    assert checked >= 27


def test_every_trace_and_its_analysis_answer_as_described(played, description):
    process, _ = played
    rows = ask(process, "traces", limit=1000)["traces"]
    for row in rows[:40]:
        trace = ask(process, f"traces/{row['trace_id']}")
        description.check("Trace", trace)
        description.check("TraceAnalysis", ask(process, f"traces/{row['trace_id']}/analysis"))
        description.check("Workflow", ask(process, f"workflows/{row['trace_id']}"))
        assert len(trace["spans"]) == trace["span_count"] == row["spans"]


def test_the_operations_have_names_of_their_own(description):
    names = [
        operation["operationId"] for methods in description.document["paths"].values()
        for operation in methods.values()]
    assert len(names) == len(set(names))


def test_schemas_that_are_named_are_there(description):
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(description.document)))
    assert named <= set(description.schemas)


def test_every_path_is_in_the_page_for_people(description):
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs/api.md").read_text()
    for path in description.document["paths"]:
        assert f"{path.removeprefix(ROOT)}`" in page, path


# What the demo did


def test_totals_are_those_of_the_demo(played):
    process, report = played
    calls, workflows, agents = report["calls"], report["workflows"], report["agents"]
    models = calls["llm"]["count"] + calls["embeddings"]["count"]

    total = ask(process, "metrics/windows", window=60)["cumulative"]
    assert total["total_workflow_runs"] == workflows["count"]
    assert total["total_agent_runs"] == agents["count"]
    assert total["total_llm_calls"] == models
    assert total["total_tool_calls"] == calls["tools"]["count"]
    assert total["unpriced_calls"] == report["unpriced_calls"]
    assert total["total_cost"] == pytest.approx(report["cost_usd"], abs=1e-9)
    assert {key: total["tokens"][key] for key in report["tokens"]} == report["tokens"]
    assert total["total_tokens"] == total["tokens"]["total"] == sum(report["tokens"].values())

    fleet = ask(process, "fleet")
    assert fleet["workflows"]["failed"] == workflows["failed"]
    assert fleet["workflows"]["completed"] == workflows["count"] - workflows["failed"]
    assert fleet["workflows"]["active"] == fleet["executions"]["active"] == 0
    assert fleet["executions"]["completed"] == agents["count"] - agents["failed"]
    assert fleet["executions"]["failed"] == agents["failed"]
    assert fleet["calls"]["llm"] == models
    assert fleet["calls"]["llm_failed"] == calls["llm"]["failed"] + calls["embeddings"]["failed"]
    assert fleet["calls"]["tool"] == calls["tools"]["count"]
    assert fleet["calls"]["tool_failed"] == calls["tools"]["failed"]
    assert fleet["tokens"] == sum(report["tokens"].values())
    assert fleet["cost_usd"] == pytest.approx(report["cost_usd"], abs=1e-9)
    assert sum(row["llm_calls"] for row in fleet["agents"]) == models

    overview = ask(process, "overview")["totals"]
    assert overview["workflows"]["failed"] == workflows["failed"]
    assert overview["executions"]["total"] == agents["count"]
    assert overview["cost_usd"] == pytest.approx(report["cost_usd"], abs=1e-9)


def test_the_window_of_an_hour_holds_what_the_demo_did(played):
    process, report = played
    window = ask(process, "metrics/windows", window=3600)["windows"]["3600"]
    calls = report["calls"]
    models = calls["llm"]["count"] + calls["embeddings"]["count"]
    assert window["workflow_runs"] == {
        "count": report["workflows"]["count"], "errors": report["workflows"]["failed"]}
    assert window["agent_runs"] == {
        "count": report["agents"]["count"], "errors": report["agents"]["failed"]}
    assert window["llm_calls"] == {
        "count": models, "errors": calls["llm"]["failed"] + calls["embeddings"]["failed"]}
    assert window["tool_calls"] == {
        "count": calls["tools"]["count"], "errors": calls["tools"]["failed"]}
    assert {key: window["tokens"][key] for key in report["tokens"]} == report["tokens"]
    assert window["cost_usd"] == pytest.approx(report["cost_usd"], abs=1e-9)
    assert window["unpriced_calls"] == report["unpriced_calls"]
    for name, count in (("agent", "agent_runs"), ("model", "llm_calls"),
                        ("provider", "llm_calls"), ("tool", "tool_calls"),
                        ("workflow", "workflow_runs")):
        rows = window[f"by_{name}"]
        assert sum(row[count]["count"] for row in rows) == window[count]["count"], name
        assert len({row[name] for row in rows}) == len(rows)


def test_the_page_of_metrics_says_the_same(played):
    process, report = played
    page = process.metrics()
    for name, part in (("roost_workflow_runs_total", report["workflows"]),
                       ("roost_agent_runs_total", report["agents"]),
                       ("roost_tool_calls_total", report["calls"]["tools"])):
        assert page.value(name) == part["count"], name
        assert page.value(name, status="error") == part["failed"], name
    assert page.value("roost_llm_tokens_total") == sum(report["tokens"].values())
    assert page.value("roost_llm_cost_usd_total") == pytest.approx(report["cost_usd"], abs=1e-6)
    assert page.value("roost_llm_unpriced_calls_total") == report["unpriced_calls"]


def test_a_budget_has_spent_what_the_demo_did(played):
    process, report = played
    budget, = ask(process, "budgets")["budgets"]
    assert budget["spent"] == pytest.approx(report["cost_usd"], abs=1e-9)


def test_costs_are_those_of_the_demo(played):
    process, report = played
    costs = ask(process, "costs", limit=1000)
    for figures in (costs["total"], costs["lifetime"]):
        assert figures["cost_usd"] == pytest.approx(report["cost_usd"], abs=1e-9)
        assert figures["runs"] == report["workflows"]["count"]
        assert figures["unpriced_calls"] == report["unpriced_calls"]
        assert {key: figures["tokens"][key] for key in report["tokens"]} == report["tokens"]
    for dimension in ("agent", "model", "provider", "workflow", "session", "operation"):
        rows = costs[f"by_{dimension}"]
        known = sum(row["cost_usd"] or 0 for row in rows)
        assert known == pytest.approx(report["cost_usd"], abs=1e-9), dimension
        assert sum(row["share"] or 0 for row in rows) == pytest.approx(1), dimension
    for dimension, part in (("agent", "agents"), ("workflow", "workflows"),
                            ("session", "workflows"), ("service", "workflows")):
        assert sum(row["runs"] for row in costs[f"by_{dimension}"]) == report[part]["count"], dimension
    assert not any("runs" in row for row in costs["by_model"] + costs["by_operation"])


def test_failures_are_those_of_the_demo(played):
    process, report = played
    rows = pages(process, "failures", "failures", 7)
    assert len(rows) == len({row["id"] for row in rows})
    # The demo's account leaves retrievals out.
    calls = [row for row in rows if row["component"] in ("tool", "model")]
    failed = sum(report["calls"][kind]["failed"] for kind in ("llm", "embeddings", "tools"))
    assert len(calls) == failed
    # What fails because of another failure is one of its own.
    for component in ("workflow", "agent"):
        failed = report[f"{component}s"]["failed"]
        assert sum(row["component"] == component for row in rows) == failed
    told = Counter(
        row["error_type"] for row in rows
        if row["component"] in ("tool", "model", "agent", "workflow"))
    assert told == report["failures"]
    summary = ask(process, "failures")["summary"]
    assert summary["total"] == len(rows)
    for kind in {row["error_type"] for row in rows}:
        assert len(pages(process, "failures", "failures", 1000, type=kind)) == \
            sum(row["error_type"] == kind for row in rows)


def test_runs_that_were_judged_before_their_root_came_are_judged_again(roost):
    # The demo's calls stay silent for longer than that, so that hardly a run is judged in time.
    process = roost({"agents": {"hold": "300ms"}})
    done = subprocess.run(
        [roost_binary(), "demo", "--endpoint", f"http://{process.grpc}", "--rate", "600",
         "--for", "8", "--seed", "7"], capture_output=True, text=True, timeout=120, check=True)
    runs = json.loads(done.stdout)["workflows"]
    assert runs["failed"] > 0
    counts = {"failed": runs["failed"], "completed": runs["count"] - runs["failed"]}

    def listed(**filters):
        return pages(process, "workflows", "workflows", 1000, **filters)

    wait_until(
        lambda: {state: len(listed(state=state)) for state in counts} == counts,
        what="every run judged by its root")
    fleet = ask(process, "fleet")["workflows"]
    assert {state: fleet[state] for state in counts} == counts
    assert fleet["abandoned"] == 0 and fleet["started"] == runs["count"]
    assert {state: fleet["last_hour"][state] for state in counts} == counts
    overview = ask(process, "overview")["totals"]["workflows"]
    assert {state: overview[state] for state in counts} == counts

    failed = {row["trace_id"] for row in listed(state="failed")}
    failures = pages(process, "failures", "failures", 1000, component="workflow")
    assert {row["trace_id"] for row in failures} == failed
    assert len(failures) == len(failed)
    window = ask(process, "metrics/windows", window=3600)
    assert window["windows"]["3600"]["workflow_runs"] == {
        "count": runs["count"], "errors": runs["failed"]}
    assert window["cumulative"]["total_workflow_runs"] == runs["count"]
    by_workflow = window["windows"]["3600"]["by_workflow"]
    assert sum(row["workflow_runs"]["errors"] for row in by_workflow) == runs["failed"]
    # Counters do not fall: each run is counted once.
    assert process.metrics().value("roost_workflow_runs_total") == runs["count"]


def test_lists_have_every_trace_once(played):
    process, report = played
    count = report["workflows"]["count"]
    rows = pages(process, "traces", "traces", 7)
    assert len(rows) == len({row["trace_id"] for row in rows}) == count
    assert [row["start_time"] for row in rows] == \
        sorted((row["start_time"] for row in rows), reverse=True)
    assert rows == ask(process, "traces", limit=1000)["traces"]
    assert sum(row["spans"] for row in rows) == report["sent"]["spans"]
    assert sum(row["tokens"] for row in rows) == sum(report["tokens"].values())
    assert sum(row["cost_usd"] or 0 for row in rows) == pytest.approx(report["cost_usd"], abs=1e-9)

    runs = pages(process, "workflows", "workflows", 7)
    assert {row["trace_id"] for row in runs} == {row["trace_id"] for row in rows}
    assert len(runs) == count
    assert len(pages(process, "sessions", "sessions", 7)) == \
        len({row["session"] for row in rows})


def test_filters_find_what_is_meant(played):
    process, report = played
    rows = ask(process, "traces", limit=1000)["traces"]

    def found(**filters):
        return {row["trace_id"] for row in pages(process, "traces", "traces", 9, **filters)}

    def meant(test):
        return {row["trace_id"] for row in rows if test(row)}

    assert len(found(status="error")) == report["workflows"]["failed"]
    assert found(status="error") == meant(lambda row: row["status"] == "error")
    assert found(service="mcp-repo") == meant(lambda row: "mcp-repo" in row["services"])
    assert found(agent="coder") == meant(lambda row: "coder" in row["agents"])
    workflow = rows[0]["workflow"]
    assert found(workflow_id=workflow) == meant(lambda row: row["workflow"] == workflow)
    assert found(workflow_id=rows[3]["trace_id"]) == {rows[3]["trace_id"]}
    assert found(session=rows[2]["session"]) == \
        meant(lambda row: row["session"] == rows[2]["session"])
    middle = sorted(row["duration"] for row in rows)[len(rows) // 2]
    assert found(min_duration=middle) == meant(lambda row: row["duration"] >= middle)
    assert found(max_duration=middle) == meant(lambda row: row["duration"] <= middle)
    at = rows[len(rows) // 2]["start_time"]
    assert found(since=at) == meant(lambda row: row["start_time"] >= at)
    assert found(until=at, agent="coder") == \
        meant(lambda row: row["start_time"] <= at and "coder" in row["agents"])
    assert found(agent="nobody") == set()

    failed = {
        row["trace_id"] for row in pages(process, "workflows", "workflows", 100, state="failed")}
    assert failed == meant(lambda row: row["status"] == "error")


def test_logs_belong_to_their_trace(played):
    process, report = played
    rows = pages(process, "logs", "logs", 50)
    assert len(rows) == report["sent"]["log_records"]
    trace = next(row["trace_id"] for row in rows if row["trace_id"])
    of_trace = pages(process, "logs", "logs", 10, trace_id=trace)
    assert len(of_trace) == sum(row["trace_id"] == trace for row in rows)
    assert {row["trace_id"] for row in of_trace} == {trace}


def test_the_report_is_markdown(played):
    answer = get(played[0], "insights/report.md")
    assert answer.headers["content-type"].startswith("text/markdown")
    assert answer.text.startswith("# ")


def test_baselines_are_accepted_and_forgotten(played, description):
    process, _ = played

    def post(change, status=200):
        answer = httpx.post(
            f"http://{process.web}{ROOT}regressions/baselines", json=change, trust_env=False)
        assert answer.status_code == status, answer.text
        return answer.json()

    coder = {"kind": "agent", "name": "coder"}
    for change in ({"action": "accept", "subject": coder}, {"action": "reset", "subject": coder},
                   {"action": "reset"}):
        assert post(change) == change
        description.check("BaselineChange", post(change))
    for wrong in ({}, {"action": "accept"}, {"action": "x", "subject": coder},
                  {"action": "reset", "subject": {"kind": "rock", "name": "coder"}}, []):
        assert post(wrong, 400)["error"]["code"] == "bad_body"
    nobody = {"action": "accept", "subject": {"kind": "agent", "name": "nobody"}}
    assert "nobody" in post(nobody, 404)["error"]["message"]
    told = ask(process, "audit", action="baseline.accept")["records"]
    assert {row["details"]["name"] for row in told} == {"coder"}


def test_somebody_may_say_that_a_failure_was_got_over(roost):
    process = roost({"agents": {"hold": "300ms"}})
    url = f"http://{process.web}{ROOT}"
    event = {"event_type": "tool.failed", "session_id": "s",
             "payload": {"agent": {"name": "coder"}, "tool": "search", "error_type": "timeout"}}
    httpx.post(url + "events", json=event, trust_env=False)
    wait_until(lambda: ask(process, "failures")["failures"], what="a failure")
    for body, status in (
        ({"id": 1}, 400), ({"id": ""}, 400), ({"id": "-1"}, 400), ({"id": "1"}, 200),
        ({"id": "1"}, 404), ({"id": "9"}, 404), ({"id": "9" * 20}, 404), ({"id": "9" * 21}, 400),
    ):
        answer = httpx.post(url + "failures/recoveries", json=body, trust_env=False)
        assert answer.status_code == status and (status != 200 or answer.json() == body), answer.text
    assert ask(process, "failures")["failures"][0]["recovery"]["strategy"] == "reported"
    (noted,) = ask(process, "audit", action="failure.recover")["records"]
    assert noted["details"] == {"id": "1"}


# Who may change something


def test_off_loopback_nothing_is_changed_without_a_token(roost):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: this asks which address the machine would use.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has loopback only")
        address = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has loopback only")
    event = {"event_type": "agent.invoked", "payload": {"agent": {"name": "a"}}}
    record = {"agent": "a", "action": "b", "result": "success"}
    for token in (None, "a-secret"):
        process = roost({"listen": {"web": "0.0.0.0:0", "tokens": [token] if token else []}})
        port = process.web.rsplit(":", 1)[1]
        for method, path, body in (
                ("POST", "events", event), ("POST", "audit", record),
                ("PUT", "switches", {"live": True}),
                ("POST", "regressions/baselines", {"action": "reset"})):
            def status(host, headers):
                return httpx.request(
                    method, f"http://{host}:{port}{ROOT}{path}", json=body, headers=headers,
                    trust_env=False).status_code
            known = {"authorization": f"Bearer {token}"} if token else {}
            assert status(address, {}) == (401 if token else 403), path
            assert status("127.0.0.1", known) == 200, path
            assert not token or status(address, known) == 200, path
        process.stop()


# One trace


def test_a_trace_holds_what_was_sent(own):
    process, message = own
    trace = ask(process, f"traces/{TRACE}")
    sent = {span.span_id.hex(): span for scope in scopes(message) for span in scope.spans}
    assert {span["span_id"] for span in trace["spans"]} == set(sent)
    for span in trace["spans"]:
        was = sent[span["span_id"]]
        assert span["name"] == was.name
        assert (span["parent_span_id"] or "") == was.parent_span_id.hex()
        assert span["attributes"] == {
            entry.key: entry.value.int_value or "AAE=" for entry in was.attributes}
        assert span["duration"] == pytest.approx(
            (was.end_time_unix_nano - was.start_time_unix_nano) / 1e9, abs=1e-9)
        assert span["status"] == ("error" if was.status.code == 2 else "ok")
    assert trace["services"] == ["front", "back"]
    assert [span["depth"] for span in trace["spans"]] == [0, 1, 2]


def test_its_analysis_adds_up(own):
    analysis = ask(own[0], f"traces/{TRACE}/analysis")
    assert analysis["duration"] == pytest.approx(0.088)
    path = analysis["critical_path"]
    assert sum(part["duration"] for part in path["segments"]) == pytest.approx(0.088)
    assert sum(step["self_seconds"] for step in analysis["self_time"]) == pytest.approx(0.088)
    text = get(own[0], f"traces/{TRACE}/analysis", format="markdown")
    assert text.headers["content-type"].startswith("text/markdown")


def test_exports_are_what_others_read(own):
    process, message = own
    sent = {span.span_id for scope in scopes(message) for span in scope.spans}
    answer = get(process, f"traces/{TRACE}/export", format="otlp")
    assert f"{TRACE}.otlp.json" in answer.headers["content-disposition"]

    def base64ed(value):
        """OTLP/JSON writes ids in hex where protobuf's JSON has Base64."""
        if isinstance(value, list):
            return [base64ed(inner) for inner in value]
        if isinstance(value, dict):
            return {
                key: as_base64(inner) if key in ("traceId", "spanId", "parentSpanId")
                else base64ed(inner) for key, inner in value.items()}
        return value

    read = json_format.ParseDict(base64ed(answer.json()), TracesData())
    spans = [span for block in read.resource_spans for scope in block.scope_spans
             for span in scope.spans]
    assert {span.span_id for span in spans} == sent
    assert {span.name: span.status.message for span in spans}["work"] == "broken"

    jaeger = ask(process, f"traces/{TRACE}/export", format="jaeger")
    assert jaeger["data"] == ask(process, f"/api/traces/{TRACE}")["data"]
    zipkin = ask(process, f"traces/{TRACE}/export", format="zipkin")
    assert {bytes.fromhex(span["id"]) for span in zipkin} == sent


def as_base64(text):
    return base64.b64encode(bytes.fromhex(text)).decode()


def odd_traces():
    """Traces whose spans are well-formed and make no sense, by name."""
    far = 2**64 - 1
    spans = {
        "ends before it starts": [(1, 0, START + 5_000_000_000, START)],
        "outside of its parent": [
            (1, 0, START, START + 1_000_000), (2, 1, START - 3_000_000_000, START + 9_000_000_000)],
        "its own parent": [(1, 1, START, START + 1_000_000)],
        "a circle": [(1, 2, START, START + 1_000_000), (2, 1, START, START + 1_000_000)],
        "no root": [(1, 9, START, START + 1_000_000), (2, 8, START + 1, START + 2)],
        "two roots": [(1, 0, START, START + 1_000_000), (2, 0, START, START + 2_000_000)],
        "no time": [(1, 0, 0, 0), (2, 1, 0, START)],
        "the end of time": [(1, 0, START, far), (2, 1, far, far)],
        "an hour ahead": [
            (1, 0, START, START + 1_000_000), (2, 1, START + 3_600 * 10**9, START + 3_601 * 10**9)],
        "deep": [(n, n - 1, START + n, START + 10**9 - n) for n in range(1, 1001)],
        "wide": [(1, 0, START, START + 10**9)] + [
            (n, 1, START + n, START + 2 * n) for n in range(2, 1001)],
    }
    return list(spans.items())


@pytest.mark.parametrize("name, spans", odd_traces(), ids=[name for name, _ in odd_traces()])
def test_odd_traces_are_shown(own, description, name, spans):
    process, _ = own
    number = bytes([0xdd] * 15 + [len(name)])
    message = request("traces", 0, service="odd")
    message.resource_spans[0].resource.ClearField("attributes")
    for span, parent, start, end in spans:
        made = message.resource_spans[0].scope_spans[0].spans.add(
            trace_id=number, span_id=span.to_bytes(8, "big"), start_time_unix_nano=start,
            end_time_unix_nano=end, parent_span_id=parent.to_bytes(8, "big") if parent else b"")
        made.attributes.append(attribute("whole", 2**63 - 1))
        made.attributes.append(attribute("endless", float("inf")))
        made.attributes.append(attribute("", "empty \u0000 \u2028"))
        made.links.add(trace_id=number, span_id=(7).to_bytes(8, "big"))
    send(process, message)
    wait_until(lambda: get(process, f"traces/{number.hex()}").status_code == 200, what="the trace")
    for path, schema in (
            (f"traces/{number.hex()}", "Trace"), (f"traces/{number.hex()}/analysis", "TraceAnalysis"),
            (f"traces/compare?a={number.hex()}&b={TRACE}", "TraceComparison"),
            *((f"traces/{number.hex()}/export?format={form}", "ExportedTrace")
              for form in ("otlp", "jaeger", "zipkin")),
            (f"/api/traces/{number.hex()}", "JaegerTraces")):
        description.check(schema, ask(process, path))
    assert ask(process, f"traces/{number.hex()}")["span_count"] == len(spans)
    assert get(process, f"workflows/{number.hex()}").status_code in (200, 404)


# Jaeger's query API, asked as Grafana's data source does


def test_jaeger_lists_services_and_operations(own, description):
    process, _ = own
    services = ask(process, "/api/services")["data"]
    # Other tests here send spans of no service.
    assert [name for name in services if name != "unknown_service"] == ["back", "front"]
    assert ask(process, "/api/services/front/operations")["data"] == ["GET /", "call"]
    found = ask(process, "/api/operations", service="front")
    assert found["data"] == [
        {"name": "GET /", "spanKind": "server"}, {"name": "call", "spanKind": "client"}]
    assert found["total"] == 2 and found["errors"] is None
    assert ask(process, "/api/operations", service="front", spanKind="client")["total"] == 1
    assert ask(process, "/api/services/nobody/operations")["data"] == []


@pytest.mark.parametrize("query, count", [
    ({"service": "front"}, 1), ({"service": "front", "operation": "call"}, 1),
    ({"service": "front", "operation": "work"}, 0),
    ({"service": "back", "tags": '{"error":"true"}'}, 1),
    ({"service": "back", "tags": '{"number":"3"}'}, 1),
    ({"service": "back", "tags": '{"number":"3","error":"false"}'}, 0),
    # Bytes are shown in base64, and asked for so.
    ({"service": "back", "tags": '{"raw":"AAE="}'}, 1), ({"service": "back", "tag": "raw:AAA="}, 0),
    ({"service": "back", "tag": "number:2"}, 0), ({"service": "front", "tag": "host.name:one"}, 1),
    ({"service": "front", "minDuration": "80ms", "maxDuration": "0.1s"}, 1),
    ({"service": "front", "minDuration": "1m30s"}, 0),
    # What one span has of the service that is asked for, not what spans of the trace have together.
    ({"service": "front", "operation": "call", "tag": "number:2"}, 1),
    ({"service": "front", "operation": "call", "tag": "number:1"}, 0),
    ({"service": "front", "tags": '{"error":"true"}'}, 0), ({"service": "front", "tag": "number:3"}, 0),
    ({"service": "front", "operation": "call", "minDuration": "86ms"}, 1),
    ({"service": "front", "operation": "call", "minDuration": "87ms"}, 0),
    ({"service": "front", "maxDuration": "87ms"}, 1), ({"service": "front", "maxDuration": "85ms"}, 0),
    ({"service": "back", "maxDuration": "84ms", "minDuration": "84ms"}, 1),
    ({"service": "front", "limit": "20", "lookback": "custom"}, 1),
    ({"service": "front", "limit": "100000", "prettyPrint": "true"}, 1),
    ({"service": "other"}, 0), ({"traceID": TRACE}, 1), ({"traceID": "f" * 32}, 0),
])
def test_jaeger_searches(own, query, count):
    span = {"start": (START - 1) // 1000, "end": START // 1000 + 1_000_000}
    found = ask(own[0], "/api/traces", **(span if "service" in query else {}), **query)
    assert len(found["data"]) == found["total"] == count
    for trace in found["data"]:
        assert trace["traceID"] == TRACE and len(trace["spans"]) == 3
        assert {process["serviceName"] for process in trace["processes"].values()} == \
            {"front", "back"}


def test_every_service_that_jaeger_lists_is_found(roost, description):
    """Names are bytes, also odd ones; spans of no service belong to unknown_service."""
    process = roost()
    names = [
        "a\0b\n", " lead trail ", "a/b?c=d&e#f", "s" * 300, "ж" * 200, "😀" * 300, "caf\u00e9",
        "cafe\u0301", "", None]
    for index, name in enumerate(names):
        message = request("traces", 1, service=name or "")
        if name is None:
            del message.resource_spans[0].resource.attributes[:]
        span = scopes(message)[0].spans[0]
        span.name = name or "nobody's"
        span.attributes.append(attribute("index", index))
        if name:
            span.attributes.append(attribute("gen_ai.agent.name", name))
            span.attributes.append(attribute("gen_ai.operation.name", "invoke_agent"))
        send(process, message)
    wait_until(
        lambda: ask(process, "overview")["store"]["traces"] == len(names), what="all stored")
    listed = ask(process, "/api/services")["data"]
    assert len(listed) == len(names) - 1 and "unknown_service" in listed
    seen = Counter()
    for service in listed:
        found = ask(
            process, "/api/traces", service=service, start=START // 1000 - 1, maxDuration="1s")
        path = urllib.parse.quote(service, safe="")
        for operation in ask(process, f"/api/services/{path}/operations")["data"]:
            assert ask(
                process, "/api/traces", service=service, start=START // 1000 - 1,
                operation=operation)["total"] == found["total"]
        description.check("JaegerTraces", found)
        for trace in found["data"]:
            shown = trace["processes"]["p1"]["serviceName"]
            assert shown == service or shown.startswith(service) and len(service) > 100
            seen[trace["traceID"]] += 1
    assert len(seen) == len(names) and set(seen.values()) == {1}
    # Roost's own filters tell names apart that only look alike.
    for key in ("service", "agent"):
        for name in ("caf\u00e9", "cafe\u0301"):
            rows = ask(process, "traces", **{key: name})["traces"]
            assert [row["service"] for row in rows] == [name]
    for name in ("caf\u00e9", "cafe\u0301"):
        rows = ask(process, "workflows", agent=name)["workflows"]
        assert [row["agents"] for row in rows] == [[name]]


def test_jaeger_looks_back_two_days_without_a_start(own):
    assert ask(own[0], "/api/traces", service="front")["data"] == []
    ages = f"{24 * 365 * 20}h"
    assert len(ask(own[0], "/api/traces", service="front", lookback=ages)["data"]) == 1


def test_jaeger_says_which_service_calls_which(own):
    found = ask(
        own[0], "/api/dependencies", endTs=START // 1_000_000 + 1000, lookback=3_600_000)
    assert found["data"] == [{"parent": "front", "child": "back", "callCount": 1}]
    assert ask(own[0], "/api/dependencies", endTs=1000, lookback=1000)["data"] == []


# The request lines of Grafana's data source: first its pages in the browser through Grafana's proxy,
# then its backend since version 12, which writes parameters in order of their names and no times.
GRAFANA = [
    ("/api/services", ["back", "front"]),
    ("/api/services/front/operations", ["GET /", "call"]),
    ("/api/traces?service=front&operation=call&limit=20&start=1699999999000000&end=1700000001000000"
     "&lookback=custom", [TRACE]),
    ("/api/traces?service=back&tags=%7B%22error%22%3A%22true%22%2C%22number%22%3A%223%22%7D&limit=20"
     "&minDuration=1ms&maxDuration=1.2s&start=1699999999000000&end=1700000001000000&lookback=custom",
     [TRACE]),
    (f"/api/traces/{TRACE}?start=1699999999000000&end=1700000001000000", [TRACE]),
    ("/api/dependencies?endTs=1700000001000&lookback=3600000", ["front"]),
    ("/api/traces?limit=20&operation=call&service=front", []),
    ("/api/traces?limit=20&maxDuration=1m&minDuration=100us&service=front"
     "&tags=%7B%22error%22%3A%22true%22%7D", []),
    (f"/api/traces/{TRACE}", [TRACE]),
]


@pytest.mark.parametrize("line, shown", GRAFANA)
def test_grafanas_data_source_is_answered(own, description, line, shown):
    answer = own[0].get(line, headers={
        "user-agent": "Grafana/12.0.0", "accept-encoding": "gzip", "x-grafana-org-id": "1"})
    assert answer.status_code == 200, answer.text
    page = answer.json()
    path = re.sub(r"traces/\w+", "traces/{trace_id}", line.partition("?")[0])
    path = path.replace("services/front", "services/{service}")
    description.check_answer(path, description.document["paths"][path]["get"], answer)
    assert [
        one if isinstance(one, str) else one.get("traceID") or one["parent"]
        for one in page["data"] if one != "unknown_service"] == shown


def test_what_would_read_too_much_says_how_to_narrow_it(roost, description):
    """Attributes are not in the index: each trace would have to be read."""
    process = roost()
    send(process, request("traces", 2_500, service="many"))
    wait_until(
        lambda: ask(process, "overview")["store"]["traces"] == 2_500, timeout=60, what="all stored")
    span = {"service": "many", "start": START // 1000 - 1, "limit": 20}
    answer = get(process, "/api/traces", **span, tags='{"no.such":"thing"}')
    assert answer.status_code == 422 and "narrow" in answer.json()["errors"][0]["msg"]
    description.check("JaegerError", answer.json())
    # Whether something failed is known without reading it.
    assert ask(process, "/api/traces", **span, tags='{"error":"true"}')["data"] == []
    assert len(ask(process, "/api/traces", **span)["data"]) == 20
    assert len(ask(process, "/api/traces", **{**span, "limit": 5_000})["data"]) == 1_500


@pytest.mark.parametrize("path, query, code, named", [
    ("/api/traces", {}, 400, "service"), ("/api/operations", {}, 400, "service"),
    ("/api/traces", {"service": "a", "tags": "{"}, 400, "tags"),
    ("/api/traces", {"service": "a", "tags": '{"a":[]}'}, 400, "tags"),
    ("/api/traces", {"service": "a", "tag": "nothing"}, 400, "tag"),
    ("/api/traces", {"service": "a", "minDuration": "long"}, 400, "minDuration"),
    ("/api/traces", {"service": "a", "minDuration": "2s", "maxDuration": "1s"}, 400, "maxDuration"),
    ("/api/traces", {"service": "a", "start": "now"}, 400, "start"),
    ("/api/traces", {"service": "a", "end": "1.5"}, 400, "end"),
    ("/api/traces", {"service": "a", "start": "9", "end": "8"}, 400, "end is below start"),
    ("/api/traces", {"service": "a", "lookback": "x"}, 400, "lookback"),
    ("/api/traces", {"service": "a", "lookback": "12"}, 400, "lookback"),
    ("/api/traces", {"service": "a", "limit": "0"}, 400, "limit"),
    ("/api/traces", {"service": "a", "limit": "many"}, 400, "limit"),
    ("/api/traces", {"service": "a", "maxDuration": "5"}, 400, "maxDuration"),
    ("/api/traces", {"service": "x" * 5_000}, 400, "service"),
    ("/api/traces?service=a&service=b", {}, 400, "service"),
    ("/api/operations", {"service": "a", "spanKind": "odd"}, 400, "spanKind"),
    ("/api/dependencies", {"endTs": "now"}, 400, "endTs"),
    ("/api/dependencies", {"lookback": "1h"}, 400, "lookback"),
    ("/api/traces?traceID=1&traceID=z", {}, 400, "traceID"),
    ("/api/traces", {"traceID": "xyz"}, 400, "traceID"),
    ("/api/traces/xyz", {}, 400, "trace_id"), ("/api/traces/12ab", {}, 404, "12ab"),
])
def test_jaeger_errors_have_its_form(own, description, path, query, code, named):
    answer = get(own[0], path, **query)
    assert answer.status_code == code
    description.check("JaegerError", answer.json())
    assert answer.json()["errors"][0]["code"] == code
    assert named in answer.json()["errors"][0]["msg"]


# Times that cannot be, and ends that never come


def of_one_span(name="work", service="front", **fields):
    """A request with one span, of an agent."""
    message = request("traces", 0, service=service)
    span = scopes(message)[0].spans.add(**{
        "trace_id": bytes.fromhex(TRACE), "span_id": b"12345678", "name": name,
        "start_time_unix_nano": START, "end_time_unix_nano": START + 10**9, **fields})
    span.attributes.append(attribute("gen_ai.operation.name", "invoke_agent"))
    span.attributes.append(attribute("gen_ai.agent.name", name))
    return message


def views(process):
    """Start and duration of a trace as each view tells them; the agent's, where it is about spans."""
    wait_until(lambda: get(process, f"traces/{TRACE}").status_code == 200, what="the trace")
    wait_until(
        lambda: get(process, f"workflows/{TRACE}").json().get("root_ended"), what="the run")
    row, = ask(process, "traces", workflow_id=TRACE)["traces"]
    found = {
        "list": row, "detail": ask(process, f"traces/{TRACE}"),
        "analysis": ask(process, f"traces/{TRACE}/analysis"),
        "workflow": ask(process, f"workflows/{TRACE}")}
    return {name: (page["start_time"], page["duration"]) for name, page in found.items()}, found


def test_a_span_of_sixty_days_is_shown_as_one(roost):
    process = roost({"agents": {"hold": "300ms"}})
    days = 60 * 86_400
    send(process, of_one_span(end_time_unix_nano=START + days * 10**9))
    told, found = views(process)
    assert set(told.values()) == {("2023-11-14T22:13:20.000000000Z", days)}, told
    span, = found["detail"]["spans"]
    assert (span["start_time"], span["duration"]) == ("2023-11-14T22:13:20.000000000Z", days)
    jaeger = ask(process, f"/api/traces/{TRACE}")["data"][0]["spans"][0]
    assert (jaeger["startTime"], jaeger["duration"]) == (START // 1000, days * 10**6)
    assert jaeger["warnings"] is None


def test_a_span_of_years_stands_where_it_ended(roost):
    process = roost({"agents": {"hold": "300ms"}})
    end = START + 3 * 365 * 86_400 * 10**9
    send(process, of_one_span(end_time_unix_nano=end))
    told, found = views(process)
    assert {duration for _, duration in told.values()} == {0}
    assert len({start for start, _ in told.values()}) == 1
    jaeger = ask(process, f"/api/traces/{TRACE}")["data"][0]["spans"][0]
    assert (jaeger["startTime"], jaeger["duration"]) == (end // 1000, 0)
    assert "longer than a year" in jaeger["warnings"][0]


def test_clocks_that_disagree_are_brought_together_in_every_view(roost, description):
    """A run of ten seconds calls a service whose clock is an hour ahead."""
    process = roost({"agents": {"hold": "300ms"}})
    message = of_one_span(end_time_unix_nano=START + 10 * 10**9)
    scopes(message)[0].spans.add(
        trace_id=bytes.fromhex(TRACE), span_id=b"call....", parent_span_id=b"12345678", name="call",
        kind=3, start_time_unix_nano=START + 10**9, end_time_unix_nano=START + 9 * 10**9)
    message.MergeFrom(request("traces", 0, service="back"))
    late = START + 3_600 * 10**9
    scopes(message)[1].spans.add(
        trace_id=bytes.fromhex(TRACE), span_id=b"serve...", parent_span_id=b"call....", name="serve",
        kind=2, start_time_unix_nano=late + 10**9 + 10**8, end_time_unix_nano=late + 8 * 10**9)
    send(process, message)
    told, found = views(process)
    assert set(told.values()) == {("2023-11-14T22:13:20.000000000Z", 10)}, told
    for name in ("list", "detail"):
        assert found[name]["clock_skew_seconds"] == pytest.approx(3_600, abs=2)
    assert [one["service"] for one in found["analysis"]["clock_skew"]] == ["back"]
    offsets = {span["name"]: span["offset_seconds"] for span in found["detail"]["spans"]}
    assert offsets["work"] == 0 and offsets["call"] == 1 and 1 <= offsets["serve"] <= 9
    # As it was sent.
    serve, = (span for span in found["detail"]["spans"] if span["name"] == "serve")
    assert serve["start_time"].startswith("2023-11-14T23:13:21.1")
    jaeger = ask(process, f"/api/traces/{TRACE}")["data"][0]["spans"]
    starts = {span["operationName"]: span["startTime"] for span in jaeger}
    ends = [span["startTime"] + span["duration"] for span in jaeger]
    assert max(ends) - min(starts.values()) == 10 * 10**6
    assert ["ms earlier" in str(span["warnings"]) for span in jaeger] == [
        span["operationName"] == "serve" for span in jaeger]
    description.check("Trace", found["detail"])
    assert ask(process, "traces", max_duration="11s")["traces"] == [found["list"]]
    assert ask(process, "traces", min_duration="11s")["traces"] == []


@pytest.mark.parametrize("kind, state, status", [
    ("execute_tool", "abandoned", "abandoned"), ("invoke_agent", "completed", "ok")])
def test_a_trace_whose_root_never_comes_ends(roost, description, kind, state, status):
    process = roost({"agents": {"hold": "2s"}})
    message = of_one_span(parent_span_id=b"nowhere.")
    message.resource_spans[0].scope_spans[0].spans[0].attributes[0].value.string_value = kind
    send(process, message)
    # Whoever asks for it lets it be stored before it is over.
    trace = wait_until(
        lambda: get(process, f"traces/{TRACE}").json().get("status"), what="the trace")
    assert trace in ("running", status)
    wait_until(lambda: ask(process, "traces")["traces"][0]["status"] == status, what="its end")
    wait_until(lambda: ask(process, f"workflows/{TRACE}")["state"] == state, what="the run's end")
    detail = ask(process, f"traces/{TRACE}")
    assert detail["status"] == status
    description.check("Trace", detail)
    assert ask(process, "traces/compare", a=TRACE, b=TRACE)["a"]["status"] == status
    assert ask(process, "overview")["recent_traces"][0]["status"] == status
    for wanted in ("running", "ok", "error", "abandoned"):
        found = ask(process, "traces", status=wanted)["traces"]
        assert len(found) == (wanted == status), wanted
    for wanted in ("running", "completed", "failed", "abandoned"):
        found = ask(process, "workflows", state=wanted)["workflows"]
        assert len(found) == (wanted == state), wanted


# What is wrong is named


@pytest.mark.parametrize("path", [
    "traces/{}", "traces/{}/analysis", "traces/{}/export", "workflows/{}"])
def test_unknown_ids_are_told(own, description, path):
    unknown = "f" * 32
    answer = get(own[0], path.format(unknown))
    assert answer.status_code == 404 and unknown in answer.json()["error"]["message"]
    description.check("Error", answer.json())
    assert get(own[0], "traces/compare", a=TRACE, b=unknown).status_code == 404


@pytest.mark.parametrize("path, name, value, allowed", [
    ("traces", "limit", "0", "1 to 1000"), ("traces", "limit", "many", "1 to 1000"),
    ("traces", "status", "bad", "running, ok, error, abandoned"),
    ("traces", "since", "yesterday", "15m"), ("traces", "until", "12", "15m"),
    ("traces", "min_duration", "-1", "500ms"), ("traces", "cursor", "zzz", ""),
    ("traces", "service", "x" * 300, "256"), ("traces", "limt", "1", "limit"),
    ("failures", "trace_id", "xyz", "32"), ("workflows", "cursor", "zzz", "cursor"),
    ("workflows", "state", "odd", "stuck"), ("metrics/windows", "window", "61", "60, 300"),
    ("costs", "period", "1y", "30d"), ("fleet", "limit", "1001", "1000"),
    ("patterns", "limit", "1", "none"), ("insights", "since", "-", "15m"),
    ("traces", "service", "", "1 to 256"),
    ("logs", "trace_id", "12ab", "32"), ("logs", "trace_id", "", "32"),
    ("failures", "trace_id", "12ab", "32"), ("failures", "agent", "", "left out"),
    ("events/stream", "type", ",", "commas"),
    ("logs", "limit", "1.5", "1000"), ("events/stream", "severity", "grave", "critical"),
])
def test_bad_parameters_are_named_with_what_is_allowed(own, description, path, name, value, allowed):
    answer = get(own[0], path, **{name: value})
    assert answer.status_code == 400, answer.text
    message = answer.json()["error"]["message"]
    assert name in message and allowed in message
    assert "x" * 100 not in message
    description.check("Error", answer.json())


NOT = {
    "integer": ["1.5", "-1", "many", "9" * 30], "enum": ["odd"], "pattern": ["-", "x" * 300],
    "string": ["x" * 5_000], "object": ["x" * 5_000, "{", "[]", '{"a":[]}']}


def schema_of(parameter):
    """What one value of a parameter is."""
    if "content" in parameter:
        return parameter["content"]["application/json"]["schema"]
    schema = parameter["schema"].get("items", parameter["schema"])
    return schema.get("anyOf", [schema])[0]


def wrong_values(parameter):
    schema = schema_of(parameter)
    return NOT[next((name for name in ("enum", "pattern") if name in schema), schema["type"])]


def test_every_parameter_is_checked(own, description):
    """Wrong, too long, empty and given twice: each is refused by name, or said to be passed over."""
    process, _ = own
    good = {"a": TRACE, "b": TRACE, "service": "front", "trace_id": TRACE, "id": TRACE}
    checked = 0
    for path, operation in description.operations():
        parameters = operation.get("parameters", [])
        values = {one["name"]: good[one["name"]] for one in parameters if one["required"]}
        if path == "/api/traces":
            values["service"] = "front"

        def refusal(query, place=values):
            answer = get(process, path.format(**place) + "?" + urllib.parse.urlencode(query))
            if "101" in operation["responses"]:
                assert answer.status_code == 400, answer.text
            else:
                description.check_answer(path, operation, answer)
            if answer.status_code == 200:
                return None
            assert answer.status_code == 400, f"{path} {query}: {answer.text[:300]}"
            page = answer.json()
            return page["error"]["message"] if "error" in page else page["errors"][0]["msg"]

        query = {name: value for name, value in values.items() if f"{{{name}}}" not in path}
        for one in parameters:
            name, is_in_path = one["name"], one["in"] == "path"
            for wrong in wrong_values(one):
                said = refusal(query, {**values, name: wrong}) if is_in_path else \
                    refusal({**query, name: wrong})
                assert said and name in said, f"{path} {name}={wrong[:20]}: {said}"
                checked += 1
            if is_in_path:
                continue
            rest = [pair for pair in query.items() if pair[0] != name]
            empty = refusal([*rest, (name, "")])
            is_passed_over = "as if it were not given when it is empty" in one["description"]
            assert empty is None and is_passed_over or name in empty, f"{path} {name}"
            if "content" in one or one["schema"].get("type") == "array":
                continue  # May come more than once.
            some = schema_of(one).get("enum", [good.get(name, "1")])[0]
            twice = refusal([*rest, (name, some), (name, some)])
            assert name in twice and "once" in twice, f"{path} {name}: {twice}"
        if path.startswith(ROOT):
            assert "odd" in refusal({**query, "odd": "1"}), path
    assert checked > 100


@pytest.mark.parametrize("path, lower, upper", [
    ("traces", ("since", "1h"), ("until", "2h")),
    ("traces", ("min_duration", "2s"), ("max_duration", "1s")),
    ("audit", ("since", "1h"), ("until", "2h")), ("audit/summary", ("since", "1h"), ("until", "2h")),
])
def test_bounds_that_leave_nothing_between_them_are_refused(own, path, lower, upper):
    answer = get(own[0], path, **dict([lower, upper]))
    assert answer.status_code == 400, answer.text
    assert f"{upper[0]} is below {lower[0]}" in answer.json()["error"]["message"]
    assert get(own[0], path, **dict([upper])).status_code == 200


def test_missing_parameters_and_paths_are_named(own):
    answer = get(own[0], "traces/compare", a=TRACE)
    assert answer.status_code == 400 and "b is missing" in answer.json()["error"]["message"]
    assert get(own[0], "nothing").status_code == 404
    answer = httpx.delete(f"http://{own[0].web}{ROOT}traces", trust_env=False)
    assert answer.status_code == 405 and answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("body, named", [
    ("{", "JSON"), ("[1]", "event 0"), ('{"payload":{}}', "event_type"),
    ('{"event_type":"agent.dreamt"}', "agent.dreamt"),
    ('[{"event_type":"agent.invoked"},{"event_type":7}]', "event 1"),
])
def test_bad_events_are_named(own, body, named):
    answer = httpx.post(f"http://{own[0].web}{ROOT}events", content=body, trust_env=False)
    assert answer.status_code == 400 and named in answer.json()["error"]["message"], answer.text


@pytest.mark.parametrize("status, method, path, content", [
    (405, "POST", "/api/traces", b""), (404, "GET", "/api/nothing", b""),
    (413, "GET", "/api/services", b" " * 9_000)])
def test_errors_on_jaegers_paths_have_its_form(own, status, method, path, content):
    answer = httpx.request(
        method, f"http://{own[0].web}{path}", content=content, trust_env=False)
    assert answer.status_code == status, answer.text
    page = answer.json()
    assert page["data"] is None and page["errors"][0]["code"] == status, page


def test_what_is_only_to_be_had_over_websocket_says_so(own):
    answer = httpx.get(f"http://{own[0].web}{ROOT}ws/events", trust_env=False)
    assert answer.status_code == 426
    assert answer.json()["error"]["code"] == "upgrade_required"


@pytest.mark.parametrize("method, path", [
    ("POST", "events"), ("POST", "audit"), ("PUT", "switches"), ("POST", "regressions/baselines")])
def test_bodies_are_bounded(own, method, path):
    def refused(status, code, content, **headers):
        answer = httpx.request(
            method, f"http://{own[0].web}{ROOT}{path}", content=content, headers=headers,
            trust_env=False, timeout=30)
        assert answer.status_code == status, answer.text
        assert answer.json()["error"]["code"] == code
        return answer.json()["error"]["message"]
    large = b" " * (8 << 20) + b"{}"
    packed = gzip.compress(large)
    assert "8388608 bytes" in refused(413, "too_large", large)
    assert "8388608 bytes" in refused(413, "too_large", iter([large]))
    assert "8388608 bytes" in refused(413, "too_large", packed, **{"content-encoding": "gzip"})
    many = b"[" + b"0," * 500_000 + b"0]"
    assert "more than 500000 values" in refused(400, "bad_body", many)


def test_the_most_events_and_records_of_one_request_are_taken(roost):
    process = roost()
    event = {
        "event_type": "agent.completed", "trace_id": "00" * 15 + "77", "session_id": "s" * 32,
        "payload": {"agent": {"name": "a"}, "duration_ms": 1.5, "cost": 0.02, "note": "n" * 400,
                    "tokens": {"input": 1, "output": 2, "cache_read": 3, "reasoning": 4}}}
    record = {"action": "a", "details": {"text": "x" * 7_000}}
    for path, body in (("events", [event] * 10_000), ("audit", [record] * 1_000)):
        answer = httpx.post(
            f"http://{process.web}{ROOT}{path}", json=body, trust_env=False, timeout=60)
        assert answer.status_code == 200, answer.text


def test_ids_and_cursors_are_digits(own):
    for path, parameters, headers in (
            ("audit", {"cursor": "+5"}, {}), ("failures", {"cursor": "+5"}, {}),
            ("sessions", {"cursor": "+5"}, {}), ("audit", {"limit": "+5"}, {}),
            ("events/stream", {}, {"last-event-id": "+5"})):
        answer = httpx.get(
            f"http://{own[0].web}{ROOT}{path}", params=parameters, headers=headers,
            trust_env=False)
        assert answer.status_code == 400, path
        assert answer.json()["error"]["code"] == "bad_parameter"


def test_head_is_get_without_its_body(own):
    address = f"http://{own[0].web}{ROOT}traces"
    answer = httpx.head(address, trust_env=False)
    assert answer.status_code == 200 and answer.content == b""
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(httpx.get(address, trust_env=False).content)


# Events without OpenTelemetry


def test_posted_events_are_counted_as_any_other(roost):
    process = roost({"agents": {"hold": "500ms"}})
    events = [
        {"event_type": "agent.invoked", "trace_id": "ab" * 16, "session_id": "s",
         "payload": {"agent": {"name": "poet"}, "run_id": "r"}},
        {"event_type": "agent.completed", "trace_id": "ab" * 16, "session_id": "s",
         "payload": {"agent": {"name": "poet"}, "run_id": "r", "duration_ms": 1500}}]
    answer = httpx.post(f"http://{process.web}{ROOT}events", json=events, trust_env=False)
    assert answer.json() == {"accepted": 2}
    wait_until(
        lambda: ask(process, "fleet")["executions"]["completed"] == 1, timeout=30,
        what="the agent's run")
    rows = ask(process, "fleet")["agents"]
    assert [(row["agent"], row["average_duration"]) for row in rows] == [("poet", 1.5)]


def test_a_posted_run_that_goes_on_is_running_in_traces_too(roost):
    process = roost({"agents": {"hold": "300ms"}})
    trace = "ac" * 16

    def post(kind, payload, **more):
        event = {"event_type": kind, "trace_id": trace, "payload": payload, **more}
        answer = httpx.post(f"http://{process.web}{ROOT}events", json=event, trust_env=False)
        assert answer.json() == {"accepted": 1}

    def told():
        document = ask(process, f"traces/{trace}")
        return [document[key] for key in ("status", "workflow", "session", "user", "span_count")]

    def listed():
        return [(row["trace_id"], row["status"]) for row in
                ask(process, "traces?session=s-1")["traces"]]

    post("workflow.started", {"workflow": "tale"}, session_id="s-1", user_id="eve")
    post("agent.invoked", {"agent": "poet"})
    post("llm.completed", {"agent": "poet", "model": "gpt-4o", "cost": 0.5})
    # Longer than the hold: it is quiet, and not over.
    time.sleep(1)
    wait_until(lambda: listed() == [(trace, "running")], what="the trace of the run")
    assert told() == ["running", "tale", "s-1", "eve", 3]
    post("agent.completed", {"agent": "poet"})
    post("workflow.completed", {})
    wait_until(lambda: told() == ["ok", "tale", "s-1", "eve", 3], what="its end")
    wait_until(
        lambda: ask(process, f"workflows/{trace}")["state"] == "completed", what="the run's end")
    # Of a run that is over, and was forgotten for that.
    time.sleep(1)
    post("llm.completed", {"agent": "poet", "model": "gpt-4o", "cost": 0.25})
    wait_until(
        lambda: [(row["session"], row["cost_usd"]) for row in ask(process, "costs")["by_session"]]
        == [("s-1", 0.75)], timeout=30, what="the cost of the session")
    assert [row["user"] for row in ask(process, "costs")["by_user"]] == ["eve"]


def test_what_is_posted_is_redacted_before_it_is_shown(roost):
    process = roost({"agents": {"hold": "300ms", "redact": {"keys": ["user.id"]}}})
    secret = "gh" + "p_a1" + "Zx9Q" * 9
    event = {"trace_id": "cd" * 16, "session_id": f"s {secret}", "payload": {
        "agent": {"name": f"poet {secret}"}, "workflow": f"tale {secret}", "user_id": "eve-of-example",
        "tool": f"pen {secret}", "error": f"{secret} was refused", "duration_ms": 5}}
    answer = httpx.post(f"http://{process.web}{ROOT}events", trust_env=False, json=[
        {**event, "event_type": kind} for kind in ("tool.failed", "agent.failed", "workflow.failed")])
    assert answer.json() == {"accepted": 3}
    wait_until(lambda: get(process, f"traces/{'cd' * 16}").status_code == 200, what="the trace")
    wait_until(lambda: ask(process, "failures")["failures"], what="the failures")
    for path in ("fleet", "workflows", f"workflows/{'cd' * 16}", f"traces/{'cd' * 16}", "traces",
                 f"traces/{'cd' * 16}/analysis", "failures", "sessions", "costs", "insights",
                 "metrics/windows", "/metrics", "/status"):
        text = get(process, path).text
        assert secret not in text and "eve-of-example" not in text, path
    assert ask(process, "workflows")["workflows"][0]["workflow"] == "tale [redacted:api_key]"
    page = process.metrics()
    assert page.value("roost_redacted_values_total", rule="api_key") == 15
    assert page.value("roost_redacted_values_total", rule="key") == 3
    assert page.value("roost_store_posted_steps_total") == 3
    assert page.value("roost_store_dropped_posted_steps_total") == 0


# Who may ask


def test_with_tokens_nothing_is_told_without_one(roost):
    process = roost({"listen": {"tokens": ["s3cret"]}})
    web = f"http://{process.web}"
    for path in (f"{ROOT}overview", f"{ROOT}openapi.json", "/api/services", "/metrics", "/status"):
        assert httpx.get(web + path, trust_env=False).status_code == 401
        known = httpx.get(web + path, headers={"authorization": "Bearer s3cret"}, trust_env=False)
        assert known.status_code == 200, path
    for header in ("Bearer wrong", "Basic s3cret", "s3cret"):
        assert httpx.get(f"{web}{ROOT}fleet", headers={"authorization": header},
                         trust_env=False).status_code == 401
    assert httpx.get(f"{web}/health", trust_env=False).status_code == 200
    with httpx.Client(base_url=web, trust_env=False) as person:
        wrong = person.post("/login", data={"token": "wrong", "next": "/"})
        assert "set-cookie" not in wrong.headers
        done = person.post("/login", data={"token": "s3cret", "next": f"{ROOT}fleet"})
        assert done.status_code == 303 and done.headers["location"] == f"{ROOT}fleet"
        cookie = done.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
        assert person.get(f"{ROOT}fleet").status_code == 200
        foreign = person.put(
            f"{ROOT}switches", json={"live": True}, headers={"origin": "http://evil.example"})
        assert foreign.status_code == 403
        assert person.put(f"{ROOT}switches", json={"live": True}).status_code == 200
        person.post("/logout")
        assert person.get(f"{ROOT}fleet").status_code == 401


def test_a_login_ends_with_its_token(roost, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("one\ntwo\n")
    process = roost({"listen": {"tokens_file": str(tokens)}})
    web = f"http://{process.web}"
    with (httpx.Client(base_url=web, trust_env=False) as gone,
          httpx.Client(base_url=web, trust_env=False) as stays):
        for person, token in ((gone, "one"), (stays, "two")):
            person.post("/login", data={"token": token})
            assert person.get(f"{ROOT}fleet").status_code == 200
        tokens.write_text("two\n")
        process.signal(signal.SIGHUP)
        wait_until(lambda: gone.get(f"{ROOT}fleet").status_code == 401, what="the end of a login")
        assert stays.get(f"{ROOT}fleet").status_code == 200


def test_foreign_hosts_and_origins_are_refused(own):
    web = f"http://{own[0].web}"
    port = own[0].web.rpartition(":")[2]
    for host, status in (
            ("evil.example", 403), (f"evil.example:{port}", 403), (f"localhost:{port}", 200)):
        answer = httpx.get(f"{web}{ROOT}fleet", headers={"host": host}, trust_env=False)
        assert answer.status_code == status, host
    for origin, status in (("http://evil.example", 403), ("null", 403), (web, 200)):
        answer = httpx.put(
            f"{web}{ROOT}switches", json={"live": True}, headers={"origin": origin},
            trust_env=False)
        assert answer.status_code == status, origin
    assert httpx.get(
        f"{web}{ROOT}fleet", headers={"origin": "http://evil.example"},
        trust_env=False).status_code == 200


@pytest.mark.parametrize("listener", ["grpc", "http"])
def test_a_receiver_on_every_interface_does_not_open_the_web_port_to_any_name(roost, listener):
    process = roost({"listen": {listener: "0.0.0.0:0"}})
    for method, path in (("GET", "overview"), ("PUT", "switches")):
        answer = httpx.request(
            method, f"http://{process.web}{ROOT}{path}", json={"live": True},
            headers={"host": "evil.example:8080", "origin": "http://evil.example:8080"},
            trust_env=False)
        assert answer.status_code == 403, path
    assert process.get(f"{ROOT}overview").status_code == 200


# Switches


ANALYTICS = [
    "metrics/windows", "fleet", "workflows", f"workflows/{TRACE}", "sessions", "patterns",
    "regressions", "failures", "costs", "budgets", "insights", "insights/report.md"]


def turn(process, **parts):
    answer = httpx.put(f"http://{process.web}{ROOT}switches", json=parts, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_is_off_says_so_and_nothing_else_breaks(roost):
    process = roost()
    assert turn(process, analytics=False)["analytics"] is False
    for path in ANALYTICS:
        answer = get(process, path)
        assert answer.status_code == 503, path
        assert answer.json()["error"]["code"] == "switched_off"
        assert "analytics" in answer.json()["error"]["message"]
    overview = ask(process, "overview")
    assert overview["totals"] is None and overview["now"] is None
    assert overview["features"]["analytics"] is False
    send(process, made())
    wait_until(lambda: get(process, f"traces/{TRACE}").status_code == 200, what="the trace")
    assert ask(process, "switches")["store"] is True
    turn(process, analytics=True, live=False)
    for path in ANALYTICS:
        assert get(process, path).status_code in (200, 404), path
    for path in ("events/stream", "metrics/stream"):
        assert get(process, path).status_code == 503
    assert turn(process, live=True)["live"] is True


def test_switches_are_all_or_nothing(own):
    process, _ = own
    address = f"http://{process.web}{ROOT}switches"
    before = ask(process, "switches")
    for body, named in (
            ({"live": False, "everything": False}, "everything"), ({"live": "off"}, "live"),
            ({}, "one or more"), ([], "object")):
        answer = httpx.put(address, json=body, trust_env=False)
        assert answer.status_code == 400 and named in answer.json()["error"]["message"]
    assert ask(process, "switches") == before


def test_without_a_store_its_paths_say_so(roost):
    process = roost({"enable": {"store": False}})
    send(process, made())
    for path in (
            "traces", f"traces/{TRACE}", f"traces/{TRACE}/analysis", f"traces/{TRACE}/export",
            "logs", "/api/services", "/api/traces?service=a", f"/api/traces/{TRACE}"):
        answer = get(process, path)
        assert answer.status_code == 503, path
        assert "store" in answer.text
    overview = ask(process, "overview")
    assert overview["recent_traces"] == [] and overview["store"]["open"] is False
    assert ask(process, "fleet")["workflows"]["active"] == 0
