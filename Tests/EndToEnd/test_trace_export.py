"""Traces written in other formats: OTLP/JSON against PyPI's protobuf, Jaeger's and Zipkin's JSON
against what their documents say of each field."""

import base64
import json
import os
import pathlib
import random
import subprocess

import jsonschema
import pytest
from google.protobuf import json_format
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRACE = bytes(range(1, 17))
IDS = {"traceId", "spanId", "parentSpanId"}
BASE = 1_798_761_600_000_000_000


def binary():
    named = os.environ.get("TRACE_DUMP")
    for path in [named] if named else [ROOT / ".build" / kind / "trace-dump" for kind in ("release", "debug")]:
        if pathlib.Path(path).exists():
            return str(path)
    pytest.fail("trace-dump is not built: swift build --product trace-dump")


def dump(form, data, trace=TRACE):
    answer = subprocess.run(
        [binary(), form, trace.hex()], input=data.SerializeToString(), stdout=subprocess.PIPE, check=True)
    return json.loads(answer.stdout)


def span_id(number):
    return number.to_bytes(8, "big")


def put(value, of):
    """Sets an AnyValue; None is one that is there and empty."""
    value.SetInParent()
    if isinstance(of, bool):
        value.bool_value = of
    elif isinstance(of, int):
        value.int_value = of
    elif isinstance(of, float):
        value.double_value = of
    elif isinstance(of, bytes):
        value.bytes_value = of
    elif isinstance(of, str):
        value.string_value = of
    elif isinstance(of, dict):
        value.kvlist_value.SetInParent()
        for key, inner in of.items():
            put(value.kvlist_value.values.add(key=key).value, inner)
    elif isinstance(of, list):
        value.array_value.SetInParent()
        for inner in of:
            put(value.array_value.values.add(), inner)


def add(attributes, **values):
    for key, value in values.items():
        put(attributes.add(key=key.replace("__", ".")).value, value)


def trace():
    data = TracesData()
    resource = data.resource_spans.add(schema_url="https://example.org/resource")
    add(resource.resource.attributes, service__name="desk", host__cpus=4, tags=["a", "b"])
    resource.resource.dropped_attributes_count = 2
    scope = resource.scope_spans.add(schema_url="https://example.org/scope")
    scope.scope.name, scope.scope.version = "library", "1.2"
    add(scope.scope.attributes, short=True)
    root = scope.spans.add(
        trace_id=TRACE, span_id=span_id(1), name='plan a "trip" – München', kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=BASE, end_time_unix_nano=BASE + 2_000_500_000, trace_state="a=1", flags=0x101)
    add(root.attributes, text="x\ny\t\u0001", yes=True, no=False, whole=-7, zero=0, large=2**63 - 1,
        half=0.5, even=3.0, tiny=1e-300, nan=float("nan"), up=float("inf"), raw=b"\x00\xff\x10",
        empty="", map={"deep": {"deeper": [1, "two", None]}}, none=None)
    event = root.events.add(time_unix_nano=BASE + 1_000_001_000, name="exception", dropped_attributes_count=1)
    add(event.attributes, exception__type="E", code=5)
    root.events.add(time_unix_nano=BASE + 5, name="bare")
    link = root.links.add(trace_id=bytes([9] * 16), span_id=span_id(99), trace_state="l=1", flags=1)
    add(link.attributes, why="before")
    child = scope.spans.add(
        trace_id=TRACE, span_id=span_id(2), parent_span_id=span_id(1), name="call", kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=BASE + 10_000, end_time_unix_nano=BASE + 10_400)
    add(child.attributes, peer__service="search")
    child.status.code, child.status.message = 2, "refused"
    child.dropped_attributes_count, child.dropped_events_count, child.dropped_links_count = 1, 2, 3
    other = data.resource_spans.add()
    bare = other.scope_spans.add()
    # What is not there is written as an empty object.
    other.resource.SetInParent()
    bare.scope.SetInParent()
    bare.spans.add(
        trace_id=TRACE, span_id=span_id(3), parent_span_id=span_id(2), name="backwards",
        start_time_unix_nano=BASE + 500, end_time_unix_nano=BASE)
    return data


def with_strangers(data):
    """The same, a span of another trace and every span a second time."""
    more = TracesData()
    more.CopyFrom(data)
    stranger = more.resource_spans.add()
    stranger.scope_spans.add().spans.add(trace_id=bytes([7] * 16), span_id=span_id(1), name="stranger")
    more.MergeFrom(data)
    return more


