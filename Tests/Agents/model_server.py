"""A local server that answers like the HTTP interfaces of OpenAI, Anthropic and Gemini.

It is what real clients and their instrumentations are run against: every answer carries token
counts, and the server's own account of them (`ModelServer.account`) is the truth that telemetry is
compared with. A request whose model is called `missing` gets the provider's own 404.
"""

import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What one answer costs, in each provider's own way of counting: the same call, told in three ways.
OPENAI_USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 0},
}
RESPONSES_USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 0},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 120,
}
ANTHROPIC_USAGE = {
    "input_tokens": 60,
    "cache_creation_input_tokens": 10,
    "cache_read_input_tokens": 40,
    "output_tokens": 20,
}
GEMINI_USAGE = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 40,
    "candidatesTokenCount": 15,
    "thoughtsTokenCount": 5,
    "totalTokenCount": 120,
}

# The same in Roost's disjoint counts.
TRUTH = {
    "openai": {"input": 60, "cache_read": 40, "cache_write": 0, "output": 15, "reasoning": 5},
    "anthropic": {"input": 60, "cache_read": 40, "cache_write": 10, "output": 20, "reasoning": 0},
    "gemini": {"input": 60, "cache_read": 40, "cache_write": 0, "output": 15, "reasoning": 5},
    "embedding": {"input": 8, "cache_read": 0, "cache_write": 0, "output": 0, "reasoning": 0},
}


