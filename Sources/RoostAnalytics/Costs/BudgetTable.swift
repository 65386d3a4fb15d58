import RoostCore
import RoostIngest

/// Those that spend from one budget.
struct BudgetTable: Sendable {
    let rule: BudgetRule
    var spenders: [Spender] = []
    private var byName: [ExactText: Int] = [:]
    /// By number or hash as facts have it; -1 does not belong here.
    private var byKey: [UInt64: Int] = [:]
    /// Of spenders that had to be forgotten for want of room.
    private(set) var forgotten: UInt64 = 0

    static let mostSpenders = 1_000

    struct Spender: Sendable {
        let subject: String
        /// Which hour, day, week or month it is that is spent in.
        var period: UInt32
        /// USD or tokens.
        var spent = 0.0
        var unpriced: UInt64 = 0
        /// Unix nanoseconds of the first spending that `recent` may know, 0 until there is one; and
        /// of the last of all.
        var first: UInt64
        var last: UInt64
        var level = BudgetLevel.ok
        /// By five minutes, round and round; `place` is the number of the running five.
        var recent = [Double](repeating: 0, count: slots)
        var place: UInt64 = 0

        static let slots = 12
        static let slotLength: UInt64 = 300_000_000_000

        mutating func spend(_ amount: Double, now: UInt64) {
            spent += amount
            if first == 0 { first = now }
            turn(to: now)
            recent[Int(place % UInt64(Spender.slots))] += amount
            last = now
        }

        /// Lets go of five minutes that are over an hour old.
        private mutating func turn(to now: UInt64) {
            let next = now / Spender.slotLength
            if next == place { return }
            let steps = next > place ? min(UInt64(Spender.slots), next - place) : 12
            for step in 0..<steps {
                recent[Int((next &- step) % UInt64(Spender.slots))] = 0
            }
            place = next
        }

        /// USD or tokens an hour.
        func burnRate(now: UInt64) -> Double {
            let next = now / Spender.slotLength
            var sum = 0.0
            for back in 0..<UInt64(Spender.slots) where next >= back {
                // What the ring holds of five minutes that it has not reached is an hour old.
                let slot = next - back
                if slot <= place, place - slot < UInt64(Spender.slots) {
                    sum += recent[Int(slot % UInt64(Spender.slots))]
                }
            }
            let known = now > first ? now - first : 0
            let hour = 12 * Spender.slotLength
            // The ring reaches back 55 minutes and what has passed of the running five.
            let reach = 11 * Spender.slotLength + now % Spender.slotLength
            return sum * Double(hour) / Double(max(Spender.slotLength, min(known, reach)))
        }
    }

    init(_ rule: BudgetRule) { self.rule = rule }

    /// The spender of a fact; nil when the budget is not about it.
    mutating func spender(
        _ fact: AgentFact, _ symbols: Symbols, period: UInt32, now: UInt64
    ) -> Int? {
        let key = key(fact)
        if let known = byKey[key] { return known < 0 ? nil : known }
        if byKey.count >= 8 * BudgetTable.mostSpenders { byKey.removeAll(keepingCapacity: true) }
        guard isMeant(fact, symbols) else {
            // Runs are too many to remember those that have nobody who is meant.
            if rule.per != .run { byKey[key] = -1 }
            return nil
        }
        let place = place(of: subject(fact, symbols), period: period, now: now)
        byKey[key] = place
        return place
    }

    mutating func place(of subject: String, period: UInt32, now: UInt64) -> Int {
        if let known = byName[ExactText(subject)] { return known }
        if spenders.count >= BudgetTable.mostSpenders { makeRoom() }
        spenders.append(Spender(subject: subject, period: period, first: now, last: now))
        byName[ExactText(subject)] = spenders.count - 1
        return spenders.count - 1
    }

    private func key(_ fact: AgentFact) -> UInt64 {
        let name = nameKey(fact)
        guard rule.per == .run else { return name }
        var hash = fact.traceIDHigh &* 0x9E37_79B9_7F4A_7C15 ^ fact.traceIDLow
        // Who else spends in the run has nothing to do with it.
        if name != 0 { hash = (hash ^ name) &* 0xFF51_AFD7_ED55_8CCD ^ hash >> 29 }
        return hash
    }

    private func nameKey(_ fact: AgentFact) -> UInt64 {
        switch rule.scope {
        case .session: fact.session
        case .user: fact.user
        default: UInt64(truncatingIfNeeded: number(fact))
        }
    }

    private func number(_ fact: AgentFact) -> Int32 {
        switch rule.scope {
        case .agent: fact.agent
        case .workflow: fact.workflow
        case .model: fact.model
        case .service: fact.service
        case .session, .user, .all: 0
        }
    }

    private func name(_ fact: AgentFact, _ symbols: Symbols) -> String {
        switch rule.scope {
        case .session: symbols.identity(fact.session) ?? Symbols.overflow
        case .user: symbols.identity(fact.user) ?? Symbols.overflow
        case .all: ""
        default: symbols.text(number(fact))
        }
    }

    private func isMeant(_ fact: AgentFact, _ symbols: Symbols) -> Bool {
        if rule.per == .run, fact.traceIDHigh | fact.traceIDLow == 0 { return false }
        if rule.scope == .all { return true }
        let name = name(fact, symbols)
        return rule.match == "*" ? !name.isEmpty : name.isExactly(rule.match)
    }

    private func subject(_ fact: AgentFact, _ symbols: Symbols) -> String {
        guard rule.per == .run else { return name(fact, symbols) }
        let run = BudgetTable.hex(fact.traceIDHigh) + BudgetTable.hex(fact.traceIDLow)
        return rule.scope == .all || rule.match != "*" ? run : "\(run) \(name(fact, symbols))"
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Forgets the quarter that spent longest ago.
    private mutating func makeRoom() {
        let leaving = spenders.indices.sorted { spenders[$0].last < spenders[$1].last }
            .prefix(spenders.count / 4)
        forgotten &+= UInt64(leaving.count)
        let left = Set(leaving)
        keep(spenders.indices.filter { !left.contains($0) })
    }

    /// Forgets runs without a word for an hour.
    mutating func forgetRuns(before time: UInt64) {
        guard spenders.contains(where: { $0.last < time }) else { return }
        keep(spenders.indices.filter { spenders[$0].last >= time })
    }

    private mutating func keep(_ kept: [Int]) {
        spenders = kept.map { spenders[$0] }
        byName = [:]
        for (place, spender) in spenders.enumerated() { byName[ExactText(spender.subject)] = place }
        byKey = [:]
    }
}
