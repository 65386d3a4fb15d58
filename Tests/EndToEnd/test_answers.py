"""What destinations answer: at length, without end, and behind the end of the connection."""

import collections
import queue
import threading
import time
from concurrent import futures

import grpc
import h2.events
import pytest
from conftest import wait_until
from dead_letters import letters
from early_peer import DONE, EMPTY, OK, H2Peer
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from otlp_peers import HTTPPeer, RawPeer, trace_request
from test_forwarding import destination, ends, forward, ledger, settled  # noqa: F401

MIB = 1 << 20


# ---- At length and without end -------------------------------------------------------------------

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


# ---- Behind the end of the connection --------------------------------------------------------------

class LeavingPeer(H2Peer):
    """A gRPC destination that has each connection carry one call, as proxies with a limit of
    requests do, and whoever shuts down in good order: GOAWAY comes with the head of the request, the
    answer after it in so many flights, then the end. `answers` gives those of each call."""

    def __init__(self, answers):
        self.answers = answers
        super().__init__()

    def converse(self, connection, _):
        talk = self.begin()
        bodies = collections.defaultdict(bytearray)
        while data := connection.recv(1 << 16):
            for event in talk.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    stream, number = event.stream_id, self.ask(event.headers)
                    connection.sendall(talk.data_to_send())
                    # h2 itself would take its own GOAWAY for the end of all streams.
                    connection.sendall(
                        b"\0\0\x08\x07\0\0\0\0\0" + stream.to_bytes(4, "big") + b"\0\0\0\0")
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] += event.data
                    talk.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    return self._answer(
                        connection, talk, stream, bytes(bodies[stream][5:]), self.answers(number))
            connection.sendall(talk.data_to_send())

    def _answer(self, connection, talk, stream, message, flights):
        request = trace_service_pb2.ExportTraceServiceRequest.FromString(message)
        if DONE in flights:
            self.take("traces", request, len(message))
        for number, flight in enumerate(flights):
            is_last = number == len(flights) - 1
            if isinstance(flight, bytes):
                talk.send_data(stream, flight, end_stream=is_last)
            else:
                talk.send_headers(stream, flight, end_stream=is_last)
            connection.sendall(talk.data_to_send())
            time.sleep(0.1)


def test_a_peer_that_says_goaway_on_each_connection_gets_the_first_twice(forward, ends):
    """Then it is known that it means a yes."""
    peer = ends(LeavingPeer(lambda _: [OK, EMPTY, DONE]))
    collector, sender = forward(destination(peer))
    for number in range(3):
        sender(trace_request(number * 30, 30))
        peer.wait_items(30 * (number + 2))
    counts = settled(collector)
    assert counts == {"sent": 90, "queue": 0, "dropped": {}, "failed": {"status_lost": 4}}
    assert peer.asked == 4 and peer.count() == 120
    assert peer.items["traces"].keys() == sender.sent["traces"].keys() and letters(collector) == []
    state = collector.status()["exporters"][0]
    assert state["state"] == "working" and state["last_error"].startswith("taken as a yes")


def test_a_server_that_refuses_with_a_message_while_it_stops_loses_nothing(forward):
    """A handler of grpcio that sets a code and returns sends its answer, too."""
    calls, taken = queue.Queue(), []

    class Traces(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request, context):
            calls.put(request)
            if stopping.is_set():
                taken.append(request)
            else:
                stopping.wait(20)
                context.set_code(grpc.StatusCode.UNAVAILABLE)
                context.set_details("shutting down")
            return trace_service_pb2.ExportTraceServiceResponse()

    def serve(port):
        server = grpc.server(
            futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(), server)
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        return server, bound

    stopping = threading.Event()
    first, port = serve(0)
    collector, sender = forward({
        "name": "peer", "endpoint": f"http://127.0.0.1:{port}", "protocol": "grpc",
        "batch": {"delay": "10ms"}, "retry": {"initial": "50ms", "max": "200ms"},
        "timeout": "10s"})
    sender(trace_request(0, 30))
    calls.get(timeout=20)
    ended = first.stop(20)
    stopping.set()
    assert ended.wait(20)
    second, _ = serve(port)
    try:
        counts = settled(collector)
    finally:
        second.stop(0).wait(20)
    assert counts["sent"] == 30 and counts["dropped"] == {} and counts["failed"]
    spans = [span for request in taken for resource in request.resource_spans
             for scope in resource.scope_spans for span in scope.spans]
    assert len(spans) == 30


def test_what_such_a_peer_refuses_is_not_taken_for_delivered(forward, ends):
    """With a status of its own in the one flight, and with one that is lost."""
    refusals = [
        [[*OK, ("grpc-status", "14")]], [OK, [("grpc-status", "14")]], [OK, b"\0\0\0\0"]]
    peer = ends(LeavingPeer(lambda call: (refusals + [[OK, EMPTY, DONE]])[min(call, 4) - 1]))
    collector, sender = forward(destination(peer))
    sender(trace_request(0, 30))
    peer.wait_items(60)
    counts = settled(collector)
    assert counts["sent"] == 30 and counts["dropped"] == {} and letters(collector) == []
    assert sum(counts["failed"].values()) == 5 and counts["failed"]["status_lost"] == 2
