"""Everything that can go wrong goes wrong while spans come in, and the books are closed after each
fault: trouble.py. One table is printed at the end.

`ROOST_SOAK=1` (`make soak`) runs the full counts; `ROOST_SEED` repeats the random moments."""

import datetime
import http.client
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import zlib

import grpc
import h2.config
import h2.connection
import httpx
import pytest
import zstandard
from conftest import starter, wait_until
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from otlp_peers import hang
from test_delivery import RETRYABLE_CODES, RETRYABLE_STATUSES, STATUSES, Breaker, breaking
from trouble import (
    LIMIT, METHOD, MIB, Case, GRPCNumbered, HTTPNumbered, Nobody, body, copied, disk_full,
    end_of_records)

SOAK = os.environ.get("ROOST_SOAK") == "1"
SEED = int(os.environ.get("ROOST_SEED", "17"))
QUEUES = ["disk", "memory"]
KINDS = {"http": HTTPNumbered, "grpc": GRPCNumbered}


def often(normally, soaking):
    return soaking if SOAK else normally


@pytest.fixture
def trouble(roost, tmp_path):
    """`trouble(fault, queue)`: a case, whose row is in the table however the test ends."""
    cases = []

    def make(fault, queue="disk"):
        cases.append(Case(fault, queue, roost, tmp_path))
        return cases[-1]
    yield make
    for case in cases:
        case.end()


@pytest.fixture
def ends():
    """Things to stop at the end."""
    things = []
    yield lambda thing: things.append(thing) or thing
    for thing in reversed(things):
        thing.stop() if hasattr(thing, "stop") else thing.close()


# The process


def test_killed_at_random_moments(trouble, ends):
    """While the destination works, refuses or is slow."""
    times = often(5, 25)
    case = trouble(f"kill -9, {times} times")
    chance = random.Random(SEED)
    mood = {"now": "well"}

    def rule(number, _):
        if mood["now"] == "busy" and number % 3:
            return 503, {}, b""
        if mood["now"] == "slow":
            time.sleep(0.05)
        return None

    peer = ends(HTTPNumbered(rule))
    for _ in range(times):
        mood["now"] = chance.choice(["well", "busy", "slow"])
        collector = case.roost(case.destination(peer))
        load = case.load(collector)
        case.wait_more(chance.randrange(1, 150))
        case.kill(collector)
        load.end()
    mood["now"] = "well"
    case.close(case.roost(case.destination(peer)), peer)


def test_power_fails_while_a_record_is_written(trouble, ends, tmp_path):
    """Every cut of the last record leaves the others. `QueueDamageTests` cuts every byte of a whole
    segment; this starts the program on some, or on every one of the last record."""
    case = trouble("power cut")
    first = case.roost(case.destination(Nobody()), watch=False)
    load = case.load(first, threads=2, spans=1)
    case.wait_more(30)
    load.end()
    before = end_of_records(max((case.queues / "peer").glob("*.segment")))
    last = case.next_numbers(1)
    channel = ends(grpc.insecure_channel(first.grpc))
    channel.unary_unary(METHOD)(body(last, 1))
    case.kill(first)
    segment = max((case.queues / "peer").glob("*.segment"))
    size = end_of_records(segment)
    # The last block is written whole, with zeros behind the records.
    assert segment.stat().st_size - size < 4096
    cuts = range(before, size)
    assert 100 < len(cuts) < 1000
    if not SOAK:
        cuts = [before, before + 1, before + 40, before + 50, size - 1]
    for cut in cuts:
        with starter(tmp_path / f"cut-{cut}") as start:
            folder = copied(case.queues, tmp_path / f"cut-{cut}" / "queues")
            os.truncate(folder / "peer" / segment.name, cut)
            peer = HTTPNumbered()
            collector = start({"export": [
                case.destination(peer, queue={"path": str(folder)})],
                "enable": {"store": False, "audit": False}})
            peer.wait_delivered(30)
            assert peer.delivered.keys() == case.acknowledged
            page = collector.metrics()
            assert page.value("roost_exporter_queue_torn_bytes_total") == cut - before
            assert page.value("roost_exporter_queue_damaged_places_total") == 0
            collector.kill()
            peer.stop()
    peer = ends(HTTPNumbered())
    case.acknowledge(last, 1)
    case.close(case.roost(case.destination(peer)), peer)


