"""Destinations that are down, hang, break off, answer slowly or wrongly, find requests too large or
refuse them, with every code there is. After each the ledger adds up, and what did not arrive is
counted with a reason and lies whole in the folder of dead letters."""

import email.utils
import os
import signal
import socket
import struct
import subprocess
import threading
import time

import grpc
import pytest
import yaml
from conftest import roost_binary, wait_until
from dead_letters import folder_of, kept, letters
from early_peer import DONE, EMPTY, OK, REFUSAL, EarlyPeer
from otlp_peers import (
    SIGNALS, GRPCPeer, HTTPPeer, RawPeer, Sender, grpc_failure, hang, log_request,
    metric_request, trace_request)
from test_forwarding import (  # noqa: F401
    assert_same, destination, ends, forward, ledger, settled)

PEERS = [GRPCPeer, HTTPPeer]
MAKE = {"traces": trace_request, "metrics": metric_request, "logs": log_request}

# OTLP specification, "OTLP/gRPC Response" and "OTLP/HTTP Response".
RETRYABLE_CODES = {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE",
                   "DATA_LOSS"}
RETRYABLE_STATUSES = {429, 502, 503, 504}
STATUSES = [
    201, 204, 300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410,
    411, 412, 413, 414, 415, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 500, 501, 502,
    503, 504, 505, 507, 508, 511, 599]


def assert_accounted(peer, sender, collector, exporter="peer", signal="traces"):
    """Everything that was accepted arrived once, or lies in a letter and is counted."""
    found = letters(collector, exporter)
    assert peer.items[signal] + kept(found, signal) == sender.sent[signal]
    dropped = ledger(collector, exporter, signal)["dropped"]
    by_reason = {}
    for letter in found:
        if letter.signal == signal:
            by_reason[letter.reason] = by_reason.get(letter.reason, 0) + letter.note["items"]
    assert by_reason == dropped


def test_every_grpc_code(forward, ends):
    """The first two answers carry the code; what may succeed later then does."""
    def failing(code):
        def rule(number, _, context):
            if number <= 2:
                context.abort(code, f"says {code.name}")
        return rule

    codes = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
    peers = {code.name: ends(GRPCPeer(failing(code))) for code in codes}
    collector, sender = forward(*(destination(peer, name) for name, peer in peers.items()))
    sender(trace_request(0, 10))
    for name, peer in peers.items():
        counts = settled(collector, name)
        assert_accounted(peer, sender, collector, name)
        found = letters(collector, name)
        if name in RETRYABLE_CODES:
            assert counts == {"sent": 10, "queue": 0, "dropped": {}, "failed": {"retry_later": 2}}
        elif name == "RESOURCE_EXHAUSTED":
            assert counts["sent"] == 10 and counts["failed"] == {"too_large": 2}
        else:
            assert counts["sent"] == 0 and counts["dropped"] == {"permanent": 10}
            assert peer.asked == 1
            (letter,) = found
            assert letter.message == f"gRPC {name}: says {name}"
            assert letter.note["answer"]["grpc_status"] == grpc.StatusCode[name].value[0]
            assert letter.note["destination"] == name and letter.note["attempts"] == 1


def test_every_http_status(forward, ends):
    def failing(status):
        return lambda number, _: (status, {"content-type": "text/plain"}, b"so") \
            if number <= 2 and status >= 300 else None

    peers = {f"s{status}": ends(HTTPPeer(failing(status))) for status in STATUSES}
    collector, sender = forward(*(destination(peer, name) for name, peer in peers.items()))
    sender(trace_request(0, 10))
    for status in STATUSES:
        name = f"s{status}"
        counts = settled(collector, name)
        assert_accounted(peers[name], sender, collector, name)
        if status < 300:
            assert counts == {"sent": 10, "queue": 0, "dropped": {}, "failed": {}}
        elif status in RETRYABLE_STATUSES:
            assert counts == {"sent": 10, "queue": 0, "dropped": {}, "failed": {"retry_later": 2}}
        elif status == 413:
            assert counts["sent"] == 10 and counts["failed"] == {"too_large": 2}
        else:
            assert counts["dropped"] == {"permanent": 10} and peers[name].asked == 1
            assert letters(collector, name)[0].note["answer"]["http_status"] == status


def http_answer(head, body=b""):
    """Reads a whole request and answers with these bytes."""
    def script(connection, _):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(1 << 16)
        before, rest = data.split(b"\r\n\r\n", 1)
        length = int([line for line in before.split(b"\r\n")
                      if line.lower().startswith(b"content-length:")][0].split(b":")[1])
        while len(rest) < length:
            rest += connection.recv(1 << 16)
        connection.sendall(head + body)
        connection.close()
    return script


PARTIAL = SIGNALS["traces"][1]()
PARTIAL.partial_success.rejected_spans = 3
JSON_PARTIAL = b'{"partialSuccess":{"rejectedSpans":"3"}}'
HTML = [(":status", "200"), ("content-type", "text/html")]


