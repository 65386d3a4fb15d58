"""A real Prometheus scrapes Roost, with native histograms and without; promtool and other scrapers
read the page too."""

import concurrent.futures
import gzip
import json
import shutil
import socket
import subprocess
import time

import httpx
import pytest
import zstandard
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from conftest import wait_until
from telemetry import START, GRPCWay, attribute, request, scopes

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PROTOBUF = (
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited")
TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))


def program(name):
    found = shutil.which(name)
    if not found:
        pytest.fail(f"{name} is missing: make test installs the package prometheus")
    return found


class Prometheus:
    def __init__(self, folder, target, features):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % probe.getsockname()[1]
        folder.mkdir()
        (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": [{
            "job_name": "roost", "honor_labels": True, "scrape_interval": "1s",
            "scrape_timeout": "1s", "static_configs": [{"targets": [target]}]}]}))
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            [program("prometheus"), f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={folder}/data", f"--web.listen-address={self.address}",
             *([f"--enable-feature={features}"] if features else [])],
            stdout=self.log, stderr=subprocess.STDOUT)
        self.client = httpx.Client(base_url=f"http://{self.address}/api/v1", trust_env=False)

    def ask(self, path, **parameters):
        try:
            answer = self.client.get(path, params=parameters)
        except httpx.TransportError:
            return None
        return answer.json()["data"] if answer.status_code == 200 else None

    def query(self, text):
        found = self.ask("/query", query=text)
        return found["result"] if found else []

    def value(self, text):
        result = self.query(text)
        return float(result[0]["value"][1]) if len(result) == 1 else None

    def end(self):
        self.client.close()
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


def applications_metrics():
    """A counter, a gauge, a histogram and an exponential one, each with known values."""
    now = time.time_ns()
    message = request("metrics", 0, service="planner", resource={
        "service.namespace": "fleet", "service.instance.id": "p-1", "host.name": "h"})
    (scope,) = scopes(message)
    calls = scope.metrics.add(name="agent.calls", unit="{call}")
    calls.sum.aggregation_temporality, calls.sum.is_monotonic = 2, True
    point = calls.sum.data_points.add(as_int=42, time_unix_nano=now, start_time_unix_nano=START)
    point.attributes.append(attribute("tool.name", "search"))
    point.exemplars.add(
        as_double=1.5, time_unix_nano=now, trace_id=TRACE, span_id=SPAN)
    depth = scope.metrics.add(name="queue.depth", unit="By")
    depth.gauge.data_points.add(as_double=-7.25, time_unix_nano=now)
    latency = scope.metrics.add(name="agent.latency", unit="s")
    latency.histogram.aggregation_temporality = 2
    point = latency.histogram.data_points.add(
        count=6, sum=21.5, explicit_bounds=[1, 5], bucket_counts=[1, 2, 3], time_unix_nano=now,
        start_time_unix_nano=START)
    point.exemplars.add(as_double=4.0, time_unix_nano=now, trace_id=TRACE, span_id=SPAN)
    native = scope.metrics.add(name="agent.size", unit="By")
    native.exponential_histogram.aggregation_temporality = 2
    point = native.exponential_histogram.data_points.add(
        count=10, sum=100, scale=1, zero_count=1, time_unix_nano=now, start_time_unix_nano=START)
    point.positive.offset = 2
    point.positive.bucket_counts.extend([2, 3, 4])
    return message


