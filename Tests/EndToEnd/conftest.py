"""The fixture `roost`: the real program on free ports of the loopback, ended by the test that began it.

    def test_something(roost):
        with_defaults = roost()
        other = roost({"limits": {"request": "1MiB"}}, args=["--set", "log.level=debug"])
        httpx.post(f"http://{other.http}/v1/traces", ...)
        assert other.metrics().value("roost_receiver_accepted_spans_total", transport="http") == 1
        assert other.stop() == 0

`ROOST_BINARY` names another program than `.build/release/roost`, `ROOST_PRELOAD` a library that it is
started with, `ROOST_SANITIZER` the sanitizer that it was built with.
"""

import copy
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest
import yaml
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client import parser as text_parser

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Sanitizers make everything slow.
PATIENCE = 5 if os.environ.get("ROOST_SANITIZER") else 1
START_SECONDS = 20 * PATIENCE
STOP_SECONDS = 40 * PATIENCE


def program_environment():
    """What the program under test runs with: what the caller's shell exports must not configure it."""
    clean = {
        key: value for key, value in os.environ.items()
        if not key.startswith("OTEL_") and not key.lower().endswith("_proxy")
    }
    if os.environ.get("ROOST_PRELOAD"):
        clean["LD_PRELOAD"] = os.environ["ROOST_PRELOAD"]
    return clean


def roost_binary():
    """The program under test."""
    named = os.environ.get("ROOST_BINARY")
    if named:
        return named
    for kind in ("release", "debug"):
        path = ROOT / ".build" / kind / "roost"
        if path.exists():
            return str(path)
    raise FileNotFoundError("roost is not built: run make build")


