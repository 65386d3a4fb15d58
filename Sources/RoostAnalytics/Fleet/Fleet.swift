public import RoostIngest

/// What every agent is doing now: the runs of workflows, and within them those of agents, calls to
/// models and tools, as far as facts tell.
///
///     facts ──► workflows (by trace) ──► steps (72 bytes each, bounded per run and in all)
///                   │    └─► sessions
///                   └─► agents' rows, totals, events
///
/// Everything is held once: a step that is `seen` counts as provisional until `ended` replaces it.
/// A value that is large; hold it in one place. It knows no clock but the times it is given.
public struct Fleet: Sendable {
    let settings: FleetSettings
    var workflows = WorkflowTable()
    var steps: FleetStepPool
    var sessions: SessionTable
    var agents: AgentRows
    var silences: SilenceTable
    var minutes = FinishedMinutes()
    var forgotten = ForgottenRuns()
    public internal(set) var totals = FleetTotals()
    /// How many runs are in each state.
    var states = [Int](repeating: 0, count: WorkflowState.allCases.count)
    var stuck = 0
    /// Steps that were announced and are not over.
    var announced = 0
    /// The run of the fact before; -1 is none.
    var latest: Int32 = -1
    /// Unix nanoseconds: the arrival of the latest fact or tick.
    var lastNow: UInt64 = 0
    var lastEvent: UInt64 = 0
    /// Whether `take` and `tick` tell events.
    public var tellsEvents = true

    /// Events are numbered from the one after `firstEvent` on.
    public init(_ settings: FleetSettings = FleetSettings(), firstEvent: UInt64 = 0) {
        self.settings = settings
        lastEvent = firstEvent
        steps = FleetStepPool(limit: settings.steps)
        sessions = SessionTable(limit: settings.sessions)
        agents = AgentRows(limit: settings.agents)
        silences = SilenceTable(limit: settings.workflowNames)
    }

    /// Takes in a fact that arrived at `now`, Unix nanoseconds.
    public mutating func take(
        _ fact: AgentFact, _ symbols: Symbols, now: UInt64, events: inout [FleetEvent]
    ) {
        lastNow = now
        switch fact.kind {
        case .began, .seen, .ended: takeActivity(fact, now: now, &events)
        case .usage: takeUsage(fact, now: now)
        case .workflowEnded: takeEnd(fact, now: now, &events)
        case .workflowCorrected: takeCorrection(fact, now: now, &events)
        case .traceClosed: takeClosing(fact, now: now, &events)
        }
    }

    /// Finds out, once a second, which runs are stuck.
    public mutating func tick(now: UInt64, events: inout [FleetEvent]) {
        lastNow = now
        var slot = workflows.open.first
        while slot >= 0 {
            let silence = now.less(workflows[slot].lastHeard)
            guard silence > settings.shortestStuck else { break }
            if !workflows[slot].isStuck, workflows[slot].state != .waiting,
                silence > stuckLimit(workflows[slot].name)
            {
                workflows[slot].isStuck = true
                stuck += 1
                var event = event(.workflowStuck, slot)
                event.time = now
                event.duration = silence
                event.tokens = workflows[slot].tokensSoFar
                tell(event, &events)
            }
            slot = workflows[slot].livelier
        }
    }

    /// Nanoseconds without a sign of life after which a run of this workflow is stuck.
    func stuckLimit(_ name: Int32) -> UInt64 {
        guard let usual = silences.usual(name) else { return settings.shortestStuck }
        let limit = Double(usual) * settings.stuckFactor
        return max(settings.shortestStuck, limit < 1e18 ? UInt64(limit) : 1_000_000_000_000_000_000)
    }

    // MARK: what is asked most often

    public var activeWorkflows: Int { workflows.open.count }
    public var activeAgents: Int { agents.active }
    public var stuckWorkflows: Int { stuck }
    public var heldSteps: Int { steps.count }

    /// Bytes of the tables, as far as they are filled.
    public var byteCount: Int {
        workflows.byteCount + steps.byteCount + sessions.byteCount + agents.byteCount
            + silences.byteCount + forgotten.byteCount
    }

    // MARK: events

    func event(_ kind: FleetEvent.Kind, _ slot: Int32) -> FleetEvent {
        let record = workflows[slot]
        var event = FleetEvent(kind)
        event.traceIDHigh = record.traceHigh
        event.traceIDLow = record.traceLow
        event.workflow = record.name
        event.agent = record.agent
        if record.session >= 0 { event.session = sessions[record.session].hash }
        return event
    }

    mutating func tell(_ event: FleetEvent, _ events: inout [FleetEvent]) {
        guard tellsEvents else { return }
        lastEvent &+= 1
        var event = event
        event.id = lastEvent
        events.append(event)
    }
}
