"""`agents.normalize`: forwarded spans of other dialects get the names of the GenAI conventions, keep
their own, and nothing else changes."""

import random

import pytest
from opentelemetry.proto.trace.v1 import trace_pb2
from otlp_peers import SIGNALS, GRPCPeer, Sender

OPEN_INFERENCE = {
    "openinference.span.kind": "LLM", "llm.model_name": "gpt-4o-2024-08-06",
    "llm.provider": "openai", "llm.token_count.prompt": 110, "llm.token_count.completion": 20,
    "llm.token_count.prompt_details.cache_read": 40, "session.id": "s-1"}
TOOL = {"traceloop.span.kind": "tool", "traceloop.entity.name": "search"}
COMPLETE = {
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-x", "gen_ai.response.model": "claude-x-1",
    "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 7}
PARTIAL = {**OPEN_INFERENCE, "gen_ai.provider.name": "my-own", "gen_ai.operation.name": "my-op"}


@pytest.fixture
def peer():
    peer = GRPCPeer()
    yield peer
    peer.stop()


def spans_request(*spans):
    rng = random.Random(3)
    request = SIGNALS["traces"][0]()
    scope = request.resource_spans.add().scope_spans.add()
    for number, attributes in enumerate(spans):
        span = scope.spans.add(
            name=f"span {number}", trace_id=rng.randbytes(16), span_id=rng.randbytes(8),
            start_time_unix_nano=1, end_time_unix_nano=2)
        for key, value in attributes.items():
            target = span.attributes.add(key=key).value
            if isinstance(value, int):
                target.int_value = value
            else:
                target.string_value = value
    return request


def exchange(roost, peer, request, normalize):
    """The spans that arrive, by name."""
    collector = roost({
        "export": [{"name": "peer", "endpoint": peer.endpoint, "protocol": "grpc",
                    "batch": {"delay": "20ms"}}],
        "agents": {"normalize": normalize}})
    sender = Sender(collector)
    sender(request)
    sender.close()
    peer.wait_items(len(request.resource_spans[0].scope_spans[0].spans))
    found = {}
    for item in peer.items["traces"]:
        span = trace_pb2.Span.FromString(item[-1])
        found[span.name] = span
    return found


def attributes(span):
    pairs = [(a.key, getattr(a.value, a.value.WhichOneof("value"))) for a in span.attributes]
    assert len(pairs) == len(dict(pairs)), "a key came twice"
    return dict(pairs)


def test_other_dialects_get_the_conventions_names_and_keep_their_own(roost, peer):
    request = spans_request(OPEN_INFERENCE, TOOL, COMPLETE, {"http.method": "GET"}, PARTIAL)
    arrived = exchange(roost, peer, request, normalize=True)
    assert attributes(arrived["span 0"]) == {
        **OPEN_INFERENCE, "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        **{key: value for key, value in attributes(arrived["span 0"]).items()
           if key in ("gen_ai.request.model",)},
        "gen_ai.usage.input_tokens": 110, "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 40, "gen_ai.conversation.id": "s-1"}
    tool = attributes(arrived["span 1"])
    assert tool["gen_ai.operation.name"] == "execute_tool"
    assert tool["gen_ai.tool.name"] == "search"
    assert TOOL.items() <= tool.items()
    assert attributes(arrived["span 2"]) == COMPLETE
    assert attributes(arrived["span 3"]) == {"http.method": "GET"}
    partial = attributes(arrived["span 4"])
    assert PARTIAL.items() <= partial.items()
    # All but the attributes is as it was.
    for number, sent in enumerate(request.resource_spans[0].scope_spans[0].spans):
        got = arrived[f"span {number}"]
        del got.attributes[:]
        del sent.attributes[:]
        assert got == sent


def test_it_is_off_unless_it_is_asked_for(roost, peer):
    arrived = exchange(roost, peer, spans_request(OPEN_INFERENCE), normalize=False)
    assert attributes(arrived["span 0"]) == OPEN_INFERENCE
