"""Forwarding to real destinations, in good times and bad. What the ledger on /metrics says is checked
with everything."""

import random
import ssl
import subprocess
import threading
import time
from concurrent import futures

import grpc
import httpx
import pytest
from conftest import wait_until
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from otlp_peers import (
    SIGNALS, GRPCPeer, HTTPPeer, RawPeer, Sender, grpc_failure, hang, log_request, metric_request,
    reset, talk_nonsense, trace_request)

ITEMS = {"traces": "spans", "metrics": "metric_points", "logs": "log_records"}
EMPTY = b""
PEERS = [GRPCPeer, HTTPPeer]


def destination(peer, name="peer", **more):
    """An entry of `export` whose waits are short."""
    return {
        "name": name, "endpoint": peer.endpoint,
        "protocol": getattr(peer, "protocol", "http/protobuf"),
        "batch": {"delay": "20ms"}, "retry": {"initial": "20ms", "max": "200ms"}, **more}


@pytest.fixture
def ends():
    """Things to stop at the end."""
    things = []
    yield lambda thing: things.append(thing) or thing
    for thing in reversed(things):
        thing.stop() if hasattr(thing, "stop") else thing.close()


@pytest.fixture
def forward(roost, ends):
    """A collector that forwards to the destinations given, and a sender to it."""
    def start(*exports, **config):
        collector = roost({"export": list(exports), **config})
        return collector, ends(Sender(collector))
    return start


def ledger(collector, exporter="peer", signal="traces"):
    """The counts of an exporter in one scrape, which have to add up."""
    page = collector.metrics()
    word = ITEMS[signal]
    for name in {sample.labels["exporter"] for sample in
                 page.find(f"roost_exporter_offered_{word}_total")}:
        offered = page.value(f"roost_exporter_offered_{word}_total", exporter=name)
        assert offered == (
            page.value(f"roost_exporter_sent_{word}_total", exporter=name)
            + page.value(f"roost_exporter_queue_{word}", exporter=name)
            + page.value(f"roost_dropped_{word}_total", exporter=name))
        assert offered == page.value(f"roost_receiver_accepted_{word}_total")
    dropped = {
        sample.labels["reason"]: int(sample.value)
        for sample in page.find(f"roost_dropped_{word}_total", exporter=exporter) if sample.value}
    failed = {
        sample.labels["reason"]: int(sample.value)
        for sample in page.find("roost_exporter_failed_requests_total", exporter=exporter)
        if sample.value}
    return {
        "sent": int(page.value(f"roost_exporter_sent_{word}_total", exporter=exporter)),
        "queue": int(page.value(f"roost_exporter_queue_{word}", exporter=exporter)),
        "dropped": dropped, "failed": failed,
    }


def settled(collector, exporter="peer", signal="traces"):
    """The ledger once nothing is queued any more."""
    def look():
        counts = ledger(collector, exporter, signal)
        return counts if counts["queue"] == 0 else None
    return wait_until(look, timeout=20, what="an empty queue")


def assert_same(peer, sender, signal="traces"):
    """Everything that was taken arrived, once, with equal content."""
    assert peer.items[signal] == sender.sent[signal]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("kind", PEERS)
def test_every_item_arrives_once_and_equal(kind, compression, forward, ends):
    if kind is GRPCPeer and compression == "zstd":
        pytest.skip("grpcio has no zstd")
    peer = ends(kind())
    collector, sender = forward(destination(
        peer, compression=compression, headers={"x-tenant": "blue"},
        batch={"bytes": "64KiB", "delay": "20ms"}))
    chance = random.Random(7)
    first = 0
    for _ in range(40):
        count = chance.choice([1, 1, 2, 7, 100, 700])
        sender(trace_request(first, count))
        sender(metric_request(first, count), "metrics")
        sender(log_request(first, count), "logs")
        first += count
    for signal in SIGNALS:
        peer.wait_items(sender.count(signal), signal)
        assert settled(collector, signal=signal) == {
            "sent": sender.count(signal), "queue": 0, "dropped": {}, "failed": {}}
        assert_same(peer, sender, signal)
    assert max(peer.sizes) <= 64 << 10
    for headers in peer.headers:
        assert headers["x-tenant"] == "blue"
        assert headers["user-agent"].startswith("OTel-OTLP-Exporter-Roost/")
        assert "expect" not in headers
    assert collector.stop() == 0


