"""Requests like those that agents send, the same for the same seed.

Spans have about 600 bytes and 11 attributes, metric points 5, log records 8. `series` makes
requests that together hold a given number of counters, each with another label set.
"""

import gzip
import hashlib
import random

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

START = 1_780_000_000_000_000_000
MODELS = [
    ("openai", "gpt-5.2", "gpt-5.2-2026-02-11"),
    ("anthropic", "claude-sonnet-5", "claude-sonnet-5-20260514"),
    ("gcp.gemini", "gemini-3-pro", "gemini-3-pro-002"),
]
AGENTS = ["planner", "researcher", "coder", "reviewer"]
# What is another one in every trace.
ID_TEXTS = ["gen_ai.conversation.id", "gen_ai.response.id", "gen_ai.tool.call.id"]
TOOLS = ["web_search", "read_file", "run_tests", "query_database"]


def put(attributes, **values):
    for name, value in values.items():
        entry = attributes.add(key=name.replace("__", "."))
        if isinstance(value, bool):
            entry.value.bool_value = value
        elif isinstance(value, int):
            entry.value.int_value = value
        elif isinstance(value, float):
            entry.value.double_value = value
        elif isinstance(value, list):
            for element in value:
                entry.value.array_value.values.add(string_value=element)
        else:
            entry.value.string_value = value


def resource_of(scope_holder):
    put(
        scope_holder.resource.attributes,
        service__name="agents",
        service__namespace="shop",
        service__version="1.4.2",
        deployment__environment__name="production",
        telemetry__sdk__language="python",
        telemetry__sdk__name="opentelemetry",
    )


