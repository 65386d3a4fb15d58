import RoostCore

/// Makes activities of posted events: what one announces and another ends is one activity.
///
/// An event that names its run (`run_id`) is matched by that, others with the oldest of the same
/// trace, agent and tool that has begun. What the end does not say, its beginning has said. A value
/// with one home.
public struct EventFolder: Sendable {
    private struct Trace: Hashable {
        let high: UInt64
        let low: UInt64
    }

    /// What has begun and not ended.
    private struct Begun {
        let activity: ActivityKind
        let agent: String
        let tool: String
        let workflow: String
        let run: String
        let service: String
        let model: String
        let provider: String
        let session: String
        let user: String
        let spanID: UInt64
        let parent: UInt64
        let time: UInt64

        init(_ event: PostedEvent, spanID: UInt64, parent: UInt64) {
            activity = event.kind.activity
            (agent, tool, workflow, run) = (event.agent, event.tool, event.workflow, event.run)
            (service, model, provider) = (event.service, event.model, event.provider)
            (session, user) = (event.session, event.user)
            (self.spanID, self.parent) = (spanID, parent)
            time = event.time
        }

        /// How much memory it takes. Short texts take none of their own.
        var bytes: Int {
            MemoryLayout<Self>.stride
                + [agent, tool, workflow, run, service, model, provider, session, user]
                .reduce(0) { $1.utf8.count > 15 ? $0 + 32 + $1.utf8.count : $0 }
        }

        /// Says for the end what that does not say itself.
        func complete(_ end: inout PostedEvent) {
            if end.agent.isEmpty { end.agent = agent }
            if end.tool.isEmpty { end.tool = tool }
            if end.workflow.isEmpty { end.workflow = workflow }
            if end.service.isEmpty { end.service = service }
            if end.model.isEmpty { end.model = model }
            if end.provider.isEmpty { end.provider = provider }
            if end.session.isEmpty { end.session = session }
            if end.user.isEmpty { end.user = user }
        }

        func isEnded(by event: PostedEvent) -> Bool {
            guard activity == event.kind.activity, run.isExactly(event.run) else { return false }
            guard run.isEmpty else { return true }
            guard activity == .workflow else {
                return agent.isExactly(event.agent) && tool.isExactly(event.tool)
            }
            return workflow.isExactly(event.workflow) || workflow.isEmpty || event.workflow.isEmpty
        }
    }

    private var open: [Trace: [Begun]] = [:]
    /// In the order in which something first began in them, for when there are too many.
    private var order: [Trace] = []
    private var lastID: UInt64
    private static let mostTraces = 10_000
    private static let mostPerTrace = 64

    /// Traces in which something has begun.
    var openTraces: Int { open.count }
    /// What has begun in them takes so much memory, at most `mostBytes`.
    private(set) var bytes = 0
    var mostBytes: Int { min(10 << 20, memory >> 5) }
    /// All that the process may take, in bytes; a small part of it is for what has begun.
    public var memory = Int.max

    /// `seed` makes the ids of this folder differ from those of others.
    public init(seed: UInt64) { lastID = seed }

    /// Adds the activity that an event tells of.
    public mutating func fold(_ event: PostedEvent, into batch: inout ActivityBatch) {
        var event = event
        var activity = Activity()
        activity.kind = event.kind.activity
        activity.source = .log
        activity.flags.insert(.isDerivedTrace)
        (activity.traceIDHigh, activity.traceIDLow) = traceID(of: event)
        let trace = Trace(high: activity.traceIDHigh, low: activity.traceIDLow)
        activity.end = event.time
        activity.start = event.time
        if event.kind.mayBegin, event.duration == nil {
            activity.phase = .pending
            activity.spanID = nextID()
            activity.parentSpanID = parent(of: event, trace)
            remember(
                trace,
                Begun(event, spanID: activity.spanID, parent: activity.parentSpanID))
        } else if let begun = take(event, trace) {
            activity.spanID = begun.spanID
            activity.parentSpanID = begun.parent
            activity.start = min(begun.time, event.time)
            begun.complete(&event)
        } else {
            activity.spanID = nextID()
            activity.parentSpanID = parent(of: event, trace)
            if event.duration == nil { activity.flags.insert(.isInstant) }
        }
        if let duration = event.duration {
            activity.start = event.time > duration ? event.time - duration : 0
        }
        if activity.phase == .finished { activity.status = event.kind.isFailure ? .error : .ok }
        fill(&activity, event, &batch)
        batch.activities.append(activity)
    }

