/// Reads an `ExportTraceServiceRequest` (or `TracesData`) and shows it to `visitor`.
///
/// Every byte is validated. `rejections` is emptied first and then holds the malformed spans, which
/// the visitor does not see. Answers the number of well-formed spans. Throws when the request
/// cannot be decoded at all; the visitor may have seen its beginning then.
@inlinable
public func readTraces<Visitor: TraceVisitor>(
    _ body: UnsafeRawBufferPointer, visitor: inout Visitor, rejections: inout Rejections
) throws(WireError) -> Int {
    unsafe try readRequest(
        SpanReader<Visitor>.self, body, signal: .traces, visitor: &visitor,
        rejections: &rejections)
}

@usableFromInline enum SpanReader<Visitor: TraceVisitor>: ItemReader {
    @usableFromInline typealias Silent = SpanReader<NoVisitor>

    @inlinable static var resourceEntry: StaticString { "resource_spans" }
    @inlinable static var scopeEntry: StaticString { "scope_spans" }

    @inlinable @inline(__always)
    static func resource(_ view: ResourceView, _ visitor: inout Visitor) { visitor.resource(view) }
    @inlinable @inline(__always)
    static func scope(_ view: ScopeView, _ visitor: inout Visitor) { visitor.scope(view) }

    @inlinable @inline(__always)
    static func item(
        _ message: WireCursor, field: Range<Int>, _ visitor: inout Visitor,
        _ rejections: inout Rejections
    ) throws(WireFault) -> Int {
        var check = ItemCheck()
        var span = SpanView()
        try readSpan(message, into: &span, &visitor, &check)
        check.require(!rejections.isFull, else: .tooMany)
        if check.isFlawless {
            visitor.span(span)
            return 1
        }
        rejections.add(field, items: 1, check.flaw, in: "spans")
        visitor.spanRejected()
        return 0
    }
}

@inlinable @inline(__always)
func readSpan<Visitor: TraceVisitor>(
    _ message: WireCursor, into span: inout SpanView, _ visitor: inout Visitor,
    _ check: inout ItemCheck
) throws(WireFault) {
    var cursor = message
    span.bytes = cursor.bytes(from: cursor.position, to: cursor.end)
    readSpanHead(&cursor, &span, &check)
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x0A: span.traceID = try cursor.payload()
        case 0x12: span.spanID = try cursor.payload()
        case 0x1A:
            span.traceState = try cursor.payload()
            check.text(span.traceState)
        case 0x22: span.parentSpanID = try cursor.payload()
        case 0x2A:
            span.name = try cursor.payload()
            check.text(span.name)
        case 0x30: span.kind = try cursor.int32()
        case 0x39: span.startTimeUnixNano = try cursor.fixed64()
        case 0x41: span.endTimeUnixNano = try cursor.fixed64()
        case 0x4A:
            // They stand together. The first may have its tag in more bytes than it needs.
            if unsafe cursor.base[start] == 0x4A {
                cursor.position = start
            } else {
                try readSpanAttribute(cursor.message(), &visitor, &check)
            }
            while cursor.hasMore, unsafe cursor.base[cursor.position] == 0x4A {
                let rest = cursor.bytes(from: cursor.position, to: cursor.end)
                let taken = cursor.position >= 8 ? visitor.takeSpanAttributes(rest) : 0
                cursor.position &+= taken
                if taken == 0 {
                    cursor.position &+= 1
                    try readSpanAttribute(cursor.message(), &visitor, &check)
                }
            }
            span.attributes.run.extend(cursor, from: start)
        case 0x50: span.droppedAttributesCount = try cursor.uint32()
        case 0x5A:
            var event = try cursor.message()
            _ = try readEvent(&event, &check)
            span.events.run.extend(cursor, from: start)
        case 0x60: span.droppedEventsCount = try cursor.uint32()
        case 0x6A:
            var link = try cursor.message()
            let view = try readLink(&link, &check)
            check.require(isTraceID(view.traceID) && isSpanID(view.spanID), else: .linkID)
            span.links.run.extend(cursor, from: start)
        case 0x70: span.droppedLinksCount = try cursor.uint32()
        case 0x7A: try readStatus(cursor.message(), into: &span, &check)
        case 0x85: span.flags = try cursor.fixed32()
        default: try cursor.skip(tag)
        }
    }
    check.require(isTraceID(span.traceID), else: .traceID)
    check.require(isSpanID(span.spanID), else: .spanID)
    if !span.parentSpanID.isEmpty {
        check.require(span.parentSpanID.count == 8, else: .parentSpanID)
        if span.parentSpanID.isZero { span.parentSpanID = .empty }
    }
}

