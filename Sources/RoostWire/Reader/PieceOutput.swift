import RoostCore

/// The memory of one piece of a request after the other, as a `Splitter` writes them.
///
/// A message is written before its length is known: there is room for the length it had in the
/// request, and what was written moves up when it needs less. All memory that was begun is ended.
@safe struct PieceOutput {
    private var target: UnsafeMutableRawPointer?
    private var capacity = 0
    private var count = 0

    /// Lengths as they came may take five bytes each, on four levels.
    private static let mostLengthBytes = 20

    init() {}

    mutating func begin(bytes: Int) {
        capacity = bytes + Self.mostLengthBytes
        count = 0
        unsafe target = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    }

    mutating func append(_ bytes: WireBytes) { unsafe append(bytes.buffer) }

    mutating func append(_ bytes: [UInt8]) { unsafe bytes.withUnsafeBytes { unsafe append($0) } }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        precondition(bytes.count <= capacity - count)
        unsafe target.unsafelyUnwrapped.advanced(by: count)
            .copyMemory(from: base, byteCount: bytes.count)
        count += bytes.count
    }

    /// Begins a message; answers where what is in it begins.
    mutating func open(tag: WireBytes, lengthBytes: Int) -> Int {
        append(tag)
        precondition(lengthBytes <= capacity - count)
        count += lengthBytes
        return count
    }

    /// Ends the message that begins at `place`, and is the last that is open.
    mutating func close(at place: Int, lengthBytes: Int, length: Int) {
        let spare = lengthBytes - varintSize(length)
        precondition(spare >= 0 && count - place == length)
        let content = unsafe target.unsafelyUnwrapped.advanced(by: place)
        if spare > 0 {
            unsafe (content - spare).copyMemory(from: content, byteCount: length)
            count -= spare
        }
        let room = unsafe UnsafeMutableRawBufferPointer(
            start: content - lengthBytes, count: lengthBytes - spare)
        var output = unsafe ByteOutput(room)
        output.append(varint: length)
    }

    mutating func end() -> ByteBlock? {
        guard let full = unsafe target else { return nil }
        unsafe target = nil
        return unsafe ByteBlock(adopting: full, count: count)
    }
}
