public import RoostCore

/// An event as live streams send it, rendered once for all who want it.
public struct LiveMessage: Sendable {
    /// Its place among the events that are kept; nil for what is told once and not kept.
    public let id: UInt64?
    /// As `agent.failed`.
    public let type: String
    public let severity: String
    public let agent: String
    public let workflow: String
    public let traceIDHigh: UInt64
    public let traceIDLow: UInt64
    public let json: ByteBlock

    /// The first part of its type, as `agent`.
    public var family: String { String(type.prefix { $0 != "." }) }

    init(_ event: FleetEvent, _ symbols: Symbols) {
        id = event.id
        type = event.kind.text
        severity = event.severity.text
        agent = symbols.text(event.agent)
        workflow = symbols.text(event.workflow)
        traceIDHigh = event.traceIDHigh
        traceIDLow = event.traceIDLow
        var writer = JSONWriter()
        event.write(symbols, into: &writer)
        json = ByteBlock(writer.bytes)
    }
}

extension LiveMessage {
    /// A budget reached another level: `budget.warning`, `budget.exceeded` or `budget.ok`. It goes by
    /// the number of the event before it, which is where somebody who comes back goes on.
    public init(_ event: BudgetEvent, after latest: UInt64) {
        id = nil
        type = "budget." + event.to.rawValue
        severity = event.to == .exceeded ? "error" : event.to == .warning ? "warning" : "info"
        agent = event.rule.scope == .agent ? event.subject : ""
        workflow = event.rule.scope == .workflow ? event.subject : ""
        (traceIDHigh, traceIDLow) = (0, 0)
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("type", type)
        writer.field("id", String(latest))
        writer.field("time", rfc3339(unixNanoseconds: event.time))
        writer.field("severity", severity)
        writer.field("agent", agent)
        writer.field("workflow", workflow)
        writer.field("trace_id", "")
        writer.key("data")
        event.write(into: &writer)
        writer.endObject()
        json = ByteBlock(writer.bytes)
    }
}

extension LiveMessage {
    /// All there are.
    public static let types =
        FleetEvent.Kind.allCases.map(\.text)
        + [BudgetLevel.warning, .exceeded, .ok].map { "budget." + $0.rawValue }
}

/// The latest events, for those who come back after a while.
struct EventRing: Sendable {
    private var events: [FleetEvent] = []
    /// Place of the oldest, once it is full.
    private var oldest = 0
    private let limit: Int
    /// The number before the first event of this run.
    private let first: UInt64
    /// The number of the latest event.
    private(set) var latest: UInt64

    init(limit: Int, first: UInt64) {
        self.limit = limit
        self.first = first
        latest = first
    }

    mutating func append(_ event: FleetEvent) {
        latest = event.id
        if events.count < limit {
            events.append(event)
        } else {
            events[oldest] = event
            oldest = (oldest + 1) % limit
        }
    }

    /// Whether it is known how many events came after `id`: not after one of an earlier run, and not
    /// after one that this run has not come to.
    func knows(_ id: UInt64) -> Bool { id >= first && id <= latest }

    /// How many events of this run came after `id` and are not kept any more, and those that are, the
    /// oldest first, `most` at most.
    func after(_ id: UInt64, most: Int = .max) -> (missed: UInt64, events: [FleetEvent]) {
        guard id < latest else { return (0, []) }
        let new = latest - max(id, first)
        let kept = Int(min(new, UInt64(events.count)))
        let begin = events.count - kept
        let told = (begin..<begin + min(kept, max(most, 0))).map {
            events[(oldest + $0) % events.count]
        }
        return (new - UInt64(kept), told)
    }

    /// Those with numbers of a range that are kept, the oldest first.
    func events(in ids: Range<UInt64>) -> [FleetEvent] {
        let begin = latest + 1 - UInt64(events.count)
        return ids.clamped(to: begin..<latest + 1).map {
            events[(oldest + Int($0 - begin)) % events.count]
        }
    }
}
