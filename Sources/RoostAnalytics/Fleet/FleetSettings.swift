/// What the fleet keeps, and when it calls a run stuck.
public struct FleetSettings: Sendable {
    /// Runs that are not over, held at the same time; beyond it the quietest is given up.
    public var openWorkflows = 10_000
    /// Runs that are over, held to be looked at.
    public var finishedWorkflows = 2_000
    /// Activities held of all runs together, 72 bytes each.
    public var steps = 216_000
    /// Activities held of one run; of more, those in the middle are folded into a count.
    public var stepsPerWorkflow = 128
    /// Of these the first so many are never folded.
    public var firstSteps = 32
    public var agents = 1_024
    public var sessions = 14_000
    /// Workflow names whose usual silences are known.
    public var workflowNames = 512
    /// Nanoseconds without a sign of life that are never called stuck.
    public var shortestStuck: UInt64 = 300_000_000_000
    /// How many times the usual silence of a workflow is stuck.
    public var stuckFactor = 3.0

    public init() {}
}

/// Where a workflow run stands.
public enum WorkflowState: UInt8, Sendable, CaseIterable {
    /// Announced; nothing below it has begun. Goes to any other.
    case pending
    /// Goes to `waiting` and to those that are over.
    case running
    /// Somebody has to answer before it goes on. Goes back to `running`, or is over.
    case waiting
    /// Over. So are the next two; all of them go back to `running` only when the run turns out to go
    /// on, which can be when its root had not ended.
    case completed
    case failed
    /// It was given up: what was announced never ended, or what stands above its calls never came.
    case abandoned

    public var isOpen: Bool { rawValue <= WorkflowState.waiting.rawValue }

    /// As it is written in JSON.
    public var text: String { "\(self)" }

    public init?(text: some StringProtocol) {
        guard let state = WorkflowState.allCases.first(where: { $0.text == text }) else {
            return nil
        }
        self = state
    }
}

/// Where the run of an agent, a call or any other step stands.
public enum StepState: UInt8, Sendable {
    /// Announced; nothing below it is known.
    case pending
    case running
    case completed
    case failed
    /// Announced, and given up.
    case abandoned

    public var text: String { "\(self)" }
}
