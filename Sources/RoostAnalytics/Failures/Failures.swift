public import RoostIngest

/// What the failures are kept of.
public struct FailureSettings: Sendable {
    /// Failures held; older ones make room.
    public var records = 10_000
    /// Types of errors by component that are counted apart.
    public var types = 256
    /// Nanoseconds after which a failure that nothing was heard of again is not recovered.
    public var longestOpen: UInt64 = 7_200_000_000_000
    /// Nanoseconds between a failure and what may still be a recovery from it.
    public var longestPause: UInt64 = 600_000_000_000

    public init() {}
}

/// The failures of late, and whether they were got over.
///
/// Only what is counted for good (`ended`, `workflowEnded`) makes a failure. What followed it is
/// looked up in the `Fleet`, which must have taken the same fact before. A plain value; it knows no
/// clock but the times it is given.
public struct Failures: Sendable {
    let settings: FailureSettings
    /// A ring: a record stands at its id modulo the number of places.
    var records: [FailureRecord] = []
    /// Place of the latest record of a trace.
    private var traces = SlotIndex()
    /// The latest failed run by session and workflow.
    private var sessions: [UInt64: UInt64] = [:]
    /// Ids of those that are `open`, or whose run is, in no order, and where the next look begins.
    private var waiting: [UInt64] = []
    private var hand = 0
    /// The first stand for types that found no room, one for each component.
    var types = FailureComponent.allCases.map { FailureType(component: $0) }
    static let others = FailureComponent.allCases.count
    private var typeRows: [UInt64: Int32] = [:]
    var clock = FailureClock()
    /// Everything that ended, by component.
    var attempts = [FailureRate](repeating: FailureRate(), count: FailureComponent.allCases.count)
    /// The greatest id.
    public private(set) var count: UInt64 = 0
    /// How many turned out to be none.
    var withdrawn: UInt64 = 0
    /// Unix nanoseconds of arrival of the first fact; 0 is none.
    var began: UInt64 = 0
    /// Unix nanoseconds by the senders' clocks, not after arrival: when the latest of everything ended.
    var latestEnd: UInt64 = 0

    private static let mostInTrace = 64
    private static let mostSessions = 4_096
    private static let looksPerTick = 256

    public init(_ settings: FailureSettings = FailureSettings()) { self.settings = settings }

    /// Takes in a fact that arrived at `now`, Unix nanoseconds, and that the fleet has taken.
    @inline(__always)
    public mutating func take(
        _ fact: AgentFact, _ symbols: Symbols, now: UInt64, fleet: borrowing Fleet
    ) {
        if count(fact, now: now) { follow(fact, symbols, now: now, fleet) }
    }

    /// Counts what ended; false when there is nothing more to it, which is most often.
    @inline(__always)
    private mutating func count(_ fact: AgentFact, now: UInt64) -> Bool {
        switch fact.kind {
        case .ended, .workflowEnded:
            let component =
                fact.kind == .ended ? FailureComponent(fact.activity) : .some(.workflow)
            guard let component else { return false }
            if began == 0 { began = now }
            latestEnd = max(latestEnd, min(fact.end, now))
            clock.turn(to: now)
            attempts[Int(component.rawValue)].add(clock)
            return fact.kind == .workflowEnded || fact.status == .error
        case .traceClosed: return count > 0
        case .began, .seen, .usage, .workflowCorrected: return false
        }
    }

    private mutating func follow(
        _ fact: AgentFact, _ symbols: Symbols, now: UInt64, _ fleet: borrowing Fleet
    ) {
        switch fact.kind {
        case .ended:
            guard let component = FailureComponent(fact.activity) else { return }
            add(fact, component, symbols, now: now, fleet)
        case .workflowEnded:
            if fact.status == .error { add(fact, .workflow, symbols, now: now, fleet) }
            if count > 0 { endRun(fact, fleet) }
        case .traceClosed: closeTrace(fact, fleet)
        case .began, .seen, .usage, .workflowCorrected: break
        }
    }