@pytest.mark.parametrize("peer, expected", [
    # Nobody knows what became of it: it stays.
    (lambda: RawPeer(http_answer(b"\x16\x03\x01garbage" * 20)), "retried"),
    (lambda: RawPeer(http_answer(b"")), "retried"),
    (lambda: RawPeer(http_answer(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", b"short")),
     "retried"),
    (lambda: RawPeer(http_answer(b"HTTP/1.1 2")), "retried"),
    (lambda: RawPeer(http_answer(b"HTTP/1.1 200 OK\r\n")), "retried"),
    (lambda: RawPeer(http_answer(b"HTTP/1.1 400 Bad\r\ncontent-le")), "retried"),
    # An answer that no OTLP server gives.
    (lambda: RawPeer(http_answer(b"HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n"
                                 b"content-length: 6\r\n\r\n", b"<html>")), "permanent"),
    (lambda: EarlyPeer(1 << 30, taken=(HTML, b"<html>", None)), "permanent"),
    # Asked for again before it is believed.
    (lambda: EarlyPeer(1 << 30, taken=(OK, EMPTY, None)), "doubtful"),
    # Taken, though it is said badly.
    (lambda: RawPeer(http_answer(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n"
                                 b"content-length: 4\r\n\r\n", b"\x89PNG")), "sent"),
    (lambda: RawPeer(http_answer(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\n"
                                 b"content-length: 3\r\n\r\n", b"\xff\xff\xff")), "sent"),
    (lambda: EarlyPeer(1 << 30, taken=(OK, b"\0\0\0\0\x09abc", DONE)), "sent"),
    (lambda: EarlyPeer(1 << 30, taken=(OK + DONE, None, None)), "sent"),
    # Partial success in either encoding.
    (lambda: EarlyPeer(1 << 30, taken=(
        OK, struct.pack(">BI", 0, PARTIAL.ByteSize()) + PARTIAL.SerializeToString(), DONE)),
     "rejected"),
    (lambda: RawPeer(http_answer(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        % len(JSON_PARTIAL), JSON_PARTIAL)), "rejected"),
])
def test_wrong_answers(peer, expected, forward, ends):
    peer = ends(peer())
    collector, sender = forward(destination(peer), shutdown="1s")
    sender(trace_request(0, 10))
    if expected == "retried":
        peer.wait_accepted(3)
        counts = ledger(collector)
        assert counts["queue"] == 10 and counts["sent"] == 0 and counts["dropped"] == {}
        assert letters(collector) == []
        return
    counts = settled(collector)
    found = letters(collector)
    if expected in ("permanent", "doubtful"):
        assert counts["dropped"] == {"permanent": 10}
        assert counts["failed"] == {"invalid_answer": 1 if expected == "permanent" else 3}
        assert kept(found) == sender.sent["traces"]
    else:
        rejected = 3 if expected == "rejected" else 0
        assert counts["sent"] == 10 - rejected and counts["failed"] == {} and found == []
        assert counts["dropped"] == ({"rejected": 3} if rejected else {})


@pytest.mark.parametrize("message, code", [(EMPTY, "0"), (None, "14")])
def test_a_grpc_server_that_leaves_with_its_answer_costs_nothing(message, code, forward, ends):
    """libcurl 7.88 loses what the answer was."""
    peer = ends(EarlyPeer(1 << 30, taken=(OK, message, [("grpc-status", code)]), leaves=2))
    collector, sender = forward(destination(peer))
    sender(trace_request(0, 10))
    peer.wait_items(10)
    peer.taken = (OK, EMPTY, DONE)
    counts = settled(collector)
    assert counts["sent"] == 10 and counts["dropped"] == {}
    may_fail = {"connection_lost", "retry_later"} if message is None else set()
    assert counts["failed"].keys() <= {"status_lost"} | may_fail
    assert letters(collector) == []


@pytest.mark.parametrize("manner, reasons", [
    ({}, {"refused_early"}),
    ({"one_flight": False}, {"refused_early", "too_large"}),
    ({"answer": None}, {"refused_early"}),
    ({"code": None}, {"too_large"}),
    ({"answer": [(":status", "413")]}, {"refused_early", "too_large"}),
    ({"code": 8}, {"connection_lost", "too_large"}),
    ({"answer": None, "code": 8}, {"connection_lost"}),
])
def test_a_refusal_before_the_upload_ends(manner, reasons, forward, ends):
    """Trailers and RST_STREAM in one flight, and other ways to refuse early. Only the one item
    above the limit is given up."""
    peer = ends(EarlyPeer(300_000, **manner))
    collector, sender = forward(destination(
        peer, batch={"delay": "20ms", "bytes": "1MiB"}, retry={"initial": "5ms", "max": "20ms"}))
    sender(trace_request(0, 1000, value_bytes=600))
    peer.wait_items(1000, timeout=60)
    assert_same(peer, sender)
    counts = settled(collector)
    assert counts["sent"] == 1000 and counts["dropped"] == {}
    assert counts["failed"].keys() <= reasons
    sender(trace_request(5000, 1, value_bytes=600_000))
    sender(trace_request(6000, 50))
    if "connection_lost" in reasons:
        # That could be the network, if nothing else came through in between.
        peer.wait_items(1050)
        for step in range(100):
            sender(trace_request(7000 + step, 1))
            if wait_until(lambda: ledger(collector)["queue"] < 2) and not ledger(collector)["queue"]:
                break
    counts = settled(collector)
    (letter,) = letters(collector)
    assert letter.reason in {"refused_early", "too_large_for_peer"} and letter.note["items"] == 1
    if letter.reason == "refused_early" and "connection_lost" in reasons:
        # As often as it took until something came through between two of them.
        assert letter.note["attempts"] >= 3
    elif letter.reason == "refused_early":
        assert letter.note["attempts"] == 3
    assert_accounted(peer, sender, collector)


def test_one_metric_with_100_000_points_is_cut_between_them(forward, ends):
    peer = ends(GRPCPeer(max_bytes=300_000))
    collector, sender = forward(destination(peer, signals=["metrics"]))
    request = SIGNALS["metrics"][0]()
    entry = request.resource_metrics.add(schema_url="https://example.org/r")
    entry.resource.attributes.add(key="service.name").value.string_value = "meter"
    metric = entry.scope_metrics.add().metrics.add(name="calls", unit="1", description="Calls.")
    metric.sum.is_monotonic, metric.sum.aggregation_temporality = True, 2
    for number in range(100_000):
        metric.sum.data_points.add(
            start_time_unix_nano=1, time_unix_nano=2 + number, as_int=number)
    sender(request, "metrics")
    peer.wait_items(100_000, "metrics", timeout=60)
    assert_same(peer, sender, "metrics")
    assert settled(collector, signal="metrics")["dropped"] == {}
    assert max(peer.sizes) <= 300_000


def test_large_headers_are_no_reason_to_give_up_small_items(forward, ends):
    """A resource that fills most of what the peer takes is repeated for every item, if need be."""
    peer = ends(HTTPPeer(lambda _, size: (413, {}, b"") if size > 30_000 else None))
    collector, sender = forward(destination(peer))
    request = trace_request(0, 40, services=1)
    for entry in request.resource_spans:
        entry.resource.attributes.add(key="k").value.string_value = "v" * 27_000
    sender(request)
    peer.wait_items(40)
    assert_same(peer, sender)
    assert settled(collector)["dropped"] == {} and letters(collector) == []


def test_headers_larger_than_the_peer_takes_are_found_out_soon(forward, ends):
    """By the shortest item, not by every single one."""
    peer = ends(HTTPPeer(lambda _, size: (413, {}, b"") if size > 200_000 else None))
    collector, sender = forward(destination(peer))
    request = trace_request(0, 1000, services=1)
    for entry in request.resource_spans:
        entry.resource.attributes.add(key="k").value.string_value = "v" * 210_000
    sender(request)
    sender(trace_request(5000, 10))
    counts = settled(collector)
    assert counts["sent"] == 10 and counts["dropped"] == {"too_large_for_peer": 1000}
    assert peer.asked < 300
    assert_accounted(peer, sender, collector)


def test_a_collector_that_answers_400_to_large_requests(forward, ends):
    """As Go's MaxBytesReader does, and so the OpenTelemetry Collector."""
    def rule(_, size):
        return (400, {"content-type": "text/plain"}, b"http: request body too large") \
            if size > 5000 else None

    peer = ends(HTTPPeer(rule))
    collector, sender = forward(destination(peer))
    sender(trace_request(0, 100))
    sender(trace_request(500, 1, value_bytes=8000))
    peer.wait_items(100)
    settled(collector)
    assert_accounted(peer, sender, collector)
    assert [letter.reason for letter in letters(collector)] == ["too_large_for_peer"]


def test_a_server_that_calls_large_messages_out_of_range(forward, ends):
    """As servers written with tonic do. The code alone asks for repetition."""
    def rule(_, size, context):
        if size > 5000:
            context.abort(grpc.StatusCode.OUT_OF_RANGE,
                          f"Error, decoded message length too large: found {size} bytes, "
                          "the limit is: 5000 bytes")

    peer = ends(GRPCPeer(rule))
    collector, sender = forward(destination(peer))
    sender(trace_request(0, 100))
    sender(trace_request(500, 1, value_bytes=8000))
    peer.wait_items(100)
    settled(collector)
    assert_accounted(peer, sender, collector)


def announced(connection):
    """The length of the first request on a connection, which stays unread."""
    head = b""
    while b"\r\n\r\n" not in head:
        head = connection.recv(1 << 16, socket.MSG_PEEK)
    return int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])


