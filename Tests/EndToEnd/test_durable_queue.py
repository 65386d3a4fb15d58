"""Queues on disk in trouble: cut, damaged, full, shared, shut down with a backlog. The promise is at
least once: what a sender was told is accepted arrives, or a counter says why not. Kills at random
moments are in test_trouble.py."""

import pathlib
import random
import signal
import subprocess
import threading

import grpc
import pytest
import yaml
from conftest import wait_until
from otlp_peers import GRPCPeer, HTTPPeer, Sender, log_request, metric_request, trace_request
from trouble import end_of_records

ITEMS = {"traces": "spans", "metrics": "metric_points", "logs": "log_records"}


@pytest.fixture
def ends():
    """Things to stop at the end."""
    things = []
    yield lambda thing: things.append(thing) or thing
    for thing in reversed(things):
        thing.stop() if hasattr(thing, "stop") else thing.close()


@pytest.fixture
def queues(tmp_path):
    return tmp_path / "queues"


def durable(peer, folder, name="peer", queue=None, **more):
    """An entry of `export` with its queue below `folder`."""
    return {
        "name": name, "endpoint": peer.endpoint,
        "protocol": getattr(peer, "protocol", "http/protobuf"),
        "batch": {"delay": "20ms"}, "retry": {"initial": "20ms", "max": "200ms"},
        "queue": {"path": str(folder), "size": "64MiB", **(queue or {})}, **more}


def ledger(collector, exporter="peer", signal="traces"):
    """The counts of an exporter in one scrape, which have to add up."""
    page, word = collector.metrics(), ITEMS[signal]
    for name in {sample.labels["exporter"] for sample in
                 page.find(f"roost_exporter_offered_{word}_total")}:
        offered = page.value(f"roost_exporter_offered_{word}_total", exporter=name)
        assert offered == (
            page.value(f"roost_exporter_sent_{word}_total", exporter=name)
            + page.value(f"roost_exporter_queue_{word}", exporter=name)
            + page.value(f"roost_dropped_{word}_total", exporter=name))
        assert offered == (
            page.value(f"roost_receiver_accepted_{word}_total")
            + page.value(f"roost_exporter_recovered_{word}_total", exporter=name))
    return {
        "recovered": int(page.value(f"roost_exporter_recovered_{word}_total", exporter=exporter)),
        "sent": int(page.value(f"roost_exporter_sent_{word}_total", exporter=exporter)),
        "queue": int(page.value(f"roost_exporter_queue_{word}", exporter=exporter)),
        "dropped": {
            sample.labels["reason"]: int(sample.value)
            for sample in page.find(f"roost_dropped_{word}_total", exporter=exporter)
            if sample.value},
    }


def settled(collector, exporter="peer", signal="traces"):
    def look():
        counts = ledger(collector, exporter, signal)
        return counts if counts["queue"] == 0 else None
    return wait_until(look, timeout=30, what="an empty queue")


def queue_value(collector, name, exporter="peer"):
    return collector.metrics().value(f"roost_exporter_queue_{name}", exporter=exporter)


def missing(sent, peer, signal="traces"):
    """What was accepted and has not arrived."""
    with peer.changed:
        return sent - peer.items[signal]


def port_of_nobody():
    """A port on which nothing listens."""
    peer = HTTPPeer()
    peer.stop()
    return peer.port


class Nobody:
    protocol = "http/protobuf"

    def __init__(self):
        self.port = port_of_nobody()
        self.endpoint = f"http://127.0.0.1:{self.port}"


