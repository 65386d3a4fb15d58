"""How long answers of the API take with a full store.

    python Benchmarks/api.py [--roost .build/release/roost] [--traces 200000] [--seconds 2]

Starts a collector, sends it traces of five spans over OTLP/HTTP, log records, agent events and audit
records, waits until all is stored, and then asks each GET of its own openapi.json, without
parameters and with each filter, one request after another over one connection. Prints the median and
the 99th percentile in milliseconds, the longest, the milliseconds of CPU that an answer takes, and
its bytes. Whole traces, files and reports are told apart: they are as long as what they show.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

API = "/api/v1/observability/"
SPANS = 5
TRACES_AT_ONCE = 100
LIMIT = 5.0
# Of what is as large as what it shows.
WHOLE = ("{trace_id}", "compare", "/api/traces", "report.md", "openapi.json")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Collector:
    def __init__(self, binary, folder):
        self.http, self.web = free_port(), free_port()
        config = pathlib.Path(folder) / "roost.yaml"
        config.write_text(
            f"listen: {{ grpc: 127.0.0.1:0, http: 127.0.0.1:{self.http}, "
            f"web: 127.0.0.1:{self.web} }}\n"
            f"store: {{ path: {folder}/data, size: 8GiB }}\n"
            "agents: { hold: 1s }\n"
            "budgets:\n  - { name: month, scope: all, limit: 1000 USD, per: month }\n"
            "log: { level: warn }\n")
        self.process = subprocess.Popen([binary, "serve", "--config", str(config)])
        for _ in range(400):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.web}/ready").read()
                break
            except OSError:
                time.sleep(0.05)
        else:
            raise SystemExit("roost does not start")
        self.sender = http.client.HTTPConnection("127.0.0.1", self.http)
        self.asker = http.client.HTTPConnection("127.0.0.1", self.web)

    def send(self, path, body):
        while True:
            self.sender.request("POST", path, body, {"content-type": "application/x-protobuf"})
            answer = self.sender.getresponse()
            answer.read()
            if answer.status == 200:
                return
            assert answer.status == 503, answer.status
            time.sleep(0.05)

    def get(self, path):
        self.asker.request("GET", path)
        answer = self.asker.getresponse()
        return answer.status, answer.read()

    def ask(self, path):
        status, body = self.get(API + path)
        assert status == 200, (path, status, body[:300])
        return json.loads(body)

    def waiting(self):
        """Bytes that the store has not read."""
        return json.loads(self.get("/status")[1])["store"]["queue_bytes"]

    def post(self, path, value):
        self.asker.request("POST", API + path, json.dumps(value), {
            "content-type": "application/json"})
        answer = self.asker.getresponse()
        body = answer.read()
        assert answer.status < 300, (path, answer.status, body[:300])

    def resident(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) >> 10

    def cpu(self):
        """Seconds of CPU that the whole program has taken; the clock of clock_getcpuclockid(3)."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def put(attributes, key, value):
    entry = attributes.add(key=key)
    if isinstance(value, int):
        entry.value.int_value = value
    else:
        entry.value.string_value = value


