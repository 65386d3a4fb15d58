extension Schemas {
    /// Jaeger's query API.
    static let jaeger = #"""
        "JaegerTag": {
          "type": "object",
          "required": ["key", "type", "value"],
          "properties": {
            "key": {"type": "string"},
            "type": {"enum": ["string", "bool", "int64", "float64", "binary"]},
            "value": {"type": ["string", "boolean", "number"]}
          }
        },
        "JaegerTrace": {
          "type": "object",
          "required": ["traceID", "spans", "processes", "warnings"],
          "properties": {
            "traceID": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "spans": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "traceID", "spanID", "flags", "operationName", "references", "startTime",
                  "duration", "tags", "logs", "processID", "warnings"
                ],
                "properties": {
                  "traceID": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                  "spanID": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
                  "flags": {"type": "integer", "minimum": 0},
                  "operationName": {"type": "string"},
                  "references": {
                    "type": "array",
                    "items": {
                      "type": "object",
                      "required": ["refType", "traceID", "spanID"],
                      "properties": {
                        "refType": {"enum": ["CHILD_OF", "FOLLOWS_FROM"]},
                        "traceID": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                        "spanID": {"type": "string", "pattern": "^[0-9a-f]{16}$"}
                      }
                    }
                  },
                  "startTime": {"type": "integer", "minimum": 0},
                  "duration": {"type": "integer", "minimum": 0},
                  "tags": {"type": "array", "items": {"$ref": "#/components/schemas/JaegerTag"}},
                  "logs": {
                    "type": "array",
                    "items": {
                      "type": "object",
                      "required": ["timestamp", "fields"],
                      "properties": {
                        "timestamp": {"type": "integer", "minimum": 0},
                        "fields": {
                          "type": "array",
                          "items": {"$ref": "#/components/schemas/JaegerTag"}
                        }
                      }
                    }
                  },
                  "processID": {"type": "string"},
                  "warnings": {"type": ["array", "null"], "items": {"type": "string"}}
                }
              }
            },
            "processes": {
              "type": "object",
              "additionalProperties": {
                "type": "object",
                "required": ["serviceName", "tags"],
                "properties": {
                  "serviceName": {"type": "string"},
                  "tags": {"type": "array", "items": {"$ref": "#/components/schemas/JaegerTag"}}
                }
              }
            },
            "warnings": {"type": ["array", "null"], "items": {"type": "string"}}
          }
        },
        "JaegerNames": {
          "type": "object",
          "required": ["data", "total", "limit", "offset", "errors"],
          "properties": {
            "data": {"type": "array", "items": {"type": "string"}},
            "total": {"type": "integer", "minimum": 0},
            "limit": {"type": "integer", "minimum": 0},
            "offset": {"type": "integer", "minimum": 0},
            "errors": {"type": "null"}
          }
        },
        "JaegerOperations": {
          "type": "object",
          "required": ["data", "total", "limit", "offset", "errors"],
          "properties": {
            "data": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["name", "spanKind"],
                "properties": {"name": {"type": "string"}, "spanKind": {"type": "string"}}
              }
            },
            "total": {"type": "integer", "minimum": 0},
            "limit": {"type": "integer", "minimum": 0},
            "offset": {"type": "integer", "minimum": 0},
            "errors": {"type": "null"}
          }
        },
        "JaegerTraces": {
          "type": "object",
          "required": ["data", "total", "limit", "offset", "errors"],
          "properties": {
            "data": {"type": "array", "items": {"$ref": "#/components/schemas/JaegerTrace"}},
            "total": {"type": "integer", "minimum": 0},
            "limit": {"type": "integer", "minimum": 0},
            "offset": {"type": "integer", "minimum": 0},
            "errors": {"type": "null"}
          }
        },
        "JaegerDependencies": {
          "type": "object",
          "required": ["data", "total", "limit", "offset", "errors"],
          "properties": {
            "data": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["parent", "child", "callCount"],
                "properties": {
                  "parent": {"type": "string"},
                  "child": {"type": "string"},
                  "callCount": {"type": "integer", "minimum": 1}
                }
              }
            },
            "total": {"type": "integer", "minimum": 0},
            "limit": {"type": "integer", "minimum": 0},
            "offset": {"type": "integer", "minimum": 0},
            "errors": {"type": "null"}
          }
        },
        "JaegerError": {
          "type": "object",
          "required": ["data", "total", "limit", "offset", "errors"],
          "properties": {
            "data": {"type": "null"},
            "total": {"type": "integer", "minimum": 0},
            "limit": {"type": "integer", "minimum": 0},
            "offset": {"type": "integer", "minimum": 0},
            "errors": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["code", "msg"],
                "properties": {"code": {"type": "integer"}, "msg": {"type": "string"}}
              },
              "minItems": 1
            }
          }
        }
        """#
}
