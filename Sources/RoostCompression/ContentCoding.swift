/// A content coding of HTTP that Roost reads and writes.
public enum ContentCoding: String, Sendable, CaseIterable {
    case identity, gzip, zstd
}

/// Why compressed bytes could not be inflated.
public enum InflateError: Error, Equatable {
    /// They inflate to more than `limit` bytes.
    case tooLarge(limit: Int)
    /// They are damaged or cut short.
    case corrupt(String)
    /// The budget has no room for the inflated bytes.
    case noMemory
}
