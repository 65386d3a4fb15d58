"""OTLP requests made with PyPI's own messages, and the four ways to hand one to a receiver."""

import base64
import itertools
import json

import grpc
import httpx
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2

SIGNALS = ("traces", "metrics", "logs")
ITEMS = {"traces": "spans", "metrics": "metric_points", "logs": "log_records"}
REJECTED = {
    "traces": "rejected_spans", "metrics": "rejected_data_points", "logs": "rejected_log_records",
}
PATHS = {signal: f"/v1/{signal}" for signal in SIGNALS}
METHODS = {
    signal: f"/opentelemetry.proto.collector.{place}.v1.{service}/Export"
    for signal, place, service in (
        ("traces", "trace", "TraceService"), ("metrics", "metrics", "MetricsService"),
        ("logs", "logs", "LogsService"))
}
REQUESTS = {
    "traces": trace_service_pb2.ExportTraceServiceRequest,
    "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
    "logs": logs_service_pb2.ExportLogsServiceRequest,
}
RESPONSES = {
    "traces": trace_service_pb2.ExportTraceServiceResponse,
    "metrics": metrics_service_pb2.ExportMetricsServiceResponse,
    "logs": logs_service_pb2.ExportLogsServiceResponse,
}
PROTOBUF, JSON = "application/x-protobuf", "application/json"
START = 1_700_000_000_000_000_000
HEX_KEYS = {"traceId", "spanId", "parentSpanId"}
_numbers = itertools.count(1)


def attribute(key, value):
    kinds = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}
    return common_pb2.KeyValue(
        key=key, value=common_pb2.AnyValue(**{kinds[type(value)]: value}))


def request(signal, count=1, service="checkout", scope="agent", resource=None):
    """A request of one resource and scope with `count` items."""
    message = REQUESTS[signal]()
    block = getattr(message, f"resource_{'spans' if signal == 'traces' else signal}").add()
    for key, value in {"service.name": service, **(resource or {})}.items():
        block.resource.attributes.append(attribute(key, value))
    inner = getattr(block, f"scope_{'spans' if signal == 'traces' else signal}").add()
    inner.scope.name = scope
    for index in range(count):
        ADD[signal](inner, index)
    return message


def add_span(scope, index=0, name="plan"):
    number = next(_numbers)
    span = scope.spans.add(
        trace_id=number.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"), name=name, kind=3,
        start_time_unix_nano=START, end_time_unix_nano=START + 20_000_000 + index)
    span.attributes.append(attribute("gen_ai.request.model", "gpt-5"))
    span.status.code = 1
    return span


def add_point(scope, index=0, name="queue.depth"):
    metric = scope.metrics[0] if scope.metrics else scope.metrics.add(name=name, unit="1")
    point = metric.gauge.data_points.add(time_unix_nano=START + index, as_int=index)
    point.attributes.append(attribute("slot", str(index % 10)))
    return point


def add_record(scope, index=0):
    record = scope.log_records.add(time_unix_nano=START + index, severity_number=9)
    record.body.string_value = "an agent said something"
    return record


ADD = {"traces": add_span, "metrics": add_point, "logs": add_record}


def scopes(message):
    """Every ScopeSpans, ScopeMetrics or ScopeLogs of a request."""
    block, inner = {
        "ExportTraceServiceRequest": ("resource_spans", "scope_spans"),
        "ExportMetricsServiceRequest": ("resource_metrics", "scope_metrics"),
        "ExportLogsServiceRequest": ("resource_logs", "scope_logs"),
    }[type(message).__name__]
    return [scope for part in getattr(message, block) for scope in getattr(part, inner)]


def to_json(message):
    """As OTLP/JSON: hex ids, numbers for enums."""
    tree = json_format.MessageToDict(message, use_integers_for_enums=True)

    def walk(value):
        if isinstance(value, dict):
            return {
                key: base64.b64decode(inner).hex() if key in HEX_KEYS else walk(inner)
                for key, inner in value.items()
            }
        return [walk(inner) for inner in value] if isinstance(value, list) else value

    return json.dumps(walk(tree)).encode()


def details(status):
    """RetryInfo and BadRequest of a google.rpc.Status, None where one is absent."""
    found = {}
    for entry in status.details:
        for kind in (error_details_pb2.RetryInfo, error_details_pb2.BadRequest):
            if entry.Is(kind.DESCRIPTOR):
                found[kind.__name__] = kind()
                entry.Unpack(found[kind.__name__])
    return found.get("RetryInfo"), found.get("BadRequest")


