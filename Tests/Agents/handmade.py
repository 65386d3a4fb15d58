"""Fixtures for programs that cannot be run here, made from their documented names.

`handmade.py` writes them beside the recorded ones. Each `fixture` names its source: the document
that lists the names. The accounts are worked out by hand from the values a few lines further up.
"""

import json
import pathlib

FIXTURES = pathlib.Path(__file__).parent.parent / "Fixtures" / "agents"
SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND


def value(item):
    if isinstance(item, bool):
        return {"boolValue": item}
    if isinstance(item, int):
        return {"intValue": str(item)}
    if isinstance(item, float):
        return {"doubleValue": item}
    if isinstance(item, list):
        return {"arrayValue": {"values": [value(element) for element in item]}}
    return {"stringValue": item}


def attributes(items):
    return [{"key": key, "value": value(item)} for key, item in items.items()]


class Trace:
    """Spans of one trace; ids and times count up."""

    _next = 1

    def __init__(self):
        self.trace_id = f"{0xA0000000000000000000000000000000 + Trace._next:032x}"
        Trace._next += 1
        self.spans = []

    def span(self, name, items=None, parent=None, kind=1, at=0.0, lasts=1.0, **more):
        span = {
            "traceId": self.trace_id,
            "spanId": f"{int(self.trace_id[-4:], 16):04x}{len(self.spans) + 1:012x}",
            "name": name,
            "kind": kind,
            "startTimeUnixNano": str(START + int(at * SECOND)),
            "endTimeUnixNano": str(START + int((at + lasts) * SECOND)),
            "attributes": attributes(items or {}),
        } | more
        if parent:
            span["parentSpanId"] = parent["spanId"]
        self.spans.append(span)
        return span


def traces(service, scope, *groups, version=""):
    # Children end before their parents and are sent first.
    spans = [span for group in groups for span in reversed(group.spans)]
    return {
        "signal": "traces",
        "body": {
            "resourceSpans": [
                {
                    "resource": {"attributes": attributes({"service.name": service})},
                    "scopeSpans": [
                        {"scope": {"name": scope, "version": version}, "spans": spans}
                    ],
                }
            ]
        },
    }


def logs(service, scope, *records):
    return {
        "signal": "logs",
        "body": {
            "resourceLogs": [
                {
                    "resource": {"attributes": attributes({"service.name": service})},
                    "scopeLogs": [{"scope": {"name": scope}, "logRecords": list(records)}],
                }
            ]
        },
    }


def record(body, items, at):
    time = str(START + int(at * SECOND))
    return {
        "timeUnixNano": time,
        "observedTimeUnixNano": time,
        "severityNumber": 9,
        "body": {"stringValue": body},
        "attributes": attributes(items),
    }


def delta_sums(service, scope, at, sums):
    """`sums`: name, unit, and (attributes, value) for each point."""
    return {
        "signal": "metrics",
        "body": {
            "resourceMetrics": [
                {
                    "resource": {"attributes": attributes({"service.name": service})},
                    "scopeMetrics": [
                        {
                            "scope": {"name": scope},
                            "metrics": [
                                {
                                    "name": name,
                                    "unit": unit,
                                    "sum": {
                                        "aggregationTemporality": 1,
                                        "isMonotonic": True,
                                        "dataPoints": [
                                            {
                                                "attributes": attributes(items),
                                                "startTimeUnixNano": str(START),
                                                "timeUnixNano": str(START + int(at * SECOND)),
                                                "asDouble": float(amount),
                                            }
                                            for items, amount in points
                                        ],
                                    },
                                }
                                for name, unit, points in sums
                            ],
                        }
                    ],
                }
            ]
        },
    }


def account(calls=1, failed=0, **tokens):
    names = ("input", "cache_read", "cache_write", "output", "reasoning")
    return {
        "calls": calls,
        "failed": failed,
        "tokens": {name: tokens.get(name, 0) for name in names},
    }


def fixture(name, source, version, models, requests, **more):
    """`models`: the account by model. `more`: `agents`, `tools`, `workflows` (runs or calls by
    name) and `reported_cost_usd`, where the fixture says something about them."""
    content = {
        "library": name.rsplit("_", 1)[0] if name[-1].isdigit() else name,
        "version": version,
        "recorded": False,
        "source": source,
        "account": models,
    } | more
    content["requests"] = requests
    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES / f"{name}.json").write_text(
        json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    )