def test_one_request_of_many_megabytes_arrives_in_pieces(forward, ends):
    stock, web = ends(GRPCPeer(max_bytes=4 << 20)), ends(HTTPPeer())
    collector, sender = forward(destination(stock), destination(web, "web"))
    sender(trace_request(0, 20_000, value_bytes=600, services=1))
    for peer in (stock, web):
        peer.wait_items(20_000)
        assert_same(peer, sender)
        assert 2 < len(peer.sizes) < 12 and max(peer.sizes) <= 4 << 20
    assert settled(collector)["failed"] == {}


class RawTaker(grpc.GenericRpcHandler):
    """Reads what comes over gRPC as fast as it can, and keeps what cannot be read."""
    protocol = "grpc"

    def __init__(self, credentials=None):
        self.changed = threading.Condition()
        self.spans, self.unreadable = 0, []
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        self.server.add_generic_rpc_handlers((self,))
        if credentials:
            port = self.server.add_secure_port("localhost:0", credentials)
            self.endpoint = f"https://localhost:{port}"
        else:
            self.endpoint = f"http://127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def service(self, _):
        return grpc.unary_unary_rpc_method_handler(self.take)

    def take(self, body, context):
        with self.changed:
            try:
                message = ExportTraceServiceRequest.FromString(body)
                self.spans += sum(len(scope.spans) for entry in message.resource_spans
                                  for scope in entry.scope_spans)
            except DecodeError:
                self.unreadable.append(body)
            self.changed.notify_all()
        return b""

    def stop(self):
        self.server.stop(0)


@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "tls"])
def test_bodies_come_out_whole_however_full_the_socket_is(is_secure, certificates, forward, ends):
    """libcurl 7.88 lost its place in a body when a small frame had to wait: every tenth request
    of this size came out wrong on a busy machine."""
    body = trace_request(0, 20_000, value_bytes=600, services=1).SerializeToString()
    credentials = None
    if is_secure:
        key, certificate = ((certificates / f"server.{name}").read_bytes()
                            for name in ("key", "crt"))
        credentials = grpc.ssl_server_credentials([(key, certificate)])
    takers = [ends(RawTaker(credentials)) for _ in range(3)]
    collector, _ = forward(*(
        destination(taker, f"taker-{number}", tls={"ca": str(certificates / "ca.crt")})
        for number, taker in enumerate(takers)))
    with grpc.insecure_channel(
            collector.grpc, options=[("grpc.max_send_message_length", -1)]) as channel:
        send = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        for number in range(1, 13):
            send(body, timeout=60)
            for taker in takers:
                with taker.changed:
                    assert taker.changed.wait_for(
                        lambda: taker.unreadable or taker.spans >= number * 20_000, timeout=60)
                    assert len(taker.unreadable) == 0 and taker.spans == number * 20_000


def test_small_requests_travel_together(forward, ends):
    peer = ends(HTTPPeer())
    collector, sender = forward(destination(peer, batch={"delay": "300ms"}))
    for number in range(200):
        sender(trace_request(number, 1))
    peer.wait_items(200)
    assert len(peer.sizes) < 20
    assert_same(peer, sender)
    settled(collector)


@pytest.mark.parametrize("kind", PEERS)
def test_down_then_up(kind, forward, ends):
    gone = kind()
    port = gone.port
    entry = destination(gone)
    gone.stop()
    up = ends(kind())
    collector, sender = forward(entry, destination(up, "up"))
    for number in range(20):
        sender(trace_request(number * 10, 10))
    up.wait_items(200)
    assert collector.wait_for_line("destination is failing.*peer")
    counts = ledger(collector)
    assert counts["queue"] == 200 and counts["failed"].keys() == {"unreachable"}
    assert collector.get("/ready").status_code == 200
    back = ends(kind(port=port))
    back.wait_items(200)
    assert_same(back, sender)
    assert settled(collector)["dropped"] == {}
    assert collector.wait_for_line("destination has recovered.*peer")


