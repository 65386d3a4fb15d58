import Glibc
import RoostIngest
import Synchronization

/// What one loop has read about agents and the analytics thread has not taken yet.
///
/// Bounded: when it is full the loop refuses requests, as it does for a full queue. Any thread.
final class AgentInbox: Sendable {
    private struct State {
        var waiting: [ActivityBatch] = []
        /// Emptied batches, whose room is used again.
        var free: [ActivityBatch] = []
    }

    private let state = Mutex(State())
    private let bytes = Atomic<Int>(0)

    private static let mostBytes = 2 << 20
    private static let mostFree = 4
    /// Fewer activities than this are added to the batch before.
    private static let fewActivities = 64

    /// Whether no more should be admitted for now.
    var isFull: Bool { bytes.load(ordering: .relaxed) > Self.mostBytes }

    var byteCount: Int { bytes.load(ordering: .relaxed) }

    /// Takes over what `batch` holds and leaves it empty.
    func give(_ batch: inout ActivityBatch) {
        guard !batch.isEmpty else { return }
        bytes.wrappingAdd(batch.byteCount, ordering: .relaxed)
        var given = ActivityBatch()
        swap(&given, &batch)
        batch = state.withLock { state in
            guard given.activities.count < Self.fewActivities,
                let last = state.waiting.indices.last, state.waiting[last].byteCount < 256 << 10
            else {
                state.waiting.append(given)
                return state.free.popLast() ?? ActivityBatch()
            }
            state.waiting[last].append(given)
            given.removeAll()
            return given
        }
    }

    /// Waits while it is full, at most for a few seconds; for threads that may wait.
    func waitForRoom() {
        var rounds = 0
        while isFull, rounds < 5000 {
            usleep(1000)
            rounds += 1
        }
    }

    /// What is waiting. `giveBack` each batch when it has been read.
    func takeAll() -> [ActivityBatch] {
        state.withLock { state in
            let waiting = state.waiting
            state.waiting = []
            return waiting
        }
    }

    func giveBack(_ batch: ActivityBatch) {
        bytes.wrappingSubtract(batch.byteCount, ordering: .relaxed)
        var batch = batch
        // What one huge request made large is not kept.
        guard batch.byteCount < 512 << 10 else { return }
        batch.removeAll()
        state.withLock { state in
            if state.free.count < Self.mostFree { state.free.append(batch) }
        }
    }
}
