extension Schemas {
    /// Two traces side by side.
    static let comparison = #"""
        "TwoFigures": {
          "type": "object",
          "required": ["a", "b", "delta", "ratio"],
          "properties": {
            "a": {"type": ["number", "null"]},
            "b": {"type": ["number", "null"]},
            "delta": {"type": ["number", "null"]},
            "ratio": {"type": ["number", "null"]}
          }
        },
        "ComparedFigures": {
          "type": ["object", "null"],
          "required": ["count", "errors", "total_seconds", "mean_seconds", "tokens", "cost_usd"],
          "properties": {
            "count": {"type": "integer", "minimum": 0},
            "errors": {"type": "integer", "minimum": 0},
            "total_seconds": {"type": "number", "minimum": 0},
            "mean_seconds": {"type": "number", "minimum": 0},
            "tokens": {"type": "integer", "minimum": 0},
            "cost_usd": {"type": ["number", "null"], "minimum": 0}
          }
        },
        "TraceChange": {
          "description": "failing and recovered: only the second, only the first has failures",
          "enum": [
            "added", "removed", "failing", "recovered", "slower", "faster", "same"
          ]
        },
        "TraceComparison": {
          "description": "`delta` is what the second has more, `ratio` is the second to the first",
          "type": "object",
          "required": ["a", "b", "totals", "operations", "agents", "models"],
          "properties": {
            "a": {"$ref": "#/components/schemas/TraceSummary"},
            "b": {"$ref": "#/components/schemas/TraceSummary"},
            "totals": {
              "type": "object",
              "required": [
                "duration", "working_seconds", "total_work_seconds", "human_wait_seconds",
                "parallelization_factor", "performance_score", "spans", "errors", "llm_calls",
                "tool_calls", "tokens", "cost_usd"
              ],
              "properties": {
                "duration": {"$ref": "#/components/schemas/TwoFigures"},
                "working_seconds": {"$ref": "#/components/schemas/TwoFigures"},
                "total_work_seconds": {"$ref": "#/components/schemas/TwoFigures"},
                "human_wait_seconds": {"$ref": "#/components/schemas/TwoFigures"},
                "parallelization_factor": {"$ref": "#/components/schemas/TwoFigures"},
                "performance_score": {"$ref": "#/components/schemas/TwoFigures"},
                "spans": {"$ref": "#/components/schemas/TwoFigures"},
                "errors": {"$ref": "#/components/schemas/TwoFigures"},
                "llm_calls": {"$ref": "#/components/schemas/TwoFigures"},
                "tool_calls": {"$ref": "#/components/schemas/TwoFigures"},
                "tokens": {"$ref": "#/components/schemas/TwoFigures"},
                "cost_usd": {"$ref": "#/components/schemas/TwoFigures"}
              }
            },
            "operations": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["activity", "operation", "change", "a", "b"],
                "properties": {
                  "activity": {"$ref": "#/components/schemas/Activity"},
                  "operation": {"type": ["string", "null"]},
                  "change": {"$ref": "#/components/schemas/TraceChange"},
                  "a": {"$ref": "#/components/schemas/ComparedFigures"},
                  "b": {"$ref": "#/components/schemas/ComparedFigures"}
                }
              }
            },
            "agents": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["agent", "change", "a", "b"],
                "properties": {
                  "agent": {"type": ["string", "null"]},
                  "change": {"$ref": "#/components/schemas/TraceChange"},
                  "a": {"$ref": "#/components/schemas/ComparedFigures"},
                  "b": {"$ref": "#/components/schemas/ComparedFigures"}
                }
              }
            },
            "models": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["model", "change", "a", "b"],
                "properties": {
                  "model": {"type": ["string", "null"]},
                  "change": {"$ref": "#/components/schemas/TraceChange"},
                  "a": {"$ref": "#/components/schemas/ComparedFigures"},
                  "b": {"$ref": "#/components/schemas/ComparedFigures"}
                }
              }
            },
            "omitted_operations": {"type": "integer", "minimum": 0},
            "omitted_agents": {"type": "integer", "minimum": 0},
            "omitted_models": {"type": "integer", "minimum": 0}
          }
        }
        """#
}
