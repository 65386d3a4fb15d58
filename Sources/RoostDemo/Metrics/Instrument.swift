/// What the fleet measures besides its spans.
enum Instrument: Int, Sendable, CaseIterable {
    case operationDuration, tokenUsage, firstChunk
    case mcpServerDuration, httpServerDuration
    case toolDuration
    case toolCalls, cost, retries, promptSize
    case activeRuns, contextUse
    case processMemory, processCPU

    /// How measurements become points.
    enum Kind: Equatable {
        case counter(delta: Bool)
        case upDownCounter
        /// A sum that is looked at and not added to; each value is the whole.
        case observedSum(monotonic: Bool)
        case gauge
        case histogram([Double], delta: Bool)
        /// Base-2 exponential, at most 160 buckets, as SDKs make them.
        case exponentialHistogram
    }

    var name: String {
        switch self {
        case .operationDuration: "gen_ai.client.operation.duration"
        case .tokenUsage: "gen_ai.client.token.usage"
        case .firstChunk: "gen_ai.client.operation.time_to_first_chunk"
        case .mcpServerDuration: "mcp.server.operation.duration"
        case .httpServerDuration: "http.server.request.duration"
        case .toolDuration: "fleet.tool.duration"
        case .toolCalls: "fleet.tool.calls"
        case .cost: "fleet.llm.cost"
        case .retries: "fleet.llm.retries"
        case .promptSize: "fleet.prompt.size"
        case .activeRuns: "fleet.active_runs"
        case .contextUse: "fleet.context.utilization"
        case .processMemory: "process.memory.usage"
        case .processCPU: "process.cpu.time"
        }
    }

    var description: String {
        switch self {
        case .operationDuration: "GenAI operation duration."
        case .tokenUsage: "Number of input and output tokens used."
        case .firstChunk: "Time until the first chunk of the answer."
        case .mcpServerDuration: "Time an MCP server took for a request."
        case .httpServerDuration: "Duration of HTTP server requests."
        case .toolDuration: "Time a tool took, as the agent saw it."
        case .toolCalls: "Tools called by agents."
        case .cost: "List price of model calls."
        case .retries: "Model requests sent again after a retryable answer."
        case .promptSize: "Size of prompts on the wire."
        case .activeRuns: "Agent runs in progress."
        case .contextUse: "Part of the model's context window that the last call filled."
        case .processMemory: "Physical memory in use."
        case .processCPU: "CPU seconds used."
        }
    }

    var unit: String {
        switch self {
        case .operationDuration, .firstChunk, .mcpServerDuration, .httpServerDuration,
            .toolDuration, .processCPU:
            "s"
        case .tokenUsage: "{token}"
        case .toolCalls: "{call}"
        case .cost: "USD"
        case .retries: "{retry}"
        case .promptSize, .processMemory: "By"
        case .activeRuns: "{run}"
        case .contextUse: "1"
        }
    }

    var kind: Kind {
        switch self {
        case .operationDuration, .firstChunk: .histogram(Self.clientSeconds, delta: false)
        case .tokenUsage: .histogram(Self.tokens, delta: false)
        case .mcpServerDuration: .histogram(Self.mcpSeconds, delta: false)
        case .httpServerDuration: .histogram(Self.httpSeconds, delta: false)
        case .toolDuration: .exponentialHistogram
        case .toolCalls, .cost: .counter(delta: false)
        case .retries: .counter(delta: true)
        case .promptSize: .histogram(Self.promptBytes, delta: true)
        case .activeRuns: .upDownCounter
        case .contextUse: .gauge
        case .processMemory: .observedSum(monotonic: false)
        case .processCPU: .observedSum(monotonic: true)
        }
    }

    /// Whole numbers go over the wire as such.
    var isInteger: Bool {
        switch self {
        case .toolCalls, .retries, .activeRuns, .processMemory: true
        default: false
        }
    }

    var scope: Scope {
        switch self {
        case .operationDuration, .tokenUsage, .firstChunk: .model
        case .mcpServerDuration: .mcp
        case .httpServerDuration: .http
        default: .fleet
        }
    }

    /// Semantic conventions, GenAI client metrics.
    private static let clientSeconds = (0..<14).map { 0.01 * Double(1 << $0) }
    private static let tokens = (0..<14).map { Double(1 << (2 * $0)) }
    /// Semantic conventions, MCP.
    private static let mcpSeconds: [Double] = [
        0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300,
    ]
    /// Semantic conventions, HTTP, and on to the minutes that agents take.
    private static let httpSeconds: [Double] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
    ]
    private static let promptBytes: [Double] = (10...20).map { Double(1 << $0) }
}