class Answer:
    """What came back, whichever way: `outcome` in gRPC's words, `status` the google.rpc.Status."""

    def __init__(self, outcome, response=None, status=None, http=None):
        self.outcome, self.response, self.status, self.http = outcome, response, status, http

    @property
    def rejected(self):
        partial = self.response.partial_success
        return sum(getattr(partial, name, 0) for name in REJECTED.values())

    @property
    def message(self):
        if self.response is not None:
            return self.response.partial_success.error_message
        return self.status.message

    @property
    def retry_info(self):
        return details(self.status)[0]

    @property
    def violation(self):
        """The one FieldViolation of a BadRequest."""
        bad = details(self.status)[1]
        return bad.field_violations[0] if bad else None


class GRPCWay:
    """Raw bytes over grpcio, so that a request need not be one."""

    name, transport, encoding = "grpc", "grpc", PROTOBUF

    def __init__(self, roost, **options):
        self.channel = grpc.insecure_channel(
            roost.grpc, options=[
                ("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0),
                ("grpc.use_local_subchannel_pool", 1), *options.items()])

    def call(self, method, body, **options):
        call = self.channel.unary_unary(
            method, request_serializer=None, response_deserializer=None)
        options.setdefault("timeout", 30)
        return call(body, **options)

    def send_bytes(self, signal, body, method=None, **options):
        try:
            raw = self.call(method or METHODS[signal], body, **options)
        except grpc.RpcError as error:
            status = status_pb2.Status(code=error.code().value[0], message=error.details() or "")
            for key, value in error.trailing_metadata() or ():
                if key == "grpc-status-details-bin":
                    status = status_pb2.Status.FromString(value)
            return Answer(error.code().name, status=status)
        return Answer("OK", response=RESPONSES[signal].FromString(raw))

    def encode(self, message):
        return message.SerializeToString()

    def send(self, signal, message, **options):
        return self.send_bytes(signal, self.encode(message), **options)

    def close(self):
        self.channel.close()


class HTTPWay:
    """httpx: HTTP/1.1 or HTTP/2 with prior knowledge, protobuf or JSON."""

    transport = "http"

    def __init__(self, roost, encoding=PROTOBUF, http2=False):
        self.encoding = encoding
        self.name = f"http{'2' if http2 else '1'}-{'json' if encoding == JSON else 'protobuf'}"
        self.client = httpx.Client(
            http1=not http2, http2=http2, trust_env=False, timeout=30,
            base_url=f"http://{roost.http}")
        self.version = "HTTP/2" if http2 else "HTTP/1.1"

    def encode(self, message):
        return to_json(message) if self.encoding == JSON else message.SerializeToString()

    def decode(self, kind, answer):
        """The body in the request's own encoding; an empty protobuf body is the empty message."""
        message = kind()
        assert answer.headers["content-type"] == self.encoding, answer.headers
        if self.encoding == JSON:
            tree = answer.json()
            types = {
                entry["@type"].rpartition("/")[2] for entry in tree.get("details", ())
            }
            assert types <= {"google.rpc.RetryInfo", "google.rpc.BadRequest"}
            return json_format.ParseDict(tree, message)
        message.ParseFromString(answer.content)
        return message

    def send_bytes(self, signal, body, path=None, method="POST", headers=None, **options):
        answer = self.client.request(
            method, path or PATHS[signal], content=body,
            headers={"content-type": self.encoding, **(headers or {})}, **options)
        assert answer.http_version == self.version
        if answer.status_code == 200:
            return Answer("OK", response=self.decode(RESPONSES[signal], answer), http=answer)
        return Answer(
            OUTCOMES.get(answer.status_code), status=self.decode(status_pb2.Status, answer),
            http=answer)

    def send(self, signal, message, **options):
        return self.send_bytes(signal, self.encode(message), **options)

    def close(self):
        self.client.close()


# The contract's table: what each HTTP status says in gRPC's words.
OUTCOMES = {
    400: "INVALID_ARGUMENT", 413: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 404: "UNIMPLEMENTED",
    401: "UNAUTHENTICATED", 405: "405", 415: "415", 408: "408",
}

WAYS = {
    "grpc": GRPCWay,
    "http1-protobuf": lambda roost: HTTPWay(roost),
    "http1-json": lambda roost: HTTPWay(roost, JSON),
    "http2-protobuf": lambda roost: HTTPWay(roost, PROTOBUF, http2=True),
    "http2-json": lambda roost: HTTPWay(roost, JSON, http2=True),
}


def counts(roost):
    """What a receiver has counted: {name: value} of every series that is not 0."""
    return {
        (sample.name.removeprefix("roost_receiver_").removesuffix("_total"),
         *sorted(sample.labels.items())): int(sample.value)
        for sample in roost.metrics().samples
        if sample.name.startswith("roost_receiver_") and sample.name.endswith("_total")
        and sample.value
    }


def difference(after, before):
    return {
        key: value - before.get(key, 0) for key, value in after.items()
        if value != before.get(key, 0)
    }


def counted(name, number=1, **labels):
    """One entry of what `difference` gives."""
    return {(name, *sorted(labels.items())): number}
