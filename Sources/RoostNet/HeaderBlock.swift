import Glibc

/// The bytes of one request's head, as they came, with the places of names and values.
///
/// Looked up lazily: most headers of most requests are never asked for. A connection uses a block
/// again once nobody else holds it. Loop thread only.
@safe final class HeaderBlock {
    private struct Field {
        var name: Int32
        var nameLength: Int32
        var value: Int32
        var valueLength: Int32
    }

    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var byteCount = 0
    private var fields: [Field] = []
    private var methodRange = 0..<0
    private var targetRange = 0..<0
    private var pathLength = 0
    private var authorityRange: Range<Int>?

    init() {
        capacity = 1_024
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
        fields.reserveCapacity(16)
    }

    deinit { unsafe base.deallocate() }

    func reset() {
        byteCount = 0
        fields.removeAll(keepingCapacity: true)
        methodRange = 0..<0
        targetRange = 0..<0
        pathLength = 0
        authorityRange = nil
    }

    /// Bytes of memory that it takes.
    var roomBytes: Int { capacity + fields.capacity * MemoryLayout<Field>.stride }

    var fieldCount: Int { fields.count }
    var targetLength: Int { targetRange.count }

    // MARK: Filling

    func setMethod(_ bytes: UnsafeRawBufferPointer) {
        let start = byteCount
        unsafe append(bytes)
        methodRange = start..<byteCount
    }

    /// Splits the target at the first question mark. Of an absolute URL
    /// the authority is kept apart.
    func setTarget(_ bytes: UnsafeRawBufferPointer) {
        var target = unsafe bytes
        if target.count > 7, unsafe target[0] != 0x2F,
            let scheme = unsafe firstIndex(of: "://", in: target)
        {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: target[(scheme + 3)...])
            let slash = unsafe rest.firstIndex { $0 == 0x2F || $0 == 0x3F }
            let authority = byteCount
            unsafe append(UnsafeRawBufferPointer(rebasing: rest[..<(slash ?? rest.count)]))
            authorityRange = authority..<byteCount
            unsafe target =
                slash.map { unsafe UnsafeRawBufferPointer(rebasing: rest[$0...]) }
                ?? UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let start = byteCount
        unsafe append(target)
        targetRange = start..<byteCount
        pathLength = unsafe target.firstIndex(of: 0x3F) ?? target.count
    }

    /// The name is put in lower case.
    func addField(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        let nameStart = byteCount
        unsafe append(name)
        for offset in nameStart..<byteCount {
            let byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
            if 0x41...0x5A ~= byte {
                unsafe base.storeBytes(of: byte | 0x20, toByteOffset: offset, as: UInt8.self)
            }
        }
        let valueStart = byteCount
        unsafe append(value)
        fields.append(
            Field(
                name: Int32(truncatingIfNeeded: nameStart),
                nameLength: Int32(truncatingIfNeeded: name.count),
                value: Int32(truncatingIfNeeded: valueStart),
                valueLength: Int32(truncatingIfNeeded: value.count)))
    }

    private func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        if capacity - byteCount < bytes.count {
            let grown = max(capacity * 2, byteCount + bytes.count)
            let room = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 16)
            unsafe room.copyMemory(from: base, byteCount: byteCount)
            unsafe base.deallocate()
            unsafe base = room
            capacity = grown
        }
        unsafe (base + byteCount).copyMemory(from: start, byteCount: bytes.count)
        byteCount &+= bytes.count
    }

    // MARK: Asking

    private func slice(_ start: Int, _ count: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base + start, count: count)
    }

    /// Valid while the block lives and is not filled again.
    var methodBytes: UnsafeRawBufferPointer {
        unsafe slice(methodRange.lowerBound, methodRange.count)
    }
    var pathBytes: UnsafeRawBufferPointer { unsafe slice(targetRange.lowerBound, pathLength) }

    /// Of a target that is an absolute URL.
    var authorityBytes: UnsafeRawBufferPointer? {
        unsafe authorityRange.map { unsafe slice($0.lowerBound, $0.count) }
    }

    /// Without the question mark.
    var queryBytes: UnsafeRawBufferPointer {
        let start = targetRange.lowerBound + pathLength + 1
        return unsafe start < targetRange.upperBound
            ? slice(start, targetRange.upperBound - start) : slice(0, 0)
    }

    func name(at index: Int) -> UnsafeRawBufferPointer {
        unsafe slice(Int(fields[index].name), Int(fields[index].nameLength))
    }

    func value(at index: Int) -> UnsafeRawBufferPointer {
        unsafe slice(Int(fields[index].value), Int(fields[index].valueLength))
    }

    /// The place of the next field called `name` (in lower case) at or after `start`.
    func index(of name: UnsafeRawBufferPointer, from start: Int = 0) -> Int? {
        var index = start
        while index < fields.count {
            if Int(fields[index].nameLength) == name.count,
                unsafe equal(base + Int(fields[index].name), name)
            {
                return index
            }
            index &+= 1
        }
        return nil
    }

    func index(of name: StaticString, from start: Int = 0) -> Int? {
        unsafe index(
            of: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount),
            from: start)
    }

    /// The first value of `name`; empty bytes when there is none.
    func firstValue(of name: StaticString) -> UnsafeRawBufferPointer? {
        unsafe index(of: name).map { unsafe value(at: $0) }
    }

    /// All values of `name`, joined with ", ". With "; " where it is `cookie`, which browsers cut
    /// into several over HTTP/2: RFC 9113 §8.2.3.
    func joinedValue(_ name: UnsafeRawBufferPointer) -> String? {
        guard var found = unsafe index(of: name) else { return nil }
        let separator = unsafe equals(name, "cookie") ? "; " : ", "
        var text = unsafe String(decoding: value(at: found), as: UTF8.self)
        while let next = unsafe index(of: name, from: found + 1) {
            text += unsafe separator + String(decoding: value(at: next), as: UTF8.self)
            found = next
        }
        return text
    }
}

// MARK: Bytes

private func equal(_ start: UnsafeRawPointer, _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let other = bytes.baseAddress else { return true }
    return unsafe memcmp(start, other, bytes.count) == 0
}

/// Whether `bytes` are exactly `text`.
func equals(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    guard let start = bytes.baseAddress else { return true }
    return unsafe memcmp(start, text.utf8Start, bytes.count) == 0
}

/// Whether `bytes` are `text`, which is in lower case, whatever the case of their letters.
func equalsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    for offset in 0..<bytes.count {
        let byte = unsafe bytes[offset]
        let lower = 0x41...0x5A ~= byte ? byte | 0x20 : byte
        if unsafe lower != text.utf8Start[offset] { return false }
    }
    return true
}

private func firstIndex(of text: StaticString, in bytes: UnsafeRawBufferPointer) -> Int? {
    let length = text.utf8CodeUnitCount
    guard bytes.count >= length else { return nil }
    for start in 0...(bytes.count - length)
    where unsafe equals(UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]), text) {
        return start
    }
    return nil
}

/// `bytes` without spaces and tabs at both ends.
func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var start = 0
    var end = bytes.count
    while start < end, unsafe bytes[start] == 0x20 || bytes[start] == 0x09 { start &+= 1 }
    while end > start, unsafe bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end &-= 1 }
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
}
