public import RoostCore
import RoostIngest

/// Something worth telling at once. A plain value: texts are numbers of `Symbols`.
public struct FleetEvent: Sendable {
    public enum Kind: UInt8, Sendable, CaseIterable {
        case workflowStarted, workflowCompleted, workflowFailed, workflowAbandoned, workflowStuck
        case agentInvoked, agentCompleted, agentFailed
        case toolCalled, toolFailed
        case llmCalled, llmFailed
        /// Retrievals, guardrails and evaluations.
        case stepCompleted, stepFailed
        case humanWaiting, humanAnswered

        /// As it is written in JSON: `workflow.started`.
        public var text: String {
            switch self {
            case .workflowStarted: "workflow.started"
            case .workflowCompleted: "workflow.completed"
            case .workflowFailed: "workflow.failed"
            case .workflowAbandoned: "workflow.abandoned"
            case .workflowStuck: "workflow.stuck"
            case .agentInvoked: "agent.invoked"
            case .agentCompleted: "agent.completed"
            case .agentFailed: "agent.failed"
            case .toolCalled: "tool.called"
            case .toolFailed: "tool.failed"
            case .llmCalled: "llm.called"
            case .llmFailed: "llm.failed"
            case .stepCompleted: "step.completed"
            case .stepFailed: "step.failed"
            case .humanWaiting: "human.waiting"
            case .humanAnswered: "human.answered"
            }
        }

        public var severity: Severity {
            switch self {
            case .workflowFailed: .critical
            case .workflowStuck, .agentFailed, .llmFailed: .error
            case .toolFailed, .stepFailed, .workflowAbandoned, .humanWaiting: .warning
            default: .info
            }
        }
    }

    public enum Severity: UInt8, Sendable, CaseIterable {
        case info, warning, error, critical

        public var text: String { "\(self)" }
    }

    public var kind: Kind
    /// Counts up from 1, for whoever has no better one.
    public var id: UInt64 = 0
    /// Unix nanoseconds: when it happened by the sender's clock; of `workflowStuck` and of what
    /// follows from silence, when it was noticed.
    public var time: UInt64 = 0
    public var traceIDHigh: UInt64 = 0
    public var traceIDLow: UInt64 = 0
    /// 0 is none.
    public var spanID: UInt64 = 0
    public var session: UInt64 = 0
    public var agent: Int32 = 0
    public var workflow: Int32 = 0
    public var errorType: Int32 = 0
    public var model: Int32 = 0
    public var tool: Int32 = 0
    public var name: Int32 = 0
    /// Nanoseconds; of a stuck workflow, how long it has been silent.
    public var duration: UInt64 = 0
    public var tokens: UInt64 = 0
    /// USD; not a number when unknown.
    public var cost = Double.nan

    public init(_ kind: Kind) { self.kind = kind }

    public var severity: Severity { kind.severity }

    /// One live message, in the shape of the contract.
    public func write(_ symbols: Symbols, into json: inout JSONWriter) {
        json.beginObject()
        json.field("type", kind.text)
        json.field("id", String(id))
        json.field("time", rfc3339(unixNanoseconds: time))
        json.field("severity", severity.text)
        json.field("agent", symbols.text(agent))
        json.field("workflow", symbols.text(workflow))
        json.field("trace_id", FleetID.text(traceIDHigh, traceIDLow))
        json.object("data") { data in
            if spanID != 0 { data.field("span_id", FleetID.text(spanID)) }
            if name != 0 { data.field("name", symbols.text(name)) }
            if model != 0 { data.field("model", symbols.text(model)) }
            if tool != 0 { data.field("tool", symbols.text(tool)) }
            if errorType != 0 { data.field("error_type", symbols.text(errorType)) }
            if kind != .workflowStarted, kind != .agentInvoked, kind != .humanWaiting {
                data.field("duration_ms", Double(duration) / 1e6)
                data.field("tokens", tokens)
                data.field("cost_usd", cost)
            }
            if session != 0, let text = symbols.identity(session) {
                data.field("session_id", text)
            }
        }
        json.endObject()
    }
}