@pytest.mark.parametrize("sync", ["always", "100ms", "never"])
def test_everything_arrives_once_and_the_files_go(sync, roost, ends, queues):
    web, rpc = ends(HTTPPeer()), ends(GRPCPeer())
    collector = roost({"export": [
        durable(web, queues, queue={"sync": sync}), durable(rpc, queues, "rpc", {"sync": sync})]})
    sender = ends(Sender(collector))
    chance, first = random.Random(3), 0
    for _ in range(20):
        count = chance.choice([1, 1, 2, 7, 100])
        sender(trace_request(first, count))
        sender(metric_request(first, count), "metrics")
        sender(log_request(first, count), "logs")
        first += count
    for name in ITEMS:
        for peer, exporter in ((web, "peer"), (rpc, "rpc")):
            peer.wait_items(sender.count(name), name)
            assert settled(collector, exporter, name) == {
                "recovered": 0, "sent": sender.count(name), "queue": 0, "dropped": {}}
            assert peer.items[name] == sender.sent[name]
    page = collector.metrics()
    assert page.value("traces_span_metrics_calls_total") == sender.count()
    assert page.value("roost_exporter_queue_commits_total", exporter="peer") > 0
    assert (page.value("roost_exporter_queue_syncs_total", exporter="peer") > 0) == (
        sync != "never")
    assert collector.status()["exporters"][0]["disk"]["items"] == 0
    assert collector.stop() == 0
    again = roost({"export": [durable(web, queues), durable(rpc, queues, "rpc")]})
    assert ledger(again)["recovered"] == 0


def test_down_then_up_reads_back_what_no_longer_is_in_memory(roost, ends, queues):
    nobody = Nobody()
    collector = roost({
        "export": [durable(nobody, queues, batch={"bytes": "1MiB", "delay": "20ms"})],
        "limits": {"memory": "64MiB"}})
    sender = ends(Sender(collector))
    for number in range(40):
        sender(trace_request(number * 20, 20, value_bytes=50_000))
    counts = ledger(collector)
    assert counts["queue"] == 800 and counts["dropped"] == {}
    on_disk = queue_value(collector, "bytes")
    assert on_disk > 30 << 20
    parts = collector.status()["memory"]["parts"]
    assert parts["requests"] + parts["export"] + parts["copies"] < 20 << 20
    assert queue_value(collector, "oldest_age_seconds") > 0
    assert collector.get("/ready").status_code == 200
    peer = ends(HTTPPeer(port=nobody.port))
    peer.wait_items(800, timeout=60)
    assert settled(collector) == {"recovered": 0, "sent": 800, "queue": 0, "dropped": {}}
    assert peer.items["traces"] == sender.sent["traces"]
    wait_until(lambda: queue_value(collector, "bytes") < 1 << 20, what="the files to go")


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_a_backlog_goes_on_after_a_start(ending, roost, ends, queues):
    nobody = Nobody()
    config = {"export": [durable(nobody, queues)], "shutdown": "20s"}
    first = roost(config)
    sender = ends(Sender(first))
    for number in range(20):
        sender(trace_request(number * 50, 50))
        sender(log_request(number * 50, 50), "logs")
    assert ledger(first)["queue"] == 1000
    if ending == "stop":
        # Nothing waits for a peer that is not there: what is on disk is safe.
        assert first.stop(timeout=10) == 0
        assert "shutdown" not in ledger_of_last(first)
    else:
        first.kill()
    second = roost(config)
    assert second.wait_for_line("queue on disk goes on.*2000")
    assert ledger(second) == {"recovered": 1000, "sent": 0, "queue": 1000, "dropped": {}}
    more = ends(Sender(second))
    more(trace_request(5000, 50))
    peer = ends(HTTPPeer(port=nobody.port))
    peer.wait_items(1050)
    peer.wait_items(1000, "logs")
    assert settled(second) == {"recovered": 1000, "sent": 1050, "queue": 0, "dropped": {}}
    assert peer.items["traces"] == sender.sent["traces"] + more.sent["traces"]
    assert peer.items["logs"] == sender.sent["logs"]
    assert second.stop() == 0


def ledger_of_last(collector):
    return collector.log


def test_a_drain_sends_what_the_peer_takes(roost, ends, queues):
    gate = threading.Event()
    peer = ends(HTTPPeer(lambda *_: None if gate.wait(20) else None))
    collector = roost({"export": [durable(peer, queues, batch={"bytes": "16KiB"})]})
    sender = ends(Sender(collector))
    for number in range(50):
        sender(trace_request(number * 20, 20))
    collector.signal(signal.SIGTERM)
    assert collector.wait_for_line("draining")
    gate.set()
    assert collector.stop() == 0
    assert peer.items["traces"] == sender.sent["traces"]
    again = roost({"export": [durable(peer, queues)]})
    assert ledger(again)["recovered"] == 0


