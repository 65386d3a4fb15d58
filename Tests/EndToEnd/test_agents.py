"""What agents do, through the whole program: every fixture, and `increase()` in a real Prometheus."""

import json
import pathlib
import time

import pytest
from conftest import wait_until
from test_prometheus import Prometheus

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "Fixtures" / "agents"
HOLD = {"agents": {"hold": "300ms"}}
SCRAPER = {"X-Prometheus-Scrape-Timeout-Seconds": "10"}


def spans_of(fixture):
    return [item["body"] for item in fixture["requests"] if item["signal"] == "traces"]


WITH_SPANS = sorted(
    path.stem for path in FIXTURES.glob("*.json") if spans_of(json.loads(path.read_text()))
)


def post(process, body):
    import httpx

    answer = httpx.post(f"http://{process.http}/v1/traces", json=body, trust_env=False)
    assert (answer.status_code, answer.json()) == (200, {})


def total(process, name, headers=None, **labels):
    """The sum of the samples called `name`; `headers` as Prometheus would send them."""
    from conftest import Metrics

    answer = process.get("/metrics", headers=headers or {})
    return Metrics(answer).value(name, **labels)


@pytest.mark.parametrize("name", WITH_SPANS)
def test_a_fixture_gives_the_account_of_its_provider(roost, name):
    fixture = json.loads((FIXTURES / f"{name}.json").read_text())
    process = roost(HOLD)
    for body in spans_of(fixture):
        post(process, body)
    account = fixture["account"]
    if name == "openllmetry_anthropic":
        # Two spans in traces of their own tell the failed call: see docs/agents.md.
        account["missing"] = {"calls": 2, "failed": 2, "tokens": account["missing"]["tokens"]}
    calls = sum(row["calls"] for row in account.values())
    failed = sum(row["failed"] for row in account.values())
    tokens = sum(sum(row["tokens"].values()) for row in account.values())
    wait_until(
        lambda: total(process, "roost_llm_calls_total") == calls
        and total(process, "roost_agent_held_activities") == 0,
        what="every call to be counted",
    )
    assert total(process, "roost_llm_calls_total", status="error") == failed
    assert total(process, "roost_llm_tokens_total") == tokens
    for key, family, label in [
        ("agents", "roost_agent_runs_total", "agent"),
        ("tools", "roost_tool_calls_total", "tool"),
        ("workflows", "roost_workflow_runs_total", "workflow"),
    ]:
        for value, count in fixture.get(key, {}).items():
            assert total(process, family, **{label: value}) == count, (key, value)


def call(number, cost):
    now = time.time_ns()
    return {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]
                },
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": f"{number:032x}",
                                "spanId": f"{number:016x}",
                                "name": "chat gpt-4o",
                                "kind": 3,
                                "startTimeUnixNano": str(now - 10**9),
                                "endTimeUnixNano": str(now),
                                "attributes": [
                                    {"key": key, "value": value}
                                    for key, value in {
                                        "gen_ai.operation.name": {"stringValue": "chat"},
                                        "gen_ai.provider.name": {"stringValue": "openai"},
                                        "gen_ai.request.model": {"stringValue": "gpt-4o"},
                                        "gen_ai.usage.input_tokens": {"intValue": "100"},
                                        "gen_ai.usage.output_tokens": {"intValue": "20"},
                                        "operation.cost": {"doubleValue": cost},
                                    }.items()
                                ],
                            }
                        ]
                    }
                ],
            }
        ]
    }


def test_prometheus_sees_a_new_series_as_nothing_once_and_others_never(roost):
    process = roost(HOLD)
    post(process, call(1, 0.5))
    name = "roost_llm_cost_usd_total"
    wait_until(lambda: total(process, name) == 0.5)
    assert total(process, name, SCRAPER) == 0
    assert total(process, name) == 0.5
    assert total(process, name, SCRAPER) == 0.5


