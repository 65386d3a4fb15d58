#!/usr/bin/env python3
"""Measures Roost beside rotel: `make bench`, or `run.py --help`.

Every load goes to a freshly started server, the servers take turns, and medians are printed: CPU
seconds (user and system, all threads) per million items, items a second, resident memory. Payloads
are the same for the same seed. Servers listen on loopback, on ports that are free.
"""

import argparse
import datetime
import importlib.util
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import payloads
import servers

ROOT = pathlib.Path(__file__).resolve().parents[1]
SERVICE = "opentelemetry.proto.collector.{0}.v1.{1}Service/Export"
GRPC = {
    "traces": SERVICE.format("trace", "Trace"),
    "metrics": SERVICE.format("metrics", "Metrics"),
    "logs": SERVICE.format("logs", "Logs"),
}


class Load:
    """`items` a request, about `total` a round; `most` is the limit without agents, CPU s per
    million, and `most_with_agents` the limit with them where there is one."""

    def __init__(self, name, make, items, total, most, transport="grpc", signal="traces", **more):
        self.name, self.make, self.items, self.most = name, make, items, most
        self.requests = max(64, total // items)
        self.transport, self.signal = transport, signal
        self.packed = more.get("packed", False)
        self.forward = more.get("forward")
        self.tls = more.get("tls", False)
        # The queue is on disk, beside the configuration.
        self.durable = more.get("durable", False)
        # Each request has other ids than those before.
        self.is_new = more.get("is_new", False)
        self.most_with_agents = more.get("most_with_agents")

    def command(self, server, body):
        if self.is_new:
            return [str(body.parent / "source"), str(server.grpc), "/" + GRPC[self.signal],
                    str(body), str(body) + ".ids", "4", "8", str(self.requests)]  # fmt: skip
        command = ["h2load", "-t1", "-c4", "-m8", f"-n{self.requests}", "-d", str(body)]
        if self.forward:
            # 600 requests a second. Without a limit a busy machine forwards slower than it takes
            # in, the queue fills, and refusals, which are cheap, spoil the figure.
            command += ["--rps=150"]
        if self.transport == "grpc":
            command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
            if self.packed:
                command += ["-H", "grpc-encoding: gzip"]
            scheme = "https" if self.tls else "http"
            return command + [f"{scheme}://127.0.0.1:{server.grpc}/{GRPC[self.signal]}"]
        command += ["--h1", "-H", "content-type: application/x-protobuf"]
        return command + [f"http://127.0.0.1:{server.http}/v1/{self.signal}"]

    def body(self, folder):
        message = self.make()
        if self.transport == "grpc":
            message = payloads.grpc(message, self.packed)
        path = folder / re.sub(r"\W+", "-", self.name)
        path.write_bytes(message)
        if self.is_new:
            path.with_name(path.name + ".ids").write_text(payloads.ids(message))
        return path


def loads(maker, scale):
    def total(items):
        return int(items * scale)

    def spans(n):
        return lambda: maker.spans(n)

    return [
        Load("gRPC, 512 spans", spans(512), 512, total(1_000_000), 0.35,
             most_with_agents=0.42),
        Load("gRPC, TLS, 512 spans", spans(512), 512, total(1_000_000), 0.70,
             most_with_agents=0.77, tls=True),
        Load("gRPC, 512 spans, new traces", spans(512), 512, total(1_000_000), 0.35,
             most_with_agents=0.42, is_new=True),
        Load("gRPC, 1 span", spans(1), 1, total(100_000), 6),
        Load("HTTP/1.1, 512 spans", spans(512), 512, total(1_000_000), 0.35, "http"),
        Load("gRPC, 512 spans, gzip", spans(512), 512, total(800_000), 0.62, packed=True),
        Load("to HTTP/1.1, 512 spans", spans(512), 512, total(800_000), 0.45, forward="http"),
        Load("to HTTP/1.1, on disk, 512 spans", spans(512), 512, total(800_000), 0.65,
             forward="http", durable=True),
        Load("to gRPC, 512 spans", spans(512), 512, total(800_000), 0.65, forward="grpc"),
        Load("metrics, 500 points", lambda: maker.metrics(500), 500, total(1_000_000), 0.40,
             signal="metrics"),
        Load("logs, 512 records", lambda: maker.logs(512), 512, total(1_000_000), 0.25,
             signal="logs"),
    ]  # fmt: skip


# One round


def run_load(server, load, body):
    """CPU seconds per million items and items a second of one burst."""
    before = server.cpu()
    threads = server.cpu_by_thread() if isinstance(server, servers.Roost) else {}
    done = subprocess.run(load.command(server, body), capture_output=True, text=True, timeout=300)
    if load.is_new:
        wall = re.search(r"seconds ([\d.]+)()", done.stdout)
        good = re.search(r"accepted (\d+)", done.stdout)
    else:
        wall = re.search(r"finished in ([\d.]+)(us|ms|s),", done.stdout)
        good = re.search(r"status codes: (\d+) 2xx", done.stdout)
    server.settle()
    used = server.cpu() - before
    if not wall or not good or int(good[1]) != load.requests:
        raise RuntimeError(f"{server.name}, {load.name}: {done.stdout[-500:]}{done.stderr[-300:]}")
    seconds = float(wall[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1, "": 1}[wall[2]]
    items = load.requests * load.items
    found = {"cpu": used / items * 1e6, "rate": items / seconds}
    if threads:
        after = server.cpu_by_thread()
        found["threads"] = {n: (after[n] - threads[n]) / items * 1e6 for n in threads}
    return found


def measure_load(kind, load, body, folder, rounds, sink_port):
    """All rounds of one load against one fresh server, after a short one to warm up."""
    server = kind(folder)
    server.tls, server.durable = load.tls, load.durable
    if (load.tls or load.durable) and not isinstance(server, servers.Roost):
        raise RuntimeError("is measured without TLS and queues on disk only")
    try:
        server.start((load.forward, sink_port) if load.forward else None)
        warm = Load(load.name, None, load.items, load.items * 64, 0, load.transport, load.signal,
                    packed=load.packed, tls=load.tls, is_new=load.is_new)  # fmt: skip
        run_load(server, warm, body)
        reached = sink_bytes(sink_port)
        found = [run_load(server, load, body) for _ in range(rounds)]
        if load.forward:
            check_sink(server, load, sink_bytes(sink_port) - reached, rounds * body.stat().st_size)
        result = {key: statistics.median(r[key] for r in found) for key in ("cpu", "rate")}
        result["peak"] = server.memory("VmHWM")
        result["all"] = [r["cpu"] for r in found]
        if "threads" in found[0]:
            result["threads"] = {n: statistics.median(r["threads"][n] for r in found)
                                 for n in found[0]["threads"]}  # fmt: skip
        if isinstance(server, servers.Roost):
            check_ledger(server, load, rounds * load.requests + warm.requests)
        return result
    finally:
        server.stop()


def sink_bytes(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/count", timeout=10) as answer:
        return int(answer.read().split()[1])


def check_sink(server, load, reached, sent):
    """A collector that forwards nothing is cheap."""
    share = reached / (sent * load.requests)
    if not 0.97 < share < 1.05:
        guess = ": it compresses" if share < 0.3 else ""
        print(f"! {server.name}, {load.name}: the sink got {share:.0%} of the bytes{guess}")


def check_ledger(server, load, requests):
    """gRPC answers 200 to a refusal too; the server's own count does not lie."""
    noun = {"traces": "spans", "metrics": "metric_points", "logs": "log_records"}[load.signal]
    accepted = server.counters(f"roost_receiver_accepted_{noun}_total")
    if accepted != requests * load.items:
        print(f"! {load.name}: sent {requests * load.items}, accepted {accepted:.0f}")


def measure_start(kind, folder, rounds):
    """Seconds to the first accepted request, and resident memory one second later."""
    starts, idle = [], []
    for _ in range(rounds):
        server = kind(folder)
        try:
            starts.append(server.start())
            time.sleep(1)
            idle.append(server.memory())
        finally:
            server.stop()
    return {"start": statistics.median(starts), "idle": statistics.median(idle)}


def measure_page(folder, maker, rounds, series=100_000, each=500):
    """User CPU of one scrape of Roost with that many counters, plain and gzip; bytes a series."""
    server = servers.Roost(folder)
    body = folder / "series"
    try:
        server.start()
        time.sleep(0.5)
        # One request first: what grows once must not count as series.
        send_series(server, body, maker, series, each)
        server.settle()
        empty = server.memory()
        for first in range(0, series, each):
            send_series(server, body, maker, first, each)
        server.settle()
        memory = (server.memory() - empty) / series
        result = {"series": series, "memory": memory}
        for name, header in (("plain", "identity"), ("gzip", "gzip")):
            found = []
            for _ in range(rounds):
                before = server.user_and_system()[0]
                for _ in range(10):
                    size = scrape(server, header)
                found.append((server.user_and_system()[0] - before) / 10)
            result[name] = {"user": statistics.median(found), "bytes": size}
        return result
    finally:
        server.stop()


def send_series(server, body, maker, first, each):
    body.write_bytes(maker.series(first, each))
    done = subprocess.run(
        ["curl", "-sS", "-o", os.devnull, "-w", "%{http_code}", "--data-binary", f"@{body}",
         "-H", "content-type: application/x-protobuf", f"http://127.0.0.1:{server.http}/v1/metrics"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if done.stdout != "200":
        raise RuntimeError(f"roost answers {done.stdout} to series: {done.stderr}")


def scrape(server, coding):
    done = subprocess.run(
        ["curl", "-sS", "-o", os.devnull, "-w", "%{http_code} %{size_download}",
         "-H", f"accept-encoding: {coding}", f"http://127.0.0.1:{server.web}/metrics"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    code, size = done.stdout.split()
    if code != "200":
        raise RuntimeError(f"roost answers {code} to a scrape: {done.stderr}")
    return int(size)


# The whole


def find_servers(wanted):
    """The programs that are there, in the order of their columns."""
    kinds = []
    servers.Roost.binary = str(ROOT / ".build/release/roost")
    if "roost" in wanted:
        if pathlib.Path(servers.Roost.binary).exists():
            kinds += [servers.Roost, servers.RoostWithoutAgents]
        else:
            print("! .build/release/roost is not built: only rotel is measured")
    if "rotel" in wanted:
        spec = importlib.util.find_spec("rotel")
        agent = pathlib.Path(spec.origin).parent / "rotel-agent" if spec else None
        if agent and agent.exists():
            agent.chmod(0o755)
            servers.Rotel.binary = str(agent)
            kinds += [servers.Rotel, servers.RotelOnOneCore]
        else:
            print("! rotel is not installed: pip install -r Benchmarks/requirements.txt")
    return kinds


def compile_peers(folder):
    for name in ("sink", "source"):
        subprocess.run(
            ["cc", "-O2", "-o", folder / name, ROOT / f"Benchmarks/{name}/{name}.c", "-lnghttp2",
             "-lpthread"],
            check=True, timeout=120,
        )  # fmt: skip


def start_sink(folder):
    binary = folder / "sink"
    process = subprocess.Popen([binary], stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


def about():
    def output(*command):
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        return (done.stdout.splitlines() or [""])[0]

    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {
        "commit": output("git", "describe", "--always", "--dirty"),
        "compiler": output("swift", "--version"),
        "cores": os.cpu_count(),
        "cpu": model[1] if model else "",
        "kernel": os.uname().release,
        "load": round(os.getloadavg()[0], 1),
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def table(rows):
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(w) if place == 0 else cell.rjust(w)
                 for place, (cell, w) in enumerate(zip(row, widths))]  # fmt: skip
        print("  ".join(cells).rstrip())
    print()


def ratio(found, kind, key="cpu"):
    """How many times what Roost takes."""
    ours, theirs = found.get("roost"), found.get(kind.name)
    return f"{theirs[key] / ours[key]:.1f}x" if ours and theirs and ours[key] else "-"


def number(value, digits):
    return "-" if value is None else f"{value:.{digits}f}"


def print_loads(results, kinds):
    others = [kind for kind in kinds if not issubclass(kind, servers.Roost)]
    head = ["CPU s per million items", "at most", *[k.name for k in kinds]]
    rows = [head + [f"{k.name} / roost" for k in others]]
    for load, found in results:
        limits = [load.most_with_agents, load.most]
        row = [load.name, " / ".join(f"{limit:g}" for limit in limits if limit)]
        row += [number(found[k.name]["cpu"] if k.name in found else None, 3) for k in kinds]
        rows.append(row + [ratio(found, k) for k in others])
    table(rows)
    rows = [["thousand items/s, peak MB", *[k.name for k in kinds]]]
    for load, found in results:
        rows.append([load.name] + [
            f"{found[k.name]['rate'] / 1e3:.0f}, {found[k.name]['peak'] / 1e6:.0f}"
            if k.name in found else "-" for k in kinds])  # fmt: skip
    table(rows)


def print_threads(results):
    names = ["loops", "analytics", "store", "other"]
    rows = [["roost by thread, CPU s per million", *names]]
    for load, found in results:
        threads = found.get("roost", {}).get("threads")
        if threads:
            rows.append([load.name, *[number(threads[n], 3) for n in names]])
    table(rows)


def print_starts(starts, kinds):
    rows = [["start and rest", "at most", *[k.name for k in kinds]]]
    for name, key, most, factor in (("first accepted request, ms", "start", "20", 1e3),
                                    ("idle, MB resident", "idle", "18", 1e-6)):  # fmt: skip
        cells = [f"{starts[k.name][key] * factor:.1f}" if k.name in starts else "-" for k in kinds]
        rows.append([name, most, *cells])
    table(rows)


def print_page(page):
    table([
        [f"/metrics, {page['series']} counters", "at most", "roost", "bytes"],
        ["plain, ms user CPU", "15", f"{page['plain']['user'] * 1e3:.1f}", str(page["plain"]["bytes"])],
        ["gzip, ms user CPU", "120", f"{page['gzip']['user'] * 1e3:.1f}", str(page["gzip"]["bytes"])],
        ["bytes of memory a series", "250", f"{page['memory']:.0f}", ""],
    ])  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="items a round, times this")
    parser.add_argument("--only", default="", help="loads whose name contains this")
    parser.add_argument("--servers", default="roost,rotel")
    parser.add_argument("--parts", default="loads,start,page")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not shutil.which("h2load"):
        sys.exit("h2load is missing: install nghttp2-client")

    maker = payloads.Maker(options.seed)
    kinds = find_servers(options.servers.split(","))
    parts = options.parts.split(",")
    facts = about()
    print(f"{facts['commit']}, {facts['compiler']}, {facts['cores']} cores, {facts['cpu']}, "
          f"load {facts['load']}, medians of {options.rounds}\n")  # fmt: skip
    report = {"about": facts, "rounds": options.rounds, "loads": {}}
    with tempfile.TemporaryDirectory(prefix="roost-bench-") as name:
        folder = pathlib.Path(name)
        if "start" in parts:
            report["start"] = attempt_each(
                kinds, lambda kind: measure_start(kind, folder, options.rounds)
            )
            print_starts(report["start"], kinds)
        if "loads" in parts:
            compile_peers(folder)
            sink, port = start_sink(folder)
            try:
                results = []
                for load in loads(maker, options.scale):
                    if options.only not in load.name:
                        continue
                    body = load.body(folder)
                    found = attempt_each(
                        kinds,
                        lambda kind: measure_load(kind, load, body, folder, options.rounds, port),
                    )
                    results.append((load, found))
                    report["loads"][load.name] = {"at most": load.most, **found}
            finally:
                sink.terminate()
                sink.wait()
            print_loads(results, kinds)
            print_threads(results)
        if "page" in parts and servers.Roost in kinds:
            page = attempt_each(
                [servers.Roost], lambda _: measure_page(folder, maker, options.rounds)
            )
            if page:
                report["page"] = page["roost"]
                print_page(page["roost"])
    results = ROOT / "Benchmarks/results"
    results.mkdir(exist_ok=True)
    stamp = re.sub(r"\W", "", facts["time"])[:15]
    (results / f"{stamp}-{facts['commit']}.json").write_text(json.dumps(report, indent=1) + "\n")


def attempt_each(kinds, measure):
    """What `measure` finds for each kind; one that fails is told and left out."""
    found = {}
    for kind in kinds:
        try:
            found[kind.name] = measure(kind)
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            print(f"! {kind.name}: {error}")
    return found


if __name__ == "__main__":
    main()