class Maker:
    def __init__(self, seed=1):
        self.random = random.Random(seed)

    def ident(self, prefix, length=24):
        return prefix + "%0*x" % (length, self.random.getrandbits(4 * length))

    def spans(self, count):
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        resource_of(resource)
        scope = resource.scope_spans.add()
        scope.scope.name, scope.scope.version = "opentelemetry.instrumentation.agents", "0.9.1"
        trace = parent = None
        for place in range(count):
            if place % 16 == 0:
                trace, parent = self.random.randbytes(16), b""
                conversation = self.ident("conv_")
            self.span(scope.spans.add(), trace, parent, conversation)
            if place % 16 == 0:
                parent = scope.spans[-1].span_id
        return request.SerializeToString()

    def span(self, span, trace, parent, conversation):
        pick = self.random
        provider, model, exact = pick.choice(MODELS)
        agent = pick.choice(AGENTS)
        span.trace_id, span.span_id, span.parent_span_id = trace, pick.randbytes(8), parent
        span.start_time_unix_nano = START + pick.randrange(10**9)
        span.end_time_unix_nano = span.start_time_unix_nano + pick.randrange(10**7, 3 * 10**10)
        common = dict(
            gen_ai__agent__name=agent,
            gen_ai__agent__id=self.ident("agent_"),
            gen_ai__conversation__id=conversation,
            gen_ai__provider__name=provider,
        )
        if not parent or pick.random() < 0.2:
            span.name, span.kind = "invoke_agent " + agent, 1
            put(
                span.attributes, gen_ai__operation__name="invoke_agent", **common,
                gen_ai__agent__description="Works on one part of the order and hands it on.",
                gen_ai__request__model=model, gen_ai__output__type="text",
                session__id=self.ident("session_"), user__tier="gold", retry=False,
            )  # fmt: skip
        elif pick.random() < 0.3:
            tool = pick.choice(TOOLS)
            span.name, span.kind = "execute_tool " + tool, 1
            put(
                span.attributes, gen_ai__operation__name="execute_tool", **common,
                gen_ai__tool__name=tool, gen_ai__tool__type="function",
                gen_ai__tool__call__id=self.ident("call_"),
                gen_ai__tool__description="Looks something up for the agent that calls it.",
                session__id=self.ident("session_"), retry=pick.random() < 0.1,
            )  # fmt: skip
        else:
            span.name, span.kind = "chat " + model, 3
            put(
                span.attributes, gen_ai__operation__name="chat", **common,
                gen_ai__request__model=model, gen_ai__response__model=exact,
                gen_ai__response__id=self.ident("chatcmpl_"),
                gen_ai__response__finish_reasons=["stop"],
                gen_ai__usage__input_tokens=pick.randrange(200, 90000),
                gen_ai__usage__output_tokens=pick.randrange(10, 4000),
                server__address="api." + provider + ".example",
            )  # fmt: skip
        if pick.random() < 0.03:
            span.status.code, span.status.message = 2, "rate limited"
            put(span.attributes, error__type="rate_limit")

    def metrics(self, points):
        """Four fifths counters, a tenth each gauges and histograms."""
        request = ExportMetricsServiceRequest()
        resource = request.resource_metrics.add()
        resource_of(resource)
        scope = resource.scope_metrics.add()
        scope.scope.name = "agents"
        for number in range(points):
            group = number // 50
            if number % 50 == 0:
                metric = scope.metrics.add(name=f"agents.measure.{group}", unit="s")
                if group % 10 == 8:
                    make = metric.gauge.data_points
                elif group % 10 == 9:
                    metric.histogram.aggregation_temporality = 2
                    make = metric.histogram.data_points
                else:
                    metric.sum.aggregation_temporality, metric.sum.is_monotonic = 2, True
                    make = metric.sum.data_points
            point = make.add(start_time_unix_nano=START, time_unix_nano=START + 10**10)
            if group % 10 == 9:
                point.explicit_bounds.extend([0.1, 0.5, 1, 2.5, 5, 10, 30])
                point.bucket_counts.extend(self.random.randrange(50) for _ in range(8))
                point.count, point.sum = sum(point.bucket_counts), self.random.random() * 100
            else:
                point.as_int = self.random.randrange(10**6)
            self.labels(point.attributes, number)
        return request.SerializeToString()

    def series(self, first, count):
        """A request of `count` counters, numbered from `first`."""
        request = ExportMetricsServiceRequest()
        resource = request.resource_metrics.add()
        put(resource.resource.attributes, service__name="agents")
        metric = resource.scope_metrics.add().metrics.add(name="agents.calls", unit="1")
        metric.sum.aggregation_temporality, metric.sum.is_monotonic = 2, True
        for number in range(first, first + count):
            point = metric.sum.data_points.add(
                start_time_unix_nano=START, time_unix_nano=START + 10**10, as_int=number
            )
            put(
                point.attributes, agent=AGENTS[number % 4], operation="chat", tool=f"tool-{number}",
                status="ok",
            )  # fmt: skip
        return request.SerializeToString()

    def labels(self, attributes, number):
        provider, model, _ = MODELS[number % 3]
        put(
            attributes, gen_ai__operation__name="chat", gen_ai__provider__name=provider,
            gen_ai__request__model=model, agent=AGENTS[number % 4], worker=f"worker-{number}",
        )  # fmt: skip

    def logs(self, count):
        request = ExportLogsServiceRequest()
        resource = request.resource_logs.add()
        resource_of(resource)
        scope = resource.scope_logs.add()
        scope.scope.name = "agents"
        for number in range(count):
            record = scope.log_records.add(
                time_unix_nano=START + number, observed_time_unix_nano=START + number,
                severity_number=9, severity_text="INFO", trace_id=self.random.randbytes(16),
                span_id=self.random.randbytes(8),
            )  # fmt: skip
            digest = hashlib.sha256(str(number).encode()).hexdigest()
            record.body.string_value = (
                f"Step {number} finished: the reviewer accepted change {digest} after two rounds."
            )
            put(
                record.attributes, event__name="agent.step", agent=AGENTS[number % 4], step=number,
                session__id=self.ident("session_"), user__tier="gold", duration_ms=number * 1.5,
                retried=False, prompt__id=self.ident("prompt_"),
            )  # fmt: skip
        return request.SerializeToString()


def ids(message):
    """Where ids stand in a trace request as gRPC frames it, as `source.c` reads it."""
    request = ExportTraceServiceRequest()
    request.ParseFromString(message[5:])
    spans = [s for r in request.resource_spans for c in r.scope_spans for s in c.spans]
    words = {s.span_id for s in spans} | {s.trace_id[8:] for s in spans}
    texts = set()
    for span in spans:
        for attribute in span.attributes:
            if attribute.key in ID_TEXTS:
                texts.add(attribute.value.string_value[-16:].encode())
    lines = []
    for kind, found in (("b", words), ("x", texts)):
        for word in found:
            place = message.find(word)
            while place >= 0:
                lines.append((place, f"{kind} {place}\n"))
                place = message.find(word, place + 1)
    return "".join(line for _, line in sorted(lines))


def grpc(message, packed=False):
    """The message as gRPC frames it."""
    if packed:
        message = gzip.compress(message, 6, mtime=0)
    return bytes([packed]) + len(message).to_bytes(4, "big") + message
