"""OTLP/JSON through the transcoder against PyPI's protobuf and the slow reader beside this file.

Differences that are meant, none of which a sender of OTLP meets:

- numbers of more than 1,024 characters are refused;
- messages nested more than 64 deep, and skipped values nested more than 64 deep, are refused;
- json_format takes names_with_underscores, which OTLP/JSON does not know: they are unknown fields;
- json_format reads ids as base64, and takes no unknown fields unless told to.
"""

import os
import pathlib
import random
import struct
import subprocess
import time

import json_reference
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor as Field
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ROOT = pathlib.Path(__file__).resolve().parents[2]
REQUESTS = [ExportTraceServiceRequest, ExportMetricsServiceRequest, ExportLogsServiceRequest]
INTENDED = ("a number of more than 1024 characters", "nested more than 64 messages deep", "nested too deeply")
MUTATIONS = int(os.environ.get("JSON_MUTATIONS", "30000"))
SEED = int(os.environ.get("JSON_SEED", "0"))


class Flaw(str):
    """What makes an item malformed."""


class Transcoder:
    def __init__(self):
        self.process = subprocess.Popen([binary()], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, kind, body):
        """The protobuf as bytes, a flaw, or the error as text."""
        self.process.stdin.write(struct.pack("<BI", kind, len(body)) + body)
        self.process.stdin.flush()
        head = self.process.stdout.read(5)
        assert len(head) == 5, f"the transcoder died of {body[:2000]!r}"
        status, length = struct.unpack("<BI", head)
        answer = self.process.stdout.read(length)
        return answer if status == 0 else (str, Flaw)[status - 1](answer.decode())


def binary():
    named = os.environ.get("JSON_DUMP")
    for path in [named] if named else [ROOT / ".build" / kind / "json-dump" for kind in ("release", "debug")]:
        if pathlib.Path(path).exists():
            return str(path)
    pytest.fail("json-dump is not built: swift build --product json-dump")


@pytest.fixture(scope="module")
def transcode():
    transcoder = Transcoder()
    yield transcoder
    transcoder.process.stdin.close()
    assert transcoder.process.wait(timeout=10) == 0


# Random messages

TEXTS = ["", "a", "service.name", "chat gpt-4o", "12345678", "é", "日本語テキスト", "😀" * 5, "\0", "\"\\/\b\f\n\r\t",
         "\x7f\x80\u07ff\u0800\uffff\U00010000\U0010ffff", "x" * 127, "y" * 128, "z" * 17_000]  # fmt: skip
DOUBLES = [0.0, -0.0, 1.0, -1.5, 0.1, 1e22, 1e23, 123456789.123456789, 5e-324, 2.2250738585072014e-308,
           1.7976931348623157e308, 9007199254740993.0, float("inf"), float("-inf"), float("nan")]  # fmt: skip


def fill(message, rng, depth, covered):
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.45 and not (depth < 2 and field.message_type):
            continue
        if field.message_type and depth > 9:
            continue
        covered.add(field.full_name)
        if field.is_repeated:
            values = getattr(message, field.name)
            for _ in range(rng.choice([1, 1, 2, 3, 20]) if depth > 2 and not field.message_type else rng.randint(1, 2)):
                if field.message_type:
                    fill(values.add(), rng, depth + 1, covered)
                else:
                    values.append(scalar(field, rng))
        elif field.message_type:
            child = getattr(message, field.name)
            child.SetInParent()
            fill(child, rng, depth + 1, covered)
        else:
            setattr(message, field.name, scalar(field, rng))


