/// Reads an `ExportLogsServiceRequest` (or `LogsData`) and shows it to `visitor`.
///
/// As `readTraces`, for log records.
@inlinable
public func readLogs<Visitor: LogsVisitor>(
    _ body: UnsafeRawBufferPointer, visitor: inout Visitor, rejections: inout Rejections
) throws(WireError) -> Int {
    unsafe try readRequest(
        LogReader<Visitor>.self, body, signal: .logs, visitor: &visitor, rejections: &rejections)
}

@usableFromInline enum LogReader<Visitor: LogsVisitor>: ItemReader {
    @usableFromInline typealias Silent = LogReader<NoVisitor>

    @inlinable static var resourceEntry: StaticString { "resource_logs" }
    @inlinable static var scopeEntry: StaticString { "scope_logs" }

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
        var bodies = FieldRun(number: 5)
        var bodyCount = 0
        var record = LogRecordView()
        try readLogRecord(message, into: &record, bodies: &bodies, &bodyCount, &visitor, &check)
        check.require(!rejections.isFull, else: .tooMany)
        guard check.isFlawless else {
            rejections.add(field, items: 1, check.flaw, in: "log_records")
            visitor.logRecordRejected()
            return 0
        }
        if bodyCount > 1 {
            withMerged(bodies) { bytes in
                record.body = AnyValueView(validated: bytes)
                visitor.logRecord(record)
            }
        } else {
            visitor.logRecord(record)
        }
        return 1
    }
}

@inlinable @inline(__always)
func readLogRecord<Visitor: LogsVisitor>(
    _ message: WireCursor, into record: inout LogRecordView, bodies: inout FieldRun,
    _ bodyCount: inout Int, _ visitor: inout Visitor, _ check: inout ItemCheck
) throws(WireFault) {
    var cursor = message
    record.bytes = cursor.bytes(from: cursor.position, to: cursor.end)
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x09: record.timeUnixNano = try cursor.fixed64()
        case 0x10: record.severityNumber = try cursor.int32()
        case 0x1A:
            record.severityText = try cursor.payload()
            check.text(record.severityText)
        case 0x2A:
            record.body = try checkAnyValue(cursor.message(), depth: 4, &check)
            bodies.extend(cursor, from: start)
            bodyCount &+= 1
        case 0x32:
            // They stand together. The first may have its tag in more bytes than it needs.
            if unsafe cursor.base[start] == 0x32 {
                cursor.position = start
            } else {
                try readLogAttribute(cursor.message(), &visitor, &check)
            }
            while cursor.hasMore, unsafe cursor.base[cursor.position] == 0x32 {
                let rest = cursor.bytes(from: cursor.position, to: cursor.end)
                let taken = cursor.position >= 8 ? visitor.takeLogAttributes(rest) : 0
                cursor.position &+= taken
                if taken == 0 {
                    cursor.position &+= 1
                    try readLogAttribute(cursor.message(), &visitor, &check)
                }
            }
            record.attributes.run.extend(cursor, from: start)
        case 0x38: record.droppedAttributesCount = try cursor.uint32()
        case 0x45: record.flags = try cursor.fixed32()
        case 0x4A: record.traceID = try cursor.payload()
        case 0x52: record.spanID = try cursor.payload()
        case 0x59: record.observedTimeUnixNano = try cursor.fixed64()
        case 0x62:
            record.eventName = try cursor.payload()
            check.text(record.eventName)
        default: try cursor.skip(tag)
        }
    }
    check.require(record.traceID.isEmpty || isTraceID(record.traceID), else: .traceID)
    check.require(record.spanID.isEmpty || isSpanID(record.spanID), else: .spanID)
}

@inlinable @inline(never)
func readLogAttribute<Visitor: LogsVisitor>(
    _ attribute: WireCursor, _ visitor: inout Visitor, _ check: inout ItemCheck
) throws(WireFault) {
    if let (key, value) = usualAttribute(attribute) {
        if check.isFlawless { visitor.logAttribute(key, value) }
        return
    }
    let parts = try checkKeyValue(attribute, depth: 4, &check)
    guard check.isFlawless else { return }
    if parts.values <= 1 {
        visitor.logAttribute(parts.key, parts.value)
    } else {
        let bytes = attribute.bytes(from: attribute.position, to: attribute.end)
        withMergedKeyValue(bytes) { key, value in visitor.logAttribute(key, value) }
    }
}