@pytest.mark.parametrize("script, reason", [
    (hang, "timeout"), (reset, "connection_lost"), (talk_nonsense, "invalid_answer")])
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_broken_peer_is_tried_again_and_disturbs_nobody(script, reason, protocol, forward, ends):
    broken, good = ends(RawPeer(script)), ends(HTTPPeer())
    collector, sender = forward(
        destination(broken, protocol=protocol, timeout="300ms"), destination(good, "good"))
    sender(trace_request(0, 50))
    good.wait_items(50)
    broken.wait_accepted(3)
    counts = wait_until(lambda: (c := ledger(collector)) and len(c["failed"]) and c)
    assert counts["queue"] == 50 and counts["dropped"] == {}
    assert set(counts["failed"]) <= {reason, "connection_lost", "invalid_answer"}
    assert ledger(collector, "good")["sent"] == 50
    began = time.monotonic()
    assert collector.get("/health").status_code == 200
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("kind", PEERS)
def test_the_peers_own_delay_is_kept(kind, forward, ends):
    times = []

    def web(number, _):
        times.append(time.monotonic())
        return (503, {"retry-after": "1"}, EMPTY) if number == 1 else None

    def call(number, _, context):
        times.append(time.monotonic())
        if number == 1:
            grpc_failure(context, grpc.StatusCode.UNAVAILABLE, "busy", retry_seconds=1)

    peer = ends(kind(call if kind is GRPCPeer else web))
    collector, sender = forward(destination(peer))
    sender(trace_request(0, 5))
    peer.wait_items(5)
    assert 1 <= times[1] - times[0] < 3
    assert settled(collector) == {
        "sent": 5, "queue": 0, "dropped": {}, "failed": {"retry_later": 1}}


def test_exhausted_with_a_delay_is_tried_again_and_without_one_cut(forward, ends):
    def rule(number, size, context):
        if number == 1:
            grpc_failure(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "slow", 0, 10_000_000)
        if size > 3000:
            grpc_failure(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "too large")

    peer = ends(GRPCPeer(rule))
    collector, sender = forward(destination(peer))
    sender(trace_request(0, 100))
    peer.wait_items(100)
    assert_same(peer, sender)
    counts = settled(collector)
    assert counts["sent"] == 100 and counts["dropped"] == {}
    assert counts["failed"]["retry_later"] == 1 and counts["failed"]["too_large"] > 3


def test_a_stock_grpc_server_with_a_small_limit(forward, ends):
    """It refuses before the upload is complete, which arrives as a broken stream."""
    peer = ends(GRPCPeer(max_bytes=200_000))
    collector, sender = forward(destination(peer))
    sender(trace_request(0, 3000, value_bytes=600))
    peer.wait_items(3000, timeout=30)
    assert_same(peer, sender)
    counts = settled(collector)
    assert counts["sent"] == 3000 and counts["dropped"] == {}
    sender(trace_request(5000, 1, value_bytes=600_000))
    dropped = wait_until(lambda: ledger(collector)["dropped"], timeout=20)
    assert sum(dropped.values()) == 1 and set(dropped) <= {"too_large_for_peer", "refused_early"}


def test_413_is_cut_down_to_what_fits(forward, ends):
    peer = ends(HTTPPeer(lambda _, size: (413, {}, EMPTY) if size > 3000 else None))
    collector, sender = forward(destination(peer))
    sender(trace_request(0, 200))
    peer.wait_items(200)
    assert_same(peer, sender)
    sender(trace_request(1000, 1, value_bytes=5000))
    wait_until(lambda: ledger(collector)["dropped"] == {"too_large_for_peer": 1})


@pytest.mark.parametrize("signal, field", [
    ("traces", "rejected_spans"), ("metrics", "rejected_data_points"),
    ("logs", "rejected_log_records")])
