/// Bytes on their way to one socket, appended by a protocol and written at once.
///
/// It keeps its room when it is emptied. Not for sharing between threads.
@safe struct OutputBuffer: ~Copyable {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    init(reserving capacity: Int) {
        self.capacity = max(capacity, 64)
        unsafe base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { unsafe base.deallocate() }

    var isEmpty: Bool { count == 0 }

    /// The bytes so far; valid until the next change.
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }

    /// Bytes of memory that it takes.
    var roomBytes: Int { capacity }

    mutating func removeAll() { count = 0 }

    /// Empties it, and lets go of room above `bytes`.
    mutating func removeAll(keeping bytes: Int) {
        count = 0
        guard capacity > bytes else { return }
        unsafe base.deallocate()
        capacity = max(bytes, 64)
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        unsafe append(start, bytes.count)
    }

    mutating func append(_ start: UnsafeRawPointer, _ length: Int) {
        makeRoom(for: length)
        unsafe (base + count).copyMemory(from: start, byteCount: length)
        count &+= length
    }

    mutating func append(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe append($0) }
    }

    mutating func append(_ text: StaticString) {
        unsafe append(UnsafeRawPointer(text.utf8Start), text.utf8CodeUnitCount)
    }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { unsafe append(UnsafeRawBufferPointer($0)) }
    }

    mutating func append(byte: UInt8) {
        makeRoom(for: 1)
        unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    private mutating func makeRoom(for length: Int) {
        guard capacity - count < length else { return }
        let grown = max(capacity * 2, count + length)
        let room = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 16)
        unsafe room.copyMemory(from: base, byteCount: count)
        unsafe base.deallocate()
        unsafe base = room
        capacity = grown
    }
}
