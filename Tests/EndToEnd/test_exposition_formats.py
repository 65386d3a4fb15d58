"""The three formats of a metrics page, read by those who read them in earnest.

`exposition-sample` prints a page of awkward values through the real writers; Prometheus' Python
parsers, protobuf, promtool and a real Prometheus must find in it what was put in.
"""

import collections
import http.server
import json
import math
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPES = {
    "text": "text/plain; version=0.0.4; charset=utf-8",
    "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
    "protobuf": "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
    "encoding=delimited",
}
AWKWARD = [
    "plain", "", 'quote " inside', "back\\slash", "line\nfeed", "carriage\rreturn",
    "tab\tand # hash", "ünïcode ✓ 🐔", '{a="b",c="d"} 1', "ends in backslash\\",
    "\\n", "nul\0inside", "del\x7f",
]  # fmt: skip
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CREATED = 1780000000.25


def binary():
    named = os.environ.get("EXPOSITION_SAMPLE")
    found = [named] if named else [ROOT / ".build" / kind / "exposition-sample" for kind in ("debug", "release")]
    for path in found:
        if pathlib.Path(path).exists():
            return str(path)
    pytest.fail("exposition-sample is not built: swift build --product exposition-sample")


def page(format, *arguments):
    done = subprocess.run([binary(), format, *arguments], capture_output=True, timeout=60, check=True)
    return done.stdout


def samples_of(families):
    """(name, labels without empty ones) -> sample; every pair only once."""
    found = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, frozenset((k, v) for k, v in sample.labels.items() if v != ""))
            assert key not in found, key
            found[key] = sample
    return found


def pick(samples, name, **labels):
    return samples[name, frozenset((k, v) for k, v in labels.items() if v != "")]


# Text 0.0.4


@pytest.fixture(scope="module")
def text():
    return samples_of(parse_text(page("text").decode()))


def test_text_ends_in_a_line_feed_and_has_no_openmetrics():
    body = page("text").decode()
    assert body.endswith("\n")
    assert "# EOF" not in body and " # {" not in body and "_created" not in body
    assert "# UNIT" not in body and " unknown\n" not in body
    assert "# TYPE sample_awkward_total counter\n" in body
    assert "# TYPE target_info gauge\n" in body
    assert "# TYPE sample_unknown untyped\n" in body


def test_text_label_values_come_back(text):
    for index, value in enumerate(AWKWARD):
        assert pick(text, "sample_awkward_total", index=str(index), value=value).value == index


def test_text_numbers_come_back(text):
    expected = {
        "inf": math.inf, "neg_inf": -math.inf, "zero": 0, "neg_zero": 0, "neg": -12.5, "tiny": 5e-324,
        "huge": 1.7976931348623157e308, "third": 1 / 3, "micro": 1e-6, "e16": 1e16, "e21": 1e21,
        "mixed": 123456789.125,
    }  # fmt: skip
    for name, value in expected.items():
        assert pick(text, "sample_gauge", n=name).value == value
    assert math.isnan(pick(text, "sample_gauge", n="nan").value)
    assert pick(text, "sample_cost_usd_total").value == 0.1 + 0.2


def test_text_leaves_out_what_is_no_counter(text):
    assert [k for k in text if ("n", "never") in k[1]] == []


def test_text_histograms_are_cumulative(text):
    found = [
        pick(text, "sample_duration_seconds_bucket", kind="usual", le=le).value
        for le in ("1e-05", "0.5", "1", "2.5", "1e+06", "+Inf")
    ]
    assert found == [1, 3, 3, 7, 12, 18]
    assert pick(text, "sample_duration_seconds_count", kind="no buckets").value == 3
    assert pick(text, "sample_duration_seconds_bucket", kind="no buckets", le="+Inf").value == 3


def test_exponential_histograms_are_classic_with_at_most_forty_bounds(text):
    bounds = collections.defaultdict(list)
    for (name, labels), sample in text.items():
        if name == "sample_native_seconds_bucket":
            bounds[dict(labels)["kind"]].append((float(dict(labels)["le"]), sample.value))
    assert bounds["usual"] == [
        (0, 2), (8, 2), (16, 12), (32, 12), (64, 12), (128, 32), (256, 37), (512, 39), (math.inf, 39)
    ]  # fmt: skip
    assert bounds["empty"] == [(math.inf, 0)]
    for kind, buckets in bounds.items():
        assert buckets == sorted(buckets), kind
        assert len(buckets) <= 41
    assert bounds["fine"][-1][1] == sum(n % 7 for n in range(1000))