@pytest.mark.parametrize("queue", QUEUES)
def test_stopped_and_continued(queue, trouble, ends):
    seconds = often(3, 30)
    case = trouble(f"SIGSTOP for {seconds} s", queue)
    peer = ends(HTTPNumbered())
    collector = case.roost(case.destination(peer))
    load = case.load(collector, timeout=120)
    case.wait_more(20)
    collector.signal(signal.SIGSTOP)
    time.sleep(seconds)
    collector.signal(signal.SIGCONT)
    case.wait_more(50)
    load.end()
    case.close(collector, peer)


HERE = pathlib.Path(__file__).parent
COMPILER = shutil.which("clang") or shutil.which("cc")


@pytest.mark.skipif(not COMPILER, reason="no compiler for shifted_clock.c")
def test_the_clock_is_set_back_and_forth(trouble, ends, tmp_path):
    """Under load, and between two starts."""
    case = trouble("clock set back and forth")
    library, told = tmp_path / "shifted_clock.so", tmp_path / "shift"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, HERE / "shifted_clock.c"],
                   check=True)
    told.write_bytes(bytes(8))
    fake = {"LD_PRELOAD": str(library), "ROOST_CLOCK_SHIFT": str(told)}

    def shift(seconds):
        with told.open("r+b") as file:
            file.write(struct.pack("=q", seconds))

    nobody, hour, day = Nobody(), 3600, 86_400
    collector = case.roost(case.destination(nobody), env=fake)
    load = case.load(collector, threads=2)
    for seconds in (-hour, day, -day, -400 * day, 0):
        case.wait_more(20)
        shift(seconds)
    case.wait_more(20)
    case.kill(collector)
    load.end()
    shift(-2 * hour)
    peer = ends(nobody.come())
    collector = case.roost(case.destination(nobody), env=fake)
    said = datetime.datetime.fromisoformat(collector.wait_for_line(r"(\S+Z) .*ready").group(1))
    assert 1.9 * hour < time.time() - said.timestamp() < 2.1 * hour
    assert collector.get("/health").status_code == 200
    load = case.load(collector, threads=2)
    case.wait_more(20)
    load.end()
    assert case.close(collector, peer)["duplicated"] == 0


# The destination


@pytest.mark.parametrize("queue", QUEUES)
def test_down(queue, trouble, ends):
    case = trouble("destination down", queue)
    nobody = Nobody()
    collector = case.roost(case.destination(nobody))
    load = case.load(collector)
    case.wait_more(100)
    peer = ends(nobody.come())
    peer.wait_delivered(1)
    case.wait_more(20)
    load.end()
    assert case.close(collector, peer)["duplicated"] == 0


