"""Figures of the machine and of the process on /metrics, held against /proc and promtool."""

import pathlib
import re
import shutil
import subprocess

import httpx
import pytest

PROMTOOL = shutil.which("promtool")


def lint(text):
    """What promtool remarks, a line each."""
    if not PROMTOOL:
        pytest.skip("promtool is not installed")
    result = subprocess.run(
        [PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True)
    return [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]


def test_the_host_is_shown_when_asked_for(roost):
    it = roost({"machine": {"host": True}})
    metrics = it.metrics()
    total = int(re.search(
        r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) * 1024
    assert metrics.value("node_memory_MemTotal_bytes") == total
    boot = re.search(r"^btime (\d+)", pathlib.Path("/proc/stat").read_text(), re.M).group(1)
    assert metrics.value("node_boot_time_seconds") == int(boot)
    assert metrics.value("node_cpu_seconds_total", mode="idle") > 0
    assert metrics.find("node_network_receive_bytes_total", device="lo")
    again = it.metrics()
    assert (again.value("node_context_switches_total")
            >= metrics.value("node_context_switches_total") > 0)
    # The names are node_exporter's, and their capitals what promtool remarks of it too.
    remarks = [line for line in lint(metrics.text) if "node_memory_" not in line]
    assert remarks == []


def test_the_host_is_in_every_format(roost):
    it = roost({"machine": {"host": True}})
    for accept in ("text/plain", "application/openmetrics-text; version=1.0.0"):
        assert it.metrics(accept).value("node_load1") >= 0
        assert it.metrics(accept).family("node_load1") is not None
    body = httpx.get(
        f"http://{it.web}/metrics", trust_env=False, headers={
            "accept": "application/vnd.google.protobuf; "
                      "proto=io.prometheus.client.MetricFamily; encoding=delimited"}).content
    assert b"node_memory_MemAvailable_bytes" in body and b"node_cpu_seconds_total" in body


def test_a_fresh_roost_shows_the_process_and_not_the_host(roost):
    metrics = roost().metrics()
    assert not [s for s in metrics.samples if s.name.startswith("node_")]
    for name in (
            "process_cpu_seconds_total", "process_open_fds", "process_max_fds",
            "process_minor_page_faults_total", "process_context_switches_total"):
        assert metrics.value(name) > 0, name
    assert metrics.find("process_disk_written_bytes_total")
    assert {s.labels["type"] for s in metrics.find("process_context_switches_total")} == {
        "voluntary", "involuntary"}
    assert lint(metrics.text) == []


def test_the_process_can_be_switched_off(roost):
    metrics = roost({"machine": {"process": False}}).metrics()
    assert not [s for s in metrics.samples if s.name.startswith("process_")]
    assert metrics.value("roost_build_info") == 1
