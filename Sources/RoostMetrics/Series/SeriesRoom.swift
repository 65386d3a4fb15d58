import RoostCore
import Synchronization

/// What the families of a store share: limits, which a reload may change, and the budget.
final class SeriesLimits: Sendable {
    let memory: MemoryBudget.Share?
    let seriesPerMetric: Atomic<Int>
    let families: Atomic<Int>
    /// Tenths of a second; the largest value stands for never.
    let expiry: Atomic<UInt32>
    /// Over all families.
    let seriesCount = Atomic<Int>(0)
    let heldBytes = Atomic<Int>(0)

    init(_ settings: SeriesSettings) {
        memory = settings.memory
        seriesPerMetric = Atomic(max(settings.seriesPerMetric, 1))
        families = Atomic(max(settings.families, 1))
        expiry = Atomic(Self.tenths(settings.expiry))
    }

    func update(seriesPerMetric: Int, expiry: Duration?) {
        self.seriesPerMetric.store(max(seriesPerMetric, 1), ordering: .relaxed)
        self.expiry.store(Self.tenths(expiry), ordering: .relaxed)
    }

    private static func tenths(_ duration: Duration?) -> UInt32 {
        guard let duration else { return .max }
        let (seconds, attoseconds) = duration.components
        return UInt32(
            clamping: min(max(seconds, 0), 400_000_000) * 10 + attoseconds / 100_000_000_000_000_000
        )
    }
}

/// How much a family may still take up.
final class SeriesRoom: Sendable {
    private let limits: SeriesLimits
    private let series = Atomic<Int>(0)

    init(_ limits: SeriesLimits) { self.limits = limits }

    var seriesCount: Int { series.load(ordering: .relaxed) }

    /// How many streams of a stripe's overflow may be remembered.
    var overflowStreams: Int { limits.seriesPerMetric.load(ordering: .relaxed) }

    func takeSeries() -> Bool {
        let after = series.wrappingAdd(1, ordering: .relaxed).newValue
        if after > limits.seriesPerMetric.load(ordering: .relaxed) {
            series.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        limits.seriesCount.wrappingAdd(1, ordering: .relaxed)
        return true
    }

    func giveSeriesBack() {
        series.wrappingSubtract(1, ordering: .relaxed)
        limits.seriesCount.wrappingSubtract(1, ordering: .relaxed)
    }

    /// Takes bytes from the budget and adds them to `held`; false when there are none left.
    func reserve(_ bytes: Int, _ held: inout Int) -> Bool {
        guard limits.memory?.tryTake(bytes) ?? true else { return false }
        held += bytes
        limits.heldBytes.wrappingAdd(bytes, ordering: .relaxed)
        return true
    }

    /// Notes bytes that are held already; of those that the budget has none left for, as many as it
    /// has. The rest goes uncounted until the next timer: indexes, and totals of ended streams.
    func force(_ bytes: Int, _ held: inout Int) {
        guard bytes > 0 else { return }
        let taken = limits.memory?.takeUp(to: bytes) ?? bytes
        held += taken
        limits.heldBytes.wrappingAdd(taken, ordering: .relaxed)
    }

    func giveBack(_ bytes: Int, _ held: inout Int) {
        guard bytes > 0 else { return }
        limits.memory?.giveBack(bytes)
        held -= bytes
        limits.heldBytes.wrappingSubtract(bytes, ordering: .relaxed)
    }
}
