/// What a step says of itself, as far as it shows whether an event and a span tell the same step.
struct ToldAccount: Sendable {
    /// What is known of how it went.
    enum Outcome: UInt8 { case unknown, done, failed }

    /// Of service and id of the answer; 0 is none.
    private let call: UInt64
    /// All tokens of input, and those that no cache had.
    private let read: UInt32
    private let fresh: UInt32
    /// All tokens of output, and those that are no reasoning.
    private let written: UInt32
    private let visible: UInt32
    private let outcome: Outcome

    init(call: UInt64 = 0, tokens: ActivityTokens = ActivityTokens(), outcome: Outcome = .unknown) {
        self.call = call
        read = UInt32(clamping: tokens.input &+ tokens.cacheRead &+ tokens.cacheWrite)
        fresh = UInt32(clamping: tokens.input)
        written = UInt32(clamping: tokens.output &+ tokens.reasoning)
        visible = UInt32(clamping: tokens.output)
        self.outcome = outcome
    }

    /// Both name the same answer.
    @inline(__always)
    func names(_ other: ToldAccount) -> Bool { call != 0 && call == other.call }

    /// Both cannot tell one step: they name different answers, count other tokens, or one failed
    /// and the other did not: attempts are told one by one.
    func contradicts(_ other: ToldAccount) -> Bool {
        if call != 0, other.call != 0 { return call != other.call }
        if outcome != .unknown, other.outcome != .unknown, outcome != other.outcome { return true }
        guard hasTokens, other.hasTokens else { return false }
        // One of the two may leave out what a cache had, or what was reasoned.
        let isSameRead = read == other.read || fresh == other.fresh
        return !isSameRead || written != other.written && visible != other.visible
    }

    private var hasTokens: Bool { read | written != 0 }
}

extension AgentTracker {
    func toldAccount(_ node: AgentNode) -> ToldAccount {
        let detail = open.detail(node)
        // Spans of tools and agents often leave out that they failed.
        guard node.kind.isCall else { return ToldAccount(call: detail.call) }
        let outcome: ToldAccount.Outcome =
            if node.status == .error {
                .failed
            } else {
                node.status == .ok || detail.hasUsage ? .done : .unknown
            }
        return ToldAccount(call: detail.call, tokens: detail.tokens, outcome: outcome)
    }
}
