public import RoostCore
public import RoostIngest

/// Makes documents of traces. Reused from trace to trace, which saves most of the work for small
/// ones; one thread's at a time. New names or prices need a new one.
public final class TraceReader {
    private let names: NameTable
    private var builder: TraceDocumentBuilder
    private var source = TraceActivities()

    /// Bytes; what a larger trace took is given back.
    private static let mostKept = 4 << 20

    public init(names: NameTable, prices: (any PriceSource)?) {
        self.names = names
        builder = TraceDocumentBuilder(prices: prices)
    }

    /// The document of a trace from all that is kept of it: chunks of `TracesData` bytes, which may
    /// hold the same span twice, and activities of its events.
    ///
    /// What belongs to other traces is passed over. At most `most` steps are made, those that say most
    /// with all above them; `TraceDocument.omitted` counts the rest. Parents, agents and what is
    /// counted are found out with all of them.
    public func document(
        chunks: [ByteBlock], activities: ActivityBatch? = nil, traceIDHigh: UInt64,
        traceIDLow: UInt64, most: Int = .max
    ) -> TraceDocument {
        read(chunks, activities)
        defer { giveBack() }
        return builder.make(
            source.batch, source.details, high: traceIDHigh, low: traceIDLow, most: most)
    }

    /// What the document of the same comes to, without making it.
    public func summary(
        chunks: [ByteBlock], activities: ActivityBatch? = nil, traceIDHigh: UInt64,
        traceIDLow: UInt64
    ) -> TraceSummary {
        read(chunks, activities, withDetails: false)
        defer { giveBack() }
        var summary = builder.summary(
            source.batch, high: traceIDHigh, low: traceIDLow)
        if builder.timesMayDiffer {
            read(chunks, activities)
            builder.putTimesRight(&summary, source.batch, source.details)
        }
        return summary
    }

    private func read(
        _ chunks: [ByteBlock], _ activities: ActivityBatch?, withDetails: Bool = true
    ) {
        source.removeAll()
        for chunk in chunks { source.read(chunk, names: names, withDetails: withDetails) }
        if let activities { source.append(activities) }
    }

    private func giveBack() {
        if source.batch.byteCount > Self.mostKept { source = TraceActivities() }
    }
}

extension TraceDocument {
    /// As `TraceReader.document`, for one trace.
    public static func make(
        chunks: [ByteBlock], traceIDHigh: UInt64, traceIDLow: UInt64, names: NameTable,
        prices: (any PriceSource)?, most: Int = .max
    ) -> TraceDocument {
        TraceReader(names: names, prices: prices).document(
            chunks: chunks, traceIDHigh: traceIDHigh, traceIDLow: traceIDLow, most: most)
    }

    /// The document of a trace of which there are only events.
    public static func make(
        activities: ActivityBatch, traceIDHigh: UInt64, traceIDLow: UInt64,
        prices: (any PriceSource)?, most: Int = .max
    ) -> TraceDocument {
        var builder = TraceDocumentBuilder(prices: prices)
        return builder.make(
            activities, [], high: traceIDHigh, low: traceIDLow, most: most)
    }
}
