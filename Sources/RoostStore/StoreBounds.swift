import Synchronization

/// How much is kept, which may change while the store is open. Any thread.
final class StoreBounds: Sendable {
    private let keepNanoseconds: Atomic<UInt64>
    private let bytes: Atomic<Int>

    init(_ settings: StoreSettings) {
        keepNanoseconds = Atomic(settings.keep)
        bytes = Atomic(settings.size)
    }

    /// Nanoseconds from arrival.
    var keep: UInt64 { keepNanoseconds.load(ordering: .relaxed) }
    /// Bytes on disk.
    var size: Int { bytes.load(ordering: .relaxed) }

    func use(keep: UInt64, size: Int) {
        keepNanoseconds.store(keep, ordering: .relaxed)
        bytes.store(size, ordering: .relaxed)
    }
}
