"""Destinations for forwarding tests: OTLP over gRPC (grpcio) and over HTTP, that keep what they take
and answer as a test wants; a server that does anything at all with its connections; and requests
whose every item can be told apart."""

import collections
import gzip
import http.server
import socket
import struct
import threading
from concurrent import futures

import grpc
import zstandard
from conftest import PATIENCE
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

SIGNALS = {
    "traces": (trace_service_pb2.ExportTraceServiceRequest,
               trace_service_pb2.ExportTraceServiceResponse,
               trace_service_pb2_grpc.TraceServiceStub,
               trace_service_pb2_grpc.add_TraceServiceServicer_to_server),
    "metrics": (metrics_service_pb2.ExportMetricsServiceRequest,
                metrics_service_pb2.ExportMetricsServiceResponse,
                metrics_service_pb2_grpc.MetricsServiceStub,
                metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server),
    "logs": (logs_service_pb2.ExportLogsServiceRequest,
             logs_service_pb2.ExportLogsServiceResponse,
             logs_service_pb2_grpc.LogsServiceStub,
             logs_service_pb2_grpc.add_LogsServiceServicer_to_server),
}


def packed(message):
    return message.SerializeToString(deterministic=True)


def items(signal, request):
    """Every item with everything that surrounds it, as bytes that compare equal only when all of its
    content does; unknown fields count."""
    found = []
    entries = {"traces": "resource_spans", "metrics": "resource_metrics", "logs": "resource_logs"}
    for entry in getattr(request, entries[signal]):
        scopes = {"traces": "scope_spans", "metrics": "scope_metrics", "logs": "scope_logs"}
        for scope in getattr(entry, scopes[signal]):
            around = (packed(entry.resource), entry.schema_url, packed(scope.scope),
                      scope.schema_url)
            if signal == "traces":
                found += [(*around, packed(span)) for span in scope.spans]
            elif signal == "logs":
                found += [(*around, packed(record)) for record in scope.log_records]
            else:
                for metric in scope.metrics:
                    data = getattr(metric, metric.WhichOneof("data"))
                    points = list(data.data_points)
                    header = type(metric)()
                    header.CopyFrom(metric)
                    del getattr(header, metric.WhichOneof("data")).data_points[:]
                    found += [(*around, packed(header), packed(point)) for point in points]
    return found


class Taken:
    """What a peer took, and how often it was asked."""

    def __init__(self):
        self.changed = threading.Condition()
        self.items = {signal: collections.Counter() for signal in SIGNALS}
        self.asked = 0
        self.sizes = []
        self.headers = []

    def ask(self, headers):
        with self.changed:
            self.asked += 1
            self.headers.append({name.lower(): value for name, value in headers})
            self.changed.notify_all()
            return self.asked

    def take(self, signal, request, size):
        with self.changed:
            self.items[signal].update(items(signal, request))
            self.sizes.append(size)
            self.changed.notify_all()

    def count(self, signal="traces"):
        return sum(self.items[signal].values())

    def wait(self, condition, timeout=20):
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                raise TimeoutError(f"asked {self.asked} times, took "
                                   + str({name: self.count(name) for name in SIGNALS}))

    def wait_items(self, count, signal="traces", timeout=20):
        self.wait(lambda: self.count(signal) >= count, timeout)

    def wait_asked(self, count, timeout=20):
        self.wait(lambda: self.asked >= count, timeout)


def grpc_failure(context, code, message="", retry_seconds=None, retry_nanos=0):
    """Ends a call with a status, with RetryInfo when there is a delay."""
    if retry_seconds is not None:
        info = error_details_pb2.RetryInfo(
            retry_delay=duration_pb2.Duration(seconds=retry_seconds, nanos=retry_nanos))
        detail = any_pb2.Any()
        detail.Pack(info)
        status = status_pb2.Status(code=code.value[0], message=message, details=[detail])
        context.set_trailing_metadata(
            [("grpc-status-details-bin", status.SerializeToString())])
    context.abort(code, message)


class GRPCPeer(Taken):
    """`rule(number, size, context)` may end the call, or answer with a response; otherwise the
    request is taken."""

    protocol = "grpc"

    def __init__(self, rule=None, port=0, max_bytes=-1, credentials=None):
        super().__init__()
        self.rule = rule
        self.server = grpc.server(
            futures.ThreadPoolExecutor(16),
            options=[("grpc.max_receive_message_length", max_bytes), ("grpc.so_reuseport", 0)])
        for signal, (_, response, _, add) in SIGNALS.items():
            add(self._servicer(signal, response), self.server)
        if credentials:
            self.port = self.server.add_secure_port(f"localhost:{port}", credentials)
            self.endpoint = f"https://localhost:{self.port}"
        else:
            self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
            self.endpoint = f"http://127.0.0.1:{self.port}"
        self.server.start()

    def _servicer(self, signal, response):
        peer = self

        class Servicer:
            def Export(self, request, context):
                size = request.ByteSize()
                number = peer.ask(context.invocation_metadata())
                answer = peer.rule(number, size, context) if peer.rule else None
                if answer is None:
                    peer.take(signal, request, size)
                return answer or response()

        return Servicer()

    def stop(self):
        self.server.stop(None).wait()


