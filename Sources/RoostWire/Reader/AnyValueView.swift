/// An attribute value or a log body, read where it lies.
///
/// Valid only while the visitor or the closure that was given it runs.
@frozen public struct AnyValueView {
    public enum Kind: UInt8, Sendable {
        case none, string, bool, int, double, array, kvlist, bytes
    }

    public var kind: Kind
    @usableFromInline var bits: UInt64
    /// The text or bytes; for arrays and maps the part of the AnyValue that holds the member.
    @usableFromInline var payload: WireBytes

    @inlinable @inline(__always)
    init() {
        kind = .none
        bits = 0
        payload = .empty
    }

    /// No value.
    @inlinable public static var none: AnyValueView { AnyValueView() }

    /// The bytes of a string or of a bytes value, else none.
    @inlinable @inline(__always)
    public var stringBytes: WireBytes {
        kind == .string || kind == .bytes ? payload : .empty
    }
    /// Whether the value can be kept for as long as the request is: one that came in several parts
    /// is lent from elsewhere, and only until the visitor returns.
    @inlinable @inline(__always)
    public func lies(within request: UnsafeRawBufferPointer) -> Bool {
        guard let start = request.baseAddress, kind.rawValue != Kind.int.rawValue else {
            return true
        }
        let offset = unsafe UnsafeRawPointer(payload.base) - start
        return payload.isEmpty || offset >= 0 && offset < request.count
    }

    /// Of a text, of bytes, of a list or a map as they lie in the request.
    public var byteCount: Int { payload.count }

    @inlinable public var boolValue: Bool { kind == .bool && bits != 0 }
    @inlinable public var intValue: Int64 { kind == .int ? Int64(bitPattern: bits) : 0 }
    @inlinable public var doubleValue: Double { kind == .double ? Double(bitPattern: bits) : 0 }

    /// The text of an array that holds one short text and nothing else; nil says nothing.
    @inlinable @inline(__always)
    public var onlyText: WireBytes? {
        guard kind == .array, payload.count >= 6, payload.count < 0x80,
            unsafe payload.base[0] == 0x2A, unsafe Int(payload.base[1]) == payload.count &- 2,
            unsafe payload.base[2] == 0x0A, unsafe Int(payload.base[3]) == payload.count &- 4,
            unsafe payload.base[4] == 0x0A, unsafe Int(payload.base[5]) == payload.count &- 6
        else { return nil }
        return unsafe WireBytes(base: payload.base + 6, count: payload.count &- 6)
    }

    /// The text inside, where this is a text in the quotes of JSON; else the value as it is.
    public var unquoted: AnyValueView {
        guard kind == .string, payload.count >= 2, unsafe payload.base[0] == 0x22,
            unsafe payload.base[payload.count &- 1] == 0x22
        else { return self }
        var inner = self
        inner.payload = unsafe WireBytes(base: payload.base + 1, count: payload.count &- 2)
        return inner
    }

    /// The elements of an array, in order; nothing for another kind.
    public func forEachElement(_ body: (AnyValueView) -> Void) {
        guard kind == .array else { return }
        FieldRun(bytes: payload, number: 5).forEach { array in
            FieldRun(bytes: array, number: 1).forEach { body(AnyValueView(validated: $0)) }
        }
    }

    /// The entries of a map, in order; nothing for another kind.
    public func forEachEntry(_ body: (WireBytes, AnyValueView) -> Void) {
        guard kind == .kvlist else { return }
        FieldRun(bytes: payload, number: 6).forEach { list in
            FieldRun(bytes: list, number: 1).forEach { withKeyValue(validated: $0, body) }
        }
    }

    /// Reads an AnyValue that has been validated; the last member on the wire is the value.
    @inlinable
    init(validated bytes: WireBytes) {
        self.init()
        var cursor = WireCursor(bytes)
        while cursor.hasMore {
            let start = cursor.position
            guard let tag = try? cursor.tag() else { return }
            guard (try? take(tag, from: start, &cursor)) != nil else { return }
        }
    }