def breaking(count, after=20_000):
    """Resets the first connections once so much of a body has come, or at once."""
    def script(connection, number):
        if number > count:
            return False
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        seen = 0
        while seen < after:
            part = connection.recv(4096)
            if not part:
                break
            seen += len(part)
        connection.close()
        return True
    return script


class Breaker:
    """Stands before a peer and breaks connections of which `script` takes care; others pass."""

    def __init__(self, peer, script):
        self.peer = peer
        self.protocol = peer.protocol
        self.raw = RawPeer(lambda connection, number: script(connection, number)
                           or self._pass(connection))
        self.endpoint = self.raw.endpoint

    def _pass(self, connection):
        other = socket.create_connection(("127.0.0.1", self.peer.port))
        back = threading.Thread(target=self._copy, args=(other, connection), daemon=True)
        back.start()
        self._copy(connection, other)

    @staticmethod
    def _copy(source, target):
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.raw.stop()


@pytest.mark.parametrize("kind", PEERS)
def test_a_network_that_breaks_uploads_loses_nothing(kind, forward, ends):
    peer = ends(kind())
    breaker = ends(Breaker(peer, breaking(6)))
    collector, sender = forward(destination(breaker))
    sender(trace_request(0, 1000, value_bytes=600))
    sender(trace_request(5000, 1, value_bytes=300_000))
    peer.wait_items(1001, timeout=40)
    counts = settled(collector)
    assert counts["sent"] == 1001 and counts["dropped"] == {}
    assert letters(collector) == [] and set(peer.items["traces"]) == set(sender.sent["traces"])