def as_base64(document):
    """Ids as json_format wants them."""
    if isinstance(document, dict):
        return {
            key: base64.b64encode(bytes.fromhex(value)).decode() if key in IDS else as_base64(value)
            for key, value in document.items()}
    if isinstance(document, list):
        return [as_base64(one) for one in document]
    return document


def test_otlp_json_is_what_protobuf_writes():
    data = trace()
    document = dump("otlp", with_strangers(data))
    assert json_format.ParseDict(as_base64(document), TracesData()).SerializeToString(deterministic=True) == \
        data.SerializeToString(deterministic=True)
    expected = json_format.MessageToDict(data, use_integers_for_enums=True)
    assert json.dumps(as_base64(document), sort_keys=True) == json.dumps(expected, sort_keys=True)


def test_otlp_json_of_random_traces():
    random.seed(5)

    def value(depth):
        kinds = [
            lambda: random.choice(["", "text", "ü\u0000\u001f\"\\", "𝄞"]), lambda: random.random() < 0.5,
            lambda: random.choice([0, 1, -1, 2**53 + 1, -2**63, random.randrange(-2**63, 2**63)]),
            lambda: random.choice([0.0, -0.0, 1.5, 1e300, 5e-324, float("-inf"), random.uniform(-1e9, 1e9)]),
            lambda: random.randbytes(random.randrange(5)), lambda: None]
        if depth < 4:
            kinds.append(lambda: [value(depth + 1) for _ in range(random.randrange(3))])
            kinds.append(lambda: {f"k{n}": value(depth + 1) for n in range(random.randrange(3))})
        return random.choice(kinds)()

    for _ in range(100):
        data = TracesData()
        for number in range(1, random.randrange(2, 5)):
            entry = data.resource_spans.add()
            add(entry.resource.attributes, service__name=f"s{number}")
            scope = entry.scope_spans.add()
            scope.scope.name = random.choice(["", "library"])
            span = scope.spans.add(
                trace_id=TRACE, span_id=span_id(number), kind=random.randrange(6), name=random.choice(["", "n"]),
                start_time_unix_nano=random.randrange(2**64), end_time_unix_nano=random.randrange(2**64))
            add(span.attributes, **{f"a{n}": value(0) for n in range(random.randrange(6))})
        document = as_base64(dump("otlp", data))
        read = json_format.ParseDict(document, TracesData())
        # A resource or scope without anything is written as an empty object.
        for resource in data.resource_spans:
            resource.resource.SetInParent()
            for scope in resource.scope_spans:
                scope.scope.SetInParent()
        assert read.SerializeToString(deterministic=True) == data.SerializeToString(deterministic=True)


TAG = {
    "type": "object", "required": ["key", "type", "value"], "additionalProperties": False,
    "properties": {"key": {"type": "string"}, "type": {"enum": ["string", "bool", "int64", "float64", "binary"]},
                   "value": {}}}
JAEGER = {
    "type": "object", "required": ["data", "total", "limit", "offset", "errors"],
    "properties": {"data": {"type": "array", "items": {
        "type": "object", "required": ["traceID", "spans", "processes", "warnings"],
        "properties": {
            "traceID": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "spans": {"type": "array", "items": {
                "type": "object", "additionalProperties": False,
                "required": ["traceID", "spanID", "operationName", "references", "startTime", "duration", "tags",
                             "logs", "processID", "warnings"],
                "properties": {
                    "traceID": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                    "spanID": {"type": "string", "pattern": "^[0-9a-f]{16}$"}, "flags": {"type": "integer"},
                    "operationName": {"type": "string"},
                    "references": {"type": "array", "items": {
                        "type": "object", "required": ["refType", "traceID", "spanID"],
                        "properties": {"refType": {"enum": ["CHILD_OF", "FOLLOWS_FROM"]}}}},
                    "startTime": {"type": "integer"}, "duration": {"type": "integer", "minimum": 0},
                    "tags": {"type": "array", "items": TAG},
                    "logs": {"type": "array", "items": {
                        "type": "object", "required": ["timestamp", "fields"],
                        "properties": {"timestamp": {"type": "integer"}, "fields": {"type": "array", "items": TAG}}}},
                    "processID": {"type": "string"}, "warnings": {"type": ["array", "null"]}}}},
            "processes": {"type": "object", "additionalProperties": {
                "type": "object", "required": ["serviceName", "tags"],
                "properties": {"serviceName": {"type": "string"}, "tags": {"type": "array", "items": TAG}}}}}}}}}


def tags(of):
    return {tag["key"]: (tag["type"], tag["value"]) for tag in of}


