extension Schemas {
    /// Traces: lists, one, files; log records.
    static let traces = #"""
        "TraceHead": {
          "description": "What a trace comes to",
          "type": "object",
          "required": [
            "trace_id", "workflow_id", "workflow", "name", "service", "services", "status",
            "start_time", "end_time", "duration", "clock_skew_seconds", "errors", "agents", "models", "llm_calls",
            "tool_calls", "tokens", "cost_usd", "session", "user"
          ],
          "properties": {
            "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "workflow_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "workflow": {"type": ["string", "null"]},
            "name": {"type": ["string", "null"]},
            "service": {"type": ["string", "null"]},
            "services": {"type": "array", "items": {"type": "string"}},
            "status": {
              "description": "abandoned: its root never ended, and nothing has come for long",
              "enum": ["running", "ok", "error", "abandoned"]
            },
            "start_time": {"type": "string", "format": "date-time"},
            "end_time": {"type": "string", "format": "date-time"},
            "duration": {"type": "number", "minimum": 0},
            "clock_skew_seconds": {
              "description": "The most that the clock of a service differs from its caller's. start_time, end_time and duration are of one clock all the same; null when nothing shows a difference",
              "type": ["number", "null"],
              "minimum": 0
            },
            "errors": {"type": "integer", "minimum": 0},
            "agents": {"type": "array", "items": {"type": "string"}},
            "models": {"type": "array", "items": {"type": "string"}},
            "llm_calls": {"type": "integer", "minimum": 0},
            "tool_calls": {"type": "integer", "minimum": 0},
            "tokens": {"type": "integer", "minimum": 0},
            "cost_usd": {"type": ["number", "null"], "minimum": 0},
            "session": {"type": ["string", "null"]},
            "user": {"type": ["string", "null"]}
          }
        },
        "TraceSummary": {
          "allOf": [{"$ref": "#/components/schemas/TraceHead"}],
          "type": "object",
          "required": ["spans"],
          "properties": {"spans": {"type": "integer", "minimum": 0}}
        },
        "Traces": {
          "type": "object",
          "required": ["traces", "cursor"],
          "properties": {
            "traces": {"type": "array", "items": {"$ref": "#/components/schemas/TraceSummary"}},
            "cursor": {"type": ["string", "null"]}
          }
        },
        "Span": {
          "description": "Steps that log records tell of end at `attributes`",
          "type": "object",
          "required": [
            "step", "span_id", "parent_span_id", "parent", "depth", "name", "service", "kind",
            "activity", "source", "status", "status_message", "error_type", "start_time",
            "end_time", "offset_seconds", "duration", "agent", "workflow", "model", "provider",
            "tool", "session", "user", "time_to_first_token_seconds", "tokens", "cost_usd",
            "cost_source", "is_counted", "attributes"
          ],
          "properties": {
            "step": {"type": "integer", "minimum": 0},
            "span_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"},
            "parent_span_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"},
            "parent": {"type": ["integer", "null"], "minimum": 0},
            "depth": {"type": "integer", "minimum": 0},
            "name": {"type": ["string", "null"]},
            "service": {"type": ["string", "null"]},
            "kind": {
              "enum": ["unspecified", "internal", "server", "client", "producer", "consumer"]
            },
            "activity": {"$ref": "#/components/schemas/Activity"},
            "source": {"enum": ["span", "log"]},
            "status": {"enum": ["ok", "error", "running"]},
            "status_message": {"type": ["string", "null"]},
            "error_type": {"type": ["string", "null"]},
            "start_time": {"type": "string", "format": "date-time"},
            "end_time": {"type": "string", "format": "date-time"},
            "offset_seconds": {"type": "number", "minimum": 0},
            "duration": {"type": "number", "minimum": 0},
            "agent": {"type": ["string", "null"]},
            "workflow": {"type": ["string", "null"]},
            "model": {"type": ["string", "null"]},
            "provider": {"type": ["string", "null"]},
            "tool": {"type": ["string", "null"]},
            "session": {"type": ["string", "null"]},
            "user": {"type": ["string", "null"]},
            "time_to_first_token_seconds": {"type": ["number", "null"], "minimum": 0},
            "tokens": {"$ref": "#/components/schemas/Tokens"},
            "cost_usd": {"type": ["number", "null"], "minimum": 0},
            "cost_source": {"enum": ["unknown", "reported", "computed"]},
            "is_counted": {"type": "boolean"},
            "attributes": {"type": "object"},
            "events": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["name", "time", "attributes"],
                "properties": {
                  "name": {"type": ["string", "null"]},
                  "time": {"type": "string", "format": "date-time"},
                  "attributes": {"type": "object"}
                }
              }
            },
            "links": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["trace_id", "span_id", "trace_state", "attributes"],
                "properties": {
                  "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                  "span_id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
                  "trace_state": {"type": ["string", "null"]},
                  "attributes": {"type": "object"}
                }
              }
            },
            "trace_state": {"type": ["string", "null"]},
            "flags": {"type": "integer", "minimum": 0},
            "dropped_attributes_count": {"type": "integer", "minimum": 0},
            "dropped_events_count": {"type": "integer", "minimum": 0},
            "dropped_links_count": {"type": "integer", "minimum": 0},
            "resource": {"type": "integer", "minimum": 0},
            "scope": {"type": "integer", "minimum": 0}
          }
        },
        "Trace": {
          "allOf": [{"$ref": "#/components/schemas/TraceHead"}],
          "type": "object",
          "required": ["span_count", "omitted_spans", "root", "resources", "scopes", "spans"],
          "properties": {
            "span_count": {"type": "integer", "minimum": 0},
            "omitted_spans": {"type": "integer", "minimum": 0},
            "root": {"type": ["integer", "null"], "minimum": 0},
            "resources": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["attributes", "schema_url", "dropped_attributes_count"],
                "properties": {
                  "attributes": {"type": "object"},
                  "schema_url": {"type": ["string", "null"]},
                  "dropped_attributes_count": {"type": "integer", "minimum": 0}
                }
              }
            },
            "scopes": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["name", "version", "attributes", "schema_url"],
                "properties": {
                  "name": {"type": ["string", "null"]},
                  "version": {"type": ["string", "null"]},
                  "attributes": {"type": "object"},
                  "schema_url": {"type": ["string", "null"]}
                }
              }
            },
            "spans": {"type": "array", "items": {"$ref": "#/components/schemas/Span"}}
          }
        },
        "OTLPTrace": {
          "description": "opentelemetry.proto.trace.v1.TracesData in OTLP/JSON",
          "type": "object",
          "required": ["resourceSpans"],
          "properties": {"resourceSpans": {"type": "array", "items": {"type": "object"}}}
        },
        "ZipkinSpan": {
          "type": "object",
          "required": [
            "traceId", "id", "name", "timestamp", "duration", "localEndpoint", "tags"
          ],
          "properties": {
            "traceId": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            "name": {"type": "string"},
            "timestamp": {"type": "integer", "minimum": 0},
            "duration": {"type": "integer", "minimum": 1},
            "localEndpoint": {
              "type": "object",
              "required": ["serviceName"],
              "properties": {"serviceName": {"type": "string"}}
            },
            "tags": {"type": "object", "additionalProperties": {"type": "string"}},
            "parentId": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            "kind": {"enum": ["CLIENT", "SERVER", "PRODUCER", "CONSUMER"]},
            "remoteEndpoint": {
              "type": "object",
              "required": ["serviceName"],
              "properties": {"serviceName": {"type": "string"}}
            },
            "annotations": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["timestamp", "value"],
                "properties": {
                  "timestamp": {"type": "integer", "minimum": 0},
                  "value": {"type": "string"}
                }
              }
            }
          }
        },
        "ExportedTrace": {
          "anyOf": [
            {"$ref": "#/components/schemas/OTLPTrace"},
            {"$ref": "#/components/schemas/JaegerTraces"},
            {"type": "array", "items": {"$ref": "#/components/schemas/ZipkinSpan"}}
          ]
        },
        "Logs": {
          "type": "object",
          "required": ["logs", "cursor"],
          "properties": {
            "logs": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "time", "service", "scope", "event", "severity_number", "severity", "trace_id",
                  "span_id", "body", "attributes"
                ],
                "properties": {
                  "time": {"type": "string", "format": "date-time"},
                  "service": {"type": "string"},
                  "scope": {"type": "string"},
                  "event": {"type": "string"},
                  "severity_number": {"type": "integer"},
                  "severity": {"type": "string"},
                  "trace_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{32}$"},
                  "span_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"},
                  "body": {},
                  "attributes": {"type": "object"}
                }
              }
            },
            "cursor": {"type": ["string", "null"]}
          }
        }
        """#
}