def stuck_backlog(roost, ends, queues, requests=40, **queue):
    """A collector with a backlog, killed; what it had accepted, in order."""
    collector = roost({"export": [durable(Nobody(), queues, queue=queue)]})
    sender = ends(Sender(collector))
    for number in range(requests):
        sender(trace_request(number * 10, 10))
    collector.kill()
    return sender


def segments(folder):
    return sorted((folder / "peer").glob("*.segment"))


def test_a_torn_tail_is_normal(roost, ends, queues):
    sender = stuck_backlog(roost, ends, queues)
    last = segments(queues)[-1]
    with last.open("r+b") as file:
        file.truncate(end_of_records(last) - 100)
    peer = ends(HTTPPeer())
    collector = roost({"export": [durable(peer, queues)]})
    # The last record was cut, which no acknowledged one ever is; the others are there.
    peer.wait_items(390)
    assert settled(collector) == {"recovered": 390, "sent": 390, "queue": 0, "dropped": {}}
    assert not (peer.items["traces"] - sender.sent["traces"])
    assert queue_value(collector, "torn_bytes_total") > 0
    assert "quarantine" not in collector.log


def test_damage_in_the_middle_costs_what_is_damaged(roost, ends, queues):
    sender = stuck_backlog(roost, ends, queues)
    file = segments(queues)[-1]
    content = bytearray(file.read_bytes())
    # The content of one span, well inside the payload of a record.
    place = content.index(b"call 205")
    content[place] ^= 0xFF
    file.write_bytes(content)
    peer = ends(HTTPPeer())
    collector = roost({"export": [durable(peer, queues)]})
    peer.wait_items(390)
    assert settled(collector) == {
        "recovered": 400, "sent": 390, "queue": 0, "dropped": {"damaged": 10}}
    assert sum(missing(sender.sent["traces"], peer).values()) == 10
    assert collector.wait_for_line("damaged data in the queue.*quarantine")
    assert list((queues / "peer" / "quarantine").iterdir())
    assert queue_value(collector, "damaged_places_total") == 1
    assert collector.status()["exporters"][0]["disk"]["damaged_places"] == 1


def test_damage_found_while_reading(roost, ends, queues):
    """Older segments are looked at when they are read."""
    sender = stuck_backlog(roost, ends, queues, 300, size="2MiB")
    files = segments(queues)
    assert len(files) > 2
    content = bytearray(files[0].read_bytes())
    content[content.index(b"call 205")] ^= 0xFF
    files[0].write_bytes(content)
    peer = ends(HTTPPeer())
    collector = roost({"export": [durable(peer, queues, queue={"size": "2MiB"})]})
    peer.wait_items(2990)
    assert settled(collector) == {
        "recovered": 3000, "sent": 2990, "queue": 0, "dropped": {"damaged": 10}}
    assert sum(missing(sender.sent["traces"], peer).values()) == 10
    assert collector.wait_for_line("damaged data in the queue.*quarantine")


@pytest.mark.parametrize("loss", ["end", "all of it", "file"])
def test_what_an_older_segment_has_lost_is_counted(loss, roost, ends, queues):
    sender = stuck_backlog(roost, ends, queues, 300, size="2MiB")
    file = segments(queues)[1]
    if loss == "file":
        file.unlink()
    else:
        with file.open("r+b") as content:
            content.truncate(100_000 if loss == "end" else 0)
    peer = ends(HTTPPeer())
    exports = [durable(peer, queues, queue={"size": "2MiB"})]
    collector = roost({"export": exports})
    counts = settled(collector)
    gone = counts["dropped"]["damaged"]
    assert 0 < gone < 3000
    assert counts == {
        "recovered": 3000, "sent": 3000 - gone, "queue": 0, "dropped": {"damaged": gone}}
    assert sum(missing(sender.sent["traces"], peer).values()) == gone
    assert f"items={gone}" in collector.wait_for_line(
        "data is missing from the files of the queue.*").group(0)
    assert queue_value(collector, "damaged_places_total") == 1
    assert collector.stop() == 0
    assert settled(roost({"export": exports})) == {
        "recovered": 0, "sent": 0, "queue": 0, "dropped": {}}


