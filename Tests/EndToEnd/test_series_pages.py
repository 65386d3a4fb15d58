"""Whatever applications send as OTLP metrics, the page parses and holds every series once.

`exposition-sample FORMAT otlp N` takes requests on standard input. They are made at random from
names that clash, labels that collide and numbers that no metric should have; Prometheus' Python
parsers must read the page in both text formats, and find the same series.
"""

import math
import os
import pathlib
import random
import struct
import subprocess

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = [
    "a", "a.total", "a_total", "a.count", "a.sum", "a.bucket", "a.created", "a.info", "total", "a b",
    "1st", "", "..", "roost.x", "h", "h.count", "größe", "le", "target", "target.info", "x:y", "_a",
]  # fmt: skip
UNITS = ["", "1", "s", "By", "{x}", "ms/s", "%", "info", "total", "a/b/c", "{a}/s", "^"]
KEYS = ["a", "a.b", "a_b", "le", "quantile", "job", "__name__", "__x__", "", "9", "otel.scope.name",
        "otel.metric.overflow", "instance", "état", "exported_le"]  # fmt: skip
VALUES = ["", "x", "true", 'q"', "b\\", "l\nf", "ü", "a;b", "y" * 5000]
ODD = [0.0, -1.0, 1e308, math.inf, -math.inf, math.nan, 5e-324, 3.0, 2.5]
HUGE = 2**64 - 1


def binary():
    named = os.environ.get("EXPOSITION_SAMPLE")
    found = [named] if named else [ROOT / ".build" / kind / "exposition-sample" for kind in ("debug", "release")]
    for path in found:
        if pathlib.Path(path).exists():
            return str(path)
    pytest.fail("exposition-sample is not built: swift build --product exposition-sample")


def attributes(chance, target):
    for _ in range(chance.choice([0, 1, 1, 2, 4])):
        entry = target.add(key=chance.choice(KEYS))
        kind = chance.randrange(5)
        if kind == 0:
            entry.value.int_value = chance.choice([-1, 0, 2**63 - 1])
        elif kind == 1:
            entry.value.double_value = chance.choice(ODD)
        elif kind == 2:
            entry.value.array_value.values.add(string_value=chance.choice(VALUES))
        else:
            entry.value.string_value = chance.choice(VALUES)


def count(chance):
    return chance.choice([0, 1, 2, 7, 7, 2**40, HUGE] if chance.random() < 0.1 else [0, 1, 2, 7])


def times(chance, point):
    point.start_time_unix_nano = chance.choice([0, 10, 10, 50])
    point.time_unix_nano = chance.choice([0, 20, 30, 40, 60, 70])
    point.flags = 1 if chance.random() < 0.05 else 0
    attributes(chance, point.attributes)


def exemplar(chance, point):
    if chance.random() < 0.3:
        made = point.exemplars.add(as_double=chance.choice(ODD), time_unix_nano=chance.randrange(100))
        made.trace_id, made.span_id = bytes(chance.randrange(1, 9) for _ in range(16)), bytes([1] * 8)
        # The OpenMetrics parser cannot read a quotation mark in an exemplar, escaped as it should be.
        for key in chance.sample(KEYS, chance.randrange(3)):
            made.filtered_attributes.add(key=key).value.string_value = chance.choice(["", "x", "ü", "y" * 200])


def number(chance, point):
    times(chance, point)
    exemplar(chance, point)
    kind = chance.randrange(10)
    if kind < 5:
        point.as_int = chance.choice([0, 1, 5, -3, 2**62])
    elif kind < 9:
        point.as_double = chance.choice(ODD)


def histogram(chance, point):
    times(chance, point)
    exemplar(chance, point)
    bounds = chance.choice([[], [1], [1, 2], [0.5, 1, math.inf], [-math.inf, 0], [-1, 1], list(range(50))])
    point.explicit_bounds.extend(bounds)
    point.bucket_counts.extend(count(chance) for _ in range(len(bounds) + 1 if bounds else 0))
    point.count = sum(point.bucket_counts) & HUGE if bounds else count(chance)
    if chance.random() < 0.8:
        point.sum = chance.choice(ODD)


def exponential(chance, point):
    times(chance, point)
    exemplar(chance, point)
    point.scale = chance.choice([0, 0, 3, 8, 12, 20, -4, -5, 2**31 - 1, -(2**31)])
    point.zero_count = count(chance)
    point.zero_threshold = chance.choice([0, 0, 1e-9, 3, math.inf, -1])
    for side in (point.positive, point.negative):
        side.offset = chance.choice([0, 0, -3, 5, 1000, -1000, 2**31 - 1, -(2**31)])
        side.bucket_counts.extend(count(chance) for _ in range(chance.choice([0, 1, 3, 400])))
    point.count = count(chance)
    if chance.random() < 0.8:
        point.sum = chance.choice(ODD)


def summary(chance, point):
    times(chance, point)
    point.count, point.sum = count(chance), chance.choice(ODD)
    for _ in range(chance.randrange(4)):
        point.quantile_values.add(quantile=chance.choice([0, 0.5, 0.99, 1, 2, -1, math.nan]), value=chance.choice(ODD))


def request(chance):
    made = ExportMetricsServiceRequest()
    entry = made.resource_metrics.add()
    for key in ("service.name", "service.instance.id", "service.namespace", "host.name", "process.pid"):
        if chance.random() < 0.5:
            entry.resource.attributes.add(key=key).value.string_value = chance.choice(VALUES)
    scope = entry.scope_metrics.add()
    scope.scope.name = chance.choice(["", "lib"])
    attributes(chance, scope.scope.attributes)
    for _ in range(chance.randrange(1, 12)):
        metric = scope.metrics.add(name=chance.choice(NAMES), unit=chance.choice(UNITS))
        metric.description = chance.choice(["", "help", 'q" \\ \n x'])
        if chance.random() < 0.2:
            word = chance.choice(["info", "unknown", "stateset", "gauge", "?"])
            metric.metadata.add(key="prometheus.type").value.string_value = word
        kind, fill = chance.choice(
            [("gauge", number), ("sum", number), ("sum", number), ("histogram", histogram),
             ("exponential_histogram", exponential), ("summary", summary)]
        )  # fmt: skip
        data = getattr(metric, kind)
        if kind in ("sum", "histogram", "exponential_histogram"):
            data.aggregation_temporality = chance.choice([1, 2])
        if kind == "sum":
            data.is_monotonic = chance.random() < 0.8
        for _ in range(chance.randrange(1, 6)):
            fill(chance, data.data_points.add())
    return made.SerializeToString()


def page(format, requests, limit):
    framed = b"".join(struct.pack("<I", len(body)) + body for body in requests)
    done = subprocess.run([binary(), format, "otlp", str(limit)], input=framed, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.decode()


def keys(families):
    found = set()
    for family in families:
        for sample in family.samples:
            labels = dict(sample.labels)
            for name in ("le", "quantile"):
                if name in labels:
                    labels[name] = float(labels[name])
            key = (sample.name, frozenset(labels.items()))
            assert key not in found, key
            assert "" not in sample.labels.values()
            found.add(key)
    return found


@pytest.mark.parametrize("seed", range(int(os.environ.get("SERIES_SEEDS", "60"))))
def test_any_page_parses_and_holds_each_series_once(seed):
    chance = random.Random(seed)
    requests = [request(chance) for _ in range(30)]
    limit = chance.choice([1, 3, 1000])
    text = keys(parse_text(page("text", requests, limit)))
    assert text
    keys(parse_openmetrics(page("openmetrics", requests, limit)))
