import CMalloc
import Synchronization

/// How the C allocator keeps memory for this program.
///
/// Bodies of a few hundred kilobytes come and go a thousand times a second. With its defaults glibc
/// maps or trims memory for each of them, and every page is faulted in and cleared anew: a fifth of
/// the CPU of a gRPC load of 512 spans a request. mallopt(3).
public enum Allocator {
    /// Blocks below this are taken from the heap and stay with the process when they are freed.
    private static let mapBytes = Atomic<Int>(8 << 20)
    private static let mapRange = (256 << 10)...(8 << 20)
    /// Free memory at the end of a heap that is kept for the next block.
    private static let keptBytes: CInt = 4 << 20

    /// Called once, early.
    public static func keepFreedMemory() {
        _ = mallopt(M_MMAP_THRESHOLD, CInt(mapBytes.load(ordering: .relaxed)))
        _ = mallopt(M_TRIM_THRESHOLD, keptBytes)
        _ = mallopt(M_TOP_PAD, 1 << 20)
        _ = mallopt(M_ARENA_MAX, 4)
    }

    /// Keeps more than that at the end of a heap. Requests that wait for a disk come and go in
    /// groups, and memory with them.
    public static func keepFreedMemory(upTo bytes: Int) {
        guard bytes > Int(keptBytes) else { return }
        _ = mallopt(M_TRIM_THRESHOLD, CInt(clamping: bytes))
    }

    /// Suits what is kept to the telemetry that may be held. Any thread.
    ///
    /// A block that is freed on one heap is of no use to the others; four heaps with gaps of a few
    /// large bodies are half of a limit of 64 MiB. Blocks of a 64th of the limit are given back.
    public static func suit(limitBytes: Int) {
        let bytes = min(max(limitBytes >> 6, mapRange.lowerBound), mapRange.upperBound)
        mapBytes.store(bytes, ordering: .relaxed)
        _ = mallopt(M_MMAP_THRESHOLD, CInt(bytes))
    }

    /// Gives pages that hold nothing back to the system. Takes milliseconds for each 100 MiB, during
    /// which other threads may wait for memory: for after a flood. Any thread.
    public static func giveBackFreeMemory() { _ = malloc_trim(0) }
}
