"""What nobody should send: each is answered or ended, costs no more memory than it may, is counted,
and the next good request works."""

import random
import signal
import socket
import struct
import threading
import time
import zlib

import httpx
import pytest

from conftest import starter, wait_until
from telemetry import (
    METHODS, PROTOBUF, SIGNALS, GRPCWay, HTTPWay, counts, difference, request,
)

MIB = 1 << 20


@pytest.fixture(scope="module")
def roost(tmp_path_factory):
    """One collector with short patience for the whole module: it lives through all of it."""
    with starter(tmp_path_factory.mktemp("attacked")) as start:
        yield start({
            "limits": {"header_timeout": "500ms", "body_timeout": "1s", "idle_timeout": "3s"}})


@pytest.fixture(autouse=True)
def still_serves(roost):
    """Alive, not fat, not busy, and taking data, after every test."""
    yield
    for signal in SIGNALS:
        way, other = GRPCWay(roost), HTTPWay(roost)
        assert way.send(signal, request(signal)).outcome == "OK"
        assert other.send(signal, request(signal)).outcome == "OK"
        way.close()
        other.close()
    assert roost.is_running
    assert roost.get("/ready").status_code == 200
    assert roost.resident_bytes() < 160 * MIB


class Peer:
    """A bare socket."""

    def __init__(self, address, data=b"", timeout=10):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        if data:
            self.send(data)

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        """Everything until the other side ends."""
        parts = []
        try:
            while part := self.socket.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            pass
        return b"".join(parts)

    def read_until(self, mark):
        got = b""
        while mark not in got:
            part = self.socket.recv(65536)
            assert part, got
            got += part
        return got

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def post(length=None, extra="", path="/v1/traces", host="host: roost\r\n"):
    size = "" if length is None else f"content-length: {length}\r\n"
    return (
        f"POST {path} HTTP/1.1\r\n{host}content-type: {PROTOBUF}\r\n{size}{extra}\r\n").encode()


def exchange(roost, data):
    """What comes back until the connection ends."""
    with Peer(roost.http, data) as peer:
        return peer.read()


def statuses(answer):
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


BODY = request("traces", 2).SerializeToString()


# HTTP/1.1, the good and the bad


def test_expect_100_continue(roost):
    with Peer(roost.http, post(len(BODY), "expect: 100-continue\r\n")) as peer:
        assert peer.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        peer.send(BODY)
        assert peer.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_expect_100_continue_of_what_is_refused_gets_no_word_to_go_on(roost):
    head = post(len(BODY), "expect: 100-continue\r\n", path="/nothing")
    assert statuses(exchange(roost, head)) == [404]
    assert statuses(exchange(roost, post(1 << 40, "expect: 100-continue\r\n"))) == [413]
    assert statuses(exchange(roost, post(1, "expect: the-unexpected\r\n"))) == [417]


def test_chunked_bodies_of_any_cut(roost):
    before = counts(roost)
    for size in (1, 7, len(BODY)):
        cut = [BODY[at:at + size] for at in range(0, len(BODY), size)]
        chunks = b"".join(b"%x;note=1\r\n%s\r\n" % (len(part), part) for part in cut)
        data = post(extra="transfer-encoding: chunked\r\n") + chunks + b"0\r\nx-end: 1\r\n\r\n"
        with Peer(roost.http, data) as peer:
            assert peer.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert difference(counts(roost), before)[("accepted_spans", ("transport", "http"))] == 6


def test_pipelined_requests_are_answered_in_order(roost):
    good, missing = post(len(BODY)) + BODY, post(0, path="/missing")
    last = post(0, "connection: close\r\n")
    assert statuses(exchange(roost, good + missing + good * 20 + last)) == (
        [200, 404] + [200] * 21)


API = "/api/v1/observability/"


def ask(path, extra=""):
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\n{extra}\r\n".encode()


