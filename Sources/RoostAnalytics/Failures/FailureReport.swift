/// Which failures a list shows.
public struct FailureFilter: Sendable {
    public var component: FailureComponent?
    public var errorType: String?
    public var agent: String?
    public var workflow: String?
    /// In 32 hexadecimal digits' two halves.
    public var trace: (high: UInt64, low: UInt64)?
    public var outcome: FailureOutcome?
    /// Unix nanoseconds of arrival.
    public var since: UInt64 = 0
    public var limit = 50
    /// From the list before; nil is from the latest on.
    public var cursor: UInt64?

    public static let mostRows = 10_000

    public init() {}
}

/// One failure, in words.
public struct FailureRow: Sendable {
    public let id: UInt64
    public let component: FailureComponent
    /// The tool, the model, the agent or the workflow.
    public let operation: String
    public let errorType: String
    public let agent: String
    public let workflow: String
    /// Nil when the text is forgotten.
    public let session: String?
    public let traceIDHigh: UInt64
    public let traceIDLow: UInt64
    public let spanID: UInt64
    /// Unix nanoseconds by the sender's clock, and of arrival.
    public let time: UInt64
    public let heard: UInt64
    /// Nanoseconds.
    public let duration: UInt64
    /// USD; nil when unknown.
    public let costLost: Double?
    /// The failure that this one comes from; 0 is none.
    public let cause: UInt64
    public let outcome: FailureOutcome
    public let strategy: FailureStrategy
    /// Nanoseconds; 0 when not recovered.
    public let recoveryTime: UInt64
    public let recoverySpanID: UInt64
}

/// How often one component failed.
public struct FailureShare: Sendable {
    public let component: FailureComponent
    public let attempts: UInt64
    public let failures: UInt64

    /// From 0 to 1; nil without an attempt.
    public var rate: Double? {
        attempts == 0 ? nil : min(Double(failures) / Double(attempts), 1)
    }
}

/// What is known of one type of error of one component.
public struct FailureTypeRow: Sendable {
    public let component: FailureComponent
    public let errorType: String
    public let category: String
    public let suggestion: String
    public let lastHour: UInt64
    public let lastDay: UInt64
    public let total: UInt64
    public let recovered: UInt64
    public let unrecovered: UInt64
    /// The way out that worked most often.
    public let bestStrategy: FailureStrategy
    /// Nanoseconds; nil without a recovery.
    public let meanRecoveryTime: UInt64?
    /// Unix nanoseconds of arrival.
    public let lastHeard: UInt64

    /// Of those whose outcome is known; nil without one.
    public var recoveryRate: Double? {
        let known = recovered &+ unrecovered
        return known == 0 ? nil : Double(recovered) / Double(known)
    }
}

/// A list of failures and what they say together.
public struct FailureReport: Sendable {
    /// The latest first.
    public let rows: [FailureRow]
    public let cursor: UInt64?
    /// Since the start; of these the latest are held.
    public let total: UInt64
    public let held: Int
    public let recovered: UInt64
    public let unrecovered: UInt64
    public let meanRecoveryTime: UInt64?
    public let lastHour: [FailureShare]
    public let lastDay: [FailureShare]
    /// Of the last day, the most common first; at most 100.
    public let types: [FailureTypeRow]
    public let clusters: [FailureCluster]

    /// Of those whose outcome is known; nil without one.
    public var recoveryRate: Double? {
        let known = recovered &+ unrecovered
        return known == 0 ? nil : Double(recovered) / Double(known)
    }
}

extension Failures {
    /// The failures that pass the filter, and figures of all.
    public func report(
        _ filter: FailureFilter, _ symbols: Symbols, now: UInt64
    ) -> FailureReport {
        let (rows, cursor) = rows(filter, symbols)
        var (recovered, unrecovered, time): (UInt64, UInt64, UInt64) = (0, 0, 0)
        for type in types {
            recovered &+= type.recovered
            unrecovered &+= type.unrecovered
            time = time.addingUpTo(type.recoveryTime)
        }
        return FailureReport(
            rows: rows, cursor: cursor, total: count &- withdrawn,
            held: records.count { !$0.isWithdrawn }, recovered: recovered,
            unrecovered: unrecovered, meanRecoveryTime: recovered == 0 ? nil : time / recovered,
            lastHour: shares { $0.lastHour(now: now) }, lastDay: shares { $0.lastDay(now: now) },
            types: typeRows(symbols, now: now), clusters: clusters(symbols, now: now))
    }