def test_an_item_over_which_the_peer_breaks_off_holds_up_nobody(forward, ends):
    """A peer that resets the connection whenever a request is large, without a word."""
    peer = ends(HTTPPeer())
    # A connection for each request, so that the script sees every one.
    peer.server.RequestHandlerClass.protocol_version = "HTTP/1.0"

    def script(connection, _):
        return announced(connection) > 200_000 and breaking(1 << 30, after=4096)(connection, 0)

    breaker = ends(Breaker(peer, script))
    collector, sender = forward(destination(
        breaker, concurrency=1, retry={"initial": "20ms", "max": "50ms"}))
    sender(trace_request(0, 1, value_bytes=4_000_000))
    for step in range(200):
        sender(trace_request(100 + step, 1))
        time.sleep(0.01)
        counts = ledger(collector)
        if not counts["queue"] and counts["dropped"]:
            break
    counts = settled(collector)
    assert counts["dropped"] == {"refused_early": 1}
    assert_accounted(peer, sender, collector)


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    b"HTTP/1.1 400 Bad\r\ncontent-type: text/plain\r\ncontent-length: 28\r\n\r\n"
    b"http: request body too large"], ids=["413", "400"])
@pytest.mark.parametrize("ending", ["reset", "linger"])
def test_an_http_server_that_refuses_by_the_announced_length(answer, ending, forward, ends):
    """It answers before it has read the body, and the connection ends over the unread rest."""
    peer = ends(HTTPPeer())
    peer.server.RequestHandlerClass.protocol_version = "HTTP/1.0"

    def script(connection, _):
        if announced(connection) <= 200_000:
            return False
        connection.sendall(answer)
        if ending == "linger":
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 16):
                pass
        connection.close()
        return True

    collector, sender = forward(destination(
        ends(Breaker(peer, script)), retry={"initial": "10ms", "max": "50ms"}))
    sender(trace_request(0, 1500, value_bytes=600))
    peer.wait_items(1500, timeout=60)
    sender(trace_request(5000, 1, value_bytes=4_000_000))
    for step in range(200):
        sender(trace_request(6000 + step, 1))
        peer.wait_items(1501 + step)
        if ledger(collector)["dropped"]:
            break
    counts = settled(collector)
    assert counts["sent"] == 1501 + step and len(letters(collector)) == 1
    assert_accounted(peer, sender, collector)


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize("status", [403, 404, 407, 413, 500])
def test_a_proxy_that_refuses_is_no_answer_of_the_destination(status, kind, roost, ends):
    """Nothing of it got there: it is sent again for as long as it takes, whole."""
    def refuse(connection, _):
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 %d So\r\nContent-Length: 4\r\n\r\nnope" % status)
        connection.close()

    proxy = ends(RawPeer(refuse))
    entry = {**destination(proxy), "endpoint": "https://collector.invalid",
             "protocol": kind.protocol}
    collector = roost(
        {"export": [entry], "shutdown": "1s"}, env={"https_proxy": proxy.endpoint})
    sender = ends(Sender(collector))
    sender(trace_request(0, 10))
    proxy.wait_accepted(5)
    counts = ledger(collector)
    assert (counts["sent"], counts["queue"], counts["dropped"]) == (0, 10, {})
    assert set(counts["failed"]) == {"unreachable"}
    assert collector.status()["exporters"][0]["last_error"] == (
        f"the proxy answered CONNECT with HTTP {status}")
    assert letters(collector) == []


@pytest.mark.parametrize("kind", PEERS)
def test_a_peer_that_hangs_then_answers_slowly(kind, forward, ends):
    peer = ends(kind())

    def script(connection, number):
        if number <= 2:
            hang(connection, number)
            return True
        time.sleep(0.2)
        return False

    collector, sender = forward(destination(ends(Breaker(peer, script)), timeout="700ms"))
    for number in range(5):
        sender(trace_request(number * 10, 10))
    peer.wait_items(50)
    counts = settled(collector)
    assert counts["sent"] == 50 and counts["dropped"] == {}
    assert counts["failed"].keys() <= {"timeout", "connection_lost"}
    assert_same(peer, sender)


@pytest.mark.parametrize("header", [
    lambda: "2", lambda: email.utils.formatdate(time.time() + 3, usegmt=True)])
def test_retry_after_is_obeyed_in_both_forms(header, forward, ends):
    times = []

    def rule(number, _):
        times.append(time.monotonic())
        return (429, {"retry-after": header()}, b"") if number == 1 else None

    peer = ends(HTTPPeer(rule))
    collector, sender = forward(destination(peer))
    sender(trace_request(0, 5))
    wait_until(lambda: peer.asked == 1)
    exporter = wait_until(lambda: collector.status()["exporters"][0].get("next_retry_time")
                          and collector.status()["exporters"][0])
    assert exporter["state"] == "waiting" and exporter["requests_allowed"] == 1
    sender(trace_request(10, 5))
    peer.wait_items(10)
    # A date has no fractions.
    assert 1.9 <= times[1] - times[0] < 5
    settled(collector)


