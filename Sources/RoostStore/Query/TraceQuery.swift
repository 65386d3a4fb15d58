public import RoostAnalytics
public import RoostCore

/// Which traces a list shows. What is nil does not narrow it.
public struct TraceQuery: Sendable, Equatable {
    /// Any service of the trace.
    public var service: String?
    /// The workflow's name. Where it is 32 hexadecimal digits, the trace with this id comes first: if
    /// there is one, and it is meant by everything else, it alone is shown.
    public var workflow: String?
    /// Any agent of the trace.
    public var agent: String?
    public var session: String?
    public var status: TraceSummary.Status?
    /// Of the trace; nanoseconds, both included.
    public var minDuration: UInt64?
    public var maxDuration: UInt64?
    /// Unix nanoseconds of the trace's start, both included.
    public var since: UInt64?
    public var until: UInt64?
    /// What one span of the trace, of `service` if that is said, has all of.
    public var span = SpanQuery()
    /// 1 to `mostTraces`; others are brought inside.
    public var limit = 50
    /// Of the page before; the other members must be the same.
    public var cursor: String?
    /// Traces that may be next which are kept in mind before the index is walked again.
    var mostWaiting = 8_192
    /// What answering may cost; see `TraceSearch`.
    var mostSteps = 30_000

    public static let mostTraces = 1000

    public init() {}
}

/// What one and the same span has.
public struct SpanQuery: Sendable, Equatable {
    /// Its name; counts only with a service.
    public var operation: String?
    /// Nanoseconds, both included.
    public var minDuration: UInt64?
    public var maxDuration: UInt64?
    /// Its attributes or those of its resource or its events, value as text; `error` is its status.
    public var tags: [Tag] = []

    public struct Tag: Sendable, Equatable {
        public var key: String
        public var value: String

        public init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    public init() {}

    /// Whether spans have to be read: the index knows services and operations only.
    public var isAboutSpans: Bool {
        minDuration != nil || maxDuration != nil || !tags.isEmpty
    }
}

/// Traces by their start, newest first.
public struct TracePage: Sendable, Equatable {
    public var traces: [TraceSummary] = []
    /// Where the next page begins; nil when there is none.
    public var cursor: String?

    public init() {}
}

/// Which log records are shown.
public struct LogQuery: Sendable, Equatable {
    /// With `traceIDLow`; a derived trace's id does, too.
    public var traceIDHigh: UInt64?
    public var traceIDLow: UInt64?
    public var session: String?
    /// Records, at most `mostRecords`.
    public var limit = 100
    public var cursor: String?
    /// Bytes of records, after which a page ends with the record at hand.
    public var mostBytes = StoreLimits.mostLogBytes
    /// Rows that are read and not meant, after which a page ends however few records it has.
    var mostRowsPassed = StoreLimits.mostRowsPassed

    public static let mostRecords = 1000

    public init() {}
}

/// Log records, those that were stored last first.
public struct LogPage: Sendable {
    /// Each is an `ExportLogsServiceRequest`; inside of one, records stand as they arrived.
    public var requests: [ByteBlock] = []
    public var records = 0
    /// Where the next page begins; nil when there is none. Also a page without records may have one.
    public var cursor: String?

    public init() {}
}

/// Why a question was not answered.
public enum StoreQueryError: Error, Equatable, Sendable {
    /// The cursor is not one of this store, or of another query.
    case badCursor
    /// Answering would read too much; the text says how to narrow the question.
    case tooMuch(String)
    /// Whoever asked has no memory for the answer now.
    case noRoom
    /// The store is closed, or its database cannot be read now.
    case unavailable(String)
}