def merged(base, over):
    """`base` with what `over` says, mapping by mapping."""
    result = copy.deepcopy(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


class Metrics:
    """One scrape, read by Prometheus' own Python parsers. `text` is None for other formats."""

    def __init__(self, response):
        self.content = response.content
        self.headers = response.headers
        self.content_type = response.headers["content-type"]
        self.families, self.text = [], None
        if self.content_type.startswith("application/openmetrics-text"):
            self.text = response.text
            self.families = list(openmetrics_parser.text_string_to_metric_families(self.text))
        elif self.content_type.startswith("text/plain"):
            self.text = response.text
            self.families = list(text_parser.text_string_to_metric_families(self.text))

    @property
    def samples(self):
        return [sample for family in self.families for sample in family.samples]

    def find(self, name, **labels):
        """The samples called `name` whose labels include `labels`."""
        return [
            sample for sample in self.samples
            if sample.name == name
            and all(sample.labels.get(key) == value for key, value in labels.items())
        ]

    def value(self, name, **labels):
        """The sum of those samples; 0 where there are none."""
        return sum(sample.value for sample in self.find(name, **labels))

    def family(self, name):
        for family in self.families:
            if family.name == name:
                return family
        return None


class Roost:
    """One running `roost serve`. `grpc`, `http` and `web` are `host:port`."""

    def __init__(self, folder, config=None, env=None, args=(), open_files=None):
        self.folder = folder
        self.data = folder / "data"
        self.config_file = folder / "roost.yaml"
        if isinstance(config, str):
            self.config_file.write_text(config)
        else:
            base = {
                "listen": {name: "127.0.0.1:0" for name in ("grpc", "http", "web")},
                "store": {"path": str(self.data)},
            }
            self.config_file.write_text(
                yaml.safe_dump(merged(base, config or {}), sort_keys=False))
        self.lines = []
        self._has_news = threading.Condition()
        self._ended = False
        limited = ["prlimit", f"--nofile={open_files}:{open_files}"] if open_files else []
        self.process = subprocess.Popen(
            [*limited, roost_binary(), "serve", "--config", str(self.config_file), *map(str, args)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, errors="replace", cwd=folder, env={**program_environment(), **(env or {})})
        self.pid = self.process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.grpc = self.http = self.web = None
        self._client = httpx.Client(trust_env=False, timeout=30)

    def _read(self):
        for line in self.process.stderr:
            with self._has_news:
                self.lines.append(line.rstrip("\n"))
                self._has_news.notify_all()
        with self._has_news:
            self._ended = True
            self._has_news.notify_all()

    @property
    def log(self):
        with self._has_news:
            return "\n".join(self.lines)

    def wait_for_line(self, pattern, timeout=START_SECONDS):
        """The first line of the log that matches, past or to come; None when the log ends first."""
        deadline = time.monotonic() + timeout
        seen = 0
        with self._has_news:
            while True:
                for line in self.lines[seen:]:
                    found = re.search(pattern, line)
                    if found:
                        return found
                seen = len(self.lines)
                if self._ended:
                    return None
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"no line /{pattern}/ in:\n" + "\n".join(self.lines))
                self._has_news.wait(left)

    def wait_ready(self, timeout=START_SECONDS):
        if self.wait_for_line(r"\bready\b", timeout) is None:
            code = self.process.wait(STOP_SECONDS)
            raise RuntimeError(f"roost ended with {code} before it was ready:\n{self.log}")
        line = self.wait_for_line(r"\bready\b(.*)").group(1)
        for name in ("grpc", "http", "web"):
            address = re.search(rf"\b{name}\"?[=:]\s*\"?([^\s\",]+)", line).group(1)
            setattr(self, name, address.replace("0.0.0.0:", "127.0.0.1:"))
        return self

    def wait_end(self, timeout=START_SECONDS):
        """The exit code of a program that ends by itself, after its last line was read."""
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        return code

    def get(self, path, **options):
        return self._client.get(f"http://{self.web}{path}", **options)

    def metrics(self, accept=None):
        headers = {} if accept is None else {"accept": accept}
        response = self.get("/metrics", headers=headers)
        response.raise_for_status()
        return Metrics(response)

    def status(self):
        response = self.get("/status")
        response.raise_for_status()
        return response.json()

    def held_bytes(self):
        """What is reserved of the memory limit for data. What the process has beyond that, which is
        taken out of the limit, too, depends on when it was looked at."""
        memory = self.status()["memory"]
        return memory["used_bytes"] - memory["parts"]["allocator"]

    def resident_bytes(self, peak=False):
        field = "VmHWM" if peak else "VmRSS"
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", text).group(1)) * 1024

    @property
    def is_running(self):
        return self.process.poll() is None

    def signal(self, number):
        os.kill(self.pid, number)

    def freeze(self):
        """Stops it, every thread of it, until SIGCONT."""
        self.signal(signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{self.pid}/task")

        def is_frozen():
            states = [(task / "stat").read_text().rpartition(")")[2].split()[0]
                      for task in tasks.iterdir()]
            return set(states) == {"T"}
        wait_until(is_frozen, what="a process that is stopped")

    def stop(self, timeout=STOP_SECONDS):
        """Ends it as an operator would; the exit code."""
        self._client.close()
        if self.is_running:
            self.signal(signal.SIGTERM)
        return self.wait_end(timeout)

    def kill(self):
        self._client.close()
        if self.is_running:
            self.process.kill()
        self.process.wait()
        self._reader.join(STOP_SECONDS)
        self.process.stderr.close()


@pytest.fixture
def roost(tmp_path):
    """Starts collectors: `roost(config, env, args, wait=True)`."""
    with starter(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def shared_roost(tmp_path_factory):
    """One collector with the defaults for all tests of a module."""
    with starter(tmp_path_factory.mktemp("roost")) as start:
        yield start()


class starter:
    """Starts collectors below a folder and ends every one of them."""

    def __init__(self, folder):
        self.folder, self.running = folder, []

    def __enter__(self):
        return self.start

    def start(self, config=None, env=None, args=(), wait=True, open_files=None):
        folder = self.folder / f"roost-{len(self.running)}"
        folder.mkdir(parents=True)
        process = Roost(folder, config, env, args, open_files)
        self.running.append(process)
        return process.wait_ready() if wait else process

    def __exit__(self, *_):
        for process in self.running:
            process.kill()


def pytest_terminal_summary(terminalreporter):
    """The table of the trouble tests, if any of them ran."""
    trouble = sys.modules.get("trouble")
    if trouble and trouble.Case.rows:
        terminalreporter.section("trouble")
        for line in trouble.table():
            terminalreporter.write_line(line)


def wait_until(condition, timeout=10, every=0.02, what="the condition"):
    """Asks until the answer is true, for peers that cannot tell by themselves; the answer."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come about in {timeout} s")
        time.sleep(every)
