import RoostCore

/// A moving part of a file in memory.
@safe final class ReadWindow {
    private let file: QueueFile
    private let end: Int
    private let buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var count = 0

    static let capacity = 1 << 20

    /// Over the bytes of `file` before `end`.
    init(_ file: QueueFile, end: Int) {
        self.file = file
        self.end = end
        unsafe buffer = .allocate(byteCount: Self.capacity, alignment: 16)
    }

    deinit { unsafe buffer.deallocate() }

    /// The bytes from `offset`: at least `least` of them, which is below the capacity, unless the
    /// file ends earlier. When they are not in memory, about `ahead` bytes are read, as far as the
    /// disk gives them. Valid until the next call.
    func bytes(
        at offset: Int, atLeast least: Int, ahead: Int = capacity
    ) throws(QueueFault) -> UnsafeRawBufferPointer {
        let wanted = min(least, max(0, end - offset))
        if offset < start || offset + wanted > start + count {
            start = offset
            count = 0
            let length = min(max(wanted, ahead), Self.capacity, max(0, end - offset))
            // Whoever reads so much goes on: the disk works while that is gone through.
            if length == Self.capacity { file.expect(4 * length, at: offset) }
            count = unsafe try file.read(
                into: .init(rebasing: buffer[..<length]), at: offset, least: wanted)
        }
        return unsafe UnsafeRawBufferPointer(rebasing: buffer[(offset - start)..<count])
    }

    /// XXH64 of `count` bytes at `offset`; nil when the file ends earlier.
    func checksum(at offset: Int, count: Int) throws(QueueFault) -> UInt64? {
        var hash = XXHash64()
        var offset = offset
        var left = count
        while left > 0 {
            let some = unsafe try bytes(at: offset, atLeast: 1)
            guard some.count > 0 else { return nil }
            let taken = min(left, some.count)
            unsafe hash.update(UnsafeRawBufferPointer(rebasing: some[..<taken]))
            offset += taken
            left -= taken
        }
        return hash.value
    }

    /// Whether nothing but zeros lies from `offset` to the end.
    func isZero(from offset: Int) throws(QueueFault) -> Bool {
        var offset = offset
        while offset < end {
            let some = unsafe try bytes(at: offset, atLeast: 1)
            guard unsafe some.allSatisfy({ $0 == 0 }) else { return false }
            if some.count == 0 { break }
            offset += some.count
        }
        return true
    }
}
