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
    static let capacity = 2 << 20

    private let base: UnsafeMutableRawBufferPointer
    /// The bytes in use.
    private(set) var count = 0

    init() {
        unsafe base = .allocate(byteCount: Self.capacity, alignment: Self.capacity)
        // Without one it costs a quarter more to write.
        _ = unsafe madvise(base.baseAddress, Self.capacity, MADV_HUGEPAGE)
    }

    deinit { unsafe base.deallocate() }

    var room: Int { Self.capacity - count }

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
