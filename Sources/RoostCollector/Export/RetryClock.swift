/// When a destination that failed is tried again, and how many requests it may have then:
///
///     working ──failure──▶ waiting ──time──▶ probing ──answer──▶ recovering ──answers──▶ working
///                             ▲                 │                    │
///                             └──── failure ────┴────────────────────┘
///
/// The waits are exponential backoff with full jitter, or the delay that the peer asked for. One
/// request at a time probes a peer that fails, and one more is allowed with each answer after that,
/// so that a peer that recovers is not flooded with what has piled up. Times are monotonic
/// nanoseconds.
struct RetryClock {
    /// No peer can silence a destination for longer.
    static let longestPeerDelay: UInt64 = 3_600 * 1_000_000_000
    /// Our own waits while draining: there is little time left to try.
    static let longestDrainDelay: UInt64 = 500_000_000

    /// As `/status` says it.
    enum Phase: String, Sendable {
        case working
        /// Nothing is sent until a time has come.
        case waiting
        /// One request at a time, to see whether the peer is back.
        case probing
        /// The peer answers again, and gets more requests with each answer.
        case recovering
    }

    private let initial: UInt64
    private let longest: UInt64
    private let concurrency: Int
    /// Failures since the last answer that was none.
    private(set) var failures = 0
    /// Nothing is sent before it.
    private(set) var nextAttempt: UInt64?
    /// Requests that may be under way at once.
    private(set) var allowed: Int
    private var failedAt: UInt64 = 0
    /// The end of a delay that the peer asked for, which an answer to another request does not end.
    private var peerTime: UInt64 = 0

    init(_ settings: ExportSettings.Retry, concurrency: Int = 1) {
        initial = max(settings.initial.nanosecondsClamped, 1_000_000)
        longest = max(settings.max.nanosecondsClamped, initial)
        self.concurrency = concurrency
        allowed = concurrency
    }

    var isFailing: Bool { failures > 0 }

    /// Whether the peer may be tried.
    func isOpen(_ now: UInt64) -> Bool { now >= nextAttempt ?? 0 }

    func phase(_ now: UInt64) -> Phase {
        if !isOpen(now) { return .waiting }
        if isFailing { return .probing }
        return allowed < concurrency ? .recovering : .working
    }

    /// An attempt begun at `startedAt` failed. `random` is in 0..<1.
    ///
    /// Requests that were under way together fail together; only the first of them counts.
    mutating func failed(
        startedAt: UInt64, now: UInt64, peerDelay: Duration?, random: Double, isDraining: Bool
    ) {
        if !isFailing || startedAt >= failedAt { failures += 1 }
        failedAt = now
        allowed = 1
        var delay = wait(after: failures, random: random)
        if isDraining { delay = min(delay, Self.longestDrainDelay) }
        if let peer = peerDelay?.nanosecondsClamped, peer > 0 {
            // Spread out, so that not every client comes back at the same moment.
            delay = min(peer, Self.longestPeerDelay) + min(delay, peer / 10)
            peerTime = max(peerTime, now + delay)
        }
        nextAttempt = max(now + delay, nextAttempt ?? 0)
    }

    /// The peer answered.
    mutating func answered(_ now: UInt64) {
        failures = 0
        if allowed < concurrency { allowed += 1 }
        nextAttempt = peerTime > now ? peerTime : nil
    }

    /// Draining: own waits that are still to come are cut short, those that the peer asked for are not.
    mutating func hurry(now: UInt64) {
        guard let next = nextAttempt else { return }
        nextAttempt = min(next, max(now + Self.longestDrainDelay, peerTime))
    }

    /// How long something waits that failed so many times: a random part of `initial`, which is
    /// doubled with each failure.
    func wait(after failures: Int, random: Double) -> UInt64 {
        let doublings = min(max(failures - 1, 0), 32)
        let (value, overflow) = initial.multipliedReportingOverflow(by: 1 << UInt64(doublings))
        return UInt64(random * Double(overflow ? longest : min(value, longest)))
    }
}

extension Duration {
    /// Whole nanoseconds, from 0 to about 292 years.
    var nanosecondsClamped: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 9_000_000_000 else { return UInt64(Int64.max) }
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