def error(message="refused"):
    return {"status": {"code": 2, "message": message}}


def conventions():
    document = "OpenTelemetry semantic conventions, docs/gen-ai"
    old = Trace()
    old.span(
        "chat gpt-4",
        {
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4",
            "gen_ai.response.model": "gpt-4-0613",
            "gen_ai.usage.prompt_tokens": 80,
            "gen_ai.usage.completion_tokens": 20,
        },
        kind=3,
        events=[
            {
                "timeUnixNano": str(START),
                "name": "gen_ai.content.prompt",
                "attributes": attributes({"gen_ai.prompt": "[]"}),
            }
        ],
    )
    fixture(
        "semconv_1_26", document, "1.26.0",
        {"gpt-4-0613": account(input=80, output=20)},
        [traces("semconv-1-26", "test", old)],
    )

    middle = Trace()
    root = middle.span("GET /ask", {"http.request.method": "GET"}, kind=2, lasts=3.0)
    middle.span(
        "chat mistral-large-latest",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "mistral",
            "gen_ai.request.model": "mistral-large-latest",
            "gen_ai.usage.input_tokens": 50,
            "gen_ai.usage.output_tokens": 10,
            "gen_ai.response.finish_reasons": ["stop"],
        },
        parent=root, kind=3,
    )
    fixture(
        "semconv_1_36", document, "1.36.0",
        {"mistral-large-latest": account(input=50, output=10)},
        [traces("semconv-1-36", "test", middle)],
        workflows={"GET /ask": 1},
    )

    now = Trace()
    root = now.span(
        "invoke_workflow trip",
        {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "trip"}, lasts=9.0,
    )
    planner = now.span(
        "invoke_agent planner",
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "planner",
            "gen_ai.provider.name": "anthropic",
            # What the conventions allow and what must not be added to the calls below.
            "gen_ai.usage.input_tokens": 1150,
            "gen_ai.usage.output_tokens": 120,
        },
        parent=root, lasts=8.0,
    )
    now.span(
        "chat claude-sonnet-4-5",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "claude-sonnet-4-5",
            "gen_ai.response.model": "claude-sonnet-4-5-20250929",
            "gen_ai.usage.input_tokens": 1150,
            "gen_ai.usage.cache_read.input_tokens": 1000,
            "gen_ai.usage.cache_creation.input_tokens": 50,
            "gen_ai.usage.output_tokens": 120,
            "gen_ai.usage.reasoning.output_tokens": 20,
            "gen_ai.response.time_to_first_chunk": 0.25,
            "gen_ai.conversation.id": "c-1",
        },
        parent=planner, kind=3, at=0.5,
    )
    now.span(
        "execute_tool search",
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"},
        parent=planner, at=2.0,
    )
    now.span(
        "execute_tool search",
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "search",
            "error.type": "timeout",
        },
        parent=planner, at=4.0, **error(),
    )
    now.span(
        "embeddings text-embedding-3-small",
        {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "text-embedding-3-small",
            "gen_ai.usage.input_tokens": 7,
        },
        parent=planner, kind=3, at=5.0,
    )
    sonnet = account(input=100, cache_read=1000, cache_write=50, output=100, reasoning=20)
    fixture(
        "semconv_1_41", document, "1.41.1",
        {"claude-sonnet-4-5-20250929": sonnet, "text-embedding-3-small": account(input=7)},
        [traces("semconv-1-41", "test", now)],
        agents={"planner": 1}, tools={"search": 2}, workflows={"trip": 1},
    )

    later = Trace()
    later.span(
        "chat gpt-5",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-5",
            "gen_ai.response.model": "gpt-5-2025-08-07",
            "gen_ai.usage.input_tokens": 200,
            "gen_ai.usage.cache_read.input_tokens": 64,
            "gen_ai.usage.cache_write.input_tokens": 16,
            "gen_ai.usage.output_tokens": 90,
            "gen_ai.usage.reasoning.output_tokens": 60,
            "gen_ai.usage.text.input_tokens": 200,
            "gen_ai.usage.text.output_tokens": 90,
        },
        kind=3,
    )
    fixture(
        "semconv_genai", "semantic-conventions-genai, docs", "1.42.0-dev",
        {
            "gpt-5-2025-08-07": account(
                input=120, cache_read=64, cache_write=16, output=30, reasoning=60
            )
        },
        [traces("semconv-genai", "test", later)],
    )

    mcp = Trace()
    client = mcp.span(
        "tools/call search",
        {
            "mcp.method.name": "tools/call",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "search",
            "mcp.session.id": "s-1",
            "network.transport": "pipe",
        },
        kind=3, lasts=2.0,
    )
    mcp.span(
        "tools/call search",
        {
            "mcp.method.name": "tools/call",
            "gen_ai.tool.name": "search",
            "mcp.session.id": "s-1",
            "error.type": "tool_error",
        },
        parent=client, kind=2, at=0.2,
    )
    mcp.span("tools/list", {"mcp.method.name": "tools/list", "mcp.session.id": "s-1"}, kind=3)
    fixture(
        "mcp_semconv", document, "1.41.1", {}, [traces("mcp-semconv", "test", mcp)],
        tools={"search": 1},
    )


