"""The embedded store inside the collector: what it keeps over a kill, what the ledger says of it, and
what becomes of a database that is no good."""

import secrets
import sqlite3

import httpx
import pytest
from conftest import starter, wait_until
from telemetry import ITEMS, PROTOBUF, request


def send(collector, signal, count, **more):
    message = request(signal, count, **more)
    answer = httpx.post(
        f"http://{collector.http}/v1/{signal}", content=message.SerializeToString(),
        headers={"content-type": PROTOBUF})
    assert answer.status_code == 200
    return message


def counts(collector, signal="traces"):
    """What the ledger says of the store; it has to add up in every scrape."""
    page = collector.metrics()
    word = ITEMS[signal]
    found = {
        key: page.value(name, exporter="store") for key, name in {
            "offered": f"roost_exporter_offered_{word}_total",
            "sent": f"roost_exporter_sent_{word}_total",
            "queue": f"roost_exporter_queue_{word}",
            "dropped": f"roost_dropped_{word}_total"}.items()}
    assert found["offered"] == found["sent"] + found["queue"] + found["dropped"]
    assert found["offered"] == page.value(f"roost_receiver_accepted_{word}_total")
    return found


def rows(folder, table):
    with sqlite3.connect(f"file:{folder}/store.db?mode=ro", uri=True) as database:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_the_ledger_of_the_store_adds_up(roost):
    collector = roost()
    for _ in range(20):
        send(collector, "traces", 10)
        send(collector, "logs", 5)
        send(collector, "metrics", 2)
        counts(collector)
        counts(collector, "logs")
    assert counts(collector)["offered"] == 200
    wait_until(lambda: counts(collector)["sent"] == 200, what="every span stored")
    wait_until(lambda: counts(collector, "logs")["sent"] == 100, what="every record stored")
    # What is no business of the store's is not told of it.
    assert not collector.metrics().find("roost_exporter_offered_metric_points_total")
    status = collector.status()["store"]
    assert status["open"] and status["stored_traces"] == 200
    assert status["stored_traces"] == rows(collector.data, "traces")
    assert collector.stop() == 0


def test_what_was_stored_survives_a_kill(tmp_path):
    data = {"store": {"path": str(tmp_path / "kept")}}
    with starter(tmp_path) as start:
        first = start(data)
        send(first, "traces", 50)
        wait_until(lambda: counts(first)["sent"] == 50, what="every span stored")
        send(first, "traces", 7)
        first.kill()
        second = start(data)
        assert second.status()["store"]["stored_traces"] >= 50
        send(second, "traces", 3)
        assert second.stop() == 0
        assert rows(tmp_path / "kept", "traces") >= 53


def test_a_run_that_was_posted_is_a_trace_after_a_restart_too(tmp_path):
    path = "/api/v1/observability/"
    trace = "7" * 32
    data = {"store": {"path": str(tmp_path / "kept")}}

    def event(kind, **payload):
        return {"event_type": kind, "payload": payload, "trace_id": trace, "session_id": "s"}

    def seen(collector):
        found = httpx.get(f"http://{collector.web}{path}traces/{trace}", trust_env=False)
        listed = httpx.get(f"http://{collector.web}{path}traces?session=s", trust_env=False)
        assert [one["trace_id"] for one in listed.json()["traces"]] == [trace]
        return found.json()["spans"]

    with starter(tmp_path) as start:
        first = start(data)
        for events in (
                [event("workflow.started", workflow="demo"), event("agent.invoked", agent="w")],
                [event("agent.completed", agent="w", tokens=7),
                 event("workflow.completed", workflow="demo")]):
            answer = httpx.post(
                f"http://{first.web}{path}events", json=events, trust_env=False)
            assert answer.status_code == 200
        before = seen(first)
        assert len(before) == 2
        assert first.stop() == 0
        second = start(data)
        assert seen(second) == before
        assert second.stop() == 0


def test_the_end_stores_what_was_open(roost):
    collector = roost()
    send(collector, "traces", 30)
    assert collector.stop() == 0
    # Nothing is left in the log of changes; whoever closes last may leave the empty file.
    log = collector.data / "store.db-wal"
    assert not log.exists() or log.stat().st_size == 0
    assert rows(collector.data, "traces") == 30