def test_promtool_finds_fault_only_with_the_names_of_the_sample():
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=page("text"), capture_output=True, timeout=60
    )
    lines = (done.stdout + done.stderr).decode().splitlines()
    assert [line for line in lines if "should not include type" not in line] == []


# OpenMetrics


@pytest.fixture(scope="module")
def openmetrics():
    return samples_of(parse_openmetrics(page("openmetrics").decode()))


def test_openmetrics_label_values_and_created_times_come_back(openmetrics):
    for index, value in enumerate(AWKWARD):
        labels = {"index": str(index), "value": value}
        assert pick(openmetrics, "sample_awkward_total", **labels).value == index
        assert pick(openmetrics, "sample_awkward_created", **labels).value == CREATED


def test_openmetrics_families_are_named_without_the_suffix():
    families = {family.name: family for family in parse_openmetrics(page("openmetrics").decode())}
    assert families["sample_awkward"].type == "counter"
    assert families["target"].type == "info"
    assert families["sample_state"].type == "stateset"
    assert families["sample_unknown"].type == "unknown"
    assert families["sample_cost_usd"].unit == "usd"
    assert families["sample_duration_seconds"].unit == "seconds"
    assert families["sample_awkward"].documentation == (
        'Backslash \\, "quotes" and\na second line, ünïcode ✓'
    )


def test_openmetrics_exemplars_stand_in_their_bucket(openmetrics):
    def exemplar(le):
        return pick(openmetrics, "sample_duration_seconds_bucket", kind="usual", le=le).exemplar

    assert [exemplar(le) is not None for le in ("1e-05", "0.5", "1.0", "2.5", "1e+06", "+Inf")] == [
        False, True, False, True, False, True
    ]  # fmt: skip
    assert exemplar("0.5").value == 0.25
    assert exemplar("0.5").labels == {"trace_id": TRACE, "span_id": SPAN}
    assert float(exemplar("0.5").timestamp) == 1780000000.5


def test_openmetrics_exemplars_drop_attributes_that_do_not_fit(openmetrics):
    exemplar = pick(openmetrics, "sample_cost_usd_total").exemplar
    assert exemplar.labels == {
        "trace_id": TRACE, "span_id": SPAN, "gen_ai_request_model": "model", "user": "✓"
    }  # fmt: skip
    assert sum(len(k) + len(v) for k, v in exemplar.labels.items()) <= 128


def test_openmetrics_leaves_out_forbidden_sums(openmetrics):
    for kind in ("no sum", "negative"):
        for suffix in ("sum", "count"):
            assert ("sample_duration_seconds_" + suffix, frozenset({("kind", kind)})) not in openmetrics


# Protobuf


def message_class():
    out = subprocess.run(
        ["protoc", "-I", str(ROOT / "Protos"), "--include_imports", "--descriptor_set_out=/dev/stdout",
         "io/prometheus/client/metrics.proto"],
        capture_output=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(out).file:
        pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("io.prometheus.client.MetricFamily")
    )


def families(body):
    """Splits the stream at its lengths."""
    kind = message_class()
    offset, found = 0, []
    while offset < len(body):
        length, shift = 0, 0
        while True:
            byte = body[offset]
            offset += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        assert offset + length <= len(body)
        found.append(kind.FromString(body[offset : offset + length]))
        offset += length
    return found


@pytest.fixture(scope="module")
def protobuf():
    return {family.name: family for family in families(page("protobuf"))}


def labels_of(metric):
    return {pair.name: pair.value for pair in metric.label}


def test_protobuf_holds_each_family_once_and_none_empty(protobuf):
    assert len(protobuf) == len(families(page("protobuf")))
    assert "sample_empty" not in protobuf
    assert all(family.metric for family in protobuf.values())