def test_increase_counts_every_call_the_first_one_too(roost, tmp_path):
    """Few calls, far apart next to the scrapes, as an agent at work a few times an hour."""
    process = roost(HOLD)
    prometheus = Prometheus(tmp_path / "prometheus", process.web, "")
    try:
        name = "roost_llm_cost_usd_total"
        wait_until(lambda: prometheus.value("up") == 1, timeout=30)
        for number in range(1, 6):
            post(process, call(number, 0.25))
            wait_until(lambda: prometheus.value(name) == 0.25 * number, timeout=30)
        # The samples themselves, without what increase() guesses beyond them.
        found = prometheus.query(f"max_over_time({name}[5m]) - min_over_time({name}[5m])")
        assert [float(row["value"][1]) for row in found] == [1.25]
        assert prometheus.value(f"increase({name}[5m])") >= 1.25
    finally:
        prometheus.end()


def test_a_span_that_comes_again_is_no_second_call(roost):
    process = roost({"agents": {"hold": "1h"}})
    body = call(2, 0.25)
    post(process, body)
    post(process, body)
    wait_until(lambda: total(process, "roost_agent_repeated_spans_total") == 1)
    assert total(process, "roost_llm_calls_total") == 1
    assert total(process, "roost_llm_cost_usd_total") == 0.25
    assert total(process, "traces_span_metrics_calls_total") == 2


def test_switched_off_nothing_is_counted(roost):
    process = roost({"enable": {"analytics": False}})
    post(process, call(3, 1))
    assert total(process, "roost_llm_calls_total") == 0
    assert total(process, "roost_receiver_accepted_spans_total") == 1


def test_its_families_pass_promtool(roost):
    import subprocess

    process = roost(HOLD)
    for name in WITH_SPANS:
        for body in spans_of(json.loads((FIXTURES / f"{name}.json").read_text())):
            post(process, body)
    wait_until(lambda: total(process, "roost_agent_held_activities") == 0)
    page = process.get("/metrics").content
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, timeout=60
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_nonsense_is_counted_and_everything_else_of_it_taken(roost):
    """Ten calls in one request, each with something that cannot be."""

    def span(number):
        return body["resourceSpans"][0]["scopeSpans"][0]["spans"][number]

    def add(number, key, **value):
        attributes = span(number)["attributes"]
        attributes[:] = [one for one in attributes if one["key"] != key]
        attributes.append({"key": key, "value": value})

    body = call(1, 0.5)
    spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for number in range(2, 11):
        spans += call(number, 0.5)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    tokens = "gen_ai.usage.input_tokens"
    add(0, tokens, intValue="-5")
    add(1, tokens, intValue=str(10**12))
    add(2, "operation.cost", doubleValue=-3)
    add(3, "gen_ai.request.model", stringValue="m" * (1 << 20))
    span(4)["attributes"] += [
        {"key": f"key.{number}", "value": {"intValue": "1"}} for number in range(10_000)]
    # A parent of its own, and one below two that are each other's parents.
    span(5)["parentSpanId"] = span(5)["spanId"]
    span(6)["parentSpanId"] = "a" * 16
    for one, other in ["ab", "ba"]:
        spans.append({**span(6), "name": "step", "attributes": [], "spanId": one * 16,
                      "parentSpanId": other * 16})
    span(7)["endTimeUnixNano"] = str(int(span(7)["startTimeUnixNano"]) - 10**9)
    span(8)["startTimeUnixNano"] = "1"
    # More cached than read at all, and two kinds at once: the table says which is believed.
    add(9, "gen_ai.usage.cache_read.input_tokens", intValue="150")
    add(9, "openinference.span.kind", stringValue="TOOL")
    add(9, "langfuse.observation.type", stringValue="generation")
    process = roost({"agents": {"hold": "3s"}})
    post(process, body)
    post(process, body)
    wait_until(lambda: total(process, "roost_llm_calls_total") == 10, what="every call")
    wait_until(lambda: total(process, "roost_agent_held_activities") == 0, what="quiet traces")
    assert total(process, "roost_llm_calls_total") == 10
    assert total(process, "roost_tool_calls_total") == 0
    assert total(process, "roost_llm_tokens_total", token_type="input") == 800
    assert total(process, "roost_llm_tokens_total", token_type="cache_read") == 150
    assert total(process, "roost_llm_tokens_total", token_type="output") == 200
    assert total(process, "roost_llm_call_duration_seconds_count") == 8
    assert total(process, "roost_llm_calls_total", model="m" * 256) == 1
    # Each was told twice.
    assert total(process, "roost_agent_rejected_values_total") == 6
    assert total(process, "roost_agent_mended_times_total") == 4
    assert total(process, "roost_agent_repeated_spans_total") == 12