def openllmetry():
    trace = Trace()
    flow = trace.span(
        "research.workflow",
        {"traceloop.span.kind": "workflow", "traceloop.entity.name": "research",
         "traceloop.workflow.name": "research"},
        lasts=9.0,
    )
    agent = trace.span(
        "reader.agent",
        {"traceloop.span.kind": "agent", "traceloop.entity.name": "reader",
         "traceloop.workflow.name": "research",
         "traceloop.association.properties.session_id": "s-1"},
        parent=flow, lasts=8.0,
    )
    trace.span(
        "openai.chat",
        {
            "llm.request.type": "chat",
            "gen_ai.system": "OpenAI",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
            "gen_ai.usage.prompt_tokens": 100,
            "gen_ai.usage.completion_tokens": 30,
            "gen_ai.usage.cache_read_input_tokens": 25,
            "llm.usage.total_tokens": 130,
            "traceloop.workflow.name": "research",
        },
        parent=agent, kind=3, at=0.5,
    )
    trace.span(
        "fetch.tool", {"traceloop.span.kind": "tool", "traceloop.entity.name": "fetch"},
        parent=agent, at=2.0,
    )
    fixture(
        "openllmetry_workflow", "OpenLLMetry semantic conventions", "0.40",
        {"gpt-4o-mini-2024-07-18": account(input=75, cache_read=25, output=30)},
        [traces("openllmetry-workflow", "opentelemetry.instrumentation.openai.v1", trace)],
        agents={"reader": 1}, tools={"fetch": 1}, workflows={"research": 1},
    )


