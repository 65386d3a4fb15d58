"""Redaction by the real program, against a real destination: what was to be taken out is gone from
what is forwarded and from every page, and everything else is as it was sent."""

import base64
import collections
import random
import re
import signal as signals

import httpx
import pytest
import yaml
from conftest import wait_until
from google.protobuf import json_format
from opentelemetry.proto.common.v1 import common_pb2
from otlp_peers import SIGNALS, GRPCPeer, Sender, items

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
# Put together here, so that no scanner takes this file for a leak.
KEYS = [("sk" + "-proj-", 48), ("gh" + "p_", 36), ("AI" + "za", 35), ("hf" + "_", 34),
        ("gsk" + "_", 52), ("xai" + "-", 80), ("gl" + "pat-", 24)]
PEM = "-----BEGIN PRIVATE KEY-----{0}" + "MIIEvQIBADANBgkqhkiG9w0B{0}" * 6 + "-----END PRIVATE KEY-----"


def destination(peer):
    return {"name": "peer", "endpoint": peer.endpoint, "protocol": "grpc",
            "batch": {"delay": "20ms"}, "retry": {"initial": "20ms", "max": "200ms"}}


@pytest.fixture
def peer():
    peer = GRPCPeer()
    yield peer
    peer.stop()


def secret(rng):
    if rng.random() < 0.1:
        return PEM.format(rng.choice(["\n", "\\n"])), "[redacted:private_key]"
    start, count = rng.choice(KEYS)
    return start + "a1" + "".join(rng.choices(ALPHABET, k=count - 2)), "[redacted:api_key]"


class Texts:
    """Makes texts, some with secrets, and remembers what has to become of them."""

    def __init__(self, rng, share):
        self.rng, self.share, self.secrets = rng, share, {}

    def __call__(self):
        rng = self.rng
        filler = "".join(rng.choices(ALPHABET + "    .,é日", k=rng.randrange(0, 90)))
        if rng.random() >= self.share:
            return filler
        found, gone = secret(rng)
        self.secrets[found] = gone
        around = rng.choice(["{}", "{{\"a\":\"{}\"}}", "x {} y", "\\n{}\\n", "={};"])
        return filler + " " + around.format(found) + " " + filler[:20]

    def expected(self, text):
        for found, gone in self.secrets.items():
            text = text.replace(found, gone)
        return text


def fill_value(value, texts, rng, depth=0):
    kind = rng.choices(["text", "int", "double", "bool", "list", "map", "bytes", "none"],
                       [8, 2, 1, 1, 2, 2, 1, 1])[0]
    if kind in ("list", "map") and depth < 6:
        target = value.array_value.values if kind == "list" else value.kvlist_value.values
        value.array_value.SetInParent() if kind == "list" else value.kvlist_value.SetInParent()
        for _ in range(rng.randrange(4)):
            if kind == "list":
                fill_value(target.add(), texts, rng, depth + 1)
            else:
                entry = target.add(key=f"k{rng.randrange(9)}")
                fill_value(entry.value, texts, rng, depth + 1)
    elif kind == "int":
        value.int_value = rng.randrange(-2**63, 2**63)
    elif kind == "double":
        value.double_value = rng.random()
    elif kind == "bool":
        value.bool_value = rng.random() < 0.5
    elif kind == "bytes":
        value.bytes_value = texts().encode()
    elif kind != "none":
        value.string_value = texts()


def fill_attributes(target, texts, rng):
    for _ in range(rng.randrange(6)):
        fill_value(target.add(key=f"attribute.{rng.randrange(99)}").value, texts, rng)


def ids(rng):
    return {"trace_id": rng.randbytes(15) + b"\1", "span_id": rng.randbytes(7) + b"\1"}


def random_traces(request, texts, rng):
    for _ in range(rng.randrange(1, 4)):
        entry = request.resource_spans.add(schema_url="https://example.org/1")
        fill_attributes(entry.resource.attributes, texts, rng)
        scope = entry.scope_spans.add()
        scope.scope.name = "scope"
        fill_attributes(scope.scope.attributes, texts, rng)
        for _ in range(rng.randrange(12)):
            span = scope.spans.add(name=texts(), kind=rng.randrange(6), **ids(rng))
            span.start_time_unix_nano, span.end_time_unix_nano = 1, 2 + rng.randrange(10**9)
            span.status.message = texts()
            fill_attributes(span.attributes, texts, rng)
            for _ in range(rng.randrange(3)):
                event = span.events.add(name=texts(), time_unix_nano=5)
                fill_attributes(event.attributes, texts, rng)
            if rng.random() < 0.3:
                fill_attributes(span.links.add(**ids(rng)).attributes, texts, rng)


