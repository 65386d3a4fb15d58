/// A kind of service that the fleet runs.
enum Role: Int, Sendable, CaseIterable {
    case orchestrator, planner, researcher, coder, reviewer, webTools, repoTools

    /// `service.name`, and for agents `gen_ai.agent.name`.
    var name: String {
        switch self {
        case .orchestrator: "orchestrator"
        case .planner: "planner"
        case .researcher: "researcher"
        case .coder: "coder"
        case .reviewer: "reviewer"
        case .webTools: "mcp-web"
        case .repoTools: "mcp-repo"
        }
    }

    fileprivate var replicas: Int {
        switch self {
        case .researcher: 3
        case .coder, .reviewer: 2
        default: 1
        }
    }

    fileprivate var version: String {
        switch self {
        case .coder: "2.4.1"
        case .webTools, .repoTools: "0.9.3"
        default: "2.4.0"
        }
    }
}

/// One running instance of a service; on the wire, one resource.
struct FleetProcess: Sendable {
    var role: Role
    var replica: Int

    var instance: String { "\(role.name)-\(replica)" }

    var resource: Attributes {
        [
            "service.name": .string(role.name),
            "service.namespace": "demo",
            "service.instance.id": .string(instance),
            "service.version": .string(role.version),
            "deployment.environment.name": "demo",
            "host.name": .string("node-\(replica + 1)"),
            "process.pid": .int(4_000 + role.rawValue * 10 + replica),
            "telemetry.sdk.name": "roost-demo",
            "telemetry.sdk.language": "swift",
            "telemetry.sdk.version": "1.0.0",
        ]
    }
}

/// The processes of the fleet, always the same ones.
enum Fleet {
    static let processes: [FleetProcess] = Role.allCases.flatMap { role in
        (0..<role.replicas).map { FleetProcess(role: role, replica: $0) }
    }

    /// The first index into `processes` of each role.
    private static let firstOfRole: [Int] = Role.allCases.map { role in
        processes.firstIndex { $0.role == role } ?? 0
    }

    /// A replica of `role`; `turn` chooses which.
    static func process(_ role: Role, turn: Int = 0) -> Int {
        firstOfRole[role.rawValue] + turn % role.replicas
    }
}

/// How an agent works: what it thinks with, how long, and what it can use.
struct AgentProfile: Sendable {
    var role: Role
    var models: [(Model, weight: Double)]
    var fallback: Model
    var turns: ClosedRange<Int>
    var tools: [(Tool, weight: Double)]
    var toolsPerTurn: ClosedRange<Int>
    /// Tokens of the first prompt, and of an answer, the medians.
    var promptTokens: Double
    var answerTokens: Double
    /// How often it runs out of turns before it is done.
    var givesUp: Double
}

extension AgentProfile {
    static let planner = AgentProfile(
        role: .planner, models: [(.opus, 0.6), (.gpt5, 0.4)], fallback: .sonnet, turns: 1...2,
        tools: [(.searchDocs, 0.5), (.searchTickets, 0.5)], toolsPerTurn: 1...2,
        promptTokens: 2_600, answerTokens: 420, givesUp: 0.004)
    static let researcher = AgentProfile(
        role: .researcher, models: [(.geminiFlash, 0.5), (.gpt5Mini, 0.35), (.haiku, 0.15)],
        fallback: .gpt5Mini, turns: 2...4,
        tools: [(.webSearch, 0.45), (.fetchPage, 0.35), (.searchDocs, 0.2)], toolsPerTurn: 1...4,
        promptTokens: 1_800, answerTokens: 260, givesUp: 0.01)
    static let coder = AgentProfile(
        role: .coder, models: [(.sonnet, 0.6), (.gpt5, 0.25), (.ownCoder, 0.15)],
        fallback: .gpt5, turns: 3...7,
        tools: [
            (.readFile, 0.35), (.searchCode, 0.2), (.editFile, 0.25), (.runTests, 0.2),
        ],
        toolsPerTurn: 1...3, promptTokens: 6_500, answerTokens: 520, givesUp: 0.02)
    static let reviewer = AgentProfile(
        role: .reviewer, models: [(.haiku, 0.4), (.geminiPro, 0.35), (.opus, 0.25)],
        fallback: .sonnet, turns: 1...2, tools: [(.readFile, 0.5), (.lint, 0.5)],
        toolsPerTurn: 1...2, promptTokens: 5_200, answerTokens: 310, givesUp: 0.003)
}