class HTTPPeer(Taken):
    """`rule(number, size)` may answer `(status, headers, body)`; otherwise the request is taken."""

    protocol = "http/protobuf"

    def __init__(self, rule=None, port=0, context=None):
        super().__init__()
        self.rule = rule
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                if self.headers.get("content-encoding") == "zstd":
                    body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
                number = peer.ask(self.headers.items())
                answer = peer.rule(number, len(body)) if peer.rule else None
                if answer is None:
                    signal = self.path.removeprefix("/v1/")
                    peer.take(signal, SIGNALS[signal][0].FromString(body), len(body))
                    answer = (200, {"content-type": "application/x-protobuf"}, b"")
                status, headers, body = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 64
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.endpoint = f"https://localhost:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class RawPeer:
    """Accepts connections and does with each what `script(connection, number)` says."""

    def __init__(self, script):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.accepted = 0
        self.changed = threading.Condition()
        self.script = script
        self.open = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.changed:
                self.open.append(connection)
                self.accepted += 1
                number = self.accepted
                self.changed.notify_all()
            threading.Thread(
                target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        try:
            self.script(connection, number)
        except OSError:
            pass

    def wait_accepted(self, count, timeout=20):
        with self.changed:
            assert self.changed.wait_for(lambda: self.accepted >= count, timeout)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            connection.close()


def hang(connection, _):
    """Reads, and never answers."""
    while connection.recv(1 << 16):
        pass


def reset(connection, _):
    """Ends the connection with RST once something has come."""
    connection.recv(1 << 16)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def talk_nonsense(connection, _):
    connection.recv(1 << 16)
    connection.sendall(b"220 mail.example.org ESMTP ready\r\n" * 10)
    connection.close()


def trace_request(first, count, value_bytes=40, services=2):
    """Spans with consecutive ids in `services` resources of two scopes each, with every kind of
    content, a field that no version of OTLP has among it."""
    request = trace_service_pb2.ExportTraceServiceRequest()
    groups = services * 2
    for group in range(groups):
        ids = range(first + group, first + count, groups)
        if not ids:
            continue
        entry = request.resource_spans.add(schema_url=f"https://example.org/{group}")
        attribute = entry.resource.attributes.add(key="service.name")
        attribute.value.string_value = f"service-{group // 2}"
        entry.resource.dropped_attributes_count = group
        scope = entry.scope_spans.add(schema_url="https://example.org/scope")
        scope.scope.name, scope.scope.version = f"scope-{group % 2}", "1.0"
        for number in ids:
            span = scope.spans.add(
                trace_id=struct.pack(">QQ", 1, number + 1), span_id=struct.pack(">Q", number + 1),
                name=f"call {number}", kind=3, start_time_unix_nano=10**18,
                end_time_unix_nano=10**18 + number, flags=0x101, trace_state="a=b",
                dropped_events_count=3)
            if number % 3:
                span.parent_span_id = struct.pack(">Q", number)
            value = span.attributes.add(key="gen_ai.prompt").value
            value.string_value = "ü" * (value_bytes // 2)
            nested = span.attributes.add(key="nested").value.kvlist_value.values.add(key="k")
            nested.value.array_value.values.add(int_value=-number)
            event = span.events.add(name="retry", time_unix_nano=10**18 + 1)
            event.attributes.add(key="ok").value.bool_value = True
            span.links.add(trace_id=b"\1" * 16, span_id=b"\2" * 8, flags=1)
            span.status.code = number % 3
            # Field 500, length-delimited: unknown to every version.
            span.MergeFromString(b"\xa2\x1f\x05later")
    return request


def metric_request(first, count):
    request = metrics_service_pb2.ExportMetricsServiceRequest()
    entry = request.resource_metrics.add(schema_url="https://example.org/r")
    entry.resource.attributes.add(key="service.name").value.string_value = "meter"
    scope = entry.scope_metrics.add()
    scope.scope.name = "scope"
    total = scope.metrics.add(name="calls", unit="1", description="Calls.")
    total.sum.is_monotonic, total.sum.aggregation_temporality = True, 2
    histogram = scope.metrics.add(name="latency", unit="s")
    histogram.histogram.aggregation_temporality = 2
    for number in range(first, first + count):
        if number % 2:
            point = total.sum.data_points.add(
                start_time_unix_nano=1, time_unix_nano=2 + number, as_int=number)
        else:
            point = histogram.histogram.data_points.add(
                start_time_unix_nano=1, time_unix_nano=2 + number, count=3, sum=1.5,
                bucket_counts=[1, 1, 1], explicit_bounds=[0.1, 1])
        point.attributes.add(key="n").value.string_value = str(number)
    return request


def log_request(first, count):
    request = logs_service_pb2.ExportLogsServiceRequest()
    scope = request.resource_logs.add(schema_url="https://example.org/l").scope_logs.add()
    for number in range(first, first + count):
        record = scope.log_records.add(
            time_unix_nano=10**18 + number, severity_number=9, event_name="tool", flags=1)
        record.body.kvlist_value.values.add(key="n").value.int_value = number
    return request


class Sender:
    """Sends requests to a collector over gRPC and HTTP and remembers what was in those it took."""

    def __init__(self, collector):
        self.collector = collector
        self.channel = grpc.insecure_channel(
            collector.grpc, options=[("grpc.max_send_message_length", -1)])
        self.stubs = {
            signal: stub(self.channel) for signal, (_, _, stub, _) in SIGNALS.items()}
        self.sent = {signal: collections.Counter() for signal in SIGNALS}

    def __call__(self, request, signal="traces"):
        self.stubs[signal].Export(request, timeout=20 * PATIENCE)
        self.sent[signal].update(items(signal, request))

    def count(self, signal="traces"):
        return sum(self.sent[signal].values())

    def close(self):
        self.channel.close()
