import RoostCore

/// A request's body while it arrives, every byte of it reserved in the budget.
///
/// A peer can announce more than it sends. So at first at most `firstRoom` is taken, and that only
/// while most of the budget is free; afterwards room grows with what has arrived.
@safe struct BodyBuffer: ~Copyable {
    /// What became of bytes that were to be kept.
    enum Outcome { case kept, tooLarge, noMemory }

    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var count = 0
    private var reservation: MemoryReservation?
    private var expected = 0

    private static let firstRoom = 1 << 20
    private static let leastRoom = 4 << 10
    private static let growth = 4

    init() {}

    deinit { unsafe base?.deallocate() }

    /// Tells how long the body will be.
    mutating func expect(_ bytes: Int, share: MemoryBudget.Share) {
        expected = bytes
        // A promise is believed while that can keep nobody else's bytes out.
        let first = min(bytes, BodyBuffer.firstRoom)
        guard first > 0, share.hasPlenty(for: first) else { return }
        _ = makeRoom(first, share: share)
    }

    mutating func append(
        _ bytes: UnsafeRawBufferPointer, limit: Int, share: MemoryBudget.Share
    ) -> Outcome {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return .kept }
        guard bytes.count <= limit - count else { return .tooLarge }
        let needed = count + bytes.count
        if needed > capacity {
            let wanted =
                expected >= needed
                ? min(expected, max(needed, capacity * BodyBuffer.growth, BodyBuffer.leastRoom))
                : min(limit, max(needed, capacity * 2, BodyBuffer.leastRoom))
            guard makeRoom(wanted, share: share) else { return .noMemory }
        }
        guard let base = unsafe base else { return .noMemory }
        unsafe (base + count).copyMemory(from: start, byteCount: bytes.count)
        count = needed
        return .kept
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
