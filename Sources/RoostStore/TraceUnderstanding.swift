public import RoostAnalytics
public import RoostCore

/// What the store keeps about a trace beside its bytes: made by whoever understands traces.
///
/// Called on the store's thread, with all of a trace or with what came of it since it was last
/// stored.
public protocol TraceUnderstanding: Sendable {
    /// `spans` are `ExportTraceServiceRequest`s: all of the trace, or what came since when it is too
    /// large to be read again. `activities` are what was packed before and what came packed since,
    /// `logs` are `ExportLogsServiceRequest`s that came since; both are told of traces that have no
    /// spans. Everything is valid and of the trace with this id, which may be one that was derived.
    func understand(
        traceIDHigh: UInt64, traceIDLow: UInt64, spans: [ByteBlock], logs: [ByteBlock],
        activities: [[UInt8]]
    ) -> UnderstoodTrace
}

public struct UnderstoodTrace: Sendable, Equatable {
    public var summary: TraceSummary
    /// Packed; the store keeps it as it is.
    public var activities: [UInt8]
    /// How many of its steps are activities that were announced and have not ended.
    public var announced: Int

    public init(summary: TraceSummary, activities: [UInt8] = [], announced: Int = 0) {
        self.summary = summary
        self.activities = activities
        self.announced = announced
    }
}