    private func fill(
        _ activity: inout Activity, _ event: PostedEvent, _ batch: inout ActivityBatch
    ) {
        func add(_ text: String) -> TextRef { batch.add(Array(text.utf8)) }
        activity.service = add(event.service.isEmpty ? "events" : event.service)
        activity.name = add(event.kind.rawValue)
        activity.agent = add(event.agent)
        activity.workflow = add(event.workflow)
        activity.tool = add(event.tool)
        activity.modelAnswered = add(event.model)
        activity.provider = add(event.provider)
        activity.session = add(event.session)
        activity.user = add(event.user)
        if event.kind.isFailure {
            activity.errorType = add(event.errorType.isEmpty ? "error" : event.errorType)
        }
        guard activity.phase == .finished else { return }
        if activity.kind == .workflow { activity.flags.insert(.tellsEnd) }
        activity.tokens = event.tokens
        activity.reportedCost = event.cost
        let isCall = activity.kind == .llm
        if !isCall, !event.tokens.isEmpty || !event.cost.isNaN {
            // What an agent used as a whole repeats what its calls tell.
            activity.flags.insert(.usageIsAggregate)
        }
    }

    /// Its own trace, else that of its session, else one of its own.
    private mutating func traceID(of event: PostedEvent) -> (UInt64, UInt64) {
        if event.traceIDHigh | event.traceIDLow != 0 {
            return (event.traceIDHigh, event.traceIDLow)
        }
        guard !event.session.isEmpty else { return (nextID(), nextID()) }
        return (
            PostedEvent.hash(event.session, seed: 0x5E51),
            PostedEvent.hash(event.session, seed: 0x5E52)
        )
    }

    /// What has begun and is around it: its agent, or the agent above that, else the workflow.
    private func parent(of event: PostedEvent, _ trace: Trace) -> UInt64 {
        guard let around = open[trace] else { return 0 }
        let activity = event.kind.activity
        // Workflows of one session stand beside each other, those of one trace within each other.
        if activity == .workflow, event.traceIDHigh | event.traceIDLow == 0 { return 0 }
        let above = activity == .agent ? event.parentAgent : event.agent
        if activity != .workflow, activity != .agent || !above.isEmpty,
            let agent = around.last(where: { $0.activity == .agent && $0.agent.isExactly(above) })
        {
            return agent.spanID
        }
        let workflows = around.filter { $0.activity == .workflow }
        let own = workflows.last { $0.workflow.isExactly(event.workflow) && activity != .workflow }
        return (own ?? workflows.last)?.spanID ?? 0
    }

    private mutating func remember(_ trace: Trace, _ new: Begun) {
        // One with names of megabytes shall not push out the others.
        guard new.bytes <= mostBytes / 16 else { return }
        if open[trace] == nil { order.append(trace) }
        open[trace, default: []].append(new)
        bytes += new.bytes
        if let count = open[trace]?.count, count > Self.mostPerTrace {
            // The workflow is what the others stand in.
            let oldest = open[trace]?.firstIndex { $0.activity != .workflow } ?? 0
            bytes -= open[trace]?.remove(at: oldest).bytes ?? 0
        }
        if order.count > Self.mostTraces || bytes > mostBytes { makeRoom() }
    }

    /// Leaves a tenth free. Traces in which nothing is going on any more go first.
    private mutating func makeRoom() {
        var seen = Set<Trace>()
        order = order.reversed().filter { open[$0] != nil && seen.insert($0).inserted }.reversed()
        var gone = 0
        while gone < order.count,
            order.count - gone > Self.mostTraces / 10 * 9 || bytes > mostBytes / 10 * 9
        {
            for old in open.removeValue(forKey: order[gone]) ?? [] { bytes -= old.bytes }
            gone += 1
        }
        order.removeFirst(gone)
    }

    private mutating func take(_ event: PostedEvent, _ trace: Trace) -> Begun? {
        guard let place = open[trace]?.firstIndex(where: { $0.isEnded(by: event) }) else {
            return nil
        }
        let ended = open[trace]?.remove(at: place)
        bytes -= ended?.bytes ?? 0
        // Nothing else has begun in it; its place in `order` goes when its turn comes.
        if open[trace]?.isEmpty == true { open[trace] = nil }
        return ended
    }

    private mutating func nextID() -> UInt64 {
        // SplitMix64's step, so that ids look like any others.
        lastID = lastID &+ 0x9E37_79B9_7F4A_7C15
        var mixed = lastID
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return max(1, mixed ^ mixed >> 31)
    }
}