def vercel():
    document = "Vercel AI SDK, telemetry"
    common = {"ai.model.id": "gpt-4o", "ai.model.provider": "openai.chat",
              "ai.telemetry.functionId": "answer"}

    def legacy(version, outer, inner, tokens):
        trace = Trace()
        root = trace.span(
            "ai.generateText",
            {"operation.name": "ai.generateText answer", "ai.operationId": "ai.generateText"}
            | common | outer,
            lasts=4.0,
        )
        trace.span(
            "ai.generateText.doGenerate",
            {
                "operation.name": "ai.generateText.doGenerate answer",
                "ai.operationId": "ai.generateText.doGenerate",
                "ai.response.model": "gpt-4o-2024-08-06",
                "ai.response.msToFirstChunk": 150.0,
                "gen_ai.system": "openai.chat",
                "gen_ai.request.model": "gpt-4o",
            }
            | common | inner,
            parent=root,
        )
        trace.span(
            "ai.toolCall",
            {"ai.operationId": "ai.toolCall", "ai.toolCall.name": "weather",
             "ai.toolCall.id": "call_1"},
            parent=root, at=2.0,
        )
        fixture(
            f"vercel_{version}", document, f"{version}.x", {"gpt-4o-2024-08-06": tokens},
            [traces(f"vercel-{version}", "ai", trace)],
            tools={"weather": 1}, workflows={"answer": 1},
        )

    usage = {"ai.usage.promptTokens": 100, "ai.usage.completionTokens": 20}
    legacy("v4", usage, usage, account(input=100, output=20))
    usage = {
        "ai.usage.inputTokens": 100, "ai.usage.outputTokens": 20, "ai.usage.totalTokens": 120,
        "ai.usage.reasoningTokens": 5, "ai.usage.cachedInputTokens": 40,
    }
    repeated = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20}
    whole = account(input=60, cache_read=40, output=15, reasoning=5)
    legacy("v5", usage, usage | repeated, whole)
    usage = {
        "ai.usage.inputTokens": 100, "ai.usage.outputTokens": 20,
        "ai.usage.inputTokenDetails.noCacheTokens": 50,
        "ai.usage.inputTokenDetails.cacheReadTokens": 40,
        "ai.usage.inputTokenDetails.cacheWriteTokens": 10,
        "ai.usage.outputTokenDetails.textTokens": 15,
        "ai.usage.outputTokenDetails.reasoningTokens": 5,
    }
    whole = account(input=50, cache_read=40, cache_write=10, output=15, reasoning=5)
    legacy("v6", usage, usage | repeated, whole)

    trace = Trace()
    sums = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20,
            "gen_ai.usage.cache_read.input_tokens": 40}
    agent = trace.span(
        "invoke_agent answer",
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "answer"} | sums, lasts=4.0,
    )
    step = trace.span(
        "agent_step 1", {"gen_ai.operation.name": "agent_step"} | sums, parent=agent, lasts=2.0
    )
    trace.span(
        "chat gpt-4o",
        {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06",
        } | sums,
        parent=step, kind=3,
    )
    fixture(
        "vercel_v7", document, "v7.x",
        {"gpt-4o-2024-08-06": account(input=60, cache_read=40, output=20)},
        [traces("vercel-v7", "@ai-sdk/otel", trace)], agents={"answer": 1},
    )


CLAUDE = "claude-sonnet-4-5-20250929"
CLAUDE_ACCOUNT = {
    CLAUDE: account(2, 0, input=30, cache_read=5000, cache_write=700, output=400),
}
CLAUDE_COST = 0.0123 + 0.0045


