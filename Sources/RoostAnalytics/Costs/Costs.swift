public import RoostIngest

/// What agents cost: overall and by agent, model, provider, workflow, session, user, service and
/// operation, by hour for two days and by day (UTC) for nine weeks, by the time of arrival.
///
/// A plain value that can be written down and read back. At most some 15 MB, typically 1.
public struct Costs: Sendable {
    var tables: [CostTable]
    /// Everything; every day on which time passed here stands in its history, were it empty.
    var all = CostTable.Row(name: "")
    /// Since the first start.
    var lifetime = CostTally()
    /// Unix nanoseconds: when it all began; 0 before.
    var since: UInt64 = 0
    /// The running hour since 1970.
    var hour: UInt32 = 0
    private var hourEnd: UInt64 = 0
    private var minute: UInt64 = 0

    static let hourLength: UInt64 = 3_600_000_000_000

    public init() {
        tables = CostDimension.allCases.map { CostTable(room: $0.room) }
    }

    /// Bytes of memory, names aside.
    public var byteCount: Int { tables.reduce(0) { $0 + $1.byteCount } }

    /// At least once a minute.
    public mutating func tick(now: UInt64) {
        advance(now)
        if now / 60_000_000_000 == minute { return }
        minute = now / 60_000_000_000
        for place in tables.indices { tables[place].allowRoom() }
    }

    public mutating func take(_ fact: AgentFact, _ symbols: Symbols, now: UInt64) {
        switch fact.kind {
        case .ended, .usage:
            let isCall = fact.activity == .llm || fact.activity == .embedding
            let isRun = fact.activity == .agent && fact.kind == .ended
            let hasSpent = isCall || !fact.tokens.isEmpty || fact.cost.isFinite
            guard hasSpent || isRun else { return }
            advance(now)
            if isRun { add(.run, .agent, fact.agent, symbols) }
            if hasSpent { spend(fact, symbols) }
        case .workflowEnded:
            advance(now)
            note(.run)
            add(.run, .workflow, fact.workflow, symbols)
            add(.run, .service, fact.service, symbols)
            add(.run, .session, hash: fact.session, symbols)
            add(.run, .user, hash: fact.user, symbols)
        case .began, .seen, .workflowCorrected, .traceClosed: break
        }
    }

    private mutating func spend(_ fact: AgentFact, _ symbols: Symbols) {
        let tally = CostTally(fact)
        note(tally)
        add(tally, .agent, fact.agent, symbols)
        add(tally, .provider, fact.provider, symbols)
        add(tally, .workflow, fact.workflow, symbols)
        add(tally, .service, fact.service, symbols)
        addModel(tally, fact, symbols)
        addOperation(tally, fact, symbols)
        add(tally, .session, hash: fact.session, symbols)
        add(tally, .user, hash: fact.user, symbols)
    }

    @inline(__always)
    private mutating func note(_ tally: CostTally) {
        all.live.add(tally)
        lifetime.add(tally)
    }

    @inline(__always)
    private mutating func add(
        _ tally: CostTally, _ dimension: CostDimension, _ number: Int32, _ symbols: Symbols
    ) {
        let place = dimension.rawValue
        let row = tables[place].row(number) { symbols.text(number) }
        tables[place].add(tally, to: row)
    }

    @inline(__always)
    private mutating func add(
        _ tally: CostTally, _ dimension: CostDimension, hash: UInt64, _ symbols: Symbols
    ) {
        let place = dimension.rawValue
        let row = tables[place].row(hash: hash) { symbols.identity(hash) }
        tables[place].add(tally, to: row)
    }

    @inline(__always)
    private mutating func addModel(_ tally: CostTally, _ fact: AgentFact, _ symbols: Symbols) {
        let place = CostDimension.model.rawValue
        let row = tables[place].row(fact.model) { symbols.text(fact.model) }
        tables[place].add(tally, to: row)
        if tables[place].rows[row].provider.isEmpty, fact.provider > 0, row > 0 {
            tables[place].setProvider(symbols.text(fact.provider), of: row)
        }
    }

    @inline(__always)
    private mutating func addOperation(_ tally: CostTally, _ fact: AgentFact, _ symbols: Symbols) {
        let place = CostDimension.operation.rawValue
        let (number, meaning): (Int32, Int) =
            switch fact.activity {
            case .llm: (fact.model, 0)
            case .embedding: (fact.model, 1)
            case .tool: (fact.tool, 2)
            default: (fact.model, 3)
            }
        let row = tables[place].row(number, meaning: meaning) {
            let kind = ["llm", "embedding", "tool", "usage"][meaning]
            let text = symbols.text(number)
            return text.isEmpty ? kind : "\(kind) \(text)"
        }
        tables[place].add(tally, to: row)
    }

    /// Follows the clock: an hour that is over goes into the histories. A clock that is set back
    /// fills hours that there were before.
    @inline(__always)
    private mutating func advance(_ now: UInt64) {
        if now < hourEnd, hourEnd &- now <= Costs.hourLength { return }
        roll(now)
    }

    @inline(never)
    private mutating func roll(_ now: UInt64) {
        guard now > 0, now < .max / 4 else { return }
        let next = UInt32(now / Costs.hourLength)
        if since == 0 { since = now }
        if hour > 0 {
            for place in tables.indices { tables[place].roll(hour: hour, now: next) }
            all.history.add(all.live, hour: hour)
            all.live = CostTally()
        }
        hour = next
        all.history.prune(hour: next)
        hourEnd = (UInt64(next) + 1) * Costs.hourLength
    }
}
