public import RoostCore
import RoostWire

/// What a span says that its activity does not hold.
public struct SpanDetail: Sendable {
    /// OTLP's number of the kind of span.
    public var kind: Int32 = 0
    /// In the batch of the activity.
    public var statusMessage = TextRef.none
    /// A hash of what a tool was called with, good within this process; 0 is unknown.
    public var arguments: UInt64 = 0

    public init() {}
}

/// Reads the spans of stored traces as activities. Reused from trace to trace; one thread's at a
/// time.
@safe public final class TraceActivities {
    public private(set) var batch = ActivityBatch()
    /// One for each activity of the batch, where they were asked for.
    public private(set) var details: [SpanDetail] = []
    private let scratch = ActivityScratch()

    public init() {}

    public func removeAll() {
        batch.removeAll()
        details.removeAll(keepingCapacity: true)
    }

    /// Adds the spans of `TracesData` bytes that were found to be decodable before; of others as
    /// many as come before the damage. Without details for those who only count.
    public func read(_ chunk: ByteBlock, names: NameTable, withDetails: Bool = true) {
        unsafe chunk.withBytes { bytes in
            var taken = ActivityBatch()
            swap(&taken, &batch)
            var rejections = Rejections()
            var walker = DetailWalker(
                reader: unsafe ActivityReader(
                    names, batch: taken, scratch: scratch, request: bytes),
                details: details, isDetailed: withDetails)
            details = []
            _ = try? unsafe readTraces(bytes, visitor: &walker, rejections: &rejections)
            details = walker.details
            batch = walker.reader.takeBatch()
        }
    }

    /// Adds activities that were read before, of events.
    public func append(_ other: ActivityBatch) {
        batch.append(other)
        details.append(
            contentsOf: repeatElement(SpanDetail(), count: other.activities.count))
    }
}

private struct DetailWalker: TraceVisitor {
    var reader: ActivityReader
    var details: [SpanDetail]
    let isDetailed: Bool

    mutating func resource(_ resource: ResourceView) { reader.resource(resource) }
    mutating func scope(_ scope: ScopeView) { reader.scope(scope) }
    mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {
        reader.attribute(key, value)
    }
    mutating func takeSpanAttributes(_ fields: WireBytes) -> Int { reader.take(fields, tag: 0x4A) }
    mutating func spanRejected() { reader.spanRejected() }

    mutating func span(_ span: SpanView) {
        guard isDetailed else { return reader.span(span) }
        var detail = SpanDetail()
        detail.kind = span.kind
        if reader.slots.has(.arguments) {
            detail.arguments = ArgumentsHash.of(reader.slots.value(.arguments)) | 1
        }
        reader.span(span)
        let message = span.statusMessage
        if !message.isEmpty {
            detail.statusMessage = reader.text(message)
        } else if span.statusCode == 2, let text = ErrorName.message(span.events) {
            detail.statusMessage = reader.text(text)
        }
        details.append(detail)
    }
}
