"""What destinations answer: at length, and without end."""

import time

import pytest
from conftest import wait_until
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from otlp_peers import HTTPPeer, RawPeer, trace_request
from test_forwarding import destination, ends, forward, ledger, settled  # noqa: F401

MIB = 1 << 20


def peak_with(script, forward, ends, count, enough):
    """What the collector needs at most, with a limit of 64 MiB, until `enough` connections to
    `count` such peers have been made."""
    peers = [ends(RawPeer(script)) for _ in range(count)]
    collector, sender = forward(
        *(destination(peer, f"peer{number}", concurrency=16, timeout="60s",
                      batch={"bytes": "1KiB", "delay": "1ms"})
          for number, peer in enumerate(peers)),
        limits={"memory": "64MiB"}, shutdown="1s",
        enable={"analytics": False, "store": False, "audit": False})
    for number in range(60):
        sender(trace_request(number * 20, 20))
    for peer in peers:
        peer.wait_accepted(enough)
    # What comes on the last connection comes in this time; the others had theirs before.
    time.sleep(2)
    assert collector.get("/health").status_code == 200
    return collector.resident_bytes(peak=True)


def answer_most_of_four_mebibytes(connection, _):
    connection.recv(1 << 16)
    connection.sendall(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\n"
        b"content-length: 4194304\r\n\r\n" + b"\x12" * (4 * MIB - 100))
    connection.recv(1 << 16)


def test_answers_that_stand_still_stay_within_the_memory(forward, ends):
    peak = peak_with(answer_most_of_four_mebibytes, forward, ends, count=4, enough=16)
    assert peak < 96 * MIB


@pytest.mark.parametrize("line", [
    b"x-%d: " + b"v" * 900 + b"\r\n", b"%d:\r\n"], ids=["long", "short"])
def test_trailers_without_end_are_broken_off(line, forward, ends):
    def script(connection, _):
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n")
        number = 0
        while True:
            connection.sendall(b"".join(line % (number + step) for step in range(200)))
            number += 200

    peer = ends(RawPeer(script))
    collector, sender = forward(destination(peer), limits={"memory": "64MiB"})
    sender(trace_request(0, 5))
    peer.wait_accepted(5)
    counts = wait_until(lambda: (c := ledger(collector)) and c["failed"] and c)
    assert counts["queue"] == 5 and counts["failed"].keys() == {"invalid_answer"}
    assert "headers of the answer" in collector.status()["exporters"][0]["last_error"]
    assert collector.resident_bytes(peak=True) < 96 * MIB


def test_a_partial_success_with_a_long_text_is_counted(forward, ends):
    response = trace_service_pb2.ExportTraceServiceResponse()
    response.partial_success.rejected_spans = 3
    response.partial_success.error_message = "bad " * 100_000
    peer = ends(HTTPPeer(lambda *_: (
        200, {"content-type": "application/x-protobuf"}, response.SerializeToString())))
    collector, sender = forward(destination(peer))
    sender(trace_request(0, 10))
    counts = settled(collector)
    assert counts["sent"] == 7 and counts["dropped"] == {"rejected": 3} and peer.asked == 1
    assert collector.status()["exporters"][0]["last_error"].startswith("3 items rejected: bad bad")
