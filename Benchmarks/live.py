"""Live streams under load: how late messages come, how many are lost, what a client costs.

    python Benchmarks/live.py [path of roost]

Two loads: 1,000 clients, each subscribed to one of 100 workflows, at 10,000 events a second in all;
and 100 clients subscribed to everything at 1,000 events a second. Events are posted as JSON,
those of ten milliseconds at a time; each carries the moment it was sent as its duration, which
the stream repeats.
"""

import json
import os
import pathlib
import signal
import socket
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


def connect(port, clients, seconds, kind):
    """The program of `live/readers.c`, once all its clients have subscribed."""
    readers = subprocess.Popen(
        [READERS, str(port), str(clients), str(seconds), kind],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if readers.stdout.readline() != "connected\n":
        raise SystemExit("the readers do not connect")
    return readers


def measure(name, clients, rate, kind, share):
    with tempfile.TemporaryDirectory() as folder:
        collector = Collector(folder)
        # One before: what grows with the first client is no client's.
        readers = connect(collector.port, 1, 0, kind)
        readers.communicate("go\n")
        before = collector.resident()
        readers = connect(collector.port, clients, SECONDS, kind)
        idle = (collector.resident() - before) / clients
        stop, sent = threading.Event(), []
        sender = threading.Thread(target=post, args=(collector.port, rate, stop, sent))
        sender.start()
        cpu = collector.cpu()
        readers.stdin.write("go\n")
        readers.stdin.flush()
        messages, lost, median, p99 = map(float, readers.stdout.readline().split())
        used = collector.cpu() - cpu
        stop.set()
        sender.join()
        readers.wait()
        full = (collector.resident() - before) / clients
        print(
            f"{name}: {messages / SECONDS:,.0f} messages a second of {rate * share * clients:,.0f}, "
            f"median {median:.1f} ms, p99 {p99:.1f} ms, lost notices {lost:.0f}, "
            f"{idle / 1024:.1f} KiB a client idle, {full / 1024:.1f} KiB under load "
            f"(analytics and all), {used / SECONDS:.2f} cores")
        collector.stop()


with tempfile.TemporaryDirectory() as built:
    READERS = built + "/readers"
    subprocess.run(
        ["cc", "-O2", "-D_GNU_SOURCE", "-o", READERS,
         pathlib.Path(__file__).with_name("live") / "readers.c"],
        check=True)
    measure("1,000 clients, one workflow each", 1000, 10_000, "workflow", 0.01)
    measure("100 clients, everything", 100, 1_000, "all", 1)
