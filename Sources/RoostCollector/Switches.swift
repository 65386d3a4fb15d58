package import RoostWire
import Synchronization

/// Which parts of the collector are on. Read per request, changed rarely. Any thread.
package final class Switches: Sendable {
    private let signals: Atomic<UInt8>

    package init(_ enable: Config.Enable) { signals = Atomic(Switches.bits(enable)) }

    /// Whether requests of this signal are taken.
    package func isOn(_ signal: Signal) -> Bool {
        signals.load(ordering: .relaxed) & (1 << UInt8(signal.rawValue)) != 0
    }

    /// From the next request on.
    package func set(_ enable: Config.Enable) {
        signals.store(Switches.bits(enable), ordering: .relaxed)
    }

    private static func bits(_ enable: Config.Enable) -> UInt8 {
        var bits: UInt8 = 0
        if enable.traces { bits |= 1 << UInt8(Signal.traces.rawValue) }
        if enable.metrics { bits |= 1 << UInt8(Signal.metrics.rawValue) }
        if enable.logs { bits |= 1 << UInt8(Signal.logs.rawValue) }
        return bits
    }
}
