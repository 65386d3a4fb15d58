"""Requests made of millions of items of a few bytes, which are nothing when they are packed: what is
known of each is more than it has, so it must never be held of all."""

import gzip
import threading
import time

import pytest
from conftest import starter, wait_until
from telemetry import HTTPWay, request

MIB = 1 << 20
LIMIT = 128 * MIB
# What resident memory may have above the limit.
ABOVE = 32 * MIB
SIZE = 28 * MIB


def field(number, content):
    length, size = len(content), b""
    while length > 0x7F:
        size += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


def repeated(*parts):
    """As many as there is room for; answers how many too."""
    part = b"".join(parts)
    return part * (SIZE // len(part)), SIZE // len(part) * len(parts)


# A field that no version of OTLP has, and the shortest record, or scope.
UNKNOWN, EMPTY = b"\x78\x01", field(2, b"")
EVENT = field(2, field(12, b"codex.tool_result"))
SPAN = field(2, field(1, b"\1" * 16) + field(2, b"\2" * 8))


def events():
    content, count = repeated(EVENT)
    return "logs", field(1, field(2, content)), count


def fields_between_records():
    content, count = repeated(EMPTY + UNKNOWN)
    return "logs", field(1, field(2, content)), count


def fields_between_scopes():
    content, _ = repeated(EMPTY + UNKNOWN)
    return "traces", field(1, content + field(2, SPAN)), 1


def records_of_two_places():
    content, count = repeated(EMPTY, field(2, field(9, b"\1" * 16)))
    return "logs", field(1, field(2, content)), count


def a_header_of_megabytes():
    content, count = repeated(EMPTY)
    return "logs", field(1, field(15, bytes(2 * MIB)) + field(2, content)), count


class Beside:
    """Sends requests of a point, one after another, for as long as it is open."""

    def __init__(self, process):
        self.way = HTTPWay(process)
        self.outcomes = []
        self.longest = 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ending.wait(0.05):
            began = time.monotonic()
            self.outcomes.append(self.way.send("metrics", request("metrics")).outcome)
            self.longest = max(self.longest, time.monotonic() - began)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()
        self.way.close()


@pytest.mark.parametrize("make", [
    events, fields_between_records, fields_between_scopes, records_of_two_places,
    a_header_of_megabytes,
])
def test_millions_of_small_items_stay_inside_the_memory_limit(tmp_path, make):
    signal, body, items = make()
    packed = gzip.compress(body, 6)
    assert len(packed) < 2 * MIB
    word = "log_records" if signal == "logs" else "spans"
    with starter(tmp_path) as start:
        process = start({"limits": {"memory": f"{LIMIT // MIB}MiB"}})
        with Beside(process) as beside:
            way = HTTPWay(process)
            answer = way.send_bytes(
                signal, packed, headers={"content-encoding": "gzip"}, timeout=120)
            assert answer.outcome == "OK"
            way.close()
            # All of it has been read by the store, too.
            wait_until(
                lambda: process.status()["store"]["queue_bytes"] == 0, timeout=120,
                what="the store has read it")
        assert set(beside.outcomes) == {"OK"} and beside.longest < 10
        assert process.resident_bytes(peak=True) < LIMIT + ABOVE
        page = process.metrics()
        assert page.value(f"roost_receiver_accepted_{word}_total") == items
        # What stands in too large a header is not stored.
        dropped = page.value(
            f"roost_dropped_{word}_total", exporter="store", reason="disk")
        assert dropped == (0 if make in (events, records_of_two_places) else items)