def random_logs(request, texts, rng):
    entry = request.resource_logs.add()
    fill_attributes(entry.resource.attributes, texts, rng)
    for _ in range(rng.randrange(1, 3)):
        scope = entry.scope_logs.add()
        for _ in range(rng.randrange(1, 15)):
            record = scope.log_records.add(time_unix_nano=7, event_name=texts())
            fill_value(record.body, texts, rng)
            fill_attributes(record.attributes, texts, rng)


def random_metrics(request, texts, rng):
    scope = request.resource_metrics.add().scope_metrics.add()
    for number in range(rng.randrange(1, 6)):
        metric = scope.metrics.add(name=f"metric_{number}", unit="1")
        fill_attributes(metric.metadata, texts, rng)
        if rng.random() < 0.5:
            point = metric.gauge.data_points.add(as_int=3, time_unix_nano=9)
        else:
            metric.histogram.aggregation_temporality = 2
            point = metric.histogram.data_points.add(count=1, sum=2, time_unix_nano=9)
            point.bucket_counts.extend([1, 0])
            point.explicit_bounds.append(5)
        fill_attributes(point.attributes, texts, rng)
        exemplar = point.exemplars.add(as_double=1, time_unix_nano=9)
        fill_attributes(exemplar.filtered_attributes, texts, rng)


FILL = {"traces": random_traces, "logs": random_logs, "metrics": random_metrics}


def redact(message, texts):
    """What the program has to make of a message, worked out by another implementation."""
    for field, value in message.ListFields():
        if isinstance(message, common_pb2.KeyValue) and field.name == "key":
            continue
        if field.name in ("schema_url", "unit"):
            continue
        if field.type == field.TYPE_MESSAGE:
            for inner in value if field.is_repeated else [value]:
                redact(inner, texts)
        elif field.type == field.TYPE_STRING and not field.is_repeated:
            setattr(message, field.name, texts.expected(value))
        elif isinstance(message, common_pb2.AnyValue) and field.name == "bytes_value":
            message.bytes_value = texts.expected(value.decode()).encode()


@pytest.mark.parametrize("kind", SIGNALS)
@pytest.mark.parametrize("share", [0.02, 0.5])
def test_what_is_forwarded_is_what_was_sent_without_its_secrets(roost, peer, kind, share):
    collector = roost({"export": [destination(peer)]})
    sender = Sender(collector)
    rng = random.Random(f"{kind} {share}")
    texts = Texts(rng, share)
    expected = collections.Counter()
    for _ in range(60):
        request = SIGNALS[kind][0]()
        FILL[kind](request, texts, rng)
        sender(request, kind)
        redact(request, texts)
        expected.update(items(kind, request))
    peer.wait_items(sum(expected.values()), kind)
    assert peer.items[kind] == expected
    pages = "".join(collector.get(f"/{page}").text
                    for page in ("metrics", "status"))
    assert not [found for found in texts.secrets if found in pages]
    counted = collector.metrics()
    found = sum(counted.value("roost_redacted_values_total", rule=rule)
                for rule in ("api_key", "private_key"))
    assert found >= len(texts.secrets) > 0
    sender.close()


def test_the_same_over_http_as_json(roost, peer):
    collector = roost({"export": [destination(peer)]})
    rng = random.Random(5)
    texts = Texts(rng, 0.5)
    request = SIGNALS["traces"][0]()
    random_traces(request, texts, rng)
    body = json_format.MessageToDict(request, preserving_proto_field_name=False)
    for entry in body["resourceSpans"]:
        for scope in entry.get("scopeSpans", []):
            for span in scope.get("spans", []):
                for one in [span, *span.get("links", [])]:
                    for name in ("traceId", "spanId"):
                        one[name] = base64.b64decode(one[name]).hex()
                span["kind"] = ["SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
                                "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER",
                                ].index(span.get("kind", "SPAN_KIND_UNSPECIFIED"))
    assert httpx.post(f"http://{collector.http}/v1/traces", json=body).status_code == 200
    redact(request, texts)
    expected = collections.Counter(items("traces", request))
    peer.wait_items(sum(expected.values()))
    assert peer.items["traces"] == expected


