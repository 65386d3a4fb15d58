public import RoostIngest

/// How budgets are kept: what was spent in the running period of each, and events when one reaches
/// another level. At most 1,000 spenders a rule. A plain value that can be written down.
public struct Budgets: Sendable {
    private(set) var tables: [BudgetTable]
    private var clock = BudgetClock()
    /// The hour in which all were looked at.
    private var checkedHour: UInt32 = 0

    public init(rules: [BudgetRule] = []) { tables = rules.map { BudgetTable($0) } }

    public var rules: [BudgetRule] { tables.map(\.rule) }

    /// Takes up other rules; what was spent under a rule that stays, with another limit perhaps,
    /// stays.
    public mutating func setRules(_ rules: [BudgetRule]) {
        let old = tables
        tables = rules.map { rule in
            var table = BudgetTable(rule)
            for known in old where known.rule.identity == rule.identity {
                for spender in known.spenders {
                    let place = table.place(
                        of: spender.subject, period: spender.period, now: spender.first)
                    table.spenders[place] = spender
                    table.spenders[place].level = BudgetLevel(
                        share: Budgets.share(spender.spent, of: rule.limit))
                }
            }
            return table
        }
    }

    /// Spenders that were forgotten for want of room.
    public var forgotten: UInt64 { tables.reduce(0) { $0 &+ $1.forgotten } }

    public mutating func take(
        _ fact: AgentFact, _ symbols: Symbols, now: UInt64
    ) -> [BudgetEvent] {
        if tables.isEmpty || now == 0 || now > .max / 4 { return [] }
        guard fact.kind == .ended || fact.kind == .usage else { return [] }
        let isPriced = fact.cost.isFinite
        if fact.tokens.isEmpty, !isPriced { return [] }
        clock.turn(to: now)
        var events: [BudgetEvent] = []
        for index in tables.indices {
            let period = clock.period(tables[index].rule.per)
            guard
                let place = tables[index].spender(fact, symbols, period: period, now: now)
            else { continue }
            if let event = beginAnew(index, place, period, now) { events.append(event) }
            switch tables[index].rule.limit {
            case .tokens:
                tables[index].spenders[place].spend(Double(fact.tokens.total), now: now)
            case .usd:
                if fact.isUnpriced { tables[index].spenders[place].unpriced &+= 1 }
                tables[index].spenders[place].spend(isPriced ? fact.cost : 0, now: now)
            }
            if let event = level(index, place, now) { events.append(event) }
        }
        return events
    }

    /// Once a second: budgets whose period is over begin anew, with an event for those that had
    /// been near their end.
    public mutating func tick(now: UInt64) -> [BudgetEvent] {
        if tables.isEmpty || now == 0 || now > .max / 4 { return [] }
        clock.turn(to: now)
        if clock.hour == checkedHour { return [] }
        checkedHour = clock.hour
        var events: [BudgetEvent] = []
        for index in tables.indices {
            let per = tables[index].rule.per
            if per == .run {
                let hour = 12 * BudgetTable.Spender.slotLength
                tables[index].forgetRuns(before: now > hour ? now - hour : 0)
                continue
            }
            for place in tables[index].spenders.indices {
                if let event = beginAnew(index, place, clock.period(per), now) {
                    events.append(event)
                }
            }
        }
        return events
    }

    private mutating func beginAnew(
        _ index: Int, _ place: Int, _ period: UInt32, _ now: UInt64
    ) -> BudgetEvent? {
        guard tables[index].spenders[place].period != period else { return nil }
        tables[index].spenders[place].period = period
        tables[index].spenders[place].spent = 0
        tables[index].spenders[place].unpriced = 0
        return level(index, place, now)
    }

    private mutating func level(_ index: Int, _ place: Int, _ now: UInt64) -> BudgetEvent? {
        let limit = tables[index].rule.limit
        let spent = tables[index].spenders[place].spent
        let level = BudgetLevel(share: Budgets.share(spent, of: limit))
        if level == tables[index].spenders[place].level { return nil }
        let spender = tables[index].spenders[place]
        let rule = tables[index].rule
        tables[index].spenders[place].level = level
        return BudgetEvent(
            rule: rule, subject: spender.subject, from: spender.level, to: level,
            spent: spender.spent, time: now)
    }

    private static func share(_ spent: Double, of limit: BudgetRule.Limit) -> Double {
        let amount = limit.amount
        return amount > 0 ? spent / amount : spent > 0 ? .infinity : 0
    }

    /// Where the budgets stand, those that are used up furthest first; a budget from which nobody
    /// has spent stands there once, unspent.
    public func states(now: UInt64, limit: Int = 100) -> [BudgetState] {
        var clock = clock
        clock.turn(to: now)
        var states: [BudgetState] = []
        for table in tables {
            let period = clock.period(table.rule.per)
            if table.spenders.isEmpty {
                let name = table.rule.scope == .all ? "" : table.rule.match
                states.append(
                    state(
                        table.rule,
                        BudgetTable.Spender(subject: name, period: period, first: now, last: now),
                        clock, now))
            }
            for var spender in table.spenders {
                if spender.period != period { (spender.spent, spender.unpriced) = (0, 0) }
                states.append(state(table.rule, spender, clock, now))
            }
        }
        states.sort {
            ($1.share, $0.rule.name, $0.subject) < ($0.share, $1.rule.name, $1.subject)
        }
        return Array(states.prefix(max(0, limit)))
    }

