"""The OpenTelemetry SDK for Python as it comes, sending all three signals; every count is exact."""

import logging

import pytest
from opentelemetry.exporter.otlp.proto.grpc import (
    _log_exporter as grpc_logs, metric_exporter as grpc_metrics, trace_exporter as grpc_traces,
)
from opentelemetry.exporter.otlp.proto.http import (
    Compression, _log_exporter as http_logs, metric_exporter as http_metrics,
    trace_exporter as http_traces,
)
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

import grpc

SPANS, CALLS, RECORDS = 1500, 40, 300


def exporters(roost, transport, packed):
    if transport == "grpc":
        options = {
            "endpoint": f"http://{roost.grpc}", "insecure": True, "timeout": 20,
            "compression": grpc.Compression.Gzip if packed else grpc.Compression.NoCompression,
        }
        return (
            grpc_traces.OTLPSpanExporter(**options), grpc_metrics.OTLPMetricExporter(**options),
            grpc_logs.OTLPLogExporter(**options))

    def options(signal):
        return {
            "endpoint": f"http://{roost.http}/v1/{signal}", "timeout": 20,
            "compression": Compression.Gzip if packed else Compression.NoCompression,
        }
    return (
        http_traces.OTLPSpanExporter(**options("traces")),
        http_metrics.OTLPMetricExporter(**options("metrics")),
        http_logs.OTLPLogExporter(**options("logs")))


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_the_sdk_sends_all_three_signals(roost, transport, packed, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    process = roost()
    spans, metrics, logs = exporters(process, transport, packed)
    resource = Resource.create({
        "service.name": "planner", "service.namespace": "fleet", "service.instance.id": "p-1"})

    tracing = TracerProvider(resource=resource)
    tracing.add_span_processor(BatchSpanProcessor(spans, max_export_batch_size=512))
    tracer = tracing.get_tracer("agent", "1.2")
    for number in range(SPANS // 3):
        with tracer.start_as_current_span("invoke_agent planner", kind=SpanKind.INTERNAL):
            with tracer.start_as_current_span("chat gpt-5", kind=SpanKind.CLIENT) as call:
                call.set_attribute("gen_ai.usage.input_tokens", number)
            with tracer.start_as_current_span("execute_tool search") as tool:
                if number % 5 == 0:
                    tool.set_status(Status(StatusCode.ERROR, "nothing found"))
    assert tracing.force_flush(20_000)

    reader = PeriodicExportingMetricReader(metrics, export_interval_millis=3_600_000)
    meters = MeterProvider(metric_readers=[reader], resource=resource)
    meter = meters.get_meter("agent", "1.2")
    calls = meter.create_counter("agent.calls", unit="{call}", description="Calls of the agent.")
    latency = meter.create_histogram("agent.latency", unit="s")
    depth = meter.create_up_down_counter("agent.queue")
    for number in range(CALLS):
        calls.add(1, {"tool": "search" if number % 4 else "read"})
        latency.record(number / 10)
        depth.add(1 if number % 2 else 2)
    assert meters.force_flush(20_000)

    logging_provider = LoggerProvider(resource=resource)
    logging_provider.add_log_record_processor(BatchLogRecordProcessor(logs))
    handler = LoggingHandler(logger_provider=logging_provider)
    logger = logging.getLogger(f"agent.{transport}.{packed}")
    logger.propagate = False
    logger.addHandler(handler)
    for number in range(RECORDS):
        logger.warning("step %d was slow", number)
    assert logging_provider.force_flush(20_000)
    logger.removeHandler(handler)

    page = process.metrics()
    for name, number in (("spans", SPANS), ("log_records", RECORDS), ("metric_points", 4)):
        assert page.value(f"roost_receiver_accepted_{name}_total", transport=transport) == number
        assert page.value(f"roost_receiver_accepted_{name}_total") == number
        assert page.value(f"roost_receiver_refused_{name}_total") == 0
    assert page.value("roost_receiver_refused_requests_total") == 0

    third = SPANS // 3
    calls_of = "traces_span_metrics_calls_total"
    assert page.value(calls_of, service_name="planner") == SPANS
    assert page.value(
        calls_of, span_name="chat gpt-5", span_kind="SPAN_KIND_CLIENT") == third
    assert page.value(
        calls_of, span_name="execute_tool search", status_code="STATUS_CODE_ERROR") == third / 5
    assert page.value(
        "traces_span_metrics_duration_seconds_count", service_name="planner") == SPANS

    where = {"job": "fleet/planner", "instance": "p-1", "otel_scope_name": "agent"}
    assert page.value("agent_calls_total", tool="search", **where) == CALLS * 3 / 4
    assert page.value("agent_calls_total", tool="read", **where) == CALLS / 4
    assert page.family("agent_calls").documentation == "Calls of the agent."
    assert page.value("agent_latency_seconds_count", **where) == CALLS
    assert page.value("agent_latency_seconds_sum", **where) == pytest.approx(
        sum(number / 10 for number in range(CALLS)))
    assert page.value("agent_queue", **where) == CALLS * 3 / 2
    assert page.value("target_info", job="fleet/planner", instance="p-1") == 1

    for provider in (tracing, meters, logging_provider):
        provider.shutdown()
    assert process.stop() == 0