def claude_code():
    document = "Claude Code documentation, monitoring usage"
    scope = "com.anthropic.claude_code"
    common = {"session.id": "session-1", "user.id": "u-1", "organization.id": "o-1"}
    one = {"model": CLAUDE, "input_tokens": 20, "output_tokens": 300,
           "cache_read_tokens": 4000, "cache_creation_tokens": 700}
    two = {"model": CLAUDE, "input_tokens": 10, "output_tokens": 100,
           "cache_read_tokens": 1000, "cache_creation_tokens": 0}

    def event(name, at, sequence, items):
        return record(
            f"claude_code.{name}",
            common | {"event.name": name, "event.sequence": sequence, "prompt.id": "prompt-1"}
            | items,
            at,
        )

    events = logs(
        "claude-code", scope,
        event("user_prompt", 0.0, 1, {"prompt_length": "42"}),
        event("api_request", 3.0, 2, one | {"cost_usd": 0.0123, "duration_ms": 3000,
                                            "request_id": "req_1"}),
        event("tool_decision", 4.0, 3, {"tool_name": "Bash", "decision": "accept",
                                        "source": "user_temporary"}),
        event("tool_result", 5.0, 4, {"tool_name": "Bash", "success": "true",
                                      "duration_ms": 900}),
        event("api_error", 6.0, 5, {"model": CLAUDE, "error": "overloaded",
                                    "status_code": "529", "duration_ms": 200, "attempt": 1}),
        event("api_request", 8.0, 6, two | {"cost_usd": 0.0045, "duration_ms": 1500,
                                            "request_id": "req_2"}),
    )
    with_error = {CLAUDE: CLAUDE_ACCOUNT[CLAUDE] | {"calls": 3, "failed": 1}}
    fixture(
        "claude_code_events", document, "2.0", with_error, [events],
        tools={"Bash": 1}, reported_cost_usd=CLAUDE_COST,
    )

    points = []
    for kind, amount in (("input", 30), ("output", 400), ("cacheRead", 5000),
                         ("cacheCreation", 700)):
        points.append((common | {"type": kind, "model": CLAUDE}, amount))
    metrics = delta_sums(
        "claude-code", scope, 60.0,
        [
            ("claude_code.session.count", "", [(common | {"start_type": "fresh"}, 1)]),
            ("claude_code.cost.usage", "USD", [(common | {"model": CLAUDE}, CLAUDE_COST)]),
            ("claude_code.token.usage", "tokens", points),
            ("claude_code.active_time.total", "s", [(common | {"type": "cli"}, 12.5)]),
        ],
    )
    only_tokens = {CLAUDE: CLAUDE_ACCOUNT[CLAUDE] | {"calls": 0}}
    fixture(
        "claude_code_metrics", document, "2.0", only_tokens, [metrics],
        reported_cost_usd=CLAUDE_COST,
    )

    trace = Trace()
    root = trace.span("claude_code.interaction", common, lasts=20.0)
    for number, call in enumerate((one, two)):
        trace.span(
            "claude_code.llm_request",
            common | call
            | {"gen_ai.system": "anthropic", "gen_ai.request.model": CLAUDE, "ttft_ms": 500,
               "duration_ms": 2000, "success": True, "attempt": 1,
               "request_id": f"req_{number + 1}"},
            parent=root, at=1.0 + 10 * number, lasts=2.0,
        )
    tool = trace.span(
        "claude_code.tool", common | {"tool_name": "Bash"}, parent=root, at=4.0, lasts=6.0
    )
    trace.span("claude_code.tool.blocked_on_user", common, parent=tool, at=4.0, lasts=5.0)
    trace.span("claude_code.tool.execution", common | {"success": True}, parent=tool, at=9.0)
    spans = traces("claude-code", scope, trace)
    fixture(
        "claude_code_spans", document, "2.0", CLAUDE_ACCOUNT, [spans], tools={"Bash": 1},
    )
    # The events of what the spans tell, a little off as two clocks are.
    same = logs(
        "claude-code", scope,
        event("user_prompt", 0.0, 1, {"prompt_length": "42"}),
        event("api_request", 3.1, 2, one | {"cost_usd": 0.0123, "duration_ms": 2000,
                                            "request_id": "req_1"}),
        event("tool_decision", 9.0, 3, {"tool_name": "Bash", "decision": "accept",
                                        "source": "user_temporary"}),
        event("tool_result", 10.2, 4, {"tool_name": "Bash", "success": "true",
                                       "duration_ms": 1000}),
        event("api_request", 12.9, 5, two | {"cost_usd": 0.0045, "duration_ms": 2000,
                                             "request_id": "req_2"}),
    )
    fixture(
        "claude_code_all_signals", document, "2.0",
        CLAUDE_ACCOUNT, [spans, metrics, same], tools={"Bash": 1},
    )


def codex():
    common = {"conversation.id": "conversation-1", "app.version": "0.40.0",
              "model": "gpt-5-codex", "slug": "gpt-5-codex", "auth_mode": "ApiKey",
              "terminal.type": "xterm"}

    def event(name, at, items):
        return record("", common | {"event.name": name} | items, at)

    requests = [
        logs(
            "codex_cli_rs", "codex_otel",
            event("codex.conversation_starts", 0.0,
                  {"provider_name": "OpenAI", "reasoning_effort": "medium",
                   "sandbox_policy": "workspace-write", "mcp_servers": ""}),
            event("codex.user_prompt", 0.5, {"prompt_length": "12", "prompt": "[REDACTED]"}),
            event("codex.api_request", 1.0,
                  {"attempt": "0", "duration_ms": "300", "http.response.status_code": "200"}),
            event("codex.sse_event", 2.0, {"event.kind": "response.created", "duration_ms": "5"}),
            event("codex.sse_event", 4.0,
                  {"event.kind": "response.completed", "input_token_count": "1000",
                   "output_token_count": "200", "cached_token_count": "600",
                   "reasoning_token_count": "150", "tool_token_count": "1200"}),
            event("codex.tool_decision", 5.0,
                  {"tool_name": "shell", "call_id": "call_1", "decision": "approved",
                   "source": "Config"}),
            event("codex.tool_result", 6.0,
                  {"tool_name": "shell", "call_id": "call_1", "duration_ms": "800",
                   "success": "true", "output": "two"}),
            event("codex.sse_event", 8.0,
                  {"event.kind": "response.completed", "input_token_count": "1300",
                   "output_token_count": "100", "cached_token_count": "1000",
                   "reasoning_token_count": "0", "tool_token_count": "1400"}),
        )
    ]
    fixture(
        "codex_logs", "Codex, docs/config.md and codex-rs/otel", "0.40.0",
        {"gpt-5-codex": account(2, 0, input=700, cache_read=1600, output=150, reasoning=150)},
        requests, tools={"shell": 1},
    )


