"""The programs that are measured: how each is started, and what it has used so far."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.request

TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running program. `name` stands at the head of its column."""

    name = "?"

    def __init__(self, folder, cores=None):
        self.folder = pathlib.Path(folder)
        self.cores = cores
        self.grpc, self.http, self.web = free_port(), free_port(), free_port()
        self.process = None
        # Whether OTLP/gRPC goes over TLS, and whether the queue is on disk.
        self.tls = self.durable = False

    def command(self, forward):
        raise NotImplementedError

    def environment(self):
        return {}

    def start(self, forward=None):
        """Starts it and waits until a request is accepted; answers how long that took, seconds."""
        command = self.command(forward)
        if self.cores is not None:
            command = ["taskset", "-c", self.cores, *command]
        log = open(self.folder / f"{self.name.replace(' ', '-')}.log", "ab")
        began = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=self.folder, env=os.environ | self.environment()
        )
        log.close()
        while not self.accepts():
            if self.process.poll() is not None or time.perf_counter() - began > 20:
                tail = (self.folder / f"{self.name.replace(' ', '-')}.log").read_text()[-600:]
                raise RuntimeError(f"{self.name} does not start: {tail}")
            time.sleep(0.0002)
        return time.perf_counter() - began

    def accepts(self):
        """Whether an empty OTLP/HTTP request is answered with 200."""
        head = (
            b"POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            b"content-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"
        )
        try:
            with socket.create_connection(("127.0.0.1", self.http), timeout=2) as connection:
                connection.sendall(head)
                return connection.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    # What it has used

    def cpu(self):
        """CPU seconds of all its threads, user and system."""
        user, system = self.user_and_system()
        return user + system

    def user_and_system(self):
        """utime and stime of the process; the kernel's exact sum decides between the ticks."""
        text = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()
        user, system = int(fields[11]) / TICK, int(fields[12]) / TICK
        exact = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                exact += int((task / "schedstat").read_text().split()[0])
        exact /= 1e9
        # Threads that have ended are in the ticks only.
        if user + system > 0 and abs(exact - user - system) < 0.03:
            return user * exact / (user + system), system * exact / (user + system)
        return user, system

    def memory(self, field="VmRSS"):
        """Bytes resident: now, or at most so far (VmHWM)."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        return 0

    def settle(self, seconds=0.4, limit=60):
        """Waits until it has used next to no CPU for `seconds`."""
        deadline = time.monotonic() + limit
        quiet, last = time.monotonic(), self.cpu()
        while time.monotonic() - quiet < seconds and time.monotonic() < deadline:
            time.sleep(0.05)
            now = self.cpu()
            if now - last > 0.004:
                quiet = time.monotonic()
            last = now


class Roost(Server):
    """As it comes: span metrics, accounts of agents, redaction at its defaults."""

    name = "roost"
    binary = ".build/release/roost"
    more = ()

    def command(self, forward):
        lines = [
            "listen:",
            f"  grpc: 127.0.0.1:{self.grpc}",
            f"  http: 127.0.0.1:{self.http}",
            f"  web: 127.0.0.1:{self.web}",
            "limits:",
            "  series_per_metric: 200000",
        ]
        if forward:
            protocol, port = forward
            lines += [
                "export:",
                "  - name: sink",
                f"    endpoint: http://127.0.0.1:{port}",
                f"    protocol: {'grpc' if protocol == 'grpc' else 'http/protobuf'}",
                "    compression: none",
            ]
        if forward and self.durable:
            lines += [f"    queue: {{ path: {self.folder}/queue, size: 1GiB }}"]
        if self.tls:
            cert, key = self.certificate()
            lines[1:1] = [
                f"  tls: {{ cert: {cert}, key: {key} }}",
                "  override: { http: { tls: false }, web: { tls: false } }",
            ]
        lines += self.more
        config = self.folder / "roost.yaml"
        config.write_text("\n".join(lines) + "\n")
        return [self.binary, "serve", "--config", str(config)]

    def certificate(self):
        """Files of a certificate that nobody checks, and its key."""
        cert, key = self.folder / "tls.crt", self.folder / "tls.key"
        if not cert.exists():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert],
                check=True, capture_output=True, timeout=60,
            )  # fmt: skip
        return cert, key

    def cpu_by_thread(self):
        """Seconds by the name of the thread, the loops together."""
        found = {"loops": 0.0, "analytics": 0.0, "store": 0.0, "other": 0.0}
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                name = (task / "comm").read_text().strip()
                used = int((task / "schedstat").read_text().split()[0]) / 1e9
            except OSError:
                continue
            name = "loops" if name.startswith("loop-") else name
            found[name if name in found else "other"] += used
        return found

    def counters(self, prefix):
        """The sum of all series whose name begins with `prefix`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/metrics", timeout=20) as page:
            lines = page.read().decode().splitlines()
        found = [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(prefix)]
        return sum(found)


class RoostWithoutAgents(Roost):
    """Span metrics and redaction only, which is already more than its peers do."""

    name = "no agents"
    more = ("enable:", "  analytics: false")


class Rotel(Server):
    name = "rotel"
    binary = "rotel-agent"

    def command(self, forward):
        command = [
            self.binary, "start", "--otlp-grpc-endpoint", f"127.0.0.1:{self.grpc}",
            "--otlp-http-endpoint", f"127.0.0.1:{self.http}",
            "--pid-file", str(self.folder / "rotel.pid"),
            "--log-file", str(self.folder / "rotel-agent.log"),
            "--otlp-grpc-max-recv-msg-size-mib", "64",
        ]  # fmt: skip
        if not forward:
            return command + ["--exporter", "blackhole"]
        protocol, port = forward
        return command + [
            "--exporter", "otlp", "--otlp-exporter-protocol", protocol,
            "--otlp-exporter-endpoint", f"http://127.0.0.1:{port}",
            # 0.0.1a15 compresses all the same; the rig tells.
            "--otlp-exporter-compression", "none",
        ]  # fmt: skip


class RotelOnOneCore(Rotel):
    name = "rotel, 1 core"

    def __init__(self, folder):
        super().__init__(folder, cores="0")

    def environment(self):
        return {"TOKIO_WORKER_THREADS": "1"}
