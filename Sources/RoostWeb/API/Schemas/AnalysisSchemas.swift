extension Schemas {
    /// A trace's analysis.
    static let analysis = #"""
        "TraceStep": {
          "type": "object",
          "required": ["step", "span_id", "name", "activity", "agent"],
          "properties": {
            "step": {"type": "integer", "minimum": 0},
            "span_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"},
            "name": {"type": ["string", "null"]},
            "activity": {"$ref": "#/components/schemas/Activity"},
            "agent": {"type": ["string", "null"]}
          }
        },
        "TraceAnalysis": {
          "description": "Of a longer list omitted_<list> says how much was left out",
          "type": "object",
          "required": [
            "trace_id", "workflow", "spans", "omitted_spans", "start_time", "end_time",
            "duration", "working_seconds", "human_wait_seconds", "idle_seconds",
            "total_work_seconds", "parallelization_ratio", "parallelization_factor",
            "overlap_seconds", "peak_parallel_steps", "performance_score", "score", "failures",
            "steps_outside_parents", "critical_path", "self_time", "long_poles", "agents",
            "slow_agents", "sequential_phases", "overlaps", "operations", "error_clusters",
            "high_frequency", "loops", "clock_skew", "execution_order", "timeline",
            "recommendations"
          ],
          "properties": {
            "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "workflow": {"type": ["string", "null"]},
            "spans": {"type": "integer", "minimum": 0},
            "omitted_spans": {"type": "integer", "minimum": 0},
            "start_time": {"type": "string", "format": "date-time"},
            "end_time": {"type": "string", "format": "date-time"},
            "duration": {"type": "number", "minimum": 0},
            "working_seconds": {"type": "number", "minimum": 0},
            "human_wait_seconds": {"type": "number", "minimum": 0},
            "idle_seconds": {"type": "number", "minimum": 0},
            "total_work_seconds": {
              "description": "The time that each span ran and nothing below it did, added up, by one clock; not total_seconds of the run",
              "type": "number",
              "minimum": 0
            },
            "parallelization_ratio": {
              "description": "The share of the busy time in which at least two were at work; not parallelisation.ratio of the run",
              "type": "number",
              "minimum": 0,
              "maximum": 1
            },
            "parallelization_factor": {
              "description": "total_work_seconds / working_seconds, in which nothing may have run; not parallelisation.factor of the run",
              "type": "number",
              "minimum": 0
            },
            "overlap_seconds": {"type": "number", "minimum": 0},
            "peak_parallel_steps": {"type": "integer", "minimum": 0},
            "performance_score": {"type": ["number", "null"], "minimum": 0, "maximum": 100},
            "score": {
              "type": ["object", "null"],
              "required": ["total", "parallelization", "long_poles", "errors", "target"],
              "properties": {
                "total": {"type": "number", "minimum": 0},
                "parallelization": {"type": "number", "minimum": 0},
                "long_poles": {"type": "number", "minimum": 0},
                "errors": {"type": "number", "minimum": 0},
                "target": {"type": "number", "minimum": 0}
              }
            },
            "failures": {"type": "integer", "minimum": 0},
            "steps_outside_parents": {"type": "integer", "minimum": 0},
            "critical_path": {
              "type": "object",
              "required": ["duration", "unknown_seconds", "segments", "steps"],
              "properties": {
                "duration": {"type": "number", "minimum": 0},
                "unknown_seconds": {"type": "number", "minimum": 0},
                "segments": {
                  "type": "array",
                  "items": {
                    "type": "object",
                    "required": ["kind", "start_time", "offset_seconds", "duration"],
                    "properties": {
                      "kind": {"enum": ["work", "human_wait", "unknown"]},
                      "start_time": {"type": "string", "format": "date-time"},
                      "offset_seconds": {"type": "number", "minimum": 0},
                      "duration": {"type": "number", "minimum": 0},
                      "step": {"type": "integer", "minimum": 0},
                      "span_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"},
                      "name": {"type": ["string", "null"]},
                      "activity": {"$ref": "#/components/schemas/Activity"},
                      "agent": {"type": ["string", "null"]}
                    }
                  }
                },
                "steps": {
                  "type": "array",
                  "items": {
                    "allOf": [{"$ref": "#/components/schemas/TraceStep"}],
                    "type": "object",
                    "required": ["seconds", "share"],
                    "properties": {
                      "seconds": {"type": "number", "minimum": 0},
                      "share": {"type": "number", "minimum": 0, "maximum": 1}
                    }
                  }
                },
                "omitted_segments": {"type": "integer", "minimum": 0},
                "omitted_steps": {"type": "integer", "minimum": 0}
              }
            },
            "self_time": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/TraceStep"}],
                "type": "object",
                "required": ["duration", "self_seconds", "share"],
                "properties": {
                  "duration": {"type": "number", "minimum": 0},
                  "self_seconds": {"type": "number", "minimum": 0},
                  "share": {"type": "number", "minimum": 0, "maximum": 1}
                }
              }
            },
            "long_poles": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/TraceStep"}],
                "type": "object",
                "required": ["duration", "critical_path_seconds", "alone_seconds"],
                "properties": {
                  "duration": {"type": "number", "minimum": 0},
                  "critical_path_seconds": {"type": "number", "minimum": 0},
                  "alone_seconds": {"type": "number", "minimum": 0}
                }
              }
            },
            "agents": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "agent", "runs", "spans", "busy_seconds", "share", "is_slow",
                  "critical_path_seconds", "errors", "tokens", "cost_usd", "longest_step"
                ],
                "properties": {
                  "agent": {"type": "string"},
                  "runs": {"type": "integer", "minimum": 0},
                  "spans": {"type": "integer", "minimum": 0},
                  "busy_seconds": {"type": "number", "minimum": 0},
                  "share": {"type": "number", "minimum": 0, "maximum": 1},
                  "is_slow": {"type": "boolean"},
                  "critical_path_seconds": {"type": "number", "minimum": 0},
                  "errors": {"type": "integer", "minimum": 0},
                  "tokens": {"type": "integer", "minimum": 0},
                  "cost_usd": {"type": ["number", "null"], "minimum": 0},
                  "longest_step": {"$ref": "#/components/schemas/TraceStep"}
                }
              }
            },
            "slow_agents": {"type": "array", "items": {"type": "string"}},
            "sequential_phases": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "below", "count", "duration", "parallelization_ratio", "saving_seconds",
                  "confidence", "evidence"
                ],
                "properties": {
                  "below": {
                    "anyOf": [{"$ref": "#/components/schemas/TraceStep"}, {"type": "null"}]
                  },
                  "count": {"type": "integer", "minimum": 0},
                  "duration": {"type": "number", "minimum": 0},
                  "parallelization_ratio": {"type": "number", "minimum": 0, "maximum": 1},
                  "saving_seconds": {"type": "number", "minimum": 0},
                  "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                  "evidence": {
                    "type": "array",
                    "items": {"$ref": "#/components/schemas/TraceStep"}
                  }
                }
              }
            },
            "overlaps": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["agents", "seconds"],
                "properties": {
                  "agents": {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 2,
                    "maxItems": 2
                  },
                  "seconds": {"type": "number", "minimum": 0}
                }
              }
            },
            "operations": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "activity", "operation", "count", "errors", "pending", "total_seconds",
                  "self_seconds", "critical_path_seconds", "min_seconds", "mean_seconds",
                  "median_seconds", "p50_seconds", "p95_seconds", "p99_seconds", "max_seconds",
                  "tokens", "cost_usd"
                ],
                "properties": {
                  "activity": {"$ref": "#/components/schemas/Activity"},
                  "operation": {"type": ["string", "null"]},
                  "count": {"type": "integer", "minimum": 0},
                  "errors": {"type": "integer", "minimum": 0},
                  "pending": {"type": "integer", "minimum": 0},
                  "total_seconds": {"type": "number", "minimum": 0},
                  "self_seconds": {"type": "number", "minimum": 0},
                  "critical_path_seconds": {"type": "number", "minimum": 0},
                  "min_seconds": {"type": "number", "minimum": 0},
                  "mean_seconds": {"type": "number", "minimum": 0},
                  "median_seconds": {"type": "number", "minimum": 0},
                  "p50_seconds": {"type": "number", "minimum": 0},
                  "p95_seconds": {"type": "number", "minimum": 0},
                  "p99_seconds": {"type": "number", "minimum": 0},
                  "max_seconds": {"type": "number", "minimum": 0},
                  "tokens": {"type": "integer", "minimum": 0},
                  "cost_usd": {"type": ["number", "null"], "minimum": 0}
                }
              }
            },
            "error_clusters": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "start_time", "end_time", "count", "error_types", "confidence", "evidence"
                ],
                "properties": {
                  "start_time": {"type": "string", "format": "date-time"},
                  "end_time": {"type": "string", "format": "date-time"},
                  "count": {"type": "integer", "minimum": 0},
                  "error_types": {
                    "type": "array",
                    "items": {
                      "type": "object",
                      "required": ["error_type", "count"],
                      "properties": {
                        "error_type": {"type": ["string", "null"]},
                        "count": {"type": "integer", "minimum": 0}
                      }
                    }
                  },
                  "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                  "evidence": {
                    "type": "array",
                    "items": {"$ref": "#/components/schemas/TraceStep"}
                  }
                }
              }
            },
            "high_frequency": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "activity", "operation", "count", "known_arguments", "repeated_arguments",
                  "saving_seconds", "saving_usd", "confidence", "evidence"
                ],
                "properties": {
                  "activity": {"$ref": "#/components/schemas/Activity"},
                  "operation": {"type": ["string", "null"]},
                  "count": {"type": "integer", "minimum": 0},
                  "known_arguments": {"type": "integer", "minimum": 0},
                  "repeated_arguments": {"type": "integer", "minimum": 0},
                  "saving_seconds": {"type": "number", "minimum": 0},
                  "saving_usd": {"type": ["number", "null"], "minimum": 0},
                  "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                  "evidence": {
                    "type": "array",
                    "items": {"$ref": "#/components/schemas/TraceStep"}
                  }
                }
              }
            },
            "loops": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "kind", "agent", "subject", "count", "errors", "tokens", "saving_seconds",
                  "saving_usd", "confidence", "evidence"
                ],
                "properties": {
                  "kind": {"enum": ["same_call", "ping_pong", "growing_input"]},
                  "agent": {"type": ["string", "null"]},
                  "subject": {"type": ["string", "null"]},
                  "count": {"type": "integer", "minimum": 0},
                  "errors": {"type": "integer", "minimum": 0},
                  "tokens": {"type": "integer", "minimum": 0},
                  "saving_seconds": {"type": "number", "minimum": 0},
                  "saving_usd": {"type": ["number", "null"], "minimum": 0},
                  "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                  "evidence": {
                    "type": "array",
                    "items": {"$ref": "#/components/schemas/TraceStep"}
                  },
                  "first_input_tokens": {"type": "integer", "minimum": 0},
                  "last_input_tokens": {"type": "integer", "minimum": 0}
                }
              }
            },
            "clock_skew": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["service", "caller", "ahead_seconds", "calls"],
                "properties": {
                  "service": {"type": ["string", "null"]},
                  "caller": {"type": ["string", "null"]},
                  "ahead_seconds": {"type": "number"},
                  "calls": {"type": "integer", "minimum": 0}
                }
              }
            },
            "execution_order": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/TraceStep"}],
                "type": "object",
                "required": ["status", "offset_seconds", "duration"],
                "properties": {
                  "status": {"enum": ["ok", "error", "running"]},
                  "offset_seconds": {"type": "number", "minimum": 0},
                  "duration": {"type": "number", "minimum": 0}
                }
              }
            },
            "timeline": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/TraceStep"}],
                "type": "object",
                "required": ["operation", "status", "start_time", "offset_seconds", "duration"],
                "properties": {
                  "operation": {"type": ["string", "null"]},
                  "status": {"enum": ["ok", "error", "running"]},
                  "start_time": {"type": "string", "format": "date-time"},
                  "offset_seconds": {"type": "number", "minimum": 0},
                  "duration": {"type": "number", "minimum": 0}
                }
              }
            },
            "recommendations": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "category", "title", "text", "saving_seconds", "saving_usd", "confidence",
                  "evidence"
                ],
                "properties": {
                  "category": {
                    "enum": [
                      "parallelize", "long_pole", "slow_agent", "cache", "loop", "context",
                      "errors", "clocks"
                    ]
                  },
                  "title": {"type": "string"},
                  "text": {"type": "string"},
                  "saving_seconds": {"type": ["number", "null"], "minimum": 0},
                  "saving_usd": {"type": ["number", "null"], "minimum": 0},
                  "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                  "evidence": {
                    "type": "array",
                    "items": {"$ref": "#/components/schemas/TraceStep"}
                  }
                }
              }
            },
            "omitted_self_time": {"type": "integer", "minimum": 0},
            "omitted_long_poles": {"type": "integer", "minimum": 0},
            "omitted_agents": {"type": "integer", "minimum": 0},
            "omitted_slow_agents": {"type": "integer", "minimum": 0},
            "omitted_sequential_phases": {"type": "integer", "minimum": 0},
            "omitted_overlaps": {"type": "integer", "minimum": 0},
            "omitted_operations": {"type": "integer", "minimum": 0},
            "omitted_error_clusters": {"type": "integer", "minimum": 0},
            "omitted_high_frequency": {"type": "integer", "minimum": 0},
            "omitted_loops": {"type": "integer", "minimum": 0},
            "omitted_clock_skew": {"type": "integer", "minimum": 0},
            "omitted_execution_order": {"type": "integer", "minimum": 0},
            "omitted_timeline": {"type": "integer", "minimum": 0},
            "omitted_recommendations": {"type": "integer", "minimum": 0}
          }
        }
        """#
}
