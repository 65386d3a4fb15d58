"""One stream of metrics over many connections, as a balancer in front of an SDK makes of it."""

import concurrent.futures
import random

import grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub

SECOND = 1_000_000_000
START = 1_780_000_000 * SECOND


def request(points, temporality):
    """`points` are (start, time, value) of one counter."""
    message = ExportMetricsServiceRequest()
    resource = message.resource_metrics.add()
    for key, value in (("service.name", "worker"), ("service.instance.id", "w-1")):
        attribute = resource.resource.attributes.add(key=key)
        attribute.value.string_value = value
    metric = resource.scope_metrics.add().metrics.add(name="jobs.done")
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = temporality
    for start, time, value in points:
        metric.sum.data_points.add(
            start_time_unix_nano=start, time_unix_nano=time, as_int=value)
    return message


class Fan:
    """Eight connections of their own; requests take turns."""

    def __init__(self, address):
        self.channels = [
            grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
            for _ in range(8)
        ]
        self.stubs = [MetricsServiceStub(channel) for channel in self.channels]

    def send(self, turn, message):
        answer = self.stubs[turn % 8].Export(message, timeout=10)
        assert answer.partial_success.rejected_data_points == 0

    def close(self):
        for channel in self.channels:
            channel.close()


def total(roost):
    return roost.metrics().value("jobs_done_total", job="worker", instance="w-1")


def test_a_cumulative_stream_with_a_restart_shows_what_the_application_counted(roost):
    collector = roost()
    fan = Fan(collector.grpc)
    for turn in range(200):
        fan.send(turn, request([(START, START + (turn + 1) * SECOND, (turn + 1) * 5)], 2))
    assert total(collector) == 1000
    # The application restarts: it counts from 0 again, with a later start.
    again = START + 300 * SECOND
    for turn in range(40):
        fan.send(turn, request([(again, again + (turn + 1) * SECOND, turn + 1)], 2))
    assert total(collector) == 40
    # What was under way on another connection arrives late, and must not bring the old life back.
    fan.send(3, request([(START, START + 200 * SECOND, 1000)], 2))
    fan.send(4, request([(again, again + 7 * SECOND, 7)], 2))
    assert total(collector) == 40
    page = collector.metrics()
    assert page.value("roost_metrics_stream_resets_total") == 1
    assert page.value("roost_metrics_late_points_total") == 2
    fan.close()


def test_a_cumulative_stream_in_any_order_never_falls(roost):
    collector = roost()
    fan = Fan(collector.grpc)
    turns = list(range(400))
    random.Random(5).shuffle(turns)
    seen = 0
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for first in range(0, 400, 50):
            list(pool.map(
                lambda turn: fan.send(
                    turn, request([(START, START + (turn + 1) * SECOND, turn + 1)], 2)),
                turns[first:first + 50]))
            now = total(collector)
            assert now == max(turns[: first + 50]) + 1 and now >= seen
            seen = now
    fan.close()


def test_a_delta_stream_with_a_restart_adds_up(roost):
    collector = roost()
    fan = Fan(collector.grpc)
    for turn in range(200):
        fan.send(turn, request([(START + turn * SECOND, START + (turn + 1) * SECOND, 3)], 1))
    assert total(collector) == 600
    # After a restart the next delta begins later than the last one ended: a gap, nothing lost.
    again = START + 1000 * SECOND
    for turn in range(100):
        fan.send(turn, request([(again + turn * SECOND, again + (turn + 1) * SECOND, 2)], 1))
    page = collector.metrics()
    assert page.value("jobs_done_total") == 800
    assert page.value("roost_metrics_delta_gaps_total") == 1
    fan.close()