def test_protobuf_has_no_unknown_fields(protobuf):
    for family in protobuf.values():
        again = type(family).FromString(family.SerializeToString())
        again.DiscardUnknownFields()
        assert again == family or "nan" in str(family)
        assert len(again.SerializeToString()) == len(family.SerializeToString())


def test_protobuf_counters(protobuf):
    family = protobuf["sample_awkward_total"]
    assert family.type == 0
    assert [labels_of(m)["value"] for m in family.metric] == AWKWARD
    assert [m.counter.value for m in family.metric] == list(range(len(AWKWARD)))
    counter = family.metric[3].counter
    assert counter.created_timestamp.seconds + counter.created_timestamp.nanos / 1e9 == CREATED
    assert {p.name: p.value for p in counter.exemplar.label} == {"trace_id": TRACE, "span_id": SPAN}
    assert counter.exemplar.timestamp.nanos == 500_000_000
    extra = protobuf["sample_cost_usd_total"].metric[0].counter.exemplar
    assert [p.name for p in extra.label] == ["trace_id", "span_id", "gen_ai_request_model", "user"]


def test_protobuf_types(protobuf):
    assert protobuf["target_info"].type == 1 and protobuf["target_info"].metric[0].gauge.value == 1
    assert protobuf["sample_unknown"].type == 3
    assert protobuf["sample_unknown"].metric[0].untyped.value == 3
    assert protobuf["sample_summary"].type == 2
    assert protobuf["sample_duration_seconds"].type == 4
    assert protobuf["sample_duration_seconds"].unit == "seconds"


def test_protobuf_explicit_histograms(protobuf):
    usual = protobuf["sample_duration_seconds"].metric[0].histogram
    assert [(b.upper_bound, b.cumulative_count) for b in usual.bucket] == [
        (1e-05, 1), (0.5, 3), (1, 3), (2.5, 7), (1e6, 12), (math.inf, 18)
    ]  # fmt: skip
    assert [b.HasField("exemplar") for b in usual.bucket] == [False, True, False, True, False, True]
    assert (usual.sample_count, usual.sample_sum) == (18, 12.75)
    assert math.isnan(protobuf["sample_duration_seconds"].metric[2].histogram.sample_sum)


def native_counts(spans, deltas):
    counts, index, count, deltas = {}, 0, 0, iter(deltas)
    for span in spans:
        index += span.offset
        for _ in range(span.length):
            count += next(deltas)
            counts[index] = count
            index += 1
    assert next(deltas, None) is None
    return {index: count for index, count in counts.items() if count}


def test_protobuf_native_histograms(protobuf):
    found = {
        labels_of(m)["kind"]: m.histogram for m in protobuf["sample_native_seconds"].metric
    }
    usual = found["usual"]
    assert (usual.schema, usual.zero_count, usual.zero_threshold) == (0, 2, 1e-128)
    assert [(s.offset, s.length) for s in usual.positive_span] == [(4, 1), (2, 3)]
    assert list(usual.positive_delta) == [10, 10, -15, -3]
    assert usual.sample_count == 39 and usual.sample_sum == 512
    assert [e.value for e in usual.exemplars] == [20]
    assert [(s.offset, s.length) for s in found["empty"].positive_span] == [(0, 0)]
    both = found["both sides"]
    assert native_counts(both.positive_span, both.positive_delta) == {-2: 1, -1: 2, 0: 3}
    assert native_counts(both.negative_span, both.negative_delta) == {2: 4, 4: 5}
    fine = found["fine"]
    assert fine.schema == 8
    merged = collections.Counter()
    for place in range(1000):
        merged[((place - 500) >> 12) + 1] += place % 7
    assert native_counts(fine.positive_span, fine.positive_delta) == dict(merged)
    # No native histogram is as coarse as this one.
    assert len(found["coarse"].bucket) == 3 and not found["coarse"].positive_span


def test_protobuf_splits_only_what_is_large():
    small = families(page("protobuf", "counters", "200"))
    large = families(page("protobuf", "counters", "20000"))
    assert len(small) == 1
    assert 1 < len(large) < 40
    assert {f.name for f in large} == {"sample_calls_total"}
    assert [int(m.counter.value) for f in large for m in f.metric] == [17 * n for n in range(20000)]