    /// Everything that is held, for whoever looks into it afterwards.
    public func postMortem(_ symbols: Symbols, since: UInt64 = 0, now: UInt64) -> FailureReport {
        var filter = FailureFilter()
        filter.since = since
        filter.limit = FailureFilter.mostRows
        return report(filter, symbols, now: now)
    }

    /// How many failures were heard of in the last hour and day.
    public func recentCounts(now: UInt64) -> (lastHour: UInt64, lastDay: UInt64) {
        types.reduce((0, 0)) { sum, type in
            (
                sum.lastHour &+ type.rate.lastHour(now: now),
                sum.lastDay &+ type.rate.lastDay(now: now)
            )
        }
    }

    private func shares(_ number: (FailureRate) -> UInt64) -> [FailureShare] {
        FailureComponent.allCases.map { component in
            var failures: UInt64 = 0
            for type in types where type.component == component && type.rate.total > 0 {
                failures &+= number(type.rate)
            }
            return FailureShare(
                component: component, attempts: number(attempts[Int(component.rawValue)]),
                failures: failures)
        }
    }

    private func typeRows(_ symbols: Symbols, now: UInt64) -> [FailureTypeRow] {
        var rows: [(row: FailureType, day: UInt64, number: Int)] = []
        for (number, type) in types.enumerated() where type.rate.total > 0 {
            rows.append((type, type.rate.lastDay(now: now), number))
        }
        rows.sort {
            ($1.day, $1.row.rate.total, $0.number) < ($0.day, $0.row.rate.total, $1.number)
        }
        return rows.prefix(100).map { type, day, number in
            let text = number < Self.others ? Symbols.overflow : symbols.text(type.errorType)
            let category = FailureCategory.of(text)
            let best = FailureStrategy.allCases.max { first, second in
                type.strategies[Int(first.rawValue)] < type.strategies[Int(second.rawValue)]
            }
            return FailureTypeRow(
                component: type.component, errorType: text, category: category.name,
                suggestion: category.suggestion, lastHour: type.rate.lastHour(now: now),
                lastDay: day, total: type.rate.total, recovered: type.recovered,
                unrecovered: type.unrecovered,
                bestStrategy: type.recovered == 0 ? .none : best ?? .none,
                meanRecoveryTime: type.recovered == 0 ? nil : type.recoveryTime / type.recovered,
                lastHeard: type.lastHeard)
        }
    }

    // MARK: the list

    private func rows(
        _ filter: FailureFilter, _ symbols: Symbols
    ) -> (rows: [FailureRow], cursor: UInt64?) {
        var numbers: [Int32?] = []
        for text in [filter.errorType, filter.agent, filter.workflow] {
            guard let text else {
                numbers.append(nil)
                continue
            }
            guard let number = symbols.number(of: text) else { return ([], nil) }
            numbers.append(number)
        }
        let limit = min(max(filter.limit, 1), FailureFilter.mostRows)
        var rows: [FailureRow] = []
        var id = min(count, filter.cursor.map { $0.less(1) } ?? count)
        while let place = place(of: id) {
            let record = records[place]
            if record.heard < filter.since, filter.since - record.heard > FailureRate.hourLength {
                break
            }
            if isListed(record, filter, numbers) {
                if rows.count == limit { return (rows, id + 1) }
                rows.append(row(record, symbols))
            }
            id -= 1
        }
        return (rows, nil)
    }

    private func isListed(
        _ record: FailureRecord, _ filter: FailureFilter, _ numbers: [Int32?]
    ) -> Bool {
        if record.isWithdrawn || record.heard < filter.since { return false }
        if let component = filter.component, record.component != component { return false }
        if let outcome = filter.outcome, record.outcome != outcome { return false }
        if let errorType = numbers[0], record.errorType != errorType { return false }
        if let agent = numbers[1], record.agent != agent { return false }
        if let workflow = numbers[2], record.workflow != workflow { return false }
        if let trace = filter.trace {
            return record.traceHigh == trace.high && record.traceLow == trace.low
        }
        return true
    }

    private func row(_ record: FailureRecord, _ symbols: Symbols) -> FailureRow {
        FailureRow(
            id: record.id, component: record.component, operation: symbols.text(record.operation),
            errorType: symbols.text(record.errorType), agent: symbols.text(record.agent),
            workflow: symbols.text(record.workflow), session: symbols.identity(record.session),
            traceIDHigh: record.traceHigh, traceIDLow: record.traceLow, spanID: record.span,
            time: record.end, heard: record.heard, duration: record.end.less(record.start),
            costLost: record.cost.isFinite ? record.cost : nil, cause: record.cause,
            outcome: record.outcome, strategy: record.strategy, recoveryTime: record.recoveryTime,
            recoverySpanID: record.recoverySpan)
    }
}