@pytest.mark.parametrize("kind", PEERS)
def test_a_peer_that_comes_back_is_probed_and_not_flooded(kind, forward, ends):
    """One request at a time while it fails; then never more than one more than there were answers."""
    lock = threading.Lock()
    state = {"down": True, "now": 0, "answers": 0}
    too_many = []

    def enter(*arguments):
        with lock:
            state["now"] += 1
            if state["now"] > (1 if state["down"] else state["answers"] + 1):
                too_many.append(dict(state))
        time.sleep(0.03)
        with lock:
            state["now"] -= 1
            down = state["down"]
            state["answers"] += not down
        if not down:
            return None
        if kind is HTTPPeer:
            return (503, {}, b"")
        arguments[2].abort(grpc.StatusCode.UNAVAILABLE, "down")

    peer = ends(kind(enter))
    collector, sender = forward(destination(
        peer, batch={"bytes": "16KiB", "delay": "20ms"}, concurrency=8,
        retry={"initial": "20ms", "max": "100ms"}))
    sender(trace_request(0, 10))
    wait_until(lambda: ledger(collector)["failed"])
    for number in range(1, 30):
        sender(trace_request(number * 100, 100))
    asked = peer.asked
    wait_until(lambda: peer.asked > asked + 5)
    assert collector.status()["exporters"][0]["state"] in {"waiting", "probing"}
    with lock:
        state["down"] = False
    peer.wait_items(sender.count())
    assert too_many == []
    assert_same(peer, sender)
    assert settled(collector)["dropped"] == {}
    assert collector.status()["exporters"][0]["state"] == "working"


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize("signal", SIGNALS)
def test_what_is_refused_for_good_is_kept_whole(kind, signal, forward, ends):
    """With the answer, and with none of our secrets."""
    def web(*_):
        return 400, {"content-type": "text/plain"}, b"no: tenant-secret-1 s3cr3t-w0rd"

    def call(_, __, context):
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no: tenant-secret-1 s3cr3t-w0rd")

    peer = ends(kind(web if kind is HTTPPeer else call))
    collector, sender = forward(destination(
        peer, compression="gzip",
        headers={"x-key": "tenant-secret-1", "authorization": "Bearer s3cr3t-w0rd"}))
    sender(MAKE[signal](0, 20), signal)
    settled(collector, signal=signal)
    assert_accounted(peer, sender, collector, signal=signal)
    (letter,) = letters(collector)
    assert letter.reason == "permanent" and letter.message.endswith("no: *** ***")
    assert letter.note["endpoint"] == peer.endpoint and letter.note["protocol"] == kind.protocol
    for file in (letter.note_file, letter.body_file):
        assert b"secret" not in file.read_bytes() and b"s3cr3t" not in file.read_bytes()
    page = collector.metrics()
    assert page.value("roost_dead_letters_written_total", exporter="peer") == 1
    assert page.value("roost_dead_letters", exporter="peer") == 1
    assert page.value("roost_dead_letters_bytes", exporter="peer") == sum(
        file.stat().st_size for file in folder_of(collector).glob("*.*"))
    assert collector.status()["exporters"][0]["dead_letters"]["letters"] == 1


@pytest.mark.parametrize("said", [
    "invalid token {token}", "x" * 280 + "Bearer {token}", "{TOKEN}",
    "cannot POST /k/hunter2pw/v1/traces", "password hunter2pw of admin"])
def test_what_a_peer_repeats_of_our_secrets_is_shown_nowhere(said, forward, ends):
    token = "".join(f"T0ken{number:05}" for number in range(80))
    text = said.replace("{TOKEN}", token.upper()).replace("{token}", token)
    peer = ends(HTTPPeer(lambda *_: (401, {"content-type": "text/plain"}, text.encode())))
    one = destination(peer, headers={
        "authorization": f"Bearer {token}", "x-basic": "Basic YWRtaW46aHVudGVyMnB3"})
    one["endpoint"] += "/k/hunter2pw"
    collector, sender = forward(one)
    sender(trace_request(0, 10))
    settled(collector)
    (letter,) = letters(collector)
    status = collector.status()["exporters"][0]
    for shown in (collector.log, status["last_error"], letter.message,
                  collector.get("/api/v1/observability/overview").text):
        assert "t0ken00" not in shown.lower() and "hunter2pw" not in shown
    assert "***" in letter.message and "***" in status["last_error"]


def test_a_malformed_proxy_is_told_without_its_password(roost, ends):
    collector = roost(
        {"export": [{"name": "peer", "endpoint": "https://localhost:9", "protocol": "grpc",
                     "retry": {"initial": "20ms", "max": "50ms"}, "batch": {"delay": "20ms"}}]},
        env={"https_proxy": "foo://user:hunter2pw@127.0.0.1:1"})
    ends(Sender(collector))(trace_request(0, 10))
    wait_until(lambda: "last_error" in collector.status()["exporters"][0])
    assert collector.wait_for_line("destination is failing.*exporter=peer")
    for shown in (collector.log, str(collector.status()["exporters"])):
        assert "hunter2pw" not in shown