def test_pipelined_questions_that_are_answered_later_are_answered_in_order(roost):
    paths = [API + "overview", "/metrics", API + "fleet", "/health", API + "audit"] * 8
    with Peer(roost.web, b"".join(map(ask, paths)) + ask("/gone", "connection: close\r\n")) as peer:
        answers = peer.read().split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == [b"200"] * len(paths) + [b"404"]
    marks = {
        "overview": b'"totals"', "metrics": b"# HELP", "fleet": b'"agents"', "health": b'"status"',
        "audit": b'"records"'}
    for path, answer in zip(paths, answers):
        assert marks[path.rpartition("/")[2]] in answer, path


def test_a_handshake_and_a_frame_behind_a_question_that_is_answered_later(roost):
    shake = ask(
        API + "ws/events",
        "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
        f"sec-websocket-key: {'A' * 22}==\r\n")
    text = b"\x81\x81\x00\x00\x00\x00x"
    for first in (API + "overview", API + "audit", "/metrics"):
        with Peer(roost.web, ask(first) + ask(first) + shake + text) as peer:
            got = peer.read_until(b"a message is a JSON object")
            assert statuses(got) == [200, 200, 101]
        assert httpx.get(f"http://{roost.web}/health", trust_env=False).status_code == 200


def test_a_reset_connection_is_of_nobody_and_changes_nothing(roost):
    body = b'{"live":false}'
    data = (
        b"PUT " + API.encode() + b"switches HTTP/1.1\r\nhost: localhost\r\n"
        b"content-length: %d\r\n\r\n%s" % (len(body), body))
    # Stopped, it accepts after the reset.
    roost.freeze()
    try:
        with Peer(roost.web, data) as peer:
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        roost.signal(signal.SIGCONT)
    answer = httpx.get(f"http://{roost.web}{API}switches", trust_env=False)
    assert answer.json()["live"] is True


@pytest.mark.parametrize("path", [
    "/login", "/logout", "/health", "/ready", API + "overview", API + "events/stream",
    "/api/services"])
def test_pages_and_questions_take_no_large_body(roost, path):
    method = "POST" if path.startswith("/log") else "GET"
    head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\n"
    packed = zlib.compress(b"token=" + bytes(1 << 20), wbits=31)
    for extra, body in (
            (f"content-length: {9 << 10}", b""),
            ("transfer-encoding: chunked", b"2400\r\n" + bytes(0x2400)),
            (f"content-encoding: gzip\r\ncontent-length: {len(packed)}", packed)):
        with Peer(roost.web, f"{head}{extra}\r\n\r\n".encode() + body) as peer:
            got = peer.read_until(b"\r\n\r\n")
        assert statuses(got) == [413], extra
    answer = httpx.get(f"http://{roost.web}/health", trust_env=False)
    assert answer.status_code == 200


def test_one_byte_at_a_time(roost):
    with Peer(roost.http) as peer:
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in post(len(BODY), "connection: close\r\n") + BODY:
            peer.send(bytes([byte]))
        assert statuses(peer.read()) == [200]


def test_blanks_around_a_length_and_lengths_beyond_any_number(roost):
    assert statuses(exchange(roost, post(f"\t{len(BODY)}\t", "connection: close\r\n") + BODY)) == (
        [200])
    for digits in (19, 20, 40):
        with Peer(roost.http, post("9" * digits)) as peer:
            assert peer.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 413 ")


