"""The table "What a receiver answers" of the contract, over gRPC, HTTP/1.1 and HTTP/2, in protobuf
and JSON; with what each answer leaves on /metrics."""

import collections
import gzip
import socket

import grpc
import httpx
import pytest
import zstandard
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

from conftest import PATIENCE, starter, wait_until
from otlp_peers import HTTPPeer, items
from telemetry import (
    ADD, ITEMS, JSON, METHODS, SIGNALS, WAYS, GRPCWay, HTTPWay, add_point,
    attribute, counted, counts, difference, request, scopes,
)

HTTP_WAYS = [name for name in WAYS if name != "grpc"]


@pytest.fixture
def way(shared_roost, request):
    sender = WAYS[request.param](shared_roost)
    yield sender
    sender.close()


every_way = pytest.mark.parametrize("way", WAYS, indirect=True)
every_signal = pytest.mark.parametrize("signal", SIGNALS)


# Accepted


@every_way
@every_signal
def test_a_request_is_accepted_and_counted(shared_roost, way, signal):
    before = counts(shared_roost)
    answer = way.send(signal, request(signal, 7))
    assert answer.outcome == "OK"
    assert not answer.response.HasField("partial_success")
    if answer.http is not None:
        assert answer.http.content == (b"{}" if way.encoding == JSON else b"")
    assert difference(counts(shared_roost), before) == {
        **counted(f"accepted_{ITEMS[signal]}", 7, transport=way.transport),
        **counted("accepted_requests", signal=signal, transport=way.transport),
    }


@every_way
@every_signal
def test_an_empty_request_is_accepted(shared_roost, way, signal):
    before = counts(shared_roost)
    answer = way.send(signal, type(request(signal))())
    assert answer.outcome == "OK"
    assert not answer.response.HasField("partial_success")
    assert difference(counts(shared_roost), before) == counted(
        "accepted_requests", signal=signal, transport=way.transport)


def test_the_stubs_of_opentelemetry_are_served(shared_roost):
    stubs = {
        "traces": trace_service_pb2_grpc.TraceServiceStub,
        "metrics": metrics_service_pb2_grpc.MetricsServiceStub,
        "logs": logs_service_pb2_grpc.LogsServiceStub,
    }
    with grpc.insecure_channel(shared_roost.grpc) as channel:
        for signal, stub in stubs.items():
            for compression in (None, grpc.Compression.Gzip):
                answer = stub(channel).Export(
                    request(signal, 500), timeout=20, compression=compression)
                assert not answer.HasField("partial_success")


@pytest.mark.parametrize("coding", ["gzip", "zstd", "identity"])
@pytest.mark.parametrize("way", HTTP_WAYS, indirect=True)
def test_packed_bodies_are_unpacked(shared_roost, way, coding):
    pack = {"gzip": gzip.compress, "zstd": zstandard.compress, "identity": bytes}[coding]
    before = counts(shared_roost)
    body = way.encode(request("traces", 300))
    answer = way.send_bytes("traces", pack(body), headers={"content-encoding": coding})
    assert answer.outcome == "OK"
    assert difference(counts(shared_roost), before)[
        ("accepted_spans", ("transport", "http"))] == 300


# Malformed items


def bent_span(**fields):
    def bend(scope):
        span = ADD["traces"](scope)
        for name, value in fields.items():
            setattr(span, name, value)
    return bend


def linked_span(scope):
    ADD["traces"](scope).links.add(trace_id=b"short", span_id=b"12345678")


def histogram(scope, **fields):
    metric = scope.metrics.add(name="latency", unit="s")
    metric.histogram.aggregation_temporality = fields.pop("temporality", 2)
    metric.histogram.data_points.add(time_unix_nano=1, count=3, sum=1.0, **fields)


def bent_exemplar(scope):
    point = add_point(scope)
    point.exemplars.add(trace_id=b"short", as_double=1.0)


def bent_record(**fields):
    def bend(scope):
        record = ADD["logs"](scope)
        for name, value in fields.items():
            setattr(record, name, value)
    return bend


def sum_without_temporality(scope):
    metric = scope.metrics.add(name="calls")
    for value in range(3):
        metric.sum.data_points.add(time_unix_nano=1, as_int=value)