def test_without_any_content_the_account_is_the_same(roost):
    """A failed call tells its model among the parameters only, which are content."""
    fixture = json.loads((FIXTURES / "openinference_openai.json").read_text())
    process = roost({**HOLD, "agents": {"hold": "300ms", "redact": {"content": True}}})
    for body in spans_of(fixture):
        post(process, body)
    wait_until(lambda: total(process, "roost_llm_calls_total") == 5, what="every call")
    assert total(process, "roost_llm_calls_total", model="missing", status="error") == 1
    assert total(process, "roost_redacted_values_total", rule="content") > 0


# The conventions' own client metrics


def client_metrics(process, service, **labels):
    """Name and labels to value, of the client families of one service."""
    found = {}
    for sample in process.metrics().samples:
        if not sample.name.startswith("gen_ai_client") or sample.labels.get("job") != service:
            continue
        if all(sample.labels.get(key) == value for key, value in labels.items()):
            if not sample.name.endswith(("_bucket", "_created")):
                found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def own_usage(service):
    point = {
        "startTimeUnixNano": str(time.time_ns() - 10**9), "timeUnixNano": str(time.time_ns()),
        "count": "3", "sum": 77, "bucketCounts": ["3"], "explicitBounds": [],
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.token.type", "value": {"stringValue": "input"}}],
    }
    return {"resourceMetrics": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeMetrics": [{"scope": {"name": "its own"}, "metrics": [{
            "name": "gen_ai.client.token.usage", "unit": "{token}",
            "histogram": {"aggregationTemporality": 2, "dataPoints": [point]}}]}],
    }]}


def test_client_metrics_are_computed_for_services_that_send_none(roost):
    import httpx

    process = roost(HOLD)
    for number in range(1, 4):
        post(process, call(number, 0.5))
    wait_until(lambda: total(process, "roost_llm_calls_total") == 3, what="the calls")
    usage = "gen_ai_client_token_usage"
    name = {"otel_scope_name": "roost", "gen_ai_request_model": "gpt-4o",
            "gen_ai_provider_name": "openai", "gen_ai_operation_name": "chat"}
    assert client_metrics(process, "shop", gen_ai_token_type="input", **name) == {
        f"{usage}_sum": 300, f"{usage}_count": 3}
    assert client_metrics(process, "shop", gen_ai_token_type="output", **name) == {
        f"{usage}_sum": 60, f"{usage}_count": 3}
    shown = client_metrics(process, "shop", **name)
    assert shown["gen_ai_client_operation_duration_seconds_count"] == 3
    assert shown["gen_ai_client_operation_duration_seconds_sum"] == pytest.approx(3)
    bounds = [sample.labels["le"] for sample in process.metrics().samples
              if sample.name == f"{usage}_bucket" and sample.labels["gen_ai_token_type"] == "input"]
    assert [float(bound) for bound in bounds] == [4**power for power in range(14)] + [float("inf")]

    # Another service sends its own: those are shown, and nothing is computed for it.
    answer = httpx.post(
        f"http://{process.http}/v1/metrics", json=own_usage("own"), trust_env=False)
    assert answer.status_code == 200
    mine = call(9, 0.5)
    resource = mine["resourceSpans"][0]["resource"]
    resource["attributes"][0]["value"]["stringValue"] = "own"
    post(process, mine)
    wait_until(lambda: total(process, "roost_llm_calls_total") == 4, what="its call")
    assert client_metrics(process, "own") == {f"{usage}_sum": 77, f"{usage}_count": 3}
    assert client_metrics(process, "shop")[f"{usage}_count"] == 6


