"""Answers about traces that are large for the memory there is."""

import urllib.parse

import httpx
import pytest
from conftest import starter, wait_until
from openapi import ROOT
from telemetry import PROTOBUF, START, attribute, request, scopes

FITS, TOO_LARGE, EVENTFUL = "a" * 32, "b" * 32, "d" * 32
KIB = 1024
# Of 16 MiB one answer has a quarter less a sixteenth, and takes six times the bytes of a trace.
SIZES = {FITS: 350 * KIB, TOO_LARGE: 800 * KIB}


def send(process, message):
    answer = httpx.post(
        f"http://{process.http}/v1/traces", content=message.SerializeToString(),
        headers={"content-type": PROTOBUF}, trust_env=False)
    assert answer.status_code == 200, answer.text


def spans(process):
    """How many are stored of each trace."""
    page = process.get(ROOT + "traces").json()
    return {one["trace_id"]: one["spans"] for one in page["traces"]}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A collector with little memory, and two traces of spans of a kibibyte."""
    with starter(tmp_path_factory.mktemp("small")) as start:
        process = start({"limits": {"memory": "16MiB"}})
        for trace, size in SIZES.items():
            for first in range(0, size // KIB, 100):
                message = request("traces", 0, service="front")
                for number in range(first, min(first + 100, size // KIB)):
                    scopes(message)[0].spans.add(
                        trace_id=bytes.fromhex(trace), span_id=(number + 1).to_bytes(8, "big"),
                        parent_span_id=b"" if number == 0 else (1).to_bytes(8, "big"),
                        name="work", start_time_unix_nano=START + number,
                        end_time_unix_nano=START + 10**9,
                        attributes=[attribute("text", "x" * 960)])
                send(process, message)

        wanted = {trace: size // KIB for trace, size in SIZES.items()}
        wait_until(lambda: spans(process) == wanted, what="both traces")
        yield process


def test_what_fits_once_is_compared_with_what_fits_once(small):
    page = small.get(f"{ROOT}traces/compare?a={FITS}&b={FITS}")
    assert page.status_code == 200, page.text
    assert page.json()["totals"]["spans"]["delta"] == 0
    assert page.json()["a"]["spans"] == SIZES[FITS] // KIB


@pytest.mark.parametrize("path", [
    f"traces/{TOO_LARGE}", f"traces/{TOO_LARGE}/analysis",
    f"traces/compare?a={FITS}&b={TOO_LARGE}"])
def test_what_never_fits_is_not_to_be_asked_for_again(small, path):
    answer = small.get(ROOT + path)
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert error["code"] == "too_much" and TOO_LARGE in error["message"]
    assert "limits.memory" in error["message"] and "retry-after" not in answer.headers


def jaeger(small, **query):
    return small.get("/api/traces?" + urllib.parse.urlencode(query, doseq=True))


@pytest.mark.parametrize("path", [
    f"traces/{TOO_LARGE}", f"traces?traceID={TOO_LARGE}",
    f"traces?traceID={TOO_LARGE}&traceID={FITS}"])
def test_jaeger_is_told_what_never_fits(small, path):
    answer = small.get(f"/api/{path}")
    assert answer.status_code == 422, answer.text
    assert TOO_LARGE in answer.json()["errors"][0]["msg"] and "retry-after" not in answer.headers


def test_an_answer_for_jaeger_ends_before_what_does_not_fit(small):
    answer = jaeger(small, traceID=[FITS, TOO_LARGE, "c" * 32])
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert [trace["traceID"] for trace in page["data"]] == [FITS] and page["total"] == 2


def test_jaeger_finds_what_came_late(small):
    """In a part of the trace behind more than is looked through at once."""
    message = request("traces", 0, service="front")
    scopes(message)[0].spans.add(
        trace_id=bytes.fromhex(FITS), span_id=(9_999).to_bytes(8, "big"),
        parent_span_id=(1).to_bytes(8, "big"), name="late", start_time_unix_nano=START + 10**6,
        end_time_unix_nano=START + 10**9, attributes=[attribute("late", "yes")])
    send(small, message)

    def is_stored():
        # Who asks for one trace has what came for it stored at once.
        small.get(f"{ROOT}traces/{FITS}")
        return spans(small)[FITS] == SIZES[FITS] // KIB + 1
    wait_until(is_stored, what="the late span")
    answer = jaeger(small, service="front", tags='{"late":"yes"}', start=START // 1000 - 1)
    assert answer.status_code == 200, answer.text
    assert [trace["traceID"] for trace in answer.json()["data"]] == [FITS]
    answer = jaeger(small, service="front", tags='{"late":"no"}', start=START // 1000 - 1)
    assert answer.status_code == 200 and answer.json()["data"] == []



@pytest.fixture(scope="module")
def eventful(tmp_path_factory):
    """A collector, and a span of many empty events: two bytes each as they come, up to seventy in an
    answer."""
    with starter(tmp_path_factory.mktemp("eventful")) as start:
        process = start({"limits": {"memory": "64MiB"}})
        message = request("traces", 0, service="front")
        span = scopes(message)[0].spans.add(
            trace_id=bytes.fromhex(EVENTFUL), span_id=(1).to_bytes(8, "big"), name="work",
            start_time_unix_nano=START, end_time_unix_nano=START + 10**9)
        span.MergeFromString(b"\x5a\x00" * 900_000)
        send(process, message)
        wait_until(lambda: spans(process) == {EVENTFUL: 1}, what="the trace")
        yield process


@pytest.mark.parametrize("path, status", [
    (f"{ROOT}traces/{EVENTFUL}", 422), (f"{ROOT}traces/{EVENTFUL}/analysis", 200),
    (f"{ROOT}traces/compare?a={EVENTFUL}&b={EVENTFUL}", 200),
    (f"{ROOT}traces/{EVENTFUL}/export?format=otlp", 200),
    (f"{ROOT}traces/{EVENTFUL}/export?format=jaeger", 422),
    (f"{ROOT}traces/{EVENTFUL}/export?format=zipkin", 422),
    (f"/api/traces/{EVENTFUL}", 422), (f"/api/traces?traceID={EVENTFUL}", 422)])
def test_what_becomes_much_more_than_its_bytes_is_paid_for(eventful, path, status):
    assert [eventful.get(path).status_code for _ in range(3)] == [status] * 3
    assert eventful.resident_bytes(peak=True) < (64 + 32) << 20
