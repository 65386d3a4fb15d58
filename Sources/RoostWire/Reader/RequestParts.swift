/// Sees what a trace or logs request consists of, without looking into the items.
///
/// What it is given is valid until it returns.
public protocol RequestPartsVisitor {
    /// Every field of a resource's entry but its scopes.
    mutating func resource(_ fields: OtherFields)
    /// Every field of a scope's entry but its items.
    mutating func scope(_ fields: OtherFields)
    /// The message of a span or a log record.
    mutating func item(_ bytes: WireBytes)
    /// The same, and the whole field with its tag and length: fields that follow one another are one
    /// run of bytes.
    mutating func item(_ bytes: WireBytes, field: WireBytes)
}

extension RequestPartsVisitor {
    @inlinable public mutating func item(_ bytes: WireBytes) {}
    @inlinable public mutating func item(_ bytes: WireBytes, field: WireBytes) { item(bytes) }
}

/// Walks a request that has been validated; nothing is checked again but the ends of messages.
@inlinable
public func walkParts<Visitor: RequestPartsVisitor>(
    _ body: UnsafeRawBufferPointer, visitor: inout Visitor
) {
    var cursor = unsafe WireCursor(body)
    while cursor.hasMore {
        guard let tag = try? cursor.tag() else { return }
        guard tag == 0x0A, let entry = try? cursor.message() else {
            guard (try? cursor.skip(tag)) != nil else { return }
            continue
        }
        visitor.resource(OtherFields(entry))
        var scopes = entry
        while scopes.hasMore {
            guard let tag = try? scopes.tag() else { break }
            guard tag == 0x12, let scope = try? scopes.message() else {
                guard (try? scopes.skip(tag)) != nil else { break }
                continue
            }
            visitor.scope(OtherFields(scope))
            walkItems(scope, visitor: &visitor)
        }
    }
}

/// Walks the fields of a scope's entry alone.
@inlinable
public func walkItems<Visitor: RequestPartsVisitor>(
    _ fields: UnsafeRawBufferPointer, visitor: inout Visitor
) {
    unsafe walkItems(WireCursor(fields), visitor: &visitor)
}

@inlinable @inline(__always)
func walkItems<Visitor: RequestPartsVisitor>(_ scope: WireCursor, visitor: inout Visitor) {
    var items = scope
    while items.hasMore {
        let start = items.position
        guard let tag = try? items.tag() else { break }
        guard tag == 0x12, let item = try? items.message() else {
            guard (try? items.skip(tag)) != nil else { break }
            continue
        }
        visitor.item(
            item.bytes(from: item.position, to: item.end),
            field: scope.bytes(from: start, to: item.end))
    }
}

/// What tells which span it is, read from a validated Span message.
@frozen public struct SpanHead {
    public var traceIDHigh: UInt64 = 0
    public var traceIDLow: UInt64 = 0
    public var spanID: UInt64 = 0
    /// 0 is none.
    public var parentSpanID: UInt64 = 0
    public var name = WireBytes.empty
    /// OTLP's number.
    public var kind: Int32 = 0

    /// Reads the ids, name and kind. Where these stand in the order in which SDKs write them, what
    /// follows is not looked at.
    @inlinable
    public init(_ span: WireBytes) {
        var cursor = WireCursor(span)
        var previous: UInt32 = 0
        while cursor.hasMore {
            guard let tag = try? cursor.tag() else { return }
            switch tag {
            case 0x0A:
                guard let id = try? cursor.payload(), id.count == 16 else { return }
                traceIDHigh = unsafe bigEndian(id.base)
                traceIDLow = unsafe bigEndian(id.base + 8)
            case 0x12:
                guard let id = try? cursor.payload(), id.count == 8 else { return }
                spanID = unsafe bigEndian(id.base)
            case 0x22:
                guard let id = try? cursor.payload() else { return }
                parentSpanID = unsafe id.count == 8 ? bigEndian(id.base) : 0
            case 0x2A:
                guard let text = try? cursor.payload() else { return }
                name = text
            case 0x30:
                guard let number = try? cursor.int32() else { return }
                kind = number
                if previous == 0x2A, parentSpanID != 0, spanID != 0 { return }
            default:
                guard (try? cursor.skip(tag)) != nil else { return }
            }
            previous = tag
        }
    }
}

@inlinable @inline(__always)
func bigEndian(_ base: UnsafePointer<UInt8>) -> UInt64 {
    unsafe UInt64(bigEndian: UnsafeRawPointer(base).loadUnaligned(as: UInt64.self))
}