def test_client_metrics_take_the_names_of_the_new_repository(roost):
    process = roost({"agents": {"semconv": "genai"}})
    post(process, call(1, 0.5))
    wait_until(lambda: total(process, "roost_llm_calls_total") == 1, what="the call")
    histograms = {
        f"gen_ai_client_inference_{name}_{part}" for part in ("sum", "count")
        for name in ("duration_seconds", "operation_input_tokens", "operation_output_tokens")}
    usage = "gen_ai_client_inference_usage"
    counters = {f"{usage}_input_tokens_total": 100, f"{usage}_output_tokens_total": 20}
    assert set(client_metrics(process, "shop")) == histograms | set(counters)
    assert client_metrics(process, "shop", gen_ai_token_modality="unknown") == counters
    # Those that input and output include, where they are told.
    body = call(2, 0.5)
    span = body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    for name, count in [("cache_read.input_tokens", 40), ("cache_creation.input_tokens", 30),
                        ("reasoning.output_tokens", 5)]:
        span["attributes"].append(
            {"key": f"gen_ai.usage.{name}", "value": {"intValue": str(count)}})
    post(process, body)
    wait_until(lambda: total(process, "roost_llm_calls_total") == 2, what="the second call")
    assert client_metrics(process, "shop", gen_ai_token_modality="unknown") == {
        f"{usage}_input_tokens_total": 200, f"{usage}_output_tokens_total": 40,
        f"{usage}_cache_read_input_tokens_total": 40,
        f"{usage}_cache_write_input_tokens_total": 30,
        f"{usage}_reasoning_output_tokens_total": 5}
    off = roost({"agents": {"semconv": "off"}})
    post(off, call(1, 0.5))
    wait_until(lambda: total(off, "roost_llm_calls_total") == 1, what="the call")
    assert client_metrics(off, "shop") == {}


def test_services_of_one_name_in_two_namespaces_are_two(roost):
    import httpx

    def of(number, namespace):
        body = call(number, 0.5)
        if namespace:
            body["resourceSpans"][0]["resource"]["attributes"].append(
                {"key": "service.namespace", "value": {"stringValue": namespace}})
        return body

    process = roost(HOLD)
    # One of them sends its own.
    own = own_usage("shop")
    own["resourceMetrics"][0]["resource"]["attributes"].append(
        {"key": "service.namespace", "value": {"stringValue": "west"}})
    answer = httpx.post(f"http://{process.http}/v1/metrics", json=own, trust_env=False)
    assert answer.status_code == 200
    for number, namespace in enumerate(["", "east", "east", "west", "west", "west"], 1):
        post(process, of(number, namespace))
    wait_until(lambda: total(process, "roost_llm_calls_total") == 6, what="the calls")
    usage = "gen_ai_client_token_usage"
    assert client_metrics(process, "west/shop") == {f"{usage}_sum": 77, f"{usage}_count": 3}
    for job, calls in [("shop", 1), ("east/shop", 2)]:
        shown = client_metrics(process, job)
        assert shown["gen_ai_client_operation_duration_seconds_count"] == calls
        assert shown[f"{usage}_count"] == 2 * calls


# Which signal is believed


def send_all(process, fixture, *signals):
    import httpx

    for signal in signals:
        for item in fixture["requests"]:
            if item["signal"] == signal:
                answer = httpx.post(
                    f"http://{process.http}/v1/{signal}", json=item["body"], trust_env=False)
                assert answer.status_code == 200


