"""A load of numbered spans, destinations that remember them, and the books of a fault: what was
acknowledged, delivered, delivered twice, set aside, lost, refused, and the most memory it took.

A case closes its books at its end: everything acknowledged arrived, or lies in a dead letter and is
counted; the collector's own ledger adds up in one scrape, in those during the fault too; resident
memory never passed the limit by more than 32 MiB. The rows are printed after the last test."""

import collections
import http.client
import os
import pathlib
import shutil
import signal
import struct
import threading
import time

import grpc
import httpx
import yaml
from conftest import wait_until
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from otlp_peers import GRPCPeer, HTTPPeer

MIB = 1 << 20
LIMIT = 64 * MIB
# What resident memory may have above the limit.
ABOVE = 32 * MIB
SIGNALS = ("spans", "metric_points", "log_records")
METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def body(first, count, value_bytes=40, noise=False):
    """A request whose spans have the ids `first + 1` and on; the number is in the name, too. Values of
    `noise` cannot be compressed."""
    request = trace_service_pb2.ExportTraceServiceRequest()
    entry = request.resource_spans.add()
    entry.resource.attributes.add(key="service.name").value.string_value = "load"
    spans = entry.scope_spans.add().spans
    filler = "v" * value_bytes
    for number in range(first, first + count):
        span = spans.add(
            trace_id=struct.pack(">QQ", 7, number + 1), span_id=struct.pack(">Q", number + 1),
            name=f"call {number}", kind=3, start_time_unix_nano=10**18,
            end_time_unix_nano=10**18 + 1)
        value = span.attributes.add(key="filler").value
        if noise:
            value.bytes_value = os.urandom(value_bytes)
        else:
            value.string_value = filler
    return request.SerializeToString()


def numbers(request):
    """The numbers of the spans of a request, each with the name that belongs to it."""
    found = []
    for entry in request.resource_spans:
        for scope in entry.scope_spans:
            for span in scope.spans:
                number = struct.unpack(">Q", span.span_id)[0] - 1
                assert span.name == f"call {number}"
                found.append(number)
    return found


class Numbered:
    """A peer that keeps numbers instead of spans."""

    def take(self, _, request, size):
        found = numbers(request)
        with self.changed:
            if not hasattr(self, "seen"):
                self.seen = collections.Counter()
            self.seen.update(found)
            self.sizes.append(size)
            self.changed.notify_all()

    @property
    def delivered(self):
        with self.changed:
            return getattr(self, "seen", collections.Counter()).copy()

    def wait_delivered(self, count, timeout=60):
        self.wait(lambda: len(getattr(self, "seen", ())) >= count, timeout)


class HTTPNumbered(Numbered, HTTPPeer):
    pass


class GRPCNumbered(Numbered, GRPCPeer):
    pass


class Nobody:
    """An address at which nobody is, until `come`."""

    protocol = "http/protobuf"

    def __init__(self):
        peer = HTTPPeer()
        peer.stop()
        self.port, self.endpoint = peer.port, peer.endpoint

    def come(self, rule=None):
        return HTTPNumbered(rule, port=self.port)


