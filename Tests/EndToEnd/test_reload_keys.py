"""SIGHUP, key by key: for each key of the configuration, whether a reload applies it and how that
shows. A key that is not in the table fails the test."""

import dataclasses
import functools
import signal
import socket
import ssl
import subprocess
import time
import typing

import httpx
import pytest
import yaml
from certificates import Authority
from conftest import merged, roost_binary, wait_until
from otlp_peers import HTTPPeer
from telemetry import attribute, request
from test_durable_queue import Nobody
from test_reload_destinations import in_memory, reload

PROTOBUF = {"content-type": "application/x-protobuf"}
GENAI = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
         "gen_ai.request.model": "gpt-5", "gen_ai.usage.input_tokens": 100,
         "gen_ai.usage.output_tokens": 10}


@dataclasses.dataclass
class Place:
    """A collector, and what its keys may refer to."""
    roost: object
    folder: object
    authority: object

    def post(self, signal, message, **headers):
        return httpx.post(f"http://{self.roost.http}/v1/{signal}", trust_env=False,
                          content=message.SerializeToString(), headers={**PROTOBUF, **headers})

    def send(self, signal, message):
        assert self.post(signal, message).status_code == 200

    def family(self, name):
        return self.roost.metrics("application/openmetrics-text").family(name)

    def wait_family(self, name, is_there=True):
        wait_until(lambda: bool(self.family(name)) == is_there, what=f"{name}: {is_there}")

    def connect(self):
        host, _, port = self.roost.http.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=5)

    def call(self, number, parent=None, service="caller", **more):
        """A call to a model; with a parent that never comes it waits for `agents.hold`."""
        message = request("traces", service=service)
        span = message.resource_spans[0].scope_spans[0].spans[0]
        span.trace_id, span.span_id = number.to_bytes(16, "big"), number.to_bytes(8, "big")
        span.parent_span_id = parent.to_bytes(8, "big") if parent else b""
        span.name = "chat gpt-5"
        for key, value in {**GENAI, **more}.items():
            span.attributes.append(attribute(key, value))
        self.send("traces", message)


