/// One well-formed span. Ids have been checked: 16 and 8 bytes, not all zero.
@frozen public struct SpanView {
    public var traceID = WireBytes.empty
    public var spanID = WireBytes.empty
    /// Eight bytes, or none for a root; eight zeros on the wire are none here.
    public var parentSpanID = WireBytes.empty
    public var traceState = WireBytes.empty
    public var name = WireBytes.empty
    /// As on the wire: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    public var kind: Int32 = 0
    public var startTimeUnixNano: UInt64 = 0
    public var endTimeUnixNano: UInt64 = 0
    /// As on the wire: 0 unset, 1 ok, 2 error.
    public var statusCode: Int32 = 0
    public var statusMessage = WireBytes.empty
    public var flags: UInt32 = 0
    public var attributes = AttributeList(number: 9)
    public var droppedAttributesCount: UInt32 = 0
    public var events = EventList()
    public var droppedEventsCount: UInt32 = 0
    public var links = LinkList()
    public var droppedLinksCount: UInt32 = 0
    /// The Span message as it came.
    public var bytes = WireBytes.empty

    @inlinable @inline(__always) init() {}

    /// Reads a Span message that a reader found well-formed before; nil when it is none.
    public init?(again message: WireBytes) {
        var visitor = NoVisitor()
        var check = ItemCheck()
        guard (try? readSpan(WireCursor(message), into: &self, &visitor, &check)) != nil,
            check.isFlawless
        else { return nil }
    }
}

/// One event of a span.
@frozen public struct EventView {
    public var timeUnixNano: UInt64 = 0
    public var name = WireBytes.empty
    public var attributes = AttributeList(number: 3)
    public var droppedAttributesCount: UInt32 = 0

    @inlinable @inline(__always) init() {}
}

/// One link of a span; the ids have been checked like the span's own.
@frozen public struct LinkView {
    public var traceID = WireBytes.empty
    public var spanID = WireBytes.empty
    public var traceState = WireBytes.empty
    public var attributes = AttributeList(number: 4)
    public var droppedAttributesCount: UInt32 = 0
    public var flags: UInt32 = 0

    @inlinable @inline(__always) init() {}
}

/// The events of a span, read where they lie.
@frozen public struct EventList {
    @usableFromInline var run = FieldRun(number: 11)

    @inlinable @inline(__always) init() {}
    @inlinable public var isEmpty: Bool { run.bytes.isEmpty }

    /// Calls `body` with each event, in the order of the wire.
    @inlinable public func forEach(_ body: (EventView) -> Void) {
        run.forEach { bytes in
            var cursor = WireCursor(bytes)
            var check = ItemCheck()
            if let event = try? readEvent(&cursor, &check) { body(event) }
        }
    }
}

/// The links of a span, read where they lie.
@frozen public struct LinkList {
    @usableFromInline var run = FieldRun(number: 13)

    @inlinable @inline(__always) init() {}
    @inlinable public var isEmpty: Bool { run.bytes.isEmpty }

    /// Calls `body` with each link, in the order of the wire.
    @inlinable public func forEach(_ body: (LinkView) -> Void) {
        run.forEach { bytes in
            var cursor = WireCursor(bytes)
            var check = ItemCheck()
            if let link = try? readLink(&cursor, &check) { body(link) }
        }
    }
}
