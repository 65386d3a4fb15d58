public import RoostAnalytics
public import RoostCore

/// Everything that is kept of one trace.
public struct StoredTrace: Sendable {
    public var summary: TraceSummary
    /// Each is an `ExportTraceServiceRequest` with spans of this trace only, in the order in which
    /// they were stored; one after the other they are one request. No span is in them twice.
    public var spans: [ByteBlock]
    /// Each is an `ExportLogsServiceRequest` with records of this trace only.
    public var logs: [ByteBlock]
    /// What `TraceUnderstanding` packed of its activities.
    public var activities: [UInt8]
    /// Spans that were left out because they are more than one answer may have, or was to have.
    public var omitted = 0

    public init(
        summary: TraceSummary, spans: [ByteBlock], logs: [ByteBlock] = [],
        activities: [UInt8] = []
    ) {
        self.summary = summary
        self.spans = spans
        self.logs = logs
        self.activities = activities
    }

    /// All spans as one `ExportTraceServiceRequest`.
    public var request: ByteBlock {
        spans.count == 1 ? spans[0] : ByteBlock(joining: spans)
    }
}

extension ByteBlock {
    /// One after the other.
    convenience init(joining parts: [ByteBlock]) {
        unsafe self.init(capacity: parts.reduce(0) { $0 + $1.count }) { target in
            var offset = 0
            for block in parts {
                unsafe block.withBytes { bytes in
                    unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset...])
                        .copyMemory(from: bytes)
                    offset += bytes.count
                }
            }
            return offset
        }
    }
}

/// A name that spans of a service have.
public struct StoredOperation: Sendable, Equatable {
    public var name: String
    /// OTLP's number of the kind of span.
    public var spanKind: Int32

    public init(name: String, spanKind: Int32) {
        self.name = name
        self.spanKind = spanKind
    }
}
