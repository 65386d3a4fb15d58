import Synchronization

/// How much is kept and held, and when a trace is over, which may change while the store is open.
/// Any thread.
final class StoreBounds: Sendable {
    private let keepNanoseconds: Atomic<UInt64>
    private let bytes: Atomic<Int>
    private let holdNanoseconds: Atomic<UInt64>
    private let mostOpenBytes: Atomic<Int>

    init(_ settings: StoreSettings) {
        keepNanoseconds = Atomic(settings.keep)
        bytes = Atomic(settings.size)
        holdNanoseconds = Atomic(settings.hold)
        mostOpenBytes = Atomic(settings.mostOpenBytes)
    }

    /// Nanoseconds from arrival.
    var keep: UInt64 { keepNanoseconds.load(ordering: .relaxed) }
    /// Bytes on disk.
    var size: Int { bytes.load(ordering: .relaxed) }

    /// Nanoseconds without anything new after which a trace without its root is over.
    var hold: UInt64 { holdNanoseconds.load(ordering: .relaxed) }

    func use(hold: UInt64) { holdNanoseconds.store(hold, ordering: .relaxed) }

    /// Bytes of traces and log records that are held before they are stored.
    var openBytes: Int { mostOpenBytes.load(ordering: .relaxed) }

    func use(openBytes: Int) { mostOpenBytes.store(openBytes, ordering: .relaxed) }

    /// How the size is divided.
    var shares: StoreShares { StoreShares(size: size) }

    func use(keep: UInt64, size: Int) {
        keepNanoseconds.store(keep, ordering: .relaxed)
        bytes.store(size, ordering: .relaxed)
    }
}