# Pages of random families


def told_by_protobuf(body):
    """(name, labels) -> value of all samples that stand for one number."""
    found = {}
    for family in families(body):
        for metric in family.metric:
            labels = frozenset((k, v) for k, v in labels_of(metric).items() if v != "")
            for field in ("counter", "gauge", "untyped"):
                if metric.HasField(field):
                    found[family.name, labels] = getattr(metric, field).value
            if metric.HasField("histogram"):
                found[family.name + "_count", labels] = metric.histogram.sample_count
            if metric.HasField("summary"):
                found[family.name + "_count", labels] = metric.summary.sample_count
    return found


def told_by_text(samples):
    skipped = ("_bucket", "_sum", "_created")
    return {
        key: sample.value
        for key, sample in samples.items()
        if not key[0].endswith(skipped) and not any(name == "quantile" for name, _ in key[1])
    }


def same(left, right):
    return left == right or math.isnan(left) and math.isnan(right)


@pytest.mark.parametrize("seed", range(60))
def test_random_pages_say_the_same_in_every_format(seed):
    bodies = {format: page(format, "random", str(seed)) for format in TYPES}
    text = told_by_text(samples_of(parse_text(bodies["text"].decode())))
    protobuf = told_by_protobuf(bodies["protobuf"])
    assert text.keys() == protobuf.keys()
    assert all(same(text[key], protobuf[key]) for key in text)
    openmetrics = samples_of(parse_openmetrics(bodies["openmetrics"].decode()))
    told = told_by_text(openmetrics)
    # Counts of histograms whose sum OpenMetrics forbids are missing there.
    assert told.keys() <= text.keys()
    assert all(key[0].endswith("_count") for key in text.keys() - told.keys())
    assert all(same(text[key], told[key]) for key in told)
    for sample in openmetrics.values():
        if sample.exemplar:
            assert sum(len(k) + len(v) for k, v in sample.exemplar.labels.items()) <= 128


# A real Prometheus

PAGES = {
    f"random-{seed}": ["random", str(seed), "quotes"] for seed in range(8)
} | {"sample": [], "counters": ["counters", "20000"], "histograms": ["histograms", "3000"]}