def test_two_processes_on_one_folder(roost, ends, queues):
    peer = ends(HTTPPeer())
    first = roost({"export": [durable(peer, queues)]})
    second = roost({"export": [durable(peer, queues)]}, wait=False)
    assert second.wait_end() == 1
    assert f"the queue of peer: {queues}/peer is in use by another roost (pid {first.pid})" in (
        second.log)
    sender = ends(Sender(first))
    sender(trace_request(0, 10))
    peer.wait_items(10)
    assert first.stop() == 0
    assert roost({"export": [durable(peer, queues)]}).stop() == 0


def use(collector, *exports):
    """Has the running collector take over these destinations."""
    config = yaml.safe_load(collector.config_file.read_text())
    collector.config_file.write_text(yaml.safe_dump({**config, "export": list(exports)}))
    seen = collector.log.count("configuration reloaded")
    collector.signal(signal.SIGHUP)
    wait_until(lambda: collector.log.count("configuration reloaded") > seen
               or "configuration not reloaded" in collector.log, what="a reload")
    assert "configuration not reloaded" not in collector.log, collector.log


def test_taken_out_and_put_back_while_a_request_is_under_way(roost, ends, queues):
    hold = threading.Event()
    peer = ends(HTTPPeer(lambda number, _: hold.wait(20) and None if number == 1 else None))
    entry = durable(peer, queues, concurrency=1, batch={"delay": "20ms", "bytes": "4KiB"})
    collector = roost({"export": [entry], "shutdown": "30s"})
    sender = ends(Sender(collector))
    for number in range(10):
        sender(trace_request(number * 20, 20))
    peer.wait_asked(1)
    use(collector)
    use(collector, entry)
    sender(trace_request(1000, 10))
    hold.set()
    peer.wait_items(210)
    assert settled(collector) == {"recovered": 0, "sent": 210, "queue": 0, "dropped": {}}
    assert peer.items["traces"] == sender.sent["traces"]
    assert collector.stop() == 0


def test_the_same_folder_under_another_spelling_is_the_same_queue(roost, ends, queues, tmp_path):
    nobody = Nobody()
    collector = roost({"export": [durable(nobody, queues)]})
    sender = ends(Sender(collector))
    sender(trace_request(0, 10))
    (tmp_path / "link").symlink_to(queues)
    letters = tmp_path / "letters"
    spellings = [f"{queues}/", f"{tmp_path}/./queues", f"{queues}/../queues", f"{tmp_path}/link"]
    for number, path in enumerate(spellings, 1):
        use(collector, durable(
            nobody, path, dead_letters={"path": f"{tmp_path}/.{'/' * number}letters"}))
        sender(trace_request(number * 10, 10))
    assert letters.is_dir()
    peer = ends(HTTPPeer(port=nobody.port))
    peer.wait_items(50)
    assert settled(collector) == {"recovered": 0, "sent": 50, "queue": 0, "dropped": {}}
    assert peer.items["traces"] == sender.sent["traces"]


@pytest.mark.parametrize("running", [True, False])
def test_what_waits_of_a_signal_that_is_not_sent_any_more_still_is(running, roost, ends, queues):
    nobody = Nobody()
    collector = roost({"export": [durable(nobody, queues)], "shutdown": "1s"})
    sender = ends(Sender(collector))
    sender(trace_request(0, 50))
    sender(log_request(0, 5), "logs")
    peer = ends(GRPCPeer())
    entry = durable(peer, queues, signals=["logs"])
    if running:
        use(collector, entry)
    else:
        assert collector.stop() == 0
        collector = roost({"export": [entry]})
    for name, count in (("traces", 50), ("logs", 5)):
        peer.wait_items(count, name)
        assert settled(collector, signal=name) == {
            "recovered": 0 if running else count, "sent": count, "queue": 0, "dropped": {}}
        assert peer.items[name] == sender.sent[name]


