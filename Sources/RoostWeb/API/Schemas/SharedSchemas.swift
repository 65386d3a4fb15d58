extension Schemas {
    /// What several answers have in common.
    static let shared = #"""
        "Tokens": {
          "description": "The five sorts are disjoint and add up to the total",
          "type": "object",
          "required": ["input", "cache_read", "cache_write", "output", "reasoning", "total"],
          "properties": {
            "input": {"type": "integer", "minimum": 0},
            "cache_read": {"type": "integer", "minimum": 0},
            "cache_write": {"type": "integer", "minimum": 0},
            "output": {"type": "integer", "minimum": 0},
            "reasoning": {"type": "integer", "minimum": 0},
            "total": {"type": "integer", "minimum": 0}
          }
        },
        "Figure": {"type": "object", "additionalProperties": {"type": ["number", "null"]}},
        "Subject": {
          "type": "object",
          "required": ["kind", "name"],
          "properties": {
            "kind": {"enum": ["agent", "tool", "model", "workflow"]},
            "name": {"type": "string"}
          }
        },
        "FailureComponent": {
          "enum": ["agent", "tool", "model", "workflow", "retrieval", "guardrail", "evaluation"]
        },
        "Evidence": {
          "type": "object",
          "required": ["count", "first_time", "last_time", "examples"],
          "properties": {
            "count": {"type": "integer", "minimum": 0},
            "first_time": {"type": ["string", "null"], "format": "date-time"},
            "last_time": {"type": ["string", "null"], "format": "date-time"},
            "examples": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["trace_id", "span_id", "time"],
                "properties": {
                  "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                  "span_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"},
                  "time": {"type": "string", "format": "date-time"}
                }
              }
            }
          }
        },
        "Recent": {
          "type": "object",
          "required": ["completed", "failed", "abandoned"],
          "properties": {
            "completed": {"type": "integer", "minimum": 0},
            "failed": {"type": "integer", "minimum": 0},
            "abandoned": {"type": "integer", "minimum": 0}
          }
        },
        "Activity": {
          "enum": [
            "other", "workflow", "agent", "llm", "embedding", "tool", "retrieval", "guardrail",
            "evaluation", "human_wait"
          ]
        },
        "WorkflowState": {
          "enum": ["pending", "running", "waiting", "completed", "failed", "abandoned"]
        }
        """#
}