@pytest.mark.parametrize("content", [b"this is no database" * 1000, b"", b"SQLite format 3\0" * 600])
def test_a_damaged_database_is_set_aside(tmp_path, content):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "store.db").write_bytes(content)
    with starter(tmp_path) as start:
        collector = start({"store": {"path": str(folder)}})
        send(collector, "traces", 5)
        assert collector.stop() == 0
        assert rows(folder, "traces") == 5
        aside = list(folder.glob("store.db.damaged-*"))
        if content:
            assert len(aside) == 1 and aside[0].read_bytes() == content
            assert "was set aside; a new one begins" in collector.log
        else:
            assert not aside


def test_a_database_of_a_later_version_is_left_alone(tmp_path):
    folder = tmp_path / "data"
    with starter(tmp_path) as start:
        collector = start({"store": {"path": str(folder)}})
        assert collector.stop() == 0
        with sqlite3.connect(folder / "store.db") as database:
            database.execute("INSERT INTO migrations VALUES (99, 0, '9.9.9')")
        later = start({"store": {"path": str(folder)}}, wait=False)
        assert later.wait_end() == 1
        assert "written by a later version of Roost (layout 99)" in later.log


def test_switched_off_nothing_is_kept(roost):
    collector = roost({"enable": {"store": False}})
    send(collector, "traces", 5)
    assert not (collector.data / "store.db").exists()
    page = collector.metrics()
    assert page.value("roost_exporter_offered_spans_total", exporter="store") == 0
    assert page.value("roost_store_up") == 0
    assert collector.get("/ready").status_code == 200
    assert collector.stop() == 0


def test_secrets_do_not_reach_the_disk(roost):
    secret = "sk-" + "ant-api03-" + "a1B2" * 20
    collector = roost()
    send(collector, "traces", 3, resource={"note": secret})
    send(collector, "logs", 3, resource={"note": secret})
    assert collector.stop() == 0
    # Short chunks are stored as they are, so that a secret would stand there to be read.
    held = b"".join(path.read_bytes() for path in collector.data.glob("store.db*"))
    assert secret.encode() not in held
    assert rows(collector.data, "traces") == 3


def test_all_files_together_keep_to_the_size(roost):
    """Several times the size comes, as fast as it is taken, and half-way somebody reads for long."""
    size = 16 << 20
    collector = roost({"store": {"size": "16MiB"}, "limits": {"memory": "64MiB"}})
    most = 0

    def flood(requests):
        nonlocal most
        for _ in range(requests):
            message = request("traces", 20)
            for span in message.resource_spans[0].scope_spans[0].spans:
                note = span.attributes.add(key="note")
                note.value.string_value = secrets.token_hex(8_000)
            httpx.post(
                f"http://{collector.http}/v1/traces", content=message.SerializeToString(),
                headers={"content-type": PROTOBUF}, trust_env=False)
            most = max(most, bytes_of_files())

    def bytes_of_files():
        found = 0
        for end in ("", "-wal", "-shm"):
            try:
                found += (collector.data / f"store.db{end}").stat().st_size
            except FileNotFoundError:
                pass
        return found

    flood(150)
    reader = sqlite3.connect(f"file:{collector.data}/store.db?mode=ro", uri=True)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM traces").fetchone()
    flood(100)
    reader.close()
    flood(50)
    wait_until(lambda: counts(collector)["queue"] == 0, timeout=90, what="what is open stored")
    most = max(most, bytes_of_files())
    assert size // 4 < most <= size
    assert counts(collector)["sent"] > 1000
    # The latest are there.
    assert collector.status()["store"]["stored_traces"] > 200
    assert collector.stop() == 0
    assert bytes_of_files() <= size


@pytest.mark.parametrize("size", ["1MiB", "15MiB"])
def test_a_size_that_cannot_be_kept_to_is_refused(roost, size):
    collector = roost({"store": {"size": size}}, wait=False)
    assert collector.wait_end() == 2
    assert f'store.size: "{size}" is out of range' in collector.log
    assert "from 16MiB to 1024TiB" in collector.log