@pytest.mark.parametrize("kind", PEERS)
def test_partial_success_is_counted_and_not_repeated(kind, signal, field, forward, ends):
    answer = SIGNALS[signal][1]()
    setattr(answer.partial_success, field, 3)
    answer.partial_success.error_message = "three are bad"
    web = (200, {"content-type": "application/x-protobuf"}, answer.SerializeToString())
    peer = ends(kind((lambda *_: answer) if kind is GRPCPeer else (lambda *_: web)))
    collector, sender = forward(destination(peer))
    make = {"traces": trace_request, "metrics": metric_request, "logs": log_request}[signal]
    sender(make(0, 10), signal)
    wait_until(lambda: ledger(collector, signal=signal)["sent"])
    assert ledger(collector, signal=signal) == {
        "sent": 7, "queue": 0, "dropped": {"rejected": 3}, "failed": {}}
    assert peer.asked == 1
    assert "three are bad" in collector.get("/status").text


@pytest.mark.parametrize("kind", PEERS)
def test_an_empty_partial_success_is_success(kind, forward, ends):
    answer = SIGNALS["traces"][1]()
    answer.partial_success.SetInParent()
    web = (200, {"content-type": "application/x-protobuf"}, answer.SerializeToString())
    peer = ends(kind((lambda *_: answer) if kind is GRPCPeer else (lambda *_: web)))
    collector, sender = forward(destination(peer))
    sender(trace_request(0, 10))
    wait_until(lambda: ledger(collector)["sent"] == 10)
    assert "is failing" not in collector.log and "refuses" not in collector.log


@pytest.mark.parametrize("answer, reason", [
    ((400, {"content-type": "text/plain"}, b"bad secret-token-1"), "permanent"),
    ((401, {}, EMPTY), "permanent"), ((404, {}, EMPTY), "permanent"),
    ((500, {}, EMPTY), "permanent"), ((302, {"location": "/elsewhere"}, EMPTY), "permanent"),
    ((200, {"content-type": "text/html"}, b"<html>Login</html>"), "invalid_answer")])
def test_a_refusal_is_final_and_logged_once_without_secrets(answer, reason, forward, ends):
    peer = ends(HTTPPeer(lambda *_: answer))
    collector, sender = forward(destination(
        peer, headers={"authorization": "secret-token-1"}))
    for number in range(5):
        sender(trace_request(number * 10, 10))
        wait_until(lambda: ledger(collector)["dropped"].get("permanent") == number * 10 + 10)
    counts = ledger(collector)
    assert counts["sent"] == 0 and counts["failed"] == {reason: 5}
    assert collector.log.count("destination refuses data") == 1
    for text in (collector.log, collector.get("/status").text, collector.get("/metrics").text):
        assert "secret-token-1" not in text


@pytest.mark.parametrize("kind", PEERS)
def test_a_full_queue_that_refuses_leaves_no_trace_but_the_refusal(kind, forward, ends):
    stuck, good = ends(RawPeer(hang)), ends(kind())
    collector, sender = forward(
        destination(stuck, timeout="30s", batch={"bytes": "16KiB", "delay": "20ms"},
                    queue={"size": "64KiB", "when_full": "refuse"}),
        destination(good, "good"), shutdown="1s")
    body = trace_request(0, 100)
    with pytest.raises(grpc.RpcError) as refusal:
        for number in range(100):
            sender(trace_request(number * 100, 100))
    assert refusal.value.code() == grpc.StatusCode.UNAVAILABLE
    details = dict(refusal.value.trailing_metadata())
    assert b"RetryInfo" in details["grpc-status-details-bin"]
    answer = httpx.post(
        f"http://{collector.http}/v1/traces", content=body.SerializeToString(),
        headers={"content-type": "application/x-protobuf"})
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 1
    good.wait_items(sender.count())
    page = collector.metrics()
    assert page.value("roost_receiver_accepted_spans_total") == sender.count()
    assert page.value("roost_receiver_refused_spans_total", reason="queue_full") == 200
    assert page.value("traces_span_metrics_calls_total") == sender.count()
    assert_same(good, sender)
    assert ledger(collector, "good")["sent"] == sender.count()
    assert collector.get("/ready").status_code == 503
    assert collector.get("/health").status_code == 200
    assert page.value("roost_exporter_queue_bytes", exporter="peer") <= 64 << 10
    began = time.monotonic()
    assert collector.stop() == 0
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("policy, reason", [("drop_new", "queue_full"), ("drop_oldest", "evicted")])
def test_a_full_queue_that_drops_takes_everything_and_says_so(policy, reason, forward, ends):
    stuck, good = ends(RawPeer(hang)), ends(HTTPPeer())
    collector, sender = forward(
        destination(stuck, timeout="30s", batch={"bytes": "16KiB", "delay": "20ms"},
                    queue={"size": "64KiB", "when_full": policy}),
        destination(good, "good"), shutdown="1s")
    for number in range(100):
        sender(trace_request(number * 20, 20))
    good.wait_items(2000)
    counts = ledger(collector)
    assert counts["dropped"].keys() == {reason} and counts["queue"] > 0
    assert_same(good, sender)
    assert collector.get("/ready").status_code == 200