@pytest.mark.parametrize("features", ["native-histograms,exemplar-storage", ""])
def test_a_real_prometheus_finds_what_was_sent(roost, tmp_path, features):
    process = roost()
    way = GRPCWay(process)
    assert way.send("metrics", applications_metrics()).outcome == "OK"
    assert way.send("traces", request("traces", 25, service="checkout")).outcome == "OK"
    prometheus = Prometheus(tmp_path / "prometheus", process.web, features)
    try:
        wait_until(
            lambda: prometheus.value('traces_span_metrics_calls_total{service_name="checkout"}'),
            timeout=30, every=0.1, what="a scrape")
        assert prometheus.value('up{job="roost"}') == 1
        where = '{job="fleet/planner",instance="p-1"}'
        assert prometheus.value(f"agent_calls_total{where}") == 42
        (series,) = prometheus.query("agent_calls_total")
        assert series["metric"]["tool_name"] == "search"
        assert series["metric"]["otel_scope_name"] == "agent"
        assert not [name for name in series["metric"] if name.startswith("exported_")]
        assert prometheus.value(f"queue_depth_bytes{where}") == -7.25
        assert prometheus.value(f"agent_latency_seconds_count{where}") == 6
        assert prometheus.value(f"agent_latency_seconds_sum{where}") == 21.5
        assert prometheus.value('agent_latency_seconds_bucket{le="5"}') == 3 or (
            prometheus.value('agent_latency_seconds_bucket{le="5.0"}') == 3)
        assert prometheus.value(f"target_info{where}") == 1
        assert prometheus.value(
            'traces_span_metrics_calls_total{service_name="checkout",span_name="plan",'
            'span_kind="SPAN_KIND_CLIENT",status_code="STATUS_CODE_OK"}') == 25
        assert prometheus.value(
            'roost_receiver_accepted_spans_total{transport="grpc",job="roost"}') == 25
        assert prometheus.value("roost_build_info") == 1
        if features:
            assert prometheus.value(f"histogram_count(agent_size_bytes{where})") == 10
            assert prometheus.value(f"histogram_sum(agent_size_bytes{where})") == 100
        else:
            assert prometheus.value(f"agent_size_bytes_count{where}") == 10
            assert prometheus.value('agent_size_bytes_bucket{le="+Inf"}') == 10
        metadata = prometheus.ask("/metadata", metric="traces_span_metrics_duration_seconds")
        assert metadata["traces_span_metrics_duration_seconds"][0]["type"] == "histogram"
        if features:
            for name in ("agent_calls_total", "agent_latency_seconds_bucket"):
                found = prometheus.ask(
                    "/query_exemplars", query=name, start=time.time() - 600,
                    end=time.time() + 600)
                labels = found[0]["exemplars"][0]["labels"]
                assert labels["trace_id"] == TRACE.hex(), name
                assert labels["span_id"] == SPAN.hex(), name
            found = prometheus.ask(
                "/query_exemplars", query="traces_span_metrics_calls_total",
                start=START / 1e9 - 600, end=time.time() + 600)
            assert len(found[0]["exemplars"][0]["labels"]["trace_id"]) == 32
    finally:
        prometheus.end()
        way.close()


def own_families(text):
    """Only the families that Roost defines; what applications send keeps its own names."""
    kept, keeps = [], False
    for line in text.splitlines():
        if line.startswith("# HELP"):
            keeps = line.split()[2].startswith(("roost_", "traces_span_metrics_", "process_"))
        if keeps:
            kept.append(line)
    return "\n".join(kept) + "\n"


def test_promtool_has_no_remark_on_roosts_own_families(roost):
    process = roost({"export": [{"name": "far", "endpoint": "http://127.0.0.1:9",
                                 "protocol": "http/protobuf"}]})
    way = GRPCWay(process)
    way.send("traces", request("traces", 10))
    way.send_bytes("logs", b"\x0a")
    way.close()
    text = own_families(process.metrics().text)
    assert text.count("# TYPE ") > 30
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def page(process, accept, coding):
    """The raw bytes of a page, unpacked here."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        with client.stream("GET", f"http://{process.web}/metrics", headers={
                "accept": accept, "accept-encoding": coding}) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers.get("content-encoding", "identity") == coding
        unpack = {
            "gzip": gzip.decompress, "identity": bytes,
            "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)}
        return answer.headers["content-type"], unpack[coding](raw)


def test_many_scrapers_at_once_get_whole_pages(roost):
    process = roost()
    way = GRPCWay(process)
    for part in range(20):
        message = request("metrics", 0, service=f"agent-{part}")
        (scope,) = scopes(message)
        for number in range(10):
            metric = scope.metrics.add(name=f"load.{number}")
            for slot in range(50):
                point = metric.gauge.data_points.add(time_unix_nano=START, as_int=slot)
                point.attributes.append(attribute("slot", str(slot)))
        assert way.send("metrics", message).outcome == "OK"
    way.close()
    asked = [(accept, coding) for accept in ("text/plain", OPENMETRICS, PROTOBUF)
             for coding in ("identity", "gzip", "zstd")] * 3
    with concurrent.futures.ThreadPoolExecutor(len(asked)) as pool:
        pages = list(pool.map(lambda one: page(process, *one), asked))
    for (accept, _), (content_type, content) in zip(asked, pages):
        assert content_type.split(";")[0] == accept.split(";")[0]
        if accept == PROTOBUF:
            assert content.count(b"agent-19") >= 500
        else:
            text = content.decode()
            assert text.count("\nload_") >= 10_000
            assert text.endswith("# EOF\n") == (accept == OPENMETRICS)
    families = list(text_string_to_metric_families(pages[3][1].decode()))
    values = {
        sample.labels["slot"]: sample.value for family in families for sample in family.samples
        if sample.name == "load_3" and sample.labels["job"] == "agent-7"}
    assert values == {str(slot): slot for slot in range(50)}


def test_series_stand_in_the_same_order_each_time(roost):
    process = roost()
    way = GRPCWay(process)
    way.send("metrics", applications_metrics())
    way.send("traces", request("traces", 3))
    way.close()

    def order():
        return [(sample.name, *sorted(sample.labels.items()))
                for sample in process.metrics(OPENMETRICS).samples]
    first, second = order(), order()
    known = set(first)
    # Some may have come in between, such as those of an audit record that is on the disk now.
    assert [sample for sample in second if sample in known] == first