def scalar(field, rng):
    if field.type == Field.TYPE_BOOL:
        return rng.random() < 0.5
    if field.type == Field.TYPE_STRING:
        return rng.choice(TEXTS[:-1] if rng.random() < 0.98 else TEXTS)
    if field.type == Field.TYPE_BYTES:
        usual = {"trace_id": 16}.get(field.name, 8)
        return rng.randbytes(usual if rng.random() < 0.8 else rng.randrange(40))
    if field.type == Field.TYPE_DOUBLE:
        if rng.random() < 0.5:
            return rng.choice(DOUBLES)
        return struct.unpack("<d", rng.randbytes(8))[0] if rng.random() < 0.5 else rng.uniform(-1e6, 1e6)
    if field.enum_type and rng.random() < 0.9:
        return rng.choice(field.enum_type.values).number
    lowest, end = json_reference.INTEGERS[field.type]
    number = rng.choice([0, 1, 2, 10, 127, 128, 300, 1544712660000000000, lowest, end - 1, rng.randrange(lowest, end)])
    return number if lowest <= number < end else 5


def same(one, other):
    """Byte for byte once printed by the same library, so that NaN and -0.0 count."""
    return one.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True)


def clean_nan(message_bytes, kind):
    """All NaN alike: JSON has only one."""
    message = REQUESTS[kind].FromString(message_bytes)
    walk_nan(message)
    return message


def walk_nan(message):
    for field, value in message.ListFields():
        if field.type == Field.TYPE_DOUBLE:
            if field.is_repeated:
                for index, element in enumerate(value):
                    if element != element:
                        value[index] = float("nan")
            elif value != value:
                setattr(message, field.name, float("nan"))
        elif field.message_type:
            for child in value if field.is_repeated else [value]:
                walk_nan(child)


def reachable(descriptor, into):
    for field in descriptor.fields:
        if field.full_name not in into:
            into.add(field.full_name)
            if field.message_type:
                reachable(field.message_type, into)
    return into


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_random_messages_come_back(transcode, kind):
    rng = random.Random(SEED + 1000 + kind)
    covered = set()
    for _ in range(300):
        message = REQUESTS[kind]()
        fill(message, rng, 0, covered)
        walk_nan(message)
        text = json_reference.write(message, rng).encode()
        answer = transcode(kind, text)
        assert isinstance(answer, bytes), answer
        read = REQUESTS[kind].FromString(answer)
        assert same(read, message)
        assert len(answer) == message.ByteSize(), "lengths are minimal and defaults left out"
    assert covered == reachable(REQUESTS[kind].DESCRIPTOR, set())


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("integers", [True, False])
def test_what_json_format_prints_is_read_alike(transcode, kind, integers):
    rng = random.Random(SEED + 2000 + kind)
    for _ in range(60):
        message = REQUESTS[kind]()
        fill(message, rng, 0, set())
        walk_nan(message)
        clear_ids(message)
        printed = json_format.MessageToJson(message, use_integers_for_enums=integers).encode()
        answer = transcode(kind, printed)
        assert isinstance(answer, bytes), answer
        assert same(REQUESTS[kind].FromString(answer), json_format.Parse(printed, REQUESTS[kind]()))


def clear_ids(message):
    for field, value in message.ListFields():
        if field.name in json_reference.HEX_FIELDS:
            message.ClearField(field.name)
        elif field.message_type:
            for child in value if field.is_repeated else [value]:
                clear_ids(child)


# Mutations

TOKENS = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"null", b"true", b"false", b"0", b"-1", b"1.5", b"1e3", b"1e400",
          b'"NaN"', b'"Infinity"', b"NaN", b"99999999999999999999", b'"5"', b'""', b"{}", b"[]", b"\\", b"\\u00e9",
          b"\\ud800", b"\\ud83d\\ude00", b"\xc3\xa9", b"\xff", b"\xed\xa0\x80", b"\0", b"\n", b" ", b"\xef\xbb\xbf",
          b'"name":"x",', b'"kind":3,', b'"kind":"SPAN_KIND_SERVER",', b'"traceId":"AbCd",', b'"asInt":"7",',
          b'"asDouble":7,', b'"intValue":1,', b'"stringValue":"s",', b'"bytesValue":"_-8=",', b'"value":null,',
          b'"boolValue":"true"', b'"start_time_unix_nano":"x",', b'"count":1.0,', b'"flags":4294967296,',
          b'"bucketCounts":["1",2.0,3e0],', b'"explicitBounds":["1.5",2],']  # fmt: skip


