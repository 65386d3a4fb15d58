import Glibc
import RoostCore

/// Bytes on their way to the disk past the page cache: whole blocks, in memory that begins where a
/// block may begin. The commit thread's own.
///
/// What does not fill its last block stays here after it was written, padded with zeros: the next
/// write begins with that block again.
@safe final class WriteBuffer {
    /// No disk that is common asks for more, and file systems give out space by as much.
    static let block = 4096
    /// One huge page: the kernel then has one piece of memory to hand to the disk instead of 512.
    static let hugePage = 2 << 20
    private static let leastBytes = 64 << 10

    private let base: UnsafeMutableRawBufferPointer
    /// The bytes in use.
    private(set) var count = 0

    /// `bytes` is how many there is memory for; at most one huge page is taken, and a few blocks at
    /// least.
    init(bytes: Int) {
        let capacity = min(max(bytes, Self.leastBytes), Self.hugePage) / Self.block * Self.block
        let isHuge = capacity == Self.hugePage
        unsafe base = .allocate(
            byteCount: capacity, alignment: isHuge ? Self.hugePage : Self.block)
        // Without one it costs a quarter more to write.
        if isHuge { _ = unsafe madvise(base.baseAddress, capacity, MADV_HUGEPAGE) }
    }

    deinit { unsafe base.deallocate() }

    var capacity: Int { unsafe base.count }
    var room: Int { capacity - count }

    func removeAll() { count = 0 }

    /// The next `length` bytes, to be filled at once. Traps when there is no room.
    func take(_ length: Int) -> UnsafeMutableRawBufferPointer {
        precondition(length >= 0 && length <= room)
        defer { count += length }
        return unsafe UnsafeMutableRawBufferPointer(rebasing: base[count..<count + length])
    }

    /// All bytes in use.
    var bytes: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: base[..<count])
    }

    /// What can be written now: blocks that are full, or all of them with zeros behind the last
    /// byte in use.
    func blocks(padded: Bool) -> UnsafeRawBufferPointer {
        let whole = count / Self.block * Self.block
        guard padded, whole < count else {
            return unsafe UnsafeRawBufferPointer(rebasing: base[..<whole])
        }
        let end = whole + Self.block
        for index in count..<end { unsafe base[index] = 0 }
        return unsafe UnsafeRawBufferPointer(rebasing: base[..<end])
    }

    /// Forgets the full blocks; answers how many bytes those were.
    func removeBlocks() -> Int {
        let whole = count / Self.block * Self.block
        guard whole > 0 else { return 0 }
        let rest = count - whole
        unsafe base.copyMemory(from: UnsafeRawBufferPointer(rebasing: base[whole..<count]))
        count = rest
        return whole
    }
}
