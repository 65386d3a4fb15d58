"""Makes the inputs that the fuzz targets begin with, from the fixtures and from chance that is the
same each time: `seeds.py FOLDER` writes FOLDER/<target>/<number>."""

import gzip
import json
import pathlib
import random
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd"))

import zstandard  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from hpack import Encoder  # noqa: E402

from wire_mutations import Maker, Mutator  # noqa: E402
from wire_reference import STRICT  # noqa: E402

SIGNALS = ("traces", "metrics", "logs")
LONGEST = 6_000


def fixtures():
    """(signal, request as JSON text) of what agents were recorded to send, cut to a few spans."""
    for path in sorted((ROOT / "Tests/Fixtures/agents").glob("*.json")):
        for request in json.loads(path.read_text())["requests"]:
            body = request["body"]
            signal = SIGNALS.index(request["signal"])
            for entry in next(iter(body.values()), []):
                for scope in next((v for k, v in entry.items() if k.startswith("scope")), []):
                    for name in ("spans", "metrics", "logRecords"):
                        if name in scope:
                            scope[name] = scope[name][:2]
            yield signal, json.dumps(body, separators=(",", ":"))


def requests():
    """(signal, protobuf bytes): recorded, made by chance, and bent."""
    found = [[], [], []]
    for signal, text in fixtures():
        message = STRICT[signal]()
        try:
            json_format.Parse(ids_in_base64(text), message, ignore_unknown_fields=True)
        except json_format.ParseError:
            continue
        raw = message.SerializeToString()
        if len(raw) < LONGEST:
            found[signal].append(raw)
    chance = random.Random(7)
    maker = Maker(chance)
    for signal in range(3):
        made = [maker.request(signal).SerializeToString() for _ in range(60)]
        found[signal] += [raw for raw in made if len(raw) < LONGEST]
    mutator = Mutator(chance, found)
    for signal in range(3):
        found[signal] += [mutator.mutate(chance.choice(found[signal]), signal) for _ in range(60)]
    return found


