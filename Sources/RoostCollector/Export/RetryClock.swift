/// When a destination that failed is tried again: exponential backoff with full jitter, or the
/// delay that the peer asked for. Times are monotonic nanoseconds.
struct RetryClock {
    /// No peer can silence a destination for longer.
    static let longestPeerDelay: UInt64 = 5 * 60 * 1_000_000_000
    /// Our own waits while draining: there is little time left to try.
    static let longestDrainDelay: UInt64 = 500_000_000

    private let initial: UInt64
    private let longest: UInt64
    /// Failures since the last answer that was none.
    private(set) var failures = 0
    /// Nothing is sent before it.
    private(set) var nextAttempt: UInt64?
    private var failedAt: UInt64 = 0

    init(_ settings: ExportSettings.Retry) {
        initial = max(settings.initial.nanosecondsClamped, 1_000_000)
        longest = max(settings.max.nanosecondsClamped, initial)
    }

    var isFailing: Bool { failures > 0 }

    /// Whether the peer may be tried.
    func isOpen(_ now: UInt64) -> Bool { now >= nextAttempt ?? 0 }

    /// An attempt begun at `startedAt` failed. `random` is in 0..<1.
    ///
    /// Requests that were under way together fail together; only the first of them counts.
    mutating func failed(
        startedAt: UInt64, now: UInt64, peerDelay: Duration?, random: Double, isDraining: Bool
    ) {
        if !isFailing || startedAt >= failedAt { failures += 1 }
        failedAt = now
        var delay = UInt64(random * Double(ceiling))
        if isDraining { delay = min(delay, Self.longestDrainDelay) }
        if let peer = peerDelay?.nanosecondsClamped, peer > 0 {
            // Spread out, so that not every client comes back at the same moment.
            delay = min(peer, Self.longestPeerDelay) + min(delay, peer / 10)
        }
        nextAttempt = max(now + delay, nextAttempt ?? 0)
    }

    /// The peer answered.
    mutating func answered() {
        failures = 0
        nextAttempt = nil
    }

    /// Draining: own waits that are still to come are cut short.
    mutating func hurry(now: UInt64) {
        guard let next = nextAttempt, next > now + Self.longestDrainDelay else { return }
        nextAttempt = now + Self.longestDrainDelay
    }

    /// The longest wait after this many failures: `initial`, doubled with each one.
    private var ceiling: UInt64 {
        let doublings = min(failures - 1, 32)
        let (value, overflow) = initial.multipliedReportingOverflow(by: 1 << UInt64(doublings))
        return overflow ? longest : min(value, longest)
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
