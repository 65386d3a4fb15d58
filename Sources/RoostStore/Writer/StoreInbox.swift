import RoostCore
import RoostIngest
import RoostWire
import Synchronization

/// What waits for the store's thread: requests, bounded in bytes, and questions. Any thread.
final class StoreInbox: Sendable {
    struct Item: Sendable {
        let signal: Signal
        let items: Int
        let body: ByteBlock
        /// Steps that were told without spans and log records; then there is no body.
        var activities: ActivityBatch?

        var byteCount: Int { activities?.byteCount ?? body.count }
    }

    /// Something to be stored at once, because somebody wants to read it.
    enum Wish: Sendable {
        case all
        case trace(TraceKey)
        case logs(TraceKey?, session: UInt64?)
    }

    private struct State {
        var items: [Item] = []
        var wishes: [(wish: Wish, latch: Latch)] = []
        /// The reader has gone: nothing is taken any more.
        var isClosed = false
    }

    private let most: Atomic<Int>
    private let reserved = Atomic<Int>(0)
    private let state = Mutex(State())
    private let wake = WakeUp()

    init(capacity: Int) { most = Atomic(capacity) }

    /// Bytes that may wait.
    var capacity: Int { most.load(ordering: .relaxed) }

    /// What waits stays, and nothing is taken until there is room again.
    func use(capacity: Int) { most.store(capacity, ordering: .relaxed) }

    /// Above this the reader is woken at once; below, more may come first. Bodies that wait for long
    /// make the loops write the next ones into memory that is in no cache.
    private var plenty: Int { min(capacity / 8, 256 << 10) }

    var byteCount: Int { reserved.load(ordering: .relaxed) }

    /// A single request may be larger than the capacity when nothing else waits.
    func reserve(_ bytes: Int) -> Bool {
        let after = reserved.wrappingAdd(bytes, ordering: .relaxed).newValue
        if after <= capacity || after == bytes { return true }
        reserved.wrappingSubtract(bytes, ordering: .relaxed)
        return false
    }

    func giveBack(_ bytes: Int) { reserved.wrappingSubtract(bytes, ordering: .relaxed) }

    /// False when the reader has gone; the room is given back then.
    func put(_ item: Item) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isClosed else { return false }
            state.items.append(item)
            return true
        }
        if !isTaken { giveBack(item.byteCount) }
        if byteCount >= plenty { wake.signal() }
        return isTaken
    }

    /// Asks for something; the latch opens when it can be read, or when the reader has gone.
    func wish(_ wish: Wish) -> Latch {
        let latch = Latch(1)
        let isClosed = state.withLock { state in
            if !state.isClosed { state.wishes.append((wish, latch)) }
            return state.isClosed
        }
        if isClosed { latch.countDown() } else { wake.signal() }
        return latch
    }

    func signal() { wake.signal() }

    // MARK: the reader

    func wait(untilMonotonic deadline: UInt64) { wake.wait(untilMonotonic: deadline) }

    /// Everything that waits. The room is given back by the reader when it has read the items.
    func take() -> (items: [Item], wishes: [(wish: Wish, latch: Latch)]) {
        state.withLock { state in
            defer {
                state.items = []
                state.wishes = []
            }
            return (state.items, state.wishes)
        }
    }

    /// Takes nothing from now on, and answers what is left.
    func close() -> (items: [Item], wishes: [(wish: Wish, latch: Latch)]) {
        state.withLock { $0.isClosed = true }
        return take()
    }
}