def ids_in_base64(text):
    """OTLP/JSON writes ids in hexadecimal, protobuf's JSON in base64."""
    import base64

    def walk(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                if key in ("traceId", "spanId", "parentSpanId") and isinstance(inner, str):
                    try:
                        value[key] = base64.b64encode(bytes.fromhex(inner)).decode()
                    except ValueError:
                        value[key] = ""
                else:
                    walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    document = json.loads(text)
    walk(document)
    return json.dumps(document)


HTTP1 = [
    "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    "POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /no HTTP/1.1\r\nhost: x\r\n\r\n",
    "POST /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3;e=1\r\nabc\r\n4\r\ndefg\r\n0\r\nT: t\r\n\r\nGET /stall HTTP/1.1\r\nhost: x\r\n\r\n",
    "POST /a HTTP/1.1\r\nhost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "POST /a HTTP/1.1\r\nhost: x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    "GET /stall HTTP/1.0\r\nConnection: keep-alive\r\n\r\nHEAD / HTTP/1.1\r\nhost: x\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: x\r\nA: b\r\n c\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]
UPGRADE = (
    "GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def socket_frame(first, payload, mask=b"\0\0\0\0"):
    head = bytes([first, 0x80 | len(payload)]) if len(payload) < 126 else (
        bytes([first, 0xFE]) + struct.pack(">H", len(payload)))
    return head + mask + payload


SOCKET = [
    [(0x81, b"hello")], [(0x81, b"bye"), (0x88, b"\x03\xe8")], [(0x01, b"ha"), (0x80, b"lf")],
    [(0x89, b"ping"), (0x8A, b"")], [(0x82, b"\0\1")], [(0x81, b"\xff\xfe")], [(0x81, b"x" * 400)],
    [(0x01, "ü".encode()[:1]), (0x89, b""), (0x80, "ü".encode()[1:])], [(0x88, b"")],
]


def http2_scripts():
    """As `HTTP2Target` reads them: type, flags, stream, length, payload."""
    def frame(kind, flags, stream, payload=b""):
        return bytes([kind, flags, stream]) + struct.pack(">H", len(payload)) + payload

    def head(path="/a", extra=(), method="POST"):
        fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "x")]
        return Encoder().encode(fields + list(extra), huffman=False)

    grpc = [("content-type", "application/grpc"), ("te", "trailers")]
    message = b"\0\0\0\0\3abc"
    settings = frame(4, 0, 0)
    yield settings + frame(1, 5, 1, head(method="GET"))
    yield settings + frame(1, 4, 1, head()) + frame(0, 0, 1, b"ab") + frame(0, 1, 1, b"c")
    yield settings + frame(1, 4, 1, head("/s/M", grpc)) + frame(0, 1, 1, message)
    yield settings + frame(1, 4, 1, head("/late", grpc)) + frame(0, 1, 1, message) + frame(
        1, 4, 3, head("/stream")) + frame(0, 1, 3, b"x")
    yield settings + frame(1, 4, 1, head()) + frame(3, 0, 1, b"\0\0\0\x08") + frame(0, 1, 1, b"x")
    yield settings + frame(6, 0, 0, b"12345678") + frame(8, 0, 0, b"\0\0\1\0") + frame(
        7, 0, 0, b"\0\0\0\0\0\0\0\0")
    yield frame(4, 0, 0, b"\0\4\0\0\0\5\0\3\0\0\0\1") + frame(1, 4, 1, head("/stall")) + frame(
        0, 1, 1, b"x") + frame(8, 0, 1, b"\0\0\1\0")
    half = head("/a", [("x-long", "y" * 300)])
    yield settings + frame(1, 1, 1, half[:20]) + frame(9, 0, 1, half[20:60]) + frame(
        9, 4, 1, half[60:])
    yield settings + frame(1, 4, 1, head()) + frame(0, 0, 1, b"x") + frame(
        1, 5, 1, Encoder().encode([("t", "1")]))
    yield settings + frame(2, 0, 1, b"\0\0\0\0\x10") + frame(1, 0x2D, 1, b"\1\0\0\0\3\7" + head() + b"\0")


CONFIG = """
listen: { grpc: 127.0.0.1:4317, http: 127.0.0.1:4318, web: 127.0.0.1:8080, tokens: ["${TOKEN}"] }
limits: { memory: 512MiB, request: 64MiB, connections: 4096, header_timeout: 10s }
export:
  - name: jaeger
    endpoint: http://jaeger:4318
    protocol: http/protobuf
    signals: [traces]
    headers: { a: b }
    compression: gzip
    batch: { bytes: 4MiB, delay: 200ms }
    queue: { size: 1GiB, when_full: drop_oldest }
    retry: { initial: 1s, max: 30s, give_up_after: never }
store: { path: /tmp/x, keep: 7d, size: 2GiB }
agents:
  redact: { content: false, keys: [password, "user.*"], values: [api_key, private_key],
            patterns: [{ name: p, pattern: 'EMP-\\\\d{6}', action: replace }] }
budgets: [{ name: b, limit: 50 USD, per: day }]
log: { format: text, level: info }
shutdown: 20s
"""

PRICES = """# provider model input output
openai gpt-4o 2.5 10
anthropic claude-* 3 15
"""


def others():
    yield "config", CONFIG
    for line in CONFIG.strip().split("\n"):
        yield "config", line + "\n"
    yield "config", "a: &x [1, 2]\nb: *x\n? c\n: d\n--- \n|\n block\n"
    yield "config", "limits.memory=1GiB\nexport[0].queue.size=${TOKEN:-x}\nlisten.grpc=[::1]:0\n"
    names = (ROOT / "Sources/RoostIngest/Names/names.yaml").read_text()
    for start in range(0, len(names), 3_000):
        yield "tables", b"\0" + names[start : start + 4_000].encode()
    prices = (ROOT / "Prices/prices.txt").read_text().split("\n")
    for start in range(0, len(prices), len(prices) // 6):
        yield "tables", b"\1" + "\n".join(prices[start : start + 12]).encode()
    yield "tables", b"\1" + PRICES.encode()
    rule = "- { id: a, scope: fleet, when: 'agent.failures > 3 and calls >= 10', title: '{agent} fails',"
    yield "tables", b"\2" + (rule + " text: 'x {count}', action: y }\n").encode()
    for pattern in (r"\bEMP-\d{6}\b", "(a|b)*c+$", r"[^a-z]{2,5}?x|^y", r"(?i)pass(word)?=\S+"):
        yield "tables", b"\3" + (pattern + "\nEMP-123456 abababc\npassword=x yy").encode()
    yield "accept", (
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
        "q=0.7,application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1\n"
        "zstd;q=0.5, gzip;q=1.0, *;q=0\n/v1/traces?x=1\napplication/json; charset=utf-8\n"
        "[::1]:4318\n127.0.0.1:4317\n100m")
    yield "accept", "text/*\nidentity\n/opentelemetry.proto.collector.trace.v1.TraceService/Export\n\n\n[::1]:0\n9S"
    event = {"event_type": "agent.completed", "payload": {
        "agent": {"name": "planner"}, "duration_ms": 12.5, "tokens": {"input": 3, "output": 4},
        "cost": 0.01, "model": "gpt-4o", "tool": "search", "error": {"type": "timeout"}},
        "trace_id": "0af7651916cd43dd8448eb211c80319c", "session_id": "s", "time": "2026-11-20T08:15:00.25+01:00"}
    yield "events", json.dumps(event)
    kinds = ["agent.invoked", "agent.failed", "tool.called", "tool.completed", "llm.completed",
             "workflow.started", "workflow.completed", "human.waiting"]
    yield "events", json.dumps([{**event, "event_type": kind, "run_id": kind[:4]} for kind in kinds])
    yield "events", json.dumps([{"event_type": "TOOL_USED", "payload": {}, "time": 1_800_000_000}])
    yield "query", "service=a&limit=10&since=15m&until=2026-11-20T08:15:00Z&min_duration=1h30m&cursor=18-3f"
    yield "query", '{"subscribe":{"type":["agent.*"],"agent":["a"],"severity":["error"],"workflow":[]}}'
    yield "query", "tags=%7B%22a%22%3A%22b%22%7D&q=+%2&b=true&id=0af7651916cd43dd"
    yield "peer", b"\0\xc8content-type:application/grpc\ngrpc-status:8\ngrpc-message:too%20large\n\n\0\0\0\0\0"
    yield "peer", b"\1\xf7content-type:application/x-protobuf\nretry-after:Sun, 06 Nov 1994 08:49:37 GMT\n\n\x12\1x"
    details = bytes.fromhex("1a2c0a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e5265747279496e666f")
    yield "peer", b"\0\0" + details
    yield "peer", b"\0\xc8grpc-status:14\ngrpc-status-details-bin:CA4SAXg\nretry-after:12\n\n"
    for kind in range(8):
        yield "stored", bytes([kind]) + b"\1" * 40
    letter = {"version": 1, "destination": "d", "endpoint": "http://x:4318", "protocol": "http/protobuf",
              "signal": "traces", "items": 3, "bytes": 9, "reason": "permanent", "attempts": 1,
              "time": "2026-11-20T08:15:00Z", "answer": {"http_status": 400, "message": "no"}, "body": "b"}
    yield "stored", b"\6" + json.dumps(letter).encode()
    yield "stored", b"\7" + zstandard.compress(b"abc" * 100)
    yield "stored", b"\0\1" + b"\1\5hello" + b"\1" + bytes(30)
    for target in ("segments", "audit"):
        yield target, b""
        chance = random.Random(3)
        for count in (1, 1, 1, 2, 3, 6):
            for _ in range(4):
                yield target, b"".join(
                    bytes([chance.randrange(9), chance.randrange(3)])
                    + struct.pack(">HH", chance.randrange(700), chance.randrange(400))
                    for _ in range(count))


def all_seeds():
    for signal, raws in enumerate(requests()):
        for raw in raws:
            yield SIGNALS[signal], raw
    for signal, text in fixtures():
        if len(text) < LONGEST:
            yield "json", text
    for text in HTTP1:
        yield "http1", text
    for frames in SOCKET:
        raw = b"".join(socket_frame(first, payload) for first, payload in frames)
        yield "http1", UPGRADE.encode() + raw
        yield "websocket", b"\0" + raw
        yield "websocket", b"\1" + b"".join(
            bytes([first]) + struct.pack(">H", len(payload)) + payload for first, payload in frames)
    for script in http2_scripts():
        yield "http2", b"\1" + script
    for coding in range(3):
        for flag in (0, 0x40):
            for body in (b"", b"abc", b"x" * 5_000):
                yield "grpc", bytes([flag + [0, 1, 2][(coding - flag) % 3]]) + body
    yield "grpc", b"\1" + b"\1" + struct.pack(">I", 23) + gzip.compress(b"abc")
    yield "grpc", b"\1" + gzip.compress(b"abc") + gzip.compress(b"def")
    yield "grpc", b"\2" + zstandard.compress(b"abc" * 50)
    yield from others()


def main(folder):
    counts = {}
    for target, data in all_seeds():
        data = data if isinstance(data, bytes) else data.encode()
        number = counts[target] = counts.get(target, -1) + 1
        place = pathlib.Path(folder) / target
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:03}").write_bytes(data)


if __name__ == "__main__":
    main(sys.argv[1])