    /// Looks, once a second, at some of the failures that may still be got over, or were sooner than
    /// is known yet.
    public mutating func tick(now: UInt64, fleet: borrowing Fleet) {
        var looks = min(waiting.count, Self.looksPerTick)
        while looks > 0, !waiting.isEmpty {
            looks -= 1
            if hand >= waiting.count { hand = 0 }
            let id = waiting[hand]
            if let place = place(of: id), mayChange(place, fleet) {
                look(place, fleet)
                if records[place].outcome == .open,
                    now.less(records[place].heard) > settings.longestOpen
                {
                    settle(place, .unrecovered)
                }
            }
            if let place = place(of: id), mayChange(place, fleet) {
                hand += 1
            } else {
                waiting.swapAt(hand, waiting.count - 1)
                waiting.removeLast()
            }
        }
    }

    /// Somebody says that a failure was got over; false when it is not known or was before.
    public mutating func markRecovered(_ id: UInt64, now: UInt64) -> Bool {
        guard let place = place(of: id), records[place].outcome != .recovered,
            !records[place].isWithdrawn
        else { return false }
        recover(place, .reported, at: now, span: 0)
        return true
    }

    /// Bytes of the tables, as far as they are filled.
    public var byteCount: Int {
        records.capacity * MemoryLayout<FailureRecord>.stride + traces.byteCount
            + sessions.capacity * 24 + waiting.capacity * 8 + types.count * 640
    }

    // MARK: records

    func place(of id: UInt64) -> Int? {
        guard id > 0, id <= count else { return nil }
        let place = Int((id - 1) % UInt64(max(settings.records, 1)))
        return place < records.count && records[place].id == id ? place : nil
    }

    mutating func add(
        _ fact: AgentFact, _ component: FailureComponent, _ symbols: Symbols, now: UInt64,
        _ fleet: borrowing Fleet
    ) {
        count += 1
        var record = FailureRecord(fact, component, now: now)
        record.id = count
        record.type = type(component, fact.errorType, symbols)
        record.refusesArguments = types[Int(record.type)].refusesArguments
        record.cost = fleet.costLost(by: record)
        types[Int(record.type)].rate.add(clock)
        types[Int(record.type)].lastHeard = now
        let hash = SlotIndex.hash(fact.traceIDHigh, fact.traceIDLow)
        if let latest = find(fact.traceIDHigh, fact.traceIDLow) {
            record.previous = records[latest].id
            traces.remove(hash, Int32(latest))
        }
        let place = Int((count - 1) % UInt64(max(settings.records, 1)))
        if place < records.count {
            forget(place)
            records[place] = record
        } else {
            records.append(record)
        }
        traces.insert(hash, Int32(place))
        waiting.append(count)
        if waiting.count > settings.records * 2 { dropOldWaiting() }
        if record.previous != 0 { nameCauses(place) }
        look(place, fleet)
    }

    /// A place is given to another record.
    private mutating func forget(_ place: Int) {
        let old = records[place]
        traces.remove(SlotIndex.hash(old.traceHigh, old.traceLow), Int32(place))
    }

    private mutating func dropOldWaiting() {
        waiting = waiting.filter { id in
            place(of: id).map { records[$0].outcome == .open } ?? false
        }
        hand = 0
    }

    private func find(_ high: UInt64, _ low: UInt64) -> Int? {
        traces.find(SlotIndex.hash(high, low)) { place in
            records[Int(place)].traceLow == low && records[Int(place)].traceHigh == high
        }.map { Int($0) }
    }

    private mutating func type(
        _ component: FailureComponent, _ errorType: Int32, _ symbols: Symbols
    ) -> Int32 {
        let key = UInt64(UInt32(bitPattern: errorType)) << 8 | UInt64(component.rawValue)
        if let known = typeRows[key] { return known }
        guard types.count - Self.others < settings.types - 1 else {
            return Int32(component.rawValue)
        }
        var type = FailureType(component: component)
        type.errorType = errorType
        type.refusesArguments = FailureCategory.of(symbols.text(errorType)).refusesArguments
        types.append(type)
        let row = Int32(types.count - 1)
        typeRows[key] = row
        return row
    }

    /// It is not known any more what became of it.
    mutating func leaveOpen(_ place: Int) {
        records[place].outcome = .open
        waiting.append(records[place].id)
    }

    // MARK: what became of them

