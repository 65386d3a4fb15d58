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
    let room = unsafe try Room(capacity: gzipHint(input, limit: limit), share: share)
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
            // The member is begun again in twice the room.
            try room.grow(limit: limit, share: share)
        default: throw .corrupt("not a gzip member, or a damaged one, at byte \(read)")
        }
    } while read < input.count
    return room.finish()
}

/// What the last four bytes say about the size of the (last) member, where that can be true:
/// deflate cannot shrink by more than 1,032 to 1.
private func gzipHint(_ input: UnsafeRawBufferPointer, limit: Int) -> Int {
    let guess = min(limit, max(leastRoom, input.count.multipliedClamped(by: expectedRatio)))
    guard input.count >= 18 else { return guess }
    let size = unsafe Int(
        UInt32(littleEndian: input.loadUnaligned(fromByteOffset: input.count - 4, as: UInt32.self)))
    return size <= limit && size <= input.count.multipliedClamped(by: 1_032) ? max(size, 1) : guess
}

private func inflateZstd(
    _ input: UnsafeRawBufferPointer, limit: Int, share: MemoryBudget.Share
) throws(InflateError) -> ByteBlock {
    var capacity = min(limit, max(leastRoom, input.count.multipliedClamped(by: expectedRatio)))
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
        try room.grow(limit: limit, share: share)
    }
}

/// Output whose bytes are reserved; `grow` doubles it and keeps what it holds.
@safe private final class Room {
    private var base: UnsafeMutableRawPointer?
    private var capacity: Int
    private var reservation: MemoryReservation
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

    func grow(limit: Int, share: MemoryBudget.Share) throws(InflateError) {
        guard capacity < limit, let old = unsafe base else { throw .tooLarge(limit: limit) }
        let grown = min(limit, capacity.multipliedClamped(by: 2))
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