def mutate(body, others, rng):
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        at = rng.randrange(len(body) + 1)
        end = min(len(body), at + rng.choice([1, 1, 1, 2, 8, 40]))
        choice = rng.randrange(7)
        if choice == 0:
            body = body[:at] + body[end:]
        elif choice == 1:
            body = body[:at] + rng.choice(TOKENS) + body[at:]
        elif choice == 2:
            body = body[:at] + rng.choice(TOKENS) + body[end:]
        elif choice == 3 and at < len(body):
            body = body[:at] + bytes([body[at] ^ (1 << rng.randrange(8))]) + body[at + 1 :]
        elif choice == 4:
            body = body[:end] + body[at:]
        elif choice == 5:
            body = replace_value(body, rng)
        else:
            other = rng.choice(others)
            start = rng.randrange(len(other) + 1)
            body = body[:at] + other[start : start + 30] + body[at:]
    return body


VALUES = [b"null", b"0", b"1", b"-1", b"1.0", b"2.5", b"1e2", b"-0", b"4294967295", b"4294967296", b"2147483648",
          b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b"18446744073709551615",
          b"18446744073709551616", b"184467440737095516150e-1", b"1e-1", b"1e308", b"1e309", b"-1e-400", b'"1"',
          b'"1e1"', b'" 1"', b'"0x1"', b'"1_0"', b'"+1"', b'"01"', b'"."', b'"-"', b'"NaN"', b'"-Infinity"', b'"nan"',
          b'"SPAN_KIND_CLIENT"', b'"STATUS_CODE_OK"', b'"SEVERITY_NUMBER_INFO2"', b'"AGGREGATION_TEMPORALITY_DELTA"',
          b'"ab"', b'"abc"', b'"AQ=="', b'"AQ="', b'"="', b'"===="', b'"A-_/+w"', b'"a b"', b"{}", b"[]", b"[null]",
          b"[{}]", b"[1]", b'["1"]', b"true", b"false", b'"true"']  # fmt: skip


