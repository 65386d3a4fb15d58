/// Everything one workflow does, with times in nanoseconds after its start.
///
/// A value: the same seed and number give the same script. Nothing of it depends on a clock.
struct Script: Sendable, Equatable {
    var trace: TraceID
    var workflow: String
    /// By end, then as made, so that a player sends them as they come to an end.
    var spans: [FleetSpan]
    var logs: [FleetLog]
    var measurements: [Measurement]
    /// When the last of it is over.
    var duration: Int64
}

struct TraceID: Hashable, Sendable {
    var high: UInt64
    var low: UInt64
}

enum SpanKind: UInt64, Sendable { case `internal` = 1, server, client, producer, consumer }

enum SpanStatus: Hashable, Sendable {
    case unset
    case ok
    case error(String)

    var isError: Bool { if case .error = self { true } else { false } }
}

/// The instrumentation that made a span, as a scope on the wire.
enum Scope: Int, Sendable, CaseIterable {
    case fleet, model, http, mcp

    var name: String {
        switch self {
        case .fleet: "roost.demo.fleet"
        case .model: "roost.demo.gen_ai"
        case .http: "roost.demo.http"
        case .mcp: "roost.demo.mcp"
        }
    }
}

struct FleetSpan: Hashable, Sendable {
    var id: UInt64
    /// 0 for the root.
    var parent: UInt64
    var parentIsRemote = false
    /// Index into `Fleet.processes`.
    var process: Int
    var scope: Scope
    var name: String
    var kind: SpanKind
    var start: Int64
    var end: Int64 = 0
    var attributes: Attributes
    var events: [SpanEvent] = []
    /// Other spans of the same trace that this one builds on.
    var links: [UInt64] = []
    var status: SpanStatus = .unset
    var account: Account = .none
}

struct SpanEvent: Hashable, Sendable {
    var time: Int64
    var name: String
    var attributes: Attributes
}

/// What the end of a span adds to the demo's own report.
enum Account: Hashable, Sendable {
    case none
    case workflow
    case agent
    case modelCall(ModelBill, retries: Int)
    case embedding(ModelBill)
    case toolCall(retries: Int)
}

enum Severity: UInt64, Sendable {
    case debug = 5
    case info = 9
    case warn = 13
    case error = 17

    var text: String {
        switch self {
        case .debug: "DEBUG"
        case .info: "INFO"
        case .warn: "WARN"
        case .error: "ERROR"
        }
    }
}

struct FleetLog: Hashable, Sendable {
    var time: Int64
    var process: Int
    var span: UInt64
    var severity: Severity
    /// Not empty for an event of the conventions.
    var eventName: String
    var body: String
    var attributes: Attributes
}

/// One value given to one instrument of one process.
struct Measurement: Hashable, Sendable {
    var time: Int64
    var process: Int
    var instrument: Instrument
    var value: Double
    var attributes: Attributes
    /// The span it was measured in; 0 for none.
    var span: UInt64
}