def test_jaeger_json():
    document = dump("jaeger", with_strangers(trace()))
    jsonschema.validate(document, JAEGER)
    (found,) = document["data"]
    root, child, backwards = found["spans"]
    assert found["traceID"] == TRACE.hex()
    assert (root["startTime"], root["duration"]) == (BASE // 1000, 2_000_500)
    assert root["references"] == [
        {"refType": "FOLLOWS_FROM", "traceID": "09" * 16, "spanID": span_id(99).hex()}]
    assert child["references"] == [
        {"refType": "CHILD_OF", "traceID": TRACE.hex(), "spanID": span_id(1).hex()}]
    known = tags(root["tags"])
    assert known["span.kind"] == ("string", "server")
    assert known["yes"] == ("bool", True)
    assert known["whole"] == ("int64", -7)
    assert known["half"] == ("float64", 0.5)
    assert known["raw"] == ("binary", "AP8Q")
    assert known["otel.scope.name"] == ("string", "library")
    assert json.loads(known["map"][1]) == {"deep": {"deeper": [1, "two", None]}}
    failed = tags(child["tags"])
    assert failed["error"] == ("bool", True)
    assert failed["otel.status_code"] == ("string", "ERROR")
    assert failed["otel.status_description"] == ("string", "refused")
    assert root["logs"][0]["timestamp"] == BASE // 1000 + 1_000_001
    assert tags(root["logs"][0]["fields"])["event"] == ("string", "exception")
    assert backwards["duration"] == 0 and backwards["warnings"]
    process = found["processes"][root["processID"]]
    assert process["serviceName"] == "desk"
    assert tags(process["tags"])["host.cpus"] == ("int64", 4)
    assert found["processes"][backwards["processID"]]["serviceName"] == "unknown_service"


ZIPKIN = {
    "type": "array", "items": {
        "type": "object", "required": ["traceId", "id"], "additionalProperties": False,
        "properties": {
            "traceId": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            "parentId": {"type": "string", "pattern": "^[0-9a-f]{16}$"}, "name": {"type": "string"},
            "kind": {"enum": ["CLIENT", "SERVER", "PRODUCER", "CONSUMER"]}, "timestamp": {"type": "integer"},
            "duration": {"type": "integer", "minimum": 1},
            "localEndpoint": {"type": "object", "properties": {"serviceName": {"type": "string"}}},
            "remoteEndpoint": {"type": "object", "properties": {"serviceName": {"type": "string"}}},
            "annotations": {"type": "array", "items": {
                "type": "object", "required": ["timestamp", "value"],
                "properties": {"timestamp": {"type": "integer"}, "value": {"type": "string"}}}},
            "tags": {"type": "object", "additionalProperties": {"type": "string"}}}}}


def test_zipkin_json():
    document = dump("zipkin", with_strangers(trace()))
    jsonschema.validate(document, ZIPKIN)
    root, child, backwards = document
    assert root["kind"] == "SERVER" and "kind" not in backwards and "parentId" not in root
    assert (root["timestamp"], root["duration"]) == (BASE // 1000, 2_000_500)
    assert child["duration"] == 1
    assert child["parentId"] == span_id(1).hex()
    assert child["remoteEndpoint"] == {"serviceName": "search"}
    assert child["tags"]["error"] == "refused"
    assert root["localEndpoint"] == {"serviceName": "desk"}
    assert root["tags"]["whole"] == "-7" and root["tags"]["yes"] == "true"
    assert root["tags"]["host.cpus"] == "4"
    # What JSON has as a text is one here, too.
    assert (root["tags"]["large"], root["tags"]["nan"]) == (str(2**63 - 1), "NaN")
    assert base64.b64decode(root["tags"]["raw"]) == b"\x00\xff\x10"
    assert json.loads(root["annotations"][0]["value"]) == {"exception": {"exception.type": "E", "code": 5}}
    assert root["annotations"][1]["value"] == "bare"


def test_an_event_without_a_time_is_shown_where_its_span_begins():
    data = trace()
    data.resource_spans[0].scope_spans[0].spans[1].events.add(name="timeless")
    assert dump("zipkin", data)[1]["annotations"] == [
        {"timestamp": (BASE + 10_000) // 1000, "value": "timeless"}]
    (log,) = dump("jaeger", data)["data"][0]["spans"][1]["logs"]
    assert log["timestamp"] == (BASE + 10_000) // 1000


def test_a_trace_that_is_not_there_is_empty():
    data = trace()
    assert dump("otlp", data, bytes([1] * 16)) == {"resourceSpans": []}
    assert dump("zipkin", data, bytes([1] * 16)) == []
    assert dump("jaeger", data, bytes([1] * 16))["data"][0]["spans"] == []
