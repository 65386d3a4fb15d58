"""Live streams under load: how late messages come, how many are lost, what a client costs.

    python Benchmarks/live.py [path of roost]

Two loads: 1,000 clients, each subscribed to one of 100 workflows, at 10,000 events a second in all;
and 100 clients subscribed to everything at 1,000 events a second. Events are posted as JSON,
those of ten milliseconds at a time; each carries the moment it was sent as its duration, which
the stream repeats.
"""

import base64
import json
import os
import pathlib
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOST = sys.argv[1] if len(sys.argv) > 1 else ".build/release/roost"
API = "/api/v1/observability/"
SECONDS = 10
MODULO = 1_000_000.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def milliseconds():
    return time.monotonic() * 1000 % MODULO


class Collector:
    def __init__(self, folder):
        self.port = free_port()
        config = pathlib.Path(folder) / "roost.yaml"
        config.write_text(
            f"listen: {{ grpc: 127.0.0.1:0, http: 127.0.0.1:0, web: 127.0.0.1:{self.port} }}\n"
            f"store: {{ path: {folder}/data }}\nlog: {{ level: warn }}\n")
        self.process = subprocess.Popen([ROOST, "serve", "--config", str(config)])
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready").read()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("roost does not start")

    def resident(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024

    def cpu(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def frame(text):
    """A masked text frame of a client."""
    payload = text.encode()
    head = bytes([0x81, 0x80 | len(payload)]) if len(payload) < 126 else (
        bytes([0x81, 0x80 | 126]) + len(payload).to_bytes(2, "big"))
    return head + b"\0\0\0\0" + payload


def connect(port, subscribe):
    client = socket.create_connection(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    client.sendall(
        f"GET {API}ws/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        .encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += client.recv(4096)
    assert b"101" in answer.split(b"\r\n")[0], answer
    client.sendall(frame(json.dumps({"subscribe": subscribe})))
    while b'"subscribed"' not in answer:
        answer += client.recv(4096)
    client.setblocking(False)
    return client


def post(port, rate, stop, sent):
    """`rate` events a second, those of ten milliseconds at a time."""
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    at_once = rate // 100
    began, count = time.monotonic(), 0
    while not stop.is_set():
        due = began + count / rate
        wait = due - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        now = milliseconds()
        body = json.dumps([
            {"event_type": "tool.called", "session_id": f"s{(count + n) % 100}",
             "payload": {"agent": "a", "tool": "t", "workflow": f"w{(count + n) % 100}",
                         "duration_ms": now}}
            for n in range(at_once)]).encode()
        link.sendall(
            f"POST {API}events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        while b"accepted" not in link.recv(4096):
            pass
        count += at_once
    sent.append(count)


def measure(name, clients, rate, subscribe, share):
    with tempfile.TemporaryDirectory() as folder:
        collector = Collector(folder)
        before = collector.resident()
        sockets = {}
        for number in range(clients):
            client = connect(collector.port, subscribe(number))
            sockets[client.fileno()] = client
        idle = (collector.resident() - before) / clients
        poll = select.epoll()
        for number in sockets:
            poll.register(number, select.EPOLLIN)
        stop, sent = threading.Event(), []
        # The sender is a process of its own, so that it does not wait for the reader's lock.
        sender = os.fork()
        if sender == 0:
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            post(collector.port, rate, stop, sent)
            os._exit(0)
        latencies, messages, lost = [], 0, 0
        cpu, began = collector.cpu(), time.monotonic()
        while time.monotonic() - began < SECONDS:
            for number, _ in poll.poll(0.1):
                data = sockets[number].recv(1 << 16)
                now = milliseconds()
                found = data.count(b'"type":"tool.called"')
                messages += found
                lost += data.count(b'"type":"lost"')
                place = data.find(b'"duration_ms":')
                if place >= 0:
                    text = data[place + 14:place + 40].split(b",")[0]
                    try:
                        latencies.append((now - float(text)) % MODULO)
                    except ValueError:
                        pass
        used = collector.cpu() - cpu
        os.kill(sender, signal.SIGTERM)
        os.waitpid(sender, 0)
        latencies.sort()
        full = (collector.resident() - before) / clients
        print(
            f"{name}: {messages / SECONDS:,.0f} messages a second of {rate * share * clients:,.0f}, "
            f"median {statistics.median(latencies):.1f} ms, p99 "
            f"{latencies[int(len(latencies) * 0.99)]:.1f} ms, lost notices {lost}, "
            f"{idle / 1024:.1f} KiB a client idle, {full / 1024:.1f} KiB under load "
            f"(analytics and all), {used / SECONDS:.2f} cores")
        for client in sockets.values():
            client.close()
        collector.stop()


measure("1,000 clients, one workflow each", 1000, 10_000,
        lambda number: {"workflow": [f"w{number % 100}"]}, 0.01)
measure("100 clients, everything", 100, 1_000, lambda number: {"type": ["tool"]}, 1)
