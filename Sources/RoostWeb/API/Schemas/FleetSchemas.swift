extension Schemas {
    /// The fleet, workflows and sessions.
    static let fleet = #"""
        "Fleet": {
          "type": "object",
          "required": [
            "workflows", "executions", "calls", "active_steps", "tokens", "cost_usd",
            "unpriced_calls", "agents", "omitted_agents", "bounds"
          ],
          "properties": {
            "workflows": {
              "type": "object",
              "required": [
                "active", "stuck", "states", "started", "completed", "failed", "abandoned",
                "success_rate", "average_duration", "last_5_minutes", "last_hour"
              ],
              "properties": {
                "active": {"type": "integer", "minimum": 0},
                "stuck": {"type": "integer", "minimum": 0},
                "states": {
                  "type": "object",
                  "required": [
                    "pending", "running", "waiting", "completed", "failed", "abandoned"
                  ],
                  "properties": {
                    "pending": {"type": "integer", "minimum": 0},
                    "running": {"type": "integer", "minimum": 0},
                    "waiting": {"type": "integer", "minimum": 0},
                    "completed": {"type": "integer", "minimum": 0},
                    "failed": {"type": "integer", "minimum": 0},
                    "abandoned": {"type": "integer", "minimum": 0}
                  }
                },
                "started": {"type": "integer", "minimum": 0},
                "completed": {"type": "integer", "minimum": 0},
                "failed": {"type": "integer", "minimum": 0},
                "abandoned": {"type": "integer", "minimum": 0},
                "success_rate": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                "average_duration": {"type": ["number", "null"], "minimum": 0},
                "last_5_minutes": {"$ref": "#/components/schemas/Recent"},
                "last_hour": {"$ref": "#/components/schemas/Recent"}
              }
            },
            "executions": {
              "type": "object",
              "required": ["active", "completed", "failed", "average_duration"],
              "properties": {
                "active": {"type": "integer", "minimum": 0},
                "completed": {"type": "integer", "minimum": 0},
                "failed": {"type": "integer", "minimum": 0},
                "average_duration": {"type": ["number", "null"], "minimum": 0}
              }
            },
            "calls": {
              "type": "object",
              "required": ["llm", "llm_failed", "tool", "tool_failed", "retries"],
              "properties": {
                "llm": {"type": "integer", "minimum": 0},
                "llm_failed": {"type": "integer", "minimum": 0},
                "tool": {"type": "integer", "minimum": 0},
                "tool_failed": {"type": "integer", "minimum": 0},
                "retries": {"type": "integer", "minimum": 0}
              }
            },
            "active_steps": {"type": "integer", "minimum": 0},
            "tokens": {"type": "integer", "minimum": 0},
            "cost_usd": {"type": "number", "minimum": 0},
            "unpriced_calls": {"type": "integer", "minimum": 0},
            "agents": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "agent", "active", "completed", "failed", "llm_calls", "tool_calls",
                  "failed_calls", "tokens", "cost_usd", "average_duration", "longest_duration",
                  "last_time"
                ],
                "properties": {
                  "agent": {"type": "string"},
                  "active": {"type": "integer", "minimum": 0},
                  "completed": {"type": "integer", "minimum": 0},
                  "failed": {"type": "integer", "minimum": 0},
                  "llm_calls": {"type": "integer", "minimum": 0},
                  "tool_calls": {"type": "integer", "minimum": 0},
                  "failed_calls": {"type": "integer", "minimum": 0},
                  "tokens": {"type": "integer", "minimum": 0},
                  "cost_usd": {"type": ["number", "null"], "minimum": 0},
                  "average_duration": {"type": ["number", "null"], "minimum": 0},
                  "longest_duration": {"type": "number", "minimum": 0},
                  "last_time": {"type": ["string", "null"], "format": "date-time"}
                }
              }
            },
            "omitted_agents": {"type": "integer", "minimum": 0},
            "bounds": {
              "type": "object",
              "required": ["evicted_open", "evicted_finished", "folded_steps"],
              "properties": {
                "evicted_open": {"type": "integer", "minimum": 0},
                "evicted_finished": {"type": "integer", "minimum": 0},
                "folded_steps": {"type": "integer", "minimum": 0}
              }
            }
          }
        },
        "WorkflowRun": {
          "description": "One run",
          "type": "object",
          "required": [
            "trace_id", "workflow", "service", "state", "session_id", "user", "start_time",
            "end_time", "last_time", "duration", "human_wait_seconds", "agents", "agent_runs",
            "llm_calls", "tool_calls", "errors", "retries", "tokens", "cost_usd",
            "unpriced_calls", "error_type", "current_step", "stuck"
          ],
          "properties": {
            "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "workflow": {"type": "string"},
            "service": {"type": "string"},
            "state": {"$ref": "#/components/schemas/WorkflowState"},
            "session_id": {"type": ["string", "null"]},
            "user": {"type": ["string", "null"]},
            "start_time": {"type": ["string", "null"], "format": "date-time"},
            "end_time": {"type": ["string", "null"], "format": "date-time"},
            "last_time": {"type": ["string", "null"], "format": "date-time"},
            "duration": {"type": "number", "minimum": 0},
            "human_wait_seconds": {"type": "number", "minimum": 0},
            "agents": {"type": "array", "items": {"type": "string"}},
            "agent_runs": {"type": "integer", "minimum": 0},
            "llm_calls": {"type": "integer", "minimum": 0},
            "tool_calls": {"type": "integer", "minimum": 0},
            "errors": {"type": "integer", "minimum": 0},
            "retries": {"type": "integer", "minimum": 0},
            "tokens": {"type": "integer", "minimum": 0},
            "cost_usd": {"type": ["number", "null"], "minimum": 0},
            "unpriced_calls": {"type": "integer", "minimum": 0},
            "error_type": {"type": ["string", "null"]},
            "current_step": {
              "type": ["object", "null"],
              "required": ["kind", "name", "agent", "span_id", "start_time", "in_progress"],
              "properties": {
                "kind": {"$ref": "#/components/schemas/Activity"},
                "name": {"type": "string"},
                "agent": {"type": "string"},
                "span_id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
                "start_time": {"type": ["string", "null"], "format": "date-time"},
                "in_progress": {"type": "boolean"}
              }
            },
            "stuck": {
              "type": ["object", "null"],
              "required": [
                "since", "silent_seconds", "limit_seconds", "usual_seconds", "reason"
              ],
              "properties": {
                "since": {"type": ["string", "null"], "format": "date-time"},
                "silent_seconds": {"type": "number", "minimum": 0},
                "limit_seconds": {"type": "number", "minimum": 0},
                "usual_seconds": {"type": ["number", "null"], "minimum": 0},
                "reason": {"type": "string"}
              }
            }
          }
        },
        "WorkflowRow": {
          "allOf": [{"$ref": "#/components/schemas/WorkflowRun"}],
          "type": "object",
          "properties": {}
        },
        "Workflows": {
          "type": "object",
          "required": ["workflows", "cursor"],
          "properties": {
            "workflows": {
              "type": "array",
              "items": {"$ref": "#/components/schemas/WorkflowRow"}
            },
            "cursor": {"type": ["string", "null"]}
          }
        },
        "Workflow": {
          "allOf": [{"$ref": "#/components/schemas/WorkflowRun"}],
          "type": "object",
          "required": [
            "root_ended", "wall_clock_seconds", "total_seconds", "parallelisation", "executions",
            "overlaps", "bottlenecks", "timeline", "folded_steps"
          ],
          "properties": {
            "root_ended": {"type": "boolean"},
            "wall_clock_seconds": {"type": "number", "minimum": 0},
            "total_seconds": {
              "description": "The durations of all steps without others within them, added up, as their senders' clocks tell them. The analysis of the trace adds up the own time of every span instead: total_work_seconds",
              "type": "number",
              "minimum": 0
            },
            "parallelisation": {
              "description": "Of the steps that total_seconds is of. The analysis of the trace has other definitions: parallelization_ratio, parallelization_factor",
              "type": "object",
              "required": [
                "mode", "ratio", "factor", "total_seconds", "busy_seconds", "overlap_seconds",
                "most_at_once"
              ],
              "properties": {
                "mode": {"type": "string"},
                "ratio": {
                  "description": "What was saved by working at once / what could have been: 0 is one after another, 1 all within the time of the longest",
                  "type": "number",
                  "minimum": 0
                },
                "factor": {
                  "description": "total_seconds / busy_seconds",
                  "type": "number",
                  "minimum": 0
                },
                "total_seconds": {"type": "number", "minimum": 0},
                "busy_seconds": {"type": "number", "minimum": 0},
                "overlap_seconds": {"type": "number", "minimum": 0},
                "most_at_once": {"type": "integer", "minimum": 0}
              }
            },
            "executions": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "order", "agent", "state", "span_id", "parent", "start_time", "end_time",
                  "duration", "human_wait_seconds", "llm_calls", "tool_calls", "errors",
                  "tokens", "cost_usd"
                ],
                "properties": {
                  "order": {"type": "integer", "minimum": 0},
                  "agent": {"type": "string"},
                  "state": {"$ref": "#/components/schemas/WorkflowState"},
                  "span_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"},
                  "parent": {"type": ["integer", "null"], "minimum": 0},
                  "start_time": {"type": ["string", "null"], "format": "date-time"},
                  "end_time": {"type": ["string", "null"], "format": "date-time"},
                  "duration": {"type": "number", "minimum": 0},
                  "human_wait_seconds": {"type": "number", "minimum": 0},
                  "llm_calls": {"type": "integer", "minimum": 0},
                  "tool_calls": {"type": "integer", "minimum": 0},
                  "errors": {"type": "integer", "minimum": 0},
                  "tokens": {"type": "integer", "minimum": 0},
                  "cost_usd": {"type": ["number", "null"], "minimum": 0}
                }
              }
            },
            "overlaps": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["executions", "seconds"],
                "properties": {
                  "executions": {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 0},
                    "minItems": 2,
                    "maxItems": 2
                  },
                  "seconds": {"type": "number", "minimum": 0}
                }
              }
            },
            "bottlenecks": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "kind", "subject", "share", "seconds", "span_ids", "message", "suggestion"
                ],
                "properties": {
                  "kind": {
                    "enum": [
                      "slow_agent", "slow_operation", "sequential", "human_wait", "retries"
                    ]
                  },
                  "subject": {"type": ["string", "null"]},
                  "share": {"type": "number", "minimum": 0},
                  "seconds": {"type": "number", "minimum": 0},
                  "span_ids": {
                    "type": "array",
                    "items": {"type": "string", "pattern": "^[0-9a-f]{16}$"}
                  },
                  "message": {"type": "string"},
                  "suggestion": {"type": "string"}
                }
              }
            },
            "timeline": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "kind", "name", "agent", "state", "span_id", "parent_span_id", "start_time",
                  "end_time", "duration", "tokens", "cost_usd", "error_type", "retry"
                ],
                "properties": {
                  "kind": {"$ref": "#/components/schemas/Activity"},
                  "name": {"type": "string"},
                  "agent": {"type": "string"},
                  "state": {"$ref": "#/components/schemas/WorkflowState"},
                  "span_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"},
                  "parent_span_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"},
                  "start_time": {"type": ["string", "null"], "format": "date-time"},
                  "end_time": {"type": ["string", "null"], "format": "date-time"},
                  "duration": {"type": "number", "minimum": 0},
                  "tokens": {"type": "integer", "minimum": 0},
                  "cost_usd": {"type": ["number", "null"], "minimum": 0},
                  "error_type": {"type": ["string", "null"]},
                  "retry": {"type": "boolean"}
                }
              }
            },
            "folded_steps": {"type": "integer", "minimum": 0}
          }
        },
        "Sessions": {
          "type": "object",
          "required": ["sessions", "cursor"],
          "properties": {
            "sessions": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "session_id", "user", "service", "state", "workflows", "active_workflows",
                  "failed_workflows", "first_time", "last_time", "duration", "tokens", "cost_usd"
                ],
                "properties": {
                  "session_id": {"type": "string"},
                  "user": {"type": ["string", "null"]},
                  "service": {"type": "string"},
                  "state": {"enum": ["running", "waiting", "idle"]},
                  "workflows": {"type": "integer", "minimum": 0},
                  "active_workflows": {"type": "integer", "minimum": 0},
                  "failed_workflows": {"type": "integer", "minimum": 0},
                  "first_time": {"type": ["string", "null"], "format": "date-time"},
                  "last_time": {"type": ["string", "null"], "format": "date-time"},
                  "duration": {"type": "number", "minimum": 0},
                  "tokens": {"type": "integer", "minimum": 0},
                  "cost_usd": {"type": ["number", "null"], "minimum": 0}
                }
              }
            },
            "cursor": {"type": ["string", "null"]}
          }
        }
        """#
}