def replace_value(body, rng):
    """Another value behind one of the keys, where that is easy to find."""
    colons = [place for place in range(len(body)) if body[place : place + 2].startswith(b":")]
    if not colons:
        return body
    start = rng.choice(colons) + 1
    end = start
    while end < len(body) and body[end] not in b",}]":
        end += 1
    return body[:start] + rng.choice(VALUES) + body[end:]


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_mutations_are_judged_alike(transcode, kind):
    rng = random.Random(SEED + 3000 + kind)
    bodies = []
    while len(bodies) < 150:
        message = REQUESTS[kind]()
        fill(message, rng, 3, set())
        walk_nan(message)
        text = json_reference.write(message, rng).encode()
        if len(text) < 3_000:
            bodies.append(text)
    taken = refused = malformed = 0
    for _ in range(MUTATIONS // 3):
        body = mutate(rng.choice(bodies), bodies, rng)
        answer = transcode(kind, body)
        try:
            expected = json_reference.read(body, REQUESTS[kind]())
        except json_reference.Refused as error:
            refused += 1
            assert type(answer) is str, (error, body)
            continue
        except json_reference.Malformed as error:
            malformed += 1
            assert isinstance(answer, str), (error, body)
            assert isinstance(answer, Flaw) or any(reason in answer for reason in INTENDED), (answer, body)
            continue
        if isinstance(answer, str) and any(reason in answer for reason in INTENDED):
            continue
        taken += 1
        assert isinstance(answer, bytes), (answer, body)
        assert same(clean_nan(answer, kind), expected), body
    assert taken > MUTATIONS // 60 and refused > MUTATIONS // 60, (taken, refused)
    assert malformed > MUTATIONS // 600, malformed


# Shapes

TRACE = """
{"resourceSpans": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "planner"}}]},
  "scopeSpans": [{
    "scope": {"name": "agents", "version": "1.0.0",
              "attributes": [{"key": "team", "value": {"stringValue": "blue"}}]},
    "spans": [{
      "traceId": "0AF7651916CD43DD8448EB211C80319C", "spanId": "B7AD6B7169203331",
      "parentSpanId": "b7ad6b7169203332", "flags": 257, "name": "chat", "kind": 3,
      "startTimeUnixNano": "1780000000000000000", "endTimeUnixNano": "1780000001000000000",
      "attributes": [{"key": "gen_ai.usage.input_tokens", "value": {"intValue": "812"}}],
      "droppedAttributesCount": 1, "status": {}}]}]}]}
"""
METRICS = """
{"resourceMetrics": [{"scopeMetrics": [{"metrics": [
  {"name": "c", "unit": "1", "sum": {"aggregationTemporality": 1, "isMonotonic": true,
     "dataPoints": [{"asDouble": 5, "startTimeUnixNano": "1780000000000000000", "timeUnixNano": "1780000001000000000"}]}},
  {"name": "g", "gauge": {"dataPoints": [{"asInt": "10"}]}},
  {"name": "h", "histogram": {"aggregationTemporality": 1, "dataPoints": [
     {"count": "2", "sum": 2, "bucketCounts": [1, "1"], "explicitBounds": [1], "min": 0, "max": 2}]}},
  {"name": "e", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [
     {"count": 3, "sum": 10, "scale": -1, "zeroCount": "1", "positive": {"offset": -4, "bucketCounts": ["0", 2]}}]}}
]}]}]}
"""
LOGS = """
{"resourceLogs": [{"scopeLogs": [{"logRecords": [{
  "timeUnixNano": "1780000000000000000", "observedTimeUnixNano": "1780000000000000001",
  "severityNumber": 10, "severityText": "Information", "eventName": "tool.called",
  "traceId": "0AF7651916CD43DD8448EB211C80319C", "spanId": "B7AD6B7169203331",
  "body": {"kvlistValue": {"values": [
     {"key": "bytes", "value": {"bytesValue": "aGk="}},
     {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "many"}, {"doubleValue": 637.704}, {}]}}},
     {"key": "flag", "value": {"boolValue": true}}]}}}]}]}]}
"""


def test_shapes_that_senders_use(transcode):
    for kind, text in enumerate([TRACE, METRICS, LOGS]):
        answer = transcode(kind, text.encode())
        assert same(REQUESTS[kind].FromString(answer), json_reference.read(text.encode(), REQUESTS[kind]()))
    spans = ExportTraceServiceRequest.FromString(transcode(0, TRACE.encode()))
    span = spans.resource_spans[0].scope_spans[0].spans[0]
    assert span.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c" and span.HasField("status")
    metrics = ExportMetricsServiceRequest.FromString(transcode(1, METRICS.encode()))
    points = metrics.resource_metrics[0].scope_metrics[0].metrics
    assert points[0].sum.data_points[0].as_double == 5 and points[1].gauge.data_points[0].as_int == 10
    assert points[2].histogram.data_points[0].HasField("min")
    assert not points[3].exponential_histogram.data_points[0].HasField("min")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 4_000_000,
        b'{"x":' * 1_000_000,
        b'{"resourceSpans":[' * 300_000,
        b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":' + b'{"arrayValue":{"values":[' * 200_000,
        b'{"x":"' + b"\\u00e9" * 1_000_000,
        b'{"x":' + b"9" * 5_000_000 + b"}",
        b'{"x":"' + b"\xff" * 5_000_000,
        b" " * 5_000_000,
        b'{"' + b"k" * 5_000_000 + b'":1,}',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_large_nonsense_is_refused_at_once(transcode, body):
    started = time.monotonic()
    assert isinstance(transcode(0, body), str)
    assert isinstance(transcode(2, body), str)
    assert time.monotonic() - started < 10
    assert transcode(0, b"{}") == b"", "and the next request is taken"
