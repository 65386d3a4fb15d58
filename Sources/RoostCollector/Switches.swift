package import RoostWire
import Synchronization

/// Which parts of the collector are on. Read per request, changed rarely. Any thread.
package final class Switches: Sendable {
    /// As configuration, API and metrics call them.
    package enum Part: String, Sendable, CaseIterable {
        case metrics, traces, logs, analytics, store, live, audit

        package init(_ signal: Signal) {
            switch signal {
            case .traces: self = .traces
            case .metrics: self = .metrics
            case .logs: self = .logs
            }
        }

        fileprivate var bit: UInt8 {
            switch self {
            case .traces: 1
            case .metrics: 2
            case .logs: 4
            case .analytics: 8
            case .store: 16
            case .live: 32
            case .audit: 64
            }
        }
    }

    private let bits: Atomic<UInt8>
    private let watchers = Mutex<[@Sendable (Part) -> Void]>([])

    package init(_ enable: Config.Enable) { bits = Atomic(Switches.bits(enable)) }

    /// Whether requests of this signal are taken.
    package func isOn(_ signal: Signal) -> Bool { isOn(Part(signal)) }

    package func isOn(_ part: Part) -> Bool {
        bits.load(ordering: .relaxed) & part.bit != 0
    }

    /// From the next request on. Those who watch are told when it has changed.
    package func set(_ part: Part, _ isOn: Bool) {
        let before =
            isOn
            ? bits.bitwiseOr(part.bit, ordering: .relaxed).oldValue
            : bits.bitwiseAnd(~part.bit, ordering: .relaxed).oldValue
        guard (before & part.bit != 0) != isOn else { return }
        for tell in watchers.withLock({ $0 }) { tell(part) }
    }

    /// From now on `tell` is called with each part that was turned on or off one by one, by whoever
    /// turned it.
    package func watch(_ tell: @escaping @Sendable (Part) -> Void) {
        watchers.withLock { $0.append(tell) }
    }

    private static func bits(_ enable: Config.Enable) -> UInt8 {
        var bits: UInt8 = 0
        for part in Part.allCases where enable[part] { bits |= part.bit }
        return bits
    }
}

extension Config.Enable {
    /// Whether a part is on.
    package subscript(_ part: Switches.Part) -> Bool {
        get {
            switch part {
            case .metrics: metrics
            case .traces: traces
            case .logs: logs
            case .analytics: analytics
            case .store: store
            case .live: live
            case .audit: audit
            }
        }
        set {
            switch part {
            case .metrics: metrics = newValue
            case .traces: traces = newValue
            case .logs: logs = newValue
            case .analytics: analytics = newValue
            case .store: store = newValue
            case .live: live = newValue
            case .audit: audit = newValue
            }
        }
    }
}
