import RoostAnalytics
import RoostCore

/// Which messages a client wants. Nil is all.
///
/// `contract.md`, "WS ws/events": `{"subscribe":{"type":[…],"agent":[…],"severity":[…],"workflow":[…]}}`.
struct LiveFilter: Hashable {
    /// Whole, as `agent.failed`, or the first part, as `agent` or `agent.*`.
    var types: Set<String>?
    var agents: Set<ExactText>?
    var severities: Set<String>?
    var workflows: Set<ExactText>?
    var trace: TraceID?

    static let mostValues = 100
    /// Of one value, and bytes of all of them.
    static let mostCharacters = Parameter.mostCharacters
    static let mostBytes = 8 << 10

    func wants(_ message: LiveMessage) -> Bool {
        if let trace, trace.low != message.traceIDLow || trace.high != message.traceIDHigh {
            return false
        }
        if let workflows, !workflows.contains(ExactText(message.workflow)) { return false }
        if let agents, !agents.contains(ExactText(message.agent)) { return false }
        if let severities, !severities.contains(message.severity) { return false }
        if let types, !types.contains(message.type), !types.contains(message.family) {
            return false
        }
        return true
    }

    /// From the object behind `subscribe`; the reason when it is none. Members that are missing or
    /// empty narrow nothing.
    static func read(_ value: JSONValue, trace: TraceID? = nil) -> Result<LiveFilter, LiveFault> {
        guard let members = value.members else {
            return .failure(LiveFault("subscribe is an object"))
        }
        var filter = LiveFilter(trace: trace)
        var bytes = 0
        for (name, value) in members {
            guard let words = words(value) else {
                return .failure(
                    LiveFault("\(name.shortened(to: 32)) is a list of at most \(mostValues) texts"))
            }
            guard words.allSatisfy({ $0.unicodeScalars.count <= mostCharacters }) else {
                return .failure(
                    LiveFault(
                        "\(name.shortened(to: 32)) has texts of at most \(mostCharacters) characters"
                    ))
            }
            bytes += words.reduce(0) { $0 + $1.utf8.count }
            guard bytes <= mostBytes else {
                return .failure(
                    LiveFault("all texts of subscribe have at most \(mostBytes) bytes together"))
            }
            let set = words.isEmpty ? nil : Set(words.map { ExactText($0) })
            switch name {
            case "type":
                let types = words.map(withoutStar)
                if let wrong = types.first(where: { !knownTypes.contains($0) }) {
                    return .failure(
                        LiveFault(
                            "there is no type \(wrong.shortened(to: 32)); there are "
                                + LiveMessage.types.joined(separator: ", ")
                                + ", and their first parts"))
                }
                filter.types = types.isEmpty ? nil : Set(types)
            case "agent": filter.agents = set
            case "severity":
                let known = FleetEvent.Severity.allCases.map(\.text)
                if let wrong = words.first(where: { !known.contains($0) }) {
                    return .failure(
                        LiveFault(
                            "there is no severity \(wrong.shortened(to: 32)); there are "
                                + known.joined(separator: ", ")))
                }
                filter.severities = words.isEmpty ? nil : Set(words)
            case "workflow": filter.workflows = set
            default:
                return .failure(
                    LiveFault(
                        "there is no filter \(name.shortened(to: 32)); there are type, agent, severity, "
                            + "workflow"))
            }
        }
        return .success(filter)
    }

    private static func words(_ value: JSONValue) -> [String]? {
        if let one = value.string { return [one] }
        guard let list = value.array, list.count <= mostValues else { return nil }
        let words = list.compactMap(\.string)
        return words.count == list.count ? words : nil
    }

    private static let knownTypes = Set(
        LiveMessage.types.flatMap { [$0, String($0.prefix { $0 != "." })] })

    private static func withoutStar(_ type: String) -> String {
        type.hasSuffix(".*") ? String(type.dropLast(2)) : type
    }
}

/// What is wrong with what a client said.
struct LiveFault: Error, Equatable {
    let message: String

    init(_ message: String) { self.message = message }
}