SMUGGLED = {
    "both lengths": post(5, "transfer-encoding: chunked\r\n") + b"0\r\n\r\n",
    "two lengths": post(5, "content-length: 6\r\n") + b"abcdef",
    "equal lengths twice": post(5, "content-length: 5\r\n") + b"abcde",
    "negative length": post("-1"), "signed length": post("+5") + b"abcde",
    "hex length": post("0x5") + b"abcde", "huge length": post("9" * 40),
    "list of lengths": post("5, 5") + b"abcde",
    "chunked twice": post(extra="transfer-encoding: chunked, chunked\r\n") + b"0\r\n\r\n",
    "unknown coding": post(extra="transfer-encoding: xchunked\r\n") + b"0\r\n\r\n",
    "coding on two lines": post(
        extra="transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n") + b"0\r\n\r\n",
    "space before colon": post(extra="transfer-encoding : chunked\r\n") + b"0\r\n\r\n",
    "folded header": post(extra="x-a: 1\r\n transfer-encoding: chunked\r\n") + b"0\r\n\r\n",
    "no host": post(0, host=""), "two hosts": post(0, "host: other\r\n"),
    "bad chunk size": post(extra="transfer-encoding: chunked\r\n") + b"zz\r\n\r\n",
    "huge chunk size": post(extra="transfer-encoding: chunked\r\n") + b"f" * 17 + b"\r\n\r\n",
    "chunk without end": post(extra="transfer-encoding: chunked\r\n") + b"1\r\nabc\r\n0\r\n\r\n",
    "NUL in a header": post(0, "x-a: a\0b\r\n"),
    "no version": b"GET /v1/traces\r\n\r\n", "version 9": b"GET / HTTP/9.9\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "garbage": bytes(range(128, 256)) * 4,
}


@pytest.mark.parametrize("kind", SMUGGLED)
def test_ambiguous_and_broken_heads_end_the_connection(roost, kind):
    hidden = b"GET /smuggled HTTP/1.1\r\nhost: roost\r\n\r\n"
    answer = statuses(exchange(roost, SMUGGLED[kind] + hidden))
    assert len(answer) <= 1, answer
    assert all(400 <= status < 600 for status in answer), answer
    assert 404 not in answer


@pytest.mark.parametrize("kind", ["one long", "many", "target", "endless"])
def test_a_flood_of_headers_is_cut_off(roost, kind):
    floods = {
        "one long": post(0, f"x-a: {'a' * 100_000}\r\n"),
        "many": post(0, "".join(f"x-{n}: {n}\r\n" for n in range(20_000))),
        "target": post(0, path="/" + "a" * 60_000),
        "endless": b"POST /v1/traces HTTP/1.1\r\n" + b"x" * 10 * MIB,
    }
    peak = roost.resident_bytes(peak=True)
    with Peer(roost.http) as peer:
        try:
            peer.send(floods[kind])
        except (ConnectionResetError, BrokenPipeError):
            pass
        answer = statuses(peer.read())
    assert answer in ([], [431], [414], [400])
    assert roost.resident_bytes(peak=True) - peak < 8 * MIB


# Time


def test_slow_heads_and_bodies_are_ended(roost):
    with Peer(roost.http, b"POST /v1/tr") as head, Peer(roost.http) as nothing, \
            Peer(roost.http, post(100) + b"half") as body, \
            Peer(roost.grpc, b"PRI * HTTP/2.0\r\n") as preface, \
            Peer(roost.http, post(extra="transfer-encoding: chunked\r\n") + b"5\r\nab") as chunk:
        assert statuses(head.read()) in ([], [408])
        assert nothing.read() == b""
        preface.read()
        assert statuses(body.read()) == [408]
        assert statuses(chunk.read()) == [408]


def test_a_drop_now_and_then_does_not_extend_the_time(roost):
    began = time.monotonic()
    with Peer(roost.http, post(100)) as peer:
        peer.socket.settimeout(0.1)
        while True:
            try:
                peer.send(b"x")
                if not peer.socket.recv(4096):
                    break
            except TimeoutError:
                assert time.monotonic() - began < 8
            except OSError:
                break
    assert time.monotonic() - began < 8