def nonsense(connection, number):
    """Another answer that means nothing on each connection."""
    connection.recv(1 << 16)
    connection.sendall([
        b"220 mail.example.org ESMTP ready\r\n" * 10, b"", b"HTTP/1.1 2", b"\0" * 1000,
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"][number % 5])
    connection.close()


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("fault, script", [
    ("hangs", hang), ("resets mid-body", breaking(1 << 30, after=3000)),
    ("answers nonsense", nonsense)])
@pytest.mark.parametrize("kind", KINDS)
def test_breaks(kind, fault, script, queue, trouble, ends):
    """The first connections, and every fourth later on."""
    case = trouble(f"{kind} destination {fault}", queue)
    peer = ends(KINDS[kind]())
    broken = {"now": True}

    def broken_at_first(connection, number):
        if not broken["now"] and number % 4:
            return False
        script(connection, number)
        return True

    breaker = ends(Breaker(peer, broken_at_first))
    collector = case.roost(case.destination(
        breaker, timeout="500ms" if script is hang else "20s"))
    load = case.load(collector, spans=50)
    breaker.raw.wait_accepted(4)
    case.wait_more(20)
    broken["now"] = False
    peer.wait_delivered(1)
    case.wait_more(20)
    load.end()
    row = case.close(collector, peer)
    # What the peer could not answer in half a second comes twice.
    assert row["duplicated"] == 0 or script is hang


@pytest.mark.parametrize("queue", QUEUES)
def test_slow(queue, trouble, ends):
    case = trouble("destination slow", queue)
    peer = ends(HTTPNumbered(lambda *_: time.sleep(0.2)))
    collector = case.roost(case.destination(peer, batch={"bytes": "64KiB", "delay": "20ms"}))
    load = case.load(collector)
    case.wait_more(200)
    load.end()
    assert case.close(collector, peer)["duplicated"] == 0


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("kind", KINDS)
def test_too_large(kind, queue, trouble, ends):
    """Only single spans above the limit are given up, and kept."""
    case = trouble(f"{kind} finds requests too large", queue)
    peer = ends(GRPCNumbered(max_bytes=20_000) if kind == "grpc" else HTTPNumbered(
        lambda _, size: (413, {}, b"") if size > 20_000 else None))
    collector = case.roost(case.destination(peer))
    # Every one of them is taken apart, so there are no more of them than are wanted.
    load = case.load(collector, spans=100, value_bytes=200, requests=40)
    large = case.load(collector, threads=2, spans=1, value_bytes=30_000, requests=12)
    large.wait()
    load.wait()
    row = case.close(collector, peer, letters=collector.data / "dead-letters" / "peer")
    assert row["duplicated"] == 0 and 0 < row["set aside"] < row["delivered"]


def test_every_retryable_code(trouble, ends):
    """Each of them, again and again."""
    case = trouble("http retryable codes")
    codes = sorted(RETRYABLE_STATUSES)
    peer = ends(HTTPNumbered(
        lambda number, _: (codes[number // 2 % len(codes)], {}, b"") if number % 2 else None))
    collector = case.roost(case.destination(peer, retry={"initial": "5ms", "max": "20ms"}))
    load = case.load(collector)
    peer.wait_asked(8 * len(codes))
    load.end()
    assert case.close(collector, peer)["duplicated"] == 0


def test_every_retryable_grpc_code(trouble, ends):
    case = trouble("grpc retryable codes")
    codes = [grpc.StatusCode[name] for name in sorted(RETRYABLE_CODES)]

    def rule(number, _, context):
        if number % 2:
            context.abort(codes[number // 2 % len(codes)], "not now")

    peer = ends(GRPCNumbered(rule))
    collector = case.roost(case.destination(peer, retry={"initial": "5ms", "max": "20ms"}))
    load = case.load(collector)
    peer.wait_asked(8 * len(codes))
    load.end()
    assert case.close(collector, peer)["duplicated"] == 0


def test_every_permanent_code(trouble, ends):
    """What is refused for good lies in the dead letters, and nothing else does."""
    case = trouble("http permanent codes")
    codes = [status for status in STATUSES
             if status >= 300 and status != 413 and status not in RETRYABLE_STATUSES]
    peer = ends(HTTPNumbered(
        lambda number, _: (codes[number // 2 % len(codes)], {}, b"") if number % 2 else None))
    collector = case.roost(case.destination(peer, batch={"bytes": "16KiB", "delay": "5ms"}))
    load = case.load(collector)
    peer.wait_asked(2 * len(codes) + 2)
    load.end()
    row = case.close(collector, peer, letters=collector.data / "dead-letters" / "peer")
    assert row["duplicated"] == 0 and row["set aside"] > 0


def test_every_permanent_grpc_code(trouble, ends):
    case = trouble("grpc permanent codes")
    codes = [code for code in grpc.StatusCode
             if code.name not in RETRYABLE_CODES | {"OK", "RESOURCE_EXHAUSTED"}]

    def rule(number, _, context):
        if number % 2:
            context.abort(codes[number // 2 % len(codes)], "never")

    peer = ends(GRPCNumbered(rule))
    collector = case.roost(case.destination(peer, batch={"bytes": "16KiB", "delay": "5ms"}))
    load = case.load(collector)
    peer.wait_asked(2 * len(codes) + 2)
    load.end()
    row = case.close(collector, peer, letters=collector.data / "dead-letters" / "peer")
    assert row["duplicated"] == 0 and row["set aside"] > 0


# grpcio knows no zstd.
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_many_destinations_that_take_nothing(compression, trouble, ends):
    """The bodies that are on their way to them, and what libcurl reads these into, are memory, too;
    and when there is none left, another destination gets its data all the same."""
    case = trouble(f"8 destinations hang, {compression}", "memory")
    peer = ends(GRPCNumbered())
    gate = threading.Event()

    def choke(connection, number):
        connection.recv(1000)
        gate.wait()
        return True

    stuck = ends(Breaker(peer, choke))
    collector = case.roost(
        case.destination(peer, compression=compression),
        *[case.destination(
            stuck, f"stuck-{number}", queue={"when_full": "drop_new"}, compression=compression,
            protocol="grpc", timeout="30s")
          for number in range(8)])
    load = case.load(collector, threads=8, spans=100, value_bytes=6000, noise=True)
    for _ in range(often(100, 1000)):
        case.wait_refused()
    load.end()
    case.close(collector, peer)
    gate.set()


@pytest.mark.parametrize("queue", QUEUES)
def test_large_requests_and_nobody_takes_them(queue, trouble, ends):
    """A queue that may hold more than the memory limit: the limit decides, and what was refused is
    taken when there is room again."""
    case = trouble("flood, destination hangs", queue)
    peer = ends(HTTPNumbered())
    broken = {"now": True}

    def script(connection, number):
        return broken["now"] and (hang(connection, number) or True)

    breaker = ends(Breaker(peer, script))
    collector = case.roost(case.destination(
        breaker, queue={"size": "60MiB"}, timeout="1s"))
    load = case.load(collector, threads=8, spans=200, value_bytes=10_000)
    case.wait_refused()
    case.wait_refused()
    broken["now"] = False
    for _ in range(2):
        case.wait_more(10)
    load.end()
    case.close(collector, peer)


def test_a_destination_removed_with_data_in_its_queue(trouble, ends):
    """Its data stays, and is sent when it is back; the other destination is not disturbed."""
    case = trouble("destination removed")
    nobody, other = Nobody(), ends(HTTPNumbered())
    exports = [case.destination(nobody), case.destination(other, "other")]
    first = case.roost(*exports)
    load = case.load(first)
    case.wait_more(50)
    load.end()
    wait_until(lambda: case.acknowledged <= other.delivered.keys())
    case.note_peak(first)
    assert first.stop() == 0
    without = case.roost(exports[1])
    assert without.wait_for_line("belongs to no destination.*peer")
    assert without.stop() == 0
    peer = ends(nobody.come())
    case.close(case.roost(*exports), peer)
    assert case.acknowledged <= other.delivered.keys()


# The machine


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own of 16 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip("no right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_the_disk_is_full(trouble, ends, small_disk):
    """Queue, store, audit trail and dead letters are on it."""
    case = trouble("disk full")
    case.queues = small_disk / "queues"
    nobody = Nobody()
    collector = case.roost(
        case.destination(nobody), store={"path": str(small_disk / "data"), "size": "64MiB"})
    load = case.load(collector, value_bytes=1000)
    case.wait_more(20)
    ballast = disk_full(small_disk)
    case.wait_refused()
    wait_until(lambda: collector.get("/ready").status_code == 503, what="an unready collector")
    assert collector.get("/health").status_code == 200
    ballast.unlink()
    case.wait_more(20)
    # Once more, by what comes in.
    case.wait_refused()
    peer = ends(nobody.come())
    case.wait_more(20)
    load.end()
    assert case.close(collector, peer)["duplicated"] == 0


def open_files(collector):
    return len(os.listdir(f"/proc/{collector.pid}/fd"))


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("left", ["as many as there are", "fewer than there are"])
def test_no_descriptors(left, queue, trouble, ends):
    """No connection comes in, none goes out, no file is opened; those that are there are served. With
    fewer, even one that is given up for a moment cannot be had again."""
    case = trouble(f"no descriptors, {left}", queue)
    peer = ends(HTTPNumbered())
    # Segments end early, so that new ones are wanted.
    collector = case.roost(case.destination(peer, queue={"size": "2MiB"}))
    load = case.load(collector)
    case.wait_more(20)
    limits = resource.prlimit(collector.pid, resource.RLIMIT_NOFILE)
    count = open_files(collector) if left == "as many as there are" else 3
    resource.prlimit(collector.pid, resource.RLIMIT_NOFILE, (count, limits[1]))
    with peer.changed:
        asked = peer.asked
    peers = []
    for number in range(200):
        address = (collector.http, collector.grpc, collector.web)[number % 3]
        peers.append(connect(address))
    for _ in range(30):
        # Either is an answer; what must not be is silence.
        with case.changed:
            before = case.counts["requests"] + case.counts["refused"]
            assert case.changed.wait_for(
                lambda: case.counts["requests"] + case.counts["refused"] > before, 30)
    for one in peers:
        one.close()
    resource.prlimit(collector.pid, resource.RLIMIT_NOFILE, limits)
    case.wait_more(20)
    peer.wait_asked(asked + 1)
    late = case.load(collector)
    case.wait_more(20)
    late.end()
    load.end()
    case.close(collector, peer)


def test_two_processes_on_one_folder(trouble, ends):
    """The second does not start, and the first does not notice."""
    case = trouble("two processes on one folder")
    peer = ends(HTTPNumbered())
    collector = case.roost(case.destination(peer))
    load = case.load(collector)
    case.wait_more(20)
    for data in ({"store": {"path": str(collector.data)}}, {}):
        second = case.roost(case.destination(peer), wait=False, **data)
        assert second.wait_end() == 1
        assert f"(pid {collector.pid})" in second.log
    case.wait_more(20)
    load.end()
    assert case.close(collector, peer)["duplicated"] == 0


# Senders


def connect(address):
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)


def test_slow_senders(trouble, ends):
    """2,000 that send half a head or half a body and then a byte now and then."""
    case = trouble("2,000 slow senders")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    peer = ends(HTTPNumbered())
    collector = case.roost(
        case.destination(peer), limits={"header_timeout": "2s", "body_timeout": "3s"})
    load = case.load(collector)
    head = (b"POST /v1/traces HTTP/1.1\r\nhost: roost\r\ncontent-type: application/x-protobuf\r\n"
            b"content-length: 1000000\r\n\r\n")
    starts = [(collector.http, head[:40]), (collector.http, head + bytes(40_000)),
              (collector.grpc, PREFACE), (collector.grpc, PREFACE[:10])]
    slow = []
    for number in range(2000):
        address, said = starts[number % 4]
        slow.append(connect(address))
        slow[-1].sendall(said)
    case.wait_more(50)
    for one in slow:
        try:
            one.send(b"x")
        except OSError:
            pass
    case.wait_more(50)
    assert collector.get("/health").status_code == 200
    wait_until(lambda: sum(one["connections_open"] for one in collector.status()["listeners"])
               < 1000, timeout=30, what="ended connections")
    for one in slow:
        one.close()
    load.end()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    case.close(collector, peer)


def test_many_quick_connections(trouble, ends):
    """10,000 that are there and gone: silent, with half a request, a whole one, a reset."""
    case = trouble("10,000 quick connections")
    peer = ends(HTTPNumbered())
    collector = case.roost(case.destination(peer))
    load = case.load(collector, threads=2)
    said = [b"", PREFACE, b"POST /v1/traces HT", b"GET / HTTP/1.1\r\nhost: roost\r\n\r\n"]

    def come_and_go(place):
        for number in range(2500):
            with connect((collector.http, collector.grpc)[number % 2]) as one:
                one.sendall(said[(number // 2 + place) % 4])
                if number % 3 == 0:
                    one.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    threads = [threading.Thread(target=come_and_go, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    case.wait_more(20)
    load.end()
    wait_until(lambda: sum(one["connections_open"] for one in collector.status()["listeners"])
               < 10, what="closed connections")
    case.close(collector, peer)


def ask_often(web, path, times=20):
    """A connection that asks so many times at once, and has room for next to nothing."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    host, _, port = web.rpartition(":")
    one.connect((host, int(port)))
    one.sendall(f"GET {path} HTTP/1.1\r\nhost: {web}\r\n\r\n".encode() * times)
    return one


def ask_at_once(web, path):
    """A connection of 90 streams whose windows are closed."""
    host, _, port = web.rpartition(":")
    one = socket.create_connection((host, int(port)))
    session = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    session.local_settings.initial_window_size = 0
    session.initiate_connection()
    for stream in range(1, 180, 2):
        session.send_headers(
            stream, [(":method", "GET"), (":scheme", "http"), (":authority", web), (":path", path)],
            end_stream=True)
    one.sendall(session.data_to_send())
    return one


LISTS = "/api/v1/observability/traces?limit=1000"


@pytest.mark.parametrize("limit", [16 * MIB, LIMIT])
@pytest.mark.parametrize("path, ask", [
    (LISTS, ask_often), ("/metrics", ask_at_once)])
def test_readers_that_never_read(path, ask, limit, trouble, ends):
    """40 that ask for the longest lists or pages again and again and take nothing, beside a load.
    Others are answered, or told when to come again; who scrapes gets the page."""
    case = trouble(f"40 silent readers of {path[:8]}, {ask.__name__}, {limit // MIB} MiB")
    case.limit = limit
    peer = ends(HTTPNumbered())
    # Every span of the load has a name of its own: its series would fill the smaller limit.
    collector = case.roost(
        case.destination(peer), limits={"request": "4MiB", "series_per_metric": 1000})
    load = case.load(collector, spans=100, value_bytes=1000)
    case.wait_more(100)
    silent = [ends(ask(collector.web, path)) for _ in range(40)]
    for _ in range(often(5, 50)):
        case.wait_more(50)
        answer = collector.get(path)
        assert answer.status_code in (200, 503), answer.text
        assert answer.status_code == 200 or int(answer.headers["retry-after"]) > 0
        assert collector.get("/health").status_code == 200
        wait_until(lambda: collector.get("/metrics").status_code == 200, 10, what="a page")
        held = collector.status()["memory"]
        assert held["used_bytes"] <= held["limit_bytes"], held
    load.end()
    for one in silent:
        one.close()
    few = path.replace("1000", "100")
    wait_until(lambda: collector.get(few).status_code == 200, what="room for answers")
    case.close(collector, peer)


def long_page(collector, families=30, series=5000):
    """Gives the collector what makes a page of some MiB."""
    request = metrics_service_pb2.ExportMetricsServiceRequest()
    entry = request.resource_metrics.add()
    entry.resource.attributes.add(key="service.name").value.string_value = "long"
    for family in range(families):
        points = entry.scope_metrics.add().metrics.add(name=f"family_{family}").gauge.data_points
        for number in range(series):
            point = points.add(time_unix_nano=time.time_ns(), as_double=number)
            point.attributes.add(key="series").value.string_value = f"a-long-value-{number:050d}"
    answer = httpx.post(
        f"http://{collector.http}/v1/metrics", content=request.SerializeToString(), timeout=60,
        headers={"content-type": "application/x-protobuf"}, trust_env=False)
    assert answer.status_code == 200


def read_page(web):
    """A scrape at the pace of a reader that is far away: the number of bytes of its body, or None
    when it is to come again."""
    host, _, port = web.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.request("GET", "/metrics")
    answer, size = connection.getresponse(), 0
    if answer.status == 503:
        return None
    assert answer.status == 200, answer.status
    while piece := answer.read(128 << 10):
        size += len(piece)
        time.sleep(0.003)
    connection.close()
    return size


def test_silent_readers_that_keep_coming(roost, ends):
    """Ten a second that ask for a long page and read nothing. A scraper reads pages all the while,
    or is told to come again, and none of them is cut off; of those that read nothing few are still
    there."""
    collector = roost({"limits": {"memory": "128MiB"}})
    long_page(collector)
    whole = read_page(collector.web)
    assert whole > 8 * MIB
    ending = threading.Event()

    def keep_coming():
        while not ending.wait(0.1):
            ends(ask_often(collector.web, "/metrics", 1))

    coming = threading.Thread(target=keep_coming)
    coming.start()
    try:
        pages = []
        for _ in range(often(15, 60)):
            pages.append(read_page(collector.web))
            time.sleep(1)
    finally:
        ending.set()
        coming.join()
    read = [page for page in pages if page]
    assert min(read) > whole - MIB and len(read) > len(pages) // 2, pages
    web = next(one for one in collector.status()["listeners"] if one["name"] == "web")
    assert web["connections_refused"] == 0 and web["connections_open"] < 64, web


def bombs():
    """What becomes 1 GiB, and what becomes just less than a request may be, packed both ways."""
    for size in (1 << 30, LIMIT // 4 - 1000):
        deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
        zeros, parts = bytes(MIB), []
        for _ in range(size // MIB):
            parts.append(deflate.compress(zeros))
        yield "gzip", b"".join(parts) + deflate.flush()
        squeeze = zstandard.ZstdCompressor(level=3).compressobj()
        yield "zstd", b"".join(
            squeeze.compress(zeros) for _ in range(size // MIB)) + squeeze.flush()


def test_bombs(trouble, ends):
    """From eight at once, over HTTP and gRPC. Everybody else goes on."""
    case = trouble("gzip and zstd bombs")
    peer = ends(HTTPNumbered())
    collector = case.roost(case.destination(peer), limits={"request": str(LIMIT // 4)})
    load = case.load(collector, threads=2)
    made = list(bombs())
    faults = []

    def throw(place):
        try:
            for number in range(often(4, 40)):
                coding, content = made[(place + number) % 4]
                grpc_call = place % 2 and coding == "gzip"
                with httpx.Client(http1=not grpc_call, http2=bool(grpc_call), trust_env=False,
                                  timeout=60) as client:
                    if grpc_call:
                        answer = client.post(
                            f"http://{collector.grpc}{METHOD}",
                            content=b"\1" + struct.pack(">I", len(content)) + content,
                            headers={"content-type": "application/grpc", "te": "trailers",
                                     "grpc-encoding": "gzip"})
                        assert answer.headers["grpc-status"] in ("3", "8", "14"), answer.headers
                    else:
                        answer = client.post(
                            f"http://{collector.http}/v1/traces", content=content, headers={
                                "content-type": "application/x-protobuf",
                                "content-encoding": coding})
                        assert answer.status_code in (400, 413, 503), answer.status_code
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=throw, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults
    case.wait_more(10)
    load.end()
    assert case.close(collector, peer)["duplicated"] == 0