    private func state(
        _ rule: BudgetRule, _ spender: BudgetTable.Spender, _ clock: BudgetClock, _ now: UInt64
    ) -> BudgetState {
        let remaining = max(0, rule.limit.amount - spender.spent)
        let share = Budgets.share(spender.spent, of: rule.limit)
        let rate = spender.burnRate(now: now)
        let end = clock.end(rule.per)
        var exhausted: UInt64?
        if rate > 0, remaining > 0 {
            let wait = remaining / rate * 3.6e12
            if wait < 1e18 {
                let time = now &+ UInt64(wait)
                if time < end ?? .max { exhausted = time }
            }
        }
        return BudgetState(
            rule: rule, subject: spender.subject, spent: spender.spent, remaining: remaining,
            share: share, burnRate: rate, exhaustedAt: exhausted, resetsAt: end,
            level: BudgetLevel(share: share), unpricedCalls: spender.unpriced)
    }

    // MARK: Between two starts

    private static let mark: StaticString = "RoostBudgets"
    private static let version: UInt8 = 2
    /// Said nothing of the last hour.
    private static let olderVersion: UInt8 = 1

    /// What was spent, to be read back after a restart; runs are not kept.
    public func encoded() -> [UInt8] {
        var writer = CostBytesWriter(mark: Budgets.mark, version: Budgets.version)
        let kept = tables.filter { $0.rule.per != .run }
        writer.number(UInt(kept.count))
        for table in kept {
            writer.text(table.rule.identity)
            writer.number(UInt(table.spenders.count))
            for spender in table.spenders {
                writer.text(spender.subject)
                writer.number(spender.period)
                writer.real(spender.spent)
                writer.number(spender.unpriced)
                writer.number(spender.first)
                writer.number(spender.last)
                spender.writeRecent(into: &writer)
            }
        }
        return writer.finished()
    }

    /// What was spent under those rules that were there before; nil when the bytes are damaged.
    public init?(decoding bytes: [UInt8], rules: [BudgetRule]) {
        let current = CostBytesReader(bytes, mark: Budgets.mark, version: Budgets.version)
        guard
            var reader = current
                ?? CostBytesReader(bytes, mark: Budgets.mark, version: Budgets.olderVersion)
        else { return nil }
        self.init(rules: rules)
        for _ in 0..<reader.count() {
            let identity = reader.text()
            let index = tables.firstIndex { $0.rule.identity == identity }
            for _ in 0..<reader.count() {
                let subject = reader.text()
                let period = reader.small()
                let spent = reader.amount()
                let unpriced = reader.number()
                let (first, last) = (reader.number(), reader.number())
                var spender = BudgetTable.Spender(
                    subject: subject, period: period, first: current == nil ? 0 : first, last: last)
                if current != nil, !spender.readRecent(from: &reader) { return nil }
                if reader.isDamaged { return nil }
                guard let index else { continue }
                (spender.spent, spender.unpriced) = (spent, unpriced)
                spender.level = BudgetLevel(
                    share: Budgets.share(spent, of: tables[index].rule.limit))
                let place = tables[index].place(of: subject, period: period, now: first)
                tables[index].spenders[place] = spender
            }
        }
        if reader.isDamaged || !reader.isAtEnd { return nil }
    }
}

/// Which hour, day, week and month it is.
struct BudgetClock: Sendable {
    private(set) var hour: UInt32 = 0
    private var day: UInt32 = 0
    private var week: UInt32 = 0
    private var month: UInt32 = 0
    private var ends: (day: UInt32, week: UInt32, month: UInt32) = (0, 0, 0)

    mutating func turn(to now: UInt64) {
        let next = UInt32(truncatingIfNeeded: now / 3_600_000_000_000)
        if next == hour { return }
        hour = next
        if hour / 24 == day, day > 0 { return }
        day = hour / 24
        // The first day of 1970 was a Thursday.
        week = (day + 3) / 7
        let calendar = CostCalendar.month(of: day)
        month = UInt32(calendar.year * 12 + calendar.month)
        ends = (day + 1, (week + 1) * 7 - 3, calendar.next)
    }

    func period(_ per: BudgetRule.Period) -> UInt32 {
        switch per {
        case .run, .total: 0
        case .hour: hour
        case .day: day
        case .week: week
        case .month: month
        }
    }

    /// Unix nanoseconds when the period ends.
    func end(_ per: BudgetRule.Period) -> UInt64? {
        let hours: UInt64? =
            switch per {
            case .run, .total: nil
            case .hour: UInt64(hour) + 1
            case .day: UInt64(ends.day) * 24
            case .week: UInt64(ends.week) * 24
            case .month: UInt64(ends.month) * 24
            }
        return hours.map { $0 * 3_600_000_000_000 }
    }
}
