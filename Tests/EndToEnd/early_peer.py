"""A gRPC destination over h2 that answers before it has read the request, as gRPC servers refuse a
message by its announced length: trailers and RST_STREAM in one flight, or as a test wants."""

import collections
import struct
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from otlp_peers import RawPeer, Taken

OK = [(":status", "200"), ("content-type", "application/grpc")]
DONE = [("grpc-status", "0")]
EMPTY = b"\0\0\0\0\0"
REFUSAL = OK + [("grpc-status", "8"), ("grpc-message", "too large")]


class H2Peer(Taken, RawPeer):
    """A gRPC destination that writes its own frames: `converse(connection, number)` says which."""

    protocol = "grpc"

    def __init__(self):
        Taken.__init__(self)
        condition = self.changed
        RawPeer.__init__(self, lambda *asked: self.converse(*asked))
        self.changed = condition

    @staticmethod
    def begin():
        talk = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        talk.initiate_connection()
        return talk


class EarlyPeer(H2Peer):
    """Takes messages of at most `limit` bytes and refuses others on sight of their prefix with
    `answer` and a reset with `code`; `answer` None resets only, `code` None answers only.

    `one_flight` sends both at once; otherwise the answer goes first. What is taken is answered
    with `taken`: headers, bytes or None, and trailers or None; the first `leaves` times with GOAWAY
    in the same flight."""

    def __init__(self, limit, answer=REFUSAL, code=h2.errors.ErrorCodes.NO_ERROR, one_flight=True,
                 taken=(OK, EMPTY, DONE), leaves=0):
        self.limit, self.answer, self.code, self.one_flight = limit, answer, code, one_flight
        self.taken = taken
        self.leaves = leaves
        self.refused = []
        super().__init__()

    def converse(self, connection, _):
        talk = self.begin()
        connection.sendall(talk.data_to_send())
        bodies = collections.defaultdict(bytearray)
        refused = set()
        while data := connection.recv(1 << 16):
            for event in talk.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self.ask(event.headers)
                elif isinstance(event, h2.events.DataReceived):
                    stream = event.stream_id
                    if stream in refused:
                        continue
                    bodies[stream] += event.data
                    if len(bodies[stream]) >= 5:
                        length = struct.unpack(">I", bodies[stream][1:5])[0]
                        if length > self.limit:
                            refused.add(stream)
                            self._refuse(talk, connection, stream, length)
                            continue
                    talk.acknowledge_received_data(event.flow_controlled_length, stream)
                elif isinstance(event, h2.events.StreamEnded):
                    if event.stream_id not in refused:
                        self._accept(talk, event.stream_id, bytes(bodies[event.stream_id][5:]))
            connection.sendall(talk.data_to_send())
            if talk.state_machine.state is h2.connection.ConnectionState.CLOSED:
                return

    def _refuse(self, talk, connection, stream, length):
        with self.changed:
            self.refused.append(length)
            self.changed.notify_all()
        if self.answer:
            talk.send_headers(stream, self.answer, end_stream=True)
            if not self.one_flight:
                connection.sendall(talk.data_to_send())
        if self.code is not None:
            talk.reset_stream(stream, self.code)

    def _accept(self, talk, stream, message):
        request = trace_service_pb2.ExportTraceServiceRequest.FromString(message)
        self.take("traces", request, len(message))
        headers, body, trailers = self.taken
        talk.send_headers(stream, headers, end_stream=body is None and trailers is None)
        if body is not None:
            talk.send_data(stream, body, end_stream=trailers is None)
        if trailers is not None:
            talk.send_headers(stream, trailers, end_stream=True)
        if self.leaves > 0:
            self.leaves -= 1
            talk.close_connection(last_stream_id=stream)
