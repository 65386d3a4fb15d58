/// Writes bytes front to back into memory of a known size.
@safe struct ByteOutput {
    private let target: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ target: UnsafeMutableRawBufferPointer) {
        unsafe self.target = target
    }

    mutating func append(_ bytes: WireBytes) {
        guard bytes.count > 0 else { return }
        precondition(unsafe bytes.count <= target.count - count)
        unsafe UnsafeMutableRawBufferPointer(rebasing: target[count...]).copyMemory(
            from: bytes.buffer)
        count += bytes.count
    }

    /// `value` must not be negative.
    mutating func append(varint value: Int) {
        var rest = value
        precondition(unsafe varintSize(value) <= target.count - count)
        while rest > 0x7F {
            unsafe target[count] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
            count += 1
        }
        unsafe target[count] = UInt8(truncatingIfNeeded: rest)
        count += 1
    }
}

/// Bytes of a varint; `value` must not be negative.
func varintSize(_ value: Int) -> Int {
    (63 - (value | 1).leadingZeroBitCount) / 7 + 1
}