def test_a_yes_that_is_too_long_is_a_yes(forward, ends):
    peer = ends(HTTPPeer(lambda *_: (200, {"content-type": "text/plain"}, b"x" * (5 << 20))))
    collector, sender = forward(destination(peer))
    sender(trace_request(0, 10))
    wait_until(lambda: ledger(collector)["sent"] == 10)
    assert letters(collector) == [] and peer.asked == 1
    assert "longer than" in collector.status()["exporters"][0]["last_error"]


def test_what_is_given_up_is_kept(forward, ends):
    peer = ends(HTTPPeer(lambda *_: (503, {"content-type": "text/plain"}, b"busy")))
    collector, sender = forward(destination(
        peer, retry={"initial": "20ms", "max": "50ms", "give_up_after": "1s"}))
    sender(trace_request(0, 10))
    settled(collector)
    assert_accounted(peer, sender, collector)
    (letter,) = letters(collector)
    assert letter.reason == "gave_up" and letter.message == "HTTP 503: busy"
    assert letter.note["attempts"] == peer.asked > 2


def test_a_counted_letter_survives_a_kill(forward, ends):
    peer = ends(HTTPPeer(lambda *_: (400, {}, b"")))
    collector, sender = forward(destination(peer, batch={"bytes": "4KiB", "delay": "1ms"}))
    for number in range(100):
        sender(trace_request(number * 10, 10))
    counted = wait_until(lambda: ledger(collector)["dropped"].get("permanent"))
    collector.kill()
    whole = [file for file in folder_of(collector).glob("*.json")]
    assert sum(yaml.safe_load(file.read_text())["items"] for file in whole) >= counted


def test_a_letter_leaves_the_queue_on_disk(forward, ends, tmp_path):
    """What a restart finds there is only what was neither sent nor kept."""
    state = {"refuses": True}
    peer = ends(HTTPPeer(lambda *_: (400, {}, b"") if state["refuses"] else None))
    entry = destination(
        peer, queue={"path": str(tmp_path / "queue")},
        dead_letters={"path": str(tmp_path / "letters")})
    collector, sender = forward(entry)
    sender(trace_request(0, 10))
    assert settled(collector)["dropped"] == {"permanent": 10}
    assert collector.stop() == 0
    assert kept(letters(tmp_path / "letters")) == sender.sent["traces"]
    state["refuses"] = False
    again, other = forward(entry)
    other(trace_request(100, 10))
    peer.wait_items(10)
    assert_same(peer, other)
    assert again.metrics().value("roost_exporter_recovered_spans_total", exporter="peer") == 0
    assert replay(tmp_path / "letters", "--to", peer.endpoint, "--protocol", peer.protocol)["sent"]
    peer.wait_items(20)


def test_letters_stay_within_their_bounds(forward, ends):
    peer = ends(HTTPPeer(lambda *_: (400, {}, b"")))
    collector, sender = forward(destination(peer, dead_letters={"size": "64KiB", "count": 15}))
    for number in range(40):
        sender(trace_request(number * 10, 10))
        peer.wait_asked(number + 1)
    settled(collector)
    assert sum(file.stat().st_size for file in folder_of(collector).glob("*.*")) <= 64 << 10
    found = letters(collector)
    assert 5 < len(found) <= 15
    names = {span.name for letter in found for entry in letter.request.resource_spans
             for scope in entry.scope_spans for span in scope.spans}
    assert names == {f"call {number}" for number in range(400 - len(found) * 10, 400)}
    page = collector.metrics()
    assert page.value(
        "roost_dead_letters_dropped_total", exporter="peer", reason="evicted") == 40 - len(found)


def test_two_collectors_with_one_folder_of_letters(roost, ends, tmp_path):
    peer = ends(HTTPPeer())
    export = [destination(peer, dead_letters={"path": str(tmp_path / "letters")})]
    first = roost({"export": export})
    second = roost({"export": export}, wait=False)
    assert second.wait_end() == 1
    assert (f"the dead letters of peer: {tmp_path}/letters is in use by another roost "
            f"(pid {first.pid})") in second.log
    assert first.stop() == 0
    assert roost({"export": export}).stop() == 0


def test_letters_can_be_switched_off(forward, ends):
    peer = ends(HTTPPeer(lambda *_: (400, {}, b"")))
    collector, sender = forward(destination(peer, dead_letters={"enabled": False}))
    sender(trace_request(0, 10))
    assert settled(collector)["dropped"] == {"permanent": 10}
    assert letters(collector) == [] and "dead_letters" not in collector.status()["exporters"][0]


def test_a_folder_that_cannot_be_written_is_told(forward, ends, tmp_path):
    (tmp_path / "file").write_text("")
    peer = ends(HTTPPeer(lambda *_: (400, {}, b"")))
    collector, sender = forward(destination(
        peer, dead_letters={"path": str(tmp_path / "file" / "below")}))
    sender(trace_request(0, 10))
    assert settled(collector)["dropped"] == {"permanent": 10}
    page = collector.metrics()
    assert page.value(
        "roost_dead_letters_dropped_total", exporter="peer", reason="disk") == 1
    assert "below" in collector.status()["exporters"][0]["dead_letters"]["last_error"]
    assert collector.wait_for_line("dead letters cannot be kept.*exporter=peer")