# What is bent, how many items that costs, and a word of the reason that the sender is told.
MALFORMED = {
    "traces": {
        "short trace id": (bent_span(trace_id=b"1234567"), 1, "trace_id"),
        "long trace id": (bent_span(trace_id=b"x" * 17), 1, "trace_id"),
        "no trace id": (bent_span(trace_id=b""), 1, "trace_id"),
        "trace id of zeros": (bent_span(trace_id=bytes(16)), 1, "trace_id"),
        "short span id": (bent_span(span_id=b"1"), 1, "span_id"),
        "span id of zeros": (bent_span(span_id=bytes(8)), 1, "span_id"),
        "short parent": (bent_span(parent_span_id=b"123"), 1, "parent_span_id"),
        "short link": (linked_span, 1, "link"),
    },
    "metrics": {
        "too few buckets": (
            lambda scope: histogram(scope, explicit_bounds=[1, 2], bucket_counts=[1, 2]),
            1, "bucket_counts"),
        "buckets without bounds": (
            lambda scope: histogram(scope, explicit_bounds=[1], bucket_counts=[]),
            1, "bucket_counts"),
        "bounds that fall": (
            lambda scope: histogram(scope, explicit_bounds=[2, 1], bucket_counts=[1, 1, 1]),
            1, "explicit_bounds"),
        "no temporality": (sum_without_temporality, 3, "temporality"),
        "unknown temporality": (
            lambda scope: histogram(scope, temporality=3), 1, "temporality"),
        "exemplar": (bent_exemplar, 1, "exemplar"),
    },
    "logs": {
        "short trace id": (bent_record(trace_id=b"1234567"), 1, "trace_id"),
        "short span id": (bent_record(trace_id=b"1" * 16, span_id=b"1"), 1, "span_id"),
    },
}
# Strings that are spoiled on the wire, where PyPI's messages would not let us write them.
SPOILED = {
    "traces": lambda scope: setattr(ADD["traces"](scope), "name", "SPOILED"),
    "metrics": lambda scope: add_point(scope).attributes.append(attribute("k", "SPOILED")),
    "logs": lambda scope: setattr(ADD["logs"](scope).body, "string_value", "SPOILED"),
}


@every_way
@pytest.mark.parametrize(
    "signal,kind", [(signal, kind) for signal in SIGNALS for kind in MALFORMED[signal]])
def test_malformed_items_are_told_and_the_rest_is_taken(shared_roost, way, signal, kind):
    bend, cost, reason = MALFORMED[signal][kind]
    message = request(signal, 3)
    bend(scopes(message)[0])
    ADD[signal](scopes(message)[0])
    before = counts(shared_roost)
    answer = way.send(signal, message)
    assert answer.outcome == "OK"
    assert answer.rejected == cost
    assert reason in answer.message
    assert difference(counts(shared_roost), before) == {
        **counted(f"accepted_{ITEMS[signal]}", 4, transport=way.transport),
        **counted("accepted_requests", signal=signal, transport=way.transport),
        **counted(
            f"refused_{ITEMS[signal]}", cost, transport=way.transport, reason="malformed"),
        **counted(
            "refused_requests", signal=signal, transport=way.transport, reason="malformed"),
    }


@every_way
@every_signal
def test_text_that_is_not_utf8_costs_its_item(shared_roost, way, signal):
    message = request(signal, 2)
    SPOILED[signal](scopes(message)[0])
    body = way.encode(message).replace(b"SPOILED", b"SPO\xffLED")
    answer = way.send_bytes(signal, body)
    assert answer.outcome == "OK"
    assert answer.rejected == 1
    assert "UTF-8" in answer.message


@pytest.mark.parametrize("way", ["grpc", "http1-protobuf", "http1-json"], indirect=True)
@every_signal
def test_text_that_is_not_utf8_in_a_resource_costs_all_below(shared_roost, way, signal):
    message = request(signal, 5, service="SPOILED")
    message.MergeFrom(request(signal, 2))
    body = way.encode(message).replace(b"SPOILED", b"SPO\xffLED")
    answer = way.send_bytes(signal, body)
    assert answer.rejected == 5