def test_a_queue_of_nobody_is_told_of_and_kept(roost, ends, queues):
    stuck_backlog(roost, ends, queues)
    before = {path: path.read_bytes() for path in segments(queues)}
    peer = ends(HTTPPeer())
    collector = roost({"export": [durable(peer, queues, "other")]})
    line = collector.wait_for_line("belongs to no destination.*")
    assert "peer" in line.group(0) and "items=400" in line.group(0)
    assert collector.stop() == 0
    assert {path: path.read_bytes() for path in segments(queues)} == before


def test_a_full_queue_refuses_and_recovers(roost, ends, queues):
    nobody = Nobody()
    good = ends(HTTPPeer())
    collector = roost({"export": [
        durable(nobody, queues, queue={"size": "256KiB"}), durable(good, queues, "good")]})
    sender = ends(Sender(collector))
    with pytest.raises(grpc.RpcError) as refusal:
        for number in range(200):
            sender(trace_request(number * 20, 20))
    assert refusal.value.code() == grpc.StatusCode.UNAVAILABLE
    assert b"RetryInfo" in dict(refusal.value.trailing_metadata())["grpc-status-details-bin"]
    wait_until(lambda: collector.get("/ready").status_code == 503, what="an unready collector")
    assert "queue of peer is full" in collector.get("/ready").text
    good.wait_items(sender.count())
    page = collector.metrics()
    assert page.value("roost_receiver_refused_spans_total", reason="queue_full") == 20
    assert page.value("traces_span_metrics_calls_total") == sender.count()
    assert good.items["traces"] == sender.sent["traces"]
    peer = ends(HTTPPeer(port=nobody.port))
    peer.wait_items(sender.count())
    wait_until(lambda: collector.get("/ready").status_code == 200, what="a ready collector")
    sender(trace_request(90_000, 20))
    peer.wait_items(sender.count())
    settled(collector)
    assert peer.items["traces"] == sender.sent["traces"]