def test_a_full_disk_is_counted_and_the_next_letter_that_fits_is_kept(forward, ends):
    """A limit on the size of files stands for a disk that is full: large letters meet it."""
    peer = ends(HTTPPeer(lambda *_: (400, {}, b"")))
    collector, sender = forward(
        destination(peer), enable={"store": False, "audit": False, "analytics": False})
    subprocess.run(["prlimit", f"--pid={collector.pid}", "--fsize=30000:30000"], check=True)

    def wait_dropped(count):
        wait_until(lambda: collector.metrics().value(
            "roost_dropped_spans_total", exporter="peer", reason="permanent") == count)

    sender(trace_request(0, 100, value_bytes=600))
    wait_dropped(100)
    assert letters(collector) == []
    assert collector.wait_for_line("dead letters cannot be kept.*exporter=peer")
    sender(trace_request(1000, 10))
    wait_dropped(110)
    (letter,) = letters(collector)
    assert letter.note["items"] == 10
    assert collector.wait_for_line("dead letters are kept again.*exporter=peer")
    page = collector.metrics()
    assert page.value(
        "roost_dead_letters_dropped_total", exporter="peer", reason="disk_full") == 1
    assert page.value("roost_dead_letters_written_total", exporter="peer") == 1


def replay(folder, *arguments, code=0):
    clean = {key: value for key, value in os.environ.items()
             if not key.startswith("OTEL_") and not key.lower().endswith("_proxy")}
    answer = subprocess.run(
        [roost_binary(), "replay", str(folder), "--format", "json", *map(str, arguments)],
        capture_output=True, text=True, timeout=60, env=clean)
    assert answer.returncode == code, answer.stderr
    return yaml.safe_load(answer.stdout) if code < 2 and answer.stdout else answer.stderr


@pytest.mark.parametrize("kind", PEERS)
def test_replay_sends_what_the_destination_takes_by_now(kind, forward, ends):
    """From a collector that goes on running, to the destination of its configuration."""
    state = {"refuses": True}

    def web(*_):
        return (401, {}, b"") if state["refuses"] else None

    def call(_, __, context):
        if state["refuses"]:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")

    peer = ends(kind(web if kind is HTTPPeer else call))
    collector, sender = forward(destination(peer, headers={"authorization": "Bearer x"}))
    for signal in SIGNALS:
        for number in range(5):
            sender(MAKE[signal](number * 10, 10), signal)
            settled(collector, signal=signal)
    folder = folder_of(collector)
    before = letters(folder)
    config = ["--config", collector.config_file]
    assert replay(folder, *config, code=1)["refused"] == len(before)
    again = letters(folder)
    assert [letter.note["attempts"] for letter in again] == [2] * len(before)
    assert [letter.items for letter in again] == [letter.items for letter in before]
    state["refuses"] = False
    told = replay(folder.parent, *config)
    assert told == {
        "letters": len(before), "sent": len(before), "refused": 0, "left": 0,
        "items": {"spans": 50, "metric_points": 50, "log_records": 50}, "rejected_items": 0}
    assert letters(folder) == []
    for signal in SIGNALS:
        assert_same(peer, sender, signal)
    assert peer.headers[-1]["authorization"] == "Bearer x"
    assert replay(folder, *config)["letters"] == 0


@pytest.mark.parametrize("kind", PEERS)
def test_replay_to_any_address_splits_what_is_too_large(kind, forward, ends):
    down = ends(HTTPPeer(lambda *_: (503, {}, b"")))
    collector, sender = forward(destination(
        down, retry={"initial": "20ms", "max": "50ms", "give_up_after": "1s"}))
    sender(trace_request(0, 300))
    sender(trace_request(500, 1, value_bytes=20_000))
    settled(collector)
    folder = folder_of(collector)
    # A limit of the transport that refuses early, and one that does not.
    peer = ends(GRPCPeer(max_bytes=15_000) if kind is GRPCPeer else HTTPPeer(
        lambda _, size: (413, {}, b"") if size > 15_000 else None))
    told = replay(folder, "--to", peer.endpoint, "--protocol", kind.protocol,
                  "--header", "x-who=replay", code=1)
    assert told["items"]["spans"] == 300 and told["refused"] >= 1
    (letter,) = letters(folder)
    assert letter.note["items"] == 1
    assert letter.reason in {"too_large_for_peer", "refused_early"}
    assert peer.items["traces"] + letter.items == sender.sent["traces"]
    assert peer.headers[0]["x-who"] == "replay"
    large = ends(HTTPPeer())
    assert replay(folder, "--to", large.endpoint, "--protocol", "http/protobuf")["sent"] == 1


def test_replay_that_cannot_remove_a_letter_tells_what_was_sent(forward, ends):
    down = ends(HTTPPeer(lambda *_: (400, {}, b"")))
    collector, sender = forward(destination(down))
    for number in range(2):
        sender(trace_request(number * 10, 10))
        settled(collector)
    folder = folder_of(collector)
    first, second = sorted(folder.glob("*.pb"))

    def block(*_):
        # Root, too, cannot remove it as a file.
        first.unlink()
        first.mkdir()

    peer = ends(HTTPPeer(block))
    told = replay(folder, "--to", peer.endpoint, "--protocol", "http/protobuf", code=1)
    assert (told["sent"], told["left"], told["items"]["spans"]) == (0, 2, 10)
    assert second.exists() and peer.items["traces"]


