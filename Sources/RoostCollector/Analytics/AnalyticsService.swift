package import RoostAnalytics
import RoostCore
import RoostIngest
import Synchronization

/// The home of `Analytics`: fed by the thread `analytics`, asked by the web loop.
///
/// The lock is held for a part of a batch or for one question, a millisecond at most. Any thread.
package final class AnalyticsService: Sendable {
    /// Nil while it is switched off, when it holds nothing and costs nothing.
    private let state: Mutex<Analytics?>

    private static let factsAtOnce = 1_024

    init(isOn: Bool) { state = Mutex(isOn ? Analytics() : nil) }

    /// What was known is forgotten when it is turned off.
    func turn(on isOn: Bool) {
        state.withLock { state in
            if isOn, state == nil { state = Analytics() }
            if !isOn { state = nil }
        }
    }

    /// Takes in what the tracker found out. The analytics thread only.
    func take(_ batch: AgentFactBatch, now: UInt64) {
        guard !batch.isEmpty || batch.dropped > 0 else { return }
        state.withLock { $0?.begin(batch) }
        var first = 0
        while first < batch.facts.count {
            let end = min(first + Self.factsAtOnce, batch.facts.count)
            state.withLock { $0?.take(batch.facts[first..<end], now: now) }
            first = end
        }
    }

    /// Once a second, on the analytics thread.
    func tick(now: UInt64) { state.withLock { $0?.tick(now: now) } }

    /// Asks for something, in a millisecond at most; nil while analytics are switched off.
    package func read<Result>(_ question: (borrowing Analytics) -> Result) -> Result? {
        state.withLock { state in
            guard let analytics = state else { return nil }
            return question(analytics)
        }
    }
}
