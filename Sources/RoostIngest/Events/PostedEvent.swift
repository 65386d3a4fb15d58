public import RoostCore

/// An agent's event as JSON, for programs that do not speak OpenTelemetry.
///
/// `{"event_type":"agent.completed", "payload":{"agent":{"name":…}, "duration_ms":…, "tokens":…,
/// "cost":…}, "trace_id":…, "session_id":…, "time":…}`; `contract.md`, "API", `POST events`.
public struct PostedEvent: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        case workflowStarted = "workflow.started"
        case workflowCompleted = "workflow.completed"
        case workflowFailed = "workflow.failed"
        case agentInvoked = "agent.invoked"
        case agentCompleted = "agent.completed"
        case agentFailed = "agent.failed"
        case toolCalled = "tool.called"
        case toolCompleted = "tool.completed"
        case toolFailed = "tool.failed"
        case llmCalled = "llm.called"
        case llmCompleted = "llm.completed"
        case llmFailed = "llm.failed"
        case humanWaiting = "human.waiting"
        case humanAnswered = "human.answered"

        /// Also in capitals with underscores, `AGENT_COMPLETED`, and with the usual other words.
        init?(_ text: String) {
            if let kind = Kind(rawValue: text) {
                self = kind
                return
            }
            let plain = text.lowercased().map { $0 == "_" || $0 == "-" ? "." : String($0) }.joined()
            if let kind = Kind(rawValue: plain) {
                self = kind
                return
            }
            let others: [String: Kind] = [
                "agent.started": .agentInvoked, "agent.error": .agentFailed,
                "tool.invoked": .toolCalled, "tool.used": .toolCalled, "tool.error": .toolFailed,
                "tool.started": .toolCalled, "workflow.error": .workflowFailed,
                "workflow.invoked": .workflowStarted, "llm.started": .llmCalled,
                "llm.call": .llmCompleted, "model.called": .llmCompleted,
                "llm.error": .llmFailed, "approval.requested": .humanWaiting,
                "approval.given": .humanAnswered,
            ]
            guard let kind = others[plain] else { return nil }
            self = kind
        }

        var activity: ActivityKind {
            switch self {
            case .workflowStarted, .workflowCompleted, .workflowFailed: .workflow
            case .agentInvoked, .agentCompleted, .agentFailed: .agent
            case .toolCalled, .toolCompleted, .toolFailed: .tool
            case .llmCalled, .llmCompleted, .llmFailed: .llm
            case .humanWaiting, .humanAnswered: .humanWait
            }
        }

        var isFailure: Bool {
            self == .workflowFailed || self == .agentFailed || self == .toolFailed
                || self == .llmFailed
        }

        /// It may announce what another event ends.
        var mayBegin: Bool {
            switch self {
            case .workflowStarted, .agentInvoked, .toolCalled, .llmCalled, .humanWaiting: true
            default: false
            }
        }
    }

    public var kind: Kind
    /// Unix nanoseconds, of the end of what has a duration.
    public var time: UInt64
    public var traceIDHigh: UInt64 = 0
    public var traceIDLow: UInt64 = 0
    public var session = ""
    public var service = ""
    public var agent = ""
    public var parentAgent = ""
    public var workflow = ""
    public var tool = ""
    public var model = ""
    public var provider = ""
    public var user = ""
    public var errorType = ""
    /// That was told as `error`, which may say more than a type.
    var isErrorMessage = false
    /// Names one run or call, so that its beginning and its end are known as one.
    public var run = ""
    /// Nanoseconds; nil when it was not said.
    public var duration: UInt64?
    public var tokens = ActivityTokens()
    /// USD; not a number when it was not said.
    public var cost = Double.nan

    /// Why a document is no event.
    public struct Fault: Error, Equatable { public let reason: String }

    /// `now` is Unix nanoseconds, for events that do not say their time.
    public init(_ document: JSONValue, now: UInt64) throws(Fault) {
        guard document.members != nil else { throw Fault(reason: "an event is an object") }
        guard let type = document["event_type"]?.string ?? document["type"]?.string else {
            throw Fault(reason: "event_type is missing; it is a text such as agent.completed")
        }
        guard let kind = Kind(type) else {
            let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw Fault(reason: "there is no event_type \(type.shortened()); known are \(known)")
        }
        self.kind = kind
        time = now
        let payload = document["payload"] ?? .object([])
        guard payload.members != nil else { throw Fault(reason: "payload is an object") }
        let texts = PostedEventTexts(document, payload: payload)
        agent = try texts.text(.agent)
        parentAgent = try texts.text(.parentAgent)
        workflow = try texts.text(.workflow)
        tool = try texts.text(.tool)
        model = try texts.text(.model)
        provider = try texts.text(.provider)
        service = try texts.text(.service)
        session = try texts.text(.session)
        user = try texts.text(.user)
        errorType = try texts.text(.errorType)
        if errorType.isEmpty {
            errorType = try texts.text(.error)
            isErrorMessage = !errorType.isEmpty
        }
        run = try texts.text(.run)
        try readTime(document, payload)
        try readTrace(document)
        tokens = try ActivityTokens(posted: payload)
        try readCost(payload)
    }

    private mutating func readTime(_ document: JSONValue, _ payload: JSONValue) throws(Fault) {
        if let value = document.first("time", "timestamp") {
            if let text = value.string, let time = unixNanoseconds(rfc3339: text) {
                self.time = time
            } else if let seconds = value.number, seconds > 0, seconds < 9.2e9 {
                time = UInt64(seconds * 1e9)
            } else {
                throw Fault(
                    reason: "time is RFC 3339, as 2026-11-20T08:15:00Z, or seconds since 1970")
            }
        }
        for (name, factor) in [("duration_ms", 1e6), ("duration", 1e9), ("duration_seconds", 1e9)] {
            guard let value = payload[name], value != .null else { continue }
            guard let number = value.number, number >= 0, number * factor <= 2.592e15 else {
                throw Fault(reason: "\(name) is a number from 0 to 30 days")
            }
            duration = UInt64(number * factor)
        }
    }

    private mutating func readTrace(_ document: JSONValue) throws(Fault) {
        guard let value = document["trace_id"], value != .null else { return }
        guard let text = value.string, !text.isEmpty, text.unicodeScalars.count <= 256 else {
            throw Fault(reason: "trace_id is a text of 1 to 256 characters")
        }
        if text.utf8.count == 32, text.utf8.allSatisfy({ hexValue($0) != nil }) {
            for (place, digit) in text.utf8.enumerated() {
                let value = UInt64(hexValue(digit) ?? 0)
                if place < 16 {
                    traceIDHigh = traceIDHigh << 4 | value
                } else {
                    traceIDLow = traceIDLow << 4 | value
                }
            }
            guard traceIDHigh | traceIDLow != 0 else {
                throw Fault(reason: "trace_id is all zeros, which no trace has")
            }
        } else {
            // An id of somebody's own making stands for one of OpenTelemetry's.
            traceIDHigh = PostedEvent.hash(text, seed: 0x7ACE)
            traceIDLow = PostedEvent.hash(text, seed: 0x7ACF)
        }
    }

    private mutating func readCost(_ payload: JSONValue) throws(Fault) {
        guard let value = payload.first("cost", "cost_usd") else { return }
        guard let number = value.number, number >= 0, number <= 1e6 else {
            throw Fault(reason: "cost is a number of US dollars from 0 to 1000000")
        }
        cost = number
    }

    static func hash(_ text: String, seed: UInt64) -> UInt64 {
        let bytes = Array(text.utf8)
        return max(1, unsafe bytes.withUnsafeBytes { unsafe MadeID.hash($0, seed: seed) })
    }
}
