/// A name from outside as a key. Names are bytes: "é" as one scalar and as two are two names, which
/// `String` takes for the same text (The Unicode Standard, "Canonical Equivalence").
public struct ExactText: Hashable, Comparable, ExpressibleByStringLiteral, Sendable {
    public let text: String

    @inlinable
    public init(_ text: String) { self.text = text }

    public init(stringLiteral text: String) { self.init(text) }

    @inlinable
    public static func == (one: ExactText, other: ExactText) -> Bool {
        one.text.isExactly(other.text)
    }

    public static func < (one: ExactText, other: ExactText) -> Bool {
        one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        // In place: a `String` that Swift made lies in memory as UTF-8.
        let isHashed: Void? = unsafe text.utf8.withContiguousStorageIfAvailable {
            unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if isHashed == nil { for byte in text.utf8 { hasher.combine(byte) } }
    }
}

extension String {
    /// Whether both are the same bytes.
    @inlinable
    public func isExactly(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

extension Sequence<String> {
    /// Whether one of them is the same bytes.
    @inlinable
    public func holds(_ text: String) -> Bool { contains { $0.isExactly(text) } }
}
