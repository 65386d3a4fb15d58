import RoostCore

/// A request's body while it arrives, every byte of it reserved in the budget.
///
/// A peer can announce more than it sends. So nothing is taken before its first byte, then at most
/// `firstRoom`, and that only while few bytes of the budget are promised to such peers; afterwards
/// room grows with what has arrived.
@safe struct BodyBuffer: ~Copyable {
    /// What became of bytes that were to be kept.
    enum Outcome {
        case kept, tooLarge
        /// There is no room for this now, which would hold `bytes` in all.
        case noMemory(bytes: Int)
    }

    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var count = 0
    private var reservation: MemoryReservation?
    private var expected = 0
    /// Room that was taken for an announcement; ended when half of it is full.
    private var promise: (bytes: Int, share: MemoryBudget.Share)?

    private static let firstRoom = 1 << 20
    private static let leastRoom = 4 << 10
    private static let growth = 4

    init() {}

    deinit {
        unsafe base?.deallocate()
        if let promise { promise.share.endPromise(promise.bytes) }
    }

    /// Tells how long the body will be.
    mutating func expect(_ bytes: Int) { expected = bytes }

    /// `share` is asked for only when there is no room: all loops have the same one, and to count its
    /// owners for each piece of a body would have them wait for one another.
    mutating func append(
        _ bytes: UnsafeRawBufferPointer, limit: Int, share: @autoclosure () -> MemoryBudget.Share
    ) -> Outcome {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return .kept }
        guard bytes.count <= limit - count else { return .tooLarge }
        let needed = count + bytes.count
        if needed > capacity {
            let share = share()
            let wanted = wantedRoom(needed, limit: limit, share: share)
            guard makeRoom(wanted, share: share) else {
                return .noMemory(bytes: max(capacity + wanted, expected))
            }
        }
        guard let base = unsafe base else { return .noMemory(bytes: needed) }
        unsafe (base + count).copyMemory(from: start, byteCount: bytes.count)
        count = needed
        if let promise, count >= promise.bytes / 2 { end(promise) }
        return .kept
    }

    private mutating func wantedRoom(
        _ needed: Int, limit: Int, share: MemoryBudget.Share
    ) -> Int {
        guard expected >= needed else {
            return min(limit, max(needed, capacity * 2, BodyBuffer.leastRoom))
        }
        let first = min(expected, BodyBuffer.firstRoom)
        if capacity == 0, needed < first, share.beginPromise(first) {
            promise = (first, share)
            return first
        }
        return min(expected, max(needed, capacity * BodyBuffer.growth, BodyBuffer.leastRoom))
    }

    private mutating func end(_ promise: (bytes: Int, share: MemoryBudget.Share)) {
        promise.share.endPromise(promise.bytes)
        self.promise = nil
    }

    /// Lends what has arrived.
    func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// The body as a block that owns it; this buffer is then empty.
    mutating func take() -> ByteBlock {
        guard let bytes = unsafe base else { return ByteBlock([]) }
        unsafe base = nil
        let block = unsafe ByteBlock(adopting: bytes, count: count, reservation: reservation)
        discard()
        return block
    }

    mutating func discard() {
        unsafe base?.deallocate()
        unsafe base = nil
        reservation = nil
        capacity = 0
        count = 0
        expected = 0
        if let promise { end(promise) }
    }

    private mutating func makeRoom(_ bytes: Int, share: MemoryBudget.Share) -> Bool {
        // While the bytes move, both are held.
        guard let more = share.reserve(bytes) else { return false }
        let room = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
        if let old = unsafe base {
            unsafe room.copyMemory(from: old, byteCount: count)
            unsafe old.deallocate()
        }
        unsafe base = room
        capacity = bytes
        reservation = more
        return true
    }
}