def gemini_cli():
    document = "Gemini CLI, docs/cli/telemetry.md"
    common = {"session.id": "session-1", "installation.id": "i-1"}

    def event(name, at, items):
        return record(f"{name}.", common | {"event.name": name} | items, at)

    # Beside each event of its own it sends the conventions' one.
    def semantic(at, items):
        return record(
            "GenAI operation details.",
            common
            | {"event.name": "gen_ai.client.inference.operation.details",
               "gen_ai.operation.name": "generate_content", "gen_ai.provider.name": "gcp.gen_ai",
               "gen_ai.request.model": model}
            | items,
            at,
        )

    model = "gemini-2.5-pro"
    tokens = {"input_token_count": 1000, "output_token_count": 80,
              "cached_content_token_count": 300, "thoughts_token_count": 40,
              "tool_token_count": 0, "total_token_count": 1120}
    fixture(
        "gemini_cli_logs", document, "0.10",
        {model: account(2, 1, input=700, cache_read=300, output=80, reasoning=40)},
        [
            logs(
                "gemini-cli", "gemini-cli",
                event("gemini_cli.config", 0.0, {"model": model}),
                event("gemini_cli.user_prompt", 0.5,
                      {"prompt_length": 12, "prompt_id": "p-1", "auth_type": "gemini-api-key"}),
                event("gemini_cli.api_request", 1.0, {"model": model, "prompt_id": "p-1"}),
                semantic(1.0, {}),
                event("gemini_cli.api_response", 3.0,
                      {"model": model, "status_code": "200", "duration_ms": 2000,
                       "prompt_id": "p-1", "auth_type": "gemini-api-key"} | tokens),
                semantic(3.0, {"gen_ai.response.id": "r-1", "gen_ai.response.model": model,
                               "gen_ai.response.finish_reasons": ["stop"],
                               "gen_ai.usage.input_tokens": 1000,
                               "gen_ai.usage.output_tokens": 80}),
                event("gemini_cli.tool_call", 4.0,
                      {"function_name": "read_file", "function_args": "{}", "duration_ms": 20,
                       "success": True, "decision": "accept", "prompt_id": "p-1",
                       "tool_type": "native"}),
                event("gemini_cli.api_error", 5.0,
                      {"model": model, "error": "quota", "error_type": "quota",
                       "status_code": 429, "duration_ms": 100, "prompt_id": "p-1"}),
                semantic(5.0, {}),
            )
        ],
        tools={"read_file": 1},
    )

    trace = Trace()
    root = trace.span(
        "agent_call", {"gen_ai.operation.name": "agent_call", "gen_ai.agent.name": "gemini-cli",
                       "gen_ai.conversation.id": "session-1"}, lasts=6.0,
    )
    trace.span(
        "llm_call",
        {"gen_ai.operation.name": "llm_call", "gen_ai.agent.name": "gemini-cli",
         "gen_ai.request.model": model, "gen_ai.conversation.id": "session-1",
         "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 80},
        parent=root, lasts=2.0,
    )
    trace.span(
        "tool_call",
        {"gen_ai.operation.name": "tool_call", "gen_ai.tool.name": "read_file",
         "gen_ai.tool.call_id": "call_1", "gen_ai.agent.name": "gemini-cli"},
        parent=root, at=3.0,
    )
    fixture(
        "gemini_cli_spans", document, "0.20",
        {model: account(input=1000, output=80)},
        [traces("gemini-cli", "gemini-cli", trace)],
        tools={"read_file": 1},
    )


def strands():
    """On Bedrock, whose counts do not overlap."""
    trace = Trace()
    agent = trace.span(
        "invoke_agent planner",
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.system": "strands-agents",
         "gen_ai.agent.name": "planner"},
        lasts=4.0,
    )
    model = "us.anthropic.claude-sonnet-4-20250514-v1:0"
    trace.span(
        "chat",
        {"gen_ai.operation.name": "chat", "gen_ai.system": "strands-agents",
         "gen_ai.request.model": model, "gen_ai.usage.prompt_tokens": 2000,
         "gen_ai.usage.input_tokens": 2000, "gen_ai.usage.completion_tokens": 100,
         "gen_ai.usage.output_tokens": 100, "gen_ai.usage.total_tokens": 3600,
         "gen_ai.usage.cache_read_input_tokens": 1500,
         "gen_ai.usage.cache_write_input_tokens": 0},
        parent=agent, lasts=2.0,
    )
    fixture(
        "strands_bedrock", "Strands Agents, telemetry/tracer.py; Bedrock, TokenUsage", "1.0",
        {model: account(input=2000, cache_read=1500, output=100)},
        [traces("strands-bedrock", "strands.telemetry.tracer", trace)],
        agents={"planner": 1}, workflows={"invoke_agent planner": 1},
    )


