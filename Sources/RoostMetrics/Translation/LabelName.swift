/// Names of labels made from names of attributes.
enum LabelName {
    /// Longer names are cut.
    static let maxBytes = 256

    /// Appends the legal name for `key` to `target`; answers false, with nothing appended, when
    /// nothing but underscores would be left.
    ///
    /// As the OpenTelemetry collector does it: each run of other characters and underscores
    /// becomes one `_`, a name that begins with a digit gets `key_` in front, and one that has two
    /// underscores at both ends keeps them. `__name__` would name the metric, so it loses them.
    static func append(_ key: UnsafeBufferPointer<UInt8>, to target: inout [UInt8]) -> Bool {
        let start = target.count
        let keepsEnds = unsafe isReserved(key)
        if keepsEnds { target.append(contentsOf: [0x5F, 0x5F]) }
        let inner = unsafe keepsEnds ? UnsafeBufferPointer(rebasing: key[2..<(key.count - 2)]) : key
        if let first = unsafe inner.first, isDigit(first), !keepsEnds {
            target.append(contentsOf: "key_".utf8)
        }
        var hasLetter = false
        var wasUnderscore = false
        for byte in unsafe [UInt8](inner.prefix(maxBytes)) {
            if isAlphanumeric(byte) {
                target.append(byte)
                hasLetter = true
                wasUnderscore = false
            } else if !wasUnderscore {
                target.append(0x5F)
                wasUnderscore = true
            }
        }
        if keepsEnds { target.append(contentsOf: [0x5F, 0x5F]) }
        if !hasLetter { target.removeSubrange(start...) }
        return hasLetter
    }

    private static func isReserved(_ key: UnsafeBufferPointer<UInt8>) -> Bool {
        let count = key.count
        guard
            unsafe count > 4 && key[0] == 0x5F && key[1] == 0x5F && key[count - 1] == 0x5F
                && key[count - 2] == 0x5F
        else { return false }
        return unsafe String(decoding: key, as: UTF8.self) != "__name__"
    }
}
