public import RoostCore
import RoostWire

/// Reads the activities of a request that has been validated, a part at a time.
///
/// For requests too large to hold all of theirs at once: `give` is called on this thread with each
/// part and empties it.
public func walkActivities(
    of body: ByteBlock, names: NameTable, atOnce most: Int,
    give: (inout ActivityBatch) -> Void
) {
    let scratch = ActivityScratch()
    withoutActuallyEscaping(give) { give in
        unsafe body.withBytes { bytes in
            var rejections = Rejections()
            var visitor = Walker(
                reader: unsafe ActivityReader(
                    names, batch: ActivityBatch(), scratch: scratch, request: bytes),
                most: most, give: give)
            // It was found to be decodable before.
            _ = try? unsafe readTraces(bytes, visitor: &visitor, rejections: &rejections)
            visitor.finish()
        }
    }
}

private struct Walker: TraceVisitor {
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
        if reader.batch.activities.count >= most { finish() }
    }

    mutating func finish() {
        var batch = reader.takeBatch()
        give(&batch)
        batch.removeAll()
        reader.goOn(with: batch)
    }
}