def langsmith():
    trace = Trace()
    chain = trace.span(
        "RunnableSequence", {"langsmith.span.kind": "chain", "gen_ai.operation.name": "chain"},
        lasts=4.0,
    )
    for at, kind, word in ((0.0, "retriever", "embeddings"), (1.0, "prompt", "chat")):
        trace.span(
            kind,
            {"langsmith.span.kind": kind, "gen_ai.operation.name": word,
             "gen_ai.system": "langchain"},
            parent=chain, at=at,
        )
    trace.span(
        "ChatOpenAI",
        {"langsmith.span.kind": "llm", "gen_ai.operation.name": "chat", "gen_ai.system": "openai",
         "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 30,
         "gen_ai.usage.output_tokens": 5, "gen_ai.usage.total_tokens": 35},
        parent=chain, at=2.0,
    )
    fixture(
        "langsmith_chain", "LangSmith SDK, _otel_exporter.py", "0.4",
        {"gpt-4o": account(input=30, output=5)},
        [traces("langsmith-chain", "langsmith", trace)], workflows={"RunnableSequence": 1},
    )


def openinference():
    """One's own agent, whose span nobody gave a name of an agent."""
    trace = Trace()
    agent = trace.span(
        "research_agent", {"openinference.span.kind": "AGENT", "input.value": "question"},
        lasts=4.0,
    )
    trace.span(
        "ChatCompletion",
        {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o",
         "llm.token_count.prompt": 30, "llm.token_count.completion": 5,
         "llm.token_count.total": 35},
        parent=agent,
    )
    fixture(
        "openinference_agent", "OpenInference, semantic_conventions.md and its decorators", "0.1",
        {"gpt-4o": account(input=30, output=5)},
        [traces("openinference-agent", "my.program", trace)], agents={"research_agent": 1},
    )


def semantic_kernel():
    trace = Trace()
    root = trace.span(
        "AutoFunctionInvocationLoop", {"sk.available_functions": "search"}, lasts=4.0
    )
    call = {"gen_ai.operation.name": "chat.completions", "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o"}
    trace.span(
        "chat.completions gpt-4o",
        call | {"gen_ai.response.id": "r-1", "gen_ai.usage.input_tokens": 30,
                "gen_ai.usage.output_tokens": 5},
        parent=root,
    )
    trace.span(
        "chat.completions gpt-4o",
        call | {"error.type": "<class 'semantic_kernel.exceptions.ServiceResponseException'>"},
        parent=root, at=2.0, **error(),
    )
    fixture(
        "semantic_kernel", "Semantic Kernel, model_diagnostics/decorators.py", "1.30",
        {"gpt-4o": account(2, 1, input=30, output=5)},
        [traces("semantic-kernel", "semantic_kernel.utils.telemetry", trace)],
    )


if __name__ == "__main__":
    conventions()
    openllmetry()
    vercel()
    claude_code()
    codex()
    gemini_cli()
    strands()
    langsmith()
    openinference()
    semantic_kernel()