class GRPCWay:
    def __init__(self, collector, timeout):
        self.timeout = timeout
        self.channel = grpc.insecure_channel(collector.grpc, options=[
            ("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)])
        self.call = self.channel.unary_unary(METHOD)

    def send(self, content):
        """`ok`, `refused` when it may be sent again, or `gone` when nobody knows."""
        try:
            self.call(content, timeout=self.timeout)
            return "ok"
        except grpc.RpcError as error:
            details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
            if error.code() is grpc.StatusCode.UNAVAILABLE and b"RetryInfo" in details:
                return "refused"
            if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED,
                                grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL):
                return "gone"
            raise

    def close(self):
        self.channel.close()


class HTTPWay:
    def __init__(self, collector, timeout):
        host, _, port = collector.http.rpartition(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=timeout)

    def send(self, content):
        try:
            self.connection.request(
                "POST", "/v1/traces", content, {"content-type": "application/x-protobuf"})
            answer = self.connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return "gone"
        if answer.status == 200:
            return "ok"
        assert answer.status == 503 and int(answer.headers["retry-after"]) >= 0, answer.status
        return "refused"

    def close(self):
        self.connection.close()


class Load:
    """Senders, half of them over gRPC and half over HTTP, until `end` or until their collector is
    gone; with `requests`, until so many were acknowledged, for which `wait` waits. What is refused
    is sent again, as senders do; what nobody answered is not."""

    def __init__(self, case, collector, threads=4, spans=20, value_bytes=40, timeout=30,
                 requests=None, noise=False):
        self.case, self.collector, self.noise = case, collector, noise
        self.spans, self.value_bytes, self.timeout = spans, value_bytes, timeout
        self.left, self.lock = requests, threading.Lock()
        self.ending = threading.Event()
        self.faults = []
        self.threads = [
            threading.Thread(target=self._run, args=(way,), daemon=True)
            for way in [GRPCWay, HTTPWay] * (threads // 2)]
        for thread in self.threads:
            thread.start()

    def _run(self, kind):
        way = kind(self.collector, self.timeout)
        try:
            while not self.ending.is_set() and self._take():
                first = self.case.next_numbers(self.spans)
                content = body(first, self.spans, self.value_bytes, self.noise)
                while (outcome := way.send(content)) == "refused":
                    self.case.note("refused", self.spans)
                    if self.ending.wait(0.02):
                        break
                if outcome == "ok":
                    self.case.acknowledge(first, self.spans)
                    continue
                self._put_back()
                if outcome == "gone" and (
                        self.ending.wait(0.01) or not self.collector.is_running):
                    break
        except Exception as fault:  # told by `end`
            self.faults.append(fault)
        finally:
            way.close()

    def _take(self):
        """Whether one more request is to be sent."""
        with self.lock:
            if self.left is not None:
                if self.left == 0:
                    return False
                self.left -= 1
            return True

    def _put_back(self):
        with self.lock:
            if self.left is not None:
                self.left += 1

    def wait(self, timeout=60):
        """Until all `requests` were acknowledged."""
        deadline = time.monotonic() + timeout
        for thread in self.threads:
            thread.join(max(0, deadline - time.monotonic()))
        late = any(thread.is_alive() for thread in self.threads)
        self.end()
        assert not late, dict(self.case.counts)

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()
        assert not self.faults, self.faults


class Watch:
    """Reads page after page while a fault lasts; in each the ledger has to add up."""

    def __init__(self, collector):
        self.collector = collector
        self.ending = threading.Event()
        self.faults = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        with httpx.Client(trust_env=False, timeout=60) as client:
            # The port of one that was killed may be that of another listener soon after.
            while self.collector.is_running and not self.ending.wait(0.2):
                try:
                    answer = client.get(f"http://{self.collector.web}/metrics")
                except httpx.TransportError:
                    continue
                if answer.status_code == 503:
                    continue
                try:
                    check(ledgers(answer.text))
                except AssertionError as fault:
                    self.faults.append(f"{fault}\n{answer.status_code} {answer.text[:1000]}")

    def end(self):
        self.ending.set()
        self.thread.join()
        assert not self.faults, self.faults[0]


ACCOUNTS = {
    pattern.format(signal_name): (key, signal_name)
    for signal_name in SIGNALS
    for key, pattern in (
        ("accepted", "roost_receiver_accepted_{}_total"),
        ("offered", "roost_exporter_offered_{}_total"),
        ("sent", "roost_exporter_sent_{}_total"), ("queue", "roost_exporter_queue_{}"),
        ("dropped", "roost_dropped_{}_total"), ("recovered", "roost_exporter_recovered_{}_total"))
}


def ledgers(text):
    """The accounts of every exporter and signal, read from the text of one page."""
    found = collections.defaultdict(collections.Counter)
    accepted = collections.Counter()
    for line in text.splitlines():
        name, _, rest = line.partition("{")
        if name not in ACCOUNTS:
            continue
        key, signal_name = ACCOUNTS[name]
        labels, _, value = rest.rpartition("} ")
        if key == "accepted":
            accepted[signal_name] += int(float(value))
        else:
            exporter = labels.split('exporter="')[1].split('"')[0]
            found[exporter, signal_name][key] += int(float(value))
    for (_, signal_name), account in found.items():
        account["accepted"] = accepted[signal_name]
    return found


def check(found):
    assert found
    for (exporter, signal_name), account in found.items():
        about = f"{exporter} {signal_name}: {dict(account)}"
        assert account["offered"] == (
            account["sent"] + account["queue"] + account["dropped"]), about
        assert account["offered"] == account["accepted"] + account["recovered"], about


class Case:
    """One fault and its books."""

    rows = []

    def __init__(self, fault, queue, start, folder):
        self.fault, self.queue, self._start = fault, queue, start
        self.queues = folder / "queues"
        self.limit = LIMIT
        self.changed = threading.Condition()
        self.next = 0
        self.acknowledged = set()
        self.counts = collections.Counter()
        self.peak = 0
        self.delivered, self.kept = collections.Counter(), collections.Counter()
        self.closed = False
        self.watches = []

    # What the load tells

    def next_numbers(self, count):
        with self.changed:
            first, self.next = self.next, self.next + count
            return first

    def acknowledge(self, first, count):
        with self.changed:
            self.acknowledged.update(range(first, first + count))
            self.counts["requests"] += 1
            self.changed.notify_all()

    def note(self, what, count):
        with self.changed:
            self.counts[what] += count
            self.changed.notify_all()

    def wait_more(self, requests, timeout=60):
        """Until so many more requests were acknowledged."""
        with self.changed:
            goal = self.counts["requests"] + requests
            assert self.changed.wait_for(
                lambda: self.counts["requests"] >= goal, timeout), dict(self.counts)

    def wait_refused(self, timeout=60):
        with self.changed:
            before = self.counts["refused"]
            assert self.changed.wait_for(
                lambda: self.counts["refused"] > before, timeout), dict(self.counts)

    # The collector

    def destination(self, peer, name="peer", queue=None, **more):
        queue = {"size": "64MiB", **(queue or {})}
        if self.queue == "disk":
            queue.setdefault("path", str(self.queues))
        return {
            "name": name, "endpoint": peer.endpoint,
            "protocol": getattr(peer, "protocol", "http/protobuf"),
            "batch": {"delay": "20ms"}, "retry": {"initial": "20ms", "max": "200ms"},
            "timeout": "5s", "queue": queue, **more}

    def roost(self, *exports, limits=None, watch=True, **more):
        settings = {name: value for name, value in more.items()
                    if name in ("env", "args", "wait", "open_files")}
        config = {name: value for name, value in more.items() if name not in settings}
        collector = self._start(
            {"export": list(exports), "limits": {"memory": str(self.limit), **(limits or {})},
             **config}, **settings)
        if watch and settings.get("wait", True):
            self.watches.append(Watch(collector))
        return collector

    def load(self, collector, **more):
        return Load(self, collector, **more)

    def note_peak(self, collector):
        self.peak = max(self.peak, collector.resident_bytes(peak=True))

    def kill(self, collector):
        self.note_peak(collector)
        collector.signal(signal.SIGKILL)
        collector.process.wait()

    # The end

    def close(self, collector, peer, letters=None, timeout=60):
        """Waits until the destination has everything that it will get, and draws the line."""
        def settled():
            check(account := ledgers(collector.get("/metrics").text))
            return account["peer", "spans"]["queue"] == 0 and account
        account = wait_until(settled, timeout, every=0.1, what="an empty queue")
        for watch in self.watches:
            watch.end()
        self.note_peak(collector)
        if letters:
            for file in pathlib.Path(letters).glob("*.json"):
                letter = yaml.safe_load(file.read_text())
                content = file.with_name(letter["body"]).read_bytes()
                self.kept.update(
                    numbers(trace_service_pb2.ExportTraceServiceRequest.FromString(content)))
        self.delivered += peer.delivered
        self.closed = True
        row = self.row()
        assert row["lost"] == 0, row
        assert account["peer", "spans"]["dropped"] == sum(self.kept.values()), row
        assert max(self.delivered, default=0) < self.next
        assert row["acknowledged"] > 0
        assert self.peak < self.limit + ABOVE, f"{self.peak / MIB:.1f} MiB"
        return row

    def row(self):
        there = self.delivered.keys() | self.kept.keys()
        return {
            "requests": self.counts["requests"],
            "acknowledged": len(self.acknowledged),
            "delivered": len(self.delivered),
            "duplicated": sum(self.delivered.values()) - len(self.delivered),
            "set aside": len(self.kept.keys() - self.delivered.keys()),
            "lost": len(self.acknowledged - there),
            "refused": self.counts["refused"],
        }

    def end(self):
        """Whatever became of the test."""
        for watch in self.watches:
            watch.ending.set()
        Case.rows.append(self)


def disk_full(folder):
    """Takes all the room there is; the file."""
    path = pathlib.Path(folder) / "ballast"
    with path.open("wb", buffering=0) as file:
        for size in (64 << 10, 512):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    return path


def copied(folder, to):
    shutil.copytree(folder, to)
    return to


def table():
    """The lines of the table: one for each case."""
    lines = [("fault", "queue", "requests", "acknowledged", "delivered", "duplicated", "set aside",
              "lost", "refused", "peak")]
    for case in Case.rows:
        row = case.row()
        cells = [f"{row[name]:,}" for name in lines[0][2:-1]]
        if not case.closed:
            cells = cells[:2] + ["failed" if name == "lost" else "" for name in lines[0][4:-1]]
        lines.append((case.fault, case.queue, *cells, f"{case.peak / MIB:.1f} MiB"))
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return ["  ".join(cell.ljust(width) if at < 2 else cell.rjust(width)
                      for at, (cell, width) in enumerate(zip(line, widths))).rstrip()
            for line in lines]


def end_of_records(segment):
    """docs/queue.md: heads of 48 bytes, each with its payload, from offset 96 on."""
    content = segment.read_bytes()
    end = 96
    while content[end:end + 4] == b"\xd1\xa9\xc3\x5e":
        end += 48 + int.from_bytes(content[end + 4:end + 8], "little")
    return end