def agent_span(**attributes):
    request = SIGNALS["traces"][0]()
    span = request.resource_spans.add().scope_spans.add().spans.add(
        name="chat", **ids(random.Random(1)))
    for key, value in attributes.items():
        span.attributes.add(key=key.replace("__", ".")).value.string_value = value
    return request


def attributes_at(peer):
    found = {}
    for item in peer.items["traces"]:
        span = SIGNALS["traces"][0]().resource_spans.add().scope_spans.add().spans.add()
        span.ParseFromString(item[-1])
        found.update({a.key: a.value.string_value for a in span.attributes})
    return found


def test_no_content_at_all_in_one_line(roost, peer):
    collector = roost({"export": [destination(peer)], "agents": {"redact": {"content": True}}})
    sender = Sender(collector)
    sender(agent_span(gen_ai__input__messages="[tell me]", input__value="tell me",
                      ai__prompt="tell me", gen_ai__request__model="gpt-4o",
                      gen_ai__prompt__name="greeting"))
    peer.wait_items(1)
    assert attributes_at(peer) == {
        "gen_ai.input.messages": "[redacted:content]", "input.value": "[redacted:content]",
        "ai.prompt": "[redacted:content]", "gen_ai.request.model": "gpt-4o",
        "gen_ai.prompt.name": "greeting"}
    assert collector.metrics().value("roost_redacted_values_total", rule="content") == 3
    sender.close()


def test_every_rule_and_a_reload(roost, peer):
    config = {"export": [destination(peer)], "agents": {"redact": {
        "keys": ["password"], "values": ["email", "card"], "hash_key": "k", "action": "hash",
        "patterns": [{"name": "employee", "pattern": r"EMP-\d{4}"},
                     {"name": "internal", "pattern": "internal use", "action": "drop"}]}}}
    collector = roost(config)
    sender = Sender(collector)
    sender(agent_span(password="hunter2", mail="to a@b.io", card="4111 1111 1111 1111",
                      who="EMP-1234", note="for internal use", rest="plain"))
    peer.wait_items(1)
    found = attributes_at(peer)
    for key, rule in [("password", "key"), ("mail", "email"), ("card", "card")]:
        assert re.search(rf"\[{rule}:[0-9a-f]{{16}}\]$", found[key]), (key, found)
    assert found["who"] == "[redacted:employee]"
    assert "note" not in found and found["rest"] == "plain"
    status = collector.status()
    assert status["redaction"]["on"] is True
    assert status["redaction"]["values"]["employee"] == 1
    assert status["configuration"]["agents"]["redact"]["hash_key"] == "***"
    sender.close()


def test_hangup_applies_another_redaction(roost, peer):
    collector = roost({"export": [destination(peer)], "agents": {"redact": {"keys": ["old"]}}})
    path = collector.config_file
    config = yaml.safe_load(path.read_text())
    config["agents"]["redact"] = {"keys": ["new"]}
    path.write_text(yaml.safe_dump(config))
    collector.signal(signals.SIGHUP)
    wait_until(
        lambda: collector.status()["configuration"]["agents"]["redact"]["keys"] == ["new"])
    sender = Sender(collector)
    sender(agent_span(old="a", new="b"))
    peer.wait_items(1)
    assert attributes_at(peer) == {"old": "a", "new": "[redacted:key]"}
    sender.close()


def test_secrets_in_span_names_are_in_no_label(roost, peer):
    collector = roost({"export": [destination(peer)]})
    sender = Sender(collector)
    found = "sk" + "-proj-" + "a1" * 24
    request = agent_span(a="b")
    request.resource_spans[0].scope_spans[0].spans[0].name = f"call {found}"
    sender(request)
    page = collector.metrics()
    assert page.value("traces_span_metrics_calls_total",
                      span_name="call [redacted:api_key]") == 1
    assert found not in page.text
    sender.close()
