"""SIGHUP adds, takes out and alters destinations and limits while senders go on: no connection is
closed, nothing accepted is lost without a count, and a bad file changes nothing."""

import signal
import threading

import grpc
import httpx
import pytest
import yaml
from conftest import wait_until
from otlp_peers import HTTPPeer, Sender, trace_request
from test_durable_queue import Nobody, durable, missing, segments


@pytest.fixture
def ends():
    """Things to stop at the end."""
    things = []
    yield lambda thing: things.append(thing) or thing
    for thing in reversed(things):
        thing.stop() if hasattr(thing, "stop") else thing.close()


def in_memory(peer, name="peer", **more):
    return {
        "name": name, "endpoint": peer.endpoint, "protocol": "http/protobuf",
        "batch": {"delay": "20ms"}, "retry": {"initial": "20ms", "max": "200ms"}, **more}


def reload(collector, change, says="configuration reloaded"):
    """Writes the changed file and has it read."""
    config = yaml.safe_load(collector.config_file.read_text())
    change(config)
    collector.config_file.write_text(yaml.safe_dump(config, sort_keys=False))
    seen = collector.log.count(says)
    collector.signal(signal.SIGHUP)
    wait_until(lambda: collector.log.count(says) > seen, what=says)


def balance(collector):
    """By exporter: offered, sent, queue, dropped by reason; they add up."""
    page, found = collector.metrics(), {}
    for sample in page.find("roost_exporter_offered_spans_total"):
        name = sample.labels["exporter"]
        dropped = {
            other.labels["reason"]: int(other.value)
            for other in page.find("roost_dropped_spans_total", exporter=name) if other.value}
        sent = int(page.value("roost_exporter_sent_spans_total", exporter=name))
        queue = int(page.value("roost_exporter_queue_spans", exporter=name))
        assert sample.value == sent + queue + sum(dropped.values())
        found[name] = {
            "offered": int(sample.value), "sent": sent, "queue": queue, "dropped": dropped}
    return found


class Load:
    """Goes on over one gRPC connection until told to end; every request has to be taken."""

    def __init__(self, collector):
        self.sender = Sender(collector)
        self.ended, self.count, self.failure = False, 0, None
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.ended:
            try:
                self.sender(trace_request(self.count * 10, 10))
            except grpc.RpcError as error:
                self.failure = error
                break
            with self.changed:
                self.count += 1
                self.changed.notify_all()

    def wait_more(self, requests=5):
        with self.changed:
            target = self.count + requests
            assert self.changed.wait_for(lambda: self.count >= target, 30), self.failure

    def stop(self):
        self.ended = True
        self.thread.join()
        self.sender.close()


def test_add_alter_and_take_out_under_load(roost, ends, tmp_path):
    first, second, third = ends(HTTPPeer()), ends(HTTPPeer()), ends(HTTPPeer())
    collector = roost({"export": [durable(first, tmp_path / "q", "stays"),
                                  in_memory(second, "leaves")]})
    load = ends(Load(collector))
    load.wait_more()
    reload(collector, lambda config: config["export"].append(
        durable(third, tmp_path / "q", "comes")))
    load.wait_more()
    third.wait_items(10)

    def leave(config):
        config["export"] = [entry for entry in config["export"] if entry["name"] != "leaves"]
    reload(collector, leave)
    load.wait_more()
    left = second.asked

    def alter(config):
        config["export"][0].update(
            endpoint=third.endpoint, headers={"x-tenant": "blue"}, compression="gzip",
            concurrency=2)
        config["export"][0]["queue"].update(size="32MiB", sync="100ms")
    reload(collector, alter)
    load.wait_more()
    load.stop()
    assert load.failure is None
    accepted = load.sender.sent["traces"]
    wait_until(lambda: not any(entry["queue"] for name, entry in balance(collector).items()
                               if name != "store"),
               what="empty queues")
    found = balance(collector)
    assert found["stays"]["offered"] == sum(accepted.values()) == found["stays"]["sent"]
    # What went to the destination before and after it was altered is everything.
    with first.changed, third.changed:
        both = first.items["traces"] + third.items["traces"]
    assert not (accepted - both)
    assert any(headers.get("x-tenant") == "blue" and headers.get("content-encoding") == "gzip"
               for headers in third.headers)
    assert found["leaves"] == {
        "offered": found["leaves"]["sent"], "sent": second.count(), "queue": 0, "dropped": {}}
    assert second.asked == left
    assert found["comes"]["offered"] == found["comes"]["sent"] < sum(accepted.values())
    assert collector.metrics().value("roost_listener_connections_accepted_total",
                                     listener="grpc") == 1
    assert [entry["name"] for entry in collector.status()["exporters"]] == ["stays", "comes"]
    assert collector.status()["configuration"]["export"][0]["concurrency"] == 2
    assert collector.stop() == 0


