import RoostWire

/// A `KeyMemo` whose meanings are the keys themselves, so that what it reads can be shown.
@safe final class MemoOfKeys {
    /// The request at hand.
    var request: UnsafeRawBufferPointer?
    private let memo = KeyMemo()
    private var keys: [[UInt8]] = []

    deinit { memo.free() }

    func learn(_ key: WireBytes) {
        _ = memo.search(key) {
            keys.append(unsafe Array($0.buffer))
            return UInt32(keys.count - 1)
        }
    }

    /// Writes down the attributes that `fields` begins with, as far as the memo can read them;
    /// answers how many bytes they take.
    func take(_ fields: WireBytes, tag: UInt8, into met: inout JSONText) -> Int {
        guard let request = unsafe request, let start = request.baseAddress else { return 0 }
        return unsafe memo.forEachAttribute(in: fields, tag: tag, before: start + request.count) {
            attribute in
            unsafe keys[Int(attribute.meaning)].withUnsafeBufferPointer { key in
                // An empty array need not have an address.
                unsafe met.put(
                    key.baseAddress.map { unsafe WireBytes(base: $0, count: key.count) } ?? .empty,
                    attribute.value)
            }
        }
    }
}