def test_half_requests_of_peers_that_go_away_leave_nothing(roost):
    open_before = roost.held_bytes()
    for cut in range(0, 200, 5):
        with Peer(roost.http, (post(4 * MIB) + bytes(200))[:cut]):
            pass
        with Peer(roost.grpc, (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))[:cut]):
            pass
    wait_until(lambda: roost.held_bytes() <= open_before, what="released memory")
    wait_until(
        lambda: sum(one["connections_open"] for one in roost.status()["listeners"]) <= 1,
        what="closed connections")


# HTTP/2


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(
        4, "big") + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
# Static table: POST, http, /; then a literal without indexing.
HEAD = bytes([0x83, 0x86, 0x84]) + b"\x00\x0acontent-ty" + b"\x01x"
# POST, http, an authority, and the path and content type of an export of spans.
GRPC_HEAD = b"\x83\x86\x01\x01x\x04\x3b" + METHODS["traces"].encode() + (
    b"\x0f\x10\x10application/grpc")
FLOODS = {
    "settings": PREFACE + frame(4, 0, 0, b"") * 20_000,
    "pings": PREFACE + frame(6, 0, 0, b"12345678") * 20_000,
    "empty data": PREFACE + frame(1, 4, 1, HEAD) + frame(0, 0, 1, b"") * 20_000,
    "resets": PREFACE + b"".join(
        frame(1, 4, stream, HEAD) + frame(3, 0, stream, (8).to_bytes(4, "big"))
        for stream in range(1, 40_001, 2)),
    "continuations": PREFACE + frame(1, 0, 1, HEAD) + frame(9, 0, 1, b"\x00\x01a\x01b") * 20_000,
    "window overflow": PREFACE + frame(8, 0, 0, (0x7FFFFFFF).to_bytes(4, "big")) * 3,
    "window zero": PREFACE + frame(8, 0, 0, bytes(4)),
    "data on stream 0": PREFACE + frame(0, 0, 0, b"x"),
    "even stream": PREFACE + frame(1, 5, 2, HEAD),
    "frame too large": PREFACE + frame(0, 0, 1, bytes(20_000)),
    "unknown frames": PREFACE + frame(0xEE, 0, 0, bytes(16_000)) * 500,
    "priorities": PREFACE + b"".join(
        frame(2, 0, stream, bytes(5)) for stream in range(1, 40_001, 2)),
    "huffman garbage": PREFACE + frame(1, 5, 1, b"\x83\x86\x84\x00\xff" + b"\xff" * 200),
    "table bomb": PREFACE + b"".join(
        frame(1, 5, stream, bytes([0x83, 0x86, 0x84]) + b"\x40\x01a\x7f\xa1\x1e" + b"v" * 4000
              + b"\xbe" * 4000) for stream in range(1, 41, 2)),
}


@pytest.mark.parametrize("kind", FLOODS)
@pytest.mark.parametrize("listener", ["grpc", "web"])
def test_floods_of_frames_cost_nothing(roost, kind, listener):
    peak = roost.resident_bytes(peak=True)
    with Peer(getattr(roost, listener), timeout=10) as peer:
        try:
            peer.send(FLOODS[kind])
            peer.socket.shutdown(socket.SHUT_WR)
        except (ConnectionResetError, BrokenPipeError, TimeoutError, OSError):
            pass
        try:
            peer.read()
        except TimeoutError:
            pytest.fail("the connection did not end")
    assert roost.resident_bytes(peak=True) - peak < 24 * MIB


def framed(message, flag=0, length=None):
    return bytes([flag]) + (len(message) if length is None else length).to_bytes(
        4, "big") + message


