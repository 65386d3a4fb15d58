import CDeflate
import CZstd
public import RoostCore

/// Inflates a whole body.
///
/// The output is at most `limit` bytes and reserved in `share` before it is made, and again before
/// it grows. Gzip may have several members (RFC 1952 §2.2), zstd several frames (RFC 8878 §3.1).
public func inflate(
    _ input: UnsafeRawBufferPointer, _ coding: ContentCoding, limit: Int,
    share: MemoryBudget.Share
) throws(InflateError) -> ByteBlock {
    switch coding {
    case .identity: unsafe try copy(input, limit: limit, share: share)
    case .gzip: unsafe try inflateGzip(input, limit: limit, share: share)
    case .zstd: unsafe try inflateZstd(input, limit: limit, share: share)
    }
}

private func copy(
    _ input: UnsafeRawBufferPointer, limit: Int, share: MemoryBudget.Share
) throws(InflateError) -> ByteBlock {
    guard input.count <= limit else { throw .tooLarge(limit: limit) }
    guard let reservation = share.reserve(input.count) else { throw .noMemory }
    return unsafe ByteBlock(copying: input, reservation: reservation)
}

/// The first room for output whose size is not known, as a multiple of the input.
private let expectedRatio = 8
private let leastRoom = 16 << 10

private func inflateGzip(
    _ input: UnsafeRawBufferPointer, limit: Int, share: MemoryBudget.Share
) throws(InflateError) -> ByteBlock {
    guard let decompressor = unsafe libdeflate_alloc_decompressor() else { throw .noMemory }
    defer { unsafe libdeflate_free_decompressor(decompressor) }
    let guess = unsafe firstGuess(input, limit: limit)
    let told = unsafe gzipSize(input, limit: limit)
    let room = try Room(capacity: told ?? guess, share: share)
    var read = 0
    repeat {
        var used = 0
        var made = 0
        let rest = unsafe UnsafeRawBufferPointer(rebasing: input[read...])
        let result = unsafe libdeflate_gzip_decompress_ex(
            decompressor, rest.baseAddress, rest.count, room.end, room.free, &used, &made)
        switch result {
        case LIBDEFLATE_SUCCESS:
            read += used
            room.count += made
        case LIBDEFLATE_INSUFFICIENT_SPACE:
            // The member is begun again in more room, three times at most in a whole body.
            try room.grow(atLeast: guess, limit: limit, share: share)
        default: throw .corrupt("not a gzip member, or a damaged one, at byte \(read)")
        }
    } while read < input.count
    return room.finish()
}

private func firstGuess(_ input: UnsafeRawBufferPointer, limit: Int) -> Int {
    min(limit, max(leastRoom, input.count.multipliedClamped(by: expectedRatio)))
}

/// What the last four bytes say about the size of the (last) member, if that can be true: deflate
/// cannot shrink by more than 1,032 to 1.
private func gzipSize(_ input: UnsafeRawBufferPointer, limit: Int) -> Int? {
    guard input.count >= 18 else { return nil }
    let size = unsafe Int(
        UInt32(littleEndian: input.loadUnaligned(fromByteOffset: input.count - 4, as: UInt32.self)))
    let isPossible = size <= limit && size <= input.count.multipliedClamped(by: 1_032)
    return isPossible ? max(size, 1) : nil
}

private func inflateZstd(
    _ input: UnsafeRawBufferPointer, limit: Int, share: MemoryBudget.Share
) throws(InflateError) -> ByteBlock {
    let guess = unsafe firstGuess(input, limit: limit)
    var capacity = guess
    let told = unsafe ZSTD_findDecompressedSize(input.baseAddress, input.count)
    if told < UInt64.max - 1 {
        guard told <= UInt64(limit) else { throw .tooLarge(limit: limit) }
        capacity = Int(told)
    }
    let room = try Room(capacity: max(capacity, 1), share: share)
    guard let context = unsafe ZSTD_createDCtx() else { throw .noMemory }
    defer { unsafe ZSTD_freeDCtx(context) }
    while true {
        let made = unsafe ZSTD_decompressDCtx(
            context, room.end, room.free, input.baseAddress, input.count)
        if ZSTD_isError(made) == 0 {
            room.count = made
            return room.finish()
        }
        guard ZSTD_getErrorCode(made) == ZSTD_error_dstSize_tooSmall else {
            throw unsafe .corrupt(String(cString: ZSTD_getErrorName(made)))
        }
        try room.grow(atLeast: guess, limit: limit, share: share)
    }
}

/// Output whose bytes are reserved; `grow` keeps what it holds.
@safe private final class Room {
    private var base: UnsafeMutableRawPointer?
    private var capacity: Int
    private var reservation: MemoryReservation
    private var growths = 0
    var count = 0

    init(capacity: Int, share: MemoryBudget.Share) throws(InflateError) {
        guard let reservation = share.reserve(capacity) else { throw .noMemory }
        self.reservation = reservation
        self.capacity = capacity
        unsafe base = .allocate(byteCount: max(capacity, 1), alignment: 16)
    }

    deinit { unsafe base?.deallocate() }

    var end: UnsafeMutableRawPointer? { unsafe base.map { unsafe $0 + count } }
    var free: Int { capacity - count }

    /// To `least` bytes, or eightfold if it has that room already; the third time to `limit`: each
    /// time costs another pass over the input, and what it says about its size may be a lie.
    func grow(
        atLeast least: Int, limit: Int, share: MemoryBudget.Share
    ) throws(InflateError) {
        guard capacity < limit, let old = unsafe base else { throw .tooLarge(limit: limit) }
        growths += 1
        let eightfold = max(least, capacity.multipliedClamped(by: 8))
        let wanted = growths == 1 && capacity < least ? least : eightfold
        let grown = growths > 2 ? limit : min(limit, wanted)
        // Both are held while the bytes move.
        guard let more = share.reserve(grown) else { throw .noMemory }
        let room = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 16)
        unsafe room.copyMemory(from: old, byteCount: count)
        unsafe old.deallocate()
        unsafe base = room
        capacity = grown
        reservation = more
    }

    /// The bytes as a block; the room is then empty.
    func finish() -> ByteBlock {
        guard let bytes = unsafe base else { return ByteBlock([]) }
        unsafe base = nil
        return unsafe ByteBlock(adopting: bytes, count: count, reservation: reservation)
    }
}

extension Int {
    fileprivate func multipliedClamped(by factor: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
