public import RoostAnalytics
public import RoostCore

/// What the store keeps about a trace beside its bytes: made by whoever understands traces.
///
/// Called on the store's thread, with all of a trace or with what came of it since it was last
/// stored.
public protocol TraceUnderstanding: Sendable {
    /// `spans` are `ExportTraceServiceRequest`s and `logs` `ExportLogsServiceRequest`s, all of the
    /// trace with this id and valid.
    func understand(
        traceIDHigh: UInt64, traceIDLow: UInt64, spans: [ByteBlock], logs: [ByteBlock]
    ) -> UnderstoodTrace
}

public struct UnderstoodTrace: Sendable, Equatable {
    public var summary: TraceSummary
    /// Packed; the store keeps it as it is.
    public var activities: [UInt8]

    public init(summary: TraceSummary, activities: [UInt8] = []) {
        self.summary = summary
        self.activities = activities
    }
}