class ModelServer:
    """Runs on a free port of the loopback interface from `start` until `stop`."""

    def __init__(self):
        self._lock = threading.Lock()
        self._calls = []
        outer = self

        class Handler(_Handler):
            server_account = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def note(self, kind, model, ok):
        with self._lock:
            self._calls.append((kind, model, ok))

    @property
    def account(self):
        """Calls, failures and disjoint token counts by model, as answered so far."""
        result = {}
        with self._lock:
            calls = list(self._calls)
        for kind, model, ok in calls:
            row = result.setdefault(
                model, {"calls": 0, "failed": 0, "tokens": dict.fromkeys(TRUTH["openai"], 0)}
            )
            row["calls"] += 1
            if not ok:
                row["failed"] += 1
                continue
            for name, count in TRUTH[kind].items():
                row["tokens"][name] += count
        return result


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_account: ModelServer

    def log_message(self, *_):
        pass

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if length:
            raw = self.rfile.read(length)
        else:
            raw = b""
            while (size := int(self.rfile.readline() or b"0", 16)) > 0:
                raw += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        body = json.loads(raw or b"{}")
        path = self.path.split("?")[0]
        if path.endswith("/chat/completions"):
            self._chat(body)
        elif path.endswith("/responses"):
            self._responses(body)
        elif path.endswith("/embeddings"):
            self._embeddings(body)
        elif path.endswith("/messages"):
            self._messages(body)
        elif ":generateContent" in path or ":streamGenerateContent" in path:
            self._gemini(path, body)
        else:
            self._json(404, {"error": {"message": f"no such path: {path}"}})

    # OpenAI

    def _chat(self, body):
        model = body["model"]
        if model == "missing":
            self.server_account.note("openai", model, False)
            self._openai_missing(model)
            return
        self.server_account.note("openai", model, True)
        tool = _tool_to_call(body)
        base = {"id": _unique("chatcmpl"), "created": int(time.time()), "model": _dated(model)}
        if tool:
            message = {"role": "assistant", "content": None, "tool_calls": [tool]}
            finish = "tool_calls"
        else:
            message = {"role": "assistant", "content": "Four, as everybody knows."}
            finish = "stop"
        if not body.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
            self._json(
                200,
                base | {"object": "chat.completion", "choices": [choice], "usage": OPENAI_USAGE},
            )
            return
        base["object"] = "chat.completion.chunk"
        delta = dict(message)
        if tool:
            delta["tool_calls"] = [tool | {"index": 0}]
        chunks = [
            base | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
            base | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
        ]
        if (body.get("stream_options") or {}).get("include_usage"):
            chunks.append(base | {"choices": [], "usage": OPENAI_USAGE})
        self._events([(None, chunk) for chunk in chunks], done="[DONE]")

    def _responses(self, body):
        model = body["model"]
        if model == "missing":
            self.server_account.note("openai", model, False)
            self._openai_missing(model)
            return
        self.server_account.note("openai", model, True)
        items = body.get("input")
        answered = isinstance(items, list) and any(
            isinstance(item, dict) and item.get("type") == "function_call_output" for item in items
        )
        tools = [tool for tool in body.get("tools") or [] if tool.get("type") == "function"]
        if tools and not answered:
            output = [
                {
                    "type": "function_call",
                    "id": "fc_1",
                    "call_id": "call_1",
                    "name": tools[0]["name"],
                    "arguments": json.dumps(_arguments(tools[0].get("parameters"))),
                    "status": "completed",
                }
            ]
        else:
            text = {"type": "output_text", "text": "Four, as everybody knows.", "annotations": []}
            output = [
                {
                    "type": "message",
                    "id": "msg_1",
                    "role": "assistant",
                    "status": "completed",
                    "content": [text],
                }
            ]
        self._json(
            200,
            {
                "id": _unique("resp"),
                "object": "response",
                "created_at": int(time.time()),
                "status": "completed",
                "model": _dated(model),
                "output": output,
                "parallel_tool_calls": True,
                "tool_choice": "auto",
                "tools": body.get("tools") or [],
                "usage": RESPONSES_USAGE,
            },
        )

    def _embeddings(self, body):
        self.server_account.note("embedding", body["model"], True)
        inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = [
            {"object": "embedding", "index": index, "embedding": [0.1, 0.2, 0.3]}
            for index, _ in enumerate(inputs)
        ]
        usage = {"prompt_tokens": 8, "total_tokens": 8}
        self._json(
            200, {"object": "list", "data": data, "model": body["model"], "usage": usage}
        )

    def _openai_missing(self, model):
        text = f"The model `{model}` does not exist"
        self._json(
            404,
            {"error": {"message": text, "type": "invalid_request_error", "code": "model_not_found"}},
        )

    # Anthropic

    def _messages(self, body):
        model = body["model"]
        if model == "missing":
            self.server_account.note("anthropic", model, False)
            error = {"type": "not_found_error", "message": f"model: {model}"}
            self._json(404, {"type": "error", "error": error})
            return
        self.server_account.note("anthropic", model, True)
        tools = body.get("tools") or []
        answered = any(
            isinstance(message.get("content"), list)
            and any(part.get("type") == "tool_result" for part in message["content"])
            for message in body["messages"]
        )
        if tools and not answered:
            arguments = _arguments(tools[0].get("input_schema"))
            content = {"type": "tool_use", "id": "toolu_1", "name": tools[0]["name"]}
            content["input"] = arguments
            stop = "tool_use"
        else:
            content = {"type": "text", "text": "Four, as everybody knows."}
            stop = "end_turn"
        message = {
            "id": _unique("msg"),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [content],
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": ANTHROPIC_USAGE,
        }
        if not body.get("stream"):
            self._json(200, message)
            return
        opening = message | {"content": [], "stop_reason": None}
        opening["usage"] = ANTHROPIC_USAGE | {"output_tokens": 1}
        if stop == "tool_use":
            block = content | {"input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(content["input"])}
        else:
            block = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": content["text"]}
        events = [
            {"type": "message_start", "message": opening},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": stop, "stop_sequence": None},
                "usage": {"output_tokens": ANTHROPIC_USAGE["output_tokens"]},
            },
            {"type": "message_stop"},
        ]
        self._events([(event["type"], event) for event in events])

    # Gemini

    def _gemini(self, path, body):
        model = path.split("/models/")[1].split(":")[0]
        self.server_account.note("gemini", model, True)
        parts = [part for content in body["contents"] for part in content.get("parts", [])]
        answered = any("functionResponse" in part for part in parts)
        declared = [
            function
            for tool in body.get("tools") or []
            for function in tool.get("functionDeclarations") or []
        ]
        if declared and not answered:
            schema = declared[0].get("parametersJsonSchema") or declared[0].get("parameters")
            part = {"functionCall": {"name": declared[0]["name"], "args": _arguments(schema)}}
        else:
            part = {"text": "Four, as everybody knows."}
        answer = {
            "candidates": [
                {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
            ],
            "usageMetadata": GEMINI_USAGE,
            "modelVersion": model,
            "responseId": _unique("gemini"),
        }
        if ":streamGenerateContent" in path:
            self._events([(None, answer)])
        else:
            self._json(200, answer)

    # Answers

    def _json(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _events(self, events, done=None):
        lines = []
        for name, value in events:
            if name:
                lines.append(f"event: {name}\n")
            lines.append(f"data: {json.dumps(value)}\n\n")
        if done:
            lines.append(f"data: {done}\n\n")
        data = "".join(lines).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


_numbers = itertools.count(1)


def _unique(kind):
    return f"{kind}_{next(_numbers)}"


def _dated(model):
    """The name a provider answers with when it is asked for an alias."""
    return {"gpt-4o": "gpt-4o-2024-08-06", "gpt-4o-mini": "gpt-4o-mini-2024-07-18"}.get(
        model, model
    )


def _tool_to_call(body):
    """The first tool offered, once; nil after its result has come back."""
    tools = body.get("tools") or []
    if not tools or any(message.get("role") == "tool" for message in body["messages"]):
        return None
    function = tools[0]["function"]
    return {
        "id": "call_1",
        "type": "function",
        "function": {
            "name": function["name"],
            "arguments": json.dumps(_arguments(function.get("parameters"))),
        },
    }


def _arguments(schema):
    """Values that fit a JSON schema's required properties."""
    samples = {"integer": 2, "number": 2.0, "boolean": True, "array": [], "object": {}}
    properties = (schema or {}).get("properties") or {}
    return {
        name: samples.get(str(declared.get("type", "string")).lower(), "two")
        for name, declared in properties.items()
    }