def test_what_metrics_alone_tell_is_counted(roost):
    fixture = json.loads((FIXTURES / "claude_code_metrics.json").read_text())
    process = roost(HOLD)
    send_all(process, fixture, "metrics")
    (model, account), = fixture["account"].items()
    wait_until(lambda: total(process, "roost_llm_tokens_total") == sum(account["tokens"].values()),
               what="the tokens")
    for kind, tokens in account["tokens"].items():
        assert total(process, "roost_llm_tokens_total", model=model, token_type=kind) == tokens
    cost = total(process, "roost_llm_cost_usd_total", source="reported", agent="claude-code")
    assert cost == pytest.approx(fixture["reported_cost_usd"], rel=1e-9)


@pytest.mark.parametrize("order", ["metrics logs traces", "traces logs metrics",
                                   "logs metrics traces"])
def test_three_signals_of_one_service_count_once(roost, order):
    fixture = json.loads((FIXTURES / "claude_code_all_signals.json").read_text())
    process = roost(HOLD)
    send_all(process, fixture, *order.split())
    (model, account), = fixture["account"].items()

    def believed():
        return {(one["service"], one["of"]): (one["signal"], one["left_out"])
                for one in process.status()["agents"]["believed"]}

    wait_until(lambda: ("claude-code", "calls") in believed(), what="a belief")
    wait_until(lambda: total(process, "roost_agent_held_activities") == 0, what="quiet traces")
    assert believed() == {
        ("claude-code", "calls"): ("traces", ["logs", "metrics"]),
        ("claude-code", "tools"): ("traces", ["logs"])}
    for one in process.status()["agents"]["believed"]:
        assert one["because"] == "spans say most"
        assert one["sessions"] == {"traces": 1}
    assert total(process, "roost_llm_calls_total", model=model) == account["calls"]
    assert total(process, "roost_llm_tokens_total") == sum(account["tokens"].values())
    assert total(process, "roost_tool_calls_total") == 1
    assert total(process, "roost_agent_left_out_activities_total") > 0


# Users


def called_by(number, user):
    """A call below a run of an agent that tells its user."""
    body = call(number, 0.25)
    (spans,) = [scope["spans"] for scope in body["resourceSpans"][0]["scopeSpans"]]
    root = {**spans[0], "spanId": f"{number + 1000:016x}", "name": "invoke_agent clerk"}
    root["attributes"] = [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "invoke_agent"}},
        {"key": "gen_ai.agent.name", "value": {"stringValue": "clerk"}},
        {"key": "user.id", "value": {"stringValue": user}}]
    spans[0]["parentSpanId"] = root["spanId"]
    spans.append(root)
    return body


USER_FAMILIES = {"roost_llm_calls_total": 1, "roost_llm_tokens_total": 120,
                 "roost_llm_cost_usd_total": 0.25, "roost_agent_runs_total": 1}


def by_user(process, name):
    """Users to sums; None where there is no label."""
    sums = {}
    for sample in process.metrics().find(name):
        user = sample.labels.get("user")
        sums[user] = sums.get(user, 0) + sample.value
    return sums