def changed(path, value):
    """The configuration that says only that."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


# How it shows that a key is in force. Each has five seconds, where the default has longer.


def limits_memory(place):
    assert place.roost.metrics().value("roost_memory_limit_bytes") == 32 << 20
    # What the parts have for their own follows.
    status = place.roost.status()
    assert status["memory"]["used_bytes"] < 16 << 20
    assert status["store"]["queue_capacity_bytes"] == 4 << 20
    place.send("traces", request("traces", 5))


def limits_request(place):
    assert place.post("traces", request("traces", 100)).status_code == 413


def limits_connections(place):
    """Who is idle gives way to who comes."""
    with place.connect() as first, place.connect() as second, place.connect() as third:
        assert [one for one in (first, second, third) if is_closed(one, 1)]


def is_closed(one, seconds=5):
    """Whether the peer ends it; what it says before that is read."""
    one.settimeout(seconds)
    try:
        while one.recv(4096):
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


def half_a_head(place):
    with place.connect() as one:
        one.sendall(b"POST /v1/traces HT")
        assert is_closed(one)


def half_a_body(place):
    with place.connect() as one:
        one.sendall(b"POST /v1/traces HTTP/1.1\r\nhost: roost\r\ncontent-length: 10\r\n"
                    b"content-type: application/x-protobuf\r\n\r\n12345")
        assert is_closed(one)


def nothing_more(place):
    with place.connect() as one:
        one.sendall(b"POST /v1/traces HTTP/1.1\r\nhost: roost\r\ncontent-length: 0\r\n"
                    b"content-type: application/x-protobuf\r\n\r\n")
        assert is_closed(one)


def points(name, *values):
    message = request("metrics", len(values))
    (metric,) = message.resource_metrics[0].scope_metrics[0].metrics
    metric.name, metric.unit = name, ""
    for point, value in zip(metric.gauge.data_points, values):
        point.attributes.append(attribute("which", value))
    return message


def series_per_metric(place):
    place.send("metrics", points("reload.crowd", "a", "b", "c"))
    family = place.family("reload_crowd")
    assert sum("which" in sample.labels for sample in family.samples) == 1
    assert any("otel_metric_overflow" in sample.labels for sample in family.samples)
    place.send("traces", request("traces", service="first"))
    place.send("traces", request("traces", service="second"))
    calls = place.family("traces_span_metrics_calls").samples
    assert any("otel_metric_overflow" in sample.labels for sample in calls)


def series_expiry(place):
    place.send("metrics", points("reload.passing", "a"))
    place.wait_family("reload_passing")
    place.wait_family("reload_passing", is_there=False)


def span_series(place, service):
    return [sample for sample in place.family("traces_span_metrics_calls").samples
            if sample.labels.get("service_name") == service]


def derived_expiry(place):
    place.send("traces", request("traces", service="passing"))
    assert span_series(place, "passing")
    wait_until(lambda: not span_series(place, "passing"), what="a series that is left out")
    model = {"gen_ai.request.model": "passing"}

    def calls():
        """What says so of the calls of a model: in each family of calls, how many there were."""
        found = {}
        for name, label in [("roost_llm_calls", "model"), ("roost_llm_call_duration_seconds", "model"),
                            ("gen_ai_client_operation_duration_seconds", "gen_ai_request_model"),
                            ("gen_ai_client_token_usage", "gen_ai_request_model")]:
            family = place.family(name)
            for sample in family.samples if family else []:
                if sample.name.endswith(("_total", "_count")) and sample.labels[label] == "passing":
                    found[name] = found.get(name, 0) + sample.value
        return found

    place.call(98_001, **model)
    once = {"roost_llm_calls": 1, "roost_llm_call_duration_seconds": 1,
            "gen_ai_client_operation_duration_seconds": 1, "gen_ai_client_token_usage": 2}
    wait_until(lambda: calls() == once, what="a call")
    wait_until(lambda: calls() == {}, what="a call that is left out")
    place.call(98_002, **model)
    wait_until(lambda: calls() == {name: 2 * count for name, count in once.items()},
               what="all that was ever counted")


def duration_bounds(place):
    """Histograms of durations begin anew, created after the change; counters of agents go on."""
    began = time.time() - 5
    wait_until(lambda: not span_series(place, "early"), what="the new histograms")
    place.send("traces", request("traces", service="late"))
    place.call(99_001)
    samples = [sample for sample in place.family("traces_span_metrics_duration_seconds").samples
               if sample.labels.get("service_name") == "late"]
    assert {sample.labels["le"] for sample in samples if "le" in sample.labels} == {
        "1.0", "2.0", "+Inf"}
    (created,) = [sample.value for sample in samples if sample.name.endswith("_created")]
    assert created > began
    wait_until(lambda: {sample.labels["le"] for sample in place.family(
        "roost_llm_call_duration_seconds").samples if "le" in sample.labels} == {
            "1.0", "2.0", "+Inf"}, what="the durations of calls in new buckets")
    calls = place.family("roost_llm_calls").samples
    assert sum(sample.value for sample in calls if sample.name.endswith("_total")) >= 2


def before_duration_bounds(place):
    place.send("traces", request("traces", service="early"))
    place.call(99_000)
    place.wait_family("roost_llm_calls")
    assert span_series(place, "early")


def export(place):
    place.send("traces", request("traces", 3))
    place.peer.wait_items(3)


def store_size(place):
    assert place.roost.status()["store"]["size_bytes"] == 64 << 20


def store_keep(place):
    before = place.roost.status()["store"]["expired_traces"]
    place.send("traces", request("traces"))
    wait_until(lambda: place.roost.status()["store"]["expired_traces"] > before, 20,
               what="a trace that is too old")


def client_metrics(place):
    """A service that is new has none."""
    place.call(98_000, service="without")
    wait_until(lambda: any(
        "without" == sample.labels.get("service_name") for sample in place.family(
            "traces_span_metrics_calls").samples), what="the call")
    page = place.roost.metrics()
    assert not [sample for sample in page.find("gen_ai_client_operation_duration_seconds_count")
                if "without" in sample.labels.get("job", "")]


def hold(place):
    def calls():
        return place.roost.metrics().value("roost_llm_calls_total")
    before = calls()
    place.call(97_000, parent=5)
    wait_until(lambda: calls() > before, what="a call whose parent never comes")


def users(place):
    place.call(96_000, **{"user.id": "ada"})
    wait_until(lambda: any(len(sample.labels.get("user", "")) == 16
                           for sample in place.roost.metrics().find("roost_llm_calls_total")),
               what="the label of a user")


def audit_keep(place):
    assert place.roost.metrics().value("roost_audit_retention_seconds") == 7200


def host(place):
    place.wait_family("node_boot_time_seconds")
    place.send("metrics", points("node.load1", "a"))
    assert not [sample for sample in place.family("node_load1").samples if "which" in sample.labels]


def no_process(place):
    place.wait_family("process_start_time_seconds", is_there=False)


def switched_off(kind):
    return lambda place: wait_until(
        lambda: place.post(kind, request(kind)).status_code == 404, what="the switch")


def lines_of_json(place):
    assert place.roost.lines[-1].startswith("{")


def preflight(place):
    answer = httpx.options(
        f"http://{place.roost.http}/v1/traces", trust_env=False,
        headers={"origin": "https://app.example", "access-control-request-method": "POST"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example"


def token(place):
    assert place.post("traces", request("traces")).status_code == 401
    assert place.post(
        "traces", request("traces"), authorization=f"Bearer {'t' * 32}").status_code == 200


def tls(place):
    answer = httpx.post(
        f"https://{place.roost.http}/v1/traces", headers=PROTOBUF, trust_env=False,
        verify=place.tls_context)
    assert answer.status_code == 200


def client_tls(place):
    with pytest.raises(httpx.TransportError):
        tls(place)


# Each key, or what begins like it: another value, and how it shows. A value that is called gets the
# place. Where nothing is named, the page of the status has to say it, and a test of the part itself
# shows what it does.
class Row(typing.NamedTuple):
    value: object
    shows: object = None
    before: object = None


ROWS = {
    "listen.tokens": Row(["t" * 32], token),
    "listen.tokens_file": Row(lambda place: place.file("tokens", "t" * 32 + "\n"), token),
    "listen.cors": Row(["https://app.example"], preflight),
    "limits.memory": Row("32MiB", limits_memory),
    "limits.request": Row("1KiB", limits_request),
    "limits.connections": Row(1, limits_connections),
    "limits.header_timeout": Row("200ms", half_a_head),
    "limits.body_timeout": Row("200ms", half_a_body),
    "limits.idle_timeout": Row("200ms", nothing_more),
    "limits.series_per_metric": Row(1, series_per_metric),
    "limits.series_expiry": Row("1s", series_expiry),
    "limits.derived_expiry": Row("1s", derived_expiry),
    "limits.duration_bounds": Row(["1s", "2s"], duration_bounds, before_duration_bounds),
    "export": Row(lambda place: [in_memory(place.peer)], export),
    "store.keep": Row("1s", store_keep),
    "store.size": Row("64MiB", store_size),
    "agents.names": Row(lambda place: place.file("names.yaml", "attributes: {}\n")),
    "agents.prices": Row(lambda place: place.file(
        "prices.txt", "openai =fleet-1 - standard 0 1.00 - - - 2.00 -\n")),
    "agents.insights": Row(lambda place: place.file("insights.yaml", "[]\n")),
    "agents.redact.content": Row(True),
    "agents.redact.keys": Row(["secret.*"]),
    "agents.redact.values": Row([]),
    "agents.redact.patterns": Row([{"name": "four", "pattern": "[0-9]{4}"}]),
    "agents.redact.action": Row("drop"),
    "agents.redact.hash_key": Row("another"),
    "agents.normalize": Row(True),
    "agents.semconv": Row("off", client_metrics),
    "agents.user_label": Row("hashed", users),
    "agents.user_key": Row("k" * 32),
    "agents.user_key_file": Row(lambda place: place.file("user.key", "k" * 32 + "\n")),
    "agents.hold": Row("200ms", hold),
    "agents.open_activities": Row(200),
    "budgets": Row([{"name": "all", "limit": "5 USD"}]),
    "audit.keep": Row("2h", audit_keep),
    "audit.size": Row("8MiB"),
    "audit.file": Row("1MiB"),
    "audit.verify": Row("1h"),
    "machine.host": Row(True, host),
    "machine.process": Row(False, no_process),
    "enable.metrics": Row(False, switched_off("metrics")),
    "enable.traces": Row(False, switched_off("traces")),
    "enable.logs": Row(False, switched_off("logs")),
    "enable.analytics": Row(False),
    "enable.store": Row(False),
    "enable.live": Row(False),
    "enable.audit": Row(False),
    "log.format": Row("json", lines_of_json),
    "log.level": Row("debug"),
    "shutdown": Row("1s"),
}
RESTART = {"listen.grpc": "127.0.0.1:1", "listen.http": "127.0.0.1:1", "listen.web": "127.0.0.1:1",
           "store.path": "elsewhere"}


@functools.cache
def defaults():
    return yaml.safe_load(subprocess.run(
        [roost_binary(), "check", "--defaults"], capture_output=True, text=True, check=True).stdout)


def leaves(config, path=""):
    if not isinstance(config, dict):
        yield path
        return
    for key, value in config.items():
        yield from leaves(value, f"{path}.{key}" if path else key)


def at(config, path):
    for key in path.split("."):
        config = config[key]
    return config


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def place(roost, tmp_path, authority):
    place = Place(roost(), tmp_path, authority)
    place.peer = HTTPPeer()

    def file(name, text):
        path = tmp_path / name
        path.write_text(text)
        return str(path)
    place.file = file
    yield place
    place.peer.stop()


def test_every_key_is_in_the_table():
    named = set(ROWS) | set(RESTART)
    others = {key for key in leaves(defaults()) if key not in named}
    # What the listeners have in common may be said of each of them.
    assert others == {
        f"listen.tls.{key}" for key in ("cert", "key", "client_ca")
    } | {
        f"listen.override.{listener}.{key}" for listener in ("grpc", "http", "web")
        for key in ("tls", "cert", "key", "client_ca", "tokens", "tokens_file")}


@pytest.mark.parametrize("key", ROWS)
def test_applied(key, place):
    row = ROWS[key]
    value = row.value(place) if callable(row.value) else row.value
    if row.before:
        row.before(place)
    base = place.roost.config_file.read_text()
    reload(place.roost, lambda config: config.update(merged(config, changed(key, value))))
    assert "needs a restart" not in place.roost.log
    if key not in ("listen.tokens", "listen.tokens_file"):
        assert at(place.roost.status()["configuration"], key) != at(defaults(), key)
    if row.shows:
        row.shows(place)
    # And back.
    place.roost.config_file.write_text(base)
    place.roost.signal(signal.SIGHUP)
    wait_until(lambda: place.roost.log.count("configuration reloaded") == 2, what="the way back")


@pytest.mark.parametrize("section", ["listen.tls", "listen.override.http"])
def test_certificates_are_applied(section, place):
    pair = place.authority.issue(f"server-{section}")
    place.tls_context = ssl.create_default_context(cafile=place.authority.cert)
    values = {"cert": pair.cert, "key": pair.key}
    reload(place.roost, lambda config: config.update(merged(config, changed(section, values))))
    tls(place)
    values["client_ca"] = place.authority.cert
    reload(place.roost, lambda config: config.update(merged(config, changed(section, values))))
    client_tls(place)


@pytest.mark.parametrize("key", RESTART)
def test_needs_a_restart(key, place):
    reload(place.roost, lambda config: config.update(merged(config, changed(key, RESTART[key]))),
           says=f"needs a restart: {key}")
    # Nothing goes where it is not.
    assert at(place.roost.status()["configuration"], key) != RESTART[key]


def test_a_shorter_drain(roost):
    """Data that nobody takes holds up the end no longer than is said now."""
    collector = roost({"export": [in_memory(Nobody())], "shutdown": "60s"})
    Place(collector, None, None).send("traces", request("traces"))
    reload(collector, lambda config: config.update(shutdown="1s"))
    began = time.monotonic()
    assert collector.stop() == 0
    assert time.monotonic() - began < 20


def test_a_reload_that_fails_leaves_nothing_behind(roost, tmp_path):
    peer = HTTPPeer()
    (tmp_path / "file").write_text("")
    collector = roost()
    before = {(sample.name, *sample.labels.items()) for sample in collector.metrics().samples
              if "exporter" in sample.labels}
    status = collector.status()
    bad = in_memory(peer, "bad", queue={"path": str(tmp_path / "file")})
    reload(collector, lambda config: config.update(
        export=[in_memory(peer, "good"), bad], limits={"request": "1KiB"}), says="not reloaded")
    assert {(sample.name, *sample.labels.items()) for sample in collector.metrics().samples
            if "exporter" in sample.labels} == before
    assert collector.status()["exporters"] == status["exporters"]
    assert collector.status()["configuration"] == status["configuration"]
    peer.stop()
