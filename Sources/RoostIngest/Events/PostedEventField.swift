import RoostCore

/// The texts of a posted event, and what each may be called: an event's own names, of which the
/// first that is there counts, then those of OpenTelemetry's conventions.
enum PostedEventField: Int, CaseIterable {
    case agent, parentAgent, workflow, tool, model, provider, service, session, user
    case errorType, error, run

    var names: [StaticString] {
        switch self {
        case .agent:
            [
                "agent", "agent_name", "agent_id", "agent.name", "agent.id", "gen_ai.agent.name",
                "gen_ai.agent.id",
            ]
        case .parentAgent: ["parent_agent", "parent"]
        case .workflow:
            ["workflow", "workflow_name", "workflow_id", "workflow.name", "gen_ai.workflow.name"]
        case .tool: ["tool", "tool_name", "tool.name", "gen_ai.tool.name"]
        case .model:
            ["model", "model_name", "model.name", "gen_ai.request.model", "gen_ai.response.model"]
        case .provider: ["provider", "provider_name", "provider.name", "gen_ai.provider.name"]
        case .service: ["service", "service_name", "service.name"]
        case .session: ["session_id", "session", "session.id", "gen_ai.conversation.id"]
        case .user: ["user_id", "user", "user.id", "enduser.id"]
        case .errorType: ["error_type", "error.type", "exception.type"]
        case .error: ["error", "error.message", "exception.message"]
        case .run: ["run_id", "invocation_id", "execution_id", "call_id", "span_id"]
        }
    }

    /// By name: the field, and the place of the name among those of the field.
    fileprivate static let byName: [String: (field: Self, place: Int)] = {
        var found: [String: (field: Self, place: Int)] = [:]
        for field in allCases {
            for (place, name) in field.names.enumerated() { found["\(name)"] = (field, place) }
        }
        return found
    }()
}

/// The texts that an event has, each of the name that counts.
struct PostedEventTexts {
    /// By field: the rank of the name, the least counts.
    private var found = [(rank: Int, name: String, value: JSONValue)?](
        repeating: nil, count: PostedEventField.allCases.count)

    /// A name counts in the payload before it does beside it; null is nothing.
    init(_ document: JSONValue, payload: JSONValue) {
        take(payload, isPayload: true)
        take(document, isPayload: false)
    }

    private mutating func take(_ object: JSONValue, isPayload: Bool) {
        for (name, value) in object.members ?? [] where value != .null {
            guard let (field, place) = PostedEventField.byName[name] else { continue }
            let rank = place * 2 + (isPayload ? 0 : 1)
            // Of a name that is there twice the last one counts.
            if let other = found[field.rawValue], other.rank < rank { continue }
            found[field.rawValue] = (rank, name, value)
        }
    }

    /// A text, or the name or id of an object; empty when there is none.
    func text(_ field: PostedEventField) throws(PostedEvent.Fault) -> String {
        guard let (_, name, value) = found[field.rawValue] else { return "" }
        if let text = value.string { return text }
        if let text = value["name"]?.string ?? value["id"]?.string { return text }
        throw PostedEvent.Fault(reason: "\(name) is a text, or an object with a name")
    }
}
