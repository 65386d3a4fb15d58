"""An HTTP/2 connection of another implementation (h2) whose frames come in any order and any pieces.

Thirty requests share a connection, each a list of steps: head, parts of its body, its end or its
reset. Steps of all of them are mixed at random with pings, settings, windows, priorities and frames
that mean nothing, and the bytes leave in pieces of any size. h2 judges what comes back: no breach of
the protocol, one answer for each request, the answer that is due. The account then holds exactly
what was answered as taken.

`HTTP2_SEEDS` says how many connections, `HTTP2_SEED` where they begin.
"""

import os
import random
import socket
import struct

import h2.config
import h2.connection
import h2.events
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

FIRST = int(os.environ.get("HTTP2_SEED", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("HTTP2_SEEDS", "4")))
REQUESTS = 30
METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def spans(chance, count):
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for _ in range(count):
        scope.spans.add(
            trace_id=b"\1" + chance.randbytes(15), span_id=b"\1" + chance.randbytes(7), name="s" * chance.randrange(200))
    return request.SerializeToString()


class Request:
    """One request: its steps still to be taken, and what has come back."""

    def __init__(self, chance, speaks_grpc, stream):
        self.stream, self.speaks_grpc = stream, speaks_grpc
        self.kind = chance.choice(["fine", "fine", "fine", "empty", "broken", "cut", "reset", "nowhere"])
        self.items = chance.randrange(1, 9) if self.kind == "fine" else 0
        body = spans(chance, self.items) if self.items else b""
        if self.kind == "broken":
            body = b"\x0a\xff\xff\xff\xff\x0f"
        if speaks_grpc:
            body = struct.pack(">BI", 0, len(body)) + body
            if self.kind == "cut":
                body = body[:-1] if len(body) > 5 else body[:3]
        elif self.kind == "cut":
            body = b"\x0a\x05"
        path = METHOD if speaks_grpc else "/v1/traces"
        if self.kind == "nowhere":
            path += "x"
        type = "application/grpc" if speaks_grpc else "application/x-protobuf"
        self.head = [
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "x"),
            ("content-type", type), *([("te", "trailers")] if speaks_grpc else []),
            ("x-filler", "f" * chance.randrange(300))]
        self.steps = ["head"]
        while body:
            size = chance.randrange(1, len(body) + 1)
            self.steps.append(body[:size])
            body = body[size:]
        if self.kind == "reset":
            self.steps = self.steps[: chance.randrange(1, len(self.steps) + 1)] + ["reset"]
        else:
            self.steps.append(chance.choice(["end", "end", "trailers"]))
        self.answer, self.is_over = {}, False

    @property
    def due(self):
        """The status that the answer must have; None where there need be none."""
        if self.speaks_grpc:
            return {"fine": "0", "empty": "0", "broken": "3", "cut": "13", "nowhere": "12"}.get(self.kind)
        return {"fine": "200", "empty": "200", "broken": "400", "cut": "400", "nowhere": "404"}.get(self.kind)

    @property
    def status(self):
        return self.answer.get("grpc-status" if self.speaks_grpc else ":status")


class Connection:
    def __init__(self, address, chance):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.chance = chance
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.waiting = b""
        self.requests = {}

    def noise(self):
        """A frame that has nothing to do with any request."""
        chance, h2 = self.chance, self.h2
        kind = chance.randrange(6)
        if kind == 0:
            h2.ping(chance.randbytes(8))
        elif kind == 1:
            h2.update_settings({chance.choice([3, 4, 6]): chance.choice([1000, 65_535, 1 << 20])})
        elif kind == 2:
            h2.increment_flow_control_window(chance.randrange(1, 10_000))
        elif kind == 3 and self.requests:
            h2.prioritize(chance.choice(list(self.requests)) , weight=chance.randrange(1, 257), depends_on=0)
        elif kind == 4:
            # A type and a setting that nobody knows. RFC 9113, sections 4.1 and 6.5.2.
            self.collect()
            payload = chance.randbytes(chance.randrange(20))
            self.waiting += struct.pack(">I", len(payload))[1:] + bytes([0x42, chance.randrange(256)]) + bytes(4) + payload
            self.waiting += b"\0\0\6\4\0\0\0\0\0" + b"\x42\x42\0\0\0\1"

    def take(self, request):
        """The next step of a request; False when it has to wait for a window."""
        step = request.steps[0]
        if isinstance(step, bytes):
            room = min(self.h2.local_flow_control_window(request.stream), self.h2.max_outbound_frame_size)
            if room < len(step):
                return False
            self.h2.send_data(request.stream, step)
        elif step == "head":
            self.requests[request.stream] = request
            self.h2.send_headers(request.stream, request.head)
        elif step == "end":
            self.h2.end_stream(request.stream)
        elif step == "trailers":
            self.h2.send_headers(request.stream, [("x-trailer", "t")], end_stream=True)
        else:
            self.h2.reset_stream(request.stream, error_code=8)
            request.is_over = True
        request.steps.pop(0)
        return True

    def collect(self):
        self.waiting += self.h2.data_to_send()

    def send_some(self, everything=False):
        self.collect()
        size = len(self.waiting) if everything else self.chance.randrange(len(self.waiting) + 1)
        self.socket.sendall(self.waiting[:size])
        self.waiting = self.waiting[size:]

    def read(self):
        data = self.socket.recv(self.chance.choice([9, 1000, 65_536]))
        assert data, "the connection was closed"
        for event in self.h2.receive_data(data):
            request = self.requests.get(getattr(event, "stream_id", None))
            if isinstance(event, h2.events.ConnectionTerminated):
                raise AssertionError(event)
            if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                for name, value in event.headers:
                    assert name not in request.answer, (name, "came twice")
                    request.answer[name] = value
            elif isinstance(event, h2.events.DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                # An answer that does not wait for the rest of the request is followed by a reset.
                request.is_over = True
                request.steps = []


def accepted(roost):
    return roost.metrics().value("roost_receiver_accepted_spans_total")


@pytest.mark.parametrize("speaks_grpc", [True, False], ids=["grpc", "http"])
@pytest.mark.parametrize("seed", SEEDS)
def test_frames_in_any_order_and_any_pieces(shared_roost, seed, speaks_grpc):
    chance = random.Random(seed * 2 + speaks_grpc)
    before = accepted(shared_roost)
    connection = Connection(shared_roost.grpc if speaks_grpc else shared_roost.http, chance)
    waiting = [Request(chance, speaks_grpc, 2 * number + 1) for number in range(REQUESTS)]
    requests = list(waiting)
    while waiting:
        # Heads go out in the order of their streams, everything else in any.
        begun = [request for request in waiting if request.steps[0] != "head"]
        fresh = [request for request in waiting if request.steps[0] == "head"][:1]
        request = chance.choice(begun + fresh)
        if chance.random() < 0.2:
            connection.noise()
        if not connection.take(request):
            connection.send_some(everything=True)
            connection.read()
        if chance.random() < 0.5:
            connection.send_some()
        waiting = [request for request in waiting if request.steps]
    connection.send_some(everything=True)
    while not all(request.is_over for request in requests):
        connection.read()
        connection.send_some(everything=True)
    connection.socket.close()
    for request in requests:
        if request.due is not None:
            assert request.status == request.due, (request.kind, request.answer)
    taken = sum(request.items for request in requests if request.kind == "fine")
    assert accepted(shared_roost) - before == taken
