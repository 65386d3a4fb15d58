import RoostAnalytics
public import RoostCore
public import RoostIngest
import Synchronization

/// Understands stored traces with the tables of names and prices.
///
/// The store's thread asks; the tables may change from another.
public final class AgentUnderstanding: TraceUnderstanding {
    private struct Reader {
        let names: NameTable
        let prices: (any PriceSource)?
        let traces: TraceReader
        /// Reads log records.
        let logs = LogScan()

        init(_ names: NameTable, _ prices: (any PriceSource)?) {
            self.names = names
            self.prices = prices
            traces = TraceReader(names: names, prices: prices)
        }
    }

    private let reader: Mutex<Reader>

    public init(names: NameTable, prices: (any PriceSource)?) {
        reader = Mutex(Reader(names, prices))
    }

    /// From the next trace on.
    public func use(names: NameTable, prices: (any PriceSource)?) {
        reader.withLock { $0 = Reader(names, prices) }
    }

    public func understand(
        traceIDHigh: UInt64, traceIDLow: UInt64, spans: [ByteBlock], logs: [ByteBlock],
        activities: [[UInt8]]
    ) -> UnderstoodTrace {
        reader.withLock { reader in
            let events = Self.events(
                logs, activities, reader, high: traceIDHigh, low: traceIDLow)
            return UnderstoodTrace(
                summary: reader.traces.summary(
                    chunks: spans, activities: events, traceIDHigh: traceIDHigh,
                    traceIDLow: traceIDLow),
                activities: events?.packed() ?? [],
                announced: events?.activities.count { $0.phase == .pending } ?? 0)
        }
    }

    /// What was packed before and what came since; nil without any.
    private static func events(
        _ logs: [ByteBlock], _ packed: [[UInt8]], _ reader: Reader, high: UInt64, low: UInt64
    ) -> ActivityBatch? {
        guard !logs.isEmpty || !packed.isEmpty else { return nil }
        var batch = packed.first.flatMap { ActivityBatch(unpacking: $0) } ?? ActivityBatch()
        for part in packed.dropFirst() {
            if let came = ActivityBatch(unpacking: part) { batch.append(came) }
        }
        for request in logs where (try? reader.logs.read(request, names: reader.names)) != nil {
            batch.append(reader.logs.activities)
        }
        for place in batch.activities.indices
        where batch.activities[place].flags.contains(.isDerivedTrace) {
            // Ids that are made up differ from process to process.
            batch.activities[place].traceIDHigh = high
            batch.activities[place].traceIDLow = low
        }
        dropEndedAnnouncements(&batch)
        return batch
    }

    /// An end takes the place of its beginning, in the order in which ends came.
    private static func dropEndedAnnouncements(_ batch: inout ActivityBatch) {
        guard batch.activities.contains(where: { $0.phase == .pending }) else { return }
        var ended = Set<UInt64>()
        for activity in batch.activities where activity.phase == .finished {
            ended.insert(activity.spanID)
        }
        batch.activities.removeAll { $0.phase == .pending && ended.contains($0.spanID) }
    }
}
