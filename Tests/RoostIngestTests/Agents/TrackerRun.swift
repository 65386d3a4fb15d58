import RoostCore
import Testing

@testable import RoostIngest

/// A tracker, the time that passes for it, and activities in a few words.
final class TrackerRun {
    static let second: UInt64 = 1_000_000_000
    /// Unix nanoseconds at which the activities' own times begin.
    static let zero: UInt64 = 1_795_000_000_000_000_000

    var tracker: AgentTracker
    /// Monotonic nanoseconds.
    var now: UInt64 = 1

    init(_ change: (inout AgentTrackerSettings) -> Void = { _ in }) {
        var settings = AgentTrackerSettings()
        change(&settings)
        tracker = AgentTracker(settings)
    }

    /// One request with these, in this order.
    func take(_ steps: Step...) { take(steps) }

    func take(_ steps: [Step]) {
        var batch = ActivityBatch()
        for step in steps { batch.activities.append(step.activity(in: &batch)) }
        tracker.take(&batch, now: now, unixNow: TrackerRun.zero)
    }

    func pass(_ seconds: UInt64) {
        now += seconds * TrackerRun.second
        tracker.tick(now: now, unixNow: TrackerRun.zero)
    }

    /// The sum of the series whose labels include these; of a histogram that of its sums.
    func sum(_ family: String, _ labels: [String: String] = [:]) -> Double {
        tracker.snapshot.values(of: family).filter { found, _ in
            labels.allSatisfy { found[$0.key] == $0.value }
        }.reduce(0) { $0 + $1.1 }
    }

    func tokens(_ labels: [String: String] = [:]) -> Double {
        sum("roost_llm_tokens_total", labels)
    }

    /// Of every series, the shared one too.
    var calls: Double { tracker.metrics.llmCalls.values.reduce(0, +) }
    var allTokens: Double { tracker.metrics.llmTokens.values.reduce(0, +) }
    var events: AgentEvents { tracker.snapshot.events }
}

/// A span of an agent's work; ids are small numbers, times seconds after `TrackerRun.zero`.
struct Step {
    var kind: ActivityKind
    var id: UInt64
    var parent: UInt64
    var trace: UInt64 = 1
    var name = ""
    var agent = ""
    var model = ""
    var modelRequested = ""
    var tool = ""
    var workflow = ""
    var user = ""
    var session = ""
    var service = "crew"
    var callID = ""
    var phase = ActivityPhase.finished
    var status = ActivityStatus.unset
    var times: (start: UInt64, end: UInt64) = (0, 10)
    /// Unix nanoseconds, in place of `times`.
    var time: UInt64?
    var input: UInt64 = 0
    var cacheRead: UInt64 = 0
    var output: UInt64 = 0
    var reasoning: UInt64 = 0
    var cost = Double.nan
    var isEvent = false
    var flags: ActivityFlags = []

    init(_ kind: ActivityKind, _ id: UInt64, below parent: UInt64 = 0) {
        self.kind = kind
        self.id = id
        self.parent = parent
    }

    /// A call to a model that read so many tokens.
    static func call(_ id: UInt64, below parent: UInt64 = 0, tokens: UInt64 = 100) -> Step {
        var step = Step(.llm, id, below: parent)
        step.model = "gpt-4o"
        step.input = tokens
        return step
    }

    static func embedding(_ id: UInt64, below parent: UInt64 = 0, tokens: UInt64) -> Step {
        var step = call(id, below: parent, tokens: tokens)
        step.kind = .embedding
        step.model = "text-embedding-3-small"
        return step
    }

    /// An agent, which may tell usage of its own.
    static func agent(
        _ name: String, _ id: UInt64, below parent: UInt64 = 0, tokens: UInt64 = 0
    ) -> Step {
        var step = Step(.agent, id, below: parent)
        step.agent = name
        if tokens > 0 {
            step.input = tokens
            step.model = "gpt-4o"
            step.flags = .usageIsAggregate
        }
        return step
    }

    static func tool(_ name: String, _ id: UInt64, below parent: UInt64 = 0) -> Step {
        var step = Step(.tool, id, below: parent)
        step.tool = name
        return step
    }

    func with(_ change: (inout Step) -> Void) -> Step {
        var step = self
        change(&step)
        return step
    }

    func at(_ start: UInt64, _ end: UInt64) -> Step { with { $0.times = (start, end) } }

    func by(_ user: String) -> Step { with { $0.user = user } }

    func of(_ session: String) -> Step { with { $0.session = session } }

    func inTrace(_ trace: UInt64) -> Step { with { $0.trace = trace } }

    /// The announcement of the same.
    var announced: Step {
        with {
            $0.phase = .pending
            $0.input = 0
            $0.flags.remove(.usageIsAggregate)
        }
    }

    fileprivate func activity(in batch: inout ActivityBatch) -> Activity {
        var activity = Activity()
        activity.kind = kind
        activity.phase = phase
        activity.status = status
        activity.traceIDLow = trace
        activity.spanID = id
        activity.parentSpanID = parent
        activity.start = TrackerRun.zero + times.start * TrackerRun.second
        activity.end = TrackerRun.zero + times.end * TrackerRun.second
        if let time { (activity.start, activity.end) = (time, time) }
        activity.source = isEvent ? .log : .span
        activity.tokens.input = input
        activity.tokens.cacheRead = cacheRead
        activity.tokens.output = output
        activity.tokens.reasoning = reasoning
        activity.reportedCost = cost
        activity.flags = flags
        func text(_ text: String) -> TextRef { batch.add(Array(text.utf8)) }
        activity.service = text(service)
        activity.name = text(name.isEmpty ? "\(kind) \(id)" : name)
        activity.agent = text(agent)
        activity.modelAnswered = text(model)
        activity.modelRequested = text(modelRequested)
        activity.tool = text(tool)
        activity.workflow = text(workflow)
        activity.user = text(user)
        activity.session = text(session)
        activity.callID = text(callID)
        return activity
    }
}
