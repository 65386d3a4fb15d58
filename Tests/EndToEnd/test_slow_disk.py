"""A disk that stands still: whoever does not need it goes on."""

import os
import threading
import time

import httpx
from conftest import wait_until
from telemetry import attribute, request

SWITCHES = "/api/v1/observability/switches"


def chat(process, number):
    message = request("traces")
    span = message.resource_spans[0].scope_spans[0].spans[0]
    span.trace_id = number.to_bytes(16, "big")
    for key, value in {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
                       "gen_ai.request.model": "gpt-5"}.items():
        span.attributes.append(attribute(key, value))
    answer = httpx.post(
        f"http://{process.http}/v1/traces", content=message.SerializeToString(),
        headers={"content-type": "application/x-protobuf"}, trust_env=False)
    assert answer.status_code == 200


def test_what_analytics_write_down_keeps_nobody_waiting(roost):
    process = roost({"shutdown": "1s"})
    beside = process.data / "analytics.bin.new"
    # Whoever opens it to write waits until somebody reads.
    os.mkfifo(beside)
    chat(process, 1)
    wait_until(lambda: "roost_llm_calls_total" in process.get("/metrics").text, what="the call")
    for is_on in (False, True, False):
        began = time.monotonic()
        answer = httpx.put(
            f"http://{process.web}{SWITCHES}", json={"analytics": is_on}, trust_env=False,
            timeout=10)
        assert answer.json()["analytics"] is is_on
        assert time.monotonic() - began < 5
    # Longer than a thread may stand still.
    end = time.monotonic() + 13
    while time.monotonic() < end:
        assert process.get("/health").status_code == 200
        time.sleep(0.5)
    assert process.stop() == 0
    assert "was not on the disk in time" in process.log
    assert not (process.data / "analytics.bin").exists()


def test_what_was_learned_is_on_the_disk_at_the_end(roost):
    process = roost()
    chat(process, 1)
    wait_until(lambda: "roost_llm_calls_total" in process.get("/metrics").text, what="the call")
    assert process.stop() == 0
    assert (process.data / "analytics.bin").read_bytes().startswith(b"RAN1")


def test_a_trail_that_opens_slowly_keeps_no_probe_waiting(roost):
    process = roost({"enable": {"audit": False}})
    folder = process.data / "audit"
    folder.mkdir()
    # Whoever reads it waits until somebody writes.
    os.mkfifo(folder / "manifest.jsonl")
    answers = []

    def turn():
        answers.append(httpx.put(
            f"http://{process.web}{SWITCHES}", json={"audit": True}, trust_env=False, timeout=60))

    turning = threading.Thread(target=turn)
    turning.start()
    for _ in range(10):
        assert process.get("/health", timeout=5).status_code == 200
        time.sleep(0.1)
    assert not answers
    with open(folder / "manifest.jsonl", "wb"):
        pass
    turning.join(60)
    assert answers[0].status_code == 200
