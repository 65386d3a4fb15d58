"""TLS on the listeners, spoken with by other people's programs: grpcio, the OpenTelemetry SDK, httpx,
curl, Python's ssl, websockets, Prometheus, openssl."""

import concurrent.futures
import contextlib
import json
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import grpc
import httpx
import pytest
import websockets.sync.client
from cryptography.x509.oid import ExtendedKeyUsageOID
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GRPCSpanExporter)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from certificates import Authority
from conftest import Metrics, roost_binary, wait_until
from otlp_peers import HTTPPeer
from telemetry import METHODS, PROTOBUF, request

LISTENERS = ("grpc", "http", "web")
FAILURES = "roost_listener_tls_handshake_failures_total"
HANDSHAKES = "roost_listener_tls_handshakes_total"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority):
    return authority.issue("server")


def listening(pair, **others):
    return {"listen": {"tls": {"cert": pair.cert, "key": pair.key, **others}}}


@pytest.fixture(scope="module")
def secure(tmp_path_factory, server):
    """One collector with TLS everywhere, for tests that leave nothing behind."""
    from conftest import starter
    with starter(tmp_path_factory.mktemp("secure")) as start:
        yield start(listening(server))


def trusting(authority, client=None, alpn=None, **versions):
    context = ssl.create_default_context(cafile=authority.cert)
    for key, value in versions.items():
        setattr(context, key, value)
    if client:
        context.load_cert_chain(client.cert, client.key)
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def web(roost, authority, path, client=None, http2=False, **options):
    with httpx.Client(verify=trusting(authority, client), trust_env=False, http2=http2) as asker:
        return asker.get(f"https://{roost.web}{path}", **options)


def metrics(roost, authority, client=None):
    return Metrics(web(roost, authority, "/metrics", client).raise_for_status())


def handshake(address, context, name="127.0.0.1", timeout=10):
    host, _, port = address.rpartition(":")
    raw = socket.create_connection((host, int(port)), timeout=timeout)
    try:
        return context.wrap_socket(raw, server_hostname=name)
    except BaseException:
        raw.close()
        raise


def secure_channel(roost, authority, client=None):
    files = [pathlib.Path(authority.cert).read_bytes(), None, None]
    if client:
        files[1:] = [pathlib.Path(client.key).read_bytes(), pathlib.Path(client.cert).read_bytes()]
    return grpc.secure_channel(
        roost.grpc, grpc.ssl_channel_credentials(*files),
        options=[("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)])


def export(channel, count=1, **options):
    call = channel.unary_unary(METHODS["traces"])
    return call(request("traces", count).SerializeToString(), timeout=30, **options)


def post(roost, context, count=1, http2=False, headers=None):
    with httpx.Client(verify=context, trust_env=False, http2=http2) as client:
        return client.post(
            f"https://{roost.http}/v1/traces", content=request("traces", count).SerializeToString(),
            headers={"content-type": PROTOBUF, **(headers or {})})


def program(name):
    found = shutil.which(name)
    if not found:
        pytest.fail(f"{name} is missing: make test installs it")
    return found


# Who gets through


def test_opentelemetry_sdk_over_both_transports(roost, authority, server, monkeypatch):
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    collector = roost(listening(server))
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(GRPCSpanExporter(
        endpoint=f"https://{collector.grpc}", credentials=grpc.ssl_channel_credentials(
            pathlib.Path(authority.cert).read_bytes()))))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(
        endpoint=f"https://{collector.http}/v1/traces", certificate_file=authority.cert)))
    for _ in range(5):
        with provider.get_tracer("test").start_as_current_span("plan"):
            pass
    provider.shutdown()
    page = metrics(collector, authority)
    for transport in ("grpc", "http"):
        assert page.value("roost_receiver_accepted_spans_total", transport=transport) == 5


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_http_clients(secure, authority, http2):
    answer = post(secure, trusting(authority), http2=http2)
    assert answer.status_code == 200
    assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
    assert web(secure, authority, "/health", http2=http2).json()["status"] == "ok"


@pytest.mark.parametrize("flags, version", [
    (["--http1.1"], "1.1"), (["--http2"], "2"), (["--no-alpn", "--http1.1"], "1.1"),
    (["--no-alpn", "--http2-prior-knowledge"], "2"), (["--tls-max", "1.2", "--http2"], "2"),
])
def test_curl(secure, authority, flags, version):
    result = subprocess.run(
        [program("curl"), "-sS", "--noproxy", "*", "--cacert", authority.cert, *flags,
         "-w", "%{http_version}", f"https://{secure.web}/health"],
        capture_output=True, text=True, timeout=30)
    assert result.stdout.endswith(version), result.stderr