@pytest.mark.parametrize("policy, reason", [("drop_new", "queue_full"), ("drop_oldest", "evicted")])
def test_a_full_queue_that_drops(policy, reason, roost, ends, queues):
    nobody = Nobody()
    good = ends(HTTPPeer())
    collector = roost({"export": [
        durable(nobody, queues, queue={"size": "256KiB", "when_full": policy}, batch={
            "bytes": "64KiB"}),
        durable(good, queues, "good")], "limits": {"memory": "16MiB"}})
    sender = ends(Sender(collector))
    for number in range(200):
        sender(trace_request(number * 20, 20))
    good.wait_items(4000)
    counts = ledger(collector)
    assert counts["dropped"].keys() == {reason} and counts["queue"] > 100
    assert queue_value(collector, "bytes") <= 256 << 10
    assert collector.get("/ready").status_code == 200
    peer = ends(HTTPPeer(port=nobody.port))
    counts = settled(collector)
    assert counts["sent"] == peer.count() and counts["sent"] + counts["dropped"][reason] == 4000
    assert not (peer.items["traces"] - sender.sent["traces"])
    newest = [name for name in peer.items["traces"] if b"call 3999" in name[-1]]
    assert bool(newest) == (policy == "drop_oldest")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_makes_room_puts_out_what_was_read_too(end, roost, ends, queues):
    """Batches that wait for their peer in memory have no files to come back from."""
    nobody = Nobody()
    export = durable(nobody, queues, queue={"size": "2MiB", "when_full": "drop_oldest"})
    collector = roost({"export": [export]})
    sender = ends(Sender(collector))
    for number in range(150):
        sender(trace_request(number * 10, 10, value_bytes=4000))
    counts = ledger(collector)
    assert counts["dropped"]["evicted"] + counts["queue"] == 1500
    assert 100 < counts["queue"] < 600
    assert queue_value(collector, "bytes") <= 2 << 20
    if end == "kill":
        collector.signal(signal.SIGKILL)
        collector.process.wait()
    else:
        assert collector.stop() == 0
    peer = ends(HTTPPeer(port=nobody.port))
    again = roost({"export": [export]})
    peer.wait_items(counts["queue"])
    assert settled(again) == {
        "recovered": counts["queue"], "sent": counts["queue"], "queue": 0, "dropped": {}}


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip("no right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    """Takes all the room there is; the file."""
    path = pathlib.Path(folder) / "ballast"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(64 << 10))
        except OSError:
            pass
        try:
            while True:
                file.write(bytes(512))
        except OSError:
            return path


def test_a_full_disk_refuses_and_recovers_by_itself(roost, ends, queues, small_disk):
    """The other destination, whose disk has room, gets nothing that was refused."""
    nobody, good = Nobody(), ends(HTTPPeer())
    collector = roost({"export": [
        durable(good, queues, "good"), durable(nobody, small_disk)]})
    sender = ends(Sender(collector))
    sender(trace_request(0, 20))
    ballast = fill(small_disk)
    refused = 0
    for number in range(1, 30):
        try:
            sender(trace_request(number * 100, 100))
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE
            assert b"RetryInfo" in dict(error.trailing_metadata())["grpc-status-details-bin"]
            refused += 100
    assert refused > 0
    page = collector.metrics()
    assert page.value("roost_receiver_refused_spans_total", reason="disk") == refused
    assert page.value("roost_exporter_queue_write_failures_total", exporter="peer") >= 1
    assert page.value("roost_exporter_queue_disk_up", exporter="peer") == 0
    assert page.value("traces_span_metrics_calls_total") == sender.count()
    assert "No space left" in collector.get("/ready").text
    assert collector.wait_for_line(
        f"the disk of a queue takes nothing exporter=peer folder={small_disk}/peer "
        "error=.*No space left")
    ballast.unlink()
    wait_until(lambda: collector.get("/ready").status_code == 200, what="a ready collector")
    assert collector.wait_for_line("the disk of a queue takes data again exporter=peer")
    sender(trace_request(50_000, 100))
    good.wait_items(sender.count())
    peer = ends(HTTPPeer(port=nobody.port))
    peer.wait_items(sender.count())
    for name, at in (("good", good), ("peer", peer)):
        assert settled(collector, name)["sent"] == sender.count()
        assert at.items["traces"] == sender.sent["traces"]
    assert collector.stop() == 0


def test_damage_on_a_full_disk_is_counted_at_every_start(roost, ends, queues, small_disk):
    """Once it kept the program from starting, and the next start knew nothing of it."""
    nobody = Nobody()
    export = durable(nobody, small_disk)
    collector = roost({"export": [export]})
    sender = ends(Sender(collector))
    for number in range(12):
        sender(trace_request(number * 100, 100))
    collector.signal(signal.SIGKILL)
    collector.process.wait()
    segment, = (small_disk / "peer").glob("*.segment")
    data = bytearray(segment.read_bytes())
    data[700] ^= 1
    segment.write_bytes(data)
    ballast = fill(small_disk)
    for _ in range(2):
        again = roost({"export": [export]})
        assert again.wait_for_line("damaged data in the queue could not be set aside")
        assert "was set aside" not in again.log
        assert queue_value(again, "damaged_places_total") == 1
        assert not list((small_disk / "peer" / "quarantine").glob("*"))
        again.signal(signal.SIGKILL)
        again.process.wait()
    ballast.unlink()
    peer = ends(HTTPPeer(port=nobody.port))
    last = roost({"export": [export]})
    peer.wait_items(1100)
    kept, = (small_disk / "peer" / "quarantine").glob("*.damaged")
    assert kept.stat().st_size > 0
    assert settled(last)["dropped"] == {"damaged": 100}


def test_a_large_request_waits_for_the_disk_too(roost, ends, queues):
    peer = ends(HTTPPeer())
    collector = roost({"export": [durable(peer, queues)]})
    sender = ends(Sender(collector))
    sender(trace_request(0, 1000, value_bytes=6000, services=1))
    peer.wait_items(1000)
    assert settled(collector)["sent"] == 1000
    assert peer.items["traces"] == sender.sent["traces"] and max(peer.sizes) <= 4 << 20
    assert collector.metrics().value("traces_span_metrics_calls_total") == 1000
    wait_until(lambda: queue_value(collector, "bytes") < 1 << 20, what="the files to go")