@pytest.mark.parametrize("kind,body,code", [
    ("no message", b"", 13), ("half a prefix", b"\0\0\0", 13),
    ("shorter than said", framed(b"abc", length=9), 13),
    ("longer than said", framed(b"abcdef", length=3), 13),
    ("two messages", framed(b"") + framed(b""), 13),
    ("unknown flag", framed(b"", flag=2), 13),
    ("packed without a coding", framed(b"", flag=1), 13),
    ("4 GiB announced", framed(b"", length=0xFFFFFFFF), 8),
])
def test_bent_grpc_frames(roost, kind, body, code):
    with httpx.Client(http1=False, http2=True, trust_env=False) as client:
        answer = client.post(
            f"http://{roost.grpc}{METHODS['traces']}", content=body,
            headers={"content-type": "application/grpc", "te": "trailers"})
        assert answer.status_code == 200
        # httpx gives no trailers, but an answer without a message has them in its head.
        assert answer.headers["grpc-status"] == str(code), kind
        assert answer.headers["grpc-message"]


@pytest.mark.parametrize("timeout,code", [
    ("abc", "13"), ("1", "13"), ("123456789S", "13"), ("-1S", "13"), ("0n", None), ("5S", "0")])
def test_grpc_timeouts(roost, timeout, code):
    with httpx.Client(http1=False, http2=True, trust_env=False) as client:
        answer = client.post(
            f"http://{roost.grpc}{METHODS['traces']}", content=framed(BODY),
            headers={
                "content-type": "application/grpc", "te": "trailers", "grpc-timeout": timeout})
        found = answer.headers.get("grpc-status", "0")
        assert found == code if code else found in ("0", "4")


# Bodies


def test_random_bytes_are_never_more_than_refused(roost):
    dice = random.Random(5)
    way, other = GRPCWay(roost), HTTPWay(roost)
    before = counts(roost)
    for number in range(600):
        signal = SIGNALS[number % 3]
        body = dice.randbytes(dice.randrange(1, 400))
        for sender in (way, other):
            assert sender.send_bytes(signal, body).outcome in ("OK", "INVALID_ARGUMENT")
    seen = difference(counts(roost), before)
    assert sum(
        number for key, number in seen.items()
        if key[0] in ("accepted_requests", "refused_requests")
        and ("reason", "malformed") not in key) == 1200
    way.close()
    other.close()


def nested(depth):
    value = b""
    for _ in range(depth):
        # AnyValue.array_value (5) of ArrayValue.values (1)
        value = length_delimited(5, length_delimited(1, value))
    attribute = length_delimited(1, b"k") + length_delimited(2, value)
    resource = length_delimited(1, attribute)
    return length_delimited(1, length_delimited(1, resource))


def length_delimited(field, payload):
    size, length = len(payload), b""
    while True:
        length += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
        size >>= 7
        if not size:
            return bytes([field << 3 | 2]) + length + payload


@pytest.mark.parametrize("depth", [100, 10_000])
def test_deep_nesting_is_refused(roost, depth):
    for way in (GRPCWay(roost), HTTPWay(roost)):
        answer = way.send_bytes("traces", nested(depth))
        assert answer.outcome == "INVALID_ARGUMENT"
        assert "nested" in answer.message
        way.close()


def test_ten_thousand_tiny_requests(roost):
    before = counts(roost)
    with Peer(roost.http, timeout=20) as peer:
        body = request("logs").SerializeToString()
        one = post(len(body), path="/v1/logs") + body
        got = 0
        for _ in range(100):
            peer.send(one * 100)
            wanted, seen = 100, b""
            while wanted > seen.count(b"HTTP/1.1 200 "):
                part = peer.socket.recv(1 << 20)
                assert part, "the connection ended"
                seen += part
            got += seen.count(b"HTTP/1.1 200 ")
    assert got == 10_000
    assert difference(counts(roost), before)[
        ("accepted_log_records", ("transport", "http"))] == 10_000