def test_gives_up_when_told_to(forward, ends):
    peer = ends(HTTPPeer(lambda *_: (503, {}, EMPTY)))
    collector, sender = forward(destination(
        peer, retry={"initial": "20ms", "max": "50ms", "give_up_after": "1s"}))
    sender(trace_request(0, 10))
    wait_until(lambda: ledger(collector)["dropped"] == {"gave_up": 10})


@pytest.mark.parametrize("kind", PEERS)
def test_what_is_queued_goes_out_before_the_end(kind, forward, ends):
    peer = ends(kind())
    collector, sender = forward(destination(peer, batch={"delay": "60s"}))
    for number in range(30):
        sender(trace_request(number * 10, 10))
    assert peer.asked == 0
    assert collector.stop() == 0
    assert_same(peer, sender)


def test_the_drain_deadline_ends_a_wait_for_a_peer_that_is_gone(forward, ends):
    gone = HTTPPeer()
    gone.stop()
    collector, sender = forward(destination(gone), shutdown="1s")
    sender(trace_request(0, 10))
    began = time.monotonic()
    assert collector.stop() == 0
    assert time.monotonic() - began < 5


def test_a_slow_peer_under_load_slows_nobody(forward, ends):
    hold = threading.Event()
    slow = ends(HTTPPeer(lambda *_: hold.wait(20) and None))
    good = ends(GRPCPeer())
    collector, sender = forward(
        destination(slow, timeout="30s"), destination(good, "good"))
    began = time.monotonic()
    for number in range(100):
        sender(trace_request(number * 100, 100))
    good.wait_items(10_000)
    assert time.monotonic() - began < 15
    hold.set()
    slow.wait_items(10_000)
    settled(collector)
    assert_same(slow, sender)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, and a certificate for localhost that serves both sides."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test ca",
            "-days", "2")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-CAcreateserial", "-out", f"{name}.crt", "-days", "2", "-extfile", "names")
    return folder


def tls_peer(kind, folder):
    read = lambda name: (folder / name).read_bytes()
    if kind is GRPCPeer:
        return GRPCPeer(credentials=grpc.ssl_server_credentials(
            [(read("server.key"), read("server.crt"))], read("ca.crt"), True))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    context.load_verify_locations(folder / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    return HTTPPeer(context=context)


@pytest.mark.parametrize("kind", PEERS)
def test_tls_with_a_given_authority_and_a_client_certificate(kind, certificates, forward, ends):
    peer = ends(tls_peer(kind, certificates))
    files = {"ca": str(certificates / "ca.crt"), "cert": str(certificates / "client.crt"),
             "key": str(certificates / "client.key")}
    collector, sender = forward(destination(peer, tls=files))
    for number in range(20):
        sender(trace_request(number * 100, 100))
        peer.wait_items(number * 100 + 100)
    assert_same(peer, sender)
    assert settled(collector)["failed"] == {}


@pytest.mark.parametrize("kind", PEERS)
def test_a_peer_that_cannot_be_trusted_gets_nothing(kind, certificates, forward, ends):
    peer = ends(tls_peer(kind, certificates))
    collector, sender = forward(destination(peer), shutdown="1s")
    sender(trace_request(0, 10))
    wait_until(lambda: ledger(collector)["failed"].get("tls", 0) >= 2)
    assert peer.asked == 0 and ledger(collector)["queue"] == 10
    assert collector.wait_for_line("destination is failing.*certificate")
