extension Schemas {
    /// Live streams.
    static let live = #"""
        "LiveMessage": {
          "description": "As `agent.completed`, `tool.failed` or `budget.exceeded`. What it is not about is an empty text",
          "type": "object",
          "required": [
            "type", "id", "time", "severity", "agent", "workflow", "trace_id", "data"
          ],
          "properties": {
            "type": {
              "enum": [
                "workflow.started", "workflow.completed", "workflow.failed", "workflow.abandoned",
                "workflow.stuck", "agent.invoked", "agent.completed", "agent.failed", "tool.called",
                "tool.failed", "llm.called", "llm.failed", "step.completed", "step.failed",
                "human.waiting", "human.answered", "budget.warning", "budget.exceeded", "budget.ok"
              ]
            },
            "id": {"type": "string"},
            "time": {"type": "string", "format": "date-time"},
            "severity": {"enum": ["info", "warning", "error", "critical"]},
            "agent": {"type": "string"},
            "workflow": {"type": "string"},
            "trace_id": {"type": "string"},
            "data": {"type": "object"}
          }
        }
        """#
}