@pytest.mark.parametrize("version, name", [
    (ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_versions_that_are_spoken(secure, authority, version, name):
    before = metrics(secure, authority).value(HANDSHAKES, listener="grpc", version=name[4:])
    context = trusting(authority, maximum_version=version)
    with handshake(secure.grpc, context) as peer:
        assert peer.version() == name
        assert peer.cipher()[0] in ("TLS_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256")
        assert peer.compression() is None
    after = metrics(secure, authority).value(HANDSHAKES, listener="grpc", version=name[4:])
    assert after == before + 1


def test_large_answers_and_bodies_over_slow_and_fast_peers(roost, authority, server):
    collector = roost(listening(server))
    message = request("traces", 20_000)
    with httpx.Client(verify=trusting(authority), trust_env=False) as client:
        for _ in range(3):
            assert client.post(
                f"https://{collector.http}/v1/traces", content=message.SerializeToString(),
                headers={"content-type": PROTOBUF}).status_code == 200
    assert metrics(collector, authority).value(
        "roost_receiver_accepted_spans_total", transport="http") == 60_000
    # Byte for byte the same whether read at once or in small pieces through a small window.
    host, _, port = collector.web.rpartition(":")
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect((host, int(port)))
    with trusting(authority).wrap_socket(raw, server_hostname="127.0.0.1") as peer:
        peer.sendall(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        parts = []
        while part := peer.recv(700):
            parts.append(part)
    page = b"".join(parts)
    assert page.startswith(b"HTTP/1.1 200") and page.endswith(b"0\r\n\r\n")


def test_records_cut_anywhere(secure, authority):
    """A request that arrives in pieces of any size, across records and in the middle of them."""
    body = request("traces", 300).SerializeToString()
    head = (
        f"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: {PROTOBUF}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n").encode()
    for size in (1, 7, 1000, 16_384, 50_000):
        inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
        peer = trusting(authority).wrap_bio(inner, outer, server_hostname="127.0.0.1")
        host, _, port = secure.http.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=20) as raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def push():
                data = outer.read()
                for start in range(0, len(data), size):
                    raw.sendall(data[start:start + size])

            while True:
                try:
                    peer.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    push()
                    inner.write(raw.recv(65536))
            data, record = head + body, 1 if size == 1 else 9_000
            # Few bytes where every one is a packet of its own.
            if size == 1:
                data = b"GET /v1/none HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
            for start in range(0, len(data), record):
                peer.write(data[start:start + record])
            push()
            answer = b""
            while True:
                try:
                    part = peer.read(65536)
                    if not part:
                        break
                    answer += part
                except ssl.SSLWantReadError:
                    more = raw.recv(65536)
                    if not more:
                        break
                    inner.write(more)
                except ssl.SSLZeroReturnError:
                    break
            assert answer.startswith(b"HTTP/1.1 404" if size == 1 else b"HTTP/1.1 200"), size


def strict(address, context):
    """A peer to which an end without close_notify is an error."""
    host, _, port = address.rpartition(":")
    raw = socket.create_connection((host, int(port)), timeout=10)
    return context.wrap_socket(
        raw, server_hostname="127.0.0.1", suppress_ragged_eofs=False)


def test_the_end_is_said(roost, authority, server):
    """However a connection ends, its peer can tell that nothing was cut off."""
    collector = roost({**listening(server), "limits": {"idle_timeout": "300ms"}})
    ask = b"GET /v1/none HTTP/1.1\r\nhost: localhost\r\n"
    with strict(collector.http, trusting(authority)) as peer:
        peer.sendall(ask + b"connection: close\r\n\r\n")
        assert read_all(peer).startswith(b"HTTP/1.1 404")
    with strict(collector.http, trusting(authority)) as peer:
        peer.sendall(ask + b"\r\n")
        assert read_all(peer).startswith(b"HTTP/1.1 404")
    with strict(collector.grpc, trusting(authority, alpn=["h2"])) as peer:
        peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        assert len(read_all(peer)) > 9
    with strict(collector.web, trusting(authority)) as peer:
        peer.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert peer.recv(1000).startswith(b"HTTP/1.1 200")
        assert collector.stop() == 0
        assert peer.recv(1000) == b""


def test_half_closed_peers_are_answered(secure, authority):
    inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = trusting(authority).wrap_bio(inner, outer, server_hostname="127.0.0.1")
    host, _, port = secure.http.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        while True:
            try:
                peer.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(outer.read())
                inner.write(raw.recv(65536))
        peer.write(b"GET /v1/none HTTP/1.1\r\nhost: localhost\r\n\r\n")
        with contextlib.suppress(ssl.SSLWantReadError):
            peer.unwrap()
        raw.sendall(outer.read())
        inner.write(read_all(raw))
        assert peer.read(1000).startswith(b"HTTP/1.1 404")


def test_who_says_nothing_has_not_failed(secure, authority):
    """Balancers connect and leave to see whether somebody is there."""
    before = failures(secure, authority, "client_left")
    host, _, port = secure.http.rpartition(":")
    for _ in range(5):
        socket.create_connection((host, int(port))).close()
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(hello()[:100])
    wait_until(lambda: failures(secure, authority, "client_left") == before + 1)
    assert failures(secure, authority, "client_left") == before + 1


def test_websocket(secure, authority):
    with websockets.sync.client.connect(
            f"wss://{secure.web}/api/v1/observability/ws/events", ssl=trusting(authority),
            proxy=None) as peer:
        peer.send(json.dumps({"subscribe": {"type": ["*"]}}))
        assert peer.ping().wait(10)
        event = {"event_type": "agent.invoked", "payload": {"agent": {"name": "planner"}}}
        with httpx.Client(verify=trusting(authority), trust_env=False) as client:
            assert client.post(
                f"https://{secure.web}/api/v1/observability/events", json=event).is_success


def test_prometheus_scrapes(secure, authority, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % probe.getsockname()[1]
    (tmp_path / "prometheus.yml").write_text(json.dumps({"scrape_configs": [{
        "job_name": "roost", "scheme": "https", "tls_config": {"ca_file": authority.cert},
        "scrape_interval": "1s", "scrape_timeout": "1s",
        "static_configs": [{"targets": [secure.web]}]}]}))
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [program("prometheus"), f"--config.file={tmp_path}/prometheus.yml",
             f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address={address}"],
            stdout=log, stderr=subprocess.STDOUT)
    try:
        def is_up():
            try:
                answer = httpx.get(
                    f"http://{address}/api/v1/query", params={"query": "up"}, trust_env=False)
            except httpx.TransportError:
                return False
            if answer.status_code != 200:
                return False
            return [one["value"][1] for one in answer.json()["data"]["result"]] == ["1"]
        wait_until(is_up, timeout=30, what="a scrape")
    finally:
        process.terminate()
        process.wait(20)


def test_our_own_client(secure, authority):
    def run(*arguments):
        return subprocess.run(
            [roost_binary(), *arguments], capture_output=True, text=True, timeout=30)

    url = f"https://{secure.web}"
    assert run("health", "--url", url, "--ca", authority.cert).stdout == "ok\n"
    assert json.loads(run("status", "--url", url, "--ca", authority.cert).stdout)["listeners"]
    assert run("report", "--url", url, "--ca", authority.cert).returncode == 0
    assert run("export", "metrics", "--url", url, "--ca", authority.cert).returncode == 0
    distrusting = run("health", "--url", url)
    assert distrusting.returncode == 1 and "certificate" in distrusting.stderr


@pytest.mark.parametrize("listener", ["grpc", "http"])
def test_our_own_demo(roost, authority, server, tmp_path, listener):
    agent = authority.issue("agent", client=True)
    collector = roost({"listen": {
        "tls": {"cert": server.cert, "key": server.key, "client_ca": authority.cert},
        "tokens": ["for-agents"]}})
    run = subprocess.run(
        [roost_binary(), "demo", "--rate", "600", "--for", "1", "--ca", authority.cert,
         "--cert", agent.cert, "--key", agent.key, "--endpoint",
         f"https://{getattr(collector, listener)}",
         "--protocol", {"grpc": "grpc", "http": "http/protobuf"}[listener]],
        capture_output=True, text=True, timeout=60, env={"ROOST_TOKEN": "for-agents"})
    assert run.returncode == 0, run.stderr
    sent = json.loads(run.stdout)["sent"]["spans"]
    page = Metrics(web(collector, authority, "/metrics", agent, headers={
        "authorization": "Bearer for-agents"}))
    assert page.value("roost_receiver_accepted_spans_total", transport=listener) == sent > 0


def test_forwarding_from_one_to_the_other(roost, secure, authority):
    before = metrics(secure, authority).value(
        "roost_receiver_accepted_spans_total", transport="grpc")
    first = roost({"export": [{
        "name": "second", "endpoint": f"https://localhost:{secure.grpc.rpartition(':')[2]}",
        "protocol": "grpc", "tls": {"ca": authority.cert}}]})
    answer = httpx.post(
        f"http://{first.http}/v1/traces", content=request("traces", 7).SerializeToString(),
        headers={"content-type": PROTOBUF}, trust_env=False)
    assert answer.status_code == 200
    wait_until(lambda: metrics(secure, authority).value(
        "roost_receiver_accepted_spans_total", transport="grpc") == before + 7)


def test_another_authority_of_a_destination_holds_from_the_next_connection_on(roost, tmp_path):
    """The file is read for each; whoever has a certificate of the old one is not trusted any more."""
    old, new = Authority(tmp_path / "old", "Old"), Authority(tmp_path / "new", "New")
    trusted = tmp_path / "ca.crt"
    shutil.copy(old.cert, trusted)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def show(pair):
        context.load_cert_chain(pair.cert, pair.key)

    show(old.issue("server"))
    peer = HTTPPeer(lambda *_: (200, {"connection": "close"}, b""), context=context)
    collector = roost({"export": [{
        "name": "peer", "endpoint": peer.endpoint, "protocol": "http/protobuf",
        "tls": {"ca": str(trusted)}, "batch": {"delay": "20ms"},
        "retry": {"initial": "20ms", "max": "200ms"}}]})

    def send():
        answer = httpx.post(
            f"http://{collector.http}/v1/traces", content=request("traces", 7).SerializeToString(),
            headers={"content-type": PROTOBUF}, trust_env=False)
        assert answer.status_code == 200

    try:
        send()
        peer.wait_asked(1)
        shutil.copy(new.cert, trusted)
        send()
        assert collector.wait_for_line("destination is failing.*certificate")
        assert peer.asked == 1
        show(new.issue("server"))
        peer.wait_asked(2)
        wait_until(lambda: collector.metrics().value(
            "roost_exporter_sent_spans_total", exporter="peer") == 14)
    finally:
        peer.stop()


# Who does not


def failures(roost, authority, reason, client=None, listener="http"):
    return metrics(roost, authority, client).value(FAILURES, listener=listener, reason=reason)


def test_versions_that_are_refused(secure, authority):
    before = failures(secure, authority, "protocol_version")
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(authority.cert)
        # Debian's OpenSSL speaks these only at its lowest level.
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = version
        with pytest.raises(ssl.SSLError, match="(?i)protocol.version"):
            handshake(secure.http, context)
    assert failures(secure, authority, "protocol_version") == before + 2


def test_no_cipher_in_common(secure, authority):
    before = failures(secure, authority, "no_shared_cipher")
    context = trusting(authority, maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("AES128-SHA:ECDHE-ECDSA-AES128-SHA")
    with pytest.raises(ssl.SSLError, match="(?i)handshake.failure"):
        handshake(secure.http, context)
    assert failures(secure, authority, "no_shared_cipher") == before + 1


@pytest.mark.parametrize("listener, offered, chosen", [
    ("grpc", ["h2"], "h2"), ("grpc", ["http/1.1", "h2"], "h2"), ("grpc", [], None),
    ("http", ["http/1.1", "h2"], "h2"), ("web", ["http/1.1"], "http/1.1"), ("web", ["x", "h2"], "h2"),
])
def test_alpn(secure, authority, listener, offered, chosen):
    with handshake(getattr(secure, listener), trusting(authority, alpn=offered)) as peer:
        assert peer.selected_alpn_protocol() == chosen


@pytest.mark.parametrize("listener, offered", [("grpc", ["http/1.1"]), ("http", ["spdy/3", "h3"])])
def test_alpn_without_overlap(secure, authority, listener, offered):
    before = failures(secure, authority, "no_application_protocol", listener=listener)
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        handshake(getattr(secure, listener), trusting(authority, alpn=offered))
    assert failures(
        secure, authority, "no_application_protocol", listener=listener) == before + 1


def test_a_client_that_does_not_trust_us(secure, authority, tmp_path):
    before = failures(secure, authority, "refused_by_client")
    stranger = Authority(tmp_path, "Stranger")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(secure.http, trusting(stranger))
    wait_until(lambda: failures(secure, authority, "refused_by_client") == before + 1)


def test_plain_text_is_told_where_it_is(secure, authority):
    before = failures(secure, authority, "plain_http")
    answer = httpx.get(f"http://{secure.http}/v1/traces", trust_env=False)
    assert answer.status_code == 400 and "speaks TLS" in answer.text
    assert answer.headers["connection"] == "close"
    with grpc.insecure_channel(
            secure.grpc, options=[("grpc.enable_http_proxy", 0)]) as channel:
        with pytest.raises(grpc.RpcError) as told:
            export(channel)
        assert told.value.code() is grpc.StatusCode.UNAVAILABLE
    assert failures(secure, authority, "plain_http") == before + 1
    assert failures(secure, authority, "plain_http", listener="grpc") >= 1


def hello(**options):
    """The first flight of a client."""
    inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.set_ciphers("DEFAULT")
    peer = context.wrap_bio(inner, outer, server_hostname="localhost", **options)
    with contextlib.suppress(ssl.SSLWantReadError):
        peer.do_handshake()
    return outer.read()


def read_all(raw):
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := raw.recv(65536):
            parts.append(part)
    return b"".join(parts)


GARBAGE = {
    "not TLS": (b"\x00" * 100, "not_tls"),
    "an old hello": (b"\x80\x2e\x01\x03\x01" + b"\x00" * 41, "not_tls"),
    "a record of no kind": (b"\x16\x03\x01\x00\x05abcde", "malformed"),
    "a record too long": (b"\x16\x03\x01\xff\xff" + b"\x01" * 70_000, "malformed"),
    "another major version": (b"\x16\x09\x09\x00\x05hello", None),
    "a hello that lies": (hello()[:43] + b"\xff" + hello()[44:], "malformed"),
    "application data first": (hello() + b"\x17\x03\x03\x00\x40" + b"x" * 64, "malformed"),
    "hello twice": (hello() + hello(), "malformed"),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_ends_the_connection(secure, authority, kind):
    data, reason = GARBAGE[kind]
    page = metrics(secure, authority)
    before = page.value(FAILURES, listener="http", reason=reason) if reason else 0
    host, _, port = secure.http.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        with contextlib.suppress(ConnectionError):
            raw.sendall(data)
            raw.shutdown(socket.SHUT_WR)
        read_all(raw)
    if reason:
        wait_until(lambda: failures(secure, authority, reason) == before + 1)
    assert post(secure, trusting(authority)).status_code == 200


def test_flipped_bits_end_the_connection_and_nothing_else(secure, authority):
    """A record that was changed on the way is noticed before a byte of it is used."""
    inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = trusting(authority).wrap_bio(inner, outer, server_hostname="127.0.0.1")
    host, _, port = secure.http.rpartition(":")
    before = metrics(secure, authority)
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        while True:
            try:
                peer.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(outer.read())
                inner.write(raw.recv(65536))
        peer.write(b"GET /v1/traces HTTP/1.1\r\nhost: localhost\r\n\r\n")
        data = bytearray(outer.read())
        data[-20] ^= 1
        raw.sendall(data)
        inner.write(read_all(raw))
        with pytest.raises(ssl.SSLError, match="(?i)bad.record.mac"):
            while True:
                peer.read(1000)
    after = metrics(secure, authority)
    name = "roost_listener_protocol_errors_total"
    assert after.value(name, listener="http") == before.value(name, listener="http") + 1


def test_slow_handshakes_end_at_the_deadline(roost, authority, server):
    collector = roost({**listening(server), "limits": {"header_timeout": "500ms"}})
    host, _, port = collector.http.rpartition(":")
    flight = hello()
    silent = socket.create_connection((host, int(port)), timeout=10)
    halting = socket.create_connection((host, int(port)), timeout=10)
    began = time.monotonic()
    with silent, halting:
        halting.sendall(flight[:50])
        assert read_all(silent) == b"" and read_all(halting) == b""
    assert time.monotonic() - began < 5
    wait_until(lambda: failures(collector, authority, "timeout") == 2)
    # A handshake that is done, and then nothing.
    with handshake(collector.http, trusting(authority)) as idle:
        assert idle.recv(10) == b""
    assert post(collector, trusting(authority)).status_code == 200


def test_renegotiation_is_refused(secure, authority):
    process = subprocess.Popen(
        [program("openssl"), "s_client", "-connect", secure.web, "-tls1_2",
         "-CAfile", authority.cert],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        output = []
        while not any("Verify return code" in line for line in output):
            line = process.stdout.readline()
            assert line, output
            output.append(line)
        process.stdin.write("R\n")
        process.stdin.flush()
        rest = process.stdout.read()
        assert "no renegotiation" in rest and "Verify return code: 0" in "".join(output)
    finally:
        process.kill()
        process.wait()


# Client certificates


def test_client_certificates(roost, authority, server, tmp_path):
    clients = Authority(tmp_path / "clients", "Client authority")
    intermediate = Authority(tmp_path / "clients", "Intermediate", parent=clients)
    collector = roost(listening(server, client_ca=clients.cert))
    good = clients.issue("agent", client=True)
    through = intermediate.issue("agent-2", client=True)
    for client in (good, through):
        with secure_channel(collector, authority, client) as channel:
            export(channel, 3)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = trusting(authority, client, maximum_version=version)
            assert post(collector, context).status_code == 200
    page = metrics(collector, authority, good)
    assert page.value("roost_receiver_accepted_spans_total", transport="grpc") == 6

    refused = {
        "client_certificate_missing": None,
        "client_certificate_untrusted": Authority(tmp_path / "x", "Stranger").issue("x", client=True),
        "client_certificate_expired": clients.issue("old", client=True, days=(-20, -1)),
        "client_certificate_invalid": clients.issue(
            "server-only", client=True, usage=ExtendedKeyUsageOID.SERVER_AUTH),
    }
    for reason, client in refused.items():
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = trusting(authority, client, maximum_version=version)
            with pytest.raises((httpx.ReadError, httpx.ConnectError)) as told:
                post(collector, context)
            assert "alert" in str(told.value) or "TLS" in str(told.value) or str(told.value)
        assert failures(collector, authority, reason, good) == 2, reason
    with secure_channel(collector, authority) as channel:
        with pytest.raises(grpc.RpcError) as told:
            export(channel)
        assert told.value.code() is grpc.StatusCode.UNAVAILABLE
    run = subprocess.run(
        [roost_binary(), "health", "--url", f"https://{collector.web}", "--ca", authority.cert,
         "--cert", good.cert, "--key", good.key], capture_output=True, text=True, timeout=30)
    assert run.stdout == "ok\n", run.stderr


def resumed(address, context, session=None):
    """One connection, begun with a session where there is one; whether it went on with that, and the
    session that it left."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        with context.wrap_socket(raw, server_hostname="127.0.0.1", session=session) as peer:
            peer.sendall(b"GET /v1/none HTTP/1.1\r\nhost: localhost\r\n\r\n")
            peer.recv(1000)
            return peer.session_reused, peer.session


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tickets(roost, authority, server, tmp_path, version):
    """Good until the certificates change; none where each client must show a certificate."""
    pair = tmp_path / "server.crt", tmp_path / "server.key"
    for place, source in zip(pair, (server.cert, server.key)):
        shutil.copy(source, place)
    collector = roost({"listen": {"tls": {"cert": str(pair[0]), "key": str(pair[1])}}})
    context = trusting(authority, maximum_version=version)
    was_resumed, session = resumed(collector.http, context)
    assert not was_resumed
    assert resumed(collector.http, context, session)[0]
    other = authority.issue("other")
    for place, source in zip(pair, (other.cert, other.key)):
        shutil.copy(source, place)
    reload(collector)
    assert not resumed(collector.http, context, session)[0]

    checking = roost(listening(server, client_ca=authority.cert))
    context = trusting(authority, authority.issue("agent", client=True), maximum_version=version)
    _, session = resumed(checking.http, context)
    assert not resumed(checking.http, context, session)[0]


def test_listeners_may_differ(roost, authority, server, tmp_path):
    clients = Authority(tmp_path / "clients", "Client authority")
    other = clients.issue("localhost")
    agent = clients.issue("agent", client=True)
    collector = roost({"listen": {
        "tls": {"cert": server.cert, "key": server.key, "client_ca": clients.cert},
        "tokens": ["for-agents"],
        "override": {
            "http": {"cert": other.cert, "key": other.key, "client_ca": "none",
                     "tokens": ["for-browsers"]},
            "web": {"tls": False, "tokens": ["for-people"]}}}})
    bearer = lambda token: {"authorization": f"Bearer {token}"}  # noqa: E731
    with secure_channel(collector, authority, agent) as channel:
        export(channel, metadata=[("authorization", "Bearer for-agents")])
        for token in ("for-people", "for-browsers"):
            with pytest.raises(grpc.RpcError) as told:
                export(channel, metadata=[("authorization", f"Bearer {token}")])
            assert told.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert post(collector, trusting(clients), headers=bearer("for-browsers")).status_code == 200
    assert post(collector, trusting(clients), headers=bearer("for-agents")).status_code == 401
    assert collector.get("/status").status_code == 401
    assert collector.get("/status", headers=bearer("for-agents")).status_code == 401
    assert collector.get("/health").status_code == 200
    told = collector.get("/status", headers=bearer("for-people"))
    assert told.status_code == 200
    listeners = {one["name"]: one.get("tls") for one in told.json()["listeners"]}
    assert listeners["web"] is None and listeners["grpc"]["client_certificates"] is True
    assert listeners["http"]["subject"] == "/CN=localhost"
    for secret in ("for-agents", "for-browsers", "for-people"):
        assert secret not in told.text and secret not in collector.log


# Reload


def reload(collector, says=r"configuration reloaded"):
    seen = len(collector.lines)
    collector.signal(signal.SIGHUP)
    wait_until(lambda: any(
        re.search(says, line) for line in collector.lines[seen:]), what=says)


def serial_of(address, context):
    with handshake(address, context) as peer:
        return peer.getpeercert()["serialNumber"]


def test_reload_under_load_loses_nothing(roost, authority, tmp_path):
    """New connections see the new certificate, old ones go on, and no request fails."""
    folder = tmp_path / "live"
    folder.mkdir()
    files = {"cert": str(folder / "tls.crt"), "key": str(folder / "tls.key")}

    def install(pair):
        shutil.copy(pair.cert, files["cert"])
        shutil.copy(pair.key, files["key"])

    pairs = [authority.issue(f"server-{number}") for number in range(4)]
    install(pairs[0])
    collector = roost({"listen": {"tls": files}})
    # httpx names its protocols in a context that it is given.
    context, plain = trusting(authority), trusting(authority)
    stop, sent, errors = threading.Event(), [0] * 4, []

    def over_grpc(place):
        with secure_channel(collector, authority) as channel:
            while not stop.is_set():
                export(channel, 20)
                sent[place] += 20

    def over_http(place):
        """Half of them in connections of their own."""
        with httpx.Client(verify=context, trust_env=False, http2=place == 3) as client:
            while not stop.is_set():
                asker = client if sent[place] % 2 == 0 else httpx.Client(
                    verify=context, trust_env=False)
                answer = asker.post(
                    f"https://{collector.http}/v1/traces",
                    content=request("traces", 5).SerializeToString(),
                    headers={"content-type": PROTOBUF})
                assert answer.status_code == 200
                sent[place] += 5

    def watched(work, place):
        try:
            work(place)
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=watched, args=(work, place))
        for place, work in enumerate((over_grpc, over_grpc, over_http, over_http))]
    for thread in threads:
        thread.start()
    try:
        with handshake(collector.web, plain) as old:
            for number in range(1, 4):
                before = list(sent)
                wait_until(lambda: errors or all(
                    now > then for now, then in zip(sent, before)), timeout=30)
                install(pairs[number])
                reload(collector)
                expected = f"{pairs[number].certificate.serial_number:X}"
                for listener in LISTENERS:
                    found = serial_of(getattr(collector, listener), plain)
                    assert found.lstrip("0") == expected
                page = metrics(collector, authority)
                for listener in LISTENERS:
                    assert page.value(
                        "roost_listener_tls_certificate_expiry_timestamp_seconds",
                        listener=listener) == int(pairs[number].expires)
            old.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert old.recv(1000).startswith(b"HTTP/1.1 200")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not errors
    page = metrics(collector, authority)
    assert page.value("roost_receiver_accepted_spans_total") == sum(sent)


def test_a_bad_file_changes_nothing(roost, authority, tmp_path):
    folder = tmp_path / "live"
    folder.mkdir()
    cert, key = folder / "tls.crt", folder / "tls.key"
    first, second = authority.issue("first"), authority.issue("second")
    shutil.copy(first.cert, cert)
    shutil.copy(first.key, key)
    collector = roost({"listen": {"tls": {"cert": str(cert), "key": str(key)}}})
    context = trusting(authority)
    serial = serial_of(collector.http, context)
    for name, text, says in (
            ("tls.crt", pathlib.Path(second.cert).read_text(), r"tls\.key.*is not the key"),
            ("tls.crt", "", r"tls\.crt.*holds no certificate"),
            ("tls.key", "secret rubbish", r"tls\.key.*holds no private key")):
        kept = (folder / name).read_text()
        (folder / name).write_text(text)
        reload(collector, says=rf"configuration not reloaded: .*{says}")
        (folder / name).write_text(kept)
        assert serial_of(collector.http, context) == serial
    assert "rubbish" not in collector.log
    # The authorities of clients change as well, and plain text becomes TLS.
    agent = authority.issue("agent", client=True)
    reload(collector)
    text = collector.config_file.read_text()
    collector.config_file.write_text(text.replace(
        f"key: {key}", f"key: {key}\n    client_ca: {authority.cert}"))
    reload(collector)
    with pytest.raises(httpx.TransportError):
        post(collector, context)
    assert post(collector, trusting(authority, agent)).status_code == 200


# Tokens


def test_tokens_from_a_file(roost, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("# one a line\nfirst-token\n\n  second-token  \r\n")
    collector = roost(
        {"listen": {"tokens": ["${ROOST_TEST_TOKEN}"], "tokens_file": str(tokens)}},
        env={"ROOST_TEST_TOKEN": "third-token"})

    def status(token):
        return collector.get("/status", headers={"authorization": f"Bearer {token}"}).status_code

    good = ("first-token", "second-token", "third-token")
    assert [status(token) for token in good] == [200] * 3
    for bad in ("#", "first-toke", "first-token2", "FIRST-TOKEN", "# one a line", "***"):
        assert status(bad) == 401
    # Rotation: a new one beside an old one, then without it.
    tokens.write_text("second-token\nfourth-token\n")
    reload(collector)
    assert [status(token) for token in (*good, "fourth-token")] == [401, 200, 200, 200]
    # A file that became empty would let everybody in.
    tokens.write_text("# nobody\n")
    reload(collector, says=r"not reloaded: .*holds no token")
    assert [status("fourth-token"), status("none")] == [200, 401]
    tokens.write_text("hunter2 hunter3\n")
    reload(collector, says=r"not reloaded: .*line 1 holds more than one word")
    told = collector.get("/status", headers={"authorization": "Bearer third-token"}).text
    told += collector.get("/metrics", headers={"authorization": "Bearer third-token"}).text
    for secret in (*good, "fourth-token", "hunter2"):
        assert secret not in collector.log and secret not in told


def test_a_login_over_http2_whose_cookies_come_one_by_one(roost, authority, server):
    collector = roost({"listen": {**listening(server)["listen"], "tokens": ["one"]}})
    others = [("cookie", "theme=dark"), ("accept", "application/json")]
    with httpx.Client(
            base_url=f"https://{collector.web}", verify=trusting(authority), trust_env=False,
            http2=True) as person:
        done = person.post("/login", data={"token": "one"})
        assert done.http_version == "HTTP/2" and done.status_code == 303
        session = ("cookie", done.headers["set-cookie"].partition(";")[0])
        person.cookies.clear()
        assert person.get("/status", headers=others).status_code == 401
        for fields in ([*others, session], [session, *others]):
            assert person.get("/status", headers=fields).status_code == 200


def test_a_core_holds_no_memory(roost):
    collector = roost()
    assert int(pathlib.Path(f"/proc/{collector.pid}/coredump_filter").read_text(), 16) == 0


# What is said before and at the start


def check(collector_config, folder):
    import yaml
    file = folder / "roost.yaml"
    file.write_text(yaml.safe_dump(collector_config))
    return subprocess.run(
        [roost_binary(), "check", "--config", str(file)], capture_output=True, text=True,
        timeout=30)


def test_check_names_what_is_wrong(authority, server, tmp_path):
    other = authority.issue("check-other")
    locked = authority.issue("locked", passphrase=b"secret")
    old = authority.issue("old-server", days=(-20, -1))
    early = authority.issue("early-server", days=(1, 20))
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("rubbish")
    wrong = [
        ({"cert": server.cert, "key": other.key}, r"listen\.tls\.key: .*is not the key of"),
        ({"cert": locked.cert, "key": locked.key}, r"listen\.tls\.key: .*is encrypted.*openssl pkey"),
        ({"cert": str(rubbish), "key": server.key}, r"listen\.tls\.cert: .*no certificate in PEM"),
        ({"cert": server.cert, "key": str(rubbish)}, r"listen\.tls\.key: .*no private key in PEM"),
        ({"cert": server.cert, "key": server.key, "client_ca": str(rubbish)},
         r"listen\.tls\.client_ca: .*no certificate in PEM"),
        ({"cert": str(tmp_path), "key": server.key}, r"listen\.tls\.cert: .*is a folder"),
    ]
    for tls, says in wrong:
        result = check({"listen": {"tls": tls}}, tmp_path)
        assert result.returncode == 2 and re.search(says, result.stderr), result.stderr
        assert len(result.stderr.splitlines()) == 1, result.stderr
    for pair, says in ((old, "has expired"), (early, "is not valid before")):
        result = check({"listen": {"tls": {"cert": pair.cert, "key": pair.key}}}, tmp_path)
        assert result.returncode == 0
        assert re.search(rf"warning: listen\.tls\.cert: .*{says}", result.stderr), result.stderr


def test_an_expired_certificate_serves_and_warns(roost, authority):
    old = authority.issue("old-server", days=(-20, -1))
    collector = roost(listening(old))
    assert "has expired" in collector.log
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(collector.http, trusting(authority))


@pytest.mark.parametrize("listen, warns", [
    ({}, True), ({"tokens": ["x"]}, False), ({"tls": True}, False),
    ({"tls": True, "override": {"web": {"tls": False}}}, True),
])
def test_openness_is_warned_of(server, tmp_path, listen, warns):
    if listen.get("tls"):
        listen = {**listen, "tls": {"cert": server.cert, "key": server.key}}
    result = check({"listen": {"web": "0.0.0.0:8080", **listen}}, tmp_path)
    assert result.returncode == 0
    assert ("neither TLS nor tokens" in result.stderr) == warns
    assert result.stderr.count("\n") == (1 if warns else 0)


def test_plain_text_becomes_tls_and_back(roost, authority, server):
    collector = roost()
    plain = collector.config_file.read_text()
    kept = httpx.Client(trust_env=False)
    assert kept.get(f"http://{collector.http}/v1/none").status_code == 404
    collector.config_file.write_text(plain.replace(
        "listen:\n", f"listen:\n  tls: {{ cert: {server.cert}, key: {server.key} }}\n"))
    reload(collector)
    assert post(collector, trusting(authority)).status_code == 200
    # Who was there goes on in plain text.
    assert kept.get(f"http://{collector.http}/v1/none").status_code == 404
    kept.close()
    assert httpx.get(f"http://{collector.http}/v1/none", trust_env=False).status_code == 400
    collector.config_file.write_text(plain)
    reload(collector)
    assert httpx.get(f"http://{collector.http}/v1/none", trust_env=False).status_code == 404


# Many at once


def test_memory_of_handshakes_is_reserved(roost, authority, server):
    """A thousand peers in all states of a handshake, with 32 MiB: who finds no room is turned away,
    and the process stays below its limit and what it is without anybody."""
    collector = roost({**listening(server), "limits": {
        "memory": "32MiB", "connections": 2000, "header_timeout": "1m"}})
    host, _, port = collector.http.rpartition(":")
    flight, context = hello(), trusting(authority)
    before, peers = collector.resident_bytes(), []
    with contextlib.ExitStack() as stack:
        for number in range(1000):
            raw = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
            with contextlib.suppress(ConnectionError):
                raw.sendall((b"", flight[:200], flight, flight)[number % 4])
                if number % 4 == 3:
                    raw.recv(1)
            peers.append(raw)
        page = metrics(collector, authority)
        assert page.value("roost_listener_connections_refused_total", listener="http") > 300
        assert page.value("roost_memory_used_bytes", part="requests") < 32 << 20
        assert collector.resident_bytes(peak=True) < before + (32 << 20) + (16 << 20)
    wait_until(lambda: metrics(collector, authority).value(
        "roost_listener_connections", listener="http") == 0)
    assert post(collector, context).status_code == 200


def test_ten_thousand_quick_connections(roost, authority, tmp_path):
    """Handshakes cost a processor, and take turns: who is connected already is answered meanwhile,
    and what they held is given back."""
    server = authority.issue("rsa-server", kind="rsa")
    collector = roost({**listening(server), "limits": {"connections": 512}})
    context = trusting(authority)
    host, _, port = collector.http.rpartition(":")
    flight, count, waits = hello(), 10_000, []
    left, lock = iter(range(count)), threading.Lock()

    def knock():
        while True:
            with lock:
                if next(left, None) is None:
                    return
            # Only the costly half of a handshake, by which a client pays nothing.
            with contextlib.suppress(OSError):
                with socket.create_connection((host, int(port)), timeout=20) as raw:
                    raw.sendall(flight)
                    raw.recv(1)

    with httpx.Client(verify=context, trust_env=False) as client:
        ask = lambda: client.get(f"https://{collector.http}/v1/none").status_code  # noqa: E731
        assert ask() == 404
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            work = [pool.submit(knock) for _ in range(64)]
            while not all(one.done() for one in work):
                began = time.monotonic()
                assert ask() == 404
                waits.append(time.monotonic() - began)
            for one in work:
                one.result()
    waits.sort()
    assert waits[len(waits) * 99 // 100] < 1, waits[-5:]
    assert post(collector, context).status_code == 200
    wait_until(lambda: metrics(collector, authority).value(
        "roost_listener_connections", listener="http") <= 1)
    wait_until(lambda: metrics(collector, authority).value(
        "roost_memory_used_bytes", part="requests") <= 256 << 10)
    assert collector.resident_bytes(peak=True) < 160 << 20
