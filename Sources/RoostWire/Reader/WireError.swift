/// Why a request cannot be decoded at all.
public struct WireError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: UInt8, Sendable, CaseIterable {
        /// The bytes end inside a value.
        case truncated
        /// A varint, a tag or a length has more bytes than protobuf allows.
        case varintTooLong
        /// Field number 0, a field number above 2^29 - 1, or wire type 6 or 7.
        case invalidTag
        /// A group (wire types 3 and 4).
        case unsupportedWireType
        /// A length points past the end of the message it stands in.
        case lengthOutOfBounds
        /// A packed list of 8-byte values whose length is no multiple of 8.
        case packedLength
        /// More than `maxDepth` messages inside each other.
        case tooDeep
    }

    public let reason: Reason
    /// Where in the request, in bytes from its start.
    public let offset: Int
    /// The field, `resource_spans.scope_spans.spans.name`; empty at the top of the request.
    public let field: String

    public init(reason: Reason, offset: Int, field: String) {
        self.reason = reason
        self.offset = offset
        self.field = field
    }

    public var description: String {
        (field.isEmpty ? "request" : field) + ": " + reason.text + " at byte \(offset)"
    }

    /// Messages inside each other, below the request, that a reader follows.
    public static let maxDepth = 64
}

extension WireError.Reason {
    /// The reason as words for people.
    public var text: String {
        switch self {
        case .truncated: "bytes end inside a value"
        case .varintTooLong: "a varint is too long"
        case .invalidTag: "not a field tag"
        case .unsupportedWireType: "groups are not supported"
        case .lengthOutOfBounds: "a length points past the end"
        case .packedLength: "a packed list has a broken length"
        case .tooDeep: "messages are nested too deeply"
        }
    }
}

/// What the cursor throws: small enough to stay in registers. The readers turn it into a
/// `WireError` once, at the end.
@frozen @usableFromInline struct WireFault: Error {
    @usableFromInline let reason: WireError.Reason
    /// From the start of the bytes that the cursor walks.
    @usableFromInline let offset: Int

    @inlinable init(_ reason: WireError.Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }
}
