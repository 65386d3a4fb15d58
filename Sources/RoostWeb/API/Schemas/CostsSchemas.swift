extension Schemas {
    /// Costs and budgets.
    static let costs = #"""
        "CostTrend": {
          "type": ["object", "null"],
          "required": ["cost_usd", "before_usd", "change"],
          "properties": {
            "cost_usd": {"type": "number", "minimum": 0},
            "before_usd": {"type": "number", "minimum": 0},
            "change": {"type": ["number", "null"]}
          }
        },
        "CallCosts": {
          "type": "object",
          "required": [
            "cost_usd", "tokens", "calls", "failed_calls", "failed_cost_usd", "unpriced_calls"
          ],
          "properties": {
            "cost_usd": {"type": ["number", "null"], "minimum": 0},
            "tokens": {"$ref": "#/components/schemas/Tokens"},
            "calls": {
              "type": "integer",
              "minimum": 0,
              "description": "Calls to models."
            },
            "failed_calls": {"type": "integer", "minimum": 0},
            "failed_cost_usd": {"type": "number", "minimum": 0},
            "unpriced_calls": {"type": "integer", "minimum": 0}
          }
        },
        "CostFigures": {
          "allOf": [{"$ref": "#/components/schemas/CallCosts"}],
          "type": "object",
          "required": ["runs"],
          "properties": {
            "runs": {
              "type": "integer",
              "minimum": 0,
              "description":
                "Of an agent its own runs; else runs of workflows: of a session, user or service those that its root belongs to."
            }
          }
        },
        "Costs": {
          "type": "object",
          "required": [
            "period", "time", "from", "total", "lifetime", "trend", "cost_per_run_usd",
            "forecast", "unpriced", "cache", "recommendations", "days", "agent_count",
            "model_count", "provider_count", "workflow_count", "session_count", "user_count",
            "service_count", "operation_count", "by_agent", "by_model", "by_provider",
            "by_workflow", "by_session", "by_user", "by_service", "by_operation"
          ],
          "properties": {
            "period": {"enum": ["24h", "7d", "30d", "month"]},
            "time": {"type": "string", "format": "date-time"},
            "from": {"type": "string", "format": "date-time"},
            "total": {"$ref": "#/components/schemas/CostFigures"},
            "lifetime": {
              "allOf": [{"$ref": "#/components/schemas/CostFigures"}],
              "type": "object",
              "required": ["since"],
              "properties": {"since": {"type": "string", "format": "date-time"}}
            },
            "trend": {
              "type": "object",
              "required": ["last_24h", "last_7d"],
              "properties": {
                "last_24h": {"$ref": "#/components/schemas/CostTrend"},
                "last_7d": {"$ref": "#/components/schemas/CostTrend"}
              }
            },
            "cost_per_run_usd": {"type": ["number", "null"], "minimum": 0},
            "forecast": {
              "type": "object",
              "required": ["complete_days", "needed_days", "available"],
              "properties": {
                "complete_days": {"type": "integer", "minimum": 0},
                "needed_days": {"type": "integer", "minimum": 0},
                "available": {"type": "boolean"},
                "method": {"enum": ["mean", "weekday_means"]},
                "days_used": {"type": "integer", "minimum": 0},
                "month_to_date_usd": {"type": "number", "minimum": 0},
                "month_projected_usd": {"type": "number", "minimum": 0},
                "month_low_usd": {"type": "number", "minimum": 0},
                "month_high_usd": {"type": "number", "minimum": 0},
                "interval": {"type": "number", "minimum": 0, "maximum": 1},
                "per_day_usd": {"type": "number", "minimum": 0}
              }
            },
            "unpriced": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["model", "provider", "calls", "tokens"],
                "properties": {
                  "model": {"type": "string"},
                  "provider": {"type": "string"},
                  "calls": {"type": "integer", "minimum": 0},
                  "tokens": {"type": "integer", "minimum": 0}
                }
              }
            },
            "cache": {
              "type": "object",
              "required": ["read_tokens", "share", "savings_usd"],
              "properties": {
                "read_tokens": {"type": "integer", "minimum": 0},
                "share": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                "savings_usd": {"type": ["number", "null"]}
              }
            },
            "recommendations": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "type", "subject", "name", "title", "detail", "savings_usd_per_30d",
                  "confidence", "figures"
                ],
                "properties": {
                  "type": {"enum": ["cache_input", "cheaper_model", "failed_calls"]},
                  "subject": {"type": "string"},
                  "name": {"type": "string"},
                  "title": {"type": "string"},
                  "detail": {"type": "string"},
                  "savings_usd_per_30d": {"type": "number", "minimum": 0},
                  "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                  "figures": {"$ref": "#/components/schemas/Figure"}
                }
              }
            },
            "days": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/CostFigures"}],
                "type": "object",
                "required": ["date"],
                "properties": {"date": {"type": "string", "format": "date"}}
              }
            },
            "agent_count": {"type": "integer", "minimum": 0},
            "model_count": {"type": "integer", "minimum": 0},
            "provider_count": {"type": "integer", "minimum": 0},
            "workflow_count": {"type": "integer", "minimum": 0},
            "session_count": {"type": "integer", "minimum": 0},
            "user_count": {"type": "integer", "minimum": 0},
            "service_count": {"type": "integer", "minimum": 0},
            "operation_count": {"type": "integer", "minimum": 0},
            "by_agent": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/CostFigures"}],
                "type": "object",
                "required": ["agent", "share", "trend_24h"],
                "properties": {
                  "agent": {"type": "string"},
                  "share": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                  "trend_24h": {"$ref": "#/components/schemas/CostTrend"}
                }
              }
            },
            "by_model": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/CallCosts"}],
                "type": "object",
                "required": ["model", "share", "trend_24h"],
                "properties": {
                  "model": {"type": "string"},
                  "share": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                  "trend_24h": {"$ref": "#/components/schemas/CostTrend"}
                }
              }
            },
            "by_provider": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/CallCosts"}],
                "type": "object",
                "required": ["provider", "share", "trend_24h"],
                "properties": {
                  "provider": {"type": "string"},
                  "share": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                  "trend_24h": {"$ref": "#/components/schemas/CostTrend"}
                }
              }
            },
            "by_workflow": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/CostFigures"}],
                "type": "object",
                "required": ["workflow", "share", "cost_per_run_usd", "trend_24h"],
                "properties": {
                  "workflow": {"type": "string"},
                  "share": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                  "cost_per_run_usd": {"type": ["number", "null"], "minimum": 0},
                  "trend_24h": {"$ref": "#/components/schemas/CostTrend"}
                }
              }
            },
            "by_session": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/CostFigures"}],
                "type": "object",
                "required": ["session", "share", "trend_24h"],
                "properties": {
                  "session": {"type": "string"},
                  "share": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                  "trend_24h": {"$ref": "#/components/schemas/CostTrend"}
                }
              }
            },
            "by_user": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/CostFigures"}],
                "type": "object",
                "required": ["user", "share", "trend_24h"],
                "properties": {
                  "user": {"type": "string"},
                  "share": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                  "trend_24h": {"$ref": "#/components/schemas/CostTrend"}
                }
              }
            },
            "by_service": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/CostFigures"}],
                "type": "object",
                "required": ["service", "share", "trend_24h"],
                "properties": {
                  "service": {"type": "string"},
                  "share": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                  "trend_24h": {"$ref": "#/components/schemas/CostTrend"}
                }
              }
            },
            "by_operation": {
              "type": "array",
              "items": {
                "allOf": [{"$ref": "#/components/schemas/CallCosts"}],
                "type": "object",
                "required": ["operation", "share", "trend_24h"],
                "properties": {
                  "operation": {"type": "string"},
                  "share": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                  "trend_24h": {"$ref": "#/components/schemas/CostTrend"}
                }
              }
            }
          }
        },
        "Budgets": {
          "type": "object",
          "required": ["budgets"],
          "properties": {
            "budgets": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "budget", "scope", "match", "per", "unit", "limit", "subject", "spent",
                  "remaining", "share", "burn_rate_per_hour", "exhausted_at", "resets_at",
                  "level", "unpriced_calls"
                ],
                "properties": {
                  "budget": {"type": "string"},
                  "scope": {
                    "enum": ["session", "agent", "workflow", "user", "model", "service", "all"]
                  },
                  "match": {"type": "string"},
                  "per": {"enum": ["run", "hour", "day", "week", "month", "total"]},
                  "unit": {"enum": ["usd", "tokens"]},
                  "limit": {"type": "number", "minimum": 0},
                  "subject": {"type": "string"},
                  "spent": {"type": "number", "minimum": 0},
                  "remaining": {"type": "number"},
                  "share": {"type": "number", "minimum": 0},
                  "burn_rate_per_hour": {"type": "number", "minimum": 0},
                  "exhausted_at": {"type": ["string", "null"], "format": "date-time"},
                  "resets_at": {"type": ["string", "null"], "format": "date-time"},
                  "level": {"enum": ["ok", "warning", "exceeded"]},
                  "unpriced_calls": {"type": "integer", "minimum": 0}
                }
              }
            }
          }
        }
        """#
}
