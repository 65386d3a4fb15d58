extension Schemas {
    /// `overview`.
    static let overview = #"""
        "Overview": {
          "description": "`totals` and `now` are null while analytics are switched off",
          "type": "object",
          "required": [
            "status", "reasons", "version", "time", "uptime_seconds", "features", "totals",
            "now", "load", "exporters", "store", "recent_traces"
          ],
          "properties": {
            "status": {"enum": ["ok", "unavailable"]},
            "reasons": {"type": "array", "items": {"type": "string"}},
            "version": {"type": "string"},
            "time": {"type": "string", "format": "date-time"},
            "uptime_seconds": {"type": "number", "minimum": 0},
            "features": {"$ref": "#/components/schemas/Switches"},
            "totals": {
              "type": ["object", "null"],
              "required": [
                "agents", "sessions", "workflows", "executions", "success_rate",
                "average_duration", "llm_calls", "tool_calls", "tokens", "cost_usd",
                "failures_last_hour", "failures_last_24_hours"
              ],
              "properties": {
                "agents": {"type": "integer", "minimum": 0},
                "sessions": {"type": "integer", "minimum": 0},
                "workflows": {
                  "type": "object",
                  "required": ["started", "running", "completed", "failed", "abandoned"],
                  "properties": {
                    "started": {"type": "integer", "minimum": 0},
                    "running": {"type": "integer", "minimum": 0},
                    "completed": {"type": "integer", "minimum": 0},
                    "failed": {"type": "integer", "minimum": 0},
                    "abandoned": {"type": "integer", "minimum": 0}
                  }
                },
                "executions": {
                  "type": "object",
                  "required": ["total", "running", "completed", "failed"],
                  "properties": {
                    "total": {"type": "integer", "minimum": 0},
                    "running": {"type": "integer", "minimum": 0},
                    "completed": {"type": "integer", "minimum": 0},
                    "failed": {"type": "integer", "minimum": 0}
                  }
                },
                "success_rate": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                "average_duration": {"type": ["number", "null"], "minimum": 0},
                "llm_calls": {"type": "integer", "minimum": 0},
                "tool_calls": {"type": "integer", "minimum": 0},
                "tokens": {"type": "integer", "minimum": 0},
                "cost_usd": {"type": "number", "minimum": 0},
                "failures_last_hour": {"type": "integer", "minimum": 0},
                "failures_last_24_hours": {"type": "integer", "minimum": 0}
              }
            },
            "now": {
              "type": ["object", "null"],
              "required": [
                "running_workflows", "stuck_workflows", "active_agents", "active_steps",
                "last_5_minutes", "last_hour"
              ],
              "properties": {
                "running_workflows": {"type": "integer", "minimum": 0},
                "stuck_workflows": {"type": "integer", "minimum": 0},
                "active_agents": {"type": "integer", "minimum": 0},
                "active_steps": {"type": "integer", "minimum": 0},
                "last_5_minutes": {"$ref": "#/components/schemas/Recent"},
                "last_hour": {"$ref": "#/components/schemas/Recent"}
              }
            },
            "load": {
              "type": "object",
              "required": [
                "level", "load_average_1m", "load_average_5m", "load_average_15m", "processors",
                "memory_used_bytes", "memory_limit_bytes"
              ],
              "properties": {
                "level": {"enum": ["low", "normal", "high"]},
                "load_average_1m": {"type": ["number", "null"], "minimum": 0},
                "load_average_5m": {"type": ["number", "null"], "minimum": 0},
                "load_average_15m": {"type": ["number", "null"], "minimum": 0},
                "processors": {"type": "integer", "minimum": 0},
                "memory_used_bytes": {"type": "integer", "minimum": 0},
                "memory_limit_bytes": {"type": "integer", "minimum": 0}
              }
            },
            "exporters": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "name", "endpoint", "protocol", "queue_bytes", "queue_capacity_bytes",
                  "requests_in_flight", "consecutive_failures", "traces", "metrics", "logs"
                ],
                "properties": {
                  "name": {"type": "string"},
                  "endpoint": {"type": "string"},
                  "protocol": {"type": "string"},
                  "state": {"enum": ["working", "waiting", "probing", "recovering"]},
                  "queue_bytes": {"type": "integer", "minimum": 0},
                  "queue_capacity_bytes": {"type": "integer", "minimum": 0},
                  "requests_in_flight": {"type": "integer", "minimum": 0},
                  "requests_allowed": {"type": "integer", "minimum": 0},
                  "consecutive_failures": {"type": "integer", "minimum": 0},
                  "dead_letters": {
                    "type": "object",
                    "required": ["letters", "bytes", "written", "dropped"],
                    "properties": {
                      "letters": {"type": "integer", "minimum": 0},
                      "bytes": {"type": "integer", "minimum": 0},
                      "written": {"type": "integer", "minimum": 0},
                      "dropped": {
                        "type": "object",
                        "additionalProperties": {"type": "integer", "minimum": 0}
                      },
                      "last_error": {"type": "string"}
                    }
                  },
                  "traces": {"$ref": "#/components/schemas/ExportedItems"},
                  "metrics": {"$ref": "#/components/schemas/ExportedItems"},
                  "logs": {"$ref": "#/components/schemas/ExportedItems"},
                  "disk": {
                    "type": "object",
                    "required": [
                      "folder", "items", "recovered_items", "segments", "oldest_age_seconds",
                      "commits", "sync_failures", "write_failures", "read_failures",
                      "damaged_places", "damaged_bytes", "torn_bytes"
                    ],
                    "properties": {
                      "folder": {"type": "string"},
                      "items": {"type": "integer", "minimum": 0},
                      "recovered_items": {"type": "integer", "minimum": 0},
                      "segments": {"type": "integer", "minimum": 0},
                      "oldest_age_seconds": {"type": "number", "minimum": 0},
                      "commits": {"type": "integer", "minimum": 0},
                      "sync_failures": {"type": "integer", "minimum": 0},
                      "write_failures": {"type": "integer", "minimum": 0},
                      "read_failures": {"type": "integer", "minimum": 0},
                      "damaged_places": {"type": "integer", "minimum": 0},
                      "damaged_bytes": {"type": "integer", "minimum": 0},
                      "torn_bytes": {"type": "integer", "minimum": 0},
                      "last_failure": {"type": "string"}
                    }
                  },
                  "last_error": {"type": "string"},
                  "last_error_time": {"type": "string", "format": "date-time"},
                  "next_retry_time": {"type": "string", "format": "date-time"}
                }
              }
            },
            "store": {
              "type": "object",
              "required": ["open", "traces", "open_traces", "spans_stored", "file_bytes"],
              "properties": {
                "open": {"type": "boolean"},
                "traces": {"type": "integer", "minimum": 0},
                "open_traces": {"type": "integer", "minimum": 0},
                "spans_stored": {"type": "integer", "minimum": 0},
                "file_bytes": {"type": "integer", "minimum": 0}
              }
            },
            "recent_traces": {
              "type": "array",
              "items": {"$ref": "#/components/schemas/TraceSummary"}
            }
          }
        },
        "ExportedItems": {
          "type": "object",
          "required": ["offered", "sent", "queue", "dropped"],
          "properties": {
            "offered": {"type": "integer", "minimum": 0},
            "sent": {"type": "integer", "minimum": 0},
            "queue": {"type": "integer", "minimum": 0},
            "dropped": {
              "type": "object",
              "additionalProperties": {"type": "integer", "minimum": 0}
            }
          }
        }
        """#
}