@pytest.mark.parametrize("sender", [GRPCWay, HTTPWay])
def test_one_request_of_sixty_mebibytes(tmp_path, sender):
    # Equal spans, so that their bytes can be made by repetition.
    small = request("traces", 1000)
    part = small.SerializeToString()
    times = 60 * MIB // len(part)
    # The module's collector has a second for a body, which is not enough where others work, too.
    with starter(tmp_path) as start:
        process = start()
        before = counts(process)
        way = sender(process)
        answer = way.send_bytes("traces", part * times)
        assert answer.outcome == "OK"
        assert difference(counts(process), before)[
            ("accepted_spans", ("transport", way.transport))] == 1000 * times
        way.close()
        wait_until(lambda: process.resident_bytes() < 160 * MIB, what="memory given back")


def test_large_requests_beside_each_other_stay_inside_the_memory_limit(tmp_path):
    limit = 256 * MIB
    # Spans as small as they come: their notes cost more than their bytes.
    part = request("traces", 1000).SerializeToString()
    body = part * (40 * MIB // len(part))
    with starter(tmp_path) as start:
        process = start({"limits": {"memory": "256MiB"}})

        def send(kind):
            way = kind(process)
            outcomes.extend(way.send_bytes("traces", body).outcome for _ in range(3))
            way.close()

        outcomes = []
        threads = [
            threading.Thread(target=send, args=(kind,)) for kind in [GRPCWay, HTTPWay] * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outcomes) == 18
        assert set(outcomes) <= {"OK", "UNAVAILABLE"}
        assert outcomes.count("OK") >= 3
        assert process.resident_bytes(peak=True) < limit + 32 * MIB
        wait_until(
            lambda: process.status()["memory"]["parts"]["requests"] == 0, what="released memory")
        assert GRPCWay(process).send_bytes("traces", body).outcome == "OK"


def test_names_without_end_leave_room_for_spans(tmp_path):
    """Series computed from spans take a quarter of a small memory; the rest share one."""
    with starter(tmp_path) as start:
        collector = start({"limits": {"memory": "16MiB"}})
        way = HTTPWay(collector)
        for first in range(0, 12_000, 100):
            message = request("traces", 100)
            spans = message.resource_spans[0].scope_spans[0].spans
            for number, span in enumerate(spans, first):
                span.name = f"look for {number}"
            assert way.send("traces", message).outcome == "OK"
        assert collector.get("/ready").status_code == 200
        page = collector.metrics()
        assert page.value("traces_span_metrics_calls_total") == 12_000
        assert page.value("traces_span_metrics_calls_total", otel_metric_overflow="true") > 6_000


def test_announced_memory_is_not_taken_before_it_arrives(roost):
    before = roost.resident_bytes()
    peers = [Peer(roost.http, post(60 * MIB)) for _ in range(100)]
    wait_until(
        lambda: roost.status()["listeners"][1]["connections_open"] >= 100, what="connections")
    assert roost.resident_bytes() - before < 32 * MIB
    for peer in peers:
        peer.socket.close()


def slow_gzip(size):
    """A gzip member of `size` bytes that hold nothing, block after block, each with tables to be
    built, and 64 MiB of zeros behind them; its last four bytes say that it is one byte long."""
    bits = []

    def write(value, count):
        bits.extend(value >> place & 1 for place in range(count))

    write(0, 1)  # not the last block
    write(2, 2)  # with tables of its own
    write(0, 5), write(0, 5), write(14, 4)
    for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1]:
        write(symbol in (18, 1), 3)
    # 138 and 118 lengths of zero, one of one: the end of a block; another of one for distances.
    write(1, 1), write(127, 7), write(1, 1), write(107, 7), write(0, 1), write(0, 1)
    write(0, 1)  # the end of the block
    bits *= 8
    block = bytes(
        sum(bits[at + place] << place for place in range(8)) for at in range(0, len(bits), 8))
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = deflate.compress(bytes(64 * MIB)) + deflate.flush()
    return (
        b"\x1f\x8b\x08" + bytes(6) + b"\xff" + block * (size // len(block)) + zeros
        + zlib.crc32(bytes(64 * MIB)).to_bytes(4, "little") + (1).to_bytes(4, "little"))


def test_a_body_that_is_slow_to_inflate_holds_nobody_up(roost):
    body = slow_gzip(7 * MIB)
    slow = Peer(roost.http, post(len(body), "content-encoding: gzip\r\n") + body, timeout=60)
    longest = 0
    ended = threading.Event()

    def watch():
        slow.read_until(b"HTTP/1.1 400")
        ended.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    # Connections of all loops, so that the one that has the slow body is among them.
    ways = [HTTPWay(roost) for _ in range(8)]
    asked = 0
    while not ended.is_set():
        for ask in [*(way.send for way in ways)]:
            began = time.monotonic()
            assert ask("traces", request("traces")).outcome == "OK"
            longest = max(longest, time.monotonic() - began)
            asked += 1
    watcher.join()
    for way in ways:
        way.close()
    slow.socket.close()
    # Held up, one of them would have taken as long as the slow one.
    assert asked > 50
    assert longest < 0.5


# Connections


def test_connections_above_the_cap_are_closed(tmp_path):
    with starter(tmp_path) as start:
        process = start({"limits": {"connections": 20}})
        # Half a head each: one that waits for nothing would give way.
        peers = []
        for _ in range(40):
            peers.append(Peer(process.http, b"POST /v1"))
            wait_until(lambda: len(peers) > 20 or open_to_senders(process) == len(peers),
                       what="an accepted connection")
        wait_until(lambda: sum(map(has_ended, peers)) >= 20, what="refused connections")
        assert sum(map(has_ended, peers)) == 20
        # Probes and scrapes have connections of their own.
        assert answers(process)
        for peer in peers:
            peer.socket.close()
        wait_until(lambda: open_to_senders(process) == 0, what="connections given back")
        way = HTTPWay(process)
        assert way.send("traces", request("traces")).outcome == "OK"
        way.close()
        refused = sum(one["connections_refused"] for one in process.status()["listeners"])
        assert refused >= 20


def test_idle_connections_give_way_to_new_ones(tmp_path):
    with starter(tmp_path) as start:
        process = start({"limits": {"connections": 64}})
        idle = []
        for _ in range(80):
            peer = Peer(process.web, b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert b"200 OK" in peer.read_until(b"}")
            idle.append(peer)
        with Peer(process.web, b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n") as peer:
            assert b"200 OK" in peer.read_until(b"}")
        assert has_ended(idle[0])
        assert not has_ended(idle[-1])
        for peer in idle:
            peer.socket.close()


def test_requests_without_an_end_keep_no_probe_out(tmp_path):
    with starter(tmp_path) as start:
        process = start({"limits": {"connections": 64}})
        head = b"POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\n"
        wrong = head.replace(b"/login", b"/nowhere")
        halves = [b"", b"GET /heal", head, wrong, PREFACE + frame(1, 4, 1, GRPC_HEAD)]
        for half in halves:
            peers = [Peer(process.web, half) for _ in range(80)]
            for _ in range(5):
                # On a connection of its own: one that is idle is the first to go.
                answer = httpx.get(f"http://{process.web}/health", trust_env=False)
                assert answer.status_code == 200
            for peer in peers:
                peer.socket.close()


def test_streams_without_an_end_keep_no_probe_out(tmp_path):
    with starter(tmp_path) as start:
        process = start({"limits": {"connections": 64}})
        asked = f"GET {API}events/stream HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
        peers = [Peer(process.web, asked) for _ in range(60)]
        got = [statuses(peer.read_until(b"\r\n\r\n")) for peer in peers]
        # Half of the connections, as of WebSockets, which count with them.
        assert got == [[200]] * 32 + [[503]] * 28
        upgrade = asked.replace(b"events/stream", b"ws/events").replace(
            b"\r\n\r\n", b"\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-version: 13\r\n"
            b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
        with Peer(process.web, upgrade) as peer:
            assert b" 503 " in peer.read_until(b"\r\n\r\n")
        assert answers(process)
        for peer in peers:
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.socket.close()

        def is_served():
            with Peer(process.web, asked) as peer:
                return statuses(peer.read_until(b"\r\n\r\n")) == [200]

        wait_until(is_served, what="places given back")


def test_a_flood_of_requests_in_one_piece_leaves_others_their_turn(roost):
    with Peer(roost.web) as eager:
        eager.send(b"GET /status HTTP/1.1\r\nhost: localhost\r\n\r\n" * 6_000)
        waits = []
        for _ in range(20):
            began = time.monotonic()
            assert roost.get("/health").status_code == 200
            waits.append(time.monotonic() - began)
    # In one turn it would be seconds, and nobody reads the answers.
    assert max(waits) < 0.5


def test_few_open_files_are_told_and_do_not_keep_probes_out(tmp_path):
    with starter(tmp_path) as start:
        process = start(wait=False, args=["--set", "limits.connections=100"], open_files=80)
        assert process.wait_for_line("allows 80 open files, so that at most 40 connections")
        process.wait_ready()
        peers = [Peer(process.http) for _ in range(100)]
        wait_until(lambda: sum(map(has_ended, peers)) >= 60, what="refused connections")
        assert process.get("/health").status_code == 200
        for peer in peers:
            peer.socket.close()


def test_heads_of_open_requests_are_part_of_the_memory(tmp_path):
    with starter(tmp_path) as start:
        process = start({"limits": {"memory": "64MiB", "body_timeout": "60s"}})
        at_first = process.held_bytes()
        long = b"\x40\x03big\x7f\xbd\x1d" + b"v" * 3900
        # The long field is sent once, then named four times in each head.
        heads = [frame(1, 4, 1, GRPC_HEAD + long + b"\xbe" * 3)]
        heads += [frame(1, 4, stream, GRPC_HEAD + b"\xbe" * 4) for stream in range(3, 501, 2)]
        peers = [Peer(process.grpc, PREFACE + b"".join(heads)) for _ in range(40)]
        wait_until(lambda: process.status()["memory"]["used_bytes"] > 60 * MIB,
                   what="heads that fill the memory")
        assert process.get("/health").status_code == 200
        assert process.status()["memory"]["used_bytes"] <= 64 * MIB
        assert process.resident_bytes(peak=True) < 96 * MIB
        for peer in peers:
            peer.socket.close()
        wait_until(lambda: process.held_bytes() < at_first + 8 * MIB, what="memory")


def test_a_peer_that_ends_its_side_gets_the_answer_to_a_large_call(roost):
    small = request("traces", 1000).SerializeToString()
    body = small * (1_300_000 // len(small))
    message = b"\x00" + len(body).to_bytes(4, "big") + body
    parts = [message[at:at + 16_384] for at in range(0, len(message), 16_384)]
    with Peer(roost.grpc, PREFACE) as peer:
        # Its settings hold once they are acknowledged.
        peer.read_until(frame(4, 1, 0, b""))
        peer.send(frame(4, 1, 0, b"") + frame(1, 4, 1, GRPC_HEAD))
        for place, part in enumerate(parts):
            peer.send(frame(0, part is parts[-1], 1, part))
            if place == 55:
                # A stream may have one mebibyte under way; more when the first has been read.
                peer.read_until(frame(8, 0, 1, bytes(4))[:9])
        peer.socket.shutdown(socket.SHUT_WR)
        # "grpc-status" in HPACK's Huffman code, and its value.
        assert bytes.fromhex("9acac8b21234da8f") + b"\x010" in peer.read()


def open_to_senders(process):
    return sum(
        one["connections_open"] for one in process.status()["listeners"] if one["name"] != "web")


def has_ended(peer):
    peer.socket.setblocking(False)
    try:
        return peer.socket.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def answers(process):
    try:
        return process.get("/ready").status_code == 200
    except httpx.TransportError:
        return False