class Template:
    """A request whose ids, times and sessions are exchanged in place."""

    def __init__(self, pick, begin):
        self.pick, self.next = pick, begin
        request = ExportTraceServiceRequest()
        marks = []
        for number in range(TRACES_AT_ONCE):
            resource = request.resource_spans.add()
            put(resource.resource.attributes, "service.name", f"service-{number % 20}")
            scope = resource.scope_spans.add()
            for place in range(SPANS):
                marks.append(self.span(scope.spans.add(), number, place))
        self.body = bytearray(request.SerializeToString())
        self.places = [[[m.start() for m in find(self.body, text)] for text in mark]
                       for mark in marks]

    def span(self, span, number, place):
        mark = [self.pick.randbytes(16), self.pick.randbytes(8), self.pick.randbytes(8),
                self.pick.randbytes(8), self.pick.randbytes(8),
                self.pick.randbytes(6).hex().encode()]
        span.trace_id, span.span_id = mark[0], mark[1]
        if place:
            span.parent_span_id = mark[2]
        span.start_time_unix_nano = struct.unpack("<Q", mark[3])[0]
        span.end_time_unix_nano = struct.unpack("<Q", mark[4])[0]
        put(span.attributes, "gen_ai.conversation.id", "session-" + mark[5].decode())
        put(span.attributes, "gen_ai.agent.name", f"agent-{number % 30}")
        if place == 0:
            span.name = "invoke_workflow"
            put(span.attributes, "gen_ai.operation.name", "invoke_workflow")
            put(span.attributes, "gen_ai.workflow.name", f"workflow-{number % 25}")
        elif place == 1:
            span.name = "invoke_agent"
            put(span.attributes, "gen_ai.operation.name", "invoke_agent")
        elif place == 2:
            span.name = "execute_tool search"
            put(span.attributes, "gen_ai.operation.name", "execute_tool")
            put(span.attributes, "gen_ai.tool.name", f"tool-{number % 12}")
        else:
            span.name = "chat gpt-4o"
            put(span.attributes, "gen_ai.operation.name", "chat")
            put(span.attributes, "gen_ai.provider.name", "openai")
            put(span.attributes, "gen_ai.request.model", ["gpt-4o", "gpt-4o-mini"][number % 2])
            put(span.attributes, "gen_ai.usage.input_tokens", 1200 + number)
            put(span.attributes, "gen_ai.usage.output_tokens", 150 + place)
        if number % 33 == 0 and place in (0, 3):
            span.status.code = 2
            put(span.attributes, "error.type", "timeout")
        return mark

    def write(self, place, texts):
        for where, text in zip(self.places[place], texts):
            for start in where:
                self.body[start:start + len(text)] = text

    def request(self, now):
        """The next hundred traces, a minute before `now`, and one of their ids and sessions."""
        for number in range(TRACES_AT_ONCE):
            trace, root = self.pick.randbytes(16), self.pick.randbytes(8)
            session = b"%012d" % (self.next // 5)
            start = now - 60_000_000_000 + number
            took = 50_000_000 << self.pick.randrange(9)
            for place in range(SPANS):
                own = root if place == 0 else self.pick.randbytes(8)
                begin, end = (start, start + took) if place == 0 else (
                    start + place * took // 6, start + (place + 1) * took // 6)
                self.write(number * SPANS + place, (
                    trace, own, root, struct.pack("<Q", begin), struct.pack("<Q", end), session))
            self.next += 1
        return bytes(self.body), trace.hex(), "session-" + session.decode()


def find(body, text):
    import re
    return re.finditer(re.escape(text), bytes(body))


def fill(collector, traces, pick):
    template = Template(pick, 0)
    kept = []
    began = time.monotonic()
    for _ in range(traces // TRACES_AT_ONCE):
        body, trace, session = template.request(time.time_ns())
        collector.send("/v1/traces", body)
        kept.append((trace, session))
        # So that the store sheds nothing.
        while collector.waiting() > 8 << 20:
            time.sleep(0.005)
    for number in range(200):
        collector.send("/v1/logs", logs(pick, kept[pick.randrange(len(kept))]))
    for number in range(40):
        collector.post("audit", [
            {"agent": f"agent-{pick.randrange(30)}", "action": pick.choice(["approve", "deny"]),
             "result": pick.choice(["success", "failure"]), "user": f"user-{pick.randrange(9)}"}
            for _ in range(50)])
    print(f"sent {traces} traces in {time.monotonic() - began:.0f} s")
    for _ in range(1200):
        store = collector.ask("overview")["store"]
        if store["open_traces"] == 0:
            break
        time.sleep(0.5)
    print(f"stored {store['traces']} traces, {store['file_bytes'] >> 20} MiB, "
          f"resident {collector.resident()} MiB")
    return kept


def logs(pick, kept):
    trace, session = kept
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    put(resource.resource.attributes, "service.name", "service-1")
    scope = resource.scope_logs.add()
    for number in range(100):
        record = scope.log_records.add(
            time_unix_nano=time.time_ns(), severity_number=9, severity_text="INFO",
            trace_id=bytes.fromhex(trace))
        record.body.string_value = f"step {number} is done after {pick.randrange(1000)} ms " * 3
        put(record.attributes, "session.id", session)
    return request.SerializeToString()


def questions(description, kept, pick):
    """Each path as it is, and with each of its filters. Ids are others each time."""
    values = {
        "service": "service-7", "workflow_id": "workflow-7", "workflow": "workflow-7",
        "agent": "agent-7", "status": "error", "min_duration": "2s", "max_duration": "100ms",
        "since": "1h", "until": "1m", "session": lambda: pick.choice(kept)[1],
        "trace_id": lambda: pick.choice(kept)[0], "a": lambda: pick.choice(kept)[0],
        "b": lambda: pick.choice(kept)[0], "id": lambda: pick.choice(kept)[0],
        "operation": "execute_tool search", "tags": '{"gen_ai.tool.name":"tool-3"}',
        "action": "approve", "result": "failure", "user": "user-3", "name": "agent-7",
    }
    for path, item in description["paths"].items():
        operation = item.get("get")
        if not operation or "stream" in path or "/ws" in path:
            continue
        parameters = operation.get("parameters", [])
        needed = {p["name"]: values.get(p["name"]) for p in parameters
                  if p.get("required") or p["in"] == "path"}
        if path == "/api/traces":
            needed["service"] = values["service"]
        yield path, needed, ""
        for parameter in parameters:
            name = parameter["name"]
            if parameter["in"] == "path" or name in needed or name in ("cursor", "limit"):
                continue
            schema = parameter.get("schema", {})
            choices = schema.get("enum") or [values.get(name)]
            for choice in choices[:4]:
                if choice is not None:
                    yield path, needed | {name: choice}, (
                        f"{name}={'…' if callable(choice) else choice}")


def measure(collector, path, parameters, seconds):
    times, size = [], 0
    cpu = collector.cpu()
    until = time.monotonic() + seconds
    while time.monotonic() < until and len(times) < 2000:
        filled = {k: v() if callable(v) else v for k, v in parameters.items()}
        target = path
        for name, value in list(filled.items()):
            if "{" + name + "}" in target:
                target = target.replace("{" + name + "}", urllib.parse.quote(str(value), safe=""))
                del filled[name]
        if filled:
            target += "?" + urllib.parse.urlencode(filled)
        began = time.perf_counter()
        status, body = collector.get(target)
        times.append((time.perf_counter() - began) * 1000)
        size = max(size, len(body))
        if status not in (200, 404):
            return None, f"{status} {body[:120]!r}"
    cpu = (collector.cpu() - cpu) * 1000 / len(times)
    times.sort()
    return (times[len(times) // 2], times[min(len(times) * 99 // 100, len(times) - 1)],
            times[-1], cpu, len(times), size), None


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--roost", default=".build/release/roost")
    options.add_argument("--traces", type=int, default=200_000)
    options.add_argument("--seconds", type=float, default=2)
    options.add_argument("--only", default="")
    given = options.parse_args()
    pick = random.Random(7)
    with tempfile.TemporaryDirectory(dir=os.environ.get("ROOST_BENCH_FOLDER")) as folder:
        collector = Collector(given.roost, folder)
        try:
            kept = fill(collector, given.traces, pick)
            description = collector.ask("openapi.json")
            print(f"{'median':>8} {'p99':>8} {'longest':>8} {'CPU':>6} {'asked':>6} {'KB':>7}  path")
            late = []
            for path, parameters, shown in questions(description, kept, pick):
                if given.only not in path:
                    continue
                found, problem = measure(collector, path, parameters, given.seconds)
                line = f"{path.removeprefix(API)} {shown}".rstrip()
                if problem:
                    print(f"{'':>47}  {line}: {problem}")
                    continue
                median, p99, longest, cpu, asked, size = found
                isWhole = any(part in path for part in WHOLE)
                mark = "" if p99 < LIMIT else "  (whole)" if isWhole else "  LATE"
                if mark == "  LATE":
                    late.append(line)
                print(f"{median:8.2f} {p99:8.2f} {longest:8.2f} {cpu:6.2f} {asked:6} {size / 1000:7.1f}  "
                      f"{line}{mark}")
            print(f"resident {collector.resident()} MiB; late: {len(late)}")
        finally:
            collector.stop()


if __name__ == "__main__":
    main()