    /// Takes in the field whose tag began at `start` and has just been passed.
    @inlinable @inline(__always)
    mutating func take(_ tag: UInt32, from start: Int, _ cursor: inout WireCursor)
        throws(WireFault)
    {
        switch tag {
        case 0x0A:
            payload = try cursor.payload()
            kind = .string
        case 0x10:
            bits = try cursor.varint() == 0 ? 0 : 1
            kind = .bool
        case 0x18:
            bits = try cursor.varint()
            kind = .int
        case 0x21:
            bits = try cursor.fixed64()
            kind = .double
        case 0x2A:
            _ = try cursor.payload()
            takeNested(.array, cursor, from: start)
        case 0x32:
            _ = try cursor.payload()
            takeNested(.kvlist, cursor, from: start)
        case 0x3A:
            payload = try cursor.payload()
            kind = .bytes
        case 0x40:
            // string_value_strindex: a member of the oneof that means nothing outside profiles.
            _ = try cursor.varint()
            kind = .none
        default:
            try cursor.skip(tag)
        }
    }

    /// The same member twice in a row merges: both lie in the run then.
    @inlinable @inline(__always)
    mutating func takeNested(_ kind: Kind, _ cursor: WireCursor, from start: Int) {
        if self.kind == kind {
            unsafe payload = WireBytes(
                base: payload.base,
                count: cursor.base + cursor.position - payload.base)
        } else {
            payload = cursor.bytes(from: start, to: cursor.position)
        }
        self.kind = kind
    }
}

/// The attributes of something: a repeated KeyValue, read where it lies.
@frozen public struct AttributeList {
    @usableFromInline var run: FieldRun

    @inlinable @inline(__always)
    init(number: UInt32) { run = FieldRun(number: number) }

    @inlinable public var isEmpty: Bool { run.bytes.isEmpty }

    /// Of the part of the request in which they lie.
    public var byteCount: Int { run.bytes.count }

    /// Calls `body` with each key and value, in the order of the wire. Keys may repeat.
    @inlinable @inline(__always)
    public func forEach(_ body: (WireBytes, AnyValueView) -> Void) {
        run.forEach { withKeyValue(validated: $0, body) }
    }
}

/// Reads a KeyValue that has been validated.
@inlinable @inline(__always)
func withKeyValue(validated bytes: WireBytes, _ body: (WireBytes, AnyValueView) -> Void) {
    var cursor = WireCursor(bytes)
    var key = WireBytes.empty
    var value = WireBytes.empty
    var hasValue = false
    while cursor.hasMore {
        guard let tag = try? cursor.tag() else { return }
        switch tag {
        case 0x0A:
            guard let payload = try? cursor.payload() else { return }
            key = payload
        case 0x12:
            guard let payload = try? cursor.payload() else { return }
            if hasValue { return withMergedKeyValue(bytes, body) }
            value = payload
            hasValue = true
        default:
            guard (try? cursor.skip(tag)) != nil else { return }
        }
    }
    body(key, AnyValueView(validated: value))
}

/// A KeyValue whose value came more than once: the values merge, which is what reading their bytes
/// one after the other does. Rare, so it may copy.
@usableFromInline @inline(never)
func withMergedKeyValue(_ bytes: WireBytes, _ body: (WireBytes, AnyValueView) -> Void) {
    var key = WireBytes.empty
    FieldRun(bytes: bytes, number: 1).forEach { key = $0 }
    withMerged(FieldRun(bytes: bytes, number: 2)) { body(key, AnyValueView(validated: $0)) }
}

/// Lends the members of a singular message field one after the other, as one message.
@usableFromInline @inline(never)
func withMerged(_ run: FieldRun, _ body: (WireBytes) -> Void) {
    var merged: [UInt8] = []
    run.forEach { unsafe merged.append(contentsOf: $0.buffer) }
    unsafe merged.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return body(.empty) }
        unsafe body(WireBytes(base: base, count: buffer.count))
    }
}