def test_taken_out_while_its_peer_is_down(roost, ends, tmp_path):
    """On disk it stays, and goes on when it is put back; in memory it is dropped and counted."""
    nobody = Nobody()
    kept = durable(nobody, tmp_path / "q", "disk")
    collector = roost({"export": [kept, in_memory(nobody, "memory")], "shutdown": "1s"})
    sender = ends(Sender(collector))
    for number in range(10):
        sender(trace_request(number * 10, 10))
    reload(collector, lambda config: config.update(export=[]))
    assert collector.wait_for_line("belongs to no destination.*disk.*items=100")
    wait_until(lambda: balance(collector)["memory"]["dropped"] == {"shutdown": 100},
               what="the memory queue to be given up")
    assert balance(collector)["disk"] == {"offered": 100, "sent": 0, "queue": 100, "dropped": {}}
    sender(trace_request(1000, 10))
    assert list((tmp_path / "q" / "disk").glob("*.segment"))
    peer = ends(HTTPPeer(port=nobody.port))
    reload(collector, lambda config: config.update(export=[kept]))
    peer.wait_items(100)
    wait_until(lambda: balance(collector)["disk"] == {
        "offered": 100, "sent": 100, "queue": 0, "dropped": {}}, what="what was left")
    assert collector.stop() == 0


def test_a_changed_address_frees_what_waits(roost, ends, tmp_path):
    collector = roost({"export": [durable(Nobody(), tmp_path / "q"),
                                  in_memory(Nobody(), "memory")]})
    sender = ends(Sender(collector))
    for number in range(10):
        sender(trace_request(number * 10, 10))
    one, other = ends(HTTPPeer()), ends(HTTPPeer())

    def alter(config):
        config["export"][0]["endpoint"] = one.endpoint
        config["export"][1]["endpoint"] = other.endpoint
    reload(collector, alter)
    for peer in (one, other):
        peer.wait_items(100)
        assert peer.items["traces"] == sender.sent["traces"]


def test_a_file_that_cannot_be_followed_changes_nothing(roost, ends, tmp_path):
    peer = ends(HTTPPeer())
    collector = roost({"export": [in_memory(peer)]})
    sender = ends(Sender(collector))
    (tmp_path / "file").write_text("")
    before = collector.status()["configuration"]

    def impossible(config):
        config["export"] = [durable(peer, tmp_path / "q", "good"),
                            durable(peer, tmp_path / "file", "bad")]
        config["limits"] = {"request": "1KiB"}
    good = collector.config_file.read_text()
    reload(collector, impossible, "configuration not reloaded: .*bad".split(":")[0])
    assert collector.wait_for_line("configuration not reloaded: .*queue of bad.*file")
    assert collector.status()["configuration"] == before
    sender(trace_request(0, 100))
    peer.wait_items(100)
    collector.config_file.write_text(good)
    reload(collector, lambda config: config.update(nonsense=1), "not reloaded")
    assert collector.status()["configuration"] == before
    collector.config_file.write_text(good)
    # The folder of the one that could be opened is free again.
    reload(collector, lambda config: config.update(export=[durable(peer, tmp_path / "q", "good")]))
    sender(trace_request(1000, 10))
    peer.wait_items(110)


def test_limits(roost, ends):
    peer = ends(HTTPPeer())
    collector = roost({"export": [in_memory(peer)]})
    sender = ends(Sender(collector))
    sender(trace_request(0, 100))
    reload(collector, lambda config: config.update(
        limits={"request": "4KiB", "memory": "64MiB", "connections": 100}))
    with pytest.raises(grpc.RpcError) as refusal:
        sender(trace_request(100, 100))
    assert refusal.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    answer = httpx.post(
        f"http://{collector.http}/v1/traces", content=b"x" * 5000,
        headers={"content-type": "application/x-protobuf"})
    assert answer.status_code == 413
    assert collector.metrics().value("roost_memory_limit_bytes") == 64 << 20
    reload(collector, lambda config: config.update(limits={}))
    sender(trace_request(200, 100))
    peer.wait_items(200)
    assert collector.metrics().value("roost_memory_limit_bytes") == 512 << 20


def test_addresses_and_the_store_need_a_restart(roost):
    collector = roost()
    reload(collector, lambda config: (
        config["listen"].update(grpc="127.0.0.1:1"), config["store"].update(path="elsewhere")),
        "needs a restart: listen.grpc, store.path")


def test_dead_letters_are_counted_on_and_lower_bounds_hold_at_once(roost, ends):
    peer = ends(HTTPPeer(lambda *_: (400, {}, b"")))
    collector = roost({"export": [in_memory(peer)]})
    sender = ends(Sender(collector))
    for number in range(6):
        sender(trace_request(number * 10, 10))
        peer.wait_asked(number + 1)

    def count(kind, **labels):
        return collector.metrics().value(f"roost_dead_letters{kind}", exporter="peer", **labels)

    wait_until(lambda: count("_written_total") == 6)
    reload(collector, lambda config: config["export"][0].update(dead_letters={"count": 2}))
    wait_until(lambda: count("") == 2)
    assert count("_written_total") == 6
    assert count("_dropped_total", reason="evicted") == 4
    reload(collector, lambda config: config["export"][0].update(dead_letters={"count": 9}))
    assert count("_written_total") == 6 and count("") == 2
