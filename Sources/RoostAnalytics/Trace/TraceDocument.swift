public import RoostIngest

/// One span, or one activity told by an event, of a trace that somebody looks at.
public struct TraceStep: Sendable {
    /// 0 for what has no span.
    public var spanID: UInt64 = 0
    /// 0 is none; the span need not be in the trace.
    public var parentSpanID: UInt64 = 0
    /// Index of the step above; nil for a root and for one whose parent is not here.
    public var parent: Int?
    public var name = ""
    public var service = ""
    public var activity = ActivityKind.other
    public var source = ActivitySource.span
    /// OTLP's number of the kind of span.
    public var spanKind: Int32 = 0
    public var status = ActivityStatus.unset
    public var statusMessage = ""
    public var errorType = ""
    /// Unix nanoseconds by the sender's clock; `end` is never before `start`.
    public var start: UInt64 = 0
    public var end: UInt64 = 0
    /// Its own word, else that of the nearest step above that has one, else the service.
    public var agent = ""
    public var workflow = ""
    /// The one that answered, else the one asked for.
    public var model = ""
    public var provider = ""
    public var tool = ""
    public var session = ""
    public var user = ""
    /// Nanoseconds; 0 is unknown.
    public var timeToFirstToken: UInt64 = 0
    public var tokens = ActivityTokens()
    /// USD; nil when unknown.
    public var cost: Double?
    public var costSource = AgentFact.CostSource.unknown
    /// False where `tokens` and `cost` repeat what other steps tell, or another instrumentation told
    /// the same call.
    public var isCounted = true
    /// Announced, and not over; then `end` is `start`.
    public var isPending = false
    /// It said that it ended before it began.
    public var isMendedTime = false
    /// How long it took is unknown; `end` is `start`.
    public var isInstant = false
    /// Of an event whose trace was made up.
    public var isDerived = false
    /// An event that said that the workflow of its trace is over, and nothing was announced since.
    public var tellsEnd = false
    /// Of a tool's arguments, so that equal calls are known; 0 is unknown.
    public var argumentsHash: UInt64 = 0

    public init() {}

    public var duration: UInt64 { end > start ? end &- start : 0 }
}

/// A whole trace, understood: what analysis, comparison and summaries are made from.
public struct TraceDocument: Sendable {
    public var traceIDHigh: UInt64
    public var traceIDLow: UInt64
    /// In the order of their start; of equal ones parents first.
    public var steps: [TraceStep]
    /// Steps that were left out because there were too many.
    public var omitted = 0
    /// What the trace comes to with those that were left out; nil when none were.
    public internal(set) var whole: TraceSummary?
    /// By the word of the root, else by that of the step nearest to it, else the root's name.
    public var workflow = ""
    /// Nothing more is expected of it.
    public var isOver = false
    /// Index of the first span that has no parent, of those that ended if any did; nil when there
    /// is none.
    public var root: Int?

    /// Not all of its steps may have been kept: `summary` is of all there were.
    public mutating func note(whole summary: TraceSummary) {
        guard summary.spans > steps.count + omitted else { return }
        omitted = summary.spans - steps.count
        whole = summary
    }

    public init(traceIDHigh: UInt64, traceIDLow: UInt64, steps: [TraceStep]) {
        self.traceIDHigh = traceIDHigh
        self.traceIDLow = traceIDLow
        self.steps = steps
    }
}