# What only JSON can say, and what the sender is told of it.
SPOILED_JSON = {
    "half a surrogate pair": (b"SPOILED", b"SPO\\ud83dLED", "UTF-8"),
    "id of odd length": (b"ab" * 16, b"ab" * 15 + b"a", "traceId: an odd number"),
    "id that is not hexadecimal": (b"ab" * 16, b"ab" * 15 + b"xy", "traceId: a byte that is no"),
}


@pytest.mark.parametrize("way", ["http1-json", "http2-json"], indirect=True)
@pytest.mark.parametrize("kind", SPOILED_JSON)
@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_an_item_that_is_malformed_in_json_is_told_and_the_rest_is_taken(
        shared_roost, way, signal, kind):
    good, bad, reason = SPOILED_JSON[kind]
    message = request(signal, 3)
    spoiled = ADD[signal](scopes(message)[0])
    spoiled.trace_id = b"\xab" * 16
    spoiled.attributes.append(attribute("k", "SPOILED"))
    body = way.encode(message)
    before = counts(shared_roost)
    answer = way.send_bytes(signal, body.replace(good, bad))
    assert answer.outcome == "OK"
    assert answer.rejected == 1
    assert reason in answer.message and "at byte" in answer.message
    assert difference(counts(shared_roost), before) == {
        **counted(f"accepted_{ITEMS[signal]}", 3, transport="http"),
        **counted("accepted_requests", signal=signal, transport="http"),
        **counted(f"refused_{ITEMS[signal]}", transport="http", reason="malformed"),
        **counted("refused_requests", signal=signal, transport="http", reason="malformed"),
    }
    # The same with a fault of JSON behind it is no request at all.
    assert way.send_bytes(signal, body.replace(good, bad)[:-1]).outcome == "INVALID_ARGUMENT"


@every_signal
def test_what_goes_on_is_the_request_without_its_malformed_items(roost, signal):
    peer = HTTPPeer()
    process = roost({"export": [{
        "name": "peer", "endpoint": peer.endpoint, "protocol": "http/protobuf"}]})
    wanted = collections.Counter()
    try:
        for name in WAYS:
            way = WAYS[name](process)
            for bend, _, _ in MALFORMED[signal].values():
                message = request(signal, 3)
                wanted.update(items(signal, message))
                bend(scopes(message)[0])
                assert way.send(signal, message).rejected > 0
            way.close()
        peer.wait_items(wanted.total(), signal)
        assert process.stop() == 0
        assert peer.items[signal] == wanted
    finally:
        peer.stop()


# Undecodable


def truncated(signal):
    """Ends inside the resource's name, five bytes before its end as announced."""
    return request(signal, 2).SerializeToString()[:-5]


@pytest.mark.parametrize("way", ["grpc", "http1-protobuf", "http2-protobuf"], indirect=True)
@every_signal
def test_broken_protobuf_is_refused_with_field_and_offset(shared_roost, way, signal):
    before = counts(shared_roost)
    answer = way.send_bytes(signal, truncated(signal))
    assert answer.outcome == "INVALID_ARGUMENT"
    assert answer.status.code == 3
    assert answer.violation.field.startswith(
        "resource_" + ("spans" if signal == "traces" else signal))
    assert "at byte" in answer.violation.description
    assert answer.violation.field in answer.message
    assert answer.retry_info is None
    assert difference(counts(shared_roost), before) == counted(
        "refused_requests", signal=signal, transport=way.transport, reason="undecodable")


BROKEN_JSON = {
    "no JSON": b"resourceSpans", "nothing": b"", "a list": b"[]", "cut off": b'{"resourceSpans":[',
    "two": b"{}{}", "deep": b'{"x":' * 5000 + b"1" + b"}" * 5000,
    "wrong kind": b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":7}]}]}]}',
}


@pytest.mark.parametrize("way", ["http1-json", "http2-json"], indirect=True)
@pytest.mark.parametrize("kind", BROKEN_JSON)
def test_broken_json_is_refused_in_json(shared_roost, way, kind):
    answer = way.send_bytes("traces", BROKEN_JSON[kind])
    assert answer.outcome == "INVALID_ARGUMENT"
    assert answer.http.headers["content-type"] == JSON
    assert "at byte" in answer.violation.description
    assert way.send("traces", request("traces")).outcome == "OK"


