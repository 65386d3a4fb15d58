/// Records, their bytes on disk, and their items by signal.
public struct QueueCounts: Equatable, Sendable {
    /// Signals are numbers from 0 below this; the queue does not know what they mean.
    public static let signals = 4

    public var records = 0
    /// Heads and payloads.
    public var bytes = 0
    private var bySignal = SIMD4<Int>()

    public init() {}

    init(signal: UInt8, items: Int, bytes: Int) {
        records = 1
        self.bytes = bytes
        bySignal[Int(signal)] = items
    }

    mutating func add(_ items: Int, of signal: Int) { bySignal[signal] &+= items }

    func scaled(by share: Double) -> QueueCounts {
        var counts = QueueCounts()
        for signal in 0..<Self.signals {
            counts.bySignal[signal] = Int((Double(bySignal[signal]) * share).rounded())
        }
        return counts
    }

    /// `signal` must be one.
    public func items(_ signal: Int) -> Int { bySignal[signal] }

    public var allItems: Int { bySignal.wrappedSum() }

    public var isEmpty: Bool { self == QueueCounts() }

    public static func += (left: inout QueueCounts, right: QueueCounts) {
        left.records &+= right.records
        left.bytes &+= right.bytes
        left.bySignal &+= right.bySignal
    }

    public static func -= (left: inout QueueCounts, right: QueueCounts) {
        left.records &-= right.records
        left.bytes &-= right.bytes
        left.bySignal &-= right.bySignal
    }
}
