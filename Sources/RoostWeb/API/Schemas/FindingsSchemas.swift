extension Schemas {
    /// Patterns, regressions, failures and insights.
    static let findings = #"""
        "Pattern": {
          "type": "object",
          "required": [
            "id", "kind", "group", "subject", "related", "window_seconds", "confidence", "title",
            "text", "figures", "evidence"
          ],
          "properties": {
            "id": {"type": "string"},
            "kind": {
              "enum": [
                "recurring_failure", "failing_step", "bottleneck", "high_retries",
                "long_workflow", "repeated_operation", "token_growth", "human_wait",
                "sequential_agents", "fan_out", "ping_pong"
              ]
            },
            "group": {"enum": ["failure", "bottleneck", "inefficiency", "workflow"]},
            "subject": {"$ref": "#/components/schemas/Subject"},
            "related": {"type": "array", "items": {"$ref": "#/components/schemas/Subject"}},
            "window_seconds": {"type": "integer", "minimum": 0},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "title": {"type": "string"},
            "text": {"type": "string"},
            "figures": {"$ref": "#/components/schemas/Figure"},
            "evidence": {"$ref": "#/components/schemas/Evidence"}
          }
        },
        "Patterns": {
          "type": "object",
          "required": ["time", "patterns", "watched"],
          "properties": {
            "time": {"type": "string", "format": "date-time"},
            "patterns": {"type": "array", "items": {"$ref": "#/components/schemas/Pattern"}},
            "watched": {
              "type": "object",
              "required": ["operations", "studied_runs", "missed"],
              "properties": {
                "operations": {"type": "integer", "minimum": 0},
                "studied_runs": {"type": "integer", "minimum": 0},
                "missed": {"type": "integer", "minimum": 0}
              }
            }
          }
        },
        "Regression": {
          "type": "object",
          "required": [
            "id", "subject", "measure", "direction", "severity", "title", "text", "baseline",
            "recent", "change", "p_value", "confidence", "baseline_samples", "recent_samples",
            "recent_from", "recent_to", "evidence"
          ],
          "properties": {
            "id": {"type": "string"},
            "subject": {"$ref": "#/components/schemas/Subject"},
            "measure": {
              "enum": [
                "avg_duration_seconds", "p50_duration_seconds", "p95_duration_seconds",
                "error_share", "tokens_per_call", "cost_usd_per_call"
              ]
            },
            "direction": {"enum": ["regression", "improvement"]},
            "severity": {"enum": ["minor", "moderate", "severe"]},
            "title": {"type": "string"},
            "text": {"type": "string"},
            "baseline": {"type": ["number", "null"]},
            "recent": {"type": ["number", "null"]},
            "change": {"type": ["number", "null"]},
            "p_value": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "baseline_samples": {"type": "integer", "minimum": 0},
            "recent_samples": {"type": "integer", "minimum": 0},
            "recent_from": {"type": ["string", "null"], "format": "date-time"},
            "recent_to": {"type": ["string", "null"], "format": "date-time"},
            "evidence": {"$ref": "#/components/schemas/Evidence"}
          }
        },
        "Regressions": {
          "type": "object",
          "required": ["time", "regressions", "improvements", "baselines", "watched"],
          "properties": {
            "time": {"type": "string", "format": "date-time"},
            "regressions": {
              "type": "array",
              "items": {"$ref": "#/components/schemas/Regression"}
            },
            "improvements": {
              "type": "array",
              "items": {"$ref": "#/components/schemas/Regression"}
            },
            "baselines": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["subject", "status", "baseline", "recent"],
                "properties": {
                  "subject": {"$ref": "#/components/schemas/Subject"},
                  "status": {"enum": ["learned", "learning"]},
                  "baseline": {"$ref": "#/components/schemas/BaselineFigures"},
                  "recent": {"$ref": "#/components/schemas/BaselineFigures"}
                }
              }
            },
            "watched": {
              "type": "object",
              "required": ["operations", "waiting_baselines", "missed"],
              "properties": {
                "operations": {"type": "integer", "minimum": 0},
                "waiting_baselines": {
                  "description": "Those of before the start of which nothing has come since",
                  "type": "integer",
                  "minimum": 0
                },
                "missed": {"type": "integer", "minimum": 0}
              }
            }
          }
        },
        "Failures": {
          "type": "object",
          "required": ["failures", "cursor", "summary", "rates", "types", "clusters"],
          "properties": {
            "failures": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "id", "time", "arrival_time", "component", "operation", "error_type", "agent",
                  "workflow", "session_id", "trace_id", "span_id", "duration", "cost_lost_usd",
                  "caused_by", "outcome", "recovery"
                ],
                "properties": {
                  "id": {"type": "string"},
                  "time": {"type": ["string", "null"], "format": "date-time"},
                  "arrival_time": {"type": ["string", "null"], "format": "date-time"},
                  "component": {"$ref": "#/components/schemas/FailureComponent"},
                  "operation": {"type": "string"},
                  "error_type": {"type": "string"},
                  "agent": {"type": ["string", "null"]},
                  "workflow": {"type": "string"},
                  "session_id": {"type": ["string", "null"]},
                  "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                  "span_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"},
                  "duration": {"type": "number", "minimum": 0},
                  "cost_lost_usd": {"type": ["number", "null"], "minimum": 0},
                  "caused_by": {"type": ["string", "null"]},
                  "outcome": {"enum": ["open", "recovered", "unrecovered"]},
                  "recovery": {
                    "type": ["object", "null"],
                    "required": ["strategy", "seconds", "span_id"],
                    "properties": {
                      "strategy": {
                        "enum": [
                          "none", "retry", "fallback_model", "other_agent", "workflow_completed",
                          "rerun", "reported"
                        ]
                      },
                      "seconds": {"type": "number", "minimum": 0},
                      "span_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"}
                    }
                  }
                }
              }
            },
            "cursor": {"type": ["string", "null"]},
            "summary": {
              "type": "object",
              "required": [
                "total", "held", "recovered", "unrecovered", "recovery_rate",
                "mean_recovery_seconds", "most_common_error"
              ],
              "properties": {
                "total": {"type": "integer", "minimum": 0},
                "held": {"type": "integer", "minimum": 0},
                "recovered": {"type": "integer", "minimum": 0},
                "unrecovered": {"type": "integer", "minimum": 0},
                "recovery_rate": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                "mean_recovery_seconds": {"type": ["number", "null"], "minimum": 0},
                "most_common_error": {"type": ["string", "null"]}
              }
            },
            "rates": {
              "type": "object",
              "required": ["3600", "86400"],
              "properties": {
                "3600": {"$ref": "#/components/schemas/FailureShares"},
                "86400": {"$ref": "#/components/schemas/FailureShares"}
              }
            },
            "types": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "component", "error_type", "category", "last_hour", "last_24_hours", "total",
                  "recovered", "unrecovered", "recovery_rate", "best_strategy",
                  "mean_recovery_seconds", "last_time", "suggestion"
                ],
                "properties": {
                  "component": {"$ref": "#/components/schemas/FailureComponent"},
                  "error_type": {"type": "string"},
                  "category": {"type": "string"},
                  "last_hour": {"type": "integer", "minimum": 0},
                  "last_24_hours": {"type": "integer", "minimum": 0},
                  "total": {"type": "integer", "minimum": 0},
                  "recovered": {"type": "integer", "minimum": 0},
                  "unrecovered": {"type": "integer", "minimum": 0},
                  "recovery_rate": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                  "best_strategy": {
                    "enum": [
                      "retry", "fallback_model", "other_agent", "workflow_completed", "rerun",
                      "reported", null
                    ]
                  },
                  "mean_recovery_seconds": {"type": ["number", "null"], "minimum": 0},
                  "last_time": {"type": ["string", "null"], "format": "date-time"},
                  "suggestion": {"type": "string"}
                }
              }
            },
            "clusters": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "start_time", "end_time", "failures", "expected", "confidence", "most_common",
                  "agents", "failure_ids"
                ],
                "properties": {
                  "start_time": {"type": ["string", "null"], "format": "date-time"},
                  "end_time": {"type": ["string", "null"], "format": "date-time"},
                  "failures": {"type": "integer", "minimum": 0},
                  "expected": {"type": "number", "minimum": 0},
                  "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                  "most_common": {
                    "type": "object",
                    "required": ["component", "error_type", "share"],
                    "properties": {
                      "component": {"$ref": "#/components/schemas/FailureComponent"},
                      "error_type": {"type": "string"},
                      "share": {"type": "number", "minimum": 0, "maximum": 1}
                    }
                  },
                  "agents": {"type": "array", "items": {"type": "string"}},
                  "failure_ids": {"type": "array", "items": {"type": "string"}}
                }
              }
            }
          }
        },
        "Insight": {
          "type": "object",
          "required": [
            "id", "source", "kind", "category", "priority", "impact", "effort", "confidence",
            "subject", "title", "text", "action", "figures", "evidence", "first_seen",
            "last_seen"
          ],
          "properties": {
            "id": {"type": "string"},
            "source": {"enum": ["rule", "pattern", "regression", "cost", "failure"]},
            "kind": {"type": "string"},
            "category": {
              "enum": ["performance", "cost", "reliability", "efficiency", "quality"]
            },
            "priority": {"enum": ["critical", "high", "medium", "low"]},
            "impact": {"type": "string"},
            "effort": {"type": "string"},
            "confidence": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            "subject": {"anyOf": [{"$ref": "#/components/schemas/Subject"}, {"type": "null"}]},
            "title": {"type": "string"},
            "text": {"type": "string"},
            "action": {"type": "string"},
            "figures": {"$ref": "#/components/schemas/Figure"},
            "evidence": {"$ref": "#/components/schemas/Evidence"},
            "first_seen": {"type": ["string", "null"], "format": "date-time"},
            "last_seen": {"type": ["string", "null"], "format": "date-time"}
          }
        },
        "Insights": {
          "type": "object",
          "required": [
            "time", "since", "summary", "counts", "insights", "gone", "improvements", "coverage"
          ],
          "properties": {
            "time": {"type": ["string", "null"], "format": "date-time"},
            "since": {"type": ["string", "null"], "format": "date-time"},
            "summary": {"type": "string"},
            "counts": {
              "type": "object",
              "required": ["critical", "high", "medium", "low"],
              "properties": {
                "critical": {"type": "integer", "minimum": 0},
                "high": {"type": "integer", "minimum": 0},
                "medium": {"type": "integer", "minimum": 0},
                "low": {"type": "integer", "minimum": 0}
              }
            },
            "insights": {"type": "array", "items": {"$ref": "#/components/schemas/Insight"}},
            "gone": {"type": "array", "items": {"$ref": "#/components/schemas/Insight"}},
            "improvements": {
              "type": "array",
              "items": {"$ref": "#/components/schemas/Regression"}
            },
            "coverage": {
              "type": "object",
              "required": [
                "observed_since", "window_seconds", "workflow_runs", "agent_runs", "llm_calls",
                "tool_calls", "errors", "tokens", "cost_usd", "unpriced_calls",
                "unpriced_models", "missed", "baselines_learned", "baselines_learning", "remarks"
              ],
              "properties": {
                "observed_since": {"type": ["string", "null"], "format": "date-time"},
                "window_seconds": {"type": "integer", "minimum": 0},
                "workflow_runs": {"type": "integer", "minimum": 0},
                "agent_runs": {"type": "integer", "minimum": 0},
                "llm_calls": {"type": "integer", "minimum": 0},
                "tool_calls": {"type": "integer", "minimum": 0},
                "errors": {"type": "integer", "minimum": 0},
                "tokens": {"type": "number", "minimum": 0},
                "cost_usd": {"type": ["number", "null"], "minimum": 0},
                "unpriced_calls": {"type": "integer", "minimum": 0},
                "unpriced_models": {"type": "array", "items": {"type": "string"}},
                "missed": {"type": "integer", "minimum": 0},
                "baselines_learned": {"type": "integer", "minimum": 0},
                "baselines_learning": {"type": "integer", "minimum": 0},
                "remarks": {"type": "array", "items": {"type": "string"}}
              }
            }
          }
        },
        "BaselineFigures": {
          "type": "object",
          "required": [
            "samples", "avg_duration_seconds", "p50_duration_seconds", "p95_duration_seconds",
            "p99_duration_seconds", "error_share", "tokens_per_call", "cost_usd_per_call"
          ],
          "properties": {
            "samples": {"type": "integer", "minimum": 0},
            "avg_duration_seconds": {"type": ["number", "null"], "minimum": 0},
            "p50_duration_seconds": {"type": ["number", "null"], "minimum": 0},
            "p95_duration_seconds": {"type": ["number", "null"], "minimum": 0},
            "p99_duration_seconds": {"type": ["number", "null"], "minimum": 0},
            "error_share": {"type": ["number", "null"], "minimum": 0},
            "tokens_per_call": {"type": ["number", "null"], "minimum": 0},
            "cost_usd_per_call": {"type": ["number", "null"], "minimum": 0}
          }
        },
        "FailureShares": {
          "type": "array",
          "items": {
            "type": "object",
            "required": ["component", "attempts", "failures", "rate"],
            "properties": {
              "component": {"$ref": "#/components/schemas/FailureComponent"},
              "attempts": {"type": "integer", "minimum": 0},
              "failures": {"type": "integer", "minimum": 0},
              "rate": {"type": ["number", "null"], "minimum": 0, "maximum": 1}
            }
          }
        }
        """#
}
