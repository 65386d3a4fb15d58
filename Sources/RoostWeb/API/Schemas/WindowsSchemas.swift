extension Schemas {
    /// Rolling windows.
    static let windows = #"""
        "WindowDuration": {
          "type": "object",
          "required": ["count", "avg", "min", "max", "p50", "p95", "p99"],
          "properties": {
            "count": {"type": "integer", "minimum": 0},
            "avg": {"type": "number", "minimum": 0},
            "min": {"type": "number", "minimum": 0},
            "max": {"type": "number", "minimum": 0},
            "p50": {"type": "number", "minimum": 0},
            "p95": {"type": "number", "minimum": 0},
            "p99": {"type": "number", "minimum": 0}
          },
          "description": "Milliseconds; quantiles within 1 %"
        },
        "WindowFigures": {
          "type": "object",
          "required": [
            "events", "events_per_second", "calls", "calls_per_second", "agents_per_minute",
            "errors", "error_share", "workflow_runs", "agent_runs", "llm_calls", "tool_calls",
            "tokens", "cost_usd", "unpriced_calls"
          ],
          "properties": {
            "events": {"type": "integer", "minimum": 0},
            "events_per_second": {"type": "number", "minimum": 0},
            "calls": {"type": "integer", "minimum": 0},
            "calls_per_second": {"type": "number", "minimum": 0},
            "agents_per_minute": {"type": "number", "minimum": 0},
            "errors": {"type": "integer", "minimum": 0},
            "error_share": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            "workflow_runs": {"$ref": "#/components/schemas/WindowCount"},
            "agent_runs": {"$ref": "#/components/schemas/WindowCount"},
            "llm_calls": {"$ref": "#/components/schemas/WindowCount"},
            "tool_calls": {"$ref": "#/components/schemas/WindowCount"},
            "tokens": {"$ref": "#/components/schemas/Tokens"},
            "cost_usd": {"type": ["number", "null"], "minimum": 0},
            "unpriced_calls": {"type": "integer", "minimum": 0},
            "workflow_duration_ms": {"$ref": "#/components/schemas/WindowDuration"},
            "agent_duration_ms": {"$ref": "#/components/schemas/WindowDuration"},
            "llm_duration_ms": {"$ref": "#/components/schemas/WindowDuration"},
            "tool_duration_ms": {"$ref": "#/components/schemas/WindowDuration"},
            "time_to_first_token_ms": {"$ref": "#/components/schemas/WindowDuration"},
            "avg_agent_duration_ms": {"type": "number", "minimum": 0},
            "p50_agent_duration_ms": {"type": "number", "minimum": 0},
            "p95_agent_duration_ms": {"type": "number", "minimum": 0},
            "p99_agent_duration_ms": {"type": "number", "minimum": 0}
          }
        },
        "Window": {
          "allOf": [{"$ref": "#/components/schemas/WindowFigures"}],
          "type": "object",
          "required": [
            "window_seconds", "time", "covered_seconds", "active_workflows", "active_agents",
            "workflows_seen", "agents_seen", "by_agent", "by_workflow", "by_model",
            "by_provider", "by_tool"
          ],
          "properties": {
            "window_seconds": {"enum": [60, 300, 900, 3600]},
            "time": {"type": "string", "format": "date-time"},
            "covered_seconds": {"type": "number", "minimum": 0},
            "active_workflows": {"type": ["integer", "null"], "minimum": 0},
            "active_agents": {"type": ["integer", "null"], "minimum": 0},
            "workflows_seen": {"type": "integer", "minimum": 0},
            "agents_seen": {"type": "integer", "minimum": 0},
            "by_agent": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/WindowFigures"}],
                "type": "object",
                "required": ["agent"],
                "properties": {"agent": {"type": "string"}}
              }
            },
            "by_workflow": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/WindowFigures"}],
                "type": "object",
                "required": ["workflow"],
                "properties": {"workflow": {"type": "string"}}
              }
            },
            "by_model": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/WindowFigures"}],
                "type": "object",
                "required": ["model"],
                "properties": {"model": {"type": "string"}}
              }
            },
            "by_provider": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/WindowFigures"}],
                "type": "object",
                "required": ["provider"],
                "properties": {"provider": {"type": "string"}}
              }
            },
            "by_tool": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/WindowFigures"}],
                "type": "object",
                "required": ["tool"],
                "properties": {"tool": {"type": "string"}}
              }
            }
          }
        },
        "Windows": {
          "type": "object",
          "required": ["windows", "cumulative"],
          "properties": {
            "windows": {
              "type": "object",
              "minProperties": 1,
              "propertyNames": {"enum": ["60", "300", "900", "3600"]},
              "additionalProperties": {"$ref": "#/components/schemas/Window"}
            },
            "cumulative": {
              "type": "object",
              "required": [
                "total_events", "total_errors", "total_workflow_runs", "total_agent_runs",
                "total_llm_calls", "total_tool_calls", "total_tokens", "tokens", "total_cost",
                "unpriced_calls"
              ],
              "properties": {
                "total_events": {"type": "integer", "minimum": 0},
                "total_errors": {"type": "integer", "minimum": 0},
                "total_workflow_runs": {"type": "integer", "minimum": 0},
                "total_agent_runs": {"type": "integer", "minimum": 0},
                "total_llm_calls": {"type": "integer", "minimum": 0},
                "total_tool_calls": {"type": "integer", "minimum": 0},
                "total_tokens": {"type": "integer", "minimum": 0},
                "tokens": {"$ref": "#/components/schemas/Tokens"},
                "total_cost": {"type": "number", "minimum": 0},
                "unpriced_calls": {"type": "integer", "minimum": 0}
              }
            }
          }
        },
        "WindowCount": {
          "type": "object",
          "required": ["count", "errors"],
          "properties": {
            "count": {"type": "integer", "minimum": 0},
            "errors": {"type": "integer", "minimum": 0}
          }
        }
        """#
}