# Other refusals


@pytest.mark.parametrize("coding,word", [("br", "br"), ("gzip, gzip", "gzip"), ("snappy", "snappy")])
@pytest.mark.parametrize("way", ["http1-protobuf", "http2-json"], indirect=True)
def test_an_unknown_content_encoding_is_415(shared_roost, way, coding, word):
    before = counts(shared_roost)
    answer = way.send_bytes(
        "traces", way.encode(request("traces")), headers={"content-encoding": coding})
    assert answer.outcome == "415"
    assert word in answer.message
    assert "gzip" in answer.http.headers["accept-encoding"]
    assert difference(counts(shared_roost), before) == counted(
        "refused_requests", signal="traces", transport="http", reason="unsupported")


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("damage", ["none at all", "cut off", "flipped", "tail"])
def test_a_packed_body_that_does_not_inflate_is_400(shared_roost, coding, damage):
    way = HTTPWay(shared_roost)
    plain = request("traces", 50).SerializeToString()
    packed = bytearray({"gzip": gzip.compress, "zstd": zstandard.compress}[coding](plain))
    if damage == "none at all":
        packed = plain
    elif damage == "cut off":
        packed = packed[: len(packed) // 2]
    elif damage == "flipped":
        for place in range(len(packed) // 2, len(packed) // 2 + 8):
            packed[place] ^= 0x5A
        if coding == "zstd":
            packed = packed[:-1]
    else:
        packed += b"not a member"
    answer = way.send_bytes("traces", bytes(packed), headers={"content-encoding": coding})
    assert answer.outcome == "INVALID_ARGUMENT"
    assert answer.violation is not None
    assert way.send("traces", request("traces")).outcome == "OK"
    way.close()


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
def test_an_unknown_media_type_is_415(shared_roost, content_type):
    before = counts(shared_roost)
    answer = httpx.post(
        f"http://{shared_roost.http}/v1/logs", content=b"{}",
        headers={"content-type": content_type}, trust_env=False)
    assert answer.status_code == 415
    assert difference(counts(shared_roost), before) == counted(
        "refused_requests", signal="logs", transport="http", reason="unsupported")


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"])
def test_media_types_are_read_without_case_and_parameters(shared_roost, content_type):
    answer = httpx.post(
        f"http://{shared_roost.http}/v1/logs", content=b"{}",
        headers={"content-type": content_type}, trust_env=False)
    assert answer.status_code == 200
    assert answer.json() == {}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("http2", [False, True])
def test_another_method_is_405(shared_roost, method, http2):
    with httpx.Client(http1=not http2, http2=http2, trust_env=False) as client:
        answer = client.request(method, f"http://{shared_roost.http}/v1/traces")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"
        assert client.post(
            f"http://{shared_roost.http}/v1/traces", json={}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1/trace", "/v1/traces/", "/v1/profiles", "/metrics"])
def test_an_unknown_path_is_404(shared_roost, path):
    before = counts(shared_roost)
    for name in HTTP_WAYS:
        way = WAYS[name](shared_roost)
        answer = way.send_bytes("traces", b"", path=path)
        assert answer.outcome == "UNIMPLEMENTED"
        assert path in answer.message
        way.close()
    assert difference(counts(shared_roost), before) == counted(
        "unrouted_requests", len(HTTP_WAYS))


@pytest.mark.parametrize(
    "method", ["/opentelemetry.proto.collector.trace.v1.TraceService/Import", "/x.Y/Z",
               "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"])
def test_an_unknown_grpc_method_is_unimplemented(shared_roost, method):
    way = GRPCWay(shared_roost)
    assert way.send_bytes("traces", b"", method=method).outcome == "UNIMPLEMENTED"
    way.close()


@pytest.mark.parametrize("off", SIGNALS)
def test_a_signal_that_is_switched_off_is_not_served(roost, off):
    process = roost({"enable": {off: False}})
    for name in ("grpc", "http1-protobuf", "http2-json"):
        way = WAYS[name](process)
        for signal in SIGNALS:
            before = counts(process)
            answer = way.send(signal, request(signal, 2))
            assert answer.outcome == ("UNIMPLEMENTED" if signal == off else "OK")
            if signal == off:
                assert off in answer.message
                assert difference(counts(process), before) == counted(
                    "refused_requests", signal=signal, transport=way.transport,
                    reason="disabled")
        way.close()


# Limits


@pytest.fixture(scope="module")
def small_roost(tmp_path_factory):
    """Takes requests of at most 1 MiB."""
    with starter(tmp_path_factory.mktemp("small")) as start:
        yield start({"limits": {"request": "1MiB"}})


@pytest.mark.parametrize("way", WAYS)
@every_signal
def test_a_request_above_the_limit_is_too_large(small_roost, way, signal):
    way = WAYS[way](small_roost)
    message = request(signal, 1, service="s" * (1 << 20))
    before = counts(small_roost)
    answer = way.send(signal, message)
    assert answer.outcome == "RESOURCE_EXHAUSTED"
    assert answer.retry_info is None
    assert "1048576" in answer.message
    assert difference(counts(small_roost), before) == counted(
        "refused_requests", signal=signal, transport=way.transport, reason="too_large")
    assert way.send(signal, request(signal)).outcome == "OK"
    way.close()


@pytest.mark.parametrize("way", WAYS)
def test_a_request_at_the_limit_is_taken(small_roost, way):
    way = WAYS[way](small_roost)
    message = request("logs", 1, service="s" * ((1 << 20) - 600))
    assert way.send("logs", message).outcome == "OK"
    way.close()


def held_little(process, peak):
    """Since the peak was `peak`. The address sanitizer holds back what was freed, so where one runs
    nothing can be told."""
    return PATIENCE > 1 or process.resident_bytes(peak=True) - peak < 16 << 20


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_the_limit_is_measured_while_inflating(small_roost, coding):
    way = HTTPWay(small_roost)
    bomb = {"gzip": gzip.compress, "zstd": zstandard.compress}[coding](bytes(200 << 20))
    assert len(bomb) < 1 << 20
    peak = small_roost.resident_bytes(peak=True)
    for _ in range(5):
        answer = way.send_bytes("traces", bomb, headers={"content-encoding": coding})
        assert answer.outcome == "RESOURCE_EXHAUSTED"
    assert held_little(small_roost, peak)
    assert way.send("traces", request("traces")).outcome == "OK"
    way.close()


def test_the_limit_is_measured_while_inflating_grpc(small_roost):
    way = GRPCWay(small_roost)
    peak = small_roost.resident_bytes(peak=True)
    answer = way.send_bytes("logs", bytes(100 << 20), compression=grpc.Compression.Gzip)
    assert answer.outcome == "RESOURCE_EXHAUSTED"
    assert held_little(small_roost, peak)
    way.close()


def half_sent(address, announced, sent):
    """A connection that has sent a part of a large request and holds on."""
    host, _, port = address.rpartition(":")
    peer = socket.create_connection((host, int(port)), timeout=10)
    peer.sendall(
        b"POST /v1/traces HTTP/1.1\r\nhost: roost\r\ncontent-type: application/x-protobuf\r\n"
        b"content-length: %d\r\n\r\n" % announced + bytes(sent))
    return peer


@pytest.mark.parametrize("way", WAYS)
def test_without_memory_the_sender_is_asked_to_come_back(roost, way):
    process = roost({"limits": {"memory": "16MiB", "request": "4MiB"}})
    at_first = process.held_bytes()
    holders = [half_sent(process.http, 1 << 20, (1 << 20) - 1) for _ in range(15)]
    way = WAYS[way](process)
    wait_until(lambda: process.status()["memory"]["used_bytes"] >= 15 << 20, what="a full budget")
    message = request("traces", 1, service="s" * (1 << 20))
    before = counts(process)
    answer = way.send("traces", message)
    assert answer.outcome == "UNAVAILABLE"
    assert answer.retry_info.retry_delay.ToMilliseconds() > 0
    if answer.http is not None:
        assert int(answer.http.headers["retry-after"]) >= 1
    assert difference(counts(process), before) == counted(
        "refused_requests", signal="traces", transport=way.transport, reason="memory")
    for holder in holders:
        holder.close()
    wait_until(lambda: process.held_bytes() < at_first + (1 << 20), what="free memory")
    assert way.send("traces", message).outcome == "OK"
    way.close()


# Draining


def test_while_draining_requests_under_way_end_and_new_ones_are_refused(roost):
    process = roost({"shutdown": "10s"})
    body = request("traces", 3).SerializeToString()
    host, _, port = process.http.rpartition(":")
    under_way = socket.create_connection((host, int(port)), timeout=10)
    under_way.sendall(
        b"POST /v1/traces HTTP/1.1\r\nhost: roost\r\ncontent-type: application/x-protobuf\r\n"
        b"content-length: %d\r\n\r\n" % len(body) + body[:20])
    way = GRPCWay(process)
    assert way.send("traces", request("traces")).outcome == "OK"
    waiting = httpx.Client(trust_env=False)
    assert waiting.get(f"http://{process.web}/ready").status_code == 200
    process.signal(15)
    process.wait_for_line("draining")
    assert waiting.get(f"http://{process.web}/ready").status_code == 503
    assert waiting.get(f"http://{process.web}/ready").json()["reasons"] == ["draining"]
    assert waiting.get(f"http://{process.web}/health").status_code == 200
    answer = way.send("traces", request("traces"))
    assert answer.outcome == "UNAVAILABLE"
    under_way.sendall(body[20:])
    reply = under_way.recv(4096)
    # Whole requests are admitted or refused; this one came whole after the drain began.
    assert reply.startswith((b"HTTP/1.1 200", b"HTTP/1.1 503"))
    waiting.close()
    way.close()
    under_way.close()
    assert process.wait_end() == 0
    assert "stopped" in process.log


# gRPC


def test_the_health_service_answers(shared_roost):
    with grpc.insecure_channel(shared_roost.grpc) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", *(method[1:].rpartition("/")[0] for method in METHODS.values())):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as refused:
            stub.Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=10)
        assert refused.value.code() == grpc.StatusCode.NOT_FOUND
        with pytest.raises(grpc.RpcError) as refused:
            next(stub.Watch(health_pb2.HealthCheckRequest(), timeout=10))
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_two_hundred_calls_at_once_on_one_connection(shared_roost):
    way = GRPCWay(shared_roost)
    before = counts(shared_roost)
    call = way.channel.unary_unary(METHODS["traces"])
    bodies = [request("traces", 20).SerializeToString() for _ in range(200)]
    for future in [call.future(body, timeout=20) for body in bodies]:
        assert future.result() == b""
    assert difference(counts(shared_roost), before)[
        ("accepted_spans", ("transport", "grpc"))] == 4000
    way.close()


# Browsers


def preflight(roost, origin, headers="content-type"):
    return httpx.options(
        f"http://{roost.http}/v1/traces", trust_env=False, headers={
            "origin": origin, "access-control-request-method": "POST",
            "access-control-request-headers": headers})


def test_browsers_of_allowed_origins_may_send(roost):
    process = roost({"listen": {"cors": ["https://app.example.org"]}})
    answer = preflight(process, "https://app.example.org", "content-type,x-team")
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "https://app.example.org"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "x-team" in answer.headers["access-control-allow-headers"]
    assert "origin" in answer.headers["vary"].lower()
    way = HTTPWay(process, JSON)
    answer = way.send("traces", request("traces"), headers={"origin": "https://app.example.org"})
    assert answer.http.headers["access-control-allow-origin"] == "https://app.example.org"
    answer = way.send_bytes("traces", b"{", headers={"origin": "https://app.example.org"})
    assert answer.outcome == "INVALID_ARGUMENT"
    assert "access-control-allow-origin" in answer.http.headers
    foreign = preflight(process, "https://evil.example.org")
    assert "access-control-allow-origin" not in foreign.headers
    assert foreign.status_code != 204
    way.close()


def test_without_cors_no_browser_may_send(shared_roost):
    answer = preflight(shared_roost, "https://app.example.org")
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]
