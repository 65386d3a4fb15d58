/// Which names the client metrics have that Roost computes for services that send none.
public enum ClientConventions: String, Sendable, CaseIterable {
    /// Of the OpenTelemetry semantic conventions, 1.36 to 1.41.
    case stable = "1.41"
    /// Of the repository that the GenAI conventions have moved to.
    case genai
    case off
}

/// Calls to models as the conventions' client metrics, by service.
///
/// Semantic conventions for generative AI, "Metrics": durations and tokens of each call, with the
/// bounds given there. Each call is counted once, as in `roost_llm_*`. Services that send these
/// metrics themselves are left out.
struct ClientMetrics: Sendable {
    let conventions: ClientConventions
    /// For each operation, in the order of `operations`.
    private(set) var durations: [AgentHistogram]
    private(set) var inputTokens: [AgentHistogram]
    private(set) var outputTokens: [AgentHistogram]
    /// Tokens that the conventions count beside those of input and output, which include them: for
    /// each operation, in the order of `details`.
    private(set) var detailTokens: [[AgentCounter]]
    /// Numbers of the services, or of their names and namespaces, that send their own.
    private(set) var others: Set<Int32> = []

    static let operations = ["chat", "embeddings"]
    static let details = [
        "cache_read.input_tokens", "cache_write.input_tokens", "reasoning.output_tokens",
    ]
    static let mostServices = 10_000

    private static let durationBounds = DurationBounds(seconds: [
        0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
    ])
    /// A token stands for a second: the same table finds the bucket.
    private static let tokenBounds = DurationBounds(seconds: [
        1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262_144, 1_048_576, 4_194_304, 16_777_216,
        67_108_864,
    ])

    init(_ conventions: ClientConventions, _ room: AgentSeriesRoom) {
        self.conventions = conventions
        func histograms(_ bounds: DurationBounds?) -> [AgentHistogram] {
            Self.operations.map { _ in AgentHistogram(bounds: bounds ?? .standard, room) }
        }
        durations = histograms(Self.durationBounds)
        inputTokens = histograms(Self.tokenBounds)
        outputTokens = histograms(Self.tokenBounds)
        detailTokens = Self.operations.map { _ in Self.details.map { _ in AgentCounter(room) } }
    }

    /// Before they are let go of.
    func giveBack() {
        for histogram in durations + inputTokens + outputTokens { histogram.index.giveBack() }
        for counter in detailTokens.joined() { counter.index.giveBack() }
    }

    /// As `AgentMetrics.overflowed`.
    var overflowed: UInt64 {
        (durations + inputTokens + outputTokens).reduce(0) { $0 &+ $1.index.overflowed }
            &+ detailTokens.joined().reduce(0) { $0 &+ $1.index.overflowed }
    }

    mutating func sendsItsOwn(_ service: Int32) {
        if others.count < Self.mostServices { others.insert(service) }
    }

    /// Counts a call; its tokens only if `usage`, because an agent's own account may hold them.
    mutating func count(_ node: AgentNode, _ detail: AgentDetail, usage: Bool, now: UInt64) {
        guard var key = key(node, detail) else { return }
        if usage { count(detail.tokens, key, Self.operation(node), now: now) }
        if !node.flags.contains(.isInstant) {
            key.fifth = detail.errorType
            durations[Self.operation(node)].observe(
                nanoseconds: node.end &- node.start, key, nil, now: now)
        }
    }

    /// Counts what a call used that was counted before without it.
    mutating func countUsage(_ node: AgentNode, _ detail: AgentDetail, now: UInt64) {
        guard let key = key(node, detail) else { return }
        count(detail.tokens, key, Self.operation(node), now: now)
    }

    private mutating func count(
        _ tokens: ActivityTokens, _ key: AgentSeriesKey, _ operation: Int, now: UInt64
    ) {
        let input = tokens.input &+ tokens.cacheRead &+ tokens.cacheWrite
        let output = tokens.output &+ tokens.reasoning
        if input > 0 {
            inputTokens[operation].observe(
                nanoseconds: input &* 1_000_000_000, key, nil, now: now)
        }
        if output > 0 {
            outputTokens[operation].observe(
                nanoseconds: output &* 1_000_000_000, key, nil, now: now)
        }
        guard conventions == .genai else { return }
        for (place, count) in [tokens.cacheRead, tokens.cacheWrite, tokens.reasoning].enumerated() {
            detailTokens[operation][place].add(Double(count), key, nil, now: now)
        }
    }

    /// Nil when the service sends its own.
    private func key(_ node: AgentNode, _ detail: AgentDetail) -> AgentSeriesKey? {
        let service = detail.job == TextTable.none ? node.service : detail.job
        guard others.isEmpty || !others.contains(service) else { return nil }
        return AgentSeriesKey(
            first: service, second: detail.provider, third: detail.modelRequested,
            fourth: node.flags.contains(.isModelAnswered) ? detail.model : TextTable.none)
    }

    private static func operation(_ node: AgentNode) -> Int { node.kind == .embedding ? 1 : 0 }
}
