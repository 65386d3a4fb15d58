import Synchronization

/// Where the collector is between its start and its end. Any thread.
///
///     starting ─▶ running ─▶ draining ─▶ stopped
package final class Lifecycle: Sendable {
    package enum Phase: Int, Sendable {
        case starting, running, draining, stopped

        package var name: String {
            switch self {
            case .starting: "starting"
            case .running: "running"
            case .draining: "draining"
            case .stopped: "stopped"
            }
        }
    }

    private let value = Atomic<Int>(Phase.starting.rawValue)

    package init() {}

    package var phase: Phase { Phase(rawValue: value.load(ordering: .acquiring)) ?? .stopped }

    /// Whether new data is turned away because the end has begun.
    package var isDraining: Bool {
        value.load(ordering: .relaxed) >= Phase.draining.rawValue
    }

    /// Moves forward; a phase is never entered twice nor left backwards.
    package func enter(_ phase: Phase) {
        var seen = value.load(ordering: .relaxed)
        while seen < phase.rawValue {
            let (exchanged, original) = value.compareExchange(
                expected: seen, desired: phase.rawValue, ordering: .acquiringAndReleasing)
            if exchanged { return }
            seen = original
        }
    }
}
