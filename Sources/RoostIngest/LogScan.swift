public import RoostCore
public import RoostWire

/// What one logs request says about agents, noted while it is validated; see `TraceScan`.
///
/// Reused from request to request. Owned by one thread at a time.
@safe public final class LogScan {
    /// The malformed records of the request, to be cut out of what is passed on.
    public private(set) var rejections = Rejections()
    /// How many well-formed records there are.
    public private(set) var itemCount = 0
    /// Of the records that are steps of agents; empty when read without names, and when they are
    /// too many.
    public var activities = ActivityBatch()
    /// The activities are more than were to be noted, so none is: `walkActivities` reads them.
    public private(set) var hasTooManyActivities = false
    /// Of the records that tell whether an agent was allowed to use a tool; empty unless asked for.
    public private(set) var decisions = ToolDecisions()
    /// Made when it is first needed: it takes some 100 KB.
    private lazy var scratch = ActivityScratch()

    public init() {}

    /// Reads a request; what an earlier one left is forgotten. Notes activities of `mostBytes`.
    ///
    /// Throws what made the request undecodable; the activities are then worth nothing.
    public func read(
        _ body: ByteBlock, names: NameTable?, tellsDecisions: Bool = false,
        mostBytes: Int = .max
    ) throws(WireError) {
        rejections.removeAll()
        decisions = ToolDecisions()
        itemCount = 0
        activities.removeAll()
        hasTooManyActivities = false
        itemCount = unsafe try body.withBytes { bytes throws(WireError) in
            guard let names else {
                var visitor = NoVisitor()
                return unsafe try readLogs(bytes, visitor: &visitor, rejections: &rejections)
            }
            var batch = ActivityBatch()
            swap(&batch, &activities)
            var visitor = Visitor(
                reader: unsafe ActivityReader(
                    names, batch: batch, scratch: scratch, request: bytes),
                mostBytes: mostBytes)
            visitor.reader.tellsDecisions = tellsDecisions
            defer {
                if visitor.hasTooMany { visitor.reader.leaveOut() }
                hasTooManyActivities = visitor.hasTooMany
                activities = visitor.reader.takeBatch()
                decisions = visitor.reader.decisions
            }
            return unsafe try readLogs(bytes, visitor: &visitor, rejections: &rejections)
        }
    }

    /// Exchanges what was read, but not the room for reading, with another scan.
    public func swapNotes(with other: LogScan) {
        swap(&rejections, &other.rejections)
        swap(&itemCount, &other.itemCount)
        swap(&activities, &other.activities)
        swap(&hasTooManyActivities, &other.hasTooManyActivities)
        swap(&decisions, &other.decisions)
    }

    private struct NoVisitor: LogsVisitor {}

    private struct Visitor: LogsVisitor {
        var reader: ActivityReader
        let mostBytes: Int
        var hasTooMany = false

        init(reader: ActivityReader, mostBytes: Int) {
            self.reader = reader
            self.mostBytes = mostBytes
        }

        mutating func resource(_ resource: ResourceView) {
            reader.resource()
            resource.attributes.forEach { key, value in reader.resourceAttribute(key, value) }
        }

        mutating func scope(_ scope: ScopeView) { reader.scope(scope) }

        mutating func logAttribute(_ key: WireBytes, _ value: AnyValueView) {
            reader.attribute(key, value)
        }

        @inline(__always)
        mutating func takeLogAttributes(_ fields: WireBytes) -> Int {
            reader.take(fields, tag: 0x32)
        }

        mutating func logRecord(_ record: LogRecordView) {
            reader.record(record)
            guard reader.batch.byteCount >= mostBytes else { return }
            hasTooMany = true
            reader.leaveOut()
        }

        mutating func logRecordRejected() { reader.spanRejected() }
    }
}
