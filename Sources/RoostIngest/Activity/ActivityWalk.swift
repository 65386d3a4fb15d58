public import RoostCore
public import RoostWire

/// Reads the activities of a trace or logs request that has been validated, a part at a time.
///
/// For requests that tell too much to hold all of it at once: `give` is called on this thread with
/// each part, of about `most` bytes, and empties it. Answers the decisions about tools, where they
/// are asked for.
@discardableResult
public func walkActivities(
    of body: ByteBlock, signal: Signal, names: NameTable, atOnce most: Int,
    tellsDecisions: Bool = false, give: (inout ActivityBatch) -> Void
) -> ToolDecisions {
    let scratch = ActivityScratch()
    return withoutActuallyEscaping(give) { give in
        unsafe body.withBytes { bytes in
            var rejections = Rejections()
            var walker = Walker(
                reader: unsafe ActivityReader(
                    names, batch: ActivityBatch(), scratch: scratch, request: bytes),
                most: most, give: give)
            walker.reader.tellsDecisions = tellsDecisions
            // It was found to be decodable before.
            switch signal {
            case .traces:
                _ = try? unsafe readTraces(bytes, visitor: &walker, rejections: &rejections)
            case .logs:
                _ = try? unsafe readLogs(bytes, visitor: &walker, rejections: &rejections)
            case .metrics: break
            }
            walker.finish()
            return walker.reader.decisions
        }
    }
}

private struct Walker: TraceVisitor, LogsVisitor {
    var reader: ActivityReader
    let most: Int
    let give: (inout ActivityBatch) -> Void

    mutating func resource(_ resource: ResourceView) { reader.resource(resource) }
    mutating func scope(_ scope: ScopeView) { reader.scope(scope) }

    mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {
        reader.attribute(key, value)
    }
    mutating func takeSpanAttributes(_ fields: WireBytes) -> Int { reader.take(fields, tag: 0x4A) }
    mutating func spanRejected() { reader.spanRejected() }
    mutating func span(_ span: SpanView) {
        reader.span(span)
        if reader.batch.byteCount >= most { finish() }
    }

    mutating func logAttribute(_ key: WireBytes, _ value: AnyValueView) {
        reader.attribute(key, value)
    }
    mutating func takeLogAttributes(_ fields: WireBytes) -> Int { reader.take(fields, tag: 0x32) }
    mutating func logRecordRejected() { reader.spanRejected() }
    mutating func logRecord(_ record: LogRecordView) {
        reader.record(record)
        if reader.batch.byteCount >= most { finish() }
    }

    mutating func finish() {
        var batch = reader.takeBatch()
        give(&batch)
        batch.removeAll()
        reader.goOn(with: batch)
    }
}
