"""`roost demo` against a collector of ours that keeps everything: what it sends is OTLP, is the same
for the same seed, fits together over the three signals, and is what its report says."""

import http.server
import json
import subprocess
import threading
from collections import Counter
from concurrent import futures

import grpc
import pytest
from conftest import PATIENCE, program_environment, roost_binary, wait_until
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

SECONDS = 4


def run_demo(*arguments, timeout=60):
    return subprocess.run(
        [roost_binary(), "demo", *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout * PATIENCE, check=False,
        env=program_environment(),
    )


class Kept:
    """Requests of the three signals as they came."""

    def __init__(self):
        self.lock = threading.Lock()
        self.traces, self.metrics, self.logs = [], [], []

    def keep(self, signal, request):
        with self.lock:
            getattr(self, signal).append(request)

    def spans(self):
        for request in self.traces:
            for resource_spans in request.resource_spans:
                for scope_spans in resource_spans.scope_spans:
                    for span in scope_spans.spans:
                        yield attributes(resource_spans.resource), span

    def records(self):
        for request in self.logs:
            for resource_logs in request.resource_logs:
                for scope_logs in resource_logs.scope_logs:
                    for record in scope_logs.log_records:
                        yield attributes(resource_logs.resource), record

    def points(self):
        for request in self.metrics:
            for resource_metrics in request.resource_metrics:
                for scope_metrics in resource_metrics.scope_metrics:
                    for metric in scope_metrics.metrics:
                        data = getattr(metric, metric.WhichOneof("data"))
                        for point in data.data_points:
                            yield attributes(resource_metrics.resource), metric, data, point


def attributes(holder):
    values = {}
    for entry in holder.attributes:
        kind = entry.value.WhichOneof("value")
        value = getattr(entry.value, kind)
        values[entry.key] = [v.string_value for v in value.values] if kind == "array_value" else value
    return values


class GrpcCollector:
    """OTLP/gRPC on a port of its own."""

    def __init__(self):
        self.kept = Kept()
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        kept = self.kept

        def service(base, signal, response):
            class Service(base):
                def Export(self, request, context):
                    kept.keep(signal, request)
                    return response()
            return Service()

        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(
            service(trace_service_pb2_grpc.TraceServiceServicer, "traces",
                    trace_service_pb2.ExportTraceServiceResponse), self.server)
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(
            service(metrics_service_pb2_grpc.MetricsServiceServicer, "metrics",
                    metrics_service_pb2.ExportMetricsServiceResponse), self.server)
        logs_service_pb2_grpc.add_LogsServiceServicer_to_server(
            service(logs_service_pb2_grpc.LogsServiceServicer, "logs",
                    logs_service_pb2.ExportLogsServiceResponse), self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop(None)


class HttpCollector:
    """OTLP/HTTP on a port of its own; refuses the first `busy` requests that hold something."""

    REQUESTS = {
        "/v1/traces": ("traces", trace_service_pb2.ExportTraceServiceRequest),
        "/v1/metrics": ("metrics", metrics_service_pb2.ExportMetricsServiceRequest),
        "/v1/logs": ("logs", logs_service_pb2.ExportLogsServiceRequest),
    }

    def __init__(self, busy=0, reject=0):
        self.kept = Kept()
        outer = self
        outer.busy, outer.reject = busy, reject
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signal, kind = outer.REQUESTS[self.path]
                with lock:
                    is_busy = bool(body) and outer.busy > 0
                    outer.busy -= is_busy
                    rejected = outer.reject if body and signal == "traces" else 0
                    outer.reject -= rejected
                if is_busy:
                    self.send_response(503)
                    self.send_header("Retry-After", "1")
                    answer = b""
                else:
                    outer.kept.keep(signal, kind.FromString(body))
                    response = trace_service_pb2.ExportTraceServiceResponse()
                    if rejected:
                        response.partial_success.rejected_spans = rejected
                        response.partial_success.error_message = "not today"
                    answer = response.SerializeToString()
                    self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def played():
    """One run over gRPC: the report and everything that arrived."""
    with GrpcCollector() as collector:
        result = run_demo(
            "--endpoint", f"http://127.0.0.1:{collector.port}", "--rate", 450, "--for", SECONDS,
            "--seed", 11)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), collector.kept


def test_sends_what_its_report_says(played):
    report, kept = played
    assert report["protocol"] == "grpc" and report["seed"] == 11
    assert report["workflows"]["count"] == 450 * SECONDS // 60
    assert report["sent"] == {
        "spans": sum(1 for _ in kept.spans()),
        "metric_points": sum(1 for _ in kept.points()),
        "log_records": sum(1 for _ in kept.records()),
    }
    nothing = {"spans": 0, "metric_points": 0, "log_records": 0}
    assert report["refused"] == nothing and report["lost"] == nothing

    operations = Counter(attributes(s).get("gen_ai.operation.name") for _, s in kept.spans())
    assert operations["invoke_workflow"] == report["workflows"]["count"]
    assert operations["chat"] == report["calls"]["llm"]["count"]
    assert operations["embeddings"] == report["calls"]["embeddings"]["count"]
    assert operations["execute_tool"] == report["calls"]["tools"]["count"]
    agents = [s for _, s in kept.spans() if s.name.startswith("invoke_agent ") and s.kind == 1]
    assert len(agents) == report["agents"]["count"]


def test_tokens_and_cost_add_up(played):
    report, kept = played
    model_calls = [
        values for values in (attributes(s) for _, s in kept.spans())
        if values.get("gen_ai.operation.name") in ("chat", "embeddings")
    ]
    inputs = sum(c.get("gen_ai.usage.input_tokens", 0) for c in model_calls)
    outputs = sum(c.get("gen_ai.usage.output_tokens", 0) for c in model_calls)
    tokens = report["tokens"]
    assert inputs == tokens["input"] + tokens["cache_read"] + tokens["cache_write"] > 0
    assert outputs == tokens["output"] + tokens["reasoning"] > 0

    last = {}
    for resource, metric, _, point in kept.points():
        key = (resource["service.instance.id"], metric.name, str(attributes(point)))
        last[key] = max(last.get(key, (0, None)), (point.time_unix_nano, point), key=lambda e: e[0])
    points = [(name, point) for (_, name, _), (_, point) in last.items()]
    token_sum = sum(p.sum for name, p in points if name == "gen_ai.client.token.usage")
    assert token_sum == inputs + outputs
    cost = sum(p.as_double for name, p in points if name == "fleet.llm.cost")
    assert cost == pytest.approx(report["cost_usd"], rel=1e-6)
    durations = sum(p.count for name, p in points if name == "gen_ai.client.operation.duration")
    assert durations == len(model_calls)


def test_every_span_has_its_parent_and_lies_inside_it(played):
    _, kept = played
    spans = {s.span_id: s for _, s in kept.spans()}
    assert len(spans) == sum(1 for _ in kept.spans())
    for span in spans.values():
        assert len(span.trace_id) == 16 and len(span.span_id) == 8 and any(span.span_id)
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        if span.parent_span_id:
            parent = spans[span.parent_span_id]
            assert parent.trace_id == span.trace_id
            assert parent.start_time_unix_nano <= span.start_time_unix_nano
            assert span.end_time_unix_nano <= parent.end_time_unix_nano
        for event in span.events:
            assert span.start_time_unix_nano <= event.time_unix_nano <= span.end_time_unix_nano
        for link in span.links:
            assert spans[link.span_id].trace_id == link.trace_id
    assert any(s.links for s in spans.values())


def test_logs_and_exemplars_point_at_spans(played):
    _, kept = played
    spans = {s.span_id: s for _, s in kept.spans()}
    records = list(kept.records())
    assert any(r.event_name == "gen_ai.evaluation.result" for _, r in records)
    for _, record in records:
        assert spans[record.span_id].trace_id == record.trace_id
        assert record.severity_text and record.body.string_value
    exemplars = [e for _, _, _, point in kept.points() for e in getattr(point, "exemplars", [])]
    assert exemplars
    for exemplar in exemplars:
        assert spans[exemplar.span_id].trace_id == exemplar.trace_id


def test_metrics_are_well_formed_and_of_every_kind(played):
    _, kept = played
    kinds, temporalities = set(), set()
    for _, metric, data, point in kept.points():
        kind = metric.WhichOneof("data")
        kinds.add(kind)
        if kind != "gauge":
            temporalities.add(data.aggregation_temporality)
            assert 0 < point.start_time_unix_nano <= point.time_unix_nano
        if kind == "histogram":
            assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
            assert sum(point.bucket_counts) == point.count
            assert list(point.explicit_bounds) == sorted(set(point.explicit_bounds))
            assert point.min <= point.max
        if kind == "exponential_histogram":
            assert sum(point.positive.bucket_counts) + point.zero_count == point.count
            assert len(point.positive.bucket_counts) <= 160
            low = 2.0 ** (point.positive.offset * 2.0 ** -point.scale)
            assert low <= point.min * (1 + 1e-9)
    assert kinds == {"gauge", "sum", "histogram", "exponential_histogram"}
    assert temporalities == {1, 2}


def test_is_the_same_for_the_same_seed(played):
    first, first_kept = played
    with HttpCollector() as collector:
        result = run_demo(
            "--endpoint", f"http://127.0.0.1:{collector.port}", "--protocol", "http/protobuf",
            "--rate", 450, "--for", SECONDS, "--seed", 11)
    assert result.returncode == 0, result.stderr
    second = json.loads(result.stdout)
    for key in ("workflows", "agents", "calls", "failures", "retries", "tokens", "cost_usd"):
        assert second[key] == first[key]

    def outline(kept):
        return sorted(
            (s.trace_id, s.span_id, s.name, s.end_time_unix_nano - s.start_time_unix_nano,
             sorted(map(str, attributes(s).items())))
            for _, s in kept.spans())

    assert outline(collector.kept) == outline(first_kept)


def test_sends_again_what_was_refused_for_now():
    with HttpCollector(busy=3) as collector:
        result = run_demo(
            "--endpoint", f"http://127.0.0.1:{collector.port}", "--protocol", "http/protobuf",
            "--rate", 60, "--for", 1, "--seed", 3)
    report = json.loads(result.stdout)
    assert result.returncode == 0, result.stderr
    assert report["requests"]["repeated"] == 3
    assert report["sent"]["spans"] == sum(1 for _ in collector.kept.spans())


def test_tells_what_was_refused_for_good():
    with HttpCollector(reject=2) as collector:
        result = run_demo(
            "--endpoint", f"http://127.0.0.1:{collector.port}", "--protocol", "http/protobuf",
            "--rate", 60, "--for", 1, "--seed", 3)
    assert result.returncode == 1
    assert json.loads(result.stdout)["refused"]["spans"] == 2
    assert "not today" in result.stderr


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_says_what_to_do_when_nobody_listens(protocol):
    with HttpCollector() as collector:
        port = collector.port
    result = run_demo(
        "--endpoint", f"http://127.0.0.1:{port}", "--protocol", protocol, "--for", 1)
    assert result.returncode == 1
    assert f"http://127.0.0.1:{port}" in result.stderr
    assert "roost serve" in result.stderr


def test_names_a_wrong_argument():
    result = run_demo("--rate", "often")
    assert result.returncode == 2
    assert "--rate often" in result.stderr


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_roosts_ledger_says_the_same(roost, protocol):
    collector = roost()
    transport = protocol.partition("/")[0]
    result = run_demo(
        "--endpoint", f"http://{getattr(collector, transport)}", "--protocol", protocol,
        "--rate", 300, "--for", 3, "--seed", 5)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    metrics = collector.metrics()
    for items, count in report["sent"].items():
        assert count > 0
        assert metrics.value(f"roost_receiver_accepted_{items}_total", transport=transport) == count
        assert metrics.value(f"roost_receiver_refused_{items}_total") == 0
    assert metrics.value("traces_span_metrics_calls_total") == report["sent"]["spans"]
    assert metrics.value("gen_ai_client_token_usage_sum") == sum(report["tokens"].values())
    assert metrics.value("fleet_llm_cost_USD_total") == pytest.approx(report["cost_usd"])


def test_roosts_account_of_the_agents_says_the_same(roost):
    process = roost()
    done = run_demo(
        "--endpoint", f"http://{process.grpc}", "--rate", 300, "--for", 10, "--seed", 7,
        timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)

    def shown(name, **labels):
        return process.metrics().value(name, **labels)

    calls = report["calls"]
    models = calls["llm"]["count"] + calls["embeddings"]["count"]
    wait_until(lambda: shown("roost_llm_calls_total") == models, what="every call")
    wait_until(
        lambda: shown("roost_workflow_runs_total") == report["workflows"]["count"],
        what="every workflow")
    assert shown("roost_llm_calls_total", status="error") == (
        calls["llm"]["failed"] + calls["embeddings"]["failed"])
    assert shown("roost_tool_calls_total") == calls["tools"]["count"]
    assert shown("roost_tool_calls_total", status="error") == calls["tools"]["failed"]
    assert shown("roost_agent_runs_total") == report["agents"]["count"]
    assert shown("roost_agent_runs_total", status="error") == report["agents"]["failed"]
    assert shown("roost_workflow_runs_total", status="error") == report["workflows"]["failed"]
    for kind, tokens in report["tokens"].items():
        assert shown("roost_llm_tokens_total", token_type=kind) == tokens, kind
    assert shown("roost_llm_cost_usd_total") == pytest.approx(report["cost_usd"], rel=1e-9)
    assert shown("roost_llm_unpriced_calls_total") == report["unpriced_calls"]


def test_it_shows_a_token(roost):
    process = roost({"listen": {"tokens": ["a-secret"]}})
    for address, protocol in ((process.grpc, "grpc"), (process.http, "http/protobuf")):
        arguments = (
            "--endpoint", f"http://{address}", "--protocol", protocol, "--for", 1, "--rate", 600)
        refused = run_demo(*arguments)
        assert refused.returncode == 1 and "token" in refused.stderr, refused.stderr
        done = run_demo(*arguments, "--token", "a-secret")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["sent"]["spans"] > 0