def test_users_are_a_label_only_as_keyed_hashes(roost):
    import hashlib
    import hmac
    import stat
    import subprocess

    import httpx
    from conftest import roost_binary
    from test_reload_destinations import reload

    ada, bob = "ada@example.com", "employee-4711"

    def label(user, key):
        return hmac.new(key, user.encode(), hashlib.sha256).hexdigest()[:16]

    def wait_calls(process, count):
        wait_until(lambda: total(process, "roost_llm_calls_total") == count, what="the calls")

    def switch(process, says="configuration reloaded", **agents):
        reload(process, lambda config: config["agents"].update(agents), says)

    process = roost({**HOLD, "log": {"level": "debug"}})
    post(process, called_by(1, ada))
    wait_calls(process, 1)
    assert {name: by_user(process, name) for name in USER_FAMILIES} == {
        name: {None: value} for name, value in USER_FAMILIES.items()}
    key_file = process.data / "user-key"
    assert not key_file.exists()

    switch(process, user_label="hashed")
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    key = key_file.read_bytes().strip()
    post(process, called_by(2, ada))
    post(process, called_by(3, bob))
    post(process, called_by(4, bob))
    wait_calls(process, 4)
    for name, value in USER_FAMILIES.items():
        assert by_user(process, name) == {
            "": value, label(ada, key): value, label(bob, key): 2 * value}
    # What a person asks for by hand.
    asked = subprocess.run(
        [roost_binary(), "user-hash", "--config", str(process.config_file), ada, bob],
        capture_output=True, text=True, timeout=60)
    assert (asked.returncode, asked.stdout) == (
        0, f"{label(ada, key)}  {ada}\n{label(bob, key)}  {bob}\n")
    # Users of log events and of metrics.
    for fixture, signal in [("claude_code_events", "logs"), ("claude_code_metrics", "metrics")]:
        send_all(process, json.loads((FIXTURES / f"{fixture}.json").read_text()), signal)
    wait_until(lambda: total(process, "roost_agent_held_activities") == 0, what="quiet traces")

    assert label("u-1", key) in by_user(process, "roost_llm_calls_total")
    assert not [sample for sample in process.metrics().samples
                if sample.name.startswith("roost_") and "u-1" in sample.labels.values()]

    # Nobody's id and no key is on any form of the page, in the status or in the log.
    protobuf = ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                "encoding=delimited")
    pages = [process.get("/metrics", headers={"accept": form}).content
             for form in ("text/plain", "application/openmetrics-text", protobuf)]
    pages += [process.get("/status").content, process.log.encode()]
    for page in pages:
        for secret in (ada, bob, key.decode()):
            assert secret.encode() not in page

    # Switched off what was counted stays, and the rest is nobody's.
    before = {name: by_user(process, name) for name in USER_FAMILIES}
    switch(process, user_label="off")
    calls = total(process, "roost_llm_calls_total")
    post(process, called_by(5, ada))
    wait_calls(process, calls + 1)
    for name, value in USER_FAMILIES.items():
        now = by_user(process, name)
        assert now[label(ada, key)] == value and now[label(bob, key)] == 2 * value
        assert now[""] >= before[name][""] + value

    # A key of one's own; one that is not good changes nothing.
    switch(process, says="configuration not reloaded", user_label="hashed", user_key="short")
    assert process.status()["configuration"]["agents"]["user_label"] == "off"
    switch(process, user_label="hashed", user_key="k" * 32)
    post(process, called_by(6, ada))
    wait_calls(process, calls + 2)
    assert by_user(process, "roost_llm_calls_total")[label(ada, b"k" * 32)] == 1

    # The key that was made holds for the next start too.
    assert process.stop() == 0
    again = roost({"agents": {"hold": "300ms", "user_label": "hashed"},
                   "store": {"path": str(process.data)}})
    post(again, called_by(7, ada))
    wait_calls(again, 1)
    assert by_user(again, "roost_llm_cost_usd_total") == {label(ada, key): 0.25}
    checked = subprocess.run(["promtool", "check", "metrics"], capture_output=True, timeout=60,
                             input=again.get("/metrics").content)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")

    # A key that is damaged is told at start.
    assert again.stop() == 0
    key_file.write_text("damaged")
    last = roost({"agents": {"user_label": "hashed"}, "store": {"path": str(process.data)}},
                 wait=False)
    assert last.wait_end() != 0
    assert "the key in" in last.log and "damaged" not in last.log


def test_users_above_the_limit_share_a_series(roost):
    process = roost({"agents": {"hold": "300ms", "user_label": "hashed"},
                     "limits": {"series_per_metric": 3}})
    for number in range(1, 11):
        post(process, called_by(number, f"user {number}"))
    wait_until(lambda: total(process, "roost_llm_calls_total") == 10, what="the calls")
    found = process.metrics().find("roost_llm_calls_total")
    assert len({sample.labels["user"] for sample in found if "user" in sample.labels}) == 3
    assert total(process, "roost_llm_calls_total", otel_metric_overflow="true") == 7
