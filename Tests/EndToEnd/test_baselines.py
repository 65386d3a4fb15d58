"""What agents usually do, across a restart."""

import httpx
from conftest import starter, wait_until

API = "/api/v1/observability/"


def test_baselines_are_there_as_soon_as_it_has_started(tmp_path):
    settings = {"store": {"path": str(tmp_path / "kept")}, "agents": {"hold": "300ms"}}

    def call(collector, method, path, body=None):
        return httpx.request(
            method, f"http://{collector.web}{API}{path}", json=body, trust_env=False)

    def known(collector):
        report = call(collector, "GET", "regressions").json()
        return [row["subject"] for row in report["baselines"]], report

    writer = {"kind": "agent", "name": "writer"}
    event = {"event_type": "agent.completed", "session_id": "s",
             "payload": {"agent": {"name": "writer"}, "duration_ms": 1500}}
    with starter(tmp_path) as start:
        first = start(settings)
        assert call(first, "POST", "events", [event] * 3).status_code == 200
        wait_until(lambda: writer in known(first)[0], what="a baseline")
        before, _ = known(first)
        assert first.stop() == 0
        second = start(settings)
        after, report = known(second)
        assert after == before
        assert report["watched"]["waiting_baselines"] == len(before)
        row, = (row for row in report["baselines"] if row["subject"] == writer)
        assert row["baseline"]["samples"] > 0 and row["recent"]["samples"] == 0
        for action, status in (("accept", 200), ("reset", 200), ("accept", 404)):
            change = {"action": action, "subject": writer}
            assert call(second, "POST", "regressions/baselines", change).status_code == status
        assert second.stop() == 0
