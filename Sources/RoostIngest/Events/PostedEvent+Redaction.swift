extension PostedEvent {
    /// Takes out of its texts what must neither rest nor be shown, before anything is made of it.
    ///
    /// A text is known by the names of the event and by those of the conventions. `run` only brings a
    /// beginning and its end together and goes nowhere.
    public mutating func redact(with redactor: inout TextRedactor) {
        let agents: [StaticString] = [
            "agent", "agent.name", "agent_name", "agent_id", "gen_ai.agent.name", "gen_ai.agent.id",
        ]
        redactor.redact(&agent, keys: agents)
        redactor.redact(&parentAgent, keys: ["parent_agent", "parent"] + agents)
        redactor.redact(
            &workflow,
            keys: ["workflow", "workflow_name", "workflow_id", "gen_ai.workflow.name"])
        redactor.redact(&tool, keys: ["tool", "tool_name", "gen_ai.tool.name"])
        redactor.redact(
            &model,
            keys: ["model", "model_name", "gen_ai.request.model", "gen_ai.response.model"])
        redactor.redact(&provider, keys: ["provider", "gen_ai.provider.name"])
        redactor.redact(&service, keys: ["service", "service_name", "service.name"])
        redactor.redact(
            &session, keys: ["session_id", "session", "session.id", "gen_ai.conversation.id"])
        redactor.redact(&user, keys: ["user_id", "user", "user.id", "enduser.id"])
        redactor.redact(
            &errorType,
            keys: isErrorMessage
                ? ["error", "error.message", "exception.message"]
                : ["error_type", "error.type", "exception.type"])
    }
}