def test_replay_of_a_signal_that_is_not_sent_any_more(forward, ends):
    peer = ends(HTTPPeer(lambda number, _: (400, {}, b"") if number == 1 else None))
    collector, sender = forward(destination(peer))
    sender(trace_request(0, 10))
    settled(collector)
    config = yaml.safe_load(collector.config_file.read_text())
    config["export"][0]["signals"] = ["logs"]
    collector.config_file.write_text(yaml.safe_dump(config))
    told = replay(folder_of(collector), "--config", collector.config_file)
    assert told["sent"] == 1 and told["items"]["spans"] == 10
    assert peer.items["traces"] == sender.sent["traces"]


def test_replay_into_a_peer_that_is_away_leaves_everything(forward, ends):
    refusing = ends(HTTPPeer(lambda *_: (400, {}, b"")))
    collector, sender = forward(destination(refusing))
    sender(trace_request(0, 10))
    settled(collector)
    gone = HTTPPeer()
    gone.stop()
    folder = folder_of(collector)
    told = replay(folder, "--to", gone.endpoint, "--protocol", "grpc", "--patience", "300ms", code=1)
    assert told["left"] == 1 and kept(letters(folder)) == sender.sent["traces"]
    assert "no destination is called peer" in replay(folder, code=2)
    assert len(letters(folder)) == 1


def test_replay_that_is_interrupted_goes_on_where_it_was(forward, ends):
    refusing = ends(HTTPPeer(lambda *_: (400, {}, b"")))
    collector, sender = forward(destination(refusing))
    for number in range(10):
        sender(trace_request(number * 10, 10))
        refusing.wait_asked(number + 1)
    settled(collector)
    hold = threading.Event()
    peer = ends(HTTPPeer(lambda number, _: hold.wait(20) and None if number == 5 else None))
    folder = folder_of(collector)
    arguments = ["--to", peer.endpoint, "--protocol", "http/protobuf"]
    process = subprocess.Popen([roost_binary(), "replay", str(folder), *arguments])
    peer.wait_asked(5)
    assert "another replay" in replay(folder, *arguments, code=1)
    # A shell may have this test ignore SIGINT, and then its children do.
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    hold.set()
    assert len(letters(folder)) == 6
    sender(trace_request(1000, 10))
    settled(collector)
    assert replay(folder, *arguments)["sent"] == 7
    assert set(peer.items["traces"]) == set(sender.sent["traces"]) and letters(folder) == []


def test_replay_into_a_peer_that_goes_away_keeps_only_the_rest(forward, ends):
    """Of a letter that is too large for one request, some parts are taken before."""
    refusing = ends(HTTPPeer(lambda *_: (400, {}, b"")))
    collector, sender = forward(destination(refusing))
    sender(trace_request(0, 400))
    settled(collector)
    folder = folder_of(collector)
    state = {"left": 5}

    def rule(_, size):
        if size > 20_000:
            return 413, {}, b""
        state["left"] -= 1
        return (503, {}, b"") if state["left"] < 0 else None

    peer = ends(HTTPPeer(rule))
    arguments = ["--to", peer.endpoint, "--protocol", "http/protobuf"]
    told = replay(folder, *arguments, "--patience", "1s", code=1)
    taken = peer.count()
    assert 0 < taken < 400 and told["items"]["spans"] == taken and told["left"] == 1
    (letter,) = letters(folder)
    assert letter.note["items"] == 400 - taken and letter.reason == "permanent"
    state["left"] = 1 << 30
    assert replay(folder, *arguments)["items"]["spans"] == 400 - taken
    assert peer.items["traces"] == sender.sent["traces"] and letters(folder) == []


def test_replay_has_no_more_patience_than_it_is_told(forward, ends):
    refusing = ends(HTTPPeer(lambda *_: (400, {}, b"")))
    collector, sender = forward(destination(refusing))
    sender(trace_request(0, 10))
    settled(collector)
    stuck = ends(RawPeer(hang))
    began = time.monotonic()
    told = replay(folder_of(collector), "--to", stuck.endpoint, "--protocol", "http/protobuf",
                  "--patience", "1s", code=1)
    assert told["left"] == 1 and time.monotonic() - began < 8


@pytest.mark.parametrize("header, words", [
    ("content-length=5", "content-length is set by Roost itself"),
    ("Host=evil", "Host is set by Roost itself"),
    ("Transfer-Encoding=chunked", "Transfer-Encoding is set by Roost itself"),
    ("x=hunter2\r\nInjected: yes", "the value of x holds a control character"),
    ("Authorization: Bearer hunter2==", "is no name of a header"), ("hunter2", "no = in it")])
def test_replay_refuses_headers_that_the_configuration_refuses(header, words, tmp_path):
    told = replay(tmp_path, "--to", "http://127.0.0.1:1", "--protocol", "grpc",
                  "--header", header, code=2)
    assert words in told and "hunter2" not in told