/// The first fields of a span in the order in which SDKs write them, up to the end time; what is
/// written otherwise is left to the loop over fields. Saves a jump for each field that no processor
/// foresees.
@inlinable @inline(__always)
func readSpanHead(_ cursor: inout WireCursor, _ span: inout SpanView, _ check: inout ItemCheck) {
    let bytes = unsafe UnsafeRawPointer(cursor.base) + cursor.position
    let count = cursor.end &- cursor.position
    // Tag and length of the trace id, of the span id, of the parent's id.
    guard count >= 40, unsafe bytes.loadUnaligned(as: UInt16.self) == 0x100A,
        unsafe bytes.loadUnaligned(fromByteOffset: 18, as: UInt16.self) == 0x0812
    else { return }
    var place = cursor.position
    span.traceID = cursor.bytes(from: place &+ 2, to: place &+ 18)
    span.spanID = cursor.bytes(from: place &+ 20, to: place &+ 28)
    place &+= 28
    if unsafe bytes.loadUnaligned(fromByteOffset: 28, as: UInt16.self) == 0x0822 {
        span.parentSpanID = cursor.bytes(from: place &+ 2, to: place &+ 10)
        place &+= 10
    }
    cursor.position = place
    // Name and kind, then the two times.
    guard cursor.end &- place >= 2, unsafe cursor.base[place] == 0x2A else { return }
    let nameCount = unsafe Int(cursor.base[place &+ 1])
    let name = place &+ 2
    let kind = name &+ nameCount
    guard nameCount < 0x80, cursor.end &- kind >= 20, unsafe cursor.base[kind] == 0x30,
        unsafe cursor.base[kind &+ 1] < 0x80, unsafe cursor.base[kind &+ 2] == 0x39,
        unsafe cursor.base[kind &+ 11] == 0x41
    else { return }
    span.name = cursor.bytes(from: name, to: kind)
    check.text(span.name)
    let times = unsafe UnsafeRawPointer(cursor.base) + kind
    span.kind = unsafe Int32(cursor.base[kind &+ 1])
    span.startTimeUnixNano = unsafe UInt64(
        littleEndian: times.loadUnaligned(fromByteOffset: 3, as: UInt64.self))
    span.endTimeUnixNano = unsafe UInt64(
        littleEndian: times.loadUnaligned(fromByteOffset: 12, as: UInt64.self))
    cursor.position = kind &+ 20
}

/// Apart from `readSpan`, so that the compiler has room to put all of it in one piece.
@inlinable @inline(never)
func readSpanAttribute<Visitor: TraceVisitor>(
    _ attribute: WireCursor, _ visitor: inout Visitor, _ check: inout ItemCheck
) throws(WireFault) {
    if let (key, value) = usualAttribute(attribute) {
        if check.isFlawless { visitor.spanAttribute(key, value) }
    } else {
        let parts = try checkKeyValue(attribute, depth: 4, &check)
        if check.isFlawless { show(parts, attribute, &visitor) }
    }
}

@inlinable @inline(__always)
func show<Visitor: TraceVisitor>(
    _ parts: KeyValueParts, _ message: WireCursor, _ visitor: inout Visitor
) {
    if parts.values <= 1 {
        visitor.spanAttribute(parts.key, parts.value)
    } else {
        let bytes = message.bytes(from: message.position, to: message.end)
        withMergedKeyValue(bytes) { key, value in visitor.spanAttribute(key, value) }
    }
}

/// Also for a second reading, when the bytes are known to be good.
@inlinable @inline(never)
func readEvent(_ cursor: inout WireCursor, _ check: inout ItemCheck) throws(WireFault)
    -> EventView
{
    var event = EventView()
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x09: event.timeUnixNano = try cursor.fixed64()
        case 0x12:
            event.name = try cursor.payload()
            check.text(event.name)
        case 0x1A:
            try checkAttribute(cursor.message(), depth: 5, &check)
            event.attributes.run.extend(cursor, from: start)
        case 0x20: event.droppedAttributesCount = try cursor.uint32()
        default: try cursor.skip(tag)
        }
    }
    return event
}

/// Also for a second reading, when the bytes are known to be good.
@inlinable @inline(never)
func readLink(_ cursor: inout WireCursor, _ check: inout ItemCheck) throws(WireFault)
    -> LinkView
{
    var link = LinkView()
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x0A: link.traceID = try cursor.payload()
        case 0x12: link.spanID = try cursor.payload()
        case 0x1A:
            link.traceState = try cursor.payload()
            check.text(link.traceState)
        case 0x22:
            try checkAttribute(cursor.message(), depth: 5, &check)
            link.attributes.run.extend(cursor, from: start)
        case 0x28: link.droppedAttributesCount = try cursor.uint32()
        case 0x35: link.flags = try cursor.fixed32()
        default: try cursor.skip(tag)
        }
    }
    return link
}

/// A status that comes twice merges: what the later one leaves out stays.
@inlinable @inline(__always)
func readStatus(_ message: WireCursor, into span: inout SpanView, _ check: inout ItemCheck)
    throws(WireFault)
{
    var cursor = message
    while cursor.hasMore {
        let tag = try cursor.tag()
        switch tag {
        case 0x12:
            span.statusMessage = try cursor.payload()
            check.text(span.statusMessage)
        case 0x18: span.statusCode = try cursor.int32()
        default: try cursor.skip(tag)
        }
    }
}

@inlinable @inline(__always)
func isTraceID(_ bytes: WireBytes) -> Bool { bytes.count == 16 && !bytes.isZero }

@inlinable @inline(__always)
func isSpanID(_ bytes: WireBytes) -> Bool { bytes.count == 8 && !bytes.isZero }
