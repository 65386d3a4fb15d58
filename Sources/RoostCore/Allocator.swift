import CMalloc
import Synchronization

/// How the C allocator keeps memory for this program.
///
/// Bodies of a few hundred kilobytes come and go a thousand times a second. With its defaults glibc
/// maps or trims memory for each of them, and every page is faulted in and cleared anew: a fifth of
/// the CPU of a gRPC load of 512 spans a request. mallopt(3).
public enum Allocator {
    private struct Sizes {
        /// Blocks below this are taken from the heap and stay with the process when they are freed.
        var map = 8 << 20
        /// Free memory at the end of a heap that is kept for the next block.
        var kept = 4 << 20
        /// What a heap grows by beside what is asked for.
        var growth = 1 << 20
        /// How many heaps there are for all threads; what is there stays.
        var heaps = 4

        /// The sizes for so much telemetry: a 64th of it, a 16th, and a 64th, within bounds, and half
        /// as many heaps below 64 MiB.
        init(limitBytes: Int = .max) {
            map = min(max(limitBytes >> 6, 256 << 10), map)
            kept = min(max(limitBytes >> 4, 1 << 20), kept)
            growth = min(max(limitBytes >> 6, 128 << 10), growth)
            if limitBytes < 64 << 20 { heaps = 2 }
        }

        func use() {
            _ = mallopt(M_MMAP_THRESHOLD, CInt(map))
            _ = mallopt(M_TRIM_THRESHOLD, CInt(clamping: kept))
            _ = mallopt(M_TOP_PAD, CInt(growth))
            _ = mallopt(M_ARENA_MAX, CInt(heaps))
        }
    }

    private struct State {
        var sizes = Sizes()
        /// The most that somebody asked to have kept.
        var keptBytes = 0

        func use() {
            var sizes = sizes
            sizes.kept = max(sizes.kept, keptBytes)
            sizes.use()
        }
    }

    private static let state = Mutex(State())

    /// Called early, by whoever needs it.
    public static func keepFreedMemory() {
        state.withLock { $0.use() }
    }

    /// Keeps so much at the end of a heap, where that is more. Requests that wait for a disk come and
    /// go in groups, and memory with them. Any thread.
    public static func keepFreedMemory(upTo bytes: Int) {
        state.withLock { state in
            state.keptBytes = max(state.keptBytes, bytes)
            state.use()
        }
    }

    /// Suits what is kept to the telemetry that may be held. Any thread.
    ///
    /// A block that is freed on one heap is of no use to the others; four heaps with gaps of a few
    /// large bodies are half of a limit of 64 MiB. Larger blocks are given back.
    public static func suit(limitBytes: Int) {
        state.withLock { state in
            state.sizes = Sizes(limitBytes: limitBytes)
            state.use()
        }
    }

    /// Gives pages that hold nothing back to the system. Takes milliseconds for each 100 MiB, during
    /// which other threads may wait for memory: for after a flood. Any thread.
    public static func giveBackFreeMemory() { _ = malloc_trim(0) }
}
