import RoostCore
public import RoostWire

/// Where a log record belongs.
public struct LogPlace {
    /// 0 and 0 when it belongs to no trace.
    public var traceIDHigh: UInt64 = 0
    public var traceIDLow: UInt64 = 0
    /// It is a step of an agent.
    public var isActivity = false
    /// The trace was made up from a session and a prompt.
    public var isDerivedTrace = false
    /// Valid until the visitor returns.
    public var session = WireBytes.empty
    public var timeUnixNano: UInt64 = 0
}

/// Sees the log records of a request, each with where it belongs. What it is given is valid until it
/// returns.
public protocol LogPlacesVisitor {
    /// Of a resource's entry, before what stands in it, as for `RequestPartsVisitor`.
    mutating func resource(_ fields: OtherFields)
    /// Of a scope's entry.
    mutating func scope(_ fields: OtherFields)
    /// The message of a record.
    mutating func record(_ record: WireBytes, _ place: LogPlace)
}

/// Finds out where log records belong. One thread's at a time.
public final class LogPlaces {
    private let scratch = ActivityScratch()
    private var batch = ActivityBatch()

    public init() {}

    /// Shows a validated logs request to `visitor`, front to back.
    public func read<Visitor: LogPlacesVisitor>(
        _ request: UnsafeRawBufferPointer, names: NameTable, visitor: inout Visitor
    ) {
        batch.removeAll()
        var taken = ActivityBatch()
        swap(&taken, &batch)
        var finder = Finder(
            reader: unsafe ActivityReader(names, batch: taken, scratch: scratch, request: request),
            visitor: visitor)
        var rejections = Rejections()
        // It was found to be decodable before.
        _ = try? unsafe readLogs(request, visitor: &finder, rejections: &rejections)
        batch = finder.reader.takeBatch()
        visitor = finder.visitor
    }

    private struct Finder<Visitor: LogPlacesVisitor>: LogsVisitor {
        var reader: ActivityReader
        var visitor: Visitor

        mutating func resource(_ resource: ResourceView) {
            reader.resource(resource)
            visitor.resource(resource.fields)
        }

        mutating func scope(_ scope: ScopeView) {
            reader.scope(scope)
            visitor.scope(scope.fields)
        }

        mutating func logAttribute(_ key: WireBytes, _ value: AnyValueView) {
            reader.attribute(key, value)
        }

        mutating func takeLogAttributes(_ fields: WireBytes) -> Int {
            reader.take(fields, tag: 0x32)
        }

        mutating func logRecordRejected() { reader.spanRejected() }

        mutating func logRecord(_ record: LogRecordView) {
            var place = LogPlace()
            place.timeUnixNano =
                record.timeUnixNano != 0 ? record.timeUnixNano : record.observedTimeUnixNano
            if reader.slots.has(.session) { place.session = reader.slots.text(.session) }
            let before = reader.batch.activities.count
            reader.record(record)
            if reader.batch.activities.count > before, let activity = reader.batch.activities.last {
                place.isActivity = true
                place.isDerivedTrace = activity.flags.contains(.isDerivedTrace)
                place.traceIDHigh = activity.traceIDHigh
                place.traceIDLow = activity.traceIDLow
            } else if !record.traceID.isEmpty {
                place.traceIDHigh = unsafe reader.load(record.traceID.base)
                place.traceIDLow = unsafe reader.load(record.traceID.base + 8)
            }
            visitor.record(record.bytes, place)
            if reader.batch.activities.count >= 1024 { reader.leaveOut() }
        }
    }
}