class Replay(http.server.BaseHTTPRequestHandler):
    """Answers /FORMAT/PAGE with bytes made before."""

    bodies = {}

    def do_GET(self):
        format, name = self.path.strip("/").split("/")
        self.send_response(200)
        self.send_header("Content-Type", TYPES[format])
        self.end_headers()
        self.wfile.write(self.bodies[format, name])

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def target():
    Replay.bodies = {(f, n): page(f, *arguments) for f in TYPES for n, arguments in PAGES.items()}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus:
    def __init__(self, port, process, log):
        self.port, self.process, self.log = port, process, log

    def query(self, text):
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": text})
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]["result"]

    def value(self, text):
        result = self.query(text)
        assert len(result) == 1, (text, result)
        return float(result[0]["value"][1])

    def exemplars(self, text):
        url = f"http://127.0.0.1:{self.port}/api/v1/query_exemplars?" + urllib.parse.urlencode(
            {"query": text, "start": 1779990000, "end": time.time()}
        )
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def wait(self, done, seconds=60):
        """Asks until `done()` holds."""
        deadline = time.monotonic() + seconds
        while True:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if done():
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, self.failures()
            threading.Event().wait(0.2)

    def failures(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/targets", timeout=10) as answer:
            targets = json.load(answer)["data"]["activeTargets"]
        return {t["labels"]["job"]: t["lastError"] for t in targets} | {"log": self.log.read_text()[-2000:]}


@pytest.fixture(scope="module", params=["plain", "native-histograms,exemplar-storage"])
def prometheus(request, target, tmp_path_factory):
    if not shutil.which("prometheus"):
        pytest.fail("prometheus is not installed")
    folder = tmp_path_factory.mktemp("prometheus")
    jobs = [
        {
            "job_name": f"{format}-{name}",
            "metrics_path": f"/{format}/{name}",
            "honor_labels": False,
            "static_configs": [{"targets": [f"127.0.0.1:{target}"]}],
        }
        for format in TYPES
        # Without the feature Prometheus reads no protobuf.
        if format != "protobuf" or request.param != "plain"
        for name in PAGES
    ]
    config = {"global": {"scrape_interval": "2s", "scrape_timeout": "2s"}, "scrape_configs": jobs}
    (folder / "prometheus.yml").write_text(json.dumps(config))
    port = free_port()
    command = [
        "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    ]  # fmt: skip
    if request.param != "plain":
        command.append(f"--enable-feature={request.param}")
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    server = Prometheus(port, process, log)
    server.jobs = [job["job_name"] for job in jobs]
    server.has_native = request.param != "plain"
    try:
        server.wait(lambda: len(server.query("up == 1")) == len(jobs))
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_prometheus_takes_every_page(prometheus):
    assert {r["metric"]["job"]: r["value"][1] for r in prometheus.query("up")} == {
        job: "1" for job in prometheus.jobs
    }


def test_prometheus_warns_of_nothing(prometheus):
    assert prometheus.log.read_text() == ""


def test_prometheus_finds_every_series(prometheus):
    for job in prometheus.jobs:
        if job.endswith("-counters"):
            assert prometheus.value(f'count(sample_calls_total{{job="{job}"}})') == 20000
            assert prometheus.value(f'sum(sample_calls_total{{job="{job}"}})') == sum(
                17 * n for n in range(20000)
            )
        if job.endswith("-histograms"):
            assert prometheus.value(f'count(sample_seconds_count{{job="{job}"}})') == 3000
            assert prometheus.value(f'sum(sample_seconds_bucket{{job="{job}",le="+Inf"}})') == sum(
                n + 6 for n in range(3000)
            )


def test_prometheus_reads_the_values_back(prometheus):
    for job in prometheus.jobs:
        if not job.endswith("-sample"):
            continue
        found = {
            int(r["metric"]["index"]): (r["metric"].get("value", ""), float(r["value"][1]))
            for r in prometheus.query(f'sample_awkward_total{{job="{job}"}}')
        }
        assert found == {index: (value, index) for index, value in enumerate(AWKWARD)}, job
        gauges = {
            r["metric"]["n"]: float(r["value"][1])
            for r in prometheus.query(f'sample_gauge{{job="{job}"}}')
        }
        assert gauges["third"] == 1 / 3 and gauges["tiny"] == 5e-324 and gauges["neg_inf"] == -math.inf
        assert math.isnan(gauges["nan"])
        buckets = {
            float(r["metric"]["le"]): float(r["value"][1])
            for r in prometheus.query(f'sample_duration_seconds_bucket{{job="{job}",kind="usual"}}')
        }
        assert buckets == {1e-05: 1, 0.5: 3, 1: 3, 2.5: 7, 1e6: 12, math.inf: 18}, job
        assert prometheus.value(f'sample_summary{{job="{job}",quantile=~"0.99"}}') == 3.5


def test_prometheus_reads_native_histograms(prometheus):
    if not prometheus.has_native:
        pytest.skip("needs the feature")
    selector = 'sample_native_seconds{job="protobuf-sample",kind="%s"}'
    assert prometheus.value(f"histogram_count({selector % 'usual'})") == 39
    assert prometheus.value(f"histogram_sum({selector % 'usual'})") == 512
    # 12 of 39 are at most 16, 32 at most 128.
    assert prometheus.value(f"histogram_fraction(0, 16, {selector % 'usual'})") == pytest.approx(12 / 39)
    assert prometheus.value(f"histogram_count({selector % 'empty'})") == 0
    assert prometheus.value(f"histogram_count({selector % 'fine'})") == 2997
    assert prometheus.value(f"histogram_count({selector % 'both sides'})") == 16


def test_prometheus_stores_exemplars(prometheus):
    if not prometheus.has_native:
        pytest.skip("needs the feature")
    for job in ("openmetrics-sample", "protobuf-sample"):
        found = prometheus.exemplars(f'sample_duration_seconds_bucket{{job="{job}"}}')
        values = sorted(float(e["value"]) for series in found for e in series["exemplars"])
        assert values == [0.25, 1.5, 5e6], job
        assert all(e["labels"]["trace_id"] == TRACE for series in found for e in series["exemplars"])