    /// Places of the failures of a trace, the latest first.
    func places(_ high: UInt64, _ low: UInt64) -> [Int] {
        var found: [Int] = []
        var next = find(high, low)
        while let place = next, found.count < Self.mostInTrace {
            found.append(place)
            next = self.place(of: records[place].previous)
        }
        return found
    }

    /// A failed agent or run comes from what failed within it last.
    private mutating func nameCauses(_ added: Int) {
        for place in places(records[added].traceHigh, records[added].traceLow)
        where place != added {
            nameCause(of: place, maybe: added)
            nameCause(of: added, maybe: place)
        }
    }

    private mutating func nameCause(of outer: Int, maybe inner: Int) {
        guard records[inner].isWithin(records[outer]) else { return }
        if let known = place(of: records[outer].cause), records[known].end >= records[inner].end {
            return
        }
        records[outer].cause = records[inner].id
    }

    /// Facts of a run come in any order: until it is over, something else may turn out to have got
    /// over a failure sooner.
    private func mayChange(_ place: Int, _ fleet: borrowing Fleet) -> Bool {
        switch records[place].outcome {
        case .open: true
        case .recovered: fleet.isOpen(records[place].traceHigh, records[place].traceLow)
        case .unrecovered: false
        }
    }

    private mutating func look(_ place: Int, _ fleet: borrowing Fleet) {
        guard records[place].strategy != .reported,
            let found = fleet.recovery(from: records[place], within: settings.longestPause),
            isSooner(found, than: records[place])
        else { return }
        if records[place].outcome == .recovered { takeBackRecovery(place) }
        recover(place, found.strategy, at: found.time, span: found.span)
    }

    /// Whatever did what had failed goes before the good end of the run.
    private func isSooner(_ found: Fleet.Recovery, than record: FailureRecord) -> Bool {
        guard record.outcome == .recovered, record.strategy != .workflowCompleted else {
            return true
        }
        return (found.time.less(record.end), found.span)
            < (record.recoveryTime, record.recoverySpan)
    }

    /// The run is over: what nothing else made good is good if the run is.
    mutating func endRun(_ fact: AgentFact, _ fleet: borrowing Fleet) {
        let isGood = fact.status != .error
        for place in places(fact.traceIDHigh, fact.traceIDLow)
        where records[place].outcome != .unrecovered {
            look(place, fleet)
            if records[place].outcome == .open, isGood, records[place].component != .workflow,
                !fleet.isRoot(records[place])
            {
                recover(place, .workflowCompleted, at: fact.end, span: fact.spanID)
            }
        }
        guard fact.session != 0 else { return }
        let key =
            fact.session ^ (UInt64(UInt32(bitPattern: fact.workflow)) &* 0x9E37_79B9_7F4A_7C15)
        if isGood {
            guard let id = sessions.removeValue(forKey: key), let place = place(of: id),
                !records[place].isWithdrawn, records[place].strategy != .reported,
                records[place].end <= fact.start,
                fact.start &- records[place].end <= FailureRate.hourLength
            else { return }
            recover(place, .rerun, at: fact.end, span: fact.spanID)
        } else {
            if sessions.count >= Self.mostSessions { sessions.removeAll(keepingCapacity: true) }
            sessions[key] = count
        }
    }

    private mutating func closeTrace(_ fact: AgentFact, _ fleet: borrowing Fleet) {
        for place in places(fact.traceIDHigh, fact.traceIDLow)
        where records[place].outcome != .unrecovered {
            look(place, fleet)
            if records[place].outcome == .open { settle(place, .unrecovered) }
        }
    }

    mutating func recover(
        _ place: Int, _ strategy: FailureStrategy, at time: UInt64, span: UInt64
    ) {
        let type = Int(records[place].type)
        if records[place].outcome == .unrecovered { types[type].unrecovered &-= 1 }
        records[place].outcome = .recovered
        records[place].strategy = strategy
        records[place].recoverySpan = span
        records[place].recoveryTime = time.less(records[place].end)
        types[type].recovered &+= 1
        types[type].strategies[Int(strategy.rawValue)] &+= 1
        types[type].recoveryTime = types[type].recoveryTime
            .addingUpTo(records[place].recoveryTime)
    }

    private mutating func settle(_ place: Int, _ outcome: FailureOutcome) {
        records[place].outcome = outcome
        types[Int(records[place].type)].unrecovered &+= 1
    }
}
