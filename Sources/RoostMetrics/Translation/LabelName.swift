/// Names of labels made from names of attributes.
enum LabelName {
    /// Longer names are cut.
    static let maxBytes = 256

    /// Appends the legal name for `key` to `target`, which may hold a prefix; answers false, with
    /// nothing appended, when nothing but underscores would be left.
    ///
    /// As the OpenTelemetry collector does it: each run of other characters and underscores
    /// becomes one `_`, and a name that begins with a digit gets `key_` in front. Unlike there, a
    /// name with two underscores at both ends loses one each: Prometheus keeps such labels to
    /// itself, drops them when it scrapes, and other parsers refuse the page.
    static func append(_ key: UnsafeBufferPointer<UInt8>, to target: inout [UInt8]) -> Bool {
        let start = target.count
        if start == 0, let first = unsafe key.first, isDigit(first) {
            target.append(contentsOf: "key_".utf8)
        }
        var hasLetter = false
        for byte in unsafe [UInt8](key.prefix(maxBytes)) {
            if isAlphanumeric(byte) {
                target.append(byte)
                hasLetter = true
            } else if target.last != 0x5F {
                target.append(0x5F)
            }
        }
        if !hasLetter { target.removeSubrange(start...) }
        return hasLetter
    }
}
